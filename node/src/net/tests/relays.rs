use futures::StreamExt;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Swarm, identify, identity, noise, relay, tcp, yamux};

use super::*;
use crate::net::behaviour::IDENTIFY;

#[derive(NetworkBehaviour)]
struct RelayBehaviour {
    relay: relay::Behaviour,
    identify: identify::Behaviour,
}

/// A relay that runs until the test ends, and its address.
async fn relay() -> (String, tokio::task::JoinSet<()>) {
    let mut swarm = libp2p::SwarmBuilder::with_existing_identity(identity::Keypair::generate_ed25519())
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| RelayBehaviour {
            relay: relay::Behaviour::new(key.public().to_peer_id(), relay::Config::default()),
            identify: identify::Behaviour::new(identify::Config::new(IDENTIFY.into(), key.public())),
        })
        .unwrap()
        .build();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    let addr = listening(&mut swarm).await;
    swarm.add_external_address(addr.clone());
    let addr = addr.with_p2p(*swarm.local_peer_id()).unwrap().to_string();
    let mut task = tokio::task::JoinSet::new();
    task.spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    (addr, task)
}

async fn listening(swarm: &mut Swarm<RelayBehaviour>) -> Multiaddr {
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            return address;
        }
    }
}

#[tokio::test]
async fn a_node_without_a_door_of_its_own_is_asked_through_a_relay() {
    let (relay, _running) = relay().await;
    let hidden = || Config {
        listen: Vec::new(),
        bootstrap: vec![relay.clone()],
        ..Config::default()
    };
    let mut customer = Node::start(hidden()).await;
    let addrs = customer
        .until(|event| match event {
            Event::Listening { addrs } if !addrs.is_empty() => Some(addrs.clone()),
            _ => None,
        })
        .await;
    assert!(addrs[0].contains("/p2p-circuit/p2p/"), "{addrs:?}");
    assert!(!customer.handle.status().await.unwrap().reachable);

    // As it would stand in an intent's reply path.
    let customer = customer.echo();
    let place = customer.handle.local_peer();
    assert_eq!(place.addrs.len(), addrs.len());
    assert!(place.addrs.iter().all(|addr| addr.len() <= crate::net::MAX_ADDR_BYTES));
    let mut seller = Node::start(hidden()).await;
    seller.send(1, place, b"an offer").await;
    assert_eq!(seller.sent(1).await, Ok(b"an offer".to_vec()));
}
