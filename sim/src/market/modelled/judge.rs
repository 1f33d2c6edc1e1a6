//! What a signature is in a run: verified by every node that hears a record, or once for all of them.
//!
//! Where it is modelled, whoever hears a gossiped record first verifies it, and the others take it from there: what it
//! costs a node is the time of its validation alone, which the scenario says. Nothing that a node does is otherwise, for
//! a signature holds everywhere or nowhere. What two say to each other is signed and verified in either case.

use std::sync::OnceLock;

use intentcast_protocol::{
    envelope::{Kind, kind_of, open},
    market::{Checked, Input, Ticket},
    topic::Topic,
};

use super::peers::peer_of;
use crate::gossipsub::Spoken;
use crate::scenario::Signatures;

/// Who checks the signatures of what is gossiped.
#[derive(Debug)]
pub struct Judge {
    /// By place for messages; nothing, where each node checks for itself.
    checked: Vec<OnceLock<Option<Checked>>>,
}

impl Judge {
    /// As a scenario says, of so many places for messages.
    pub fn of(signatures: Signatures, places: u32) -> Self {
        let checked = match signatures {
            Signatures::Real => 0,
            Signatures::Modelled => places,
        };
        Self {
            checked: (0..checked).map(|_| OnceLock::new()).collect(),
        }
    }

    /// What a node's machine is told when the message in a place has come from a peer.
    pub fn input(&self, place: u32, ticket: Ticket, from: u32, topic: Topic, spoken: &Spoken) -> Input {
        let peer = peer_of::<64>(from).to_vec();
        let checked = self
            .checked
            .get(place as usize)
            .and_then(|once| once.get_or_init(|| check(&spoken.bytes)).clone());
        match checked {
            Some(record) => Input::Checked {
                ticket,
                peer,
                topic,
                record,
            },
            None => Input::Gossip {
                ticket,
                peer,
                topic,
                bytes: spoken.bytes.to_vec(),
            },
        }
    }
}

/// The record, where it holds; what does not is refused by each node for itself.
fn check(bytes: &[u8]) -> Option<Checked> {
    match kind_of(bytes)? {
        Kind::Intent => open(bytes).ok().map(Box::new).map(Checked::Intent),
        Kind::Withdrawal => open(bytes).ok().map(Checked::Withdrawal),
        _ => None,
    }
}
