//! What happens to nodes and links without anyone's ill will: churn, partitions, address translation, sleep.

use serde::{Deserialize, Serialize};

/// Nodes that leave and come back with no memory of their meshes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Churn {
    /// How the times are drawn.
    pub kind: ChurnKind,
    /// Share of nodes that come and go at all.
    pub share: f64,
    /// Mean time that such a node is there, s.
    pub online_s: f64,
    /// Mean time that it is away, s.
    pub offline_s: f64,
    /// Of `diurnal`: how long a day is, s; presence swings once a day.
    pub day_s: f64,
    /// Of `diurnal`: presence at night as a share of that at noon.
    pub night: f64,
    /// Of `trace`: a CSV file of `node,online_s,offline_s` rows, one row for each stay.
    pub file: Option<String>,
    /// When it begins, s.
    pub start_s: f64,
    /// When it ends, s; all are back then. Unset: never.
    pub stop_s: Option<f64>,
}

impl Default for Churn {
    fn default() -> Self {
        Self {
            kind: ChurnKind::Poisson,
            share: 0.3,
            online_s: 300.0,
            offline_s: 60.0,
            day_s: 86_400.0,
            night: 0.3,
            file: None,
            start_s: 60.0,
            stop_s: None,
        }
    }
}

/// How the times of churn are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChurnKind {
    /// Both times of the exponential distribution.
    #[default]
    Poisson,
    /// The same, with more of them away at night.
    Diurnal,
    /// As a file says.
    Trace,
}

/// A time at which two parts of the network cannot reach each other; open connections break.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// When it begins, s.
    pub start_s: f64,
    /// When it heals, s.
    pub stop_s: f64,
    /// Share of nodes in the smaller part, drawn once; with `regions`, those of them that are in these regions.
    #[serde(default = "half")]
    pub share: f64,
    /// Regions of the latency matrix that are cut off; empty: any.
    #[serde(default)]
    pub regions: Vec<String>,
}

fn half() -> f64 {
    0.5
}

/// Nodes that cannot be dialled: their own dials are all they have, or a relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nat {
    /// Share of nodes behind one.
    pub share: f64,
    /// Whether others reach them through a relay.
    pub relays: bool,
    /// Share of relayed connections that become direct after a hole was punched.
    pub punched: f64,
    /// What a relayed link adds, ms one way.
    pub relay_ms: f64,
}

impl Default for Nat {
    fn default() -> Self {
        Self {
            share: 0.5,
            relays: true,
            punched: 0.7,
            relay_ms: 50.0,
        }
    }
}

/// Nodes that sleep most of the time: they are away, wake, listen a while, and sleep again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Phones {
    /// Share of nodes that are phones.
    pub share: f64,
    /// From one waking to the next, s, exponentially.
    pub sleep_s: f64,
    /// How long one is awake, s, exponentially.
    pub awake_s: f64,
    /// Bits per second up and down when awake, below the links' own.
    pub bandwidth_bps: Option<f64>,
}

impl Default for Phones {
    fn default() -> Self {
        Self {
            share: 0.5,
            sleep_s: 600.0,
            awake_s: 60.0,
            bandwidth_bps: None,
        }
    }
}
