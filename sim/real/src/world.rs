//! One run: nodes that come, speak and go as the script says, until its time is over.
//!
//! The loop is all there is to virtual time: whatever can run now runs; then the clock jumps to the next moment at
//! which a parcel arrives, a delay ends or the script goes on.

use std::collections::{BTreeMap, HashMap};
use std::task::{Context, Poll, Waker};

use intentcast_sim::outcome::Outcome;
use intentcast_sim::scenario::{self, Scenario};
use libp2p::PeerId;
use libp2p::gossipsub::MessageId;

use crate::clock::{self, Nanos};
use crate::dice::Dice;
use crate::links::Links;
use crate::measure::Record;
use crate::network;
use crate::node::{Conduct, Heard, Node, key};
use crate::script::{Act, Script};
use crate::{entropy, executor};

/// A verdict that is due: who heard what from whom.
struct Verdict {
    node: u32,
    id: MessageId,
    from: PeerId,
}

/// A run that goes on.
pub struct World<'a, C: Conduct> {
    scenario: &'a Scenario,
    seed: u64,
    nodes: Vec<Option<Node<C>>>,
    wakers: Vec<Waker>,
    /// Only ever looked up.
    numbers: HashMap<PeerId, u32>,
    script: Script,
    /// How much of it is done.
    done: usize,
    phases: Dice,
    /// By moment, then in the order of hearing.
    verdicts: BTreeMap<(Nanos, u64), Verdict>,
    heard: u64,
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
    let script = Script::of(scenario, seed)?;
    network::lay(scenario.nodes, Links::of(scenario, seed)?);
    let peers = (0..scenario.nodes).map(|node| (key(seed, node).public().to_peer_id(), node));
    let mut world = World::<C> {
        scenario,
        seed,
        nodes: (0..scenario.nodes).map(|_| None).collect(),
        wakers: (0..scenario.nodes).map(executor::node).collect(),
        numbers: peers.collect(),
        script,
        done: 0,
        phases: Dice::new(seed, "phases"),
        verdicts: BTreeMap::new(),
        heard: 0,
        record: Record::new(scenario.nodes),
        polls: 0,
        error: None,
    };
    let partial = world.go(scenario.length_ns(), enough);
    let World { mut nodes, record, polls, error, .. } = world;
    let degrees = nodes.iter_mut().flatten().flat_map(Node::degrees).collect();
    let outcome = network::with(|network| record.end(network, degrees, polls + network.sent(), partial));
    // The handles first: they point into the network.
    drop(nodes);
    executor::clear();
    network::clear();
    match error {
        Some(error) => Err(error),
        None => outcome.ok_or_else(|| "the network was taken away".into()),
    }
}

impl<C: Conduct> World<'_, C> {
    /// Runs until this moment; says whether it ended before.
    fn go(&mut self, end: Nanos, enough: Watch<'_>) -> bool {
        loop {
            self.settle();
            if self.error.is_some() || enough(clock::now()) {
                return true;
            }
            let parcel = network::with(|network| network.next()).flatten();
            let verdict = self.verdicts.first_key_value().map(|((at, _), _)| *at);
            let act = self.script.acts.get(self.done).map(|(at, _)| *at);
            let next = [parcel, clock::next(), verdict, act].into_iter().flatten().min();
            let now = next.map_or(end, |next| next.min(end));
            network::with(|network| self.record.tick(now, network));
            clock::advance(now);
            if next.is_none_or(|next| next > end) {
                return false;
            }
            network::with(|network| network.arrive());
            self.act();
        }
    }

    /// Lets everybody do what can be done now.
    fn settle(&mut self) {
        let polls = executor::run(|node, cx| self.poll(node, cx));
        self.polls += polls;
    }

    fn act(&mut self) {
        while let Some(first) = self.verdicts.first_entry()
            && first.key().0 <= clock::now()
        {
            let Verdict { node, id, from } = first.remove();
            self.with(node, |node| node.accept(&id, &from));
        }
        while let Some((at, act)) = self.script.acts.get(self.done)
            && *at <= clock::now()
        {
            self.done += 1;
            self.perform(*act);
        }
    }

    fn perform(&mut self, act: Act) {
        match act {
            Act::Start { node } => self.start(node),
            Act::Subscribe { node } => {
                let scenario = self.scenario;
                if let Some(Err(error)) = self.with(node, |node| node.subscribe(scenario)) {
                    self.error = Some(error);
                }
            }
            Act::Stop { node } => {
                if self.nodes[node as usize].take().is_some() {
                    self.record.went();
                }
            }
            Act::Dial { node, to } => {
                if self.nodes[to as usize].is_some() {
                    self.with(node, |node| node.dial(to));
                }
            }
            Act::Publish { message, node, topic } => self.publish(message, node, topic),
            Act::Part { partition } => self.part(partition, 1 << (partition % 64)),
            Act::Heal { partition } => self.part(partition, 0),
        }
    }

    fn start(&mut self, index: u32) {
        let spread = scenario::millis(self.scenario.gossipsub.heartbeat_spread_ms);
        let phase = self.phases.below(spread);
        let topics = self.script.topics[index as usize].clone();
        match Node::start(self.scenario, self.seed, index, phase, topics) {
            Ok(node) => {
                // One that is there already is replaced: it has come back before it went.
                if self.nodes[index as usize].replace(node).is_none() {
                    self.record.came();
                }
                self.wakers[index as usize].wake_by_ref();
            }
            Err(error) => self.error = Some(error),
        }
    }

    fn publish(&mut self, message: u32, node: u32, topic: u32) {
        let mut bytes = vec![0; self.scenario.traffic.size_bytes as usize];
        for (byte, number) in bytes.iter_mut().zip(message.to_le_bytes()) {
            *byte = number;
        }
        let listens = |(other, topics): &(usize, &Vec<u32>)| {
            *other != node as usize && topics.contains(&topic) && self.nodes[*other].is_some()
        };
        let expected = self.script.topics.iter().enumerate().filter(listens).count();
        let id = self.with(node, |node| node.publish(topic, bytes));
        self.record.published(id.and_then(Result::ok), node, topic, expected as u32);
    }

    fn part(&mut self, partition: u32, part: u64) {
        network::with(|network| {
            for node in &self.script.parts[partition as usize] {
                network.part(*node, part);
            }
            network.tear();
        });
    }

    /// Does something with a node, if it is there, and lets it run.
    fn with<R>(&mut self, index: u32, act: impl FnOnce(&mut Node<C>) -> R) -> Option<R> {
        let node = self.nodes[index as usize].as_mut()?;
        let done = act(node);
        self.wakers[index as usize].wake_by_ref();
        Some(done)
    }

    fn poll(&mut self, index: u32, cx: &mut Context<'_>) {
        loop {
            let Some(node) = &mut self.nodes[index as usize] else { return };
            let Poll::Ready(heard) = node.poll(cx) else { return };
            let (what, size): (&[u8], u64) = match heard {
                Heard::Message { id, from } => {
                    let neighbour = self.numbers.get(&from).copied();
                    if let Some(neighbour) = neighbour {
                        self.record.heard(&id, index, neighbour);
                    }
                    let validation = scenario::millis(self.scenario.gossipsub.validation_ms);
                    if validation == 0 {
                        node.accept(&id, &from);
                    } else {
                        self.heard += 1;
                        let due = (clock::now() + validation, self.heard);
                        self.verdicts.insert(due, Verdict { node: index, id, from });
                    }
                    (b"heard", neighbour.map_or(u64::MAX, u64::from))
                }
                Heard::Connected(peer) => (b"connected", self.number(&peer)),
                Heard::Lost(peer) => (b"lost", self.number(&peer)),
                Heard::DialFailed => (b"dial failed", 0),
                Heard::Other => (b"other", 0),
            };
            network::with(|network| network.note(what, index, size));
        }
    }

    fn number(&self, peer: &PeerId) -> u64 {
        self.numbers.get(peer).map_or(u64::MAX, |number| u64::from(*number))
    }
}
