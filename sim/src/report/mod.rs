//! What a run leaves behind: a directory that says where it comes from, what came of it, and what it looks like.
//!
//! The same scenario, seed and commit give the same bytes in every file.

mod figures;
mod manifest;
mod page;
pub mod plot;
mod read;
mod table;

pub use figures::{Named, figures};
pub use manifest::{Manifest, hex};
pub use page::{beside, measures, page, plots_page, standalone};
pub use table::Table;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::outcome::{Outcome, Summary};
use crate::scenario::Scenario;

/// What could not be written, or read again.
#[derive(Debug)]
pub struct Error {
    file: PathBuf,
    why: String,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl std::error::Error for Error {}

fn failed(file: &Path) -> impl Fn(io::Error) -> Error {
    move |why| Error {
        file: file.to_owned(),
        why: why.to_string(),
    }
}

/// A run's results on disk.
#[derive(Clone, Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// That of this path; it need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes all of a run, in place of what was there; tables as CSV, too, if asked.
    pub fn write(&self, scenario: &Scenario, seed: u64, outcome: &Outcome, csv: bool) -> Result<Summary, Error> {
        fs::create_dir_all(&self.0).map_err(failed(&self.0))?;
        let summary = Summary::of(outcome);
        let manifest = Manifest::of(scenario, seed);
        let whole = toml::to_string(scenario).map_err(|error| self.wrong("scenario.toml", &error))?;
        self.text("scenario.toml", &whole)?;
        self.json("manifest.json", &manifest)?;
        self.json("summary.json", &summary)?;
        self.table("deliveries", &Table::deliveries(outcome), csv)?;
        self.table("timeline", &Table::timeline(outcome), csv)?;
        if let Some(nodes) = Table::nodes(outcome) {
            self.table("nodes", &nodes, csv)?;
        }
        if let Some(market) = &outcome.market {
            self.table("intents", &Table::intents(market), csv)?;
        }
        let name = scenario.name.as_str();
        let source = [
            manifest.command.clone(),
            format!("commit {}", manifest.commit.as_deref().unwrap_or("unknown")),
            format!("config {}", manifest.config_sha256),
            format!("trace {}", summary.trace),
        ];
        let run = (Named { name, outcome }, &summary);
        self.text("report.html", &page(name, &scenario.about, &source, &[run]))?;
        Ok(summary)
    }

    /// The manifest of a run that was written here.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        self.read("manifest.json")
    }

    /// The figures of a run that was written here.
    pub fn summary(&self) -> Result<Summary, Error> {
        self.read("summary.json")
    }

    /// What figures need of a run that was written here.
    pub fn outcome(&self) -> Result<Outcome, Error> {
        let summary = self.summary()?;
        read::outcome(&self.0, &summary).map_err(|why| Error {
            file: self.0.clone(),
            why: why.to_string(),
        })
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let file = self.0.join(name);
        let text = fs::read(&file).map_err(failed(&file))?;
        serde_json::from_slice(&text).map_err(|error| self.wrong(name, &error))
    }

    fn wrong(&self, name: &str, why: &dyn std::fmt::Display) -> Error {
        Error {
            file: self.0.join(name),
            why: why.to_string(),
        }
    }

    fn json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), Error> {
        let mut text = serde_json::to_string_pretty(value).map_err(|error| self.wrong(name, &error))?;
        text.push('\n');
        self.text(name, &text)
    }

    /// Writes one file of text.
    pub fn text(&self, name: &str, text: &str) -> Result<(), Error> {
        let file = self.0.join(name);
        fs::write(&file, text).map_err(failed(&file))
    }

    fn table(&self, name: &str, table: &Table<'_>, csv: bool) -> Result<(), Error> {
        let file = self.0.join(format!("{name}.parquet"));
        let to = File::create(&file).map_err(failed(&file))?;
        table
            .parquet(BufWriter::new(to))
            .map_err(|error| self.wrong(&format!("{name}.parquet"), &error))?;
        if csv {
            let file = self.0.join(format!("{name}.csv"));
            let mut to = BufWriter::new(File::create(&file).map_err(failed(&file))?);
            table.csv(&mut to).and_then(|()| to.flush()).map_err(failed(&file))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
