//! Questions, counter-offers, retractions, changes to a deal.

use super::{Node, after, draft, exchange, gossip, offered, rules, stroller};
use crate::{
    frame::Refusal,
    id::{EntryHash, IntentId, OfferId, RecordId},
    letter::{Change, DealChange, Matter, Proposal},
    list::List,
    market::{About, Answered, Command, Denied, Draft, Event, Input, OfferState, Passage, ThreadView},
    money::Money,
    rules::Rules,
    text::{Phrase, Prose},
    thread::Standing,
    time::Timestamp,
};

fn gbp(text: &str) -> Money {
    format!("{text} GBP").parse().unwrap()
}

pub(crate) fn say(node: &mut Node, now: Timestamp, about: About, matter: Matter) -> Result<RecordId, Denied> {
    let matter = Box::new(matter);
    match node.command(now, Command::Say { about, matter })? {
        Answered::Said(letter) => Ok(letter),
        other => panic!("{other:?}"),
    }
}

fn question(text: &str) -> Matter {
    Matter::Question {
        about: None,
        field: None,
        text: Prose::new(text).unwrap(),
    }
}

fn the_thread(node: &Node) -> ThreadView {
    let threads = node.market.threads(after(0));
    assert_eq!(threads.len(), 1);
    threads.into_iter().next().unwrap()
}

/// Passes everything on until nobody has anything more to say.
pub(crate) fn settle(now: Timestamp, customer: &mut Node, seller: &mut Node) {
    for _ in 0..20 {
        exchange(now, customer, seller);
        exchange(now, seller, customer);
    }
    assert!(customer.sends.is_empty() && seller.sends.is_empty());
}

/// As `offered`, with three rounds of haggling and rules that go down by a tenth.
fn haggling() -> (Node, Node, IntentId, OfferId) {
    let mut customer = Node::customer();
    let rules = Rules {
        haggle_basis_points: 9_000,
        ..rules()
    };
    let mut seller = Node::selling("seller", rules, vec![stroller("twin-1", "120 GBP")]);
    let intent = customer.cast(Draft {
        max_rounds: 3,
        ..draft()
    });
    gossip(after(0), &mut customer, &mut [&mut seller]);
    exchange(after(0), &mut seller, &mut customer);
    let offer = customer.open_offers()[0];
    (customer, seller, intent, offer)
}

fn counter(offer: OfferId, total: &str) -> Matter {
    Matter::Counter {
        offer,
        round: 0,
        changes: List::cut([Change::Total(gbp(total))]),
    }
}

#[test]
fn a_question_about_an_offer_is_answered_and_both_hold_the_same_letters() {
    let (mut customer, mut seller, _, offer) = offered();
    let asked = say(&mut customer, after(10), About::Offer(offer), question("Does it fold?")).unwrap();
    assert_eq!(
        the_thread(&customer).letters[0].passage,
        Some(Passage::Sent { attempts: 1 })
    );
    settle(after(10), &mut customer, &mut seller);
    assert_eq!(the_thread(&customer).letters[0].passage, Some(Passage::Stored));
    let answer = Matter::Answer {
        question: asked,
        text: Prose::new("In one hand.").unwrap(),
        to_all: false,
    };
    say(&mut seller, after(20), About::Offer(offer), answer.clone()).unwrap();
    let again = say(&mut seller, after(21), About::Offer(offer), answer);
    assert!(matches!(again, Err(Denied::Unfitting(_))), "{again:?}");
    settle(after(20), &mut customer, &mut seller);
    let (ours, theirs) = (the_thread(&customer), the_thread(&seller));
    assert_eq!(ours.id, theirs.id);
    let ids = |view: &ThreadView| view.letters.iter().map(|letter| letter.id).collect::<Vec<_>>();
    assert_eq!(ids(&ours), ids(&theirs));
    assert_eq!(ours.letters[0].passage, Some(Passage::Seen));
    customer.restart(after(30));
    seller.restart(after(30));
    assert_eq!(ids(&the_thread(&customer)), ids(&the_thread(&seller)));
}

#[test]
fn a_seller_asks_before_it_offers_and_a_stranger_to_the_want_may_not() {
    let mut customer = Node::customer();
    let mut seller = Node::selling("asker", rules(), Vec::new());
    let intent = customer.cast(draft());
    gossip(after(0), &mut customer, &mut [&mut seller]);
    let asked = say(&mut seller, after(5), About::Intent(intent), question("Side by side?")).unwrap();
    settle(after(5), &mut customer, &mut seller);
    let thread = the_thread(&customer);
    assert_eq!(thread.letters[0].id, asked);
    let answer = Matter::Answer {
        question: asked,
        text: Prose::new("One behind the other.").unwrap(),
        to_all: false,
    };
    let id = crate::letter::ThreadId {
        intent,
        seller: thread.seller,
    };
    say(&mut customer, after(6), About::Thread(id), answer).unwrap();
    settle(after(6), &mut customer, &mut seller);
    assert_eq!(the_thread(&seller).letters.len(), 2);
    customer.command(after(7), Command::Withdraw(intent)).unwrap();
    let mut late = Node::selling("late", rules(), Vec::new());
    gossip(after(7), &mut customer, &mut [&mut late]);
    assert!(say(&mut late, after(8), About::Intent(intent), question("Still?")).is_err());
}

#[test]
fn a_counter_offer_is_met_half_way_and_then_at_the_floor_and_then_agreed() {
    let (mut customer, mut seller, _, first) = haggling();
    // 125 all in; the floor is 112.50.
    say(&mut customer, after(10), About::Offer(first), counter(first, "100")).unwrap();
    settle(after(10), &mut customer, &mut seller);
    let second = customer.open_offers();
    assert_eq!(second.len(), 1, "the first is no more");
    let view = |node: &Node, id| node.market.offer(after(10), id).unwrap();
    assert_eq!(view(&customer, second[0]).offer.unwrap().totals.landed(), gbp("118.75"));
    assert_eq!(view(&customer, first).state, OfferState::Revised { by: second[0] });
    assert_eq!(view(&seller, first).state, OfferState::Revised { by: second[0] });
    assert!(matches!(
        customer.command(after(11), Command::Accept(first)),
        Err(Denied::Revised(_))
    ));
    say(
        &mut customer,
        after(12),
        About::Offer(second[0]),
        counter(second[0], "115"),
    )
    .unwrap();
    settle(after(12), &mut customer, &mut seller);
    let third = customer.open_offers()[0];
    assert_eq!(view(&customer, third).offer.unwrap().totals.landed(), gbp("115"));
    let fourth = say(&mut customer, after(13), About::Offer(third), counter(third, "90")).unwrap();
    settle(after(13), &mut customer, &mut seller);
    let last = customer.open_offers()[0];
    assert_eq!(view(&customer, last).offer.unwrap().totals.landed(), gbp("112.50"));
    let more = say(&mut customer, after(14), About::Offer(last), counter(last, "80"));
    assert!(
        matches!(more, Err(Denied::Unfitting(ref why)) if why.contains('3')),
        "{more:?}"
    );
    assert_ne!(fourth, RecordId::default());
    customer.command(after(15), Command::Accept(last)).unwrap();
    settle(after(15), &mut customer, &mut seller);
    super::assert_same_deal(&customer, &seller);
    assert_eq!(customer.market.agreements()[0].agreed.totals.landed(), gbp("112.50"));
}

#[test]
fn an_offer_taken_back_cannot_be_accepted_and_a_yes_that_crossed_is_refused() {
    let (mut customer, mut seller, _, offer) = offered();
    seller.command(after(10), Command::Retract(offer)).unwrap();
    customer.command(after(11), Command::Accept(offer)).unwrap();
    // The yes arrives before the customer has heard.
    exchange(after(12), &mut customer, &mut seller);
    settle(after(13), &mut customer, &mut seller);
    assert!(customer.market.agreements().is_empty() && seller.market.agreements().is_empty());
    assert!(customer.open_offers().is_empty());
    let refused = |event: &Event| matches!(event, Event::AcceptanceRefused { .. });
    assert!(customer.events.iter().any(refused));
}

/// A deal, settled, with the first receipt acknowledged.
pub(crate) fn agreed() -> (Node, Node, crate::id::AgreementId) {
    let (mut customer, mut seller, _, offer) = offered();
    customer.command(after(10), Command::Accept(offer)).unwrap();
    settle(after(10), &mut customer, &mut seller);
    let id = customer.market.agreements()[0].id;
    (customer, seller, id)
}

fn proposal(agreement: crate::id::AgreementId, from: &str, to: &str) -> Matter {
    Matter::Proposal(Proposal {
        agreement,
        version: EntryHash::default(),
        changes: List::cut([DealChange::Total {
            from: gbp(from),
            to: gbp(to),
        }]),
        why: Phrase::new("the colour is sold out").unwrap(),
    })
}

#[test]
fn a_deal_changes_by_two_words_and_never_by_one() {
    let (mut customer, mut seller, id) = agreed();
    let about = About::Agreement(id);
    let wrong = say(&mut seller, after(20), about, proposal(id, "1", "110"));
    assert!(
        matches!(wrong, Err(Denied::Unfitting(ref why)) if why.contains("total")),
        "{wrong:?}"
    );
    let proposed = say(&mut seller, after(20), about, proposal(id, "125", "110")).unwrap();
    settle(after(20), &mut customer, &mut seller);
    let deal = |node: &Node| the_thread(node).deal.unwrap();
    assert_eq!(deal(&customer).total, gbp("125"), "one word changes nothing");
    let verdict = |yes| Matter::Verdict {
        proposal: proposed,
        yes,
    };
    assert!(
        say(&mut seller, after(21), about, verdict(true)).is_err(),
        "nobody answers themselves"
    );
    say(&mut customer, after(22), about, verdict(true)).unwrap();
    settle(after(22), &mut customer, &mut seller);
    for node in [&customer, &seller] {
        assert_eq!(deal(node).total, gbp("110"));
        assert_eq!(deal(node).changes, [proposed]);
    }
    assert_eq!(deal(&customer).version, deal(&seller).version);
}

#[test]
fn of_two_proposals_that_cross_the_customers_stands_on_both_sides() {
    let (mut customer, mut seller, id) = agreed();
    let about = About::Agreement(id);
    let ours = say(&mut customer, after(20), about, proposal(id, "125", "100")).unwrap();
    let theirs = say(&mut seller, after(20), about, proposal(id, "125", "140")).unwrap();
    settle(after(20), &mut customer, &mut seller);
    let yes = |proposal| Matter::Verdict { proposal, yes: true };
    assert!(say(&mut customer, after(21), about, yes(theirs)).is_err());
    say(&mut seller, after(21), about, yes(ours)).unwrap();
    settle(after(21), &mut customer, &mut seller);
    for node in [&customer, &seller] {
        let thread = the_thread(node);
        assert_eq!(thread.deal.unwrap().total, gbp("100"));
        let standings: Vec<_> = thread.proposals.iter().map(|it| it.standing).collect();
        assert_eq!(standings, [Standing::Taken, Standing::Crossed]);
    }
}

#[test]
fn a_customer_who_has_moved_is_found_again() {
    let (mut customer, mut seller, id) = agreed();
    customer.name = "elsewhere".into();
    let reply = super::path("elsewhere");
    customer.give(after(100), Input::Reachable(reply.clone()));
    // Our own story passes by name: the letter went to the seller, and its next one goes to the new place.
    exchange(after(100), &mut customer, &mut seller);
    say(&mut seller, after(110), About::Agreement(id), question("Which bell?")).unwrap();
    assert!(seller.sends.iter().all(|(_, to, _)| *to == reply), "{:?}", seller.sends);
}

#[test]
fn letters_wait_for_the_one_before_them_and_go_in_order() {
    let (mut customer, mut seller, _, offer) = offered();
    let first = say(&mut customer, after(10), About::Offer(offer), question("One?")).unwrap();
    say(&mut customer, after(11), About::Offer(offer), question("Two?")).unwrap();
    assert_eq!(customer.sends.len(), 1, "the second waits");
    let passages: Vec<_> = the_thread(&customer).letters.iter().map(|it| it.passage).collect();
    assert_eq!(passages, [Some(Passage::Sent { attempts: 1 }), Some(Passage::Queued)]);
    settle(after(12), &mut customer, &mut seller);
    assert_eq!(the_thread(&seller).letters[0].id, first);
    assert_eq!(the_thread(&seller).letters.len(), 2);
}

#[test]
fn a_rating_is_under_a_key_that_the_seller_signed_and_names_nobody() {
    let (mut customer, mut seller, id) = agreed();
    let rate = |stars| Command::Rate {
        agreement: id,
        stars,
        text: Prose::new("It folds.").unwrap(),
    };
    assert!(matches!(customer.command(after(20), rate(5)), Ok(Answered::Said(_))));
    settle(after(20), &mut customer, &mut seller);
    assert!(matches!(customer.command(after(21), rate(9)), Err(Denied::Unfit(_))));
    assert!(matches!(customer.command(after(21), rate(5)), Ok(Answered::Rated(_))));
    assert!(
        seller.command(after(22), rate(1)).is_err(),
        "the seller does not rate itself"
    );
    let deal = &customer.market.agreements()[0];
    let shown = deal.rating.as_ref().unwrap();
    let bytes = crate::id::unhex(&shown.record).unwrap();
    let rating = crate::envelope::open::<crate::rating::Rating>(&bytes).unwrap();
    assert_eq!(rating.of().unwrap().0, deal.seller);
    assert_ne!(rating.header().author, deal.customer);
    for told in [deal.customer.0, id.0, deal.intent.0, deal.offer.0] {
        assert!(!bytes.windows(32).any(|window| window == told));
    }
    customer.restart(after(30));
    assert_eq!(customer.market.agreements()[0].rating.as_ref().unwrap().id, shown.id);
}

#[test]
fn a_counter_offer_is_answered_when_the_time_for_offers_is_over_and_every_place_is_filled() {
    let mut customer = Node::customer();
    let rules = Rules {
        haggle_basis_points: 9_000,
        ..rules()
    };
    let mut seller = Node::selling("seller", rules, vec![stroller("twin-1", "120 GBP")]);
    let want = Draft {
        max_rounds: 3,
        max_offers: 1,
        ..draft()
    };
    let late = want.offers_due.plus_millis(1);
    customer.cast(want);
    gossip(after(0), &mut customer, &mut [&mut seller]);
    exchange(after(0), &mut seller, &mut customer);
    let first = customer.open_offers()[0];
    say(&mut customer, late, About::Offer(first), counter(first, "115")).unwrap();
    settle(late, &mut customer, &mut seller);
    let open = customer.open_offers();
    assert_eq!(open.len(), 1, "{:?}", customer.refusals());
    assert_ne!(open[0], first);
}

#[test]
fn an_offer_taken_back_before_it_arrived_holds_nothing_up() {
    let mut customer = Node::customer();
    let mut seller = Node::selling("seller", rules(), vec![stroller("twin-1", "120 GBP")]);
    customer.cast(draft());
    gossip(after(0), &mut customer, &mut [&mut seller]);
    let offer = seller.market.offers(after(0), None)[0].id;
    // The offer is lost on the way, and nobody sends it again.
    seller.sends.clear();
    seller.command(after(10), Command::Retract(offer)).unwrap();
    settle(after(10), &mut customer, &mut seller);
    assert_eq!(the_thread(&seller).letters[0].passage, Some(Passage::Stored));
    assert_eq!(the_thread(&customer).letters.len(), 1);
    // The offer was never there, so the letter says where its author is.
    let thread = About::Thread(thread_of(&customer));
    say(&mut customer, after(20), thread, question("Why?")).unwrap();
    settle(after(20), &mut customer, &mut seller);
    assert_eq!(the_thread(&seller).letters.len(), 2);
}

#[test]
fn whoever_is_not_heard_out_learns_it_and_writes_no_more_into_the_void() {
    let mut customer = Node::customer();
    let mut seller = Node::selling("asker", rules(), Vec::new());
    let intent = customer.cast(draft());
    gossip(after(0), &mut customer, &mut [&mut seller]);
    for text in ["Side by side?", "Or one behind the other?"] {
        say(&mut seller, after(5), About::Intent(intent), question(text)).unwrap();
    }
    customer.command(after(6), Command::Withdraw(intent)).unwrap();
    exchange(after(7), &mut seller, &mut customer);
    let why = Refusal::Expired;
    let passages: Vec<_> = the_thread(&seller).letters.iter().map(|it| it.passage).collect();
    assert_eq!(passages, [Some(Passage::Failed { why }), Some(Passage::Failed { why })]);
    let more = say(&mut seller, after(8), About::Intent(intent), question("Hello?"));
    assert!(matches!(more, Err(Denied::Unfitting(_))), "{more:?}");
    seller.restart(after(9));
    assert!(seller.sends.is_empty());
}

fn thread_of(node: &Node) -> crate::letter::ThreadId {
    let ThreadView { intent, seller, .. } = the_thread(node);
    crate::letter::ThreadId { intent, seller }
}
