use super::*;

#[test]
fn a_mesh_of_five_grafts_three_and_one_of_six_none() {
    for (mesh, grafts) in [(5, 3), (6, 0)] {
        let mut bench = bench(|_| {});
        let slots = bench.peers(20, true);
        // The first six were grafted when they subscribed.
        for slot in &slots[mesh..6] {
            bench.hear(*slot, prune());
        }
        let sends = bench.beat();
        assert_eq!(to(&sends, is_graft).len(), grafts);
        assert_eq!(bench.mesh().len(), mesh + grafts);
    }
}

#[test]
fn at_d_high_the_mesh_is_cut_to_d_and_who_goes_is_backed_off() {
    let mut bench = bench(|_| {});
    bench.mesh_peers(12, false);
    let pruned = to(&bench.beat(), is_prune);
    assert_eq!(pruned.len(), 4);
    assert_eq!(bench.mesh().len(), 8);
    assert_eq!(bench.hear(pruned[0], Rpc::Graft(0)), [(pruned[0], prune())]);
}

#[test]
fn below_d_high_nobody_is_pruned() {
    let mut bench = bench(|_| {});
    bench.mesh_peers(11, false);
    // There is no outbound peer to graft either.
    assert_eq!(bench.beat(), []);
    assert_eq!(bench.mesh().len(), 11);
}

#[test]
fn pruning_keeps_the_best_and_enough_outbound_peers() {
    for seed in 0..20 {
        let mut bench = bench(|_| {});
        bench.node.chance = Chance::of(seed, 0);
        let inbound = bench.mesh_peers(11, false);
        let outbound = bench.mesh_peers(2, true);
        for slot in &inbound[..4] {
            bench.node.set_application_score(bench.now, &bench.world, *slot, 30.0);
        }
        let pruned = to(&bench.beat(), is_prune);
        assert_eq!(pruned.len(), 5);
        assert!(
            pruned
                .iter()
                .all(|slot| !inbound[..4].contains(slot) && !outbound.contains(slot)),
            "{pruned:?}"
        );
    }
}

#[test]
fn too_few_outbound_peers_are_made_up_for() {
    let mut bench = bench(|_| {});
    bench.mesh_peers(7, false);
    let outbound = bench.peers(5, true);
    let grafted = to(&bench.beat(), is_graft);
    assert_eq!(grafted.len(), 2);
    assert!(grafted.iter().all(|slot| outbound.contains(slot)));
    assert_eq!(bench.beat(), []);
}

#[test]
fn a_mesh_peer_of_negative_score_is_pruned() {
    let mut bench = bench(|_| {});
    let slots = bench.mesh_peers(8, true);
    bench
        .node
        .set_application_score(bench.now, &bench.world, slots[3], -5.0);
    assert_eq!(to(&bench.beat(), is_prune), [slots[3]]);
    assert!(!bench.mesh().contains(&slots[3]));
}

#[test]
fn every_sixty_heartbeats_a_poor_mesh_takes_two_better_peers() {
    let mut bench = bench(|g| g.scoring.topic.time_in_mesh_weight = 0.0);
    bench.mesh_peers(8, true);
    let better = bench.peers(5, true);
    for slot in &better {
        bench.node.set_application_score(bench.now, &bench.world, *slot, 3.0);
    }
    assert_eq!(to(&bench.beats(59), is_graft), [0_u32; 0]);
    let grafted = to(&bench.beat(), is_graft);
    assert_eq!(grafted.len(), 2);
    assert!(grafted.iter().all(|slot| better.contains(slot)));
}

#[test]
fn a_mesh_of_a_good_median_takes_no_better_peers() {
    let mut bench = bench(|_| {});
    for slot in bench.mesh_peers(8, true) {
        bench.node.set_application_score(bench.now, &bench.world, slot, 6.0);
    }
    for slot in bench.peers(5, true) {
        bench.node.set_application_score(bench.now, &bench.world, slot, 30.0);
    }
    assert_eq!(to(&bench.beats(60), is_graft), [0_u32; 0]);
}

#[test]
fn an_unused_fanout_is_forgotten_after_its_time() {
    let mut bench = bench(|_| {});
    for slot in bench.connect(40, true) {
        bench.hear(slot, Rpc::subscribe(&[1]));
    }
    let sorted = |mut slots: Vec<u32>| {
        slots.sort_unstable();
        slots
    };
    let first = sorted(to(&bench.step(Event::Publish(300)), Rpc::is_payload));
    bench.beats(59);
    assert_eq!(sorted(to(&bench.step(Event::Publish(301)), Rpc::is_payload)), first);
    bench.beats(62);
    assert_ne!(sorted(to(&bench.step(Event::Publish(302)), Rpc::is_payload)), first);
}

#[test]
fn a_fanout_is_filled_up_when_its_peers_leave_the_topic() {
    let mut bench = bench(|_| {});
    for slot in bench.connect(40, true) {
        bench.hear(slot, Rpc::subscribe(&[1]));
    }
    let fanout = to(&bench.step(Event::Publish(300)), Rpc::is_payload);
    bench.hear(fanout[0], Rpc::unsubscribe(&[1]));
    bench.beat();
    let next = to(&bench.step(Event::Publish(301)), Rpc::is_payload);
    assert_eq!(next.len(), 8);
    assert_eq!(next.iter().filter(|slot| fanout[1..].contains(slot)).count(), 7);
}
