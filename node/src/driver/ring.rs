//! The last events, numbered, so that whoever was away a moment can catch up.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use intentcast_protocol::{market::Event, time::Timestamp};
use tokio::sync::Notify;

/// Events kept; older ones are gone for those who come late.
const KEPT: usize = 1024;

/// An event, its number and its moment.
pub type Numbered = (u64, Timestamp, Event);

/// The ring. Numbers rise for ever, across restarts too, since they begin at the clock.
#[derive(Debug)]
pub struct Ring {
    inner: Mutex<(u64, VecDeque<Numbered>)>,
    more: Notify,
}

impl Ring {
    pub(super) fn starting_at(now: Timestamp) -> Self {
        // A thousand events a millisecond would have to happen before two runs could share a number.
        Self {
            inner: Mutex::new((now.0.saturating_mul(1000), VecDeque::new())),
            more: Notify::new(),
        }
    }

    pub(super) fn push(&self, at: Timestamp, event: Event) {
        {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.0 += 1;
            let number = inner.0;
            inner.1.push_back((number, at, event));
            if inner.1.len() > KEPT {
                inner.1.pop_front();
            }
        }
        self.more.notify_waiters();
    }

    /// The number of the last event so far.
    pub fn last(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Everything after `after` that is still kept; waits until there is something.
    pub async fn after(&self, after: u64) -> Vec<Numbered> {
        loop {
            let more = self.more.notified();
            tokio::pin!(more);
            // Registered before the look, so that nothing that happens between the two is missed.
            more.as_mut().enable();
            {
                let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
                let new: Vec<Numbered> = inner.1.iter().filter(|(number, ..)| *number > after).cloned().collect();
                if !new.is_empty() {
                    return new;
                }
            }
            more.await;
        }
    }
}
