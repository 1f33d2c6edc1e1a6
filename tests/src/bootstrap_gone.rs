//! A meeting point is for meeting: those who have met need it no more.

use crate::{
    wait::beside_others,
    world::{World, accept, agreement_on, bike_wanted, cast, offered, same_deal, until_peers},
};

#[tokio::test]
async fn casting_goes_on_when_the_meeting_point_is_gone() {
    let _stage = beside_others().await;
    let mut world = World::new().await;
    let seller = world.bike_shop("Hull Wheels").await;
    let _other = world.bike_shop("Goole Wheels").await;
    let mut customer = world.customer("customer").await;
    let mut watch = customer.watch().await;
    let first = cast(&customer, &bike_wanted()).await;
    offered(&customer, &mut watch, first).await;
    until_peers(&customer, 3).await;

    world.meeting.kill().await;

    let second = cast(&customer, &bike_wanted()).await;
    let offer = loop {
        let offer = offered(&customer, &mut watch, second).await;
        if offer.offer.as_ref().unwrap().seller.name.to_string() == "Hull Wheels" {
            break offer;
        }
    };
    accept(&customer, offer.id).await;
    let agreement = agreement_on(&customer, offer.id).await;
    same_deal(&customer, &seller, agreement.id).await;
    customer.is_well();
}
