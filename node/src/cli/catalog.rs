//! `intentcast catalog`: what a seller sells from.

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;

use super::{
    Failure, Global, import,
    mapping::MappingArgs,
    search::{self, SearchArgs},
};
use crate::{
    api::backend::CatalogueStats,
    catalogue::{self, Import},
};

/// What to do with the catalogue.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum CatalogCommand {
    /// Take a file as the whole catalogue: CSV, JSON Lines, a Google Merchant feed, an export of Shopify or
    /// WooCommerce, JSON-LD; gzipped or not
    Import(import::ImportArgs),
    /// The items most like these words, and why
    Search(Box<SearchArgs>),
    /// The catalogue in numbers
    Stats,
}

/// The items in a file, and what became of its rows.
///
/// # Errors
/// Where file or mapping cannot be read, or no row is an item.
pub fn read(file: &Path, how: &MappingArgs) -> Result<Import> {
    let import = catalogue::import(file, &how.mapping()?).map_err(Failure::usage)?;
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
    let out = global.out();
    match command {
        CatalogCommand::Import(args) => import::run(global, args).await?,
        CatalogCommand::Search(args) => search::run(global, *args).await?,
        CatalogCommand::Stats => {
            let stats: CatalogueStats = global.client()?.get("/v1/catalogue/stats").await?;
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
