//! What an intent keeps back: a budget that is not said, or not wholly; an exact place, a contact, a photo that are
//! opened once a seller has signed the terms, or once there is an agreement.
//!
//! What is kept back is committed to: the intent carries a salted hash of it, and what is opened later is held against
//! that hash, so that nobody can say one thing and open another. The hash of one of a hundred likely budgets would tell
//! the budget to anybody who tries a hundred; the salt, 32 bytes that only the customer's node knows, keeps it from that.
//!
//! Nothing here opens anything by itself, and nothing draws a salt: both are for the customer's market.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    codec::encode,
    deed::Difference,
    fault::Fault,
    id::{NotAnId, digest, hex, id, unhex},
    intent::{Budget, Intent},
    limits,
    list::{Bytes, List},
    money::Money,
    text::{Prose, Word},
};

/// The field that a committed budget is opened as.
pub const BUDGET: &str = "budget";
/// Fields that may be withheld, besides those that begin with [`CONTACT`].
const FIELDS: [&str; 3] = ["place.exact", "photo", "text"];
/// What the names of contacts begin with: `contact.phone`.
const CONTACT: &str = "contact.";

/// How far a seller has come with an intent, and so what may be opened to it. Later stages are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Anybody.
    Public,
    /// It has signed the intent's terms, with an offer that stands.
    Signed,
    /// Its offer was accepted, and both sides hold the agreement.
    Accepted,
}

impl Stage {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Signed => "signed",
            Self::Accepted => "accepted",
        }
    }
}

id! {
    /// The salted hash of one withheld value.
    Commitment
}

/// What makes a [`Commitment`] tell nothing; 32 bytes, never shown in a log.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Salt(pub [u8; 32]);

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Serialize for Salt {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::id::serialize_fixed(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::id::deserialize_fixed(deserializer).map(Self)
    }
}

/// A withheld value. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Words: an address, a number to call.
    Text(Prose),
    /// The SHA-256 of a document, which itself travels by another way.
    Document(Bytes<32>),
    /// A budget.
    Money(Money),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Document(_) => "Document(..)",
            Self::Money(_) => "Money(..)",
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Document(hash) => f.write_str(&hex(hash)),
            Self::Money(money) => money.fmt(f),
        }
    }
}

/// A value to be withheld, as the person says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withhold {
    /// What it is: see [`Withheld::field`].
    pub field: Word,
    /// From which stage on it may be opened.
    pub stage: Stage,
    /// It.
    pub value: Value,
}

/// What an intent says of a value that it withholds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Withheld {
    /// `place.exact`, `photo`, `text`, or `contact.` and a word.
    pub field: Word,
    /// From which stage on it may be opened.
    pub stage: Stage,
    /// What it is held against once it is opened.
    pub commitment: Commitment,
}

impl Withhold {
    /// Whether the field can be withheld until the stage.
    ///
    /// # Errors
    /// [`Fault::Invalid`] in words for the person.
    pub fn check(&self) -> Result<(), Fault> {
        can_be_withheld(self.field.as_str(), self.stage)
    }
}

/// Whether the field can be withheld until the stage. A contact is a strand of personal data, and leaves only under an
/// agreement.
fn can_be_withheld(field: &str, stage: Stage) -> Result<(), Fault> {
    let invalid = |why: &str| {
        Err(Fault::Invalid {
            field: "withheld",
            why: why.into(),
        })
    };
    let contact = field.strip_prefix(CONTACT);
    if contact.is_none() && !FIELDS.contains(&field) || contact.is_some_and(str::is_empty) {
        return invalid("one of place.exact, photo, text, and contact. with a word; a budget has a way of its own");
    }
    match (stage, contact) {
        (Stage::Public, _) => invalid("from the stage signed or accepted on: what is public is not withheld"),
        (Stage::Signed, Some(_)) => invalid("a contact is opened under an agreement alone: stage accepted"),
        _ => Ok(()),
    }
}

/// Whether these can be withheld, each once.
pub(crate) fn check(withheld: &[Withheld]) -> Result<(), Fault> {
    for (at, one) in withheld.iter().enumerate() {
        can_be_withheld(one.field.as_str(), one.stage)?;
        if withheld[..at].iter().any(|other| other.field == one.field) {
            return Err(Fault::Invalid {
                field: "withheld",
                why: "each field once".into(),
            });
        }
    }
    Ok(())
}

/// A value that was withheld, and what it takes to hold it against its commitment. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Opened {
    /// What it is.
    pub field: Word,
    /// It.
    pub value: Value,
    /// What it was hashed with.
    pub salt: Salt,
}

impl Opened {
    /// What an intent carries in its place.
    pub fn commitment(&self) -> Commitment {
        // One encoding of all three, so that no two triples make the same bytes.
        Commitment(digest(
            "intentcast/1/withheld",
            &[&encode(&(&self.field, &self.value, &self.salt))],
        ))
    }
}

/// Whether this is what was withheld.
///
/// # Errors
/// [`Difference`] with the commitment that was made and the one that this value and salt make.
pub fn opens(withheld: &Withheld, opened: &Opened) -> Result<(), Difference> {
    Difference::unless_same("withheld field", &withheld.field, &opened.field)?;
    let field = format!("commitment to {}", withheld.field);
    Difference::unless_same(&field, &withheld.commitment, &opened.commitment())
}

impl Intent {
    /// What it says of a withheld field; a committed budget is opened under an agreement.
    pub fn withholds(&self, field: &str) -> Option<Withheld> {
        match self.budget {
            Budget::Committed { commitment, .. } if field == BUDGET => Some(Withheld {
                field: Word::lossy(BUDGET),
                stage: Stage::Accepted,
                commitment,
            }),
            _ => self.withheld.iter().find(|one| one.field.as_str() == field).cloned(),
        }
    }
}

/// Why what was opened is not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Undue {
    /// The intent withholds no such field.
    #[error("{0} is not withheld by this intent")]
    Unknown(Word),
    /// The field came twice.
    #[error("{0} is opened twice")]
    Twice(Word),
    /// The seller has not come so far.
    #[error("{field} is opened from the stage {} on, not before", .from.word())]
    Early {
        /// Which.
        field: Word,
        /// From which stage on it may be opened.
        from: Stage,
    },
    /// Another value than was committed to.
    #[error("{0}")]
    Differs(Difference),
}

/// Whether these fields may be opened, to a seller who has come to `stage`, and are what this version of the intent
/// committed to.
///
/// # Errors
/// [`Undue`], for the first that may not or is not.
pub fn judge(intent: &Intent, stage: Stage, fields: &[Opened]) -> Result<(), Undue> {
    for (at, opened) in fields.iter().enumerate() {
        let field = || opened.field.clone();
        if fields[..at].iter().any(|other| other.field == opened.field) {
            return Err(Undue::Twice(field()));
        }
        let withheld = intent
            .withholds(opened.field.as_str())
            .ok_or_else(|| Undue::Unknown(field()))?;
        if stage < withheld.stage {
            return Err(Undue::Early {
                field: field(),
                from: withheld.stage,
            });
        }
        opens(&withheld, opened).map_err(Undue::Differs)?;
    }
    Ok(())
}

/// How much of a budget is said.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// All of it.
    Openly,
    /// That it lies between these two, both in its currency.
    Within {
        /// The lower end.
        least: Money,
        /// The upper end, to which sellers are held.
        most: Money,
    },
    /// A commitment to it, opened under an agreement.
    Committed,
    /// Its currency.
    Hidden,
}

/// What the person will really spend at most, delivery and tax included, and how much of that is said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Spend {
    /// The true ceiling.
    pub most: Money,
    /// How much of it is said.
    pub shown: Shown,
}

impl fmt::Debug for Spend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spend({})", if self.is_open() { "openly" } else { ".." })
    }
}

impl From<Money> for Spend {
    fn from(most: Money) -> Self {
        Self {
            most,
            shown: Shown::Openly,
        }
    }
}

impl Spend {
    fn is_open(&self) -> bool {
        matches!(self.shown, Shown::Openly)
    }

    /// Whether it can be meant.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where it is nothing, or lies outside the band that is said.
    pub fn check(&self) -> Result<(), Fault> {
        let invalid = |why: &str| {
            Err(Fault::Invalid {
                field: BUDGET,
                why: why.into(),
            })
        };
        if self.most.minor <= 0 {
            return invalid("more than nothing");
        }
        match self.shown {
            Shown::Within { least, most }
                if least.currency != self.most.currency
                    || most.currency != self.most.currency
                    || !(least.minor..=most.minor).contains(&self.most.minor) =>
            {
                invalid("it lies within the band that is said, in the same currency")
            }
            _ => Ok(()),
        }
    }

    /// What an intent says of it, and what opens that where it is committed to.
    pub fn said(&self, salt: impl FnOnce(&Value) -> Salt) -> (Budget, Option<Opened>) {
        let currency = self.most.currency;
        match self.shown {
            Shown::Openly => (Budget::Public(self.most), None),
            Shown::Within { least, most } => (Budget::Band { least, most }, None),
            Shown::Hidden => (Budget::Hidden { currency }, None),
            Shown::Committed => {
                let value = Value::Money(self.most);
                let salt = salt(&value);
                let opened = Opened {
                    field: Word::lossy(BUDGET),
                    value,
                    salt,
                };
                let commitment = opened.commitment();
                (Budget::Committed { currency, commitment }, Some(opened))
            }
        }
    }
}

/// What the customer's own node knows of an intent beside what the intent says. It lies in the customer's ledger, on the
/// customer's own disk, and nowhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Kept {
    /// The true ceiling, where the intent does not say it.
    pub ceiling: Option<Money>,
    /// Every withheld value with its salt; a committed budget among them.
    pub opened: List<Opened, { limits::WITHHELD + 1 }>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<&str> = self.opened.iter().map(|opened| opened.field.as_str()).collect();
        let ceiling = self.ceiling.map(|_| "..");
        write!(f, "Kept {{ ceiling: {ceiling:?}, fields: {fields:?} }}")
    }
}

impl Kept {
    /// Whether the intent says all there is.
    pub fn is_empty(&self) -> bool {
        self.ceiling.is_none() && self.opened.is_empty()
    }

    /// What the customer means by the intent: the same, with the true ceiling in it. Offers are held against this, and
    /// it never leaves the node.
    pub fn meant(&self, intent: &Intent) -> Intent {
        Intent {
            budget: self.ceiling.map_or(intent.budget, Budget::Public),
            ..intent.clone()
        }
    }

    /// The true ceiling and how much of it the intent says; `None` of an intent whose true ceiling is not known here.
    pub fn spend(&self, intent: &Intent) -> Option<Spend> {
        let most = self.ceiling.or(intent.budget.ceiling());
        let shown = match intent.budget {
            Budget::Public(_) => Shown::Openly,
            Budget::Band { least, most } => Shown::Within { least, most },
            Budget::Committed { .. } => Shown::Committed,
            Budget::Hidden { .. } => Shown::Hidden,
        };
        most.map(|most| Spend { most, shown })
    }

    /// The values to withhold once more, where the intent is said anew.
    pub fn withhold(&self, intent: &Intent) -> Vec<Withhold> {
        let of = |withheld: &Withheld| {
            let opened = self.opened.iter().find(|opened| opened.field == withheld.field)?;
            Some(Withhold {
                field: withheld.field.clone(),
                stage: withheld.stage,
                value: opened.value.clone(),
            })
        };
        intent.withheld.iter().filter_map(of).collect()
    }

    /// What may be opened to a seller who has come to `stage` with this version of the intent.
    pub fn due_at(&self, intent: &Intent, stage: Stage) -> Vec<Opened> {
        let due = |opened: &&Opened| {
            let withheld = intent.withholds(opened.field.as_str());
            withheld.is_some_and(|withheld| withheld.stage <= stage)
        };
        self.opened.iter().filter(due).cloned().collect()
    }

    /// The salt that this value of this field was committed to with.
    pub(crate) fn salt(&self, field: &str, value: &Value) -> Option<Salt> {
        let same = |opened: &&Opened| opened.field.as_str() == field && opened.value == *value;
        self.opened.iter().find(same).map(|opened| opened.salt)
    }
}

#[cfg(test)]
mod tests;
