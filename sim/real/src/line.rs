//! What an attacker has in the place of gossipsub: streams of its protocol, frames in and frames out, and no opinion.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::handler::{ConnectionEvent, ConnectionHandlerEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, Stream,
    StreamProtocol, SubstreamProtocol, ToSwarm,
};
use libp2p::PeerId;

use crate::wire::{Cutter, PROTOCOL};

/// Frames that may wait for one peer; what is said past them is lost, as with the real one's queue.
const MAX_QUEUE: usize = 4_096;
/// Bytes that are read at once.
const READ: usize = 16 << 10;

/// A frame that has come, its length taken off.
#[derive(Debug)]
pub struct Frame {
    pub from: PeerId,
    pub bytes: Vec<u8>,
}

/// All lines of one attacker.
#[derive(Debug, Default)]
pub struct Lines {
    /// The oldest connection is the one that is spoken on.
    connections: BTreeMap<PeerId, Vec<ConnectionId>>,
    due: VecDeque<ToSwarm<Frame, Vec<u8>>>,
}

impl Lines {
    /// Says a whole frame to a peer, if it is connected. The swarm has to be polled then.
    pub fn say(&mut self, to: PeerId, frame: Vec<u8>) {
        if let Some(connection) = self.connections.get(&to).and_then(|all| all.first()) {
            self.due.push_back(ToSwarm::NotifyHandler {
                peer_id: to,
                handler: NotifyHandler::One(*connection),
                event: frame,
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
                self.connections
                    .entry(new.peer_id)
                    .or_default()
                    .push(new.connection_id);
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

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Frame, Vec<u8>>> {
        self.due.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// One connection: a stream to speak on, opened when there is something to say, and one to hear on.
#[derive(Debug, Default)]
pub struct Line {
    says: Option<Stream>,
    /// A stream was asked for, once.
    asked: bool,
    queue: VecDeque<Vec<u8>>,
    /// Bytes of the first frame that are written.
    written: usize,
    hears: Option<Stream>,
    cutter: Cutter,
}

type Out = ConnectionHandlerEvent<ReadyUpgrade<StreamProtocol>, (), Vec<u8>>;

impl Line {
    fn protocol() -> SubstreamProtocol<ReadyUpgrade<StreamProtocol>> {
        SubstreamProtocol::new(ReadyUpgrade::new(StreamProtocol::new(PROTOCOL)), ())
    }

    /// Writes what it can.
    fn speak(&mut self, cx: &mut Context<'_>) {
        let Some(stream) = &mut self.says else { return };
        let mut is_over = false;
        while let Some(frame) = self.queue.front() {
            match Pin::new(&mut *stream).poll_write(cx, &frame[self.written..]) {
                Poll::Ready(Ok(bytes)) if bytes > 0 => self.written += bytes,
                Poll::Ready(_) => {
                    is_over = true;
                    break;
                }
                Poll::Pending => break,
            }
            if self.written == frame.len() {
                self.queue.pop_front();
                self.written = 0;
            }
        }
        is_over |= matches!(Pin::new(stream).poll_flush(cx), Poll::Ready(Err(_)));
        if is_over {
            self.says = None;
            self.queue.clear();
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
    type FromBehaviour = Vec<u8>;
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
        if !self.asked && !self.queue.is_empty() {
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

    fn on_behaviour_event(&mut self, frame: Vec<u8>) {
        let is_mute = self.asked && self.says.is_none() && self.queue.is_empty();
        if !is_mute && self.queue.len() < MAX_QUEUE {
            self.queue.push_back(frame);
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
            ConnectionEvent::DialUpgradeError(_) => self.queue.clear(),
            _ => {}
        }
    }
}
