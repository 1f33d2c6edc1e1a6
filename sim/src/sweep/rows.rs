//! The rows of a sweep: kept one by one, told as one table.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Run;
use crate::outcome::Summary;
use crate::report::{Error, measures, replace};

/// One run's point and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its number in the whole sweep.
    pub number: usize,
    /// What it is kept under.
    pub hash: String,
    /// Its number among the runs of its point.
    pub replicate: u32,
    /// Its seed.
    pub seed: u64,
    /// The keys that make its point, and their values as TOML.
    pub point: Vec<(String, String)>,
    /// What came of it.
    pub summary: Summary,
}

impl Row {
    /// Of a run that is over.
    pub fn of(run: &Run, hash: String, summary: Summary) -> Self {
        let point = run.point.iter().map(|(key, value)| (key.clone(), written(value)));
        Self {
            number: run.number,
            hash,
            replicate: run.replicate,
            seed: run.seed,
            point: point.collect(),
            summary,
        }
    }
}

/// Text without its quotes, everything else as TOML has it.
fn written(value: &toml::Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

/// A sweep's directory: the list of its runs, and their rows, each in a file of its own.
#[derive(Clone, Debug)]
pub struct Rows(PathBuf);

/// What all runs of the sweep are kept under, a line each, in the sweep's order.
const LIST: &str = "runs.txt";
/// Bytes of a list: a million lines.
const MOST_LIST: u64 = 64 << 20;
/// Bytes of a row.
const MOST_ROW: u64 = 16 << 20;

impl Rows {
    /// Those of this directory; it need not be there yet.
    pub fn of(sweep: &Path) -> Self {
        Self(sweep.to_owned())
    }

    /// Whether a sweep was begun here.
    pub fn is_there(&self) -> bool {
        self.0.join(LIST).is_file()
    }

    /// Makes the directory that of a sweep of these runs. Rows of others that are there stay, and are none of its own.
    pub fn begin(&self, hashes: &[String]) -> Result<(), Error> {
        let rows = self.0.join("rows");
        fs::create_dir_all(&rows).map_err(Error::of(&rows))?;
        let mut text = hashes.join("\n");
        text.push('\n');
        replace(&self.0.join(LIST), |to| to.write_all(text.as_bytes()))
    }

    /// What the sweep's runs are kept under, in its order.
    pub fn list(&self) -> Result<Vec<String>, Error> {
        let file = self.0.join(LIST);
        let text = bounded(&file, MOST_LIST).map_err(Error::of(&file))?;
        let text = String::from_utf8_lossy(&text);
        // They become names of files.
        let is_hash = |line: &str| line.len() < 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        match text.lines().find(|line| !is_hash(line)) {
            None => Ok(text.lines().map(str::to_owned).collect()),
            Some(_) => Err(Error::of(&file)(io::Error::other("expected a run's hash in each line"))),
        }
    }

    /// A run's row; none where there is none, or one that was not written to its end.
    pub fn row(&self, hash: &str) -> Option<Row> {
        let text = bounded(&self.file(hash), MOST_ROW).ok()?;
        serde_json::from_slice(&text).ok().filter(|row: &Row| row.hash == hash)
    }

    fn file(&self, hash: &str) -> PathBuf {
        self.0.join("rows").join(format!("{hash}.json"))
    }

    /// Keeps a row. It appears whole or not at all.
    pub fn keep(&self, row: &Row) -> Result<(), Error> {
        let file = self.file(&row.hash);
        let text = serde_json::to_vec(row).map_err(|error| Error::of(&file)(error.into()))?;
        replace(&file, |to| to.write_all(&text))
    }

    /// The rows that are there of the sweep's runs, in its order.
    pub fn all(&self) -> Result<Vec<Row>, Error> {
        let list = self.list()?;
        // A shard has few of them: what is not there is not looked for one by one.
        let folder = self.0.join("rows");
        let files = fs::read_dir(&folder).map_err(Error::of(&folder))?;
        let there: BTreeSet<OsString> = files.flatten().map(|file| file.file_name()).collect();
        let rows = list.iter().enumerate().filter_map(|(number, hash)| {
            let file = self.file(hash);
            let row = there.contains(file.file_name()?).then(|| self.row(hash))??;
            // A row may be of the time when the sweep had fewer runs.
            Some(Row { number, ..row })
        });
        Ok(rows.collect())
    }

    /// Writes the table of these rows, and says where it is.
    pub fn tell(&self, rows: &[Row]) -> Result<PathBuf, Error> {
        let table = self.0.join("table.csv");
        replace(&table, |to| to.write_all(csv(rows).as_bytes()))?;
        Ok(table)
    }
}

/// A file, if it is no longer than it may be.
fn bounded(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= most {
        true => Ok(bytes),
        false => Err(io::Error::other(format!("expected at most {most} bytes"))),
    }
}

/// Rows as CSV: what the run was, then its point, then its measures; one line a row, the first of names.
pub fn csv(rows: &[Row]) -> String {
    let keys: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| &row.point)
        .map(|(key, _)| key.as_str())
        .collect();
    let told: Vec<Vec<(String, Option<f64>)>> = rows.iter().map(|row| columns(&row.summary)).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in told.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut text = line(
        ["run", "hash", "replicate", "seed"]
            .into_iter()
            .chain(keys.iter().copied())
            .chain(names.iter().copied())
            .chain(["trace"]),
    );
    for (row, told) in rows.iter().zip(&told) {
        let first = [
            row.number.to_string(),
            row.hash.clone(),
            row.replicate.to_string(),
            row.seed.to_string(),
        ];
        let point = keys.iter().map(|key| {
            let found = row.point.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        });
        let figures = names.iter().map(|name| {
            let found = told.iter().find(|(told, _)| told == name).and_then(|(_, value)| *value);
            found.map(|value| value.to_string()).unwrap_or_default()
        });
        let cells: Vec<String> = first
            .into_iter()
            .chain(point)
            .chain(figures)
            .chain([row.summary.trace.clone()])
            .collect();
        text.push_str(&line(cells.iter().map(String::as_str)));
    }
    text
}

/// A table's measures under names that need no quotes: `latency_p99_ms`.
pub fn columns(summary: &Summary) -> Vec<(String, Option<f64>)> {
    let plain = |name: String| {
        let name = name.replace('%', "percent").replace("'", "");
        let words = name.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        words.join("_")
    };
    measures(summary)
        .into_iter()
        .map(|(name, value)| (plain(name), value))
        .collect()
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let quoted = cells.map(|cell| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    });
    let mut line = quoted.collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}
