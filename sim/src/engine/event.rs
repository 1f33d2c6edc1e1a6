//! What happens in virtual time, and in which order.

use super::conduct::Parcel;
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
    /// Of a frame or a parcel: the sender's slot at the receiver, with [`READ`] if it has come through the downlink. Of a timer:
    /// the life of the node that set it.
    pub slot: u32,
    /// How many events its source had made before, which orders those of one source.
    pub seq: u32,
    /// What.
    pub what: What,
}

/// The mark of a frame that has come through its receiver's downlink; no slot is as high.
pub const READ: u32 = 1 << 31;

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
    /// A connection is asked for; the dialler's slot.
    Syn(u32),
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
    /// Something has come over a stream of its own.
    Parcel(Box<Parcel>),
}

/// The rank of frames.
const FRAME: u8 = 6;

/// Where an event comes among those of the same node: time, then [`Key::place`], then the source's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub time: u64,
    /// From the highest bits down: rank, round, turn of the source, class of the frame.
    place: u64,
    seq: u32,
}

const RANK: u32 = 56;
const ROUND: u32 = 40;
const TURN: u32 = 8;

/// Puts the frames of each instant, sorted by their keys, in rounds: every connection's first frame comes before any
/// connection's second.
///
/// So does the original's swarm, which takes one event of each ready connection after the other (`SelectAll` in
/// libp2p-swarm's pool). It decides whether an IDONTWANT, which goes before the message on its connection, is heard
/// before a message that another connection brings at the same instant.
pub fn rounds<T>(sorted: &mut [(Key, T)]) {
    let (mut again, mut round, mut before) = (false, 0, None);
    for (key, _) in sorted.iter_mut() {
        let source = (key.time, key.place >> TURN);
        let is_frame = key.place >> RANK == u64::from(FRAME);
        round = if is_frame && before == Some(source) {
            u64::min(round + 1, MOST_ROUNDS)
        } else {
            0
        };
        before = Some(source);
        key.place |= round << ROUND;
        again |= round > 0;
    }
    if again {
        sorted.sort_unstable_by_key(|(key, _)| *key);
    }
}

/// Rounds have 16 bits; a connection's frames past them share the last.
const MOST_ROUNDS: u64 = 0xffff;

impl What {
    /// What comes first of all that happens to a node at the same instant.
    fn rank(&self) -> u8 {
        match self {
            What::Nothing | What::Start => 0,
            // A swarm polls its behaviours before it looks at its connections.
            What::Heartbeat => 1,
            What::Stop | What::Cut => 2,
            What::Fin | What::Refuse => 3,
            What::Syn(_) | What::Ack(_) => 4,
            What::Up(_) | What::Join => 5,
            What::Frame(_) => FRAME,
            What::Verdict(_) => 7,
            What::Parcel(_) => 8,
            What::Publish(_) => 9,
            What::Dial(_) | What::Redial(_) => 10,
            What::Wake => 11,
        }
    }

    /// What it adds to the trace.
    fn digest(&self) -> u64 {
        let kind = u64::from(self.rank()) << 56;
        kind ^ match self {
            What::Syn(n)
            | What::Ack(n)
            | What::Up(n)
            | What::Verdict(n)
            | What::Publish(n)
            | What::Dial(n)
            | What::Redial(n) => u64::from(*n),
            What::Frame(rpc) => digest(rpc),
            What::Parcel(parcel) => parcel.bytes.chunks(8).fold(parcel.task, |sum, eight| {
                mix(eight
                    .iter()
                    .fold(sum, |sum, byte| sum.rotate_left(8) ^ u64::from(*byte)))
            }),
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
        Rpc::List(list) => ids((10 + list.list() as u64) << 48, list.all()),
        Rpc::Graft(topic) => 4 << 48 | u64::from(*topic),
        Rpc::Prune { topic, backoff_s } => 5 << 48 | u64::from(*topic) ^ u64::from(*backoff_s) << 24,
        Rpc::IDontWant(message) => 6 << 48 | u64::from(*message),
        Rpc::Publish { message, hops } => 9 << 48 | u64::from(*hops) << 32 | u64::from(*message),
    }
}

impl Event {
    /// Where an event of one node comes among others of the same node: time, kind, source, number.
    ///
    /// Sources come in an order that is another one at each instant, lest low numbers win every draw.
    pub fn key(&self) -> Key {
        let turn = (mix(self.time) as u32 ^ self.src).wrapping_mul(0x9E37_79B1);
        let class = match &self.what {
            What::Frame(rpc) => rpc.class(),
            _ => 0,
        };
        let place = u64::from(self.what.rank()) << RANK | u64::from(turn) << TURN | u64::from(class);
        Key {
            time: self.time,
            place,
            seq: self.seq,
        }
    }

    /// Reads both ends of it, which may be in two cache lines; the number means nothing.
    pub fn near(&self) -> u64 {
        u64::from(self.seq & 1) + (self.time & 1) + u64::from(matches!(self.what, What::Frame(_)))
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
        assert!(size_of::<Event>() <= 40, "{}", size_of::<Event>());
    }

    #[test]
    fn at_one_instant_every_connection_is_heard_once_before_any_is_heard_twice() {
        let event = |src, seq, rpc| Event {
            time: 5,
            dest: 0,
            src,
            slot: 0,
            seq,
            what: What::Frame(rpc),
        };
        let mut order = Vec::new();
        for src in 0..20 {
            order.push((
                event(src, 1, Rpc::Publish { message: 3, hops: 1 }).key(),
                (src, "message"),
            ));
            order.push((event(src, 2, Rpc::IDontWant(3)).key(), (src, "idontwant")));
        }
        order.push((
            event(99, 7, Rpc::Publish { message: 4, hops: 1 }).key(),
            (99, "message"),
        ));
        order.sort_unstable();
        rounds(&mut order);
        let (first, second) = order.split_at(21);
        assert!(first.iter().all(|(_, (src, kind))| *kind == "idontwant" || *src == 99));
        assert!(second.iter().all(|(_, (_, kind))| *kind == "message"));
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
