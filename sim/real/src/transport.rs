//! The way onto the simulated network: an address is a node's number, and nothing has to be proved, for a dial ends at
//! the node that was dialled and nowhere else.

use std::future::{Future, Ready, ready};
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context, Poll};

use intentcast_sim::engine::Plan;
use libp2p::core::multiaddr::Protocol;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{DialOpts, ListenerId, TransportError, TransportEvent};
use libp2p::{Multiaddr, PeerId, Transport};

use crate::muxer::Muxer;
use crate::network::{self, Side};

/// The first IP address; the others follow. They are private, as on a network of its own, and count 16 millions.
const FIRST: u32 = u32::from_be_bytes([10, 0, 0, 0]);

/// Where a node is: the machine's address, which attackers may share, and its own number.
pub fn address(plan: &Plan, node: u32) -> Multiaddr {
    let machine = plan.world.addresses.get(node as usize).copied().unwrap_or(node);
    let ip = Ipv4Addr::from_bits(FIRST.wrapping_add(machine));
    Multiaddr::from(ip).with(Protocol::Memory(node.into()))
}

/// The node of an address.
fn node(address: &Multiaddr) -> Option<u32> {
    address.iter().find_map(|part| match part {
        Protocol::Memory(node) => node.try_into().ok(),
        _ => None,
    })
}

type Out = (PeerId, StreamMuxerBox);

/// One node's transport. While it is there, the node can be dialled once it listens.
#[derive(Debug)]
pub struct SimTransport {
    node: u32,
    peer: PeerId,
    address: Multiaddr,
    listener: Option<ListenerId>,
    announced: bool,
}

impl SimTransport {
    /// The transport of this node, which is this peer and is found at this address.
    pub fn new(node: u32, peer: PeerId, address: Multiaddr) -> Self {
        Self {
            node,
            peer,
            address,
            listener: None,
            announced: false,
        }
    }
}

impl Transport for SimTransport {
    type Output = Out;
    type Error = io::Error;
    type ListenerUpgrade = Ready<io::Result<Out>>;
    type Dial = Dialling;

    fn listen_on(&mut self, id: ListenerId, _: Multiaddr) -> Result<(), TransportError<io::Error>> {
        self.listener = Some(id);
        network::with(|network| network.listen(self.node, self.peer));
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let had = self.listener.take_if(|listener| *listener == id).is_some();
        if had {
            network::with(|network| network.leave(self.node));
        }
        had
    }

    fn dial(&mut self, address: Multiaddr, _: DialOpts) -> Result<Dialling, TransportError<io::Error>> {
        let Some(to) = node(&address) else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        let connection = network::with(|network| network.dial(self.node, self.peer, to));
        match connection.flatten() {
            Some(connection) => Ok(Dialling(Some(connection))),
            None => Err(TransportError::Other(io::ErrorKind::HostUnreachable.into())),
        }
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        let Some(listener_id) = self.listener else {
            return Poll::Pending;
        };
        let local = self.address.clone();
        if !std::mem::replace(&mut self.announced, true) {
            return Poll::Ready(TransportEvent::NewAddress {
                listener_id,
                listen_addr: local,
            });
        }
        let call = network::with(|network| network.poll_call(self.node, cx));
        call.unwrap_or(Poll::Pending).map(|(connection, peer, from)| {
            let muxer = StreamMuxerBox::new(Muxer::new(connection, Side::Listener));
            TransportEvent::Incoming {
                listener_id,
                upgrade: ready(Ok((peer, muxer))),
                local_addr: local,
                send_back_addr: from,
            }
        })
    }
}

impl Drop for SimTransport {
    fn drop(&mut self) {
        network::with(|network| network.leave(self.node));
    }
}

/// A dial on its way; it is given up when this is dropped.
#[derive(Debug)]
pub struct Dialling(Option<usize>);

impl Future for Dialling {
    type Output = io::Result<Out>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(connection) = self.0 else {
            return Poll::Pending;
        };
        let answer = network::with(|network| network.poll_dial(connection, cx)).unwrap_or(Poll::Pending);
        answer.map_ok(|peer| {
            self.0 = None;
            (peer, StreamMuxerBox::new(Muxer::new(connection, Side::Dialler)))
        })
    }
}

impl Drop for Dialling {
    fn drop(&mut self) {
        if let Some(connection) = self.0 {
            network::with(|network| network.abandon(connection));
        }
    }
}
