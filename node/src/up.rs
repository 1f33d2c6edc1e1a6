//! Runs a node until it is told to stop.

use std::io::{self, Write as _};

use anyhow::Result;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::node::{Node, Setup};

/// Starts the node, says on standard output where it can be reached, and serves until `shutdown`.
///
/// # Errors
/// Where it does not start.
pub async fn serve(setup: Setup, json: bool, shutdown: CancellationToken) -> Result<()> {
    let began = std::time::Instant::now();
    let home = setup.home.clone();
    let role = if setup.seller.is_some() { "seller" } else { "customer" };
    let node = Node::start(setup, shutdown.clone()).await?;
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    info!(ms, role, "ready");
    let mut out = io::stdout().lock();
    // Whoever started us may not read what we print; the node serves all the same.
    let said = if json {
        let ready = json!({
            "event": "ready", "role": role, "peer": node.peer, "addresses": node.addresses, "api": node.api, "ms": ms,
        });
        writeln!(out, "{ready}")
    } else {
        let mut said = writeln!(out, "ready as a {role} after {ms} ms, home {}", home.display());
        for address in &node.addresses {
            said = said.and_then(|()| writeln!(out, "listening {address}"));
        }
        said.and_then(|()| writeln!(out, "local API http://{}", node.api))
    };
    if let Err(why) = said.and_then(|()| out.flush()) {
        warn!(%why, "nobody reads what this node prints");
    }
    drop(out);
    shutdown.cancelled().await;
    node.stopped().await;
    Ok(())
}

/// Stops when standard input ends: a member of a demo or a test goes with whoever started it, however that one ends.
pub fn tie_to_stdin(shutdown: CancellationToken) {
    tokio::spawn(async move {
        let mut input = tokio::io::stdin();
        let mut ignored = [0; 256];
        while matches!(input.read(&mut ignored).await, Ok(1..)) {}
        shutdown.cancel();
    });
}
