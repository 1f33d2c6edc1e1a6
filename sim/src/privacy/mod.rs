//! Who said it first? What spies can tell of a message's origin, and how many it may have been.
//!
//! Spies are honest nodes that write down who handed them each message first, and when. Estimators see those notes and,
//! where they say so, the topology; they never see who published. Messages that a spy published count nowhere.
//! Precision is the share of right names among the names that were named; recall is their share among all messages.

mod bayes;
mod first_spy;
mod map;

use std::collections::BTreeMap;

use crate::engine::Plan;
use crate::gossipsub::Node;
use map::Knowledge;

/// One spy heard one message for the first time. They sort by time, then by spy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// When, ns.
    pub at: u64,
    /// Which spy.
    pub spy: u32,
    /// Which message.
    pub message: u32,
    /// Who handed it over.
    pub from: u32,
}

/// Whom a node is connected to, and who is in its meshes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// Topic and peer, by topic.
    pub meshes: Vec<(u32, u32)>,
    /// Peers.
    pub peers: Vec<u32>,
}

impl Neighbours {
    /// Those of a node now.
    pub fn of(node: &Node) -> Self {
        let id = |slot: u32| node.peers()[slot as usize].id;
        let meshes = node.meshes();
        Self {
            meshes: meshes
                .flat_map(|(topic, mesh)| mesh.iter().map(move |slot| (topic, id(slot))))
                .collect(),
            peers: (0..node.peers().len() as u32)
                .filter(|slot| node.is_connected(*slot))
                .map(id)
                .collect(),
        }
    }
}

/// All that a ring of spies has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// They, in the order of drawing: the first n are a ring, too.
    pub spies: Vec<u32>,
    /// What they noted, by time and then by spy.
    pub sightings: Vec<Sighting>,
    /// By node, who its neighbours were when the first message was published.
    pub map: Vec<Neighbours>,
}

/// What a part of the ring saw, by message.
struct Ring {
    is_in: Vec<bool>,
    /// Of each message, its sightings by time.
    sightings: Vec<Vec<Sighting>>,
    /// Messages of others than spies.
    messages: Vec<u32>,
}

impl Ring {
    /// The first `n` spies.
    fn of(plan: &Plan, report: &Report, n: usize) -> Self {
        let mut is_in = vec![false; plan.scenario.nodes as usize];
        for spy in report.spies.iter().take(n) {
            is_in[*spy as usize] = true;
        }
        let mut sightings = vec![Vec::new(); plan.published.len()];
        for sighting in report.sightings.iter().filter(|s| is_in[s.spy as usize]) {
            if let Some(all) = sightings.get_mut(sighting.message as usize) {
                all.push(*sighting);
            }
        }
        let messages = (0..plan.published.len() as u32).filter(|message| {
            let published = plan.published[*message as usize];
            !is_in[published.node as usize] && published.expected > 0
        });
        Self {
            messages: messages.collect(),
            is_in,
            sightings,
        }
    }

    fn has(&self, node: u32) -> bool {
        self.is_in.get(node as usize).copied().unwrap_or(false)
    }
}

/// Names that an estimator gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Names {
    right: u64,
    named: u64,
    messages: u64,
}

impl Names {
    fn note(&mut self, name: Option<u32>, origin: u32) {
        self.messages += 1;
        self.named += u64::from(name.is_some());
        self.right += u64::from(name == Some(origin));
    }

    fn precision(&self) -> Option<f64> {
        (self.named > 0).then(|| self.right as f64 / self.named as f64)
    }

    fn recall(&self) -> Option<f64> {
        (self.messages > 0).then(|| self.right as f64 / self.messages as f64)
    }
}

/// Parts of the ring that are looked at for themselves, in hundredths.
const PARTS: [usize; 4] = [10, 25, 50, 100];
/// Most nodes for which the Bayesian estimator is asked: it keeps the distances between all nodes.
const MOST_NODES: u32 = 4_000;

/// All measures of privacy. Those of smaller rings carry the ring's share of the nodes in their name, as
/// `first_spy_recall_at_0.025`.
pub fn measures(plan: &Plan, report: &Report) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    let mut put = |name: String, value: Option<f64>| all.extend(value.map(|value| (name, value)));
    let share = |n: usize| n as f64 / f64::from(plan.scenario.nodes);
    put("spies_share".to_owned(), Some(share(report.spies.len())));
    let mut maps = [Knowledge::Meshes, Knowledge::Connections].map(|knowledge| map::Map::of(plan, report, knowledge));
    let mut before = 0;
    for part in PARTS {
        let n = report.spies.len() * part / 100;
        if n == before {
            continue;
        }
        before = n;
        let ring = Ring::of(plan, report, n);
        let suffix = if part == 100 {
            String::new()
        } else {
            format!("_at_{}", share(n))
        };
        let names = first_spy::names(plan, &ring);
        put(format!("first_spy_precision{suffix}"), names.precision());
        put(format!("first_spy_recall{suffix}"), names.recall());
        if plan.scenario.nodes > MOST_NODES {
            continue;
        }
        for map in &mut maps {
            let kind = map.knowledge.name();
            let found = bayes::estimate(plan, &ring, map);
            put(format!("bayes_{kind}_precision{suffix}"), found.sure.precision());
            put(format!("bayes_{kind}_recall{suffix}"), found.sure.recall());
            put(format!("bayes_{kind}_best_recall{suffix}"), found.best.recall());
            put(format!("anonymity_set_{kind}{suffix}"), found.set_mean());
            put(format!("anonymity_set_{kind}_p50{suffix}"), found.set_median());
        }
    }
    all
}

#[cfg(test)]
mod tests;
