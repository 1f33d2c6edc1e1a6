//! `sweep` and `merge`: many runs, one table.

use std::collections::{BTreeMap, BTreeSet};
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
use crate::sweep::{Row, Rows, Run, hashes};
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
        let hashes = hashes(&runs, &program);
        let rows = Rows::of(&self.out);
        let all = || runs.iter().zip(&hashes);
        let mine = all().filter(|(run, _)| run.is_of((self.shard.at, self.shard.of)));
        let (mut open, mut renamed, mut wanted) = (Vec::new(), Vec::new(), 0_usize);
        for (run, hash) in mine {
            wanted += 1;
            match rows.row(hash) {
                Some(row) if !self.full || self.directory(hash).is_whole() => {
                    let told = Row::of(run, hash.clone(), row.summary.clone());
                    renamed.extend((told != row).then_some(told));
                }
                Some(_) | None => open.push((run, hash)),
            }
        }
        println!("{} runs, {wanted} of this shard, {} still open", runs.len(), open.len());
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
        rows.begin(&hashes)?;
        for row in &renamed {
            // It is of a time when the sweep's file numbered it otherwise, or varied other keys.
            rows.keep(row)?;
        }
        let watch = Arc::new(Watch::default());
        progress::end_on_ctrl_c(&watch)?;
        let mut failed = self.work(&open, &rows, &watch);
        let runs_failed = failed.len();
        let there = all().filter_map(|(run, hash)| Some(Row::of(run, hash.clone(), rows.row(hash)?.summary)));
        match rows.tell(&there.collect::<Vec<_>>()) {
            Ok(table) => println!("{}", table.display()),
            Err(error) => failed.push(error.to_string()),
        }
        match failed.as_slice() {
            [] if watch.is_ended() => Ok(ExitCode::from(1)),
            [] => Ok(ExitCode::SUCCESS),
            [table] if runs_failed == 0 => Err(table.clone().into()),
            [first, ..] => {
                let table = failed.get(runs_failed).map(|error| format!("; and {error}"));
                let table = table.unwrap_or_default();
                Err(format!("{runs_failed} runs failed, the first: {first}{table}").into())
            }
        }
    }

    fn directory(&self, hash: &str) -> Directory {
        Directory::new(self.out.join("runs").join(hash))
    }

    /// Runs what is open, some at once, and gives back what failed.
    fn work(&self, open: &[(&Run, &String)], rows: &Rows, watch: &Arc<Watch>) -> Vec<String> {
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
                let written = self.directory(hash).write(&run.scenario, run.seed, &outcome, false);
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
        let to = Rows::of(&self.out);
        let mut from: Vec<&PathBuf> = self.from.iter().collect();
        if to.is_there() {
            from.push(&self.out);
        }
        // All is read and held together before anything is written.
        let (list, rows) = together(&from)?;
        to.begin(&list)?;
        for row in &rows {
            if to.row(&row.hash).as_ref() != Some(row) {
                to.keep(row)?;
            }
        }
        let table = to.tell(&rows)?;
        println!("{} of {} rows: {}", rows.len(), list.len(), table.display());
        let there: BTreeSet<usize> = rows.iter().map(|row| row.number).collect();
        let Some(first) = (0..list.len()).find(|number| !there.contains(number)) else {
            return Ok(ExitCode::SUCCESS);
        };
        println!(
            "partial: {} rows are missing, the first of run {first}",
            list.len() - rows.len()
        );
        Ok(ExitCode::from(1))
    }
}

/// The runs of the one sweep that these directories are of, and their rows, in its order.
fn together(from: &[&PathBuf]) -> Result<(Vec<String>, Vec<Row>), Failure> {
    let mut list: Option<(&PathBuf, Vec<String>)> = None;
    let mut all = BTreeMap::<usize, Row>::new();
    for path in from {
        let rows = Rows::of(path);
        if !rows.is_there() {
            return Err(format!("{}: no rows of a sweep are here", path.display()).into());
        }
        let runs = rows.list()?;
        let (first, list) = list.get_or_insert_with(|| (path, runs.clone()));
        if *list != runs {
            let (first, path) = (first.display(), path.display());
            return Err(format!("{first} and {path} are of two sweeps, or of one by two programs").into());
        }
        for row in rows.all()? {
            let number = row.number;
            let kept = all.entry(number).or_insert_with(|| row.clone());
            if *kept != row {
                return Err(format!("{}: run {number} is there twice, and not the same", path.display()).into());
            }
        }
    }
    let list = list.map(|(_, list)| list).unwrap_or_default();
    Ok((list, all.into_values().collect()))
}
