//! Rows out of bytes: which form a file has is told by its content, never by its name.

use std::{collections::VecDeque, io::Read};

use serde_json::Value as Json;

use super::{
    ImportError,
    bytes::{self, Opened},
    delimited::Delimited,
    document::Document,
    form::Form,
    lines::Lines,
    linked,
    mapping::Mapping,
    report::BadRow,
    xml::Xml,
};

/// Longest row, bytes: a hundred times a full item.
pub const MAX_ROW_BYTES: usize = 1024 * 1024;
/// Columns of a row that are read; the rest is not ours.
pub const MAX_COLUMNS: usize = 1024;
/// Levels of lists and objects in a value that are read.
const MAX_DEPTH: usize = 3;

/// What stands in one column of one row.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Cell {
    Text(String),
    /// As it was written.
    Number(String),
    Flag(bool),
    List(Vec<Cell>),
    Map(Vec<(String, Cell)>),
    #[default]
    Empty,
}

impl Cell {
    /// The cell of a text: empty where it says nothing.
    pub fn of(text: &str) -> Self {
        if text.trim().is_empty() {
            Self::Empty
        } else {
            Self::Text(text.to_owned())
        }
    }

    /// The first of these that says anything.
    pub fn first(cells: impl IntoIterator<Item = Self>) -> Self {
        let mut cells = cells.into_iter();
        cells.find(|cell| *cell != Self::Empty).unwrap_or_default()
    }

    /// Those of these that say anything, or nothing.
    pub fn list(cells: impl IntoIterator<Item = Self>) -> Self {
        let cells: Vec<Self> = cells.into_iter().filter(|cell| *cell != Self::Empty).collect();
        if cells.is_empty() {
            Self::Empty
        } else {
            Self::List(cells)
        }
    }

    /// Names and what stands under them, as far as that says anything, or nothing.
    pub fn map(pairs: impl IntoIterator<Item = (String, Self)>) -> Self {
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, cell)| *cell != Self::Empty).collect();
        if pairs.is_empty() {
            Self::Empty
        } else {
            Self::Map(pairs)
        }
    }

    /// The cell as one text.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(list) => list.iter().map(Self::plain).collect::<Vec<_>>().join(", "),
            Self::Map(_) | Self::Empty => String::new(),
        }
    }

    /// What stands under `name`, where the cell is an object.
    pub fn part(&self, name: &str) -> Option<&Cell> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(known, _)| known == name).map(|(_, cell)| cell),
            _ => None,
        }
    }

    /// The cell's elements, or the cell alone.
    pub fn each(&self) -> &[Cell] {
        match self {
            Self::List(list) => list,
            Self::Empty => &[],
            one => std::slice::from_ref(one),
        }
    }
}

/// One row: column names and what stands there.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Row(pub Vec<(String, Cell)>);

impl Row {
    /// The first of `columns` that is not empty, letters' case aside.
    pub fn find<'a>(&'a self, columns: &'a [String]) -> Option<(&'a str, &'a Cell)> {
        columns.iter().find_map(|column| self.column(column))
    }

    /// The column of this name, unless it is empty.
    pub fn column(&self, column: &str) -> Option<(&str, &Cell)> {
        let found = self
            .0
            .iter()
            .find(|(name, cell)| same(name, column) && *cell != Cell::Empty);
        found.map(|(name, cell)| (name.as_str(), cell))
    }

    /// What stands in this column.
    pub fn cell(&self, column: &str) -> Cell {
        self.column(column).map(|(_, cell)| cell.clone()).unwrap_or_default()
    }

    /// The price that holds today: in the column `sale`, or else in `full`. A sale that has its `dates` is not for ever,
    /// and without a calendar the full price is the safe one.
    pub fn price(&self, full: &str, sale: &str, dates: &[&str]) -> Cell {
        let is_dated = dates.iter().any(|column| self.column(column).is_some());
        Cell::first([if is_dated { Cell::Empty } else { self.cell(sale) }, self.cell(full)])
    }

    /// The text of this column; empty where there is none.
    pub fn text(&self, column: &str) -> String {
        self.column(column).map(|(_, cell)| cell.plain()).unwrap_or_default()
    }

    /// Sets a column, unless `cell` is empty.
    pub fn set(&mut self, column: &str, cell: Cell) {
        if cell != Cell::Empty {
            self.0.push((column.to_owned(), cell));
        }
    }
}

pub fn same(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}

/// What a file has in the place of a row.
pub enum Raw {
    Row(u64, Row),
    Json(u64, Json),
    Bad(BadRow),
}

/// A row of an item, or what stands in the place of one.
pub enum Next {
    Row(u64, Row),
    /// No goods: a picture, a parent of variants, a draft.
    Beside,
    Bad(BadRow),
}

/// The rows of a file, one after the other.
pub struct Rows<'a> {
    source: Source<'a>,
    form: Form,
    waiting: VecDeque<(u64, Row)>,
}

enum Source<'a> {
    Delimited(Box<Delimited<'a>>),
    Lines(Lines<'a>),
    Document(Document<'a>),
    Xml(Box<Xml<'a>>),
}

impl<'a> Rows<'a> {
    /// Finds out what `bytes` are.
    pub fn open(bytes: impl Read + 'a, mapping: &Mapping) -> Result<Self, ImportError> {
        let Opened { text, head } = bytes::open(bytes, mapping.encoding)?;
        let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
        let (source, form) = match first {
            None => return Err(ImportError::Format("the file is empty")),
            Some(_) if head.contains(&0) => return Err(ImportError::Format("the file is not text in UTF-8")),
            Some(b'[') => (Source::Document(Document::new(text)), Form::Plain),
            Some(b'{') if is_document(&head) => (Source::Document(Document::new(text)), Form::Plain),
            Some(b'{') => (Source::Lines(Lines::new(text)), Form::Plain),
            Some(b'<') if is_page(&head) => return Err(ImportError::Format("the file is a page of HTML")),
            Some(b'<') => (Source::Xml(Box::new(Xml::new(text))), Form::Google),
            Some(_) => {
                let delimited = Delimited::open(text, delimiter(&head))?;
                let form = Form::of_columns(delimited.columns(), mapping);
                if form == Form::Plain {
                    delimited.check(mapping)?;
                }
                (Source::Delimited(Box::new(delimited)), form)
            }
        };
        form.ask(mapping)?;
        Ok(Self {
            source,
            form,
            waiting: VecDeque::new(),
        })
    }

    /// How the rows' columns become an item, which forms with a meaning of their own know better than the mapping.
    pub fn mapping(&self, mapping: &Mapping) -> Mapping {
        self.form.mapping(mapping)
    }

    /// The columns of which nothing is made. Those of other shops' exports are many, and known.
    pub fn unread(&self, mapping: &Mapping) -> Vec<String> {
        match (&self.source, &self.form) {
            (Source::Delimited(delimited), Form::Plain) => {
                let columns = delimited.columns().iter();
                columns.filter(|column| !mapping.reads(column)).cloned().collect()
            }
            _ => Vec::new(),
        }
    }

    pub fn next(&mut self) -> Result<Option<Next>, ImportError> {
        if let Some((line, row)) = self.waiting.pop_front() {
            return Ok(Some(Next::Row(line, row)));
        }
        let raw = match &mut self.source {
            Source::Delimited(delimited) => delimited.next(),
            Source::Lines(lines) => lines.next(),
            Source::Document(document) => document.next(),
            Source::Xml(xml) => xml.next(),
        };
        let Some(raw) = raw? else { return Ok(None) };
        let (line, rows) = match raw {
            Raw::Bad(bad) => return Ok(Some(Next::Bad(bad))),
            Raw::Json(line, json) if linked::speaks(&json) => (line, Ok(linked::rows(&json))),
            Raw::Json(line, json) => (line, Ok(vec![row(json)])),
            Raw::Row(line, row) => (line, self.form.rows(row)),
        };
        match rows {
            Err(flaw) => Ok(Some(Next::Bad(flaw.at(line)))),
            Ok(rows) => {
                self.waiting.extend(rows.into_iter().map(|row| (line, row)));
                let next = self.waiting.pop_front();
                Ok(Some(next.map_or(Next::Beside, |(line, row)| Next::Row(line, row))))
            }
        }
    }
}

/// Whether a file that begins like an object is one document, rather than an object a line.
fn is_document(head: &[u8]) -> bool {
    let speaks = [&b"\"@context\""[..], b"\"@graph\"", b"\"@type\""];
    let first = head
        .split_inclusive(|byte| *byte == b'\n')
        .find(|line| !line.trim_ascii().is_empty());
    let first = first.unwrap_or_default();
    let is_whole = serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok();
    !is_whole
        && speaks
            .iter()
            .any(|word| head.windows(word.len()).any(|there| there == *word))
}

fn is_page(head: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&head[..head.len().min(100)])
        .trim_start()
        .to_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// The separator that the line of column names has most of.
fn delimiter(head: &[u8]) -> u8 {
    let names = head
        .split(|byte| *byte == b'\n')
        .find(|line| !line.trim_ascii().is_empty())
        .unwrap_or_default();
    let count = |delimiter: u8| names.iter().filter(|byte| **byte == delimiter).count();
    // The last of equals wins, and a comma is the likeliest.
    [b'|', b'\t', b';', b',']
        .into_iter()
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b',')
}

fn row(object: Json) -> Row {
    match object {
        Json::Object(object) => {
            let columns = object.into_iter().take(MAX_COLUMNS);
            Row(columns.map(|(name, value)| (name, cell(value, 0))).collect())
        }
        _ => Row::default(),
    }
}

/// A value of JSON; what lies too deep is empty.
pub fn cell(value: Json, depth: usize) -> Cell {
    match value {
        Json::Null => Cell::Empty,
        Json::Bool(flag) => Cell::Flag(flag),
        Json::Number(number) => Cell::Number(number.to_string()),
        Json::String(text) if text.trim().is_empty() => Cell::Empty,
        Json::String(text) => Cell::Text(text),
        _ if depth == MAX_DEPTH => Cell::Empty,
        Json::Array(list) => Cell::list(list.into_iter().map(|value| cell(value, depth + 1))),
        Json::Object(object) => Cell::Map(
            object
                .into_iter()
                .map(|(name, value)| (name, cell(value, depth + 1)))
                .collect(),
        ),
    }
}

/// The object that a cell of CSV spells, if it spells one.
pub fn spelt(text: &str) -> Option<Cell> {
    match serde_json::from_str(text).ok()? {
        object @ Json::Object(_) => Some(cell(object, 1)),
        _ => None,
    }
}
