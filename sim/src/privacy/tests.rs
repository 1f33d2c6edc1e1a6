//! Estimators on networks that are small enough to know the answer.

use super::*;
use crate::engine::Plan;
use crate::scenario::{Latency, Scenario};

/// A line of five nodes, 0 - 1 - 2 - 3 - 4, each link of its own length; 0 and 4 are spies, and `origin` speaks.
fn line(origin: u32) -> (Plan, Report) {
    let mut scenario = Scenario::of(5);
    scenario.traffic.messages = 1;
    scenario.links.latency = Latency::UniformMs([10.0, 90.0]);
    let mut plan = Plan::of(&scenario, 3).unwrap();
    plan.published[0].node = origin;
    let map = (0..5_u32).map(|node| {
        let peers: Vec<u32> = (0..5).filter(|peer| node.abs_diff(*peer) == 1).collect();
        Neighbours {
            meshes: peers.iter().map(|peer| (0, *peer)).collect(),
            peers,
        }
    });
    let way = |nodes: std::ops::RangeInclusive<u32>| -> u64 {
        let nodes: Vec<u32> = nodes.collect();
        nodes.windows(2).map(|pair| plan.links.delay(pair[0], pair[1])).sum()
    };
    let sighting = |spy, from, at| Sighting {
        at,
        spy,
        message: 0,
        from,
    };
    let mut sightings = vec![
        sighting(0, 1, 1_000_000_000 + way(0..=origin)),
        sighting(4, 3, 1_000_000_000 + way(origin..=4)),
    ];
    sightings.sort_unstable();
    let report = Report {
        spies: vec![0, 4],
        sightings,
        map: map.collect(),
    };
    (plan, report)
}

#[test]
fn the_first_spy_names_the_hand_and_times_name_the_origin() {
    let (plan, report) = line(2);
    let ring = Ring::of(&plan, &report, 2);
    let names = first_spy::names(&plan, &ring);
    assert_eq!(
        names,
        Names {
            right: 0,
            named: 1,
            messages: 1
        }
    );
    let mut map = map::Map::of(&plan, &report, Knowledge::Meshes);
    let found = bayes::estimate(&plan, &ring, &mut map);
    assert_eq!(found.sure.right, 1, "{found:?}");
    assert!(found.sets[0] < 1.5, "{found:?}");
}

#[test]
fn one_spy_at_the_end_of_a_line_cannot_tell_how_far_the_origin_is() {
    let (plan, report) = line(2);
    let report = Report {
        spies: vec![4],
        ..report
    };
    let ring = Ring::of(&plan, &report, 1);
    let mut map = map::Map::of(&plan, &report, Knowledge::Meshes);
    let found = bayes::estimate(&plan, &ring, &mut map);
    // 0, 1, 2 and 3 all come over 3, and when it was said is not known.
    assert!((found.sets[0] - 4.0).abs() < 1e-6, "{found:?}");
    assert_eq!(found.sure.named, 0);
}

#[test]
fn a_hand_outside_of_the_spys_mesh_is_the_publishers() {
    let (plan, mut report) = line(2);
    // 2 fills up its mesh with 4, which it is connected to as well.
    report.map[2].peers.push(4);
    report.map[4].peers.push(2);
    let direct = report.sightings.iter_mut().find(|sighting| sighting.spy == 4).unwrap();
    direct.from = 2;
    direct.at = 1_000_000_000 + plan.links.delay(2, 4);
    // All that is known is that one sighting: in whose mesh 4 is tells who may have passed it on.
    let report = Report {
        spies: vec![4],
        sightings: vec![*direct],
        map: report.map,
    };
    let ring = Ring::of(&plan, &report, 1);
    let found = |knowledge| bayes::estimate(&plan, &ring, &mut map::Map::of(&plan, &report, knowledge));
    let meshes = found(Knowledge::Meshes);
    assert_eq!(meshes.sure.right, 1, "{meshes:?}");
    // As far as connections go, it may have come to 2 from 1 or from 3.
    let connections = found(Knowledge::Connections);
    assert!(connections.sets[0] > 1.5 * meshes.sets[0], "{connections:?} {meshes:?}");
}

#[test]
fn who_fills_up_its_mesh_does_so_by_chance() {
    let (mut plan, mut report) = line(2);
    report.map[2].peers.extend([0, 4]);
    let fills = |plan: &Plan, node| map::Map::of(plan, &report, Knowledge::Meshes).fills(0, node);
    plan.world.settings.d = 3;
    assert_eq!(fills(&plan, 2), 0.5);
    assert_eq!(fills(&plan, 1), 0.0, "all its peers are in its mesh");
    plan.world.settings.d = 2;
    assert_eq!(fills(&plan, 2), 0.0, "its mesh is full");
    plan.world.settings.d = 8;
    assert_eq!(fills(&plan, 2), 1.0);
}

#[test]
fn what_no_spy_heard_may_be_anyones() {
    let (plan, mut report) = line(2);
    report.sightings.clear();
    let ring = Ring::of(&plan, &report, 2);
    let mut map = map::Map::of(&plan, &report, Knowledge::Meshes);
    let found = bayes::estimate(&plan, &ring, &mut map);
    assert!((found.sets[0] - 3.0).abs() < 1e-6, "{found:?}");
    assert_eq!((found.best.named, found.best.messages), (0, 1));
    assert_eq!(first_spy::names(&plan, &ring).precision(), None);
}

#[test]
fn what_a_spy_says_itself_is_no_case() {
    let (plan, report) = line(0);
    let ring = Ring::of(&plan, &report, 2);
    assert!(ring.messages.is_empty());
}

#[test]
fn the_size_of_a_set_is_two_to_its_entropy() {
    assert!((bayes::set_size(&[0.25; 4]) - 4.0).abs() < 1e-12);
    assert!((bayes::set_size(&[1.0, 0.0]) - 1.0).abs() < 1e-12);
    // Entropy of 1/2, 1/4, 1/4: 1.5 bits.
    assert!((bayes::set_size(&[0.5, 0.25, 0.25]) - 1.5_f64.exp2()).abs() < 1e-12);
}

#[test]
fn a_way_counts_each_link_and_each_verdict_between() {
    let mut scenario = Scenario::of(5);
    scenario.gossipsub.validation_ms = 7.0;
    scenario.links.latency = Latency::ConstantMs(100.0);
    let plan = Plan::of(&scenario, 3).unwrap();
    let (_, report) = line(2);
    let mut map = map::Map::of(&plan, &report, Knowledge::Meshes);
    let times = map.to(0, 4).publishing.clone();
    assert_eq!(times, [421_000, 314_000, 207_000, 100_000, 0]);
}
