//! What happens in virtual time, and in which order.

use crate::gossipsub::{Rpc, mix};

/// One thing that happens to one node.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, ns.
    pub time: u64,
    /// To whom.
    pub dest: u32,
    /// By whom; the node itself, if it is a timer.
    pub src: u32,
    /// Of a frame: the sender's slot at the receiver. Of a timer: the life of the node that set it.
    pub slot: u32,
    /// How many events its source had made before, which orders those of one source.
    pub seq: u32,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Clone, Debug, Default)]
pub enum What {
    /// Nothing: the place of an event that has been handled.
    #[default]
    Nothing,
    /// The node starts.
    Start,
    /// It stops, without a word.
    Stop,
    /// A partition begins, which breaks connections across it.
    Cut,
    /// It joins its topics.
    Join,
    /// A connection is asked for, by a dial that began then; the dialler's slot.
    Syn { slot: u32, began: u64 },
    /// It is granted; the listener's slot.
    Ack(u32),
    /// It cannot be had.
    Refuse,
    /// The other side is gone.
    Fin,
    /// The connection of this slot is up.
    Up(u32),
    /// A frame has come to the end of the link.
    Frame(Rpc),
    /// It has come through the downlink, too.
    Read(u32, Rpc),
    /// The verdict on a message.
    Verdict(u32),
    /// The heartbeat.
    Heartbeat,
    /// A message is published.
    Publish(u32),
    /// The next dial of the list.
    Dial(u32),
    /// Another dial to a node that was lost.
    Redial(u32),
    /// A conduct asked to be called.
    Wake,
}

impl What {
    /// What comes first of all that happens to a node at the same instant.
    ///
    /// Frames come by the class of their queue, whoever sent them: at an instant, the original's swarm hears each
    /// connection's first frame before any connection's second (`SelectAll` in libp2p-swarm's pool), so an IDONTWANT
    /// comes before a message that arrives at the same time.
    fn rank(&self) -> u8 {
        match self {
            What::Nothing | What::Start => 0,
            What::Stop | What::Cut => 1,
            What::Fin | What::Refuse => 2,
            What::Syn { .. } | What::Ack(_) => 3,
            What::Up(_) => 4,
            What::Join => 5,
            What::Frame(rpc) | What::Read(_, rpc) => 6 + rpc.class(),
            What::Verdict(_) => 9,
            What::Heartbeat => 10,
            What::Publish(_) => 11,
            What::Dial(_) | What::Redial(_) => 12,
            What::Wake => 13,
        }
    }

    /// What it adds to the trace.
    fn digest(&self) -> u64 {
        let kind = u64::from(self.rank()) << 56;
        kind ^ match self {
            What::Ack(n) | What::Up(n) | What::Verdict(n) | What::Publish(n) | What::Dial(n) | What::Redial(n) => {
                u64::from(*n)
            }
            What::Syn { slot, began } => u64::from(*slot) ^ began.rotate_left(20),
            What::Frame(rpc) | What::Read(_, rpc) => digest(rpc),
            What::Nothing
            | What::Start
            | What::Stop
            | What::Cut
            | What::Join
            | What::Refuse
            | What::Fin
            | What::Heartbeat
            | What::Wake => 0,
        }
    }
}

fn digest(rpc: &Rpc) -> u64 {
    let ids = |kind: u64, ids: &[u32]| ids.iter().fold(kind, |sum, id| mix(sum ^ u64::from(*id)));
    match rpc {
        Rpc::Extensions => 1 << 48,
        Rpc::Subscribe(topics) => ids(2 << 48, topics.all()),
        Rpc::Unsubscribe(topics) => ids(3 << 48, topics.all()),
        Rpc::Graft(topic) => 4 << 48 | u64::from(*topic),
        Rpc::Prune { topic, backoff_s } => 5 << 48 | u64::from(*topic) ^ u64::from(*backoff_s) << 24,
        Rpc::IDontWant(message) => 6 << 48 | u64::from(*message),
        Rpc::IHave(messages) => ids(7 << 48, messages.all()),
        Rpc::IWant(messages) => ids(8 << 48, messages.all()),
        Rpc::Publish { message, hops } => 9 << 48 | u64::from(*hops) << 32 | u64::from(*message),
    }
}

impl Event {
    /// Where an event of one node comes among others of the same node: time, kind, source, number.
    ///
    /// Sources come in an order that is another one at each instant, lest low numbers win every draw.
    pub fn key(&self) -> (u64, u64, u32) {
        let turn = (mix(self.time) as u32 ^ self.src).wrapping_mul(0x9E37_79B1);
        (self.time, u64::from(self.what.rank()) << 32 | u64::from(turn), self.seq)
    }

    /// What it adds to its node's part of the trace.
    pub fn digest(&self, so_far: u64) -> u64 {
        mix(so_far ^ self.time ^ u64::from(self.src).rotate_left(40) ^ self.what.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_stays_small() {
        assert!(size_of::<Event>() <= 56, "{}", size_of::<Event>());
    }

    #[test]
    fn at_one_instant_control_comes_before_messages_whoever_sent_them() {
        let event = |src, what| Event {
            time: 5,
            dest: 0,
            src,
            slot: 0,
            seq: 0,
            what,
        };
        let message = event(1, What::Frame(Rpc::Publish { message: 3, hops: 1 }));
        for src in 0..20 {
            assert!(event(src, What::Frame(Rpc::IDontWant(3))).key() < message.key());
            assert!(event(src, What::Frame(Rpc::Subscribe(crate::gossipsub::Ids::of(&[1])))).key() < message.key());
        }
    }

    #[test]
    fn no_source_is_always_first() {
        let first = |time| {
            let key = |src| {
                Event {
                    time,
                    dest: 0,
                    src,
                    slot: 0,
                    seq: 0,
                    what: What::Fin,
                }
                .key()
            };
            key(1) < key(2)
        };
        let wins = (0..1_000).filter(|time| first(*time)).count();
        assert!((400..600).contains(&wins), "{wins}");
    }
}
