//! What an item is like, and what a want asks of it: names, values and how the two compare.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    decimal::Decimal,
    fault::Fault,
    text::{Phrase, Word},
};

/// One value of an attribute.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A word or a few.
    Text(Phrase),
    /// A quantity with its unit, which may be empty.
    Number {
        /// How much.
        amount: Decimal,
        /// Of what: `kg`, `in`, `GB`; empty for a plain count.
        unit: Word,
    },
    /// Yes or no.
    Flag(bool),
}

/// One attribute of an item.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct Attribute {
    /// Lower snake case.
    pub name: Word,
    /// Its value.
    pub value: Value,
}

/// How strongly a wish is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Without it, no.
    Must,
    /// Better with it; 1 to 100.
    Prefer(u8),
    /// Better without it; 1 to 100.
    Avoid(u8),
}

/// How an item's value must stand to the asked one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The same.
    Is,
    /// As much or more.
    AtLeast,
    /// As much or less.
    AtMost,
}

/// One thing a want says about an attribute.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct Wish {
    /// The attribute's name, lower snake case.
    pub name: Word,
    /// How to compare.
    pub comparison: Comparison,
    /// With what.
    pub value: Value,
    /// How strongly it is meant.
    pub strength: Strength,
}

/// Whether a wish holds of an item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// It does.
    Met,
    /// It does not.
    Unmet,
    /// The item does not say.
    Unknown,
}

impl Wish {
    /// # Errors
    /// [`Fault::Invalid`] for a weight outside 1..=100, an empty name, or an order asked of what has none.
    pub fn check(&self) -> Result<(), Fault> {
        let invalid = |why: &str| {
            Err(Fault::Invalid {
                field: "wishes",
                why: why.into(),
            })
        };
        if self.name.is_empty() {
            return invalid("an attribute's name is empty");
        }
        if let Strength::Prefer(weight) | Strength::Avoid(weight) = self.strength
            && !(1..=100).contains(&weight)
        {
            return invalid("a weight is 1 to 100");
        }
        if self.comparison != Comparison::Is && !matches!(self.value, Value::Number { .. }) {
            return invalid("at least and at most compare numbers");
        }
        Ok(())
    }

    /// Whether the wished value is what `attributes` have. For [`Strength::Avoid`], whether the unwanted is there.
    pub fn holds(&self, attributes: &[Attribute]) -> Holds {
        match self.find(attributes) {
            None => Holds::Unknown,
            Some(attribute) => compare(&self.value, self.comparison, &attribute.value),
        }
    }

    /// The attribute that the wish is about: the one of that name; or else, of those whose names begin with it
    /// (`frame` of `frame_size`, `frame_material`), the one that has the wished value, or the only one there is.
    pub fn find<'a>(&self, attributes: &'a [Attribute]) -> Option<&'a Attribute> {
        let asked = self.name.as_str();
        if let Some(attribute) = attributes.iter().find(|attribute| attribute.name.as_str() == asked) {
            return Some(attribute);
        }
        let longer = |attribute: &&Attribute| {
            attribute
                .name
                .as_str()
                .strip_prefix(asked)
                .is_some_and(|rest| rest.starts_with('_'))
        };
        let met = |attribute: &&Attribute| compare(&self.value, self.comparison, &attribute.value) == Holds::Met;
        let mut candidates = attributes.iter().filter(longer);
        attributes
            .iter()
            .filter(longer)
            .find(met)
            .or_else(|| candidates.next().filter(|_| candidates.next().is_none()))
    }
}

fn compare(asked: &Value, comparison: Comparison, offered: &Value) -> Holds {
    if let (Some(asked), Some(offered)) = (as_flag(asked), as_flag(offered)) {
        return if asked == offered { Holds::Met } else { Holds::Unmet };
    }
    if let (Some((asked, asked_unit)), Some((offered, offered_unit))) = (as_number(asked), as_number(offered)) {
        let Some(order) = order_of(asked, &asked_unit, offered, &offered_unit) else {
            return Holds::Unknown;
        };
        let met = match comparison {
            Comparison::Is => order == Ordering::Equal,
            Comparison::AtLeast => order != Ordering::Less,
            Comparison::AtMost => order != Ordering::Greater,
        };
        return if met { Holds::Met } else { Holds::Unmet };
    }
    if comparison != Comparison::Is {
        return Holds::Unknown;
    }
    let (asked, offered) = (words(&asked.to_string()), words(&offered.to_string()));
    if !asked.is_empty() && asked.iter().all(|word| offered.contains(word)) {
        Holds::Met
    } else {
        Holds::Unmet
    }
}

/// Lower-case words of letters and digits.
pub fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Flag(flag) => Some(*flag),
        Value::Text(text) => match text.as_str().to_lowercase().as_str() {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            _ => None,
        },
        Value::Number { .. } => None,
    }
}

fn as_number(value: &Value) -> Option<(Decimal, String)> {
    match value {
        Value::Number { amount, unit } => Some((*amount, unit.as_str().to_lowercase())),
        Value::Text(text) => number_with_unit(text.as_str()).map(|(amount, unit)| (amount, unit.to_lowercase())),
        Value::Flag(_) => None,
    }
}

/// `13.5 kg`, `29in`, `2`: a number and at most one word of a unit.
fn number_with_unit(text: &str) -> Option<(Decimal, String)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
        .unwrap_or(text.len());
    let amount = text[..end].parse().ok()?;
    let unit = text[end..].trim();
    let plain = unit.chars().all(|c| c.is_alphabetic() || c == '"' || c == '%');
    plain.then(|| (amount, if unit == "\"" { "in".to_owned() } else { unit.to_owned() }))
}

/// Units of one dimension, as (name, dimension, thousandths of its smallest unit).
const UNITS: &[(&str, u8, i64)] = &[
    ("mm", 0, 1_000),
    ("cm", 0, 10_000),
    ("m", 0, 1_000_000),
    ("in", 0, 25_400),
    ("inch", 0, 25_400),
    ("inches", 0, 25_400),
    ("ft", 0, 304_800),
    ("g", 1, 1_000),
    ("kg", 1, 1_000_000),
    ("oz", 1, 28_350),
    ("lb", 1, 453_592),
    ("ml", 2, 1_000),
    ("cl", 2, 10_000),
    ("l", 2, 1_000_000),
    ("mb", 3, 1_000),
    ("gb", 3, 1_000_000),
    ("tb", 3, 1_000_000_000),
    ("w", 4, 1_000),
    ("kw", 4, 1_000_000),
];

/// How the offered amount stands to the asked one; `None` where the units have nothing in common.
fn order_of(asked: Decimal, asked_unit: &str, offered: Decimal, offered_unit: &str) -> Option<Ordering> {
    if asked_unit == offered_unit || asked_unit.is_empty() || offered_unit.is_empty() {
        return Some(offered.cmp(&asked));
    }
    let factor = |unit: &str| UNITS.iter().find(|(name, ..)| *name == unit);
    let (a, b) = (factor(asked_unit)?, factor(offered_unit)?);
    if a.1 != b.1 {
        return None;
    }
    let scaled = |amount: Decimal, factor: i64, other: Decimal| {
        let scale = amount.scale().max(other.scale());
        i128::from(amount.mantissa()) * 10i128.pow(u32::from(scale - amount.scale())) * i128::from(factor)
    };
    Some(scaled(offered, b.2, asked).cmp(&scaled(asked, a.2, offered)))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text}"),
            Self::Number { amount, unit } if unit.is_empty() => write!(f, "{amount}"),
            Self::Number { amount, unit } => write!(f, "{amount} {unit}"),
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
        }
    }
}

impl FromStr for Value {
    type Err = crate::text::TextError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        match text.to_lowercase().as_str() {
            "yes" | "true" => return Ok(Self::Flag(true)),
            "no" | "false" => return Ok(Self::Flag(false)),
            _ => {}
        }
        if let Some((amount, unit)) = number_with_unit(text)
            && let Ok(unit) = Word::new(&unit)
        {
            return Ok(Self::Number { amount, unit });
        }
        Phrase::new(text).map(Self::Text)
    }
}

/// `K=V`, `K>=V`, `K<=V` is not that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// No comparison sign.
    #[error("`{0}` is not NAME=VALUE (NAME>=NUMBER and NAME<=NUMBER work too)")]
    NoSign(String),
    /// Name or value is not what it may be.
    #[error("`{0}`: {1}")]
    Part(String, String),
}

/// An attribute's name as it is compared: lower case, `_` for spaces and hyphens.
pub fn attribute_name(text: &str) -> String {
    words(text).join("_")
}

impl Wish {
    /// A wish as a person types it: `frame=XL`, `weight<=12kg`, `fair_trade=yes`.
    ///
    /// # Errors
    /// [`WishError`] quoting what was typed.
    pub fn parse(text: &str, strength: Strength) -> Result<Self, WishError> {
        let (name, comparison, value) = if let Some((name, value)) = text.split_once(">=") {
            (name, Comparison::AtLeast, value)
        } else if let Some((name, value)) = text.split_once("<=") {
            (name, Comparison::AtMost, value)
        } else if let Some((name, value)) = text.split_once('=') {
            (name, Comparison::Is, value)
        } else {
            return Err(WishError::NoSign(text.into()));
        };
        let part = |why: String| WishError::Part(text.into(), why);
        let wish = Self {
            name: Word::new(&attribute_name(name)).map_err(|error| part(error.to_string()))?,
            comparison,
            value: value
                .parse()
                .map_err(|error: crate::text::TextError| part(error.to_string()))?,
            strength,
        };
        if value.trim().is_empty() {
            return Err(part("the value is empty".into()));
        }
        wish.check().map_err(|fault| part(fault.to_string()))?;
        Ok(wish)
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.comparison {
            Comparison::Is => "=",
            Comparison::AtLeast => ">=",
            Comparison::AtMost => "<=",
        };
        write!(f, "{}{sign}{}", self.name, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(pairs: &[(&str, &str)]) -> Vec<Attribute> {
        pairs
            .iter()
            .map(|(name, value)| Attribute {
                name: Word::new(name).unwrap(),
                value: value.parse().unwrap(),
            })
            .collect()
    }

    fn holds(wish: &str, pairs: &[(&str, &str)]) -> Holds {
        Wish::parse(wish, Strength::Must).unwrap().holds(&item(pairs))
    }

    #[test]
    fn a_short_name_finds_the_longer_one_that_is_meant() {
        let bike = [("frame_size", "XL"), ("frame_material", "steel")];
        assert_eq!(holds("frame=xl", &bike), Holds::Met);
        assert_eq!(holds("frame=steel", &bike), Holds::Met);
        assert_eq!(holds("frame=m", &bike), Holds::Unknown);
        assert_eq!(holds("frame=m", &bike[..1]), Holds::Unmet);
    }

    #[test]
    fn what_the_item_does_not_say_is_unknown() {
        assert_eq!(holds("fair trade=yes", &[("colour", "red")]), Holds::Unknown);
        assert_eq!(holds("fair trade=yes", &[("fair_trade", "no")]), Holds::Unmet);
    }

    #[test]
    fn units_of_one_dimension_compare() {
        assert_eq!(holds("weight<=12kg", &[("weight", "11500 g")]), Holds::Met);
        assert_eq!(holds("memory>=64GB", &[("memory", "0.5 TB")]), Holds::Met);
        assert_eq!(holds("wheel=29in", &[("wheel", "29\"")]), Holds::Met);
        assert_eq!(holds("weight<=12kg", &[("weight", "20 in")]), Holds::Unknown);
    }

    #[test]
    fn a_colour_is_met_by_a_richer_one_and_not_by_another() {
        assert_eq!(holds("colour=black", &[("colour", "Matt Black")]), Holds::Met);
        assert_eq!(holds("colour=black", &[("colour", "blackberry")]), Holds::Unmet);
    }

    #[test]
    fn a_wish_without_a_sign_is_told_how_to_write_one() {
        assert!(
            Wish::parse("frame XL", Strength::Must)
                .unwrap_err()
                .to_string()
                .contains("NAME=VALUE")
        );
    }
}
