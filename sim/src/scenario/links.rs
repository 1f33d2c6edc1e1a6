//! What lies between two nodes: delay, jitter, loss, and how many bits fit through.

use serde::{Deserialize, Serialize};

/// Every link's properties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Links {
    /// One way, from one node to another; both directions of a pair are alike.
    pub latency: Latency,
    /// Up to this share of the latency is added to each packet, uniformly; order within a link stays.
    pub jitter: f64,
    /// Share of packets that are lost and come a retransmission later, for links are reliable streams.
    pub loss: f64,
    /// How late a lost packet's second copy comes, ms, besides the latency.
    pub retransmit_ms: f64,
    /// Bits per second of each node; unset: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// A stream's window that opens as it is used; unset: open from the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<SlowStart>,
    /// Bytes that framing and encryption add to each frame.
    pub overhead_bytes: u32,
    /// Round trips before a new connection carries gossip: transport, security, multiplexer, protocol.
    pub handshake_round_trips: f64,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            latency: Latency::ConstantMs(100.0),
            jitter: 0.0,
            loss: 0.0,
            retransmit_ms: 200.0,
            bandwidth: None,
            slow_start: None,
            overhead_bytes: 0,
            handshake_round_trips: 1.0,
        }
    }
}

/// One way between two nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// The same everywhere, ms.
    ConstantMs(f64),
    /// For each pair, uniformly from the first to the second, ms.
    UniformMs([f64; 2]),
    /// For each pair, of the log-normal distribution.
    LogNormal {
        /// Half of the pairs are below it, ms.
        median_ms: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Nodes in regions: the name of a shipped table, or a CSV file's path.
    Matrix(String),
}

/// What a node can send and receive, bits per second; frames queue up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bandwidth {
    /// Up.
    pub up_bps: f64,
    /// Down.
    pub down_bps: f64,
}

/// TCP-like slow start: a stream sends a window each round trip, and the window doubles while it is filled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlowStart {
    /// Bytes of the first window.
    pub initial_bytes: u32,
    /// Bytes at which it stops growing.
    pub max_bytes: u32,
    /// After this long without sending the window is the first one again, s.
    pub idle_s: f64,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self {
            // Ten segments of 1,460 bytes: RFC 6928.
            initial_bytes: 14_600,
            max_bytes: 4 << 20,
            idle_s: 1.0,
        }
    }
}
