//! Which addresses may be stored and told to others. It never dials and never resolves a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p::multiaddr::{Multiaddr, Protocol};
use libp2p::{PeerId, multiaddr};

/// Addresses kept of one peer: TCP and QUIC over IPv4 and IPv6, and two relay circuits.
const PER_PEER: usize = 6;

/// Bytes of all addresses kept of one peer. A Kademlia answer names at most 20 closer peers and 20 providers, and a
/// client reads at most 16 KiB of it: 16,384 / 40 = 409, less the id (38), the connection type and the framing of each
/// field.
const BYTES_PER_PEER: usize = 320;

/// The longest address kept. A relay circuit in binary is two ids (41 each) and about 20 bytes more; a DNS name takes
/// its own length.
const LONGEST: usize = 160;

/// What an address must be to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Whether loopback, link-local and other private addresses may spread. True only on a private network.
    pub(crate) allow_private: bool,
}

impl Policy {
    /// Whether `address` starts with something that can be dialled, and reaches where it may lead.
    pub(crate) fn admits(self, address: &Multiaddr) -> bool {
        if address.len() > LONGEST {
            return false;
        }
        let mut parts = address.iter();
        let host = match parts.next() {
            Some(Protocol::Ip4(ip)) => self.admits_ip(ip.into()),
            Some(Protocol::Ip6(ip)) => self.admits_ip(ip.into()),
            Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name)) => self.admits_name(&name),
            _ => false,
        };
        let port = match parts.next() {
            Some(Protocol::Tcp(port)) => port != 0,
            Some(Protocol::Udp(port)) => port != 0 && matches!(parts.next(), Some(Protocol::QuicV1)),
            _ => false,
        };
        host && port
    }

    /// The addresses of `peer` that are admitted, each ending in its id, without doubles, up to the bounds.
    pub(crate) fn admitted<'a>(self, peer: PeerId, offered: impl IntoIterator<Item = &'a Multiaddr>) -> Vec<Multiaddr> {
        let mut kept: Vec<Multiaddr> = Vec::new();
        let mut bytes = 0;
        for address in offered {
            if kept.len() == PER_PEER {
                break;
            }
            if !self.admits(address) {
                continue;
            }
            // Fails when the address names somebody else.
            let Ok(address) = address.clone().with_p2p(peer) else {
                continue;
            };
            if bytes + address.len() > BYTES_PER_PEER || kept.contains(&address) {
                continue;
            }
            bytes += address.len();
            kept.push(address);
        }
        kept
    }

    fn admits_ip(self, ip: IpAddr) -> bool {
        let dialable = !ip.is_unspecified() && !ip.is_multicast();
        dialable && (self.allow_private || is_global(ip))
    }

    fn admits_name(self, name: &str) -> bool {
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        let public = name.contains('.') && !name.ends_with(".local") && !name.ends_with(".internal");
        !name.is_empty() && plain && (self.allow_private || public)
    }
}

/// The host of `address`, when it is an IP address.
pub(crate) fn ip(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(ip.into()),
        Some(Protocol::Ip6(ip)) => Some(ip.into()),
        _ => None,
    }
}

/// The peer that `address` ends in.
pub(crate) fn peer(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(multiaddr::Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// Whether `ip` is one that the public internet routes (IANA's special-purpose registries, in short).
pub(crate) fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_global_v4(ip),
        IpAddr::V6(ip) => is_global_v6(ip),
    }
}

fn is_global_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let benchmark = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 240
        || shared
        || protocol
        || benchmark
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation())
}

fn is_global_v6(ip: Ipv6Addr) -> bool {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_global_v4(mapped);
    }
    let [first, second, ..] = ip.segments();
    let documentation = first == 0x2001 && second == 0x0db8;
    // Global unicast is 2000::/3; all else is local, reserved or multicast.
    (0x2000..0x4000).contains(&first) && !documentation
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: Policy = Policy { allow_private: false };
    const PRIVATE: Policy = Policy { allow_private: true };

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_private_address_spreads_only_on_a_private_network() {
        for text in [
            "/ip4/127.0.0.1/tcp/4401",
            "/ip4/10.1.2.3/udp/4401/quic-v1",
            "/ip4/100.64.0.1/tcp/4401",
            "/ip4/169.254.1.1/tcp/4401",
            "/ip6/::1/tcp/4401",
            "/ip6/fd00::1/tcp/4401",
            "/ip6/::ffff:10.0.0.1/tcp/4401",
            "/dns4/printer.local/tcp/4401",
        ] {
            assert!(!PUBLIC.admits(&address(text)), "{text}");
            assert!(PRIVATE.admits(&address(text)), "{text}");
        }
    }

    #[test]
    fn a_public_address_is_admitted_everywhere() {
        for text in [
            "/ip4/8.8.8.8/tcp/4401",
            "/ip4/8.8.8.8/udp/4401/quic-v1",
            "/ip6/2606:4700::1111/tcp/4401",
            "/dns4/meet.example.org/tcp/4401",
        ] {
            assert!(PUBLIC.admits(&address(text)), "{text}");
            assert!(PRIVATE.admits(&address(text)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_never_admitted() {
        for text in [
            "/ip4/0.0.0.0/tcp/4401",
            "/ip4/8.8.8.8/tcp/0",
            "/ip4/8.8.8.8/udp/4401",
            "/ip4/224.0.0.1/tcp/4401",
            "/memory/7",
            "/dnsaddr/example.org",
        ] {
            assert!(!PRIVATE.admits(&address(text)), "{text}");
        }
        let long = format!("/dns4/{}.org/tcp/1", "a".repeat(200));
        assert!(!PRIVATE.admits(&address(&long)));
    }

    #[test]
    fn a_peer_that_lists_a_thousand_addresses_leaves_a_handful() {
        let peer = PeerId::random();
        let many: Vec<_> = (1..1000)
            .map(|port| address(&format!("/ip4/8.8.8.8/tcp/{port}")))
            .collect();
        let kept = PUBLIC.admitted(peer, many.iter().chain(&many));
        assert_eq!(kept.len(), PER_PEER);
        assert!(kept.iter().map(Multiaddr::len).sum::<usize>() <= BYTES_PER_PEER);
        assert!(kept.iter().all(|kept| super::peer(kept) == Some(peer)));
    }

    #[test]
    fn an_address_of_somebody_else_is_not_taken() {
        let other = PeerId::random();
        let theirs = address("/ip4/8.8.8.8/tcp/1").with(Protocol::P2p(other));
        assert!(PUBLIC.admitted(PeerId::random(), [&theirs]).is_empty());
    }
}
