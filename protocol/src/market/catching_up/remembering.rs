//! What the other side brings of a conversation that was lost here: verified, judged, and kept as if it came now.

use super::Parts;
use crate::{
    deed::{Acceptance, Agreement},
    envelope::{Kind, Verified, kind_of, open},
    id::{IntentId, OfferId},
    intent::{Amendment, Withdrawal},
    ledger::Fact,
    letter::{Letter, Matter, ThreadId},
    market::{Event, Market, Role},
    offer::Offer,
    order::Order,
    receipt::Receipt,
    text::Word,
    thread::{Entry, Objection, Thread},
    time::Timestamp,
};

/// Taking in what the other side brings. Each answers whether the conversation can go on with it: false where the chain of
/// our own records would have a gap.
impl Market {
    pub(super) fn remember(&mut self, now: Timestamp, id: ThreadId, bytes: &[u8]) -> bool {
        let Some(role) = self.role_in(id) else { return false };
        let before = self.chain().len();
        let sound = match kind_of(bytes) {
            Some(Kind::Letter) => self.remember_letter(now, id, role, bytes),
            Some(Kind::Receipt) => self.remember_receipt(now, id, role, bytes),
            Some(Kind::Offer) => self.remember_offer(now, id, role, bytes),
            Some(Kind::Acceptance) => self.remember_acceptance(now, id, bytes),
            Some(Kind::Confirmation) => {
                let parts = self.unsure.all.get_mut(&id).map(|unsure| &mut unsure.parts);
                let confirmation = open(bytes).ok();
                parts.zip(confirmation).is_some_and(|(parts, confirmation)| {
                    parts.confirmation = Some(confirmation);
                    true
                })
            }
            Some(Kind::Amendment) => self.remember_amendment(now, id, role, bytes),
            Some(Kind::Withdrawal) => self.remember_withdrawal(now, id, role, bytes),
            _ => false,
        };
        if let Some(unsure) = self.unsure.all.get_mut(&id) {
            unsure.brought += usize::from(self.book.chain().len() > before);
        }
        sound
    }

    fn remember_letter(&mut self, now: Timestamp, id: ThreadId, ours: Role, bytes: &[u8]) -> bool {
        let Ok(letter) = open::<Letter>(bytes) else {
            return false;
        };
        let Some(footing) = self.footing(id, false).filter(|_| letter.thread == id) else {
            return false;
        };
        let empty = Thread::new(id);
        let thread = self.threads.all.get(&id).map_or(&empty, |it| &it.thread);
        let ground = footing.ground();
        let Ok(role) = thread.author(&ground, &letter) else {
            return false;
        };
        // What we wrote we judged when we wrote it, by what stood then.
        let judged = match role == ours {
            true => thread.follows(role, &letter).map(|_| ()),
            false => thread.judge(&ground, &letter).map(|_| ()),
        };
        match judged {
            Ok(()) => {}
            Err(Objection::Known) => return true,
            // Something was written while the pages were asked for: the next question begins anew.
            Err(Objection::Early(_)) => return false,
            Err(_) if role == ours => return false,
            // It was refused before, and would be again.
            Err(objection) => {
                self.file_objection(now, id, &letter, &objection);
                return true;
            }
        }
        let (record, what) = (letter.id(), letter.matter.word().to_owned());
        if role == ours {
            self.record(now, Fact::Wrote(letter.clone()));
            self.record(now, Fact::Delivered { record, refused: None });
        } else {
            self.record(now, Fact::Took(letter.clone()));
        }
        self.event(Event::Letter {
            thread: id,
            letter: record,
            from: role,
            what,
        });
        if let (Some(to), false) = (&letter.reply, role == ours) {
            self.follow(now, id, to);
        }
        self.unrefuse(now, id, ours);
        match &letter.matter {
            Matter::Revised { with, .. } => self.remember_offer(now, id, ours, with),
            _ => true,
        }
    }

    fn remember_receipt(&mut self, now: Timestamp, id: ThreadId, ours: Role, bytes: &[u8]) -> bool {
        let Ok(receipt) = open::<Receipt>(bytes) else {
            return false;
        };
        let Some(deal) = self.deal_of(id) else {
            return self.remember_deal(now, id, receipt);
        };
        if deal.receipts.iter().any(|known| known.id() == receipt.id()) {
            return true;
        }
        let totals = self.terms_of(deal).totals;
        let agreement = deal.settled.id;
        match deal.order.judge(&deal.settled.offer, &totals, &receipt) {
            Ok(()) => {
                let (record, what) = (receipt.id(), receipt.event.word().to_owned());
                self.record(now, Fact::Receipt(receipt));
                if ours == Role::Seller {
                    self.record(now, Fact::Delivered { record, refused: None });
                }
                self.event(Event::Receipt {
                    agreement,
                    receipt: record,
                    what,
                });
                true
            }
            Err(difference) => {
                if receipt.header().author == id.seller {
                    self.keep_differences(now, agreement, &[difference]);
                }
                ours == Role::Customer
            }
        }
    }

    /// An offer of the conversation. As a customer it is taken in as any is; one that it is too late for is put by, since
    /// we may have said yes to it in time.
    fn remember_offer(&mut self, now: Timestamp, id: ThreadId, ours: Role, bytes: &[u8]) -> bool {
        let Ok(offer) = open::<Offer>(bytes) else { return false };
        let of_thread = offer.intent == id.intent && offer.header().author == id.seller;
        if !of_thread {
            return false;
        }
        let record = offer.id();
        if self.offers.contains_key(&record.into()) {
            return true;
        }
        if ours == Role::Customer {
            if !self.take_if_fit(now, bytes)
                && let Some(unsure) = self.unsure.all.get_mut(&id)
            {
                unsure.parts.offer = Some(offer);
            }
            return true;
        }
        let item = offer.lines.first().map_or_else(Word::default, |line| line.item.clone());
        let before = self.offers_made(id.intent).into_iter().map(|(made, _)| made);
        let same = before
            .filter_map(|made| self.made(made))
            .find(|(_, made_of, ..)| *made_of == item);
        let (stock, counted) = same.map_or((None, now), |(_, _, stock, counted)| (stock, counted));
        self.record(
            now,
            Fact::Offered {
                offer,
                item,
                stock,
                counted,
            },
        );
        self.record(now, Fact::Delivered { record, refused: None });
        true
    }

    /// A backup may end between a letter and the offer inside it, and the other side does not bring letters that are here.
    pub(super) fn unpack_revisions(&mut self, now: Timestamp, id: ThreadId, ours: Role) {
        let letters = self.threads.all.get(&id).map(|it| it.thread.view().in_line());
        let inside = |entry: &Entry| match entry.matter() {
            Matter::Revised { with, .. } => Some(with.clone()),
            _ => None,
        };
        let inside: Vec<_> = letters
            .into_iter()
            .flatten()
            .filter_map(|(_, entry)| inside(entry))
            .collect();
        for offer in inside {
            self.remember_offer(now, id, ours, &offer);
        }
    }

    fn remember_acceptance(&mut self, now: Timestamp, id: ThreadId, bytes: &[u8]) -> bool {
        let Ok(acceptance) = open::<Acceptance>(bytes) else {
            return false;
        };
        let customer = self.footing(id, false).map(|footing| footing.ground().customer);
        if acceptance.intent != id.intent || customer != Some(acceptance.header().author) {
            return false;
        }
        let Some(unsure) = self.unsure.all.get_mut(&id) else {
            return false;
        };
        let parts = &mut unsure.parts;
        let put_by = parts.offer.take();
        let put_by = put_by.filter(|offer| OfferId::from(offer.id()) == acceptance.offer);
        parts.acceptance = Some(acceptance);
        // Our own signature says that we took it in.
        if let Some(offer) = put_by {
            self.record(now, Fact::OfferTaken(offer));
        }
        true
    }

    /// The first receipt is the last part of a deal.
    fn remember_deal(&mut self, now: Timestamp, id: ThreadId, receipt: Verified<Receipt>) -> bool {
        let parts = self
            .unsure
            .all
            .get_mut(&id)
            .map(|unsure| std::mem::take(&mut unsure.parts));
        let Some(Parts {
            acceptance: Some(acceptance),
            confirmation: Some(confirmation),
            ..
        }) = parts
        else {
            return false;
        };
        let parties = self.parties_own(&acceptance).or(self.parties_heard(&acceptance));
        let settled = parties.and_then(|(intent, amendment, offer)| {
            Agreement::of(intent, amendment, offer, &acceptance, &confirmation).ok()
        });
        let of_thread = |settled: &crate::deed::Settled| settled.offer.header().author == id.seller;
        let Some(settled) = settled.filter(of_thread) else {
            return false;
        };
        if Order::of(&settled, &[acceptance.total], std::slice::from_ref(&receipt)).is_err() {
            return false;
        }
        let (intent, offer) = (acceptance.intent, acceptance.offer);
        // A want comes to one deal, and a yes that was refused, or given to another since, to none.
        let other = |deal: &crate::market::deals::Deal| IntentId::from(deal.settled.intent.id()) == intent;
        if self.deals.values().any(other) || !self.may_still_agree(intent, offer) {
            return false;
        }
        if self.own.contains_key(&intent) {
            self.record(now, Fact::Accepted(acceptance.clone()));
        }
        self.agreed(now, acceptance, confirmation, receipt);
        true
    }

    fn remember_amendment(&mut self, now: Timestamp, id: ThreadId, ours: Role, bytes: &[u8]) -> bool {
        let Ok(amendment) = open::<Amendment>(bytes) else {
            return false;
        };
        let customer = self.footing(id, false).map(|footing| footing.ground().customer);
        if amendment.intent != id.intent || customer != Some(amendment.header().author) {
            return false;
        }
        if amendment.sequence <= self.amended_to(id.intent, ours) {
            return true;
        }
        match ours {
            Role::Customer => self.record(now, Fact::Amended(amendment)),
            Role::Seller => self.record(now, Fact::HeardAmendment(amendment)),
        }
        true
    }

    fn remember_withdrawal(&mut self, now: Timestamp, id: ThreadId, ours: Role, bytes: &[u8]) -> bool {
        let Ok(withdrawal) = open::<Withdrawal>(bytes) else {
            return false;
        };
        let customer = self.footing(id, false).map(|footing| footing.ground().customer);
        if withdrawal.intent != id.intent || customer != Some(withdrawal.header().author) {
            return false;
        }
        if self.withdrawal_of(id.intent).is_none() {
            match ours {
                Role::Customer => self.record(now, Fact::Withdrawn(withdrawal)),
                Role::Seller => self.record(now, Fact::HeardWithdrawal(withdrawal)),
            }
        }
        true
    }
}
