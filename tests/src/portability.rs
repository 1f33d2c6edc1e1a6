//! A device is lost in the middle of a purchase, and another one goes on from the backup; what each side has to show of
//! the deal is open to any program, and comes back as it was.

use std::path::{Path, PathBuf};

use intentcast_protocol::{
    id::{AgreementId, RecordId},
    market::{AgreementView, Compared, OfferState, OfferView, Sameness, ThreadView, UnsureView},
    order::OrderState,
};
use serde_json::{Value, json};

use crate::{
    member::Member,
    wait::beside_others,
    world::{QUIC, World, accept, agreed, agreement_on, audit, bike_wanted, cast, same_deal},
};

const EMAIL: &str = "ann.lee@whitefriars.example";

/// The same, which must fail; why.
async fn fails(member: &Member, passphrase: &str, args: &[&str]) -> String {
    let ended = member.cli_as(passphrase, args).await;
    assert_eq!(
        ended.status.code(),
        Some(1),
        "{args:?}: {} {}",
        ended.out,
        ended.complaints
    );
    ended.complaints
}

fn stands_in(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// What lies in the folder of the story.
fn names(folder: &Path) -> Vec<String> {
    let listed = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = listed
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

struct Scene {
    world: World,
    customer: Member,
    seller: Member,
    id: AgreementId,
}

impl Scene {
    /// A bike is bought on terms that give the data back, by somebody who keeps a mail address.
    async fn set() -> Self {
        let world = World::new().await;
        let seller = world.bike_shop("Hull Wheels").await;
        let home = world.home("laptop");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("config.toml"), "identity = \"kept\"\n").unwrap();
        let customer = world.customer("laptop").await;
        customer
            .does(&["vault", "set", "contact.email", "--value", EMAIL])
            .await;
        let mut want = bike_wanted();
        want.terms = ["SD-BASE-DP", "PDC-INTENT"].map(String::from).into();
        let intent = cast(&customer, &want).await;
        let path = format!("/v1/intents/{intent}/offers");
        let offer = customer
            .until("an offer", &path, |all: Vec<OfferView>| {
                let open = all.iter().find(|view| view.state == OfferState::Open);
                open.map(|view| view.id)
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

    fn file(&self, name: &str) -> (PathBuf, String) {
        let path = self.world.home(name);
        let text = path.to_str().unwrap().to_owned();
        (path, text)
    }

    async fn verified(&self, member: &Member) -> Compared {
        let said = member.does(&["agreement", "verify", &self.id.to_string()]).await;
        serde_json::from_value(said).unwrap()
    }

    async fn held(&self, state: OrderState) {
        let path = format!("/v1/agreements/{}", self.id);
        let wanted = |view: AgreementView| (view.order.state == state).then_some(());
        self.customer.until("the receipts are there", &path, wanted).await;
    }
}

#[tokio::test]
async fn a_device_is_lost_in_the_middle_of_a_deal_and_another_goes_on() {
    let _stage = beside_others().await;
    let mut scene = Scene::set().await;
    let (file, backup) = scene.file("backup");
    let saved = scene.customer.does(&["data", "backup", &backup]).await;
    assert_eq!(
        saved["backup"]["files"],
        json!(["config.toml", "peer.key", "seed", "strands/uses.jsonl", "vault"])
    );
    let bytes = std::fs::read(&file).unwrap();
    let seed = std::fs::read_to_string(scene.customer.home.join("seed")).unwrap();
    assert!(!stands_in(&bytes, EMAIL) && !stands_in(&bytes, seed.trim()));
    let again = scene.customer.cli(&["data", "backup", &backup]).await;
    assert_eq!(again.status.code(), Some(2), "nobody's last backup is written over");

    // It is gone, and the seller ships.
    scene.customer.kill().await;
    std::fs::remove_dir_all(&scene.customer.home).unwrap();
    let id = scene.id.to_string();
    let ship = ["order", "ship", &id, "--carrier", "Yellow Van", "--tracking", "YV-17"];
    scene.seller.does(&ship).await;

    scene.customer.home = scene.world.home("phone");
    let restore = ["data", "restore", &backup];
    let before = names(scene.world.home("").as_path());
    let wrong = fails(&scene.customer, "heron lamp orbit quill", &restore).await;
    assert!(wrong.contains("does not open the backup"), "{wrong}");
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    std::fs::write(&file, &flipped).unwrap();
    let damaged = scene.customer.fails(1, &restore).await;
    assert!(damaged.contains("the backup is damaged"), "{damaged}");
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(names(scene.world.home("").as_path()), before, "neither left anything");
    let used = {
        let elsewhere = scene.seller.home.to_str().unwrap();
        let ended = crate::member::run(&["--home", elsewhere, "--json", "data", "restore", &backup]).await;
        assert_eq!(ended.status.code(), Some(1));
        ended.complaints
    };
    assert!(used.contains("is not empty"), "{used}");

    let restored = scene.customer.does(&restore).await;
    assert!(
        restored["notice"]
            .as_str()
            .unwrap()
            .contains("only one of the two devices")
    );
    scene.customer = Member::start(
        &scene.world.home("phone"),
        &["up", "--listen", QUIC, "--bootstrap", scene.world.address()],
    )
    .await;
    scene.held(OrderState::Shipped).await;
    scene.seller.does(&["order", "deliver", &id]).await;
    scene.held(OrderState::Delivered).await;
    let (ours, theirs) = (
        scene.verified(&scene.customer).await,
        scene.verified(&scene.seller).await,
    );
    assert_eq!((&ours.sameness, &theirs.sameness), (&Sameness::Same, &Sameness::Same));
    assert_eq!((ours.ours, ours.theirs), (theirs.ours, Some(theirs.ours)));
    same_deal(&scene.customer, &scene.seller, scene.id).await;
    scene.customer.does(&["vault", "unlock"]).await;
    assert_eq!(
        scene.customer.does(&["vault", "show", "contact.email"]).await["value"],
        EMAIL
    );
    for member in [&mut scene.customer, &mut scene.seller] {
        member.is_well();
        member.stop().await;
        assert!(!audit(member).is_empty());
    }
}

/// The first letter of this kind in the one conversation, once it is there.
async fn letter(member: &Member, what: &str) -> RecordId {
    let found = |all: Vec<ThreadView>| {
        let letters = all.into_iter().flat_map(|thread| thread.letters);
        letters
            .filter(|letter| letter.what == what)
            .map(|letter| letter.id)
            .next()
    };
    member.until(what, "/v1/threads", found).await
}

/// Once both sides hold so many letters, that they are the same ones.
async fn same_letters(customer: &Member, seller: &Member, least: usize) {
    let ids = |all: &[ThreadView]| -> Vec<RecordId> {
        let letters = all.iter().flat_map(|thread| &thread.letters);
        letters.map(|letter| letter.id).collect()
    };
    let theirs: Vec<ThreadView> = seller.get("/v1/threads").await;
    let wanted = ids(&theirs);
    assert!(wanted.len() >= least, "{theirs:?}");
    let same = |all: Vec<ThreadView>| (ids(&all).starts_with(&wanted)).then_some(());
    customer.until("the same letters", "/v1/threads", same).await;
}

/// The customer waits for the other side's word, or no longer.
async fn unsure(member: &Member, count: usize) -> Vec<UnsureView> {
    let wanted = |all: Vec<UnsureView>| (all.len() == count).then_some(all);
    member.until("so many conversations wait", "/v1/unsure", wanted).await
}

#[tokio::test]
async fn what_was_said_after_the_backup_comes_back_from_the_other_side_though_the_new_device_falls() {
    let _stage = beside_others().await;
    let mut scene = Scene::set().await;
    let (_, backup) = scene.file("monday");
    scene.customer.does(&["data", "backup", &backup]).await;
    let id = scene.id.to_string();

    // On Tuesday it is shipped, and there is a question that is answered.
    let ship = ["order", "ship", &id, "--carrier", "Yellow Van", "--tracking", "YV-17"];
    scene.seller.does(&ship).await;
    scene.held(OrderState::Shipped).await;
    scene.seller.does(&["ask", &id, "Is a neighbour at home?"]).await;
    let question = letter(&scene.customer, "question").await.to_string();
    scene.customer.does(&["answer", &question, "At number 3."]).await;
    let answer = letter(&scene.seller, "answer").await;

    // On Wednesday the device is lost, and nobody is at the shop.
    scene.customer.kill().await;
    std::fs::remove_dir_all(&scene.customer.home).unwrap();
    scene.seller.kill().await;
    scene.customer.home = scene.world.home("phone");
    scene.customer.does(&["data", "restore", &backup]).await;
    let args = ["up", "--listen", QUIC, "--bootstrap", scene.world.address()];
    scene.customer = Member::start(&scene.world.home("phone"), &args).await;
    let waiting = unsure(&scene.customer, 1).await;
    assert_eq!(waiting[0].agreement, Some(scene.id));
    let denied = scene.customer.fails(1, &["ask", &id, "Where is it?"]).await;
    assert!(denied.contains("goes on from a backup"), "{denied}");
    let shown = scene.customer.does(&["data", "catch-up"]).await;
    assert_eq!(shown["id"], json!(waiting[0].id));
    scene.customer.fall().await;
    unsure(&scene.customer, 1).await;

    scene.seller.restart().await;
    unsure(&scene.customer, 0).await;
    scene.customer.fall().await;
    scene.held(OrderState::Shipped).await;
    assert_eq!(letter(&scene.customer, "answer").await, answer);
    same_letters(&scene.customer, &scene.seller, 4).await;

    // And both go on.
    scene
        .customer
        .does_and_falls(&["ask", &id, "When will it be here?"])
        .await;
    scene.seller.does(&["order", "deliver", &id]).await;
    scene.held(OrderState::Delivered).await;
    scene
        .customer
        .does(&["rate", &id, "--stars", "5", "--text", "It rides well."])
        .await;
    same_letters(&scene.customer, &scene.seller, 7).await;
    same_deal(&scene.customer, &scene.seller, scene.id).await;
    assert_eq!(scene.verified(&scene.customer).await.sameness, Sameness::Same);
    for member in [&mut scene.customer, &mut scene.seller] {
        member.is_well();
        member.stop().await;
        assert!(!audit(member).is_empty());
    }
}

#[tokio::test]
async fn a_deal_that_was_made_after_the_backup_comes_back_and_a_person_may_go_on_without() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    let mut customer = world.customer("laptop").await;
    let intent = cast(&customer, &bike_wanted()).await;
    let path = format!("/v1/intents/{intent}/offers");
    let open = |all: Vec<OfferView>| {
        let open = all.iter().find(|view| view.state == OfferState::Open);
        open.map(|view| view.id)
    };
    let offer = customer.until("an offer", &path, open).await;
    let backup = world.home("early").to_str().unwrap().to_owned();
    customer.does(&["data", "backup", &backup]).await;
    accept(&customer, offer).await;
    let id = agreement_on(&customer, offer).await.id;
    agreed(&seller, id).await;
    customer.kill().await;

    for home in ["phone", "tablet"] {
        customer.home = world.home(home);
        customer.does(&["data", "restore", &backup]).await;
    }
    let args = ["up", "--listen", QUIC, "--bootstrap", world.address()];
    customer = Member::start(&world.home("phone"), &args).await;
    assert_eq!(agreement_on(&customer, offer).await.id, id);
    unsure(&customer, 0).await;
    same_deal(&customer, &seller, id).await;
    customer.stop().await;

    // The shop is gone for good: nothing keeps a person from going on but their own word.
    seller.kill().await;
    customer = Member::start(&world.home("tablet"), &args).await;
    let waiting = unsure(&customer, 1).await;
    let denied = customer.fails(1, &["offer", "accept", &offer.to_string()]).await;
    assert!(denied.contains("goes on from a backup"), "{denied}");
    customer
        .does(&["data", "catch-up", &waiting[0].id.to_string(), "--anyway"])
        .await;
    unsure(&customer, 0).await;
    customer.is_well();
}

/// Every field of these names says something.
fn has(node: &Value, fields: &[&str]) {
    for field in fields {
        let value = &node[*field];
        assert!(
            !value.is_null() && *value != json!("") && *value != json!([]),
            "{field} of {node:#}"
        );
    }
}

fn of<'a>(document: &'a Value, kind: &str) -> &'a Value {
    let graph = document["@graph"].as_array().unwrap();
    let found = graph.iter().find(|node| node["@type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

#[tokio::test]
async fn each_side_has_the_deal_in_open_words_and_what_a_seller_returns_is_taken_in() {
    let _stage = beside_others().await;
    let mut scene = Scene::set().await;
    let id = scene.id.to_string();
    scene
        .seller
        .does(&["order", "ship", &id, "--carrier", "Yellow Van", "--tracking", "YV-17"])
        .await;
    scene.held(OrderState::Shipped).await;

    for (name, member) in [("bought.json", &scene.customer), ("sold.json", &scene.seller)] {
        let (path, file) = scene.file(name);
        member.does(&["data", "export", &file, "--with-vault"]).await;
        let text = std::fs::read_to_string(path).unwrap();
        assert!(!text.contains(EMAIL) && !stands_in(text.as_bytes(), &intentcast_protocol::id::hex(EMAIL.as_bytes())));
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["@context"]["@vocab"], "https://schema.org/");
        has(
            of(&document, "Demand"),
            &["@id", "name", "validThrough", "itemOffered", "priceSpecification"],
        );
        has(
            of(&document, "Offer"),
            &["@id", "price", "priceCurrency", "offeredBy", "itemOffered"],
        );
        let order = of(&document, "Order");
        has(
            order,
            &[
                "orderNumber",
                "orderDate",
                "seller",
                "customer",
                "acceptedOffer",
                "orderedItem",
                "ic:evidence",
            ],
        );
        assert_eq!(order["orderStatus"], "https://schema.org/OrderInTransit");
        assert_eq!(order["orderDelivery"][0]["trackingNumber"], "YV-17");
        let has_vault = text.contains("ic:encrypted");
        assert_eq!(has_vault, name == "bought.json", "who has a vault has it in there");
    }

    // What was exported comes back, as often as one likes, and stays apart from what is.
    let (path, bought) = scene.file("bought.json");
    let imported = scene.customer.does(&["data", "import", &bought]).await;
    assert_eq!(imported["taken"], json!({ "added": 2, "changed": 0, "unchanged": 0 }));
    let listed = scene.customer.does(&["order", "list", "--archived"]).await;
    let live: Vec<AgreementView> = scene.customer.get("/v1/orders").await;
    assert_eq!(live.len(), 1);
    assert_eq!((&listed["id"], &listed["state"]), (&json!(id), &json!("shipped")));
    assert_eq!(
        (&listed["proof"], &listed["total"]),
        (&json!("verified"), &json!("454.50 GBP"))
    );

    // The seller gives back what it has, signed; here nobody of it runs.
    let (_, returned) = scene.file("returned.json");
    scene.seller.does(&["order", "deliver", &id]).await;
    scene.held(OrderState::Delivered).await;
    scene.seller.stop().await;
    scene.seller.does(&["order", "data", &id, "-o", &returned]).await;
    let imported = scene.customer.does(&["data", "import", &returned]).await;
    assert_eq!(imported["signed_by"], json!(live[0].seller));
    assert_eq!(
        imported["taken"]["changed"], 2,
        "the order is told with one receipt more: {imported}"
    );
    assert_eq!(
        scene.customer.does(&["data", "list", "fell", "--sort", "order"]).await["state"],
        "delivered"
    );

    // The customer asks for it. While nothing of the seller runs that waits; then it is answered, and nobody need be there.
    let early = scene.customer.fails(1, &["order", "data", &id, "--wait", "1s"]).await;
    assert!(early.contains("does not ask twice"), "{early}");
    scene.customer.fall().await;
    scene.seller.restart().await;
    scene.seller.fall().await;
    let (_, sent) = scene.file("sent.json");
    scene.customer.does(&["order", "data", &id, "--output", &sent]).await;
    let imported = scene.customer.does(&["data", "import", &sent]).await;
    assert_eq!(imported["signed_by"], json!(live[0].seller));
    let asks = |all: Vec<ThreadView>| {
        let letters = all.into_iter().flat_map(|thread| thread.letters);
        Some(letters.filter(|letter| letter.what == "asked").count())
    };
    let asks = scene.seller.until("the letters", "/v1/threads", asks).await;
    assert_eq!(asks, 1, "it was asked once");

    // What was tampered with is placed, and leaves the archive as it is.
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("\"total\": \"454.50 GBP\"", "\"total\": \"4.50 GBP\""),
    )
    .unwrap();
    let wrong = scene.customer.fails(1, &["data", "import", &bought]).await;
    assert!(wrong.contains("ic:evidence.summary.total"), "{wrong}");
    std::fs::write(&path, "{ \"@graph\": [ }").unwrap();
    let wrong = scene.customer.fails(1, &["data", "import", &bought]).await;
    assert!(wrong.contains("line 1, column"), "{wrong}");
    let archived = scene.customer.does(&["order", "list", "--archived"]).await;
    assert_eq!(archived["state"], "delivered");
    scene.customer.is_well();
}
