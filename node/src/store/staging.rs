//! A catalogue on its way in: it gathers beside the one that is sold from, batch by batch, and takes its place in one
//! step. The ledger goes on between batches, memory holds one batch, and whatever breaks off leaves all as it was.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use intentcast_protocol::{codec::encode, item::Item, time::Timestamp};
use redb::ReadableTable;

use super::{
    ITEM_BYTES, Store, StoreError,
    catalogue::{Diff, Stamp},
    tables::{ITEMS, META, META_COUNTED, META_GENERATION, STAGED},
};

/// Items that differ, up to which the catalogue is changed where it stands: 20,000 at 2 KiB are 40 MiB of memory. With
/// more, the new one takes the old one's place.
const IN_PLACE: u64 = 20_000;
/// Items that are written in one go: some milliseconds for which the ledger waits.
const BATCH: usize = 2000;

/// A catalogue that comes in.
#[derive(Debug)]
pub struct Staging {
    diff: Diff,
    from: Stamp,
    _alone: Alone,
}

/// What an import did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken {
    /// In numbers.
    pub diff: Diff,
    /// The catalogue before it.
    pub from: Stamp,
    /// Ids of what was added, changed or removed; `None` where it is much.
    pub touched: Option<Vec<String>>,
}

/// Held by the one import there is.
#[derive(Debug)]
struct Alone(Arc<AtomicBool>);

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// How an item stands to the catalogue as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Added,
    Changed,
    Unchanged,
}

impl Diff {
    fn of(&mut self, standing: Standing) -> &mut u64 {
        match standing {
            Standing::Added => &mut self.added,
            Standing::Changed => &mut self.changed,
            Standing::Unchanged => &mut self.unchanged,
        }
    }
}

impl Store {
    /// Begins to take in a catalogue. Nothing of it counts before [`Store::finish_import`]; dropping it ends it.
    ///
    /// # Errors
    /// [`StoreError::Importing`] while another one comes in.
    pub fn begin_import(&self) -> Result<Staging, StoreError> {
        if self.importing.swap(true, Ordering::Acquire) {
            return Err(StoreError::Importing);
        }
        let alone = Alone(Arc::clone(&self.importing));
        // What an earlier one left when it broke off.
        self.write(|write| {
            write.delete_table(STAGED)?;
            write.open_table(STAGED)?;
            Ok(Ok(()))
        })?;
        Ok(Staging {
            diff: Diff::default(),
            from: self.catalogue()?,
            _alone: alone,
        })
    }

    /// Adds `items` to what comes in; of two with one id the last stays.
    ///
    /// # Errors
    /// [`StoreError`]; the import cannot go on then.
    pub fn stage(&self, staging: &mut Staging, items: &[Item]) -> Result<(), StoreError> {
        for batch in items.chunks(BATCH) {
            self.stage_batch(staging, batch)?;
        }
        Ok(())
    }

    fn stage_batch(&self, staging: &mut Staging, items: &[Item]) -> Result<(), StoreError> {
        self.write(|write| {
            let now = write.open_table(ITEMS)?;
            let mut staged = write.open_table(STAGED)?;
            for item in items {
                let (id, bytes) = (item.id.as_str(), encode(item));
                if bytes.len() > ITEM_BYTES {
                    return Ok(Err(StoreError::Oversize {
                        id: id.to_owned(),
                        bytes: bytes.len(),
                    }));
                }
                let standing = match now.get(id)? {
                    None => Standing::Added,
                    Some(before) if before.value() == bytes => Standing::Unchanged,
                    Some(_) => Standing::Changed,
                };
                let kept: &[u8] = if standing == Standing::Unchanged { &[] } else { &bytes };
                let earlier = staged.insert(id, kept)?.map(|earlier| earlier.value().is_empty());
                // The second of an id takes the first one's place in the counts as well.
                match earlier {
                    None => {}
                    Some(_) if standing == Standing::Added => staging.diff.added -= 1,
                    Some(true) => staging.diff.unchanged -= 1,
                    Some(false) => staging.diff.changed -= 1,
                }
                *staging.diff.of(standing) += 1;
            }
            Ok(Ok(()))
        })
    }

    /// Makes what came in the whole catalogue, counted at `counted`: in one step, for whoever reads.
    ///
    /// # Errors
    /// [`StoreError`]; the catalogue is then as it was.
    pub fn finish_import(&self, staging: Staging, counted: Timestamp) -> Result<Taken, StoreError> {
        let Staging { mut diff, from, _alone } = staging;
        diff.removed = from.items.saturating_sub(diff.changed + diff.unchanged);
        let touched = if diff.added + diff.changed + diff.removed <= IN_PLACE {
            Some(self.change_in_place(counted)?)
        } else {
            self.complete_staged()?;
            self.take_place(counted)?;
            None
        };
        Ok(Taken { diff, from, touched })
    }

    fn change_in_place(&self, counted: Timestamp) -> Result<Vec<String>, StoreError> {
        let (put, gone) = self.read(|read| {
            let (now, staged) = (read.open_table(ITEMS)?, read.open_table(STAGED)?);
            let (mut put, mut gone) = (Vec::new(), Vec::new());
            for row in staged.range::<&str>(..)? {
                let (id, bytes) = row?;
                if !bytes.value().is_empty() {
                    put.push((id.value().to_owned(), bytes.value().to_vec()));
                }
            }
            for row in now.range::<&str>(..)? {
                let (id, _) = row?;
                if staged.get(id.value())?.is_none() {
                    gone.push(id.value().to_owned());
                }
            }
            Ok((put, gone))
        })?;
        self.write(|write| {
            let mut items = write.open_table(ITEMS)?;
            for (id, bytes) in &put {
                items.insert(id.as_str(), bytes.as_slice())?;
            }
            for id in &gone {
                items.remove(id.as_str())?;
            }
            drop(items);
            write.delete_table(STAGED)?;
            counted_anew(write, counted)?;
            Ok(Ok(()))
        })?;
        Ok(put.into_iter().map(|(id, _)| id).chain(gone).collect())
    }

    /// Writes what is unchanged beside what is not, so that the staged table is the whole catalogue.
    fn complete_staged(&self) -> Result<(), StoreError> {
        let mut last: Option<String> = None;
        loop {
            let missing = self.read(|read| {
                let staged = read.open_table(STAGED)?;
                let from = last
                    .as_deref()
                    .map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
                let mut missing = Vec::new();
                for row in staged.range::<&str>((from, std::ops::Bound::Unbounded))? {
                    let (id, bytes) = row?;
                    if bytes.value().is_empty() {
                        missing.push(id.value().to_owned());
                        if missing.len() == BATCH {
                            break;
                        }
                    }
                }
                Ok(missing)
            })?;
            let Some(end) = missing.last() else { return Ok(()) };
            last = Some(end.clone());
            self.write(|write| {
                let now = write.open_table(ITEMS)?;
                let mut staged = write.open_table(STAGED)?;
                for id in &missing {
                    if let Some(bytes) = now.get(id.as_str())? {
                        staged.insert(id.as_str(), bytes.value())?;
                    }
                }
                Ok(Ok(()))
            })?;
        }
    }

    fn take_place(&self, counted: Timestamp) -> Result<(), StoreError> {
        self.write(|write| {
            write.delete_table(ITEMS)?;
            write.rename_table(STAGED, ITEMS)?;
            counted_anew(write, counted)?;
            Ok(Ok(()))
        })
    }
}

fn counted_anew(write: &redb::WriteTransaction, counted: Timestamp) -> Result<(), redb::Error> {
    let mut meta = write.open_table(META)?;
    let generation = meta.get(META_GENERATION)?.map_or(0, |generation| generation.value());
    meta.insert(META_GENERATION, generation + 1)?;
    meta.insert(META_COUNTED, counted.0)?;
    Ok(())
}
