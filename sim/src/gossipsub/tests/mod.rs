//! Each rule by its name, on one node and peers that are only told of.

mod gossip;
mod heartbeat;
mod membership;
mod mesh;
mod message;
mod score;

use super::cache::NOBODY;
use super::*;
use crate::scenario::Gossipsub;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// One node under test, its clock, and what it has sent.
struct Bench {
    now: u64,
    world: World,
    node: Node,
    out: Actions,
}

/// A node that has joined topic 0, with `change`d knobs. Messages 0 to 99 are of topic 0 and 2,000 bytes; 100 to 199
/// the same with 100 bytes; 200 to 299 are to be rejected; 300 to 399 are of topic 1.
fn bench(change: impl FnOnce(&mut Gossipsub)) -> Bench {
    let mut knobs = Gossipsub {
        d_out: 2,
        ..Gossipsub::default()
    };
    change(&mut knobs);
    let message = |number: u32| Message {
        topic: u32::from(number >= 300),
        size: if (100..200).contains(&number) { 100 } else { 2_000 },
        valid: !(200..300).contains(&number),
    };
    let mut bench = Bench {
        now: SECOND,
        world: World {
            spoken: Vec::new(),
            settings: Settings::from(&knobs),
            messages: (0..400).map(message).collect(),
            addresses: Vec::new(),
        },
        node: Node::new(SECOND, Chance::of(1, 1)),
        out: Actions::default(),
    };
    bench.step(Event::Subscribe(0));
    bench
}

impl Bench {
    /// One event; the frames that it caused, by slot.
    fn step(&mut self, event: Event) -> Vec<(u32, Rpc)> {
        self.node.step(self.now, &self.world, event, &mut self.out);
        std::mem::take(&mut self.out.sends)
    }

    fn hear(&mut self, slot: u32, rpc: Rpc) -> Vec<(u32, Rpc)> {
        self.step(Event::Received(slot, rpc))
    }

    fn beat(&mut self) -> Vec<(u32, Rpc)> {
        self.now += SECOND;
        self.step(Event::Heartbeat)
    }

    fn beats(&mut self, n: u32) -> Vec<(u32, Rpc)> {
        (0..n).flat_map(|_| self.beat()).collect()
    }

    /// Peers that connect; they have not said what they have joined. Their slots.
    fn connect(&mut self, n: u32, outbound: bool) -> Vec<u32> {
        let connected = |_| {
            let id = 1_000 + self.node.peers().len() as u32;
            let slot = self.node.slot_for(self.now, &self.world, id);
            self.step(Event::Connected { slot, outbound });
            slot
        };
        (0..n).map(connected).collect()
    }

    /// Peers of topic 0; below `d_low` the node grafts them at once.
    fn peers(&mut self, n: u32, outbound: bool) -> Vec<u32> {
        let slots = self.connect(n, outbound);
        for slot in &slots {
            self.hear(*slot, Rpc::subscribe(&[0]));
        }
        slots
    }

    /// Peers of topic 0 that have grafted the node.
    fn mesh_peers(&mut self, n: u32, outbound: bool) -> Vec<u32> {
        let slots = self.peers(n, outbound);
        for slot in &slots {
            self.hear(*slot, Rpc::Graft(0));
        }
        slots
    }

    fn mesh(&self) -> Vec<u32> {
        self.node
            .meshes()
            .flat_map(|(_, mesh)| mesh.iter().collect::<Vec<_>>())
            .collect()
    }

    fn score(&self, slot: u32) -> f64 {
        self.node.score(self.now, &self.world, slot)
    }
}

fn publish(message: u32) -> Rpc {
    Rpc::Publish { message, hops: 1 }
}

fn prune() -> Rpc {
    Rpc::Prune {
        topic: 0,
        backoff_s: 60,
    }
}

/// To whom a kind of frame went.
fn to(sends: &[(u32, Rpc)], is: impl Fn(&Rpc) -> bool) -> Vec<u32> {
    sends.iter().filter(|(_, rpc)| is(rpc)).map(|(slot, _)| *slot).collect()
}

fn is_list(rpc: &Rpc, list: List) -> bool {
    matches!(rpc, Rpc::List(ids) if ids.list() == list)
}

fn is_graft(rpc: &Rpc) -> bool {
    matches!(rpc, Rpc::Graft(_))
}

fn is_prune(rpc: &Rpc) -> bool {
    matches!(rpc, Rpc::Prune { .. })
}
