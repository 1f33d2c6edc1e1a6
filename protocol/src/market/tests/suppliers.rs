//! What a customer thinks of sellers, and favourites who hear of a want first.

use super::{
    Node, about_to_offer, after, draft, exchange, gossip, offered, stroller,
    talking::{say, settle},
};
use crate::{
    frame::{Frame, Refusal},
    id::{IntentId, OfferId},
    keys::PublicKey,
    letter::Matter,
    market::{
        About, Answered, Command, Denied, Done, Draft, Event, Input, IntentState, OfferState, SupplierView,
        customer::Change,
    },
    regard::Regard,
    text::Prose,
    time::Seconds,
};

const HEAD_START_MS: u64 = 600_000;

fn think(node: &mut Node, ms: u64, seller: PublicKey, regard: Regard) {
    let told = node.command(after(ms), Command::Regard { seller, regard });
    assert_eq!(told, Ok(Answered::Ok));
}

fn key(seller: &Node) -> PublicKey {
    seller.seed().seller_key().public()
}

fn state(node: &Node, ms: u64, offer: OfferId) -> OfferState {
    node.market.offer(after(ms), offer).unwrap().state
}

fn supplier(node: &Node, ms: u64, seller: PublicKey) -> SupplierView {
    let all = node.market.suppliers(after(ms));
    all.into_iter().find(|view| view.seller == seller).unwrap()
}

fn question(text: &str) -> Matter {
    Matter::Question {
        about: None,
        field: None,
        text: Prose::new(text).unwrap(),
    }
}

/// A customer with a favourite that it knows from an offer, and that wants something again.
fn with_favourite() -> (Node, Node, Node) {
    let (mut customer, favourite, ..) = offered();
    think(&mut customer, 1, key(&favourite), Regard::Favourite);
    customer.publishes.clear();
    customer.events.clear();
    let other = Node::seller("other", vec![stroller("twin-2", "110 GBP")]);
    (customer, favourite, other)
}

fn cast_first(customer: &mut Node) -> IntentId {
    customer.cast(Draft {
        favourites_first: Some(Seconds(600)),
        ..draft()
    })
}

fn offers_to(node: &Node, intent: IntentId) -> usize {
    node.market.offers(after(0), Some(intent)).len()
}

#[test]
fn what_a_blocked_seller_offered_leaves_the_order_and_comes_back_when_that_is_undone() {
    let (mut customer, seller, intent, offer) = offered();
    let seller = key(&seller);
    assert_eq!(customer.market.offer(after(5), offer).unwrap().place, Some(1));
    think(&mut customer, 10, seller, Regard::Blocked);
    for _ in 0..2 {
        let view = customer.market.offer(after(20), offer).unwrap();
        assert_eq!((view.state, view.place), (OfferState::Blocked, None));
        assert_eq!(customer.market.intent(after(20), intent).unwrap().offers, 0);
        assert_eq!(
            customer.command(after(20), Command::Accept(offer)),
            Err(Denied::Blocked(seller))
        );
        let asked = say(&mut customer, after(20), About::Offer(offer), question("Does it fold?"));
        assert_eq!(asked, Err(Denied::Blocked(seller)));
        customer.restart(after(30));
    }
    think(&mut customer, 40, seller, Regard::Plain);
    assert_eq!(state(&customer, 50, offer), OfferState::Open);
    assert!(customer.command(after(60), Command::Accept(offer)).is_ok());
}

#[test]
fn an_offer_of_a_blocked_seller_is_refused_like_one_that_nobody_asked_for() {
    let (mut customer, seller, intent, frame) = about_to_offer(draft());
    think(&mut customer, 1, key(&seller), Regard::Blocked);
    customer.events.clear();
    let answer = customer.ask(after(2), &frame);
    assert!(
        matches!(
            answer,
            Frame::Refused {
                why: Refusal::Unknown,
                ..
            }
        ),
        "{answer:?}"
    );
    assert!(customer.events.is_empty(), "{:?}", customer.events);
    let kept = customer.market.offers(after(3), Some(intent));
    let [view] = &kept[..] else { panic!("{kept:?}") };
    let OfferState::Refused { detail, .. } = &view.state else {
        panic!("{:?}", view.state)
    };
    assert!(detail.contains("blocked"), "the person sees why: {detail}");
}

#[test]
fn a_blocked_sellers_letters_wait_and_nothing_is_lost_once_it_is_not_blocked() {
    let (mut customer, mut seller, intent, offer) = offered();
    let who = key(&seller);
    think(&mut customer, 10, who, Regard::Blocked);
    let thread = About::Offer(offer);
    say(&mut seller, after(20), thread, question("Which colour?")).unwrap();
    exchange(after(20), &mut seller, &mut customer);
    assert!(customer.market.threads(after(21)).is_empty());
    think(&mut customer, 30, who, Regard::Plain);
    seller.wait(after(3_600_000));
    settle(after(3_600_000), &mut customer, &mut seller);
    let threads = customer.market.threads(after(3_600_001));
    assert_eq!(threads[0].letters.len(), 1);
    // And what follows finds its place behind it.
    assert_eq!(customer.market.intent(after(3_600_001), intent).unwrap().offers, 1);
    customer.command(after(3_600_002), Command::Accept(offer)).unwrap();
    settle(after(3_600_003), &mut customer, &mut seller);
    super::assert_same_deal(&customer, &seller);
}

#[test]
fn a_seller_that_is_blocked_under_an_agreement_still_delivers_what_it_owes() {
    let (mut customer, mut seller, _, offer) = offered();
    let Ok(Answered::Accepted(agreement)) = customer.command(after(10), Command::Accept(offer)) else {
        panic!("not accepted")
    };
    // Between our yes and its answer already.
    think(&mut customer, 11, key(&seller), Regard::Blocked);
    settle(after(12), &mut customer, &mut seller);
    super::assert_same_deal(&customer, &seller);
    let event = crate::receipt::OrderEvent::Delivered;
    seller
        .command(after(20), Command::Receipt { agreement, event })
        .unwrap();
    say(
        &mut seller,
        after(21),
        About::Agreement(agreement),
        question("Did it arrive?"),
    )
    .unwrap();
    settle(after(22), &mut customer, &mut seller);
    let view = supplier(&customer, 30, key(&seller));
    assert_eq!(view.regard, Regard::Blocked);
    assert_eq!(view.deals[0].state, crate::order::OrderState::Delivered);
    let threads = customer.market.threads(after(30));
    assert!(threads[0].letters.iter().any(|letter| letter.what == "question"));
    assert!(matches!(state(&customer, 30, offer), OfferState::Agreed { .. }));
}

#[test]
fn what_a_muted_seller_sends_is_taken_and_nothing_is_said_of_it() {
    let (mut customer, mut seller, intent, frame) = about_to_offer(draft());
    think(&mut customer, 1, key(&seller), Regard::Muted);
    customer.events.clear();
    assert!(matches!(customer.ask(after(2), &frame), Frame::Stored(_)));
    let offer = customer.open_offers()[0];
    say(&mut seller, after(3), About::Intent(intent), question("Which colour?")).unwrap();
    exchange(after(3), &mut seller, &mut customer);
    assert_eq!(customer.market.threads(after(4))[0].letters.len(), 1);
    assert!(customer.events.is_empty(), "{:?}", customer.events);
    assert_eq!(customer.market.offer(after(4), offer).unwrap().place, Some(1));
}

#[test]
fn a_supplier_is_shown_with_all_that_was_between_us() {
    let (mut customer, mut seller, _, offer) = offered();
    let who = key(&seller);
    let before = supplier(&customer, 5, who);
    assert_eq!((before.offers, before.deals.len(), before.reachable), (1, 0, true));
    assert_eq!(before.name, "Prams of Lewisham");
    assert_eq!(before.last_heard, Some(after(0)));
    let Ok(Answered::Accepted(agreement)) = customer.command(after(10), Command::Accept(offer)) else {
        panic!("not accepted")
    };
    settle(after(20), &mut customer, &mut seller);
    let rate = Command::Rate {
        agreement,
        stars: 4,
        text: Prose::default(),
    };
    customer.command(after(30), rate.clone()).unwrap();
    settle(after(40), &mut customer, &mut seller);
    customer.command(after(50), rate).unwrap();
    think(&mut customer, 60, who, Regard::Favourite);
    let view = supplier(&customer, 70, who);
    assert_eq!(view.deals[0].agreement, agreement);
    assert_eq!(view.deals[0].stars, Some(4));
    assert_eq!(view.deals[0].total, "125 GBP".parse().unwrap());
    assert_eq!(view.last_heard, Some(after(40)));
    assert_eq!((view.grants_live, view.grants_overdue), (0, 0));
    customer.restart(after(80));
    assert_eq!(supplier(&customer, 70, who), view);
    // The seller itself buys nothing, and so has no suppliers.
    assert!(seller.market.suppliers(after(80)).is_empty());
}

#[test]
fn a_favourite_hears_of_a_want_before_all_others() {
    let (mut customer, mut favourite, mut other) = with_favourite();
    let intent = cast_first(&mut customer);
    let told = |event: &Event| matches!(event, Event::HeadStart { favourites: 1, until, .. } if *until == after(HEAD_START_MS));
    assert!(customer.events.iter().any(told), "{:?}", customer.events);
    assert!(customer.publishes.is_empty(), "nobody else hears of it");
    exchange(after(2), &mut customer, &mut favourite);
    assert!(customer.sends.is_empty(), "told once");
    exchange(after(3), &mut favourite, &mut customer);
    assert_eq!(offers_to(&customer, intent), 1);
    // A listener that comes by now is not told either.
    let topic = *crate::market::relay::topics_of(&draft_intent(&customer, intent))
        .first()
        .unwrap();
    let peer = super::path("other");
    customer.give(
        after(4),
        Input::Joined {
            peer: peer.clone(),
            topic,
        },
    );
    assert!(customer.sends.iter().all(|(_, to, frame)| {
        let Ok(Frame::Tell { records, .. }) = Frame::decode(frame) else {
            return true;
        };
        *to != peer
            || records
                .iter()
                .all(|it| IntentId::from(crate::envelope::record_id(it)) != intent)
    }));
    customer.sends.clear();
    customer.wait(after(HEAD_START_MS));
    assert_eq!(customer.publishes.len(), 1);
    gossip(after(HEAD_START_MS), &mut customer, &mut [&mut favourite, &mut other]);
    exchange(after(HEAD_START_MS), &mut other, &mut customer);
    assert_eq!(offers_to(&customer, intent), 2);
}

fn draft_intent(node: &Node, intent: IntentId) -> crate::intent::Intent {
    node.market.intent(after(0), intent).unwrap().intent
}

#[test]
fn a_head_start_outlives_a_fall_and_a_move() {
    let (mut customer, mut favourite, mut other) = with_favourite();
    let intent = cast_first(&mut customer);
    customer.restart(after(1000));
    assert!(
        customer
            .publishes
            .iter()
            .all(|(_, _, bytes)| { IntentId::from(crate::envelope::record_id(bytes)) != intent })
    );
    customer.publishes.clear();
    // What it had on its way is lost.
    customer.sends.clear();
    // It comes back at another place: the favourite is told of that, and nobody else.
    customer.name = "elsewhere".into();
    customer.give(after(2000), Input::Reachable(super::path("elsewhere")));
    let moved = customer.market.intent(after(2000), intent).unwrap();
    assert_ne!(moved.revision.0, intent.0, "said anew");
    let about_it = |bytes: &[u8]| {
        let record = crate::envelope::record_id(bytes);
        record.0 == intent.0 || record == moved.revision
    };
    assert!(customer.publishes.iter().all(|(_, _, bytes)| !about_it(bytes)));
    exchange(after(3000), &mut customer, &mut favourite);
    exchange(after(4000), &mut favourite, &mut customer);
    assert_eq!(offers_to(&customer, intent), 1);
    customer.publishes.clear();
    customer.wait(after(HEAD_START_MS));
    let published = customer.publishes.iter().filter(|(_, _, bytes)| about_it(bytes));
    assert_eq!(published.count(), 2, "the want, and where it is now");
    gossip(after(HEAD_START_MS), &mut customer, &mut [&mut other]);
    exchange(after(HEAD_START_MS), &mut other, &mut customer);
    // An offer that set out for where the customer was finds nobody there, and goes where it is.
    for (task, ..) in std::mem::take(&mut other.sends) {
        other.give(after(HEAD_START_MS), Input::Done(task, Done::Failed));
    }
    other.wait(after(HEAD_START_MS + 5_000));
    exchange(after(HEAD_START_MS + 5_000), &mut other, &mut customer);
    assert_eq!(offers_to(&customer, intent), 2);
}

#[test]
fn a_want_that_is_over_within_its_head_start_is_never_said_to_all() {
    let (mut customer, mut favourite, _) = with_favourite();
    let intent = cast_first(&mut customer);
    exchange(after(2), &mut customer, &mut favourite);
    customer.command(after(3), Command::Withdraw(intent)).unwrap();
    exchange(after(4), &mut customer, &mut favourite);
    let heard = favourite.market.intent(after(5), intent).unwrap();
    assert_eq!(
        heard.state,
        IntentState::Withdrawn,
        "the favourite hears that it is over"
    );
    customer.wait(after(HEAD_START_MS + 1));
    let about_it = |customer: &Node| {
        let topics = customer.publishes.iter();
        topics
            .filter(|(_, _, bytes)| IntentId::from(crate::envelope::record_id(bytes)) == intent)
            .count()
    };
    assert_eq!((customer.publishes.len(), about_it(&customer)), (0, 0));
    customer.restart(after(HEAD_START_MS + 2));
    assert_eq!(about_it(&customer), 0);
}

#[test]
fn without_a_favourite_in_reach_a_want_is_said_to_all_at_once() {
    let mut customer = Node::customer();
    // One that was never heard of is nowhere.
    think(&mut customer, 0, PublicKey([7; 32]), Regard::Favourite);
    let intent = cast_first(&mut customer);
    assert_eq!(customer.publishes.len(), 1);
    let told = |event: &Event| matches!(event, Event::HeadStart { favourites: 0, .. });
    assert!(customer.events.iter().any(told));
    assert_eq!(customer.market.intent(after(1), intent).unwrap().head_start, None);
}

#[test]
fn a_head_start_as_long_as_the_time_for_offers_is_none() {
    let mut customer = Node::customer();
    let draft = Draft {
        favourites_first: Some(Seconds(2 * 3600)),
        ..draft()
    };
    let told = customer.command(
        after(0),
        Command::Cast {
            draft: Box::new(draft),
            nonce: [1; 16],
        },
    );
    assert!(matches!(told, Err(Denied::Unfit(_))), "{told:?}");
}

#[test]
fn a_change_within_the_head_start_goes_to_favourites_alone() {
    let (mut customer, mut favourite, _) = with_favourite();
    let intent = cast_first(&mut customer);
    exchange(after(2), &mut customer, &mut favourite);
    exchange(after(3), &mut favourite, &mut customer);
    let change = Box::new(Change {
        quantity: Some(2),
        ..Change::default()
    });
    customer.command(after(4), Command::Amend { intent, change }).unwrap();
    assert!(customer.publishes.is_empty());
    exchange(after(5), &mut customer, &mut favourite);
    assert_eq!(draft_intent(&favourite, intent).quantity, 2);
}
