//! The swarm with what every part of the network's task shares: its connections, its clock, and the events to tell.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use libp2p::core::Endpoint;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ConnectionId, DialError, NetworkBehaviour};
use libp2p::{Multiaddr, PeerId, Swarm};
use tokio::time::Instant;

use super::behaviour::Behaviour;
use super::config::Settings;
use super::timers::Timers;
use super::{Counters, Event, address};

/// The swarm and what every part of the task shares.
pub(super) struct Net {
    pub swarm: Swarm<Behaviour>,
    pub settings: Settings,
    pub counters: Counters,
    pub timers: Timers,
    /// Events that are not taken yet.
    pub outbox: VecDeque<Event>,
    pub links: HashMap<PeerId, Links>,
}

/// The connections to one peer.
pub(super) struct Links {
    /// When it connected, or an exchange with it began.
    pub used: Instant,
    pub addrs: Vec<(ConnectionId, Multiaddr)>,
    /// What the peer calls itself.
    pub agent: String,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            used: Instant::now(),
            addrs: Vec::new(),
            agent: String::new(),
        }
    }
}

impl Net {
    pub fn new(swarm: Swarm<Behaviour>, settings: Settings) -> Self {
        Self {
            swarm,
            settings,
            counters: Counters::default(),
            timers: Timers::default(),
            outbox: VecDeque::new(),
            links: HashMap::new(),
        }
    }

    pub fn tell(&mut self, event: Event) {
        self.outbox.push_back(event);
    }

    pub fn dial(&mut self, opts: DialOpts) -> Result<(), DialError> {
        self.swarm.dial(opts).inspect(|()| self.counters.dials += 1)
    }

    pub fn peers(&self) -> usize {
        self.links.len()
    }

    pub fn connections(&self) -> usize {
        self.links.values().map(|links| links.addrs.len()).sum()
    }

    /// Peers in the routing table.
    pub fn routing(&mut self) -> usize {
        self.swarm
            .behaviour_mut()
            .kad
            .kbuckets()
            .map(|bucket| bucket.num_entries())
            .sum()
    }

    pub fn is_routed(&mut self, peer: PeerId) -> bool {
        let bucket = self.swarm.behaviour_mut().kad.kbucket(peer);
        bucket.is_some_and(|bucket| bucket.iter().any(|entry| *entry.node.key.preimage() == peer))
    }

    /// Puts a peer into the routing table, if its bucket has room.
    pub fn route(&mut self, peer: PeerId, addrs: Vec<Multiaddr>) {
        for addr in addrs {
            self.swarm.behaviour_mut().kad.add_address(&peer, addr);
        }
    }

    /// Where queries under way, and the routing table, have it that a peer is.
    pub fn heard_addresses(&mut self, peer: PeerId) -> Vec<Multiaddr> {
        let kad = &mut self.swarm.behaviour_mut().kad;
        // Kademlia tells whoever is about to dial, and does not ask who that is; the id is of no connection.
        let nobody = ConnectionId::new_unchecked(0);
        let heard = kad.handle_pending_outbound_connection(nobody, Some(peer), &[], Endpoint::Dialer);
        address::admitted(peer, heard.unwrap_or_default(), self.settings.allow_private)
    }

    /// Notes that an exchange with a peer begins.
    pub fn touch(&mut self, peer: &PeerId) {
        if let Some(links) = self.links.get_mut(peer) {
            links.used = Instant::now();
        }
    }

    /// Peers of which nothing was heard for at least `rest`, the longest idle first.
    pub fn idle_peers(&self, rest: Duration) -> Vec<PeerId> {
        let mut idle: Vec<_> = self
            .links
            .iter()
            .filter(|(_, links)| links.used.elapsed() >= rest)
            .collect();
        idle.sort_by_key(|(_, links)| links.used);
        idle.into_iter().map(|(peer, _)| *peer).collect()
    }

    /// The far end of a direct connection to a peer.
    pub fn address_of(&self, peer: &PeerId) -> Option<Multiaddr> {
        let links = self.links.get(peer)?;
        links
            .addrs
            .iter()
            .map(|(_, addr)| addr)
            .find(|addr| !address::is_relayed(addr))
            .cloned()
    }

    /// Whether some address of ours is known to work without a relay.
    pub fn is_reachable(&self) -> bool {
        self.swarm.external_addresses().any(|addr| !address::is_relayed(addr))
    }

    /// Whether others could be told of any address of ours.
    pub fn has_address(&self) -> bool {
        self.swarm.external_addresses().next().is_some()
    }

    /// Where we are reached: what is known to work, then what may; direct ones first.
    pub fn addresses(&self) -> Vec<Multiaddr> {
        let local = *self.swarm.local_peer_id();
        let mut all: Vec<Multiaddr> = Vec::new();
        let known = self.swarm.external_addresses().chain(self.swarm.listeners()).cloned();
        for addr in address::admitted(local, known, self.settings.allow_private) {
            if !all.contains(&addr) {
                all.push(addr);
            }
        }
        all.sort_by_key(address::is_relayed);
        all
    }
}
