//! What holds of every byte string and of every record, not of the samples alone.

mod letters;

use letters::letter;

use std::{cell::Cell as Counter, fmt::Debug};

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    made,
    samples::{self, CAST, Deal, customer, held, list_of, seller},
};
use crate::{
    attribute::{Attribute, Comparison, Strength, Value, Wish},
    category::CategoryId,
    codec::{Malformed, decode, encode},
    contact::ReplyPath,
    decimal::Decimal,
    deed::{Acceptance, Agreement, Confirmation, Inquiry},
    disclosure::{Commitment, Opened, Stage, Withheld},
    document::Fetch,
    envelope::{Record, Signed, open, record_id, sign},
    fault::Fault,
    frame::Frame,
    id::{AgreementId, EntryHash, IntentId, OfferId, RecordId, TermsHash},
    intent::{Amendment, Budget, Condition, Conditions, Intent, Language, Withdrawal},
    keys::{Key, PublicKey},
    ledger::{Chain, Entry},
    letter::{
        Ask, Change as Changed, DealChange, Deletion, Kept, Letter, Matter, Operation, Operations, Permission,
        Proposal, ThreadId, UseReport,
    },
    limits,
    list::{Bytes, List},
    money::{Currency, Money},
    offer::{Decline, Fit, Gtin, Line, Need, Offer, Reason, Seller, Totals},
    place::{Cell, Fulfilment, Fulfilments, Place, Region, Serves},
    rating::{Rating, Ticket},
    receipt::{OrderEvent, Receipt},
    terms::TermsSet,
    text::{Name, Text, Word},
    time::{Seconds, Timestamp},
};

/// Everything that a stranger's bytes may be taken for. Only a panic is wrong here.
fn take_for_anything(bytes: &[u8]) {
    fn envelope<T: Record>(bytes: &[u8]) {
        if let Ok(signed) = Signed::<T>::parse(bytes) {
            assert_eq!(signed.id(), record_id(bytes));
            let _ = signed.claim();
            let _ = signed.timely(CAST);
            if let Ok(record) = signed.verify() {
                assert_eq!(record.bytes(), bytes);
            }
        }
        let header = *Deal::known().intent.header();
        if let Ok(body) = decode::<T>(bytes) {
            assert_eq!(encode(&body), bytes);
            let _ = body.check(&crate::envelope::Header {
                kind: T::KIND,
                ..header
            });
        }
    }
    envelope::<Intent>(bytes);
    envelope::<Amendment>(bytes);
    envelope::<Withdrawal>(bytes);
    envelope::<Offer>(bytes);
    envelope::<Decline>(bytes);
    envelope::<Acceptance>(bytes);
    envelope::<Confirmation>(bytes);
    envelope::<Receipt>(bytes);
    envelope::<Letter>(bytes);
    envelope::<Ticket>(bytes);
    envelope::<Rating>(bytes);
    envelope::<Inquiry>(bytes);
    envelope::<Fetch>(bytes);
    if let Ok(frame) = Frame::decode(bytes) {
        assert_eq!(frame.encode(), bytes);
    }
    if let Ok(settled) = Agreement::read(bytes) {
        assert_eq!(settled.bytes(), bytes);
    }
    if let Ok(entry) = Chain::default().follow(bytes) {
        assert_eq!(encode(&entry), bytes);
    }
    if let Ok(path) = decode::<ReplyPath>(bytes) {
        assert_eq!(encode(&path), bytes);
        let _ = path.check();
    }
}

/// One change to some bytes; where it falls is a share of their length, so that it shrinks towards the front.
#[derive(Clone, Debug)]
enum Change {
    Flip(u16, u8),
    Insert(u16, u8),
    Delete(u16),
    Truncate(u16),
    Append(u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<u16>(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (any::<u16>(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<u16>().prop_map(Change::Delete),
        any::<u16>().prop_map(Change::Truncate),
        any::<u8>().prop_map(Change::Append),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let place = |at: u16| usize::from(at) * len / (usize::from(u16::MAX) + 1);
        match *self {
            Self::Append(byte) => bytes.push(byte),
            _ if len == 0 => {}
            Self::Flip(at, bit) => bytes[place(at)] ^= 1 << bit,
            Self::Insert(at, byte) => bytes.insert(place(at), byte),
            Self::Delete(at) => drop(bytes.remove(place(at))),
            Self::Truncate(at) => bytes.truncate(place(at)),
        }
    }
}

/// Whether `bytes` are taken as a record of any kind, signature and all.
fn opens(bytes: &[u8]) -> bool {
    fn taken<T: Record>(bytes: &[u8]) -> bool {
        open::<T>(bytes).is_ok()
    }
    taken::<Intent>(bytes)
        || taken::<Amendment>(bytes)
        || taken::<Withdrawal>(bytes)
        || taken::<Offer>(bytes)
        || taken::<Decline>(bytes)
        || taken::<Acceptance>(bytes)
        || taken::<Confirmation>(bytes)
        || taken::<Receipt>(bytes)
        || taken::<Letter>(bytes)
        || taken::<Ticket>(bytes)
        || taken::<Rating>(bytes)
        || taken::<Inquiry>(bytes)
        || taken::<Fetch>(bytes)
}

fn text<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    prop_oneof![any::<String>(), "[a-z_ ]{0,60}"].prop_map(|text| Text::lossy(&text))
}

fn said<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    text().prop_map(|text| if text.is_empty() { samples::text("x") } else { text })
}

fn id() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn currency() -> impl Strategy<Value = Currency> {
    select(vec![Currency::GBP, Currency::EUR, Currency::USD, Currency::JPY])
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp)
}

fn category() -> impl Strategy<Value = CategoryId> {
    prop_oneof![any::<u32>(), 0..300_000u32].prop_map(CategoryId)
}

fn decimal() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), 0..10u8).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale).unwrap())
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::Text),
        (decimal(), text()).prop_map(|(amount, unit)| Value::Number { amount, unit }),
        any::<bool>().prop_map(Value::Flag),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    let strength = prop_oneof![
        Just(Strength::Must),
        (1..=100u8).prop_map(Strength::Prefer),
        (1..=100u8).prop_map(Strength::Avoid),
    ];
    let comparison = select(vec![Comparison::Is, Comparison::AtLeast, Comparison::AtMost]);
    (said(), comparison, value(), strength).prop_map(|(name, comparison, value, strength)| Wish {
        name,
        comparison: match value {
            Value::Number { .. } => comparison,
            Value::Text(_) | Value::Flag(_) => Comparison::Is,
        },
        value,
        strength,
    })
}

fn region() -> impl Strategy<Value = Region> {
    select(vec!["GB", "GB-KHL", "DE-BY", "JP", "US-CA", "FR"]).prop_map(|code| code.parse().unwrap())
}

fn cell() -> impl Strategy<Value = Cell> {
    (-90..=90i32, -180..=180i32, 3..=9u8)
        .prop_map(|(north, east, fine)| Cell::at(&north.to_string(), &east.to_string(), fine).unwrap())
}

fn reply() -> impl Strategy<Value = ReplyPath> {
    let addr = vec(any::<u8>(), 0..=limits::ADDR_BYTES);
    (
        vec(any::<u8>(), 1..=limits::PEER_ID_BYTES),
        vec(addr, 0..=limits::ADDRS),
    )
        .prop_map(|(peer, addrs)| ReplyPath {
            peer: held(&peer),
            addrs: list_of(addrs.iter().map(|addr| held(addr))),
        })
}

fn terms() -> impl Strategy<Value = TermsSet> {
    select(vec![
        vec![],
        vec!["SD-BASE"],
        vec!["PDC-INTENT", "SD-BASE"],
        vec!["PDC-AI"],
    ])
    .prop_map(|ids: Vec<&str>| TermsSet::of(&ids).unwrap())
}

/// A budget said in one of the ways.
fn budget((way, more, commitment): (u8, i64, [u8; 32]), least: Money) -> Budget {
    let currency = least.currency;
    let most = Money::new(least.minor.saturating_add(more), currency);
    match way {
        1 if most.minor > least.minor => Budget::Band { least, most },
        2 => Budget::Committed {
            currency,
            commitment: Commitment(commitment),
        },
        3 => Budget::Hidden { currency },
        _ => Budget::Public(least),
    }
}

fn withheld() -> impl Strategy<Value = List<Withheld, { limits::WITHHELD }>> {
    let fields = subsequence(vec!["place.exact", "photo", "text", "contact.phone"], 0..=4);
    (fields, vec(id(), 4)).prop_map(|(fields, hashes)| {
        let one = |(field, hash): (&str, [u8; 32])| Withheld {
            field: Word::new(field).unwrap(),
            stage: Stage::Accepted,
            commitment: Commitment(hash),
        };
        list_of(fields.into_iter().zip(hashes).map(one))
    })
}

prop_compose! {
    /// A want that may be signed at [`CAST`] for a day, small enough for the envelope.
    fn intent()(
        title in said(), more in text(), language in "[a-z]{2}", category in category(), wishes in vec(wish(), 0..5),
        quantity in 1..u32::MAX, conditions in vec(select(Condition::ALL.to_vec()), 1..4), minor in 1..i64::MAX,
    )(
        place in (region(), option::of(cell()), any::<u16>()), ways in vec(select(Fulfilment::ALL.to_vec()), 1..5),
        need_by in option::of(CAST.0 + 1..u64::MAX), due in CAST.0 + 1..CAST.0 + 86_400_000, caps in (1..=64u16, 1..=16u8),
        max_rounds in 0..=limits::ROUNDS, terms in terms(), may_ask in vec(text(), 0..=limits::STRANDS), reply in reply(),
        currency in currency(), unsaid in (0..4u8, 0..i64::MAX, id()), withheld in withheld(),
        so_far in Just((title, more, language, category, wishes, quantity, conditions, minor)),
    ) -> Intent {
        let (title, text, language, category, wishes, quantity, conditions, minor) = so_far;
        let (region, cell, radius_km) = place;
        Intent {
            title,
            text,
            language: Language::new(&language).unwrap(),
            category,
            wishes: list_of(wishes),
            quantity,
            conditions: Conditions::of(&conditions).unwrap(),
            budget: budget(unsaid, Money::new(minor, currency)),
            place: Place { region, cell, radius_km },
            fulfilment: Fulfilments::of(&ways).unwrap(),
            need_by: need_by.map(Timestamp),
            offers_due: Timestamp(due),
            max_offers: caps.0,
            offers_per_seller: caps.1,
            max_rounds,
            terms,
            may_ask: list_of(may_ask),
            reply,
            withheld,
        }
    }
}

prop_compose! {
    fn line()(
        item in text(), gtin in select(vec![None, Gtin::parse("4006381333931"), Gtin::parse("96385074")]),
        title in said(), brand in text(), category in category(), quantity in 1..=1_000u32, unit_minor in 0..=1i64 << 40,
        condition in select(Condition::ALL.to_vec()), near in option::of(text()),
        attributes in vec((text(), value()), 0..3),
    ) -> Line {
        let attributes = attributes.into_iter().map(|(name, value)| Attribute { name, value });
        let fit = near.map_or(Fit::Exact, Fit::Near);
        let attributes = list_of(attributes);
        Line { item, gtin, title, brand, category, quantity, unit_minor, condition, fit, attributes }
    }
}

prop_compose! {
    fn offer()(
        intent in id(), revision in id(), name in text(), reply in reply(), lines in vec(line(), 1..4),
        delivery in 0..=1i64 << 40, share in 0..=100i64, currency in currency(),
        serves in (region(), option::of(cell()), select(Fulfilment::ALL.to_vec())), times in (time(), option::of(time())),
        days in any::<(u16, u16)>(), terms in id(), needs in vec((text(), text()), 0..4),
        valid in CAST.0 + 1..CAST.0 + 86_400_000,
    ) -> Offer {
        let goods = lines.iter().map(|line| line.unit_minor * i64::from(line.quantity)).sum::<i64>();
        let total = goods + delivery;
        let (region, cell, mode) = serves;
        Offer {
            intent: IntentId(intent),
            revision: RecordId(revision),
            seller: Seller { name, reply },
            lines: list_of(lines),
            totals: Totals { currency, goods, delivery, tax: total / 100 * share, total },
            serves: Serves { region, cell, mode },
            deliver_by: times.0,
            valid_until: Timestamp(valid),
            held_until: times.1,
            returns_days: days.0,
            warranty_months: days.1,
            terms: TermsHash(terms),
            needs: list_of(needs.into_iter().map(|(strand, purpose)| Need { strand, purpose })),
        }
    }
}

fn acceptance() -> impl Strategy<Value = Acceptance> {
    (id(), id(), id(), 1..=8u8, any::<i64>(), currency(), id()).prop_map(
        |(agreement, intent, offer, lines, minor, currency, terms)| Acceptance {
            agreement: AgreementId(agreement),
            intent: IntentId(intent),
            offer: OfferId(offer),
            lines: list_of(0..lines),
            total: Money::new(minor, currency),
            terms: TermsHash(terms),
        },
    )
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let event = prop_oneof![
        text().prop_map(|reference| OrderEvent::Paid { reference }),
        (text(), text()).prop_map(|(carrier, tracking)| OrderEvent::Shipped { carrier, tracking }),
        Just(OrderEvent::Delivered),
        Just(OrderEvent::Returned),
        (any::<i64>(), currency()).prop_map(|(minor, currency)| OrderEvent::Refunded {
            amount: Money::new(minor, currency),
        }),
        text().prop_map(|reason| OrderEvent::Cancelled { reason }),
    ];
    let until = (option::of(time()), option::of(time()));
    (id(), any::<u32>(), id(), event, any::<i64>(), currency(), until).prop_map(
        |(agreement, sequence, previous, event, minor, currency, until)| Receipt {
            agreement: AgreementId(agreement),
            sequence,
            previous: (sequence > 0).then_some(RecordId(previous)),
            event: if sequence > 0 { event } else { OrderEvent::Confirmed },
            total: Money::new(minor, currency),
            returns_until: until.0,
            warranty_until: until.1,
        },
    )
}

/// Signs, reads back, and tells by the readable form too that nothing was lost.
fn there_and_back<T: Record + PartialEq>(body: T) -> Result<(), TestCaseError> {
    let record = match sign(&customer(), CAST, CAST.plus(Seconds(86_400)), body.clone()) {
        Ok(record) => record,
        // Some wants of many long texts are honestly too long; all else must be signable.
        Err(fault) => {
            prop_assert!(matches!(fault, Fault::Exceeded { what: "body bytes", .. }), "{}", fault);
            return Ok(());
        }
    };
    let back = open::<T>(record.bytes()).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
    prop_assert_eq!(back.body(), &body);
    prop_assert_eq!(back.id(), record.id());
    let readable = serde_json::to_string(&body).unwrap();
    prop_assert_eq!(&serde_json::from_str::<T>(&readable).unwrap(), &body);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_want_goes_there_and_back(intent in intent(), other in id(), sequence in 1..=limits::AMENDMENTS) {
        there_and_back(intent.clone())?;
        let (intent_id, replaces) = (IntentId(other), RecordId(other));
        there_and_back(Amendment { intent: intent_id, sequence, replaces, now: intent })?;
        there_and_back(Withdrawal { intent: intent_id })?;
    }

    #[test]
    fn every_offer_and_no_goes_there_and_back(offer in offer(), reason in select(Reason::ALL.to_vec())) {
        there_and_back(Decline { intent: offer.intent, offer: OfferId(offer.terms.0), reason })?;
        there_and_back(offer)?;
    }

    #[test]
    fn every_deed_and_receipt_goes_there_and_back(acceptance in acceptance(), receipt in receipt(), other in id()) {
        let Acceptance { agreement, total, terms, .. } = acceptance;
        there_and_back(Confirmation { agreement, acceptance: RecordId(other), total, terms })?;
        there_and_back(acceptance)?;
        there_and_back(receipt)?;
    }

    #[test]
    fn every_letter_goes_there_and_back(letter in letter()) {
        there_and_back(letter)?;
    }

    #[test]
    fn every_rating_goes_there_and_back(stars in 1..=5u8, said in text(), category in category()) {
        let key = customer().public();
        let ticket = Ticket { key, category };
        there_and_back(ticket.clone())?;
        let ticket = sign(&seller(), CAST, CAST.plus(Seconds(86_400)), ticket).unwrap();
        there_and_back(Rating { ticket: held(ticket.bytes()), stars, text: said })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_taken_or_refused_in_peace(mut bytes in vec(any::<u8>(), 0..600), kind in 0..12u8, claims: bool) {
        take_for_anything(&bytes);
        if claims {
            bytes.splice(..0, [limits::VERSION, kind]);
            take_for_anything(&bytes);
        }
    }

    #[test]
    fn a_good_vector_gone_bad_is_taken_or_refused_in_peace(pick: prop::sample::Index, changes in vec(change(), 1..6)) {
        let mut bytes = pick.get(vectors()).clone();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        take_for_anything(&bytes);
    }

    #[test]
    fn a_changed_envelope_is_no_record(pick: prop::sample::Index, changes in vec(change(), 1..4)) {
        let good = pick.get(envelopes());
        let mut bytes = good.clone();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        prop_assert_eq!(opens(&bytes), bytes == *good);
    }

    #[test]
    fn a_changed_agreement_does_not_hold(change in change()) {
        let good = Deal::known().agreement.bytes();
        let mut bytes = good.to_vec();
        change.apply(&mut bytes);
        prop_assert_eq!(Agreement::read(&bytes).is_ok(), bytes == good);
    }

    #[test]
    fn a_changed_entry_is_refused_or_leads_elsewhere(pick: prop::sample::Index, change in change()) {
        let mut chain = Chain::default();
        let entries: Vec<Vec<u8>> = Deal::known().facts().into_iter().map(|(_, fact)| chain.append(CAST, fact).bytes).collect();
        let at = pick.index(entries.len());
        let mut bytes = entries[at].clone();
        change.apply(&mut bytes);
        let mut before = Chain::default();
        for entry in &entries[..at] {
            before.follow(entry).unwrap();
        }
        let mut good = before;
        good.follow(&entries[at]).unwrap();
        let taken = before.follow(&bytes).is_ok();
        prop_assert!(bytes == entries[at] || !taken || before.head() != good.head());
    }
}

thread_local! {
    static READ: Counter<usize> = const { Counter::new(0) };
}

/// Counts how often one of it is read.
#[derive(Serialize, Debug)]
struct Counted(u8);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        u8::deserialize(deserializer).map(Self)
    }
}

/// A length as the wire spells the largest.
fn length(claimed: u64) -> Vec<u8> {
    [&[253][..], &claimed.to_le_bytes()].concat()
}

#[test]
fn a_list_too_long_is_refused_before_its_first_element() {
    for claimed in [5, 250, u64::from(u32::MAX), u64::MAX] {
        let bytes = [encode(&claimed), vec![0; 300]].concat();
        let refused = decode::<List<Counted, 4>>(&bytes);
        assert!(matches!(refused, Err(Malformed::Undecodable(_))), "{refused:?}");
    }
    assert_eq!(READ.get(), 0);
    assert!(decode::<List<Counted, 4>>(&[4, 0, 0, 0, 0]).is_ok());
    assert_eq!(READ.get(), 4);
}

#[test]
fn bytes_that_claim_to_be_endless_are_refused() {
    fn refused<T: Serialize + serde::de::DeserializeOwned + Debug>(bytes: &[u8]) {
        let read = decode::<T>(bytes);
        assert!(matches!(read, Err(Malformed::Undecodable(_))), "{read:?}");
    }
    // A gigabyte would already be an allocation that a test machine sees; the most would end the process.
    for claimed in [1 << 30, u64::from(u32::MAX), 1 << 48, u64::MAX] {
        refused::<Bytes<64>>(&length(claimed));
        refused::<Text<64>>(&length(claimed));
        refused::<ReplyPath>(&length(claimed));
        refused::<ReplyPath>(&[&[1, 0][..], &length(claimed)].concat());
        refused::<ReplyPath>(&[&[1, 0, 1][..], &length(claimed)].concat());
        for number in [0, 9, 11, 14] {
            let frame = [&[limits::VERSION, number][..], &length(claimed)].concat();
            assert!(matches!(Frame::decode(&frame), Err(Fault::Malformed(_))));
        }
        let piece = [&[limits::VERSION, 15][..], &[7; 32], &[9, 0], &length(claimed)].concat();
        assert!(matches!(Frame::decode(&piece), Err(Fault::Malformed(_))));
        refused::<Agreement>(&length(claimed));
        // number, before, at, fact 5 `NotTaken`, ids, refusal 0, no detail, and then its bytes.
        let entry = [&[0][..], &[0; 32], &[0, 5], &[0; 32], &[0, 0, 0, 0], &length(claimed)].concat();
        refused::<Entry>(&entry);
    }
}

#[test]
fn no_bit_of_an_envelope_may_flip() {
    for good in envelopes() {
        for at in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            assert!(!opens(&bytes), "bit {at} of kind {}", good[1]);
        }
    }
}

#[test]
fn nothing_may_follow_a_value() {
    for vector in made() {
        let mut bytes = vector.bytes();
        bytes.push(0);
        let taken = match vector.kind.as_str() {
            "frame" => Frame::decode(&bytes).is_ok(),
            "agreement" => Agreement::read(&bytes).is_ok(),
            "entry" => decode::<Entry>(&bytes).is_ok(),
            _ => opens(&bytes),
        };
        assert!(!taken, "{}", vector.name);
    }
}

/// The bytes with one of them, a small integer, spelt as two bytes behind the mark of a u16.
fn spelt_long(bytes: &[u8], at: usize) -> Vec<u8> {
    [&bytes[..at], &[251, bytes[at], 0], &bytes[at + 1..]].concat()
}

#[test]
fn a_second_spelling_of_a_number_is_refused_even_when_it_is_signed() {
    let not_canonical = Some(Fault::Malformed(Malformed::NotCanonical));
    let first = Deal::known().receipts[0].bytes();
    // Version, kind, author, two times of nine bytes: the stamp, which nobody worked for, is one byte at 52.
    let prefix = &first[..first.len() - 64];
    let stamp = resigned(&spelt_long(prefix, 52), &seller());
    assert_eq!(open::<Receipt>(&stamp).err(), not_canonical);
    // The body's length is at 53; its sequence number, zero, behind an id of 32 bytes.
    let mut body = spelt_long(prefix, 54 + 32);
    body[53] += 2;
    let body = resigned(&body, &seller());
    assert_eq!(open::<Receipt>(&body).err(), not_canonical);
    assert!(open::<Receipt>(&resigned(prefix, &seller())).is_ok());

    let frame = Frame::Stored(RecordId([7; 32])).encode();
    assert_eq!(Frame::decode(&spelt_long(&frame, 1)).err(), not_canonical);
}

fn resigned(prefix: &[u8], key: &Key) -> Vec<u8> {
    let message = [b"intentcast/1/sign\0", prefix].concat();
    [prefix, &key.sign(&message).0].concat()
}

fn vectors() -> &'static [Vec<u8>] {
    static ALL: std::sync::LazyLock<Vec<Vec<u8>>> =
        std::sync::LazyLock::new(|| made().iter().map(super::Vector::bytes).collect());
    &ALL
}

/// One good envelope of each kind.
fn envelopes() -> &'static [Vec<u8>] {
    static ALL: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(|| {
        let deal = Deal::known();
        let all: [&[u8]; 13] = [
            deal.least.bytes(),
            deal.amendment.bytes(),
            deal.withdrawal.bytes(),
            deal.offer.bytes(),
            deal.decline.bytes(),
            deal.acceptance.bytes(),
            deal.confirmation.bytes(),
            deal.receipts[1].bytes(),
            deal.letters[3].2.bytes(),
            deal.ticket.bytes(),
            deal.rating.bytes(),
            deal.inquiry.bytes(),
            deal.fetch.bytes(),
        ];
        all.map(<[u8]>::to_vec).to_vec()
    });
    &ALL
}
