use super::*;

#[test]
fn a_new_peer_is_told_extensions_and_all_topics_in_one_frame() {
    let mut bench = bench(|_| {});
    bench.step(Event::Subscribe(1));
    let slot = bench.node.slot_for(bench.now, &bench.world, 7);
    let sends = bench.step(Event::Connected { slot, outbound: true });
    assert_eq!(sends, [(slot, Rpc::Extensions), (slot, Rpc::subscribe(&[0, 1]))]);
}

#[test]
fn a_subscriber_is_grafted_at_once_below_d_low_and_not_above() {
    let mut bench = bench(|_| {});
    let slots = bench.connect(8, true);
    for (number, slot) in slots.into_iter().enumerate() {
        let sends = bench.hear(slot, Rpc::subscribe(&[0]));
        let expected: &[(u32, Rpc)] = if number < 6 { &[(slot, Rpc::Graft(0))] } else { &[] };
        assert_eq!(sends, expected);
    }
    assert_eq!(bench.mesh().len(), 6);
}

#[test]
fn without_graft_on_subscribe_a_mesh_grows_at_a_heartbeat_to_d() {
    let mut bench = bench(|g| g.graft_on_subscribe = false);
    let slots = bench.connect(10, false);
    for slot in slots {
        assert_eq!(bench.hear(slot, Rpc::subscribe(&[0])), []);
    }
    bench.beat();
    assert_eq!(bench.mesh().len(), 8);
}

#[test]
fn a_subscriber_that_is_backed_off_is_not_grafted() {
    let mut bench = bench(|_| {});
    let slot = bench.peers(1, true)[0];
    bench.hear(slot, prune());
    bench.step(Event::Disconnected(slot));
    assert_eq!(
        bench.node.slot_for(bench.now, &bench.world, 1_000),
        slot,
        "it is still remembered"
    );
    bench.step(Event::Connected { slot, outbound: true });
    assert_eq!(bench.hear(slot, Rpc::subscribe(&[0])), []);
}

#[test]
fn a_peer_that_leaves_the_topic_leaves_the_mesh_and_is_backed_off() {
    let mut bench = bench(|_| {});
    let slot = bench.peers(1, true)[0];
    assert_eq!(bench.hear(slot, Rpc::unsubscribe(&[0])), []);
    assert_eq!(bench.mesh(), [0_u32; 0]);
    assert_eq!(bench.hear(slot, Rpc::subscribe(&[0])), [], "not grafted again");
}

#[test]
fn a_peer_that_disconnects_leaves_the_mesh_with_no_prune_and_no_backoff() {
    let mut bench = bench(|_| {});
    let slot = bench.peers(1, true)[0];
    assert_eq!(bench.step(Event::Disconnected(slot)), []);
    assert_eq!(bench.mesh(), [0_u32; 0]);
    bench.step(Event::Connected { slot, outbound: true });
    assert_eq!(bench.hear(slot, Rpc::subscribe(&[0])), [(slot, Rpc::Graft(0))]);
}

#[test]
fn joining_tells_all_peers_and_grafts_d_of_the_topic() {
    let mut bench = bench(|_| {});
    let slots = bench.connect(12, true);
    for slot in &slots {
        bench.hear(*slot, Rpc::subscribe(&[1]));
    }
    let sends = bench.step(Event::Subscribe(1));
    assert_eq!(to(&sends, |rpc| is_list(rpc, List::Subscribe)).len(), 12);
    assert_eq!(to(&sends, is_graft).len(), 8);
    assert_eq!(bench.step(Event::Subscribe(1)), [], "only once");
}

#[test]
fn joining_takes_the_fanout_first() {
    let mut bench = bench(|_| {});
    for slot in bench.connect(30, true) {
        bench.hear(slot, Rpc::subscribe(&[1]));
    }
    let fanout = to(&bench.step(Event::Publish(300)), Rpc::is_payload);
    assert_eq!(fanout.len(), 8);
    let mut grafted = to(&bench.step(Event::Subscribe(1)), is_graft);
    grafted.sort_unstable();
    let mut fanout = fanout;
    fanout.sort_unstable();
    assert_eq!(grafted, fanout);
}

#[test]
fn leaving_prunes_the_mesh_with_the_shorter_backoff() {
    let mut bench = bench(|_| {});
    let slots = bench.peers(3, true);
    let sends = bench.step(Event::Unsubscribe(0));
    assert_eq!(to(&sends, |rpc| is_list(rpc, List::Unsubscribe)), slots);
    let short = Rpc::Prune {
        topic: 0,
        backoff_s: 10,
    };
    assert_eq!(to(&sends, |rpc| *rpc == short), slots);
    assert_eq!(bench.node.joined(), [0_u32; 0]);
}
