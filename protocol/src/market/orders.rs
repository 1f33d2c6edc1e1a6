//! The seller tells what becomes of an order: each receipt is signed, kept, and brought to the customer, the next one
//! only when the one before is there.

use super::{Answered, DeliveryState, Denied, Event, Market, Role, deals::Deal};
use crate::{
    contact::ReplyPath,
    envelope::{Signed, sign},
    frame::{Frame, Refusal},
    id::{AgreementId, IntentId, RecordId},
    ledger::Fact,
    letter::DealChange,
    limits,
    list::Bytes,
    money::Money,
    receipt::{OrderEvent, Receipt},
    thread::{DealTerms, Standing, Thread},
    time::Timestamp,
};

impl Market {
    /// Adds a link to the chain of a deal that we sell in.
    pub(super) fn tell_receipt(
        &mut self,
        now: Timestamp,
        agreement: AgreementId,
        event: OrderEvent,
    ) -> Result<Answered, Denied> {
        let deal = self.deals.get(&agreement).ok_or(Denied::NoAgreement(agreement))?;
        if deal.role != Role::Seller {
            return Err(Denied::NotTheSeller);
        }
        let thread = deal.thread();
        if self.unsure.has(thread) {
            return Err(Denied::Unsure(thread));
        }
        // The same word again is the same word: whoever lost the answer may ask once more.
        if let Some(receipt) = deal.said(&event) {
            return Ok(Answered::Receipt { agreement, receipt });
        }
        let link = deal
            .order
            .link(now, &deal.settled.offer, self.terms_of(deal).total, event);
        let (at, receipt) = link.map_err(Denied::Order)?;
        let ends = at.plus(limits::DEED_LIFE);
        let receipt = sign(&self.seed.seller_key(), at, ends, receipt).map_err(Denied::Unfit)?;
        let (id, what) = (receipt.id(), receipt.event.word().to_owned());
        self.record(now, Fact::Receipt(receipt));
        self.event(Event::Receipt {
            agreement,
            receipt: id,
            what,
        });
        self.post_receipts(now, agreement);
        Ok(Answered::Receipt { agreement, receipt: id })
    }

    /// A deal of ours with every change that both sides have taken.
    pub(super) fn terms_of(&self, deal: &Deal) -> DealTerms {
        let id = deal.thread();
        let nothing_said = Thread::new(id);
        let thread = self.threads.all.get(&id).map_or(&nothing_said, |it| &it.thread);
        thread.view().terms(&deal.settled)
    }

    /// Every total that a deal has had, the first one first; nothing where there is no such deal.
    pub fn totals(&self, agreement: AgreementId) -> Vec<Money> {
        let deal = self.deals.get(&agreement);
        deal.map_or_else(Vec::new, |deal| self.terms_of(deal).totals)
    }

    /// Whether a change to this total is proposed, or was, and the other side's verdict is not here yet.
    pub(super) fn is_proposed(&self, deal: &Deal, total: Money) -> bool {
        let view = self.threads.all.get(&deal.thread()).map(|it| it.thread.view());
        let proposals = view.map(|view| view.proposals()).unwrap_or_default();
        let to_it = |change: &DealChange| matches!(change, DealChange::Total { to, .. } if *to == total);
        proposals.iter().any(|(_, _, proposal, standing)| {
            matches!(standing, Standing::Open | Standing::Withdrawn) && proposal.changes.iter().any(to_it)
        })
    }

    /// Brings the customer the first receipt that it does not have. The very first it has: it is the answer to its yes.
    pub(super) fn post_receipts(&mut self, now: Timestamp, agreement: AgreementId) {
        let Some(deal) = self.deals.get(&agreement).filter(|deal| deal.role == Role::Seller) else {
            return;
        };
        let on_its_way = deal.receipts.iter().skip(1).find_map(|receipt| {
            let state = self.outbox.delivery(receipt.id());
            (state != Some(DeliveryState::Stored)).then_some((receipt, state))
        });
        let Some((receipt, state)) = on_its_way else { return };
        let id = receipt.id();
        match state {
            // What comes after a link that the customer does not take, it cannot take.
            Some(DeliveryState::Stored | DeliveryState::Refused { .. }) => {}
            Some(DeliveryState::Queued { .. }) => self.resend(now, id),
            None | Some(DeliveryState::Expired) => {
                let newest = deal.receipts.last().map_or(now, |last| last.header().created);
                let (to, until) = (deal.customer_reply.clone(), newest.plus(limits::RECEIPT_POSTING));
                if let Ok(bytes) = Bytes::new(receipt.bytes()) {
                    self.post(now, id, to, Frame::Receipt(bytes), until);
                }
            }
        }
    }

    /// A receipt of ours is with the customer, or is refused there for good.
    pub(super) fn receipt_arrived(&mut self, now: Timestamp, frame: &Frame, refused: Option<Refusal>) {
        let Frame::Receipt(bytes) = frame else { return };
        let Some(Receipt { agreement, .. }) = Signed::parse(bytes).ok().and_then(|signed| signed.claim()) else {
            return;
        };
        self.event(Event::ReceiptDelivered {
            agreement,
            receipt: crate::envelope::record_id(bytes),
            refused,
        });
        self.post_receipts(now, agreement);
    }

    /// After replay: what was not acknowledged goes out again.
    pub(super) fn resume_orders(&mut self, now: Timestamp) {
        let deals: Vec<AgreementId> = self.deals.keys().copied().collect();
        for agreement in deals {
            self.post_receipts(now, agreement);
        }
    }

    /// The customer of our deals on this want is found elsewhere from now on. State alone, so that a replay leads to
    /// the same; [`Market::follow_customer`] sends after it what is on its way.
    pub(super) fn apply_customer_moved(&mut self, intent: IntentId, to: &ReplyPath) {
        for deal in self.deals.values_mut().filter(|deal| deal.is_sold_to(intent)) {
            deal.readdress(to.clone());
        }
    }

    /// Sends receipts on their way after a customer who has moved.
    pub(super) fn follow_customer(&mut self, now: Timestamp, intent: IntentId) {
        let deals = self.deals.values().filter(|deal| deal.is_sold_to(intent));
        let moved: Vec<(ReplyPath, Vec<RecordId>)> = deals
            .map(|deal| {
                let ids = deal.receipts.iter().map(|receipt| receipt.id());
                (deal.customer_reply.clone(), ids.collect())
            })
            .collect();
        for (to, records) in moved {
            self.redirect(now, &records, &to);
        }
    }
}
