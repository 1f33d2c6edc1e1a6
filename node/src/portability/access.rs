//! A node's store, whether the node runs or not: through its local API while it runs, and straight while it does not.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Result, bail};
use intentcast_protocol::{
    keys::Seed,
    ledger::Stored,
    market::{Config, Market},
    standing::Sought,
    text::Word,
};
use serde_json::Value;

use super::{
    archive::{self, Archived, Taken},
    read,
};
use crate::{
    api::{ArchivePage, LedgerPage, NodeStatus},
    client::{Client, ClientError, escaped},
    driver,
    home::{Home, SEED, seed_of},
    interest::Waiting,
    store::Store,
};

/// The way to a node's store.
pub enum Access {
    /// The node runs: it is asked.
    Running(Client),
    /// It does not, and will not before this is gone.
    Stopped {
        /// Its store.
        store: Store,
        /// Its folder, taken.
        home: Home,
    },
}

impl Access {
    /// The way to the node of this folder.
    ///
    /// # Errors
    /// Where no node ever ran there, or one is just starting or stopping.
    pub async fn of(home: &Path) -> Result<Self> {
        if !home.join(SEED).exists() {
            bail!("no node has ever run on {}", home.display());
        }
        match Client::of_home(home) {
            Ok(client) => match client.get::<NodeStatus>("/v1/status").await {
                Ok(_) => return Ok(Self::Running(client)),
                // What a node leaves behind that was killed.
                Err(ClientError::NotRunning(_)) => {}
                Err(why) => return Err(why.into()),
            },
            Err(ClientError::NotRunning(_)) => {}
            Err(why) => return Err(why.into()),
        }
        let home = Home::open(home)?;
        let store = Store::open(home.path())?;
        Ok(Self::Stopped { store, home })
    }

    /// Every entry of the ledger, as it stood when the last of them was read.
    ///
    /// # Errors
    /// Where the store or the API does not answer.
    pub async fn entries(&self) -> Result<Vec<Stored>> {
        let client = match self {
            Self::Stopped { store, .. } => return Ok(store.entries(0)?.collect::<Result<_, _>>()?),
            Self::Running(client) => client,
        };
        let mut all: Vec<Stored> = Vec::new();
        loop {
            let page: LedgerPage = client.get(&format!("/v1/ledger?from={}", all.len())).await?;
            if page.entries.is_empty() {
                return Ok(all);
            }
            for bytes in page.entries {
                let number = all.len() as u64;
                let bytes = bytes.into_vec();
                all.push(Stored { number, bytes });
            }
        }
    }

    /// What is waited for.
    ///
    /// # Errors
    /// As [`Access::entries`].
    pub async fn interests(&self) -> Result<BTreeMap<Word, Sought>> {
        match self {
            Self::Stopped { store, .. } => Ok(store.interests()?),
            Self::Running(client) => {
                let waiting: Vec<Waiting> = client.get("/v1/interests").await?;
                let sought = waiting.iter().map(Waiting::sought);
                Ok(sought.collect::<Result<_, _>>()?)
            }
        }
    }

    /// What stands in the archive, by sort and id.
    ///
    /// # Errors
    /// As [`Access::entries`].
    pub async fn archived(&self) -> Result<Vec<Archived>> {
        let mut all: Vec<Archived> = Vec::new();
        loop {
            let after = all.last().map(Archived::key);
            let page = match self {
                Self::Stopped { store, .. } => archive::page(store, after.as_deref())?,
                Self::Running(client) => {
                    let asked = after
                        .map(|after| format!("?after={}", escaped(&after)))
                        .unwrap_or_default();
                    let page: ArchivePage = client.get(&format!("/v1/archive{asked}")).await?;
                    page.archived
                }
            };
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Takes a document into the archive: whatever it is judged to be, here and again by a node that runs.
    ///
    /// # Errors
    /// [`read::Wrong`], or as [`Access::entries`].
    pub async fn import(&self, document: &Value) -> Result<(read::Found, Taken)> {
        let found = read::read(document)?;
        let taken = match self {
            Self::Stopped { store, .. } => archive::keep(store, &found.archived)?,
            Self::Running(client) => client.post("/v1/archive", document).await?,
        };
        Ok((found, taken))
    }

    /// The market as its ledger has it, to look at, and its entries.
    ///
    /// # Errors
    /// As [`Access::entries`], and where the seed or the ledger cannot be read.
    pub async fn market(&self, home: &Path) -> Result<(Seed, Market, Vec<Stored>)> {
        let entries = self.entries().await?;
        let seed = seed_of(home)?;
        let bytes = entries.iter().map(|entry| entry.bytes.as_slice());
        let market = Market::replay(seed.clone(), Config::default(), bytes, driver::now())?;
        Ok((seed, market, entries))
    }
}
