//! `sweep` and `merge`: many runs, one table.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Failure, progress, run};
use crate::level;
use crate::outcome::Summary;
use crate::report::{Directory, Manifest};
use crate::scenario::Scenario;
use crate::sweep::{Row, Rows, Run, csv};
use crate::watch::Watch;

/// `sweep`.
#[derive(clap::Args)]
pub struct Sweep {
    /// The sweep's file.
    sweep: PathBuf,
    /// Where rows and table go; a sweep that was ended is taken up there.
    #[arg(long, default_value = "sweep")]
    out: PathBuf,
    /// The i-th of n parts, from 0, as `2/8`: each runs its own share.
    #[arg(long, value_name = "I/N", default_value = "0/1")]
    shard: Shard,
    /// Runs at once, each on one thread; as many as there are cores, unless told.
    #[arg(long)]
    jobs: Option<usize>,
    /// Tells the runs that there would be, and runs none.
    #[arg(long)]
    dry: bool,
    /// Keeps each run's whole directory, too, under `runs/`.
    #[arg(long)]
    full: bool,
}

/// `merge`.
#[derive(clap::Args)]
pub struct Merge {
    /// Directories that shards of one sweep wrote.
    #[arg(required = true)]
    from: Vec<PathBuf>,
    /// Where all rows and their table go.
    #[arg(long)]
    out: PathBuf,
}

/// One part of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    at: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('/')
            .and_then(|(at, of)| Some((at.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((at, of)) if at < of => Ok(Self { at, of }),
            _ => Err("expected I/N with I below N, as 0/4".into()),
        }
    }
}

impl Sweep {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let sweep = crate::sweep::Sweep::load(&self.sweep)?;
        let base = base(&self.sweep, &sweep.scenario)?;
        let runs = sweep.runs(&base)?;
        let program = program(&base);
        let rows = Rows::open(&self.out)?;
        let mine = runs.iter().filter(|run| run.is_of((self.shard.at, self.shard.of)));
        let wanted: Vec<(&Run, String)> = mine.map(|run| (run, run.hash(&program))).collect();
        let open: Vec<&(&Run, String)> = wanted.iter().filter(|(_, hash)| !rows.has(hash)).collect();
        println!(
            "{} runs, {} of this shard, {} still open",
            runs.len(),
            wanted.len(),
            open.len()
        );
        if self.dry {
            for (run, hash) in &open {
                let point: Vec<String> = run
                    .point
                    .iter()
                    .map(|(key, value)| format!("{key} = {value}"))
                    .collect();
                println!("{} {hash} seed {} {}", run.number, run.seed, point.join(", "));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let watch = Arc::new(Watch::default());
        progress::end_on_ctrl_c(&watch)?;
        let failed = self.work(&open, &rows, &watch);
        let table = self.out.join("table.csv");
        std::fs::write(&table, csv(&rows.all()?))?;
        println!("{}", table.display());
        match failed.first() {
            None if watch.is_ended() => Ok(ExitCode::from(1)),
            None => Ok(ExitCode::SUCCESS),
            Some(first) => Err(format!("{} runs failed, the first: {first}", failed.len()).into()),
        }
    }

    /// Runs what is open, some at once, and gives back what failed.
    fn work(&self, open: &[&(&Run, String)], rows: &Rows, watch: &Arc<Watch>) -> Vec<String> {
        let next = AtomicUsize::new(0);
        let worker = || {
            let mut failed = Vec::new();
            while !watch.is_ended() {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some((run, hash)) = open.get(at) else { break };
                match self.one(run, hash, rows, watch) {
                    Ok(true) => eprintln!("run {} is done, {} of {}", run.number, at + 1, open.len()),
                    Ok(false) => {}
                    Err(error) => failed.push(format!("run {}: {error}", run.number)),
                }
            }
            failed
        };
        let jobs = run::threads(self.jobs).min(open.len());
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
            let ended = workers.into_iter().map(|worker| match worker.join() {
                Ok(failed) => failed,
                Err(_) => vec!["a run panicked".to_owned()],
            });
            ended.flatten().collect()
        })
    }

    /// Runs one and keeps its row; a run that was cut short leaves none.
    fn one(&self, run: &Run, hash: &str, rows: &Rows, watch: &Watch) -> Result<bool, String> {
        let outcome = level::run(&run.scenario, run.seed, 1, watch)?;
        if outcome.partial {
            return Ok(false);
        }
        let summary = match self.full {
            true => {
                let directory = Directory::new(self.out.join("runs").join(hash));
                let written = directory.write(&run.scenario, run.seed, &outcome, false);
                written.map_err(|error| error.to_string())?
            }
            false => Summary::of(&outcome),
        };
        let row = Row::of(run, hash.to_owned(), summary);
        rows.keep(&row).map_err(|error| error.to_string())?;
        Ok(true)
    }
}

/// The scenario that a sweep's file names: one beside it, or a shipped one.
fn base(sweep: &Path, named: &str) -> Result<Scenario, Failure> {
    let beside = sweep.parent().map(|parent| parent.join(named));
    match beside.filter(|path| path.is_file()) {
        Some(path) => Ok(Scenario::load(&path)?),
        None => run::scenario(named),
    }
}

/// What runs a run: another version or commit may do it differently.
fn program(base: &Scenario) -> String {
    let manifest = Manifest::of(base, 0);
    format!("{} {}", manifest.version, manifest.commit.unwrap_or_default())
}

impl Merge {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let to = Rows::open(&self.out)?;
        for from in &self.from {
            if !from.join("rows").is_dir() {
                return Err(format!("{}: no rows of a sweep are here", from.display()).into());
            }
            for row in Rows::open(from)?.all()? {
                to.keep(&row)?;
            }
        }
        let rows = to.all()?;
        if let Some(twice) = rows.windows(2).find(|pair| pair[0].number == pair[1].number) {
            let number = twice[0].number;
            return Err(
                format!("run {number} is there twice: these are of two sweeps, or of one by two programs").into(),
            );
        }
        let table = self.out.join("table.csv");
        std::fs::write(&table, csv(&rows))?;
        println!("{} rows: {}", rows.len(), table.display());
        Ok(ExitCode::SUCCESS)
    }
}
