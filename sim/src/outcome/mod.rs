//! What every level gives back: what was delivered to whom and when, and what it cost.
//!
//! An [`Outcome`] is raw; a [`Summary`] is all the arithmetic there is on it.

mod market;
mod summary;

pub use market::{IntentFate, MarketOutcome, MarketSummary};
pub use summary::{Degrees, Latencies, PerNode, Summary, percentile};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What came of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Honest nodes; they come first by number.
    pub nodes: u32,
    /// Attackers; their numbers follow.
    pub attackers: u32,
    /// What was published, by number.
    pub messages: Vec<Published>,
    /// What arrived at honest nodes for the first time, in the engine's total order.
    pub deliveries: Deliveries,
    /// What was sent and received.
    pub counters: Counters,
    /// Bytes of each node, by number, attackers in; empty when not counted.
    pub bytes: NodeBytes,
    /// Size of each honest node's mesh at the end, one entry for each topic that it joined.
    pub degrees: Vec<u16>,
    /// One row for each second of virtual time, from 0.
    pub timeline: Vec<Second>,
    /// How far attackers had come, one row for each second of virtual time, from 0; empty without attackers.
    #[serde(default)]
    pub siege: Vec<Besieged>,
    /// What became of the intents, on the `market` level.
    pub market: Option<MarketOutcome>,
    /// Measures of attacks and privacy, by name, as `first_spy_precision`.
    pub measures: BTreeMap<String, f64>,
    /// What must never happen, and did.
    pub violations: Vec<String>,
    /// Things that happened.
    pub events: u64,
    /// Virtual time at the end, ns.
    pub end_ns: u64,
    /// Whether it was ended before its time.
    pub partial: bool,
    /// SHA-256 over all that happened, in order.
    pub trace: [u8; 32],
}

/// One message as it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Who said it.
    pub node: u32,
    /// On which topic.
    pub topic: u32,
    /// When, ns.
    pub at_ns: u64,
    /// Honest nodes that should hear it: listeners of the topic that were there, without the publisher.
    pub expected: u32,
}

/// First arrivals; the four lists are of one length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Which message.
    pub message: Vec<u32>,
    /// Which node heard it.
    pub node: Vec<u32>,
    /// How long after it was published, ns.
    pub latency_ns: Vec<u64>,
    /// Links it went over; 1 from the publisher itself.
    pub hops: Vec<u8>,
}

impl Deliveries {
    /// How many.
    pub fn len(&self) -> usize {
        self.message.len()
    }

    /// Whether nothing arrived.
    pub fn is_empty(&self) -> bool {
        self.message.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, message: u32, node: u32, latency_ns: u64, hops: u8) {
        self.message.push(message);
        self.node.push(node);
        self.latency_ns.push(latency_ns);
        self.hops.push(hops);
    }
}

/// What all nodes together sent, attackers in, over the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Copies of messages sent.
    pub payload_sends: u64,
    /// Copies that arrived where the message was known already.
    pub duplicates: u64,
    /// IHAVE messages, and the ids in them.
    pub ihave: u64,
    /// Ids told of by IHAVE.
    pub ihave_ids: u64,
    /// IWANT messages.
    pub iwant: u64,
    /// Ids asked for by IWANT.
    pub iwant_ids: u64,
    /// GRAFT messages.
    pub graft: u64,
    /// PRUNE messages.
    pub prune: u64,
    /// IDONTWANT messages.
    pub idontwant: u64,
    /// Subscriptions and their ends told.
    pub subscriptions: u64,
    /// Frames that were sent and never arrived.
    pub dropped: u64,
    /// Messages refused on their verdict.
    pub rejected: u64,
    /// Bytes of messages sent.
    pub payload_bytes: u64,
    /// Bytes of everything else sent.
    pub control_bytes: u64,
}

/// Bytes by node; the four lists are of one length, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeBytes {
    /// Messages sent.
    pub payload_up: Vec<u64>,
    /// Messages received.
    pub payload_down: Vec<u64>,
    /// Everything else sent.
    pub control_up: Vec<u64>,
    /// Everything else received.
    pub control_down: Vec<u64>,
}

/// What happened within one second of virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Messages published.
    pub published: u64,
    /// First arrivals.
    pub delivered: u64,
    /// Copies of messages sent.
    pub payload_sends: u64,
    /// Copies of known messages that arrived.
    pub duplicates: u64,
    /// Control messages sent: IHAVE, IWANT, GRAFT, PRUNE, IDONTWANT.
    pub control_sends: u64,
    /// Bytes sent, all.
    pub bytes: u64,
    /// Honest nodes that are there at its end.
    pub online: u64,
}

/// How far attackers had come at the beginning of one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Besieged {
    /// Places in the meshes of honest nodes that are taken.
    pub slots: u64,
    /// Those of them that attackers have.
    pub held: u64,
    /// The same, in the meshes of the attacks' named victims.
    pub victim_slots: u64,
    /// Those of them that attackers have.
    pub victim_held: u64,
    /// Connections of honest nodes to attackers.
    pub ties: u64,
    /// Those of them whose attacker has a score below zero.
    pub sour: u64,
    /// Mean score of attackers over these connections, as the honest end sees it; zero where there are none.
    pub score: f64,
}

#[cfg(test)]
mod tests;
