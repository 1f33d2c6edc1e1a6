//! What is wrong with a scenario, for the person who wrote it: file, line, key, what was expected, nearest name.

use std::fmt;

use toml::de::{DeTable, DeValue};

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The file, as its reader called it.
    pub file: String,
    /// Line and column, from 1; none when the fault is in no single place.
    pub at: Option<(usize, usize)>,
    /// The key with the tables it is in, as `links.latency`; empty at the top.
    pub key: String,
    /// What is wrong and what was expected.
    pub expected: String,
    /// A name that was perhaps meant.
    pub nearest: Option<String>,
}

/// A value that TOML allows and the simulator does not: its key and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub key: String,
    pub expected: String,
}

impl Fault {
    pub fn new(key: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            expected: expected.into(),
        }
    }
}

impl Error {
    /// That TOML, or its types, do not allow this text.
    pub(crate) fn of_toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().to_owned();
        let span = error.span();
        let key = span.clone().map(|span| key_at(text, span.start)).unwrap_or_default();
        Self {
            file: file.to_owned(),
            at: span.map(|span| place(text, span.start)),
            key,
            nearest: nearest_in(&message),
            expected: message,
        }
    }

    /// That a file cannot be read.
    pub(crate) fn of_file(file: &str, why: &str) -> Self {
        Self {
            file: file.to_owned(),
            at: None,
            key: String::new(),
            expected: why.to_owned(),
            nearest: None,
        }
    }

    /// That there is no such key to set.
    pub(super) fn of_key(file: &str, key: &str, why: String) -> Self {
        Self {
            file: file.to_owned(),
            at: None,
            key: key.to_owned(),
            expected: why,
            nearest: None,
        }
    }

    /// That a value of a text makes no sense.
    #[cfg(feature = "report")]
    pub(crate) fn of_value(file: &str, text: &str, key: &str, expected: &str) -> Self {
        Self::of_fault(file, text, Fault::new(key, expected))
    }

    pub(super) fn of_fault(file: &str, text: &str, fault: Fault) -> Self {
        let Fault { key, expected } = fault;
        let at = find(text, &key).map(|start| place(text, start));
        Self {
            file: file.to_owned(),
            at,
            key,
            expected,
            nearest: None,
        }
    }
}

impl Error {
    /// A text that somebody else wrote as an error may show it: what could play with a terminal, reorder or hide what
    /// stands beside it is spelled out, line feeds as well. Done twice, it is as done once.
    pub fn shown(text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_control() || is_hidden(c) {
                shown.extend(c.escape_default());
            } else {
                shown.push(c);
            }
        }
        shown
    }
}

/// Bidirectional marks and characters that nobody sees; the same that no text of the market may have.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::shown(&self.file))?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", Self::shown(&self.key))?;
        }
        write!(f, ": {}", Self::shown(&self.expected))?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{}`?", Self::shown(nearest)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Line and column of a byte, both from 1; columns count characters.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    (line, column)
}

/// The names in a message of the form "unknown field `x`, expected one of `a`, `b`", and of them the one most like x.
fn nearest_in(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let wrong = names.next()?;
    nearest(wrong, names).map(str::to_owned)
}

/// The name most like this one, if any is like it at all.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(wrong, name), name));
    let best = scored.filter(|(like, _)| *like >= 0.5);
    best.reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, name)| name)
}

/// The dotted key whose own name or value covers this byte.
fn key_at(text: &str, byte: usize) -> String {
    let mut path = Vec::new();
    if let Ok(table) = DeTable::parse(text) {
        descend(table.get_ref(), byte, &mut path);
    }
    path.join(".")
}

fn descend(table: &DeTable<'_>, byte: usize, path: &mut Vec<String>) {
    for (key, value) in table {
        let on_key = key.span().contains(&byte);
        if !on_key && !covers(value.get_ref(), value.span(), byte) {
            continue;
        }
        path.push(key.get_ref().to_string());
        if on_key {
            return;
        }
        match value.get_ref() {
            DeValue::Table(inner) => descend(inner, byte, path),
            DeValue::Array(items) => {
                for item in items {
                    if let DeValue::Table(inner) = item.get_ref()
                        && covers(item.get_ref(), item.span(), byte)
                    {
                        descend(inner, byte, path);
                    }
                }
            }
            _ => {}
        }
        return;
    }
}

/// A table under a header spans its header alone, so what it holds is asked, too.
fn covers(value: &DeValue<'_>, span: std::ops::Range<usize>, byte: usize) -> bool {
    if span.contains(&byte) {
        return true;
    }
    match value {
        DeValue::Table(table) => table
            .iter()
            .any(|(key, value)| key.span().contains(&byte) || covers(value.get_ref(), value.span(), byte)),
        DeValue::Array(items) => items.iter().any(|item| covers(item.get_ref(), item.span(), byte)),
        _ => false,
    }
}

/// Where a dotted key's value begins, or that of the nearest table around it that the text has.
fn find(text: &str, key: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut at = None;
    let mut parts = key.split('.').peekable();
    while let Some(part) = parts.next() {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let Some((spanned, mut value)) = table.iter().find(|(key, _)| key.get_ref() == name) else {
            break;
        };
        at = Some(match parts.peek() {
            Some(_) => spanned.span().start,
            None => value.span().start,
        });
        if let (Some(index), DeValue::Array(items)) = (index, value.get_ref()) {
            let Some(item) = items.get(index) else { break };
            at = Some(item.span().start);
            value = item;
        }
        let DeValue::Table(inner) = value.get_ref() else { break };
        table = inner;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    /// Nothing in it that a terminal would take for more than a letter.
    fn is_plain(text: &str) -> bool {
        !text.chars().any(|c| c.is_control() || is_hidden(c))
    }

    #[test]
    fn a_hostile_key_is_spelled_out() {
        let error = Scenario::parse("a.toml", "nodes = 3\n\"\\u001b[2Jevil\" = 1\n").expect_err("no such key");
        let told = error.to_string();
        assert!(is_plain(&told), "{told:?}");
        assert!(told.contains("\\u{1b}[2Jevil") && told.contains("a.toml:2:1"), "{told}");
    }

    #[test]
    fn a_hostile_file_or_name_is_spelled_out() {
        let error = Scenario::parse("\u{1b}]0;x\u{7}\n\u{202e}.toml", "nodes = 0").expect_err("no nodes");
        assert!(is_plain(&error.to_string()), "{error:?}");
        let named = Scenario::parse("a.toml", "name = \"\\u001b[2J\\u202e\"\nnodes = 30").expect("sound");
        let changes = [("nodes".to_owned(), toml::Value::Integer(0))];
        let told = named.with(&changes).expect_err("no nodes").to_string();
        assert!(is_plain(&told) && told.contains("\\u{202e}"), "{told:?}");
    }

    #[test]
    fn what_is_spelled_out_stays_as_it_is() {
        let once = Error::shown("Gr\u{fc}\u{df}e\t\u{1b}[2J\u{200b}");
        assert_eq!(once, "Gr\u{fc}\u{df}e\\t\\u{1b}[2J\\u{200b}");
        assert_eq!(Error::shown(&once), once);
    }
}
