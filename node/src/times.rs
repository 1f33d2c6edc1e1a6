//! Lengths of time and moments, as people write them.

use intentcast_protocol::time::{Seconds, Timestamp};
use jiff::{civil, tz::TimeZone};

/// Not a length of time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no length of time: write it like 30s, 10m, 2h or 3d")]
pub struct NoDuration(String);

/// `30s`, `10m`, `2h`, `3d`, and one after another: `1h30m`.
///
/// # Errors
/// [`NoDuration`], also where it is beyond 136 years.
pub fn duration(text: &str) -> Result<Seconds, NoDuration> {
    let no = || NoDuration(text.chars().take(40).collect());
    let mut rest = text.trim();
    let mut total: u32 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(no)?;
        let count: u32 = rest[..digits].parse().map_err(|_| no())?;
        let each = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            _ => return Err(no()),
        };
        total = count
            .checked_mul(each)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(no)?;
        rest = &rest[digits + 1..];
    }
    if text.trim().is_empty() {
        Err(no())
    } else {
        Ok(Seconds(total))
    }
}

/// Not a moment.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no date: write it like 2026-12-24, or 2026-12-24T18:00:00Z")]
pub struct NoMoment(String);

/// A moment of RFC 3339, or a date, which means its last second in this machine's time zone.
///
/// # Errors
/// [`NoMoment`], also before 1970.
pub fn moment(text: &str) -> Result<Timestamp, NoMoment> {
    moment_in(text, TimeZone::system())
}

/// The same, but that a date means its first second.
///
/// # Errors
/// [`NoMoment`], also before 1970.
pub fn beginning(text: &str) -> Result<Timestamp, NoMoment> {
    at_time_in(text, TimeZone::system(), civil::Time::midnight())
}

fn moment_in(text: &str, zone: TimeZone) -> Result<Timestamp, NoMoment> {
    at_time_in(text, zone, civil::time(23, 59, 59, 0))
}

fn at_time_in(text: &str, zone: TimeZone, of_day: civil::Time) -> Result<Timestamp, NoMoment> {
    let text = text.trim();
    let no = || NoMoment(text.chars().take(40).collect());
    let moment = match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment,
        Err(_) if text.len() == "2026-12-24".len() => {
            let date: civil::Date = text.parse().map_err(|_| no())?;
            date.to_datetime(of_day).to_zoned(zone).map_err(|_| no())?.timestamp()
        }
        Err(_) => return Err(no()),
    };
    u64::try_from(moment.as_millisecond()).map(Timestamp).map_err(|_| no())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_as_people_write_them() {
        assert_eq!(duration("30s"), Ok(Seconds(30)));
        assert_eq!(duration("1h30m"), Ok(Seconds(5400)));
        assert_eq!(duration("3d"), Ok(Seconds(259_200)));
        for text in ["", "3", "d", "3w", "-3d", "3 d", "99999999999s", "99999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_date_ends_with_its_day() {
        let utc = |text| moment_in(text, TimeZone::UTC).map(|at| at.to_string());
        assert_eq!(utc("2026-12-24").unwrap(), "2026-12-24T23:59:59Z");
        assert_eq!(utc("2026-12-24T18:00:00+01:00").unwrap(), "2026-12-24T17:00:00Z");
        let midnight = at_time_in("2026-12-24", TimeZone::UTC, civil::Time::midnight());
        assert_eq!(midnight.unwrap().to_string(), "2026-12-24T00:00:00Z");
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(
            moment_in("2026-12-24", berlin).unwrap().to_string(),
            "2026-12-24T22:59:59Z"
        );
        for text in ["24.12.2026", "2026-13-01", "tomorrow", "1969-12-31", ""] {
            assert!(moment_in(text, TimeZone::UTC).is_err(), "{text}");
        }
    }
}
