//! Ways to break a market on purpose, so that stories can see it caught.

use intentcast_protocol::{
    codec::decode,
    ledger::{Entry, Fact, Stored},
};

use super::Resident;

/// What every node of a run does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// Customers say that they would pay twice of what they have.
    Spend,
    /// Disks lose what makes a deal, and say that they have it.
    LoseDeals,
    /// Disks lose the offers that they have taken in, and say that they have them.
    LoseOffers,
    /// Nobody passes anything on, and no seller listens.
    Deaf,
}

impl Resident {
    pub(super) fn is_sabotaged(&self, how: Sabotage) -> bool {
        self.stage.sabotage == Some(how)
    }

    /// Whether the disk does not keep this.
    pub(super) fn loses(&self, entry: &Stored) -> bool {
        let Ok(Entry { fact, .. }) = decode::<Entry>(&entry.bytes) else {
            return false;
        };
        match fact {
            Fact::Agreed { .. } => self.is_sabotaged(Sabotage::LoseDeals),
            Fact::OfferTaken(_) => self.is_sabotaged(Sabotage::LoseOffers),
            _ => false,
        }
    }
}
