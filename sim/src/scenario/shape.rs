//! The quiet part of a scenario: how long it takes, who dials whom, who listens to what, who says what.

use serde::{Deserialize, Serialize};

/// How long what lasts, s of virtual time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Time {
    /// Before the first message: dials, subscriptions, meshes.
    pub warm_up_s: f64,
    /// While messages are published. Unset: `traffic.messages` times `traffic.interval_ms`.
    pub run_s: Option<f64>,
    /// After the last message.
    pub cool_down_s: f64,
}

impl Default for Time {
    fn default() -> Self {
        Self {
            warm_up_s: 60.0,
            run_s: None,
            cool_down_s: 10.0,
        }
    }
}

/// Who connects to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dials {
    /// How the other end of a dial is chosen.
    pub kind: Shape,
    /// Distinct others that each node dials (`uniform`), or next ones (`ring`).
    pub dials: u32,
    /// When a node dials its first, ms.
    pub first_dial_ms: f64,
    /// From one dial to the next, ms.
    pub dial_interval_ms: f64,
    /// In which order a node dials the others that were drawn for it (`uniform`).
    pub order: DialOrder,
    /// For `file`: lines of two node numbers, the dialler first, relative to the scenario.
    pub file: Option<String>,
}

impl Default for Dials {
    fn default() -> Self {
        Self {
            kind: Shape::Uniform,
            dials: 10,
            first_dial_ms: 2_100.0,
            dial_interval_ms: 100.0,
            order: DialOrder::Drawn,
            file: None,
        }
    }
}

/// How the other end of a dial is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Uniformly, without the node itself and without repetition.
    #[default]
    Uniform,
    /// The next ones by number, around.
    Ring,
    /// As a file says.
    File,
}

/// In which order a node dials. Meshes form while connections come, so that it shows in their size for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialOrder {
    /// As they were drawn: at any time, all nodes are dialled alike.
    #[default]
    Drawn,
    /// From the highest number down, as one who takes them from the end of a sorted list: at any time, all dial the
    /// same few.
    Descending,
}

/// What is spoken of, and who listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topics {
    /// Topics in all.
    pub count: u32,
    /// Topics that each listening node joins.
    pub joined: u32,
    /// How a node chooses its topics, and a message its one.
    pub choice: Choice,
    /// Of `zipf`: the exponent.
    pub exponent: f64,
    /// Share of nodes that listen at all; the others only publish.
    pub listeners: f64,
    /// Topics derived from a node's own number that it joins as well, so that no mesh is empty.
    pub backbone: u32,
    /// When nodes subscribe, ms.
    pub subscribe_ms: f64,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            count: 1,
            joined: 1,
            choice: Choice::Uniform,
            exponent: 1.0,
            listeners: 1.0,
            backbone: 0,
            subscribe_ms: 0.0,
        }
    }
}

/// How one of many is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// All alike.
    #[default]
    Uniform,
    /// The n-th with a weight of n to the power of minus the exponent.
    Zipf,
}

/// Who says what, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// Messages in all.
    pub messages: u32,
    /// Nodes that publish, drawn once: a number, or `"all"`.
    pub publishers: Publishers,
    /// Whether a message comes every `interval_ms` or at that mean distance by chance.
    pub timing: Timing,
    /// From one message to the next, ms.
    pub interval_ms: f64,
    /// Bytes of a message, its envelope in.
    pub size_bytes: u32,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            messages: 60,
            publishers: Publishers::Number(5),
            timing: Timing::Regular,
            interval_ms: 1_000.0,
            size_bytes: 1_000,
        }
    }
}

/// When messages come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// At equal distances.
    #[default]
    Regular,
    /// At distances of the exponential distribution.
    Poisson,
}

/// How many nodes publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publishers {
    /// Every listening node.
    All,
    /// So many, drawn uniformly.
    Number(u32),
}

impl Publishers {
    /// How many of these nodes.
    pub fn of(self, nodes: u32) -> u32 {
        match self {
            Publishers::All => nodes,
            Publishers::Number(n) => n.min(nodes),
        }
    }
}

impl Serialize for Publishers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Publishers::All => serializer.serialize_str("all"),
            Publishers::Number(n) => serializer.serialize_u32(*n),
        }
    }
}

impl<'de> Deserialize<'de> for Publishers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl serde::de::Visitor<'_> for Either {
            type Value = Publishers;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of nodes, or \"all\"")
            }

            fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Publishers, E> {
                let n = u32::try_from(n).map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(n), &self))?;
                Ok(Publishers::Number(n))
            }

            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Publishers, E> {
                let n = u32::try_from(n).map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(n), &self))?;
                Ok(Publishers::Number(n))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Publishers, E> {
                if text == "all" {
                    return Ok(Publishers::All);
                }
                Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
