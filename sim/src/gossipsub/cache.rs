//! What a node remembers of messages: which it has seen, which it can give, who wants none of them.

use std::collections::VecDeque;

use super::bits::Bits;

/// Ids that were seen within the cache's time (`time_cache.rs`, `DuplicateCache`).
///
/// Ids are handed out in the order of publishing, so a moving window of bits says what a map would, at an eighth of a
/// byte.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The id of the first word's first bit, over 64.
    base: u32,
    words: VecDeque<u64>,
    /// Ids in the order of their insertion, with the time, ms.
    order: VecDeque<(u32, u32)>,
}

impl Seen {
    /// Whether this id is remembered. Looking does not make the cache forget (`TimeCache::contains_key`).
    pub fn has(&self, message: u32) -> bool {
        let Some(at) = (message / 64).checked_sub(self.base) else {
            return false;
        };
        self.words
            .get(at as usize)
            .is_some_and(|word| word & (1 << (message % 64)) != 0)
    }

    /// Remembers an id; whether it was not remembered. What is older than `ttl` is forgotten first, as
    /// `TimeCache::entry` does.
    pub fn put(&mut self, now: u64, ttl: u64, message: u32) -> bool {
        while let Some((oldest, at_ms)) = self.order.front().copied() {
            if u64::from(at_ms) * 1_000_000 + ttl > now {
                break;
            }
            self.order.pop_front();
            self.forget(oldest);
        }
        if self.has(message) {
            return false;
        }
        let word = message / 64;
        if self.words.is_empty() {
            self.base = word;
        }
        while word < self.base {
            self.words.push_front(0);
            self.base -= 1;
        }
        let at = (word - self.base) as usize;
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        self.words[at] |= 1 << (message % 64);
        // 49 days of virtual time; past them an id is forgotten at once, which costs a copy and breaks nothing.
        self.order
            .push_back((message, u32::try_from(now / 1_000_000).unwrap_or(u32::MAX)));
        true
    }

    /// Whether putting this id in would find its time over and forget it first. The oldest ids go first, so only an
    /// old window has to be looked through.
    pub fn is_over(&self, now: u64, ttl: u64, message: u32) -> bool {
        let over = self
            .order
            .iter()
            .take_while(|(_, at_ms)| u64::from(*at_ms) * 1_000_000 + ttl <= now);
        over.into_iter().any(|(id, _)| *id == message)
    }

    fn forget(&mut self, message: u32) {
        if let Some(at) = (message / 64).checked_sub(self.base)
            && let Some(word) = self.words.get_mut(at as usize)
        {
            *word &= !(1 << (message % 64));
        }
        while self.words.front() == Some(&0) {
            self.words.pop_front();
            self.base += 1;
        }
    }
}

/// Nobody: the source of a message of one's own.
pub const NOBODY: u32 = u32::MAX;

/// A message of the last few heartbeats.
#[derive(Clone, Debug)]
pub struct Recent {
    /// Which.
    pub message: u32,
    /// The peer that it came from first, or [`NOBODY`].
    pub from: u32,
    /// Heartbeats that the node had done when it came.
    pub tick: u32,
    /// Links that it had gone over.
    pub hops: u8,
    /// Whether the cache holds it (`mcache.rs`, `MessageCache::put`); otherwise only what peers said of it is here.
    pub held: bool,
    /// Whether its verdict was to accept.
    pub accepted: bool,
    /// Whether its verdict was to reject, which later copies' senders pay for, too.
    pub rejected: bool,
    /// Peers that want no copy (`behaviour.rs`, `PeerDetails::dont_send`).
    pub unwanted: Bits,
    /// Heartbeats that the node had done when the last of them said so.
    pub unwanted_tick: u32,
    /// Peers that brought a copy: before the verdict (`MessageCache::observe_duplicate`), and where mesh deliveries
    /// count in the score, within their window after it (`peer_score.rs`, `DeliveryRecord::peers`).
    pub copies: Bits,
    /// When it was accepted, ns.
    pub accepted_at: u64,
}

impl Recent {
    fn of(message: u32) -> Self {
        Self {
            message,
            from: NOBODY,
            tick: 0,
            hops: 0,
            held: false,
            accepted: false,
            rejected: false,
            unwanted: Bits::default(),
            unwanted_tick: 0,
            copies: Bits::default(),
            accepted_at: 0,
        }
    }
}

/// Messages of the last few heartbeats, by id.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    recent: Vec<Recent>,
}

impl Cache {
    fn find(&self, message: u32) -> Result<usize, usize> {
        match self.recent.last() {
            None => Err(0),
            Some(last) if last.message == message => Ok(self.recent.len() - 1),
            Some(last) if last.message < message => Err(self.recent.len()),
            Some(_) => self.recent.binary_search_by_key(&message, |recent| recent.message),
        }
    }

    /// What is known of it.
    pub fn entry(&self, message: u32) -> Option<&Recent> {
        self.find(message).ok().map(|at| &self.recent[at])
    }

    /// The same, to change.
    pub fn entry_mut(&mut self, message: u32) -> Option<&mut Recent> {
        self.find(message).ok().map(|at| &mut self.recent[at])
    }

    /// What is known of it, from now on if nothing is yet.
    pub fn entry_or_new(&mut self, message: u32) -> &mut Recent {
        let at = match self.find(message) {
            Ok(at) => at,
            Err(at) => {
                self.recent.insert(at, Recent::of(message));
                at
            }
        };
        &mut self.recent[at]
    }

    /// Whether nothing is known of any.
    pub fn is_empty(&self) -> bool {
        self.recent.is_empty()
    }

    /// All that is known.
    pub fn iter(&self) -> impl Iterator<Item = &Recent> {
        self.recent.iter()
    }

    /// Drops what this says no to.
    pub fn retain(&mut self, keep: impl FnMut(&mut Recent) -> bool) {
        self.recent.retain_mut(keep);
    }

    /// A peer has gone: what it said goes with it (`behaviour.rs`, `on_connection_closed`).
    pub fn forget_peer(&mut self, slot: u32) {
        for recent in &mut self.recent {
            recent.unwanted.take(slot);
        }
    }
}

impl Seen {
    pub(super) fn memory(&self) -> usize {
        self.words.capacity() * 8 + self.order.capacity() * 8
    }

    /// For [`super::Node::near`].
    pub(super) fn near(&self, depth: u32) -> usize {
        match depth {
            0 => self.words.len() + self.order.len(),
            _ => {
                let ends = [self.order.front(), self.order.back()];
                let order: usize = ends.into_iter().flatten().map(|(id, _)| *id as usize).sum();
                order + self.words.back().map_or(0, |word| word.count_ones() as usize)
            }
        }
    }
}

impl Cache {
    /// For [`super::Node::near`].
    pub(super) fn near(&self, depth: u32) -> usize {
        match depth {
            0 => self.recent.len(),
            _ => self
                .recent
                .iter()
                .rev()
                .take(4)
                .map(|recent| recent.message as usize)
                .sum(),
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.recent.capacity() * size_of::<Recent>()
    }
}
