//! What all nodes of a run stand on: the plan, its messages, and who is who.

use std::collections::HashMap;
use std::rc::Rc;

use intentcast_sim::engine::Plan;
use libp2p::PeerId;

use crate::messages::Messages;
use crate::node::peer;

/// Nothing of it changes as a run goes.
pub struct Ground {
    pub plan: Rc<Plan>,
    pub messages: Messages,
    peers: Vec<PeerId>,
    /// Only ever looked up.
    numbers: HashMap<PeerId, u32>,
}

impl Ground {
    /// That of a plan, whose messages have these ids.
    pub fn of(plan: Rc<Plan>, messages: Messages) -> Self {
        let peers: Vec<PeerId> = (0..plan.scenario.all_nodes())
            .map(|node| peer(plan.seed, node))
            .collect();
        Self {
            numbers: (0..).zip(&peers).map(|(node, peer)| (*peer, node)).collect(),
            plan,
            messages,
            peers,
        }
    }

    /// Who a node is.
    pub fn peer(&self, node: u32) -> PeerId {
        self.peers[node as usize]
    }

    /// Which node a peer is.
    pub fn number(&self, peer: &PeerId) -> Option<u32> {
        self.numbers.get(peer).copied()
    }
}
