use proptest::prelude::*;

use super::*;
use crate::strand;

fn refused(text: &str) -> String {
    Purpose::new(text).expect_err(text).to_string()
}

#[test]
fn the_vocabulary_names_strands_that_there_are() {
    assert!(all().len() >= 20);
    for known in all() {
        assert!(
            Phrase::new(known.name).is_ok() && !known.title.is_empty(),
            "{}",
            known.name
        );
        assert_eq!(Purpose::new(known.name).unwrap().known(), Some(known));
        for pattern in &known.strands {
            let meant = strand::all().any(|strand| strand.name.is_meant_by(pattern));
            assert!(meant, "{}: {pattern} means no strand", known.name);
        }
    }
    for (word, instead) in TABLE.broad.iter().chain(&TABLE.empty) {
        assert_eq!(words(word), [*word], "a word is compared as it stands in the file");
        assert!(instead.len() > 20, "{word}");
    }
}

#[test]
fn what_is_told_to_be_written_instead_would_be_taken() {
    for instead in TABLE.broad.values().chain(TABLE.empty.values()) {
        let examples: Vec<&str> = instead.split('"').skip(1).step_by(2).collect();
        for example in examples {
            assert!(Purpose::new(example).is_ok(), "{instead}: {example}");
        }
    }
}

#[test]
fn a_purpose_that_could_be_anything_is_refused_with_a_hint() {
    for text in [
        "marketing",
        "Marketing purposes",
        "any",
        "any purpose",
        "analytics",
        "business",
        "our legitimate business interests",
        "improve our services",
        "to improve your experience",
        "personalisation",
        "send marketing emails about bikes",
        "sharing with partners",
        "customer service",
        "as needed",
        "everything",
        "AI training",
        "bike bike",
        "delivery",
        "x",
        "",
        " - ",
    ] {
        let why = refused(text);
        assert!(
            why.contains("say ") || why.contains("says what is done") || why.contains("name them"),
            "{text}: {why}"
        );
    }
    assert!(refused("marketing").contains("\"marketing\" is no purpose: say what is sent"));
    assert!(
        refused("delivery").contains("delivery_updates"),
        "{}",
        refused("delivery")
    );
    assert!(refused("deliver").contains("deliver_order"), "{}", refused("deliver"));
}

#[test]
fn a_purpose_that_says_what_is_done_is_taken_in_its_own_words() {
    for text in [
        "call before the courier comes",
        "choose a stiffer saddle for my weight",
        "engrave the initials",
        "send offers for mountain bike tyres",
        "tell of any delay in delivery",
        "Lieferung ankündigen",
    ] {
        let purpose = Purpose::new(text).expect(text);
        assert_eq!((purpose.as_phrase().as_str(), purpose.known()), (text, None));
        assert_eq!(purpose.title(), text);
    }
}

#[test]
fn a_known_purpose_is_one_however_it_is_spelt() {
    let purpose = Purpose::new("deliver_order").unwrap();
    for spelt in ["deliver order", "Deliver-Order", " deliver  ORDER. "] {
        assert_eq!(Purpose::new(spelt), Ok(purpose.clone()), "{spelt}");
    }
    assert_eq!(purpose.title(), "Bring what was ordered to the door");
    assert_eq!(purpose.to_string(), "deliver_order");
    assert_ne!(purpose, Purpose::new("send receipt").unwrap());
}

#[test]
fn a_purpose_says_which_strands_it_usually_needs() {
    let fit = by_name("fit_size").unwrap();
    let needs = |name: &str| fit.needs(&strand::resolve(name).unwrap());
    assert!(needs("size.shoe") && needs("body.weight"));
    assert!(!needs("contact.email") && !needs("address.home"));
}

#[test]
fn too_long_a_purpose_is_told_so() {
    assert!(matches!(
        Purpose::new(&"deliver parcels ".repeat(10)),
        Err(TooBroad::Text(TextError::TooLong { .. }))
    ));
}

proptest! {
    #[test]
    fn what_was_taken_is_taken_again_as_the_same(text in "[a-zA-Z_' -]{0,60}") {
        if let Ok(purpose) = Purpose::new(&text) {
            prop_assert_eq!(Purpose::new(purpose.as_phrase().as_str()), Ok(purpose.clone()));
        }
    }

    #[test]
    fn no_text_breaks_it(text in any::<String>()) {
        let _ = Purpose::new(&text);
    }
}
