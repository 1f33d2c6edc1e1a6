//! The engine as a whole: the same history for any number of threads, and the figures of the real network.

use super::*;
use crate::outcome::Summary;
use crate::scenario::{Bandwidth, Churn, Latency, Nat, Partition, Phones, SlowStart};

fn small() -> Scenario {
    let mut scenario = Scenario::of(120);
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
        for threads in [2, 3, 7] {
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
