//! A promise is on disk before it is on the wire; a disk that fails promises nothing.

use super::*;
use crate::market::IntentState;

#[test]
fn nothing_is_said_before_it_is_stored() {
    let mut customer = Node::customer();
    customer.slow = Some(Vec::new());
    let draft = Box::new(draft());
    let nonce = [1; 16];
    customer.give(NOW, Input::Command(Request(0), Command::Cast { draft, nonce }));
    assert!(customer.answers.is_empty() && customer.events.is_empty() && customer.publishes.is_empty());
    assert!(customer.market.is_settling());
    customer.settle(after(5));
    assert_eq!((customer.answers.len(), customer.publishes.len()), (1, 1));
    assert!(matches!(customer.events[..], [Event::Cast { .. }]));
}

#[test]
fn an_offer_is_acknowledged_only_once_it_is_stored() {
    let (mut customer, _, _, frame) = about_to_offer(draft());
    customer.slow = Some(Vec::new());
    let input = Input::Frame {
        exchange: Exchange(0),
        peer: b"seller".to_vec(),
        bytes: frame,
    };
    customer.give(after(1), input);
    assert!(customer.replies.is_empty());
    customer.settle(after(2));
    assert!(matches!(customer.replies[..], [Frame::Stored(_)]));
}

#[test]
fn a_full_disk_refuses_and_promises_nothing() {
    let (mut customer, _, intent, frame) = about_to_offer(draft());
    customer.full = true;
    let events = customer.events.len();
    let Frame::Refused { about, why } = customer.ask(after(1), &frame) else {
        panic!()
    };
    assert_eq!(why, Refusal::NotStored);
    assert_eq!(Some(about), Frame::decode(&frame).unwrap().about());
    assert_eq!(customer.events[events..], [Event::StoreFailed]);
    assert!(customer.market.is_broken());
    assert_eq!(
        customer.command(after(2), Command::Withdraw(intent)),
        Err(Denied::NotStored)
    );
    // Back from what is stored, the same offer is taken.
    customer.full = false;
    customer.restart(after(3));
    assert!(matches!(customer.ask(after(4), &frame), Frame::Stored(_)));
}

#[test]
fn a_cast_that_cannot_be_stored_is_not_cast() {
    let mut customer = Node::customer();
    customer.full = true;
    let draft = Box::new(draft());
    let nonce = [1; 16];
    assert_eq!(
        customer.command(NOW, Command::Cast { draft, nonce }),
        Err(Denied::NotStored)
    );
    assert!(customer.publishes.is_empty());
    assert_eq!(customer.events, [Event::StoreFailed]);
    customer.full = false;
    customer.restart(after(1));
    assert!(customer.market.intents(after(1)).is_empty());
}

#[test]
fn what_comes_in_while_the_disk_is_full_is_not_acted_upon() {
    let (mut customer, mut seller, intent, offer) = offered();
    customer.command(after(1), Command::Accept(offer)).unwrap();
    let (task, _, frame) = customer.sends.pop().unwrap();
    let confirmed = seller.ask(after(2), &frame);
    customer.full = true;
    // Something else breaks the store while the yes is on its way.
    let (_, other, _, another) = about_to_offer(draft());
    let wrong = forged(&other, &another, |offer| offer.intent = intent);
    customer.ask(after(3), &wrong);
    assert!(customer.market.is_broken());
    let events = customer.events.len();
    customer.give(after(4), Input::Done(task, Done::Replied(confirmed.encode())));
    customer.give(after(4), Input::Reachable(path("elsewhere")));
    customer.give(after(5), Input::Tick);
    assert_eq!(customer.events.len(), events, "{:?}", &customer.events[events..]);
    assert!(customer.publishes.is_empty() && customer.sends.is_empty());
    customer.full = false;
    customer.restart(after(6));
    assert_eq!(
        customer.market.intent(after(6), intent).unwrap().state,
        IntentState::Accepted
    );
    exchange(after(6), &mut customer, &mut seller);
    assert_same_deal(&customer, &seller);
}

#[test]
fn an_acceptance_sent_twice_gets_the_same_bytes() {
    let (mut customer, mut seller, _, offer) = offered();
    customer.command(after(1), Command::Accept(offer)).unwrap();
    let (_, _, frame) = customer.sends[0].clone();
    let first = seller.ask(after(2), &frame);
    assert!(matches!(first, Frame::Confirmed { .. }));
    assert_eq!(seller.ask(after(3), &frame).encode(), first.encode());
    seller.restart(after(4));
    assert_eq!(seller.ask(after(5), &frame).encode(), first.encode());
    exchange(after(6), &mut customer, &mut seller);
    assert_same_deal(&customer, &seller);
}

#[test]
fn a_seller_killed_between_store_and_reply_stands_by_its_word() {
    let (mut customer, mut seller, _, offer) = offered();
    customer.command(after(1), Command::Accept(offer)).unwrap();
    let (task, _, frame) = customer.sends.pop().unwrap();
    seller.slow = Some(Vec::new());
    let input = |frame: &[u8]| Input::Frame {
        exchange: Exchange(0),
        peer: b"customer".to_vec(),
        bytes: frame.to_vec(),
    };
    seller.give(after(2), input(&frame));
    let (_, entries) = seller.slow.take().unwrap().remove(0);
    assert!(seller.replies.is_empty());
    seller.disk.extend(entries);
    seller.restart(after(3));
    customer.give(after(4), Input::Done(task, Done::Failed));
    customer.wait(after(HOUR));
    exchange(after(HOUR), &mut customer, &mut seller);
    assert_same_deal(&customer, &seller);
}

#[test]
fn a_seller_killed_before_it_stored_has_promised_nothing_and_agrees_later() {
    let (mut customer, mut seller, _, offer) = offered();
    customer.command(after(1), Command::Accept(offer)).unwrap();
    let (task, _, frame) = customer.sends.pop().unwrap();
    seller.slow = Some(Vec::new());
    seller.give(
        after(2),
        Input::Frame {
            exchange: Exchange(0),
            peer: b"customer".to_vec(),
            bytes: frame,
        },
    );
    assert!(seller.replies.is_empty());
    seller.slow = None;
    seller.restart(after(3));
    assert!(seller.market.agreements().is_empty());
    customer.give(after(4), Input::Done(task, Done::Failed));
    customer.wait(after(HOUR));
    exchange(after(HOUR), &mut customer, &mut seller);
    assert_same_deal(&customer, &seller);
}
