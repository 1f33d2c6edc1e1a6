//! Events a second on the gossip level: against nodes, threads and messages, and without scores; and on the market
//! level: against nodes and wants, with signatures made and modelled.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use intentcast_sim::scenario::{Level, MarketLoad, Scenario, Signatures};
use intentcast_sim::{engine, market::modelled};

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

fn trade(nodes: u32, intents: u32, signatures: Signatures) -> Scenario {
    let mut scenario = scenario(nodes, 0);
    scenario.level = Level::Market;
    scenario.market = Some(MarketLoad {
        intents,
        interval_ms: 200.0,
        offer_window_s: 3.0,
        signatures,
        ..MarketLoad::default()
    });
    scenario
}

fn market(c: &mut Criterion) {
    let cases = [
        ("250 nodes, 20 wants", 250, 20, Signatures::Real),
        ("1000 nodes, 20 wants", 1_000, 20, Signatures::Real),
        ("1000 nodes, 80 wants", 1_000, 80, Signatures::Real),
        (
            "1000 nodes, 80 wants, signatures modelled",
            1_000,
            80,
            Signatures::Modelled,
        ),
    ];
    let mut group = c.benchmark_group("market");
    group.sample_size(10);
    for (name, nodes, intents, signatures) in cases {
        let scenario = trade(nodes, intents, signatures);
        let run = || modelled::run(&scenario, 1, 1, &()).expect("it names no file");
        group.throughput(Throughput::Elements(run().events));
        group.bench_function(name, |b| b.iter(run));
    }
    group.finish();
}

criterion_group!(benches, gossip, market);
criterion_main!(benches);
