//! What the model costs: one run, its events, processor seconds and memory in one row of a table.
//!
//! ```sh
//! cargo run --release --locked -p intentcast-sim --no-default-features --example speed -- NODES MESSAGES [THREADS]
//! ```

use std::time::Instant;

use intentcast_sim::engine;
use intentcast_sim::scenario::Scenario;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = Vec::new();
    for argument in std::env::args().skip(1) {
        numbers.push(argument.parse::<u32>()?);
    }
    let (nodes, messages, threads) = match numbers[..] {
        [nodes, messages] => (nodes, messages, 1),
        [nodes, messages, threads] => (nodes, messages, threads),
        _ => return Err("expected NODES MESSAGES [THREADS]".into()),
    };
    let mut scenario = Scenario::of(nodes);
    scenario.time.warm_up_s = 15.0;
    scenario.traffic.messages = messages;
    let began = Instant::now();
    let outcome = engine::run(&scenario, 1, threads as usize, &())?;
    let wall = began.elapsed().as_secs_f64();
    println!("| nodes | messages | threads | events | deliveries | wall s | CPU s | peak MB | events a second |");
    println!("|---|---|---|---|---|---|---|---|---|");
    println!(
        "| {nodes} | {messages} | {threads} | {} | {} | {wall:.2} | {} | {} | {:.0} |",
        outcome.events,
        outcome.deliveries.len(),
        known(processor_seconds()),
        known(peak_megabytes()),
        outcome.events as f64 / wall,
    );
    Ok(())
}

/// What the system says, or that it does not say.
fn known(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.1}"))
}

/// Of this process so far, its own and the kernel's for it; where there is a Linux, whose clock ticks 100 times a second.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// The most memory that this process ever held, where there is a Linux.
fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1_024.0)
}
