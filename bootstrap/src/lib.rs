//! A meeting point for Intentcast nodes: it tells peers of one another, relays for those that cannot be reached, and
//! tests whether an address can be dialled. It joins no market topic, reads no intent and keeps nothing but its own
//! key.

#![warn(missing_docs)]
// A test that cannot go on should say so and stop.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod args;
mod behaviour;
pub mod config;
mod crowd;
mod home;
mod http;
pub mod identity;
mod point;
mod providers;
mod transport;

pub use args::Args;
pub use config::{Config, Limits};
pub use home::HomeLock;
pub use point::{Running, run};

/// The Kademlia protocol that Intentcast nodes speak; peers of another network are never let into the routing table.
pub const KAD_PROTOCOL: &str = "/intentcast/kad/1";

/// The protocol version that nodes give in identify.
pub const ID_PROTOCOL: &str = "/intentcast/id/1";

#[cfg(test)]
mod tests;
