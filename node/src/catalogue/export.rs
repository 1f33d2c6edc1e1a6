//! Items as JSON Lines, in the columns that [`super::read`] knows by themselves.

use std::collections::BTreeMap;

use intentcast_protocol::{attribute::Value, item::Item};
use serde_json::{Value as Json, json};

use super::{convert::SHIPS_TO, html::escaped};

/// One item a line.
pub fn json_lines(items: &[Item]) -> String {
    items.iter().fold(String::new(), |mut text, item| {
        text.push_str(&json_line(item));
        text.push('\n');
        text
    })
}

/// One item, without the end of its line.
pub fn json_line(item: &Item) -> String {
    line(item).to_string()
}

fn line(item: &Item) -> Json {
    let places = item
        .attributes
        .iter()
        .find(|attribute| attribute.name.as_str() == SHIPS_TO);
    let attributes: BTreeMap<&str, Json> = item
        .attributes
        .iter()
        .filter(|attribute| attribute.name.as_str() != SHIPS_TO)
        .map(|attribute| (attribute.name.as_str(), cell(&attribute.value)))
        .collect();
    let amount = item.price.to_string();
    let amount = amount.split(' ').next().unwrap_or_default();
    let mut row = json!({
        "id": item.id, "title": escaped(item.title.as_str()), "brand": escaped(item.brand.as_str()),
        "description": escaped(item.description.as_str()),
        "price": amount, "currency": item.price.currency.to_string(),
        "condition": item.condition.word(), "language": item.language.to_string(), "attributes": attributes,
    });
    if let Json::Object(fields) = &mut row {
        let optional = [
            (
                "category",
                item.category.lookup().map(|category| category.path.to_owned()),
            ),
            ("gtin", item.gtin.map(|gtin| gtin.to_string())),
            ("stock", item.stock.map(|stock| stock.to_string())),
            ("ships_to", places.map(|places| places.value.to_string())),
        ];
        fields.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.into()))),
        );
    }
    row
}

fn cell(value: &Value) -> Json {
    match value {
        Value::Flag(flag) => json!(flag),
        Value::Text(text) => json!(text),
        Value::Number { amount, unit } => json!({ "value": amount.to_string(), "unit": unit }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Mapping, read};

    #[test]
    fn what_is_written_reads_back_the_same() {
        let ours = read(
            include_bytes!("../../assets/demo-catalogue.jsonl").as_slice(),
            &Mapping::default(),
        )
        .unwrap();
        let again = read(json_lines(&ours.items).as_bytes(), &Mapping::default()).unwrap();
        assert_eq!(again.report.bad_rows(), 0);
        assert_eq!(again.items, ours.items);
    }
}
