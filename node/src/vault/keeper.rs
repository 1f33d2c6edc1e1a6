//! Who holds the open vault while a node runs: opened once a session, locked on demand, when idle, and at the end.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use intentcast_protocol::strand::StrandName;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::info;
use zeroize::Zeroizing;

use super::{Cost, Opener, OpensWith, Vault, VaultError, opens_with};

/// How often is looked whether the vault has been idle for long enough.
const LOOK: Duration = Duration::from_secs(10);

/// Section `[vault]` of the configuration.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Lock the vault after so many minutes without use; 0 leaves it open until the node stops.
    pub lock_after_min: u32,
}

/// How the vault stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Status {
    /// What it opens with; nothing where there is none.
    pub opens_with: Option<OpensWith>,
    /// Whether it is open.
    pub open: bool,
    /// How many strands it holds, where it is open.
    pub strands: Option<usize>,
    /// Minutes without use after which it locks itself, if it does.
    pub lock_after_min: Option<u32>,
}

/// A node's vault, for everybody in the process. Its calls read and write a file, and opening takes a fifth of a
/// second of a core: they belong where blocking is allowed.
#[derive(Clone, Debug)]
pub struct Keeper(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    home: PathBuf,
    cost: Cost,
    lock_after_min: u32,
    /// One at a time: a passphrase takes 64 MiB to work on.
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
pub(super) struct Open {
    vault: Vault,
    used: Instant,
}

impl Keeper {
    /// The keeper of the vault in this folder, which may not be there yet.
    pub fn new(home: &Path, config: &Config) -> Self {
        Self::with_cost(home, config, Cost::default())
    }

    pub(super) fn with_cost(home: &Path, config: &Config, cost: Cost) -> Self {
        Self(Arc::new(Inner {
            home: home.to_owned(),
            cost,
            lock_after_min: config.lock_after_min,
            open: Mutex::default(),
        }))
    }

    /// How it stands.
    ///
    /// # Errors
    /// Where its file cannot be read or is no vault.
    pub fn status(&self) -> Result<Status, VaultError> {
        let open = self.open_at(Instant::now());
        Ok(Status {
            opens_with: opens_with(&self.0.home)?,
            open: open.is_some(),
            strands: open.as_ref().map(|open| open.vault.strands.len()),
            lock_after_min: (self.0.lock_after_min > 0).then_some(self.0.lock_after_min),
        })
    }

    /// Makes an empty vault, which is open then.
    ///
    /// # Errors
    /// As [`Vault::make`].
    pub fn make(&self, opener: &Opener) -> Result<(), VaultError> {
        let mut open = self.open_at(Instant::now());
        let vault = Vault::make(&self.0.home, opener, self.0.cost)?;
        *open = Some(Open::now(vault));
        info!("a vault is made");
        Ok(())
    }

    /// Opens it for this session.
    ///
    /// # Errors
    /// As [`Vault::open`]; one that is open stays so.
    pub fn unlock(&self, opener: &Opener) -> Result<(), VaultError> {
        let mut open = self.open_at(Instant::now());
        let vault = Vault::open(&self.0.home, opener)?;
        *open = Some(Open::now(vault));
        info!("the vault is open");
        Ok(())
    }

    /// Locks it; says whether it was open.
    pub fn lock(&self) -> bool {
        let was_open = self.held().take().is_some();
        if was_open {
            info!("the vault is locked");
        }
        was_open
    }

    /// Opens with `to` from now on. Whoever asks shows that they know what opens it now, though it may be open.
    ///
    /// # Errors
    /// As [`Vault::open`] and [`Vault::open_with`].
    pub fn open_with(&self, from: &Opener, to: &Opener) -> Result<(), VaultError> {
        let mut open = self.open_at(Instant::now());
        let mut vault = Vault::open(&self.0.home, from)?;
        vault.open_with(to)?;
        // It is as open as it was before.
        *open = open.take().map(|_| Open::now(vault));
        Ok(())
    }

    /// Looks into the open vault.
    ///
    /// # Errors
    /// [`VaultError::None`] or [`VaultError::Locked`].
    pub fn with<R>(&self, look: impl FnOnce(&mut Vault) -> R) -> Result<R, VaultError> {
        let now = Instant::now();
        match self.open_at(now).as_mut() {
            Some(open) => {
                open.used = now;
                Ok(look(&mut open.vault))
            }
            None => match opens_with(&self.0.home)? {
                Some(_) => Err(VaultError::Locked),
                None => Err(VaultError::None),
            },
        }
    }

    /// The value of a strand.
    ///
    /// # Errors
    /// As [`Keeper::with`].
    pub fn get(&self, name: &StrandName) -> Result<Option<Zeroizing<String>>, VaultError> {
        self.with(|vault| vault.get(name))
    }

    /// Locks the vault when it has been idle for as long as the configuration says, and when the node stops.
    pub async fn watch(self, stop: CancellationToken) {
        let mut beat = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = beat.tick() => drop(self.open_at(Instant::now())),
            }
        }
        self.lock();
    }

    fn held(&self) -> MutexGuard<'_, Option<Open>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is open at this moment: nothing, once it has been idle for too long.
    pub(super) fn open_at(&self, now: Instant) -> MutexGuard<'_, Option<Open>> {
        let mut held = self.held();
        let most = Duration::from_secs(60 * u64::from(self.0.lock_after_min));
        let is_idle = |open: &Open| !most.is_zero() && now.saturating_duration_since(open.used) >= most;
        if held.as_ref().is_some_and(is_idle) {
            *held = None;
            info!("the vault was idle and is locked");
        }
        held
    }
}

impl Open {
    fn now(vault: Vault) -> Self {
        Self {
            vault,
            used: Instant::now(),
        }
    }
}
