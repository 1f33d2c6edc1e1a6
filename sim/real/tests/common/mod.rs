//! How a run is started and what it leaves.
#![allow(clippy::unwrap_used, reason = "a panic is how a story fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use intentcast_sim::outcome::{Outcome, Summary};

/// A place for one run's files.
pub fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs a scenario and gives back what it left.
pub fn run(name: &str, seed: u64, scenario: &str, more: &[&str]) -> Outcome {
    let place = |end: &str| place(&format!("{name}-{seed}.{end}"));
    std::fs::write(place("toml"), scenario).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_intentcast-sim-real"))
        .arg("run")
        .arg(place("toml"))
        .args(["--seed", &seed.to_string(), "--json", "--out"])
        .arg(place("json"))
        .args(more)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let outcome: Outcome = serde_json::from_slice(&std::fs::read(place("json")).unwrap()).unwrap();
    let printed: Summary = serde_json::from_slice(&run.stdout).unwrap();
    let summary = Summary::of(&outcome);
    assert_eq!(
        (printed.trace, printed.counters),
        (summary.trace, summary.counters),
        "what is printed is what is left"
    );
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
    outcome
}

/// Their mean.
pub fn mean(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.iter().sum::<f64>() / numbers.len() as f64
}
