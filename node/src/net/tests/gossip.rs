use super::*;
use crate::net::PublishError;

/// Three nodes in a line: the first and the last know only the middle one.
async fn line() -> (Node, Node, Node) {
    // With room for one connection the ends cannot meet, however well they know of each other.
    let end = || Config {
        max_connections: 1,
        ..loopback()
    };
    let (mut a, b, mut c) = (
        Node::start(end()).await,
        Node::start(loopback()).await,
        Node::start(end()).await,
    );
    a.connect(&b).await;
    c.connect(&b).await;
    b.subscribe().await;
    c.subscribe().await;
    b.until_mesh(1).await;
    a.tell(Command::Reach(TOPIC.into())).await;
    a.until_peers(1).await;
    (a, b, c)
}

#[tokio::test]
async fn a_message_goes_no_further_than_its_verdict() {
    let (mut a, mut b, mut c) = line().await;
    assert_eq!(a.publish(b"bad").await, Ok(1));
    assert_eq!(b.hear(Verdict::Reject).await, b"bad");
    assert_eq!(a.publish(b"odd").await, Ok(1));
    assert_eq!(b.hear(Verdict::Ignore).await, b"odd");
    assert_eq!(a.publish(b"good").await, Ok(1));
    assert_eq!(b.hear(Verdict::Accept).await, b"good");
    // Whatever was forwarded before it would have come before it.
    assert_eq!(c.hear(Verdict::Accept).await, b"good");

    let counters = b.handle.status().await.unwrap().counters;
    assert_eq!(
        (
            counters.gossip_accepted,
            counters.gossip_ignored,
            counters.gossip_rejected
        ),
        (1, 1, 1)
    );
    assert_eq!(counters.gossip_too_late, 0);
    assert_eq!(c.handle.status().await.unwrap().counters.gossip_received, 1);
}

#[tokio::test]
async fn without_a_verdict_nobody_else_hears_it() {
    let (mut a, mut b, mut c) = line().await;
    a.publish(b"unjudged").await.unwrap();
    let ticket = b
        .until(|event| match event {
            Event::Gossip { ticket, .. } => Some(*ticket),
            _ => None,
        })
        .await;
    a.publish(b"second").await.unwrap();
    assert_eq!(b.hear(Verdict::Ignore).await, b"second");
    assert_eq!(c.handle.status().await.unwrap().counters.gossip_received, 0);

    // gossipsub forgets it after five heartbeats, without having told anybody; a verdict after that is only counted.
    let heard = c.until(|event| matches!(event, Event::Gossip { .. }).then_some(()));
    assert!(tokio::time::timeout(Duration::from_secs(7), heard).await.is_err());
    b.tell(Command::Verdict {
        ticket,
        verdict: Verdict::Accept,
    })
    .await;
    assert_eq!(b.handle.status().await.unwrap().counters.gossip_too_late, 1);
    assert_eq!(c.handle.status().await.unwrap().counters.gossip_received, 0);
}

#[tokio::test]
async fn published_to_nobody_is_told_and_mends_itself() {
    let mut a = Node::start(loopback()).await;
    assert_eq!(a.publish(b"anyone?").await, Err(PublishError::NoPeers));
    let mut b = Node::start(loopback()).await;
    b.subscribe().await;
    b.connect(&a).await;
    a.until_peers(1).await;
    // The same bytes: those that nobody got are not remembered.
    assert_eq!(a.publish(b"anyone?").await, Ok(1));
    assert_eq!(b.hear(Verdict::Accept).await, b"anyone?");
    assert_eq!(a.publish(b"anyone?").await, Err(PublishError::Duplicate));

    b.tell(Command::Unsubscribe(TOPIC.into())).await;
    a.until(|event| matches!(event, Event::TopicPeers { peers: 0, .. }).then_some(()))
        .await;
    assert_eq!(a.publish(b"still there?").await, Err(PublishError::NoPeers));
}

#[tokio::test]
async fn what_is_no_payload_or_no_topic_is_not_published() {
    let mut a = Node::start(loopback()).await;
    assert_eq!(a.publish(&[1; 8 * 1024 + 1]).await, Err(PublishError::TooLarge));
    assert_eq!(a.publish(&[]).await, Err(PublishError::TooLarge));
    a.tell(Command::Publish {
        task: 1,
        topic: "weather".into(),
        bytes: vec![1],
    })
    .await;
    let result = a
        .until(|event| match event {
            Event::Published { task: 1, result } => Some(*result),
            _ => None,
        })
        .await;
    assert_eq!(result, Err(PublishError::Other));
}

#[tokio::test]
async fn the_largest_payloads_pass_in_a_burst() {
    let (mut a, mut b, mut c) = line().await;
    let payload = |at: u8| [vec![at], vec![0xa5; 8 * 1024 - 1]].concat();
    for at in 0..40 {
        a.publish(&payload(at)).await.unwrap();
    }
    for _ in 0..40 {
        b.hear(Verdict::Accept).await;
    }
    let mut heard: Vec<u8> = Vec::new();
    for _ in 0..40 {
        heard.push(c.hear(Verdict::Accept).await[0]);
    }
    heard.sort_unstable();
    assert_eq!(heard, (0..40).collect::<Vec<u8>>());
}

#[tokio::test]
async fn a_peer_subscribed_to_every_topic_is_still_heard() {
    let (mut a, mut b) = (Node::start(loopback()).await, Node::start(loopback()).await);
    for group in 0..128 {
        b.tell(Command::Subscribe(format!(
            "/intentcast/1/{}/group-{}/region",
            group / 64,
            group % 64
        )))
        .await;
    }
    b.subscribe().await;
    a.tell(Command::Reach(TOPIC.into())).await;
    a.connect(&b).await;
    a.until_peers(1).await;
    a.publish(b"to one topic of many").await.unwrap();
    assert_eq!(b.hear(Verdict::Accept).await, b"to one topic of many");
}

#[tokio::test]
async fn a_penalised_peer_is_sent_away() {
    let (mut a, b) = (Node::start(loopback()).await, Node::start(loopback()).await);
    a.connect(&b).await;
    let peer = b.id();
    a.tell(Command::Penalise {
        peer: peer.clone(),
        points: 30,
    })
    .await;
    assert_eq!(a.handle.peers().await[0].score, -30);
    a.tell(Command::Penalise {
        peer: peer.clone(),
        points: 80,
    })
    .await;
    a.until(|event| matches!(event, Event::Gone { peer: gone } if *gone == peer).then_some(()))
        .await;
}
