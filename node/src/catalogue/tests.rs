use std::{io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use intentcast_protocol::{
    category,
    intent::{Condition, Language},
};
use proptest::prelude::*;

use super::*;

mod forms;
mod there_and_back;

fn take(text: &str) -> Import {
    read(text.as_bytes(), &Mapping::default()).unwrap()
}

fn refuse(text: &[u8]) -> String {
    read(text, &Mapping::default()).unwrap_err().to_string()
}

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

const FULL: &str = r#"{"id":"b-1","title":"Ridge 29","brand":"Thornfell","description":"A <b>forgiving</b> bike &amp; more","category":"MTB","price":"449.00","currency":"GBP","condition":"used","stock":3,"gtin":["123","0095205603217"],"language":"en-GB","attributes":{"wheel_size":"29 in","gears":12,"tubeless":true,"weight":{"value":"14.2","unit":"kg"},"note":""},"attr_colour":"red"}"#;

#[test]
fn a_full_row_becomes_a_full_item() {
    let import = take(FULL);
    let [item] = &import.items[..] else {
        panic!("{:?}", import.report)
    };
    assert_eq!(
        (item.id.as_str(), item.title.as_str(), item.brand.as_str()),
        ("b-1", "Ridge 29", "Thornfell")
    );
    assert_eq!(item.description.as_str(), "A forgiving bike & more");
    assert_eq!(
        item.category,
        category::by_path("sports/cycling/mountain-bikes").unwrap().id
    );
    assert_eq!(item.price.to_string(), "449.00 GBP");
    assert_eq!(
        (item.condition, item.stock, item.language),
        (Condition::Used, Some(3), Language::ENGLISH)
    );
    assert_eq!(item.gtin.unwrap().to_string(), "0095205603217");
    let attributes: Vec<String> = item
        .attributes
        .iter()
        .map(|a| format!("{}={}", a.name, a.value))
        .collect();
    assert_eq!(
        attributes,
        [
            "colour=red",
            "gears=12",
            "tubeless=yes",
            "weight=14.2 kg",
            "wheel_size=29 in"
        ]
    );
}

#[test]
fn columns_of_which_nothing_is_made_are_named() {
    let csv = "title,price,currency,colour,\u{202e}weight,attr_size\nBike,400,GBP,red,9,XL\n";
    let report = take(csv).report;
    assert_eq!(report.unread, ["colour", "\\u{202e}weight"]);
    let said = report.to_string();
    assert!(said.contains(r#"nothing is made of the columns "colour", "#), "{said}");
    let many: String = (0..20).map(|n| format!(",x{n}")).collect();
    let report = take(&format!(
        "title,price,currency{many}\nBike,400,GBP{}\n",
        ",1".repeat(20)
    ))
    .report;
    assert_eq!((report.unread.len(), report.more_unread), (8, 12), "{report}");
    // With a mapping that reads them, there is nothing to say.
    let mapping = Mapping {
        attribute_prefixes: vec!["attr_".into(), "colour".into()],
        ..Mapping::default()
    };
    let report = read(
        &b"title,price,currency,colour,attr_size\nBike,400,GBP,red,XL\n"[..],
        &mapping,
    );
    assert_eq!(report.unwrap().report.unread, Vec::<String>::new());
}

#[test]
fn five_columns_are_enough() {
    let csv = "Title,Description,Brand,Price,Currency\n\
               Twin stroller,\"light, and folds\",Wrenkin,139,GBP\n\
               A thing,,,\u{a3}49,\n\
               \"Two\nlines\",,x,49.90 EUR,\n";
    let import = take(csv);
    assert_eq!(
        import.report,
        Report {
            read: 3,
            taken: 3,
            unfiled: 2,
            filed_by_title: 1,
            ..Report::default()
        }
    );
    let of = |title: &str| import.items.iter().find(|item| item.title.as_str() == title).unwrap();
    assert_eq!(
        of("Twin stroller").category,
        category::by_path("baby/strollers/double").unwrap().id
    );
    assert_eq!(of("Twin stroller").description.as_str(), "light, and folds");
    assert_eq!(of("A thing").price.to_string(), "49.00 GBP");
    assert_eq!(of("Two lines").price.to_string(), "49.90 EUR");
    // The same file gives the same ids, another price another one.
    assert_eq!(take(csv), import);
    let other = take(&csv.replace("139", "140"));
    assert!(!other.items.iter().any(|item| item.id == of("Twin stroller").id));
    assert!(other.items.iter().any(|item| item.id == of("A thing").id));
}

#[test]
fn content_tells_the_form() {
    let csv = "title;price;currency\nA;1;GBP\n";
    for text in [
        csv.to_owned(),
        csv.replace(';', ","),
        csv.replace(';', "\t"),
        format!("\u{feff}{csv}"),
    ] {
        assert_eq!(take(&text).report.taken, 1, "{text:?}");
        assert_eq!(read(&packed(&text)[..], &Mapping::default()).unwrap(), take(&text));
    }
    assert_eq!(read(&packed(FULL)[..], &Mapping::default()).unwrap(), take(FULL));
    for (text, why) in [
        (&b""[..], "empty"),
        (b"[{\"title\":1}", "ends in the middle"),
        (b"<?xml version=\"1.0\"?><a/>", "XML without any item"),
        (b"<!DOCTYPE html><p>", "page of HTML"),
        (b"P\0K\0", "not text"),
        (b"title,cost\nA,1\n", "no column for price"),
        (b"name,price\nA,1\n", "no column for title"),
        (b"\x1f\x8b\x08broken", "stopped"),
    ] {
        assert!(refuse(text).contains(why), "{}", refuse(text));
    }
}

#[test]
fn bad_rows_are_told_and_good_ones_go_in() {
    let lines = "{\"id\":\"1\",\"title\":\"Good\",\"price\":1,\"currency\":\"GBP\"}\n\
                 {\"id\":\"2\",\"title\":\"No price\",\"currency\":\"GBP\"}\n\
                 \n\
                 {\"id\":\"3\",\"title\":\"No currency\",\"price\":5}\n\
                 {\"id\":\"4\",\"price\":5,\"currency\":\"GBP\"}\n\
                 not json\n\
                 {\"id\":\"5\",\"title\":\"Odd\",\"price\":5,\"currency\":\"GBX\\u001b[2J\"}\n\
                 {\"id\":\"6\",\"title\":\"Odd\",\"price\":5,\"currency\":\"GBP\",\"condition\":\"shiny\"}\n\
                 {\"id\":\"7\",\"title\":\"Odd\",\"price\":5,\"currency\":\"GBP\",\"stock\":\"lots\"}\n\
                 {\"id\":\"1\",\"title\":\"Last\",\"price\":2,\"currency\":\"GBP\"}\n";
    let import = take(lines);
    assert_eq!(
        (import.report.read, import.report.taken, import.report.duplicates),
        (9, 1, 1)
    );
    assert_eq!(import.items[0].title.as_str(), "Last");
    let told: Vec<String> = import.report.bad.iter().map(BadRow::to_string).collect();
    for (line, said) in [
        (2, "price is empty"),
        (4, "[constants] currency"),
        (5, "title is empty"),
        (6, "one JSON object a line"),
        (7, "GBX\\u{1b}[2J"),
        (8, "new, refurbished or used"),
        (9, "in stock"),
    ] {
        let told = told.iter().find(|told| told.starts_with(&format!("line {line}:")));
        assert!(told.is_some_and(|told| told.contains(said)), "{line}: {told:?}");
    }
    assert_eq!(told.len(), 7);
}

#[test]
fn a_flood_of_bad_rows_is_counted_and_not_kept() {
    let import = take(&format!("title,price,currency\n{}", "A,free,GBP\n".repeat(1000)));
    assert_eq!(
        (import.report.read, import.report.bad_rows(), import.items.len()),
        (1000, 1000, 0)
    );
    assert!(import.report.bad.len() <= 20);
    assert_eq!(import.report.bad[0].line, 2);
}

#[test]
fn a_row_without_end_does_not_fill_the_memory() {
    let good = "{\"title\":\"A\",\"price\":1,\"currency\":\"GBP\"}";
    let long = format!(
        "{good}\n{{\"title\":\"{}\n{good}\n",
        "x".repeat(3 * rows::MAX_ROW_BYTES)
    );
    let import = take(&long);
    assert_eq!((import.report.read, import.report.bad_rows()), (3, 1));
    assert_eq!(import.report.bad[0].line, 2);
    assert!(import.report.bad[0].to_string().len() < 500);
    let open = format!(
        "title,price,currency\nA,1,GBP\n\"B,1,GBP\n{}",
        "C,1,GBP\n".repeat(200_000)
    );
    assert!(
        refuse(open.as_bytes()).contains("line 3"),
        "{}",
        refuse(open.as_bytes())
    );
}

#[test]
fn a_row_with_a_stray_separator_is_bad_and_a_short_one_is_not() {
    let import = take("title,price,currency,brand\nA,1,000,GBP,x\nB,1,GBP\n");
    assert_eq!(import.report.taken, 1);
    assert!(import.report.bad[0].expected.contains("quotation marks"));
    let latin = read(&b"title,price,currency\nCaf\xe9,1,GBP\n"[..], &Mapping::default()).unwrap();
    assert!(latin.report.bad[0].to_string().contains("UTF-8"));
}

#[test]
fn what_does_not_fit_is_cut_and_said() {
    let attributes: String = (0..300)
        .map(|n| format!(",\"attr_{n}\":\"{}\"", "v".repeat(200)))
        .collect();
    let text = "word ".repeat(2000);
    let line = format!(
        "{{\"title\":\"{text}\",\"description\":\"{text}\",\"price\":1,\"currency\":\"GBP\",\"gtin\":\"4\"{attributes}}}"
    );
    let import = take(&line);
    assert_eq!((import.report.shortened, import.report.gtin_dropped), (1, 1));
    let bytes = intentcast_protocol::codec::encode(&import.items[0]);
    assert_eq!(
        intentcast_protocol::codec::decode::<Item>(&bytes).as_ref(),
        Ok(&import.items[0])
    );
}

#[test]
fn long_ids_are_cut_and_stay_apart() {
    let row = |id: &str| format!("{{\"id\":\"{id}\",\"title\":\"A\",\"price\":1,\"currency\":\"GBP\"}}\n");
    let slug = "a-very-long-address-of-a-page-in-a-shop-with-many-words-in-size-";
    let text = format!(
        "{}{}{}",
        row(&format!("{slug}m")),
        row(&format!("{slug}l")),
        row("short")
    );
    let import = take(&text);
    assert_eq!((import.report.taken, import.report.ids_shortened), (3, 2));
    assert_eq!(take(&text), import);
    assert!(
        import.items[0]
            .id
            .as_str()
            .starts_with("a-very-long-address-of-a-page-i-"),
        "{}",
        import.items[0].id
    );
    let disguised = take(&row("a\\u202e\\u202e"));
    assert_eq!(disguised.report.bad_rows(), 1, "{:?}", disguised.items);
}

#[test]
fn a_mapping_reads_somebody_elses_columns() {
    let mapping = Mapping::parse(include_str!("../../../deploy/config/map-example.toml")).unwrap();
    let line = r#"{"id":"9","name":"Toner","ean":["0095205603217"],"short_description":"Black","supplier":"Inkwell","price":4995,"attr_t_colour":"Black","attr_n_pages":23000.0,"attr_b_original":true}"#;
    let import = read(line.as_bytes(), &mapping).unwrap();
    let [item] = &import.items[..] else {
        panic!("{:?}", import.report)
    };
    assert_eq!(
        (
            item.title.as_str(),
            item.brand.as_str(),
            item.price.to_string().as_str()
        ),
        ("Toner", "Inkwell", "49.95 GBP")
    );
    assert_eq!(
        (item.category, item.stock),
        (category::by_path("electronics").unwrap().id, Some(5))
    );
    let attributes: Vec<String> = item
        .attributes
        .iter()
        .map(|a| format!("{}={}", a.name, a.value))
        .collect();
    assert_eq!(attributes, ["colour=Black", "original=yes", "pages=23000"]);
}

#[test]
fn a_slip_in_a_mapping_is_named() {
    for (text, line, why) in [
        ("[fields]\ntitel = \"t\"", 2, "did you mean `title`?"),
        ("\n\nprice_unit = \"cents\"", 3, "minor"),
        ("[constants]\ncurrency = \"GPB\"", 2, "GPB"),
        ("[constants]\ncategory = \"strolers\"", 2, "baby/strollers"),
        ("[fields\n", 1, "expected"),
    ] {
        let error = Mapping::parse(text).unwrap_err();
        assert_eq!(error.line, Some(line), "{error}");
        assert!(error.why.contains(why), "{error}");
    }
}

/// The folder of data for measuring, which a checkout may have beside it.
fn measured(file: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A worktree lies one level deeper than a checkout.
    let found = ["../../shared/data", "../../../shared/data"].map(|data| root.join(data).join(file));
    let found = found.into_iter().find(|path| path.exists());
    if found.is_none() {
        println!("skipped: no {file} in ../shared/data");
    }
    found
}

#[test]
fn a_real_catalogue_goes_in() {
    let Some(path) = measured("chorus/products.jsonl.gz") else {
        return;
    };
    let mapping = Mapping::parse(include_str!("../../../deploy/config/map-example.toml")).unwrap();
    let import = import(&path, &mapping).unwrap();
    println!("{}", import.report);
    for bad in &import.report.bad {
        println!("{bad}");
    }
    assert_eq!(import.report.read, 19_406);
    assert!(import.report.taken >= 19_000, "{}", import.report);
    let ids: std::collections::BTreeSet<_> = import.items.iter().map(|item| &item.id).collect();
    assert_eq!(ids.len() as u64, import.report.taken);
    let longest = import
        .items
        .iter()
        .map(|item| intentcast_protocol::codec::encode(item).len())
        .max();
    assert!(longest.unwrap() <= crate::store::ITEM_BYTES, "{longest:?}");
}

fn demo() -> Vec<Item> {
    let import = take(include_str!("../../assets/demo-catalogue.jsonl"));
    assert_eq!(import.report.bad, []);
    import.items
}

#[test]
fn the_shipped_catalogue_is_without_fault() {
    let import = take(include_str!("../../assets/demo-catalogue.jsonl"));
    let report = &import.report;
    assert!(report.taken >= 600, "{report}");
    assert_eq!(
        *report,
        Report {
            read: report.read,
            taken: report.read,
            ids_shortened: report.ids_shortened,
            filed_by_text: report.read,
            ..Report::default()
        }
    );
}

#[test]
fn shards_part_brands_and_lose_nothing() {
    let items = demo();
    let shelves = shard(items.clone(), 4);
    assert_eq!(shelves.len(), 4);
    assert!(shelves.iter().all(|shelf| !shelf.is_empty()));
    let mut homes: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, shelf) in shelves.iter().enumerate() {
        for item in shelf.iter().filter(|item| !item.brand.is_empty()) {
            assert_eq!(*homes.entry(item.brand.as_str()).or_insert(at), at, "{}", item.brand);
        }
    }
    let mut together: Vec<Item> = shelves.iter().flatten().cloned().collect();
    together.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(together, items);
    assert_eq!(shard(items, 0), Vec::<Vec<Item>>::new());
}

#[test]
fn shops_of_the_demo_compete() {
    let items = demo();
    let shelves = shard_demo(&items, 3);
    assert_eq!(shelves, shard_demo(&items, 3));
    let by_id: BTreeMap<&Word, &Item> = items.iter().map(|item| (&item.id, item)).collect();
    let mut prices: BTreeMap<&Word, std::collections::BTreeSet<i64>> = BTreeMap::new();
    for item in shelves.iter().flatten() {
        let listed = by_id[&item.id].price;
        assert_eq!(item.price.currency, listed.currency);
        let change = (item.price.minor - listed.minor).unsigned_abs();
        assert!(
            change * 100 <= listed.minor.unsigned_abs() * 8,
            "{} for {listed}",
            item.price
        );
        prices.entry(&item.id).or_default().insert(item.price.minor);
    }
    assert_eq!(prices.len(), items.len(), "each item is somewhere");
    assert!(prices.values().filter(|prices| prices.len() > 1).count() > items.len() / 3);
    for path in ["sports/cycling/mountain-bikes", "baby/strollers/double"] {
        let id = category::by_path(path).unwrap().id;
        let holders = shelves
            .iter()
            .filter(|shelf| shelf.iter().any(|item| id.covers(item.category)));
        assert!(holders.count() >= 2, "{path}");
    }
}

proptest! {
    #[test]
    fn no_file_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..600), head in "(title,price\n|\\{\"title\": )?") {
        let bytes = [head.as_bytes(), &bytes].concat();
        if let Ok(import) = read(&bytes[..], &Mapping::default()) {
            prop_assert_eq!(import.report.taken as usize, import.items.len());
            prop_assert!(import.report.read >= import.report.taken + import.report.bad_rows());
        }
    }

    #[test]
    fn no_price_is_too_strange(text in "\\PC{0,40}", minor: bool) {
        let unit = if minor { PriceUnit::Minor } else { PriceUnit::Major };
        if let Ok(money) = price::price(&text, unit, Some(intentcast_protocol::money::Currency::GBP), None) {
            prop_assert!(money.minor > 0);
        }
    }
}
