//! Sybil: many nodes that join meshes and pass nothing on, or not all.
//!
//! Each takes a place in as many meshes as will have it and is silent there: no message, no IHAVE, no answer. It breaks
//! no rule of the protocol, so that only what is missing can tell (P3), or the address it shares with others (P6). One
//! that drops a share of the messages hands the others on to whoever has it in its mesh.

use super::grip::Grip;
use crate::engine::Conduct;
use crate::gossipsub::{Actions, Event, Node, Rpc, World, mix2, unit};

/// One of them.
#[derive(Debug)]
pub struct Sybil {
    grip: Grip,
    leak: Option<Leak>,
}

/// What one hands on that does not drop everything.
#[derive(Debug)]
struct Leak {
    /// Share of messages that are dropped.
    drops: f64,
    /// From which it is drawn what is.
    seed: u64,
    /// Messages that came before, by number, in words of 64.
    seen: Vec<u64>,
    /// To be handed on: who brought it, its number, its hops.
    pending: Vec<(u32, u32, u8)>,
}

impl Leak {
    fn hears(&mut self, event: &Event) {
        let Event::Received(slot, Rpc::Publish { message, hops }) = event else {
            return;
        };
        let (word, bit) = (*message as usize / 64, 1_u64 << (message % 64));
        // A number past the table is no message's.
        let Some(word) = self.seen.get_mut(word).filter(|word| **word & bit == 0) else {
            return;
        };
        *word |= bit;
        if unit(mix2(self.seed, u64::from(*message))) >= self.drops {
            self.pending.push((*slot, *message, hops.saturating_add(1)));
        }
    }
}

impl Sybil {
    /// One that waits so long before it grafts a new peer, ns.
    pub fn new(patience: u64) -> Self {
        Self {
            grip: Grip::new(patience),
            leak: None,
        }
    }

    /// One that drops this share of so many messages, drawn from a seed of its own, and grafts at once.
    pub fn leaky(drops: f64, messages: usize, seed: u64) -> Self {
        Self {
            leak: Some(Leak {
                drops,
                seed,
                seen: vec![0; messages.div_ceil(64)],
                pending: Vec::new(),
            }),
            ..Self::new(0)
        }
    }

    /// One that behaved until now: takes note of an event, and lets the node see it.
    pub fn bides(&mut self, now: u64, event: &Event) {
        self.grip.hears(now, event);
    }

    /// And behaves no more: it keeps the meshes that the node is in, and goes for the others.
    pub fn turns(&mut self, now: u64, node: &Node, actions: &mut Actions) {
        self.grip.settle(node);
        self.grip.grasp(now, actions);
    }
}

impl Conduct for Sybil {
    fn hears(&mut self, now: u64, _world: &World, _node: &Node, event: &Event) -> bool {
        self.grip.hears(now, event);
        if let Some(leak) = &mut self.leak {
            leak.hears(event);
        }
        // Its gossip greets and nothing else.
        matches!(
            event,
            Event::Connected { .. } | Event::Disconnected(_) | Event::Subscribe(_) | Event::Unsubscribe(_)
        )
    }

    fn wakes_at(&self) -> Option<u64> {
        match &self.leak {
            Some(leak) if !leak.pending.is_empty() => Some(0),
            _ => self.grip.due(),
        }
    }

    fn wakes(&mut self, now: u64, world: &World, _node: &mut Node, actions: &mut Actions) {
        self.grip.grasp(now, actions);
        let Some(leak) = &mut self.leak else {
            return;
        };
        for (from, message, hops) in leak.pending.drain(..) {
            let Some(known) = world.message(message) else {
                continue;
            };
            for slot in self.grip.held(known.topic).filter(|slot| *slot != from) {
                actions.sends.push((slot, Rpc::Publish { message, hops }));
            }
        }
    }
}
