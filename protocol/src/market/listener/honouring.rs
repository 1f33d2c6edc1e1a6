//! Standing by what was offered: the customer says yes or no, and the seller answers.

use super::{Heard, LATE, Made};
use crate::market::{Event, Market, deals::Parties};
use crate::{
    deed::{Acceptance, Agreement, Confirmation, accepts},
    envelope::{Signed, Verified, record_id, sign},
    fault::Fault,
    frame::{Frame, Refusal},
    id::OfferId,
    ledger::Fact,
    letter::ThreadId,
    limits,
    offer::Decline,
    order::counted_from,
    receipt::{OrderEvent, Receipt},
    thread::OfferFate,
    time::{Seconds, Timestamp},
};

/// How long a customer is asked to wait that says yes before it has said what it holds.
const UNSURE: Seconds = Seconds(5);

/// Honouring.
impl Market {
    pub(in crate::market) fn take_acceptance(&mut self, now: Timestamp, bytes: &[u8]) -> Frame {
        let about = record_id(bytes);
        self.honour(now, bytes)
            .unwrap_or_else(|why| Frame::Refused { about, why })
    }

    fn honour(&mut self, now: Timestamp, bytes: &[u8]) -> Result<Frame, Refusal> {
        let acceptance = verified::<Acceptance>(bytes)?;
        let heard = self
            .offers
            .get(&acceptance.offer)
            .and_then(|intent| self.heard.get(intent));
        let heard = heard.ok_or(Refusal::Unknown)?;
        let made = heard.offers.get(&acceptance.offer).ok_or(Refusal::Unknown)?;
        if heard.intent.header().author != acceptance.header().author {
            return Err(Refusal::BadSignature);
        }
        accepts(&acceptance, acceptance.offer, &made.offer).map_err(|_| Refusal::Changed)?;
        // The same yes again gets the same answer, however often it must ask.
        if let Some(deal) = made.agreed.and_then(|agreement| self.deals.get(&agreement)) {
            if deal.settled.acceptance.id() != acceptance.id() {
                return Err(Refusal::Taken);
            }
            return deal.confirmed().ok_or(Refusal::NotStored);
        }
        // Whether it was answered before is what the customer is asked.
        let thread = ThreadId {
            intent: acceptance.intent,
            seller: self.seller_key(),
        };
        if self.unsure.has(thread) {
            self.recall(now, thread);
            return Err(Refusal::Busy { retry: UNSURE });
        }
        // A no is a word to stand by as well: the customer may have gone to another shop since.
        if let Some(why) = made.refused {
            return Err(why);
        }
        if let Some(why) = self.stands_against(now, heard, made, &acceptance) {
            let offer = acceptance.offer;
            self.record(now, Fact::YesRefused { offer, why });
            return Err(why);
        }
        let key = self.seed.seller_key();
        let ends = now.plus(limits::DEED_LIFE);
        let (agreement, total) = (acceptance.agreement, acceptance.total);
        let confirmation = sign(
            &key,
            now,
            ends,
            Confirmation {
                agreement,
                acceptance: acceptance.id(),
                total,
                terms: acceptance.terms,
            },
        )
        .map_err(|_| Refusal::NotStored)?;
        let (returns_until, warranty_until) = counted_from(now, &made.offer);
        let receipt = Receipt {
            agreement,
            sequence: 0,
            previous: None,
            event: OrderEvent::Confirmed,
            total,
            returns_until,
            warranty_until,
        };
        let receipt = sign(&key, now, ends, receipt).map_err(|_| Refusal::NotStored)?;
        let amendment = heard.amendment(made.offer.revision);
        Agreement::of(&heard.intent, amendment, &made.offer, &acceptance, &confirmation)
            .map_err(|_| Refusal::Changed)?;
        self.agreed(now, acceptance, confirmation, receipt);
        self.deals
            .get(&agreement)
            .and_then(crate::market::deals::Deal::confirmed)
            .ok_or(Refusal::NotStored)
    }

    /// Why a yes that is in order cannot be honoured.
    fn stands_against(
        &self,
        now: Timestamp,
        heard: &Heard,
        made: &Made,
        acceptance: &Verified<Acceptance>,
    ) -> Option<Refusal> {
        if heard.offers.values().any(|other| other.agreed.is_some()) {
            return Some(Refusal::Taken);
        }
        // A customer whose yes is under way does not withdraw: this one is old news.
        if heard.withdrawal.is_some() {
            return Some(Refusal::Withdrawn);
        }
        if made.fate != OfferFate::Stands {
            return Some(Refusal::Withdrawn);
        }
        let signed_late = acceptance.header().created > made.offer.valid_until;
        if signed_late || now > made.offer.valid_until.plus(LATE) {
            return Some(Refusal::Expired);
        }
        let wanted: u32 = made.offer.lines.iter().map(|line| line.quantity).sum();
        let left = self.left(now, &made.item, made.stock, made.counted, acceptance.intent);
        left.is_some_and(|left| left < wanted).then_some(Refusal::OutOfStock)
    }

    pub(in crate::market) fn apply_yes_refused(&mut self, offer: OfferId, why: Refusal) {
        let heard = self.offers.get(&offer).and_then(|intent| self.heard.get_mut(intent));
        if let Some(made) = heard.and_then(|heard| heard.offers.get_mut(&offer)) {
            made.refused = Some(why);
        }
    }

    pub(in crate::market) fn take_decline(&mut self, now: Timestamp, bytes: &[u8]) -> Frame {
        let about = record_id(bytes);
        let decline = match verified::<Decline>(bytes) {
            Ok(decline) => decline,
            Err(why) => return Frame::Refused { about, why },
        };
        let Some(heard) = self.heard.get(&decline.intent) else {
            return Frame::Refused {
                about,
                why: Refusal::Unknown,
            };
        };
        let Some(made) = heard.offers.get(&decline.offer) else {
            return Frame::Refused {
                about,
                why: Refusal::Unknown,
            };
        };
        if heard.intent.header().author != decline.header().author {
            return Frame::Refused {
                about,
                why: Refusal::BadSignature,
            };
        }
        if made.agreed.is_some() {
            return Frame::Refused {
                about,
                why: Refusal::Taken,
            };
        }
        if made.declined.is_none() {
            let (intent, offer, reason) = (decline.intent, decline.offer, decline.reason);
            self.record(now, Fact::DeclineTaken(decline));
            self.event(Event::OfferDeclined { intent, offer, reason });
        }
        Frame::Stored(about)
    }

    pub(in crate::market) fn apply_decline_taken(&mut self, decline: &Verified<Decline>) {
        let made = self
            .heard
            .get_mut(&decline.intent)
            .and_then(|heard| heard.offers.get_mut(&decline.offer));
        if let Some(made) = made {
            made.declined = Some(decline.reason);
        }
    }

    /// As a seller: the records that an acceptance of ours belongs to, if it is to one of our offers.
    pub(in crate::market) fn parties_heard(&self, acceptance: &Acceptance) -> Option<Parties<'_>> {
        let heard = self.heard.get(&acceptance.intent)?;
        let made = heard.offers.get(&acceptance.offer)?;
        Some((&heard.intent, heard.amendment(made.offer.revision), &made.offer))
    }

    pub(in crate::market) fn apply_made_agreed(&mut self, acceptance: &Acceptance) {
        let made = self
            .heard
            .get_mut(&acceptance.intent)
            .and_then(|heard| heard.offers.get_mut(&acceptance.offer));
        if let Some(made) = made {
            made.agreed = Some(acceptance.agreement);
            // Whoever accepts has the offer: no need to bring it again.
            self.outbox.apply_delivered(made.offer.id(), None);
        }
    }
}

fn verified<T: crate::envelope::Record>(bytes: &[u8]) -> Result<Verified<T>, Refusal> {
    let signed = Signed::<T>::parse(bytes).map_err(|_| Refusal::Malformed)?;
    signed.verify().map_err(|fault| match fault {
        Fault::BadSignature => Refusal::BadSignature,
        _ => Refusal::Malformed,
    })
}
