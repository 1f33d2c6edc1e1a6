//! The customer's side: cast a want, take in what is offered, say yes or no, and stand by it.

mod amending;
mod deciding;
mod draft;
mod showing;
mod taking;

use std::collections::{BTreeMap, BTreeSet};

pub use draft::{Change, Draft};

use super::{Answered, Denied, Event, HeadStart, Market, Timer, relay::topics_of};
use crate::{
    contact::ReplyPath,
    deed::{Acceptance, Difference},
    disclosure::Kept,
    envelope::{Record, Verified, sign},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{IntentId, OfferId, RecordId, digest},
    intent::{Amendment, Intent, Withdrawal},
    keys::PublicKey,
    ledger::{Fact, Refused},
    letter::ThreadId,
    limits,
    list::Bytes,
    matching::{Ranked, Score, rank_alike},
    offer::{Offer, Reason},
    regard::Regard,
    thread::OfferFate,
    time::Timestamp,
    topic::Topic,
};

/// A want of ours.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) nonce: [u8; 16],
    pub(super) intent: Verified<Intent>,
    /// Every amendment, in order: an offer may answer any of them.
    pub(super) amendments: Vec<Verified<Amendment>>,
    /// Every version that was said, the intent itself first.
    said: Vec<Version>,
    /// What we mean by the want as it is now: with the true ceiling in it, whatever is said of that. Offers are admitted
    /// by what is said, as their sellers can work it out; whether we may take one is decided by this, and nothing that
    /// leaves this node may hang on it.
    meant: Intent,
    /// The want that this one was said in the place of.
    renews: Option<IntentId>,
    pub(super) withdrawal: Option<Verified<Withdrawal>>,
    /// Who was told of it before all others.
    pub(super) head_start: Option<HeadStart>,
    offers: BTreeMap<OfferId, Taken>,
    not_taken: Vec<NotTaken>,
    accepted: Option<Accepted>,
}

/// One version of a want of ours.
#[derive(Debug)]
struct Version {
    record: RecordId,
    /// How often, up to here, something was changed that an offer answers to.
    turn: u32,
    kept: Kept,
}

/// An offer that was verified and admitted.
#[derive(Debug)]
struct Taken {
    offer: Verified<Offer>,
    /// The turn of the version that it answers.
    turn: u32,
    /// Its seller has answered a later turn.
    superseded: bool,
    /// Whether it is what we mean, now.
    fits: bool,
    /// How much of the want as it is now the offer says.
    alike: u32,
    at: Timestamp,
    declined: Option<Reason>,
    /// Why our yes to it came to nothing.
    refused: Option<(Refusal, Option<Difference>)>,
    /// What its seller has made of it since.
    fate: OfferFate,
    /// We take nothing from its seller now.
    blocked: bool,
}

impl Taken {
    /// Whether a yes to it may still be said, but for the clock.
    fn is_takable(&self) -> bool {
        self.declined.is_none() && self.refused.is_none() && self.fate == OfferFate::Stands && !self.blocked
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

    pub(super) fn expires(&self) -> Timestamp {
        self.intent.header().expires
    }

    /// Where it says that we are reached, and since when.
    pub(super) fn reply_said(&self) -> (Timestamp, ReplyPath) {
        let last = self.amendments.last().map(|amendment| *amendment.header());
        let header = last.unwrap_or(*self.intent.header());
        (header.created, self.wanted().reply.clone())
    }

    /// What the want said in each of its versions.
    pub(super) fn versions(&self) -> Vec<(RecordId, &Intent)> {
        let later = self.amendments.iter().map(|it| (it.id(), &it.now));
        std::iter::once((self.intent.id(), self.intent.body()))
            .chain(later)
            .collect()
    }

    /// Sellers who have an offer here that could be taken up after `made`, or a yes of ours.
    pub(super) fn offered_after(&self, made: Timestamp) -> BTreeSet<PublicKey> {
        let said_yes = self.accepted.as_ref().map(|accepted| accepted.offer);
        let offers = self.offers.iter();
        offers
            .filter(|(id, taken)| taken.offer.valid_until > made || said_yes == Some(**id))
            .map(|(_, taken)| taken.offer.header().author)
            .collect()
    }

    /// The turn of a version; `None` of one that we never said.
    fn turn(&self, revision: RecordId) -> Option<u32> {
        let version = self.said.iter().find(|version| version.record == revision);
        version.map(|version| version.turn)
    }

    /// What the want, as it is now, does not say.
    fn kept(&self) -> Kept {
        self.said.last().map(|version| version.kept.clone()).unwrap_or_default()
    }

    /// What any of its versions withholds, opened.
    pub(super) fn kept_back(&self) -> impl Iterator<Item = &crate::disclosure::Opened> {
        self.said.iter().flat_map(|version| version.kept.opened.iter())
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

    /// Every offer that was taken in, with when.
    pub(super) fn taken(&self) -> impl Iterator<Item = (Timestamp, &Verified<Offer>)> {
        self.offers.values().map(|taken| (taken.at, &taken.offer))
    }

    /// Whether a yes of ours to this seller stands.
    pub(super) fn said_yes_to(&self, seller: PublicKey) -> bool {
        let taken = self.accepted.as_ref().and_then(|it| self.offers.get(&it.offer));
        taken.is_some_and(|taken| taken.offer.header().author == seller)
    }

    pub(super) fn apply_regarded(&mut self, seller: PublicKey, regard: Regard) {
        for taken in self.offers.values_mut() {
            if taken.offer.header().author == seller {
                taken.blocked = regard == Regard::Blocked;
            }
        }
    }

    /// Offers that no later one of the same seller stands in the place of, that were not taken back, and whose sellers
    /// are not blocked.
    fn standing(&self) -> impl Iterator<Item = (&OfferId, &Taken)> {
        self.offers
            .iter()
            .filter(|(_, taken)| !taken.superseded && taken.fate == OfferFate::Stands && !taken.blocked)
    }

    /// What could be taken, in our order.
    fn ranked(&self, now: Timestamp) -> Vec<Ranked> {
        let fitting = self.standing().filter(|(_, taken)| taken.fits);
        rank_alike(now, &self.meant, takable(now, fitting))
    }

    /// The order as it is told as news: without its reasons where they would tell what the want does not say.
    fn ranked_for_all(&self, now: Timestamp) -> Vec<Ranked> {
        let mut order = self.ranked(now);
        if self.kept().ceiling.is_some() {
            for ranked in &mut order {
                ranked.score = Score::default();
            }
        }
        order
    }
}

fn takable<'a>(
    now: Timestamp,
    offers: impl Iterator<Item = (&'a OfferId, &'a Taken)>,
) -> impl Iterator<Item = (OfferId, &'a Offer, u32)> {
    offers
        .filter(move |(_, taken)| taken.is_takable() && taken.offer.valid_until > now)
        .map(|(id, taken)| (*id, taken.offer.body(), taken.alike))
}

/// Casting, amending, withdrawing.
impl Market {
    pub(super) fn cast(
        &mut self,
        now: Timestamp,
        draft: Draft,
        nonce: [u8; 16],
        renews: Option<IntentId>,
    ) -> Result<Answered, Denied> {
        let open = self.own.values().filter(|own| own.is_open(now)).count();
        if open >= limits::OWN_INTENTS {
            return Err(Denied::TooMany(open));
        }
        let reply = self.reply.clone().ok_or(Denied::NotReachable)?;
        let (expires, first) = (draft.expires, draft.favourites_first);
        if first.is_some_and(|lasts| now.plus(lasts) >= draft.offers_due) {
            return Err(Denied::Unfit(Fault::Invalid {
                field: "favourites_first",
                why: "shorter than the time for offers".into(),
            }));
        }
        let key = self.seed.intent_key(&nonce);
        let (intent, kept) = draft
            .addressed(reply, |field, _| self.seed.salt(&nonce, 0, field))
            .map_err(Denied::Unfit)?;
        let intent = sign(&key, now, expires, intent).map_err(Denied::Unfit)?;
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
                kept,
                renews,
            },
        );
        self.event(Event::Cast { intent: id });
        if let Some(lasts) = first {
            self.begin_head_start(now, id, lasts);
        }
        self.say_of_want(now, id, intent.id(), intent.bytes());
        self.remind(intent.offers_due, Timer::Due(id));
        Ok(Answered::Cast(id))
    }

    pub(super) fn apply_cast(
        &mut self,
        nonce: [u8; 16],
        intent: &Verified<Intent>,
        kept: &Kept,
        renews: Option<IntentId>,
    ) {
        let first = Version {
            record: intent.id(),
            turn: 0,
            kept: kept.clone(),
        };
        self.own.insert(
            intent.id().into(),
            Own {
                nonce,
                intent: intent.clone(),
                amendments: Vec::new(),
                said: vec![first],
                meant: kept.meant(intent),
                renews,
                withdrawal: None,
                head_start: None,
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
                own.is_open(now)
                    && !own.is_held_back(now)
                    && own.wanted().offers_due > now
                    && topics_of(own.wanted()).contains(&topic)
            })
            .map(|own| (&own.intent, own.amendments.last()))
    }

    pub(super) fn due(&mut self, now: Timestamp, id: IntentId) {
        // The time may have been put off since.
        let due = |own: &&Own| own.is_open(now) && own.wanted().offers_due <= now;
        if let Some(own) = self.own.get(&id).filter(due) {
            let offers = own.standing().count();
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
    pub(super) fn end(&mut self, now: Timestamp, id: IntentId) -> Result<(), Denied> {
        let Some(own) = self
            .own
            .get(&id)
            .filter(|own| own.withdrawal.is_none() && own.expires() > now)
        else {
            return Ok(());
        };
        let key = self.seed.intent_key(&own.nonce);
        let expires = own.expires();
        // A clock that was set back must not make the withdrawal live longer than a record may.
        let created = now.max(own.intent.header().created);
        let withdrawal = sign(&key, created, expires, Withdrawal { intent: id }).map_err(Denied::Unfit)?;
        self.record(now, Fact::Withdrawn(withdrawal.clone()));
        self.event(Event::Withdrawn { intent: id });
        self.say_of_want(now, id, withdrawal.id(), withdrawal.bytes());
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

    /// Where a seller's newest offer says that it is reached, and when it said so.
    pub(super) fn reply_of_seller(&self, id: ThreadId) -> Option<(Timestamp, ReplyPath)> {
        let offers = self.own.get(&id.intent)?.offers.values();
        offers
            .filter(|taken| taken.offer.header().author == id.seller)
            .max_by_key(|taken| taken.offer.header().created)
            .map(|taken| (taken.offer.header().created, taken.offer.seller.reply.clone()))
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
