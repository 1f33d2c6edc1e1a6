//! The topology as an estimator knows it: how long a message takes from any node to a given one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::Report;
use crate::engine::Plan;

/// What an estimator knows of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// Who is in whose mesh: more than any outsider can know.
    Meshes,
    /// Who is connected to whom: what a patient crawler can know.
    Connections,
}

impl Knowledge {
    /// As measures are called after it.
    pub fn name(self) -> &'static str {
        match self {
            Knowledge::Meshes => "mesh",
            Knowledge::Connections => "crawl",
        }
    }
}

/// No way leads there.
pub const NEVER: u32 = u32::MAX;

/// Times between nodes over the links that a message takes, each way at its shortest, µs. The lengths of links are known:
/// anyone can measure them.
pub struct Map<'a> {
    plan: &'a Plan,
    report: &'a Report,
    pub knowledge: Knowledge,
    /// Of each topic, by node, the nodes that pass messages on to it.
    feeders: BTreeMap<u32, Vec<Vec<u32>>>,
    /// By topic and end: from each node, with its first link as a publisher takes it, and as one that passes on does.
    times: BTreeMap<(u32, u32), Times>,
}

/// From each node to one end, µs; [`NEVER`]: there is no way.
#[derive(Clone, Debug)]
pub struct Times {
    /// If the node publishes, to those that it surely sends to.
    pub publishing: Vec<u32>,
    /// If it publishes to the best of those that it may fill up its mesh with, where that is quicker; else [`NEVER`].
    pub filling: Vec<u32>,
}

impl<'a> Map<'a> {
    /// The map that spies have.
    pub fn of(plan: &'a Plan, report: &'a Report, knowledge: Knowledge) -> Self {
        Self {
            plan,
            report,
            knowledge,
            feeders: BTreeMap::new(),
            times: BTreeMap::new(),
        }
    }

    /// One link, µs.
    pub fn link(&self, a: u32, b: u32) -> u32 {
        (self.plan.links.delay(a, b) / 1_000) as u32
    }

    /// From a message's arrival until it is passed on, µs.
    pub fn verdict(&self) -> u32 {
        (self.plan.world.settings.validation / 1_000).min(u64::from(NEVER)) as u32
    }

    /// How likely a publisher is to send to one certain peer outside of its mesh: it fills that up to `d`, by chance.
    pub fn fills(&self, topic: u32, node: u32) -> f64 {
        let neighbours = &self.report.map[node as usize];
        let mesh = neighbours.meshes.iter().filter(|(of, _)| *of == topic).count();
        let settings = &self.plan.world.settings;
        if self.knowledge == Knowledge::Connections || settings.flood_publish || mesh == 0 {
            return 0.0;
        }
        let others = neighbours.peers.len().saturating_sub(mesh);
        let missing = settings.d.saturating_sub(mesh);
        if others == 0 {
            0.0
        } else {
            (missing as f64 / others as f64).min(1.0)
        }
    }

    /// Whether a node passes on to another what it did not publish itself, as far as is known.
    pub fn feeds(&mut self, topic: u32, from: u32, to: u32) -> bool {
        let feeders = self.feeders(topic);
        feeders.get(to as usize).is_some_and(|feeders| feeders.contains(&from))
    }

    /// From every node to this one, for messages of a topic. Kept, for many messages ask for the same.
    pub fn to(&mut self, topic: u32, end: u32) -> &Times {
        if !self.times.contains_key(&(topic, end)) {
            let times = self.reckon(topic, end);
            self.times.insert((topic, end), times);
        }
        &self.times[&(topic, end)]
    }

    fn feeders(&mut self, topic: u32) -> &Vec<Vec<u32>> {
        let (map, knowledge) = (&self.report.map, self.knowledge);
        self.feeders.entry(topic).or_insert_with(|| {
            let mut feeders = vec![Vec::new(); map.len()];
            for (node, neighbours) in map.iter().enumerate() {
                let mesh = neighbours
                    .meshes
                    .iter()
                    .filter(|(of, _)| *of == topic)
                    .map(|(_, peer)| *peer);
                let fed: Vec<u32> = match knowledge {
                    Knowledge::Meshes => mesh.collect(),
                    Knowledge::Connections => neighbours.peers.clone(),
                };
                for peer in fed {
                    if let Some(feeders) = feeders.get_mut(peer as usize) {
                        feeders.push(node as u32);
                    }
                }
            }
            feeders
        })
    }

    /// Dijkstra, from the end backwards.
    fn reckon(&mut self, topic: u32, end: u32) -> Times {
        let verdict = self.verdict();
        self.feeders(topic);
        let feeders = &self.feeders[&topic];
        let mut times = vec![NEVER; feeders.len()];
        let mut next = BinaryHeap::from([Reverse((0_u32, end))]);
        if let Some(time) = times.get_mut(end as usize) {
            *time = 0;
        }
        while let Some(Reverse((time, node))) = next.pop() {
            if times[node as usize] < time {
                continue;
            }
            let passed_on = if node == end {
                time
            } else {
                time.saturating_add(verdict)
            };
            for feeder in &feeders[node as usize] {
                let through = passed_on.saturating_add(self.link(*feeder, node));
                if through < times[*feeder as usize] {
                    times[*feeder as usize] = through;
                    next.push(Reverse((through, *feeder)));
                }
            }
        }
        let flood = self.plan.world.settings.flood_publish;
        // With its first link to the best of all its peers.
        let at_best = |node: usize| {
            let over = |peer: &u32| {
                let rest = *times.get(*peer as usize)?;
                let wait = if *peer == end { 0 } else { verdict };
                Some(rest.saturating_add(wait).saturating_add(self.link(node as u32, *peer)))
            };
            let peers = self.report.map[node].peers.iter();
            peers.filter_map(over).min().unwrap_or(NEVER).min(times[node])
        };
        let (mut publishing, mut filling) = (times.clone(), vec![NEVER; times.len()]);
        for node in (0..times.len()).filter(|node| *node as u32 != end) {
            let joined = self.report.map[node].meshes.iter().any(|(of, _)| *of == topic);
            if flood || !joined {
                publishing[node] = at_best(node);
            } else if self.fills(topic, node as u32) > 0.0 {
                let best = at_best(node);
                filling[node] = if best < times[node] { best } else { NEVER };
            }
        }
        Times { publishing, filling }
    }
}
