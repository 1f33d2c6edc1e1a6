//! Gossip about messages: IHAVE, IWANT, and the promises that lie in them.

use super::node::{Actions, Node};
use super::rpc::Rpc;
use super::settings::World;

/// A peer that said it has a message, and was asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Promise {
    pub message: u32,
    pub slot: u32,
    /// ns.
    pub until: u64,
}

/// What one peer offered and was asked for since the last heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub slot: u32,
    pub offers: u32,
    pub ids: u32,
}

/// How often a peer has asked for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub message: u32,
    pub slot: u32,
    pub times: u32,
}

impl Node {
    /// IHAVE: asks for what is neither seen nor promised (`behaviour.rs`, `handle_ihave`).
    pub(super) fn offered(&mut self, now: u64, world: &World, slot: u32, ids: &[u32], out: &mut Actions) {
        let settings = &world.settings;
        if self.below(now, world, slot, |scoring| scoring.rates.gossip_threshold) {
            return;
        }
        let asked = self.asked_of(slot);
        asked.offers += 1;
        if asked.offers > settings.max_ihave_messages || asked.ids as usize >= settings.max_ids {
            return;
        }
        let left = settings.max_ids - asked.ids as usize;

        let mut wants = std::mem::take(&mut out.ids);
        wants.clear();
        for id in ids {
            // Nearly all are seen, so that is asked first.
            if self.seen.has(*id) || self.is_promised(*id) || wants.contains(id) {
                continue;
            }
            let topic = world.message(*id).and_then(|message| self.topic(message.topic));
            if topic.is_some_and(|topic| topic.joined) {
                wants.push(*id);
            }
        }
        if !wants.is_empty() {
            // In random order, so that those past the limit are not always the same.
            self.chance.shuffle(&mut wants);
            wants.truncate(left);
            self.asked_of(slot).ids += wants.len() as u32;
            for message in &wants {
                let until = now.saturating_add(settings.iwant_followup);
                self.promises.push(Promise {
                    message: *message,
                    slot,
                    until,
                });
            }
            out.send(slot, Rpc::iwant(&wants));
        }
        out.ids = wants;
    }

    fn asked_of(&mut self, slot: u32) -> &mut Asked {
        let at = match self.asked.iter().position(|asked| asked.slot == slot) {
            Some(at) => at,
            None => {
                self.asked.push(Asked {
                    slot,
                    offers: 0,
                    ids: 0,
                });
                self.asked.len() - 1
            }
        };
        &mut self.asked[at]
    }

    fn is_promised(&self, message: u32) -> bool {
        self.promises.iter().any(|promise| promise.message == message)
    }

    /// IWANT: gives accepted messages that the cache still holds, each a few times to each peer (`behaviour.rs`,
    /// `handle_iwant`; `mcache.rs`, `get_with_iwant_counts`).
    pub(super) fn wanted(&mut self, now: u64, world: &World, slot: u32, ids: &[u32], out: &mut Actions) {
        if self.below(now, world, slot, |scoring| scoring.rates.gossip_threshold) {
            return;
        }
        for id in ids {
            let Some(recent) = self.cache.entry(*id).filter(|recent| recent.held && recent.accepted) else {
                continue;
            };
            let (unwanted, hops) = (recent.unwanted.has(slot), recent.hops);
            let before = self.answered.iter().position(|a| a.message == *id && a.slot == slot);
            let answered = match before {
                Some(at) => &mut self.answered[at],
                None => {
                    self.answered.push(Answered {
                        message: *id,
                        slot,
                        times: 0,
                    });
                    self.answered.last_mut().expect("one was pushed")
                }
            };
            answered.times += 1;
            if answered.times <= world.settings.gossip_retransmission && !unwanted {
                let hops = hops.saturating_add(1);
                out.send(slot, Rpc::Publish { message: *id, hops });
            }
        }
    }

    /// At a heartbeat: counts begin anew, and promises that were not kept cost (`behaviour.rs`, `heartbeat`,
    /// `apply_iwant_penalties`; `gossip_promises.rs`, `get_broken_promises`).
    pub(super) fn settle_promises(&mut self, now: u64, world: &World) {
        self.asked.clear();
        // The original looks at promises only to punish; without scores a broken one stays, and its message is not
        // asked for again.
        if self.promises.is_empty() || world.settings.scoring.is_none() {
            return;
        }
        let broken: Vec<u32> = self.promises.iter().filter(|p| p.until < now).map(|p| p.slot).collect();
        self.promises.retain(|promise| promise.until >= now);
        for slot in broken {
            self.penalise(now, world, slot, 1);
        }
    }

    /// At a heartbeat: tells some peers outside the mesh, or the fanout, what was accepted lately (`behaviour.rs`,
    /// `emit_gossip`).
    pub(super) fn emit_gossip(&mut self, now: u64, world: &World, out: &mut Actions) {
        if self.cache.is_empty() {
            return;
        }
        let settings = &world.settings;
        // This heartbeat is counted already; a message of the time since the last one is of age 0.
        let before = self.ticks - 1;
        for at in 0..self.topics.len() {
            let topic = &self.topics[at];
            if !topic.joined && topic.fanout_since.is_none() {
                continue;
            }
            out.ids.clear();
            let fresh = self
                .cache
                .iter()
                .filter(|recent| recent.held && recent.accepted && before - recent.tick < settings.history_gossip);
            out.ids.extend(
                fresh
                    .map(|recent| recent.message)
                    .filter(|message| world.message(*message).is_some_and(|message| message.topic == topic.id)),
            );
            if out.ids.is_empty() {
                continue;
            }
            out.scratch.clear();
            out.scratch.extend(topic.subscribers.without(&topic.mesh));
            if !self.is_clean(world) {
                let mut others = std::mem::take(&mut out.scratch);
                others.retain(|slot| !self.below(now, world, *slot, |scoring| scoring.rates.gossip_threshold));
                out.scratch = others;
            }
            let share = (settings.gossip_factor * out.scratch.len() as f64) as usize;
            self.chance.sample(&mut out.scratch, settings.d_lazy.max(share));
            for slot in &out.scratch {
                let ihave = if out.ids.len() > settings.max_ids {
                    let mut some = out.ids.clone();
                    self.chance.sample(&mut some, settings.max_ids);
                    Rpc::ihave(&some)
                } else {
                    Rpc::ihave(&out.ids)
                };
                out.sends.push((*slot, ihave));
            }
        }
    }
}
