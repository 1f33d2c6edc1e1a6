//! How an attacker gets into meshes and stays there: it grafts whoever joins a topic, and again when a PRUNE's backoff
//! is over, never sooner, for that would cost it score. It refuses nobody and prunes nobody.

use std::collections::BTreeMap;

use crate::gossipsub::{Actions, Event, List, Node, Rpc};

/// An attacker's claims on the meshes of its peers.
#[derive(Clone, Debug, Default)]
pub struct Grip {
    /// By slot and topic: when to graft, ns; [`DONE`]: it was done.
    claims: BTreeMap<(u32, u32), u64>,
    /// How long it waits with the first GRAFT, ns.
    patience: u64,
    due: Option<u64>,
}

const DONE: u64 = u64::MAX;
/// The other side counts a backoff from when it sent the PRUNE, this side from its arrival; a little more is no loss.
const SLACK: u64 = 2_000_000_000;

impl Grip {
    /// One that waits so long with the first GRAFT to each peer, ns.
    pub fn new(patience: u64) -> Self {
        Self {
            patience,
            ..Self::default()
        }
    }

    /// Takes note of an event.
    pub fn hears(&mut self, now: u64, event: &Event) {
        match event {
            Event::Received(slot, Rpc::List(ids)) => match ids.list() {
                List::Subscribe => {
                    for topic in ids.all() {
                        self.claim(*slot, *topic, now.saturating_add(self.patience));
                    }
                }
                List::Unsubscribe => {
                    for topic in ids.all() {
                        self.claims.remove(&(*slot, *topic));
                    }
                }
                List::IHave | List::IWant => {}
            },
            Event::Received(slot, Rpc::Graft(topic)) => {
                self.claims.insert((*slot, *topic), DONE);
            }
            Event::Received(slot, Rpc::Prune { topic, backoff_s }) => {
                let backoff = u64::from(*backoff_s) * 1_000_000_000;
                self.claim(*slot, *topic, now.saturating_add(backoff).saturating_add(SLACK));
            }
            Event::Disconnected(slot) => self.claims.retain(|(of, _), _| of != slot),
            _ => {}
        }
    }

    fn claim(&mut self, slot: u32, topic: u32, at: u64) {
        self.claims.insert((slot, topic), at);
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// The meshes that the node's own gossip is in already need no GRAFT.
    pub fn settle(&mut self, node: &Node) {
        for (topic, mesh) in node.meshes() {
            for slot in mesh.iter() {
                self.claims.insert((slot, topic), DONE);
            }
        }
    }

    /// Peers whose mesh of the topic it is in, or has asked to be in and was not refused.
    pub fn held(&self, topic: u32) -> impl Iterator<Item = u32> + '_ {
        self.claims
            .iter()
            .filter(move |((_, of), at)| *of == topic && **at == DONE)
            .map(|((slot, _), _)| *slot)
    }

    /// When there is something to graft, ns.
    pub fn due(&self) -> Option<u64> {
        self.due
    }

    /// Grafts what is due.
    pub fn grasp(&mut self, now: u64, actions: &mut Actions) {
        self.due = None;
        for ((slot, topic), at) in &mut self.claims {
            if *at <= now {
                actions.sends.push((*slot, Rpc::Graft(*topic)));
                *at = DONE;
            } else if *at != DONE {
                self.due = Some(self.due.map_or(*at, |due| due.min(*at)));
            }
        }
    }
}
