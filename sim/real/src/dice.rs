//! SplitMix64, for where nothing may be allocated: in place of the machine's entropy. What a run draws by itself it draws
//! from its plan.

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
