//! What every node does for all: judge once, pass on the good, keep what is open.

use super::*;
use crate::{intent::Withdrawal, limits, market::relay::topics_of};

/// A want, its topic and its bytes as they are gossiped.
fn said(customer: &mut Node) -> (IntentId, Topic, Vec<u8>) {
    let intent = customer.cast(draft());
    let (_, topic, bytes) = customer.publishes[0].clone();
    (intent, topic, bytes)
}

#[test]
fn a_good_message_is_passed_on_once() {
    let (_, topic, bytes) = said(&mut Node::customer());
    let mut relay = Node::customer();
    assert_eq!(relay.hear(NOW, topic, &bytes), Verdict::Accept);
    assert_eq!(relay.hear(NOW, topic, &bytes), Verdict::Ignore);
    assert_eq!(relay.market.status(NOW).relayed_intents, 1);
}

#[test]
fn a_spoiled_copy_does_not_censor_the_good_one() {
    let (_, topic, bytes) = said(&mut Node::customer());
    let mut relay = Node::customer();
    let mut spoiled = bytes.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    assert_eq!(relay.hear(NOW, topic, &spoiled), Verdict::Reject);
    assert_eq!(relay.hear(NOW, topic, &bytes), Verdict::Accept);
}

#[test]
fn a_message_on_a_topic_that_is_not_its_own_goes_no_further() {
    let (_, topic, bytes) = said(&mut Node::customer());
    let other = Topic::all().find(|other| *other != topic).unwrap();
    let mut relay = Node::customer();
    assert_eq!(relay.hear(NOW, other, &bytes), Verdict::Reject);
    assert_eq!(relay.hear(NOW, topic, &bytes), Verdict::Accept);
}

#[test]
fn what_hangs_on_clocks_is_nobodys_fault() {
    let (_, topic, bytes) = said(&mut Node::customer());
    let mut relay = Node::customer();
    let early = Timestamp(NOW.0 - limits::CLOCK_SKEW.millis() - 1);
    assert_eq!(relay.hear(early, topic, &bytes), Verdict::Ignore);
    assert_eq!(relay.hear(after(24 * HOUR), topic, &bytes), Verdict::Ignore);
    assert_eq!(relay.hear(after(24 * HOUR - 1), topic, &bytes), Verdict::Accept);
}

#[test]
fn a_withdrawal_that_overtakes_its_intent_waits_for_it() {
    let mut customer = Node::customer();
    let (intent, topic, bytes) = said(&mut customer);
    customer.command(after(1), Command::Withdraw(intent)).unwrap();
    let (_, _, withdrawal) = customer.publishes.last().cloned().unwrap();
    let mut relay = Node::customer();
    assert_eq!(relay.hear(after(1), topic, &withdrawal), Verdict::Ignore);
    assert_eq!(relay.hear(after(2), topic, &bytes), Verdict::Accept);
    let pull = Frame::Pull { topic, after: None }.encode();
    assert!(matches!(relay.ask(after(4), &pull), Frame::Open { records, more: false } if records.is_empty()));
}

#[test]
fn nobody_withdraws_what_another_wants() {
    let (intent, topic, bytes) = said(&mut Node::customer());
    let mut relay = Node::customer();
    relay.hear(NOW, topic, &bytes);
    let stranger = Seed::new([9; 32]).intent_key(&[9; 16]);
    let forged = sign(&stranger, NOW, after(HOUR), Withdrawal { intent }).unwrap();
    assert_eq!(relay.hear(NOW, topic, forged.bytes()), Verdict::Reject);
    let pull = Frame::Pull { topic, after: None }.encode();
    assert!(matches!(relay.ask(NOW, &pull), Frame::Open { records, .. } if records.len() == 1));
}

#[test]
fn a_late_listener_pulls_what_is_open() {
    let mut customer = Node::customer();
    let (_, topic, bytes) = said(&mut customer);
    let mut relay = Node::customer();
    relay.name = "relay".into();
    relay.hear(NOW, topic, &bytes);
    let mut late = Node::seller("late", vec![stroller("twin-1", "120 GBP")]);
    late.give(
        after(HOUR),
        Input::Joined {
            peer: path("relay"),
            topic,
        },
    );
    exchange(after(HOUR), &mut late, &mut relay);
    exchange(after(HOUR), &mut late, &mut customer);
    assert_eq!(customer.open_offers().len(), 1);
}

#[test]
fn a_want_outlives_the_only_one_who_heard_it() {
    let mut customer = Node::customer();
    let (intent, topic, bytes) = said(&mut customer);
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    let came = |name: &str| Input::Joined {
        peer: path(name),
        topic,
    };
    // It was heard, and all that was heard is lost: what gossip brought once it does not bring again.
    seller.hear(NOW, topic, &bytes);
    let (task, ..) = customer.publishes.pop().unwrap();
    customer.give(NOW, Input::Done(task, Done::Published(1)));
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    customer.give(after(1), Input::Gone(b"seller".to_vec()));
    customer.give(after(2), came("seller"));
    assert!(customer.publishes.is_empty());
    exchange(after(3), &mut customer, &mut seller);
    exchange(after(4), &mut seller, &mut customer);
    assert_eq!(customer.open_offers().len(), 1);
    // Once a meeting; and what is over is told to nobody.
    customer.give(after(5), came("seller"));
    assert!(customer.sends.is_empty());
    customer.command(after(6), Command::Withdraw(intent)).unwrap();
    customer.sends.clear();
    customer.give(after(7), came("another"));
    assert!(customer.sends.is_empty());
}

#[test]
fn what_is_told_is_judged_like_gossip() {
    let mut customer = Node::customer();
    let (_, topic, bytes) = said(&mut customer);
    let mut spoiled = bytes.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    seller.command(NOW, Command::Listen([topic].into())).unwrap();
    let other = Topic::all().find(|other| *other != topic);
    let tell = |topic, bytes: &[u8]| {
        let records = List::cut([Bytes::new(bytes).unwrap()]);
        Frame::Tell { topic, records }.encode()
    };
    seller.ask(NOW, &tell(topic, &spoiled));
    assert!(seller.sends.is_empty());
    let elsewhere = seller.ask(NOW, &tell(other.unwrap(), &bytes));
    assert!(matches!(
        elsewhere,
        Frame::Refused {
            why: Refusal::Unknown,
            ..
        }
    ));
    seller.ask(NOW, &tell(topic, &bytes));
    assert_eq!(seller.sends.len(), 1, "an offer");
    seller.ask(NOW, &tell(topic, &bytes));
    assert_eq!(seller.sends.len(), 1, "twice is once");
}

#[test]
fn what_is_told_counts_as_gossip_does() {
    let (_, topic, bytes) = said(&mut Node::customer());
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    seller.command(NOW, Command::Listen([topic].into())).unwrap();
    let tell = |record: &[u8], times: usize| {
        let records = List::cut((0..times).map(|_| Bytes::new(record).unwrap()));
        Frame::Tell { topic, records }.encode()
    };
    let busy = |frame| {
        let why = Refusal::Busy {
            retry: crate::time::Seconds(60),
        };
        matches!(frame, Frame::Refused { why: told, .. } if told == why)
    };
    let frames = limits::GOSSIP_PER_MINUTE as usize / limits::PULL;
    assert!(
        frames < limits::FRAMES_PER_MINUTE as usize,
        "else the frames alone are the bound"
    );
    for _ in 0..frames {
        assert!(!busy(seller.ask(NOW, &tell(b"\x01", limits::PULL))));
    }
    assert!(busy(seller.ask(NOW, &tell(b"\x01", limits::PULL))), "over its rate");
    assert!(busy(seller.ask(NOW, &tell(&bytes, 1))));
    assert!(seller.sends.is_empty(), "what comes beyond its rate is not looked at");
    // A fiftieth of a second's worth of gossip is one record.
    assert!(busy(seller.ask(after(20), &tell(&bytes, 2))));
    assert_eq!(seller.sends.len(), 1, "and what comes within it is");
}

#[test]
fn a_late_listener_pulls_page_after_page() {
    let mut customer = Node::customer();
    let mut relay = Node::customer();
    relay.name = "relay".into();
    let wants = 80;
    for _ in 0..wants {
        let intent = customer.cast(draft());
        let (_, topic, bytes) = customer.publishes.pop().unwrap();
        assert_eq!(relay.hear(NOW, topic, &bytes), Verdict::Accept, "{intent}");
    }
    let topic = *topics_of(&customer.market.intents(NOW)[0].intent).first().unwrap();
    let mut late = Node::seller("late", vec![stroller("twin-1", "120 GBP")]);
    late.give(
        NOW,
        Input::Joined {
            peer: path("relay"),
            topic,
        },
    );
    let mut pages = 0;
    while late.sends.iter().any(|(_, to, _)| *to == path("relay")) {
        exchange(NOW, &mut late, &mut relay);
        pages += 1;
    }
    assert!(pages > 1);
    exchange(NOW, &mut late, &mut customer);
    assert_eq!(customer.open_offers().len(), wants);
}

#[test]
fn a_peer_that_brings_too_much_is_not_heard_for_a_while() {
    let (_, topic, bytes) = said(&mut Node::customer());
    let mut relay = Node::customer();
    for _ in 0..limits::GOSSIP_PER_MINUTE {
        relay.hear(NOW, topic, b"\x01");
    }
    assert_eq!(relay.hear(NOW, topic, &bytes), Verdict::Ignore, "over its rate");
    assert_eq!(relay.hear(after(1000), topic, &bytes), Verdict::Accept);
}

#[test]
fn a_peer_that_asks_too_much_is_told_to_wait() {
    let mut node = Node::customer();
    let pull = Frame::Pull {
        topic: Topic::all().next().unwrap(),
        after: None,
    }
    .encode();
    for _ in 0..limits::FRAMES_PER_MINUTE {
        assert!(matches!(node.ask(NOW, &pull), Frame::Open { .. }));
    }
    let busy = |frame| {
        matches!(
            frame,
            Frame::Refused {
                why: Refusal::Busy { .. },
                ..
            }
        )
    };
    assert!(busy(node.ask(NOW, &pull)));
    assert!(!busy(node.ask(after(1000), &pull)));
}

#[test]
fn bytes_that_are_not_ours_are_rejected() {
    let topic = Topic::all().next().unwrap();
    let mut relay = Node::customer();
    for bytes in [&b""[..], b"\x01", b"\x01\x01", b"\x01\x09junk", &[1; 9000]] {
        assert_eq!(relay.hear(NOW, topic, bytes), Verdict::Reject, "{bytes:?}");
    }
    assert_eq!(
        relay.hear(NOW, topic, b"\x02a later version"),
        Verdict::Ignore,
        "what we do not speak others may"
    );
}

#[test]
fn what_is_over_is_forgotten() {
    let (_, topic, bytes) = said(&mut Node::customer());
    let mut relay = Node::customer();
    relay.hear(NOW, topic, &bytes);
    relay.wait(after(25 * HOUR));
    assert_eq!(relay.market.status(after(25 * HOUR)).relayed_intents, 0);
}
