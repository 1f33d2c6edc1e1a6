//! gossipsub as the node runs it, with what a scenario says otherwise.

use std::time::Duration;

use intentcast_sim::scenario::{self, Scenario, Scoring, TopicScore};
use libp2p::gossipsub::{
    Config, IdentTopic, Message, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds, TopicScoreParams,
};

use crate::clock::Nanos;

/// The node's own file, compiled here once more: what it changes there changes here.
#[path = "../../../node/src/net/gossip/settings.rs"]
#[allow(dead_code, reason = "the node uses all of it")]
mod settings;

pub use settings::Behaviour;

/// gossipsub for one node, whose heartbeat comes `phase` later than its settings say.
///
/// An error is gossipsub's refusal of the scenario's settings.
pub fn behaviour(scenario: &Scenario, phase: Nanos) -> Result<Behaviour, String> {
    let config = config(scenario, phase)?;
    let filter = settings::filter(|name| number(name).is_some());
    let mut gossip = Behaviour::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)?;
    if scenario.gossipsub.scores {
        let scoring = &scenario.gossipsub.scoring;
        gossip.with_peer_score(peer_score(scoring), thresholds(scoring))?;
    }
    Ok(gossip)
}

/// Joins a topic, scored as the scenario says.
pub fn join(gossip: &mut Behaviour, scenario: &Scenario, topic: u32) -> Result<(), String> {
    let topic = self::topic(topic);
    if scenario.gossipsub.scores {
        gossip.set_topic_params(topic.clone(), topic_score(&scenario.gossipsub.scoring.topic))?;
    }
    gossip.subscribe(&topic).map_err(|error| error.to_string())?;
    Ok(())
}

/// A topic by its number.
pub fn topic(number: u32) -> IdentTopic {
    IdentTopic::new(format!("/intentcast/sim/{number}"))
}

/// The number of a topic of the simulation's, by its name.
pub fn number(topic: &str) -> Option<u32> {
    topic.strip_prefix("/intentcast/sim/")?.parse().ok()
}

/// What gossipsub is set to for one node of a scenario.
pub fn config(scenario: &Scenario, phase: Nanos) -> Result<Config, String> {
    let said = &scenario.gossipsub;
    let mut config = settings::config();
    config
        .mesh_n(said.d as usize)
        .mesh_n_low(said.d_low as usize)
        .mesh_n_high(said.d_high as usize)
        .mesh_outbound_min(said.d_out as usize)
        .gossip_lazy(said.d_lazy as usize)
        .gossip_factor(said.gossip_factor)
        .heartbeat_interval(ms(said.heartbeat_ms))
        .heartbeat_initial_delay(ms(said.heartbeat_initial_ms) + Duration::from_nanos(phase))
        .history_length(said.history_length as usize)
        .history_gossip(said.history_gossip as usize)
        .duplicate_cache_time(s(said.duplicate_cache_s))
        .fanout_ttl(s(said.fanout_ttl_s))
        .flood_publish(said.flood_publish)
        .idontwant_message_size_threshold(match said.idontwant_threshold_bytes {
            0 => usize::MAX,
            bytes => bytes as usize,
        })
        .idontwant_on_publish(said.idontwant_on_publish)
        .max_control_messages_sent(said.max_ihave_length as usize)
        .max_ihave_messages_heartbeat(said.max_ihave_messages as usize)
        .iwant_followup_time(s(said.iwant_followup_s))
        .gossip_retransimission(said.gossip_retransmission)
        .prune_backoff(s(said.prune_backoff_s))
        .unsubscribe_backoff(s(said.unsubscribe_backoff_s))
        .backoff_slack(said.backoff_slack)
        .graft_flood_threshold(s(said.graft_flood_threshold_s))
        .opportunistic_graft_ticks(said.opportunistic_graft_ticks.into())
        .opportunistic_graft_peers(said.opportunistic_graft_peers as usize)
        .retain_scores(said.retain_scores as usize)
        .connection_handler_queue_len(said.queue_length as usize);
    let normal = config.build().map_err(|error| error.to_string())?;

    // What the product never sends is sent in some experiments.
    let frame = scenario.traffic.size_bytes as usize + FRAME;
    if frame > normal.max_transmit_size() {
        config.max_transmit_size(frame);
    }
    if said.id_bytes as usize != ID {
        let (of, bytes) = (normal, said.id_bytes as usize);
        config.message_id_fn(move |message: &Message| {
            let MessageId(mut id) = of.message_id(message);
            id.resize(bytes, 0);
            MessageId(id)
        });
    }
    config.build().map_err(|error| error.to_string())
}

/// More than a frame adds to its message.
const FRAME: usize = 1 << 10;
/// Bytes of the node's message ids.
const ID: usize = 32;

fn peer_score(said: &Scoring) -> PeerScoreParams {
    PeerScoreParams {
        topic_score_cap: said.topic_score_cap,
        app_specific_weight: said.app_specific_weight,
        ip_colocation_factor_weight: said.ip_colocation_factor_weight,
        ip_colocation_factor_threshold: said.ip_colocation_factor_threshold,
        behaviour_penalty_weight: said.behaviour_penalty_weight,
        behaviour_penalty_threshold: said.behaviour_penalty_threshold,
        behaviour_penalty_decay: said.behaviour_penalty_decay,
        slow_peer_weight: said.slow_peer_weight,
        slow_peer_threshold: said.slow_peer_threshold,
        slow_peer_decay: said.slow_peer_decay,
        decay_interval: s(said.decay_interval_s),
        decay_to_zero: said.decay_to_zero,
        retain_score: s(said.retain_score_s),
        ..settings::peer_score(true)
    }
}

fn thresholds(said: &Scoring) -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: said.gossip_threshold,
        publish_threshold: said.publish_threshold,
        graylist_threshold: said.graylist_threshold,
        opportunistic_graft_threshold: said.opportunistic_graft_threshold,
        ..settings::thresholds()
    }
}

fn topic_score(said: &TopicScore) -> TopicScoreParams {
    TopicScoreParams {
        topic_weight: said.topic_weight,
        time_in_mesh_weight: said.time_in_mesh_weight,
        time_in_mesh_quantum: s(said.time_in_mesh_quantum_s),
        time_in_mesh_cap: said.time_in_mesh_cap,
        first_message_deliveries_weight: said.first_message_deliveries_weight,
        first_message_deliveries_decay: said.first_message_deliveries_decay,
        first_message_deliveries_cap: said.first_message_deliveries_cap,
        mesh_message_deliveries_weight: said.mesh_message_deliveries_weight,
        mesh_message_deliveries_decay: said.mesh_message_deliveries_decay,
        mesh_message_deliveries_cap: said.mesh_message_deliveries_cap,
        mesh_message_deliveries_threshold: said.mesh_message_deliveries_threshold,
        mesh_message_deliveries_window: ms(said.mesh_message_deliveries_window_ms),
        mesh_message_deliveries_activation: s(said.mesh_message_deliveries_activation_s),
        mesh_failure_penalty_weight: said.mesh_failure_penalty_weight,
        mesh_failure_penalty_decay: said.mesh_failure_penalty_decay,
        invalid_message_deliveries_weight: said.invalid_message_deliveries_weight,
        invalid_message_deliveries_decay: said.invalid_message_deliveries_decay,
    }
}

fn s(s: f64) -> Duration {
    Duration::from_nanos(scenario::seconds(s))
}

fn ms(ms: f64) -> Duration {
    Duration::from_nanos(scenario::millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scenario's defaults are the node's settings: one of the two has moved when this fails.
    #[test]
    fn a_scenario_that_says_nothing_is_the_node() {
        let bare = Scenario::of(2);
        let ours = config(&bare, 0).unwrap();
        let nodes = settings::config().build().unwrap();
        assert_eq!(format!("{ours:#?}"), format!("{nodes:#?}"));
        let scoring = &bare.gossipsub.scoring;
        assert_eq!(
            format!("{:#?}", peer_score(scoring)),
            format!("{:#?}", settings::peer_score(true))
        );
        assert_eq!(
            format!("{:#?}", thresholds(scoring)),
            format!("{:#?}", settings::thresholds())
        );
        let (ours, nodes) = (topic_score(&scoring.topic), settings::topic_score());
        assert!((ours.invalid_message_deliveries_decay - nodes.invalid_message_deliveries_decay).abs() < 1e-15);
        let ours = TopicScoreParams {
            invalid_message_deliveries_decay: nodes.invalid_message_deliveries_decay,
            ..ours
        };
        assert_eq!(format!("{ours:#?}"), format!("{nodes:#?}"));
    }

    #[test]
    fn larger_messages_and_shorter_ids_than_the_products_can_be_tried() {
        let mut scenario = Scenario::of(2);
        scenario.traffic.size_bytes = 500_000;
        scenario.gossipsub.id_bytes = 20;
        let config = config(&scenario, 0).unwrap();
        assert!(config.max_transmit_size() > 500_000);
        let message = Message {
            source: None,
            data: vec![1, 2, 3],
            sequence_number: None,
            topic: topic(1).hash(),
        };
        let whole = settings::config().build().unwrap().message_id(&message);
        assert_eq!(config.message_id(&message).0, whole.0[..20]);
    }

    #[test]
    fn only_topics_of_the_simulation_are_kept() {
        assert_eq!(number(topic(7).hash().as_str()), Some(7));
        assert_eq!(number("/intentcast/sim/seven"), None);
        assert_eq!(number("elsewhere"), None);
    }
}
