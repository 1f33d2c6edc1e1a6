//! Who is in the mesh: GRAFT, PRUNE, and how long after a PRUNE nobody grafts again.

use super::node::{Actions, Node, Topic};
use super::rpc::Rpc;
use super::settings::{Settings, World};

/// A peer that must not be grafted for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backoff {
    pub slot: u32,
    /// Heartbeat at which it may be cleared, modulo [`wheel`].
    pub tick: u32,
    /// Until when, ns.
    pub until: u64,
}

/// When a removal from the mesh sets a backoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// In any case.
    Always,
    /// If the peer was in the mesh.
    IfInMesh,
}

/// Most that a peer's PRUNE can ask for: an hour (`behaviour.rs`, `MAX_REMOTE_PRUNE_BACKOFF_SECONDS`).
const MAX_REMOTE_BACKOFF_S: u32 = 3_600;

/// Heartbeats after which the original looks at the same backoffs again (`backoff.rs`, `BackoffStorage::new`).
fn wheel(settings: &Settings) -> u32 {
    settings.prune_backoff.div_ceil(settings.heartbeat) as u32 + settings.backoff_slack + 1
}

impl Topic {
    /// Whether a backoff is remembered, which is longer than it is in force (`backoff.rs`, `is_backoff_with_slack`).
    pub fn is_backed_off(&self, slot: u32) -> bool {
        self.backoffs.iter().any(|backoff| backoff.slot == slot)
    }

    fn backed_off_until(&self, slot: u32) -> Option<u64> {
        self.backoffs
            .iter()
            .find(|backoff| backoff.slot == slot)
            .map(|backoff| backoff.until)
    }

    /// Backs off, unless it is for longer already (`backoff.rs`, `update_backoff`).
    pub fn back_off(&mut self, now: u64, ticks: u32, settings: &Settings, slot: u32, time: u64) {
        let after = time.div_ceil(settings.heartbeat) as u32 + settings.backoff_slack;
        let backoff = Backoff {
            slot,
            tick: (ticks + after) % wheel(settings),
            until: now.saturating_add(time),
        };
        match self.backoffs.iter_mut().find(|backoff| backoff.slot == slot) {
            Some(held) if held.until < backoff.until => *held = backoff,
            Some(_) => {}
            None => {
                if self.backoffs.capacity() == self.backoffs.len() {
                    self.backoffs.reserve_exact(2);
                }
                self.backoffs.push(backoff);
            }
        }
    }

    /// Forgets backoffs that are over by the slack, of those whose turn it is at this heartbeat (`backoff.rs`,
    /// `heartbeat`).
    pub fn clear_backoffs(&mut self, now: u64, done: u32, settings: &Settings) {
        if self.backoffs.is_empty() {
            return;
        }
        let turn = done % wheel(settings);
        let slack = settings.heartbeat * u64::from(settings.backoff_slack);
        self.backoffs
            .retain(|backoff| backoff.tick != turn || backoff.until.saturating_add(slack) > now);
    }
}

impl Node {
    /// GRAFT (`behaviour.rs`, `handle_graft`).
    pub(super) fn grafted(&mut self, now: u64, world: &World, slot: u32, id: u32, out: &mut Actions) {
        let settings = &world.settings;
        // For a topic that we have not joined: ignored, so that nobody learns what we have not joined.
        let Some(at) = self.topic_at(id).filter(|at| self.topics[*at].joined) else {
            return;
        };
        if self.topics[at].mesh.has(slot) {
            return;
        }
        if let Some(until) = self.topics[at].backed_off_until(slot)
            && until > now
        {
            self.penalise(now, world, slot, 1);
            // Soon after the PRUNE it counts twice.
            let soon = settings.prune_backoff.checked_sub(settings.graft_flood_threshold);
            if soon.is_none_or(|required| until - now > required) {
                self.penalise(now, world, slot, 1);
            }
            self.send_prune(now, world, slot, at, settings.prune_backoff, out);
            return;
        }
        if self.below(now, world, slot, |_| 0.0) {
            self.send_prune(now, world, slot, at, settings.prune_backoff, out);
            return;
        }
        if !self.topics[at].subscribers.has(slot) {
            return;
        }
        if self.topics[at].mesh.len() >= settings.d_high && !self.outbound.has(slot) {
            self.send_prune(now, world, slot, at, settings.prune_backoff, out);
            return;
        }
        self.topics[at].mesh.put(slot);
        self.score_grafted(now, world, slot, at);
    }

    /// PRUNE: out of the mesh, and backed off as long as the peer says, in the mesh or not (`behaviour.rs`,
    /// `handle_prune`).
    pub(super) fn pruned(&mut self, now: u64, world: &World, slot: u32, id: u32, backoff_s: u32) {
        if let Some(at) = self.topic_at(id).filter(|at| self.topics[*at].joined) {
            let time = u64::from(backoff_s.min(MAX_REMOTE_BACKOFF_S)) * 1_000_000_000;
            self.drop_from_mesh(now, world, slot, at, Some(time), Held::Always);
        }
    }

    /// `behaviour.rs`, `remove_peer_from_mesh`.
    pub(super) fn drop_from_mesh(
        &mut self,
        now: u64,
        world: &World,
        slot: u32,
        at: usize,
        time: Option<u64>,
        held: Held,
    ) {
        let was_in = self.topics[at].mesh.take(slot);
        if was_in {
            self.score_pruned(now, world, slot, at);
        }
        if was_in || held == Held::Always {
            let time = time.unwrap_or(world.settings.prune_backoff);
            self.topics[at].back_off(now, self.ticks, &world.settings, slot, time);
        }
    }

    /// Sends PRUNE and backs off on our side, too (`behaviour.rs`, `make_prune`).
    pub(super) fn send_prune(
        &mut self,
        now: u64,
        world: &World,
        slot: u32,
        at: usize,
        backoff: u64,
        out: &mut Actions,
    ) {
        self.score_pruned(now, world, slot, at);
        let topic = &mut self.topics[at];
        topic.back_off(now, self.ticks, &world.settings, slot, backoff);
        let backoff_s = (backoff / 1_000_000_000) as u32;
        out.send(
            slot,
            Rpc::Prune {
                topic: topic.id,
                backoff_s,
            },
        );
    }
}
