//! What the nodes of one part share while events are handled: time's calendar, the mail to other parts, the counts.

use std::cell::Cell;

use super::calendar::Calendar;
use super::event::Event;
use super::plan::Plan;
use crate::gossipsub::{Actions, List, Rpc};
use crate::outcome::{Counters, Second};

/// One first arrival.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    pub time: u64,
    pub node: u32,
    pub message: u32,
    pub hops: u8,
}

/// Deliveries in one list.
const CHUNK: usize = 1 << 14;

/// Where events of one part's nodes come from and go to.
#[derive(Debug)]
pub struct Desk<'a> {
    pub plan: &'a Plan,
    pub calendar: Calendar,
    /// When the window that is being handled ends, ns.
    pub window_end: u64,
    /// Timers of the node at hand that are due in this window.
    pub soon: Vec<Event>,
    /// Mail to other parts, by part.
    pub mail: Vec<Vec<Event>>,
    /// Nodes of each part, and which part this is.
    pub share: u32,
    pub own: usize,
    pub counters: Counters,
    pub seconds: Vec<Second>,
    /// In lists of [`CHUNK`], for one that doubles would need three times its room.
    pub deliveries: Vec<Vec<Delivery>>,
    pub events: u64,
    pub actions: Actions,
    /// Bytes of an IDONTWANT's frame; and of the last message's, with its size, for most messages are alike.
    idontwant: u64,
    payload: Cell<(u32, u64)>,
}

impl<'a> Desk<'a> {
    /// One part of `parts`, of nodes of this many each.
    pub fn new(plan: &'a Plan, own: usize, parts: usize, share: u32) -> Self {
        Self {
            plan,
            calendar: Calendar::new(plan.links.least_delay()),
            window_end: 0,
            soon: Vec::new(),
            mail: (0..parts).map(|_| Vec::new()).collect(),
            share,
            own,
            counters: Counters::default(),
            seconds: vec![Second::default(); (plan.scenario.length_ns() / 1_000_000_000) as usize + 1],
            deliveries: Vec::new(),
            events: 0,
            actions: Actions::default(),
            idontwant: Rpc::IDontWant(0).bytes(0, plan.scenario.gossipsub.id_bytes) + plan.links.path().overhead,
            payload: Cell::new((u32::MAX, 0)),
        }
    }

    /// Notes an event: of the node at hand in this very window, of this part, or of another.
    pub fn put(&mut self, event: Event) {
        let first = self.own as u32 * self.share;
        if event.dest.wrapping_sub(first) >= self.share {
            self.mail[(event.dest / self.share) as usize].push(event);
        } else if event.time < self.window_end {
            // Only a node's own timers come so soon: frames take at least a window.
            self.soon.push(event);
        } else {
            self.calendar.put(event);
        }
    }

    /// The second of an instant; the last one, for what happens at the very end.
    pub fn second(&mut self, now: u64) -> &mut Second {
        let last = self.seconds.len() - 1;
        &mut self.seconds[((now / 1_000_000_000) as usize).min(last)]
    }

    /// Counts the copies of the actions at hand, of which nothing else is left.
    pub fn tally(&mut self, now: u64) {
        let actions = &mut self.actions;
        let (duplicates, rejected) = (actions.duplicates, actions.rejected);
        (actions.duplicates, actions.rejected, actions.unheard) = (0, 0, 0);
        self.counters.rejected += rejected;
        if duplicates > 0 {
            self.counters.duplicates += duplicates;
            self.second(now).duplicates += duplicates;
        }
    }

    /// Bytes of a frame on the wire.
    pub fn bytes_of(&self, rpc: &Rpc) -> u64 {
        let size = match rpc {
            Rpc::IDontWant(_) => return self.idontwant,
            Rpc::Publish { message, .. } => self.plan.world.message(*message).map_or(0, |message| message.size),
            _ => 0,
        };
        if rpc.is_payload() && self.payload.get().0 == size {
            return self.payload.get().1;
        }
        let bytes = rpc.bytes(size, self.plan.scenario.gossipsub.id_bytes) + self.plan.links.path().overhead;
        if rpc.is_payload() {
            self.payload.set((size, bytes));
        }
        bytes
    }

    /// Counts a frame that is sent; its bytes.
    pub fn sent(&mut self, now: u64, rpc: &Rpc) -> u64 {
        let bytes = self.bytes_of(rpc);
        let counters = &mut self.counters;
        let is_payload = rpc.is_payload();
        match rpc {
            Rpc::Extensions => {}
            Rpc::List(ids) => {
                let n = ids.all().len() as u64;
                match ids.list() {
                    List::Subscribe | List::Unsubscribe => counters.subscriptions += n,
                    List::IHave => (counters.ihave, counters.ihave_ids) = (counters.ihave + 1, counters.ihave_ids + n),
                    List::IWant => (counters.iwant, counters.iwant_ids) = (counters.iwant + 1, counters.iwant_ids + n),
                }
            }
            Rpc::Graft(_) => counters.graft += 1,
            Rpc::Prune { .. } => counters.prune += 1,
            Rpc::IDontWant(_) => counters.idontwant += 1,
            Rpc::Publish { .. } => counters.payload_sends += 1,
        }
        if is_payload {
            counters.payload_bytes += bytes;
        } else {
            counters.control_bytes += bytes;
        }
        let is_control = !is_payload && rpc.class() > 0;
        let second = self.second(now);
        second.payload_sends += u64::from(is_payload);
        second.control_sends += u64::from(is_control);
        second.bytes += bytes;
        bytes
    }

    /// Counts bytes that go straight to one node.
    pub fn sent_straight(&mut self, now: u64, bytes: u64) {
        self.counters.control_bytes += bytes;
        self.second(now).bytes += bytes;
    }

    /// A message has come to a node for the first time. It counts where the node is honest and was there when the
    /// message was published.
    pub fn deliver(&mut self, now: u64, node: u32, since: u64, message: u32, hops: u8) {
        let settled = self
            .plan
            .published
            .get(message as usize)
            .map(|published| published.at_ns);
        let Some(at) = settled.or_else(|| self.plan.world.spoken(message).map(|spoken| spoken.at)) else {
            return;
        };
        if node >= self.plan.scenario.nodes || since > at {
            return;
        }
        self.second(now).delivered += 1;
        let delivery = Delivery {
            time: now,
            node,
            message,
            hops,
        };
        match self.deliveries.last_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(chunk) => chunk.push(delivery),
            None => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(delivery);
                self.deliveries.push(chunk);
            }
        }
    }
}
