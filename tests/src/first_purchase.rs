//! The main job: somebody says what they want, sellers answer, one is accepted, and both keep the same record.

use std::time::Duration;

use intentcast_node::want::Want;
use intentcast_protocol::{
    intent::Intent,
    market::{OfferState, OfferView},
    offer::Fit,
    terms::TermsSet,
};
use serde_json::Value;

use crate::{
    goods,
    member::{Member, run, run_for},
    wait::beside_others,
    world::{World, accept, agreement_on, audit, bike_wanted, cast, offered, offers, same_deal},
};

/// Every offer shown is one that the person can say yes to without a second thought.
fn within_limits(wanted: &Intent, view: &OfferView) {
    let offer = view.offer.as_ref().expect("an open offer says what it offers");
    assert!(
        offer.totals.total <= wanted.budget.ceiling().unwrap().minor,
        "over budget: {offer:?}"
    );
    assert_eq!(offer.totals.currency, wanted.budget.currency());
    assert!(
        offer.serves.region.covers(&wanted.place.region),
        "out of region: {offer:?}"
    );
    assert_eq!(offer.terms, wanted.terms.hash(), "without the terms: {offer:?}");
    assert!(view.admission.as_ref().is_some_and(|admission| admission.admitted()));
    assert!(
        view.score.as_ref().is_some_and(|score| !score.parts.is_empty()),
        "with no reason for its place"
    );
}

fn seller(view: &OfferView) -> String {
    view.offer.as_ref().unwrap().seller.name.to_string()
}

/// Whether what is offered is another than asked, and says so.
fn is_near(view: &OfferView) -> bool {
    let mut lines = view.offer.as_ref().unwrap().lines.iter();
    lines.any(|line| matches!(line.fit, Fit::Near(_)))
}

/// Waits until each of these shops has an offer there, and gives the open ones, best first.
async fn all_shown(customer: &Member, wanted: &Want, shops: &[&str]) -> Vec<OfferView> {
    let mut watch = customer.watch().await;
    let intent = cast(customer, wanted).await;
    let mut missing: Vec<&str> = shops.to_vec();
    while !missing.is_empty() {
        let view = offered(customer, &mut watch, intent).await;
        let name = view.offer.unwrap().seller.name.to_string();
        assert!(shops.contains(&name.as_str()), "{name} has nothing that fits");
        missing.retain(|shop| *shop != name);
    }
    let intent: intentcast_protocol::market::IntentView = customer.get(&format!("/v1/intents/{intent}")).await;
    let shown = offers(customer, intent.id).await;
    assert!(
        !shown
            .iter()
            .any(|view| matches!(view.state, OfferState::Refused { .. })),
        "{shown:#?}"
    );
    for view in &shown {
        within_limits(&intent.intent, view);
    }
    shown
}

#[tokio::test]
async fn a_mountain_bike_in_hull_for_somebody_tall() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let bikes = [
        goods::bike("fell-s", "S", "450.00"),
        goods::bike("fell-xl", "XL", "470.00"),
        goods::bike("fell-xl-fine", "XL", "499.00"),
    ];
    let mut good = world
        .seller("good", &bikes, &goods::rules("Good Wheels", "GB", "9.99", ""))
        .await;
    // Delivery takes it over the budget; another delivers elsewhere; a third has another frame only, and says so.
    let _dear = world
        .seller("dear", &bikes[2..], &goods::rules("Dear Wheels", "GB", "1.01", ""))
        .await;
    let _far = world
        .seller("far", &bikes, &goods::rules("Far Wheels", "GB-LEW", "0.00", ""))
        .await;
    let _small = world
        .seller("small", &bikes[..1], &goods::rules("Small Wheels", "GB", "0.00", ""))
        .await;
    let mut near = world
        .seller("near", &bikes[1..], &goods::rules("Near Wheels", "GB-KHL", "0.00", ""))
        .await;
    let mut customer = world.customer("customer").await;

    let shops = ["Good Wheels", "Near Wheels", "Small Wheels"];
    let shown = all_shown(&customer, &bike_wanted(), &shops).await;
    let (near_ones, exact): (Vec<_>, Vec<_>) = shown.iter().partition(|view| is_near(view));
    assert!(
        near_ones.iter().all(|view| seller(view) == "Small Wheels"),
        "who has the frame does not offer another"
    );
    assert!(
        exact.iter().map(|view| view.place).max() < near_ones.iter().map(|view| view.place).min(),
        "what is only near stands behind: {shown:#?}"
    );
    let best = &shown[0];
    assert_eq!(best.place, Some(1));
    assert_eq!(seller(best), "Near Wheels", "what costs less in all comes first");
    assert_eq!(best.offer.as_ref().unwrap().totals.total, 470_00);

    accept(&customer, best.id).await;
    let agreement = agreement_on(&customer, best.id).await;
    same_deal(&customer, &near, agreement.id).await;

    // The evidence stands alone: no node is asked about it.
    let file = world.home("evidence.json");
    let file = file.to_str().unwrap();
    let (home, id) = (customer.home.to_str().unwrap().to_owned(), agreement.id.to_string());
    let export = run(&["--home", &home, "receipt", "export", &id, "--output", file]).await;
    assert!(export.status.success(), "{}", export.complaints);
    for member in [&mut customer, &mut near, &mut good] {
        member.is_well();
        member.stop().await;
        audit(member);
    }
    let verify = run(&["--json", "receipt", "verify", file]).await;
    assert!(verify.status.success(), "{}", verify.complaints);
    let said: Value = serde_json::from_str(verify.out.lines().next().unwrap()).unwrap();
    assert_eq!(said["report"]["agreement"], id.as_str());
    let text = std::fs::read_to_string(file).unwrap();
    let tampered = text.replacen("470.00", "370.00", 1).replacen("47000", "37000", 1);
    let tampered = if tampered == text {
        text.replacen("Near Wheels", "Dear Wheels", 1)
    } else {
        tampered
    };
    assert_ne!(tampered, text, "the file says what was agreed in words");
    std::fs::write(file, tampered).unwrap();
    let verify = run(&["receipt", "verify", file]).await;
    assert_eq!(verify.status.code(), Some(1), "{}", verify.out);
    assert!(verify.complaints.contains("does not hold"), "{}", verify.complaints);
}

#[tokio::test]
async fn a_stroller_in_lewisham_fair_trade_if_it_can_be() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let plain = [goods::stroller("pebble", false, "120.00")];
    let fair = [goods::stroller("pebble-fair", true, "140.00")];
    let dear = [goods::stroller("pebble-gold", true, "150.01")];
    let mut plain = world
        .seller("plain", &plain, &goods::rules("Plain Prams", "GB", "0.00", ""))
        .await;
    let mut fair = world
        .seller("fair", &fair, &goods::rules("Fair Prams", "GB-ENG", "4.00", ""))
        .await;
    let _dear = world
        .seller("dear", &dear, &goods::rules("Gold Prams", "GB", "0.00", ""))
        .await;
    let mut customer = world.customer("customer").await;

    let wanted = Want {
        want: "a child's stroller".into(),
        region: "GB-LEW".into(),
        budget: "£150".into(),
        prefer: vec!["fair_trade=yes:100".into()],
        ..Want::default()
    };
    let shown = all_shown(&customer, &wanted, &["Plain Prams", "Fair Prams"]).await;
    let names: Vec<String> = shown
        .iter()
        .map(|view| view.offer.as_ref().unwrap().seller.name.to_string())
        .collect();
    assert_eq!(
        names,
        ["Fair Prams", "Plain Prams"],
        "what is preferred comes first, and is no condition"
    );
    assert_eq!(shown[0].offer.as_ref().unwrap().terms, TermsSet::default().hash());

    accept(&customer, shown[0].id).await;
    let agreement = agreement_on(&customer, shown[0].id).await;
    same_deal(&customer, &fair, agreement.id).await;
    for member in [&mut customer, &mut fair, &mut plain] {
        member.is_well();
    }
}

#[tokio::test]
async fn the_demo_shows_it_from_cast_to_receipt_and_leaves_nothing_behind() {
    let _stage = beside_others().await;
    let before = demo_folders();
    let args = [
        "--json",
        "demo",
        "--exit",
        "--want",
        "stroller",
        "--region",
        "GB-LEW",
        "--budget",
        "150GBP",
        "--prefer",
        "fair trade=yes",
    ];
    let shown = run_for(Duration::from_secs(180), &args).await;
    assert!(shown.status.success(), "{}", shown.complaints);
    let events: Vec<Value> = shown
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    for step in [
        "ready",
        "cast",
        "offer",
        "ranked",
        "accepted",
        "agreement",
        "receipt",
        "done",
    ] {
        assert!(names.contains(&step), "{step} is not among {names:?}");
    }
    assert_eq!(names.last(), Some(&"done"));
    assert_eq!(demo_folders().difference(&before).count(), 0, "no file is left");
}

/// Folders of demos, of this one and of those that other stories run.
fn demo_folders() -> std::collections::BTreeSet<std::ffi::OsString> {
    let folders = std::fs::read_dir(std::env::temp_dir()).unwrap();
    let names = folders.filter_map(|entry| Some(entry.ok()?.file_name()));
    names
        .filter(|name| name.to_string_lossy().starts_with("intentcast-demo-"))
        .collect()
}
