//! A node's folder: its lock, its secret seed and its network key.
//!
//! The folder is a node's whole self: one process has it at a time, and what is secret in it only its owner reads.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use intentcast_bootstrap::HomeLock;
use intentcast_protocol::{id::unhex, keys::Seed};

use crate::net::NetKey;

pub(crate) const SEED: &str = "seed";
pub(crate) const PEER_KEY: &str = "peer.key";

/// Whether the network identity outlives the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// A seller's is kept, so that it can be found again; a customer's is fresh at each start, so that the wants of
    /// one run cannot be tied to those of another by where they came from.
    #[default]
    Auto,
    /// Kept in the folder.
    Kept,
    /// Fresh at each start, kept nowhere.
    Fresh,
}

/// An open node folder.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    _lock: HomeLock,
}

impl Home {
    /// Takes the folder, which is made where there is none.
    ///
    /// # Errors
    /// Where another process has it, or it cannot be made or written.
    pub fn open(path: &Path) -> Result<Self> {
        let lock = HomeLock::take(path)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The seed from which the node's keys grow, made at the first start.
    ///
    /// # Errors
    /// A file that is not a seed is never replaced, nor is one that is missing where a ledger is: every agreement under
    /// its keys would be lost.
    pub fn seed(&self) -> Result<Seed> {
        let file = self.path.join(SEED);
        let ledger = self.path.join(crate::store::FILE);
        if !file.exists() && ledger.exists() {
            bail!(
                "{} is missing, and {} was written with the keys that grow from it: put it back, or restore a backup \
                 with `intentcast data restore`; for a new node name another folder",
                file.display(),
                ledger.display()
            );
        }
        Ok(Seed::new(secret(&file)?))
    }

    /// The key behind the node's peer id.
    ///
    /// # Errors
    /// As [`Home::seed`].
    pub fn net_key(&self, keep: bool) -> Result<NetKey> {
        let mut seed = if keep {
            secret(&self.path.join(PEER_KEY))?
        } else {
            entropy()?
        };
        Ok(NetKey::from_seed(&mut seed)?)
    }
}

/// The seed of the node in this folder, whether or not it runs.
///
/// # Errors
/// Where no node ever ran there, or the file is not as it was written.
pub fn seed_of(home: &Path) -> Result<Seed> {
    let file = home.join(SEED);
    if !file.exists() {
        bail!("no node has ever run on {}", home.display());
    }
    Ok(Seed::new(secret(&file)?))
}

/// Fresh random bytes from the operating system.
///
/// # Errors
/// Where the system has none.
pub fn entropy<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes)
}

/// The 32 secret bytes in `file`, made where there is none.
fn secret(file: &Path) -> Result<[u8; 32]> {
    match fs::read_to_string(file) {
        Ok(text) => {
            only_ours(file)?;
            let bytes = unhex(text.trim()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.with_context(|| {
                format!(
                    "{} is damaged: it must hold 64 hexadecimal digits. Put back a copy of it",
                    file.display()
                )
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let bytes = entropy::<32>()?;
            let text = format!("{}\n", intentcast_protocol::id::hex(&bytes));
            write_secret(file, text.as_bytes())?;
            Ok(bytes)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Refuses a file that others than its owner can read.
///
/// # Errors
/// With what to run, or where it cannot be looked at.
#[cfg(unix)]
pub(crate) fn only_ours(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(file)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{0} can be read by others: run `chmod 600 {0}`", file.display());
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn only_ours(_: &Path) -> Result<()> {
    Ok(())
}

/// Writes a file that only its owner reads: beside it first, flushed, then in its place, so that no crash leaves half.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_secret(file: &Path, bytes: &[u8]) -> Result<()> {
    let beside = file.with_extension("new");
    let write = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options.open(&beside)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&beside, file)?;
        if let Some(dir) = file.parent() {
            fs::File::open(dir)?.sync_all()?;
        }
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_seed_is_not_made_anew_beside_what_was_signed_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        fs::write(dir.path().join(crate::store::FILE), b"").unwrap();
        assert!(home.seed().unwrap_err().to_string().contains("data restore"));
        assert!(!dir.path().join(SEED).exists());
    }

    #[test]
    fn the_seed_stays_and_a_damaged_one_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        let key = home.seed().unwrap().seller_key().public();
        assert_eq!(home.seed().unwrap().seller_key().public(), key);
        fs::write(dir.path().join(SEED), "garbage").unwrap();
        assert!(home.seed().unwrap_err().to_string().contains("damaged"));
        assert_eq!(fs::read_to_string(dir.path().join(SEED)).unwrap(), "garbage");
    }

    #[test]
    fn a_second_one_on_the_same_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let _first = Home::open(dir.path()).unwrap();
        assert!(Home::open(dir.path()).unwrap_err().to_string().contains("in use"));
    }

    #[test]
    #[cfg(unix)]
    fn a_seed_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        home.seed().unwrap();
        fs::set_permissions(dir.path().join(SEED), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(home.seed().unwrap_err().to_string().contains("chmod 600"));
    }
}
