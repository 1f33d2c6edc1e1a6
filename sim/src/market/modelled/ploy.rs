//! What attackers of the market do to what leaves their nodes: their machines are honest, and what they say is not.

use std::fmt::Debug;

/// What a ploy may use.
pub(crate) struct Hand<'a> {
    /// The key that the node sells under.
    pub key: &'a intentcast_protocol::keys::Key,
}

/// One attacker's.
pub(crate) trait Ploy: Send + Debug {
    /// What goes out in the place of a frame, or of a reply: each with how many ns later than the one it stands for.
    fn sends(&mut self, hand: &Hand<'_>, frame: Vec<u8>) -> Vec<(u64, Vec<u8>)>;
}
