//! A script of libp2p's gossipsub-interop (`params.json`) as a scenario:
//! https://github.com/libp2p/test-plans/tree/master/gossipsub-interop
//!
//! A script tells each node what to do when; a scenario says how many do what how often. What is lost on the way is
//! told, sentence by sentence.

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
        reader
            .read(instruction, None)
            .map_err(|error| format!("script[{at}]: {error}"))?;
    }
    reader.scenario(name, edges)
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    now_s: f64,
    highest: Option<u32>,
    edges: BTreeSet<(u32, u32)>,
    /// By topic: nodes that join it; none stands for all.
    topics: BTreeMap<String, BTreeSet<Option<u32>>>,
    published: Vec<Message>,
    validation_ms: BTreeMap<String, f64>,
    gossipsub: Option<Gossipsub>,
    left_out: BTreeSet<String>,
}

struct Message {
    by: u32,
    at_s: f64,
    bytes: u32,
}

impl Reader {
    /// One instruction, to one node or to all.
    fn read(&mut self, instruction: &Value, to: Option<u32>) -> Result<(), String> {
        let kind = instruction
            .get("type")
            .and_then(Value::as_str)
            .ok_or("expected a `type`")?;
        match kind {
            "ifNodeIDEquals" => {
                let node = self.node(number(instruction, "nodeID")?)?;
                let inner = instruction.get("instruction").ok_or("expected an `instruction`")?;
                self.read(inner, Some(node))
            }
            "waitUntil" => {
                self.now_s = number(instruction, "elapsedSeconds")?.max(self.now_s);
                Ok(())
            }
            "connect" => self.connect(instruction, to),
            "subscribeToTopic" => {
                self.topics.entry(word(instruction, "topicID")?).or_default().insert(to);
                Ok(())
            }
            "setTopicValidationDelay" => {
                let topic = word(instruction, "topicID")?;
                self.validation_ms
                    .insert(topic, number(instruction, "delaySeconds")? * 1e3);
                Ok(())
            }
            "publish" => {
                let by = to.ok_or("a message that every node publishes: expected it in an `ifNodeIDEquals`")?;
                let bytes = number(instruction, "messageSizeBytes")?;
                let at_s = self.now_s;
                self.published.push(Message {
                    by,
                    at_s,
                    bytes: bytes as u32,
                });
                Ok(())
            }
            "initGossipSub" => {
                let none = Map::new();
                let params = instruction
                    .get("gossipSubParams")
                    .and_then(Value::as_object)
                    .unwrap_or(&none);
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
        let others = instruction.get("connectTo").and_then(Value::as_array);
        for other in others.ok_or("expected a list in `connectTo`")? {
            let other = self.node(other.as_f64().ok_or("expected node numbers in `connectTo`")?)?;
            if other != from {
                self.edges.insert((from, other));
            }
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
            let whole = value as u32;
            match name.as_str() {
                "D" => knobs.d = whole,
                "Dlo" => knobs.d_low = whole,
                "Dhi" => knobs.d_high = whole,
                "Dscore" => knobs.retain_scores = whole,
                "Dout" => knobs.d_out = whole,
                "Dlazy" => knobs.d_lazy = whole,
                "HistoryLength" => knobs.history_length = whole,
                "HistoryGossip" => knobs.history_gossip = whole,
                "GossipFactor" => knobs.gossip_factor = value,
                "GossipRetransmission" => knobs.gossip_retransmission = whole,
                "HeartbeatInitialDelay" => knobs.heartbeat_initial_ms = seconds(value) * 1e3,
                "HeartbeatInterval" => knobs.heartbeat_ms = seconds(value) * 1e3,
                "FanoutTTL" => knobs.fanout_ttl_s = seconds(value),
                "PruneBackoff" => knobs.prune_backoff_s = seconds(value),
                "UnsubscribeBackoff" => knobs.unsubscribe_backoff_s = seconds(value),
                "OpportunisticGraftTicks" => knobs.opportunistic_graft_ticks = whole,
                "OpportunisticGraftPeers" => knobs.opportunistic_graft_peers = whole,
                "GraftFloodThreshold" => knobs.graft_flood_threshold_s = seconds(value),
                "MaxIHaveLength" => knobs.max_ihave_length = whole,
                "MaxIHaveMessages" => knobs.max_ihave_messages = whole,
                "IWantFollowupTime" => knobs.iwant_followup_s = seconds(value),
                "IDontWantMessageThreshold" => knobs.idontwant_threshold_bytes = whole,
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
        let joins: f64 = self
            .topics
            .values()
            .map(|who| if who.contains(&None) { nodes } else { who.len() as f64 })
            .sum();
        let joined: BTreeSet<u32> = self.topics.values().flatten().flatten().copied().collect();
        let everybody = self.topics.values().any(|who| who.contains(&None));
        let listeners = if everybody { nodes } else { joined.len() as f64 };
        scenario.topics.count = count;
        scenario.topics.listeners = (listeners / nodes).min(1.0);
        scenario.topics.joined = ((joins / listeners.max(1.0)).round() as u32).clamp(1, count);
        if count > 1 && scenario.topics.joined < count {
            self.left_out.insert("which node joins which topic: it is drawn".into());
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
        let (Some(first), Some(last)) = (self.published.first(), self.published.last()) else {
            return Err("the script publishes nothing".into());
        };
        let gaps = (self.published.len() as f64 - 1.0).max(1.0);
        let interval_s = (last.at_s - first.at_s) / gaps;
        let sizes: BTreeSet<u32> = self.published.iter().map(|message| message.bytes).collect();
        let by: BTreeSet<u32> = self.published.iter().map(|message| message.by).collect();
        let mean: u64 = self
            .published
            .iter()
            .map(|message| u64::from(message.bytes))
            .sum::<u64>()
            / self.published.len() as u64;
        if sizes.len() > 1 {
            self.left_out
                .insert("messages' sizes, which differ: the mean holds for all".into());
        }
        scenario.traffic.messages = self.published.len() as u32;
        scenario.traffic.publishers = Publishers::Number(by.len() as u32);
        // Messages of one moment would have no interval at all.
        scenario.traffic.interval_ms = if interval_s > 0.0 { interval_s * 1e3 } else { 1.0 };
        scenario.traffic.size_bytes = mean as u32;
        scenario.time.warm_up_s = first.at_s;
        scenario.time.cool_down_s = (self.now_s - last.at_s).max(10.0);
        Ok(())
    }
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
mod tests {
    use super::*;

    const SCRIPT: &str = r#"{"script": [
        {"type": "ifNodeIDEquals", "nodeID": 0, "instruction": {"type": "initGossipSub", "gossipSubParams": {"D": 8, "Dhi": 13, "HeartbeatInitialDelay": 100100000}}},
        {"type": "ifNodeIDEquals", "nodeID": 1, "instruction": {"type": "initGossipSub", "gossipSubParams": {"D": 8, "Dhi": 13, "HeartbeatInitialDelay": 100300000}}},
        {"type": "setTopicValidationDelay", "topicID": "a", "delaySeconds": 0.005},
        {"type": "ifNodeIDEquals", "nodeID": 0, "instruction": {"type": "connect", "connectTo": [1, 2, 3]}},
        {"type": "ifNodeIDEquals", "nodeID": 3, "instruction": {"type": "connect", "connectTo": [1]}},
        {"type": "subscribeToTopic", "topicID": "a"},
        {"type": "waitUntil", "elapsedSeconds": 120},
        {"type": "ifNodeIDEquals", "nodeID": 2, "instruction": {"type": "publish", "messageID": 0, "topicID": "a", "messageSizeBytes": 98304}},
        {"type": "waitUntil", "elapsedSeconds": 132},
        {"type": "ifNodeIDEquals", "nodeID": 1, "instruction": {"type": "publish", "messageID": 1, "topicID": "a", "messageSizeBytes": 98304}},
        {"type": "waitUntil", "elapsedSeconds": 174}
    ]}"#;

    #[test]
    fn a_script_becomes_a_scenario() {
        let imported = import("blob", "blob.edges", SCRIPT).expect("a sound script");
        let scenario = imported.scenario;
        assert_eq!(scenario.nodes, 4);
        assert_eq!(imported.edges, "0 1\n0 2\n0 3\n3 1\n");
        assert_eq!(scenario.topology.file.as_deref(), Some("blob.edges"));
        assert_eq!(
            (
                scenario.gossipsub.d,
                scenario.gossipsub.d_high,
                scenario.gossipsub.d_low
            ),
            (8, 13, 5)
        );
        assert!((scenario.gossipsub.heartbeat_initial_ms - 100.1).abs() < 1e-9);
        assert!((scenario.gossipsub.heartbeat_spread_ms - 0.2).abs() < 1e-9);
        assert_eq!(scenario.gossipsub.validation_ms, 5.0);
        assert_eq!((scenario.traffic.messages, scenario.traffic.interval_ms), (2, 12_000.0));
        assert_eq!(
            (
                scenario.traffic.size_bytes,
                scenario.time.warm_up_s,
                scenario.time.cool_down_s
            ),
            (98_304, 120.0, 42.0)
        );
        assert_eq!(
            (scenario.topics.count, scenario.topics.joined, scenario.topics.listeners),
            (1, 1, 1.0)
        );
        assert_eq!(imported.left_out.len(), 1, "{:?}", imported.left_out);
    }

    #[test]
    fn halves_that_join_one_topic_each_are_drawn_and_that_is_told() {
        let subscribe = |node: u32, topic: &str| {
            format!(
                r#"{{"type": "ifNodeIDEquals", "nodeID": {node}, "instruction": {{"type": "subscribeToTopic", "topicID": "{topic}"}}}}"#
            )
        };
        let publish = r#"{"type": "ifNodeIDEquals", "nodeID": 0, "instruction": {"type": "publish", "messageID": 0, "topicID": "a", "messageSizeBytes": 10}}"#;
        let lines: Vec<String> = (0..6)
            .map(|node| subscribe(node, if node % 2 == 0 { "a" } else { "b" }))
            .collect();
        let script = format!(r#"{{"script": [{}, {publish}]}}"#, lines.join(","));
        let imported = import("fanout", "e", &script).expect("a sound script");
        assert_eq!(
            (imported.scenario.topics.count, imported.scenario.topics.joined),
            (2, 1)
        );
        assert!(imported.left_out.iter().any(|told| told.contains("it is drawn")));
    }

    #[test]
    fn what_cannot_be_said_is_refused_with_its_place() {
        for (script, said) in [
            ("{}", "`script`"),
            (r#"{"script": []}"#, "names no node"),
            (
                r#"{"script": [{"type": "publishPartial"}]}"#,
                "script[0]: `publishPartial`",
            ),
            (
                r#"{"script": [{"type": "connect", "connectTo": [1]}]}"#,
                "ifNodeIDEquals",
            ),
            (
                r#"{"script": [{"type": "ifNodeIDEquals", "nodeID": 1e12, "instruction": {}}]}"#,
                "below 1000000",
            ),
            (
                r#"{"script": [{"type": "ifNodeIDEquals", "nodeID": 3, "instruction": {"type": "subscribeToTopic", "topicID": "a"}}]}"#,
                "publishes nothing",
            ),
            (r#"{"script": [{"type": "waitUntil"}]}"#, "elapsedSeconds"),
        ] {
            let error = import("x", "e", script).expect_err(script);
            assert!(error.contains(said), "{error} for {script}");
        }
    }
}
