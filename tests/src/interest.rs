//! A seller waits for what it does not have, and is told when somebody wants it.

use intentcast_node::{api::Stands, interest::Waiting};
use intentcast_protocol::market::{Event, IntentView};
use serde_json::Value;

use crate::{
    goods,
    member::run,
    world::{World, bike_wanted, cast, offers, until_peers},
};

#[tokio::test]
async fn a_shop_without_the_bike_is_told_that_somebody_wants_one() {
    let world = World::new().await;
    let shop = world
        .seller(
            "prams",
            &[goods::stroller("pebble", true, "120.00")],
            &goods::rules("prams", "GB", "4.50", ""),
        )
        .await;
    let customer = world.customer("customer").await;
    let home = world.home("prams");
    let home = home.to_str().unwrap();
    let asks = async |args: &[&str]| {
        let ended = run(&[&["--home", home, "--json", "interest"], args].concat()).await;
        assert!(ended.status.success(), "{}", ended.complaints);
        ended.out
    };
    let added = asks(&["add", "mountain bike", "--region", "GB-ENG", "--over", "400GBP"]).await;
    let added: Stands = serde_json::from_str(&added).unwrap();
    assert_eq!(added.name.as_str(), "mountain-bike-gb-eng-over-400gbp");
    asks(&["add", "mountain bike", "--over", "900GBP", "--name", "dear"]).await;

    until_peers(&shop, 1).await;
    let mut watch = shop.watch().await;
    let intent = cast(&customer, &bike_wanted()).await;
    let interests = watch
        .until("the shop is told", |event| match event {
            Event::Met { intent: met, interests } if *met == intent => Some(interests.clone()),
            _ => None,
        })
        .await;
    assert_eq!(interests, std::slice::from_ref(&added.name));
    let view: IntentView = shop.get(&format!("/v1/intents/{intent}")).await;
    assert_eq!(view.intent.title.as_str(), "mountain bike");
    assert!(offers(&shop, intent).await.is_empty(), "being told offers nothing");
    let told: Value = serde_json::from_str(&asks(&["watch", "--count", "1"]).await).unwrap();
    assert_eq!(told["intent"], intent.to_string());
    assert_eq!(told["budget"], "500.00 GBP");

    asks(&["remove", "dear"]).await;
    let listed = asks(&["list"]).await;
    let left: Vec<Waiting> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].over.as_deref(), Some("400.00 GBP"));
}

#[tokio::test]
async fn what_a_shop_waits_for_outlives_its_restart() {
    let world = World::new().await;
    let mut shop = world.customer("waiting").await;
    let waiting = Waiting {
        words: vec!["mountain bike".into()],
        region: Some("GB".into()),
        ..Waiting::default()
    };
    shop.post("/v1/interests", &waiting).await.unwrap();
    shop.kill().await;
    shop.restart().await;
    let customer = world.customer("customer").await;
    let mut watch = shop.watch().await;
    let intent = cast(&customer, &bike_wanted()).await;
    watch
        .until("the one that waits is told", |event| match event {
            Event::Met { intent: met, .. } if *met == intent => Some(()),
            _ => None,
        })
        .await;
}
