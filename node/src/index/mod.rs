//! The seller's catalogue, searchable: which items an intent's words may mean.
//!
//! It recalls and does not judge: what is admissible is `protocol::matching`'s to say, and what comes first is the
//! customer's. It holds nothing of its own: the store's catalogue is the truth, and the index is made from it anew
//! whenever the two differ.

mod error;
mod live;
mod query;
mod schema;
mod words;

use std::{
    cmp::Reverse,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use intentcast_protocol::{intent::Intent, item::Item, limits};
use tantivy::{
    Order,
    collector::{
        TopDocs,
        sort_key::{SortBySimilarityScore, SortByStaticFastValue},
    },
    schema::Value,
};
use tracing::info;

pub use self::{error::IndexError, query::Filters};
use self::{live::Live, words::Words};
use crate::store::{Stamp, Store, Taken};

/// An item that may be what is wanted.
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    /// As the store has it now.
    pub item: Item,
    /// How alike; says nothing but which of two comes first.
    pub score: f32,
}

/// The index of one store's catalogue.
pub struct Index {
    store: Arc<Store>,
    dir: Option<PathBuf>,
    live: RwLock<Arc<Live>>,
}

impl Index {
    /// The index in `dir`, made anew where it is missing, damaged, of another form or of another catalogue.
    ///
    /// # Errors
    /// [`IndexError`] where it cannot be made either.
    pub fn open(dir: impl AsRef<Path>, store: Arc<Store>) -> Result<Self, IndexError> {
        let dir = dir.as_ref().to_path_buf();
        let stamp = store.catalogue()?;
        let live = match Live::open(&dir, stamp) {
            Ok(live) => live,
            Err(why) => {
                info!(items = stamp.items, why, "making the index of the catalogue");
                Live::build(Some(&dir), &store)?
            }
        };
        Ok(Self {
            store,
            dir: Some(dir),
            live: RwLock::new(Arc::new(live)),
        })
    }

    /// An index that is gone with its last use.
    ///
    /// # Errors
    /// [`IndexError::Store`] where the catalogue cannot be read.
    pub fn in_memory(store: Arc<Store>) -> Result<Self, IndexError> {
        let live = Live::build(None, &store)?;
        Ok(Self {
            store,
            dir: None,
            live: RwLock::new(Arc::new(live)),
        })
    }

    /// Makes the index anew if the store's catalogue is another by now; searches go on meanwhile in the old one.
    /// Says whether it did.
    ///
    /// # Errors
    /// [`IndexError`]; the old index stays.
    pub fn refresh(&self) -> Result<bool, IndexError> {
        if self.store.catalogue()? == self.stamp() {
            return Ok(false);
        }
        let live = Live::build(self.dir.as_deref(), &self.store)?;
        *self.live.write().expect("no one panics while holding it") = Arc::new(live);
        Ok(true)
    }

    /// Takes over what an import did: where it touched few items that were there before, by those alone.
    ///
    /// # Errors
    /// As [`Index::refresh`].
    pub fn follow(&self, taken: &Taken) -> Result<bool, IndexError> {
        let live = self.live();
        if let Some(touched) = taken.touched.as_deref().filter(|_| live.stamp == taken.from)
            && let Some(next) = live.updated(&self.store, touched, &self.place())?
        {
            *self.live.write().expect("no one panics while holding it") = Arc::new(next);
            return Ok(true);
        }
        self.refresh()
    }

    /// Which catalogue it was made from.
    pub fn stamp(&self) -> Stamp {
        self.live().stamp
    }

    /// The items that may be what `intent` asks for, the likest first, at most `limit` and [`limits::CANDIDATES`].
    ///
    /// Those are left out whose currency, condition or category cannot suit, or whose price is over the budget.
    ///
    /// # Errors
    /// [`IndexError`] where index or store cannot be read.
    pub fn search(&self, intent: &Intent, limit: usize) -> Result<Vec<Candidate>, IndexError> {
        self.search_down_to(intent, 10_000, limit)
    }

    /// The same for a seller whose price may fall to `lowest` hundredths of a percent of the catalogue's.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search_down_to(&self, intent: &Intent, lowest: u32, limit: usize) -> Result<Vec<Candidate>, IndexError> {
        let about = format!("{} {}", intent.title, intent.text);
        self.run(&Words::of(intent), &Filters::of(intent, lowest), &about, limit)
    }

    /// The items that `text` may mean, within `filters`.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search_text(&self, text: &str, filters: &Filters, limit: usize) -> Result<Vec<Candidate>, IndexError> {
        self.run(&Words::typed(text), filters, text, limit)
    }

    /// Where an item has the want's words: `title: stroller, twin`, a line for each place that has any.
    pub fn why(&self, intent: &Intent, item: &Item) -> Vec<String> {
        matched(&Words::of(intent), item)
    }

    fn run(&self, words: &Words, filters: &Filters, about: &str, limit: usize) -> Result<Vec<Candidate>, IndexError> {
        let limit = limit.min(limits::CANDIDATES);
        let live = self.live();
        let Some(query) = query::query(&live.fields, words, filters, about).filter(|_| limit > 0) else {
            return Ok(Vec::new());
        };
        let by_ordinal = SortByStaticFastValue::<u64>::for_field("ordinal");
        let top = TopDocs::with_limit(limit).order_by((SortBySimilarityScore, (by_ordinal, Order::Asc)));
        let found = || {
            let searcher = live.reader.searcher();
            let mut found = Vec::new();
            for ((score, ordinal), address) in searcher.search(&*query, &top)? {
                let document: tantivy::TantivyDocument = searcher.doc(address)?;
                let id = document
                    .get_first(live.fields.id)
                    .and_then(|id| id.as_str().map(str::to_owned));
                found.extend(id.map(|id| (score, ordinal, id)));
            }
            Ok(found)
        };
        let mut found = found().map_err(|error| IndexError::tantivy(self.place(), &error))?;
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let ids: Vec<String> = found.iter().map(|(_, _, id)| id.clone()).collect();
        // An item that a newer import took away is no candidate, whatever this index still knows of it.
        let items = self.store.items(&ids)?;
        Ok(items
            .into_iter()
            .zip(found)
            .filter_map(|(item, (score, ..))| item.map(|item| Candidate { item, score }))
            .collect())
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().expect("no one panics while holding it"))
    }

    fn place(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(|| "memory".into())
    }
}

fn matched(words: &Words, item: &Item) -> Vec<String> {
    let attributes: Vec<String> = item
        .attributes
        .iter()
        .map(|a| format!("{} {}", schema::spaced(a.name.as_str()), a.value))
        .collect();
    let places = [
        ("title", item.title.to_string()),
        ("brand", item.brand.to_string()),
        ("category", schema::kind(item.category)),
        ("attributes", attributes.join(" ")),
        ("description", item.description.to_string()),
    ];
    let mut lines = Vec::new();
    for (place, text) in places {
        let mut there = schema::stems(&text);
        there.extend(schema::stems(&schema::split(&text)));
        let mut found: Vec<(Reverse<bool>, &str)> = words
            .asked
            .iter()
            .filter(|asked| {
                let has = |term: &String| there.contains(term);
                has(&asked.stem) || asked.joined.iter().any(has) || (asked.numeric && asked.parts.iter().all(has))
            })
            .map(|asked| (Reverse(asked.title), asked.said.as_str()))
            .collect();
        found.sort();
        if !found.is_empty() {
            let found: Vec<&str> = found.into_iter().map(|(_, said)| said).collect();
            lines.push(format!("{place}: {}", found.join(", ")));
        }
    }
    let codes = [Some(item.id.to_string()), item.gtin.map(|gtin| gtin.to_string())];
    if codes
        .into_iter()
        .flatten()
        .any(|known| words.codes.contains(&schema::code(&known)))
    {
        lines.insert(0, "number: the very one".into());
    }
    lines
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
