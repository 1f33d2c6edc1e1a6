//! The two sides of a deal held against each other: what each has, by hash, asked over a stream.
//!
//! Only a party of the deal is told that there is one; to anybody else it is as unknown as any other.

use serde::{Deserialize, Serialize};

use super::{Answered, Denied, Done, Market, Output, Request, Role, Task};
use crate::{
    deed::{Difference, Inquiry},
    envelope::{Signed, record_id, sign},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{AgreementId, EntryHash, RecordId},
    letter::ThreadId,
    limits,
    list::Bytes,
    time::Timestamp,
};

/// What one side holds of a deal.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Side {
    /// SHA-256 of the two-sided record's bytes.
    pub bytes: EntryHash,
    /// How many receipts.
    pub receipts: u32,
    /// The last of them.
    pub last: Option<RecordId>,
}

/// What came of holding the two sides against each other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Sameness {
    /// The same bytes and the same receipts.
    Same,
    /// The same deal; receipts of ours are not with the other side yet.
    TheyLack {
        /// How many.
        receipts: u32,
    },
    /// The same deal; the other side has receipts that are not here yet.
    WeLack {
        /// How many.
        receipts: u32,
    },
    /// Not the same.
    Differs {
        /// Where.
        differences: Vec<Difference>,
    },
    /// The other side does not know of it.
    Missing,
}

/// Both sides and the verdict.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Compared {
    /// Which deal.
    pub agreement: AgreementId,
    /// What is here.
    pub ours: Side,
    /// What is there; nothing where the deal is not known.
    pub theirs: Option<Side>,
    /// Whether they are the same.
    #[serde(flatten)]
    pub sameness: Sameness,
}

impl Side {
    /// This side, whose receipts are `chain`, held against another.
    fn against(&self, chain: &[RecordId], theirs: &Self) -> Sameness {
        let mut differences = Vec::new();
        differences.extend(Difference::unless_same("agreement's bytes", &self.bytes, &theirs.bytes).err());
        // Of the longer chain only the longer side knows the shorter's last link.
        let common = self.receipts.min(theirs.receipts);
        if theirs.receipts <= self.receipts {
            let ours = common.checked_sub(1).and_then(|at| chain.get(at as usize)).copied();
            let spelled = |id: Option<RecordId>| id.map_or_else(|| "none".into(), |id| id.to_string());
            let field = format!("receipt {common}");
            differences.extend(Difference::unless_same(&field, &spelled(ours), &spelled(theirs.last)).err());
        }
        if !differences.is_empty() {
            return Sameness::Differs { differences };
        }
        match self.receipts.abs_diff(theirs.receipts) {
            0 => Sameness::Same,
            receipts if theirs.receipts < self.receipts => Sameness::TheyLack { receipts },
            receipts => Sameness::WeLack { receipts },
        }
    }
}

impl Market {
    /// Asks the other side what it holds. The command is answered when it has said so, or cannot be reached.
    pub(super) fn compare(&mut self, now: Timestamp, request: Request, agreement: AgreementId) -> Result<(), Denied> {
        let deal = self.deals.get(&agreement).ok_or(Denied::NoAgreement(agreement))?;
        let (key, to) = match deal.role {
            Role::Seller => (Some(self.seed.seller_key()), deal.customer_reply.clone()),
            Role::Customer => {
                let intent = deal.settled.intent.id().into();
                let seller = deal.settled.offer.header().author;
                let said = self.address_of(ThreadId { intent, seller });
                let to = said.unwrap_or_else(|| deal.settled.offer.seller.reply.clone());
                (self.key_of(intent), to)
            }
        };
        let key = key.ok_or(Denied::NoAgreement(agreement))?;
        let ends = now.plus(limits::INQUIRY_LIFE);
        let asked = sign(&key, now, ends, Inquiry { agreement }).map_err(Denied::Unfit)?;
        let bytes = Bytes::new(asked.bytes()).map_err(|_| Denied::Unreached)?;
        let task = self.begin(Task::Compare { request, agreement });
        let frame = Frame::Compare(bytes).encode();
        self.promise(Output::Send { task, to, frame });
        Ok(())
    }

    /// The other side asks what we hold.
    pub(super) fn take_inquiry(&self, now: Timestamp, bytes: &[u8]) -> Frame {
        let about = record_id(bytes);
        self.held(now, bytes)
            .unwrap_or_else(|why| Frame::Refused { about, why })
    }

    fn held(&self, now: Timestamp, bytes: &[u8]) -> Result<Frame, Refusal> {
        let signed = Signed::<Inquiry>::parse(bytes).map_err(|_| Refusal::Malformed)?;
        signed.timely(now).map_err(|_| Refusal::Expired)?;
        let asked = signed.verify().map_err(|fault| match fault {
            Fault::BadSignature => Refusal::BadSignature,
            _ => Refusal::Malformed,
        })?;
        let agreement = asked.agreement;
        let deal = self.deals.get(&agreement).ok_or(Refusal::Unknown)?;
        if asked.header().author != deal.other_party() {
            return Err(Refusal::Unknown);
        }
        let Side { bytes, receipts, last } = deal.side();
        Ok(Frame::Held {
            agreement,
            bytes,
            receipts,
            last,
        })
    }

    /// The other side has said what it holds, or nothing.
    pub(super) fn compared(&mut self, now: Timestamp, request: Request, agreement: AgreementId, done: Done) {
        let answer = self.hold_against(agreement, done);
        // That the two hold different things outlives the question.
        if let Ok(Compared {
            sameness: Sameness::Differs { differences },
            ..
        }) = &answer
        {
            self.keep_differences(now, agreement, differences);
        }
        let answer = answer.map(|compared| Answered::Compared(Box::new(compared)));
        self.promise(Output::Answer(request, answer));
    }

    fn hold_against(&self, asked: AgreementId, done: Done) -> Result<Compared, Denied> {
        let deal = self.deals.get(&asked).ok_or(Denied::NoAgreement(asked))?;
        let Done::Replied(reply) = done else {
            return Err(Denied::Unreached);
        };
        let theirs = match Frame::decode(&reply) {
            Ok(Frame::Held {
                agreement,
                bytes,
                receipts,
                last,
            }) if agreement == asked => Some(Side { bytes, receipts, last }),
            Ok(Frame::Refused {
                why: Refusal::Unknown, ..
            }) => None,
            Ok(Frame::Refused { why, .. }) => return Err(Denied::Unanswered(why)),
            Ok(_) | Err(_) => return Err(Denied::Unanswered(Refusal::Malformed)),
        };
        let ours = deal.side();
        let chain: Vec<RecordId> = deal.receipts.iter().map(|receipt| receipt.id()).collect();
        let sameness = theirs.map_or(Sameness::Missing, |theirs| ours.against(&chain, &theirs));
        Ok(Compared {
            agreement: asked,
            ours,
            theirs,
            sameness,
        })
    }
}
