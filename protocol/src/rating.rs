//! What somebody who really bought says of a seller, without saying who they are.
//!
//! The customer makes a fresh key for the order and sends its public half; the seller, who knows that there was an
//! order, signs a ticket for it. The ticket names neither the order nor the customer, so that a rating under that key
//! shows to anybody that it is of a real customer of this seller, and to nobody but the seller which.

use serde::{Deserialize, Serialize};

use crate::{
    category::CategoryId,
    envelope::{Header, Kind, Record, Verified, open},
    fault::Fault,
    keys::PublicKey,
    limits,
    list::Bytes,
    text::Prose,
    time::Seconds,
};

/// The seller's word that this key bought something.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Ticket {
    /// The key that may rate.
    pub key: PublicKey,
    /// What kind of thing was bought, by its root: no finer, so that few orders can be told from it.
    pub category: CategoryId,
}

impl Record for Ticket {
    const KIND: Kind = Kind::Ticket;
    const MAX_BODY: usize = 128;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::DEED_LIFE;

    fn check(&self, _: &Header) -> Result<(), Fault> {
        Ok(())
    }
}

/// A rating, signed with the ticket's key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Rating {
    /// The seller's ticket.
    pub ticket: Bytes<{ limits::TICKET_BYTES }>,
    /// 1 to 5.
    pub stars: u8,
    /// In words; may be empty.
    pub text: Prose,
}

impl Record for Rating {
    const KIND: Kind = Kind::Rating;
    const MAX_BODY: usize = 2 * 1024;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::DEED_LIFE;

    fn check(&self, header: &Header) -> Result<(), Fault> {
        if !(1..=5).contains(&self.stars) {
            return Err(Fault::Invalid {
                field: "stars",
                why: "1 to 5".into(),
            });
        }
        let ticket: Verified<Ticket> = open(&self.ticket)?;
        if ticket.key != header.author {
            return Err(Fault::Invalid {
                field: "ticket",
                why: "a ticket for the key that signs".into(),
            });
        }
        Ok(())
    }
}

impl Rating {
    /// Who is rated, and what kind of thing was bought.
    ///
    /// # Errors
    /// What is wrong with the ticket; nothing, for a rating that was verified.
    pub fn of(&self) -> Result<(PublicKey, CategoryId), Fault> {
        let ticket: Verified<Ticket> = open(&self.ticket)?;
        Ok((ticket.header().author, ticket.category))
    }
}
