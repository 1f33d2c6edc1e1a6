//! One run: nodes that come, speak and go as the plan says, until its time is over.
//!
//! The loop is all there is to virtual time: whatever can run now runs; then the clock jumps to the next moment at
//! which a parcel arrives, a delay ends or the plan goes on.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use intentcast_sim::engine::Plan;
use intentcast_sim::outcome::Outcome;
use intentcast_sim::scenario::{self, Scenario};
use libp2p::PeerId;
use libp2p::gossipsub::MessageId;

use crate::clock::{self, Nanos, SECOND};
use crate::measure::Record;
use crate::node::{Conduct, Heard, Node, peer};
use crate::{entropy, executor, network};

/// How long a node waits before it dials again whom it lost or could not reach; the model has the same.
const REDIAL: Nanos = 10 * SECOND;
/// What a node's chances are drawn for here; the model draws the same for the same, and so has the same heartbeats.
const FOR_HEARTBEAT: u64 = 17;
/// Purposes of one node's different lives are so far apart.
const LIFE: u64 = 256;

/// One thing that is due. Where it names a life, it is void in another one.
#[derive(Debug)]
enum Act {
    Start(u32),
    /// A node goes, without a word.
    Stop(u32),
    Subscribe(Life),
    /// The n-th of the nodes that it is to dial, and then the next.
    DialNth(Life, usize),
    Dial(Life, u32),
    Publish(u32),
    /// The network falls into parts, or is whole again.
    Cut,
    /// A message was looked at.
    Verdict(Life, MessageId, PeerId),
}

/// A node, from one coming to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    node: u32,
    nth: u64,
}

/// A node's place, whether it is there or not.
struct Seat<C: Conduct> {
    node: Option<Node<C>>,
    life: u64,
    since: Nanos,
    waker: Waker,
    peer: PeerId,
}

/// A run that goes on.
struct World<C: Conduct> {
    plan: Rc<Plan>,
    seats: Vec<Seat<C>>,
    /// Only ever looked up.
    numbers: HashMap<PeerId, u32>,
    /// By moment, then in the order in which they were settled.
    acts: BTreeMap<(Nanos, u64), Act>,
    settled: u64,
    record: Record,
    polls: u64,
    error: Option<String>,
}

/// How a run is watched: told the virtual time now and then, it may say that it is enough.
pub type Watch<'a> = &'a mut dyn FnMut(Nanos) -> bool;

/// Runs a scenario to its end, or until `enough` says so. It takes this thread's clock, entropy and network for itself.
///
/// An error says what of the scenario this level cannot do, or what gossipsub refuses.
pub fn run<C: Conduct>(scenario: &Scenario, seed: u64, enough: Watch<'_>) -> Result<Outcome, String> {
    entropy::seed(seed);
    if !scenario.attack.is_empty() {
        return Err("attack: the level `real` has no attackers".into());
    }
    if scenario.market.is_some() {
        return Err("market: the level `real` has no market".into());
    }
    let plan = Rc::new(Plan::of(scenario, seed).map_err(|error| error.to_string())?);
    network::lay(plan.clone());
    let mut world = World::<C>::of(plan);
    let partial = world.go(scenario.length_ns(), enough);
    let World {
        mut seats,
        record,
        polls,
        error,
        ..
    } = world;
    let nodes = seats.iter_mut().filter_map(|seat| seat.node.as_mut());
    let degrees = nodes.flat_map(Node::degrees).collect();
    let outcome = network::with(|network| record.end(network, degrees, polls + network.sent(), partial));
    // The handles first: they point into the network.
    drop(seats);
    executor::clear();
    network::clear();
    match error {
        Some(error) => Err(error),
        None => outcome.ok_or_else(|| "the network was taken away".into()),
    }
}

impl<C: Conduct> World<C> {
    /// Nobody is there yet, and all that is known beforehand is settled.
    fn of(plan: Rc<Plan>) -> Self {
        let nodes = plan.scenario.all_nodes();
        let seats: Vec<Seat<C>> = (0..nodes)
            .map(|node| Seat {
                node: None,
                life: 0,
                since: 0,
                waker: executor::node(node),
                peer: peer(plan.seed, node),
            })
            .collect();
        let mut world = Self {
            numbers: (0..nodes).map(|node| (seats[node as usize].peer, node)).collect(),
            seats,
            acts: BTreeMap::new(),
            settled: 0,
            record: Record::new(&plan),
            polls: 0,
            error: None,
            plan,
        };
        let plan = world.plan.clone();
        let end = plan.scenario.length_ns();
        for node in 0..nodes {
            let mut presence = plan.presence(node);
            while let Some((from, to)) = presence.next().filter(|(from, _)| *from <= end) {
                world.settle(from, Act::Start(node));
                if to <= end {
                    world.settle(to, Act::Stop(node));
                }
            }
        }
        for cut in plan.cuts() {
            world.settle(cut.start, Act::Cut);
        }
        for (message, published) in (0..).zip(&plan.published) {
            world.settle(published.at_ns, Act::Publish(message));
        }
        world
    }

    fn settle(&mut self, at: Nanos, act: Act) {
        self.settled += 1;
        self.acts.insert((at, self.settled), act);
    }

    /// Runs until this moment; says whether it ended before.
    fn go(&mut self, end: Nanos, enough: Watch<'_>) -> bool {
        loop {
            let polls = executor::run(|node, cx| self.poll(node, cx));
            self.polls += polls;
            if self.error.is_some() || enough(clock::now()) {
                return true;
            }
            let parcel = network::with(|network| network.next()).flatten();
            let act = self.acts.first_key_value().map(|((at, _), _)| *at);
            let next = [parcel, clock::next(), act].into_iter().flatten().min();
            let now = next.map_or(end, |next| next.min(end));
            network::with(|network| self.record.tick(now, network));
            clock::advance(now);
            if next.is_none_or(|next| next > end) {
                return false;
            }
            network::with(|network| network.arrive());
            while let Some(first) = self.acts.first_entry()
                && first.key().0 <= now
            {
                let act = first.remove();
                self.act(act);
            }
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Start(node) => self.start(node),
            Act::Stop(node) => {
                if self.seats[node as usize].node.take().is_some() {
                    self.record.went(node);
                }
            }
            Act::Subscribe(life) => {
                let plan = self.plan.clone();
                if let Some(Err(error)) = self.with(life, |node| node.subscribe(&plan.scenario)) {
                    self.error = Some(error);
                }
            }
            Act::DialNth(life, nth) => {
                if let Some(to) = self.plan.dials(life.node).get(nth).copied() {
                    self.dial(life, to);
                    let interval = scenario::millis(self.plan.scenario.topology.dial_interval_ms);
                    self.settle(clock::now() + interval, Act::DialNth(life, nth + 1));
                }
            }
            Act::Dial(life, to) => self.dial(life, to),
            Act::Publish(message) => self.publish(message),
            Act::Cut => {
                network::with(|network| network.tear());
            }
            Act::Verdict(life, id, from) => {
                self.with(life, |node| node.accept(&id, &from));
            }
        }
    }

    fn start(&mut self, node: u32) {
        let plan = self.plan.clone();
        let seat = &mut self.seats[node as usize];
        seat.life += 1;
        seat.since = clock::now();
        let life = Life { node, nth: seat.life };
        let spread = scenario::millis(plan.scenario.gossipsub.heartbeat_spread_ms);
        let phase = plan.chance(FOR_HEARTBEAT + LIFE * seat.life, node).below(spread.max(1));
        match Node::start(&plan, node, phase) {
            Ok(started) => seat.node = Some(started),
            Err(error) => {
                self.error = Some(error);
                return;
            }
        }
        seat.waker.wake_by_ref();
        self.record.came(node);
        let after = |ms| clock::now() + scenario::millis(ms);
        self.settle(after(plan.scenario.topics.subscribe_ms), Act::Subscribe(life));
        self.settle(after(plan.scenario.topology.first_dial_ms), Act::DialNth(life, 0));
    }

    fn dial(&mut self, life: Life, to: u32) {
        if !self.plan.links.is_reachable(to) {
            return;
        }
        if self.plan.is_cut(clock::now(), life.node, to) {
            return self.settle(clock::now() + REDIAL, Act::Dial(life, to));
        }
        let (plan, peer) = (self.plan.clone(), self.seats[to as usize].peer);
        self.with(life, |node| node.dial(&plan, to, peer));
    }

    fn publish(&mut self, message: u32) {
        let published = self.plan.published[message as usize];
        let mut bytes = vec![0; self.plan.scenario.traffic.size_bytes as usize];
        for (byte, number) in bytes.iter_mut().zip(message.to_le_bytes()) {
            *byte = number;
        }
        let life = self.life(published.node);
        let id = self.with(life, |node| node.publish(published.topic, bytes));
        self.record.published(message, published.node, id.and_then(Result::ok));
    }

    fn life(&self, node: u32) -> Life {
        Life {
            node,
            nth: self.seats[node as usize].life,
        }
    }

    /// Does something with a node, if it is there and in this life, and lets it run.
    fn with<R>(&mut self, life: Life, act: impl FnOnce(&mut Node<C>) -> R) -> Option<R> {
        let seat = &mut self.seats[life.node as usize];
        let node = seat.node.as_mut().filter(|_| seat.life == life.nth)?;
        let done = act(node);
        seat.waker.wake_by_ref();
        Some(done)
    }

    fn poll(&mut self, index: u32, cx: &mut Context<'_>) {
        let life = self.life(index);
        loop {
            let Seat {
                node: Some(node),
                since,
                ..
            } = &mut self.seats[index as usize]
            else {
                return;
            };
            let Poll::Ready(heard) = node.poll(cx) else { return };
            let (what, of) = match heard {
                Heard::Message { id, from } => {
                    let neighbour = self.numbers.get(&from).copied();
                    self.record.heard(&id, index, *since, neighbour);
                    let validation = scenario::millis(self.plan.scenario.gossipsub.validation_ms);
                    if validation == 0 {
                        node.accept(&id, &from);
                    } else {
                        self.settle(clock::now() + validation, Act::Verdict(life, id, from));
                    }
                    (b'm', neighbour)
                }
                Heard::Connected(peer) => (b'c', self.numbers.get(&peer).copied()),
                Heard::Lost { peer, dialled } => {
                    let other = self.numbers.get(&peer).copied();
                    if let Some(other) = other.filter(|_| dialled) {
                        self.settle(clock::now() + REDIAL, Act::Dial(life, other));
                    }
                    (b'l', other)
                }
                Heard::Unreachable(peer) => {
                    let other = self.numbers.get(&peer).copied();
                    if let Some(other) = other {
                        self.settle(clock::now() + REDIAL, Act::Dial(life, other));
                    }
                    (b'u', other)
                }
                Heard::Other => (b'o', None),
            };
            network::with(|network| network.note(what, index, of.map_or(u64::MAX, u64::from)));
        }
    }
}
