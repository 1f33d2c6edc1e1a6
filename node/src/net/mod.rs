//! The node on the wire: bytes on topics, frames between two peers, and the finding of both.
//!
//! It knows nothing of the market: what a payload means, who may send it and what it deserves is told to it as a
//! [`Verdict`]. One task owns the swarm; a [`Handle`] sends it [`Command`]s, and [`Event`]s come back in order. No type
//! of libp2p is in this interface.
//!
//! Contract: take the events as they come. While they are not taken, gossip is dropped, then streams and connections
//! wait; commands never wait for events.

mod address;
mod behaviour;
mod config;
mod discovery;
mod exchange;
mod gossip;
mod reach;
mod stream;
mod swarm;
#[cfg(test)]
mod tests;
mod transport;

use std::collections::BTreeMap;

use libp2p::identity::Keypair;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use address::{MAX_ADDR_BYTES, MAX_ADDRS, MAX_PEER_ID_BYTES, PeerRef};
pub use config::Config;

/// Names a piece of the caller's work, chosen by the caller.
pub type TaskId = u64;

/// Whether a string is a topic of ours. What is none is neither subscribed to nor remembered of a peer.
pub type TopicGrammar = fn(&str) -> bool;

/// A message that awaits its [`Verdict`]. It is forwarded to nobody before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// A request that awaits its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange(u64);

/// What a gossip message deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Pass it on.
    Accept,
    /// Pass it on to nobody, blame nobody.
    Ignore,
    /// Pass it on to nobody and lower the score of those who sent it.
    Reject,
}

/// What the network is told to do.
#[derive(Debug)]
pub enum Command {
    /// Hear a topic, pass it on, and be found by others who want it.
    Subscribe(String),
    /// The opposite.
    Unsubscribe(String),
    /// Find and dial peers of a topic that we only publish to. Lasts ten minutes after the last one or the last
    /// publication; [`Event::TopicPeers`] tells who was found.
    Reach(String),
    /// Send a payload to a topic. Ends in [`Event::Published`].
    Publish {
        /// The caller's name for it.
        task: TaskId,
        /// Where to.
        topic: String,
        /// The payload, of 1 to `max_gossip_bytes` bytes.
        bytes: Vec<u8>,
    },
    /// Decide on a message. After about four seconds it is too late, and only counted.
    Verdict {
        /// Which message.
        ticket: Ticket,
        /// What it deserves.
        verdict: Verdict,
    },
    /// Send a frame to a peer and wait for its reply, connecting first if need be. Ends in [`Event::Sent`].
    Send {
        /// The caller's name for it.
        task: TaskId,
        /// Who, and where it may be found.
        to: PeerRef,
        /// The request, of 1 to `max_frame_bytes` bytes.
        frame: Vec<u8>,
    },
    /// Answer a request. Too late, it is dropped and counted.
    Reply {
        /// Which request.
        exchange: Exchange,
        /// The reply, of 1 to `max_frame_bytes` bytes.
        frame: Vec<u8>,
    },
    /// Lower a peer's score for something that gossip cannot know of. Fades by half in a minute; above 100 points the
    /// peer is disconnected.
    Penalise {
        /// The peer id's bytes.
        peer: Vec<u8>,
        /// How much; a message rejected is worth about two.
        points: u32,
    },
    /// Ask how things stand.
    Status(oneshot::Sender<Status>),
    /// Ask who is connected.
    Peers(oneshot::Sender<Vec<PeerInfo>>),
}

/// What happened on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message came, for the first time. Its [`Command::Verdict`] is awaited.
    Gossip {
        /// Names it in the verdict.
        ticket: Ticket,
        /// Who passed it to us; not its author.
        peer: Vec<u8>,
        /// Where it was published.
        topic: String,
        /// The payload.
        bytes: Vec<u8>,
    },
    /// A request came. Its [`Command::Reply`] is awaited until the exchange's deadline.
    Frame {
        /// Names it in the reply.
        exchange: Exchange,
        /// Who asks.
        peer: Vec<u8>,
        /// The request.
        frame: Vec<u8>,
    },
    /// What became of a publication.
    Published {
        /// As in the command.
        task: TaskId,
        /// To how many peers it was sent.
        result: Result<usize, PublishError>,
    },
    /// What became of a request.
    Sent {
        /// As in the command.
        task: TaskId,
        /// The one reply frame.
        result: Result<Vec<u8>, SendError>,
    },
    /// The number of connected peers that are subscribed to a topic which we hear or reach has changed.
    TopicPeers {
        /// Which topic.
        topic: String,
        /// How many now.
        peers: usize,
    },
    /// A peer is connected.
    Connected {
        /// The peer id's bytes.
        peer: Vec<u8>,
    },
    /// A peer's last connection has closed.
    Gone {
        /// The peer id's bytes.
        peer: Vec<u8>,
    },
    /// Where this node is reached has changed: its addresses, each ending in its peer id, relayed ones last.
    Listening {
        /// All of them.
        addrs: Vec<String>,
    },
}

/// Why a publication went to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Nobody connected listens. Peers of the topic are being looked for; [`Event::TopicPeers`] tells of them.
    #[error("no connected peer listens to this topic")]
    NoPeers,
    /// Empty, or over `max_gossip_bytes`.
    #[error("the payload is empty or too large")]
    TooLarge,
    /// The very same bytes were sent or seen on this topic within ten minutes.
    #[error("these bytes were on this topic already")]
    Duplicate,
    /// The topic is not of our grammar, or every peer's queue is full.
    #[error("the topic is not one of ours, or all queues are full")]
    Other,
}

/// Why there is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No address led to this peer.
    #[error("no address leads to the peer")]
    Unreachable,
    /// The exchange's deadline passed.
    #[error("the peer did not answer in time")]
    TimedOut,
    /// The peer does not take frames.
    #[error("the peer does not speak this protocol")]
    Refused,
    /// The peer ended the stream without a reply: it has too many, or it does not want this one.
    #[error("the peer ended the exchange")]
    Closed,
    /// What the peer sent back is no frame.
    #[error("the peer's reply is no frame")]
    Garbage,
    /// Our own frame is empty or over `max_frame_bytes`.
    #[error("the frame is empty or too large")]
    TooLarge,
    /// Too many of our own exchanges are open.
    #[error("too many exchanges are open")]
    Busy,
}

/// Why the network did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address does not parse.
    #[error("net.{field}: {addr:?} is not a multiaddr")]
    InvalidAddress {
        /// The configuration's field.
        field: &'static str,
        /// As written.
        addr: String,
    },
    /// A bootstrap address without its peer's id could be anybody's.
    #[error("net.bootstrap: {0:?} must end in /p2p/<peer id>")]
    MissingPeerId(String),
    /// A number is out of its range.
    #[error("net.{field} is {value}; it must be {least} to {most}")]
    OutOfRange {
        /// The configuration's field.
        field: &'static str,
        /// As written.
        value: usize,
        /// The least that is allowed.
        least: usize,
        /// The most that is allowed.
        most: usize,
    },
    /// The seed is not a key.
    #[error("the network key is not a valid ed25519 seed")]
    InvalidKey,
    /// No listen address could be used.
    #[error("cannot listen on {addr}: {reason}")]
    Listen {
        /// As written.
        addr: String,
        /// What the transport says.
        reason: String,
    },
    /// A transport could not be made.
    #[error("transport: {0}")]
    Transport(String),
    /// gossipsub refuses its settings.
    #[error("gossip: {0}")]
    Gossip(String),
}

/// The key whose public half is the node's peer id. Erased from memory when dropped, and shown by nothing.
pub struct NetKey(Keypair);

impl NetKey {
    /// The key of a 32-byte ed25519 seed. The seed given is erased.
    pub fn from_seed(seed: &mut [u8; 32]) -> Result<Self, Error> {
        Keypair::ed25519_from_bytes(&mut seed[..]).map(Self).map_err(|_| Error::InvalidKey)
    }

    /// The peer id's bytes.
    pub fn peer(&self) -> Vec<u8> {
        self.0.public().to_peer_id().to_bytes()
    }
}

impl std::fmt::Debug for NetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NetKey").finish_non_exhaustive()
    }
}

/// The text form of a peer id, as people and addresses write it. Bytes that are no peer id are shown in hex, cut.
pub fn peer_text(peer: &[u8]) -> String {
    match address::peer_id(peer) {
        Some(peer) => peer.to_string(),
        None => peer.iter().take(16).map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerInfo {
    /// The peer id, in text.
    pub id: String,
    /// The address of each connection.
    pub addrs: Vec<String>,
    /// What it calls itself, shortened and without control characters.
    pub agent: String,
    /// Topics of ours that it hears.
    pub topics: usize,
    /// gossipsub's score of it, rounded.
    pub score: i64,
}

/// How the network stands. Names no peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Connections, both ways.
    pub connections: usize,
    /// Peers connected.
    pub peers: usize,
    /// Peers whose addresses the routing table holds.
    pub routing: usize,
    /// Whether others can reach us without a relay, as far as is known.
    pub reachable: bool,
    /// Each topic that we hear, with the size of its mesh.
    pub topics: BTreeMap<String, usize>,
    /// Exchanges open, both ways.
    pub exchanges: usize,
    /// Everything counted since the start.
    pub counters: Counters,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each name is its description")]
pub struct Counters {
    pub gossip_received: u64,
    pub gossip_received_bytes: u64,
    pub gossip_accepted: u64,
    pub gossip_ignored: u64,
    pub gossip_rejected: u64,
    /// Verdicts that came after gossipsub had forgotten the message.
    pub gossip_too_late: u64,
    /// Messages that nobody here took in time to judge.
    pub gossip_shed: u64,
    pub published: u64,
    pub published_bytes: u64,
    pub published_to_nobody: u64,
    pub exchanges_accepted: u64,
    pub exchanges_answered: u64,
    /// Reset at once: over a cap.
    pub exchanges_refused: u64,
    pub exchanges_timed_out: u64,
    /// Ended because the peer sent what is no frame.
    pub exchanges_garbage: u64,
    pub exchanges_broken: u64,
    pub replies_too_late: u64,
    pub sends: u64,
    pub sends_replied: u64,
    pub frame_bytes_in: u64,
    pub frame_bytes_out: u64,
    pub dials: u64,
    pub dials_failed: u64,
}

/// Speaks to the task that owns the swarm.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    local: watch::Receiver<PeerRef>,
}

impl Handle {
    /// Sends a command. A command to a network that has stopped is dropped; its events have ended, too.
    pub async fn send(&self, command: Command) {
        let _ = self.commands.send(command).await;
    }

    /// This node's peer id, and where it is reached at present.
    pub fn local_peer(&self) -> PeerRef {
        self.local.borrow().clone()
    }

    /// How the network stands, unless it has stopped.
    pub async fn status(&self) -> Option<Status> {
        let (answer, answered) = oneshot::channel();
        self.send(Command::Status(answer)).await;
        answered.await.ok()
    }

    /// Who is connected; nobody, when the network has stopped.
    pub async fn peers(&self) -> Vec<PeerInfo> {
        let (answer, answered) = oneshot::channel();
        self.send(Command::Peers(answer)).await;
        answered.await.unwrap_or_default()
    }
}

/// Commands and events that may wait.
const MAX_COMMANDS: usize = 256;
const MAX_EVENTS: usize = 256;

/// Starts the network; it stops when `shutdown` is cancelled, or when its events are taken no more.
///
/// Must be called within a tokio runtime. Errors are those of the configuration, the key and the listeners.
pub fn start(
    config: Config,
    grammar: TopicGrammar,
    key: NetKey,
    shutdown: CancellationToken,
) -> Result<(Handle, mpsc::Receiver<Event>), Error> {
    let settings = config::Settings::try_from(config)?;
    let (commands, commanded) = mpsc::channel(MAX_COMMANDS);
    let (events, happened) = mpsc::channel(MAX_EVENTS);
    let (told, local) = watch::channel(PeerRef { id: key.peer(), addrs: Vec::new() });
    let task = swarm::Task::new(settings, grammar, key, commanded, events, told)?;
    tokio::spawn(task.run(shutdown));
    Ok((Handle { commands, local }, happened))
}
