//! Counts what gossipsub says on a stream, by reading along: frames, and the fields of its messages in them.
//!
//! It judges nothing and keeps nothing but a frame that has not come whole. What it cannot read it counts as such and
//! then leaves the stream alone: bytes of an attacker's making pass here, too.

/// What was said, in messages and in the ids that they list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames of gossipsub's.
    pub frames: u64,
    /// Payloads, and bytes of the frames that carry any.
    pub payloads: u64,
    pub payload_bytes: u64,
    /// Bytes of the other frames.
    pub control_bytes: u64,
    pub subscriptions: u64,
    pub ihave: u64,
    pub ihave_ids: u64,
    pub iwant: u64,
    pub iwant_ids: u64,
    pub graft: u64,
    pub prune: u64,
    pub idontwant: u64,
    pub idontwant_ids: u64,
    /// Bytes of other protocols, and of agreeing on one.
    pub other_bytes: u64,
    /// Streams that stopped being readable.
    pub unreadable: u64,
}

/// Nothing that is sent here is longer; what claims to be is not gossipsub's.
const MAX_FRAME: usize = 32 << 20;
/// The protocols' names begin like this.
const GOSSIPSUB: &[u8] = b"/meshsub/";

#[derive(Debug, Default, PartialEq, Eq)]
enum Speech {
    /// No protocol is agreed upon yet.
    #[default]
    Agreeing,
    Gossipsub,
    /// Another protocol, or what cannot be read.
    Other,
}

/// Reads along one direction of one stream.
#[derive(Debug, Default)]
pub struct Reader {
    speech: Speech,
    /// The beginning of a frame.
    partial: Vec<u8>,
}

impl Reader {
    /// Counts what these next bytes of the stream say.
    pub fn read(&mut self, bytes: &[u8], counts: &mut Counts) {
        if self.speech == Speech::Other {
            counts.other_bytes += bytes.len() as u64;
        } else if self.partial.is_empty() {
            let rest = self.frames(bytes, counts);
            self.partial.extend_from_slice(rest);
        } else {
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(bytes);
            let kept = self.frames(&whole, counts).len();
            whole.drain(..whole.len() - kept);
            // Room is given back: there is one of these for every stream.
            self.partial = if whole.is_empty() { Vec::new() } else { whole };
        }
    }

    /// Counts the whole frames at the beginning, and gives back what follows them.
    fn frames<'a>(&mut self, mut bytes: &'a [u8], counts: &mut Counts) -> &'a [u8] {
        while self.speech != Speech::Other {
            let mut fields = Fields(bytes);
            let Some(length) = fields.varint() else {
                if bytes.len() < 10 {
                    return bytes;
                }
                self.give_up(bytes, counts);
                return &[];
            };
            let header = bytes.len() - fields.0.len();
            if length > MAX_FRAME as u64 {
                self.give_up(bytes, counts);
                return &[];
            }
            let end = header + length as usize;
            if bytes.len() < end {
                return bytes;
            }
            self.frame(&bytes[header..end], header, counts);
            bytes = &bytes[end..];
        }
        counts.other_bytes += bytes.len() as u64;
        &[]
    }

    fn give_up(&mut self, bytes: &[u8], counts: &mut Counts) {
        self.speech = Speech::Other;
        counts.unreadable += 1;
        counts.other_bytes += bytes.len() as u64;
    }

    fn frame(&mut self, frame: &[u8], header: usize, counts: &mut Counts) {
        let size = (header + frame.len()) as u64;
        if self.speech == Speech::Agreeing {
            // The side that opened may speak at once, before it hears that the name is agreed upon. A name begins with
            // a slash and a refusal with a letter, as no message of gossipsub's does.
            let is_name = frame.first() == Some(&b'/');
            if is_name || frame == b"na\n" {
                counts.other_bytes += size;
                if frame.starts_with(GOSSIPSUB) {
                    self.speech = Speech::Gossipsub;
                } else if is_name && !frame.starts_with(b"/multistream/") {
                    self.speech = Speech::Other;
                }
                return;
            }
        } else if frame == b"na\n" || frame.starts_with(GOSSIPSUB) {
            // The other side knows only an older version: its name comes next.
            counts.other_bytes += size;
            return;
        }
        let mut said = Counts::default();
        if rpc(frame, &mut said).is_none() {
            self.speech = Speech::Other;
            counts.unreadable += 1;
            counts.other_bytes += size;
            return;
        }
        counts.frames += 1;
        *if said.payloads > 0 {
            &mut counts.payload_bytes
        } else {
            &mut counts.control_bytes
        } += size;
        counts.add(&said);
    }
}

impl Counts {
    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        let Self {
            frames,
            payloads,
            payload_bytes,
            control_bytes,
            subscriptions,
            ihave,
            ihave_ids,
            iwant,
            iwant_ids,
            graft,
            prune,
            idontwant,
            idontwant_ids,
            other_bytes,
            unreadable,
        } = other;
        self.frames += frames;
        self.payloads += payloads;
        self.payload_bytes += payload_bytes;
        self.control_bytes += control_bytes;
        self.subscriptions += subscriptions;
        self.ihave += ihave;
        self.ihave_ids += ihave_ids;
        self.iwant += iwant;
        self.iwant_ids += iwant_ids;
        self.graft += graft;
        self.prune += prune;
        self.idontwant += idontwant;
        self.idontwant_ids += idontwant_ids;
        self.other_bytes += other_bytes;
        self.unreadable += unreadable;
    }
}

/// Counts one message; none, if it is not one. Field numbers are those of gossipsub's `rpc.proto`.
fn rpc(message: &[u8], counts: &mut Counts) -> Option<()> {
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Some(_)) => counts.subscriptions += 1,
            (2, Some(_)) => counts.payloads += 1,
            (3, Some(control)) => self::control(control, counts)?,
            _ => {}
        }
    }
    Some(())
}

fn control(message: &[u8], counts: &mut Counts) -> Option<()> {
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Some(ihave)) => {
                counts.ihave += 1;
                counts.ihave_ids += times(ihave, 2)?;
            }
            (2, Some(iwant)) => {
                counts.iwant += 1;
                counts.iwant_ids += times(iwant, 1)?;
            }
            (3, Some(_)) => counts.graft += 1,
            (4, Some(_)) => counts.prune += 1,
            (5, Some(idontwant)) => {
                counts.idontwant += 1;
                counts.idontwant_ids += times(idontwant, 1)?;
            }
            _ => {}
        }
    }
    Some(())
}

/// How often a message has this field.
fn times(message: &[u8], wanted: u64) -> Option<u64> {
    let (mut fields, mut times) = (Fields(message), 0);
    while let Some((number, _)) = fields.next()? {
        times += u64::from(number == wanted);
    }
    Some(times)
}

/// The fields of a protobuf message, one after another.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next field's number, and its bytes if it has some: none, inside, at the end; none, outside, when this is no
    /// message.
    #[allow(clippy::type_complexity, reason = "its parts are told apart above")]
    pub fn next(&mut self) -> Option<Option<(u64, Option<&'a [u8]>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => {
                self.varint()?;
                None
            }
            1 => {
                self.take(8)?;
                None
            }
            2 => {
                let length = self.varint()?;
                Some(self.take(usize::try_from(length).ok()?)?)
            }
            5 => {
                self.take(4)?;
                None
            }
            _ => return None,
        };
        Some(Some((tag >> 3, value)))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The number that comes next.
    pub fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for at in 0..10 {
            let byte = *self.0.get(at)?;
            let bits = u64::from(byte & 0x7F);
            if at == 9 && bits > 1 {
                return None;
            }
            value |= bits << (7 * at);
            if byte & 0x80 == 0 {
                self.0 = &self.0[at + 1..];
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length, below 2 to the power of 14.
    fn varint(length: usize) -> Vec<u8> {
        match length {
            0..128 => vec![length as u8],
            _ => vec![length as u8 | 0x80, (length >> 7) as u8],
        }
    }

    fn field(number: u8, body: &[u8]) -> Vec<u8> {
        [vec![number << 3 | 2], varint(body.len()), body.to_vec()].concat()
    }

    fn framed(body: &[u8]) -> Vec<u8> {
        [varint(body.len()), body.to_vec()].concat()
    }

    /// A stream's beginning and one message with two of each.
    fn speech() -> Vec<u8> {
        let mut bytes = framed(b"/multistream/1.0.0\n");
        bytes.extend(framed(b"/meshsub/1.2.0\n"));
        let ids = [field(1, b"id-a"), field(1, b"id-b")].concat();
        let have = [
            field(1, b"topic"),
            field(2, b"id-a"),
            field(2, b"id-b"),
            field(2, b"id-c"),
        ]
        .concat();
        let control = [
            field(1, &have),
            field(2, &ids),
            field(3, &field(1, b"topic")),
            field(4, &[field(1, b"topic"), vec![3 << 3, 60]].concat()),
            field(5, &ids),
        ]
        .concat();
        let payload = [field(2, b"twelve bytes"), field(4, b"topic")].concat();
        let message = [
            field(1, &[vec![1 << 3, 1], field(2, b"topic")].concat()),
            field(2, &payload),
            field(2, &payload),
            field(3, &control),
        ]
        .concat();
        bytes.extend(framed(&message));
        bytes
    }

    fn counted(pieces: &[&[u8]]) -> Counts {
        let (mut reader, mut counts) = (Reader::default(), Counts::default());
        for piece in pieces {
            reader.read(piece, &mut counts);
        }
        assert!(reader.partial.is_empty());
        counts
    }

    #[test]
    fn a_message_is_counted_by_its_fields() {
        let bytes = speech();
        let counts = counted(&[&bytes]);
        let agreed = 1 + 19 + 1 + 15;
        assert_eq!(
            counts,
            Counts {
                frames: 1,
                payloads: 2,
                payload_bytes: bytes.len() as u64 - agreed,
                control_bytes: 0,
                subscriptions: 1,
                ihave: 1,
                ihave_ids: 3,
                iwant: 1,
                iwant_ids: 2,
                graft: 1,
                prune: 1,
                idontwant: 1,
                idontwant_ids: 2,
                other_bytes: agreed,
                unreadable: 0,
            }
        );
    }

    #[test]
    fn however_it_is_cut_it_says_the_same() {
        let bytes = speech();
        let whole = counted(&[&bytes]);
        for cut in 1..bytes.len() {
            assert_eq!(counted(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(counted(&single), whole);
    }

    #[test]
    fn another_protocol_is_not_read() {
        let bytes = [
            framed(b"/multistream/1.0.0\n"),
            framed(b"/ipfs/ping/1.0.0\n"),
            vec![0xFF; 64],
        ]
        .concat();
        let counts = counted(&[&bytes]);
        let expected = Counts {
            other_bytes: bytes.len() as u64,
            ..Counts::default()
        };
        assert_eq!(counts, expected);
    }

    #[test]
    fn garbage_ends_the_reading_and_nothing_is_kept_of_it() {
        for garbage in [
            vec![0xFF; 64],
            vec![0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 2, 3],
            framed(&[1 << 3 | 3, 1]),
            framed(&[2 << 3 | 2, 100, 1, 2]),
            framed(&[3 << 3 | 2, 2, 1 << 3 | 2, 9]),
        ] {
            let (mut reader, mut counts) = (Reader::default(), Counts::default());
            reader.read(&framed(b"/meshsub/1.1.0\n"), &mut counts);
            reader.read(&garbage, &mut counts);
            reader.read(&garbage, &mut counts);
            assert_eq!((counts.unreadable, counts.frames), (1, 0), "{garbage:?}");
            assert_eq!(counts.other_bytes, 16 + 2 * garbage.len() as u64);
            assert!(reader.partial.is_empty());
        }
    }
}
