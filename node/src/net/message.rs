//! What goes between the network and whoever drives it.

use tokio::sync::oneshot;

use super::{PeerInfo, PeerRef, Status};

/// Names a piece of the caller's work, chosen by the caller.
pub type TaskId = u64;

/// A message that awaits its [`Verdict`]. It is forwarded to nobody before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A request that awaits its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange(pub u64);

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
        /// Who has just come to it, if that is what happened.
        joined: Option<Vec<u8>>,
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
