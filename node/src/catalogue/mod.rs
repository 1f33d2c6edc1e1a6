//! A seller's catalogue from a file, into items: CSV, JSON Lines, Google Merchant's feed, the exports of Shopify and
//! WooCommerce, schema.org's JSON-LD; plain or gzip.
//!
//! Good rows go in and bad ones are told: line, column, what stands there, what was expected. It refuses to guess a
//! price, a currency or an encoding.

mod bytes;
mod convert;
mod delimited;
mod document;
mod export;
mod filing;
mod form;
mod google;
mod html;
mod lines;
mod linked;
mod mapping;
mod price;
mod report;
mod rows;
mod shards;
mod shopify;
mod woocommerce;
mod xml;

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    path::{Path, PathBuf},
};

use intentcast_protocol::{item::Item, text::Word};

pub use self::{
    bytes::Encoding,
    convert::{SHIPS_TO, ships, ships_to},
    export::{json_line, json_lines},
    mapping::{Constants, Fields, Mapping, MappingError, PriceUnit},
    report::{BadRow, Report},
    shards::{shard, shard_demo},
};
use self::{
    convert::Converter,
    rows::{Next, Rows},
};

/// Rows of one file that [`read`] takes into memory: a million items of 2 KiB are 2 GiB. [`Reader`] has no such bound.
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
    /// No form that a catalogue has.
    #[error(
        "{0}; a catalogue is CSV with a line of column names, JSON Lines with one object a line, a Google Merchant \
         feed, an export of Shopify or WooCommerce, or JSON-LD with Products"
    )]
    Format(&'static str),
    /// The form leaves out what an item must have.
    #[error("{form} does not say {missing}; or say it under [constants] in a mapping file (--map)")]
    Ask {
        /// Which form.
        form: &'static str,
        /// What to say, and how.
        missing: String,
    },
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
    #[error("more than {MAX_ROWS} rows: start the node without them, then hand them over with `catalog import`")]
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

/// Reads a catalogue from its bytes into memory.
///
/// # Errors
/// As [`import`].
pub fn read(bytes: impl Read, mapping: &Mapping) -> Result<Import, ImportError> {
    let mut reader = Reader::open(bytes, mapping)?;
    let mut items: BTreeMap<Word, Item> = BTreeMap::new();
    while let Some(item) = reader.next()? {
        if reader.report.read > MAX_ROWS {
            return Err(ImportError::TooMany);
        }
        items.insert(item.id.clone(), item);
    }
    Ok(Import {
        items: items.into_values().collect(),
        report: reader.finish(),
    })
}

/// A catalogue's items, one after the other: in memory are one row, and some 20 bytes for each that was read.
pub struct Reader<'a> {
    rows: Rows<'a>,
    converter: Converter,
    report: Report,
    /// Hashes of the ids so far. Two that are the same by chance only make a count wrong.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl<'a> Reader<'a> {
    /// Finds out what `bytes` are.
    ///
    /// # Errors
    /// As [`import`].
    pub fn open(bytes: impl Read + 'a, mapping: &Mapping) -> Result<Self, ImportError> {
        let rows = Rows::open(bytes, mapping)?;
        let mapping = rows.mapping(mapping);
        let report = Report::of_columns(&rows.unread(&mapping));
        let converter = Converter::new(mapping);
        Ok(Self {
            rows,
            converter,
            report,
            seen: HashSet::new(),
            hasher: RandomState::new(),
        })
    }

    /// The next good row's item, as the file has it: a later one may have the same id, and then is the one that counts.
    ///
    /// # Errors
    /// As [`import`].
    #[allow(
        clippy::should_implement_trait,
        reason = "an error ends it, which an iterator's caller easily misses"
    )]
    pub fn next(&mut self) -> Result<Option<Item>, ImportError> {
        while let Some(next) = self.rows.next()? {
            self.report.read += 1;
            match next {
                Next::Beside => self.report.beside += 1,
                Next::Bad(bad) => self.report.refuse(bad),
                Next::Row(line, row) => match self.converter.item(&row, &mut self.report) {
                    Err(flaw) => self.report.refuse(flaw.at(line)),
                    Ok(item) => {
                        if self.seen.insert(self.hasher.hash_one(item.id.as_str())) {
                            self.report.taken += 1;
                        } else {
                            self.report.repeat(line, item.id.as_str());
                        }
                        return Ok(Some(item));
                    }
                },
            }
        }
        Ok(None)
    }

    /// What became of the rows so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// What became of all rows.
    pub fn finish(self) -> Report {
        let mut report = self.report;
        report.unmapped = self.converter.unmapped();
        report
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
