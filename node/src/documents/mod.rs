//! Photos and documents on this node's disk: those that its person sends, and those that came from others.
//!
//! One file each, by its hash; beside it, by hash and letter, what has come so far of one that is on its way, and why one
//! was not taken. A file gets its name only when all of it is here, is what was announced, and is on disk. Nothing here
//! opens, runs or renders one, and no name that a stranger gave is ever a path.

pub mod metadata;
mod porter;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use intentcast_protocol::{
    document::{Form, piece_bytes},
    id::{EntryHash, RecordId},
    limits,
    market::{Announced, Told},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::porter::{DocumentView, Porter, State, keep};
use crate::home::write_secret;

/// The folder in a node's home.
pub(crate) const DIR: &str = "documents";
/// What of one has come so far.
const PART: &str = "part";
/// Why one was not taken.
const REFUSED: &str = "refused";
/// That the person wants one no more.
const FORGOTTEN: &str = "forgotten";

/// Documents that are kept, and that are on their way.
pub const MOST: usize = 1_000;
/// Bytes of all of them: half of what a backup holds.
pub const ROOM: u64 = 128 * 1024 * 1024;
/// Words on why one was not taken that are kept; more are forgotten at the next start, and such a one is asked for again.
const MOST_MARKS: usize = 4_096;
/// How long a document that nothing speaks of stays: long enough to write the letter or the want that does.
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// SHA-256 of a document, as letters name it.
pub fn hash_of(bytes: &[u8]) -> EntryHash {
    EntryHash(Sha256::digest(bytes).into())
}

/// One announcement of a document: the same file may be announced twice, and once with a lie.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    hash: EntryHash,
    letter: RecordId,
}

impl Key {
    /// The key of this announcement.
    pub fn of(announced: &Announced) -> Self {
        Self {
            hash: announced.hash,
            letter: announced.letter,
        }
    }

    fn file(&self, ending: &str) -> String {
        format!("{}.{}.{ending}", self.hash, self.letter)
    }
}

/// A document that is here whole.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Whole {
    /// SHA-256 of it.
    pub hash: EntryHash,
    /// What its bytes say that it is.
    pub mime: Form,
    /// How long, bytes.
    pub bytes: u32,
}

/// Why a document is not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// It is not what may be sent, or not what was announced.
    #[error("{0}")]
    Unfit(String),
    /// What came has another hash than what was announced.
    #[error("what came is not what was announced: it has another hash")]
    OtherBytes,
    /// No more fit.
    #[error(
        "there is no room for more documents ({MOST}, {room} MiB in all): `document forget` makes some",
        room = ROOM / 1024 / 1024
    )]
    NoRoom,
    /// The disk does not take it.
    #[error("the disk does not take it: {0}")]
    Disk(#[from] io::Error),
}

/// What is in the folder.
#[derive(Debug, Default)]
struct Files {
    whole: BTreeMap<EntryHash, Whole>,
    parts: BTreeMap<Key, u64>,
    refused: BTreeMap<Key, String>,
    forgotten: BTreeSet<EntryHash>,
}

impl Files {
    fn has_room_for(&self, more: u64) -> bool {
        let whole = self.whole.values().map(|whole| u64::from(whole.bytes));
        whole.chain(self.parts.values().copied()).sum::<u64>() + more <= ROOM
            && self.whole.len() + self.parts.len() <= MOST
    }
}

/// What has become of an announced document on this disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OnDisk {
    /// It is here.
    Whole(Whole),
    /// So many bytes are.
    Part(u64),
    /// It was not taken, and why.
    Refused(String),
    /// The person wants it no more.
    Forgotten,
    /// Nothing is known of it.
    Nothing,
}

/// The store.
#[derive(Debug)]
pub struct Documents {
    dir: PathBuf,
    files: Mutex<Files>,
}

impl Documents {
    /// Opens the one in this home, which is made where there is none.
    ///
    /// # Errors
    /// Where the folder cannot be read or written.
    pub fn open(home: &Path) -> Result<Self> {
        let dir = home.join(DIR);
        let at = || format!("cannot use {}", dir.display());
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&dir).with_context(at)?;
        let mut files = Files::default();
        for entry in fs::read_dir(&dir).with_context(at)? {
            let entry = entry.with_context(at)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let path = entry.path();
            // The power went while it was written, and nobody was told of it.
            if name.ends_with(".new") {
                fs::remove_file(&path).with_context(at)?;
                continue;
            }
            let mut words = name.split('.');
            let Some(Ok(hash)) = words.next().map(str::parse::<EntryHash>) else {
                continue;
            };
            let words: Vec<&str> = words.collect();
            let key = |letter: &str| letter.parse().ok().map(|letter| Key { hash, letter });
            match words[..] {
                [] => {
                    let whole = whole_at(&path, hash).with_context(at)?;
                    files.whole.extend(whole.map(|whole| (hash, whole)));
                }
                [FORGOTTEN] => {
                    files.forgotten.insert(hash);
                }
                [letter, PART] => {
                    let bytes = entry.metadata().with_context(at)?.len();
                    files.parts.extend(key(letter).map(|key| (key, bytes)));
                }
                [letter, REFUSED] => {
                    let mut why = String::new();
                    let read = fs::File::open(&path)
                        .with_context(at)?
                        .take(1024)
                        .read_to_string(&mut why);
                    if read.is_ok() {
                        files.refused.extend(key(letter).map(|key| (key, why)));
                    }
                }
                _ => {}
            }
        }
        Ok(Self {
            dir,
            files: Mutex::new(files),
        })
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, hash: EntryHash) -> PathBuf {
        self.dir.join(hash.to_string())
    }

    fn part(&self, key: &Key) -> PathBuf {
        self.dir.join(key.file(PART))
    }

    /// What has become of an announcement.
    pub fn state(&self, key: &Key) -> OnDisk {
        let files = self.files();
        if let Some(whole) = files.whole.get(&key.hash) {
            return OnDisk::Whole(*whole);
        }
        if files.forgotten.contains(&key.hash) {
            return OnDisk::Forgotten;
        }
        if let Some(why) = files.refused.get(key) {
            return OnDisk::Refused(why.clone());
        }
        files
            .parts
            .get(key)
            .map_or(OnDisk::Nothing, |bytes| OnDisk::Part(*bytes))
    }

    /// The whole document of this hash.
    pub fn whole(&self, hash: EntryHash) -> Option<Whole> {
        self.files().whole.get(&hash).copied()
    }

    /// Keeps a document that is to be sent; it is on disk when this returns.
    ///
    /// # Errors
    /// [`NotKept`]: then it is not there.
    pub fn put(&self, bytes: &[u8]) -> Result<Whole, NotKept> {
        let hash = hash_of(bytes);
        let mime = sendable(bytes)?;
        let mut files = self.files();
        if let Some(whole) = files.whole.get(&hash) {
            return Ok(*whole);
        }
        if !files.has_room_for(bytes.len() as u64) {
            return Err(NotKept::NoRoom);
        }
        let path = self.path(hash);
        if let Err(why) = write_secret(&path, bytes) {
            // Nothing is left of what did not fit.
            let _ = fs::remove_file(path.with_extension("new"));
            return Err(why
                .downcast::<io::Error>()
                .map_or_else(|why| NotKept::Disk(io::Error::other(why)), NotKept::Disk));
        }
        let whole = Whole {
            hash,
            mime,
            bytes: u32::try_from(bytes.len()).expect("it was measured"),
        };
        files.whole.insert(hash, whole);
        if files.forgotten.remove(&hash) {
            remove(&self.dir.join(format!("{hash}.{FORGOTTEN}")))?;
        }
        Ok(whole)
    }

    /// The piece of a whole document that begins at `offset`, and how long the document is; `None` where it is not here.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn piece(&self, hash: EntryHash, offset: u32) -> io::Result<Option<(u32, Vec<u8>)>> {
        let Some(whole) = self.whole(hash) else { return Ok(None) };
        let Some(length) = piece_bytes(whole.bytes, offset) else {
            return Ok(None);
        };
        let mut file = fs::File::open(self.path(hash))?;
        file.seek(SeekFrom::Start(offset.into()))?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(Some((whole.bytes, bytes)))
    }

    /// All of a document; `None` where it is not here.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what it was when it was kept.
    pub fn read(&self, hash: EntryHash) -> io::Result<Option<Vec<u8>>> {
        if self.whole(hash).is_none() {
            return Ok(None);
        }
        let bytes = fs::read(self.path(hash))?;
        if hash_of(&bytes) != hash {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the file is damaged: it has not its hash any more",
            ));
        }
        Ok(Some(bytes))
    }

    /// Where to go on with one that is on its way: the last piece is asked for again, since nobody knows whether all of
    /// it reached the disk.
    pub fn resume_at(&self, key: &Key) -> u32 {
        let part = self.files().parts.get(key).copied().unwrap_or(0);
        let part = u32::try_from(part).unwrap_or(0).min(limits::DOCUMENT_BYTES as u32);
        let piece = limits::PIECE_BYTES as u32;
        part.saturating_sub(1) / piece * piece
    }

    /// Puts a piece behind what has come so far.
    ///
    /// # Errors
    /// [`NotKept::NoRoom`] or [`NotKept::Disk`]: then what came before is still there. [`NotKept::Unfit`] where the person
    /// wants it no more.
    pub fn append(&self, key: &Key, offset: u32, bytes: &[u8]) -> Result<(), NotKept> {
        let mut files = self.files();
        if files.forgotten.contains(&key.hash) {
            return Err(NotKept::Unfit("you want it no more".into()));
        }
        let before = files.parts.get(key).copied().unwrap_or(0);
        let after = u64::from(offset) + bytes.len() as u64;
        if !files.has_room_for(after.saturating_sub(before)) {
            return Err(NotKept::NoRoom);
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let path = self.part(key);
        let mut file = options.open(&path)?;
        let written = (|| {
            file.set_len(offset.into())?;
            file.seek(SeekFrom::Start(offset.into()))?;
            file.write_all(bytes)
        })();
        files
            .parts
            .insert(*key, if written.is_ok() { after } else { offset.into() });
        written.map_err(NotKept::Disk)
    }

    /// All of it has come: it is looked at, and kept or refused.
    ///
    /// # Errors
    /// [`NotKept::OtherBytes`] or [`NotKept::Unfit`], where it is no good. [`NotKept::Disk`]: then it can be tried again.
    pub fn finish(&self, key: &Key, told: Option<&Told>) -> Result<Whole, NotKept> {
        let part = self.part(key);
        let bytes = fs::read(&part)?;
        if hash_of(&bytes) != key.hash {
            return Err(NotKept::OtherBytes);
        }
        let fit = sendable(&bytes).and_then(|mime| {
            let whole = Whole {
                hash: key.hash,
                mime,
                bytes: u32::try_from(bytes.len()).expect("it was measured"),
            };
            fits(&whole, told).map(|()| whole)
        });
        let whole = fit?;
        fs::File::open(&part)?.sync_all()?;
        let mut files = self.files();
        fs::rename(&part, self.path(key.hash))?;
        fs::File::open(&self.dir)?.sync_all()?;
        files.parts.remove(key);
        files.whole.insert(key.hash, whole);
        Ok(whole)
    }

    /// Leaves nothing of what has come so far.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn drop_part(&self, key: &Key) -> io::Result<()> {
        let mut files = self.files();
        remove(&self.part(key))?;
        files.parts.remove(key);
        Ok(())
    }

    /// Takes this announcement for no good, and says so from now on.
    ///
    /// # Errors
    /// Where the disk does not take that down; it holds until the next start then.
    pub fn refuse(&self, key: &Key, why: &str) -> Result<()> {
        let dropped = self.drop_part(key);
        let mut files = self.files();
        if files.refused.len() < MOST_MARKS {
            files.refused.insert(*key, why.to_owned());
        }
        drop(files);
        dropped?;
        write_mark(&self.dir.join(key.file(REFUSED)), why)
    }

    /// Removes a document, whole or in part; it is not asked for again. Says whether there was anything.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn forget(&self, hash: EntryHash) -> Result<bool> {
        let mut files = self.files();
        write_mark(&self.dir.join(format!("{hash}.{FORGOTTEN}")), "")?;
        files.forgotten.insert(hash);
        remove(&self.path(hash))?;
        let whole = files.whole.remove(&hash).is_some();
        let parts: Vec<Key> = files.parts.keys().filter(|key| key.hash == hash).copied().collect();
        for key in &parts {
            remove(&self.part(key))?;
            files.parts.remove(key);
        }
        fs::File::open(&self.dir)?.sync_all()?;
        Ok(whole || !parts.is_empty())
    }

    /// Takes back that a document was forgotten or refused, so that it is asked for again.
    ///
    /// # Errors
    /// Where the disk does not take that down.
    pub fn want_again(&self, hash: EntryHash) -> io::Result<()> {
        let mut files = self.files();
        remove(&self.dir.join(format!("{hash}.{FORGOTTEN}")))?;
        files.forgotten.remove(&hash);
        let refused: Vec<Key> = files.refused.keys().filter(|key| key.hash == hash).copied().collect();
        for key in refused {
            remove(&self.dir.join(key.file(REFUSED)))?;
            files.refused.remove(&key);
        }
        Ok(())
    }

    /// Removes what nothing speaks of any more: with a conversation that is forgotten go its documents.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn sweep(&self, letters: &BTreeSet<Key>, hashes: &BTreeSet<EntryHash>) -> io::Result<usize> {
        let mut files = self.files();
        let mut gone = 0;
        let parts: Vec<Key> = files
            .parts
            .keys()
            .filter(|key| !letters.contains(key))
            .copied()
            .collect();
        for key in parts {
            remove(&self.part(&key))?;
            files.parts.remove(&key);
            gone += 1;
        }
        let refused: Vec<Key> = files
            .refused
            .keys()
            .filter(|key| !letters.contains(key))
            .copied()
            .collect();
        for key in refused {
            remove(&self.dir.join(key.file(REFUSED)))?;
            files.refused.remove(&key);
        }
        let forgotten: Vec<EntryHash> = files.forgotten.difference(hashes).copied().collect();
        for hash in forgotten {
            remove(&self.dir.join(format!("{hash}.{FORGOTTEN}")))?;
            files.forgotten.remove(&hash);
        }
        let whole: Vec<EntryHash> = files
            .whole
            .keys()
            .filter(|hash| !hashes.contains(hash))
            .copied()
            .collect();
        for hash in whole {
            let path = self.path(hash);
            let kept = fs::metadata(&path)?.modified()?;
            // A clock that was set back makes nothing old.
            if SystemTime::now().duration_since(kept).is_ok_and(|age| age > GRACE) {
                remove(&path)?;
                files.whole.remove(&hash);
                gone += 1;
            }
        }
        Ok(gone)
    }
}

/// What is at a path that has a hash for its name. It was looked at when it was kept: only what it is must be found again.
fn whole_at(path: &Path, hash: EntryHash) -> io::Result<Option<Whole>> {
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    let Ok(bytes) = u32::try_from(length) else {
        return Ok(None);
    };
    let mut head = Vec::new();
    file.take(16).read_to_end(&mut head)?;
    let mime = Form::of(&head).unwrap_or(Form::Text);
    let whole = Whole { hash, mime, bytes };
    Ok((bytes > 0 && bytes as usize <= limits::DOCUMENT_BYTES).then_some(whole))
}

/// Whether these bytes may be sent as a document, and what they are.
///
/// # Errors
/// [`NotKept::Unfit`].
pub fn sendable(bytes: &[u8]) -> Result<Form, NotKept> {
    if bytes.len() > limits::DOCUMENT_BYTES {
        let most = limits::DOCUMENT_BYTES / 1024 / 1024;
        return Err(NotKept::Unfit(format!("it is longer than {most} MiB")));
    }
    let known = Form::ALL.map(Form::mime).join(", ");
    Form::of(bytes).ok_or_else(|| NotKept::Unfit(format!("it is none of {known}, by what its bytes say")))
}

/// Whether a document is what was said of it.
///
/// # Errors
/// [`NotKept::Unfit`], in words for the person.
pub fn fits(whole: &Whole, told: Option<&Told>) -> Result<(), NotKept> {
    let unfit = |why: String| Err(NotKept::Unfit(why));
    match told {
        Some(told) if Form::of_mime(told.mime.as_str()) != Some(whole.mime) => {
            unfit(format!("it was announced as {}, and is {}", told.mime, whole.mime))
        }
        Some(told) if told.bytes != whole.bytes => unfit(format!(
            "it was announced with {} bytes, and has {}",
            told.bytes, whole.bytes
        )),
        None if !whole.mime.is_picture() => unfit(format!("it was said to be a photo, and is {}", whole.mime)),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

fn write_mark(path: &Path, why: &str) -> Result<()> {
    let short = &why[..why.floor_char_boundary(512)];
    // `with_extension` would make one name of two marks.
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&beside)?;
        file.write_all(short.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
