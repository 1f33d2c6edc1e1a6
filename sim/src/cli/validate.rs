//! `validate`: the model against the real level, and each against what outside witnesses measured.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Failure, progress, run};
use crate::level;
use crate::outcome::Summary;
use crate::report::Error;
use crate::scenario::{Level, Scenario, derived_seed};
use crate::validate::{REFERENCE, Record, Sample, Setup, Verdict, long, short};
use crate::watch::Watch;

/// Where the seeds of validation come from; any number would do.
const SEED: u64 = 1;

/// `validate`.
#[derive(clap::Args)]
pub struct Validate {
    /// All set-ups, not only those of the short form.
    #[arg(long)]
    long: bool,
    /// Of the long form: nodes of each, more than the ten that each of them dials.
    #[arg(long, default_value_t = 1_000, requires = "long", value_parser = clap::value_parser!(u32).range(11..=1_000_000))]
    nodes: u32,
    /// Only the set-ups whose names contain this.
    #[arg(long)]
    setup: Option<String>,
    /// Seeds of each level.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..))]
    seeds: u64,
    /// Runs the real level alone and keeps its seeds here.
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    record: Option<PathBuf>,
    /// Takes the real level's seeds from here.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// One level against the row that outside witnesses measured, instead.
    #[arg(long, value_enum, value_name = "LEVEL", conflicts_with_all = ["long", "record", "against", "setup", "seeds", "jobs", "json"])]
    reference: Option<Held>,
    /// Runs at once.
    #[arg(long)]
    jobs: Option<usize>,
    /// The verdicts as JSON.
    #[arg(long)]
    json: bool,
}

/// A level that is held to something.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Held {
    Gossip,
    Real,
}

impl Validate {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let watch = Arc::new(Watch::default());
        progress::end_on_ctrl_c(&watch)?;
        if let Some(held) = self.reference {
            return self.reference(held, &watch);
        }
        let all = if self.long { long(self.nodes) } else { short() };
        let part = self.setup.as_deref().unwrap_or_default();
        let setups: Vec<Setup> = all.into_iter().filter(|setup| setup.name.contains(part)).collect();
        if setups.is_empty() {
            return Err(format!("no set-up's name contains {part:?}").into());
        }
        if let Some(file) = &self.record {
            try_file(file)?;
            let mut record = Record::default();
            for setup in &setups {
                eprintln!("{}: {} seeds of the real level", setup.name, self.seeds);
                record.keep(setup, self.samples(setup, Level::Real, &watch)?);
            }
            record.save(file)?;
            return Ok(ExitCode::SUCCESS);
        }
        let record = self.against.as_deref().map(Record::load).transpose()?;
        let mut verdicts = Vec::new();
        for setup in &setups {
            let model = self.samples(setup, Level::Gossip, &watch)?;
            let real = match &record {
                Some(record) => record.find(setup)?.to_vec(),
                None => self.samples(setup, Level::Real, &watch)?,
            };
            let verdict = Verdict::of(setup.name, &real, &model)?;
            if !self.json {
                print!("{verdict}");
            }
            verdicts.push(verdict);
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&verdicts)?);
        }
        Ok(u8::from(!verdicts.iter().all(Verdict::holds)).into())
    }

    /// One sample a seed, some runs at once.
    fn samples(&self, setup: &Setup, level: Level, watch: &Watch) -> Result<Vec<Sample>, String> {
        let scenario = Scenario {
            level,
            ..setup.scenario.clone()
        };
        let next = AtomicUsize::new(0);
        let worker = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed) as u64;
                if at >= self.seeds {
                    return Ok(done);
                }
                let seed = derived_seed(SEED, at);
                let outcome = level::run(&scenario, seed, 1, watch)?;
                done.push((at, Sample::of(seed, &Summary::of(&outcome))?));
            }
        };
        let jobs = run::threads(self.jobs).min(self.seeds as usize);
        let each: Vec<Result<Vec<(u64, Sample)>, String>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
            let ended = workers.into_iter().map(|worker| worker.join());
            ended
                .map(|done| done.unwrap_or_else(|_| Err("a run panicked".into())))
                .collect()
        });
        let mut samples: Vec<(u64, Sample)> = Vec::new();
        for done in each {
            samples.extend(done.map_err(|error| format!("{}: {error}", setup.name))?);
        }
        samples.sort_by_key(|(at, _)| *at);
        Ok(samples.into_iter().map(|(_, sample)| sample).collect())
    }

    fn reference(&self, held: Held, watch: &Arc<Watch>) -> Result<ExitCode, Failure> {
        let level = match held {
            Held::Gossip => Level::Gossip,
            Held::Real => Level::Real,
        };
        let scenario = Scenario {
            level,
            ..Scenario::shipped("reference-row")?
        };
        let work = || level::run(&scenario, scenario.seed, run::threads(None), watch);
        let outcome = progress::beside(watch, scenario.length_ns(), work)?;
        let lines = REFERENCE.judge(&Summary::of(&outcome));
        for (name, witness, own, holds) in &lines {
            let word = if *holds { "" } else { "<- out" };
            println!(
                "{name:<26} witnesses {witness:>8.2}  {} {own:>8.2} {word}",
                level.name()
            );
        }
        Ok(u8::from(!lines.iter().all(|line| line.3)).into())
    }
}

/// Tries whether a file can be written, before hours of work go into it. What is in it stays.
fn try_file(file: &Path) -> Result<(), Error> {
    let was_there = file.exists();
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.map(drop).map_err(Error::of(file))?;
    match was_there {
        true => Ok(()),
        false => fs::remove_file(file).map_err(Error::of(file)),
    }
}
