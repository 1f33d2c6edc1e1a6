//! Events a second on the gossip level: against nodes, against messages, with and without scores.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use intentcast_sim::engine;
use intentcast_sim::scenario::Scenario;

fn scenario(nodes: u32, messages: u32) -> Scenario {
    let mut scenario = Scenario::of(nodes);
    scenario.topology.dials = 20.min(nodes - 1);
    scenario.time.warm_up_s = 10.0;
    scenario.time.cool_down_s = 5.0;
    scenario.traffic.messages = messages;
    scenario
}

/// One run; its cost is told in events, of which a run of one seed always has the same number.
fn measure(c: &mut Criterion, group: &str, name: BenchmarkId, scenario: &Scenario, threads: usize) {
    let run = || engine::run(scenario, 1, threads, &()).expect("it names no file");
    let mut group = c.benchmark_group(group);
    group.sample_size(10);
    group.throughput(Throughput::Elements(run().events));
    group.bench_function(name, |b| b.iter(run));
    group.finish();
}

fn gossip(c: &mut Criterion) {
    for nodes in [250, 1_000, 4_000] {
        measure(c, "nodes", BenchmarkId::from_parameter(nodes), &scenario(nodes, 10), 1);
    }
    for messages in [10, 40] {
        measure(
            c,
            "messages",
            BenchmarkId::from_parameter(messages),
            &scenario(1_000, messages),
            1,
        );
    }
    for threads in [1, 2] {
        measure(
            c,
            "threads",
            BenchmarkId::from_parameter(threads),
            &scenario(4_000, 20),
            threads,
        );
    }
    let mut unscored = scenario(1_000, 40);
    unscored.gossipsub.scores = false;
    measure(c, "scores", BenchmarkId::from_parameter("off"), &unscored, 1);
}

criterion_group!(benches, gossip);
criterion_main!(benches);
