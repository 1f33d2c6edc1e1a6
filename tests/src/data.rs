//! A little personal data changes hands: for one purpose, until one time, with a record on both sides. Slow: processes
//! fall and stand up again at every step.

use std::path::{Path, PathBuf};

use intentcast_node::{
    office::Office,
    strands::{Holding, State, compliance::Compliance},
    want::Want,
};

use crate::{
    goods,
    member::Member,
    wait::beside_others,
    world::{QUIC, World, accept, agreement_on, bike_wanted, cast, offered},
};

const STREET: &str = "17 Land of Green Ginger";
const MAIL: &str = "ann.lee@whitefriars.example";

const POLICY: &str = r#"
[[strand]]
name = "address.delivery"
purpose = "deliver_order"
operations = ["use", "share"]
days = 30
recipients = ["Northern Couriers"]
told = ["Northern Couriers"]
benefit = "it comes to your door"

[[strand.kept]]
what = "name and address on the invoice"
ground = "tax law"
days = 3650
"#;

/// A shop whose rules need the address, with this policy if any.
async fn shop(world: &World, policy: Option<&str>) -> Member {
    let home = world.home("seller");
    std::fs::create_dir_all(&home).unwrap();
    let write = |name: &str, text: &str| {
        let file = home.join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let mut rules = goods::rules("Hull Wheels", "GB", "4.50", "");
    rules.push_str("[[needs]]\nstrand = \"address.delivery\"\npurpose = \"deliver_order\"\n");
    let catalogue = write("catalogue.jsonl", &goods::bike("fell-xl", "XL", "450.00"));
    let mut args = vec![
        "up",
        "--listen",
        QUIC,
        "--bootstrap",
        world.address(),
        "--catalog",
        &catalogue,
    ];
    let rules = write("rules.toml", &rules);
    args.extend(["--rules", &rules]);
    let policy = policy.map(|text| write("policy.toml", text));
    if let Some(file) = &policy {
        args.extend(["--policy", file]);
    }
    Member::start(&home, &args).await
}

/// The bike is bought; gives the agreement.
async fn bought(customer: &Member) -> String {
    let mut watch = customer.watch().await;
    let want = Want {
        may_ask: vec!["address.delivery".into(), "contact.email".into()],
        ..bike_wanted()
    };
    let intent = cast(customer, &want).await;
    let offer = offered(customer, &mut watch, intent).await;
    accept(customer, offer.id).await;
    agreement_on(customer, offer.id).await.id.to_string()
}

/// The only thing that was asked, once it is as wanted.
async fn until_holding(member: &Member, what: &str, wanted: impl Fn(&Holding) -> bool) -> Holding {
    member
        .until(what, "/v1/grants", |all: Vec<Holding>| {
            assert!(all.len() <= 1, "one thing was asked: {all:#?}");
            all.into_iter().next().filter(&wanted)
        })
        .await
}

/// Every file below in which these words stand.
fn files_that_say(folder: &Path, words: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_that_say(&path, words));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(words.len()).any(|bytes| bytes == words.as_bytes())
        {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn an_address_is_granted_for_delivery_used_reported_revoked_and_deleted() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = shop(&world, Some(POLICY)).await;
    let mut customer = world.customer("customer").await;
    bought(&customer).await;

    // The rules need it and the policy covers it: the node asks by itself.
    let asked = until_holding(&customer, "the seller asks", |held| held.state == State::Asked).await;
    assert_eq!(asked.request.benefit.as_str(), "it comes to your door");
    let request = asked.request.id.to_string();
    seller.fall().await;
    let none = customer.fails(1, &["grant", "approve", &request]).await;
    assert!(none.contains("no vault yet"), "{none}");
    customer
        .does(&[
            "vault",
            "set",
            "address.delivery",
            "--value",
            &format!("{STREET}, Hull HU1 2ER"),
        ])
        .await;
    customer.does(&["vault", "lock"]).await;
    let locked = customer.fails(1, &["grant", "approve", &request]).await;
    assert!(locked.contains("locked"), "{locked}");
    customer.does(&["vault", "unlock"]).await;
    let more = customer
        .fails(2, &["grant", "approve", &request, "--until", "900d"])
        .await;
    assert!(more.contains("or less"), "{more}");
    let given = customer
        .does_and_falls(&["grant", "approve", &request, "--until", "20d"])
        .await;
    let grant = given["letter"].as_str().unwrap().to_owned();
    until_holding(&seller, "the grant comes in", |held| held.state == State::Granted).await;
    seller.fall().await;

    let used = seller.does(&["strand", "use", &grant, "--for", "deliver_order"]).await;
    assert_eq!(used["value"], format!("{STREET}\nHull HU1 2ER"));
    let sold = seller
        .fails(5, &["strand", "export", &grant, "--for", "marketing"])
        .await;
    assert!(sold.contains("granted for deliver_order, not for marketing"), "{sold}");
    let brokers = [
        "strand",
        "export",
        &grant,
        "--for",
        "deliver_order",
        "--to",
        "Data Brokers",
    ];
    let brokers = seller.fails(5, &brokers).await;
    assert!(brokers.contains("Data Brokers is no recipient"), "{brokers}");
    let courier = [
        "strand",
        "export",
        &grant,
        "--for",
        "deliver_order",
        "--to",
        "Northern Couriers",
    ];
    seller.does_and_falls(&courier).await;
    let report: Compliance = seller.get("/v1/compliance").await;
    assert!(report.met && report.policy, "{report:#?}");
    assert_eq!(report.refused.len(), 2);
    let row = &report.purposes[0];
    assert_eq!((row.live, row.used, row.shared, row.refused), (1, 2, 1, 2));

    seller.does_and_falls(&["use", "report", &grant]).await;
    let told = |held: &Holding| held.grant.as_ref().is_some_and(|view| view.grant.reports.len() == 2);
    let told = until_holding(&customer, "the seller reports", told)
        .await
        .grant
        .unwrap();
    assert!(told.beyond.is_empty(), "{:?}", told.beyond);
    customer
        .does_and_falls(&["use", "suggest", &grant, "leave it with the neighbour"])
        .await;
    let heard = |held: &Holding| {
        held.grant
            .as_ref()
            .is_some_and(|view| view.grant.suggestions.len() == 1)
    };
    until_holding(&seller, "the seller hears the suggestion", heard).await;
    let office: Office = customer.get("/v1/office").await;
    let strand = &office.holders[0].strands[0];
    assert_eq!(
        (strand.strand.as_str(), strand.used, office.risks.len()),
        ("address.delivery", 2, 0)
    );

    // It is over: the seller's node reports and deletes by itself, though it fell in the moment it heard of it.
    customer.does_and_falls(&["grant", "revoke", &grant]).await;
    seller.fall().await;
    // The value is gone at once; the receipt waits until the courier was told.
    let held = until_holding(&seller, "the secret is gone", |held| held.openable == Some(false)).await;
    assert_eq!(held.state, State::Revoked);
    let nobody = seller.fails(2, &["strand", "told", &grant, "Data Brokers"]).await;
    assert!(
        nobody.contains("Northern Couriers had it, not Data Brokers"),
        "{nobody}"
    );
    seller.fall().await;
    seller
        .does_and_falls(&["strand", "told", &grant, "Northern Couriers"])
        .await;
    let gone = until_holding(&customer, "the seller deletes", |held| held.state == State::Deleted).await;
    let view = gone.grant.unwrap();
    let (_, deletion) = view.grant.deleted.unwrap();
    assert_eq!(deletion.kept[0].ground.as_str(), "tax law");
    assert_eq!(deletion.told[0].as_str(), "Northern Couriers");
    assert!(
        view.grant.reported_since && !view.overdue && !view.report_overdue,
        "the last report came with it"
    );

    let held = until_holding(&seller, "the secret is gone", |held| held.openable == Some(false)).await;
    assert_eq!(held.state, State::Deleted);
    let late = seller
        .fails(5, &["strand", "use", &grant, "--for", "deliver_order"])
        .await;
    assert!(late.contains("deleted"), "{late}");
    let report: Compliance = seller.get("/v1/compliance").await;
    assert!(report.met, "{report:#?}");
    customer.fall().await;
    let kept = until_holding(&customer, "the receipt is kept", |held| held.state == State::Deleted).await;
    assert_eq!(kept.grant.unwrap().grant.deleted.unwrap().1, deletion);
    for member in [&mut customer, &mut seller] {
        member.is_well();
        member.stop().await;
        let clear = files_that_say(&member.home, "Green Ginger");
        assert!(clear.is_empty(), "the plain address stands in {clear:?}");
    }
    let keys = std::fs::read_dir(seller.home.join("strands").join("keys"))
        .unwrap()
        .count();
    assert_eq!(keys, 0, "nothing is left that opens the sealed bytes");
}

#[tokio::test]
async fn a_seller_that_is_down_past_the_hour_is_overdue_and_deletes_as_soon_as_it_is_back() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = shop(&world, Some(POLICY)).await;
    let customer = world.customer("customer").await;
    bought(&customer).await;
    let asked = until_holding(&customer, "the seller asks", |held| held.state == State::Asked).await;
    customer
        .does(&[
            "vault",
            "set",
            "address.delivery",
            "--value",
            &format!("{STREET}, Hull HU1 2ER"),
        ])
        .await;
    customer
        .does(&["grant", "approve", &asked.request.id.to_string()])
        .await;
    until_holding(&seller, "the grant comes in", |held| held.state == State::Granted).await;
    seller.kill().await;
    customer
        .does(&["office", "revoke", "address.*", "--answer-by", "8s"])
        .await;
    let late = |office: Office| (office.late().count() == 2).then_some(office);
    let office = customer.until("the seller is late", "/v1/office", late).await;
    assert!(office.risks[0].why.contains("Hull Wheels owes"), "{:?}", office.risks);
    let owed = customer.cli(&["office", "overdue"]).await.out;
    assert!(
        owed.contains("the deletion receipt") && owed.contains("the last use report"),
        "{owed}"
    );
    seller.restart().await;
    until_holding(&customer, "the seller deletes", |held| held.state == State::Deleted).await;
    let office: Office = customer.get("/v1/office").await;
    assert_eq!((office.late().count(), office.risks.len()), (0, 0), "{office:?}");
    seller.is_well();
}

#[tokio::test]
async fn a_mail_address_is_lent_as_an_alias_and_who_shares_it_elsewhere_says_so_and_is_caught() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = shop(&world, None).await;
    let mut customer = world.customer("customer").await;
    let agreement = bought(&customer).await;
    let ask = |strand: &'static str, purpose: &'static str| {
        let agreement = agreement.clone();
        let seller = &seller;
        async move {
            let args = ["grant", "request", &agreement, "--strand", strand, "--purpose", purpose];
            seller
                .cli(&[&args[..], &["--benefit", "you know when it comes", "--until", "1h"]].concat())
                .await
        }
    };
    let broad = ask("contact.email", "marketing").await;
    assert!(broad.complaints.contains("say what is sent"), "{}", broad.complaints);
    let slip = ask("contact.emial", "delivery_updates").await;
    assert!(
        slip.complaints.contains("did you mean contact.email"),
        "{}",
        slip.complaints
    );
    let closed = ask("contact.phone", "delivery_updates").await;
    assert!(
        closed.complaints.contains("does not let contact.phone be asked"),
        "{}",
        closed.complaints
    );
    assert!(ask("contact.email", "delivery_updates").await.status.success());
    assert_eq!(
        std::fs::read_dir(seller.home.join("strands").join("keys"))
            .unwrap()
            .count(),
        1,
        "what was not asked left nothing"
    );
    let asked = until_holding(&customer, "the seller asks", |held| held.state == State::Asked).await;
    customer.does(&["vault", "set", "contact.email", "--value", MAIL]).await;
    let given = customer
        .does_and_falls(&["grant", "approve", &asked.request.id.to_string(), "--until", "45s"])
        .await;
    let grant = given["letter"].as_str().unwrap().to_owned();
    until_holding(&seller, "the grant comes in", |held| held.state == State::Granted).await;
    let shown = seller.does(&["grant", "show", &grant, "--value"]).await;
    let alias = shown["value"].as_str().unwrap();
    assert!(
        alias.starts_with("ann.lee+") && alias.ends_with("@whitefriars.example"),
        "{alias}"
    );
    let sold = [
        "strand",
        "record",
        &grant,
        "--for",
        "send offers for tyres",
        "--operation",
        "share",
        "--to",
        "Data Brokers",
    ];
    seller.does_and_falls(&sold).await;
    let report: Compliance = seller.get("/v1/compliance").await;
    assert!(
        !report.met
            && report
                .findings
                .iter()
                .any(|finding| finding.what.contains("Data Brokers")),
        "{report:#?}"
    );
    // Its time runs out: the node tells what was done, and deletes.
    let gone = until_holding(&customer, "the time is over", |held| held.state == State::Deleted).await;
    let beyond = gone.grant.unwrap().beyond.join("; ");
    assert!(
        beyond.contains("Data Brokers") && beyond.contains("send offers for tyres"),
        "{beyond}"
    );
    let office: Office = customer.get("/v1/office").await;
    assert!(
        office.risks.iter().any(|risk| risk.why.contains("Data Brokers")),
        "{:?}",
        office.risks
    );
    let gone = until_holding(&seller, "the secret is gone", |held| held.openable == Some(false)).await;
    assert_eq!(gone.state, State::Deleted);
    seller.is_well();
}
