//! The heartbeat: the mesh is mended, gossip told, and what has aged let go.

use super::bits::Bits;
use super::node::{Actions, Node};
use super::rpc::Rpc;
use super::settings::World;

/// Heartbeats after which an IDONTWANT is forgotten (`behaviour.rs`, `IDONTWANT_TIMEOUT`: 3 s), ns.
const UNWANTED_FOR: u64 = 3_000_000_000;

/// Decay intervals after which a rejected message is forgotten (`peer_score.rs`, `TIME_CACHE_DURATION`: 120 s), ns.
const REJECTED_FOR: u64 = 120_000_000_000;

/// Heartbeats between two looks for counters that are nothing.
const TIDY_TICKS: u32 = 64;

impl Node {
    /// In the order of the original (`behaviour.rs`, `heartbeat`).
    pub(super) fn heartbeat(&mut self, now: u64, world: &World, out: &mut Actions) {
        let settings = &world.settings;
        let done = self.ticks;
        self.ticks += 1;
        for topic in &mut self.topics {
            topic.clear_backoffs(now, done, settings);
        }
        self.settle_promises(now, world);

        // GRAFT and PRUNE go out after the gossip.
        let mut changes: Vec<(usize, Change)> = Vec::new();
        for at in 0..self.topics.len() {
            if self.topics[at].joined {
                self.mend(now, world, at, out, &mut changes);
            }
        }
        self.mend_fanouts(now, world, out);
        self.emit_gossip(now, world, out);
        for (at, change) in changes {
            match change {
                Change::Graft(slot) => {
                    self.score_grafted(now, world, slot, at);
                    out.send(slot, Rpc::Graft(self.topics[at].id));
                }
                Change::Prune(slot) => self.send_prune(now, world, slot, at, settings.prune_backoff, out),
            }
        }
        self.age(world);
        if self.ticks.is_multiple_of(TIDY_TICKS) {
            self.tidy_scores(now, world);
        }
    }

    /// One topic's mesh.
    fn mend(&mut self, now: u64, world: &World, at: usize, out: &mut Actions, changes: &mut Vec<(usize, Change)>) {
        let settings = &world.settings;
        if !self.is_clean(world) {
            let bad = self.topics[at]
                .mesh
                .iter()
                .filter(|slot| self.below(now, world, *slot, |_| 0.0));
            for slot in bad.collect::<Vec<_>>() {
                self.topics[at].mesh.take(slot);
                changes.push((at, Change::Prune(slot)));
            }
        }

        let size = self.topics[at].mesh.len();
        if size < settings.d_low {
            self.graft_some(at, settings.d - size, out, changes, |node, slot| {
                !node.below(now, world, slot, |_| 0.0)
            });
        }

        if self.topics[at].mesh.len() >= settings.d_high {
            self.prune_some(now, world, at, changes);
        }

        let topic = &self.topics[at];
        if topic.mesh.len() >= settings.d_low {
            let outbound = topic.mesh.common(&self.outbound);
            if outbound < settings.d_out {
                self.graft_some(at, settings.d_out - outbound, out, changes, |node, slot| {
                    node.outbound.has(slot) && !node.below(now, world, slot, |_| 0.0)
                });
            }
        }

        if let Some(scoring) = &settings.scoring
            && self.ticks.is_multiple_of(settings.opportunistic_graft_ticks)
            && self.topics[at].mesh.len() > 1
        {
            let mut scores: Vec<f64> = self.topics[at]
                .mesh
                .iter()
                .map(|slot| self.score(now, world, slot))
                .collect();
            scores.sort_by(f64::total_cmp);
            let middle = scores.len() / 2;
            let median = match scores.len() % 2 {
                0 => (scores[middle - 1] + scores[middle]) * 0.5,
                _ => scores[middle],
            };
            if median < scoring.rates.opportunistic_graft_threshold {
                let n = settings.opportunistic_graft_peers;
                self.graft_some(at, n, out, changes, |node, slot| node.score(now, world, slot) > median);
            }
        }
    }

    /// Grafts up to `n` of the topic's peers outside the mesh that are fit and not backed off, by chance
    /// (`behaviour.rs`, `get_random_peers`).
    fn graft_some(
        &mut self,
        at: usize,
        n: usize,
        out: &mut Actions,
        changes: &mut Vec<(usize, Change)>,
        fit: impl Fn(&Self, u32) -> bool,
    ) {
        let mut some = std::mem::take(&mut out.scratch);
        some.clear();
        let topic = &self.topics[at];
        let others = topic.subscribers.without(&topic.mesh);
        some.extend(others.filter(|slot| !topic.is_backed_off(*slot) && fit(self, *slot)));
        self.chance.sample(&mut some, n);
        for slot in &some {
            self.topics[at].mesh.put(*slot);
            changes.push((at, Change::Graft(*slot)));
        }
        out.scratch = some;
    }

    /// Down to `d`: the worst first, but by chance among all that are not of the best `retain_scores`, and never below
    /// `d_out` outbound ones.
    fn prune_some(&mut self, now: u64, world: &World, at: usize, changes: &mut Vec<(usize, Change)>) {
        let settings = &world.settings;
        let mut peers: Vec<u32> = self.topics[at].mesh.iter().collect();
        let excess = peers.len() - settings.d;
        self.chance.shuffle(&mut peers);
        if settings.scoring.is_some() {
            let mut scored: Vec<(u32, f64)> = peers
                .iter()
                .map(|slot| (*slot, self.score(now, world, *slot)))
                .collect();
            scored.sort_by(|a, b| a.1.total_cmp(&b.1));
            peers.clear();
            peers.extend(scored.into_iter().map(|(slot, _)| slot));
        }
        if peers.len() > settings.retain_scores {
            let rest = peers.len() - settings.retain_scores;
            self.chance.shuffle(&mut peers[..rest]);
        }
        let mut outbound = self.topics[at].mesh.common(&self.outbound);
        let mut removed = 0;
        for slot in peers {
            if removed == excess {
                break;
            }
            if self.outbound.has(slot) {
                if outbound <= settings.d_out {
                    continue;
                }
                outbound -= 1;
            }
            self.topics[at].mesh.take(slot);
            changes.push((at, Change::Prune(slot)));
            removed += 1;
        }
    }

    /// Fanouts: forgotten when unused, rid of peers that left the topic or lost their score, filled up to `d`.
    fn mend_fanouts(&mut self, now: u64, world: &World, out: &mut Actions) {
        let settings = &world.settings;
        for at in 0..self.topics.len() {
            let topic = &mut self.topics[at];
            let Some(since) = topic.fanout_since.filter(|_| !topic.joined) else {
                continue;
            };
            if settings.fanout_ttl < now.saturating_sub(since) {
                topic.fanout_since = None;
                topic.mesh.clear();
                continue;
            }
            let low = |node: &Self, slot: u32| node.below(now, world, slot, |scoring| scoring.rates.publish_threshold);
            let topic = &self.topics[at];
            let stay = topic
                .mesh
                .iter()
                .filter(|slot| topic.subscribers.has(*slot) && !low(self, *slot));
            let mut fanout = Bits::default();
            for slot in stay {
                fanout.put(slot);
            }
            let mut some = std::mem::take(&mut out.scratch);
            some.clear();
            some.extend(topic.subscribers.without(&fanout).filter(|slot| !low(self, *slot)));
            self.chance.sample(&mut some, settings.d.saturating_sub(fanout.len()));
            for slot in &some {
                fanout.put(*slot);
            }
            out.scratch = some;
            self.topics[at].mesh = fanout;
        }
    }

    /// The cache shifts (`mcache.rs`, `shift`), and what peers said of old messages is forgotten.
    fn age(&mut self, world: &World) {
        if self.cache.is_empty() {
            return;
        }
        let settings = &world.settings;
        let (ticks, heartbeat) = (self.ticks, settings.heartbeat);
        let unwanted_for = UNWANTED_FOR.div_ceil(heartbeat) as u32;
        let rejected_for = REJECTED_FOR.div_ceil(heartbeat) as u32;
        let answered = &mut self.answered;
        self.cache.retain(|recent| {
            if recent.held && ticks - recent.tick >= settings.history_length {
                recent.held = false;
                answered.retain(|answered| answered.message != recent.message);
            }
            if ticks - recent.unwanted_tick > unwanted_for && !recent.unwanted.is_empty() {
                recent.unwanted.clear();
            }
            let rejected = recent.rejected && ticks - recent.tick < rejected_for;
            recent.held || rejected || !recent.unwanted.is_empty()
        });
    }
}

/// What becomes of one peer in one mesh.
enum Change {
    Graft(u32),
    Prune(u32),
}
