//! The file of a vault or of a backup: a header that says how the passphrase becomes a key, what is locked under that
//! key, and a hash that tells a damaged file from a wrong passphrase.
//!
//! ```text
//! magic 8 | opens with 1 | KiB 4 | passes 4 | lanes 4 | salt 16 | nonce 24 | locked, n and 16 | SHA-256 of all before 32
//! ```
//! Numbers are little-endian; everything up to the salt is the locked part's associated data.

use argon2::{Algorithm, Argon2, Params, Version};
use intentcast_protocol::seal::{self, NONCE};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::VaultError;

const SALT: usize = 16;
const HEADER: usize = 8 + 1 + 3 * 4 + SALT;
const HASH: usize = 32;

/// What kind of locked file it is.
#[derive(Debug)]
pub(crate) struct Form {
    /// How it begins: seven bytes that say which kind, and its version.
    pub magic: [u8; 8],
    /// Bytes of one that is read.
    pub bytes: usize,
    /// What is wrong with a file that is of another kind.
    pub other: &'static str,
    /// What is wrong with a file that is too long.
    pub too_long: &'static str,
}

/// The vault's own: every strand that a vault holds, and some.
pub(crate) static VAULT: Form = Form {
    magic: *b"icvault\x01",
    bytes: 2 * 1024 * 1024,
    other: "it is no vault",
    too_long: "it is larger than any vault",
};

/// The most that a header may ask for, so that a file from elsewhere does not take the machine: 1 GiB, 64 passes.
const DEAREST: Cost = Cost {
    kib: 1024 * 1024,
    passes: 64,
    lanes: 16,
};

/// How much work a guess of the passphrase is: Argon2id's parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Memory, KiB.
    pub kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    /// 64 MiB and three passes, as the choice of RFC 9106 for little memory has them; one lane, since nothing here works
    /// lanes side by side. A fifth of a second of one core.
    fn default() -> Self {
        Self {
            kib: 64 * 1024,
            passes: 3,
            lanes: 1,
        }
    }
}

/// What kind of secret opens a vault.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum OpensWith {
    /// Words that a person knows.
    Passphrase,
    /// A file that a person has.
    KeyFile,
}

impl std::fmt::Display for OpensWith {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passphrase => "passphrase",
            Self::KeyFile => "key file",
        })
    }
}

/// The secret itself; wiped from memory when dropped, never shown.
#[derive(Clone)]
pub enum Opener {
    /// Words that a person knows.
    Passphrase(Zeroizing<String>),
    /// What is in the file that a person has.
    KeyFile(Zeroizing<Vec<u8>>),
}

/// Characters of a passphrase at least, and bytes of a key file.
const PASSPHRASE_CHARS: usize = 8;
const KEY_FILE_BYTES: usize = 32;

impl Opener {
    /// Its kind.
    pub fn kind(&self) -> OpensWith {
        match self {
            Self::Passphrase(_) => OpensWith::Passphrase,
            Self::KeyFile(_) => OpensWith::KeyFile,
        }
    }

    /// Whether a vault may be made with it.
    pub(crate) fn is_enough(&self) -> Result<(), VaultError> {
        match self {
            Self::Passphrase(words) if words.chars().count() < PASSPHRASE_CHARS => Err(VaultError::Weak(
                "a passphrase has 8 characters at least; four words that nobody would put together are good",
            )),
            Self::KeyFile(bytes) if bytes.len() < KEY_FILE_BYTES => {
                Err(VaultError::Weak("a key file has 32 random bytes at least"))
            }
            _ => Ok(()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Passphrase(words) => words.as_bytes(),
            Self::KeyFile(bytes) => bytes,
        }
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opener({})", self.kind())
    }
}

/// What opens and closes one file, once the passphrase was worked on; wiped from memory when dropped.
pub(crate) struct Lock {
    form: &'static Form,
    opens_with: OpensWith,
    cost: Cost,
    salt: [u8; SALT],
    key: Zeroizing<[u8; 32]>,
}

impl Lock {
    /// A lock for a new vault, or for a new passphrase of an old one.
    pub(crate) fn new(form: &'static Form, opener: &Opener, cost: Cost, salt: [u8; SALT]) -> Result<Self, VaultError> {
        let params = Params::new(cost.kib, cost.passes, cost.lanes, Some(32));
        let params = params.map_err(|_| VaultError::Damaged("its header asks for work that cannot be done"))?;
        let opens_with = opener.kind();
        let mut key = Zeroizing::new([0; 32]);
        let mut salted = [0; SALT + 1];
        salted[..SALT].copy_from_slice(&salt);
        salted[SALT] = mark(opens_with);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(opener.bytes(), &salted, &mut *key)
            .map_err(|why| VaultError::Home(format!("the passphrase could not be worked on: {why}")))?;
        Ok(Self {
            form,
            opens_with,
            cost,
            salt,
            key,
        })
    }

    fn header(&self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        let parts: [&[u8]; 6] = [
            &self.form.magic,
            &[mark(self.opens_with)],
            &self.cost.kib.to_le_bytes(),
            &self.cost.passes.to_le_bytes(),
            &self.cost.lanes.to_le_bytes(),
            &self.salt,
        ];
        let mut rest = &mut header[..];
        for part in parts {
            let (here, after) = rest.split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = after;
        }
        header
    }

    /// The file that holds `plain`. A nonce serves once.
    pub(crate) fn close(&self, nonce: &[u8; NONCE], plain: &[u8]) -> Vec<u8> {
        let header = self.header();
        let mut file = header.to_vec();
        file.extend(nonce);
        file.extend(seal::lock(&self.key, nonce, &header, plain));
        file.extend(Sha256::digest(&file));
        file
    }

    /// The lock of this file, and what is in it.
    pub(crate) fn open(
        form: &'static Form,
        file: &[u8],
        opener: &Opener,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), VaultError> {
        let Header { opens_with, cost, salt } = Header::of(form, file)?;
        let (sound, hash) = file.split_at_checked(file.len().saturating_sub(HASH)).ok_or(CUT)?;
        if Sha256::digest(sound).as_slice() != hash {
            return Err(VaultError::Damaged("its bytes are not those that were written"));
        }
        if opens_with != opener.kind() {
            return Err(VaultError::OtherKind(opens_with));
        }
        let lock = Self::new(form, opener, cost, salt)?;
        let (nonce, locked) = sound[HEADER..].split_first_chunk().ok_or(CUT)?;
        let plain =
            seal::unlock(&lock.key, nonce, &lock.header(), locked).map_err(|_| VaultError::Wrong(opens_with))?;
        Ok((lock, plain))
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }
}

const CUT: VaultError = VaultError::Damaged("it is cut short");

/// What a file says of itself to everybody.
pub(crate) struct Header {
    pub(crate) opens_with: OpensWith,
    cost: Cost,
    salt: [u8; SALT],
}

impl Header {
    pub(crate) fn of(form: &Form, file: &[u8]) -> Result<Self, VaultError> {
        if file.len() > form.bytes {
            return Err(VaultError::Damaged(form.too_long));
        }
        let (magic, rest) = file.split_first_chunk::<8>().ok_or(CUT)?;
        if magic[..7] != form.magic[..7] {
            return Err(VaultError::Damaged(form.other));
        }
        if *magic != form.magic {
            return Err(VaultError::Damaged("it was written by a later version of this program"));
        }
        let (kind, rest) = rest.split_first().ok_or(CUT)?;
        let (kib, rest) = rest.split_first_chunk().ok_or(CUT)?;
        let (passes, rest) = rest.split_first_chunk().ok_or(CUT)?;
        let (lanes, rest) = rest.split_first_chunk().ok_or(CUT)?;
        let (salt, _) = rest.split_first_chunk().ok_or(CUT)?;
        let cost = Cost {
            kib: u32::from_le_bytes(*kib),
            passes: u32::from_le_bytes(*passes),
            lanes: u32::from_le_bytes(*lanes),
        };
        if cost.kib > DEAREST.kib || cost.passes > DEAREST.passes || cost.lanes > DEAREST.lanes {
            return Err(VaultError::Damaged(
                "its header asks for more work than any file of ours",
            ));
        }
        Ok(Self {
            opens_with: match kind {
                1 => OpensWith::Passphrase,
                2 => OpensWith::KeyFile,
                _ => return Err(VaultError::Damaged("it opens with something that we do not know")),
            },
            cost,
            salt: *salt,
        })
    }
}

fn mark(opens_with: OpensWith) -> u8 {
    match opens_with {
        OpensWith::Passphrase => 1,
        OpensWith::KeyFile => 2,
    }
}
