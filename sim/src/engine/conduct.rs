//! How a node may differ from an honest one, and who may live on it.

use crate::gossipsub::{Actions, Chance, Event, Node, World};

/// What goes from one node straight to another, over a stream of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The sender's own number of the exchange, or the other's where this is the reply.
    pub task: u64,
    /// The life of the node that asked; a reply to an earlier life is void.
    pub life: u32,
    /// Whether it answers one.
    pub reply: bool,
    /// What.
    pub bytes: Box<[u8]>,
}

/// What a conduct wants done beside its node's gossip, in this order.
#[derive(Debug, Default)]
pub struct Errands {
    /// Messages to publish, by number.
    pub publish: Vec<u32>,
    /// Parcels to send, and to whom.
    pub parcels: Vec<(u32, Parcel)>,
    /// Nodes to dial, beside those that the topology says.
    pub dials: Vec<u32>,
}

impl Errands {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.publish.is_empty() && self.parcels.is_empty() && self.dials.is_empty()
    }
}

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

    /// The node has started, with nothing in its memory, and this chance for its present life.
    fn starts(&mut self, _now: u64, _world: &World, _life: u32, _chance: Chance) {}

    /// The node is gone at once, with all that was in its memory.
    fn stops(&mut self, _now: u64) {}

    /// The run is over.
    fn ends(&mut self, _now: u64) {}

    /// A parcel has come.
    fn receives(&mut self, _now: u64, _world: &World, _node: &Node, _from: u32, _parcel: Parcel) {}

    /// A message that it wanted published went to so many peers; zero is nobody, and it may be published again.
    fn published(&mut self, _now: u64, _world: &World, _message: u32, _peers: usize) {}

    /// Takes out what it wants done; asked after each of the calls above.
    fn errands(&mut self, _errands: &mut Errands) {}
}

/// Two conducts of one node: the first hears first, and neither knows of the other.
pub struct Both(pub Box<dyn Conduct>, pub Box<dyn Conduct>);

impl Conduct for Both {
    fn hears(&mut self, now: u64, world: &World, node: &Node, event: &Event) -> bool {
        // Both hear, whatever the first says.
        self.0.hears(now, world, node, event) & self.1.hears(now, world, node, event)
    }

    fn acts(&mut self, now: u64, world: &World, node: &mut Node, event: &Event, actions: &mut Actions) {
        self.0.acts(now, world, node, event, actions);
        self.1.acts(now, world, node, event, actions);
    }

    fn wakes_at(&self) -> Option<u64> {
        self.0.wakes_at().into_iter().chain(self.1.wakes_at()).min()
    }

    fn wakes(&mut self, now: u64, world: &World, node: &mut Node, actions: &mut Actions) {
        // Only who asked for it: the other one's time has not come.
        if self.0.wakes_at().is_some_and(|at| at <= now) {
            self.0.wakes(now, world, node, actions);
        }
        if self.1.wakes_at().is_some_and(|at| at <= now) {
            self.1.wakes(now, world, node, actions);
        }
    }

    fn starts(&mut self, now: u64, world: &World, life: u32, chance: Chance) {
        self.0.starts(now, world, life, chance.clone());
        self.1.starts(now, world, life, chance);
    }

    fn stops(&mut self, now: u64) {
        self.0.stops(now);
        self.1.stops(now);
    }

    fn ends(&mut self, now: u64) {
        self.0.ends(now);
        self.1.ends(now);
    }

    fn receives(&mut self, now: u64, world: &World, node: &Node, from: u32, parcel: Parcel) {
        self.0.receives(now, world, node, from, parcel.clone());
        self.1.receives(now, world, node, from, parcel);
    }

    fn published(&mut self, now: u64, world: &World, message: u32, peers: usize) {
        self.0.published(now, world, message, peers);
        self.1.published(now, world, message, peers);
    }

    fn errands(&mut self, errands: &mut Errands) {
        self.0.errands(errands);
        self.1.errands(errands);
    }
}
