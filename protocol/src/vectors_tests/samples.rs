//! One of everything that travels or is kept, made anew from fixed seeds and times: the code's side of the vectors.

use std::{fmt::Debug, str::FromStr, sync::LazyLock};

mod said;

pub use said::{least, said_less};

use super::letters;
use crate::{
    attribute::{Attribute, Comparison, Strength, Value, Wish},
    category::by_path,
    contact::ReplyPath,
    deed::{Acceptance, Agreement, Confirmation, Difference, Inquiry, Settled, agreement_id},
    disclosure::{self, Kept, Opened, Salt, Stage, Withheld},
    document::Fetch,
    envelope::{Record, Verified, sign},
    frame::{Frame, Refusal},
    id::{EntryHash, IntentId, OfferId, RecordId, digest},
    intent::{Amendment, Budget, Condition, Conditions, Intent, Language, Withdrawal},
    keys::Key,
    ledger::{Fact, Refused},
    letter::{Letter, ThreadId},
    limits,
    list::{Bytes, List},
    money::{Currency, Money},
    offer::{Decline, Fit, Gtin, Line, Need, Offer, Reason, Seller, Totals},
    place::{Cell, Fulfilment, Fulfilments, Place, Serves},
    rating::{Rating, Ticket},
    recall::Recall,
    receipt::{OrderEvent, Receipt},
    regard::Regard,
    terms::TermsSet,
    text::Text,
    time::{Seconds, Timestamp},
    topic::Topic,
};

/// The seed of the key that signs the customer's records.
pub const CUSTOMER: [u8; 32] = [0x11; 32];
/// The seed of the key that signs the seller's records.
pub const SELLER: [u8; 32] = [0x22; 32];
/// When the want was cast: 2027-01-15T08:00:00Z.
pub const CAST: Timestamp = Timestamp(1_800_000_000_000);

const HOUR: Seconds = Seconds(3600);
const DAY: Seconds = Seconds(24 * 3600);
const YEAR: Seconds = Seconds(365 * 24 * 3600);

pub fn later(hours: u32) -> Timestamp {
    CAST.plus(Seconds(hours * HOUR.0))
}

pub fn customer() -> Key {
    Key::from_seed(&CUSTOMER)
}

pub fn seller() -> Key {
    Key::from_seed(&SELLER)
}

pub fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::strict(text).expect("samples are clean text")
}

fn read<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("samples are well-formed")
}

pub fn list_of<T: Debug, const MAX: usize>(elements: impl IntoIterator<Item = T>) -> List<T, MAX> {
    List::new(elements.into_iter().collect()).expect("samples are within the limits")
}

pub fn held<const MAX: usize>(bytes: &[u8]) -> Bytes<MAX> {
    Bytes::new(bytes).expect("samples are within the limits")
}

pub fn signed<T: Record>(key: &Key, created: Timestamp, expires: Timestamp, body: T) -> Verified<T> {
    sign(key, created, expires, body).expect("samples are sound")
}

/// A peer id as libp2p spells it: the identity multihash of an Ed25519 key. No record depends on its form.
fn peer(key: &Key) -> Vec<u8> {
    [&[0x00, 0x24, 0x08, 0x01, 0x12, 0x20][..], &key.public().0].concat()
}

/// `/ip4/127.0.0.1/udp/4001/quic-v1`, and `/ip4/127.0.0.1/tcp/4001/p2p/<the seller>/p2p-circuit`.
pub fn reply(key: &Key) -> ReplyPath {
    let direct = [4, 127, 0, 0, 1, 0x91, 0x02, 0x0f, 0xa1, 0xcd, 0x03];
    let relayed = [
        &[4, 127, 0, 0, 1, 6, 0x0f, 0xa1, 0xa5, 0x03, 38][..],
        &peer(&seller()),
        &[0xa2, 0x02],
    ]
    .concat();
    ReplyPath {
        peer: held(&peer(key)),
        addrs: list_of([held(&direct), held(&relayed)]),
    }
}

fn wish(name: &str, comparison: Comparison, value: Value, strength: Strength) -> Wish {
    Wish {
        name: text(name),
        comparison,
        value,
        strength,
    }
}

fn amount(amount: &str, unit: &str) -> Value {
    Value::Number {
        amount: read(amount),
        unit: text(unit),
    }
}

/// A want with every field and every variant of its parts filled.
pub fn want() -> Intent {
    Intent {
        title: text("Mountain bike for a rather tall person"),
        text: text("Trails at the week\u{2019}s end, caf\u{e9} on the way back."),
        language: Language::ENGLISH,
        category: by_path("sports/cycling/mountain-bikes").expect("in the vocabulary").id,
        wishes: list_of([
            wish("frame_size", Comparison::AtLeast, amount("20.5", "in"), Strength::Must),
            wish("weight", Comparison::AtMost, amount("14", "kg"), Strength::Prefer(60)),
            wish(
                "brake_type",
                Comparison::Is,
                Value::Text(text("hydraulic disc")),
                Strength::Prefer(30),
            ),
            wish("motor", Comparison::Is, Value::Flag(true), Strength::Avoid(100)),
        ]),
        quantity: 1,
        conditions: Conditions::of(&[Condition::New, Condition::Refurbished]).expect("two are some"),
        budget: Budget::Public(Money::new(50_000, Currency::GBP)),
        place: Place {
            region: read("GB-KHL"),
            cell: Some(Cell::at("53.7444", "-0.3325", 6).expect("Hull is somewhere")),
            radius_km: 25,
        },
        fulfilment: Fulfilments::of(&[Fulfilment::Delivery, Fulfilment::Pickup]).expect("two are some"),
        need_by: Some(later(24 * 10)),
        offers_due: later(24 * 2),
        max_offers: 32,
        offers_per_seller: 3,
        max_rounds: 0,
        terms: TermsSet::default(),
        may_ask: list_of([text("address.delivery"), text("contact.email")]),
        reply: reply(&customer()),
        withheld: list_of(opened().map(|(stage, opened)| Withheld {
            stage,
            commitment: opened.commitment(),
            field: opened.field,
        })),
    }
}

/// The photo that the want withholds.
pub fn photo_hash() -> EntryHash {
    EntryHash(digest("a photo", &[]))
}

/// What the want withholds, each with the stage from which on it may be opened.
pub fn opened() -> [(Stage, Opened); 2] {
    let opened = |field, value, salt| Opened {
        field: text(field),
        value,
        salt: Salt([salt; 32]),
    };
    let photo = disclosure::Value::Document(held(&photo_hash().0));
    [
        (
            Stage::Accepted,
            opened(
                "place.exact",
                disclosure::Value::Text(text("12 Spring Bank, Hull")),
                0x44,
            ),
        ),
        (Stage::Signed, opened("photo", photo, 0x55)),
    ]
}

/// What opens the committed budget of [`said_less`].
pub fn opened_budget() -> Opened {
    Opened {
        field: text("budget"),
        value: disclosure::Value::Money(Money::new(50_000, Currency::GBP)),
        salt: Salt([0x66; 32]),
    }
}

/// The records of one deal, from want to warranty.
pub struct Deal {
    pub intent: Verified<Intent>,
    pub least: Verified<Intent>,
    pub amendment: Verified<Amendment>,
    pub withdrawal: Verified<Withdrawal>,
    pub offer: Verified<Offer>,
    pub decline: Verified<Decline>,
    pub acceptance: Verified<Acceptance>,
    pub confirmation: Verified<Confirmation>,
    pub inquiry: Verified<Inquiry>,
    pub fetch: Verified<Fetch>,
    pub recall: Verified<Recall>,
    pub receipts: Vec<Verified<Receipt>>,
    pub agreement: Settled,
    pub amended: Settled,
    /// A letter of every kind: its name, its author's seed, itself.
    pub letters: Vec<(&'static str, [u8; 32], Verified<Letter>)>,
    pub ticket: Verified<Ticket>,
    pub rating: Verified<Rating>,
}

fn bike(fit: Fit) -> Line {
    Line {
        item: text("MTB-29-XL"),
        gtin: Gtin::parse("4006381333931"),
        title: text("Ridge 29 mountain bike, XL"),
        brand: text("Ridgeway"),
        category: want().category,
        quantity: 1,
        unit_minor: 44_900,
        condition: Condition::New,
        fit,
        attributes: list_of([
            Attribute {
                name: text("frame_size"),
                value: amount("21", "in"),
            },
            Attribute {
                name: text("colour"),
                value: Value::Text(text("moss green")),
            },
            Attribute {
                name: text("motor"),
                value: Value::Flag(false),
            },
        ]),
    }
}

pub fn promise(intent: &Verified<Intent>, revision: RecordId) -> Offer {
    let pump = Line {
        item: text("PUMP-1"),
        gtin: None,
        title: text("Floor pump"),
        brand: text(""),
        quantity: 2,
        unit_minor: 1_050,
        condition: Condition::Used,
        attributes: List::default(),
        ..bike(Fit::Near(text("a pump that goes with it")))
    };
    Offer {
        intent: intent.id().into(),
        revision,
        seller: Seller {
            name: text("Humber Cycles"),
            reply: reply(&seller()),
        },
        lines: list_of([bike(Fit::Exact), pump]),
        totals: Totals {
            currency: Currency::GBP,
            goods: 47_000,
            delivery: 1_500,
            tax: 8_083,
            total: 48_500,
        },
        serves: Serves {
            region: read("GB"),
            cell: Some(Cell::at("53.74", "-0.33", 5).expect("Hull is somewhere")),
            mode: Fulfilment::Delivery,
        },
        deliver_by: later(24 * 5),
        valid_until: later(24 * 2),
        held_until: Some(later(24)),
        returns_days: 30,
        warranty_months: 24,
        terms: intent.terms.hash(),
        needs: list_of([Need {
            strand: text("address.delivery"),
            purpose: text("to bring the bike"),
        }]),
    }
}

pub fn yes(offer: &Verified<Offer>) -> Acceptance {
    let id = OfferId::from(offer.id());
    Acceptance {
        agreement: agreement_id(offer.intent, offer.revision, id, offer.terms),
        intent: offer.intent,
        offer: id,
        lines: list_of([0, 1]),
        total: offer.totals.landed(),
        terms: offer.terms,
    }
}

pub fn confirmed(acceptance: &Verified<Acceptance>) -> Confirmation {
    Confirmation {
        agreement: acceptance.agreement,
        acceptance: acceptance.id(),
        total: acceptance.total,
        terms: acceptance.terms,
    }
}

/// What may happen to an order, in one long story.
fn events() -> [OrderEvent; 7] {
    [
        OrderEvent::Confirmed,
        OrderEvent::Paid {
            reference: text("RF18 5390 0754 7034"),
        },
        OrderEvent::Shipped {
            carrier: text("Yellow Van"),
            tracking: text("YV-000-17"),
        },
        OrderEvent::Delivered,
        OrderEvent::Returned,
        OrderEvent::Refunded {
            amount: Money::new(47_000, Currency::GBP),
        },
        OrderEvent::Cancelled {
            reason: text("sent back within the month"),
        },
    ]
}

fn chain(acceptance: &Acceptance) -> Vec<Verified<Receipt>> {
    let mut receipts: Vec<Verified<Receipt>> = Vec::new();
    for (sequence, event) in (0..).zip(events()) {
        let at = later(3 + sequence);
        let receipt = Receipt {
            agreement: acceptance.agreement,
            sequence,
            previous: receipts.last().map(Verified::id),
            event,
            total: acceptance.total,
            returns_until: (sequence > 0).then(|| later(24 * 30)),
            warranty_until: (sequence > 0).then(|| CAST.plus(YEAR)),
        };
        receipts.push(signed(&seller(), at, at.plus(YEAR), receipt));
    }
    receipts
}

impl Deal {
    /// The same deal, signed once for all who only look.
    pub fn known() -> &'static Self {
        static DEAL: LazyLock<Deal> = LazyLock::new(Deal::new);
        &DEAL
    }

    pub fn new() -> Self {
        let expires = CAST.plus(Seconds(3 * DAY.0));
        let intent = signed(&customer(), CAST, expires, want());
        let now = Intent {
            budget: Budget::Public(Money::new(55_000, Currency::GBP)),
            ..want()
        };
        let amendment = Amendment {
            intent: intent.id().into(),
            sequence: 1,
            replaces: intent.id(),
            now,
        };
        let amendment = signed(&customer(), later(1), expires, amendment);
        let withdrawal = Withdrawal {
            intent: intent.id().into(),
        };
        let offered = |revision| {
            let offer = signed(&seller(), later(1), later(48), promise(&intent, revision));
            let acceptance = signed(&customer(), later(2), later(2).plus(YEAR), yes(&offer));
            let confirmation = signed(&seller(), later(3), later(3).plus(YEAR), confirmed(&acceptance));
            (offer, acceptance, confirmation)
        };
        let (offer, acceptance, confirmation) = offered(intent.id());
        let agreement = Agreement::of(&intent, None, &offer, &acceptance, &confirmation).expect("they fit");
        let (second, its_yes, its_confirmation) = offered(amendment.id());
        let amended = Agreement::of(&intent, Some(&amendment), &second, &its_yes, &its_confirmation).expect("they fit");
        let decline = Decline {
            intent: intent.id().into(),
            offer: offer.id().into(),
            reason: Reason::DeliveryDate,
        };
        let asks = Inquiry {
            agreement: acceptance.agreement,
        };
        let fetches = Fetch {
            thread: ThreadId {
                intent: intent.id().into(),
                seller: seller().public(),
            },
            hash: photo_hash(),
            offset: 2 * limits::PIECE_BYTES as u32,
        };
        let recalls = Recall {
            thread: fetches.thread,
            customer: 3,
            seller: 300,
            receipts: 1,
            amended: 1,
            after: Some(offer.id()),
        };
        let ticket = letters::ticket(intent.category.root());
        let mut deal = Self {
            letters: Vec::new(),
            rating: letters::rating(&ticket),
            ticket,
            least: signed(&customer(), CAST, CAST.plus_millis(1), least()),
            withdrawal: signed(&customer(), later(2), expires, withdrawal),
            decline: signed(&customer(), later(2), later(48), decline),
            inquiry: signed(&customer(), later(9), later(9).plus(Seconds(300)), asks),
            fetch: signed(&seller(), later(9), later(9).plus(Seconds(300)), fetches),
            recall: signed(&customer(), later(9), later(9).plus(Seconds(300)), recalls),
            receipts: chain(&acceptance),
            intent,
            amendment,
            offer,
            acceptance,
            confirmation,
            agreement,
            amended,
        };
        deal.letters = letters::letters(&deal);
        deal
    }

    /// A frame of every variant.
    pub fn frames(&self) -> Vec<(&'static str, Frame)> {
        let topic: Topic = read("/intentcast/1/1/mobility/europe-west");
        let about = self.offer.id();
        let refused = |why| Frame::Refused { about, why };
        vec![
            ("offer", Frame::Offer(held(self.offer.bytes()))),
            ("acceptance", Frame::Acceptance(held(self.acceptance.bytes()))),
            ("decline", Frame::Decline(held(self.decline.bytes()))),
            ("receipt", Frame::Receipt(held(self.receipts[0].bytes()))),
            ("withdrawal", Frame::Withdrawal(held(self.withdrawal.bytes()))),
            ("pull-first", Frame::Pull { topic, after: None }),
            (
                "pull-next",
                Frame::Pull {
                    topic,
                    after: Some(self.intent.id()),
                },
            ),
            ("stored", Frame::Stored(about)),
            ("refused", refused(Refusal::NotAdmitted)),
            ("refused-busy", refused(Refusal::Busy { retry: Seconds(60) })),
            (
                "confirmed",
                Frame::Confirmed {
                    confirmation: held(self.confirmation.bytes()),
                    receipt: held(self.receipts[0].bytes()),
                },
            ),
            (
                "open",
                Frame::Open {
                    records: list_of([held(self.intent.bytes()), held(self.amendment.bytes())]),
                    more: true,
                },
            ),
            ("letter", Frame::Letter(held(self.letters[0].2.bytes()))),
            ("refused-early", refused(Refusal::Early)),
            (
                "tell",
                Frame::Tell {
                    topic,
                    records: list_of([held(self.intent.bytes()), held(self.amendment.bytes())]),
                },
            ),
            ("compare", Frame::Compare(held(self.inquiry.bytes()))),
            (
                "held",
                Frame::Held {
                    agreement: self.acceptance.agreement,
                    bytes: self.agreement.bytes_hash(),
                    receipts: self.receipts.len() as u32,
                    last: self.receipts.last().map(Verified::id),
                },
            ),
            ("fetch", Frame::Fetch(held(self.fetch.bytes()))),
            (
                "piece",
                Frame::Piece {
                    hash: photo_hash(),
                    total: 2 * limits::PIECE_BYTES as u32 + 6,
                    offset: 2 * limits::PIECE_BYTES as u32,
                    bytes: held(b"\xff\xd8\xff\xd9\0\0"),
                },
            ),
            ("recall", Frame::Recall(held(self.recall.bytes()))),
            (
                "recalled",
                Frame::Recalled {
                    records: list_of([held(self.letters[0].2.bytes()), held(self.receipts[1].bytes())]),
                    more: true,
                },
            ),
        ]
    }

    /// A fact of every variant, in the order of their numbers.
    pub fn facts(&self) -> Vec<(&'static str, Fact)> {
        let offer = OfferId::from(self.offer.id());
        vec![
            (
                "cast",
                Fact::Cast {
                    nonce: [0x33; 16],
                    intent: self.intent.clone(),
                    kept: Kept {
                        ceiling: None,
                        opened: list_of(opened().map(|(_, opened)| opened)),
                    },
                    renews: Some(IntentId([0x77; 32])),
                },
            ),
            ("amended", Fact::Amended(self.amendment.clone())),
            ("withdrawn", Fact::Withdrawn(self.withdrawal.clone())),
            (
                "published",
                Fact::Published {
                    record: self.intent.id(),
                    peers: 300,
                },
            ),
            ("offer-taken", Fact::OfferTaken(self.offer.clone())),
            (
                "not-taken",
                Fact::NotTaken(Refused {
                    record: self.offer.id(),
                    intent: Some(self.offer.intent),
                    author: Some(seller().public()),
                    why: Refusal::OverCap,
                    detail: text("32 offers were asked for"),
                    bytes: held(self.offer.bytes()),
                }),
            ),
            ("declined", Fact::Declined(self.decline.clone())),
            ("accepted", Fact::Accepted(self.acceptance.clone())),
            (
                "acceptance-refused",
                Fact::AcceptanceRefused {
                    offer,
                    why: Refusal::Changed,
                    difference: Some(Difference {
                        field: "total".into(),
                        agreed: "485.00 GBP".into(),
                        named: "495.00 GBP".into(),
                    }),
                },
            ),
            (
                "agreed",
                Fact::Agreed {
                    confirmation: self.confirmation.clone(),
                    acceptance: self.acceptance.clone(),
                    receipt: self.receipts[0].clone(),
                },
            ),
            ("receipt", Fact::Receipt(self.receipts[1].clone())),
            ("heard", Fact::Heard(self.intent.clone())),
            ("heard-amendment", Fact::HeardAmendment(self.amendment.clone())),
            ("heard-withdrawal", Fact::HeardWithdrawal(self.withdrawal.clone())),
            (
                "offered",
                Fact::Offered {
                    offer: self.offer.clone(),
                    item: text("MTB-29-XL"),
                    stock: Some(4),
                    counted: CAST,
                },
            ),
            (
                "delivered",
                Fact::Delivered {
                    record: self.offer.id(),
                    refused: Some(Refusal::Expired),
                },
            ),
            ("decline-taken", Fact::DeclineTaken(self.decline.clone())),
            (
                "yes-refused",
                Fact::YesRefused {
                    offer,
                    why: Refusal::OutOfStock,
                },
            ),
            (
                "differed",
                Fact::Differed {
                    agreement: self.acceptance.agreement,
                    difference: Difference {
                        field: "receipt's total".into(),
                        agreed: "485.00 GBP".into(),
                        named: "495.00 GBP".into(),
                    },
                },
            ),
            (
                "kept",
                Fact::Kept {
                    intent: self.intent.id().into(),
                    revision: self.amendment.id(),
                    kept: Kept {
                        ceiling: Some(Money::new(50_000, Currency::GBP)),
                        opened: list_of([opened_budget()]),
                    },
                },
            ),
            ("wrote", Fact::Wrote(self.letters[1].2.clone())),
            ("took", Fact::Took(self.letters[0].2.clone())),
            (
                "rated",
                Fact::Rated {
                    agreement: self.acceptance.agreement,
                    rating: self.rating.clone(),
                },
            ),
            (
                "regarded",
                Fact::Regarded {
                    seller: seller().public(),
                    regard: Regard::Blocked,
                },
            ),
            (
                "head-start",
                Fact::HeadStart {
                    intent: self.intent.id().into(),
                    until: CAST.plus_millis(600_000),
                    favourites: list_of([seller().public()]),
                },
            ),
            (
                "restored",
                Fact::Restored {
                    made: CAST.plus_millis(3_600_000),
                },
            ),
            (
                "doubted",
                Fact::Doubted {
                    thread: self.recall.thread,
                },
            ),
            (
                "caught-up",
                Fact::CaughtUp {
                    thread: self.recall.thread,
                    anyway: false,
                },
            ),
        ]
    }
}
