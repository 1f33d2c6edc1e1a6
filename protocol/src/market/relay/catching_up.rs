//! What is open is told to whoever comes late, and asked of whoever was there before us.

use super::{PULL_SPAN, PULLS_PER_SPAN, Page, TELLS_PER_SPAN, topics_of};
use crate::{
    contact::ReplyPath,
    envelope::{Kind, kind_of, record_id},
    fault::Fault,
    frame::{Frame, Refusal},
    id::{IntentId, RecordId},
    limits,
    list::{Bytes, List},
    market::{Market, Output, Task},
    time::{Seconds, Timestamp},
    topic::Topic,
};

impl Market {
    /// What is open on a topic, one page of it.
    pub(in crate::market) fn open_page(&self, now: Timestamp, topic: Topic, after: Option<RecordId>) -> Frame {
        let after = after.map(IntentId::from);
        let mut page = Page::default();
        let mut more = false;
        for (id, open) in self.relay.open.range(after.unwrap_or_default()..) {
            let skip = Some(*id) == after
                || open.withdrawal.is_some()
                || open.expires() <= now
                || !topics_of(open.wanted()).contains(&topic);
            if !skip && !page.add(&open.intent, open.amendment.as_ref()) {
                more = true;
                break;
            }
        }
        let records = List::cut(page.records);
        Frame::Open { records, more }
    }

    /// A listener came to a topic: it may have lost what it heard of us, and whoever heard it with it. What was just
    /// published it will hear by gossip, and twice is once.
    fn tell(&mut self, now: Timestamp, peer: &ReplyPath, topic: Topic) {
        if peer.peer.is_empty() || self.own.is_empty() {
            return;
        }
        let told = self.relay.told.entry(topic).or_default();
        let lately = told.values().filter(|at| now.since(**at) < PULL_SPAN.millis()).count();
        if lately >= TELLS_PER_SPAN || told.contains_key(&*peer.peer) {
            return;
        }
        let mut page = Page::default();
        for (intent, amendment) in self.own_open(now, topic) {
            if !page.add(intent, amendment) {
                break;
            }
        }
        if page.records.is_empty() {
            return;
        }
        let told = self.relay.told.entry(topic).or_default();
        if told.len() >= limits::METERED_PEERS {
            told.clear();
        }
        told.insert(peer.peer.to_vec(), now);
        let records = List::cut(page.records);
        let frame = Frame::Tell { topic, records }.encode();
        let task = self.begin(Task::Tell {
            topic,
            peer: peer.peer.to_vec(),
        });
        let to = peer.clone();
        self.promise(Output::Send { task, to, frame });
    }

    /// A customer tells us its wants: each is judged, and counted against its rate, as if it had been gossiped. `Err`
    /// where it brings too much; what came before that is taken.
    pub(in crate::market) fn told(
        &mut self,
        now: Timestamp,
        peer: &[u8],
        topic: Topic,
        records: &[Bytes<{ limits::GOSSIP_BYTES }>],
    ) -> Result<Frame, Refusal> {
        for record in records {
            if !self.relay.gossip.take(now, peer) {
                return Err(Refusal::Busy { retry: Seconds(60) });
            }
            if let Ok(heard) = self.judge(now, topic, record) {
                self.look_at(now, heard);
            }
        }
        let records = List::default();
        Ok(Frame::Open { records, more: false })
    }

    /// A peer is on a topic: it may hear what nobody heard yet, and tell what we have missed.
    pub(in crate::market) fn joined(&mut self, now: Timestamp, peer: ReplyPath, topic: Topic) {
        self.publish_to(now, topic);
        self.tell(now, &peer, topic);
        if self.config.rules.is_none() || !self.config.listen.contains(&topic) {
            // Whoever begins to listen later asks those it has met already.
            let met = self.relay.met.entry(topic).or_default();
            if met.len() < PULLS_PER_SPAN && !peer.peer.is_empty() && !met.contains(&peer) {
                met.push(peer);
            }
            return;
        }
        if peer.peer.is_empty() {
            return;
        }
        let asked = self.relay.pulls.entry(topic).or_default();
        let lately = asked.values().filter(|at| now.since(**at) < PULL_SPAN.millis()).count();
        if lately >= PULLS_PER_SPAN || asked.contains_key(&*peer.peer) {
            return;
        }
        if asked.len() >= limits::METERED_PEERS {
            asked.clear();
        }
        asked.insert(peer.peer.to_vec(), now);
        self.pull(topic, peer, None);
    }

    /// Asks those whom we met before we listened.
    pub(in crate::market) fn ask_met(&mut self, now: Timestamp) {
        for (topic, met) in std::mem::take(&mut self.relay.met) {
            for peer in met {
                self.joined(now, peer, topic);
            }
        }
    }

    fn pull(&mut self, topic: Topic, peer: ReplyPath, after: Option<RecordId>) {
        let task = self.begin(Task::Pull {
            topic,
            peer: peer.clone(),
            after,
        });
        let frame = Frame::Pull { topic, after }.encode();
        self.out.push_back(Output::Send { task, to: peer, frame });
    }

    /// A page of what is open: each record is judged as if it had been gossiped.
    pub(in crate::market) fn pulled(
        &mut self,
        now: Timestamp,
        topic: Topic,
        peer: ReplyPath,
        after: Option<RecordId>,
        bytes: &[u8],
    ) {
        let Ok(Frame::Open { records, more }) = Frame::decode(bytes) else {
            return self.relay.pull_failed(topic, &peer.peer);
        };
        let mut last = None;
        let mut sound = false;
        for record in &records {
            if kind_of(record) == Some(Kind::Intent) {
                last = Some(record_id(record));
            }
            match self.judge(now, topic, record) {
                Ok(heard) => {
                    sound = true;
                    self.look_at(now, heard);
                }
                Err(fault) => sound |= fault == Fault::Duplicate,
            }
        }
        // The next page only from one whose page held something sound and went forward: pages end.
        if let Some(last) = last.filter(|last| more && sound && after.is_none_or(|after| after < *last)) {
            self.pull(topic, peer, Some(last));
        }
    }
}
