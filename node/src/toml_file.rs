//! TOML that a person wrote, read into a type, with errors that say on which line, and what was probably meant.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::Path,
};

use intentcast_protocol::near::nearest;
use serde::de::DeserializeOwned;

/// Largest file read, bytes; rules and configuration are a page or two.
pub const FILE_BYTES: usize = 256 * 1024;

/// Why a file is not what it should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct Wrong {
    /// Counted from 1, where it is one line's fault.
    pub line: Option<usize>,
    /// Why.
    pub why: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// The value that `text` says.
///
/// # Errors
/// [`Wrong`]; for a key that does not exist, with the nearest one that does.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Wrong> {
    if text.len() > FILE_BYTES {
        return Err(Wrong {
            line: None,
            why: format!("longer than {FILE_BYTES} bytes"),
        });
    }
    toml::from_str(text).map_err(|error| Wrong {
        line: error.span().map(|span| line_of(text, span.start)),
        why: explain(error.message()),
    })
}

/// The text of a file no longer than such files are.
///
/// # Errors
/// Where it cannot be read, or is no text.
pub fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    // One more than fits, so that too long is seen as such.
    fs::File::open(file)?
        .take(FILE_BYTES as u64 + 1)
        .read_to_string(&mut text)?;
    Ok(text)
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// An unknown key's message names all keys there are; a person wants the one that was meant.
fn explain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else {
        return message.trim().replace('\n', ", ");
    };
    let mut names = rest.split('`').skip(1).step_by(2);
    let unknown = names.next().unwrap_or_default();
    let known: Vec<&str> = names.collect();
    match nearest(unknown, known.iter().copied(), 1).first() {
        Some(near) => format!("unknown key `{unknown}`; did you mean `{near}`?"),
        None => format!("unknown key `{unknown}`; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read for its errors alone")]
    struct Shop {
        name: String,
        delivery: Option<u32>,
    }

    fn error(text: &str) -> String {
        parse::<Shop>(text).unwrap_err().to_string()
    }

    #[test]
    fn a_slip_in_a_key_is_told_with_its_line_and_what_was_meant() {
        assert_eq!(
            error("name = 'a'\n\ndelivry = 3\n"),
            "line 3: unknown key `delivry`; did you mean `delivery`?"
        );
        assert_eq!(
            error("name = 'a'\nxyz = 3"),
            "line 2: unknown key `xyz`; there are name, delivery"
        );
    }

    #[test]
    fn other_errors_keep_their_line() {
        assert!(error("name = 'a'\ndelivery = 'x'").starts_with("line 2: "));
        assert!(error("name = ").starts_with("line 1: "));
        assert!(error(&" ".repeat(FILE_BYTES + 1)).contains("longer"));
    }
}
