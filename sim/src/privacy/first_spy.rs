//! The first-spy estimator: who handed the message to the first spy that heard it is named.
//!
//! It knows no topology. A hand that belongs to a spy says nothing, so the first that does not counts.

use super::{Names, Ring};
use crate::engine::Plan;

/// Its names for all messages.
pub fn names(plan: &Plan, ring: &Ring) -> Names {
    let mut names = Names::default();
    for message in &ring.messages {
        let sightings = &ring.sightings[*message as usize];
        let first = sightings.iter().find(|sighting| !ring.has(sighting.from));
        names.note(
            first.map(|sighting| sighting.from),
            plan.published[*message as usize].node,
        );
    }
    names
}
