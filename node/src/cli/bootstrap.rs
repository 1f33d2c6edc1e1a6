//! `intentcast bootstrap`: the meeting point, in this program so that nobody needs a second one.

use std::future::Future;

use anyhow::Result;
use intentcast_bootstrap::{Args, Running};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Exit, Failure, Global, out::Out};

/// What a meeting point takes.
#[derive(clap::Args, Clone, Debug)]
pub struct BootstrapArgs {
    #[command(flatten)]
    args: Args,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    tied: bool,
}

/// Runs a meeting point until it is told to stop.
pub async fn run(global: &Global, args: BootstrapArgs) -> Result<()> {
    let BootstrapArgs { args, tied } = args;
    let config = args
        .into_config(global.home.clone())
        .map_err(|error| Failure::usage(format!("{error:#}")))?;
    let shutdown = CancellationToken::new();
    if tied {
        crate::up::tie_to_stdin(shutdown.clone());
    }
    let out = global.out();
    until_told(
        shutdown.clone(),
        intentcast_bootstrap::run(config, shutdown, |running| announce(running, out)),
    )
    .await
}

/// Runs `node` until it ends, and has it end at a signal; one from the keyboard has a status of its own.
pub async fn until_told(shutdown: CancellationToken, node: impl Future<Output = Result<()>>) -> Result<()> {
    let mut node = std::pin::pin!(node);
    let interrupted = tokio::select! {
        ended = &mut node => return ended,
        interrupted = signal() => interrupted?,
    };
    shutdown.cancel();
    // A second interrupt is for whoever cannot wait.
    tokio::select! {
        ended = &mut node => ended?,
        _ = signal() => {}
    }
    if interrupted {
        return Err(Failure::new(Exit::Interrupted, "interrupted").into());
    }
    Ok(())
}

/// Says where it is reached. A reader that has gone away is no reason to stop.
fn announce(running: &Running, out: Out) {
    let _ = out.value(&json!({
        "event": "ready",
        "peer": running.peer,
        "addresses": running.addresses,
        "http": running.http.map(|address| address.to_string()),
    }));
    for address in &running.addresses {
        let _ = out.line(format!("listening {address}"));
    }
}

/// Waits for a signal to stop; true when it came from the keyboard.
#[cfg(unix)]
async fn signal() -> Result<bool> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => true,
    })
}

/// Waits for the signal to stop.
#[cfg(not(unix))]
async fn signal() -> Result<bool> {
    tokio::signal::ctrl_c().await?;
    Ok(true)
}
