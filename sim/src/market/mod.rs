//! The market machine over a modelled network and a virtual clock: what many nodes do together, from one seed.
//!
//! Every node runs the real [`Market`](intentcast_protocol::market::Market). Network, disk and search are models that
//! lose, double, delay and fail as the [`Weather`] says. The same seed gives the same history, to the byte; nothing
//! here reads a clock, starts a thread or asks the machine for entropy.

pub mod check;
mod dice;
#[cfg(feature = "market")]
pub mod modelled;
mod node;
mod restore;
mod rogue;
pub mod scenario;
mod shop;
pub mod talk;
mod world;

pub use dice::Dice;
pub use node::Node;
pub use shop::{draft, item, rules, twin_strollers};
pub use world::{Weather, World};

#[cfg(test)]
mod tests;
