//! Delays that follow a simulated clock: what `futures-timer` offers, and [`clock`] to drive it.
//!
//! Each thread has a clock of its own, which stands still until somebody advances it; nothing here waits, and nothing
//! asks the machine for the time. A [`Delay`] belongs to the thread that polls it.

pub mod clock;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A future that is ready once the simulated clock has reached its moment.
#[derive(Debug)]
pub struct Delay {
    at: clock::Nanos,
    /// The clock's name for the waker that waits, while one does.
    waiting: Option<u64>,
    /// Who found it ready.
    found: Option<Waker>,
}

impl Delay {
    /// Ready this long from now; a time past the end of the clock never comes.
    pub fn new(after: Duration) -> Self {
        Self {
            at: clock::after(after),
            waiting: None,
            found: None,
        }
    }

    /// Begins anew: ready this long from now. Who waits already is woken then, and so is who has just found it ready.
    ///
    /// The original leaves the latter asleep until it looks again. gossipsub resets its heartbeat and does not look
    /// again; a node that hears nothing would have no more heartbeats. The product's node looks twice a second for that
    /// reason, and here this comes to the same.
    pub fn reset(&mut self, after: Duration) {
        let at = clock::after(after);
        if let Some(id) = self.waiting {
            self.waiting = clock::postpone(self.at, id, at);
        } else if let Some(waker) = self.found.take() {
            self.waiting = Some(clock::wait(at, None, &waker));
        }
        self.at = at;
    }
}

impl Future for Delay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if clock::now_ns() >= self.at {
            if let Some(id) = self.waiting.take() {
                clock::forget(self.at, id);
            }
            self.found = Some(cx.waker().clone());
            return Poll::Ready(());
        }
        self.waiting = Some(clock::wait(self.at, self.waiting, cx.waker()));
        Poll::Pending
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        if let Some(id) = self.waiting {
            clock::forget(self.at, id);
        }
    }
}
