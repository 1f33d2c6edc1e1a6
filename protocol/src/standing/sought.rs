//! What a seller waits for, as a person says it and a store keeps it. It refuses what would wait for everything.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Interest, Limits, Prices, WORDINGS, Wording};
use crate::{
    attribute::Wish,
    category::{self, CategoryId, GENERAL},
    intent::{Condition, Conditions},
    limits,
    list::List,
    money::Money,
    place::{Place, Region},
    text::Title,
    topic::{RegionGroup, Topic, for_listener},
};

/// A standing interest in wants: every part that is there must hold, and at least one must be there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
pub struct Sought {
    /// A want says every word of one of these.
    pub any_of: List<Title, WORDINGS>,
    /// It is of this category or a kind of it.
    pub category: Option<CategoryId>,
    /// It is to be fulfilled in this region.
    pub region: Option<Region>,
    /// One piece may cost this much at least.
    pub over: Option<Money>,
    /// One piece may cost this much at most.
    pub under: Option<Money>,
    /// It may be in one of these states; none stands for any.
    pub conditions: List<Condition, { Condition::ALL.len() }>,
    /// So many pieces are wanted, or more.
    pub pieces: u32,
    /// It wishes for these attributes.
    pub wishes: List<Wish, { limits::ATTRIBUTES }>,
}

/// Why nobody can wait for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SoughtError {
    /// Every want there is would be met.
    #[error("say what to wait for: words, a category, a region or a price")]
    Everything,
    /// Words that say nothing, like "I am looking for".
    #[error("these words say nothing that a want could be known by")]
    NoWords,
    /// A least and a most that cannot be compared.
    #[error("the two prices are in different currencies")]
    Currencies,
    /// A least above the most.
    #[error("no price is over the one and under the other")]
    NoPrice,
}

impl Sought {
    /// The interest that it is.
    ///
    /// # Errors
    /// [`SoughtError`].
    pub fn interest(&self) -> Result<Interest, SoughtError> {
        let prices = match (self.over, self.under) {
            (None, None) => None,
            (Some(over), None) => Some(Prices::at_least(over)),
            (None, Some(under)) => Some(Prices::at_most(under)),
            (Some(over), Some(under)) if over.currency != under.currency => return Err(SoughtError::Currencies),
            (Some(over), Some(under)) if over.minor > under.minor => return Err(SoughtError::NoPrice),
            (Some(over), Some(under)) => Some(Prices {
                least: over.minor,
                ..Prices::at_most(under)
            }),
        };
        let category = self.category.filter(|category| *category != GENERAL);
        if self.any_of.is_empty()
            && category.is_none()
            && self.region.is_none()
            && prices.is_none()
            && self.wishes.is_empty()
        {
            return Err(SoughtError::Everything);
        }
        let wordings: Option<Vec<Wording>> = self.any_of.iter().map(|text| Wording::all(text.as_str())).collect();
        Ok(Interest {
            any_of: List::cut(wordings.ok_or(SoughtError::NoWords)?),
            limits: Limits {
                category,
                place: self.region.map(Place::within),
                fulfilment: None,
                prices,
                conditions: Conditions::of(&self.conditions),
                pieces: self.pieces,
            },
            wishes: self.wishes.clone(),
        })
    }

    /// Where wants are said that it may be met by.
    pub fn topics(&self) -> BTreeSet<Topic> {
        let categories: Vec<CategoryId> = match self.category.filter(|category| *category != GENERAL) {
            Some(category) => vec![category],
            None => category::all()
                .filter(|category| category.parent.is_none())
                .map(|root| root.id)
                .collect(),
        };
        match self.region {
            Some(region) => for_listener(categories, [region.country.code()]),
            None => {
                let groups: BTreeSet<_> = for_listener(categories, ["GB"])
                    .into_iter()
                    .map(|topic| topic.category)
                    .collect();
                let everywhere = |group| RegionGroup::ALL.map(move |region| Topic::new(group, region));
                groups.into_iter().flat_map(everywhere).collect()
            }
        }
    }
}
