//! One node: a swarm on the simulated network, with gossipsub alone or with what else the node runs beside it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use intentcast_sim::engine::Plan;
use intentcast_sim::scenario::Scenario;
use libp2p::gossipsub::{self, MessageAcceptance, MessageId, PublishError};
use libp2p::identity::Keypair;
use libp2p::swarm::{self, DialError, NetworkBehaviour, SwarmEvent, dial_opts::DialOpts};
use libp2p::{PeerId, Swarm, Transport, identify, ping};

use crate::clock::Nanos;
use crate::transport::{SimTransport, address};
use crate::{dice, executor, gossip};

/// Who stays connected with whom is the scenario's to say: a connection that is idle stays.
const IDLE: Duration = Duration::from_secs(366 * 86_400);
/// As the node has it.
const MAX_NEGOTIATING: usize = 32;

/// What a node of a run does besides gossiping.
pub trait Conduct: NetworkBehaviour<ToSwarm: std::fmt::Debug> + Sized {
    /// Around this gossip, for the node of this key.
    fn around(gossip: gossip::Behaviour, key: &Keypair) -> Self;
    /// The gossip in it.
    fn gossip(&mut self) -> &mut gossip::Behaviour;
    /// What the gossip has to say, if this is its event.
    fn of_gossip(event: Self::ToSwarm) -> Option<gossipsub::Event>;
}

/// Nothing else.
impl Conduct for gossip::Behaviour {
    fn around(gossip: gossip::Behaviour, _: &Keypair) -> Self {
        gossip
    }

    fn gossip(&mut self) -> &mut gossip::Behaviour {
        self
    }

    fn of_gossip(event: gossipsub::Event) -> Option<gossipsub::Event> {
        Some(event)
    }
}

/// What the node tells its peers of itself, and how it notices that they are gone.
#[derive(NetworkBehaviour)]
pub struct Whole {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    gossip: gossip::Behaviour,
}

impl Conduct for Whole {
    fn around(gossip: gossip::Behaviour, key: &Keypair) -> Self {
        Self {
            identify: identify::Behaviour::new(
                identify::Config::new("/intentcast/id/1".into(), key.public())
                    .with_agent_version("intentcast-sim-real".into())
                    .with_interval(Duration::from_secs(1_800))
                    .with_cache_size(128),
            ),
            ping: ping::Behaviour::new(
                ping::Config::new()
                    .with_interval(Duration::from_secs(60))
                    .with_timeout(Duration::from_secs(20)),
            ),
            gossip,
        }
    }

    fn gossip(&mut self) -> &mut gossip::Behaviour {
        &mut self.gossip
    }

    fn of_gossip(event: WholeEvent) -> Option<gossipsub::Event> {
        match event {
            WholeEvent::Gossip(event) => Some(event),
            WholeEvent::Identify(_) | WholeEvent::Ping(_) => None,
        }
    }
}

/// What a node hears.
#[derive(Debug)]
pub enum Heard {
    /// A message, for the first time, from this neighbour.
    Message { id: MessageId, from: PeerId },
    /// A frame of gossipsub's, its length taken off: attackers hear all of them.
    Frame { from: PeerId, bytes: Vec<u8> },
    /// A connection with a peer is there; whether it is the first, and whether it was dialled from here.
    Connected { peer: PeerId, first: bool, dialled: bool },
    /// The last connection with a peer is gone; whether it was dialled from here.
    Lost { peer: PeerId, dialled: bool },
    /// A dial came to nothing.
    Unreachable(PeerId),
    /// Something else, of no consequence.
    Other,
}

/// A node that is there.
pub struct Node<C: Conduct> {
    swarm: Swarm<C>,
    topics: Vec<u32>,
}

/// Who the node of this number is, in every run of a seed, whenever it comes and goes.
pub fn peer(seed: u64, node: u32) -> PeerId {
    key(seed, node).public().to_peer_id()
}

fn key(seed: u64, node: u32) -> Keypair {
    let mut secret = [0; 32];
    for (at, eight) in (0_u64..).zip(secret.chunks_mut(8)) {
        let part = dice::mix(dice::mix(seed) ^ dice::mix(u64::from(node) << 8 | at));
        eight.copy_from_slice(&part.to_le_bytes());
    }
    Keypair::ed25519_from_bytes(secret).expect("any 32 bytes are an ed25519 seed")
}

impl<C: Conduct> Node<C> {
    /// Starts a node of a plan; its first heartbeat comes `phase` later than the settings say.
    pub fn start(plan: &Plan, index: u32, phase: Nanos) -> Result<Self, String> {
        let swarm = swarm(plan, index, |key| {
            Ok(C::around(gossip::behaviour(&plan.scenario, phase)?, key))
        })?;
        let topics = plan.topics(index);
        Ok(Self { swarm, topics })
    }

    /// Joins its topics.
    pub fn subscribe(&mut self, scenario: &Scenario) -> Result<(), String> {
        for topic in &self.topics {
            gossip::join(self.swarm.behaviour_mut().gossip(), scenario, *topic)?;
        }
        Ok(())
    }

    /// Connects with another node, unless it is or is about to be.
    pub fn dial(&mut self, plan: &Plan, node: u32, peer: PeerId) {
        dial(&mut self.swarm, plan, node, peer);
    }

    pub fn publish(&mut self, topic: u32, bytes: Vec<u8>) -> Result<MessageId, PublishError> {
        self.swarm.behaviour_mut().gossip().publish(gossip::topic(topic), bytes)
    }

    /// Passes a message on, or refuses it.
    pub fn judge(&mut self, id: &MessageId, from: &PeerId, is_valid: bool) {
        let gossip = self.swarm.behaviour_mut().gossip();
        let verdict = match is_valid {
            true => MessageAcceptance::Accept,
            false => MessageAcceptance::Reject,
        };
        // False means that it came too late, which is a measurement like any other.
        let _ = gossip.report_message_validation_result(id, from, verdict);
    }

    /// Its gossip.
    pub fn gossip(&mut self) -> &gossip::Behaviour {
        self.swarm.behaviour_mut().gossip()
    }

    /// The topics that it joins, ascending.
    pub fn topics(&self) -> &[u32] {
        &self.topics
    }

    /// Peers in the mesh of each topic that it joined.
    pub fn degrees(&mut self) -> Vec<u16> {
        let gossip = self.swarm.behaviour_mut().gossip();
        let degree = |topic: &u32| gossip.mesh_peers(&gossip::topic(*topic).hash()).count();
        self.topics
            .iter()
            .map(|topic| degree(topic).try_into().unwrap_or(u16::MAX))
            .collect()
    }

    /// The next thing it hears.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        let event = match Pin::new(&mut self.swarm).poll_next(cx) {
            Poll::Ready(Some(event)) => event,
            Poll::Ready(None) | Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(match event {
            SwarmEvent::Behaviour(event) => match C::of_gossip(event) {
                Some(gossipsub::Event::Message {
                    propagation_source: from,
                    message_id: id,
                    ..
                }) => Heard::Message { id, from },
                _ => Heard::Other,
            },
            other => Heard::of(other),
        })
    }
}

impl Heard {
    /// What a swarm has to say of its connections.
    pub fn of<E>(event: SwarmEvent<E>) -> Self {
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id: peer,
                num_established,
                endpoint,
                ..
            } => Heard::Connected {
                peer,
                first: num_established.get() == 1,
                dialled: endpoint.is_dialer(),
            },
            SwarmEvent::ConnectionClosed {
                peer_id,
                endpoint,
                num_established: 0,
                ..
            } => Heard::Lost {
                peer: peer_id,
                dialled: endpoint.is_dialer(),
            },
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer),
                error: DialError::Transport(_),
                ..
            } => Heard::Unreachable(peer),
            _ => Heard::Other,
        }
    }
}

/// A swarm on the simulated network, for the node of this number, that listens.
pub fn swarm<B: NetworkBehaviour>(
    plan: &Plan,
    index: u32,
    behaviour: impl FnOnce(&Keypair) -> Result<B, String>,
) -> Result<Swarm<B>, String> {
    let key = key(plan.seed, index);
    let peer = key.public().to_peer_id();
    let here = address(plan, index);
    let transport = SimTransport::new(index, peer, here.clone()).boxed();
    let config = swarm::Config::with_executor(executor::spawn)
        .with_idle_connection_timeout(IDLE)
        .with_max_negotiating_inbound_streams(MAX_NEGOTIATING);
    let mut swarm = Swarm::new(transport, behaviour(&key)?, peer, config);
    swarm.listen_on(here).map_err(|error| error.to_string())?;
    Ok(swarm)
}

/// Lets a swarm connect with another node, unless it is or is about to be.
pub fn dial<B: NetworkBehaviour>(swarm: &mut Swarm<B>, plan: &Plan, node: u32, peer: PeerId) {
    // Refused at once is what a dial is when the two are connected already.
    let _ = swarm.dial(DialOpts::peer_id(peer).addresses(vec![address(plan, node)]).build());
}
