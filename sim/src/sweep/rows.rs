//! The rows of a sweep: kept one by one, told as one table.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Run;
use crate::outcome::Summary;
use crate::report::measures;

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

/// A directory of rows.
#[derive(Clone, Debug)]
pub struct Rows(PathBuf);

impl Rows {
    /// Those of this sweep's directory, which is made if it is not there.
    pub fn open(sweep: &Path) -> io::Result<Self> {
        let rows = sweep.join("rows");
        fs::create_dir_all(&rows)?;
        Ok(Self(rows))
    }

    /// Whether a run's row is there.
    pub fn has(&self, hash: &str) -> bool {
        self.file(hash).is_file()
    }

    fn file(&self, hash: &str) -> PathBuf {
        self.0.join(format!("{hash}.json"))
    }

    /// Keeps a row. It appears whole or not at all.
    pub fn keep(&self, row: &Row) -> io::Result<()> {
        let half = self.0.join(format!("{}.half", row.hash));
        fs::write(&half, serde_json::to_vec(row)?)?;
        fs::rename(half, self.file(&row.hash))
    }

    /// All rows, in the sweep's order.
    pub fn all(&self) -> io::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for file in fs::read_dir(&self.0)? {
            let path = file?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let row: Row = serde_json::from_slice(&fs::read(&path)?)
                    .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
                rows.push(row);
            }
        }
        rows.sort_by(|a, b| (a.number, &a.hash).cmp(&(b.number, &b.hash)));
        Ok(rows)
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
