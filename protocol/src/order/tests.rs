//! What may happen to an order, held against a judge who reads the whole history each time.

use proptest::prelude::*;

use super::*;
use crate::{
    envelope::sign,
    keys::Key,
    money::Currency,
    text::Text,
    time::Seconds,
    vectors_tests::samples::{Deal, SELLER},
};

/// 485 pounds, 30 days, 24 months.
fn deal() -> &'static Settled {
    &Deal::known().agreement
}

fn agreed() -> Money {
    deal().acceptance.total
}

const DAY: u64 = 24 * 3_600_000;

fn start() -> Timestamp {
    deal().at()
}

fn day(days: u64) -> Timestamp {
    start().plus_millis(days * DAY)
}

fn signed(at: Timestamp, body: Receipt) -> Verified<Receipt> {
    sign(&Key::from_seed(&SELLER), at, at.plus(Seconds(1_000_000)), body).unwrap()
}

fn pounds(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

fn paid(reference: &str) -> OrderEvent {
    OrderEvent::Paid {
        reference: Text::strict(reference).unwrap(),
    }
}

fn shipped(tracking: &str) -> OrderEvent {
    OrderEvent::Shipped {
        carrier: Text::strict("Yellow Van").unwrap(),
        tracking: Text::strict(tracking).unwrap(),
    }
}

fn cancelled() -> OrderEvent {
    OrderEvent::Cancelled {
        reason: Text::strict("sold out").unwrap(),
    }
}

fn refunded(minor: i64) -> OrderEvent {
    OrderEvent::Refunded { amount: pounds(minor) }
}

/// The seller's next link, taken in on the customer's side.
fn tell(order: &mut Order, at: Timestamp, event: OrderEvent) -> Result<Receipt, Illegal> {
    let (at, receipt) = order.link(at, &deal().offer, agreed(), event)?;
    let receipt = signed(at, receipt);
    order
        .judge(&deal().offer, &[agreed()], &receipt)
        .expect("what one side signs the other takes");
    order.follow(&receipt);
    Ok(receipt.body().clone())
}

fn told(events: &[OrderEvent]) -> Order {
    let mut order = Order::new(deal());
    for (at, event) in (0..).zip(events) {
        tell(&mut order, day(at), event.clone()).unwrap();
    }
    order
}

/// An honest next link with something changed before it is signed.
fn changed(order: &Order, at: Timestamp, event: OrderEvent, change: impl FnOnce(&mut Receipt)) -> Difference {
    let (at, mut receipt) = order.link(at, &deal().offer, agreed(), event).unwrap();
    change(&mut receipt);
    order
        .judge(&deal().offer, &[agreed()], &signed(at, receipt))
        .unwrap_err()
}

#[test]
fn an_order_goes_out_comes_back_and_is_closed() {
    let mut order = Order::new(deal());
    let mut states = Vec::new();
    for event in [
        OrderEvent::Confirmed,
        paid("RF18"),
        shipped("1"),
        shipped("2"),
        OrderEvent::Delivered,
        OrderEvent::Returned,
        refunded(40_000),
        refunded(8_500),
    ] {
        tell(&mut order, start(), event).unwrap();
        states.push(order.state().word());
    }
    let expected = "confirmed paid shipped shipped delivered returning refunded closed";
    assert_eq!(states.join(" "), expected);
    let view = order.view();
    assert_eq!((view.payments, view.parcels), (1, 2));
    assert_eq!((view.refunded, view.left), (pounds(48_500), pounds(0)));
    assert!(view.may.is_empty(), "nothing follows what is closed: {:?}", view.may);
}

#[test]
fn what_does_not_follow_is_refused_with_what_does() {
    let refusal = |events: &[OrderEvent], next: &OrderEvent| told(events).may(next).unwrap_err().to_string();
    let confirmed = OrderEvent::Confirmed;
    assert_eq!(
        refusal(&[confirmed.clone(), shipped("1")], &cancelled()),
        "an order that is shipped cannot be cancelled: it may be paid, shipped, delivered, returned, refunded"
    );
    assert_eq!(
        refusal(&[confirmed.clone(), cancelled()], &OrderEvent::Delivered),
        "an order that is cancelled cannot be delivered: it may be refunded"
    );
    assert_eq!(
        refusal(&[confirmed.clone(), refunded(48_500)], &paid("late")),
        "an order that is closed cannot be paid: nothing follows"
    );
    assert_eq!(
        refusal(&[confirmed.clone(), refunded(48_000)], &refunded(501)),
        "5.01 GBP cannot go back: 5.00 GBP is left of what was agreed"
    );
    assert_eq!(
        refusal(std::slice::from_ref(&confirmed), &refunded(0)),
        "0.00 GBP is no refund: it takes more than nothing"
    );
    let yen = OrderEvent::Refunded {
        amount: Money::new(1, Currency::JPY),
    };
    assert_eq!(refusal(&[confirmed], &yen), "1 JPY cannot go back: the order is in GBP");
}

#[test]
fn a_full_order_still_has_room_for_its_end() {
    let mut order = told(&[OrderEvent::Confirmed]);
    let mut parcels = 0;
    while tell(&mut order, start(), shipped(&parcels.to_string())).is_ok() {
        parcels += 1;
    }
    assert_eq!(order.receipts, limits::RECEIPTS_PER_AGREEMENT - FOR_THE_END);
    assert_eq!(order.may(&refunded(1)), Err(Illegal::Full));
    for event in [OrderEvent::Delivered, OrderEvent::Returned, refunded(48_500)] {
        tell(&mut order, start(), event).unwrap();
    }
    assert_eq!(order.state(), OrderState::Closed);
}

#[test]
fn the_time_to_give_back_counts_from_the_delivery() {
    let mut order = Order::new(deal());
    tell(&mut order, start(), OrderEvent::Confirmed).unwrap();
    assert_eq!(order.view().returns_until, Some(day(30)));
    tell(&mut order, day(3), shipped("1")).unwrap();
    assert_eq!(
        order.view().returns_until,
        Some(day(30)),
        "a parcel changes nothing yet"
    );
    tell(&mut order, day(9), OrderEvent::Delivered).unwrap();
    let view = order.view();
    assert_eq!(view.delivered_at, Some(day(9)));
    assert_eq!(view.returns_until, Some(day(39)));
    assert_eq!(view.warranty_until, Some(day(9).plus_months(24)));
}

#[test]
fn no_receipt_shortens_what_was_promised() {
    let order = told(&[OrderEvent::Confirmed, shipped("1")]);
    let earlier = changed(&order, day(2), paid("RF18"), |receipt| {
        receipt.returns_until = Some(day(29))
    });
    assert_eq!(earlier.field, "return date");
    assert_eq!(earlier.agreed, format!("not before {}", day(30)));
    assert_eq!(earlier.named, day(29).to_string());
    let gone = changed(&order, day(2), paid("RF18"), |receipt| receipt.warranty_until = None);
    assert_eq!((gone.field.as_str(), gone.named.as_str()), ("warranty date", "none"));
    // As long as before is not enough once it is known when the time begins.
    let short = changed(&order, day(9), OrderEvent::Delivered, |receipt| {
        receipt.returns_until = Some(day(30));
    });
    assert_eq!(short.agreed, format!("not before {}", day(39)));
    // More than was promised is a present.
    let (at, mut receipt) = order
        .link(day(9), &deal().offer, agreed(), OrderEvent::Delivered)
        .unwrap();
    receipt.returns_until = Some(day(100));
    assert_eq!(order.judge(&deal().offer, &[agreed()], &signed(at, receipt)), Ok(()));
}

#[test]
fn a_delivery_is_not_dated_before_the_parcel_left() {
    let order = told(&[OrderEvent::Confirmed, shipped("1")]);
    let (at, receipt) = order
        .link(start(), &deal().offer, agreed(), OrderEvent::Delivered)
        .unwrap();
    assert_eq!(at, day(1), "a clock that was set back signs no earlier than before");
    let back = order
        .judge(&deal().offer, &[agreed()], &signed(Timestamp(at.0 - 1), receipt))
        .unwrap_err();
    assert_eq!(back.field, "receipt's time");
}

#[test]
fn a_link_of_another_chain_is_told_apart_field_by_field() {
    let order = told(&[OrderEvent::Confirmed, paid("RF18")]);
    let field = |change: &dyn Fn(&mut Receipt)| changed(&order, day(2), shipped("1"), |it| change(it)).field;
    assert_eq!(field(&|it| it.agreement = AgreementId([9; 32])), "receipt's agreement");
    assert_eq!(field(&|it| it.total.minor -= 1), "receipt's total");
    assert_eq!(field(&|it| it.sequence = 3), "receipt's number");
    assert_eq!(field(&|it| it.previous = Some(RecordId([9; 32]))), "receipt before");
    assert_eq!(field(&|it| it.event = refunded(48_501)), "refund");
    assert_eq!(field(&|it| it.event = OrderEvent::Returned), "order");
    let (at, receipt) = order.link(day(2), &deal().offer, agreed(), shipped("1")).unwrap();
    let forged = sign(&Key::from_seed(&[7; 32]), at, at.plus(Seconds(10)), receipt).unwrap();
    assert_eq!(
        order.judge(&deal().offer, &[agreed()], &forged).unwrap_err().field,
        "receipt's author"
    );
}

/// A word, what must have happened before it (one of each), and what must not have.
type Rule = (
    &'static str,
    &'static [&'static [&'static str]],
    &'static [&'static str],
);

const LAW: [Rule; 7] = [
    ("confirmed", &[], &["confirmed"]),
    ("paid", &[&["confirmed"]], &["returned", "cancelled"]),
    ("shipped", &[&["confirmed"]], &["delivered", "returned", "cancelled"]),
    ("delivered", &[&["confirmed"]], &["delivered", "returned", "cancelled"]),
    (
        "returned",
        &[&["confirmed"], &["shipped", "delivered"]],
        &["returned", "cancelled"],
    ),
    ("refunded", &[&["confirmed"]], &[]),
    (
        "cancelled",
        &[&["confirmed"]],
        &["shipped", "delivered", "returned", "cancelled"],
    ),
];

fn gone_back(history: &[OrderEvent]) -> i128 {
    let amounts = history.iter().filter_map(|event| match event {
        OrderEvent::Refunded { amount } => Some(i128::from(amount.minor)),
        _ => None,
    });
    amounts.sum()
}

/// The judge: reads the law and the history, and keeps no state.
fn is_lawful(history: &[OrderEvent], next: &OrderEvent) -> bool {
    let agreed = i128::from(deal().acceptance.total.minor);
    let has = |word: &&str| history.iter().any(|event| event.word() == *word);
    let (_, needs, bars) = LAW.iter().find(|(word, ..)| *word == next.word()).unwrap();
    let in_turn = needs.iter().all(|any| any.iter().any(has)) && !bars.iter().any(has) && gone_back(history) < agreed;
    let (in_bounds, is_an_end) = match next {
        OrderEvent::Refunded { amount } => {
            let after = gone_back(history) + i128::from(amount.minor);
            let fits = amount.minor > 0 && amount.currency == Currency::GBP && after <= agreed;
            (fits, after == agreed)
        }
        event => (true, !matches!(event.word(), "paid" | "shipped")),
    };
    let room = if is_an_end { 64 } else { 61 };
    in_turn && in_bounds && history.len() < room
}

fn any_event() -> impl Strategy<Value = OrderEvent> {
    let amount = prop_oneof![-5i64..5, 1i64..30_000, Just(48_500), 48_400i64..48_600, Just(i64::MAX)];
    let currency = prop_oneof![9 => Just(Currency::GBP), 1 => Just(Currency::EUR)];
    prop_oneof![
        1 => Just(OrderEvent::Confirmed),
        3 => "[a-z]{0,8}".prop_map(|reference| paid(&reference)),
        3 => "[a-z]{0,8}".prop_map(|tracking| shipped(&tracking)),
        1 => Just(OrderEvent::Delivered),
        1 => Just(OrderEvent::Returned),
        2 => (amount, currency).prop_map(|(minor, currency)| OrderEvent::Refunded { amount: Money::new(minor, currency) }),
        1 => Just(cancelled()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_machine_says_what_the_judge_says(
        first in prop::bool::weighted(0.9),
        events in prop::collection::vec((any_event(), 0u64..5), 0..40),
    ) {
        let mut order = Order::new(deal());
        let mut history: Vec<OrderEvent> = Vec::new();
        let mut at = start();
        let begin = first.then_some((OrderEvent::Confirmed, 0));
        for (event, days) in begin.into_iter().chain(events) {
            at = at.plus_millis(days * DAY);
            let before = order.clone();
            let lawful = is_lawful(&history, &event);
            prop_assert_eq!(order.may(&event).is_ok(), lawful, "{:?} after {:?}", event, history);
            if lawful {
                tell(&mut order, at, event.clone()).unwrap();
                history.push(event);
            } else {
                // A seller that signs it all the same is told so by the other side.
                let (returns_until, warranty_until) = counted_from(at, &deal().offer);
                let body = Receipt {
                    agreement: deal().id,
                    sequence: order.receipts as u32,
                    previous: order.last,
                    event,
                    total: deal().acceptance.total,
                    returns_until,
                    warranty_until,
                };
                // Some are no record at all: only the first link is `confirmed`.
                if let Ok(signed) = sign(&Key::from_seed(&SELLER), at, at.plus(Seconds(9)), body) {
                    prop_assert!(order.judge(&deal().offer, &[agreed()], &signed).is_err());
                }
            }
            let (view, was) = (order.view(), before.view());
            prop_assert!(view.left.minor >= 0 && view.refunded.minor >= 0);
            prop_assert_eq!(view.left.minor + view.refunded.minor, 48_500);
            prop_assert_eq!(i128::from(view.refunded.minor), gone_back(&history));
            prop_assert!(view.returns_until >= was.returns_until && view.warranty_until >= was.warranty_until);
            let possible: Vec<&str> = LAW.iter().map(|(word, ..)| *word).filter(|word| {
                let sample = [OrderEvent::Confirmed, paid("x"), shipped("x"), OrderEvent::Delivered,
                    OrderEvent::Returned, OrderEvent::Refunded { amount: view.left }, cancelled()];
                sample.iter().any(|event| event.word() == *word && is_lawful(&history, event))
            }).collect();
            if history.len() < 61 {
                prop_assert_eq!(&view.may, &possible, "after {:?}", history);
            }
            // No order is stuck with money that could go back.
            prop_assert!(history.is_empty() || view.left.minor == 0 || view.may.contains(&"refunded".to_owned()));
        }
    }
}

/// The seller's next link under this total, taken in by a customer whose deal has had these.
fn tell_under(order: &mut Order, total: i64, totals: &[i64], event: OrderEvent) -> Result<(), Difference> {
    let (at, receipt) = order.link(start(), &deal().offer, pounds(total), event).unwrap();
    let receipt = signed(at, receipt);
    let totals: Vec<Money> = totals.iter().copied().map(pounds).collect();
    order.judge(&deal().offer, &totals, &receipt)?;
    order.follow(&receipt);
    Ok(())
}

#[test]
fn a_receipt_names_a_total_that_both_sides_have_taken_and_never_an_older_one_again() {
    let mut order = told(&[OrderEvent::Confirmed]);
    let had = [48_500, 46_000];
    let alone = tell_under(&mut order, 46_000, &had[..1], paid("a")).unwrap_err();
    assert_eq!(
        (alone.field.as_str(), alone.named.as_str()),
        ("receipt's total", "460.00 GBP")
    );
    // Signed before the seller heard of the change; then after it.
    tell_under(&mut order, 48_500, &had, paid("a")).unwrap();
    tell_under(&mut order, 46_000, &had, shipped("1")).unwrap();
    let back = tell_under(&mut order, 48_500, &had, OrderEvent::Delivered).unwrap_err();
    assert_eq!(
        (back.agreed.as_str(), back.named.as_str()),
        ("460.00 GBP", "485.00 GBP")
    );
}

#[test]
fn what_was_paid_before_the_price_came_down_can_all_go_back() {
    let mut order = told(&[OrderEvent::Confirmed, paid("a")]);
    let had = [48_500, 46_000];
    tell_under(&mut order, 46_000, &had, refunded(2_500)).unwrap();
    assert_eq!(order.left(), pounds(46_000));
    tell_under(&mut order, 46_000, &had, refunded(46_000)).unwrap();
    assert_eq!(order.state(), OrderState::Closed);

    // Paid after it came down: no more than that.
    let mut order = told(&[OrderEvent::Confirmed]);
    tell_under(&mut order, 46_000, &had, paid("a")).unwrap();
    assert_eq!(order.left(), pounds(46_000));
    // And where it went up after the payment, what is agreed by now.
    tell_under(&mut order, 50_000, &[48_500, 46_000, 50_000], paid("b")).unwrap();
    assert_eq!(order.left(), pounds(50_000));
}
