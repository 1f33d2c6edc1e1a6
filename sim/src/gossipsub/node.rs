//! One node's state, and its one door.

use super::bits::Bits;
use super::cache::{Cache, Seen};
use super::chance::Chance;
use super::rpc::{List, Rpc};
use super::score::{Penalty, Stats};
use super::settings::World;

/// What happens to a node's gossip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection to the peer of this slot is there.
    Connected {
        /// The peer's slot, from [`Node::slot_for`].
        slot: u32,
        /// Whether we dialled.
        outbound: bool,
    },
    /// The connection of this slot is gone.
    Disconnected(u32),
    /// A frame has come.
    Received(u32, Rpc),
    /// The heartbeat's time has come.
    Heartbeat,
    /// The verdict on a message is there.
    Verdict(u32),
    /// A message of our own.
    Publish(u32),
    /// Join a topic.
    Subscribe(u32),
    /// Leave one.
    Unsubscribe(u32),
}

/// What a node does about an event. The engine empties it.
#[derive(Debug, Default)]
pub struct Actions {
    /// Frames to send: slot of the receiver, and what. In each connection they go by class, then in this order.
    pub sends: Vec<(u32, Rpc)>,
    /// Messages that came for the first time, on a topic that the node has joined, and links they went over.
    pub delivered: Vec<(u32, u8)>,
    /// Messages whose verdict is to be given after the validation's time.
    pub judge: Vec<u32>,
    /// Copies of known messages that came.
    pub duplicates: u64,
    /// Messages refused on their verdict.
    pub rejected: u64,
    /// Own messages that no peer could be found for.
    pub unheard: u64,
    /// Kept between calls for its memory alone.
    pub(super) scratch: Vec<u32>,
    pub(super) ids: Vec<u32>,
}

impl Actions {
    /// Whether nothing is to be sent, told or judged.
    pub fn is_quiet(&self) -> bool {
        self.sends.is_empty() && self.delivered.is_empty() && self.judge.is_empty()
    }

    pub(super) fn send(&mut self, slot: u32, rpc: Rpc) {
        self.sends.push((slot, rpc));
    }
}

/// What has become of a connection, as far as the engine knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// There is none.
    #[default]
    None,
    /// Asked for.
    Dialling,
    /// Granted by this side; the handshake goes on.
    Accepted,
    /// Granted by the other side; the handshake goes on.
    Granted,
    /// It is there.
    Up,
}

/// One peer, in its slot. A peer keeps its slot while anything is remembered of it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its number.
    pub id: u32,
    /// Our slot at its side.
    pub theirs: u32,
    /// While connected, when the stream to it can carry gossip; when gone, since when. ns. The engine sets it before
    /// [`Event::Connected`].
    pub since: u64,
    /// One way to it, ns.
    pub delay: u32,
    /// What the engine knows of the connection.
    pub stage: Stage,
    pub(super) connected: bool,
}

/// A topic that the node has joined or published to, or that a peer has joined.
#[derive(Clone, Debug, Default)]
pub(super) struct Topic {
    pub id: u32,
    /// Whether the node has joined it.
    pub joined: bool,
    /// When the node, not having joined, last published to it; none: there is no fanout.
    pub fanout_since: Option<u64>,
    /// Peers that have joined it.
    pub subscribers: Bits,
    /// Its mesh where joined, its fanout otherwise.
    pub mesh: Bits,
    pub backoffs: Vec<super::mesh::Backoff>,
    pub stats: Vec<Stats>,
}

/// One node's gossip.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) peers: Vec<Peer>,
    pub(super) outbound: Bits,
    /// By id.
    pub(super) topics: Vec<Topic>,
    pub(super) seen: Seen,
    pub(super) cache: Cache,
    pub(super) promises: Vec<super::gossip::Promise>,
    pub(super) asked: Vec<super::gossip::Asked>,
    pub(super) answered: Vec<super::gossip::Answered>,
    pub(super) penalties: Vec<Penalty>,
    /// Whether any counter was ever raised that can make a score negative; until then none is.
    pub(super) soured: bool,
    pub(super) ticks: u32,
    /// Since when it runs, ns: its scores decay at whole intervals from here.
    pub(super) born: u64,
    pub(super) chance: Chance,
}

impl Node {
    /// A node that starts now, with a stream of chances of its own.
    pub fn new(now: u64, chance: Chance) -> Self {
        Self {
            peers: Vec::new(),
            outbound: Bits::default(),
            topics: Vec::new(),
            seen: Seen::default(),
            cache: Cache::default(),
            promises: Vec::new(),
            asked: Vec::new(),
            answered: Vec::new(),
            penalties: Vec::new(),
            soured: false,
            ticks: 0,
            born: now,
            chance,
        }
    }

    /// One event in, all actions out.
    pub fn step(&mut self, now: u64, world: &World, event: Event, out: &mut Actions) {
        match event {
            Event::Connected { slot, outbound } => self.connected(now, world, slot, outbound, out),
            Event::Disconnected(slot) => self.disconnected(now, world, slot),
            Event::Received(slot, rpc) => self.received(now, world, slot, rpc, out),
            Event::Heartbeat => self.heartbeat(now, world, out),
            Event::Verdict(message) => self.judged(now, world, message, out),
            Event::Publish(message) => self.publish(now, world, message, out),
            Event::Subscribe(topic) => self.join(now, world, topic, out),
            Event::Unsubscribe(topic) => self.leave(now, world, topic, out),
        }
    }

    /// A frame: subscriptions are heard from anyone, the rest from nobody below the graylist threshold
    /// (`behaviour.rs`, `on_connection_handler_event`).
    fn received(&mut self, now: u64, world: &World, slot: u32, rpc: Rpc, out: &mut Actions) {
        if !self.peers.get(slot as usize).is_some_and(|peer| peer.connected) {
            return;
        }
        if let Rpc::List(ids) = &rpc {
            match ids.list() {
                List::Subscribe => {
                    for topic in ids.all() {
                        self.peer_joined(now, world, slot, *topic, out);
                    }
                }
                List::Unsubscribe => {
                    for topic in ids.all() {
                        self.peer_left(now, world, slot, *topic);
                    }
                }
                List::IHave | List::IWant => {}
            }
        }
        if self.below(now, world, slot, |scoring| scoring.rates.graylist_threshold) {
            return;
        }
        match rpc {
            Rpc::Extensions => {}
            Rpc::Graft(topic) => self.grafted(now, world, slot, topic, out),
            Rpc::Prune { topic, backoff_s } => self.pruned(now, world, slot, topic, backoff_s),
            Rpc::IDontWant(message) => self.unwanted(world, slot, message),
            Rpc::Publish { message, hops } => self.arrived(now, world, slot, message, hops, out),
            Rpc::List(ids) => match ids.list() {
                List::Subscribe | List::Unsubscribe => {}
                List::IHave => self.offered(now, world, slot, ids.all(), out),
                List::IWant => self.wanted(now, world, slot, ids.all(), out),
            },
        }
    }

    /// The slot for a peer: the one it had, or one that nothing is remembered in, or a new one.
    pub fn slot_for(&mut self, now: u64, world: &World, id: u32) -> u32 {
        if let Some(slot) = self.slot_of(id) {
            return slot;
        }
        let fresh = Peer {
            id,
            theirs: u32::MAX,
            since: now,
            delay: 0,
            stage: Stage::None,
            connected: false,
        };
        let free = (0..self.peers.len() as u32).find(|slot| self.is_forgotten(now, world, *slot));
        match free {
            Some(slot) => {
                self.forget_score(slot);
                self.peers[slot as usize] = fresh;
                slot
            }
            None => {
                // Doubling would waste a third of what is most of a node's memory.
                if self.peers.len() == self.peers.capacity() {
                    self.peers.reserve_exact(8);
                }
                self.peers.push(fresh);
                self.peers.len() as u32 - 1
            }
        }
    }

    /// Makes room for so many peers, which spares the growing.
    pub fn expect_peers(&mut self, n: usize) {
        self.peers.reserve_exact(n);
    }

    /// The slot that a peer has.
    pub fn slot_of(&self, id: u32) -> Option<u32> {
        self.peers.iter().position(|peer| peer.id == id).map(|at| at as u32)
    }

    fn is_forgotten(&self, now: u64, world: &World, slot: u32) -> bool {
        let peer = &self.peers[slot as usize];
        if peer.connected || peer.stage != Stage::None {
            return false;
        }
        let retained = world
            .settings
            .scoring
            .as_ref()
            .is_some_and(|scoring| now <= peer.since.saturating_add(scoring.retain) && self.remembers_score(slot));
        let told = self.promises.iter().any(|promise| promise.slot == slot)
            || self.answered.iter().any(|answered| answered.slot == slot)
            || self.asked.iter().any(|asked| asked.slot == slot)
            || self
                .cache
                .iter()
                .any(|recent| recent.from == slot || recent.copies.has(slot));
        let backed_off = |topic: &Topic| topic.backoffs.iter().any(|backoff| backoff.slot == slot);
        !retained && !told && !self.topics.iter().any(backed_off)
    }

    /// All peers, by slot; those that have gone are among them.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// One peer, to change what the engine knows of it.
    pub fn peer_mut(&mut self, slot: u32) -> Option<&mut Peer> {
        self.peers.get_mut(slot as usize)
    }

    /// Whether the peer of this slot is connected.
    pub fn is_connected(&self, slot: u32) -> bool {
        self.peers.get(slot as usize).is_some_and(|peer| peer.connected)
    }

    /// Peers that were dialled.
    pub fn outbound(&self) -> &Bits {
        &self.outbound
    }

    /// Topics that the node has joined, and the slots in the mesh of each.
    pub fn meshes(&self) -> impl Iterator<Item = (u32, &Bits)> {
        self.topics
            .iter()
            .filter(|topic| topic.joined)
            .map(|topic| (topic.id, &topic.mesh))
    }

    /// The topics that the node has joined.
    pub fn joined(&self) -> Vec<u32> {
        self.meshes().map(|(id, _)| id).collect()
    }

    pub(super) fn topic(&self, id: u32) -> Option<&Topic> {
        match self.topics.as_slice() {
            [only] => (only.id == id).then_some(only),
            all => all.binary_search_by_key(&id, |topic| topic.id).ok().map(|at| &all[at]),
        }
    }

    pub(super) fn topic_at(&self, id: u32) -> Option<usize> {
        match self.topics.as_slice() {
            [only] => (only.id == id).then_some(0),
            all => all.binary_search_by_key(&id, |topic| topic.id).ok(),
        }
    }

    pub(super) fn topic_or_new(&mut self, id: u32) -> usize {
        match self.topics.binary_search_by_key(&id, |topic| topic.id) {
            Ok(at) => at,
            Err(at) => {
                if self.topics.capacity() == self.topics.len() {
                    self.topics.reserve_exact(1);
                }
                let topic = Topic { id, ..Topic::default() };
                self.topics.insert(at, topic);
                at
            }
        }
    }

    /// Bytes of memory that this node takes, its own heap in.
    pub fn memory(&self) -> usize {
        let topic = |topic: &Topic| {
            size_of::<Topic>()
                + topic.backoffs.capacity() * size_of::<super::mesh::Backoff>()
                + topic.stats.capacity() * size_of::<Stats>()
        };
        size_of::<Self>()
            + self.peers.capacity() * size_of::<Peer>()
            + self.topics.iter().map(topic).sum::<usize>()
            + self.cache.memory()
            + self.seen.memory()
            + self.promises.capacity() * size_of::<super::gossip::Promise>()
            + self.asked.capacity() * size_of::<super::gossip::Asked>()
            + self.answered.capacity() * size_of::<super::gossip::Answered>()
            + self.penalties.capacity() * size_of::<Penalty>()
    }
}
