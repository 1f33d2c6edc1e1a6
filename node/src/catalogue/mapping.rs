//! Which column is what: our own names, or a mapping file for somebody else's.

use std::{fs, path::Path};

use intentcast_protocol::{
    category::{self, CategoryId},
    intent::{Condition, Language},
    money::Currency,
    place::Region,
};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{bytes::Encoding, rows::same};
use crate::toml_file::{self, Wrong};

/// How the columns of a file become an item.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// For each field of an item, the columns that may hold it: the first that is not empty counts.
    pub fields: Fields,
    /// What holds where no column says otherwise.
    pub constants: Constants,
    /// What a bare number in the price column counts.
    pub price_unit: PriceUnit,
    /// Columns that begin so are attributes, named by the rest.
    pub attribute_prefixes: Vec<String>,
    /// How the file's letters are written, unless the file says so itself.
    pub encoding: Encoding,
}

/// What a bare number in the price column counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceUnit {
    /// Pounds.
    #[default]
    Major,
    /// Pence.
    Minor,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The columns of each field; by default the one called like it.
        #[derive(Clone, PartialEq, Debug, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Fields {
            $($(#[$doc])* #[serde(deserialize_with = "one_or_more")] pub $name: Vec<String>,)*
        }

        impl Default for Fields {
            fn default() -> Self {
                Self { $($name: vec![stringify!($name).to_owned()],)* }
            }
        }

        impl Fields {
            /// The columns of all fields.
            fn columns(&self) -> impl Iterator<Item = &String> {
                [$(&self.$name,)*].into_iter().flatten()
            }
        }
    };
}

fields! {
    /// The seller's number; where none is given it is worked out from title, brand and price.
    id,
    /// What it is called; must be there.
    title,
    /// What is said of it.
    description,
    /// Who makes it.
    brand,
    /// How much, with or without a currency; must be there.
    price,
    /// In which currency, unless the price says so.
    currency,
    /// A path, a name or a synonym of ours, a number of Google's or Shopify's; of a path with `>` the finest step that
    /// is known. Of several columns, or a list, the first that leads anywhere.
    category,
    /// `new`, `refurbished` or `used`.
    condition,
    /// How many there are.
    stock,
    /// Its global number, or a list of them.
    gtin,
    /// Of its texts, ISO 639-1.
    language,
    /// An object of names and values, or `name=value; name=value`.
    attributes,
    /// Where it is sent: regions like `GB` or `GB-YOR`, one or a list.
    ships_to,
}

impl Mapping {
    /// Whether anything is made of a column.
    pub(super) fn reads(&self, column: &str) -> bool {
        let is_prefixed = |prefix: &String| column.trim().starts_with(prefix.as_str());
        self.fields.columns().any(|known| same(known, column)) || self.attribute_prefixes.iter().any(is_prefixed)
    }
}

/// What holds where no column says otherwise.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Constants {
    /// Of prices.
    pub currency: Option<Currency>,
    /// Of things.
    #[serde(deserialize_with = "category_name")]
    pub category: Option<CategoryId>,
    /// Of things.
    pub condition: Option<Condition>,
    /// Pieces of each.
    pub stock: Option<u32>,
    /// Of texts.
    #[serde(deserialize_with = "language_code")]
    pub language: Option<Language>,
    /// Of things.
    pub brand: Option<String>,
    /// Where things are sent.
    pub ships_to: Vec<Region>,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            fields: Fields::default(),
            constants: Constants::default(),
            price_unit: PriceUnit::Major,
            attribute_prefixes: vec!["attr_".into()],
            encoding: Encoding::default(),
        }
    }
}

/// Why a mapping file is none.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// It cannot be read.
    #[error("the mapping file {path} cannot be read: {why}")]
    Unreadable {
        /// Which.
        path: String,
        /// What the system said.
        why: String,
    },
    /// A mistake in it.
    #[error("the mapping file, {0}")]
    Toml(#[from] Wrong),
}

impl Mapping {
    /// The mapping that `text` describes.
    ///
    /// # Errors
    /// [`Wrong`] with the line.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let mut mapping: Self = toml_file::parse(text)?;
        mapping.attribute_prefixes.retain(|prefix| !prefix.is_empty());
        // `attr_t_` before `attr_`, whatever the file's order.
        mapping
            .attribute_prefixes
            .sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
        Ok(mapping)
    }

    /// The mapping in a file.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn load(path: &Path) -> Result<Self, MappingError> {
        let unreadable = |error: std::io::Error| MappingError::Unreadable {
            path: path.display().to_string(),
            why: error.to_string(),
        };
        Ok(Self::parse(&fs::read_to_string(path).map_err(unreadable)?)?)
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Names;
    impl<'de> serde::de::Visitor<'de> for Names {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a column's name, or a list of them")
        }
        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Vec<String>, E> {
            Ok(vec![name.to_owned()])
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut names = Vec::new();
            while let Some(name) = seq.next_element()? {
                names.push(name);
            }
            Ok(names)
        }
    }
    deserializer.deserialize_any(Names)
}

fn category_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CategoryId>, D::Error> {
    let name = String::deserialize(deserializer)?;
    category::resolve(&name)
        .map(|category| Some(category.id))
        .map_err(D::Error::custom)
}

fn language_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Language>, D::Error> {
    let code = String::deserialize(deserializer)?;
    let language = Language::new(&code);
    language
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("{code:?} is no language: write a code like en")))
}
