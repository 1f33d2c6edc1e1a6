//! Which addresses may be dialled and told: everything a stranger says about where someone is passes here.
//!
//! Refuses addresses that are too long, too many, of a shape we have no transport for, that name another peer, and,
//! on the open network, those of loopback and private ranges (a stranger could else make us knock at a neighbour's
//! doors).

use std::net::{IpAddr, Ipv6Addr};

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// Longest peer id in bytes; an ed25519 one has 38.
pub const MAX_PEER_ID_BYTES: usize = 64;
/// Most addresses of one peer that are looked at.
pub const MAX_ADDRS: usize = 8;
/// Longest address in bytes; a relayed one with two peer ids has about 100.
pub const MAX_ADDR_BYTES: usize = 128;

/// Where a peer is: its id and binary multiaddrs, as they travel in a reply path.
///
/// Nothing in it is trusted: it is parsed and filtered where it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerRef {
    /// The peer id's bytes, at most [`MAX_PEER_ID_BYTES`].
    pub id: Vec<u8>,
    /// Binary multiaddrs, the likeliest first: at most [`MAX_ADDRS`] of at most [`MAX_ADDR_BYTES`] are used.
    pub addrs: Vec<Vec<u8>>,
}

pub(super) fn peer_id(bytes: &[u8]) -> Option<PeerId> {
    (bytes.len() <= MAX_PEER_ID_BYTES)
        .then(|| PeerId::from_bytes(bytes).ok())
        .flatten()
}

/// The addresses of `peer` among `addrs` that may be dialled, each ending in its id.
pub(super) fn of_peer(peer: PeerId, addrs: &[Vec<u8>], allow_private: bool) -> Vec<Multiaddr> {
    let parsed = addrs
        .iter()
        .filter(|bytes| bytes.len() <= MAX_ADDR_BYTES)
        .filter_map(|bytes| Multiaddr::try_from(bytes.clone()).ok());
    admitted(peer, parsed, allow_private)
}

/// The same over addresses that are parsed already.
pub(super) fn admitted(
    peer: PeerId,
    addrs: impl IntoIterator<Item = Multiaddr>,
    allow_private: bool,
) -> Vec<Multiaddr> {
    addrs
        .into_iter()
        .take(4 * MAX_ADDRS)
        .filter(|addr| addr.len() <= MAX_ADDR_BYTES && has_transport(addr))
        .filter(|addr| allow_private || !is_private(addr))
        .filter_map(|addr| addr.with_p2p(peer).ok())
        .take(MAX_ADDRS)
        .collect()
}

/// Whether we have a transport for it: a host, then TCP or QUIC, then peer ids and at most one relay.
fn has_transport(addr: &Multiaddr) -> bool {
    let mut parts = addr.iter();
    let host = matches!(
        parts.next(),
        Some(Protocol::Ip4(_) | Protocol::Ip6(_) | Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_))
    );
    let carrier = match parts.next() {
        Some(Protocol::Tcp(_)) => true,
        Some(Protocol::Udp(_)) => matches!(parts.next(), Some(Protocol::QuicV1)),
        _ => false,
    };
    if !(host && carrier) {
        return false;
    }
    let rest = (parts.next(), parts.next(), parts.next(), parts.next());
    matches!(
        rest,
        (None, ..)
            | (Some(Protocol::P2p(_)), None, ..)
            | (Some(Protocol::P2p(_)), Some(Protocol::P2pCircuit), None, _)
            | (
                Some(Protocol::P2p(_)),
                Some(Protocol::P2pCircuit),
                Some(Protocol::P2p(_)),
                None
            )
    )
}

/// Whether an address goes through a relay.
pub(super) fn is_relayed(addr: &Multiaddr) -> bool {
    addr.iter().any(|part| part == Protocol::P2pCircuit)
}

/// Whether an address means something only to this machine or its neighbours. What is no address counts as one.
pub(super) fn is_private(addr: &Multiaddr) -> bool {
    match addr.iter().next() {
        Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) | Protocol::Dnsaddr(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost") || name.ends_with(".local")
        }
        _ => ip(addr).is_none_or(|ip| !ip.is_unspecified() && is_private_ip(ip)),
    }
}

/// The host of an address that is a plain IP address.
pub(super) fn ip(addr: &Multiaddr) -> Option<IpAddr> {
    match addr.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(ip.into()),
        Some(Protocol::Ip6(ip)) => Some(ip.into()),
        _ => None,
    }
}

fn is_private_ip(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_multicast()
                || ip.is_documentation()
                || a == 0
                || a >= 240
                // Carrier-grade translation, RFC 6598.
                || (a == 100 && (64..128).contains(&b))
                // Benchmarking, RFC 2544.
                || (a == 198 && (b == 18 || b == 19))
        }
        IpAddr::V6(ip) => match embedded_ipv4(ip) {
            Some(ip) => is_private_ip(ip),
            None => {
                ip.is_loopback()
                    || ip.is_unspecified()
                    || ip.is_multicast()
                    || ip.is_unique_local()
                    || ip.is_unicast_link_local()
            }
        },
    }
}

/// The IPv4 address inside a mapped or NAT64 one, so that neither is a way round the rule.
fn embedded_ipv4(ip: Ipv6Addr) -> Option<IpAddr> {
    if let Some(ip) = ip.to_ipv4_mapped() {
        return Some(ip.into());
    }
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(std::net::Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)).into())
        }
        _ => None,
    }
}

/// A peer's addresses as people write them, its id at the end.
pub(super) fn texts(peer: &PeerRef) -> Vec<String> {
    let Some(id) = peer_id(&peer.id) else { return Vec::new() };
    let parsed = peer
        .addrs
        .iter()
        .filter_map(|bytes| Multiaddr::try_from(bytes.clone()).ok());
    parsed
        .filter_map(|addr| addr.with_p2p(id).ok())
        .map(|addr| addr.to_string())
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests {
    use super::*;

    fn bytes(addr: &str) -> Vec<u8> {
        addr.parse::<Multiaddr>().unwrap().to_vec()
    }

    #[test]
    fn an_address_that_names_another_peer_is_not_dialled() {
        let (peer, other) = (PeerId::random(), PeerId::random());
        let addrs = [
            bytes(&format!("/ip4/8.8.8.8/tcp/4001/p2p/{other}")),
            bytes("/ip4/8.8.8.8/tcp/4001"),
        ];
        let kept = of_peer(peer, &addrs, false);
        assert_eq!(kept, [format!("/ip4/8.8.8.8/tcp/4001/p2p/{peer}").parse().unwrap()]);
    }

    #[test]
    fn private_addresses_are_for_private_networks() {
        let peer = PeerId::random();
        for addr in [
            "/ip4/127.0.0.1/tcp/1",
            "/ip4/10.1.2.3/udp/1/quic-v1",
            "/ip4/192.168.0.1/tcp/1",
            "/ip4/169.254.169.254/tcp/80",
            "/ip4/100.64.0.1/tcp/1",
            "/ip6/::1/tcp/1",
            "/ip6/fd00::1/tcp/1",
            "/ip6/fe80::1/tcp/1",
            "/ip6/::ffff:127.0.0.1/tcp/1",
            "/ip6/64:ff9b::a00:1/tcp/1",
            "/dns4/localhost/tcp/1",
            "/dns/printer.local/tcp/1",
        ] {
            assert!(of_peer(peer, &[bytes(addr)], false).is_empty(), "{addr}");
            assert_eq!(of_peer(peer, &[bytes(addr)], true).len(), 1, "{addr}");
        }
        assert_eq!(
            of_peer(peer, &[bytes("/ip6/2001:4860:4860::8888/tcp/1")], false).len(),
            1
        );
    }

    #[test]
    fn what_we_have_no_transport_for_is_left_out() {
        let peer = PeerId::random();
        for addr in [
            "/ip4/8.8.8.8",
            "/ip4/8.8.8.8/udp/53",
            "/unix/tmp",
            "/ip4/8.8.8.8/tcp/1/ws",
            "/memory/1",
        ] {
            assert!(of_peer(peer, &[bytes(addr)], true).is_empty(), "{addr}");
        }
        let relay = PeerId::random();
        let circuit = format!("/ip4/8.8.8.8/tcp/1/p2p/{relay}/p2p-circuit");
        assert_eq!(of_peer(peer, &[bytes(&circuit)], false).len(), 1);
        assert!(of_peer(peer, &[bytes(&format!("{circuit}/p2p/{peer}/p2p-circuit"))], false).is_empty());
    }

    #[test]
    fn a_flood_of_addresses_is_cut_to_eight() {
        let addrs: Vec<_> = (1..200)
            .map(|port| bytes(&format!("/ip4/8.8.8.8/tcp/{port}")))
            .collect();
        assert_eq!(of_peer(PeerId::random(), &addrs, false).len(), MAX_ADDRS);
        assert!(of_peer(PeerId::random(), &[vec![0xff; 90], vec![4; 4096], vec![]], true).is_empty());
        assert_eq!(peer_id(&[0; 65]), None);
        assert_eq!(peer_id(&[]), None);
    }
}
