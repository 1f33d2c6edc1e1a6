//! Networks of many nodes over a virtual clock, from one seed.
//!
//! A [`Scenario`](scenario::Scenario) says what to simulate; each level runs it its own way and gives back an
//! [`Outcome`](outcome::Outcome). The same seed gives the same history, to the byte, whatever the number of threads;
//! nothing here reads a clock or asks the machine for entropy, but for what measures the simulator itself.

pub mod engine;
pub mod gossipsub;
pub mod links;
pub mod market;
pub mod outcome;
pub mod scenario;
