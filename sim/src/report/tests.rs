//! Stories of results on disk.

use std::fs::{self, File};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};

use super::*;
use crate::outcome::{Besieged, Deliveries, IntentFate, MarketOutcome, NodeBytes, Published, Second};

/// Enough rows that a column's encodings are all used.
fn outcome() -> Outcome {
    let mut deliveries = Deliveries::default();
    for at in 0..30_000_u32 {
        deliveries.push(
            at / 10_000,
            at % 10_000,
            u64::from(at % 977) * 1_003_001,
            (at % 7) as u8 + 1,
        );
    }
    let message = |node| Published {
        node,
        topic: 2,
        at_ns: 60_000_000_000,
        expected: 10_000,
    };
    let fate = |first_offer_ns, surplus| IntentFate {
        first_offer_ns,
        surplus,
        ..IntentFate::default()
    };
    Outcome {
        nodes: 10_000,
        attackers: 1,
        messages: vec![message(7), message(8), message(9)],
        deliveries,
        bytes: NodeBytes {
            payload_up: vec![u64::MAX >> 2; 10_001],
            payload_down: vec![5; 10_001],
            control_up: vec![6; 10_001],
            control_down: vec![7; 10_001],
        },
        degrees: vec![8; 10_000],
        timeline: vec![Second::default(); 70],
        siege: siege(),
        measures: [("attack_from_s", 30.0), ("attack_to_s", 60.0)]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        market: Some(MarketOutcome {
            intents: vec![fate(Some(5), Some(-3)), fate(None, None)],
            ..MarketOutcome::default()
        }),
        end_ns: 70_000_000_000,
        ..Outcome::default()
    }
}

/// Attackers come at second 30 and take more of the meshes each second, at a falling score.
fn siege() -> Vec<Besieged> {
    let row = |second: u64| Besieged {
        slots: 80_000,
        held: 100 * second.saturating_sub(30),
        ties: second.saturating_sub(29),
        score: if second < 30 { 0.0 } else { -1.5 * second as f64 },
        ..Besieged::default()
    };
    (0..70).map(row).collect()
}

fn rows(file: &Path) -> Vec<Row> {
    let file = File::open(file).expect("it was written");
    let reader = SerializedFileReader::new(file).expect("it is Parquet");
    let rows = reader.get_row_iter(None).expect("it has rows");
    rows.map(|row| row.expect("each can be read")).collect()
}

#[test]
fn tables_read_back_as_they_were() {
    let place = tempfile::tempdir().expect("a place");
    let outcome = outcome();
    let directory = Directory::new(place.path().join("out"));
    directory
        .write(&Scenario::of(10_000), 3, &outcome, true)
        .expect("it can be written");

    let deliveries = rows(&directory.path().join("deliveries.parquet"));
    assert_eq!(deliveries.len(), 30_000);
    for (at, row) in deliveries.iter().enumerate() {
        assert_eq!(row.get_uint(0).ok(), Some(outcome.deliveries.message[at]));
        assert_eq!(row.get_uint(1).ok(), Some(7 + outcome.deliveries.message[at]));
        assert_eq!(row.get_uint(4).ok(), Some(outcome.deliveries.node[at]));
        assert_eq!(row.get_ulong(5).ok(), Some(outcome.deliveries.latency_ns[at]));
        assert_eq!(row.get_ubyte(6).ok(), Some(outcome.deliveries.hops[at]));
    }
    let nodes = rows(&directory.path().join("nodes.parquet"));
    assert_eq!(nodes[10_000].get_ubyte(1).ok(), Some(1));
    assert_eq!(nodes[0].get_ulong(2).ok(), Some(u64::MAX >> 2));
    let intents = rows(&directory.path().join("intents.parquet"));
    assert_eq!(intents[0].get_ulong(7).ok(), Some(5));
    assert_eq!(intents[0].get_long(9).ok(), Some(-3));
    assert!(intents[1].get_ulong(7).is_err(), "an offer that never came has no time");

    let csv = fs::read_to_string(directory.path().join("intents.csv")).expect("asked for");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[1], "0,0,0,0,0,0,0,5,,-3");
    assert_eq!(lines[2], "1,0,0,0,0,0,0,,,");
}

#[test]
fn a_later_run_in_the_same_place_leaves_nothing_of_the_one_before() {
    let place = tempfile::tempdir().expect("a place");
    let directory = Directory::new(place.path());
    fs::write(place.path().join("notes.csv"), "mine").expect("written");
    directory
        .write(&Scenario::of(10_000), 3, &outcome(), true)
        .expect("written");
    assert!(directory.is_whole() && place.path().join("intents.csv").is_file());
    let plain = Outcome {
        market: None,
        bytes: NodeBytes::default(),
        ..outcome()
    };
    directory
        .write(&Scenario::of(10_000), 4, &plain, false)
        .expect("written");
    for gone in ["intents.parquet", "intents.csv", "nodes.parquet", "deliveries.csv"] {
        assert!(!place.path().join(gone).exists(), "{gone} is of the run before");
    }
    assert!(directory.outcome().expect("read").market.is_none());
    assert!(place.path().join("notes.csv").is_file(), "a stranger's file stays");
}

#[test]
fn a_kept_scenario_takes_its_files_along() {
    let place = tempfile::tempdir().expect("a place");
    let (from, out) = (place.path().join("from"), place.path().join("out"));
    fs::create_dir(&from).expect("made");
    fs::write(
        from.join("a.toml"),
        "nodes = 5\n[topology]\nkind = \"file\"\nfile = \"edges.txt\"",
    )
    .expect("written");
    fs::write(from.join("edges.txt"), "0 1\n").expect("written");
    let scenario = Scenario::load(&from.join("a.toml")).expect("sound");
    let directory = Directory::new(&out);
    directory.write(&scenario, 3, &outcome(), false).expect("written");
    let text = fs::read_to_string(out.join("scenario.toml")).expect("written");
    assert!(!text.contains(&*place.path().to_string_lossy()), "{text}");
    fs::remove_dir_all(from).expect("removed");

    let moved = place.path().join("moved");
    fs::rename(out, &moved).expect("moved");
    let again = Scenario::load(&moved.join("scenario.toml")).expect("sound");
    let edges = again.topology.file.as_deref().expect("named");
    assert_eq!(fs::read_to_string(edges).expect("beside it"), "0 1\n");
    let hash = Directory::new(&moved).manifest().expect("written").config_sha256;
    assert_eq!(hex(&again.hash()), hash);

    // Even where it is run and written in one place.
    Directory::new(&moved)
        .write(&again, 3, &outcome(), false)
        .expect("written");
    assert_eq!(fs::read_to_string(edges).expect("still there"), "0 1\n");
    Directory::new(&moved)
        .write(&Scenario::of(5), 3, &outcome(), false)
        .expect("written");
    assert!(!Path::new(edges).exists(), "the last one names no file");
}

#[test]
fn a_summary_of_more_meshes_than_there_can_be_is_refused() {
    let place = tempfile::tempdir().expect("a place");
    let directory = Directory::new(place.path());
    let mut summary = directory
        .write(&Scenario::of(10_000), 3, &outcome(), false)
        .expect("written");
    for absurd in [vec![u64::MAX], vec![1 << 40], vec![u64::MAX, 9], vec![0; 70_000]] {
        summary.mesh_degree.histogram = absurd;
        let text = serde_json::to_vec(&summary).expect("it can be told");
        fs::write(place.path().join("summary.json"), text).expect("changed");
        assert!(
            directory
                .outcome()
                .expect_err("absurd")
                .to_string()
                .contains("histogram")
        );
    }
}

#[test]
fn a_place_that_cannot_be_written_is_told_before_the_work() {
    let place = tempfile::tempdir().expect("a place");
    let file = place.path().join("file");
    fs::write(&file, "").expect("written");
    assert!(Directory::new(file.join("out")).prepare().is_err());
    let directory = Directory::new(place.path().join("out"));
    directory.prepare().expect("it can be made");
    assert_eq!(fs::read_dir(directory.path()).expect("made").count(), 0);
}

#[test]
fn the_same_run_gives_the_same_bytes_in_every_file() {
    let place = tempfile::tempdir().expect("a place");
    let write = |name: &str| {
        let directory = Directory::new(place.path().join(name));
        let outcome = outcome();
        directory
            .write(&Scenario::of(10_000), 3, &outcome, true)
            .expect("it can be written");
        let files = fs::read_dir(directory.path()).expect("it is there");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        let bytes = files
            .iter()
            .map(|file| fs::read(file).expect("a file"))
            .collect::<Vec<_>>();
        let names = files.iter().map(|file| file.file_name().map(ToOwned::to_owned));
        names.zip(bytes).collect::<Vec<_>>()
    };
    let (one, two) = (write("one"), write("two"));
    assert_eq!(one.len(), 12);
    assert!(one == two, "a file differs");
}

#[test]
fn the_page_needs_nothing_from_elsewhere_and_shows_every_figure() {
    let outcome = outcome();
    let summary = Summary::of(&outcome);
    let run = (
        Named {
            name: "a <b>",
            outcome: &outcome,
        },
        &summary,
    );
    let html = page("a <b>", "", &[], &[run]);
    for title in ["Latency", "Hops", "Bandwidth up", "Bandwidth down", "Arrivals"] {
        assert!(html.contains(&format!(">{title}</text>")), "no figure of {title}");
    }
    assert!(html.contains(">Attackers in meshes</text>") && html.contains("<title>attack: 30 to 60</title>"));
    assert!(!html.contains("victims"), "there are none");
    assert!(!html.contains("<b>") && !html.contains("<script") && !html.contains(" src=") && !html.contains("NaN"));
    let two = page("both", "", &[], &[run, run]);
    assert!(two.contains("difference") && two.contains("+0.00 %"));
}

#[test]
fn an_attack_beside_a_calm_run_has_rows_of_its_own() {
    let attacked = Summary::of(&outcome());
    let calm = Summary {
        market: None,
        attackers: 0,
        measures: std::collections::BTreeMap::new(),
        ..attacked.clone()
    };
    let other = Summary {
        market: None,
        measures: [("attack_from_s".to_owned(), 5.0), ("victim_mesh_share".to_owned(), 0.5)].into(),
        ..attacked.clone()
    };
    let rows = beside(&[&calm, &attacked, &other]);
    let of = |name: &str| {
        rows.iter()
            .find(|(told, _)| told == name)
            .map(|(_, values)| values.clone())
    };
    assert_eq!(of("attackers"), Some(vec![None, Some(1.0), Some(1.0)]));
    assert_eq!(of("attack_from_s"), Some(vec![None, Some(30.0), Some(5.0)]));
    assert_eq!(of("attack_to_s"), Some(vec![None, Some(60.0), None]));
    assert_eq!(of("victim_mesh_share"), Some(vec![None, None, Some(0.5)]));
    assert_eq!(of("messages"), Some(vec![Some(3.0); 3]));
    assert_eq!(of("intents"), Some(vec![None, Some(2.0), None]));
    assert_eq!(of("victim_publish_ratio"), None, "nobody measured it");
}

#[test]
fn a_run_that_was_cut_short_says_so() {
    let outcome = Outcome {
        partial: true,
        ..outcome()
    };
    let summary = Summary::of(&outcome);
    let name = "half";
    let html = page(
        name,
        "",
        &[],
        &[(
            Named {
                name,
                outcome: &outcome,
            },
            &summary,
        )],
    );
    assert!(html.contains("before its time"));
}

#[test]
fn what_was_written_can_be_asked_again() {
    let place = tempfile::tempdir().expect("a place");
    let directory = Directory::new(place.path());
    let scenario = Scenario::parse("quiet.toml", "nodes = 10000").expect("sound");
    let summary = directory.write(&scenario, 3, &outcome(), false).expect("written");
    assert_eq!(directory.summary().expect("read"), summary);
    let again = directory.outcome().expect("read");
    assert_eq!(again.deliveries, outcome().deliveries);
    assert_eq!(again.siege, siege());
    assert_eq!((again.bytes, again.degrees), (outcome().bytes, outcome().degrees));
    let fates = again.market.expect("there was one").intents;
    assert_eq!((fates[0].first_offer_ns, fates[1].first_offer_ns), (Some(5), None));
    let manifest = directory.manifest().expect("read");
    assert_eq!((manifest.seed, manifest.scenario.as_str()), (3, "quiet"));
    let text = fs::read_to_string(place.path().join("scenario.toml")).expect("written");
    assert_eq!(Scenario::parse("scenario.toml", &text).expect("sound"), scenario);
    assert!(!place.path().join("deliveries.csv").exists(), "nobody asked for it");
    assert!(Directory::new(place.path().join("nowhere")).summary().is_err());
}
