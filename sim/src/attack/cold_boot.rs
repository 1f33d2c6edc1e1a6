//! Cold boot: the attackers are there first.
//!
//! They have dialled everyone before the first honest node dials, and an honest node finds them among the peers that it
//! is told of, so that it dials them, too (`engine::aim`, `Plan::dials`): its outbound quota protects it from nothing.
//! For the rest they are sybils. Nobody has any score yet.

use super::sybil::Sybil;
use crate::engine::Conduct;
use crate::gossipsub::{Actions, Event, Node, World};

/// One of them.
#[derive(Debug)]
pub struct ColdBoot(Sybil);

impl ColdBoot {
    /// One that grafts at once.
    pub fn new() -> Self {
        Self(Sybil::new(0))
    }
}

impl Conduct for ColdBoot {
    fn hears(&mut self, now: u64, world: &World, node: &Node, event: &Event) -> bool {
        self.0.hears(now, world, node, event)
    }

    fn wakes_at(&self) -> Option<u64> {
        self.0.wakes_at()
    }

    fn wakes(&mut self, now: u64, world: &World, node: &mut Node, actions: &mut Actions) {
        self.0.wakes(now, world, node, actions);
    }
}
