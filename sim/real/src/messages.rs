//! The messages of a run: to the plan each is a number, on the wire it is bytes, to gossipsub an id.
//!
//! All of them are known beforehand, those that only attackers have among them, and so what a stranger sends is either
//! one of these or nothing.

use std::collections::HashMap;

use intentcast_sim::engine::Plan;
use libp2p::gossipsub::{Config, Message, MessageId};

use crate::gossip;

/// The table of a plan.
#[derive(Debug)]
pub struct Messages {
    /// By number: topic, bytes of payload, and whether nodes accept it.
    known: Vec<intentcast_sim::gossipsub::Message>,
    ids: Vec<MessageId>,
    /// Only ever looked up.
    numbers: HashMap<MessageId, u32>,
}

impl Messages {
    /// All messages of a plan, with the ids that its gossip gives them.
    ///
    /// An error is gossipsub's refusal of the scenario's settings.
    pub fn of(plan: &Plan) -> Result<Self, String> {
        let mut messages = Self {
            known: plan.world.messages.clone(),
            ids: Vec::new(),
            numbers: HashMap::new(),
        };
        // Settings draw keys of maps as they are made, from the thread that makes them: what the world's thread draws
        // is the nodes' alone.
        messages.ids = std::thread::scope(|scope| {
            let ids = scope.spawn(|| -> Result<Vec<MessageId>, String> {
                let gossip = gossip::config(&plan.scenario, 0)?;
                let all = 0..messages.known.len() as u32;
                Ok(all.map(|number| messages.make_id(number, &gossip)).collect())
            });
            ids.join().unwrap_or_else(|_| Err("making ids panicked".into()))
        })?;
        for (number, id) in (0..).zip(&messages.ids) {
            // Payloads of less than four bytes may be alike: what is said again is the first of them.
            messages.numbers.entry(id.clone()).or_insert(number);
        }
        Ok(messages)
    }

    fn make_id(&self, number: u32, gossip: &Config) -> MessageId {
        gossip.message_id(&Message {
            source: None,
            data: self.bytes(number),
            sequence_number: None,
            topic: gossip::topic(self.known[number as usize].topic).hash(),
        })
    }

    /// The number of an id; none, if there is no such message.
    pub fn number(&self, id: &MessageId) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    /// The id of a message, if there is one of this number.
    pub fn id(&self, number: u32) -> Option<&MessageId> {
        self.ids.get(number as usize)
    }

    /// The topic of a message, if there is one of this number.
    pub fn topic(&self, number: u32) -> Option<u32> {
        self.known.get(number as usize).map(|message| message.topic)
    }

    /// Whether nodes accept it.
    pub fn is_valid(&self, number: u32) -> bool {
        self.known.get(number as usize).is_some_and(|message| message.valid)
    }

    /// What it says: its number, then zeros.
    pub fn bytes(&self, number: u32) -> Vec<u8> {
        let size = self.known.get(number as usize).map_or(0, |message| message.size);
        let mut bytes = vec![0; size as usize];
        for (byte, number) in bytes.iter_mut().zip(number.to_le_bytes()) {
            *byte = number;
        }
        bytes
    }

    /// The message of this topic that says this.
    pub fn read(&self, topic: u32, bytes: &[u8]) -> Option<u32> {
        let mut number = [0; 4];
        for (to, from) in number.iter_mut().zip(bytes) {
            *to = *from;
        }
        let number = u32::from_le_bytes(number);
        let known = self.known.get(number as usize)?;
        (known.topic == topic && known.size as usize == bytes.len()).then_some(number)
    }
}
