//! `run`: one scenario, one seed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::{Failure, progress};
use crate::level;
use crate::outcome::{Outcome, Summary};
use crate::report::{Directory, measures, plot};
use crate::scenario::{Scenario, value};
use crate::watch::Watch;

/// `run`.
#[derive(clap::Args)]
pub struct Run {
    /// A scenario's file, or the name of a shipped one.
    scenario: String,
    /// Instead of the scenario's own.
    #[arg(long, value_parser = seeds())]
    seed: Option<u64>,
    /// As many as there are cores and nodes enough for, unless told; what comes out is the same.
    #[arg(long)]
    threads: Option<usize>,
    /// Another value for a key, as `--set gossipsub.d=6`.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where manifest, summary, tables and the report go.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Tables as CSV, too.
    #[arg(long, requires = "out")]
    csv: bool,
    /// The summary as JSON on standard output.
    #[arg(long)]
    json: bool,
}

impl Run {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let mut changes = Vec::new();
        for change in &self.set {
            let (key, text) = change
                .split_once('=')
                .ok_or_else(|| format!("--set {change}: expected KEY=VALUE"))?;
            changes.push((key.trim().to_owned(), value(text.trim())));
        }
        let scenario = scenario(&self.scenario)?.with(&changes)?;
        let seed = self.seed.unwrap_or(scenario.seed);
        let watch = Arc::new(Watch::default());
        let directory = self.out.as_ref().map(Directory::new);
        if let Some(directory) = &directory {
            directory.prepare()?;
        }
        let outcome = watched(&scenario, seed, threads_of(&scenario, self.threads), &watch)?;
        let summary = match &directory {
            Some(directory) => directory.write(&scenario, seed, &outcome, self.csv)?,
            None => Summary::of(&outcome),
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&summary)?);
        } else {
            print!("{}", told(&summary));
            if let Some(out) = &self.out {
                println!("{}", out.join("report.html").display());
            }
        }
        Ok(verdict(&summary))
    }
}

/// What a seed on the command line may be: what a scenario's own may be, for it is written into one.
pub fn seeds() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(..=i64::MAX as u64)
}

/// The scenario of a file, or the shipped one of a name.
pub fn scenario(named: &str) -> Result<Scenario, Failure> {
    let path = Path::new(named);
    if path.is_file() {
        return Ok(Scenario::load(path)?);
    }
    Ok(Scenario::shipped(named)?)
}

/// Runs with a bar, and to the end or to Ctrl-C.
pub fn watched(scenario: &Scenario, seed: u64, threads: usize, watch: &Arc<Watch>) -> Result<Outcome, Failure> {
    progress::end_on_ctrl_c(watch)?;
    let run = || level::run(scenario, seed, threads, watch);
    Ok(progress::beside(watch, scenario.length_ns(), run)?)
}

/// Nodes that are worth a thread of their own: below that it waits for the others more than it works.
const NODES_A_THREAD: u32 = 100;

/// Threads for one run: as asked, or as many as there are cores and nodes enough for.
pub fn threads_of(scenario: &Scenario, asked: Option<usize>) -> usize {
    let enough = (scenario.nodes / NODES_A_THREAD).max(1) as usize;
    asked.map_or_else(|| threads(None).min(enough), |asked| asked.max(1))
}

/// As asked, or as many as there are cores.
pub fn threads(asked: Option<usize>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, Into::into);
    asked.unwrap_or_else(cores).max(1)
}

/// A summary for a reader at a terminal.
pub fn told(summary: &Summary) -> String {
    let mut text = String::new();
    for (name, value) in measures(summary) {
        if let Some(value) = value {
            text.push_str(&format!("{name:<32} {}\n", plot::label(value)));
        }
    }
    let shares: Vec<String> = summary
        .hop_shares
        .iter()
        .map(|share| format!("{:.1}", share * 100.0))
        .collect();
    if !shares.is_empty() {
        text.push_str(&format!("{:<32} {}\n", "hops, % of arrivals", shares.join(" / ")));
    }
    text.push_str(&format!("{:<32} {}\n", "trace", summary.trace));
    for violation in &summary.violations {
        text.push_str(&format!("violation: {violation}\n"));
    }
    if summary.partial {
        text.push_str(&format!(
            "partial: ended after {:.1} s of virtual time\n",
            summary.virtual_s
        ));
    }
    text
}

/// 1 where something happened that must never, or where a run was cut short.
pub fn verdict(summary: &Summary) -> ExitCode {
    u8::from(summary.partial || !summary.violations.is_empty()).into()
}
