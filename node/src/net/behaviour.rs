//! Everything the swarm does, side by side.

use std::num::NonZeroUsize;
use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::kad::store::{MemoryStore, MemoryStoreConfig};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    PeerId, StreamProtocol, autonat, connection_limits, dcutr, identify, kad, mdns, memory_connection_limits, ping,
    relay,
};

use super::config::Settings;
use super::{Error, TopicGrammar, gossip, stream};

pub(super) const IDENTIFY: &str = "/intentcast/id/1";
pub(super) const KADEMLIA: StreamProtocol = StreamProtocol::new("/intentcast/kad/1");
pub(super) const EXCHANGE: StreamProtocol = StreamProtocol::new("/intentcast/offer/1");

/// The limits stand first: what they refuse, no other behaviour hears of.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    pub identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub gossip: gossip::Behaviour,
    pub kad: kad::Behaviour<MemoryStore>,
    pub streams: stream::Behaviour,
    relay: relay::client::Behaviour,
    dcutr: dcutr::Behaviour,
    autonat: Toggle<autonat::v2::client::Behaviour>,
    autonat_server: Toggle<autonat::v2::server::Behaviour>,
    mdns: Toggle<mdns::tokio::Behaviour>,
}

impl Behaviour {
    pub fn new(
        settings: &Settings,
        grammar: TopicGrammar,
        key: &Keypair,
        relay: relay::client::Behaviour,
    ) -> Result<Self, Error> {
        let local = key.public().to_peer_id();
        let config = &settings.config;
        // On a private network nobody is behind a translator, and nothing there is worth probing.
        let open = !settings.allow_private;
        let mdns = config
            .mdns
            .then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), local))
            .transpose()
            .map_err(|error| Error::Transport(error.to_string()))?;
        Ok(Self {
            limits: connection_limits::Behaviour::new(
                connection_limits::ConnectionLimits::default()
                    .with_max_established(Some(config.max_connections))
                    // Some connections are always left to those that we choose ourselves.
                    .with_max_established_incoming(Some(config.max_connections.div_ceil(8) * 7))
                    .with_max_established_per_peer(Some(config.max_connections_per_peer))
                    .with_max_pending_incoming(Some(128))
                    .with_max_pending_outgoing(Some(128)),
            ),
            memory: memory_connection_limits::Behaviour::with_max_bytes(config.max_memory_bytes),
            identify: identify::Behaviour::new(
                identify::Config::new(IDENTIFY.into(), key.public())
                    .with_agent_version(agent())
                    .with_interval(Duration::from_secs(1_800))
                    .with_cache_size(128),
            ),
            ping: ping::Behaviour::new(
                ping::Config::new()
                    // For what TCP does not tell; QUIC looks after itself.
                    .with_interval(Duration::from_secs(60))
                    .with_timeout(Duration::from_secs(20)),
            ),
            gossip: gossip::behaviour(settings, grammar)?,
            kad: kademlia(local),
            streams: stream::Behaviour::new(EXCHANGE),
            relay,
            dcutr: dcutr::Behaviour::new(local),
            autonat: open.then(autonat::v2::client::Behaviour::default).into(),
            autonat_server: open.then(autonat::v2::server::Behaviour::default).into(),
            mdns: mdns.into(),
        })
    }
}

/// What we call ourselves: the program, and a number that is another at each start. A peer that is killed and stands up
/// again comes back before its old connection is missed; by the number others know that it has forgotten all.
fn agent() -> String {
    // Without randomness the moment will do.
    let start = getrandom::u32().unwrap_or_else(|_| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |now| now.subsec_nanos())
    });
    format!("intentcast/{} {start:08x}", env!("CARGO_PKG_VERSION"))
}

/// Peers that hold a record.
const REPLICAS: NonZeroUsize = NonZeroUsize::new(5).expect("5 > 0");

/// Kademlia for topics' providers and peers' addresses. It stores no values: those would be a stranger's bytes on our
/// memory.
fn kademlia(local: PeerId) -> kad::Behaviour<MemoryStore> {
    let store = MemoryStore::with_config(
        local,
        MemoryStoreConfig {
            max_records: 0,
            max_value_bytes: 0,
            max_provided_keys: 512,
            ..Default::default()
        },
    );
    let mut config = kad::Config::new(KADEMLIA);
    config
        .set_query_timeout(Duration::from_secs(20))
        // Each query ends with as many peers as this, and connects to them all: twenty of them would make every small
        // network a full mesh of connections.
        .set_replication_factor(REPLICAS)
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_caching(kad::Caching::Disabled)
        // A seller that has gone should not be looked for all day.
        .set_provider_record_ttl(Some(Duration::from_secs(3 * 3_600)))
        .set_provider_publication_interval(Some(Duration::from_secs(3_600)))
        .set_publication_interval(None)
        .set_replication_interval(None)
        .set_periodic_bootstrap_interval(Some(Duration::from_secs(600)));
    kad::Behaviour::with_config(local, store, config)
}
