//! Bytes that are not ours, wherever bytes come in: refused, without panic, within bounds, and service goes on.

use std::time::Duration;

use intentcast_node::api::{NodeStatus, TOKEN_FILE};
use intentcast_protocol::{
    category, envelope::sign, frame::Frame, id::digest, intent::Withdrawal, list::Bytes, market::OfferState, topic,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
};

use crate::{
    member::Member,
    rogue::{Rogue, spoiled},
    stalled::crowd,
    wait::{beside_others, until, within},
    world::{QUIC, TCP, World, accept, agreement_on, bike_wanted, cast, offered, same_deal},
};

/// What a node may grow by under attack, KiB: its caches and limits of a busy hour, and an allocator's habits.
const GROWTH_KIB: u64 = 96 * 1024;

/// The same bytes on every machine, of any length.
fn noise(seed: u32, len: usize) -> Vec<u8> {
    let blocks = (0u32..).flat_map(|at| digest("noise", &[&seed.to_le_bytes(), &at.to_le_bytes()]));
    blocks.take(len).collect()
}

/// The topic that a mountain bike in Hull is cast on.
fn bikes_in_britain() -> String {
    let bikes = category::resolve("mountain bike").unwrap().id;
    let topics = topic::for_intent(bikes, ["GB"]);
    topics.first().expect("bikes in Britain have a topic").to_string()
}

/// Both ways to listen, so that both can be knocked at.
async fn open_customer(world: &World) -> Member {
    let args = ["up", "--listen", TCP, "--listen", QUIC, "--bootstrap", world.address()];
    Member::start(&world.home("customer"), &args).await
}

/// Buys the bike: what it all is for still works.
async fn still_serves(customer: &mut Member, seller: &mut Member) {
    let mut watch = customer.watch().await;
    let intent = cast(customer, &bike_wanted()).await;
    let offer = loop {
        let view = offered(customer, &mut watch, intent).await;
        if view.offer.as_ref().unwrap().seller.name.to_string() == "Hull Wheels" {
            break view;
        }
    };
    accept(customer, offer.id).await;
    let agreement = agreement_on(customer, offer.id).await;
    same_deal(customer, seller, agreement.id).await;
    customer.is_well();
    seller.is_well();
}

fn bounded(member: &Member, before: Option<u64>) {
    let (Some(before), Some(after)) = (before, member.resident_kib()) else {
        println!("skipped in part: this system does not tell a process's memory");
        return;
    };
    println!("resident memory {before} KiB before, {after} KiB after");
    assert!(after < before + GROWTH_KIB, "from {before} KiB to {after} KiB");
}

#[tokio::test]
async fn noise_on_topics_is_rejected_and_not_passed_on() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    let mut customer = world.customer("customer").await;
    let mut rogue = Rogue::start(world.address()).await;
    let topic = bikes_in_britain();
    rogue.until_heard_on(&topic).await;
    let before = seller.resident_kib();

    // What is nearly right is worse than what is plainly wrong.
    let honest = cast(&customer, &bike_wanted()).await;
    let honest = rogue.hear(honest).await;
    let stranger = sign(
        &rogue.key,
        honest.header().created,
        honest.header().expires,
        Withdrawal {
            intent: honest.id().into(),
        },
    )
    .unwrap();
    let mut messages = vec![
        spoiled(honest.bytes()),
        honest.bytes()[..200].to_vec(),
        stranger.bytes().to_vec(),
    ];
    let mut trailing = honest.bytes().to_vec();
    trailing.push(0);
    messages.push(trailing);
    messages.extend((0..200).map(|seed| noise(seed, 1 + seed as usize * 40)));
    for bytes in messages {
        rogue.publish(&topic, bytes).await;
    }
    seller
        .until("it is rejected", "/v1/status", |status: NodeStatus| {
            (status.market.gossip_rejected > 0).then_some(())
        })
        .await;
    let status: NodeStatus = customer.get("/v1/status").await;
    assert_eq!(
        status.market.open_intents, 1,
        "a stranger's withdrawal withdraws nothing"
    );
    bounded(&seller, before);
    still_serves(&mut customer, &mut seller).await;
}

#[tokio::test]
async fn noise_on_offer_streams_is_refused_and_recorded_within_bounds() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    let mut customer = open_customer(&world).await;
    let mut rogue = Rogue::start(world.address()).await;
    // The mesh must reach it before the cast: it asks nobody for what it has missed.
    rogue.until_heard_on(&bikes_in_britain()).await;
    let intent = cast(&customer, &bike_wanted()).await;
    let to = rogue.hear(intent).await.reply.clone();
    let before = customer.resident_kib();
    for seed in 0..100 {
        let bytes = noise(seed, 1 + seed as usize * 163);
        // A reply says no, or there is none; it may not say yes.
        if let Ok(reply) = rogue.send(&to, bytes.clone()).await {
            assert!(matches!(Frame::decode(&reply), Ok(Frame::Refused { .. })), "{reply:?}");
        }
        let record = Bytes::new(&bytes[..bytes.len().min(16_000)]).unwrap();
        if let Ok(reply) = rogue.send(&to, Frame::Offer(record).encode()).await {
            assert!(matches!(Frame::decode(&reply), Ok(Frame::Refused { .. })), "{reply:?}");
        }
    }
    let shown: Vec<intentcast_protocol::market::OfferView> = customer.get("/v1/offers").await;
    let refused = shown
        .iter()
        .filter(|view| matches!(view.state, OfferState::Refused { .. }))
        .count();
    assert!(
        (1..=200).contains(&refused),
        "some are kept to be shown, and no flood of them: {refused}"
    );
    bounded(&customer, before);
    still_serves(&mut customer, &mut seller).await;
}

#[tokio::test]
async fn five_hundred_stalled_streams_are_cut_and_service_goes_on() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    let mut customer = open_customer(&world).await;
    let before = customer.resident_kib();
    let tcp = customer
        .addresses
        .iter()
        .find(|address| address.contains("/tcp/"))
        .unwrap()
        .clone();
    let mut crowd = crowd(&tcp, 63, 8).await;
    assert!(crowd.streams.len() >= 500, "{} streams", crowd.streams.len());
    still_serves(&mut customer, &mut seller).await;
    within(Duration::from_secs(60), "every stream is cut", crowd.all_cut()).await;
    let status: NodeStatus = customer.get("/v1/status").await;
    let cut: u64 = ["exchanges_cut", "exchanges_timed_out", "exchanges_refused"]
        .into_iter()
        .filter_map(|name| status.net.counters.get(name))
        .sum();
    assert!(cut > 0, "{:?}", status.net.counters);
    bounded(&customer, before);
    customer.is_well();
}

#[tokio::test]
async fn noise_on_bare_ports_is_shrugged_off() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    let mut customer = open_customer(&world).await;
    let before = customer.resident_kib();
    let port = |protocol: &str| -> u16 {
        let found = customer.addresses.iter().find_map(|address| {
            let rest = address.split_once(&format!("/{protocol}/"))?.1;
            rest.split('/').next()?.parse().ok()
        });
        found.unwrap()
    };
    let (tcp, udp) = (port("tcp"), port("udp"));
    let mut held = Vec::new();
    for seed in 0..60 {
        let mut stream = TcpStream::connect(("127.0.0.1", tcp)).await.unwrap();
        // It may hang up on us at any byte.
        let _ = stream.write_all(&noise(seed, 1 + seed as usize * 500)).await;
        // Every second one stays and says nothing more.
        if seed % 2 == 0 {
            held.push(stream);
        }
    }
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for seed in 0..500 {
        socket
            .send_to(&noise(seed, 1 + seed as usize * 2), ("127.0.0.1", udp))
            .await
            .unwrap();
    }
    let ends = futures::future::join_all(held.iter_mut().map(|stream| async {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }));
    within(Duration::from_secs(60), "those who say nothing are cut", ends).await;
    bounded(&customer, before);
    still_serves(&mut customer, &mut seller).await;
}

#[tokio::test]
async fn noise_on_the_local_api_is_answered_with_a_no() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    let mut customer = open_customer(&world).await;
    let before = customer.resident_kib();
    let address = std::fs::read_to_string(customer.home.join(intentcast_node::api::ADDR_FILE)).unwrap();
    let token = std::fs::read_to_string(customer.home.join(TOKEN_FILE)).unwrap();
    let (address, token) = (address.trim(), token.trim());

    for seed in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(&noise(seed, 1 + seed as usize * 300)).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let _ = within(Duration::from_secs(60), "noise is answered or cut", reading).await;
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }

    // A connection each: after a body that is too long the node hangs up, and a kept one may not know it yet.
    let http = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let base = format!("http://{address}");
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    assert_eq!(status(http.get(format!("{base}/v1/status"))).await, 401);
    assert_eq!(
        status(http.get(format!("{base}/v1/status")).bearer_auth("0".repeat(64))).await,
        401
    );
    let other_host = http
        .get(format!("{base}/v1/status"))
        .bearer_auth(token)
        .header("Host", "evil.example");
    assert_eq!(status(other_host).await, 421);
    let ours = |path: &str| http.post(format!("{base}{path}")).bearer_auth(token);
    let json = |path: &str, body: Vec<u8>| ours(path).header("Content-Type", "application/json").body(body);
    for seed in 0..50 {
        let said = status(json("/v1/intents", noise(seed, 1 + seed as usize * 100))).await;
        assert!((400..500).contains(&said), "{said}");
    }
    let deep = "[".repeat(60_000).into_bytes();
    assert!((400..500).contains(&status(json("/v1/intents", deep)).await));
    assert_eq!(status(json("/v1/intents", vec![b' '; 1 << 20])).await, 413);
    assert!((400..500).contains(&status(json("/v1/offers/nonsense/accept", b"{}".to_vec())).await));
    assert!((400..500).contains(&status(json("/v1/catalogue", noise(1, 100_000))).await));
    let long_line = vec![b'a'; 2 << 20];
    assert!((400..500).contains(&status(json("/v1/catalogue", long_line)).await));

    // Who begins a request and does not go on keeps nobody else waiting.
    let mut slow = Vec::new();
    for _ in 0..200 {
        if let Ok(mut stream) = TcpStream::connect(address).await {
            let _ = stream
                .write_all(b"POST /v1/intents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n")
                .await;
            slow.push(stream);
        }
    }
    until("the node still answers", async || {
        customer.try_get::<serde_json::Value>("/v1/status").await.ok()
    })
    .await;
    drop(slow);
    bounded(&customer, before);
    still_serves(&mut customer, &mut seller).await;
}
