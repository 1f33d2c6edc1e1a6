//! What a node's operator may say about its network: section `[net]` of the configuration.
//!
//! A [`Config`] is as written; [`Settings`] is the same, parsed and with its defaults decided. Nothing past the door
//! reads a string again.

use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use serde::{Deserialize, Serialize};

use super::Error;
use super::address;

/// The network section of a node's configuration. Sizes are bytes, times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Multiaddrs to listen on; port 0 takes any free port. Empty: only dial (and be reached through a relay).
    pub listen: Vec<String>,
    /// Multiaddrs under which others reach this node, when the operator knows better than it can find out.
    pub external: Vec<String>,
    /// Meeting points, each a multiaddr that ends in `/p2p/<id>`.
    pub bootstrap: Vec<String>,
    /// Dial TCP from the listening port, which hole punching needs. Two nodes that dial each other in the same moment
    /// with it can both fail; the retry with jitter mends that.
    pub port_reuse: bool,
    /// Find peers on the local network.
    pub mdns: bool,
    /// Ask a relay for a place while no address of our own is known to be reachable.
    pub relay: bool,
    /// Dial and announce loopback and private addresses. Unset: yes when every listen address is one (or, with none,
    /// every bootstrap address), or when `mdns` is on.
    pub allow_private: Option<bool>,
    /// Connections in all, both ways.
    pub max_connections: u32,
    /// Connections to one peer; a direct one beside a relayed one is ordinary.
    pub max_connections_per_peer: u32,
    /// Resident memory above which new connections are refused.
    pub max_memory_bytes: usize,
    /// Peers to stay connected with when nothing particular is wanted.
    pub target_peers: usize,
    /// The largest gossip payload.
    pub max_gossip_bytes: usize,
    /// The largest frame of an exchange.
    pub max_frame_bytes: usize,
    /// From the wish to send (or the arrival of a stream) to the end of the exchange.
    pub exchange_deadline_ms: u64,
    /// Exchanges that others have open with us at once.
    pub max_inbound_exchanges: usize,
    /// The same, of one peer.
    pub max_inbound_exchanges_per_peer: usize,
    /// Exchanges that we have open with others at once, counting those that still look for the peer.
    pub max_outbound_exchanges: usize,
    /// The same, with one peer.
    pub max_outbound_exchanges_per_peer: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec!["/ip4/0.0.0.0/udp/0/quic-v1".into(), "/ip4/0.0.0.0/tcp/0".into()],
            external: Vec::new(),
            bootstrap: Vec::new(),
            port_reuse: true,
            mdns: false,
            relay: true,
            allow_private: None,
            max_connections: 300,
            max_connections_per_peer: 4,
            max_memory_bytes: 512 << 20,
            target_peers: 12,
            max_gossip_bytes: 8 << 10,
            max_frame_bytes: 16 << 10,
            exchange_deadline_ms: 10_000,
            // 256 frames of 16 KiB are 4 MiB, the most that strangers' requests can hold.
            max_inbound_exchanges: 256,
            max_inbound_exchanges_per_peer: 8,
            max_outbound_exchanges: 256,
            max_outbound_exchanges_per_peer: 16,
        }
    }
}

impl Config {
    /// Says what is wrong with this configuration, if anything is.
    pub fn check(&self) -> Result<(), Error> {
        Settings::try_from(self.clone()).map(drop)
    }
}

/// A configuration that has been understood.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub config: Config,
    pub listen: Vec<Multiaddr>,
    pub external: Vec<Multiaddr>,
    /// One entry a peer, with all the addresses that were given for it.
    pub bootstrap: Vec<(PeerId, Vec<Multiaddr>)>,
    pub allow_private: bool,
    pub exchange_deadline: Duration,
}

/// The least that keeps gossip's own overhead and one intent in a message.
const MIN_GOSSIP_BYTES: usize = 512;
/// gossipsub's frame is 64 KiB; half leaves room for everything that travels beside a payload.
const MAX_GOSSIP_BYTES: usize = 32 << 10;
const MAX_FRAME_BYTES: usize = 1 << 20;

impl TryFrom<Config> for Settings {
    type Error = Error;

    fn try_from(config: Config) -> Result<Self, Error> {
        within(
            "max_gossip_bytes",
            config.max_gossip_bytes,
            MIN_GOSSIP_BYTES,
            MAX_GOSSIP_BYTES,
        )?;
        within("max_frame_bytes", config.max_frame_bytes, 1, MAX_FRAME_BYTES)?;
        within("exchange_deadline_ms", config.exchange_deadline_ms as usize, 1, 600_000)?;
        within("max_connections", config.max_connections as usize, 1, 100_000)?;
        within(
            "max_connections_per_peer",
            config.max_connections_per_peer as usize,
            1,
            64,
        )?;

        let listen = parse_all("listen", &config.listen)?;
        let external = parse_all("external", &config.external)?;
        let mut bootstrap: Vec<(PeerId, Vec<Multiaddr>)> = Vec::new();
        for addr in parse_all("bootstrap", &config.bootstrap)? {
            let Some(Protocol::P2p(peer)) = addr.iter().last() else {
                return Err(Error::MissingPeerId(addr.to_string()));
            };
            match bootstrap.iter_mut().find(|(known, _)| *known == peer) {
                Some((_, addrs)) => addrs.push(addr),
                None => bootstrap.push((peer, vec![addr])),
            }
        }

        let mut telling: Vec<&Multiaddr> = listen.iter().collect();
        if telling.is_empty() {
            telling.extend(bootstrap.iter().flat_map(|(_, addrs)| addrs));
        }
        let all_private = !telling.is_empty() && telling.iter().all(|addr| address::is_private(addr));
        Ok(Self {
            allow_private: config.allow_private.unwrap_or(config.mdns || all_private),
            exchange_deadline: Duration::from_millis(config.exchange_deadline_ms),
            listen,
            external,
            bootstrap,
            config,
        })
    }
}

fn parse_all(field: &'static str, addrs: &[String]) -> Result<Vec<Multiaddr>, Error> {
    addrs
        .iter()
        .map(|addr| {
            addr.parse().map_err(|_| Error::InvalidAddress {
                field,
                addr: addr.clone(),
            })
        })
        .collect()
}

fn within(field: &'static str, value: usize, least: usize, most: usize) -> Result<(), Error> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::OutOfRange {
        field,
        value,
        least,
        most,
    })
}
