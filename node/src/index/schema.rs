//! What of an item is searched: its fields, and which terms each has.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use intentcast_protocol::{
    attribute::Value,
    category::{self, CategoryId},
    intent::Language,
    item::Item,
    money::Currency,
    place::Region,
};
use tantivy::{
    TantivyDocument,
    schema::{FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions},
};

use crate::catalogue;

use super::{
    cut::{Cutter, Token, codes, measures, whole},
    extras,
};

/// Counted up with each change to what is in an index.
pub const FORM: u32 = 4;

/// Bits for the part of a country: three letters or digits.
const REGION_PART_BITS: u32 = 24;

/// How many fields are searched by words.
pub const PLACES: usize = 7;

/// Where a word may be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    Title,
    Description,
    Brand,
    /// Names and values.
    Attributes,
    /// Names and synonyms of the category and of those above it, below the root, where the title does not imply it.
    Kind,
    /// Codes and measures of the title, however they are parted.
    Codes,
    /// Title and brand in whole words, for wants of another language.
    Whole,
}

impl Place {
    pub const ALL: [Self; PLACES] = [
        Self::Title,
        Self::Description,
        Self::Brand,
        Self::Attributes,
        Self::Kind,
        Self::Codes,
        Self::Whole,
    ];

    /// Where terms are.
    pub const TEXTS: [Self; 5] = [
        Self::Title,
        Self::Description,
        Self::Brand,
        Self::Attributes,
        Self::Kind,
    ];

    /// What it is called, in the schema and to a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Brand => "brand",
            Self::Attributes => "attributes",
            Self::Kind => "category",
            Self::Codes => "title, as a code",
            Self::Whole => "title, in another language",
        }
    }

    /// The text that it is a form of: what is in two forms of one text counts once.
    pub fn text(self) -> Self {
        match self {
            Self::Codes | Self::Whole => Self::Title,
            text => text,
        }
    }
}

/// The fields, by what they hold.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// The item's id, as the store has it.
    pub id: Field,
    /// Greater the later its id is in the order of ids, so that equal scores have an order.
    pub ordinal: Field,
    /// Numbers that name exactly one thing: id and GTIN, lower case.
    pub number: Field,
    /// Searched by words, in the order of [`Place::ALL`].
    pub places: [Field; PLACES],
    /// The category's number.
    pub category: Field,
    /// The category's number and those above it.
    pub within: Field,
    pub condition: Field,
    pub currency: Field,
    /// Smallest units of the currency.
    pub price: Field,
    /// Which things that go with another it names, a bit each.
    pub extras: Field,
    /// Where it is sent, where it says so.
    pub region: Field,
}

impl Fields {
    /// The schema and its fields.
    pub fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::WithFreqs);
        let text = TextOptions::default().set_indexing_options(indexing);
        let fields = Self {
            id: schema.add_text_field("id", STRING | FAST),
            ordinal: schema.add_u64_field("ordinal", FAST),
            number: schema.add_text_field("number", STRING),
            places: ["title", "description", "brand", "attributes", "kind", "codes", "whole"]
                .map(|name| schema.add_text_field(name, text.clone())),
            category: schema.add_u64_field("category", FAST),
            within: schema.add_u64_field("within", INDEXED),
            condition: schema.add_u64_field("condition", FAST),
            currency: schema.add_u64_field("currency", FAST),
            price: schema.add_i64_field("price", FAST),
            extras: schema.add_u64_field("extras", FAST),
            region: schema.add_u64_field("region", FAST),
        };
        (schema.build(), fields)
    }
}

/// Makes documents of items.
pub struct Documents {
    fields: Fields,
    cutters: Cutters,
}

impl Documents {
    pub fn new(fields: Fields) -> Self {
        Self {
            fields,
            cutters: Cutters::default(),
        }
    }

    /// An item as it is searched.
    pub fn document(&mut self, ordinal: u64, item: &Item) -> TantivyDocument {
        let fields = &self.fields;
        let mut document = TantivyDocument::new();
        document.add_text(fields.id, item.id.as_str());
        document.add_u64(fields.ordinal, ordinal);
        for number in numbers(item) {
            document.add_text(fields.number, number);
        }
        let terms = Terms::of(&mut self.cutters, item);
        for (place, terms) in Place::ALL.into_iter().zip(terms.places) {
            if !terms.is_empty() {
                document.add_text(fields.places[place as usize], terms);
            }
        }
        document.add_u64(fields.category, u64::from(item.category.0));
        for category in lineage(item.category) {
            document.add_u64(fields.within, u64::from(category.0));
        }
        document.add_u64(fields.condition, item.condition as u64);
        document.add_u64(fields.currency, currency(item.price.currency));
        document.add_i64(fields.price, item.price.minor);
        if let Some(places) = catalogue::ships_to(item) {
            for place in &places {
                document.add_u64(fields.region, region(*place));
            }
            // Sent nowhere is not the same as not saying where.
            if places.is_empty() {
                document.add_u64(fields.region, 0);
            }
        }
        document.add_u64(fields.extras, terms.extras);
        document
    }
}

/// Names of categories that are remembered: the vocabulary has fewer.
const KINDS: usize = 1 << 13;

/// A cutter for each language that came.
#[derive(Default)]
pub struct Cutters {
    all: Vec<(Language, Cutter)>,
    /// Terms of what people call a category.
    kinds: HashMap<CategoryId, Rc<str>>,
}

impl Cutters {
    pub fn of(&mut self, language: Language) -> &mut Cutter {
        let all = &mut self.all;
        let at = match all.iter().position(|(known, _)| *known == language) {
            Some(at) => at,
            None => {
                // A catalogue in hundreds of languages is none; the last cutter then serves whoever comes.
                if all.len() == 64 {
                    all.pop();
                }
                all.push((language, Cutter::of(language)));
                all.len() - 1
            }
        };
        &mut all[at].1
    }

    fn kind(&mut self, category: CategoryId) -> Rc<str> {
        if let Some(known) = self.kinds.get(&category) {
            return Rc::clone(known);
        }
        let terms: Rc<str> = stems(&self.of(Language::ENGLISH).cut(&kind(category))).into();
        if self.kinds.len() == KINDS {
            self.kinds.clear();
        }
        self.kinds.insert(category, Rc::clone(&terms));
        terms
    }
}

/// What of an item is looked up.
pub struct Terms {
    /// The terms of each place, parted by spaces.
    pub places: [String; PLACES],
    /// Which things that go with another it names, a bit each.
    pub extras: u64,
}

impl Terms {
    pub fn of(cutters: &mut Cutters, item: &Item) -> Self {
        let cutter = cutters.of(item.language);
        let title = cutter.cut(item.title.as_str());
        let words: Vec<&str> = title.iter().map(|token| &*token.word).collect();
        let mut coded: BTreeSet<String> = codes(&words).into_iter().map(|(code, _)| code).collect();
        coded.extend(measures(item.title.as_str()).into_iter().map(|(measure, _)| measure));
        let description = cutter.cut(item.description.as_str());
        let brand = cutter.cut(item.brand.as_str());
        let mut attributes = Vec::new();
        for attribute in &item.attributes {
            attributes.extend(cutter.cut(attribute.name.as_str()));
            match &attribute.value {
                Value::Text(text) => attributes.extend(cutter.cut(text.as_str())),
                value => attributes.extend(cutter.cut(&value.to_string())),
            }
        }
        let mut words: Vec<&str> = title.iter().chain(&brand).map(|token| &*token.word).collect();
        words.sort_unstable();
        words.dedup();
        let whole: Vec<String> = words.into_iter().map(|word| whole(item.language, word)).collect();
        let kind = match is_implied(item) {
            true => String::new(),
            false => cutters.kind(item.category).to_string(),
        };
        Self {
            places: [
                stems(&title),
                stems(&description),
                stems(&brand),
                stems(&attributes),
                kind,
                coded.into_iter().collect::<Vec<_>>().join(" "),
                whole.join(" "),
            ],
            extras: extras::of_tokens(&title),
        }
    }
}

/// Whether the title says as much as the category's names. The vocabulary is English, whatever the item's language.
fn is_implied(item: &Item) -> bool {
    // Of a root there is nothing to add anyway.
    item.category.parent().is_none()
        || category::infer(item.title.as_str()).is_some_and(|implied| implied.id == item.category)
}

fn stems(tokens: &[Token]) -> String {
    let mut all = String::with_capacity(tokens.iter().map(|token| token.term.len() + 1).sum());
    for token in tokens {
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(&token.term);
    }
    all
}

/// The numbers that name exactly this item.
pub fn numbers(item: &Item) -> impl Iterator<Item = String> {
    [
        Some(number(item.id.as_str())),
        item.gtin.map(|gtin| number(&gtin.to_string())),
    ]
    .into_iter()
    .flatten()
}

/// A number as it is compared: lower case; without the zeros before it, which shops add and drop.
pub fn number(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    match lower.trim_start_matches('0') {
        rest if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) => rest.to_owned(),
        _ => lower,
    }
}

/// A currency as a column has it.
pub fn currency(currency: Currency) -> u64 {
    currency
        .code()
        .bytes()
        .fold(0, |number, byte| number << 8 | u64::from(byte))
}

/// A region as a column has it: the country, and behind it the part of it or zeros.
pub fn region(region: Region) -> u64 {
    let bytes = |code: &str| code.bytes().fold(0, |number, byte| number << 8 | u64::from(byte));
    let said = region.to_string();
    let (country, part) = said.split_once('-').unwrap_or((&said, ""));
    bytes(country) << REGION_PART_BITS | bytes(part)
}

/// Whether what is sent there may come here: one of the two lies in the other.
pub fn meet(there: u64, here: u64) -> bool {
    let part = |region: u64| region & ((1 << REGION_PART_BITS) - 1);
    there >> REGION_PART_BITS == here >> REGION_PART_BITS && (part(there) == 0 || part(here) == 0 || there == here)
}

/// A category and those above it, from the finest.
pub fn lineage(category: CategoryId) -> impl Iterator<Item = CategoryId> {
    std::iter::successors(Some(category), |category| category.parent())
}

/// What people call things of this category. A root's names say too little to find anything by.
fn kind(category: CategoryId) -> String {
    let mut names = BTreeSet::new();
    for known in lineage(category)
        .filter_map(CategoryId::lookup)
        .filter(|known| known.parent.is_some())
    {
        names.insert(known.name);
        names.extend(known.synonyms.iter().copied());
    }
    names.into_iter().collect::<Vec<_>>().join(" ")
}
