//! Peers that lookups found, and that are dialled a few at a time.
//!
//! Whoever serves one topic serves others as a rule: after each newcomer has said what it hears, there is less to look
//! for. Dialling all that is found at once would make every start of a crowd a mesh of connections between all of it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

/// Dials under way that hold up the next.
const AT_ONCE: usize = 4;
/// Someone who has not connected and said what it hears by then holds up nobody: many a provider has gone long ago.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// Found peers of one topic that may wait: several times what a mesh wants.
const MAX_WAITING: usize = 32;

#[derive(Default)]
pub(super) struct Prospects {
    waiting: BTreeMap<String, VecDeque<(PeerId, Vec<Multiaddr>)>>,
    /// Dialled, and not heard of yet: since when, and for which topic.
    dialled: HashMap<PeerId, (Instant, String)>,
}

impl Prospects {
    /// Notes a peer of a topic that may be dialled at these addresses.
    pub fn add(&mut self, topic: &str, peer: PeerId, addrs: Vec<Multiaddr>) {
        let waiting = self.waiting.entry(topic.into()).or_default();
        if waiting.len() < MAX_WAITING && waiting.iter().all(|(known, _)| *known != peer) {
            waiting.push_back((peer, addrs));
        }
    }

    /// What was found of a topic is out of date, or wanted no more.
    pub fn forget(&mut self, topic: &str) {
        self.waiting.remove(topic);
    }

    /// A peer has said what it hears, or cannot be reached. True if it was awaited.
    pub fn settle(&mut self, peer: &PeerId) -> bool {
        self.dialled.remove(peer).is_some()
    }

    /// Whether another may be dialled now.
    pub fn has_room(&self) -> bool {
        self.awaited() < AT_ONCE
    }

    /// Whether somebody was dialled who may still come.
    pub fn awaits_somebody(&self) -> bool {
        self.awaited() > 0
    }

    fn awaited(&self) -> usize {
        self.dialled
            .values()
            .filter(|(since, _)| since.elapsed() < PATIENCE)
            .count()
    }

    /// Found peers of a topic, dialled or not.
    pub fn of(&self, topic: &str) -> usize {
        self.waiting.get(topic).map_or(0, VecDeque::len) + self.dialled(topic)
    }

    /// Dials under way for a topic.
    pub fn dialled(&self, topic: &str) -> usize {
        self.dialled.values().filter(|(_, of)| of == topic).count()
    }

    /// Topics with somebody to dial.
    pub fn topics(&self) -> impl Iterator<Item = &String> {
        self.waiting
            .iter()
            .filter(|(_, waiting)| !waiting.is_empty())
            .map(|(topic, _)| topic)
    }

    pub fn next(&mut self, topic: &str) -> Option<(PeerId, Vec<Multiaddr>)> {
        self.waiting.get_mut(topic)?.pop_front()
    }

    pub fn dialling(&mut self, topic: &str, peer: PeerId) {
        self.dialled.retain(|_, (since, _)| since.elapsed() < PATIENCE);
        self.dialled.insert(peer, (Instant::now(), topic.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_dialled_at_once_and_whoever_is_heard_of_makes_room() {
        let mut prospects = Prospects::default();
        let peers: Vec<_> = (0..=AT_ONCE).map(|_| PeerId::random()).collect();
        for peer in &peers {
            prospects.add("a", *peer, Vec::new());
            prospects.add("a", *peer, Vec::new());
        }
        let mut dialled = Vec::new();
        while prospects.has_room() {
            let (peer, _) = prospects.next("a").unwrap();
            prospects.dialling("a", peer);
            dialled.push(peer);
        }
        assert_eq!(dialled, peers[..AT_ONCE]);
        assert_eq!((prospects.dialled("a"), prospects.dialled("b")), (AT_ONCE, 0));
        assert!(!prospects.settle(&peers[AT_ONCE]), "it was not dialled");
        assert!(prospects.settle(&dialled[1]) && prospects.has_room());
        assert_eq!(prospects.next("a").map(|(peer, _)| peer), Some(peers[AT_ONCE]));
        assert_eq!(prospects.topics().count(), 0, "each was noted once");
    }

    #[test]
    fn what_is_wanted_no_more_is_forgotten_and_what_waits_is_bounded() {
        let mut prospects = Prospects::default();
        for _ in 0..2 * MAX_WAITING {
            prospects.add("a", PeerId::random(), Vec::new());
        }
        prospects.add("b", PeerId::random(), Vec::new());
        let waiting = std::iter::from_fn(|| prospects.next("a")).count();
        assert_eq!(waiting, MAX_WAITING);
        prospects.forget("b");
        assert!(prospects.next("b").is_none());
    }
}
