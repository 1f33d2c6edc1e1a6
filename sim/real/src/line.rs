//! What an attacker has in the place of gossipsub: streams of its protocol, frames in and frames out, and no opinion.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{AsyncRead, AsyncWrite};
use libp2p::PeerId;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::handler::{
    ConnectionEvent, ConnectionHandlerEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, Stream,
    StreamProtocol, SubstreamProtocol, ToSwarm,
};

use crate::wire::{Cutter, PROTOCOL};

/// Frames that may wait for one peer; what is said past them is lost, as with the real one's queue.
const MAX_QUEUE: usize = 4_096;
/// Of frames: what is said first on a connection, what is urgent, and the rest.
const CLASSES: usize = 3;
/// Bytes that are read at once.
const READ: usize = 16 << 10;

/// A frame that has come, its length taken off.
#[derive(Debug)]
pub struct Frame {
    pub from: PeerId,
    pub bytes: Vec<u8>,
}

/// A frame that is to be said, its length in front.
#[derive(Debug)]
pub struct Words {
    /// Of frames that wait, those of the lowest class go first, as in the real one's queue.
    pub class: u8,
    pub bytes: Vec<u8>,
}

/// All lines of one attacker.
#[derive(Debug, Default)]
pub struct Lines {
    /// The oldest connection is the one that is spoken on.
    connections: BTreeMap<PeerId, Vec<ConnectionId>>,
    due: VecDeque<ToSwarm<Frame, Words>>,
}

impl Lines {
    /// Says something to a peer, if it is connected. The swarm has to be polled then.
    pub fn say(&mut self, to: PeerId, words: Words) {
        if let Some(connection) = self.connections.get(&to).and_then(|all| all.first()) {
            self.due.push_back(ToSwarm::NotifyHandler {
                peer_id: to,
                handler: NotifyHandler::One(*connection),
                event: words,
            });
        }
    }
}

impl NetworkBehaviour for Lines {
    type ConnectionHandler = Line;
    type ToSwarm = Frame;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Line, ConnectionDenied> {
        Ok(Line::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Line, ConnectionDenied> {
        Ok(Line::default())
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(new) => {
                self.connections.entry(new.peer_id).or_default().push(new.connection_id);
            }
            FromSwarm::ConnectionClosed(gone) => {
                if let Some(all) = self.connections.get_mut(&gone.peer_id) {
                    all.retain(|connection| *connection != gone.connection_id);
                    if all.is_empty() {
                        self.connections.remove(&gone.peer_id);
                    }
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, from: PeerId, _: ConnectionId, bytes: Vec<u8>) {
        self.due.push_back(ToSwarm::GenerateEvent(Frame { from, bytes }));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Frame, Words>> {
        self.due.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// One connection: a stream to speak on, opened when there is something to say, and one to hear on.
#[derive(Debug, Default)]
pub struct Line {
    says: Option<Stream>,
    /// A stream was asked for, once.
    asked: bool,
    /// By class.
    queues: [VecDeque<Vec<u8>>; CLASSES],
    /// What is being said, and how many of its bytes are written.
    word: Vec<u8>,
    written: usize,
    hears: Option<Stream>,
    cutter: Cutter,
}

type Out = ConnectionHandlerEvent<ReadyUpgrade<StreamProtocol>, (), Vec<u8>>;

impl Line {
    fn protocol() -> SubstreamProtocol<ReadyUpgrade<StreamProtocol>> {
        SubstreamProtocol::new(ReadyUpgrade::new(StreamProtocol::new(PROTOCOL)), ())
    }

    fn is_silent(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// There is nobody to say anything to.
    fn hush(&mut self) {
        self.says = None;
        self.queues = Default::default();
    }

    /// Writes what it can.
    fn speak(&mut self, cx: &mut Context<'_>) {
        let Some(stream) = &mut self.says else { return };
        loop {
            if self.written == self.word.len() {
                let Some(next) = self.queues.iter_mut().find_map(VecDeque::pop_front) else {
                    break;
                };
                (self.word, self.written) = (next, 0);
            }
            match Pin::new(&mut *stream).poll_write(cx, &self.word[self.written..]) {
                Poll::Ready(Ok(bytes)) if bytes > 0 => self.written += bytes,
                Poll::Ready(_) => return self.hush(),
                Poll::Pending => break,
            }
        }
        if let Poll::Ready(Err(_)) = Pin::new(stream).poll_flush(cx) {
            self.hush();
        }
    }

    /// The next frame that has come whole.
    fn hear(&mut self, cx: &mut Context<'_>) -> Option<Vec<u8>> {
        let mut buffer = [0; READ];
        loop {
            match self.cutter.cut() {
                Ok(Some(frame)) => return Some(frame),
                Ok(None) => {}
                Err(()) => self.hears = None,
            }
            let stream = self.hears.as_mut()?;
            match Pin::new(stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(bytes)) if bytes > 0 => self.cutter.put(&buffer[..bytes]),
                Poll::Ready(_) => self.hears = None,
                Poll::Pending => return None,
            }
        }
    }
}

impl ConnectionHandler for Line {
    type FromBehaviour = Words;
    type ToBehaviour = Vec<u8>;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<ReadyUpgrade<StreamProtocol>> {
        Self::protocol()
    }

    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Out> {
        if !self.asked && !self.is_silent() {
            self.asked = true;
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: Self::protocol(),
            });
        }
        self.speak(cx);
        match self.hear(cx) {
            Some(frame) => Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(frame)),
            None => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, words: Words) {
        let is_hushed = self.asked && self.says.is_none() && self.is_silent();
        let queue = &mut self.queues[usize::from(words.class).min(CLASSES - 1)];
        if !is_hushed && queue.len() < MAX_QUEUE {
            queue.push_back(words.bytes);
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, ReadyUpgrade<StreamProtocol>, ReadyUpgrade<StreamProtocol>>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. }) => {
                self.hears = Some(protocol);
                self.cutter = Cutter::default();
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, .. }) => {
                self.says = Some(protocol);
            }
            // Nobody there speaks gossipsub: there is nothing to say to it.
            ConnectionEvent::DialUpgradeError(_) => self.hush(),
            _ => {}
        }
    }
}
