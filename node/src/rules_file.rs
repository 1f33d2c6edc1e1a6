//! A seller's rules as a file: read, and checked for what would make them answer nothing or something unmeant.

use std::fmt;

use intentcast_protocol::{
    category::CategoryId,
    decimal::Decimal,
    money::Money,
    offer::Need,
    place::{Cell, Fulfilment, Region},
    purpose::Purpose,
    rules::{Adjustment, Answer, Delivery, Rules},
    strand, terms,
    text::Name,
    time::Seconds,
};
use serde::{Deserialize, Deserializer, de};

use crate::{
    times::duration,
    toml_file::{self, Wrong},
};

/// A whole file of rules, each with a word on what it does.
pub fn example() -> &'static str {
    include_str!("../../deploy/config/rules.toml")
}

/// Resolution of the cell around a shop whose place is written in degrees: about 5 square kilometres.
const SHOP_RESOLUTION: u8 = 7;

/// The rules that `text` says.
///
/// # Errors
/// [`Wrong`], with the line where there is one.
pub fn parse(text: &str) -> Result<Rules, Wrong> {
    let rules = toml_file::parse::<Written>(text)?.rules()?;
    let wrong = |why: String| Err(Wrong { line: None, why });
    if let Some(unknown) = rules.terms.iter().find(|id| terms::by_id(id).is_none()) {
        let near = terms::TermsSet::of(&[unknown]).map_or_else(|error| error.to_string(), |_| String::new());
        return wrong(format!("terms: {near}"));
    }
    if let Some(unknown) = rules.categories.iter().find(|category| category.lookup().is_none()) {
        return wrong(format!("categories: there is no category {unknown}"));
    }
    if let Some(rule) = rules.delivery.iter().find(|rule| !rule.region.exists()) {
        return wrong(format!("delivery: there is no region {}", rule.region));
    }
    if rules.delivery.iter().any(|rule| rule.price.minor < 0) {
        return wrong("delivery: a price below nothing".into());
    }
    for need in &rules.needs {
        let strand = strand::resolve(need.strand.as_str()).map_err(|why| why.to_string());
        let said = strand.and_then(|_| Purpose::new(need.purpose.as_str()).map_err(|why| why.to_string()));
        if let Err(why) = said {
            return wrong(format!("needs: {why}"));
        }
    }
    if rules.floor_basis_points > 10_000 {
        return wrong("floor_basis_points: a floor above the price; 10000 is the price itself".into());
    }
    if rules.haggle_basis_points > 10_000 {
        return wrong("haggle_basis_points: more than was offered; 10000 is the offer itself".into());
    }
    if rules.likeness > 100 {
        return wrong("likeness: percent, 0 to 100".into());
    }
    if rules.valid_for.0 == 0 {
        return wrong("valid_for: seconds, more than nothing".into());
    }
    Ok(rules)
}

/// What is allowed and probably not meant.
pub fn doubts(rules: &Rules) -> Vec<String> {
    let mut doubts = Vec::new();
    if rules.answer == Answer::Never {
        doubts.push("answer = \"never\": no intent gets an offer".to_owned());
    }
    if rules.delivery.is_empty() {
        doubts.push("no [[delivery]]: without a way to bring it, no intent gets an offer".to_owned());
    }
    for id in ["SD-BASE", "PDC-INTENT"] {
        if !rules.terms.iter().any(|own| own.eq_ignore_ascii_case(id)) {
            doubts.push(format!("terms without {id}: most intents ask for it"));
        }
    }
    if rules.offers_per_hour == 0 || rules.offers_per_intent == 0 {
        doubts.push("offers_per_hour or offers_per_intent is 0: no intent gets an offer".to_owned());
    }
    if rules.meet_budget && rules.floor_basis_points == 10_000 {
        doubts.push("meet_budget with a floor of 10000 basis points: no price can go down".to_owned());
    }
    doubts
}

/// The rules as people write them: percents and lengths of time in words. Basis points and seconds are taken too, since
/// that is how [`Rules`] writes itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    shop: Name,
    answer: Answer,
    categories: Vec<CategoryId>,
    delivery: Vec<Way>,
    adjust: Vec<Change>,
    floor: Option<Percent>,
    floor_basis_points: Option<u32>,
    haggle: Option<Percent>,
    haggle_basis_points: Option<u32>,
    meet_budget: bool,
    reserve: u32,
    offers_per_hour: u32,
    offers_per_intent: u8,
    likeness: Option<Percent>,
    terms: Vec<String>,
    valid_for: Option<Length>,
    hold: bool,
    returns_days: u16,
    warranty_months: u16,
    tax: Option<Percent>,
    tax_basis_points: Option<u32>,
    needs: Vec<Need>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    region: Region,
    #[serde(default)]
    cell: Option<Cell>,
    #[serde(default)]
    at: Option<Degrees>,
    mode: Fulfilment,
    price: Money,
    #[serde(default)]
    free_from: Option<Money>,
    days: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default)]
    category: Option<CategoryId>,
    #[serde(default)]
    by: Option<Percent>,
    #[serde(default)]
    basis_points: Option<i32>,
}

impl Default for Written {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            shop: rules.shop,
            answer: rules.answer,
            categories: Vec::new(),
            delivery: Vec::new(),
            adjust: Vec::new(),
            floor: None,
            floor_basis_points: None,
            haggle: None,
            haggle_basis_points: None,
            meet_budget: rules.meet_budget,
            reserve: rules.reserve,
            offers_per_hour: rules.offers_per_hour,
            offers_per_intent: rules.offers_per_intent,
            likeness: None,
            terms: rules.terms,
            valid_for: None,
            hold: rules.hold,
            returns_days: rules.returns_days,
            warranty_months: rules.warranty_months,
            tax: None,
            tax_basis_points: None,
            needs: Vec::new(),
        }
    }
}

impl Written {
    fn rules(self) -> Result<Rules, Wrong> {
        let standard = Rules::default();
        let of = |key, percent, points, otherwise| share(key, percent, points).map(|share| share.unwrap_or(otherwise));
        let likeness = match self.likeness {
            None => standard.likeness,
            Some(Percent(points)) => match u8::try_from(points / 100) {
                Ok(percent) if points % 100 == 0 => percent,
                _ => return Err(wrong("likeness: whole percents, 0 to 100")),
            },
        };
        Ok(Rules {
            floor_basis_points: of(
                "floor",
                self.floor,
                self.floor_basis_points,
                standard.floor_basis_points,
            )?,
            haggle_basis_points: of(
                "haggle",
                self.haggle,
                self.haggle_basis_points,
                standard.haggle_basis_points,
            )?,
            tax_basis_points: of("tax", self.tax, self.tax_basis_points, standard.tax_basis_points)?,
            likeness,
            valid_for: self.valid_for.map_or(standard.valid_for, |Length(length)| length),
            delivery: self.delivery.into_iter().map(Way::rule).collect::<Result<_, _>>()?,
            adjust: self.adjust.into_iter().map(Change::rule).collect::<Result<_, _>>()?,
            shop: self.shop,
            answer: self.answer,
            categories: self.categories,
            meet_budget: self.meet_budget,
            reserve: self.reserve,
            offers_per_hour: self.offers_per_hour,
            offers_per_intent: self.offers_per_intent,
            terms: self.terms,
            hold: self.hold,
            returns_days: self.returns_days,
            warranty_months: self.warranty_months,
            needs: self.needs,
        })
    }
}

impl Way {
    fn rule(self) -> Result<Delivery, Wrong> {
        let cell = match (self.cell, self.at) {
            (Some(_), Some(_)) => return Err(wrong("delivery: a cell, or at, and not both")),
            (cell, at) => cell.or(at.map(|Degrees(cell)| cell)),
        };
        let Self {
            region,
            mode,
            price,
            free_from,
            days,
            ..
        } = self;
        Ok(Delivery {
            region,
            cell,
            mode,
            price,
            free_from,
            days,
        })
    }
}

impl Change {
    fn rule(self) -> Result<Adjustment, Wrong> {
        match (self.by, self.basis_points) {
            (Some(Percent(basis_points)), None) | (None, Some(basis_points)) => Ok(Adjustment {
                category: self.category,
                basis_points,
            }),
            _ => Err(wrong("adjust: by = \"-5%\", or basis_points, and one of them")),
        }
    }
}

fn share(key: &str, percent: Option<Percent>, points: Option<u32>) -> Result<Option<u32>, Wrong> {
    match (percent, points) {
        (Some(_), Some(_)) => Err(wrong(&format!("{key}: {key}, or {key}_basis_points, and not both"))),
        (Some(Percent(points)), None) => match u32::try_from(points) {
            Ok(points) => Ok(Some(points)),
            Err(_) => Err(wrong(&format!("{key}: not below nothing"))),
        },
        (None, points) => Ok(points),
    }
}

fn wrong(why: &str) -> Wrong {
    Wrong {
        line: None,
        why: why.into(),
    }
}

/// `90%`, `12.5%`, `-5%`, or a bare number of percents; in hundredths of a percent.
struct Percent(i32);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl de::Visitor<'_> for Written {
            type Value = Percent;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share like \"90%\" or \"12.5%\"")
            }
            fn visit_i64<E: de::Error>(self, percent: i64) -> Result<Percent, E> {
                self.visit_str(&format!("{percent}%"))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
                let share = || {
                    let percent: Decimal = text.trim().strip_suffix('%')?.trim_end().parse().ok()?;
                    let zeros = 2u8.checked_sub(percent.scale())?;
                    i32::try_from(percent.mantissa().checked_mul(10i64.pow(zeros.into()))?).ok()
                };
                share()
                    .map(Percent)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

/// `24h`, `3d`, or a bare number of seconds.
struct Length(Seconds);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl de::Visitor<'_> for Written {
            type Value = Length;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time like \"24h\" or \"3d\"")
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Length, E> {
                let length = u32::try_from(seconds).map(|seconds| Length(Seconds(seconds)));
                length.map_err(|_| E::invalid_value(de::Unexpected::Signed(seconds), &self))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Length, E> {
                duration(text).map(Length).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Written)
    }
}

/// `53.744, -0.332`: latitude and longitude, blurred to a cell.
struct Degrees(Cell);

impl<'de> Deserialize<'de> for Degrees {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (latitude, longitude) = text.split_once(',').unwrap_or((&text, ""));
        Cell::at(latitude.trim(), longitude.trim(), SHOP_RESOLUTION)
            .map(Self)
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r#"
shop = "Wheels of Hull"
categories = ["sports/cycling", "pram"]
floor_basis_points = 9000
meet_budget = true

[[delivery]]
region = "GB-ENG"
mode = "delivery"
price = "4.99 GBP"
days = 3

[[adjust]]
category = "sports/cycling/mountain-bikes"
basis_points = -500
"#;

    #[test]
    fn a_shop_writes_its_rules_in_words() {
        let rules = parse(SHOP).unwrap();
        assert_eq!(rules.categories[0].to_string(), "sports/cycling");
        assert_eq!(rules.delivery[0].price.to_string(), "4.99 GBP");
        assert!(doubts(&rules).is_empty(), "{:?}", doubts(&rules));
    }

    #[test]
    fn what_a_shop_cannot_mean_is_named() {
        let error = |from: &str, to: &str| parse(&SHOP.replace(from, to)).unwrap_err().to_string();
        assert!(error("meet_budget", "meet_budgit").contains("did you mean `meet_budget`?"));
        assert!(error("\"pram\"", "\"bogus thing\"").starts_with("line 3: "));
        assert!(error("GB-ENG", "GB-QQQ").contains("no region GB-QQQ"));
        let needs = |strand: &str, purpose: &str| {
            let needs = format!("[[needs]]\nstrand = \"{strand}\"\npurpose = \"{purpose}\"\n[[adjust]]");
            error("[[adjust]]", &needs)
        };
        assert!(needs("adress.delivery", "deliver_order").contains("did you mean address.delivery"));
        assert!(needs("address.delivery", "marketing").contains("say what is sent"));
        assert!(error("9000", "10001").contains("floor"));
        assert!(error("shop =", "terms = [\"SD-BASS\"]\nshop =").contains("did you mean SD-BASE?"));
    }

    #[test]
    fn the_example_says_what_holds_anyway_and_raises_no_doubt() {
        let rules = parse(example()).unwrap();
        assert!(doubts(&rules).is_empty(), "{:?}", doubts(&rules));
        assert_eq!(rules.adjust[0].basis_points, -500);
        assert_eq!(rules.delivery[1].cell.unwrap().resolution(), SHOP_RESOLUTION);
        let bare = Rules {
            categories: Vec::new(),
            delivery: Vec::new(),
            adjust: Vec::new(),
            needs: Vec::new(),
            terms: Rules::default().terms,
            ..rules.clone()
        };
        assert_eq!(bare, Rules::default(), "the example claims to show the standard");
        let sorted = |mut terms: Vec<String>| {
            terms.sort();
            terms
        };
        assert_eq!(sorted(rules.terms), sorted(Rules::default().terms));
    }

    #[test]
    fn percents_and_hours_are_read_as_they_are_meant() {
        let of = |line: &str| parse(&format!("{line}\n"));
        assert_eq!(of("floor = \"87.5%\"").unwrap().floor_basis_points, 8_750);
        assert_eq!(of("tax = 19").unwrap().tax_basis_points, 1_900);
        assert_eq!(of("valid_for = \"2d\"").unwrap().valid_for, Seconds(172_800));
        assert_eq!(of("valid_for = 60").unwrap().valid_for, Seconds(60));
        for (line, why) in [
            ("floor = \"87.555%\"", "90%"),
            ("floor = \"-1%\"", "below nothing"),
            ("floor = \"90%\"\nfloor_basis_points = 9000", "not both"),
            ("likeness = \"33.5%\"", "whole percents"),
            ("valid_for = \"soon\"", "2h or 3d"),
            ("valid_for = -1", "24h"),
            ("[[adjust]]", "one of them"),
        ] {
            let error = of(line).unwrap_err().to_string();
            assert!(error.contains(why), "{line}: {error}");
        }
    }

    #[test]
    fn rules_that_answer_nothing_raise_doubts() {
        assert!(
            doubts(&Rules::default())
                .iter()
                .any(|doubt| doubt.contains("[[delivery]]"))
        );
        let silent = Rules {
            terms: vec!["PDC-AI".into()],
            ..parse(SHOP).unwrap()
        };
        assert_eq!(doubts(&silent).len(), 2);
    }
}
