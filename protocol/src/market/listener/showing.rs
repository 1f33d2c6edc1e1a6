//! What a seller is shown of the wants that it answers.

use super::{Heard, Made};
use crate::market::{IntentState, IntentView, Market, OfferState, OfferView, Role};
use crate::{
    disclosure::Kept,
    id::{IntentId, OfferId},
    keys::PublicKey,
    matching::{admits, score},
    thread::OfferFate,
    time::Timestamp,
};

/// What is shown.
impl Market {
    /// The key under which we sell.
    pub fn seller_key(&self) -> PublicKey {
        self.seed.seller_key().public()
    }

    pub(in crate::market) fn heard_views(&self, now: Timestamp) -> impl Iterator<Item = IntentView> {
        self.heard.iter().map(move |(id, heard)| heard_view(now, *id, heard))
    }

    pub(in crate::market) fn heard_view(&self, now: Timestamp, id: IntentId) -> Option<IntentView> {
        self.heard.get(&id).map(|heard| heard_view(now, id, heard))
    }

    /// A want that is open, whether or not we answer it.
    pub(in crate::market) fn open_view(&self, now: Timestamp, id: IntentId) -> Option<IntentView> {
        let open = self.relay.find(id)?;
        let header = open.intent.header();
        let state = match () {
            () if header.expires <= now => IntentState::Expired,
            () if open.wanted().offers_due <= now => IntentState::Due,
            () => IntentState::Open,
        };
        Some(IntentView {
            id,
            role: Role::Seller,
            revision: open.revision(),
            state,
            created: header.created,
            expires: header.expires,
            intent: open.wanted().clone(),
            heard_by: 0,
            offers: 0,
            refused: 0,
            kept: Kept::default(),
            renews: None,
            head_start: None,
        })
    }

    pub(in crate::market) fn made_offers(&self, now: Timestamp, intent: Option<IntentId>) -> Vec<OfferView> {
        let heard = self
            .heard
            .iter()
            .filter(|(id, _)| intent.is_none_or(|intent| intent == **id));
        heard
            .flat_map(|(id, heard)| heard.offers.iter().map(move |(offer, made)| (*id, heard, *offer, made)))
            .map(|(id, heard, offer, made)| self.view_of_made(now, (id, heard), (offer, made)))
            .collect()
    }

    /// One offer of ours.
    pub(in crate::market) fn one_made(&self, now: Timestamp, offer: OfferId) -> Option<OfferView> {
        let intent = self.offers.get(&offer)?;
        let heard = self.heard.get(intent)?;
        let made = heard.offers.get(&offer)?;
        Some(self.view_of_made(now, (*intent, heard), (offer, made)))
    }

    fn view_of_made(
        &self,
        now: Timestamp,
        (intent, heard): (IntentId, &Heard),
        (offer, made): (OfferId, &Made),
    ) -> OfferView {
        let state = match (made.agreed, made.refused, made.declined) {
            (Some(agreement), ..) => OfferState::Agreed { agreement },
            (None, Some(why), _) => OfferState::NotHonoured { why, difference: None },
            (None, None, Some(reason)) => OfferState::Declined { reason },
            (None, None, None) if made.fate != OfferFate::Stands => made.fate.into(),
            (None, None, None) if made.superseded => OfferState::Superseded,
            (None, None, None) if heard.withdrawn().is_some() => OfferState::Closed,
            (None, None, None) if made.offer.valid_until <= now => OfferState::Expired,
            (None, None, None) => OfferState::Open,
        };
        OfferView {
            id: offer,
            role: Role::Seller,
            intent: Some(intent),
            seller: Some(made.offer.header().author),
            at: Some(made.offer.header().created),
            state,
            offer: Some(made.offer.body().clone()),
            place: None,
            admission: Some(admits(heard.wanted(), &made.offer)),
            score: Some(score(now, heard.wanted(), &made.offer)),
            delivery: self.outbox.delivery(made.offer.id()),
        }
    }
}

fn heard_view(now: Timestamp, id: IntentId, heard: &Heard) -> IntentView {
    let header = heard.intent.header();
    let state = match () {
        () if heard.offers.values().any(|made| made.agreed.is_some()) => IntentState::Agreed,
        () if heard.withdrawal.is_some() => IntentState::Withdrawn,
        () if header.expires <= now => IntentState::Expired,
        () if heard.wanted().offers_due <= now => IntentState::Due,
        () => IntentState::Open,
    };
    IntentView {
        id,
        role: Role::Seller,
        revision: heard.revision(),
        state,
        created: header.created,
        expires: header.expires,
        intent: heard.wanted().clone(),
        heard_by: 0,
        offers: heard.offers.len(),
        refused: 0,
        kept: Kept::default(),
        renews: None,
        head_start: None,
    }
}
