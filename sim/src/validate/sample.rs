//! What one seed says of a level.

use serde::{Deserialize, Serialize};

use crate::outcome::Summary;

/// The measures of one seed that are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The seed.
    pub seed: u64,
    /// Mean mesh degree.
    pub degree: f64,
    /// Copies sent for each first arrival.
    pub sends: f64,
    /// Half arrive within this, ms.
    pub p50_ms: f64,
    /// 99 of 100 arrive within this, ms.
    pub p99_ms: f64,
    /// Share of expected arrivals that came.
    pub delivery: f64,
    /// Shares of arrivals by hops, from 1.
    pub hops: Vec<f64>,
}

impl Sample {
    /// Of a run; a run in which nothing was meshed, sent or delivered says nothing.
    pub fn of(seed: u64, summary: &Summary) -> Result<Self, String> {
        let there = |what: &str, value: Option<f64>| value.ok_or_else(|| format!("seed {seed}: the run has no {what}"));
        if summary.partial {
            return Err(format!("seed {seed}: the run was ended before its time"));
        }
        Ok(Self {
            seed,
            degree: there("mesh degree", summary.mesh_degree.mean)?,
            sends: there("deliveries", summary.sends_per_delivery)?,
            p50_ms: there("latency", summary.latency.p50_ms)?,
            p99_ms: there("latency", summary.latency.p99_ms)?,
            delivery: there("expected deliveries", summary.delivery_ratio)?,
            hops: summary.hop_shares.clone(),
        })
    }
}
