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
//! same two scales. A publisher whose mesh is short of `d` fills it up by chance for each message: who knows meshes holds
//! such a way for as likely as it is, and a hand outside of the spy's mesh for the publisher's own, or for an answer to
//! IWANT. Sightings are taken for independent, which they are not, so only the first [`SIGHTINGS`] count.
//! The posterior is the product over them, made to sum to one; 2 to the power of its entropy in bits is the size of the
//! set in which the origin is still hidden.

use super::map::{Knowledge, Map, NEVER};
use super::{Names, Ring, Sighting};
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

/// What a sighting makes of a candidate, over one way.
#[derive(Clone, Copy, Debug)]
struct Fit {
    /// When it was published, µs.
    start: f64,
    /// How likely this way and this hand are, the time apart.
    chance: f64,
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
        let mut fits: Vec<Vec<[Fit; 2]>> = vec![Vec::with_capacity(first.len()); candidates.len()];
        for sighting in &first {
            fit(map, topic, sighting, candidates, error, &mut fits);
        }
        for (log, fits) in logs.iter_mut().zip(&fits) {
            // When it was published is not known: what the ways that are sure make of it, or the others, in the middle.
            let surely = middle(fits.iter().map(|fits| fits[0].start));
            let perhaps = middle(fits.iter().map(|fits| fits[1].start.max(fits[0].start)));
            let at = |t0: f64| -> f64 { fits.iter().map(|fits| likelihood(fits, t0, error).ln()).sum() };
            *log = at(surely).max(at(perhaps));
        }
    }
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// What a sighting makes of each candidate: over the peers that it surely publishes to, and over one that it fills up its
/// mesh with.
fn fit(
    map: &mut Map<'_>,
    topic: u32,
    sighting: &Sighting,
    candidates: &[u32],
    error: Error,
    fits: &mut [Vec<[Fit; 2]>],
) {
    let (hand, spy) = (sighting.from, sighting.spy);
    let (last, verdict, seen) = (map.link(hand, spy), map.verdict(), sighting.at as f64 / 1e3);
    // Who hands on what it did not publish, to one outside of its mesh, was asked for it.
    let feeds = if map.feeds(topic, hand, spy) { 1.0 } else { FAR };
    let to_hand = map.to(topic, hand).clone();
    let to_spy = map.to(topic, spy).clone();
    let onward = |time: u32| time.saturating_add(verdict).saturating_add(last);
    let over = |way: u32, shortest: u32, chance: f64| match way {
        // Not as far as is known; what is known may be wrong.
        NEVER => Fit {
            start: f64::NEG_INFINITY,
            chance: chance * FAR * 1e-5,
        },
        way => Fit {
            start: seen - f64::from(way),
            chance: chance * over_hand(f64::from(way.saturating_sub(shortest)), error),
        },
    };
    for (candidate, fits) in candidates.iter().zip(fits) {
        let at = *candidate as usize;
        let fills = map.fills(topic, *candidate);
        let (surely, perhaps) = (to_spy.publishing[at], to_spy.filling[at].min(to_spy.publishing[at]));
        fits.push(if *candidate == hand {
            // Straight from the publisher; over a link of its mesh it surely comes.
            let straight = if fills > 0.0 && feeds < 1.0 { fills } else { 1.0 };
            [over(last, surely, straight), over(NEVER, perhaps, 0.0)]
        } else {
            let lucky = if to_hand.filling[at] == NEVER { 0.0 } else { fills };
            [
                over(onward(to_hand.publishing[at]), surely, feeds * (1.0 - lucky)),
                over(onward(to_hand.filling[at]), perhaps, feeds * lucky),
            ]
        });
    }
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// How likely a sighting is over either way, if it was published then.
fn likelihood(fits: &[Fit; 2], t0: f64, error: Error) -> f64 {
    let over = |fit: &Fit| match fit.start.is_finite() {
        true => fit.chance * deviation(fit.start - t0, error),
        false => fit.chance,
    };
    fits.iter().map(over).sum::<f64>().max(1e-30)
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

/// How likely a time is to be off by this, µs, against one that is not off.
fn deviation(by: f64, error: Error) -> f64 {
    let normal = |scale: f64| (-0.5 * (by / scale).powi(2)).exp() / scale;
    ((1.0 - FAR) * normal(error.near) + FAR * normal(error.far)) * error.near
}

/// How likely a hand is whose way is by this longer than the shortest, µs, against one on the shortest.
fn over_hand(detour: f64, error: Error) -> f64 {
    let exponential = |scale: f64| (-detour / scale).exp() / scale;
    ((1.0 - FAR) * exponential(error.near) + FAR * exponential(error.far)) * error.near
}
