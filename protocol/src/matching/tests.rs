//! Properties of admitting and ranking: the explanation is the decision, and nothing inadmissible slips through.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{Admission, Ranked, admits, rank};
use crate::{
    attribute::{Attribute, Comparison, Holds, Strength, Value, Wish},
    category::{self, Relation},
    contact::ReplyPath,
    decimal::Decimal,
    id::{IntentId, OfferId, RecordId},
    intent::{Budget, Condition, Conditions, Intent, Language},
    list::{Bytes, List},
    money::{Currency, Money},
    offer::{Fit, Line, Offer, Seller, Totals},
    place::{Cell, Fulfilment, Fulfilments, Place, Reach, Region, Serves},
    terms::TermsSet,
    text::{Name, Phrase, Prose, Title, Word},
    time::Timestamp,
};

const NOW: Timestamp = Timestamp(1_780_000_000_000);
const DAY: u64 = 86_400_000;

fn money() -> impl Strategy<Value = Money> {
    let currency = select(vec![Currency::GBP, Currency::GBP, Currency::GBP, Currency::EUR]);
    (1..20_000i64, currency).prop_map(|(minor, currency)| Money::new(minor, currency))
}

fn region() -> impl Strategy<Value = Region> {
    select(vec!["GB", "GB-ENG", "GB-LEW", "GB-KHL", "DE"]).prop_map(|code| code.parse().unwrap())
}

fn cell() -> impl Strategy<Value = Option<Cell>> {
    let near = [("51.46", "-0.01"), ("51.50", "-0.12"), ("53.74", "-0.33")];
    option::of(select(near.to_vec()).prop_map(|(north, east)| Cell::at(north, east, 6).unwrap()))
}

fn place() -> impl Strategy<Value = Place> {
    (region(), cell(), 0..60u16).prop_map(|(region, cell, radius_km)| Place {
        region,
        cell,
        radius_km,
    })
}

fn way() -> impl Strategy<Value = Fulfilment> {
    select(Fulfilment::ALL.to_vec())
}

fn kind() -> impl Strategy<Value = category::CategoryId> {
    let paths = ["baby", "baby/strollers", "baby/strollers/double", "sports/cycling"];
    select(paths.to_vec()).prop_map(|path| category::resolve(path).unwrap().id)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(vec!["green", "dark green", "yes", "no", "XL"]).prop_map(|text| Value::Text(Phrase::new(text).unwrap())),
        (0..40i64, 0..2u8, select(vec!["", "kg", "g"])).prop_map(|(mantissa, scale, unit)| Value::Number {
            amount: Decimal::new(mantissa, scale).unwrap(),
            unit: Word::new(unit).unwrap(),
        }),
        any::<bool>().prop_map(Value::Flag),
    ]
}

fn name() -> impl Strategy<Value = Word> {
    select(vec!["colour", "frame", "frame_size", "weight", "fair_trade"]).prop_map(|name| Word::new(name).unwrap())
}

fn wish() -> impl Strategy<Value = Wish> {
    let strength = prop_oneof![
        Just(Strength::Must),
        (1..=100u8).prop_map(Strength::Prefer),
        (1..=100u8).prop_map(Strength::Avoid),
    ];
    (name(), value(), strength, 0..3u8).prop_map(|(name, value, strength, compare)| {
        let comparison = match (compare, &value) {
            (1, Value::Number { .. }) => Comparison::AtLeast,
            (2, Value::Number { .. }) => Comparison::AtMost,
            _ => Comparison::Is,
        };
        Wish {
            name,
            comparison,
            value,
            strength,
        }
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    select(Condition::ALL.to_vec())
}

prop_compose! {
    pub fn intent()(
        wishes in vec(wish(), 0..4),
        (quantity, conditions) in (1..3u32, vec(condition(), 1..3)),
        budget in money(),
        (place, ways, category) in (place(), vec(way(), 1..3), kind()),
        need_by in option::of(1..10u64),
        terms in any::<bool>(),
    ) -> Intent {
        Intent {
            title: Title::new("a green stroller for twins").unwrap(),
            text: Prose::default(),
            language: Language::ENGLISH,
            category,
            wishes: List::new(wishes).unwrap(),
            quantity,
            conditions: Conditions::of(&conditions).unwrap(),
            budget: Budget::Public(budget),
            place,
            fulfilment: Fulfilments::of(&ways).unwrap(),
            need_by: need_by.map(|days| NOW.plus_millis(days * DAY)),
            offers_due: NOW.plus_millis(DAY),
            max_offers: 10,
            offers_per_seller: 2,
            max_rounds: 0,
            terms: if terms { TermsSet::default() } else { TermsSet::of(&["SD-BASE"]).unwrap() },
            may_ask: List::default(),
            reply: reply(),
            withheld: List::default(),
        }
    }
}

fn reply() -> ReplyPath {
    ReplyPath {
        peer: Bytes::new(*b"peer").unwrap(),
        addrs: List::default(),
    }
}

fn attributes() -> impl Strategy<Value = List<Attribute, { crate::limits::ATTRIBUTES }>> {
    let attribute = (name(), value()).prop_map(|(name, value)| Attribute { name, value });
    vec(attribute, 0..5).prop_map(List::cut)
}

prop_compose! {
    fn line()(
        title in select(vec!["Green tandem twin stroller", "Mountain bike", "Twin pram"]),
        category in kind(),
        quantity in 1..3u32,
        unit_minor in 0..8000i64,
        condition in condition(),
        near in any::<bool>(),
        attributes in attributes(),
    ) -> Line {
        Line {
            item: Word::new("it").unwrap(),
            gtin: None,
            title: Title::new(title).unwrap(),
            brand: Name::new("Oakwheel").unwrap(),
            category,
            quantity,
            unit_minor,
            condition,
            fit: if near { Fit::Near(Phrase::new("another colour").unwrap()) } else { Fit::Exact },
            attributes,
        }
    }
}

prop_compose! {
    pub fn offer()(
        lines in vec(line(), 1..3),
        currency in money().prop_map(|money| money.currency),
        delivery in 0..1000i64,
        (region, cell, mode) in (region(), cell(), way()),
        days in 0..12u64,
        terms in any::<bool>(),
    ) -> Offer {
        let goods: i64 = lines.iter().map(|line| line.unit_minor * i64::from(line.quantity)).sum();
        Offer {
            intent: IntentId::default(),
            revision: RecordId::default(),
            seller: Seller { name: Name::new("a shop").unwrap(), reply: reply() },
            lines: List::new(lines).unwrap(),
            totals: Totals { currency, goods, delivery, tax: 0, total: goods + delivery },
            serves: Serves { region, cell, mode },
            deliver_by: NOW.plus_millis(days * DAY),
            valid_until: NOW.plus_millis(DAY),
            held_until: None,
            returns_days: 14,
            warranty_months: 24,
            terms: if terms { TermsSet::default().hash() } else { TermsSet::of(&["SD-BASE"]).unwrap().hash() },
            needs: List::default(),
        }
    }
}

/// An offer made for the intent, so that many are admitted, with one thing about it changed as it comes.
fn made_for(intent: &Intent, any: Offer, changed: u8) -> Offer {
    let ceiling = intent.budget.ceiling().expect("it is said openly");
    let mut offer = any;
    let keep = |n: u8| changed == n;
    if !keep(0) {
        offer.totals.currency = ceiling.currency;
    }
    if !keep(1) {
        let mut line = offer.lines[0].clone();
        line.quantity = intent.quantity;
        line.unit_minor = line.unit_minor.min(ceiling.minor / i64::from(intent.quantity));
        let goods = line.unit_minor * i64::from(line.quantity);
        offer.lines = List::cut([line]);
        let delivery = offer.totals.delivery.min(ceiling.minor - goods);
        offer.totals = Totals {
            goods,
            delivery,
            total: goods + delivery,
            ..offer.totals
        };
    }
    if !keep(2) {
        offer.serves = Serves {
            region: intent.place.region,
            cell: intent.place.cell,
            mode: intent.fulfilment.iter().next().unwrap(),
        };
    }
    if !keep(3) {
        offer.deliver_by = intent.need_by.map_or(offer.deliver_by, |by| by.min(offer.deliver_by));
    }
    if !keep(4) {
        offer.terms = intent.terms.hash();
    }
    let said = |line: &Line| {
        let mut line = line.clone();
        if !keep(5) {
            line.condition = intent.conditions.list()[0];
        }
        if !keep(6) {
            line.category = intent.category;
        }
        if !keep(7) {
            line.attributes = List::cut(intent.wishes.iter().map(|wish| Attribute {
                name: wish.name.clone(),
                value: wish.value.clone(),
            }));
        }
        line
    };
    offer.lines = List::cut(offer.lines.iter().map(said).collect::<Vec<_>>());
    offer
}

prop_compose! {
    fn pair()(intent in intent(), any in offer(), changed in 0..12u8) -> (Intent, Offer) {
        let offer = made_for(&intent, any, changed);
        (intent, offer)
    }
}

/// What admitting means, said once more and without its machinery.
fn may_answer(intent: &Intent, offer: &Offer) -> bool {
    let ceiling = intent.budget.ceiling().expect("it is said openly");
    let quantity: u32 = offer.lines.iter().map(|line| line.quantity).sum();
    offer.totals.currency == ceiling.currency
        && offer.totals.total <= ceiling.minor
        && intent.place.covered_by(&offer.serves) == Reach::Covered
        && intent.fulfilment.contains(offer.serves.mode)
        && intent.need_by.is_none_or(|by| offer.deliver_by <= by)
        && quantity == intent.quantity
        && offer.terms == intent.terms.hash()
        && offer.lines.iter().all(|line| {
            let musts = intent.wishes.iter().filter(|wish| wish.strength == Strength::Must);
            intent.conditions.has(line.condition)
                && category::relation(intent.category, line.category) != Relation::Apart
                && musts.into_iter().all(|wish| match wish.holds(&line.attributes) {
                    Holds::Met => true,
                    Holds::Unknown => false,
                    // Another size or colour than asked, said openly.
                    Holds::Unmet => {
                        let name = wish.name.as_str();
                        let bends = ["size", "colour", "color", "shade", "frame"];
                        let bends = bends
                            .iter()
                            .any(|bend| name == *bend || name.ends_with(&format!("_{bend}")));
                        matches!(line.fit, Fit::Near(_)) && bends && wish.comparison == Comparison::Is
                    }
                })
        })
}

#[test]
fn many_offers_are_admitted_and_many_are_not() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let admitted = (0..500).filter(|_| {
        let (intent, offer) = pair().new_tree(&mut runner).unwrap().current();
        admits(&intent, &offer).admitted()
    });
    let admitted = admitted.count();
    assert!(
        (50..450).contains(&admitted),
        "{admitted} of 500: the properties below would say little"
    );
}

proptest! {
    #[test]
    fn the_explanation_recomputes_the_decision((intent, offer) in pair()) {
        let admission = admits(&intent, &offer);
        let json = serde_json::to_string(&admission).unwrap();
        let read: Admission = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &admission);
        prop_assert_eq!(read.admitted(), admission.admitted());
        for check in &read.checks {
            prop_assert_eq!(check.test.holds(), check.verdict);
        }
        prop_assert_eq!(admission.why_not().is_empty(), admission.admitted());
    }

    #[test]
    fn a_doctored_verdict_admits_nothing((intent, offer) in pair()) {
        let admission = admits(&intent, &offer);
        let mut doctored = admission.clone();
        for check in &mut doctored.checks {
            check.verdict = Holds::Met;
        }
        prop_assert_eq!(doctored.admitted(), admission.admitted());
    }

    #[test]
    fn what_is_admitted_is_what_was_asked_for((intent, offer) in pair()) {
        prop_assert_eq!(admits(&intent, &offer).admitted(), may_answer(&intent, &offer));
    }

    #[test]
    fn a_preference_never_shuts_an_offer_out((intent, offer) in pair(), mut wish in wish(), weight in 1..=100u8) {
        wish.strength = if weight % 2 == 0 { Strength::Prefer(weight) } else { Strength::Avoid(weight) };
        let mut pickier = intent.clone();
        pickier.wishes = List::cut(intent.wishes.iter().cloned().chain([wish]));
        prop_assert_eq!(admits(&pickier, &offer).admitted(), admits(&intent, &offer).admitted());
    }

    #[test]
    fn a_must_never_lets_an_offer_in((intent, offer) in pair(), mut wish in wish()) {
        wish.strength = Strength::Must;
        let mut stricter = intent.clone();
        stricter.wishes = List::cut(intent.wishes.iter().cloned().chain([wish]));
        prop_assert!(admits(&intent, &offer).admitted() || !admits(&stricter, &offer).admitted());
    }

    #[test]
    fn the_order_is_total_and_does_not_hang_on_who_came_first(
        intent in intent(),
        offers in vec(offer(), 0..12),
        turn in 0..12usize,
    ) {
        let numbered: Vec<(OfferId, &Offer)> =
            offers.iter().enumerate().map(|(n, offer)| (OfferId([n as u8; 32]), offer)).collect();
        let ranked = rank(NOW, &intent, numbered.iter().copied());
        let mut turned = numbered.clone();
        turned.rotate_left(turn.min(numbered.len()));
        turned.reverse();
        prop_assert_eq!(&rank(NOW, &intent, turned), &ranked);
        let places: Vec<usize> = ranked.iter().map(|ranked| ranked.place).collect();
        prop_assert_eq!(places, (1..=numbered.len()).collect::<Vec<_>>());
        // What is near stands behind all that is exact, and each in the order of points.
        let near = |ranked: &Ranked| {
            let (_, offer) = numbered.iter().find(|(id, _)| *id == ranked.offer).unwrap();
            offer.lines.iter().any(|line| line.fit != Fit::Exact)
        };
        prop_assert!(ranked.is_sorted_by_key(|ranked| (near(ranked), std::cmp::Reverse(ranked.score.total()))));
    }

    #[test]
    fn a_cheaper_offer_is_never_behind_its_dearer_twin((intent, offer) in pair(), more in 1..5000i64) {
        let mut dearer = offer.clone();
        dearer.totals.delivery += more;
        dearer.totals.total += more;
        let ranked = rank(NOW, &intent, [(OfferId([0; 32]), &dearer), (OfferId([1; 32]), &offer)]);
        prop_assert_eq!(ranked[0].offer, OfferId([1; 32]));
    }
}
