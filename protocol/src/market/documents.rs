//! Photos and documents that the two sides of a conversation announce to each other, and who may have which.
//!
//! Only the other party of the conversation in which a document was announced gets it; to anybody else one that is there
//! is as unknown as one that is not. The bytes themselves never pass through here but one piece at a time.

use serde::{Deserialize, Serialize};

use super::{Answered, Denied, Done, Exchange, Market, Output, Request, Role, Task};
use crate::{
    disclosure::Value,
    document::{Fetch, piece_bytes},
    envelope::{Record, Signed, Verified, record_id, sign},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{EntryHash, RecordId},
    keys::PublicKey,
    letter::{Matter, ThreadId},
    limits,
    list::Bytes,
    text::{Name, Word},
    time::Timestamp,
};

/// What a letter says of the document that it announces.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Told {
    /// What it is.
    pub mime: Word,
    /// How long, bytes.
    pub bytes: u32,
    /// What it is called.
    pub name: Name,
}

/// A document that a letter announces, or that a disclosure opens the hash of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Announced {
    /// SHA-256 of it.
    pub hash: EntryHash,
    /// In which conversation.
    pub thread: ThreadId,
    /// In which letter.
    pub letter: RecordId,
    /// When that was written, by its author's clock.
    pub at: Timestamp,
    /// Which side has it.
    pub from: Role,
    /// Whether that is us.
    pub ours: bool,
    /// What is said of it; nothing of a want's own photo.
    pub told: Option<Told>,
    /// Whether nothing is taken from its seller any more.
    pub turned_away: bool,
    /// Whether both sides hold an agreement.
    pub agreed: bool,
}

/// The hashes in a letter, with what it says of them.
fn announced(matter: &Matter) -> Vec<(EntryHash, Option<Told>)> {
    match matter {
        Matter::Document {
            hash,
            mime,
            bytes,
            name,
        } => {
            let told = Told {
                mime: mime.clone(),
                bytes: *bytes,
                name: name.clone(),
            };
            vec![(*hash, Some(told))]
        }
        Matter::Disclosed { fields, .. } => {
            let hashes = fields.iter().filter_map(|field| match &field.value {
                Value::Document(hash) => <[u8; 32]>::try_from(&hash[..]).ok(),
                Value::Text(_) | Value::Money(_) => None,
            });
            hashes.map(|hash| (EntryHash(hash), None)).collect()
        }
        _ => Vec::new(),
    }
}

/// What is shown.
impl Market {
    /// Every document that either side has announced, conversation by conversation, each side's in order.
    pub fn documents(&self) -> Vec<Announced> {
        let mut all = Vec::new();
        for (id, conversation) in &self.threads.all {
            let view = conversation.thread.view();
            let (turned_away, agreed) = (self.turns_away(*id), self.deal_of(*id).is_some());
            for from in [Role::Customer, Role::Seller] {
                for entry in view.of(from) {
                    all.extend(announced(entry.matter()).into_iter().map(|(hash, told)| Announced {
                        hash,
                        thread: *id,
                        letter: entry.id(),
                        at: entry.letter.header().created,
                        from,
                        ours: from == conversation.role,
                        told,
                        turned_away,
                        agreed,
                    }));
                }
            }
        }
        all
    }

    /// Documents of which this node keeps the hash to open it to a seller in time: the photos of its own wants.
    pub fn documents_kept_back(&self) -> Vec<EntryHash> {
        let kept = self.own.values().flat_map(super::customer::Own::kept_back);
        let hashes = kept.filter_map(|opened| match &opened.value {
            Value::Document(hash) => <[u8; 32]>::try_from(&hash[..]).ok().map(EntryHash),
            Value::Text(_) | Value::Money(_) => None,
        });
        hashes.collect()
    }

    /// Whether this side of a conversation has announced the document in it.
    fn has_announced(&self, id: ThreadId, role: Role, hash: EntryHash) -> bool {
        let Some(conversation) = self.threads.all.get(&id) else {
            return false;
        };
        let view = conversation.thread.view();
        let letters = view.of(role).iter();
        letters
            .flat_map(|entry| announced(entry.matter()))
            .any(|(other, _)| other == hash)
    }
}

/// Asking.
impl Market {
    /// Asks the other side for a piece. The command is answered when it has come, or cannot be had.
    pub(super) fn fetch(
        &mut self,
        now: Timestamp,
        request: Request,
        thread: ThreadId,
        hash: EntryHash,
        offset: u32,
    ) -> Result<(), Denied> {
        let ours = self.role_in(thread).ok_or(Denied::NoThread)?;
        if !self.has_announced(thread, ours.other(), hash) {
            return Err(Denied::NoDocument(hash));
        }
        let key = self.key_for(thread).ok_or(Denied::NoThread)?;
        let to = self.address_of(thread).ok_or(Denied::Unreached)?;
        let ends = now.plus(limits::INQUIRY_LIFE);
        let asked = sign(&key, now, ends, Fetch { thread, hash, offset }).map_err(Denied::Unfit)?;
        let bytes = Bytes::new(asked.bytes()).map_err(|_| Denied::Unreached)?;
        let task = self.begin(Task::Fetch { request, hash, offset });
        let frame = Frame::Fetch(bytes).encode();
        self.promise(Output::Send { task, to, frame });
        Ok(())
    }

    /// The other side has sent the piece, or not.
    pub(super) fn fetched(&mut self, request: Request, hash: EntryHash, offset: u32, done: Done) {
        self.promise(Output::Answer(request, piece(hash, offset, done)));
    }
}

/// The piece in a reply: of the document and from the place that was asked, and as long as it must be there.
fn piece(asked: EntryHash, from: u32, done: Done) -> Result<Answered, Denied> {
    let Done::Replied(reply) = done else {
        return Err(Denied::Unreached);
    };
    match Frame::decode(&reply) {
        Ok(Frame::Piece {
            hash,
            total,
            offset,
            bytes,
        }) if (hash, offset) == (asked, from)
            && total as usize <= limits::DOCUMENT_BYTES
            && piece_bytes(total, offset) == Some(bytes.len()) =>
        {
            Ok(Answered::Piece { total, bytes })
        }
        Ok(Frame::Refused { why, .. }) => Err(Denied::Unanswered(why)),
        Ok(_) | Err(_) => Err(Denied::Unanswered(Refusal::Malformed)),
    }
}

/// Giving.
impl Market {
    /// Somebody asks for a piece. The disk answers one who may have it; everybody else hears the same.
    pub(super) fn take_fetch(&mut self, now: Timestamp, exchange: Exchange, bytes: &[u8]) -> Option<Frame> {
        let about = record_id(bytes);
        match self.may_fetch(now, bytes) {
            Ok(Fetch { hash, offset, .. }) => {
                self.promise(Output::Serve {
                    exchange,
                    about,
                    hash,
                    offset,
                });
                None
            }
            Err(why) => Some(Frame::Refused { about, why }),
        }
    }

    fn may_fetch(&self, now: Timestamp, bytes: &[u8]) -> Result<Fetch, Refusal> {
        let (asked, id, ours) = self.asked_by_party::<Fetch>(now, bytes, |asked| asked.thread)?;
        if !self.has_announced(id, ours, asked.hash) {
            return Err(Refusal::Unknown);
        }
        if self.turns_away(id) {
            return Err(Refusal::Unknown);
        }
        Ok(asked.body().clone())
    }

    /// What the other side of a conversation asks, and which conversation that is and what we are in it.
    ///
    /// Until it is clear that a party asks, every refusal is one and the same.
    pub(super) fn asked_by_party<T: Record>(
        &self,
        now: Timestamp,
        bytes: &[u8],
        about: impl Fn(&T) -> ThreadId,
    ) -> Result<(Verified<T>, ThreadId, Role), Refusal> {
        let signed = Signed::<T>::parse(bytes).map_err(|_| Refusal::Malformed)?;
        signed.timely(now).map_err(|_| Refusal::Expired)?;
        let asked = signed.verify().map_err(|fault| match fault {
            Fault::BadSignature => Refusal::BadSignature,
            _ => Refusal::Malformed,
        })?;
        let id = about(asked.body());
        let ours = self.role_in(id).ok_or(Refusal::Unknown)?;
        if Some(asked.header().author) != self.other_party(id, ours) {
            return Err(Refusal::Unknown);
        }
        Ok((asked, id, ours))
    }

    /// The key of the other side of a conversation.
    pub(super) fn other_party(&self, id: ThreadId, ours: Role) -> Option<PublicKey> {
        match ours {
            Role::Customer => Some(id.seller),
            Role::Seller => self.heard_intent(id.intent).map(|intent| intent.header().author),
        }
    }
}
