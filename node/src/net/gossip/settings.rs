//! gossipsub's settings and scores, and what is kept of others' subscriptions.
//!
//! Constants and libp2p, and nothing of the node around them: the simulator compiles this very file into its swarm in
//! virtual time, so that what is measured there is what runs here.

use std::time::Duration;

use libp2p::gossipsub::{
    self, CallbackSubscriptionFilter, ConfigBuilder, IdentityTransform, MaxCountSubscriptionFilter, Message, MessageId,
    PeerScoreParams, PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode,
};
use sha2::{Digest, Sha256};

/// Peers in a topic's mesh: wanted, least and most, and how many of them we must have dialled ourselves.
pub const MESH: usize = 8;
pub const MESH_LOW: usize = 6;
const MESH_HIGH: usize = 12;
const MESH_OUTBOUND: usize = 3;

/// Topics one peer may be subscribed to: two overlapping generations of 64 topics. Past its cap the filter drops the
/// peer's subscriptions without a word, so this must stay above what an honest node can want.
const MAX_SUBSCRIPTIONS: usize = 160;

/// One frame of gossipsub: several payloads, or control messages. It bounds what has been received and not yet read,
/// too, so it must be well above one payload.
const MAX_RPC_BYTES: usize = 64 << 10;
/// Ids in one IHAVE or IWANT. Above its byte limit a frame ends the sender's gossip for good, so the ids are capped
/// first: 600 ids of 32 bytes and their two bytes of framing are 20 KiB.
const MAX_IDS: usize = 600;
const MAX_CONTROL_BYTES: usize = 32 << 10;
/// Messages waiting for one slow peer: 4 MiB at the most.
const MAX_QUEUE: usize = 512;

/// What of a peer's subscriptions is kept.
pub type Filter = MaxCountSubscriptionFilter<CallbackSubscriptionFilter<Box<dyn FnMut(&TopicHash) -> bool + Send>>>;
/// gossipsub as this project runs it.
pub type Behaviour = gossipsub::Behaviour<IdentityTransform, Filter>;

/// Everything but the names and scores of topics.
pub fn config() -> ConfigBuilder {
    let mut config = ConfigBuilder::default();
    config
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .flood_publish(false)
        .mesh_n(MESH)
        .mesh_n_low(MESH_LOW)
        .mesh_n_high(MESH_HIGH)
        .mesh_outbound_min(MESH_OUTBOUND)
        .heartbeat_interval(Duration::from_secs(1))
        .heartbeat_initial_delay(Duration::from_secs(1))
        .duplicate_cache_time(Duration::from_secs(600))
        .message_id_fn(message_id)
        .max_transmit_size(MAX_RPC_BYTES)
        .max_control_messages_sent(MAX_IDS)
        .max_control_message_size(MAX_CONTROL_BYTES)
        .connection_handler_queue_len(MAX_QUEUE);
    config
}

/// Only topics of this grammar are kept of a peer, and only so many.
pub fn filter(grammar: fn(&str) -> bool) -> Filter {
    MaxCountSubscriptionFilter {
        filter: CallbackSubscriptionFilter(
            Box::new(move |topic: &TopicHash| grammar(topic.as_str())) as Box<dyn FnMut(&TopicHash) -> bool + Send>
        ),
        max_subscribed_topics: MAX_SUBSCRIPTIONS,
        max_subscriptions_per_request: MAX_SUBSCRIPTIONS,
    }
}

/// Topic and all the bytes: gossipsub remembers an id before the verdict, so an id that left out the signature would
/// let a spoiled copy keep the good one away.
fn message_id(message: &Message) -> MessageId {
    let mut hash = Sha256::new();
    hash.update(message.topic.as_str().len().to_be_bytes());
    hash.update(message.topic.as_str());
    hash.update(&message.data);
    MessageId::new(&hash.finalize())
}

/// How a peer's conduct outside topics moves its score.
pub fn peer_score(allow_private: bool) -> PeerScoreParams {
    PeerScoreParams {
        topic_score_cap: 40.0,
        app_specific_weight: 1.0,
        // On loopback and behind one router all peers share an address.
        ip_colocation_factor_weight: if allow_private { 0.0 } else { -5.0 },
        ip_colocation_factor_threshold: 10.0,
        // A few broken promises are what a busy network looks like.
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_decay: 0.98,
        decay_interval: Duration::from_secs(1),
        ..PeerScoreParams::default()
    }
}

/// Scores below which a peer is told less, and at last not heard.
pub fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -20.0,
        publish_threshold: -50.0,
        graylist_threshold: -80.0,
        accept_px_threshold: 1_000.0,
        opportunistic_graft_threshold: 5.0,
    }
}

/// How a topic moves a peer's score: patience and first news help a little, rejected messages hurt, silence is
/// nothing, for most topics are quiet.
///
/// One rejected message costs 2, four take a peer below gossip, seven below everything; each fades to a tenth in ten
/// minutes.
pub fn topic_score() -> TopicScoreParams {
    TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.02,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 300.0,
        first_message_deliveries_weight: 0.2,
        first_message_deliveries_decay: 0.98,
        first_message_deliveries_cap: 50.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -2.0,
        invalid_message_deliveries_decay: gossipsub::score_parameter_decay(Duration::from_secs(600)),
        ..TopicScoreParams::default()
    }
}
