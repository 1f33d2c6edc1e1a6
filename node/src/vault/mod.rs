//! The vault: where strands of personal data rest, encrypted, until a grant lets one of them go.
//!
//! One file in the node's folder, `vault`, written whole and put in its place at once. The key is worked out of a
//! passphrase or a key file by Argon2id, and kept in memory only while the vault is open. Values are checked against
//! their strand's form before they are kept; what they were before is not kept. Nothing here logs a name or a value.
//!
//! It does not protect against who can read this process's memory while the vault is open, and an older copy of the
//! file opens with the passphrase that it was written under.

mod body;
pub(crate) mod file;
mod keeper;

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use intentcast_protocol::{
    id::RecordId,
    strand::{self, AliasSecret, NoAlias, NotSo, StrandName, UnknownStrand},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::{
    body::Strands,
    file::{Header, Lock, VAULT},
};
pub use self::{
    file::{Cost, Opener, OpensWith},
    keeper::{Config, Keeper, Status},
};
use crate::home::{entropy, only_ours, write_secret};

/// The file in the node's folder.
pub const FILE: &str = "vault";
/// Strands that a vault holds: the whole vocabulary five times over, at most 1 MiB.
pub const STRANDS: usize = 500;

/// Why the vault does not do what was asked. None of these says a value or a passphrase.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum VaultError {
    /// There is none yet.
    #[error("there is no vault yet: `intentcast vault set NAME` makes one")]
    None,
    /// There is one already.
    #[error("there is a vault already")]
    Exists,
    /// It is locked.
    #[error("the vault is locked: `intentcast vault unlock` opens it")]
    Locked,
    /// It opens with another passphrase or key file.
    #[error("the {0} does not open the vault")]
    Wrong(OpensWith),
    /// A passphrase was given where a key file is needed, or the other way round.
    #[error("the vault opens with a {0}")]
    OtherKind(OpensWith),
    /// Too short to be a secret.
    #[error("{0}")]
    Weak(&'static str),
    /// The file is not as it was written.
    #[error("the vault's file is damaged: {0}. Put back a copy of it")]
    Damaged(&'static str),
    /// More strands than it holds.
    #[error("the vault holds {STRANDS} strands, and no more")]
    Full,
    /// No strand of that name.
    #[error(transparent)]
    Unknown(#[from] UnknownStrand),
    /// The value is not what the strand holds.
    #[error("{0}")]
    NotSo(#[from] NotSo),
    /// The folder does not do what is asked of it, or the system has no random bytes.
    #[error("{0}")]
    Home(String),
}

impl From<anyhow::Error> for VaultError {
    fn from(why: anyhow::Error) -> Self {
        Self::Home(format!("{why:#}"))
    }
}

/// A text that is nobody else's business: it shows itself only to whoever takes it out, and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub Zeroizing<String>);

impl std::str::FromStr for Hidden {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Serialize for Hidden {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Zeroizing::new(String::deserialize(deserializer)?)))
    }
}

/// A value and when it was set.
#[derive(Clone, PartialEq, Eq)]
struct Kept {
    value: Zeroizing<String>,
    at: Timestamp,
}

/// A strand that a vault holds, without its value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Held {
    /// Its name.
    pub name: StrandName,
    /// What it is, in words.
    pub title: String,
    /// How much it says of who it is about.
    pub sensitivity: strand::Sensitivity,
    /// When its value was set.
    pub at: Timestamp,
}

/// An open vault.
pub struct Vault {
    file: PathBuf,
    lock: Lock,
    secret: AliasSecret,
    strands: Strands,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({} strands)", self.strands.len())
    }
}

impl Vault {
    /// Makes an empty vault in the node's folder.
    ///
    /// # Errors
    /// [`VaultError::Exists`], [`VaultError::Weak`], or where the folder cannot be written.
    pub fn make(home: &Path, opener: &Opener, cost: Cost) -> Result<Self, VaultError> {
        opener.is_enough()?;
        let file = home.join(FILE);
        if file.try_exists().map_err(|why| unreadable(&file, &why))? {
            return Err(VaultError::Exists);
        }
        let vault = Self {
            file,
            lock: Lock::new(&VAULT, opener, cost, entropy()?)?,
            secret: AliasSecret::new(entropy()?),
            strands: Strands::new(),
        };
        vault.save()?;
        Ok(vault)
    }

    /// Opens the one in the node's folder.
    ///
    /// # Errors
    /// [`VaultError::None`], [`VaultError::Wrong`], [`VaultError::OtherKind`] or [`VaultError::Damaged`].
    pub fn open(home: &Path, opener: &Opener) -> Result<Self, VaultError> {
        let file = home.join(FILE);
        only_ours_if_there(&file)?;
        let (lock, plain) = Lock::open(&VAULT, &read(&file)?, opener)?;
        let (secret, strands) = body::read(&plain)?;
        Ok(Self {
            file,
            lock,
            secret,
            strands,
        })
    }

    /// The value of a strand.
    pub fn get(&self, name: &StrandName) -> Option<Zeroizing<String>> {
        self.strands.get(name).map(|kept| kept.value.clone())
    }

    /// The value that one grant alone is given: an alias, where the strand allows one.
    ///
    /// # Errors
    /// [`NoAlias`] where the strand allows one and the address can take none.
    pub fn alias(&self, name: &StrandName, grant: &RecordId) -> Result<Option<Zeroizing<String>>, NoAlias> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if !name.strand().is_some_and(|strand| strand.alias) {
            return Ok(Some(value));
        }
        let alias = strand::alias(&value, grant, &self.secret)?;
        Ok(Some(Zeroizing::new(alias)))
    }

    /// The one of `grants` that an address was given to.
    pub fn grant_of<'a>(&self, address: &str, grants: impl IntoIterator<Item = &'a RecordId>) -> Option<&'a RecordId> {
        strand::grant_of(address, grants, &self.secret)
    }

    /// What it holds, by name.
    pub fn held(&self) -> Vec<Held> {
        let held = self.strands.iter().map(|(name, kept)| Held {
            name: name.clone(),
            title: name.title().to_owned(),
            sensitivity: name.sensitivity(),
            at: kept.at,
        });
        held.collect()
    }

    /// Keeps what was typed as the strand's value, in the spelling that is kept; says whether it had one before.
    ///
    /// # Errors
    /// [`VaultError::NotSo`], [`VaultError::Full`], or where the folder cannot be written: then all is as it was.
    pub fn set(&mut self, now: Timestamp, name: &StrandName, typed: &str) -> Result<bool, VaultError> {
        // A name by its form alone may be newer than we are, or a slip.
        let name = strand::resolve(name.as_str())?;
        let value = name.form().read(typed)?;
        if self.strands.len() >= STRANDS && !self.strands.contains_key(&name) {
            return Err(VaultError::Full);
        }
        let before = self.strands.insert(name.clone(), Kept { value, at: now });
        if let Err(why) = self.save() {
            self.put_back(&name, before);
            return Err(why);
        }
        Ok(before.is_some())
    }

    /// Forgets a strand; says whether there was one.
    ///
    /// # Errors
    /// Where the folder cannot be written: then all is as it was.
    pub fn remove(&mut self, name: &StrandName) -> Result<bool, VaultError> {
        let before = self.strands.remove(name);
        if before.is_none() {
            return Ok(false);
        }
        if let Err(why) = self.save() {
            self.put_back(name, before);
            return Err(why);
        }
        Ok(true)
    }

    /// Opens with `to` from now on, and no more with what opened it so far.
    ///
    /// # Errors
    /// [`VaultError::Weak`], or where the folder cannot be written: then it opens as before.
    pub fn open_with(&mut self, to: &Opener) -> Result<(), VaultError> {
        to.is_enough()?;
        let lock = Lock::new(&VAULT, to, self.lock.cost(), entropy()?)?;
        let before = std::mem::replace(&mut self.lock, lock);
        self.save().inspect_err(|_| self.lock = before)
    }

    fn put_back(&mut self, name: &StrandName, before: Option<Kept>) {
        match before {
            Some(kept) => drop(self.strands.insert(name.clone(), kept)),
            None => drop(self.strands.remove(name)),
        }
    }

    fn save(&self) -> Result<(), VaultError> {
        let plain = body::write(&self.secret, &self.strands);
        write_secret(&self.file, &self.lock.close(&entropy()?, &plain))?;
        Ok(())
    }
}

/// What opens the vault in this folder; `None` where there is none.
fn opens_with(home: &Path) -> Result<Option<OpensWith>, VaultError> {
    match read(&home.join(FILE)) {
        Ok(bytes) => Header::of(&VAULT, &bytes).map(|header| Some(header.opens_with)),
        Err(VaultError::None) => Ok(None),
        Err(why) => Err(why),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, VaultError> {
    let open = match fs::File::open(file) {
        Ok(open) => open,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Err(VaultError::None),
        Err(why) => return Err(unreadable(file, &why)),
    };
    let mut bytes = Vec::new();
    open.take(VAULT.bytes as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|why| unreadable(file, &why))?;
    Ok(bytes)
}

fn only_ours_if_there(file: &Path) -> Result<(), VaultError> {
    match file.try_exists() {
        Ok(true) => Ok(only_ours(file)?),
        _ => Ok(()),
    }
}

fn unreadable(file: &Path, why: &io::Error) -> VaultError {
    VaultError::Home(format!("cannot read {}: {why}", file.display()))
}

#[cfg(test)]
mod tests;
