//! Whose columns they are: forms that the world's shops export, each brought into our own columns.

use super::{
    ImportError, google,
    mapping::{Constants, Fields, Mapping, PriceUnit},
    report::Flaw,
    rows::{Row, same},
    shopify::Shopify,
    woocommerce::WooCommerce,
};

/// Whose columns a file has.
#[derive(Clone, PartialEq, Debug)]
pub enum Form {
    /// Its own, or those of a mapping file.
    Plain,
    /// Google Merchant's feed.
    Google,
    /// Shopify's export of products.
    Shopify(Box<Shopify>),
    /// WooCommerce's export of products.
    WooCommerce(Box<WooCommerce>),
}

impl Form {
    /// The form that has these columns. A mapping that names columns knows better.
    pub fn of_columns(columns: &[String], mapping: &Mapping) -> Self {
        let has = |name: &str| columns.iter().any(|column| same(column, name));
        let google = |name: &str| columns.iter().any(|column| google::name(column) == name);
        if mapping.fields != Fields::default() {
            Self::Plain
        } else if has("Handle") && has("Variant Price") {
            Self::Shopify(Box::default())
        } else if has("Regular price") && has("Name") && has("Type") {
            Self::WooCommerce(Box::default())
        } else if google("title")
            && google("price")
            && [
                "google_product_category",
                "product_type",
                "image_link",
                "availability",
                "mpn",
            ]
            .into_iter()
            .any(google)
        {
            Self::Google
        } else {
            Self::Plain
        }
    }

    /// Refuses to begin where the form does not say what an item must have, and nobody else has said it.
    pub fn ask(&self, mapping: &Mapping) -> Result<(), ImportError> {
        let form = match self {
            Self::Plain | Self::Google => return Ok(()),
            Self::Shopify(_) => "a Shopify export",
            Self::WooCommerce(_) => "a WooCommerce export",
        };
        let mut missing = Vec::new();
        if mapping.constants.currency.is_none() {
            missing.push("in which currency its prices are: add --currency, such as --currency GBP");
        }
        if mapping.constants.ships_to.is_empty() {
            missing.push("where its goods are sent: add --ships-to, such as --ships-to GB,IE");
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(ImportError::Ask {
                form,
                missing: missing.join("; and "),
            })
        }
    }

    /// How the rows of this form become items.
    pub fn mapping(&self, mapping: &Mapping) -> Mapping {
        if *self == Self::Plain {
            return mapping.clone();
        }
        Mapping {
            fields: Fields::default(),
            constants: Constants::clone(&mapping.constants),
            price_unit: PriceUnit::Major,
            ..mapping.clone()
        }
    }

    /// The rows in our own columns that a row of this form is: none where it is no goods.
    pub fn rows(&mut self, row: Row) -> Result<Vec<Row>, Flaw> {
        match self {
            Self::Plain => Ok(vec![row]),
            Self::Google => Ok(vec![google::row(row)]),
            Self::Shopify(shopify) => shopify.rows(&row),
            Self::WooCommerce(woo) => Ok(woo.rows(&row)),
        }
    }
}
