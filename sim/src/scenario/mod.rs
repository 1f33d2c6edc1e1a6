//! What to simulate: one TOML file for every level, parsed and judged at the door.
//!
//! Nothing past [`Scenario::parse`] asks again whether a value makes sense. Every key has a default but `nodes`; the
//! defaults are the product's own settings, on a quiet network of one topic. Times are seconds or milliseconds as the
//! key's last letters say; sizes are bytes; shares lie between 0 and 1.

mod adversary;
mod check;
mod error;
mod files;
mod gossipsub;
mod links;
mod market;
mod set;
mod shape;
mod shipped;
mod weather;

pub use adversary::{Attack, AttackKind};
pub use error::{Error, nearest};
pub use files::{Digests, own_name};
pub use gossipsub::{Gossipsub, Scoring, TopicScore};
pub use links::{Bandwidth, Latency, Links, SlowStart};
pub use market::{Demand, MarketLoad, Signatures};
pub use set::value;
pub use shape::{Choice, DialOrder, Dials, Publishers, Shape, Time, Timing, Topics, Traffic};
pub use shipped::SHIPPED;
pub use weather::{Churn, ChurnKind, Nat, Partition, Phones};

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One experiment, but for its seed's luck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called in reports; empty: as its file.
    #[serde(default)]
    pub name: String,
    /// One sentence on what it shows.
    #[serde(default)]
    pub about: String,
    /// Which engine runs it.
    #[serde(default)]
    pub level: Level,
    /// Honest nodes; attackers come on top.
    pub nodes: u32,
    /// The seed, when the command names none.
    #[serde(default = "one")]
    pub seed: u64,
    /// How long what lasts.
    #[serde(default)]
    pub time: Time,
    /// Who connects to whom.
    #[serde(default)]
    pub topology: Dials,
    /// What is spoken of, and who listens.
    #[serde(default)]
    pub topics: Topics,
    /// The gossip's knobs.
    #[serde(default)]
    pub gossipsub: Gossipsub,
    /// Who says what, and when.
    #[serde(default)]
    pub traffic: Traffic,
    /// What lies between two nodes.
    #[serde(default)]
    pub links: Links,
    /// Nodes that come and go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churn: Option<Churn>,
    /// Times at which some nodes cannot reach others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition: Vec<Partition>,
    /// Nodes that cannot be dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat: Option<Nat>,
    /// Nodes that sleep and wake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phones: Option<Phones>,
    /// Those who mean harm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attack: Vec<Attack>,
    /// Customers and sellers; only the `market` level has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market: Option<MarketLoad>,
}

/// Which engine runs a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The model alone: a message is an id and a size.
    #[default]
    Gossip,
    /// The model with the real market on every node.
    Market,
    /// The real swarm in virtual time.
    Real,
}

impl Level {
    /// As it is written in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Level::Gossip => "gossip",
            Level::Market => "market",
            Level::Real => "real",
        }
    }
}

fn one() -> u64 {
    1
}

impl Scenario {
    /// Of these nodes, and of defaults.
    pub fn of(nodes: u32) -> Self {
        Self {
            name: String::new(),
            about: String::new(),
            level: Level::default(),
            nodes,
            seed: one(),
            time: Time::default(),
            topology: Dials::default(),
            topics: Topics::default(),
            gossipsub: Gossipsub::default(),
            traffic: Traffic::default(),
            links: Links::default(),
            churn: None,
            partition: Vec::new(),
            nat: None,
            phones: None,
            attack: Vec::new(),
            market: None,
        }
    }

    /// Reads a scenario; `file` is what an error calls the text.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let mut scenario: Scenario = toml::from_str(text).map_err(|error| Error::of_toml(file, text, &error))?;
        if let Err(fault) = scenario.check() {
            return Err(Error::of_fault(file, text, fault));
        }
        if scenario.name.is_empty() {
            let stem = std::path::Path::new(file).file_stem();
            scenario.name = stem.map_or_else(|| file.to_owned(), |stem| stem.to_string_lossy().into_owned());
        }
        Ok(scenario)
    }

    /// Reads a scenario's file. The files it names are looked for beside it first.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Error::of_file(&file, &error.to_string()))?;
        let mut scenario = Self::parse(&file, &text)?;
        if let Some(beside) = path.parent() {
            for (_, name) in scenario.files() {
                let near = beside.join(&*name);
                if near.is_file() {
                    *name = near.to_string_lossy().into_owned();
                }
            }
        }
        Ok(scenario)
    }

    /// From the first dial to the last event, ns of virtual time: warm-up, run and cool-down.
    pub fn length_ns(&self) -> u64 {
        let run = self.start_ns().saturating_add(self.run_ns());
        run.saturating_add(seconds(self.time.cool_down_s))
    }

    /// When the first message may be published, ns.
    pub fn start_ns(&self) -> u64 {
        seconds(self.time.warm_up_s)
    }

    /// How long messages are published, ns: `run_s`, or what the traffic takes.
    pub fn run_ns(&self) -> u64 {
        match (self.time.run_s, &self.market) {
            (Some(run), _) => seconds(run),
            // About: chance says when the last one comes.
            (None, Some(market)) if self.level == Level::Market => {
                millis(market.interval_ms).saturating_mul(u64::from(market.intents))
            }
            (None, _) => millis(self.traffic.interval_ms).saturating_mul(u64::from(self.traffic.messages)),
        }
    }

    /// Honest nodes and attackers.
    pub fn all_nodes(&self) -> u32 {
        let attackers = self.attack.iter().map(|attack| attack.nodes(self.nodes));
        attackers.fold(self.nodes, u32::saturating_add)
    }
}

/// Seconds as ns, to the nearest; a scenario's own are never negative.
pub fn seconds(s: f64) -> u64 {
    (s * 1e9).round() as u64
}

/// Milliseconds as ns, to the nearest; a scenario's own are never negative.
pub fn millis(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}

/// The seed of one replicate of many: SHA-256 over the first seed and the replicate's number, replicate 0 as well, so
/// that no two experiments share one by being neighbours.
pub fn derived_seed(seed: u64, replicate: u64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(b"intentcast-sim replicate");
    hash.update(seed.to_le_bytes());
    hash.update(replicate.to_le_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    // A TOML integer is signed, and a seed may be written into one.
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) >> 1
}

#[cfg(test)]
mod tests;
