//! How nodes of a run are called where the product has peer ids, keys and clocks.

use intentcast_protocol::{
    contact::ReplyPath,
    id::digest,
    keys::Seed,
    list::{Bytes, List},
    time::Timestamp,
};

use crate::market::world::START;

/// A peer id of an Ed25519 key begins so: an identity multihash of 36 bytes, a protobuf of a key of 32.
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// A node's peer id, as long as a real one; its number is at the end.
pub fn peer_of<const MAX: usize>(node: u32) -> Bytes<MAX> {
    let mut bytes = [0_u8; 38];
    bytes[..6].copy_from_slice(&PREFIX);
    bytes[6..34].copy_from_slice(&digest("intentcast-sim/peer", &[&node.to_be_bytes()])[..28]);
    bytes[34..].copy_from_slice(&node.to_be_bytes());
    Bytes::new(bytes).expect("38 bytes are within a peer id's cap")
}

/// Where a node is reached: one address, as long as one of IPv4, UDP and QUIC.
pub fn path_of(node: u32) -> ReplyPath {
    let [a, b, c, d] = node.to_be_bytes();
    let address = [0x04, 10, b, c, d, 0x91, 0x02, 0x10 | a, 0x00, 0xcd, 0x03];
    ReplyPath {
        peer: peer_of(node),
        addrs: List::cut([Bytes::new(address).expect("eleven bytes are within an address's cap")]),
    }
}

/// The node that a reply path names.
pub fn node_of(path: &ReplyPath) -> Option<u32> {
    let bytes: &[u8] = path.peer.as_ref();
    let last = bytes.strip_prefix(&PREFIX)?.get(28..)?;
    last.try_into().ok().map(u32::from_be_bytes)
}

/// What a node's keys grow from.
pub fn seed_of(run: u64, node: u32) -> Seed {
    Seed::new(digest(
        "intentcast-sim/market/node",
        &[&run.to_be_bytes(), &node.to_be_bytes()],
    ))
}

/// The market's clock at an instant of virtual time, ns.
pub fn clock(now: u64) -> Timestamp {
    START.plus_millis(now / 1_000_000)
}

/// The first instant at which the market's clock shows this, ns.
pub fn instant(at: Timestamp) -> u64 {
    at.since(START).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_node() {
        for node in [0, 7, 70_000, u32::MAX] {
            assert_eq!(node_of(&path_of(node)), Some(node));
        }
        assert_ne!(peer_of::<64>(1), peer_of::<64>(2));
        assert_eq!(clock(instant(START.plus_millis(77))), START.plus_millis(77));
    }
}
