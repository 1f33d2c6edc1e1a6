//! What a frame meets on its way: a full uplink, a window that has not opened yet, jitter, loss.
//!
//! A link is a reliable stream, as QUIC and TCP are: a lost packet costs time, and nothing overtakes within a stream.

use crate::gossipsub::Chance;
use crate::scenario::{Links, Phones, SlowStart, millis, seconds};

/// What all frames meet.
#[derive(Clone, Debug)]
pub struct Path {
    jitter: f64,
    loss: f64,
    retransmit: u64,
    slow_start: Option<SlowStart>,
    /// ns a byte.
    up: Option<f64>,
    down: Option<f64>,
    phone: Option<f64>,
    /// Bytes that framing and encryption add to each frame.
    pub overhead: u64,
}

/// One stream's state, as its sender sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauge {
    /// When the last frame arrives, ns.
    arrival: u64,
    /// When the current round trip began, ns.
    round: u64,
    /// Bytes of the window, and how many of them are used in this round trip; zero: not begun.
    window: u32,
    used: u32,
}

/// A node's links' state. Empty where nothing holds frames up.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// When the uplink is free, ns.
    up_free: u64,
    /// When the downlink is free, ns.
    down_free: u64,
    streams: Vec<Gauge>,
    /// Whether the node has a phone's links.
    phone: bool,
}

impl Path {
    pub(super) fn of(links: &Links, phones: Option<&Phones>) -> Self {
        let per_byte = |bps: f64| 8e9 / bps;
        Self {
            jitter: links.jitter,
            loss: links.loss,
            retransmit: millis(links.retransmit_ms),
            slow_start: links.slow_start.clone(),
            up: links.bandwidth.as_ref().map(|bandwidth| per_byte(bandwidth.up_bps)),
            down: links.bandwidth.as_ref().map(|bandwidth| per_byte(bandwidth.down_bps)),
            phone: phones.and_then(|phones| phones.bandwidth_bps).map(per_byte),
            overhead: u64::from(links.overhead_bytes),
        }
    }

    /// Whether a frame meets nothing but the distance.
    pub fn is_plain(&self) -> bool {
        self.jitter == 0.0
            && self.loss == 0.0
            && self.slow_start.is_none()
            && self.up.is_none()
            && self.down.is_none()
            && self.phone.is_none()
    }

    fn rate(&self, own: Option<f64>, gauges: &Gauges) -> Option<f64> {
        match (own, self.phone.filter(|_| gauges.phone)) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        }
    }

    /// When a frame arrives that is sent now, or as soon as the stream is `ready`; all in ns.
    pub fn arrival(&self, now: u64, ready: u64, frame: Frame, gauges: &mut Gauges, chance: &mut Chance) -> u64 {
        // The uplink is taken at once, though the stream may open later: other streams do not wait for that.
        let mut leaves = now;
        if let Some(per_byte) = self.rate(self.up, gauges) {
            leaves = leaves.max(gauges.up_free) + (frame.bytes as f64 * per_byte) as u64;
            gauges.up_free = leaves;
        }
        leaves = leaves.max(ready);
        let slot = frame.slot as usize;
        if gauges.streams.len() <= slot {
            gauges.streams.resize(slot + 1, Gauge::default());
        }
        let stream = &mut gauges.streams[slot];
        if let Some(slow) = &self.slow_start {
            leaves = stream.opens(slow, leaves, frame.bytes, 2 * frame.delay);
        }
        let mut arrives = leaves + frame.delay;
        if self.jitter > 0.0 {
            arrives += (chance.unit() * self.jitter * frame.delay as f64) as u64;
        }
        while self.loss > 0.0 && chance.unit() < self.loss {
            arrives += self.retransmit;
        }
        stream.arrival = stream.arrival.max(arrives);
        stream.arrival
    }

    /// When something arrives that goes over a new stream of its own, whose first byte may leave so many ns after it
    /// was asked for; all in ns.
    pub fn straight(
        &self,
        now: u64,
        waits: u64,
        bytes: u64,
        delay: u64,
        gauges: &mut Gauges,
        chance: &mut Chance,
    ) -> u64 {
        // The uplink is taken at once, though the first byte leaves later: others do not wait for a handshake.
        let mut leaves = now;
        if let Some(per_byte) = self.rate(self.up, gauges) {
            leaves = leaves.max(gauges.up_free) + (bytes as f64 * per_byte) as u64;
            gauges.up_free = leaves;
        }
        leaves += waits;
        if let Some(slow) = &self.slow_start {
            leaves = Gauge::default().opens(slow, leaves, bytes, 2 * delay);
        }
        let mut arrives = leaves + delay;
        if self.jitter > 0.0 {
            arrives += (chance.unit() * self.jitter * delay as f64) as u64;
        }
        while self.loss > 0.0 && chance.unit() < self.loss {
            arrives += self.retransmit;
        }
        arrives
    }

    /// When a frame that arrives now has come through the receiver's downlink, ns.
    pub fn received(&self, now: u64, bytes: u64, gauges: &mut Gauges) -> u64 {
        let Some(per_byte) = self.rate(self.down, gauges) else {
            return now;
        };
        gauges.down_free = gauges.down_free.max(now) + (bytes as f64 * per_byte) as u64;
        gauges.down_free
    }
}

/// A frame on its way.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The receiver's slot at the sender.
    pub slot: u32,
    /// Bytes, overhead in.
    pub bytes: u64,
    /// One way, ns.
    pub delay: u64,
}

impl Gauges {
    /// Of a node that has sent nothing yet.
    pub fn of(phone: bool) -> Self {
        Self {
            phone,
            ..Self::default()
        }
    }

    /// A stream has ended: the next one in this slot begins anew.
    pub fn reset(&mut self, slot: u32) {
        if let Some(stream) = self.streams.get_mut(slot as usize) {
            *stream = Gauge::default();
        }
    }
}

impl Gauge {
    /// When the last byte of a frame may leave: what does not fit into this round trip's window waits for the next,
    /// which is twice as large.
    fn opens(&mut self, slow: &SlowStart, now: u64, bytes: u64, round_trip: u64) -> u64 {
        let idle = seconds(slow.idle_s);
        if self.window == 0 || now > self.round.saturating_add(round_trip).saturating_add(idle) {
            (self.window, self.used, self.round) = (slow.initial_bytes, 0, now);
        }
        if now >= self.round + round_trip {
            self.next_round(slow, now);
        }
        let mut left = bytes;
        let mut leaves = now.max(self.round);
        loop {
            let room = u64::from(self.window - self.used);
            if left <= room {
                self.used += left as u32;
                return leaves;
            }
            left -= room;
            self.used = self.window;
            leaves = self.round + round_trip;
            self.next_round(slow, leaves);
        }
    }

    fn next_round(&mut self, slow: &SlowStart, now: u64) {
        // It grows as it is filled.
        if self.used > self.window / 2 {
            self.window = self.window.saturating_mul(2).min(slow.max_bytes);
        }
        (self.used, self.round) = (0, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Bandwidth;

    const MS: u64 = 1_000_000;

    fn path(change: impl FnOnce(&mut Links)) -> Path {
        let mut links = Links::default();
        change(&mut links);
        Path::of(&links, None)
    }

    fn frame(bytes: u64) -> Frame {
        Frame {
            slot: 0,
            bytes,
            delay: 100 * MS,
        }
    }

    fn send(path: &Path, now: u64, bytes: u64, gauges: &mut Gauges) -> u64 {
        path.arrival(now, 0, frame(bytes), gauges, &mut Chance::of(1, 1))
    }

    #[test]
    fn frames_wait_for_the_uplink_in_the_order_they_came() {
        let path = path(|links| {
            links.bandwidth = Some(Bandwidth {
                up_bps: 8e6,
                down_bps: 8e6,
            })
        });
        let mut gauges = Gauges::default();
        // 1,000 bytes at a million bytes a second are a millisecond.
        assert_eq!(send(&path, 0, 1_000, &mut gauges), 101 * MS);
        assert_eq!(send(&path, 0, 1_000, &mut gauges), 102 * MS);
        assert_eq!(send(&path, 50 * MS, 1_000, &mut gauges), 151 * MS);
        assert_eq!(path.received(0, 2_000, &mut gauges), 2 * MS);
        assert_eq!(path.received(MS, 1_000, &mut gauges), 3 * MS);
    }

    #[test]
    fn a_stream_that_is_not_open_yet_holds_up_no_other() {
        let path = path(|links| {
            links.bandwidth = Some(Bandwidth {
                up_bps: 8e6,
                down_bps: 8e6,
            })
        });
        let mut gauges = Gauges::default();
        let chance = &mut Chance::of(1, 1);
        let opens = 200 * MS;
        assert_eq!(path.arrival(0, opens, frame(1_000), &mut gauges, chance), 300 * MS);
        let other = Frame {
            slot: 1,
            ..frame(1_000)
        };
        assert_eq!(path.arrival(0, 0, other, &mut gauges, chance), 102 * MS);
    }

    #[test]
    fn a_phone_has_the_slower_of_two_links() {
        let mut links = Links {
            bandwidth: Some(Bandwidth {
                up_bps: 8e6,
                down_bps: 8e6,
            }),
            ..Links::default()
        };
        links.jitter = 0.0;
        let phones = Phones {
            bandwidth_bps: Some(8e5),
            ..Phones::default()
        };
        let path = Path::of(&links, Some(&phones));
        let mut gauges = Gauges {
            phone: true,
            ..Gauges::default()
        };
        assert_eq!(send(&path, 0, 1_000, &mut gauges), 110 * MS);
    }

    #[test]
    fn nothing_overtakes_within_a_stream() {
        let path = path(|links| (links.jitter, links.loss) = (0.5, 0.2));
        let (mut gauges, mut chance) = (Gauges::default(), Chance::of(9, 9));
        let mut last = 0;
        for n in 0..1_000 {
            let arrives = path.arrival(n * MS, 0, frame(100), &mut gauges, &mut chance);
            assert!(arrives >= last && arrives >= n * MS + 100 * MS);
            last = arrives;
        }
    }

    #[test]
    fn a_lost_frame_comes_a_retransmission_later() {
        let path = path(|links| links.loss = 0.25);
        let mut chance = Chance::of(9, 9);
        let mut late = 0;
        for _ in 0..10_000 {
            let arrives = path.arrival(0, 0, frame(100), &mut Gauges::default(), &mut chance);
            assert_eq!((arrives - 100 * MS) % (200 * MS), 0);
            late += u32::from(arrives > 100 * MS);
        }
        assert!((2_300..2_700).contains(&late), "{late}");
    }

    #[test]
    fn a_window_opens_a_round_trip_at_a_time_and_closes_when_idle() {
        let path = path(|links| {
            links.slow_start = Some(SlowStart {
                initial_bytes: 10_000,
                max_bytes: 40_000,
                idle_s: 1.0,
            });
        });
        let mut gauges = Gauges::default();
        // 10,000 at once, 20,000 a round trip of 200 ms later, 10,000 of 40,000 after another.
        assert_eq!(send(&path, 0, 40_000, &mut gauges), 500 * MS);
        // The rest of that window is still free.
        assert_eq!(send(&path, 400 * MS, 30_000, &mut gauges), 500 * MS);
        assert_eq!(send(&path, 5_000 * MS, 20_000, &mut gauges), 5_300 * MS);
    }

    #[test]
    fn a_frame_waits_for_its_stream() {
        let path = path(|_| {});
        assert!(path.is_plain());
        let mut gauges = Gauges::default();
        assert_eq!(
            path.arrival(0, 200 * MS, frame(10), &mut gauges, &mut Chance::of(1, 1)),
            300 * MS
        );
    }
}
