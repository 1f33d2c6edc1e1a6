use intentcast_bootstrap as bootstrap;

use super::*;

/// A meeting point as it is shipped, and its addresses.
struct Meeting {
    addresses: Vec<String>,
    _home: tempfile::TempDir,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Meeting {
    async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = bootstrap::Config {
            home: home.path().into(),
            listen: vec!["/ip4/127.0.0.1/tcp/0".into(), "/ip4/127.0.0.1/udp/0/quic-v1".into()],
            ..bootstrap::Config::default()
        };
        let stop = CancellationToken::new();
        let (ready, running) = tokio::sync::oneshot::channel();
        let stopping = stop.clone();
        let task = tokio::spawn(async move {
            let ready = |running: &bootstrap::Running| drop(ready.send(running.addresses.clone()));
            bootstrap::run(config, stopping, ready).await.unwrap();
        });
        let addresses = running.await.unwrap();
        Self {
            addresses,
            _home: home,
            stop,
            task,
        }
    }

    fn guest(&self) -> Config {
        Config {
            bootstrap: self.addresses.clone(),
            ..loopback()
        }
    }
}

#[tokio::test]
async fn twenty_listeners_that_met_at_a_meeting_point_all_hear_a_customer_after_it_has_gone() {
    let meeting = Meeting::start().await;
    let mut sellers = Vec::new();
    for _ in 0..20 {
        let seller = Node::start(meeting.guest()).await;
        seller.subscribe().await;
        sellers.push(seller);
    }
    let mut customer = Node::start(meeting.guest()).await;
    customer.tell(Command::Reach(TOPIC.into())).await;
    customer.until_peers(1).await;
    for seller in &sellers {
        seller.until_mesh(1).await;
    }
    for round in 0..3 {
        if round == 1 {
            meeting.stop.cancel();
        }
        let cast = format!("cast {round}").into_bytes();
        customer.publish(&cast).await.unwrap();
        let mut hearing = tokio::task::JoinSet::new();
        for mut seller in sellers {
            let cast = cast.clone();
            hearing.spawn(async move {
                assert_eq!(seller.hear(Verdict::Accept).await, cast);
                seller
            });
        }
        sellers = hearing.join_all().await;
    }
    meeting.task.await.unwrap();
}

#[tokio::test]
async fn a_node_without_a_door_is_asked_through_a_meeting_point() {
    let meeting = Meeting::start().await;
    let hidden = || Config {
        listen: Vec::new(),
        ..meeting.guest()
    };
    let mut customer = Node::start(hidden()).await;
    customer
        .until(|event| {
            matches!(event, Event::Listening { addrs } if addrs[0].contains("/p2p-circuit/p2p/")).then_some(())
        })
        .await;
    let customer = customer.echo();
    let mut seller = Node::start(hidden()).await;
    seller.send(1, customer.handle.local_peer(), &vec![7; 16 * 1024]).await;
    assert_eq!(seller.sent(1).await, Ok(vec![7; 16 * 1024]));
}
