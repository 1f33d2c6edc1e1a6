use super::*;
use crate::codec::{Malformed, decode};
use proptest::prelude::*;

/// The hash of each document as it was first released. A mismatch means that a word changed without a new version:
/// agreements already signed would no longer show what they were about.
const PINNED: [(&str, u16, &str); 8] = [
    (
        "SD-BASE",
        1,
        "6dcc757a4c640aa9765e5b7fa107ad2a90f915e1f242ddfef2796f0e78a3fd3e",
    ),
    (
        "SD-BASE-DP",
        1,
        "6548aaf71393059468f74af8829d2a41ecfbc5208fea1ddceac092c83c6613c1",
    ),
    (
        "PDC-INTENT",
        1,
        "fac3a0179eb51c0795997c3b995e8eb2fe1b3c8d8de7cd264213bdc582047a68",
    ),
    (
        "PDC-AI",
        1,
        "88c80e8298a38a3d9e35707811ec19450a45ff97175f1c020ec16e02b81895c9",
    ),
    (
        "PDC-GOOD",
        1,
        "968c617f3b6b2bc6a7e253c1866f0e534065969d60c03b87f93848edceac6d73",
    ),
    (
        "ic:no-stalking",
        1,
        "454a5a40c6800b30020f764eac61319b4d9bb5660bad1715d0559337a28768e2",
    ),
    (
        "ic:no-resale",
        1,
        "6ea9e830850181a80ea4bb9e6769769fcd5107d51066edbc4d23a7cc07c3dead",
    ),
    (
        "ic:delete-after",
        1,
        "4f0fe02c9c225d77ee53888cd7d04ebb420fd9139aa8cd0bb7c7f4cfda5ebd3d",
    ),
];
const PINNED_DEFAULT: &str = "46322e0d77603b671d01bdc87c83212ec15d9dc14fd48a5ab8cf77fcb45fdbc1";

#[test]
fn no_word_of_released_terms_changes() {
    let now: Vec<_> = roster()
        .iter()
        .map(|t| (t.id, t.version, t.hash().to_string()))
        .collect();
    let pinned = PINNED.map(|(id, version, hash)| (id, version, hash.to_owned()));
    assert_eq!(now, pinned);
    assert_eq!(TermsSet::default().hash().to_string(), PINNED_DEFAULT);
}

#[test]
fn a_word_a_clause_or_a_version_changes_the_hash() {
    let base = *by_id("SD-BASE").unwrap();
    let softer = Clause {
        kind: Kind::May,
        ..base.clauses[3]
    };
    let softened: &'static [Clause] = Box::leak(vec![softer].into_boxed_slice());
    let hard: &'static [Clause] = Box::leak(vec![base.clauses[3]].into_boxed_slice());
    assert_ne!(
        Terms {
            clauses: softened,
            ..base
        }
        .hash(),
        Terms { clauses: hard, ..base }.hash()
    );
    assert_ne!(Terms { version: 2, ..base }.hash(), base.hash());
    assert_ne!(
        Terms {
            title: "The service",
            ..base
        }
        .hash(),
        base.hash()
    );
    assert_ne!(
        Terms {
            id: "SD-BASE-2",
            ..base
        }
        .hash(),
        base.hash()
    );
}

#[test]
fn every_document_reads_as_a_person_writes() {
    for terms in roster() {
        let text = terms.text();
        assert!(text.starts_with(terms.id) && text.contains(terms.summary), "{text}");
        assert!(text.is_ascii() && !text.contains("  "), "{text}");
        assert!(terms.summary.ends_with('.') && !terms.clauses.is_empty());
        for clause in terms.clauses {
            let says = match clause.kind {
                Kind::May => "The seller may ",
                Kind::MustNot => "The seller must not ",
                Kind::Must => "The seller must ",
            };
            assert!(
                clause.sentence.starts_with(says) && clause.sentence.ends_with('.'),
                "{}",
                clause.sentence
            );
            assert_eq!(text.matches(clause.sentence).count(), 1);
            if let Act::DeleteWithin(days) = clause.act {
                assert!(clause.sentence.contains(&format!(" {days} days")));
            }
        }
    }
}

#[test]
fn terms_are_found_in_any_case_and_order() {
    let set = TermsSet::of(&["sd-base", " IC:No-Stalking ", "PDC-INTENT", "SD-BASE"]).unwrap();
    assert_eq!(set.to_string(), "PDC-INTENT + SD-BASE + ic:no-stalking");
    assert!(set.known() && set.contains("ic:no-stalking") && !set.contains("PDC-AI"));
    assert_eq!(TermsSet::default(), TermsSet::of(&["PDC-INTENT", "SD-BASE"]).unwrap());
    let all: Vec<&str> = roster().iter().map(|terms| terms.id).collect();
    assert_eq!(TermsSet::of(&all).unwrap().iter().count(), 8);
}

#[test]
fn an_unknown_id_is_told_the_nearest() {
    let error = TermsSet::of(&["SD-BASES"]).unwrap_err();
    assert_eq!(error.near, Some("SD-BASE"));
    assert!(error.to_string().contains("did you mean SD-BASE?"));
    assert_eq!(
        TermsSet::of(&["ic:nostalking"]).unwrap_err().near,
        Some("ic:no-stalking")
    );
    assert_eq!(TermsSet::of(&["zzzzzzzzzzzzzzzzzzzzzzzzzz"]).unwrap_err().near, None);
    assert!(TermsSet::of(&["x".repeat(10_000)]).unwrap_err().id.len() < 100);
}

#[test]
fn a_set_out_of_order_or_with_doubles_is_refused() {
    let one = |id: &str| by_id(id).unwrap().to_ref();
    let sorted = vec![one("PDC-AI"), one("SD-BASE")];
    assert!(decode::<TermsSet>(&encode(&sorted)).is_ok());
    let forged = TermsRef {
        hash: TermsHash([0; 32]),
        ..one("SD-BASE")
    };
    for refs in [
        vec![one("SD-BASE"), one("PDC-AI")],
        vec![one("SD-BASE"), one("SD-BASE")],
        vec![forged, one("SD-BASE")],
        vec![one("SD-BASE"); TERMS + 1],
    ] {
        assert!(matches!(
            decode::<TermsSet>(&encode(&refs)),
            Err(Malformed::Undecodable(_))
        ));
        let json = serde_json::to_string(&refs).unwrap();
        assert!(serde_json::from_str::<TermsSet>(&json).is_err());
    }
}

#[test]
fn other_words_under_a_known_id_are_not_known() {
    let mut forged = by_id("SD-BASE").unwrap().to_ref();
    forged.hash.0[0] ^= 1;
    let set = TermsSet::from_refs(List::new(vec![forged]).unwrap()).unwrap();
    assert!(!set.known());
    assert_eq!(set.forbids(Act::Track), None);
    assert!(set.explain()[0].contains("not known here"));
    assert_ne!(set.hash(), TermsSet::of(&["SD-BASE"]).unwrap().hash());
}

#[test]
fn what_no_clause_allows_is_forbidden_by_nothing_else() {
    let base = TermsSet::of(&["SD-BASE"]).unwrap();
    assert_eq!(base.forbids(Act::Track).unwrap().act, Act::Track);
    assert_eq!(base.forbids(Act::TrainModels).unwrap().act, Act::OtherUse);
    for act in [
        Act::Perform,
        Act::ShareToPerform,
        Act::ReportUse,
        Act::DeleteWithin(1),
        Act::ReturnData,
    ] {
        assert_eq!(base.forbids(act), None, "{act:?}");
    }
    let training = TermsSet::of(&["SD-BASE", "PDC-AI"]).unwrap();
    assert_eq!(training.forbids(Act::TrainModels), None);
    assert_eq!(training.conflicts(), []);
    assert!(TermsSet::of(&["PDC-AI"]).unwrap().forbids(Act::Track).is_none());
}

#[test]
fn the_default_lets_a_seller_answer_and_no_more() {
    let set = TermsSet::default();
    assert_eq!(set.conflicts(), []);
    assert_eq!(set.forbids(Act::AnswerIntent), None);
    assert_eq!(set.forbids(Act::Perform), None);
    for act in [
        Act::SellOn,
        Act::Track,
        Act::Profile,
        Act::Contact,
        Act::Share,
        Act::Keep,
        Act::TrainModels,
    ] {
        assert!(set.forbids(act).is_some(), "{act:?}");
    }
}

#[test]
fn terms_that_contradict_each_other_are_shown_and_the_stricter_holds() {
    for (allows, forbids, act) in [
        ("PDC-AI", "ic:delete-after", Act::Keep),
        ("PDC-GOOD", "ic:no-resale", Act::Share),
    ] {
        let set = TermsSet::of(&[allows, forbids]).unwrap();
        let conflict = Conflict {
            allowed_by: allows,
            forbidden_by: forbids,
            act,
        };
        assert_eq!(set.conflicts(), [conflict]);
        assert!(set.forbids(act).is_some());
    }
}

#[test]
fn each_sentence_is_said_once() {
    let set = TermsSet::of(&["SD-BASE", "SD-BASE-DP", "ic:no-resale"]).unwrap();
    let sentences = set.explain();
    let once: std::collections::BTreeSet<&String> = sentences.iter().collect();
    assert_eq!(once.len(), sentences.len());
    assert!(sentences.iter().any(|sentence| sentence.contains("must not sell it")));
    assert_eq!(sentences.len(), 8);
}

proptest! {
    #[test]
    fn a_set_does_not_depend_on_how_it_was_asked_for(picks in proptest::collection::vec(0usize..8, 0..20)) {
        let ids: Vec<&str> = picks.iter().map(|n| roster()[*n].id).collect();
        let backwards: Vec<String> = ids.iter().rev().map(|id| id.to_lowercase()).collect();
        let set = TermsSet::of(&ids).unwrap();
        prop_assert_eq!(&set, &TermsSet::of(&backwards).unwrap());
        prop_assert!(set.known());
        prop_assert_eq!(decode::<TermsSet>(&encode(&set)), Ok(set.clone()));
        let json = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(serde_json::from_str::<TermsSet>(&json).unwrap(), set);
    }

    #[test]
    fn more_terms_never_lift_a_ban_by_name(picks in proptest::collection::vec(0usize..8, 1..8), extra in 0usize..8) {
        let mut ids: Vec<&str> = picks.iter().map(|n| roster()[*n].id).collect();
        let fewer = TermsSet::of(&ids).unwrap();
        ids.push(roster()[extra].id);
        let more = TermsSet::of(&ids).unwrap();
        for act in [Act::Track, Act::Profile, Act::SellOn, Act::Share, Act::Keep, Act::Contact, Act::Identify] {
            let named = fewer.forbids(act).is_some_and(|clause| clause.act == act);
            prop_assert!(!named || more.forbids(act).is_some());
        }
    }

    #[test]
    fn two_sets_with_one_hash_are_one_set(a in proptest::collection::vec(0usize..8, 0..8), b in proptest::collection::vec(0usize..8, 0..8)) {
        let set = |picks: &[usize]| TermsSet::of(&picks.iter().map(|n| roster()[*n].id).collect::<Vec<_>>()).unwrap();
        let (a, b) = (set(&a), set(&b));
        prop_assert_eq!(a.hash() == b.hash(), a == b);
    }
}
