//! Offers that come in: each stage of judgement, and what is kept of those that fail one.

use std::collections::BTreeMap;

use super::{NotTaken, Own, Taken, takable};
use crate::market::{Event, Market};
use crate::{
    envelope::{Signed, Verified, record_id},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{IntentId, OfferId, RecordId},
    keys::PublicKey,
    ledger::{Fact, Refused},
    letter::ThreadId,
    limits,
    list::Bytes,
    matching::{admits, alike, rank_alike},
    offer::Offer,
    regard::Regard,
    text::Prose,
    time::Timestamp,
};

/// Refused records that name no intent of ours, kept to be shown.
const STRAYS: usize = 64;

impl Own {
    /// Places that are filled when an offer of this seller to this turn of the want comes: in all, and by the seller.
    /// What it stands in the place of fills none. An offer over a budget that is not said fills its place like any other,
    /// so that nobody can tell the one from the other by what still fits.
    fn filled(&self, seller: PublicKey, turn: u32) -> (usize, usize) {
        let stays = |taken: &&Taken| taken.offer.header().author != seller || taken.turn >= turn;
        let standing = || self.standing().map(|(_, taken)| taken).filter(stays);
        let of_seller = standing().filter(|taken| taken.offer.header().author == seller);
        (standing().count(), of_seller.count())
    }

    /// The offer that is to make room when all places are filled: of the seller who has most, the one that we like
    /// least. None where each seller has one only. What was answered, yes or no, stays.
    ///
    /// Which one goes is decided by what the want says and not by what we mean: a seller can find out by sending its
    /// offers again, and would find the true ceiling between those that stayed and those that went.
    fn gives_way(&self, now: Timestamp) -> Option<OfferId> {
        let mut sellers: BTreeMap<PublicKey, usize> = BTreeMap::new();
        for (_, taken) in self.standing() {
            *sellers.entry(taken.offer.header().author).or_default() += 1;
        }
        let order = rank_alike(now, self.wanted(), takable(now, self.standing()));
        let places: BTreeMap<OfferId, usize> = order.into_iter().map(|ranked| (ranked.offer, ranked.place)).collect();
        let accepted = self.accepted.as_ref().map(|accepted| accepted.offer);
        self.standing()
            .filter(|(id, taken)| Some(**id) != accepted && taken.declined.is_none() && taken.refused.is_none())
            .map(|(id, taken)| (sellers[&taken.offer.header().author], *id))
            .filter(|(of_seller, _)| *of_seller > 1)
            // What has expired has no place, and goes first.
            .max_by_key(|(of_seller, id)| (*of_seller, places.get(id).copied().unwrap_or(usize::MAX), *id))
            .map(|(_, id)| id)
    }
}

/// Taking offers in.
impl Market {
    pub(in crate::market) fn take_offer(&mut self, now: Timestamp, bytes: &[u8]) -> Frame {
        self.take_in(now, bytes, false)
    }

    /// An offer that its seller put in the place of one that it made: no new one, so the time for those does not bind it.
    pub(in crate::market) fn take_revised(&mut self, now: Timestamp, bytes: &[u8]) {
        self.take_in(now, bytes, true);
    }

    /// Takes in an offer that came some time ago, if it could be taken in now; nothing is said of one that could not.
    pub(in crate::market) fn take_if_fit(&mut self, now: Timestamp, bytes: &[u8]) -> bool {
        let fit = self.judge_offer(now, bytes, true).is_ok();
        if fit {
            self.take_in(now, bytes, true);
        }
        fit
    }

    fn take_in(&mut self, now: Timestamp, bytes: &[u8], revised: bool) -> Frame {
        let about = record_id(bytes);
        match self.judge_offer(now, bytes, revised) {
            Ok(None) => Frame::Stored(about),
            Ok(Some(offer)) => {
                let (intent, seller) = (offer.intent, offer.header().author);
                self.make_room(now, &offer);
                let (stood, quiet) = (self.standing_of(intent, seller), self.is_muted(seller));
                self.record(now, Fact::OfferTaken(offer));
                if !quiet {
                    self.event(Event::Offer {
                        intent,
                        offer: about.into(),
                    });
                    let stands = self.standing_of(intent, seller);
                    for offer in stood.into_iter().filter(|offer| !stands.contains(offer)) {
                        self.event(Event::Superseded { intent, offer });
                    }
                    self.tell_order(intent, now);
                }
                self.disclose_due(now, about.into());
                Frame::Stored(about)
            }
            Err((why, detail)) => {
                self.file_refusal(now, bytes, why, &detail);
                Frame::Refused { about, why }
            }
        }
    }

    /// The stages of judgement for an offer. `None` for one that is here already.
    fn judge_offer(
        &self,
        now: Timestamp,
        bytes: &[u8],
        revised: bool,
    ) -> Result<Option<Verified<Offer>>, (Refusal, String)> {
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
        // The same as to one who answers what nobody asked: that it is blocked is not its business.
        let (intent, seller) = (offer.intent, header.author);
        if self.turns_away(ThreadId { intent, seller }) {
            return no(Refusal::Unknown, "you have blocked its seller");
        }
        let Some(own) = self.own.get(&offer.intent) else {
            return no(Refusal::Unknown, "it answers no intent of ours");
        };
        if own.withdrawal.is_some() {
            return no(Refusal::Withdrawn, "the intent was withdrawn");
        }
        let wanted = own.wanted();
        if own.expires() <= now || (wanted.offers_due <= now && !revised) {
            return no(Refusal::Expired, "the time for offers is over");
        }
        if header.created > now.plus(limits::CLOCK_SKEW) {
            return no(Refusal::Malformed, "made in the future: check the clocks");
        }
        if offer.valid_until <= now || header.expires <= now {
            return no(Refusal::Expired, "the offer has expired");
        }
        let Some(turn) = own.turn(offer.revision) else {
            return no(
                Refusal::Superseded,
                "it answers a version of the intent that we never said",
            );
        };
        let later = |taken: &Taken| taken.offer.header().author == header.author && taken.turn > turn;
        if own.offers.values().any(later) {
            return no(
                Refusal::Superseded,
                "its seller has answered a newer version of the intent",
            );
        }
        let (filled, from_seller) = own.filled(header.author, turn);
        let full = filled >= usize::from(wanted.max_offers);
        if full && (from_seller > 0 || own.gives_way(now).is_none()) {
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

    /// The offers of one seller to one want that nothing stands in the place of.
    fn standing_of(&self, intent: IntentId, seller: PublicKey) -> Vec<OfferId> {
        let own = self.own.get(&intent).into_iter();
        own.flat_map(Own::standing)
            .filter(|(_, taken)| taken.offer.header().author == seller)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Where all places are filled, one that its seller has beside others goes to a seller who has none.
    fn make_room(&mut self, now: Timestamp, offer: &Verified<Offer>) {
        let id = offer.intent;
        let Some(own) = self.own.get(&id) else { return };
        let turn = own.turn(offer.revision).unwrap_or_default();
        let (filled, _) = own.filled(offer.header().author, turn);
        if filled < usize::from(own.wanted().max_offers) {
            return;
        }
        let Some((offer, taken)) = own.gives_way(now).and_then(|offer| own.offers.get_key_value(&offer)) else {
            return;
        };
        let detail = "another seller's first offer has its place; this seller has others here";
        let (record, why) = (RecordId(offer.0), Refusal::OverCap);
        let refused = Refused {
            record,
            intent: Some(id),
            author: Some(taken.offer.header().author),
            why,
            detail: Prose::lossy(detail),
            bytes: Bytes::new(taken.offer.bytes()).unwrap_or_default(),
        };
        self.record(now, Fact::NotTaken(refused));
        self.event(Event::Refused {
            intent: Some(id),
            record,
            why,
            detail: detail.to_owned(),
        });
    }

    /// Keeps what was refused, within bounds, and says so. The claim inside is shown as a claim and used for nothing.
    pub(in crate::market) fn file_refusal(&mut self, now: Timestamp, bytes: &[u8], why: Refusal, detail: &str) {
        let record = record_id(bytes);
        let signed = Signed::<Offer>::parse(bytes).ok();
        let author = signed.as_ref().map(|signed| signed.header().author);
        let claimed = signed.and_then(|signed| signed.claim()).map(|offer| offer.intent);
        let intent = claimed.filter(|intent| self.own.contains_key(intent));
        // What did not verify may bear anybody's name, and what was agreed is everybody's concern.
        let verified = !matches!(why, Refusal::Malformed | Refusal::BadSignature | Refusal::Changed);
        let regard = author.map(|author| self.regard_of(author)).unwrap_or_default();
        if !(verified && matches!(regard, Regard::Muted | Regard::Blocked)) {
            self.event(Event::Refused {
                intent,
                record,
                why,
                detail: detail.to_owned(),
            });
        }
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

    pub(in crate::market) fn apply_offer_taken(&mut self, at: Timestamp, offer: &Verified<Offer>) {
        let id = OfferId::from(offer.id());
        if let Some(own) = self.own.get_mut(&offer.intent) {
            self.offers.insert(id, offer.intent);
            let turn = own.turn(offer.revision).unwrap_or_default();
            let seller = offer.header().author;
            let fate = self.threads.fate(offer.intent, seller, id);
            let blocked = self.regards.get(&seller) == Some(&Regard::Blocked);
            for taken in own.offers.values_mut() {
                taken.superseded |= taken.offer.header().author == seller && taken.turn < turn;
            }
            own.offers.insert(
                id,
                Taken {
                    offer: offer.clone(),
                    turn,
                    superseded: false,
                    fits: admits(&own.meant, offer).admitted(),
                    alike: alike(&own.meant, offer),
                    at,
                    declined: None,
                    refused: None,
                    fate,
                    blocked,
                },
            );
        }
    }

    pub(in crate::market) fn apply_not_taken(&mut self, at: Timestamp, refused: &Refused) {
        // What was here and had to give way.
        let gone = OfferId::from(refused.record);
        if let Some(own) = refused.intent.and_then(|intent| self.own.get_mut(&intent))
            && refused.why == Refusal::OverCap
            && own.offers.remove(&gone).is_some()
        {
            self.offers.remove(&gone);
        }
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
