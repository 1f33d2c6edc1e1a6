//! What one peer sends another, and how many bytes it is on the wire.
//!
//! libp2p-gossipsub 0.50.1 puts each of these in a frame of its own (`types.rs`, `From<RpcOut> for proto::Rpc`;
//! `handler.rs`, `EnabledHandler::poll`), so one [`Rpc`] is one frame.

/// What a list of ids is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Topics that the sender has joined.
    Subscribe,
    /// Topics that it has left.
    Unsubscribe,
    /// Messages that the sender can give, all of one topic.
    IHave,
    /// Messages that it asks for.
    IWant,
}

/// A list of ids of messages or topics, up to three of them in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Up to three.
    Few {
        /// What they are.
        list: List,
        /// How many of `ids` count.
        len: u8,
        /// They and padding.
        ids: [u32; 3],
    },
    /// More.
    Many {
        /// What they are.
        list: List,
        /// They.
        // Boxed twice so that a frame stays small: nearly all lists are short.
        ids: Box<Vec<u32>>,
    },
}

impl Ids {
    fn of(list: List, some: &[u32]) -> Self {
        let mut ids = [0; 3];
        match ids.get_mut(..some.len()) {
            Some(place) => {
                place.copy_from_slice(some);
                let len = some.len() as u8;
                Ids::Few { list, len, ids }
            }
            None => Ids::Many {
                list,
                ids: Box::new(some.to_vec()),
            },
        }
    }

    /// What they are.
    pub fn list(&self) -> List {
        match self {
            Ids::Few { list, .. } | Ids::Many { list, .. } => *list,
        }
    }

    /// They.
    pub fn all(&self) -> &[u32] {
        match self {
            Ids::Few { len, ids, .. } => &ids[..usize::from(*len)],
            Ids::Many { ids, .. } => ids,
        }
    }
}

/// One frame.
///
/// There may be tens of millions of them under way, so it is 16 bytes: the kinds of lists are told within the list,
/// which leaves the compiler room for the other kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rpc {
    /// What the sender can, first on every connection.
    Extensions,
    /// SUBSCRIBE and its end, IHAVE, IWANT.
    List(Ids),
    /// The receiver is in the sender's mesh of this topic.
    Graft(u32),
    /// The receiver is no more in the sender's mesh of this topic.
    Prune {
        /// Which topic.
        topic: u32,
        /// How long the receiver should not graft again, s.
        backoff_s: u32,
    },
    /// The sender has this message.
    IDontWant(u32),
    /// A message.
    Publish {
        /// Which.
        message: u32,
        /// Links it has gone over when this frame arrives.
        hops: u8,
    },
}

/// Bytes of a topic's name: `/intentcast/1/0/household/europe-north`.
const TOPIC: u64 = 38;

/// Bytes of a number in protobuf.
fn varint(n: u64) -> u64 {
    u64::from(64 - (n | 1).leading_zeros()).div_ceil(7)
}

/// Bytes of a field with a length in front.
fn field(n: u64) -> u64 {
    1 + varint(n) + n
}

/// A message as protobuf has it, with neither source nor signature (`types.rs`, `RawMessage::raw_protobuf_len`).
pub fn message_bytes(size: u32) -> u64 {
    field(u64::from(size)) + field(TOPIC)
}

impl Rpc {
    /// Topics that the sender has joined.
    pub fn subscribe(topics: &[u32]) -> Self {
        Rpc::List(Ids::of(List::Subscribe, topics))
    }

    /// Topics that the sender has left.
    pub fn unsubscribe(topics: &[u32]) -> Self {
        Rpc::List(Ids::of(List::Unsubscribe, topics))
    }

    /// Messages that the sender can give, all of one topic.
    pub fn ihave(messages: &[u32]) -> Self {
        Rpc::List(Ids::of(List::IHave, messages))
    }

    /// Messages that the sender asks for.
    pub fn iwant(messages: &[u32]) -> Self {
        Rpc::List(Ids::of(List::IWant, messages))
    }

    /// Whether it carries a message.
    pub fn is_payload(&self) -> bool {
        matches!(self, Rpc::Publish { .. })
    }

    /// Which of a connection's three queues it waits in, the most urgent first (`queue.rs`, `Queue::try_push`).
    pub fn class(&self) -> u8 {
        match self {
            Rpc::Extensions => 0,
            Rpc::Graft(_) | Rpc::Prune { .. } | Rpc::IDontWant(_) => 1,
            Rpc::Publish { .. } => 2,
            Rpc::List(ids) => match ids.list() {
                List::Subscribe | List::Unsubscribe => 0,
                List::IHave | List::IWant => 2,
            },
        }
    }

    /// Bytes of the frame; `size` is that of the message it carries, if it carries one.
    pub fn bytes(&self, size: u32, id_bytes: u32) -> u64 {
        let id = field(u64::from(id_bytes));
        let control = |inner: u64| field(field(inner));
        let body = match self {
            Rpc::Extensions => control(0),
            Rpc::List(ids) => {
                let n = ids.all().len() as u64;
                match ids.list() {
                    // Whether, topic, and two flags of the partial messages extension.
                    List::Subscribe => n * field(2 + field(TOPIC) + 4),
                    List::Unsubscribe => n * field(2 + field(TOPIC)),
                    List::IHave => control(field(TOPIC) + n * id),
                    List::IWant => control(n * id),
                }
            }
            Rpc::Graft(_) => control(field(TOPIC)),
            Rpc::Prune { backoff_s, .. } => control(field(TOPIC) + 1 + varint(u64::from(*backoff_s))),
            Rpc::IDontWant(_) => control(id),
            Rpc::Publish { .. } => field(message_bytes(size)),
        };
        varint(body) + body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_stays_small() {
        assert!(size_of::<Rpc>() <= 16, "{}", size_of::<Rpc>());
    }

    #[test]
    fn few_ids_and_many_read_alike() {
        for n in [0_u32, 1, 3, 4, 100] {
            let ids: Vec<u32> = (0..n).collect();
            assert_eq!(Ids::of(List::IWant, &ids).all(), ids);
        }
    }

    #[test]
    fn frames_are_as_long_as_protobuf_makes_them() {
        // Field 1 of 1,000 bytes: tag, two bytes of length. Field 4 of 38: tag, one. Field 2 around it: tag, two.
        // Two more for the length of it all.
        let message = Rpc::Publish { message: 0, hops: 1 };
        assert_eq!(message.bytes(1_000, 32), 2 + 3 + (1 + 2 + 1_000) + (1 + 1 + 38));
        // Control around IHAVE around topic and two ids.
        let ihave = Rpc::ihave(&[1, 2]);
        assert_eq!(ihave.bytes(0, 32), 1 + 2 + 2 + (2 + 38) + 2 * (2 + 32));
        assert_eq!(varint(127), 1);
        assert_eq!(varint(128), 2);
        assert_eq!(varint(u64::MAX), 10);
    }
}
