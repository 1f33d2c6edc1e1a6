//! `intentcast catalog`: what a seller sells from.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::Global;
use crate::api::backend::{CatalogueStats, Found, Imported};

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

pub async fn run(global: &Global, command: CatalogCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        CatalogCommand::Import { file, map } => {
            let lines = read(&file, map.as_deref())?;
            let done: Imported = client.import(lines).await?;
            out.value(&done)?;
            out.line(format!(
                "{} added, {} changed, {} removed, {} unchanged",
                done.added, done.changed, done.removed, done.unchanged
            ))?;
        }
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
            out.list(&found, &["id", "title", "brand", "price", "category", "stock"], row, "nothing like it")?;
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
