//! What a seller promises to one intent, and the customer's no.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    attribute::Attribute,
    category::CategoryId,
    contact::ReplyPath,
    envelope::{Header, Kind, Record},
    fault::Fault,
    id::{IntentId, OfferId, RecordId, TermsHash},
    intent::Condition,
    limits,
    list::List,
    money::{Currency, Money},
    place::Serves,
    text::{Name, Phrase, Title, Word},
    time::{Seconds, Timestamp},
};

/// A GTIN of 8, 12, 13 or 14 digits whose check digit holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Gtin(u64);

impl Gtin {
    /// The number in `text`, leading zeros and all; `None` where its check digit does not hold.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim();
        if !matches!(digits.len(), 8 | 12 | 13 | 14) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().and_then(Self::new)
    }

    fn new(number: u64) -> Option<Self> {
        // GS1: from the right, weights 1, 3, 1, 3, ... over all digits sum to a multiple of ten.
        let mut sum = 0;
        let (mut rest, mut weight) = (number, 1);
        while rest > 0 {
            sum += rest % 10 * weight;
            rest /= 10;
            weight = 4 - weight;
        }
        (number > 0 && number < 100_000_000_000_000 && sum.is_multiple_of(10)).then_some(Self(number))
    }
}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013}", self.0)
    }
}

impl<'de> Deserialize<'de> for Gtin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        Self::new(number).ok_or_else(|| serde::de::Error::custom("the check digit of the GTIN does not hold"))
    }
}

/// How the item stands to what was asked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// What was asked.
    Exact,
    /// Not quite, and why.
    Near(Phrase),
}

/// One line of an offer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Line {
    /// The seller's own number for the item.
    pub item: Word,
    /// Its global number, if it has one.
    pub gtin: Option<Gtin>,
    /// What it is called.
    pub title: Title,
    /// Who makes it; may be empty.
    pub brand: Name,
    /// What kind of thing.
    pub category: CategoryId,
    /// How many.
    pub quantity: u32,
    /// For how much each, minor units of the offer's currency, tax included.
    pub unit_minor: i64,
    /// In what state.
    pub condition: Condition,
    /// How it stands to what was asked.
    pub fit: Fit,
    /// What it is like, as far as the intent asks.
    pub attributes: List<Attribute, { limits::ATTRIBUTES }>,
}

/// What it all comes to, minor units of one currency. `goods + delivery` is `total`; tax is the part of it that is tax.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Totals {
    /// Of all four.
    pub currency: Currency,
    /// The lines, tax included.
    pub goods: i64,
    /// Bringing them, tax included.
    pub delivery: i64,
    /// How much of the total is tax.
    pub tax: i64,
    /// What the customer pays, all in.
    pub total: i64,
}

impl Totals {
    /// What the customer pays, all in.
    pub fn landed(&self) -> Money {
        Money {
            minor: self.total,
            currency: self.currency,
        }
    }
}

/// Personal data that the seller needs to fulfil, and what for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Need {
    /// Which strand: `address.delivery`.
    pub strand: Word,
    /// For what end.
    pub purpose: Phrase,
}

/// Who sells, as they call themselves, and where to answer. The key that signs is who they are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Seller {
    /// The shop's name.
    pub name: Name,
    /// Where acceptances go.
    pub reply: ReplyPath,
}

/// A promise to one intent. Its signature is the seller's assent to exactly the terms named.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Offer {
    /// The want it answers.
    pub intent: IntentId,
    /// As it stood: the intent's own record, or its latest amendment.
    pub revision: RecordId,
    /// Who sells.
    pub seller: Seller,
    /// What, all together.
    pub lines: List<Line, { limits::LINES }>,
    /// For how much.
    pub totals: Totals,
    /// How and where to it comes.
    pub serves: Serves,
    /// By when it is there.
    pub deliver_by: Timestamp,
    /// Until when it can be accepted.
    pub valid_until: Timestamp,
    /// Until when the stock is held for it.
    pub held_until: Option<Timestamp>,
    /// Days in which it can be given back.
    pub returns_days: u16,
    /// Months of warranty.
    pub warranty_months: u16,
    /// Exactly the intent's terms, by the hash of the set.
    pub terms: TermsHash,
    /// Personal data needed, and why.
    pub needs: List<Need, { limits::STRANDS }>,
}

impl Record for Offer {
    const KIND: Kind = Kind::Offer;
    const MAX_BODY: usize = limits::OFFER_BODY_BYTES;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::OFFER_LIFE;

    fn check(&self, header: &Header) -> Result<(), Fault> {
        let invalid = |field, why: &str| Err(Fault::Invalid { field, why: why.into() });
        if self.lines.is_empty() {
            return Err(Fault::Missing("lines"));
        }
        let mut goods = 0i64;
        for line in &self.lines {
            if line.quantity == 0 || line.unit_minor < 0 || line.title.is_empty() {
                return invalid("lines", "each has a title, a quantity and a price");
            }
            let sum = line
                .unit_minor
                .checked_mul(line.quantity.into())
                .and_then(|sum| goods.checked_add(sum));
            let Some(sum) = sum else {
                return invalid("lines", "the sum is beyond money");
            };
            goods = sum;
        }
        let Totals {
            goods: said,
            delivery,
            tax,
            total,
            ..
        } = self.totals;
        if said != goods || delivery < 0 || goods.checked_add(delivery) != Some(total) || !(0..=total).contains(&tax) {
            return invalid(
                "totals",
                "lines and delivery add up to the total, and tax is a part of it",
            );
        }
        if self.valid_until <= header.created || self.valid_until > header.expires {
            return invalid("valid_until", "after it was created and before it expires");
        }
        self.seller.reply.check()
    }
}

/// Why a customer does not take an offer: all that a losing seller learns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Too dear.
    Price,
    /// Bringing it costs too much.
    DeliveryCost,
    /// It comes too late.
    DeliveryDate,
    /// Not quite the thing.
    ProductFit,
    /// The seller is not known well enough.
    Trust,
    /// It cannot be given back as the person would like.
    Returns,
    /// It cannot be paid as the person would like.
    Payment,
    /// Not now.
    Later,
    /// The terms.
    Terms,
    /// Something else.
    Other,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Price,
        Self::DeliveryCost,
        Self::DeliveryDate,
        Self::ProductFit,
        Self::Trust,
        Self::Returns,
        Self::Payment,
        Self::Later,
        Self::Terms,
        Self::Other,
    ];

    /// The word for it on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::DeliveryCost => "delivery_cost",
            Self::DeliveryDate => "delivery_date",
            Self::ProductFit => "product_fit",
            Self::Trust => "trust",
            Self::Returns => "returns",
            Self::Payment => "payment",
            Self::Later => "later",
            Self::Terms => "terms",
            Self::Other => "other",
        }
    }
}

/// The customer's no to one offer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Decline {
    /// Whose want.
    pub intent: IntentId,
    /// Which offer.
    pub offer: OfferId,
    /// Why.
    pub reason: Reason,
}

impl Record for Decline {
    const KIND: Kind = Kind::Decline;
    const MAX_BODY: usize = 128;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::OFFER_LIFE;

    fn check(&self, _: &Header) -> Result<(), Fault> {
        Ok(())
    }
}
