//! The one task that owns the swarm: it starts, goes round until it is told to stop, and says goodbye.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::{FutureExt, StreamExt};
use libp2p::core::transport::ListenerId;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm, identify, kad, relay};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::address::Policy;
use crate::behaviour::{Behaviour, BehaviourEvent};
use crate::config::{Checked, Config, Limits};
use crate::home::HomeLock;
use crate::http::{self, Probe, Snapshot, Totals};
use crate::providers::ProviderStore;
use crate::{ID_PROTOCOL, KAD_PROTOCOL, identity, transport};

/// How long the listeners may take to get their addresses; a local matter, so milliseconds as a rule.
const START: Duration = Duration::from_secs(10);

/// How long the goodbye may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A meeting point that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its id, as text.
    pub peer: String,
    /// Where it is reached: full multiaddrs that end in `/p2p/<id>`. Those that the operator named stand first, in order.
    pub addresses: Vec<String>,
    /// Where health and metrics are served.
    pub http: Option<SocketAddr>,
}

/// Runs a meeting point until `shutdown`, and returns once it has let go of its folder and ports. `ready` is called
/// once, when every listener has an address.
///
/// # Errors
/// The configuration does not hold, the folder is in use, the key cannot be used, an address cannot be listened on, or
/// the last listener was lost.
pub async fn run(config: Config, shutdown: CancellationToken, ready: impl FnOnce(&Running) + Send) -> Result<()> {
    let config = config.checked()?;
    let _lock = HomeLock::take(&config.home)?;
    let mut point = Point::start(&config)?;
    let (probe, asked) = Probe::new();
    point.asked = Some(asked);

    let stop_http = CancellationToken::new();
    let (http, serving) = match config.http {
        Some(address) => {
            let (bound, task) = http::serve(address, probe, stop_http.clone()).await?;
            (Some(bound), Some(task))
        }
        None => (None, None),
    };
    // Also when this future is dropped half way: the server must not outlive its swarm.
    let _stop_http = stop_http.drop_guard();

    let outcome = tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(()),
        outcome = point.go(http, ready) => outcome,
    };

    point.farewell().await;
    drop(_stop_http);
    if let Some(mut serving) = serving
        && tokio::time::timeout(FAREWELL, &mut serving).await.is_err()
    {
        serving.abort();
    }
    outcome
}

struct Point {
    swarm: Swarm<Behaviour>,
    policy: Policy,
    /// The addresses others use, as the operator names them. When there are none, those it listens on.
    external: Vec<Multiaddr>,
    listeners: HashSet<ListenerId>,
    /// Listeners that have no address yet.
    silent: HashSet<ListenerId>,
    /// Peers with a reservation. libp2p also says "closed" for connections that never had one, so this goes by time
    /// out and by the end of the peer's last connection.
    reservations: HashSet<PeerId>,
    circuits: usize,
    totals: Totals,
    asked: Option<mpsc::Receiver<oneshot::Sender<Snapshot>>>,
}

impl Point {
    fn start(config: &Checked) -> Result<Self> {
        let Checked {
            home,
            listen,
            external,
            bootstrap,
            policy,
            limits,
            ..
        } = config;
        let mut swarm = swarm(home, *policy, limits)?;
        let mut listeners = HashSet::new();
        for address in listen {
            let id = swarm
                .listen_on(address.clone())
                .with_context(|| format!("cannot listen on {address}"))?;
            listeners.insert(id);
        }
        for address in external {
            swarm.add_external_address(address.clone());
        }
        for (peer, address) in bootstrap {
            if peer == swarm.local_peer_id() {
                continue;
            }
            swarm.behaviour_mut().kad.add_address(peer, address.clone());
            // One that is not up yet is dialled again by the routing table's own refresh, every five minutes.
            if let Err(error) = swarm.dial(address.clone()) {
                tracing::debug!(%error, "another meeting point cannot be dialled");
            }
        }
        Ok(Self {
            swarm,
            policy: *policy,
            external: external.clone(),
            silent: listeners.clone(),
            listeners,
            reservations: HashSet::new(),
            circuits: 0,
            totals: Totals::default(),
            asked: None,
        })
    }

    async fn go(&mut self, http: Option<SocketAddr>, ready: impl FnOnce(&Running) + Send) -> Result<()> {
        tokio::time::timeout(START, async {
            while !self.silent.is_empty() {
                let event = self.swarm.select_next_some().await;
                self.on_event(event)?;
            }
            // An address that stands for several interfaces reports them one by one; those at hand belong to "ready".
            while let Some(event) = self.swarm.select_next_some().now_or_never() {
                self.on_event(event)?;
            }
            anyhow::Ok(())
        })
        .await
        .context("the listeners got no address in time")??;

        let running = self.running(http);
        tracing::info!(addresses = running.addresses.len(), "listening");
        if self.swarm.external_addresses().next().is_none() {
            tracing::warn!("no address that others can use is known: set `external`, or it relays for nobody");
        }
        ready(&running);

        let mut asked = self.asked.take().expect("set before the start");
        loop {
            tokio::select! {
                biased;
                Some(answer) = asked.recv() => {
                    // The asker may have lost patience.
                    let _ = answer.send(self.snapshot());
                }
                event = self.swarm.select_next_some() => self.on_event(event)?,
            }
        }
    }

    fn running(&self, http: Option<SocketAddr>) -> Running {
        let peer = *self.swarm.local_peer_id();
        let mut others: Vec<&Multiaddr> = self.swarm.external_addresses().chain(self.swarm.listeners()).collect();
        others.sort_by_key(|address| address.to_string());
        let mut addresses: Vec<String> = Vec::new();
        for address in self.external.iter().chain(others) {
            let Ok(address) = address.clone().with_p2p(peer) else {
                continue;
            };
            let address = address.to_string();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Running {
            peer: peer.to_string(),
            addresses,
            http,
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        let connections = self.swarm.network_info().connection_counters().num_established();
        let kad = &mut self.swarm.behaviour_mut().kad;
        Snapshot {
            listening: self.silent.is_empty(),
            connections,
            peers: kad.kbuckets().map(|bucket| bucket.num_entries()).sum(),
            reservations: self.reservations.len(),
            circuits: self.circuits,
            providers: kad.store_mut().len(),
            totals: self.totals,
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) -> Result<()> {
        match event {
            SwarmEvent::NewListenAddr { listener_id, address } => {
                self.silent.remove(&listener_id);
                if self.external.is_empty() && self.policy.admits(&address) {
                    self.swarm.add_external_address(address);
                }
            }
            SwarmEvent::ExpiredListenAddr { address, .. } if self.external.is_empty() => {
                self.swarm.remove_external_address(&address);
            }
            SwarmEvent::ListenerClosed {
                listener_id, reason, ..
            } => self.on_listener_closed(listener_id, reason)?,
            SwarmEvent::IncomingConnectionError { error, .. } => {
                self.totals.refused += 1;
                tracing::debug!(%error, "a connection was not established");
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                ..
            } => {
                self.reservations.remove(&peer_id);
            }
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            _ => {}
        }
        Ok(())
    }

    fn on_listener_closed(&mut self, listener: ListenerId, reason: std::io::Result<()>) -> Result<()> {
        self.listeners.remove(&listener);
        let starting = self.silent.remove(&listener);
        match reason {
            Err(error) if starting => Err(error).context("a listener ended before it began"),
            _ if self.listeners.is_empty() => bail!("the last listener has ended"),
            _ => {
                tracing::warn!("a listener has ended; the others go on");
                Ok(())
            }
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                let ours = info.protocol_version == ID_PROTOCOL;
                let routes = info.protocols.iter().any(|name| name.as_ref() == KAD_PROTOCOL);
                if ours && routes {
                    self.learn(peer_id, &info.listen_addrs);
                }
            }
            BehaviourEvent::Relay(event) => self.on_relay(event),
            BehaviourEvent::Autonat(_) => self.totals.reachability_tests += 1,
            BehaviourEvent::Kad(event) => tracing::trace!(?event, "kademlia"),
            _ => {}
        }
    }

    /// Puts a peer that routes into the routing table, with the addresses it has now and no others, so that however
    /// often it changes its mind it takes the same room.
    fn learn(&mut self, peer: PeerId, offered: &[Multiaddr]) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        let before = addresses_of(kad, peer);
        let mut now = self.policy.admitted(peer, offered);
        if now.is_empty() {
            // One that we dialled may tell nothing of itself; what led to it then stands, within the same bounds.
            now = self.policy.admitted(peer, &before);
        }
        for address in &now {
            kad.add_address(&peer, address.clone());
        }
        for address in before.iter().filter(|address| !now.contains(address)) {
            kad.remove_address(&peer, address);
        }
    }

    fn on_relay(&mut self, event: relay::Event) {
        match event {
            relay::Event::ReservationReqAccepted { src_peer_id, .. } => {
                self.reservations.insert(src_peer_id);
            }
            relay::Event::ReservationTimedOut { src_peer_id } => {
                self.reservations.remove(&src_peer_id);
            }
            relay::Event::ReservationReqDenied { .. } => self.totals.reservations_denied += 1,
            relay::Event::CircuitReqAccepted { .. } => {
                self.circuits += 1;
                self.totals.circuits += 1;
            }
            relay::Event::CircuitReqDenied { .. } => self.totals.circuits_denied += 1,
            relay::Event::CircuitClosed { .. } => self.circuits = self.circuits.saturating_sub(1),
            _ => {}
        }
    }

    /// Closes the connections, so that peers know at once and need not find out by silence.
    async fn farewell(&mut self) {
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            // Fails when the peer has gone meanwhile.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let gone = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        if tokio::time::timeout(FAREWELL, gone).await.is_err() {
            tracing::debug!("some peers did not take the goodbye");
        }
    }
}

fn swarm(home: &std::path::Path, policy: Policy, limits: &Limits) -> Result<Swarm<Behaviour>> {
    let keypair = identity::load_or_create(&home.join(identity::FILE_NAME))?;
    Ok(Swarm::new(
        transport::build(&keypair, policy, limits)?,
        Behaviour::new(&keypair, policy, limits),
        keypair.public().to_peer_id(),
        transport::swarm_config(limits),
    ))
}

fn addresses_of(kad: &mut kad::Behaviour<ProviderStore>, peer: PeerId) -> Vec<Multiaddr> {
    let Some(bucket) = kad.kbucket(peer) else {
        return Vec::new();
    };
    bucket
        .iter()
        .filter(|entry| *entry.node.key.preimage() == peer)
        .flat_map(|entry| entry.node.value.iter())
        .cloned()
        .collect()
}
