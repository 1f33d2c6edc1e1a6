//! The protocols a meeting point speaks. No gossipsub is among them, so no intent can reach it.

use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{StreamProtocol, autonat, connection_limits, identify, kad, memory_connection_limits, ping, relay};

use crate::address::Policy;
use crate::config::Limits;
use crate::crowd;
use crate::providers::ProviderStore;
use crate::{ID_PROTOCOL, KAD_PROTOCOL};

/// The limits stand first: they refuse a connection before the others spend anything on it.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    crowd: crowd::Behaviour,
    connections: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(crate) kad: kad::Behaviour<ProviderStore>,
    relay: relay::Behaviour,
    autonat: autonat::v2::server::Behaviour,
}

impl Behaviour {
    pub(crate) fn new(keypair: &Keypair, policy: Policy, limits: &Limits) -> Self {
        let peer = keypair.public().to_peer_id();
        Self {
            crowd: crowd::Behaviour::new(limits.connections_per_ip),
            connections: connection_limits::Behaviour::new(
                connection_limits::ConnectionLimits::default()
                    .with_max_pending_incoming(Some(limits.pending))
                    .with_max_pending_outgoing(Some(limits.pending))
                    .with_max_established_incoming(Some(limits.connections))
                    .with_max_established_outgoing(Some(limits.connections_out))
                    .with_max_established_per_peer(Some(limits.connections_per_peer)),
            ),
            memory: memory_connection_limits::Behaviour::with_max_bytes(limits.memory_bytes),
            identify: identify::Behaviour::new(
                identify::Config::new(ID_PROTOCOL.to_owned(), keypair.public())
                    .with_agent_version(format!("intentcast-bootstrap/{}", env!("CARGO_PKG_VERSION")))
                    .with_push_listen_addr_updates(true)
                    // The addresses of the inner side of a public server are nobody's business.
                    .with_hide_listen_addrs(!policy.allow_private),
            ),
            ping: ping::Behaviour::default(),
            kad: kademlia(peer, policy, limits),
            relay: relay::Behaviour::new(peer, relay_config(limits)),
            autonat: autonat::v2::server::Behaviour::default(),
        }
    }
}

fn kademlia(peer: libp2p::PeerId, policy: Policy, limits: &Limits) -> kad::Behaviour<ProviderStore> {
    let mut config = kad::Config::new(StreamProtocol::new(KAD_PROTOCOL));
    // Peers enter the routing table once identify has shown their protocol and addresses, not by merely connecting.
    config
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        // The store itself refuses what it should, so that the sender of a value learns that it was not kept.
        .set_record_filtering(kad::StoreInserts::Unfiltered)
        .set_provider_record_ttl(Some(limits.provider_life()))
        .set_provider_publication_interval(None)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_caching(kad::Caching::Disabled)
        .set_query_timeout(Duration::from_secs(30));
    let store = ProviderStore::new(policy, limits);
    let mut kad = kad::Behaviour::with_config(peer, store, config);
    kad.set_mode(Some(kad::Mode::Server));
    kad
}

/// Keeps the rates that libp2p sets by itself: per peer 30 at once and one each two minutes, per IP address 60 at once
/// and one each minute.
fn relay_config(limits: &Limits) -> relay::Config {
    relay::Config {
        max_reservations: limits.reservations,
        max_reservations_per_peer: limits.reservations_per_peer,
        reservation_duration: Duration::from_secs(limits.reservation_s.into()),
        max_circuits: limits.circuits,
        max_circuits_per_peer: limits.circuits_per_peer,
        max_circuit_duration: Duration::from_secs(limits.circuit_s.into()),
        max_circuit_bytes: limits.circuit_bytes,
        ..relay::Config::default()
    }
}
