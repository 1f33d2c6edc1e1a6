//! What makes up a node, as bytes and back: named files of its folder, every entry of its ledger, what it waits for, and
//! its archive.
//!
//! ```text
//! each part: kind 1 | name's length 2 | name | length 4 | bytes
//! ```
//! Numbers are little-endian. The first part says what the rest is; a ledger's entries come in their order. What can be
//! had again is left out: the index, the lock, the address of the local API, the catalogue.

use std::collections::BTreeMap;

use intentcast_protocol::{
    id::EntryHash,
    ledger::{self, Stored},
    standing::Sought,
    text::Word,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::archive::Archived;
use crate::home::{PEER_KEY, SEED};

/// What stands in every backup of this form.
const FORMAT: &str = "intentcast-backup/1";

/// Files of a node's folder that are taken along, where they are there; and those that the configuration names, if they
/// lie in the folder.
pub(super) const FILES: [&str; 7] = [
    SEED,
    PEER_KEY,
    crate::vault::FILE,
    crate::config::FILE,
    "rules.toml",
    "policy.toml",
    "map.toml",
];
/// Folders in it of which every file is taken along: a seller's store of strands, and the secrets that open them; photos
/// and documents, with what has come so far of those that are on their way.
pub(super) const FOLDERS: [&str; 3] = ["strands", "strands/keys", crate::documents::DIR];
/// Names that no file of a backup has: they are made anew by the node that runs there.
const MADE_ANEW: [&str; 5] = [
    "lock",
    "index",
    crate::store::FILE,
    crate::api::ADDR_FILE,
    crate::api::TOKEN_FILE,
];
/// Bytes of a file's name.
const NAME_BYTES: usize = 256;

const ABOUT: u8 = 1;
const FILE: u8 = 2;
const ENTRY: u8 = 3;
const INTEREST: u8 = 4;
const ARCHIVED: u8 = 5;

/// What a backup says of itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct About {
    format: String,
    /// When it was made.
    pub made: Timestamp,
    /// How many entries the ledger had.
    pub entries: u64,
    /// The hash of the last of them.
    pub head: EntryHash,
    /// Which version of this program made it.
    pub program: String,
}

/// Everything of a node.
pub(super) struct Parts {
    pub about: About,
    pub files: BTreeMap<String, Zeroizing<Vec<u8>>>,
    pub entries: Vec<Stored>,
    pub interests: BTreeMap<Word, Sought>,
    pub archive: Vec<Archived>,
}

impl About {
    pub(super) fn of(made: Timestamp, chain: &ledger::Chain) -> Self {
        Self {
            format: FORMAT.into(),
            made,
            entries: chain.len(),
            head: chain.head(),
            program: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

impl Parts {
    pub(super) fn write(&self) -> Zeroizing<Vec<u8>> {
        let json = |value: serde_json::Result<Vec<u8>>| value.expect("plain fields, which JSON always takes");
        let about = json(serde_json::to_vec(&self.about));
        let interests: Vec<(&str, Vec<u8>)> = self
            .interests
            .iter()
            .map(|(name, sought)| (name.as_str(), json(serde_json::to_vec(sought))))
            .collect();
        let archive: Vec<(String, Vec<u8>)> = self
            .archive
            .iter()
            .map(|archived| (archived.key(), json(serde_json::to_vec(archived))))
            .collect();
        let mut all: Vec<(u8, &str, &[u8])> = vec![(ABOUT, "", &about)];
        all.extend(
            self.files
                .iter()
                .map(|(name, bytes)| (FILE, name.as_str(), bytes.as_slice())),
        );
        all.extend(self.entries.iter().map(|entry| (ENTRY, "", entry.bytes.as_slice())));
        all.extend(
            interests
                .iter()
                .map(|(name, bytes)| (INTEREST, *name, bytes.as_slice())),
        );
        all.extend(
            archive
                .iter()
                .map(|(key, bytes)| (ARCHIVED, key.as_str(), bytes.as_slice())),
        );
        let size: usize = all.iter().map(|(_, name, bytes)| 7 + name.len() + bytes.len()).sum();
        // All of its room at once: a vector that grows leaves copies of the seed behind.
        let mut out = Zeroizing::new(Vec::with_capacity(size));
        for (kind, name, bytes) in all {
            out.push(kind);
            out.extend(u16::try_from(name.len()).expect("names are short").to_le_bytes());
            out.extend(name.as_bytes());
            out.extend(
                u32::try_from(bytes.len())
                    .expect("a backup is below 4 GiB")
                    .to_le_bytes(),
            );
            out.extend(bytes);
        }
        out
    }

    /// The parts that these bytes are, the ledger's chain and every signature in it verified, and that chain's end.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, ledger::Chain), String> {
        let mut rest = bytes;
        let mut about = None;
        let mut files = BTreeMap::new();
        let mut chain = ledger::Chain::default();
        let (mut entries, mut interests, mut archive) = (Vec::new(), BTreeMap::new(), Vec::new());
        while !rest.is_empty() {
            let (kind, name, part) = next(&mut rest).ok_or("it ends in the middle of a part")?;
            match kind {
                ABOUT => {
                    let said: About =
                        serde_json::from_slice(part).map_err(|why| format!("what it says of itself: {why}"))?;
                    if said.format != FORMAT {
                        return Err(format!("it is {}, where this version reads {FORMAT}", said.format));
                    }
                    about = Some(said);
                }
                FILE => {
                    if !is_ours(name) {
                        return Err("it has a file that no node's folder has".into());
                    }
                    files.insert(name.to_owned(), Zeroizing::new(part.to_vec()));
                }
                ENTRY => {
                    let number = chain.len();
                    chain.follow(part).map_err(|why| why.to_string())?;
                    let bytes = part.to_vec();
                    entries.push(Stored { number, bytes });
                }
                INTEREST => {
                    let of = |why: String| format!("interest {name:?}: {why}");
                    let word = Word::new(name).map_err(|why| of(why.to_string()))?;
                    interests.insert(word, serde_json::from_slice(part).map_err(|why| of(why.to_string()))?);
                }
                ARCHIVED => {
                    archive.push(serde_json::from_slice(part).map_err(|why| format!("archive, {name:?}: {why}"))?);
                }
                kind => {
                    return Err(format!(
                        "it has a part of kind {kind}: a later version of this program wrote it"
                    ));
                }
            }
        }
        let about: About = about.ok_or("it does not say what it is")?;
        if (about.entries, about.head) != (chain.len(), chain.head()) {
            return Err(format!(
                "its ledger ends at entry {}, where it had {}",
                chain.len(),
                about.entries
            ));
        }
        if !files.contains_key(SEED) {
            return Err("the seed is not in it".into());
        }
        let parts = Self {
            about,
            files,
            entries,
            interests,
            archive,
        };
        Ok((parts, chain))
    }
}

fn next<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a str, &'a [u8])> {
    let (kind, after) = rest.split_first()?;
    let (length, after) = after.split_first_chunk()?;
    let (name, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let (length, after) = after.split_first_chunk()?;
    let (bytes, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *rest = after;
    Some((*kind, str::from_utf8(name).ok()?, bytes))
}

/// Whether a file of this name may be put into a node's folder: below it, by plain names, and nothing that the node makes
/// itself.
pub(super) fn is_ours(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
    name.len() <= NAME_BYTES
        && name.split('/').all(plain)
        && name.split('/').next().is_some_and(|first| !MADE_ANEW.contains(&first))
}
