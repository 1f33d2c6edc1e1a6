//! What is locked in a vault: strands and the secret of aliases as bytes, and back.
//!
//! ```text
//! 1 | alias secret 32 | strands 2 | each: name's length 1, name, value's length 2, value, set at 8 | zeros to 1 KiB
//! ```
//! A format of our own, since a general decoder leaves copies of values in buffers that nobody wipes.

use std::collections::BTreeMap;

use intentcast_protocol::{
    strand::{AliasSecret, StrandName},
    time::Timestamp,
};
use zeroize::Zeroizing;

use super::{Kept, VaultError};

const VERSION: u8 = 1;
/// What the body is filled up to a multiple of, so that a file's size tells little of what is in it.
const BLOCK: usize = 1024;
/// Bytes of an entry beside name and value.
const ENTRY: usize = 1 + 2 + 8;

const NOT_OURS: VaultError = VaultError::Damaged("what is in it cannot be read: it was written by a later version");

pub(super) type Strands = BTreeMap<StrandName, Kept>;

pub(super) fn write(secret: &AliasSecret, strands: &Strands) -> Zeroizing<Vec<u8>> {
    let size = |(name, kept): (&StrandName, &Kept)| ENTRY + name.as_str().len() + kept.value.len();
    let whole = (1 + 32 + 2 + strands.iter().map(size).sum::<usize>()).next_multiple_of(BLOCK);
    // All of its room at once: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(whole));
    bytes.push(VERSION);
    bytes.extend(secret.bytes());
    let count = u16::try_from(strands.len()).expect("a vault holds fewer strands");
    bytes.extend(count.to_le_bytes());
    for (name, kept) in strands {
        let (name, value) = (name.as_str().as_bytes(), kept.value.as_bytes());
        bytes.push(u8::try_from(name.len()).expect("a name has 48 bytes at most"));
        bytes.extend(name);
        let length = u16::try_from(value.len()).expect("a value has 2,048 bytes at most");
        bytes.extend(length.to_le_bytes());
        bytes.extend(value);
        bytes.extend(kept.at.0.to_le_bytes());
    }
    bytes.resize(whole, 0);
    bytes
}

pub(super) fn read(bytes: &[u8]) -> Result<(AliasSecret, Strands), VaultError> {
    let (version, rest) = bytes.split_first().ok_or(NOT_OURS)?;
    if *version != VERSION {
        return Err(NOT_OURS);
    }
    let (secret, rest) = rest.split_first_chunk().ok_or(NOT_OURS)?;
    let (count, mut rest) = rest.split_first_chunk().ok_or(NOT_OURS)?;
    let mut strands = Strands::new();
    for _ in 0..u16::from_le_bytes(*count) {
        let (entry, after) = entry(rest).ok_or(NOT_OURS)?;
        strands.insert(entry.0, entry.1);
        rest = after;
    }
    Ok((AliasSecret::new(*secret), strands))
}

fn entry(bytes: &[u8]) -> Option<((StrandName, Kept), &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let name = StrandName::new(str::from_utf8(name).ok()?).ok()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let value = Zeroizing::new(str::from_utf8(value).ok()?.to_owned());
    let (at, rest) = rest.split_first_chunk()?;
    let at = Timestamp(u64::from_le_bytes(*at));
    Some(((name, Kept { value, at }), rest))
}
