//! How long `cast` waits: a length of time, or a number of offers.

use std::str::FromStr;

use intentcast_protocol::{limits, time::Seconds};

use crate::times::duration;

/// Until when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// So long.
    For(Seconds),
    /// Until so many offers are there, or no more are taken.
    Offers(usize),
}

impl FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            let most = usize::from(limits::OFFERS_PER_INTENT);
            return match text.parse() {
                Ok(count) if (1..=most).contains(&count) => Ok(Self::Offers(count)),
                _ => Err(format!("1 to {most} offers")),
            };
        }
        duration(text)
            .map(Self::For)
            .map_err(|error| format!("{error}, or a number of offers"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_counts_offers_and_a_unit_counts_time() {
        assert_eq!("3".parse(), Ok(Wait::Offers(3)));
        assert_eq!("3s".parse(), Ok(Wait::For(Seconds(3))));
        for text in ["", "0", "65", "soon", "-1"] {
            assert!(text.parse::<Wait>().is_err(), "{text}");
        }
    }
}
