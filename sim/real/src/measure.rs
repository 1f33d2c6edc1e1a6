//! What is written down as a run goes: who heard what, when and from whom, and what every second cost.

use std::collections::HashMap;

use intentcast_sim::engine::Plan;
use intentcast_sim::outcome::{Counters, Outcome, Second};
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
    /// Of a plan of which nothing has happened yet.
    pub fn new(plan: &Plan) -> Self {
        let nodes = plan.scenario.nodes;
        Self {
            outcome: Outcome {
                nodes,
                attackers: plan.scenario.all_nodes() - nodes,
                messages: plan.published.clone(),
                ..Outcome::default()
            },
            numbers: HashMap::new(),
            hops: vec![Vec::new(); plan.published.len()],
            before: Default::default(),
            second: Second::default(),
            online: 0,
        }
    }

    /// A node came.
    pub fn came(&mut self, node: u32) {
        self.online += u64::from(node < self.outcome.nodes);
    }

    /// A node went.
    pub fn went(&mut self, node: u32) {
        self.online -= u64::from(node < self.outcome.nodes);
    }

    /// A message was published; none is its id when it could not be.
    pub fn published(&mut self, message: u32, node: u32, id: Option<MessageId>) {
        self.second.published += 1;
        match id {
            Some(id) => {
                let hops = &mut self.hops[message as usize];
                hops.resize((self.outcome.nodes + self.outcome.attackers) as usize, NEVER);
                hops[node as usize] = 0;
                self.numbers.insert(id, message);
            }
            None => *self.outcome.measures.entry("unpublished".into()).or_default() += 1.0,
        }
    }

    /// A node that is there `since` then heard a message from a neighbour. What it hears again, or what is older than
    /// it, is not written down.
    pub fn heard(&mut self, id: &MessageId, node: u32, since: Nanos, from: Option<u32>) {
        let Some(number) = self.numbers.get(id) else { return };
        let hops = &mut self.hops[*number as usize];
        if hops[node as usize] != NEVER {
            return;
        }
        // A neighbour passes on what it has heard.
        let before = from.map_or(NEVER, |from| hops[from as usize]);
        hops[node as usize] = if before == NEVER {
            1
        } else {
            (before + 1).min(NEVER - 1)
        };
        let published = self.outcome.messages[*number as usize].at_ns;
        if node < self.outcome.nodes && since <= published {
            let latency = clock::now() - published;
            self.outcome
                .deliveries
                .push(*number, node, latency, hops[node as usize]);
            self.second.delivered += 1;
        }
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
        self.end_second(network);
        if partial {
            self.outcome.messages.retain(|message| message.at_ns < clock::now());
        }
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
            each.control_up
                .push(traffic.said.control_bytes + traffic.said.other_bytes);
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
