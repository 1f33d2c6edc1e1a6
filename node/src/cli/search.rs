//! `intentcast catalog search`: what is most like some words, why, and whole lists of questions for measuring.
//!
//! Plain words ask the running node. Reasons and lists are worked out here, on a catalogue file or on the folder of a
//! node that does not run: they are for trying a catalogue, and need no node.

use std::{
    fs,
    io::{self, BufWriter, Write as _},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context as _, Result};
use clap::Args;
use intentcast_protocol::{
    attribute::{Holds, Strength, Wish},
    category,
    item::Item,
    matching::Test,
    money::Money,
    time::Timestamp,
};
use serde_json::json;

use super::{Failure, Global, catalog::read, out::clean};
use crate::{
    api::backend::Found,
    home::Home,
    index::{Candidate, Filters, Index, Why},
    store::Store,
};

/// Longest list of questions that is read, bytes: a hundred thousand of a hundred and sixty.
const MAX_QUERIES: u64 = 16 << 20;

/// What to search for, where, and what to show.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct SearchArgs {
    /// The words
    #[arg(required_unless_present = "queries")]
    pub words: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub limit: u16,
    /// Say why, for each item
    #[arg(long)]
    pub explain: bool,
    /// Search this file instead of a node's catalogue
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// Which of its columns is what
    #[arg(long, value_name = "FILE", requires = "catalog")]
    pub map: Option<PathBuf>,
    /// At most this price: `500GBP`
    #[arg(long, value_name = "MONEY")]
    pub budget: Option<String>,
    /// A category's path, name or synonym
    #[arg(long, value_name = "CATEGORY")]
    pub category: Option<String>,
    /// Hold this against each item: `frame=XL`; with --explain
    #[arg(long, value_name = "NAME=VALUE", requires = "explain")]
    pub prefer: Vec<String>,
    /// Answer each line of this file: qid<TAB>words[<TAB>budget]
    #[arg(long, value_name = "FILE", requires = "trec", conflicts_with_all = ["words", "explain"])]
    pub queries: Option<PathBuf>,
    /// Write a TREC run of this name
    #[arg(long, value_name = "NAME", requires = "queries")]
    pub trec: Option<String>,
}

pub async fn run(global: &Global, args: SearchArgs) -> Result<()> {
    if let (Some(queries), Some(name)) = (&args.queries, &args.trec) {
        let (index, _home) = open(global, &args)?;
        return trec(&index, &args, queries, name);
    }
    let words = args.words.clone().unwrap_or_default();
    let here = args.explain || args.catalog.is_some() || args.budget.is_some() || args.category.is_some();
    if !here {
        let found: Vec<Found> = global.client()?.search(&words, args.limit.into()).await?;
        return list(global, &found);
    }
    let (index, _home) = open(global, &args)?;
    let filters = filters(&args, args.budget.as_deref())?;
    let limit = args.limit.into();
    if args.explain {
        let wishes: Vec<Wish> = args
            .prefer
            .iter()
            .map(|said| Wish::parse(said, Strength::Prefer(50)).map_err(|error| Failure::usage(error).into()))
            .collect::<Result<_>>()?;
        let found = index.explain_text(&words, &filters, limit)?;
        return explain(global, &filters, &wishes, &found);
    }
    let found = index
        .search_text(&words, &filters, limit)?
        .into_iter()
        .map(|found| Found {
            item: found.item,
            score: found.score,
        });
    list(global, &found.collect::<Vec<_>>())
}

/// The index to search; a node's folder is held while it is.
fn open(global: &Global, args: &SearchArgs) -> Result<(Index, Option<Home>)> {
    if let Some(file) = &args.catalog {
        let import = read(file, args.map.as_deref())?;
        let store = Arc::new(Store::in_memory()?);
        store.replace_catalogue(import.items, Timestamp(1))?;
        return Ok((Index::in_memory(store)?, None));
    }
    let path = global.home()?;
    let home = Home::open(&path).context("stop the node first, or name a file with --catalog")?;
    let store = Arc::new(Store::open(&path)?);
    Ok((Index::open(path.join("index"), store)?, Some(home)))
}

fn filters(args: &SearchArgs, budget: Option<&str>) -> Result<Filters> {
    let ceiling: Option<Money> = budget.map(str::parse).transpose().map_err(Failure::usage)?;
    let category = args.category.as_deref().map(category::resolve).transpose();
    Ok(Filters {
        ceiling,
        category: category.map_err(Failure::usage)?.map(|category| category.id),
        ..Filters::default()
    })
}

fn list(global: &Global, found: &[Found]) -> Result<()> {
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
    let head = ["id", "title", "brand", "price", "category", "stock"];
    Ok(global.out().list(found, &head, row, "nothing like it")?)
}

/// What must hold, as the protocol tests it.
fn tests(filters: &Filters, item: &Item) -> Vec<Test> {
    let mut tests = Vec::new();
    if let Some(asked) = filters.ceiling {
        let offered = item.price;
        tests.extend([Test::Currency { asked, offered }, Test::Budget { asked, offered }]);
    }
    if let Some(asked) = filters.category {
        let offered = item.category;
        tests.push(Test::Category { asked, offered });
    }
    tests
}

fn explain(global: &Global, filters: &Filters, wishes: &[Wish], found: &[(Candidate, Why)]) -> Result<()> {
    let out = global.out();
    for (candidate, why) in found {
        let item = &candidate.item;
        let tests = tests(filters, item);
        let preferred: Vec<(String, &str)> = wishes
            .iter()
            .map(|wish| {
                let verdict = match wish.holds(&item.attributes) {
                    Holds::Met => "met",
                    Holds::Unmet => "missed",
                    Holds::Unknown => "unknown",
                };
                (wish.to_string(), verdict)
            })
            .collect();
        out.value(&json!({ "item": item, "why": why, "constraints": tests, "preferences": preferred }))?;
        out.line(clean(&format!("{}  {}  {}", item.id, item.title, item.price)))?;
        out.line(format!(
            "    {:.2} points, {:.0}% of the words{}",
            why.score,
            100.0 * why.covered,
            if why.beside > 0.0 {
                format!(", {:.2} of them beside the words", why.beside)
            } else {
                String::new()
            }
        ))?;
        for word in &why.words {
            out.line(clean(&match word.places.is_empty() {
                true => format!("    {}: nowhere", word.said),
                false => format!(
                    "    {}: {} ({}: {}) {:+.2}",
                    word.said,
                    word.places.join(", "),
                    word.how,
                    word.term,
                    word.points
                ),
            }))?;
        }
        for test in &tests {
            out.line(clean(&format!("    {test}")))?;
        }
        for (wish, verdict) in &preferred {
            out.line(clean(&format!("    prefers {wish}: {verdict}")))?;
        }
    }
    if found.is_empty() {
        out.line("nothing like it")?;
    }
    Ok(())
}

/// A run in the form of TREC: qid Q0 docid rank score name.
fn trec(index: &Index, args: &SearchArgs, queries: &std::path::Path, name: &str) -> Result<()> {
    let long = fs::metadata(queries).map_err(Failure::usage)?.len();
    if long > MAX_QUERIES {
        return Err(Failure::usage(format!("{} is longer than {MAX_QUERIES} bytes", queries.display())).into());
    }
    let text = fs::read_to_string(queries).map_err(Failure::usage)?;
    let mut out = BufWriter::new(io::stdout().lock());
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut cells = line.split('\t');
        let (Some(query), Some(words)) = (cells.next(), cells.next()) else {
            let what = format!("{}:{}: not qid<TAB>words[<TAB>budget]", queries.display(), at + 1);
            return Err(Failure::usage(what).into());
        };
        let budget = cells
            .next()
            .filter(|budget| !budget.trim().is_empty())
            .or(args.budget.as_deref());
        let found = index.search_ids(words, &filters(args, budget)?, args.limit.into())?;
        for (rank, (docid, score)) in found.iter().enumerate() {
            writeln!(out, "{query} Q0 {docid} {} {score:.6} {name}", rank + 1)?;
        }
    }
    Ok(out.flush()?)
}
