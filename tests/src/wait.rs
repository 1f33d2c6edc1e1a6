//! Waiting for what should happen, under a deadline.

use std::time::Duration;

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How long anything may take. Debug builds of several nodes share two cores; what takes longer will not happen.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// How often is looked at what no event tells of.
const LOOK: Duration = Duration::from_millis(25);

/// `future`, or a panic that says what did not happen.
pub async fn within<T>(patience: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(patience, future).await {
        Ok(done) => done,
        Err(_) => panic!("within {} s it did not happen: {what}", patience.as_secs()),
    }
}

/// Looks until there is something, for what no event tells of.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut beat = tokio::time::interval(LOOK);
    let looking = async {
        loop {
            beat.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    within(PATIENCE, what, looking).await
}

static STAGE: RwLock<()> = RwLock::const_new(());

/// A place beside other stories.
pub async fn beside_others() -> RwLockReadGuard<'static, ()> {
    STAGE.read().await
}

/// The machine for one story alone: the crowded ones would make the others late.
pub async fn alone() -> RwLockWriteGuard<'static, ()> {
    STAGE.write().await
}
