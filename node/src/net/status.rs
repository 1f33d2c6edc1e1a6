//! How the network stands, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::discovery::Discovery;
use super::links::Net;

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerInfo {
    /// The peer id, in text.
    pub id: String,
    /// The address of each connection.
    pub addrs: Vec<String>,
    /// What it calls itself, shortened and without control characters.
    pub agent: String,
    /// Topics of ours that it hears.
    pub topics: usize,
    /// gossipsub's score of it, rounded.
    pub score: i64,
}

/// How the network stands. Names no peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Connections, both ways.
    pub connections: usize,
    /// Peers connected.
    pub peers: usize,
    /// Peers whose addresses the routing table holds.
    pub routing: usize,
    /// Whether others can reach us without a relay, as far as is known.
    pub reachable: bool,
    /// Each topic that we hear, with the size of its mesh.
    pub topics: BTreeMap<String, usize>,
    /// Exchanges open, both ways.
    pub exchanges: usize,
    /// Everything counted since the start.
    pub counters: Counters,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each name is its description")]
pub struct Counters {
    pub gossip_received: u64,
    pub gossip_received_bytes: u64,
    pub gossip_accepted: u64,
    pub gossip_ignored: u64,
    pub gossip_rejected: u64,
    /// Verdicts that came after gossipsub had forgotten the message.
    pub gossip_too_late: u64,
    /// Messages that nobody here took in time to judge.
    pub gossip_shed: u64,
    pub published: u64,
    pub published_bytes: u64,
    pub published_to_nobody: u64,
    pub exchanges_accepted: u64,
    pub exchanges_answered: u64,
    /// Reset at once: over a cap.
    pub exchanges_refused: u64,
    /// Ended to make room for another.
    pub exchanges_cut: u64,
    pub exchanges_timed_out: u64,
    /// Ended because the peer sent what is no frame.
    pub exchanges_garbage: u64,
    pub exchanges_broken: u64,
    pub replies_too_late: u64,
    pub sends: u64,
    pub sends_replied: u64,
    pub frame_bytes_in: u64,
    pub frame_bytes_out: u64,
    pub dials: u64,
    pub dials_failed: u64,
}

impl Status {
    pub(super) fn of(net: &mut Net, exchanges: usize) -> Self {
        let routing = net.routing();
        let gossip = &net.swarm.behaviour().gossip;
        let topics = gossip
            .topics()
            .map(|topic| (topic.as_str().into(), gossip.mesh_peers(topic).count()));
        Self {
            connections: net.connections(),
            peers: net.peers(),
            routing,
            reachable: net.is_reachable(),
            topics: topics.collect(),
            exchanges,
            counters: net.counters,
        }
    }
}

impl PeerInfo {
    /// Everyone connected, by id.
    pub(super) fn all(net: &Net, discovery: &Discovery) -> Vec<Self> {
        let gossip = &net.swarm.behaviour().gossip;
        let mut all: Vec<_> = net
            .links
            .iter()
            .map(|(peer, links)| Self {
                id: peer.to_string(),
                addrs: links.addrs.iter().map(|(_, addr)| addr.to_string()).collect(),
                agent: links.agent.clone(),
                topics: discovery.topics_of(peer),
                score: gossip.peer_score(peer).unwrap_or_default().round() as i64,
            })
            .collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }
}
