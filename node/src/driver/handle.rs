//! How the API and the program speak to the driver.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use futures::{Stream, StreamExt as _};
use intentcast_protocol::{
    id::{IntentId, RecordId},
    intent::Intent,
    item::Item,
    ledger::Stored,
    limits,
    market::{self, Answered, Command, Denied, Event, Market},
    place::Fulfilment,
    rules::{Asked, NoQuote, Rules},
    standing::Sought,
    text::Word,
    time::Timestamp,
    topic::Topic,
};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::{Ask, now, reply_path, ring::Ring};
use crate::{
    api::backend::{
        Backend, CatalogueStats, CommandError, Failed, Found, Imported, NetStatus, Outcome, PeerView, Search, Stopped,
        Tried,
    },
    cart::{Basket, BasketChange},
    catalogue::{ships, ships_to},
    index::{Candidate, Index},
    net,
    portability::archive::{self, Archived, Taken},
    store::{Staging, Store, StoreError},
};

/// A node's market, for everybody in the process who is not the driver.
#[derive(Clone)]
pub struct Handle {
    asks: mpsc::Sender<Ask>,
    ring: Arc<Ring>,
    net: net::Handle,
    store: Arc<Store>,
    index: Arc<RwLock<Option<Index>>>,
    index_dir: Arc<Path>,
    /// Held by the one that makes the first index.
    making: Arc<Mutex<()>>,
}

/// Items of an import that are stored at once.
const STAGE_AT_ONCE: usize = 2000;
/// How long an import waits for the one before it, and how often it asks.
const IMPORT_PATIENCE: Duration = Duration::from_secs(20);
const IMPORT_BEAT: Duration = Duration::from_millis(50);

/// Items of the catalogue for an intent, best first; none where the index fails, which is said in the log.
pub(super) fn candidates(
    index: &RwLock<Option<Index>>,
    store: &Store,
    intent: &Intent,
    lowest: u32,
) -> Vec<market::Candidate> {
    let index = index.read().unwrap_or_else(PoisonError::into_inner);
    let Some(index) = index.as_ref() else { return Vec::new() };
    let found = index.search_down_to(intent, lowest, limits::CANDIDATES);
    let counted = store.counted();
    match (found, counted) {
        (Ok(found), Ok(counted)) => found
            .into_iter()
            .filter(|found| reaches(&found.item, intent))
            .map(|found| market::Candidate {
                item: found.item,
                counted,
            })
            .collect(),
        (Err(why), _) => {
            error!(%why, "the catalogue could not be searched");
            Vec::new()
        }
        (_, Err(why)) => {
            error!(%why, "the catalogue could not be read");
            Vec::new()
        }
    }
}

/// Whether an item can come to who wants it, as far as the item itself says.
fn reaches(item: &Item, intent: &Intent) -> bool {
    intent.fulfilment.contains(Fulfilment::Pickup) || ships(item, &intent.place.region)
}

/// The lowest share of an item's price that these rules may come down to, hundredths of a percent.
pub(super) fn lowest(rules: Option<&Rules>) -> u32 {
    rules
        .filter(|rules| rules.meet_budget || rules.adjust.iter().any(|adjust| adjust.basis_points < 0))
        .map_or(10_000, |rules| rules.floor_basis_points.min(10_000))
}

impl Handle {
    pub(super) fn new(
        asks: mpsc::Sender<Ask>,
        ring: Arc<Ring>,
        net: net::Handle,
        store: Arc<Store>,
        index: Arc<RwLock<Option<Index>>>,
        index_dir: PathBuf,
    ) -> Self {
        Self {
            asks,
            ring,
            net,
            store,
            index,
            index_dir: index_dir.into(),
            making: Arc::default(),
        }
    }

    /// Sells by these rules, and listens where they lead, from now on.
    ///
    /// # Errors
    /// [`CommandError::Stopped`].
    pub async fn sell(&self, rules: Rules, listen: BTreeSet<Topic>) -> Result<(), CommandError> {
        self.command(Command::Listen(listen)).await?;
        self.command(Command::Rules(Some(Box::new(rules)))).await?;
        Ok(())
    }

    /// Waits until the node knows how it can be reached.
    pub async fn reachable(&self) {
        let mut local = self.net.watch_local();
        // The network stopped: whoever waits will hear so from the next call.
        let _ = local.wait_for(|peer| !peer.addrs.is_empty()).await;
    }

    async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Store, &RwLock<Option<Index>>) -> Result<R, String> + Send + 'static,
    ) -> Result<R, Failed> {
        let (store, index) = (self.store.clone(), self.index.clone());
        tokio::task::spawn_blocking(move || work(&store, &index))
            .await
            .map_err(|_| Failed::Stopped(Stopped))?
            .map_err(Failed::Broken)
    }

    /// Begins to take in a catalogue, once the last one is done with, if that is soon: of one that breaks off we hear a
    /// little later than whoever broke it off.
    async fn begin_import(&self) -> Result<Staging, Failed> {
        let patience = tokio::time::Instant::now() + IMPORT_PATIENCE;
        loop {
            let begun = self.blocking(|store, _| match store.begin_import() {
                Err(StoreError::Importing) => Ok(None),
                begun => begun.map(Some).map_err(|why| why.to_string()),
            });
            match begun.await? {
                Some(staging) => return Ok(staging),
                None if patience <= tokio::time::Instant::now() => {
                    return Err(Failed::Broken(StoreError::Importing.to_string()));
                }
                None => tokio::time::sleep(IMPORT_BEAT).await,
            }
        }
    }

    /// Runs `work` on the index, made where there is none yet.
    async fn indexed<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Index) -> Result<R, String> + Send + 'static,
    ) -> Result<R, Failed> {
        let (store, dir, making) = (self.store.clone(), self.index_dir.clone(), self.making.clone());
        self.blocking(move |_, slot| {
            // Two at once would make it in the same folder. Who only searches does not wait for it.
            let making = making.lock().unwrap_or_else(PoisonError::into_inner);
            if slot.read().unwrap_or_else(PoisonError::into_inner).is_none() {
                let made = Index::open(&*dir, store).map_err(|why| why.to_string())?;
                slot.write().unwrap_or_else(PoisonError::into_inner).get_or_insert(made);
            }
            drop(making);
            let index = slot.read().unwrap_or_else(PoisonError::into_inner);
            work(index.as_ref().ok_or("there is no index")?)
        })
        .await
    }
}

/// Why an interest was not kept, as the market would say it.
fn not_kept(why: StoreError) -> Denied {
    match why {
        StoreError::Many(most) => Denied::TooManyInterests(most),
        why => {
            error!(%why, "an interest could not be written");
            Denied::NotStored
        }
    }
}

impl Backend for Handle {
    async fn command(&self, command: Command) -> Result<Answered, CommandError> {
        let (answer, answered) = oneshot::channel();
        self.asks
            .send(Ask::Command(command, answer))
            .await
            .map_err(|_| Stopped)?;
        Ok(answered.await.map_err(|_| Stopped)??)
    }

    async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(Timestamp, &Market) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let (answer, answered) = oneshot::channel();
        let reader = Box::new(move |now: Timestamp, market: &Market| {
            // Whoever asked may be gone; then nobody needs the answer.
            let _ = answer.send(look(now, market));
        });
        self.asks.send(Ask::Read(reader)).await.map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }

    fn events(&self, after: Option<u64>) -> impl Stream<Item = (u64, Timestamp, Event)> + Send + use<> {
        let ring = self.ring.clone();
        let from = after.unwrap_or_else(|| ring.last());
        futures::stream::unfold((ring, from), |(ring, from)| async move {
            let new = ring.after(from).await;
            let last = new.last().map_or(from, |(number, ..)| *number);
            Some((futures::stream::iter(new), (ring, last)))
        })
        .flatten()
    }

    async fn import_catalogue<E: From<Failed> + Send>(
        &self,
        batches: impl Stream<Item = Result<Vec<Item>, E>> + Send,
    ) -> Result<Imported, E> {
        let mut batches = std::pin::pin!(batches);
        let mut staging = self.begin_import().await?;
        let (mut waiting, mut is_coming) = (Vec::new(), true);
        while is_coming {
            match batches.next().await {
                Some(batch) => waiting.extend(batch?),
                None => is_coming = false,
            }
            // A commit costs much and an item little.
            if waiting.len() >= STAGE_AT_ONCE || !is_coming {
                let items = std::mem::take(&mut waiting);
                let stage = move |store: &Store, _: &RwLock<Option<Index>>| {
                    store.stage(&mut staging, &items).map_err(|why| why.to_string())?;
                    Ok(staging)
                };
                staging = self.blocking(stage).await?;
            }
        }
        let finish = move |store: &Store, _: &RwLock<Option<Index>>| {
            store.finish_import(staging, now()).map_err(|why| why.to_string())
        };
        let taken = self.blocking(finish).await?;
        let diff = taken.diff;
        let done = Imported {
            added: diff.added,
            changed: diff.changed,
            removed: diff.removed,
            unchanged: diff.unchanged,
        };
        self.indexed(move |index| index.follow(taken).map(drop).map_err(|why| why.to_string()))
            .await?;
        // What is open may fit what is new.
        let rules = self
            .read(|_, market| market.rules().cloned())
            .await
            .map_err(Failed::from)?;
        if let Some(rules) = rules
            && let Err(CommandError::Stopped(stopped)) = self.command(Command::Rules(Some(Box::new(rules)))).await
        {
            return Err(Failed::from(stopped).into());
        }
        Ok(done)
    }

    async fn search_catalogue(&self, search: Search) -> Result<Vec<Found>, Failed> {
        self.indexed(move |index| search.run(index).map_err(|why| why.to_string()))
            .await
    }

    async fn catalogue_stats(&self) -> Result<CatalogueStats, Failed> {
        self.blocking(|store, _| {
            let mut stats = CatalogueStats::default();
            let stamp = store
                .for_each_item(|item| {
                    stats.items += 1;
                    let root = item.category.root().lookup().map_or("unknown", |root| root.path);
                    *stats.categories.entry(root.to_owned()).or_default() += 1;
                    Ok::<_, StoreError>(())
                })
                .map_err(|why| why.to_string())?;
            stats.counted = (stamp.items > 0).then_some(stamp.counted);
            Ok(stats)
        })
        .await
    }

    async fn try_rules(&self, rules: Rules, intent: Intent, expires: Timestamp) -> Result<Vec<Tried>, Failed> {
        let reply = reply_path(&self.net.local_peer()).unwrap_or_default();
        let least = lowest(Some(&rules));
        self.indexed(move |index| {
            let found = index
                .search_down_to(&intent, least, limits::CANDIDATES)
                .map_err(|why| why.to_string())?;
            let asked = Asked {
                id: IntentId::default(),
                revision: RecordId::default(),
                intent: &intent,
                expires,
            };
            let now = now();
            let mut tried: Vec<_> = found
                .into_iter()
                .map(|Candidate { item, .. }| {
                    let quote = match reaches(&item, &intent) {
                        true => rules.quote(now, &asked, &item, item.stock, &reply),
                        false => Err(NoQuote(format!(
                            "the item itself is not sent to {}",
                            intent.place.region
                        ))),
                    };
                    (quote, item)
                })
                .collect();
            tried.sort_by_key(|(quote, _)| std::cmp::Reverse(quote.as_ref().map(|quote| quote.score.total()).ok()));
            Ok(tried
                .into_iter()
                .map(|(quote, item)| Tried {
                    ships_to: ships_to(&item),
                    item: item.id,
                    outcome: Outcome::of(&quote),
                })
                .collect())
        })
        .await
    }

    async fn interests(&self) -> Result<BTreeMap<Word, Sought>, Failed> {
        self.blocking(|store, _| store.interests().map_err(|why| why.to_string()))
            .await
    }

    async fn wait_for(&self, name: Word, sought: Sought) -> Result<bool, CommandError> {
        let store = self.store.clone();
        let (kept, to_keep) = (name.clone(), sought.clone());
        let before = tokio::task::spawn_blocking(move || store.keep_interest(&kept, &to_keep))
            .await
            .map_err(|_| Stopped)?
            .map_err(not_kept)?;
        self.command(Command::Await(name, Some(Box::new(sought)))).await?;
        Ok(before)
    }

    async fn wait_no_more(&self, name: Word) -> Result<bool, CommandError> {
        let (store, gone) = (self.store.clone(), name.clone());
        let before = tokio::task::spawn_blocking(move || store.forget_interest(gone.as_str()))
            .await
            .map_err(|_| Stopped)?
            .map_err(not_kept)?;
        self.command(Command::Await(name, None)).await?;
        Ok(before)
    }

    async fn basket(&self) -> Result<Basket, Failed> {
        self.blocking(|store, _| {
            let wishes = store.wishes().map_err(|why| why.to_string())?;
            let wishes = wishes.into_iter().map(|(name, bytes)| {
                let want = serde_json::from_slice(&bytes).map_err(|why| format!("wish {name}: {why}"))?;
                Ok((name, want))
            });
            Ok(Basket {
                wishes: wishes.collect::<Result<_, String>>()?,
                saved: store.saved_offers().map_err(|why| why.to_string())?,
            })
        })
        .await
    }

    async fn change_basket(&self, change: BasketChange) -> Result<bool, Failed> {
        let store = self.store.clone();
        let changed = tokio::task::spawn_blocking(move || match change {
            BasketChange::Wish(name, want) => {
                let wish = serde_json::to_vec(&want).expect("a want is plain fields, which JSON always takes");
                store.keep_wish(&name, &wish)
            }
            BasketChange::Unwish(name) => store.forget_wish(name.as_str()),
            BasketChange::Save(offer, at) => store.save_offer(offer, at),
            BasketChange::Unsave(offer) => store.forget_offer(offer),
        });
        changed.await.map_err(|_| Stopped)?.map_err(|why| match why {
            StoreError::CartFull(_) => Failed::Full(why.to_string()),
            why => {
                error!(%why, "the cart could not be written");
                Failed::Broken(why.to_string())
            }
        })
    }

    async fn ledger(&self, from: u64) -> Result<Vec<Stored>, Failed> {
        self.blocking(move |store, _| store.entries_page(from).map_err(|why| why.to_string()))
            .await
    }

    async fn archived(&self, after: Option<String>) -> Result<Vec<Archived>, Failed> {
        self.blocking(move |store, _| archive::page(store, after.as_deref()).map_err(|why| why.to_string()))
            .await
    }

    async fn archive(&self, archived: Vec<Archived>) -> Result<Taken, Failed> {
        self.blocking(move |store, _| archive::keep(store, &archived).map_err(|why| why.to_string()))
            .await
    }

    async fn net_status(&self) -> Result<NetStatus, Stopped> {
        let status = self.net.status().await.ok_or(Stopped)?;
        let local = self.net.local_peer();
        let counters = serde_json::to_value(status.counters).ok();
        let counters: BTreeMap<String, u64> = counters
            .and_then(|counters| serde_json::from_value(counters).ok())
            .unwrap_or_default();
        Ok(NetStatus {
            peer_id: net::peer_text(&local.id),
            peers: status.peers,
            connections: status.connections,
            topics: status.topics.into_iter().collect(),
            listening: self.net.local_addresses(),
            counters,
        })
    }

    async fn peers(&self) -> Result<Vec<PeerView>, Stopped> {
        let peers = self.net.peers().await;
        Ok(peers
            .into_iter()
            .map(|peer| PeerView {
                peer: peer.id,
                addrs: peer.addrs,
                agent: (!peer.agent.is_empty()).then_some(peer.agent),
                topics: peer.topics,
            })
            .collect())
    }
}
