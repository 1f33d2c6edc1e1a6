//! Stories over loopback: whole nodes in one process, each waiting for events under a deadline.

mod discovery;
mod exchanges;
mod gossip;
mod meeting;
mod relays;

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Command, Config, Event, Handle, NetKey, PeerRef, SendError, Status, Verdict, start};

const PATIENCE: Duration = Duration::from_secs(30);
const TOPIC: &str = "/intentcast/1/1/mobility/europe-west";

fn grammar(topic: &str) -> bool {
    topic.starts_with("/intentcast/1/") && topic.len() < 128
}

struct Node {
    handle: Handle,
    events: mpsc::Receiver<Event>,
    stop: DropGuard,
}

fn loopback() -> Config {
    Config {
        listen: vec!["/ip4/127.0.0.1/tcp/0".into()],
        ..Config::default()
    }
}

fn over_quic() -> Config {
    Config {
        listen: vec!["/ip4/127.0.0.1/udp/0/quic-v1".into()],
        ..Config::default()
    }
}

impl Node {
    /// A node that listens already.
    async fn start(config: Config) -> Self {
        let listens = !config.listen.is_empty();
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let key = NetKey::from_seed(&mut seed).unwrap();
        assert_eq!(seed, [0; 32], "the seed is erased");
        let stop = CancellationToken::new();
        let (handle, events) = start(config, grammar, key, stop.clone()).unwrap();
        let mut node = Self {
            handle,
            events,
            stop: stop.drop_guard(),
        };
        if listens {
            node.until(|event| matches!(event, Event::Listening { .. }).then_some(()))
                .await;
        }
        node
    }

    fn place(&self) -> PeerRef {
        self.handle.local_peer()
    }

    fn id(&self) -> Vec<u8> {
        self.place().id
    }

    /// What one writes under `bootstrap`.
    fn address(&self) -> String {
        Multiaddr::try_from(self.place().addrs[0].clone()).unwrap().to_string()
    }

    async fn tell(&self, command: Command) {
        self.handle.send(command).await;
    }

    async fn until<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("the network runs");
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("what is awaited happens")
    }

    async fn subscribe(&self) {
        self.tell(Command::Subscribe(TOPIC.into())).await;
    }

    async fn until_peers(&mut self, least: usize) {
        self.until(|event| matches!(event, Event::TopicPeers { peers, .. } if *peers >= least).then_some(()))
            .await;
    }

    /// Waits until the topic's mesh has that many peers.
    async fn until_mesh(&self, least: usize) {
        until(&self.handle, |status| {
            status.topics.get(TOPIC).copied().unwrap_or_default() >= least
        })
        .await;
    }

    async fn publish(&mut self, bytes: &[u8]) -> Result<usize, super::PublishError> {
        self.tell(Command::Publish {
            task: 7,
            topic: TOPIC.into(),
            bytes: bytes.into(),
        })
        .await;
        self.until(|event| match event {
            Event::Published { task: 7, result } => Some(*result),
            _ => None,
        })
        .await
    }

    /// The next message, with its verdict given.
    async fn hear(&mut self, verdict: Verdict) -> Vec<u8> {
        let (ticket, bytes) = self
            .until(|event| match event {
                Event::Gossip {
                    ticket, bytes, topic, ..
                } if topic == TOPIC => Some((*ticket, bytes.clone())),
                _ => None,
            })
            .await;
        self.tell(Command::Verdict { ticket, verdict }).await;
        bytes
    }

    async fn send(&self, task: u64, to: PeerRef, frame: &[u8]) {
        self.tell(Command::Send {
            task,
            to,
            frame: frame.into(),
        })
        .await;
    }

    async fn sent(&mut self, of: u64) -> Result<Vec<u8>, SendError> {
        self.until(|event| match event {
            Event::Sent { task, result } if *task == of => Some(result.clone()),
            _ => None,
        })
        .await
    }

    /// Connects by asking; the other side's answer does not matter.
    async fn connect(&mut self, other: &Node) {
        self.send(u64::MAX, other.place(), b"hello").await;
        let id = other.id();
        self.until(|event| matches!(event, Event::Connected { peer } if *peer == id).then_some(()))
            .await;
    }

    /// Answers every request with the request, from now on.
    fn echo(self) -> Echo {
        let place = self.place();
        let Node {
            handle,
            mut events,
            stop,
        } = self;
        let answering = handle.clone();
        let task = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Frame { exchange, frame, .. } = event {
                    answering.send(Command::Reply { exchange, frame }).await;
                }
            }
        });
        Echo {
            handle,
            place,
            task,
            _stop: stop,
        }
    }
}

struct Echo {
    handle: Handle,
    place: PeerRef,
    task: tokio::task::JoinHandle<()>,
    _stop: DropGuard,
}

impl Echo {
    async fn until(&self, wanted: impl FnMut(&Status) -> bool) {
        until(&self.handle, wanted).await;
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits until a node's status is as wanted, for what there is no event.
async fn until(handle: &Handle, mut wanted: impl FnMut(&Status) -> bool) {
    let mut beat = tokio::time::interval(Duration::from_millis(10));
    let wait = async {
        while !wanted(&handle.status().await.unwrap()) {
            beat.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it comes to this");
}

#[test]
fn a_mistake_in_the_configuration_is_named() {
    let refused = |config: Config| config.check().unwrap_err().to_string();
    assert!(
        refused(Config {
            listen: vec!["here".into()],
            ..loopback()
        })
        .contains("net.listen")
    );
    assert!(
        refused(Config {
            max_gossip_bytes: 0,
            ..loopback()
        })
        .contains("max_gossip_bytes")
    );
    let nobody = Config {
        bootstrap: vec!["/ip4/127.0.0.1/tcp/1".into()],
        ..loopback()
    };
    assert!(refused(nobody).contains("/p2p/"));
    assert!(toml::from_str::<Config>("listne = []").is_err());
    let read: Config = toml::from_str("port_reuse = false\ntarget_peers = 3").unwrap();
    assert_eq!(
        (read.port_reuse, read.target_peers, read.max_frame_bytes),
        (false, 3, 16 << 10)
    );
}

#[test]
fn private_networks_are_known_by_their_addresses() {
    let decided = |config: Config| super::config::Settings::try_from(config).unwrap().allow_private;
    assert!(decided(loopback()));
    assert!(!decided(Config::default()));
    assert!(decided(Config {
        mdns: true,
        ..Config::default()
    }));
    assert!(!decided(Config {
        allow_private: Some(false),
        ..loopback()
    }));
    let peer = PeerId::random();
    let dialler = |host: &str| Config {
        listen: Vec::new(),
        bootstrap: vec![format!("/ip4/{host}/tcp/1/p2p/{peer}")],
        ..Config::default()
    };
    assert!(decided(dialler("127.0.0.1")));
    assert!(!decided(dialler("8.8.8.8")));
}
