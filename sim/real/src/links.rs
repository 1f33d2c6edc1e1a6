//! What bytes go through between two nodes: latency, jitter, loss as a retransmission's delay, and the queues before a
//! narrow line.

use intentcast_sim::scenario::{self, Latency, Scenario};

use crate::clock::{MILLISECOND, Nanos};
use crate::dice::{self, Dice};

/// The links of one run. Latencies are a pure function of the seed and the pair; the rest draws as bytes are sent.
#[derive(Debug)]
pub struct Links {
    seed: u64,
    latency: Latency,
    jitter: f64,
    loss: f64,
    retransmit: Nanos,
    round_trips: f64,
    dice: Dice,
    overhead: u64,
    /// Bits per second.
    up: Option<f64>,
    down: Option<f64>,
}

impl Links {
    /// Those of a scenario.
    pub fn of(scenario: &Scenario, seed: u64) -> Result<Self, String> {
        let links = &scenario.links;
        if let Latency::Matrix(name) = &links.latency {
            return Err(format!("links.latency: the matrix {name} cannot be read at this level"));
        }
        let bandwidth = links.bandwidth.as_ref();
        Ok(Self {
            seed,
            latency: links.latency.clone(),
            jitter: links.jitter,
            loss: links.loss,
            retransmit: scenario::millis(links.retransmit_ms),
            round_trips: links.handshake_round_trips,
            dice: Dice::new(seed, "links"),
            overhead: links.overhead_bytes.into(),
            up: bandwidth.map(|bandwidth| bandwidth.up_bps),
            down: bandwidth.map(|bandwidth| bandwidth.down_bps),
        })
    }

    /// One way between two nodes, the same in both directions; never nothing.
    pub fn latency(&self, a: u32, b: u32) -> Nanos {
        let ms = match self.latency {
            Latency::ConstantMs(ms) => ms,
            Latency::UniformMs([from, to]) => from + (to - from) * self.pair(a, b, 0),
            Latency::LogNormal { median_ms, sigma } => {
                let radius = (-2.0 * (1.0 - self.pair(a, b, 0)).ln()).sqrt();
                median_ms * (sigma * radius * (std::f64::consts::TAU * self.pair(a, b, 1)).cos()).exp()
            }
            Latency::Matrix(_) => 0.0,
        };
        ((ms * MILLISECOND as f64) as Nanos).max(1)
    }

    /// A number from zero to below one that belongs to this pair.
    fn pair(&self, a: u32, b: u32, which: u64) -> f64 {
        let pair = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
        let mixed = dice::mix(dice::mix(self.seed ^ dice::mix(which)) ^ pair);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From a dial to the connection.
    pub fn handshake(&self, a: u32, b: u32) -> Nanos {
        (self.round_trips * 2.0 * self.latency(a, b) as f64) as Nanos
    }

    /// On the way, with jitter and what a loss costs.
    pub fn travel(&mut self, from: u32, to: u32) -> Nanos {
        let latency = self.latency(from, to);
        let mut travel = latency;
        if self.jitter > 0.0 {
            travel += (latency as f64 * self.jitter * self.dice.unit()) as Nanos;
        }
        if self.loss > 0.0 {
            // The second copy may be lost, too, and then waits twice as long.
            let mut wait = self.retransmit;
            while self.dice.unit() < self.loss && wait < self.retransmit << 6 {
                travel += wait;
                wait *= 2;
            }
        }
        travel
    }

    /// How long a node's line is busy sending these bytes.
    pub fn sending(&self, bytes: usize) -> Nanos {
        self.busy(self.up, bytes)
    }

    /// How long a node's line is busy receiving these bytes.
    pub fn receiving(&self, bytes: usize) -> Nanos {
        self.busy(self.down, bytes)
    }

    fn busy(&self, bits_per_second: Option<f64>, bytes: usize) -> Nanos {
        let bits = (bytes as u64 + self.overhead) as f64 * 8.0;
        bits_per_second.map_or(0, |line| (bits * 1e9 / line) as Nanos)
    }
}
