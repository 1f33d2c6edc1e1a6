//! From words and limits to a query of tantivy.
//!
//! What must hold is a filter that scores nothing; what is alike is a sum over words, each counted once, where it
//! counts most. Title x 2, description x 2, brand x 1, attributes x 0.3, and half as much again for all words of the
//! title together, won on judged queries of a real shop; phrases brought nothing there.

use std::ops::Bound;

use intentcast_protocol::{
    category::{self, CategoryId, GENERAL},
    intent::{Condition, Conditions, Intent},
    money::{Currency, Money},
};
use tantivy::{
    Term,
    query::{BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur, Query, RangeQuery, TermQuery},
    schema::{Field, IndexRecordOption},
};

use super::{
    schema::{Fields, lineage},
    words::{Asked, Words},
};

const TITLE: f32 = 2.0;
const DESCRIPTION: f32 = 2.0;
const BRAND: f32 = 1.0;
const ATTRIBUTES: f32 = 0.3;
/// What people call the category counts like the brand: it says what the thing is, and says it of many.
const KIND: f32 = 1.0;
const ALL_WORDS: f32 = 1.5;
/// The number of the very thing beats any words.
const CODE: f32 = 100.0;
/// Being what the words seem to be about: as much as a word that a tenth of the titles have.
const INFERRED: f32 = 4.0;

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
}

impl Filters {
    /// What an intent asks for, where a price may still fall to `lowest` hundredths of a percent of the catalogue's.
    ///
    /// Delivery is left out: what it costs is for the seller's rules.
    pub fn of(intent: &Intent, lowest: u32) -> Self {
        let budget = intent.budget.ceiling();
        let each = i128::from(budget.minor) / i128::from(intent.quantity.max(1));
        // One more unit, since the rules cut what is left of a unit and would find a price that this filter had not.
        let listed = (each + i128::from(lowest < 10_000)) * 10_000 / i128::from(lowest.clamp(1, 10_000));
        Self {
            currency: Some(budget.currency),
            ceiling: Some(Money {
                minor: i64::try_from(listed).unwrap_or(i64::MAX),
                ..budget
            }),
            category: Some(intent.category),
            conditions: Some(intent.conditions),
        }
    }
}

/// The query for both; `None` where nothing says what is wanted.
pub fn query(fields: &Fields, words: &Words, filters: &Filters, about: &str) -> Option<Box<dyn Query>> {
    let mut any: Vec<Box<dyn Query>> = Vec::new();
    let each: Vec<(bool, Box<dyn Query>)> = words
        .asked
        .iter()
        .map(|asked| {
            (
                asked.title,
                Box::new(BoostQuery::new(word(fields, asked), asked.weight)) as Box<dyn Query>,
            )
        })
        .collect();
    let title: Vec<Box<dyn Query>> = each
        .iter()
        .filter(|(title, _)| *title)
        .map(|(_, query)| query.box_clone())
        .collect();
    any.extend(each.into_iter().map(|(_, query)| query));
    if title.len() > 1 {
        any.push(Box::new(BoostQuery::new(
            Box::new(BooleanQuery::intersection(title)),
            ALL_WORDS,
        )));
    }
    any.extend(words.codes.iter().map(|code| flat(text(fields.code, code), CODE)));
    match filters.category {
        // Whatever is filed below a category that says what the thing is may be it, even where no word says so.
        Some(asked) if asked.parent().is_some() => any.push(flat(number(fields.within, asked), 0.0)),
        _ => any.extend(
            category::infer(about)
                .filter(|inferred| inferred.parent.is_some())
                .map(|inferred| flat(number(fields.within, inferred.id), INFERRED)),
        ),
    }
    if any.is_empty() {
        return None;
    }
    let mut all: Vec<(Occur, Box<dyn Query>)> = vec![(Occur::Must, Box::new(BooleanQuery::union(any)))];
    all.extend(
        limits(fields, filters)
            .into_iter()
            .map(|query| (Occur::Must, Box::new(ConstScoreQuery::new(query, 0.0)) as _)),
    );
    Some(Box::new(BooleanQuery::new(all)))
}

/// One word, wherever it counts most.
fn word(fields: &Fields, asked: &Asked) -> Box<dyn Query> {
    let mut places: Vec<Box<dyn Query>> = [
        (fields.title, TITLE),
        (fields.description, DESCRIPTION),
        (fields.brand, BRAND),
        (fields.attributes, ATTRIBUTES),
        (fields.kind, KIND),
    ]
    .into_iter()
    .map(|(field, boost)| boosted(text(field, &asked.stem), boost))
    .collect();
    for pair in &asked.joined {
        places.push(boosted(text(fields.title, pair), TITLE));
        places.push(boosted(text(fields.description, pair), DESCRIPTION));
        places.push(boosted(text(fields.attributes, pair), ATTRIBUTES));
    }
    if asked.numeric {
        match asked.parts.as_slice() {
            [] => {}
            [only] => places.push(boosted(text(fields.split, only), TITLE)),
            parts => {
                let parts_found = parts.iter().map(|part| text(fields.split, part)).collect();
                // The parts are one word: together they count as one.
                let boost = TITLE / parts.len() as f32;
                places.push(boosted(Box::new(BooleanQuery::intersection(parts_found)), boost));
            }
        }
    }
    Box::new(DisjunctionMaxQuery::new(places))
}

fn limits(fields: &Fields, filters: &Filters) -> Vec<Box<dyn Query>> {
    let mut all: Vec<Box<dyn Query>> = Vec::new();
    if let Some(currency) = filters.currency.or(filters.ceiling.map(|ceiling| ceiling.currency)) {
        all.push(text(fields.currency, currency.code()));
    }
    if let Some(ceiling) = filters.ceiling {
        let most = Bound::Included(Term::from_field_i64(fields.price, ceiling.minor));
        all.push(Box::new(RangeQuery::new(
            Bound::Included(Term::from_field_i64(fields.price, 0)),
            most,
        )));
    }
    if let Some(asked) = filters.category.filter(|asked| *asked != GENERAL) {
        // The categories above cover what is asked as much as it covers what is below; `general` covers everything.
        let coarser = lineage(asked)
            .skip(1)
            .chain([GENERAL])
            .map(|above| number(fields.category, above));
        all.push(Box::new(BooleanQuery::union(
            coarser.chain([number(fields.within, asked)]).collect(),
        )));
    }
    if let Some(conditions) = filters.conditions
        && conditions.list().len() < Condition::ALL.len()
    {
        let each = conditions.list().into_iter().map(|condition| {
            let term = Term::from_field_u64(fields.condition, condition as u64);
            Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as _
        });
        all.push(Box::new(BooleanQuery::union(each.collect())));
    }
    all
}

fn text(field: Field, term: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(
        Term::from_field_text(field, term),
        IndexRecordOption::WithFreqs,
    ))
}

fn number(field: Field, category: CategoryId) -> Box<dyn Query> {
    Box::new(TermQuery::new(
        Term::from_field_u64(field, u64::from(category.0)),
        IndexRecordOption::Basic,
    ))
}

fn boosted(query: Box<dyn Query>, boost: f32) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, boost))
}

fn flat(query: Box<dyn Query>, score: f32) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, score))
}
