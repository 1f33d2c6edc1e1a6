//! The task that holds a seller to its grants while its node runs: it wakes when a letter or a deal comes, and at the
//! next end.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use intentcast_protocol::market::Event;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Desk, DeskError};
use crate::{api::backend::Backend, driver};

/// How long it rests at most: a clock that is set means no end is missed by more.
const REST: Duration = Duration::from_secs(60);
/// How soon it tries again after something went wrong.
const AGAIN: Duration = Duration::from_secs(5);

/// Keeps to the grants until `stop`.
pub async fn keep(desk: Arc<Desk>, backend: impl Backend, stop: CancellationToken) {
    let mut events = std::pin::pin!(backend.events(None));
    loop {
        let rest = match desk.sweep(&backend).await {
            Ok(next) => next.map_or(REST, |at| Duration::from_millis(at.since(driver::now())).min(REST)),
            Err(why) => {
                // Only what the disk says names no strand.
                match &why {
                    DeskError::Broken(why) => warn!(%why, "grants cannot be kept to for now"),
                    _ => warn!("grants cannot be kept to for now"),
                }
                debug!(%why, "why");
                AGAIN
            }
        };
        let waiting = async {
            while let Some((.., event)) = events.next().await {
                if matters(&event) {
                    return;
                }
            }
            // The node is going down.
            std::future::pending().await
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = waiting => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}

fn matters(event: &Event) -> bool {
    match event {
        Event::Agreement { .. } | Event::CaughtUp { .. } => true,
        // Our own letters come by here as well, and ask nothing of us.
        Event::Letter { what, .. } => matches!(what.as_str(), "granted" | "grant_refused" | "revoked" | "verdict"),
        _ => false,
    }
}
