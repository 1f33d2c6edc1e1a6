//! Which items of one part are let in: those that are still there and within the filters.
//!
//! Of each item only its sort and its price are kept in memory: a shop has few sorts of things, and a filter is asked
//! once of each sort.

use std::{collections::HashMap, hash::Hash, sync::Arc};

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
    /// Whether there is a price that four bytes do not hold.
    is_elsewhere: bool,
    all: Vec<Sort>,
    categories: Vec<u64>,
    /// Where items are sent; none stands for not saying.
    regions: Vec<Box<[u64]>>,
}

/// What many items have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Sort {
    currency: u64,
    condition: u64,
    /// By number.
    category: u32,
    /// By number.
    regions: u32,
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

/// Numbers for what comes over and over.
struct Numbers<T>(HashMap<T, u32>);

impl<T: Clone + Eq + Hash> Numbers<T> {
    fn of(&mut self, one: T, all: &mut Vec<T>) -> u32 {
        *self.0.entry(one).or_insert_with_key(|one| {
            all.push(one.clone());
            all.len() as u32 - 1
        })
    }
}

impl Sorts {
    /// Of the first `items` items.
    pub fn of(columns: &Columns, items: DocId) -> Self {
        let mut sorts = Self {
            of: Vec::with_capacity(items as usize),
            prices: Vec::with_capacity(items as usize),
            is_elsewhere: false,
            all: Vec::new(),
            categories: Vec::new(),
            regions: Vec::new(),
        };
        let mut categories = Numbers(HashMap::new());
        let mut regions = Numbers(HashMap::new());
        let mut known = Numbers(HashMap::new());
        for item in 0..items {
            let sent = columns.region.iter().flat_map(|regions| regions.values_for_doc(item));
            let sort = Sort {
                currency: columns.currency.get_val(item),
                condition: columns.condition.get_val(item),
                category: categories.of(columns.category.get_val(item), &mut sorts.categories),
                regions: regions.of(sent.collect(), &mut sorts.regions),
            };
            sorts.of.push(known.of(sort, &mut sorts.all));
            let price = u32::try_from(columns.price.get_val(item)).unwrap_or(ELSEWHERE);
            sorts.is_elsewhere |= price == ELSEWHERE;
            sorts.prices.push(price);
        }
        sorts
    }

    /// The number of an item's category.
    pub fn category(&self, item: DocId) -> u64 {
        let sort = self.all[self.of[item as usize] as usize];
        self.categories[sort.category as usize]
    }
}

/// Filters over one part of the items.
pub struct Gate<'a> {
    part: &'a Part,
    filters: Filters,
    currency: Option<u64>,
    /// Whether everything is let in.
    is_open: bool,
    /// What was found of each sort: a bit that says whether it suits, and one that it was asked.
    sorts: Vec<u8>,
    categories: Vec<Option<bool>>,
    regions: Vec<Option<bool>>,
    base: DocId,
    /// A bit for each item from `base` on, where all were asked about beforehand.
    admitted: Option<Box<[u64]>>,
    is_beforehand: bool,
}

const SUITS: u8 = 1;
const ASKED: u8 = 2;

impl<'a> Gate<'a> {
    pub fn of(part: &'a Part, filters: &Filters) -> Self {
        let sorts = &part.sorts;
        Self {
            part,
            filters: *filters,
            currency: filters
                .currency
                .or(filters.ceiling.map(|ceiling| ceiling.currency))
                .map(currency),
            is_open: *filters == Filters::default() && part.is_whole(),
            sorts: vec![0; sorts.all.len()],
            categories: vec![None; sorts.categories.len()],
            regions: vec![None; sorts.regions.len()],
            base: 0,
            admitted: None,
            is_beforehand: false,
        }
    }

    /// From now on it is asked about items from `base` up to `end`, about this many of them.
    pub fn window(&mut self, base: DocId, end: DocId, asked: u64) {
        self.base = base;
        self.is_beforehand = !self.is_open && asked * SELDOM > u64::from(end - base);
        if !self.is_beforehand {
            return;
        }
        let mut admitted = self.admitted.take().unwrap_or_else(|| {
            for sort in 0..self.sorts.len() {
                self.ask(sort);
            }
            vec![0; WINDOW.div_ceil(64) as usize].into()
        });
        let items = base as usize..end as usize;
        let sorts = &self.part.sorts;
        let ceiling = self.filters.ceiling.map(|ceiling| ceiling.minor.min(ELSEWHERE.into()));
        // A ceiling below zero lets nothing in; what costs less than nothing is elsewhere.
        let ceiling = ceiling.map_or(ELSEWHERE, |ceiling| u32::try_from(ceiling).unwrap_or(0));
        let (of, prices) = (sorts.of[items.clone()].chunks(64), sorts.prices[items].chunks(64));
        for (word, (of, prices)) in admitted.iter_mut().zip(of.zip(prices)) {
            // Without a branch, since nobody could say beforehand which way it goes.
            *word = of.iter().zip(prices).rev().fold(0, |word, (sort, price)| {
                word << 1 | u64::from(self.sorts[*sort as usize] & SUITS & u8::from(*price <= ceiling))
            });
        }
        if sorts.is_elsewhere || self.filters.ceiling.is_some_and(|ceiling| ceiling.minor < 0) || !self.part.is_whole()
        {
            for (word, start) in admitted.iter_mut().zip((base..end).step_by(64)) {
                let mut left = *word;
                while left != 0 {
                    let at = left.trailing_zeros();
                    left &= left - 1;
                    if !(self.is_affordable(start + at) && self.part.is_alive(start + at)) {
                        *word &= !(1 << at);
                    }
                }
            }
        }
        self.admitted = Some(admitted);
    }

    /// Whether this item is let in.
    pub fn admits(&mut self, item: DocId) -> bool {
        if self.is_open {
            return true;
        }
        match &self.admitted {
            Some(admitted) if self.is_beforehand => {
                let at = item - self.base;
                admitted[at as usize / 64] >> (at % 64) & 1 == 1
            }
            _ => {
                let sort = self.part.sorts.of[item as usize] as usize;
                self.ask(sort) && self.is_affordable(item) && self.part.is_alive(item)
            }
        }
    }

    fn is_affordable(&self, item: DocId) -> bool {
        let Some(ceiling) = self.filters.ceiling else {
            return true;
        };
        match self.part.sorts.prices[item as usize] {
            ELSEWHERE => (0..=ceiling.minor).contains(&self.part.price(item)),
            price => i64::from(price) <= ceiling.minor,
        }
    }

    fn ask(&mut self, number: usize) -> bool {
        if self.sorts[number] & ASKED == 0 {
            let suits = self.suits(self.part.sorts.all[number]);
            self.sorts[number] = ASKED | if suits { SUITS } else { 0 };
        }
        self.sorts[number] & SUITS != 0
    }

    fn suits(&mut self, sort: Sort) -> bool {
        let (filters, sorts) = (&self.filters, &self.part.sorts);
        self.currency.is_none_or(|asked| sort.currency == asked)
            && filters.conditions.is_none_or(|asked| has(asked, sort.condition))
            && filters.region.is_none_or(|here| {
                *self.regions[sort.regions as usize].get_or_insert_with(|| {
                    let sent = &sorts.regions[sort.regions as usize];
                    sent.is_empty() || sent.iter().any(|there| meet(*there, region(here)))
                })
            })
            && filters.category.is_none_or(|asked| {
                *self.categories[sort.category as usize].get_or_insert_with(|| {
                    let offered = u32::try_from(sorts.categories[sort.category as usize]);
                    offered.is_ok_and(|offered| relation(asked, CategoryId(offered)) != Relation::Apart)
                })
            })
    }
}
