//! Moments of a simulated clock: what `web-time` offers, read from the clock that the delays follow.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use futures_timer::clock;
pub use std::time::{Duration, TryFromFloatSecsError};

/// What the calendar says when a clock starts: 15 January 2027, 8:00 UTC. Any day would do, as long as it is one day.
const CALENDAR: Duration = Duration::from_secs(1_800_000_000);

/// A moment on the simulated clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The present moment.
    pub fn now() -> Self {
        Self(Duration::from_nanos(clock::now_ns()))
    }

    /// The time since then; zero for a moment to come.
    pub fn elapsed(&self) -> Duration {
        Self::now().duration_since(*self)
    }

    /// The time from `earlier` to this; zero when that is later.
    pub fn duration_since(&self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The same as [`Self::duration_since`].
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }

    /// The time from `earlier` to this; none when that is later.
    pub fn checked_duration_since(&self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0)
    }

    /// A later moment, if the clock can show it.
    pub fn checked_add(&self, time: Duration) -> Option<Self> {
        self.0.checked_add(time).map(Self)
    }

    /// An earlier moment, if the clock can show it.
    pub fn checked_sub(&self, time: Duration) -> Option<Self> {
        self.0.checked_sub(time).map(Self)
    }
}

/// A moment of the simulated calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(Duration);

/// The calendar's beginning.
pub const UNIX_EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

impl SystemTime {
    /// The calendar's beginning.
    pub const UNIX_EPOCH: Self = Self(Duration::ZERO);

    /// The present moment.
    pub fn now() -> Self {
        Self(CALENDAR + Duration::from_nanos(clock::now_ns() - clock::START))
    }

    /// The time from `earlier` to this; an error, which says by how much, when that is later.
    pub fn duration_since(&self, earlier: Self) -> Result<Duration, SystemTimeError> {
        let error = || SystemTimeError(earlier.0.saturating_sub(self.0));
        self.0.checked_sub(earlier.0).ok_or_else(error)
    }

    /// The time since then; an error for a moment to come.
    pub fn elapsed(&self) -> Result<Duration, SystemTimeError> {
        Self::now().duration_since(*self)
    }

    /// A later moment, if the calendar can show it.
    pub fn checked_add(&self, time: Duration) -> Option<Self> {
        self.0.checked_add(time).map(Self)
    }

    /// An earlier moment, if the calendar can show it.
    pub fn checked_sub(&self, time: Duration) -> Option<Self> {
        self.0.checked_sub(time).map(Self)
    }
}

/// The other moment is later, by this much.
#[derive(Clone, Debug)]
pub struct SystemTimeError(Duration);

impl SystemTimeError {
    /// By how much.
    pub fn duration(&self) -> Duration {
        self.0
    }
}

impl fmt::Display for SystemTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the other moment is later by {:?}", self.0)
    }
}

impl std::error::Error for SystemTimeError {}

/// As with the standard library's, sums that no clock can show are the caller's mistake, and panic.
macro_rules! moves {
    ($moment:ty) => {
        impl Add<Duration> for $moment {
            type Output = Self;

            fn add(self, time: Duration) -> Self {
                Self(self.0 + time)
            }
        }

        impl AddAssign<Duration> for $moment {
            fn add_assign(&mut self, time: Duration) {
                self.0 += time;
            }
        }

        impl Sub<Duration> for $moment {
            type Output = Self;

            fn sub(self, time: Duration) -> Self {
                Self(self.0 - time)
            }
        }

        impl SubAssign<Duration> for $moment {
            fn sub_assign(&mut self, time: Duration) {
                self.0 -= time;
            }
        }
    };
}

moves!(Instant);
moves!(SystemTime);

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}
