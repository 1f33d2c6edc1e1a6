//! What customer and seller say to each other about one want, from the first question to the last deletion receipt.
//!
//! Each side's letters form a hash chain, and each names the last letter of the other side that its author had: so
//! nothing said can change or vanish unseen, and whatever a letter speaks of is there before it.

mod data;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    attribute::Attribute,
    contact::ReplyPath,
    disclosure::Opened,
    envelope::{Header, Kind, Record},
    fault::Fault,
    id::{AgreementId, EntryHash, IntentId, OfferId, RecordId, TermsHash, digest},
    keys::PublicKey,
    limits,
    list::{Bytes, List},
    money::Money,
    offer::Reason,
    text::{Name, Phrase, Prose, Word},
    time::{Seconds, Timestamp},
};

pub use data::{Deletion, Kept, Operation, Operations, Permission, UseReport};

/// One conversation: about one want, with one seller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct ThreadId {
    /// About which want.
    pub intent: IntentId,
    /// With whom.
    pub seller: PublicKey,
}

impl ThreadId {
    /// One id of 32 bytes for the pair, for a path or a table.
    pub fn hash(&self) -> RecordId {
        RecordId(digest("intentcast/1/thread", &[&self.intent.0, &self.seller.0]))
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash().fmt(f)
    }
}

/// One letter of a thread.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Letter {
    /// Of which conversation.
    pub thread: ThreadId,
    /// 0 for this author's first in the thread, then one more each.
    pub number: u32,
    /// This author's letter before; none for the first.
    pub before: Option<RecordId>,
    /// The other side's last letter that the author had; none where there was none.
    pub after: Option<RecordId>,
    /// Where the author is reached from now on; none where nothing has changed.
    pub reply: Option<ReplyPath>,
    /// What is said.
    pub matter: Matter,
}

/// What a letter says. The order is the wire's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// Either: nothing but the new reply path.
    Moved,
    /// Either: something is to be known.
    Question {
        /// About which offer; none for the want itself.
        about: Option<OfferId>,
        /// About which field of it, if about one.
        field: Option<Word>,
        /// In words.
        text: Prose,
    },
    /// Either: what was asked.
    Answer {
        /// Which question of the other side.
        question: RecordId,
        /// In words.
        text: Prose,
        /// Whether the want was amended as well, so that all who listen know.
        to_all: bool,
    },
    /// Customer: yes, if the offer were otherwise.
    Counter {
        /// Which offer.
        offer: OfferId,
        /// 1 for the first of the thread, at most the want's `max_rounds`.
        round: u8,
        /// How it ought to be.
        changes: List<Change, { limits::CHANGES }>,
    },
    /// Seller: another offer in the place of one that stands.
    Revised {
        /// Which it takes the place of.
        offer: OfferId,
        /// The counter-offer that it answers, if one.
        counter: Option<RecordId>,
        /// That counter-offer's round, or one more than the last.
        round: u8,
        /// The new offer, signed.
        with: Bytes<{ limits::REVISED_BYTES }>,
    },
    /// Seller: the offer stands as it was, or not at all.
    CounterRefused {
        /// Which counter-offer.
        counter: RecordId,
        /// Why.
        why: Reason,
    },
    /// Seller: the offer stands no more.
    Retracted {
        /// Which.
        offer: OfferId,
    },
    /// Customer: what the want withheld, for this seller alone.
    Disclosed {
        /// The offer with which the seller has come so far; it answers the version of the want that withheld it.
        offer: OfferId,
        /// What, with what its commitment is checked by.
        fields: List<Opened, { limits::DISCLOSURES }>,
    },
    /// Either: the deal should change.
    Proposal(Proposal),
    /// Either: whether the other side's proposal is taken.
    Verdict {
        /// Which.
        proposal: RecordId,
        /// Whether it is.
        yes: bool,
    },
    /// Customer: this receipt is here.
    Acknowledged {
        /// Which.
        receipt: RecordId,
    },
    /// Customer: the order should end or go back.
    Asked {
        /// What for.
        what: Ask,
        /// Why.
        why: Phrase,
    },
    /// Customer: a key to rate this order with, fresh and tied to nothing else.
    RatingAsked {
        /// Which.
        key: PublicKey,
    },
    /// Seller: that key may rate.
    RatingGiven {
        /// A signed [`crate::rating::Ticket`].
        ticket: Bytes<{ limits::TICKET_BYTES }>,
    },
    /// Seller: may we have this strand, for this and no more?
    PermissionRequest {
        /// What is asked.
        permission: Permission,
        /// What the person has of it.
        benefit: Phrase,
        /// A one-time X25519 key to seal the value to.
        key: [u8; 32],
    },
    /// Customer: you may.
    Granted {
        /// Which request.
        request: RecordId,
        /// What is granted: what was asked, or less.
        permission: Permission,
        /// Whether the value is an alias that points at this grant alone.
        alias: bool,
        /// The value, sealed to the request's key.
        sealed: Bytes<{ limits::SEALED_BYTES }>,
    },
    /// Customer: you may not.
    GrantRefused {
        /// Which request.
        request: RecordId,
        /// Why.
        why: Phrase,
    },
    /// Seller: what was done with a strand.
    UseReport(UseReport),
    /// Either: a word about the use of a strand.
    Suggestion {
        /// Under which grant.
        grant: RecordId,
        /// What it answers, if it answers.
        about: Option<RecordId>,
        /// In words.
        text: Prose,
    },
    /// Customer: no more.
    Revoked {
        /// Which grant.
        grant: RecordId,
        /// Whether what is held must go as well.
        delete: bool,
        /// By when the seller must have answered.
        answer_by: Timestamp,
    },
    /// Seller: it is gone.
    Deleted(Deletion),
    /// Either: the other side's letters up to this one were seen by a person or by the rules.
    Seen {
        /// Which.
        letter: RecordId,
    },
    /// Either: a file that can be fetched by its hash.
    Document {
        /// SHA-256 of it.
        hash: EntryHash,
        /// What it is.
        mime: Word,
        /// How long, bytes.
        bytes: u32,
        /// What it is called.
        name: Name,
    },
}

/// How an offer ought to be for a customer to take it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// For this much, all in, at most.
    Total(Money),
    /// There by then.
    DeliverBy(Timestamp),
    /// This many of the first line.
    Quantity(u32),
    /// To be given back within at least these days.
    ReturnsDays(u16),
    /// With at least these months of warranty.
    WarrantyMonths(u16),
    /// The first line with this attribute.
    Attribute(Attribute),
}

/// A change to a deal that stands, which takes both sides.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Proposal {
    /// Which deal.
    pub agreement: AgreementId,
    /// The deal as it stands now: see [`crate::thread::Thread::version`].
    pub version: EntryHash,
    /// What should change, field by field.
    pub changes: List<DealChange, { limits::CHANGES }>,
    /// Why.
    pub why: Phrase,
}

/// One field of a deal, as it is and as it should be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum DealChange {
    /// What the customer pays, all in.
    Total {
        /// As it is.
        from: Money,
        /// As it should be.
        to: Money,
    },
    /// By when it is there.
    DeliverBy {
        /// As it is.
        from: Timestamp,
        /// As it should be.
        to: Timestamp,
    },
    /// The terms.
    Terms {
        /// As they are.
        from: TermsHash,
        /// As they should be.
        to: TermsHash,
    },
    /// What a granted strand may be used for.
    Purpose {
        /// Under which grant.
        grant: RecordId,
        /// As it is.
        from: Phrase,
        /// As it should be.
        to: Phrase,
    },
    /// Who else may have a granted strand.
    Recipients {
        /// Under which grant.
        grant: RecordId,
        /// As they are.
        from: List<Name, { limits::RECIPIENTS }>,
        /// As they should be.
        to: List<Name, { limits::RECIPIENTS }>,
    },
}

impl DealChange {
    /// The field, as it is, and as it should be, in words.
    pub fn told(&self) -> (&'static str, String, String) {
        let names = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
        match self {
            Self::Total { from, to } => ("total", from.to_string(), to.to_string()),
            Self::DeliverBy { from, to } => ("deliver_by", from.to_string(), to.to_string()),
            Self::Terms { from, to } => ("terms", from.to_string(), to.to_string()),
            Self::Purpose { from, to, .. } => ("purpose", from.to_string(), to.to_string()),
            Self::Recipients { from, to, .. } => ("recipients", names(from), names(to)),
        }
    }
}

/// What a customer may ask of an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// That it be called off.
    Cancel,
    /// That it be taken back.
    Return,
    /// That all that was gathered about the customer be given back, as the agreed terms say.
    Data,
}

fn invalid(field: &'static str, why: &str) -> Fault {
    Fault::Invalid { field, why: why.into() }
}

impl Matter {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Question { .. } => "question",
            Self::Answer { .. } => "answer",
            Self::Counter { .. } => "counter",
            Self::Revised { .. } => "revised",
            Self::CounterRefused { .. } => "counter_refused",
            Self::Retracted { .. } => "retracted",
            Self::Disclosed { .. } => "disclosed",
            Self::Proposal(_) => "proposal",
            Self::Verdict { .. } => "verdict",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Asked { .. } => "asked",
            Self::RatingAsked { .. } => "rating_asked",
            Self::RatingGiven { .. } => "rating_given",
            Self::PermissionRequest { .. } => "permission_request",
            Self::Granted { .. } => "granted",
            Self::GrantRefused { .. } => "grant_refused",
            Self::UseReport(_) => "use_report",
            Self::Suggestion { .. } => "suggestion",
            Self::Revoked { .. } => "revoked",
            Self::Deleted(_) => "deleted",
            Self::Seen { .. } => "seen",
            Self::Document { .. } => "document",
        }
    }

    fn check(&self, header: &Header) -> Result<(), Fault> {
        match self {
            Self::Question { text, .. } | Self::Answer { text, .. } | Self::Suggestion { text, .. }
                if text.is_empty() =>
            {
                Err(Fault::Missing("text"))
            }
            Self::Counter { round, changes, .. } => {
                if changes.is_empty() {
                    return Err(Fault::Missing("changes"));
                }
                let kinds = changes.iter().map(std::mem::discriminant);
                let twice = kinds.clone().enumerate().any(|(at, kind)| {
                    !matches!(changes[at], Change::Attribute(_)) && kinds.clone().skip(at + 1).any(|it| it == kind)
                });
                if twice {
                    return Err(invalid("changes", "each field once"));
                }
                if changes
                    .iter()
                    .any(|it| matches!(it, Change::Total(total) if total.minor <= 0))
                {
                    return Err(invalid("changes", "a total of more than nothing"));
                }
                if changes.iter().any(|it| matches!(it, Change::Quantity(0))) {
                    return Err(invalid("changes", "a quantity of at least one"));
                }
                if *round == 0 {
                    return Err(invalid("round", "1 or more"));
                }
                Ok(())
            }
            Self::Revised { round: 0, .. } => Err(invalid("round", "1 or more")),
            Self::Disclosed { fields, .. } if fields.is_empty() => Err(Fault::Missing("fields")),
            Self::Proposal(proposal) if proposal.changes.is_empty() => Err(Fault::Missing("changes")),
            Self::Granted { sealed, .. } if sealed.is_empty() => Err(Fault::Missing("sealed")),
            Self::PermissionRequest { permission, .. } | Self::Granted { permission, .. } => permission.check(header),
            Self::UseReport(report) if report.to > header.created => Err(invalid("to", "not after it is reported")),
            Self::Deleted(deletion) if deletion.at > header.created => Err(invalid("at", "not after it is reported")),
            Self::UseReport(report) if report.to < report.from => Err(invalid("to", "not before `from`")),
            Self::UseReport(report) if !report.shared_with.is_empty() && report.operation != Operation::Share => {
                Err(invalid("shared_with", "none, where nothing was shared"))
            }
            Self::Revoked { answer_by, .. } if *answer_by <= header.created => {
                Err(invalid("answer_by", "after it was revoked"))
            }
            Self::Document { bytes: 0, .. } => Err(Fault::Missing("bytes of a document")),
            Self::Document { bytes, .. } if *bytes as usize > limits::DOCUMENT_BYTES => Err(Fault::Exceeded {
                what: "bytes of a document",
                limit: limits::DOCUMENT_BYTES as u64,
            }),
            _ => Ok(()),
        }
    }
}

impl Record for Letter {
    const KIND: Kind = Kind::Letter;
    const MAX_BODY: usize = limits::LETTER_BODY_BYTES;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::DEED_LIFE;

    fn check(&self, header: &Header) -> Result<(), Fault> {
        if (self.number == 0) != self.before.is_none() {
            return Err(invalid("before", "the first has none, every other one has"));
        }
        if matches!(self.matter, Matter::Moved) && self.reply.is_none() {
            return Err(Fault::Missing("reply"));
        }
        if let Some(reply) = &self.reply {
            reply.check()?;
        }
        self.matter.check(header)
    }
}
