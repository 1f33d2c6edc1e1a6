//! Covert flash: attackers behave, earn a good score, and all drop everything at the same instant.
//!
//! Until it turns, each is an honest node in all it does; from then on it is a sybil that is in many meshes already.

use super::sybil::Sybil;
use crate::engine::Conduct;
use crate::gossipsub::{Actions, Event, Node, World};
use crate::scenario::{Attack, seconds};

/// How long they behave, where the scenario does not say, s.
const COVERT_S: f64 = 60.0;

/// When they turn, ns.
pub fn turn(attack: &Attack) -> u64 {
    seconds(attack.start_s + attack.covert_s.unwrap_or(COVERT_S))
}

/// One of them.
#[derive(Debug)]
pub struct CovertFlash {
    turn: u64,
    turned: bool,
    sybil: Sybil,
}

impl CovertFlash {
    /// One that turns at this instant, ns.
    pub fn new(turn: u64) -> Self {
        Self {
            turn,
            turned: false,
            sybil: Sybil::new(0),
        }
    }
}

impl Conduct for CovertFlash {
    fn hears(&mut self, now: u64, world: &World, node: &Node, event: &Event) -> bool {
        if now < self.turn {
            self.sybil.bides(now, event);
            return true;
        }
        self.sybil.hears(now, world, node, event)
    }

    fn wakes_at(&self) -> Option<u64> {
        if self.turned {
            self.sybil.wakes_at()
        } else {
            Some(self.turn)
        }
    }

    fn wakes(&mut self, now: u64, world: &World, node: &mut Node, actions: &mut Actions) {
        if self.turned {
            return self.sybil.wakes(now, world, node, actions);
        }
        self.turned = true;
        self.sybil.turns(now, node, actions);
    }
}
