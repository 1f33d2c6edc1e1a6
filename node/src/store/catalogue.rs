//! The seller's items, replaced whole by each import.

use intentcast_protocol::{codec::decode, item::Item, time::Timestamp};
use redb::ReadableTableMetadata;

use super::{
    Store, StoreError,
    tables::{ITEMS, META, META_COUNTED, META_GENERATION},
};

/// Items that [`Store::replace_catalogue`] hands over at once.
const BATCH: usize = 1000;

/// What an import did to the catalogue, counted in items.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Diff {
    /// Not there before.
    pub added: u64,
    /// There before, and different now.
    pub changed: u64,
    /// There before, and gone.
    pub removed: u64,
    /// As before.
    pub unchanged: u64,
}

/// Which catalogue this is: two of the same store are equal if and only if their stamps are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stamp {
    /// How often it was replaced.
    pub generation: u64,
    /// When its stock was counted; zero where nothing was ever imported.
    pub counted: Timestamp,
    /// How many items it has.
    pub items: u64,
}

impl Store {
    /// Makes `items` the whole catalogue, counted at `counted`; of two with one id the last stays.
    ///
    /// # Errors
    /// [`StoreError`]; the catalogue is then as it was.
    pub fn replace_catalogue(
        &self,
        items: impl IntoIterator<Item = Item>,
        counted: Timestamp,
    ) -> Result<Diff, StoreError> {
        let mut staging = self.begin_import()?;
        let mut batch = Vec::new();
        for item in items {
            batch.push(item);
            if batch.len() == BATCH {
                self.stage(&mut staging, &batch)?;
                batch.clear();
            }
        }
        self.stage(&mut staging, &batch)?;
        Ok(self.finish_import(staging, counted)?.diff)
    }

    /// The item of this id.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where what stands there is no item.
    pub fn item(&self, id: &str) -> Result<Option<Item>, StoreError> {
        let bytes = self.read(|read| Ok(read.open_table(ITEMS)?.get(id)?.map(|bytes| bytes.value().to_vec())))?;
        bytes.map(|bytes| self.decoded(id, &bytes)).transpose()
    }

    /// The items of these ids that there are, in the order of the ids: one look into the catalogue, so that they are
    /// all of one import.
    ///
    /// # Errors
    /// As [`Store::item`].
    pub fn items(&self, ids: &[String]) -> Result<Vec<Option<Item>>, StoreError> {
        let found = self.read(|read| {
            let table = read.open_table(ITEMS)?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.push(table.get(id.as_str())?.map(|bytes| bytes.value().to_vec()));
            }
            Ok(found)
        })?;
        ids.iter()
            .zip(found)
            .map(|(id, bytes)| bytes.map(|bytes| self.decoded(id, &bytes)).transpose())
            .collect()
    }

    /// Shows each item to `see`, in the order of ids, and says which catalogue they are.
    ///
    /// # Errors
    /// [`StoreError`] of the store, or whatever `see` ends it with.
    pub fn for_each_item<E: From<StoreError>>(&self, mut see: impl FnMut(Item) -> Result<(), E>) -> Result<Stamp, E> {
        let (stamp, range) = self.read(|read| Ok((stamp(read)?, read.open_table(ITEMS)?.range_owned::<&str>(..)?)))?;
        for row in range {
            let (id, bytes) = row.map_err(|error| StoreError::redb(&self.path, error))?;
            see(self.decoded(id.value(), bytes.value())?)?;
        }
        Ok(stamp)
    }

    /// Which catalogue this is.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read.
    pub fn catalogue(&self) -> Result<Stamp, StoreError> {
        self.read(stamp)
    }

    /// When the stock was counted; zero where nothing was ever imported.
    ///
    /// # Errors
    /// As [`Store::catalogue`].
    pub fn counted(&self) -> Result<Timestamp, StoreError> {
        Ok(self.catalogue()?.counted)
    }

    fn decoded(&self, id: &str, bytes: &[u8]) -> Result<Item, StoreError> {
        decode(bytes).map_err(|why| StoreError::Damaged {
            path: self.path.clone(),
            why: format!("item {id:?}: {why}"),
        })
    }
}

fn stamp(read: &redb::ReadTransaction) -> Result<Stamp, redb::Error> {
    let meta = read.open_table(META)?;
    let number = |word| Ok::<_, redb::Error>(meta.get(word)?.map_or(0, |number| number.value()));
    Ok(Stamp {
        generation: number(META_GENERATION)?,
        counted: Timestamp(number(META_COUNTED)?),
        items: read.open_table(ITEMS)?.len()?,
    })
}
