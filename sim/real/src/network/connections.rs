//! Connections: dialled, taken, and gone.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};

use intentcast_sim::links::Frame;
use libp2p::{Multiaddr, PeerId};

use super::{Network, Parcel, Side, wake};
use crate::clock::{self, Nanos};
use crate::transport::address;

#[derive(Debug)]
pub(super) struct Connection {
    /// The one that dialled, and the one that listens.
    pub nodes: [u32; 2],
    dials: PeerId,
    /// What each side's line calls it.
    pub slots: [usize; 2],
    stage: Stage,
    /// Waits for the handshake.
    dialler: Option<Waker>,
    pub ends: [End; 2],
    /// Handles, streams and parcels that name it.
    uses: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Dialled,
    /// With the one who listens.
    Up(PeerId),
    Refused(io::ErrorKind),
    /// Who dialled does not want it any more.
    Abandoned,
}

#[derive(Debug, Default)]
pub(super) struct End {
    /// Streams that have come, until the muxer takes them.
    pub streams: VecDeque<usize>,
    pub waker: Option<Waker>,
    /// When the last parcel to this side arrives: later ones do not overtake it.
    pub last: Nanos,
    /// The other side has gone, and this one has heard of it.
    other_gone: bool,
    /// This side has gone.
    pub closed: bool,
}

impl End {
    /// Whether what comes to this side is lost.
    pub fn is_deaf(&self) -> bool {
        self.closed || self.other_gone
    }
}

impl Network {
    /// Somebody listens at this node.
    pub fn listen(&mut self, node: u32, peer: PeerId) {
        self.stations[node as usize].listens = Some(peer);
    }

    /// Nobody listens there any more.
    pub fn leave(&mut self, node: u32) {
        let station = &mut self.stations[node as usize];
        station.listens = None;
        station.waker = None;
        let calls = std::mem::take(&mut station.calls);
        for connection in calls {
            self.hang_up(connection, Side::Listener);
        }
    }

    /// A connection that has come to this node, and from whom; its listener's side is a handle from now on.
    pub fn poll_call(&mut self, node: u32, cx: &mut Context<'_>) -> Poll<(usize, PeerId, Multiaddr)> {
        let station = &mut self.stations[node as usize];
        match station.calls.pop_front() {
            Some(connection) => {
                let Connection { nodes, dials, .. } = &self.connections[connection];
                Poll::Ready((connection, *dials, address(&self.plan, nodes[0])))
            }
            None => {
                station.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Dials, and gives back the connection that may come of it; its dialler's side is a handle from now on. None,
    /// when there is no such node.
    pub fn dial(&mut self, from: u32, dials: PeerId, to: u32) -> Option<usize> {
        self.stations.get(to as usize)?;
        let slots = [from, to].map(|node| self.stations[node as usize].slots.insert(()));
        let connection = self.connections.insert(Connection {
            nodes: [from, to],
            dials,
            slots,
            stage: Stage::Dialled,
            dialler: None,
            ends: Default::default(),
            uses: 2,
        });
        let at = clock::now() + self.plan.links.delay(from, to);
        self.send(at, Parcel::Dial { connection });
        Some(connection)
    }

    /// What became of a dial.
    pub fn poll_dial(&mut self, connection: usize, cx: &mut Context<'_>) -> Poll<io::Result<PeerId>> {
        let connection = &mut self.connections[connection];
        match connection.stage {
            Stage::Up(peer) => Poll::Ready(Ok(peer)),
            Stage::Refused(why) => Poll::Ready(Err(why.into())),
            Stage::Dialled | Stage::Abandoned => {
                connection.dialler = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// A dial is wanted no more.
    pub fn abandon(&mut self, connection: usize) {
        match self.connections[connection].stage {
            Stage::Up(_) => self.hang_up(connection, Side::Dialler),
            _ => {
                self.connections[connection].stage = Stage::Abandoned;
                self.release(connection);
            }
        }
    }

    /// The other node hears of a dial. What its answer takes, and the handshake after it, is for both sides the same.
    pub(super) fn dialled(&mut self, connection: usize) {
        let [from, to] = self.connections[connection].nodes;
        let back = self.plan.links.delay(from, to);
        let is_there = self.stations[to as usize].listens.is_some() && !self.plan.is_cut(clock::now(), from, to);
        if is_there {
            let handshake = (2.0 * self.plan.scenario.links.handshake_round_trips * back as f64) as Nanos;
            self.send(clock::now() + handshake, Parcel::Greeting { connection });
        } else {
            self.send(clock::now() + back, Parcel::Refusal { connection });
        }
    }

    pub(super) fn greeted(&mut self, connection: usize) {
        let call = &mut self.connections[connection];
        let [from, to] = call.nodes;
        let is_cut = self.plan.is_cut(clock::now(), from, to);
        let there = &mut self.stations[to as usize];
        if let (Stage::Dialled, Some(peer), false) = (call.stage, there.listens, is_cut) {
            call.stage = Stage::Up(peer);
            // What was the parcel's use is the listening side's now.
            there.calls.push_back(connection);
            wake(&mut there.waker);
            wake(&mut call.dialler);
        } else {
            self.refused(connection);
        }
    }

    pub(super) fn refused(&mut self, connection: usize) {
        let call = &mut self.connections[connection];
        if call.stage != Stage::Abandoned {
            call.stage = Stage::Refused(io::ErrorKind::ConnectionRefused);
        }
        wake(&mut call.dialler);
        self.release(connection);
    }

    /// A stream that the other side has opened.
    pub fn poll_stream(&mut self, connection: usize, side: Side, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let end = &mut self.connections[connection].ends[side.at()];
        if let Some(stream) = end.streams.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        if end.other_gone || end.closed {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        end.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// This side goes. Its handle must be used no more.
    pub fn hang_up(&mut self, connection: usize, side: Side) {
        self.close(connection, side);
        for stream in std::mem::take(&mut self.connections[connection].ends[side.at()].streams) {
            self.drop_stream(stream, side);
        }
        self.release(connection);
    }

    /// Tells the other side that this one goes.
    pub fn close(&mut self, connection: usize, side: Side) {
        let call = &mut self.connections[connection];
        if std::mem::replace(&mut call.ends[side.at()].closed, true) {
            return;
        }
        call.uses += 1;
        let to = side.opposite();
        let at = self.due(connection, to);
        self.send(at, Parcel::Gone { connection, to });
    }

    pub(super) fn gone(&mut self, connection: usize, to: Side) {
        let end = &mut self.connections[connection].ends[to.at()];
        end.other_gone = true;
        wake(&mut end.waker);
        self.release(connection);
    }

    /// Breaks what goes from one part of the network to another now, for both sides.
    pub fn tear(&mut self) {
        for (_, connection) in &mut self.connections {
            let [from, to] = connection.nodes;
            if matches!(connection.stage, Stage::Up(_)) && self.plan.is_cut(clock::now(), from, to) {
                for end in &mut connection.ends {
                    end.other_gone = true;
                    wake(&mut end.waker);
                }
            }
        }
    }

    pub(super) fn is_torn(&self, connection: usize, to: Side) -> bool {
        self.connections[connection].ends[to.at()].other_gone
    }

    /// When a word that is sent now arrives: not before what was sent before it.
    pub(super) fn due(&mut self, connection: usize, to: Side) -> Nanos {
        let call = &mut self.connections[connection];
        let last = &mut call.ends[to.at()].last;
        *last = (*last).max(clock::now() + self.plan.links.delay(call.nodes[0], call.nodes[1]));
        *last
    }

    /// When so many bytes arrive that are sent now.
    pub(super) fn due_bytes(&mut self, connection: usize, to: Side, bytes: usize) -> Nanos {
        let call = &mut self.connections[connection];
        let from = to.opposite().at();
        let delay = self.plan.links.delay(call.nodes[0], call.nodes[1]);
        let station = &mut self.stations[call.nodes[from] as usize];
        let path = self.plan.links.path();
        let at = match &mut station.gauges {
            None => clock::now() + delay,
            Some(gauges) => {
                let frame = Frame {
                    slot: call.slots[from] as u32,
                    bytes: bytes as u64 + path.overhead,
                    delay,
                };
                path.arrival(clock::now(), 0, frame, gauges, &mut station.chance)
            }
        };
        let last = &mut call.ends[to.at()].last;
        *last = (*last).max(at);
        *last
    }

    pub(super) fn hold(&mut self, connection: usize) {
        self.connections[connection].uses += 1;
    }

    pub(super) fn release(&mut self, connection: usize) {
        let uses = &mut self.connections[connection].uses;
        *uses -= 1;
        if *uses == 0 {
            let Connection { nodes, slots, .. } = self.connections.remove(connection);
            for (node, slot) in nodes.into_iter().zip(slots) {
                let station = &mut self.stations[node as usize];
                station.slots.remove(slot);
                if let Some(gauges) = &mut station.gauges {
                    gauges.reset(slot as u32);
                }
            }
        }
    }
}
