//! What a customer keeps in its cart beside the ledger: wishes, by name, and which offers it saved.

use std::collections::BTreeMap;

use intentcast_protocol::{id::OfferId, text::Word, time::Timestamp};
use redb::{ReadableTable, ReadableTableMetadata, TableError};

use super::{
    Store, StoreError,
    tables::{SAVED, WISHES},
};

/// Wishes, and as many saved offers, that a cart holds: what a person can look through.
pub const CART: u64 = 1000;

impl Store {
    /// Every wish as it was given, by its name.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a name is none.
    pub fn wishes(&self) -> Result<BTreeMap<Word, Vec<u8>>, StoreError> {
        let rows = self.read(|read| {
            // A store of an earlier version has no such table until something is kept.
            let table = match read.open_table(WISHES) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            table
                .iter()?
                .map(|row| row.map(|(name, bytes)| (name.value().to_owned(), bytes.value().to_vec())))
                .collect::<Result<Vec<_>, _>>()
                .map_err(redb::Error::from)
        })?;
        rows.into_iter()
            .map(|(name, bytes)| match Word::new(&name) {
                Ok(word) => Ok((word, bytes)),
                Err(why) => Err(self.damaged_cart(&format!("wish {name:?}: {why}"))),
            })
            .collect()
    }

    /// Keeps a wish, in the place of one of the same name; says whether there was one.
    ///
    /// # Errors
    /// [`StoreError::CartFull`] where [`CART`] are kept already.
    pub fn keep_wish(&self, name: &Word, wish: &[u8]) -> Result<bool, StoreError> {
        self.write(|write| {
            let mut table = write.open_table(WISHES)?;
            let replaced = table.insert(name.as_str(), wish)?.is_some();
            if table.len()? > CART {
                return Ok(Err(StoreError::CartFull(CART)));
            }
            Ok(Ok(replaced))
        })
    }

    /// Forgets a wish; says whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_wish(&self, name: &str) -> Result<bool, StoreError> {
        self.write(|write| {
            let was = write.open_table(WISHES)?.remove(name)?.is_some();
            Ok(Ok(was))
        })
    }

    /// The offers that were saved, and when.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where what stands there is no id.
    pub fn saved_offers(&self) -> Result<BTreeMap<OfferId, Timestamp>, StoreError> {
        let rows = self.read(|read| {
            let table = match read.open_table(SAVED) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            table
                .iter()?
                .map(|row| row.map(|(id, at)| (id.value().to_vec(), Timestamp(at.value()))))
                .collect::<Result<Vec<_>, _>>()
                .map_err(redb::Error::from)
        })?;
        rows.into_iter()
            .map(|(id, at)| match <[u8; 32]>::try_from(id) {
                Ok(id) => Ok((OfferId(id), at)),
                Err(_) => Err(self.damaged_cart("a saved offer has no id")),
            })
            .collect()
    }

    /// Saves an offer; says whether it was saved before, which it then stays since when it was.
    ///
    /// # Errors
    /// [`StoreError::CartFull`] where [`CART`] are saved already.
    pub fn save_offer(&self, offer: OfferId, at: Timestamp) -> Result<bool, StoreError> {
        self.write(|write| {
            let mut table = write.open_table(SAVED)?;
            if table.get(offer.0.as_slice())?.is_some() {
                return Ok(Ok(true));
            }
            table.insert(offer.0.as_slice(), at.0)?;
            if table.len()? > CART {
                return Ok(Err(StoreError::CartFull(CART)));
            }
            Ok(Ok(false))
        })
    }

    /// Saves an offer no more; says whether it was saved.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_offer(&self, offer: OfferId) -> Result<bool, StoreError> {
        self.write(|write| {
            let was = write.open_table(SAVED)?.remove(offer.0.as_slice())?.is_some();
            Ok(Ok(was))
        })
    }

    fn damaged_cart(&self, why: &str) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            why: why.to_owned(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn what_is_in_the_cart_stays_there_until_it_is_taken_out() {
        let dir = tempfile::tempdir().unwrap();
        let (name, offer) = (Word::new("a bike").unwrap(), OfferId([7; 32]));
        let store = Store::open(dir.path()).unwrap();
        assert!(store.wishes().unwrap().is_empty(), "a store of before has none");
        assert!(store.saved_offers().unwrap().is_empty());
        assert!(!store.forget_wish("a bike").unwrap());
        assert!(!store.forget_offer(offer).unwrap());
        assert!(!store.keep_wish(&name, b"red").unwrap());
        assert!(store.keep_wish(&name, b"blue").unwrap());
        assert!(!store.save_offer(offer, AT).unwrap());
        assert!(store.save_offer(offer, Timestamp(0)).unwrap());
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.wishes().unwrap(), [(name, b"blue".to_vec())].into());
        assert_eq!(store.saved_offers().unwrap(), [(offer, AT)].into());
        assert!(store.forget_wish("a bike").unwrap());
        assert!(store.forget_offer(offer).unwrap());
        assert!(store.wishes().unwrap().is_empty() && store.saved_offers().unwrap().is_empty());
    }

    #[test]
    fn a_cart_holds_what_a_person_can_look_through() {
        let store = Store::in_memory().unwrap();
        store
            .write(|write| {
                let (mut wishes, mut saved) = (write.open_table(WISHES)?, write.open_table(SAVED)?);
                for n in 0..CART {
                    wishes.insert(n.to_string().as_str(), b"".as_slice())?;
                    let mut id = [0; 32];
                    id[..8].copy_from_slice(&n.to_be_bytes());
                    saved.insert(id.as_slice(), n)?;
                }
                Ok(Ok(()))
            })
            .unwrap();
        let one_more = store.keep_wish(&Word::new("one more").unwrap(), b"");
        assert!(matches!(one_more, Err(StoreError::CartFull(CART))));
        assert!(matches!(
            store.save_offer(OfferId([9; 32]), AT),
            Err(StoreError::CartFull(CART))
        ));
        assert_eq!(store.wishes().unwrap().len() as u64, CART);
        assert_eq!(store.saved_offers().unwrap().len() as u64, CART);
    }
}
