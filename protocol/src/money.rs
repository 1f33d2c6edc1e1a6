//! Money: a whole number of a currency's smallest units, and the currency.
//!
//! It never converts one currency into another, never rounds what a person typed, and never guesses which dollar or
//! which thousand was meant.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::decimal::pointed;

/// Longest text taken for an amount, bytes: 19 digits, their separators and a currency, with room.
const TEXT_BYTES: usize = 48;

/// A currency of ISO 4217 that has a smallest unit: `GBP`, not gold and not the code for testing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An amount in the smallest units of its currency: pence, cents, whole yen.
///
/// Amounts of two currencies have no order: each comparison between them is false.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Money {
    /// How many smallest units; negative where something is given back.
    pub minor: i64,
    /// Of which currency.
    pub currency: Currency,
}

/// Why text is not [`Money`], in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// No digits, or more than an amount and a currency.
    #[error("an amount reads like 500GBP, \u{a3}500 or 49.90 EUR")]
    NotAnAmount,
    /// Digits without a currency.
    #[error("which currency? write it after the amount, like 500GBP")]
    NoCurrency,
    /// Three letters, or a sign, that name no currency with a smallest unit.
    #[error("{0:?} is no currency of ISO 4217: write a code like GBP, EUR or USD")]
    UnknownCurrency(String),
    /// A sign that several currencies share.
    #[error("{sign} is the sign of several currencies: write {codes}")]
    AmbiguousSign {
        /// What was written.
        sign: &'static str,
        /// What to write in its place.
        codes: &'static str,
    },
    /// Two different currencies in one amount.
    #[error("two currencies in one amount: {0} and {1}")]
    TwoCurrencies(Currency, Currency),
    /// Below zero.
    #[error("an amount is not negative")]
    Negative,
    /// A comma or point that may part thousands or decimals.
    #[error("{amount} may mean two amounts: write {whole} without separator, or all decimals after a point")]
    AmbiguousSeparator {
        /// What was written.
        amount: String,
        /// The digits alone.
        whole: String,
    },
    /// Not as many decimals as the currency has.
    #[error("{currency} has {} decimals: write it like {}", .currency.exponent(), pointed(*.whole, .currency.exponent()))]
    Decimals {
        /// The currency.
        currency: Currency,
        /// An amount to show, in smallest units.
        whole: i64,
    },
    /// Thousands that are not groups of three digits.
    #[error("thousands are parted into groups of three digits, or not at all")]
    Grouping,
    /// More than 64 bits of smallest units.
    #[error("an amount too large to hold")]
    TooLarge,
}

/// Why two amounts do not make a third.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SumError {
    /// Amounts of two currencies.
    #[error("{0} and {1} do not add up: one amount, one currency")]
    Mismatch(Currency, Currency),
    /// A result that does not fit 64 bits of smallest units.
    #[error("an amount too large to hold")]
    TooLarge,
}

impl Currency {
    /// Pound sterling.
    pub const GBP: Self = Self(*b"GBP");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// Yen, which has no decimals.
    pub const JPY: Self = Self(*b"JPY");

    /// The currency of this code, three capital letters.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] when ISO 4217 has no such code, or none that is counted in smallest units.
    pub fn new(code: [u8; 3]) -> Result<Self, MoneyError> {
        match known(&code) {
            Some(_) => Ok(Self(code)),
            None => Err(MoneyError::UnknownCurrency(String::from_utf8_lossy(&code).into_owned())),
        }
    }

    /// The code: `GBP`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a code of ISO 4217 is three capital letters")
    }

    /// How many decimals its amounts have: 2 for the euro, 0 for the yen, 3 for some dinars.
    pub fn exponent(&self) -> u8 {
        known(&self.0).expect("a currency without smallest unit is never made")
    }
}

/// The decimals of the currency with this code, if it is one.
fn known(code: &[u8; 3]) -> Option<u8> {
    let code = std::str::from_utf8(code).ok()?;
    let exponent = iso_currency::Currency::from_code(code)?.exponent()?;
    u8::try_from(exponent).ok()
}

impl FromStr for Currency {
    type Err = MoneyError;

    /// Reads a code in capitals or not.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) => Self::new(code.map(|b| b.to_ascii_uppercase())),
            Err(_) => Err(MoneyError::UnknownCurrency(text.chars().take(12).collect())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.code())
        } else {
            self.0.serialize(serializer)
        }
    }
}

/// A code that this build does not know is refused: an amount whose decimals nobody knows cannot be shown.
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse()
        } else {
            Self::new(<[u8; 3]>::deserialize(deserializer)?)
        }
        .map_err(D::Error::custom)
    }
}

impl Money {
    /// This many smallest units of `currency`.
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Both together.
    ///
    /// # Errors
    /// [`SumError`], also for the following three.
    pub fn checked_add(self, other: Self) -> Result<Self, SumError> {
        self.same(other)?;
        self.with(i128::from(self.minor) + i128::from(other.minor))
    }

    /// This without `other`; below zero where `other` is more.
    pub fn checked_sub(self, other: Self) -> Result<Self, SumError> {
        self.same(other)?;
        self.with(i128::from(self.minor) - i128::from(other.minor))
    }

    /// The price of `quantity` things at this price each.
    pub fn checked_times(self, quantity: u32) -> Result<Self, SumError> {
        self.with(i128::from(self.minor) * i128::from(quantity))
    }

    /// This many hundredths of a percent of it: 2,000 is 20 %, 10,000 the whole.
    ///
    /// Rounded to the nearest smallest unit, and half a unit away from zero, as a till does.
    pub fn percent(self, basis_points: u32) -> Result<Self, SumError> {
        let ten_thousandths = i128::from(self.minor) * i128::from(basis_points);
        let half = if self.minor < 0 { -5_000 } else { 5_000 };
        self.with((ten_thousandths + half) / 10_000)
    }

    fn same(self, other: Self) -> Result<(), SumError> {
        if self.currency != other.currency {
            return Err(SumError::Mismatch(self.currency, other.currency));
        }
        Ok(())
    }

    fn with(self, minor: i128) -> Result<Self, SumError> {
        let minor = i64::try_from(minor).map_err(|_| SumError::TooLarge)?;
        Ok(Self { minor, ..self })
    }
}

impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.minor.cmp(&other.minor))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = pointed(self.minor, self.currency.exponent());
        f.pad(&format!("{amount} {}", self.currency))
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads what a person types: `500GBP`, `500 GBP`, `GBP 500`, `£500`, `49.90 EUR`, `1,299.00 GBP`, `US$5`.
    ///
    /// A comma or point followed by three digits alone is refused where it may be either separator.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let text = text.trim();
        if text.len() > TEXT_BYTES {
            return Err(MoneyError::NotAnAmount);
        }
        if text.contains(['-', '\u{2212}']) {
            return Err(MoneyError::Negative);
        }
        let is_digit = |c: char| c.is_ascii_digit();
        let from = text.find(is_digit).ok_or(MoneyError::NotAnAmount)?;
        let to = text.rfind(is_digit).ok_or(MoneyError::NotAnAmount)? + 1;
        let (before, amount, after) = (text[..from].trim(), &text[from..to], text[to..].trim());
        let currency = match (before, after) {
            ("", "") => return Err(MoneyError::NoCurrency),
            ("", one) | (one, "") => named(one)?,
            (one, two) => match (named(one)?, named(two)?) {
                (one, two) if one == two => one,
                (one, two) => return Err(MoneyError::TwoCurrencies(one, two)),
            },
        };
        let minor = minor_units(amount, currency)?;
        Ok(Self { minor, currency })
    }
}

/// The currency that a code or a sign names.
fn named(word: &str) -> Result<Currency, MoneyError> {
    let code = match word {
        "\u{a3}" => "GBP",
        "\u{20ac}" => "EUR",
        "\u{a5}" | "\u{ffe5}" => "JPY",
        "\u{20b9}" => "INR",
        "US$" => "USD",
        "CA$" => "CAD",
        "AU$" => "AUD",
        "NZ$" => "NZD",
        "HK$" => "HKD",
        "$" => {
            return Err(MoneyError::AmbiguousSign {
                sign: "$",
                codes: "USD, CAD, AUD, NZD or another code",
            });
        }
        "kr" | "kr." => {
            return Err(MoneyError::AmbiguousSign {
                sign: "kr",
                codes: "SEK, NOK, DKK or ISK",
            });
        }
        code => code,
    };
    code.parse()
}

/// The smallest units that `amount`, which begins and ends with a digit, is of `currency`.
fn minor_units(amount: &str, currency: Currency) -> Result<i64, MoneyError> {
    if !amount.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.') {
        return Err(MoneyError::NotAnAmount);
    }
    let exponent = usize::from(currency.exponent());
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let mut separators = amount.chars().filter(|c| !c.is_ascii_digit());
    let (whole, part) = match (separators.next(), separators.next_back()) {
        (None, _) => (amount, None),
        // One separator: decimals where their count is the currency's, a riddle where it could part thousands too.
        (Some(only), None) => {
            let (whole, part) = amount.split_once(only).expect("the separator was found in it");
            let may_group = part.len() == 3 && (1..=3).contains(&whole.len()) && whole != "0";
            if may_group && (only == ',' || exponent != 3) {
                return Err(MoneyError::AmbiguousSeparator {
                    amount: amount.to_owned(),
                    whole: digits(amount),
                });
            }
            (whole, Some(part))
        }
        // Several of one kind part thousands; of two kinds, the last one is the point.
        (Some(first), Some(last)) if first == last => {
            if separators.any(|c| c != first) {
                return Err(MoneyError::Grouping);
            }
            (amount, None)
        }
        (Some(_), Some(last)) => {
            let (whole, part) = amount.rsplit_once(last).expect("the separator was found in it");
            if whole.contains(last) {
                return Err(MoneyError::Grouping);
            }
            (whole, Some(part))
        }
    };
    let mut groups = whole.split([',', '.']);
    let first = groups.next().unwrap_or_default().len();
    let grouped = whole.contains([',', '.']);
    if grouped && (!(1..=3).contains(&first) || groups.any(|group| group.len() != 3)) {
        return Err(MoneyError::Grouping);
    }
    let whole = digits(whole);
    let part = part.unwrap_or_default();
    if !part.is_empty() && part.len() != exponent {
        let shown: String = part.chars().chain("000000000".chars()).take(exponent).collect();
        let whole = format!("{whole}{shown}").parse().unwrap_or(0);
        return Err(MoneyError::Decimals { currency, whole });
    }
    let zeros = exponent - part.len();
    let minor: i64 = format!("{whole}{part}").parse().map_err(|_| MoneyError::TooLarge)?;
    let unit = 10i64.checked_pow(u32::try_from(zeros).map_err(|_| MoneyError::TooLarge)?);
    unit.and_then(|unit| minor.checked_mul(unit))
        .ok_or(MoneyError::TooLarge)
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Money")]
struct Wire {
    minor: i64,
    currency: Currency,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let Self { minor, currency } = *self;
        Wire { minor, currency }.serialize(serializer)
    }
}

/// As [`FromStr`], and below zero too, since a record that holds a refund has to read back as it was written.
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let Wire { minor, currency } = Wire::deserialize(deserializer)?;
            return Ok(Self { minor, currency });
        }
        let text = String::deserialize(deserializer)?;
        signed(&text).map_err(D::Error::custom)
    }
}

fn signed(text: &str) -> Result<Money, MoneyError> {
    let Some(amount) = text.strip_prefix('-') else {
        return text.parse();
    };
    let least = |currency: &str| currency.parse().map(|currency| Money::new(i64::MIN, currency));
    match amount.parse::<Money>() {
        Ok(money) => Ok(Money::new(-money.minor, money.currency)),
        // The one amount whose absolute value does not fit.
        Err(MoneyError::TooLarge) => match text.rsplit_once(' ').map(|(_, code)| least(code)) {
            Some(Ok(money)) if money.to_string() == text => Ok(money),
            _ => Err(MoneyError::TooLarge),
        },
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
