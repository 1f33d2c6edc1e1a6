//! Spies: honest nodes that write down who handed them what, and when.
//!
//! They are drawn from the honest nodes and do nothing that can be seen. Nested rings come for nothing: what a smaller
//! ring would have seen is a part of what this one saw. With their notes goes a map of who was connected to whom and
//! in whose mesh when the first message was published, for estimators that are given the topology.

use std::sync::{Arc, Mutex};

use crate::engine::{Conduct, Plan};
use crate::gossipsub::{Event, Node, Rpc, World, mix2};
use crate::privacy::{Neighbours, Report, Sighting};
use crate::scenario::AttackKind;

const FOR_SPIES: u64 = 10;

/// What one node has written down.
type Page<T> = Arc<Mutex<T>>;

/// The spies of a run.
#[derive(Debug)]
pub struct Ring {
    /// In the order of drawing, so that the first n are a ring of n.
    spies: Vec<u32>,
    /// By node, whether it is one.
    is_spy: Vec<bool>,
    notes: Vec<Page<Vec<Sighting>>>,
    maps: Vec<Page<Neighbours>>,
    map_at: u64,
}

impl Ring {
    /// That of a plan, if it has one.
    pub fn of(plan: &Plan) -> Option<Self> {
        let nodes = plan.scenario.nodes;
        let spying = plan.scenario.attack.iter().filter(|a| a.kind == AttackKind::Spies);
        let n: u32 = spying.map(|attack| attack.size(nodes)).sum();
        if n == 0 {
            return None;
        }
        let mut spies: Vec<u32> = (0..nodes).collect();
        spies.sort_unstable_by_key(|node| mix2(mix2(plan.seed, FOR_SPIES), u64::from(*node)));
        spies.truncate(n as usize);
        let mut is_spy = vec![false; nodes as usize];
        for spy in &spies {
            is_spy[*spy as usize] = true;
        }
        Some(Self {
            spies,
            is_spy,
            notes: (0..nodes).map(|_| Page::default()).collect(),
            maps: (0..nodes).map(|_| Page::default()).collect(),
            map_at: plan.scenario.start_ns(),
        })
    }

    /// Who they are, ascending.
    #[cfg(feature = "market")]
    pub fn spies(&self) -> Vec<u32> {
        let mut spies = self.spies.clone();
        spies.sort_unstable();
        spies
    }

    /// What an honest node does for it.
    pub fn place(&self, node: u32) -> Box<dyn Conduct> {
        let at = node as usize;
        Box::new(Spy {
            own: node,
            notes: self.is_spy[at].then(|| self.notes[at].clone()),
            seen: Vec::new(),
            map: self.maps[at].clone(),
            map_at: Some(self.map_at),
        })
    }

    /// When neighbours are noted, ns.
    pub fn map_at(&self) -> u64 {
        self.map_at
    }

    /// Notes a node's neighbours.
    pub fn map(&self, node: u32, neighbours: Neighbours) {
        *self.maps[node as usize].lock().expect("no conduct panics with it") = neighbours;
    }

    /// Notes a first arrival, if it was at a spy.
    pub fn note(&self, sighting: Sighting) {
        if self.is_spy[sighting.spy as usize] {
            let mut notes = self.notes[sighting.spy as usize].lock();
            notes.as_mut().expect("no conduct panics with it").push(sighting);
        }
    }

    /// All that they have, by time and then by spy.
    pub fn report(self) -> Report {
        let mut sightings = Vec::new();
        for notes in &self.notes {
            sightings.append(&mut notes.lock().expect("no conduct panics with it"));
        }
        sightings.sort_unstable();
        let taken = |map: &Page<Neighbours>| std::mem::take(&mut *map.lock().expect("no conduct panics with it"));
        Report {
            spies: self.spies,
            sightings,
            map: self.maps.iter().map(taken).collect(),
        }
    }
}

struct Spy {
    own: u32,
    notes: Option<Page<Vec<Sighting>>>,
    /// A bit for each message that it has noted.
    seen: Vec<u64>,
    map: Page<Neighbours>,
    map_at: Option<u64>,
}

impl Spy {
    fn is_new(&mut self, message: u32) -> bool {
        let (at, bit) = (message as usize / 64, 1_u64 << (message % 64));
        if self.seen.len() <= at {
            self.seen.resize(at + 1, 0);
        }
        let new = self.seen[at] & bit == 0;
        self.seen[at] |= bit;
        new
    }
}

impl Conduct for Spy {
    fn hears(&mut self, now: u64, world: &World, node: &Node, event: &Event) -> bool {
        if self.map_at.is_some_and(|at| at <= now) {
            self.map_at = None;
            *self.map.lock().expect("no conduct panics with it") = Neighbours::of(node);
        }
        if self.notes.is_some()
            && let Event::Received(slot, Rpc::Publish { message, .. }) = event
            && world.message(*message).is_some()
            && self.is_new(*message)
            && let (Some(notes), Some(peer)) = (&self.notes, node.peers().get(*slot as usize))
        {
            notes.lock().expect("no conduct panics with it").push(Sighting {
                at: now,
                spy: self.own,
                message: *message,
                from: peer.id,
            });
        }
        true
    }
}
