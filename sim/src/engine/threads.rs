//! Many parts at once: each does the same window, then the mail is exchanged.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use super::Progress;
use super::event::Event;
use super::part::Part;

/// No window is left.
const NEVER: u64 = u64::MAX;
/// Turns that a thread waits for the others before it lets the machine do something else.
const SPINS: u32 = 2_000;
/// And how long it does that before it sleeps: to be woken takes some time where cores are free, but where others want
/// them a thread that only makes way is in the way of those it waits for.
const PATIENCE: Duration = Duration::from_micros(300);

/// Letters whose memory is kept from one window to the next: that of a flood is too much to keep.
const KEPT_LETTERS: usize = 1 << 16;

/// What the threads share. Everything is there twice: one thread may be a window ahead of another.
struct Post {
    /// From part to part.
    mail: Vec<Vec<Mutex<Vec<Event>>>>,
    /// The next window in which anything happens, by part.
    next: [Vec<AtomicU64>; 2],
    stop: [AtomicBool; 2],
    events: AtomicU64,
    waiting: AtomicUsize,
    round: AtomicUsize,
    /// Threads that sleep, or are about to.
    sleepers: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
}

impl Post {
    fn of(parts: usize) -> Self {
        let nexts = || (0..parts).map(|_| AtomicU64::new(NEVER)).collect();
        let boxes = || (0..parts).map(|_| Mutex::new(Vec::new())).collect();
        Self {
            mail: (0..parts).map(|_| boxes()).collect(),
            next: [nexts(), nexts()],
            stop: [AtomicBool::new(false), AtomicBool::new(false)],
            events: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            sleepers: AtomicUsize::new(0),
            bed: Mutex::new(()),
            bell: Condvar::new(),
        }
    }

    /// Waits until all parts are here.
    fn meet(&self, parts: usize) {
        let round = self.round.load(Ordering::Acquire);
        if self.waiting.fetch_add(1, Ordering::AcqRel) + 1 == parts {
            self.waiting.store(0, Ordering::Release);
            // One total order with the sleeper's own two steps: either it sees the new round, or it is seen here.
            self.round.fetch_add(1, Ordering::SeqCst);
            if self.sleepers.load(Ordering::SeqCst) > 0 {
                drop(self.bed.lock().expect("no thread panics with it"));
                self.bell.notify_all();
            }
            return;
        }
        for _ in 0..SPINS {
            if self.round.load(Ordering::Acquire) != round {
                return;
            }
            std::hint::spin_loop();
        }
        let since = Instant::now();
        while self.round.load(Ordering::Acquire) == round {
            if since.elapsed() < PATIENCE {
                std::thread::yield_now();
            } else {
                self.sleep(round);
            }
        }
    }

    fn sleep(&self, round: usize) {
        let mut bed = self.bed.lock().expect("no thread panics with it");
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while self.round.load(Ordering::SeqCst) == round {
            bed = self.bell.wait(bed).expect("no thread panics with it");
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs all parts to the end of time, or until `progress` says stop. Whether it was stopped, and when time ended, ns.
pub fn run(parts: &mut [Part<'_>], end: u64, progress: &dyn Progress) -> (bool, u64) {
    let post = Post::of(parts.len());
    let stopped = Mutex::new((false, end));
    let work = |part: &mut Part<'_>| {
        let ended = one(part, &post, end, progress);
        if part.desk.own == 0 {
            *stopped.lock().expect("no thread panics with it") = ended;
        }
    };
    match parts {
        [only] => work(only),
        parts => std::thread::scope(|scope| {
            for part in parts {
                scope.spawn(|| work(part));
            }
        }),
    }
    stopped.into_inner().expect("no thread panics with it")
}

fn one(part: &mut Part<'_>, post: &Post, end: u64, progress: &dyn Progress) -> (bool, u64) {
    let (own, parts) = (part.desk.own, part.desk.mail.len());
    let window_length = part.desk.plan.links.least_delay();
    let last = end / window_length;
    let mut told = 0;
    let mut counted = 0;
    for turn in 0.. {
        let half = turn % 2;
        // What is sent now may be what happens next, whoever it is for.
        let mut next = part.desk.calendar.next().unwrap_or(NEVER);
        for (to, letters) in part.desk.mail.iter_mut().enumerate() {
            if letters.is_empty() {
                continue;
            }
            let first = letters.iter().map(|event| event.time).min();
            next = next.min(first.map_or(NEVER, |first| first / window_length));
            let mut place = post.mail[own][to].lock().expect("no thread panics with it");
            if place.is_empty() {
                // What comes back is the list of an earlier window, emptied.
                std::mem::swap(&mut *place, letters);
            } else {
                place.append(letters);
            }
        }
        post.next[half][own].store(next, Ordering::Release);
        post.events.fetch_add(part.desk.events - counted, Ordering::Relaxed);
        counted = part.desk.events;
        if own == 0 {
            post.stop[half].store(progress.stop(), Ordering::Release);
        }
        post.meet(parts);
        let window = post.next[half]
            .iter()
            .map(|next| next.load(Ordering::Acquire))
            .min()
            .unwrap_or(NEVER);
        let stop = post.stop[half].load(Ordering::Acquire);
        let now = window.saturating_mul(window_length);
        if stop || window == NEVER || window > last {
            return (stop, if stop { now.min(end) } else { end });
        }
        if own == 0 && now / 1_000_000_000 > told {
            told = now / 1_000_000_000;
            progress.at(now, post.events.load(Ordering::Relaxed));
        }
        for from in &post.mail {
            let mut letters = std::mem::take(&mut *from[own].lock().expect("no thread panics with it"));
            for event in letters.drain(..) {
                part.desk.calendar.put(event);
            }
            if letters.capacity() > KEPT_LETTERS {
                continue;
            }
            // Its memory goes back, so that a part does not ask for it anew at each window.
            let mut place = from[own].lock().expect("no thread panics with it");
            if place.capacity() == 0 {
                *place = letters;
            }
        }
        part.run(window);
    }
    unreachable!("the windows' numbers do not end")
}
