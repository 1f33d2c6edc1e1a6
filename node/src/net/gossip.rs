//! How this node gossips: gossipsub under its [`settings`], and the tickets of messages that await a verdict.
//!
//! Nothing is forwarded before its verdict, and nothing is signed here: the payload carries its own signature.

mod settings;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libp2p::PeerId;
use libp2p::gossipsub::{IdentTopic, MessageAuthenticity, MessageId};

use super::config::Settings;
use super::{Error, TopicGrammar};
pub(super) use settings::{Behaviour, MESH, MESH_LOW, topic_score};

pub(super) fn behaviour(settings: &Settings, grammar: TopicGrammar) -> Result<Behaviour, Error> {
    let config = settings::config()
        .build()
        .map_err(|error| Error::Gossip(error.to_string()))?;
    let filter = settings::filter(grammar);
    let mut behaviour = Behaviour::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
        .map_err(|error| Error::Gossip(error.to_string()))?;
    behaviour
        .with_peer_score(settings::peer_score(settings.allow_private), settings::thresholds())
        .map_err(Error::Gossip)?;
    Ok(behaviour)
}

pub(super) fn topic(name: &str) -> IdentTopic {
    IdentTopic::new(name)
}

/// Messages that await their verdict. gossipsub forgets one after five heartbeats; so do we, a little later.
#[derive(Default)]
pub(super) struct Tickets {
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
}

pub(super) struct Waiting {
    pub id: MessageId,
    pub from: PeerId,
    since: Instant,
}

/// More than arrive in [`TICKET_LIFE`] at the rate one core can verify would be of no use.
const MAX_TICKETS: usize = 8_192;
const TICKET_LIFE: Duration = Duration::from_secs(6);

impl Tickets {
    pub fn issue(&mut self, now: Instant, id: MessageId, from: PeerId) -> u64 {
        while let Some(oldest) = self.waiting.first_entry() {
            if self.next - *oldest.key() < MAX_TICKETS as u64 && now - oldest.get().since < TICKET_LIFE {
                break;
            }
            oldest.remove();
        }
        self.next += 1;
        self.waiting.insert(self.next, Waiting { id, from, since: now });
        self.next
    }

    /// The message of a ticket, once.
    pub fn redeem(&mut self, ticket: u64) -> Option<Waiting> {
        self.waiting.remove(&ticket)
    }
}
