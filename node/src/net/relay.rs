//! Places at relays, for a node that nobody can reach otherwise.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use tokio::time::Instant;

use super::links::Net;

/// What a relay says that it speaks.
pub(super) const HOP: StreamProtocol = StreamProtocol::new("/libp2p/circuit/relay/0.2.0/hop");

/// Time for AutoNAT to find that we are reachable before a relay is asked.
const PATIENCE: Duration = Duration::from_secs(8);
/// Relays in use at once: one may go at any time.
const MAX_USED: usize = 2;

pub(super) struct Relays {
    since: Instant,
    /// Relays that we are connected with directly, and where.
    known: HashMap<PeerId, Multiaddr>,
    used: HashMap<ListenerId, PeerId>,
}

impl Relays {
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            known: HashMap::new(),
            used: HashMap::new(),
        }
    }

    pub fn met(&mut self, net: &mut Net, peer: PeerId) {
        if let Some(addr) = net.address_of(&peer) {
            self.known.insert(peer, addr);
            self.seek(net);
        }
    }

    pub fn gone(&mut self, peer: &PeerId) {
        self.known.remove(peer);
    }

    pub fn used(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.used.values().copied()
    }

    pub fn listener_closed(&mut self, listener: ListenerId) {
        self.used.remove(&listener);
    }

    /// Asks relays for a place, if one is needed.
    pub fn seek(&mut self, net: &mut Net) {
        let hopeful = !net.settings.listen.is_empty() && self.since.elapsed() < PATIENCE;
        if !net.settings.config.relay || net.is_reachable() || hopeful {
            return;
        }
        let unused: Vec<_> = self
            .known
            .iter()
            .filter(|(peer, _)| !self.used.values().any(|used| used == *peer))
            .map(|(peer, addr)| (*peer, addr.clone()))
            .take(MAX_USED.saturating_sub(self.used.len()))
            .collect();
        for (peer, addr) in unused {
            let Ok(addr) = addr.with_p2p(peer) else { continue };
            if let Ok(listener) = net.swarm.listen_on(addr.with(Protocol::P2pCircuit)) {
                self.used.insert(listener, peer);
            }
        }
    }
}
