//! `intentcast-sim run`: a market from one seed, and what came of it.

use clap::{Parser, Subcommand};
use intentcast_sim::{
    Weather,
    scenario::{Scale, market},
};

#[derive(Parser)]
#[command(
    name = "intentcast-sim",
    version,
    about = "Markets from one seed, over a virtual clock"
)]
struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Runs a market: customers cast, sellers answer, the best offers are accepted.
    Run {
        /// Nodes in all.
        #[arg(long, default_value_t = 100)]
        nodes: usize,
        /// Nodes that sell.
        #[arg(long, default_value_t = 40)]
        sellers: usize,
        /// Wants cast in all.
        #[arg(long, default_value_t = 60)]
        intents: usize,
        /// Messages lost, in a thousand; above zero, some also come twice and nodes are killed.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=900))]
        loss: u64,
        /// The same seed gives the same history.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// One line of JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> std::process::ExitCode {
    let Verb::Run {
        nodes,
        sellers,
        intents,
        loss,
        seed,
        json,
    } = Args::parse().command;
    let scale = Scale {
        nodes,
        sellers,
        intents,
        degree: 6,
        restarts: loss > 0,
        seed,
    };
    let weather = if loss == 0 {
        Weather::FAIR
    } else {
        Weather { loss, ..Weather::FOUL }
    };
    let (_, summary) = market(scale, weather);
    if json {
        match serde_json::to_string(&summary) {
            Ok(line) => println!("{line}"),
            Err(error) => eprintln!("{error}"),
        }
    } else {
        println!(
            "{} nodes: {} wants cast, heard {} times, {} offers, {} agreements; {} restarts, {} steps in {} s of virtual time",
            summary.nodes,
            summary.cast,
            summary.heard,
            summary.offers,
            summary.agreements,
            summary.restarts,
            summary.steps,
            summary.virtual_ms / 1000
        );
        println!("history {}", summary.history);
        for violation in &summary.violations {
            println!("violation: {violation}");
        }
    }
    u8::from(!summary.violations.is_empty()).into()
}
