//! Sybil: many nodes that join meshes and pass nothing on.
//!
//! Each takes a place in as many meshes as will have it and is silent there: no message, no IHAVE, no answer. It breaks
//! no rule of the protocol, so that only what is missing can tell (P3), or the address it shares with others (P6).

use super::grip::Grip;
use crate::engine::Conduct;
use crate::gossipsub::{Actions, Event, Node, World};

/// One of them.
#[derive(Debug)]
pub struct Sybil {
    grip: Grip,
}

impl Sybil {
    /// One that waits so long before it grafts a new peer, ns.
    pub fn new(patience: u64) -> Self {
        Self {
            grip: Grip::new(patience),
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
        // Its gossip greets and nothing else.
        matches!(
            event,
            Event::Connected { .. } | Event::Disconnected(_) | Event::Subscribe(_) | Event::Unsubscribe(_)
        )
    }

    fn wakes_at(&self) -> Option<u64> {
        self.grip.due()
    }

    fn wakes(&mut self, now: u64, _world: &World, _node: &mut Node, actions: &mut Actions) {
        self.grip.grasp(now, actions);
    }
}
