//! The engine as a whole: the same history for any number of threads, and the figures of the real network.

use super::*;
use crate::outcome::Summary;
use crate::scenario::{Bandwidth, Churn, DialOrder, Latency, Nat, Partition, Phones, SlowStart};

fn small() -> Scenario {
    let mut scenario = Scenario::of(80);
    scenario.topology.dials = 8;
    scenario.time.warm_up_s = 12.0;
    scenario.time.cool_down_s = 5.0;
    scenario.traffic.messages = 12;
    scenario
}

fn summary(scenario: &Scenario) -> Summary {
    Summary::of(&run(scenario, 5, 1, &()).unwrap())
}

#[test]
fn a_node_in_the_midst_of_gossip_takes_under_three_kilobytes() {
    let mut scenario = Scenario::of(500);
    scenario.time.warm_up_s = 15.0;
    scenario.traffic.messages = 10;
    let plan = Plan::of(&scenario, 5).unwrap();
    let mut parts = parts(&plan, 2, &|_| None);
    // Half a second after the last message, when most is remembered.
    let end = plan.published[9].at_ns + 500_000_000;
    threads::run(&mut parts, end, &());
    let nodes = parts.iter().flat_map(|part| &part.hosts);
    let bytes = nodes.map(Host::memory).sum::<usize>() / 500;
    println!("{bytes} bytes a node, of which the host is {}", size_of::<Host>());
    assert!((500..3_000).contains(&bytes), "{bytes}");
}

#[test]
fn any_number_of_threads_gives_the_same_outcome_to_the_byte() {
    let mut stormy = small();
    stormy.links.latency = Latency::UniformMs([20.0, 180.0]);
    stormy.links.jitter = 0.2;
    stormy.links.loss = 0.01;
    stormy.links.bandwidth = Some(Bandwidth {
        up_bps: 2e6,
        down_bps: 4e6,
    });
    stormy.links.slow_start = Some(SlowStart::default());
    stormy.gossipsub.validation_ms = 3.0;
    stormy.topics.count = 4;
    stormy.topics.joined = 2;
    stormy.churn = Some(Churn {
        online_s: 8.0,
        offline_s: 4.0,
        start_s: 5.0,
        ..Churn::default()
    });
    stormy.nat = Some(Nat::default());
    stormy.phones = Some(Phones {
        share: 0.1,
        sleep_s: 10.0,
        awake_s: 5.0,
        bandwidth_bps: Some(1e6),
    });
    stormy.partition = vec![Partition {
        start_s: 14.0,
        stop_s: 17.0,
        share: 0.3,
        regions: Vec::new(),
    }];
    for scenario in [small(), stormy] {
        let one = run(&scenario, 5, 1, &()).unwrap();
        assert!(!one.deliveries.is_empty());
        for threads in [2, 7] {
            assert_eq!(run(&scenario, 5, threads, &()).unwrap(), one, "{threads} threads");
        }
        assert_ne!(run(&scenario, 6, 1, &()).unwrap().trace, one.trace);
    }
}

#[test]
fn everyone_hears_everything_on_a_quiet_network() {
    let summary = summary(&small());
    assert_eq!(summary.delivery_ratio, Some(1.0));
    assert_eq!(summary.messages, 12);
}

#[test]
fn an_ended_run_keeps_what_there_is_and_says_so() {
    struct Impatient;
    impl Progress for Impatient {
        fn stop(&self) -> bool {
            true
        }
    }
    for threads in [1, 2] {
        let outcome = run(&small(), 5, threads, &Impatient).unwrap();
        assert!(outcome.partial);
        assert!(outcome.messages.is_empty());
    }
}

/// 1,000 nodes as the outside witnesses ran them, with fewer messages.
fn witness(order: DialOrder) -> Scenario {
    let mut scenario = Scenario::of(1_000);
    (scenario.topology.dials, scenario.topology.order) = (20, order);
    (scenario.gossipsub.scores, scenario.gossipsub.d_out) = (false, 2);
    scenario.gossipsub.idontwant_threshold_bytes = 0;
    scenario.time.warm_up_s = 9.0;
    scenario.traffic.messages = 4;
    scenario
}

#[test]
fn a_thousand_nodes_come_to_the_figures_of_the_real_ones() {
    let summary = summary(&witness(DialOrder::Descending));
    let near = |value: Option<f64>, expected: f64, within: f64| {
        let value = value.expect("there were deliveries");
        assert!((value - expected).abs() <= within, "{value} for {expected}");
    };
    assert_eq!(summary.delivery_ratio, Some(1.0));
    near(summary.mesh_degree.mean, 8.07, 0.16);
    near(summary.sends_per_delivery, 7.09, 0.3);
    near(summary.latency.mean_ms, 354.0, 12.0);
    near(summary.latency.p50_ms, 400.0, 0.0);
    near(summary.latency.p99_ms, 500.0, 0.0);
    for (share, expected) in summary.hop_shares.iter().zip([0.008, 0.057, 0.325, 0.579, 0.031]) {
        near(Some(*share), expected, 0.04);
    }
}

#[test]
fn the_order_of_dials_decides_how_large_meshes_become() {
    let mut scenario = witness(DialOrder::Drawn);
    scenario.traffic.messages = 0;
    let degree = summary(&scenario).mesh_degree.mean.expect("there are meshes");
    // The real swarm in virtual time came to 6.98, and to 8.02 from the highest number down.
    assert!((degree - 6.98).abs() < 0.1, "{degree}");
}

#[test]
fn nodes_that_come_back_hear_again() {
    let mut scenario = small();
    scenario.churn = Some(Churn {
        share: 0.5,
        online_s: 10.0,
        offline_s: 2.0,
        start_s: 3.0,
        stop_s: Some(10.0),
        ..Churn::default()
    });
    scenario.time.warm_up_s = 30.0;
    assert_eq!(summary(&scenario).delivery_ratio, Some(1.0));
}

#[test]
fn a_parted_network_hears_half_and_all_again_once_it_is_whole() {
    let mut scenario = small();
    scenario.partition = vec![Partition {
        start_s: 11.0,
        stop_s: 25.0,
        share: 0.5,
        regions: Vec::new(),
    }];
    let parted = summary(&scenario).delivery_ratio.expect("there are messages");
    assert!((0.3..0.7).contains(&parted), "{parted}");
    scenario.time.warm_up_s = 45.0;
    assert_eq!(summary(&scenario).delivery_ratio, Some(1.0));
}

#[test]
fn what_comes_slowly_comes_all_the_same() {
    let mut scenario = small();
    scenario.traffic.size_bytes = 20_000;
    let quick = summary(&scenario).latency.p50_ms.expect("there are messages");
    scenario.links.bandwidth = Some(Bandwidth {
        up_bps: 2e6,
        down_bps: 4e6,
    });
    let slow = summary(&scenario);
    assert_eq!(slow.delivery_ratio, Some(1.0));
    assert!(slow.latency.p50_ms.expect("there are messages") > quick + 80.0);
}

#[test]
fn links_that_are_never_full_form_the_meshes_that_links_without_limits_do() {
    let mut scenario = small();
    scenario.links.latency = Latency::UniformMs([20.0, 180.0]);
    let unlimited = summary(&scenario);
    scenario.links.bandwidth = Some(Bandwidth {
        up_bps: 1e12,
        down_bps: 1e12,
    });
    let wide = summary(&scenario);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 0.01 * b, "{a} {b}");
    near(
        wide.mesh_degree.mean.expect("there are meshes"),
        unlimited.mesh_degree.mean.expect("there are meshes"),
    );
    near(
        wide.latency.p50_ms.expect("there are messages"),
        unlimited.latency.p50_ms.expect("there are messages"),
    );
}

/// Each connection of libp2p is written by a task of its own (`libp2p-swarm`, `connection/pool/task.rs`).
#[test]
fn on_a_narrow_uplink_what_is_urgent_waits_behind_copies_on_other_connections() {
    let sends = |validation_ms| {
        let mut scenario = small();
        scenario.traffic.size_bytes = 30_000;
        scenario.links.latency = Latency::UniformMs([20.0, 180.0]);
        scenario.links.bandwidth = Some(Bandwidth {
            up_bps: 20e6,
            down_bps: 50e6,
        });
        scenario.gossipsub.validation_ms = validation_ms;
        summary(&scenario).sends_per_delivery.expect("there are messages")
    };
    // Where copies leave at the instant at which IDONTWANT does, most IDONTWANTs are behind some and come too late.
    let (at_once, later) = (sends(0.0), sends(0.01));
    assert!(at_once > 1.04 * later, "{at_once} {later}");
}

#[test]
fn who_only_publishes_is_heard_by_its_fanout() {
    let mut scenario = small();
    scenario.topics.listeners = 0.5;
    scenario.traffic.publishers = crate::scenario::Publishers::Number(20);
    let summary = summary(&scenario);
    assert_eq!(summary.delivery_ratio, Some(1.0));
}

#[test]
fn a_conduct_sees_and_changes_what_its_node_does() {
    struct Silent;
    impl Conduct for Silent {
        fn acts(
            &mut self,
            _now: u64,
            _world: &crate::gossipsub::World,
            _node: &mut crate::gossipsub::Node,
            _event: &crate::gossipsub::Event,
            actions: &mut crate::gossipsub::Actions,
        ) {
            actions.sends.retain(|(_, rpc)| !rpc.is_payload());
        }
    }
    let silent = |_: u32| -> Option<Box<dyn Conduct>> { Some(Box::new(Silent)) };
    let outcome = run_with(&small(), 5, 2, &(), &silent).unwrap();
    assert_eq!(outcome.counters.payload_sends, 0);
    assert!(outcome.deliveries.is_empty() && outcome.counters.graft > 0);
}
