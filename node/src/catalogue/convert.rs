//! One row into one item.

use std::collections::BTreeMap;

use intentcast_protocol::{
    attribute::{Attribute, Value, attribute_name},
    category::{self, CategoryId, GENERAL},
    decimal::Decimal,
    id::{digest, hex},
    intent::{Condition, Language},
    item::{Description, Item},
    limits::WORD_BYTES,
    money::{Currency, Money},
    offer::Gtin,
    text::{Name, Phrase, Text, TextError, Title, Word},
};

use super::{
    mapping::Mapping,
    price::price,
    report::{Flaw, Report},
    rows::{Cell, Row, spelt},
};

/// Attributes of an item: 256 x (48 + 80 + a few) bytes are 34 KiB, and with the texts well below what the store takes.
const MAX_ATTRIBUTES: usize = 256;
/// Category names whose meaning is remembered while a file is read: finding out what a wrong one may mean is slow.
const MAX_CATEGORIES: usize = 10_000;

/// Makes items of rows, one after the other.
pub struct Converter<'a> {
    mapping: &'a Mapping,
    categories: BTreeMap<String, Option<CategoryId>>,
}

impl<'a> Converter<'a> {
    pub fn new(mapping: &'a Mapping) -> Self {
        Self {
            mapping,
            categories: BTreeMap::new(),
        }
    }

    /// The item of a row; what of it was left out is counted in `report`.
    ///
    /// # Errors
    /// The first thing that keeps the row from being an item.
    pub fn item(&mut self, row: &Row, report: &mut Report) -> Result<Item, Flaw> {
        let (fields, constants) = (&self.mapping.fields, &self.mapping.constants);
        let mut cut = false;
        let title: Title = fit(&text(row, &fields.title).unwrap_or_default(), &mut cut);
        if title.is_empty() {
            return Err(Flaw::new(named(&fields.title), "", "what the item is called"));
        }
        let brand = text(row, &fields.brand)
            .or_else(|| constants.brand.clone())
            .unwrap_or_default();
        let brand: Name = fit(&brand, &mut cut);
        let description: Description = fit(&text(row, &fields.description).unwrap_or_default(), &mut cut);
        let price = self.price(row)?;
        let condition = condition(row, &fields.condition)?
            .or(constants.condition)
            .unwrap_or(Condition::New);
        let stock = match row.find(&fields.stock) {
            None => constants.stock,
            Some((column, cell)) => stock(column, &cell.plain())?,
        };
        let language = language(row, &fields.language)?
            .or(constants.language)
            .unwrap_or(Language::ENGLISH);
        let (gtin, wrong) = gtin(row, &fields.gtin);
        let attributes = self.attributes(row, &mut cut);
        let (id, id_cut) = id(row, &fields.id, &title, &brand, price)?;
        let category = self.category(row, &title);
        // Counted last, so that a bad row counts as nothing else.
        report.gtin_dropped += u64::from(wrong);
        report.shortened += u64::from(cut);
        report.ids_shortened += u64::from(id_cut);
        report.unfiled += u64::from(category == GENERAL);
        Ok(Item {
            id,
            title,
            brand,
            description,
            gtin,
            category,
            price,
            condition,
            stock,
            language,
            attributes,
        })
    }

    fn price(&self, row: &Row) -> Result<Money, Flaw> {
        let fields = &self.mapping.fields;
        let currency = match row.find(&fields.currency) {
            None => self.mapping.constants.currency,
            Some((column, cell)) => {
                let code = cell.plain();
                let known = code.trim().parse::<Currency>();
                Some(known.map_err(|error| Flaw::new(column, &code, error.to_string()))?)
            }
        };
        let Some((column, cell)) = row.find(&fields.price) else {
            return Err(Flaw::new(
                named(&fields.price),
                "",
                "a price like 105.29, 105.29 GBP or \u{a3}105.29",
            ));
        };
        let said = cell.plain();
        price(&said, self.mapping.price_unit, currency).map_err(|expected| Flaw::new(column, &said, expected))
    }

    /// What the row says; where it says nothing that is known, what the title seems to be about.
    fn category(&mut self, row: &Row, title: &Title) -> CategoryId {
        let said = text(row, &self.mapping.fields.category);
        let resolved = match &said {
            None => self.mapping.constants.category,
            Some(said) => match self.categories.get(said) {
                Some(known) => *known,
                None => {
                    let found = resolve(said);
                    if self.categories.len() < MAX_CATEGORIES {
                        self.categories.insert(said.clone(), found);
                    }
                    found
                }
            },
        };
        resolved
            .or_else(|| category::infer(title.as_str()).map(|category| category.id))
            .or(self.mapping.constants.category)
            .unwrap_or(GENERAL)
    }

    fn attributes(&self, row: &Row, cut: &mut bool) -> Vec<Attribute> {
        let mut all: BTreeMap<Word, Value> = BTreeMap::new();
        let mut take = |name: &str, cell: &Cell| {
            let name: Word = fit(&attribute_name(name), cut);
            if let Some(value) = value(cell, cut).filter(|_| !name.is_empty()) {
                if all.len() < MAX_ATTRIBUTES {
                    all.entry(name).or_insert(value);
                } else {
                    *cut = true;
                }
            }
        };
        for (column, cell) in &row.0 {
            let prefixes = &self.mapping.attribute_prefixes;
            if let Some(name) = prefixes
                .iter()
                .find_map(|prefix| column.trim().strip_prefix(prefix.as_str()))
            {
                take(name, cell);
            }
        }
        match row.find(&self.mapping.fields.attributes).map(|(_, cell)| cell) {
            Some(Cell::Map(pairs)) => pairs.iter().for_each(|(name, cell)| take(name, cell)),
            Some(Cell::Text(text)) => match spelt(text) {
                Some(Cell::Map(pairs)) => pairs.iter().for_each(|(name, cell)| take(name, cell)),
                _ => {
                    for pair in text.split([';', '|', '\n']) {
                        if let Some((name, said)) = pair.split_once(['=', ':']) {
                            take(name, &Cell::Text(said.into()));
                        }
                    }
                }
            },
            _ => {}
        }
        all.into_iter().map(|(name, value)| Attribute { name, value }).collect()
    }
}

impl Cell {
    /// The cell as one text.
    fn plain(&self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(list) => list.iter().map(Self::plain).collect::<Vec<_>>().join(", "),
            Self::Map(_) | Self::Empty => String::new(),
        }
    }
}

fn named(columns: &[String]) -> &str {
    columns.first().map_or("", String::as_str)
}

fn text(row: &Row, columns: &[String]) -> Option<String> {
    let plain = without_tags(&row.find(columns)?.1.plain());
    (!plain.trim().is_empty()).then_some(plain)
}

/// `text` as it fits, and a note where something of it did not.
fn fit<const MAX: usize>(text: &str, cut: &mut bool) -> Text<MAX> {
    let fitting = Text::lossy(text);
    // What falls away besides white space and invisible characters does so only where there is too much.
    *cut |= text.len() > MAX && Text::<{ usize::MAX }>::lossy(text).as_str().len() > MAX;
    fitting
}

/// Shops' texts come with the mark-up of their pages; an offer is plain text.
fn without_tags(text: &str) -> String {
    if !text.contains(['<', '&']) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        // "< 5 kg" is no tag: one begins with a letter, a slash or an exclamation mark.
        let begins = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        match tag.find('>').filter(|_| begins) {
            Some(end) => {
                out.push(' ');
                rest = &tag[end + 1..];
            }
            None => {
                out.push('<');
                rest = &tag[1..];
            }
        }
    }
    out.push_str(rest);
    for (entity, c) in [
        ("&nbsp;", " "),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, c);
    }
    out
}

/// The category of a path, name or synonym, or of the finest known step of somebody else's path.
fn resolve(said: &str) -> Option<CategoryId> {
    let whole = category::resolve(said).ok();
    let steps = || {
        said.split(['>', '/', '|'])
            .rev()
            .map(str::trim)
            .filter(|step| !step.is_empty())
    };
    whole
        .or_else(|| steps().find_map(|step| category::resolve(step).ok()))
        .map(|category| category.id)
}

fn condition(row: &Row, columns: &[String]) -> Result<Option<Condition>, Flaw> {
    let Some((column, cell)) = row.find(columns) else {
        return Ok(None);
    };
    let said = cell.plain();
    let word = said.trim().rsplit('/').next().unwrap_or_default().to_lowercase();
    let known = match word.trim_end_matches("condition") {
        "renewed" | "reconditioned" => Some(Condition::Refurbished),
        "second-hand" | "second hand" | "pre-owned" => Some(Condition::Used),
        word => Condition::from_word(word),
    };
    known
        .map(Some)
        .ok_or_else(|| Flaw::new(column, &said, "new, refurbished or used"))
}

fn stock(column: &str, said: &str) -> Result<Option<u32>, Flaw> {
    match said.trim().to_lowercase().replace(['_', '-'], " ").as_str() {
        "in stock" | "instock" | "available" | "yes" | "true" => return Ok(None),
        "out of stock" | "outofstock" | "sold out" | "no" | "false" => return Ok(Some(0)),
        _ => {}
    }
    match said.trim().parse::<Decimal>() {
        // Shops count below zero what they have sold and not yet got.
        Ok(count) if count.scale() == 0 => Ok(Some(u32::try_from(count.mantissa().max(0)).unwrap_or(u32::MAX))),
        _ => Err(Flaw::new(
            column,
            said,
            "a whole number of pieces, or in stock or out of stock",
        )),
    }
}

fn language(row: &Row, columns: &[String]) -> Result<Option<Language>, Flaw> {
    let Some((column, cell)) = row.find(columns) else {
        return Ok(None);
    };
    let said = cell.plain();
    let code = said.trim().split(['-', '_']).next().unwrap_or_default().to_lowercase();
    Language::new(&code)
        .map(Some)
        .ok_or_else(|| Flaw::new(column, &said, "a language like en or en-GB"))
}

/// The first of the numbers given whose check digit holds, and whether there were only others.
fn gtin(row: &Row, columns: &[String]) -> (Option<Gtin>, bool) {
    let Some((_, cell)) = row.find(columns) else {
        return (None, false);
    };
    let given = match cell {
        Cell::List(list) => list.iter().map(Cell::plain).collect(),
        one => one
            .plain()
            .split([',', ';', ' '])
            .map(str::to_owned)
            .collect::<Vec<_>>(),
    };
    let found = given.iter().find_map(|number| Gtin::parse(number));
    (found, found.is_none())
}

/// Bytes of hexadecimal that tell long ids apart.
const ID_HASH: usize = 16;

/// The row's own id, and whether it was too long and was cut; without one, what the same title, brand and price give
/// every time.
fn id(row: &Row, columns: &[String], title: &Title, brand: &Name, price: Money) -> Result<(Word, bool), Flaw> {
    if let Some((column, cell)) = row.find(columns) {
        let said = cell.plain();
        return match Word::new(&said) {
            Ok(id) if !id.is_empty() => Ok((id, false)),
            Ok(_) => Err(Flaw::new(column, &said, "a number or a word, or no id column at all")),
            // The words of a page's address: its beginning for a person, its hash for the difference at its end.
            Err(TextError::TooLong { .. }) => {
                let room = WORD_BYTES - ID_HASH - 1;
                let start = &said[..said.floor_char_boundary(room)];
                Ok((Word::lossy(&format!("{start}-{}", hashed(&[said.trim()]))), true))
            }
            Err(error) => Err(Flaw::new(column, &said, format!("an id, and this is {error}"))),
        };
    }
    Ok((
        Word::lossy(&hashed(&[title.as_str(), brand.as_str(), &price.to_string()])),
        false,
    ))
}

/// What the same texts give on every machine.
fn hashed(texts: &[&str]) -> String {
    // The lengths keep "ab" and "c" apart from "a" and "bc".
    let parts: Vec<u8> = texts
        .iter()
        .flat_map(|text| [&(text.len() as u64).to_be_bytes()[..], text.as_bytes()].concat())
        .collect();
    hex(&digest("intentcast/1/item", &[&parts])[..ID_HASH / 2])
}

fn value(cell: &Cell, cut: &mut bool) -> Option<Value> {
    let quantity = |amount: &str, unit: &str| {
        let amount: Decimal = amount.trim().parse().ok()?;
        Some(Value::Number {
            amount,
            unit: Word::new(unit).ok()?,
        })
    };
    match cell {
        Cell::Empty => None,
        Cell::Flag(flag) => Some(Value::Flag(*flag)),
        Cell::Number(number) => quantity(number, "").or_else(|| Some(Value::Text(Phrase::lossy(number)))),
        Cell::Map(pairs) => {
            let part = |name| {
                pairs
                    .iter()
                    .find(|(known, _)| known == name)
                    .map(|(_, cell)| cell.plain())
            };
            let (amount, unit) = (part("value")?, part("unit").unwrap_or_default());
            quantity(&amount, &unit).or_else(|| value(&Cell::Text(format!("{amount} {unit}")), cut))
        }
        Cell::List(_) => value(&Cell::Text(cell.plain()), cut),
        Cell::Text(said) => match said.parse::<Value>() {
            Ok(Value::Text(text)) if text.is_empty() => None,
            Ok(value) => Some(value),
            Err(_) => {
                let text: Phrase = fit(said, cut);
                (!text.is_empty()).then_some(Value::Text(text))
            }
        },
    }
}
