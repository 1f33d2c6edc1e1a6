//! The signed records in a ledger, by their ids: what stands beside each thing that a document says.

use std::collections::BTreeMap;

use intentcast_protocol::{
    envelope::{Verified, record_id},
    id::{RecordId, hex},
    ledger::{Broken, Chain, Fact, Stored},
    letter::{Letter, Matter},
};

/// Signed records, in hexadecimal.
#[derive(Default)]
pub(super) struct Originals(BTreeMap<RecordId, String>);

impl Originals {
    /// Those of a ledger.
    ///
    /// # Errors
    /// Where its chain does not hold.
    pub(super) fn of(entries: &[Stored]) -> Result<Self, Broken> {
        let mut originals = Self::default();
        let mut chain = Chain::default();
        for entry in entries {
            originals.take(&chain.follow(&entry.bytes)?.fact);
        }
        Ok(originals)
    }

    fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::Cast { intent, .. } | Fact::Heard(intent) => self.keep(intent),
            Fact::Amended(amendment) | Fact::HeardAmendment(amendment) => self.keep(amendment),
            Fact::Withdrawn(withdrawal) | Fact::HeardWithdrawal(withdrawal) => self.keep(withdrawal),
            Fact::OfferTaken(offer) | Fact::Offered { offer, .. } => self.keep(offer),
            Fact::Declined(decline) | Fact::DeclineTaken(decline) => self.keep(decline),
            Fact::Accepted(acceptance) => self.keep(acceptance),
            Fact::Agreed {
                confirmation,
                acceptance,
                receipt,
            } => {
                self.keep(confirmation);
                self.keep(acceptance);
                self.keep(receipt);
            }
            Fact::Receipt(receipt) => self.keep(receipt),
            Fact::Rated { rating, .. } => self.keep(rating),
            Fact::Wrote(letter) | Fact::Took(letter) => self.letter(letter),
            // What is said of a record, and what nobody verified.
            Fact::Published { .. }
            | Fact::NotTaken(_)
            | Fact::AcceptanceRefused { .. }
            | Fact::Delivered { .. }
            | Fact::YesRefused { .. }
            | Fact::Differed { .. }
            | Fact::Kept { .. }
            | Fact::Regarded { .. }
            | Fact::HeadStart { .. }
            | Fact::Restored { .. }
            | Fact::Doubted { .. }
            | Fact::CaughtUp { .. } => {}
        }
    }

    fn letter(&mut self, letter: &Verified<Letter>) {
        match &letter.matter {
            // It carries what was withheld, in the clear.
            Matter::Disclosed { .. } => {}
            Matter::Revised { with, .. } => {
                self.0.insert(record_id(with), hex(with));
                self.keep(letter);
            }
            _ => self.keep(letter),
        }
    }

    fn keep<T>(&mut self, record: &Verified<T>) {
        self.0.insert(record.id(), hex(record.bytes()));
    }

    /// The record of this id.
    pub(super) fn find(&self, id: RecordId) -> Option<&str> {
        self.0.get(&id).map(String::as_str)
    }
}
