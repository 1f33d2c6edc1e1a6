//! Forms that the world's shops export.

use super::*;
use intentcast_protocol::money::Currency;

fn told() -> Mapping {
    let mut mapping = Mapping::default();
    mapping.constants.currency = Some(Currency::GBP);
    mapping.constants.ships_to = vec!["GB".parse().unwrap(), "NO".parse().unwrap()];
    mapping
}

fn with(text: &str, mapping: &Mapping) -> Import {
    read(text.as_bytes(), mapping).unwrap()
}

fn attributes(item: &Item) -> Vec<String> {
    item.attributes
        .iter()
        .map(|a| format!("{}={}", a.name, a.value))
        .collect()
}

fn ids(import: &Import) -> Vec<&str> {
    import.items.iter().map(|item| item.id.as_str()).collect()
}

const FEED: &str = r#"<?xml version="1.0"?>
<!DOCTYPE rss [<!ENTITY lol "lol"><!ENTITY lots "&lol;&lol;&lol;&lol;&lol;&lol;">]>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>A shop</title>
<item>
  <g:id>w-1</g:id><title>Watch &amp; strap &lots;</title>
  <description><![CDATA[A <b>fine</b> watch]]></description>
  <g:price>105.29 USD</g:price><g:condition>new</g:condition><g:availability>in stock</g:availability>
  <g:google_product_category>201</g:google_product_category>
  <g:shipping><g:country>US</g:country><g:price>0.00 USD</g:price></g:shipping>
  <g:shipping><g:country>CA</g:country></g:shipping>
  <g:product_detail><g:attribute_name>Case width</g:attribute_name><g:attribute_value>44 mm</g:attribute_value></g:product_detail>
  <g:color>Black&#47;White</g:color><g:brand>Tock</g:brand><g:gtin>698615070527</g:gtin><g:mpn>DZ1437</g:mpn>
</item>
<item><g:id>w-2</g:id><g:title>Pram</g:title><g:price>99.00 USD</g:price><g:sale_price>89.00 USD</g:sale_price>
  <g:availability>out_of_stock</g:availability></item>
<item><g:id>w-3</g:id><g:title>Pram</g:title><g:price>free</g:price></item>
</channel></rss>
"#;

#[test]
fn a_feed_in_xml_becomes_items() {
    let import = take(FEED);
    assert_eq!((import.report.read, import.report.taken), (3, 2), "{}", import.report);
    let [watch, pram] = &import.items[..] else {
        panic!("{}", import.report)
    };
    assert_eq!(
        watch.title.as_str(),
        "Watch & strap &lots;",
        "nothing that a file declares is expanded"
    );
    assert_eq!(watch.description.as_str(), "A fine watch");
    assert_eq!(watch.price.to_string(), "105.29 USD");
    assert_eq!(watch.gtin.unwrap().to_string(), "0698615070527");
    assert_eq!(
        attributes(watch),
        ["case_width=44 mm", "color=Black/White", "mpn=DZ1437", "ships_to=US CA"]
    );
    assert!(ships(watch, &"US-NY".parse().unwrap()) && !ships(watch, &"GB".parse().unwrap()));
    assert_eq!((pram.price.to_string().as_str(), pram.stock), ("89.00 USD", Some(0)));
    assert_eq!(pram.category, category::by_path("baby/strollers").unwrap().id);
    let bad = &import.report.bad[0];
    assert_eq!(
        (bad.line, bad.column.as_str(), bad.value.as_str()),
        (16, "price", "free")
    );
}

#[test]
fn atom_is_the_same_with_entries() {
    let atom = FEED.replace("<item>", "<entry>").replace("</item>", "</entry>");
    let atom = atom.replace("<channel>", "").replace("</channel>", "");
    assert_eq!(take(&atom).items, take(FEED).items);
}

#[test]
fn xml_that_breaks_off_is_refused_whole() {
    for end in ["<g:mpn>", "</item>\n<item><g:id>w-2", "</channel>"] {
        let cut = &FEED[..FEED.find(end).unwrap()];
        assert!(refuse(cut.as_bytes()).contains("stopped after line"), "{end}");
    }
    assert!(refuse(FEED.replacen("</title>", "</titel>", 1).as_bytes()).contains("stopped"));
    let endless = FEED.replace("fine", &"x".repeat(3 * rows::MAX_ROW_BYTES));
    assert!(
        refuse(endless.as_bytes()).contains("line 4"),
        "{}",
        refuse(endless.as_bytes())
    );
    let deep = FEED.replace("fine", "]]>").replace("</description>", "");
    let deep = deep.replace(" watch]]>", &"<a>".repeat(50_000));
    assert!(refuse(deep.as_bytes()).contains("stopped"));
}

#[test]
fn a_feed_in_columns_is_the_same_feed() {
    let tsv = "id\ttitle\tdescription\tprice\tavailability\timage link\tgoogle product category\tshipping\tcolor\n\
               w-1\tWatch\tFine\t105.29 USD\tin_stock\thttp://x/y.png\t201\tUS:CA:Ground:6.00 USD,GB:::5 GBP\tBlack\n\
               w-2\tPram\tFine\t99.00\tpreorder\t\t568\t\t\n";
    let import = take(tsv);
    assert_eq!(ids(&import), ["w-1"]);
    assert_eq!(attributes(&import.items[0]), ["color=Black", "ships_to=US GB"]);
    assert!(
        import.report.bad[0].expected.contains("--currency"),
        "{:?}",
        import.report.bad
    );
    let import = with(tsv, &told());
    assert_eq!(
        import.report.bad.len(),
        1,
        "the first row's price is in dollars, and somebody said pounds"
    );
    assert_eq!((import.items[0].id.as_str(), import.items[0].stock), ("w-2", Some(0)));
    assert_eq!(import.report.filed_by_code, 1);
}

const SHOPIFY: &str = "Handle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Image Src,Product Category\n\
     top,Varsity Top,<p>Grey &amp; black</p>,Demo,women,true,Size,Small,,shopify,3,60,,\n\
     top,,,,,,,Large,T-L,,1,65.50,,\n\
     top,,,,,,,,,,,,picture,\n\
     pram,Pram,,Demo,,true,Title,Default Title,,shopify,-1,50,,gid://shopify/TaxonomyCategory/bt-6-3-2\n\
     draft,Draft,,Demo,,false,Title,Default Title,,,,50,,\n\
     lost,,,,,,,Blue,,,,50,,\n";

#[test]
fn variants_of_a_handle_are_items() {
    let import = with(SHOPIFY, &told());
    assert_eq!(
        (import.report.read, import.report.taken, import.report.beside),
        (6, 3, 2),
        "{}",
        import.report
    );
    assert_eq!(ids(&import), ["T-L", "pram", "top/Small"]);
    let [large, pram, small] = &import.items[..] else {
        unreachable!("counted")
    };
    assert_eq!(large.title.as_str(), "Varsity Top - Large");
    assert_eq!((large.description.as_str(), large.stock), ("Grey & black", None));
    assert_eq!((small.price.to_string().as_str(), small.stock), ("60.00 GBP", Some(3)));
    assert_eq!(attributes(small), ["ships_to=GB NO", "size=Small"]);
    assert_eq!((pram.title.as_str(), pram.stock), ("Pram", Some(0)));
    assert_eq!(pram.category, category::by_path("baby/strollers/double").unwrap().id);
    assert_eq!(import.report.bad[0].line, 7);
}

const WOO: &str = "ID,Type,SKU,Name,Published,Short description,Description,In stock?,Stock,Weight (kg),Sale price,Regular price,Categories,Parent,Date sale price ends,Attribute 1 name,Attribute 1 value(s)\n\
     1,variable,hood,Hoodie,1,Warm,A hoodie,1,,,,,Clothing > Hoodies,,,Colour,\"Blue, Green\"\n\
     2,variation,hood-b,Hoodie - Blue,1,,,1,4,0.5,40,45,,id:1,,Colour,Blue\n\
     3,\"simple, virtual\",album,Album,1,Loud,,0,,,12,15,Music,,2030-01-01,,\n\
     4,grouped,logo,Logo,1,,,1,,,,,,,,,\n\
     5,simple,,Draft,-1,,,1,,,,9,,,,,\n";

#[test]
fn variations_take_from_their_parents_what_they_leave_out() {
    let import = with(WOO, &told());
    assert_eq!(ids(&import), ["album", "hood-b"], "{}", import.report);
    assert_eq!(import.report.beside, 3);
    let [album, hoodie] = &import.items[..] else {
        unreachable!("counted")
    };
    assert_eq!(hoodie.description.as_str(), "Warm A hoodie");
    assert_eq!(
        (hoodie.price.to_string().as_str(), hoodie.stock),
        ("40.00 GBP", Some(4))
    );
    assert_eq!(attributes(hoodie), ["colour=Blue", "ships_to=GB NO", "weight=0.5 kg"]);
    assert_eq!((album.price.to_string().as_str(), album.stock), ("15.00 GBP", Some(0)));
}

#[test]
fn exports_without_currency_or_place_make_us_ask() {
    for text in [SHOPIFY, WOO] {
        let asked = refuse(text.as_bytes());
        assert!(asked.contains("--currency") && asked.contains("--ships-to"), "{asked}");
        let mut half = told();
        half.constants.ships_to.clear();
        let asked = read(text.as_bytes(), &half).unwrap_err().to_string();
        assert!(!asked.contains("--currency") && asked.contains("--ships-to"), "{asked}");
    }
}

#[test]
fn linked_data_gives_a_row_for_each_product() {
    let product = r#"{"@context":"https://schema.org","@type":"Product","sku":"p-1","name":"Pram","brand":{"@type":"Brand","name":"Wrenkin"},
        "gtin13":"0095205603217","color":"Red","weight":{"@type":"QuantitativeValue","value":9.5,"unitCode":"KGM"},
        "additionalProperty":[{"@type":"PropertyValue","name":"Seats","value":2}],
        "offers":{"@type":"Offer","price":"139.00","priceCurrency":"GBP","availability":"https://schema.org/InStock",
        "itemCondition":"https://schema.org/UsedCondition","inventoryLevel":{"value":3},
        "shippingDetails":{"shippingDestination":{"addressCountry":"GB"}}}}"#;
    let one = take(product);
    let [pram] = &one.items[..] else {
        panic!("{}", one.report)
    };
    assert_eq!(
        (pram.title.as_str(), pram.brand.as_str(), pram.stock),
        ("Pram", "Wrenkin", Some(3))
    );
    assert_eq!(
        (pram.price.to_string().as_str(), pram.condition),
        ("139.00 GBP", Condition::Used)
    );
    assert_eq!(
        attributes(pram),
        ["color=Red", "seats=2", "ships_to=GB", "weight=9.5 kg"]
    );
    let flat = product.replace('\n', " ");
    let graph = format!(
        "{{\"@context\":\"https://schema.org\",\n\"@graph\": [{{\"@type\":\"Organization\",\"name\":\"x\"}},\n{product}\n]}}"
    );
    for text in [
        flat.clone(),
        format!("{flat}\n{flat}\n"),
        format!("[\n{product},\n{product}]"),
        graph.clone(),
    ] {
        assert_eq!(take(&text).items, one.items, "{text}");
    }
    assert_eq!(take(&graph).report.beside, 1);
    let group = r#"[{"@type":"ProductGroup","name":"Pram","brand":"Wrenkin","hasVariant":[
        {"@type":"Product","sku":"a","color":"Red","offers":{"price":1,"priceCurrency":"EUR"}},
        {"@type":"Product","sku":"b","name":"Pram, blue","offers":[{"price":2,"priceCurrency":"EUR"}]},
        {"@type":"Product","sku":"c","offers":{"price":2}}]}]"#;
    let group = take(group);
    assert_eq!(ids(&group), ["a", "b"]);
    assert_eq!(group.items[0].title.as_str(), "Pram");
    assert!(
        group.report.bad[0].expected.contains("--currency"),
        "{:?}",
        group.report.bad
    );
}

#[test]
fn a_list_of_plain_objects_is_as_good_as_lines() {
    let lines = "{\"id\":\"1\",\"title\":\"A \\\"[b]\\\" {c}\",\"price\":1,\"currency\":\"GBP\"}";
    let list = format!("[\n {lines},\n 7, {lines}\n]");
    let import = take(&list);
    assert_eq!((import.items, import.report.duplicates), (take(lines).items, 1));
    assert_eq!(import.report.bad[0].line, 3);
    let endless = format!("[{lines},{{\"title\":\"{}\"}}]", "x".repeat(3 * rows::MAX_ROW_BYTES));
    assert!(
        refuse(endless.as_bytes()).contains("longer than"),
        "{}",
        refuse(endless.as_bytes())
    );
}

#[test]
fn line_ends_marks_and_old_letters_have_their_answers() {
    let csv = "id,title,price,currency\r\n1,Caf\u{e9} \u{20ac},1,GBP\r\n\r\n2,B,x,GBP\r\n";
    let import = take(csv);
    assert_eq!(
        (import.items[0].title.as_str(), import.report.bad[0].line),
        ("Caf\u{e9} \u{20ac}", 4)
    );
    let old: Vec<u8> = csv
        .chars()
        .map(|c| if c == '\u{20ac}' { 0x80 } else { u32::from(c) as u8 })
        .collect();
    let guessed = read(&old[..], &Mapping::default()).unwrap();
    assert!(
        guessed.report.bad[0].expected.contains("--encoding latin1"),
        "{:?}",
        guessed.report.bad
    );
    let mapping = Mapping {
        encoding: Encoding::Latin1,
        ..Mapping::default()
    };
    assert_eq!(read(&old[..], &mapping).unwrap(), import);
    let xml = b"<?xml version='1.0' encoding='ISO-8859-1'?><feed><entry><id>1</id><title>Caf\xe9</title><price>1 GBP</price></entry></feed>";
    assert_eq!(
        read(&xml[..], &Mapping::default()).unwrap().items[0].title.as_str(),
        "Caf\u{e9}"
    );
    assert!(refuse(b"<?xml version='1.0' encoding='Shift_JIS'?><feed/>").contains("encoding"));
    assert!(refuse(b"\xff\xfei\0d\0").contains("UTF-8"));
}

#[test]
fn prices_of_other_countries_are_read_or_refused_and_never_guessed() {
    let rows = [
        ("1.234,56", "1234.56 EUR"),
        ("1.234,56 EUR", "1234.56 EUR"),
        ("105.29 EUR", "105.29 EUR"),
        ("1,234.56", "1234.56 EUR"),
    ];
    for (said, price) in rows {
        let import = take(&format!("title,price,currency\nA,\"{said}\",EUR\n"));
        assert_eq!(
            import.items[0].price.to_string(),
            price,
            "{said}: {:?}",
            import.report.bad
        );
    }
    for said in ["1.234", "1,234", "105.29 USD"] {
        let import = take(&format!("title,price,currency\nA,\"{said}\",EUR\n"));
        assert_eq!(
            (import.report.bad[0].column.as_str(), import.report.bad[0].line),
            ("price", 2),
            "{said}"
        );
    }
}

#[test]
fn a_packed_file_that_breaks_off_is_refused_whole() {
    let text: String = (0..50_000)
        .map(|n: u64| {
            format!(
                "{{\"id\":\"{n}\",\"title\":\"{:x}\",\"price\":1,\"currency\":\"GBP\"}}\n",
                n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            )
        })
        .collect();
    let packed = packed(&text);
    let cut = refuse(&packed[..packed.len() / 2]);
    assert!(cut.contains("stopped after line") && !cut.contains("line 0"), "{cut}");
    assert!(refuse(&packed[..packed.len() - 4]).contains("stopped"));
}

#[test]
fn a_line_of_a_hundred_megabytes_takes_no_memory() {
    let endless = |before: &'static str, after: &'static str| {
        let long = io::repeat(b'x').take(100 << 20);
        read(
            before.as_bytes().chain(long).chain(after.as_bytes()),
            &Mapping::default(),
        )
    };
    let good = "{\"title\":\"A\",\"price\":1,\"currency\":\"GBP\"}\n{\"title\":\"";
    let import = endless(good, "\"}\n{\"title\":\"B\",\"price\":1,\"currency\":\"GBP\"}").unwrap();
    assert_eq!((import.report.taken, import.report.bad[0].line), (2, 2));
    // Where the next row begins, nobody knows: what is so long is refused, with the line that it begins on.
    for (before, line) in [
        ("title,price,currency\nA,1,GBP\n", "line 3"),
        ("title,price,currency\n\"", "line 2"),
        ("[\n{\"title\":\"", "line 2"),
        ("<rss>\n<item><title>", "line 2"),
    ] {
        let refused = endless(before, "").unwrap_err();
        assert!(matches!(refused, ImportError::Endless { .. }), "{refused}");
        assert!(refused.to_string().contains(line), "{refused}");
    }
}

#[test]
fn ids_given_again_are_told_with_their_lines() {
    let import = take("id,title,price,currency\n1,A,1,GBP\n2,B,1,GBP\n1,C,1,GBP\n");
    assert_eq!((import.report.taken, import.report.duplicates), (2, 1));
    assert_eq!(import.report.repeated[0].line, 4);
    assert_eq!(import.items[0].title.as_str(), "C");
}

#[test]
fn feeds_of_real_shops_go_in() {
    for (file, items) in [
        ("google_merchant_rss_example.xml", 2),
        ("shopify_apparel.csv", 17),
        ("shopify_home-and-garden.csv", 17),
        ("shopify_jewelery.csv", 10),
        ("woocommerce_sample_products.csv", 15),
    ] {
        let Some(path) = measured(&format!("feeds/{file}")) else {
            return;
        };
        let mapping = if file.starts_with("google") {
            Mapping::default()
        } else {
            told()
        };
        let import = import(&path, &mapping).unwrap();
        println!("{file}: {}", import.report);
        assert_eq!(import.report.bad, [], "{file}");
        assert!(import.report.taken >= items, "{file}: {}", import.report);
    }
}
