//! Photos and documents come to the other side of a conversation and to nobody else, whoever falls on the way. Slow: the
//! longest document takes more than a minute, as it must not keep letters waiting.

use intentcast_node::{
    documents::{DocumentView, State, hash_of},
    net::{Event, Exchange},
};
use intentcast_protocol::{
    contact::ReplyPath,
    document::{Fetch, piece_bytes},
    envelope::{Signed, sign},
    frame::{Frame, Refusal},
    id::{EntryHash, IntentId, RecordId},
    keys::Key,
    letter::{Letter, Matter, ThreadId},
    limits,
    list::Bytes,
    market::{OfferState, OfferView},
    text::{Name, Word},
};

use crate::{
    member::Member,
    rogue::{Rogue, refusal},
    wait::beside_others,
    world::{CAST_A_BIKE, World, accept, agreed, agreement_on, bike_wanted, cast},
};

const PIECE: usize = limits::PIECE_BYTES;
const SECRET: &str = "53.7443 N 0.3325 W";

fn segment(marker: u8, said: &[u8]) -> Vec<u8> {
    let length = u16::try_from(said.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], said].concat()
}

/// A photo of so many bytes as a camera makes it, and the same without where it was taken.
fn photo(length: usize) -> (Vec<u8>, Vec<u8>) {
    let mut gps = b"Exif\0\0MM\0*\0\0\0\x08\0\0".to_vec();
    gps.extend(SECRET.as_bytes());
    let head = segment(0xe0, b"JFIF\0\x01\x01");
    let scan = segment(0xda, &[1, 1, 0, 0, 63, 0]);
    let rest = length - 4 - head.len() - scan.len();
    let light = (0..rest).map(|at| (at * at % 251) as u8).collect::<Vec<u8>>();
    let tail = [scan, light, vec![0xff, 0xd9]].concat();
    let said = [&[0xff, 0xd8][..], &head, &segment(0xe1, &gps), &tail].concat();
    let shown = [&[0xff, 0xd8][..], &head, &tail].concat();
    (said, shown)
}

/// The document of this hash at a member, once it is as wanted.
async fn document(member: &Member, hash: EntryHash, what: &str, wanted: impl Fn(&State) -> bool) -> DocumentView {
    member
        .until(what, "/v1/documents", |all: Vec<DocumentView>| {
            all.into_iter().find(|view| view.hash == hash && wanted(&view.state))
        })
        .await
}

fn here(state: &State) -> u64 {
    match state {
        State::Fetching { have, .. } | State::Waiting { have, .. } => *have,
        _ => 0,
    }
}

fn is_held(state: &State) -> bool {
    *state == State::Held
}

async fn offer_to(customer: &Member, intent: IntentId) -> OfferView {
    let path = format!("/v1/intents/{intent}/offers");
    customer
        .until("an open offer", &path, |all: Vec<OfferView>| {
            all.into_iter().find(|view| view.state == OfferState::Open)
        })
        .await
}

#[tokio::test]
async fn a_photo_reaches_the_seller_whole_though_each_side_falls_in_the_middle() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut seller = world.bike_shop("Hull Wheels").await;
    let mut customer = world.customer("customer").await;
    let intent = cast(&customer, &bike_wanted()).await;
    let offer = offer_to(&customer, intent).await.id;
    accept(&customer, offer).await;
    let id = agreement_on(&customer, offer).await.id;
    agreed(&seller, id).await;

    let (said, shown) = photo(limits::DOCUMENT_BYTES - 1000);
    let (file, to) = (world.home("hallway.jpg"), world.home("saved.jpg"));
    std::fs::write(&file, &said).unwrap();
    let (file, to) = (file.to_str().unwrap(), to.to_str().unwrap());
    customer
        .does(&["ask", &id.to_string(), "Does it fit through this door?"])
        .await;
    let sent = customer.does(&["document", "send", &id.to_string(), file]).await;
    let hash = hash_of(&shown);
    assert_eq!(sent["document"], hash.to_string(), "where it was taken is left out");
    assert_eq!(
        (&sent["mime"], &sent["bytes"]),
        (&"image/jpeg".into(), &shown.len().into())
    );

    let before = document(&seller, hash, "some of it is there", |state| here(state) > 0).await;
    assert_eq!(before.name.as_deref(), Some("hallway.jpg"));
    seller.kill().await;
    seller.restart().await;
    let after = document(&seller, hash, "it goes on", |state| here(state) > here(&before.state)).await;
    let early = seller.cli(&["document", "save", &hash.to_string(), "--to", to]).await;
    assert!(!early.status.success(), "half a photo is nobody's");
    customer.kill().await;
    customer.restart().await;
    assert!(here(&after.state) >= PIECE as u64);
    document(&seller, hash, "all of it is there", is_held).await;

    seller
        .does(&["document", "save", &hash.to_string()[..12], "--to", to])
        .await;
    assert_eq!(std::fs::read(to).unwrap(), shown);
    let again = seller.cli(&["document", "save", &hash.to_string(), "--to", to]).await;
    assert_eq!(
        again.status.code(),
        Some(2),
        "nothing is written over: {}",
        again.complaints
    );
    seller
        .does(&["document", "save", &hash.to_string(), "--to", to, "--force"])
        .await;
    let held = std::fs::read_dir(seller.home.join("documents")).unwrap();
    assert_eq!(held.count(), 1, "nothing is left of the way");
    assert_eq!(document(&customer, hash, "ours", |_| true).await.state, State::Held);
    customer.is_well();
    seller.is_well();
}

#[tokio::test]
async fn the_photo_of_a_want_is_with_the_seller_once_there_is_a_deal_and_not_before() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let seller = world.bike_shop("Hull Wheels").await;
    let customer = world.customer("customer").await;
    let (said, shown) = photo(5 * PIECE + 9);
    let file = world.home("me.jpg");
    std::fs::write(&file, &said).unwrap();
    let field = format!("photo={}", file.display());
    let cast = customer
        .does(&[&CAST_A_BIKE[..], &["--once-accepted", &field]].concat())
        .await;
    let intent: IntentId = cast["intent"].as_str().unwrap().parse().unwrap();
    let offer = offer_to(&customer, intent).await.id;
    assert!(seller.get::<Vec<DocumentView>>("/v1/documents").await.is_empty());
    accept(&customer, offer).await;
    let view = document(&seller, hash_of(&shown), "the photo", is_held).await;
    assert_eq!(view.mime.as_deref(), Some("image/jpeg"));
}

/// A seller that is no node of ours, in its conversation with a customer.
struct Liar {
    rogue: Rogue,
    to: ReplyPath,
    thread: ThreadId,
    last: Option<RecordId>,
    number: u32,
}

impl Liar {
    /// Announces a document.
    async fn announce(&mut self, bytes: &[u8], mime: &str, length: usize) -> EntryHash {
        let hash = hash_of(bytes);
        let letter = Letter {
            thread: self.thread,
            number: self.number,
            before: self.last,
            after: None,
            reply: Some(self.rogue.reply()),
            matter: Matter::Document {
                hash,
                mime: Word::new(mime).unwrap(),
                bytes: length as u32,
                name: Name::new("../../.bashrc").unwrap(),
            },
        };
        let letter = self.rogue.sign_deed(letter);
        (self.last, self.number) = (Some(letter.id()), self.number + 1);
        let frame = Frame::Letter(Bytes::new(letter.bytes()).unwrap());
        assert_eq!(self.rogue.ask(&self.to, &frame).await, Frame::Stored(letter.id()));
        hash
    }

    /// The next piece that is asked for.
    async fn asked(&mut self) -> (Exchange, Fetch) {
        self.rogue
            .until("a piece is asked for", |event| match event {
                Event::Frame { exchange, frame, .. } => match Frame::decode(frame) {
                    Ok(Frame::Fetch(record)) => {
                        let asked = Signed::<Fetch>::parse(&record).and_then(Signed::verify).unwrap();
                        Some((*exchange, asked.body().clone()))
                    }
                    _ => None,
                },
                _ => None,
            })
            .await
    }

    async fn give(&mut self, bytes: &[u8]) -> Fetch {
        let (exchange, asked) = self.asked().await;
        let frame = piece(asked.hash, bytes, asked.offset);
        self.rogue.answer(exchange, &frame).await;
        asked
    }
}

fn piece(hash: EntryHash, bytes: &[u8], offset: u32) -> Frame {
    let total = bytes.len() as u32;
    let length = piece_bytes(total, offset).unwrap();
    Frame::Piece {
        hash,
        total,
        offset,
        bytes: Bytes::new(&bytes[offset as usize..][..length]).unwrap(),
    }
}

#[tokio::test]
async fn a_seller_that_lies_about_a_document_is_refused_and_one_that_falls_silent_is_asked_again() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let customer = world.customer("customer").await;
    let mut rogue = Rogue::start(world.address()).await;
    let intent = cast(&customer, &bike_wanted()).await;
    let heard = rogue.hear(intent).await;
    let offer = rogue.sign(rogue.honest(&heard, 400_00));
    let to = heard.body().reply.clone();
    assert_eq!(rogue.offer(&to, offer.bytes()).await, Frame::Stored(offer.id()));
    let seller = rogue.key.public();
    let mut liar = Liar {
        rogue,
        to,
        thread: ThreadId { intent, seller },
        last: None,
        number: 0,
    };
    let refused =
        |part: &'static str| move |state: &State| matches!(state, State::Refused { why } if why.contains(part));

    // A page that says that it is a photo.
    let page = b"<html><script>alert(1)</script></html>".to_vec();
    let hash = liar.announce(&page, "image/jpeg", page.len()).await;
    liar.give(&page).await;
    document(&customer, hash, "a page", refused("by what its bytes say")).await;
    // What nobody takes is not even asked for.
    let hash = liar.announce(b"<svg/>", "image/svg+xml", 6).await;
    document(&customer, hash, "a drawing", refused("image/svg+xml is not taken")).await;
    // A photo that is another sort of one.
    let (_, shown) = photo(PIECE + 9);
    let hash = liar.announce(&shown, "image/png", shown.len()).await;
    liar.give(&shown).await;
    liar.give(&shown).await;
    document(&customer, hash, "a sort", refused("and is image/jpeg")).await;
    // Other bytes than were announced.
    let (_, other) = photo(PIECE + 8);
    let hash = liar.announce(&other, "image/jpeg", other.len()).await;
    let mut spoiled = other.clone();
    spoiled[100] ^= 1;
    liar.give(&spoiled).await;
    liar.give(&spoiled).await;
    document(&customer, hash, "other bytes", refused("another hash")).await;
    // Another length.
    let (_, long) = photo(2 * PIECE);
    let hash = liar.announce(&long, "image/jpeg", long.len() - 1).await;
    liar.give(&long).await;
    document(&customer, hash, "a length", refused("announced with")).await;

    // No piece of it at all, and silence: it waits, says why, and goes on where it was.
    let (_, good) = photo(3 * PIECE);
    let hash = liar.announce(&good, "image/jpeg", good.len()).await;
    assert_eq!(liar.give(&good).await.offset, 0);
    let (exchange, asked) = liar.asked().await;
    let short = Frame::Piece {
        hash,
        total: good.len() as u32,
        offset: asked.offset,
        bytes: Bytes::new(&good[..9]).unwrap(),
    };
    liar.rogue.answer(exchange, &short).await;
    let waits = |state: &State| matches!(state, State::Waiting { why, .. } if why.contains("no piece of it"));
    document(&customer, hash, "it waits", waits).await;
    let about = RecordId::default();
    let (exchange, _) = liar.asked().await;
    let why = Refusal::Early;
    liar.rogue.answer(exchange, &Frame::Refused { about, why }).await;
    while liar.give(&good).await.offset as usize != 2 * PIECE {}
    document(&customer, hash, "it came", is_held).await;
    let names = std::fs::read_dir(customer.home.join("documents")).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().all(|name| !name.contains("bashrc")), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.len() == 64).count(), 1, "{names:?}");
}

#[tokio::test]
async fn whoever_knows_the_hash_of_a_photo_and_is_no_party_gets_the_answer_of_one_who_made_it_up() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let shop = world.bike_shop("Hull Wheels").await;
    let customer = world.customer("customer").await;
    let mut rogue = Rogue::start(world.address()).await;
    let intent = cast(&customer, &bike_wanted()).await;
    let heard = rogue.hear(intent).await;
    // It has even made an offer, and so has a conversation of its own to ask in.
    let offer = rogue.sign(rogue.honest(&heard, 400_00));
    let to = heard.body().reply.clone();
    assert_eq!(rogue.offer(&to, offer.bytes()).await, Frame::Stored(offer.id()));
    let path = format!("/v1/intents/{intent}/offers");
    let rival = rogue.key.public();
    let shops = customer
        .until("the shop's offer", &path, |all: Vec<OfferView>| {
            all.into_iter().find(|view| view.seller != Some(rival))
        })
        .await;
    let (_, shown) = photo(2 * PIECE);
    let file = world.home("me.jpg");
    std::fs::write(&file, &shown).unwrap();
    let about = shops.id.to_string();
    customer
        .does(&["document", "send", &about, file.to_str().unwrap()])
        .await;
    let hash = hash_of(&shown);
    document(&shop, hash, "the shop has it", is_held).await;

    let theirs = ThreadId {
        intent,
        seller: shops.seller.unwrap(),
    };
    let own = ThreadId { intent, seller: rival };
    let asking = |key: &Key, thread, hash| {
        let now = intentcast_node::driver::now();
        let asked = Fetch {
            thread,
            hash,
            offset: 0,
        };
        let asked = sign(key, now, now.plus(limits::INQUIRY_LIFE), asked).unwrap();
        Frame::Fetch(Bytes::new(asked.bytes()).unwrap())
    };
    let made_up = EntryHash([7; 32]);
    for (thread, hash) in [(own, made_up), (own, hash), (theirs, hash), (theirs, made_up)] {
        let frame = asking(&rogue.key, thread, hash);
        let reply = rogue.ask(&to, &frame).await;
        let why = refusal(&reply).map(|(_, why)| why);
        assert_eq!(why, Some(Refusal::Unknown), "{reply:?}");
    }
}
