//! One order over its receipts: how far it has come, what may happen next, what has gone back, and until when it can be
//! given back. The same machine signs on the seller's side and judges on the customer's.
//!
//! It refuses what does not follow: a parcel after the delivery, a cancellation after a parcel, more money back than was
//! agreed, and a shorter time than was promised. It reads no clock and knows nothing of who is reached.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    deed::{Difference, Settled},
    envelope::Verified,
    id::{AgreementId, RecordId},
    keys::PublicKey,
    limits,
    money::Money,
    offer::Offer,
    receipt::{OrderEvent, Receipt},
    time::Timestamp,
};

/// Receipts that are kept for an order's end, so that no order is too full to be delivered, taken back and refunded.
const FOR_THE_END: usize = 3;

/// How far an order has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// The seller took it on.
    Confirmed,
    /// Money arrived.
    Paid,
    /// At least one parcel is on its way.
    Shipped,
    /// It is there.
    Delivered,
    /// It came back, and no money has gone back yet.
    Returning,
    /// It came back, and so did some of the money.
    Refunded,
    /// It is off; money may still go back.
    Cancelled,
    /// All of the money went back: nothing follows.
    Closed,
}

impl OrderState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Confirmed,
        Self::Paid,
        Self::Shipped,
        Self::Delivered,
        Self::Returning,
        Self::Refunded,
        Self::Cancelled,
        Self::Closed,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Returning => "returning",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
        }
    }
}

/// Why something cannot happen to an order.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Illegal {
    /// It does not follow.
    #[error("an order that is {} cannot be {event}: {}", state.word(), next(may))]
    OutOfTurn {
        /// How far the order has come.
        state: OrderState,
        /// What was asked for.
        event: &'static str,
        /// What may happen in its place.
        may: Vec<&'static str>,
    },
    /// More would go back than is left.
    #[error("{asked} cannot go back: {left} is left of what was agreed")]
    TooMuch {
        /// What was asked for.
        asked: Money,
        /// What was agreed, less what went back.
        left: Money,
    },
    /// Nothing, or less, would go back.
    #[error("{0} is no refund: it takes more than nothing")]
    Nothing(Money),
    /// Money of another kind would go back.
    #[error("{asked} cannot go back: the order is in {}", left.currency)]
    Currency {
        /// What was asked for.
        asked: Money,
        /// What was agreed, less what went back.
        left: Money,
    },
    /// Too many receipts.
    #[error(
        "an order has room for {} receipts, the last {FOR_THE_END} of them for its end",
        limits::RECEIPTS_PER_AGREEMENT
    )]
    Full,
}

fn next(may: &[&str]) -> String {
    match may {
        [] => "nothing follows".into(),
        may => format!("it may be {}", may.join(", ")),
    }
}

impl Illegal {
    /// The same as a difference between what was agreed and what a receipt of this event names.
    fn difference(&self, event: &OrderEvent) -> Difference {
        let (field, agreed, named) = match self {
            Self::OutOfTurn { state, may, .. } => (
                "order",
                format!("{}, {}", state.word(), next(may)),
                event.word().to_owned(),
            ),
            Self::TooMuch { asked, left } | Self::Currency { asked, left } => {
                ("refund", format!("{left} at most"), asked.to_string())
            }
            Self::Nothing(asked) => ("refund", "more than nothing".into(), asked.to_string()),
            Self::Full => (
                "order",
                format!("{} receipts at most", limits::RECEIPTS_PER_AGREEMENT),
                event.word().to_owned(),
            ),
        };
        Difference {
            field: field.into(),
            agreed,
            named,
        }
    }
}

/// Until when something can be given back and the warranty runs, counted from `from`: days of 24 hours, months of the
/// calendar.
pub fn counted_from(from: Timestamp, offer: &Offer) -> (Option<Timestamp>, Option<Timestamp>) {
    let (days, months) = (offer.returns_days, offer.warranty_months);
    (
        (days > 0).then(|| from.plus_millis(u64::from(days) * 24 * 3_600_000)),
        (months > 0).then(|| from.plus_months(months)),
    )
}

/// One order, as its receipts tell it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    agreement: AgreementId,
    seller: PublicKey,
    /// The total that the last receipt named: the deal's first, or one that both sides have changed it to since.
    agreed: Money,
    /// The highest total under which money arrived. A price that is lowered after the payment leaves it to be given back.
    paid: i64,
    last: Option<RecordId>,
    receipts: usize,
    payments: u32,
    parcels: u32,
    delivered: Option<Timestamp>,
    is_returned: bool,
    is_cancelled: bool,
    refunded: i64,
    /// When the last receipt was signed.
    at: Timestamp,
    returns_until: Option<Timestamp>,
    warranty_until: Option<Timestamp>,
}

/// An order as it is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct OrderView {
    /// How far it has come.
    pub state: OrderState,
    /// Payments that arrived.
    pub payments: u32,
    /// Parcels that left.
    pub parcels: u32,
    /// When it was there, by the seller's clock.
    pub delivered_at: Option<Timestamp>,
    /// Money that went back.
    pub refunded: Money,
    /// Money that may still go back.
    pub left: Money,
    /// Until when it can be given back: counted from the delivery once that is known, from the confirmation before.
    pub returns_until: Option<Timestamp>,
    /// Until when the warranty runs, counted as above.
    pub warranty_until: Option<Timestamp>,
    /// What the seller may say next.
    pub may: Vec<String>,
}

impl Order {
    /// An order that has not been confirmed yet.
    fn new(settled: &Settled) -> Self {
        Self {
            agreement: settled.id,
            seller: settled.offer.header().author,
            agreed: settled.acceptance.total,
            paid: 0,
            last: None,
            receipts: 0,
            payments: 0,
            parcels: 0,
            delivered: None,
            is_returned: false,
            is_cancelled: false,
            refunded: 0,
            at: Timestamp::default(),
            returns_until: None,
            warranty_until: None,
        }
    }

    /// The order that begins with this receipt.
    pub fn begun(settled: &Settled, confirmed: &Verified<Receipt>) -> Self {
        let mut order = Self::new(settled);
        order.follow(confirmed);
        order
    }

    /// The order of these receipts, every one judged; `totals` as [`judge`](Self::judge) has them.
    ///
    /// # Errors
    /// The place of the first that does not follow, and how it differs.
    pub fn of(
        settled: &Settled,
        totals: &[Money],
        receipts: &[Verified<Receipt>],
    ) -> Result<Self, (usize, Difference)> {
        let mut order = Self::new(settled);
        for (at, receipt) in receipts.iter().enumerate() {
            order
                .judge(&settled.offer, totals, receipt)
                .map_err(|difference| (at, difference))?;
            order.follow(receipt);
        }
        Ok(order)
    }

    /// How far it has come.
    pub fn state(&self) -> OrderState {
        match self {
            order if order.is_closed() => OrderState::Closed,
            order if order.is_cancelled => OrderState::Cancelled,
            order if order.is_returned && order.refunded > 0 => OrderState::Refunded,
            order if order.is_returned => OrderState::Returning,
            order if order.delivered.is_some() => OrderState::Delivered,
            order if order.parcels > 0 => OrderState::Shipped,
            order if order.payments > 0 => OrderState::Paid,
            _ => OrderState::Confirmed,
        }
    }

    /// What may go back in all.
    fn most(&self) -> i64 {
        self.agreed.minor.max(self.paid)
    }

    fn is_closed(&self) -> bool {
        self.most() > 0 && self.refunded >= self.most()
    }

    /// What was agreed, or paid when more was agreed, less what went back; never below zero.
    pub fn left(&self) -> Money {
        Money::new(self.most().saturating_sub(self.refunded).max(0), self.agreed.currency)
    }

    /// Whether this may happen next.
    ///
    /// # Errors
    /// [`Illegal`], with what may happen in its place.
    pub fn may(&self, event: &OrderEvent) -> Result<(), Illegal> {
        if !self.follows(event) {
            return Err(Illegal::OutOfTurn {
                state: self.state(),
                event: event.word(),
                may: self.possible(),
            });
        }
        let left = self.left();
        let is_an_end = match *event {
            OrderEvent::Refunded { amount } if amount.currency != left.currency => {
                return Err(Illegal::Currency { asked: amount, left });
            }
            OrderEvent::Refunded { amount } if amount.minor <= 0 => return Err(Illegal::Nothing(amount)),
            OrderEvent::Refunded { amount } if amount.minor > left.minor => {
                return Err(Illegal::TooMuch { asked: amount, left });
            }
            OrderEvent::Refunded { amount } => amount == left,
            OrderEvent::Paid { .. } | OrderEvent::Shipped { .. } => false,
            OrderEvent::Confirmed | OrderEvent::Delivered | OrderEvent::Returned | OrderEvent::Cancelled { .. } => true,
        };
        let room = limits::RECEIPTS_PER_AGREEMENT - if is_an_end { 0 } else { FOR_THE_END };
        if self.receipts >= room {
            return Err(Illegal::Full);
        }
        Ok(())
    }

    /// Whether an event of this kind may come next, whatever it says.
    fn follows(&self, event: &OrderEvent) -> bool {
        let first = self.receipts == 0;
        let stands = !first && !self.is_closed() && !self.is_cancelled && !self.is_returned;
        match event {
            OrderEvent::Confirmed => first,
            OrderEvent::Paid { .. } => stands,
            OrderEvent::Shipped { .. } | OrderEvent::Delivered => stands && self.delivered.is_none(),
            // A parcel that nobody took comes back as well.
            OrderEvent::Returned => stands && (self.delivered.is_some() || self.parcels > 0),
            OrderEvent::Cancelled { .. } => stands && self.delivered.is_none() && self.parcels == 0,
            OrderEvent::Refunded { .. } => !first && self.left().minor > 0,
        }
    }

    /// The words for what may come next.
    pub fn possible(&self) -> Vec<&'static str> {
        let amount = self.left();
        let events = [
            OrderEvent::Confirmed,
            OrderEvent::Paid {
                reference: Default::default(),
            },
            OrderEvent::Shipped {
                carrier: Default::default(),
                tracking: Default::default(),
            },
            OrderEvent::Delivered,
            OrderEvent::Returned,
            OrderEvent::Refunded { amount },
            OrderEvent::Cancelled {
                reason: Default::default(),
            },
        ];
        events
            .iter()
            .filter(|event| self.follows(event))
            .map(OrderEvent::word)
            .collect()
    }

    /// The least that a receipt of this event, signed at `at`, has to name as the two dates: never earlier than was
    /// named before, and from the delivery on not less than was promised, counted from there.
    fn dates(&self, offer: &Offer, event: &OrderEvent, at: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        let (returns, warranty) = match event {
            OrderEvent::Delivered => counted_from(at, offer),
            _ => (None, None),
        };
        (self.returns_until.max(returns), self.warranty_until.max(warranty))
    }

    /// The seller's next link under the total that is agreed by now, and when it is signed: `now`, or with the last one
    /// where the clock was set back.
    ///
    /// # Errors
    /// [`Illegal`].
    pub fn link(
        &self,
        now: Timestamp,
        offer: &Offer,
        total: Money,
        event: OrderEvent,
    ) -> Result<(Timestamp, Receipt), Illegal> {
        self.under(total).may(&event)?;
        let at = now.max(self.at);
        let (returns_until, warranty_until) = match event {
            // The promise runs from here until the delivery is known.
            OrderEvent::Confirmed => counted_from(at, offer),
            ref event => self.dates(offer, event, at),
        };
        let receipt = Receipt {
            agreement: self.agreement,
            sequence: self.receipts as u32,
            previous: self.last,
            event,
            total,
            returns_until,
            warranty_until,
        };
        Ok((at, receipt))
    }

    /// The same order with this total in force.
    pub fn under(&self, total: Money) -> Self {
        Self {
            agreed: total,
            ..self.clone()
        }
    }

    /// That a receipt is the next link of this chain, names nothing but what was agreed, and tells of what may happen.
    ///
    /// `totals` are those that the deal has had, the first one first. The seller may not have heard of the newest when it
    /// signed, so any will do that is not older than the one of the receipt before.
    ///
    /// # Errors
    /// The first [`Difference`].
    pub fn judge(&self, offer: &Offer, totals: &[Money], receipt: &Verified<Receipt>) -> Result<(), Difference> {
        let (header, event) = (receipt.header(), &receipt.event);
        Difference::unless_same("receipt's author", &self.seller, &header.author)?;
        Difference::unless_same("receipt's agreement", &self.agreement, &receipt.agreement)?;
        let since = totals
            .iter()
            .position(|total| *total == self.agreed)
            .unwrap_or_default();
        if !totals.iter().skip(since).any(|total| *total == receipt.total) {
            let agreed = totals.last().unwrap_or(&self.agreed);
            Difference::unless_same("receipt's total", agreed, &receipt.total)?;
        }
        Difference::unless_same("receipt's number", &(self.receipts as u32), &receipt.sequence)?;
        let place = |id: Option<RecordId>| id.map_or_else(|| "none".into(), |id| id.to_string());
        Difference::unless_same("receipt before", &place(self.last), &place(receipt.previous))?;
        if header.created < self.at {
            return Err(Difference {
                field: "receipt's time".into(),
                agreed: format!("not before {}", self.at),
                named: header.created.to_string(),
            });
        }
        let order = self.under(receipt.total);
        order.may(event).map_err(|illegal| illegal.difference(event))?;
        let (returns, warranty) = self.dates(offer, event, header.created);
        not_shortened("return date", returns, receipt.returns_until)?;
        not_shortened("warranty date", warranty, receipt.warranty_until)
    }

    /// Takes in what a receipt tells. It was judged before, or stands in our own ledger.
    pub fn follow(&mut self, receipt: &Verified<Receipt>) {
        let at = receipt.header().created;
        self.agreed = receipt.total;
        match &receipt.event {
            OrderEvent::Confirmed => {}
            OrderEvent::Paid { .. } => {
                self.payments += 1;
                self.paid = self.paid.max(receipt.total.minor);
            }
            OrderEvent::Shipped { .. } => self.parcels += 1,
            OrderEvent::Delivered => self.delivered = Some(at),
            OrderEvent::Returned => self.is_returned = true,
            OrderEvent::Cancelled { .. } => self.is_cancelled = true,
            OrderEvent::Refunded { amount } => self.refunded = self.refunded.saturating_add(amount.minor),
        }
        self.receipts += 1;
        self.last = Some(receipt.id());
        self.at = self.at.max(at);
        self.returns_until = self.returns_until.max(receipt.returns_until);
        self.warranty_until = self.warranty_until.max(receipt.warranty_until);
    }

    /// As it is shown.
    pub fn view(&self) -> OrderView {
        OrderView {
            state: self.state(),
            payments: self.payments,
            parcels: self.parcels,
            delivered_at: self.delivered,
            refunded: Money::new(self.refunded, self.agreed.currency),
            left: self.left(),
            returns_until: self.returns_until,
            warranty_until: self.warranty_until,
            may: self.possible().into_iter().map(str::to_owned).collect(),
        }
    }
}

fn not_shortened(field: &str, promised: Option<Timestamp>, named: Option<Timestamp>) -> Result<(), Difference> {
    if named >= promised {
        return Ok(());
    }
    let spelled = |at: Option<Timestamp>| at.map_or_else(|| "none".into(), |at| at.to_string());
    Err(Difference {
        field: field.into(),
        agreed: format!("not before {}", spelled(promised)),
        named: spelled(named),
    })
}
