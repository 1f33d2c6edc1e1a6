//! The scenarios that come with the program, by name.

use super::{Error, Scenario, nearest};

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// Each shipped scenario's name and text, by name.
        pub const SHIPPED: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*
        ];
    };
}

shipped!["quiet-market",];

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
