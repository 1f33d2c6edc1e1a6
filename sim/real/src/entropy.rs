//! Randomness from a seed: the C library's `getrandom`, replaced for this whole program.
//!
//! The standard library (for the order of its maps) and the crate `getrandom` (for everybody else) look that symbol up
//! when the program runs, and find ours, which the build script exports. Each thread draws from a stream of its own;
//! one that nobody seeded draws the stream of seed 0. Nothing that is secret may be made in this program.

use std::cell::Cell;
use std::mem::MaybeUninit;

use crate::dice;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
}

/// Lets this thread draw the stream of this seed, from its beginning.
///
/// To be called before the thread makes its first map: the standard library draws a map's keys once a thread.
pub fn seed(seed: u64) {
    STATE.set(dice::mix(seed));
}

/// Fills `length` bytes at `buffer` from this thread's stream, and says how many those are: all. Flags mean nothing to
/// a generator that never blocks.
///
/// # Safety
///
/// As with the C library's: `buffer` must be valid for writing `length` bytes. It may hold anything before.
#[allow(
    unsafe_code,
    reason = "the signature is the C library's; no safe item can take its place"
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    if length == 0 {
        return 0;
    }
    // SAFETY: the caller vouches for `length` writable bytes at `buffer`, which nobody else uses during this call; as
    // `MaybeUninit` they may be of any content, and they are only written to.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<MaybeUninit<u8>>(), length) };
    for eight in bytes.chunks_mut(8) {
        let drawn = STATE.with(dice::next).to_le_bytes();
        for (byte, drawn) in eight.iter_mut().zip(drawn) {
            byte.write(drawn);
        }
    }
    length as isize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn order_of_a_map(of: u64) -> Vec<u32> {
        let thread = std::thread::spawn(move || {
            seed(of);
            let before = STATE.get();
            let map: HashMap<u32, ()> = (0..64).map(|key| (key, ())).collect();
            assert_ne!(STATE.get(), before, "the map's keys are drawn here");
            map.into_keys().collect()
        });
        thread.join().unwrap()
    }

    #[test]
    fn the_order_of_maps_follows_the_seed() {
        assert_eq!(order_of_a_map(1), order_of_a_map(1));
        assert_ne!(order_of_a_map(1), order_of_a_map(2));
    }

    #[test]
    fn libp2p_draws_from_the_seed() {
        let peer = |of| {
            let thread = std::thread::spawn(move || {
                seed(of);
                libp2p::PeerId::random()
            });
            thread.join().unwrap()
        };
        assert_eq!(peer(7), peer(7));
        assert_ne!(peer(7), peer(8));
    }
}
