//! The simulated time, as this crate writes it: nanoseconds since the run began.

use futures_timer::clock;

/// Nanoseconds.
pub type Nanos = u64;

pub const SECOND: Nanos = 1_000_000_000;
pub const MILLISECOND: Nanos = 1_000_000;

/// The time since the run began.
pub fn now() -> Nanos {
    clock::now_ns() - clock::START
}

/// The earliest moment at which a delay of libp2p's ends.
pub fn next() -> Option<Nanos> {
    clock::next().map(|at| at.saturating_sub(clock::START))
}

/// Sets the time and wakes whose delays end by then.
pub fn advance(to: Nanos) {
    clock::advance(to + clock::START);
}
