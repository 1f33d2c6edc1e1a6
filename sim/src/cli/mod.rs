//! The command line: what can be asked, and who answers.

mod again;
mod compare;
mod exchange;
mod market;
mod progress;
mod run;
mod scenarios;
mod sweep;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::scenario;

#[derive(Parser)]
#[command(
    name = "intentcast-sim",
    version,
    about = "Networks of many nodes from one seed, over a virtual clock",
    after_help = "Start with `intentcast-sim scenarios list`, then `intentcast-sim run quiet-market --out quiet`."
)]
struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Runs one scenario and tells what came of it.
    Run(run::Run),
    /// Runs a scenario over many values and seeds: a table with one row a run.
    Sweep(sweep::Sweep),
    /// Puts the rows of a sweep's shards together.
    Merge(sweep::Merge),
    /// Tells runs beside each other.
    Compare(compare::Compare),
    /// Draws figures of a run or a sweep.
    Plot(compare::PlotFigures),
    /// Runs a scenario again with this seed and compares with what was written then.
    Replay(again::Replay),
    /// Holds the model to the real level, measure by measure; ends with 1 where one is out.
    Validate(validate::Validate),
    /// Shipped scenarios.
    #[command(subcommand)]
    Scenarios(scenarios::Scenarios),
    /// Writes a scenario as a configuration of the Shadow simulator over the real node.
    ExportShadow(exchange::ExportShadow),
    /// Reads a script of libp2p's gossipsub-interop as a scenario.
    ImportInterop(exchange::ImportInterop),
    /// Runs a market on a simple network: customers cast, sellers answer, the best offers are accepted.
    Market(market::Trade),
    /// Walks on which two customers and two shops say all that can be said, right and wrong, through loss, copies and
    /// restarts; ends with 1 where a rule was broken. Five thousand of each kind take about a quarter of an hour each in release:
    /// `intentcast-sim talk --seeds 5000` and the same with `--cheating`.
    Talk(market::Talk),
}

/// Does what the command line asks: 0 when all is well, 1 when something was found, 2 when it could not be done.
pub fn main() -> ExitCode {
    Args::parse().command.run().unwrap_or_else(|error| {
        eprintln!("intentcast-sim: {}", harmless(&error.to_string()));
        ExitCode::from(2)
    })
}

/// What is told on a terminal: names and words from files do no more there than be read.
fn harmless(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(scenario::Error::shown).collect();
    lines.join("\n")
}

impl Verb {
    fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Verb::Run(run) => run.run(),
            Verb::Sweep(sweep) => sweep.run(),
            Verb::Merge(merge) => merge.run(),
            Verb::Compare(compare) => compare.run(),
            Verb::Plot(plot) => plot.run(),
            Verb::Replay(replay) => replay.run(),
            Verb::Validate(validate) => validate.run(),
            Verb::Scenarios(scenarios) => scenarios.run(),
            Verb::ExportShadow(export) => export.run(),
            Verb::ImportInterop(import) => import.run(),
            Verb::Market(trade) => trade.run(),
            Verb::Talk(talk) => talk.run(),
        }
    }
}

/// What ends a command: said once, on standard error.
type Failure = Box<dyn std::error::Error>;

#[cfg(test)]
mod tests;
