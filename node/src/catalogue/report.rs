//! What became of the rows of a file.

use std::fmt;

/// Bad rows that are kept to be shown; the rest is counted.
const SHOWN: usize = 20;
/// Columns that are named.
const SHOWN_UNREAD: usize = 8;
/// Characters of a bad value that are shown.
const VALUE_CHARS: usize = 60;

/// How many rows became what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Rows read, the line of column names aside.
    pub read: u64,
    /// The first columns of which nothing is made.
    pub unread: Vec<String>,
    /// How many more there are.
    pub more_unread: usize,
    /// Items that came of them.
    pub taken: u64,
    /// Rows whose id an earlier row has too: the last one counts.
    pub duplicates: u64,
    /// Rows that are no goods: further pictures, parents of variants, drafts, things that are no products.
    pub beside: u64,
    /// Items whose category another vocabulary's number or path named.
    pub filed_by_code: u64,
    /// Items whose category a name or a text of the row named.
    pub filed_by_text: u64,
    /// Items whose category only the title told, or the mapping's constant.
    pub filed_by_title: u64,
    /// What the rows say of kinds that led to no category, the commonest first, and how often.
    pub unmapped: Vec<(String, u64)>,
    /// Items whose category nobody knows: `general`.
    pub unfiled: u64,
    /// Items whose GTIN was left out, since its check digit does not hold.
    pub gtin_dropped: u64,
    /// Items some of whose text or attributes did not fit and were cut.
    pub shortened: u64,
    /// Items whose id was too long and was cut, with a hash of the whole at its end.
    pub ids_shortened: u64,
    /// The first rows with an id that was there before.
    pub repeated: Vec<BadRow>,
    /// The first bad rows.
    pub bad: Vec<BadRow>,
    /// How many more there were.
    pub more_bad: u64,
}

/// A row that no item came of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadRow {
    /// The line it begins on, from 1.
    pub line: u64,
    /// The column; empty where the row itself is no row.
    pub column: String,
    /// What stands there, cut short, with anything that could disguise it spelt out.
    pub value: String,
    /// What was expected.
    pub expected: String,
}

/// What is wrong with a row, before anybody says where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flaw {
    pub column: String,
    pub value: String,
    pub expected: String,
}

impl Flaw {
    pub fn new(column: &str, value: &str, expected: impl Into<String>) -> Self {
        Self {
            column: shown(column),
            value: shown(value),
            expected: expected.into(),
        }
    }

    pub fn at(self, line: u64) -> BadRow {
        BadRow {
            line,
            column: self.column,
            value: self.value,
            expected: self.expected,
        }
    }
}

/// Text from a file as it may be shown: bounded, control and invisible characters as escapes.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == VALUE_CHARS {
            out.push('\u{2026}');
            break;
        }
        let plain =
            c == ' ' || intentcast_protocol::text::Title::strict(c.to_string()).is_ok_and(|_| !c.is_whitespace());
        if plain {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    out
}

impl Report {
    /// Of a file in which nothing is made of these columns.
    pub(super) fn of_columns(unread: &[String]) -> Self {
        let named = unread.iter().filter(|column| !column.trim().is_empty());
        let named: Vec<String> = named.map(|column| shown(column)).collect();
        Self {
            more_unread: named.len().saturating_sub(SHOWN_UNREAD),
            unread: named.into_iter().take(SHOWN_UNREAD).collect(),
            ..Self::default()
        }
    }

    /// How many rows were bad.
    pub fn bad_rows(&self) -> u64 {
        self.bad.len() as u64 + self.more_bad
    }

    /// Items in a hundred whose category is known, rounded down.
    pub fn coverage(&self) -> u64 {
        let filed = self.filed_by_code + self.filed_by_text + self.filed_by_title;
        filed * 100 / (filed + self.unfiled).max(1)
    }

    pub(super) fn repeat(&mut self, line: u64, id: &str) {
        self.duplicates += 1;
        if self.repeated.len() < SHOWN {
            let expected = "given before; the last one counts";
            self.repeated.push(Flaw::new("id", id, expected).at(line));
        }
    }

    pub(super) fn refuse(&mut self, bad: BadRow) {
        if self.bad.len() < SHOWN {
            self.bad.push(bad);
        } else {
            self.more_bad += 1;
        }
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match (self.column.as_str(), self.value.as_str()) {
            ("", "") => write!(f, "{}", self.expected),
            ("", value) => write!(f, "\"{value}\": {}", self.expected),
            (column, "") => write!(f, "{column} is empty: {}", self.expected),
            (column, value) => write!(f, "{column} is \"{value}\": {}", self.expected),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows read, {} items taken", self.read, self.taken)?;
        for (count, what) in [
            (self.bad_rows(), "bad rows left out"),
            (
                self.beside,
                "rows that are no goods (pictures, parents of variants, drafts)",
            ),
            (self.duplicates, "ids given again, the last one counts"),
            (self.unfiled, "without a known category"),
            (self.gtin_dropped, "with a wrong GTIN, left out"),
            (self.shortened, "with text or attributes cut to fit"),
            (self.ids_shortened, "with an id cut to fit"),
        ] {
            if count > 0 {
                write!(f, "; {count} {what}")?;
            }
        }
        for (at, column) in self.unread.iter().enumerate() {
            let before = if at == 0 {
                "\nnothing is made of the columns "
            } else {
                ", "
            };
            write!(f, "{before}\"{column}\"")?;
        }
        if self.more_unread > 0 {
            write!(f, " and {} more", self.more_unread)?;
        }
        if !self.unread.is_empty() {
            write!(f, "; a mapping says what they are")?;
        }
        if self.taken > 0 {
            write!(
                f,
                "\ncategories: {} % known ({} by code, {} by text, {} by title)",
                self.coverage(),
                self.filed_by_code,
                self.filed_by_text,
                self.filed_by_title
            )?;
        }
        for (at, (text, count)) in self.unmapped.iter().enumerate() {
            let before = if at == 0 { "\nnot mapped: " } else { ", " };
            write!(f, "{before}\"{text}\" ({count})")?;
        }
        Ok(())
    }
}
