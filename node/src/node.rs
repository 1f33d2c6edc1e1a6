//! Puts a node together: folder, store, index, network, market and local API, in that order, and takes it down again.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result};
use intentcast_protocol::{item::Item, rules::Rules, topic::Topic};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    api::{
        self,
        backend::{Backend as _, Failed},
    },
    documents::{self, Documents, Porter},
    driver::{self, Handle},
    home::{Home, Identity},
    index::Index,
    net,
    portability::returning,
    store::Store,
    strands::{self, Desk, Strands, policy::Policy},
    vault::{self, Keeper},
};

/// How a node is set up, every choice made.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its folder.
    pub home: PathBuf,
    /// Its network.
    pub net: net::Config,
    /// Its local API.
    pub api: api::Config,
    /// Whether its network identity is kept.
    pub identity: Identity,
    /// Its vault.
    pub vault: vault::Config,
    /// What it sells, if it sells.
    pub seller: Option<Shop>,
}

/// What a seller's node needs.
#[derive(Clone, Debug)]
pub struct Shop {
    /// How it answers.
    pub rules: Rules,
    /// Where it listens.
    pub listen: BTreeSet<Topic>,
    /// What it binds itself to with people's data.
    pub policy: Option<Policy>,
    /// A catalogue to take the place of the one in the store; `None` keeps that.
    pub catalogue: Option<Vec<Item>>,
}

/// A running node.
pub struct Node {
    /// Its market.
    pub handle: Handle,
    /// Its vault, locked until somebody opens it.
    pub vault: Keeper,
    /// Where its API listens.
    pub api: std::net::SocketAddr,
    /// Its peer id.
    pub peer: String,
    /// Its addresses, each with its peer id.
    pub addresses: Vec<String>,
    serving: tokio::task::JoinHandle<()>,
    // The folder is free for another process only when everything above is gone.
    _home: Home,
}

impl Node {
    /// Starts a node and waits until it can be reached and asked.
    ///
    /// # Errors
    /// Where the folder is taken or damaged, an address cannot be used, or the catalogue cannot be stored.
    pub async fn start(setup: Setup, shutdown: CancellationToken) -> Result<Self> {
        let home = Home::open(&setup.home)?;
        let seed = home.seed()?;
        let keep = match setup.identity {
            Identity::Auto => setup.seller.is_some(),
            Identity::Kept => true,
            Identity::Fresh => false,
        };
        let key = home.net_key(keep)?;
        let store = {
            let dir = home.path().to_owned();
            Arc::new(tokio::task::spawn_blocking(move || Store::open(dir)).await??)
        };
        // A customer's node never pays for an index.
        let has_items = store.catalogue()?.items > 0;
        let index = if has_items {
            let (dir, store) = (home.path().join("index"), store.clone());
            Some(tokio::task::spawn_blocking(move || Index::open(dir, store)).await??)
        } else {
            None
        };
        let (net, events) = net::start(
            setup.net,
            intentcast_protocol::topic::is_market_topic,
            key,
            shutdown.clone(),
        )
        .context("the network does not start")?;
        let documents = {
            let dir = home.path().to_owned();
            Arc::new(tokio::task::spawn_blocking(move || Documents::open(&dir)).await??)
        };
        let owner = seed.clone();
        let parts = driver::Parts {
            seed,
            store,
            index,
            net: net.clone(),
            events,
            index_dir: home.path().join("index"),
            listen: BTreeSet::new(),
            rules: None,
            documents: documents.clone(),
        };
        let handle = driver::start(parts, shutdown.clone()).await?;
        let mut policy = None;
        if let Some(shop) = setup.seller {
            policy = shop.policy;
            if let Some(items) = shop.catalogue {
                let done = handle
                    .import_catalogue(futures::stream::iter([Ok::<_, Failed>(items)]))
                    .await?;
                info!(
                    added = done.added,
                    changed = done.changed,
                    removed = done.removed,
                    "catalogue taken in"
                );
            }
            handle.sell(shop.rules, shop.listen).await?;
        }
        let desk = {
            let dir = home.path().to_owned();
            let strands = tokio::task::spawn_blocking(move || Strands::open(&dir)).await??;
            Arc::new(Desk::new(strands, policy))
        };
        // Nobody asks for anything yet, so a secret without its request is nobody's.
        desk.forget_strays(&handle).await?;
        tokio::spawn(strands::keep(desk.clone(), handle.clone(), shutdown.clone()));
        tokio::spawn(returning::keep(
            documents.clone(),
            owner,
            handle.clone(),
            shutdown.clone(),
        ));
        let porter = Arc::new(Porter::new(documents));
        tokio::spawn(documents::keep(porter.clone(), handle.clone(), shutdown.clone()));
        handle.reachable().await;
        let server = api::Server::bind(&setup.api, home.path()).await?;
        let api = server.addr();
        let vault = Keeper::new(home.path(), &setup.vault);
        tokio::spawn(vault.clone().watch(shutdown.clone()));
        let stop = shutdown.clone();
        let serving = server.run(handle.clone(), vault.clone(), desk, porter, async move {
            stop.cancelled().await
        });
        let serving = tokio::spawn(async move {
            if let Err(why) = serving.await {
                error!(%why, "the local API broke");
            }
        });
        let peer = net::peer_text(&net.local_peer().id);
        Ok(Self {
            handle,
            vault,
            api,
            peer,
            addresses: net.local_addresses(),
            serving,
            _home: home,
        })
    }

    /// Waits until the node has stopped.
    pub async fn stopped(self) {
        // A panic in there has been reported; the node is down either way.
        let _ = self.serving.await;
        self.vault.lock();
    }
}
