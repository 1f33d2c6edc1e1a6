//! The simulated clock of this thread, and who waits on it.
//!
//! Wakers that are due in the same moment are woken in the order in which they began to wait.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::task::Waker;
use std::time::Duration;

/// Nanoseconds on the simulated clock.
pub type Nanos = u64;

/// What a clock shows at first: eleven days and a half, so that looking back a while from the beginning is possible.
pub const START: Nanos = 1_000_000_000_000_000;

thread_local! {
    static NOW: Cell<Nanos> = const { Cell::new(START) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
    static WAITING: RefCell<BTreeMap<(Nanos, u64), Waker>> = const { RefCell::new(BTreeMap::new()) };
}

/// The time, in nanoseconds.
pub fn now_ns() -> Nanos {
    NOW.get()
}

/// The earliest moment somebody waits for.
pub fn next() -> Option<Nanos> {
    WAITING.with_borrow(|waiting| waiting.first_key_value().map(|((at, _), _)| *at))
}

/// Sets the time, which never goes back, and wakes those that are due by then.
pub fn advance(to: Nanos) {
    NOW.set(to.max(now_ns()));
    loop {
        let due = WAITING.with_borrow_mut(|waiting| {
            let first = waiting.first_entry()?;
            (first.key().0 <= now_ns()).then(|| first.remove())
        });
        match due {
            Some(waker) => waker.wake(),
            None => break,
        }
    }
}

pub(crate) fn after(wait: Duration) -> Nanos {
    now_ns().saturating_add(wait.as_nanos().try_into().unwrap_or(Nanos::MAX))
}

/// Wakes this waker at `at`, in the place of the one known as `id` if that still waits.
pub(crate) fn wait(at: Nanos, id: Option<u64>, waker: &Waker) -> u64 {
    let id = id.unwrap_or_else(fresh);
    let before = WAITING.with_borrow_mut(|waiting| waiting.insert((at, id), waker.clone()));
    // A waker may be the last that holds on to another delay: it is let go when the clock is free again.
    drop(before);
    id
}

/// Lets who waits for `from` wait for `to`, behind all that wait for that already; nobody, if it was woken.
pub(crate) fn postpone(from: Nanos, id: u64, to: Nanos) -> Option<u64> {
    WAITING.with_borrow_mut(|waiting| {
        let waker = waiting.remove(&(from, id))?;
        let id = fresh();
        waiting.insert((to, id), waker);
        Some(id)
    })
}

pub(crate) fn forget(at: Nanos, id: u64) {
    // A delay may outlive its thread's clock.
    let waker = WAITING.try_with(|waiting| waiting.borrow_mut().remove(&(at, id)));
    drop(waker);
}

fn fresh() -> u64 {
    NEXT.replace(NEXT.get() + 1)
}
