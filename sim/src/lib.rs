//! Networks of many nodes over a virtual clock, from one seed.
//!
//! The same seed gives the same history, to the byte, whatever the number of threads; nothing here reads a clock or
//! asks the machine for entropy, but for what measures the simulator itself.

pub mod market;
