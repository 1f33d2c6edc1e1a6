//! Letters of ours: written, and sent in order until they are acknowledged.

use super::About;
use crate::{
    envelope::{record_id, sign},
    frame::{Frame, Refusal},
    id::{EntryHash, RecordId},
    ledger::Fact,
    letter::{Matter, ThreadId},
    limits,
    list::Bytes,
    market::{Answered, DeliveryState, Denied, Event, Market, Role, deals::Deal},
    thread::{Entry, Thread},
    time::{Seconds, Timestamp},
};

/// How long a letter is tried before it rests until its author writes again.
const TRIED_FOR: Seconds = Seconds(30 * 24 * 3600);

/// How long after an agreement both sides keep telling each other where they are, whatever is said.
const WARM: Seconds = Seconds(120 * 24 * 3600);

impl Market {
    /// Says something: signed, judged by the same rules as on the other side, kept, and on its way.
    pub(in crate::market) fn say(&mut self, now: Timestamp, about: About, matter: Matter) -> Result<Answered, Denied> {
        let id = self.thread_about(about)?;
        if self.turns_away(id) {
            return Err(Denied::Blocked(id.seller));
        }
        if let (Matter::Counter { offer, .. }, Some(Role::Customer)) = (&matter, self.role_in(id)) {
            self.is_current(*offer)?;
        }
        // A seller who asks before it offers keeps the want from now on.
        if let (About::Intent(intent), None) = (about, self.role_in(id)) {
            let open = self.relay.find(intent).cloned().ok_or(Denied::NoIntent(intent))?;
            self.record(now, Fact::Heard(open.intent.clone()));
            if let Some(amendment) = open.amendment {
                self.record(now, Fact::HeardAmendment(amendment));
            }
        }
        let matter = self.completed(id, matter);
        let letter = self.write(now, id, matter)?;
        Ok(Answered::Said(letter))
    }

    /// Fills in what follows from the thread: a round left at zero, a version left empty.
    fn completed(&self, id: ThreadId, mut matter: Matter) -> Matter {
        let thread = self.threads.all.get(&id);
        match &mut matter {
            Matter::Counter { round, .. } if *round == 0 => {
                *round = thread.map_or(0, |it| it.thread.view().round()).saturating_add(1);
            }
            Matter::Proposal(proposal) if proposal.version == EntryHash::default() => {
                if let Some(deal) = self.deal_of(id) {
                    let empty = Thread::new(id);
                    let view = thread.map_or(empty.view(), |it| it.thread.view());
                    proposal.version = view.terms(&deal.settled).version;
                }
            }
            _ => {}
        }
        matter
    }

    /// Why the other side refused one of these letters of ours, if it did.
    pub(in crate::market) fn refused_before(&self, letters: &[Entry]) -> Option<Refusal> {
        letters.iter().find_map(|entry| match self.outbox.delivery(entry.id()) {
            Some(DeliveryState::Refused { why }) => Some(why),
            _ => None,
        })
    }

    pub(in crate::market) fn write(
        &mut self,
        now: Timestamp,
        id: ThreadId,
        matter: Matter,
    ) -> Result<RecordId, Denied> {
        let (role, key) = self.role_in(id).zip(self.key_for(id)).ok_or(Denied::NoThread)?;
        let empty = Thread::new(id);
        let thread = self.threads.all.get(&id).map_or(&empty, |it| &it.thread);
        if self.unsure.has(id) {
            return Err(Denied::Unsure(id));
        }
        if let Some(why) = self.refused_before(thread.view().of(role)) {
            let told = format!("the other side takes no letters here: it refused one as {}", why.word());
            return Err(Denied::Unfitting(told));
        }
        let letter = thread.next(role, self.news_of_us(id), matter);
        let letter = sign(&key, now, now.plus(limits::DEED_LIFE), letter).map_err(Denied::Unfit)?;
        let footing = self.footing(id, true).ok_or(Denied::NoThread)?;
        thread
            .judge(&footing.ground(), &letter)
            .map_err(|objection| Denied::Unfitting(objection.to_string()))?;
        let record = letter.id();
        let what = letter.matter.word().to_owned();
        self.record(now, Fact::Wrote(letter));
        self.event(Event::Letter {
            thread: id,
            letter: record,
            from: role,
            what,
        });
        self.post_letters(now, id);
        Ok(record)
    }

    /// Sends the first letter that the other side does not have; the rest follow it one by one.
    pub(in crate::market) fn post_letters(&mut self, now: Timestamp, id: ThreadId) {
        let Some(conversation) = self.threads.all.get(&id) else {
            return;
        };
        let view = conversation.thread.view();
        let unsent = view
            .of(conversation.role)
            .iter()
            .find(|entry| !matches!(self.outbox.delivery(entry.id()), Some(DeliveryState::Stored)));
        let Some(entry) = unsent else { return };
        let record = entry.id();
        let Ok(bytes) = Bytes::new(entry.letter.bytes()) else {
            return;
        };
        // One that was refused for good is the end of the line: what follows it could only be refused as well.
        let open = matches!(self.outbox.delivery(record), None | Some(DeliveryState::Expired));
        if let (true, Some(to)) = (open, self.address_of(id)) {
            self.post(now, record, to, Frame::Letter(bytes), now.plus(TRIED_FOR));
        }
    }

    /// A record of ours arrived: if it is a letter, the next one goes.
    pub(in crate::market) fn letter_arrived(&mut self, now: Timestamp, record: RecordId) {
        if let Some(id) = self.threads.letters.get(&record).copied() {
            self.event(Event::LetterDelivered {
                thread: id,
                letter: record,
            });
            self.offer_arrived(now, id, record);
            self.post_letters(now, id);
        }
    }

    /// Whoever has a letter has the offer inside.
    fn offer_arrived(&mut self, now: Timestamp, id: ThreadId, letter: RecordId) {
        let view = self.threads.all.get(&id).map(|it| it.thread.view());
        let entry = view.and_then(|view| view.find(letter));
        if let Some((_, entry)) = entry
            && let Matter::Revised { with, .. } = entry.matter()
        {
            let record = record_id(with);
            self.record(now, Fact::Delivered { record, refused: None });
        }
    }

    /// We have moved: whoever is in a living conversation with us must know.
    pub(in crate::market) fn tell_moved(&mut self, now: Timestamp) {
        let living: Vec<ThreadId> = self
            .deals
            .values()
            .filter(|deal| deal.settled.at().plus(WARM) > now || self.holds_data(now, deal))
            .map(Deal::thread)
            .chain(self.threads.all.keys().copied().filter(|id| self.is_living(now, *id)))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        for id in living {
            self.tell_moved_in(now, id);
            self.post_letters(now, id);
        }
    }

    /// Says in one conversation where we are, if the other side does not know, and it is one that goes on.
    pub(in crate::market) fn tell_moved_in(&mut self, now: Timestamp, id: ThreadId) {
        let warm = |deal: &Deal| deal.settled.at().plus(WARM) > now || self.holds_data(now, deal);
        if !self.is_living(now, id) && !self.deal_of(id).is_some_and(warm) {
            return;
        }
        // An open want says so in its amendment, to all.
        let amended = self.deal_of(id).is_none() && self.own.contains_key(&id.intent);
        if self.news_of_us(id).is_some() && !amended {
            let told = self.write(now, id, Matter::Moved);
            debug_assert!(
                !matches!(told, Err(Denied::Unfit(_))),
                "a reply path that the network gave signs"
            );
        }
    }

    /// Whether somebody still holds, or owes word of, personal data under a deal.
    fn holds_data(&self, now: Timestamp, deal: &Deal) -> bool {
        let Some(conversation) = self.threads.all.get(&deal.thread()) else {
            return false;
        };
        let view = conversation.thread.view();
        let grants = view.grants(&view.terms(&deal.settled));
        grants
            .iter()
            .any(|grant| grant.deleted.is_none() && grant.at.plus(limits::DEED_LIFE) > now)
    }

    fn is_living(&self, now: Timestamp, id: ThreadId) -> bool {
        match self.role_in(id) {
            Some(Role::Customer) => self.own.get(&id.intent).is_some_and(|own| own.is_open(now)),
            Some(Role::Seller) => self
                .heard_intent(id.intent)
                .is_some_and(|intent| intent.header().expires > now),
            None => false,
        }
    }
}
