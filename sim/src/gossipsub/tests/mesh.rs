use super::*;

#[test]
fn a_graft_is_accepted_below_d_high_and_refused_at_it() {
    let mut bench = bench(|_| {});
    let slots = bench.peers(13, false);
    for (number, slot) in slots.into_iter().enumerate() {
        let sends = bench.hear(slot, Rpc::Graft(0));
        if number < 12 {
            assert_eq!(sends, []);
        } else {
            assert_eq!(sends, [(slot, prune())]);
        }
    }
    assert_eq!(bench.mesh().len(), 12);
}

#[test]
fn at_d_high_an_outbound_peer_is_still_accepted() {
    let mut bench = bench(|_| {});
    bench.mesh_peers(12, false);
    let slot = bench.peers(1, true)[0];
    assert_eq!(bench.hear(slot, Rpc::Graft(0)), []);
    assert_eq!(bench.mesh().len(), 13);
}

#[test]
fn a_graft_for_a_topic_that_we_have_not_joined_is_ignored() {
    let mut bench = bench(|_| {});
    let slot = bench.peers(1, false)[0];
    bench.hear(slot, Rpc::subscribe(&[1]));
    assert_eq!(bench.hear(slot, Rpc::Graft(1)), []);
}

#[test]
fn a_graft_for_a_topic_that_the_peer_has_not_joined_is_ignored() {
    let mut bench = bench(|_| {});
    let slot = bench.connect(1, false)[0];
    assert_eq!(bench.hear(slot, Rpc::Graft(0)), []);
    assert_eq!(bench.mesh(), [0_u32; 0]);
}

#[test]
fn a_graft_within_the_backoff_is_refused_and_costs_twice_if_it_comes_soon() {
    let mut bench = bench(|g| g.scoring.behaviour_penalty_threshold = 0.0);
    let slots = bench.peers(2, false);
    for slot in &slots {
        bench.hear(*slot, prune());
    }
    bench.now += 5 * SECOND;
    assert_eq!(bench.hear(slots[0], Rpc::Graft(0)), [(slots[0], prune())]);
    bench.now += 6 * SECOND;
    assert_eq!(bench.hear(slots[1], Rpc::Graft(0)), [(slots[1], prune())]);
    // Two at once are four when squared, by now decayed by a little.
    assert!(bench.score(slots[0]) < -30.0, "{}", bench.score(slots[0]));
    assert_eq!(bench.score(slots[1]), -10.0);
}

#[test]
fn a_refused_graft_sets_the_backoff_anew() {
    let mut bench = bench(|_| {});
    let slot = bench.peers(1, false)[0];
    bench.hear(slot, prune());
    bench.now += 59 * SECOND;
    bench.hear(slot, Rpc::Graft(0));
    bench.now += 59 * SECOND;
    assert_eq!(bench.hear(slot, Rpc::Graft(0)), [(slot, prune())]);
    bench.now += 61 * SECOND;
    assert_eq!(bench.hear(slot, Rpc::Graft(0)), []);
}

#[test]
fn a_graft_of_a_peer_of_negative_score_is_refused() {
    let mut bench = bench(|_| {});
    let slot = bench.peers(1, false)[0];
    bench.hear(slot, Rpc::unsubscribe(&[0]));
    bench.beats(130);
    bench
        .node
        .set_application_score(bench.now, &bench.world, slot, -1_000.0);
    assert_eq!(
        bench.hear(slot, Rpc::subscribe(&[0])),
        [],
        "subscriptions are heard from anyone, but not answered"
    );
    bench.node.set_application_score(bench.now, &bench.world, slot, -1.0);
    assert_eq!(bench.hear(slot, Rpc::Graft(0)), [(slot, prune())]);
}

#[test]
fn a_prune_takes_out_of_the_mesh_and_backs_off_as_long_as_it_says() {
    let mut bench = bench(|_| {});
    let slots = bench.peers(2, true);
    bench.hear(slots[0], Rpc::Prune { topic: 0, backoff_s: 5 });
    bench.hear(
        slots[1],
        Rpc::Prune {
            topic: 0,
            backoff_s: 60,
        },
    );
    assert_eq!(bench.mesh(), [0_u32; 0]);
    let grafted: Vec<u32> = (0..70).filter(|_| !to(&bench.beat(), is_graft).is_empty()).collect();
    // Five heartbeats, one of slack, and the next; the same from sixty.
    assert_eq!(grafted, [6, 61]);
}

#[test]
fn a_prune_backs_off_a_peer_that_was_not_in_the_mesh_too() {
    let mut bench = bench(|_| {});
    let slots = bench.peers(8, true);
    bench.hear(slots[7], prune());
    bench.hear(slots[7], Rpc::Graft(0));
    assert!(!bench.mesh().contains(&slots[7]));
}

#[test]
fn a_backoff_of_more_than_an_hour_is_one_of_an_hour() {
    let mut bench = bench(|g| g.scores = false);
    let slot = bench.peers(1, true)[0];
    bench.hear(
        slot,
        Rpc::Prune {
            topic: 0,
            backoff_s: u32::MAX,
        },
    );
    bench.now += 3_599 * SECOND;
    assert_eq!(bench.hear(slot, Rpc::Graft(0)), [(slot, prune())]);
    bench.now += 3_601 * SECOND;
    assert_eq!(bench.hear(slot, Rpc::Graft(0)), []);
}
