use super::*;

fn by(meeting: &Node) -> Config {
    Config {
        bootstrap: vec![meeting.address()],
        ..loopback()
    }
}

#[tokio::test]
async fn a_topics_peers_are_found_through_a_third_node_and_casting_outlives_it() {
    let meeting = Node::start(Config {
        target_peers: 0,
        ..loopback()
    })
    .await;
    // No wish for more peers in general, so that only the topic can bring them together.
    let config = || Config {
        target_peers: 0,
        ..by(&meeting)
    };
    let mut seller = Node::start(config()).await;
    seller.subscribe().await;
    let mut customer = Node::start(config()).await;
    customer.tell(Command::Reach(TOPIC.into())).await;
    customer.until_peers(1).await;
    assert_eq!(customer.publish(b"a bike").await, Ok(1));
    assert_eq!(seller.hear(Verdict::Accept).await, b"a bike");

    let id = meeting.id();
    drop(meeting);
    customer
        .until(|event| matches!(event, Event::Gone { peer } if *peer == id).then_some(()))
        .await;
    assert_eq!(customer.publish(b"a pram").await, Ok(1));
    assert_eq!(seller.hear(Verdict::Accept).await, b"a pram");
}

#[tokio::test]
async fn a_wish_to_publish_is_enough_to_find_a_seller_that_comes_later() {
    let meeting = Node::start(loopback()).await;
    let mut customer = Node::start(by(&meeting)).await;
    assert!(customer.publish(b"early").await.is_err());
    let mut seller = Node::start(by(&meeting)).await;
    seller.subscribe().await;
    customer.until_peers(1).await;
    customer.publish(b"early").await.unwrap();
    assert_eq!(seller.hear(Verdict::Accept).await, b"early");
}

#[tokio::test]
async fn a_meeting_point_that_comes_back_is_joined_again() {
    let mut meeting = Node::start(loopback()).await;
    let mut node = Node::start(by(&meeting)).await;
    let (id, guest) = (meeting.id(), node.id());
    node.until(|event| matches!(event, Event::Connected { peer } if *peer == id).then_some(()))
        .await;
    meeting
        .until(|event| matches!(event, Event::Connected { peer } if *peer == guest).then_some(()))
        .await;
    // The far side only closes the connection; it stays where it is.
    meeting
        .tell(Command::Penalise {
            peer: guest,
            points: 100,
        })
        .await;
    node.until(|event| matches!(event, Event::Gone { peer } if *peer == id).then_some(()))
        .await;
    node.until(|event| matches!(event, Event::Connected { peer } if *peer == id).then_some(()))
        .await;
}

#[tokio::test]
async fn a_peer_without_an_address_is_found_through_kademlia() {
    let meeting = Node::start(Config {
        target_peers: 0,
        ..loopback()
    })
    .await;
    let config = || Config {
        target_peers: 0,
        ..by(&meeting)
    };
    let seller = Node::start(config()).await;
    let mut customer = Node::start(config()).await;
    let wanted = PeerRef {
        id: seller.id(),
        addrs: Vec::new(),
    };
    let seller = seller.echo();
    seller.until(|status| status.routing == 1).await;
    until(&customer.handle, |status| status.routing == 1).await;
    customer.send(1, wanted, b"found").await;
    assert_eq!(customer.sent(1).await, Ok(b"found".to_vec()));
}

#[tokio::test]
async fn nodes_that_share_a_meeting_point_find_each_other() {
    let meeting = Node::start(Config {
        target_peers: 0,
        ..loopback()
    })
    .await;
    let mut nodes = Vec::new();
    for _ in 0..6 {
        nodes.push(
            Node::start(Config {
                target_peers: 5,
                port_reuse: false,
                ..by(&meeting)
            })
            .await
            .echo(),
        );
    }
    for node in &nodes {
        node.until(|status| status.peers >= 3).await;
    }
}

#[tokio::test]
async fn every_one_of_twenty_listeners_hears_a_customer() {
    let meeting = Node::start(Config {
        target_peers: 0,
        ..loopback()
    })
    .await;
    let mut sellers = Vec::new();
    for _ in 0..20 {
        let seller = Node::start(by(&meeting)).await;
        seller.subscribe().await;
        sellers.push(seller);
    }
    let mut customer = Node::start(by(&meeting)).await;
    customer.tell(Command::Reach(TOPIC.into())).await;
    for seller in &sellers {
        seller.until_mesh(2).await;
    }
    customer.until_peers(3).await;
    customer.publish(b"to all").await.unwrap();
    let mut hearing = tokio::task::JoinSet::new();
    for mut seller in sellers {
        // Each must go on forwarding until the last one has heard.
        hearing.spawn(async move {
            let heard = seller.hear(Verdict::Accept).await;
            (heard, seller)
        });
    }
    let mut done = Vec::new();
    while let Some(heard) = hearing.join_next().await {
        let (heard, seller) = heard.unwrap();
        assert_eq!(heard, b"to all");
        done.push(seller);
    }
}
