//! What must still reach somebody: gossip that nobody heard, and frames that nobody has acknowledged.

use std::collections::BTreeMap;

use super::{DeliveryState, Event, Market, Output, Task, Timer};
use crate::{
    contact::ReplyPath,
    frame::{Frame, Refusal},
    id::{IntentId, RecordId},
    ledger::Fact,
    time::{Seconds, Timestamp},
    topic::Topic,
};

/// Waits between tries: doubled each time, from the first to the last, milliseconds.
const FIRST_WAIT_MS: u64 = 500;
const LAST_WAIT_MS: u64 = 60_000;
/// The last wait of what is brought for weeks.
const LONG_WAIT_MS: u64 = 3_600_000;

/// The longest wait between two tries of a frame: an offer is soon too late, a receipt is not.
fn last_wait(frame: &Frame) -> u64 {
    match frame {
        Frame::Receipt(_) | Frame::Letter(_) => LONG_WAIT_MS,
        _ => LAST_WAIT_MS,
    }
}

fn backoff(attempts: u32, salt: RecordId, last: u64) -> u64 {
    let wait = FIRST_WAIT_MS.saturating_mul(1 << attempts.min(16)).min(last);
    // A share of the wait that differs from record to record, so that fifty sellers do not all come back at once.
    wait + wait * u64::from(salt.0[0]) / 1024
}

/// A frame on its way to one peer.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    /// What the reply will be about.
    about: RecordId,
    pub(super) to: ReplyPath,
    pub(super) frame: Frame,
    pub(super) until: Timestamp,
    pub(super) attempts: u32,
    sending: bool,
    pub(super) state: DeliveryState,
}

/// A message on its way to topics.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) intent: IntentId,
    bytes: Vec<u8>,
    until: Timestamp,
    /// Topics on which nobody has heard it, with tries.
    waiting: BTreeMap<Topic, u32>,
    pub(super) heard_by: u32,
}

/// Everything that is still on its way, and how the rest arrived.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    letters: BTreeMap<RecordId, Letter>,
    notices: BTreeMap<RecordId, Notice>,
    heard: BTreeMap<RecordId, u32>,
    arrived: BTreeMap<RecordId, DeliveryState>,
}

impl Outbox {
    pub(super) fn waiting(&self) -> usize {
        self.letters
            .values()
            .filter(|letter| matches!(letter.state, DeliveryState::Queued { .. }))
            .count()
            + self
                .notices
                .values()
                .filter(|notice| !notice.waiting.is_empty())
                .count()
    }

    /// Peers that a record was published to.
    pub(super) fn heard_by(&self, record: RecordId) -> u32 {
        self.heard.get(&record).copied().unwrap_or(0)
    }

    /// How far a record has come; `None` for one that was never on its way to one peer.
    pub(super) fn delivery(&self, record: RecordId) -> Option<DeliveryState> {
        self.arrived
            .get(&record)
            .copied()
            .or_else(|| self.letters.get(&record).map(|letter| letter.state))
    }

    pub(super) fn apply_published(&mut self, record: RecordId, peers: u32) {
        let heard = self.heard.entry(record).or_default();
        *heard = heard.saturating_add(peers);
    }

    pub(super) fn apply_delivered(&mut self, record: RecordId, refused: Option<Refusal>) {
        let state = refused.map_or(DeliveryState::Stored, |why| DeliveryState::Refused { why });
        self.arrived.insert(record, state);
        self.letters.remove(&record);
    }

    /// Takes a letter out: it needs no more tries.
    pub(super) fn close(&mut self, record: RecordId) {
        self.letters.remove(&record);
    }

    pub(super) fn forget_expired(&mut self, now: Timestamp) {
        self.notices.retain(|_, notice| notice.until > now);
    }
}

impl Market {
    /// Puts a message into the outbox and tries at once.
    pub(super) fn announce(
        &mut self,
        now: Timestamp,
        record: RecordId,
        intent: IntentId,
        bytes: &[u8],
        topics: impl IntoIterator<Item = Topic>,
        until: Timestamp,
    ) {
        let waiting = topics.into_iter().map(|topic| (topic, 0)).collect();
        let notice = Notice {
            intent,
            bytes: bytes.to_vec(),
            until,
            waiting,
            heard_by: 0,
        };
        self.outbox.notices.insert(record, notice);
        self.republish(now, record);
    }

    /// Tries each topic on which nobody has heard the record.
    pub(super) fn republish(&mut self, now: Timestamp, record: RecordId) {
        let Some(notice) = self.outbox.notices.get(&record).filter(|notice| notice.until > now) else {
            return;
        };
        let bytes = notice.bytes.clone();
        let topics: Vec<Topic> = notice.waiting.keys().copied().collect();
        for topic in topics {
            let busy = self.tasks.values().any(
                |task| matches!(task, Task::Publish { record: other, topic: on } if *other == record && *on == topic),
            );
            if !busy {
                let task = self.begin(Task::Publish { record, topic });
                self.promise(Output::Publish {
                    task,
                    topic,
                    bytes: bytes.clone(),
                });
            }
        }
    }

    pub(super) fn published(&mut self, now: Timestamp, record: RecordId, topic: Topic, peers: usize) {
        let Some(notice) = self.outbox.notices.get_mut(&record) else {
            return;
        };
        let intent = notice.intent;
        let name = topic.to_string();
        if peers > 0 {
            notice.waiting.remove(&topic);
            notice.heard_by = notice.heard_by.saturating_add(peers as u32);
            // Said again after a restart: it was heard, and counted, before.
            if self.outbox.heard_by(record) > 0 {
                return;
            }
            self.record(
                now,
                Fact::Published {
                    record,
                    peers: peers as u32,
                },
            );
            self.event(Event::Published {
                intent,
                topic: name,
                peers,
            });
            return;
        }
        let Some(attempts) = notice.waiting.get_mut(&topic) else {
            return;
        };
        *attempts += 1;
        let (first, wait) = (*attempts == 1, backoff(*attempts, record, LAST_WAIT_MS));
        self.out.push_back(Output::Reach(topic));
        self.remind(now.plus_millis(wait), Timer::Republish(record));
        if first {
            self.event(Event::Unheard { intent, topic: name });
        }
    }

    /// A peer came to a topic: whatever nobody heard there is said again.
    pub(super) fn publish_to(&mut self, now: Timestamp, topic: Topic) {
        let records: Vec<RecordId> = self
            .outbox
            .notices
            .iter()
            .filter(|(_, notice)| notice.waiting.contains_key(&topic))
            .map(|(record, _)| *record)
            .collect();
        for record in records {
            self.republish(now, record);
        }
    }

    /// Puts a frame into the outbox and tries at once.
    ///
    /// `record` is the letter's name in the outbox: the id of the record inside, unless that goes to several peers.
    pub(super) fn post(&mut self, now: Timestamp, record: RecordId, to: ReplyPath, frame: Frame, until: Timestamp) {
        let state = DeliveryState::Queued { attempts: 0 };
        self.outbox.letters.insert(
            record,
            Letter {
                about: frame.about().unwrap_or(record),
                to,
                frame,
                until,
                attempts: 0,
                sending: false,
                state,
            },
        );
        self.resend(now, record);
    }

    /// Tries a letter, unless it is on its way, there, or too late.
    pub(super) fn resend(&mut self, now: Timestamp, record: RecordId) {
        let Some(letter) = self.outbox.letters.get_mut(&record) else {
            return;
        };
        if letter.sending {
            return;
        }
        if letter.until <= now {
            letter.state = DeliveryState::Expired;
            return;
        }
        letter.sending = true;
        letter.attempts += 1;
        letter.state = DeliveryState::Queued {
            attempts: letter.attempts,
        };
        let (to, frame) = (letter.to.clone(), letter.frame.encode());
        let task = self.begin(Task::Send { record });
        self.promise(Output::Send { task, to, frame });
    }

    /// Sends everything for these records again where the addressee has moved.
    pub(super) fn redirect(&mut self, now: Timestamp, records: &[RecordId], to: &ReplyPath) {
        for record in records {
            if let Some(letter) = self.outbox.letters.get_mut(record) {
                letter.to = to.clone();
                letter.attempts = 0;
            }
            self.resend(now, *record);
        }
    }

    /// No reply: try later.
    pub(super) fn unreached(&mut self, now: Timestamp, record: RecordId) {
        self.try_later(now, record, Seconds(0));
    }

    fn try_later(&mut self, now: Timestamp, record: RecordId, at_least: Seconds) {
        let Some(letter) = self.outbox.letters.get_mut(&record) else {
            return;
        };
        letter.sending = false;
        let wait = backoff(letter.attempts, record, last_wait(&letter.frame)).max(at_least.millis().min(LAST_WAIT_MS));
        self.remind(now.plus_millis(wait), Timer::Resend(record));
    }

    /// A reply: the record is there, or is refused, or the other side asks to wait.
    pub(super) fn replied(&mut self, now: Timestamp, record: RecordId, bytes: &[u8]) {
        let Some(letter) = self.outbox.letters.get_mut(&record) else {
            return;
        };
        letter.sending = false;
        let expected = letter.about;
        match (letter.frame.clone(), Frame::decode(bytes)) {
            // Whoever is too busy to read a frame cannot say what it was about.
            (
                _,
                Ok(Frame::Refused {
                    why: Refusal::Busy { retry },
                    ..
                }),
            ) => self.try_later(now, record, retry),
            // A favourite was told of a want, or does not listen where it is said.
            (Frame::Tell { .. }, Ok(Frame::Open { .. })) => self.outbox.close(record),
            (Frame::Tell { .. }, Ok(Frame::Refused { why, .. })) if !why.may_retry() => self.outbox.close(record),
            (frame, Ok(Frame::Refused { about, why })) if about == expected && !why.may_retry() => {
                self.refused_there(now, record, why);
                self.receipt_arrived(now, &frame, Some(why));
            }
            (Frame::Acceptance(_), Ok(Frame::Confirmed { confirmation, receipt })) => {
                self.confirmed(now, record, &confirmation, &receipt);
            }
            (Frame::Acceptance(_), _) => self.try_later(now, record, Seconds(0)),
            (frame, Ok(Frame::Stored(id))) if id == expected => {
                self.record(now, Fact::Delivered { record, refused: None });
                self.letter_arrived(now, record);
                if let Some((intent, offer)) = self.made_offer(record) {
                    self.event(Event::Delivered {
                        intent,
                        offer,
                        refused: None,
                    });
                }
                self.receipt_arrived(now, &frame, None);
            }
            _ => self.try_later(now, record, Seconds(0)),
        }
    }

    fn refused_there(&mut self, now: Timestamp, record: RecordId, why: Refusal) {
        if let Some(offer) = self.accepted_offer(record) {
            self.acceptance_refused(now, offer, why, None);
            return;
        }
        self.record(
            now,
            Fact::Delivered {
                record,
                refused: Some(why),
            },
        );
        if let Some((intent, offer)) = self.made_offer(record) {
            self.event(Event::Delivered {
                intent,
                offer,
                refused: Some(why),
            });
        }
    }
}
