//! Stories of scenarios that are read, and of many that are not.

use super::*;

#[test]
fn nodes_are_all_that_must_be_said() {
    let scenario = Scenario::parse("quiet.toml", "nodes = 1000").expect("the least scenario");
    assert_eq!(
        scenario,
        Scenario {
            name: "quiet".into(),
            ..Scenario::of(1000)
        }
    );
}

#[test]
fn the_defaults_hold_to_their_own_rules() {
    for nodes in [1, 11, 1_000_000] {
        let mut scenario = Scenario::of(nodes);
        scenario.topology.dials = scenario.topology.dials.min(nodes - 1);
        scenario.traffic.publishers = Publishers::All;
        assert_eq!(scenario.check(), Ok(()), "{nodes} nodes");
    }
}

#[test]
fn what_is_written_reads_back_the_same() {
    let text = "nodes = 50\n[traffic]\npublishers = \"all\"\n[links]\nlatency = { log_normal = { median_ms = 60, sigma = 0.5 } }\n\
                [[attack]]\nkind = \"sybil\"\ncount = 7\n[[partition]]\nstart_s = 70\nstop_s = 80\n[churn]\n";
    let scenario = Scenario::parse("a.toml", text).expect("a sound scenario");
    assert_eq!(scenario.all_nodes(), 57);
    assert_eq!(scenario.traffic.publishers, Publishers::All);
    let again = toml::to_string(&scenario).expect("it can be written");
    assert_eq!(Scenario::parse("a.toml", &again).expect("and read"), scenario);
}

#[test]
fn a_scenario_lasts_as_long_as_its_parts() {
    let scenario = Scenario::parse("a.toml", "nodes = 50\n[traffic]\nmessages = 20\ninterval_ms = 250").expect("sound");
    assert_eq!(scenario.start_ns(), 60_000_000_000);
    assert_eq!(scenario.run_ns(), 5_000_000_000);
    assert_eq!(scenario.length_ns(), 75_000_000_000);
}

#[test]
fn names_and_seeds_do_not_change_what_an_experiment_is() {
    let one = Scenario::parse("a.toml", "nodes = 50\nseed = 3").expect("sound");
    let two = Scenario::parse("b.toml", "nodes = 50\nseed = 4\nname = \"other\"").expect("sound");
    let three = Scenario::parse("a.toml", "nodes = 51\nseed = 3").expect("sound");
    assert_eq!(one.hash(), two.hash());
    assert_ne!(one.hash(), three.hash());
}

#[test]
fn each_replicate_has_a_seed_of_its_own() {
    let seeds: std::collections::BTreeSet<u64> = (0..40)
        .flat_map(|seed| (0..25).map(move |n| derived_seed(seed, n)))
        .collect();
    assert_eq!(seeds.len(), 1_000);
    assert!(seeds.iter().all(|seed| i64::try_from(*seed).is_ok()));
}

/// What is wrong, where, of which key, and which name is offered.
#[test]
fn a_bad_scenario_is_told_line_key_and_nearest_name() {
    let bad: &[(&str, usize, &str, &str, Option<&str>)] = &[
        ("", 0, "", "missing field `nodes`", None),
        ("nodes = 0", 1, "nodes", "expected 1 to", None),
        ("nodes = -3", 1, "nodes", "invalid value", None),
        ("nodes = \"many\"", 1, "nodes", "invalid type: string \"many\"", None),
        ("nods = 5", 1, "nods", "unknown field", Some("nodes")),
        ("nodes = 5\nnodes = 6", 2, "", "duplicate key", None),
        (
            "nodes = 50\nlevel = \"reel\"",
            2,
            "level",
            "unknown variant",
            Some("real"),
        ),
        (
            "nodes = 50\n[gosipsub]\nd = 3",
            2,
            "gosipsub",
            "unknown field",
            Some("gossipsub"),
        ),
        (
            "nodes = 50\n[gossipsub]\nd_hi = 3",
            3,
            "gossipsub.d_hi",
            "unknown field",
            Some("d_high"),
        ),
        (
            "nodes = 50\n[gossipsub]\n\nd_high = 3",
            4,
            "gossipsub.d_high",
            "expected 8 to",
            None,
        ),
        (
            "nodes = 50\n[gossipsub]\nd_out = 5",
            3,
            "gossipsub.d_out",
            "expected 0 to 4",
            None,
        ),
        (
            "nodes = 50\n[gossipsub.scoring.topic]\ntopic_wait = 5",
            3,
            "gossipsub.scoring.topic.topic_wait",
            "unknown field",
            Some("topic_weight"),
        ),
        (
            "nodes = 50\n[gossipsub.scoring]\ngossip_threshold = 5",
            3,
            "gossipsub.scoring.gossip_threshold",
            "at most 0",
            None,
        ),
        (
            "nodes = 50\n[gossipsub]\nflood_publish = 1",
            3,
            "gossipsub.flood_publish",
            "expected a boolean",
            None,
        ),
        (
            "nodes = 50\n[topology]\ndials = 50",
            3,
            "topology.dials",
            "fewer than nodes (50)",
            None,
        ),
        (
            "nodes = 50\n[topology]\nkind = \"file\"",
            2,
            "topology.file",
            "needs a file",
            None,
        ),
        (
            "nodes = 50\n[topology]\nkind = \"rings\"",
            3,
            "topology.kind",
            "unknown variant",
            Some("ring"),
        ),
        (
            "nodes = 50\n[traffic]\npublishers = \"al\"",
            3,
            "traffic.publishers",
            "a number of nodes, or \"all\"",
            None,
        ),
        (
            "nodes = 50\n[traffic]\npublishers = 51",
            3,
            "traffic.publishers",
            "at most nodes (50)",
            None,
        ),
        (
            "nodes = 50\n[traffic]\nsize_bytes = 1e9",
            3,
            "traffic.size_bytes",
            "invalid type",
            None,
        ),
        (
            "nodes = 50\n[links]\nlatency = { constant = 5 }",
            3,
            "links.latency.constant",
            "unknown variant",
            Some("constant_ms"),
        ),
        ("nodes = 50\n[links]\nlatency = 5", 3, "links.latency", "", None),
        (
            "nodes = 50\n[links]\nlatency = { uniform_ms = [5, 2] }",
            3,
            "links.latency",
            "expected 5 to",
            None,
        ),
        (
            "nodes = 50\n[links]\nlatency = { constant_ms = 0 }",
            3,
            "links.latency",
            "expected 0.001",
            None,
        ),
        (
            "nodes = 50\n[links]\nlatency = { constant_ms = nan }",
            3,
            "links.latency",
            "expected 0.001",
            None,
        ),
        (
            "nodes = 50\n[links]\nloss = 1.5",
            3,
            "links.loss",
            "expected 0 to 0.9",
            None,
        ),
        (
            "nodes = 50\n[links.bandwidth]\nup_bps = 1e6",
            2,
            "links.bandwidth",
            "missing field `down_bps`",
            None,
        ),
        (
            "nodes = 50\n[churn]\nshare = 2",
            3,
            "churn.share",
            "expected 0 to 1",
            None,
        ),
        (
            "nodes = 50\n[churn]\nstop_s = 2",
            3,
            "churn.stop_s",
            "expected 60 to",
            None,
        ),
        (
            "nodes = 50\n[[partition]]\nstart_s = 5\nstop_s = 9\n[[partition]]\nstart_s = 5\nstop_s = 2",
            7,
            "partition[1].stop_s",
            "expected 5 to",
            None,
        ),
        (
            "nodes = 50\n[[partition]]\nstart_s = 5\nstop_s = 9\nregions = [\"europe\"]",
            5,
            "partition[0].regions",
            "only a latency matrix has regions",
            None,
        ),
        (
            "nodes = 50\n[[attack]]\nkind = \"sibyl\"",
            3,
            "attack.kind",
            "unknown variant",
            Some("sybil"),
        ),
        (
            "nodes = 50\n[[attack]]\nkind = \"sybil\"\nnumber = 5",
            4,
            "attack.number",
            "unknown field",
            None,
        ),
        (
            "nodes = 50\n[[attack]]\nkind = \"sybil\"\nvictims = 51",
            4,
            "attack[0].victims",
            "expected 1 to 50",
            None,
        ),
        ("nodes = 50\n[market]\n", 2, "market", "level = \"market\"", None),
        (
            "nodes = 50\nlevel = \"market\"\n[market]\ncoverage = 65",
            4,
            "market.coverage",
            "expected 1 to 64",
            None,
        ),
        (
            "nodes = 50\n[time]\nrun_s = 1e9",
            3,
            "time.run_s",
            "expected 0 to",
            None,
        ),
        (
            "nodes = 50\n[phones]\nsleep_s = 0",
            3,
            "phones.sleep_s",
            "expected 0.001",
            None,
        ),
        ("nodes = 50\n[nat\nshare = 1", 2, "", "", None),
        (
            "nodes = 50\n[gossipsub]\nqueue_length = 5",
            3,
            "gossipsub.queue_length",
            "only `level = \"real\"`",
            None,
        ),
        (
            "nodes = 50\n[gossipsub.scoring]\nslow_peer_weight = -5",
            3,
            "gossipsub.scoring.slow_peer_weight",
            "only `level = \"real\"`",
            None,
        ),
        (
            "nodes = 50\n[gossipsub]\nprune_backoff_s = 1e6",
            3,
            "gossipsub.prune_backoff_s",
            "heartbeats",
            None,
        ),
        (
            "nodes = 50\n[gossipsub.scoring]\ntopic_score_cap = nan",
            3,
            "gossipsub.scoring.topic_score_cap",
            "got NaN",
            None,
        ),
        (
            "nodes = 50\n[traffic]\ninterval_ms = 3e10",
            3,
            "traffic.interval_ms",
            "a year",
            None,
        ),
        (
            "nodes = 50\n[churn]\nfile = \"stays.csv\"",
            3,
            "churn.file",
            "kind = \"trace\"",
            None,
        ),
        (
            "nodes = 50\n[[attack]]\nkind = \"eclipse\"\ndrops = 0.5",
            4,
            "attack[0].drops",
            "is only of the kind sybil",
            None,
        ),
        (
            "nodes = 50\n[[attack]]\nkind = \"spies\"\ncount = 51",
            4,
            "attack[0].count",
            "at most all 50",
            None,
        ),
        (
            "nodes = 50\nlevel = \"market\"\n[traffic]\nmessages = 5\n[market]\n",
            3,
            "traffic",
            "what [market] tells",
            None,
        ),
        (
            "nodes = 50\nlevel = \"market\"\n[topics]\ncount = 5\n[market]\n",
            3,
            "topics",
            "the product's own",
            None,
        ),
        (
            "nodes = 50\nlevel = \"market\"\n[market]\nfile = \"wants.csv\"",
            4,
            "market.file",
            "demand = \"trace\"",
            None,
        ),
    ];
    for (text, line, key, expected, nearest) in bad {
        let error = Scenario::parse("bad.toml", text).expect_err(text);
        if *line > 0 {
            assert_eq!(
                error.at.map(|(line, _)| line),
                Some(*line),
                "line of {error} in\n{text}"
            );
        }
        assert_eq!(error.key, *key, "key of {error} in\n{text}");
        assert!(
            error.expected.contains(expected),
            "{error} does not say {expected:?} of\n{text}"
        );
        assert_eq!(error.nearest.as_deref(), *nearest, "nearest of {error} in\n{text}");
    }
}

#[test]
fn every_shipped_scenario_is_sound_and_says_what_it_shows() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(folder).expect("the folder is there").count();
    assert_eq!(files, SHIPPED.len(), "a file in scenarios/ is not shipped");
    for (name, _) in SHIPPED {
        let scenario = Scenario::shipped(name).unwrap_or_else(|error| panic!("{error}"));
        assert!(!scenario.about.is_empty(), "{name}");
        assert_eq!(scenario.name, *name);
    }
    for kind in AttackKind::ALL {
        let name = kind.name().replace('_', "-");
        let scenario = Scenario::shipped(&name).expect("each attack has a scenario");
        assert_eq!(scenario.attack[0].kind, kind);
    }
}

#[test]
fn a_misspelt_shipped_name_is_told_the_nearest() {
    let error = Scenario::shipped("busy-sunday").expect_err("there is none");
    assert_eq!(error.nearest.as_deref(), Some("busy-saturday"));
}

#[test]
fn a_file_beside_the_scenario_is_found() {
    let place = tempfile::tempdir().expect("a place");
    let edges = place.path().join("edges.txt");
    std::fs::write(&edges, "0 1\n").expect("written");
    let file = place.path().join("a.toml");
    std::fs::write(&file, "nodes = 5\n[topology]\nkind = \"file\"\nfile = \"edges.txt\"").expect("written");
    let scenario = Scenario::load(&file).expect("sound");
    assert_eq!(scenario.topology.file.as_deref(), edges.to_str());
    assert!(Scenario::load(&place.path().join("none.toml")).is_err());
}

#[test]
fn an_experiment_is_what_is_in_its_files_and_not_where_they_lie() {
    let place = tempfile::tempdir().expect("a place");
    let hash = |folder: &str, edges: &str| {
        let folder = place.path().join(folder);
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("edges.txt"), edges).expect("written");
        let file = folder.join("a.toml");
        std::fs::write(&file, "nodes = 5\n[topology]\nkind = \"file\"\nfile = \"edges.txt\"").expect("written");
        Scenario::load(&file).expect("sound").hash()
    };
    let one = hash("one", "0 1\n");
    assert_eq!(one, hash("two", "0 1\n"), "another folder");
    assert_ne!(one, hash("one", "0 2\n"), "other dials");

    let mut gone = Scenario::of(5);
    gone.topology.file = Some("/here/edges.txt".into());
    let here = gone.hash();
    gone.topology.file = Some("/there/edges.txt".into());
    assert_eq!(here, gone.hash());
    let mut shipped = Scenario::of(5);
    shipped.links.latency = Latency::Matrix("continents".into());
    assert_eq!(shipped.files().count(), 0, "a shipped table is no file");
}
