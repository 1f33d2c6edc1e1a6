//! What only looks like an offer: refused, recorded, shown as a claim.

use super::*;
use crate::market::OfferState;

/// The reply, and that the customer shows the refusal with the claim that was made.
fn refused(customer: &mut Node, intent: Option<IntentId>, frame: &[u8]) -> Refusal {
    let Frame::Refused { about, why } = customer.ask(after(1), frame) else {
        panic!("taken")
    };
    assert!(customer.open_offers().is_empty());
    for _ in 0..2 {
        let shown = customer.market.offers(after(2), None);
        let shown = shown.iter().find(|view| view.id.0 == about.0).expect("shown");
        assert_eq!(shown.intent, intent);
        assert!(matches!(&shown.state, OfferState::Refused { why: said, .. } if *said == why));
        customer.restart(after(2));
    }
    assert_eq!(customer.refusals(), [why]);
    why
}

#[test]
fn a_forged_signature_is_refused_and_shown() {
    let (mut customer, _, intent, frame) = about_to_offer(draft());
    let mut spoiled = frame.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&mut customer, Some(intent), &spoiled), Refusal::BadSignature);
    assert!(
        matches!(customer.ask(after(3), &frame), Frame::Stored(_)),
        "the spoiled copy does not censor the good one"
    );
}

#[test]
fn an_offer_to_another_intent_is_refused() {
    let (mut customer, seller, _, frame) = about_to_offer(draft());
    let wrong = forged(&seller, &frame, |offer| offer.intent = IntentId([7; 32]));
    assert_eq!(refused(&mut customer, None, &wrong), Refusal::Unknown);
}

#[test]
fn an_offer_to_a_version_that_was_never_said_is_refused() {
    let (mut customer, seller, intent, frame) = about_to_offer(draft());
    let wrong = forged(&seller, &frame, |offer| offer.revision = RecordId([7; 32]));
    assert_eq!(refused(&mut customer, Some(intent), &wrong), Refusal::Superseded);
}

#[test]
fn an_offer_without_a_signature_over_the_terms_is_refused() {
    let (mut customer, seller, intent, frame) = about_to_offer(draft());
    let fewer = TermsSet::of(&["SD-BASE"]).unwrap().hash();
    let wrong = forged(&seller, &frame, |offer| offer.terms = fewer);
    assert_eq!(refused(&mut customer, Some(intent), &wrong), Refusal::Terms);
}

#[test]
fn an_offer_that_asks_for_data_it_may_not_ask_is_refused() {
    let (mut customer, seller, intent, frame) = about_to_offer(draft());
    let wrong = forged(&seller, &frame, |offer| {
        offer.needs = List::cut([crate::offer::Need {
            strand: Word::new("phone").unwrap(),
            purpose: Phrase::new("to call").unwrap(),
        }]);
    });
    assert_eq!(refused(&mut customer, Some(intent), &wrong), Refusal::Terms);
}

#[test]
fn an_offer_over_the_budget_is_refused_and_says_by_how_much() {
    let (mut customer, seller, intent, frame) = about_to_offer(draft());
    let wrong = forged(&seller, &frame, |offer| {
        offer.totals.delivery += 2501;
        offer.totals.total += 2501;
    });
    assert_eq!(refused(&mut customer, Some(intent), &wrong), Refusal::NotAdmitted);
    let shown = customer.market.offers(after(2), Some(intent)).remove(0);
    let OfferState::Refused { detail, .. } = shown.state else {
        panic!()
    };
    assert!(detail.contains("150.01 GBP"), "{detail}");
    assert!(!shown.admission.unwrap().admitted());
}

#[test]
fn totals_that_do_not_add_up_are_never_signed() {
    let (_, seller, _, frame) = about_to_offer(draft());
    let Ok(Frame::Offer(bytes)) = Frame::decode(&frame) else {
        panic!()
    };
    let mut offer = open::<Offer>(&bytes).unwrap().body().clone();
    offer.totals.total -= 1;
    let signed = sign(&seller.seed().seller_key(), NOW, after(HOUR), offer);
    assert!(matches!(
        signed,
        Err(crate::fault::Fault::Invalid { field: "totals", .. })
    ));
}

#[test]
fn bytes_that_are_not_ours_are_refused_without_a_trace_on_disk() {
    let mut customer = Node::customer();
    for bytes in [&b""[..], b"\x00", b"\x01", b"\x01\xff\xff\xff", &[1; 20_000]] {
        let reply = customer.ask(NOW, bytes);
        assert!(matches!(
            reply,
            Frame::Refused {
                why: Refusal::Malformed,
                ..
            }
        ));
    }
    assert!(customer.disk.is_empty());
}

#[test]
fn a_flood_of_forgeries_fills_no_disk() {
    let (mut customer, seller, intent, frame) = about_to_offer(draft());
    let cap = crate::limits::REFUSALS_PER_INTENT;
    for n in 0..cap as u64 + 20 {
        let wrong = forged(&seller, &frame, |offer| {
            offer.totals.goods += 100_000;
            offer.totals.total += 100_000;
            offer.lines = List::cut(offer.lines.iter().cloned().map(|line| crate::offer::Line {
                unit_minor: line.unit_minor + 100_000,
                ..line
            }));
            offer.deliver_by = after(n);
        });
        customer.ask(after(n), &wrong);
    }
    assert_eq!(customer.market.intent(NOW, intent).unwrap().refused, cap);
    assert_eq!(
        customer.disk.len(),
        2 + cap,
        "the cast, that it was heard, and so many refusals"
    );
}

#[test]
fn a_confirmation_by_somebody_else_is_no_agreement() {
    let (mut customer, mut seller, _, offer) = offered();
    let mut impostor = Node::seller("impostor", Vec::new());
    customer.command(after(1), Command::Accept(offer)).unwrap();
    let (task, _, frame) = customer.sends.pop().unwrap();
    let Frame::Confirmed { confirmation, receipt } = seller.ask(after(1), &frame) else {
        panic!()
    };
    let said = open::<crate::deed::Confirmation>(&confirmation).unwrap();
    let header = said.header();
    let key = impostor.seed().seller_key();
    let signed = sign(&key, header.created, header.expires, said.body().clone()).unwrap();
    let reply = Frame::Confirmed {
        confirmation: Bytes::new(signed.bytes()).unwrap(),
        receipt,
    };
    customer.give(after(2), Input::Done(task, Done::Replied(reply.encode())));
    assert!(customer.market.agreements().is_empty());
    assert!(matches!(
        impostor.ask(after(3), &frame),
        Frame::Refused {
            why: Refusal::Unknown,
            ..
        }
    ));
}
