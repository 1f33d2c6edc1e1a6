//! Conversations: letters of ours go out in order until they are acknowledged, and those that come in are judged,
//! kept, and acted upon.

mod taking;
mod writing;

use std::collections::BTreeMap;

use super::{Answered, Denied, Market, Role};
use crate::{
    contact::ReplyPath,
    deed::Settled,
    disclosure::{BUDGET, Opened},
    envelope::Verified,
    frame::Refusal,
    id::{AgreementId, IntentId, OfferId, RecordId},
    intent::Intent,
    keys::{Key, PublicKey},
    letter::{Matter, ThreadId},
    limits,
    list::{Bytes, List},
    offer::Offer,
    thread::{Ground, Objection, OfferFate, Thread},
    time::Timestamp,
};

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
