//! A meeting point and small peers, for the stories to bring together.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, identify, kad, noise, ping, relay, tcp, yamux};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Config, ID_PROTOCOL, KAD_PROTOCOL, Running, run};

pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// A meeting point in a task of its own.
pub(super) struct Meeting {
    pub(super) running: Running,
    shutdown: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Meeting {
    pub(super) async fn start(home: &Path) -> Self {
        Self::try_start(config(home)).await.unwrap()
    }

    pub(super) async fn try_start(config: Config) -> anyhow::Result<Self> {
        let shutdown = CancellationToken::new();
        let (tell, told) = oneshot::channel();
        let token = shutdown.clone();
        let task = tokio::spawn(run(config, token, |running| {
            tell.send(running.clone()).unwrap();
        }));
        match within(told).await {
            Ok(running) => Ok(Self {
                running,
                shutdown,
                task,
            }),
            // It ended before it was ready.
            Err(_) => Err(within(task).await.unwrap().unwrap_err()),
        }
    }

    /// Its first address of a kind.
    pub(super) fn address(&self, kind: &str) -> Multiaddr {
        let found = self.running.addresses.iter().find(|text| text.contains(kind));
        found.unwrap().parse().unwrap()
    }

    pub(super) fn peer(&self) -> PeerId {
        self.running.peer.parse().unwrap()
    }

    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        within(self.task).await.unwrap().unwrap();
    }

    pub(super) async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.running.http.unwrap()).await.unwrap();
        let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(stream.read_to_string(&mut answer)).await.unwrap();
        answer
    }

    /// The value of one of its figures.
    pub(super) async fn figure(&self, name: &str) -> f64 {
        let answer = self.get("/metrics").await;
        let start = format!("intentcast_bootstrap_{name} ");
        let line = answer.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {name} in {answer}"))
            .trim()
            .parse()
            .unwrap()
    }
}

pub(super) fn config(home: &Path) -> Config {
    Config {
        home: home.to_owned(),
        listen: vec!["/ip4/127.0.0.1/tcp/0".into(), "/ip4/127.0.0.1/udp/0/quic-v1".into()],
        http: Some(([127, 0, 0, 1], 0).into()),
        ..Config::default()
    }
}

pub(super) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("it comes before the deadline")
}

#[derive(NetworkBehaviour)]
pub(super) struct Peer {
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) kad: kad::Behaviour<kad::store::MemoryStore>,
    pub(super) relay: relay::client::Behaviour,
}

/// A peer of the test. One that serves also answers Kademlia itself, as a reachable node does.
pub(super) fn peer(serves: bool) -> Swarm<Peer> {
    impatient_peer(serves, DEADLINE)
}

/// A peer that waits for the answer to a Kademlia request so long and no longer.
pub(super) fn impatient_peer(serves: bool, patience: Duration) -> Swarm<Peer> {
    let mut config = kad::Config::new(StreamProtocol::new(KAD_PROTOCOL));
    config.set_substreams_timeout(patience);
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_quic()
        .with_relay_client(noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key, relay| {
            let id = key.public().to_peer_id();
            Peer {
                identify: identify::Behaviour::new(identify::Config::new(ID_PROTOCOL.to_owned(), key.public())),
                ping: ping::Behaviour::default(),
                kad: kad::Behaviour::with_config(id, kad::store::MemoryStore::new(id), config),
                relay,
            }
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(DEADLINE))
        .build();
    let mode = if serves { kad::Mode::Server } else { kad::Mode::Client };
    swarm.behaviour_mut().kad.set_mode(Some(mode));
    swarm
}

/// Goes round until `wanted` finds what it looks for.
pub(super) async fn until<T>(
    swarm: &mut Swarm<Peer>,
    mut wanted: impl FnMut(&SwarmEvent<PeerEvent>) -> Option<T>,
) -> T {
    within(async {
        loop {
            if let Some(found) = wanted(&swarm.select_next_some().await) {
                return found;
            }
        }
    })
    .await
}

/// Connects with the meeting point and waits until it has said who it is.
pub(super) async fn join(swarm: &mut Swarm<Peer>, meeting: &Meeting, kind: &str) -> identify::Info {
    swarm.dial(meeting.address(kind)).unwrap();
    let info = until(swarm, |event| match event {
        SwarmEvent::Behaviour(PeerEvent::Identify(identify::Event::Received { info, .. })) => Some(info.clone()),
        _ => None,
    })
    .await;
    swarm
        .behaviour_mut()
        .kad
        .add_address(&meeting.peer(), meeting.address(kind));
    info
}

pub(super) async fn listen(swarm: &mut Swarm<Peer>) -> Multiaddr {
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    let address = until(swarm, |event| match event {
        SwarmEvent::NewListenAddr { address, .. } => Some(address.clone()),
        _ => None,
    })
    .await;
    swarm.add_external_address(address.clone());
    address
}

pub(super) fn go_on(mut swarm: Swarm<Peer>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    })
}
