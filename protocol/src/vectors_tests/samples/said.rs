//! Wants that say less than the first one, and the least that one can say.

use super::*;

/// The want with its budget in a band, committed and hidden.
pub fn said_less() -> [(&'static str, Intent); 3] {
    let currency = Currency::GBP;
    let want = |budget| Intent { budget, ..want() };
    let band = Budget::Band {
        least: Money::new(40_000, currency),
        most: Money::new(60_000, currency),
    };
    let commitment = opened_budget().commitment();
    [
        ("intent-band", want(band)),
        ("intent-committed", want(Budget::Committed { currency, commitment })),
        ("intent-hidden", want(Budget::Hidden { currency })),
    ]
}

/// The least that a want can say.
pub fn least() -> Intent {
    Intent {
        title: text("x"),
        text: text(""),
        language: Language(*b"de"),
        category: crate::category::GENERAL,
        wishes: List::default(),
        quantity: 1,
        conditions: Conditions::NEW,
        budget: Budget::Public(Money::new(1, Currency::JPY)),
        place: Place::within(read("JP")),
        fulfilment: Fulfilments::default(),
        need_by: None,
        offers_due: CAST.plus_millis(1),
        max_offers: 1,
        offers_per_seller: 1,
        max_rounds: 0,
        terms: TermsSet::of(&[] as &[&str]).expect("no terms are known terms"),
        may_ask: List::default(),
        reply: ReplyPath {
            peer: held(&[0]),
            addrs: List::default(),
        },
        withheld: List::default(),
    }
}
