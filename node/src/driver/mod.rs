//! Drives the market: one task that owns it, hears the network, the disk, the clock and the API, and carries out what
//! it says.
//!
//! All rules are in `protocol::market`; here is only waiting. Storing and searching run on threads of their own, one
//! batch at a time; everything else is a message to the network's task.

mod handle;
mod ring;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use intentcast_protocol::{
    contact::ReplyPath,
    fault::Verdict,
    frame::{Frame, Refusal},
    id::{EntryHash, RecordId},
    keys::Seed,
    ledger::Stored,
    list::{Bytes, List},
    market::{
        Answered, Command, Config, Denied, Done, Event, Exchange, Input, Market, Output, Request, TaskId, Ticket,
    },
    rules::Rules,
    time::Timestamp,
    topic::{self, Topic},
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

pub use handle::Handle;
use ring::Ring;

use crate::{documents::Documents, index::Index, net, store::Store};

/// How long after a failed write the ledger is tried again.
const STORE_RETRY: Duration = Duration::from_secs(2);
/// How long a reader may wait for the ledger to settle.
const READ_PATIENCE_MS: u64 = 200;
/// How often the node looks whether it is reachable, to join its backbone topics.
const REACHABLE_CHECK: Duration = Duration::from_secs(10);

/// The wall clock, as the wire has it.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// What a node is made of.
pub struct Parts {
    /// From which its keys grow.
    pub seed: Seed,
    /// Where its ledger and catalogue are.
    pub store: Arc<Store>,
    /// The catalogue's index; a customer has none until it imports a catalogue.
    pub index: Option<Index>,
    /// Its place on the network, and what happens there.
    pub net: net::Handle,
    /// What happens on the network.
    pub events: mpsc::Receiver<net::Event>,
    /// Where an index goes when a catalogue comes.
    pub index_dir: std::path::PathBuf,
    /// Topics that it listens on.
    pub listen: std::collections::BTreeSet<Topic>,
    /// A seller's rules.
    pub rules: Option<Rules>,
    /// Its photos and documents.
    pub documents: Arc<Documents>,
}

type Reader = Box<dyn FnOnce(Timestamp, &Market) + Send>;

/// What a [`Handle`] asks of the task.
enum Ask {
    Command(Command, oneshot::Sender<Result<Answered, Denied>>),
    Read(Reader),
}

/// The task's own state.
struct Driver {
    seed: Seed,
    market: Market,
    store: Arc<Store>,
    index: Arc<RwLock<Option<Index>>>,
    net: net::Handle,
    documents: Arc<Documents>,
    ring: Arc<Ring>,
    config: Config,
    /// Rises with each replay: results of effects from before it mean nothing any more.
    epoch: u64,
    done: mpsc::UnboundedSender<(u64, TaskId, Done)>,
    requests: BTreeMap<Request, oneshot::Sender<Result<Answered, Denied>>>,
    next_request: u64,
    readers: Vec<(Timestamp, Reader)>,
    retry_store: Option<tokio::time::Instant>,
    backbone: bool,
}

/// Task numbers on the network carry the epoch in their upper half.
fn net_task(epoch: u64, task: TaskId) -> u64 {
    epoch << 40 | task.0
}

/// Starts the market on its parts; it stops when `shutdown` is cancelled.
///
/// # Errors
/// Where the ledger cannot be read or its chain is broken.
pub async fn start(parts: Parts, shutdown: CancellationToken) -> anyhow::Result<Handle> {
    let config = Config {
        backbone: Default::default(),
        listen: parts.listen,
        rules: parts.rules,
        interests: {
            let store = parts.store.clone();
            tokio::task::spawn_blocking(move || store.interests()).await??
        },
    };
    let market = {
        let (store, seed, config) = (parts.store.clone(), parts.seed.clone(), config.clone());
        tokio::task::spawn_blocking(move || replay(&store, &seed, &config)).await??
    };
    let (done, finished) = mpsc::unbounded_channel();
    let (asks, asked) = mpsc::channel(256);
    let ring = Arc::new(Ring::starting_at(now()));
    let index = Arc::new(RwLock::new(parts.index));
    let handle = Handle::new(
        asks,
        ring.clone(),
        parts.net.clone(),
        parts.store.clone(),
        index.clone(),
        parts.index_dir,
    );
    let driver = Driver {
        seed: parts.seed,
        market,
        store: parts.store,
        index,
        net: parts.net,
        documents: parts.documents,
        ring,
        config,
        epoch: 0,
        done,
        requests: BTreeMap::new(),
        next_request: 0,
        readers: Vec::new(),
        retry_store: None,
        backbone: false,
    };
    tokio::spawn(driver.run(parts.events, finished, asked, shutdown));
    Ok(handle)
}

fn replay(store: &Store, seed: &Seed, config: &Config) -> anyhow::Result<Market> {
    let entries: Vec<Stored> = store.entries(0)?.collect::<Result<_, _>>()?;
    let bytes = entries.iter().map(|entry| entry.bytes.as_slice());
    Ok(Market::replay(seed.clone(), config.clone(), bytes, now())?)
}

impl Driver {
    async fn run(
        mut self,
        mut events: mpsc::Receiver<net::Event>,
        mut finished: mpsc::UnboundedReceiver<(u64, TaskId, Done)>,
        mut asked: mpsc::Receiver<Ask>,
        shutdown: CancellationToken,
    ) {
        let mut check = tokio::time::interval(REACHABLE_CHECK);
        self.carry_out().await;
        loop {
            let deadline = self.next_deadline();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some((epoch, task, done)) = finished.recv() => {
                    if epoch == self.epoch {
                        self.handle(Input::Done(task, done)).await;
                    }
                }
                event = events.recv() => match event {
                    Some(event) => self.net_event(event).await,
                    None => break,
                },
                Some(ask) = asked.recv() => self.ask(ask).await,
                () = sleep_until(deadline) => self.wake().await,
                _ = check.tick() => self.check_reachable().await,
            }
            self.serve_readers();
        }
        // What was being written is finished by its own thread; nothing unacknowledged is worth waiting for.
        debug!("market stopped");
    }

    fn next_deadline(&self) -> Option<tokio::time::Instant> {
        let market = self
            .market
            .deadline()
            .map(|at| tokio::time::Instant::now() + Duration::from_millis(at.since(now())));
        let reader = (!self.readers.is_empty()).then(|| tokio::time::Instant::now() + Duration::from_millis(50));
        [market, reader, self.retry_store].into_iter().flatten().min()
    }

    async fn wake(&mut self) {
        if self.retry_store.is_some_and(|at| at <= tokio::time::Instant::now()) {
            self.retry_store = None;
            self.recover().await;
        }
        self.handle(Input::Tick).await;
    }

    /// Storing failed: begin again from what is stored.
    async fn recover(&mut self) {
        match replay(&self.store, &self.seed, &self.config) {
            Ok(market) => {
                info!("ledger readable again; taking up from what is stored");
                self.epoch += 1;
                self.market = market;
                self.carry_out().await;
                self.tell_where().await;
            }
            Err(why) => {
                error!(%why, "ledger still unreadable");
                self.retry_store = Some(tokio::time::Instant::now() + STORE_RETRY);
            }
        }
    }

    async fn handle(&mut self, input: Input) {
        self.market.handle(now(), input);
        self.carry_out().await;
    }

    /// All out: everything the market says, before it hears anything else.
    async fn carry_out(&mut self) {
        while let Some(output) = self.market.poll() {
            self.carry(output).await;
        }
        if self.market.is_broken() && self.retry_store.is_none() {
            self.retry_store = Some(tokio::time::Instant::now() + STORE_RETRY);
        }
    }

    async fn carry(&mut self, output: Output) {
        let epoch = self.epoch;
        match output {
            Output::Verdict(ticket, verdict) => {
                let verdict = match verdict {
                    Verdict::Accept => net::Verdict::Accept,
                    Verdict::Ignore => net::Verdict::Ignore,
                    Verdict::Reject => net::Verdict::Reject,
                };
                self.net
                    .send(net::Command::Verdict {
                        ticket: net::Ticket(ticket.0),
                        verdict,
                    })
                    .await;
            }
            Output::Publish { task, topic, bytes } => {
                let task = net_task(epoch, task);
                self.net
                    .send(net::Command::Publish {
                        task,
                        topic: topic.to_string(),
                        bytes,
                    })
                    .await;
            }
            Output::Reach(topic) => self.net.send(net::Command::Reach(topic.to_string())).await,
            Output::Send { task, to, frame } => {
                let to = net::PeerRef {
                    id: to.peer.to_vec(),
                    addrs: to.addrs.iter().map(|addr| addr.to_vec()).collect(),
                };
                self.net
                    .send(net::Command::Send {
                        task: net_task(epoch, task),
                        to,
                        frame,
                    })
                    .await;
            }
            Output::Reply(exchange, frame) => {
                self.net
                    .send(net::Command::Reply {
                        exchange: net::Exchange(exchange.0),
                        frame,
                    })
                    .await;
            }
            Output::Serve {
                exchange,
                about,
                hash,
                offset,
            } => {
                let (documents, net) = (self.documents.clone(), self.net.clone());
                tokio::spawn(async move {
                    let read = tokio::task::spawn_blocking(move || documents.piece(hash, offset)).await;
                    let frame = piece(about, hash, offset, read.unwrap_or_else(|why| Err(why.into()))).encode();
                    let exchange = net::Exchange(exchange.0);
                    net.send(net::Command::Reply { exchange, frame }).await;
                });
            }
            Output::Subscribe(topic) => self.net.send(net::Command::Subscribe(topic.to_string())).await,
            Output::Unsubscribe(topic) => self.net.send(net::Command::Unsubscribe(topic.to_string())).await,
            Output::Search { task, intent } => {
                let (index, store, done) = (self.index.clone(), self.store.clone(), self.done.clone());
                let lowest = handle::lowest(self.config.rules.as_ref());
                tokio::task::spawn_blocking(move || {
                    let found = handle::candidates(&index, &store, &intent, lowest);
                    // The task may have stopped meanwhile; then nobody waits.
                    let _ = done.send((epoch, task, Done::Found(found)));
                });
            }
            Output::Append { task, entries } => {
                let (store, done) = (self.store.clone(), self.done.clone());
                tokio::task::spawn_blocking(move || {
                    let result = match store.append(&entries) {
                        Ok(()) => Done::Stored,
                        Err(why) => {
                            error!(%why, "the ledger could not be written");
                            Done::NotStored
                        }
                    };
                    let _ = done.send((epoch, task, result));
                });
            }
            Output::Answer(request, answer) => {
                if let Some(waiting) = self.requests.remove(&request) {
                    let _ = waiting.send(answer);
                }
            }
            Output::Event(event) => {
                log(&event);
                self.ring.push(now(), event);
            }
        }
    }

    async fn net_event(&mut self, event: net::Event) {
        match event {
            net::Event::Gossip {
                ticket,
                peer,
                topic,
                bytes,
            } => match topic.parse() {
                Ok(topic) => {
                    self.handle(Input::Gossip {
                        ticket: Ticket(ticket.0),
                        peer,
                        topic,
                        bytes,
                    })
                    .await
                }
                Err(_) => {
                    self.net
                        .send(net::Command::Verdict {
                            ticket,
                            verdict: net::Verdict::Reject,
                        })
                        .await;
                }
            },
            net::Event::Frame { exchange, peer, frame } => {
                self.handle(Input::Frame {
                    exchange: Exchange(exchange.0),
                    peer,
                    bytes: frame,
                })
                .await;
            }
            net::Event::Published { task, result } => {
                let peers = match result {
                    Ok(peers) => peers,
                    // The same bytes are on the topic already: they were heard.
                    Err(net::PublishError::Duplicate) => 1,
                    Err(why) => {
                        debug!(%why, "not published");
                        0
                    }
                };
                self.net_done(task, Done::Published(peers)).await;
            }
            net::Event::Sent { task, result } => {
                let done = result.map_or_else(
                    |why| {
                        debug!(%why, "not sent");
                        Done::Failed
                    },
                    Done::Replied,
                );
                self.net_done(task, done).await;
            }
            net::Event::TopicPeers { topic, peers, joined } => {
                if let Ok(topic) = topic.parse::<Topic>()
                    && peers > 0
                {
                    let peer = joined.and_then(|peer| {
                        reply_path(&net::PeerRef {
                            id: peer,
                            addrs: Vec::new(),
                        })
                    });
                    self.handle(Input::Joined {
                        peer: peer.unwrap_or_default(),
                        topic,
                    })
                    .await;
                }
            }
            net::Event::Connected { .. } => {}
            net::Event::Gone { peer } => self.handle(Input::Gone(peer)).await,
            net::Event::Listening { addrs } => {
                debug!(count = addrs.len(), "addresses changed");
                self.tell_where().await;
                self.check_reachable().await;
            }
        }
    }

    async fn net_done(&mut self, task: u64, done: Done) {
        if task >> 40 == self.epoch {
            self.handle(Input::Done(TaskId(task & ((1 << 40) - 1)), done)).await;
        }
    }

    async fn tell_where(&mut self) {
        let local = self.net.local_peer();
        if local.addrs.is_empty() {
            return;
        }
        if let Some(reply) = reply_path(&local) {
            self.handle(Input::Reachable(reply)).await;
        }
    }

    /// A reachable node carries its share of the meshes: two topics that follow from its peer id and tell nothing.
    async fn check_reachable(&mut self) {
        if self.backbone || !self.net.status().await.is_some_and(|status| status.reachable) {
            return;
        }
        self.backbone = true;
        self.config.backbone = topic::backbone(&self.net.local_peer().id).into();
        self.market.join_backbone(self.config.backbone.clone());
        self.carry_out().await;
    }

    async fn ask(&mut self, ask: Ask) {
        match ask {
            Ask::Command(command, answer) => {
                match &command {
                    Command::Rules(rules) => self.config.rules = rules.as_deref().cloned(),
                    Command::Listen(topics) => self.config.listen = topics.clone(),
                    Command::Await(name, Some(sought)) => {
                        self.config.interests.insert(name.clone(), (**sought).clone());
                    }
                    Command::Await(name, None) => {
                        self.config.interests.remove(name);
                    }
                    _ => {}
                }
                self.next_request += 1;
                let request = Request(self.next_request);
                self.requests.insert(request, answer);
                self.handle(Input::Command(request, command)).await;
            }
            Ask::Read(reader) => self.readers.push((now(), reader)),
        }
    }

    /// Readers see what is stored: they wait while facts are on their way to disk, but not for ever.
    fn serve_readers(&mut self) {
        let now = now();
        let settled = !self.market.is_settling();
        let (ready, waiting) = std::mem::take(&mut self.readers)
            .into_iter()
            .partition(|(since, _)| settled || now.since(*since) >= READ_PATIENCE_MS);
        self.readers = waiting;
        let ready: Vec<(Timestamp, Reader)> = ready;
        for (_, reader) in ready {
            reader(now, &self.market);
        }
    }
}

/// What the disk has of a document, as a frame.
fn piece(about: RecordId, hash: EntryHash, offset: u32, read: io::Result<Option<(u32, Vec<u8>)>>) -> Frame {
    let refused = |why| Frame::Refused { about, why };
    match read {
        Ok(Some((total, bytes))) => match Bytes::new(bytes) {
            Ok(bytes) => Frame::Piece {
                hash,
                total,
                offset,
                bytes,
            },
            Err(_) => refused(Refusal::NotStored),
        },
        Ok(None) => refused(Refusal::Early),
        Err(why) => {
            error!(%why, document = %hash.short(), "a document cannot be read");
            refused(Refusal::NotStored)
        }
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn reply_path(peer: &net::PeerRef) -> Option<ReplyPath> {
    Some(ReplyPath {
        peer: Bytes::new(peer.id.clone()).ok()?,
        addrs: List::cut(peer.addrs.iter().filter_map(|addr| Bytes::new(addr.clone()).ok())),
    })
}

/// Events name ids and counts, never wants or prices; reasons may quote what was asked, so they are for debugging.
fn log(event: &Event) {
    match event {
        Event::StoreFailed => error!("the ledger could not be written; the node refuses everything until it can"),
        Event::Refused {
            record, why, detail, ..
        } => {
            info!(record = %record.short(), why = why.word(), "record refused");
            debug!(record = %record.short(), detail, "why");
        }
        Event::Unheard { intent, topic } => {
            warn!(intent = %intent.short(), "nobody to hear it yet");
            debug!(intent = %intent.short(), topic, "where");
        }
        Event::Cast { intent } => info!(intent = %intent.short(), "cast"),
        Event::Offer { intent, offer } => {
            info!(intent = %intent.short(), offer = %offer.short(), "offer taken in");
        }
        Event::Answered { intent, offers, why } => {
            info!(intent = %intent.short(), offers, "intent answered");
            debug!(intent = %intent.short(), why, "why");
        }
        Event::Agreement { agreement, .. } => info!(agreement = %agreement.short(), "agreement"),
        other => debug!(event = ?std::mem::discriminant(other), "event"),
    }
}
