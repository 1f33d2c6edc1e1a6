//! A customer and a seller of one deal, with a strand asked for, granted, used, revoked and deleted, taken along and
//! brought back.

mod backup;
mod documents;

use intentcast_protocol::{
    deed::Settled,
    envelope::{Verified, sign},
    id::RecordId,
    keys::Seed,
    ledger::{Chain, Fact, Stored},
    letter::{Deletion, Letter, Matter, Operation, Operations, Permission, ThreadId, UseReport},
    list::{Bytes, List},
    market::{Config, Market},
    receipt::{OrderEvent, Receipt},
    text::{Name, Phrase, Prose, Word},
    time::Timestamp,
};

use crate::evidence_file::{deal_with, later};

/// The two of it.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Customer,
    Seller,
}

fn seed(side: Side) -> Seed {
    match side {
        Side::Customer => Seed::new([1; 32]),
        Side::Seller => Seed::new([3; 32]),
    }
}

struct Deal {
    settled: Settled,
    receipts: Vec<Verified<Receipt>>,
    letters: Vec<(Side, Verified<Letter>)>,
}

impl Deal {
    fn new() -> Self {
        let shipped = OrderEvent::Shipped {
            carrier: Name::new("Yellow Van").unwrap(),
            tracking: Phrase::new("YV-17").unwrap(),
        };
        let (settled, receipts) = deal_with([
            (OrderEvent::Confirmed, later(1)),
            (shipped, later(2)),
            (OrderEvent::Delivered, later(4)),
        ]);
        let mut deal = Self {
            settled,
            receipts,
            letters: Vec::new(),
        };
        deal.talk();
        deal
    }

    fn says(&mut self, by: Side, at: Timestamp, matter: Matter) -> RecordId {
        let last = |side: Side| {
            let mut of = self.letters.iter().filter(move |(it, _)| *it == side);
            of.next_back().map(|(_, letter)| letter)
        };
        let (ours, theirs) = match by {
            Side::Customer => (last(Side::Customer), last(Side::Seller)),
            Side::Seller => (last(Side::Seller), last(Side::Customer)),
        };
        let letter = Letter {
            thread: ThreadId {
                intent: self.settled.intent.id().into(),
                seller: self.settled.offer.header().author,
            },
            number: ours.map_or(0, |letter| letter.number + 1),
            before: ours.map(Verified::id),
            after: theirs.map(Verified::id),
            reply: None,
            matter,
        };
        let key = match by {
            Side::Customer => seed(by).intent_key(&[2; 16]),
            Side::Seller => seed(by).seller_key(),
        };
        let letter = sign(&key, at, later(300), letter).unwrap();
        let id = letter.id();
        self.letters.push((by, letter));
        id
    }

    fn talk(&mut self) {
        let text = Prose::new("Does it have mudguards?").unwrap();
        self.says(
            Side::Customer,
            later(0),
            Matter::Question {
                about: None,
                field: None,
                text,
            },
        );
        let permission = Permission {
            agreement: self.settled.id,
            strand: Word::new("contact.email").unwrap(),
            purpose: Phrase::new("delivery_updates").unwrap(),
            operations: Operations::of(&[Operation::Use, Operation::Store]).unwrap(),
            recipients: List::default(),
            ends: later(60),
        };
        let request = self.says(
            Side::Seller,
            later(2),
            Matter::PermissionRequest {
                permission: permission.clone(),
                benefit: Phrase::new("you know when to be at home").unwrap(),
                key: [9; 32],
            },
        );
        let grant = self.says(
            Side::Customer,
            later(2),
            Matter::Granted {
                request,
                permission,
                alias: true,
                sealed: Bytes::new(vec![5; 112]).unwrap(),
            },
        );
        let report = UseReport {
            grant,
            operation: Operation::Use,
            purpose: Phrase::new("delivery_updates").unwrap(),
            times: 2,
            from: later(2),
            to: later(3),
            shared_with: List::default(),
        };
        self.says(Side::Seller, later(3), Matter::UseReport(report));
        let revoked = Matter::Revoked {
            grant,
            delete: true,
            answer_by: later(10),
        };
        self.says(Side::Customer, later(5), revoked);
        let gone = Deletion {
            grant,
            at: later(6),
            kept: List::default(),
            told: List::default(),
        };
        self.says(Side::Seller, later(6), Matter::Deleted(gone));
    }

    /// The ledger that one side has of it.
    fn ledger(&self, side: Side) -> Vec<Stored> {
        let Settled {
            intent,
            offer,
            acceptance,
            confirmation,
            ..
        } = self.settled.clone();
        let mut facts = match side {
            Side::Customer => vec![
                Fact::Cast {
                    nonce: [2; 16],
                    intent,
                    kept: Default::default(),
                    renews: None,
                },
                Fact::OfferTaken(offer),
                Fact::Accepted(acceptance.clone()),
            ],
            Side::Seller => vec![
                Fact::Heard(intent),
                Fact::Offered {
                    offer,
                    item: Word::new("b1").unwrap(),
                    stock: None,
                    counted: later(0),
                },
            ],
        };
        facts.push(Fact::Agreed {
            confirmation,
            acceptance,
            receipt: self.receipts[0].clone(),
        });
        facts.extend(self.receipts[1..].iter().cloned().map(Fact::Receipt));
        let letters = self.letters.iter().cloned();
        facts.extend(letters.map(|(by, letter)| {
            if by == side {
                Fact::Wrote(letter)
            } else {
                Fact::Took(letter)
            }
        }));
        let mut chain = Chain::default();
        facts.into_iter().map(|fact| chain.append(later(1), fact)).collect()
    }

    fn market(&self, side: Side) -> Market {
        let ledger = self.ledger(side);
        let bytes = ledger.iter().map(|entry| entry.bytes.as_slice());
        Market::replay(seed(side), Config::default(), bytes, later(7)).unwrap()
    }
}
