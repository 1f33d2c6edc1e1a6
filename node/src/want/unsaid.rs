//! What a want keeps back, as a person writes it.

use intentcast_protocol::{
    disclosure::{Shown, Spend, Stage, Value, Withhold},
    id::unhex,
    list::Bytes,
    money::Money,
    text::{Prose, Word},
};

use super::{Unclear, of_fault, unclear};

/// The ceiling, and how much of it is said.
pub(super) fn spend(most: Money, shown: Option<&str>) -> Result<Spend, Unclear> {
    let shown = shown.map_or(Ok(Shown::Openly), |text| show(text, Some(most)))?;
    let spend = Spend { most, shown };
    // That there is nothing to spend is said of the budget, and whatever is wrong with a band of the band.
    match spend.check() {
        Err(fault) if most.minor > 0 => Err(of_fault("show_budget", fault)),
        _ => Ok(spend),
    }
}

/// How much of a budget is said; `most` is the budget, where that is known.
pub(super) fn show(text: &str, most: Option<Money>) -> Result<Shown, Unclear> {
    let wrong = |why: &dyn std::fmt::Display| unclear("show_budget")(why);
    match (text.trim(), most) {
        ("public", _) => Ok(Shown::Openly),
        ("committed", _) => Ok(Shown::Committed),
        ("hidden", _) => Ok(Shown::Hidden),
        ("band", Some(most)) => Ok(around(most)),
        ("band", None) => Err(wrong(&"say the band itself, like 400-600GBP")),
        (text, most) => {
            let (least, upper) = text
                .split_once('-')
                .ok_or_else(|| wrong(&"public, committed, hidden, band, or a band like 400-600GBP"))?;
            // The currency may stand behind the upper end alone, or be the budget's.
            let money = |text: &str, like: Option<Money>| {
                let plain = text
                    .trim()
                    .chars()
                    .all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
                match like.filter(|_| plain) {
                    Some(like) => format!("{text} {}", like.currency).parse::<Money>(),
                    None => text.parse::<Money>(),
                }
                .map_err(|error| wrong(&error))
            };
            let upper = money(upper, most)?;
            let least = money(least, Some(upper))?;
            if least.currency != upper.currency || least.minor <= 0 || least.minor >= upper.minor {
                return Err(wrong(&"a band goes from less to more, above nothing, in one currency"));
            }
            Ok(Shown::Within { least, most: upper })
        }
    }
}

/// The band between the round amounts, 1, 2 and 5 and their tenfolds, around an amount.
fn around(ceiling: Money) -> Shown {
    let round = |at: u32| {
        let tens = 10i64.checked_pow(at / 3).unwrap_or(i64::MAX);
        tens.saturating_mul([1, 2, 5][at as usize % 3])
    };
    let money = |minor| Money { minor, ..ceiling };
    let above = (0..=57).find(|at| round(*at) > ceiling.minor).unwrap_or(57).max(1);
    Shown::Within {
        least: money(round(above - 1)),
        most: money(round(above)),
    }
}

/// `FIELD=VALUE`, not to be said before `stage`.
pub(super) fn withhold(name: &'static str, stage: Stage, text: &str) -> Result<Withhold, Unclear> {
    let wrong = |why: &dyn std::fmt::Display| unclear(name)(why);
    let (field, value) = text
        .split_once('=')
        .ok_or_else(|| wrong(&"FIELD=VALUE, like place.exact=12 Spring Bank"))?;
    let field = Word::new(field).map_err(|error| wrong(&error))?;
    let value = match field.as_str() {
        "photo" => {
            let hash = unhex(value.trim()).filter(|hash| hash.len() == 32);
            let hash = hash.ok_or_else(|| wrong(&"photo: the SHA-256 of one, 64 hexadecimal digits"))?;
            Value::Document(Bytes::new(hash).map_err(|error| wrong(&error))?)
        }
        _ => Value::Text(Prose::new(value).map_err(|error| wrong(&error))?),
    };
    Ok(Withhold { field, stage, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pounds(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn a_band_reads_as_people_write_it() {
        let band = |text| show(text, Some(pounds("500 GBP")));
        let wanted = Ok(Shown::Within {
            least: pounds("400 GBP"),
            most: pounds("600 GBP"),
        });
        for text in ["400-600GBP", "400GBP-600GBP", "400 - 600", " 400 GBP - 600 GBP "] {
            assert_eq!(band(text), wanted, "{text}");
        }
        for text in ["600-400GBP", "400EUR-600GBP", "0-600GBP", "secret", "400", "-", ""] {
            assert!(band(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_band_of_no_ends_is_the_round_amounts_around_it() {
        let around = |text: &str| match show("band", Some(pounds(text))) {
            Ok(Shown::Within { least, most }) => format!("{least} {most}"),
            other => panic!("{other:?}"),
        };
        assert_eq!(around("450 GBP"), "200.00 GBP 500.00 GBP");
        assert_eq!(around("500 GBP"), "500.00 GBP 1000.00 GBP");
        assert_eq!(around("0.01 GBP"), "0.01 GBP 0.02 GBP");
        assert_eq!(around("199.99 GBP"), "100.00 GBP 200.00 GBP");
    }

    #[test]
    fn a_ceiling_outside_its_band_is_said_to_be() {
        let error = spend(pounds("700 GBP"), Some("400-600GBP")).unwrap_err();
        assert_eq!(error.field, "show_budget");
    }

    #[test]
    fn what_is_withheld_has_a_field_and_a_value() {
        let of = |text| withhold("once_accepted", Stage::Accepted, text);
        let place = of("place.exact=12 Spring Bank, Hull").unwrap();
        assert_eq!(
            (place.field.as_str(), place.value.to_string().as_str()),
            ("place.exact", "12 Spring Bank, Hull")
        );
        assert!(of("place.exact").is_err());
        assert!(of("photo=bike.jpg").is_err());
        assert!(matches!(
            of(&format!("photo={}", "ab".repeat(32))).unwrap().value,
            Value::Document(_)
        ));
    }
}
