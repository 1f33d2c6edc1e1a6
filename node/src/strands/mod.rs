//! What a seller holds of people: the one-time secrets that open granted values, each in a file of its own, and the log
//! of every use.
//!
//! A value is opened when it is used and kept nowhere: to delete a strand is to destroy its secret, and the sealed bytes
//! that stay in both ledgers say nothing to anybody then. It refuses to hand out a value for anything but the grant.
//!
//! Secrets lie in files and not in the database, which keeps what was deleted in its free pages for a while. A file is
//! written over before it is removed; a disk that writes elsewhere, a snapshot or a backup may still have it. Whoever
//! runs a node sees to it that there is none, or that it dies in time.

pub mod compliance;
mod desk;
pub mod holding;
mod keeper;
mod log;
pub mod policy;
mod telling;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use intentcast_protocol::{
    id::hex,
    seal::{OneTime, SealKey},
    time::Timestamp,
};
use zeroize::Zeroizing;

pub(crate) use self::desk::say;
pub use self::{
    desk::{Ask, Desk, DeskError, Take},
    holding::{Holding, State},
    keeper::keep,
    log::{Broken, Deed, Line},
};
use crate::home::{entropy, write_secret};

const DIR: &str = "strands";
const KEYS: &str = "keys";
const LOG: &str = "uses.jsonl";

/// The seller's own store.
#[derive(Debug)]
pub struct Strands {
    dir: PathBuf,
    log: Mutex<log::Log>,
}

impl Strands {
    /// Opens the one in this home, which is made where there is none.
    ///
    /// # Errors
    /// Where the folder cannot be read or written.
    pub fn open(home: &Path) -> Result<Self> {
        let dir = home.join(DIR);
        let keys = dir.join(KEYS);
        let at = || format!("cannot use {}", dir.display());
        fs::create_dir_all(&keys).with_context(at)?;
        // A secret of which nobody was told: the power went while it was written.
        for entry in fs::read_dir(&keys).with_context(at)? {
            let path = entry.with_context(at)?.path();
            if path.extension().is_some_and(|ending| ending == "new") {
                shred(&path).with_context(at)?;
            }
        }
        let log = log::Log::open(&dir.join(LOG)).with_context(at)?;
        Ok(Self {
            dir,
            log: Mutex::new(log),
        })
    }

    fn file(&self, key: &[u8; 32]) -> PathBuf {
        self.dir.join(KEYS).join(hex(key))
    }

    /// A key pair for one request: the secret is on disk when this returns.
    ///
    /// # Errors
    /// Where the folder cannot be written, or the system has no random bytes.
    pub fn new_key(&self) -> Result<SealKey> {
        let secret = OneTime::new(*Zeroizing::new(entropy::<32>()?));
        let key = secret.public();
        write_secret(&self.file(&key.0), &*secret.bytes())?;
        Ok(key)
    }

    /// Whether the secret of this key is still here.
    pub fn has(&self, key: &[u8; 32]) -> bool {
        self.file(key).exists()
    }

    /// The secret of this key, if it is still here.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn secret(&self, key: &[u8; 32]) -> Result<Option<OneTime>> {
        let file = self.file(key);
        let bytes = match fs::read(&file) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(why).with_context(|| format!("cannot read {}", file.display())),
        };
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).ok();
        let bytes = bytes.with_context(|| format!("{} is damaged", file.display()))?;
        Ok(Some(OneTime::new(bytes)))
    }

    /// Destroys the secret of this key; says whether it was there.
    ///
    /// # Errors
    /// Where it cannot be removed: then it is as good as there.
    pub fn destroy(&self, key: &[u8; 32]) -> Result<bool> {
        let file = self.file(key);
        if !file.exists() {
            return Ok(false);
        }
        shred(&file).with_context(|| format!("cannot destroy {}", file.display()))?;
        Ok(true)
    }

    /// Every key whose secret is here.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn keys(&self) -> Result<Vec<[u8; 32]>> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(self.dir.join(KEYS))? {
            let name = entry?.file_name();
            let key = name.to_str().and_then(intentcast_protocol::id::unhex);
            keys.extend(key.and_then(|key| <[u8; 32]>::try_from(key).ok()));
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Writes a deed down; it is on disk when this returns.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn note(&self, at: Timestamp, deed: Deed) -> Result<()> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.append(at, deed).context("the log of uses cannot be written")
    }

    /// Every line of the log, and where its chain breaks if it does.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn lines(&self) -> Result<(Vec<Line>, Option<Broken>)> {
        // Nobody reads half a line.
        let _log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log::read(&self.dir.join(LOG)).context("the log of uses cannot be read")
    }
}

/// Writes over a file, and removes it; the folder knows when this returns.
fn shred(file: &Path) -> io::Result<()> {
    let length = fs::metadata(file)?.len();
    let mut open = fs::OpenOptions::new().write(true).open(file)?;
    open.write_all(&vec![0; usize::try_from(length).unwrap_or_default()])?;
    open.sync_all()?;
    drop(open);
    fs::remove_file(file)?;
    if let Some(dir) = file.parent() {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
