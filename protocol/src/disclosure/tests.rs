use proptest::prelude::*;

use super::*;
use crate::{
    matching::admits,
    matching::tests::{intent, offer},
    money::Currency,
};

fn word(text: &str) -> Word {
    Word::new(text).unwrap()
}

fn pounds(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

fn opened(field: &str, value: &str, salt: u8) -> Opened {
    Opened {
        field: word(field),
        value: Value::Text(Prose::new(value).unwrap()),
        salt: Salt([salt; 32]),
    }
}

fn withheld(opened: &Opened, stage: Stage) -> Withheld {
    Withheld {
        field: opened.field.clone(),
        stage,
        commitment: opened.commitment(),
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ -~]{0,40}".prop_map(|text| Value::Text(Prose::lossy(&text))),
        any::<[u8; 32]>().prop_map(|hash| Value::Document(Bytes::new(hash).unwrap())),
        (1..i64::MAX).prop_map(|minor| Value::Money(pounds(minor))),
    ]
}

fn anything_opened() -> impl Strategy<Value = Opened> {
    let field = prop::sample::select(vec!["budget", "place.exact", "photo", "text", "contact.phone"]);
    (field, value(), any::<[u8; 32]>()).prop_map(|(field, value, salt)| Opened {
        field: word(field),
        value,
        salt: Salt(salt),
    })
}

proptest! {
    /// A commitment binds: no other field, value or salt opens it.
    #[test]
    fn only_what_was_withheld_opens(kept in anything_opened(), other in anything_opened()) {
        let withheld = withheld(&kept, Stage::Accepted);
        prop_assert_eq!(opens(&withheld, &kept), Ok(()));
        let swaps = [
            Opened { field: other.field.clone(), ..kept.clone() },
            Opened { value: other.value.clone(), ..kept.clone() },
            Opened { salt: other.salt, ..kept.clone() },
        ];
        for swapped in swaps {
            prop_assert_eq!(opens(&withheld, &swapped).is_ok(), swapped == kept);
        }
    }

    /// A commitment hides: the same value under another salt is another one, so that nobody can try values out.
    #[test]
    fn the_same_value_twice_does_not_look_the_same(kept in anything_opened(), salt in any::<[u8; 32]>()) {
        prop_assume!(Salt(salt) != kept.salt);
        let again = Opened { salt: Salt(salt), ..kept.clone() };
        prop_assert_ne!(kept.commitment(), again.commitment());
    }

    /// One changed bit of a salt is enough.
    #[test]
    fn a_bit_of_the_salt_is_enough(kept in anything_opened(), bit in 0..256usize) {
        let mut salt = kept.salt;
        salt.0[bit / 8] ^= 1 << (bit % 8);
        let other = Opened { salt, ..kept.clone() };
        prop_assert!(opens(&withheld(&kept, Stage::Signed), &other).is_err());
    }

    /// A band never widens: whatever the customer could take, the seller is let to offer by the band's upper end; what is
    /// over that end nobody takes; and a ceiling outside its band is no budget.
    #[test]
    fn a_band_never_widens(
        mut intent in intent(), offer in offer(), least in 1..9_000i64, width in 1..9_000i64, at in 0..9_000i64,
    ) {
        let currency = intent.budget.currency();
        let money = |minor| Money::new(minor, currency);
        let (lower, upper) = (money(least), money(least + width));
        let spend = Spend {
            most: money(least + at),
            shown: Shown::Within { least: lower, most: upper },
        };
        prop_assert_eq!(spend.check().is_ok(), at <= width);
        prop_assume!(at <= width);
        let (budget, opened) = spend.said(|_| Salt::default());
        prop_assert_eq!(opened, None);
        prop_assert_eq!(budget.ceiling(), Some(upper));
        intent.budget = budget;
        let kept = Kept { ceiling: Some(spend.most), ..Kept::default() };
        let (said, meant) = (admits(&intent, &offer), admits(&kept.meant(&intent), &offer));
        prop_assert!(!meant.admitted() || said.admitted());
        prop_assert!(!said.admitted() || offer.totals.total <= upper.minor);
        prop_assert_eq!(kept.spend(&intent), Some(spend));
    }

    /// A hidden budget changes nothing that anybody but the customer works out.
    #[test]
    fn two_hidden_budgets_look_the_same(mut intent in intent(), offer in offer(), a in 1..9_000i64, b in 1..9_000i64) {
        let currency = intent.budget.currency();
        let hide = |minor| {
            let spend = Spend { most: Money::new(minor, currency), shown: Shown::Hidden };
            spend.said(|_| Salt::default()).0
        };
        prop_assert_eq!(hide(a), hide(b));
        intent.budget = hide(a);
        let admission = admits(&intent, &offer);
        let budget = admission.checks.iter().find(|check| check.test.name() == "budget").unwrap();
        prop_assert_eq!(budget.verdict, crate::attribute::Holds::Unknown);
        prop_assert!(budget.test.passes());
        let ours = Kept { ceiling: Some(Money::new(b, currency)), ..Kept::default() }.meant(&intent);
        if admits(&ours, &offer).admitted() {
            prop_assert!(offer.totals.total <= b);
        }
    }
}

#[test]
fn what_is_due_later_is_not_taken_earlier() {
    let (place, phone) = (
        opened("place.exact", "12 Spring Bank", 1),
        opened("contact.phone", "01482 1", 2),
    );
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut want = proptest::strategy::ValueTree::current(&intent().new_tree(&mut runner).unwrap());
    want.withheld = List::cut([withheld(&place, Stage::Signed), withheld(&phone, Stage::Accepted)]);
    let kept = Kept {
        ceiling: None,
        opened: List::cut([place.clone(), phone.clone()]),
    };
    assert_eq!(kept.due_at(&want, Stage::Public), []);
    assert_eq!(kept.due_at(&want, Stage::Signed), std::slice::from_ref(&place));
    assert_eq!(kept.due_at(&want, Stage::Accepted), [place.clone(), phone.clone()]);

    let early = |field, from| {
        Err(Undue::Early {
            field: word(field),
            from,
        })
    };
    let both = [place.clone(), phone.clone()];
    assert_eq!(judge(&want, Stage::Accepted, &both), Ok(()));
    assert_eq!(
        judge(&want, Stage::Signed, &both),
        early("contact.phone", Stage::Accepted)
    );
    assert_eq!(judge(&want, Stage::Public, &both), early("place.exact", Stage::Signed));
    let twice = [place.clone(), place.clone()];
    assert_eq!(
        judge(&want, Stage::Signed, &twice),
        Err(Undue::Twice(word("place.exact")))
    );
    let unasked = [opened("photo", "", 3)];
    assert_eq!(
        judge(&want, Stage::Accepted, &unasked),
        Err(Undue::Unknown(word("photo")))
    );
    let other = [opened("place.exact", "13 Spring Bank", 1)];
    let Err(Undue::Differs(difference)) = judge(&want, Stage::Signed, &other) else {
        panic!("another address");
    };
    assert_eq!(difference.field, "commitment to place.exact");
    assert_eq!(difference.agreed, place.commitment().to_string());
}

#[test]
fn a_committed_budget_is_opened_under_an_agreement_alone() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut want = proptest::strategy::ValueTree::current(&intent().new_tree(&mut runner).unwrap());
    let spend = Spend {
        most: pounds(50_000),
        shown: Shown::Committed,
    };
    let (budget, opened) = spend.said(|_| Salt([9; 32]));
    want.budget = budget;
    let opened = [opened.unwrap()];
    assert!(matches!(judge(&want, Stage::Signed, &opened), Err(Undue::Early { .. })));
    assert_eq!(judge(&want, Stage::Accepted, &opened), Ok(()));
    let mut dearer = opened;
    dearer[0].value = Value::Money(pounds(60_000));
    assert!(matches!(judge(&want, Stage::Accepted, &dearer), Err(Undue::Differs(_))));
}

#[test]
fn fields_that_cannot_be_withheld_are_refused() {
    let at = |field: &str, stage| check(&[withheld(&opened(field, "", 0), stage)]).is_ok();
    for field in ["place.exact", "photo", "text"] {
        assert!(at(field, Stage::Signed) && at(field, Stage::Accepted) && !at(field, Stage::Public));
    }
    assert!(at("contact.phone", Stage::Accepted));
    assert!(
        !at("contact.phone", Stage::Signed),
        "a strand leaves under an agreement alone"
    );
    for field in ["budget", "contact.", "place", "", "photos"] {
        assert!(!at(field, Stage::Accepted), "{field}");
    }
    let twice = [1, 2].map(|salt| withheld(&opened("photo", "", salt), Stage::Signed));
    assert!(check(&twice).is_err());
}

#[test]
fn nothing_that_is_shown_to_a_programmer_shows_what_is_withheld() {
    let kept = Kept {
        ceiling: Some(pounds(48_765)),
        opened: List::cut([opened("place.exact", "12 Spring Bank", 0xab)]),
    };
    let spend = Spend {
        most: pounds(48_765),
        shown: Shown::Hidden,
    };
    let shown = format!("{kept:?} {:?} {spend:?}", kept.opened);
    for secret in ["48765", "487", "Spring", "171"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
