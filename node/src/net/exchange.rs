//! Exchanges: one request frame and one reply frame on a stream of its own, inside one deadline, each in a task of its
//! own.
//!
//! A frame is its length (u32, big-endian) and that many bytes. A length of zero or above the cap ends the stream
//! before a byte is set aside for it. There are caps on all exchanges and on each peer's; when strangers fill the
//! first one, the oldest exchange that waits on its peer makes room.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{PeerId, Stream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::{Counters, SendError};

/// What a task tells the one that owns the swarm.
pub(super) enum Report {
    /// A request frame came.
    Asked { exchange: u64, frame: Vec<u8> },
    /// The exchange that a peer opened has ended.
    Answered { exchange: u64, end: End },
    /// The exchange that we opened has ended.
    Replied {
        request: u64,
        result: Result<Vec<u8>, SendError>,
    },
}

/// How an inbound exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Done,
    TimedOut,
    /// The peer sent what is no frame.
    Garbage,
    /// The stream broke, or nobody here answers.
    Broken,
}

/// Reports that may wait. A task that cannot report waits, and its deadline goes on.
const MAX_REPORTS: usize = 64;

pub(super) struct Limits {
    pub total: usize,
    pub per_peer: usize,
    pub max_frame: usize,
    pub deadline: Duration,
}

/// The exchanges that others opened with us.
pub(super) struct Inbound {
    limits: Limits,
    next: u64,
    /// By age.
    open: BTreeMap<u64, Open>,
    per_peer: HashMap<PeerId, usize>,
    reports: mpsc::Sender<Report>,
}

struct Open {
    peer: PeerId,
    /// Present while the request is with us, so that the peer is not to blame for the time that passes.
    asked: bool,
    reply: Option<oneshot::Sender<Vec<u8>>>,
    task: AbortHandle,
}

pub(super) fn reports() -> (mpsc::Sender<Report>, mpsc::Receiver<Report>) {
    mpsc::channel(MAX_REPORTS)
}

impl Inbound {
    pub fn new(limits: Limits, reports: mpsc::Sender<Report>) -> Self {
        Self {
            limits,
            next: 0,
            open: BTreeMap::new(),
            per_peer: HashMap::new(),
            reports,
        }
    }

    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Takes a stream in, or resets it when its peer has too many already.
    pub fn accept(&mut self, peer: PeerId, stream: Stream, counters: &mut Counters) {
        if self
            .per_peer
            .get(&peer)
            .is_some_and(|open| *open >= self.limits.per_peer)
        {
            counters.exchanges_refused += 1;
            return;
        }
        if self.open.len() >= self.limits.total {
            if !self.cut_oldest_stalled() {
                counters.exchanges_refused += 1;
                return;
            }
            counters.exchanges_cut += 1;
        }
        counters.exchanges_accepted += 1;
        self.next += 1;
        let exchange = self.next;
        let (reply, replied) = oneshot::channel();
        let task = tokio::spawn(answer(
            exchange,
            stream,
            replied,
            self.limits.max_frame,
            Instant::now() + self.limits.deadline,
            self.reports.clone(),
        ));
        self.open.insert(
            exchange,
            Open {
                peer,
                asked: false,
                reply: Some(reply),
                task: task.abort_handle(),
            },
        );
        *self.per_peer.entry(peer).or_default() += 1;
    }

    /// The peer whose request came, if the exchange is still open.
    pub fn asked(&mut self, exchange: u64) -> Option<PeerId> {
        let open = self.open.get_mut(&exchange)?;
        open.asked = true;
        Some(open.peer)
    }

    /// Hands the reply to its exchange. False when that has ended or is answered already.
    pub fn reply(&mut self, exchange: u64, frame: Vec<u8>) -> bool {
        let Some(open) = self.open.get_mut(&exchange) else {
            return false;
        };
        open.asked = false;
        open.reply.take().is_some_and(|reply| reply.send(frame).is_ok())
    }

    pub fn ended(&mut self, exchange: u64) {
        let Some(open) = self.open.remove(&exchange) else {
            return;
        };
        if let Some(count) = self.per_peer.get_mut(&open.peer) {
            *count -= 1;
            if *count == 0 {
                self.per_peer.remove(&open.peer);
            }
        }
    }

    fn cut_oldest_stalled(&mut self) -> bool {
        let stalled = self
            .open
            .iter()
            .find(|(_, open)| !open.asked)
            .map(|(exchange, _)| *exchange);
        let Some(exchange) = stalled else { return false };
        self.open[&exchange].task.abort();
        self.ended(exchange);
        true
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        for open in self.open.values() {
            open.task.abort();
        }
    }
}

async fn answer(
    exchange: u64,
    mut stream: Stream,
    replied: oneshot::Receiver<Vec<u8>>,
    max_frame: usize,
    deadline: Instant,
    reports: mpsc::Sender<Report>,
) {
    let work = async {
        let frame = read_frame(&mut stream, max_frame).await?;
        let asked = reports.send(Report::Asked { exchange, frame }).await;
        asked.map_err(|_| io::ErrorKind::BrokenPipe)?;
        let frame = replied.await.map_err(|_| io::ErrorKind::BrokenPipe)?;
        write_frame(&mut stream, &frame).await?;
        stream.close().await
    };
    let end = match timeout_at(deadline, work).await {
        Ok(Ok(())) => End::Done,
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => End::Garbage,
        Ok(Err(_)) => End::Broken,
        Err(_) => End::TimedOut,
    };
    // A receiver that is gone means that the node is stopping.
    let _ = reports.send(Report::Answered { exchange, end }).await;
}

/// Sends a request on a stream that we opened and waits for its reply.
pub(super) fn ask(
    request: u64,
    stream: Stream,
    frame: Vec<u8>,
    max_frame: usize,
    deadline: Instant,
    reports: mpsc::Sender<Report>,
) -> AbortHandle {
    let task = async move {
        let mut stream = stream;
        let work = async {
            write_frame(&mut stream, &frame).await?;
            let reply = read_frame(&mut stream, max_frame).await?;
            // The reply is here; a peer that has gone meanwhile takes nothing from it.
            let _ = stream.close().await;
            Ok::<_, io::Error>(reply)
        };
        let result = match timeout_at(deadline, work).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Err(SendError::Garbage),
            Ok(Err(_)) => Err(SendError::Closed),
            Err(_) => Err(SendError::TimedOut),
        };
        let _ = reports.send(Report::Replied { request, result }).await;
    };
    tokio::spawn(task).abort_handle()
}

pub(super) async fn read_frame(stream: &mut (impl AsyncRead + Unpin), max: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length) as usize;
    if length == 0 || length > max {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame).await?;
    Ok(frame)
}

pub(super) async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(frame).await?;
    stream.flush().await
}
