//! `intentcast-sim-real`: one run of the real network code in virtual time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use intentcast_sim::outcome::{Outcome, Summary};
use intentcast_sim::scenario::Scenario;
use intentcast_sim_real::{Behaviours, clock, run};

/// A run is a great many small allocations, by one thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The real libp2p swarm with the node's own gossipsub, deterministic, in virtual time.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a scenario and say what came of it.
    Run(Run),
}

#[derive(clap::Args)]
struct Run {
    /// The scenario, a TOML file.
    scenario: PathBuf,
    /// The seed; the scenario's own, when none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// Write the outcome to this file, as JSON.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    /// What each node is made of.
    #[arg(long, value_enum, default_value_t)]
    behaviours: Behaviours,
    /// End with what there is when standard input closes, for a program that starts this one.
    #[arg(long)]
    until_stdin_closes: bool,
    /// Say nothing of how it goes and what it costs.
    #[arg(long, short)]
    quiet: bool,
}

fn main() -> ExitCode {
    let Command::Run(command) = Cli::parse().command;
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("intentcast-sim-real: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Run {
    fn run(&self) -> Result<(), String> {
        let at = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(&self.scenario).map_err(|error| at(&self.scenario, error))?;
        let scenario = Scenario::parse(&self.scenario.to_string_lossy(), &text).map_err(|error| error.to_string())?;
        // Before the work, not after it.
        let out = match &self.out {
            Some(path) => Some((path, File::create(path).map_err(|error| at(path, error))?)),
            None => None,
        };

        let begun = Instant::now();
        let seed = self.seed.unwrap_or(scenario.seed);
        let is_enough = if self.until_stdin_closes {
            when_stdin_closes()?
        } else {
            Arc::default()
        };
        let mut progress = self.progress(scenario.length_ns());
        let outcome = run(&scenario, seed, self.behaviours, |now| {
            progress(now);
            is_enough.load(Ordering::Relaxed)
        })?;
        if !self.quiet {
            eprintln!("{}", cost(begun.elapsed()));
        }

        if let Some((path, file)) = out {
            let mut file = BufWriter::new(file);
            serde_json::to_writer(&mut file, &outcome).map_err(|error| at(path, error.into()))?;
            file.flush().map_err(|error| at(path, error))?;
        }
        let summary = if self.json { json(&outcome)? } else { text_of(&outcome) };
        println!("{summary}");
        Ok(())
    }

    /// Tells how far it is, each ten seconds of virtual time.
    fn progress(&self, end: clock::Nanos) -> impl FnMut(clock::Nanos) + Send + use<> {
        let (quiet, mut next) = (self.quiet, 0);
        move |now| {
            if !quiet && now >= next {
                next = now + 10 * clock::SECOND;
                eprintln!("{} of {} virtual seconds", now / clock::SECOND, end / clock::SECOND);
            }
        }
    }
}

/// Becomes true when standard input is at its end, or cannot be read. What comes before is of no interest.
fn when_stdin_closes() -> Result<Arc<AtomicBool>, String> {
    let is_closed = Arc::new(AtomicBool::new(false));
    let closes = is_closed.clone();
    let thread = std::thread::Builder::new().name("stdin".into()).spawn(move || {
        // An error ends it as well as its end does.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        closes.store(true, Ordering::Relaxed);
    });
    thread.map_err(|error| error.to_string())?;
    Ok(is_closed)
}

fn json(outcome: &Outcome) -> Result<String, String> {
    serde_json::to_string_pretty(&Summary::of(outcome)).map_err(|error| error.to_string())
}

fn text_of(outcome: &Outcome) -> String {
    let summary = Summary::of(outcome);
    let number = |number: Option<f64>| number.map_or_else(|| "-".into(), |number| format!("{number:.2}"));
    let degree = &summary.mesh_degree;
    let latency = &summary.latency;
    let hops: Vec<String> = summary
        .hop_shares
        .iter()
        .map(|share| format!("{:.1}", 100.0 * share))
        .collect();
    let counters = &summary.counters;
    [
        format!("delivered   {} of {}", summary.delivered, summary.expected),
        format!(
            "latency     mean {} ms, p50 {}, p90 {}, p99 {}, max {}",
            number(latency.mean_ms),
            number(latency.p50_ms),
            number(latency.p90_ms),
            number(latency.p99_ms),
            number(latency.max_ms)
        ),
        format!("hops        {} %", hops.join(" / ")),
        format!(
            "copies      {} sent a delivery, {} of them for nothing",
            number(summary.sends_per_delivery),
            number(summary.duplicates_per_delivery)
        ),
        format!(
            "mesh        {} peers ({} to {})",
            number(degree.mean),
            degree.min.unwrap_or_default(),
            degree.max.unwrap_or_default()
        ),
        format!(
            "control     {} IHAVE, {} IWANT, {} GRAFT, {} PRUNE, {} IDONTWANT, {} bytes",
            counters.ihave, counters.iwant, counters.graft, counters.prune, counters.idontwant, counters.control_bytes
        ),
        format!("events      {}", summary.events),
        format!("trace       {}", summary.trace),
    ]
    .join("\n")
}

/// What the run cost this machine, where that can be read.
fn cost(wall: Duration) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: f64 = peak
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(f64::NAN);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the program's name, which may hold anything: user and system time, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(f64::NAN)
    };
    let cpu = (ticks(11) + ticks(12)) / 100.0;
    format!(
        "{:.1} s, {cpu:.1} s of processor, {:.2} GB at the most",
        wall.as_secs_f64(),
        peak / 1e6
    )
}
