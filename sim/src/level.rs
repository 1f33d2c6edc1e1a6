//! One door to all levels: a scenario and a seed go in, an outcome comes out.

use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::attack;
use crate::engine;
use crate::outcome::Outcome;
use crate::scenario::{Level, Scenario};
use crate::watch::Watch;

/// Says where the program of the `real` level is, when it is not beside this one.
const REAL_VARIABLE: &str = "INTENTCAST_SIM_REAL";
const REAL_PROGRAM: &str = "intentcast-sim-real";
/// How often it is asked whether a run that another program does shall end.
const BETWEEN: Duration = Duration::from_millis(100);
const REAL_BUILD: &str = "cargo build --release --manifest-path sim/real/Cargo.toml";

/// Runs a scenario on the level it names. The outcome is the same for any number of threads.
pub fn run(scenario: &Scenario, seed: u64, threads: usize, watch: &Watch) -> Result<Outcome, String> {
    match scenario.level {
        Level::Gossip => gossip(scenario, seed, threads, watch),
        Level::Market => market(scenario, seed, threads, watch),
        Level::Real => real(&real_program()?, scenario, seed, watch),
    }
}

fn gossip(scenario: &Scenario, seed: u64, threads: usize, watch: &Watch) -> Result<Outcome, String> {
    if !scenario.attack.is_empty() {
        return attack::run(scenario, seed, threads, watch);
    }
    engine::run(scenario, seed, threads, watch).map_err(|error| error.to_string())
}

#[cfg(feature = "market")]
fn market(scenario: &Scenario, seed: u64, threads: usize, watch: &Watch) -> Result<Outcome, String> {
    crate::market::modelled::run(scenario, seed, threads, watch)
}

#[cfg(not(feature = "market"))]
fn market(_scenario: &Scenario, _seed: u64, _threads: usize, _watch: &Watch) -> Result<Outcome, String> {
    Err("this build has no market level; build it with the feature `market`".into())
}

/// Runs a scenario on the real level by its program, for that is built with another clock; it leaves the outcome in a
/// file. When the watch is ended, the outcome is of what there is until then.
///
/// # Errors
///
/// If the program cannot be started, or refuses the scenario.
pub fn real(program: &Path, scenario: &Scenario, seed: u64, watch: &Watch) -> Result<Outcome, String> {
    let place = Place::make()?;
    let (asked, answer) = (place.0.join("scenario.toml"), place.0.join("outcome.json"));
    let text = toml::to_string(scenario).map_err(|error| error.to_string())?;
    std::fs::write(&asked, text).map_err(|error| format!("{}: {error}", asked.display()))?;
    let mut command = Command::new(program);
    command
        .arg("run")
        .arg(&asked)
        .args(["--seed", &seed.to_string()])
        .arg("--out")
        .arg(&answer)
        .arg("--until-stdin-closes")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // The terminal's Ctrl-C is for this program alone, which then lets the other one end with what there is.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let mut last = String::new();
    let (stdin, said) = (child.stdin.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let (done, over) = channel::<()>();
        scope.spawn(|| hold_until_end(stdin, over, watch));
        for line in said
            .into_iter()
            .flat_map(|said| BufReader::new(said).lines())
            .map_while(Result::ok)
        {
            match seconds_told(&line) {
                Some(second) => watch.tell(second * 1_000_000_000, 0),
                None => last = line,
            }
        }
        drop(done);
    });
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("{REAL_PROGRAM} ended with {status}: {last}"));
    }
    let text = std::fs::read(&answer).map_err(|error| format!("{}: {error}", answer.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{REAL_PROGRAM} told an outcome of another shape: {error}"))
}

/// Holds the other program's standard input open until it is over or its watcher wants it to end: closed, it ends the
/// run with what there is. It closes, too, when this program is no more.
fn hold_until_end(stdin: Option<ChildStdin>, over: Receiver<()>, watch: &Watch) {
    while let Err(RecvTimeoutError::Timeout) = over.recv_timeout(BETWEEN) {
        if watch.is_ended() {
            break;
        }
    }
    drop(stdin);
}

/// The second in "70 of 130 virtual seconds".
fn seconds_told(line: &str) -> Option<u64> {
    let (second, _) = line.strip_suffix(" virtual seconds")?.split_once(" of ")?;
    second.parse().ok()
}

fn real_program() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os(REAL_VARIABLE) {
        return Ok(named.into());
    }
    let name = format!("{REAL_PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().ok();
    let beside = own.as_ref().and_then(|own| Some(own.parent()?.join(&name)));
    // In the source tree this program is in target/<profile>, the other in sim/real/target/<profile>.
    let tree = own.as_ref().and_then(|own| {
        let root = own.parent()?.parent()?.parent()?;
        Some(root.join("sim/real/target/release").join(&name))
    });
    let found = beside.into_iter().chain(tree).find(|path| path.is_file());
    found.ok_or_else(|| {
        format!("the real level is a program of its own, {REAL_PROGRAM}, which is neither beside this one nor named by {REAL_VARIABLE}; build it with: {REAL_BUILD}")
    })
}

/// Names tried for one such directory.
const MOST_PLACES: u32 = 100_000;

/// A directory for one exchange with the other program, gone afterwards.
struct Place(PathBuf);

impl Place {
    fn make() -> Result<Self, String> {
        Self::within(&std::env::temp_dir())
    }

    /// What has the name already is another run's, or was left by one that was killed and had this program's number.
    fn within(places: &Path) -> Result<Self, String> {
        let mut taken = 0;
        loop {
            let path = places.join(format!("intentcast-sim-{}-{taken}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && taken < MOST_PLACES => taken += 1,
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left over in a temporary place does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_somebody_left_is_passed_by() {
        let places = tempfile::tempdir().expect("a place");
        let first = Place::within(places.path()).expect("free");
        let second = Place::within(places.path()).expect("the next name is");
        assert_ne!(first.0, second.0);
        let path = second.0.clone();
        drop(second);
        assert!(first.0.is_dir() && !path.exists());
        assert!(Place::within(&places.path().join("nowhere")).is_err());
    }
}
