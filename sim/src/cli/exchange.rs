//! `export-shadow` and `import-interop`: to and from other simulators.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Failure, run};
use crate::exchange::{export, import};
use crate::scenario::Error;

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
        let beside = self.out.parent().unwrap_or(Path::new(""));
        if is_same(&self.out, &beside.join(&edges)) {
            return Err(format!(
                "--out {}: the connections go into a file of that name; expected another, as {name}.toml",
                self.out.display()
            )
            .into());
        }
        for written in [&self.out, &beside.join(&edges)] {
            if is_same(written, &self.script) {
                return Err(format!("--out {}: the script would be overwritten", self.out.display()).into());
            }
        }
        let text = fs::read_to_string(&self.script).map_err(|error| format!("{}: {error}", self.script.display()))?;
        let imported = import(&name, &edges, &text).map_err(|error| format!("{}: {error}", self.script.display()))?;
        fs::write(beside.join(&edges), imported.edges)?;
        fs::write(&self.out, toml::to_string(&imported.scenario)?)?;
        tell(&imported.left_out);
        println!("intentcast-sim run {}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// What is left out may name what a stranger's file names.
fn tell(left_out: &[String]) {
    for sentence in left_out {
        eprintln!("left out: {}", Error::shown(sentence));
    }
}

/// Whether two names are, or may be, those of one file: some disks know no capitals.
fn is_same(a: &Path, b: &Path) -> bool {
    let alike = |a: &Path, b: &Path| a.to_string_lossy().eq_ignore_ascii_case(&b.to_string_lossy());
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => alike(a, b),
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

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"{"script": [{"type": "subscribeToTopic", "topicID": "a"}, {"type": "ifNodeIDEquals", "nodeID": 11,
        "instruction": {"type": "publish", "topicID": "a", "messageSizeBytes": 9}}]}"#;

    #[test]
    fn a_scenario_is_not_written_over_its_connections_or_its_script() {
        let place = tempfile::tempdir().expect("a place");
        let script = place.path().join("params.edges");
        fs::write(&script, SCRIPT).expect("written");
        let import = |out: &str| {
            let out = place.path().join(out);
            let script = script.clone();
            ImportInterop { script, out }.run().map_err(|error| error.to_string())
        };
        for (out, said) in [
            ("imp.edges", "expected another, as imp.toml"),
            ("imp.EDGES", "expected another, as imp.toml"),
            ("params.edges", "expected another"),
            ("params.toml", "the script would be overwritten"),
        ] {
            let error = import(out).expect_err(out);
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(fs::read_to_string(&script).expect("still there"), SCRIPT);
        assert_eq!(fs::read_dir(place.path()).expect("a place").count(), 1);
        import("imp.toml").expect("written");
        let written = fs::read_to_string(place.path().join("imp.toml")).expect("written");
        assert!(written.contains("file = \"imp.edges\"") && place.path().join("imp.edges").is_file());
    }
}
