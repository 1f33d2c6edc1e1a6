//! Letters that come in: judged by the rules of their conversation, kept, and acted upon.

use super::{Conversation, why};
use crate::{
    contact::ReplyPath,
    deed::Difference,
    envelope::{Signed, Verified, record_id, sign},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{IntentId, RecordId},
    keys::PublicKey,
    ledger::Fact,
    letter::{Letter, Matter, ThreadId},
    limits,
    list::Bytes,
    market::{Denied, Event, Market, Role},
    rating::Ticket,
    thread::{Entry, Objection, OfferFate, Thread},
    time::{Seconds, Timestamp},
};

/// How long a seller that is blocked is asked to wait.
const TURNED_AWAY: Seconds = Seconds(3600);

impl Market {
    /// A letter for a conversation of ours.
    pub(in crate::market) fn take_letter(&mut self, now: Timestamp, peer: &[u8], bytes: &[u8]) -> Frame {
        let about = record_id(bytes);
        let refused = |why| Frame::Refused { about, why };
        let letter = Signed::<Letter>::parse(bytes).and_then(|signed| {
            signed.timely(now)?;
            signed.verify()
        });
        let letter = match letter {
            Ok(letter) => letter,
            // Its author's clock runs ahead of ours: a while later it is in time, and the letters after it as well.
            Err(Fault::FromTheFuture) => return refused(Refusal::Early),
            Err(_) => return refused(Refusal::Malformed),
        };
        let id = letter.thread;
        let Some(ours) = self.role_in(id) else {
            return refused(Refusal::Unknown);
        };
        // It may write again: what is refused for good would break its chain, and with it all that it has to say under an
        // agreement that is made once it is not blocked any more.
        if self.turns_away(id) {
            return refused(Refusal::Busy { retry: TURNED_AWAY });
        }
        if let Err(why) = self.may_begin(now, id, ours) {
            // What follows on other letters begins nothing: a device that was lost may have had them.
            let follows = letter.header().author == id.seller && (letter.before.is_some() || letter.after.is_some());
            if why == Refusal::Expired && follows && self.is_lost(now, id, peer) {
                return refused(Refusal::Early);
            }
            return refused(why);
        }
        // A first word that was said before the device was lost may have been answered by it.
        let is_first = letter.header().author == id.seller && !self.threads.all.contains_key(&id);
        if ours == Role::Customer
            && is_first
            && self.unsure.may_have_begun(id, letter.header().created)
            && self.is_lost(now, id, peer)
        {
            return refused(Refusal::Early);
        }
        let empty = Thread::new(id);
        let thread = self.threads.all.get(&id).map_or(&empty, |it| &it.thread);
        let Some(footing) = self.footing(id, false) else {
            return refused(Refusal::Unknown);
        };
        let (author, judged) = (
            thread.author(&footing.ground(), &letter),
            thread.judge(&footing.ground(), &letter),
        );
        let from_them = author == Ok(ours.other());
        match judged {
            Ok(_) if !from_them => return refused(Refusal::BadSignature),
            Err(Objection::Known) => return Frame::Stored(about),
            // Nobody can judge what may follow on something that is lost here.
            _ if from_them && self.unsure.has(id) => {
                self.recall_from(now, id, peer);
                return refused(Refusal::Early);
            }
            Ok(_) => {}
            Err(Objection::Early(what)) => {
                if from_them && what == crate::thread::LETTER {
                    self.doubt(now, id, peer);
                }
                return refused(Refusal::Early);
            }
            Err(objection) => {
                let why = why(&objection);
                if !why.may_retry() {
                    self.file_objection(now, id, &letter, &objection);
                }
                return refused(why);
            }
        }
        let (what, from) = (letter.matter.word().to_owned(), ours.other());
        let moved = letter.reply.clone();
        self.record(now, Fact::Took(letter.clone()));
        if ours == Role::Seller || !self.is_muted(id.seller) {
            self.event(Event::Letter {
                thread: id,
                letter: about,
                from,
                what,
            });
        }
        if let Some(to) = moved {
            self.follow(now, id, &to);
        }
        self.unrefuse(now, id, ours);
        self.act_on(now, id, &letter);
        Frame::Stored(about)
    }

    /// Whether a stranger may begin to talk to us: a seller about an open want of ours, as long as there is room.
    fn may_begin(&self, now: Timestamp, id: ThreadId, ours: Role) -> Result<(), Refusal> {
        if ours == Role::Seller || self.threads.all.contains_key(&id) || !self.offers_by(id).is_empty() {
            return Ok(());
        }
        let own = self.own.get(&id.intent).ok_or(Refusal::Unknown)?;
        if !own.is_open(now) {
            return Err(Refusal::Expired);
        }
        let of_intent = self.threads.all.keys().filter(|it| it.intent == id.intent);
        if of_intent.count() >= limits::THREADS_PER_INTENT + usize::from(limits::OFFERS_PER_INTENT) {
            return Err(Refusal::OverCap);
        }
        Ok(())
    }

    /// What the other side of a deal said against its rules is kept and shown with the deal.
    pub(in crate::market) fn file_objection(
        &mut self,
        now: Timestamp,
        id: ThreadId,
        letter: &Verified<Letter>,
        objection: &Objection,
    ) {
        let Some(deal) = self.deal_of(id) else { return };
        let difference = Difference {
            field: letter.matter.word().into(),
            agreed: objection.to_string(),
            named: letter.id().short(),
        };
        let agreement = deal.settled.id;
        self.keep_differences(now, agreement, &[difference]);
    }

    /// The other side has moved: what is on its way to it goes there.
    pub(in crate::market) fn follow(&mut self, now: Timestamp, id: ThreadId, to: &ReplyPath) {
        if self.role_in(id) == Some(Role::Seller) {
            self.follow_customer(now, id.intent);
        }
        let Some(conversation) = self.threads.all.get(&id) else {
            return;
        };
        let view = conversation.thread.view();
        let records: Vec<RecordId> = view.of(conversation.role).iter().map(Entry::id).collect();
        self.redirect(now, &records, to);
        // What had nowhere to go until now is not in the outbox yet.
        self.post_letters(now, id);
    }

    /// Whether an offer goes out inside a letter, in the place of another.
    pub(in crate::market) fn is_revision(&self, id: ThreadId, offer: RecordId) -> bool {
        let Some(conversation) = self.threads.all.get(&id) else {
            return false;
        };
        let view = conversation.thread.view();
        view.of(Role::Seller)
            .iter()
            .any(|entry| matches!(entry.matter(), Matter::Revised { with, .. } if record_id(with) == offer))
    }

    /// What follows at once from a letter that was taken in.
    fn act_on(&mut self, now: Timestamp, id: ThreadId, letter: &Verified<Letter>) {
        match &letter.matter {
            Matter::Revised { with, .. } => {
                // It is shown as taken, or as refused and why, like any offer.
                self.take_revised(now, with);
            }
            Matter::Counter { .. } => self.haggle(now, id, letter.id()),
            Matter::RatingAsked { key } => self.give_ticket(now, id, *key),
            _ => {}
        }
    }

    fn give_ticket(&mut self, now: Timestamp, id: ThreadId, key: PublicKey) {
        let Some(deal) = self.deal_of(id) else { return };
        let category = deal.settled.wanted().category.root();
        let ticket = Ticket { key, category };
        let ticket = sign(&self.seed.seller_key(), now, now.plus(limits::DEED_LIFE), ticket);
        if let Some(ticket) = ticket.ok().and_then(|ticket| Bytes::new(ticket.bytes()).ok()) {
            self.answer_with(now, id, Matter::RatingGiven { ticket });
        }
    }

    /// As a seller: gives the machine's answers that letters of the customer still wait for.
    pub(in crate::market) fn answer_open(&mut self, now: Timestamp, id: ThreadId) {
        let Some(conversation) = self.threads.all.get(&id) else {
            return;
        };
        let view = conversation.thread.view();
        let counters: Vec<RecordId> = view.open_counters().map(|(counter, ..)| counter).collect();
        let key = view.of(Role::Customer).iter().find_map(|entry| match entry.matter() {
            Matter::RatingAsked { key } => Some(*key),
            _ => None,
        });
        if let Some(key) = key.filter(|_| self.ticket(id).is_none()) {
            self.give_ticket(now, id, key);
        }
        for counter in counters {
            self.haggle(now, id, counter);
        }
    }

    /// An answer of the machine's own; one that the rules of the thread forbid by now is left unsaid.
    pub(in crate::market) fn answer_with(&mut self, now: Timestamp, id: ThreadId, matter: Matter) {
        if let Err(denied) = self.write(now, id, matter) {
            debug_assert!(!matches!(denied, Denied::Unfit(_)), "{denied}");
        }
    }

    pub(in crate::market) fn apply_letter(&mut self, at: Timestamp, letter: &Verified<Letter>, ours: bool) {
        let id = letter.thread;
        let Some(mine) = self.role_in(id) else { return };
        let role = if ours { mine } else { mine.other() };
        self.threads.letters.insert(letter.id(), id);
        match &letter.matter {
            Matter::Revised { offer, with, .. } => {
                let by = record_id(with).into();
                self.apply_fate(id, *offer, OfferFate::Revised { by });
            }
            Matter::Retracted { offer } => self.apply_fate(id, *offer, OfferFate::Retracted),
            _ => {}
        }
        let conversation = self.threads.all.entry(id).or_insert_with(|| Conversation {
            role: mine,
            thread: Thread::new(id),
        });
        conversation.thread.add(at, role, letter.clone());
        if let (Role::Customer, Some(reply), false) = (role, &letter.reply, ours) {
            self.apply_customer_moved(id.intent, reply);
        }
    }

    /// A want is forgotten, and what was said about it.
    pub(in crate::market) fn forget_threads(&mut self, intent: IntentId) {
        self.threads.all.retain(|id, _| id.intent != intent);
        self.threads.letters.retain(|_, id| id.intent != intent);
        self.unsure.forget(intent);
    }

    /// After replay: what is unsaid is said.
    pub(in crate::market) fn resume_threads(&mut self, now: Timestamp) {
        let all: Vec<ThreadId> = self.threads.all.keys().copied().collect();
        for id in all {
            self.post_letters(now, id);
        }
    }
}
