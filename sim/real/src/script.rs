//! What happens to the nodes and when, as far as a scenario and a seed decide it beforehand.

use intentcast_sim::scenario::{self, Choice, DialOrder, Publishers, Scenario, Shape, Timing};

use crate::clock::Nanos;
use crate::dice::Dice;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A node comes.
    Start { node: u32 },
    /// A node joins its topics.
    Subscribe { node: u32 },
    /// A node goes, without a word.
    Stop { node: u32 },
    /// A node dials another.
    Dial { node: u32, to: u32 },
    /// A message is published by this node.
    Publish { message: u32, node: u32, topic: u32 },
    /// The network falls into parts, by the number of a partition.
    Part { partition: u32 },
    /// And is whole again.
    Heal { partition: u32 },
}

/// All that is decided beforehand.
#[derive(Debug, Default)]
pub struct Script {
    /// In order of time, then as they were written.
    pub acts: Vec<(Nanos, Act)>,
    /// Topics that each node joins.
    pub topics: Vec<Vec<u32>>,
    /// Whom each node dials.
    pub dials: Vec<Vec<u32>>,
    /// The smaller side of each partition.
    pub parts: Vec<Vec<u32>>,
}

impl Script {
    /// What a scenario says, with this seed's luck.
    pub fn of(scenario: &Scenario, seed: u64) -> Result<Self, String> {
        for (there, key) in [
            (scenario.nat.is_some(), "nat"),
            (scenario.phones.is_some(), "phones"),
            (!scenario.attack.is_empty(), "attack"),
            (scenario.market.is_some(), "market"),
            (scenario.links.slow_start.is_some(), "links.slow_start"),
            (scenario.churn.as_ref().is_some_and(|churn| churn.kind != scenario::ChurnKind::Poisson), "churn.kind"),
        ] {
            if there {
                return Err(format!("{key}: the level `real` cannot do that"));
            }
        }
        let mut script = Self::default();
        let dice = |purpose| Dice::new(seed, purpose);
        script.topics(scenario, &mut dice("topics"));
        script.dials(scenario, &mut dice("dials"))?;
        for node in 0..scenario.nodes {
            script.join(scenario, 0, node);
        }
        script.publish(scenario, &mut dice("traffic"));
        script.churn(scenario, &mut dice("churn"));
        script.part(scenario, &mut dice("partitions"));
        // Stable: what is due in one moment happens in the order in which it was written.
        script.acts.sort_by_key(|(at, _)| *at);
        Ok(script)
    }

    fn topics(&mut self, scenario: &Scenario, dice: &mut Dice) {
        let said = &scenario.topics;
        let listeners = (f64::from(scenario.nodes) * said.listeners).round() as usize;
        let listens = chosen(scenario.nodes, listeners, dice);
        let weights: Vec<f64> = (1..=said.count).map(|n| weight(scenario, n)).collect();
        for node in 0..scenario.nodes {
            let mut topics = Vec::new();
            if listens[node as usize] {
                let mut left = weights.clone();
                for _ in 0..said.joined {
                    let topic = pick(&left, dice);
                    left[topic as usize] = 0.0;
                    topics.push(topic);
                }
            }
            for nth in 0..said.backbone {
                let topic = (node.wrapping_mul(said.backbone).wrapping_add(nth)) % said.count;
                if !topics.contains(&topic) {
                    topics.push(topic);
                }
            }
            self.topics.push(topics);
        }
    }

    fn dials(&mut self, scenario: &Scenario, dice: &mut Dice) -> Result<(), String> {
        let (nodes, dials) = (scenario.nodes, scenario.topology.dials);
        for node in 0..nodes {
            let mut to: Vec<u32> = match scenario.topology.kind {
                Shape::Uniform => others(node, nodes, dials, dice),
                Shape::Ring => (1..=dials).map(|next| (node + next) % nodes).collect(),
                Shape::File => return Err("topology.file: the level `real` cannot do that".into()),
            };
            match scenario.topology.order {
                DialOrder::Drawn => {}
                DialOrder::Descending => to.sort_by_key(|other| std::cmp::Reverse(*other)),
            }
            self.dials.push(to);
        }
        Ok(())
    }

    /// A node comes at this moment, and does what nodes do first.
    fn join(&mut self, scenario: &Scenario, at: Nanos, node: u32) {
        self.acts.push((at, Act::Start { node }));
        self.acts.push((at + scenario::millis(scenario.topics.subscribe_ms), Act::Subscribe { node }));
        let dials = self.dials[node as usize].clone();
        for (nth, to) in (0_u32..).zip(dials) {
            self.acts.push((at + dial_after(scenario, nth), Act::Dial { node, to }));
        }
    }

    fn publish(&mut self, scenario: &Scenario, dice: &mut Dice) {
        let traffic = &scenario.traffic;
        let publishers = match traffic.publishers {
            Publishers::All => (0..scenario.nodes).collect(),
            Publishers::Number(number) => {
                let chosen = chosen(scenario.nodes, number as usize, dice);
                (0..scenario.nodes).filter(|node| chosen[*node as usize]).collect::<Vec<_>>()
            }
        };
        let weights: Vec<f64> = (1..=scenario.topics.count).map(|n| weight(scenario, n)).collect();
        let mut at = scenario.start_ns();
        let end = at + scenario.run_ns();
        let interval = scenario::millis(traffic.interval_ms);
        for message in 0..traffic.messages {
            if traffic.timing == Timing::Poisson {
                at += (-(1.0 - dice.unit()).ln() * interval as f64) as Nanos;
            }
            if at >= end {
                break;
            }
            let node = publishers[dice.below(publishers.len() as u64) as usize];
            let topic = pick(&weights, dice);
            self.acts.push((at, Act::Publish { message, node, topic }));
            if traffic.timing == Timing::Regular {
                at += interval;
            }
        }
    }

    fn churn(&mut self, scenario: &Scenario, dice: &mut Dice) {
        let Some(churn) = &scenario.churn else { return };
        let share = (f64::from(scenario.nodes) * churn.share).round() as usize;
        let comes_and_goes = chosen(scenario.nodes, share, dice);
        let end = scenario.length_ns();
        let stop = churn.stop_s.map_or(end, scenario::seconds);
        for node in (0..scenario.nodes).filter(|node| comes_and_goes[*node as usize]) {
            let mut stay = |mean: f64| scenario::seconds(-(1.0 - dice.unit()).ln() * mean).max(1);
            let mut at = scenario::seconds(churn.start_s) + stay(churn.online_s);
            while at < stop {
                self.acts.push((at, Act::Stop { node }));
                let back = (at + stay(churn.offline_s)).min(stop.max(at + 1));
                if back >= end {
                    break;
                }
                self.join(scenario, back, node);
                // Those who dialled it before find it again.
                let diallers = (0_u32..).zip(&self.dials).filter(|(_, dials)| dials.contains(&node));
                let again = back + dial_after(scenario, 0);
                let dials: Vec<_> = diallers.map(|(from, _)| (again, Act::Dial { node: from, to: node })).collect();
                self.acts.extend(dials);
                at = back + stay(churn.online_s);
            }
        }
    }

    fn part(&mut self, scenario: &Scenario, dice: &mut Dice) {
        for (partition, said) in (0_u32..).zip(&scenario.partition) {
            let share = (f64::from(scenario.nodes) * said.share).round() as usize;
            let chosen = chosen(scenario.nodes, share, dice);
            let part: Vec<u32> = (0..scenario.nodes).filter(|node| chosen[*node as usize]).collect();
            let healed = scenario::seconds(said.stop_s);
            self.acts.push((scenario::seconds(said.start_s), Act::Part { partition }));
            self.acts.push((healed, Act::Heal { partition }));
            let mut again = Vec::new();
            for (node, dials) in (0_u32..).zip(&self.dials) {
                let cut = dials.iter().filter(|to| chosen[node as usize] != chosen[**to as usize]);
                for (nth, to) in (0_u32..).zip(cut) {
                    again.push((healed + dial_after(scenario, nth), Act::Dial { node, to: *to }));
                }
            }
            self.acts.extend(again);
            self.parts.push(part);
        }
    }
}

/// From a node's coming to its n-th dial.
fn dial_after(scenario: &Scenario, nth: u32) -> Nanos {
    let topology = &scenario.topology;
    scenario::millis(topology.first_dial_ms) + u64::from(nth) * scenario::millis(topology.dial_interval_ms)
}

fn weight(scenario: &Scenario, nth: u32) -> f64 {
    match scenario.topics.choice {
        Choice::Uniform => 1.0,
        Choice::Zipf => f64::from(nth).powf(-scenario.topics.exponent),
    }
}

/// One of them, by weight.
fn pick(weights: &[f64], dice: &mut Dice) -> u32 {
    let mut left = dice.unit() * weights.iter().sum::<f64>();
    let there = |(_, weight): &(u32, &f64)| **weight > 0.0;
    let mut last = 0;
    for (at, weight) in (0_u32..).zip(weights).filter(there) {
        last = at;
        if left < *weight {
            break;
        }
        left -= weight;
    }
    last
}

/// Which of `all` belong to `some` of them that are drawn.
fn chosen(all: u32, some: usize, dice: &mut Dice) -> Vec<bool> {
    let mut chosen = vec![false; all as usize];
    let mut left = some.min(all as usize);
    for (at, is_chosen) in chosen.iter_mut().enumerate() {
        let remaining = all as usize - at;
        *is_chosen = dice.below(remaining as u64) < left as u64;
        left -= usize::from(*is_chosen);
    }
    chosen
}

/// Distinct other nodes, in the order in which they were drawn.
fn others(node: u32, nodes: u32, some: u32, dice: &mut Dice) -> Vec<u32> {
    let mut drawn: Vec<u32> = Vec::with_capacity(some as usize);
    while (drawn.len() as u32) < some.min(nodes - 1) {
        let other = dice.below(nodes.into()) as u32;
        if other != node && !drawn.contains(&other) {
            drawn.push(other);
        }
    }
    drawn
}
