//! Chance from one seed: SplitMix64, small enough to draw from where nothing may be allocated.

use std::cell::Cell;

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A number that looks like any other, from this one.
pub fn mix(of: u64) -> u64 {
    let z = of.wrapping_add(STEP);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The next number of a stream.
pub(crate) fn next(state: &Cell<u64>) -> u64 {
    let drawn = mix(state.get());
    state.set(state.get().wrapping_add(STEP));
    drawn
}

/// A stream of chances: the same seed and purpose, the same stream.
#[derive(Debug)]
pub struct Dice(Cell<u64>);

impl Dice {
    /// The stream of this seed for one purpose.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let state = purpose.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
        Self(Cell::new(state))
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        next(&self.0)
    }

    /// A number below `end`; zero where there is none below it.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.any()) * u128::from(end)) >> 64) as u64
    }

    /// A number from zero to below one.
    pub fn unit(&mut self) -> f64 {
        (self.any() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
