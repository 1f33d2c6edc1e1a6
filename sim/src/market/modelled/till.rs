//! What a seller's node finds for a want: the product's own index, and the seller's own price list.
//!
//! One index in memory holds everything that anybody could sell; what differs from shop to shop, which of it they have,
//! how many and for how much, is on the shop's list. So ten thousand shops need one index, and each search is one of
//! the real index.

use std::sync::Arc;

use intentcast_node::{index::Index, store::Store};
use intentcast_protocol::{intent::Intent, limits, market::Candidate};

use super::load::Load;
use crate::market::world::START;

/// The shops' index.
pub struct Till {
    index: Index,
}

impl std::fmt::Debug for Till {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Till")
    }
}

impl Till {
    /// Of everything that is traded.
    ///
    /// # Errors
    ///
    /// In words, where there is no memory for it.
    pub fn of(load: &Load) -> Result<Self, String> {
        let store = Arc::new(Store::in_memory().map_err(|error| error.to_string())?);
        let items = load.goods.catalogue();
        store
            .replace_catalogue(items, START)
            .map_err(|error| error.to_string())?;
        let index = Index::in_memory(store).map_err(|error| error.to_string())?;
        Ok(Self { index })
    }

    /// What a seller has that the want may mean, best first.
    pub fn search(&self, load: &Load, seller: u32, want: &Intent) -> Vec<Candidate> {
        let Some((cell, kind)) = load.goods.of_want(want) else {
            return Vec::new();
        };
        // A shop that serves another country does not stock for this one.
        if !load.cells(seller).contains(&cell) {
            return Vec::new();
        }
        let Some((model, price)) = load.has(seller, cell, kind) else {
            return Vec::new();
        };
        let own = load.goods.item_of(cell, kind, model, price, load.market.pieces);
        let found = self.index.search(want, limits::CANDIDATES).unwrap_or_default();
        let of_own = found.into_iter().filter(|candidate| candidate.item.id == own.id);
        of_own
            .map(|_| Candidate {
                item: own.clone(),
                counted: START,
            })
            .collect()
    }
}
