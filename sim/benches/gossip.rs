//! Events a second on the gossip level: against nodes, against messages, with and without scores; and on the market
//! level: against nodes and wants, with signatures made and modelled.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use intentcast_sim::scenario::{Level, MarketLoad, Scenario, Signatures};
use intentcast_sim::{engine, market::modelled};

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
