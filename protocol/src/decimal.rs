//! Exact decimal numbers for attributes and measures: an integer and how many of its digits stand after the point.
//!
//! There is one spelling of each number, so that equal numbers are equal bytes, and no floating point anywhere.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Digits after the point at most: a nanometre in a metre.
pub const MAX_SCALE: u8 = 9;

/// `mantissa` divided by ten to the power `scale`; the mantissa has no trailing zeros behind the point.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Decimal {
    mantissa: i64,
    scale: u8,
}

/// Why text or bytes are not a [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one point among them.
    #[error("a number is digits with at most one point between them, like 12 or -0.5")]
    NotANumber,
    /// More digits after the point than [`MAX_SCALE`].
    #[error("a number has at most {MAX_SCALE} digits after the point")]
    TooFine,
    /// Digits that do not fit 64 bits.
    #[error("a number too large to hold: at most 18 digits in all are always safe")]
    TooLarge,
    /// A second spelling, on the wire, of a number that has a shorter one.
    #[error("a number with zeros at its end, where only the shortest spelling is taken")]
    NotShortest,
}

impl Decimal {
    /// `mantissa / 10^scale`, shortened to its one spelling.
    ///
    /// # Errors
    /// [`DecimalError::TooFine`] when what remains has more than [`MAX_SCALE`] digits after the point.
    pub fn new(mut mantissa: i64, mut scale: u8) -> Result<Self, DecimalError> {
        if mantissa == 0 {
            return Ok(Self::default());
        }
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        if scale > MAX_SCALE {
            return Err(DecimalError::TooFine);
        }
        Ok(Self { mantissa, scale })
    }

    /// The digits as one integer.
    pub fn mantissa(self) -> i64 {
        self.mantissa
    }

    /// How many of the digits stand after the point, at most [`MAX_SCALE`].
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// The value in units of 10^-9: every decimal on one scale, and never an overflow, since 2^63 x 10^9 < 2^127.
    fn nano(self) -> i128 {
        i128::from(self.mantissa) * 10i128.pow(u32::from(MAX_SCALE - self.scale))
    }
}

impl From<i32> for Decimal {
    fn from(whole: i32) -> Self {
        Self {
            mantissa: i64::from(whole),
            scale: 0,
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano().cmp(&other.nano())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads `12`, `-0.5`, `+3.00`; a point needs a digit on both sides.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, part) = match digits.split_once('.') {
            Some((_, "")) => return Err(DecimalError::NotANumber),
            Some(parts) => parts,
            None => (digits, ""),
        };
        if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(DecimalError::NotANumber);
        }
        let part = part.trim_end_matches('0');
        let scale = u8::try_from(part.len()).map_err(|_| DecimalError::TooFine)?;
        if scale > MAX_SCALE {
            return Err(DecimalError::TooFine);
        }
        let mut mantissa = 0i64;
        for digit in whole.bytes().chain(part.bytes()).map(|b| i64::from(b - b'0')) {
            // Downwards for a negative number, so that the least i64 is reached without passing its absolute value.
            let digit = if negative { -digit } else { digit };
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|m| m.checked_add(digit))
                .ok_or(DecimalError::TooLarge)?;
        }
        Self::new(mantissa, scale)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&pointed(self.mantissa, self.scale))
    }
}

/// `minor` with a point before its last `scale` digits: `-5`, 2 is `-0.05`.
pub(crate) fn pointed(minor: i64, scale: u8) -> String {
    let scale = usize::from(scale);
    let sign = if minor < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{part}")
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Decimal")]
struct Wire {
    mantissa: i64,
    scale: u8,
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let Self { mantissa, scale } = *self;
        Wire { mantissa, scale }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(Readable);
        }
        let Wire { mantissa, scale } = Wire::deserialize(deserializer)?;
        let decimal = Self::new(mantissa, scale).map_err(D::Error::custom)?;
        if (decimal.mantissa, decimal.scale) != (mantissa, scale) {
            return Err(D::Error::custom(DecimalError::NotShortest));
        }
        Ok(decimal)
    }
}

/// Where people write numbers, a whole one needs no quotes; one with a point does, lest a float round it.
struct Readable;

impl serde::de::Visitor<'_> for Readable {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or a decimal number in quotes, like \"0.5\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, whole: i64) -> Result<Decimal, E> {
        Decimal::new(whole, 0).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, whole: u64) -> Result<Decimal, E> {
        let whole = i64::try_from(whole).map_err(|_| E::custom(DecimalError::TooLarge))?;
        self.visit_i64(whole)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn zeros_at_the_end_say_nothing() {
        assert_eq!(decimal("1.50"), decimal("1.5"));
        assert_eq!(decimal("-0.000"), decimal("0"));
        assert_eq!(decimal("1.5000000000000000000000"), decimal("1.5"));
        assert_eq!(decimal("100").mantissa(), 100);
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        assert!(decimal("2") > decimal("1.999999999"));
        assert!(decimal("-2") < decimal("-1.5"));
        assert!(decimal("9223372036854775807") > decimal("0.000000001"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", "-", ".", ".5", "5.", "1.2.3", "1e3", "1,5", " 1", "--1", "\u{0661}", "NaN",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError::NotANumber), "{text}");
        }
        assert_eq!("0.0000000001".parse::<Decimal>(), Err(DecimalError::TooFine));
        assert_eq!("9223372036854775808".parse::<Decimal>(), Err(DecimalError::TooLarge));
        assert_eq!(decimal("-9223372036854775808").mantissa(), i64::MIN);
    }

    #[test]
    fn a_longer_spelling_on_the_wire_is_refused() {
        for (mantissa, scale) in [(150, 2), (0, 1), (15, 10), (10, 255)] {
            assert!(decode::<Decimal>(&encode(&Wire { mantissa, scale })).is_err());
        }
        assert_eq!(
            decode::<Decimal>(&encode(&Wire { mantissa: 15, scale: 1 })),
            Ok(decimal("1.5"))
        );
    }

    #[test]
    fn people_write_numbers_as_text_or_whole() {
        assert_eq!(serde_json::to_string(&decimal("1.50")).unwrap(), "\"1.5\"");
        assert_eq!(serde_json::from_str::<Decimal>("27").unwrap(), decimal("27"));
        assert_eq!(serde_json::from_str::<Decimal>("\"27.50\"").unwrap(), decimal("27.5"));
        assert!(serde_json::from_str::<Decimal>("27.5").is_err());
    }

    proptest! {
        #[test]
        fn a_number_reads_as_it_is_written(mantissa: i64, scale in 0..=MAX_SCALE) {
            let decimal = Decimal::new(mantissa, scale).unwrap();
            prop_assert_eq!(decimal.to_string().parse(), Ok(decimal));
            prop_assert_eq!(decode::<Decimal>(&encode(&decimal)), Ok(decimal));
        }

        #[test]
        fn equal_numbers_are_the_same_number(a: i64, s in 0..=MAX_SCALE, b: i64, t in 0..=MAX_SCALE) {
            let (a, b) = (Decimal::new(a, s).unwrap(), Decimal::new(b, t).unwrap());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[-+0-9.a]{0,40}") {
            let _ = text.parse::<Decimal>();
        }
    }
}
