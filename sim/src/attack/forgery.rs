//! Forgery: intents with bad signatures, and good ones said again.
//!
//! By turns an attacker sends all its peers a message that no validator accepts, and one that was accepted long ago:
//! one that the duplicate caches have forgotten where there is any, else the one heard last. For the rest it behaves.
//! The model's validators know signatures, not what the market above them remembers: a replay past the cache's time is
//! passed on here, while the product's own node knows the intent's record and its end.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use crate::engine::{Aim, Conduct};
use crate::gossipsub::{Actions, Event, Node, Rpc, World};
use crate::scenario::{Scenario, seconds};

/// Messages a second of each, where the scenario does not say.
const RATE: f64 = 1.0;
/// Forged messages of one attack.
const MOST: u32 = 1 << 20;
/// Beyond the cache's time, ns: nodes heard it at different times, and their caches forget late.
const SLACK: u64 = 2_000_000_000;

fn rate(aim: &Aim) -> f64 {
    aim.attack.rate_per_s.unwrap_or(RATE).max(1e-6)
}

/// Forged messages that one attacker needs.
fn each(scenario: &Scenario, aim: &Aim) -> u32 {
    let end = scenario.length_ns().min(aim.attack.stop_s.map_or(u64::MAX, seconds));
    let length = end.saturating_sub(seconds(aim.attack.start_s)) as f64 / 1e9;
    let most = MOST / (aim.last - aim.first).max(1);
    ((length * rate(aim) / 2.0).ceil() as u32 + 1).min(most.max(1))
}

/// Forged messages of a whole attack.
pub fn stock(scenario: &Scenario, aim: &Aim) -> u32 {
    (aim.last - aim.first).saturating_mul(each(scenario, aim))
}

/// One of them.
#[derive(Debug)]
pub struct Forger {
    next: u64,
    interval: u64,
    forged: Range<u32>,
    replays: bool,
    cache: u64,
    /// What it heard, and when it was last said, the oldest first.
    heard: VecDeque<(u64, u32)>,
    known: BTreeSet<u32>,
}

impl Forger {
    /// The attacker of this number; `stock` is the whole attack's.
    pub fn new(scenario: &Scenario, aim: &Aim, number: u32, stock: Range<u32>) -> Self {
        let interval = seconds(1.0 / rate(aim)).max(1);
        let each = each(scenario, aim);
        let first = stock.start + number * each;
        Self {
            next: seconds(aim.attack.start_s) + interval + interval / 64 * u64::from(number % 64),
            interval,
            forged: first..(first + each).min(stock.end),
            replays: false,
            cache: seconds(scenario.gossipsub.duplicate_cache_s),
            heard: VecDeque::new(),
            known: BTreeSet::new(),
        }
    }

    fn replay(&mut self, now: u64) -> Option<u32> {
        let old = self.cache.saturating_add(SLACK);
        match self.heard.front() {
            Some((at, _)) if at.saturating_add(old) <= now => {
                let (_, message) = self.heard.pop_front()?;
                self.heard.push_back((now, message));
                Some(message)
            }
            _ => self.heard.back().map(|(_, message)| *message),
        }
    }
}

impl Conduct for Forger {
    fn hears(&mut self, now: u64, world: &World, _node: &Node, event: &Event) -> bool {
        if let Event::Received(_, Rpc::Publish { message, .. }) = event
            && world.message(*message).is_some_and(|known| known.valid)
            && self.known.insert(*message)
        {
            self.heard.push_back((now, *message));
        }
        true
    }

    fn wakes_at(&self) -> Option<u64> {
        Some(self.next)
    }

    fn wakes(&mut self, now: u64, _world: &World, node: &mut Node, actions: &mut Actions) {
        self.next = now + self.interval;
        self.replays = !self.replays;
        let message = if self.replays {
            self.forged.next()
        } else {
            self.replay(now)
        };
        let Some(message) = message else {
            return;
        };
        let peers = (0..node.peers().len() as u32).filter(|slot| node.is_connected(*slot));
        actions
            .sends
            .extend(peers.map(|slot| (slot, Rpc::Publish { message, hops: 1 })));
    }
}
