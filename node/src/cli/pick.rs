//! Ids as people type them: the beginning of one is enough, as long as it means one alone.

use std::str::FromStr;

use anyhow::Result;
use clap::builder::{TypedValueParser, ValueParserFactory};

use super::Failure;

/// Digits below which a beginning says too little.
const LEAST: usize = 6;
/// Digits of a whole id.
const WHOLE: usize = 64;

/// An id or its beginning, in hexadecimal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefix(String);

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim().to_ascii_lowercase();
        let fits = (LEAST..=WHOLE).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if fits {
            Ok(Self(digits))
        } else {
            Err(format!(
                "an id is {WHOLE} hexadecimal digits, or the first {LEAST} or more of them"
            ))
        }
    }
}

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl Prefix {
    /// All digits of one id, where there are all.
    pub fn whole(&self) -> Option<&str> {
        (self.0.len() == WHOLE).then_some(self.0.as_str())
    }

    /// The one of `ids` that begins so.
    ///
    /// # Errors
    /// When none does, or several do.
    pub fn pick<T: ToString>(&self, what: &str, ids: impl IntoIterator<Item = T>) -> Result<T> {
        let mut fitting: Vec<T> = ids
            .into_iter()
            .filter(|id| id.to_string().starts_with(&self.0))
            .collect();
        match fitting.len() {
            1 => Ok(fitting.swap_remove(0)),
            0 => anyhow::bail!("no {what} {}: `{what} list` shows them", self.0),
            _ => {
                let several: Vec<String> = fitting
                    .iter()
                    .take(4)
                    .map(|id| id.to_string()[..16].to_owned())
                    .collect();
                let why = format!(
                    "{} may be any {what} of {}: write more digits",
                    self.0,
                    several.join(", ")
                );
                Err(Failure::usage(why).into())
            }
        }
    }
}

impl ValueParserFactory for Prefix {
    type Parser = clap::builder::ValueParser;

    fn value_parser() -> Self::Parser {
        clap::builder::ValueParser::from(clap::builder::StringValueParser::new().try_map(|text| text.parse::<Self>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intentcast_protocol::id::OfferId;

    fn ids() -> Vec<OfferId> {
        let id = |last| {
            let mut bytes = [0xab; 32];
            bytes[4] = last;
            OfferId(bytes)
        };
        vec![id(1), id(2)]
    }

    #[test]
    fn a_beginning_means_the_one_that_begins_so() {
        let prefix: Prefix = "ABABABAB02".parse().unwrap();
        assert_eq!(prefix.pick("offer", ids()).unwrap(), ids()[1]);
    }

    #[test]
    fn a_beginning_of_several_or_none_picks_none() {
        let pick = |text: &str| {
            text.parse::<Prefix>()
                .unwrap()
                .pick("offer", ids())
                .unwrap_err()
                .to_string()
        };
        assert!(pick("ababab").contains("write more digits"));
        assert!(pick("cccccc").contains("no offer cccccc"));
    }

    #[test]
    fn what_is_no_id_is_said_to_be_none() {
        for text in ["", "abcde", "ghijkl", &"a".repeat(65)] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }
}
