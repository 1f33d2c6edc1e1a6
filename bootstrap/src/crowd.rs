//! Keeps one address from taking every place: ids cost a stranger nothing, addresses do. Private addresses are spared,
//! for behind one of them may stand everybody (a proxy, a container's gateway, a test).

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm, ListenFailure, NetworkBehaviour, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};

use crate::address;

/// Who may be one and the same: an IPv4 address, or the first half of an IPv6 address, which is what one subscriber is
/// given at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    V4([u8; 4]),
    V6([u16; 4]),
}

impl Source {
    fn of(remote: &Multiaddr) -> Option<Self> {
        let ip = address::ip(remote)?.to_canonical();
        if !address::is_global(ip) {
            return None;
        }
        Some(match ip {
            IpAddr::V4(ip) => Self::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                Self::V6([a, b, c, d])
            }
        })
    }
}

/// Counts the connections that others opened, from the first packet to the last.
pub(crate) struct Behaviour {
    most: u32,
    held: HashMap<ConnectionId, Source>,
    counts: HashMap<Source, u32>,
}

impl Behaviour {
    /// At most `most` connections from one source.
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most,
            held: HashMap::new(),
            counts: HashMap::new(),
        }
    }

    fn release(&mut self, connection: ConnectionId) {
        let Some(source) = self.held.remove(&connection) else {
            return;
        };
        if let Some(count) = self.counts.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&source);
            }
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let Some(source) = Source::of(remote) else {
            return Ok(());
        };
        let count = self.counts.entry(source).or_default();
        if *count >= self.most {
            return Err(ConnectionDenied::new(Crowded { most: self.most }));
        }
        *count += 1;
        self.held.insert(connection, source);
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionClosed(ConnectionClosed { connection_id, .. })
            | FromSwarm::ListenFailure(ListenFailure { connection_id, .. }) => self.release(connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[derive(Debug)]
struct Crowded {
    most: u32,
}

impl fmt::Display for Crowded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} connections from one address", self.most)
    }
}

impl std::error::Error for Crowded {}

#[cfg(test)]
mod tests {
    use libp2p::core::ConnectedPoint;
    use libp2p::swarm::ListenError;

    use super::*;

    fn knock(crowd: &mut Behaviour, n: usize, remote: &str) -> bool {
        let local = "/ip4/0.0.0.0/tcp/1".parse().unwrap();
        let remote = remote.parse().unwrap();
        let id = ConnectionId::new_unchecked(n);
        crowd.handle_pending_inbound_connection(id, &local, &remote).is_ok()
    }

    #[test]
    fn one_address_has_so_many_places_and_others_have_theirs() {
        let mut crowd = Behaviour::new(2);
        assert!(knock(&mut crowd, 1, "/ip4/8.8.8.8/tcp/1"));
        assert!(knock(&mut crowd, 2, "/ip4/8.8.8.8/udp/2/quic-v1"));
        assert!(!knock(&mut crowd, 3, "/ip4/8.8.8.8/tcp/3"));
        assert!(!knock(&mut crowd, 4, "/ip6/::ffff:8.8.8.8/tcp/3"));
        assert!(knock(&mut crowd, 5, "/ip4/8.8.4.4/tcp/3"));
    }

    #[test]
    fn a_whole_network_of_version_six_counts_as_one() {
        let mut crowd = Behaviour::new(1);
        assert!(knock(&mut crowd, 1, "/ip6/2606:4700:0:1::1/tcp/1"));
        assert!(!knock(&mut crowd, 2, "/ip6/2606:4700:0:1:ffff::2/tcp/1"));
        assert!(knock(&mut crowd, 3, "/ip6/2606:4700:0:2::1/tcp/1"));
    }

    #[test]
    fn private_addresses_are_spared() {
        let mut crowd = Behaviour::new(1);
        for n in 0..100 {
            assert!(knock(&mut crowd, n, "/ip4/127.0.0.1/tcp/1"));
            assert!(knock(&mut crowd, 100 + n, "/ip4/172.17.0.1/tcp/1"));
        }
        assert!(crowd.held.is_empty());
    }

    #[test]
    fn a_place_is_free_again_when_a_connection_fails_or_ends() {
        let mut crowd = Behaviour::new(1);
        let address: Multiaddr = "/ip4/8.8.8.8/tcp/1".parse().unwrap();
        assert!(knock(&mut crowd, 1, "/ip4/8.8.8.8/tcp/1"));
        crowd.on_swarm_event(FromSwarm::ListenFailure(ListenFailure {
            local_addr: &address,
            send_back_addr: &address,
            error: &ListenError::Aborted,
            connection_id: ConnectionId::new_unchecked(1),
            peer_id: None,
        }));
        assert!(knock(&mut crowd, 2, "/ip4/8.8.8.8/tcp/1"));
        let endpoint = ConnectedPoint::Listener {
            local_addr: address.clone(),
            send_back_addr: address,
        };
        let closed = || {
            FromSwarm::ConnectionClosed(ConnectionClosed {
                peer_id: PeerId::random(),
                connection_id: ConnectionId::new_unchecked(2),
                endpoint: &endpoint,
                cause: None,
                remaining_established: 0,
            })
        };
        crowd.on_swarm_event(closed());
        crowd.on_swarm_event(closed());
        assert!(crowd.held.is_empty() && crowd.counts.is_empty());
        assert!(knock(&mut crowd, 3, "/ip4/8.8.8.8/tcp/1"));
    }
}
