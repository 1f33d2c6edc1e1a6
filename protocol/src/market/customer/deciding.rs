//! Yes and no to an offer, and what becomes of the yes.

use super::{Accepted, Own, Taken};
use crate::market::{Answered, Denied, Event, Market, Timer};
use crate::{
    deed::{Acceptance, Agreement, Confirmation, Difference, agreement_id, confirms},
    envelope::{Record, Verified, open, sign},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{AgreementId, IntentId, OfferId, RecordId},
    keys::{Key, PublicKey},
    ledger::Fact,
    limits,
    list::{Bytes, List},
    matching::{Test, admits},
    offer::{Decline, Reason},
    receipt::{OrderEvent, Receipt},
    thread::OfferFate,
    time::{Seconds, Timestamp},
};

/// How long after an offer's end we still ask its seller whether our yes came in time.
const GRACE: Seconds = Seconds(24 * 3600);

/// Why an offer that was taken in cannot be taken up.
pub(super) enum Misfit {
    /// It costs more than the person will spend, and nothing else is wrong with it.
    OverBudget,
    /// It does not fit the want as it is now.
    Outdated(String),
}

impl Own {
    pub(super) fn misfit(&self, taken: &Taken) -> Option<Misfit> {
        if taken.fits {
            return None;
        }
        let admission = admits(&self.meant, &taken.offer);
        let only_dear = admission.failures().all(|test| matches!(test, Test::Budget { .. }));
        // What is over a budget that is said was admitted by an earlier one.
        Some(if only_dear && self.kept().ceiling.is_some() {
            Misfit::OverBudget
        } else {
            Misfit::Outdated(admission.why_not())
        })
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

    /// Whether a deal on this offer can still be: for a want of our own, if no other offer was taken and this one was neither
    /// declined nor our yes to it refused.
    pub(in crate::market) fn may_still_agree(&self, intent: IntentId, offer: OfferId) -> bool {
        let Some(own) = self.own.get(&intent) else { return true };
        let taken = own.offers.get(&offer);
        let turned_down = taken.is_some_and(|taken| taken.declined.is_some() || taken.refused.is_some());
        let other = own.accepted.as_ref().is_some_and(|accepted| accepted.offer != offer);
        !turned_down && !other
    }

    /// That an offer has not been replaced since by another that answers the want as it is now.
    pub(in crate::market) fn is_current(&self, offer: OfferId) -> Result<(), Denied> {
        match self.taken(offer)?.1.superseded {
            true => Err(Denied::Superseded),
            false => Ok(()),
        }
    }

    pub(in crate::market) fn accept(&mut self, now: Timestamp, id: OfferId) -> Result<Answered, Denied> {
        let (own, taken) = self.taken(id)?;
        let offer = &taken.offer;
        let agreement = agreement_id(offer.intent, offer.revision, id, offer.terms);
        match &own.accepted {
            Some(accepted) if accepted.offer == id => return Ok(Answered::Accepted(agreement)),
            Some(accepted) if accepted.agreed => return Err(Denied::Agreed),
            Some(accepted) => return Err(Denied::Taken(accepted.offer)),
            None => {}
        }
        if let Some(thread) = self.unsure.of_intent(offer.intent) {
            return Err(Denied::Unsure(thread));
        }
        if taken.declined.is_some() || taken.refused.is_some() {
            return Err(Denied::Declined);
        }
        if taken.blocked {
            return Err(Denied::Blocked(offer.header().author));
        }
        match taken.fate {
            OfferFate::Stands => {}
            OfferFate::Revised { by } => return Err(Denied::Revised(by)),
            OfferFate::Retracted => return Err(Denied::Retracted),
        }
        if own.withdrawal.is_some() {
            return Err(Denied::Withdrawn);
        }
        if offer.valid_until <= now {
            return Err(Denied::Expired(offer.valid_until));
        }
        if offer.terms != own.wanted().terms.hash() {
            return Err(Denied::Terms);
        }
        if taken.superseded {
            return Err(Denied::Superseded);
        }
        match own.misfit(taken) {
            Some(Misfit::OverBudget) => return Err(Denied::OverBudget),
            Some(Misfit::Outdated(why)) => return Err(Denied::Outdated(why)),
            None => {}
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

    pub(in crate::market) fn apply_accepted(&mut self, acceptance: &Verified<Acceptance>) {
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
    pub(in crate::market) fn accepted_offer(&self, record: RecordId) -> Option<OfferId> {
        let accepted = self.own.values().filter_map(|own| own.accepted.as_ref());
        accepted
            .filter(|accepted| accepted.acceptance.id() == record)
            .map(|accepted| accepted.offer)
            .next()
    }

    /// The seller answered our yes: hold every word of it against what was agreed.
    pub(in crate::market) fn confirmed(
        &mut self,
        now: Timestamp,
        record: RecordId,
        confirmation: &[u8],
        receipt: &[u8],
    ) {
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
                let id = receipt.id();
                self.agreed(now, acceptance, confirmation, receipt);
                self.acknowledge(now, agreement, id);
                self.disclose_due(now, offer);
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

    pub(in crate::market) fn acceptance_refused(
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

    pub(in crate::market) fn apply_acceptance_refused(
        &mut self,
        offer: OfferId,
        why: Refusal,
        difference: Option<Difference>,
    ) {
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
    pub(in crate::market) fn lapse(&mut self, now: Timestamp, offer: OfferId) {
        let Ok((own, taken)) = self.taken(offer) else { return };
        let pending = own
            .accepted
            .as_ref()
            .is_some_and(|accepted| accepted.offer == offer && !accepted.agreed);
        if pending && taken.offer.valid_until.plus(GRACE) <= now {
            self.acceptance_refused(now, offer, Refusal::Expired, None);
        }
    }

    /// As a customer: whether our yes to this is on its way to this seller, or its answer to us.
    pub(in crate::market) fn awaits(&self, agreement: AgreementId, seller: PublicKey) -> bool {
        let said_yes = |own: &Own| {
            let accepted = own.accepted.as_ref();
            let accepted = accepted.filter(|accepted| accepted.acceptance.agreement == agreement);
            let taken = accepted.and_then(|accepted| own.offers.get(&accepted.offer));
            taken.is_some_and(|taken| taken.offer.header().author == seller)
        };
        self.own.values().any(said_yes)
    }

    /// The key of a want of ours.
    pub(in crate::market) fn key_of(&self, intent: IntentId) -> Option<Key> {
        self.own.get(&intent).map(|own| self.seed.intent_key(&own.nonce))
    }

    /// As a customer: our yes has become an agreement.
    pub(in crate::market) fn apply_own_agreed(&mut self, acceptance: &Verified<Acceptance>) {
        if let Some(accepted) = self
            .own
            .get_mut(&acceptance.intent)
            .and_then(|own| own.accepted.as_mut())
        {
            accepted.agreed = true;
        }
        self.outbox.apply_delivered(acceptance.id(), None);
    }

    pub(in crate::market) fn decline(
        &mut self,
        now: Timestamp,
        id: OfferId,
        reason: Reason,
    ) -> Result<Answered, Denied> {
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

    pub(in crate::market) fn apply_declined(&mut self, decline: &Verified<Decline>) {
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
    pub(in crate::market) fn resume_customer(&mut self, now: Timestamp) {
        let open: Vec<IntentId> = self
            .own
            .iter()
            .filter(|(_, own)| own.expires() > now)
            .map(|(id, _)| *id)
            .collect();
        for id in open {
            let own = &self.own[&id];
            let due = own.wanted().offers_due;
            self.resume_saying(now, id);
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
