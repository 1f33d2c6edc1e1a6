//! Settings that people write in TOML: where a mistake is, and what was probably meant.

use serde::de::DeserializeOwned;

/// Longest settings file, bytes; one of a few hundred rules has a tenth of it.
pub const MAX_BYTES: usize = 256 * 1024;

/// A mistake in a settings file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct TomlError {
    /// Where, from 1.
    pub line: usize,
    /// What does not hold, and what would.
    pub why: String,
}

/// What `text` says.
///
/// # Errors
/// [`TomlError`] with the line, and for an unknown key the one most like it.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, TomlError> {
    if text.len() > MAX_BYTES {
        return Err(TomlError {
            line: 1,
            why: format!("{} bytes, where {MAX_BYTES} are read", text.len()),
        });
    }
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        TomlError {
            line,
            why: why(error.message()),
        }
    })
}

/// Adds the nearest of the keys that would have been taken.
fn why(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let message = message.trim();
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return message.to_owned();
    }
    let given = quoted.next().unwrap_or_default();
    match nearest(given, quoted) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message.to_owned(),
    }
}

/// The one of `words` that takes the fewest edits to become `given`, if that is at most half its length.
pub fn nearest<'a>(given: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (given.chars().count() / 2).max(1);
    words
        .map(|word| (edits(given, word), word))
        .filter(|(edits, _)| *edits <= most)
        .min()
        .map(|(_, word)| word)
}

/// Levenshtein distance in characters, letters' case aside.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let swapped = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = swapped.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
