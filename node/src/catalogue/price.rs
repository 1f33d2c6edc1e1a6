//! What shops write where a price belongs.

use intentcast_protocol::{
    decimal::Decimal,
    money::{Currency, Money, MoneyError},
};

use super::mapping::PriceUnit;

/// Currencies that are written `$` at home.
const DOLLARS: &[&str] = &[
    "USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "CLP", "COP", "ARS",
];
const CROWNS: &[&str] = &["SEK", "NOK", "DKK", "ISK"];

/// The price that `text` says, where the row says `currency` of it.
///
/// # Errors
/// What was expected, in words for the seller.
pub fn price(text: &str, unit: PriceUnit, currency: Option<Currency>) -> Result<Money, String> {
    let text = text.trim();
    let money = match (text.parse::<Decimal>(), currency) {
        (Ok(_), None) => {
            return Err(
                "a price in which currency? write it behind the amount, add a currency column, say --currency, or set \
                 [constants] currency in a mapping file"
                    .into(),
            );
        }
        (Ok(amount), Some(currency)) => whole(amount, unit, currency)?,
        (Err(_), currency) => worded(text, currency).map_err(|error| error.to_string())?,
    };
    if let Some(currency) = currency.filter(|currency| *currency != money.currency) {
        return Err(format!(
            "the price is in {}, the row's currency is {currency}",
            money.currency
        ));
    }
    match money.minor {
        1.. => Ok(money),
        _ => Err("a price above zero".into()),
    }
}

/// A bare number, as programs write it: the point is a point, and zeros behind it may be missing or too many.
fn whole(amount: Decimal, unit: PriceUnit, currency: Currency) -> Result<Money, String> {
    let exponent = match unit {
        PriceUnit::Major => currency.exponent(),
        PriceUnit::Minor => 0,
    };
    let Some(zeros) = exponent.checked_sub(amount.scale()) else {
        return Err(match unit {
            PriceUnit::Major => format!("a price in {currency} with at most {exponent} decimals"),
            PriceUnit::Minor => format!("a price in whole smallest units of {currency}"),
        });
    };
    let minor = 10i64
        .checked_pow(zeros.into())
        .and_then(|unit| amount.mantissa().checked_mul(unit));
    minor
        .map(|minor| Money { minor, currency })
        .ok_or_else(|| "a price that 64 bits hold".into())
}

/// An amount with a sign or code of its currency, or with separators.
fn worded(text: &str, currency: Option<Currency>) -> Result<Money, MoneyError> {
    match (text.parse::<Money>(), currency) {
        (Err(MoneyError::NoCurrency), Some(currency)) => format!("{text} {currency}").parse(),
        // The sign is one of several currencies', and the row says which.
        (Err(MoneyError::AmbiguousSign { sign, .. }), Some(currency))
            if (if sign == "$" { DOLLARS } else { CROWNS }).contains(&currency.code()) =>
        {
            let amount: String = text
                .chars()
                .filter(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
                .collect();
            format!("{} {currency}", amount.trim_end_matches('.')).parse()
        }
        (money, _) => money,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, currency: Option<Currency>) -> Result<String, String> {
        price(text, PriceUnit::Major, currency).map(|money| money.to_string())
    }

    #[test]
    fn shops_write_prices_in_many_ways() {
        let (gbp, usd) = (Some(Currency::GBP), Some(Currency::USD));
        for (text, currency, means) in [
            ("105.29", gbp, "105.29 GBP"),
            ("105.5", gbp, "105.50 GBP"),
            ("105", gbp, "105.00 GBP"),
            ("105.2900", gbp, "105.29 GBP"),
            ("105,29", gbp, "105.29 GBP"),
            ("1,299.00", gbp, "1299.00 GBP"),
            ("105.29 USD", None, "105.29 USD"),
            ("105.29 USD", usd, "105.29 USD"),
            ("\u{a3}49", None, "49.00 GBP"),
            ("$49.90", usd, "49.90 USD"),
        ] {
            assert_eq!(read(text, currency), Ok(means.into()), "{text}");
        }
        assert_eq!(
            price("4995.0", PriceUnit::Minor, gbp),
            Ok(Money {
                minor: 4995,
                currency: Currency::GBP
            })
        );
    }

    #[test]
    fn what_is_no_price_is_told_why() {
        let gbp = Some(Currency::GBP);
        for (text, currency, why) in [
            ("49", None, "[constants] currency"),
            ("49.999", gbp, "2 decimals"),
            ("0", gbp, "above zero"),
            ("-5", gbp, "above zero"),
            ("1,299", gbp, "two amounts"),
            ("$49", gbp, "several currencies"),
            ("49 EUR", gbp, "the row's currency is GBP"),
            ("call us", gbp, "reads like"),
            ("99999999999999999999", gbp, "too large"),
        ] {
            let error = read(text, currency).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(price("49.95", PriceUnit::Minor, gbp).is_err());
    }
}
