//! What a run leaves behind: a directory that says where it comes from, what came of it, and what it looks like.
//!
//! The same scenario, seed and commit give the same bytes in every file.

mod figures;
mod kept;
mod manifest;
mod page;
pub mod plot;
mod read;
mod table;
mod whole;

pub use figures::{Named, figures};
pub use manifest::{Manifest, hex};
pub use page::{beside, measures, page, plots_page, standalone};
pub use table::Table;
pub use whole::replace;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::outcome::{Outcome, Summary};
use crate::scenario::Scenario;
use kept::Kept;

/// What could not be written, or read again.
#[derive(Debug)]
pub struct Error {
    file: PathBuf,
    why: String,
}

impl Error {
    /// That this file could not be written or read.
    pub fn of(file: &Path) -> impl Fn(io::Error) -> Self {
        move |why| Self {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl std::error::Error for Error {}

/// What is written last: where it is, all is.
const LAST: &str = "report.html";
const TABLES: [&str; 4] = ["deliveries", "timeline", "nodes", "intents"];

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

    /// Tries whether a run can be written here, so that nobody computes for hours what then has no place.
    pub fn prepare(&self) -> Result<(), Error> {
        fs::create_dir_all(&self.0).map_err(Error::of(&self.0))?;
        let probe = self.0.join(format!("probe.{}.half", std::process::id()));
        let tried = OpenOptions::new().write(true).create_new(true).open(&probe);
        match tried.map(drop) {
            Ok(()) => fs::remove_file(&probe).map_err(Error::of(&probe)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(Error::of(&self.0)(error)),
        }
    }

    /// Whether a run was written here to the end.
    pub fn is_whole(&self) -> bool {
        self.0.join(LAST).is_file()
    }

    /// Writes all of a run, in place of what was there: a run before has left nothing here afterwards. Tables are
    /// written as CSV, too, if asked.
    pub fn write(&self, scenario: &Scenario, seed: u64, outcome: &Outcome, csv: bool) -> Result<Summary, Error> {
        let kept = Kept::of(scenario)?;
        let summary = Summary::of(outcome);
        let manifest = Manifest::of(scenario, seed);
        let whole = toml::to_string(&kept.scenario).map_err(|error| self.wrong("scenario.toml", &error))?;
        fs::create_dir_all(&self.0).map_err(Error::of(&self.0))?;
        self.clear(&kept)?;
        for (name, bytes) in &kept.files {
            replace(&self.0.join(name), |to| to.write_all(bytes))?;
        }
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
        self.text(LAST, &page(name, &scenario.about, &source, &[run]))?;
        Ok(summary)
    }

    /// Removes what a run before left: what this one does not write would be taken for its own. A file that this
    /// program does not write is left alone, and so is one that the scenario is run with.
    fn clear(&self, kept: &Kept) -> Result<(), Error> {
        let tables = TABLES
            .iter()
            .flat_map(|name| [format!("{name}.parquet"), format!("{name}.csv")]);
        let files = Scenario::KEPT.iter().filter(|name| !kept.names.contains(name));
        let names = [LAST.to_owned()].into_iter().chain(tables);
        for name in names.chain(files.map(|name| (*name).to_owned())) {
            let file = self.0.join(name);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::of(&file)(error)),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
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
        let text = fs::read(&file).map_err(Error::of(&file))?;
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
        replace(&self.0.join(name), |to| to.write_all(text.as_bytes()))
    }

    fn table(&self, name: &str, table: &Table<'_>, csv: bool) -> Result<(), Error> {
        let file = self.0.join(format!("{name}.parquet"));
        replace(&file, |to| table.parquet(to).map_err(io::Error::other))?;
        match csv {
            true => replace(&self.0.join(format!("{name}.csv")), |to| table.csv(to)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
