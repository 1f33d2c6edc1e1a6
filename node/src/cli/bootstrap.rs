//! `intentcast bootstrap`: the meeting point, in this program so that nobody needs a second one.

use anyhow::{Context as _, Result};
use intentcast_bootstrap::{Args, Running};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Exit, Failure, Global, out::Out};

/// Runs a meeting point until it is told to stop.
pub async fn run(global: &Global, args: Args) -> Result<()> {
    let config = args.into_config(global.home.clone()).map_err(|error| Failure::usage(format!("{error:#}")))?;
    let shutdown = CancellationToken::new();
    let signals = tokio::spawn(signals(shutdown.clone()));
    let out = global.out();
    intentcast_bootstrap::run(config, shutdown.clone(), |running| announce(running, out)).await?;
    if shutdown.is_cancelled() && signals.await.context("signals")?? {
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

/// Waits for the first signal to stop; true when it came from the keyboard.
#[cfg(unix)]
pub async fn signals(shutdown: CancellationToken) -> Result<bool> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let interrupted = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => true,
    };
    shutdown.cancel();
    Ok(interrupted)
}

/// Waits for the signal to stop.
#[cfg(not(unix))]
pub async fn signals(shutdown: CancellationToken) -> Result<bool> {
    tokio::signal::ctrl_c().await?;
    shutdown.cancel();
    Ok(true)
}
