use super::*;
use crate::codec::{decode, encode};
use proptest::prelude::*;

fn money(text: &str) -> Result<Money, MoneyError> {
    text.parse()
}

#[test]
fn an_amount_reads_in_the_ways_people_write_it() {
    let pounds = Money::new(50_000, Currency::GBP);
    for text in [
        "500GBP",
        "500 GBP",
        "\u{a3}500",
        "GBP 500",
        "gbp500",
        " 500.00 GBP ",
        "\u{a3} 500 GBP",
    ] {
        assert_eq!(money(text), Ok(pounds), "{text}");
    }
    for (text, minor, code) in [
        ("49.90 EUR", 4_990, "EUR"),
        ("49,90 \u{20ac}", 4_990, "EUR"),
        ("1,299.00 GBP", 129_900, "GBP"),
        ("1.299,00 EUR", 129_900, "EUR"),
        ("1,299,000 GBP", 129_900_000, "GBP"),
        ("12.345.678,90 EUR", 1_234_567_890, "EUR"),
        ("US$5", 500, "USD"),
        ("\u{a5}500", 500, "JPY"),
        ("1.299 KWD", 1_299, "KWD"),
        ("0 JPY", 0, "JPY"),
    ] {
        assert_eq!(
            money(text).map(|m| (m.minor, m.currency.to_string())),
            Ok((minor, code.to_owned())),
            "{text}"
        );
    }
}

#[test]
fn what_may_mean_two_amounts_is_asked_back() {
    for text in ["1,299 GBP", "1.299 EUR", "1,299 KWD", "12,345 JPY"] {
        assert!(
            matches!(money(text), Err(MoneyError::AmbiguousSeparator { .. })),
            "{text}"
        );
    }
    assert!(money("1,299 GBP").unwrap_err().to_string().contains("write 1299 "));
    assert!(money("$5").unwrap_err().to_string().contains("USD"));
    assert!(money("50 kr").unwrap_err().to_string().contains("SEK"));
}

#[test]
fn wrong_decimals_are_told_the_right_ones() {
    assert!(money("49.9 EUR").unwrap_err().to_string().contains("49.90"));
    assert!(money("49.9 EUR").unwrap_err().to_string().contains("2 decimals"));
    for text in ["49.9 EUR", "49.9012 EUR", "0.999 EUR", "500.00 JPY", "1,299.0 GBP"] {
        assert!(
            matches!(money(text), Err(MoneyError::Decimals { .. })),
            "{text}: {:?}",
            money(text)
        );
    }
}

#[test]
fn what_is_no_amount_is_refused() {
    assert_eq!(money(""), Err(MoneyError::NotAnAmount));
    assert_eq!(money("GBP"), Err(MoneyError::NotAnAmount));
    assert_eq!(money("1 299 GBP"), Err(MoneyError::NotAnAmount));
    assert_eq!(money("500"), Err(MoneyError::NoCurrency));
    assert_eq!(money("-5 GBP"), Err(MoneyError::Negative));
    assert_eq!(money("GBP -5"), Err(MoneyError::Negative));
    assert_eq!(
        money("\u{a3}5 EUR"),
        Err(MoneyError::TwoCurrencies(Currency::GBP, Currency::EUR))
    );
    for text in ["5 XYZ", "5 XAU", "5 XTS", "5 pounds", ".5 GBP"] {
        assert!(matches!(money(text), Err(MoneyError::UnknownCurrency(_))), "{text}");
    }
    for text in ["12,34,567.00 INR", "1,29.00 GBP", "1.2,3.4 GBP", "1,2.3,4 GBP"] {
        assert_eq!(money(text), Err(MoneyError::Grouping), "{text}");
    }
    for text in ["92233720368547758.08 GBP", "99999999999999999999999 GBP"] {
        assert_eq!(money(text), Err(MoneyError::TooLarge), "{text}");
    }
    assert_eq!(money(&"9".repeat(1000)), Err(MoneyError::NotAnAmount));
}

#[test]
fn an_amount_shows_the_decimals_of_its_currency() {
    for text in ["49.90 EUR", "0.05 GBP", "500 JPY", "1.299 KWD", "0.00 USD"] {
        assert_eq!(money(text).map(|m| m.to_string()), Ok(text.to_owned()));
    }
    assert_eq!(Money::new(-5, Currency::GBP).to_string(), "-0.05 GBP");
}

#[test]
fn two_currencies_neither_add_nor_compare() {
    let (pound, euro) = (Money::new(100, Currency::GBP), Money::new(100, Currency::EUR));
    assert_eq!(
        pound.checked_add(euro),
        Err(SumError::Mismatch(Currency::GBP, Currency::EUR))
    );
    assert_eq!(pound.partial_cmp(&euro), None);
    assert!(pound < Money::new(101, Currency::GBP));
}

#[test]
fn a_share_is_rounded_as_a_till_does() {
    for (minor, points, share) in [
        (999, 2_000, 200),
        (25, 1_000, 3),
        (24, 1_000, 2),
        (-25, 1_000, -3),
        (7, 10_000, 7),
    ] {
        let money = Money::new(minor, Currency::EUR).percent(points);
        assert_eq!(money, Ok(Money::new(share, Currency::EUR)), "{points} of {minor}");
    }
}

#[test]
fn the_wire_has_three_bytes_of_currency_and_json_has_text() {
    let price = Money::new(5, Currency::EUR);
    assert_eq!(encode(&price), [10, b'E', b'U', b'R']);
    assert_eq!(serde_json::to_string(&price).unwrap(), "\"0.05 EUR\"");
    assert_eq!(serde_json::to_string(&Currency::GBP).unwrap(), "\"GBP\"");
    for bytes in [*b"\x0aeur", *b"\x0aXAU", *b"\x0a\xff\xff\xff"] {
        assert!(decode::<Money>(&bytes).is_err());
    }
}

fn currencies() -> impl Strategy<Value = Currency> {
    prop_oneof![Just("GBP"), Just("EUR"), Just("JPY"), Just("KWD"), Just("CLF")]
        .prop_map(|code| code.parse().expect("a code of ISO 4217"))
}

proptest! {
    #[test]
    fn an_amount_reads_as_it_is_shown(minor in 0..=i64::MAX, currency in currencies()) {
        let price = Money::new(minor, currency);
        prop_assert_eq!(price.to_string().parse(), Ok(price));
    }

    #[test]
    fn every_amount_survives_the_wire_and_json(minor: i64, currency in currencies()) {
        for minor in [minor, i64::MIN, i64::MAX] {
            let price = Money::new(minor, currency);
            prop_assert_eq!(decode::<Money>(&encode(&price)), Ok(price));
            let json = serde_json::to_string(&price).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), price);
        }
    }

    #[test]
    fn sums_are_exact_or_refused(a: i64, b: i64, n: u32, x in currencies(), y in currencies()) {
        let (one, two) = (Money::new(a, x), Money::new(b, y));
        let exact = a.checked_add(b).filter(|_| x == y);
        prop_assert_eq!(one.checked_add(two).ok().map(|m| m.minor), exact);
        prop_assert_eq!(one.checked_sub(two).ok().map(|m| m.minor), a.checked_sub(b).filter(|_| x == y));
        prop_assert_eq!(one.checked_times(n).ok().map(|m| m.minor), a.checked_mul(i64::from(n)));
        if let Ok(share) = one.percent(n) {
            let error = i128::from(share.minor) * 10_000 - i128::from(a) * i128::from(n);
            prop_assert!(error.abs() <= 5_000);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[-\u{a3}$ ,.0-9A-Zk\u{e9}]{0,60}") {
        let _ = money(&text);
    }
}
