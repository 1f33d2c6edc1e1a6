//! What the machine says to do, and what comes back of it.

use intentcast_protocol::{
    envelope::record_id,
    fault::Verdict,
    frame::{Frame, Refusal},
    id::OfferId,
    ledger::Stored,
    market::{Done, Exchange, Input, Market, Output, TaskId},
};

use super::{DISK, EXCHANGE, Later, Resident};
use crate::engine::Parcel;
use crate::gossipsub::{Message, Node, Spoken, World};
use crate::market::modelled::{
    peers::{clock, node_of, peer_of, seed_of},
    ploy::Hand,
    properties::{self, Step},
};
use crate::scenario::millis;

impl Resident {
    /// A look at what must never happen, where each step is looked at.
    pub(super) fn look(&mut self, now: u64, market: &Market, output: &Output) {
        if let Output::Reply(_, frame) = output {
            self.acknowledge(frame);
        }
        let Some(shelf) = &self.shelf else { return };
        // Whoever cheats holds to nothing.
        if self.ploy.is_some() {
            return;
        }
        let step = Step {
            now: clock(now),
            node: self.own,
            market,
            shelf,
            load: &self.stage.load,
            cast: &self.diary.cast,
            output,
        };
        let wrong = properties::step(&step);
        self.diary.violations.extend(wrong);
    }

    fn acknowledge(&mut self, frame: &[u8]) {
        match Frame::decode(frame) {
            Ok(Frame::Stored(about)) => self.diary.acknowledged.push(about),
            Ok(Frame::Confirmed { confirmation, receipt }) => {
                self.diary
                    .acknowledged
                    .extend([record_id(&confirmation), record_id(&receipt)]);
            }
            _ => {}
        }
    }

    pub(super) fn carry_out(&mut self, now: u64, world: &World, output: Output, verdict: &mut Option<Verdict>) {
        match output {
            Output::Verdict(_, said) => *verdict = Some(said),
            Output::Publish { task, topic, bytes } => {
                match self
                    .stage
                    .number(topic)
                    .and_then(|topic| self.place(now, world, topic, &bytes))
                {
                    Some(message) => {
                        self.publishing.insert(message, task);
                        self.errands.publish.push(message);
                    }
                    None => {
                        self.later(now, Later::Done(task, Done::Published(0)));
                    }
                }
            }
            Output::Reach(topic) => {
                if let Some(topic) = self.stage.number(topic) {
                    self.reach(topic, self.stage.d_low);
                }
            }
            Output::Send { task, to, frame } => {
                let expires = self.later(now + EXCHANGE, Later::Expired(task));
                self.pending.insert(task, expires);
                if let Some(dest) = node_of(&to) {
                    self.send(now, dest, task.0, self.life, false, frame);
                }
            }
            Output::Reply(exchange, bytes) => {
                if let Some((dest, task, life)) = self.asked.remove(&exchange.0) {
                    self.send(now, dest, task, life, true, bytes);
                }
            }
            // No node of a run has documents.
            Output::Serve { exchange, about, .. } => {
                let why = Refusal::Early;
                let frame = Frame::Refused { about, why }.encode();
                self.carry_out(now, world, Output::Reply(exchange, frame), verdict);
            }
            Output::Search { task, intent } => {
                let stage = &self.stage;
                let found = stage.till.search(&stage.load, self.own, &intent);
                let takes = millis(self.chance.exponential(stage.load.market.answer_ms));
                self.later(now + takes, Later::Done(task, Done::Found(found)));
            }
            Output::Append { task, entries } => {
                self.later(now + DISK, Later::Stored(task, entries));
            }
            Output::Event(event) => self.told(now, event),
            // Its topics are those of the plan, from its start to its end.
            Output::Subscribe(_) | Output::Unsubscribe(_) | Output::Answer(..) => {}
        }
    }

    /// What was to come back has come.
    pub(super) fn comes(&mut self, now: u64, world: &World, node: &Node, what: Later) {
        match what {
            Later::Cast(want) => self.wish(now, world, want),
            Later::Choose(intent) => self.choose(now, world, intent),
            Later::Answer(thread) => self.answer(now, world, thread),
            Later::Say(command) => self.command(now, world, *command),
            Later::Done(task, done) => {
                self.give(now, world, Input::Done(task, done));
            }
            Later::Stored(task, entries) => {
                self.store(entries);
                self.give(now, world, Input::Done(task, Done::Stored));
            }
            Later::Expired(task) => {
                self.pending.remove(&task);
                self.give(now, world, Input::Done(task, Done::Failed));
            }
            Later::Seek => self.seek(now, node),
            Later::Extra(dest, bytes) => {
                // Nobody waits for the reply.
                self.parcel(dest, u64::MAX, self.life, false, bytes);
            }
        }
    }

    pub(super) fn store(&mut self, entries: Vec<Stored>) {
        for entry in entries {
            #[cfg(test)]
            if self.loses(&entry) {
                continue;
            }
            if let Some(shelf) = &mut self.shelf {
                shelf.put(&entry.bytes);
            }
            self.disk.push(entry.bytes.into_boxed_slice());
        }
    }

    /// The message's number: that of the place where it was said before, or of the next.
    fn place(&mut self, now: u64, world: &World, topic: u32, bytes: &[u8]) -> Option<u32> {
        let places = self.stage.load.places(self.own);
        for place in places.start..places.start + self.said {
            let number = world.number(place);
            let before = world.spoken(number);
            if before.is_some_and(|before| before.message.topic == topic && *before.bytes == *bytes) {
                return Some(number);
            }
        }
        let place = places.start + self.said;
        if place >= places.end {
            return None;
        }
        self.said += 1;
        let message = Message {
            topic,
            size: bytes.len() as u32,
            valid: true,
        };
        let (node, at) = (self.own, now);
        let bytes = bytes.into();
        world.speak(
            place,
            Spoken {
                message,
                node,
                at,
                bytes,
            },
        )
    }

    /// What leaves the node.
    fn send(&mut self, now: u64, dest: u32, task: u64, life: u32, reply: bool, frame: Vec<u8>) {
        if !reply && let Ok(Frame::Offer(record)) = Frame::decode(&frame) {
            let id = OfferId::from(record_id(&record));
            *self.diary.sent.entry(id).or_default() += frame.len() as u64;
        }
        let Some(ploy) = &mut self.ploy else {
            return self.parcel(dest, task, life, reply, frame);
        };
        let key = seed_of(self.stage.seed, self.own).seller_key();
        for (after, bytes) in ploy.sends(&Hand { key: &key }, frame) {
            match after {
                0 => self.parcel(dest, task, life, reply, bytes),
                _ => {
                    self.later(now + after, Later::Extra(dest, bytes));
                }
            }
        }
    }

    fn parcel(&mut self, dest: u32, task: u64, life: u32, reply: bool, bytes: Vec<u8>) {
        let bytes = bytes.into_boxed_slice();
        let parcel = Parcel {
            task,
            life,
            reply,
            bytes,
        };
        self.errands.parcels.push((dest, parcel));
    }

    /// A parcel has come.
    pub(super) fn receive(&mut self, now: u64, world: &World, from: u32, parcel: Parcel) {
        let bytes = parcel.bytes.into_vec();
        if !parcel.reply {
            self.exchanges += 1;
            self.asked.insert(self.exchanges, (from, parcel.task, parcel.life));
            let exchange = Exchange(self.exchanges);
            let peer = peer_of::<64>(from).to_vec();
            self.give(now, world, Input::Frame { exchange, peer, bytes });
            return;
        }
        let task = TaskId(parcel.task);
        if parcel.life != self.life {
            return;
        }
        if let Some(expires) = self.pending.remove(&task) {
            self.later.remove(&expires);
            self.give(now, world, Input::Done(task, Done::Replied(bytes)));
        }
    }
}
