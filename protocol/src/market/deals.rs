//! Agreements and what becomes of them, the same on both sides.

use super::{
    About, AgreementView, Answered, DeliveryState, Denied, Event, Market, ReceiptView, Role, comparing::Side,
    outbox::Outbox, views::rating_view,
};
use crate::{
    contact::ReplyPath,
    deed::{Acceptance, Agreement, Confirmation, Difference, Settled},
    envelope::{Signed, Verified, record_id, sign},
    frame::{Frame, Refusal},
    id::{AgreementId, IntentId, RecordId},
    intent::{Amendment, Intent},
    keys::PublicKey,
    ledger::Fact,
    letter::{Matter, ThreadId},
    limits,
    list::Bytes,
    offer::Offer,
    order::Order,
    rating::Rating,
    receipt::{OrderEvent, Receipt},
    text::Prose,
    thread::DealTerms,
    time::{Seconds, Timestamp},
};

/// What an acceptance says yes to: the want, its amendment that was answered, and the offer.
pub(super) type Parties<'a> = (
    &'a Verified<Intent>,
    Option<&'a Verified<Amendment>>,
    &'a Verified<Offer>,
);

/// How long a seller is asked to wait with a receipt for which something is still on its way.
const NOT_YET: Seconds = Seconds(5);

/// One agreement.
#[derive(Debug)]
pub(super) struct Deal {
    pub(super) role: Role,
    pub(super) settled: Settled,
    pub(super) receipts: Vec<Verified<Receipt>>,
    pub(super) order: Order,
    /// Where the customer was last said to be.
    pub(super) customer_reply: ReplyPath,
    differences: Vec<Difference>,
    /// What the customer thinks of it, the last word only.
    rating: Option<Verified<Rating>>,
}

impl Deal {
    pub(super) fn view(&self, outbox: &Outbox, terms: &DealTerms) -> AgreementView {
        AgreementView {
            id: self.settled.id,
            role: self.role,
            intent: self.settled.intent.id().into(),
            offer: self.settled.offer.id().into(),
            customer: self.settled.intent.header().author,
            seller: self.settled.offer.header().author,
            at: self.settled.at(),
            bytes_hash: self.settled.bytes_hash(),
            agreed: self.settled.offer.body().clone(),
            total: terms.total,
            deliver_by: terms.deliver_by,
            changes: terms.taken.len(),
            order: self.order.under(terms.total).view(),
            receipts: self
                .receipts
                .iter()
                .map(|receipt| self.receipt_view(outbox, receipt))
                .collect(),
            differences: self.differences.clone(),
            rating: self.rating.as_ref().map(rating_view),
            unsure_since: None,
        }
    }

    /// What the customer gave it, 1 to 5.
    pub(super) fn stars(&self) -> Option<u8> {
        self.rating.as_ref().map(|rating| rating.stars)
    }

    /// Whether one more difference can be kept and is not there yet.
    pub(super) fn has_room_for(&self, difference: &Difference) -> bool {
        self.differences.len() < limits::REFUSALS_PER_INTENT && !self.differences.contains(difference)
    }

    fn receipt_view(&self, outbox: &Outbox, receipt: &Verified<Receipt>) -> ReceiptView {
        let brought = self.role == Role::Seller && receipt.sequence > 0;
        let state = || outbox.delivery(receipt.id());
        ReceiptView {
            id: receipt.id(),
            at: receipt.header().created,
            receipt: receipt.body().clone(),
            // One that waits for the one before it waits all the same.
            delivery: brought.then(|| state().unwrap_or(DeliveryState::Queued { attempts: 0 })),
        }
    }

    /// What we hold of it.
    pub(super) fn side(&self) -> Side {
        Side {
            bytes: self.settled.bytes_hash(),
            receipts: self.receipts.len() as u32,
            last: self.receipts.last().map(Verified::id),
        }
    }

    /// The conversation that it is part of.
    pub(super) fn thread(&self) -> ThreadId {
        ThreadId {
            intent: self.settled.intent.id().into(),
            seller: self.settled.offer.header().author,
        }
    }

    /// The key of the other one of the two.
    pub(super) fn other_party(&self) -> PublicKey {
        match self.role {
            Role::Customer => self.settled.offer.header().author,
            Role::Seller => self.settled.intent.header().author,
        }
    }

    /// Whether we sell to who had this want.
    pub(super) fn is_sold_to(&self, intent: IntentId) -> bool {
        self.role == Role::Seller && IntentId::from(self.settled.intent.id()) == intent
    }

    /// The customer is found elsewhere from now on.
    pub(super) fn readdress(&mut self, customer: ReplyPath) {
        self.customer_reply = customer;
    }

    /// The receipt that says exactly this already. Two equal refunds are two refunds.
    pub(super) fn said(&self, event: &OrderEvent) -> Option<RecordId> {
        let said = self.receipts.iter().find(|receipt| receipt.event == *event);
        said.filter(|_| !matches!(event, OrderEvent::Refunded { .. }))
            .map(Verified::id)
    }

    /// The seller's answer to the yes, again.
    pub(super) fn confirmed(&self) -> Option<Frame> {
        let confirmation = Bytes::new(self.settled.confirmation.bytes()).ok()?;
        let receipt = Bytes::new(self.receipts.first()?.bytes()).ok()?;
        Some(Frame::Confirmed { confirmation, receipt })
    }
}

impl Market {
    /// There is a deal, with its first receipt: kept, and told.
    pub(super) fn agreed(
        &mut self,
        now: Timestamp,
        acceptance: Verified<Acceptance>,
        confirmation: Verified<Confirmation>,
        receipt: Verified<Receipt>,
    ) {
        let (intent, offer, agreement) = (acceptance.intent, acceptance.offer, acceptance.agreement);
        let (first, what) = (receipt.id(), receipt.event.word().to_owned());
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
            receipt: first,
            what,
        });
    }

    /// A receipt for a deal of ours.
    pub(super) fn take_receipt(&mut self, now: Timestamp, peer: &[u8], bytes: &[u8]) -> Frame {
        let about = record_id(bytes);
        let Ok(receipt) = Signed::<Receipt>::parse(bytes).and_then(Signed::verify) else {
            return Frame::Refused {
                about,
                why: Refusal::Malformed,
            };
        };
        let not_yet = Refusal::Busy { retry: NOT_YET };
        let Some(deal) = self
            .deals
            .get(&receipt.agreement)
            .filter(|deal| deal.role == Role::Customer)
        else {
            // Of a deal that was made after a backup its seller tells in the conversation.
            let seller = receipt.header().author;
            let is_early = self.awaits(receipt.agreement, seller) || self.recall_from_seller(now, seller, peer);
            let why = if is_early { not_yet } else { Refusal::Unknown };
            return Frame::Refused { about, why };
        };
        if deal.receipts.iter().any(|known| known.id() == about) {
            return Frame::Stored(about);
        }
        let thread = deal.thread();
        if self.unsure.has(thread) && deal.settled.offer.header().author == receipt.header().author {
            self.recall_from(now, thread, peer);
            return Frame::Refused { about, why: not_yet };
        }
        if deal.receipts.len() >= limits::RECEIPTS_PER_AGREEMENT {
            return Frame::Refused {
                about,
                why: Refusal::OverCap,
            };
        }
        let from_seller = deal.settled.offer.header().author == receipt.header().author;
        // Nobody can judge a link without the ones before it, which may be on their way.
        if from_seller && receipt.sequence as usize > deal.receipts.len() {
            return Frame::Refused { about, why: not_yet };
        }
        let totals = self.terms_of(deal).totals;
        match deal.order.judge(&deal.settled.offer, &totals, &receipt) {
            // The seller has taken a change that we proposed, and its verdict comes by another way.
            Err(_) if from_seller && self.is_proposed(deal, receipt.total) => Frame::Refused { about, why: not_yet },
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
                if from_seller {
                    self.keep_differences(now, receipt.agreement, &[difference]);
                }
                self.file_refusal(now, bytes, Refusal::Changed, &detail);
                Frame::Refused {
                    about,
                    why: Refusal::Changed,
                }
            }
        }
    }

    /// What the other side of a deal holds or says against it is kept and shown with it, each thing once.
    pub(super) fn keep_differences(&mut self, now: Timestamp, agreement: AgreementId, differences: &[Difference]) {
        for difference in differences {
            let deal = self.deals.get(&agreement);
            if !deal.is_some_and(|deal| deal.has_room_for(difference)) {
                continue;
            }
            let difference = difference.clone();
            let told = difference.clone();
            self.record(now, Fact::Differed { agreement, difference });
            self.event(Event::Differed {
                agreement,
                difference: told,
            });
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
        let last_said = self.heard.get(&acceptance.intent).map(|heard| heard.wanted());
        let customer_reply = last_said.unwrap_or(settled.wanted()).reply.clone();
        let deal = Deal {
            role,
            order: Order::begun(&settled, receipt),
            customer_reply,
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
            deal.order.follow(receipt);
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
        self.resume_orders(now);
        self.resume_threads(now);
        self.resume_unsure(now);
    }
}
