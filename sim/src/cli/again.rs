//! `replay`: a seed again, to see what it did, and whether it does it still.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Failure, run};
use crate::outcome::Summary;
use crate::report::Directory;
use crate::scenario::Scenario;
use crate::watch::Watch;

/// `replay`.
#[derive(clap::Args)]
pub struct Replay {
    /// The seed.
    #[arg(value_parser = run::seeds())]
    seed: u64,
    /// What to run: a directory that `run --out` wrote, a scenario's file, or the name of a shipped one.
    of: String,
    /// As many as there are cores and nodes enough for, unless told; what comes out is the same.
    #[arg(long)]
    threads: Option<usize>,
}

impl Replay {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let directory = Directory::new(&self.of);
        let written = Path::new(&self.of).join("scenario.toml");
        let before = match written.is_file() {
            true => Some((directory.manifest()?, directory.summary()?)),
            false => None,
        };
        let scenario = match before {
            Some(_) => Scenario::load(&written)?,
            None => run::scenario(&self.of)?,
        };
        let watch = Arc::new(Watch::default());
        let outcome = run::watched(&scenario, self.seed, run::threads_of(&scenario, self.threads), &watch)?;
        let summary = Summary::of(&outcome);
        print!("{}", run::told(&summary));
        if let Some((manifest, then)) = before
            && manifest.seed == self.seed
            && !then.partial
        {
            if summary != then {
                println!(
                    "not what it was: the trace was {} at commit {:?}",
                    then.trace, manifest.commit
                );
                return Ok(ExitCode::from(1));
            }
            println!("the same as then, to the last event");
        }
        Ok(run::verdict(&summary))
    }
}
