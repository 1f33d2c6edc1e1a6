//! Whether two levels are one: the same scenario on both, many seeds, and a test of equivalence for each measure.
//!
//! Equal within a tolerance is what has to be shown, not that no difference was seen: a measure passes when the whole
//! 90 % interval of the difference of seed means lies within its tolerance (two one-sided tests at 5 %), so that few
//! seeds or much noise fail rather than pass.

mod record;
mod sample;
mod setups;
mod student;

pub use record::{Kept, Record};
pub use sample::Sample;
pub use setups::{REFERENCE, Reference, Setup, long, short};

use serde::{Deserialize, Serialize};

use student::t95;

/// How far a measure of the model may be from the real one's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// As a share of the real mean.
    Share(f64),
    /// In the measure's own unit.
    Absolute(f64),
}

/// A measure of both, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What was measured, with its unit.
    pub measure: String,
    /// The real seeds' mean.
    pub real: f64,
    /// The model seeds' mean.
    pub model: f64,
    /// Model less real.
    pub difference: f64,
    /// The 90 % interval of the difference.
    pub interval: (f64, f64),
    /// The most that either end of it may be from nought.
    pub allowed: f64,
    /// Whether all of it is within.
    pub holds: bool,
}

/// What is to be said of one set-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The set-up's name.
    pub setup: String,
    /// Seeds of the real level.
    pub real_seeds: usize,
    /// Seeds of the model.
    pub model_seeds: usize,
    /// Each measure.
    pub lines: Vec<Line>,
}

impl Verdict {
    /// Whether every measure holds.
    pub fn holds(&self) -> bool {
        self.lines.iter().all(|line| line.holds)
    }

    /// Of the seeds of both levels; each needs two at least.
    pub fn of(setup: &str, real: &[Sample], model: &[Sample]) -> Result<Self, String> {
        if real.len() < 2 || model.len() < 2 {
            let (real, model) = (real.len(), model.len());
            return Err(format!(
                "{setup}: two seeds of each are the least to tell chance from difference; there are {real} real and {model} of the model"
            ));
        }
        // A seed has the same publishers, links and churn on both levels: what they do to both alike is no difference.
        let is_paired = real
            .iter()
            .map(|sample| sample.seed)
            .eq(model.iter().map(|sample| sample.seed));
        let line = |measure: &str, of: fn(&Sample) -> f64, tolerance: Tolerance| {
            let values = |samples: &[Sample]| samples.iter().map(of).collect::<Vec<f64>>();
            let of = if is_paired { Line::of_pairs } else { Line::of };
            of(measure, &values(real), &values(model), tolerance)
        };
        let mut lines = vec![
            line("mesh degree", |s| s.degree, Tolerance::Share(0.03)),
            line("sends per delivery", |s| s.sends, Tolerance::Share(0.05)),
            line("latency p50, ms", |s| s.p50_ms, Tolerance::Share(0.05)),
            line("latency p99, ms", |s| s.p99_ms, Tolerance::Share(0.05)),
            line("delivery, %", |s| s.delivery * 100.0, Tolerance::Absolute(0.1)),
        ];
        lines.push(hops(real, model));
        Ok(Self {
            setup: setup.to_owned(),
            real_seeds: real.len(),
            model_seeds: model.len(),
            lines,
        })
    }
}

impl Line {
    /// Two sets of seeds' values against each other, each set of seeds of its own.
    pub fn of(measure: &str, real: &[f64], model: &[f64], tolerance: Tolerance) -> Self {
        let ((real_mean, real_spread), (model_mean, model_spread)) = (mean_error(real), mean_error(model));
        let error = (real_spread + model_spread).sqrt();
        // Welch: the two levels need not vary alike.
        let freedom = if error > 0.0 {
            let part = |spread: f64, n: usize| spread * spread / (n as f64 - 1.0);
            (real_spread + model_spread).powi(2) / (part(real_spread, real.len()) + part(model_spread, model.len()))
        } else {
            1.0
        };
        Self::within(measure, (real_mean, model_mean), t95(freedom) * error, tolerance)
    }

    /// Two values of each seed against each other.
    pub fn of_pairs(measure: &str, real: &[f64], model: &[f64], tolerance: Tolerance) -> Self {
        let differences: Vec<f64> = real.iter().zip(model).map(|(real, model)| model - real).collect();
        let (_, spread) = mean_error(&differences);
        let half = t95(differences.len() as f64 - 1.0) * spread.sqrt();
        Self::within(measure, (mean_error(real).0, mean_error(model).0), half, tolerance)
    }

    /// Of two means whose difference has an interval that is twice `half` wide.
    fn within(measure: &str, (real, model): (f64, f64), half: f64, tolerance: Tolerance) -> Self {
        let difference = model - real;
        let interval = (difference - half, difference + half);
        let allowed = match tolerance {
            Tolerance::Share(share) => share * real.abs(),
            Tolerance::Absolute(most) => most,
        };
        Self {
            measure: measure.to_owned(),
            real,
            model,
            difference,
            interval,
            allowed,
            // The last bits of a mean are no difference.
            holds: interval.0.abs().max(interval.1.abs()) <= allowed * (1.0 + 1e-9) + 1e-12,
        }
    }
}

/// Mean, and the variance of that mean as the values' own spread tells it.
fn mean_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, variance / n)
}

/// The largest distance of the two mean distributions of hops. It has no interval of its own: the tolerance is many
/// times what chance makes of it.
fn hops(real: &[Sample], model: &[Sample]) -> Line {
    let distance = largest_distance(&mean_shares(real), &mean_shares(model));
    let allowed = 0.04;
    Line {
        measure: "hops, largest distance".into(),
        real: 0.0,
        model: distance,
        difference: distance,
        interval: (distance, distance),
        allowed,
        holds: distance <= allowed,
    }
}

fn mean_shares(samples: &[Sample]) -> Vec<f64> {
    let longest = samples.iter().map(|sample| sample.hops.len()).max().unwrap_or(0);
    let share = |sample: &Sample, at: usize| sample.hops.get(at).copied().unwrap_or(0.0);
    let mean = |at| samples.iter().map(|sample| share(sample, at)).sum::<f64>() / samples.len() as f64;
    (0..longest).map(mean).collect()
}

/// Of two distributions' sums, the most that they are apart.
pub fn largest_distance(one: &[f64], other: &[f64]) -> f64 {
    let (mut sums, mut most) = ((0.0, 0.0), 0.0_f64);
    for at in 0..one.len().max(other.len()) {
        sums.0 += one.get(at).unwrap_or(&0.0);
        sums.1 += other.get(at).unwrap_or(&0.0);
        most = most.max((sums.0 - sums.1).abs());
    }
    most
}

/// A table for a reader at a terminal.
impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.holds() { "holds" } else { "FAILS" };
        writeln!(
            f,
            "{}: {word} ({} real seeds, {} of the model)",
            self.setup, self.real_seeds, self.model_seeds
        )?;
        for line in &self.lines {
            writeln!(
                f,
                "  {:<26} {:>10.3} {:>10.3} {:>+9.3} [{:+.3}, {:+.3}] of +-{:.3} {}",
                line.measure,
                line.real,
                line.model,
                line.difference,
                line.interval.0,
                line.interval.1,
                line.allowed,
                if line.holds { "" } else { "<- out" }
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
