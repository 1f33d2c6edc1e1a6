//! `intentcast catalog search`: what is most like some words, why, and whole lists of questions for measuring.
//!
//! A running node is asked; without one its folder is searched here, and with `--catalog` a file, for trying it.

use std::{
    fs,
    io::{self, BufWriter, Write as _},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Result;
use clap::Args;
use intentcast_protocol::{
    attribute::{Holds, Strength, Wish},
    category,
    decimal::Decimal,
    money::Money,
    place::Region,
    time::Timestamp,
};

use super::{Failure, Global, catalog::read, mapping::MappingArgs, out::clean};
use crate::{
    api::backend::{Explained, Found, Preferred, Search},
    client::Client,
    home::Home,
    index::{Filters, Index, Why},
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
    #[command(flatten)]
    pub mapping: MappingArgs,
    /// At most this price: `500GBP`
    #[arg(long, value_name = "MONEY")]
    pub budget: Option<String>,
    /// A category's path, name or synonym
    #[arg(long, value_name = "CATEGORY")]
    pub category: Option<String>,
    /// What is sent here, or does not say where: `GB-YOR`
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// Hold this against each item: `frame=XL`; with --explain
    #[arg(long, value_name = "NAME=VALUE", requires = "explain")]
    pub prefer: Vec<String>,
    /// Answer each line of this file: qid<TAB>words[<TAB>budget], the budget as 500GBP or as 500 of the catalogue's money
    #[arg(long, value_name = "FILE", requires = "trec", conflicts_with_all = ["words", "explain"])]
    pub queries: Option<PathBuf>,
    /// Write a TREC run of this name
    #[arg(long, value_name = "NAME", requires = "queries")]
    pub trec: Option<String>,
}

pub async fn run(global: &Global, args: SearchArgs) -> Result<()> {
    let place = open(global, &args)?;
    if let (Some(queries), Some(name)) = (&args.queries, &args.trec) {
        return trec(&place, &args, queries, name).await;
    }
    let words = args.words.as_deref().unwrap_or_default();
    let found = place.search(&args, words, args.budget.as_deref()).await?;
    match args.explain {
        true => explain(global, &found),
        false => list(global, &found),
    }
}

/// Where the catalogue is.
enum Place {
    /// A running node's.
    Node(Client),
    /// Here: a file's, or that of a folder which no node has; no other may take it meanwhile.
    Here { index: Box<Index>, _held: Option<Home> },
}

fn open(global: &Global, args: &SearchArgs) -> Result<Place> {
    if let Some(file) = &args.catalog {
        let import = read(file, &args.mapping)?;
        let store = Arc::new(Store::in_memory()?);
        store.replace_catalogue(import.items, Timestamp(1))?;
        return Ok(Place::Here {
            index: Box::new(Index::in_memory(store)?),
            _held: None,
        });
    }
    if args.mapping != MappingArgs::default() {
        return Err(Failure::usage("--map and its like say how a file is read: name it with --catalog").into());
    }
    let path = global.home()?;
    let node = Client::of_home(&path);
    if let Ok(node) = node {
        return Ok(Place::Node(node));
    }
    // A folder without a node may have a catalogue all the same; one that is no node's at all is the node's to explain.
    if !path.join(crate::store::FILE).exists() {
        return Ok(Place::Node(node?));
    }
    let home = Home::open(&path)?;
    let store = Arc::new(Store::open(&path)?);
    Ok(Place::Here {
        index: Box::new(Index::open(path.join("index"), store)?),
        _held: Some(home),
    })
}

impl Place {
    async fn search(&self, args: &SearchArgs, words: &str, budget: Option<&str>) -> Result<Vec<Found>> {
        match self {
            Self::Node(client) => {
                let limit = args.limit.to_string();
                let prefer = args.prefer.join("\n");
                let region = args.region.map(|region| region.to_string());
                let mut asked = vec![("q", words), ("limit", &limit)];
                asked.extend(budget.map(|budget| ("budget", budget.trim())));
                asked.extend(args.category.as_deref().map(|category| ("category", category)));
                asked.extend(region.as_deref().map(|region| ("region", region)));
                if args.explain {
                    asked.extend([("explain", "true"), ("prefer", &prefer)]);
                }
                Ok(client.search(&asked).await?)
            }
            Self::Here { index, .. } => {
                let wishes = args.prefer.iter().map(|said| Wish::parse(said, Strength::Prefer(50)));
                let search = Search {
                    words: words.to_owned(),
                    limit: args.limit.into(),
                    filters: filters(args, budget)?,
                    wishes: wishes.collect::<Result<_, _>>().map_err(Failure::usage)?,
                    explain: args.explain,
                };
                Ok(search.run(index)?)
            }
        }
    }
}

fn filters(args: &SearchArgs, budget: Option<&str>) -> Result<Filters> {
    let ceiling: Option<Money> = budget
        .map(|budget| budget.trim().parse())
        .transpose()
        .map_err(Failure::usage)?;
    let category = args.category.as_deref().map(category::resolve).transpose();
    Ok(Filters {
        ceiling,
        category: category.map_err(Failure::usage)?.map(|category| category.id),
        region: args.region,
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

fn explain(global: &Global, found: &[Found]) -> Result<()> {
    let out = global.out();
    for found in found {
        let item = &found.item;
        out.value(found)?;
        let Some(Explained {
            why,
            constraints,
            preferences,
        }) = &found.explained
        else {
            continue;
        };
        out.line(clean(&format!("{}  {}  {}", item.id, item.title, item.price)))?;
        out.line(clean(&points(why)))?;
        for word in &why.words {
            out.line(clean(&match word.places.is_empty() {
                true => format!("    {}: nowhere", word.said),
                false => format!(
                    "    {}: {} ({}: {}) {:+.3}",
                    word.said,
                    word.places.join(", "),
                    word.how,
                    word.term,
                    word.points
                ),
            }))?;
        }
        for check in constraints {
            out.line(clean(&format!("    {}", check.test)))?;
        }
        for Preferred { wish, holds } in preferences {
            let verdict = match holds {
                Holds::Met => "met",
                Holds::Unmet => "missed",
                Holds::Unknown => "unknown",
            };
            out.line(clean(&format!("    prefers {wish}: {verdict}")))?;
        }
    }
    if found.is_empty() {
        out.line("nothing like it")?;
    }
    Ok(())
}

/// How the score comes about, in a line.
fn points(why: &Why) -> String {
    let mut line = format!(
        "    {:.3} points: {:.0}% of the words, of whose points {:.0}% are left",
        why.score,
        100.0 * why.covered,
        100.0 * why.kept
    );
    if let Some(extra) = &why.extra {
        line += &format!(
            "; it names a {extra}, which nobody asked for: of the rest {:.0}%",
            100.0 * why.left
        );
    }
    if why.beside > 0.0 {
        line += &format!("; {:+.3} for its category or number", why.beside);
    }
    line
}

/// A run in the form of TREC: qid Q0 docid rank score name.
async fn trec(place: &Place, args: &SearchArgs, queries: &std::path::Path, name: &str) -> Result<()> {
    let unread = |why: io::Error| Failure::usage(format!("{}: {why}", queries.display()));
    let long = fs::metadata(queries).map_err(unread)?.len();
    if long > MAX_QUERIES {
        return Err(Failure::usage(format!("{} is longer than {MAX_QUERIES} bytes", queries.display())).into());
    }
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(Failure::usage("a run's name is one word").into());
    }
    let text = fs::read_to_string(queries).map_err(unread)?;
    let mut out = BufWriter::new(io::stdout());
    let mut currency = None;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: &str| Failure::usage(format!("{}:{}: {why}", queries.display(), at + 1));
        let mut cells = line.split('\t');
        let (Some(query), Some(words)) = (cells.next(), cells.next()) else {
            return Err(wrong("not qid<TAB>words[<TAB>budget]").into());
        };
        let budget = cells.next().map(str::trim).filter(|budget| !budget.is_empty());
        let budget = match budget {
            // A bare number is of the catalogue's currency, whole units.
            Some(bare) if bare.parse::<Decimal>().is_ok() => {
                if currency.is_none() {
                    currency = place
                        .search(args, words, None)
                        .await?
                        .first()
                        .map(|found| found.item.price.currency);
                }
                currency.map(|currency| format!("{bare} {currency}"))
            }
            said => said.map(str::to_owned),
        };
        if let Some(budget) = &budget {
            let money = budget.parse::<Money>();
            money.map_err(|why| wrong(&format!("the budget {}: {why}", clean(budget))))?;
        }
        let found = place
            .search(args, words, budget.as_deref().or(args.budget.as_deref()))
            .await?;
        for (rank, found) in found.iter().enumerate() {
            let id = &found.item.id;
            writeln!(out, "{query} Q0 {id} {} {:.6} {name}", rank + 1, found.score)?;
        }
    }
    Ok(out.flush()?)
}
