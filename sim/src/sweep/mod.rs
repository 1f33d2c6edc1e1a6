//! Many runs of one scenario: over a grid of values, over values by chance, over seeds; one row each.
//!
//! A row is kept in a file of its own under the run's hash, so that a sweep can be ended and taken up, cut into shards
//! over many machines, and put together again by copying files.

mod figure;
mod rows;
mod spec;

pub use figure::against;
pub use rows::{Row, Rows, columns, csv};
pub use spec::{Run, Spread, Sweep, hashes};

#[cfg(test)]
mod tests;
