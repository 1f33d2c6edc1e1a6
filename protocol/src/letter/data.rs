//! What is said of personal data: permission for it, its use, and its end.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::invalid;
use crate::{
    envelope::Header,
    fault::Fault,
    id::{AgreementId, RecordId, digest},
    limits,
    list::List,
    text::{Name, Phrase, Word},
    time::Timestamp,
};

/// What may be done with a strand. Bit 0 use, 1 store, 2 share, 3 derive; never empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct Operations(u8);

/// One thing that may be done with a strand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// To do the purpose with it.
    Use,
    /// To keep it until the end.
    Store,
    /// To hand it to the recipients named.
    Share,
    /// To work something else out from it.
    Derive,
}

impl Operation {
    /// All, least first.
    pub const ALL: [Self; 4] = [Self::Use, Self::Store, Self::Share, Self::Derive];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Store => "store",
            Self::Share => "share",
            Self::Derive => "derive",
        }
    }

    /// The operation of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.word() == word.trim().to_lowercase())
    }
}

impl Operations {
    /// The set of these; `None` of nothing.
    pub fn of(operations: &[Operation]) -> Option<Self> {
        let bits = operations
            .iter()
            .fold(0, |bits, operation| bits | 1 << *operation as u8);
        (bits != 0).then_some(Self(bits))
    }

    /// Whether the set has it.
    pub fn has(self, operation: Operation) -> bool {
        self.0 & 1 << operation as u8 != 0
    }

    /// Whether all of `other` are in the set.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The members, least first.
    pub fn list(self) -> Vec<Operation> {
        Operation::ALL.into_iter().filter(|it| self.has(*it)).collect()
    }
}

impl fmt::Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.list().into_iter().map(Operation::word).collect();
        f.write_str(&words.join(", "))
    }
}

/// One strand, one purpose, until one time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Permission {
    /// Under which deal.
    pub agreement: AgreementId,
    /// Which item of personal data: `address.delivery`.
    pub strand: Word,
    /// What for, and nothing else.
    pub purpose: Phrase,
    /// What may be done with it.
    pub operations: Operations,
    /// Who else may have it.
    pub recipients: List<Name, { limits::RECIPIENTS }>,
    /// Until when.
    pub ends: Timestamp,
}

impl Permission {
    /// Whether this asks for nothing that `asked` does not.
    pub fn is_within(&self, asked: &Self) -> bool {
        self.agreement == asked.agreement
            && self.strand == asked.strand
            && self.purpose == asked.purpose
            && asked.operations.covers(self.operations)
            && self.recipients.iter().all(|name| asked.recipients.contains(name))
            && self.ends <= asked.ends
    }

    /// What the value is sealed for: it opens under this request and this permission, and under no other.
    pub fn context(&self, request: RecordId) -> Vec<u8> {
        let permission = crate::codec::encode(self);
        digest("intentcast/1/grant", &[&request.0, &permission]).to_vec()
    }

    pub(super) fn check(&self, header: &Header) -> Result<(), Fault> {
        if self.operations.0 == 0 || self.operations.0 > 15 {
            return Err(invalid("operations", "one to four of use, store, share, derive"));
        }
        if self.ends <= header.created {
            return Err(invalid("ends", "after it is asked"));
        }
        if !self.recipients.is_empty() && !self.operations.has(Operation::Share) {
            return Err(invalid("recipients", "none, where nothing is to be shared"));
        }
        if self.strand.is_empty() {
            return Err(Fault::Missing("strand"));
        }
        if self.purpose.is_empty() {
            return Err(Fault::Missing("purpose"));
        }
        Ok(())
    }
}

/// What a seller did with a strand, over a time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct UseReport {
    /// Under which grant.
    pub grant: RecordId,
    /// What was done.
    pub operation: Operation,
    /// What for.
    pub purpose: Phrase,
    /// How often.
    pub times: u32,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// With whom it was shared.
    pub shared_with: List<Name, { limits::RECIPIENTS }>,
}

/// That a strand is gone, and what is not.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Deletion {
    /// Under which grant.
    pub grant: RecordId,
    /// When.
    pub at: Timestamp,
    /// What is kept all the same.
    pub kept: List<Kept, { limits::KEPT }>,
    /// Recipients who were told to delete it as well.
    pub told: List<Name, { limits::RECIPIENTS }>,
}

/// What a seller keeps in spite of all, and by what right.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Kept {
    /// What.
    pub what: Phrase,
    /// The law or contract that asks for it.
    pub ground: Phrase,
    /// Until when.
    pub until: Timestamp,
}
