//! What a node keeps: the ledger's entries, the seller's catalogue and what it waits for, the customer's cart, in one
//! file of redb.
//!
//! It holds bytes and order, and refuses to judge them: whether the chain of entries holds is for `protocol::ledger`.
//! A call that returns has its work on the disk; one that fails has done none of it.

mod archive;
mod cart;
mod catalogue;
mod error;
mod interests;
mod staging;
mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, atomic::AtomicBool},
};

use intentcast_protocol::{ledger::Stored, limits};
use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, WriteTransaction,
};

use self::tables::{ITEMS, LEDGER, META, META_SCHEMA, SCHEMA};
pub use self::{
    archive::{ARCHIVED, Fate},
    catalogue::{Diff, Stamp},
    error::StoreError,
    staging::{Staging, Taken},
};

/// The one file of the store, in the node's folder.
pub const FILE: &str = "node.redb";

/// Bytes of pages held in memory. redb would take a gigabyte; a ledger is read once and a catalogue by single items.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of entries in one page of the ledger at least, where there are so many.
const PAGE_BYTES: usize = 512 * 1024;

/// The longest item, bytes: what the codec reads back.
pub const ITEM_BYTES: usize = 4 * limits::FRAME_BYTES;

/// The store, open. One process has it at a time; its threads may share it.
#[derive(Debug)]
pub struct Store {
    /// Gone after a write that the system failed, until the next use opens it anew.
    db: RwLock<Option<Database>>,
    path: PathBuf,
    in_memory: bool,
    /// Whether a catalogue is coming in: one at a time.
    importing: Arc<AtomicBool>,
}

impl Store {
    /// Opens the store in `dir`, which it makes where there is none, and checks every page of it.
    ///
    /// # Errors
    /// [`StoreError`]; the folder is then as it was.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let dir = dir.as_ref();
        fs::create_dir_all(dir).map_err(|error| StoreError::io(dir, &error))?;
        let path = dir.join(FILE);
        let db = RwLock::new(Some(file(&path)?));
        Self::of(db, path, false).prepared()
    }

    /// A store that is gone with its last use: for the simulator, and for trying.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] where there is no memory for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::over(redb::backends::InMemoryBackend::new())
    }

    fn over(backend: impl redb::StorageBackend) -> Result<Self, StoreError> {
        let path = PathBuf::from("a store in memory");
        let db = builder()
            .create_with_backend(backend)
            .map_err(|error| StoreError::redb(&path, error))?;
        let db = RwLock::new(Some(db));
        Self::of(db, path, true).prepared()
    }

    fn of(db: RwLock<Option<Database>>, path: PathBuf, in_memory: bool) -> Self {
        Self {
            db,
            path,
            in_memory,
            importing: Arc::default(),
        }
    }

    /// Makes the tables of a new store and refuses one of a later form.
    fn prepared(self) -> Result<Self, StoreError> {
        let found = self.read(|read| match read.open_table(META) {
            Ok(meta) => Ok(meta.get(META_SCHEMA)?.map(|schema| schema.value())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        })?;
        match found {
            Some(SCHEMA) => Ok(self),
            Some(found) if found > SCHEMA => Err(StoreError::Newer { found, known: SCHEMA }),
            // There is no earlier form yet: whatever else stands there was not written by a node.
            Some(found) => Err(StoreError::Damaged {
                path: self.path.clone(),
                why: format!("it says that it has form {found}"),
            }),
            None => {
                self.write(|write| {
                    write.open_table(META)?.insert(META_SCHEMA, SCHEMA)?;
                    write.open_table(LEDGER)?;
                    write.open_table(ITEMS)?;
                    Ok(Ok(()))
                })?;
                Ok(self)
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `entries`, all of them or none; they are on the disk when it returns.
    ///
    /// # Errors
    /// [`StoreError::Gap`] or [`StoreError::Taken`] where they do not follow the last entry one by one.
    pub fn append(&self, entries: &[Stored]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.write(|write| {
            let mut ledger = write.open_table(LEDGER)?;
            let next = ledger.last()?.map_or(0, |(number, _)| number.value() + 1);
            for (expected, entry) in (next..).zip(entries) {
                let given = entry.number;
                if given < expected {
                    return Ok(Err(StoreError::Taken(given)));
                }
                if given > expected {
                    return Ok(Err(StoreError::Gap { expected, given }));
                }
                ledger.insert(entry.number, entry.bytes.as_slice())?;
            }
            Ok(Ok(()))
        })
    }

    /// How many entries there are.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read.
    pub fn entry_count(&self) -> Result<u64, StoreError> {
        self.read(|read| Ok(read.open_table(LEDGER)?.len()?))
    }

    /// The entries from number `from` on, as they were when it was called, first to last, one at a time.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read, also from the iterator.
    pub fn entries(&self, from: u64) -> Result<impl Iterator<Item = Result<Stored, StoreError>>, StoreError> {
        let range = self.read(|read| Ok(read.open_table(LEDGER)?.range_owned(from..)?))?;
        let path = self.path.clone();
        Ok(range.map(move |entry| match entry {
            Ok((number, bytes)) => Ok(Stored {
                number: number.value(),
                bytes: bytes.value().to_vec(),
            }),
            Err(error) => Err(StoreError::redb(&path, error)),
        }))
    }

    /// The entries from number `from` on, no more of them than one answer holds; none after the last.
    ///
    /// # Errors
    /// As [`Store::entries`].
    pub fn entries_page(&self, from: u64) -> Result<Vec<Stored>, StoreError> {
        let (mut page, mut size) = (Vec::new(), 0);
        for entry in self.entries(from)? {
            let entry = entry?;
            size += entry.bytes.len();
            page.push(entry);
            if size >= PAGE_BYTES {
                break;
            }
        }
        Ok(page)
    }

    fn read<T>(&self, ask: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        self.with(|db| ask(&db.begin_read()?))
    }

    /// One transaction: kept where `change` succeeds, undone where it fails in either way.
    fn write<T>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<Result<T, StoreError>, redb::Error>,
    ) -> Result<T, StoreError> {
        self.with(|db| {
            let mut write = db.begin_write()?;
            // A torn page must never pass for a commit, and a start after a crash must not read the whole file.
            write.set_two_phase_commit(true);
            write.set_quick_repair(true);
            match change(&write)? {
                Ok(done) => {
                    write.commit()?;
                    Ok(Ok(done))
                }
                Err(refused) => {
                    write.abort()?;
                    Ok(Err(refused))
                }
            }
        })?
    }

    /// Does `work` on the file, which is opened anew where the system failed it before: what was full may have room.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let is_open = self.db.read().unwrap_or_else(PoisonError::into_inner).is_some();
        if !is_open {
            let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
            if db.is_none() {
                *db = Some(file(&self.path)?);
            }
        }
        let result = match &*self.db.read().unwrap_or_else(PoisonError::into_inner) {
            Some(db) => work(db),
            // Somebody else's work failed just now.
            None => Err(redb::Error::PreviousIo),
        };
        result.map_err(|error| {
            // redb takes no more writes through a file that failed it once.
            if matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo) && !self.in_memory {
                *self.db.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
            StoreError::redb(&self.path, error)
        })
    }
}

/// The file, open and checked.
fn file(path: &Path) -> Result<Database, StoreError> {
    // A damaged file has to be an error here, not a panic at the first read of a bad page.
    let opened = builder().set_check_integrity_on_open(true).create(path);
    opened.map_err(|error| StoreError::redb(path, error))
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
