//! Google Merchant's feed, as XML or in columns.

use super::{
    filing::GOOGLE,
    rows::{Cell, Row},
};

/// What a buyer may ask for, by the feed's names.
const ATTRIBUTES: &[&str] = &[
    "color",
    "size",
    "size_type",
    "size_system",
    "gender",
    "age_group",
    "material",
    "pattern",
    "mpn",
    "item_group_id",
    "energy_efficiency_class",
    "multipack",
    "is_bundle",
    "shipping_weight",
    "product_weight",
    "product_length",
    "product_width",
    "product_height",
];

/// Columns that mean the same in the feed and with us.
const SAME: &[&str] = &[
    "id",
    "title",
    "description",
    "brand",
    "gtin",
    "condition",
    "content_language",
];

/// A column's name as the feed's documents have it: shops write `g:Image Link` as well.
pub fn name(column: &str) -> String {
    let column = column.trim().to_lowercase().replace([' ', '-'], "_");
    column.strip_prefix("g:").map(str::to_owned).unwrap_or(column)
}

/// The row in our columns.
pub fn row(feed: Row) -> Row {
    let feed = Row(feed.0.into_iter().map(|(column, cell)| (name(&column), cell)).collect());
    let cell = |column: &str| feed.column(column).map_or(Cell::Empty, |(_, cell)| cell.clone());
    let mut row = Row::default();
    for column in SAME {
        let ours = if *column == "content_language" {
            "language"
        } else {
            column
        };
        row.set(ours, cell(column));
    }
    // A sale that has its dates is not for ever; without a calendar the full price is the safe one.
    let on_sale = feed.column("sale_price").is_some() && feed.column("sale_price_effective_date").is_none();
    row.set("price", cell(if on_sale { "sale_price" } else { "price" }));
    let kinds = [category(cell("google_product_category")), cell("product_type")];
    let kinds = kinds.iter().flat_map(Cell::each).cloned().collect::<Vec<_>>();
    if !kinds.is_empty() {
        row.set("category", Cell::List(kinds));
    }
    let counted = ["quantity", "sell_on_google_quantity", "availability"].map(cell);
    let available = availability(&feed.text("availability"));
    let stock = match available {
        Some(0) => Cell::Number("0".into()),
        _ => counted
            .into_iter()
            .find(|cell| *cell != Cell::Empty)
            .unwrap_or(Cell::Empty),
    };
    row.set("stock", stock);
    let places = ships_to(&cell("shipping"));
    if !places.is_empty() {
        row.set("ships_to", Cell::List(places));
    }
    let mut attributes: Vec<(String, Cell)> = ATTRIBUTES
        .iter()
        .filter_map(|column| Some(((*column).to_owned(), feed.column(column)?.1.clone())))
        .collect();
    for detail in cell("product_detail").each() {
        if let (Some(name), Some(value)) = (detail.part("attribute_name"), detail.part("attribute_value")) {
            attributes.push((name.plain(), value.clone()));
        }
    }
    if !attributes.is_empty() {
        row.set("attributes", Cell::Map(attributes));
    }
    row
}

/// A category of Google's: where it is a number, marked as Google's.
pub fn category(said: Cell) -> Cell {
    match &said {
        Cell::Text(text) | Cell::Number(text) if text.trim().parse::<u32>().is_ok() => {
            Cell::Text(format!("{GOOGLE}{}", text.trim()))
        }
        _ => said,
    }
}

/// None at all of what cannot be had today: an item that comes later is no answer to a want now.
fn availability(said: &str) -> Option<u32> {
    match said.trim().to_lowercase().replace(['_', '-'], " ").as_str() {
        "out of stock" | "preorder" | "pre order" | "backorder" | "back order" => Some(0),
        _ => None,
    }
}

/// Countries of `shipping`, which is an element with parts, or `US:CA:Ground:6.00 USD, GB:::5 GBP`.
fn ships_to(shipping: &Cell) -> Vec<Cell> {
    let mut places: Vec<Cell> = Vec::new();
    for one in shipping.each() {
        let said = match one.part("country") {
            Some(country) => country.plain(),
            None => one.plain(),
        };
        for part in said.split(',') {
            let country = part.split(':').next().unwrap_or_default().trim();
            let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
            let place = Cell::Text(country.to_owned());
            if is_code && !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}
