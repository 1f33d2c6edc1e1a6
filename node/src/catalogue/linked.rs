//! schema.org's Product and Offer in JSON-LD, as shops put them into their pages.

use serde_json::{Map, Value as Json};

use super::rows::{Cell, Row, cell};

/// Levels of graphs, lists and groups that are looked into.
const MAX_DEPTH: usize = 6;
/// Rows of one element.
const MAX_ROWS: usize = 1000;

/// Properties of a product that a buyer may ask for.
const ATTRIBUTES: &[&str] = &[
    "color", "size", "material", "pattern", "model", "mpn", "width", "height", "depth", "weight",
];

/// Whether an object is JSON-LD, rather than a row with columns of its own.
pub fn speaks(object: &Json) -> bool {
    ["@type", "@graph", "@context"]
        .iter()
        .any(|key| object.get(key).is_some())
}

/// An item's row for each product, or each of its variants, that the object holds.
pub fn rows(object: &Json) -> Vec<Row> {
    let mut rows = Vec::new();
    walk(object, &Map::new(), 0, &mut rows);
    rows
}

fn walk(value: &Json, group: &Map<String, Json>, depth: usize, rows: &mut Vec<Row>) {
    if depth > MAX_DEPTH || rows.len() >= MAX_ROWS {
        return;
    }
    let object = match value {
        Json::Array(list) => return list.iter().for_each(|value| walk(value, group, depth + 1, rows)),
        Json::Object(object) => object,
        _ => return,
    };
    let is = |kind: &str| kinds(object).any(|known| known == kind);
    if is("ProductGroup")
        && let Some(variants) = object.get("hasVariant")
    {
        return walk(variants, object, depth + 1, rows);
    }
    if is("Product") || is("IndividualProduct") || is("ProductGroup") || is("Vehicle") || is("Car") || is("Book") {
        return product(object, group, rows);
    }
    if is("Offer")
        && let Some(Json::Object(offered)) = object.get("itemOffered")
    {
        let mut whole = offered.clone();
        let mut offer = object.clone();
        offer.remove("itemOffered");
        whole.insert("offers".into(), Json::Object(offer));
        return walk(&Json::Object(whole), group, depth + 1, rows);
    }
    for key in [
        "@graph",
        "mainEntity",
        "itemListElement",
        "item",
        "hasVariant",
        "itemOffered",
    ] {
        if let Some(inner) = object.get(key) {
            walk(inner, group, depth + 1, rows);
        }
    }
}

fn kinds(object: &Map<String, Json>) -> impl Iterator<Item = &str> {
    let kinds = object.get("@type").map(each).unwrap_or_default();
    kinds
        .iter()
        .filter_map(Json::as_str)
        .map(|kind| kind.rsplit(['/', ':', '#']).next().unwrap_or(kind))
}

fn each(value: &Json) -> &[Json] {
    match value {
        Json::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

/// A product's row for each of its offers with a number of its own; else one, at the first offer that has a price.
fn product(product: &Map<String, Json>, group: &Map<String, Json>, rows: &mut Vec<Row>) {
    let offers: Vec<&Json> = product
        .get("offers")
        .map(each)
        .unwrap_or_default()
        .iter()
        .flat_map(offers)
        .collect();
    let own: Vec<&Json> = offers
        .iter()
        .copied()
        .filter(|offer| offer.get("sku").is_some())
        .collect();
    if own.len() > 1 {
        let room = MAX_ROWS.saturating_sub(rows.len());
        rows.extend(
            own.into_iter()
                .take(room)
                .map(|offer| row(product, group, Some(offer), true)),
        );
    } else {
        let offer = offers.iter().copied().find(|offer| price(offer) != Cell::Empty);
        rows.push(row(product, group, offer.or(offers.first().copied()), false));
    }
}

/// The offers of an offer, which may be a sum of several.
fn offers(offer: &Json) -> Vec<&Json> {
    match offer.get("offers") {
        Some(inner) => each(inner).iter().collect(),
        None => vec![offer],
    }
}

fn row(product: &Map<String, Json>, group: &Map<String, Json>, offer: Option<&Json>, by_offer: bool) -> Row {
    let nothing = Json::Null;
    let offer = offer.unwrap_or(&nothing);
    let of = |key: &str| product.get(key).or_else(|| group.get(key)).map_or(Cell::Empty, named);
    let first = |cells: &[Cell]| {
        cells
            .iter()
            .find(|cell| **cell != Cell::Empty)
            .cloned()
            .unwrap_or(Cell::Empty)
    };
    let mut row = Row::default();
    let own = ["sku", "productID", "@id", "mpn", "url"].map(|key| product.get(key).map_or(Cell::Empty, named));
    let offers_own = offer.get("sku").map_or(Cell::Empty, named);
    row.set(
        "id",
        if by_offer {
            offers_own
        } else {
            first(&[first(&own), offers_own])
        },
    );
    row.set("title", of("name"));
    row.set("description", of("description"));
    row.set("brand", first(&[of("brand"), of("manufacturer")]));
    row.set("category", of("category"));
    row.set("language", of("inLanguage"));
    row.set(
        "gtin",
        first(&["gtin13", "gtin14", "gtin12", "gtin8", "gtin", "isbn"].map(of)),
    );
    row.set("price", price(offer));
    let specified = offer.get("priceSpecification").map(each).unwrap_or_default().first();
    let currency = offer.get("priceCurrency").or_else(|| specified?.get("priceCurrency"));
    row.set("currency", currency.map_or(Cell::Empty, named));
    row.set(
        "condition",
        first(&[
            offer.get("itemCondition").map_or(Cell::Empty, named),
            of("itemCondition"),
        ]),
    );
    let counted = offer.pointer("/inventoryLevel/value").map_or(Cell::Empty, named);
    let available = offer
        .get("availability")
        .map_or(Cell::Empty, |said| available(&named(said).plain()));
    row.set(
        "stock",
        first(&[if available == gone() { gone() } else { counted }, available]),
    );
    let places = ships_to(offer);
    if !places.is_empty() {
        row.set("ships_to", Cell::List(places));
    }
    let mut attributes: Vec<(String, Cell)> = ATTRIBUTES
        .iter()
        .map(|key| ((*key).to_owned(), of(key)))
        .filter(|(_, cell)| *cell != Cell::Empty)
        .collect();
    for property in product.get("additionalProperty").map(each).unwrap_or_default() {
        if let (Some(name), value) = (property.get("name").and_then(Json::as_str), named(property)) {
            attributes.push((name.to_owned(), value));
        }
    }
    if !attributes.is_empty() {
        row.set("attributes", Cell::Map(attributes));
    }
    row
}

/// A value, or the name of the thing that it is, or its measure.
fn named(value: &Json) -> Cell {
    let Json::Object(object) = value else {
        return match value {
            Json::Array(list) => match list
                .iter()
                .map(named)
                .filter(|cell| *cell != Cell::Empty)
                .collect::<Vec<_>>()
            {
                cells if cells.is_empty() => Cell::Empty,
                cells => Cell::List(cells),
            },
            plain => cell(plain.clone(), 0),
        };
    };
    let text = |key: &str| object.get(key).map_or(Cell::Empty, |value| cell(value.clone(), 2));
    let amount = text("value");
    if amount == Cell::Empty {
        return ["name", "@value", "@id"]
            .map(text)
            .into_iter()
            .find(|cell| *cell != Cell::Empty)
            .unwrap_or(Cell::Empty);
    }
    let unit = ["unitText", "unitCode"]
        .map(text)
        .into_iter()
        .find(|cell| *cell != Cell::Empty);
    match unit {
        Some(unit) => Cell::Text(format!("{} {}", amount.plain(), measure(&unit.plain()))),
        None => amount,
    }
}

/// A unit by the code that trade has for it.
fn measure(code: &str) -> &str {
    match code {
        "GRM" => "g",
        "KGM" => "kg",
        "LBR" => "lb",
        "MMT" => "mm",
        "CMT" => "cm",
        "MTR" => "m",
        "INH" => "in",
        "FOT" => "ft",
        "LTR" => "l",
        "WTT" => "W",
        other => other,
    }
}

fn price(offer: &Json) -> Cell {
    let specified = offer.get("priceSpecification").map(each).unwrap_or_default().first();
    let price = offer.get("price").or_else(|| specified?.get("price"));
    // The lowest of several offers is a price that somebody may have.
    price.or_else(|| offer.get("lowPrice")).map_or(Cell::Empty, named)
}

fn gone() -> Cell {
    Cell::Number("0".into())
}

fn available(said: &str) -> Cell {
    match said
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase()
        .as_str()
    {
        "" => Cell::Empty,
        "instock" | "instoreonly" | "limitedavailability" | "onlineonly" | "madetoorder" => {
            Cell::Text("in stock".into())
        }
        "outofstock" | "soldout" | "discontinued" | "backorder" | "preorder" | "presale" | "reserved" => gone(),
        other => Cell::Text(other.to_owned()),
    }
}

/// Countries that an offer says it is for.
fn ships_to(offer: &Json) -> Vec<Cell> {
    let mut places = Vec::new();
    let mut take = |value: &Json| {
        for place in each(value) {
            let country = place.get("addressCountry").unwrap_or(place);
            for code in each(country) {
                let code = named(code);
                if let Cell::Text(text) = &code
                    && text.len() == 2
                    && !places.contains(&code)
                {
                    places.push(code);
                }
            }
        }
    };
    for details in offer.get("shippingDetails").map(each).unwrap_or_default() {
        details.get("shippingDestination").into_iter().for_each(&mut take);
    }
    for key in ["eligibleRegion", "areaServed"] {
        offer.get(key).into_iter().for_each(&mut take);
    }
    places
}
