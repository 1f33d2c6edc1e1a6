//! What a person wants, on their own terms; what they change about it; and its end.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    attribute::Wish,
    category::CategoryId,
    contact::ReplyPath,
    disclosure::{self, Commitment, Withheld},
    envelope::{Header, Kind, Record},
    fault::Fault,
    id::{IntentId, RecordId},
    limits,
    list::List,
    money::{Currency, Money},
    place::{Fulfilments, Place},
    terms::TermsSet,
    text::{Prose, Title, Word},
    time::{Seconds, Timestamp},
};

/// ISO 639-1, two lower-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct Language(pub [u8; 2]);

impl Language {
    /// English, what is assumed where nothing is said.
    pub const ENGLISH: Self = Self(*b"en");

    /// The language with this code.
    pub fn new(code: &str) -> Option<Self> {
        let bytes: [u8; 2] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_lowercase).then_some(Self(bytes))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or("??"))
    }
}

/// The state that goods are in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Never used.
    New,
    /// Used, made good, and said so by who sells it.
    Refurbished,
    /// Used.
    Used,
}

impl Condition {
    /// All, best first.
    pub const ALL: [Self; 3] = [Self::New, Self::Refurbished, Self::Used];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Refurbished => "refurbished",
            Self::Used => "used",
        }
    }

    /// The condition of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|condition| condition.word() == word.trim().to_lowercase())
    }
}

/// A set of conditions, never empty: bit 0 new, bit 1 refurbished, bit 2 used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct Conditions(u8);

impl Conditions {
    /// The set of these; `None` of nothing.
    pub fn of(conditions: &[Condition]) -> Option<Self> {
        let bits = conditions
            .iter()
            .fold(0, |bits, condition| bits | 1 << *condition as u8);
        (bits != 0).then_some(Self(bits))
    }

    /// New goods alone, what is meant where nothing is said.
    pub const NEW: Self = Self(1);

    /// Whether the set has it.
    pub fn has(self, condition: Condition) -> bool {
        self.0 & 1 << condition as u8 != 0
    }

    /// The members, best first.
    pub fn list(self) -> Vec<Condition> {
        Condition::ALL
            .into_iter()
            .filter(|condition| self.has(*condition))
            .collect()
    }

    fn check(self) -> Result<(), Fault> {
        if self.0 == 0 || self.0 > 7 {
            return Err(Fault::Invalid {
                field: "conditions",
                why: "one to three of new, refurbished, used".into(),
            });
        }
        Ok(())
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &self
                .list()
                .iter()
                .map(|condition| condition.word())
                .collect::<Vec<_>>()
                .join(", "),
        )
    }
}

/// What the person will spend at most, delivery and tax included, as far as it is said. The customer's own node knows
/// the rest: see [`crate::disclosure`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Said openly.
    Public(Money),
    /// It lies between these two; sellers are held to the upper end.
    Band {
        /// The lower end.
        least: Money,
        /// The upper end.
        most: Money,
    },
    /// Not said, and committed to: opened under an agreement.
    Committed {
        /// Of which currency it is.
        currency: Currency,
        /// What it is held against once it is opened.
        commitment: Commitment,
    },
    /// Not said.
    Hidden {
        /// Of which currency it is.
        currency: Currency,
    },
}

impl Budget {
    /// The most that the landed total may be, as far as it is said: nothing of a budget that is committed or hidden.
    pub fn ceiling(&self) -> Option<Money> {
        match self {
            Self::Public(money) => Some(*money),
            Self::Band { most, .. } => Some(*most),
            Self::Committed { .. } | Self::Hidden { .. } => None,
        }
    }

    /// The currency, which is always said.
    pub fn currency(&self) -> Currency {
        match self {
            Self::Public(money) => money.currency,
            Self::Band { most, .. } => most.currency,
            Self::Committed { currency, .. } | Self::Hidden { currency } => *currency,
        }
    }

    fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Public(money) if money.minor <= 0 => Err(invalid("budget", "more than nothing")),
            Self::Band { least, most } if least.currency != most.currency || least.minor <= 0 => {
                Err(invalid("budget", "a band of one currency, above nothing"))
            }
            Self::Band { least, most } if least.minor >= most.minor => {
                Err(invalid("budget", "a band from less to more"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public(money) => money.fmt(f),
            Self::Band { least, most } => write!(f, "{least} to {most}"),
            Self::Committed { currency, .. } => write!(f, "committed, in {currency}"),
            Self::Hidden { currency } => write!(f, "hidden, in {currency}"),
        }
    }
}

/// The want: what is signed and cast.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Intent {
    /// The want in the person's words.
    pub title: Title,
    /// More of them.
    pub text: Prose,
    /// The language of both.
    pub language: Language,
    /// What kind of thing.
    pub category: CategoryId,
    /// What is asked of its attributes.
    pub wishes: List<Wish, { limits::ATTRIBUTES }>,
    /// How many.
    pub quantity: u32,
    /// In what state.
    pub conditions: Conditions,
    /// For how much at most.
    pub budget: Budget,
    /// Where.
    pub place: Place,
    /// How it may come into the person's hands.
    pub fulfilment: Fulfilments,
    /// By when it must be there.
    pub need_by: Option<Timestamp>,
    /// Until when offers are taken.
    pub offers_due: Timestamp,
    /// Offers taken in all.
    pub max_offers: u16,
    /// Offers taken from one seller.
    pub offers_per_seller: u8,
    /// Rounds of haggling that the person will go through.
    pub max_rounds: u8,
    /// What a seller agrees to by answering.
    pub terms: TermsSet,
    /// Strands of personal data that a seller may ask for.
    pub may_ask: List<Word, { limits::STRANDS }>,
    /// Where offers go.
    pub reply: ReplyPath,
    /// What is not said to all, and from when on it may be opened.
    pub withheld: List<Withheld, { limits::WITHHELD }>,
}

impl Intent {
    /// Whether an answer to one is an answer to the other: all is the same but where answers go, until when, and how
    /// many. Sellers who have answered need not answer again.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        *self
            == Self {
                reply: self.reply.clone(),
                offers_due: self.offers_due,
                max_offers: self.max_offers,
                offers_per_seller: self.offers_per_seller,
                ..other.clone()
            }
    }
}

fn invalid(field: &'static str, why: &str) -> Fault {
    Fault::Invalid { field, why: why.into() }
}

impl Record for Intent {
    const KIND: Kind = Kind::Intent;
    const MAX_BODY: usize = limits::INTENT_BODY_BYTES;
    const STAMP_BITS: u32 = limits::GOSSIP_STAMP_BITS;
    const LIFE: Seconds = limits::INTENT_LIFE;

    fn check(&self, header: &Header) -> Result<(), Fault> {
        if self.title.is_empty() {
            return Err(Fault::Missing("title"));
        }
        if Language::new(&self.language.to_string()).is_none() {
            return Err(invalid("language", "two lower-case letters of ISO 639-1"));
        }
        for wish in &self.wishes {
            wish.check()?;
        }
        if self.quantity == 0 {
            return Err(invalid("quantity", "at least one"));
        }
        self.conditions.check()?;
        self.budget.check()?;
        disclosure::check(&self.withheld)?;
        if self.offers_due <= header.created || self.offers_due > header.expires {
            return Err(invalid("offers_due", "after it was created and before it expires"));
        }
        if self.need_by.is_some_and(|need_by| need_by <= header.created) {
            return Err(invalid("need_by", "after it was created"));
        }
        if self.max_offers == 0 || self.max_offers > limits::OFFERS_PER_INTENT {
            return Err(Fault::Exceeded {
                what: "offers asked for",
                limit: limits::OFFERS_PER_INTENT.into(),
            });
        }
        if self.max_rounds > limits::ROUNDS {
            return Err(Fault::Exceeded {
                what: "rounds of haggling",
                limit: limits::ROUNDS.into(),
            });
        }
        if self.offers_per_seller == 0 || self.offers_per_seller > limits::OFFERS_PER_SELLER {
            return Err(Fault::Exceeded {
                what: "offers asked of one seller",
                limit: limits::OFFERS_PER_SELLER.into(),
            });
        }
        self.reply.check()
    }
}

/// The same want, said anew by the same key: the whole of it, so that nobody must merge.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Amendment {
    /// The want that changes.
    pub intent: IntentId,
    /// One more than the last; the intent itself is number 0.
    pub sequence: u32,
    /// The record that this one takes the place of.
    pub replaces: RecordId,
    /// What is wanted now.
    pub now: Intent,
}

impl Record for Amendment {
    const KIND: Kind = Kind::Amendment;
    const MAX_BODY: usize = limits::INTENT_BODY_BYTES + 128;
    const STAMP_BITS: u32 = limits::GOSSIP_STAMP_BITS;
    const LIFE: Seconds = limits::INTENT_LIFE;

    fn check(&self, header: &Header) -> Result<(), Fault> {
        if self.sequence == 0 || self.sequence > limits::AMENDMENTS {
            return Err(Fault::Exceeded {
                what: "amendments",
                limit: limits::AMENDMENTS.into(),
            });
        }
        self.now.check(header)
    }
}

/// The want is over: a tombstone, kept until the intent would have expired.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Withdrawal {
    /// The want that ends.
    pub intent: IntentId,
}

impl Record for Withdrawal {
    const KIND: Kind = Kind::Withdrawal;
    const MAX_BODY: usize = 64;
    const STAMP_BITS: u32 = limits::GOSSIP_STAMP_BITS;
    const LIFE: Seconds = limits::INTENT_LIFE;

    fn check(&self, _: &Header) -> Result<(), Fault> {
        Ok(())
    }
}
