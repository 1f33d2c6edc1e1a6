//! Agreements and what becomes of them, the same on both sides.

use super::{
    About, AgreementView, Answered, Denied, Event, Market, Role,
    views::{rating_view, receipt_view},
};
use crate::{
    deed::{Acceptance, Agreement, Confirmation, Difference, Settled},
    envelope::{Signed, Verified, record_id, sign},
    frame::{Frame, Refusal},
    id::{AgreementId, EntryHash, RecordId, digest},
    intent::{Amendment, Intent},
    ledger::Fact,
    letter::Matter,
    limits,
    list::Bytes,
    offer::Offer,
    rating::Rating,
    receipt::Receipt,
    text::Prose,
    time::Timestamp,
};

/// What an acceptance says yes to: the want, its amendment that was answered, and the offer.
pub(super) type Parties<'a> = (
    &'a Verified<Intent>,
    Option<&'a Verified<Amendment>>,
    &'a Verified<Offer>,
);

/// One agreement.
#[derive(Debug)]
pub(super) struct Deal {
    role: Role,
    pub(super) settled: Settled,
    pub(super) receipts: Vec<Verified<Receipt>>,
    differences: Vec<Difference>,
    /// What the customer thinks of it, the last word only.
    rating: Option<Verified<Rating>>,
}

impl Deal {
    pub(super) fn view(&self) -> AgreementView {
        AgreementView {
            id: self.settled.id,
            role: self.role,
            intent: self.settled.intent.id().into(),
            offer: self.settled.offer.id().into(),
            customer: self.settled.intent.header().author,
            seller: self.settled.offer.header().author,
            at: self.settled.at(),
            bytes_hash: EntryHash(digest("intentcast/1/agreement-bytes", &[self.settled.bytes()])),
            agreed: self.settled.offer.body().clone(),
            receipts: self.receipts.iter().map(receipt_view).collect(),
            differences: self.differences.clone(),
            rating: self.rating.as_ref().map(rating_view),
        }
    }

    /// Whether one more difference can be kept and is not there yet.
    pub(super) fn has_room_for(&self, difference: &Difference) -> bool {
        self.differences.len() < limits::REFUSALS_PER_INTENT && !self.differences.contains(difference)
    }

    /// The seller's answer to the yes, again.
    pub(super) fn confirmed(&self) -> Option<Frame> {
        let confirmation = Bytes::new(self.settled.confirmation.bytes()).ok()?;
        let receipt = Bytes::new(self.receipts.first()?.bytes()).ok()?;
        Some(Frame::Confirmed { confirmation, receipt })
    }

    /// That a receipt is the next link of this deal's chain and names nothing but what was agreed.
    fn continues(&self, receipt: &Verified<Receipt>) -> Result<(), Difference> {
        let seller = self.settled.offer.header().author;
        Difference::unless_same("receipt's author", &seller, &receipt.header().author)?;
        Difference::unless_same("receipt's total", &self.settled.acceptance.total, &receipt.total)?;
        let last = self.receipts.last();
        let place = |id: Option<String>| id.unwrap_or_else(|| "none".into());
        Difference::unless_same("receipt's number", &(self.receipts.len() as u32), &receipt.sequence)?;
        Difference::unless_same(
            "receipt before",
            &place(last.map(|last| last.id().to_string())),
            &place(receipt.previous.map(|id| id.to_string())),
        )
    }
}

impl Market {
    /// A receipt for a deal of ours.
    pub(super) fn take_receipt(&mut self, now: Timestamp, bytes: &[u8]) -> Frame {
        let about = record_id(bytes);
        let Ok(receipt) = Signed::<Receipt>::parse(bytes).and_then(Signed::verify) else {
            return Frame::Refused {
                about,
                why: Refusal::Malformed,
            };
        };
        let Some(deal) = self
            .deals
            .get(&receipt.agreement)
            .filter(|deal| deal.role == Role::Customer)
        else {
            return Frame::Refused {
                about,
                why: Refusal::Unknown,
            };
        };
        if deal.receipts.iter().any(|known| known.id() == about) {
            return Frame::Stored(about);
        }
        if deal.receipts.len() >= limits::RECEIPTS_PER_AGREEMENT {
            return Frame::Refused {
                about,
                why: Refusal::OverCap,
            };
        }
        match deal.continues(&receipt) {
            Ok(()) => {
                let (agreement, what) = (receipt.agreement, receipt.event.word().to_owned());
                self.record(now, Fact::Receipt(receipt));
                self.event(Event::Receipt {
                    agreement,
                    receipt: about,
                    what,
                });
                self.acknowledge(now, agreement, about);
                Frame::Stored(about)
            }
            Err(difference) => {
                let detail = difference.to_string();
                // Only the seller's own word is kept as a difference of this deal; a stranger's is noise.
                let from_seller = deal.settled.offer.header().author == receipt.header().author;
                if from_seller && deal.has_room_for(&difference) {
                    let agreement = receipt.agreement;
                    self.record(now, Fact::Differed { agreement, difference });
                }
                self.file_refusal(now, bytes, Refusal::Changed, &detail);
                Frame::Refused {
                    about,
                    why: Refusal::Changed,
                }
            }
        }
    }

    /// As a customer: says that a receipt is here.
    pub(super) fn acknowledge(&mut self, now: Timestamp, agreement: AgreementId, receipt: RecordId) {
        if let Ok(id) = self.thread_about(About::Agreement(agreement)) {
            self.answer_with(now, id, Matter::Acknowledged { receipt });
        }
    }

    /// As a customer: rates a deal under a key that the seller has signed, or asks for that.
    pub(super) fn rate(
        &mut self,
        now: Timestamp,
        agreement: AgreementId,
        stars: u8,
        text: Prose,
    ) -> Result<Answered, Denied> {
        let id = self.thread_about(About::Agreement(agreement))?;
        let key = self.seed.rating_key(&agreement.0);
        let Some(ticket) = self.ticket(id) else {
            let matter = Matter::RatingAsked { key: key.public() };
            return self.say(now, About::Thread(id), matter);
        };
        let rating = Rating { ticket, stars, text };
        let rating = sign(&key, now, now.plus(limits::DEED_LIFE), rating).map_err(Denied::Unfit)?;
        let record = rating.id();
        self.record(now, Fact::Rated { agreement, rating });
        Ok(Answered::Rated(record))
    }

    pub(super) fn apply_rated(&mut self, agreement: AgreementId, rating: &Verified<Rating>) {
        if let Some(deal) = self.deals.get_mut(&agreement) {
            deal.rating = Some(rating.clone());
        }
    }

    pub(super) fn apply_agreed(
        &mut self,
        confirmation: &Verified<Confirmation>,
        acceptance: &Verified<Acceptance>,
        receipt: &Verified<Receipt>,
    ) {
        let (role, parties) = match self.parties_own(acceptance) {
            Some(parties) => (Role::Customer, parties),
            None => match self.parties_heard(acceptance) {
                Some(parties) => (Role::Seller, parties),
                None => return,
            },
        };
        let (intent, amendment, offer) = parties;
        let Ok(settled) = Agreement::of(intent, amendment, offer, acceptance, confirmation) else {
            return;
        };
        let deal = Deal {
            role,
            settled,
            receipts: vec![receipt.clone()],
            differences: Vec::new(),
            rating: None,
        };
        self.deals.insert(acceptance.agreement, deal);
        match role {
            Role::Customer => self.apply_own_agreed(acceptance),
            Role::Seller => self.apply_made_agreed(acceptance),
        }
    }

    pub(super) fn apply_receipt(&mut self, receipt: &Verified<Receipt>) {
        if let Some(deal) = self.deals.get_mut(&receipt.agreement) {
            deal.receipts.push(receipt.clone());
        }
    }

    pub(super) fn apply_differed(&mut self, agreement: AgreementId, difference: &Difference) {
        if let Some(deal) = self.deals.get_mut(&agreement) {
            deal.differences.push(difference.clone());
        }
    }

    /// After replay: take up what was under way, and forget again what was forgotten before.
    pub(super) fn resume(&mut self, now: Timestamp) {
        self.forget_heard(now);
        self.resume_customer(now);
        self.resume_listener(now);
        self.resume_threads(now);
    }
}
