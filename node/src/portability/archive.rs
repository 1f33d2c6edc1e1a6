//! What was brought here from elsewhere: orders, offers and consents of other devices, other sellers, other programs. It
//! is looked at and searched, and no promise of this node follows from it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::{Fate, Store, StoreError};

/// What it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// An agreement with what became of it.
    Order,
    /// An offer.
    Offer,
    /// A consent record: a strand asked for, and what came of it.
    Consent,
}

impl Sort {
    /// Every sort.
    pub const ALL: [Self; 3] = [Self::Order, Self::Offer, Self::Consent];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Offer => "offer",
            Self::Consent => "consent",
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How far it can be believed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", tag = "proof")]
pub enum Proof {
    /// A document says so.
    Claimed,
    /// So many signatures say so, each verified when it was taken in.
    Verified {
        /// How many.
        signatures: usize,
    },
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed => f.write_str("claimed"),
            Self::Verified { signatures } => write!(f, "verified, {signatures} signatures"),
        }
    }
}

/// One thing in the archive.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Archived {
    /// What it is.
    pub sort: Sort,
    /// Its id: the agreement's, the offer's, the request's; whatever another program calls it, where it is a claim.
    pub id: String,
    /// How far it can be believed.
    #[serde(flatten)]
    pub proof: Proof,
    /// What it is about; out of the signed records where there are any, as everything down to `receipts`.
    pub title: String,
    /// Who sells, or who asks.
    pub party: String,
    /// When.
    pub at: String,
    /// How far it has come.
    pub state: String,
    /// For how much.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub total: String,
    /// What became of it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<String>,
    /// The document's own words.
    pub node: Value,
}

impl Archived {
    /// Its name in the archive.
    pub fn key(&self) -> String {
        format!("{}/{}", self.sort.word(), self.id)
    }
}

/// What taking in a document did.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
pub struct Taken {
    /// Not there before.
    pub added: usize,
    /// There before, and told with more proof or otherwise now.
    pub changed: usize,
    /// As before, or with less proof than before.
    pub unchanged: usize,
}

/// Puts these into the archive, all of them or none.
///
/// # Errors
/// [`StoreError::Archive`] where it is full.
pub fn keep(store: &Store, archived: &[Archived]) -> Result<Taken, StoreError> {
    let rows: Vec<(String, Vec<u8>)> = archived
        .iter()
        .map(|archived| {
            let bytes = serde_json::to_vec(archived).expect("plain fields, which JSON always takes");
            (archived.key(), bytes)
        })
        .collect();
    let proof = |bytes: &[u8]| {
        serde_json::from_slice(bytes)
            .ok()
            .map(|archived: Archived| archived.proof)
    };
    let fates = store.archive(&rows, |before, now| proof(before) <= proof(now))?;
    let count = |fate: Fate| fates.iter().filter(|it| **it == fate).count();
    Ok(Taken {
        added: count(Fate::Added),
        changed: count(Fate::Changed),
        unchanged: count(Fate::Unchanged),
    })
}

/// What stands in the archive after this key, as much as one answer holds.
///
/// # Errors
/// [`StoreError::Damaged`] where what stands there is none.
pub fn page(store: &Store, after: Option<&str>) -> Result<Vec<Archived>, StoreError> {
    let rows = store.archived(after)?;
    rows.into_iter()
        .map(|(key, bytes)| {
            serde_json::from_slice(&bytes).map_err(|why| StoreError::Damaged {
                path: store.path().to_owned(),
                why: format!("archive {key:?}: {why}"),
            })
        })
        .collect()
}
