//! Which items of one part are let in: those that are still there and within the filters.
//!
//! Of each item only its sort and its price are kept in memory: a shop has few sorts of things, and a filter is asked
//! once of each sort.

use std::{collections::HashMap, sync::Arc};

use intentcast_protocol::category::{CategoryId, Relation, relation};
use tantivy::{
    DocId,
    columnar::{Column, ColumnValues},
};

use super::{
    board::WINDOW,
    filters::{Filters, has},
    parts::Part,
    schema::{currency, meet, region},
};

/// Stands for a price that four bytes do not hold.
const ELSEWHERE: u32 = u32::MAX;
/// Of a window's items one in so many has to be asked about before all of them are, one after the other.
const SELDOM: u64 = 8;

/// The sorts of a part's items: eight bytes an item, and what there is to say of each sort once.
pub struct Sorts {
    of: Vec<u32>,
    prices: Vec<u32>,
    all: Vec<Sort>,
}

/// What many items have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Sort {
    currency: u64,
    condition: u64,
    category: u64,
    /// Where they are sent; `None` where they do not say.
    regions: Option<Box<[u64]>>,
}

/// The columns that sorts are made of.
pub struct Columns {
    pub category: Arc<dyn ColumnValues<u64>>,
    pub condition: Arc<dyn ColumnValues<u64>>,
    pub currency: Arc<dyn ColumnValues<u64>>,
    pub price: Arc<dyn ColumnValues<i64>>,
    /// None where no item says where it is sent.
    pub region: Option<Column<u64>>,
}

impl Sorts {
    /// Of the first `items` items.
    pub fn of(columns: &Columns, items: DocId) -> Self {
        let mut sorts = Self {
            of: Vec::with_capacity(items as usize),
            prices: Vec::with_capacity(items as usize),
            all: Vec::new(),
        };
        let mut known: HashMap<Sort, u32> = HashMap::new();
        for item in 0..items {
            let regions = columns.region.iter().flat_map(|regions| regions.values_for_doc(item));
            let regions: Box<[u64]> = regions.collect();
            let sort = Sort {
                currency: columns.currency.get_val(item),
                condition: columns.condition.get_val(item),
                category: columns.category.get_val(item),
                regions: (!regions.is_empty()).then_some(regions),
            };
            let number = *known.entry(sort).or_insert_with_key(|sort| {
                sorts.all.push(sort.clone());
                sorts.all.len() as u32 - 1
            });
            sorts.of.push(number);
            let price = u32::try_from(columns.price.get_val(item));
            sorts.prices.push(price.unwrap_or(ELSEWHERE));
        }
        sorts
    }

    /// The number of an item's category.
    pub fn category(&self, item: DocId) -> u64 {
        self.all[self.of[item as usize] as usize].category
    }
}

/// Filters over one part of the items.
pub struct Gate<'a> {
    part: &'a Part,
    filters: Filters,
    currency: Option<u64>,
    region: Option<u64>,
    /// Whether everything is let in.
    open: bool,
    /// What was found of each sort.
    sorts: Vec<Option<bool>>,
    categories: HashMap<u64, bool>,
    base: DocId,
    /// A bit for each item from `base` on, where all were asked about beforehand.
    admitted: Option<Box<[u64]>>,
    beforehand: bool,
}

impl<'a> Gate<'a> {
    pub fn of(part: &'a Part, filters: &Filters) -> Self {
        Self {
            part,
            filters: *filters,
            currency: filters
                .currency
                .or(filters.ceiling.map(|ceiling| ceiling.currency))
                .map(currency),
            region: filters.region.map(region),
            open: *filters == Filters::default() && part.is_whole(),
            sorts: vec![None; part.sorts.all.len()],
            categories: HashMap::new(),
            base: 0,
            admitted: None,
            beforehand: false,
        }
    }

    /// From now on it is asked about items from `base` up to `end`, about this many of them.
    pub fn window(&mut self, base: DocId, end: DocId, asked: u64) {
        self.base = base;
        self.beforehand = !self.open && asked * SELDOM > u64::from(end - base);
        if !self.beforehand {
            return;
        }
        let mut admitted = self
            .admitted
            .take()
            .unwrap_or_else(|| vec![0; WINDOW.div_ceil(64) as usize].into());
        for (word, start) in admitted.iter_mut().zip((base..end).step_by(64)) {
            *word = (start..end.min(start + 64)).fold(0, |word, item| {
                word | u64::from(self.look(item)) << (item - start)
            });
        }
        self.admitted = Some(admitted);
    }

    /// Whether this item is let in.
    pub fn admits(&mut self, item: DocId) -> bool {
        if self.open {
            return true;
        }
        match &self.admitted {
            Some(admitted) if self.beforehand => {
                let at = item - self.base;
                admitted[at as usize / 64] >> (at % 64) & 1 == 1
            }
            _ => self.look(item),
        }
    }

    fn look(&mut self, item: DocId) -> bool {
        let sort = self.part.sorts.of[item as usize];
        let suits = match self.sorts[sort as usize] {
            Some(suits) => suits,
            None => self.ask(sort),
        };
        suits && self.is_affordable(item) && self.part.is_alive(item)
    }

    fn is_affordable(&self, item: DocId) -> bool {
        let Some(ceiling) = self.filters.ceiling else { return true };
        match self.part.sorts.prices[item as usize] {
            ELSEWHERE => (0..=ceiling.minor).contains(&self.part.price(item)),
            price => i64::from(price) <= ceiling.minor,
        }
    }

    fn ask(&mut self, number: u32) -> bool {
        let sort = &self.part.sorts.all[number as usize];
        let suits = self.currency.is_none_or(|asked| sort.currency == asked)
            && self
                .filters
                .conditions
                .is_none_or(|asked| has(asked, sort.condition))
            && self.region.is_none_or(|here| {
                let regions = sort.regions.as_deref();
                regions.is_none_or(|regions| regions.iter().any(|there| meet(*there, here)))
            })
            && self.filters.category.is_none_or(|asked| {
                *self.categories.entry(sort.category).or_insert_with_key(|offered| {
                    u32::try_from(*offered).is_ok_and(|offered| relation(asked, CategoryId(offered)) != Relation::Apart)
                })
            });
        self.sorts[number as usize] = Some(suits);
        suits
    }
}
