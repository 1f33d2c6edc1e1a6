//! Control spam: floods of GRAFT, PRUNE, IHAVE and IWANT.
//!
//! To each peer in turn: a GRAFT, a PRUNE with a short backoff, which makes the next GRAFT a broken one; an IHAVE of
//! messages that do not exist, so that every answer is a promise to be broken; an IWANT of the message heard last.
//! Messages it hears it keeps to itself.

use std::ops::Range;

use crate::engine::{Aim, Conduct, Plan};
use crate::gossipsub::{Actions, Event, Node, Rpc, World};
use crate::scenario::seconds;

/// Messages that are told of and do not exist, for all attackers of an attack.
pub const PHANTOMS: u32 = 1_024;
/// Told of in one IHAVE.
const TOLD: u32 = 8;
/// What its PRUNE asks for, s.
const BACKOFF_S: u32 = 1;
/// Control messages a second, where the scenario does not say.
const RATE: f64 = 100.0;

/// One of them.
#[derive(Debug)]
pub struct ControlSpam {
    next: u64,
    interval: u64,
    /// Messages sent.
    sent: u32,
    /// The peer whose turn it is.
    turn: u32,
    topics: u32,
    phantoms: Range<u32>,
    heard: Option<u32>,
}

impl ControlSpam {
    /// The attacker of this number.
    pub fn new(plan: &Plan, aim: &Aim, number: u32, phantoms: Range<u32>) -> Self {
        let rate = aim.attack.rate_per_s.unwrap_or(RATE).max(1e-6);
        let interval = seconds(1.0 / rate).max(1);
        // They do not all speak at the same instant.
        let phase = interval / 64 * u64::from(number % 64);
        Self {
            next: seconds(aim.attack.start_s) + interval + phase,
            interval,
            sent: 0,
            turn: 0,
            topics: plan.scenario.topics.count.max(1),
            phantoms,
            heard: None,
        }
    }

    fn phantoms(&self) -> Vec<u32> {
        let all = self.phantoms.end - self.phantoms.start;
        // Those of one IHAVE are of one topic.
        let topic = self.sent / 4 % self.topics;
        (0..TOLD)
            .map(|n| (topic + self.topics * (self.sent / 4 * TOLD + n)) % all)
            .filter(|at| at % self.topics == topic)
            .map(|at| self.phantoms.start + at)
            .collect()
    }

    /// The next frame, and whether this peer's turn is over.
    fn frame(&self) -> (Option<Rpc>, bool) {
        let topic = self.sent / 4 % self.topics;
        match self.sent % 4 {
            0 => (Some(Rpc::Graft(topic)), false),
            1 => {
                let backoff_s = BACKOFF_S;
                (Some(Rpc::Prune { topic, backoff_s }), false)
            }
            2 => (Some(Rpc::ihave(&self.phantoms())), false),
            _ => (self.heard.map(|message| Rpc::iwant(&[message])), true),
        }
    }
}

impl Conduct for ControlSpam {
    fn hears(&mut self, _now: u64, _world: &World, _node: &Node, event: &Event) -> bool {
        if let Event::Received(_, Rpc::Publish { message, .. }) = event {
            self.heard = Some(*message);
        }
        matches!(
            event,
            Event::Connected { .. } | Event::Disconnected(_) | Event::Subscribe(_) | Event::Unsubscribe(_)
        )
    }

    fn wakes_at(&self) -> Option<u64> {
        Some(self.next)
    }

    fn wakes(&mut self, now: u64, _world: &World, node: &mut Node, actions: &mut Actions) {
        self.next = now + self.interval;
        let peers = node.peers().len() as u32;
        let Some(slot) = (0..peers)
            .map(|step| (self.turn + step) % peers)
            .find(|slot| node.is_connected(*slot))
        else {
            return;
        };
        let (frame, over) = self.frame();
        self.sent += 1;
        self.turn = if over { slot + 1 } else { slot };
        actions.sends.extend(frame.map(|rpc| (slot, rpc)));
    }
}
