//! Bringing a node's memory near before it is needed.
//!
//! With many nodes nearly all of a run's time is waiting for memory: an event touches some twenty places that no cache
//! holds, each found by way of the one before. Looking at the same depth of several nodes at once lets the processor
//! wait for all of them together. What is read here changes nothing.

use super::node::{Node, Topic};

/// How deep [`Node::near`] goes: 0 is the node itself, and each number behind it is one pointer further.
pub const DEPTHS: u32 = 3;

impl Node {
    /// Reads what lies at one depth. The sum means nothing; it keeps the reads from being left out.
    pub fn near(&self, depth: u32) -> u64 {
        // Every second peer or counter, for two of them share a cache line.
        let topic = |topic: &Topic| topic.stats.len() + topic.backoffs.len() + topic.mesh.words();
        let stats = |topic: &Topic| topic.stats.iter().step_by(2).map(|stats| stats.decays as usize).sum();
        let sum: usize = match depth {
            0 => {
                self.ticks as usize
                    + self.peers.len()
                    + self.topics.len()
                    + self.outbound.words()
                    + self.cache.near(0)
                    + self.seen.near(0)
                    + self.asked.len()
                    + self.penalties.len()
            }
            1 => {
                self.peers.iter().step_by(2).map(|peer| peer.id as usize).sum::<usize>()
                    + self.topics.first().map_or(0, topic)
                    + self.cache.near(1)
                    + self.seen.near(1)
                    + self.asked.first().map_or(0, |asked| asked.ids as usize)
            }
            _ => self.topics.first().map_or(0, stats),
        };
        sum as u64
    }
}
