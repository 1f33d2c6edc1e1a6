//! Opens and accepts the streams that carry exchanges; reads and writes nothing on them.
//!
//! Every inbound stream arrives, one by one and in order, where its cap is judged: none is lost because several come
//! in the same moment, which a channel between connections and one listener would do.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::task::{Context, Poll, Waker};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished};
use libp2p::swarm::handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
    NotifyHandler, StreamUpgradeError, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};

/// Streams of one connection that may wait to be judged; the ones above it are reset.
const MAX_UNJUDGED: usize = 32;

/// What happened to streams.
#[derive(Debug)]
pub(super) enum Event {
    /// A peer opened one.
    Inbound { peer: PeerId, stream: Stream },
    /// One that we asked for is open, or cannot be had.
    Opened {
        request: u64,
        result: Result<Stream, OpenError>,
    },
}

/// Why a stream could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenError {
    /// The peer does not speak the protocol.
    Unsupported,
    /// The peer did not answer in time.
    TimedOut,
    /// The connection went, or none was there.
    Closed,
}

/// Opens streams of one protocol on connections that others make.
pub(super) struct Behaviour {
    protocol: StreamProtocol,
    connections: HashMap<PeerId, Vec<Connection>>,
    queue: VecDeque<ToSwarm<Event, u64>>,
    waker: Option<Waker>,
}

struct Connection {
    id: ConnectionId,
    relayed: bool,
    opening: Vec<u64>,
}

impl Behaviour {
    pub fn new(protocol: StreamProtocol) -> Self {
        Self {
            protocol,
            connections: HashMap::new(),
            queue: VecDeque::new(),
            waker: None,
        }
    }

    /// Opens a stream to a connected peer, on a direct connection if there is one, on the youngest of several: a peer
    /// that was restarted comes with a new one while nobody has missed the old one yet. Ends in [`Event::Opened`].
    pub fn open(&mut self, peer: PeerId, request: u64) {
        let connection = self
            .connections
            .get_mut(&peer)
            .and_then(|all| all.iter_mut().min_by_key(|c| (c.relayed, Reverse(c.id))));
        self.queue.push_back(match connection {
            Some(connection) => {
                connection.opening.push(request);
                ToSwarm::NotifyHandler {
                    peer_id: peer,
                    handler: NotifyHandler::One(connection.id),
                    event: request,
                }
            }
            None => ToSwarm::GenerateEvent(Event::Opened {
                request,
                result: Err(OpenError::Closed),
            }),
        });
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn established(&mut self, event: ConnectionEstablished) {
        self.connections.entry(event.peer_id).or_default().push(Connection {
            id: event.connection_id,
            relayed: event.endpoint.is_relayed(),
            opening: Vec::new(),
        });
    }

    fn closed(&mut self, event: ConnectionClosed) {
        let Some(all) = self.connections.get_mut(&event.peer_id) else {
            return;
        };
        if let Some(at) = all.iter().position(|c| c.id == event.connection_id) {
            for request in all.swap_remove(at).opening {
                self.queue.push_back(ToSwarm::GenerateEvent(Event::Opened {
                    request,
                    result: Err(OpenError::Closed),
                }));
            }
        }
        if all.is_empty() {
            self.connections.remove(&event.peer_id);
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(self.protocol.clone()))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(self.protocol.clone()))
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(event) => self.established(event),
            FromSwarm::ConnectionClosed(event) => self.closed(event),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        let event = match event {
            FromHandler::Inbound(stream) => Event::Inbound { peer, stream },
            FromHandler::Opened(request, result) => {
                let connection = self
                    .connections
                    .get_mut(&peer)
                    .and_then(|all| all.iter_mut().find(|c| c.id == id));
                if let Some(connection) = connection {
                    connection.opening.retain(|opening| *opening != request);
                }
                Event::Opened { request, result }
            }
        };
        self.queue.push_back(ToSwarm::GenerateEvent(event));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        match self.queue.pop_front() {
            Some(action) => Poll::Ready(action),
            None => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The part that lives with one connection.
pub(super) struct Handler {
    protocol: StreamProtocol,
    to_open: VecDeque<u64>,
    queue: VecDeque<FromHandler>,
}

#[derive(Debug)]
pub(super) enum FromHandler {
    Inbound(Stream),
    Opened(u64, Result<Stream, OpenError>),
}

impl Handler {
    fn new(protocol: StreamProtocol) -> Self {
        Self {
            protocol,
            to_open: VecDeque::new(),
            queue: VecDeque::new(),
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = u64;
    type ToBehaviour = FromHandler;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = u64;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ())
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, u64, Self::ToBehaviour>> {
        if let Some(event) = self.queue.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if let Some(request) = self.to_open.pop_front() {
            let upgrade = ReadyUpgrade::new(self.protocol.clone());
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(upgrade, request),
            });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, request: u64) {
        self.to_open.push_back(request);
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<Self::InboundProtocol, Self::OutboundProtocol, (), u64>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol: stream, .. })
                if self.queue.len() < MAX_UNJUDGED =>
            {
                self.queue.push_back(FromHandler::Inbound(stream));
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol: stream, info }) => {
                self.queue.push_back(FromHandler::Opened(info, Ok(stream)));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                let error = match error {
                    StreamUpgradeError::Timeout => OpenError::TimedOut,
                    StreamUpgradeError::NegotiationFailed => OpenError::Unsupported,
                    StreamUpgradeError::Apply(never) => match never {},
                    StreamUpgradeError::Io(_) => OpenError::Closed,
                };
                self.queue.push_back(FromHandler::Opened(info, Err(error)));
            }
            _ => {}
        }
    }
}
