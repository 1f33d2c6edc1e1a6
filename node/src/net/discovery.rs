//! Finding peers: the meeting points of the configuration, the providers of each topic that is wanted, and enough
//! others to stay well connected.
//!
//! A wish is acted on when it arises and what is found is dialled when it is found; only repetition waits, a little
//! longer each time. Nothing here needs a meeting point once other peers are known.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use libp2p::identify;
use libp2p::kad::{self, QueryId, RecordKey};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::links::Net;
use super::meetings::Meetings;
use super::prospects::{self, Prospects};
use super::relay::{self, Relays};
use super::timers::{Due, jitter};
use super::{Event, address, behaviour, gossip};

/// Kademlia queries of ours at once.
const MAX_QUERIES: usize = 16;
/// Of these, announcements: each connects to the peers nearest to its topic, and nobody waits for them.
const MAX_ANNOUNCING: usize = 1;
/// And searches for topics to listen on: who is found for one topic serves others as a rule.
const MAX_LOOKING: usize = 2;
/// What one newcomer hears comes as one event a topic; nobody else is dialled before all of them are heard.
const INTRODUCTION: Duration = Duration::from_millis(5);
/// After so many lookups a topic's mesh counts, however many of its peers are connected.
const PATIENT_LOOKUPS: u32 = 3;
/// By how much the routing table grows until topics are announced again: others are nearest to them by then.
const OUTGROWN: usize = 8;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// A topic that we published to stays within reach this long.
const REACH_LIFE: Duration = Duration::from_secs(600);
const TICK: Duration = Duration::from_secs(15);

/// Each newcomer to a small routing table makes Kademlia visit every corner of it. So the first few enter when they are
/// met and the others a few each tick; else a small network is a full mesh of connections before it does anything else.
const ROUTED_AT_ONCE: usize = 3;
const ROUTED_A_TICK: usize = 4;
const MAX_UNROUTED: usize = 64;

/// Peers of a topic that we only reach which are never sent away.
const KEPT_PER_TOPIC: usize = gossip::MESH;
/// A peer that connected or asked this recently may be about to ask.
const FRESH: Duration = Duration::from_secs(60);

pub(super) struct Discovery {
    pub meetings: Meetings,
    /// Topics that are heard or reached.
    topics: BTreeMap<String, Wanted>,
    /// Connected peers of every topic.
    peers_of: HashMap<String, HashSet<PeerId>>,
    jobs: VecDeque<Job>,
    queries: HashMap<QueryId, Job>,
    prospects: Prospects,
    /// The routing table's size when topics were last announced.
    announced_at: usize,
    walks_in_vain: u32,
    pub relays: Relays,
    /// Peers that will enter the routing table, a few each tick.
    unrouted: HashMap<PeerId, Vec<Multiaddr>>,
}

#[derive(Default)]
struct Wanted {
    subscribed: bool,
    /// Reached until then, if not subscribed.
    until: Option<Instant>,
    /// Lookups since the wish arose.
    tries: u32,
    /// A lookup is queued, under way or has its time set.
    pending: bool,
    /// Makes an older timer void.
    wish: u64,
    /// Connected peers with which the last lookup is content.
    enough: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Job {
    Announce(String),
    Lookup(String),
    Walk,
}

impl Discovery {
    pub fn new(net: &mut Net) -> Self {
        net.timers.add(Instant::now() + jitter(TICK), Due::Tick);
        Self {
            meetings: Meetings::new(net),
            topics: BTreeMap::new(),
            peers_of: HashMap::new(),
            jobs: VecDeque::new(),
            queries: HashMap::new(),
            prospects: Prospects::default(),
            announced_at: 0,
            walks_in_vain: 0,
            relays: Relays::new(Instant::now()),
            unrouted: HashMap::new(),
        }
    }

    pub fn subscribe(&mut self, net: &mut Net, topic: &str) {
        self.topics.entry(topic.into()).or_default().subscribed = true;
        self.jobs.push_back(Job::Announce(topic.into()));
        self.want(net, topic);
    }

    pub fn unsubscribe(&mut self, net: &mut Net, topic: &str) {
        if let Some(wanted) = self.topics.get_mut(topic) {
            wanted.subscribed = false;
            if wanted.until.is_none() {
                self.topics.remove(topic);
            }
        }
        self.prospects.forget(topic);
        net.swarm.behaviour_mut().kad.stop_providing(&key(topic));
    }

    /// Keeps a topic within reach from now on, and looks for its peers if there are too few.
    pub fn reach(&mut self, net: &mut Net, topic: &str) {
        self.topics.entry(topic.into()).or_default().until = Some(Instant::now() + REACH_LIFE);
        if self.is_hungry(net, topic) {
            self.want(net, topic);
        }
    }

    /// Connected peers of a topic.
    pub fn peers_of(&self, topic: &str) -> usize {
        self.peers_of.get(topic).map_or(0, HashSet::len)
    }

    pub fn topics_of(&self, peer: &PeerId) -> usize {
        self.peers_of.values().filter(|peers| peers.contains(peer)).count()
    }

    pub fn tell_peers_of(&self, net: &mut Net, topic: &str, joined: Option<PeerId>) {
        if self.topics.contains_key(topic) {
            net.tell(Event::TopicPeers {
                topic: topic.into(),
                peers: self.peers_of(topic),
                joined: joined.map(PeerId::to_bytes),
            });
        }
    }

    pub fn subscribed(&mut self, net: &mut Net, peer: PeerId, topic: &str) {
        if self.prospects.settle(&peer) {
            net.timers.add(Instant::now() + INTRODUCTION, Due::Dial);
        }
        if self.peers_of.entry(topic.into()).or_default().insert(peer) {
            self.tell_peers_of(net, topic, Some(peer));
        }
    }

    pub fn unsubscribed(&mut self, net: &mut Net, peer: PeerId, topic: &str) {
        let Some(peers) = self.peers_of.get_mut(topic) else {
            return;
        };
        let was = peers.remove(&peer);
        if peers.is_empty() {
            self.peers_of.remove(topic);
        }
        if was {
            self.tell_peers_of(net, topic, None);
            if self.is_hungry(net, topic) {
                self.look_again(net, topic);
            }
        }
    }

    pub fn gone(&mut self, net: &mut Net, peer: PeerId) {
        let topics: Vec<_> = self
            .peers_of
            .iter()
            .filter(|(_, peers)| peers.contains(&peer))
            .map(|(topic, _)| topic.clone())
            .collect();
        for topic in topics {
            self.unsubscribed(net, peer, &topic);
        }
        self.dial_failed(net, peer);
        self.relays.gone(&peer);
        self.unrouted.remove(&peer);
        self.walks_in_vain = 0;
        self.meetings.lost(net, peer);
    }

    /// A peer has said who it is, and where.
    pub fn identified(&mut self, net: &mut Net, peer: PeerId, info: identify::Info) {
        let is_relay = info.protocols.contains(&relay::HOP);
        if info.protocols.contains(&behaviour::KADEMLIA) {
            let addrs = address::admitted(peer, info.listen_addrs, net.settings.allow_private);
            if net.routing() < ROUTED_AT_ONCE || net.is_routed(peer) {
                net.route(peer, addrs);
            } else if self.unrouted.len() < MAX_UNROUTED {
                self.unrouted.insert(peer, addrs);
            }
        }
        if is_relay {
            self.relays.met(net, peer);
        }
    }

    /// Where others find us has changed: what we announced before names the old place.
    pub fn moved(&mut self, net: &mut Net) {
        self.announce_all(net);
    }

    /// The routing table has grown. With its first entry topics can be announced and sought.
    pub fn routing_grew(&mut self, net: &mut Net) {
        if self.announced_at == 0 {
            self.announce_afresh(net);
        }
    }

    /// Topics are announced, and those that are poor are sought, as if for the first time.
    fn announce_afresh(&mut self, net: &mut Net) {
        self.announced_at = net.routing();
        self.announce_all(net);
        let hungry: Vec<_> = self
            .topics
            .keys()
            .filter(|topic| self.is_hungry(net, topic))
            .cloned()
            .collect();
        for topic in hungry {
            self.want(net, &topic);
        }
        self.walk(net);
    }

    fn announce_all(&mut self, net: &mut Net) {
        for (topic, _) in self.topics.iter().filter(|(_, wanted)| wanted.subscribed) {
            let job = Job::Announce(topic.clone());
            if !self.jobs.contains(&job) {
                self.jobs.push_back(job);
            }
        }
        self.start_jobs(net);
    }

    fn walk(&mut self, net: &mut Net) {
        let few = net.peers() < net.settings.config.target_peers;
        if few && !self.jobs.contains(&Job::Walk) && !self.queries.values().any(|job| *job == Job::Walk) {
            self.jobs.push_back(Job::Walk);
            self.start_jobs(net);
        }
    }

    /// Whether a topic has fewer peers than a mesh needs.
    fn is_hungry(&self, net: &Net, topic: &str) -> bool {
        let Some(wanted) = self.topics.get(topic) else {
            return false;
        };
        let known = self.peers_of(topic);
        if wanted.subscribed {
            // Where there are enough to ask, gossipsub makes a mesh of them at its next heartbeats; if it has not by the
            // time of the third lookup, these are not enough.
            if wanted.tries < PATIENT_LOOKUPS && known >= gossip::MESH + 2 {
                return false;
            }
            let mesh = net
                .swarm
                .behaviour()
                .gossip
                .mesh_peers(&gossip::topic(topic).hash())
                .count();
            return mesh < gossip::MESH_LOW;
        }
        known < gossip::MESH_LOW
    }

    /// Looks for peers of a topic now, and patiently from then on.
    fn want(&mut self, net: &mut Net, topic: &str) {
        let Some(wanted) = self.topics.get_mut(topic) else {
            return;
        };
        wanted.tries = 0;
        wanted.wish += 1;
        wanted.pending = true;
        let job = Job::Lookup(topic.into());
        if !self.jobs.contains(&job) && !self.queries.values().any(|running| *running == job) {
            self.jobs.push_front(job);
        }
        self.start_jobs(net);
    }

    fn look_again(&mut self, net: &mut Net, topic: &str) {
        if self.topics.get(topic).is_some_and(|wanted| !wanted.pending) {
            self.want(net, topic);
        }
    }

    pub fn lookup_due(&mut self, net: &mut Net, topic: &str, wish: u64) {
        let Some(wanted) = self.topics.get_mut(topic) else {
            return;
        };
        if wanted.wish != wish {
            return;
        }
        wanted.pending = false;
        if self.is_hungry(net, topic) {
            self.topics.entry(topic.into()).or_default().pending = true;
            self.jobs.push_back(Job::Lookup(topic.into()));
            self.start_jobs(net);
        }
    }

    fn start_jobs(&mut self, net: &mut Net) {
        let routing = net.routing();
        if routing == 0 {
            // There is nobody to ask; the first entry of the routing table brings every wish back.
            self.jobs.clear();
            for wanted in self.topics.values_mut() {
                wanted.pending = false;
            }
            return;
        }
        while self.queries.len() < MAX_QUERIES {
            let announcing = self
                .queries
                .values()
                .filter(|job| matches!(job, Job::Announce(_)))
                .count();
            let looking = self
                .queries
                .values()
                .filter(|job| matches!(job, Job::Lookup(_)))
                .count();
            let resting = looking >= MAX_LOOKING || self.prospects.awaits_somebody();
            let may = |job: &Job| match job {
                Job::Announce(_) => announcing < MAX_ANNOUNCING,
                // Somebody waits for a topic to speak on; for one to listen on, whoever comes for another may do.
                Job::Lookup(topic) => !resting || self.topics.get(topic).is_none_or(|wanted| !wanted.subscribed),
                Job::Walk => true,
            };
            let Some(job) = self.jobs.iter().position(may).and_then(|at| self.jobs.remove(at)) else {
                break;
            };
            if let Job::Lookup(topic) = &job
                && !self.is_hungry(net, topic)
            {
                if let Some(wanted) = self.topics.get_mut(topic) {
                    wanted.pending = false;
                }
                continue;
            }
            let kad = match &job {
                Job::Announce(_) if !net.has_address() => continue,
                _ => &mut net.swarm.behaviour_mut().kad,
            };
            let query = match &job {
                Job::Announce(topic) => match kad.start_providing(key(topic)) {
                    Ok(query) => query,
                    Err(_) => continue,
                },
                Job::Lookup(topic) => {
                    let known = self.peers_of.get(topic).map_or(0, HashSet::len);
                    let Some(wanted) = self.topics.get_mut(topic) else {
                        continue;
                    };
                    // Two more than a mesh wants, since some will be gone; with all of these and a mesh that is still
                    // too small, others.
                    wanted.enough = (gossip::MESH + 2).max(known + 2);
                    self.prospects.forget(topic);
                    kad.get_providers(key(topic))
                }
                Job::Walk => kad.get_closest_peers(PeerId::random()),
            };
            self.queries.insert(query, job);
        }
    }

    /// Providers of a topic were found. Where they are is asked at once: only the running query knows.
    pub fn found(&mut self, net: &mut Net, query: QueryId, providers: HashSet<PeerId>) {
        let Some(Job::Lookup(topic)) = self.queries.get(&query) else {
            return;
        };
        for peer in providers {
            if peer != *net.swarm.local_peer_id() && !net.swarm.is_connected(&peer) {
                let addrs = net.heard_addresses(peer);
                self.prospects.add(topic, peer, addrs);
            }
        }
        // A search goes on to the ends of the network, and connects to all that it asks there.
        let enough = self.topics.get(topic).map_or(0, |wanted| wanted.enough);
        if self.peers_of(topic) + self.prospects.of(topic) >= enough
            && let Some(mut query) = net.swarm.behaviour_mut().kad.query_mut(&query)
        {
            query.finish();
        }
        self.dial_next(net);
    }

    /// A peer that was dialled cannot be reached.
    pub fn dial_failed(&mut self, net: &mut Net, peer: PeerId) {
        if self.prospects.settle(&peer) {
            self.dials_settled(net);
        }
    }

    /// Dials found peers of topics that have too few, a few at a time, the poorest topic first.
    fn dial_next(&mut self, net: &mut Net) {
        while self.prospects.has_room() {
            let poor = |topic: &&String| {
                let enough = self.topics.get(*topic).map_or(0, |wanted| wanted.enough);
                self.peers_of(topic) + self.prospects.dialled(topic) < enough
            };
            let topics = self.prospects.topics().filter(poor);
            let poorest = topics.min_by_key(|topic| self.peers_of(topic) + self.prospects.dialled(topic));
            let Some(topic) = poorest.cloned() else { break };
            let Some((peer, addrs)) = self.prospects.next(&topic) else {
                break;
            };
            let opts = DialOpts::peer_id(peer).addresses(addrs).build();
            if !net.swarm.is_connected(&peer) && net.dial(opts).is_ok() {
                self.prospects.dialling(&topic, peer);
                net.timers.add(Instant::now() + prospects::PATIENCE, Due::Dial);
            }
        }
    }

    /// Whoever was dialled is there, or is waited for no more.
    pub fn dials_settled(&mut self, net: &mut Net) {
        self.dial_next(net);
        self.start_jobs(net);
    }

    /// A query has ended; `peers` are those that a walk came upon.
    pub fn ended(&mut self, net: &mut Net, query: QueryId, peers: Vec<(PeerId, Vec<Multiaddr>)>) {
        match self.queries.remove(&query) {
            Some(Job::Lookup(topic)) => {
                if let Some(wanted) = self.topics.get_mut(&topic) {
                    let wait = backoff(FIRST_WAIT, wanted.tries, LONGEST_WAIT);
                    wanted.tries += 1;
                    let due = Due::Lookup(topic, wanted.wish);
                    net.timers.add(Instant::now() + jitter(wait), due);
                }
            }
            Some(Job::Walk) => self.walked(net, peers),
            Some(Job::Announce(_)) | None => {}
        }
        self.start_jobs(net);
    }

    fn walked(&mut self, net: &mut Net, peers: Vec<(PeerId, Vec<Multiaddr>)>) {
        let mut room = net.settings.config.target_peers.saturating_sub(net.peers());
        let mut dialled = false;
        for (peer, addrs) in peers {
            let addrs = address::admitted(peer, addrs, net.settings.allow_private);
            let known = net.swarm.is_connected(&peer) || peer == *net.swarm.local_peer_id();
            if room > 0 && !known && net.dial(DialOpts::peer_id(peer).addresses(addrs).build()).is_ok() {
                room -= 1;
                dialled = true;
            }
        }
        self.walks_in_vain = if dialled {
            0
        } else {
            self.walks_in_vain.saturating_add(1)
        };
    }

    /// A peer on the local network.
    pub fn met(&mut self, net: &mut Net, peer: PeerId, addr: Multiaddr) {
        let addrs = address::admitted(peer, [addr], true);
        if net.peers() < net.settings.config.target_peers && !net.swarm.is_connected(&peer) {
            // A peer that cannot be dialled is met again at its next announcement.
            let _ = net.dial(DialOpts::peer_id(peer).addresses(addrs).build());
        }
    }

    /// What is done again and again, and waits for nothing in particular.
    pub fn tick(&mut self, net: &mut Net, ticks: u64) {
        let now = Instant::now();
        self.topics.retain(|_, wanted| {
            wanted.until = wanted.until.filter(|until| *until > now);
            wanted.subscribed || wanted.until.is_some()
        });
        let hungry: Vec<_> = self
            .topics
            .keys()
            .filter(|topic| self.is_hungry(net, topic))
            .cloned()
            .collect();
        for topic in hungry {
            self.look_again(net, &topic);
        }
        // Walks that found nobody new: 15 s, 30 s, 1 min ... 8 min apart.
        if ticks.is_multiple_of(1 << self.walks_in_vain.min(5)) {
            self.walk(net);
        }
        if self.announced_at > 0 && net.routing() >= OUTGROWN * self.announced_at {
            self.announce_afresh(net);
        }
        self.relays.seek(net);
        let few: Vec<_> = self.unrouted.keys().take(ROUTED_A_TICK).copied().collect();
        for peer in few {
            net.route(peer, self.unrouted.remove(&peer).unwrap_or_default());
        }
        self.trim(net);
        net.timers.add(now + jitter(TICK), Due::Tick);
    }

    /// Gossip streams keep connections open for good. Beyond what serves us, peers that are in none of our meshes and
    /// asked nothing lately go: so a node stays small, and newcomers find room.
    fn trim(&mut self, net: &mut Net) {
        let enough = (3 * net.settings.config.target_peers).min(net.settings.config.max_connections as usize / 2);
        let surplus = net.peers().saturating_sub(enough);
        if surplus == 0 {
            return;
        }
        let reached = self.topics.keys().filter_map(|topic| self.peers_of.get(topic));
        let kept: HashSet<PeerId> = net
            .swarm
            .behaviour()
            .gossip
            .all_mesh_peers()
            .chain(reached.flat_map(|peers| peers.iter().take(KEPT_PER_TOPIC)))
            .copied()
            .chain(self.meetings.peers())
            .chain(self.relays.used())
            .collect();
        for peer in net
            .idle_peers(FRESH)
            .into_iter()
            .filter(|peer| !kept.contains(peer))
            .take(surplus)
        {
            // It may be going by itself.
            let _ = net.swarm.disconnect_peer_id(peer);
        }
    }
}

/// The key of a topic's provider records.
fn key(topic: &str) -> kad::RecordKey {
    RecordKey::new(
        &Sha256::new()
            .chain_update(b"intentcast/1/topic\0")
            .chain_update(topic)
            .finalize(),
    )
}

pub(super) fn backoff(first: Duration, tries: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << tries.min(12)).min(longest)
}
