//! What customer and seller say to each other before and after they agree, on the command line and over real processes,
//! whoever falls in between. Slow: every story is a market of its own.

use intentcast_node::want::Want;
use intentcast_protocol::{
    id::{AgreementId, IntentId, OfferId, RecordId},
    letter::Matter,
    market::{AgreementView, IntentView, OfferState, OfferView, Passage, ThreadView},
};
use serde_json::Value;

use crate::{
    goods,
    member::{Member, run},
    wait::beside_others,
    world::{World, accept, agreed, agreement_on, audit, bike_wanted, cast, offers, same_deal, until_peers},
};

/// The open offers to a want, once there are so many.
async fn open_offers(customer: &Member, intent: IntentId, count: usize) -> Vec<OfferView> {
    let path = format!("/v1/intents/{intent}/offers");
    let open = |all: Vec<OfferView>| {
        let open: Vec<OfferView> = all.into_iter().filter(|view| view.state == OfferState::Open).collect();
        (open.len() == count).then_some(open)
    };
    customer.until("so many open offers", &path, open).await
}

/// The first letter of this kind in any conversation of a member, once it is there.
async fn letter(member: &Member, what: &str) -> (ThreadView, RecordId, Matter) {
    let found = |all: Vec<ThreadView>| {
        all.into_iter().find_map(|thread| {
            let letter = thread.letters.iter().find(|letter| letter.what == what)?.clone();
            Some((thread, letter.id, letter.matter))
        })
    };
    member.until(what, "/v1/threads", found).await
}

async fn same_letters(customer: &Member, seller: &Member, id: RecordId) {
    let count = |view: &ThreadView| view.letters.len();
    let ids = |view: &ThreadView| view.letters.iter().map(|letter| letter.id).collect::<Vec<_>>();
    let path = format!("/v1/threads/{id}");
    let ours: ThreadView = customer.get(&path).await;
    let wanted = |view: ThreadView| (count(&view) >= count(&ours)).then_some(view);
    let theirs = seller.until("as many letters", &path, wanted).await;
    let ours: ThreadView = customer.get(&path).await;
    assert_eq!(ids(&ours), ids(&theirs), "the same letters on both sides");
}

#[tokio::test]
async fn a_question_answered_to_all_brings_new_offers_of_both_shops_though_each_of_them_falls() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut wheels = world.bike_shop("Hull Wheels").await;
    let mut cycles = world.bike_shop("Humber Cycles").await;
    let mut customer = world.customer("customer").await;
    let intent = cast(&customer, &bike_wanted()).await;
    let before: Vec<OfferId> = open_offers(&customer, intent, 2)
        .await
        .iter()
        .map(|view| view.id)
        .collect();

    let asked = wheels
        .does_and_falls(&["ask", &intent.to_string(), "With mudguards?", "--field", "mudguards"])
        .await;
    let (thread, question, _) = letter(&customer, "question").await;
    assert_eq!(asked["letter"], question.to_string());
    customer.fall().await;
    until_peers(&customer, 2).await;

    customer
        .does_and_falls(&[
            "answer",
            &question.to_string()[..12],
            "Yes, with mudguards.",
            "--to-all",
        ])
        .await;
    let now: IntentView = customer.get(&format!("/v1/intents/{intent}")).await;
    assert!(now.intent.text.as_str().contains("mudguards"), "said to all");
    cycles.fall().await;
    // Both shops answer the want as it is now; what they said before is superseded.
    let path = format!("/v1/intents/{intent}/offers");
    let answered = |all: Vec<OfferView>| {
        let open = all
            .iter()
            .filter(|view| view.state == OfferState::Open && !before.contains(&view.id));
        let sellers: std::collections::BTreeSet<_> = open.filter_map(|view| view.seller).collect();
        (sellers.len() == 2).then_some(all)
    };
    let all = customer.until("both shops quote again", &path, answered).await;
    for view in all.iter().filter(|view| before.contains(&view.id)) {
        assert_eq!(view.state, OfferState::Superseded, "{view:?}");
    }
    let (_, _, answer) = letter(&wheels, "answer").await;
    assert!(matches!(answer, Matter::Answer { to_all: true, .. }));
    same_letters(&customer, &wheels, thread.id).await;

    let best = all.iter().find(|view| view.place == Some(1)).unwrap().id;
    accept(&customer, best).await;
    let agreement = agreement_on(&customer, best).await;
    let winner = if wheels.get::<Vec<AgreementView>>("/v1/agreements").await.is_empty() {
        &mut cycles
    } else {
        &mut wheels
    };
    same_deal(&customer, winner, agreement.id).await;
    for member in [&mut customer, &mut wheels, &mut cycles] {
        member.is_well();
        member.stop().await;
        audit(member);
    }
}

#[tokio::test]
async fn a_counter_offer_is_accepted_in_round_two_though_both_fall_between() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let rules = goods::rules("Hull Wheels", "GB", "0.00", "haggle = \"90%\"");
    let mut seller = world
        .seller("seller", &[goods::bike("fell-xl", "XL", "450.00")], &rules)
        .await;
    let mut customer = world.customer("customer").await;
    let want = Want {
        rounds: Some(2),
        ..bike_wanted()
    };
    let intent = cast(&customer, &want).await;
    let first = open_offers(&customer, intent, 1).await[0].id;

    customer
        .does_and_falls(&["counter", &first.to_string(), "--total", "400GBP"])
        .await;
    let (_, _, revised) = letter(&customer, "revised").await;
    assert!(matches!(revised, Matter::Revised { round: 1, .. }));
    seller.fall().await;
    let second = &open_offers(&customer, intent, 1).await[0];
    assert_eq!(
        second.offer.as_ref().unwrap().totals.total,
        427_50,
        "half of the way to the floor"
    );
    let view: OfferView = customer.get(&format!("/v1/offers/{first}")).await;
    assert_eq!(view.state, OfferState::Revised { by: second.id });
    let refused = customer.cli(&["offer", "accept", &first.to_string()]).await;
    assert_eq!(refused.status.code(), Some(5), "{}", refused.complaints);

    customer
        .does_and_falls(&["counter", &second.id.to_string(), "--total", "410GBP"])
        .await;
    let path = format!("/v1/intents/{intent}/offers");
    let met = |all: Vec<OfferView>| {
        all.into_iter()
            .find(|view| view.state == OfferState::Open && view.id != second.id)
    };
    let third = customer.until("an answer to the second round", &path, met).await;
    assert_eq!(third.offer.as_ref().unwrap().totals.total, 410_00);
    let more = customer
        .cli(&["counter", &third.id.to_string(), "--total", "1GBP"])
        .await;
    assert!(
        !more.status.success() && more.complaints.contains("2 rounds"),
        "{}",
        more.complaints
    );
    seller.fall().await;
    accept(&customer, third.id).await;
    customer.fall().await;
    seller.fall().await;
    let agreement = agreement_on(&customer, third.id).await;
    assert_eq!(agreement.agreed.totals.total, 410_00);
    same_deal(&customer, &seller, agreement.id).await;

    // The evidence of the deal has every letter, and tells which was touched.
    let file = world.home("evidence.json");
    let file = file.to_str().unwrap();
    customer
        .does(&["receipt", "export", &agreement.id.to_string(), "--output", file])
        .await;
    let verify = run(&["--json", "receipt", "verify", file]).await;
    assert!(verify.status.success(), "{}", verify.complaints);
    let mut evidence: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let letters = evidence["letters"].as_array_mut().unwrap();
    assert!(letters.len() >= 4);
    let mut hex = letters[1].as_str().unwrap().to_owned();
    let at = hex.len() / 2;
    let other = if &hex[at..=at] == "0" { "1" } else { "0" };
    hex.replace_range(at..=at, other);
    letters[1] = hex.into();
    std::fs::write(file, evidence.to_string()).unwrap();
    let verify = run(&["receipt", "verify", file]).await;
    assert_eq!(verify.status.code(), Some(1));
    assert!(verify.complaints.contains("letter 1"), "{}", verify.complaints);
}

/// A customer, a shop, and a bike that was bought.
async fn bought(world: &World) -> (Member, Member, AgreementId) {
    let seller = world.bike_shop("Hull Wheels").await;
    let customer = world.customer("customer").await;
    let intent = cast(&customer, &bike_wanted()).await;
    let offer = open_offers(&customer, intent, 1).await[0].id;
    accept(&customer, offer).await;
    let id = agreement_on(&customer, offer).await.id;
    agreed(&seller, id).await;
    (customer, seller, id)
}

async fn total(member: &Member, id: AgreementId) -> i64 {
    let threads: Vec<ThreadView> = member.get("/v1/threads").await;
    let deal = threads
        .into_iter()
        .find_map(|thread| thread.deal.filter(|deal| deal.agreement == id));
    deal.expect("a deal that was talked about").total.minor
}

#[tokio::test]
async fn a_deal_is_changed_by_both_or_not_at_all_and_the_difference_is_shown() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let (mut customer, mut seller, id) = bought(&world).await;
    let text = id.to_string();
    let dearer = [
        "agreement",
        "propose",
        &text,
        "--total",
        "480GBP",
        "--why",
        "the price of steel",
    ];
    seller.does_and_falls(&dearer).await;
    let (_, proposal, _) = letter(&customer, "proposal").await;
    customer.fall().await;
    let diff = customer.does(&["agreement", "diff", &text]).await;
    assert_eq!(
        (diff["agreed"].as_str(), diff["named"].as_str()),
        (Some("454.50 GBP"), Some("480.00 GBP"))
    );
    assert_eq!(total(&customer, id).await, 454_50, "a word of one side changes nothing");
    let again = seller.cli(&dearer).await;
    assert!(!again.status.success(), "one at a time");
    customer.does_and_falls(&["decline", &proposal.to_string()]).await;
    letter(&seller, "verdict").await;
    assert_eq!(total(&seller, id).await, 454_50);

    seller
        .does_and_falls(&["agreement", "propose", &text, "--total", "440GBP", "--why", "a scratch"])
        .await;
    let open = |all: Vec<ThreadView>| {
        let mut proposals = all.into_iter().flat_map(|thread| thread.proposals);
        proposals.find(|it| it.standing == intentcast_protocol::thread::Standing::Open)
    };
    let cheaper = customer.until("the second proposal", "/v1/threads", open).await;
    customer
        .does_and_falls(&["agreement", "answer", &cheaper.id.to_string(), "yes"])
        .await;
    let taken = |all: Vec<ThreadView>| {
        all.iter()
            .any(|it| it.deal.as_ref().is_some_and(|it| it.total.minor == 440_00))
            .then_some(())
    };
    seller.until("the change is agreed", "/v1/threads", taken).await;
    assert_eq!(total(&customer, id).await, 440_00);

    // What follows is of the new price, and whoever was not there finds both.
    seller
        .does_and_falls(&["order", "paid", &text, "--reference", "RF18"])
        .await;
    let paid = |all: Vec<AgreementView>| {
        let receipts = all.into_iter().next()?.receipts;
        (receipts.len() == 2).then(|| receipts[1].receipt.total.minor)
    };
    let named = customer.until("the receipt comes", "/v1/agreements", paid).await;
    assert_eq!(named, 440_00);
    let file = world.home("changed.json");
    let file = file.to_str().unwrap();
    customer.does(&["receipt", "export", &text, "--output", file]).await;
    let proved = run(&["--json", "receipt", "verify", file]).await;
    assert!(proved.status.success(), "{}", proved.complaints);
    let proved: Value = serde_json::from_str(proved.out.lines().last().unwrap()).unwrap();
    assert_eq!(proved["report"]["changes"], 1, "{proved}");
    assert_eq!(proved["report"]["total"], "440.00 GBP", "{proved}");

    let rating = world.home("rating.hex");
    let rating = rating.to_str().unwrap();
    customer
        .does(&[
            "rate",
            &text,
            "--stars",
            "5",
            "--text",
            "As agreed.",
            "--output",
            rating,
        ])
        .await;
    let shown = run(&["--json", "rate", "--verify", rating]).await;
    assert!(shown.status.success(), "{}", shown.complaints);
    assert!(!shown.out.contains(&text), "a rating names no deal");
}

#[tokio::test]
async fn a_buyer_who_is_away_for_the_whole_reply_finds_it_on_return() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let (mut customer, mut seller, id) = bought(&world).await;
    customer
        .does_and_falls(&["ask", &id.to_string(), "Is there a bell?"])
        .await;
    let (thread, question, _) = letter(&seller, "question").await;
    customer.kill().await;
    seller
        .does_and_falls(&["answer", &question.to_string(), "There is."])
        .await;
    seller.does_and_falls(&["ask", &id.to_string(), "A bottle cage?"]).await;
    let waiting: ThreadView = seller.get(&format!("/v1/threads/{}", thread.id)).await;
    let ways: Vec<_> = waiting.letters.iter().filter_map(|it| it.passage).collect();
    assert!(
        ways.iter()
            .all(|way| matches!(way, Passage::Queued | Passage::Sent { .. })),
        "{ways:?}"
    );
    customer.restart().await;
    letter(&customer, "answer").await;
    let path = format!("/v1/threads/{}", thread.id);
    let both = |view: ThreadView| (view.letters.iter().filter(|it| it.what == "question").count() == 2).then_some(());
    customer.until("both letters came", &path, both).await;
    customer.does(&["thread", "show", &thread.id.to_string()]).await;
    let seen = |view: ThreadView| {
        view.letters
            .iter()
            .any(|it| it.passage == Some(Passage::Seen))
            .then_some(())
    };
    seller.until("the letters were seen", &path, seen).await;
    same_letters(&customer, &seller, thread.id).await;
    assert!(!offers(&customer, thread.intent).await.is_empty());
}
