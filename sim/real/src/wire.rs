//! gossipsub's frames, as an attacker's node reads and writes them: the model's [`Rpc`] in the protobuf of `rpc.proto`.
//!
//! What cannot be read, or speaks of topics and messages that there are not, is left out.

use intentcast_sim::gossipsub::{List, Rpc};

use crate::gossip;
use crate::messages::Messages;
use crate::rpc::Fields;

/// What gossipsub says, newest version first, as the real one proposes it.
pub const PROTOCOL: &str = "/meshsub/1.3.0";
/// Nothing that is sent here is longer.
const MAX_FRAME: usize = 32 << 20;

/// A frame, its length in front.
pub fn encode(rpc: &Rpc, messages: &Messages) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let control = |number: u8, inner: &[u8]| field(3, &field(number, inner));
    match rpc {
        // No extension is spoken.
        Rpc::Extensions => body = control(6, &[]),
        Rpc::Graft(topic) => body = control(3, &field(1, &name(*topic))),
        Rpc::Prune { topic, backoff_s } => {
            let mut prune = field(1, &name(*topic));
            prune.push(3 << 3);
            varint(&mut prune, u64::from(*backoff_s));
            body = control(4, &prune);
        }
        Rpc::IDontWant(message) => body = control(5, &field(1, &messages.id(*message)?.0)),
        Rpc::Publish { message, .. } => {
            let mut publish = field(2, &messages.bytes(*message));
            publish.extend(field(4, &name(messages.topic(*message)?)));
            body = field(2, &publish);
        }
        Rpc::List(ids) => match ids.list() {
            List::Subscribe | List::Unsubscribe => {
                for topic in ids.all() {
                    let mut option = vec![1 << 3, u8::from(ids.list() == List::Subscribe)];
                    option.extend(field(2, &name(*topic)));
                    body.extend(field(1, &option));
                }
            }
            List::IHave => {
                let mut ihave = field(1, &name(messages.topic(*ids.all().first()?)?));
                for message in ids.all() {
                    ihave.extend(field(2, &messages.id(*message)?.0));
                }
                body = control(1, &ihave);
            }
            List::IWant => {
                let mut iwant = Vec::new();
                for message in ids.all() {
                    iwant.extend(field(1, &messages.id(*message)?.0));
                }
                body = control(2, &iwant);
            }
        },
    }
    let mut frame = Vec::with_capacity(body.len() + 4);
    varint(&mut frame, body.len() as u64);
    frame.extend(body);
    Some(frame)
}

/// What a frame says, its length taken off, in the order in which the real one acts on it; none, if it is no frame. What
/// is published has gone over one link.
pub fn decode(frame: &[u8], messages: &Messages) -> Option<Vec<Rpc>> {
    let (mut subscribed, mut unsubscribed) = (Vec::new(), Vec::new());
    let (mut published, mut said) = (Vec::new(), Vec::new());
    let mut fields = Fields(frame);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Some(option)) => {
                let (joins, topic) = subscription(option)?;
                if joins { &mut subscribed } else { &mut unsubscribed }.extend(topic);
            }
            (2, Some(publish)) => {
                let (topic, data) = (topic(publish, 4)?, bytes(publish, 2)?);
                let message = topic.zip(data).and_then(|(topic, data)| messages.read(topic, data));
                published.extend(message.map(|message| Rpc::Publish { message, hops: 1 }));
            }
            (3, Some(inner)) => control(inner, messages, &mut said)?,
            _ => {}
        }
    }
    let mut all = Vec::new();
    if !subscribed.is_empty() {
        all.push(Rpc::subscribe(&subscribed));
    }
    if !unsubscribed.is_empty() {
        all.push(Rpc::unsubscribe(&unsubscribed));
    }
    all.append(&mut published);
    all.append(&mut said);
    Some(all)
}

fn control(inner: &[u8], messages: &Messages, said: &mut Vec<Rpc>) -> Option<()> {
    let mut fields = Fields(inner);
    while let Some((number, value)) = fields.next()? {
        let Some(value) = value else { continue };
        match number {
            1 => said.push(Rpc::ihave(&ids(value, 2, messages)?)),
            2 => said.push(Rpc::iwant(&ids(value, 1, messages)?)),
            3 => said.extend(topic(value, 1)?.map(Rpc::Graft)),
            4 => {
                let backoff_s = number_in(value, 3)?.unwrap_or(0).try_into().unwrap_or(u32::MAX);
                said.extend(topic(value, 1)?.map(|topic| Rpc::Prune { topic, backoff_s }));
            }
            5 => said.extend(ids(value, 1, messages)?.into_iter().map(Rpc::IDontWant)),
            6 => said.push(Rpc::Extensions),
            _ => {}
        }
    }
    Some(())
}

/// Whether it joins, and which topic of the simulation.
fn subscription(option: &[u8]) -> Option<(bool, Option<u32>)> {
    Some((number_in(option, 1)? == Some(1), topic(option, 2)?))
}

/// The topic that this field names, if it is one of the simulation's.
fn topic(message: &[u8], wanted: u64) -> Option<Option<u32>> {
    let name = bytes(message, wanted)?.and_then(|name| std::str::from_utf8(name).ok());
    Some(name.and_then(gossip::number))
}

/// The messages whose ids these fields are.
fn ids(message: &[u8], wanted: u64, messages: &Messages) -> Option<Vec<u32>> {
    let (mut fields, mut ids) = (Fields(message), Vec::new());
    while let Some((number, value)) = fields.next()? {
        if number == wanted {
            ids.extend(value.and_then(|id| messages.number(&id.to_vec().into())));
        }
    }
    Some(ids)
}

/// The bytes of this field, if it is there.
fn bytes(message: &[u8], wanted: u64) -> Option<Option<&[u8]>> {
    let (mut fields, mut found) = (Fields(message), None);
    while let Some((number, value)) = fields.next()? {
        if number == wanted {
            found = value.or(found);
        }
    }
    Some(found)
}

/// The number in this field, if it is there.
fn number_in(message: &[u8], wanted: u64) -> Option<Option<u64>> {
    let (mut fields, mut found) = (Fields(message), None);
    loop {
        let mut here = Fields(fields.0);
        let Some((number, value)) = fields.next()? else {
            return Some(found);
        };
        if number == wanted && value.is_none() {
            here.varint()?;
            found = Some(here.varint()?);
        }
    }
}

fn name(topic: u32) -> Vec<u8> {
    gossip::topic(topic).hash().into_string().into_bytes()
}

fn varint(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn field(number: u8, body: &[u8]) -> Vec<u8> {
    let mut field = Vec::with_capacity(body.len() + 6);
    field.push(number << 3 | 2);
    varint(&mut field, body.len() as u64);
    field.extend_from_slice(body);
    field
}

/// Cuts a stream's bytes into frames.
#[derive(Debug, Default)]
pub struct Cutter(Vec<u8>);

impl Cutter {
    /// The next bytes have come.
    pub fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole frame, its length taken off; an error, if what comes is none.
    pub fn cut(&mut self) -> Result<Option<Vec<u8>>, ()> {
        let mut fields = Fields(&self.0);
        let Some(length) = fields.varint() else {
            return if self.0.len() < 10 { Ok(None) } else { Err(()) };
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= MAX_FRAME);
        let end = self.0.len() - fields.0.len() + length.ok_or(())?;
        if self.0.len() < end {
            return Ok(None);
        }
        let start = self.0.len() - fields.0.len();
        let frame = self.0[start..end].to_vec();
        self.0.drain(..end);
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use intentcast_sim::engine::Plan;
    use intentcast_sim::scenario::Scenario;

    use super::*;

    fn table() -> Messages {
        let mut scenario = Scenario::of(4);
        scenario.topics.count = 3;
        scenario.topics.joined = 3;
        scenario.traffic.messages = 9;
        let plan = Plan::of(&scenario, 1).unwrap();
        Messages::of(&plan).unwrap()
    }

    /// Through a stream and back.
    fn through(rpc: &Rpc, messages: &Messages) -> Vec<Rpc> {
        let mut cutter = Cutter::default();
        for byte in encode(rpc, messages).unwrap() {
            assert_eq!(cutter.cut(), Ok(None));
            cutter.put(&[byte]);
        }
        decode(&cutter.cut().unwrap().unwrap(), messages).unwrap()
    }

    #[test]
    fn what_is_said_is_what_is_read() {
        let messages = table();
        let topic = messages.topic(4).unwrap();
        let of_one: Vec<u32> = (0..9).filter(|it| messages.topic(*it) == Some(topic)).collect();
        for rpc in [
            Rpc::Extensions,
            Rpc::subscribe(&[0, 1, 2]),
            Rpc::unsubscribe(&[2]),
            Rpc::Graft(1),
            Rpc::Prune {
                topic: 2,
                backoff_s: 3_600,
            },
            Rpc::ihave(&of_one),
            Rpc::iwant(&[0, 8, 3]),
            Rpc::IDontWant(5),
            Rpc::Publish { message: 7, hops: 1 },
        ] {
            assert_eq!(through(&rpc, &messages), [rpc]);
        }
    }

    #[test]
    fn what_there_is_not_is_neither_said_nor_read() {
        let messages = table();
        assert_eq!(encode(&Rpc::IDontWant(9), &messages), None);
        assert_eq!(encode(&Rpc::Publish { message: 9, hops: 1 }, &messages), None);
        assert!(through(&Rpc::Graft(1), &messages) == [Rpc::Graft(1)]);
        let strange = field(3, &field(3, &field(1, b"elsewhere")));
        assert_eq!(decode(&strange, &messages), Some(Vec::new()));
        let unknown = field(3, &field(2, &field(1, &[9; 32])));
        assert_eq!(decode(&unknown, &messages), Some(vec![Rpc::iwant(&[])]));
        assert_eq!(decode(&[0xFF; 20], &messages), None);
    }

    #[test]
    fn a_frame_that_is_too_long_ends_the_reading() {
        let mut cutter = Cutter::default();
        cutter.put(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
        assert_eq!(cutter.cut(), Err(()));
    }
}
