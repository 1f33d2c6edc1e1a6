//! Eclipse: a victim's mesh shall be the attackers' alone.
//!
//! All dial the victim, and they take turns: at each of its heartbeats some of them graft it, so that its mesh is too
//! large, and at each it prunes some of the others by chance. What is left to the victim is what its own rules keep:
//! peers that it dialled itself (D_out) and those of the best score. The attackers cannot cut its connections.

use super::sybil::Sybil;
use crate::engine::Conduct;
use crate::gossipsub::{Actions, Event, Node, World};
use crate::scenario::{Scenario, millis, seconds};

/// One of them.
#[derive(Debug)]
pub struct Eclipse(Sybil);

impl Eclipse {
    /// The attacker of this number, whose turn is at another heartbeat than its neighbour's.
    pub fn new(scenario: &Scenario, number: u32) -> Self {
        let heartbeat = millis(scenario.gossipsub.heartbeat_ms).max(1);
        // One round takes as long as a PRUNE keeps a peer away.
        let turns = (seconds(scenario.gossipsub.prune_backoff_s) / heartbeat).max(1);
        Self(Sybil::new(u64::from(number) % turns * heartbeat))
    }
}

impl Conduct for Eclipse {
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
