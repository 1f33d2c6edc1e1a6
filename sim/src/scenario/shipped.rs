//! The scenarios that come with the program, by name.

use super::{Error, Scenario, nearest};

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// Each shipped scenario's name and text: markets, networks, attacks, published results.
        pub const SHIPPED: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*
        ];
    };
}

shipped![
    "quiet-market",
    "busy-saturday",
    "fifty-strollers",
    "flash-sale",
    "market-10000",
    "phone-heavy",
    "partition",
    "churn-30",
    "hundred-thousand",
    "million",
    "sybil",
    "eclipse",
    "censor",
    "black-hole",
    "cold-boot",
    "covert-flash",
    "dawn",
    "control-spam",
    "forgery",
    "offer-flood",
    "bait-and-switch",
    "harvest",
    "spies",
    "first-spy-flood",
    "first-spy-mesh",
    "reference-row",
    "gerbil-simsub-1000",
    "gerbil-simsub-250",
    "gerbil-simsub-500",
    "hardening-censor",
    "hardening-cold-boot",
    "hardening-covert-flash",
    "hardening-eclipse",
    "hardening-network-degradation-1000",
    "hardening-network-degradation-4000",
    "idontwant-500kb-with",
    "idontwant-500kb-without",
    "subnet-blob-msg",
    "vac-duplicates",
    "waku-rln-1000",
];

impl Scenario {
    /// The shipped scenario of this name.
    pub fn shipped(name: &str) -> Result<Self, Error> {
        let found = SHIPPED.iter().find(|(shipped, _)| *shipped == name);
        match found {
            Some((name, text)) => Self::parse(name, text),
            None => Err(Error {
                file: name.to_owned(),
                at: None,
                key: String::new(),
                expected: "no such file, and no shipped scenario of that name; `scenarios list` tells them all".into(),
                nearest: nearest(name, SHIPPED.iter().map(|(name, _)| *name)).map(str::to_owned),
            }),
        }
    }
}
