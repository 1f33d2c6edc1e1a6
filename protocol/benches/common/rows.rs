//! What both benches of catalogues begin with: chance that is the same each time, and the rows of the catalogue that
//! there is, as items.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use intentcast_protocol::{
    attribute::{Attribute, Value, attribute_name},
    category::{self, GENERAL},
    intent::{Condition, Language},
    item::{Description, Item},
    money::{Currency, Money},
    text::{Name, Phrase, Title, Word},
};

/// Attributes of an item that are kept: nine items of ten have no more.
const ATTRIBUTES: usize = 48;
const DEMO: &str = include_str!("../../../node/assets/demo-catalogue.jsonl");

/// Pseudorandom numbers, the same each time (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Where real data lies, if it lies beside a checkout.
pub fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A worktree lies one level deeper than a checkout.
    let places = ["../../shared/data", "../../../shared/data"].map(|data| root.join(data).join("chorus"));
    places
        .into_iter()
        .find(|place| place.join("products.jsonl.gz").exists())
}

fn value(said: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    match said {
        Json::Bool(flag) => Some(Value::Flag(*flag)),
        Json::Number(number) => number.to_string().trim_end_matches(".0").parse().ok(),
        Json::String(text) => Some(Value::Text(Phrase::lossy(text))),
        Json::Object(measure) => {
            let part = |name: &str| measure.get(name).and_then(Json::as_str).unwrap_or_default();
            format!("{} {}", part("value"), part("unit")).parse().ok()
        }
        _ => None,
    }
}

/// A row of either catalogue as an item.
fn item(row: &str) -> Option<Item> {
    let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(row).ok()?;
    let text = |name: &str| row.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let title = Title::lossy(text("title"));
    let price = match row.get("price")? {
        serde_json::Value::String(pounds) => format!("{pounds} GBP").parse().ok()?,
        cents => Money::new(cents.as_i64()?, Currency::GBP),
    };
    let kind = match text("category") {
        "" => category::infer(title.as_str()),
        said => category::resolve(said).ok(),
    };
    let own = row.get("attributes").and_then(serde_json::Value::as_object);
    let prefixed = row
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("attr_")?.get(2..)?, value)));
    let own = own.into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    let attributes = own.chain(prefixed).filter_map(|(name, said)| {
        Some(Attribute {
            name: Word::lossy(&attribute_name(name)),
            value: value(said)?,
        })
    });
    Some(Item {
        id: Word::lossy(text("id")),
        brand: Name::lossy(&format!("{}{}", text("brand"), text("supplier"))),
        description: Description::lossy(&format!("{}{}", text("description"), text("short_description"))),
        gtin: None,
        category: kind.map_or(GENERAL, |known| known.id),
        price,
        condition: Condition::New,
        stock: None,
        language: Language::ENGLISH,
        attributes: attributes.take(ATTRIBUTES).collect(),
        title,
    })
}

/// The catalogue that there is, in the order of its rows, and its name.
pub fn catalogue() -> (Vec<Item>, &'static str) {
    let mut text = String::new();
    let (rows, name) = match data() {
        Some(data) => {
            let file = std::fs::File::open(data.join("products.jsonl.gz")).expect("it is there");
            GzDecoder::new(file)
                .read_to_string(&mut text)
                .expect("it is gzip of text");
            (text.as_str(), "Chorus")
        }
        None => (DEMO, "the demo catalogue"),
    };
    (rows.lines().filter_map(item).collect(), name)
}
