//! A want that we answer is changed or ends.

use std::collections::BTreeMap;

use super::Heard;
use crate::{
    envelope::{Signed, Verified, record_id},
    frame::{Frame, Refusal},
    id::{IntentId, RecordId},
    intent::{Amendment, Intent, Withdrawal},
    ledger::Fact,
    letter::ThreadId,
    market::Market,
    time::Timestamp,
};

impl Market {
    pub(in crate::market) fn heard_amended(&mut self, now: Timestamp, id: IntentId) {
        let amendment = self.relay.find(id).and_then(|open| open.amendment.clone());
        if let Some(amendment) = amendment.filter(|_| self.heard.contains_key(&id)) {
            self.hear_amendment(now, &amendment);
        }
        self.consider(now, id);
    }

    pub(super) fn hear_amendment(&mut self, now: Timestamp, amendment: &Verified<Amendment>) {
        let Some(heard) = self.heard.get(&amendment.intent) else {
            return;
        };
        if heard
            .amendments
            .last()
            .is_some_and(|last| last.sequence >= amendment.sequence)
        {
            return;
        }
        self.record(now, Fact::HeardAmendment(amendment.clone()));
        let records: Vec<RecordId> = self.heard[&amendment.intent]
            .offers
            .keys()
            .map(|id| RecordId(id.0))
            .collect();
        self.redirect(now, &records, &amendment.now.reply);
        let thread = ThreadId {
            intent: amendment.intent,
            seller: self.seller_key(),
        };
        self.follow(now, thread, &amendment.now.reply);
        self.follow_customer(now, amendment.intent);
    }

    pub(in crate::market) fn heard_withdrawn(&mut self, now: Timestamp, id: IntentId) {
        self.listener.asking.remove(&id);
        let withdrawal = self.relay.withdrawal(id).cloned();
        if let Some(withdrawal) = withdrawal.filter(|_| self.heard.contains_key(&id)) {
            self.hear_withdrawal(now, withdrawal);
        }
    }

    fn hear_withdrawal(&mut self, now: Timestamp, withdrawal: Verified<Withdrawal>) {
        if self
            .heard
            .get(&withdrawal.intent)
            .is_some_and(|heard| heard.withdrawal.is_none())
        {
            self.record(now, Fact::HeardWithdrawal(withdrawal));
        }
    }

    /// A customer tells us, who have offered, that the want is over.
    pub(in crate::market) fn take_withdrawal(&mut self, now: Timestamp, bytes: &[u8]) -> Frame {
        let about = record_id(bytes);
        let Some(withdrawal) = Signed::<Withdrawal>::parse(bytes).and_then(Signed::verify).ok() else {
            return Frame::Refused {
                about,
                why: Refusal::Malformed,
            };
        };
        match self.heard.get(&withdrawal.intent) {
            Some(heard) if heard.intent.header().author == withdrawal.header().author => {
                self.hear_withdrawal(now, withdrawal);
                Frame::Stored(about)
            }
            _ => Frame::Refused {
                about,
                why: Refusal::Unknown,
            },
        }
    }

    pub(in crate::market) fn apply_heard(&mut self, intent: &Verified<Intent>) {
        self.heard.entry(intent.id().into()).or_insert_with(|| Heard {
            intent: intent.clone(),
            amendments: Vec::new(),
            withdrawal: None,
            offers: BTreeMap::new(),
        });
    }

    pub(in crate::market) fn apply_heard_amendment(&mut self, amendment: &Verified<Amendment>) {
        if let Some(heard) = self.heard.get_mut(&amendment.intent) {
            heard.amendments.push(amendment.clone());
            self.apply_customer_moved(amendment.intent, &amendment.now.reply);
        }
    }

    pub(in crate::market) fn apply_heard_withdrawal(&mut self, withdrawal: &Verified<Withdrawal>) {
        if let Some(heard) = self.heard.get_mut(&withdrawal.intent) {
            heard.withdrawal = Some(withdrawal.clone());
            for id in heard.offers.keys() {
                self.outbox.close(RecordId(id.0));
            }
        }
    }
}
