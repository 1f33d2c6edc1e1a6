//! A Bayesian estimator of the origin, from the spies' times and the hands that they had it from.
//!
//! The model. Before anything is heard, each honest node is as likely the origin as any other. A message takes the
//! shortest way over the links that the estimator knows, a verdict at each node between. If `o` is the origin, spy `s`
//! hears it from `h` at
//!
//! ```text
//! t0 + T(o, h) + verdict + link(h, s)
//! ```
//!
//! where `T` is the time of the shortest way and `t0`, when it was published, is not known: for each candidate it is the
//! median of what the sightings make it. A sighting's deviation from that is normal with [`Error::near`], or once in
//! twenty times with [`Error::far`]: meshes change, frames jitter, a lost one comes late by IHAVE. And `h` being the hand
//! at all is the less likely the longer the way over `h` is than the shortest way to the spy: exponentially, with the
//! same two scales. Sightings are taken for independent, which they are not, so only the first [`SIGHTINGS`] count.
//! The posterior is the product over them, made to sum to one; 2 to the power of its entropy in bits is the size of the
//! set in which the origin is still hidden.

use super::map::{Knowledge, Map, NEVER};
use super::{Names, Ring};
use crate::engine::Plan;

/// Sightings of a message that count, the first ones.
const SIGHTINGS: usize = 16;
/// How often the far scale holds.
const FAR: f64 = 0.05;
/// A name is named where the posterior is at least this.
const SURE: f64 = 0.5;

/// The two scales by which times deviate from the model's, µs.
#[derive(Clone, Copy, Debug)]
struct Error {
    near: f64,
    far: f64,
}

/// What the estimator found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Names it is sure of.
    pub sure: Names,
    /// Its best guess at each message, sure or not.
    pub best: Names,
    /// Of each message, the size of the set that hides its origin.
    pub sets: Vec<f64>,
}

impl Found {
    /// Mean size.
    pub fn set_mean(&self) -> Option<f64> {
        (!self.sets.is_empty()).then(|| self.sets.iter().sum::<f64>() / self.sets.len() as f64)
    }

    /// Half of the messages are hidden in a set of at most this size.
    pub fn set_median(&self) -> Option<f64> {
        let mut sets = self.sets.clone();
        sets.sort_by(f64::total_cmp);
        sets.get(sets.len().saturating_sub(1) / 2).copied()
    }
}

/// Estimates the origin of each message that a ring saw.
pub fn estimate(plan: &Plan, ring: &Ring, map: &mut Map<'_>) -> Found {
    let mut found = Found::default();
    let candidates: Vec<u32> = (0..plan.scenario.nodes).filter(|node| !ring.has(*node)).collect();
    for message in &ring.messages {
        let published = plan.published[*message as usize];
        let posterior = posterior(plan, ring, map, *message, published.topic, &candidates);
        let best = posterior
            .iter()
            .copied()
            .enumerate()
            .reduce(|a, b| if b.1 > a.1 { b } else { a });
        let heard = !ring.sightings[*message as usize].is_empty();
        let best = best.filter(|_| heard).map(|(at, chance)| (candidates[at], chance));
        found.best.note(best.map(|(node, _)| node), published.node);
        let sure = best.filter(|(_, chance)| *chance >= SURE);
        found.sure.note(sure.map(|(node, _)| node), published.node);
        found.sets.push(set_size(&posterior));
    }
    found
}

/// 2 to the power of the entropy in bits.
pub fn set_size(posterior: &[f64]) -> f64 {
    let nats: f64 = posterior.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
    nats.exp()
}

/// The chances of the candidates, in their order; they sum to one.
fn posterior(plan: &Plan, ring: &Ring, map: &mut Map<'_>, message: u32, topic: u32, candidates: &[u32]) -> Vec<f64> {
    let sightings = &ring.sightings[message as usize];
    let honest = sightings.iter().filter(|sighting| !ring.has(sighting.from));
    let first: Vec<_> = honest.take(SIGHTINGS).copied().collect();
    let mut logs = vec![0.0; candidates.len()];
    if !first.is_empty() {
        let links = first
            .iter()
            .map(|sighting| f64::from(map.link(sighting.from, sighting.spy)));
        let mean = links.sum::<f64>() / first.len() as f64;
        let error = error(plan, map.knowledge, mean);
        let verdict = map.verdict();
        // Of each candidate, what each sighting makes of t0, µs, and the detour over its hand.
        let mut starts: Vec<Vec<f64>> = vec![Vec::with_capacity(first.len()); candidates.len()];
        for sighting in &first {
            let last = map.link(sighting.from, sighting.spy);
            let to_hand = map.to(topic, sighting.from).publishing.clone();
            let to_spy = &map.to(topic, sighting.spy).publishing;
            for (at, candidate) in candidates.iter().enumerate() {
                let way = match *candidate == sighting.from {
                    true => last,
                    false => to_hand[*candidate as usize]
                        .saturating_add(verdict)
                        .saturating_add(last),
                };
                if way == NEVER {
                    logs[at] += FAR.ln() - 10.0;
                    continue;
                }
                let detour = way.saturating_sub(to_spy[*candidate as usize]);
                logs[at] += hand(f64::from(detour), error);
                starts[at].push(sighting.at as f64 / 1e3 - f64::from(way));
            }
        }
        for (log, starts) in logs.iter_mut().zip(&mut starts) {
            starts.sort_by(f64::total_cmp);
            let Some(t0) = starts.get(starts.len() / 2).copied() else {
                continue;
            };
            *log += starts.iter().map(|start| deviation(start - t0, error)).sum::<f64>();
        }
    }
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// The scales, where the last links are this long in the mean, µs.
fn error(plan: &Plan, knowledge: Knowledge, mean: f64) -> Error {
    let jitter = plan.scenario.links.jitter;
    match knowledge {
        Knowledge::Meshes => Error {
            near: (mean * (0.02 + jitter)).max(200.0),
            far: mean.max(1_000.0),
        },
        // It does not know which of a node's links a message takes: a good third of them are in its mesh.
        Knowledge::Connections => Error {
            near: (mean * (0.5 + jitter)).max(200.0),
            far: (mean * 2.0).max(1_000.0),
        },
    }
}

fn deviation(by: f64, error: Error) -> f64 {
    let normal = |scale: f64| (-0.5 * (by / scale).powi(2)).exp() / scale;
    (((1.0 - FAR) * normal(error.near) + FAR * normal(error.far)) * error.near)
        .max(1e-30)
        .ln()
}

fn hand(detour: f64, error: Error) -> f64 {
    let exponential = |scale: f64| (-detour / scale).exp() / scale;
    (((1.0 - FAR) * exponential(error.near) + FAR * exponential(error.far)) * error.near)
        .max(1e-30)
        .ln()
}
