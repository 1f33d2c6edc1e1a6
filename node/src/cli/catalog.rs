//! `intentcast catalog`: what a seller sells from.

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;

use super::{Failure, Global, import};
use crate::{
    api::backend::{CatalogueStats, Found},
    catalogue::{self, Import, Mapping},
};

/// What to do with the catalogue.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum CatalogCommand {
    /// Take a file as the whole catalogue: CSV, JSON Lines, a Google Merchant feed, an export of Shopify or
    /// WooCommerce, JSON-LD; gzipped or not
    Import(import::ImportArgs),
    /// The items most like these words
    Search {
        /// The words
        words: String,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
        limit: u16,
    },
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
    let (client, out) = (global.client()?, global.out());
    match command {
        CatalogCommand::Import(args) => import::run(&client, out, args).await?,
        CatalogCommand::Search { words, limit } => {
            let found: Vec<Found> = client.search(&words, limit.into()).await?;
            let row = |found: &Found| {
                vec![
                    found.item.id.to_string(),
                    found.item.title.to_string(),
                    found.item.brand.to_string(),
                    found.item.price.to_string(),
                    found.item.category.to_string(),
                    found.item.stock.map(|stock| stock.to_string()).unwrap_or_default(),
                ]
            };
            out.list(
                &found,
                &["id", "title", "brand", "price", "category", "stock"],
                row,
                "nothing like it",
            )?;
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
