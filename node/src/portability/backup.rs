//! One encrypted file from which a node goes on elsewhere, and a folder made of one.
//!
//! The file is locked as a vault is: Argon2id over a passphrase or a key file, XChaCha20-Poly1305 over all of it at once,
//! so that not a byte of it comes out unless all of them are as they were. It is held in memory whole, about three times
//! over, and so it has a bound. It refuses to write into a folder that has anything in it, and leaves a folder that is
//! whole or none.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use intentcast_protocol::{
    ledger::{self, Fact},
    time::Timestamp,
};
use zeroize::Zeroizing;

pub use super::parts::About;
use super::{
    access::Access,
    archive,
    parts::{FILES, FOLDERS, Parts, is_ours},
};
use crate::{
    config::Config,
    home::{entropy, write_secret},
    store::Store,
    vault::{
        Cost, Opener, OpensWith, VaultError,
        file::{Form, Header, Lock},
    },
};

/// A ledger of 64 MiB is a lifetime's; four of them, so that a busy seller's fits too.
const BYTES: usize = 256 * 1024 * 1024;
/// Entries that are written at once.
const AT_ONCE: usize = 1000;

static BACKUP: Form = Form {
    magic: *b"icbackp\x01",
    bytes: BYTES,
    other: "it is no backup of ours",
    too_long: "it is larger than any backup of ours",
};

/// Why a backup does not open. None of these says a passphrase.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BackupError {
    /// It opens with another passphrase or key file.
    #[error("the {0} does not open the backup")]
    Wrong(OpensWith),
    /// A passphrase was given where a key file is needed, or the other way round.
    #[error("the backup opens with a {0}")]
    OtherKind(OpensWith),
    /// Too short to be a secret.
    #[error("{0}")]
    Weak(&'static str),
    /// The file is not as it was written.
    #[error("the backup is damaged: {0}; nothing was restored")]
    Damaged(String),
    /// There is something where the node should go.
    #[error("{} is not empty: a backup is restored into a new or empty folder; name one with --home", .0.display())]
    Used(PathBuf),
    /// More than a backup holds.
    #[error("this node has {0} MiB to back up, and a backup holds {most} at most", most = BYTES / 1024 / 1024)]
    TooLarge(usize),
    /// The passphrase could not be worked on.
    #[error("{0}")]
    Home(String),
}

impl From<VaultError> for BackupError {
    fn from(why: VaultError) -> Self {
        match why {
            VaultError::Wrong(kind) => Self::Wrong(kind),
            VaultError::OtherKind(kind) => Self::OtherKind(kind),
            VaultError::Weak(why) => Self::Weak(why),
            VaultError::Damaged(why) => Self::Damaged(why.into()),
            why => Self::Home(why.to_string()),
        }
    }
}

/// What a backup took along.
#[derive(Clone, PartialEq, Eq, serde::Serialize, Debug)]
pub struct Saved {
    /// What it says of itself.
    #[serde(flatten)]
    pub about: About,
    /// Files of the folder.
    pub files: Vec<String>,
    /// Files that the configuration names and that lie elsewhere: they are not in it.
    pub elsewhere: Vec<PathBuf>,
    /// What is waited for.
    pub interests: usize,
    /// What was imported from elsewhere.
    pub archived: usize,
}

/// The backup of a node, as the bytes of a file.
///
/// # Errors
/// [`BackupError::Weak`], [`BackupError::TooLarge`], or where the node's folder or its API does not answer.
pub async fn save(access: &Access, home: &Path, now: Timestamp, opener: &Opener) -> Result<(Vec<u8>, Saved)> {
    save_at(access, home, now, opener, Cost::default()).await
}

pub(super) async fn save_at(
    access: &Access,
    home: &Path,
    now: Timestamp,
    opener: &Opener,
    cost: Cost,
) -> Result<(Vec<u8>, Saved)> {
    opener.is_enough().map_err(BackupError::from)?;
    // The ledger first: whatever an entry speaks of was in the folder before the entry was written.
    let entries = access.entries().await?;
    let chain = ledger::audit(entries.iter().map(|entry| entry.bytes.as_slice()))?;
    let interests = access.interests().await?;
    let archive = access.archived().await?;
    let (files, elsewhere) = files_of(home)?;
    let parts = Parts {
        about: About::of(now, &chain),
        files,
        entries,
        interests,
        archive,
    };
    let plain = parts.write();
    if plain.len() > BYTES - 1024 {
        return Err(BackupError::TooLarge(plain.len() / 1024 / 1024).into());
    }
    let saved = Saved {
        about: parts.about.clone(),
        files: parts.files.keys().cloned().collect(),
        elsewhere,
        interests: parts.interests.len(),
        archived: parts.archive.len(),
    };
    drop(parts);
    let lock = Lock::new(&BACKUP, opener, cost, entropy()?).map_err(BackupError::from)?;
    Ok((lock.close(&entropy()?, &plain), saved))
}

type Files = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// The files that are taken along, and those that the configuration names elsewhere.
fn files_of(home: &Path) -> Result<(Files, Vec<PathBuf>)> {
    let mut names: Vec<String> = FILES.map(str::to_owned).into();
    let mut elsewhere = Vec::new();
    // A configuration that does not read is taken along as it is.
    let seller = Config::of_home(home).map(|config| config.seller).unwrap_or_default();
    for path in [seller.rules, seller.map, seller.catalog].into_iter().flatten() {
        let below = path
            .strip_prefix(home)
            .ok()
            .and_then(Path::to_str)
            .map(|name| name.replace('\\', "/"));
        match below {
            Some(name) if is_ours(&name) => names.push(name),
            _ => elsewhere.push(path),
        }
    }
    for folder in FOLDERS {
        let listed = match fs::read_dir(home.join(folder)) {
            Ok(listed) => listed,
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            Err(why) => return Err(why).with_context(|| format!("cannot read {}", home.join(folder).display())),
        };
        for entry in listed {
            let entry = entry?;
            let name = entry.file_name().to_str().map(|name| format!("{folder}/{name}"));
            if let Some(name) = name.filter(|name| is_ours(name))
                && entry.file_type()?.is_file()
            {
                names.push(name);
            }
        }
    }
    let mut files = Files::new();
    let mut size = 0;
    for name in names {
        let path = home.join(&name);
        match fs::File::open(&path) {
            Ok(open) => {
                let mut bytes = Zeroizing::new(Vec::new());
                open.take(BYTES as u64)
                    .read_to_end(&mut bytes)
                    .with_context(|| unread(&path))?;
                size += bytes.len();
                if size > BYTES {
                    return Err(BackupError::TooLarge(size / 1024 / 1024).into());
                }
                files.insert(name, bytes);
            }
            // It may have gone since it was listed.
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(why).with_context(|| unread(&path)),
        }
    }
    Ok((files, elsewhere))
}

fn unread(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

/// The bytes of a backup's file, no more than one has.
///
/// # Errors
/// Where it cannot be read.
pub fn read_file(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let open = fs::File::open(file).with_context(|| unread(file))?;
    // One more than fits, so that too long is seen as such.
    open.take(BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| unread(file))?;
    Ok(bytes)
}

/// What opens a backup.
///
/// # Errors
/// [`BackupError::Damaged`] where it is none.
pub fn opens_with(bytes: &[u8]) -> Result<OpensWith, BackupError> {
    Ok(Header::of(&BACKUP, bytes)?.opens_with)
}

/// What was restored.
#[derive(Clone, PartialEq, Eq, serde::Serialize, Debug)]
pub struct Restored {
    /// What the backup says of itself.
    #[serde(flatten)]
    pub about: About,
    /// Files of the folder.
    pub files: usize,
    /// What is waited for.
    pub interests: usize,
    /// What was imported from elsewhere.
    pub archived: usize,
}

/// That a backup may be restored into this folder: that it is new, or empty.
///
/// # Errors
/// [`BackupError::Used`], or where it cannot be looked into.
pub fn may_restore_into(home: &Path) -> Result<()> {
    match fs::read_dir(home) {
        Ok(mut listed) => match listed.next() {
            None => Ok(()),
            Some(_) => Err(BackupError::Used(home.to_owned()).into()),
        },
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::NotADirectory => Err(BackupError::Used(home.to_owned()).into()),
        Err(why) => Err(why).with_context(|| unread(home)),
    }
}

/// Makes the folder of a node out of a backup: all of it, or nothing. Its ledger says that it was restored, so that the node
/// asks what was said since.
///
/// # Errors
/// [`BackupError`], or where the folder cannot be written; there is nothing then that was not there before.
pub fn restore(bytes: &[u8], opener: &Opener, home: &Path, now: Timestamp) -> Result<Restored> {
    may_restore_into(home)?;
    let (_, plain) = Lock::open(&BACKUP, bytes, opener).map_err(BackupError::from)?;
    let (mut parts, mut chain) = Parts::read(&plain).map_err(BackupError::Damaged)?;
    drop(plain);
    let made = parts.about.made;
    parts.entries.push(chain.append(now, Fact::Restored { made }));
    let beside = Beside::make(home)?;
    lay_out(&parts, &beside.0)?;
    // A folder takes the place of an empty one on some systems, and of none on all.
    match fs::remove_dir(home) {
        Ok(()) => {}
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        Err(why) => return Err(why).with_context(|| format!("cannot write {}", home.display())),
    }
    fs::rename(&beside.0, home).with_context(|| format!("cannot write {}", home.display()))?;
    if let Some(parent) = home.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::File::open(parent)?.sync_all()?;
    }
    Ok(Restored {
        about: parts.about,
        files: parts.files.len(),
        interests: parts.interests.len(),
        archived: parts.archive.len(),
    })
}

/// A folder beside the one that is to be, gone again unless it becomes that one.
struct Beside(PathBuf);

impl Beside {
    fn make(home: &Path) -> Result<Self> {
        let Some(name) = home.file_name().and_then(|name| name.to_str()) else {
            bail!("{} has no name: name another folder with --home", home.display());
        };
        let parent = home.parent().unwrap_or(Path::new(""));
        let told = || format!("cannot write {}", parent.display());
        if !parent.as_os_str().is_empty() {
            fs::create_dir_all(parent).with_context(told)?;
        }
        let mark = intentcast_protocol::id::hex(&entropy::<4>()?);
        let path = parent.join(format!(".{name}.{mark}.restoring"));
        folder(&path).with_context(told)?;
        Ok(Self(path))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // After a rename there is nothing of this name.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder for its owner alone.
fn folder(path: &Path) -> io::Result<()> {
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path)
}

fn lay_out(parts: &Parts, home: &Path) -> Result<()> {
    for (name, bytes) in &parts.files {
        let path = home.join(name);
        if let Some(below) = path.parent() {
            folder(below).with_context(|| format!("cannot write {}", below.display()))?;
        }
        write_secret(&path, bytes)?;
    }
    let store = Store::open(home)?;
    for some in parts.entries.chunks(AT_ONCE) {
        store.append(some)?;
    }
    for (name, sought) in &parts.interests {
        store.keep_interest(name, sought)?;
    }
    archive::keep(&store, &parts.archive)?;
    Ok(())
}
