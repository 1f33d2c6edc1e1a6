//! Going on from a backup: whatever stood when it was restored is unsure until the other side has said what it holds.
//!
//! A letter or a receipt has one place in a chain, and the lost device may have filled the next one already. So nothing is
//! written in a conversation that is unsure, and nothing new is taken in, until the other side has brought what was lost.
//! Each record of it is verified and judged as if it came now. None of it is believed because somebody says so, and a
//! person may go on without.

mod remembering;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answered, DeliveryState, Denied, Done, Event, Market, Output, Role, Task, Timer};
use crate::{
    contact::ReplyPath,
    deed::{Acceptance, Confirmation},
    envelope::{Verified, record_id, sign},
    frame::{Frame, Refusal},
    id::{AgreementId, IntentId, OfferId, RecordId},
    keys::PublicKey,
    ledger::Fact,
    letter::{Matter, ThreadId},
    limits,
    list::{Bytes, List},
    offer::Offer,
    recall::Recall,
    thread::{Entry, Thread},
    time::{Seconds, Timestamp},
};

/// Waits between tries, milliseconds: doubled each time, from the first to the last.
const FIRST_WAIT_MS: u64 = 500;
const LAST_WAIT_MS: u64 = 3_600_000;
/// What lies between the first questions after a start, so that a busy seller's do not all go at once.
const APART_MS: u64 = 20;

/// A conversation that waits for the other side's word.
#[derive(Debug)]
struct Unsure {
    /// Until when we are sure of it: when the backup was made, or when the other side wrote what does not follow.
    since: Timestamp,
    /// Questions since the start of this process that brought nothing.
    attempts: u32,
    asking: bool,
    /// What the first page was asked with: all pages are of one line.
    asked: Option<Recall>,
    /// Records that were brought.
    brought: usize,
    /// At whom the other side was seen since.
    seen_at: Option<ReplyPath>,
    /// Parts of a deal of which the last is still to come.
    parts: Parts,
}

#[derive(Debug, Default)]
struct Parts {
    offer: Option<Verified<Offer>>,
    acceptance: Option<Verified<Acceptance>>,
    confirmation: Option<Verified<Confirmation>>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Unsures {
    all: BTreeMap<ThreadId, Unsure>,
    doubted: BTreeMap<ThreadId, u32>,
    /// When this ledger last went on from a backup. One that never did has lost nothing, whoever says so.
    restored: Option<Timestamp>,
}

impl Unsures {
    pub(super) fn has(&self, id: ThreadId) -> bool {
        self.all.contains_key(&id)
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// One about this want.
    pub(super) fn of_intent(&self, intent: IntentId) -> Option<ThreadId> {
        self.all.keys().copied().find(|id| id.intent == intent)
    }

    pub(super) fn since(&self, id: ThreadId) -> Option<Timestamp> {
        self.all.get(&id).map(|unsure| unsure.since)
    }

    pub(super) fn end(&mut self, id: ThreadId) {
        self.all.remove(&id);
    }

    /// Whether a conversation that is not here may have been begun with a lost device by a word of that time.
    pub(super) fn may_have_begun(&self, id: ThreadId, said: Timestamp) -> bool {
        self.restored.is_some_and(|restored| said <= restored) && !self.doubted.contains_key(&id)
    }

    /// Which of them has this id.
    pub(super) fn of(&self, id: RecordId) -> Option<ThreadId> {
        self.all.keys().copied().find(|thread| thread.hash() == id)
    }

    /// A want is forgotten.
    pub(super) fn forget(&mut self, intent: IntentId) {
        self.all.retain(|id, _| id.intent != intent);
    }

    /// Its other side has just been seen at this peer.
    fn seen_at(&mut self, id: ThreadId, peer: &[u8]) {
        if let (Some(unsure), Ok(peer)) = (self.all.get_mut(&id), Bytes::new(peer)) {
            let addrs = List::default();
            unsure.seen_at = Some(ReplyPath { peer, addrs });
        }
    }

    fn begin(&mut self, id: ThreadId, since: Timestamp) {
        self.all.entry(id).or_insert(Unsure {
            since,
            attempts: 0,
            asking: false,
            asked: None,
            brought: 0,
            seen_at: None,
            parts: Parts::default(),
        });
    }
}

/// A conversation that goes on from a backup and waits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct UnsureView {
    /// Its id.
    pub id: RecordId,
    /// About which want.
    pub intent: IntentId,
    /// With which seller.
    pub seller: PublicKey,
    /// Which side we are on.
    pub role: Role,
    /// The deal in it that is known here, if there is one.
    pub agreement: Option<AgreementId>,
    /// Until when it is known what was said.
    pub since: Timestamp,
    /// How often the other side was asked since the node started, and did not answer.
    pub attempts: u32,
}

/// What is unsure.
impl Market {
    /// Every conversation that waits for the other side's word after a restore.
    pub fn unsure(&self) -> Vec<UnsureView> {
        let view = |(id, unsure): (&ThreadId, &Unsure)| {
            Some(UnsureView {
                id: id.hash(),
                intent: id.intent,
                seller: id.seller,
                role: self.role_in(*id)?,
                agreement: self.deal_of(*id).map(|deal| deal.settled.id),
                since: unsure.since,
                attempts: unsure.attempts,
            })
        };
        self.unsure.all.iter().filter_map(view).collect()
    }

    /// Conversations in which something may have been said after a backup was made.
    fn may_have_gone_on(&self, made: Timestamp) -> Vec<ThreadId> {
        let seller = self.seller_key();
        let letters = self.threads.all.keys().copied();
        let deals = self.deals.values().map(super::deals::Deal::thread);
        let wants = self.own.iter().flat_map(|(intent, own)| {
            let sellers = own.offered_after(made).into_iter();
            sellers.map(|seller| ThreadId {
                intent: *intent,
                seller,
            })
        });
        let heard = self.heard.iter().filter(|(_, heard)| heard.goes_on_after(made));
        let heard = heard.map(|(intent, _)| ThreadId {
            intent: *intent,
            seller,
        });
        letters.chain(deals).chain(wants).chain(heard).collect()
    }

    pub(super) fn apply_restored(&mut self, at: Timestamp, made: Timestamp) {
        self.unsure.restored = Some(at);
        for id in self.may_have_gone_on(made) {
            self.unsure.begin(id, made);
        }
    }

    pub(super) fn apply_doubted(&mut self, at: Timestamp, id: ThreadId, peer: &[u8]) {
        *self.unsure.doubted.entry(id).or_default() += 1;
        self.unsure.begin(id, at);
        self.unsure.seen_at(id, peer);
    }

    /// Whether the other side is being asked for what may be lost of a conversation.
    pub(super) fn is_lost(&mut self, now: Timestamp, id: ThreadId, peer: &[u8]) -> bool {
        if self.unsure.has(id) {
            self.recall_from(now, id, peer);
        } else {
            self.doubt(now, id, peer);
        }
        self.unsure.has(id)
    }

    /// The other side speaks of what is not here: it was lost, however that came about.
    pub(super) fn doubt(&mut self, now: Timestamp, id: ThreadId, peer: &[u8]) {
        let known = self.unsure.doubted.contains_key(&id);
        if !known && self.unsure.doubted.len() >= limits::DOUBTED {
            return;
        }
        let before = self.unsure.doubted.get(&id).copied().unwrap_or_default();
        if self.unsure.restored.is_some()
            && before < limits::DOUBTS
            && let Ok(peer) = Bytes::new(peer)
        {
            self.record(now, Fact::Doubted { thread: id, peer });
            self.recall(now, id);
        }
    }

    /// Wants that are forgotten need nobody's word.
    fn forget_unsure(&mut self) {
        let all = self.unsure.all.keys().copied();
        let gone: Vec<ThreadId> = all.filter(|id| self.role_in(*id).is_none()).collect();
        for id in gone {
            self.unsure.end(id);
        }
    }

    /// After replay: whoever has not answered is asked.
    pub(super) fn resume_unsure(&mut self, now: Timestamp) {
        self.forget_unsure();
        for (at, id) in (0..).zip(self.unsure.all.keys()) {
            self.timers.insert((now.plus_millis(at * APART_MS), Timer::Recall(*id)));
        }
    }
}

/// Asking.
impl Market {
    /// A person is tired of waiting, or knows that the other side is there now.
    pub(super) fn catch_up(
        &mut self,
        now: Timestamp,
        thread: Option<ThreadId>,
        anyway: bool,
    ) -> Result<Answered, Denied> {
        if thread.is_some_and(|id| !self.unsure.has(id)) {
            return Err(Denied::NoThread);
        }
        let all: Vec<ThreadId> = self.unsure.all.keys().copied().collect();
        for id in all.into_iter().filter(|id| thread.is_none_or(|only| only == *id)) {
            if anyway {
                self.caught_up(now, id, true);
            } else {
                self.recall(now, id);
            }
        }
        Ok(Answered::Ok)
    }

    /// Asks the other side for what is not here, unless it is being asked.
    pub(super) fn recall(&mut self, now: Timestamp, id: ThreadId) {
        if self.unsure.all.get(&id).is_some_and(|unsure| !unsure.asking) {
            self.ask(now, id, None, 0);
        }
    }

    /// The same of somebody who has just written, at whom it is.
    pub(super) fn recall_from(&mut self, now: Timestamp, id: ThreadId, peer: &[u8]) {
        self.unsure.seen_at(id, peer);
        self.recall(now, id);
    }

    /// A seller writes under a deal that is not here: whether one may have been made with it that was lost.
    pub(super) fn recall_from_seller(&mut self, now: Timestamp, seller: PublicKey, peer: &[u8]) -> bool {
        let with = self.unsure.all.keys().copied().filter(|id| id.seller == seller);
        let with: Vec<ThreadId> = with.filter(|id| self.own.contains_key(&id.intent)).collect();
        for id in &with {
            self.recall_from(now, *id, peer);
        }
        !with.is_empty()
    }

    fn ask(&mut self, now: Timestamp, id: ThreadId, after: Option<RecordId>, pages: u32) {
        let Some((role, key)) = self.role_in(id).zip(self.key_for(id)) else {
            return;
        };
        let known = self.address_of(id);
        let Some(unsure) = self.unsure.all.get_mut(&id) else {
            return;
        };
        // Where it said that it is, and in turn where it was seen, if it has moved since.
        let seen_at = unsure.seen_at.clone().filter(|_| unsure.attempts % 2 == 1);
        let to = seen_at.or(known).or(unsure.seen_at.clone());
        let Some(to) = to else {
            return self.ask_later(now, id, Seconds(0));
        };
        unsure.asking = true;
        if after.is_none() {
            self.unpack_revisions(now, id, role);
        }
        let Some(unsure) = self.unsure.all.get_mut(&id) else {
            return;
        };
        let before = unsure.asked.take().filter(|_| after.is_some());
        let mut recall = before.unwrap_or_else(|| self.what_is_here(id, role));
        recall.after = after;
        if let Some(unsure) = self.unsure.all.get_mut(&id) {
            unsure.asked = Some(recall.clone());
        }
        let signed = sign(&key, now, now.plus(limits::INQUIRY_LIFE), recall);
        let Some(bytes) = signed.ok().and_then(|signed| Bytes::new(signed.bytes()).ok()) else {
            return self.ask_later(now, id, Seconds(0));
        };
        let task = self.begin(Task::Recall { thread: id, pages });
        let frame = Frame::Recall(bytes).encode();
        self.promise(Output::Send { task, to, frame });
    }

    fn what_is_here(&self, id: ThreadId, role: Role) -> Recall {
        let empty = Thread::new(id);
        let view = self.threads.all.get(&id).map_or(empty.view(), |it| it.thread.view());
        let count = |role: Role| view.of(role).len() as u32;
        Recall {
            thread: id,
            customer: count(Role::Customer),
            seller: count(Role::Seller),
            receipts: self.deal_of(id).map_or(0, |deal| deal.receipts.len() as u32),
            amended: self.amended_to(id.intent, role),
            after: None,
        }
    }

    fn ask_later(&mut self, now: Timestamp, id: ThreadId, at_least: Seconds) {
        let Some(unsure) = self.unsure.all.get_mut(&id) else {
            return;
        };
        unsure.asking = false;
        unsure.attempts += 1;
        let wait = FIRST_WAIT_MS
            .saturating_mul(1 << unsure.attempts.min(16))
            .min(LAST_WAIT_MS);
        let wait = wait + wait * u64::from(id.hash().0[0]) / 1024;
        let wait = wait.max(at_least.millis().min(LAST_WAIT_MS));
        self.remind(now.plus_millis(wait), Timer::Recall(id));
    }

    /// The other side has answered, or not.
    pub(super) fn recalled(&mut self, now: Timestamp, id: ThreadId, pages: u32, done: Done) {
        if !self.unsure.has(id) {
            return;
        }
        let Done::Replied(reply) = done else {
            return self.ask_later(now, id, Seconds(0));
        };
        match Frame::decode(&reply) {
            Ok(Frame::Recalled { records, more }) => {
                for record in &records {
                    if !self.remember(now, id, record) {
                        return self.ask_later(now, id, Seconds(0));
                    }
                }
                match records.last().filter(|_| more) {
                    Some(last) if pages < limits::RECALLED_PAGES => self.ask(now, id, Some(record_id(last)), pages + 1),
                    Some(_) => self.ask_later(now, id, Seconds(0)),
                    None => self.caught_up(now, id, false),
                }
            }
            // It holds nothing of it, and so nothing that is not here.
            Ok(Frame::Refused {
                why: Refusal::Unknown, ..
            }) => self.caught_up(now, id, false),
            Ok(Frame::Refused {
                why: Refusal::Busy { retry },
                ..
            }) => self.ask_later(now, id, retry),
            Ok(_) | Err(_) => self.ask_later(now, id, Seconds(0)),
        }
    }

    fn caught_up(&mut self, now: Timestamp, id: ThreadId, anyway: bool) {
        let records = self.unsure.all.get(&id).map_or(0, |unsure| unsure.brought);
        self.record(now, Fact::CaughtUp { thread: id, anyway });
        self.event(Event::CaughtUp {
            thread: id,
            records,
            anyway,
        });
        self.settle_up(now, id);
    }

    /// What was put off while nothing could be written.
    fn settle_up(&mut self, now: Timestamp, id: ThreadId) {
        let Some(role) = self.role_in(id) else { return };
        let deal = self.deal_of(id).map(|deal| deal.settled.id);
        match (role, deal) {
            (Role::Customer, deal) => {
                if let Some(agreement) = deal {
                    for receipt in self.unacknowledged(agreement, id) {
                        self.acknowledge(now, agreement, receipt);
                    }
                    if let Err(denied) = self.end(now, id.intent) {
                        debug_assert!(false, "a withdrawal of our own intent signs: {denied}");
                    }
                }
                let offers: Vec<OfferId> = self.offers_by(id).into_iter().map(|(offer, _)| offer).collect();
                for offer in offers {
                    self.disclose_due(now, offer);
                }
            }
            (Role::Seller, deal) => {
                self.answer_open(now, id);
                if let Some(agreement) = deal {
                    self.post_receipts(now, agreement);
                }
            }
        }
        self.tell_moved_in(now, id);
        self.post_letters(now, id);
    }

    /// What the other side refused and has come to hold since, as after a restore, is there: it says so by what its own
    /// letters follow on.
    pub(super) fn unrefuse(&mut self, now: Timestamp, id: ThreadId, ours: Role) {
        let Some(conversation) = self.threads.all.get(&id) else {
            return;
        };
        let view = conversation.thread.view();
        let held = view.of(ours.other()).last().map_or(0, |last| last.saw);
        let refused = |record: &RecordId| matches!(self.outbox.delivery(*record), Some(DeliveryState::Refused { .. }));
        let held = view.of(ours).iter().take(held).map(Entry::id);
        let there: Vec<RecordId> = held.filter(refused).collect();
        for record in there {
            self.record(now, Fact::Delivered { record, refused: None });
            self.letter_arrived(now, record);
        }
    }

    /// Receipts of a deal that its customer has not said are here.
    fn unacknowledged(&self, agreement: AgreementId, id: ThreadId) -> Vec<RecordId> {
        let view = self.threads.all.get(&id).map(|it| it.thread.view());
        let said = |receipt: &RecordId| {
            let mut letters = view.iter().flat_map(|view| view.of(Role::Customer));
            letters.any(|entry| matches!(entry.matter(), Matter::Acknowledged { receipt: of } if of == receipt))
        };
        let receipts = self.deals.get(&agreement).into_iter().flat_map(|deal| &deal.receipts);
        receipts.map(Verified::id).filter(|receipt| !said(receipt)).collect()
    }
}
