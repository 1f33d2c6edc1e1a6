//! What must never happen, looked for after every step and at the end.

use std::collections::{BTreeMap, BTreeSet};

use intentcast_protocol::{
    codec::decode,
    deed::Confirmation,
    envelope::{Signed, open, record_id},
    frame::Frame,
    id::{AgreementId, IntentId, OfferId, RecordId},
    ledger::{Entry, Fact, audit},
    letter::{Letter, Matter},
    market::{Answered, Event, IntentState, Market, OfferState, OfferView, Output, Passage, Role, ThreadView},
    order::Order,
    time::Timestamp,
};

use crate::market::{node::Node, world::World};

/// What a disk holds, by what promises are about.
#[derive(Debug, Default)]
pub struct Kept {
    /// Wants of its own, each with what its key is made of.
    cast: BTreeMap<IntentId, [u8; 16]>,
    records: BTreeSet<RecordId>,
    accepted: BTreeSet<AgreementId>,
    agreed: BTreeSet<AgreementId>,
    /// What a lost device of this node held. Who has its signed confirmation cannot know that the disk is gone.
    once_agreed: BTreeSet<AgreementId>,
    withdrawn: BTreeSet<IntentId>,
    /// Every word of its own that a want is over: after a restore that may be said twice.
    withdrawals: BTreeMap<RecordId, IntentId>,
    /// Wants of others that it heard are over.
    over: BTreeSet<IntentId>,
    declined: BTreeSet<OfferId>,
    refused: BTreeSet<OfferId>,
    /// Strands granted without a stored agreement.
    ungrounded: Vec<RecordId>,
}

impl Kept {
    /// Nothing yet, on a new disk in the place of this one.
    pub(crate) fn begun_anew(mut self) -> Self {
        self.once_agreed.append(&mut self.agreed);
        Self {
            once_agreed: self.once_agreed,
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, bytes: &[u8]) {
        let Ok(Entry { fact, .. }) = decode::<Entry>(bytes) else {
            return;
        };
        match fact {
            Fact::Cast { nonce, intent, .. } => {
                self.cast.insert(intent.id().into(), nonce);
                self.record(intent.id());
            }
            Fact::Heard(intent) => self.record(intent.id()),
            Fact::Amended(it) | Fact::HeardAmendment(it) => self.record(it.id()),
            Fact::Withdrawn(it) => {
                self.withdrawn.insert(it.intent);
                self.withdrawals.insert(it.id(), it.intent);
                self.record(it.id());
            }
            Fact::HeardWithdrawal(it) => {
                self.over.insert(it.intent);
                self.record(it.id());
            }
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
                confirmation,
                receipt,
                acceptance,
            } => {
                self.record(acceptance.id());
                self.agreed.insert(confirmation.agreement);
                self.record(confirmation.id());
                self.record(receipt.id());
            }
            Fact::Receipt(it) => self.record(it.id()),
            Fact::Wrote(it) | Fact::Took(it) => {
                // The ledger is in order: what a strand is granted under must be in it before.
                if let Matter::Granted { permission, .. } = &it.matter
                    && !self.agreed.contains(&permission.agreement)
                {
                    self.ungrounded.push(it.id());
                }
                self.record(it.id());
            }
            Fact::Rated { rating, .. } => self.record(rating.id()),
            Fact::Kept { revision, .. } => self.record(revision),
            Fact::Published { .. }
            | Fact::NotTaken(_)
            | Fact::Delivered { .. }
            | Fact::Differed { .. }
            | Fact::Regarded { .. }
            | Fact::HeadStart { .. }
            | Fact::Restored { .. }
            | Fact::Doubted { .. }
            | Fact::CaughtUp { .. } => {}
        }
    }

    pub(crate) fn nonces(&self) -> impl Iterator<Item = &[u8; 16]> {
        self.cast.values()
    }

    pub(crate) fn has_cast(&self, intent: IntentId) -> bool {
        self.cast.contains_key(&intent)
    }

    /// Whether a record lies there.
    pub(crate) fn holds(&self, id: RecordId) -> bool {
        self.records.contains(&id)
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
            Event::Letter { letter, .. } | Event::LetterDelivered { letter, .. } => kept.records.contains(letter),
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
            Answered::Ok | Answered::Compared(_) | Answered::Piece { .. } => true,
        },
        Output::Publish { bytes, .. } => kept.records.contains(&record_id(bytes)),
        Output::Send { frame, .. } => match Frame::decode(frame) {
            // A question promises nothing.
            Ok(Frame::Pull { .. } | Frame::Compare(_) | Frame::Fetch(_) | Frame::Recall(_)) => true,
            Ok(Frame::Tell { records, .. }) => records.iter().all(|record| kept.records.contains(&record_id(record))),
            Ok(frame) => frame.about().is_some_and(|about| kept.records.contains(&about)),
            Err(_) => false,
        },
        Output::Reply(_, frame) => match Frame::decode(frame) {
            Ok(Frame::Stored(about)) => kept.records.contains(&about) || is_over(world, kept, about),
            Ok(Frame::Recalled { records, .. }) => records.iter().all(|it| kept.records.contains(&record_id(it))),
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
    if let Output::Send { frame, .. } = output {
        granted_under_a_deal(world, at, frame);
    }
}

/// Whether this is another word of a customer that a want is over of which the first one is here.
fn is_over(world: &World, kept: &Kept, withdrawal: RecordId) -> bool {
    let mut said = world
        .nodes
        .iter()
        .filter_map(|node| node.kept.withdrawals.get(&withdrawal));
    said.any(|intent| kept.over.contains(intent))
}

/// That a strand leaves only when both disks hold the agreement that it is granted under.
fn granted_under_a_deal(world: &mut World, at: usize, frame: &[u8]) {
    let Ok(Frame::Letter(record)) = Frame::decode(frame) else {
        return;
    };
    let Ok(letter) = open::<Letter>(&record) else { return };
    let Matter::Granted { permission, .. } = &letter.matter else {
        return;
    };
    let held = |node: &Node| {
        let of = &permission.agreement;
        node.kept.agreed.contains(of) || node.kept.once_agreed.contains(of)
    };
    let mut sellers = world.nodes.iter().filter(|node| node.seller() == letter.thread.seller);
    if !world.nodes[at].kept.agreed.contains(&permission.agreement) || !sellers.all(held) {
        let said = format!("node {at} grants a strand before both hold the agreement");
        world.violations.push(said);
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
    let (mut rogues, mut sold_to_cheats) = (Vec::new(), Vec::new());
    for (at, node) in world.nodes.iter().enumerate() {
        let Some(market) = &node.market else {
            wrong.push(format!("node {at} is down"));
            continue;
        };
        if !node.kept.ungrounded.is_empty() {
            wrong.push(format!("node {at} keeps a grant without an agreement before it"));
        }
        for waiting in market.unsure() {
            wrong.push(format!("node {at} still waits to hear what was lost: {waiting:?}"));
        }
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
            let cheated = world.is_cheated(deal.intent, deal.seller);
            if node.rogue {
                rogues.push((deal.role, deal.intent, (deal.id, deal.bytes_hash.0)));
                continue;
            }
            if cheated && deal.role == Role::Seller {
                sold_to_cheats.push((deal.intent, (deal.id, deal.bytes_hash.0)));
                continue;
            }
            side.entry(deal.intent).or_default().push((deal.id, deal.bytes_hash.0));
            if !deal.differences.is_empty() && !cheated {
                wrong.push(format!("node {at} finds differences among the honest"));
            }
            if let Some((settled, receipts)) = market.settled(deal.id)
                && let Err((place, difference)) = Order::of(settled, &market.totals(deal.id), receipts)
            {
                wrong.push(format!("node {at} holds an unlawful receipt {place}: {difference}"));
            }
            let ids = deal.receipts.iter().map(|receipt| receipt.id).collect();
            chains.entry(deal.id).or_default().push(ids);
        }
        let waiting = |view: &&intentcast_protocol::market::IntentView| {
            // What a cheat said in the place of its yes may have been refused for good.
            view.role == Role::Customer && view.state == IntentState::Accepted && !node.rogue
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
    // A shop that cheats may hold a deal that its customer did not take; what the customer took, even a cheat must hold.
    for (_, intent, deal) in rogues.iter().filter(|(role, ..)| *role == Role::Seller) {
        if customers.get(intent).is_some_and(|deals| deals.contains(deal)) {
            sellers.entry(*intent).or_default().push(*deal);
        }
    }
    // And a customer who cheats holds no deal that its shop has not confirmed; it may not hold one that the shop has.
    for (_, intent, deal) in rogues.iter().filter(|(role, ..)| *role == Role::Customer) {
        customers.entry(*intent).or_default().push(*deal);
    }
    for (intent, deal) in sold_to_cheats {
        let rogue_has_it = rogues.iter().any(|(_, of, held)| (*of, *held) == (intent, deal));
        if rogue_has_it {
            sellers.entry(intent).or_default().push(deal);
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
    conversations(world);
}

/// That both sides of every conversation hold the same letters and make the same of them, and that every letter came
/// there. Of a cheat only that no letter of its was taken that its own honest machine would not have written.
fn conversations(world: &mut World) {
    let now = world.now();
    let mut wrong = Vec::new();
    for (at, node) in world.nodes.iter().enumerate() {
        let Some(market) = &node.market else { continue };
        for ours in market.threads(now) {
            let lost = ours.letters.iter().filter(|letter| {
                use Passage::{Delivered, Failed, Seen, Stored};
                match letter.passage {
                    None | Some(Stored | Delivered | Seen) => false,
                    // Nobody need hear a stranger out about a want that is over.
                    Some(Failed { .. }) if ours.role == Role::Seller && !world.taken_up(&ours) => false,
                    // What follows on something that a cheat has spoiled is tried until its time is over.
                    Some(_) => !world.is_cheated(ours.intent, ours.seller),
                }
            });
            for letter in lost {
                wrong.push(format!(
                    "node {at}: its {} number {} of {} is {:?}",
                    letter.what, letter.number, ours.id, letter.passage
                ));
            }
            if ours.role == Role::Customer {
                wrong.extend(disagreement(world, &ours).map(|why| format!("node {at}: thread {}: {why}", ours.id)));
            }
        }
    }
    world.violations.extend(wrong);
}

/// Where the seller's side of a customer's conversation is another, in words.
fn disagreement(world: &World, ours: &ThreadView) -> Option<String> {
    let now = world.now();
    let Some(seller) = world.nodes.iter().find(|node| node.seller() == ours.seller) else {
        return Some("nobody is its seller".into());
    };
    let cheated = world.is_cheated(ours.intent, ours.seller);
    let Some(theirs) = seller.market.as_ref().and_then(|market| market.thread(now, ours.id)) else {
        return (!cheated).then(|| "its seller does not know it".into());
    };
    let forged_by = |cheat: Role, held: &ThreadView, written: &ThreadView| {
        let written: BTreeSet<RecordId> = written.letters.iter().map(|letter| letter.id).collect();
        let mut letters = held.letters.iter().filter(|letter| letter.from == cheat);
        let forged = letters.find(|letter| !written.contains(&letter.id));
        forged.map(|letter| format!("a forged {} was taken in", letter.what))
    };
    if seller.rogue {
        return forged_by(Role::Seller, ours, &theirs);
    }
    if cheated {
        return forged_by(Role::Customer, &theirs, ours);
    }
    let (ours, theirs) = (sense(ours), sense(&theirs));
    (ours != theirs).then(|| format!("the two sides hold\n{ours}\n{theirs}"))
}

/// What a conversation comes to, the same on both sides.
fn sense(thread: &ThreadView) -> String {
    let letters: Vec<_> = thread
        .letters
        .iter()
        .map(|letter| (letter.from, letter.number, letter.id, &letter.matter))
        .collect();
    format!(
        "{letters:?}\nround {} of {}\n{:?}\n{:?}\n{:?}\n{:?}",
        thread.round, thread.max_rounds, thread.deal, thread.proposals, thread.requests, thread.grants
    )
}

/// A conversation, but for tries that no restart remembers.
fn remembered(mut thread: ThreadView) -> ThreadView {
    for letter in &mut thread.letters {
        if matches!(letter.passage, Some(Passage::Sent { .. } | Passage::Expired)) {
            letter.passage = Some(Passage::Queued);
        }
    }
    thread
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
    let threads: Vec<ThreadView> = market.threads(now).into_iter().map(remembered).collect();
    format!("{:?}\n{offers:?}\n{deals:?}\n{threads:?}", market.intents(now))
}
