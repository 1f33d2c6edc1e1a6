//! What must hold of an item, whatever its words.

use std::collections::BTreeMap;

use intentcast_protocol::{
    category::{CategoryId, Relation, relation},
    intent::{Condition, Conditions, Intent},
    money::{Currency, Money},
    place::{Fulfilment, Region},
};
use tantivy::DocId;

use super::{
    parts::Part,
    schema::{currency, meet, region},
};

/// What must hold of an item, whatever its words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Filters {
    /// Its price in this currency.
    pub currency: Option<Currency>,
    /// Its price at most this, and in this currency.
    pub ceiling: Option<Money>,
    /// Its category within this one, or coarser: then the words decide.
    pub category: Option<CategoryId>,
    /// Its condition one of these.
    pub conditions: Option<Conditions>,
    /// Sent here, or saying nothing of where it is sent.
    pub region: Option<Region>,
}

impl Filters {
    /// What an intent asks for, where a price may still fall to `lowest` hundredths of a percent of the catalogue's.
    ///
    /// What delivery costs is left out: that is for the seller's rules.
    pub fn of(intent: &Intent, lowest: u32) -> Self {
        let listed = |budget: Money| {
            let each = i128::from(budget.minor) / i128::from(intent.quantity.max(1));
            // One more unit, since the rules cut what is left of a unit and would find a price that this filter had not.
            let listed = (each + i128::from(lowest < 10_000)) * 10_000 / i128::from(lowest.clamp(1, 10_000));
            Money {
                minor: i64::try_from(listed).unwrap_or(i64::MAX),
                ..budget
            }
        };
        Self {
            currency: Some(intent.budget.currency()),
            // Of a budget that is not said only the currency is known.
            ceiling: intent.budget.ceiling().map(listed),
            category: Some(intent.category),
            conditions: Some(intent.conditions),
            // What may be picked up need not be sent.
            region: (!intent.fulfilment.contains(Fulfilment::Pickup)).then_some(intent.place.region),
        }
    }

    /// The same, to be asked of the items of one part.
    pub(super) fn of_part<'a>(&self, part: &'a Part) -> Admits<'a> {
        Admits {
            part,
            currency: self
                .currency
                .or(self.ceiling.map(|ceiling| ceiling.currency))
                .map(currency),
            region: self.region.map(region),
            filters: *self,
            categories: BTreeMap::new(),
        }
    }
}

/// Filters over one part of the items.
pub(super) struct Admits<'a> {
    part: &'a Part,
    currency: Option<u64>,
    region: Option<u64>,
    filters: Filters,
    categories: BTreeMap<u64, bool>,
}

impl Admits<'_> {
    /// Whether they hold of this item.
    pub fn admit(&mut self, item: DocId) -> bool {
        let (part, filters) = (self.part, &self.filters);
        self.currency.is_none_or(|asked| part.currency.get_val(item) == asked)
            && filters
                .ceiling
                .is_none_or(|ceiling| (0..=ceiling.minor).contains(&part.price.get_val(item)))
            && filters
                .conditions
                .is_none_or(|asked| has(asked, part.condition.get_val(item)))
            && self.region.is_none_or(|asked| self.is_sent(item, asked))
            && filters.category.is_none_or(|asked| {
                let offered = part.category.get_val(item);
                *self.categories.entry(offered).or_insert_with(|| {
                    u32::try_from(offered).is_ok_and(|offered| relation(asked, CategoryId(offered)) != Relation::Apart)
                })
            })
    }
}

impl Admits<'_> {
    fn is_sent(&self, item: DocId, here: u64) -> bool {
        let Some(regions) = &self.part.region else { return true };
        let mut regions = regions.values_for_doc(item).peekable();
        regions.peek().is_none() || regions.any(|there| meet(there, here))
    }
}

fn has(asked: Conditions, offered: u64) -> bool {
    Condition::ALL
        .into_iter()
        .any(|condition| condition as u64 == offered && asked.has(condition))
}
