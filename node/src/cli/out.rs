//! What goes to the person: lines, tables and JSON. Text from strangers is made harmless here, whatever was checked
//! before.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Standard output, for people or for programs.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    json: bool,
}

impl Out {
    /// For programs, or for people.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// A line for people. It is nothing to programs.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn line(self, line: impl AsRef<str>) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        write(&clean_lines(line.as_ref()))
    }

    /// A value for programs, on one line. It is nothing to people.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn value(self, value: &impl Serialize) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        write(&serde_json::to_string(value)?)
    }

    /// A list: a line each for programs, a table for people, or a sentence where there is none.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn list<T: Serialize>(
        self,
        values: &[T],
        head: &[&str],
        row: impl Fn(&T) -> Vec<String>,
        none: &str,
    ) -> io::Result<()> {
        if self.json {
            return values.iter().try_for_each(|value| self.value(value));
        }
        if values.is_empty() {
            return self.line(none);
        }
        write(&table(head, values.iter().map(row)))
    }

    /// Names and what they are, one a line.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn fields(self, fields: &[(&str, String)]) -> io::Result<()> {
        let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        fields
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .try_for_each(|(name, value)| self.line(format!("{name:width$}  {}", clean(value))))
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// A table of these rows.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|cell| clean(cell)));
    }
    table.trim_fmt()
}

/// The same text, with whatever could play with a terminal spelled out.
pub fn clean(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), push_clean)
}

/// The same, but line feeds stay.
fn clean_lines(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut text, c| match c {
            '\n' => {
                text.push(c);
                text
            }
            c => push_clean(text, c),
        })
}

fn push_clean(mut text: String, c: char) -> String {
    // Bidi controls and invisible characters reorder or hide what stands beside them.
    let hidden = matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}');
    if c.is_control() || hidden {
        text.extend(c.escape_unicode());
    } else {
        text.push(c);
    }
    text
}

/// Milliseconds in words of the size that fits.
pub fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms / 1000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_stranger_reaches_the_terminal_raw() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(clean("Prämie £5"), "Prämie £5");
        assert!(!table(&["x"], [vec!["\u{7}\u{1b}]0;hi".to_owned()]]).contains('\u{1b}'));
        assert_eq!(clean_lines("a\nb\r"), "a\nb\\u{d}");
    }

    #[test]
    fn a_span_reads_in_its_own_size() {
        let spans: Vec<String> = [5, 1_500, 180_000, 7_200_000, 259_200_000].map(span).into();
        assert_eq!(spans, ["5 ms", "1 s", "3 min", "2 h", "3 days"]);
    }
}
