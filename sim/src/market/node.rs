//! One node: the market machine, its disk, its catalogue, and what is under way.

use std::collections::{BTreeMap, BTreeSet};

use intentcast_protocol::{
    contact::ReplyPath,
    id::{IntentId, digest},
    item::Item,
    keys::{Key, PublicKey, Seed},
    ledger::Stored,
    list::{Bytes, List},
    market::{Candidate, Config, Event, Market, TaskId},
    time::Timestamp,
    topic::Topic,
};

use crate::market::check::Kept;

/// A node of the world.
#[derive(Debug)]
pub struct Node {
    /// The machine; nothing while the node is down.
    pub market: Option<Market>,
    pub(crate) config: Config,
    name: String,
    /// The key that it sells under.
    key: PublicKey,
    /// Counts the starts, so that what an earlier life began does not end in a later one.
    pub(crate) life: u64,
    /// The stored entries.
    pub disk: Vec<Vec<u8>>,
    /// What the disk holds, by what the promises are about.
    pub kept: Kept,
    /// The batch on its way to disk.
    pub(crate) appending: Option<Vec<Stored>>,
    /// The next batch fails.
    pub(crate) disk_full: bool,
    /// What it sends is tampered with.
    pub rogue: bool,
    pub(crate) catalogue: Vec<Item>,
    pub(crate) counted: Timestamp,
    /// Nodes that it is connected to.
    pub neighbours: BTreeSet<usize>,
    pub(crate) topics: BTreeSet<Topic>,
    /// Messages seen, as a gossip layer remembers them.
    pub(crate) seen: BTreeSet<[u8; 32]>,
    /// Messages that wait for a verdict: who brought them, where, what.
    pub(crate) tickets: BTreeMap<u64, (usize, Topic, Vec<u8>)>,
    /// Frames that wait for our reply: who asked, its task and its life.
    pub(crate) exchanges: BTreeMap<u64, (usize, TaskId, u64)>,
    /// Frames of ours that wait for a reply.
    pub(crate) pending: BTreeSet<TaskId>,
    pub(crate) wake: Option<Timestamp>,
    /// The port, so to speak: changes with a move.
    pub(crate) address: u8,
    /// Everything that it told its person, over all its lives.
    pub events: Vec<Event>,
}

impl Node {
    /// A node with nothing in its past.
    pub(crate) fn new(name: String, config: Config, catalogue: Vec<Item>, counted: Timestamp) -> Self {
        let key = seed_of(&name).seller_key().public();
        Self {
            market: None,
            config,
            name,
            key,
            life: 0,
            disk: Vec::new(),
            kept: Kept::default(),
            appending: None,
            disk_full: false,
            rogue: false,
            catalogue,
            counted,
            neighbours: BTreeSet::new(),
            topics: BTreeSet::new(),
            seen: BTreeSet::new(),
            tickets: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            pending: BTreeSet::new(),
            wake: None,
            address: 0,
            events: Vec::new(),
        }
    }

    pub(crate) fn seed(&self) -> Seed {
        seed_of(&self.name)
    }

    /// The key that it sells under.
    pub fn seller(&self) -> PublicKey {
        self.key
    }

    /// Every key that it signs with.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let seed = self.seed();
        let of_intents = self.kept.nonces().map(|nonce| seed.intent_key(nonce));
        std::iter::once(seed.seller_key()).chain(of_intents).collect()
    }

    /// Whether this want is of its own.
    pub(crate) fn has_cast(&self, intent: IntentId) -> bool {
        self.kept.has_cast(intent)
    }

    /// Whether it sells.
    pub fn sells(&self) -> bool {
        self.config.rules.is_some()
    }

    /// The market that its disk holds.
    ///
    /// # Errors
    /// Where the ledger does not hold.
    pub fn replayed(&self, now: Timestamp) -> Result<Market, String> {
        let entries = self.disk.iter().map(Vec::as_slice);
        Market::replay(self.seed(), self.config.clone(), entries, now).map_err(|broken| broken.to_string())
    }

    /// All that does not outlive a process is gone.
    pub(crate) fn die(&mut self) {
        self.market = None;
        self.life += 1;
        self.appending = None;
        self.disk_full = false;
        self.topics.clear();
        self.seen.clear();
        self.tickets.clear();
        self.exchanges.clear();
        self.pending.clear();
        self.wake = None;
    }

    pub(crate) fn store(&mut self, entries: Vec<Stored>) {
        for entry in entries {
            self.kept.note(&entry.bytes);
            self.disk.push(entry.bytes);
        }
    }

    /// What the catalogue has of the want's category whose title shares a word with the want's.
    pub(crate) fn search(&self, want: &intentcast_protocol::intent::Intent) -> Vec<Candidate> {
        let wanted = intentcast_protocol::attribute::words(want.title.as_str());
        let of = |item: &&Item| {
            let words = intentcast_protocol::attribute::words(item.title.as_str());
            want.category.covers(item.category) && words.iter().any(|word| wanted.contains(word))
        };
        let found = self.catalogue.iter().filter(of).cloned();
        let counted = self.counted;
        found.map(|item| Candidate { item, counted }).collect()
    }
}

fn seed_of(name: &str) -> Seed {
    Seed::new(digest("intentcast-sim/node", &[name.as_bytes()]))
}

/// Where node number `at` is reached, at its present address.
pub(crate) fn path_of(at: usize, address: u8) -> ReplyPath {
    ReplyPath {
        peer: peer_of(at),
        addrs: List::cut([Bytes::new([address]).expect("one byte is within any cap")]),
    }
}

pub(crate) fn peer_of<const MAX: usize>(at: usize) -> Bytes<MAX> {
    Bytes::new(at.to_be_bytes().to_vec()).expect("eight bytes are within a peer id's cap")
}

/// The node that a reply path names.
pub(crate) fn node_of(path: &ReplyPath) -> Option<usize> {
    let bytes: &[u8] = path.peer.as_ref();
    bytes.try_into().ok().map(usize::from_be_bytes)
}
