//! One conversation as both sides hold it: two chains of letters, and what follows from them.
//!
//! A letter is judged by what its author had before them when they wrote it: all of their own letters, and the other
//! side's up to the one that the letter names. So a letter that was right where it was written is right everywhere,
//! whatever crossed it on the way, and both sides keep the same letters. What two letters that crossed mean together is
//! decided here, the same on both sides.

mod change;
mod grants;
mod haggle;
mod judge;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use change::{Standing, Terms as DealTerms};
pub use grants::{Grant, Request, Revocation};
pub use haggle::{OfferFate, apply as apply_changes, differences, told as changes_told};

use crate::{
    deed::Settled,
    envelope::Verified,
    id::{OfferId, RecordId},
    intent::Intent,
    keys::PublicKey,
    letter::{Letter, Matter, ThreadId},
    offer::Offer,
    time::Timestamp,
};

/// Which side of a want or a deal somebody is on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who wants.
    Customer,
    /// Who sells.
    Seller,
}

impl Role {
    /// The other side.
    pub fn other(self) -> Self {
        match self {
            Self::Customer => Self::Seller,
            Self::Seller => Self::Customer,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Seller => "seller",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// What a thread stands on, and knows only from outside.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The want, as it was first cast.
    pub intent: &'a Intent,
    /// The customer's key.
    pub customer: PublicKey,
    /// The seller's offers to it.
    pub offers: &'a [(OfferId, &'a Offer)],
    /// What was agreed, if anything was.
    pub deal: Option<&'a Settled>,
    /// The deal's receipts.
    pub receipts: &'a [RecordId],
    /// What the want said in each of its versions.
    pub said: &'a [(RecordId, &'a Intent)],
    /// Whether it is we who write: then what is here outside the thread speaks against a letter as well. From the other
    /// side it does not, since it may have come after the letter was written.
    pub writing: bool,
}

/// What [`Objection::Early`] says of a letter that follows on one that is not here.
pub(crate) const LETTER: &str = "a letter";

/// Why a letter is not one of the thread.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// It is here already.
    #[error("it is here already")]
    Known,
    /// It follows or speaks of something that is not here yet.
    #[error("it speaks of {0} that is not here yet")]
    Early(&'static str),
    /// Its author wrote another letter with this number before.
    #[error("number {0} was another letter")]
    Forked(u32),
    /// It does not continue its author's chain.
    #[error("it does not follow the letter before it")]
    Unchained,
    /// Neither the customer's key nor the seller's signed it.
    #[error("its author is not of this conversation")]
    Stranger,
    /// That is the other side's to say.
    #[error("only the {0} may say that")]
    NotTheirs(Role),
    /// It is about something that there is not.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// It was done before.
    #[error("{0}")]
    Over(&'static str),
    /// Too much of something.
    #[error("no more than {1} {0}")]
    TooMany(&'static str, usize),
    /// The rules of the conversation say no.
    #[error("{0}")]
    Unfit(String),
}

/// One letter in its place.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What was written.
    pub letter: Verified<Letter>,
    /// How many of the other side's letters its author had.
    pub saw: usize,
    /// When it was written or came in, by our clock.
    pub at: Timestamp,
}

impl Entry {
    /// Its id.
    pub fn id(&self) -> RecordId {
        self.letter.id()
    }

    /// What it says.
    pub fn matter(&self) -> &Matter {
        &self.letter.matter
    }
}

/// One conversation.
#[derive(Clone, Debug)]
pub struct Thread {
    id: ThreadId,
    sides: [Vec<Entry>; 2],
}

/// What somebody has of a thread: so many letters of each side.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    sides: [&'a [Entry]; 2],
}

impl<'a> View<'a> {
    /// One side's letters.
    pub fn of(&self, role: Role) -> &'a [Entry] {
        self.sides[role as usize]
    }

    /// All of them, the customer's first.
    pub fn all(&self) -> impl Iterator<Item = (Role, &'a Entry)> + use<'a> {
        let [customer, seller] = self.sides;
        let customer = customer.iter().map(|entry| (Role::Customer, entry));
        customer.chain(seller.iter().map(|entry| (Role::Seller, entry)))
    }

    /// Both sides' letters in one line: each after everything that its author had, earlier ones first.
    pub fn in_line(&self) -> Vec<(Role, &'a Entry)> {
        let (ours, theirs) = (self.of(Role::Customer), self.of(Role::Seller));
        let (mut at, mut line) = ([0, 0], Vec::with_capacity(ours.len() + theirs.len()));
        loop {
            let customer = ours.get(at[0]).filter(|entry| entry.saw <= at[1]);
            let seller = theirs.get(at[1]).filter(|entry| entry.saw <= at[0]);
            let created = |entry: &Entry| entry.letter.header().created;
            let role = match (customer, seller) {
                (None, None) => return line,
                (Some(_), None) => Role::Customer,
                (Some(c), Some(s)) if created(c) <= created(s) => Role::Customer,
                _ => Role::Seller,
            };
            line.push((role, &self.of(role)[at[role as usize]]));
            at[role as usize] += 1;
        }
    }

    /// The letter with this id.
    pub fn find(&self, id: RecordId) -> Option<(Role, &'a Entry)> {
        self.all().find(|(_, entry)| entry.id() == id)
    }
}

impl Thread {
    /// An empty thread.
    pub fn new(id: ThreadId) -> Self {
        Self {
            id,
            sides: [Vec::new(), Vec::new()],
        }
    }

    /// Between whom, about what.
    pub fn id(&self) -> ThreadId {
        self.id
    }

    /// Everything that is here.
    pub fn view(&self) -> View<'_> {
        View {
            sides: [&self.sides[0], &self.sides[1]],
        }
    }

    /// What the author of the next letter of `role` has, if they saw `saw` of the other side's.
    fn seen_by(&self, role: Role, saw: usize) -> View<'_> {
        let mut view = self.view();
        let other = &mut view.sides[role.other() as usize];
        *other = &other[..saw.min(other.len())];
        view
    }

    /// The letter that says `matter` next, as `role` who has everything that is here.
    pub fn next(&self, role: Role, reply: Option<crate::contact::ReplyPath>, matter: Matter) -> Letter {
        let (ours, theirs) = (&self.sides[role as usize], &self.sides[role.other() as usize]);
        Letter {
            thread: self.id,
            number: ours.len() as u32,
            before: ours.last().map(Entry::id),
            after: theirs.last().map(Entry::id),
            reply,
            matter,
        }
    }

    /// Which side wrote a letter.
    ///
    /// # Errors
    /// [`Objection::Stranger`].
    pub fn author(&self, ground: &Ground, letter: &Verified<Letter>) -> Result<Role, Objection> {
        let author = letter.header().author;
        if author == ground.customer {
            Ok(Role::Customer)
        } else if author == self.id.seller {
            Ok(Role::Seller)
        } else {
            Err(Objection::Stranger)
        }
    }

    /// Whether the letter is the next of its author and says what its author, with what they had, may say.
    ///
    /// # Errors
    /// [`Objection`].
    pub fn judge(&self, ground: &Ground, letter: &Verified<Letter>) -> Result<Role, Objection> {
        let role = self.author(ground, letter)?;
        let saw = self.follows(role, letter)?;
        judge::matter(&self.seen_by(role, saw), role, ground, letter)?;
        Ok(role)
    }

    /// That the letter is the next of `role`, whatever it says, and how many of the other side's letters its author had.
    ///
    /// # Errors
    /// [`Objection`].
    pub(crate) fn follows(&self, role: Role, letter: &Verified<Letter>) -> Result<usize, Objection> {
        let (ours, number) = (&self.sides[role as usize], letter.number as usize);
        if let Some(here) = ours.get(number) {
            return Err(if here.id() == letter.id() {
                Objection::Known
            } else {
                Objection::Forked(letter.number)
            });
        }
        if number > ours.len() {
            return Err(Objection::Early(LETTER));
        }
        if letter.before != ours.last().map(Entry::id) {
            return Err(Objection::Unchained);
        }
        let saw = self.saw(role, letter).ok_or(Objection::Early(LETTER))?;
        // What somebody had once they have ever after.
        if saw < ours.last().map_or(0, |last| last.saw) {
            return Err(Objection::Unchained);
        }
        Ok(saw)
    }

    fn saw(&self, role: Role, letter: &Letter) -> Option<usize> {
        let Some(after) = letter.after else { return Some(0) };
        let theirs = &self.sides[role.other() as usize];
        theirs.iter().rposition(|entry| entry.id() == after).map(|at| at + 1)
    }

    /// Adds a letter that was judged to be of `role`.
    pub fn add(&mut self, at: Timestamp, role: Role, letter: Verified<Letter>) {
        let saw = self.saw(role, &letter).unwrap_or_default();
        self.sides[role as usize].push(Entry { letter, saw, at });
    }

    /// Whether two letters crossed: neither author had the other's.
    pub(crate) fn crossed(view: &View, customer: usize, seller: usize) -> bool {
        let (ours, theirs) = (&view.of(Role::Customer)[customer], &view.of(Role::Seller)[seller]);
        ours.saw <= seller && theirs.saw <= customer
    }
}
