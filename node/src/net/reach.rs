//! Requests on their way out: finding the peer, sharing one search among all requests to it, opening the stream.
//!
//! A search dials the given addresses, dials once more after a short random wait (two peers that dial each other in
//! the same moment can both fail), asks Kademlia where the peer is, and then gives up.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use libp2p::kad::QueryId;
use libp2p::swarm::DialError;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, Stream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::exchange::{self, Report};
use super::links::Net;
use super::stream::OpenError;
use super::timers::{Due, jitter};
use super::{Event, PeerRef, SendError, TaskId, address};

/// Connections that may go under one request before it is given up.
const MAX_LOST: u8 = 3;

pub(super) struct Reach {
    next: u64,
    requests: HashMap<u64, Request>,
    per_peer: HashMap<PeerId, usize>,
    searches: HashMap<PeerId, Search>,
    lookups: HashMap<QueryId, PeerId>,
    reports: mpsc::Sender<Report>,
}

struct Request {
    task: TaskId,
    peer: PeerId,
    deadline: Instant,
    /// Streams that could not be opened because a connection went.
    lost: u8,
    step: Step,
}

enum Step {
    /// For the peer to be connected.
    Waiting(Vec<u8>),
    /// For the stream to be open.
    Opening(Vec<u8>),
    /// For the reply.
    Asking(AbortHandle),
}

#[derive(Default)]
struct Search {
    addrs: Vec<Multiaddr>,
    dialled_again: bool,
    looked_up: bool,
}

impl Reach {
    pub fn new(reports: mpsc::Sender<Report>) -> Self {
        Self {
            next: 0,
            requests: HashMap::new(),
            per_peer: HashMap::new(),
            searches: HashMap::new(),
            lookups: HashMap::new(),
            reports,
        }
    }

    pub fn len(&self) -> usize {
        self.requests.len()
    }

    pub fn send(&mut self, net: &mut Net, task: TaskId, to: PeerRef, frame: Vec<u8>) {
        net.counters.sends += 1;
        let config = &net.settings.config;
        let refuse = |error| Event::Sent {
            task,
            result: Err(error),
        };
        if frame.is_empty() || frame.len() > config.max_frame_bytes {
            return net.tell(refuse(SendError::TooLarge));
        }
        let Some(peer) = address::peer_id(&to.id).filter(|peer| peer != net.swarm.local_peer_id()) else {
            return net.tell(refuse(SendError::Unreachable));
        };
        let with_peer = self.per_peer.get(&peer).copied().unwrap_or_default();
        if self.requests.len() >= config.max_outbound_exchanges || with_peer >= config.max_outbound_exchanges_per_peer {
            return net.tell(refuse(SendError::Busy));
        }

        self.next += 1;
        let request = self.next;
        let deadline = Instant::now() + net.settings.exchange_deadline;
        net.timers.add(deadline, Due::Expire(request));
        self.requests.insert(
            request,
            Request {
                task,
                peer,
                deadline,
                lost: 0,
                step: Step::Waiting(frame),
            },
        );
        *self.per_peer.entry(peer).or_default() += 1;

        let addrs = address::of_peer(peer, &to.addrs, net.settings.allow_private);
        self.pursue(net, peer, addrs);
    }

    /// Opens a stream for every request that waits, or searches for the peer.
    fn pursue(&mut self, net: &mut Net, peer: PeerId, addrs: Vec<Multiaddr>) {
        if net.swarm.is_connected(&peer) {
            return self.connected(net, peer);
        }
        if let Some(search) = self.searches.get_mut(&peer) {
            let fresh: Vec<_> = addrs.into_iter().filter(|addr| !search.addrs.contains(addr)).collect();
            search.addrs.extend(fresh);
            search.addrs.truncate(2 * address::MAX_ADDRS);
            return;
        }
        self.searches.insert(
            peer,
            Search {
                addrs,
                ..Search::default()
            },
        );
        self.dial(net, peer);
    }

    fn dial(&mut self, net: &mut Net, peer: PeerId) {
        let Some(search) = self.searches.get(&peer) else { return };
        let opts = DialOpts::peer_id(peer)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(search.addrs.clone())
            .extend_addresses_through_behaviour()
            .build();
        match net.dial(opts) {
            Ok(()) => {}
            // Somebody else's dial is under way; its end is our news, too.
            Err(DialError::DialPeerConditionFalse(_)) => {}
            // There is nothing to dial again.
            Err(_) => {
                search_mut(&mut self.searches, peer).dialled_again = true;
                self.dial_failed(net, peer);
            }
        }
    }

    /// A dial to this peer failed, ours or another's.
    pub fn dial_failed(&mut self, net: &mut Net, peer: PeerId) {
        let Some(search) = self.searches.get_mut(&peer) else {
            return;
        };
        if !search.dialled_again {
            search.dialled_again = true;
            net.timers.add(
                Instant::now() + jitter(Duration::from_millis(150)),
                Due::DialAgain(peer),
            );
        } else if !search.looked_up {
            search.looked_up = true;
            let query = net.swarm.behaviour_mut().kad.get_closest_peers(peer);
            self.lookups.insert(query, peer);
        } else if !self.lookups.values().any(|sought| *sought == peer) {
            self.give_up(net, peer);
        }
    }

    pub fn dial_again(&mut self, net: &mut Net, peer: PeerId) {
        if self.searches.contains_key(&peer) {
            self.pursue_again(net, peer);
        }
    }

    fn pursue_again(&mut self, net: &mut Net, peer: PeerId) {
        if net.swarm.is_connected(&peer) {
            return self.connected(net, peer);
        }
        self.dial(net, peer);
    }

    /// Kademlia's answer, if it was asked by us.
    pub fn looked_up(&mut self, net: &mut Net, query: QueryId, found: Vec<(PeerId, Vec<Multiaddr>)>) -> bool {
        let Some(peer) = self.lookups.remove(&query) else {
            return false;
        };
        let allow_private = net.settings.allow_private;
        let Some(search) = self.searches.get_mut(&peer) else {
            return true;
        };
        let addrs: HashSet<_> = found
            .into_iter()
            .filter(|(id, _)| *id == peer)
            .flat_map(|(_, addrs)| address::admitted(peer, addrs, allow_private))
            .collect();
        let fresh: Vec<_> = addrs.into_iter().filter(|addr| !search.addrs.contains(addr)).collect();
        if fresh.is_empty() {
            self.give_up(net, peer);
        } else {
            search.addrs = fresh;
            self.pursue_again(net, peer);
        }
        true
    }

    fn give_up(&mut self, net: &mut Net, peer: PeerId) {
        self.searches.remove(&peer);
        for request in self.waiting_for(peer) {
            self.finish(net, request, Err(SendError::Unreachable));
        }
    }

    /// The peer is there: every request that waits for it goes on.
    pub fn connected(&mut self, net: &mut Net, peer: PeerId) {
        self.searches.remove(&peer);
        net.touch(&peer);
        for id in self.waiting_for(peer) {
            let Some(request) = self.requests.get_mut(&id) else {
                continue;
            };
            if let Step::Waiting(frame) = &mut request.step {
                request.step = Step::Opening(std::mem::take(frame));
                net.swarm.behaviour_mut().streams.open(peer, id);
            }
        }
    }

    pub fn opened(&mut self, net: &mut Net, id: u64, result: Result<Stream, OpenError>) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let Step::Opening(frame) = &mut request.step else {
            return;
        };
        let frame = std::mem::take(frame);
        match result {
            Ok(stream) => {
                net.counters.frame_bytes_out += frame.len() as u64;
                let task = exchange::ask(
                    id,
                    stream,
                    frame,
                    net.settings.config.max_frame_bytes,
                    request.deadline,
                    self.reports.clone(),
                );
                request.step = Step::Asking(task);
            }
            // The connection went before the stream was there; nothing was sent, so asking again is safe.
            Err(OpenError::Closed) if request.lost < MAX_LOST => {
                request.lost += 1;
                let peer = request.peer;
                request.step = Step::Waiting(frame);
                self.pursue(net, peer, Vec::new());
            }
            Err(OpenError::Closed) => self.finish(net, id, Err(SendError::Closed)),
            Err(OpenError::Unsupported) => self.finish(net, id, Err(SendError::Refused)),
            Err(OpenError::TimedOut) => {
                leave(net, request.peer);
                self.finish(net, id, Err(SendError::TimedOut));
            }
        }
    }

    pub fn replied(&mut self, net: &mut Net, id: u64, result: Result<Vec<u8>, SendError>) {
        if let Ok(frame) = &result {
            net.counters.sends_replied += 1;
            net.counters.frame_bytes_in += frame.len() as u64;
        }
        self.finish(net, id, result);
    }

    pub fn expire(&mut self, net: &mut Net, id: u64) {
        if let Some(Request {
            peer,
            step: Step::Opening(_),
            ..
        }) = self.requests.get(&id)
        {
            leave(net, *peer);
        }
        self.finish(net, id, Err(SendError::TimedOut));
    }

    fn finish(&mut self, net: &mut Net, id: u64, result: Result<Vec<u8>, SendError>) {
        let Some(request) = self.requests.remove(&id) else {
            return;
        };
        if let Step::Asking(task) = request.step {
            task.abort();
        }
        if let Some(count) = self.per_peer.get_mut(&request.peer) {
            *count -= 1;
            if *count == 0 {
                self.per_peer.remove(&request.peer);
                self.searches.remove(&request.peer);
            }
        }
        net.tell(Event::Sent {
            task: request.task,
            result,
        });
    }

    /// In the order they came.
    fn waiting_for(&self, peer: PeerId) -> Vec<u64> {
        let waits = |request: &Request| request.peer == peer && matches!(request.step, Step::Waiting(_));
        let mut all: Vec<_> = self
            .requests
            .iter()
            .filter(|(_, request)| waits(request))
            .map(|(id, _)| *id)
            .collect();
        all.sort_unstable();
        all
    }
}

/// Closes the connections to a peer that opened no stream in all the time of an exchange. Even the busiest peer does;
/// this one has gone without a word, and its connection would swallow the next request, too.
fn leave(net: &mut Net, peer: PeerId) {
    // It may have closed meanwhile.
    let _ = net.swarm.disconnect_peer_id(peer);
}

fn search_mut(searches: &mut HashMap<PeerId, Search>, peer: PeerId) -> &mut Search {
    searches.get_mut(&peer).expect("the caller has just looked at it")
}

impl Drop for Reach {
    fn drop(&mut self) {
        for request in self.requests.values() {
            if let Step::Asking(task) = &request.step {
                task.abort();
            }
        }
    }
}
