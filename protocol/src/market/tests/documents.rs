//! Photos and documents: who gets which, and what everybody else learns, which is nothing.

use super::{
    talking::{say, settle},
    *,
};
use crate::{
    disclosure::{Stage, Value as Plain, Withhold},
    document::Fetch,
    id::{EntryHash, digest},
    keys::Key,
    letter::{Matter, ThreadId},
    limits,
    market::{About, Role},
    regard::Regard,
};

const PIECE: u32 = limits::PIECE_BYTES as u32;

/// Two pieces and a bit, and its name.
fn photo() -> (EntryHash, Vec<u8>) {
    (EntryHash(digest("a photo", &[])), vec![7; 2 * limits::PIECE_BYTES + 5])
}

fn announcing(hash: EntryHash, bytes: usize) -> Matter {
    Matter::Document {
        hash,
        mime: Word::new("image/jpeg").unwrap(),
        bytes: bytes as u32,
        name: Name::new("frame.jpg").unwrap(),
    }
}

/// A customer who has shown a photo to the seller of an offer.
fn shown() -> (Node, Node, ThreadId, EntryHash) {
    let (mut customer, mut seller, intent, offer) = offered();
    let (hash, bytes) = photo();
    say(
        &mut customer,
        after(1),
        About::Offer(offer),
        announcing(hash, bytes.len()),
    )
    .unwrap();
    customer.documents.insert(hash, bytes);
    settle(after(1), &mut customer, &mut seller);
    let seller_key = seller.seed().seller_key().public();
    let thread = ThreadId {
        intent,
        seller: seller_key,
    };
    (customer, seller, thread, hash)
}

fn fetching(key: &Key, at: Timestamp, asked: Fetch) -> Vec<u8> {
    let asked = sign(key, at, at.plus(limits::INQUIRY_LIFE), asked).unwrap();
    Frame::Fetch(Bytes::new(asked.bytes()).unwrap()).encode()
}

fn why(frame: &Frame) -> Option<Refusal> {
    match frame {
        Frame::Refused { why, .. } => Some(*why),
        _ => None,
    }
}

impl Node {
    /// Asks for a piece, and hears the other side's answer.
    fn fetch(
        &mut self,
        now: Timestamp,
        thread: ThreadId,
        hash: EntryHash,
        offset: u32,
        other: &mut Node,
    ) -> Result<(u32, usize), Denied> {
        let command = Command::Fetch { thread, hash, offset };
        self.give(now, Input::Command(Request(0), command));
        exchange(now, self, other);
        self.piece_taken()
    }

    fn piece_taken(&mut self) -> Result<(u32, usize), Denied> {
        match self.answers.pop().expect("it is answered")? {
            Answered::Piece { total, bytes } => Ok((total, bytes.len())),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_other_party_gets_a_document_piece_by_piece_and_still_after_a_restart() {
    let (mut customer, mut seller, thread, hash) = shown();
    let all = seller.market.documents();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].hash, all[0].from, all[0].ours), (hash, Role::Customer, false));
    assert_eq!(all[0].told.as_ref().unwrap().bytes, 2 * PIECE + 5);
    assert!(customer.market.documents()[0].ours);
    let total = 2 * PIECE + 5;
    let mut fetch = |customer: &mut Node, at| seller.fetch(after(2), thread, hash, at, customer);
    assert_eq!(fetch(&mut customer, 0), Ok((total, limits::PIECE_BYTES)));
    customer.restart(after(2));
    assert_eq!(fetch(&mut customer, PIECE), Ok((total, limits::PIECE_BYTES)));
    assert_eq!(fetch(&mut customer, 2 * PIECE), Ok((total, 5)));
    customer.documents.clear();
    assert_eq!(
        fetch(&mut customer, 0),
        Err(Denied::Unanswered(Refusal::Early)),
        "announced, and not here for now"
    );
}

#[test]
fn whoever_is_no_party_hears_the_same_of_a_document_that_is_there_as_of_one_that_is_not() {
    let (mut customer, seller, thread, hash) = shown();
    let rival = Node::seller("rival", vec![stroller("twin-2", "110 GBP")]);
    let (party, other) = (seller.seed().seller_key(), rival.seed().seller_key());
    let nothing = EntryHash([9; 32]);
    let ask = |key: &Key, thread, hash| {
        let asked = Fetch {
            thread,
            hash,
            offset: 0,
        };
        fetching(key, after(2), asked)
    };
    let elsewhere = ThreadId {
        intent: IntentId([9; 32]),
        ..thread
    };
    let of_rival = ThreadId {
        seller: other.public(),
        ..thread
    };
    let itself = customer.market.key_of(thread.intent).unwrap();
    let same = [
        // A stranger in the party's name, and in its own.
        ask(&other, thread, hash),
        ask(&other, of_rival, hash),
        ask(&other, of_rival, nothing),
        // The party, of what was never announced to it.
        ask(&party, thread, nothing),
        ask(&party, elsewhere, hash),
        // The one who has it is not the other side.
        ask(&itself, thread, hash),
    ];
    for frame in &same {
        let reply = customer.ask(after(2), frame);
        assert_eq!(why(&reply), Some(Refusal::Unknown), "{reply:?}");
    }
    assert!(matches!(
        customer.ask(after(2), &ask(&party, thread, hash)),
        Frame::Piece { .. }
    ));
}

#[test]
fn what_was_overheard_spoiled_or_asks_beside_a_piece_is_refused() {
    let (mut customer, seller, thread, hash) = shown();
    let key = seller.seed().seller_key();
    let asked = |offset| Fetch { thread, hash, offset };
    let good = fetching(&key, after(2), asked(0));
    let late = after(2).plus(limits::INQUIRY_LIFE);
    assert_eq!(why(&customer.ask(late, &good)), Some(Refusal::Expired));
    let mut spoiled = good.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    assert_eq!(why(&customer.ask(after(2), &spoiled)), Some(Refusal::BadSignature));
    for offset in [1, PIECE - 1, u32::MAX] {
        let unfit = sign(&key, after(2), late, asked(offset));
        assert!(unfit.is_err(), "{offset} is where no piece begins");
    }
    assert!(matches!(customer.ask(after(2), &good), Frame::Piece { .. }));
}

#[test]
fn a_piece_that_is_not_what_was_asked_is_not_taken() {
    let (_, mut seller, thread, hash) = shown();
    let total = 2 * PIECE + 5;
    let piece = |hash, total, offset, length: usize| Frame::Piece {
        hash,
        total,
        offset,
        bytes: Bytes::new(vec![7; length]).unwrap(),
    };
    let full = limits::PIECE_BYTES;
    let wrong = [
        piece(EntryHash([9; 32]), total, 0, full),
        piece(hash, total, PIECE, full),
        piece(hash, total, 0, full - 1),
        piece(hash, total, 0, 0),
        piece(hash, PIECE - 1, 0, full),
        piece(hash, 0, 0, 0),
        piece(hash, u32::MAX, 0, full),
        piece(hash, limits::DOCUMENT_BYTES as u32 + 1, 0, full),
        Frame::Stored(RecordId([9; 32])),
    ];
    let mut ends: Vec<Done> = wrong.iter().map(|frame| Done::Replied(frame.encode())).collect();
    // One byte more than a piece has does not even decode.
    let mut long = piece(hash, total, 0, full).encode();
    long.push(7);
    ends.push(Done::Replied(long));
    for done in ends {
        let command = Command::Fetch {
            thread,
            hash,
            offset: 0,
        };
        seller.give(after(2), Input::Command(Request(0), command));
        let (task, ..) = seller.sends.pop().expect("it asks");
        seller.give(after(2), Input::Done(task, done));
        assert_eq!(seller.piece_taken(), Err(Denied::Unanswered(Refusal::Malformed)));
    }
    let command = Command::Fetch {
        thread,
        hash,
        offset: 0,
    };
    seller.give(after(2), Input::Command(Request(0), command));
    let (task, ..) = seller.sends.pop().expect("it asks");
    seller.give(after(2), Input::Done(task, Done::Failed));
    assert_eq!(seller.piece_taken(), Err(Denied::Unreached));
    let nothing = EntryHash([9; 32]);
    let command = Command::Fetch {
        thread,
        hash: nothing,
        offset: 0,
    };
    assert_eq!(seller.command(after(2), command), Err(Denied::NoDocument(nothing)));
}

#[test]
fn the_photo_of_a_want_goes_to_a_seller_once_it_has_come_so_far_and_not_before() {
    for stage in [Stage::Signed, Stage::Accepted] {
        let mut customer = Node::customer();
        let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
        let (hash, bytes) = photo();
        customer.documents.insert(hash, bytes);
        let withhold = vec![Withhold {
            field: Word::new("photo").unwrap(),
            stage,
            value: Plain::Document(Bytes::new(hash.0).unwrap()),
        }];
        let intent = customer.cast(Draft { withhold, ..draft() });
        assert_eq!(customer.market.documents_kept_back(), [hash]);
        gossip(NOW, &mut customer, &mut [&mut seller]);
        let key = seller.seed().seller_key();
        let thread = ThreadId {
            intent,
            seller: key.public(),
        };
        let asked = Fetch {
            thread,
            hash,
            offset: 0,
        };
        let frame = fetching(&key, NOW, asked);
        assert_eq!(why(&customer.ask(NOW, &frame)), Some(Refusal::Unknown), "no offer yet");
        settle(NOW, &mut customer, &mut seller);
        if stage == Stage::Accepted {
            assert_eq!(why(&customer.ask(NOW, &frame)), Some(Refusal::Unknown), "no deal yet");
            let offer = customer.open_offers()[0];
            customer.command(after(1), Command::Accept(offer)).unwrap();
            settle(after(1), &mut customer, &mut seller);
        }
        assert!(
            matches!(customer.ask(after(1), &frame), Frame::Piece { .. }),
            "{stage:?}"
        );
        let told = &seller.market.documents()[0];
        assert_eq!(
            (told.hash, &told.told),
            (hash, &None),
            "nothing is said of it but its hash"
        );
        assert!(seller.fetch(after(1), thread, hash, 0, &mut customer).is_ok());
    }
}

#[test]
fn a_seller_that_is_blocked_gets_nothing_any_more_unless_there_is_a_deal() {
    let (mut customer, seller, thread, hash) = shown();
    let key = seller.seed().seller_key();
    let asked = Fetch {
        thread,
        hash,
        offset: 0,
    };
    let frame = fetching(&key, after(2), asked);
    let regard = |regard| Command::Regard {
        seller: key.public(),
        regard,
    };
    customer.command(after(2), regard(Regard::Blocked)).unwrap();
    assert_eq!(why(&customer.ask(after(2), &frame)), Some(Refusal::Unknown));
    assert!(customer.market.documents()[0].turned_away);
    customer.command(after(2), regard(Regard::Plain)).unwrap();
    assert!(matches!(customer.ask(after(2), &frame), Frame::Piece { .. }));
}

#[test]
fn each_side_announces_so_many_documents_in_a_thread_and_no_more() {
    let (mut customer, mut seller, _, offer) = offered();
    for at in 0..limits::DOCUMENTS_PER_SIDE {
        let hash = EntryHash([at as u8; 32]);
        say(&mut customer, after(1), About::Offer(offer), announcing(hash, 9)).unwrap();
    }
    let more = say(
        &mut customer,
        after(1),
        About::Offer(offer),
        announcing(EntryHash([99; 32]), 9),
    );
    assert!(matches!(more, Err(Denied::Unfitting(_))), "{more:?}");
    settle(after(1), &mut customer, &mut seller);
    assert_eq!(seller.market.documents().len(), limits::DOCUMENTS_PER_SIDE);
}
