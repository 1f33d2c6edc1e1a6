//! What the benches share: this process's own figures, order statistics, and rooms to run nodes in.

#![allow(dead_code, reason = "each bench uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a panic is how a bench fails")]

use std::time::{Duration, Instant};

/// CPU time of all this process's threads so far, in user and kernel.
pub fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells a process about itself");
    // The program's name stands in brackets and may hold anything; times are in hundredths of a second.
    let after = stat.rsplit_once(')').expect("a name in brackets").1;
    let field = |at: usize| {
        after
            .split_whitespace()
            .nth(at)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap()
    };
    Duration::from_millis(10 * (field(11) + field(12)))
}

/// The middle of the values.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// The value that so many of a hundred are not above.
pub fn percentile(values: &[f64], of_hundred: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * of_hundred / 100.0).ceil() as usize;
    sorted[at.clamp(1, sorted.len()) - 1]
}

/// Milliseconds since.
pub fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

/// What stands after `name=` on the command line, if it is there.
pub fn argument(name: &str) -> Option<usize> {
    std::env::args().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// The log, if one is asked for: only to see where time goes, never while measuring.
pub fn log() {
    if std::env::var_os("RUST_LOG").is_some() {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
}

/// Whether the command line means this bench: it names none (`cargo bench NAME` runs every bench with the name), or a
/// part of its name.
pub fn is_meant(bench: &str) -> bool {
    let mut names = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-') && !arg.contains('='))
        .peekable();
    names.peek().is_none() || names.any(|name| bench.contains(&name))
}
