//! What lies between two nodes: how long a frame takes, and what holds it up.
//!
//! Everything that belongs to a pair is a pure function of the seed and the pair, so a million nodes need no table.

mod matrix;
mod path;

pub use matrix::Matrix;
pub use path::{Frame, Gauges, Path};

use crate::gossipsub::{mix, mix2, unit};
use crate::scenario::{Latency, Nat, Scenario, millis};

/// Longest way between two nodes, ns; it fits in 32 bits.
const MOST_DELAY: u64 = 4_000_000_000;
/// Where a distribution has no least value, nothing is quicker than this many standard deviations from its median.
const TAIL: f64 = 3.0;
/// Shortest way between two nodes, ns: windows of virtual time are as long.
const LEAST_DELAY: u64 = 100_000;

/// The links of one run.
#[derive(Debug)]
pub struct Links {
    seed: u64,
    kind: Kind,
    nat: Option<Nat>,
    relay: u64,
    path: Path,
}

#[derive(Debug)]
enum Kind {
    Constant(u64),
    Uniform(u64, u64),
    LogNormal { median: f64, sigma: f64 },
    Matrix(Matrix),
}

/// What a scenario's links cannot be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadMatrix {
    /// The table or file.
    pub name: String,
    /// What is wrong with it.
    pub expected: String,
}

impl std::fmt::Display for BadMatrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "latency matrix `{}`: {}", self.name, self.expected)
    }
}

impl std::error::Error for BadMatrix {}

impl Links {
    /// Those of a scenario. Reads the matrix's file, if it names one.
    pub fn of(scenario: &Scenario, seed: u64) -> Result<Self, BadMatrix> {
        let kind = match &scenario.links.latency {
            Latency::ConstantMs(ms) => Kind::Constant(millis(*ms)),
            Latency::UniformMs([from, to]) => Kind::Uniform(millis(*from), millis(*to)),
            Latency::LogNormal { median_ms, sigma } => Kind::LogNormal {
                median: median_ms * 1e6,
                sigma: *sigma,
            },
            Latency::Matrix(name) => Kind::Matrix(Matrix::named(name)?),
        };
        Ok(Self {
            seed: mix2(seed, 0x11_4b),
            kind,
            nat: scenario.nat.clone(),
            relay: scenario.nat.as_ref().map_or(0, |nat| millis(nat.relay_ms)),
            path: Path::of(&scenario.links, scenario.phones.as_ref()),
        })
    }

    /// What frames meet on their way, besides the distance.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number that belongs to a pair, whichever way it is looked at.
    fn pair(&self, a: u32, b: u32, what: u64) -> u64 {
        let (low, high) = (a.min(b), a.max(b));
        mix2(self.seed ^ mix(what), u64::from(low) << 32 | u64::from(high))
    }

    /// One way between two nodes, ns: the same both ways and always. A relay's detour is in it.
    pub fn delay(&self, a: u32, b: u32) -> u64 {
        let direct = match &self.kind {
            Kind::Constant(ns) => *ns,
            Kind::Uniform(from, to) => from + (unit(self.pair(a, b, 1)) * (to - from) as f64) as u64,
            Kind::LogNormal { median, sigma } => {
                let normal = normal(self.pair(a, b, 1), self.pair(a, b, 2)).max(-TAIL);
                (median * (sigma * normal).exp()) as u64
            }
            Kind::Matrix(matrix) => matrix.delay(self.region(matrix, a), self.region(matrix, b)),
        };
        let detour = if self.is_relayed(a, b) { self.relay } else { 0 };
        (direct + detour).clamp(LEAST_DELAY, MOST_DELAY)
    }

    /// No frame between any two nodes is quicker, ns.
    pub fn least_delay(&self) -> u64 {
        let least = match &self.kind {
            Kind::Constant(ns) => *ns,
            Kind::Uniform(from, _) => *from,
            Kind::LogNormal { median, sigma } => (median * (-sigma * TAIL).exp()) as u64,
            Kind::Matrix(matrix) => matrix.least(),
        };
        least.clamp(LEAST_DELAY, MOST_DELAY)
    }

    fn region(&self, matrix: &Matrix, node: u32) -> usize {
        matrix.region(unit(mix2(self.seed ^ mix(3), u64::from(node))))
    }

    /// The name of the region that a node is in, where there are regions.
    pub fn region_of(&self, node: u32) -> Option<&str> {
        match &self.kind {
            Kind::Matrix(matrix) => Some(matrix.name(self.region(matrix, node))),
            Kind::Constant(_) | Kind::Uniform(..) | Kind::LogNormal { .. } => None,
        }
    }

    /// The names of all regions, where there are regions.
    pub fn regions(&self) -> &[String] {
        match &self.kind {
            Kind::Matrix(matrix) => matrix.names(),
            Kind::Constant(_) | Kind::Uniform(..) | Kind::LogNormal { .. } => &[],
        }
    }

    /// Whether a node is behind a NAT.
    pub fn is_hidden(&self, node: u32) -> bool {
        let chance = |nat: &Nat| unit(mix2(self.seed ^ mix(4), u64::from(node))) < nat.share;
        self.nat.as_ref().is_some_and(chance)
    }

    /// Whether a node can be dialled, if only through a relay.
    pub fn is_reachable(&self, node: u32) -> bool {
        !self.is_hidden(node) || self.nat.as_ref().is_some_and(|nat| nat.relays)
    }

    /// Whether what two nodes send each other goes over a relay: both are hidden, and no hole was punched. A node
    /// behind a NAT that dials a public one needs none, and is dialled back by it through none.
    fn is_relayed(&self, a: u32, b: u32) -> bool {
        let Some(nat) = &self.nat else {
            return false;
        };
        self.is_hidden(a) && self.is_hidden(b) && unit(self.pair(a, b, 5)) >= nat.punched
    }
}

/// A number of the standard normal distribution from two of the uniform one (Box and Muller).
fn normal(a: u64, b: u64) -> f64 {
    let radius = (-2.0 * (1.0 - unit(a)).ln()).sqrt();
    radius * (std::f64::consts::TAU * unit(b)).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(latency: Latency) -> Links {
        let mut scenario = Scenario::of(100);
        scenario.links.latency = latency;
        Links::of(&scenario, 7).unwrap()
    }

    #[test]
    fn a_pair_has_one_delay_both_ways() {
        for latency in [
            Latency::UniformMs([10.0, 200.0]),
            Latency::LogNormal {
                median_ms: 60.0,
                sigma: 0.6,
            },
            Latency::Matrix("continents".into()),
        ] {
            let links = links(latency);
            for (a, b) in [(0, 1), (5, 99), (42, 7)] {
                assert_eq!(links.delay(a, b), links.delay(b, a));
                assert!(links.delay(a, b) >= links.least_delay());
            }
        }
    }

    #[test]
    fn uniform_delays_fill_their_range_evenly() {
        let links = links(Latency::UniformMs([10.0, 110.0]));
        let all: Vec<u64> = (0..200)
            .flat_map(|a| (a + 1..200).map(move |b| (a, b)))
            .map(|(a, b)| links.delay(a, b))
            .collect();
        let mean = all.iter().sum::<u64>() as f64 / all.len() as f64 / 1e6;
        assert!((mean - 60.0).abs() < 1.0, "{mean}");
        assert!(all.iter().all(|ns| (10_000_000..110_000_000).contains(ns)));
    }

    #[test]
    fn half_of_log_normal_delays_are_below_the_median() {
        let links = links(Latency::LogNormal {
            median_ms: 60.0,
            sigma: 0.6,
        });
        let pairs = (0..200).flat_map(|a| (a + 1..200).map(move |b| (a, b)));
        let (below, all) = pairs.fold((0_u32, 0_u32), |(below, all), (a, b)| {
            (below + u32::from(links.delay(a, b) < 60_000_000), all + 1)
        });
        let share = f64::from(below) / f64::from(all);
        assert!((share - 0.5).abs() < 0.02, "{share}");
    }

    #[test]
    fn only_two_hidden_nodes_need_a_relay() {
        let mut scenario = Scenario::of(1_000);
        scenario.nat = Some(Nat {
            share: 0.5,
            relays: true,
            punched: 0.0,
            relay_ms: 50.0,
        });
        let links = Links::of(&scenario, 3).unwrap();
        for (a, b) in (0..40).flat_map(|a| (a + 1..40).map(move |b| (a, b))) {
            let expected = if links.is_hidden(a) && links.is_hidden(b) {
                150_000_000
            } else {
                100_000_000
            };
            assert_eq!(links.delay(a, b), expected);
        }
        let hidden = (0..1_000).filter(|node| links.is_hidden(*node)).count();
        assert!((440..560).contains(&hidden), "{hidden}");
    }

    #[test]
    fn without_relays_a_hidden_node_cannot_be_dialled() {
        let mut scenario = Scenario::of(100);
        scenario.nat = Some(Nat {
            share: 1.0,
            relays: false,
            punched: 0.0,
            relay_ms: 0.0,
        });
        assert!(!Links::of(&scenario, 3).unwrap().is_reachable(5));
    }
}
