//! What becomes of a purchase, as both sides see it: out, there, back and paid back, whoever falls in between; and what
//! a third person can make of it with nothing but a file.

use intentcast_protocol::{
    id::AgreementId,
    market::{AgreementView, Compared, DeliveryState, OfferState, OfferView, Sameness},
    order::OrderState,
};
use serde_json::Value;

use crate::{
    member::{Member, run},
    wait::beside_others,
    world::{World, accept, agreed, agreement_on, audit, bike_wanted, cast, same_deal},
};

struct Scene {
    world: World,
    customer: Member,
    seller: Member,
    id: AgreementId,
}

impl Scene {
    /// A bike is bought.
    async fn set() -> Self {
        let world = World::new().await;
        let seller = world.bike_shop("Hull Wheels").await;
        // Its identity is fresh at each start: after a fall it is another peer, and says where it is.
        let customer = world.customer("customer").await;
        let intent = cast(&customer, &bike_wanted()).await;
        let path = format!("/v1/intents/{intent}/offers");
        let offer = customer
            .until("an offer", &path, |all: Vec<OfferView>| {
                all.iter()
                    .find(|view| view.state == OfferState::Open)
                    .map(|view| view.id)
            })
            .await;
        accept(&customer, offer).await;
        let id = agreement_on(&customer, offer).await.id;
        agreed(&seller, id).await;
        Self {
            world,
            customer,
            seller,
            id,
        }
    }

    /// The seller says what happened.
    async fn tell(&self, args: &[&str]) -> Value {
        let id = self.id.to_string();
        let args = [&["order", args[0], &id], &args[1..]].concat();
        let ended = self.seller.cli(&args).await;
        assert!(ended.status.success(), "{args:?}: {}", ended.complaints);
        serde_json::from_str(&ended.out).unwrap()
    }

    /// Why somebody may not say it, by its code, and in words.
    async fn refused(&self, member: &Member, args: &[&str]) -> (String, String) {
        let id = self.id.to_string();
        let args = [&["order", args[0], &id], &args[1..]].concat();
        let ended = member.cli(&args).await;
        assert_eq!(ended.status.code(), Some(5), "{args:?}: {}", ended.complaints);
        let problem: Value = serde_json::from_str(&ended.complaints).unwrap();
        let text = |field: &str| problem[field].as_str().unwrap().to_owned();
        (text("code"), text("detail"))
    }

    /// Waits until the customer holds so many receipts, and gives how far the order has come there.
    async fn held(&self, receipts: usize) -> OrderState {
        let path = format!("/v1/agreements/{}", self.id);
        let wanted = |view: AgreementView| (view.receipts.len() == receipts).then_some(view.order.state);
        self.customer.until("the receipts are there", &path, wanted).await
    }

    async fn verified(&self, member: &Member) -> Compared {
        let ended = member.cli(&["agreement", "verify", &self.id.to_string()]).await;
        assert!(ended.status.success(), "{}", ended.complaints);
        serde_json::from_str(&ended.out).unwrap()
    }
}

#[tokio::test]
async fn an_order_goes_out_comes_back_and_is_paid_back_though_both_fall_at_every_step() {
    let _stage = beside_others().await;
    let mut scene = Scene::set().await;

    // The seller falls in the moment in which it has said it.
    scene.tell(&["paid", "--reference", "RF18 5390"]).await;
    scene.seller.fall().await;
    assert_eq!(scene.held(2).await, OrderState::Paid);

    // The customer is away, and the seller falls too.
    scene.customer.kill().await;
    scene
        .tell(&["ship", "--carrier", "Yellow Van", "--tracking", "YV-17"])
        .await;
    scene.seller.fall().await;
    let waiting = agreed(&scene.seller, scene.id).await;
    assert!(
        matches!(waiting.receipts[2].delivery, Some(DeliveryState::Queued { .. })),
        "it waits, and says so: {:?}",
        waiting.receipts[2].delivery
    );
    scene.customer.restart().await;
    assert_eq!(scene.held(3).await, OrderState::Shipped);

    for (step, state) in [("deliver", OrderState::Delivered), ("return", OrderState::Returning)] {
        let receipts = agreed(&scene.seller, scene.id).await.receipts.len();
        scene.tell(&[step]).await;
        scene.seller.fall().await;
        scene.customer.fall().await;
        assert_eq!(scene.held(receipts + 1).await, state);
        // Said again by somebody who lost the answer, it is the same receipt.
        scene.tell(&[step]).await;
        same_deal(&scene.customer, &scene.seller, scene.id).await;
    }
    scene.tell(&["refund", "--amount", "4.50GBP"]).await;
    assert_eq!(scene.held(6).await, OrderState::Refunded);
    scene.customer.fall().await;
    scene.tell(&["refund"]).await;
    scene.seller.fall().await;
    assert_eq!(scene.held(7).await, OrderState::Closed);

    same_deal(&scene.customer, &scene.seller, scene.id).await;
    let (ours, theirs) = (
        scene.verified(&scene.customer).await,
        scene.verified(&scene.seller).await,
    );
    assert_eq!((&ours.sameness, &theirs.sameness), (&Sameness::Same, &Sameness::Same));
    assert_eq!((ours.ours, ours.theirs), (theirs.ours, Some(theirs.ours)));
    for member in [&mut scene.customer, &mut scene.seller] {
        member.is_well();
        member.stop().await;
        assert!(!audit(member).is_empty());
    }
    scene.world.meeting.is_well();
}

#[tokio::test]
async fn what_cannot_happen_to_an_order_is_refused_on_the_command_line() {
    let _stage = beside_others().await;
    let mut scene = Scene::set().await;
    let (code, why) = scene.refused(&scene.seller, &["return"]).await;
    assert_eq!(code, "order");
    assert_eq!(
        why,
        "an order that is confirmed cannot be returned: it may be paid, shipped, delivered, refunded, cancelled"
    );
    scene
        .tell(&["ship", "--carrier", "Yellow Van", "--tracking", "YV-17"])
        .await;
    let (_, why) = scene.refused(&scene.seller, &["cancel", "--reason", "sold out"]).await;
    assert!(why.starts_with("an order that is shipped cannot be cancelled"), "{why}");
    let (_, why) = scene.refused(&scene.seller, &["refund", "--amount", "500GBP"]).await;
    assert!(
        why.starts_with("500.00 GBP cannot go back: 454.50 GBP is left"),
        "{why}"
    );
    let (code, _) = scene.refused(&scene.customer, &["deliver"]).await;
    assert_eq!(code, "not_the_seller");
    assert_eq!(scene.held(2).await, OrderState::Shipped);

    // Either finds it by what it says, how far it is, and when something happened to it.
    for member in [&scene.customer, &scene.seller] {
        for (args, found) in [
            (vec![], 1),
            (vec!["yv-17", "VAN"], 1),
            (vec!["fell", "--state", "shipped", "--since", "2020-01-01"], 1),
            (vec!["--state", "delivered"], 0),
            (vec!["--until", "2020-01-01"], 0),
            (vec!["pram"], 0),
        ] {
            let ended = member.cli(&[&["order", "list"], &args[..]].concat()).await;
            assert!(ended.status.success(), "{}", ended.complaints);
            assert_eq!(ended.out.lines().count(), found, "{args:?}: {}", ended.out);
        }
        let ended = member.cli(&["agreement", "diff", &scene.id.to_string()]).await;
        assert_eq!(
            (ended.status.code(), ended.out.as_str()),
            (Some(0), ""),
            "no difference"
        );
    }

    // Nobody is there to compare with.
    scene.seller.kill().await;
    let ended = scene
        .customer
        .cli(&["agreement", "verify", &scene.id.to_string()])
        .await;
    assert_eq!(ended.status.code(), Some(4), "{}", ended.complaints);
    assert!(ended.complaints.contains("cannot be reached"), "{}", ended.complaints);
    scene.customer.is_well();
}

#[tokio::test]
async fn somebody_who_was_not_there_finds_the_record_that_was_tampered_with() {
    let _stage = beside_others().await;
    let scene = Scene::set().await;
    scene.tell(&["paid", "--reference", "RF18 5390"]).await;
    scene
        .tell(&["ship", "--carrier", "Yellow Van", "--tracking", "YV-17"])
        .await;
    scene.tell(&["deliver"]).await;
    assert_eq!(scene.held(4).await, OrderState::Delivered);

    let mut files = Vec::new();
    for (name, member) in [("bought.json", &scene.customer), ("sold.json", &scene.seller)] {
        let file = scene.world.home(name);
        let file = file.to_str().unwrap();
        let ended = member
            .cli(&["receipt", "export", &scene.id.to_string(), "-o", file])
            .await;
        assert!(ended.status.success(), "{}", ended.complaints);
        files.push(std::fs::read_to_string(file).unwrap());
    }
    assert_eq!(files[0], files[1], "both sides export the same file");

    // A home in which no node ever ran.
    let elsewhere = scene.world.home("elsewhere");
    let verify = async |text: &str| {
        let file = scene.world.home("evidence.json");
        std::fs::write(&file, text).unwrap();
        let home = elsewhere.to_str().unwrap();
        run(&["--home", home, "--json", "receipt", "verify", file.to_str().unwrap()]).await
    };
    let ended = verify(&files[0]).await;
    assert!(ended.status.success(), "{}", ended.complaints);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["holds"], true);
    assert_eq!(report["report"]["order"]["state"], "delivered");
    // Four of the deal, four receipts, and the letters that acknowledge them.
    assert_eq!(report["report"]["signatures"], 12);

    let hex = |text: &str| -> String { text.bytes().map(|byte| format!("{byte:02x}")).collect() };
    let another_parcel = files[0].replace(&hex("YV-17"), &hex("YV-71"));
    let ended = verify(&another_parcel).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.complaints.contains("receipt 3 (shipped): signature"),
        "{}",
        ended.complaints
    );
    let ended = verify(&files[0].replace(&hex("RF18 5390"), &hex("RF18 5391"))).await;
    assert!(
        ended.complaints.contains("receipt 2 (paid): signature"),
        "{}",
        ended.complaints
    );
    assert!(!elsewhere.exists(), "checking leaves nothing behind");
}
