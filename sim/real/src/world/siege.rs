//! What honest nodes are asked while attackers are about, from outside and without disturbing them.

use intentcast_sim::attack::Sight;
use intentcast_sim::privacy::{Neighbours, Sighting};
use libp2p::PeerId;

use super::World;
use crate::clock::{self, Nanos, SECOND};
use crate::gossip;
use crate::ground::Ground;
use crate::node::{Conduct, Node};

impl<C: Conduct> World<C> {
    /// Looks at every honest node for each second that begins by now: nothing has happened since the last moment, and
    /// nothing that happens now has begun.
    pub(super) fn look(&mut self, now: Nanos) {
        while self.camp.is_besieging() && self.next_look as u64 * SECOND <= now {
            let honest = self.seats.iter_mut().take(self.plan.scenario.nodes as usize);
            for (index, seat) in (0..).zip(honest) {
                if let Some(node) = seat.honest() {
                    self.camp.notes(self.next_look, index, &sight(node, &self.ground));
                }
            }
            self.next_look += 1;
        }
        if !self.is_mapped && self.camp.maps_at().is_some_and(|at| at <= now) {
            self.is_mapped = true;
            let honest = self.seats.iter_mut().take(self.plan.scenario.nodes as usize);
            for (index, seat) in (0..).zip(honest) {
                if let Some(node) = seat.honest() {
                    self.camp.maps(index, neighbours(node, &self.ground));
                }
            }
        }
    }

    /// An honest node heard a message for the first time.
    pub(super) fn sighted(&self, message: u32, spy: u32, from: Option<u32>) {
        if let Some(from) = from {
            self.camp.sighted(Sighting {
                at: clock::now(),
                spy,
                message,
                from,
            });
        }
    }
}

fn sight<C: Conduct>(node: &mut Node<C>, ground: &Ground) -> Sight {
    let is_attacker = |peer: &PeerId| ground.number(peer).is_some_and(|it| it >= ground.plan.scenario.nodes);
    let topics = node.topics().to_vec();
    let gossip = node.gossip();
    let mut sight = Sight::default();
    for topic in topics {
        for peer in gossip.mesh_peers(&gossip::topic(topic).hash()) {
            sight.slots += 1;
            sight.held += u64::from(is_attacker(peer));
        }
    }
    let tied = gossip
        .all_peers()
        .map(|(peer, _)| peer)
        .filter(|peer| is_attacker(peer));
    sight
        .scores
        .extend(tied.map(|peer| gossip.peer_score(peer).unwrap_or(0.0)));
    sight
}

fn neighbours<C: Conduct>(node: &mut Node<C>, ground: &Ground) -> Neighbours {
    let topics = node.topics().to_vec();
    let gossip = node.gossip();
    let numbers = |peer: &PeerId| ground.number(peer);
    let of_topic = |topic: u32| {
        let topic_hash = gossip::topic(topic).hash();
        let mesh = gossip.mesh_peers(&topic_hash).filter_map(numbers);
        mesh.map(|peer| (topic, peer)).collect::<Vec<_>>()
    };
    let mut peers: Vec<u32> = gossip.all_peers().filter_map(|(peer, _)| numbers(peer)).collect();
    // Those of a map come in its own order.
    peers.sort_unstable();
    Neighbours {
        meshes: topics.into_iter().flat_map(of_topic).collect(),
        peers,
    }
}
