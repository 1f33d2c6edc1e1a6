//! The network between the nodes: connections, streams, and what is on its way on them.
//!
//! It is one table for this thread, which the handles that libp2p holds (transports, muxers, streams) point into, since
//! libp2p wants handles that could be sent to other threads. Its calls wake, but they run no code of libp2p's.

mod connections;
mod streams;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;
use std::task::Waker;

use intentcast_sim::engine::{Plan, Purpose};
use intentcast_sim::gossipsub::Chance;
use intentcast_sim::links::Gauges;
use libp2p::PeerId;
use sha2::{Digest, Sha256};
use slab::Slab;

use crate::clock::{self, Nanos};
use crate::rpc::Counts;
use connections::Connection;
use streams::Stream;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Dialler,
    Listener,
}

impl Side {
    pub fn opposite(self) -> Self {
        match self {
            Self::Dialler => Self::Listener,
            Self::Listener => Self::Dialler,
        }
    }

    fn at(self) -> usize {
        self as usize
    }
}

/// What is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Parcel {
    /// A dial has come to the other node.
    Dial { connection: usize },
    /// A handshake is through, for both.
    Greeting { connection: usize },
    /// Nobody was there, or nothing came back.
    Refusal { connection: usize },
    /// A piece of a stream is at this side's line, which may be narrow.
    Line { stream: usize, to: Side, piece: Piece },
    /// A piece of a stream is there.
    Bytes { stream: usize, to: Side, piece: Piece },
    /// No more bytes of a stream come to this side; `dropped`: and nobody will read what it sends.
    End { stream: usize, to: Side, dropped: bool },
    /// The connection's other side has gone.
    Gone { connection: usize, to: Side },
}

/// So many bytes that were written at once, and with them the last byte of so many payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    bytes: u32,
    payloads: u32,
}

/// A node's place in the network.
#[derive(Debug)]
struct Station {
    /// Who answers there, while somebody does.
    listens: Option<PeerId>,
    /// Connections that have come, until the transport takes them.
    calls: VecDeque<usize>,
    waker: Option<Waker>,
    /// How full its lines are; none, where nothing holds bytes up.
    gauges: Option<Gauges>,
    /// What its lines call its connections.
    slots: Slab<()>,
    /// Draws jitter and loss.
    chance: Chance,
    traffic: Traffic,
}

/// What a node said, and what was said to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    pub said: Counts,
    /// Bytes of payloads sent to it, and of everything else.
    pub heard: (u64, u64),
}

/// All that lies between the nodes.
pub struct Network {
    plan: Rc<Plan>,
    stations: Vec<Station>,
    connections: Slab<Connection>,
    streams: Slab<Stream>,
    /// By moment, then in the order of sending.
    on_the_way: BinaryHeap<Reverse<(Nanos, u64, Parcel)>>,
    sent: u64,
    trace: Sha256,
    total: Counts,
    payloads_arrived: u64,
}

thread_local! {
    static NETWORK: RefCell<Option<Network>> = const { RefCell::new(None) };
}

/// Lays the network of a plan, which nobody is on yet.
pub fn lay(plan: Rc<Plan>) {
    let is_plain = plan.links.path().is_plain();
    let station = |node| Station {
        listens: None,
        calls: VecDeque::new(),
        waker: None,
        gauges: (!is_plain).then(|| Gauges::of(plan.is_phone(node))),
        slots: Slab::new(),
        chance: plan.chance_in(0, Purpose::Links, node),
        traffic: Traffic::default(),
    };
    let network = Network {
        stations: (0..plan.scenario.all_nodes()).map(station).collect(),
        connections: Slab::new(),
        streams: Slab::new(),
        on_the_way: BinaryHeap::new(),
        sent: 0,
        trace: Sha256::new(),
        total: Counts::default(),
        payloads_arrived: 0,
        plan,
    };
    NETWORK.set(Some(network));
}

/// Takes the network away; handles that are left are dead from then on.
pub fn clear() {
    NETWORK.set(None);
}

/// Does something with the network; nothing, when it has been taken away.
pub fn with<R>(act: impl FnOnce(&mut Network) -> R) -> Option<R> {
    let done = NETWORK.try_with(|network| network.borrow_mut().as_mut().map(act));
    done.ok().flatten()
}

impl Network {
    /// When the next parcel arrives.
    pub fn next(&self) -> Option<Nanos> {
        self.on_the_way.peek().map(|Reverse((at, ..))| *at)
    }

    /// Lets everything arrive that is due by now.
    pub fn arrive(&mut self) {
        let now = clock::now();
        while let Some(Reverse((at, ..))) = self.on_the_way.peek()
            && *at <= now
        {
            let Some(Reverse((_, _, parcel))) = self.on_the_way.pop() else {
                break;
            };
            self.deliver(parcel);
        }
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Dial { connection } => self.dialled(connection),
            Parcel::Greeting { connection } => self.greeted(connection),
            Parcel::Refusal { connection } => self.refused(connection),
            Parcel::Line { stream, to, piece } => self.queue(stream, to, piece),
            Parcel::Bytes { stream, to, piece } => self.bytes(stream, to, piece),
            Parcel::End { stream, to, dropped } => self.ended(stream, to, dropped),
            Parcel::Gone { connection, to } => self.gone(connection, to),
        }
    }

    fn send(&mut self, at: Nanos, parcel: Parcel) {
        self.sent += 1;
        self.on_the_way.push(Reverse((at, self.sent, parcel)));
    }

    /// Notes that something happened to a node, for the trace.
    pub fn note(&mut self, what: u8, node: u32, size: u64) {
        let mut line = [0; 21];
        line[0] = what;
        line[1..9].copy_from_slice(&clock::now().to_le_bytes());
        line[9..13].copy_from_slice(&node.to_le_bytes());
        line[13..].copy_from_slice(&size.to_le_bytes());
        self.trace.update(line);
    }

    /// A hash over all that was noted so far.
    pub fn trace(&self) -> [u8; 32] {
        self.trace.clone().finalize().into()
    }

    /// Parcels sent so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// What all nodes said so far.
    pub fn total(&self) -> &Counts {
        &self.total
    }

    /// Payloads that have come to where they were sent, so far.
    pub fn payloads_arrived(&self) -> u64 {
        self.payloads_arrived
    }

    /// What each node said and heard so far.
    pub fn traffic(&self) -> impl Iterator<Item = &Traffic> {
        self.stations.iter().map(|station| &station.traffic)
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
