//! The one new thing that interests are held against: an item that came in, or an intent that was heard, its words
//! folded once for however many look at it.

use std::borrow::Cow;

use crate::{
    attribute::{Attribute, Comparison, Strength, Value},
    category::{CategoryId, GENERAL, Relation, relation},
    intent::{Conditions, Intent},
    item::Item,
    matching::singular,
    money::Money,
    place::{Fulfilments, Place, Serves},
};

/// One new thing.
#[derive(Clone, Debug)]
pub struct Thing<'a> {
    /// Its words, each once, in the order of the alphabet.
    words: Words,
    pub(super) category: CategoryId,
    /// The categories that hold it, its own among them; not those that it merely goes with.
    pub(super) within: Vec<CategoryId>,
    /// What one piece costs, or may cost.
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
        let within = holding(item.category);
        words.add_names(item.category, &within);
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
        let within = holding(intent.category);
        words.add_names(intent.category, &within);
        let budget = intent.budget.ceiling();
        Self {
            words: words.sorted(),
            category: intent.category,
            within,
            each: Money {
                minor: budget.minor / i64::from(intent.quantity.max(1)),
                ..budget
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

    /// Its words, folded, each once.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.places.iter().map(|place| self.words.at(*place))
    }

    /// Whether it says this folded word.
    pub(super) fn says(&self, word: &str) -> bool {
        self.words
            .places
            .binary_search_by(|place| self.words.at(*place).cmp(word))
            .is_ok()
    }
}

/// The categories of which `category` is a kind, from the finest.
fn holding(category: CategoryId) -> Vec<CategoryId> {
    std::iter::successors(Some(category), |finer| finer.parent())
        .filter(|holder| relation(*holder, category) == Relation::Within)
        .collect()
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

/// Words in one string, since a thing has a hundred and is looked at once.
#[derive(Clone, Debug, Default)]
struct Words {
    text: String,
    places: Vec<(u32, u32)>,
}

impl Words {
    fn add(&mut self, text: &str) {
        each_folded(text, |word| {
            let start = self.text.len() as u32;
            self.text.push_str(word);
            self.places.push((start, self.text.len() as u32));
        });
    }

    fn add_attribute(&mut self, name: &str, value: &Value) {
        self.add(name);
        match value {
            Value::Text(text) => self.add(text.as_str()),
            other => self.add(&other.to_string()),
        }
    }

    /// What people call the category and those that hold it. Of "anything" there is nothing to say.
    fn add_names(&mut self, category: CategoryId, within: &[CategoryId]) {
        for known in within
            .iter()
            .filter(|holder| **holder != GENERAL && (**holder == category || holder.parent().is_some()))
            .filter_map(|holder| holder.lookup())
        {
            self.add(known.name);
            for synonym in &known.synonyms {
                self.add(synonym);
            }
        }
    }

    fn at(&self, (start, end): (u32, u32)) -> &str {
        &self.text[start as usize..end as usize]
    }

    fn sorted(mut self) -> Self {
        let text = &self.text;
        let word = |(start, end): &(u32, u32)| &text[*start as usize..*end as usize];
        self.places.sort_unstable_by(|a, b| word(a).cmp(word(b)));
        self.places.dedup_by(|a, b| word(a) == word(b));
        self
    }
}
