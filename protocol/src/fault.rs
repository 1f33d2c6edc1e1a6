//! What can be wrong with what a stranger sent, and the one table from fault to verdict and score.

use serde::{Deserialize, Serialize};

use crate::codec::Malformed;

/// What is wrong, in words that tell the other side's programmer what to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something that must be there is not.
    #[error("missing: {0}")]
    Missing(&'static str),
    /// Not bytes of ours.
    #[error("malformed: {0}")]
    Malformed(#[from] Malformed),
    /// A version that this code does not speak.
    #[error("unsupported: version {version}, this node speaks version 1")]
    Unsupported {
        /// The version named.
        version: u8,
    },
    /// A record of another kind than the place is for.
    #[error("unexpected: a record of kind {kind}")]
    Unexpected {
        /// The kind's number on the wire.
        kind: u8,
    },
    /// Past a bound.
    #[error("exceeded: {what}, the limit is {limit}")]
    Exceeded {
        /// What was counted, with its unit.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// A field that contradicts itself or another.
    #[error("invalid: {field}: {why}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What would be right.
        why: String,
    },
    /// Created later than our clock and its skew allow.
    #[error("created in the future: check the clocks")]
    FromTheFuture,
    /// Past its end.
    #[error("expired")]
    Expired,
    /// The stamp shows too little work.
    #[error("invalid: stamp: too little work")]
    BadStamp,
    /// The signature is not the author's over these bytes.
    #[error("invalid: signature")]
    BadSignature,
    /// Known already.
    #[error("duplicate")]
    Duplicate,
    /// On a topic that the record does not belong to.
    #[error("unexpected: topic does not fit category and place")]
    WrongTopic,
    /// More than this peer may send in this time.
    #[error("exceeded: rate")]
    Rate,
    /// Refers to a record that is not known here.
    #[error("missing: the record it refers to")]
    UnknownReference,
    /// Its author has no say over the record it refers to.
    #[error("invalid: author: not who signed the record it refers to")]
    NotTheAuthor,
    /// A newer one of the same sequence is known.
    #[error("superseded by a later sequence number")]
    Superseded,
}

/// What a relaying node does with a gossiped message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Pass it on.
    Accept,
    /// Drop it; the peer that brought it did nothing wrong.
    Ignore,
    /// Drop it; a correct peer would have dropped it too.
    Reject,
}

impl Fault {
    /// The one table: reject only what every honest node would have rejected whatever it knows and whenever it looks;
    /// what hangs on clocks, memory or luck is ignored.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Missing(_)
            | Self::Malformed(_)
            | Self::Unexpected { .. }
            | Self::Exceeded { .. }
            | Self::Invalid { .. }
            | Self::BadStamp
            | Self::BadSignature
            | Self::WrongTopic
            | Self::NotTheAuthor => Verdict::Reject,
            Self::Unsupported { .. }
            | Self::FromTheFuture
            | Self::Expired
            | Self::Duplicate
            | Self::Rate
            | Self::UnknownReference
            | Self::Superseded => Verdict::Ignore,
        }
    }

    /// A short stable word for metrics and JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Malformed(_) => "malformed",
            Self::Unsupported { .. } => "unsupported_version",
            Self::Unexpected { .. } => "unexpected_kind",
            Self::Exceeded { .. } => "exceeded",
            Self::Invalid { .. } => "invalid",
            Self::FromTheFuture => "from_the_future",
            Self::Expired => "expired",
            Self::BadStamp => "bad_stamp",
            Self::BadSignature => "bad_signature",
            Self::Duplicate => "duplicate",
            Self::WrongTopic => "wrong_topic",
            Self::Rate => "rate",
            Self::UnknownReference => "unknown_reference",
            Self::NotTheAuthor => "not_the_author",
            Self::Superseded => "superseded",
        }
    }
}
