//! What was read, written and read again is the same.

use super::*;

const KINDS: [&str; 4] = ["pram", "Sports > MTB", "nothing of ours", "general"];

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,30}",
        "[ -~]{0,60}",
        "[0-9]{1,6}([.,][0-9]{1,3})?",
        "[0-9]{1,4} ?(kg|in|GB|mm|\")",
        Just("yes".to_owned()),
        Just("NO".to_owned()),
        Just("&lt;b&gt; &amp;amp; <i>x</i> < 5".to_owned()),
        "x{70,200}",
    ]
}

proptest! {
    #[test]
    fn import_export_import_is_the_same(
        rows in proptest::collection::vec((cell(), cell(), cell(), cell(), 1u32..9_999_999, cell(), proptest::option::of(0u32..99), proptest::bool::ANY), 1..8),
    ) {
        let mut text = String::new();
        for (at, (id, title, brand, description, price, attribute, stock, ships)) in rows.iter().enumerate() {
            let row = serde_json::json!({
                "id": format!("{at}{id}"), "title": format!("T{title}"), "brand": brand, "description": description,
                "price": format!("{}.{:02}", price / 100, price % 100), "currency": if at % 3 == 0 { "EUR" } else { "GBP" },
                "category": KINDS[at % KINDS.len()], "stock": stock.map(|stock| stock.to_string()), "gtin": "0095205603217",
                "ships_to": ships.then_some("NO, GB-YOR"),
                "attributes": { "colour": attribute, title: description, "size": {"value": price, "unit": brand} },
            });
            text.push_str(&row.to_string());
            text.push('\n');
        }
        let first = take(&text);
        let written = json_lines(&first.items);
        let again = take(&written);
        prop_assert_eq!(again.report.bad, []);
        prop_assert_eq!(&again.items, &first.items);
        prop_assert_eq!(json_lines(&again.items), written);
    }
}
