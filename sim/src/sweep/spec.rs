//! What a sweep's file says: a scenario, keys with their values, and how often.

use std::collections::BTreeMap;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::Value;

use crate::scenario::{Digests, Error, Scenario, derived_seed};

/// A sweep as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// A shipped scenario's name, or a file beside this one.
    pub scenario: String,
    /// Where all seeds come from; unset: the scenario's own.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Runs of each point, each with a seed of its own.
    #[serde(default = "one")]
    pub replicates: u32,
    /// Keys and all their values; every combination is a point.
    #[serde(default)]
    pub grid: BTreeMap<String, Vec<Value>>,
    /// Keys and what their values are drawn from, besides the grid.
    #[serde(default)]
    pub random: BTreeMap<String, Spread>,
    /// Points drawn for each one of the grid.
    #[serde(default = "one")]
    pub draws: u32,
}

/// What values are drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Spread {
    /// From the first to the second, all alike.
    Uniform([f64; 2]),
    /// The same in the logarithm.
    Log([f64; 2]),
    /// Whole numbers from the first to the second, both in.
    Whole([i64; 2]),
    /// One of these.
    OneOf(Vec<Value>),
}

/// One run of a sweep.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number in the whole sweep, from 0.
    pub number: usize,
    /// What makes its point, by key.
    pub point: Vec<(String, Value)>,
    /// Its number among the runs of its point.
    pub replicate: u32,
    /// Its seed: points share the seeds of their replicates, so that they differ by their keys alone.
    pub seed: u64,
    /// What is run.
    pub scenario: Scenario,
}

/// A sweep of more runs is a mistake in its file.
const MAX_RUNS: usize = 1_000_000;

fn one() -> u32 {
    1
}

impl Sweep {
    /// Reads a sweep's file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Error::of_file(&file, &error.to_string()))?;
        Self::parse(&file, &text)
    }

    /// Reads a sweep; `file` is what an error calls the text.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let sweep: Self = toml::from_str(text).map_err(|error| Error::of_toml(file, text, &error))?;
        let wrong = |key: String, expected: &str| Err(Error::of_value(file, text, &key, expected));
        for (key, values) in &sweep.grid {
            if values.is_empty() {
                return wrong(format!("grid.{key}"), "expected at least one value");
            }
        }
        for (key, spread) in &sweep.random {
            let name = format!("random.{key}");
            match spread {
                Spread::Uniform([from, to]) if from.is_finite() && to.is_finite() && from <= to => {}
                Spread::Uniform(_) => return wrong(name, "expected two numbers, the lesser first"),
                Spread::Log([from, to]) if *from > 0.0 && to.is_finite() && from <= to => {}
                Spread::Log(_) => return wrong(name, "expected two numbers above zero, the lesser first"),
                Spread::Whole([from, to]) if from <= to => {}
                Spread::Whole(_) => return wrong(name, "expected two whole numbers, the lesser first"),
                Spread::OneOf(values) if !values.is_empty() => {}
                Spread::OneOf(_) => return wrong(name, "expected at least one value"),
            }
            if sweep.grid.contains_key(key) {
                return wrong(name, "is in the grid, too");
            }
        }
        if sweep.size().is_none_or(|size| size == 0 || size > MAX_RUNS) {
            return wrong(
                String::new(),
                "expected 1 to 1000000 runs in all: grid times draws times replicates",
            );
        }
        Ok(sweep)
    }

    /// Runs in all.
    fn size(&self) -> Option<usize> {
        let grid = self
            .grid
            .values()
            .try_fold(1_usize, |all, values| all.checked_mul(values.len()))?;
        grid.checked_mul(self.draws as usize)?
            .checked_mul(self.replicates as usize)
    }

    /// Every run of this scenario, in order. The same file gives the same runs.
    pub fn runs(&self, base: &Scenario) -> Result<Vec<Run>, Error> {
        let seed = self.seed.unwrap_or(base.seed);
        let mut dice = ChaCha8Rng::seed_from_u64(derived_seed(seed, u64::MAX));
        let mut runs = Vec::new();
        for mut point in self.points() {
            let fixed = point.len();
            for _ in 0..self.draws {
                point.truncate(fixed);
                for (key, spread) in &self.random {
                    point.push((key.clone(), spread.draw(&mut dice)));
                }
                let scenario = base.with(&point)?;
                for replicate in 0..self.replicates {
                    runs.push(Run {
                        number: runs.len(),
                        point: point.clone(),
                        replicate,
                        seed: derived_seed(seed, u64::from(replicate)),
                        scenario: scenario.clone(),
                    });
                }
            }
        }
        Ok(runs)
    }

    /// Every combination of the grid, the last key's values the quickest to change.
    fn points(&self) -> Vec<Vec<(String, Value)>> {
        let mut points = vec![Vec::new()];
        for (key, values) in &self.grid {
            let longer = points.iter().flat_map(|point: &Vec<(String, Value)>| {
                values.iter().map(move |value| {
                    let mut point = point.clone();
                    point.push((key.clone(), value.clone()));
                    point
                })
            });
            points = longer.collect();
        }
        points
    }
}

impl Spread {
    fn draw(&self, dice: &mut ChaCha8Rng) -> Value {
        // 53 bits are what a float between 0 and 1 can hold.
        let share = (dice.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        match self {
            Spread::Uniform([from, to]) => Value::Float(from + share * (to - from)),
            Spread::Log([from, to]) => Value::Float((from.ln() + share * (to.ln() - from.ln())).exp()),
            Spread::Whole([from, to]) => {
                let span = (i128::from(*to) - i128::from(*from) + 1) as f64;
                let drawn = i128::from(*from) + (share * span) as i128;
                Value::Integer(drawn.min(i128::from(*to)) as i64)
            }
            Spread::OneOf(values) => values[((share * values.len() as f64) as usize).min(values.len() - 1)].clone(),
        }
    }
}

impl Run {
    /// Whether it belongs to this one of so many shards; every run belongs to one.
    pub fn is_of(&self, shard: (usize, usize)) -> bool {
        self.number % shard.1 == shard.0
    }
}

/// What each run's row is kept under: scenario with its files, seed, and the program that runs it. Draws and values that
/// come out alike are runs of their own, and are counted.
pub fn hashes(runs: &[Run], program: &str) -> Vec<String> {
    let (mut files, mut seen) = (Digests::default(), BTreeMap::<String, u32>::new());
    let each = runs.iter().map(|run| {
        let mut hash = Sha256::new();
        hash.update(run.scenario.hash_by(&mut files));
        hash.update(run.seed.to_le_bytes());
        hash.update(program);
        let digest: [u8; 32] = hash.finalize().into();
        let hash: String = digest[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        let before = seen.entry(hash.clone()).or_default();
        *before += 1;
        match *before {
            1 => hash,
            again => format!("{hash}-{again}"),
        }
    });
    each.collect()
}
