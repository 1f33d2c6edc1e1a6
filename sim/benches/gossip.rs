//! Events a second on the gossip level: against nodes, threads and messages, and without scores.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use intentcast_sim::engine;
use intentcast_sim::scenario::Scenario;

fn scenario(nodes: u32, messages: u32) -> Scenario {
    let mut scenario = Scenario::of(nodes);
    scenario.time.warm_up_s = 15.0;
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
    for nodes in [1_000, 10_000] {
        for threads in [1, 2] {
            let name = BenchmarkId::new(format!("{nodes} nodes"), format!("{threads} threads"));
            measure(c, "gossip", name, &scenario(nodes, 10), threads);
        }
    }
    for messages in [10, 60, 300] {
        let name = BenchmarkId::from_parameter(messages);
        measure(c, "messages", name, &scenario(1_000, messages), 1);
    }
    let mut unscored = scenario(1_000, 40);
    unscored.gossipsub.scores = false;
    measure(c, "scores", BenchmarkId::from_parameter("off"), &unscored, 1);
}

criterion_group!(benches, gossip);
criterion_main!(benches);
