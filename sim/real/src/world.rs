//! One run: nodes that come, speak and go as the plan says, until its time is over.
//!
//! The loop is all there is to virtual time: whatever can run now runs; then the clock jumps to the next moment at
//! which a parcel arrives, a delay ends or the plan goes on.

mod siege;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use intentcast_sim::attack::{self, Camp};
use intentcast_sim::engine::{Plan, Purpose};
use intentcast_sim::gossipsub::Rpc;
use intentcast_sim::outcome::Outcome;
use intentcast_sim::scenario::{self, Scenario};
use libp2p::PeerId;
use libp2p::gossipsub::MessageId;

use crate::attacker::{Attacker, Timer};
use crate::clock::{self, Nanos, SECOND};
use crate::ground::Ground;
use crate::measure::Record;
use crate::messages::Messages;
use crate::node::{Conduct, Heard, Node};
use crate::{entropy, executor, network, wire};

/// How long a node waits before it dials again whom it lost or could not reach; the model has the same.
const REDIAL: Nanos = 10 * SECOND;

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
    /// What an attacker waited for.
    Ring(Life, Timer),
}

/// A node, from one coming to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    node: u32,
    nth: u32,
}

/// Who is in a place.
enum Sitter<C: Conduct> {
    Honest(Box<Node<C>>),
    Attacker(Box<Attacker>),
}

/// A node's place, whether it is there or not.
struct Seat<C: Conduct> {
    sitter: Option<Sitter<C>>,
    life: u32,
    since: Nanos,
    waker: Waker,
}

impl<C: Conduct> Seat<C> {
    fn honest(&mut self) -> Option<&mut Node<C>> {
        match &mut self.sitter {
            Some(Sitter::Honest(node)) => Some(node),
            Some(Sitter::Attacker(_)) | None => None,
        }
    }

    fn attacker(&mut self) -> Option<&mut Attacker> {
        match &mut self.sitter {
            Some(Sitter::Attacker(attacker)) => Some(attacker),
            Some(Sitter::Honest(_)) | None => None,
        }
    }
}

/// A run that goes on.
struct World<C: Conduct> {
    ground: Rc<Ground>,
    plan: Rc<Plan>,
    seats: Vec<Seat<C>>,
    camp: Camp,
    /// The second at which honest nodes are looked at next, and whether spies have their map.
    next_look: usize,
    is_mapped: bool,
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
    attack::are_of_gossip(scenario)?;
    if scenario.market.is_some() {
        return Err("market: the level `real` has no market".into());
    }
    let mut plan = Plan::of(scenario, seed).map_err(|error| error.to_string())?;
    let camp = Camp::of(&mut plan);
    let messages = Messages::of(&plan)?;
    let plan = Rc::new(plan);
    network::lay(plan.clone());
    let mut world = World::<C>::of(Ground::of(plan.clone(), messages), camp);
    let partial = world.go(scenario.length_ns(), enough);
    let World {
        mut seats,
        record,
        camp,
        polls,
        error,
        ..
    } = world;
    let nodes = seats.iter_mut().filter_map(Seat::honest);
    let degrees = nodes.flat_map(Node::degrees).collect();
    let mut outcome = network::with(|network| record.end(network, degrees, polls + network.sent(), partial));
    if let Some(outcome) = &mut outcome {
        camp.measure(&plan, outcome);
    }
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
    fn of(ground: Ground, camp: Camp) -> Self {
        let plan = ground.plan.clone();
        let nodes = plan.scenario.all_nodes();
        let seat = |node| Seat {
            sitter: None,
            life: 0,
            since: 0,
            waker: executor::node(node),
        };
        let mut world = Self {
            ground: Rc::new(ground),
            seats: (0..nodes).map(seat).collect(),
            camp,
            next_look: 0,
            is_mapped: false,
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
            self.look(now);
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
                if self.seats[node as usize].sitter.take().is_some() {
                    self.record.went(node);
                }
            }
            Act::Subscribe(life) => {
                let joined = self.with(life, |sitter, ground| match sitter {
                    Sitter::Honest(node) => node.subscribe(&ground.plan.scenario),
                    Sitter::Attacker(attacker) => {
                        attacker.subscribe();
                        Ok(())
                    }
                });
                if let Some(Err(error)) = joined {
                    self.error = Some(error);
                }
            }
            Act::DialNth(life, nth) => {
                if let Some(to) = self.plan.dials(life.node).get(nth).copied() {
                    self.dial(life, to);
                    let (_, interval) = self.plan.pace(life.node);
                    self.settle(clock::now() + interval, Act::DialNth(life, nth + 1));
                }
            }
            Act::Dial(life, to) => self.dial(life, to),
            Act::Publish(message) => self.publish(message),
            Act::Cut => {
                network::with(|network| network.tear());
            }
            Act::Verdict(life, id, from) => self.judge(life, &id, &from),
            Act::Ring(life, timer) => {
                self.with(life, |sitter, _| {
                    if let Sitter::Attacker(attacker) = sitter {
                        attacker.ring(timer);
                    }
                });
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
        let phase = plan.chance_in(seat.life, Purpose::Heartbeat, node).below(spread.max(1));
        let sitter = match plan.aim_of(node) {
            None => Node::start(&plan, node, phase).map(|node| Sitter::Honest(Box::new(node))),
            Some(_) => {
                let conduct = self.camp.conduct(&plan, node);
                let attacker = Attacker::start(self.ground.clone(), node, life.nth, phase, conduct);
                attacker.map(|attacker| Sitter::Attacker(Box::new(attacker)))
            }
        };
        match sitter {
            Ok(sitter) => seat.sitter = Some(sitter),
            Err(error) => {
                self.error = Some(error);
                return;
            }
        }
        seat.waker.wake_by_ref();
        self.record.came(node);
        let (joins, dials) = (scenario::millis(plan.scenario.topics.subscribe_ms), plan.pace(node).0);
        self.settle(clock::now() + joins, Act::Subscribe(life));
        self.settle(clock::now() + dials, Act::DialNth(life, 0));
        self.grant(life);
    }

    fn dial(&mut self, life: Life, to: u32) {
        if !self.plan.links.is_reachable(to) {
            return;
        }
        if self.plan.is_cut(clock::now(), life.node, to) {
            return self.settle(clock::now() + REDIAL, Act::Dial(life, to));
        }
        self.with(life, |sitter, ground| match sitter {
            Sitter::Honest(node) => node.dial(&ground.plan, to, ground.peer(to)),
            Sitter::Attacker(attacker) => attacker.dial(to),
        });
    }

    fn publish(&mut self, message: u32) {
        let published = self.plan.published[message as usize];
        let life = self.life(published.node);
        let id = self.with(life, |sitter, ground| match sitter {
            Sitter::Honest(node) => node.publish(published.topic, ground.messages.bytes(message)).ok(),
            Sitter::Attacker(_) => None,
        });
        self.record.published(message, published.node, id.flatten().is_some());
    }

    /// Gives an honest node its verdict on a message.
    fn judge(&mut self, life: Life, id: &MessageId, from: &PeerId) {
        let messages = &self.ground.messages;
        let is_valid = messages.number(id).is_some_and(|number| messages.is_valid(number));
        let judged = self.with(life, |sitter, _| {
            if let Sitter::Honest(node) = sitter {
                node.judge(id, from, is_valid);
            }
        });
        self.record.rejected(u64::from(!is_valid && judged.is_some()));
    }

    fn life(&self, node: u32) -> Life {
        Life {
            node,
            nth: self.seats[node as usize].life,
        }
    }

    /// Does something with a node, if it is there and in this life, and lets it run.
    fn with<R>(&mut self, life: Life, act: impl FnOnce(&mut Sitter<C>, &Ground) -> R) -> Option<R> {
        let seat = &mut self.seats[life.node as usize];
        let sitter = seat.sitter.as_mut().filter(|_| seat.life == life.nth)?;
        let done = act(sitter, &self.ground);
        seat.waker.wake_by_ref();
        self.grant(life);
        Some(done)
    }

    /// Settles what an attacker wants settled.
    fn grant(&mut self, life: Life) {
        let Some(attacker) = self.seats[life.node as usize].attacker() else {
            return;
        };
        let wishes = attacker.wishes();
        for (at, timer) in wishes.timers {
            self.settle(at, Act::Ring(life, timer));
        }
        for to in wishes.dials {
            self.settle(clock::now(), Act::Dial(life, to));
        }
        self.record.rejected(wishes.rejected);
        self.record.was_known(wishes.duplicates);
    }

    fn poll(&mut self, index: u32, cx: &mut Context<'_>) {
        let life = self.life(index);
        loop {
            let Seat {
                sitter: Some(sitter),
                since,
                ..
            } = &mut self.seats[index as usize]
            else {
                return;
            };
            let heard = match sitter {
                Sitter::Honest(node) => node.poll(cx),
                Sitter::Attacker(attacker) => attacker.poll(cx),
            };
            let (Poll::Ready(heard), since) = (heard, *since) else {
                return;
            };
            let (what, of) = self.heard(life, since, heard);
            network::with(|network| network.note(what, index, of.map_or(u64::MAX, u64::from)));
        }
    }

    /// A node heard something: what the trace calls it, and of whom.
    fn heard(&mut self, life: Life, since: Nanos, heard: Heard) -> (u8, Option<u32>) {
        match heard {
            Heard::Message { id, from } => {
                let neighbour = self.ground.number(&from);
                self.record.was_new();
                if let Some(number) = self.ground.messages.number(&id)
                    && self.record.heard(number, life.node, since, neighbour)
                {
                    self.sighted(number, life.node, neighbour);
                }
                let validation = scenario::millis(self.plan.scenario.gossipsub.validation_ms);
                if validation == 0 {
                    self.judge(life, &id, &from);
                } else {
                    self.settle(clock::now() + validation, Act::Verdict(life, id, from));
                }
                (b'm', neighbour)
            }
            Heard::Frame { from, bytes } => {
                let neighbour = self.ground.number(&from);
                let said = wire::decode(&bytes, &self.ground.messages).unwrap_or_default();
                for (mut rpc, from) in said.into_iter().zip(neighbour.into_iter().cycle()) {
                    if let Rpc::Publish { message, hops } = &mut rpc {
                        self.record.was_new();
                        self.record.heard(*message, life.node, since, Some(from));
                        *hops = self.record.hops(*message, life.node);
                    }
                    self.tell(life, |attacker| attacker.received(from, rpc));
                }
                (b'f', neighbour)
            }
            Heard::Connected { peer, first, dialled } => {
                let other = self.ground.number(&peer);
                if let Some(other) = other.filter(|_| first) {
                    self.tell(life, |attacker| attacker.connected(other, dialled));
                }
                (b'c', other)
            }
            Heard::Lost { peer, dialled } => {
                let other = self.ground.number(&peer);
                if let Some(other) = other {
                    self.tell(life, |attacker| attacker.lost(other));
                    if dialled {
                        self.settle(clock::now() + REDIAL, Act::Dial(life, other));
                    }
                }
                (b'l', other)
            }
            Heard::Unreachable(peer) => {
                let other = self.ground.number(&peer);
                if let Some(other) = other {
                    self.settle(clock::now() + REDIAL, Act::Dial(life, other));
                }
                (b'u', other)
            }
            Heard::Other => (b'o', None),
        }
    }

    /// Tells a node something, if it is an attacker.
    fn tell(&mut self, life: Life, what: impl FnOnce(&mut Attacker)) {
        if let Some(attacker) = self.seats[life.node as usize].attacker() {
            what(attacker);
            self.grant(life);
        }
    }
}
