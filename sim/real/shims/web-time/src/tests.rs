use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn moments_pass_with_the_simulated_clock_alone() {
    let (moment, day) = (Instant::now(), SystemTime::now());
    assert_eq!(moment.elapsed(), Duration::ZERO);
    clock::advance(clock::now_ns() + 3_000_000_001);
    assert_eq!(moment.elapsed(), Duration::new(3, 1));
    assert_eq!(day.elapsed().unwrap(), Duration::new(3, 1));
    assert_eq!(Instant::now() - moment, Duration::new(3, 1));
    assert_eq!(
        moment - Instant::now(),
        Duration::ZERO,
        "as the standard library has it"
    );
}

#[test]
fn a_later_moment_is_no_earlier_one() {
    let now = SystemTime::now();
    assert_eq!(now.duration_since(now + SECOND).unwrap_err().duration(), SECOND);
    assert!(Instant::now().checked_duration_since(Instant::now() + SECOND).is_none());
    assert!(Instant::now().checked_sub(Duration::MAX).is_none());
    assert!(SystemTime::now().checked_add(Duration::MAX).is_none());
}

#[test]
fn every_run_begins_on_the_same_day() {
    assert_eq!(SystemTime::now().duration_since(UNIX_EPOCH).unwrap(), CALENDAR);
    assert!(
        Instant::now().checked_sub(Duration::from_secs(86_400)).is_some(),
        "a day back can be told"
    );
}
