//! What the local API needs of the node behind it, and the plain values that pass between them.
//!
//! The API knows no socket of the market, no store and no index: the node's driver is one backend, a test's bare
//! market another.

use std::{collections::BTreeMap, future::Future};

use futures::Stream;
use intentcast_protocol::{
    attribute::{Holds, Strength, Wish},
    intent::Intent,
    item::Item,
    ledger::Stored,
    market::{Answered, Command, Denied, Event, Market},
    matching::{Check, Test},
    place::{Fulfilment, Place, Region, Serves},
    rules::Rules,
    standing::Sought,
    text::Word,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{
    cart::{Basket, BasketChange},
    catalogue::{SHIPS_TO, ships_to},
    index::{Filters, Index, IndexError, Why},
    portability::archive::{Archived, Taken},
};

/// A running node, as the API sees it.
pub trait Backend: Clone + Send + Sync + 'static {
    /// Carries out a command; done means on disk.
    fn command(&self, command: Command) -> impl Future<Output = Result<Answered, CommandError>> + Send;

    /// Looks at the market at a moment when all that it shows is on disk.
    fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(Timestamp, &Market) -> R + Send + 'static,
    ) -> impl Future<Output = Result<R, Stopped>> + Send;

    /// What happened after the event of this number, as far back as it is remembered, and then what happens. `None`:
    /// only what happens.
    fn events(&self, after: Option<u64>) -> impl Stream<Item = (u64, Timestamp, Event)> + Send + use<Self>;

    /// Takes the items that come, batch by batch, as the whole catalogue: once the last has come, and not at all where
    /// one of them is an error.
    fn import_catalogue<E: From<Failed> + Send>(
        &self,
        batches: impl Stream<Item = Result<Vec<Item>, E>> + Send,
    ) -> impl Future<Output = Result<Imported, E>> + Send;

    /// The catalogue's items most like these words, best first.
    fn search_catalogue(&self, search: Search) -> impl Future<Output = Result<Vec<Found>, Failed>> + Send;

    /// The catalogue in numbers.
    fn catalogue_stats(&self) -> impl Future<Output = Result<CatalogueStats, Failed>> + Send;

    /// What these rules would make of a want, with the catalogue as it is.
    fn try_rules(
        &self,
        rules: Rules,
        intent: Intent,
        expires: Timestamp,
    ) -> impl Future<Output = Result<Vec<Tried>, Failed>> + Send;

    /// What it waits for, by name.
    fn interests(&self) -> impl Future<Output = Result<BTreeMap<Word, Sought>, Failed>> + Send;

    /// Waits for this under this name from now on, also after a restart; says whether it waited under it before.
    fn wait_for(&self, name: Word, sought: Sought) -> impl Future<Output = Result<bool, CommandError>> + Send;

    /// Waits no more for what has this name; says whether it did.
    fn wait_no_more(&self, name: Word) -> impl Future<Output = Result<bool, CommandError>> + Send;

    /// What is kept of the cart.
    fn basket(&self) -> impl Future<Output = Result<Basket, Failed>> + Send;

    /// Changes it; done means on disk. Says whether what it is about was there before.
    fn change_basket(&self, change: BasketChange) -> impl Future<Output = Result<bool, Failed>> + Send;
    /// Entries of the ledger from this number on, as many as one answer holds; none after the last.
    fn ledger(&self, from: u64) -> impl Future<Output = Result<Vec<Stored>, Failed>> + Send;

    /// What stands in the archive after this key, as much as one answer holds; nothing after the last.
    fn archived(&self, after: Option<String>) -> impl Future<Output = Result<Vec<Archived>, Failed>> + Send;

    /// Puts these into the archive, all of them or none.
    fn archive(&self, archived: Vec<Archived>) -> impl Future<Output = Result<Taken, Failed>> + Send;

    /// How the node stands in the network.
    fn net_status(&self) -> impl Future<Output = Result<NetStatus, Stopped>> + Send;

    /// The peers it is connected with.
    fn peers(&self) -> impl Future<Output = Result<Vec<PeerView>, Stopped>> + Send;
}

/// The node is going down, or its one task has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the node is stopping")]
pub struct Stopped;

/// Why a command was not carried out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommandError {
    /// The market does not do it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no market any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why something with the catalogue or the rules did not work.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failed {
    /// There is no node any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// No more fits, and how many did.
    #[error("{0}")]
    Full(String),
    /// Disk or index, in their words.
    #[error("{0}")]
    Broken(String),
}

/// What an import did.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
pub struct Imported {
    /// Items that are new.
    pub added: u64,
    /// Items that were there and say something else now.
    pub changed: u64,
    /// Items that are gone.
    pub removed: u64,
    /// Items that stayed as they were.
    pub unchanged: u64,
}

/// What to search the catalogue for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Search {
    /// The words.
    pub words: String,
    /// How many items at most.
    pub limit: usize,
    /// What must hold of them.
    pub filters: Filters,
    /// What is better so: held against each item where reasons are asked for.
    pub wishes: Vec<Wish>,
    /// Whether to say why, for each.
    pub explain: bool,
}

impl Search {
    /// Its answer from this index, best first.
    ///
    /// # Errors
    /// [`IndexError`] where index or store cannot be read.
    pub fn run(&self, index: &Index) -> Result<Vec<Found>, IndexError> {
        if !self.explain {
            let found = index.search_text(&self.words, &self.filters, self.limit)?;
            let plain = found.into_iter().map(|found| Found {
                item: found.item,
                score: found.score,
                explained: None,
            });
            return Ok(plain.collect());
        }
        let found = index.explain_text(&self.words, &self.filters, self.limit)?;
        let explained = found.into_iter().map(|(found, why)| Found {
            score: found.score,
            explained: Some(Explained {
                why,
                constraints: self.constraints(&found.item),
                preferences: self.preferences(&found.item),
            }),
            item: found.item,
        });
        Ok(explained.collect())
    }

    /// What must hold, as the protocol tests it.
    fn constraints(&self, item: &Item) -> Vec<Check> {
        let mut tests = Vec::new();
        if let Some(asked) = self.filters.ceiling {
            let offered = item.price;
            let currency = Test::Currency {
                asked: asked.currency,
                offered: offered.currency,
            };
            let asked = Some(asked);
            tests.extend([currency, Test::Budget { asked, offered }]);
        }
        if let Some(asked) = self.filters.category {
            let offered = item.category;
            tests.push(Test::Category { asked, offered });
        }
        tests.extend(self.filters.region.and_then(|asked| sent(item, asked)));
        let check = |test: Test| Check {
            verdict: test.holds(),
            test,
        };
        tests.into_iter().map(check).collect()
    }

    fn preferences(&self, item: &Item) -> Vec<Preferred> {
        let preferred = self.wishes.iter().map(|wish| Preferred {
            wish: wish.to_string(),
            holds: wish.holds(&item.attributes),
        });
        preferred.collect()
    }
}

/// Whether the item is sent there, by what it says of it: of several regions the one that suits best.
fn sent(item: &Item, asked: Region) -> Option<Test> {
    let Some(regions) = ships_to(item) else {
        // Then the seller's rules alone decide.
        let asked = Wish::parse(&format!("{SHIPS_TO}={asked}"), Strength::Must).ok()?;
        return Some(Test::Attribute { asked, offered: None });
    };
    let tests = regions.into_iter().map(|region| Test::Place {
        asked: Place::within(asked),
        offered: Serves {
            region,
            cell: None,
            mode: Fulfilment::Delivery,
        },
    });
    tests.min_by_key(|test| match test.holds() {
        Holds::Met => 0,
        Holds::Unknown => 1,
        Holds::Unmet => 2,
    })
}

/// One item that a search found.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Found {
    /// It.
    pub item: Item,
    /// How well it fits the words; of use only against others of the same search.
    pub score: f32,
    /// Why, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained: Option<Explained>,
}

/// Why an item was found.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Explained {
    /// Where its points come from.
    pub why: Why,
    /// What must hold: asked, offered, and whether it does.
    pub constraints: Vec<Check>,
    /// What is better so, and whether it is.
    pub preferences: Vec<Preferred>,
}

/// What became of a preference.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Preferred {
    /// The wish, as a person writes it.
    pub wish: String,
    /// Whether the item has it so; an item that does not say is unknown.
    pub holds: Holds,
}

/// The catalogue in numbers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
pub struct CatalogueStats {
    /// Items in all.
    pub items: u64,
    /// Items of each root category, by its path.
    pub categories: BTreeMap<String, u64>,
    /// When stock was last counted.
    pub counted: Option<Timestamp>,
}

/// What rules make of one item for a want.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Tried {
    /// The seller's own number for the item.
    pub item: Word,
    /// Where the item itself says that it is sent; without a word, the rules alone decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ships_to: Option<Vec<Region>>,
    /// An offer, or why there is none.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// An offer or none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// The rules offer it.
    Offer {
        /// What it is called.
        title: String,
        /// What the customer would pay in all.
        total: intentcast_protocol::money::Money,
        /// What each rule did to the price.
        steps: Vec<String>,
        /// What it would be worth to the customer.
        points: i64,
        /// Where the points come from.
        why: String,
    },
    /// They do not.
    None {
        /// Why.
        why: String,
    },
}

impl Outcome {
    /// The outcome of a quote.
    pub fn of(quote: &Result<intentcast_protocol::rules::Quote, intentcast_protocol::rules::NoQuote>) -> Self {
        match quote {
            Ok(quote) => Self::Offer {
                title: quote
                    .offer
                    .lines
                    .first()
                    .map(|line| line.title.to_string())
                    .unwrap_or_default(),
                total: quote.offer.totals.landed(),
                steps: quote.steps.clone(),
                points: quote.score.total(),
                why: quote.score.to_string(),
            },
            Err(no) => Self::None { why: no.0.clone() },
        }
    }
}

/// How the node stands in the network.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
pub struct NetStatus {
    /// Its own id.
    #[serde(default)]
    pub peer_id: String,
    /// Peers it is connected with.
    pub peers: usize,
    /// Connections; a peer may have several.
    pub connections: usize,
    /// Topics it is on, and how many peers its mesh has there.
    pub topics: Vec<(String, usize)>,
    /// Multiaddrs it listens on.
    pub listening: Vec<String>,
    /// What was counted since start; names are the metrics' names.
    pub counters: BTreeMap<String, u64>,
}

/// One connected peer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct PeerView {
    /// Its id.
    pub peer: String,
    /// Where.
    pub addrs: Vec<String>,
    /// What it says it runs; a stranger's word.
    pub agent: Option<String>,
    /// How many topics it is on.
    pub topics: usize,
}
