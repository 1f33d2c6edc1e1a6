//! The seller's side: what is offered, what is asked first, and what is honoured.

use super::*;
use crate::{
    attribute::{Strength, Wish},
    market::{IntentState, OfferState},
    offer::{Fit, Reason},
    rules::Answer,
};

fn twins(stock: u32) -> Vec<Item> {
    vec![Item {
        stock: Some(stock),
        ..stroller("twin-1", "120 GBP")
    }]
}

/// Three customers who all want what one seller has two of.
fn three_want_two(rules: Rules) -> (Vec<Node>, Node) {
    let mut seller = Node::selling("seller", rules, twins(2));
    let mut customers: Vec<Node> = Vec::new();
    for name in ["ann", "ben", "cat"] {
        let mut customer = Node::customer();
        customer.name = name.into();
        customer.market = Market::new(customer.seed(), Config::default());
        customer.give(NOW, Input::Reachable(path(name)));
        customer.cast(draft());
        gossip(NOW, &mut customer, &mut [&mut seller]);
        exchange(NOW, &mut seller, &mut customer);
        customers.push(customer);
    }
    (customers, seller)
}

#[test]
fn two_left_and_three_say_yes() {
    let (mut customers, mut seller) = three_want_two(rules());
    for customer in &mut customers {
        let offer = customer.open_offers()[0];
        customer.command(after(1), Command::Accept(offer)).unwrap();
        exchange(after(1), customer, &mut seller);
    }
    let agreed: Vec<usize> = customers.iter().map(|it| it.market.agreements().len()).collect();
    assert_eq!(agreed, [1, 1, 0]);
    assert_eq!(seller.market.agreements().len(), 2);
    let third = customers[2].market.offers(after(2), None).remove(0);
    assert!(matches!(
        third.state,
        OfferState::NotHonoured {
            why: Refusal::OutOfStock,
            ..
        }
    ));
    assert_eq!(
        seller.market.offer(after(2), third.id).unwrap().state,
        third.state,
        "both sides say so"
    );
}

#[test]
fn a_no_to_a_yes_stays_a_no_though_the_stock_comes_back() {
    let holding = Rules { hold: true, ..rules() };
    let mut seller = Node::selling("seller", holding, twins(1));
    let mut first = Node::customer();
    first.cast(draft());
    gossip(NOW, &mut first, &mut [&mut seller]);
    exchange(NOW, &mut seller, &mut first);
    let offer = first.open_offers()[0];
    // The stock runs out elsewhere: the same offer, made of a catalogue that counts none.
    let mut entries = Vec::new();
    let mut chain = crate::ledger::Chain::default();
    for stored in &seller.disk {
        let mut entry: crate::ledger::Entry = crate::codec::decode(&stored.bytes).unwrap();
        if let crate::ledger::Fact::Offered { stock, .. } = &mut entry.fact {
            *stock = Some(0);
        }
        entries.push(chain.append(entry.at, entry.fact));
    }
    let counted = std::mem::replace(&mut seller.disk, entries);
    seller.restart(after(1));
    first.command(after(1), Command::Accept(offer)).unwrap();
    let (_, _, frame) = first.sends[0].clone();
    let no = seller.ask(after(2), &frame);
    assert!(matches!(
        no,
        Frame::Refused {
            why: Refusal::OutOfStock,
            ..
        }
    ));
    assert_eq!(seller.disk.len(), counted.len() + 1);
    seller.restart(after(3));
    assert_eq!(seller.ask(after(4), &frame), no);
    assert_eq!(seller.disk.len(), counted.len() + 1, "said again, kept once");
}

#[test]
fn held_stock_is_offered_to_nobody_else_until_it_is_let_go() {
    let holding = Rules { hold: true, ..rules() };
    let (mut customers, mut seller) = three_want_two(holding);
    let offers: Vec<usize> = customers.iter().map(|it| it.open_offers().len()).collect();
    assert_eq!(offers, [1, 1, 0], "two are held, and there is no third");

    let intent = customers[0].market.intents(NOW)[0].id;
    customers[0].command(after(1), Command::Withdraw(intent)).unwrap();
    exchange(after(1), &mut customers[0], &mut seller);
    let mut late = Node::customer();
    late.cast(draft());
    gossip(after(2), &mut late, &mut [&mut seller]);
    exchange(after(2), &mut seller, &mut late);
    assert_eq!(late.open_offers().len(), 1, "what was held for the first is free");
}

#[test]
fn a_declined_offer_holds_nothing_and_cannot_be_taken_back() {
    let holding = Rules { hold: true, ..rules() };
    let (mut customers, mut seller) = three_want_two(holding);
    let offer = customers[0].open_offers()[0];
    customers[0]
        .command(after(1), Command::Decline(offer, Reason::Price))
        .unwrap();
    // The no is on its way when the node is killed; it goes out after the start.
    customers[0].config = Config::default();
    customers[0].restart(after(2));
    exchange(after(2), &mut customers[0], &mut seller);
    let view = seller.market.offer(after(3), offer).unwrap();
    assert_eq!(view.state, OfferState::Declined { reason: Reason::Price });
    assert_eq!(
        customers[0].command(after(3), Command::Accept(offer)),
        Err(Denied::Declined)
    );
    customers[0].restart(after(4));
    assert!(customers[0].sends.is_empty(), "said once, said for good");
}

#[test]
fn a_yes_to_a_withdrawn_want_is_old_news() {
    let (mut customer, mut seller, intent, offer) = offered();
    customer.command(after(1), Command::Accept(offer)).unwrap();
    let (task, _, late) = customer.sends.pop().unwrap();
    let about = Frame::decode(&late).unwrap().about().unwrap();
    let no = Frame::Refused {
        about,
        why: Refusal::Taken,
    };
    customer.give(after(2), Input::Done(task, Done::Replied(no.encode())));
    customer.command(after(3), Command::Withdraw(intent)).unwrap();
    exchange(after(3), &mut customer, &mut seller);
    assert!(matches!(
        seller.ask(after(4), &late),
        Frame::Refused {
            why: Refusal::Withdrawn,
            ..
        }
    ));
}

#[test]
fn a_yes_that_comes_too_late_is_refused() {
    let (mut customer, mut seller, _, offer) = offered();
    let until = seller.market.offer(NOW, offer).unwrap().offer.unwrap().valid_until;
    let signed = Timestamp(until.0 - 1);
    customer.command(signed, Command::Accept(offer)).unwrap();
    let (_, _, frame) = customer.sends.pop().unwrap();
    let last = until.plus(super::super::listener::LATE);
    assert!(matches!(
        seller.ask(last.plus_millis(1), &frame),
        Frame::Refused {
            why: Refusal::Expired,
            ..
        }
    ));
    assert!(seller.market.agreements().is_empty());
}

#[test]
fn a_yes_that_was_signed_in_time_may_come_a_little_late() {
    let (mut customer, mut seller, _, offer) = offered();
    let until = seller.market.offer(NOW, offer).unwrap().offer.unwrap().valid_until;
    customer
        .command(Timestamp(until.0 - 1), Command::Accept(offer))
        .unwrap();
    exchange(until.plus(super::super::listener::LATE), &mut customer, &mut seller);
    assert_same_deal(&customer, &seller);
}

#[test]
fn a_yes_by_another_than_the_customer_is_refused() {
    let (mut customer, mut seller, _, offer) = offered();
    customer.command(after(1), Command::Accept(offer)).unwrap();
    let (_, _, frame) = customer.sends.pop().unwrap();
    let Ok(Frame::Acceptance(bytes)) = Frame::decode(&frame) else {
        panic!()
    };
    let said = open::<crate::deed::Acceptance>(&bytes).unwrap();
    let stranger = Seed::new([9; 32]).intent_key(&[9; 16]);
    let ask = |seller: &mut Node, key: &crate::keys::Key, change: fn(&mut crate::deed::Acceptance)| {
        let mut body = said.body().clone();
        change(&mut body);
        let signed = sign(key, said.header().created, said.header().expires, body).unwrap();
        let frame = Frame::Acceptance(Bytes::new(signed.bytes()).unwrap());
        match seller.ask(after(2), &frame.encode()) {
            Frame::Refused { why, .. } => why,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask(&mut seller, &stranger, |_| {}), Refusal::BadSignature);
    let Some(crate::ledger::Fact::Cast { nonce, .. }) = customer
        .disk
        .first()
        .map(|entry| crate::codec::decode::<crate::ledger::Entry>(&entry.bytes).unwrap().fact)
    else {
        panic!()
    };
    let key = customer.seed().intent_key(&nonce);
    assert_eq!(
        ask(&mut seller, &key, |it| it.total.minor -= 1),
        Refusal::Changed,
        "the customer's price"
    );
    assert_eq!(
        ask(&mut seller, &key, |it| it.offer = OfferId([3; 32])),
        Refusal::Unknown
    );
    assert!(seller.market.agreements().is_empty());
}

#[test]
fn a_seller_that_asks_first_sends_nothing_without_a_word() {
    let asking = Rules {
        answer: Answer::Ask,
        ..rules()
    };
    let mut customer = Node::customer();
    let mut seller = Node::selling("seller", asking, vec![stroller("twin-1", "120 GBP")]);
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut seller]);
    assert!(seller.sends.is_empty());
    assert!(
        seller
            .events
            .iter()
            .any(|event| matches!(event, Event::Asking { offers: 1, .. }))
    );
    let decide = |send| Command::Decide { intent, send };
    assert_eq!(seller.command(after(1), decide(true)), Ok(Answered::Ok));
    exchange(after(1), &mut seller, &mut customer);
    assert_eq!(customer.open_offers().len(), 1);
    assert_eq!(
        seller.command(after(2), decide(true)),
        Err(Denied::NothingToDecide(intent))
    );
}

#[test]
fn a_person_who_decides_after_the_time_for_offers_sends_nothing() {
    let asking = Rules {
        answer: Answer::Ask,
        ..rules()
    };
    let mut customer = Node::customer();
    let mut seller = Node::selling("seller", asking, vec![stroller("twin-1", "120 GBP")]);
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut seller]);
    let decided = seller.command(after(3 * HOUR), Command::Decide { intent, send: true });
    assert_eq!(decided, Err(Denied::Expired(after(2 * HOUR))));
    assert!(seller.sends.is_empty() && seller.disk.is_empty());
}

#[test]
fn no_more_offers_go_out_in_an_hour_than_the_rules_allow() {
    let few = Rules {
        offers_per_hour: 2,
        ..rules()
    };
    let mut customer = Node::customer();
    let mut seller = Node::selling("seller", few, vec![stroller("twin-1", "120 GBP")]);
    let mut ask = |seller: &mut Node, now| {
        customer.cast(draft());
        gossip(now, &mut customer, &mut [&mut *seller]);
        seller.market.offers(now, None).len()
    };
    assert_eq!(ask(&mut seller, NOW), 1);
    assert_eq!(ask(&mut seller, after(1)), 2);
    assert_eq!(ask(&mut seller, after(2)), 2);
    seller.restart(after(3));
    assert_eq!(ask(&mut seller, after(3)), 2, "a restart is no new hour");
    assert_eq!(ask(&mut seller, after(HOUR)), 3);
}

#[test]
fn a_want_that_changes_while_it_is_searched_for_gets_one_answer() {
    let mut customer = Node::customer();
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    seller.searches = Some(Vec::new());
    customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut seller]);
    customer.give(after(1), Input::Reachable(path("elsewhere")));
    customer.name = "elsewhere".into();
    gossip(after(1), &mut customer, &mut [&mut seller]);
    while let Some(task) = seller
        .searches
        .as_mut()
        .and_then(|it| (!it.is_empty()).then(|| it.remove(0)))
    {
        let found = Done::Found(seller.candidates());
        seller.give(after(2), Input::Done(task, found));
    }
    assert_eq!(seller.sends.len(), 1, "{:?}", seller.events);
    exchange(after(2), &mut seller, &mut customer);
    assert_eq!(customer.open_offers().len(), 1);
}

#[test]
fn a_seller_that_learns_late_where_it_is_answers_then() {
    let mut customer = Node::customer();
    let config = Config {
        rules: Some(rules()),
        listen: Topic::all().collect(),
        ..Config::default()
    };
    let mut seller = Node::silent("seller", config, vec![stroller("twin-1", "120 GBP")]);
    customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut seller]);
    assert!(seller.sends.is_empty(), "nobody could say yes to it");
    seller.give(after(1), Input::Reachable(path("seller")));
    exchange(after(1), &mut seller, &mut customer);
    assert_eq!(customer.open_offers().len(), 1);
}

#[test]
fn rules_that_change_are_applied_to_what_is_open() {
    let mut customer = Node::customer();
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "160 GBP")]);
    customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut seller]);
    assert!(seller.sends.is_empty(), "too dear");
    let cheaper = Rules {
        floor_basis_points: 8000,
        meet_budget: true,
        ..rules()
    };
    seller
        .command(after(1), Command::Rules(Some(Box::new(cheaper))))
        .unwrap();
    exchange(after(1), &mut seller, &mut customer);
    let offer = customer.market.offers(after(2), None).remove(0);
    assert_eq!(offer.state, OfferState::Open);
    assert_eq!(offer.offer.unwrap().totals.landed().to_string(), "150.00 GBP");
}

#[test]
fn what_ended_long_ago_and_led_to_nothing_is_forgotten_also_after_a_restart() {
    let (mut customer, mut seller, intent, _) = offered();
    seller.wait(after(80 * HOUR));
    assert!(seller.market.intent(after(80 * HOUR), intent).is_none());
    seller.restart(after(80 * HOUR));
    assert!(seller.market.intent(after(80 * HOUR), intent).is_none());
    customer.restart(after(80 * HOUR));
    assert_eq!(
        customer.market.intent(after(80 * HOUR), intent).unwrap().state,
        IntentState::Expired
    );
}

fn fits(customer: &Node, offer: OfferId) -> Vec<Fit> {
    let view = customer.market.offer(NOW, offer).unwrap();
    view.offer.unwrap().lines.iter().map(|line| line.fit.clone()).collect()
}

#[test]
fn another_colour_is_offered_as_near_only_where_nothing_is_exact_and_never_over_the_budget() {
    let wanting = |colour: &str| {
        let wish = Wish::parse(&format!("colour={colour}"), Strength::Must).unwrap();
        Draft {
            wishes: vec![wish],
            ..draft()
        }
    };
    let mut customer = Node::customer();
    let dear = Item {
        title: Title::new("Dear twin stroller").unwrap(),
        ..stroller("twin-2", "151 GBP")
    };
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP"), dear]);
    customer.cast(wanting("red"));
    gossip(NOW, &mut customer, &mut [&mut seller]);
    exchange(NOW, &mut seller, &mut customer);
    let near = customer.open_offers();
    assert_eq!(near.len(), 1, "the one over the budget is not near");
    assert_eq!(
        fits(&customer, near[0]),
        [Fit::Near(Phrase::new("colour: green, not red").unwrap())]
    );

    // Where one is as asked, the near one stays away.
    let red = Item {
        attributes: vec![Attribute {
            name: Word::new("colour").unwrap(),
            value: "red".parse().unwrap(),
        }],
        ..stroller("twin-3", "140 GBP")
    };
    let mut other = Node::seller("other", vec![stroller("twin-1", "120 GBP"), red]);
    let mut customer = Node::customer();
    customer.cast(wanting("red"));
    gossip(NOW, &mut customer, &mut [&mut other]);
    exchange(NOW, &mut other, &mut customer);
    let exact = customer.open_offers();
    assert_eq!(exact.len(), 1);
    assert_eq!(fits(&customer, exact[0]), [Fit::Exact]);
}
