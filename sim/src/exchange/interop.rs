//! A script of libp2p's gossipsub-interop (`params.json`) as a scenario:
//! https://github.com/libp2p/test-plans/tree/master/gossipsub-interop
//!
//! A script tells each node what to do when; a scenario says how many do what how often. What is lost on the way is
//! told, sentence by sentence; a script that does not hold together is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::scenario::{Dials, Gossipsub, Latency, Publishers, Scenario, Shape};

/// A scenario and the file of its connections.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The scenario; its topology names the file.
    pub scenario: Scenario,
    /// A line for each dial: who, and whom.
    pub edges: String,
    /// What the script says and the scenario does not, a sentence each.
    pub left_out: Vec<String>,
}

/// More nodes than any such script was written for; ids beyond it are a mistake.
const MAX_NODES: u64 = 1_000_000;

/// Reads a script. `name` is the scenario's, `edges` the name of the file that the connections will be in.
pub fn import(name: &str, edges: &str, text: &str) -> Result<Imported, String> {
    let whole: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let script = whole.get("script").and_then(Value::as_array);
    let script = script.ok_or("expected an object with a `script`, which is a list of instructions")?;
    let mut reader = Reader::default();
    for (at, instruction) in script.iter().enumerate() {
        reader.at = at;
        reader
            .read(instruction, None)
            .map_err(|error| format!("script[{at}]: {error}"))?;
    }
    reader.scenario(name, edges)
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    /// The instruction's number in the script.
    at: usize,
    now_s: f64,
    /// Of nodes that wait by themselves, until when.
    waits_s: BTreeMap<u32, f64>,
    highest: Option<u32>,
    edges: BTreeSet<(u32, u32)>,
    topics: BTreeMap<String, Joined>,
    published: Vec<Message>,
    /// Nodes whose gossip was begun; none stands for all.
    begun: BTreeSet<Option<u32>>,
    validation_ms: BTreeMap<String, f64>,
    gossipsub: Option<Gossipsub>,
    left_out: BTreeSet<String>,
}

/// Who joins a topic.
struct Joined {
    /// None stands for all.
    who: BTreeSet<Option<u32>>,
    /// When the first of them does.
    first_s: f64,
}

impl Joined {
    /// How many of so many nodes.
    fn of(&self, nodes: f64) -> f64 {
        if self.who.contains(&None) {
            nodes
        } else {
            self.who.len() as f64
        }
    }
}

struct Message {
    by: u32,
    at_s: f64,
    bytes: u32,
    topic: String,
    /// The instruction's number.
    at: usize,
}

impl Reader {
    /// What time it is for a node, or for all.
    fn now(&self, to: Option<u32>) -> f64 {
        let own = to.and_then(|node| self.waits_s.get(&node));
        own.copied().unwrap_or_default().max(self.now_s)
    }

    /// One instruction, to one node or to all.
    fn read(&mut self, instruction: &Value, to: Option<u32>) -> Result<(), String> {
        let kind = instruction
            .get("type")
            .and_then(Value::as_str)
            .ok_or("expected a `type`")?;
        match kind {
            "ifNodeIDEquals" => {
                let node = self.node(number(instruction, "nodeID")?)?;
                if let Some(other) = to.filter(|other| *other != node) {
                    return Err(format!("what is for node {node} stands in what is for node {other}"));
                }
                let inner = instruction.get("instruction").ok_or("expected an `instruction`")?;
                self.read(inner, Some(node))
            }
            "waitUntil" => {
                let until = number(instruction, "elapsedSeconds")?.max(self.now(to));
                match to {
                    None => self.now_s = until,
                    Some(node) => {
                        self.waits_s.insert(node, until);
                    }
                }
                Ok(())
            }
            "connect" => self.connect(instruction, to),
            "subscribeToTopic" => {
                let now = self.now(to);
                if now > 0.0 {
                    self.left_out
                        .insert("when nodes join their topics: all do at the beginning".into());
                }
                let none = Joined {
                    who: BTreeSet::new(),
                    first_s: now,
                };
                let joined = self.topics.entry(word(instruction, "topicID")?).or_insert(none);
                joined.first_s = joined.first_s.min(now);
                joined.who.insert(to);
                Ok(())
            }
            "setTopicValidationDelay" => {
                let topic = word(instruction, "topicID")?;
                let ms = number(instruction, "delaySeconds")? * 1e3;
                let longest = self.validation_ms.entry(topic).or_insert(ms);
                if to.is_some() || *longest != ms {
                    *longest = longest.max(ms);
                    self.left_out
                        .insert("a verdict's delay by node or by time: the longest holds for all, always".into());
                }
                Ok(())
            }
            "publish" => {
                let by = to.ok_or("a message that every node publishes: expected it in an `ifNodeIDEquals`")?;
                self.published.push(Message {
                    by,
                    at_s: self.now(to),
                    bytes: whole("messageSizeBytes", number(instruction, "messageSizeBytes")?)?,
                    topic: word(instruction, "topicID")?,
                    at: self.at,
                });
                Ok(())
            }
            "initGossipSub" => {
                let none = Map::new();
                let params = instruction
                    .get("gossipSubParams")
                    .and_then(Value::as_object)
                    .unwrap_or(&none);
                self.begun.insert(to);
                self.knobs(params)
            }
            other => Err(format!("`{other}` is an instruction that no scenario can say")),
        }
    }

    fn node(&mut self, id: f64) -> Result<u32, String> {
        if id < 0.0 || id.fract() != 0.0 || id >= MAX_NODES as f64 {
            return Err(format!("expected a node's number below {MAX_NODES}, got {id}"));
        }
        let node = id as u32;
        self.highest = Some(self.highest.map_or(node, |highest| highest.max(node)));
        Ok(node)
    }

    fn connect(&mut self, instruction: &Value, to: Option<u32>) -> Result<(), String> {
        let from = to.ok_or("every node connects to the same: expected it in an `ifNodeIDEquals`")?;
        if self.now(to) > 0.0 {
            self.left_out
                .insert("when nodes connect: all do at the beginning".into());
        }
        let others = instruction.get("connectTo").and_then(Value::as_array);
        for other in others.ok_or("expected a list in `connectTo`")? {
            let other = self.node(other.as_f64().ok_or("expected node numbers in `connectTo`")?)?;
            if other == from {
                return Err(format!("node {from} connects to itself"));
            }
            self.edges.insert((from, other));
        }
        Ok(())
    }

    /// Where go-libp2p's defaults differ from ours, theirs hold, for that is what the script's author had in mind.
    fn knobs(&mut self, params: &Map<String, Value>) -> Result<(), String> {
        let mut knobs = Gossipsub {
            d: 6,
            d_low: 5,
            d_high: 12,
            d_out: 2,
            scores: false,
            duplicate_cache_s: 120.0,
            heartbeat_initial_ms: 100.0,
            ..Gossipsub::default()
        };
        for (name, value) in params {
            let value = value.as_f64().ok_or_else(|| format!("{name}: expected a number"))?;
            let whole = || whole(name, value);
            match name.as_str() {
                "D" => knobs.d = whole()?,
                "Dlo" => knobs.d_low = whole()?,
                "Dhi" => knobs.d_high = whole()?,
                "Dscore" => knobs.retain_scores = whole()?,
                "Dout" => knobs.d_out = whole()?,
                "Dlazy" => knobs.d_lazy = whole()?,
                "HistoryLength" => knobs.history_length = whole()?,
                "HistoryGossip" => knobs.history_gossip = whole()?,
                "GossipFactor" => knobs.gossip_factor = value,
                "GossipRetransmission" => knobs.gossip_retransmission = whole()?,
                "HeartbeatInitialDelay" => knobs.heartbeat_initial_ms = seconds(value) * 1e3,
                "HeartbeatInterval" => knobs.heartbeat_ms = seconds(value) * 1e3,
                "FanoutTTL" => knobs.fanout_ttl_s = seconds(value),
                "PruneBackoff" => knobs.prune_backoff_s = seconds(value),
                "UnsubscribeBackoff" => knobs.unsubscribe_backoff_s = seconds(value),
                "OpportunisticGraftTicks" => knobs.opportunistic_graft_ticks = whole()?,
                "OpportunisticGraftPeers" => knobs.opportunistic_graft_peers = whole()?,
                "GraftFloodThreshold" => knobs.graft_flood_threshold_s = seconds(value),
                "MaxIHaveLength" => knobs.max_ihave_length = whole()?,
                "MaxIHaveMessages" => knobs.max_ihave_messages = whole()?,
                "IWantFollowupTime" => knobs.iwant_followup_s = seconds(value),
                "IDontWantMessageThreshold" => knobs.idontwant_threshold_bytes = whole()?,
                other => {
                    self.left_out.insert(format!("{other}, which no scenario has"));
                }
            }
        }
        if let Some(before) = &self.gossipsub {
            // Scripts spread the first heartbeats over the nodes; the scenario has that spread as one figure.
            let spread = (knobs.heartbeat_initial_ms - before.heartbeat_initial_ms).abs();
            knobs.heartbeat_spread_ms = spread.max(before.heartbeat_spread_ms);
            knobs.heartbeat_initial_ms = knobs.heartbeat_initial_ms.min(before.heartbeat_initial_ms);
            let alike = |of: &Gossipsub| Gossipsub {
                heartbeat_initial_ms: 0.0,
                heartbeat_spread_ms: 0.0,
                ..of.clone()
            };
            if alike(before) != alike(&knobs) {
                self.left_out
                    .insert("knobs that differ from node to node: the last ones hold for all".into());
            }
        } else {
            knobs.heartbeat_spread_ms = 0.0;
        }
        self.gossipsub = Some(knobs);
        Ok(())
    }

    fn scenario(mut self, name: &str, edges: &str) -> Result<Imported, String> {
        let highest = self
            .highest
            .ok_or("the script names no node, so there is no telling how many there are")?;
        let mut scenario = Scenario::of(highest + 1);
        name.clone_into(&mut scenario.name);
        scenario.about = "A script of libp2p's gossipsub-interop.".into();
        scenario.topology = Dials {
            kind: Shape::File,
            file: Some(edges.to_owned()),
            first_dial_ms: 0.0,
            dial_interval_ms: 0.0,
            ..Dials::default()
        };
        if !self.begun.contains(&None) && self.begun.len() < scenario.nodes as usize {
            let told = match self.gossipsub {
                None => "what knobs nodes have, which the script does not say: they are the product's own",
                Some(_) => "that some nodes are given no knobs: they have those of the others",
            };
            self.left_out.insert(told.into());
        }
        scenario.gossipsub = self.gossipsub.take().unwrap_or_default();
        self.tell_topics(&mut scenario);
        self.tell_traffic(&mut scenario)?;
        scenario.links.latency = Latency::Matrix("continents".into());
        self.left_out
            .insert("links, which are not in the script: they are those between continents".into());
        let sound = scenario.with(&[]).map_err(|error| error.to_string())?;
        let lines = self.edges.iter().map(|(from, to)| format!("{from} {to}\n"));
        Ok(Imported {
            scenario: sound,
            edges: lines.collect(),
            left_out: self.left_out.into_iter().collect(),
        })
    }

    fn tell_topics(&mut self, scenario: &mut Scenario) {
        let nodes = f64::from(scenario.nodes);
        let count = self.topics.len().max(1) as u32;
        let joins: f64 = self.topics.values().map(|joined| joined.of(nodes)).sum();
        let all = || self.topics.values().flat_map(|joined| &joined.who);
        let joined: BTreeSet<u32> = all().flatten().copied().collect();
        let everybody = all().any(Option::is_none);
        let listeners = if everybody { nodes } else { joined.len() as f64 };
        scenario.topics.count = count;
        scenario.topics.listeners = (listeners / nodes).min(1.0);
        scenario.topics.joined = ((joins / listeners.max(1.0)).round() as u32).clamp(1, count);
        if self.topics.values().any(|joined| joined.of(nodes) < nodes) {
            self.left_out.insert(format!(
                "which node joins which topic: it is drawn, {} of {count} topics for about {listeners} of {nodes} nodes",
                scenario.topics.joined
            ));
        }
        if count > 1 {
            self.left_out
                .insert("which message is on which topic: it is drawn, each topic alike".into());
        }
        if let Some(longest) = self.validation_ms.values().copied().reduce(f64::max) {
            scenario.gossipsub.validation_ms = longest;
            if self.validation_ms.len() > 1 {
                self.left_out
                    .insert("a verdict's delay by topic: the longest holds for all".into());
            }
        }
    }

    fn tell_traffic(&mut self, scenario: &mut Scenario) -> Result<(), String> {
        self.published.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        let (Some(first), Some(last)) = (self.published.first(), self.published.last()) else {
            return Err("the script publishes nothing".into());
        };
        for message in &self.published {
            let joined = self.topics.get(&message.topic);
            if joined.is_none_or(|joined| joined.first_s > message.at_s) {
                return Err(format!(
                    "script[{}]: a message on the topic `{}`, which no node has joined by then",
                    message.at, message.topic
                ));
            }
        }
        let gaps: Vec<f64> = self
            .published
            .windows(2)
            .map(|pair| pair[1].at_s - pair[0].at_s)
            .collect();
        let interval_s = (last.at_s - first.at_s) / gaps.len().max(1) as f64;
        let shortest = gaps.iter().copied().fold(f64::INFINITY, f64::min);
        let longest = gaps.iter().copied().fold(0.0, f64::max);
        if longest - shortest > MOMENT_S {
            self.left_out.insert(format!(
                "when each message comes, {} to {} s after the one before: one comes every {} s",
                rounded(shortest),
                rounded(longest),
                rounded(interval_s)
            ));
        } else if !gaps.is_empty() && longest <= 0.0 {
            self.left_out
                .insert("that all messages come at one moment: one comes every millisecond".into());
        }
        let sizes: BTreeSet<u32> = self.published.iter().map(|message| message.bytes).collect();
        let by: BTreeSet<u32> = self.published.iter().map(|message| message.by).collect();
        let mean: u64 = self
            .published
            .iter()
            .map(|message| u64::from(message.bytes))
            .sum::<u64>()
            / self.published.len() as u64;
        if let (Some(least), Some(most)) = (sizes.first(), sizes.last())
            && least < most
        {
            self.left_out.insert(format!(
                "messages' sizes, {least} to {most} bytes: all have the mean, {mean} bytes"
            ));
        }
        if scenario.nodes > 1 {
            self.left_out.insert(format!(
                "which node publishes which message: {} of {} nodes are drawn, and for each message one of those",
                by.len(),
                scenario.nodes
            ));
        }
        scenario.traffic.messages = self.published.len() as u32;
        scenario.traffic.publishers = Publishers::Number(by.len() as u32);
        // Messages of one moment would have no interval at all.
        scenario.traffic.interval_ms = if interval_s > 0.0 { interval_s * 1e3 } else { 1.0 };
        scenario.traffic.size_bytes = mean as u32;
        scenario.time.warm_up_s = first.at_s;
        let end_s = self.waits_s.values().copied().fold(self.now_s, f64::max);
        scenario.time.cool_down_s = (end_s - last.at_s).max(10.0);
        Ok(())
    }
}

/// Gaps between messages that differ by less are the same, s.
const MOMENT_S: f64 = 0.001;

/// Milliseconds are enough for a reader.
fn rounded(s: f64) -> f64 {
    (s * 1e3).round() / 1e3
}

fn whole(name: &str, value: f64) -> Result<u32, String> {
    if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
        return Ok(value as u32);
    }
    Err(format!("{name}: expected a whole number below 2^32, got {value}"))
}

fn number(instruction: &Value, key: &str) -> Result<f64, String> {
    instruction
        .get(key)
        .and_then(Value::as_f64)
        .ok_or_else(|| format!("expected a number in `{key}`"))
}

fn word(instruction: &Value, key: &str) -> Result<String, String> {
    let text = instruction.get(key).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| format!("expected a text in `{key}`"))
}

/// The scripts' times are seconds in their description and nanoseconds in their practice; no sensible knob is a
/// million seconds or a millisecond's thousandth.
fn seconds(value: f64) -> f64 {
    if value >= 1e6 { value / 1e9 } else { value }
}

#[cfg(test)]
mod tests;
