//! Conversations: letters of ours go out in order until they are acknowledged, and those that come in are judged,
//! kept, and acted upon.

use std::collections::BTreeMap;

use super::{Answered, DeliveryState, Denied, Event, Market, Role};
use crate::{
    contact::ReplyPath,
    deed::{Difference, Settled},
    disclosure::{BUDGET, Opened},
    envelope::{Signed, Verified, record_id, sign},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{AgreementId, EntryHash, IntentId, OfferId, RecordId},
    intent::Intent,
    keys::{Key, PublicKey},
    ledger::Fact,
    letter::{Letter, Matter, ThreadId},
    limits,
    list::{Bytes, List},
    offer::Offer,
    rating::Ticket,
    thread::{Entry, Ground, Objection, OfferFate, Thread},
    time::{Seconds, Timestamp},
};

/// How long a letter is tried before it rests until its author writes again.
const TRIED_FOR: Seconds = Seconds(30 * 24 * 3600);

/// How long after an agreement both sides keep telling each other where they are, whatever is said.
const WARM: Seconds = Seconds(120 * 24 * 3600);

/// How long a seller that is blocked is asked to wait.
const TURNED_AWAY: Seconds = Seconds(3600);

/// What a letter of ours is about, from which its conversation follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    /// A conversation that is under way.
    Thread(ThreadId),
    /// An offer, to us or by us.
    Offer(OfferId),
    /// A deal.
    Agreement(AgreementId),
    /// As a seller: a want that is open.
    Intent(IntentId),
}

/// One conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) role: Role,
    pub(super) thread: Thread,
}

impl Conversation {
    /// Where a side said last that it is, and when, by its clock.
    fn last_reply(&self, role: Role) -> Option<(Timestamp, ReplyPath)> {
        let view = self.thread.view();
        let said = |entry: &crate::thread::Entry| {
            let reply = entry.letter.reply.clone();
            reply.map(|reply| (entry.letter.header().created, reply))
        };
        view.of(role).iter().rev().find_map(said)
    }
}

/// All conversations, and which letter is of which.
#[derive(Debug, Default)]
pub(super) struct Threads {
    pub(super) all: BTreeMap<ThreadId, Conversation>,
    letters: BTreeMap<RecordId, ThreadId>,
}

impl Threads {
    /// The thread that has this id, or a letter with it.
    pub(super) fn of(&self, id: RecordId) -> Option<ThreadId> {
        let letter = self.letters.get(&id).copied();
        letter.or_else(|| self.all.keys().copied().find(|thread| thread.hash() == id))
    }

    pub(super) fn fate(&self, intent: IntentId, seller: PublicKey, offer: OfferId) -> OfferFate {
        let thread = self.all.get(&ThreadId { intent, seller });
        thread.map_or(OfferFate::Stands, |it| it.thread.view().fate(offer))
    }
}

/// What a thread stands on, collected.
pub(super) struct Footing<'a> {
    intent: &'a Intent,
    customer: PublicKey,
    offers: Vec<(OfferId, &'a Offer)>,
    deal: Option<&'a Settled>,
    receipts: Vec<RecordId>,
    said: Vec<(RecordId, &'a Intent)>,
    writing: bool,
}

impl Footing<'_> {
    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            intent: self.intent,
            customer: self.customer,
            offers: &self.offers,
            deal: self.deal,
            receipts: &self.receipts,
            said: &self.said,
            writing: self.writing,
        }
    }
}

fn why(objection: &Objection) -> Refusal {
    match objection {
        Objection::Early(_) => Refusal::Early,
        Objection::Forked(_) | Objection::Unchained => Refusal::Changed,
        Objection::Stranger => Refusal::BadSignature,
        Objection::TooMany(..) => Refusal::OverCap,
        _ => Refusal::NotAdmitted,
    }
}

/// What a conversation stands on.
impl Market {
    pub(super) fn role_in(&self, id: ThreadId) -> Option<Role> {
        if self.own.contains_key(&id.intent) {
            Some(Role::Customer)
        } else if self.heard.contains_key(&id.intent) && id.seller == self.seller_key() {
            Some(Role::Seller)
        } else {
            None
        }
    }

    pub(super) fn footing(&self, id: ThreadId, writing: bool) -> Option<Footing<'_>> {
        let deal = self.deal_of(id);
        let (own, heard) = (self.own.get(&id.intent), self.heard.get(&id.intent));
        let said = own
            .map(|own| own.versions())
            .or_else(|| heard.map(|heard| heard.versions()));
        let (intent, offers) = match self.role_in(id)? {
            Role::Customer => (&self.own.get(&id.intent)?.intent, self.offers_by(id)),
            Role::Seller => (self.heard_intent(id.intent)?, self.offers_made(id.intent)),
        };
        Some(Footing {
            intent: intent.body(),
            customer: intent.header().author,
            offers,
            deal: deal.map(|deal| &deal.settled),
            receipts: deal.map_or_else(Vec::new, |deal| deal.receipts.iter().map(Verified::id).collect()),
            said: said.unwrap_or_default(),
            writing,
        })
    }

    /// As a customer: opens to the seller of an offer what it has come far enough to see, once. A budget that was
    /// committed to is opened only where the person says so.
    pub(super) fn disclose(&mut self, now: Timestamp, offer: OfferId, with_budget: bool) -> Result<Answered, Denied> {
        let mut due = self.due_to(now, offer);
        due.retain(|field| with_budget || field.field.as_str() != BUDGET);
        let id = self.thread_about(About::Offer(offer))?;
        let view = self.threads.all.get(&id).map(|it| it.thread.view());
        let opened = |field: &Opened| {
            let mut letters = view.iter().flat_map(|view| view.of(Role::Customer));
            letters.any(|entry| matches!(entry.matter(), Matter::Disclosed { fields, .. } if fields.contains(field)))
        };
        let fields: Vec<Opened> = due.into_iter().filter(|field| !opened(field)).collect();
        if fields.is_empty() {
            return Ok(Answered::Ok);
        }
        let fields = List::cut(fields);
        let letter = self.write(now, id, Matter::Disclosed { offer, fields })?;
        Ok(Answered::Said(letter))
    }

    /// Opens what is due by itself, as the want said; what the thread forbids by now stays closed.
    pub(super) fn disclose_due(&mut self, now: Timestamp, offer: OfferId) {
        if let Err(denied) = self.disclose(now, offer, false) {
            debug_assert!(!matches!(denied, Denied::Unfit(_)), "{denied}");
        }
    }

    pub(super) fn deal_of(&self, id: ThreadId) -> Option<&super::deals::Deal> {
        self.deals.values().find(|deal| deal.thread() == id)
    }

    /// The conversation that a letter about this belongs to.
    pub(super) fn thread_about(&self, about: About) -> Result<ThreadId, Denied> {
        match about {
            About::Thread(id) => Ok(id),
            About::Agreement(id) => {
                let deal = self.deals.get(&id).ok_or(Denied::NoAgreement(id))?;
                Ok(deal.thread())
            }
            About::Offer(offer) => {
                let intent = *self.offers.get(&offer).ok_or(Denied::NoOffer(offer))?;
                let seller = self.seller_of(intent, offer).ok_or(Denied::NoOffer(offer))?;
                Ok(ThreadId { intent, seller })
            }
            About::Intent(intent) if self.own.contains_key(&intent) => Err(Denied::Unfitting(
                "an intent of your own: write about an offer to it, or in the seller's thread".into(),
            )),
            About::Intent(intent) => Ok(ThreadId {
                intent,
                seller: self.seller_key(),
            }),
        }
    }

    pub(super) fn key_for(&self, id: ThreadId) -> Option<Key> {
        match self.role_in(id)? {
            Role::Customer => Some(self.seed.intent_key(&self.own.get(&id.intent)?.nonce)),
            Role::Seller => Some(self.seed.seller_key()),
        }
    }

    /// The seller's ticket for our rating key.
    pub(super) fn ticket(&self, id: ThreadId) -> Option<Bytes<{ limits::TICKET_BYTES }>> {
        let view = self.threads.all.get(&id)?.thread.view();
        view.of(Role::Seller).iter().find_map(|entry| match entry.matter() {
            Matter::RatingGiven { ticket } => Some(ticket.clone()),
            _ => None,
        })
    }

    /// Where a side of a conversation said last that it is: in a letter, or in its offers, or in its want.
    fn whereabouts(&self, id: ThreadId, role: Role) -> Option<ReplyPath> {
        let said = self.threads.all.get(&id).and_then(|it| it.last_reply(role));
        let elsewhere = match (self.role_in(id)?, role) {
            (Role::Customer, Role::Customer) => self.own.get(&id.intent).map(|own| own.reply_said()),
            (Role::Customer, Role::Seller) => self.reply_of_seller(id),
            (Role::Seller, Role::Customer) => self.reply_of_customer(id.intent),
            (Role::Seller, Role::Seller) => self.reply_we_gave(id.intent),
        };
        let newest = said.into_iter().chain(elsewhere).max_by_key(|(at, _)| *at);
        newest.map(|(_, reply)| reply)
    }

    /// Where the other side is reached.
    pub(super) fn address_of(&self, id: ThreadId) -> Option<ReplyPath> {
        self.whereabouts(id, self.role_in(id)?.other())
    }

    /// Our reply path, if the other side does not have it yet.
    fn news_of_us(&self, id: ThreadId) -> Option<ReplyPath> {
        let ours = self.reply.clone()?;
        let known = self.whereabouts(id, self.role_in(id)?);
        (known.as_ref() != Some(&ours)).then_some(ours)
    }
}

/// Writing.
impl Market {
    /// Says something: signed, judged by the same rules as on the other side, kept, and on its way.
    pub(super) fn say(&mut self, now: Timestamp, about: About, matter: Matter) -> Result<Answered, Denied> {
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
    pub(super) fn refused_before(&self, letters: &[Entry]) -> Option<Refusal> {
        letters.iter().find_map(|entry| match self.outbox.delivery(entry.id()) {
            Some(DeliveryState::Refused { why }) => Some(why),
            _ => None,
        })
    }

    pub(super) fn write(&mut self, now: Timestamp, id: ThreadId, matter: Matter) -> Result<RecordId, Denied> {
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
    pub(super) fn post_letters(&mut self, now: Timestamp, id: ThreadId) {
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
    pub(super) fn letter_arrived(&mut self, now: Timestamp, record: RecordId) {
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
    pub(super) fn tell_moved(&mut self, now: Timestamp) {
        let living: Vec<ThreadId> = self
            .deals
            .values()
            .filter(|deal| deal.settled.at().plus(WARM) > now || self.holds_data(now, deal))
            .map(super::deals::Deal::thread)
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
    pub(super) fn tell_moved_in(&mut self, now: Timestamp, id: ThreadId) {
        let warm = |deal: &super::deals::Deal| deal.settled.at().plus(WARM) > now || self.holds_data(now, deal);
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
    fn holds_data(&self, now: Timestamp, deal: &super::deals::Deal) -> bool {
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

/// Taking in.
impl Market {
    /// A letter for a conversation of ours.
    pub(super) fn take_letter(&mut self, now: Timestamp, peer: &[u8], bytes: &[u8]) -> Frame {
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
    pub(super) fn file_objection(
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
    pub(super) fn follow(&mut self, now: Timestamp, id: ThreadId, to: &ReplyPath) {
        if self.role_in(id) == Some(Role::Seller) {
            self.follow_customer(now, id.intent);
        }
        let Some(conversation) = self.threads.all.get(&id) else {
            return;
        };
        let view = conversation.thread.view();
        let records: Vec<RecordId> = view
            .of(conversation.role)
            .iter()
            .map(crate::thread::Entry::id)
            .collect();
        self.redirect(now, &records, to);
        // What had nowhere to go until now is not in the outbox yet.
        self.post_letters(now, id);
    }

    /// Whether an offer goes out inside a letter, in the place of another.
    pub(super) fn is_revision(&self, id: ThreadId, offer: RecordId) -> bool {
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
    pub(super) fn answer_open(&mut self, now: Timestamp, id: ThreadId) {
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
    pub(super) fn answer_with(&mut self, now: Timestamp, id: ThreadId, matter: Matter) {
        if let Err(denied) = self.write(now, id, matter) {
            debug_assert!(!matches!(denied, Denied::Unfit(_)), "{denied}");
        }
    }

    pub(super) fn apply_letter(&mut self, at: Timestamp, letter: &Verified<Letter>, ours: bool) {
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
    pub(super) fn forget_threads(&mut self, intent: IntentId) {
        self.threads.all.retain(|id, _| id.intent != intent);
        self.threads.letters.retain(|_, id| id.intent != intent);
        self.unsure.forget(intent);
    }

    /// After replay: what is unsaid is said.
    pub(super) fn resume_threads(&mut self, now: Timestamp) {
        let all: Vec<ThreadId> = self.threads.all.keys().copied().collect();
        for id in all {
            self.post_letters(now, id);
        }
    }
}
