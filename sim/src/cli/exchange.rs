//! `export-shadow` and `import-interop`: to and from other simulators.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Failure, run};
use crate::exchange::{export, import};

/// `export-shadow`.
#[derive(clap::Args)]
pub struct ExportShadow {
    /// A scenario's file, or the name of a shipped one.
    scenario: String,
    /// Instead of the scenario's own.
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// The real node's program.
    #[arg(long, default_value = "intentcast")]
    program: String,
    /// Where shadow.yaml and what it needs go.
    #[arg(long)]
    out: PathBuf,
}

/// `import-interop`.
#[derive(clap::Args)]
pub struct ImportInterop {
    /// The `params.json` that gossipsub-interop's run.py writes.
    script: PathBuf,
    /// The scenario to write; its connections go beside it.
    #[arg(long, value_name = "FILE.toml")]
    out: PathBuf,
}

impl ExportShadow {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let scenario = run::scenario(&self.scenario)?;
        let exported = export(&scenario, self.seed.unwrap_or(scenario.seed), &self.program)?;
        let meeting = self.out.join("meeting");
        fs::create_dir_all(&meeting)?;
        fs::write(self.out.join("shadow.yaml"), exported.config)?;
        fs::write(self.out.join("rules.toml"), exported.rules)?;
        fs::write(self.out.join("catalog.csv"), exported.catalogue)?;
        own(&meeting.join("identity.key"), &exported.identity)?;
        tell(&exported.left_out);
        println!("cd {} && shadow shadow.yaml", self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}

impl ImportInterop {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let name = self
            .out
            .file_stem()
            .map_or_else(|| "interop".into(), |stem| stem.to_string_lossy().into_owned());
        let edges = format!("{name}.edges");
        let text = fs::read_to_string(&self.script).map_err(|error| format!("{}: {error}", self.script.display()))?;
        let imported = import(&name, &edges, &text).map_err(|error| format!("{}: {error}", self.script.display()))?;
        let beside = self.out.parent().unwrap_or(Path::new(""));
        fs::write(beside.join(&edges), imported.edges)?;
        fs::write(&self.out, toml::to_string(&imported.scenario)?)?;
        tell(&imported.left_out);
        println!("intentcast-sim run {}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(left_out: &[String]) {
    for sentence in left_out {
        eprintln!("left out: {sentence}");
    }
}

/// Writes a file that its owner alone may read.
fn own(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::write(path, bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
