//! What of an item is searched, and how its text is cut into terms.

use std::collections::BTreeSet;

use intentcast_protocol::{category::CategoryId, item::Item};
use tantivy::{
    TantivyDocument,
    schema::{FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{
        AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer,
        TokenizerManager,
    },
};

/// Counted up with each change to this file that changes what is in an index.
pub const FORM: u32 = 1;

/// Longest term, bytes: longer ones are no words, and no part numbers either.
const TERM_BYTES: usize = 40;
const ENGLISH: &str = "english/1";

/// The fields, by what they hold.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// The item's id, as the store has it.
    pub id: Field,
    /// The item's place in the order of ids, so that equal scores have an order.
    pub ordinal: Field,
    /// Numbers that name exactly one thing: id and GTIN, lower case.
    pub code: Field,
    pub title: Field,
    /// The title with digits parted from letters.
    pub split: Field,
    pub description: Field,
    pub brand: Field,
    /// Names and values.
    pub attributes: Field,
    /// Name and synonyms of the category and of those above it, below the root.
    pub kind: Field,
    /// The category's number.
    pub category: Field,
    /// The category's number and those above it.
    pub within: Field,
    pub condition: Field,
    pub currency: Field,
    /// Smallest units of the currency.
    pub price: Field,
}

impl Fields {
    /// The schema and its fields.
    pub fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(ENGLISH)
            .set_index_option(IndexRecordOption::WithFreqs);
        let text = TextOptions::default().set_indexing_options(indexing);
        let fields = Self {
            id: schema.add_text_field("id", STRING | STORED),
            ordinal: schema.add_u64_field("ordinal", FAST),
            code: schema.add_text_field("code", STRING),
            title: schema.add_text_field("title", text.clone()),
            split: schema.add_text_field("split", text.clone()),
            description: schema.add_text_field("description", text.clone()),
            brand: schema.add_text_field("brand", text.clone()),
            attributes: schema.add_text_field("attributes", text.clone()),
            kind: schema.add_text_field("kind", text),
            category: schema.add_u64_field("category", INDEXED),
            within: schema.add_u64_field("within", INDEXED),
            condition: schema.add_u64_field("condition", INDEXED),
            currency: schema.add_text_field("currency", STRING),
            price: schema.add_i64_field("price", FAST),
        };
        (schema.build(), fields)
    }

    /// An item as it is searched.
    pub fn document(&self, ordinal: u64, item: &Item) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_text(self.id, item.id.as_str());
        document.add_u64(self.ordinal, ordinal);
        document.add_text(self.code, code(item.id.as_str()));
        if let Some(gtin) = item.gtin {
            document.add_text(self.code, code(&gtin.to_string()));
        }
        document.add_text(self.title, item.title.as_str());
        document.add_text(self.split, split(item.title.as_str()));
        document.add_text(self.description, item.description.as_str());
        document.add_text(self.brand, item.brand.as_str());
        for attribute in &item.attributes {
            document.add_text(
                self.attributes,
                format!("{} {}", spaced(attribute.name.as_str()), attribute.value),
            );
        }
        document.add_text(self.kind, kind(item.category));
        document.add_u64(self.category, u64::from(item.category.0));
        for category in lineage(item.category) {
            document.add_u64(self.within, u64::from(category.0));
        }
        document.add_u64(self.condition, item.condition as u64);
        document.add_text(self.currency, item.price.currency.code());
        document.add_i64(self.price, item.price.minor);
        document
    }
}

/// The cutters of text that the schema names.
pub fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::new();
    for name in ["raw", "default"] {
        if let Some(known) = TokenizerManager::default().get(name) {
            manager.register(name, known);
        }
    }
    manager.register(ENGLISH, english());
    manager
}

/// Letters and digits in lower case without accents, stemmed as English.
fn english() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(TERM_BYTES))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(Stemmer::new(Language::English))
        .build()
}

/// The same without stemming.
fn plain() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(TERM_BYTES))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .build()
}

/// The words of `text` as they are written, but for case and accents.
pub fn words(text: &str) -> Vec<String> {
    terms(&mut plain(), text)
}

/// The terms that the index has for `text`.
pub fn stems(text: &str) -> Vec<String> {
    terms(&mut english(), text)
}

fn terms(analyzer: &mut TextAnalyzer, text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    analyzer
        .token_stream(text)
        .process(&mut |token| terms.push(token.text.clone()));
    terms
}

/// `text` with a space wherever a digit meets a letter: `64GB` is `64 GB`.
pub fn split(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before: Option<char> = None;
    for c in text.chars() {
        let meets = |b: char| (b.is_numeric() && c.is_alphabetic()) || (b.is_alphabetic() && c.is_numeric());
        if before.is_some_and(meets) {
            out.push(' ');
        }
        out.push(c);
        before = Some(c);
    }
    out
}

/// A code as it is compared: lower case; a number without the zeros before it, which shops add and drop.
pub fn code(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    match lower.trim_start_matches('0') {
        rest if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) => rest.to_owned(),
        _ => lower,
    }
}

/// A category and those above it, from the finest.
pub fn lineage(category: CategoryId) -> impl Iterator<Item = CategoryId> {
    std::iter::successors(Some(category), |category| category.parent())
}

/// What people call things of this category. A root's names say too little to find anything by.
pub fn kind(category: CategoryId) -> String {
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

/// An attribute's name as words.
pub fn spaced(name: &str) -> String {
    name.replace('_', " ")
}
