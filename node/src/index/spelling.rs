//! What English writes in two ways, and what people call by several names.

/// British words whose American spelling no rule gives, and the other way round: each as it is compared.
const RESPELT: &[(&str, &str)] = &[
    ("aluminium", "aluminum"),
    ("analogue", "analog"),
    ("axe", "ax"),
    ("catalogue", "catalog"),
    ("cheque", "check"),
    ("cosy", "cozy"),
    ("defence", "defense"),
    ("doughnut", "donut"),
    ("draught", "draft"),
    ("grey", "gray"),
    ("jewellery", "jewelry"),
    ("kerb", "curb"),
    ("licence", "license"),
    ("mould", "mold"),
    ("moustache", "mustache"),
    ("plough", "plow"),
    ("programme", "program"),
    ("pyjama", "pajama"),
    ("pyjamas", "pajamas"),
    ("sceptic", "skeptic"),
    ("storey", "story"),
    ("sulphur", "sulfur"),
    ("tyre", "tire"),
    ("tyres", "tires"),
    ("woollen", "woolen"),
    ("yoghurt", "yogurt"),
];

/// Endings and what they are compared as: long enough that `four` and `entry` stay.
const ENDINGS: &[(&str, &str)] = &[
    ("olour", "olor"),
    ("olours", "olors"),
    ("oloured", "olored"),
    ("avour", "avor"),
    ("avours", "avors"),
    ("avoured", "avored"),
    ("abour", "abor"),
    ("ehaviour", "ehavior"),
    ("armour", "armor"),
    ("entre", "enter"),
    ("entres", "enters"),
    ("metre", "meter"),
    ("metres", "meters"),
    ("litre", "liter"),
    ("litres", "liters"),
    ("fibre", "fiber"),
    ("fibres", "fibers"),
    ("heatre", "heater"),
    ("alibre", "aliber"),
    ("aniser", "anizer"),
    ("anisers", "anizers"),
    ("erilise", "erilize"),
    ("eriliser", "erilizer"),
    ("erilisers", "erilizers"),
    ("oisturiser", "oisturizer"),
    ("aveller", "aveler"),
    ("avelling", "aveling"),
    ("abelled", "abeled"),
];

/// The American spelling of a lower-case word, where it has another.
pub fn american(word: &str) -> Option<String> {
    if let Ok(at) = RESPELT.binary_search_by_key(&word, |(british, _)| british) {
        return Some(RESPELT[at].1.to_owned());
    }
    ENDINGS.iter().find_map(|(british, american)| {
        let before = word.strip_suffix(british)?;
        Some(format!("{before}{american}"))
    })
}

/// Names for the same thing, in English. A name of two words stands for both together.
const SAME: &[&[&str]] = &[
    &["aa", "lr6"],
    &["aaa", "lr03"],
    &["bike", "bicycle", "cycle"],
    &["bluray", "blu ray"],
    &["cell phone", "mobile phone", "smartphone", "cellphone"],
    &["cooker", "stove", "range"],
    &["cot", "crib"],
    &["earbuds", "earphones", "in ear headphones"],
    &["earphones", "headphones"],
    &["ebike", "e bike", "electric bike", "pedelec"],
    &["fridge", "refrigerator"],
    &["hard drive", "hard disk", "hdd"],
    &["hob", "cooktop"],
    &["hoover", "vacuum cleaner"],
    &["jumper", "sweater", "pullover"],
    &["laptop", "notebook"],
    &["memory stick", "usb stick", "flash drive", "pen drive", "usb drive"],
    &["mouse pad", "mouse mat"],
    &["mtb", "mountain bike"],
    &["nappy", "diaper"],
    &["pacifier", "dummy", "soother"],
    &["pc", "computer"],
    &["pram", "pushchair", "buggy", "stroller"],
    &["ps3", "playstation 3"],
    &["ps4", "playstation 4"],
    &["ps5", "playstation 5"],
    &["rucksack", "backpack"],
    &["sat nav", "satnav", "gps navigator"],
    &["sofa", "couch", "settee"],
    &["spanner", "wrench"],
    &["ssd", "solid state drive"],
    &["tap", "faucet"],
    &["tele", "telly", "television", "tv"],
    &["torch", "flashlight"],
    &["trainers", "sneakers"],
    &["tumble dryer", "clothes dryer"],
    &["twin", "double", "tandem"],
    &["washer", "washing machine"],
    &["webcam", "web camera"],
    &["wifi", "wi fi", "wlan"],
];

/// The other names of what these words are called together; `said` is lower case, its words parted by one space.
pub fn same(said: &str) -> impl Iterator<Item = &'static str> {
    let is =
        move |name: &str| name == said || name.strip_suffix('s') == Some(said) || said.strip_suffix('s') == Some(name);
    let groups: Vec<&'static [&'static str]> = SAME
        .iter()
        .copied()
        .filter(|names| names.iter().any(|name| is(name)))
        .collect();
    let said = said.to_owned();
    groups.into_iter().flatten().copied().filter(move |name| *name != said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_are_one_word() {
        assert!(RESPELT.is_sorted_by_key(|(british, _)| *british));
        for (british, us) in [
            ("colour", "color"),
            ("grey", "gray"),
            ("centre", "center"),
            ("fibres", "fibers"),
        ] {
            assert_eq!(american(british).as_deref(), Some(us));
        }
        assert_eq!(
            (american("four"), american("tour"), american("entry")),
            (None, None, None)
        );
    }

    #[test]
    fn a_thing_has_its_other_names() {
        assert_eq!(same("fridges").collect::<Vec<_>>(), ["fridge", "refrigerator"]);
        assert_eq!(same("playstation 4").collect::<Vec<_>>(), ["ps4"]);
        assert_eq!(same("hull").count(), 0);
    }
}
