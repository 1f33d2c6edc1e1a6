//! Scenarios that become hosts, and what of them does not.

use super::*;

fn scenario(text: &str) -> Scenario {
    Scenario::parse("a.toml", text).expect("sound")
}

#[test]
fn every_node_is_a_host_and_every_message_a_process() {
    let text = "nodes = 20\n[traffic]\nmessages = 5\n[links]\nlatency = { constant_ms = 100 }\nbandwidth = { up_bps = 1e6, down_bps = 2e6 }";
    let exported = export(&scenario(text), 3, "/usr/bin/intentcast").expect("it can be said");
    let config = &exported.config;
    assert_eq!(config.matches("network_node_id:").count(), 21);
    assert_eq!(config.matches(" cast ").count(), 5);
    assert_eq!(config.matches("edge [").count(), 1);
    assert!(config.contains("latency \"100000 us\"") && config.contains("host_bandwidth_up \"1000000 bit\""));
    assert!(config.contains("/p2p/12D3KooW"));
    assert_eq!(
        export(&scenario(text), 3, "/usr/bin/intentcast").expect("again").config,
        *config
    );
}

#[test]
fn pairs_are_as_far_apart_as_in_the_scenario() {
    let drawn = scenario("nodes = 20\n[links]\nlatency = { uniform_ms = [10, 90] }");
    let exported = export(&drawn, 3, "intentcast").expect("it can be said");
    assert_eq!(exported.config.matches("edge [").count(), 20 * 21 / 2);
    let links = Links::of(&drawn, 3).expect("no file");
    assert!(
        exported
            .config
            .contains(&format!("latency \"{} us\"", links.delay(4, 7) / 1_000))
    );
    let regions = scenario("nodes = 200\n[links]\nlatency = { matrix = \"continents\" }");
    let exported = export(&regions, 3, "intentcast").expect("it can be said");
    assert!(exported.config.matches("edge [").count() <= 55);
}

/// Who casts at which millisecond, in the order of the hosts.
fn casts(exported: &Exported) -> Vec<(u32, u64)> {
    let mut casts = Vec::new();
    for host in exported.config.split("\n  node").skip(1) {
        let (node, rest) = host.split_once(':').expect("a name");
        for cast in rest.split(" cast ").skip(1) {
            let at = cast.split("start_time: \"").nth(1).and_then(|at| at.split(' ').next());
            let at = at.and_then(|at| at.parse().ok()).expect("a time");
            casts.push((node.parse().expect("a number"), at));
        }
    }
    casts
}

#[test]
fn messages_are_said_by_whom_and_when_a_run_says_them() {
    let text = "nodes = 20\n[traffic]\nmessages = 12\npublishers = 3\ntiming = \"poisson\"";
    let scenario = scenario(text);
    let mut said = casts(&export(&scenario, 3, "intentcast").expect("it can be said"));
    said.sort_unstable_by_key(|(_, at)| *at);
    let plan = Plan::of(&scenario, 3).expect("no file");
    let drawn = plan
        .published
        .iter()
        .map(|message| (message.node, (message.at_ns as f64 / 1e6).round() as u64));
    assert_eq!(said, drawn.collect::<Vec<_>>());
    let gaps: std::collections::BTreeSet<u64> = said.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    assert!(gaps.len() > 5, "chance has no beat: {gaps:?}");
}

#[test]
fn listeners_sell_and_others_do_not() {
    let some = scenario("nodes = 400\n[topics]\nlisteners = 0.3\nbackbone = 1");
    let exported = export(&some, 3, "intentcast").expect("it can be said");
    let sellers = exported.config.matches("--catalog").count();
    assert!((90..150).contains(&sellers), "{sellers}");
}

#[test]
fn a_market_is_as_many_wants_by_chance_and_as_many_sellers() {
    let text = "level = \"market\"\nnodes = 30\n[time]\ncool_down_s = 50\n[market]\nintents = 6\ninterval_ms = 20000\nsellers = 0.4\n\
                budget = 20050\nprice = 9900\npieces = 7\nopen_s = 600";
    let exported = export(&scenario(text), 3, "intentcast").expect("it can be said");
    let mut wants = casts(&exported);
    assert_eq!(wants.len(), 6);
    assert!(wants.iter().all(|(node, _)| (12..30).contains(node)), "{wants:?}");
    assert_eq!(exported.config.matches("--catalog").count(), 12);
    assert!(
        exported
            .config
            .contains("--budget 200.50GBP --offers-due 600s --offers-per-seller 1")
    );
    assert!(exported.catalogue.contains(",99.00,GBP,7") && exported.rules.contains("\"0.00 GBP\""));
    wants.sort_unstable_by_key(|(_, at)| *at);
    let last = wants.last().expect("six").1;
    let stop = exported.config.split("stop_time: \"").nth(1).expect("an end");
    let stop: u64 = stop.split(' ').next().expect("a number").parse().expect("a number");
    assert!(stop >= last + 50_000, "{stop} {last}");
    let told = exported.left_out.join("; ");
    for word in ["drawn anew", "categories", "acceptances", "spread", "stock"] {
        assert!(told.contains(word), "{told}");
    }
    assert!(!told.contains("size_bytes"), "{told}");
}

#[test]
fn wants_come_at_the_mean_distance_and_in_a_diurnal_market_at_noon() {
    let text = "level = \"market\"\nnodes = 30\n[market]\nintents = 2000\ninterval_ms = 1000\nday_s = 500";
    let even = scenario(text);
    let swinging = scenario(&format!("{text}\ndemand = \"diurnal\""));
    for (scenario, at_noon) in [(even, 0.5), (swinging, 0.5 + std::f64::consts::FRAC_1_PI)] {
        let wants = casts(&export(&scenario, 3, "intentcast").expect("it can be said"));
        let last = wants.iter().map(|(_, at)| at - 60_000).max().expect("two thousand");
        assert!((1_800_000..2_200_000).contains(&last), "{last}");
        let noon = wants
            .iter()
            .filter(|(_, at)| (125_000..375_000).contains(&((at - 60_000) % 500_000)))
            .count();
        assert!((noon as f64 / 2_000.0 - at_noon).abs() < 0.04, "{noon}");
    }
}

#[test]
fn wants_of_a_trace_are_refused() {
    let text = "level = \"market\"\nnodes = 30\n[market]\ndemand = \"trace\"\nfile = \"wants.csv\"";
    let error = export(&scenario(text), 3, "intentcast").expect_err("what is wanted cannot be said");
    assert!(error.contains("market.demand"), "{error}");
}

#[test]
fn a_program_stays_on_its_line() {
    let exported = export(&scenario("nodes = 20"), 3, "a\nhosts:\u{2028}\u{85}\"\\\t").expect("it can be said");
    assert!(
        exported
            .config
            .contains(r#"path: "a\u000ahosts:\u2028\u0085\"\\\u0009""#)
    );
    assert_eq!(exported.config.matches("\nhosts:").count(), 1);
    let mut named = scenario("nodes = 20");
    named.name = "one\ntwo: \u{1b}".to_owned();
    let exported = export(&named, 3, "intentcast").expect("it can be said");
    assert!(exported.config.starts_with("# one\\ntwo: \\u{1b} with seed 3"));
}

#[test]
fn what_is_left_out_is_told() {
    let text = "nodes = 300\n[links]\njitter = 0.1\nlatency = { uniform_ms = [10, 90] }\n[churn]\n[topics]\ncount = 3\n[[attack]]\nkind = \"sybil\"";
    let told = export(&scenario(text), 3, "intentcast")
        .expect("it can be said")
        .left_out
        .join("; ");
    for word in [
        "dials",
        "jitter",
        "churn",
        "attackers",
        "256 places",
        "size_bytes",
        "topics",
    ] {
        assert!(told.contains(word), "{told}");
    }
}
