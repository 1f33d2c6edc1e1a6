//! What a run and those who wait for it tell each other: how far it is, and whether it shall end.
//!
//! A run reads nothing from here but the wish to end, so that waiting does not change what comes out.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by a run and its watchers.
#[derive(Debug, Default)]
pub struct Watch {
    ended: AtomicBool,
    now_ns: AtomicU64,
    events: AtomicU64,
}

impl crate::engine::Progress for Watch {
    fn at(&self, virtual_ns: u64, events: u64) {
        self.tell(virtual_ns, events);
    }

    fn stop(&self) -> bool {
        self.is_ended()
    }
}

impl Watch {
    /// Asks the run to end with what there is.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Whether the run shall end; an engine asks between two windows.
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Tells how far a run is: virtual time, ns, and events until then.
    pub fn tell(&self, now_ns: u64, events: u64) {
        self.now_ns.store(now_ns, Ordering::Relaxed);
        self.events.store(events, Ordering::Relaxed);
    }

    /// What was told last: virtual time, ns, and events.
    pub fn told(&self) -> (u64, u64) {
        (self.now_ns.load(Ordering::Relaxed), self.events.load(Ordering::Relaxed))
    }
}
