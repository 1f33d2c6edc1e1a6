//! What happens at a member, as it tells it.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use intentcast_node::{
    api::Told,
    client::{Client, ClientError},
};
use intentcast_protocol::market::Event;

use crate::wait::PATIENCE;

/// A member's events, each seen once and in order.
pub struct Watch(Pin<Box<dyn Stream<Item = Result<Told, ClientError>>>>);

impl Watch {
    pub async fn of(client: &Client) -> Self {
        Self(Box::pin(client.events(None, Some(0)).await.unwrap()))
    }

    /// The next event that is wanted; those before it are passed over.
    pub async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let mut seen = Vec::new();
        let waiting = async {
            loop {
                let told = self.0.next().await.expect("the member runs").unwrap();
                if let Some(found) = wanted(&told.event) {
                    return found;
                }
                seen.push(told.event);
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("{what} did not happen, but this: {seen:#?}"))
    }
}
