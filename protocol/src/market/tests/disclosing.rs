//! What a want does not say: who knows it, what hangs on it, and what cannot be told from outside.

use super::*;
use crate::{
    disclosure::{Shown, Stage, Value as Plain, Withhold, judge},
    intent::Budget,
    market::{Change, OfferState},
};

fn pounds(text: &str) -> Money {
    text.parse().unwrap()
}

/// 150 pounds, of which so much is said.
fn showing(shown: Shown) -> Draft {
    Draft {
        budget: Spend {
            most: pounds("150 GBP"),
            shown,
        },
        ..draft()
    }
}

/// The want, and three shops that have offered 125, 165 and 195 pounds.
fn three_prices(shown: Shown) -> (Node, IntentId, Vec<Node>) {
    let mut customer = Node::customer();
    let mut shops: Vec<Node> = [("cheap", "120 GBP"), ("dear", "160 GBP"), ("dearer", "190 GBP")]
        .into_iter()
        .map(|(name, price)| Node::seller(name, vec![stroller("twin-1", price)]))
        .collect();
    let intent = customer.cast(showing(shown));
    gossip(NOW, &mut customer, &mut shops.iter_mut().collect::<Vec<_>>());
    for shop in &mut shops {
        exchange(NOW, shop, &mut customer);
    }
    (customer, intent, shops)
}

fn states(customer: &Node, intent: IntentId) -> Vec<(String, OfferState)> {
    let mut views = customer.market.offers(after(1), Some(intent));
    views.sort_by_key(|view| view.offer.as_ref().unwrap().totals.total);
    let landed = |view: &super::super::OfferView| view.offer.as_ref().unwrap().totals.landed().to_string();
    views.iter().map(|view| (landed(view), view.state.clone())).collect()
}

#[test]
fn an_offer_over_a_hidden_budget_is_taken_in_shown_as_such_and_cannot_be_accepted() {
    let (mut customer, intent, shops) = three_prices(Shown::Hidden);
    assert_eq!(
        states(&customer, intent),
        [
            ("125.00 GBP".into(), OfferState::Open),
            ("165.00 GBP".into(), OfferState::OverBudget),
            ("195.00 GBP".into(), OfferState::OverBudget),
        ]
    );
    assert!(customer.refusals().is_empty());
    let views = customer.market.offers(after(1), Some(intent));
    assert_eq!(views.iter().filter(|view| view.place.is_some()).count(), 1);
    let landed = |view: &super::super::OfferView| view.offer.as_ref().unwrap().totals.landed();
    let dear = views.iter().find(|view| landed(view) == pounds("165 GBP")).unwrap().id;
    let dearer = views.iter().find(|view| landed(view) == pounds("195 GBP")).unwrap().id;
    assert_eq!(
        customer.command(after(1), Command::Accept(dear)),
        Err(Denied::OverBudget)
    );
    // Each seller was told the same: it is stored.
    for shop in &shops {
        let all = shop
            .events
            .iter()
            .filter(|event| matches!(event, Event::Delivered { refused: None, .. }));
        assert_eq!(all.count(), 1, "{}", shop.name);
    }
    // The person may think again: then it could be taken, and nobody was told that anything changed.
    customer.publishes.clear();
    let change = Change {
        budget: Some(pounds("170 GBP")),
        ..Change::default()
    };
    let change = Box::new(change);
    customer.command(after(2), Command::Amend { intent, change }).unwrap();
    assert!(customer.publishes.is_empty(), "what is hidden changes in silence");
    assert_eq!(
        customer.command(after(3), Command::Accept(dearer)),
        Err(Denied::OverBudget)
    );
    assert!(customer.command(after(3), Command::Accept(dear)).is_ok());
    customer.restart(after(4));
    let view = customer.market.intent(after(4), intent).unwrap();
    assert_eq!(view.kept.ceiling, Some(pounds("170 GBP")), "it is kept over a restart");
}

/// What leaves the customer's node, by whatever way.
fn said(node: &Node) -> String {
    format!("{:?} {:?}", node.publishes, node.sends)
}

#[test]
fn nothing_that_leaves_the_node_hangs_on_a_hidden_budget() {
    // Two customers that differ in nothing but what they do not say; the sellers offer below, between and above.
    let of = |ceiling: &str| {
        let mut customer = Node::customer();
        let mut shop = Node::seller("shop", vec![stroller("twin-1", "120 GBP")]);
        let budget = Spend {
            most: pounds(ceiling),
            shown: Shown::Hidden,
        };
        let intent = customer.cast(Draft {
            budget,
            max_offers: 3,
            offers_per_seller: 3,
            ..draft()
        });
        let cast = said(&customer);
        gossip(NOW, &mut customer, &mut [&mut shop]);
        let (_, _, frame) = shop.sends.pop().expect("an offer");
        let priced = |seller: &Node, more: i64| {
            forged(seller, &frame, |offer| {
                offer.totals.delivery += more;
                offer.totals.total += more;
            })
        };
        let mut replies = Vec::new();
        let mine: Vec<Vec<u8>> = [0, 4_000, 9_000].map(|more| priced(&shop, more)).into();
        replies.extend(mine.iter().map(|frame| customer.ask(NOW, frame)));
        // Another seller's offer makes one of them go; the first asks again about each and about one more.
        let other = Node::seller("other", Vec::new());
        replies.push(customer.ask(NOW, &priced(&other, 7_000)));
        replies.push(customer.ask(NOW, &priced(&shop, 20_000)));
        replies.extend(mine.iter().map(|frame| customer.ask(NOW, frame)));
        let scored = customer.events.iter().any(|event| match event {
            Event::Ranked { order, .. } => order.iter().any(|ranked| !ranked.score.parts.is_empty()),
            _ => false,
        });
        assert!(!scored, "the reasons would tell");
        customer.command(after(9), Command::Withdraw(intent)).unwrap();
        (cast, replies, said(&customer))
    };
    let (poor, rich) = (of("130 GBP"), of("200 GBP"));
    assert_eq!(poor.0, rich.0, "the same bytes are cast");
    assert_eq!(poor.1, rich.1, "the same answers are given");
    assert_eq!(poor.2, rich.2, "the same is sent at the end");
}

#[test]
fn a_band_is_held_against_its_upper_end_by_the_seller_and_against_the_truth_by_the_customer() {
    let (mut customer, intent, mut shops) = three_prices(Shown::Within {
        least: pounds("100 GBP"),
        most: pounds("180 GBP"),
    });
    assert_eq!(
        states(&customer, intent),
        [
            ("125.00 GBP".into(), OfferState::Open),
            ("165.00 GBP".into(), OfferState::OverBudget),
        ],
        "195 pounds were not even offered"
    );
    let view = customer.market.intent(NOW, intent).unwrap();
    assert_eq!(view.intent.budget.to_string(), "100.00 GBP to 180.00 GBP");
    let cheap = customer.open_offers()[0];
    customer.command(after(1), Command::Accept(cheap)).unwrap();
    exchange(after(1), &mut customer, &mut shops[0]);
    assert_same_deal(&customer, &shops[0]);
}

#[test]
fn a_committed_budget_is_opened_to_whom_there_is_an_agreement_with() {
    let (mut customer, intent, mut shops) = three_prices(Shown::Committed);
    let Budget::Committed { .. } = customer.market.intent(NOW, intent).unwrap().intent.budget else {
        panic!("not committed");
    };
    let cheap = customer.open_offers()[0];
    assert_eq!(customer.market.due_to(after(1), cheap), []);
    customer.command(after(1), Command::Accept(cheap)).unwrap();
    assert_eq!(
        customer.market.due_to(after(1), cheap),
        [],
        "a yes alone is no agreement"
    );
    exchange(after(1), &mut customer, &mut shops[0]);
    let due = customer.market.due_to(after(2), cheap);
    assert_eq!(due.len(), 1);
    let heard = shops[0].market.intent(after(2), intent).unwrap().intent;
    assert_eq!(judge(&heard, Stage::Accepted, &due), Ok(()));
    let mut lie = due;
    lie[0].value = Plain::Money(pounds("151 GBP"));
    assert!(judge(&heard, Stage::Accepted, &lie).is_err());
}

#[test]
fn each_field_is_due_at_its_stage_and_to_nobody_else() {
    let withhold = |field: &str, stage, value: &str| Withhold {
        field: Word::new(field).unwrap(),
        stage,
        value: Plain::Text(Prose::new(value).unwrap()),
    };
    let mut customer = Node::customer();
    let mut shops = ["a", "b"].map(|name| Node::seller(name, vec![stroller("twin-1", "120 GBP")]));
    let intent = customer.cast(Draft {
        withhold: vec![
            withhold("text", Stage::Signed, "It is for twins of three months."),
            withhold("contact.phone", Stage::Accepted, "020 7946 0000"),
        ],
        ..draft()
    });
    let cast = format!("{:?}", customer.publishes);
    gossip(NOW, &mut customer, &mut shops.iter_mut().collect::<Vec<_>>());
    for shop in &mut shops {
        exchange(NOW, shop, &mut customer);
    }
    for secret in ["three months", "7946"] {
        let bytes = format!("{:?}", secret.as_bytes());
        assert!(!cast.contains(bytes.trim_matches(['[', ']'])), "{secret} was cast");
    }
    let offers = customer.open_offers();
    let fields = |customer: &Node, offer| -> Vec<String> {
        let due = customer.market.due_to(after(3), offer);
        due.iter().map(|opened| opened.field.to_string()).collect()
    };
    assert_eq!(fields(&customer, offers[0]), ["text"]);
    let no = Command::Decline(offers[1], crate::offer::Reason::Price);
    customer.command(after(1), no).unwrap();
    assert!(
        fields(&customer, offers[1]).is_empty(),
        "nothing is due to one who was declined"
    );
    customer.command(after(1), Command::Accept(offers[0])).unwrap();
    for shop in &mut shops {
        exchange(after(1), &mut customer, shop);
    }
    assert_eq!(fields(&customer, offers[0]), ["text", "contact.phone"]);
    customer.restart(after(2));
    assert_eq!(fields(&customer, offers[0]), ["text", "contact.phone"]);
    let heard = customer.market.intent(after(3), intent).unwrap().intent;
    assert_eq!(
        judge(&heard, Stage::Accepted, &customer.market.due_to(after(3), offers[0])),
        Ok(())
    );
}

#[test]
fn a_draft_whose_ceiling_lies_outside_its_band_is_not_cast() {
    let mut customer = Node::customer();
    let draft = showing(Shown::Within {
        least: pounds("200 GBP"),
        most: pounds("300 GBP"),
    });
    let command = Command::Cast {
        draft: Box::new(draft),
        nonce: [1; 16],
    };
    assert!(matches!(customer.command(NOW, command), Err(Denied::Unfit(_))));
}
