//! What people want and shops have, in the scenarios.

use intentcast_protocol::{
    category::{self, CategoryId},
    intent::{Condition, Conditions, Language},
    item::{Description, Item},
    market::Draft,
    money::Money,
    place::{Fulfilment, Fulfilments, Place, Region},
    rules::{Delivery, Rules},
    terms::TermsSet,
    text::{Name, Prose, Title, Word},
    time::{Seconds, Timestamp},
};

/// The category of strollers for twins.
pub fn twin_strollers() -> CategoryId {
    category::resolve("baby/strollers/double")
        .map(|found| found.id)
        .expect("the vocabulary has double strollers")
}

fn pounds(whole: i64) -> Money {
    "1 GBP".parse::<Money>().map_or_else(
        |_| unreachable!("a pound is money"),
        |pound| Money::new(pound.minor * whole, pound.currency),
    )
}

/// A stroller for twins in Lewisham, for so many pounds, wanted for a day and offers for an hour.
pub fn draft(now: Timestamp, budget: i64) -> Draft {
    Draft {
        title: Title::lossy("a stroller for twins"),
        text: Prose::default(),
        language: Language::ENGLISH,
        category: twin_strollers(),
        wishes: Vec::new(),
        quantity: 1,
        conditions: Conditions::NEW,
        budget: pounds(budget).into(),
        place: Place::within("GB-LEW".parse().expect("Lewisham is a region")),
        fulfilment: Fulfilments::default(),
        need_by: None,
        offers_due: now.plus(Seconds(3600)),
        expires: now.plus(Seconds(24 * 3600)),
        max_offers: 64,
        offers_per_seller: 2,
        max_rounds: 0,
        terms: TermsSet::default(),
        may_ask: Vec::new(),
        withhold: Vec::new(),
        favourites_first: None,
    }
}

/// A stroller for twins, or something else of that kind.
pub fn item(id: &str, title: &str, price: i64, stock: Option<u32>) -> Item {
    Item {
        id: Word::lossy(id),
        title: Title::lossy(title),
        brand: Name::lossy("Oakwheel"),
        description: Description::default(),
        gtin: None,
        category: twin_strollers(),
        price: pounds(price),
        condition: Condition::New,
        stock,
        language: Language::ENGLISH,
        attributes: Vec::new(),
    }
}

/// A shop that delivers in Great Britain for five pounds.
pub fn rules(name: &str) -> Rules {
    let region: Region = "GB".parse().expect("Great Britain is a region");
    Rules {
        shop: Name::lossy(name),
        delivery: vec![Delivery {
            region,
            cell: None,
            mode: Fulfilment::Delivery,
            price: pounds(5),
            free_from: None,
            days: 3,
        }],
        ..Rules::default()
    }
}
