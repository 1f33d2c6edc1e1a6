//! What the network's task has to do later, in the order of time.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

/// What is due at a time.
pub(super) enum Due {
    /// Nothing but a look at the swarm: gossipsub restarts its heartbeat's timer without asking to be woken by it, and
    /// with all else quiet it would sleep through the next one.
    Beat,
    Tick,
    Meeting(usize),
    Lookup(String, u64),
    /// Somebody may be dialled, or somebody dialled has taken too long.
    Dial,
    DialAgain(PeerId),
    /// A peer that was restarted is met afresh, at these addresses.
    MeetAfresh(PeerId, Vec<Multiaddr>),
    Expire(u64),
}

#[derive(Default)]
pub(super) struct Timers {
    next: u64,
    queue: BTreeMap<(Instant, u64), Due>,
}

impl Timers {
    pub fn add(&mut self, at: Instant, due: Due) {
        self.next += 1;
        self.queue.insert((at, self.next), due);
    }

    pub fn next_at(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn pop(&mut self, now: Instant) -> Option<Due> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

/// A random time around `middle`: between a half and one and a half of it.
pub(super) fn jitter(middle: Duration) -> Duration {
    // Without randomness the middle is as good as any.
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    middle.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX))
}
