//! Each attacker does what it is for, and the same for any number of threads.

use super::*;
use crate::outcome::Summary;
use crate::scenario::{Attack, Churn, ChurnKind};

/// A network that is small and has been there for a while when something happens.
fn small(attack: Attack) -> Scenario {
    let mut scenario = Scenario::of(80);
    scenario.topology.dials = 8;
    scenario.time.warm_up_s = 12.0;
    scenario.time.cool_down_s = 5.0;
    scenario.traffic.messages = 20;
    scenario.traffic.publishers = crate::scenario::Publishers::Number(20);
    scenario.attack = vec![attack];
    scenario
}

fn attack(kind: AttackKind, count: u32, start_s: f64) -> Attack {
    Attack {
        count: Some(count),
        start_s,
        ..Attack::of(kind)
    }
}

/// Runs it for one thread and two, which must not differ.
fn outcome(scenario: &Scenario) -> Outcome {
    let one = run(scenario, 5, 1, &()).unwrap();
    let two = run(scenario, 5, 2, &()).unwrap();
    assert_eq!(one, two, "two threads");
    one
}

fn measures(scenario: &Scenario) -> std::collections::BTreeMap<String, f64> {
    outcome(scenario).measures
}

#[test]
fn sybils_take_places_in_meshes_and_pass_nothing_on() {
    let scenario = small(attack(AttackKind::Sybil, 80, 13.0));
    let outcome = outcome(&scenario);
    let measures = &outcome.measures;
    assert!(measures["attacker_mesh_share"] > 0.2, "{measures:?}");
    let payload: u64 = outcome.bytes.payload_up[80..].iter().sum();
    assert_eq!(payload, 0);
    assert_eq!(measures["calm_delivery_ratio"], 1.0);
    assert_eq!(outcome.siege[12].held, 0);
    assert!(outcome.siege[30].held > 0);
}

#[test]
fn sybils_that_drop_a_share_pass_the_rest_on() {
    let mut leaky = attack(AttackKind::Sybil, 80, 13.0);
    leaky.drops = Some(0.5);
    let sent = |outcome: &Outcome| outcome.bytes.payload_up[80..].iter().sum::<u64>();
    let half = outcome(&small(leaky.clone()));
    assert!(sent(&half) > 0);
    leaky.drops = Some(0.0);
    let none = outcome(&small(leaky.clone()));
    assert!(sent(&half) < sent(&none) * 3 / 4, "{} of {}", sent(&half), sent(&none));
    leaky.drops = Some(1.0);
    assert_eq!(sent(&outcome(&small(leaky))), 0);
}

#[test]
fn sybils_that_share_an_address_are_pruned_where_that_counts() {
    let mut shared = attack(AttackKind::Sybil, 80, 13.0);
    shared.per_address = 80;
    shared.dials = Some(40);
    let mut scenario = small(shared);
    let free = measures(&scenario);
    scenario.gossipsub.scoring.ip_colocation_factor_weight = -5.0;
    let scored = measures(&scenario);
    assert!(free["attacker_score"] > 0.0, "{free:?}");
    assert!(scored["attacker_score"] < 0.0, "{scored:?}");
    assert!(scored["attacker_mesh_share"] < free["attacker_mesh_share"] / 2.0);
}

#[test]
fn an_eclipse_takes_most_of_one_mesh_but_not_what_the_victim_dialled() {
    let mut eclipse = attack(AttackKind::Eclipse, 120, 0.0);
    eclipse.victims = Some(1);
    let mut scenario = small(eclipse);
    scenario.traffic.messages = 40;
    let measures = measures(&scenario);
    assert!(measures["victim_mesh_share_max"] > 0.5, "{measures:?}");
    assert!(measures["victim_mesh_share_max"] < 1.0, "D_out holds: {measures:?}");
    assert!(measures["victim_mesh_share"] > 4.0 * measures["attacker_mesh_share"]);
    assert!(measures["victim_delivery_ratio"] > 0.9, "{measures:?}");
}

#[test]
fn a_censor_is_silent_on_some_and_stays_in_meshes_with_a_good_score() {
    let mut censor = attack(AttackKind::Censor, 80, 0.0);
    censor.censored = Some(0.3);
    let scenario = small(censor);
    let outcome = outcome(&scenario);
    let measures = &outcome.measures;
    assert!(measures["attacker_mesh_share"] > 0.2, "{measures:?}");
    assert!(measures["attacker_score"] > 0.0, "{measures:?}");
    assert!(measures["censored_latency_p99_ms"] >= measures["uncensored_latency_p99_ms"]);
    // What nobody censors they carry like anyone.
    assert!(outcome.bytes.payload_up[80..].iter().sum::<u64>() > 0);
    let mut all = scenario.clone();
    all.attack[0].censored = None;
    let black_hole = run(&all, 5, 1, &()).unwrap();
    assert_eq!(black_hole.bytes.payload_up[80..].iter().sum::<u64>(), 0);
    assert!(black_hole.measures["attacker_mesh_share"] > 0.2);
}

#[test]
fn who_owes_deliveries_is_pushed_out_of_meshes() {
    let mut scenario = small(attack(AttackKind::Sybil, 80, 0.0));
    scenario.traffic.interval_ms = 200.0;
    scenario.traffic.messages = 100;
    let kept = run(&scenario, 5, 1, &()).unwrap().measures;
    let topic = &mut scenario.gossipsub.scoring.topic;
    topic.mesh_message_deliveries_weight = -1.0;
    topic.mesh_message_deliveries_threshold = 1.0;
    topic.mesh_message_deliveries_decay = 0.9;
    topic.mesh_message_deliveries_window_ms = 2_000.0;
    topic.mesh_failure_penalty_weight = -1.0;
    topic.mesh_failure_penalty_decay = 0.97;
    let owed = run(&scenario, 5, 1, &()).unwrap().measures;
    assert!(
        owed["attacker_mesh_share_end"] < kept["attacker_mesh_share_end"] / 2.0,
        "{owed:?} {kept:?}"
    );
}

#[test]
fn who_boots_into_the_attackers_network_has_a_worse_mesh_than_who_was_there_before() {
    let cold = measures(&small(attack(AttackKind::ColdBoot, 80, 0.0)));
    let late = run(&small(attack(AttackKind::Sybil, 80, 12.0)), 5, 1, &())
        .unwrap()
        .measures;
    assert!(
        cold["attacker_mesh_share_max"] > late["attacker_mesh_share_max"],
        "{cold:?} {late:?}"
    );
    assert!(cold["attacker_mesh_share_max"] > 0.5, "{cold:?}");
}

#[test]
fn covert_attackers_carry_messages_until_they_turn() {
    let mut covert = attack(AttackKind::CovertFlash, 80, 0.0);
    covert.covert_s = Some(22.0);
    let scenario = small(covert.clone());
    let turned = outcome(&scenario);
    assert_eq!(turned.measures["calm_delivery_ratio"], 1.0);
    let carried: u64 = turned.bytes.payload_up[80..].iter().sum();
    assert!(carried > 0);
    assert!(turned.measures["attacker_score"] > 0.0);
    // With nothing to wait for they carry nothing.
    covert.covert_s = Some(0.0);
    let at_once = run(&small(covert), 5, 1, &()).unwrap();
    assert_eq!(at_once.bytes.payload_up[80..].iter().sum::<u64>(), 0);
}

#[test]
fn attackers_at_dawn_behave_by_night_and_meet_those_that_wake() {
    let mut dawn = attack(AttackKind::Dawn, 40, 20.0);
    dawn.dials = Some(20);
    let mut scenario = small(dawn.clone());
    scenario.churn = Some(Churn {
        kind: ChurnKind::Diurnal,
        share: 0.8,
        online_s: 10.0,
        offline_s: 5.0,
        day_s: 60.0,
        night: 0.2,
        start_s: 0.0,
        ..Churn::default()
    });
    scenario.traffic.messages = 60;
    let outcome = outcome(&scenario);
    assert_eq!(outcome.measures["attack_from_s"], 45.0);
    assert!(outcome.measures["attacker_mesh_share"] > 0.2);
    let (night, morning) = (outcome.timeline[30].online, outcome.timeline[59].online);
    assert!(night < morning, "{night} {morning}");
    assert!(outcome.bytes.payload_up[80..].iter().sum::<u64>() > 0);
    scenario.churn = None;
    assert_eq!(super::dawn::turn(&scenario, &dawn), seconds(20.0));
}

#[test]
fn control_spam_costs_its_senders_their_score() {
    let mut spam = attack(AttackKind::ControlSpam, 5, 13.0);
    spam.rate_per_s = Some(100.0);
    let mut scenario = small(spam);
    let scored = outcome(&scenario);
    let graylist = scenario.gossipsub.scoring.graylist_threshold;
    assert!(
        scored.measures["attacker_score_end"] < graylist,
        "{:?}",
        scored.measures
    );
    assert_eq!(scored.measures["attack_delivery_ratio"], 1.0);
    scenario.gossipsub.scores = false;
    let free = run(&scenario, 5, 1, &()).unwrap();
    // Nobody listens any more, so nobody answers.
    assert!(scored.counters.iwant_ids < free.counters.iwant_ids);
    let quiet = run(&small(attack(AttackKind::ControlSpam, 0, 13.0)), 5, 1, &()).unwrap();
    assert!(free.counters.graft > quiet.counters.graft + 1_000);
    assert!(free.counters.ihave_ids > quiet.counters.ihave_ids + 1_000);
}

#[test]
fn forged_intents_go_no_further_than_their_first_validator() {
    let mut forgery = attack(AttackKind::Forgery, 5, 13.0);
    forgery.rate_per_s = Some(10.0);
    let mut scenario = small(forgery);
    scenario.gossipsub.validation_ms = 3.0;
    let outcome = outcome(&scenario);
    assert_eq!(outcome.measures["attack_delivery_ratio"], 1.0);
    let refused = outcome.measures["forgeries_refused"];
    assert!(refused > 0.0);
    // Ten forged messages at least come to each peer before its score is gone; five attackers have eight peers each.
    assert!(refused < 5.0 * 20.0 * 10.0, "{refused}");
    assert!(outcome.measures["attacker_score_end"] < 0.0);
    assert_eq!(outcome.measures["replays_accepted"], 0.0);
    assert!(Summary::of(&outcome).delivery_ratio <= Some(1.0));
}

#[test]
fn a_replay_is_news_again_when_the_caches_have_forgotten_it() {
    let mut forgery = attack(AttackKind::Forgery, 1, 0.0);
    forgery.rate_per_s = Some(0.5);
    let mut scenario = small(forgery);
    scenario.gossipsub.scores = false;
    scenario.gossipsub.duplicate_cache_s = 5.0;
    scenario.time.cool_down_s = 30.0;
    let outcome = outcome(&scenario);
    assert!(outcome.measures["replays_accepted"] > 70.0, "{:?}", outcome.measures);
    assert_eq!(Summary::of(&outcome).delivery_ratio, Some(1.0));
}

#[test]
fn spies_change_nothing_and_name_many() {
    let mut scenario = small(attack(AttackKind::Spies, 8, 0.0));
    scenario.traffic.publishers = crate::scenario::Publishers::All;
    scenario.traffic.messages = 40;
    let spied = outcome(&scenario);
    scenario.attack.clear();
    let free = engine::run(&scenario, 5, 1, &()).unwrap();
    assert_eq!(spied.trace, free.trace);
    assert_eq!((spied.nodes, spied.attackers), (80, 0));
    let measures = &spied.measures;
    for name in ["first_spy_recall", "bayes_mesh_best_recall", "bayes_crawl_best_recall"] {
        assert!((0.1..=1.0).contains(&measures[name]), "{name}: {measures:?}");
    }
    assert!((1.0..=72.0).contains(&measures["anonymity_set_mesh"]), "{measures:?}");
    // Who knows the meshes knows more than who knows the connections.
    assert!(measures["anonymity_set_mesh"] < measures["anonymity_set_crawl"]);
    assert!(measures.contains_key("first_spy_recall_at_0.025"), "{measures:?}");
}

#[test]
fn a_flood_tells_spies_more_than_a_mesh() {
    let mut scenario = small(attack(AttackKind::Spies, 8, 0.0));
    scenario.traffic.publishers = crate::scenario::Publishers::All;
    scenario.traffic.messages = 60;
    let mesh = run(&scenario, 5, 1, &()).unwrap().measures["first_spy_recall"];
    scenario.gossipsub.flood_publish = true;
    let flood = run(&scenario, 5, 1, &()).unwrap().measures["first_spy_recall"];
    assert!(flood > mesh, "{flood} {mesh}");
}

#[test]
fn an_attack_of_sellers_says_which_level_it_is_of() {
    for kind in [AttackKind::OfferFlood, AttackKind::BaitAndSwitch] {
        let error = run(&small(Attack::of(kind)), 5, 1, &()).unwrap_err();
        assert!(error.contains(kind.name()) && error.contains("market"), "{error}");
    }
}
