//! `intentcast catalog`: what a seller sells from.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::{
    Failure, Global,
    out::clean,
    search::{self, SearchArgs},
};
use crate::{
    api::backend::{CatalogueStats, Imported},
    catalogue::{self, Import, Mapping},
};

/// What to do with the catalogue.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum CatalogCommand {
    /// Take a file as the whole catalogue: CSV or JSON Lines, gzipped or not
    Import {
        /// The file
        file: PathBuf,
        /// Which of its columns is what
        #[arg(long, value_name = "FILE")]
        map: Option<PathBuf>,
    },
    /// The items most like these words, and why
    Search(Box<SearchArgs>),
    /// The catalogue in numbers
    Stats,
}

/// The items in a file, and what became of its rows.
///
/// # Errors
/// Where file or mapping cannot be read, or no row is an item.
pub fn read(file: &Path, map: Option<&Path>) -> Result<Import> {
    let mapping = match map {
        Some(map) => Mapping::load(map).map_err(Failure::usage)?,
        None => Mapping::default(),
    };
    let import = catalogue::import(file, &mapping).map_err(Failure::usage)?;
    if import.items.is_empty() {
        let first = import
            .report
            .bad
            .first()
            .map(|bad| format!(": {bad}"))
            .unwrap_or_default();
        return Err(Failure::usage(format!("{}: no row is an item{first}", file.display())).into());
    }
    Ok(import)
}

pub async fn run(global: &Global, command: CatalogCommand) -> Result<()> {
    // It may need no node.
    if let CatalogCommand::Search(args) = command {
        return search::run(global, *args).await;
    }
    let (client, out) = (global.client()?, global.out());
    match command {
        CatalogCommand::Search(_) => unreachable!("it has been answered above"),
        CatalogCommand::Import { file, map } => {
            let import = read(&file, map.as_deref())?;
            for bad in &import.report.bad {
                eprintln!("{}: {}", file.display(), clean(&bad.to_string()));
            }
            let mut lines = Vec::new();
            for item in &import.items {
                serde_json::to_writer(&mut lines, item)?;
                lines.push(b'\n');
            }
            let done: Imported = client.import(lines).await?;
            out.value(&json!({ "read": import.report.read, "bad": import.report.bad_rows(), "imported": done }))?;
            out.line(import.report.to_string())?;
            out.line(format!(
                "{} added, {} changed, {} removed, {} unchanged",
                done.added, done.changed, done.removed, done.unchanged
            ))?;
        }
        CatalogCommand::Stats => {
            let stats: CatalogueStats = client.get("/v1/catalogue/stats").await?;
            out.value(&stats)?;
            out.line(format!("{} items", stats.items))?;
            for (category, count) in &stats.categories {
                out.line(format!("{count:>8}  {category}"))?;
            }
            if let Some(counted) = stats.counted {
                out.line(format!("counted {counted}"))?;
            }
        }
    }
    Ok(())
}
