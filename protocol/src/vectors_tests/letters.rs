//! A letter of every kind, from the first question to the last deletion receipt, and the rating that comes of the deal.

use super::samples::{
    CAST, CUSTOMER, Deal, SELLER, customer, held, later, list_of, opened, reply, seller, signed, text,
};
use crate::{
    attribute::{Attribute, Value},
    category::CategoryId,
    envelope::Verified,
    id::{EntryHash, OfferId, RecordId, TermsHash, digest},
    keys::Key,
    letter::{
        Ask, Change, DealChange, Deletion, Kept, Letter, Matter, Operation, Operations, Permission, Proposal, ThreadId,
        UseReport,
    },
    money::{Currency, Money},
    offer::{Offer, Reason},
    rating::{Rating, Ticket},
    time::{Seconds, Timestamp},
};

/// The seed of the key that the customer rates with.
pub const RATER: [u8; 32] = [0x44; 32];

const YEAR: Seconds = Seconds(365 * 24 * 3600);

/// The two chains as they grow.
struct Talk {
    thread: ThreadId,
    at: Timestamp,
    /// How many each side has written, and the last of them: the customer's, the seller's.
    sides: [(u32, Option<RecordId>); 2],
    all: Vec<(&'static str, [u8; 32], Verified<Letter>)>,
}

impl Talk {
    fn says(&mut self, seed: [u8; 32], name: &'static str, matter: Matter) -> RecordId {
        let (ours, theirs) = if seed == CUSTOMER { (0, 1) } else { (1, 0) };
        let (number, before) = self.sides[ours];
        let key = Key::from_seed(&seed);
        let letter = Letter {
            thread: self.thread,
            number,
            before,
            after: self.sides[theirs].1,
            reply: matches!(matter, Matter::Moved).then(|| reply(&key)),
            matter,
        };
        self.at = self.at.plus(Seconds(60));
        let letter = signed(&key, self.at, self.at.plus(YEAR), letter);
        let id = letter.id();
        self.sides[ours] = (number + 1, Some(id));
        self.all.push((name, seed, letter));
        id
    }
}

fn pounds(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

/// The seller's word that the rater bought something.
pub fn ticket(category: CategoryId) -> Verified<Ticket> {
    let key = Key::from_seed(&RATER).public();
    signed(&seller(), later(30), later(30).plus(YEAR), Ticket { key, category })
}

/// What the rater says.
pub fn rating(ticket: &Verified<Ticket>) -> Verified<Rating> {
    let rating = Rating {
        ticket: held(ticket.bytes()),
        stars: 4,
        text: text("It came in time; the bell is missing."),
    };
    signed(&Key::from_seed(&RATER), later(31), later(31).plus(YEAR), rating)
}

/// A letter of every kind, both chains in the order in which they were written: its name, the author's seed, itself.
pub fn letters(deal: &Deal) -> Vec<(&'static str, [u8; 32], Verified<Letter>)> {
    let mut talk = Talk {
        thread: ThreadId {
            intent: deal.intent.id().into(),
            seller: seller().public(),
        },
        at: CAST,
        sides: [(0, None); 2],
        all: Vec::new(),
    };
    debug_assert_eq!(deal.intent.header().author, customer().public());
    before_the_deal(&mut talk, deal);
    let grant = granted(&mut talk, deal);
    changed(&mut talk, deal, grant);
    afterwards(&mut talk, deal, grant);
    talk.all
}

fn before_the_deal(talk: &mut Talk, deal: &Deal) {
    let offer = OfferId::from(deal.offer.id());
    talk.says(SELLER, "moved", Matter::Moved);
    let asked = Matter::Question {
        about: Some(offer),
        field: Some(text("warranty_months")),
        text: text("Does the warranty cover the frame?"),
    };
    let question = talk.says(CUSTOMER, "question", asked);
    let answer = Matter::Answer {
        question,
        text: text("The frame for ten years."),
        to_all: false,
    };
    talk.says(SELLER, "answer", answer);
    let changes = list_of([
        Change::Total(pounds(45_000)),
        Change::DeliverBy(later(24 * 4)),
        Change::Quantity(1),
        Change::ReturnsDays(60),
        Change::WarrantyMonths(36),
        Change::Attribute(Attribute {
            name: text("colour"),
            value: Value::Text(text("slate")),
        }),
    ]);
    let counter = talk.says(
        CUSTOMER,
        "counter",
        Matter::Counter {
            offer,
            round: 1,
            changes,
        },
    );
    let better = Offer {
        returns_days: 60,
        ..deal.offer.body().clone()
    };
    let better = signed(&seller(), later(1).plus(Seconds(1)), later(48), better);
    let revised = Matter::Revised {
        offer,
        counter: Some(counter),
        round: 1,
        with: held(better.bytes()),
    };
    talk.says(SELLER, "revised", revised);
    let why = Reason::Price;
    talk.says(SELLER, "counter-refused", Matter::CounterRefused { counter, why });
    let retracted = OfferId::from(better.id());
    talk.says(SELLER, "retracted", Matter::Retracted { offer: retracted });
    let [_, (_, photo)] = opened();
    let fields = list_of([photo]);
    talk.says(CUSTOMER, "disclosed", Matter::Disclosed { offer, fields });
}

fn granted(talk: &mut Talk, deal: &Deal) -> RecordId {
    let permission = Permission {
        agreement: deal.agreement.id,
        strand: text("address.delivery"),
        purpose: text("to bring the bike"),
        operations: Operations::of(&[Operation::Use, Operation::Share]).expect("two are some"),
        recipients: list_of([text("Yellow Van")]),
        ends: later(24 * 30),
    };
    let request = Matter::PermissionRequest {
        permission: permission.clone(),
        benefit: text("it comes to your door"),
        key: [0x66; 32],
    };
    let request = talk.says(SELLER, "permission-request", request);
    let why = text("the shop is around the corner");
    talk.says(CUSTOMER, "grant-refused", Matter::GrantRefused { request, why });
    let granted = Matter::Granted {
        request,
        permission,
        alias: true,
        sealed: held(&digest("intentcast/1/sample", &[b"sealed"])),
    };
    talk.says(CUSTOMER, "granted", granted)
}

fn changed(talk: &mut Talk, deal: &Deal, grant: RecordId) {
    let terms = deal.intent.terms.hash();
    let changes = list_of([
        DealChange::Total {
            from: pounds(48_500),
            to: pounds(46_000),
        },
        DealChange::DeliverBy {
            from: later(24 * 5),
            to: later(24 * 6),
        },
        DealChange::Terms {
            from: terms,
            to: TermsHash([0x77; 32]),
        },
        DealChange::Purpose {
            grant,
            from: text("to bring the bike"),
            to: text("to bring and fetch the bike"),
        },
        DealChange::Recipients {
            grant,
            from: list_of([text("Yellow Van")]),
            to: list_of([text("Red Van"), text("Blue Van")]),
        },
    ]);
    let proposal = Matter::Proposal(Proposal {
        agreement: deal.agreement.id,
        version: EntryHash(digest("intentcast/1/deal", &[&deal.agreement.id.0])),
        changes,
        why: text("the yellow van has broken down"),
    });
    let proposal = talk.says(SELLER, "proposal", proposal);
    talk.says(CUSTOMER, "verdict", Matter::Verdict { proposal, yes: true });
}

fn afterwards(talk: &mut Talk, deal: &Deal, grant: RecordId) {
    let receipt = deal.receipts[0].id();
    talk.says(CUSTOMER, "acknowledged", Matter::Acknowledged { receipt });
    let (what, why) = (Ask::Return, text("too small"));
    talk.says(CUSTOMER, "asked", Matter::Asked { what, why });
    let ticket = ticket(deal.intent.category.root());
    let key = ticket.key;
    talk.says(CUSTOMER, "rating-asked", Matter::RatingAsked { key });
    let ticket = held(ticket.bytes());
    talk.says(SELLER, "rating-given", Matter::RatingGiven { ticket });
    let report = Matter::UseReport(UseReport {
        grant,
        operation: Operation::Share,
        purpose: text("to bring the bike"),
        times: 2,
        from: later(24),
        to: later(48),
        shared_with: list_of([text("Yellow Van")]),
    });
    let report = talk.says(SELLER, "use-report", report);
    let suggestion = Matter::Suggestion {
        grant,
        about: Some(report),
        text: text("Leave the address out of the newsletter."),
    };
    let suggestion = talk.says(CUSTOMER, "suggestion", suggestion);
    talk.says(SELLER, "seen", Matter::Seen { letter: suggestion });
    let revoked = Matter::Revoked {
        grant,
        delete: true,
        answer_by: later(24 * 7),
    };
    talk.says(CUSTOMER, "revoked", revoked);
    let deleted = Matter::Deleted(Deletion {
        grant,
        at: later(50),
        kept: list_of([Kept {
            what: text("the invoice"),
            ground: text("tax law"),
            until: CAST.plus(Seconds(6 * YEAR.0)),
        }]),
        told: list_of([text("Yellow Van")]),
    });
    talk.says(SELLER, "deleted", deleted);
    let document = Matter::Document {
        hash: EntryHash(digest("intentcast/1/sample", &[b"picture"])),
        mime: text("image/jpeg"),
        bytes: 300_000,
        name: text("the scratch.jpg"),
    };
    talk.says(CUSTOMER, "document", document);
}
