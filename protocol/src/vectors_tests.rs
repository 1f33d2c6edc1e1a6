//! The golden vectors: what is in `vectors/` is what this code reads and, byte for byte, what it writes.
//!
//! Nothing here ever changes a file unless `INTENTCAST_BLESS=1` says so; see `vectors/README.md`.

mod letters;
mod properties;
pub(crate) mod samples;

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    codec::{decode, encode},
    deed::{Acceptance, Agreement, Confirmation, Inquiry},
    disclosure::Opened,
    document::Fetch,
    envelope::{Kind, Record, Signed, Verified, kind_of, open, record_id, sign},
    frame::Frame,
    id::{hex, unhex},
    intent::{Amendment, Intent, Withdrawal},
    keys::Key,
    ledger::{Chain, Entry},
    letter::Letter,
    offer::{Decline, Offer},
    rating::{Rating, Ticket},
    recall::Recall,
    receipt::Receipt,
    time::Timestamp,
};
use samples::{CAST, CUSTOMER, Deal, SELLER, opened, opened_budget, said_less};

/// One file.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    kind: String,
    /// Seed of the author's key, where one author signs it.
    author_seed: Option<String>,
    /// The header's times, where it has a header.
    created: Option<u64>,
    expires: Option<u64>,
    /// All the bytes.
    hex: String,
    /// Of a record, an agreement or a ledger entry; a frame has none.
    id: Option<String>,
    body: Value,
}

impl Vector {
    fn record<T: Record>(name: &str, seed: [u8; 32], record: &Verified<T>) -> Self {
        let header = record.header();
        assert_eq!(header.author, Key::from_seed(&seed).public(), "{name}");
        Self {
            name: name.into(),
            kind: T::KIND.word().into(),
            author_seed: Some(hex(&seed)),
            created: Some(header.created.0),
            expires: Some(header.expires.0),
            hex: hex(record.bytes()),
            id: Some(record.id().to_string()),
            body: json(record.body()),
        }
    }

    fn unsigned(name: &str, kind: &str, bytes: &[u8], id: Option<String>, body: Value) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            author_seed: None,
            created: None,
            expires: None,
            hex: hex(bytes),
            id,
            body,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        unhex(&self.hex).expect("hexadecimal")
    }
}

fn json<T: Serialize>(body: &T) -> Value {
    serde_json::to_value(body).expect("our types have a readable form")
}

/// Every vector, made anew.
fn made() -> Vec<Vector> {
    let deal = Deal::new();
    let mut all = vec![
        Vector::record("intent", CUSTOMER, &deal.intent),
        Vector::record("intent-least", CUSTOMER, &deal.least),
        Vector::record("amendment", CUSTOMER, &deal.amendment),
        Vector::record("withdrawal", CUSTOMER, &deal.withdrawal),
        Vector::record("offer", SELLER, &deal.offer),
        Vector::record("decline", CUSTOMER, &deal.decline),
        Vector::record("acceptance", CUSTOMER, &deal.acceptance),
        Vector::record("confirmation", SELLER, &deal.confirmation),
        Vector::record("inquiry", CUSTOMER, &deal.inquiry),
        Vector::record("fetch", SELLER, &deal.fetch),
        Vector::record("recall", CUSTOMER, &deal.recall),
    ];
    for (name, intent) in said_less() {
        let expires = deal.intent.header().expires;
        let signed = sign(&Key::from_seed(&CUSTOMER), CAST, expires, intent).expect("sound");
        all.push(Vector::record(name, CUSTOMER, &signed));
    }
    let opened = opened().map(|(_, opened)| opened);
    for opened in opened.into_iter().chain([opened_budget()]) {
        let name = format!("opened-{}", opened.field.as_str().replace('.', "-"));
        let id = Some(opened.commitment().to_string());
        all.push(Vector::unsigned(&name, "opened", &encode(&opened), id, json(&opened)));
    }
    for receipt in &deal.receipts {
        let name = format!("receipt-{}", receipt.event.word());
        all.push(Vector::record(&name, SELLER, receipt));
    }
    for (name, seed, letter) in &deal.letters {
        all.push(Vector::record(&format!("letter-{name}"), *seed, letter));
    }
    all.push(Vector::record("ticket", SELLER, &deal.ticket));
    all.push(Vector::record("rating", letters::RATER, &deal.rating));
    for (name, settled) in [("agreement", &deal.agreement), ("agreement-amended", &deal.amended)] {
        let agreement: Agreement = decode(settled.bytes()).expect("just encoded");
        let id = Some(settled.id.to_string());
        all.push(Vector::unsigned(
            name,
            "agreement",
            settled.bytes(),
            id,
            json(&agreement),
        ));
    }
    for (name, frame) in deal.frames() {
        let name = format!("frame-{name}");
        all.push(Vector::unsigned(&name, "frame", &frame.encode(), None, json(&frame)));
    }
    let mut chain = Chain::default();
    for (at, (name, fact)) in (0..).zip(deal.facts()) {
        let name = format!("entry-{at:02}-{name}");
        let stored = chain.append(CAST.plus_millis(at), fact);
        let entry: Entry = decode(&stored.bytes).expect("just encoded");
        let id = Some(chain.head().to_string());
        all.push(Vector::unsigned(&name, "entry", &stored.bytes, id, json(&entry)));
    }
    all
}

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Every file there is, by its name without the ending.
fn kept() -> BTreeMap<String, Vector> {
    let listing = fs::read_dir(home().join("v1")).expect("the vectors are there");
    listing
        .map(|entry| entry.expect("readable").path())
        .map(|path| {
            assert_eq!(path.extension().and_then(|end| end.to_str()), Some("json"), "{path:?}");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("readable");
            let vector: Vector = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            assert_eq!(vector.name, name);
            (name, vector)
        })
        .collect()
}

#[test]
fn what_we_write_today_is_what_was_written_first() {
    let made = made();
    if std::env::var_os("INTENTCAST_BLESS").is_some_and(|bless| bless == "1") {
        for vector in &made {
            let text = serde_json::to_string_pretty(vector).expect("plain JSON");
            let path = home().join("v1").join(format!("{}.json", vector.name));
            fs::write(path, text + "\n").expect("written");
        }
    }
    let kept = kept();
    for vector in &made {
        assert_eq!(kept.get(&vector.name), Some(vector), "{}", vector.name);
    }
    let unread: Vec<_> = kept
        .keys()
        .filter(|name| made.iter().all(|vector| vector.name != **name))
        .collect();
    assert!(unread.is_empty(), "files that nothing here makes: {unread:?}");
}

#[test]
fn every_kind_frame_and_fact_has_a_vector() {
    let kept = kept();
    for kind in Kind::ALL {
        assert!(kept.values().any(|vector| vector.kind == kind.word()), "{kind:?}");
    }
    // The variants' numbers on the wire: the second byte of a frame, and the byte after an entry's four first fields.
    let frames: Vec<u8> = numbers(&kept, "frame", |bytes| bytes[1]);
    assert_eq!(frames, (0..18).collect::<Vec<u8>>());
    let facts = numbers(&kept, "entry", |bytes| {
        let entry: Entry = decode(bytes).expect("an entry");
        bytes[encode(&(entry.number, entry.before, entry.at)).len()]
    });
    assert_eq!(facts, (0..28).collect::<Vec<u8>>());
    // A new variant has to be counted above and sampled; these two stop compiling to say so.
    let _ = |frame: &Frame| match frame {
        Frame::Offer(_) | Frame::Acceptance(_) | Frame::Decline(_) | Frame::Receipt(_) | Frame::Withdrawal(_) => {}
        Frame::Pull { .. } | Frame::Stored(_) | Frame::Refused { .. } => {}
        Frame::Confirmed { .. } | Frame::Open { .. } | Frame::Tell { .. } => {}
        Frame::Letter(_) | Frame::Compare(_) | Frame::Held { .. } => {}
        Frame::Fetch(_) | Frame::Piece { .. } => {}
        Frame::Recall(_) | Frame::Recalled { .. } => {}
    };
    use crate::ledger::Fact;
    let _ = |fact: &Fact| match fact {
        Fact::Cast { .. } | Fact::Amended(_) | Fact::Withdrawn(_) | Fact::Published { .. } => {}
        Fact::OfferTaken(_) | Fact::NotTaken(_) | Fact::Declined(_) | Fact::Accepted(_) => {}
        Fact::AcceptanceRefused { .. } | Fact::Agreed { .. } | Fact::Receipt(_) | Fact::Heard(_) => {}
        Fact::HeardAmendment(_) | Fact::HeardWithdrawal(_) | Fact::Offered { .. } => {}
        Fact::Delivered { .. } | Fact::DeclineTaken(_) => {}
        Fact::YesRefused { .. } | Fact::Differed { .. } | Fact::Kept { .. } => {}
        Fact::Wrote(_) | Fact::Took(_) | Fact::Rated { .. } => {}
        Fact::Regarded { .. } | Fact::HeadStart { .. } => {}
        Fact::Restored { .. } | Fact::Doubted { .. } | Fact::CaughtUp { .. } => {}
    };
}

#[test]
fn every_matter_of_a_letter_has_a_vector() {
    let letters: Vec<_> = kept().into_values().filter(|vector| vector.kind == "letter").collect();
    // The matter's number is the body's first byte after thread, number, chain and reply path.
    let mut numbers: Vec<u8> = letters
        .iter()
        .map(|vector| {
            let letter: Letter = readable(vector);
            let head = (letter.thread, letter.number, letter.before, letter.after, &letter.reply);
            encode(&letter)[encode(&head).len()]
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..23).collect::<Vec<u8>>());
}

fn numbers(kept: &BTreeMap<String, Vector>, kind: &str, number: impl Fn(&[u8]) -> u8) -> Vec<u8> {
    let mut numbers: Vec<u8> = kept
        .values()
        .filter(|vector| vector.kind == kind)
        .map(|vector| number(&vector.bytes()))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Reads the file's bytes as a stranger's, and writes them again from what the file says of them.
fn record_holds<T: Record>(vector: &Vector) {
    let (name, bytes) = (&vector.name, vector.bytes());
    assert_eq!(kind_of(&bytes), Some(T::KIND), "{name}");
    let record: Verified<T> = open(&bytes).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    assert_eq!(record.bytes(), bytes, "{name}");
    assert_eq!(Some(record.id().to_string()), vector.id, "{name}");
    assert_eq!(Some(record_id(&bytes).to_string()), vector.id, "{name}");
    assert_eq!(json(record.body()), vector.body, "{name}");

    let body: T = readable(vector);
    let seed = vector
        .author_seed
        .as_deref()
        .and_then(unhex)
        .and_then(|seed| seed.try_into().ok());
    let key = Key::from_seed(&seed.expect("a seed of 32 bytes"));
    let time = |ms: Option<u64>| Timestamp(ms.expect("a record has times"));
    let again = sign(&key, time(vector.created), time(vector.expires), body).expect("sound");
    assert_eq!(again.bytes(), bytes, "{name}");
    let again = Signed::<T>::parse(again.bytes())
        .and_then(Signed::verify)
        .expect("sound");
    assert_eq!(encode(again.body()), encode(record.body()), "{name}");
}

fn readable<T: DeserializeOwned>(vector: &Vector) -> T {
    serde_json::from_value(vector.body.clone()).unwrap_or_else(|error| panic!("{}: {error}", vector.name))
}

#[test]
fn every_file_reads_verifies_and_can_be_written_again_from_its_words() {
    let mut chain = Chain::default();
    for vector in kept().values() {
        let (name, bytes) = (&vector.name, vector.bytes());
        match vector.kind.as_str() {
            "intent" => record_holds::<Intent>(vector),
            "amendment" => record_holds::<Amendment>(vector),
            "withdrawal" => record_holds::<Withdrawal>(vector),
            "offer" => record_holds::<Offer>(vector),
            "decline" => record_holds::<Decline>(vector),
            "acceptance" => record_holds::<Acceptance>(vector),
            "confirmation" => record_holds::<Confirmation>(vector),
            "receipt" => record_holds::<Receipt>(vector),
            "inquiry" => record_holds::<Inquiry>(vector),
            "fetch" => record_holds::<Fetch>(vector),
            "recall" => record_holds::<Recall>(vector),
            "letter" => record_holds::<Letter>(vector),
            "ticket" => record_holds::<Ticket>(vector),
            "rating" => record_holds::<Rating>(vector),
            "agreement" => {
                let settled = Agreement::read(&bytes).unwrap_or_else(|why| panic!("{name}: {why}"));
                assert_eq!(settled.bytes(), bytes, "{name}");
                assert_eq!(Some(settled.id.to_string()), vector.id, "{name}");
                assert_eq!(encode(&readable::<Agreement>(vector)), bytes, "{name}");
            }
            // Of an opened value the id is its commitment.
            "opened" => {
                let opened: Opened = decode(&bytes).unwrap_or_else(|why| panic!("{name}: {why}"));
                assert_eq!(encode(&opened), bytes, "{name}");
                assert_eq!(Some(opened.commitment().to_string()), vector.id, "{name}");
                assert_eq!(encode(&readable::<Opened>(vector)), bytes, "{name}");
            }
            "frame" => {
                let frame = Frame::decode(&bytes).unwrap_or_else(|fault| panic!("{name}: {fault}"));
                assert_eq!(frame.encode(), bytes, "{name}");
                assert_eq!(readable::<Frame>(vector).encode(), bytes, "{name}");
            }
            // The files' names count, so that a listing is the chain.
            "entry" => {
                let entry = chain.follow(&bytes).unwrap_or_else(|broken| panic!("{name}: {broken}"));
                assert_eq!(encode(&entry), bytes, "{name}");
                assert_eq!(Some(chain.head().to_string()), vector.id, "{name}");
                assert_eq!(encode(&readable::<Entry>(vector)), bytes, "{name}");
            }
            other => panic!("{name} is of the unknown kind {other}"),
        }
    }
    assert_eq!(chain.len(), 28);
}

#[test]
fn the_pages_worked_example_is_the_withdrawal() {
    let page = fs::read_to_string(home().join("README.md")).expect("the page is there");
    let vector = &kept()["withdrawal"];
    // The page breaks the bytes into fields; put together they are the file's.
    let example = page.split("<!-- withdrawal -->").nth(1).expect("the example is marked");
    let bytes: String = example
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(hex, _)| hex.replace(' ', ""))
        .collect();
    assert_eq!(bytes, vector.hex);
    assert!(page.contains(vector.id.as_deref().expect("a record has an id")));
}
