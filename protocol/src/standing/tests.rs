//! Who is told of what; and that looking under rare words finds what asking one by one would.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{Full, Interest, Limits, Prices, Standing, Thing, Wording};
use crate::{
    attribute::{Attribute, Strength, Value, Wish},
    category,
    contact::ReplyPath,
    id::{IntentId, RecordId},
    intent::{Budget, Condition, Conditions, Intent, Language},
    item::{Description, Item},
    limits,
    list::{Bytes, List},
    matching::{Test, admits, likeness},
    money::Money,
    offer::{Fit, Line, Offer, Seller, Totals},
    place::{Cell, Fulfilment, Fulfilments, Place, Region, Serves},
    terms::TermsSet,
    text::{Name, Prose, Title, Word},
    time::Timestamp,
};

const NOW: Timestamp = Timestamp(1_780_000_000_000);

fn kind(path: &str) -> category::CategoryId {
    category::resolve(path).unwrap().id
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn region(code: &str) -> Region {
    code.parse().unwrap()
}

fn wish(text: &str, strength: Strength) -> Wish {
    Wish::parse(text, strength).unwrap()
}

fn want(title: &str, category: &str, budget: &str, place: &str) -> Intent {
    Intent {
        title: Title::new(title).unwrap(),
        text: Prose::default(),
        language: Language::ENGLISH,
        category: kind(category),
        wishes: List::default(),
        quantity: 1,
        conditions: Conditions::NEW,
        budget: Budget::Public(money(budget)),
        place: Place::within(region(place)),
        fulfilment: Fulfilments::default(),
        need_by: None,
        offers_due: NOW.plus_millis(1),
        max_offers: 10,
        offers_per_seller: 2,
        max_rounds: 0,
        terms: TermsSet::default(),
        may_ask: List::default(),
        reply: ReplyPath {
            peer: Bytes::new(*b"peer").unwrap(),
            addrs: List::default(),
        },
        withheld: List::default(),
    }
}

fn goods(title: &str, category: &str, price: &str) -> Item {
    Item {
        id: Word::new("it").unwrap(),
        title: Title::new(title).unwrap(),
        brand: Name::default(),
        description: Description::default(),
        gtin: None,
        category: kind(category),
        price: money(price),
        condition: Condition::New,
        stock: None,
        language: Language::ENGLISH,
        attributes: Vec::new(),
    }
}

fn delivers(to: &str) -> Serves {
    Serves {
        region: region(to),
        cell: None,
        mode: Fulfilment::Delivery,
    }
}

fn e_bikes_in_york() -> Interest {
    Interest {
        any_of: List::cut(Wording::all("e-bikes")),
        limits: Limits {
            category: Some(kind("sports/cycling")),
            place: Some(Place::within(region("GB-YOR"))),
            prices: Some(Prices::at_least(money("800 GBP"))),
            ..Limits::default()
        },
        wishes: List::default(),
    }
}

#[test]
fn a_seller_hears_of_the_wants_it_waits_for_and_of_no_other() {
    let mut standing = Standing::new(10);
    standing.insert("e-bikes", &e_bikes_in_york()).unwrap();
    let told = |title, category, budget, place| {
        let want = want(title, category, budget, place);
        !standing.matches(&Thing::intent(&want)).is_empty()
    };
    assert!(told("An e-bike for hills", "sports/cycling", "900 GBP", "GB-YOR"));
    assert!(
        told(
            "Something electric to ride",
            "sports/cycling/e-bikes",
            "800 GBP",
            "GB-YOR"
        ),
        "the category is called so"
    );
    assert!(
        told("An e-bike for hills", "general", "900 GBP", "GB-YOR"),
        "filed coarsely, and the words decide"
    );
    assert!(!told("An e-bike for hills", "toys", "900 GBP", "GB-YOR"));
    assert!(!told("A bike for hills", "sports/cycling", "900 GBP", "GB-YOR"));
    assert!(!told("An e-bike for hills", "sports/cycling", "799.99 GBP", "GB-YOR"));
    assert!(!told("An e-bike for hills", "sports/cycling", "900 EUR", "GB-YOR"));
    assert!(!told("An e-bike for hills", "sports/cycling", "900 GBP", "GB-KHL"));
    assert!(
        !told("An e-bike for hills", "sports/cycling", "900 GBP", "GB"),
        "somewhere in the country is not known to be in York"
    );
}

#[test]
fn a_customer_hears_of_new_goods_within_every_limit() {
    let mut bike = want(
        "I am looking for a mountain bike",
        "sports/cycling/mountain-bikes",
        "500 GBP",
        "GB-KHL",
    );
    bike.wishes = List::cut([
        wish("frame=XL", Strength::Must),
        wish("colour=red", Strength::Prefer(9)),
    ]);
    let mut standing = Standing::new(10);
    standing.insert(7, &Interest::of(&bike)).unwrap();
    let framed = |title, category, price, frame: &str| {
        let mut item = goods(title, category, price);
        item.attributes = vec![Attribute {
            name: Word::new("frame_size").unwrap(),
            value: frame.parse().unwrap(),
        }];
        item
    };
    let told = |item: &Item, serves: &[Serves]| !standing.matches(&Thing::item(item, serves)).is_empty();
    let here = [delivers("GB")];
    let fits = framed(
        "Thornfell Ridge hardtail",
        "sports/cycling/mountain-bikes",
        "500 GBP",
        "XL",
    );
    assert!(told(&fits, &here));
    assert!(!told(&fits, &[]), "it reaches nobody");
    assert!(!told(&fits, &[delivers("DE")]));
    let pickup = Serves {
        mode: Fulfilment::Pickup,
        ..here[0]
    };
    assert!(!told(&fits, &[pickup]), "it is not to be fetched");
    assert!(told(&fits, &[pickup, here[0]]));
    assert!(!told(
        &Item {
            stock: Some(0),
            ..fits.clone()
        },
        &here
    ));
    assert!(!told(
        &Item {
            condition: Condition::Used,
            ..fits.clone()
        },
        &here
    ));
    assert!(
        !told(
            &Item {
                attributes: vec![],
                ..fits.clone()
            },
            &here
        ),
        "not said is not met"
    );
    for (title, category, price, frame) in [
        ("Thornfell Ridge", "sports/cycling/mountain-bikes", "500.01 GBP", "XL"),
        ("Thornfell Ridge", "sports/cycling/mountain-bikes", "500 EUR", "XL"),
        ("Thornfell Ridge", "sports/cycling/mountain-bikes", "500 GBP", "M"),
        ("Thornfell Ridge", "sports/cycling", "500 GBP", "XL"),
        ("Mountain bike rack", "vehicles", "50 GBP", "XL"),
    ] {
        assert!(
            !told(&framed(title, category, price, frame), &here),
            "{title} {category} {price} {frame}"
        );
    }
}

#[test]
fn two_pieces_cost_twice_as_much() {
    let two = Intent {
        quantity: 2,
        ..want("stroller", "baby/strollers", "301 GBP", "GB")
    };
    let interest = Interest::of(&two);
    let takes = |price| {
        interest.takes(&Thing::item(
            &goods("Stroller", "baby/strollers", price),
            &[delivers("GB")],
        ))
    };
    assert!(takes("150.50 GBP"));
    assert!(!takes("150.51 GBP"));
    let few = Item {
        stock: Some(1),
        ..goods("Stroller", "baby/strollers", "10 GBP")
    };
    assert!(!interest.takes(&Thing::item(&few, &[delivers("GB")])));
}

#[test]
fn what_goes_with_a_thing_is_not_the_thing() {
    let called = Interest {
        any_of: List::cut(Wording::all("perambulators")),
        ..Interest::default()
    };
    let filed = Interest {
        limits: Limits {
            category: Some(kind("baby/strollers")),
            ..Limits::default()
        },
        ..Interest::default()
    };
    for interest in [called, filed] {
        let takes = |category| interest.takes(&Thing::item(&goods("Nameless", category, "1 GBP"), &[]));
        assert!(takes("baby/strollers") && takes("baby/strollers/double"));
        assert!(!takes("baby/strollers/accessories"));
    }
}

#[test]
fn a_shop_with_a_van_hears_of_what_is_near() {
    let hull = Cell::at("53.7444", "-0.3325", 6).unwrap();
    let york = Cell::at("53.9590", "-1.0815", 6).unwrap();
    let near = Interest {
        limits: Limits {
            place: Some(Place {
                region: region("GB"),
                cell: Some(hull),
                radius_km: 30,
            }),
            ..Limits::default()
        },
        ..Interest::default()
    };
    let mut bike = want("bike", "sports/cycling", "1 GBP", "GB-KHL");
    assert!(!near.takes(&Thing::intent(&bike)), "it does not say where in the city");
    bike.place.cell = Some(hull);
    assert!(near.takes(&Thing::intent(&bike)));
    bike.place = Place {
        region: region("GB-YOR"),
        cell: Some(york),
        radius_km: 0,
    };
    assert!(!near.takes(&Thing::intent(&bike)));
}

#[test]
fn a_later_interest_of_the_same_name_takes_its_place() {
    let mut standing = Standing::new(1);
    let bikes = Interest {
        any_of: List::cut(Wording::all("bikes")),
        ..Interest::default()
    };
    let prams = Interest {
        any_of: List::cut([Wording::all("pram").unwrap(), Wording::all("pushchairs").unwrap()]),
        ..Interest::default()
    };
    let (bike, pushchair) = (
        goods("Bike", "general", "1 GBP"),
        goods("Pushchair", "general", "1 GBP"),
    );
    let told = |standing: &Standing<u8>, item| standing.matches(&Thing::item(item, &[]));
    assert_eq!(standing.insert(1, &bikes), Ok(false));
    assert_eq!(standing.insert(2, &bikes), Err(Full(1)));
    assert_eq!(told(&standing, &bike), [1]);
    assert_eq!(standing.insert(1, &prams), Ok(true));
    assert_eq!((told(&standing, &bike), told(&standing, &pushchair)), (vec![], vec![1]));
    assert!(standing.remove(&1) && !standing.remove(&1) && standing.is_empty());
    assert!(told(&standing, &pushchair).is_empty());
}

#[test]
fn much_coming_and_going_leaves_nothing_behind() {
    let mut standing = Standing::new(1_000);
    for n in 0..20_000u32 {
        let interest = Interest {
            any_of: List::cut(Wording::all(&format!("word{n} bike"))),
            wishes: List::cut([wish(&format!("size={n}"), Strength::Must)]),
            ..Interest::default()
        };
        standing.insert(n % 100, &interest).unwrap();
    }
    assert_eq!(standing.len(), 100);
    assert!(standing.kept.len() < 2_000, "{} kept", standing.kept.len());
    assert!(standing.lexicon.len() < 2_000, "{} words", standing.lexicon.len());
    assert!(standing.wishes.all.len() < 2_000);
    let posts = standing.by_word.len();
    assert!(posts < 2_000, "{posts} posts");
}

const TITLES: &[&str] = &[
    "green stroller",
    "strollers for twins",
    "twin pram",
    "mountain bike",
    "bike",
    "red bikes, 29 in",
    "electric bike XL",
    "e-bike",
    "child seat for a bike",
    "a",
];
const PLACES: &[&str] = &["GB", "GB-ENG", "GB-LEW", "GB-KHL", "DE", "DE-BY"];
const KINDS: &[&str] = &[
    "general",
    "baby",
    "baby/strollers",
    "baby/strollers/double",
    "sports",
    "sports/cycling",
    "sports/cycling/e-bikes",
    "sports/cycling/accessories",
];
const WISHES: &[&str] = &[
    "colour=green",
    "frame=XL",
    "wheel>=26in",
    "weight<=12kg",
    "fair trade=yes",
];

fn titles() -> impl Strategy<Value = &'static str> {
    select(TITLES)
}

fn kinds() -> impl Strategy<Value = category::CategoryId> {
    select(KINDS).prop_map(kind)
}

fn prices() -> impl Strategy<Value = Money> {
    (1..40i64, select(vec!["GBP", "GBP", "GBP", "EUR"]))
        .prop_map(|(tens, currency)| Money::new(tens * 1_000, currency.parse().unwrap()))
}

fn ways() -> impl Strategy<Value = Fulfilment> {
    select(Fulfilment::ALL.to_vec())
}

fn states() -> impl Strategy<Value = Conditions> {
    vec(select(Condition::ALL.to_vec()), 1..3).prop_map(|states| Conditions::of(&states).unwrap())
}

prop_compose! {
    fn places()(code in select(PLACES), cell in option::weighted(0.3, select(vec!["51.46", "53.74"])), radius_km in select(vec![0, 30])) -> Place {
        Place {
            region: region(code),
            cell: cell.map(|north| Cell::at(north, "-0.1", 6).unwrap()),
            radius_km,
        }
    }
}

prop_compose! {
    fn interests()(
        any_of in vec((titles(), any::<bool>()), 0..3),
        (category, place) in (option::of(kinds()), option::weighted(0.3, places())),
        fulfilment in option::weighted(0.3, ways()),
        prices in option::weighted(0.7, (prices(), any::<bool>())),
        (conditions, pieces) in (option::weighted(0.2, states()), select(vec![0, 0, 0, 1, 2])),
        wishes in select(vec![0, 0, 0, 1, 2]).prop_flat_map(|count| vec(select(WISHES), count)),
    ) -> Interest {
        Interest {
            any_of: List::cut(any_of.into_iter().filter_map(|(text, all)| if all { Wording::all(text) } else { Wording::most(text) })),
            limits: Limits {
                category,
                place,
                fulfilment: fulfilment.map(Fulfilments::from),
                prices: prices.map(|(money, least)| if least { Prices::at_least(money) } else { Prices::at_most(money) }),
                conditions,
                pieces,
            },
            wishes: List::cut(wishes.into_iter().map(|text| wish(text, Strength::Must))),
        }
    }
}

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    let pairs = vec![
        ("colour", "dark green"),
        ("frame_size", "XL"),
        ("wheel", "29 in"),
        ("weight", "11.5 kg"),
        ("fair_trade", "yes"),
        ("fair_trade", "no"),
    ];
    let pair = select(pairs).prop_map(|(name, value)| Attribute {
        name: Word::new(name).unwrap(),
        value: value.parse::<Value>().unwrap(),
    });
    vec(pair, 0..4)
}

prop_compose! {
    fn items()(
        (title, category, price) in (titles(), kinds(), prices()),
        condition in select(Condition::ALL.to_vec()),
        stock in option::of(0..4u32),
        attributes in attributes(),
        serves in vec((select(PLACES), ways()), 0..3),
    ) -> (Item, Vec<Serves>) {
        let item = Item { category, price, condition, stock, attributes, ..goods(title, "general", "1 GBP") };
        let serves = serves.into_iter().map(|(code, mode)| Serves { mode, ..delivers(code) }).collect();
        (item, serves)
    }
}

prop_compose! {
    fn intents()(
        (title, category, budget) in (titles(), kinds(), prices()),
        (place, mode, conditions, quantity) in (places(), ways(), states(), 1..4u32),
        wishes in vec((select(WISHES), select(vec![Strength::Must, Strength::Prefer(5), Strength::Avoid(5)])), 0..3),
    ) -> Intent {
        Intent {
            category,
            budget: Budget::Public(budget),
            place,
            fulfilment: mode.into(),
            conditions,
            quantity,
            wishes: List::cut(wishes.into_iter().map(|(text, strength)| wish(text, strength))),
            ..want(title, "general", "1 GBP", "GB")
        }
    }
}

/// What comes and what goes, one after the other.
#[derive(Clone, Debug)]
enum Step {
    Insert(u16, Box<Interest>),
    Remove(u16),
    Item(Item, Vec<Serves>),
    Intent(Box<Intent>),
}

fn steps() -> impl Strategy<Value = Step> {
    let number = 0..400u16;
    let interest = prop_oneof![4 => interests(), 1 => intents().prop_map(|intent| Interest::of(&intent))];
    prop_oneof![
        12 => (number.clone(), interest).prop_map(|(id, interest)| Step::Insert(id, Box::new(interest))),
        4 => number.prop_map(Step::Remove),
        2 => items().prop_map(|(item, serves)| Step::Item(item, serves)),
        2 => intents().prop_map(|intent| Step::Intent(Box::new(intent))),
    ]
}

fn asked_one_by_one(known: &BTreeMap<u16, Interest>, thing: &Thing) -> Vec<u16> {
    let taken = known.iter().filter(|(_, interest)| interest.takes(thing));
    taken.map(|(id, _)| *id).collect()
}

/// Plays the steps, holding every answer against asking one by one; says how many were told of something.
fn play(steps: &[Step], turns: usize) -> usize {
    let (mut standing, mut known, mut told) = (Standing::new(1_000), BTreeMap::new(), 0);
    for _ in 0..turns {
        for step in steps {
            let thing = match step {
                Step::Insert(id, interest) => {
                    let before = known.insert(*id, (**interest).clone()).is_some();
                    assert_eq!(standing.insert(*id, interest), Ok(before));
                    continue;
                }
                Step::Remove(id) => {
                    assert_eq!(standing.remove(id), known.remove(id).is_some());
                    continue;
                }
                Step::Item(item, serves) => Thing::item(item, serves),
                Step::Intent(intent) => Thing::intent(intent),
            };
            let found = standing.matches(&thing);
            assert_eq!(found, asked_one_by_one(&known, &thing));
            told += found.len();
        }
        assert_eq!(standing.len(), known.len());
    }
    told
}

#[test]
fn many_are_told_and_many_are_not() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let steps = vec(steps(), 600).new_tree(&mut runner).unwrap().current();
    let things = steps
        .iter()
        .filter(|step| matches!(step, Step::Item(..) | Step::Intent(_)))
        .count();
    // Turn after turn, so that all is laid out anew more than once.
    let told = play(&steps, 6) as f64 / (6 * things) as f64;
    assert!(
        (1.0..100.0).contains(&told),
        "{told} of some 300 a thing: the property below would say little"
    );
}

fn line_of(item: &Item, quantity: u32) -> Line {
    Line {
        item: item.id.clone(),
        gtin: None,
        title: item.title.clone(),
        brand: item.brand.clone(),
        category: item.category,
        quantity,
        unit_minor: item.price.minor,
        condition: item.condition,
        fit: Fit::Exact,
        attributes: List::cut(item.attributes.iter().cloned()),
    }
}

proptest! {
    #[test]
    fn under_rare_words_lies_what_asking_one_by_one_would_find(steps in vec(steps(), 0..150)) {
        play(&steps, 2);
    }

    #[test]
    fn a_customer_is_told_of_nothing_that_an_offer_could_not_mend(intent in intents(), (item, serves) in items()) {
        let mut limits_alone = Interest::of(&intent);
        limits_alone.any_of = List::default();
        let told = limits_alone.takes(&Thing::item(&item, &serves));
        // The best offer that could be made of the item: nothing for delivery, the right terms, at once.
        let goods = item.price.minor * i64::from(intent.quantity);
        let offer = |serves: Serves| Offer {
            intent: IntentId::default(),
            revision: RecordId::default(),
            seller: Seller { name: Name::new("a shop").unwrap(), reply: intent.reply.clone() },
            lines: List::cut([line_of(&item, intent.quantity)]),
            totals: Totals { currency: item.price.currency, goods, delivery: 0, tax: 0, total: goods },
            serves,
            deliver_by: NOW,
            valid_until: NOW,
            held_until: None,
            returns_days: 0,
            warranty_months: 0,
            terms: intent.terms.hash(),
            needs: List::default(),
        };
        let enough = item.stock.is_none_or(|stock| stock >= intent.quantity);
        // Without words a category must be met; unknown is not enough.
        let admitted = enough && serves.iter().any(|serves| {
            let admission = admits(&intent, &offer(*serves));
            admission.checks.iter().all(|check| match &check.test {
                Test::Category { .. } => check.test.holds() == crate::attribute::Holds::Met,
                test => test.passes(),
            })
        });
        prop_assert_eq!(told, admitted);
    }

    #[test]
    fn a_word_counts_where_it_makes_a_line_like_the_want(title in titles(), (item, _) in items(), wanted in kinds()) {
        let mut intent = want(title, "general", "1 GBP", "GB");
        intent.category = wanted;
        let Some(all) = Wording::all(title) else { return Ok(()) };
        let named = Interest { any_of: List::cut([all.clone()]), ..Interest::default() };
        let line = line_of(&item, 1);
        // Every word is worth two thirds at least, so that much is reached only if each is there.
        let every = likeness(&intent, &line) >= 667
            && all.words().iter().all(|word| {
                let one = Intent { title: Title::new(word).unwrap(), ..intent.clone() };
                likeness(&one, &line) > 0
            });
        if every {
            prop_assert!(named.takes(&Thing::item(&item, &[])));
        }
    }
}

/// Some of thirty-two words, by the bits of a number.
fn some_of(words: u32) -> String {
    let said = (0..32).filter(|n| words >> n & 1 == 1).map(|n| format!("w{n} "));
    said.collect()
}

proptest! {
    /// Long wordings lie under a few of their words alone; things share most of them, so that there is much to find.
    #[test]
    fn a_long_wording_is_found_whichever_of_its_words_a_thing_has(
        wordings in vec((any::<u32>(), any::<u32>(), any::<bool>()), 1..60),
        said in vec((any::<u32>(), any::<u32>()), 1..8),
    ) {
        let (mut standing, mut known) = (Standing::new(100), BTreeMap::new());
        for (id, (words, fewer, all)) in (0u16..).zip(wordings) {
            let text = some_of(if all { words & fewer & words.rotate_left(7) } else { words & fewer });
            let wording = if all { Wording::all(&text) } else { Wording::most(&text) };
            let interest = Interest { any_of: List::cut(wording), ..Interest::default() };
            standing.insert(id, &interest).unwrap();
            known.insert(id, interest);
        }
        for turn in 0..2 {
            for (words, more) in &said {
                let item = goods(&format!("x {}", some_of(words | more)), "general", "1 GBP");
                let thing = Thing::item(&item, &[]);
                prop_assert_eq!(standing.matches(&thing), asked_one_by_one(&known, &thing), "turn {}", turn);
            }
            standing.settle();
        }
    }
}

#[test]
fn the_bounds_hold_for_the_longest_want() {
    let flood: String = (0..200).map(|n| format!("w{n} ")).collect();
    let all = Wording::all(&flood).unwrap();
    assert_eq!((all.words().len(), all.least()), (super::WORDS, super::WORDS));
    assert_eq!(Wording::most(&flood).unwrap().least(), 22);
    assert_eq!(Wording::all("I am looking for a"), None);
    // The largest part of one interest, times as many as there may be, is still a number of 32 bits.
    let part = super::WORDINGS * (super::WORDS + 2) + limits::ATTRIBUTES;
    assert!(u32::try_from(part * super::MOST).is_ok());
}
