//! Shopify's export of products: the rows of one handle are one product, and each that has a price is a variant of it,
//! which is an item.

use super::{
    google,
    report::Flaw,
    rows::{Cell, Row},
};

/// What Shopify calls the one option of a product that has none.
const NO_OPTION: &str = "Default Title";

/// The product whose rows are being read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Shopify {
    handle: String,
    title: String,
    description: Cell,
    brand: Cell,
    kinds: Vec<Cell>,
    condition: Cell,
    options: [String; 3],
    shared: Vec<(String, Cell)>,
    is_sold: bool,
}

impl Shopify {
    pub fn rows(&mut self, row: &Row) -> Result<Vec<Row>, Flaw> {
        let handle = row.text("Handle");
        if handle.trim().is_empty() {
            return Err(Flaw::new("Handle", "", "the handle of a product"));
        }
        if !row.text("Title").trim().is_empty() {
            self.begin(handle, row);
        } else if handle != self.handle {
            let expected = "a title, or the rows of one handle together below the one with the title";
            return Err(Flaw::new("Title", "", expected));
        }
        // What has no price is a further picture.
        if !self.is_sold || row.column("Variant Price").is_none() {
            return Ok(Vec::new());
        }
        Ok(vec![self.variant(row)])
    }

    fn begin(&mut self, handle: String, row: &Row) {
        let cell = |column: &str| row.column(column).map_or(Cell::Empty, |(_, cell)| cell.clone());
        let googles = google::category(cell("Google Shopping / Google Product Category"));
        let kinds = [cell("Product Category"), googles, cell("Type"), cell("Tags")];
        let shared = [
            ("gender", "Google Shopping / Gender"),
            ("age_group", "Google Shopping / Age Group"),
            ("mpn", "Google Shopping / MPN"),
        ];
        let is = |column: &str, words: &[&str]| {
            let said = row.text(column).trim().to_lowercase();
            words.contains(&said.as_str())
        };
        *self = Self {
            title: row.text("Title"),
            description: cell("Body (HTML)"),
            brand: cell("Vendor"),
            kinds: kinds.into_iter().filter(|cell| *cell != Cell::Empty).collect(),
            condition: cell("Google Shopping / Condition"),
            options: [1, 2, 3].map(|n| row.text(&format!("Option{n} Name"))),
            shared: shared
                .into_iter()
                .map(|(name, column)| (name.to_owned(), cell(column)))
                .filter(|(_, cell)| *cell != Cell::Empty)
                .collect(),
            is_sold: !is("Published", &["false"]) && !is("Status", &["draft", "archived"]),
            handle,
        };
    }

    fn variant(&self, variant: &Row) -> Row {
        let cell = |column: &str| variant.column(column).map_or(Cell::Empty, |(_, cell)| cell.clone());
        let mut row = Row::default();
        let chosen: Vec<(&str, String)> = self
            .options
            .iter()
            .zip(1..)
            .map(|(name, n)| (name.as_str(), variant.text(&format!("Option{n} Value"))))
            .filter(|(_, value)| !value.trim().is_empty() && value != NO_OPTION)
            .collect();
        let words: Vec<&str> = chosen.iter().map(|(_, value)| value.trim()).collect();
        let id = match variant.text("Variant SKU") {
            // Numbers that a table calculator has looked at begin with an apostrophe.
            sku if !sku.trim().is_empty() => sku.trim().trim_start_matches('\'').to_owned(),
            _ => [&[self.handle.as_str()], &words[..]].concat().join("/"),
        };
        row.set("id", Cell::Text(id));
        let title = if words.is_empty() {
            self.title.clone()
        } else {
            format!("{} - {}", self.title.trim(), words.join(" / "))
        };
        row.set("title", Cell::Text(title));
        row.set("description", self.description.clone());
        row.set("brand", self.brand.clone());
        if !self.kinds.is_empty() {
            row.set("category", Cell::List(self.kinds.clone()));
        }
        row.set("condition", self.condition.clone());
        row.set("price", cell("Variant Price"));
        row.set(
            "gtin",
            Cell::of(variant.text("Variant Barcode").trim_start_matches('\'')),
        );
        // Without a tracker nobody counts, whatever number stands there; and some sell beyond what they have.
        let is_counted = variant.column("Variant Inventory Tracker").is_some()
            && !variant
                .text("Variant Inventory Policy")
                .trim()
                .eq_ignore_ascii_case("continue");
        if is_counted {
            row.set("stock", cell("Variant Inventory Qty"));
        }
        let mut attributes = self.shared.clone();
        attributes.extend(
            chosen
                .iter()
                .filter(|(name, _)| !name.trim().is_empty())
                .map(|(name, value)| ((*name).to_owned(), Cell::Text(value.clone()))),
        );
        if let Ok(grams) = variant.text("Variant Grams").trim().parse::<f64>()
            && grams > 0.0
        {
            attributes.push((
                "weight".into(),
                Cell::Text(format!("{} g", variant.text("Variant Grams").trim())),
            ));
        }
        if !attributes.is_empty() {
            row.set("attributes", Cell::Map(attributes));
        }
        row
    }
}
