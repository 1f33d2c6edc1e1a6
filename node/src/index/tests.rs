use intentcast_protocol::{
    attribute::Attribute,
    category::{self, CategoryId, GENERAL},
    contact::ReplyPath,
    intent::{Budget, Condition, Conditions, Language},
    item::Description,
    list::List,
    money::Currency,
    offer::Gtin,
    place::{Fulfilments, Place},
    terms::TermsSet,
    text::{Name, Prose, Title, Word},
    time::Timestamp,
};

use super::*;

fn category(path: &str) -> CategoryId {
    category::by_path(path).unwrap().id
}

fn item(id: &str, title: &str, path: &str, price: &str) -> Item {
    Item {
        id: Word::new(id).unwrap(),
        title: Title::new(title).unwrap(),
        brand: Name::default(),
        description: Description::default(),
        gtin: None,
        category: category(path),
        price: price.parse().unwrap(),
        condition: Condition::New,
        stock: None,
        language: Language::ENGLISH,
        attributes: Vec::new(),
    }
}

fn intent(title: &str, path: &str, budget: &str) -> Intent {
    Intent {
        title: Title::new(title).unwrap(),
        text: Prose::default(),
        language: Language::ENGLISH,
        category: category(path),
        wishes: List::default(),
        quantity: 1,
        conditions: Conditions::NEW,
        budget: Budget::Public(budget.parse().unwrap()),
        place: Place::within("GB".parse().unwrap()),
        fulfilment: Fulfilments::default(),
        need_by: None,
        offers_due: Timestamp(1),
        max_offers: 8,
        offers_per_seller: 1,
        max_rounds: 0,
        terms: TermsSet::default(),
        may_ask: List::default(),
        reply: ReplyPath::default(),
        withheld: List::default(),
    }
}

fn shop() -> Vec<Item> {
    vec![
        item(
            "buggy-2",
            "Tandem 2 side-by-side buggy",
            "baby/strollers/double",
            "139 GBP",
        ),
        item("buggy-1", "City buggy", "baby/strollers/single", "89 GBP"),
        item("prams", "Carriage with a hood", "baby/strollers", "120 GBP"),
        item(
            "mtb-29",
            "Ridge 29, L frame",
            "sports/cycling/mountain-bikes",
            "449 GBP",
        ),
        item(
            "mtb-x",
            "Peak 27 full suspension",
            "sports/cycling/mountain-bikes",
            "1299 GBP",
        ),
        item("road-1", "Road bike, 54 cm", "sports/cycling/road-bikes", "500 GBP"),
        item("stick-64", "Memory stick 64GB", "electronics", "9.99 GBP"),
        item("stick-32", "Memory stick 32GB", "electronics", "6.99 GBP"),
        item("unsorted", "Mountain bike, needs love", "general", "80 GBP"),
        item(
            "euros",
            "Mountain bike from abroad",
            "sports/cycling/mountain-bikes",
            "300 EUR",
        ),
        Item {
            condition: Condition::Used,
            ..item("old", "Used mountain bike", "sports/cycling/mountain-bikes", "150 GBP")
        },
    ]
}

fn index_of(items: Vec<Item>) -> (Arc<Store>, Index) {
    let store = Arc::new(Store::in_memory().unwrap());
    store.replace_catalogue(items, Timestamp(1)).unwrap();
    let index = Index::in_memory(Arc::clone(&store)).unwrap();
    (store, index)
}

fn ids(found: Vec<Candidate>) -> Vec<String> {
    found
        .into_iter()
        .map(|candidate| candidate.item.id.to_string())
        .collect()
}

fn found(index: &Index, intent: &Intent) -> Vec<String> {
    ids(index.search(intent, limits::CANDIDATES).unwrap())
}

#[test]
fn a_twin_stroller_is_a_double_buggy() {
    let (_, index) = index_of(shop());
    let found = found(&index, &intent("a twin stroller", "general", "150 GBP"));
    assert_eq!(found[0], "buggy-2");
    assert!(
        found.contains(&"buggy-1".into()) && !found.contains(&"mtb-29".into()),
        "{found:?}"
    );
}

#[test]
fn an_mtb_is_a_mountain_bike() {
    let (_, index) = index_of(shop());
    let found = found(&index, &intent("MTB", "general", "500 GBP"));
    assert!(found.contains(&"mtb-29".into()), "{found:?}");
    assert!(!found.contains(&"stick-64".into()));
}

#[test]
fn a_sentence_finds_what_it_is_about() {
    let (_, index) = index_of(shop());
    let want = "I am looking for a mountain bike, in Hull, with 500 pounds to spend; I am rather tall";
    let found = found(&index, &intent(want, "general", "500 GBP"));
    let mut first = found[..2].to_vec();
    first.sort();
    assert_eq!(first, ["mtb-29", "unsorted"], "{found:?}");
}

#[test]
fn what_is_filed_below_the_asked_category_needs_no_word() {
    let (_, index) = index_of(shop());
    let mut found = found(&index, &intent("for my child", "baby/strollers", "150 GBP"));
    found.sort();
    assert_eq!(found, ["buggy-1", "buggy-2", "prams"]);
}

#[test]
fn what_is_filed_more_coarsely_needs_a_word_and_what_is_filed_apart_is_out() {
    let (_, index) = index_of(shop());
    let double = found(&index, &intent("carriage", "baby/strollers/double", "150 GBP"));
    assert_eq!(double, ["prams", "buggy-2"]);
    let mut bikes = found(
        &index,
        &intent("mountain bike", "sports/cycling/mountain-bikes", "5000 GBP"),
    );
    bikes.sort();
    assert_eq!(bikes, ["mtb-29", "mtb-x", "unsorted"], "no road bike");
}

#[test]
fn a_price_over_the_budget_in_another_currency_or_of_used_goods_is_out() {
    let (_, index) = index_of(shop());
    let mut want = intent("mountain bike", "sports/cycling", "449 GBP");
    let of = |want: &Intent| {
        let mut ids = found(&index, want);
        ids.sort();
        ids
    };
    assert_eq!(of(&want), ["mtb-29", "unsorted"]);
    want.quantity = 2;
    assert_eq!(of(&want), ["unsorted"]);
    want.quantity = 1;
    want.conditions = Conditions::of(&[Condition::Used]).unwrap();
    assert_eq!(of(&want), ["old"]);
    want.conditions = Conditions::of(&Condition::ALL).unwrap();
    assert_eq!(of(&want), ["mtb-29", "old", "unsorted"]);
    want.budget = Budget::Public("449 EUR".parse().unwrap());
    assert_eq!(of(&want), ["euros"]);
}

#[test]
fn a_shop_that_gives_discounts_still_finds_what_it_would_sell() {
    let (_, index) = index_of(shop());
    let want = intent("mountain bike", "sports/cycling/mountain-bikes", "404.10 GBP");
    assert!(!found(&index, &want).contains(&"mtb-29".into()));
    let lowered = ids(index.search_down_to(&want, 9_000, 10).unwrap());
    assert!(lowered.contains(&"mtb-29".into()), "{lowered:?}");
    assert!(!lowered.contains(&"mtb-x".into()));
}

#[test]
fn sixty_four_gb_is_64gb_and_the_reverse() {
    let (_, index) = index_of(shop());
    for want in ["64 gb stick", "64GB stick", "stick 64 GB"] {
        assert_eq!(
            found(&index, &intent(want, "electronics", "20 GBP"))[0],
            "stick-64",
            "{want}"
        );
    }
    let (_, spaced) = index_of(vec![
        item("a", "Stick of 64 GB", "electronics", "9 GBP"),
        item("b", "Stick of 32 GB", "electronics", "9 GBP"),
    ]);
    assert_eq!(found(&spaced, &intent("64gb", "electronics", "20 GBP")), ["a"]);
}

#[test]
fn a_number_names_one_thing() {
    let mut items = shop();
    items[3].gtin = Gtin::parse("0095205603217");
    let (_, index) = index_of(items);
    for code in ["0095205603217", "95205603217", "095205603217", "mtb-29"] {
        let found = index.search_text(code, &Filters::default(), 5).unwrap();
        assert_eq!(
            found.first().map(|first| first.item.id.as_str()),
            Some("mtb-29"),
            "{code}"
        );
    }
}

#[test]
fn nothing_asked_finds_nothing() {
    let (_, index) = index_of(shop());
    assert!(found(&index, &intent("something for me", "general", "5000 GBP")).is_empty());
    assert!(index.search_text("", &Filters::default(), 5).unwrap().is_empty());
    assert!(index.search_text("bike", &Filters::default(), 0).unwrap().is_empty());
}

#[test]
fn a_match_says_where_it_is() {
    let mut items = shop();
    items[3].attributes.push(Attribute {
        name: Word::new("frame_size").unwrap(),
        value: "tall riders".parse().unwrap(),
    });
    let (_, index) = index_of(items.clone());
    let why = index.why(&intent("tall mountain ridges", "general", "500 GBP"), &items[3]);
    assert_eq!(why, ["title: ridges", "attributes: tall", "category: mountain"]);
}

#[test]
fn a_search_after_an_import_sees_the_new_price_and_not_what_is_gone() {
    let (store, index) = index_of(shop());
    let want = intent("city buggy", "baby/strollers", "150 GBP");
    assert_eq!(found(&index, &want)[0], "buggy-1");
    assert!(!index.refresh().unwrap(), "nothing changed");

    let mut items = shop();
    items.retain(|item| item.id.as_str() != "prams");
    items[1].price = "99 GBP".parse().unwrap();
    items[0].price = "999 GBP".parse().unwrap();
    store.replace_catalogue(items, Timestamp(2)).unwrap();
    // Even before the index follows, it hands out what the store has.
    let before = index.search(&want, 10).unwrap();
    assert!(before.iter().all(|candidate| candidate.item.id.as_str() != "prams"));
    assert_eq!(before[0].item.price, "99 GBP".parse().unwrap());

    assert!(index.refresh().unwrap());
    assert_eq!(found(&index, &want), ["buggy-1"]);
    assert_eq!(index.stamp(), store.catalogue().unwrap());
}

#[test]
fn the_index_follows_the_store_through_restarts_and_damage() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::in_memory().unwrap());
    store.replace_catalogue(shop(), Timestamp(1)).unwrap();
    let want = intent("city buggy", "baby/strollers", "150 GBP");
    let open = || Index::open(dir.path(), Arc::clone(&store)).unwrap();
    let live = dir.path().join("live");
    let made = || std::fs::metadata(live.join("meta.json")).unwrap().modified().unwrap();

    assert_eq!(found(&open(), &want)[0], "buggy-1");
    let first = made();
    assert_eq!(found(&open(), &want)[0], "buggy-1");
    assert_eq!(made(), first, "a whole index of the same catalogue is kept");

    // Another catalogue.
    store
        .replace_catalogue(shop().into_iter().take(1), Timestamp(1))
        .unwrap();
    assert_eq!(found(&open(), &want), ["buggy-2"]);

    // Each file spoilt in turn.
    let files: Vec<PathBuf> = std::fs::read_dir(&live)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() > 3);
    for name in files.iter().filter_map(|file| file.file_name()) {
        let file = live.join(name);
        let Ok(mut bytes) = std::fs::read(&file) else { continue };
        if let Some(byte) = bytes.first_mut() {
            *byte ^= 0xff;
        }
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(found(&open(), &want), ["buggy-2"], "{name:?}");
    }

    // No folder at all.
    std::fs::remove_dir_all(&live).unwrap();
    assert_eq!(found(&open(), &want), ["buggy-2"]);
}

#[test]
fn equal_scores_come_in_the_order_of_ids_every_time() {
    let items: Vec<Item> = (0..900)
        .map(|n| item(&format!("{n:04}"), "Red ball", "general", "1 GBP"))
        .collect();
    let (_, first) = index_of(items.clone());
    let (_, second) = index_of(items.into_iter().rev().collect());
    let want = intent("red ball", "general", "2 GBP");
    let expected: Vec<String> = (0..limits::CANDIDATES).map(|n| format!("{n:04}")).collect();
    assert_eq!(found(&first, &want), expected);
    assert_eq!(found(&second, &want), expected);
}

#[test]
fn an_empty_catalogue_is_searched_in_vain() {
    let (_, index) = index_of(Vec::new());
    assert!(found(&index, &intent("bike", "general", "1 GBP")).is_empty());
    assert_eq!(GENERAL, category("general"));
}

/// What people ask of the shipped catalogue, and a part of the title that an answer among the first ten must have.
#[test]
fn the_shipped_catalogue_answers_what_people_say() {
    let file = include_str!("../../assets/demo-catalogue.jsonl");
    let items = crate::catalogue::read(file.as_bytes(), &crate::catalogue::Mapping::default())
        .unwrap()
        .items;
    let (_, index) = index_of(items);
    let asks = [
        (
            "I am looking for a mountain bike, in Hull, with 500 pounds to spend; I am rather tall",
            "500 GBP",
            "sports/cycling/mountain-bikes",
        ),
        (
            "a child's stroller in the Lewisham area, 150 pounds; fair trade appeals to me",
            "150 GBP",
            "baby/strollers",
        ),
        ("a stroller for twins", "400 GBP", "baby/strollers/double"),
        ("pram", "400 GBP", "baby/strollers"),
        ("MTB", "1500 GBP", "sports/cycling/mountain-bikes"),
    ];
    for (said, budget, path) in asks {
        // Said without a category, and with the one that the words lead to.
        for asked in ["general", path] {
            let want = intent(said, asked, budget);
            let found = index.search(&want, limits::CANDIDATES).unwrap();
            let ceiling = want.budget.ceiling().unwrap();
            assert!(found.iter().all(|candidate| candidate.item.price <= ceiling), "{said}");
            let id = category(path);
            let first = found
                .iter()
                .take(10)
                .filter(|candidate| id.covers(candidate.item.category))
                .count();
            let titles: Vec<_> = found
                .iter()
                .take(10)
                .map(|candidate| candidate.item.title.as_str())
                .collect();
            assert!(first >= 5, "{said} in {asked}: {titles:?}");
        }
    }
}

/// Of a budget that is not said the currency alone bounds what is found.
#[test]
fn a_hidden_budget_hides_no_item() {
    let (_, index) = index_of(shop());
    let mut want = intent("city buggy", "general", "1 GBP");
    let found = |want: &Intent| index.search(want, 50).unwrap().len();
    assert_eq!(found(&want), 0, "a pound buys none");
    want.budget = Budget::Hidden {
        currency: Currency::GBP,
    };
    assert!(found(&want) > 0);
    want.budget = Budget::Hidden {
        currency: Currency::JPY,
    };
    assert_eq!(found(&want), 0, "nothing is sold in yen");
}

/// Each item is found again by its own title, under its own category and under none.
#[test]
fn nothing_in_the_shipped_catalogue_is_out_of_reach() {
    let file = include_str!("../../assets/demo-catalogue.jsonl");
    let items = crate::catalogue::read(file.as_bytes(), &crate::catalogue::Mapping::default())
        .unwrap()
        .items;
    let (_, index) = index_of(items.clone());
    let mut missed = Vec::new();
    for item in items.iter().step_by(5) {
        for path in ["general", item.category.lookup().unwrap().path] {
            let mut want = intent(item.title.as_str(), path, "1 GBP");
            want.budget = Budget::Public(item.price);
            want.conditions = Conditions::of(&[item.condition]).unwrap();
            let found = index.search(&want, 5).unwrap();
            if !found.iter().any(|candidate| candidate.item.id == item.id) {
                missed.push(format!("{} in {path}", item.title));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

mod properties {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;
    use intentcast_protocol::{
        attribute::{Strength, Wish},
        category::{Relation, relation},
    };

    const WORDS: [&str; 8] = ["red", "stroller", "twin", "bike", "64gb", "mtb", "stick", "w810"];
    const PATHS: [&str; 6] = [
        "general",
        "baby/strollers",
        "baby/strollers/double",
        "baby/strollers/accessories",
        "sports/cycling",
        "electronics",
    ];

    prop_compose! {
        fn any_item()(
            words in vec(select(&WORDS[..]), 1..5),
            path in select(&PATHS[..]),
            minor in 1..20_000i64,
            currency in select(vec!["GBP", "GBP", "EUR"]),
            condition in select(Condition::ALL.to_vec()),
            language in select(vec!["en", "de"]),
        ) -> Item {
            let price = format!("{}.{:02} {currency}", minor / 100, minor % 100);
            Item { condition, language: Language::new(language).unwrap(), ..item("any", &words.join(" "), path, &price) }
        }
    }

    fn catalogue() -> impl Strategy<Value = Vec<Item>> {
        vec(any_item(), 0..30).prop_map(|mut items| {
            for (n, item) in items.iter_mut().enumerate() {
                item.id = Word::new(&format!("item{n:03}")).unwrap();
            }
            items
        })
    }

    prop_compose! {
        fn want()(
            words in vec(select(&WORDS[..]), 1..4),
            path in select(&PATHS[..]),
            pounds in 1..200i64,
            conditions in vec(select(Condition::ALL.to_vec()), 1..3),
            quantity in 1..3u32,
        ) -> Intent {
            let mut want = intent(&words.join(" "), path, &format!("{pounds} GBP"));
            (want.conditions, want.quantity) = (Conditions::of(&conditions).unwrap(), quantity);
            want
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn nothing_found_breaks_a_limit(items in catalogue(), want in want()) {
            let (_, index) = index_of(items);
            let ceiling = want.budget.ceiling().unwrap();
            for Candidate { item, .. } in index.search(&want, limits::CANDIDATES).unwrap() {
                prop_assert_eq!(item.price.currency, ceiling.currency);
                prop_assert!(item.price.minor * i64::from(want.quantity) <= ceiling.minor);
                prop_assert!(want.conditions.has(item.condition));
                prop_assert!(relation(want.category, item.category) != Relation::Apart);
            }
        }

        #[test]
        fn the_best_few_are_the_first_of_all(
            items in catalogue(),
            words in vec(select(&WORDS[..]), 1..5),
            few in 1..6usize,
            path in select(&PATHS[..]),
        ) {
            let (_, index) = index_of(items);
            let text = words.join(" ");
            let filters = Filters { category: Some(category(path)), ..Filters::default() };
            for filters in [Filters::default(), filters] {
                let all = index.search_text(&text, &filters, limits::CANDIDATES).unwrap();
                let best = index.search_text(&text, &filters, few).unwrap();
                prop_assert_eq!(&best[..], &all[..few.min(all.len())]);
            }
        }

        #[test]
        fn a_score_is_what_its_explanation_adds_up_to(items in catalogue(), words in vec(select(&WORDS[..]), 1..5)) {
            let (_, index) = index_of(items);
            let text = words.join(" ");
            let plain = index.search_text(&text, &Filters::default(), 50).unwrap();
            let explained = index.explain_text(&text, &Filters::default(), 50).unwrap();
            prop_assert_eq!(plain.len(), explained.len());
            for (plain, (candidate, why)) in plain.iter().zip(explained) {
                prop_assert_eq!(plain, &candidate);
                prop_assert!((why.recomputed() - candidate.score).abs() < 1e-4, "{:?}", why);
            }
        }

        #[test]
        fn a_preference_takes_nothing_away(items in catalogue(), want in want(), word in select(&WORDS[..])) {
            let (_, index) = index_of(items);
            let mut before = found(&index, &want);
            let mut pickier = want;
            let wish = Wish::parse(&format!("sort={word}"), Strength::Prefer(50)).unwrap();
            pickier.wishes = List::cut([wish]);
            let mut after = found(&index, &pickier);
            before.sort();
            after.sort();
            prop_assert_eq!(before, after);
        }
    }
}

#[test]
fn stems_do_not_cross_languages() {
    let german = Language::new("de").unwrap();
    let (_, index) = index_of(vec![
        Item {
            language: german,
            ..item("de", "Kinder Wagen", "general", "9 GBP")
        },
        item("en", "Wagens for hire", "general", "9 GBP"),
    ]);
    let mut want = intent("wagens", "general", "20 GBP");
    // An English want finds the German item only by a whole word.
    assert_eq!(found(&index, &want), ["en"]);
    want.language = german;
    let mut both = found(&index, &want);
    both.sort();
    assert_eq!(both, ["de", "en"]);
}

#[test]
fn a_slip_finds_what_was_meant_and_a_model_its_like() {
    let (_, index) = index_of(vec![
        item("a", "Folding stroller", "general", "9 GBP"),
        item("b", "Oven K8315X0GB", "general", "9 GBP"),
        item("c", "Oven K9990X0GB", "general", "9 GBP"),
    ]);
    assert_eq!(found(&index, &intent("strolelr", "general", "20 GBP")), ["a"]);
    assert_eq!(found(&index, &intent("K8315X0", "general", "20 GBP")), ["b"]);
}

#[test]
fn a_change_of_stock_and_price_needs_no_new_index() {
    for dir in [None, Some(tempfile::tempdir().unwrap())] {
        let store = Arc::new(Store::in_memory().unwrap());
        store.replace_catalogue(shop(), Timestamp(1)).unwrap();
        let index = match &dir {
            Some(dir) => Index::open(dir.path(), store.clone()).unwrap(),
            None => Index::in_memory(store.clone()).unwrap(),
        };
        let want = intent("city buggy", "baby/strollers", "150 GBP");
        let mut items = shop();
        items.retain(|item| item.id.as_str() != "prams");
        items[0].price = "999 GBP".parse().unwrap();
        items[1].title = Title::new("City buggy, sky blue").unwrap();
        let import = |items: &[Item], at: u64| {
            let mut staging = store.begin_import().unwrap();
            store.stage(&mut staging, items).unwrap();
            store.finish_import(staging, Timestamp(at)).unwrap()
        };
        let before = index.live();
        let taken = import(&items, 2);
        assert!(
            before
                .updated(&store, taken.touched.as_deref().unwrap(), Path::new(""))
                .unwrap()
                .is_some()
        );
        // That was only to see that it can be done: whoever follows does it again, to the same end.
        assert!(index.follow(taken).unwrap());
        assert_eq!(index.stamp(), store.catalogue().unwrap());
        assert_eq!(found(&index, &want), ["buggy-1"]);
        assert_eq!(found(&index, &intent("sky blue", "general", "150 GBP")), ["buggy-1"]);
        let anew = Index::in_memory(store.clone()).unwrap();
        let all = intent("buggy ridge suspension", "general", "9999 GBP");
        // The same items; how rare a word is, by which they are ordered, still counts what is gone.
        let sorted = |index| {
            let mut ids = found(index, &all);
            ids.sort();
            ids
        };
        assert_eq!(sorted(&index), sorted(&anew));
        // So is what is new, and what comes back.
        items.push(item("a-new-one", "Sky blue pram", "baby/strollers", "10 GBP"));
        items.push(item("prams", "Sky blue carriage", "baby/strollers", "10 GBP"));
        assert!(index.follow(import(&items, 3)).unwrap());
        assert_eq!(found(&index, &intent("sky blue", "general", "150 GBP")).len(), 3);
        if let Some(dir) = &dir {
            drop(index);
            let again = Index::open(dir.path(), store.clone()).unwrap();
            assert_eq!(again.stamp(), store.catalogue().unwrap());
        }
    }
}

#[test]
fn what_is_new_takes_its_place_in_the_order_of_ids() {
    let store = Arc::new(Store::in_memory().unwrap());
    let ball = |id: &str| item(id, "Red ball", "general", "1 GBP");
    let mut items: Vec<Item> = (0..20).map(|n| ball(&format!("m{n:02}"))).collect();
    store.replace_catalogue(items.clone(), Timestamp(1)).unwrap();
    let index = Index::in_memory(Arc::clone(&store)).unwrap();
    let want = intent("red ball", "general", "2 GBP");
    let (mut in_place, mut anew) = (0, 0);
    // Each time one before all, one behind all, and two that come always closer to one that is there.
    for round in 0..24 {
        let close = "z".repeat(round);
        items.extend([format!("a{:02}", 99 - round), format!("z{round:02}")].map(|id| ball(&id)));
        items.extend([format!("m07{close}y"), format!("m07{close}yy")].map(|id| ball(&id)));
        let mut staging = store.begin_import().unwrap();
        store.stage(&mut staging, &items).unwrap();
        let taken = store.finish_import(staging, Timestamp(round as u64 + 2)).unwrap();
        let touched = taken.touched.clone().unwrap();
        match index.live().updated(&store, &touched, Path::new("")).unwrap() {
            Some(_) => in_place += 1,
            None => anew += 1,
        }
        assert!(index.follow(taken).unwrap());
        let mut ids: Vec<String> = items.iter().map(|item| item.id.to_string()).collect();
        ids.sort();
        assert_eq!(found(&index, &want), ids);
    }
    assert!(in_place > 10 && anew > 0, "{in_place} in place, {anew} anew");
}
