//! Many who wait, one new thing: which of a million standing interests it answers.
//!
//! Two use it alike. A seller waits for wants ("any intent for e-bikes over 800 GBP in Yorkshire"); a customer's open
//! intents wait for goods. It refuses to guess: an interest is answered or it is not, and the answer is the one that
//! [`Interest::takes`] would give, asked one by one.
//!
//! Nobody asks one by one. Each interest lies under the word of its own that fewest others have, so a thing is held
//! against those alone that lie under one of its words; an interest without words lies under its category and region.
//! Most of an interest lies there with it, side by side with the others, and most that are passed by are passed by there.

mod interest;
mod lexicon;
mod post;
mod shelves;
mod sought;
mod thing;

use std::collections::BTreeMap;

pub use self::{
    interest::{Interest, Limits, Prices, WORDINGS, WORDS, Wording},
    sought::{Sought, SoughtError},
    thing::Thing,
};
use self::{
    lexicon::Lexicon,
    post::{Look, Post},
    shelves::Shelves,
    thing::Whereabouts,
};
use crate::{
    attribute::{Holds, Wish},
    category::{CategoryId, GENERAL},
    intent::Conditions,
    money::Currency,
    place::{Cell, Fulfilments, Place, Region},
};

/// Interests that one store may hold: each asks at most 288 numbers ([`WORDINGS`] x ([`WORDS`] + 2), and 16 wishes), and
/// 8 million times 288 is a number of 32 bits.
pub const MOST: usize = 8_000_000;
/// Changes that go by at least before everything is laid out anew.
const CHANGES: usize = 1_024;
/// Of what there is this part changes before everything is laid out anew: what came since lies less well.
const PART: usize = 4;
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
    ids: Vec<Id>,
    /// A bit for each that is kept and was removed.
    gone: Vec<u64>,
    kept: Vec<Kept>,
    /// What interests ask by number: for each its wordings, each a length, a least and its words; then its wishes.
    asked: Vec<u32>,
    lexicon: Lexicon,
    /// How many interests have a word, by its number.
    having: Vec<u32>,
    wishes: Numbered<Wish>,
    bounds: Numbered<Bounds>,
    by_word: Shelves,
    wordless: BTreeMap<(Option<CategoryId>, Option<Region>), Vec<Post>>,
    /// Changes until everything is laid out anew.
    due: usize,
}

/// An interest as it is kept.
#[derive(Clone, Debug)]
struct Kept {
    prices: Option<Prices>,
    /// Where in `asked` its part begins.
    asked: u32,
    bounds: u32,
    wordings: u8,
    wishes: u8,
}

/// What many interests ask alike, in an order that nothing depends on: their limits without the prices, and whether
/// they have words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Bounds {
    category: Option<CategoryId>,
    place: Option<(Region, Option<Cell>, u16)>,
    fulfilment: Option<Fulfilments>,
    currency: Option<Currency>,
    conditions: Option<Conditions>,
    pieces: u32,
    worded: bool,
}

impl Bounds {
    fn of(interest: &Interest) -> Self {
        let limits = interest.limits;
        Self {
            category: limits.category,
            place: limits.place.map(|place| (place.region, place.cell, place.radius_km)),
            fulfilment: limits.fulfilment,
            currency: limits.prices.map(|prices| prices.currency),
            conditions: limits.conditions,
            pieces: limits.pieces,
            worded: !interest.any_of.is_empty(),
        }
    }

    fn take(&self, thing: &Thing) -> bool {
        let place = self.place.map(|(region, cell, radius_km)| Place {
            region,
            cell,
            radius_km,
        });
        let limits = Limits {
            category: self.category,
            place,
            fulfilment: self.fulfilment,
            prices: None,
            conditions: self.conditions,
            pieces: self.pieces,
        };
        self.currency.is_none_or(|currency| currency == thing.each.currency) && limits.take(thing, self.worded)
    }
}

/// What is said over and over, each once and by a number.
#[derive(Clone, Debug)]
struct Numbered<T> {
    numbers: BTreeMap<T, u32>,
    all: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            numbers: BTreeMap::new(),
            all: Vec::new(),
        }
    }
}

impl<T: Ord + Clone> Numbered<T> {
    fn add(&mut self, one: &T) -> u32 {
        if let Some(known) = self.numbers.get(one) {
            return *known;
        }
        let next = self.all.len() as u32;
        self.numbers.insert(one.clone(), next);
        self.all.push(one.clone());
        next
    }
}

impl<Id: Ord + Clone> Standing<Id> {
    /// Room for `room` interests, at most [`MOST`]; it takes memory only for those that come.
    pub fn new(room: usize) -> Self {
        Self {
            room: room.min(MOST),
            named: BTreeMap::new(),
            ids: Vec::new(),
            gone: Vec::new(),
            kept: Vec::new(),
            asked: Vec::new(),
            lexicon: Lexicon::default(),
            having: Vec::new(),
            wishes: Numbered::default(),
            bounds: Numbered::default(),
            by_word: Shelves::default(),
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
    /// Now and then, when a quarter of what there is has changed, it lays all of them out anew: words are rare or common
    /// by what is there then. With a million that takes a second or two.
    ///
    /// # Errors
    /// [`Full`]; nothing has changed then.
    pub fn insert(&mut self, id: Id, interest: &Interest) -> Result<bool, Full> {
        if self.len() >= self.room && !self.named.contains_key(&id) {
            return Err(Full(self.len()));
        }
        let replaced = self.remove(&id);
        let asked = self.asked.len() as u32;
        for wording in &interest.any_of {
            self.asked.push(wording.words().len() as u32);
            self.asked.push(wording.least() as u32);
            for word in wording.words() {
                let word = self.lexicon.add(word);
                if self.having.len() <= word as usize {
                    self.having.push(0);
                    self.by_word.grow(self.having.len());
                }
                self.having[word as usize] += 1;
                self.asked.push(word);
            }
        }
        for wish in &interest.wishes {
            let wish = self.wishes.add(wish);
            self.asked.push(wish);
        }
        let kept = Kept {
            prices: interest.limits.prices,
            asked,
            bounds: self.bounds.add(&Bounds::of(interest)),
            wordings: interest.any_of.len() as u8,
            wishes: interest.wishes.len() as u8,
        };
        self.put(id, kept, |all, under, second, post| {
            all.by_word.put(under, second, post)
        });
        self.changed();
        Ok(replaced)
    }

    /// Forgets an interest; says whether there was one.
    pub fn remove(&mut self, id: &Id) -> bool {
        let Some(at) = self.named.remove(id) else {
            return false;
        };
        // It still lies where it lay, until all is laid out anew.
        self.gone[at as usize / 64] |= 1 << (at % 64);
        self.changed();
        true
    }

    /// The names of the interests that this thing answers, in their order.
    pub fn matches(&self, thing: &Thing) -> Vec<Id> {
        let look = Look::at(thing, &self.lexicon);
        let mut bounded = Answers::of(self.bounds.all.len());
        let mut met = Answers::of(self.wishes.all.len());
        let mut found: Vec<u32> = Vec::new();
        let mut see = |post: &Post, worded: bool| {
            if bounded.of_number(post.bounds, |bounds| self.bounds.all[bounds as usize].take(thing))
                && (!worded || look.has_others(post))
                && (post.wish == post::NONE || met.of_number(post.wish, |wish| self.is_met(wish, thing)))
                && (!look.doubts(post) || self.takes(&look, post.kept(), &mut met))
            {
                found.push(post.kept());
            }
        };
        self.by_word.each(&look, |post| see(post, true));
        self.each_wordless(thing, |posts| {
            let passing = posts.iter().filter(|post| look.may_pass(post));
            passing.for_each(|post| see(post, false));
        });
        found.retain(|at| !self.is_gone(*at));
        found.sort_unstable();
        found.dedup();
        let mut ids: Vec<Id> = found.into_iter().map(|at| self.ids[at as usize].clone()).collect();
        ids.sort_unstable();
        ids
    }

    /// Whether the thing answers the interest kept there, its bounds aside.
    fn takes(&self, look: &Look, at: u32, met: &mut Answers) -> bool {
        let kept = &self.kept[at as usize];
        if !kept.prices.is_none_or(|prices| prices.takes(look.thing.each)) {
            return false;
        }
        let (wordings, wishes) = self.parts(kept);
        let mut wordings = wordings.peekable();
        if wordings.peek().is_some()
            && !wordings.any(|(words, least)| words.iter().filter(|word| look.has(**word)).count() >= least)
        {
            return false;
        }
        wishes
            .iter()
            .all(|wish| met.of_number(*wish, |wish| self.is_met(wish, look.thing)))
    }

    fn is_met(&self, wish: u32, thing: &Thing) -> bool {
        self.wishes.all[wish as usize].holds(&thing.attributes) == Holds::Met
    }

    fn is_gone(&self, at: u32) -> bool {
        self.gone[at as usize / 64] >> (at % 64) & 1 == 1
    }

    /// The wordings of an interest, each its words and how many of them are needed; and its wishes.
    fn parts(&self, kept: &Kept) -> (impl Iterator<Item = (&[u32], usize)>, &[u32]) {
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

    /// Keeps one more, and shows where it has to lie for things that answer it to come by.
    fn put(&mut self, id: Id, kept: Kept, mut see: impl FnMut(&mut Self, u32, u32, Post)) {
        let at = self.kept.len() as u32;
        let mut post = Post::of(kept.prices, kept.bounds, at);
        match self.parts(&kept).1 {
            [] => {}
            [one] => post.wish = *one,
            _ => post = post.shortened(),
        }
        if kept.wordings == 0 {
            let bounds = &self.bounds.all[kept.bounds as usize];
            let region = bounds.place.map(|(region, ..)| region);
            self.wordless.entry((bounds.category, region)).or_default().push(post);
        }
        let mut posts = Vec::new();
        for (words, least) in self.parts(&kept).0 {
            let mut words = words.to_vec();
            words.sort_unstable_by_key(|word| (self.having[*word as usize], *word));
            post.each(&words, least, |under, second, post| posts.push((under, second, post)));
        }
        for (under, second, post) in posts {
            see(self, under, second, post);
        }
        if self.gone.len() * 64 <= at as usize {
            self.gone.push(0);
        }
        self.named.insert(id.clone(), at);
        self.ids.push(id);
        self.kept.push(kept);
    }

    /// Shows the interests without words that the thing may answer.
    fn each_wordless(&self, thing: &Thing, mut see: impl FnMut(&[Post])) {
        let categories = thing.within.iter().copied().filter(|kind| *kind != GENERAL);
        let categories = categories.chain([GENERAL]).map(Some).chain([None]);
        for category in categories {
            match thing.place {
                // An interest in a part of where an item comes to lies under that part: all there are are looked at.
                Whereabouts::Serves(_) => self
                    .wordless
                    .range((category, None)..)
                    .take_while(|((kind, _), _)| *kind == category)
                    .for_each(|(_, there)| see(there)),
                Whereabouts::Wanted(place, _) => std::iter::successors(Some(place.region), Region::parent)
                    .take(AROUND)
                    .chain([Region::whole(place.region.country)])
                    .map(Some)
                    .chain([None])
                    .filter_map(|region| self.wordless.get(&(category, region)))
                    .for_each(|there| see(there)),
            }
        }
    }

    fn changed(&mut self) {
        self.due -= 1;
        if self.due == 0 {
            self.settle();
        }
    }

    /// Lays everything out anew: without what was removed, each interest under the words that are rare now, and in the
    /// order of their names.
    ///
    /// It happens by itself now and then; after very many came, what is asked next is answered sooner.
    pub fn settle(&mut self) {
        let named = std::mem::take(&mut self.named);
        let mut anew = Self::new(self.room);
        anew.due = (named.len() / PART).max(CHANGES);
        let mut having = vec![0u32; self.having.len()];
        for at in named.values() {
            for word in self.parts(&self.kept[*at as usize]).0.flat_map(|(words, _)| words) {
                having[*word as usize] += 1;
            }
        }
        anew.lexicon = std::mem::take(&mut self.lexicon);
        let renamed = anew.lexicon.renumber(|word| having[word as usize] > 0);
        anew.having = having.into_iter().filter(|having| *having > 0).collect();
        // Nobody looks at them any more, and they are most of the memory that two of everything would take.
        (self.by_word, self.wordless) = (Shelves::default(), BTreeMap::new());
        let mut posts = Vec::new();
        for (id, at) in named {
            let before = &self.kept[at as usize];
            let asked = anew.asked.len() as u32;
            let (wordings, wishes) = self.parts(before);
            for (words, least) in wordings {
                anew.asked.extend([words.len() as u32, least as u32]);
                let words = words.iter().map(|word| renamed[*word as usize]);
                anew.asked
                    .extend(words.map(|word| word.expect("a word that is asked stays")));
            }
            for wish in wishes {
                let wish = anew.wishes.add(&self.wishes.all[*wish as usize]);
                anew.asked.push(wish);
            }
            let bounds = anew.bounds.add(&self.bounds.all[before.bounds as usize]);
            let kept = Kept {
                asked,
                bounds,
                ..before.clone()
            };
            anew.put(id, kept, |_, under, second, post| posts.push((under, second, post)));
        }
        anew.by_word = Shelves::of(posts, anew.lexicon.len());
        *self = anew;
    }
}

/// What was asked of one thing by number, each answered once.
struct Answers(Vec<u8>);

impl Answers {
    fn of(numbers: usize) -> Self {
        Self(vec![0; numbers])
    }

    fn of_number(&mut self, number: u32, answer: impl Fn(u32) -> bool) -> bool {
        const YES: u8 = 1;
        const NO: u8 = 2;
        match self.0[number as usize] {
            0 => {
                let yes = answer(number);
                self.0[number as usize] = if yes { YES } else { NO };
                yes
            }
            known => known == YES,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
