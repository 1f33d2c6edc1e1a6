//! The customer's side: what is taken in, what is not, and how a yes ends.

use super::*;
use crate::{
    deed::Confirmation,
    envelope::record_id,
    market::{DeliveryState, IntentState, OfferState},
    receipt::{OrderEvent, Receipt},
};

#[test]
fn an_offer_after_the_withdrawal_is_refused_and_shown() {
    let (mut customer, _, intent, frame) = about_to_offer(draft());
    customer.command(after(5), Command::Withdraw(intent)).unwrap();
    let reply = customer.ask(after(6), &frame);
    assert!(matches!(
        reply,
        Frame::Refused {
            why: Refusal::Withdrawn,
            ..
        }
    ));
    let shown = customer.market.offers(after(7), Some(intent));
    assert!(matches!(
        shown[0].state,
        OfferState::Refused {
            why: Refusal::Withdrawn,
            ..
        }
    ));
}

#[test]
fn an_offer_after_the_time_for_offers_is_refused() {
    let (mut customer, _, _, frame) = about_to_offer(draft());
    let reply = customer.ask(after(2 * HOUR), &frame);
    assert!(matches!(
        reply,
        Frame::Refused {
            why: Refusal::Expired,
            ..
        }
    ));
}

#[test]
fn an_expired_offer_is_refused_when_it_comes_and_when_it_is_accepted() {
    let (mut customer, seller, _, frame) = about_to_offer(draft());
    let brief = forged(&seller, &frame, |offer| offer.valid_until = after(1000));
    assert!(matches!(
        customer.ask(after(1000), &brief),
        Frame::Refused {
            why: Refusal::Expired,
            ..
        }
    ));
    assert!(matches!(customer.ask(after(999), &brief), Frame::Stored(_)));
    let offer = customer.open_offers()[0];
    assert_eq!(
        customer.command(after(1000), Command::Accept(offer)),
        Err(Denied::Expired(after(1000)))
    );
}

#[test]
fn no_more_offers_are_taken_than_were_asked_for() {
    let (mut customer, seller, intent, frame) = about_to_offer(Draft {
        max_offers: 3,
        offers_per_seller: 2,
        ..draft()
    });
    let numbered = |seller: &Node, n: u64| forged(seller, &frame, |offer| offer.deliver_by = after(n));
    for n in 0..2 {
        assert!(matches!(customer.ask(NOW, &numbered(&seller, n)), Frame::Stored(_)));
    }
    let over = |reply| {
        matches!(
            reply,
            Frame::Refused {
                why: Refusal::OverCap,
                ..
            }
        )
    };
    assert!(over(customer.ask(NOW, &numbered(&seller, 2))), "a third of one seller");
    let second = Node::seller("second", Vec::new());
    assert!(matches!(customer.ask(NOW, &numbered(&second, 0)), Frame::Stored(_)));
    assert!(over(customer.ask(NOW, &numbered(&second, 1))), "a fourth in all");
    assert_eq!(customer.market.intent(NOW, intent).unwrap().offers, 3);
}

#[test]
fn where_all_places_are_filled_the_one_who_has_most_makes_room_for_one_who_has_none() {
    let (mut customer, seller, intent, frame) = about_to_offer(Draft {
        max_offers: 3,
        offers_per_seller: 3,
        ..draft()
    });
    let priced = |seller: &Node, more: i64| {
        forged(seller, &frame, |offer| {
            offer.totals.delivery += more;
            offer.totals.total += more;
        })
    };
    let dearest = priced(&seller, 300);
    for frame in [&priced(&seller, 100), &dearest, &priced(&seller, 200)] {
        assert!(matches!(customer.ask(NOW, frame), Frame::Stored(_)));
    }
    let second = Node::seller("second", Vec::new());
    assert!(matches!(customer.ask(NOW, &priced(&second, 0)), Frame::Stored(_)));
    assert_eq!(customer.market.intent(NOW, intent).unwrap().offers, 3);
    let Ok(Frame::Offer(record)) = Frame::decode(&dearest) else {
        panic!("an offer")
    };
    let gone = OfferId::from(record_id(&record));
    for _ in 0..2 {
        let shown = customer.market.offer(NOW, gone).unwrap();
        let why = Refusal::OverCap;
        assert!(
            matches!(shown.state, OfferState::Refused { why: it, .. } if it == why),
            "{:?}",
            shown.state
        );
        assert_eq!(customer.command(NOW, Command::Accept(gone)), Err(Denied::NoOffer(gone)));
        // It does not come back by being said again, and a restart tells the same.
        let again = customer.ask(after(1), &dearest);
        assert!(matches!(again, Frame::Refused { why: it, .. } if it == why));
        customer.restart(after(2));
    }
    // One offer of each of three sellers: whoever comes now comes too late.
    let third = Node::seller("third", Vec::new());
    assert!(matches!(customer.ask(NOW, &priced(&third, 0)), Frame::Stored(_)));
    let fourth = Node::seller("fourth", Vec::new());
    let late = customer.ask(NOW, &priced(&fourth, 0));
    assert!(matches!(
        late,
        Frame::Refused {
            why: Refusal::OverCap,
            ..
        }
    ));
}

#[test]
fn what_was_accepted_makes_room_for_nobody() {
    let (mut customer, seller, intent, frame) = about_to_offer(Draft {
        max_offers: 2,
        offers_per_seller: 2,
        ..draft()
    });
    let numbered = |seller: &Node, n: u64| forged(seller, &frame, |offer| offer.deliver_by = after(n));
    for n in 0..2 {
        assert!(matches!(customer.ask(NOW, &numbered(&seller, n)), Frame::Stored(_)));
    }
    let worst = *customer.open_offers().last().unwrap();
    customer.command(NOW, Command::Accept(worst)).unwrap();
    let second = Node::seller("second", Vec::new());
    assert!(matches!(customer.ask(NOW, &numbered(&second, 0)), Frame::Stored(_)));
    let offers = customer.market.offers(NOW, Some(intent));
    let accepted = offers.iter().find(|view| view.id == worst).unwrap();
    assert!(matches!(accepted.state, OfferState::Accepted { .. }));
}

#[test]
fn a_few_who_offer_much_leave_room_for_many_who_offer_one() {
    let (mut customer, _, intent, frame) = about_to_offer(Draft {
        max_offers: 64,
        offers_per_seller: 3,
        ..draft()
    });
    let sellers: Vec<Node> = (0..50)
        .map(|n| Node::seller(&format!("seller {n}"), Vec::new()))
        .collect();
    for seller in &sellers {
        for n in 0..3 {
            let offer = forged(seller, &frame, |offer| offer.deliver_by = after(n));
            let taken = matches!(customer.ask(NOW, &offer), Frame::Stored(_));
            assert!(taken || n > 0, "a first offer was refused");
        }
    }
    let shown = customer.market.offers(NOW, Some(intent));
    let open = shown.iter().filter(|view| view.state == OfferState::Open);
    let with_one: BTreeSet<_> = open.clone().map(|view| view.seller).collect();
    assert_eq!((with_one.len(), open.count()), (50, 64));
}

#[test]
fn a_replayed_offer_is_the_same_offer() {
    let (mut customer, _, intent, frame) = about_to_offer(draft());
    let first = customer.ask(after(1), &frame);
    let facts = customer.disk.len();
    assert_eq!(customer.ask(after(2), &frame), first);
    assert_eq!(customer.disk.len(), facts);
    customer.restart(after(3));
    assert_eq!(customer.ask(after(4), &frame), first);
    assert_eq!(customer.market.intent(NOW, intent).unwrap().offers, 1);
}

#[test]
fn one_want_makes_one_agreement() {
    let mut customer = Node::customer();
    let mut sellers = ["one", "two"].map(|name| Node::seller(name, vec![stroller("twin-1", "120 GBP")]));
    let intent = customer.cast(draft());
    let [one, two] = &mut sellers;
    gossip(NOW, &mut customer, &mut [one, two]);
    exchange(NOW, one, &mut customer);
    exchange(NOW, two, &mut customer);
    let offers = customer.open_offers();
    customer.command(after(1), Command::Accept(offers[0])).unwrap();
    assert_eq!(
        customer.command(after(1), Command::Accept(offers[1])),
        Err(Denied::Taken(offers[0]))
    );
    assert_eq!(
        customer.command(after(1), Command::Withdraw(intent)),
        Err(Denied::Taken(offers[0]))
    );
    exchange(after(2), &mut customer, one);
    exchange(after(2), &mut customer, two);
    assert_eq!(
        customer.command(after(3), Command::Accept(offers[1])),
        Err(Denied::Agreed)
    );
    assert_eq!(
        customer.command(after(3), Command::Withdraw(intent)),
        Err(Denied::Agreed)
    );
    assert_eq!(customer.market.agreements().len(), 1);
    // The one that lost can be had no more, and both sides see that.
    let state = |node: &Node| node.market.offer(after(3), offers[1]).map(|view| view.state);
    assert_eq!(state(&customer), Some(OfferState::Closed));
    exchange(after(3), &mut customer, two);
    assert_eq!(state(two), Some(OfferState::Closed));
}

#[test]
fn those_who_offered_are_told_of_the_end_even_where_gossip_is_lost() {
    let (mut customer, mut seller, intent, _) = offered();
    customer.command(after(5), Command::Withdraw(intent)).unwrap();
    assert_eq!(customer.sends.len(), 1);
    // The first try is lost, and the node starts again: it is still owed.
    customer.restart(after(6));
    exchange(after(6), &mut customer, &mut seller);
    let heard = seller.market.intent(after(7), intent).unwrap();
    assert_eq!(heard.state, IntentState::Withdrawn);
    customer.restart(after(8));
    assert!(customer.sends.is_empty(), "told once, told for good");
}

#[test]
fn an_acceptance_goes_out_until_it_is_answered() {
    let (mut customer, mut seller, intent, offer) = offered();
    customer.command(after(10), Command::Accept(offer)).unwrap();
    let (task, ..) = customer.sends.pop().unwrap();
    customer.give(after(11), Input::Done(task, Done::Failed));
    assert!(customer.sends.is_empty(), "not at once again");
    customer.wait(after(HOUR));
    assert_eq!(customer.sends.len(), 1);
    customer.restart(after(HOUR));
    assert_eq!(
        customer.market.intent(after(HOUR), intent).unwrap().state,
        IntentState::Accepted
    );
    exchange(after(HOUR), &mut customer, &mut seller);
    assert_same_deal(&customer, &seller);
}

#[test]
fn a_seller_that_is_never_reached_loses_the_customer_in_the_end() {
    let (mut customer, _, intent, offer) = offered();
    customer.command(after(10), Command::Accept(offer)).unwrap();
    let until = customer
        .market
        .offer(NOW, offer)
        .unwrap()
        .offer
        .unwrap()
        .valid_until
        .plus_millis(25 * HOUR);
    while let Some(at) = customer.market.deadline().filter(|at| *at <= until) {
        for (task, ..) in std::mem::take(&mut customer.sends) {
            customer.give(at, Input::Done(task, Done::Failed));
        }
        customer.give(at, Input::Tick);
    }
    let view = customer.market.offer(until, offer).unwrap();
    assert_eq!(
        view.state,
        OfferState::NotHonoured {
            why: Refusal::Expired,
            difference: None
        }
    );
    assert_eq!(
        customer.market.intent(until, intent).unwrap().state,
        IntentState::Expired
    );
}

/// What the seller's node answered to the yes, with another total.
fn at_another_price(seller: &Node, reply: &Frame, more: i64) -> Frame {
    let Frame::Confirmed { confirmation, receipt } = reply else {
        panic!("{reply:?}")
    };
    let key = seller.seed().seller_key();
    let said = open::<Confirmation>(confirmation).unwrap();
    let mut body = said.body().clone();
    body.total.minor += more;
    let signed = sign(&key, said.header().created, said.header().expires, body).unwrap();
    Frame::Confirmed {
        confirmation: Bytes::new(signed.bytes()).unwrap(),
        receipt: receipt.clone(),
    }
}

#[test]
fn a_confirmation_of_another_total_is_refused_and_another_offer_can_be_accepted() {
    let mut customer = Node::customer();
    let mut bait = Node::seller("bait", vec![stroller("twin-1", "100 GBP")]);
    let mut honest = Node::seller("honest", vec![stroller("twin-1", "120 GBP")]);
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut bait, &mut honest]);
    exchange(NOW, &mut bait, &mut customer);
    let cheap = customer.open_offers()[0];
    exchange(NOW, &mut honest, &mut customer);
    let other = customer.open_offers().into_iter().find(|id| *id != cheap).unwrap();

    customer.command(after(1), Command::Accept(cheap)).unwrap();
    let (task, _, frame) = customer.sends.pop().unwrap();
    let reply = bait.ask(after(1), &frame);
    let switched = at_another_price(&bait, &reply, 2000);
    customer.give(after(2), Input::Done(task, Done::Replied(switched.encode())));

    for _ in 0..2 {
        let OfferState::NotHonoured { why, difference } = customer.market.offer(after(3), cheap).unwrap().state else {
            panic!("{:?}", customer.events);
        };
        let difference = difference.unwrap();
        assert_eq!(why, Refusal::Changed);
        assert_eq!(
            (&*difference.field, &*difference.agreed, &*difference.named),
            ("total", "105.00 GBP", "125.00 GBP")
        );
        customer.restart(after(3));
    }
    assert!(customer.market.agreements().is_empty());
    assert_eq!(
        customer.command(after(4), Command::Accept(cheap)),
        Err(Denied::Declined)
    );
    customer.command(after(4), Command::Accept(other)).unwrap();
    exchange(after(4), &mut customer, &mut honest);
    assert_same_deal(&customer, &honest);
    assert_eq!(
        customer.market.intent(after(5), intent).unwrap().state,
        IntentState::Agreed
    );
}

#[test]
fn an_offer_that_was_not_honoured_is_not_ranked_again() {
    let (mut customer, _, _, offer) = offered();
    customer.command(after(1), Command::Accept(offer)).unwrap();
    let (task, _, frame) = customer.sends.pop().unwrap();
    let about = Frame::decode(&frame).unwrap().about().unwrap();
    let no = Frame::Refused {
        about,
        why: Refusal::OutOfStock,
    };
    customer.give(after(2), Input::Done(task, Done::Replied(no.encode())));
    let view = customer.market.offer(after(3), offer).unwrap();
    assert!(matches!(
        view.state,
        OfferState::NotHonoured {
            why: Refusal::OutOfStock,
            ..
        }
    ));
    assert_eq!(view.place, None);
}

#[test]
fn a_receipt_with_another_total_is_refused_and_stays_to_be_seen() {
    let (mut customer, mut seller, _, offer) = offered();
    customer.command(after(1), Command::Accept(offer)).unwrap();
    exchange(after(1), &mut customer, &mut seller);
    let (first, settled) = {
        let deal = customer.market.agreements().remove(0);
        (deal.receipts[0].clone(), deal.id)
    };
    let shipped = Receipt {
        sequence: 1,
        previous: Some(first.id),
        event: OrderEvent::Shipped {
            carrier: Name::new("Yellow Van").unwrap(),
            tracking: Phrase::default(),
        },
        ..first.receipt
    };
    let mut dearer = shipped.clone();
    dearer.total.minor += 1;
    let signed = |body: Receipt| {
        let key = seller.seed().seller_key();
        let record = sign(&key, after(5), after(HOUR), body).unwrap();
        Frame::Receipt(Bytes::new(record.bytes()).unwrap()).encode()
    };
    for _ in 0..3 {
        let reply = customer.ask(after(6), &signed(dearer.clone()));
        assert!(matches!(
            reply,
            Frame::Refused {
                why: Refusal::Changed,
                ..
            }
        ));
    }
    assert!(matches!(customer.ask(after(7), &signed(shipped)), Frame::Stored(_)));
    customer.restart(after(8));
    let deal = customer.market.agreements().remove(0);
    assert_eq!(deal.id, settled);
    assert_eq!(deal.receipts.len(), 2);
    assert_eq!(deal.differences.len(), 1, "said three times, one difference");
    assert_eq!(deal.differences[0].field, "receipt's total");
}

#[test]
fn a_want_that_nobody_hears_waits_for_the_first_who_comes() {
    let mut customer = Node::customer();
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut []);
    assert!(
        customer
            .events
            .iter()
            .any(|event| matches!(event, Event::Unheard { .. }))
    );
    assert_eq!(customer.reach.len(), 1, "peers of its topic are looked for");
    let state = |customer: &Node| customer.market.intent(after(1), intent).unwrap().state;
    assert_eq!(state(&customer), IntentState::Unheard);
    assert!(customer.publishes.is_empty());

    customer.restart(after(1));
    assert_eq!(
        state(&customer),
        IntentState::Unheard,
        "a restart does not make it heard"
    );
    gossip(after(1), &mut customer, &mut []);
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    let topic = super::super::relay::topics_of(&customer.market.intent(NOW, intent).unwrap().intent);
    let joined = Input::Joined {
        peer: path("seller"),
        topic: *topic.first().unwrap(),
    };
    customer.give(after(2), joined);
    gossip(after(2), &mut customer, &mut [&mut seller]);
    assert_eq!(state(&customer), IntentState::Open);
    assert_eq!(seller.sends.len(), 1);
}

#[test]
fn whoever_moves_says_so_and_pending_offers_follow() {
    let (mut customer, mut seller, _, _) = about_to_offer(draft());
    let pending = seller.market.offers(NOW, None)[0].id;
    seller.restart(after(1));
    let (task, to, _) = seller.sends.pop().expect("an offer that nobody has goes out again");
    assert_eq!(to, path("customer"));
    seller.give(after(2), Input::Done(task, Done::Failed));

    customer.restart(after(1));
    let kinds = |customer: &Node| -> Vec<_> {
        let said = customer.publishes.iter();
        said.filter_map(|(_, _, bytes)| crate::envelope::kind_of(bytes))
            .collect()
    };
    let intent_alone = [crate::envelope::Kind::Intent];
    assert_eq!(
        kinds(&customer),
        intent_alone,
        "what may never have left is said again, and nothing new"
    );
    customer.name = "elsewhere".into();
    let moved = Input::Reachable(path("elsewhere"));
    customer.give(after(3), moved);
    let (_, _, amendment) = customer.publishes.last().cloned().unwrap();
    assert_eq!(
        crate::envelope::kind_of(&amendment),
        Some(crate::envelope::Kind::Amendment)
    );

    // The seller forgot what it heard; what is open comes again with the page of a pull, the intent first.
    let want = customer.market.intents(after(3)).remove(0);
    let topic = *super::super::relay::topics_of(&want.intent).first().unwrap();
    let said = customer.disk.iter().find_map(|entry| {
        match crate::codec::decode::<crate::ledger::Entry>(&entry.bytes).unwrap().fact {
            crate::ledger::Fact::Cast { intent, .. } => Some(intent.bytes().to_vec()),
            _ => None,
        }
    });
    assert_eq!(seller.hear(after(4), topic, &said.unwrap()), Verdict::Accept);
    assert_eq!(seller.hear(after(4), topic, &amendment), Verdict::Accept);
    let (_, to, frame) = seller.sends.pop().expect("the offer follows");
    assert_eq!(to, path("elsewhere"));
    assert!(matches!(customer.ask(after(5), &frame), Frame::Stored(id) if id.0 == pending.0));
    assert!(seller.sends.is_empty(), "one offer, not one each time it is heard");
}

#[test]
fn a_clock_set_back_does_not_stand_in_the_way_of_a_withdrawal() {
    let mut customer = Node::customer();
    let intent = customer.cast(Draft {
        expires: NOW.plus(crate::limits::INTENT_LIFE),
        ..draft()
    });
    let back = Timestamp(NOW.0 - 60_000);
    assert_eq!(
        customer.command(back, Command::Withdraw(intent)),
        Ok(Answered::Withdrawn(intent))
    );
}

#[test]
fn a_busy_seller_is_given_the_time_it_asks_for() {
    let (mut customer, mut seller, _, offer) = offered();
    customer.command(after(1), Command::Accept(offer)).unwrap();
    let (task, _, frame) = customer.sends.pop().unwrap();
    let busy = loop {
        let reply = seller.ask(after(1), b"");
        if matches!(
            reply,
            Frame::Refused {
                why: Refusal::Busy { .. },
                ..
            }
        ) {
            break seller.ask(after(1), &frame);
        }
    };
    customer.give(after(2), Input::Done(task, Done::Replied(busy.encode())));
    assert!(customer.market.deadline().is_some_and(|at| at >= after(60_002)));
    let view = customer.market.offer(after(3), offer).unwrap();
    assert_eq!(
        view.state,
        OfferState::Accepted {
            delivery: DeliveryState::Queued { attempts: 1 }
        }
    );
}
