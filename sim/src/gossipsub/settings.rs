//! What all machines of a run share: the knobs in the machine's own units, and the table of messages.

use std::sync::{Arc, OnceLock};

use crate::scenario::{Gossipsub, Scoring, millis, seconds};

/// The knobs, times in ns.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub d: usize,
    pub d_low: usize,
    pub d_high: usize,
    pub d_out: usize,
    pub d_lazy: usize,
    pub gossip_factor: f64,
    pub heartbeat: u64,
    pub history_length: u32,
    pub history_gossip: u32,
    pub duplicate_cache: u64,
    pub fanout_ttl: u64,
    pub flood_publish: bool,
    pub graft_on_subscribe: bool,
    /// Bytes as protobuf has a message; none where IDONTWANT is off.
    pub idontwant_above: Option<u64>,
    pub idontwant_on_publish: bool,
    pub max_ids: usize,
    pub max_ihave_messages: u32,
    pub iwant_followup: u64,
    pub gossip_retransmission: u32,
    pub prune_backoff: u64,
    pub unsubscribe_backoff: u64,
    pub backoff_slack: u32,
    pub graft_flood_threshold: u64,
    pub opportunistic_graft_ticks: u32,
    pub opportunistic_graft_peers: usize,
    pub retain_scores: usize,
    pub validation: u64,
    pub scoring: Option<ScoreSettings>,
}

/// How peers are scored.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreSettings {
    /// Weights and thresholds.
    pub rates: Scoring,
    pub decay_interval: u64,
    pub retain: u64,
    pub mesh_window: u64,
    pub mesh_activation: u64,
    /// Whether a mesh peer that brings too little costs anything: P3 or P3b.
    pub deficits: bool,
}

impl From<&Gossipsub> for Settings {
    fn from(g: &Gossipsub) -> Self {
        Self {
            d: g.d as usize,
            d_low: g.d_low as usize,
            d_high: g.d_high as usize,
            d_out: g.d_out as usize,
            d_lazy: g.d_lazy as usize,
            gossip_factor: g.gossip_factor,
            heartbeat: millis(g.heartbeat_ms).max(1),
            history_length: g.history_length,
            history_gossip: g.history_gossip,
            duplicate_cache: seconds(g.duplicate_cache_s),
            fanout_ttl: seconds(g.fanout_ttl_s),
            flood_publish: g.flood_publish,
            graft_on_subscribe: g.graft_on_subscribe,
            idontwant_above: (g.idontwant_threshold_bytes > 0).then_some(u64::from(g.idontwant_threshold_bytes)),
            idontwant_on_publish: g.idontwant_on_publish,
            max_ids: g.max_ihave_length as usize,
            max_ihave_messages: g.max_ihave_messages,
            iwant_followup: seconds(g.iwant_followup_s),
            gossip_retransmission: g.gossip_retransmission,
            prune_backoff: seconds(g.prune_backoff_s),
            unsubscribe_backoff: seconds(g.unsubscribe_backoff_s),
            backoff_slack: g.backoff_slack,
            graft_flood_threshold: seconds(g.graft_flood_threshold_s),
            opportunistic_graft_ticks: g.opportunistic_graft_ticks.max(1),
            opportunistic_graft_peers: g.opportunistic_graft_peers as usize,
            retain_scores: g.retain_scores as usize,
            validation: millis(g.validation_ms),
            scoring: g.scores.then(|| ScoreSettings::from(&g.scoring)),
        }
    }
}

impl From<&Scoring> for ScoreSettings {
    fn from(s: &Scoring) -> Self {
        Self {
            rates: s.clone(),
            decay_interval: seconds(s.decay_interval_s).max(1),
            retain: seconds(s.retain_score_s),
            mesh_window: millis(s.topic.mesh_message_deliveries_window_ms),
            mesh_activation: seconds(s.topic.mesh_message_deliveries_activation_s),
            deficits: s.topic.mesh_message_deliveries_weight != 0.0 || s.topic.mesh_failure_penalty_weight != 0.0,
        }
    }
}

/// What is known of a message before it is sent. To the model a message is its number in the table of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: u32,
    /// Bytes of its payload.
    pub size: u32,
    /// Whether its verdict is to accept it.
    pub valid: bool,
}

/// A message that a node made while the run went on.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// What the machines know of it.
    pub message: Message,
    /// Who said it.
    pub node: u32,
    /// When, ns.
    pub at: u64,
    /// What it says.
    pub bytes: Arc<[u8]>,
}

/// What all machines of a run share.
#[derive(Debug)]
pub struct World {
    /// Every node's knobs.
    pub settings: Settings,
    /// Every message that is settled before the run, by number.
    pub messages: Vec<Message>,
    /// Places for messages that are made while it goes on; their numbers follow. Each place belongs to one node, which
    /// fills it when it publishes; another node can know its number only a window of virtual time later, so what is
    /// read never hangs on which thread was first.
    pub spoken: Vec<OnceLock<Spoken>>,
    /// The address of each node, where some nodes share one; empty: no two do.
    pub addresses: Vec<u32>,
}

impl World {
    /// The message of a number that a stranger may have made up.
    pub fn message(&self, number: u32) -> Option<&Message> {
        match self.messages.get(number as usize) {
            Some(settled) => Some(settled),
            None => self.spoken(number).map(|spoken| &spoken.message),
        }
    }

    /// A message that was made while the run went on.
    pub fn spoken(&self, number: u32) -> Option<&Spoken> {
        self.spoken
            .get((number as usize).checked_sub(self.messages.len())?)?
            .get()
    }

    /// The number of a place in `spoken`.
    pub fn number(&self, place: u32) -> u32 {
        self.messages.len() as u32 + place
    }

    /// Fills a place of the node's own; its message's number. What was said there before stays.
    pub fn speak(&self, place: u32, spoken: Spoken) -> Option<u32> {
        self.spoken.get(place as usize)?.get_or_init(|| spoken);
        Some(self.number(place))
    }

    pub(super) fn same_address(&self, a: u32, b: u32) -> bool {
        match (self.addresses.get(a as usize), self.addresses.get(b as usize)) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        }
    }
}
