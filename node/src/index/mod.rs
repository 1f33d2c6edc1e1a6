//! The seller's catalogue, searchable: which items an intent's words may mean.
//!
//! It recalls and does not judge: what is admissible is `protocol::matching`'s to say, and what comes first is the
//! customer's. It holds nothing of its own: the store's catalogue is the truth, and the index is made from it anew
//! whenever the two differ.

mod board;
mod cut;
mod error;
mod extras;
mod filters;
mod gate;
mod live;
mod ordinals;
mod parts;
mod plan;
mod schema;
mod score;
mod shape;
mod spelling;
mod spoken;
mod why;
mod words;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use intentcast_protocol::{
    intent::{Intent, Language},
    item::Item,
    limits,
};
use tracing::info;

use self::{board::Boards, live::Live, plan::Plan, score::Hit, words::Words};
pub use self::{
    error::IndexError,
    filters::Filters,
    shape::Shape,
    why::{Because, Why},
};
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
    boards: Boards,
    shape: Shape,
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
            boards: Boards::default(),
            shape: Shape::default(),
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
            boards: Boards::default(),
            shape: Shape::default(),
        })
    }

    /// Searches with other weights from now on, for trying them.
    pub fn shape(&mut self, shape: Shape) {
        self.shape = shape;
    }

    /// An item as the store has it now.
    ///
    /// # Errors
    /// [`IndexError::Store`].
    pub fn item(&self, id: &str) -> Result<Option<Item>, IndexError> {
        Ok(self.store.item(id)?)
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

    /// Takes over what an import did: where it touched few items, by those alone. The next import begins after that.
    ///
    /// # Errors
    /// As [`Index::refresh`].
    pub fn follow(&self, taken: Taken) -> Result<bool, IndexError> {
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
        let found = self.run(
            &Words::of(intent),
            &Filters::of(intent, lowest),
            &about,
            limits::CANDIDATES,
        )?;
        self.candidates(found, limit)
    }

    /// The items that `text`, in English, may mean, within `filters`.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search_text(&self, text: &str, filters: &Filters, limit: usize) -> Result<Vec<Candidate>, IndexError> {
        let words = Words::typed(text, Language::ENGLISH);
        let found = self.run(&words, filters, text, limit.min(limits::CANDIDATES))?;
        self.candidates(found, limit)
    }

    /// The same with the reasons for each.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn explain_text(
        &self,
        text: &str,
        filters: &Filters,
        limit: usize,
    ) -> Result<Vec<(Candidate, Why)>, IndexError> {
        let words = Words::typed(text, Language::ENGLISH);
        let mut found = self.run(&words, filters, text, limit.min(limits::CANDIDATES))?;
        let because: Vec<Why> = found
            .hits
            .iter()
            .map(|hit| {
                Ok(Why::of(
                    score::explain(&found.live.parts, &found.plan, &self.shape, *hit)?,
                    &self.shape,
                ))
            })
            .collect::<std::io::Result<_>>()
            .map_err(|error| self.failed(&error))?;
        // One by one, since an item may be gone by now.
        let mut all = Vec::new();
        let hits = std::mem::take(&mut found.hits);
        for (hit, why) in hits.into_iter().zip(because) {
            let live = Arc::clone(&found.live);
            let one = Found {
                hits: vec![hit],
                live,
                plan: found.plan.clone(),
            };
            all.extend(
                self.candidates(one, 1)?
                    .into_iter()
                    .map(|candidate| (candidate, why.clone())),
            );
        }
        Ok(all)
    }

    /// The ids alone, for measuring: what is found, without a look into the store.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search_ids(&self, text: &str, filters: &Filters, limit: usize) -> Result<Vec<(String, f32)>, IndexError> {
        let found = self.run(&Words::typed(text, Language::ENGLISH), filters, text, limit)?;
        let ids = self.ids(&found)?;
        Ok(ids.into_iter().zip(found.hits.iter().map(|hit| hit.score)).collect())
    }

    /// Where an item has the want's words: `title: stroller, twin`, a line for each place that has any.
    pub fn why(&self, intent: &Intent, item: &Item) -> Vec<String> {
        why::lines(&Words::of(intent), item)
    }

    fn run(&self, words: &Words, filters: &Filters, about: &str, limit: usize) -> Result<Found, IndexError> {
        let live = self.live();
        let run = || {
            let plan = Plan::of(&live.parts, words, filters, about, &self.shape)?;
            let hits = match limit {
                0 => Vec::new(),
                _ if plan.is_empty() => Vec::new(),
                _ => score::search(&live.parts, &self.boards, &plan, filters, &self.shape, limit)?,
            };
            Ok((plan, hits))
        };
        let (plan, hits) = run().map_err(|error: std::io::Error| self.failed(&error))?;
        Ok(Found { hits, live, plan })
    }

    fn candidates(&self, mut found: Found, limit: usize) -> Result<Vec<Candidate>, IndexError> {
        found.hits.truncate(limit);
        let ids = self.ids(&found)?;
        // An item that a newer import took away is no candidate, whatever this index still knows of it.
        let items = self.store.items(&ids)?;
        Ok(items
            .into_iter()
            .zip(&found.hits)
            .filter_map(|(item, hit)| item.map(|item| Candidate { item, score: hit.score }))
            .collect())
    }

    fn ids(&self, found: &Found) -> Result<Vec<String>, IndexError> {
        let parts = &found.live.parts.parts;
        let ids = found
            .hits
            .iter()
            .map(|hit| Ok(parts[hit.part].id(hit.item)?.unwrap_or_default()));
        ids.collect::<std::io::Result<_>>().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &std::io::Error) -> IndexError {
        IndexError::io(self.place(), error)
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().expect("no one panics while holding it"))
    }

    fn place(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(|| "memory".into())
    }
}

/// What a search found, and in which index.
struct Found {
    hits: Vec<Hit>,
    live: Arc<Live>,
    plan: Plan,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
