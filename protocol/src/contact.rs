//! Where replies go: a peer and the addresses it was last seen at, opaque here, judged by the network layer.

use serde::{Deserialize, Serialize};

use crate::{
    fault::Fault,
    limits,
    list::{Bytes, List},
};

/// A peer id and binary multiaddrs. Neither is trusted: whoever answers there must still sign.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug, Default)]
pub struct ReplyPath {
    /// The peer id's bytes.
    pub peer: Bytes<{ limits::PEER_ID_BYTES }>,
    /// Addresses as binary multiaddrs, most hopeful first.
    pub addrs: List<Bytes<{ limits::ADDR_BYTES }>, { limits::ADDRS }>,
}

impl ReplyPath {
    /// # Errors
    /// [`Fault::Missing`] where nobody is named.
    pub fn check(&self) -> Result<(), Fault> {
        if self.peer.is_empty() {
            Err(Fault::Missing("peer of the reply path"))
        } else {
            Ok(())
        }
    }
}
