//! WooCommerce's export of products: simple ones and variations are items, and the parents of variations say what
//! those leave out.

use std::collections::BTreeMap;

use super::rows::{Cell, Row};

/// Parents of variations that are remembered, and the bytes of each one's description: 40 MB at most.
const MAX_PARENTS: usize = 10_000;
const PARENT_BYTES: usize = 4096;
/// Attributes that are looked for: `Attribute 1 name` and so on.
const MAX_ATTRIBUTES: usize = 100;

/// The parents read so far.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct WooCommerce {
    parents: BTreeMap<String, Parent>,
}

#[derive(Clone, PartialEq, Debug, Default)]
struct Parent {
    name: String,
    description: String,
    kinds: Cell,
    brand: Cell,
}

impl WooCommerce {
    pub fn rows(&mut self, row: &Row) -> Vec<Row> {
        let kind = row.text("Type").to_lowercase();
        let is = |what: &str| kind.split(',').any(|kind| kind.trim() == what);
        if is("variable") {
            self.remember(row);
        }
        // A group is no item, what is sold elsewhere is not ours to sell, and a draft is nobody's yet.
        let is_sold = is("simple") || is("variation");
        if !is_sold || !matches!(row.text("Published").trim(), "" | "1") {
            return Vec::new();
        }
        let parent = row.text("Parent").trim().to_owned();
        vec![item(row, self.parents.get(&parent))]
    }

    fn remember(&mut self, row: &Row) {
        if self.parents.len() >= MAX_PARENTS {
            return;
        }
        let mut parent = Parent {
            name: row.text("Name"),
            description: description(row),
            kinds: kinds(row),
            brand: brand(row),
        };
        parent
            .description
            .truncate(parent.description.floor_char_boundary(PARENT_BYTES));
        let sku = row.text("SKU");
        if !sku.trim().is_empty() {
            self.parents.insert(sku.trim().to_owned(), parent.clone());
        }
        self.parents.insert(format!("id:{}", row.text("ID").trim()), parent);
    }
}

fn item(row: &Row, parent: Option<&Parent>) -> Row {
    let cell = |column: &str| row.column(column).map_or(Cell::Empty, |(_, cell)| cell.clone());
    let or = |own: Cell, parents: Option<Cell>| match own {
        Cell::Empty => parents.unwrap_or(Cell::Empty),
        own => own,
    };
    let mut item = Row::default();
    item.set("id", or(cell("SKU"), Some(cell("ID"))));
    item.set("title", or(cell("Name"), parent.map(|parent| Cell::of(&parent.name))));
    let own = Cell::of(&description(row));
    item.set(
        "description",
        or(own, parent.map(|parent| Cell::of(&parent.description))),
    );
    item.set("brand", or(brand(row), parent.map(|parent| parent.brand.clone())));
    item.set("category", or(kinds(row), parent.map(|parent| parent.kinds.clone())));
    item.set("gtin", cell("GTIN, UPC, EAN, or ISBN"));
    // A sale that has its dates is not for ever; without a calendar the full price is the safe one.
    let dated = ["Date sale price starts", "Date sale price ends"]
        .iter()
        .any(|column| row.column(column).is_some());
    let sale = if dated { Cell::Empty } else { cell("Sale price") };
    item.set("price", or(sale, Some(cell("Regular price"))));
    let stock = match row.text("In stock?").trim() {
        "0" | "backorder" => Cell::Number("0".into()),
        _ => match row.text("Stock").trim() {
            "" | "parent" => Cell::Empty,
            count => Cell::Number(count.to_owned()),
        },
    };
    item.set("stock", stock);
    let mut attributes = Vec::new();
    for n in 1..=MAX_ATTRIBUTES {
        let name = row.text(&format!("Attribute {n} name"));
        if name.trim().is_empty() {
            break;
        }
        attributes.push((name, cell(&format!("Attribute {n} value(s)"))));
    }
    for (column, measure) in &row.0 {
        // "Weight (kg)": the unit is the shop's own.
        for name in ["Weight", "Length", "Width", "Height"] {
            let unit = column
                .strip_prefix(name)
                .and_then(|rest| rest.trim().strip_prefix('(')?.strip_suffix(')'));
            if let (Some(unit), Cell::Text(amount)) = (unit, measure) {
                attributes.push((name.to_lowercase(), Cell::Text(format!("{} {unit}", amount.trim()))));
            }
        }
    }
    if !attributes.is_empty() {
        item.set("attributes", Cell::Map(attributes));
    }
    item
}

fn description(row: &Row) -> String {
    let parts = ["Short description", "Description"].map(|column| row.text(column));
    // The exporter writes line ends as they are written in programs.
    parts.join("\n").replace("\\n", "\n").trim().to_owned()
}

/// `Clothing > Tshirts, Sale`: the paths, one after the other.
fn kinds(row: &Row) -> Cell {
    let text = row.text("Categories");
    let paths: Vec<Cell> = text
        .split(',')
        .map(Cell::of)
        .filter(|cell| *cell != Cell::Empty)
        .collect();
    if paths.is_empty() {
        Cell::Empty
    } else {
        Cell::List(paths)
    }
}

fn brand(row: &Row) -> Cell {
    ["Brands", "Brand"]
        .iter()
        .find_map(|column| row.column(column))
        .map_or(Cell::Empty, |(_, cell)| cell.clone())
}
