//! What is written down as a run goes: who heard what, when and from whom, and what every second cost.

use intentcast_sim::engine::Plan;
use intentcast_sim::outcome::{Counters, Outcome, Second};
use intentcast_sim::scenario::AttackKind;

use crate::clock::{self, Nanos, SECOND};
use crate::network::Network;
use crate::rpc::Counts;

/// Not heard yet.
const NEVER: u8 = u8::MAX;

/// The record of one run.
#[derive(Debug)]
pub struct Record {
    outcome: Outcome,
    /// Links from the publisher to each node, by message.
    hops: Vec<Vec<u8>>,
    /// Whether what a node hears once more is written down, too: replays are counted so.
    counts_again: bool,
    /// Verdicts against a message.
    rejected: u64,
    /// Payloads that came and were no copies of what was known; and copies that came to attackers and that these knew
    /// as such.
    new: u64,
    known: u64,
    /// What was said, and copies that came, until the present second began.
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
            hops: vec![Vec::new(); plan.published.len()],
            counts_again: plan.aims.iter().any(|aim| aim.attack.kind == AttackKind::Forgery),
            rejected: 0,
            new: 0,
            known: 0,
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

    /// A message was published, or could not be.
    pub fn published(&mut self, message: u32, node: u32, is_out: bool) {
        self.second.published += 1;
        if is_out {
            self.hops_of(message)[node as usize] = 0;
        } else {
            *self.outcome.measures.entry("unpublished".into()).or_default() += 1.0;
        }
    }

    /// A node that is there `since` then heard a message from a neighbour; whether for the first time. What it hears
    /// again, or what is older than it, is not written down. What attackers hear is no delivery; what only they have is
    /// no news to anyone.
    pub fn heard(&mut self, message: u32, node: u32, since: Nanos, from: Option<u32>) -> bool {
        let Some(published) = self.outcome.messages.get(message as usize).map(|it| it.at_ns) else {
            return false;
        };
        let hops = self.hops_of(message);
        let first = hops[node as usize] == NEVER;
        if first {
            // A neighbour passes on what it has heard.
            let before = from.map_or(NEVER, |from| hops[from as usize]);
            hops[node as usize] = match before {
                NEVER => 1,
                before => (before + 1).min(NEVER - 1),
            };
        }
        let hops = hops[node as usize];
        if (first || self.counts_again) && node < self.outcome.nodes && since <= published {
            let latency = clock::now() - published;
            self.outcome.deliveries.push(message, node, latency, hops);
            self.second.delivered += 1;
        }
        first
    }

    /// Links that a message has gone over to this node.
    pub fn hops(&self, message: u32, node: u32) -> u8 {
        let hops = self.hops.get(message as usize);
        hops.and_then(|hops| hops.get(node as usize)).copied().unwrap_or(1)
    }

    fn hops_of(&mut self, message: u32) -> &mut Vec<u8> {
        let hops = &mut self.hops[message as usize];
        hops.resize((self.outcome.nodes + self.outcome.attackers) as usize, NEVER);
        hops
    }

    /// A payload came that is no copy, or one to an attacker.
    pub fn was_new(&mut self) {
        self.new += 1;
    }

    /// Of the payloads to attackers so many were copies to them.
    pub fn was_known(&mut self, times: u64) {
        self.known += times;
    }

    /// So many verdicts were against a message.
    pub fn rejected(&mut self, times: u64) {
        self.rejected += times;
    }

    /// Ends every second that is over by now.
    pub fn tick(&mut self, now: Nanos, network: &Network) {
        while self.outcome.timeline.len() as u64 * SECOND + SECOND <= now {
            self.end_second(network);
        }
    }

    /// Payloads that came so far to a node that had them already.
    fn copies(&self, network: &Network) -> u64 {
        (network.payloads_arrived() + self.known).saturating_sub(self.new)
    }

    fn end_second(&mut self, network: &Network) {
        let (before, copies_before) = self.before;
        let (total, copies) = (*network.total(), self.copies(network));
        let mut second = std::mem::take(&mut self.second);
        second.payload_sends = total.payloads - before.payloads;
        second.duplicates = copies.saturating_sub(copies_before);
        second.control_sends = control(&total) - control(&before);
        second.bytes = bytes(&total) - bytes(&before);
        second.online = self.online;
        self.before = (total, copies);
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
        let arrived = network.payloads_arrived();
        self.outcome.counters = Counters {
            payload_sends: total.payloads,
            duplicates: self.copies(network),
            ihave: total.ihave,
            ihave_ids: total.ihave_ids,
            iwant: total.iwant,
            iwant_ids: total.iwant_ids,
            graft: total.graft,
            prune: total.prune,
            idontwant: total.idontwant,
            subscriptions: total.subscriptions,
            dropped: total.payloads - arrived,
            rejected: self.rejected,
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
