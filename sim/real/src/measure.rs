//! What is written down as a run goes: who heard what, when and from whom, and what every second cost.

use std::collections::HashMap;

use intentcast_sim::outcome::{Counters, Outcome, Published, Second};
use libp2p::gossipsub::MessageId;

use crate::clock::{self, Nanos, SECOND};
use crate::network::Network;
use crate::rpc::Counts;

/// Not heard yet.
const NEVER: u8 = u8::MAX;

/// The record of one run.
#[derive(Debug)]
pub struct Record {
    outcome: Outcome,
    /// Only ever looked up.
    numbers: HashMap<MessageId, u32>,
    /// Links from the publisher to each node, by message.
    hops: Vec<Vec<u8>>,
    /// What was counted when the present second began.
    before: (Counts, u64),
    second: Second,
    online: u64,
}

impl Record {
    /// Of nothing yet.
    pub fn new(nodes: u32) -> Self {
        Self {
            outcome: Outcome {
                nodes,
                ..Outcome::default()
            },
            numbers: HashMap::new(),
            hops: Vec::new(),
            before: Default::default(),
            second: Second::default(),
            online: 0,
        }
    }

    pub fn came(&mut self) {
        self.online += 1;
    }

    pub fn went(&mut self) {
        self.online -= 1;
    }

    /// A message was published; none is its id when it could not be.
    pub fn published(&mut self, id: Option<MessageId>, node: u32, topic: u32, expected: u32) {
        let number = self.outcome.messages.len() as u32;
        self.outcome.messages.push(Published {
            node,
            topic,
            at_ns: clock::now(),
            expected,
        });
        let mut hops = Vec::new();
        match id {
            Some(id) => {
                hops.resize(self.outcome.nodes as usize, NEVER);
                hops[node as usize] = 0;
                self.numbers.insert(id, number);
            }
            None => *self.outcome.measures.entry("unpublished".into()).or_default() += 1.0,
        }
        self.hops.push(hops);
        self.second.published += 1;
    }

    /// A node heard a message from a neighbour. Heard again, it is not written down again.
    pub fn heard(&mut self, id: &MessageId, node: u32, from: u32) {
        let Some(number) = self.numbers.get(id) else { return };
        let hops = &mut self.hops[*number as usize];
        if hops[node as usize] != NEVER {
            return;
        }
        // A neighbour passes on what it has heard; one that made it up is taken for the publisher.
        let before = if hops[from as usize] == NEVER { 0 } else { hops[from as usize] };
        hops[node as usize] = before.saturating_add(1).min(NEVER - 1);
        let latency = clock::now() - self.outcome.messages[*number as usize].at_ns;
        self.outcome.deliveries.push(*number, node, latency, hops[node as usize]);
        self.second.delivered += 1;
    }

    /// Ends every second that is over by now.
    pub fn tick(&mut self, now: Nanos, network: &Network) {
        while self.outcome.timeline.len() as u64 * SECOND + SECOND <= now {
            self.end_second(network);
        }
    }

    fn end_second(&mut self, network: &Network) {
        let (before, arrived_before) = self.before;
        let (total, arrived) = (*network.total(), network.payloads_arrived());
        let mut second = std::mem::take(&mut self.second);
        second.payload_sends = total.payloads - before.payloads;
        second.duplicates = (arrived - arrived_before).saturating_sub(second.delivered);
        second.control_sends = control(&total) - control(&before);
        second.bytes = bytes(&total) - bytes(&before);
        second.online = self.online;
        self.before = (total, arrived);
        self.outcome.timeline.push(second);
    }

    /// What came of it all. `degrees` are those of the nodes that are there at the end.
    pub fn end(mut self, network: &Network, degrees: Vec<u16>, events: u64, partial: bool) -> Outcome {
        self.tick(clock::now(), network);
        let total = network.total();
        let delivered = self.outcome.deliveries.len() as u64;
        let arrived = network.payloads_arrived();
        self.outcome.counters = Counters {
            payload_sends: total.payloads,
            duplicates: arrived.saturating_sub(delivered),
            ihave: total.ihave,
            ihave_ids: total.ihave_ids,
            iwant: total.iwant,
            iwant_ids: total.iwant_ids,
            graft: total.graft,
            prune: total.prune,
            idontwant: total.idontwant,
            subscriptions: total.subscriptions,
            dropped: total.payloads - arrived,
            rejected: 0,
            payload_bytes: total.payload_bytes,
            control_bytes: total.control_bytes + total.other_bytes,
        };
        let each = &mut self.outcome.bytes;
        for traffic in network.traffic() {
            each.payload_up.push(traffic.said.payload_bytes);
            each.control_up.push(traffic.said.control_bytes + traffic.said.other_bytes);
            each.payload_down.push(traffic.heard.0);
            each.control_down.push(traffic.heard.1);
        }
        if total.unreadable > 0 {
            let streams = format!("{} streams of gossipsub's could not be read along", total.unreadable);
            self.outcome.violations.push(streams);
        }
        self.outcome.degrees = degrees;
        self.outcome.events = events;
        self.outcome.end_ns = clock::now();
        self.outcome.partial = partial;
        self.outcome.trace = network.trace();
        self.outcome
    }
}

fn control(counts: &Counts) -> u64 {
    counts.ihave + counts.iwant + counts.graft + counts.prune + counts.idontwant
}

fn bytes(counts: &Counts) -> u64 {
    counts.payload_bytes + counts.control_bytes + counts.other_bytes
}
