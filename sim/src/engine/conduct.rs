//! How a node may differ from an honest one.

use crate::gossipsub::{Actions, Event, Node, World};

/// One node's own conduct. It sees all that the node sees, before the node does, and may change what the node does.
///
/// It must draw on nothing but its arguments and its own state, or two runs of one seed differ.
pub trait Conduct: Send {
    /// An event is about to reach the node; `false`: it never does.
    fn hears(&mut self, _now: u64, _world: &World, _node: &Node, _event: &Event) -> bool {
        true
    }

    /// The node has answered an event; frames, deliveries and verdicts may be taken out and put in.
    fn acts(&mut self, _now: u64, _world: &World, _node: &mut Node, _event: &Event, _actions: &mut Actions) {}

    /// When it wants to be called for its own sake, ns; asked after each event. Instants in the past are now.
    fn wakes_at(&self) -> Option<u64> {
        None
    }

    /// It is called.
    fn wakes(&mut self, _now: u64, _world: &World, _node: &mut Node, _actions: &mut Actions) {}
}
