//! What somebody waits for: words, limits and attributes that one new thing either has or has not.

use std::collections::BTreeSet;

use super::thing::{Thing, UNSAID, Whereabouts, each_folded};
use crate::{
    attribute::{Holds, Strength, Wish},
    category::{CategoryId, GENERAL},
    intent::{Condition, Conditions, Intent},
    limits,
    list::List,
    matching::SMALL,
    money::{Currency, Money},
    place::{Fulfilments, Place, Reach},
};

/// Wordings that one interest may have: a thing has a handful of names.
pub const WORDINGS: usize = 8;
/// Words of one wording: a title of 160 bytes that says something has fewer.
pub const WORDS: usize = 32;

/// Words of which a thing has to say so many.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Wording {
    /// Folded, in the order of the alphabet, each once.
    words: Vec<String>,
    least: usize,
}

impl Wording {
    /// Every word of `text` that says something, up to [`WORDS`]; `None` where none does.
    pub fn all(text: &str) -> Option<Self> {
        let mut words = BTreeSet::new();
        each_folded(text, |word| {
            if !SMALL.contains(&word) {
                words.insert(word.to_owned());
            }
        });
        let words: Vec<String> = words.into_iter().take(WORDS).collect();
        let least = words.len();
        (least > 0).then_some(Self { words, least })
    }

    /// Two of every three words of `text`: what people write about a want is not all about the thing.
    pub fn most(text: &str) -> Option<Self> {
        Self::all(text).map(|all| Self {
            least: (all.words.len() * 2).div_ceil(3),
            ..all
        })
    }

    /// The words, folded, each once.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// How many of the words a thing has to say, one at least.
    pub fn least(&self) -> usize {
        self.least
    }

    fn takes(&self, thing: &Thing) -> bool {
        self.words.iter().filter(|word| thing.says(word)).count() >= self.least
    }
}

/// A range of prices in one currency, both ends within it, in its smallest units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prices {
    /// Of both.
    pub currency: Currency,
    /// The least.
    pub least: i64,
    /// The most.
    pub most: i64,
}

impl Prices {
    /// This much or less.
    pub fn at_most(money: Money) -> Self {
        Self {
            currency: money.currency,
            least: i64::MIN,
            most: money.minor,
        }
    }

    /// This much or more.
    pub fn at_least(money: Money) -> Self {
        Self {
            currency: money.currency,
            least: money.minor,
            most: i64::MAX,
        }
    }

    /// Any amount of it.
    pub fn any(currency: Currency) -> Self {
        Self {
            currency,
            least: i64::MIN,
            most: i64::MAX,
        }
    }

    /// What is not said is within no bound.
    pub(super) fn takes(&self, money: Money) -> bool {
        money.minor != UNSAID && money.currency == self.currency && (self.least..=self.most).contains(&money.minor)
    }
}

/// What must hold of a thing whatever it is called. `None` asks nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// It is of this category or a kind of it. Where the interest has words, a thing that is filed more coarsely may
    /// be it too: then the words decide.
    pub category: Option<CategoryId>,
    /// A want is to be fulfilled in this region, and within the radius of this cell where there is one; an item
    /// reaches this place.
    pub place: Option<Place>,
    /// In one of these ways.
    pub fulfilment: Option<Fulfilments>,
    /// One piece costs this much, or may cost this much.
    pub prices: Option<Prices>,
    /// In one of these states.
    pub conditions: Option<Conditions>,
    /// There are so many, or so many are wanted; where nobody counts there may be.
    pub pieces: u32,
}

impl Limits {
    /// Whether the thing is within them; `worded` where its words are asked about besides.
    pub(super) fn take(&self, thing: &Thing, worded: bool) -> bool {
        self.prices.is_none_or(|prices| prices.takes(thing.each))
            && self.category.is_none_or(|asked| of_kind(asked, thing, worded))
            && self.conditions.is_none_or(|asked| overlap(asked, thing.conditions))
            && thing.pieces.is_none_or(|pieces| pieces >= self.pieces)
            && reaches(self.place, self.fulfilment, thing)
    }
}

/// Whether a thing comes to the place, or is wanted within it, in one of the ways; `None` asks nothing.
fn reaches(place: Option<Place>, fulfilment: Option<Fulfilments>, thing: &Thing) -> bool {
    match thing.place {
        Whereabouts::Serves(_) if place.is_none() && fulfilment.is_none() => true,
        Whereabouts::Serves(serves) => serves.iter().any(|serves| {
            fulfilment.is_none_or(|ways| ways.contains(serves.mode))
                && place.is_none_or(|place| place.covered_by(serves) == Reach::Covered)
        }),
        Whereabouts::Wanted(wanted, ways) => {
            fulfilment.is_none_or(|asked| ways.iter().any(|way| asked.contains(way)))
                && place.is_none_or(|asked| lies_within(&asked, &wanted))
        }
    }
}

fn of_kind(asked: CategoryId, thing: &Thing, worded: bool) -> bool {
    // What is filed more coarsely than asked covers it; both are so where they are the same.
    thing.within.contains(&asked)
        || asked == GENERAL
        || (worded && asked != thing.category && thing.category.covers(asked))
}

fn overlap(asked: Conditions, offered: Conditions) -> bool {
    Condition::ALL
        .iter()
        .any(|state| asked.has(*state) && offered.has(*state))
}

/// Whether a want's place is in the region asked about, and near enough. A want that says no more than a larger region
/// may be elsewhere in it.
fn lies_within(asked: &Place, wanted: &Place) -> bool {
    asked.region.covers(&wanted.region)
        && match (asked.cell, wanted.cell) {
            (Some(here), Some(there)) if asked.radius_km > 0 => here.distance_km(there) <= u32::from(asked.radius_km),
            (Some(_), None) => asked.radius_km == 0,
            _ => true,
        }
}

/// What somebody waits for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interest {
    /// Its words in one of these wordings; without any, whatever its words.
    pub any_of: List<Wording, WORDINGS>,
    /// What must hold besides.
    pub limits: Limits,
    /// Attributes that it must have; what the thing does not say it has not. Their strength says nothing here.
    pub wishes: List<Wish, { limits::ATTRIBUTES }>,
}

impl Interest {
    /// The interest that an open intent is: every hard constraint that an item can answer, held against it as
    /// [`crate::matching::admits`] will hold it against the item's offer, and most of the title's words.
    ///
    /// What delivery costs and when it comes, only an offer can say.
    pub fn of(intent: &Intent) -> Self {
        let each = |ceiling: Money| Money {
            minor: ceiling.minor / i64::from(intent.quantity.max(1)),
            ..ceiling
        };
        let musts = intent.wishes.iter().filter(|wish| wish.strength == Strength::Must);
        Self {
            any_of: List::cut(Wording::most(intent.title.as_str())),
            limits: Limits {
                category: Some(intent.category),
                place: Some(intent.place),
                fulfilment: Some(intent.fulfilment),
                prices: Some(match intent.budget.ceiling() {
                    Some(ceiling) => Prices::at_most(each(ceiling)),
                    None => Prices::any(intent.budget.currency()),
                }),
                conditions: Some(intent.conditions),
                pieces: intent.quantity,
            },
            wishes: List::cut(musts.cloned()),
        }
    }

    /// Whether this thing is what was waited for.
    pub fn takes(&self, thing: &Thing) -> bool {
        let worded = !self.any_of.is_empty();
        self.limits.take(thing, worded)
            && (!worded || self.any_of.iter().any(|wording| wording.takes(thing)))
            && self
                .wishes
                .iter()
                .all(|wish| wish.holds(&thing.attributes) == Holds::Met)
    }
}
