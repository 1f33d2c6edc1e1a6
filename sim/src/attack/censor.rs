//! Censor: nodes that pass on everything but what some publishers say; a black hole where that is everyone.
//!
//! A censor is an honest node to everybody whose messages it does not drop, and earns its score with those. Of what it
//! drops it does not even tell: no copy, no IHAVE, no answer to IWANT.

use std::sync::Arc;

use crate::engine::{Aim, Conduct, Plan};
use crate::gossipsub::{Actions, Chance, Event, List, Node, Rpc, World, mix2};

const FOR_CENSORED: u64 = 9;

/// One of them.
#[derive(Debug)]
pub struct Censor {
    /// Of each message, whether it is dropped.
    dropped: Arc<Vec<bool>>,
}

/// The publishers whose messages are dropped, ascending: a share of those that publish at all, one at least.
pub fn censored(plan: &Plan, aim: &Aim) -> Vec<u32> {
    let mut publishers: Vec<u32> = plan.published.iter().map(|message| message.node).collect();
    publishers.sort_unstable();
    publishers.dedup();
    let share = aim.attack.censored.unwrap_or(1.0);
    let n = ((publishers.len() as f64 * share).round() as usize).max(1);
    let mut chance = Chance::of(mix2(plan.seed, FOR_CENSORED), u64::from(aim.first));
    chance.sample(&mut publishers, n);
    publishers.sort_unstable();
    publishers
}

impl Censor {
    /// One of an attack.
    pub fn new(plan: &Plan, aim: &Aim) -> Self {
        let censored = censored(plan, aim);
        let is_dropped = |node: u32| censored.binary_search(&node).is_ok();
        let dropped = plan.published.iter().map(|message| is_dropped(message.node)).collect();
        Self {
            dropped: Arc::new(dropped),
        }
    }

    fn drops(&self, message: u32) -> bool {
        self.dropped.get(message as usize).copied().unwrap_or(false)
    }
}

impl Conduct for Censor {
    fn acts(&mut self, _now: u64, _world: &World, _node: &mut Node, _event: &Event, actions: &mut Actions) {
        actions.sends.retain_mut(|(_, rpc)| match rpc {
            Rpc::Publish { message, .. } => !self.drops(*message),
            Rpc::List(ids) if ids.list() == List::IHave => {
                let told: Vec<u32> = ids.all().iter().copied().filter(|id| !self.drops(*id)).collect();
                let some = !told.is_empty();
                *rpc = Rpc::ihave(&told);
                some
            }
            _ => true,
        });
    }
}
