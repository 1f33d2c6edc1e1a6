//! What a party asks that goes on from an older copy of its records: everything of a conversation that it lacks.
//!
//! The other side of a conversation holds both sides' letters, and both hold a deal's receipts. So whoever lost its own
//! has them back from there, every one signed, and need not believe a word.

use serde::{Deserialize, Serialize};

use crate::{
    envelope::{Header, Kind, Record},
    fault::Fault,
    id::RecordId,
    letter::ThreadId,
    limits,
    time::Seconds,
};

/// A party's question to the other: what have we said to each other beyond this? Signed with the key that its author
/// writes its letters in the thread with, and short-lived.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Recall {
    /// In which conversation.
    pub thread: ThreadId,
    /// How many letters of the customer the author holds.
    pub customer: u32,
    /// How many of the seller.
    pub seller: u32,
    /// How many receipts of the deal, the first among them; none where it holds no deal.
    pub receipts: u32,
    /// The number of the newest amendment of the want that it holds; 0 for none.
    pub amended: u32,
    /// The last record of the page before; none for the first page.
    pub after: Option<RecordId>,
}

impl Record for Recall {
    const KIND: Kind = Kind::Recall;
    const MAX_BODY: usize = 128;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::INQUIRY_LIFE;

    fn check(&self, _: &Header) -> Result<(), Fault> {
        Ok(())
    }
}
