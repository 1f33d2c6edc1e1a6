//! `intentcast-sim run`: a market from one seed, and what came of it.

use clap::{Parser, Subcommand};
use intentcast_sim::{
    Weather,
    scenario::{Scale, market},
    talk::{Cheat, Said, talk},
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

#[derive(Clone, Copy, clap::ValueEnum)]
enum Cheating {
    Shop,
    Customer,
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
    /// Walks on which two customers and two shops say all that can be said, right and wrong, through loss, copies and
    /// restarts; ends with 1 where a rule was broken. Five thousand of each kind take about a quarter of an hour each in release:
    /// `intentcast-sim talk --seeds 5000` and the same with `--cheating=shop` and `--cheating=customer`.
    Talk {
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// What happens on each walk.
        #[arg(long, default_value_t = 90)]
        actions: usize,
        /// One of the shops, or of the customers, changes what it sends.
        #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "shop", require_equals = true)]
        cheating: Option<Cheating>,
    },
}

fn main() -> std::process::ExitCode {
    let (nodes, sellers, intents, loss, seed, json) = match Args::parse().command {
        Verb::Run {
            nodes,
            sellers,
            intents,
            loss,
            seed,
            json,
        } => (nodes, sellers, intents, loss, seed, json),
        Verb::Talk {
            from,
            seeds,
            actions,
            cheating,
        } => return talks(from..from.saturating_add(seeds), actions, cheating),
    };
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

fn talks(seeds: std::ops::Range<u64>, actions: usize, cheating: Option<Cheating>) -> std::process::ExitCode {
    let cheat = cheating.map(|who| match who {
        Cheating::Shop => Cheat::Shop,
        Cheating::Customer => Cheat::Customer,
    });
    let (mut broken, mut all) = (0, Said::default());
    for seed in seeds.clone() {
        let (_, summary, said) = talk(seed, actions, cheat);
        all.letters += said.letters;
        all.denied += said.denied;
        all.changed += said.changed;
        all.granted += said.granted;
        all.restored += said.restored;
        broken += u64::from(!summary.violations.is_empty());
        for violation in &summary.violations {
            println!("seed {seed}: {violation}");
        }
    }
    println!(
        "{} walks: {} letters held by customers, {} moves denied, {} deals changed, {} strands granted, {} older backups gone on from; {broken} walks broke a rule",
        seeds.end - seeds.start,
        all.letters,
        all.denied,
        all.changed,
        all.granted,
        all.restored
    );
    u8::from(broken > 0).into()
}
