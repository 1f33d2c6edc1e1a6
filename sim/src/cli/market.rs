//! Markets on the simple network: one in figures, and many walks in which every rule is tried.

use std::process::ExitCode;

use super::Failure;
use crate::market::{
    Weather,
    scenario::{Scale, market},
    talk::{Cheat, Said, talk},
};

/// `market`.
#[derive(clap::Args)]
pub struct Trade {
    /// Nodes in all.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    nodes: u32,
    /// Nodes that sell; the others want something. Two in five, when nothing is said.
    #[arg(long)]
    sellers: Option<u32>,
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
}

/// Who changes what it sends.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Cheating {
    Shop,
    Customer,
}

/// `talk`: five thousand walks of a kind take about a quarter of an hour in release; whoever changes what conversations
/// are walks so many with nobody that cheats, with `--cheating=shop`, and with `--cheating=customer`.
#[derive(clap::Args)]
pub struct Talk {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// What happens on each walk.
    #[arg(long, default_value_t = 90)]
    actions: usize,
    /// One of the shops, or of the customers, changes what it sends.
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "shop", require_equals = true)]
    cheating: Option<Cheating>,
}

impl Trade {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let Trade {
            nodes,
            sellers,
            intents,
            loss,
            seed,
            json,
        } = self;
        let sellers = sellers.unwrap_or(nodes * 2 / 5);
        if sellers >= nodes {
            return Err(
                format!("--sellers: expected fewer than --nodes ({nodes}), for the others want something").into(),
            );
        }
        let scale = Scale {
            nodes: nodes as usize,
            sellers: sellers as usize,
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
            println!("{}", serde_json::to_string(&summary)?);
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
        Ok(u8::from(!summary.violations.is_empty()).into())
    }
}

impl Talk {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let Talk {
            from,
            seeds,
            actions,
            cheating,
        } = self;
        let cheat = cheating.map(|who| match who {
            Cheating::Shop => Cheat::Shop,
            Cheating::Customer => Cheat::Customer,
        });
        let end = from
            .checked_add(seeds)
            .ok_or_else(|| format!("--from {from} --seeds {seeds}: expected a sum below 2^64"))?;
        let seeds = from..end;
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
        Ok(u8::from(broken > 0).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_past_the_last_seed_are_refused() {
        for (from, seeds) in [(u64::MAX, 5), (u64::MAX, 1), (1, u64::MAX)] {
            let talk = Talk {
                from,
                seeds,
                actions: 1,
                cheating: None,
            };
            let error = talk.run().expect_err("no such seeds").to_string();
            assert!(error.contains("expected a sum below 2^64"), "{error}");
        }
        let last = Talk {
            from: u64::MAX - 1,
            seeds: 1,
            actions: 1,
            cheating: None,
        };
        assert!(last.run().is_ok());
    }
}
