use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::swarm::SwarmEvent;
use libp2p::{Swarm, identity, noise, tcp, yamux};

use super::*;
use crate::net::behaviour::EXCHANGE;
use crate::net::stream;

#[tokio::test]
async fn a_request_gets_its_reply() {
    for config in [loopback(), over_quic()] {
        let mut a = Node::start(config.clone()).await;
        let b = Node::start(config).await.echo();
        for task in 0..20 {
            a.send(task, b.place.clone(), format!("request {task}").as_bytes())
                .await;
            assert_eq!(a.sent(task).await, Ok(format!("request {task}").into_bytes()));
        }
        let largest = vec![9; 16 * 1024];
        a.send(20, b.place.clone(), &largest).await;
        assert_eq!(a.sent(20).await, Ok(largest));
        let counters = b.handle.status().await.unwrap().counters;
        assert_eq!((counters.exchanges_accepted, counters.exchanges_refused), (21, 0));
    }
}

#[tokio::test]
async fn fifty_peers_that_ask_in_the_same_moment_are_all_answered() {
    let b = Node::start(loopback()).await.echo();
    let mut askers = Vec::new();
    for _ in 0..50 {
        askers.push(
            Node::start(Config {
                listen: Vec::new(),
                allow_private: Some(true),
                ..loopback()
            })
            .await,
        );
    }
    for asker in &askers {
        asker.send(1, b.place.clone(), b"mine").await;
    }
    for asker in &mut askers {
        assert_eq!(asker.sent(1).await, Ok(b"mine".to_vec()));
    }
}

#[tokio::test]
async fn requests_to_one_peer_share_its_dial() {
    let mut a = Node::start(loopback()).await;
    let b = Node::start(loopback()).await.echo();
    for task in 0..8 {
        a.send(task, b.place.clone(), b"x").await;
    }
    for _ in 0..8 {
        let result = a
            .until(|event| match event {
                Event::Sent { result, .. } => Some(result.clone()),
                _ => None,
            })
            .await;
        assert_eq!(result, Ok(b"x".to_vec()));
    }
    assert_eq!(a.handle.status().await.unwrap().counters.dials, 1);
}

#[tokio::test]
async fn what_is_no_frame_is_not_sent() {
    let mut a = Node::start(loopback()).await;
    let b = Node::start(loopback()).await;
    a.send(1, b.place(), &[]).await;
    assert_eq!(a.sent(1).await, Err(SendError::TooLarge));
    a.send(2, b.place(), &vec![1; 16 * 1024 + 1]).await;
    assert_eq!(a.sent(2).await, Err(SendError::TooLarge));
}

#[tokio::test]
async fn a_peer_that_is_not_who_was_meant_is_unreachable() {
    let mut a = Node::start(loopback()).await;
    let b = Node::start(loopback()).await;
    let other = PeerId::random().to_bytes();
    // The address itself names no peer, so only the handshake can tell.
    let bare: Multiaddr = {
        let mut addr = Multiaddr::try_from(b.place().addrs[0].clone()).unwrap();
        addr.pop();
        addr
    };
    a.send(
        1,
        PeerRef {
            id: other.clone(),
            addrs: vec![bare.to_vec()],
        },
        b"x",
    )
    .await;
    assert_eq!(a.sent(1).await, Err(SendError::Unreachable));
    a.send(
        2,
        PeerRef {
            id: other,
            addrs: b.place().addrs,
        },
        b"x",
    )
    .await;
    assert_eq!(a.sent(2).await, Err(SendError::Unreachable));
    a.send(
        3,
        PeerRef {
            id: vec![1, 2, 3],
            addrs: b.place().addrs,
        },
        b"x",
    )
    .await;
    assert_eq!(a.sent(3).await, Err(SendError::Unreachable));
    a.send(4, a.place(), b"to myself").await;
    assert_eq!(a.sent(4).await, Err(SendError::Unreachable));
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_not_waited_for() {
    let mut a = Node::start(Config {
        exchange_deadline_ms: 400,
        ..loopback()
    })
    .await;
    let b = Node::start(loopback()).await;
    a.send(1, b.place(), b"?").await;
    assert_eq!(a.sent(1).await, Err(SendError::TimedOut));
    assert_eq!(a.handle.status().await.unwrap().exchanges, 0);
}

#[tokio::test]
async fn a_node_on_the_open_network_does_not_dial_its_neighbours() {
    let mut a = Node::start(Config {
        listen: Vec::new(),
        allow_private: Some(false),
        ..loopback()
    })
    .await;
    let b = Node::start(loopback()).await;
    a.send(1, b.place(), b"x").await;
    assert_eq!(a.sent(1).await, Err(SendError::Unreachable));
}

#[tokio::test]
async fn two_nodes_that_dial_each_other_in_the_same_moment_both_succeed() {
    for port_reuse in [true, false] {
        let config = || Config {
            port_reuse,
            ..loopback()
        };
        let (mut a, mut b) = (Node::start(config()).await, Node::start(config()).await);
        a.send(1, b.place(), b"from a").await;
        b.send(1, a.place(), b"from b").await;
        let (asked_a, asked_b) = tokio::join!(a.answer_one(), b.answer_one());
        assert_eq!(
            (asked_a.as_slice(), asked_b.as_slice()),
            (&b"from b"[..], &b"from a"[..])
        );
    }
}

impl Node {
    /// Takes one request, answers it, and returns it.
    async fn answer_one(&mut self) -> Vec<u8> {
        let (exchange, frame) = self
            .until(|event| match event {
                Event::Frame { exchange, frame, .. } => Some((*exchange, frame.clone())),
                _ => None,
            })
            .await;
        self.tell(Command::Reply {
            exchange,
            frame: frame.clone(),
        })
        .await;
        frame
    }
}

/// A peer that opens streams and does with them what we would not.
struct Rogue {
    swarm: Swarm<stream::Behaviour>,
    opened: u64,
}

impl Rogue {
    async fn connect(to: &PeerRef) -> Self {
        let mut swarm = libp2p::SwarmBuilder::with_existing_identity(identity::Keypair::generate_ed25519())
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| stream::Behaviour::new(EXCHANGE))
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
            .build();
        swarm.dial(Multiaddr::try_from(to.addrs[0].clone()).unwrap()).unwrap();
        while !matches!(swarm.select_next_some().await, SwarmEvent::ConnectionEstablished { .. }) {}
        Self { swarm, opened: 0 }
    }

    async fn open(&mut self, peer: &PeerRef) -> libp2p::Stream {
        self.opened += 1;
        self.swarm
            .behaviour_mut()
            .open(PeerId::from_bytes(&peer.id).unwrap(), self.opened);
        loop {
            if let SwarmEvent::Behaviour(stream::Event::Opened { result, .. }) = self.swarm.select_next_some().await {
                return result.unwrap();
            }
        }
    }

    /// Keeps the connection going while something else is awaited.
    async fn during<T>(&mut self, what: impl Future<Output = T>) -> T {
        tokio::pin!(what);
        loop {
            tokio::select! {
                done = &mut what => return done,
                _ = self.swarm.select_next_some() => {}
            }
        }
    }
}

#[tokio::test]
async fn garbage_is_cut() {
    let node = Node::start(loopback()).await.echo();
    let mut rogue = Rogue::connect(&node.place).await;
    let zero = vec![0; 4];
    let long = [u32::MAX.to_be_bytes().to_vec(), vec![7; 1000]].concat();
    let one_too_long = (16 * 1024 + 1u32).to_be_bytes().to_vec();
    for garbage in [zero, long, one_too_long] {
        let mut stream = rogue.open(&node.place).await;
        let mut answer = Vec::new();
        let ended = rogue
            .during(async {
                stream.write_all(&garbage).await.unwrap();
                stream.flush().await.unwrap();
                tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await
            })
            .await;
        assert!(ended.is_ok(), "it is cut at once");
        assert!(answer.is_empty());
    }
    rogue
        .during(node.until(|status| status.counters.exchanges_garbage == 3 && status.exchanges == 0))
        .await;
}

#[tokio::test]
async fn a_stalled_stream_is_cut_at_its_deadline_and_frees_its_place() {
    let config = Config {
        exchange_deadline_ms: 300,
        max_inbound_exchanges_per_peer: 1,
        ..loopback()
    };
    let node = Node::start(config).await.echo();
    let mut rogue = Rogue::connect(&node.place).await;
    let mut stalled = rogue.open(&node.place).await;
    rogue
        .during(async {
            // A frame that never ends.
            stalled.write_all(&[0, 0, 0, 9, 1]).await.unwrap();
            stalled.flush().await.unwrap();
            node.until(|status| status.counters.exchanges_timed_out == 1 && status.exchanges == 0)
                .await;
        })
        .await;

    let mut stream = rogue.open(&node.place).await;
    let answer = rogue
        .during(async {
            stream.write_all(&[0, 0, 0, 2, 5, 6]).await.unwrap();
            stream.flush().await.unwrap();
            let mut answer = [0; 6];
            stream.read_exact(&mut answer).await.unwrap();
            answer
        })
        .await;
    assert_eq!(answer, [0, 0, 0, 2, 5, 6]);
}

#[tokio::test]
async fn a_hundred_stalled_streams_of_one_peer_block_nobody_else() {
    let node = Node::start(loopback()).await.echo();
    let mut rogue = Rogue::connect(&node.place).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(rogue.open(&node.place).await);
    }
    rogue
        .during(node.until(|status| status.exchanges == 8 && status.counters.exchanges_refused == 92))
        .await;

    let mut other = Node::start(loopback()).await;
    other.send(1, node.place.clone(), b"me too").await;
    assert_eq!(other.sent(1).await, Ok(b"me too".to_vec()));
}

#[tokio::test]
async fn when_stalled_streams_fill_every_place_the_oldest_makes_room() {
    let config = Config {
        max_inbound_exchanges: 24,
        ..loopback()
    };
    let node = Node::start(config).await.echo();
    let mut rogues = Vec::new();
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut rogue = Rogue::connect(&node.place).await;
        for _ in 0..8 {
            held.push(rogue.open(&node.place).await);
        }
        rogue.during(node.until(|status| status.exchanges == held.len())).await;
        rogues.push(rogue);
    }
    let mut other = Node::start(loopback()).await;
    for task in 0..30 {
        other.send(task, node.place.clone(), b"room?").await;
        assert_eq!(other.sent(task).await, Ok(b"room?".to_vec()));
    }
}

#[tokio::test]
async fn events_that_nobody_takes_do_not_keep_commands_waiting() {
    let mut a = Node::start(loopback()).await;
    // Each is refused at once, which is an event; together they are more than all queues hold.
    let refused = 3_000;
    for task in 0..refused {
        a.send(task, PeerRef::default(), b"x").await;
    }
    assert_eq!(a.handle.status().await.unwrap().counters.sends, refused);
    // None of them is lost, and the network goes on.
    assert_eq!(a.sent(refused - 1).await, Err(SendError::Unreachable));
    let b = Node::start(loopback()).await.echo();
    a.send(refused, b.place.clone(), b"on").await;
    assert_eq!(a.sent(refused).await, Ok(b"on".to_vec()));
}

#[tokio::test]
async fn more_requests_than_the_cap_are_refused_by_ourselves() {
    let config = Config {
        max_outbound_exchanges_per_peer: 2,
        ..loopback()
    };
    let mut a = Node::start(config).await;
    let b = Node::start(loopback()).await;
    for task in 0..3 {
        a.send(task, b.place(), b"x").await;
    }
    assert_eq!(a.sent(2).await, Err(SendError::Busy));
}
