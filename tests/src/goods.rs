//! What the shops of the stories sell, and by which rules.

use std::fmt::Write as _;

use serde_json::json;

/// One line of a catalogue.
pub fn item(id: &str, title: &str, category: &str, price: &str, attributes: &[(&str, &str)]) -> String {
    let attributes: serde_json::Map<_, _> = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({
        "id": id, "title": title, "brand": "Storyworks", "description": "", "category": category,
        "price": price, "currency": "GBP", "condition": "new", "stock": 50, "language": "en",
        "attributes": attributes,
    })
    .to_string()
}

/// A mountain bike with this frame, pounds.
pub fn bike(id: &str, frame: &str, price: &str) -> String {
    let title = format!("Storyworks Fell mountain bike, {frame} frame");
    item(
        id,
        &title,
        "sports/cycling/mountain-bikes",
        price,
        &[("frame_size", frame)],
    )
}

/// A stroller, fair trade or not, pounds.
pub fn stroller(id: &str, fair: bool, price: &str) -> String {
    let fair = if fair { "yes" } else { "no" };
    item(
        id,
        "Storyworks Pebble stroller",
        "baby/strollers",
        price,
        &[("fair_trade", fair)],
    )
}

/// Rules of a shop that delivers in one region. `more` stands before the tables.
pub fn rules(shop: &str, region: &str, delivery: &str, more: &str) -> String {
    let mut text = format!("shop = {shop:?}\n{more}\n");
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "[[delivery]]\nregion = {region:?}\nmode = \"delivery\"\nprice = \"{delivery} GBP\"\ndays = 3\n"
    );
    text
}
