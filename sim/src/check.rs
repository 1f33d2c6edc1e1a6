//! What must never happen, looked for after every step and at the end.

use std::collections::{BTreeMap, BTreeSet};

use intentcast_protocol::{
    codec::decode,
    deed::Confirmation,
    envelope::{Signed, record_id},
    frame::Frame,
    id::{AgreementId, IntentId, OfferId, RecordId},
    ledger::{Entry, Fact, audit},
    market::{Answered, Event, IntentState, Market, OfferState, OfferView, Output, Role},
    order::Order,
    time::Timestamp,
};

use crate::world::World;

/// What a disk holds, by what promises are about.
#[derive(Debug, Default)]
pub struct Kept {
    records: BTreeSet<RecordId>,
    accepted: BTreeSet<AgreementId>,
    agreed: BTreeSet<AgreementId>,
    withdrawn: BTreeSet<IntentId>,
    declined: BTreeSet<OfferId>,
    refused: BTreeSet<OfferId>,
}

impl Kept {
    pub(crate) fn note(&mut self, bytes: &[u8]) {
        let Ok(Entry { fact, .. }) = decode::<Entry>(bytes) else {
            return;
        };
        match fact {
            Fact::Cast { intent, .. } | Fact::Heard(intent) => self.record(intent.id()),
            Fact::Amended(it) | Fact::HeardAmendment(it) => self.record(it.id()),
            Fact::Withdrawn(it) => {
                self.withdrawn.insert(it.intent);
                self.record(it.id());
            }
            Fact::HeardWithdrawal(it) => self.record(it.id()),
            Fact::OfferTaken(offer) | Fact::Offered { offer, .. } => self.record(offer.id()),
            Fact::Declined(it) | Fact::DeclineTaken(it) => {
                self.declined.insert(it.offer);
                self.record(it.id());
            }
            Fact::Accepted(it) => {
                self.accepted.insert(it.agreement);
                self.record(it.id());
            }
            Fact::AcceptanceRefused { offer, .. } | Fact::YesRefused { offer, .. } => {
                self.refused.insert(offer);
            }
            Fact::Agreed {
                confirmation, receipt, ..
            } => {
                self.agreed.insert(confirmation.agreement);
                self.record(confirmation.id());
                self.record(receipt.id());
            }
            Fact::Receipt(it) => self.record(it.id()),
            Fact::Wrote(it) | Fact::Took(it) => self.record(it.id()),
            Fact::Rated { rating, .. } => self.record(rating.id()),
            Fact::Kept { .. }
            | Fact::Published { .. }
            | Fact::NotTaken(_)
            | Fact::Delivered { .. }
            | Fact::Differed { .. } => {}
        }
    }

    fn record(&mut self, id: RecordId) {
        self.records.insert(id);
    }
}

/// That what a node is about to say is on its disk, and that it never says two things of one.
pub(crate) fn promise(world: &mut World, at: usize, output: &Output) {
    let kept = &world.nodes[at].kept;
    let sound = match output {
        Output::Event(event) => match event {
            Event::Cast { intent } => kept.records.contains(&RecordId(intent.0)),
            Event::Amended { revision, .. } => kept.records.contains(revision),
            Event::Offer { offer, .. } => kept.records.contains(&RecordId(offer.0)),
            Event::Withdrawn { intent } => kept.withdrawn.contains(intent),
            Event::Accepted { agreement, .. } => kept.accepted.contains(agreement),
            Event::Agreement { agreement, .. } => kept.agreed.contains(agreement),
            Event::Receipt { receipt, .. } => kept.records.contains(receipt),
            Event::Declined { offer, .. } | Event::OfferDeclined { offer, .. } => kept.declined.contains(offer),
            Event::AcceptanceRefused { offer, .. } => kept.refused.contains(offer),
            _ => true,
        },
        Output::Answer(_, Ok(answered)) => match answered {
            Answered::Cast(intent) => kept.records.contains(&RecordId(intent.0)),
            Answered::Withdrawn(intent) => kept.withdrawn.contains(intent),
            Answered::Accepted(agreement) => kept.accepted.contains(agreement),
            Answered::Declined(offer) => kept.declined.contains(offer),
            Answered::Receipt { receipt, .. } => kept.records.contains(receipt),
            Answered::Said(record) | Answered::Rated(record) => kept.records.contains(record),
            Answered::Amended { revision, .. } => kept.records.contains(revision),
            Answered::Ok | Answered::Compared(_) => true,
        },
        Output::Publish { bytes, .. } => kept.records.contains(&record_id(bytes)),
        Output::Send { frame, .. } => match Frame::decode(frame) {
            // A question promises nothing.
            Ok(Frame::Pull { .. } | Frame::Compare(_)) => true,
            Ok(Frame::Tell { records, .. }) => records.iter().all(|record| kept.records.contains(&record_id(record))),
            Ok(frame) => frame.about().is_some_and(|about| kept.records.contains(&about)),
            Err(_) => false,
        },
        Output::Reply(_, frame) => match Frame::decode(frame) {
            Ok(Frame::Stored(about)) => kept.records.contains(&about),
            Ok(Frame::Confirmed { confirmation, receipt }) => {
                kept.records.contains(&record_id(&confirmation)) && kept.records.contains(&record_id(&receipt))
            }
            Ok(_) => true,
            Err(_) => false,
        },
        _ => true,
    };
    if !sound {
        let said = format!("node {at} says what it has not stored: {output:?}");
        world.violations.push(said);
    }
    if let Output::Event(Event::Offer { offer, .. } | Event::Accepted { offer, .. }) = output {
        within_budget(world, at, *offer);
    }
    if let Output::Reply(_, frame) = output {
        one_confirmation(world, at, frame);
    }
}

fn within_budget(world: &mut World, at: usize, id: OfferId) {
    let now = world.now();
    let Some(market) = &world.nodes[at].market else { return };
    let sound = market.offer(now, id).is_some_and(|view| {
        let wanted = view.intent.and_then(|intent| market.intent(now, intent));
        let landed = view.offer.map(|offer| offer.totals.landed());
        wanted.zip(landed).is_some_and(|(wanted, landed)| {
            let said = wanted.intent.budget.ceiling();
            landed.currency == wanted.intent.budget.currency() && said.is_none_or(|said| landed.minor <= said.minor)
        })
    });
    if !sound {
        let said = format!("node {at} took offer {id}, which is over its budget");
        world.violations.push(said);
    }
}

fn one_confirmation(world: &mut World, at: usize, frame: &[u8]) {
    let Ok(Frame::Confirmed { confirmation, .. }) = Frame::decode(frame) else {
        return;
    };
    let claim = Signed::<Confirmation>::parse(&confirmation)
        .ok()
        .and_then(|signed| signed.claim());
    let Some(claim) = claim else {
        return world.violations.push(format!("node {at} confirms with junk"));
    };
    let first = world
        .confirmed
        .entry(claim.acceptance.0)
        .or_insert_with(|| frame.to_vec());
    if first != frame {
        let said = format!("node {at} confirmed one acceptance twice, and differently");
        world.violations.push(said);
    }
}

/// What must hold once all faults are over and everything had its time. See [`World::calm`].
pub fn at_rest(world: &mut World) {
    let now = world.now();
    let mut wrong = Vec::new();
    let mut sellers: BTreeMap<IntentId, Vec<(AgreementId, [u8; 32])>> = BTreeMap::new();
    let mut customers = sellers.clone();
    let mut chains: BTreeMap<AgreementId, Vec<Vec<RecordId>>> = BTreeMap::new();
    let mut rogues = Vec::new();
    for (at, node) in world.nodes.iter().enumerate() {
        let Some(market) = &node.market else {
            wrong.push(format!("node {at} is down"));
            continue;
        };
        if market.is_settling() {
            wrong.push(format!("node {at} is still storing"));
        }
        match audit(node.disk.iter().map(Vec::as_slice)) {
            Ok(chain) if chain.head() == market.chain().head() => {}
            Ok(_) => wrong.push(format!("node {at} has another ledger in mind than on disk")),
            Err(broken) => wrong.push(format!("node {at}: {broken}")),
        }
        match node.replayed(now) {
            Ok(replayed) if shown(&replayed, now) == shown(market, now) => {}
            Ok(replayed) => wrong.push(format!(
                "node {at} would be another after a restart:\n{}\n{}",
                shown(market, now),
                shown(&replayed, now)
            )),
            Err(broken) => wrong.push(format!("node {at} cannot be replayed: {broken}")),
        }
        for deal in market.agreements() {
            let side = match deal.role {
                Role::Customer => &mut customers,
                Role::Seller => &mut sellers,
            };
            if node.rogue {
                rogues.push((deal.intent, deal.id, deal.bytes_hash.0));
                continue;
            }
            side.entry(deal.intent).or_default().push((deal.id, deal.bytes_hash.0));
            if !deal.differences.is_empty() {
                wrong.push(format!("node {at} finds differences among the honest"));
            }
            if let Some((settled, receipts)) = market.settled(deal.id)
                && let Err((place, difference)) = Order::of(settled, receipts)
            {
                wrong.push(format!("node {at} holds an unlawful receipt {place}: {difference}"));
            }
            let ids = deal.receipts.iter().map(|receipt| receipt.id).collect();
            chains.entry(deal.id).or_default().push(ids);
        }
        let waiting = |view: &&intentcast_protocol::market::IntentView| {
            view.role == Role::Customer && view.state == IntentState::Accepted
        };
        if let Some(view) = market.intents(now).iter().find(waiting) {
            wrong.push(format!(
                "node {at} still waits for an answer to its yes for {}",
                view.id
            ));
        }
    }
    for (id, sides) in &chains {
        // One side may lack what is on its way to it; neither has what the other could not have.
        if let [one, two] = &sides[..]
            && !one.starts_with(two)
            && !two.starts_with(one)
        {
            wrong.push(format!(
                "the receipts of deal {id} are not one chain:\n{one:?}\n{two:?}"
            ));
        }
    }
    // A cheat may hold a deal that its customer did not take; what the customer took, even a cheat must hold.
    for (intent, id, hash) in rogues {
        let met = customers.get(&intent).is_some_and(|deals| deals.contains(&(id, hash)));
        if met {
            sellers.entry(intent).or_default().push((id, hash));
        }
    }
    for (intent, deals) in sellers.iter().chain(&customers) {
        if deals.len() != 1 {
            wrong.push(format!("{} agreements on one side for intent {intent}", deals.len()));
        }
    }
    if sellers != customers {
        wrong.push(format!(
            "the two sides hold different agreements:\n{sellers:?}\n{customers:?}"
        ));
    }
    world.violations.extend(wrong);
}

/// What a market shows, but for how often it tried to reach somebody, which no restart remembers.
fn shown(market: &Market, now: Timestamp) -> String {
    let offers: Vec<OfferView> = market
        .offers(now, None)
        .into_iter()
        .map(|view| OfferView {
            delivery: None,
            state: match view.state {
                OfferState::Accepted { .. } => OfferState::Open,
                state => state,
            },
            ..view
        })
        .collect();
    let mut deals = market.agreements();
    for receipt in deals.iter_mut().flat_map(|deal| &mut deal.receipts) {
        receipt.delivery = None;
    }
    format!("{:?}\n{offers:?}\n{deals:?}", market.intents(now))
}
