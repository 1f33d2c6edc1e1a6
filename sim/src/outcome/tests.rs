//! Stories of small runs whose figures can be told by hand.

use super::*;

/// Two messages among five nodes: one heard by all four others, one by three of them.
fn small() -> Outcome {
    let mut deliveries = Deliveries::default();
    for (message, node, ms, hops) in [
        (0, 1, 100, 1),
        (0, 2, 100, 1),
        (0, 3, 200, 2),
        (0, 4, 300, 3),
        (1, 0, 100, 1),
        (1, 2, 200, 2),
        (1, 3, 200, 2),
    ] {
        deliveries.push(message, node, ms * 1_000_000, hops);
    }
    let published = |node| Published {
        node,
        topic: 0,
        at_ns: 0,
        expected: 4,
    };
    Outcome {
        nodes: 5,
        messages: vec![published(0), published(1)],
        deliveries,
        counters: Counters {
            payload_sends: 21,
            duplicates: 14,
            ..Counters::default()
        },
        bytes: NodeBytes {
            payload_up: vec![1, 2, 3, 4, 5, 1_000],
            payload_down: vec![0; 6],
            control_up: vec![10; 6],
            control_down: vec![7; 6],
        },
        degrees: vec![2, 3, 3, 4, 3],
        ..Outcome::default()
    }
}

#[test]
fn percentiles_are_the_nearest_rank_of_the_whole_set() {
    let set = [15, 20, 35, 40, 50];
    // The textbook's example of the nearest-rank method.
    for (per_mille, value) in [(50, 15), (300, 20), (400, 20), (500, 35), (1_000, 50)] {
        assert_eq!(percentile(&set, per_mille), Some(value), "{per_mille}");
    }
    assert_eq!(percentile(&set, 0), Some(15));
    assert_eq!(percentile::<u64>(&[], 500), None);
    let thousand: Vec<u64> = (1..=1_000).collect();
    assert_eq!(percentile(&thousand, 990), Some(990));
    assert_eq!(percentile(&thousand, 999), Some(999));
}

#[test]
fn a_run_in_figures() {
    let summary = Summary::of(&small());
    assert_eq!((summary.delivered, summary.expected), (7, 8));
    assert_eq!(summary.delivery_ratio, Some(0.875));
    assert_eq!(summary.sends_per_delivery, Some(3.0));
    assert_eq!(summary.duplicates_per_delivery, Some(2.0));
    assert_eq!(summary.hop_shares, [3.0 / 7.0, 3.0 / 7.0, 1.0 / 7.0]);
    assert_eq!(summary.hops_mean, Some(12.0 / 7.0));
    assert_eq!(summary.latency.mean_ms, Some(1_200.0 / 7.0));
    assert_eq!(summary.latency.p50_ms, Some(200.0));
    assert_eq!(summary.latency.p90_ms, Some(300.0));
    assert_eq!(summary.latency.max_ms, Some(300.0));
}

#[test]
fn meshes_in_figures() {
    let degrees = Summary::of(&small()).mesh_degree;
    assert_eq!(degrees.mean, Some(3.0));
    assert_eq!((degrees.min, degrees.max), (Some(2), Some(4)));
    assert_eq!(degrees.histogram, [0, 0, 1, 3, 1]);
}

#[test]
fn attackers_bytes_are_none_of_an_honest_nodes() {
    let up = Summary::of(&small()).bytes_up;
    assert_eq!(up.mean, Some(13.0));
    assert_eq!((up.p50, up.max), (Some(13), Some(15)));
}

#[test]
fn of_nothing_there_is_no_figure() {
    let summary = Summary::of(&Outcome::default());
    assert_eq!(summary.delivery_ratio, None);
    assert_eq!(summary.latency, Latencies::default());
    assert_eq!(summary.mesh_degree, Degrees::default());
    assert_eq!(summary.sends_per_delivery, None);
    assert!(summary.hop_shares.is_empty());
}

#[test]
fn long_times_add_up_without_running_over() {
    let year = 366 * 86_400 * 1_000_000_000;
    let latencies = Latencies::of(vec![year; 1_000]);
    assert_eq!(latencies.mean_ms, Some(year as f64 / 1e6));
}

#[test]
fn a_market_in_figures() {
    let fate = |reached, first: Option<u64>, surplus| IntentFate {
        sellers_able: 4,
        sellers_reached: reached,
        saw: 10,
        offers: u32::from(first.is_some()) * 2,
        first_offer_ns: first,
        best_offer_ns: first.map(|ns| ns * 2),
        surplus,
        ..IntentFate::default()
    };
    let summary = MarketSummary::of(&MarketOutcome {
        intents: vec![
            fate(4, Some(1_000_000), Some(500)),
            fate(2, Some(3_000_000), Some(-100)),
            fate(0, None, None),
        ],
        wasted_seller_bytes: 30,
        seller_bytes: 120,
    });
    assert_eq!(summary.sellers_reached, Some(0.5));
    assert_eq!(summary.match_rate, Some(2.0 / 3.0));
    assert_eq!(summary.surplus_mean, Some(200.0));
    assert_eq!(summary.wasted_share, Some(0.25));
    assert_eq!(summary.first_offer.mean_ms, Some(2.0));
    assert_eq!(summary.best_offer.p50_ms, Some(2.0));
    assert_eq!(summary.offers_per_intent, Some(4.0 / 3.0));
}
