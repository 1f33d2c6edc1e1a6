use super::*;
use crate::codec::{decode, encode};
use proptest::prelude::*;

fn region(code: &str) -> Region {
    code.parse().unwrap()
}

/// Hull, and Leeds some eighty kilometres to its west.
fn hull() -> Cell {
    Cell::at("53.7444", "-0.3325", 7).unwrap()
}

fn leeds() -> Cell {
    Cell::at("53.7997", "-1.5492", 7).unwrap()
}

#[test]
fn a_code_reads_in_capitals_or_not() {
    for (text, code) in [
        ("gb", "GB"),
        ("gb-khl", "GB-KHL"),
        (" DE-BY ", "DE-BY"),
        ("fr-2a", "FR-2A"),
    ] {
        assert_eq!(region(text).to_string(), code);
    }
}

#[test]
fn a_wrong_code_is_told_what_is_near_it() {
    let message = |text: &str| text.parse::<Region>().unwrap_err().to_string();
    assert!(message("GB-KHX").contains("GB is a country, but GB-KHX is no part of it"));
    assert!(message("GB-KHX").contains("GB-KHL"), "{}", message("GB-KHX"));
    assert!(message("UK").contains("did you mean GB?"));
    assert!(matches!(
        "XX".parse::<Region>(),
        Err(RegionError::UnknownCountry { .. })
    ));
    for text in [
        "",
        "G",
        "GBR",
        "GB-",
        "GB-ABCD",
        "GB_KHL",
        "G\u{df}",
        "GB-K\u{d6}",
        "-KHL",
        "GB-K-L",
    ] {
        assert_eq!(text.parse::<Region>(), Err(RegionError::NotACode), "{text}");
    }
}

#[test]
fn a_name_that_means_one_region_is_taken_for_it() {
    for (name, code) in [
        ("Hull", "GB-KHL"),
        ("Kingston upon Hull", "GB-KHL"),
        ("lewisham", "GB-LEW"),
        ("Bristol", "GB-BST"),
        ("City of Edinburgh", "GB-EDH"),
        ("City of London", "GB-LND"),
        ("Bavaria", "DE-BY"),
        ("Bayern", "DE-BY"),
        ("Zurich", "CH-ZH"),
        ("UK", "GB"),
        ("United Kingdom", "GB"),
        ("France", "FR"),
        ("Scotland", "GB-SCT"),
        ("GB-KHL", "GB-KHL"),
        ("Limburg, NL", "NL-LI"),
        ("Limburg, Belgium", "BE-VLI"),
        ("Bolivia", "BO"),
    ] {
        assert_eq!(
            Region::resolve(name).map(|r| r.to_string()),
            Ok(code.to_owned()),
            "{name}"
        );
    }
}

#[test]
fn a_name_that_means_several_regions_lists_their_codes() {
    for (name, code) in [
        ("Limburg", "NL-LI"),
        ("Georgia", "US-GA"),
        ("Congo", "CD"),
        ("Kingston upon", "GB-KTT"),
    ] {
        let error = Region::resolve(name).unwrap_err();
        assert!(matches!(error, RegionError::Ambiguous { .. }), "{name}: {error}");
        assert!(error.to_string().contains(code), "{error}");
    }
}

#[test]
fn the_square_mile_is_not_taken_for_london() {
    let error = Region::resolve("London").unwrap_err().to_string();
    assert!(error.contains("GB-LND"), "{error}");
}

#[test]
fn a_name_of_nothing_is_refused() {
    assert!(Region::resolve("Bavariia").unwrap_err().to_string().contains("DE-BY"));
    for name in [
        "",
        ",",
        ", GB",
        "Atlantis",
        "of",
        &"x".repeat(1000),
        "GB-KHX",
        "Hull, FR",
    ] {
        assert!(Region::resolve(name).is_err(), "{name}");
    }
}

#[test]
fn a_region_covers_what_lies_in_it() {
    for (outer, inner) in [
        ("GB", "GB"),
        ("GB", "GB-ENG"),
        ("GB", "GB-KHL"),
        ("GB-ENG", "GB-KHL"),
        ("GB-SCT", "GB-EDH"),
        ("FR-IDF", "FR-75C"),
        ("FR-20R", "FR-2A"),
        ("ES-CT", "ES-B"),
        ("BE-VLG", "BE-VAN"),
        ("IT-25", "IT-MI"),
    ] {
        assert!(region(outer).covers(&region(inner)), "{outer} {inner}");
        assert!(
            outer == inner || !region(inner).covers(&region(outer)),
            "{inner} {outer}"
        );
    }
    for (one, other) in [
        ("GB-ENG", "GB-EDH"),
        ("GB-KHL", "GB-LEW"),
        ("GB", "FR"),
        ("DE-BY", "AT"),
        ("GB-ENG", "FR-75C"),
    ] {
        assert!(!region(one).covers(&region(other)), "{one} {other}");
        assert!(!region(other).covers(&region(one)), "{other} {one}");
    }
    assert_eq!(region("GB-KHL").parent(), Some(region("GB-ENG")));
    assert_eq!(region("GB-ENG").parent(), Some(region("GB")));
    assert_eq!(region("GB").parent(), None);
}

#[test]
fn the_table_of_parents_is_in_order_and_without_loops() {
    let lines: Vec<&str> = include_str!("../../vocab/subdivision_parents.tsv").lines().collect();
    assert!(lines.is_sorted() && lines.len() > 1_000);
    for line in lines {
        let (child, parent) = line.split_once('\t').unwrap();
        let (child, parent) = (region(child), region(parent));
        assert!(parent.covers(&child) && !child.covers(&parent), "{line}");
        assert_eq!(child.country, parent.country, "{line}");
        assert_eq!(child.parent(), Some(parent), "{line}");
    }
}

#[test]
fn every_listed_region_reads_as_it_is_written() {
    for country in rust_iso3166::ALL {
        assert_eq!(region(country.alpha2).to_string(), country.alpha2);
        for part in country.subdivisions().unwrap_or_default() {
            let part_of = region(part.code);
            assert_eq!(part_of.to_string(), part.code);
            assert!(region(country.alpha2).covers(&part_of));
            assert_eq!(part_of.name(), Some(part.name));
        }
    }
}

#[test]
fn a_region_of_a_newer_list_passes_and_a_malformed_one_does_not() {
    assert_eq!(encode(&region("GB-KHL")), *b"GBKHL");
    assert_eq!(encode(&region("GB")), *b"GB\0\0\0");
    assert_eq!(
        decode::<Region>(b"ZZQ9\0").map(|r| r.to_string()),
        Ok("ZZ-Q9".to_owned())
    );
    for bytes in [b"gbKHL", b"GBkhl", b"GB\0HL", b"GBK\0L", b"G\0\0\0\0", b"GBKH\xff"] {
        assert!(decode::<Region>(bytes).is_err(), "{bytes:?}");
    }
    assert_eq!(serde_json::to_string(&region("GB-KHL")).unwrap(), "\"GB-KHL\"");
    assert_eq!(serde_json::from_str::<Region>("\"GB-KHL\"").unwrap(), region("GB-KHL"));
    assert!(serde_json::from_str::<Region>("\"gb-khl\"").is_err());
}

#[test]
fn a_cell_is_a_point_told_roughly() {
    assert_eq!(hull().resolution(), 7);
    assert_eq!(Cell::at(" 53.7444 ", "-0.3325", 7), Ok(hull()));
    assert_eq!(hull().coarsened(3).map(Cell::resolution), Ok(3));
    assert_eq!(hull().coarsened(9), Ok(hull()));
    assert_eq!(hull().to_string().parse(), Ok(hull()));
    for (lat, lng) in [
        ("91", "0"),
        ("0", "180.1"),
        ("NaN", "0"),
        ("1e2", "0"),
        ("", ""),
        ("-90.000001", "0"),
    ] {
        assert_eq!(Cell::at(lat, lng, 7), Err(CellError::NotCoordinates), "{lat} {lng}");
    }
    assert_eq!(Cell::at("0", "0", 2), Err(CellError::Resolution(2)));
    assert_eq!(Cell::at("0", "0", 10), Err(CellError::Resolution(10)));
    assert_eq!(Cell::at("0", "0", 200), Err(CellError::Resolution(200)));
    assert!(Cell::at("90", "180", 9).is_ok() && Cell::at("-90", "-180", 3).is_ok());
}

#[test]
fn a_number_that_is_no_cell_is_refused() {
    let fine = u64::from(h3o::LatLng::new(53.7, -0.3).unwrap().to_cell(h3o::Resolution::Twelve));
    assert_eq!(Cell::new(fine), Err(CellError::Resolution(12)));
    for index in [0, 1, u64::MAX, fine ^ (1 << 63)] {
        assert_eq!(Cell::new(index), Err(CellError::NotACell));
        assert!(decode::<Cell>(&encode(&index)).is_err());
    }
    for text in ["", "0x871", "zz", "+871", &"8".repeat(17)] {
        assert_eq!(text.parse::<Cell>(), Err(CellError::NotACell));
    }
}

#[test]
fn distance_is_counted_in_whole_kilometres() {
    assert_eq!(hull().distance_km(hull()), 0);
    // 80.3 km between the two points; a cell of resolution 7 has its centre within 1.4 km.
    assert!(
        (77..=83).contains(&hull().distance_km(leeds())),
        "{}",
        hull().distance_km(leeds())
    );
    let antipode = Cell::at("-53.7444", "179.6675", 7).unwrap();
    assert!((20_010..=20_020).contains(&hull().distance_km(antipode)));
}

#[test]
fn a_want_needs_a_way_and_only_known_ones() {
    let ways = Fulfilments::of(&[Fulfilment::OnSite, Fulfilment::Delivery]).unwrap();
    assert!(ways.contains(Fulfilment::OnSite) && !ways.contains(Fulfilment::Pickup));
    assert_eq!(encode(&ways), [0b101]);
    assert_eq!(serde_json::to_string(&ways).unwrap(), "[\"delivery\",\"on-site\"]");
    assert_eq!(
        serde_json::from_str::<Fulfilments>("[\"on-site\",\"delivery\"]").unwrap(),
        ways
    );
    assert_eq!(ways.to_string(), "delivery or on-site");
    for bits in [0, 16, 0xff] {
        assert!(decode::<Fulfilments>(&[bits]).is_err());
    }
    for json in [
        "[]",
        "[\"drone\"]",
        "5",
        "[\"pickup\",\"pickup\",\"pickup\",\"pickup\",\"pickup\"]",
    ] {
        assert!(serde_json::from_str::<Fulfilments>(json).is_err());
    }
    for way in Fulfilment::ALL {
        assert_eq!(way.to_string().parse(), Ok(way));
        assert_eq!(serde_json::to_string(&way).unwrap(), format!("\"{way}\""));
    }
}

fn serves(code: &str, cell: Option<Cell>, mode: Fulfilment) -> Serves {
    let region = region(code);
    Serves { region, cell, mode }
}

#[test]
fn delivery_reaches_where_the_region_does() {
    let place = Place::within(region("GB-KHL"));
    for mode in [Fulfilment::Delivery, Fulfilment::OnSite] {
        for (code, reach) in [
            ("GB", Reach::Covered),
            ("GB-ENG", Reach::Covered),
            ("GB-KHL", Reach::Covered),
            ("GB-SCT", Reach::Elsewhere),
            ("FR", Reach::Elsewhere),
        ] {
            assert_eq!(place.covered_by(&serves(code, None, mode)), reach, "{code}");
        }
        let somewhere = Place::within(region("GB"));
        assert_eq!(somewhere.covered_by(&serves("GB-SCT", None, mode)), Reach::Unknown);
    }
}

#[test]
fn pickup_reaches_as_far_as_the_customer_goes() {
    let mut place = Place {
        region: region("GB-KHL"),
        cell: Some(hull()),
        radius_km: 100,
    };
    let shop = serves("GB-LDS", Some(leeds()), Fulfilment::Pickup);
    assert_eq!(place.covered_by(&shop), Reach::Covered);
    place.radius_km = 10;
    let km = hull().distance_km(leeds());
    assert_eq!(place.covered_by(&shop), Reach::TooFar { km });
    place.radius_km = 0;
    assert_eq!(place.covered_by(&shop), Reach::Elsewhere);
    assert_eq!(
        place.covered_by(&serves("GB-KHL", None, Fulfilment::Pickup)),
        Reach::Covered
    );
    assert_eq!(Place::within(region("GB")).covered_by(&shop), Reach::Unknown);
}

#[test]
fn what_does_not_move_reaches_everywhere() {
    let place = Place::within(region("GB-KHL"));
    assert_eq!(
        place.covered_by(&serves("NZ", None, Fulfilment::Remote)),
        Reach::Covered
    );
}

proptest! {
    #[test]
    fn covering_is_an_order(a in 0usize..5046, b in 0usize..5046, c in 0usize..5046) {
        let codes = rust_iso3166::iso3166_2::SUBDIVISION_MAP;
        let at = |n: usize| codes.keys().nth(n % codes.len()).map(|code| region(code)).unwrap();
        let (a, b, c) = (at(a), at(b), at(c));
        prop_assert!(a.covers(&a));
        prop_assert!(!(a.covers(&b) && b.covers(&a)) || a == b);
        prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in any::<String>(), lat in "[-0-9.]{0,12}", lng in "[-0-9.]{0,12}") {
        let _ = text.parse::<Region>();
        let _ = text.parse::<Cell>();
        let _ = Cell::at(&lat, &lng, 9);
    }

    #[test]
    fn every_point_has_a_place_that_survives_the_wire(lat in -90i64..=90, lng in -180i64..=180, res in COARSEST..=FINEST, radius_km: u16) {
        let cell = Cell::at(&lat.to_string(), &lng.to_string(), res).unwrap();
        let place = Place { region: region("GB-KHL"), cell: Some(cell), radius_km };
        prop_assert_eq!(decode::<Place>(&encode(&place)), Ok(place));
        let json = serde_json::to_string(&place).unwrap();
        prop_assert_eq!(serde_json::from_str::<Place>(&json).unwrap(), place);
    }

    #[test]
    fn decoded_bytes_are_a_region_or_refused(bytes: [u8; 5]) {
        if let Ok(region) = decode::<Region>(&bytes) {
            prop_assert_eq!(Region::well_formed(&region.to_string()), Some(region));
            prop_assert_eq!(encode(&region), bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn no_name_makes_the_resolver_panic(text in "\\PC{0,30}") {
        let _ = Region::resolve(&text);
    }
}
