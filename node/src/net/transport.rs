//! The roads out: TCP with Noise and Yamux, QUIC, names through DNS, circuits through relays.
//!
//! A gate under the name resolver sees every address that is truly dialled, whoever asked for it (a routing table, a
//! relay, a name), and holds the two rules that no behaviour can be trusted to remember: no private address from a
//! public node, and no reuse of the listening port when the operator said so.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, DialOpts, ListenerId, PortUse, Transport, TransportError, TransportEvent};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId, dns, noise, quic, relay, tcp, yamux};

use super::Error;
use super::address;
use super::config::Settings;

pub(super) type Road = Boxed<(PeerId, StreamMuxerBox)>;

/// Streams of one connection. A stream starts with a window of 256 KiB, so that 16 MiB is what a peer can make us hold
/// unread; a window grows only while it is read.
const MAX_STREAMS: usize = 64;
const MAX_STREAM_BYTES: u32 = 256 << 10;
const MAX_CONNECTION_BYTES: u32 = 16 << 20;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A quiet QUIC connection says that it is there this often, and is given up when it has missed its turn twice. Longer
/// would save little and cost restarts: while a peer's dead connection is not missed yet, gossip shares its messages
/// between that one and the new one.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const QUIET_MS: u32 = 20_000;

pub(super) fn build(settings: &Settings, key: &Keypair) -> Result<(Road, relay::client::Behaviour), Error> {
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(MAX_STREAMS);

    let named = match dns::tokio::Transport::system(gate(settings, key, yamux.clone())?) {
        Ok(named) => named.boxed(),
        // Without a resolver plain addresses still lead somewhere.
        Err(error) => {
            tracing::warn!(%error, "no name resolver: names cannot be dialled");
            gate(settings, key, yamux.clone())?.boxed()
        }
    };

    let (relayed, behaviour) = relay::client::new(key.public().to_peer_id());
    let relayed = relayed
        .upgrade(Version::V1Lazy)
        .authenticate(noise(key)?)
        .multiplex(yamux)
        .timeout(HANDSHAKE)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    Ok((
        relayed.or_transport(named).map(|either, _| either.into_inner()).boxed(),
        behaviour,
    ))
}

fn noise(key: &Keypair) -> Result<noise::Config, Error> {
    noise::Config::new(key).map_err(|error| Error::Transport(error.to_string()))
}

fn gate(settings: &Settings, key: &Keypair, yamux: yamux::Config) -> Result<Gate, Error> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::new().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise(key)?)
        .multiplex(yamux)
        .timeout(HANDSHAKE)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));

    let mut quic = quic::Config::new(key);
    quic.keep_alive_interval = KEEP_ALIVE;
    quic.max_idle_timeout = QUIET_MS;
    quic.max_concurrent_stream_limit = MAX_STREAMS as u32;
    quic.max_stream_data = MAX_STREAM_BYTES;
    quic.max_connection_data = MAX_CONNECTION_BYTES;
    let quic = quic::tokio::Transport::new(quic).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));

    Ok(Gate {
        road: tcp.or_transport(quic).map(|either, _| either.into_inner()).boxed(),
        port_reuse: settings.config.port_reuse,
        allow_private: settings.allow_private,
        exempt: settings
            .bootstrap
            .iter()
            .flat_map(|(_, addrs)| addrs)
            .filter_map(address::ip)
            .collect(),
    })
}

struct Gate {
    road: Road,
    port_reuse: bool,
    allow_private: bool,
    /// The operator named these.
    exempt: HashSet<IpAddr>,
}

impl Transport for Gate {
    type Output = (PeerId, StreamMuxerBox);
    type Error = io::Error;
    type ListenerUpgrade = <Road as Transport>::ListenerUpgrade;
    type Dial = <Road as Transport>::Dial;

    fn listen_on(&mut self, id: ListenerId, addr: Multiaddr) -> Result<(), TransportError<io::Error>> {
        self.road.listen_on(id, addr)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.road.remove_listener(id)
    }

    fn dial(&mut self, addr: Multiaddr, mut opts: DialOpts) -> Result<Self::Dial, TransportError<io::Error>> {
        let exempt = address::ip(&addr).is_some_and(|ip| self.exempt.contains(&ip));
        if !self.allow_private && !exempt && address::is_private(&addr) {
            return Err(TransportError::Other(io::ErrorKind::PermissionDenied.into()));
        }
        if !self.port_reuse {
            opts.port_use = PortUse::New;
        }
        self.road.dial(addr, opts)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        Pin::new(&mut self.road).poll(cx)
    }
}
