//! The measures of a run, and all their arithmetic: exact, on whole sorted sets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Counters, MarketSummary, Outcome};

/// A run in figures. What nothing was counted for is none, never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Honest nodes.
    pub nodes: u32,
    /// Attackers.
    pub attackers: u32,
    /// Messages published.
    pub messages: u64,
    /// First arrivals.
    pub delivered: u64,
    /// First arrivals that there should have been.
    pub expected: u64,
    /// Delivered of expected.
    pub delivery_ratio: Option<f64>,
    /// From publishing to arrival.
    pub latency: Latencies,
    /// Share of first arrivals by the links they came over; the n-th is of n + 1 hops.
    pub hop_shares: Vec<f64>,
    /// Mean links.
    pub hops_mean: Option<f64>,
    /// Copies of known messages that arrived, for each first arrival.
    pub duplicates_per_delivery: Option<f64>,
    /// Copies sent for each first arrival.
    pub sends_per_delivery: Option<f64>,
    /// Sizes of meshes at the end.
    pub mesh_degree: Degrees,
    /// Bytes sent by each honest node, all kinds.
    pub bytes_up: PerNode,
    /// Bytes received by each honest node, all kinds.
    pub bytes_down: PerNode,
    /// What was sent, all together.
    pub counters: Counters,
    /// Of the market, where there is one.
    pub market: Option<MarketSummary>,
    /// Measures of attacks and privacy.
    pub measures: BTreeMap<String, f64>,
    /// What must never happen, and did.
    pub violations: Vec<String>,
    /// Things that happened.
    pub events: u64,
    /// Virtual time, s.
    pub virtual_s: f64,
    /// Whether it was ended before its time.
    pub partial: bool,
    /// SHA-256 over all that happened, in hex.
    pub trace: String,
}

/// A set of times, ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// How many.
    pub count: u64,
    /// Their mean.
    pub mean_ms: Option<f64>,
    /// Half are at most this.
    pub p50_ms: Option<f64>,
    /// Nine of ten are at most this.
    pub p90_ms: Option<f64>,
    /// 95 of 100 are at most this.
    pub p95_ms: Option<f64>,
    /// 99 of 100 are at most this.
    pub p99_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
}

impl Latencies {
    /// Of times in ns, in any order.
    pub fn of(mut ns: Vec<u64>) -> Self {
        ns.sort_unstable();
        let at = |per_mille: u32| percentile(&ns, per_mille).map(|ns| ns as f64 / 1e6);
        let sum: u128 = ns.iter().map(|ns| u128::from(*ns)).sum();
        Self {
            count: ns.len() as u64,
            mean_ms: (!ns.is_empty()).then(|| sum as f64 / (ns.len() as f64 * 1e6)),
            p50_ms: at(500),
            p90_ms: at(900),
            p95_ms: at(950),
            p99_ms: at(990),
            max_ms: at(1_000),
        }
    }
}

/// The nearest-rank percentile of a sorted set: the least element that so many thousandths of the set are not above.
/// Whole numbers only, for 99.9 % of a thousand is 999 and not what the nearest float makes of it.
pub fn percentile<T: Copy>(sorted: &[T], per_mille: u32) -> Option<T> {
    let rank = (sorted.len() as u128 * u128::from(per_mille)).div_ceil(1_000) as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// Sizes of meshes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Degrees {
    /// Meshes.
    pub count: u64,
    /// Mean size.
    pub mean: Option<f64>,
    /// The smallest.
    pub min: Option<u16>,
    /// The largest.
    pub max: Option<u16>,
    /// Meshes by size, from 0 to the largest.
    pub histogram: Vec<u64>,
}

impl Degrees {
    /// Of these sizes.
    pub fn of(degrees: &[u16]) -> Self {
        let max = degrees.iter().copied().max();
        let mut histogram = vec![0; max.map_or(0, |max| usize::from(max) + 1)];
        for degree in degrees {
            histogram[usize::from(*degree)] += 1;
        }
        Self {
            count: degrees.len() as u64,
            mean: ratio(degrees.iter().map(|d| u64::from(*d)).sum(), degrees.len() as u64),
            min: degrees.iter().copied().min(),
            max,
            histogram,
        }
    }
}

/// A figure of each node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PerNode {
    /// Mean.
    pub mean: Option<f64>,
    /// Half of the nodes are at most here.
    pub p50: Option<u64>,
    /// 99 of 100 nodes are at most here.
    pub p99: Option<u64>,
    /// The most of any node.
    pub max: Option<u64>,
}

impl PerNode {
    /// Of figures in any order.
    pub fn of(mut each: Vec<u64>) -> Self {
        each.sort_unstable();
        let sum: u128 = each.iter().map(|n| u128::from(*n)).sum();
        Self {
            mean: (!each.is_empty()).then(|| sum as f64 / each.len() as f64),
            p50: percentile(&each, 500),
            p99: percentile(&each, 990),
            max: each.last().copied(),
        }
    }
}

impl Summary {
    /// Of a run.
    pub fn of(outcome: &Outcome) -> Self {
        let delivered = outcome.deliveries.len() as u64;
        let expected = outcome.messages.iter().map(|message| u64::from(message.expected)).sum();
        let honest = outcome.nodes as usize;
        let both = |some: &[u64], more: &[u64]| -> PerNode {
            PerNode::of(some.iter().zip(more).take(honest).map(|(a, b)| a + b).collect())
        };
        let bytes = &outcome.bytes;
        let hops: u64 = outcome.deliveries.hops.iter().map(|hops| u64::from(*hops)).sum();
        Self {
            nodes: outcome.nodes,
            attackers: outcome.attackers,
            messages: outcome.messages.len() as u64,
            delivered,
            expected,
            delivery_ratio: ratio(delivered, expected),
            latency: Latencies::of(outcome.deliveries.latency_ns.clone()),
            hop_shares: hop_shares(&outcome.deliveries.hops),
            hops_mean: ratio(hops, delivered),
            duplicates_per_delivery: ratio(outcome.counters.duplicates, delivered),
            sends_per_delivery: ratio(outcome.counters.payload_sends, delivered),
            mesh_degree: Degrees::of(&outcome.degrees),
            bytes_up: both(&bytes.payload_up, &bytes.control_up),
            bytes_down: both(&bytes.payload_down, &bytes.control_down),
            counters: outcome.counters,
            market: outcome.market.as_ref().map(MarketSummary::of),
            measures: outcome.measures.clone(),
            violations: outcome.violations.clone(),
            events: outcome.events,
            virtual_s: outcome.end_ns as f64 / 1e9,
            partial: outcome.partial,
            trace: outcome.trace.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// Shares by hops, from 1; an arrival over no link at all counts as one.
fn hop_shares(hops: &[u8]) -> Vec<f64> {
    let mut counts = Vec::new();
    for hop in hops {
        let at = usize::from((*hop).max(1)) - 1;
        if counts.len() <= at {
            counts.resize(at + 1, 0_u64);
        }
        counts[at] += 1;
    }
    counts.iter().map(|n| *n as f64 / hops.len() as f64).collect()
}

pub(super) fn ratio(some: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| some as f64 / all as f64)
}
