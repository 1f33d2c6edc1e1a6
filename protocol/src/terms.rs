//! First-party terms: what a customer asks of each seller who answers, as clauses a machine compares and sentences a
//! person reads.
//!
//! It is the customer who states terms and the seller who accepts them whole, by a signature over their hash; nothing
//! here lets a seller change or shorten them.

mod roster;

use std::{fmt, sync::LazyLock};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use self::roster::ROSTER;
use crate::{
    codec::encode,
    id::{TermsHash, digest},
    limits::TERMS,
    list::List,
    near::nearest,
    text::Word,
};

/// One document of terms.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Terms {
    /// Its name in the roster.
    pub id: &'static str,
    /// Counts up with each change of a word.
    pub version: u16,
    /// A short title.
    pub title: &'static str,
    /// The whole in one sentence, as the customer would say it.
    pub summary: &'static str,
    /// What the seller may, must not and must do.
    pub clauses: &'static [Clause],
}

/// One rule for the seller.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Clause {
    /// Allowed, forbidden or owed.
    pub kind: Kind,
    /// What is.
    pub act: Act,
    /// The same as a sentence.
    pub sentence: &'static str,
}

/// Whether an act is allowed, forbidden or owed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Allowed.
    May,
    /// Forbidden.
    MustNot,
    /// Owed.
    Must,
}

/// What a seller may do with what it learns. New acts are added at the end, since the hash holds their numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Use an intent to answer it.
    AnswerIntent,
    /// Use data for the service that was asked for.
    Perform,
    /// Hand a helper what its part of the service needs.
    ShareToPerform,
    /// Any use that no clause allows by name.
    OtherUse,
    /// Keep data when the service no longer needs it.
    Keep,
    /// Hand data to those who have no part in the service.
    Share,
    /// Build a picture of the customer.
    Profile,
    /// Follow the customer across places, devices or time.
    Track,
    /// Sell, rent or trade data.
    SellOn,
    /// Approach the customer about something else.
    Contact,
    /// Find out who the customer is.
    Identify,
    /// Train or test models.
    TrainModels,
    /// Work that is open to everyone and not for profit.
    Research,
    /// Give the customer all of it in an open form.
    ReturnData,
    /// Delete all of it within so many days after the intent closed.
    DeleteWithin(u16),
    /// Say what it was used for.
    ReportUse,
}

/// One document of terms, named and pinned. Whoever signs this has signed each word behind the hash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TermsRef {
    /// Its name in the roster.
    pub id: Word,
    /// Its text and clauses: [`Terms::hash`].
    pub hash: TermsHash,
}

/// The terms of one intent: sorted by id, each id once.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct TermsSet(List<TermsRef, TERMS>);

/// An id that the roster does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no terms are called {id:?}{}", near.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
pub struct UnknownTerms {
    /// What was asked for.
    pub id: String,
    /// The id most like it.
    pub near: Option<&'static str>,
}

/// Ids out of order, or one of them twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("terms have to be sorted by id, each of them once")]
pub struct NotSorted;

/// One document allows what another forbids. The prohibition holds; whoever asks for both should be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Conflict {
    /// The id of the terms that allow it.
    pub allowed_by: &'static str,
    /// The id of the terms that forbid it.
    pub forbidden_by: &'static str,
    /// What it is about.
    pub act: Act,
}

/// Every document of terms that this build knows.
pub fn roster() -> &'static [Terms] {
    &ROSTER
}

/// The terms of this id, in capitals or not.
pub fn by_id(id: &str) -> Option<&'static Terms> {
    ROSTER.iter().find(|terms| terms.id.eq_ignore_ascii_case(id))
}

/// The hash of each document, in the roster's order: each intent that is heard asks for some of them.
static HASHES: LazyLock<[TermsHash; roster::LEN]> = LazyLock::new(|| ROSTER.each_ref().map(Terms::hash));

/// The digest, tagged `intentcast/1/terms`, of the wire encoding of `(id, version, [(kind, act)], text)`, kinds and acts
/// as the numbers of their variants: what a document of terms is pinned by, computed of its parts alone.
pub fn hash_of(id: &str, version: u16, rules: &[(Kind, Act)], text: &str) -> TermsHash {
    TermsHash(digest("intentcast/1/terms", &[&encode(&(id, version, rules, text))]))
}

impl Terms {
    /// The whole as a person reads it: id and version, title, summary, and a numbered sentence for each clause, parted
    /// by line feeds.
    pub fn text(&self) -> String {
        let head = format!(
            "{} version {}\n{}\n\n{}\n\n",
            self.id, self.version, self.title, self.summary
        );
        let numbered = (1..).zip(self.clauses);
        numbered.fold(head, |text, (number, clause)| {
            format!("{text}{number}. {}\n", clause.sentence)
        })
    }

    /// What a signature pins: [`hash_of`] this document.
    pub fn hash(&self) -> TermsHash {
        let rules: Vec<(Kind, Act)> = self.clauses.iter().map(|clause| (clause.kind, clause.act)).collect();
        hash_of(self.id, self.version, &rules, &self.text())
    }

    /// Name and hash, as an intent carries them.
    pub fn to_ref(&self) -> TermsRef {
        TermsRef {
            id: Word::strict(self.id).expect("ids of the roster are short plain words"),
            hash: self.hash(),
        }
    }
}

impl TermsRef {
    /// The document that this pins, word for word, if the roster has it.
    pub fn document(&self) -> Option<&'static Terms> {
        let at = ROSTER.iter().position(|terms| terms.id == self.id.as_str())?;
        (HASHES[at] == self.hash).then(|| &ROSTER[at])
    }
}

impl TermsSet {
    /// The set of these terms of the roster, named in capitals or not, in any order.
    ///
    /// # Errors
    /// [`UnknownTerms`], with the id most like the one that was not found.
    pub fn of(ids: &[impl AsRef<str>]) -> Result<Self, UnknownTerms> {
        let mut refs = Vec::new();
        for id in ids.iter().map(|id| id.as_ref().trim()) {
            let terms = by_id(id).ok_or_else(|| unknown(id))?;
            refs.push(terms.to_ref());
        }
        refs.sort_unstable();
        refs.dedup();
        Ok(Self(
            List::new(refs).expect("a set of the roster's terms is no longer than the roster"),
        ))
    }

    /// These references, which another node made.
    ///
    /// # Errors
    /// [`NotSorted`].
    pub fn from_refs(refs: List<TermsRef, TERMS>) -> Result<Self, NotSorted> {
        if !refs.is_sorted_by(|one, next| one.id < next.id) {
            return Err(NotSorted);
        }
        Ok(Self(refs))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &TermsRef> {
        self.0.iter()
    }

    /// Whether the customer asked for none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the terms of this id, in capitals or not, are among them.
    pub fn contains(&self, id: &str) -> bool {
        self.iter().any(|terms| terms.id.as_str().eq_ignore_ascii_case(id))
    }

    /// What a seller signs: the digest, tagged `intentcast/1/terms-set`, of the wire encoding of the set.
    pub fn hash(&self) -> TermsHash {
        TermsHash(digest("intentcast/1/terms-set", &[&encode(self)]))
    }

    /// Whether the roster has each of them, word for word. Nobody should sign what this denies.
    pub fn known(&self) -> bool {
        self.iter().all(|terms| terms.document().is_some())
    }

    /// The clause that forbids `act`, if one does.
    ///
    /// A prohibition by name comes first. "Nothing else" forbids each use that no clause allows by name, but never a
    /// duty. Terms that the roster does not have say nothing here: see [`TermsSet::known`].
    pub fn forbids(&self, act: Act) -> Option<&'static Clause> {
        let clauses = || self.documents().flat_map(|terms| terms.clauses);
        let ban = |act| clauses().find(move |clause| clause.kind == Kind::MustNot && clause.act == act);
        ban(act).or_else(|| {
            let allowed = clauses().any(|clause| clause.kind != Kind::MustNot && clause.act == act);
            ban(Act::OtherUse).filter(|_| act.is_use() && !allowed)
        })
    }

    /// The clause that makes this a duty, if one of them has it.
    pub fn owes(&self, act: Act) -> Option<&'static Clause> {
        let mut clauses = self.documents().flat_map(|terms| terms.clauses);
        clauses.find(|clause| clause.kind == Kind::Must && clause.act == act)
    }

    /// Where one of them allows what another forbids.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let clauses = || {
            self.documents()
                .flat_map(|terms| terms.clauses.iter().map(move |clause| (terms.id, clause)))
        };
        let of_kind = |wanted| clauses().filter(move |(_, clause)| clause.kind == wanted);
        let banned = |act| of_kind(Kind::MustNot).find(move |(_, clause)| clause.act == act);
        let clash = |(allowed_by, clause): (&'static str, &'static Clause)| {
            let act = clause.act;
            let (forbidden_by, _) = banned(act)?;
            Some(Conflict {
                allowed_by,
                forbidden_by,
                act,
            })
        };
        of_kind(Kind::May).filter_map(clash).collect()
    }

    /// All of them in sentences, each sentence once; terms that are not known here are named as such.
    pub fn explain(&self) -> Vec<String> {
        let mut sentences: Vec<String> = Vec::new();
        for terms in self {
            let lines: Vec<String> = match terms.document() {
                Some(known) => known.clauses.iter().map(|clause| clause.sentence.to_owned()).collect(),
                None => vec![format!(
                    "The terms {} ({}) are not known here.",
                    terms.id,
                    terms.hash.short()
                )],
            };
            for line in lines {
                if !sentences.contains(&line) {
                    sentences.push(line);
                }
            }
        }
        sentences
    }

    fn documents(&self) -> impl Iterator<Item = &'static Terms> {
        self.iter().filter_map(TermsRef::document)
    }
}

impl Act {
    /// Whether it is something done with data for one's own ends, and not a duty to the customer.
    fn is_use(self) -> bool {
        match self {
            Self::AnswerIntent
            | Self::Perform
            | Self::ShareToPerform
            | Self::OtherUse
            | Self::Keep
            | Self::Share
            | Self::Profile
            | Self::Track
            | Self::SellOn
            | Self::Contact
            | Self::Identify
            | Self::TrainModels
            | Self::Research => true,
            Self::ReturnData | Self::DeleteWithin(_) | Self::ReportUse => false,
        }
    }
}

fn unknown(id: &str) -> UnknownTerms {
    let id: String = id.chars().take(crate::limits::WORD_BYTES).collect();
    let near = nearest(&id, ROSTER.iter().map(|terms| terms.id), 1).first().copied();
    UnknownTerms { id, near }
}

/// What an intent asks for that says nothing else: the service and nothing else, and the intent for an answer alone.
impl Default for TermsSet {
    fn default() -> Self {
        Self::of(&["SD-BASE", "PDC-INTENT"]).expect("both are in the roster")
    }
}

impl<'a> IntoIterator for &'a TermsSet {
    type Item = &'a TermsRef;
    type IntoIter = std::slice::Iter<'a, TermsRef>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// The ids: `PDC-INTENT + SD-BASE`.
impl fmt::Display for TermsSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.iter().map(|terms| terms.id.as_str()).collect();
        f.pad(&ids.join(" + "))
    }
}

impl<'de> Deserialize<'de> for TermsSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_refs(List::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
