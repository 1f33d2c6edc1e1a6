//! Customers and sellers of the `market` level: who wants what, who has it, and at what price.

use serde::{Deserialize, Serialize};

/// A market's two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarketLoad {
    /// Intents cast in all.
    pub intents: u32,
    /// When they come.
    pub demand: Demand,
    /// Mean distance of two intents, ms.
    pub interval_ms: f64,
    /// Of `diurnal`: how long a day is, s.
    pub day_s: f64,
    /// Of `trace`: a CSV file of `at_s,category,region,budget` rows.
    pub file: Option<String>,
    /// Category groups that wants fall into, 1 to 8.
    pub categories: u32,
    /// Region groups, 1 to 8.
    pub regions: u32,
    /// Exponent of the Zipf law by which cells of category and region are wanted; 0: all alike.
    pub zipf: f64,
    /// Share of nodes that sell.
    pub sellers: f64,
    /// Cells of category and region that a seller serves.
    pub coverage: u32,
    /// Share of wants in its cells that a seller has in stock at all.
    pub stock: f64,
    /// Pieces of each item.
    pub pieces: u32,
    /// Buyers' budgets: mean, minor units.
    pub budget: f64,
    /// Sellers' prices: mean, minor units.
    pub price: f64,
    /// Standard deviation of both as a share of the mean.
    pub spread: f64,
    /// From hearing to answering, ms, exponentially.
    pub answer_ms: f64,
    /// How long a customer waits for offers before choosing, s.
    pub offer_window_s: f64,
    /// How long a want is open for offers, s.
    pub open_s: f64,
    /// Share of deals under which the seller asks for a strand of personal data, and is granted it.
    pub strands: f64,
    /// Whether records are signed and verified, or only take the time it would.
    pub signatures: Signatures,
}

impl Default for MarketLoad {
    fn default() -> Self {
        Self {
            intents: 60,
            demand: Demand::Poisson,
            interval_ms: 1_000.0,
            day_s: 86_400.0,
            file: None,
            categories: 8,
            regions: 8,
            zipf: 1.0,
            sellers: 0.4,
            coverage: 4,
            stock: 0.5,
            pieces: 2,
            budget: 15_000.0,
            price: 12_000.0,
            spread: 0.25,
            answer_ms: 500.0,
            offer_window_s: 30.0,
            open_s: 1_800.0,
            strands: 0.5,
            signatures: Signatures::Real,
        }
    }
}

/// When intents come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// At distances of the exponential distribution.
    #[default]
    Poisson,
    /// The same, most at noon.
    Diurnal,
    /// As a file says.
    Trace,
}

/// What a signature is in the simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signatures {
    /// Made and verified.
    #[default]
    Real,
    /// Virtual time only.
    Modelled,
}
