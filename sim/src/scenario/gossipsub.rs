//! The gossip's knobs: those of the product's own configuration, with its values as defaults.

use serde::{Deserialize, Serialize};

/// Settings of every honest node's gossip. Where the product sets nothing, the default is that of libp2p-gossipsub
/// 0.50.1 (`config.rs`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gossipsub {
    /// Peers wanted in a topic's mesh.
    pub d: u32,
    /// Fewest before a node grafts more.
    pub d_low: u32,
    /// Most before a node prunes.
    pub d_high: u32,
    /// Fewest of them that the node dialled itself.
    pub d_out: u32,
    /// Fewest peers that hear of messages by IHAVE at each heartbeat.
    pub d_lazy: u32,
    /// Share of the topic's other peers that hear of messages by IHAVE, if that is more.
    pub gossip_factor: f64,
    /// From one heartbeat to the next, ms.
    pub heartbeat_ms: f64,
    /// A node's first heartbeat comes this late, ms.
    pub heartbeat_initial_ms: f64,
    /// And up to this much later, drawn for each node, ms.
    pub heartbeat_spread_ms: f64,
    /// Heartbeats that a message can be asked for.
    pub history_length: u32,
    /// Heartbeats that a message is told of.
    pub history_gossip: u32,
    /// How long an id is remembered, s.
    pub duplicate_cache_s: f64,
    /// How long a topic that a node only publishes to keeps its peers, s.
    pub fanout_ttl_s: f64,
    /// Whether a node's own message goes to all the topic's peers, not only to its mesh.
    pub flood_publish: bool,
    /// Whether a peer is grafted as soon as it subscribes, while the mesh is below `d_low`; otherwise a mesh grows at
    /// heartbeats alone, as that of gossipsub 1.0 does. The real level has no other than `true`.
    pub graft_on_subscribe: bool,
    /// Messages larger than this are announced by IDONTWANT on arrival; 0 switches it off.
    pub idontwant_threshold_bytes: u32,
    /// Whether a publisher announces its own messages by IDONTWANT, too.
    pub idontwant_on_publish: bool,
    /// Most ids in one IHAVE or IWANT.
    pub max_ihave_length: u32,
    /// Most IHAVE messages of one peer between two heartbeats.
    pub max_ihave_messages: u32,
    /// How long a promise of a message may stay unkept, s.
    pub iwant_followup_s: f64,
    /// Times that one peer may ask for one message.
    pub gossip_retransmission: u32,
    /// How long a pruned peer is not grafted, s.
    pub prune_backoff_s: f64,
    /// The same, after leaving a topic, s.
    pub unsubscribe_backoff_s: f64,
    /// Heartbeats that a backoff is kept longer.
    pub backoff_slack: u32,
    /// A GRAFT that comes this soon after a PRUNE counts twice, s.
    pub graft_flood_threshold_s: f64,
    /// Heartbeats between two looks for better peers.
    pub opportunistic_graft_ticks: u32,
    /// Better peers grafted at each look.
    pub opportunistic_graft_peers: u32,
    /// Peers of the best score that stay in a mesh when it is pruned.
    pub retain_scores: u32,
    /// From a message's arrival to its verdict, ms.
    pub validation_ms: f64,
    /// Messages that wait for one slow peer.
    pub queue_length: u32,
    /// Bytes of one message's id in control messages.
    pub id_bytes: u32,
    /// Whether peers are scored.
    pub scores: bool,
    /// How.
    pub scoring: Scoring,
}

impl Default for Gossipsub {
    fn default() -> Self {
        Self {
            d: 8,
            d_low: 6,
            d_high: 12,
            d_out: 3,
            d_lazy: 6,
            gossip_factor: 0.25,
            heartbeat_ms: 1_000.0,
            heartbeat_initial_ms: 1_000.0,
            heartbeat_spread_ms: 1_000.0,
            history_length: 5,
            history_gossip: 3,
            duplicate_cache_s: 600.0,
            fanout_ttl_s: 60.0,
            flood_publish: false,
            graft_on_subscribe: true,
            idontwant_threshold_bytes: 1_000,
            idontwant_on_publish: false,
            max_ihave_length: 600,
            max_ihave_messages: 10,
            iwant_followup_s: 3.0,
            gossip_retransmission: 3,
            prune_backoff_s: 60.0,
            unsubscribe_backoff_s: 10.0,
            backoff_slack: 1,
            graft_flood_threshold_s: 10.0,
            opportunistic_graft_ticks: 60,
            opportunistic_graft_peers: 2,
            retain_scores: 4,
            validation_ms: 0.0,
            queue_length: 512,
            id_bytes: 32,
            scores: true,
            scoring: Scoring::default(),
        }
    }
}

/// How peers are scored: the product's own figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scoring {
    /// Below it, no IHAVE and no IWANT.
    pub gossip_threshold: f64,
    /// Below it, no own messages.
    pub publish_threshold: f64,
    /// Below it, nothing is heard.
    pub graylist_threshold: f64,
    /// Below this median, a mesh looks for better peers.
    pub opportunistic_graft_threshold: f64,
    /// Most that all topics together may earn.
    pub topic_score_cap: f64,
    /// P5: what the application says of a peer, times this.
    pub app_specific_weight: f64,
    /// P6: for each peer of one address above the threshold, squared.
    pub ip_colocation_factor_weight: f64,
    /// P6: peers of one address that are in order.
    pub ip_colocation_factor_threshold: f64,
    /// P7: for each broken promise above the threshold, squared.
    pub behaviour_penalty_weight: f64,
    /// P7: broken promises that are in order.
    pub behaviour_penalty_threshold: f64,
    /// P7: what is left of them at each decay.
    pub behaviour_penalty_decay: f64,
    /// For each time a peer's queue ran over above the threshold.
    pub slow_peer_weight: f64,
    /// Times that are in order.
    pub slow_peer_threshold: f64,
    /// What is left of them at each decay.
    pub slow_peer_decay: f64,
    /// From one decay to the next, s.
    pub decay_interval_s: f64,
    /// A counter below this is none.
    pub decay_to_zero: f64,
    /// How long a peer that left keeps its bad score, s.
    pub retain_score_s: f64,
    /// What each topic adds.
    pub topic: TopicScore,
}

impl Default for Scoring {
    fn default() -> Self {
        Self {
            gossip_threshold: -20.0,
            publish_threshold: -50.0,
            graylist_threshold: -80.0,
            opportunistic_graft_threshold: 5.0,
            topic_score_cap: 40.0,
            app_specific_weight: 1.0,
            ip_colocation_factor_weight: 0.0,
            ip_colocation_factor_threshold: 10.0,
            behaviour_penalty_weight: -10.0,
            behaviour_penalty_threshold: 6.0,
            behaviour_penalty_decay: 0.98,
            slow_peer_weight: -0.2,
            slow_peer_threshold: 0.0,
            slow_peer_decay: 0.2,
            decay_interval_s: 1.0,
            decay_to_zero: 0.1,
            retain_score_s: 3_600.0,
            topic: TopicScore::default(),
        }
    }
}

/// What one topic adds to a peer's score: P1 to P4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopicScore {
    /// Times all of the topic's parts.
    pub topic_weight: f64,
    /// P1: for each quantum in the mesh.
    pub time_in_mesh_weight: f64,
    /// P1: one quantum, s.
    pub time_in_mesh_quantum_s: f64,
    /// P1: most quanta that count.
    pub time_in_mesh_cap: f64,
    /// P2: for each message that came from it first.
    pub first_message_deliveries_weight: f64,
    /// P2: what is left of them at each decay.
    pub first_message_deliveries_decay: f64,
    /// P2: most that count.
    pub first_message_deliveries_cap: f64,
    /// P3: for each message short of the threshold, squared.
    pub mesh_message_deliveries_weight: f64,
    /// P3: what is left at each decay.
    pub mesh_message_deliveries_decay: f64,
    /// P3: most that count.
    pub mesh_message_deliveries_cap: f64,
    /// P3: messages that are expected.
    pub mesh_message_deliveries_threshold: f64,
    /// P3: how late a copy still counts, ms.
    pub mesh_message_deliveries_window_ms: f64,
    /// P3: how long a peer is in the mesh before it counts, s.
    pub mesh_message_deliveries_activation_s: f64,
    /// P3b: for each shortfall with which it was pruned, squared.
    pub mesh_failure_penalty_weight: f64,
    /// P3b: what is left at each decay.
    pub mesh_failure_penalty_decay: f64,
    /// P4: for each invalid message, squared.
    pub invalid_message_deliveries_weight: f64,
    /// P4: what is left at each decay.
    pub invalid_message_deliveries_decay: f64,
}

impl Default for TopicScore {
    fn default() -> Self {
        Self {
            topic_weight: 1.0,
            time_in_mesh_weight: 0.02,
            time_in_mesh_quantum_s: 1.0,
            time_in_mesh_cap: 300.0,
            first_message_deliveries_weight: 0.2,
            first_message_deliveries_decay: 0.98,
            first_message_deliveries_cap: 50.0,
            mesh_message_deliveries_weight: 0.0,
            mesh_message_deliveries_decay: 0.5,
            mesh_message_deliveries_cap: 100.0,
            mesh_message_deliveries_threshold: 20.0,
            mesh_message_deliveries_window_ms: 10.0,
            mesh_message_deliveries_activation_s: 5.0,
            mesh_failure_penalty_weight: 0.0,
            mesh_failure_penalty_decay: 0.5,
            invalid_message_deliveries_weight: -2.0,
            // A tenth is left after ten minutes of one-second decays: 0.1 to the power of 1/600.
            invalid_message_deliveries_decay: 0.996_169_712_514_941_1,
        }
    }
}
