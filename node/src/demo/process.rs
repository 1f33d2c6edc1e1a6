//! One member of the market: a process of this very program, tied to ours by its standard input.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};

use super::shops::Shop;
use crate::client::Client;

/// How long a member may take to go by itself.
const STOP: Duration = Duration::from_secs(10);
/// What is kept of a member's complaints.
const COMPLAINT: usize = 4096;

/// A running member. When it is dropped, or when we are gone however suddenly, its input ends and so does it.
pub(super) struct Member {
    child: Child,
    home: PathBuf,
    ready: Ready,
}

/// The first line that a member prints.
#[derive(Deserialize, Debug)]
struct Ready {
    addresses: Vec<String>,
    #[serde(default)]
    peer: String,
}

impl Member {
    pub(super) async fn bootstrap(program: &Path, home: PathBuf, patience: Duration) -> Result<Self> {
        let args = ["bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0"];
        Self::start(program, home, &args.map(String::from), patience).await
    }

    pub(super) async fn customer(program: &Path, home: PathBuf, meeting: &str, patience: Duration) -> Result<Self> {
        Self::start(program, home, &up(meeting), patience).await
    }

    pub(super) async fn seller(
        program: &Path,
        home: PathBuf,
        meeting: &str,
        shop: &Shop,
        patience: Duration,
    ) -> Result<Self> {
        tokio::fs::create_dir_all(&home).await?;
        let (catalogue, rules) = (home.join("catalogue.jsonl"), home.join("rules.toml"));
        tokio::fs::write(&catalogue, shop.catalogue_lines()).await?;
        tokio::fs::write(&rules, &shop.rules_text).await?;
        let mut args = up(meeting);
        args.extend(["--catalog".into(), catalogue.display().to_string()]);
        args.extend(["--rules".into(), rules.display().to_string()]);
        Self::start(program, home, &args, patience).await
    }

    async fn start(program: &Path, home: PathBuf, args: &[String], patience: Duration) -> Result<Self> {
        let mut child = Command::new(program)
            .arg("--home")
            .arg(&home)
            .arg("--json")
            .args(args)
            .arg("--tied")
            .env_remove("INTENTCAST_HOME")
            .env_remove("INTENTCAST_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = child
            .stdout
            .take()
            .context("a child with a pipe for its output has one")?;
        let mut stderr = child
            .stderr
            .take()
            .context("a child with a pipe for its complaints has one")?;
        let complaint = tokio::spawn(async move {
            let mut kept = Vec::new();
            let mut chunk = [0; 1024];
            while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
                kept.extend_from_slice(&chunk[..read]);
                let over = kept.len().saturating_sub(COMPLAINT);
                kept.drain(..over);
            }
            String::from_utf8_lossy(&kept).into_owned()
        });
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(patience, lines.next_line()).await;
        match first {
            Ok(Ok(Some(line))) => {
                let ready = serde_json::from_str(&line)
                    .with_context(|| format!("a member of the market printed `{}`", line.escape_debug()))?;
                // Whatever else it prints is drained, so that it never waits for us.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                Ok(Self { child, home, ready })
            }
            Ok(_) => {
                child.start_kill().ok();
                let why = complaint.await.unwrap_or_default();
                bail!("a member of the market did not start: {}", why.trim().escape_debug())
            }
            Err(_) => {
                child.start_kill().ok();
                bail!("a member of the market was not ready within {} s", patience.as_secs())
            }
        }
    }

    pub(super) fn addresses(&self) -> &[String] {
        &self.ready.addresses
    }

    pub(super) fn peer(&self) -> &str {
        &self.ready.peer
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn client(&self) -> Result<Client> {
        Ok(Client::of_home(&self.home)?)
    }

    /// Asks it to go, and makes it if it will not.
    pub(super) async fn stop(mut self) {
        drop(self.child.stdin.take());
        if tokio::time::timeout(STOP, self.child.wait()).await.is_err() {
            self.child.kill().await.ok();
        }
    }
}

fn up(meeting: &str) -> Vec<String> {
    ["up", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--bootstrap", meeting]
        .map(String::from)
        .to_vec()
}
