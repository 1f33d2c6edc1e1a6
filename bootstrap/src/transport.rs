//! How bytes reach a meeting point: TCP with Noise and Yamux, QUIC, and names through DNS.

use std::num::NonZeroU8;
use std::time::Duration;

use anyhow::{Context, Result};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, global_only, timeout::TransportTimeout};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{PeerId, Transport, dns, noise, quic, swarm, tcp, yamux};

use crate::address::Policy;
use crate::config::Limits;

/// The whole of a handshake that we began, with the resolving of a name before it.
const HANDSHAKE_OUT: Duration = Duration::from_secs(10);

/// The whole of a handshake that another began. One that stalls holds a place among the pending connections until then.
const HANDSHAKE_IN: Duration = Duration::from_secs(5);

/// Unread bytes a peer may have under way on one QUIC connection, and on one of its streams. Nothing spoken here is
/// longer than a circuit's 128 KiB.
const QUIC_CONNECTION_BYTES: u32 = 16 * 1024 * 1024;
const QUIC_STREAM_BYTES: u32 = 256 * 1024;

pub(crate) fn build(keypair: &Keypair, policy: Policy, limits: &Limits) -> Result<Boxed<(PeerId, StreamMuxerBox)>> {
    // Yamux's window for a connection is not ours to set through libp2p; a stream's starts at 256 KiB and grows only
    // with what we read of it, so the number of streams is the bound: 64 x 256 KiB = 16 MiB.
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(limits.streams as usize);
    let tcp = tcp::tokio::Transport::new(tcp::Config::default())
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(keypair).context("cannot make a Noise key")?)
        .multiplex(yamux)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));

    let mut config = quic::Config::new(keypair);
    config.handshake_timeout = HANDSHAKE_IN;
    config.max_concurrent_stream_limit = limits.streams;
    config.max_connection_data = QUIC_CONNECTION_BYTES;
    config.max_stream_data = QUIC_STREAM_BYTES;
    let quic = quic::tokio::Transport::new(config).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));

    let direct = tcp.or_transport(quic).map(|either, _| either.into_inner()).boxed();
    // Inside the DNS layer, so that a name which resolves to a private address is not dialled either.
    let direct = if policy.allow_private {
        direct
    } else {
        global_only::Transport::new(direct).boxed()
    };
    let named = dns::tokio::Transport::system(direct)
        .context("cannot read the system's resolver configuration (/etc/resolv.conf)")?;
    let timed = TransportTimeout::with_outgoing_timeout(named, HANDSHAKE_OUT);
    Ok(TransportTimeout::with_ingoing_timeout(timed, HANDSHAKE_IN).boxed())
}

pub(crate) fn swarm_config(limits: &Limits) -> swarm::Config {
    swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(limits.idle())
        .with_max_negotiating_inbound_streams(limits.streams as usize)
        // AutoNAT and the routing table try few addresses a peer; more at once would make a louder tool of us.
        .with_dial_concurrency_factor(NonZeroU8::new(2).expect("2 > 0"))
}
