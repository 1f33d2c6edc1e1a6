use super::*;

#[test]
fn a_message_goes_to_the_mesh_but_not_back() {
    let mut bench = bench(|_| {});
    let mesh = bench.mesh_peers(8, true);
    bench.peers(10, true);
    let sends = bench.hear(mesh[2], publish(100));
    let mut expected = mesh.clone();
    expected.remove(2);
    assert_eq!(
        to(&sends, |rpc| *rpc == Rpc::Publish { message: 100, hops: 2 }),
        expected
    );
    assert_eq!(bench.out.delivered, [(100, 1)]);
}

#[test]
fn a_copy_of_a_known_message_goes_nowhere() {
    let mut bench = bench(|_| {});
    let mesh = bench.mesh_peers(8, true);
    bench.hear(mesh[2], publish(100));
    assert_eq!(bench.hear(mesh[3], publish(100)), []);
    assert_eq!((bench.out.delivered.len(), bench.out.duplicates), (1, 1));
}

#[test]
fn an_id_is_remembered_for_the_caches_time() {
    let mut bench = bench(|g| g.duplicate_cache_s = 30.0);
    let slot = bench.peers(1, true)[0];
    bench.hear(slot, publish(100));
    bench.beats(29);
    bench.hear(slot, publish(100));
    assert_eq!(bench.out.delivered.len(), 1);
    bench.beats(2);
    bench.hear(slot, publish(100));
    assert_eq!(bench.out.delivered.len(), 2);
}

#[test]
fn a_large_message_is_announced_to_the_mesh_before_it_is_passed_on() {
    let mut bench = bench(|_| {});
    let mesh = bench.mesh_peers(8, true);
    let sends = bench.hear(mesh[0], publish(0));
    assert_eq!(to(&sends[..7], |rpc| *rpc == Rpc::IDontWant(0)), mesh[1..]);
    assert!(sends[7..].iter().all(|(_, rpc)| rpc.is_payload()));
    assert_eq!(bench.hear(mesh[1], publish(0)), [], "only when it is new");
}

#[test]
fn a_large_message_is_announced_before_its_verdict() {
    let mut bench = bench(|g| g.validation_ms = 50.0);
    let mesh = bench.mesh_peers(8, true);
    let sends = bench.hear(mesh[0], publish(0));
    assert_eq!(to(&sends, |rpc| *rpc == Rpc::IDontWant(0)), mesh[1..]);
    assert_eq!(sends.len(), 7);
}

#[test]
fn a_small_message_is_not_announced_and_none_is_where_it_is_switched_off() {
    let mut bench1 = bench(|_| {});
    let mesh = bench1.mesh_peers(8, true);
    assert!(
        bench1
            .hear(mesh[0], publish(100))
            .iter()
            .all(|(_, rpc)| rpc.is_payload())
    );
    let mut bench2 = bench(|g| g.idontwant_threshold_bytes = 0);
    let mesh = bench2.mesh_peers(8, true);
    assert!(bench2.hear(mesh[0], publish(0)).iter().all(|(_, rpc)| rpc.is_payload()));
}

#[test]
fn a_large_message_is_announced_to_who_promised_it_as_well() {
    let mut bench = bench(|_| {});
    let mesh = bench.mesh_peers(8, true);
    let other = bench.peers(1, true)[0];
    bench.hear(other, Rpc::ihave(&[0]));
    let sends = bench.hear(mesh[0], publish(0));
    assert!(to(&sends, |rpc| *rpc == Rpc::IDontWant(0)).contains(&other));
}

#[test]
fn a_peer_that_wants_no_copy_gets_none_for_three_seconds() {
    let mut bench = bench(|g| g.validation_ms = 50.0);
    let mesh = bench.mesh_peers(8, true);
    bench.hear(mesh[3], Rpc::IDontWant(0));
    bench.hear(mesh[4], Rpc::IDontWant(1));
    bench.hear(mesh[0], publish(0));
    let sends = bench.step(Event::Verdict(0));
    assert!(!to(&sends, Rpc::is_payload).contains(&mesh[3]));
    bench.beats(5);
    bench.hear(mesh[0], publish(1));
    let sends = bench.step(Event::Verdict(1));
    assert!(to(&sends, Rpc::is_payload).contains(&mesh[4]));
}

#[test]
fn who_brings_a_copy_before_the_verdict_gets_none() {
    let mut bench = bench(|g| g.validation_ms = 50.0);
    let mesh = bench.mesh_peers(8, true);
    bench.hear(mesh[0], publish(100));
    bench.hear(mesh[5], publish(100));
    let sends = bench.step(Event::Verdict(100));
    assert_eq!(
        to(&sends, Rpc::is_payload),
        [mesh[1], mesh[2], mesh[3], mesh[4], mesh[6], mesh[7]]
    );
}

#[test]
fn a_verdict_that_comes_after_the_cache_has_let_go_comes_too_late() {
    let mut bench = bench(|g| g.validation_ms = 50.0);
    let mesh = bench.mesh_peers(8, true);
    bench.hear(mesh[0], publish(100));
    bench.beats(5);
    assert_eq!(bench.step(Event::Verdict(100)), []);
}

#[test]
fn a_rejected_message_goes_nowhere_and_is_not_told_of() {
    let mut bench = bench(|_| {});
    let mesh = bench.mesh_peers(8, true);
    bench.peers(10, true);
    let sends = bench.hear(mesh[0], publish(200));
    assert!(!sends.iter().any(|(_, rpc)| rpc.is_payload()));
    assert_eq!(bench.out.rejected, 1);
    assert!(!bench.beat().iter().any(|(_, rpc)| is_list(rpc, List::IHave)));
}

#[test]
fn an_own_message_goes_to_the_mesh_and_to_others_up_to_d() {
    let mut bench = bench(|_| {});
    let slots = bench.peers(20, true);
    let sends = bench.step(Event::Publish(0));
    let heard = to(&sends, |rpc| *rpc == publish(0));
    assert_eq!(heard.len(), 8);
    // Six were grafted when they subscribed.
    assert!(slots[..6].iter().all(|slot| heard.contains(slot)));
    assert_eq!(bench.step(Event::Publish(0)), [], "only once");
}

#[test]
fn a_large_mesh_gets_an_own_message_as_a_whole_and_nobody_else() {
    let mut bench = bench(|_| {});
    let mesh = bench.mesh_peers(11, true);
    bench.peers(5, true);
    assert_eq!(to(&bench.step(Event::Publish(0)), Rpc::is_payload), mesh);
}

#[test]
fn flood_publish_sends_an_own_message_to_all_of_the_topic() {
    let mut bench = bench(|g| g.flood_publish = true);
    bench.peers(20, true);
    bench.connect(3, true);
    assert_eq!(to(&bench.step(Event::Publish(0)), Rpc::is_payload).len(), 20);
}

#[test]
fn an_own_message_goes_to_nobody_below_the_publish_threshold() {
    for flood in [true, false] {
        let mut bench = bench(|g| g.flood_publish = flood);
        let slots = bench.peers(7, true);
        bench
            .node
            .set_application_score(bench.now, &bench.world, slots[0], -51.0);
        assert_eq!(to(&bench.step(Event::Publish(0)), Rpc::is_payload), slots[1..]);
    }
}

#[test]
fn an_own_message_that_nobody_listens_to_is_not_remembered() {
    let mut bench = bench(|_| {});
    assert_eq!(bench.step(Event::Publish(0)), []);
    assert_eq!(bench.out.unheard, 1);
    let slot = bench.peers(1, true)[0];
    assert_eq!(to(&bench.step(Event::Publish(0)), Rpc::is_payload), [slot]);
}

#[test]
fn an_own_message_is_announced_where_that_is_switched_on() {
    let mut bench = bench(|g| g.idontwant_on_publish = true);
    let slot = bench.peers(1, true)[0];
    assert_eq!(
        bench.step(Event::Publish(0)),
        [(slot, Rpc::IDontWant(0)), (slot, publish(0))]
    );
}

#[test]
fn nothing_is_heard_from_a_peer_below_the_graylist_threshold_but_its_subscriptions() {
    let mut bench = bench(|_| {});
    let slots = bench.peers(8, true);
    bench
        .node
        .set_application_score(bench.now, &bench.world, slots[7], -81.0);
    bench.hear(slots[7], publish(0));
    assert_eq!(bench.out.delivered, []);
    bench.hear(slots[7], Rpc::subscribe(&[1]));
    bench.node.set_application_score(bench.now, &bench.world, slots[7], 0.0);
    assert_eq!(to(&bench.step(Event::Publish(300)), Rpc::is_payload), [slots[7]]);
}

#[test]
fn an_own_message_has_no_source_to_pay_or_thank() {
    let mut bench = bench(|_| {});
    let slot = bench.peers(1, true)[0];
    bench.step(Event::Publish(0));
    bench.hear(slot, publish(0));
    assert_eq!(bench.score(slot), 0.0);
    assert_eq!(NOBODY, u32::MAX);
}
