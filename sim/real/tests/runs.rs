//! Whole runs, each in a process of its own.
#![allow(clippy::unwrap_used, reason = "a panic is how a story fails")]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{mean, place, run};
use intentcast_sim::level;
use intentcast_sim::outcome::Summary;
use intentcast_sim::scenario::Scenario;
use intentcast_sim::watch::Watch;

const CALM: &str = "
nodes = 60
time = { warm_up_s = 10, cool_down_s = 3 }
topology = { dials = 8 }
traffic = { messages = 5 }
";

#[test]
fn one_seed_tells_one_history_and_another_seed_another() {
    let first = run("first", 7, CALM, &[]);
    assert_eq!(first, run("again", 7, CALM, &[]));
    let other = run("first", 8, CALM, &[]);
    assert_ne!(first.trace, other.trace);
    let whole = run("whole", 7, CALM, &["--behaviours", "node"]);
    assert_ne!(first.trace, whole.trace);
    assert_eq!(whole, run("whole-again", 7, CALM, &["--behaviours", "node"]));
}

#[test]
fn bad_lines_and_comings_and_goings_are_repeatable_too() {
    let stormy = "
        nodes = 60
        time = { warm_up_s = 20, cool_down_s = 20 }
        topology = { dials = 8 }
        traffic = { messages = 20, timing = \"poisson\" }
        gossipsub = { validation_ms = 5 }
        churn = { share = 0.3, online_s = 20, offline_s = 10, start_s = 10 }
        [links]
        latency = { log_normal = { median_ms = 60, sigma = 0.5 } }
        jitter = 0.1
        loss = 0.01
        bandwidth = { up_bps = 1e7, down_bps = 5e7 }
    ";
    let first = run("stormy", 3, stormy, &[]);
    assert_eq!(first, run("stormy-again", 3, stormy, &[]));
    let summary = Summary::of(&first);
    assert!(summary.delivery_ratio.unwrap() > 0.8, "{summary:?}");
    let least = first.timeline.iter().map(|second| second.online).min().unwrap();
    assert!((30..60).contains(&least), "{least} were there");
}

/// The outside witness in small: what it measured with a thousand real processes is here measured on two hundred nodes.
#[test]
fn two_hundred_nodes_agree_with_the_witness() {
    let witness = "
        nodes = 200
        time = { warm_up_s = 15, cool_down_s = 3 }
        topology = { dials = 20, order = \"descending\" }
        gossipsub = { d_out = 2, scores = false, idontwant_threshold_bytes = 0 }
        traffic = { messages = 10 }
    ";
    let runs: Vec<Summary> = (1..=3)
        .map(|seed| Summary::of(&run("witness", seed, witness, &[])))
        .collect();
    for summary in &runs {
        assert_eq!(summary.delivery_ratio, Some(1.0));
        // Latencies are whole hops, but where a message had to be asked for: nothing else takes time.
        let hops = summary.latency.mean_ms.unwrap() / 100.0;
        assert!((hops - summary.hops_mean.unwrap()).abs() < 0.05, "{summary:?}");
        assert!(summary.mesh_degree.min >= Some(6) && summary.mesh_degree.max <= Some(12));
        // Everybody sends to all its mesh but to where the message came from; the rest was asked for.
        let sends = summary.sends_per_delivery.unwrap() - (summary.mesh_degree.mean.unwrap() - 1.0);
        assert!((-0.3..0.3).contains(&sends), "{summary:?}");
    }
    let degree = mean(runs.iter().map(|summary| summary.mesh_degree.mean.unwrap()));
    assert!((7.7..8.5).contains(&degree), "{degree}");
}

#[test]
fn a_message_stays_in_its_part_until_the_network_is_whole() {
    let parted = "
        nodes = 60
        time = { warm_up_s = 10, cool_down_s = 30 }
        topology = { dials = 10 }
        traffic = { messages = 10 }
        [[partition]]
        start_s = 12
        stop_s = 17
    ";
    let outcome = run("parted", 1, parted, &[]);
    let heard = |message: usize| {
        outcome
            .deliveries
            .message
            .iter()
            .filter(|heard| **heard as usize == message)
            .count()
    };
    assert_eq!(heard(0), 59);
    assert!(heard(4) < 59, "published while the network was in two");
    assert!(heard(4) > 5);
    // Ten seconds after they lost each other they dial each other again; what was said last is then still told of.
    assert!(
        outcome.degrees.iter().all(|degree| *degree >= 4),
        "{:?}",
        outcome.degrees
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    for (name, rest) in [
        ("offers", "[[attack]]\nkind = \"offer_flood\"\n"),
        ("market", "[market]\n"),
    ] {
        let place = place(&format!("{name}.toml"));
        std::fs::write(&place, format!("nodes = 10\ntopology = {{ dials = 2 }}\n{rest}")).unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_intentcast-sim-real"))
            .arg("run")
            .arg(&place)
            .output()
            .unwrap();
        assert!(!run.status.success());
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(said.contains("market"), "{said}");
    }
}

/// What `intentcast-sim` does on Ctrl-C: the two programs part in order.
#[test]
fn a_run_that_is_ended_before_its_time_keeps_what_there_is() {
    // A day: longer than anybody waits.
    let long = "
        nodes = 20
        time = { run_s = 86400 }
        topology = { dials = 4 }
        traffic = { messages = 86400 }
    ";
    let scenario = Scenario::parse("long", long)
        .map_err(|error| error.to_string())
        .unwrap();
    let watch = Watch::default();
    let program = Path::new(env!("CARGO_BIN_EXE_intentcast-sim-real"));
    let outcome = std::thread::scope(|scope| {
        let run = scope.spawn(|| level::real(program, &scenario, 1, &watch));
        let deadline = Instant::now() + Duration::from_secs(300);
        while watch.told().0 < 100_000_000_000 && !run.is_finished() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        watch.end();
        run.join().unwrap().unwrap()
    });
    assert!(outcome.partial);
    assert!(outcome.end_ns >= 100_000_000_000 && outcome.end_ns < scenario.length_ns());
    assert!(outcome.messages.iter().all(|message| message.at_ns < outcome.end_ns));
    assert!(Summary::of(&outcome).delivered > 0);
}
