//! What a strand's value looks like, and how what a person typed becomes the one spelling that is kept.
//!
//! It refuses what cannot be meant and never repeats a value in saying why.

use std::fmt;

use zeroize::Zeroizing;

use crate::{decimal::Decimal, limits::SEALED_VALUE_BYTES, text::Text};

/// Bytes of a mail address (RFC 5321), and of the part before the `@`.
pub(super) const EMAIL_BYTES: usize = 254;
pub(super) const LOCAL_BYTES: usize = 64;
/// Lines of an address.
const LINES: usize = 10;

/// What a value looks like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Form {
    /// A mail address.
    Email,
    /// A phone number with its country.
    Phone,
    /// A postal address: two lines or more.
    Address,
    /// Anything, in lines.
    Text,
    /// A day.
    Date,
    /// A number and one of these units.
    Number(Vec<&'static str>),
    /// One of these.
    Choice(Vec<&'static str>),
}

/// A value that its strand does not hold: what it would look like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotSo(String);

impl Form {
    /// The form that a cell of the vocabulary says.
    pub(super) fn of_cell(cell: &'static str) -> Option<Self> {
        let list = |list: &'static str| list.split(',').collect();
        Some(match cell.split_once(' ') {
            None => match cell {
                "email" => Self::Email,
                "phone" => Self::Phone,
                "address" => Self::Address,
                "text" => Self::Text,
                "date" => Self::Date,
                _ => return None,
            },
            Some(("number", units)) => Self::Number(list(units)),
            Some(("choice", of)) => Self::Choice(list(of)),
            Some(_) => return None,
        })
    }

    /// The value that was meant by `typed`, in the one spelling that is kept: trimmed, in Unicode's form C, lines split
    /// by line feeds.
    ///
    /// # Errors
    /// [`NotSo`], which says what the value would look like and not what it was.
    pub fn read(&self, typed: &str) -> Result<Zeroizing<String>, NotSo> {
        if typed.len() > SEALED_VALUE_BYTES {
            return Err(NotSo(format!(
                "{} bytes, where a value has at most {SEALED_VALUE_BYTES}",
                typed.len()
            )));
        }
        let text = lines(typed)?;
        let read = match self {
            Self::Email => email(&text),
            Self::Phone => phone(&text),
            Self::Address => address(&text),
            Self::Text => (!text.is_empty()).then(|| text.to_string()),
            Self::Date => is_day(&text).then(|| text.to_string()),
            Self::Number(units) => number(&text, units),
            Self::Choice(of) => of
                .iter()
                .find(|choice| choice.eq_ignore_ascii_case(&text))
                .map(ToString::to_string),
        };
        let read = Zeroizing::new(read.ok_or_else(|| NotSo(self.to_string()))?);
        // What is added, such as a space before a unit, may be one byte too many.
        if read.len() > SEALED_VALUE_BYTES {
            return Err(NotSo(format!("a value has at most {SEALED_VALUE_BYTES} bytes")));
        }
        Ok(read)
    }
}

/// What a value looks like, for a person.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email => f.write_str("a mail address looks like ann@example.org"),
            Self::Phone => f.write_str(
                "a phone number begins with + and its country, like +44 1482 300300, without a (0) between them",
            ),
            Self::Address => f.write_str(
                "an address is two lines or more, or parts with commas, like 1 Whitefriargate, Hull HU1 2ER",
            ),
            Self::Text => f.write_str("text, of at least one character"),
            Self::Date => f.write_str("a day is written year-month-day, like 1990-04-30"),
            Self::Number(units) => write!(
                f,
                "a number above zero and its unit, {}, like 186 {}",
                units.join(" or "),
                units.first().copied().unwrap_or_default()
            ),
            Self::Choice(of) => write!(f, "one of {}", of.join(", ")),
        }
    }
}

/// Each line folded and clean, empty ones dropped.
fn lines(typed: &str) -> Result<Zeroizing<String>, NotSo> {
    // Composing may make text longer; what is too long then is said to be.
    let mut text = Zeroizing::new(String::with_capacity(typed.len() * 2));
    for line in typed.lines() {
        let line = Text::<SEALED_VALUE_BYTES>::new(line).map_err(|why| NotSo(why.to_string()))?;
        if !line.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(line.as_str());
        }
    }
    Ok(text)
}

/// The address with its domain in small letters.
fn email(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let is_email = text.len() <= EMAIL_BYTES
        && local.len() <= LOCAL_BYTES
        && local.split('.').all(is_atom)
        && domain.contains('.')
        && domain.split('.').all(is_label);
    is_email.then(|| format!("{local}@{}", domain.to_lowercase()))
}

/// The number as E.164 has it.
fn phone(text: &str) -> Option<String> {
    // It is there to be left out, and half of all programs leave it in.
    if text.contains("(0)") {
        return None;
    }
    let digits = text.strip_prefix('+')?;
    let digits: String = digits
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')'))
        .collect();
    let is_number = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    is_number.then(|| format!("+{digits}"))
}

/// Its lines; one line with commas is split at them.
fn address(text: &str) -> Option<String> {
    let parts: Vec<&str> = match text.contains('\n') {
        true => text.lines().collect(),
        false => text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect(),
    };
    (2..=LINES).contains(&parts.len()).then(|| parts.join("\n"))
}

/// Whether it is a day of the Gregorian calendar, by ISO 8601.
fn is_day(text: &str) -> bool {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shaped {
        return false;
    }
    let part = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap_or_default();
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    year > 0 && (1..=days).contains(&day)
}

/// Number, space, unit.
fn number(text: &str, units: &[&str]) -> Option<String> {
    let at = text.find(|c: char| c.is_alphabetic())?;
    let (digits, unit) = text.split_at(at);
    let unit = units.iter().find(|own| own.eq_ignore_ascii_case(unit.trim()))?;
    let number: Decimal = digits.trim().parse().ok()?;
    (number.mantissa() > 0).then(|| format!("{number} {unit}"))
}
