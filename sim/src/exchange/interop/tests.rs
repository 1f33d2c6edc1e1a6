//! Scripts that become scenarios, and scripts that do not.

use super::*;

const SCRIPT: &str = r#"{"script": [
    {"type": "ifNodeIDEquals", "nodeID": 0, "instruction": {"type": "initGossipSub", "gossipSubParams": {"D": 8, "Dhi": 13, "HeartbeatInitialDelay": 100100000}}},
    {"type": "ifNodeIDEquals", "nodeID": 1, "instruction": {"type": "initGossipSub", "gossipSubParams": {"D": 8, "Dhi": 13, "HeartbeatInitialDelay": 100300000}}},
    {"type": "setTopicValidationDelay", "topicID": "a", "delaySeconds": 0.005},
    {"type": "ifNodeIDEquals", "nodeID": 0, "instruction": {"type": "connect", "connectTo": [1, 2, 3]}},
    {"type": "ifNodeIDEquals", "nodeID": 3, "instruction": {"type": "connect", "connectTo": [1]}},
    {"type": "subscribeToTopic", "topicID": "a"},
    {"type": "waitUntil", "elapsedSeconds": 120},
    {"type": "ifNodeIDEquals", "nodeID": 2, "instruction": {"type": "publish", "messageID": 0, "topicID": "a", "messageSizeBytes": 98304}},
    {"type": "waitUntil", "elapsedSeconds": 132},
    {"type": "ifNodeIDEquals", "nodeID": 1, "instruction": {"type": "publish", "messageID": 1, "topicID": "a", "messageSizeBytes": 98304}},
    {"type": "waitUntil", "elapsedSeconds": 174}
]}"#;

#[test]
fn a_script_becomes_a_scenario() {
    let imported = import("blob", "blob.edges", SCRIPT).expect("a sound script");
    let scenario = imported.scenario;
    assert_eq!(scenario.nodes, 4);
    assert_eq!(imported.edges, "0 1\n0 2\n0 3\n3 1\n");
    assert_eq!(scenario.topology.file.as_deref(), Some("blob.edges"));
    assert_eq!(
        (
            scenario.gossipsub.d,
            scenario.gossipsub.d_high,
            scenario.gossipsub.d_low
        ),
        (8, 13, 5)
    );
    assert!((scenario.gossipsub.heartbeat_initial_ms - 100.1).abs() < 1e-9);
    assert!((scenario.gossipsub.heartbeat_spread_ms - 0.2).abs() < 1e-9);
    assert_eq!(scenario.gossipsub.validation_ms, 5.0);
    assert_eq!((scenario.traffic.messages, scenario.traffic.interval_ms), (2, 12_000.0));
    assert_eq!(
        (
            scenario.traffic.size_bytes,
            scenario.time.warm_up_s,
            scenario.time.cool_down_s
        ),
        (98_304, 120.0, 42.0)
    );
    assert_eq!(
        (scenario.topics.count, scenario.topics.joined, scenario.topics.listeners),
        (1, 1, 1.0)
    );
    let told = imported.left_out.join("; ");
    for word in ["links", "2 of 4 nodes are drawn", "some nodes are given no knobs"] {
        assert!(told.contains(word), "{told}");
    }
    assert_eq!(imported.left_out.len(), 3, "{told}");
}

#[test]
fn halves_that_join_one_topic_each_are_drawn_and_that_is_told() {
    let subscribe = |node: u32, topic: &str| {
        format!(
            r#"{{"type": "ifNodeIDEquals", "nodeID": {node}, "instruction": {{"type": "subscribeToTopic", "topicID": "{topic}"}}}}"#
        )
    };
    let publish = r#"{"type": "ifNodeIDEquals", "nodeID": 0, "instruction": {"type": "publish", "messageID": 0, "topicID": "a", "messageSizeBytes": 10}}"#;
    let lines: Vec<String> = (0..6)
        .map(|node| subscribe(node, if node % 2 == 0 { "a" } else { "b" }))
        .collect();
    let script = format!(r#"{{"script": [{}, {publish}]}}"#, lines.join(","));
    let imported = import("fanout", "e", &script).expect("a sound script");
    assert_eq!(
        (imported.scenario.topics.count, imported.scenario.topics.joined),
        (2, 1)
    );
    assert!(imported.left_out.iter().any(|told| told.contains("it is drawn")));
}

fn to(node: u32, instruction: &str) -> String {
    format!(r#"{{"type": "ifNodeIDEquals", "nodeID": {node}, "instruction": {instruction}}}"#)
}

fn wait(s: u32) -> String {
    format!(r#"{{"type": "waitUntil", "elapsedSeconds": {s}}}"#)
}

fn publish(node: u32, topic: &str, bytes: u32) -> String {
    let publish = format!(r#"{{"type": "publish", "topicID": "{topic}", "messageSizeBytes": {bytes}}}"#);
    to(node, &publish)
}

fn script(lines: &[String]) -> String {
    format!(r#"{{"script": [{}]}}"#, lines.join(","))
}

const SUBSCRIBE: &str = r#"{"type": "subscribeToTopic", "topicID": "a"}"#;

#[test]
fn messages_that_become_others_are_told_with_figures() {
    let lines = [
        SUBSCRIBE.to_owned(),
        to(11, r#"{"type": "connect", "connectTo": [0]}"#),
        wait(5),
        publish(2, "a", 100),
        wait(6),
        publish(2, "a", 300),
        wait(106),
        publish(2, "a", 200),
    ];
    let imported = import("uneven", "e", &script(&lines)).expect("a sound script");
    assert_eq!(imported.scenario.traffic.interval_ms, 50_500.0);
    let told = imported.left_out.join("; ");
    for word in [
        "1 to 100 s after the one before: one comes every 50.5 s",
        "1 of 12 nodes are drawn",
        "100 to 300 bytes: all have the mean, 200 bytes",
        "the product's own",
    ] {
        assert!(told.contains(word), "{told}");
    }
    let at_once = [SUBSCRIBE.to_owned(), publish(11, "a", 9), publish(3, "a", 9)];
    let told = import("burst", "e", &script(&at_once)).expect("sound").left_out;
    assert!(told.iter().any(|told| told.contains("at one moment")), "{told:?}");
}

#[test]
fn a_node_that_waits_by_itself_holds_up_nobody_else() {
    let lines = [
        SUBSCRIBE.to_owned(),
        to(11, &wait(70)),
        publish(11, "a", 9),
        publish(3, "a", 9),
        wait(10),
        publish(4, "a", 9),
    ];
    let scenario = import("waits", "e", &script(&lines)).expect("a sound script").scenario;
    assert_eq!((scenario.time.warm_up_s, scenario.traffic.interval_ms), (0.0, 35_000.0));
}

#[test]
fn when_who_joins_and_connects_is_told() {
    let lines = [
        wait(3),
        to(11, r#"{"type": "connect", "connectTo": [0]}"#),
        to(4, SUBSCRIBE),
        to(
            4,
            r#"{"type": "setTopicValidationDelay", "topicID": "a", "delaySeconds": 0.005}"#,
        ),
        publish(2, "a", 9),
    ];
    let imported = import("late", "e", &script(&lines)).expect("a sound script");
    let told = imported.left_out.join("; ");
    for word in [
        "when nodes join",
        "when nodes connect",
        "verdict's delay by node",
        "1 of 1 topics for about 1 of 12 nodes",
    ] {
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn a_script_that_does_not_hold_together_is_refused() {
    let joined = SUBSCRIBE.to_owned();
    for (lines, said) in [
        (
            vec![joined.clone(), publish(11, "b", 9)],
            "script[1]: a message on the topic `b`, which no node has joined",
        ),
        (
            vec![publish(11, "a", 9), wait(3), joined.clone()],
            "script[0]: a message on the topic `a`",
        ),
        (
            vec![joined.clone(), to(11, r#"{"type": "publish", "messageSizeBytes": 9}"#)],
            "`topicID`",
        ),
        (
            vec![
                joined.clone(),
                to(11, r#"{"type": "publish", "topicID": "a", "messageSizeBytes": 1e10}"#),
            ],
            "below 2^32",
        ),
        (
            vec![joined.clone(), to(3, &publish(11, "a", 9))],
            "what is for node 11 stands in what is for node 3",
        ),
        (
            vec![to(3, r#"{"type": "connect", "connectTo": [3]}"#)],
            "node 3 connects to itself",
        ),
        (
            vec![r#"{"type": "initGossipSub", "gossipSubParams": {"D": 6.5}}"#.to_owned()],
            "D: expected a whole number",
        ),
    ] {
        let error = import("x", "e", &script(&lines)).expect_err(said);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn what_cannot_be_said_is_refused_with_its_place() {
    for (script, said) in [
        ("{}", "`script`"),
        (r#"{"script": []}"#, "names no node"),
        (
            r#"{"script": [{"type": "publishPartial"}]}"#,
            "script[0]: `publishPartial`",
        ),
        (
            r#"{"script": [{"type": "connect", "connectTo": [1]}]}"#,
            "ifNodeIDEquals",
        ),
        (
            r#"{"script": [{"type": "ifNodeIDEquals", "nodeID": 1e12, "instruction": {}}]}"#,
            "below 1000000",
        ),
        (
            r#"{"script": [{"type": "ifNodeIDEquals", "nodeID": 3, "instruction": {"type": "subscribeToTopic", "topicID": "a"}}]}"#,
            "publishes nothing",
        ),
        (r#"{"script": [{"type": "waitUntil"}]}"#, "elapsedSeconds"),
    ] {
        let error = import("x", "e", script).expect_err(script);
        assert!(error.contains(said), "{error} for {script}");
    }
}
