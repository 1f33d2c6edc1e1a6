//! Who is there, and who has joined what: connections, subscriptions, joining and leaving a topic.

use super::mesh::Held;
use super::node::{Actions, Node};
use super::rpc::Rpc;
use super::settings::World;

impl Node {
    /// The hello: extensions, then all joined topics in one frame (`behaviour.rs`,
    /// `handle_established_inbound_connection` and its twin, `on_connection_established`).
    pub(super) fn connected(&mut self, now: u64, world: &World, slot: u32, outbound: bool, out: &mut Actions) {
        let Some(peer) = self.peers.get_mut(slot as usize) else {
            return;
        };
        if peer.connected {
            return;
        }
        peer.connected = true;
        if outbound {
            self.outbound.put(slot);
        } else {
            self.outbound.take(slot);
        }
        self.score_returns(now, world, slot);
        out.send(slot, Rpc::Extensions);
        out.ids.clear();
        out.ids
            .extend(self.topics.iter().filter(|topic| topic.joined).map(|topic| topic.id));
        if !out.ids.is_empty() {
            let hello = Rpc::subscribe(&out.ids);
            out.send(slot, hello);
        }
    }

    /// A peer has gone: out of every mesh and fanout, with no PRUNE and no backoff (`behaviour.rs`,
    /// `on_connection_closed`).
    pub(super) fn disconnected(&mut self, now: u64, world: &World, slot: u32) {
        let Some(peer) = self.peers.get_mut(slot as usize) else {
            return;
        };
        if !peer.connected {
            return;
        }
        peer.connected = false;
        peer.since = now;
        for topic in &mut self.topics {
            topic.subscribers.take(slot);
            topic.mesh.take(slot);
        }
        self.outbound.take(slot);
        self.cache.forget_peer(slot);
        self.score_leaves(now, world, slot);
    }

    /// SUBSCRIBE: the peer is of the topic, and where our mesh is below `d_low` it is grafted at once (`behaviour.rs`,
    /// `handle_received_subscriptions`).
    pub(super) fn peer_joined(&mut self, now: u64, world: &World, slot: u32, id: u32, out: &mut Actions) {
        let at = self.topic_or_new(id);
        self.topics[at].subscribers.put(slot);
        let topic = &self.topics[at];
        if !world.settings.graft_on_subscribe
            || !topic.joined
            || topic.mesh.len() >= world.settings.d_low
            || topic.mesh.has(slot)
        {
            return;
        }
        if topic.is_backed_off(slot) || self.below(now, world, slot, |_| 0.0) {
            return;
        }
        self.topics[at].mesh.put(slot);
        self.score_grafted(now, world, slot, at);
        out.send(slot, Rpc::Graft(id));
    }

    /// UNSUBSCRIBE: out of mesh and fanout; a peer that was in the mesh is backed off (`behaviour.rs`,
    /// `handle_received_subscriptions`, `remove_peer_from_mesh`).
    pub(super) fn peer_left(&mut self, now: u64, world: &World, slot: u32, id: u32) {
        let Some(at) = self.topic_at(id) else {
            return;
        };
        self.topics[at].subscribers.take(slot);
        if self.topics[at].joined {
            self.drop_from_mesh(now, world, slot, at, None, Held::IfInMesh);
        } else {
            self.topics[at].mesh.take(slot);
        }
    }

    /// Joins a topic: tells all peers, then takes `d` of them into the mesh, those of its fanout first (`behaviour.rs`,
    /// `subscribe`, `join`).
    pub(super) fn join(&mut self, now: u64, world: &World, id: u32, out: &mut Actions) {
        let at = self.topic_or_new(id);
        if self.topics[at].joined {
            return;
        }
        for slot in 0..self.peers.len() as u32 {
            if self.is_connected(slot) {
                out.send(slot, Rpc::subscribe(&[id]));
            }
        }
        let fanout = std::mem::take(&mut self.topics[at].mesh);
        self.topics[at].joined = true;
        self.topics[at].fanout_since = None;
        let fit =
            |node: &Self, slot: u32| !node.topics[at].is_backed_off(slot) && !node.below(now, world, slot, |_| 0.0);
        let mut chosen: Vec<u32> = fanout
            .iter()
            .filter(|slot| fit(self, *slot))
            .take(world.settings.d)
            .collect();
        if chosen.len() < world.settings.d {
            let others = self.topics[at].subscribers.iter();
            let mut others: Vec<u32> = others
                .filter(|slot| !chosen.contains(slot) && fit(self, *slot))
                .collect();
            self.chance.sample(&mut others, world.settings.d - chosen.len());
            chosen.append(&mut others);
        }
        for slot in chosen {
            self.topics[at].mesh.put(slot);
            self.score_grafted(now, world, slot, at);
            out.send(slot, Rpc::Graft(id));
        }
    }

    /// Leaves a topic: tells all peers, and prunes the mesh with the shorter backoff (`behaviour.rs`, `unsubscribe`,
    /// `leave`).
    pub(super) fn leave(&mut self, now: u64, world: &World, id: u32, out: &mut Actions) {
        let Some(at) = self.topic_at(id) else {
            return;
        };
        if !self.topics[at].joined {
            return;
        }
        for slot in 0..self.peers.len() as u32 {
            if self.is_connected(slot) {
                out.send(slot, Rpc::unsubscribe(&[id]));
            }
        }
        let mesh = std::mem::take(&mut self.topics[at].mesh);
        self.topics[at].joined = false;
        for slot in mesh.iter() {
            self.send_prune(now, world, slot, at, world.settings.unsubscribe_backoff, out);
        }
    }
}
