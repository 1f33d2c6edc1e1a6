use std::sync::Arc;
use std::sync::Mutex;
use std::task::Wake;

use super::*;

/// Writes its name down when it is woken.
struct Named(&'static str, Arc<Mutex<Vec<&'static str>>>);

impl Wake for Named {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap().push(self.0);
    }
}

#[derive(Default)]
struct Woken(Arc<Mutex<Vec<&'static str>>>);

impl Woken {
    fn poll(&self, name: &'static str, delay: &mut Delay) -> Poll<()> {
        let waker = Waker::from(Arc::new(Named(name, self.0.clone())));
        Pin::new(delay).poll(&mut Context::from_waker(&waker))
    }

    fn names(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn pass(ms: u64) {
    clock::advance(clock::now_ns() + ms * 1_000_000);
}

fn after(ms: u64) -> Delay {
    Delay::new(Duration::from_millis(ms))
}

#[test]
fn time_stands_still_until_it_is_advanced_and_never_goes_back() {
    let begun = clock::now_ns();
    assert_eq!(begun, clock::START);
    pass(5);
    assert_eq!(clock::now_ns() - begun, 5_000_000);
    clock::advance(begun);
    assert_eq!(clock::now_ns() - begun, 5_000_000);
}

#[test]
fn delays_wake_in_the_order_of_their_moments_then_of_their_waiting() {
    let woken = Woken::default();
    let (mut late, mut twin, mut early, mut other) = (after(30), after(20), after(10), after(20));
    for (name, delay) in [
        ("late", &mut late),
        ("twin", &mut twin),
        ("early", &mut early),
        ("other", &mut other),
    ] {
        assert_eq!(woken.poll(name, delay), Poll::Pending);
    }
    assert_eq!(clock::next(), Some(clock::START + 10_000_000));
    pass(9);
    assert!(woken.names().is_empty());
    pass(11);
    assert_eq!(woken.names(), ["early", "twin", "other"]);
    assert_eq!(woken.poll("early", &mut early), Poll::Ready(()));
    assert_eq!(woken.poll("late", &mut late), Poll::Pending);
    pass(10);
    assert_eq!(woken.names(), ["late"]);
    assert_eq!(clock::next(), None);
}

#[test]
fn a_delay_that_is_reset_waits_anew_without_being_polled_again() {
    let woken = Woken::default();
    let mut delay = after(10);
    assert_eq!(woken.poll("reset", &mut delay), Poll::Pending);
    pass(5);
    delay.reset(Duration::from_millis(10));
    pass(5);
    assert!(woken.names().is_empty(), "its first moment is no longer its moment");
    assert_eq!(woken.poll("reset", &mut delay), Poll::Pending);
    pass(5);
    assert_eq!(woken.names(), ["reset"]);
    assert_eq!(woken.poll("reset", &mut delay), Poll::Ready(()));
    delay.reset(Duration::from_millis(1));
    assert_eq!(woken.poll("reset", &mut delay), Poll::Pending, "it may be used again");
}

#[test]
fn who_finds_a_delay_ready_and_resets_it_is_woken_again_and_again() {
    let woken = Woken::default();
    let mut heartbeat = after(10);
    assert_eq!(woken.poll("heart", &mut heartbeat), Poll::Pending);
    for _ in 0..3 {
        pass(10);
        assert_eq!(woken.names(), ["heart"]);
        assert_eq!(woken.poll("heart", &mut heartbeat), Poll::Ready(()));
        heartbeat.reset(Duration::from_millis(10));
    }
    drop(heartbeat);
    assert_eq!(clock::next(), None);
}

#[test]
fn a_delay_that_is_dropped_wakes_nobody() {
    let woken = Woken::default();
    let mut delay = after(10);
    assert_eq!(woken.poll("dropped", &mut delay), Poll::Pending);
    drop(delay);
    assert_eq!(clock::next(), None);
    pass(10);
    assert!(woken.names().is_empty());
}

#[test]
fn the_last_who_polled_is_woken() {
    let woken = Woken::default();
    let mut delay = after(10);
    assert_eq!(woken.poll("first", &mut delay), Poll::Pending);
    assert_eq!(woken.poll("last", &mut delay), Poll::Pending);
    pass(10);
    assert_eq!(woken.names(), ["last"]);
}

#[test]
fn a_delay_without_end_never_comes() {
    let woken = Woken::default();
    let mut delay = Delay::new(Duration::MAX);
    assert_eq!(woken.poll("never", &mut delay), Poll::Pending);
    clock::advance(clock::Nanos::MAX - 1);
    assert!(woken.names().is_empty());
}
