//! Raw data sets into a folder each: `catalogue`, `map.toml`, `queries.tsv` and `qrels`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use anyhow::{Context as _, Result};
use flate2::read::GzDecoder;

const CHORUS_MAP: &str = r#"attribute_prefixes = ["attr_t_", "attr_n_", "attr_b_"]
price_unit = "minor"
[fields]
description = "short_description"
brand = "supplier"
gtin = "ean"
[constants]
currency = "USD"
"#;

pub fn all(data: &Path, out: &Path) -> Result<()> {
    chorus(&data.join("chorus"), &out.join("chorus"))?;
    pricerunner(&data.join("pricerunner"), &out.join("pricerunner"))
}

/// A shop's catalogue with judged queries: twice, with and without budgets.
fn chorus(data: &Path, out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    fs::copy(data.join("products.jsonl.gz"), out.join("catalogue")).context("no products.jsonl.gz")?;
    fs::write(out.join("map.toml"), CHORUS_MAP)?;
    let mut budgets = BTreeMap::new();
    for row in csv::Reader::from_path(data.join("budgets_dev.csv"))?.records() {
        let row = row?;
        let cents: u64 = row[2].trim().parse()?;
        budgets.insert(row[0].to_owned(), cents);
    }
    let mut queries = File::create(out.join("queries.tsv"))?;
    let mut with_budget = File::create(out.join("queries-budget.tsv"))?;
    let text = fs::read_to_string(data.join("dev_queries"))?;
    let asked: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let number: BTreeMap<&str, usize> = asked.iter().enumerate().map(|(at, query)| (*query, at)).collect();
    for (query, at) in &number {
        writeln!(queries, "q{at}\t{query}")?;
        if let Some(cents) = budgets.get(*query) {
            writeln!(with_budget, "q{at}\t{query}\t{}.{:02} USD", cents / 100, cents % 100)?;
        }
    }
    let prices = chorus_prices(&out.join("catalogue"))?;
    let mut qrels = File::create(out.join("qrels"))?;
    let mut within = File::create(out.join("qrels-budget"))?;
    for row in csv::Reader::from_path(data.join("ratings_dev.csv"))?.records() {
        let row = row?;
        let Some(at) = number.get(&row[0]) else { continue };
        let (docid, mut grade) = (&row[1], row[2].trim().parse::<i32>()?);
        writeln!(qrels, "q{at} 0 {docid} {grade}")?;
        // What costs more than the budget is no answer, however good it was.
        if let (Some(budget), Some(price)) = (budgets.get(&row[0]), prices.get(docid))
            && price > budget
        {
            grade = 0;
        }
        writeln!(within, "q{at} 0 {docid} {grade}")?;
    }
    Ok(())
}

fn chorus_prices(catalogue: &Path) -> Result<BTreeMap<String, u64>> {
    let mut prices = BTreeMap::new();
    let lines = std::io::BufReader::new(GzDecoder::new(File::open(catalogue)?));
    for line in std::io::BufRead::lines(lines) {
        let row: serde_json::Value = serde_json::from_str(&line?)?;
        if let (Some(id), Some(price)) = (row["id"].as_str(), row["price"].as_u64()) {
            prices.insert(id.to_owned(), price);
        }
    }
    Ok(prices)
}

/// Offers' titles of many shops: each asked for by the name of what it is an offer of.
fn pricerunner(data: &Path, out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    let text = fs::read_to_string(data.join("dev_queries"))?;
    let asked: BTreeSet<&str> = text.split_whitespace().collect();
    let mut reader = csv::Reader::from_reader(GzDecoder::new(File::open(data.join("offers.csv.gz"))?));
    let head: Vec<String> = reader.headers()?.iter().map(|name| name.trim().to_owned()).collect();
    let column = |name: &str| {
        let found = head.iter().position(|known| known == name);
        found.with_context(|| format!("no column {name}"))
    };
    let (id, title) = (column("Product ID")?, column("Product Title")?);
    let (cluster, label) = (column("Cluster ID")?, column("Cluster Label")?);
    let rows = reader.records().collect::<Result<Vec<_>, _>>()?;
    let mut catalogue = File::create(out.join("catalogue"))?;
    let mut by_label: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut labels: BTreeMap<&str, &str> = BTreeMap::new();
    for row in &rows {
        // It has no prices; one of our own makes an item of each.
        let item = serde_json::json!({ "id": &row[id], "title": &row[title], "price": "1.00 GBP" });
        writeln!(catalogue, "{item}")?;
        by_label.entry(&row[label]).or_default().push(&row[id]);
        if asked.contains(&row[cluster]) {
            labels.insert(&row[cluster], &row[label]);
        }
    }
    fs::write(out.join("map.toml"), "")?;
    let mut queries = File::create(out.join("queries.tsv"))?;
    let mut qrels = File::create(out.join("qrels"))?;
    for (cluster, label) in labels {
        writeln!(queries, "{cluster}\t{label}")?;
        for id in &by_label[label] {
            writeln!(qrels, "{cluster} 0 {id} 1")?;
        }
    }
    Ok(())
}
