use super::*;
use crate::scenario::TopicScore;

/// All weights zero but those that `change` sets; decays of a half.
fn scored(change: impl FnOnce(&mut Gossipsub)) -> Bench {
    bench(|g| {
        g.scoring.topic = TopicScore {
            time_in_mesh_weight: 0.0,
            first_message_deliveries_weight: 0.0,
            first_message_deliveries_decay: 0.5,
            invalid_message_deliveries_weight: 0.0,
            invalid_message_deliveries_decay: 0.5,
            ..TopicScore::default()
        };
        g.scoring.behaviour_penalty_threshold = 0.0;
        change(g);
    })
}

#[test]
fn p1_grows_with_the_time_in_the_mesh_up_to_its_cap() {
    let mut bench = scored(|g| (g.scoring.topic.time_in_mesh_weight, g.scoring.topic.time_in_mesh_cap) = (2.0, 5.0));
    let slot = bench.peers(1, true)[0];
    assert_eq!(bench.score(slot), 0.0);
    bench.now += 3 * SECOND + 700 * MS;
    assert_eq!(bench.score(slot), 6.0, "counted at the decays");
    bench.now += 60 * SECOND;
    assert_eq!(bench.score(slot), 10.0);
    bench.hear(slot, prune());
    assert_eq!(bench.score(slot), 0.0);
}

#[test]
fn p2_counts_first_deliveries_and_decays_to_zero() {
    let mut bench = scored(|g| {
        g.scoring.topic.first_message_deliveries_weight = 1.0;
        g.scoring.topic.first_message_deliveries_cap = 3.0;
    });
    let slots = bench.peers(2, true);
    for message in 0..5 {
        bench.hear(slots[0], publish(message));
        bench.hear(slots[1], publish(message));
    }
    assert_eq!((bench.score(slots[0]), bench.score(slots[1])), (3.0, 0.0));
    bench.now += 2 * SECOND;
    assert_eq!(bench.score(slots[0]), 0.75);
    bench.now += 3 * SECOND;
    assert_eq!(bench.score(slots[0]), 0.0, "what is below a tenth is nothing");
}

fn owing(change: impl FnOnce(&mut Gossipsub)) -> Bench {
    scored(|g| {
        g.scoring.topic.mesh_message_deliveries_weight = -1.0;
        g.scoring.topic.mesh_message_deliveries_threshold = 4.0;
        g.scoring.topic.mesh_message_deliveries_decay = 1.0;
        change(g);
    })
}

#[test]
fn p3_costs_the_square_of_what_a_mesh_peer_owes_once_it_is_active() {
    let mut bench = owing(|_| {});
    let slots = bench.peers(2, true);
    bench.now += 5 * SECOND;
    assert_eq!(bench.score(slots[0]), 0.0, "not active for five seconds");
    bench.now += SECOND;
    assert_eq!(bench.score(slots[0]), -16.0);
    bench.hear(slots[0], publish(0));
    assert_eq!(bench.score(slots[0]), -9.0);
}

#[test]
fn p3_counts_a_copy_within_the_window_once() {
    let mut bench = owing(|_| {});
    let slots = bench.peers(3, true);
    bench.now += 10 * SECOND;
    bench.world.settings.scoring.as_mut().unwrap().rates.graylist_threshold = -1_000.0;
    bench.hear(slots[0], publish(0));
    bench.now += 10 * MS;
    bench.hear(slots[1], publish(0));
    bench.hear(slots[1], publish(0));
    bench.now += MS;
    bench.hear(slots[2], publish(0));
    assert_eq!(
        slots.iter().map(|slot| bench.score(*slot)).collect::<Vec<_>>(),
        [-9.0, -9.0, -16.0]
    );
}

#[test]
fn p3_counts_a_copy_that_comes_before_the_verdict() {
    let mut bench = owing(|g| g.validation_ms = 500.0);
    let slots = bench.peers(2, true);
    bench.now += 10 * SECOND;
    bench.world.settings.scoring.as_mut().unwrap().rates.graylist_threshold = -1_000.0;
    bench.hear(slots[0], publish(0));
    bench.hear(slots[1], publish(0));
    assert_eq!(bench.score(slots[1]), -16.0);
    bench.step(Event::Verdict(0));
    assert_eq!((bench.score(slots[0]), bench.score(slots[1])), (-9.0, -9.0));
}

#[test]
fn p3b_remembers_what_a_peer_owed_when_it_was_pruned() {
    let mut bench = owing(|g| {
        g.scoring.topic.mesh_message_deliveries_weight = 0.0;
        g.scoring.topic.mesh_failure_penalty_weight = -1.0;
    });
    let slot = bench.peers(1, true)[0];
    bench.now += 10 * SECOND;
    bench.hear(slot, prune());
    assert_eq!(bench.score(slot), -16.0);
    bench.now += SECOND;
    assert_eq!(bench.score(slot), -8.0);
}

#[test]
fn p4_costs_the_square_of_rejected_messages_for_their_bringer_and_for_later_copies() {
    let mut bench = scored(|g| g.scoring.topic.invalid_message_deliveries_weight = -2.0);
    let slots = bench.peers(2, true);
    bench.hear(slots[0], publish(200));
    bench.hear(slots[0], publish(201));
    assert_eq!(bench.score(slots[0]), -8.0);
    bench.hear(slots[1], publish(200));
    assert_eq!(bench.score(slots[1]), -2.0);
    bench.now += SECOND;
    assert_eq!(bench.score(slots[0]), -2.0);
}

#[test]
fn p4_costs_who_brought_a_copy_before_the_verdict() {
    let mut bench = scored(|g| {
        g.scoring.topic.invalid_message_deliveries_weight = -2.0;
        g.validation_ms = 50.0;
    });
    let slots = bench.peers(2, true);
    bench.hear(slots[0], publish(200));
    bench.hear(slots[1], publish(200));
    assert_eq!(bench.score(slots[1]), 0.0);
    bench.step(Event::Verdict(200));
    assert_eq!((bench.score(slots[0]), bench.score(slots[1])), (-2.0, -2.0));
}

#[test]
fn p5_is_what_the_application_says() {
    let mut bench = scored(|g| g.scoring.app_specific_weight = 3.0);
    let slot = bench.peers(1, true)[0];
    bench.node.set_application_score(bench.now, &bench.world, slot, -2.0);
    assert_eq!(bench.score(slot), -6.0);
    bench.now += 100 * SECOND;
    assert_eq!(bench.score(slot), -6.0, "it does not decay");
}

#[test]
fn p6_costs_the_square_of_the_surplus_of_one_address() {
    let mut bench = scored(|g| {
        g.scoring.ip_colocation_factor_weight = -5.0;
        g.scoring.ip_colocation_factor_threshold = 2.0;
    });
    bench.world.addresses = (0..2_000)
        .map(|id| if (1_000..1_004).contains(&id) { 77 } else { 5_000 + id })
        .collect();
    let slots = bench.connect(5, false);
    assert_eq!(
        slots.iter().map(|slot| bench.score(*slot)).collect::<Vec<_>>(),
        [-20.0, -20.0, -20.0, -20.0, 0.0]
    );
}

#[test]
fn p7_costs_the_square_above_its_threshold_and_decays() {
    let mut bench = scored(|g| {
        g.scoring.behaviour_penalty_threshold = 1.0;
        g.scoring.behaviour_penalty_decay = 0.5;
    });
    let slot = bench.peers(1, true)[0];
    bench.node.penalise(bench.now, &bench.world, slot, 1);
    assert_eq!(bench.score(slot), 0.0);
    bench.node.penalise(bench.now, &bench.world, slot, 3);
    assert_eq!(bench.score(slot), -90.0);
    bench.now += SECOND;
    assert_eq!(bench.score(slot), -10.0);
    bench.now += SECOND;
    assert_eq!(bench.score(slot), 0.0);
}

#[test]
fn a_slow_peer_pays_for_each_frame_that_found_its_queue_full() {
    let mut bench = scored(|_| {});
    let slot = bench.peers(1, true)[0];
    for _ in 0..10 {
        bench.node.peer_was_slow(bench.now, &bench.world, slot);
    }
    assert!((bench.score(slot) + 2.0).abs() < 1e-6);
}

#[test]
fn all_topics_together_earn_no_more_than_the_cap() {
    let mut bench = scored(|g| g.scoring.topic.time_in_mesh_weight = 1.0);
    let slot = bench.peers(1, true)[0];
    bench.now += 200 * SECOND;
    assert_eq!(bench.score(slot), 40.0);
}

#[test]
fn a_bad_score_is_retained_while_the_peer_is_away_and_does_not_decay() {
    let mut bench = scored(|g| {
        g.scoring.behaviour_penalty_decay = 0.5;
        g.scoring.retain_score_s = 100.0;
    });
    let slot = bench.peers(1, true)[0];
    bench.node.penalise(bench.now, &bench.world, slot, 4);
    bench.step(Event::Disconnected(slot));
    bench.now += 50 * SECOND;
    bench.step(Event::Connected { slot, outbound: false });
    assert_eq!(bench.score(slot), -160.0);
    bench.step(Event::Disconnected(slot));
    bench.now += 102 * SECOND;
    bench.step(Event::Connected { slot, outbound: false });
    assert_eq!(bench.score(slot), 0.0);
}

#[test]
fn a_good_score_is_forgotten_when_the_peer_leaves() {
    let mut bench = scored(|g| g.scoring.topic.first_message_deliveries_weight = 1.0);
    let slot = bench.peers(1, true)[0];
    bench.hear(slot, publish(0));
    bench.step(Event::Disconnected(slot));
    bench.step(Event::Connected { slot, outbound: false });
    assert_eq!(bench.score(slot), 0.0);
}

#[test]
fn without_scores_nothing_costs() {
    let mut bench = bench(|g| g.scores = false);
    let slot = bench.peers(1, true)[0];
    bench.node.penalise(bench.now, &bench.world, slot, 100);
    bench.hear(slot, publish(200));
    assert_eq!(bench.score(slot), 0.0);
}
