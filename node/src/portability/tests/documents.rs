//! What is exported reads as what it is, says no more than it may, and comes back as it was.

use intentcast_protocol::id::hex;
use serde_json::{Value, json};

use super::*;
use crate::{
    portability::{
        archive::{self, Archived, Proof, Sort, Taken},
        export,
        read::{self, Wrong},
        returned,
    },
    store::Store,
};

fn exported(side: Side) -> Value {
    let deal = Deal::new();
    export::document(later(8), &deal.market(side), &deal.ledger(side), None).unwrap()
}

fn returned_order() -> Value {
    let deal = Deal::new();
    let market = deal.market(Side::Seller);
    returned::document(
        later(8),
        &seed(Side::Seller),
        &market,
        &deal.ledger(Side::Seller),
        deal.settled.id,
    )
    .unwrap()
}

fn of<'a>(document: &'a Value, kind: &str) -> Vec<&'a Value> {
    let graph = document["@graph"].as_array().unwrap();
    graph.iter().filter(|node| node["@type"] == kind).collect()
}

/// Every field of these names is there and says something.
fn has(node: &Value, fields: &[&str]) {
    for field in fields {
        let value = &node[*field];
        assert!(
            !value.is_null() && *value != json!("") && *value != json!([]),
            "{field} of {node:#}"
        );
    }
}

#[test]
fn both_sides_export_the_same_deal_in_public_words() {
    for side in [Side::Customer, Side::Seller] {
        let document = exported(side);
        assert_eq!(document["@context"]["@vocab"], "https://schema.org/");
        let demand = of(&document, "Demand")[0];
        has(
            demand,
            &[
                "@id",
                "name",
                "validFrom",
                "validThrough",
                "itemOffered",
                "areaServed",
                "priceSpecification",
                "ic:signed",
            ],
        );
        assert_eq!(demand["priceSpecification"]["maxPrice"], "500.00");
        let offer = of(&document, "Offer")[0];
        has(
            offer,
            &[
                "@id",
                "price",
                "priceCurrency",
                "offeredBy",
                "itemOffered",
                "validThrough",
                "ic:signed",
            ],
        );
        assert_eq!(
            (&offer["price"], &offer["priceCurrency"]),
            (&json!("404.99"), &json!("GBP"))
        );
        let order = of(&document, "Order")[0];
        has(
            order,
            &[
                "orderNumber",
                "orderDate",
                "orderStatus",
                "seller",
                "customer",
                "acceptedOffer",
                "orderedItem",
                "orderDelivery",
            ],
        );
        assert_eq!(order["orderStatus"], "https://schema.org/OrderDelivered");
        assert_eq!(order["orderDelivery"][0]["@type"], "ParcelDelivery");
        assert_eq!(order["orderDelivery"][0]["trackingNumber"], "YV-17");
        assert_eq!(order["acceptedOffer"]["@id"], offer["@id"]);
        assert_eq!(order["ic:receipts"].as_array().unwrap().len(), 3);
        let messages = of(&document, "Message");
        assert_eq!(messages.len(), 6);
        assert!(
            messages
                .iter()
                .any(|message| message["text"] == "Does it have mudguards?")
        );
    }
}

#[test]
fn a_grant_is_a_consent_record_with_every_change_of_its_state() {
    let document = exported(Side::Customer);
    let record = of(&document, "dpv:ConsentRecord")[0];
    has(
        record,
        &[
            "dct:identifier",
            "ic:schemaVersion",
            "dpv:hasDataSubject",
            "dpv:hasDataController",
            "dpv:hasPurpose",
            "dpv:hasPersonalData",
            "dpv:hasProcessing",
            "dpv:hasStorageCondition",
            "dpv:hasConsentStatus",
            "ic:events",
        ],
    );
    assert_eq!(record["dpv:hasPurpose"]["@type"], "dpv:DeliveryOfGoods");
    assert_eq!(record["dpv:hasPersonalData"]["@type"], "pd:EmailAddress");
    assert_eq!(
        record["dpv:hasProcessing"],
        json!([{ "@id": "dpv:Use" }, { "@id": "dpv:Store" }])
    );
    assert_eq!(record["dpv:hasConsentStatus"]["@id"], "dpv:ConsentWithdrawn");
    let events: Vec<(&str, &str)> = record["ic:events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["ic:state"].as_str().unwrap(), event["dct:date"].as_str().unwrap()))
        .collect();
    let at = |days| later(days).to_string();
    let dates = [at(2), at(2), at(5), at(6)];
    let states = ["requested", "given", "withdrawn", "deleted"];
    assert_eq!(
        events,
        states
            .into_iter()
            .zip(dates.iter().map(String::as_str))
            .collect::<Vec<_>>()
    );
    assert_eq!(record["ic:uses"][0]["ic:times"], 2);
}

#[test]
fn what_a_customer_opened_of_its_want_is_in_no_document() {
    use intentcast_protocol::disclosure::{Opened, Salt, Value as Secret};
    let mut deal = Deal::new();
    let opened = Opened {
        field: Word::new("contact").unwrap(),
        value: Secret::Text(Prose::new("17 Land of Green Ginger").unwrap()),
        salt: Salt([4; 32]),
    };
    let offer = deal.settled.offer.id().into();
    let fields = List::cut([opened]);
    deal.says(Side::Customer, later(7), Matter::Disclosed { offer, fields });
    let document = export::document(
        later(8),
        &deal.market(Side::Customer),
        &deal.ledger(Side::Customer),
        None,
    );
    let text = document.unwrap().to_string();
    assert!(text.contains("disclosed"), "that something was opened is told");
    assert!(!text.contains("Green Ginger") && !text.contains(&hex(b"Green Ginger")));
}

fn list(archived: &[Archived]) -> Vec<(Sort, &str, Proof, &str)> {
    let told = archived
        .iter()
        .map(|it| (it.sort, it.title.as_str(), it.proof, it.state.as_str()));
    told.collect()
}

#[test]
fn what_was_exported_comes_back_verified_and_only_once() {
    let store = Store::in_memory().unwrap();
    let found = read::read(&exported(Side::Customer)).unwrap();
    assert_eq!((found.archived.len(), found.passed_over), (3, 7));
    let verified = |signatures| Proof::Verified { signatures };
    let until = later(60);
    let consent = format!("Mail address, to say when the delivery comes, and where it is, until {until}");
    assert_eq!(
        list(&found.archived),
        [
            (Sort::Offer, "1 x Trail \"29\" bike", verified(1), ""),
            (
                Sort::Order,
                "1 x Trail \"29\" bike at 400.00 GBP",
                verified(7),
                "delivered"
            ),
            (Sort::Consent, consent.as_str(), verified(5), "deleted"),
        ]
    );
    let taken = |added, changed, unchanged| Taken {
        added,
        changed,
        unchanged,
    };
    assert_eq!(archive::keep(&store, &found.archived).unwrap(), taken(3, 0, 0));
    assert_eq!(archive::keep(&store, &found.archived).unwrap(), taken(0, 0, 3));
    // A claim of the same id does not take the place of what is proved.
    let mut claim = found.archived[1].clone();
    claim.proof = Proof::Claimed;
    claim.total = "1.00 GBP".into();
    assert_eq!(archive::keep(&store, &[claim]).unwrap(), taken(0, 0, 1));
    let mut kept = archive::page(&store, None).unwrap();
    kept.sort_by_key(|archived| archived.key());
    let mut given = found.archived;
    given.sort_by_key(Archived::key);
    assert_eq!(kept, given);
    assert_eq!(archive::page(&store, Some(&kept[2].key())).unwrap(), []);
}

#[test]
fn what_a_seller_returns_is_signed_by_it_however_it_is_spelled() {
    let document = returned_order();
    let found = read::read(&document).unwrap();
    assert_eq!(found.by, Some(seed(Side::Seller).seller_key().public()));
    assert_eq!(found.archived.len(), 3);
    let spelled: Value = serde_json::from_str(&serde_json::to_string_pretty(&document).unwrap()).unwrap();
    assert_eq!(read::read(&spelled).unwrap(), found);
    // The customer has nothing to return.
    let deal = Deal::new();
    let bought = returned::document(
        later(8),
        &seed(Side::Customer),
        &deal.market(Side::Customer),
        &deal.ledger(Side::Customer),
        deal.settled.id,
    );
    assert_eq!(bought.unwrap_err(), returned::NotReturned::NotTheSeller);
}

/// What is wrong with a document that was changed.
fn changed(mut document: Value, change: impl FnOnce(&mut Value)) -> Wrong {
    change(&mut document);
    read::read(&document).unwrap_err()
}

fn at(document: &Value, kind: &str) -> usize {
    let graph = document["@graph"].as_array().unwrap();
    graph.iter().position(|node| node["@type"] == kind).unwrap()
}

#[test]
fn what_was_tampered_with_is_placed() {
    let document = returned_order();
    let any = changed(document.clone(), |it| it["@graph"][0]["name"] = json!("another bike"));
    assert_eq!(any.place, "ic:proof");
    assert!(any.why.contains("it was changed"), "{any}");
    let none = changed(document, |it| drop(it.as_object_mut().unwrap().remove("ic:proof")));
    assert!(none.why.contains("missing"), "{none}");

    let document = exported(Side::Customer);
    let (order, offer, consent) = (
        at(&document, "Order"),
        at(&document, "Offer"),
        at(&document, "dpv:ConsentRecord"),
    );
    let total = changed(document.clone(), |it| {
        it["@graph"][order]["ic:evidence"]["summary"]["total"] = json!("304.99 GBP");
    });
    assert_eq!(total.place, format!("@graph[{order}].ic:evidence.summary.total"));
    let number = changed(document.clone(), |it| it["@graph"][order]["orderNumber"] = json!("77"));
    assert_eq!(number.place, format!("@graph[{order}].orderNumber"));
    let spoiled = changed(document.clone(), |it| {
        let signed = it["@graph"][offer]["ic:signed"].as_str().unwrap();
        let (most, last) = signed.split_at(signed.len() - 1);
        let other = if last == "0" { "1" } else { "0" };
        it["@graph"][offer]["ic:signed"] = json!(format!("{most}{other}"));
    });
    assert_eq!(spoiled.place, format!("@graph[{offer}].ic:signed"));
    let receipt = changed(document.clone(), |it| {
        let another = it["@graph"][order]["ic:receipts"][0]["ic:signed"].clone();
        it["@graph"][order]["ic:receipts"][1]["ic:signed"] = another;
    });
    assert_eq!(receipt.place, format!("@graph[{order}].ic:receipts[1].ic:signed"));
    let exchanged = changed(document.clone(), |it| {
        it["@graph"][consent]["ic:signed"]["withdrawn"] = it["@graph"][consent]["ic:signed"]["requested"].clone();
    });
    assert_eq!(exchanged.place, format!("@graph[{consent}].ic:signed"));
    let format = changed(document, |it| it["ic:format"] = json!("intentcast-export/9"));
    assert_eq!(format.place, "ic:format");
}

#[test]
fn what_another_program_says_is_a_claim() {
    let order = json!({
        "@context": "https://schema.org/",
        "@type": "Order",
        "orderNumber": "2026-17",
        "orderDate": "2026-05-01",
        "orderStatus": "https://schema.org/OrderDelivered",
        "seller": { "@type": "Organization", "name": "Prams of York" },
        "price": "149.00",
        "priceCurrency": "GBP",
        "orderedItem": [{ "@type": "OrderItem", "orderedItem": { "@type": "Product", "name": "Twin stroller" } }],
    });
    let found = read::read(&order).unwrap();
    assert_eq!((found.format.as_deref(), found.by), (None, None));
    let archived = &found.archived[0];
    assert_eq!(
        (
            archived.id.as_str(),
            archived.title.as_str(),
            archived.total.as_str(),
            archived.proof
        ),
        ("2026-17", "Twin stroller", "149.00 GBP", Proof::Claimed)
    );
    assert_eq!(
        (archived.party.as_str(), archived.state.as_str()),
        ("Prams of York", "OrderDelivered")
    );
    let nothing = read::read(&json!({ "@type": "Person", "name": "Ann" })).unwrap_err();
    assert!(nothing.why.contains("no Order"), "{nothing}");
    assert_eq!(read::read(&json!([])).unwrap_err().place, "document");
    let nameless = read::read(&json!({ "@graph": [{ "@type": "Order" }] })).unwrap_err();
    assert_eq!(nameless.place, "@graph[0]");
}

#[test]
fn what_is_no_json_is_placed_by_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("export.json");
    std::fs::write(&file, "{\n  \"@graph\": [,]\n}").unwrap();
    let error = read::file(&file).unwrap_err().to_string();
    assert!(error.starts_with("line 2, column 14"), "{error}");
}
