//! Counter-offers answered by the seller's rules, and offers revised and taken back.

use super::{About, Answered, Denied, Market};
use crate::{
    envelope::{Verified, sign},
    id::{OfferId, RecordId},
    ledger::Fact,
    letter::{Change, Matter, ThreadId},
    list::Bytes,
    money::Money,
    offer::{Offer, Reason},
    rules::Rules,
    thread::apply_changes,
    time::Timestamp,
};

/// What the rules make of a counter-offer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bid {
    /// As the customer would have it, or as near to it as the rules go.
    Take(Vec<Change>),
    /// No.
    Refuse(Reason),
    /// A person must say.
    Ask,
}

/// What the rules make of these changes to an offer whose first version in the thread came to `first`, all in.
pub(super) fn bid(rules: &Rules, first: &Offer, offer: &Offer, changes: &[Change], last_round: bool) -> Bid {
    if rules.haggle_basis_points >= 10_000 || rules.answer != crate::rules::Answer::Automatic {
        return Bid::Ask;
    }
    let floor = i128::from(first.totals.total) * i128::from(rules.haggle_basis_points) / 10_000;
    let floor = i64::try_from(floor).unwrap_or(i64::MAX).max(offer.totals.delivery);
    let mut taken = Vec::new();
    for change in changes {
        match change {
            Change::Total(asked) if asked.currency != offer.totals.currency => return Bid::Refuse(Reason::Price),
            Change::Total(asked) => {
                let now = offer.totals.total;
                let to = if asked.minor >= floor {
                    asked.minor
                } else if last_round {
                    floor
                } else {
                    // Half of the way, and never below the floor.
                    (now - (now - floor) / 2).max(floor)
                };
                if to < now {
                    taken.push(Change::Total(Money::new(to, offer.totals.currency)));
                }
            }
            // Later, sooner given up, fewer days to give it back: what costs the seller nothing is given.
            Change::DeliverBy(at) if *at >= offer.deliver_by => taken.push(change.clone()),
            Change::ReturnsDays(days) if *days <= offer.returns_days => {}
            Change::WarrantyMonths(months) if *months <= offer.warranty_months => {}
            _ => return Bid::Ask,
        }
    }
    if taken.is_empty() {
        Bid::Refuse(Reason::Price)
    } else {
        Bid::Take(taken)
    }
}

impl Market {
    /// The rules' answer to a counter-offer.
    pub(super) fn haggle(&mut self, now: Timestamp, id: ThreadId, counter: RecordId) {
        let Some(rules) = self.config.rules.clone() else { return };
        let Some(conversation) = self.threads.all.get(&id) else {
            return;
        };
        let view = conversation.thread.view();
        let open = view.open_counters().find(|(open, ..)| *open == counter);
        let Some((_, offer, round, changes)) = open else { return };
        let changes = changes.to_vec();
        let made = self.offers_made(id.intent);
        let Some((_, now_offered)) = made.iter().find(|(made, _)| *made == offer) else {
            return;
        };
        let first = self.first_of(id, offer);
        let Some((_, first)) = made.iter().find(|(made, _)| *made == first) else {
            return;
        };
        let Some(last) = self.heard_intent(id.intent).map(|intent| round >= intent.max_rounds) else {
            return;
        };
        match bid(&rules, first, now_offered, &changes, last) {
            Bid::Take(changes) => {
                if self.revise(now, offer, Some(counter), &changes).is_err() {
                    self.answer_with(
                        now,
                        id,
                        Matter::CounterRefused {
                            counter,
                            why: Reason::Other,
                        },
                    );
                }
            }
            Bid::Refuse(why) => self.answer_with(now, id, Matter::CounterRefused { counter, why }),
            // The letter itself is the question: a person answers with `counter` or `decline`.
            Bid::Ask => {}
        }
    }

    /// The offer that stood first where this one stands now.
    fn first_of(&self, id: ThreadId, offer: OfferId) -> OfferId {
        let Some(conversation) = self.threads.all.get(&id) else {
            return offer;
        };
        let view = conversation.thread.view();
        let mut first = offer;
        while let Some(before) = view
            .of(super::Role::Seller)
            .iter()
            .find_map(|entry| match entry.matter() {
                Matter::Revised { offer: old, with, .. }
                    if OfferId::from(crate::envelope::record_id(with)) == first =>
                {
                    Some(*old)
                }
                _ => None,
            })
        {
            first = before;
        }
        first
    }

    /// As a seller: another offer in the place of one of ours, with these changes.
    pub(super) fn revise(
        &mut self,
        now: Timestamp,
        id: OfferId,
        counter: Option<RecordId>,
        changes: &[Change],
    ) -> Result<Answered, Denied> {
        let rules = self.config.rules.clone().ok_or(Denied::NoOffer(id))?;
        let thread = self.thread_about(About::Offer(id))?;
        let (old, item, stock, counted) = self.made(id).ok_or(Denied::NoOffer(id))?;
        let mut body = apply_changes(old.body(), changes).map_err(Denied::Unfitting)?;
        if let Some(revision) = self.heard_revision(thread.intent) {
            body.revision = revision;
        }
        if let Some(reply) = &self.reply {
            body.seller.reply = reply.clone();
        }
        let ends = self
            .heard_intent(thread.intent)
            .map_or(now, |intent| intent.header().expires);
        body.valid_until = now
            .plus(rules.valid_for)
            .min(ends.plus(crate::time::Seconds(24 * 3600)));
        body.held_until = body.held_until.map(|_| body.valid_until);
        let offer: Verified<Offer> =
            sign(&self.seed.seller_key(), now, body.valid_until, body).map_err(Denied::Unfit)?;
        let round = match (counter, self.threads.all.get(&thread)) {
            (_, None) => 1,
            (Some(_), Some(it)) => it.thread.view().round(),
            (None, Some(it)) => it.thread.view().round().saturating_add(1),
        };
        let with =
            Bytes::new(offer.bytes()).map_err(|_| Denied::Unfitting("the offer is too long for a letter".into()))?;
        let matter = Matter::Revised {
            offer: id,
            counter,
            round,
            with,
        };
        let letter = self.write(now, thread, matter)?;
        self.record(
            now,
            Fact::Offered {
                offer: offer.clone(),
                item,
                stock,
                counted,
            },
        );
        Ok(Answered::Said(letter))
    }

    /// As a seller: an offer of ours stands no more.
    pub(super) fn retract(&mut self, now: Timestamp, id: OfferId) -> Result<Answered, Denied> {
        let answered = self.say(now, About::Offer(id), Matter::Retracted { offer: id })?;
        self.outbox.close(RecordId(id.0));
        Ok(answered)
    }
}
