//! The demo's shops: a part of a catalogue each, with prices, delivery and promises of their own.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use intentcast_protocol::{item::Item, money::Money};

use crate::catalogue::{self, Mapping};

/// Our own catalogue: invented things, invented makers.
const CATALOGUE: &str = include_str!("../../assets/demo-catalogue.jsonl");

const FIRST: [&str; 20] = [
    "Harbour",
    "Northgate",
    "Willow",
    "Copper",
    "Lantern",
    "Meadow",
    "Station",
    "Corner",
    "Old Mill",
    "Riverside",
    "Green Door",
    "Hilltop",
    "Market",
    "Saltmarsh",
    "Bridge",
    "Orchard",
    "Beacon",
    "Quay",
    "Fennel",
    "Anchor",
];
const SECOND: [&str; 10] = [
    "Stores",
    "Trading",
    "Supply",
    "Goods",
    "Emporium",
    "& Daughters",
    "Co-operative",
    "Outfitters",
    "Bazaar",
    "House",
];

/// One shop before it opens.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    pub(super) name: String,
    pub(super) folder: String,
    pub(super) rules_text: String,
    items: Vec<Item>,
}

impl Shop {
    /// Its catalogue as JSON Lines, as `catalog import` reads it.
    pub(super) fn catalogue_lines(&self) -> String {
        catalogue::json_lines(&self.items)
    }
}

/// So many shops, which share out what there is to sell.
pub(super) fn open(catalogue: Option<Vec<Item>>, country: &str, shops: usize) -> Result<Vec<Shop>> {
    let parts = match catalogue {
        // Whole brands stay together, so that what one index would find is found across all shops once.
        Some(items) => catalogue::shard(items, shops),
        None => {
            let import = catalogue::read(CATALOGUE.as_bytes(), &Mapping::default())?;
            catalogue::shard_demo(&import.items, shops)
        }
    };
    if parts.iter().all(Vec::is_empty) {
        bail!("there is nothing in the catalogue");
    }
    let shop = |(at, items): (usize, Vec<Item>)| {
        let name = name(at);
        let rules_text = rules(at, &name, country, items.first().map(|item| item.price));
        Shop {
            name,
            folder: format!("shop-{:03}", at + 1),
            rules_text,
            items,
        }
    };
    Ok(parts.into_iter().enumerate().map(shop).collect())
}

/// A name for each, all different.
fn name(at: usize) -> String {
    let (first, second) = (FIRST[at % FIRST.len()], SECOND[at / FIRST.len() % SECOND.len()]);
    format!("{first} {second}")
}

/// Rules that differ from shop to shop in what a customer notices: delivery, returns, warranty.
fn rules(at: usize, name: &str, country: &str, price: Option<Money>) -> String {
    let currency = price.map_or_else(|| "GBP".into(), |price| price.currency.to_string());
    let delivery = ["0.00", "2.99", "4.50", "6.95"][at % 4];
    let days = [1, 2, 3, 5, 7][at % 5];
    let (returns, warranty) = ([14, 30, 60, 100][at / 2 % 4], [12, 24, 36][at % 3]);
    let mut text = format!(
        "shop = {name:?}\nreturns_days = {returns}\nwarranty_months = {warranty}\nhold = {}\n",
        at.is_multiple_of(2)
    );
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "\n[[delivery]]\nregion = {country:?}\nmode = \"delivery\"\nprice = \"{delivery} {currency}\"\ndays = {days}\n\
         \n[[delivery]]\nregion = {country:?}\nmode = \"on-site\"\nprice = \"0.00 {currency}\"\ndays = {days}\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_shipped_catalogue_is_large_and_broad_and_all_of_it_reads() {
        let import = catalogue::read(CATALOGUE.as_bytes(), &Mapping::default()).unwrap();
        assert_eq!(import.report.bad_rows(), 0, "{:?}", import.report.bad);
        let roots: BTreeSet<_> = import.items.iter().map(|item| item.category.root()).collect();
        assert!(
            import.items.len() >= 600 && roots.len() >= 12,
            "{} items, {} roots",
            import.items.len(),
            roots.len()
        );
    }

    #[test]
    fn every_shop_has_a_name_of_its_own_and_rules_that_read() {
        let shops = open(None, "GB", 50).unwrap();
        let names: BTreeSet<_> = shops.iter().map(|shop| &shop.name).collect();
        assert_eq!(names.len(), 50);
        for shop in &shops {
            crate::rules_file::parse(&shop.rules_text).unwrap();
        }
        assert!((0..200).map(name).collect::<BTreeSet<_>>().len() == 200);
    }
}
