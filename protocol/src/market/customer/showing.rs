//! What a customer is shown of its wants and the offers to them.

use super::{NotTaken, Own, Taken, deciding::Misfit};
use crate::market::{IntentState, IntentView, Market, OfferState, OfferView, Role, deals::Parties};
use crate::{
    deed::Acceptance,
    envelope::{Header, Signed},
    id::{IntentId, OfferId},
    intent::Intent,
    matching::{Admission, Ranked, admits},
    offer::Offer,
    thread::OfferFate,
    time::Timestamp,
};

/// What is shown.
impl Market {
    /// As a customer: the records that an acceptance of ours belongs to.
    pub(in crate::market) fn parties_own(&self, acceptance: &Acceptance) -> Option<Parties<'_>> {
        let own = self.own.get(&acceptance.intent)?;
        let taken = own.offers.get(&acceptance.offer)?;
        Some((&own.intent, own.amendment(taken.offer.revision), &taken.offer))
    }

    pub(in crate::market) fn own_views(&self, now: Timestamp) -> impl Iterator<Item = IntentView> {
        self.own.iter().map(move |(id, own)| self.view_of(now, *id, own))
    }

    pub(in crate::market) fn own_view(&self, now: Timestamp, id: IntentId) -> Option<IntentView> {
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
            offers: own.standing().count(),
            refused: own.not_taken.len(),
            kept: own.kept(),
            renews: own.renews,
            head_start: own.head_start.clone(),
        }
    }

    pub(in crate::market) fn offer_views(&self, now: Timestamp, intent: Option<IntentId>) -> Vec<OfferView> {
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
            .map(|(offer, taken)| self.view_of_taken(now, (id, own), (*offer, taken), &ranked))
            .collect();
        views.sort_by_key(|view| (view.place.unwrap_or(usize::MAX), view.id));
        views.extend(own.not_taken.iter().map(|it| it.view(Some(&own.meant))));
        views
    }

    fn view_of_taken(
        &self,
        now: Timestamp,
        (intent, own): (IntentId, &Own),
        (id, taken): (OfferId, &Taken),
        ranked: &[Ranked],
    ) -> OfferView {
        let ranked = ranked.iter().find(|ranked| ranked.offer == id);
        OfferView {
            id,
            role: Role::Customer,
            intent: Some(intent),
            seller: Some(taken.offer.header().author),
            at: Some(taken.at),
            state: self.state_of(now, own, id, taken),
            offer: Some(taken.offer.body().clone()),
            place: ranked.map(|ranked| ranked.place),
            admission: Some(admits(&own.meant, &taken.offer)),
            score: ranked.map(|ranked| ranked.score.clone()),
            delivery: None,
        }
    }

    /// One offer to us, or one record that was refused.
    pub(in crate::market) fn own_offer(&self, now: Timestamp, id: OfferId) -> Option<OfferView> {
        let of = self.offers.get(&id).and_then(|intent| self.own.get_key_value(intent));
        if let Some((intent, own)) = of
            && let Some(taken) = own.offers.get(&id)
        {
            return Some(self.view_of_taken(now, (*intent, own), (id, taken), &own.ranked(now)));
        }
        let refused = |it: &&NotTaken| OfferId::from(it.refused.record) == id;
        let of_ours = |own: &Own| {
            let found = own.not_taken.iter().find(refused);
            found.map(|it| it.view(Some(&own.meant)))
        };
        let mut own = self.own.values();
        own.find_map(of_ours)
            .or_else(|| self.strays.iter().find(refused).map(|it| it.view(None)))
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
                    .unwrap_or(crate::market::DeliveryState::Queued { attempts: 0 }),
            },
            (None, Some(reason), _) => OfferState::Declined { reason },
            (None, None, Some((why, difference))) => OfferState::NotHonoured {
                why: *why,
                difference: difference.clone(),
            },
            (None, None, None) if taken.blocked => OfferState::Blocked,
            (None, None, None) if taken.fate != OfferFate::Stands => taken.fate.into(),
            (None, None, None) if taken.superseded => OfferState::Superseded,
            (None, None, None) if own.is_agreed() || own.withdrawal.is_some() => OfferState::Closed,
            (None, None, None) if taken.offer.valid_until <= now => OfferState::Expired,
            (None, None, None) => match own.misfit(taken) {
                Some(Misfit::OverBudget) => OfferState::OverBudget,
                Some(Misfit::Outdated(why)) => OfferState::Outdated { why },
                None => OfferState::Open,
            },
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
