//! Attack at dawn: attackers come while a diurnal network sleeps, and turn when it wakes.
//!
//! By night they are good peers to the few that are awake. In the morning, halfway between the least and the greatest
//! presence, they turn, when most nodes have just come, with empty meshes and no opinion of anyone.

use super::covert_flash::CovertFlash;
use crate::engine::Conduct;
use crate::gossipsub::{Actions, Event, Node, World};
use crate::scenario::{Attack, ChurnKind, Scenario, seconds};

/// When they turn, ns: after `covert_s` if that is said; else at the first dawn after they came, a quarter of a day
/// before noon, which is when the run begins; at once where there is no night.
pub fn turn(scenario: &Scenario, attack: &Attack) -> u64 {
    let day = match (&scenario.churn, attack.covert_s) {
        (_, Some(covert)) => return seconds(attack.start_s + covert),
        (Some(churn), None) if churn.kind == ChurnKind::Diurnal => churn.day_s,
        _ => return seconds(attack.start_s),
    };
    let whole = ((attack.start_s / day - 0.75).ceil()).max(0.0);
    seconds((whole + 0.75) * day)
}

/// One of them.
#[derive(Debug)]
pub struct Dawn(CovertFlash);

impl Dawn {
    /// One that turns at this instant, ns.
    pub fn new(turn: u64) -> Self {
        Self(CovertFlash::new(turn))
    }
}

impl Conduct for Dawn {
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
