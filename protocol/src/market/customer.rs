//! The customer's side: cast a want, take in what is offered, say yes or no, and stand by it.

mod deciding;
mod showing;
mod taking;

use std::collections::BTreeMap;

use super::{Answered, Denied, Event, Market, Timer, relay::topics_of};
use crate::{
    attribute::Wish,
    category::CategoryId,
    contact::ReplyPath,
    deed::{Acceptance, Difference},
    envelope::{Record, Verified, sign},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{IntentId, OfferId, RecordId, digest},
    intent::{Amendment, Budget, Conditions, Intent, Language, Withdrawal},
    keys::PublicKey,
    ledger::{Fact, Refused},
    letter::ThreadId,
    limits,
    list::{Bytes, List},
    matching::{alike, rank_alike},
    offer::{Offer, Reason},
    place::{Fulfilments, Place},
    terms::TermsSet,
    text::{Prose, Title, Word},
    thread::OfferFate,
    time::{Seconds, Timestamp},
    topic::Topic,
};

/// Least time between two amendments that only say that we have moved.
const READDRESS: Seconds = Seconds(30);

/// What a person wants, before it is signed: an [`Intent`] without the reply path, which the node adds.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The want in the person's words.
    pub title: Title,
    /// More of them.
    pub text: Prose,
    /// The language of both.
    pub language: Language,
    /// What kind of thing.
    pub category: CategoryId,
    /// What is asked of its attributes.
    pub wishes: Vec<Wish>,
    /// How many.
    pub quantity: u32,
    /// In what state.
    pub conditions: Conditions,
    /// For how much at most.
    pub budget: Budget,
    /// Where.
    pub place: Place,
    /// How it may come into the person's hands.
    pub fulfilment: Fulfilments,
    /// By when it must be there.
    pub need_by: Option<Timestamp>,
    /// Until when offers are taken.
    pub offers_due: Timestamp,
    /// When the want ends altogether.
    pub expires: Timestamp,
    /// Offers taken in all.
    pub max_offers: u16,
    /// Offers taken from one seller.
    pub offers_per_seller: u8,
    /// Rounds of haggling.
    pub max_rounds: u8,
    /// What a seller agrees to by answering.
    pub terms: TermsSet,
    /// Strands of personal data that a seller may ask for.
    pub may_ask: Vec<Word>,
}

impl Draft {
    /// The intent that this draft becomes.
    ///
    /// # Errors
    /// [`Fault::Exceeded`] where a list is too long.
    pub fn addressed(self, reply: ReplyPath) -> Result<Intent, Fault> {
        let exceeded = |what, limit: usize| {
            move |_| Fault::Exceeded {
                what,
                limit: limit as u64,
            }
        };
        Ok(Intent {
            title: self.title,
            text: self.text,
            language: self.language,
            category: self.category,
            wishes: List::new(self.wishes).map_err(exceeded("wishes", limits::ATTRIBUTES))?,
            quantity: self.quantity,
            conditions: self.conditions,
            budget: self.budget,
            place: self.place,
            fulfilment: self.fulfilment,
            need_by: self.need_by,
            offers_due: self.offers_due,
            max_offers: self.max_offers,
            offers_per_seller: self.offers_per_seller,
            max_rounds: self.max_rounds,
            terms: self.terms,
            may_ask: List::new(self.may_ask).map_err(exceeded("strands", limits::STRANDS))?,
            reply,
        })
    }
}

/// A want of ours.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) nonce: [u8; 16],
    pub(super) intent: Verified<Intent>,
    /// Every amendment, in order: an offer may answer any of them.
    amendments: Vec<Verified<Amendment>>,
    withdrawal: Option<Verified<Withdrawal>>,
    offers: BTreeMap<OfferId, Taken>,
    not_taken: Vec<NotTaken>,
    accepted: Option<Accepted>,
}

/// An offer that was verified and admitted.
#[derive(Debug)]
struct Taken {
    offer: Verified<Offer>,
    /// How much of the want as it is now the offer says.
    alike: u32,
    at: Timestamp,
    declined: Option<Reason>,
    /// Why our yes to it came to nothing.
    refused: Option<(Refusal, Option<Difference>)>,
    /// What its seller has made of it since.
    fate: OfferFate,
}

impl Taken {
    /// Whether a yes to it may still be said, but for the clock.
    fn is_takable(&self) -> bool {
        self.declined.is_none() && self.refused.is_none() && self.fate == OfferFate::Stands
    }
}

/// A record that was not taken in.
#[derive(Debug, Clone)]
pub(super) struct NotTaken {
    at: Timestamp,
    refused: Refused,
}

#[derive(Debug)]
struct Accepted {
    offer: OfferId,
    acceptance: Verified<Acceptance>,
    agreed: bool,
}

impl Own {
    pub(super) fn wanted(&self) -> &Intent {
        self.amendments
            .last()
            .map_or(self.intent.body(), |amendment| &amendment.now)
    }

    fn revision(&self) -> RecordId {
        self.amendments.last().map_or(self.intent.id(), Verified::id)
    }

    fn expires(&self) -> Timestamp {
        self.intent.header().expires
    }

    fn knows(&self, revision: RecordId) -> bool {
        self.intent.id() == revision || self.amendments.iter().any(|amendment| amendment.id() == revision)
    }

    fn amendment(&self, revision: RecordId) -> Option<&Verified<Amendment>> {
        self.amendments.iter().find(|amendment| amendment.id() == revision)
    }

    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.withdrawal.is_none() && self.expires() > now && self.accepted.as_ref().is_none_or(|it| !it.agreed)
    }

    pub(super) fn apply_fate(&mut self, seller: PublicKey, id: OfferId, fate: OfferFate) {
        let taken = self.offers.get_mut(&id);
        if let Some(taken) = taken.filter(|taken| taken.offer.header().author == seller) {
            taken.fate = fate;
        }
    }

    fn ranked(&self, now: Timestamp) -> Vec<crate::matching::Ranked> {
        let takable = self
            .offers
            .iter()
            .filter(|(_, taken)| taken.is_takable() && taken.offer.valid_until > now);
        let takable = takable.map(|(id, taken)| (*id, taken.offer.body(), taken.alike));
        rank_alike(now, self.wanted(), takable)
    }
}

/// Casting, amending, withdrawing.
impl Market {
    pub(super) fn cast(&mut self, now: Timestamp, draft: Draft, nonce: [u8; 16]) -> Result<Answered, Denied> {
        let open = self.own.values().filter(|own| own.is_open(now)).count();
        if open >= limits::OWN_INTENTS {
            return Err(Denied::TooMany(open));
        }
        let reply = self.reply.clone().ok_or(Denied::NotReachable)?;
        let expires = draft.expires;
        let key = self.seed.intent_key(&nonce);
        let intent = draft
            .addressed(reply)
            .and_then(|intent| sign(&key, now, expires, intent))
            .map_err(Denied::Unfit)?;
        if topics_of(&intent).is_empty() {
            return Err(Denied::Unfit(Fault::Invalid {
                field: "place",
                why: "a country that some topic serves".into(),
            }));
        }
        let id = IntentId::from(intent.id());
        if self.own.contains_key(&id) {
            return Ok(Answered::Cast(id));
        }
        self.record(
            now,
            Fact::Cast {
                nonce,
                intent: intent.clone(),
            },
        );
        self.event(Event::Cast { intent: id });
        self.announce(now, intent.id(), id, intent.bytes(), topics_of(&intent), expires);
        self.remind(intent.offers_due, Timer::Due(id));
        Ok(Answered::Cast(id))
    }

    pub(super) fn apply_cast(&mut self, _: Timestamp, nonce: [u8; 16], intent: &Verified<Intent>) {
        self.own.insert(
            intent.id().into(),
            Own {
                nonce,
                intent: intent.clone(),
                amendments: Vec::new(),
                withdrawal: None,
                offers: BTreeMap::new(),
                not_taken: Vec::new(),
                accepted: None,
            },
        );
    }

    /// Wants of ours that still ask for offers on this topic, with their newest amendments.
    pub(super) fn own_open(
        &self,
        now: Timestamp,
        topic: Topic,
    ) -> impl Iterator<Item = (&Verified<Intent>, Option<&Verified<Amendment>>)> {
        self.own
            .values()
            .filter(move |own| {
                own.is_open(now) && own.wanted().offers_due > now && topics_of(own.wanted()).contains(&topic)
            })
            .map(|own| (&own.intent, own.amendments.last()))
    }

    pub(super) fn due(&mut self, now: Timestamp, id: IntentId) {
        if let Some(own) = self.own.get(&id).filter(|own| own.is_open(now)) {
            let offers = own.offers.len();
            self.event(Event::Due { intent: id, offers });
        }
    }

    pub(super) fn withdraw(&mut self, now: Timestamp, id: IntentId) -> Result<Answered, Denied> {
        let own = self.own.get(&id).ok_or(Denied::NoIntent(id))?;
        if own.withdrawal.is_some() {
            return Ok(Answered::Withdrawn(id));
        }
        if own.accepted.as_ref().is_some_and(|accepted| !accepted.agreed) {
            return Err(Denied::Taken(
                own.accepted.as_ref().map(|accepted| accepted.offer).unwrap_or_default(),
            ));
        }
        if own.expires() <= now {
            return Err(Denied::Expired(own.expires()));
        }
        self.end(now, id)?;
        Ok(Answered::Withdrawn(id))
    }

    /// Says to all that the want is over, and to those who have offered.
    fn end(&mut self, now: Timestamp, id: IntentId) -> Result<(), Denied> {
        let Some(own) = self
            .own
            .get(&id)
            .filter(|own| own.withdrawal.is_none() && own.expires() > now)
        else {
            return Ok(());
        };
        let key = self.seed.intent_key(&own.nonce);
        let (expires, topics) = (own.expires(), topics_of(own.wanted()));
        // A clock that was set back must not make the withdrawal live longer than a record may.
        let created = now.max(own.intent.header().created);
        let withdrawal = sign(&key, created, expires, Withdrawal { intent: id }).map_err(Denied::Unfit)?;
        self.record(now, Fact::Withdrawn(withdrawal.clone()));
        self.event(Event::Withdrawn { intent: id });
        self.announce(now, withdrawal.id(), id, withdrawal.bytes(), topics, expires);
        self.post_withdrawal(now, &withdrawal);
        Ok(())
    }

    /// Tells each seller who has offered, but for the one there is an agreement with: gossip may pass them by, and
    /// they may be holding stock.
    fn post_withdrawal(&mut self, now: Timestamp, withdrawal: &Verified<Withdrawal>) {
        let Some(own) = self.own.get(&withdrawal.intent) else {
            return;
        };
        let Ok(bytes) = Bytes::new(withdrawal.bytes()) else {
            return;
        };
        let met = own.accepted.as_ref().filter(|accepted| accepted.agreed);
        let with = met.and_then(|accepted| own.offers.get(&accepted.offer));
        let with = with.map(|taken| taken.offer.header().author);
        let others: BTreeMap<PublicKey, ReplyPath> = own
            .offers
            .values()
            .map(|taken| (taken.offer.header().author, taken.offer.seller.reply.clone()))
            .filter(|(seller, _)| Some(*seller) != with)
            .collect();
        for (seller, to) in others {
            let letter = RecordId(digest("intentcast/1/letter", &[&withdrawal.id().0, &seller.0]));
            if self.outbox.delivery(letter).is_none() {
                let until = withdrawal.header().expires;
                self.post(now, letter, to, Frame::Withdrawal(bytes.clone()), until);
            }
        }
    }

    pub(super) fn apply_withdrawn(&mut self, withdrawal: &Verified<Withdrawal>) {
        if let Some(own) = self.own.get_mut(&withdrawal.intent) {
            own.withdrawal = Some(withdrawal.clone());
        }
    }

    /// We have moved, or know for the first time where we are: open wants must say so.
    pub(super) fn reachable(&mut self, now: Timestamp, reply: ReplyPath) {
        if reply.peer.is_empty() || self.reply.as_ref() == Some(&reply) {
            return;
        }
        let first = self.reply.replace(reply).is_none();
        self.readdress(now);
        self.tell_moved(now);
        if first {
            self.reconsider(now);
        }
    }

    pub(super) fn readdress(&mut self, now: Timestamp) {
        let Some(reply) = self.reply.clone() else { return };
        let mut again = None;
        let moved: Vec<IntentId> = self
            .own
            .iter()
            .filter(|(_, own)| own.is_open(now) && own.wanted().reply != reply)
            .filter(|(_, own)| {
                let last = own
                    .amendments
                    .last()
                    .map(|amendment| amendment.header().created.plus(READDRESS));
                match last.filter(|at| *at > now) {
                    None => true,
                    Some(at) => {
                        again = Some(at);
                        false
                    }
                }
            })
            .map(|(id, _)| *id)
            .collect();
        for id in moved {
            self.amend(now, id, reply.clone());
        }
        if let Some(at) = again {
            self.remind(at, Timer::Amend);
        }
    }

    fn amend(&mut self, now: Timestamp, id: IntentId, reply: ReplyPath) {
        let Some(own) = self.own.get(&id) else { return };
        let mut wanted = own.wanted().clone();
        wanted.reply = reply;
        // Offers that are due already stay welcome: the amendment must be a valid intent of its own.
        wanted.offers_due = wanted.offers_due.max(now.plus_millis(1)).min(own.expires());
        let sequence = own.amendments.last().map_or(0, |amendment| amendment.sequence) + 1;
        let key = self.seed.intent_key(&own.nonce);
        let body = Amendment {
            intent: id,
            sequence,
            replaces: own.revision(),
            now: wanted,
        };
        // An intent in its last second, or amended too often, stays as it is.
        let created = now.max(own.intent.header().created);
        let Ok(amendment) = sign(&key, created, own.expires(), body) else {
            return;
        };
        let (expires, topics) = (own.expires(), topics_of(&amendment.now));
        self.record(now, Fact::Amended(amendment.clone()));
        self.event(Event::Amended {
            intent: id,
            revision: amendment.id(),
        });
        self.announce(now, amendment.id(), id, amendment.bytes(), topics, expires);
    }

    pub(super) fn apply_amended(&mut self, amendment: &Verified<Amendment>) {
        if let Some(own) = self.own.get_mut(&amendment.intent) {
            own.amendments.push(amendment.clone());
            for taken in own.offers.values_mut() {
                taken.alike = alike(&amendment.now, &taken.offer);
            }
        }
    }
}

/// What conversations know of our wants.
impl Market {
    /// What a seller has offered to a want of ours, and we took in.
    pub(super) fn offers_by(&self, id: ThreadId) -> Vec<(OfferId, &Offer)> {
        let offers = self.own.get(&id.intent).into_iter().flat_map(|own| own.offers.iter());
        offers
            .filter(|(_, taken)| taken.offer.header().author == id.seller)
            .map(|(offer, taken)| (*offer, taken.offer.body()))
            .collect()
    }

    /// Where a seller's newest offer says that it is reached.
    pub(super) fn reply_of_seller(&self, id: ThreadId) -> Option<ReplyPath> {
        let offers = self.own.get(&id.intent)?.offers.values();
        offers
            .filter(|taken| taken.offer.header().author == id.seller)
            .max_by_key(|taken| taken.offer.header().created)
            .map(|taken| taken.offer.seller.reply.clone())
    }

    /// Who made an offer, to us or as us.
    pub(super) fn seller_of(&self, intent: IntentId, offer: OfferId) -> Option<PublicKey> {
        match self.own.get(&intent) {
            Some(own) => own.offers.get(&offer).map(|taken| taken.offer.header().author),
            None => Some(self.seller_key()),
        }
    }
}

const _: () = assert!(Offer::MAX_BODY < limits::FRAME_BYTES);
