//! `intentcast terms`: what a seller agrees to by answering, word for word. Asks no node.

use anyhow::Result;
use clap::Subcommand;
use intentcast_protocol::terms::{Terms, TermsSet, by_id, roster};
use serde_json::json;

use super::{Failure, Global};

/// What to see.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum TermsCommand {
    /// The roster
    List,
    /// One document's whole text
    Show {
        /// Its id: SD-BASE
        id: String,
    },
}

pub fn run(global: &Global, command: TermsCommand) -> Result<()> {
    let out = global.out();
    match command {
        TermsCommand::List => {
            let default = TermsSet::default();
            let row = |terms: &Terms| {
                let asked = if default.contains(terms.id) { "yes" } else { "" };
                vec![terms.id.into(), terms.title.into(), asked.into(), terms.summary.into()]
            };
            out.list(
                roster(),
                &["id", "title", "default", "in one sentence"],
                row,
                "the roster is empty",
            )?;
        }
        TermsCommand::Show { id } => {
            let Some(terms) = by_id(id.trim()) else {
                let why = TermsSet::of(&[&id]).map_or_else(|error| error.to_string(), |_| String::new());
                return Err(Failure::usage(why).into());
            };
            out.value(&json!({
                "id": terms.id,
                "version": terms.version,
                "hash": terms.hash(),
                "title": terms.title,
                "summary": terms.summary,
                "clauses": terms.clauses,
                "text": terms.text(),
            }))?;
            out.line(terms.text())?;
            out.line(format!("hash {}", terms.hash()))?;
        }
    }
    Ok(())
}
