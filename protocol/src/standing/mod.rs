//! Many who wait, one new thing: which of a million standing interests it answers.
//!
//! Two use it alike. A seller waits for wants ("any intent for e-bikes over 800 GBP in Yorkshire"); a customer's open
//! intents wait for goods. It refuses to guess: an interest is answered or it is not, and the answer is the one that
//! [`Interest::takes`] would give, asked one by one.
//!
//! Nobody asks one by one. Each interest lies under the word of its own that fewest others have, so a thing is held
//! against those alone that lie under one of its words; an interest without words lies under its category and region.

mod interest;
mod lexicon;
mod thing;

use std::collections::BTreeMap;

pub use self::{
    interest::{Interest, Limits, Prices, WORDINGS, WORDS, Wording},
    thing::Thing,
};
use self::{lexicon::Lexicon, thing::Whereabouts};
use crate::{
    attribute::{Holds, Wish},
    category::CategoryId,
    place::Region,
};

/// Interests that one store may hold: each asks at most 288 numbers ([`WORDINGS`] x ([`WORDS`] + 2), and 16 wishes), and
/// 8 million times 288 is a number of 32 bits.
pub const MOST: usize = 8_000_000;
/// Changes that go by at least before everything is laid out anew.
const CHANGES: usize = 1_024;
/// A region has fewer regions around it.
const AROUND: usize = 8;

/// There is no room for one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} standing interests already, and no room for more")]
pub struct Full(pub usize);

/// Interests, by the names that their owner gives them.
#[derive(Clone, Debug)]
pub struct Standing<Id> {
    room: usize,
    named: BTreeMap<Id, u32>,
    kept: Vec<Kept<Id>>,
    /// What interests ask by number: for each its wordings, each a length, a least and its words; then its wishes.
    asked: Vec<u32>,
    lexicon: Lexicon,
    /// How many interests have a word, by its number.
    having: Vec<u32>,
    wishes: Wishes,
    by_word: Vec<Vec<Post>>,
    wordless: BTreeMap<(Option<CategoryId>, Option<Region>), Vec<u32>>,
    /// Changes until everything is laid out anew: as many as there were interests when it last was.
    due: usize,
}

/// An interest as it is kept.
#[derive(Clone, Debug)]
struct Kept<Id> {
    id: Id,
    limits: Limits,
    /// Where in `asked` its part begins.
    asked: u32,
    wordings: u8,
    wishes: u8,
    live: bool,
}

/// An interest under one of its words.
#[derive(Clone, Copy, Debug)]
struct Post {
    /// Another word that must be there, or the same again: most things that have the one have not the other, and then
    /// the interest itself need not be looked at.
    also: u32,
    kept: u32,
}

/// Wishes by number: what people wish of things is said over and over.
#[derive(Clone, Debug, Default)]
struct Wishes {
    numbers: BTreeMap<Wish, u32>,
    wishes: Vec<Wish>,
}

impl Wishes {
    fn add(&mut self, wish: &Wish) -> u32 {
        if let Some(known) = self.numbers.get(wish) {
            return *known;
        }
        let next = self.wishes.len() as u32;
        self.numbers.insert(wish.clone(), next);
        self.wishes.push(wish.clone());
        next
    }
}

impl<Id: Ord + Clone> Standing<Id> {
    /// Room for `room` interests, at most [`MOST`]; it takes memory only for those that come.
    pub fn new(room: usize) -> Self {
        Self {
            room: room.min(MOST),
            named: BTreeMap::new(),
            kept: Vec::new(),
            asked: Vec::new(),
            lexicon: Lexicon::default(),
            having: Vec::new(),
            wishes: Wishes::default(),
            by_word: Vec::new(),
            wordless: BTreeMap::new(),
            due: CHANGES,
        }
    }

    /// How many interests there are.
    pub fn len(&self) -> usize {
        self.named.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Keeps an interest, in the place of one of the same name; says whether there was one.
    ///
    /// Now and then, when as much has changed as there is, it lays all of them out anew: that takes as long as keeping
    /// them did, and words are rare or common by what is there then.
    ///
    /// # Errors
    /// [`Full`]; nothing has changed then.
    pub fn insert(&mut self, id: Id, interest: &Interest) -> Result<bool, Full> {
        if self.len() >= self.room && !self.named.contains_key(&id) {
            return Err(Full(self.len()));
        }
        let replaced = self.remove(&id);
        let at = self.kept.len() as u32;
        let asked = self.asked.len() as u32;
        for wording in &interest.any_of {
            self.asked.push(wording.words().len() as u32);
            self.asked.push(wording.least() as u32);
            for word in wording.words() {
                let word = self.lexicon.add(word);
                if self.having.len() <= word as usize {
                    self.having.push(0);
                    self.by_word.push(Vec::new());
                }
                self.having[word as usize] += 1;
                self.asked.push(word);
            }
        }
        for wish in &interest.wishes {
            let wish = self.wishes.add(wish);
            self.asked.push(wish);
        }
        self.kept.push(Kept {
            id: id.clone(),
            limits: interest.limits,
            asked,
            wordings: interest.any_of.len() as u8,
            wishes: interest.wishes.len() as u8,
            live: true,
        });
        self.named.insert(id, at);
        self.post(at);
        self.changed();
        Ok(replaced)
    }

    /// Forgets an interest; says whether there was one.
    pub fn remove(&mut self, id: &Id) -> bool {
        let Some(at) = self.named.remove(id) else {
            return false;
        };
        // It still lies where it lay, until all is laid out anew.
        self.kept[at as usize].live = false;
        self.changed();
        true
    }

    /// The names of the interests that this thing answers, in their order.
    pub fn matches(&self, thing: &Thing) -> Vec<Id> {
        let said = Said::of(thing, &self.lexicon);
        let mut found: Vec<u32> = Vec::new();
        for word in &said.words {
            let posts = self.by_word[*word as usize].iter();
            found.extend(
                posts
                    .filter(|post| said.may_have(post.also))
                    .map(|post| post.kept)
                    .filter(|at| self.takes(*at, thing, &said)),
            );
        }
        self.each_wordless(thing, |at| {
            if self.takes(at, thing, &said) {
                found.push(at);
            }
        });
        let mut ids: Vec<&Id> = found.into_iter().map(|at| &self.kept[at as usize].id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().cloned().collect()
    }

    /// Whether the thing answers the interest kept there.
    fn takes(&self, at: u32, thing: &Thing, said: &Said) -> bool {
        let kept = &self.kept[at as usize];
        if !kept.live || !kept.limits.take(thing, kept.wordings > 0) {
            return false;
        }
        let (wordings, wishes) = self.parts(kept);
        let mut wordings = wordings.peekable();
        if wordings.peek().is_some()
            && !wordings.any(|(words, least)| words.iter().filter(|word| said.has(**word)).count() >= least)
        {
            return false;
        }
        wishes
            .iter()
            .all(|wish| self.wishes.wishes[*wish as usize].holds(&thing.attributes) == Holds::Met)
    }

    /// The wordings of an interest, each its words and how many of them are needed; and its wishes.
    fn parts(&self, kept: &Kept<Id>) -> (impl Iterator<Item = (&[u32], usize)>, &[u32]) {
        let from = |at: usize| &self.asked[at..];
        let mut at = kept.asked as usize;
        let start = at;
        for _ in 0..kept.wordings {
            at += 2 + self.asked[at] as usize;
        }
        let wishes = &from(at)[..usize::from(kept.wishes)];
        let mut rest = &self.asked[start..at];
        let wordings = std::iter::from_fn(move || {
            let (length, least) = (*rest.first()?, *rest.get(1)?);
            let (words, others) = rest[2..].split_at(length as usize);
            rest = others;
            Some((words, least as usize))
        });
        (wordings, wishes)
    }

    /// Puts an interest where things that answer it will come by.
    ///
    /// Of a wording that needs `least` of its words, whatever answers it has one of any `words - least + 1` of them: it
    /// lies under so many of the rarest.
    fn post(&mut self, at: u32) {
        let kept = &self.kept[at as usize];
        if kept.wordings == 0 {
            let key = (kept.limits.category, kept.limits.place.map(|place| place.region));
            self.wordless.entry(key).or_default().push(at);
            return;
        }
        let mut posts: Vec<(u32, Post)> = Vec::new();
        for (words, least) in self.parts(kept).0 {
            let mut words = words.to_vec();
            words.sort_unstable_by_key(|word| (self.having[*word as usize], *word));
            let all = least == words.len();
            for under in &words[..=words.len() - least] {
                let also = if all { *words.get(1).unwrap_or(under) } else { *under };
                posts.push((*under, Post { also, kept: at }));
            }
        }
        for (under, post) in posts {
            self.by_word[under as usize].push(post);
        }
    }

    /// Shows the interests without words that the thing may answer, some perhaps twice.
    fn each_wordless(&self, thing: &Thing, mut see: impl FnMut(u32)) {
        let categories = thing.within.iter().copied().chain([crate::category::GENERAL]);
        let categories = categories.map(Some).chain([None]);
        for category in categories {
            match thing.place {
                // An interest in a part of where an item comes to lies under that part: all there are are looked at.
                Whereabouts::Serves(_) => self
                    .wordless
                    .range((category, None)..)
                    .take_while(|((kind, _), _)| *kind == category)
                    .for_each(|(_, there)| there.iter().for_each(|at| see(*at))),
                Whereabouts::Wanted(place, _) => std::iter::successors(Some(place.region), Region::parent)
                    .take(AROUND)
                    .chain([Region::whole(place.region.country)])
                    .map(Some)
                    .chain([None])
                    .filter_map(|region| self.wordless.get(&(category, region)))
                    .for_each(|there| there.iter().for_each(|at| see(*at))),
            }
        }
    }

    fn changed(&mut self) {
        self.due -= 1;
        if self.due == 0 {
            self.settle();
        }
    }

    /// Lays everything out anew: without what was removed, and each interest under the words that are rare now.
    fn settle(&mut self) {
        self.due = self.named.len().max(CHANGES);
        let mut having = vec![0u32; self.having.len()];
        for kept in self.kept.iter().filter(|kept| kept.live) {
            for word in self.parts(kept).0.flat_map(|(words, _)| words) {
                having[*word as usize] += 1;
            }
        }
        let renamed = self.lexicon.renumber(|word| having[word as usize] > 0);
        let mut wishes = Wishes::default();
        let mut asked = Vec::new();
        let mut kept = Vec::with_capacity(self.named.len());
        for before in self.kept.iter().filter(|kept| kept.live) {
            let (wordings, wished) = self.parts(before);
            let now = Kept {
                asked: asked.len() as u32,
                ..before.clone()
            };
            for (words, least) in wordings {
                asked.extend([words.len() as u32, least as u32]);
                asked.extend(
                    words
                        .iter()
                        .map(|word| renamed[*word as usize].expect("a word that is asked stays")),
                );
            }
            asked.extend(
                wished
                    .iter()
                    .map(|wish| wishes.add(&self.wishes.wishes[*wish as usize])),
            );
            kept.push(now);
        }
        (self.kept, self.asked, self.wishes) = (kept, asked, wishes);
        self.having = vec![0; self.lexicon.len()];
        for (old, new) in renamed.into_iter().enumerate() {
            if let Some(new) = new {
                self.having[new as usize] = having[old];
            }
        }
        self.by_word = vec![Vec::new(); self.lexicon.len()];
        self.wordless.clear();
        for at in 0..self.kept.len() as u32 {
            let place = self.named.get_mut(&self.kept[at as usize].id);
            *place.expect("a live interest has its name") = at;
            self.post(at);
        }
    }
}

/// Bits of the coarse answer to whether a thing has a word.
const COARSE: usize = 4_096;

/// A thing's words by number: those that any interest has.
struct Said {
    /// In order.
    words: Vec<u32>,
    /// A bit for each word, shared by words: half a kilobyte that stays at hand.
    coarse: [u64; COARSE / 64],
}

impl Said {
    fn of(thing: &Thing, lexicon: &Lexicon) -> Self {
        let mut words: Vec<u32> = thing.words().filter_map(|word| lexicon.find(word)).collect();
        words.sort_unstable();
        let mut coarse = [0; COARSE / 64];
        for word in &words {
            let bit = *word as usize % COARSE;
            coarse[bit / 64] |= 1u64 << (bit % 64);
        }
        Self { words, coarse }
    }

    fn may_have(&self, word: u32) -> bool {
        let bit = word as usize % COARSE;
        self.coarse[bit / 64] >> (bit % 64) & 1 == 1
    }

    fn has(&self, word: u32) -> bool {
        self.may_have(word) && self.words.binary_search(&word).is_ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
