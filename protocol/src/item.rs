//! One thing in a seller's catalogue, as the market sees it.

use serde::{Deserialize, Serialize};

use crate::{
    attribute::Attribute,
    category::CategoryId,
    intent::{Condition, Language},
    money::Money,
    offer::Gtin,
    text::{Name, Text, Title, Word},
};

/// An item's description: catalogues have long ones; the index reads this much.
pub type Description = Text<4096>;

/// One thing for sale.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Item {
    /// The seller's own number for it, unique in the catalogue.
    pub id: Word,
    /// What it is called.
    pub title: Title,
    /// Who makes it; may be empty.
    pub brand: Name,
    /// What is said of it; may be empty.
    pub description: Description,
    /// Its global number.
    pub gtin: Option<Gtin>,
    /// What kind of thing; the root `general` where nobody knows.
    pub category: CategoryId,
    /// For how much each, tax included.
    pub price: Money,
    /// In what state.
    pub condition: Condition,
    /// How many there are; `None` where nobody counts.
    pub stock: Option<u32>,
    /// The language of its texts.
    pub language: Language,
    /// What it is like.
    pub attributes: Vec<Attribute>,
}
