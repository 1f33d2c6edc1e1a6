//! What becomes of an agreement: a chain of the seller's signed order events, each naming the one before.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    envelope::{Header, Kind, Record},
    fault::Fault,
    id::{AgreementId, RecordId},
    limits,
    money::Money,
    text::{Name, Phrase},
    time::{Seconds, Timestamp},
};

/// One thing that happened to an order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum OrderEvent {
    /// The seller took the order on.
    Confirmed,
    /// Money arrived, by a reference to wherever it was paid.
    Paid {
        /// The payment's reference.
        reference: Phrase,
    },
    /// It is on its way.
    Shipped {
        /// Who carries it.
        carrier: Name,
        /// Their number for it.
        tracking: Phrase,
    },
    /// It is there.
    Delivered,
    /// It came back.
    Returned,
    /// Money went back.
    Refunded {
        /// How much.
        amount: Money,
    },
    /// It is off.
    Cancelled {
        /// Why.
        reason: Phrase,
    },
}

impl OrderEvent {
    /// The event's name.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Paid { .. } => "paid",
            Self::Shipped { .. } => "shipped",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Refunded { .. } => "refunded",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

/// The event in a few words, with what it says: `shipped by Yellow Van, YV-17`.
impl fmt::Display for OrderEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        match self {
            Self::Confirmed | Self::Delivered | Self::Returned => f.write_str(word),
            Self::Paid { reference } => write!(f, "{word}, {reference}"),
            Self::Shipped { carrier, tracking } if tracking.is_empty() => write!(f, "{word} by {carrier}"),
            Self::Shipped { carrier, tracking } => write!(f, "{word} by {carrier}, {tracking}"),
            Self::Refunded { amount } => write!(f, "{word} {amount}"),
            Self::Cancelled { reason } => write!(f, "{word}: {reason}"),
        }
    }
}

/// One link of an order's chain.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Receipt {
    /// What was agreed.
    pub agreement: AgreementId,
    /// 0 for the first, then one more each.
    pub sequence: u32,
    /// The receipt before; none for the first.
    pub previous: Option<RecordId>,
    /// What happened.
    pub event: OrderEvent,
    /// The agreed landed total, said again so that a receipt reads alone.
    pub total: Money,
    /// Until when it can be given back.
    pub returns_until: Option<Timestamp>,
    /// Until when the warranty runs.
    pub warranty_until: Option<Timestamp>,
}

impl Record for Receipt {
    const KIND: Kind = Kind::Receipt;
    const MAX_BODY: usize = 512;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::DEED_LIFE;

    fn check(&self, _: &Header) -> Result<(), Fault> {
        if (self.sequence == 0) != self.previous.is_none() {
            return Err(Fault::Invalid {
                field: "previous",
                why: "the first has none, every other one has".into(),
            });
        }
        if (self.sequence == 0) != (self.event == OrderEvent::Confirmed) {
            return Err(Fault::Invalid {
                field: "event",
                why: "the first is `confirmed`, and no other one".into(),
            });
        }
        Ok(())
    }
}
