//! What a node thinks of its peers: P1 to P7, their decay, and what a peer that left leaves behind.
//!
//! The original walks over all peers at every decay (`peer_score.rs`, `refresh_scores`). Here each counter knows the
//! decay that it was last brought up to, and is brought up to date when it is looked at: the same values, and a peer
//! that nobody asks about costs nothing.

use super::bits::Bits;
use super::cache::NOBODY;
use super::node::Node;
use super::settings::{ScoreSettings, World};

/// A peer's counters in one topic (`peer_score.rs`, `TopicStats`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stats {
    pub slot: u32,
    /// Decays that the counters have been through.
    pub decays: u32,
    /// Since when it is in the mesh, ns; [`NOT_IN_MESH`] if it is not.
    pub grafted: u64,
    /// P2.
    pub first: f32,
    /// P3.
    pub mesh: f32,
    /// P3b.
    pub failure: f32,
    /// P4.
    pub invalid: f32,
}

const NOT_IN_MESH: u64 = u64::MAX;

/// A peer's counters in no topic (`peer_score.rs`, `PeerStats`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Penalty {
    pub slot: u32,
    pub decays: u32,
    /// P5.
    pub application: f32,
    /// P7.
    pub behaviour: f32,
    /// Queues that ran over.
    pub slow: f32,
}

/// A counter after so many decays: below the threshold it is nothing. Decay only ever lessens it, so it was above the
/// threshold all the way if it is in the end.
fn decayed(value: f32, rate: f64, times: u32, to_zero: f64) -> f32 {
    if value == 0.0 {
        return value;
    }
    let left = f64::from(value) * rate.powi(times.min(1 << 20) as i32);
    if left < to_zero { 0.0 } else { left as f32 }
}

impl Stats {
    fn of(slot: u32, decays: u32) -> Self {
        Self {
            slot,
            decays,
            grafted: NOT_IN_MESH,
            first: 0.0,
            mesh: 0.0,
            failure: 0.0,
            invalid: 0.0,
        }
    }

    /// Brought up to this decay.
    fn at(mut self, scoring: &ScoreSettings, decays: u32) -> Self {
        let times = decays.saturating_sub(self.decays);
        if times > 0 {
            let (rates, to_zero) = (&scoring.rates.topic, scoring.rates.decay_to_zero);
            self.first = decayed(self.first, rates.first_message_deliveries_decay, times, to_zero);
            self.mesh = decayed(self.mesh, rates.mesh_message_deliveries_decay, times, to_zero);
            self.failure = decayed(self.failure, rates.mesh_failure_penalty_decay, times, to_zero);
            self.invalid = decayed(self.invalid, rates.invalid_message_deliveries_decay, times, to_zero);
            self.decays = decays;
        }
        self
    }

    /// How long it was in the mesh at the last decay, ns; none if it is not in it.
    fn mesh_time(&self, last_decay: u64) -> Option<u64> {
        (self.grafted != NOT_IN_MESH).then(|| last_decay.saturating_sub(self.grafted))
    }

    /// What it lacks of the deliveries that a mesh peer owes, once that counts (`mesh_message_deliveries_active`).
    fn deficit(&self, scoring: &ScoreSettings, last_decay: u64) -> Option<f64> {
        let active = self
            .mesh_time(last_decay)
            .is_some_and(|time| time > scoring.mesh_activation);
        let deficit = scoring.rates.topic.mesh_message_deliveries_threshold - f64::from(self.mesh);
        (active && deficit > 0.0).then_some(deficit)
    }

    /// What the topic adds (`peer_score.rs`, `score_report`).
    fn points(&self, scoring: &ScoreSettings, last_decay: u64) -> f64 {
        let rates = &scoring.rates.topic;
        let mut points = 0.0;
        if let Some(time) = self.mesh_time(last_decay) {
            let quanta = time as f64 / 1e9 / rates.time_in_mesh_quantum_s;
            points += quanta.min(rates.time_in_mesh_cap) * rates.time_in_mesh_weight;
        }
        let first = f64::from(self.first).min(rates.first_message_deliveries_cap);
        points += first * rates.first_message_deliveries_weight;
        if let Some(deficit) = self.deficit(scoring, last_decay) {
            points += deficit * deficit * rates.mesh_message_deliveries_weight;
        }
        points += f64::from(self.failure) * rates.mesh_failure_penalty_weight;
        let invalid = f64::from(self.invalid);
        points += invalid * invalid * rates.invalid_message_deliveries_weight;
        points * rates.topic_weight
    }

    fn is_nothing(&self) -> bool {
        self.grafted == NOT_IN_MESH
            && self.first == 0.0
            && self.mesh == 0.0
            && self.failure == 0.0
            && self.invalid == 0.0
    }
}

impl Penalty {
    fn at(mut self, scoring: &ScoreSettings, decays: u32) -> Self {
        let times = decays.saturating_sub(self.decays);
        if times > 0 {
            let rates = &scoring.rates;
            self.behaviour = decayed(
                self.behaviour,
                rates.behaviour_penalty_decay,
                times,
                rates.decay_to_zero,
            );
            self.slow = decayed(self.slow, rates.slow_peer_decay, times, rates.decay_to_zero);
            self.decays = decays;
        }
        self
    }

    fn points(&self, scoring: &ScoreSettings) -> f64 {
        let rates = &scoring.rates;
        let mut points = f64::from(self.application) * rates.app_specific_weight;
        let excess = f64::from(self.behaviour) - rates.behaviour_penalty_threshold;
        if excess > 0.0 {
            points += excess * excess * rates.behaviour_penalty_weight;
        }
        let excess = f64::from(self.slow) - rates.slow_peer_threshold;
        if excess > 0.0 {
            points += excess * rates.slow_peer_weight;
        }
        points
    }
}

impl Node {
    /// Decays until now, and when the last one was.
    fn decays(&self, now: u64, scoring: &ScoreSettings) -> (u32, u64) {
        let done = now.saturating_sub(self.born) / scoring.decay_interval;
        (done as u32, self.born + done * scoring.decay_interval)
    }

    /// A peer's score; zero where peers are not scored (`peer_score.rs`, `score_report`).
    pub fn score(&self, now: u64, world: &World, slot: u32) -> f64 {
        let Some(scoring) = &world.settings.scoring else {
            return 0.0;
        };
        let (decays, last) = self.decays(now, scoring);
        let mut score = 0.0;
        for topic in self.topics.iter().filter(|topic| topic.joined) {
            if let Some(stats) = topic.stats.iter().find(|stats| stats.slot == slot) {
                score += stats.at(scoring, decays).points(scoring, last);
            }
        }
        if scoring.rates.topic_score_cap > 0.0 {
            score = score.min(scoring.rates.topic_score_cap);
        }
        score += self.colocation(world, scoring, slot);
        if let Some(penalty) = self.penalties.iter().find(|penalty| penalty.slot == slot) {
            score += penalty.at(scoring, decays).points(scoring);
        }
        score
    }

    /// P6: peers that share the peer's address, those among them that left and are still remembered.
    fn colocation(&self, world: &World, scoring: &ScoreSettings, slot: u32) -> f64 {
        let rates = &scoring.rates;
        if rates.ip_colocation_factor_weight == 0.0 || world.addresses.is_empty() {
            return 0.0;
        }
        let id = self.peers[slot as usize].id;
        let together = self.peers.iter().filter(|peer| world.same_address(peer.id, id)).count();
        let surplus = together as f64 - rates.ip_colocation_factor_threshold;
        if surplus > 0.0 {
            surplus * surplus * rates.ip_colocation_factor_weight
        } else {
            0.0
        }
    }

    /// Whether no peer's score can be negative, so that nobody has to be looked at.
    pub(super) fn is_clean(&self, world: &World) -> bool {
        match &world.settings.scoring {
            None => true,
            Some(scoring) => !self.soured && !scoring.deficits && world.addresses.is_empty(),
        }
    }

    /// Whether a peer's score is below a threshold; never where peers are not scored (`peer_score.rs`,
    /// `below_threshold`). No threshold that is asked here is above zero.
    pub(super) fn below(&self, now: u64, world: &World, slot: u32, threshold: impl Fn(&ScoreSettings) -> f64) -> bool {
        match &world.settings.scoring {
            Some(scoring) if !self.is_clean(world) => self.score(now, world, slot) < threshold(scoring),
            _ => false,
        }
    }

    fn stats_mut<'a>(&'a mut self, now: u64, scoring: &ScoreSettings, slot: u32, at: usize) -> &'a mut Stats {
        let (decays, _) = self.decays(now, scoring);
        let all = &mut self.topics[at].stats;
        let found = all.iter().position(|stats| stats.slot == slot).unwrap_or_else(|| {
            if all.len() == all.capacity() {
                all.reserve_exact(4);
            }
            all.push(Stats::of(slot, decays));
            all.len() - 1
        });
        let stats = &mut all[found];
        *stats = stats.at(scoring, decays);
        stats
    }

    fn penalty_mut<'a>(&'a mut self, now: u64, scoring: &ScoreSettings, slot: u32) -> &'a mut Penalty {
        let (decays, _) = self.decays(now, scoring);
        let all = &mut self.penalties;
        let found = all.iter().position(|penalty| penalty.slot == slot).unwrap_or_else(|| {
            all.push(Penalty {
                slot,
                decays,
                application: 0.0,
                behaviour: 0.0,
                slow: 0.0,
            });
            all.len() - 1
        });
        let penalty = &mut all[found];
        *penalty = penalty.at(scoring, decays);
        penalty
    }

    /// In the mesh from now on (`peer_score.rs`, `graft`).
    pub(super) fn score_grafted(&mut self, now: u64, world: &World, slot: u32, at: usize) {
        if let Some(scoring) = &world.settings.scoring {
            self.stats_mut(now, scoring, slot, at).grafted = now;
        }
    }

    /// No more in the mesh; what it lacked then is a failure (`peer_score.rs`, `prune`).
    pub(super) fn score_pruned(&mut self, now: u64, world: &World, slot: u32, at: usize) {
        if let Some(scoring) = &world.settings.scoring {
            let (_, last) = self.decays(now, scoring);
            let stats = self.stats_mut(now, scoring, slot, at);
            if let Some(deficit) = stats.deficit(scoring, last) {
                stats.failure += (deficit * deficit) as f32;
            }
            stats.grafted = NOT_IN_MESH;
        }
    }

    /// A message was accepted: its first bringer is thanked, and who brought a copy before the verdict gets credit
    /// for it (`peer_score.rs`, `deliver_message`, `mark_first_message_delivery`).
    pub(super) fn score_delivered(
        &mut self,
        now: u64,
        world: &World,
        from: u32,
        copies: &Bits,
        _message: u32,
        topic: u32,
    ) {
        let Some(scoring) = &world.settings.scoring else {
            return;
        };
        let Some(at) = self.topic_at(topic).filter(|_| from != NOBODY) else {
            return;
        };
        let rates = &scoring.rates.topic;
        let stats = self.stats_mut(now, scoring, from, at);
        stats.first = (stats.first + 1.0).min(rates.first_message_deliveries_cap as f32);
        if stats.grafted != NOT_IN_MESH {
            stats.mesh = (stats.mesh + 1.0).min(rates.mesh_message_deliveries_cap as f32);
        }
        if scoring.deficits {
            for slot in copies.iter().filter(|slot| *slot != from) {
                self.score_copy(now, world, slot, topic, None);
            }
        }
    }

    /// A mesh peer brought a copy: it counts if the verdict is not there yet, or not longer than the window
    /// (`peer_score.rs`, `mark_duplicate_message_delivery`).
    pub(super) fn score_copy(&mut self, now: u64, world: &World, slot: u32, topic: u32, accepted_at: Option<u64>) {
        let Some(scoring) = &world.settings.scoring else {
            return;
        };
        let Some(at) = self.topic_at(topic) else {
            return;
        };
        let stats = self.stats_mut(now, scoring, slot, at);
        let in_time = accepted_at.is_none_or(|accepted| now <= accepted.saturating_add(scoring.mesh_window));
        if stats.grafted != NOT_IN_MESH && in_time {
            let cap = scoring.rates.topic.mesh_message_deliveries_cap as f32;
            stats.mesh = (stats.mesh + 1.0).min(cap);
        }
    }

    /// P4 (`peer_score.rs`, `mark_invalid_message_delivery`).
    pub(super) fn score_invalid(&mut self, now: u64, world: &World, slot: u32, topic: u32) {
        if let Some(scoring) = &world.settings.scoring
            && let Some(at) = self.topic_at(topic).filter(|_| slot != NOBODY)
        {
            self.soured = true;
            self.stats_mut(now, scoring, slot, at).invalid += 1.0;
        }
    }

    /// P7 (`peer_score.rs`, `add_penalty`).
    pub(super) fn penalise(&mut self, now: u64, world: &World, slot: u32, times: u32) {
        if let Some(scoring) = &world.settings.scoring {
            self.soured = true;
            self.penalty_mut(now, scoring, slot).behaviour += times as f32;
        }
    }

    /// A frame for this peer found its queue full (`peer_score.rs`, `failed_message_slow_peer`).
    pub fn peer_was_slow(&mut self, now: u64, world: &World, slot: u32) {
        if let Some(scoring) = &world.settings.scoring {
            self.soured = true;
            self.penalty_mut(now, scoring, slot).slow += 1.0;
        }
    }

    /// P5: what the application says of a peer (`peer_score.rs`, `set_application_score`).
    pub fn set_application_score(&mut self, now: u64, world: &World, slot: u32, score: f64) {
        if let Some(scoring) = &world.settings.scoring {
            self.soured = true;
            self.penalty_mut(now, scoring, slot).application = score as f32;
        }
    }

    /// A peer has gone. A good score is forgotten, a bad one retained, its good sides taken off (`peer_score.rs`,
    /// `remove_peer`).
    pub(super) fn score_leaves(&mut self, now: u64, world: &World, slot: u32) {
        let Some(scoring) = &world.settings.scoring else {
            return;
        };
        if self.score(now, world, slot) > 0.0 {
            self.forget_score(slot);
            return;
        }
        let (decays, last) = self.decays(now, scoring);
        for topic in &mut self.topics {
            if let Some(stats) = topic.stats.iter_mut().find(|stats| stats.slot == slot) {
                *stats = stats.at(scoring, decays);
                if let Some(deficit) = stats.deficit(scoring, last) {
                    stats.failure += (deficit * deficit) as f32;
                }
                stats.first = 0.0;
                stats.grafted = NOT_IN_MESH;
            }
        }
        if let Some(penalty) = self.penalties.iter_mut().find(|penalty| penalty.slot == slot) {
            *penalty = penalty.at(scoring, decays);
        }
    }

    /// It is back: what was retained counts on from here, for while it was away nothing decayed; past the retention
    /// it is forgotten (`peer_score.rs`, `refresh_scores`, `add_peer`).
    pub(super) fn score_returns(&mut self, now: u64, world: &World, slot: u32) {
        let Some(scoring) = &world.settings.scoring else {
            return;
        };
        // The engine writes to `since` before it says that the peer is connected; what was retained knows itself how
        // long ago it was last counted.
        let (decays, _) = self.decays(now, scoring);
        let over = |last: u32| u64::from(decays.saturating_sub(last)) * scoring.decay_interval > scoring.retain;
        for topic in &mut self.topics {
            topic.stats.retain(|stats| stats.slot != slot || !over(stats.decays));
            if let Some(stats) = topic.stats.iter_mut().find(|stats| stats.slot == slot) {
                stats.decays = decays;
            }
        }
        self.penalties
            .retain(|penalty| penalty.slot != slot || !over(penalty.decays));
        if let Some(penalty) = self.penalties.iter_mut().find(|penalty| penalty.slot == slot) {
            penalty.decays = decays;
        }
    }

    /// Whether any counter of this peer is kept.
    pub(super) fn remembers_score(&self, slot: u32) -> bool {
        self.penalties.iter().any(|penalty| penalty.slot == slot)
            || self
                .topics
                .iter()
                .any(|topic| topic.stats.iter().any(|stats| stats.slot == slot))
    }

    pub(super) fn forget_score(&mut self, slot: u32) {
        self.penalties.retain(|penalty| penalty.slot != slot);
        for topic in &mut self.topics {
            topic.stats.retain(|stats| stats.slot != slot);
        }
    }

    /// Drops counters that have decayed to nothing, which is what the default is.
    pub(super) fn tidy_scores(&mut self, now: u64, world: &World) {
        let Some(scoring) = &world.settings.scoring else {
            return;
        };
        let (decays, _) = self.decays(now, scoring);
        let connected = |peers: &[super::node::Peer], slot: u32| peers[slot as usize].connected;
        let peers = &self.peers;
        for topic in &mut self.topics {
            topic.stats.retain(|stats| {
                stats.grafted != NOT_IN_MESH || !connected(peers, stats.slot) || !stats.at(scoring, decays).is_nothing()
            });
        }
        self.penalties.retain(|penalty| {
            let now = penalty.at(scoring, decays);
            !connected(peers, penalty.slot) || now.application != 0.0 || now.behaviour != 0.0 || now.slow != 0.0
        });
    }
}
