//! A seller's catalogue from a file: CSV or JSON Lines, plain or gzip, into items.
//!
//! Good rows go in and bad ones are told: line, column, what stands there, what was expected. It refuses to guess a
//! price or a currency.

mod convert;
mod export;
mod mapping;
mod price;
mod report;
mod rows;
mod shards;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use intentcast_protocol::{item::Item, text::Word};

use self::{
    convert::Converter,
    rows::{Next, Rows},
};
pub use self::{
    export::json_lines,
    mapping::{Constants, Fields, Mapping, MappingError, PriceUnit},
    report::{BadRow, Report},
    shards::{shard, shard_demo},
};

/// Rows of one file. A million items of 2 KiB are 2 GiB of memory while they are read; more is a database's work.
pub const MAX_ROWS: u64 = 1_000_000;

/// What came of a file.
#[derive(Clone, PartialEq, Debug)]
pub struct Import {
    /// The good rows as items, in the order of ids, each id once.
    pub items: Vec<Item>,
    /// How many rows became what.
    pub report: Report,
}

/// Why nothing of a file was taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{} cannot be read: {why}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Reading stopped in the middle: a broken gzip stream, a disk that failed.
    #[error("reading stopped after line {line}: {why}")]
    Broken {
        /// The last line read whole.
        line: u64,
        /// What the system said.
        why: String,
    },
    /// Neither CSV nor JSON Lines.
    #[error("{0}; a catalogue is CSV with a line of column names, or JSON Lines: one object a line")]
    Format(&'static str),
    /// A CSV file without a column that it must have.
    #[error("no column for {field}: looked for {looked_for:?} among {columns}; name yours in a mapping file (--map)")]
    Column {
        /// Which field of an item.
        field: &'static str,
        /// The names that would do.
        looked_for: Vec<String>,
        /// The columns there are.
        columns: String,
    },
    /// A row of CSV that does not end: where the next one begins, nobody knows.
    #[error(
        "the row at line {line} is longer than {} bytes: is a quotation mark left open?",
        rows::MAX_ROW_BYTES
    )]
    Endless {
        /// Where it begins.
        line: u64,
    },
    /// More rows than are read.
    #[error("more than {MAX_ROWS} rows")]
    TooMany,
}

/// Reads the file at `path`.
///
/// # Errors
/// [`ImportError`] where the whole file is unfit; single bad rows are in the [`Report`].
pub fn import(path: &Path, mapping: &Mapping) -> Result<Import, ImportError> {
    let file = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    });
    let file = file.map_err(|error| ImportError::Unreadable {
        path: path.to_path_buf(),
        why: error.to_string(),
    })?;
    read(file, mapping)
}

/// Reads a catalogue from its bytes.
///
/// # Errors
/// As [`import`].
pub fn read(bytes: impl Read, mapping: &Mapping) -> Result<Import, ImportError> {
    let mut rows = Rows::open(bytes, mapping)?;
    let mut converter = Converter::new(mapping);
    let mut report = Report::default();
    let mut items: BTreeMap<Word, Item> = BTreeMap::new();
    while let Some(next) = rows.next()? {
        report.read += 1;
        if report.read > MAX_ROWS {
            return Err(ImportError::TooMany);
        }
        match next {
            Next::Row(line, row) => match converter.item(&row, &mut report) {
                Ok(item) => {
                    if items.insert(item.id.clone(), item).is_some() {
                        report.duplicates += 1;
                    }
                }
                Err(flaw) => report.refuse(flaw.at(line)),
            },
            Next::Bad(bad) => report.refuse(bad),
        }
    }
    report.taken = items.len() as u64;
    Ok(Import {
        items: items.into_values().collect(),
        report,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
