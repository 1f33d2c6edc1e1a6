use super::*;

/// A node with a full mesh and peers outside it, and a message that it has accepted.
fn told() -> (Bench, Vec<u32>, Vec<u32>) {
    let mut bench = bench(|_| {});
    let mesh = bench.mesh_peers(8, true);
    let others = bench.peers(40, true);
    bench.hear(mesh[0], publish(0));
    (bench, mesh, others)
}

fn ihave(sends: &[(u32, Rpc)]) -> Vec<u32> {
    to(sends, |rpc| is_list(rpc, List::IHave))
}

#[test]
fn ihave_goes_to_a_quarter_of_the_peers_outside_the_mesh() {
    let (mut bench, mesh, _) = told();
    let told = ihave(&bench.beat());
    assert_eq!(told.len(), 10);
    assert!(told.iter().all(|slot| !mesh.contains(slot)));
}

#[test]
fn ihave_goes_to_d_lazy_peers_where_a_quarter_is_fewer() {
    let mut bench = bench(|_| {});
    let mesh = bench.mesh_peers(8, true);
    bench.peers(10, true);
    bench.hear(mesh[0], publish(0));
    assert_eq!(ihave(&bench.beat()).len(), 6);
}

#[test]
fn ihave_tells_of_a_message_for_three_heartbeats() {
    let (mut bench, ..) = told();
    for _ in 0..3 {
        assert!(!ihave(&bench.beat()).is_empty());
    }
    assert_eq!(ihave(&bench.beat()), [0_u32; 0]);
}

#[test]
fn ihave_tells_of_nothing_before_its_verdict() {
    let mut bench = bench(|g| g.validation_ms = 10.0);
    let mesh = bench.mesh_peers(8, true);
    bench.peers(10, true);
    bench.hear(mesh[0], publish(0));
    assert_eq!(bench.out.judge, [0]);
    assert_eq!(ihave(&bench.beat()), [0_u32; 0]);
    bench.step(Event::Verdict(0));
    assert_eq!(ihave(&bench.beat()).len(), 6);
}

#[test]
fn ihave_has_no_more_ids_than_the_limit_and_not_the_same_for_all() {
    let mut bench = bench(|g| g.max_ihave_length = 5);
    let mesh = bench.mesh_peers(8, true);
    bench.peers(40, true);
    for message in 0..20 {
        bench.hear(mesh[0], publish(message));
    }
    let sends = bench.beat();
    let lists: Vec<Vec<u32>> = sends
        .iter()
        .filter_map(|(_, rpc)| match rpc {
            Rpc::List(ids) if ids.list() == List::IHave => Some(ids.all().to_vec()),
            _ => None,
        })
        .collect();
    assert!(lists.iter().all(|ids| ids.len() == 5));
    assert!(lists.iter().any(|ids| *ids != lists[0]));
}

#[test]
fn ihave_goes_to_nobody_below_the_gossip_threshold() {
    let (mut bench, _, others) = told();
    for slot in &others[..30] {
        bench.node.set_application_score(bench.now, &bench.world, *slot, -21.0);
    }
    let told = ihave(&bench.beat());
    // A quarter of the ten that are left is less than six.
    assert_eq!(told.len(), 6);
    assert!(told.iter().all(|slot| others[30..].contains(slot)));
}

#[test]
fn a_fanout_tells_of_messages_too() {
    let mut bench = bench(|_| {});
    for slot in bench.connect(40, true) {
        bench.hear(slot, Rpc::subscribe(&[1]));
    }
    let fanout = to(&bench.step(Event::Publish(300)), Rpc::is_payload);
    let told = ihave(&bench.beat());
    assert_eq!(told.len(), 8);
    assert!(told.iter().all(|slot| !fanout.contains(slot)));
}

#[test]
fn iwant_asks_for_what_is_neither_seen_nor_promised() {
    let mut bench = bench(|_| {});
    let slots = bench.peers(3, true);
    bench.hear(slots[0], publish(1));
    assert_eq!(
        bench.hear(slots[1], Rpc::ihave(&[1, 2])),
        [(slots[1], Rpc::iwant(&[2]))]
    );
    assert_eq!(bench.hear(slots[2], Rpc::ihave(&[1, 2])), []);
}

#[test]
fn iwant_asks_for_nothing_of_a_topic_that_we_have_not_joined() {
    let mut bench = bench(|_| {});
    let slot = bench.peers(1, true)[0];
    assert_eq!(bench.hear(slot, Rpc::ihave(&[300])), []);
}

#[test]
fn the_eleventh_ihave_between_two_heartbeats_is_ignored() {
    let mut bench = bench(|_| {});
    let slot = bench.peers(1, true)[0];
    for message in 0..10 {
        assert_eq!(bench.hear(slot, Rpc::ihave(&[message])).len(), 1);
    }
    assert_eq!(bench.hear(slot, Rpc::ihave(&[10])), []);
    bench.beat();
    assert_eq!(bench.hear(slot, Rpc::ihave(&[10])).len(), 1);
}

#[test]
fn iwant_asks_one_peer_for_no_more_ids_than_the_limit_between_two_heartbeats() {
    let mut bench = bench(|g| g.max_ihave_length = 5);
    let slot = bench.peers(1, true)[0];
    let asked = |sends: Vec<(u32, Rpc)>| match sends.as_slice() {
        [(_, Rpc::List(ids))] => ids.all().len(),
        _ => 0,
    };
    assert_eq!(asked(bench.hear(slot, Rpc::ihave(&[0, 1, 2]))), 3);
    assert_eq!(asked(bench.hear(slot, Rpc::ihave(&[3, 4, 5]))), 2);
    assert_eq!(asked(bench.hear(slot, Rpc::ihave(&[6]))), 0);
}

#[test]
fn ihave_and_iwant_of_a_peer_below_the_gossip_threshold_are_ignored() {
    let (mut bench, _, others) = told();
    bench
        .node
        .set_application_score(bench.now, &bench.world, others[0], -21.0);
    assert_eq!(bench.hear(others[0], Rpc::ihave(&[5])), []);
    assert_eq!(bench.hear(others[0], Rpc::iwant(&[0])), []);
}

#[test]
fn iwant_is_answered_three_times_and_one_link_further() {
    let (mut bench, _, others) = told();
    for _ in 0..3 {
        let answer = Rpc::Publish { message: 0, hops: 2 };
        assert_eq!(bench.hear(others[0], Rpc::iwant(&[0])), [(others[0], answer)]);
    }
    assert_eq!(bench.hear(others[0], Rpc::iwant(&[0])), []);
    assert_eq!(bench.hear(others[1], Rpc::iwant(&[0])).len(), 1);
}

#[test]
fn iwant_is_answered_for_five_heartbeats() {
    let (mut bench, _, others) = told();
    bench.beats(4);
    assert_eq!(bench.hear(others[0], Rpc::iwant(&[0])).len(), 1);
    bench.beat();
    assert_eq!(bench.hear(others[1], Rpc::iwant(&[0])), []);
}

#[test]
fn iwant_of_a_peer_that_has_sent_idontwant_is_not_answered() {
    let (mut bench, _, others) = told();
    bench.hear(others[0], Rpc::IDontWant(0));
    assert_eq!(bench.hear(others[0], Rpc::iwant(&[0])), []);
}

#[test]
fn a_promise_that_is_not_kept_costs_and_the_message_may_be_asked_for_again() {
    let mut bench = bench(|g| g.scoring.behaviour_penalty_threshold = 0.0);
    let slots = bench.peers(2, true);
    bench.hear(slots[0], Rpc::ihave(&[5]));
    bench.beats(3);
    assert!(bench.score(slots[0]) >= 0.0);
    assert_eq!(bench.hear(slots[1], Rpc::ihave(&[5])), []);
    bench.beat();
    assert!(bench.score(slots[0]) < -5.0);
    assert_eq!(bench.hear(slots[1], Rpc::ihave(&[5])).len(), 1);
}

#[test]
fn a_promise_is_kept_by_whoever_brings_the_message() {
    let mut bench = bench(|g| g.scoring.behaviour_penalty_threshold = 0.0);
    let slots = bench.peers(2, true);
    bench.hear(slots[0], Rpc::ihave(&[5]));
    bench.hear(slots[1], publish(5));
    bench.beats(5);
    assert!(bench.score(slots[0]) >= 0.0);
}

#[test]
fn without_scores_a_broken_promise_is_never_dropped() {
    let mut bench = bench(|g| g.scores = false);
    let slots = bench.peers(2, true);
    bench.hear(slots[0], Rpc::ihave(&[5]));
    bench.beats(30);
    assert_eq!(bench.hear(slots[1], Rpc::ihave(&[5])), []);
}
