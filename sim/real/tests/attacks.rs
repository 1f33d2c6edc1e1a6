//! Attackers among real nodes: what each comes to, and that the model says the same.
#![allow(clippy::unwrap_used, reason = "a panic is how a story fails")]

mod common;

use std::collections::BTreeMap;

use common::{mean, run};
use intentcast_sim::attack;
use intentcast_sim::outcome::{Outcome, Summary};
use intentcast_sim::scenario::Scenario;

const HONEST: u32 = 60;

/// Sixty honest nodes, and thirty that come when these have their meshes.
fn besieged(kind: &str, more: &str) -> String {
    format!(
        "
        nodes = {HONEST}
        time = {{ warm_up_s = 12, cool_down_s = 5 }}
        topology = {{ dials = 8 }}
        traffic = {{ messages = 20, publishers = 20 }}
        [[attack]]
        kind = \"{kind}\"
        count = 30
        start_s = 8
        {more}
        "
    )
}

/// Payload bytes that attackers said.
fn said_by_attackers(outcome: &Outcome) -> u64 {
    outcome.bytes.payload_up[HONEST as usize..].iter().sum()
}

#[test]
fn sybils_get_into_meshes_and_pass_nothing_on_the_same_for_the_same_seed() {
    let scenario = besieged("sybil", "");
    let outcome = run("sybil", 5, &scenario, &[]);
    assert_eq!(outcome, run("sybil-again", 5, &scenario, &[]));
    assert_ne!(outcome.trace, run("sybil", 6, &scenario, &[]).trace);
    let measures = &outcome.measures;
    assert!(measures["attacker_mesh_share"] > 0.15, "{measures:?}");
    assert_eq!(outcome.siege[8].held, 0, "none is there yet");
    assert!(outcome.siege[20].held > 0);
    assert_eq!(said_by_attackers(&outcome), 0);
    assert_eq!(measures["attack_delivery_ratio"], 1.0);
    // With identify and ping on the honest side, which attackers do not speak.
    let whole = run("sybil-whole", 5, &scenario, &["--behaviours", "node"]);
    assert!(whole.measures["attacker_mesh_share"] > 0.15);
}

#[test]
fn sybils_of_one_address_are_pruned_where_that_counts() {
    let free = besieged("sybil", "per_address = 30\ndials = 30");
    let scored = format!("gossipsub = {{ scoring = {{ ip_colocation_factor_weight = -5.0 }} }}\n{free}");
    let (free, scored) = (run("shared", 1, &free, &[]), run("shared-scored", 1, &scored, &[]));
    assert!(free.measures["attacker_score"] > 0.0);
    assert!(scored.measures["attacker_score"] < 0.0, "{:?}", scored.measures);
    assert!(scored.measures["attacker_mesh_share"] < free.measures["attacker_mesh_share"] / 2.0);
}

#[test]
fn a_censor_keeps_its_place_with_a_good_score_and_passes_on_what_it_does_not_drop() {
    let outcome = run("censor", 5, &besieged("censor", "censored = 0.5"), &[]);
    let measures = &outcome.measures;
    assert!(measures["attacker_mesh_share"] > 0.15, "{measures:?}");
    assert!(measures["attacker_score"] > 0.0);
    assert_eq!(
        measures["censored_delivery_ratio"], 1.0,
        "meshes and gossip go round it"
    );
    assert!(said_by_attackers(&outcome) > 0);
    let black_hole = run("black-hole", 5, &besieged("censor", ""), &[]);
    assert_eq!(said_by_attackers(&black_hole), 0);
}

#[test]
fn forged_messages_are_refused_and_cost_their_senders_the_score() {
    let outcome = run("forgery", 5, &besieged("forgery", "rate_per_s = 4"), &[]);
    let measures = &outcome.measures;
    assert!(measures["forgeries_refused"] > 100.0, "{measures:?}");
    assert_eq!(measures["attack_delivery_ratio"], 1.0);
    // Below the graylist threshold, and so heard no more.
    assert!(measures["attacker_score_end"] < -80.0, "{measures:?}");
    assert_eq!(measures["attacker_mesh_share_end"], 0.0);
    let scores: Vec<f64> = outcome.siege.iter().map(|second| second.score).collect();
    assert!(scores[9] >= 0.0 && scores[20] < scores[12], "{scores:?}");
    // What nobody but them has is delivered to nobody.
    let numbers = outcome.messages.len() as u32;
    assert!(outcome.deliveries.message.iter().all(|message| *message < numbers));
}

#[test]
fn what_is_said_again_after_the_caches_time_is_counted_as_a_replay() {
    let short = "gossipsub = { duplicate_cache_s = 4 }\n";
    let scenario = format!("{short}{}", besieged("forgery", "rate_per_s = 1"));
    let outcome = run("replay", 2, &scenario, &[]);
    assert!(outcome.measures["replays_accepted"] > 0.0, "{:?}", outcome.measures);
    let mut heard: Vec<(u32, u32)> = (outcome.deliveries.message.iter().copied())
        .zip(outcome.deliveries.node.iter().copied())
        .collect();
    let all = heard.len();
    heard.sort_unstable();
    heard.dedup();
    assert_eq!(heard.len(), all, "each delivery counts once");
}

#[test]
fn control_spam_costs_the_score_and_nothing_else() {
    let outcome = run("spam", 5, &besieged("control_spam", "rate_per_s = 100"), &[]);
    let measures = &outcome.measures;
    assert_eq!(measures["attack_delivery_ratio"], 1.0);
    assert!(measures["attacker_score_end"] < -80.0, "{measures:?}");
    assert!(measures["attacker_sour_share"] > 0.9);
    assert!(outcome.counters.graft > 10_000);
}

#[test]
fn an_eclipse_takes_most_of_one_mesh_but_not_all() {
    let outcome = run("eclipse", 3, &besieged("eclipse", "victims = 1"), &[]);
    let measures = &outcome.measures;
    assert!(measures["victim_mesh_share_max"] > 0.4, "{measures:?}");
    assert!(measures["victim_mesh_share_max"] < 1.0, "what it dialled itself stays");
    assert_eq!(measures["victim_delivery_ratio"], 1.0);
}

#[test]
fn attackers_come_and_go_when_the_scenario_says() {
    let outcome = run("gone", 3, &besieged("sybil", "stop_s = 20"), &[]);
    let held = |second: usize| outcome.siege[second].held;
    assert!(held(8) == 0 && held(19) > 0 && held(22) == 0);
    let cold = besieged("cold_boot", "").replace("start_s = 8", "start_s = 0");
    let cold = run("cold", 3, &cold, &[]);
    let warm = run("warm", 3, &besieged("sybil", ""), &[]);
    assert!(cold.measures["attacker_mesh_share"] > 1.5 * warm.measures["attacker_mesh_share"]);
}

#[test]
fn spies_find_the_origin_more_often_where_a_publisher_tells_all_its_peers() {
    let spied = besieged("spies", "")
        .replace("start_s = 8", "")
        .replace("count = 30", "count = 6")
        .replace(
            "messages = 20, publishers = 20",
            "messages = 60, interval_ms = 300, publishers = \"all\"",
        );
    let flood = format!("gossipsub = {{ flood_publish = true }}\n{spied}");
    let recall = |name: &str, scenario: &str| run(name, 4, scenario, &[]).measures["first_spy_recall"];
    let (mesh, flood) = (recall("spies", &spied), recall("spies-flood", &flood));
    assert!(mesh > 0.0 && flood > mesh, "{mesh} {flood}");
}

/// The measures of one attack on a level, a seed each.
fn on_real(name: &str, scenario: &str, seeds: u64) -> Vec<BTreeMap<String, f64>> {
    let each = |seed| measures(&run(name, seed, scenario, &[]));
    (1..=seeds).map(each).collect()
}

fn on_model(scenario: &str, seeds: u64) -> Vec<BTreeMap<String, f64>> {
    let scenario = Scenario::parse("both", scenario)
        .map_err(|error| error.to_string())
        .unwrap();
    let each = |seed| measures(&attack::run(&scenario, seed, 1, &()).unwrap());
    (1..=seeds).map(each).collect()
}

fn measures(outcome: &Outcome) -> BTreeMap<String, f64> {
    let summary = Summary::of(outcome);
    let mut measures = outcome.measures.clone();
    measures.insert("sends_per_delivery".into(), summary.sends_per_delivery.unwrap());
    measures
}

/// That of each attack's measures the means of some seeds lie as near each other as said, in parts of the real level's.
/// The tolerances are some three standard errors of the difference at this size.
#[test]
fn the_model_says_what_the_real_nodes_say() {
    const SEEDS: u64 = 6;
    type Held = (&'static str, f64);
    let latency: Held = ("attack_latency_mean_ms", 0.04);
    let attacks: [(&str, &str, &[Held]); 5] = [
        (
            "sybil",
            "",
            &[
                latency,
                ("sends_per_delivery", 0.05),
                ("attacker_mesh_share", 0.08),
                ("attacker_score", 0.08),
            ],
        ),
        (
            "censor",
            "censored = 0.5",
            &[
                latency,
                ("sends_per_delivery", 0.05),
                ("attacker_mesh_share", 0.08),
                ("attacker_score", 0.08),
            ],
        ),
        (
            "forgery",
            "rate_per_s = 4",
            &[
                latency,
                ("forgeries_refused", 0.02),
                ("attacker_score", 0.02),
                ("attacker_score_end", 0.02),
            ],
        ),
        (
            "control_spam",
            "rate_per_s = 100",
            &[latency, ("attacker_score", 0.10), ("attacker_sour_share", 0.02)],
        ),
        (
            "eclipse",
            "victims = 1",
            &[latency, ("victim_mesh_share", 0.15), ("attacker_score", 0.10)],
        ),
    ];
    for (kind, more, held) in attacks {
        let scenario = besieged(kind, more);
        let (real, model) = (
            on_real(&format!("both-{kind}"), &scenario, SEEDS),
            on_model(&scenario, SEEDS),
        );
        let of = |level: &[BTreeMap<String, f64>], name: &str| mean(level.iter().map(|measures| measures[name]));
        for level in [&real, &model] {
            assert_eq!(of(level, "attack_delivery_ratio"), 1.0, "{kind}");
        }
        for (name, tolerance) in held {
            let (real, model) = (of(&real, name), of(&model, name));
            assert!(
                (model - real).abs() <= tolerance * real.abs(),
                "{kind}: {name} is {real} on the real level and {model} on the model"
            );
        }
    }
}
