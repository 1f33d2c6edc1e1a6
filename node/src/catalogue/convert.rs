//! One row into one item.

use std::collections::BTreeMap;

use intentcast_protocol::{
    attribute::{Attribute, Value, attribute_name},
    category::GENERAL,
    decimal::Decimal,
    id::{digest, hex},
    intent::{Condition, Language},
    item::{Description, Item},
    limits::WORD_BYTES,
    money::{Currency, Money},
    offer::Gtin,
    place::Region,
    text::{Name, Phrase, Text, TextError, Title, Word},
};

use super::{
    filing::{Filing, How},
    google,
    html::without_tags,
    mapping::Mapping,
    price::price,
    report::{Flaw, Report},
    rows::{Cell, Row, spelt},
};

/// Attributes of an item: 256 x (48 + 80 + a few) bytes are 34 KiB, and with the texts well below what the store takes.
const MAX_ATTRIBUTES: usize = 256;
/// The attribute that says where an item is sent: codes of regions, parted by spaces.
pub const SHIPS_TO: &str = "ships_to";

/// Whether the item's own word on where it is sent leaves out `place`. Without a word it leaves out nothing: then the
/// seller's rules alone decide.
pub fn ships(item: &Item, place: &Region) -> bool {
    let said = item
        .attributes
        .iter()
        .find(|attribute| attribute.name.as_str() == SHIPS_TO);
    let Some(Value::Text(regions)) = said.map(|attribute| &attribute.value) else {
        return true;
    };
    let mut regions = regions
        .as_str()
        .split(' ')
        .filter_map(|code| code.parse::<Region>().ok());
    regions.any(|region| region.covers(place) || place.covers(&region))
}

/// Makes items of rows, one after the other.
pub struct Converter {
    mapping: Mapping,
    filing: Filing,
}

impl Converter {
    pub fn new(mapping: Mapping) -> Self {
        Self {
            mapping,
            filing: Filing::default(),
        }
    }

    /// What rows said of kinds that led to no category.
    pub fn unmapped(&self) -> Vec<(String, u64)> {
        self.filing.unmapped()
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
        let ships_to = self.ships_to(row)?;
        let attributes = self.attributes(row, &ships_to, &mut cut);
        let (id, id_cut) = id(row, &fields.id, &title, &brand, price)?;
        let said: Vec<String> = kinds(row, &fields.category).collect();
        let (category, how) = self.filing.file(&said, title.as_str(), constants.category);
        // Counted last, so that a bad row counts as nothing else.
        report.gtin_dropped += u64::from(wrong);
        report.shortened += u64::from(cut);
        report.ids_shortened += u64::from(id_cut);
        match how {
            _ if category == GENERAL => report.unfiled += 1,
            How::Code => report.filed_by_code += 1,
            How::Text => report.filed_by_text += 1,
            How::Title => report.filed_by_title += 1,
        }
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

    /// Where the row, or else the mapping, says that the item is sent.
    fn ships_to(&self, row: &Row) -> Result<Vec<Region>, Flaw> {
        let Some((column, cell)) = row.find(&self.mapping.fields.ships_to) else {
            return Ok(self.mapping.constants.ships_to.clone());
        };
        let said = cell.plain();
        let codes = said
            .split([',', ';', ' '])
            .map(str::trim)
            .filter(|code| !code.is_empty());
        codes
            .map(|code| {
                let region = code.parse::<Region>();
                region.map_err(|error| Flaw::new(column, code, format!("regions like GB or GB-YOR: {error}")))
            })
            .collect()
    }

    fn attributes(&self, row: &Row, ships_to: &[Region], cut: &mut bool) -> Vec<Attribute> {
        let mut all: BTreeMap<Word, Value> = BTreeMap::new();
        if !ships_to.is_empty() {
            let codes: Vec<String> = ships_to.iter().map(Region::to_string).collect();
            // Here and not as others are: "NO" is Norway, and no answer.
            all.insert(Word::lossy(SHIPS_TO), Value::Text(fit(&codes.join(" "), cut)));
        }
        let mut take = |name: &str, cell: &Cell| {
            // First what text is like everywhere, then what a name is like: the one may undo the other.
            let name: Word = fit(&attribute_name(Text::<{ usize::MAX }>::lossy(name).as_str()), cut);
            let name: Word = Word::lossy(&attribute_name(name.as_str()));
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

/// Everything that a row says of its kind, in the order of columns.
fn kinds<'a>(row: &'a Row, columns: &'a [String]) -> impl Iterator<Item = String> + 'a {
    let cells = columns.iter().filter_map(|column| row.column(column));
    let said = cells.flat_map(|(column, cell)| {
        let is_googles = google::name(column) == "google_product_category";
        cell.each().iter().map(move |cell| {
            if is_googles {
                google::category(cell.clone())
            } else {
                cell.clone()
            }
        })
    });
    let said = said.map(|cell| without_tags(&cell.plain()));
    said.map(|said| said.trim().to_owned()).filter(|said| !said.is_empty())
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
