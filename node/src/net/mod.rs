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
mod links;
mod meetings;
mod message;
mod prospects;
mod reach;
mod relay;
mod status;
mod stream;
mod swarm;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
mod timers;
mod transport;

use libp2p::identity::Keypair;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use address::{MAX_ADDR_BYTES, MAX_ADDRS, MAX_PEER_ID_BYTES, PeerRef};
pub use config::Config;
pub use message::{Command, Event, Exchange, PublishError, SendError, TaskId, Ticket, Verdict};
pub use status::{Counters, PeerInfo, Status};

/// Whether a string is a topic of ours. What is none is neither subscribed to nor remembered of a peer.
pub type TopicGrammar = fn(&str) -> bool;

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
        Keypair::ed25519_from_bytes(&mut seed[..])
            .map(Self)
            .map_err(|_| Error::InvalidKey)
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

    /// The same, and whenever it changes.
    pub fn watch_local(&self) -> watch::Receiver<PeerRef> {
        self.local.clone()
    }

    /// Where this node is reached at present, as people write it, its id at the end.
    pub fn local_addresses(&self) -> Vec<String> {
        let local = self.local.borrow();
        address::texts(&local)
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
    let (told, local) = watch::channel(PeerRef {
        id: key.peer(),
        addrs: Vec::new(),
    });
    let task = swarm::Task::new(settings, grammar, key, commanded, events, told)?;
    tokio::spawn(task.run(shutdown));
    Ok((Handle { commands, local }, happened))
}
