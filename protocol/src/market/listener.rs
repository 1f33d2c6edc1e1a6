//! The seller's side: hear a want, search, admit, offer, and honour what was offered.

mod hearing;
mod honouring;
mod showing;

use std::collections::{BTreeMap, VecDeque};

use super::{Answered, DeliveryState, Denied, Event, Market, Output, Task, relay::Open};
use crate::{
    contact::ReplyPath,
    envelope::{Verified, sign},
    frame::{Frame, Refusal},
    id::{AgreementId, IntentId, OfferId, RecordId},
    intent::{Amendment, Intent, Withdrawal},
    item::Item,
    ledger::Fact,
    letter::ThreadId,
    limits,
    list::Bytes,
    offer::{Offer, Reason},
    rules::{Asked, Quote, Rules},
    text::Word,
    thread::OfferFate,
    time::{Seconds, Timestamp},
};

/// Searches under way at once; the rest wait in line.
const SEARCHES: usize = 4;
/// Intents that wait to be searched for.
const WAITING: usize = 4_096;
/// How late, by our clock, an acceptance may come in that was signed in time.
pub(super) const LATE: Seconds = Seconds(15 * 60);

/// What a search found: an item, and when its stock was counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// What.
    pub item: Item,
    /// Stock sold since then comes off what the item says.
    pub counted: Timestamp,
}

/// A want that we answer.
#[derive(Debug)]
pub(super) struct Heard {
    intent: Verified<Intent>,
    amendments: Vec<Verified<Amendment>>,
    withdrawal: Option<Verified<Withdrawal>>,
    offers: BTreeMap<OfferId, Made>,
}

/// An offer of ours.
#[derive(Debug)]
struct Made {
    offer: Verified<Offer>,
    /// We have answered a newer version of the want: nothing is held for this one any more. It is our word all the same,
    /// to a customer who says yes before the newer one is there.
    superseded: bool,
    item: Word,
    stock: Option<u32>,
    counted: Timestamp,
    declined: Option<Reason>,
    /// Why we said no to the customer's yes.
    refused: Option<Refusal>,
    agreed: Option<AgreementId>,
    /// What we have made of it since.
    fate: OfferFate,
}

impl Made {
    fn thread(&self) -> ThreadId {
        ThreadId {
            intent: self.offer.intent,
            seller: self.offer.header().author,
        }
    }
}

impl Heard {
    pub(super) fn wanted(&self) -> &Intent {
        self.amendments
            .last()
            .map_or(self.intent.body(), |amendment| &amendment.now)
    }

    fn revision(&self) -> RecordId {
        self.amendments.last().map_or(self.intent.id(), Verified::id)
    }

    /// What the want said in each of its versions.
    pub(super) fn versions(&self) -> Vec<(RecordId, &Intent)> {
        let later = self.amendments.iter().map(|it| (it.id(), &it.now));
        std::iter::once((self.intent.id(), self.intent.body()))
            .chain(later)
            .collect()
    }

    /// Whether an offer of ours could be taken up after `made`, or something was about to be said, since no want is kept for
    /// nothing.
    pub(super) fn goes_on_after(&self, made: Timestamp) -> bool {
        let mut offers = self.offers.values();
        self.offers.is_empty() || offers.any(|it| it.agreed.is_some() || it.offer.valid_until.plus(LATE) > made)
    }

    pub(super) fn amendments(&self) -> &[Verified<Amendment>] {
        &self.amendments
    }

    pub(super) fn withdrawn(&self) -> Option<&Verified<Withdrawal>> {
        self.withdrawal.as_ref()
    }

    fn amendment(&self, revision: RecordId) -> Option<&Verified<Amendment>> {
        self.amendments.iter().find(|amendment| amendment.id() == revision)
    }

    /// What the want said in a version.
    fn said_in(&self, revision: RecordId) -> &Intent {
        self.amendment(revision)
            .map_or(self.intent.body(), |amendment| &amendment.now)
    }

    /// Whether an offer that stands is an answer to this version.
    fn has_answer_to(&self, wanted: &Intent) -> bool {
        let mut standing = self.offers.values().filter(|made| !made.superseded);
        standing.any(|made| self.said_in(made.offer.revision).asks_the_same(wanted))
    }

    /// Whether we know a newer version than this one.
    fn is_ahead_of(&self, open: &Open) -> bool {
        let sequence = |amendment: &Verified<Amendment>| amendment.sequence;
        self.amendments.last().map(sequence) > open.amendment.as_ref().map(sequence)
    }
}

/// What the listener has in hand. But for the quota none of it outlives a restart: it comes again by pulling.
#[derive(Debug, Default)]
pub(super) struct Listener {
    waiting: VecDeque<IntentId>,
    searching: usize,
    /// Quotes that wait for a person's word.
    asking: BTreeMap<IntentId, Vec<(Quote, Candidate)>>,
    /// When the last offers went out, for the hourly quota.
    sent: VecDeque<Timestamp>,
}

impl Listener {
    fn quota(&mut self, now: Timestamp, per_hour: u32) -> usize {
        while self.sent.front().is_some_and(|at| now.since(*at) >= 3_600_000) {
            self.sent.pop_front();
        }
        (per_hour as usize).saturating_sub(self.sent.len())
    }
}

fn asked<'a>(open: &'a Open, id: IntentId) -> Asked<'a> {
    Asked {
        id,
        revision: open.revision(),
        intent: open.wanted(),
        expires: open.intent.header().expires,
    }
}

/// Hearing and offering.
impl Market {
    /// Looks at an open intent: if the rules might answer it, it is searched for.
    pub(super) fn consider(&mut self, now: Timestamp, id: IntentId) {
        let (Some(rules), Some(open)) = (&self.config.rules, self.relay.find(id)) else {
            return;
        };
        // What came round is old where we know a newer version: that one will come round as well.
        let told = self
            .heard
            .get(&id)
            .is_some_and(|heard| heard.is_ahead_of(open) || heard.has_answer_to(open.wanted()));
        let ours = self.own.contains_key(&id);
        if told || ours || open.wanted().offers_due <= now || rules.hears(&asked(open, id)).is_err() {
            return;
        }
        if self.listener.waiting.contains(&id) || self.listener.waiting.len() >= WAITING {
            return;
        }
        // A search under way looks again by itself where the want has changed meanwhile.
        let searching = |task: &Task| matches!(task, Task::Search { intent, .. } if *intent == id);
        if self.tasks.values().any(searching) {
            return;
        }
        self.event(Event::Heard { intent: id });
        self.listener.waiting.push_back(id);
        self.search_next();
    }

    /// The rules changed: look at everything open anew.
    pub(super) fn reconsider(&mut self, now: Timestamp) {
        let open: Vec<IntentId> = self.relay.open().map(|(id, _)| *id).collect();
        for id in open {
            self.consider(now, id);
        }
    }

    fn search_next(&mut self) {
        while self.listener.searching < SEARCHES {
            let Some(id) = self.listener.waiting.pop_front() else {
                return;
            };
            let Some(open) = self.relay.find(id) else { continue };
            let (intent, revision) = (Box::new(open.wanted().clone()), open.revision());
            self.listener.searching += 1;
            let task = self.begin(Task::Search { intent: id, revision });
            self.out.push_back(Output::Search { task, intent });
        }
    }

    /// What the catalogue has: quote, keep what is admissible, best first, and send as many as may go.
    pub(super) fn found(&mut self, now: Timestamp, id: IntentId, revision: RecordId, candidates: Vec<Candidate>) {
        self.listener.searching = self.listener.searching.saturating_sub(1);
        self.search_next();
        let Some(rules) = self.config.rules.clone() else { return };
        let Some(open) = self.relay.find(id).cloned() else {
            return;
        };
        if open.revision() != revision {
            return self.consider(now, id);
        }
        if open.wanted().offers_due <= now {
            return;
        }
        // Where nobody can reach us nobody can accept: the intent stays open and is looked at again.
        if self.reply.is_none() {
            return;
        }
        let (mut quotes, why) = self.quotes(now, &rules, &asked(&open, id), candidates);
        let wanted = usize::from(rules.offers_per_intent.min(open.wanted().offers_per_seller));
        let quota = self.listener.quota(now, rules.offers_per_hour);
        quotes.truncate(wanted.min(quota));
        // What waited for a person's word answered an earlier version, or nothing.
        self.listener.asking.remove(&id);
        if rules.answer == crate::rules::Answer::Ask && !quotes.is_empty() {
            self.event(Event::Asking {
                intent: id,
                offers: quotes.len(),
            });
            if self.listener.asking.len() >= limits::OWN_INTENTS {
                self.listener.asking.pop_first();
            }
            self.listener.asking.insert(id, quotes);
            return;
        }
        let why = if quota == 0 {
            "the hourly quota of offers is used up".into()
        } else {
            why
        };
        self.event(Event::Answered {
            intent: id,
            offers: quotes.len(),
            why,
        });
        self.offer_all(now, id, &open, quotes);
    }

    /// Quotes for every candidate that the rules and the intent admit, best first, and why there are no more.
    fn quotes(
        &self,
        now: Timestamp,
        rules: &Rules,
        asked: &Asked,
        candidates: Vec<Candidate>,
    ) -> (Vec<(Quote, Candidate)>, String) {
        let Some(reply) = &self.reply else {
            return (Vec::new(), String::new());
        };
        let mut why = format!("{} candidates", candidates.len());
        let mut quotes = Vec::new();
        for candidate in candidates {
            let left = self.left(
                now,
                &candidate.item.id,
                candidate.item.stock,
                candidate.counted,
                asked.id,
            );
            match rules.quote(now, asked, &candidate.item, left, reply) {
                Ok(quote) => quotes.push((quote, candidate)),
                Err(no) => why = no.0,
            }
        }
        // What is near is for when there is nothing else.
        if quotes.iter().any(|(quote, _)| quote.is_exact()) {
            quotes.retain(|(quote, _)| quote.is_exact());
        }
        quotes.sort_by(|(a, x), (b, y)| {
            (b.score.total(), a.offer.totals.total, &x.item.id).cmp(&(
                a.score.total(),
                b.offer.totals.total,
                &y.item.id,
            ))
        });
        if !quotes.is_empty() {
            why = format!("{} items fit", quotes.len());
        }
        (quotes, why)
    }

    /// Pieces free to promise to one want: what was counted, less what was sold since, less what is held for others. What
    /// is held for the same want is not in its way: it takes one offer.
    fn left(
        &self,
        now: Timestamp,
        item: &Word,
        stock: Option<u32>,
        counted: Timestamp,
        wanted_by: IntentId,
    ) -> Option<u32> {
        // Where nobody counts there is nothing to add up.
        let stock = stock?;
        let gone: u64 = self
            .heard
            .values()
            .flat_map(|heard| heard.offers.values().map(move |made| (heard, made)))
            .filter(|(_, made)| made.item == *item)
            .filter(|(heard, made)| match made.agreed {
                Some(agreement) => self
                    .deals
                    .get(&agreement)
                    .is_some_and(|deal| deal.settled.at() > counted),
                None => {
                    heard.withdrawal.is_none()
                        && made.fate == OfferFate::Stands
                        && made.offer.intent != wanted_by
                        && !made.superseded
                        && made.declined.is_none()
                        && made.refused.is_none()
                        && made.offer.held_until.is_some_and(|until| until > now)
                }
            })
            .flat_map(|(_, made)| made.offer.lines.iter().map(|line| u64::from(line.quantity)))
            .sum();
        Some(stock.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX)))
    }

    fn offer_all(&mut self, now: Timestamp, id: IntentId, open: &Open, quotes: Vec<(Quote, Candidate)>) {
        if quotes.is_empty() {
            return;
        }
        if !self.heard.contains_key(&id) {
            self.record(now, Fact::Heard(open.intent.clone()));
        }
        if let Some(amendment) = &open.amendment {
            self.hear_amendment(now, amendment);
        }
        let key = self.seed.seller_key();
        for (quote, candidate) in quotes {
            let valid_until = quote.offer.valid_until;
            let Ok(offer) = sign(&key, now, valid_until, quote.offer) else {
                continue;
            };
            let (record, item) = (offer.id(), candidate.item);
            self.record(
                now,
                Fact::Offered {
                    offer: offer.clone(),
                    item: item.id,
                    stock: item.stock,
                    counted: candidate.counted,
                },
            );
            self.post_offer(now, record, &offer, open.wanted());
        }
    }

    fn post_offer(&mut self, now: Timestamp, record: RecordId, offer: &Verified<Offer>, wanted: &Intent) {
        let until = offer.valid_until.min(wanted.offers_due);
        if let Ok(bytes) = Bytes::new(offer.bytes()) {
            self.post(now, record, wanted.reply.clone(), Frame::Offer(bytes), until);
        }
    }

    /// A person decided on the offers that waited.
    pub(super) fn decide(&mut self, now: Timestamp, id: IntentId, send: bool) -> Result<Answered, Denied> {
        let quotes = self.listener.asking.remove(&id).ok_or(Denied::NothingToDecide(id))?;
        let open = self.relay.find(id).cloned().ok_or(Denied::Withdrawn)?;
        if send && open.wanted().offers_due <= now {
            return Err(Denied::Expired(open.wanted().offers_due));
        }
        if send {
            let Some(rules) = self.config.rules.clone() else {
                return Err(Denied::NothingToDecide(id));
            };
            // Prices and stock are of the moment they were asked about; time has passed, so quote again.
            let candidates = quotes.into_iter().map(|(_, candidate)| candidate).collect();
            let (quotes, _) = self.quotes(now, &rules, &asked(&open, id), candidates);
            self.event(Event::Answered {
                intent: id,
                offers: quotes.len(),
                why: "a person decided".into(),
            });
            self.offer_all(now, id, &open, quotes);
        }
        Ok(Answered::Ok)
    }

    pub(super) fn apply_offered(
        &mut self,
        offer: &Verified<Offer>,
        item: &Word,
        stock: Option<u32>,
        counted: Timestamp,
    ) {
        let id = OfferId::from(offer.id());
        let fate = self.threads.fate(offer.intent, offer.header().author, id);
        if let Some(heard) = self.heard.get_mut(&offer.intent) {
            self.listener.sent.push_back(offer.header().created);
            self.offers.insert(id, offer.intent);
            let wanted = heard.said_in(offer.revision);
            let earlier: Vec<OfferId> = heard
                .offers
                .iter()
                .filter(|(_, made)| made.agreed.is_none() && !heard.said_in(made.offer.revision).asks_the_same(wanted))
                .map(|(id, _)| *id)
                .collect();
            for id in earlier {
                if let Some(made) = heard.offers.get_mut(&id) {
                    made.superseded = true;
                    self.outbox.close(RecordId(id.0));
                }
            }
            heard.offers.insert(
                id,
                Made {
                    offer: offer.clone(),
                    superseded: false,
                    item: item.clone(),
                    stock,
                    counted,
                    declined: None,
                    refused: None,
                    agreed: None,
                    fate,
                },
            );
        }
    }

    /// Wants that ended long ago and led to nothing are forgotten; the ledger still has them.
    pub(super) fn forget_heard(&mut self, now: Timestamp) {
        let over = |heard: &Heard| {
            let kept_for = match self.unsure.of_intent(heard.intent.id().into()) {
                Some(_) => limits::UNSURE_FOR,
                None => LATE,
            };
            heard.intent.header().expires.plus(limits::CLOCK_SKEW) <= now
                && heard
                    .offers
                    .values()
                    .all(|made| made.agreed.is_none() && made.offer.valid_until.plus(kept_for) <= now)
        };
        let gone: Vec<IntentId> = self
            .heard
            .iter()
            .filter(|(_, heard)| over(heard))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.forget_threads(id);
            if let Some(heard) = self.heard.remove(&id) {
                for offer in heard.offers.keys() {
                    self.offers.remove(offer);
                }
            }
        }
    }

    /// After replay: offers that nobody acknowledged go out again.
    pub(super) fn resume_listener(&mut self, now: Timestamp) {
        let unsent: Vec<(RecordId, Verified<Offer>, Intent)> = self
            .heard
            .values()
            .filter(|heard| heard.withdrawal.is_none())
            .flat_map(|heard| heard.offers.values().map(move |made| (made, heard)))
            .filter(|(made, _)| {
                made.agreed.is_none()
                    && made.fate == OfferFate::Stands
                    && !made.superseded
                    && made.declined.is_none()
                    && made.refused.is_none()
                    && made.offer.valid_until > now
            })
            .filter(|(made, _)| self.outbox.delivery(made.offer.id()).is_none())
            // One that takes another's place goes with the letter that says so.
            .filter(|(made, _)| !self.is_revision(made.thread(), made.offer.id()))
            .map(|(made, heard)| (made.offer.id(), made.offer.clone(), heard.wanted().clone()))
            .collect();
        for (record, offer, wanted) in unsent {
            self.post_offer(now, record, &offer, &wanted);
        }
    }

    /// A want that we answer, as it was first cast.
    pub(super) fn heard_intent(&self, intent: IntentId) -> Option<&Verified<Intent>> {
        self.heard.get(&intent).map(|heard| &heard.intent)
    }

    /// Its newest record.
    pub(super) fn heard_revision(&self, intent: IntentId) -> Option<RecordId> {
        self.heard.get(&intent).map(Heard::revision)
    }

    /// Our offers to a want.
    pub(super) fn offers_made(&self, intent: IntentId) -> Vec<(OfferId, &Offer)> {
        let offers = self
            .heard
            .get(&intent)
            .into_iter()
            .flat_map(|heard| heard.offers.iter());
        offers.map(|(id, made)| (*id, made.offer.body())).collect()
    }

    /// Our offers to a want that its customer has, as they were signed.
    pub(super) fn offers_brought(&self, intent: IntentId) -> Vec<(OfferId, &[u8])> {
        let offers = self.heard.get(&intent).into_iter().flat_map(|heard| &heard.offers);
        offers
            .filter(|(_, made)| self.outbox.delivery(made.offer.id()) == Some(DeliveryState::Stored))
            .map(|(id, made)| (*id, made.offer.bytes()))
            .collect()
    }

    /// Where our newest offer to a want that the customer has says that we are reached, and when it said so.
    pub(super) fn reply_we_gave(&self, intent: IntentId) -> Option<(Timestamp, ReplyPath)> {
        let offers = self.heard.get(&intent)?.offers.values();
        let there = |made: &&Made| {
            made.agreed.is_some() || self.outbox.delivery(made.offer.id()) == Some(DeliveryState::Stored)
        };
        let newest = offers.filter(there).max_by_key(|made| made.offer.header().created)?;
        Some((newest.offer.header().created, newest.offer.seller.reply.clone()))
    }

    /// Where the customer of a want said last, to all, that it is reached, and when.
    pub(super) fn reply_of_customer(&self, intent: IntentId) -> Option<(Timestamp, ReplyPath)> {
        let heard = self.heard.get(&intent)?;
        let last = heard.amendments.last().map(|amendment| *amendment.header());
        let said = last.unwrap_or(*heard.intent.header()).created;
        Some((said, heard.wanted().reply.clone()))
    }

    /// An offer of ours, of which item, and how many there were when.
    pub(super) fn made(&self, id: OfferId) -> Option<(Verified<Offer>, Word, Option<u32>, Timestamp)> {
        let heard = self.offers.get(&id).and_then(|intent| self.heard.get(intent))?;
        let made = heard.offers.get(&id)?;
        Some((made.offer.clone(), made.item.clone(), made.stock, made.counted))
    }

    /// A letter of a seller made something of an offer, if it is that seller's, and in that conversation.
    pub(super) fn apply_fate(&mut self, thread: ThreadId, id: OfferId, fate: OfferFate) {
        let made = self
            .heard
            .get_mut(&thread.intent)
            .and_then(|heard| heard.offers.get_mut(&id));
        if let Some(made) = made.filter(|made| made.offer.header().author == thread.seller) {
            made.fate = fate;
        }
        if let Some(own) = self.own.get_mut(&thread.intent) {
            own.apply_fate(thread.seller, id, fate);
        }
    }

    /// The intent and the offer that a record of ours is.
    pub(super) fn made_offer(&self, record: RecordId) -> Option<(IntentId, OfferId)> {
        let id = OfferId::from(record);
        let intent = self.offers.get(&id)?;
        self.heard
            .get(intent)
            .filter(|heard| heard.offers.contains_key(&id))
            .map(|_| (*intent, id))
    }
}
