//! A want that changes after it was answered, and what it does not say: the bike in Hull, looked for once more.

use intentcast_node::want::Want;
use intentcast_protocol::{
    id::{IntentId, OfferId},
    market::{DeliveryState, IntentView, OfferState, OfferView},
};
use serde_json::{Value, json};

use crate::{
    goods,
    member::Member,
    wait::{PATIENCE, beside_others, within},
    world::{World, accept, agreement_on, bike_wanted, cast, same_deal},
};

/// 487.65 GBP as the wire has it: a signed number of pence, and the currency.
const CEILING_ON_THE_WIRE: &[u8] = &[0xfc, 0xfa, 0x7c, 0x01, 0x00, b'G', b'B', b'P'];

async fn shop(world: &World, name: &str, price: &str) -> Member {
    let bike = goods::item(
        name,
        "Storyworks Fell mountain bike, XL frame",
        "sports/cycling/mountain-bikes",
        price,
        &[("frame_size", "XL"), ("brakes", "disc")],
    );
    world.seller(name, &[bike], &goods::rules(name, "GB", "4.50", "")).await
}

/// Runs a command on a member's folder to its end, and gives what it printed.
async fn asks(member: &Member, args: &[&str]) -> Result<Value, String> {
    let output = within(PATIENCE, &args.join(" "), member.command(args).output())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(serde_json::from_str(said.lines().next().unwrap_or("null")).unwrap()),
        false => Err(said + &String::from_utf8_lossy(&output.stderr)),
    }
}

/// The offers that the customer holds, once they are as wanted.
async fn until_offers(customer: &Member, intent: IntentId, wanted: impl Fn(&[OfferView]) -> bool) -> Vec<OfferView> {
    let path = format!("/v1/intents/{intent}/offers");
    customer
        .until("the offers are as they should be", &path, |all: Vec<OfferView>| {
            wanted(&all).then_some(all)
        })
        .await
}

fn in_state(all: &[OfferView], state: &OfferState) -> Vec<OfferId> {
    all.iter()
        .filter(|view| view.state == *state)
        .map(|view| view.id)
        .collect()
}

/// Whether these bytes stand in any file below a folder.
fn holds(dir: &std::path::Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().map(Result::unwrap).any(|entry| {
        if entry.file_type().unwrap().is_dir() {
            return holds(&entry.path(), bytes);
        }
        // A file that goes as we look had nothing to keep.
        let held = std::fs::read(entry.path()).unwrap_or_default();
        held.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[tokio::test]
async fn the_bike_in_hull_is_amended_and_two_shops_quote_again() {
    let _stage = beside_others().await;
    let mut world = World::new().await;
    let mut wheels = shop(&world, "wheels", "450.00").await;
    let mut humber = shop(&world, "humber", "460.00").await;
    let mut dear = shop(&world, "dear", "499.00").await;
    let mut customer = world.customer("customer").await;
    let intent = cast(
        &customer,
        &Want {
            budget: "487.65GBP".into(),
            show_budget: Some("hidden".into()),
            once_accepted: vec!["place.exact=12 Spring Bank".into()],
            ..bike_wanted()
        },
    )
    .await;
    let first = until_offers(&customer, intent, |all| all.len() == 3).await;
    let open = in_state(&first, &OfferState::Open);
    let over = in_state(&first, &OfferState::OverBudget);
    assert_eq!((open.len(), over.len()), (2, 1), "{first:?}");
    let no = asks(&customer, &["offer", "accept", &over[0].to_string()])
        .await
        .unwrap_err();
    assert!(no.contains("over your budget"), "{no}");
    // The shop that is too dear was told what the others were told.
    for shop in [&wheels, &humber, &dear] {
        let all: Vec<OfferView> = shop.get("/v1/offers").await;
        let told: Vec<_> = all.iter().map(|view| (&view.state, view.delivery)).collect();
        assert_eq!(told, [(&OfferState::Open, Some(DeliveryState::Stored))]);
    }

    // One shop falls; meanwhile the person wants disc brakes as well; then it stands up again.
    humber.kill().await;
    let id = intent.to_string();
    let amended = asks(&customer, &["intent", "amend", &id, "--must", "brakes=disc"])
        .await
        .unwrap();
    assert_eq!(amended["event"], "amended");
    until_offers(&customer, intent, |all| {
        in_state(all, &OfferState::Superseded).len() == 2
    })
    .await;
    humber.restart().await;
    let all = until_offers(&customer, intent, |all| {
        in_state(all, &OfferState::Superseded).len() == 3
    })
    .await;
    assert_eq!(all.len(), 6, "each quoted twice: {all:?}");
    let again = in_state(&all, &OfferState::Open);
    assert_eq!(again.len(), 2);
    for offer in &open {
        let no = asks(&customer, &["offer", "accept", &offer.to_string()])
            .await
            .unwrap_err();
        assert!(no.contains("another offer since"), "{no}");
    }
    for view in all.iter().filter(|view| again.contains(&view.id)) {
        let revision = view.offer.as_ref().unwrap().revision.to_string();
        assert_eq!(amended["revision"], revision, "it answers the newer version");
    }

    accept(&customer, again[0]).await;
    let agreement = agreement_on(&customer, again[0]).await;
    let is_wheels = !wheels.get::<Vec<Value>>("/v1/agreements").await.is_empty();
    let with = if wheels.get::<Vec<Value>>("/v1/agreements").await.is_empty() {
        &humber
    } else {
        &wheels
    };
    same_deal(&customer, with, agreement.id).await;

    let path = "/v1/threads";
    let opened = |all: Vec<Value>| {
        all.iter()
            .any(|thread| thread.to_string().contains("12 Spring Bank"))
            .then_some(())
    };
    with.until("the address is opened", path, opened).await;

    // Nobody but the customer ever had the ceiling: not on disk, and so not in anything they heard.
    let view: IntentView = customer.get(&format!("/v1/intents/{intent}")).await;
    assert_eq!(view.kept.ceiling.unwrap().to_string(), "487.65 GBP");
    for member in [&mut wheels, &mut humber, &mut dear, &mut customer, &mut world.meeting] {
        member.is_well();
        member.stop().await;
        let is_ours = member.home.ends_with("customer");
        assert_eq!(holds(&member.home, CEILING_ON_THE_WIRE), is_ours, "{:?}", member.home);
        // Who sells it is told where to bring it, once there is an agreement.
        let brings = member.home.ends_with(if is_wheels { "wheels" } else { "humber" });
        assert_eq!(
            holds(&member.home, b"12 Spring Bank"),
            is_ours || brings,
            "{:?}",
            member.home
        );
        assert!(!holds(&member.home, b"487.65"), "{:?}", member.home);
    }
}

#[tokio::test]
async fn a_want_that_was_withdrawn_is_renewed_in_one_step() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let shop = shop(&world, "wheels", "450.00").await;
    let customer = world.customer("customer").await;
    let intent = cast(&customer, &bike_wanted()).await.to_string();
    let no = asks(&customer, &["intent", "renew", &intent]).await.unwrap_err();
    assert!(no.contains("is open until"), "{no}");
    asks(&customer, &["intent", "withdraw", &intent]).await.unwrap();
    let again = asks(
        &customer,
        &["intent", "renew", &intent, "--for", "2h", "--budget", "480GBP"],
    )
    .await;
    let again = again.unwrap();
    assert_eq!(again["renews"], intent);
    let renewed: IntentId = again["intent"].as_str().unwrap().parse().unwrap();
    let offers = until_offers(&customer, renewed, |all| !all.is_empty()).await;
    assert_eq!(offers[0].state, OfferState::Open);
    let view: IntentView = customer.get(&format!("/v1/intents/{renewed}")).await;
    assert_eq!(view.renews.unwrap().to_string(), intent);
    assert_eq!(view.intent.budget.to_string(), "480.00 GBP");
    // What would change nothing, or is no change, is refused with a word to act upon.
    let path = format!("/v1/intents/{renewed}");
    let nothing = customer.client().patch::<Value>(&path, &json!({})).await.unwrap_err();
    assert!(nothing.to_string().contains("nothing would change"), "{nothing}");
    let unknown = customer
        .client()
        .patch::<Value>(&path, &json!({ "colour": "red" }))
        .await;
    assert!(unknown.unwrap_err().to_string().contains("colour"));
    drop(shop);
}
