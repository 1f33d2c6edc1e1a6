//! Who provides which topic, in memory: the one thing strangers may leave at a meeting point. It keeps no values, and
//! each list has an end, so that neither a crowd nor a flood makes it grow.

use std::borrow::Cow;
use std::collections::HashMap;
use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libp2p::PeerId;
use libp2p::kad::store::{Error, RecordStore, Result};
use libp2p::kad::{ProviderRecord, Record, RecordKey};

use crate::address::Policy;
use crate::config::Limits;

/// A topic's key is a SHA-256 of its name; anything else is not ours.
const KEY_BYTES: usize = 32;

/// How many providers one answer names. libp2p cuts answers there; one more, for it leaves out the asker.
const PER_ANSWER: usize = 21;

/// A record announced within this time gives way to nobody, so a flood of newcomers cannot push out those who are
/// there. An older one does, so that the dead do not keep out the living.
const STANDING: Duration = Duration::from_secs(60 * 60);

/// The least time between two searches of the whole store for records whose time is over.
const SWEEP: Duration = Duration::from_secs(30);

/// Provider records, bounded in all, by key and by provider.
pub(crate) struct ProviderStore {
    policy: Policy,
    total: usize,
    most: usize,
    most_per_key: usize,
    most_per_provider: usize,
    keys: HashMap<RecordKey, Vec<Announced>>,
    /// How many keys each provider has.
    providers: HashMap<PeerId, usize>,
    swept: Option<Instant>,
    /// Where the next answer starts, so that askers are spread over all providers of a key.
    turn: AtomicUsize,
}

struct Announced {
    at: Instant,
    record: ProviderRecord,
}

impl ProviderStore {
    pub(crate) fn new(policy: Policy, limits: &Limits) -> Self {
        Self {
            policy,
            total: 0,
            most: limits.providers,
            most_per_key: limits.providers_per_key,
            most_per_provider: limits.keys_per_provider,
            keys: HashMap::new(),
            providers: HashMap::new(),
            swept: None,
            turn: AtomicUsize::new(0),
        }
    }

    /// All records, those whose time is over but which nothing has looked at yet among them.
    pub(crate) fn len(&self) -> usize {
        self.total
    }

    fn announce(&mut self, now: Instant, mut record: ProviderRecord) -> Result<()> {
        if record.key.as_ref().len() != KEY_BYTES {
            return Err(Error::ValueTooLarge);
        }
        record.addresses = self.policy.admitted(record.provider, &record.addresses);

        if let Some(known) = self.keys.get_mut(&record.key)
            && let Some(known) = known.iter_mut().find(|known| known.record.provider == record.provider)
        {
            *known = Announced { at: now, record };
            return Ok(());
        }

        self.make_room(now, &record)?;
        *self.providers.entry(record.provider).or_default() += 1;
        self.total += 1;
        self.keys
            .entry(record.key.clone())
            .or_default()
            .push(Announced { at: now, record });
        Ok(())
    }

    /// Sees to it that one more record of this key and provider is within the bounds.
    fn make_room(&mut self, now: Instant, wanted: &ProviderRecord) -> Result<()> {
        if self.is_full_for(wanted) {
            self.sweep(now);
        }
        if self.key_is_full(wanted) {
            let oldest = self.keys[&wanted.key]
                .iter()
                .min_by_key(|known| known.at)
                .filter(|oldest| now.duration_since(oldest.at) > STANDING)
                .map(|oldest| oldest.record.provider);
            if let Some(provider) = oldest {
                self.forget(&wanted.key, &provider);
            }
        }
        if self.is_full_for(wanted) {
            Err(Error::MaxProvidedKeys)
        } else {
            Ok(())
        }
    }

    fn is_full_for(&self, wanted: &ProviderRecord) -> bool {
        let of_provider = self.providers.get(&wanted.provider).copied();
        self.total >= self.most || of_provider.unwrap_or(0) >= self.most_per_provider || self.key_is_full(wanted)
    }

    fn key_is_full(&self, wanted: &ProviderRecord) -> bool {
        let of_key = self.keys.get(&wanted.key).map_or(0, Vec::len);
        of_key >= self.most_per_key
    }

    /// Drops what has expired. It reads every record, so a peer that knocks at a full store cannot cause it at will.
    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now.duration_since(swept) < SWEEP) {
            return;
        }
        self.swept = Some(now);
        let Self {
            keys, providers, total, ..
        } = self;
        keys.retain(|_, known| {
            known.retain(|known| {
                let stays = !known.record.is_expired(now);
                if !stays {
                    *total -= 1;
                    count_down(providers, &known.record.provider);
                }
                stays
            });
            !known.is_empty()
        });
    }

    fn forget(&mut self, key: &RecordKey, provider: &PeerId) {
        let Some(known) = self.keys.get_mut(key) else {
            return;
        };
        let Some(at) = known.iter().position(|known| known.record.provider == *provider) else {
            return;
        };
        known.remove(at);
        if known.is_empty() {
            self.keys.remove(key);
        }
        self.total -= 1;
        count_down(&mut self.providers, provider);
    }

    fn answer(&self, now: Instant, key: &RecordKey) -> Vec<ProviderRecord> {
        let Some(known) = self.keys.get(key) else {
            return Vec::new();
        };
        let turn = self.turn.fetch_add(PER_ANSWER - 1, Ordering::Relaxed) % known.len();
        let (before, from) = known.split_at(turn);
        from.iter()
            .chain(before)
            .filter(|known| !known.record.is_expired(now))
            .take(PER_ANSWER)
            .map(|known| known.record.clone())
            .collect()
    }
}

fn count_down(providers: &mut HashMap<PeerId, usize>, provider: &PeerId) {
    if let Some(keys) = providers.get_mut(provider) {
        *keys -= 1;
        if *keys == 0 {
            providers.remove(provider);
        }
    }
}

impl RecordStore for ProviderStore {
    type RecordsIter<'a> = iter::Empty<Cow<'a, Record>>;
    type ProvidedIter<'a> = iter::Empty<Cow<'a, ProviderRecord>>;

    fn get(&self, _: &RecordKey) -> Option<Cow<'_, Record>> {
        None
    }

    fn put(&mut self, _: Record) -> Result<()> {
        Err(Error::MaxRecords)
    }

    fn remove(&mut self, _: &RecordKey) {}

    fn records(&self) -> Self::RecordsIter<'_> {
        iter::empty()
    }

    fn add_provider(&mut self, record: ProviderRecord) -> Result<()> {
        self.announce(Instant::now(), record)
    }

    fn providers(&self, key: &RecordKey) -> Vec<ProviderRecord> {
        self.answer(Instant::now(), key)
    }

    /// A meeting point itself provides nothing.
    fn provided(&self) -> Self::ProvidedIter<'_> {
        iter::empty()
    }

    fn remove_provider(&mut self, key: &RecordKey, provider: &PeerId) {
        self.forget(key, provider);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

    fn store(limits: Limits) -> ProviderStore {
        let policy = Policy { allow_private: false };
        ProviderStore::new(policy, &limits)
    }

    fn key(n: u8) -> RecordKey {
        RecordKey::new(&[n; 32])
    }

    fn record(now: Instant, key: RecordKey, provider: PeerId) -> ProviderRecord {
        let mut record = ProviderRecord::new(key, provider, vec![]);
        record.expires = Some(now + LIFE);
        record
    }

    #[test]
    fn a_value_is_refused_and_so_is_a_key_of_another_size() {
        let now = Instant::now();
        let mut store = store(Limits::default());
        assert!(store.put(Record::new(key(1), vec![1])).is_err());
        assert!(store.get(&key(1)).is_none());
        for size in [0, 31, 33, 34, 64] {
            let key = RecordKey::new(&vec![7; size]);
            assert!(store.announce(now, record(now, key, PeerId::random())).is_err());
        }
        assert_eq!(store.len(), 0);
    }

    #[test]
    fn announcing_again_renews_and_does_not_add() {
        let now = Instant::now();
        let later = now + LIFE - Duration::from_secs(1);
        let peer = PeerId::random();
        let mut store = store(Limits::default());
        store.announce(now, record(now, key(1), peer)).unwrap();
        store.announce(later, record(later, key(1), peer)).unwrap();
        assert_eq!(store.len(), 1);
        assert_eq!(store.answer(now + LIFE, &key(1)).len(), 1);
        assert_eq!(store.answer(later + LIFE, &key(1)).len(), 0);
    }

    #[test]
    fn askers_in_turn_are_told_of_every_provider() {
        let now = Instant::now();
        let mut store = store(Limits::default());
        let peers: HashSet<_> = (0..100).map(|_| PeerId::random()).collect();
        for peer in &peers {
            store.announce(now, record(now, key(1), *peer)).unwrap();
        }
        let told: HashSet<_> = (0..5)
            .flat_map(|_| store.answer(now, &key(1)))
            .map(|record| record.provider)
            .collect();
        assert_eq!(told, peers);
        assert!(store.answer(now, &key(1)).len() <= PER_ANSWER);
        assert!(store.answer(now, &key(2)).is_empty());
    }

    #[test]
    fn a_flood_does_not_push_out_those_who_are_there_but_the_silent_give_way() {
        let now = Instant::now();
        let mut store = store(Limits {
            providers_per_key: 2,
            ..Limits::default()
        });
        let (silent, alive) = (PeerId::random(), PeerId::random());
        store.announce(now, record(now, key(1), silent)).unwrap();
        store.announce(now, record(now, key(1), alive)).unwrap();
        assert!(store.announce(now, record(now, key(1), PeerId::random())).is_err());

        let later = now + STANDING + Duration::from_secs(1);
        store.announce(later, record(later, key(1), alive)).unwrap();
        let newcomer = PeerId::random();
        store.announce(later, record(later, key(1), newcomer)).unwrap();
        assert!(store.announce(later, record(later, key(1), PeerId::random())).is_err());
        let told: HashSet<_> = store
            .answer(later, &key(1))
            .into_iter()
            .map(|record| record.provider)
            .collect();
        assert_eq!(told, HashSet::from([alive, newcomer]));
    }

    #[test]
    fn one_peer_cannot_take_every_key_nor_all_peers_more_than_there_is_room_for() {
        let now = Instant::now();
        let mut store = store(Limits {
            keys_per_provider: 3,
            providers: 5,
            ..Limits::default()
        });
        let (greedy, other) = (PeerId::random(), PeerId::random());
        let taken = (0..10)
            .filter(|n| store.announce(now, record(now, key(*n), greedy)).is_ok())
            .count();
        assert_eq!(taken, 3);
        let taken = (0..10)
            .filter(|n| store.announce(now, record(now, key(*n), other)).is_ok())
            .count();
        assert_eq!(taken, 2);
        assert_eq!(store.len(), 5);
    }

    #[test]
    fn what_has_expired_makes_room() {
        let now = Instant::now();
        let mut store = store(Limits {
            providers: 2,
            ..Limits::default()
        });
        store.announce(now, record(now, key(1), PeerId::random())).unwrap();
        store.announce(now, record(now, key(2), PeerId::random())).unwrap();
        let later = now + LIFE + Duration::from_secs(1);
        store.announce(later, record(later, key(3), PeerId::random())).unwrap();
        assert_eq!((store.len(), store.keys.len(), store.providers.len()), (1, 1, 1));
        store.remove_provider(&key(9), &PeerId::random());
        let last = store.answer(later, &key(3)).remove(0).provider;
        store.remove_provider(&key(3), &last);
        assert_eq!((store.len(), store.keys.len(), store.providers.len()), (0, 0, 0));
    }
}
