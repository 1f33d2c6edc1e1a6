//! On what the levels are compared: several latencies, degrees, sizes, and churn; and the row that outside witnesses
//! measured.

use crate::outcome::Summary;
use crate::scenario::{Bandwidth, Churn, Latency, Scenario};

/// One scenario to compare on.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the verdict calls it.
    pub name: &'static str,
    /// The scenario; its level is set by who runs it.
    pub scenario: Scenario,
}

/// What a continuous check has time for: 200 nodes, ten dials each.
pub fn short() -> Vec<Setup> {
    vec![base(200), low_degree(200)]
}

/// All of them, at so many nodes.
pub fn long(nodes: u32) -> Vec<Setup> {
    vec![
        base(nodes),
        spread_latency(nodes),
        wide_latency(nodes),
        low_degree(nodes),
        large(nodes),
        busy(nodes),
        churn(nodes),
    ]
}

/// Over links of many lengths: where all are of one, latencies come in steps, and a median that lies at the edge of a
/// step falls to either side of it by chance.
fn of(nodes: u32) -> Scenario {
    let mut scenario = Scenario::of(nodes);
    scenario.links.latency = Latency::UniformMs([20.0, 180.0]);
    scenario.topology.dials = 10;
    scenario.traffic.messages = 30;
    scenario
}

fn base(nodes: u32) -> Setup {
    let mut scenario = of(nodes);
    scenario.links.latency = Latency::ConstantMs(100.0);
    Setup {
        name: "constant 100 ms",
        scenario,
    }
}

fn spread_latency(nodes: u32) -> Setup {
    Setup {
        name: "20 to 180 ms",
        scenario: of(nodes),
    }
}

fn wide_latency(nodes: u32) -> Setup {
    let mut scenario = of(nodes);
    scenario.links.latency = Latency::LogNormal {
        median_ms: 60.0,
        sigma: 0.6,
    };
    Setup {
        name: "log-normal, median 60 ms",
        scenario,
    }
}

fn low_degree(nodes: u32) -> Setup {
    let mut scenario = of(nodes);
    let gossipsub = &mut scenario.gossipsub;
    (gossipsub.d, gossipsub.d_low, gossipsub.d_high, gossipsub.d_out) = (6, 4, 10, 2);
    Setup {
        name: "degree 6",
        scenario,
    }
}

fn large(nodes: u32) -> Setup {
    let mut scenario = of(nodes);
    scenario.traffic.size_bytes = 30_000;
    // A copy takes 12 ms to leave: on links without limits a size is only a number.
    scenario.links.bandwidth = Some(Bandwidth {
        up_bps: 20e6,
        down_bps: 50e6,
    });
    Setup {
        name: "30 KB over 20 Mbit/s",
        scenario,
    }
}

fn busy(nodes: u32) -> Setup {
    let mut scenario = of(nodes);
    scenario.traffic.messages = 100;
    scenario.traffic.interval_ms = 100.0;
    Setup {
        name: "ten a second",
        scenario,
    }
}

fn churn(nodes: u32) -> Setup {
    let mut scenario = of(nodes);
    scenario.churn = Some(Churn {
        share: 0.1,
        online_s: 60.0,
        offline_s: 20.0,
        ..Churn::default()
    });
    Setup {
        name: "churn",
        scenario,
    }
}

/// What outside witnesses measured: real processes under another simulator, two seeds.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// Mean mesh degree, and the share that a level may be off.
    pub degree: (f64, f64),
    /// Copies sent for each first arrival.
    pub sends: (f64, f64),
    /// Latency, ms.
    pub mean_ms: (f64, f64),
    /// Latency, ms.
    pub p50_ms: (f64, f64),
    /// Latency, ms.
    pub p99_ms: (f64, f64),
    /// Shares of arrivals by hops, from 1.
    pub hops: [f64; 5],
}

/// 1,000 nodes, 20 dials each, D = 8, 1 KB a second over 100 ms links, 60 messages: the shipped scenario
/// `reference-row`. The tolerances are those between two levels.
pub const REFERENCE: Reference = Reference {
    degree: (8.07, 0.03),
    sends: (7.09, 0.05),
    mean_ms: (355.5, 0.05),
    p50_ms: (400.0, 0.05),
    p99_ms: (500.0, 0.05),
    hops: [0.008, 0.057, 0.325, 0.579, 0.031],
};

impl Reference {
    /// Each measure: its name, what the witnesses had, what this run has, and whether that is near enough.
    pub fn judge(&self, summary: &Summary) -> Vec<(&'static str, f64, f64, bool)> {
        let latency = &summary.latency;
        let mut lines = Vec::new();
        for (name, (witness, share), own) in [
            ("mesh degree", self.degree, summary.mesh_degree.mean),
            ("sends per delivery", self.sends, summary.sends_per_delivery),
            ("latency mean, ms", self.mean_ms, latency.mean_ms),
            ("latency p50, ms", self.p50_ms, latency.p50_ms),
            ("latency p99, ms", self.p99_ms, latency.p99_ms),
        ] {
            let own = own.unwrap_or(f64::NAN);
            lines.push((name, witness, own, (own - witness).abs() <= share * witness));
        }
        let distance = super::largest_distance(&self.hops, &summary.hop_shares);
        lines.push(("hops, largest distance", 0.0, distance, distance <= 0.04));
        lines
    }
}
