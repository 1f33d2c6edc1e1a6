//! Conversations that were lost whole with a device, and words that come late.

use super::{
    Node, after,
    catching_up::{DAY, LATER, answer, id_of, question, thread},
    draft, exchange, gossip, rules,
    talking::{say, settle},
};
use crate::{
    envelope::sign,
    frame::{Frame, Refusal},
    id::RecordId,
    keys::Key,
    letter::{Letter, ThreadId},
    limits,
    list::Bytes,
    market::About,
};

#[test]
fn a_word_that_was_refused_and_is_held_after_all_stops_no_other() {
    let mut customer = Node::customer();
    let mut asker = Node::selling("asker", rules(), Vec::new());
    let intent = customer.cast(draft());
    gossip(after(0), &mut customer, &mut [&mut asker]);
    let asked = say(&mut asker, after(5), About::Intent(intent), question("Side by side?")).unwrap();
    let (task, _, frame) = asker.sends.remove(0);
    // As where a device that is new now turned it away, and was then brought it by the asker itself.
    customer.ask_as("asker", after(5), &frame);
    let refused = Frame::Refused {
        about: asked,
        why: Refusal::Expired,
    };
    asker.give(
        after(5),
        super::Input::Done(task, super::Done::Replied(refused.encode())),
    );
    let id = id_of(&thread(&asker));
    assert!(say(&mut asker, after(6), About::Thread(id), question("Hello?")).is_err());
    say(&mut customer, after(7), About::Thread(id), answer(asked)).unwrap();
    settle(after(7), &mut customer, &mut asker);
    say(&mut asker, after(8), About::Thread(id), question("How wide?")).unwrap();
    settle(after(8), &mut customer, &mut asker);
    assert_eq!(thread(&customer).letters.len(), 3);
}

/// A want about which a seller without an offer has asked, and been answered.
fn asked_about() -> (Node, Node) {
    let mut customer = Node::customer();
    let mut asker = Node::selling("asker", rules(), Vec::new());
    let intent = customer.cast(draft());
    gossip(after(0), &mut customer, &mut [&mut asker]);
    let asked = say(&mut asker, after(5), About::Intent(intent), question("Side by side?")).unwrap();
    settle(after(5), &mut customer, &mut asker);
    let id = id_of(&thread(&customer));
    say(&mut customer, after(6), About::Thread(id), answer(asked)).unwrap();
    settle(after(6), &mut customer, &mut asker);
    (customer, asker)
}

#[test]
fn a_conversation_lost_whole_comes_back_once_its_seller_writes_though_the_want_is_over() {
    let (mut customer, mut asker) = asked_about();
    customer.restore(after(LATER), 1);
    assert!(customer.market.threads(after(LATER)).is_empty());
    let id = id_of(&thread(&asker));
    say(&mut asker, after(LATER), About::Thread(id), question("And how wide?")).unwrap();
    exchange(after(LATER), &mut asker, &mut customer);
    // Where it was seen is kept: the customer has no other address of it.
    customer.restart(after(LATER + 1));
    for second in 1..60 {
        let now = after(LATER + second * 1_000);
        customer.wait(now);
        asker.wait(now);
        settle(now, &mut customer, &mut asker);
    }
    assert_eq!(customer.market.unsure(), Vec::new());
    let letters = |node: &Node| thread(node).letters.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(letters(&customer), letters(&asker));
    assert_eq!(letters(&asker).len(), 3);
}

#[test]
fn a_first_word_that_comes_once_more_after_a_restore_begins_nothing_anew() {
    let mut customer = Node::customer();
    let mut asker = Node::selling("asker", rules(), Vec::new());
    let intent = customer.cast(draft());
    gossip(after(0), &mut customer, &mut [&mut asker]);
    let asked = say(&mut asker, after(5), About::Intent(intent), question("Side by side?")).unwrap();
    let (_, _, late_copy) = asker.sends[0].clone();
    settle(after(5), &mut customer, &mut asker);
    let id = id_of(&thread(&customer));
    say(&mut customer, after(6), About::Thread(id), answer(asked)).unwrap();
    settle(after(6), &mut customer, &mut asker);
    customer.restore(after(20), 1);
    let early = customer.ask_as("asker", after(21), &late_copy);
    assert!(
        matches!(
            early,
            Frame::Refused {
                why: Refusal::Early,
                ..
            }
        ),
        "{early:?}"
    );
    let said = say(&mut customer, after(21), About::Thread(id), answer(asked));
    assert!(
        said.is_err(),
        "the place of a letter that the lost device wrote is filled again"
    );
    settle(after(21), &mut customer, &mut asker);
    customer.wait(after(5_000));
    settle(after(5_000), &mut customer, &mut asker);
    assert!(matches!(
        customer.ask_as("asker", after(5_001), &late_copy),
        Frame::Stored(_)
    ));
    let letters = |node: &Node| thread(node).letters.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!((letters(&customer), letters(&asker).len()), (letters(&asker), 2));
}

#[test]
fn strangers_make_a_restored_node_doubt_no_more_than_so_many_conversations() {
    let (mut customer, _) = asked_about();
    customer.restore(after(LATER), 1);
    let intent = customer.market.intents(after(LATER))[0].id;
    let before = customer.disk.len();
    for n in 0..limits::DOUBTED as u64 + 20 {
        let key = Key::from_seed(&crate::id::digest("stranger", &[&n.to_be_bytes()]));
        let letter = Letter {
            thread: ThreadId {
                intent,
                seller: key.public(),
            },
            number: 1,
            before: Some(RecordId([7; 32])),
            after: None,
            reply: None,
            matter: question("You remember?"),
        };
        let letter = sign(&key, after(LATER), after(LATER + DAY), letter).unwrap();
        let frame = Frame::Letter(Bytes::new(letter.bytes()).unwrap()).encode();
        customer.ask_as(&format!("stranger {n}"), after(LATER), &frame);
    }
    assert_eq!(customer.market.unsure().len(), limits::DOUBTED);
    assert_eq!(customer.disk.len() - before, limits::DOUBTED);
}
