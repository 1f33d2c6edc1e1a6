//! Sellers as a customer knows them: what was agreed with each, what it may know, and what we think of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Answered, Denied, Market, deals::Deal};
use crate::{
    envelope::Verified,
    id::{AgreementId, IntentId},
    keys::PublicKey,
    ledger::Fact,
    letter::ThreadId,
    limits,
    money::Money,
    offer::Offer,
    order::OrderState,
    regard::Regard,
    thread::{DealTerms, Role},
    time::Timestamp,
};

/// One purchase from a supplier.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct SupplierDeal {
    /// Under which agreement.
    pub agreement: AgreementId,
    /// When the seller confirmed.
    pub at: Timestamp,
    /// The first item.
    pub item: String,
    /// What was agreed in all.
    pub total: Money,
    /// How far the order has come.
    pub state: OrderState,
    /// What we gave it, 1 to 5.
    pub stars: Option<u8>,
}

/// A seller that has offered, or of whom we think something.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct SupplierView {
    /// Its key.
    pub seller: PublicKey,
    /// What it calls itself in its newest offer; nothing of one that never offered. Anybody may take any name.
    pub name: String,
    /// What we think of it.
    pub regard: Regard,
    /// Offers of it that were taken in.
    pub offers: usize,
    /// What was agreed, newest first.
    pub deals: Vec<SupplierDeal>,
    /// Strands that it may use now.
    pub grants_live: usize,
    /// Strands of which it owes a deletion receipt that is late.
    pub grants_overdue: usize,
    /// When it was heard last: an offer, a letter, a receipt.
    pub last_heard: Option<Timestamp>,
    /// Whether we know where it is.
    pub reachable: bool,
}

/// What we think of sellers, and what follows from it.
impl Market {
    /// What we think of a seller.
    pub fn regard_of(&self, seller: PublicKey) -> Regard {
        self.regards.get(&seller).copied().unwrap_or_default()
    }

    pub(super) fn think_of(&mut self, now: Timestamp, seller: PublicKey, regard: Regard) -> Result<Answered, Denied> {
        let before = self.regard_of(seller);
        if before == regard {
            return Ok(Answered::Ok);
        }
        if before == Regard::Plain && self.regards.len() >= limits::REGARDS {
            return Err(Denied::TooManyRegards(self.regards.len()));
        }
        self.record(now, Fact::Regarded { seller, regard });
        if before == Regard::Blocked || regard == Regard::Blocked {
            let offered: BTreeSet<IntentId> = self.offers_of(seller).map(|(_, offer)| offer.intent).collect();
            for intent in offered {
                if self.own.get(&intent).is_some_and(|own| own.is_open(now)) {
                    self.tell_order(intent, now);
                }
            }
        }
        Ok(Answered::Ok)
    }

    pub(super) fn apply_regarded(&mut self, seller: PublicKey, regard: Regard) {
        match regard {
            Regard::Plain => self.regards.remove(&seller),
            regard => self.regards.insert(seller, regard),
        };
        for own in self.own.values_mut() {
            own.apply_regarded(seller, regard);
        }
    }

    /// As a customer: whether nothing is said of what this seller sends.
    pub(super) fn is_muted(&self, seller: PublicKey) -> bool {
        self.regard_of(seller) == Regard::Muted
    }

    /// As a customer: whether what this seller sends in a conversation is not taken. What it owes under an agreement is,
    /// and while our yes is on its way to it.
    pub(super) fn turns_away(&self, id: ThreadId) -> bool {
        let under_way = || self.own.get(&id.intent).is_some_and(|own| own.said_yes_to(id.seller));
        self.regard_of(id.seller) == Regard::Blocked
            && !self.heard.contains_key(&id.intent)
            && self.deal_of(id).is_none()
            && !under_way()
    }
}

/// What is shown.
impl Market {
    /// Every offer of a seller that was taken in, with when it was made.
    pub(super) fn offers_of(&self, seller: PublicKey) -> impl Iterator<Item = (Timestamp, &Offer)> {
        let taken = self.own.values().flat_map(super::customer::Own::taken);
        let of_seller = taken.filter(move |(_, offer)| offer.header().author == seller);
        of_seller.map(|(_, offer)| (offer.header().created, offer.body()))
    }

    /// Every seller that we know as a customer, the one heard last first.
    pub fn suppliers(&self, now: Timestamp) -> Vec<SupplierView> {
        let blank = |seller: PublicKey| SupplierView {
            seller,
            name: String::new(),
            regard: self.regard_of(seller),
            offers: 0,
            deals: Vec::new(),
            grants_live: 0,
            grants_overdue: 0,
            last_heard: None,
            reachable: self.last_address(seller).is_some(),
        };
        let mut all: BTreeMap<PublicKey, SupplierView> =
            self.regards.keys().map(|seller| (*seller, blank(*seller))).collect();
        let mut named: BTreeMap<PublicKey, Timestamp> = BTreeMap::new();
        for (at, offer) in self.own.values().flat_map(super::customer::Own::taken) {
            let (seller, made) = (offer.header().author, offer.header().created);
            let view = all.entry(seller).or_insert_with(|| blank(seller));
            view.offers += 1;
            view.last_heard = view.last_heard.max(Some(at));
            let newest = named.entry(seller).or_insert(made);
            if made >= *newest {
                *newest = made;
                view.name = offer.seller.name.to_string();
            }
        }
        for (id, conversation) in &self.threads.all {
            if conversation.role == Role::Customer {
                let view = all.entry(id.seller).or_insert_with(|| blank(id.seller));
                let said = conversation
                    .thread
                    .view()
                    .of(Role::Seller)
                    .iter()
                    .map(|entry| entry.at)
                    .max();
                view.last_heard = view.last_heard.max(said);
            }
        }
        for deal in self.deals.values().filter(|deal| deal.role == Role::Customer) {
            let seller = deal.settled.offer.header().author;
            let view = all.entry(seller).or_insert_with(|| blank(seller));
            // A receipt says when by the seller's clock, which may run ahead.
            let told = deal.receipts.iter().map(|it| it.header().created.min(now)).max();
            view.last_heard = view.last_heard.max(told);
            let (live, overdue) = self.grants_under(now, deal);
            view.grants_live += live;
            view.grants_overdue += overdue;
            view.deals.push(deal_of(deal, &self.terms_of(deal)));
        }
        let mut views: Vec<SupplierView> = all.into_values().collect();
        for view in &mut views {
            view.deals
                .sort_by_key(|deal| (std::cmp::Reverse(deal.at), deal.agreement));
        }
        views.sort_by_key(|view| (std::cmp::Reverse(view.last_heard), view.seller));
        views
    }

    /// How many strands are granted under a deal, and of how many word is overdue.
    fn grants_under(&self, now: Timestamp, deal: &Deal) -> (usize, usize) {
        let id = ThreadId {
            intent: deal.settled.intent.id().into(),
            seller: deal.settled.offer.header().author,
        };
        let Some(conversation) = self.threads.all.get(&id) else {
            return (0, 0);
        };
        let view = conversation.thread.view();
        let grants = view.grants(&view.terms(&deal.settled));
        let live = grants.iter().filter(|grant| grant.is_live(now)).count();
        (live, grants.iter().filter(|grant| grant.is_overdue(now)).count())
    }
}

fn deal_of(deal: &Deal, agreed: &DealTerms) -> SupplierDeal {
    let offer: &Verified<Offer> = &deal.settled.offer;
    SupplierDeal {
        agreement: deal.settled.id,
        at: deal.settled.at(),
        item: offer
            .lines
            .first()
            .map(|line| line.title.to_string())
            .unwrap_or_default(),
        total: agreed.total,
        state: deal.order.under(agreed.total).state(),
        stars: deal.stars(),
    }
}
