//! Networks of many nodes over a virtual clock, from one seed.
//!
//! A [`Scenario`](scenario::Scenario) says what to simulate; each level runs it its own way and gives back an
//! [`Outcome`](outcome::Outcome). The same seed gives the same history, to the byte, whatever the number of threads;
//! nothing here reads a clock or asks the machine for entropy, but for what measures the simulator itself.

pub mod attack;
#[cfg(feature = "report")]
pub mod cli;
pub mod engine;
pub mod exchange;
pub mod gossipsub;
pub mod level;
pub mod links;
pub mod market;
pub mod outcome;
pub mod privacy;
#[cfg(feature = "report")]
pub mod report;
pub mod scenario;
#[cfg(feature = "report")]
pub mod sweep;
pub mod validate;
pub mod watch;
