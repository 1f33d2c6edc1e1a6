use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn resolved(asked: &str) -> &'static str {
    resolve(asked).unwrap_or_else(|e| panic!("{asked}: {e}")).path
}

fn inferred(text: &str) -> &'static str {
    infer(text).unwrap_or_else(|| panic!("nothing in {text:?}")).path
}

#[test]
fn the_vocabulary_is_as_large_as_a_market_needs() {
    let parents: BTreeSet<_> = all().filter_map(|c| c.parent).collect();
    assert!(all().filter(|c| !parents.contains(&c.id)).count() >= 250);
    assert!((20..=30).contains(&all().filter(|c| c.parent.is_none()).count()));
    let groups: BTreeSet<_> = all().map(|c| c.group).collect();
    assert_eq!(groups.len(), 8);
}

#[test]
fn ids_rise_are_unique_and_stand_where_their_paths_stand() {
    for pair in all().collect::<Vec<_>>().windows(2) {
        assert!(pair[0].id < pair[1].id, "{:?}", pair[1]);
    }
    let paths: BTreeSet<_> = all().map(|c| c.path).collect();
    assert_eq!(paths.len(), all().len());
    for category in all() {
        let above = category.path.rsplit_once('/').map(|(above, _)| above);
        let parent = category.parent.map(|id| id.lookup().expect("a parent exists"));
        assert_eq!(parent.map(|p| p.path), above, "{}", category.path);
        assert_eq!(category.group, category.id.group());
        assert!(
            category
                .path
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '/')
        );
    }
}

#[test]
fn ids_that_are_in_signed_records_never_move() {
    for (id, path) in [
        (10_000, "baby"),
        (10_101, "baby/strollers/single"),
        (10_102, "baby/strollers/double"),
        (10_103, "baby/strollers/travel"),
        (20_101, "sports/cycling/mountain-bikes"),
        (30_101, "electronics/computers/laptops"),
        (220_000, "travel"),
        (230_100, "services/plumbing"),
        (270_000, "general"),
    ] {
        assert_eq!(CategoryId(id).lookup().map(|c| c.path), Some(path));
    }
}

#[test]
fn every_path_name_and_synonym_leads_back_to_its_category() {
    for category in all() {
        assert_eq!(resolve(category.path), Ok(category));
        assert_eq!(by_path(category.path), Some(category));
        for synonym in &category.synonyms {
            assert_eq!(resolve(synonym), Ok(category), "{synonym}");
            assert_eq!(*synonym, synonym.to_lowercase());
            assert!(words(synonym).count() <= MAX_PHRASE_WORDS);
        }
        // A name may also be another category's path ("Music"); then the path wins.
        let named = resolve(category.name).expect("a name leads somewhere");
        assert!(named == category || squash(named.path) == squash(category.name));
        assert!(category.path.len().max(category.name.len()) <= MAX_ASKED_BYTES);
    }
}

#[test]
fn codes_of_other_taxonomies_are_well_formed_and_given_once() {
    let google: Vec<u32> = all().filter_map(|c| c.google).collect();
    assert_eq!(google.iter().collect::<BTreeSet<_>>().len(), google.len());
    assert!(google.iter().all(|code| (1..1_000_000).contains(code)));
    let shopify: Vec<&str> = all().filter_map(|c| c.shopify).collect();
    assert_eq!(shopify.iter().collect::<BTreeSet<_>>().len(), shopify.len());
    for code in &shopify {
        let (vertical, steps) = code.split_at(2);
        assert!(vertical.chars().all(|c| c.is_ascii_lowercase()), "{code}");
        for step in steps.split('-').skip(1) {
            assert!(step.parse::<u32>().is_ok_and(|n| n > 0), "{code}");
        }
    }
    assert!(google.len() > 200 && shopify.len() > 200);
}

#[test]
fn people_say_pram_and_mtb() {
    for (asked, path) in [
        ("Pram", "baby/strollers"),
        ("prams", "baby/strollers"),
        ("twin stroller", "baby/strollers/double"),
        ("Double-Buggy", "baby/strollers/double"),
        ("MTB", "sports/cycling/mountain-bikes"),
        ("mountain bike", "sports/cycling/mountain-bikes"),
        ("MountainBikes", "sports/cycling/mountain-bikes"),
        ("cycling/mountain-bikes", "sports/cycling/mountain-bikes"),
        ("Sports / Cycling / Mountain Bikes", "sports/cycling/mountain-bikes"),
        ("ebike", "sports/cycling/e-bikes"),
        ("E-Bike", "sports/cycling/e-bikes"),
        ("bikes", "sports/cycling"),
        ("t shirt", "fashion/unisex/t-shirts"),
        ("refrigerators", "appliances/refrigeration/fridges"),
        ("plumber", "services/plumbing"),
        ("services", "services"),
        ("women’s clothing", "fashion/women"),
        ("anything", "general"),
    ] {
        assert_eq!(resolved(asked), path, "{asked}");
    }
}

#[test]
fn a_doubtful_name_is_answered_with_what_it_could_mean() {
    let Err(Unresolved::Ambiguous { candidates, .. }) = resolve("accessories") else {
        panic!("several paths end so");
    };
    assert!((2..=MAX_NEAREST).contains(&candidates.len()));
    assert!(candidates.contains(&"baby/strollers/accessories"));

    let Err(Unresolved::Unknown { nearest, .. }) = resolve("mountian bike") else {
        panic!("misspelt");
    };
    assert!(nearest.contains(&"sports/cycling/mountain-bikes"), "{nearest:?}");
    assert!(
        resolve("sports/cycling/montain-bikes")
            .is_err_and(|e| { e.to_string().contains("sports/cycling/mountain-bikes") })
    );
    for nothing in ["", "  ", "/", "the", "🚲", &"x".repeat(1 << 20)] {
        assert!(resolve(nothing).is_err());
    }
}

#[test]
fn a_want_in_free_words_finds_its_category() {
    for (want, path) in [
        (
            "I am looking for a mountain bike, in Hull, with 500 pounds to spend; I am rather tall",
            "sports/cycling/mountain-bikes",
        ),
        (
            "a child's stroller in the Lewisham area, 150 pounds; fair trade appeals to me",
            "baby/strollers",
        ),
        ("a stroller for twins", "baby/strollers/double"),
        ("Stroller for my twins, please", "baby/strollers/double"),
        ("twin stroller", "baby/strollers/double"),
        ("a desk for my home office", "furniture/office/desks"),
        ("toner for a laser printer", "electronics/printing/toner-ink"),
        ("someone to fix my bike", "services/repair/bikes"),
        ("tv wall mounting on Saturday", "services/handyman"),
        ("books", "books"),
        (
            "a sofa for my flat, short of money, tight budget",
            "furniture/living-room/sofas",
        ),
        ("black tights", "fashion/unisex/underwear"),
    ] {
        assert_eq!(inferred(want), path, "{want}");
    }
    assert_eq!(infer("anything at all"), None);
    assert_eq!(infer("a carpetful of prambles"), None);
    assert_eq!(infer(""), None);
}

#[test]
fn what_is_asked_stands_within_above_or_apart() {
    let id = |path| by_path(path).expect("in the vocabulary").id;
    let (strollers, double) = (id("baby/strollers"), id("baby/strollers/double"));
    assert_eq!(relation(strollers, double), Relation::Within);
    assert_eq!(relation(double, double), Relation::Within);
    assert_eq!(relation(id("baby"), double), Relation::Within);
    assert_eq!(relation(double, strollers), Relation::Coarser);
    assert_eq!(relation(double, GENERAL), Relation::Coarser);
    assert_eq!(relation(GENERAL, double), Relation::Within);
    assert_eq!(relation(double, id("baby/strollers/single")), Relation::Apart);
    assert_eq!(relation(id("baby"), id("sports")), Relation::Apart);
}

#[test]
fn a_category_of_a_later_vocabulary_keeps_its_family() {
    let later = CategoryId(20_199);
    assert_eq!(later.lookup(), None);
    assert_eq!(later.group(), CategoryGroup::Mobility);
    assert!(CategoryId(20_100).covers(later));
    assert_eq!(CategoryId(9_990_000).group(), CategoryGroup::General);
    assert_eq!(later.to_string(), "#20199");
    let json = serde_json::to_string(&later).expect("a number");
    assert_eq!(json, "\"#20199\"");
    assert_eq!(serde_json::from_str::<CategoryId>(&json).expect("a number"), later);
}

#[test]
fn a_rain_cover_is_no_stroller() {
    let id = |path: &str| by_path(path).expect("in the vocabulary").id;
    assert_eq!(
        relation(id("baby/strollers"), id("baby/strollers/accessories")),
        Relation::Apart
    );
    assert_eq!(
        relation(id("baby/strollers"), id("baby/strollers/double")),
        Relation::Within
    );
    assert_eq!(
        relation(id("baby/strollers/accessories"), id("baby/strollers/accessories")),
        Relation::Within
    );
    assert_eq!(relation(id("baby"), id("baby/strollers/accessories")), Relation::Within);
}

proptest! {
    // Each case spells out distances to three thousand names, so fewer of them do.
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,80}") {
        if let Err(Unresolved::Unknown { nearest, .. }) = resolve(&text) {
            prop_assert!(nearest.len() <= MAX_NEAREST);
        }
        prop_assert_ne!(infer(&text).map(|c| c.id), Some(GENERAL));
    }

}

proptest! {
    #[test]
    fn case_spaces_and_hyphens_do_not_matter(at in 0..563usize, shout: bool, split in "[ _-]{1,3}") {
        let category = all().nth(at % all().len()).expect("within");
        for synonym in &category.synonyms {
            let said = synonym.replace([' ', '-'], &split);
            let said = if shout { said.to_uppercase() } else { said };
            prop_assert_eq!(resolve(&said), Ok(category));
        }
    }

    #[test]
    fn covering_is_being_an_ancestor(a in 0..28u32, b in 0..4u32, c in 0..4u32, d: u32) {
        let id = CategoryId(a * 10_000 + b * 100 + c);
        prop_assert!(id.covers(id) && GENERAL.covers(CategoryId(d)));
        let mut above = id.parent();
        while let Some(parent) = above {
            prop_assert!(parent.covers(id) && !id.covers(parent));
            above = parent.parent();
        }
    }
}
