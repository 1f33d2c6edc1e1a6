//! Makes the first corpus of every target out of the golden vectors: `cargo run --example seeds`, in this directory.

use std::{collections::BTreeMap, fs, io, path::Path};

use intentcast_fuzz::piece;
use intentcast_protocol::{
    codec::{decode, encode},
    contact::ReplyPath,
    deed::{Acceptance, Confirmation, Inquiry},
    document::Fetch,
    envelope::{Kind, Record, kind_of, open},
    id::unhex,
    intent::{Amendment, Intent, Withdrawal},
    letter::Letter,
    list::List,
    offer::{Decline, Offer},
    rating::{Rating, Ticket},
    recall::Recall,
    receipt::Receipt,
};

fn body(bytes: &[u8]) -> Option<Vec<u8>> {
    fn body<T: Record>(bytes: &[u8]) -> Option<Vec<u8>> {
        open::<T>(bytes).ok().map(|record| encode(record.body()))
    }
    match kind_of(bytes)? {
        Kind::Intent => body::<Intent>(bytes),
        Kind::Amendment => body::<Amendment>(bytes),
        Kind::Withdrawal => body::<Withdrawal>(bytes),
        Kind::Offer => body::<Offer>(bytes),
        Kind::Decline => body::<Decline>(bytes),
        Kind::Acceptance => body::<Acceptance>(bytes),
        Kind::Confirmation => body::<Confirmation>(bytes),
        Kind::Receipt => body::<Receipt>(bytes),
        Kind::Inquiry => body::<Inquiry>(bytes),
        Kind::Fetch => body::<Fetch>(bytes),
        Kind::Recall => body::<Recall>(bytes),
        Kind::Letter => body::<Letter>(bytes),
        Kind::Ticket => body::<Ticket>(bytes),
        Kind::Rating => body::<Rating>(bytes),
    }
}

fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    fs::write(corpus.join(name), bytes)
}

/// The offer without its second line, which is a used thing that the want does not take.
fn one_line(offer: &[u8]) -> Vec<u8> {
    let mut offer: Offer = decode(offer).expect("a body of ours");
    offer.lines = List::cut(offer.lines.iter().take(1).cloned());
    offer.totals.goods = offer
        .lines
        .iter()
        .map(|line| line.unit_minor * i64::from(line.quantity))
        .sum();
    offer.totals.total = offer.totals.goods + offer.totals.delivery;
    encode(&offer)
}

fn main() -> io::Result<()> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/vectors/v1");
    let mut bodies = BTreeMap::new();
    let mut chain = BTreeMap::new();
    let mut frames = BTreeMap::new();
    for entry in fs::read_dir(vectors)? {
        let vector: serde_json::Value = serde_json::from_str(&fs::read_to_string(entry?.path())?)?;
        let field = |name: &str| vector[name].as_str().unwrap_or_default().to_owned();
        let (name, kind) = (field("name"), field("kind"));
        let bytes = unhex(&field("hex")).ok_or_else(|| io::Error::other(format!("{name} is not hexadecimal")))?;
        match kind.as_str() {
            "frame" => {
                write("frame", &name, &bytes)?;
                frames.insert(name, bytes);
            }
            "agreement" => write("agreement", &name, &bytes)?,
            "entry" => {
                write("ledger_entry", &name, &bytes)?;
                chain.insert(name, bytes);
            }
            _ => {
                write("envelope", &name, &bytes)?;
                let body = body(&bytes).ok_or_else(|| io::Error::other(format!("{name} does not open")))?;
                write("record", &name, &[&bytes[1..2], &body].concat())?;
                bodies.insert(name, body);
            }
        }
    }
    let all: Vec<u8> = chain.values().flat_map(|entry| piece(0, entry)).collect();
    write("ledger_entry", "chain", &all)?;
    write(
        "matching",
        "a-bike",
        &[piece(0, &bodies["intent"]), piece(0, &bodies["offer"])].concat(),
    )?;
    write(
        "matching",
        "least",
        &[piece(0, &bodies["intent-least"]), piece(0, &bodies["offer"])].concat(),
    )?;

    // The numbers are those of the market target's steps.
    let buys = [
        piece(4, &bodies["intent"]),
        piece(6, &one_line(&bodies["offer"])),
        piece(16, &[]),
        piece(18, &[]),
        piece(15, &frames["frame-confirmed"]),
        piece(12, &bodies["receipt-paid"]),
        piece(17, &[0; 8]),
        piece(23, &[96]),
    ];
    write("market", "buys", &[&[1][..], &buys.concat()].concat())?;
    let sells = [
        piece(0, &bodies["intent"]),
        piece(15, &frames["frame-stored"]),
        piece(9, &bodies["acceptance"]),
        piece(11, &bodies["decline"]),
        piece(2, &bodies["amendment"]),
        piece(3, &bodies["withdrawal"]),
        piece(13, &frames["frame-pull-first"]),
        piece(23, &[4]),
    ];
    write("market", "sells", &[&[1][..], &sells.concat()].concat())?;
    for (name, body) in bodies.iter().filter(|(name, _)| name.starts_with("letter-")) {
        let talks = [
            piece(4, &bodies["intent"]),
            piece(6, &one_line(&bodies["offer"])),
            piece(20, body),
            piece(21, body),
            piece(16, &[]),
            piece(18, &[]),
            piece(20, body),
            piece(21, body),
            piece(22, &bodies["fetch"]),
        ];
        write("market", name, &[&[1][..], &talks.concat()].concat())?;
    }
    for (name, frame) in &frames {
        write(
            "market",
            name,
            &[&[0][..], &piece(13, frame), &piece(15, frame)].concat(),
        )?;
    }
    let vector: serde_json::Value = serde_json::from_str(&fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/vectors/v1/intent.json"),
    )?)?;
    let path: ReplyPath = serde_json::from_value(vector["body"]["reply"].clone())?;
    write("reply_path", "two-addresses", &encode(&path))?;
    write("reply_path", "nobody", &encode(&ReplyPath::default()))
}
