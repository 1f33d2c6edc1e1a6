//! Time as the wire has it: never read here, always handed in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug, Default)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// A length of time in seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug, Default)]
#[serde(transparent)]
pub struct Seconds(pub u32);

impl Seconds {
    /// The same in milliseconds.
    pub fn millis(self) -> u64 {
        u64::from(self.0) * 1000
    }
}

impl Timestamp {
    /// This moment and `after` more; the last representable moment where that overflows.
    pub fn plus(self, after: Seconds) -> Self {
        Self(self.0.saturating_add(after.millis()))
    }

    /// This moment and `ms` milliseconds more.
    pub fn plus_millis(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The same time of the same day, so many months of the calendar later; the last day of a month that has no such
    /// day.
    pub fn plus_months(self, months: u16) -> Self {
        let (day, within) = (self.0 / DAY_MS, self.0 % DAY_MS);
        let (year, month, date) = civil(day);
        let month = year * 12 + (month - 1) + u64::from(months);
        let first = days_before(month);
        let date = (date - 1).min(days_before(month + 1) - first - 1);
        Self((first + date).saturating_mul(DAY_MS).saturating_add(within))
    }

    /// Milliseconds from `earlier` to this moment, zero if it is not earlier.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

const DAY_MS: u64 = 86_400_000;

/// The calendar moment in UTC, to the second: `2026-11-21T20:43:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        let (day, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, date) = civil(day);
        write!(
            f,
            "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// Year, month and day of the Gregorian calendar, `day` days after 1970-01-01 (Hinnant, "chrono-compatible low-level
/// date algorithms", `civil_from_days`).
fn civil(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, date)
}

/// Days from 1970-01-01 to the first of the month that is so many months after the beginning of the year 0, which is
/// 1970's or a later one.
fn days_before(month: u64) -> u64 {
    // The year begins in March here, so that a leap day is its last.
    let shifted = month - 2;
    let (year, month) = (shifted / 12, shifted % 12);
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5;
    days.saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days_read_as_the_calendar_has_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp(ms).to_string(), text);
        }
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        let day = |text: &str| {
            let days = (0..80_000).map(|day| Timestamp(day * DAY_MS + 5));
            days.into_iter().find(|at| at.to_string().starts_with(text)).unwrap()
        };
        for (from, months, to) in [
            ("2026-11-21", 0, "2026-11-21"),
            ("2026-11-21", 1, "2026-12-21"),
            ("2026-11-21", 2, "2027-01-21"),
            ("2026-01-31", 1, "2026-02-28"),
            ("2028-01-31", 1, "2028-02-29"),
            ("2028-02-29", 12, "2029-02-28"),
            ("2026-03-31", 11, "2027-02-28"),
            ("2026-02-28", 24, "2028-02-28"),
            ("1970-01-01", 1, "1970-02-01"),
            ("2099-12-31", 2, "2100-02-28"),
        ] {
            assert_eq!(day(from).plus_months(months), day(to), "{from} and {months} months");
        }
        assert!(Timestamp(u64::MAX).plus_months(u16::MAX) >= Timestamp(u64::MAX / 2));
    }
}
