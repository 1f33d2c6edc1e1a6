//! Rows out of bytes: which form a file has is told by its content, never by its name.

use std::{
    cell::Cell as Count,
    io::{self, BufRead, BufReader, Read},
    rc::Rc,
};

use serde_json::Value as Json;

use super::{
    ImportError,
    mapping::Mapping,
    report::{BadRow, Flaw},
};

/// Longest row, bytes: a hundred times a full item.
pub const MAX_ROW_BYTES: usize = 1024 * 1024;
/// Columns of a row that are read; the rest is not ours.
const MAX_COLUMNS: usize = 1024;
/// Levels of lists and objects in a value that are read.
const MAX_DEPTH: usize = 3;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What stands in one column of one row.
#[derive(Clone, PartialEq, Debug)]
pub enum Cell {
    Text(String),
    /// As it was written.
    Number(String),
    Flag(bool),
    List(Vec<Cell>),
    Map(Vec<(String, Cell)>),
    Empty,
}

/// One row: column names and what stands there.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Row(pub Vec<(String, Cell)>);

impl Row {
    /// The first of `columns` that is not empty, letters' case aside.
    pub fn find<'a>(&'a self, columns: &'a [String]) -> Option<(&'a str, &'a Cell)> {
        columns.iter().find_map(|column| {
            let found = self
                .0
                .iter()
                .find(|(name, cell)| same(name, column) && *cell != Cell::Empty);
            found.map(|(name, cell)| (name.as_str(), cell))
        })
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}

/// A row, or what stands in the place of one.
pub enum Next {
    Row(u64, Row),
    Bad(BadRow),
}

/// The rows of a file, one after the other.
pub enum Rows<'a> {
    Csv(Box<Csv<'a>>),
    Lines(Lines<'a>),
}

impl<'a> Rows<'a> {
    /// Finds out what `bytes` are.
    pub fn open(bytes: impl Read + 'a, mapping: &Mapping) -> Result<Self, ImportError> {
        let mut raw = BufReader::new(bytes);
        let packed = peek(&mut raw, GZIP.len())?.starts_with(&GZIP);
        let mut text: BufReader<Box<dyn Read + 'a>> = BufReader::with_capacity(
            64 * 1024,
            if packed {
                Box::new(flate2::bufread::MultiGzDecoder::new(raw))
            } else {
                Box::new(raw)
            },
        );
        if peek(&mut text, BOM.len())?.starts_with(BOM) {
            text.consume(BOM.len());
        }
        let head = peek(&mut text, 4096)?;
        match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => Err(ImportError::Format("the file is empty")),
            Some(b'{') => Ok(Self::Lines(Lines { text, line: 0 })),
            Some(b'[') => Err(ImportError::Format("the file is one JSON array")),
            Some(b'<') => Err(ImportError::Format("the file is XML or HTML")),
            Some(_) if head.contains(&0) => Err(ImportError::Format("the file is not text in UTF-8")),
            Some(_) => {
                let delimiter = delimiter(head);
                Csv::open(text, delimiter, mapping).map(|csv| Self::Csv(Box::new(csv)))
            }
        }
    }

    pub fn next(&mut self) -> Result<Option<Next>, ImportError> {
        match self {
            Self::Csv(csv) => csv.next(),
            Self::Lines(lines) => lines.next(),
        }
    }
}

/// The bytes to come, as many as the first reads bring of `len`, without taking them.
fn peek(text: &mut BufReader<impl Read>, len: usize) -> Result<&[u8], ImportError> {
    let broken = |error: io::Error| ImportError::Broken {
        line: 0,
        why: error.to_string(),
    };
    text.fill_buf()
        .map(|bytes| &bytes[..bytes.len().min(len)])
        .map_err(broken)
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

/// JSON Lines.
pub struct Lines<'a> {
    text: BufReader<Box<dyn Read + 'a>>,
    line: u64,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Option<Next>, ImportError> {
        loop {
            let mut bytes = Vec::new();
            let line = self.line + 1;
            let broken = |error: io::Error| ImportError::Broken {
                line: line - 1,
                why: error.to_string(),
            };
            let limit = MAX_ROW_BYTES as u64 + 1;
            let read = self
                .text
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut bytes)
                .map_err(broken)?;
            if read == 0 {
                return Ok(None);
            }
            self.line = line;
            if bytes.len() > MAX_ROW_BYTES && bytes.last() != Some(&b'\n') {
                skip_line(&mut self.text).map_err(broken)?;
                let start = String::from_utf8_lossy(&bytes[..64]).into_owned();
                let expected = format!("a line of at most {MAX_ROW_BYTES} bytes");
                return Ok(Some(Next::Bad(Flaw::new("", &start, expected).at(line))));
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let bad = |expected: String| {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
                Ok(Some(Next::Bad(Flaw::new("", start.trim(), expected).at(line))))
            };
            return match serde_json::from_slice::<Json>(&bytes) {
                Ok(Json::Object(object)) => {
                    let columns = object.into_iter().take(MAX_COLUMNS);
                    Ok(Some(Next::Row(
                        line,
                        Row(columns.map(|(name, value)| (name, cell(value, 0))).collect()),
                    )))
                }
                Ok(_) => bad("one JSON object a line".into()),
                // The line number inside the row is always 1 and would mislead.
                Err(error) => bad(format!(
                    "one JSON object a line, and this breaks off at character {}",
                    error.column()
                )),
            };
        }
    }
}

fn skip_line(text: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = text.fill_buf()?;
        let (len, end) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        text.consume(len);
        if end {
            return Ok(());
        }
    }
}

fn cell(value: Json, depth: usize) -> Cell {
    match value {
        Json::Null => Cell::Empty,
        Json::Bool(flag) => Cell::Flag(flag),
        Json::Number(number) => Cell::Number(number.to_string()),
        Json::String(text) if text.trim().is_empty() => Cell::Empty,
        Json::String(text) => Cell::Text(text),
        _ if depth == MAX_DEPTH => Cell::Empty,
        Json::Array(list) if list.is_empty() => Cell::Empty,
        Json::Array(list) => Cell::List(list.into_iter().map(|value| cell(value, depth + 1)).collect()),
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

/// CSV with a line of column names.
pub struct Csv<'a> {
    reader: csv::Reader<Fuse<'a>>,
    left: Rc<Count<usize>>,
    columns: Vec<String>,
    record: csv::ByteRecord,
    spent: bool,
}

/// A reader that stops a row that does not end: it hands out `left` bytes and is refilled before each row.
struct Fuse<'a> {
    text: BufReader<Box<dyn Read + 'a>>,
    left: Rc<Count<usize>>,
}

impl Read for Fuse<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(self.left.get());
        if len == 0 && !out.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.text.read(&mut out[..len])?;
        self.left.set(self.left.get() - read);
        Ok(read)
    }
}

impl<'a> Csv<'a> {
    fn open(text: BufReader<Box<dyn Read + 'a>>, delimiter: u8, mapping: &Mapping) -> Result<Self, ImportError> {
        let left = Rc::new(Count::new(MAX_ROW_BYTES));
        let fuse = Fuse {
            text,
            left: Rc::clone(&left),
        };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(true)
            .from_reader(fuse);
        let headers = reader.byte_headers().map_err(|error| stopped(1, &error))?;
        let columns: Vec<String> = headers
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_owned())
            .collect();
        for (field, names) in [("title", &mapping.fields.title), ("price", &mapping.fields.price)] {
            if !names.iter().any(|name| columns.iter().any(|column| same(column, name))) {
                let some: Vec<String> = columns.iter().take(20).map(|name| super::report::shown(name)).collect();
                return Err(ImportError::Column {
                    field,
                    looked_for: names.clone(),
                    columns: some.join(", "),
                });
            }
        }
        Ok(Self {
            reader,
            left,
            columns,
            record: csv::ByteRecord::new(),
            spent: false,
        })
    }

    fn next(&mut self) -> Result<Option<Next>, ImportError> {
        self.left.set(MAX_ROW_BYTES);
        let line = self.reader.position().line();
        if self.spent
            || !self
                .reader
                .read_byte_record(&mut self.record)
                .map_err(|error| stopped(line, &error))?
        {
            self.spent = true;
            return Ok(None);
        }
        let line = self.record.position().map_or(line, csv::Position::line);
        if self.record.len() > self.columns.len() {
            let expected = format!(
                "{} columns as in the first line, and here are {}: does a text with the separator lack quotation marks?",
                self.columns.len(),
                self.record.len()
            );
            return Ok(Some(Next::Bad(Flaw::new("", "", expected).at(line))));
        }
        let mut row = Row::default();
        for (name, bytes) in self.columns.iter().zip(&self.record).take(MAX_COLUMNS) {
            let Ok(text) = std::str::from_utf8(bytes) else {
                let flaw = Flaw::new(name, &String::from_utf8_lossy(bytes), "text in UTF-8");
                return Ok(Some(Next::Bad(flaw.at(line))));
            };
            let cell = if text.trim().is_empty() {
                Cell::Empty
            } else {
                Cell::Text(text.to_owned())
            };
            row.0.push((name.clone(), cell));
        }
        Ok(Some(Next::Row(line, row)))
    }
}

fn stopped(line: u64, error: &csv::Error) -> ImportError {
    match error.kind() {
        csv::ErrorKind::Io(io) if io.kind() == io::ErrorKind::FileTooLarge => ImportError::Endless { line },
        _ => ImportError::Broken {
            line: line.saturating_sub(1),
            why: error.to_string(),
        },
    }
}
