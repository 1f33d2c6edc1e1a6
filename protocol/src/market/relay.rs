//! What every node does for all: hears intents, judges them once, passes on the good, and keeps the open ones for
//! whoever comes late.

mod catching_up;

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, Market, PeerBytes, Timer, meter::Meter};
use crate::{
    contact::ReplyPath,
    envelope::{Kind, Signed, Verified, kind_of, record_id},
    fault::{Fault, Verdict},
    id::{IntentId, RecordId},
    intent::{Amendment, Intent, Withdrawal},
    limits,
    list::Bytes,
    time::{Seconds, Timestamp},
    topic::{Topic, for_intent},
};

/// How often what has expired is forgotten.
const PRUNE: Seconds = Seconds(60);
/// Peers asked, for each topic, what is open, in one [`PULL_SPAN`].
const PULLS_PER_SPAN: usize = 3;
/// Listeners told, for each topic, what we want, in one [`PULL_SPAN`]: enough that a want outlives those who heard it.
const TELLS_PER_SPAN: usize = 8;
/// The span in question.
const PULL_SPAN: Seconds = Seconds(60);
/// Room for records in a page, beside the frame's own few bytes.
const PAGE_BYTES: usize = limits::FRAME_BYTES - 64;

/// An open intent as it was heard.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) intent: Verified<Intent>,
    pub(super) amendment: Option<Verified<Amendment>>,
    /// Its tombstone, once it is withdrawn.
    withdrawal: Option<Verified<Withdrawal>>,
}

impl Open {
    fn bytes(&self) -> usize {
        self.intent.bytes().len() + self.amendment.as_ref().map_or(0, |amendment| amendment.bytes().len())
    }

    pub(super) fn wanted(&self) -> &Intent {
        self.amendment
            .as_ref()
            .map_or(self.intent.body(), |amendment| &amendment.now)
    }

    pub(super) fn revision(&self) -> RecordId {
        self.amendment.as_ref().map_or(self.intent.id(), Verified::id)
    }

    fn expires(&self) -> Timestamp {
        self.intent.header().expires
    }
}

/// Records for one frame, each want with its newest amendment.
#[derive(Default)]
struct Page {
    records: Vec<Bytes<{ limits::GOSSIP_BYTES }>>,
    bytes: usize,
}

impl Page {
    /// Whether there was room.
    fn add(&mut self, intent: &Verified<Intent>, amendment: Option<&Verified<Amendment>>) -> bool {
        let envelopes = [Some(intent.bytes()), amendment.map(Verified::bytes)];
        let envelopes = envelopes.into_iter().flatten();
        let needs: usize = envelopes.clone().map(|bytes| bytes.len() + 8).sum();
        if self.bytes + needs > PAGE_BYTES || self.records.len() + 2 > limits::PULL {
            return false;
        }
        self.bytes += needs;
        self.records
            .extend(envelopes.filter_map(|bytes| Bytes::new(bytes).ok()));
        true
    }
}

/// The relaying part of a node.
#[derive(Debug)]
pub(super) struct Relay {
    open: BTreeMap<IntentId, Open>,
    by_expiry: BTreeSet<(Timestamp, IntentId)>,
    bytes: usize,
    /// Records judged good, and the topics on which they were, one bit each, by when they may be forgotten.
    seen: BTreeMap<RecordId, u64>,
    seen_by_expiry: BTreeSet<(Timestamp, RecordId)>,
    gossip: Meter,
    frames: Meter,
    /// Who was asked on each topic, and when.
    pulls: BTreeMap<Topic, BTreeMap<PeerBytes, Timestamp>>,
    /// Who was told our own wants on each topic, and when.
    told: BTreeMap<Topic, BTreeMap<PeerBytes, Timestamp>>,
    /// Amendments and withdrawals that overtook their intent: gossip brings each once, so they wait for it here.
    early: BTreeMap<IntentId, Vec<(Topic, Vec<u8>)>>,
    /// Peers of topics that we do not listen on, or not yet.
    met: BTreeMap<Topic, Vec<ReplyPath>>,
    counts: [u64; 3],
    pruning: bool,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            open: BTreeMap::new(),
            by_expiry: BTreeSet::new(),
            bytes: 0,
            seen: BTreeMap::new(),
            seen_by_expiry: BTreeSet::new(),
            gossip: Meter::new(limits::GOSSIP_PER_MINUTE),
            frames: Meter::new(limits::FRAMES_PER_MINUTE),
            pulls: BTreeMap::new(),
            told: BTreeMap::new(),
            early: BTreeMap::new(),
            met: BTreeMap::new(),
            counts: [0; 3],
            pruning: false,
        }
    }
}

/// The topics that an intent is said on.
pub(super) fn topics_of(intent: &Intent) -> BTreeSet<Topic> {
    for_intent(intent.category, [intent.place.region.country.code()])
}

fn bit(topic: Topic) -> u64 {
    Topic::all().position(|other| other == topic).map_or(0, |at| 1 << at)
}

impl Relay {
    pub(super) fn counts(&self) -> [u64; 3] {
        self.counts
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn open(&self) -> impl Iterator<Item = (&IntentId, &Open)> {
        self.open.iter().filter(|(_, open)| open.withdrawal.is_none())
    }

    pub(super) fn find(&self, id: IntentId) -> Option<&Open> {
        self.open.get(&id).filter(|open| open.withdrawal.is_none())
    }

    pub(super) fn withdrawal(&self, id: IntentId) -> Option<&Verified<Withdrawal>> {
        self.open.get(&id).and_then(|open| open.withdrawal.as_ref())
    }

    pub(super) fn may_send(&mut self, now: Timestamp, peer: &[u8]) -> bool {
        self.frames.take(now, peer)
    }

    pub(super) fn gone(&mut self, peer: &[u8]) {
        for asked in self.pulls.values_mut().chain(self.told.values_mut()) {
            asked.remove(peer);
        }
    }

    /// Somebody was not told after all, and may be later.
    pub(super) fn tell_failed(&mut self, topic: Topic, peer: &[u8]) {
        if let Some(told) = self.told.get_mut(&topic) {
            told.remove(peer);
        }
    }

    /// A pull came to nothing: somebody else may be asked, and the same one again.
    pub(super) fn pull_failed(&mut self, topic: Topic, peer: &[u8]) {
        if let Some(asked) = self.pulls.get_mut(&topic) {
            asked.remove(peer);
        }
    }

    /// Keeps a verified record whose intent is not here yet.
    fn put_by(&mut self, intent: IntentId, topic: Topic, bytes: &[u8]) {
        if !self.early.contains_key(&intent) && self.early.len() >= limits::EARLY {
            self.early.pop_first();
        }
        let waiting = self.early.entry(intent).or_default();
        if waiting.len() < limits::EARLY_PER_INTENT {
            waiting.push((topic, bytes.to_vec()));
        }
    }

    fn count(&mut self, verdict: Verdict) {
        self.counts[match verdict {
            Verdict::Accept => 0,
            Verdict::Ignore => 1,
            Verdict::Reject => 2,
        }] += 1;
    }

    fn remember(&mut self, record: RecordId, topic: Topic, until: Timestamp) {
        *self.seen.entry(record).or_default() |= bit(topic);
        self.seen_by_expiry.insert((until, record));
        while self.seen.len() > limits::SEEN {
            let Some((_, oldest)) = self.seen_by_expiry.pop_first() else {
                break;
            };
            self.seen.remove(&oldest);
        }
    }

    fn keep(&mut self, id: IntentId, open: Open) {
        self.drop_open(id);
        self.bytes += open.bytes();
        self.by_expiry.insert((open.expires(), id));
        self.open.insert(id, open);
        // What would be forgotten soonest anyway makes room.
        while self.open.len() > limits::OPEN_INTENTS || self.bytes > limits::OPEN_INTENT_BYTES {
            let Some((_, soonest)) = self.by_expiry.first().copied() else {
                break;
            };
            self.drop_open(soonest);
        }
    }

    fn drop_open(&mut self, id: IntentId) {
        if let Some(open) = self.open.remove(&id) {
            self.bytes -= open.bytes();
            self.by_expiry.remove(&(open.expires(), id));
        }
    }

    fn forget_expired(&mut self, now: Timestamp) {
        while let Some((_, id)) = self.by_expiry.first().copied().filter(|(at, _)| *at <= now) {
            self.drop_open(id);
        }
        while let Some((at, id)) = self.seen_by_expiry.first().copied().filter(|(at, _)| *at <= now) {
            self.seen_by_expiry.remove(&(at, id));
            self.seen.remove(&id);
        }
    }
}

/// What was heard that a listener should look at.
enum Heard {
    Intent(IntentId),
    Amendment(IntentId),
    Withdrawal(IntentId),
}

impl Market {
    /// Judges a gossip message, once, and lets the listener look at what is good.
    pub(super) fn hear(&mut self, now: Timestamp, peer: &[u8], topic: Topic, bytes: &[u8]) -> Verdict {
        if self.is_broken() {
            return Verdict::Ignore;
        }
        let judged = if self.relay.gossip.take(now, peer) {
            self.judge(now, topic, bytes)
        } else {
            Err(Fault::Rate)
        };
        self.judged(now, judged)
    }

    /// The same of a record that was verified before.
    pub(super) fn hear_checked(&mut self, now: Timestamp, peer: &[u8], topic: Topic, record: Checked) -> Verdict {
        if self.is_broken() {
            return Verdict::Ignore;
        }
        let judged = if self.relay.gossip.take(now, peer) {
            self.judge_checked(now, topic, record)
        } else {
            Err(Fault::Rate)
        };
        self.judged(now, judged)
    }

    fn judged(&mut self, now: Timestamp, judged: Result<Heard, Fault>) -> Verdict {
        let verdict = judged.as_ref().err().map_or(Verdict::Accept, Fault::verdict);
        self.relay.count(verdict);
        if let Ok(heard) = judged {
            self.look_at(now, heard);
        }
        verdict
    }

    fn look_at(&mut self, now: Timestamp, heard: Heard) {
        if !self.relay.pruning {
            self.relay.pruning = true;
            self.remind(now.plus(PRUNE), Timer::Prune);
        }
        match heard {
            Heard::Intent(intent) => {
                for (topic, bytes) in self.relay.early.remove(&intent).unwrap_or_default() {
                    if let Ok(heard) = self.judge(now, topic, &bytes) {
                        self.look_at(now, heard);
                    }
                }
                self.meet(now, intent);
                self.consider(now, intent);
            }
            Heard::Amendment(intent) => {
                self.meet(now, intent);
                self.heard_amended(now, intent);
            }
            Heard::Withdrawal(intent) => self.heard_withdrawn(now, intent),
        }
    }

    /// The stages of judgement for what is gossiped: size, seen, time, stamp and signature, schema, context.
    fn judge(&mut self, now: Timestamp, topic: Topic, bytes: &[u8]) -> Result<Heard, Fault> {
        if bytes.len() > limits::GOSSIP_BYTES {
            return Err(Fault::Exceeded {
                what: "gossip bytes",
                limit: limits::GOSSIP_BYTES as u64,
            });
        }
        self.judge_new(record_id(bytes), topic)?;
        match kind_of(bytes) {
            Some(Kind::Intent) => self.judge_intent(now, topic, bytes),
            Some(Kind::Amendment) => self.judge_amendment(now, topic, bytes),
            Some(Kind::Withdrawal) => self.judge_withdrawal(now, topic, bytes),
            Some(other) => Err(Fault::Unexpected { kind: other as u8 }),
            None => Err(match bytes {
                [] => Fault::Missing("envelope"),
                [limits::VERSION] => Fault::Missing("kind"),
                [limits::VERSION, kind, ..] => Fault::Unexpected { kind: *kind },
                [version, ..] => Fault::Unsupported { version: *version },
            }),
        }
    }

    fn judge_new(&self, id: RecordId, topic: Topic) -> Result<(), Fault> {
        match self.relay.seen.get(&id).is_some_and(|topics| topics & bit(topic) != 0) {
            true => Err(Fault::Duplicate),
            false => Ok(()),
        }
    }

    fn judge_checked(&mut self, now: Timestamp, topic: Topic, record: Checked) -> Result<Heard, Fault> {
        match record {
            Checked::Intent(intent) => {
                self.judge_new(intent.id(), topic)?;
                intent.header().timely(now)?;
                self.take_intent(topic, *intent)
            }
            Checked::Withdrawal(withdrawal) => {
                self.judge_new(withdrawal.id(), topic)?;
                withdrawal.header().timely(now)?;
                self.take_end(topic, withdrawal)
            }
        }
    }

    fn judge_intent(&mut self, now: Timestamp, topic: Topic, bytes: &[u8]) -> Result<Heard, Fault> {
        let signed = Signed::<Intent>::parse(bytes)?;
        signed.timely(now)?;
        let id = IntentId::from(signed.id());
        let known = self
            .relay
            .open
            .get(&id)
            .is_some_and(|open| open.intent.bytes() == bytes);
        let intent = if known {
            self.relay.open[&id].intent.clone()
        } else {
            signed.verify()?
        };
        self.take_intent(topic, intent)
    }

    fn take_intent(&mut self, topic: Topic, intent: Verified<Intent>) -> Result<Heard, Fault> {
        let id = IntentId::from(intent.id());
        if !topics_of(&intent).contains(&topic) {
            return Err(Fault::WrongTopic);
        }
        self.relay.remember(intent.id(), topic, intent.header().expires);
        if !self.relay.open.contains_key(&id) {
            self.relay.keep(
                id,
                Open {
                    intent,
                    amendment: None,
                    withdrawal: None,
                },
            );
        }
        Ok(Heard::Intent(id))
    }

    fn judge_amendment(&mut self, now: Timestamp, topic: Topic, bytes: &[u8]) -> Result<Heard, Fault> {
        let signed = Signed::<Amendment>::parse(bytes)?;
        signed.timely(now)?;
        let amendment = signed.verify()?;
        let Some(open) = self.relay.open.get(&amendment.intent) else {
            self.relay.put_by(amendment.intent, topic, bytes);
            return Err(Fault::UnknownReference);
        };
        if open.intent.header().author != amendment.header().author {
            return Err(Fault::NotTheAuthor);
        }
        if !topics_of(&amendment.now).contains(&topic) {
            return Err(Fault::WrongTopic);
        }
        let known = open.amendment.as_ref();
        if known.is_some_and(|known| known.id() != amendment.id() && known.sequence >= amendment.sequence) {
            return Err(Fault::Superseded);
        }
        if amendment.header().expires > open.expires() {
            return Err(Fault::Invalid {
                field: "expires",
                why: "not after its intent".into(),
            });
        }
        let id = amendment.intent;
        let open = Open {
            amendment: Some(amendment.clone()),
            ..open.clone()
        };
        self.relay.remember(amendment.id(), topic, amendment.header().expires);
        self.relay.keep(id, open);
        Ok(Heard::Amendment(id))
    }

    fn judge_withdrawal(&mut self, now: Timestamp, topic: Topic, bytes: &[u8]) -> Result<Heard, Fault> {
        let signed = Signed::<Withdrawal>::parse(bytes)?;
        signed.timely(now)?;
        self.take_end(topic, signed.verify()?)
    }

    fn take_end(&mut self, topic: Topic, withdrawal: Verified<Withdrawal>) -> Result<Heard, Fault> {
        let Some(open) = self.relay.open.get_mut(&withdrawal.intent) else {
            self.relay.put_by(withdrawal.intent, topic, withdrawal.bytes());
            return Err(Fault::UnknownReference);
        };
        if open.intent.header().author != withdrawal.header().author {
            return Err(Fault::NotTheAuthor);
        }
        if !topics_of(open.wanted()).contains(&topic) {
            return Err(Fault::WrongTopic);
        }
        open.withdrawal = Some(withdrawal.clone());
        self.relay.remember(withdrawal.id(), topic, withdrawal.header().expires);
        Ok(Heard::Withdrawal(withdrawal.intent))
    }

    pub(super) fn prune(&mut self, now: Timestamp) {
        self.relay.forget_expired(now);
        self.outbox.forget_expired(now);
        self.forget_heard(now);
        self.remind(now.plus(PRUNE), Timer::Prune);
    }
}
