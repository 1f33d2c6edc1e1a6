//! Which figures a run has: each from the outcome alone, thinned to what an eye can tell apart.

use super::plot::{Plot, Series, Shape, Span};
use crate::outcome::{Besieged, Outcome, percentile};

/// Points of one distribution.
const POINTS: u32 = 250;
/// Points of one line over time.
const MOMENTS: usize = 400;

/// A run and what figures call it.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// What came of it.
    pub outcome: &'a Outcome,
}

/// All figures of these runs, those left out that would be empty.
pub fn figures(runs: &[Named<'_>]) -> Vec<Plot> {
    let all = [
        distribution(
            runs,
            "Latency",
            "from publishing to arrival, ms",
            "share of arrivals",
            |o| o.deliveries.latency_ns.iter().map(|ns| *ns as f64 / 1e6).collect(),
        ),
        bars(runs, "Hops", "links from the publisher", "share of arrivals", |o| {
            let mut counts = Vec::new();
            count(&mut counts, o.deliveries.hops.iter().map(|hops| usize::from(*hops)));
            shares(&counts)
        }),
        bars(
            runs,
            "Mesh degree",
            "peers in a mesh at the end",
            "share of meshes",
            |o| {
                let mut counts = Vec::new();
                count(&mut counts, o.degrees.iter().map(|degree| usize::from(*degree)));
                shares(&counts)
            },
        ),
        distribution(
            runs,
            "Bandwidth up",
            "sent by a node, bytes a second",
            "share of nodes",
            |o| rates(o, &o.bytes.payload_up, &o.bytes.control_up),
        ),
        distribution(
            runs,
            "Bandwidth down",
            "received by a node, bytes a second",
            "share of nodes",
            |o| rates(o, &o.bytes.payload_down, &o.bytes.control_down),
        ),
        over_time(runs, "Arrivals", "first arrivals a second", |second| second.delivered),
        over_time(runs, "Traffic", "bytes a second, all nodes", |second| second.bytes),
        over_time(runs, "Nodes", "honest nodes that are there", |second| second.online),
        under_siege(
            runs,
            "Attackers in meshes",
            "share of places in honest nodes' meshes",
            |row| part(row.held, row.slots),
        ),
        under_siege(
            runs,
            "Attackers in the victims' meshes",
            "share of places in the victims' meshes",
            |row| part(row.victim_held, row.victim_slots),
        ),
        under_siege(
            runs,
            "Attackers' score",
            "mean score that honest peers give them",
            |row| (row.ties > 0).then_some(row.score),
        ),
        distribution(
            runs,
            "Time to the first offer",
            "from casting, s",
            "share of intents",
            |o| {
                let fates = o.market.iter().flat_map(|market| &market.intents);
                fates
                    .filter_map(|fate| fate.first_offer_ns)
                    .map(|ns| ns as f64 / 1e9)
                    .collect()
            },
        ),
        distribution(
            runs,
            "Time to the best offer",
            "from casting, s",
            "share of intents",
            |o| {
                let fates = o.market.iter().flat_map(|market| &market.intents);
                fates
                    .filter_map(|fate| fate.best_offer_ns)
                    .map(|ns| ns as f64 / 1e9)
                    .collect()
            },
        ),
    ];
    let drawn = all.into_iter();
    drawn
        .filter(|plot| plot.series.iter().any(|series| series.points.len() > 1))
        .collect()
}

/// The share that is at most each value.
fn distribution(runs: &[Named<'_>], title: &str, x: &str, y: &str, values: impl Fn(&Outcome) -> Vec<f64>) -> Plot {
    let series = runs.iter().map(|run| {
        let mut values = values(run.outcome);
        values.sort_unstable_by(f64::total_cmp);
        let mut points: Vec<(f64, f64)> = values.first().map(|first| (*first, 0.0)).into_iter().collect();
        for step in 1..=POINTS {
            let per_mille = step * 1_000 / POINTS;
            points.extend(percentile(&values, per_mille).map(|value| (value, f64::from(per_mille) / 1e3)));
        }
        let name = run.name.to_owned();
        Series { name, points }
    });
    plot(title, x, y, Shape::Steps, series.collect())
}

fn bars(runs: &[Named<'_>], title: &str, x: &str, y: &str, shares: impl Fn(&Outcome) -> Vec<f64>) -> Plot {
    let series = runs.iter().map(|run| {
        let shares = shares(run.outcome);
        let points = shares.into_iter().enumerate().map(|(at, share)| (at as f64, share));
        // Where nothing was counted, a bar of no height would only widen the axis.
        let points = points.filter(|(_, share)| *share > 0.0).collect();
        let name = run.name.to_owned();
        Series { name, points }
    });
    plot(title, x, y, Shape::Bars, series.collect())
}

fn over_time(runs: &[Named<'_>], title: &str, y: &str, of: impl Fn(&crate::outcome::Second) -> u64) -> Plot {
    let series = runs.iter().map(|run| {
        let seconds = &run.outcome.timeline;
        let each = seconds.len().div_ceil(MOMENTS).max(1);
        let points = seconds.chunks(each).enumerate().map(|(at, chunk)| {
            let sum: u64 = chunk.iter().map(&of).sum();
            ((at * each) as f64, sum as f64 / chunk.len() as f64)
        });
        let (name, points) = (run.name.to_owned(), points.collect());
        Series { name, points }
    });
    let mut plot = plot(title, "virtual time, s", y, Shape::Lines, series.collect());
    plot.spans = attacks(runs);
    plot
}

/// How far attackers came; a second of which there is nothing to tell is no point.
fn under_siege(runs: &[Named<'_>], title: &str, y: &str, of: impl Fn(&Besieged) -> Option<f64>) -> Plot {
    let series = runs.iter().map(|run| {
        let seconds = &run.outcome.siege;
        let each = seconds.len().div_ceil(MOMENTS).max(1);
        let points = seconds.chunks(each).enumerate().filter_map(|(at, chunk)| {
            let told: Vec<f64> = chunk.iter().filter_map(&of).collect();
            let mean = told.iter().sum::<f64>() / told.len() as f64;
            (!told.is_empty()).then_some(((at * each) as f64, mean))
        });
        let (name, points) = (run.name.to_owned(), points.collect());
        Series { name, points }
    });
    let mut plot = plot(title, "virtual time, s", y, Shape::Lines, series.collect());
    plot.spans = attacks(runs);
    plot
}

/// When attackers did harm, in the runs that have any.
fn attacks(runs: &[Named<'_>]) -> Vec<Span> {
    let spans = runs.iter().enumerate().filter_map(|(series, run)| {
        let measured = |name: &str| run.outcome.measures.get(name).copied();
        Some(Span {
            name: match runs.len() {
                1 => "attack".to_owned(),
                _ => format!("attack: {}", run.name),
            },
            series,
            x: (measured("attack_from_s")?, measured("attack_to_s")?),
        })
    });
    spans.collect()
}

fn part(some: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| some as f64 / all as f64)
}

fn plot(title: &str, x: &str, y: &str, shape: Shape, series: Vec<Series>) -> Plot {
    Plot {
        title: title.to_owned(),
        x: x.to_owned(),
        y: y.to_owned(),
        shape,
        series,
        spans: Vec::new(),
    }
}

fn count(counts: &mut Vec<u64>, values: impl Iterator<Item = usize>) {
    for value in values {
        if counts.len() <= value {
            counts.resize(value + 1, 0);
        }
        counts[value] += 1;
    }
}

fn shares(counts: &[u64]) -> Vec<f64> {
    let all = counts.iter().sum::<u64>().max(1) as f64;
    counts.iter().map(|n| *n as f64 / all).collect()
}

/// Bytes a second of each honest node, both kinds together.
fn rates(outcome: &Outcome, payload: &[u64], control: &[u64]) -> Vec<f64> {
    let seconds = (outcome.end_ns as f64 / 1e9).max(1e-9);
    let both = payload.iter().zip(control).take(outcome.nodes as usize);
    both.map(|(payload, control)| (payload + control) as f64 / seconds)
        .collect()
}
