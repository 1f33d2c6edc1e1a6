//! Two who never met find each other through a meeting point alone.

use intentcast_node::api::backend::PeerView;

use crate::{
    member::Member,
    wait::beside_others,
    world::{QUIC, TCP, World, accept, agreement_on, bike_wanted, cast, offered, same_deal},
};

/// Buys the bike, and finds that the meeting point carried nothing but the introduction.
async fn purchase(world: &World, customer: &mut Member, seller: &mut Member) {
    let mut watch = customer.watch().await;
    let intent = cast(customer, &bike_wanted()).await;
    let offer = offered(customer, &mut watch, intent).await;
    accept(customer, offer.id).await;
    let agreement = agreement_on(customer, offer.id).await;
    same_deal(customer, seller, agreement.id).await;
    let peers: Vec<PeerView> = customer.get("/v1/peers").await;
    assert!(
        peers.iter().any(|peer| peer.peer == seller.peer),
        "they are connected with each other"
    );
    assert_ne!(world.meeting.peer, seller.peer);
    customer.is_well();
    seller.is_well();
}

#[tokio::test]
async fn a_customer_who_comes_after_the_seller_finds_it() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    let mut customer = world.customer("customer").await;
    purchase(&world, &mut customer, &mut seller).await;
}

#[tokio::test]
async fn a_seller_who_comes_after_the_cast_hears_what_is_still_open() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let customer = world.customer("customer").await;
    let mut watch = customer.watch().await;
    let intent = cast(&customer, &bike_wanted()).await;
    let seller = world.bike_shop("Late Wheels").await;
    let offer = offered(&customer, &mut watch, intent).await;
    accept(&customer, offer.id).await;
    let agreement = agreement_on(&customer, offer.id).await;
    same_deal(&customer, &seller, agreement.id).await;
}

#[tokio::test]
async fn one_speaks_tcp_and_the_other_listens_on_both() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    let args = ["up", "--listen", TCP, "--listen", QUIC, "--bootstrap", world.address()];
    let mut customer = Member::start(&world.home("customer"), &args).await;
    purchase(&world, &mut customer, &mut seller).await;
}

#[tokio::test]
async fn a_customer_who_cannot_be_dialled_is_answered_through_a_relay() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    // It listens nowhere: whoever answers it must come through the meeting point or on a connection that is there.
    let home = world.home("customer");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("config.toml"), "[net]\nlisten = []\n").unwrap();
    let mut customer = Member::start(&home, &["up", "--bootstrap", world.address()]).await;
    assert!(
        customer.addresses.iter().all(|address| address.contains("p2p-circuit")),
        "{:?}",
        customer.addresses
    );
    purchase(&world, &mut customer, &mut seller).await;
}
