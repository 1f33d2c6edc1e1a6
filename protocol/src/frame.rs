//! What goes over a direct stream: one frame asked, one frame answered.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{decode, encode},
    envelope::record_id,
    fault::Fault,
    id::{AgreementId, EntryHash, RecordId},
    limits,
    list::{Bytes, List},
    time::Seconds,
    topic::Topic,
};

/// The bytes of one signed record.
pub type RecordBytes = Bytes<{ limits::FRAME_BYTES }>;

/// One message on a direct stream.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub enum Frame {
    /// Seller to customer: an offer. Answered by `Stored` or `Refused`.
    Offer(RecordBytes),
    /// Customer to seller: a yes. Answered by `Confirmed` or `Refused`.
    Acceptance(RecordBytes),
    /// Customer to seller: a no. Answered by `Stored` or `Refused`.
    Decline(RecordBytes),
    /// Seller to customer: what became of the order. Answered by `Stored` or `Refused`.
    Receipt(RecordBytes),
    /// Customer to seller: the want is over, for one who has offered. Answered by `Stored` or `Refused`.
    Withdrawal(RecordBytes),
    /// Any listener to any node: what is still open on this topic, after this record? Answered by `Open`.
    Pull {
        /// Where.
        topic: Topic,
        /// The last id of the page before; none for the first.
        after: Option<RecordId>,
    },
    /// It is on disk here.
    Stored(RecordId),
    /// It is not taken.
    Refused {
        /// Which record.
        about: RecordId,
        /// Why not.
        why: Refusal,
    },
    /// The seller's answer to a yes.
    Confirmed {
        /// The confirmation.
        confirmation: Bytes<1024>,
        /// The first receipt.
        receipt: Bytes<1024>,
    },
    /// Open intents in the order of their ids, each followed by its newest amendment.
    Open {
        /// Their envelopes, as they came.
        records: List<Bytes<{ limits::GOSSIP_BYTES }>, { limits::PULL }>,
        /// Whether there are more after the last.
        more: bool,
    },
    /// Customer to a listener that it meets: wants of its own that are still open on this topic, said before, each
    /// followed by its newest amendment. Answered by `Open` with nothing in it, or `Refused`.
    Tell {
        /// Where.
        topic: Topic,
        /// Their envelopes.
        records: List<Bytes<{ limits::GOSSIP_BYTES }>, { limits::PULL }>,
    },
    /// Either to the other: one letter of a thread. Answered by `Stored` or `Refused`.
    Letter(RecordBytes),
    /// Either party of a deal to the other: what do you hold of it? An [`crate::deed::Inquiry`], signed, so that nobody
    /// else learns that there is a deal. Answered by `Held` or `Refused`.
    Compare(RecordBytes),
    /// What this side of a deal holds of it.
    Held {
        /// Which deal.
        agreement: AgreementId,
        /// SHA-256 of the two-sided record's bytes.
        bytes: EntryHash,
        /// How many receipts.
        receipts: u32,
        /// The last of them.
        last: Option<RecordId>,
    },
    /// Either party of a thread to the other: a piece of what you announced. A [`crate::document::Fetch`], signed, so
    /// that nobody else has it for knowing its hash. Answered by `Piece` or `Refused`.
    Fetch(RecordBytes),
    /// A piece of a document: a whole one, or the last.
    Piece {
        /// SHA-256 of the document.
        hash: EntryHash,
        /// How long it is, bytes.
        total: u32,
        /// Where the piece begins, bytes.
        offset: u32,
        /// The piece.
        bytes: Bytes<{ limits::PIECE_BYTES }>,
    },
    /// Either party of a thread to the other, after it lost what was newest: what do you hold of it that is not here? A
    /// [`crate::recall::Recall`], signed, so that nobody else learns that there is a conversation. Answered by `Recalled`
    /// or `Refused`.
    Recall(RecordBytes),
    /// What the asker lacks: records of both sides as they were signed, each after all that it speaks of.
    Recalled {
        /// Their envelopes.
        records: List<RecordBytes, { limits::RECALLED }>,
        /// Whether there are more after the last.
        more: bool,
    },
}

/// Why a frame's record is not taken, in a word that both sides' programmers know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not a record of ours, or not of this kind.
    Malformed,
    /// The signature is not the author's.
    BadSignature,
    /// It answers no intent, offer or agreement of ours.
    Unknown,
    /// The intent was withdrawn.
    Withdrawn,
    /// The intent, the offer or the time for it is over.
    Expired,
    /// More offers than were asked for.
    OverCap,
    /// A hard constraint is not met.
    NotAdmitted,
    /// Not the intent's terms.
    Terms,
    /// It answers an older version of the intent.
    Superseded,
    /// It names another price, item or terms than were agreed.
    Changed,
    /// The items are gone.
    OutOfStock,
    /// Somebody else's offer was taken.
    Taken,
    /// Too much at once; the sender may try again after this long.
    Busy {
        /// Wait at least this long.
        retry: Seconds,
    },
    /// It could not be stored; the sender may try again.
    NotStored,
    /// It speaks of something that is not here yet; the sender may try again.
    Early,
}

impl Refusal {
    /// Whether the same record may be taken later.
    pub fn may_retry(self) -> bool {
        matches!(self, Self::Busy { .. } | Self::NotStored | Self::Early)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadSignature => "bad_signature",
            Self::Unknown => "unknown",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::OverCap => "over_cap",
            Self::NotAdmitted => "not_admitted",
            Self::Terms => "terms",
            Self::Superseded => "superseded",
            Self::Changed => "changed",
            Self::OutOfStock => "out_of_stock",
            Self::Taken => "taken",
            Self::Busy { .. } => "busy",
            Self::NotStored => "not_stored",
            Self::Early => "early",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Versioned {
    version: u8,
    frame: Frame,
}

impl Frame {
    /// The frame's bytes, version first.
    pub fn encode(&self) -> Vec<u8> {
        encode(&Versioned {
            version: limits::VERSION,
            frame: self.clone(),
        })
    }

    /// The record that the frame brings or answers, if it is one.
    pub fn about(&self) -> Option<RecordId> {
        match self {
            Self::Offer(record)
            | Self::Acceptance(record)
            | Self::Decline(record)
            | Self::Receipt(record)
            | Self::Withdrawal(record)
            | Self::Letter(record)
            | Self::Compare(record)
            | Self::Fetch(record)
            | Self::Recall(record) => Some(record_id(record)),
            Self::Stored(about) | Self::Refused { about, .. } => Some(*about),
            Self::Pull { .. }
            | Self::Confirmed { .. }
            | Self::Open { .. }
            | Self::Tell { .. }
            | Self::Held { .. }
            | Self::Piece { .. }
            | Self::Recalled { .. } => None,
        }
    }

    /// The frame in `bytes`.
    ///
    /// # Errors
    /// [`Fault`]; never a panic, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        match bytes.first() {
            None => return Err(Fault::Missing("frame")),
            Some(version) if *version != limits::VERSION => return Err(Fault::Unsupported { version: *version }),
            Some(_) => {}
        }
        if bytes.len() > limits::FRAME_BYTES {
            return Err(Fault::Exceeded {
                what: "frame bytes",
                limit: limits::FRAME_BYTES as u64,
            });
        }
        Ok(decode::<Versioned>(bytes)?.frame)
    }
}
