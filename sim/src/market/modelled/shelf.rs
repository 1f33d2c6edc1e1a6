//! What a disk holds, by what promises are about.

use std::collections::{BTreeMap, BTreeSet};

use intentcast_protocol::{
    codec::decode,
    id::{AgreementId, IntentId, RecordId},
    keys::PublicKey,
    ledger::{Entry, Fact},
    letter::Matter,
};

/// Both sides' records of one deal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pair {
    /// The customer's yes, and who signed it.
    pub acceptance: (RecordId, PublicKey),
    /// The seller's, and who signed it.
    pub confirmation: (RecordId, PublicKey),
    /// Of which want.
    pub intent: IntentId,
}

/// One disk's.
#[derive(Debug, Default)]
pub struct Shelf {
    records: BTreeSet<RecordId>,
    deals: BTreeMap<AgreementId, Pair>,
    /// Strands granted, by letter: under which deal, and whether its records came before.
    grants: BTreeMap<RecordId, (AgreementId, bool)>,
}

impl Shelf {
    /// Of all that a disk has.
    pub fn read<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut shelf = Self::default();
        for entry in entries {
            shelf.put(entry);
        }
        shelf
    }

    /// Adds what was stored last.
    pub fn put(&mut self, entry: &[u8]) {
        let Ok(Entry { fact, .. }) = decode::<Entry>(entry) else {
            return;
        };
        let id = match fact {
            Fact::Cast { intent, .. } | Fact::Heard(intent) => intent.id(),
            Fact::Amended(it) | Fact::HeardAmendment(it) => it.id(),
            Fact::Withdrawn(it) | Fact::HeardWithdrawal(it) => it.id(),
            Fact::OfferTaken(it) | Fact::Offered { offer: it, .. } => it.id(),
            Fact::Declined(it) | Fact::DeclineTaken(it) => it.id(),
            Fact::Accepted(it) => it.id(),
            Fact::Agreed {
                confirmation,
                acceptance,
                receipt,
            } => {
                let pair = Pair {
                    acceptance: (acceptance.id(), acceptance.header().author),
                    confirmation: (confirmation.id(), confirmation.header().author),
                    intent: acceptance.intent,
                };
                self.deals.insert(confirmation.agreement, pair);
                self.records.extend([acceptance.id(), confirmation.id()]);
                receipt.id()
            }
            Fact::Receipt(it) => it.id(),
            Fact::Wrote(it) | Fact::Took(it) => {
                if let Matter::Granted { permission, .. } = &it.matter {
                    let grounded = self.deals.contains_key(&permission.agreement);
                    self.grants.insert(it.id(), (permission.agreement, grounded));
                }
                it.id()
            }
            Fact::Rated { rating, .. } => rating.id(),
            Fact::Published { .. }
            | Fact::Kept { .. }
            | Fact::NotTaken(_)
            | Fact::AcceptanceRefused { .. }
            | Fact::YesRefused { .. }
            | Fact::Delivered { .. }
            | Fact::Differed { .. }
            | Fact::Regarded { .. }
            | Fact::HeadStart { .. }
            | Fact::Restored { .. }
            | Fact::Doubted { .. }
            | Fact::CaughtUp { .. } => return,
        };
        self.records.insert(id);
    }

    /// Whether a record lies there.
    pub fn holds(&self, id: RecordId) -> bool {
        self.records.contains(&id)
    }

    /// The records of a deal.
    pub fn deal(&self, id: AgreementId) -> Option<&Pair> {
        self.deals.get(&id)
    }

    /// Every deal.
    pub fn deals(&self) -> impl Iterator<Item = (AgreementId, &Pair)> {
        self.deals.iter().map(|(id, pair)| (*id, pair))
    }

    /// Every letter that grants a strand: under which deal, and whether the deal's records came before.
    pub fn grants(&self) -> impl Iterator<Item = (RecordId, AgreementId, bool)> {
        self.grants
            .iter()
            .map(|(letter, (deal, before))| (*letter, *deal, *before))
    }
}
