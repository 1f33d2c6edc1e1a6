//! CSV and its relatives: a line of column names, then rows.

use std::io;

use super::{
    ImportError,
    bytes::Fuse,
    mapping::Mapping,
    report::{Flaw, shown},
    rows::{Cell, MAX_COLUMNS, MAX_ROW_BYTES, Raw, Row, same},
};

/// Columns that an error names.
const SHOWN_COLUMNS: usize = 20;

pub struct Delimited<'a> {
    reader: csv::Reader<Fuse<'a>>,
    columns: Vec<String>,
    record: csv::ByteRecord,
    spent: bool,
}

impl<'a> Delimited<'a> {
    pub fn open(mut text: Fuse<'a>, delimiter: u8) -> Result<Self, ImportError> {
        text.refill(MAX_ROW_BYTES);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(true)
            // What stands before it is cut off below: so the reader counts the lines of both worlds alike.
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(text);
        let headers = reader.byte_headers().map_err(|error| stopped(1, &error))?;
        let columns = headers
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_owned())
            .collect();
        Ok(Self {
            reader,
            columns,
            record: csv::ByteRecord::new(),
            spent: false,
        })
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether there is what an item cannot do without.
    pub fn check(&self, mapping: &Mapping) -> Result<(), ImportError> {
        for (field, names) in [("title", &mapping.fields.title), ("price", &mapping.fields.price)] {
            if !names
                .iter()
                .any(|name| self.columns.iter().any(|column| same(column, name)))
            {
                let some: Vec<String> = self
                    .columns
                    .iter()
                    .take(SHOWN_COLUMNS)
                    .map(|name| shown(name))
                    .collect();
                return Err(ImportError::Column {
                    field,
                    looked_for: names.clone(),
                    columns: some.join(", "),
                });
            }
        }
        Ok(())
    }

    pub fn next(&mut self) -> Result<Option<Raw>, ImportError> {
        let line = loop {
            if self.spent {
                return Ok(None);
            }
            self.reader.get_mut().refill(MAX_ROW_BYTES);
            let line = self.reader.position().line();
            let read = self.reader.read_byte_record(&mut self.record);
            if !read.map_err(|error| stopped(line, &error))? {
                self.spent = true;
                return Ok(None);
            }
            let is_blank = self.record.len() == 1 && self.record[0].trim_ascii().is_empty();
            if !is_blank {
                // Empty lines before the row are passed over in silence; the lines that it takes itself are known.
                let within = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
                break self.reader.position().line().saturating_sub(within + 1).max(1);
            }
        };
        if self.record.len() > self.columns.len() {
            let expected = format!(
                "{} columns as in the first line, and here are {}: does a text with the separator lack quotation marks?",
                self.columns.len(),
                self.record.len()
            );
            return Ok(Some(Raw::Bad(Flaw::new("", "", expected).at(line))));
        }
        let mut row = Row::default();
        for (name, bytes) in self.columns.iter().zip(&self.record).take(MAX_COLUMNS) {
            let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            let Ok(text) = std::str::from_utf8(bytes) else {
                let expected = "text in UTF-8; if the file is in Latin-1, say so: --encoding latin1";
                let flaw = Flaw::new(name, &String::from_utf8_lossy(bytes), expected);
                return Ok(Some(Raw::Bad(flaw.at(line))));
            };
            row.0.push((name.clone(), Cell::of(text)));
        }
        Ok(Some(Raw::Row(line, row)))
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
