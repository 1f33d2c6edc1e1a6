//! The customer's side: cast a want, take in what is offered, say yes or no, and stand by it.

use std::collections::BTreeMap;

use super::{
    Answered, Denied, Event, IntentState, IntentView, Market, OfferState, OfferView, Role, Timer, deals::Parties,
    relay::topics_of,
};
use crate::{
    attribute::Wish,
    category::CategoryId,
    contact::ReplyPath,
    deed::{Acceptance, Agreement, Confirmation, Difference, agreement_id, confirms},
    envelope::{Header, Record, Signed, Verified, open, record_id, sign},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{IntentId, OfferId, RecordId, digest},
    intent::{Amendment, Budget, Conditions, Intent, Language, Withdrawal},
    keys::PublicKey,
    ledger::{Fact, Refused},
    limits,
    list::{Bytes, List},
    matching::{Admission, admits, rank},
    offer::{Decline, Offer, Reason},
    place::{Fulfilments, Place},
    receipt::{OrderEvent, Receipt},
    terms::TermsSet,
    text::{Prose, Title, Word},
    time::{Seconds, Timestamp},
};

/// How long after an offer's end we still ask its seller whether our yes came in time.
const GRACE: Seconds = Seconds(24 * 3600);
/// Least time between two amendments that only say that we have moved.
const READDRESS: Seconds = Seconds(30);
/// Refused records that name no intent of ours, kept to be shown.
const STRAYS: usize = 64;

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
    nonce: [u8; 16],
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
    at: Timestamp,
    declined: Option<Reason>,
    /// Why our yes to it came to nothing.
    refused: Option<(Refusal, Option<Difference>)>,
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

    fn is_open(&self, now: Timestamp) -> bool {
        self.withdrawal.is_none() && self.expires() > now && self.accepted.as_ref().is_none_or(|it| !it.agreed)
    }

    fn ranked(&self, now: Timestamp) -> Vec<crate::matching::Ranked> {
        let takable = self
            .offers
            .iter()
            .filter(|(_, taken)| taken.declined.is_none() && taken.refused.is_none() && taken.offer.valid_until > now);
        rank(now, self.wanted(), takable.map(|(id, taken)| (*id, taken.offer.body())))
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
        }
    }
}

/// Taking offers in.
impl Market {
    pub(super) fn take_offer(&mut self, now: Timestamp, bytes: &[u8]) -> Frame {
        let about = record_id(bytes);
        match self.judge_offer(now, bytes) {
            Ok(None) => Frame::Stored(about),
            Ok(Some(offer)) => {
                let intent = offer.intent;
                self.record(now, Fact::OfferTaken(offer));
                self.event(Event::Offer {
                    intent,
                    offer: about.into(),
                });
                if let Some(own) = self.own.get(&intent) {
                    let order = own.ranked(now);
                    self.event(Event::Ranked { intent, order });
                }
                Frame::Stored(about)
            }
            Err((why, detail)) => {
                self.file_refusal(now, bytes, why, &detail);
                Frame::Refused { about, why }
            }
        }
    }

    /// The stages of judgement for an offer. `None` for one that is here already.
    fn judge_offer(&self, now: Timestamp, bytes: &[u8]) -> Result<Option<Verified<Offer>>, (Refusal, String)> {
        let no = |why, detail: &str| Err((why, detail.to_owned()));
        let signed = Signed::<Offer>::parse(bytes).map_err(|fault| (Refusal::Malformed, fault.to_string()))?;
        let id = OfferId::from(signed.id());
        // The same bytes again are the same offer; other bytes under its id are a forgery and go on to the signature.
        let here = self
            .offers
            .get(&id)
            .and_then(|intent| self.own.get(intent))
            .and_then(|own| own.offers.get(&id));
        if here.is_some_and(|taken| taken.offer.bytes() == bytes) {
            return Ok(None);
        }
        let offer = signed.verify().map_err(|fault| match fault {
            Fault::BadSignature => (
                Refusal::BadSignature,
                "the signature is not the seller's over this offer".into(),
            ),
            fault => (Refusal::Malformed, fault.to_string()),
        })?;
        // A second signature by the same key over the same offer makes it no other offer.
        if here.is_some() {
            return Ok(None);
        }
        let header = *offer.header();
        let Some(own) = self.own.get(&offer.intent) else {
            return no(Refusal::Unknown, "it answers no intent of ours");
        };
        if own.withdrawal.is_some() {
            return no(Refusal::Withdrawn, "the intent was withdrawn");
        }
        let wanted = own.wanted();
        if own.expires() <= now || wanted.offers_due <= now {
            return no(Refusal::Expired, "the time for offers is over");
        }
        if header.created > now.plus(limits::CLOCK_SKEW) {
            return no(Refusal::Malformed, "made in the future: check the clocks");
        }
        if offer.valid_until <= now || header.expires <= now {
            return no(Refusal::Expired, "the offer has expired");
        }
        if !own.knows(offer.revision) {
            return no(
                Refusal::Superseded,
                "it answers a version of the intent that we never said",
            );
        }
        let from_seller = own
            .offers
            .values()
            .filter(|taken| taken.offer.header().author == header.author)
            .count();
        if own.offers.len() >= usize::from(wanted.max_offers) {
            return Err((
                Refusal::OverCap,
                format!("{} offers were asked for and are here", wanted.max_offers),
            ));
        }
        if from_seller >= usize::from(wanted.offers_per_seller) {
            return Err((
                Refusal::OverCap,
                format!("{} offers of one seller were asked for", wanted.offers_per_seller),
            ));
        }
        if offer.terms != wanted.terms.hash() {
            return no(Refusal::Terms, "the seller did not sign exactly the intent's terms");
        }
        if let Some(need) = offer.needs.iter().find(|need| !wanted.may_ask.contains(&need.strand)) {
            return Err((
                Refusal::Terms,
                format!("it needs {}, which may not be asked", need.strand),
            ));
        }
        let admission = admits(wanted, &offer);
        if !admission.admitted() {
            return Err((Refusal::NotAdmitted, admission.why_not()));
        }
        Ok(Some(offer))
    }

    /// Keeps what was refused, within bounds, and says so. The claim inside is shown as a claim and used for nothing.
    pub(super) fn file_refusal(&mut self, now: Timestamp, bytes: &[u8], why: Refusal, detail: &str) {
        let record = record_id(bytes);
        let signed = Signed::<Offer>::parse(bytes).ok();
        let author = signed.as_ref().map(|signed| signed.header().author);
        let claimed = signed.and_then(|signed| signed.claim()).map(|offer| offer.intent);
        let intent = claimed.filter(|intent| self.own.contains_key(intent));
        self.event(Event::Refused {
            intent,
            record,
            why,
            detail: detail.to_owned(),
        });
        let (kept, cap) = match intent.and_then(|intent| self.own.get(&intent)) {
            Some(own) => (&own.not_taken, limits::REFUSALS_PER_INTENT),
            None => (&self.strays, STRAYS),
        };
        let again = kept
            .iter()
            .any(|it| it.refused.record == record && it.refused.why == why);
        if kept.len() < cap && !again {
            let bytes = Bytes::new(bytes).unwrap_or_default();
            let detail = Prose::lossy(detail);
            self.record(
                now,
                Fact::NotTaken(Refused {
                    record,
                    intent,
                    author,
                    why,
                    detail,
                    bytes,
                }),
            );
        }
    }

    pub(super) fn apply_offer_taken(&mut self, at: Timestamp, offer: &Verified<Offer>) {
        let id = OfferId::from(offer.id());
        if let Some(own) = self.own.get_mut(&offer.intent) {
            self.offers.insert(id, offer.intent);
            own.offers.insert(
                id,
                Taken {
                    offer: offer.clone(),
                    at,
                    declined: None,
                    refused: None,
                },
            );
        }
    }

    pub(super) fn apply_not_taken(&mut self, at: Timestamp, refused: &Refused) {
        let kept = match refused.intent.and_then(|intent| self.own.get_mut(&intent)) {
            Some(own) => &mut own.not_taken,
            None => &mut self.strays,
        };
        kept.push(NotTaken {
            at,
            refused: refused.clone(),
        });
    }
}

/// Yes and no.
impl Market {
    fn taken(&self, offer: OfferId) -> Result<(&Own, &Taken), Denied> {
        let own = self
            .offers
            .get(&offer)
            .and_then(|intent| self.own.get(intent))
            .ok_or(Denied::NoOffer(offer))?;
        Ok((own, own.offers.get(&offer).ok_or(Denied::NoOffer(offer))?))
    }

    pub(super) fn accept(&mut self, now: Timestamp, id: OfferId) -> Result<Answered, Denied> {
        let (own, taken) = self.taken(id)?;
        let offer = &taken.offer;
        let agreement = agreement_id(offer.intent, offer.revision, id, offer.terms);
        match &own.accepted {
            Some(accepted) if accepted.offer == id => return Ok(Answered::Accepted(agreement)),
            Some(accepted) if accepted.agreed => return Err(Denied::Agreed),
            Some(accepted) => return Err(Denied::Taken(accepted.offer)),
            None => {}
        }
        if taken.declined.is_some() || taken.refused.is_some() {
            return Err(Denied::Declined);
        }
        if own.withdrawal.is_some() {
            return Err(Denied::Withdrawn);
        }
        if offer.valid_until <= now {
            return Err(Denied::Expired(offer.valid_until));
        }
        if offer.terms != own.wanted().terms.hash() || !admits(own.wanted(), offer).admitted() {
            return Err(Denied::Terms);
        }
        let body = Acceptance {
            agreement,
            intent: offer.intent,
            offer: id,
            lines: List::cut(0..offer.lines.len() as u8),
            total: offer.totals.landed(),
            terms: offer.terms,
        };
        let (intent, expires) = (offer.intent, now.plus(limits::DEED_LIFE));
        let key = self.seed.intent_key(&own.nonce);
        let acceptance = sign(&key, now, expires, body).map_err(Denied::Unfit)?;
        self.record(now, Fact::Accepted(acceptance.clone()));
        self.event(Event::Accepted {
            intent,
            offer: id,
            agreement,
        });
        self.post_acceptance(now, id, &acceptance);
        Ok(Answered::Accepted(agreement))
    }

    /// Sends our yes until the seller answers, or a day after the offer's end.
    fn post_acceptance(&mut self, now: Timestamp, offer: OfferId, acceptance: &Verified<Acceptance>) {
        let Ok((_, taken)) = self.taken(offer) else { return };
        let until = taken.offer.valid_until.plus(GRACE);
        let to = taken.offer.seller.reply.clone();
        let Ok(bytes) = Bytes::new(acceptance.bytes()) else {
            return;
        };
        self.remind(until, Timer::Lapse(offer));
        self.post(now, acceptance.id(), to, Frame::Acceptance(bytes), until);
    }

    pub(super) fn apply_accepted(&mut self, acceptance: &Verified<Acceptance>) {
        if let Some(own) = self.own.get_mut(&acceptance.intent) {
            let offer = acceptance.offer;
            own.accepted = Some(Accepted {
                offer,
                acceptance: acceptance.clone(),
                agreed: false,
            });
        }
    }

    /// The offer that this record is our yes to.
    pub(super) fn accepted_offer(&self, record: RecordId) -> Option<OfferId> {
        let accepted = self.own.values().filter_map(|own| own.accepted.as_ref());
        accepted
            .filter(|accepted| accepted.acceptance.id() == record)
            .map(|accepted| accepted.offer)
            .next()
    }

    /// The seller answered our yes: hold every word of it against what was agreed.
    pub(super) fn confirmed(&mut self, now: Timestamp, record: RecordId, confirmation: &[u8], receipt: &[u8]) {
        let Some(offer) = self.accepted_offer(record) else {
            return;
        };
        let Ok((own, taken)) = self.taken(offer) else { return };
        let Some(accepted) = own.accepted.as_ref().filter(|accepted| !accepted.agreed) else {
            return;
        };
        match settle(own, taken, &accepted.acceptance, confirmation, receipt) {
            Ok((confirmation, receipt)) => {
                let acceptance = accepted.acceptance.clone();
                let (intent, agreement) = (acceptance.intent, acceptance.agreement);
                let (id, what) = (receipt.id(), receipt.event.word().to_owned());
                self.record(
                    now,
                    Fact::Agreed {
                        confirmation,
                        acceptance,
                        receipt,
                    },
                );
                self.event(Event::Agreement {
                    intent,
                    offer,
                    agreement,
                });
                self.event(Event::Receipt {
                    agreement,
                    receipt: id,
                    what,
                });
                // The want is met; whoever still listens need not look.
                if let Err(denied) = self.end(now, intent) {
                    debug_assert!(false, "a withdrawal of our own intent signs: {denied}");
                }
            }
            Err(difference) => {
                let detail = difference.to_string();
                self.file_refusal(now, confirmation, Refusal::Changed, &detail);
                self.acceptance_refused(now, offer, Refusal::Changed, Some(difference));
            }
        }
    }

    pub(super) fn acceptance_refused(
        &mut self,
        now: Timestamp,
        offer: OfferId,
        why: Refusal,
        difference: Option<Difference>,
    ) {
        let Some(intent) = self.offers.get(&offer).copied() else {
            return;
        };
        self.record(
            now,
            Fact::AcceptanceRefused {
                offer,
                why,
                difference: difference.clone(),
            },
        );
        self.event(Event::AcceptanceRefused {
            intent,
            offer,
            why,
            difference,
        });
    }

    pub(super) fn apply_acceptance_refused(&mut self, offer: OfferId, why: Refusal, difference: Option<Difference>) {
        let Some(own) = self.offers.get(&offer).and_then(|intent| self.own.get_mut(intent)) else {
            return;
        };
        if let Some(accepted) = own
            .accepted
            .take_if(|accepted| accepted.offer == offer && !accepted.agreed)
        {
            self.outbox.close(accepted.acceptance.id());
            if let Some(taken) = own.offers.get_mut(&offer) {
                taken.refused = Some((why, difference));
            }
        }
    }

    /// The seller never answered our yes, and the offer is long over.
    pub(super) fn lapse(&mut self, now: Timestamp, offer: OfferId) {
        let Ok((own, taken)) = self.taken(offer) else { return };
        let pending = own
            .accepted
            .as_ref()
            .is_some_and(|accepted| accepted.offer == offer && !accepted.agreed);
        if pending && taken.offer.valid_until.plus(GRACE) <= now {
            self.acceptance_refused(now, offer, Refusal::Expired, None);
        }
    }

    /// As a customer: our yes has become an agreement.
    pub(super) fn apply_own_agreed(&mut self, acceptance: &Verified<Acceptance>) {
        if let Some(accepted) = self
            .own
            .get_mut(&acceptance.intent)
            .and_then(|own| own.accepted.as_mut())
        {
            accepted.agreed = true;
        }
        self.outbox.apply_delivered(acceptance.id(), None);
    }

    pub(super) fn decline(&mut self, now: Timestamp, id: OfferId, reason: Reason) -> Result<Answered, Denied> {
        let (own, taken) = self.taken(id)?;
        if taken.declined.is_some() {
            return Ok(Answered::Declined(id));
        }
        if own.accepted.as_ref().is_some_and(|accepted| accepted.offer == id) {
            return Err(Denied::Agreed);
        }
        if taken.offer.valid_until <= now {
            return Err(Denied::Expired(taken.offer.valid_until));
        }
        let intent = taken.offer.intent;
        let key = self.seed.intent_key(&own.nonce);
        // A seller whose clock runs ahead may have made an offer that ends later than a record of ours may.
        let until = taken.offer.valid_until.min(now.plus(Decline::LIFE));
        let decline = sign(
            &key,
            now,
            until,
            Decline {
                intent,
                offer: id,
                reason,
            },
        )
        .map_err(Denied::Unfit)?;
        self.record(now, Fact::Declined(decline.clone()));
        self.event(Event::Declined { intent, offer: id });
        self.post_decline(now, &decline);
        Ok(Answered::Declined(id))
    }

    fn post_decline(&mut self, now: Timestamp, decline: &Verified<Decline>) {
        let Ok((_, taken)) = self.taken(decline.offer) else {
            return;
        };
        let (to, until) = (taken.offer.seller.reply.clone(), taken.offer.valid_until);
        if let Ok(bytes) = Bytes::new(decline.bytes()) {
            self.post(now, decline.id(), to, Frame::Decline(bytes), until);
        }
    }

    pub(super) fn apply_declined(&mut self, decline: &Verified<Decline>) {
        let taken = self
            .own
            .get_mut(&decline.intent)
            .and_then(|own| own.offers.get_mut(&decline.offer));
        if let Some(taken) = taken {
            taken.declined = Some(decline.reason);
            if self.replaying {
                self.declines.push(decline.clone());
            }
        }
    }

    /// After replay: take up what was under way.
    pub(super) fn resume_customer(&mut self, now: Timestamp) {
        let open: Vec<IntentId> = self
            .own
            .iter()
            .filter(|(_, own)| own.expires() > now)
            .map(|(id, _)| *id)
            .collect();
        for id in open {
            let own = &self.own[&id];
            let (expires, due, topics) = (own.expires(), own.wanted().offers_due, topics_of(own.wanted()));
            let last = match (&own.withdrawal, own.amendments.last()) {
                (Some(withdrawal), _) => (withdrawal.id(), withdrawal.bytes().to_vec()),
                (None, Some(amendment)) => (amendment.id(), amendment.bytes().to_vec()),
                (None, None) => (own.intent.id(), own.intent.bytes().to_vec()),
            };
            // An amendment or a withdrawal of an intent that nobody heard means nothing: the intent goes first.
            let first = (own.intent.id(), own.intent.bytes().to_vec());
            for (record, bytes) in std::iter::once(first.clone()).chain((last.0 != first.0).then_some(last)) {
                if self.outbox.heard_by(record) == 0 {
                    self.announce(now, record, id, &bytes, topics.clone(), expires);
                }
            }
            if due > now {
                self.remind(due, Timer::Due(id));
            }
            if let Some(withdrawal) = self.own[&id].withdrawal.clone() {
                self.post_withdrawal(now, &withdrawal);
            }
        }
        let pending: Vec<(OfferId, Verified<Acceptance>)> = self
            .own
            .values()
            .filter_map(|own| own.accepted.as_ref())
            .filter(|accepted| !accepted.agreed)
            .map(|accepted| (accepted.offer, accepted.acceptance.clone()))
            .collect();
        for (offer, acceptance) in pending {
            self.post_acceptance(now, offer, &acceptance);
        }
        // An agreement reached just before the end, whose want is still open to all.
        let met: Vec<IntentId> = self
            .own
            .iter()
            .filter(|(_, own)| own.accepted.as_ref().is_some_and(|accepted| accepted.agreed))
            .map(|(id, _)| *id)
            .collect();
        for id in met {
            if self.end(now, id).is_err() {
                continue;
            }
        }
        for decline in std::mem::take(&mut self.declines) {
            if self.outbox.delivery(decline.id()).is_none() {
                self.post_decline(now, &decline);
            }
        }
    }
}

/// Both records verify, are the seller's, and say what was agreed.
fn settle(
    own: &Own,
    taken: &Taken,
    acceptance: &Verified<Acceptance>,
    confirmation: &[u8],
    receipt: &[u8],
) -> Result<(Verified<Confirmation>, Verified<Receipt>), Difference> {
    let unreadable = |field: &str, fault: Fault| Difference {
        field: field.into(),
        agreed: "a record signed by the seller".into(),
        named: fault.to_string(),
    };
    let seller = taken.offer.header().author;
    let confirmation: Verified<Confirmation> = open(confirmation).map_err(|fault| unreadable("confirmation", fault))?;
    Difference::unless_same("confirmation's author", &seller, &confirmation.header().author)?;
    confirms(&confirmation, acceptance.id(), acceptance)?;
    let receipt: Verified<Receipt> = open(receipt).map_err(|fault| unreadable("receipt", fault))?;
    Difference::unless_same("receipt's author", &seller, &receipt.header().author)?;
    Difference::unless_same("receipt's agreement", &acceptance.agreement, &receipt.agreement)?;
    Difference::unless_same("receipt's total", &acceptance.total, &receipt.total)?;
    Difference::unless_same("receipt's event", &OrderEvent::Confirmed.word(), &receipt.event.word())?;
    let amendment = own.amendment(taken.offer.revision);
    Agreement::of(&own.intent, amendment, &taken.offer, acceptance, &confirmation).map_err(|unsettled| Difference {
        field: "agreement".into(),
        agreed: acceptance.agreement.to_string(),
        named: unsettled.to_string(),
    })?;
    Ok((confirmation, receipt))
}

/// What is shown.
impl Market {
    /// As a customer: the records that an acceptance of ours belongs to.
    pub(super) fn parties_own(&self, acceptance: &Acceptance) -> Option<Parties<'_>> {
        let own = self.own.get(&acceptance.intent)?;
        let taken = own.offers.get(&acceptance.offer)?;
        Some((&own.intent, own.amendment(taken.offer.revision), &taken.offer))
    }

    pub(super) fn own_views(&self, now: Timestamp) -> impl Iterator<Item = IntentView> {
        self.own.iter().map(move |(id, own)| self.view_of(now, *id, own))
    }

    pub(super) fn own_view(&self, now: Timestamp, id: IntentId) -> Option<IntentView> {
        self.own.get(&id).map(|own| self.view_of(now, id, own))
    }

    fn view_of(&self, now: Timestamp, id: IntentId, own: &Own) -> IntentView {
        let heard_by = self.outbox.heard_by(own.intent.id());
        let state = match &own.accepted {
            Some(accepted) if accepted.agreed => IntentState::Agreed,
            Some(_) => IntentState::Accepted,
            None if own.withdrawal.is_some() => IntentState::Withdrawn,
            None if own.expires() <= now => IntentState::Expired,
            None if heard_by == 0 && own.offers.is_empty() => IntentState::Unheard,
            None if own.wanted().offers_due <= now => IntentState::Due,
            None => IntentState::Open,
        };
        let Header { created, expires, .. } = *own.intent.header();
        IntentView {
            id,
            role: Role::Customer,
            revision: own.revision(),
            state,
            created,
            expires,
            intent: own.wanted().clone(),
            heard_by,
            offers: own.offers.len(),
            refused: own.not_taken.len(),
        }
    }

    pub(super) fn offer_views(&self, now: Timestamp, intent: Option<IntentId>) -> Vec<OfferView> {
        let mut views = Vec::new();
        for (id, own) in self
            .own
            .iter()
            .filter(|(id, _)| intent.is_none_or(|intent| intent == **id))
        {
            views.extend(self.own_offers(now, *id, own));
        }
        views.extend(self.made_offers(now, intent));
        if intent.is_none() {
            views.extend(self.strays.iter().map(|it| it.view(None)));
        }
        views
    }

    fn own_offers(&self, now: Timestamp, id: IntentId, own: &Own) -> Vec<OfferView> {
        let ranked = own.ranked(now);
        let mut views: Vec<OfferView> = own
            .offers
            .iter()
            .map(|(offer_id, taken)| {
                let ranked = ranked.iter().find(|ranked| ranked.offer == *offer_id);
                OfferView {
                    id: *offer_id,
                    role: Role::Customer,
                    intent: Some(id),
                    seller: Some(taken.offer.header().author),
                    at: Some(taken.at),
                    state: self.state_of(now, own, *offer_id, taken),
                    offer: Some(taken.offer.body().clone()),
                    place: ranked.map(|ranked| ranked.place),
                    admission: Some(admits(own.wanted(), &taken.offer)),
                    score: ranked.map(|ranked| ranked.score.clone()),
                    delivery: None,
                }
            })
            .collect();
        views.sort_by_key(|view| (view.place.unwrap_or(usize::MAX), view.id));
        views.extend(own.not_taken.iter().map(|it| it.view(Some(own.wanted()))));
        views
    }

    fn state_of(&self, now: Timestamp, own: &Own, id: OfferId, taken: &Taken) -> OfferState {
        let accepted = own.accepted.as_ref().filter(|accepted| accepted.offer == id);
        match (accepted, taken.declined, &taken.refused) {
            (Some(accepted), ..) if accepted.agreed => OfferState::Agreed {
                agreement: accepted.acceptance.agreement,
            },
            (Some(accepted), ..) => OfferState::Accepted {
                delivery: self
                    .outbox
                    .delivery(accepted.acceptance.id())
                    .unwrap_or(super::DeliveryState::Queued { attempts: 0 }),
            },
            (None, Some(reason), _) => OfferState::Declined { reason },
            (None, None, Some((why, difference))) => OfferState::NotHonoured {
                why: *why,
                difference: difference.clone(),
            },
            (None, None, None) if taken.offer.valid_until <= now => OfferState::Expired,
            (None, None, None) => OfferState::Open,
        }
    }
}

impl NotTaken {
    fn view(&self, wanted: Option<&Intent>) -> OfferView {
        let claim = Signed::<Offer>::parse(&self.refused.bytes)
            .ok()
            .and_then(|signed| signed.claim());
        let admission: Option<Admission> = wanted.zip(claim.as_ref()).map(|(wanted, offer)| admits(wanted, offer));
        OfferView {
            id: self.refused.record.into(),
            role: Role::Customer,
            intent: self.refused.intent,
            seller: self.refused.author,
            at: Some(self.at),
            state: OfferState::Refused {
                why: self.refused.why,
                detail: self.refused.detail.to_string(),
            },
            offer: claim,
            place: None,
            admission,
            score: None,
            delivery: None,
        }
    }
}

const _: () = assert!(Offer::MAX_BODY < limits::FRAME_BYTES);
