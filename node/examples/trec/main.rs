//! How good a search is: NDCG@10, R@100 and MRR of a TREC run, and whether one run is better than another.
//!
//! ```text
//! trec --run RUN --qrels QRELS [--against RUN]     the measures; between two runs, a paired bootstrap
//! trec prepare --data DIR --out DIR                catalogues, queries and judgements from raw data sets
//! trec ablate --sets DIR [--set title=2.5 ...]     each part of the query off in turn, on every prepared set
//! ```

mod ablate;
mod measure;
mod prepare;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use measure::{Measures, Qrels, Run};

#[derive(Parser)]
#[command(about = "Measure a run against judgements", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    score: Option<Score>,
}

#[derive(Subcommand)]
enum Command {
    /// Write catalogues, queries and judgements from the raw data sets
    Prepare {
        /// Where chorus/ and pricerunner/ are
        #[arg(long)]
        data: PathBuf,
        /// Where a folder for each set goes
        #[arg(long)]
        out: PathBuf,
    },
    /// Take each part out of the query in turn
    Ablate {
        /// The folder that `prepare` wrote
        #[arg(long)]
        sets: PathBuf,
        /// Weights in place of the shipped ones
        #[arg(long = "set", value_name = "NAME=WEIGHT")]
        weights: Vec<String>,
        /// Try each of these alone, in place of taking parts out
        #[arg(long = "try", value_name = "NAME=WEIGHT,NAME=WEIGHT")]
        tries: Vec<String>,
        /// Show each query's measure
        #[arg(long)]
        queries: bool,
    },
}

#[derive(Args)]
struct Score {
    /// The run: qid Q0 docid rank score name
    #[arg(long)]
    run: PathBuf,
    /// The judgements: TREC (qid 0 docid grade), or CSV with the columns query, docid, rating
    #[arg(long)]
    qrels: PathBuf,
    /// Another run, that the first is compared with
    #[arg(long)]
    against: Option<PathBuf>,
    /// Gain of a grade: as it is, or two to its power less one
    #[arg(long, value_enum, default_value_t = measure::Gain::Linear)]
    gain: measure::Gain,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match (cli.command, cli.score) {
        (Some(Command::Prepare { data, out }), _) => prepare::all(&data, &out),
        (
            Some(Command::Ablate {
                sets,
                weights,
                tries,
                queries,
            }),
            _,
        ) => ablate::all(&sets, &weights, &tries, queries),
        (None, Some(score)) => compare(&score),
        (None, None) => anyhow::bail!("name a run and its judgements: --run FILE --qrels FILE"),
    }
}

fn compare(score: &Score) -> Result<()> {
    let qrels = Qrels::load(&score.qrels)?;
    let run = Run::load(&score.run)?;
    let mine = Measures::of(&run, &qrels, score.gain);
    println!("{}  {}", mine, score.run.display());
    if let Some(path) = &score.against {
        let theirs = Measures::of(&Run::load(path)?, &qrels, score.gain);
        println!("{}  {}", theirs, path.display());
        let bootstrap = measure::bootstrap(&mine.ndcg, &theirs.ndcg).context("no query is in the judgements")?;
        println!("{bootstrap}");
    }
    Ok(())
}
