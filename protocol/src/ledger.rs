//! What a node keeps for ever: facts in a hash chain, from which the market is rebuilt after a restart.
//!
//! An entry names the hash of the one before it, so that nothing kept can change or vanish unseen. No key is here: the
//! keys of intents are worked out from the seed and the nonce kept beside the intent. But what the person withholds is,
//! with its salts: the true budget, an exact place, a contact. The ledger is the person's own disk, and the folder it
//! lies in is open to its owner alone; whoever hands it on hands those on.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Malformed, decode, encode},
    deed::{Acceptance, Confirmation, Difference},
    disclosure::Kept,
    envelope::Verified,
    frame::Refusal,
    id::{AgreementId, EntryHash, IntentId, OfferId, RecordId, digest},
    intent::{Amendment, Intent, Withdrawal},
    keys::PublicKey,
    letter::{Letter, ThreadId},
    limits,
    list::{Bytes, List},
    offer::{Decline, Offer},
    rating::Rating,
    receipt::Receipt,
    regard::Regard,
    text::{Prose, Word},
    time::Timestamp,
};

/// A record that was not taken, kept to be shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Refused {
    /// Its id.
    pub record: RecordId,
    /// The want it claims to answer.
    pub intent: Option<IntentId>,
    /// Who claims to have signed it.
    pub author: Option<PublicKey>,
    /// Why it was not taken, in a word.
    pub why: Refusal,
    /// And in more.
    pub detail: Prose,
    /// What it claims, as it came; nothing where it was too long to keep.
    pub bytes: Bytes<{ limits::FRAME_BYTES }>,
}

/// One thing that happened and must not be forgotten.
#[allow(
    clippy::large_enum_variant,
    reason = "a fact is made, applied, encoded and dropped; no two of them lie side by side"
)]
#[derive(Clone, Serialize, Deserialize, Debug)]
pub enum Fact {
    /// We cast a want; its key is of this nonce.
    Cast {
        /// What the seed needs to find the key again.
        nonce: [u8; 16],
        /// What was cast.
        intent: Verified<Intent>,
        /// What it does not say.
        kept: Kept,
        /// The want that it is said in the place of, which was over.
        renews: Option<IntentId>,
    },
    /// We said a want anew.
    Amended(Verified<Amendment>),
    /// We ended a want.
    Withdrawn(Verified<Withdrawal>),
    /// A record of ours went out to this many peers.
    Published {
        /// Which.
        record: RecordId,
        /// To how many.
        peers: u32,
    },
    /// An offer to us was verified and admitted.
    OfferTaken(Verified<Offer>),
    /// Something sent to us was not.
    NotTaken(Refused),
    /// We said no to an offer.
    Declined(Verified<Decline>),
    /// We said yes to an offer.
    Accepted(Verified<Acceptance>),
    /// The seller, or time, said no to our yes.
    AcceptanceRefused {
        /// Which offer.
        offer: OfferId,
        /// Why.
        why: Refusal,
        /// What the seller named instead of what was agreed, if that is why.
        difference: Option<Difference>,
    },
    /// Both said yes; on either side.
    Agreed {
        /// The seller's yes.
        confirmation: Verified<Confirmation>,
        /// The customer's yes, which it confirms.
        acceptance: Verified<Acceptance>,
        /// The first receipt.
        receipt: Verified<Receipt>,
    },
    /// A receipt came, or was made, for an agreement.
    Receipt(Verified<Receipt>),
    /// We heard a want that we answer.
    Heard(Verified<Intent>),
    /// We heard it said anew.
    HeardAmendment(Verified<Amendment>),
    /// We heard that it is over.
    HeardWithdrawal(Verified<Withdrawal>),
    /// We made an offer.
    Offered {
        /// What.
        offer: Verified<Offer>,
        /// Of which item.
        item: Word,
        /// Of how many, where somebody counts.
        stock: Option<u32>,
        /// Counted when.
        counted: Timestamp,
    },
    /// A record of ours reached the other side, or was refused there for good.
    Delivered {
        /// Which.
        record: RecordId,
        /// Why not taken, if it was not.
        refused: Option<Refusal>,
    },
    /// A customer said no to our offer.
    DeclineTaken(Verified<Decline>),
    /// We, as the seller, said no to a customer's yes.
    YesRefused {
        /// To which offer of ours.
        offer: OfferId,
        /// Why.
        why: Refusal,
    },
    /// The seller named something else than was agreed, after it was agreed.
    Differed {
        /// In which deal.
        agreement: AgreementId,
        /// What.
        difference: Difference,
    },
    /// What a version of a want of ours does not say; until the next of these, that holds for later versions too.
    Kept {
        /// Which want.
        intent: IntentId,
        /// Which version: the intent's own record, or an amendment.
        revision: RecordId,
        /// What.
        kept: Kept,
    },
    /// We wrote a letter.
    Wrote(Verified<Letter>),
    /// We took one in.
    Took(Verified<Letter>),
    /// We rated what was bought.
    Rated {
        /// Under which agreement.
        agreement: AgreementId,
        /// How.
        rating: Verified<Rating>,
    },
    /// We think so of a seller from now on.
    Regarded {
        /// Of whom.
        seller: PublicKey,
        /// What.
        regard: Regard,
    },
    /// A want of ours is told to these favourites before it is said to all.
    HeadStart {
        /// Which.
        intent: IntentId,
        /// When it is said to all.
        until: Timestamp,
        /// To whom it is told until then.
        favourites: List<PublicKey, { limits::FAVOURITES }>,
    },
    /// Everything up to here comes out of a backup; what was kept after that was made is lost.
    Restored {
        /// When it was made.
        made: Timestamp,
    },
    /// The other side of a conversation has shown that it holds more of it than is here.
    Doubted {
        /// Of which.
        thread: ThreadId,
    },
    /// What the other side of a conversation holds of it is here, or a person waits for that no longer.
    CaughtUp {
        /// Of which.
        thread: ThreadId,
        /// Whether a person ended the waiting.
        anyway: bool,
    },
}

/// One link of the chain.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Entry {
    /// 0, 1, 2, ...
    pub number: u64,
    /// The hash of the entry before; zeros for the first.
    pub before: EntryHash,
    /// When, by our clock.
    pub at: Timestamp,
    /// What happened.
    pub fact: Fact,
}

/// An entry as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Its place in the chain, the key it is stored under.
    pub number: u64,
    /// Its encoding.
    pub bytes: Vec<u8>,
}

/// Where the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Not an entry, or one whose records do not verify.
    #[error("ledger entry {number} cannot be read: {why}")]
    Unreadable {
        /// Which.
        number: u64,
        /// Why.
        why: Malformed,
    },
    /// An entry is missing or out of place.
    #[error("ledger entry {expected} is missing: entry {found} stands in its place")]
    Gap {
        /// Which should stand there.
        expected: u64,
        /// Which does.
        found: u64,
    },
    /// An entry that was changed after the next one was written.
    #[error("ledger entry {number} was changed: the entry after it names another hash")]
    Changed {
        /// Which.
        number: u64,
    },
}

/// The end of a chain: what the next entry builds on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Chain {
    next: u64,
    head: EntryHash,
}

impl Chain {
    /// How many entries there are.
    pub fn len(&self) -> u64 {
        self.next
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// The hash of the last entry, and so of all of them.
    pub fn head(&self) -> EntryHash {
        self.head
    }

    /// Adds a fact.
    pub fn append(&mut self, at: Timestamp, fact: Fact) -> Stored {
        let number = self.next;
        let bytes = encode(&Entry {
            number,
            before: self.head,
            at,
            fact,
        });
        self.step(&bytes);
        Stored { number, bytes }
    }

    /// Reads the entry that must come next.
    ///
    /// # Errors
    /// [`Broken`], naming the entry at which the chain no longer holds.
    pub fn follow(&mut self, bytes: &[u8]) -> Result<Entry, Broken> {
        let entry: Entry = decode(bytes).map_err(|why| Broken::Unreadable { number: self.next, why })?;
        if entry.number != self.next {
            return Err(Broken::Gap {
                expected: self.next,
                found: entry.number,
            });
        }
        if entry.before != self.head {
            return Err(Broken::Changed {
                number: self.next.saturating_sub(1),
            });
        }
        self.step(bytes);
        Ok(entry)
    }

    fn step(&mut self, bytes: &[u8]) {
        self.next += 1;
        self.head = EntryHash(digest("intentcast/1/entry", &[bytes]));
    }
}

/// Reads a whole ledger and checks every link and every signature in it.
///
/// # Errors
/// [`Broken`], naming the first entry at which the chain no longer holds.
pub fn audit<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Chain, Broken> {
    let mut chain = Chain::default();
    for bytes in entries {
        chain.follow(bytes)?;
    }
    Ok(chain)
}
