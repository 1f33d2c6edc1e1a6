//! How much each peer may bring in a time: a token bucket each, and a bound on how many are remembered.

use std::collections::BTreeMap;

use crate::{limits, time::Timestamp};

/// Buckets by peer. A bucket holds a minute's worth and fills evenly.
#[derive(Debug)]
pub(super) struct Meter {
    per_minute: u32,
    /// Sixty-thousandths of one message left, and when that was worked out.
    peers: BTreeMap<Vec<u8>, (u64, Timestamp)>,
}

const WHOLE: u64 = 60_000;

impl Meter {
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            peers: BTreeMap::new(),
        }
    }

    /// Takes one from the peer's bucket; `false` where it is empty.
    pub(super) fn take(&mut self, now: Timestamp, peer: &[u8]) -> bool {
        let full = u64::from(self.per_minute) * WHOLE;
        if !self.peers.contains_key(peer) && self.peers.len() >= limits::METERED_PEERS {
            // Whoever has the fullest bucket has done the least: forgetting it gives nothing away.
            let idlest = self
                .peers
                .iter()
                .max_by_key(|(_, (left, at))| (*left, std::cmp::Reverse(*at)));
            if let Some(idlest) = idlest.map(|(peer, _)| peer.clone()) {
                self.peers.remove(&idlest);
            }
        }
        let (left, at) = self.peers.entry(peer.to_vec()).or_insert((full, now));
        let refilled = left
            .saturating_add(now.since(*at).saturating_mul(self.per_minute.into()))
            .min(full);
        *at = now;
        *left = refilled.saturating_sub(WHOLE);
        refilled >= WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_passes_and_the_next_waits_its_share() {
        let mut meter = Meter::new(60);
        let now = Timestamp(1_000_000);
        assert!((0..60).all(|_| meter.take(now, b"a")));
        assert!(!meter.take(now, b"a"));
        assert!(meter.take(now, b"b"));
        assert!(meter.take(now.plus_millis(1000), b"a"));
        assert!(!meter.take(now.plus_millis(1000), b"a"));
    }

    #[test]
    fn many_strangers_take_no_more_room() {
        let mut meter = Meter::new(60);
        for peer in 0..2 * limits::METERED_PEERS as u32 {
            meter.take(Timestamp(u64::from(peer)), &peer.to_le_bytes());
        }
        assert_eq!(meter.peers.len(), limits::METERED_PEERS);
    }
}
