//! A want that its person changes: who answers again, what becomes of the first answers, and a want cast once more.

use super::*;
use crate::{
    attribute::{Strength, Wish},
    market::{Change, IntentState, OfferState},
};

fn must(text: &str) -> Change {
    Change {
        wishes: vec![Wish::parse(text, Strength::Must).unwrap()],
        ..Change::default()
    }
}

fn amend(node: &mut Node, now: Timestamp, intent: IntentId, change: Change) -> Result<Answered, Denied> {
    let change = Box::new(change);
    node.command(now, Command::Amend { intent, change })
}

fn renew(node: &mut Node, now: Timestamp, intent: IntentId) -> Result<Answered, Denied> {
    let change = Change {
        offers_due: Some(now.plus_millis(HOUR)),
        ..Change::default()
    };
    let command = Command::Renew {
        intent,
        change: Box::new(change),
        expires: now.plus_millis(2 * HOUR),
        nonce: [0xee; 16],
    };
    node.command(now, command)
}

fn state(node: &Node, now: Timestamp, offer: OfferId) -> OfferState {
    node.market.offer(now, offer).unwrap().state
}

/// One that holds its stock, with a single piece.
fn holding(name: &str, stock: u32) -> Node {
    let mut item = stroller("twin-1", "120 GBP");
    item.stock = Some(stock);
    let rules = Rules { hold: true, ..rules() };
    Node::selling(name, rules, vec![item])
}

#[test]
fn sellers_quote_again_and_their_first_offers_are_superseded() {
    let mut customer = Node::customer();
    let mut shops = ["a", "b"].map(|name| Node::seller(name, vec![stroller("twin-1", "120 GBP")]));
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut shops.iter_mut().collect::<Vec<_>>());
    for shop in &mut shops {
        exchange(NOW, shop, &mut customer);
    }
    let first = customer.open_offers();
    assert_eq!(first.len(), 2);

    let now = after(1_000);
    let Ok(Answered::Amended { revision, .. }) = amend(&mut customer, now, intent, must("colour=green")) else {
        panic!("not amended");
    };
    for offer in &first {
        assert_eq!(
            state(&customer, now, *offer),
            OfferState::Open,
            "it still fits, and nothing newer is there"
        );
    }
    gossip(now, &mut customer, &mut shops.iter_mut().collect::<Vec<_>>());
    for shop in &mut shops {
        exchange(now, shop, &mut customer);
    }
    let second = customer.open_offers();
    assert_eq!(second.len(), 2);
    for offer in &second {
        assert!(!first.contains(offer));
        let view = customer.market.offer(now, *offer).unwrap();
        assert_eq!(view.offer.unwrap().revision, revision);
    }
    for (offer, shop) in first.iter().zip(&shops) {
        assert_eq!(state(&customer, now, *offer), OfferState::Superseded);
        assert_eq!(customer.command(now, Command::Accept(*offer)), Err(Denied::Superseded));
        let told = Event::Superseded { intent, offer: *offer };
        assert!(customer.events.contains(&told));
        let theirs = shop.market.offers(now, Some(intent));
        let old = theirs
            .iter()
            .filter(|view| view.state == OfferState::Superseded)
            .count();
        assert_eq!((theirs.len(), old), (2, 1));
    }
    assert_eq!(
        customer.market.intent(now, intent).unwrap().offers,
        2,
        "what is superseded is not counted"
    );

    // The same after a fall of all three, and a seller's second offer makes the deal.
    customer.restart(now);
    assert_eq!(customer.open_offers(), second);
    customer.command(after(2_000), Command::Accept(second[0])).unwrap();
    for shop in &mut shops {
        shop.restart(after(2_000));
        exchange(after(2_000), &mut customer, shop);
    }
    let agreed: Vec<usize> = shops.iter().map(|shop| shop.market.agreements().len()).collect();
    assert_eq!(agreed.iter().sum::<usize>(), 1);
    let with = agreed.iter().position(|count| *count == 1).unwrap();
    assert_same_deal(&customer, &shops[with]);
}

#[test]
fn an_offer_that_fits_no_more_cannot_be_accepted_and_says_why() {
    let (mut customer, mut seller, intent, offer) = offered();
    amend(&mut customer, after(1), intent, must("colour=red")).unwrap();
    let OfferState::Outdated { why } = state(&customer, after(1), offer) else {
        panic!("it fits");
    };
    assert!(why.contains("colour"), "{why}");
    assert!(matches!(
        customer.command(after(2), Command::Accept(offer)),
        Err(Denied::Outdated(why)) if why.contains("colour")
    ));
    // What was asked for before is asked for again: then it fits as it did.
    let drop = Change {
        drop: vec![Word::new("colour").unwrap()],
        ..Change::default()
    };
    amend(&mut customer, after(3), intent, drop).unwrap();
    assert_eq!(state(&customer, after(3), offer), OfferState::Open);
    gossip(after(3), &mut customer, &mut [&mut seller]);
    assert!(customer.command(after(4), Command::Accept(offer)).is_ok());
    exchange(after(4), &mut customer, &mut seller);
    assert_same_deal(&customer, &seller);
}

#[test]
fn a_seller_that_was_down_answers_the_newest_version_once() {
    let (mut customer, mut seller, intent, first) = offered();
    amend(&mut customer, after(1), intent, must("colour=green")).unwrap();
    let mut relay = Node::seller("relay", Vec::new());
    gossip(after(1), &mut customer, &mut [&mut relay]);
    // It fell before it heard; after that it hears the want first, and its newer version after it, as it pulls.
    seller.restart(after(2));
    let cast = customer.disk.clone();
    let records: Vec<Vec<u8>> = cast
        .iter()
        .filter_map(
            |entry| match crate::codec::decode::<crate::ledger::Entry>(&entry.bytes).unwrap().fact {
                crate::ledger::Fact::Cast { intent, .. } => Some(intent.bytes().to_vec()),
                crate::ledger::Fact::Amended(amendment) => Some(amendment.bytes().to_vec()),
                _ => None,
            },
        )
        .collect();
    assert_eq!(records.len(), 2);
    let topic = *super::super::relay::topics_of(&customer.market.intent(NOW, intent).unwrap().intent)
        .first()
        .unwrap();
    for record in &records {
        seller.hear(after(3), topic, record);
    }
    exchange(after(3), &mut seller, &mut customer);
    let open = customer.open_offers();
    assert_eq!(open.len(), 1);
    assert_ne!(open[0], first);
    // And once more: it knows the newest version and has answered it, whatever comes round again.
    seller.restart(after(4));
    for record in &records {
        seller.hear(after(5), topic, record);
    }
    exchange(after(5), &mut seller, &mut customer);
    assert_eq!(customer.open_offers(), open);
    assert_eq!(seller.market.offers(after(5), Some(intent)).len(), 2);
}

#[test]
fn stock_held_for_a_superseded_offer_is_free() {
    let (mut customer, mut other) = (Node::customer(), Node::new("other", Config::default(), Vec::new()));
    let mut seller = holding("seller", 1);
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut seller]);
    exchange(NOW, &mut seller, &mut customer);
    assert_eq!(customer.open_offers().len(), 1);
    // The one piece is held for this want, and so is there for its newer version.
    amend(&mut customer, after(1), intent, must("colour=green")).unwrap();
    gossip(after(1), &mut customer, &mut [&mut seller]);
    exchange(after(1), &mut seller, &mut customer);
    assert_eq!(customer.open_offers().len(), 1);
    let all = seller.market.offers(after(1), Some(intent));
    assert_eq!(all.len(), 2, "it quoted again");
    // It is held once, not twice: another want gets none, and the next one has it once the first is withdrawn.
    other.cast(draft());
    gossip(after(2), &mut other, &mut [&mut seller]);
    assert!(seller.sends.is_empty(), "the piece is held");
    let mut two = holding("two", 2);
    let mut customer = Node::customer();
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut two]);
    exchange(NOW, &mut two, &mut customer);
    amend(&mut customer, after(1), intent, must("colour=green")).unwrap();
    gossip(after(1), &mut customer, &mut [&mut two]);
    exchange(after(1), &mut two, &mut customer);
    let mut other = Node::new("another", Config::default(), Vec::new());
    other.cast(draft());
    gossip(after(2), &mut other, &mut [&mut two]);
    exchange(after(2), &mut two, &mut other);
    assert_eq!(
        other.open_offers().len(),
        1,
        "of two pieces one is held, though two offers were made for it"
    );
}

#[test]
fn a_yes_to_the_first_offer_that_crosses_the_second_is_honoured() {
    let mut customer = Node::customer();
    let mut seller = holding("seller", 1);
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut seller]);
    exchange(NOW, &mut seller, &mut customer);
    let first = customer.open_offers()[0];
    amend(&mut customer, after(1), intent, must("colour=green")).unwrap();
    gossip(after(1), &mut customer, &mut [&mut seller]);
    // The second is on its way while the person says yes to the first, which still fits.
    customer.command(after(1), Command::Accept(first)).unwrap();
    exchange(after(1), &mut customer, &mut seller);
    exchange(after(2), &mut seller, &mut customer);
    assert_same_deal(&customer, &seller);
}

#[test]
fn places_are_counted_without_what_is_superseded_and_an_older_answer_comes_too_late() {
    let mut customer = Node::customer();
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    let intent = customer.cast(Draft {
        max_offers: 2,
        offers_per_seller: 2,
        ..draft()
    });
    gossip(NOW, &mut customer, &mut [&mut seller]);
    let (_, _, first) = seller.sends.pop().expect("an offer");
    let later = |frame: &[u8], n: u64| forged(&seller, frame, |offer| offer.deliver_by = after(n));
    let (one, two, third) = (later(&first, 1), later(&first, 2), later(&first, 3));
    for frame in [&one, &two] {
        assert!(matches!(customer.ask(NOW, frame), Frame::Stored(_)));
    }
    amend(&mut customer, after(1), intent, must("colour=green")).unwrap();
    gossip(after(1), &mut customer, &mut [&mut seller]);
    let (_, _, again) = seller.sends.pop().expect("another offer");
    let later = |n: u64| forged(&seller, &again, |offer| offer.deliver_by = after(n));
    for n in 4..6 {
        let reply = customer.ask(after(2), &later(n));
        assert!(matches!(reply, Frame::Stored(_)), "{reply:?}");
    }
    let refused = |reply| match reply {
        Frame::Refused { why, .. } => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(customer.ask(after(2), &later(6))), Refusal::OverCap);
    assert_eq!(refused(customer.ask(after(2), &third)), Refusal::Superseded);
    // What was stored stays stored, however often it comes.
    assert!(matches!(customer.ask(after(2), &one), Frame::Stored(_)));
    assert_eq!(customer.open_offers().len(), 2);
}

#[test]
fn more_time_alone_makes_nobody_quote_again() {
    let (mut customer, mut seller, intent, offer) = offered();
    let more = Change {
        offers_due: Some(after(4 * HOUR)),
        ..Change::default()
    };
    amend(&mut customer, after(3 * HOUR), intent, more).unwrap();
    gossip(after(3 * HOUR), &mut customer, &mut [&mut seller]);
    assert!(seller.sends.is_empty());
    assert_eq!(state(&customer, after(3 * HOUR), offer), OfferState::Open);
    let view = customer.market.intent(after(3 * HOUR), intent).unwrap();
    assert_eq!(view.state, IntentState::Open, "offers are taken again");
    customer.events.clear();
    customer.wait(after(4 * HOUR));
    assert!(customer.events.iter().any(|event| matches!(event, Event::Due { .. })));
}

#[test]
fn what_cannot_be_changed_is_said_in_clear_words() {
    let (mut customer, mut seller, intent, offer) = offered();
    assert_eq!(
        amend(&mut customer, after(1), intent, Change::default()),
        Err(Denied::Unchanged)
    );
    let bikes = Change {
        category: Some(crate::category::resolve("sports/cycling/mountain-bikes").unwrap().id),
        ..Change::default()
    };
    assert_eq!(amend(&mut customer, after(1), intent, bikes), Err(Denied::Elsewhere));
    let single = Change {
        category: Some(crate::category::resolve("baby/strollers/single").unwrap().id),
        ..Change::default()
    };
    assert!(
        amend(&mut customer, after(1), intent, single).is_ok(),
        "the same topic hears it"
    );
    let back = Change {
        category: Some(draft().category),
        ..Change::default()
    };
    amend(&mut customer, after(2), intent, back).unwrap();
    customer.command(after(3), Command::Accept(offer)).unwrap();
    assert_eq!(
        amend(&mut customer, after(4), intent, must("colour=green")),
        Err(Denied::Taken(offer))
    );
    exchange(after(4), &mut customer, &mut seller);
    assert_eq!(
        amend(&mut customer, after(5), intent, must("colour=green")),
        Err(Denied::Agreed)
    );
    assert_eq!(renew(&mut customer, after(5), intent), Err(Denied::Agreed));

    let (mut customer, _, intent, _) = offered();
    assert_eq!(
        amend(&mut customer, after(3 * HOUR), intent, must("colour=green")),
        Err(Denied::Due(after(2 * HOUR)))
    );
    assert_eq!(
        renew(&mut customer, after(3 * HOUR), intent),
        Err(Denied::StillOpen(after(24 * HOUR)))
    );
}

#[test]
fn a_want_that_is_over_is_cast_once_more_in_one_step() {
    let mut customer = Node::customer();
    let first = customer.cast(Draft {
        budget: Spend {
            most: "150 GBP".parse().unwrap(),
            shown: crate::disclosure::Shown::Committed,
        },
        ..draft()
    });
    let now = after(30 * HOUR);
    assert_eq!(
        amend(&mut customer, now, first, must("colour=green")),
        Err(Denied::Over(after(24 * HOUR)))
    );
    let Ok(Answered::Cast(second)) = renew(&mut customer, now, first) else {
        panic!("not renewed");
    };
    let (old, new) = (
        customer.market.intent(now, first).unwrap(),
        customer.market.intent(now, second).unwrap(),
    );
    assert_eq!(new.renews, Some(first));
    assert_eq!(new.kept.ceiling, old.kept.ceiling);
    assert_eq!(new.intent.title, old.intent.title);
    assert_ne!(
        new.intent.budget, old.intent.budget,
        "a commitment is made anew: nobody can tell that it is the same"
    );
    assert_eq!(new.state, IntentState::Unheard);
    // A withdrawn one as well, and a seller hears and answers it as any other.
    customer.command(now, Command::Withdraw(second)).unwrap();
    customer.publishes.clear();
    let command = Command::Renew {
        intent: second,
        change: Box::new(Change {
            offers_due: Some(now.plus_millis(HOUR)),
            ..must("colour=green")
        }),
        expires: now.plus_millis(2 * HOUR),
        nonce: [0xdd; 16],
    };
    let Ok(Answered::Cast(third)) = customer.command(now, command) else {
        panic!("not renewed");
    };
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    gossip(now, &mut customer, &mut [&mut seller]);
    exchange(now, &mut seller, &mut customer);
    assert_eq!(customer.market.offers(now, Some(third)).len(), 1);
    customer.restart(now);
    assert_eq!(customer.market.intent(now, third).unwrap().renews, Some(second));
}
