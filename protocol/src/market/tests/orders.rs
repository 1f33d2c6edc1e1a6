//! What becomes of a deal, told by the seller and held by both; and what is refused.

use super::*;
use crate::{
    deed::{Difference, Inquiry},
    id::AgreementId,
    keys::Key,
    limits,
    market::{Compared, DeliveryState, Sameness},
    order::OrderState,
    receipt::{OrderEvent, Receipt},
};

const DAY: u64 = 24 * HOUR;

/// Both hold the agreement.
fn dealt() -> (Node, Node, AgreementId) {
    let (mut customer, mut seller, _, offer) = offered();
    let Ok(Answered::Accepted(agreement)) = customer.command(after(1), Command::Accept(offer)) else {
        panic!("a yes")
    };
    exchange(after(1), &mut customer, &mut seller);
    super::talking::settle(after(1), &mut customer, &mut seller);
    assert_same_deal(&customer, &seller);
    (customer, seller, agreement)
}

fn shipped(tracking: &str) -> OrderEvent {
    OrderEvent::Shipped {
        carrier: Name::new("Yellow Van").unwrap(),
        tracking: Phrase::new(tracking).unwrap(),
    }
}

fn cancelled() -> OrderEvent {
    OrderEvent::Cancelled {
        reason: Phrase::new("sold out").unwrap(),
    }
}

impl Node {
    fn tell(&mut self, now: Timestamp, agreement: AgreementId, event: OrderEvent) -> Result<Answered, Denied> {
        self.command(now, Command::Receipt { agreement, event })
    }

    fn deal(&self) -> super::super::AgreementView {
        self.market.agreements().remove(0)
    }

    fn receipts(&self) -> Vec<RecordId> {
        self.deal().receipts.iter().map(|receipt| receipt.id).collect()
    }

    /// Nobody answers what is on its way.
    fn unanswered(&mut self, now: Timestamp) {
        for (task, ..) in std::mem::take(&mut self.sends) {
            self.give(now, Input::Done(task, Done::Failed));
        }
    }

    /// The last receipt's way to the customer.
    fn way(&self) -> Option<DeliveryState> {
        self.deal().receipts.last().and_then(|receipt| receipt.delivery)
    }

    fn compare(&mut self, now: Timestamp, agreement: AgreementId, other: &mut Self) -> Result<Compared, Denied> {
        self.give(now, Input::Command(Request(0), Command::Compare(agreement)));
        assert!(self.answers.is_empty(), "the answer is the other side's");
        exchange(now, self, other);
        match self.answers.pop().expect("the other side has answered") {
            Ok(Answered::Compared(compared)) => Ok(*compared),
            Ok(other) => panic!("{other:?}"),
            Err(denied) => Err(denied),
        }
    }
}

/// Passes everything on until nothing is left to pass on.
fn settle(now: Timestamp, seller: &mut Node, customer: &mut Node) {
    while !seller.sends.is_empty() {
        exchange(now, seller, customer);
    }
}

/// A frame with the link that this seller would sign next, changed.
fn forged(seller: &Node, at: Timestamp, change: impl FnOnce(&mut Receipt)) -> Vec<u8> {
    let deal = seller.deal();
    let last = deal.receipts.last().unwrap();
    let mut next = Receipt {
        sequence: deal.receipts.len() as u32,
        previous: Some(last.id),
        ..last.receipt.clone()
    };
    change(&mut next);
    let record = sign(&seller.seed().seller_key(), at, at.plus(Seconds(9_000)), next).unwrap();
    Frame::Receipt(Bytes::new(record.bytes()).unwrap()).encode()
}

fn why(frame: &Frame) -> Option<Refusal> {
    match frame {
        Frame::Refused { why, .. } => Some(*why),
        _ => None,
    }
}

#[test]
fn what_the_seller_says_the_customer_holds() {
    let (mut customer, mut seller, agreement) = dealt();
    let paid = OrderEvent::Paid {
        reference: Phrase::new("RF18").unwrap(),
    };
    let refund = |minor| OrderEvent::Refunded {
        amount: crate::money::Money::new(minor, crate::money::Currency::GBP),
    };
    let events = [
        paid,
        shipped("1"),
        shipped("2"),
        OrderEvent::Delivered,
        OrderEvent::Returned,
        refund(2_500),
        refund(10_000),
    ];
    for (days, event) in (1..).zip(events) {
        let now = after(days * DAY);
        seller.tell(now, agreement, event).unwrap();
        assert_eq!(seller.way(), Some(DeliveryState::Queued { attempts: 1 }));
        settle(now, &mut seller, &mut customer);
        assert_eq!(seller.way(), Some(DeliveryState::Stored));
        assert_eq!(seller.receipts(), customer.receipts());
    }
    // Each receipt is acknowledged by a letter, one after the other.
    super::talking::settle(after(8 * DAY), &mut customer, &mut seller);
    for node in [&mut seller, &mut customer] {
        assert_eq!(node.deal().order.state, OrderState::Closed);
        let before = node.deal().order;
        node.restart(after(9 * DAY));
        assert_eq!(node.deal().order, before);
        assert!(node.sends.is_empty(), "all of it is there");
    }
    let told = |event: &Event| matches!(event, Event::ReceiptDelivered { refused: None, .. });
    assert_eq!(seller.events.iter().filter(|event| told(event)).count(), 7);
}

#[test]
fn receipts_wait_for_a_customer_who_is_away_and_come_in_their_order() {
    let (mut customer, mut seller, agreement) = dealt();
    for event in [shipped("1"), shipped("2"), OrderEvent::Delivered] {
        seller.tell(after(5), agreement, event).unwrap();
    }
    assert_eq!(seller.sends.len(), 1, "the second only after the first");
    seller.unanswered(after(6));
    assert_eq!(seller.way(), Some(DeliveryState::Queued { attempts: 0 }));
    seller.restart(after(7));
    assert_eq!(seller.sends.len(), 1, "it is taken up where it was");
    customer.restart(after(8));
    settle(after(9), &mut seller, &mut customer);
    assert_eq!(seller.receipts(), customer.receipts());
    assert_eq!(customer.deal().receipts.len(), 4);
    assert!(customer.deal().differences.is_empty());
}

#[test]
fn a_receipt_is_brought_for_weeks_at_last_once_an_hour() {
    let (mut customer, mut seller, agreement) = dealt();
    seller.tell(after(5), agreement, shipped("1")).unwrap();
    let (mut tries, mut waits, mut last, mut now) = (0u64, Vec::new(), after(5), after(5));
    while seller.way() != Some(DeliveryState::Expired) {
        if let Some((task, ..)) = seller.sends.pop() {
            tries += 1;
            waits.extend((tries > 1).then(|| now.since(last)));
            last = now;
            seller.give(now, Input::Done(task, Done::Failed));
        }
        now = seller.market.deadline().expect("it is tried again, or given up");
        seller.give(now, Input::Tick);
    }
    let longest = waits.iter().max().copied().unwrap();
    assert!((HOUR..=HOUR + HOUR / 4).contains(&longest), "{longest} ms");
    assert!(waits[0] < 5_000, "at first it is tried soon again: {} ms", waits[0]);
    assert!((1_500..2_300).contains(&tries), "{tries} tries");
    assert!(now.since(after(5)) >= limits::RECEIPT_POSTING.millis());

    // Something new to say is a reason to try again with what is old.
    seller.tell(now, agreement, OrderEvent::Delivered).unwrap();
    settle(now, &mut seller, &mut customer);
    assert_eq!(seller.receipts(), customer.receipts());
    assert_eq!(seller.way(), Some(DeliveryState::Stored));
}

#[test]
fn no_receipt_leaves_before_it_is_on_disk() {
    let (_, mut seller, agreement) = dealt();
    seller.slow = Some(Vec::new());
    let event = shipped("1");
    seller.give(
        after(5),
        Input::Command(Request(0), Command::Receipt { agreement, event }),
    );
    assert!(seller.sends.is_empty() && seller.answers.is_empty());
    seller.settle(after(6));
    assert_eq!((seller.sends.len(), seller.answers.len()), (1, 1));

    let (_, mut seller, agreement) = dealt();
    seller.full = true;
    let answer = seller.tell(after(5), agreement, shipped("1"));
    assert_eq!(answer, Err(Denied::NotStored));
    assert!(seller.sends.is_empty());
}

#[test]
fn only_the_seller_says_what_becomes_of_an_order_and_only_what_may() {
    let (mut customer, mut seller, agreement) = dealt();
    let denied = customer.tell(after(5), agreement, shipped("1")).unwrap_err();
    assert_eq!(denied, Denied::NotTheSeller);
    let unknown = AgreementId([7; 32]);
    let denied = seller.tell(after(5), unknown, shipped("1")).unwrap_err();
    assert_eq!(denied, Denied::NoAgreement(unknown));
    let first = seller.tell(after(5), agreement, shipped("1")).unwrap();
    let again = seller.tell(after(6), agreement, shipped("1")).unwrap();
    assert_eq!(first, again, "the same word twice is one receipt");
    let denied = seller.tell(after(7), agreement, cancelled()).unwrap_err();
    assert!(denied.is_policy());
    assert_eq!(
        denied.to_string(),
        "an order that is shipped cannot be cancelled: it may be paid, shipped, delivered, returned, refunded"
    );
    assert_eq!(seller.deal().receipts.len(), 2);
}

#[test]
fn a_receipt_that_does_not_follow_is_refused_recorded_and_shown() {
    let (mut customer, mut seller, agreement) = dealt();
    seller.tell(after(5), agreement, shipped("1")).unwrap();
    settle(after(5), &mut seller, &mut customer);
    let cancels = forged(&seller, after(6), |next| next.event = cancelled());
    let shortens = forged(&seller, after(7), |next| {
        next.event = OrderEvent::Delivered;
        next.returns_until = Some(after(8));
    });
    for frame in [&cancels, &shortens, &cancels] {
        assert_eq!(why(&customer.ask(after(9), frame)), Some(Refusal::Changed));
    }
    customer.restart(after(10));
    let deal = customer.deal();
    assert_eq!((deal.receipts.len(), deal.order.state), (2, OrderState::Shipped));
    let fields: Vec<&str> = deal.differences.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["order", "return date"]);
    assert_eq!(deal.differences[0].named, "cancelled");
    let told = customer.events.iter().filter_map(|event| match event {
        Event::Differed { difference, .. } => Some(difference.clone()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<Difference>>(), deal.differences);

    // The honest next link is still welcome.
    seller.tell(after(11), agreement, OrderEvent::Delivered).unwrap();
    settle(after(11), &mut seller, &mut customer);
    assert_eq!(seller.receipts(), customer.receipts());
}

#[test]
fn a_link_that_comes_too_early_is_asked_for_again() {
    let (mut customer, mut seller, agreement) = dealt();
    let skipped = forged(&seller, after(5), |next| {
        next.sequence += 1;
        next.event = OrderEvent::Delivered;
    });
    let reply = customer.ask(after(6), &skipped);
    assert!(matches!(why(&reply), Some(Refusal::Busy { .. })), "{reply:?}");
    assert!(
        customer.deal().differences.is_empty(),
        "nobody can say yet that it is wrong"
    );

    // The customer fell before the seller's yes was on its disk; the parcel is faster than its asking again.
    seller.tell(after(7), agreement, shipped("1")).unwrap();
    let agreed = customer.disk.len();
    let yes = customer.disk.iter().position(|entry| {
        let fact = crate::codec::decode::<crate::ledger::Entry>(&entry.bytes).unwrap().fact;
        matches!(fact, crate::ledger::Fact::Agreed { .. })
    });
    customer.disk.truncate(yes.unwrap());
    assert!(customer.disk.len() < agreed);
    customer.restart(after(8));
    let (task, _, frame) = seller.sends.pop().unwrap();
    let reply = customer.ask(after(8), &frame);
    assert!(matches!(why(&reply), Some(Refusal::Busy { .. })), "{reply:?}");
    seller.give(after(8), Input::Done(task, Done::Replied(reply.encode())));
    exchange(after(9), &mut customer, &mut seller);
    seller.wait(after(60_000));
    settle(after(60_000), &mut seller, &mut customer);
    assert_eq!(seller.receipts(), customer.receipts());
    assert_eq!(customer.deal().receipts.len(), 2);
}

#[test]
fn receipts_follow_a_customer_who_moved_before_the_yes_and_was_heard_after_it() {
    let (mut customer, mut seller, _, offer) = offered();
    customer.publishes.clear();
    customer.name = "elsewhere".into();
    customer.give(after(1), Input::Reachable(path("elsewhere")));
    let moved = customer.publishes.clone();
    let Ok(Answered::Accepted(agreement)) = customer.command(after(2), Command::Accept(offer)) else {
        panic!("a yes")
    };
    exchange(after(2), &mut customer, &mut seller);
    seller.tell(after(3), agreement, shipped("1")).unwrap();
    let (task, to, _) = seller.sends.pop().unwrap();
    assert_eq!(to, path("customer"));
    for (_, topic, bytes) in moved {
        assert_eq!(seller.hear(after(4), topic, &bytes), Verdict::Accept);
    }
    seller.give(after(5), Input::Done(task, Done::Failed));
    seller.wait(after(HOUR));
    let (_, to, _) = seller.sends.pop().expect("it is tried again");
    assert_eq!(to, path("elsewhere"));
    seller.restart(after(HOUR));
    let (_, to, _) = seller.sends.last().expect("and after a restart");
    assert_eq!(*to, path("elsewhere"));
}

#[test]
fn both_sides_of_a_deal_are_compared_over_a_stream() {
    let (mut customer, mut seller, agreement) = dealt();
    let compared = customer.compare(after(5), agreement, &mut seller).unwrap();
    assert_eq!(compared.sameness, Sameness::Same);
    assert_eq!(compared.theirs, Some(compared.ours));
    assert_eq!(compared.ours.bytes, seller.deal().bytes_hash);
    let compared = seller.compare(after(5), agreement, &mut customer).unwrap();
    assert_eq!(compared.sameness, Sameness::Same);

    // A receipt that only one side has is on its way, and no difference.
    seller.tell(after(6), agreement, shipped("1")).unwrap();
    seller.unanswered(after(6));
    let compared = seller.compare(after(7), agreement, &mut customer).unwrap();
    assert_eq!(compared.sameness, Sameness::TheyLack { receipts: 1 });
    let compared = customer.compare(after(7), agreement, &mut seller).unwrap();
    assert_eq!(compared.sameness, Sameness::WeLack { receipts: 1 });
}

#[test]
fn another_chain_on_the_other_side_is_a_difference() {
    let (mut customer, mut seller, agreement) = dealt();
    // The seller tells the customer one thing and keeps another.
    let told = forged(&seller, after(5), |next| next.event = shipped("1"));
    assert!(matches!(customer.ask(after(5), &told), Frame::Stored(_)));
    seller.tell(after(5), agreement, shipped("2")).unwrap();
    seller.unanswered(after(5));
    let compared = customer.compare(after(6), agreement, &mut seller).unwrap();
    let Sameness::Differs { differences } = compared.sameness else {
        panic!("{compared:?}")
    };
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].field, "receipt 2");
    assert_eq!(differences[0].agreed, customer.receipts()[1].to_string());
    assert_eq!(differences[0].named, seller.receipts()[1].to_string());
    // It is kept with the deal, once, however often it is asked.
    customer.compare(after(7), agreement, &mut seller).unwrap();
    customer.restart(after(8));
    assert_eq!(customer.deal().differences, differences);
}

#[test]
fn nobody_but_a_party_learns_that_there_is_a_deal() {
    let (customer, mut seller, agreement) = dealt();
    let ask = |key: &Key, at: Timestamp, agreement| {
        let asked = sign(key, at, at.plus(limits::INQUIRY_LIFE), Inquiry { agreement }).unwrap();
        Frame::Compare(Bytes::new(asked.bytes()).unwrap()).encode()
    };
    let stranger = ask(&Key::from_seed(&[7; 32]), after(5), agreement);
    let nothing = ask(&Key::from_seed(&[7; 32]), after(5), AgreementId([7; 32]));
    let itself = ask(&seller.seed().seller_key(), after(5), agreement);
    for frame in [&stranger, &nothing, &itself] {
        assert_eq!(why(&seller.ask(after(6), frame)), Some(Refusal::Unknown));
    }
    let key = customer.market.key_of(customer.deal().intent).unwrap();
    let frame = ask(&key, after(5), agreement);
    assert!(matches!(seller.ask(after(6), &frame), Frame::Held { receipts: 1, .. }));
    assert_eq!(
        why(&seller.ask(after(6).plus(limits::INQUIRY_LIFE), &frame)),
        Some(Refusal::Expired),
        "what was overheard is soon worth nothing"
    );
    let mut spoiled = frame;
    *spoiled.last_mut().unwrap() ^= 1;
    assert_eq!(why(&seller.ask(after(6), &spoiled)), Some(Refusal::BadSignature));
}

#[test]
fn a_side_that_is_away_or_has_forgotten_is_told_apart() {
    let (mut customer, mut seller, agreement) = dealt();
    customer.give(after(5), Input::Command(Request(0), Command::Compare(agreement)));
    customer.unanswered(after(6));
    assert_eq!(customer.answers.pop(), Some(Err(Denied::Unreached)));
    assert_eq!(
        customer.command(after(6), Command::Compare(AgreementId([7; 32]))),
        Err(Denied::NoAgreement(AgreementId([7; 32])))
    );
    seller.disk.clear();
    seller.restart(after(7));
    let compared = customer.compare(after(8), agreement, &mut seller).unwrap();
    assert_eq!((compared.theirs, compared.sameness), (None, Sameness::Missing));
}
