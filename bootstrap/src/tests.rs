//! Stories of a meeting point among small swarms on loopback.

mod party;

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{PeerId, Swarm, SwarmBuilder, autonat, identify, kad, noise, relay, tcp, yamux};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use party::{DEADLINE, Meeting, Peer, PeerEvent, config, go_on, impatient_peer, join, listen, peer, until, within};

use crate::{Config, ID_PROTOCOL, identity};

/// Asks once who provides `key`.
async fn ask(swarm: &mut Swarm<Peer>, key: &kad::RecordKey) -> HashSet<PeerId> {
    let query = swarm.behaviour_mut().kad.get_providers(key.clone());
    let mut told = HashSet::new();
    until(swarm, |event| match event {
        SwarmEvent::Behaviour(PeerEvent::Kad(kad::Event::OutboundQueryProgressed {
            id,
            result: kad::QueryResult::GetProviders(Ok(found)),
            step,
            ..
        })) if *id == query => {
            if let kad::GetProvidersOk::FoundProviders { providers, .. } = found {
                told.extend(providers);
            }
            step.last.then_some(())
        }
        _ => None,
    })
    .await;
    told
}

/// Waits until a figure of the meeting point is at least `least`: an announcement has no answer to wait for.
async fn figure_reaches(meeting: &Meeting, name: &str, least: f64) {
    within(async {
        while meeting.figure(name).await < least {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn it_is_the_same_meeting_point_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let first = Meeting::start(home.path()).await;
    let id = first.peer();
    assert!(
        first
            .running
            .addresses
            .iter()
            .all(|text| text.ends_with(&format!("/p2p/{id}")))
    );
    first.stop().await;
    let second = Meeting::start(home.path()).await;
    assert_eq!(second.peer(), id);
    second.stop().await;
}

#[tokio::test]
async fn a_second_one_in_the_same_folder_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let first = Meeting::start(home.path()).await;
    let error = Meeting::try_start(config(home.path())).await.err().unwrap();
    assert!(format!("{error:#}").contains("in use by another process"), "{error:#}");
    assert!(first.get("/healthz").await.starts_with("HTTP/1.1 200"));
    first.stop().await;
}

#[tokio::test]
async fn the_addresses_its_operator_names_stand_first() {
    let home = tempfile::tempdir().unwrap();
    let named = [
        "/dns4/meet.example.org/udp/4401/quic-v1",
        "/dns4/meet.example.org/tcp/4401",
    ];
    let config = Config {
        external: named.map(str::to_owned).to_vec(),
        ..config(home.path())
    };
    let meeting = Meeting::try_start(config).await.unwrap();
    let id = &meeting.running.peer;
    for (told, named) in meeting.running.addresses.iter().zip(named) {
        assert_eq!(*told, format!("{named}/p2p/{id}"));
    }
    assert_eq!(meeting.running.addresses.len(), 4);
    // They are also what a peer learns of it.
    let mut guest = peer(false);
    let info = join(&mut guest, &meeting, "/ip4/127.0.0.1/tcp/").await;
    for address in named {
        assert!(info.listen_addrs.contains(&address.parse().unwrap()), "{address}");
    }
    meeting.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_may_read_stops_the_start() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    Meeting::start(home.path()).await.stop().await;
    let key = home.path().join(identity::FILE_NAME);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = Meeting::try_start(config(home.path())).await.err().unwrap();
    assert!(format!("{error:#}").contains("chmod 600"), "{error:#}");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let home = tempfile::tempdir().unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().unwrap().port());
    let config = Config {
        listen: vec![address.clone()],
        ..config(home.path())
    };
    let error = Meeting::try_start(config).await.err().unwrap();
    assert!(format!("{error:#}").contains(&address), "{error:#}");
}

#[tokio::test]
async fn two_peers_meet_by_what_one_of_them_provides() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start(home.path()).await;
    let key = kad::RecordKey::new(&[7; 32]);

    let mut seller = peer(true);
    listen(&mut seller).await;
    let seller_id = *seller.local_peer_id();
    let info = join(&mut seller, &meeting, "/tcp/").await;
    assert_eq!(info.protocol_version, ID_PROTOCOL);
    assert!(info.agent_version.starts_with("intentcast-bootstrap/"));
    assert!(info.protocols.iter().all(|name| !name.as_ref().contains("meshsub")));
    seller.behaviour_mut().kad.start_providing(key.clone()).unwrap();
    let seller = go_on(seller);

    figure_reaches(&meeting, "provider_records", 1.0).await;

    let mut customer = peer(false);
    join(&mut customer, &meeting, "quic-v1").await;
    assert_eq!(ask(&mut customer, &key).await, HashSet::from([seller_id]));
    // The query asked the seller too, at the address that the meeting point told.
    assert!(customer.is_connected(&seller_id));

    assert_eq!(meeting.figure("provider_records").await, 1.0);
    assert_eq!(meeting.figure("routing_peers").await, 1.0);
    seller.abort();
    meeting.stop().await;
}

#[tokio::test]
async fn fifty_sellers_of_one_topic_are_all_found_by_asking_a_few_times() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start(home.path()).await;
    let key = kad::RecordKey::new(&[7; 32]);
    let mut ids = HashSet::new();
    let mut sellers = Vec::new();
    for _ in 0..50 {
        // They serve no Kademlia, so the meeting point alone knows them.
        let mut seller = peer(false);
        listen(&mut seller).await;
        join(&mut seller, &meeting, "/tcp/").await;
        seller.behaviour_mut().kad.start_providing(key.clone()).unwrap();
        ids.insert(*seller.local_peer_id());
        sellers.push(go_on(seller));
    }
    figure_reaches(&meeting, "provider_records", 50.0).await;

    let mut customer = peer(false);
    join(&mut customer, &meeting, "/tcp/").await;
    let mut told = HashSet::new();
    for _ in 0..3 {
        told.extend(ask(&mut customer, &key).await);
    }
    assert_eq!(told, ids);
    sellers.iter().for_each(JoinHandle::abort);
    meeting.stop().await;
}

#[tokio::test]
async fn on_the_public_network_private_addresses_do_not_spread() {
    let home = tempfile::tempdir().unwrap();
    let config = Config {
        allow_private: Some(false),
        ..config(home.path())
    };
    let meeting = Meeting::try_start(config).await.unwrap();
    let key = kad::RecordKey::new(&[7; 32]);
    let mut seller = peer(true);
    listen(&mut seller).await;
    join(&mut seller, &meeting, "/tcp/").await;
    seller.behaviour_mut().kad.start_providing(key.clone()).unwrap();
    let seller = go_on(seller);
    figure_reaches(&meeting, "provider_records", 1.0).await;

    let mut customer = peer(false);
    let info = join(&mut customer, &meeting, "/tcp/").await;
    assert!(info.listen_addrs.is_empty(), "{:?}", info.listen_addrs);
    assert!(
        ask(&mut customer, &key).await.is_empty(),
        "a provider that nobody could dial"
    );
    assert_eq!(meeting.figure("routing_peers").await, 0.0);
    seller.abort();
    meeting.stop().await;
}

#[derive(NetworkBehaviour)]
struct Doubter {
    identify: identify::Behaviour,
    autonat: autonat::v2::client::Behaviour,
}

#[tokio::test]
async fn a_peer_learns_whether_it_can_be_dialled() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start(home.path()).await;
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| Doubter {
            identify: identify::Behaviour::new(identify::Config::new(ID_PROTOCOL.to_owned(), key.public())),
            autonat: autonat::v2::client::Behaviour::default(),
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(DEADLINE))
        .build();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    within(async {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { .. } => swarm.dial(meeting.address("/tcp/")).unwrap(),
                SwarmEvent::Behaviour(DoubterEvent::Autonat(event)) => {
                    event.result.unwrap();
                    break;
                }
                _ => {}
            }
        }
    })
    .await;
    assert!(meeting.figure("reachability_tests_total").await >= 1.0);
    meeting.stop().await;
}

#[tokio::test]
async fn a_value_is_not_kept_and_its_sender_learns_so() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start(home.path()).await;
    // libp2p resets the stream of a refused value only when it next has something to do, so patience ends first.
    let mut sender = impatient_peer(false, Duration::from_secs(1));
    join(&mut sender, &meeting, "/tcp/").await;
    let record = kad::Record::new(kad::RecordKey::new(&[1; 32]), b"junk".to_vec());
    let kad = &mut sender.behaviour_mut().kad;
    let query = kad.put_record_to(record, [meeting.peer()].into_iter(), kad::Quorum::One);
    let kept = until(&mut sender, |event| match event {
        SwarmEvent::Behaviour(PeerEvent::Kad(kad::Event::OutboundQueryProgressed {
            id,
            result: kad::QueryResult::PutRecord(result),
            ..
        })) if *id == query => Some(result.is_ok()),
        _ => None,
    })
    .await;
    assert!(!kept);
    meeting.stop().await;
}

#[tokio::test]
async fn a_peer_that_cannot_be_reached_is_reached_through_it() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start(home.path()).await;
    let mut hidden = peer(false);
    let hidden_id = *hidden.local_peer_id();
    let circuit = meeting.address("/tcp/").with(Protocol::P2pCircuit);
    hidden.listen_on(circuit.clone()).unwrap();
    until(&mut hidden, |event| match event {
        SwarmEvent::Behaviour(PeerEvent::Relay(relay::client::Event::ReservationReqAccepted { .. })) => Some(()),
        _ => None,
    })
    .await;
    let hidden = go_on(hidden);
    assert_eq!(meeting.figure("relay_reservations").await, 1.0);

    let mut caller = peer(false);
    caller.dial(circuit.with(Protocol::P2p(hidden_id))).unwrap();
    until(&mut caller, |event| match event {
        SwarmEvent::ConnectionEstablished { peer_id, .. } if *peer_id == hidden_id => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(meeting.figure("relay_circuits").await, 1.0);
    hidden.abort();
    meeting.stop().await;
}

#[tokio::test]
async fn garbage_on_its_ports_does_not_hurt() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start(home.path()).await;
    let address = meeting.address("/tcp/");
    let port = address.iter().find_map(|part| match part {
        Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    let port = port.unwrap();
    let wishes: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 70_000],
        b"\x13/multistream/1.0.0\n\xff\xff\xff\xff\xff\xff",
        b"\x13/multistream/1.0.0\n\x07/noise\n\xff\xff",
    ];
    for bytes in wishes {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        // It may hang up half way.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = within(stream.read_to_end(&mut rest)).await;
    }
    let mut good = peer(false);
    join(&mut good, &meeting, "/tcp/").await;
    assert!(meeting.get("/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(meeting.figure("connections_refused_total").await >= wishes.len() as f64);
    meeting.stop().await;
}

#[tokio::test]
async fn one_peer_cannot_open_connections_without_end() {
    let home = tempfile::tempdir().unwrap();
    let mut config = config(home.path());
    config.limits.connections_per_peer = 2;
    let meeting = Meeting::try_start(config).await.unwrap();
    let mut greedy = peer(false);
    for _ in 0..6 {
        let options = libp2p::swarm::dial_opts::DialOpts::peer_id(meeting.peer())
            .addresses(vec![meeting.address("/tcp/")])
            .condition(libp2p::swarm::dial_opts::PeerCondition::Always)
            .allocate_new_port()
            .build();
        greedy.dial(options).unwrap();
    }
    let mut closed = 0;
    until(&mut greedy, |event| {
        closed += usize::from(matches!(event, SwarmEvent::ConnectionClosed { .. }));
        (closed == 4).then_some(())
    })
    .await;
    assert_eq!(meeting.figure("connections").await, 2.0);
    meeting.stop().await;
}

#[tokio::test]
async fn health_and_metrics_tell_figures_and_no_peer() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start(home.path()).await;
    for path in ["/healthz", "/readyz"] {
        assert!(meeting.get(path).await.starts_with("HTTP/1.1 200"), "{path}");
    }
    assert!(meeting.get("/peers").await.starts_with("HTTP/1.1 404"));
    assert_eq!(meeting.figure("connections").await, 0.0);

    let mut guest = peer(true);
    listen(&mut guest).await;
    join(&mut guest, &meeting, "/tcp/").await;
    let id = guest.local_peer_id().to_string();
    assert_eq!(meeting.figure("connections").await, 1.0);
    let metrics = meeting.get("/metrics").await;
    assert!(!metrics.contains(&id) && !metrics.contains("127.0.0.1"), "{metrics}");
    assert!(metrics.trim_end().ends_with("# EOF"));
    meeting.stop().await;
}

#[tokio::test]
async fn a_monitor_that_stalls_does_not_keep_it_from_stopping() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start(home.path()).await;
    let mut stalled = TcpStream::connect(meeting.running.http.unwrap()).await.unwrap();
    stalled.write_all(b"GET /met").await.unwrap();
    meeting.stop().await;
}

#[tokio::test]
async fn a_guest_is_told_goodbye() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start(home.path()).await;
    let mut guest = peer(false);
    join(&mut guest, &meeting, "quic-v1").await;
    let id = meeting.peer();
    let (stopped, ()) = tokio::join!(
        until(&mut guest, |event| match event {
            SwarmEvent::ConnectionClosed { peer_id, .. } => Some(*peer_id),
            _ => None,
        }),
        meeting.stop()
    );
    assert_eq!(stopped, id);
}

#[tokio::test]
async fn two_meeting_points_know_each_other() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Meeting::start(one.path()).await;
    let second = Meeting::try_start(Config {
        bootstrap: vec![first.address("/tcp/").to_string()],
        ..config(two.path())
    })
    .await
    .unwrap();
    figure_reaches(&first, "routing_peers", 1.0).await;
    assert_eq!(second.figure("routing_peers").await, 1.0);
    second.stop().await;
    first.stop().await;
}
