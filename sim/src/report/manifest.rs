//! Where a result comes from: enough to make it again, to the byte.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::scenario::Scenario;

/// The lock file that this program was built with.
const LOCK: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));

/// Where a result comes from. No clock, host or path is in it, nor the number of threads: what does not change a
/// result does not tell two equal ones apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `intentcast-sim`.
    pub program: String,
    /// Of the program.
    pub version: String,
    /// Of the source: `INTENTCAST_COMMIT` at build, else that of the tree it was built in, with `-dirty` after it when
    /// files differ; none where neither is known.
    pub commit: Option<String>,
    /// SHA-256 of the lock file that the program was built with.
    pub lock_sha256: String,
    /// What was run.
    pub scenario: String,
    /// SHA-256 of everything in the scenario that can change an outcome, but its seed.
    pub config_sha256: String,
    /// The engine.
    pub level: String,
    /// The seed.
    pub seed: u64,
    /// What to say to make it again, beside its `scenario.toml`.
    pub command: String,
}

impl Manifest {
    /// Of a run.
    pub fn of(scenario: &Scenario, seed: u64) -> Self {
        Self {
            program: "intentcast-sim".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            commit: commit(),
            lock_sha256: hex(&Sha256::digest(LOCK)),
            scenario: scenario.name.clone(),
            config_sha256: hex(&scenario.hash()),
            level: scenario.level.name().into(),
            seed,
            command: format!("intentcast-sim run scenario.toml --seed {seed}"),
        }
    }
}

fn commit() -> Option<String> {
    if let Some(commit) = option_env!("INTENTCAST_COMMIT") {
        return Some(commit.to_owned());
    }
    let git = |words: &[&str]| {
        let mut git = std::process::Command::new("git");
        let said = git
            .arg("-C")
            .arg(env!("CARGO_MANIFEST_DIR"))
            .args(words)
            .output()
            .ok()?;
        let text = String::from_utf8(said.stdout).ok()?;
        said.status.success().then(|| text.trim().to_owned())
    };
    let head = git(&["rev-parse", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() {
        head
    } else {
        format!("{head}-dirty")
    })
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
