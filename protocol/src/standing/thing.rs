//! The one new thing that interests are held against: an item that came in, or an intent that was heard, its words
//! folded once for however many look at it.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use super::lexicon::{Lexicon, packed};
use crate::{
    attribute::{Attribute, Comparison, Strength, Value},
    category::{self, CategoryId, GENERAL, Relation, relation},
    intent::{Conditions, Intent},
    item::Item,
    matching::singular,
    money::Money,
    place::{Fulfilments, Place, Serves},
};

/// The amount of a budget that is not said: less than any. An interest that asks about prices is not met by it, as it is
/// not by an attribute that is not said.
pub(super) const UNSAID: i64 = i64::MIN;

/// One new thing.
#[derive(Clone, Debug)]
pub struct Thing<'a> {
    words: Words,
    pub(super) category: CategoryId,
    /// The categories that hold it, its own among them; not those that it merely goes with.
    pub(super) within: Vec<CategoryId>,
    /// What one piece costs, or may cost; [`UNSAID`] where a want does not say it.
    pub(super) each: Money,
    /// How many there are, or are wanted; `None` where nobody counts.
    pub(super) pieces: Option<u32>,
    pub(super) conditions: Conditions,
    pub(super) place: Whereabouts<'a>,
    pub(super) attributes: Cow<'a, [Attribute]>,
}

/// What a thing says about places.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whereabouts<'a> {
    /// Where an item comes to, or is to be had.
    Serves(&'a [Serves]),
    /// Where a want is to be fulfilled, and how.
    Wanted(Place, Fulfilments),
}

impl<'a> Thing<'a> {
    /// An item, which reaches people as `serves` says; where that says nothing it reaches no place.
    ///
    /// Its words are those that a line of an offer would be compared by: title, brand, attributes, and what people
    /// call its category. Descriptions are left out: they mention what the thing is not.
    pub fn item(item: &'a Item, serves: &'a [Serves]) -> Self {
        let mut words = Words::default();
        words.add(item.title.as_str());
        words.add(item.brand.as_str());
        for attribute in &item.attributes {
            words.add_attribute(attribute.name.as_str(), &attribute.value);
        }
        let within = Kind::with(item.category, |kind| {
            words.add_all(&kind.names);
            kind.within.clone()
        });
        Self {
            words: words.sorted(),
            category: item.category,
            within,
            each: item.price,
            pieces: item.stock,
            conditions: Conditions::of(&[item.condition]).expect("one is not none"),
            place: Whereabouts::Serves(serves),
            attributes: Cow::Borrowed(&item.attributes),
        }
    }

    /// An intent. What it wishes to be so counts as what the thing is like; what it would avoid does not.
    pub fn intent(intent: &'a Intent) -> Self {
        let mut words = Words::default();
        words.add(intent.title.as_str());
        words.add(intent.text.as_str());
        let wished = || {
            intent
                .wishes
                .iter()
                .filter(|wish| !matches!(wish.strength, Strength::Avoid(_)))
        };
        for wish in wished() {
            words.add_attribute(wish.name.as_str(), &wish.value);
        }
        let within = Kind::with(intent.category, |kind| {
            words.add_all(&kind.names);
            kind.within.clone()
        });
        let each = |ceiling: Money| ceiling.minor / i64::from(intent.quantity.max(1));
        Self {
            words: words.sorted(),
            category: intent.category,
            within,
            each: Money {
                minor: intent.budget.ceiling().map_or(UNSAID, each),
                currency: intent.budget.currency(),
            },
            pieces: Some(intent.quantity),
            conditions: intent.conditions,
            place: Whereabouts::Wanted(intent.place, intent.fulfilment),
            // At least and at most leave open what the value will be, so they say nothing that could be compared.
            attributes: wished()
                .filter(|wish| wish.comparison == Comparison::Is)
                .map(|wish| Attribute {
                    name: wish.name.clone(),
                    value: wish.value.clone(),
                })
                .collect(),
        }
    }

    /// The numbers in a lexicon of its words, each once: of those that it has.
    pub(super) fn numbers(&self, lexicon: &Lexicon) -> Vec<u32> {
        let short = self.words.short.iter().filter_map(|word| lexicon.find_short(*word));
        short
            .chain(self.words.long.iter().filter_map(|word| lexicon.find(word)))
            .collect()
    }

    /// Whether it says this folded word.
    pub(super) fn says(&self, word: &str) -> bool {
        match packed(word) {
            Some(short) => self.words.short.binary_search(&short).is_ok(),
            None => self.words.long.iter().any(|long| **long == *word),
        }
    }
}

/// What there is to say of a category, looked up and folded once.
#[derive(Default)]
struct Kind {
    /// The categories of which it is a kind, from the finest.
    within: Vec<CategoryId>,
    /// What people call it and those that hold it. Of "anything" there is nothing to say.
    names: Words,
}

impl Kind {
    fn of(category: CategoryId) -> Self {
        let within: Vec<CategoryId> = std::iter::successors(Some(category), |finer| finer.parent())
            .filter(|holder| relation(*holder, category) == Relation::Within)
            .collect();
        let mut names = Words::default();
        for known in within
            .iter()
            .filter(|holder| **holder != GENERAL && (**holder == category || holder.parent().is_some()))
            .filter_map(|holder| holder.lookup())
        {
            names.add(known.name);
            for synonym in &known.synonyms {
                names.add(synonym);
            }
        }
        Self { within, names }
    }

    /// Lets `see` have what there is to say, of a category that we know or that a stranger made up.
    fn with<T>(category: CategoryId, see: impl FnOnce(&Self) -> T) -> T {
        static KNOWN: LazyLock<BTreeMap<CategoryId, Kind>> = LazyLock::new(|| {
            let known = category::all().map(|known| (known.id, Kind::of(known.id)));
            known.collect()
        });
        match KNOWN.get(&category) {
            Some(kind) => see(kind),
            None => see(&Self::of(category)),
        }
    }
}

/// Every word of `text` as it is compared, lower case and without its plural, given to `see` one after the other: as
/// [`words`](crate::attribute::words) and [`singular`] would make them, without a string for each.
pub(super) fn each_folded(text: &str, mut see: impl FnMut(&str)) {
    let mut word = String::new();
    for said in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|said| !said.is_empty())
    {
        word.clear();
        if said.is_ascii() {
            word.push_str(said);
            word.make_ascii_lowercase();
        } else {
            word.push_str(&said.to_lowercase());
        }
        if word.ends_with('s') {
            see(&singular(&word));
        } else {
            see(&word);
        }
    }
}

/// Words, each once where they are sorted: nearly all are short, and numbers are compared at once.
#[derive(Clone, Debug, Default)]
struct Words {
    short: Vec<u128>,
    long: Vec<Box<str>>,
}

impl Words {
    fn add(&mut self, text: &str) {
        each_folded(text, |word| match packed(word) {
            Some(short) => self.short.push(short),
            None => self.long.push(word.into()),
        });
    }

    fn add_attribute(&mut self, name: &str, value: &Value) {
        self.add(name);
        match value {
            Value::Text(text) => self.add(text.as_str()),
            other => self.add(&other.to_string()),
        }
    }

    fn add_all(&mut self, others: &Self) {
        self.short.extend_from_slice(&others.short);
        self.long.extend_from_slice(&others.long);
    }

    fn sorted(mut self) -> Self {
        self.short.sort_unstable();
        self.short.dedup();
        self.long.sort_unstable();
        self.long.dedup();
        self
    }
}
