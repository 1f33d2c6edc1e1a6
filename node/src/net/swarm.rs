//! The one task that owns the swarm: it takes commands, hears the swarm, and tells events.
//!
//! Events that are not taken wait in a queue of their own, so that a command never waits for an event; while that
//! queue is long the swarm is not polled, and gossip is dropped before it is that long.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use libp2p::kad::store::RecordStore;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, Swarm, gossipsub, identify, kad, mdns};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::behaviour::{Behaviour, BehaviourEvent};
use super::config::Settings;
use super::discovery::Discovery;
use super::exchange::{End, Inbound, Limits, Report, reports};
use super::gossip::Tickets;
use super::links::Net;
use super::reach::Reach;
use super::timers::{Due, jitter};
use super::{
    Command, Error, Event, Exchange, NetKey, PeerInfo, PeerRef, PublishError, Status, Ticket, TopicGrammar, Verdict,
    address, gossip, stream, transport,
};

/// Events that wait, in all, and when gossip is dropped.
const MAX_OUTBOX: usize = 1_024;
const MAX_OUTBOX_GOSSIP: usize = 512;
/// Kademlia and gossip keep what they use open; this closes the rest.
const IDLE: Duration = Duration::from_secs(600);
/// Well within gossipsub's heartbeat of a second.
const BEAT: Duration = Duration::from_millis(500);
/// Points at which a peer is sent away.
const MAX_PENALTY: f64 = 100.0;
/// Peers whose points are remembered; they fade within minutes.
const MAX_PENALISED: usize = 4_096;
/// Until a peer that was restarted is dialled: it may come by itself meanwhile.
const AFRESH: Duration = Duration::from_millis(500);
const MAX_AGENT_CHARS: usize = 64;

pub(super) struct Task {
    net: Net,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    reports: mpsc::Receiver<Report>,
    local: watch::Sender<PeerRef>,
    grammar: TopicGrammar,
    tickets: Tickets,
    inbound: Inbound,
    reach: Reach,
    discovery: Discovery,
    penalties: HashMap<PeerId, f64>,
    ticks: u64,
}

impl Task {
    pub fn new(
        settings: Settings,
        grammar: TopicGrammar,
        key: NetKey,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
        local: watch::Sender<PeerRef>,
    ) -> Result<Self, Error> {
        let (road, relay) = transport::build(&settings, &key.0)?;
        let behaviour = Behaviour::new(&settings, grammar, &key.0, relay)?;
        let config = libp2p::swarm::Config::with_tokio_executor()
            .with_idle_connection_timeout(IDLE)
            .with_max_negotiating_inbound_streams(32);
        let mut swarm = Swarm::new(road, behaviour, key.0.public().to_peer_id(), config);
        swarm.behaviour_mut().kad.set_mode(Some(kad::Mode::Client));
        for addr in &settings.listen {
            swarm.listen_on(addr.clone()).map_err(|error| Error::Listen {
                addr: addr.to_string(),
                reason: error.to_string(),
            })?;
        }
        for addr in &settings.external {
            swarm.add_external_address(addr.clone());
        }

        let (report, reports) = reports();
        let config = &settings.config;
        let limits = Limits {
            total: config.max_inbound_exchanges,
            per_peer: config.max_inbound_exchanges_per_peer,
            max_frame: config.max_frame_bytes,
            deadline: settings.exchange_deadline,
        };
        let mut net = Net::new(swarm, settings);
        net.timers.add(Instant::now() + BEAT, Due::Beat);
        let discovery = Discovery::new(&mut net);
        Ok(Self {
            net,
            commands,
            events,
            reports,
            local,
            grammar,
            tickets: Tickets::default(),
            inbound: Inbound::new(limits, report.clone()),
            reach: Reach::new(report),
            discovery,
            penalties: HashMap::new(),
            ticks: 0,
        })
    }

    pub async fn run(mut self, shutdown: CancellationToken) {
        // A copy, since a permit borrows its sender while the other branches need all of us.
        let events = self.events.clone();
        loop {
            let room = self.net.outbox.len() < MAX_OUTBOX;
            let due = self.net.timers.next_at();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.due(),
                permit = events.reserve(), if !self.net.outbox.is_empty() => {
                    let (Ok(permit), Some(event)) = (permit, self.net.outbox.pop_front()) else { break };
                    permit.send(event);
                }
                Some(report) = self.reports.recv(), if room => self.report(report),
                command = self.commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => break,
                },
                event = self.net.swarm.select_next_some(), if room => self.swarm_event(event),
            }
        }
        tracing::debug!("the network stops");
    }

    fn due(&mut self) {
        let now = Instant::now();
        while let Some(due) = self.net.timers.pop(now) {
            match due {
                Due::Beat => self.net.timers.add(now + BEAT, Due::Beat),
                Due::Tick => self.tick(),
                Due::Meeting(at) => self.discovery.meetings.dial(&mut self.net, at),
                Due::Lookup(topic, wish) => self.discovery.lookup_due(&mut self.net, &topic, wish),
                Due::Dial => self.discovery.dials_settled(&mut self.net),
                Due::MeetAfresh(peer, addrs) => {
                    // It may have come by itself, or be gone for good.
                    let opts = DialOpts::peer_id(peer).addresses(addrs).build();
                    if !self.net.swarm.is_connected(&peer) {
                        let _ = self.net.dial(opts);
                    }
                }
                Due::DialAgain(peer) => self.reach.dial_again(&mut self.net, peer),
                Due::Expire(request) => self.reach.expire(&mut self.net, request),
            }
        }
    }

    fn tick(&mut self) {
        self.ticks += 1;
        self.discovery.tick(&mut self.net, self.ticks);
        // A tick is a quarter of a minute: four of these halve a penalty.
        let gossip = &mut self.net.swarm.behaviour_mut().gossip;
        self.penalties.retain(|peer, points| {
            *points *= 0.84;
            let lasts = *points >= 1.0;
            gossip.set_application_score(peer, if lasts { -*points } else { 0.0 });
            lasts
        });
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Subscribe(topic) => self.subscribe(&topic),
            Command::Unsubscribe(topic) => {
                self.net
                    .swarm
                    .behaviour_mut()
                    .gossip
                    .unsubscribe(&gossip::topic(&topic));
                self.discovery.unsubscribe(&mut self.net, &topic);
            }
            Command::Reach(topic) => {
                if (self.grammar)(&topic) {
                    self.discovery.reach(&mut self.net, &topic);
                    self.discovery.tell_peers_of(&mut self.net, &topic, None);
                }
            }
            Command::Publish { task, topic, bytes } => {
                let result = self.publish(&topic, bytes);
                self.net.tell(Event::Published { task, result });
            }
            Command::Verdict { ticket, verdict } => self.verdict(ticket, verdict),
            Command::Send { task, to, frame } => self.reach.send(&mut self.net, task, to, frame),
            Command::Reply { exchange, frame } => self.reply(exchange, frame),
            Command::Penalise { peer, points } => self.penalise(&peer, points),
            // Whoever asked and has gone needs no answer.
            Command::Status(answer) => {
                drop(answer.send(Status::of(&mut self.net, self.inbound.len() + self.reach.len())))
            }
            Command::Peers(answer) => drop(answer.send(PeerInfo::all(&self.net, &self.discovery))),
        }
    }

    fn subscribe(&mut self, name: &str) {
        let topic = gossip::topic(name);
        let gossip = &mut self.net.swarm.behaviour_mut().gossip;
        let scored = gossip.set_topic_params(topic.clone(), gossip::topic_score());
        debug_assert!(scored.is_ok(), "scores are set up before any topic");
        match gossip.subscribe(&topic) {
            Ok(_) => {
                self.discovery.subscribe(&mut self.net, name);
                self.discovery.tell_peers_of(&mut self.net, name, None);
            }
            Err(error) => tracing::warn!(topic = name, %error, "not a topic to subscribe to"),
        }
    }

    fn publish(&mut self, name: &str, bytes: Vec<u8>) -> Result<usize, PublishError> {
        if bytes.is_empty() || bytes.len() > self.net.settings.config.max_gossip_bytes {
            return Err(PublishError::TooLarge);
        }
        if !(self.grammar)(name) {
            return Err(PublishError::Other);
        }
        self.discovery.reach(&mut self.net, name);
        let topic = gossip::topic(name);
        let size = bytes.len() as u64;
        let gossip = &mut self.net.swarm.behaviour_mut().gossip;
        let mesh = gossip.mesh_peers(&topic.hash()).count();
        match gossip.publish(topic, bytes) {
            Ok(_) => {
                self.net.counters.published += 1;
                self.net.counters.published_bytes += size;
                Ok(mesh.max(self.discovery.peers_of(name).min(gossip::MESH)).max(1))
            }
            Err(gossipsub::PublishError::NoPeersSubscribedToTopic) => {
                self.net.counters.published_to_nobody += 1;
                Err(PublishError::NoPeers)
            }
            Err(gossipsub::PublishError::MessageTooLarge) => Err(PublishError::TooLarge),
            Err(gossipsub::PublishError::Duplicate) => Err(PublishError::Duplicate),
            Err(_) => Err(PublishError::Other),
        }
    }

    fn verdict(&mut self, Ticket(ticket): Ticket, verdict: Verdict) {
        let Some(message) = self.tickets.redeem(ticket) else {
            self.net.counters.gossip_too_late += 1;
            return;
        };
        let acceptance = match verdict {
            Verdict::Accept => gossipsub::MessageAcceptance::Accept,
            Verdict::Ignore => gossipsub::MessageAcceptance::Ignore,
            Verdict::Reject => gossipsub::MessageAcceptance::Reject,
        };
        self.judge(&message.id, &message.from, acceptance);
    }

    fn judge(&mut self, id: &gossipsub::MessageId, from: &PeerId, acceptance: gossipsub::MessageAcceptance) {
        let counters = &mut self.net.counters;
        let count = match acceptance {
            gossipsub::MessageAcceptance::Accept => &mut counters.gossip_accepted,
            gossipsub::MessageAcceptance::Ignore => &mut counters.gossip_ignored,
            gossipsub::MessageAcceptance::Reject => &mut counters.gossip_rejected,
        };
        let gossip = &mut self.net.swarm.behaviour_mut().gossip;
        if gossip.report_message_validation_result(id, from, acceptance) {
            *count += 1;
        } else {
            self.net.counters.gossip_too_late += 1;
        }
    }

    fn reply(&mut self, Exchange(exchange): Exchange, frame: Vec<u8>) {
        let size = frame.len() as u64;
        if size == 0 || frame.len() > self.net.settings.config.max_frame_bytes {
            tracing::warn!(
                bytes = size,
                "a reply of ours is no frame; the exchange is left to its deadline"
            );
        } else if self.inbound.reply(exchange, frame) {
            self.net.counters.frame_bytes_out += size;
        } else {
            self.net.counters.replies_too_late += 1;
        }
    }

    fn penalise(&mut self, peer: &[u8], points: u32) {
        let Some(peer) = address::peer_id(peer) else { return };
        if self.penalties.len() >= MAX_PENALISED && !self.penalties.contains_key(&peer) {
            return;
        }
        let total = self.penalties.entry(peer).or_default();
        *total = (*total + f64::from(points)).min(2.0 * MAX_PENALTY);
        let total = *total;
        self.net
            .swarm
            .behaviour_mut()
            .gossip
            .set_application_score(&peer, -total);
        if total >= MAX_PENALTY {
            // It may have gone by itself.
            let _ = self.net.swarm.disconnect_peer_id(peer);
        }
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Asked { exchange, frame } => {
                // Cut to make room, meanwhile.
                let Some(peer) = self.inbound.asked(exchange) else {
                    return;
                };
                self.net.counters.frame_bytes_in += frame.len() as u64;
                self.net.tell(Event::Frame {
                    exchange: Exchange(exchange),
                    peer: peer.to_bytes(),
                    frame,
                });
            }
            Report::Answered { exchange, end } => {
                let counters = &mut self.net.counters;
                *match end {
                    End::Done => &mut counters.exchanges_answered,
                    End::TimedOut => &mut counters.exchanges_timed_out,
                    End::Garbage => &mut counters.exchanges_garbage,
                    End::Broken => &mut counters.exchanges_broken,
                } += 1;
                self.inbound.ended(exchange);
            }
            Report::Replied { request, result } => self.reach.replied(&mut self.net, request, result),
        }
    }

    fn swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                num_established,
                ..
            } => {
                let links = self.net.links.entry(peer_id).or_default();
                links.addrs.push((connection_id, endpoint.get_remote_address().clone()));
                if num_established.get() == 1 {
                    self.net.tell(Event::Connected {
                        peer: peer_id.to_bytes(),
                    });
                    self.discovery.meetings.connected(peer_id);
                }
                self.reach.connected(&mut self.net, peer_id);
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                num_established,
                ..
            } => {
                if let Some(links) = self.net.links.get_mut(&peer_id) {
                    links.addrs.retain(|(id, _)| *id != connection_id);
                }
                if num_established == 0 {
                    self.net.links.remove(&peer_id);
                    self.net.tell(Event::Gone {
                        peer: peer_id.to_bytes(),
                    });
                    self.discovery.gone(&mut self.net, peer_id);
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                tracing::debug!(%error, "a dial failed");
                self.net.counters.dials_failed += 1;
                if let Some(peer) = peer_id.filter(|peer| !self.net.swarm.is_connected(peer)) {
                    self.reach.dial_failed(&mut self.net, peer);
                    self.discovery.meetings.lost(&mut self.net, peer);
                    self.discovery.dial_failed(&mut self.net, peer);
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                if self.net.settings.allow_private && !address::is_relayed(&address) {
                    // Here every address works for whoever is near enough to be told of it.
                    self.net.swarm.add_external_address(address);
                }
                self.moved();
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.net.swarm.remove_external_address(&address);
                self.moved();
            }
            SwarmEvent::ListenerClosed { listener_id, .. } => {
                self.discovery.relays.listener_closed(listener_id);
                self.moved();
            }
            SwarmEvent::ExternalAddrConfirmed { .. } | SwarmEvent::ExternalAddrExpired { .. } => self.moved(),
            _ => {}
        }
    }

    /// Tells where we are reached now, if that has changed.
    fn moved(&mut self) {
        let mode = if self.net.is_reachable() {
            kad::Mode::Server
        } else {
            kad::Mode::Client
        };
        if self.net.swarm.behaviour().kad.mode() != mode {
            self.net.swarm.behaviour_mut().kad.set_mode(Some(mode));
        }
        let addrs = self.net.addresses();
        let bytes: Vec<_> = addrs.iter().map(Multiaddr::to_vec).collect();
        if self.local.borrow().addrs == bytes {
            return;
        }
        self.local.send_modify(|local| local.addrs = bytes);
        self.net.tell(Event::Listening {
            addrs: addrs.iter().map(Multiaddr::to_string).collect(),
        });
        self.discovery.moved(&mut self.net);
    }

    fn behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(event) => self.gossip_event(event),
            BehaviourEvent::Streams(stream::Event::Inbound { peer, stream }) => {
                self.net.touch(&peer);
                self.inbound.accept(peer, stream, &mut self.net.counters);
            }
            BehaviourEvent::Streams(stream::Event::Opened { request, result }) => {
                self.reach.opened(&mut self.net, request, result);
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                if let Some(links) = self.net.links.get_mut(&peer_id) {
                    let agent = info.agent_version.chars().filter(|c| !c.is_control());
                    let agent: String = agent.take(MAX_AGENT_CHARS).collect();
                    let before = std::mem::replace(&mut links.agent, agent);
                    if before.is_empty() || before == links.agent {
                        self.discovery.identified(&mut self.net, peer_id, info);
                    } else {
                        self.restarted(peer_id, info.listen_addrs);
                    }
                }
            }
            BehaviourEvent::Kad(event) => self.kad_event(event),
            BehaviourEvent::Mdns(mdns::Event::Discovered(peers)) => {
                for (peer, addr) in peers {
                    self.discovery.met(&mut self.net, peer, addr);
                }
            }
            _ => {}
        }
    }

    /// A peer is another process than the one we were connected with, whose connection nobody has missed yet: it knows
    /// nothing of what we told that one, and gossipsub, which tells its topics once a peer, would not tell it.
    fn restarted(&mut self, peer: PeerId, addrs: Vec<Multiaddr>) {
        let addrs = address::admitted(peer, addrs, self.net.settings.allow_private);
        // It may be gone again.
        let _ = self.net.swarm.disconnect_peer_id(peer);
        let due = Due::MeetAfresh(peer, addrs);
        self.net.timers.add(Instant::now() + jitter(AFRESH), due);
    }

    fn gossip_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source: from,
                message_id: id,
                message,
            } => {
                self.net.counters.gossip_received += 1;
                self.net.counters.gossip_received_bytes += message.data.len() as u64;
                if message.data.is_empty() || message.data.len() > self.net.settings.config.max_gossip_bytes {
                    self.judge(&id, &from, gossipsub::MessageAcceptance::Reject);
                } else if self.net.outbox.len() >= MAX_OUTBOX_GOSSIP {
                    self.net.counters.gossip_shed += 1;
                    self.judge(&id, &from, gossipsub::MessageAcceptance::Ignore);
                } else {
                    let ticket = self.tickets.issue(std::time::Instant::now(), id, from);
                    self.net.tell(Event::Gossip {
                        ticket: Ticket(ticket),
                        peer: from.to_bytes(),
                        topic: message.topic.into_string(),
                        bytes: message.data,
                    });
                }
            }
            gossipsub::Event::Subscribed { peer_id, topic } => {
                self.discovery.subscribed(&mut self.net, peer_id, topic.as_str());
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => {
                self.discovery.unsubscribed(&mut self.net, peer_id, topic.as_str());
            }
            gossipsub::Event::GossipsubNotSupported { .. } => {}
            gossipsub::Event::SlowPeer { failed_messages, .. } => {
                tracing::debug!(?failed_messages, "a peer is too slow for its messages");
            }
        }
    }

    fn kad_event(&mut self, event: kad::Event) {
        match event {
            kad::Event::RoutingUpdated { is_new_peer: true, .. } => self.discovery.routing_grew(&mut self.net),
            kad::Event::OutboundQueryProgressed { id, result, step, .. } => {
                let mut near = Vec::new();
                match result {
                    kad::QueryResult::GetProviders(Ok(kad::GetProvidersOk::FoundProviders { providers, .. })) => {
                        self.discovery.found(&mut self.net, id, providers);
                    }
                    kad::QueryResult::GetClosestPeers(
                        Ok(kad::GetClosestPeersOk { peers, .. })
                        | Err(kad::GetClosestPeersError::Timeout { peers, .. }),
                    ) => near.extend(peers.into_iter().map(|peer| (peer.peer_id, peer.addrs))),
                    _ => {}
                }
                if step.last && !self.reach.looked_up(&mut self.net, id, near.clone()) {
                    self.discovery.ended(&mut self.net, id, near);
                }
            }
            kad::Event::InboundRequest {
                request: kad::InboundRequest::AddProvider { record: Some(record) },
            } => {
                self.keep_provider(record);
            }
            _ => {}
        }
    }

    /// Stores where a stranger provides something, as far as it can be a topic of ours and a place that may be told.
    fn keep_provider(&mut self, mut record: kad::ProviderRecord) {
        record.addresses = address::admitted(record.provider, record.addresses, self.net.settings.allow_private);
        if record.key.as_ref().len() == 32 && !record.addresses.is_empty() {
            // A full store keeps what it has.
            let _ = self.net.swarm.behaviour_mut().kad.store_mut().add_provider(record);
        }
    }
}
