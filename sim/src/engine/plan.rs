//! All that is settled before the first event: who dials whom, who listens to what, who says what and when.
//!
//! What belongs to one node is a pure function of the seed and the node's number, so nothing here grows with the nodes
//! but the messages' audience.

use std::path::Path;

use super::aim::{Aim, addresses};
use super::presence::{self, Presence, Trace};
use crate::gossipsub::{Chance, Message, Settings, World, mix2, unit};
use crate::links::{BadMatrix, Links};
use crate::outcome::Published;
use crate::scenario::{
    AttackKind, Choice, ChurnKind, DialOrder, Latency, Publishers, Scenario, Shape, Timing, Topics, millis, nearest,
    seconds,
};

/// A run that has not begun.
#[derive(Debug)]
pub struct Plan {
    pub scenario: Scenario,
    pub seed: u64,
    pub world: World,
    pub links: Links,
    /// Every message, in the order of their times.
    pub published: Vec<Published>,
    trace: Trace,
    /// Of `topology.kind = "file"`: dialler and dialled, by dialler.
    edges: Vec<(u32, u32)>,
    pick: Pick,
    cuts: Vec<Cut>,
    /// Attacks, in the scenario's order.
    pub aims: Vec<Aim>,
    /// The topics that each node joins, ascending, where the scenario's own rule does not say; empty: it does.
    pub joined: Vec<Box<[u32]>>,
}

/// A partition, in ns.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub start: u64,
    pub stop: u64,
    number: usize,
}

/// Why a scenario cannot be run: a file that it names is missing or bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The latency matrix.
    Matrix(BadMatrix),
    /// Another file, and what is wrong.
    File(String, String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let told = match self {
            Error::Matrix(bad) => bad.to_string(),
            Error::File(name, expected) => format!("`{name}`: {expected}"),
        };
        f.write_str(&crate::scenario::Error::shown(&told))
    }
}

impl std::error::Error for Error {}

/// Bytes of one file.
const MOST_BYTES: u64 = 1 << 30;

fn read(name: &str) -> Result<String, Error> {
    let bad = |error: std::io::Error| Error::File(name.to_owned(), error.to_string());
    let path = Path::new(name);
    if path.metadata().map_err(bad)?.len() > MOST_BYTES {
        return Err(Error::File(
            name.to_owned(),
            format!("expected at most {MOST_BYTES} bytes"),
        ));
    }
    std::fs::read_to_string(path).map_err(bad)
}

/// Whether the latency matrix has every region that a partition names.
fn regions(scenario: &Scenario, links: &Links) -> Result<(), BadMatrix> {
    let all = links.regions();
    for (at, partition) in scenario.partition.iter().enumerate() {
        let Some(wrong) = partition.regions.iter().find(|region| !all.contains(region)) else {
            continue;
        };
        let near = nearest(wrong, all.iter().map(String::as_str));
        let near = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let name = match &scenario.links.latency {
            Latency::Matrix(name) => name.clone(),
            _ => String::new(),
        };
        return Err(BadMatrix {
            name,
            expected: format!("has no region `{wrong}`, which partition[{at}].regions names{near}"),
        });
    }
    Ok(())
}

// What a stream of chances is for. The numbers only have to differ.
const FOR_DIALS: u64 = 1;
const FOR_TOPICS: u64 = 2;
const FOR_TRAFFIC: u64 = 3;
const FOR_CUTS: u64 = 4;
const FOR_LISTENING: u64 = 5;
const FOR_BACKBONE: u64 = 6;

/// What a node's own chances are for. Every level draws the same for the same.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Whom it grafts, prunes, and tells what it has.
    Gossip = 16,
    /// When its heartbeats are.
    Heartbeat,
    /// Jitter and loss.
    Links,
    /// What an attacker does.
    Conduct,
}

/// Purposes of one node's different lives are so far apart.
const LIFE: u64 = 256;

impl Plan {
    /// Of a scenario and a seed. Reads the files that the scenario names.
    pub fn of(scenario: &Scenario, seed: u64) -> Result<Self, Error> {
        let links = Links::of(scenario, seed).map_err(Error::Matrix)?;
        regions(scenario, &links).map_err(Error::Matrix)?;
        let trace = match &scenario.churn {
            Some(churn) if churn.kind == ChurnKind::Trace => {
                let name = churn.file.as_deref().unwrap_or_default();
                presence::trace(&read(name)?, scenario.nodes)
                    .map_err(|expected| Error::File(name.to_owned(), expected))?
            }
            _ => Trace::new(),
        };
        let edges = match (scenario.topology.kind, &scenario.topology.file) {
            (Shape::File, Some(name)) => {
                edges(&read(name)?, scenario.nodes).map_err(|expected| Error::File(name.to_owned(), expected))?
            }
            _ => Vec::new(),
        };
        let cuts = scenario.partition.iter().enumerate().map(|(number, partition)| Cut {
            start: seconds(partition.start_s),
            stop: seconds(partition.stop_s),
            number,
        });
        let mut plan = Self {
            seed,
            joined: Vec::new(),
            world: World {
                spoken: Vec::new(),
                settings: Settings::from(&scenario.gossipsub),
                messages: Vec::new(),
                addresses: addresses(scenario),
            },
            links,
            published: Vec::new(),
            trace,
            edges,
            pick: Pick::of(&scenario.topics),
            cuts: cuts.collect(),
            aims: Aim::all(scenario, seed),
            scenario: scenario.clone(),
        };
        plan.publish();
        let mut published = std::mem::take(&mut plan.published);
        plan.count_audience(&mut published);
        plan.published = published;
        Ok(plan)
    }

    /// A stream of chances of one node, for one purpose.
    pub fn chance(&self, purpose: u64, node: u32) -> Chance {
        Chance::of(mix2(self.seed, purpose), u64::from(node))
    }

    /// The same, in one of its lives, the first of which is 1; what is for all of them, is in life 0.
    pub fn chance_in(&self, life: u32, purpose: Purpose, node: u32) -> Chance {
        self.chance(purpose as u64 + LIFE * u64::from(life), node)
    }

    /// When a node is there.
    pub fn presence(&self, node: u32) -> Presence {
        Presence::of(&self.scenario, &self.trace, self.seed, node)
    }

    /// Whether a node is a phone.
    pub fn is_phone(&self, node: u32) -> bool {
        presence::is_phone(&self.scenario, self.seed, node)
    }

    /// Whom a node dials, in this order.
    ///
    /// The order matters: dialled from the highest number down, nodes of high numbers are dialled by everyone first, and
    /// meshes become larger by one peer than they do in the order of drawing.
    pub fn dials(&self, node: u32) -> Vec<u32> {
        let (topology, nodes) = (&self.scenario.topology, self.scenario.nodes);
        if let Some(aim) = self.aim_of(node) {
            return aim.dials(&mut self.chance(FOR_DIALS, node), nodes, topology.dials);
        }
        match topology.kind {
            Shape::Ring => (1..=topology.dials.min(nodes - 1))
                .map(|step| (node + step) % nodes)
                .collect(),
            Shape::File => {
                let from = self.edges.partition_point(|(dialler, _)| *dialler < node);
                self.edges[from..]
                    .iter()
                    .take_while(|(dialler, _)| *dialler == node)
                    .map(|(_, to)| *to)
                    .collect()
            }
            Shape::Uniform => {
                // Who joins a network that is the attackers' is given them for peers, too.
                let mut pool = nodes;
                let mut theirs: Vec<(u32, u32)> = Vec::new();
                for aim in self.aims.iter().filter(|aim| aim.attack.kind == AttackKind::ColdBoot) {
                    theirs.push((pool, aim.first));
                    pool += aim.last - aim.first;
                }
                let n = topology.dials.min(pool - 1);
                let mut chance = self.chance(FOR_DIALS, node);
                let mut chosen: Vec<u32> = Vec::with_capacity(n as usize);
                while (chosen.len() as u32) < n {
                    let drawn = chance.below(u64::from(pool)) as u32;
                    let after = theirs.iter().rev().find(|(from, _)| drawn >= *from);
                    let other = after.map_or(drawn, |(from, first)| first + (drawn - from));
                    if other != node && !chosen.contains(&other) {
                        chosen.push(other);
                    }
                }
                match topology.order {
                    DialOrder::Drawn => {}
                    DialOrder::Descending => chosen.sort_unstable_by(|a, b| b.cmp(a)),
                }
                chosen
            }
        }
    }

    /// The attack that a node belongs to.
    pub fn aim_of(&self, node: u32) -> Option<&Aim> {
        self.aims.iter().find(|aim| aim.has(node))
    }

    /// When a node dials first, after its start, and how long after each the next, ns.
    pub fn pace(&self, node: u32) -> (u64, u64) {
        let topology = &self.scenario.topology;
        self.aim_of(node).map_or(
            (millis(topology.first_dial_ms), millis(topology.dial_interval_ms)),
            |aim| aim.pace(&self.scenario),
        )
    }

    /// The topics that a node joins, ascending. Attackers join all.
    pub fn topics(&self, node: u32) -> Vec<u32> {
        let topics = &self.scenario.topics;
        if let Some(joined) = self.joined.get(node as usize) {
            return joined.to_vec();
        }
        if node >= self.scenario.nodes {
            return (0..topics.count).collect();
        }
        let mut chosen = Vec::new();
        if unit(mix2(mix2(self.seed, FOR_LISTENING), u64::from(node))) < topics.listeners {
            let mut chance = self.chance(FOR_TOPICS, node);
            let n = topics.joined.min(topics.count) as usize;
            if n == topics.count as usize {
                chosen.extend(0..topics.count);
            }
            while chosen.len() < n {
                let topic = self.pick.one(&mut chance);
                if !chosen.contains(&topic) {
                    chosen.push(topic);
                }
            }
        }
        let mut chance = self.chance(FOR_BACKBONE, node);
        for _ in 0..topics.backbone.min(topics.count) {
            let topic = chance.below(u64::from(topics.count)) as u32;
            if !chosen.contains(&topic) {
                chosen.push(topic);
            }
        }
        chosen.sort_unstable();
        chosen
    }

    /// Partitions, in the scenario's order.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// Whether a partition lies between two nodes now.
    pub fn is_cut(&self, now: u64, a: u32, b: u32) -> bool {
        let parted = |cut: &Cut| (cut.start..cut.stop).contains(&now) && self.side(cut, a) != self.side(cut, b);
        self.cuts.iter().any(parted)
    }

    fn side(&self, cut: &Cut, node: u32) -> bool {
        let partition = &self.scenario.partition[cut.number];
        let of_region = || {
            self.links
                .region_of(node)
                .is_some_and(|region| partition.regions.iter().any(|r| r == region))
        };
        let drawn = unit(mix2(
            mix2(self.seed, FOR_CUTS + 256 * cut.number as u64),
            u64::from(node),
        ));
        (partition.regions.is_empty() || of_region()) && drawn < partition.share
    }

    fn publish(&mut self) {
        let (traffic, nodes) = (self.scenario.traffic.clone(), self.scenario.nodes);
        let mut chance = self.chance(FOR_TRAFFIC, 0);
        let publishers: Vec<u32> = match traffic.publishers {
            Publishers::All => Vec::new(),
            Publishers::Number(n) => {
                let mut chosen = std::collections::BTreeSet::new();
                while (chosen.len() as u32) < n.min(nodes) {
                    chosen.insert(chance.below(u64::from(nodes)) as u32);
                }
                chosen.into_iter().collect()
            }
        };
        let (start, length) = (self.scenario.start_ns(), self.scenario.run_ns());
        let interval = millis(traffic.interval_ms);
        let mut at = 0;
        for number in 0..traffic.messages {
            match traffic.timing {
                Timing::Regular => at = interval.saturating_mul(u64::from(number)),
                Timing::Poisson => at = millis(chance.exponential(traffic.interval_ms)).saturating_add(at),
            }
            if self.scenario.time.run_s.is_some() && at >= length {
                break;
            }
            let node = match publishers.len() {
                0 => chance.below(u64::from(nodes)) as u32,
                n => publishers[chance.below(n as u64) as usize],
            };
            let topic = self.pick.one(&mut chance);
            self.published.push(Published {
                node,
                topic,
                at_ns: start + at,
                expected: 0,
            });
            self.world.messages.push(Message {
                topic,
                size: traffic.size_bytes,
                valid: true,
            });
        }
    }

    /// Counts who should hear what: honest nodes that had joined the topic and were there when it was published.
    pub fn count_audience(&self, published: &mut [Published]) {
        let topics = self.scenario.topics.count as usize;
        let mut by_topic: Vec<Vec<u32>> = vec![Vec::new(); topics];
        for (number, message) in published.iter().enumerate() {
            by_topic[message.topic as usize].push(number as u32);
        }
        // Of each topic's messages, how many more or fewer hear the n-th than the one before.
        let mut steps: Vec<Vec<i64>> = by_topic.iter().map(|messages| vec![0; messages.len() + 1]).collect();
        let mut unpublished = vec![false; published.len()];
        let end = self.scenario.length_ns();
        for node in 0..self.scenario.nodes {
            let joined = self.topics(node);
            let there: Vec<(u64, u64)> = self.presence(node).take_while(|(from, _)| *from <= end).collect();
            for topic in joined {
                let messages = &by_topic[topic as usize];
                let before = |time: u64| messages.partition_point(|m| published[*m as usize].at_ns < time);
                for (from, to) in &there {
                    steps[topic as usize][before(*from)] += 1;
                    steps[topic as usize][before(*to)] -= 1;
                }
            }
            if there != [(0, u64::MAX)] {
                for (number, message) in published.iter().enumerate().filter(|(_, m)| m.node == node) {
                    unpublished[number] = !there.iter().any(|(from, to)| (*from..*to).contains(&message.at_ns));
                }
            }
        }
        for (messages, steps) in by_topic.iter().zip(&steps) {
            let mut there = 0;
            for (message, step) in messages.iter().zip(steps) {
                there += step;
                published[*message as usize].expected = there as u32;
            }
        }
        for (number, unpublished) in unpublished.into_iter().enumerate() {
            let message = published[number];
            if unpublished {
                published[number].expected = 0;
            } else if self.topics(message.node).contains(&message.topic) {
                published[number].expected = message.expected.saturating_sub(1);
            }
        }
    }
}

fn edges(text: &str, nodes: u32) -> Result<Vec<(u32, u32)>, String> {
    let mut edges = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut ends = line
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|end| !end.is_empty());
        let mut end = || {
            ends.next()
                .and_then(|end| end.parse::<u32>().ok())
                .filter(|end| *end < nodes)
        };
        let dial = (end(), end());
        match dial {
            (Some(a), Some(b)) if a != b && ends.next().is_none() => edges.push((a, b)),
            _ => {
                return Err(format!(
                    "line {}: expected the numbers of two different nodes below {nodes} and nothing else, got `{line}`",
                    number + 1
                ));
            }
        }
    }
    // Stable, for a node's dials keep their order.
    edges.sort_by_key(|(dialler, _)| *dialler);
    Ok(edges)
}

/// How one topic of many is drawn.
#[derive(Debug)]
enum Pick {
    Uniform(u32),
    /// Running sums of the weights.
    Weighted(Vec<f64>),
}

impl Pick {
    fn of(topics: &Topics) -> Self {
        match topics.choice {
            Choice::Uniform => Pick::Uniform(topics.count),
            Choice::Zipf => {
                let mut sum = 0.0;
                Pick::Weighted(
                    (1..=topics.count)
                        .map(|n| {
                            sum += f64::from(n).powf(-topics.exponent);
                            sum
                        })
                        .collect(),
                )
            }
        }
    }

    fn one(&self, chance: &mut Chance) -> u32 {
        match self {
            Pick::Uniform(count) => chance.below(u64::from(*count)) as u32,
            Pick::Weighted(sums) => {
                let at = chance.unit() * sums.last().copied().unwrap_or(0.0);
                (sums.partition_point(|sum| *sum <= at) as u32).min(sums.len() as u32 - 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Latency, Partition};

    #[test]
    fn a_node_dials_distinct_others_from_the_highest_down_if_told_to() {
        let mut scenario = Scenario::of(50);
        scenario.topology.dials = 20;
        let drawn = Plan::of(&scenario, 3).unwrap();
        scenario.topology.order = DialOrder::Descending;
        let plan = Plan::of(&scenario, 3).unwrap();
        for node in 0..50 {
            let dials = plan.dials(node);
            assert_eq!(dials.len(), 20);
            assert!(!dials.contains(&node));
            assert!(dials.windows(2).all(|pair| pair[0] > pair[1]));
            let mut same = drawn.dials(node);
            assert_ne!(same, dials);
            same.sort_unstable_by(|a, b| b.cmp(a));
            assert_eq!(same, dials);
        }
        scenario.topology.kind = Shape::Ring;
        scenario.topology.dials = 2;
        assert_eq!(Plan::of(&scenario, 3).unwrap().dials(49), [0, 1]);
    }

    #[test]
    fn a_partition_of_a_region_that_is_not_there_is_refused() {
        let mut scenario = Scenario::of(50);
        scenario.links.latency = Latency::Matrix("continents".into());
        scenario.partition = vec![Partition {
            start_s: 1.0,
            stop_s: 2.0,
            share: 1.0,
            regions: vec!["Europe".into()],
        }];
        let error = Plan::of(&scenario, 3).expect_err("there is no such region").to_string();
        assert!(error.contains("partition[0].regions"), "{error}");
        assert!(error.contains("did you mean `europe`?"), "{error}");
        scenario.partition[0].regions = vec!["europe".into()];
        assert!(Plan::of(&scenario, 3).is_ok());
    }

    #[test]
    fn all_that_are_there_should_hear_but_the_publisher() {
        let mut scenario = Scenario::of(100);
        let plan = Plan::of(&scenario, 3).unwrap();
        assert_eq!(plan.published.len(), 60);
        assert!(plan.published.iter().all(|message| message.expected == 99));
        assert!(
            plan.published
                .windows(2)
                .all(|pair| pair[1].at_ns - pair[0].at_ns == 1_000_000_000)
        );
        scenario.topics.count = 4;
        scenario.topics.joined = 2;
        let plan = Plan::of(&scenario, 3).unwrap();
        for message in &plan.published {
            let heard = (0..100)
                .filter(|n| *n != message.node && plan.topics(*n).contains(&message.topic))
                .count();
            assert_eq!(message.expected as usize, heard);
        }
    }

    #[test]
    fn a_partition_parts_its_share_and_heals() {
        let mut scenario = Scenario::of(1_000);
        scenario.partition = vec![Partition {
            start_s: 10.0,
            stop_s: 20.0,
            share: 0.3,
            regions: Vec::new(),
        }];
        let plan = Plan::of(&scenario, 3).unwrap();
        let parted = |now| (1..1_000).filter(|node| plan.is_cut(now, 0, *node)).count();
        assert_eq!(parted(seconds(9.0)), 0);
        assert!((250..350).contains(&parted(seconds(10.0))) || (650..750).contains(&parted(seconds(10.0))));
        assert_eq!(parted(seconds(20.0)), 0);
    }

    #[test]
    fn dials_come_from_a_file() {
        assert_eq!(edges("# a b\n1 2\n0,3\n1 0\n", 4).unwrap(), [(0, 3), (1, 2), (1, 0)]);
        assert!(edges("1 9\n", 4).unwrap_err().contains("line 1"));
        assert!(edges("1 1\n", 4).is_err());
    }

    #[test]
    fn a_line_of_more_than_one_dial_is_refused() {
        for line in ["0 1 2 3", "0,1,2", "0 1 # near", "0"] {
            let error = edges(&format!("1 2\n{line}\n"), 4).unwrap_err();
            assert!(error.contains("line 2") && error.contains("nothing else"), "{error}");
        }
    }

    #[test]
    fn an_error_plays_no_tricks_with_a_terminal() {
        let mut scenario = Scenario::of(4);
        scenario.topology.kind = Shape::File;
        scenario.topology.file = Some("no \u{1b}[2J\nsuch".to_owned());
        let told = Plan::of(&scenario, 1).unwrap_err().to_string();
        assert!(
            told.contains("\\u{1b}[2J\\nsuch") && !told.contains(char::is_control),
            "{told:?}"
        );
        scenario.topology.kind = Shape::Uniform;
        scenario.links.latency = Latency::Matrix("no \u{202e}such".to_owned());
        let told = Plan::of(&scenario, 1).unwrap_err().to_string();
        assert!(told.contains("\\u{202e}such"), "{told:?}");
    }
}
