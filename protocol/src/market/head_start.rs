//! A want told to favourites before it is said to all.
//!
//! Until the head start is over everything about the want goes straight to them, on a stream each; then it is said to
//! all, as it stands by then. It is a courtesy and no secret: whoever is told may pass it on.

use serde::{Deserialize, Serialize};

use super::{Event, Market, Timer, customer::Own, relay::topics_of};
use crate::{
    contact::ReplyPath,
    envelope::Verified,
    frame::Frame,
    id::{IntentId, RecordId, digest},
    keys::PublicKey,
    ledger::Fact,
    limits,
    list::{Bytes, List},
    regard::Regard,
    thread::Role,
    time::{Seconds, Timestamp},
};

/// Who was told of a want first, and until when nobody else is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct HeadStart {
    /// When it is said to all.
    pub until: Timestamp,
    /// The favourites.
    pub favourites: Vec<PublicKey>,
}

impl Own {
    /// Whether only favourites are to hear of it now.
    pub(super) fn is_held_back(&self, now: Timestamp) -> bool {
        self.head_start.as_ref().is_some_and(|it| it.until > now)
    }

    /// Whether it was over before all were to hear of it.
    fn was_held_back(&self) -> bool {
        let ended = self.withdrawal.as_ref().map(|it| it.header().created);
        ended.is_some_and(|at| self.is_held_back(at))
    }
}

impl Market {
    /// Gives the favourites that can be reached a head start of this length with a want that was just cast.
    pub(super) fn begin_head_start(&mut self, now: Timestamp, intent: IntentId, lasts: Seconds) {
        let favourites = self.favourites();
        let count = favourites.len();
        let until = if count == 0 { now } else { now.plus(lasts) };
        if count > 0 {
            self.record(
                now,
                Fact::HeadStart {
                    intent,
                    until,
                    favourites,
                },
            );
            self.remind(until, Timer::HeadStart(intent));
        }
        self.event(Event::HeadStart {
            intent,
            favourites: count,
            until,
        });
    }

    pub(super) fn apply_head_start(
        &mut self,
        intent: IntentId,
        until: Timestamp,
        favourites: &List<PublicKey, { limits::FAVOURITES }>,
    ) {
        if let Some(own) = self.own.get_mut(&intent) {
            let favourites = favourites.to_vec();
            own.head_start = Some(HeadStart { until, favourites });
        }
    }

    /// Favourites whose reply path is known, those first that were heard last.
    fn favourites(&self) -> List<PublicKey, { limits::FAVOURITES }> {
        let regards = self.regards.iter();
        let favourites = regards.filter(|(_, regard)| **regard == Regard::Favourite);
        let mut known: Vec<(Timestamp, PublicKey)> = favourites
            .filter_map(|(seller, _)| Some((self.last_address(*seller)?.0, *seller)))
            .collect();
        known.sort_unstable_by_key(|(at, seller)| (std::cmp::Reverse(*at), *seller));
        List::cut(known.into_iter().map(|(_, seller)| seller))
    }

    /// Where a seller said last that it is reached, in an offer to us or a letter, and when.
    pub(super) fn last_address(&self, seller: PublicKey) -> Option<(Timestamp, &ReplyPath)> {
        let offers = self.offers_of(seller).map(|(at, offer)| (at, &offer.seller.reply));
        let threads = self.threads.all.iter();
        let threads = threads.filter(|(id, it)| id.seller == seller && it.role == Role::Customer);
        let letters = threads.flat_map(|(_, it)| it.thread.view().of(Role::Seller));
        let said = letters.filter_map(|entry| Some((entry.letter.header().created, entry.letter.reply.as_ref()?)));
        offers.chain(said).max_by_key(|(at, _)| *at)
    }

    /// Says a record about a want of ours, which is kept already: to all, or as long as it has a head start to those who
    /// have it.
    pub(super) fn say_of_want(&mut self, now: Timestamp, intent: IntentId, record: RecordId, bytes: &[u8]) {
        let Some(own) = self.own.get(&intent) else { return };
        if own.is_held_back(now) {
            return self.tell_favourites(now, intent);
        }
        let (topics, expires) = (topics_of(own.wanted()), own.expires());
        self.announce(now, record, intent, bytes, topics, expires);
    }

    /// Tells each favourite of a want all that there is to know of it.
    fn tell_favourites(&mut self, now: Timestamp, intent: IntentId) {
        let Some((own, head_start)) = self
            .own
            .get(&intent)
            .and_then(|own| Some((own, own.head_start.as_ref()?)))
        else {
            return;
        };
        let amendment = own.amendments.last();
        let envelopes = [
            Some((own.intent.id(), own.intent.bytes())),
            amendment.map(|it| (it.id(), it.bytes())),
            own.withdrawal.as_ref().map(|it| (it.id(), it.bytes())),
        ];
        let newest = envelopes.iter().flatten().last().map_or(own.intent.id(), |(id, _)| *id);
        let records = envelopes
            .into_iter()
            .flatten()
            .filter_map(|(_, bytes)| Bytes::new(bytes).ok());
        let records = List::cut(records);
        // A favourite that was told must hear that it is over, also when nobody else was ever to hear of it.
        let until = match own.withdrawal {
            Some(_) => own.expires(),
            None => head_start.until,
        };
        let Some(topic) = topics_of(own.wanted()).first().copied() else {
            return;
        };
        let to: Vec<(RecordId, ReplyPath)> = head_start
            .favourites
            .iter()
            .filter_map(|seller| {
                let letter = RecordId(digest("intentcast/1/first", &[&newest.0, &seller.0]));
                Some((letter, self.last_address(*seller)?.1.clone()))
            })
            .collect();
        for (letter, to) in to {
            let records = records.clone();
            self.post(now, letter, to, Frame::Tell { topic, records }, until);
        }
    }

    /// Its time is over: the want is said to all.
    pub(super) fn head_start_over(&mut self, now: Timestamp, intent: IntentId) {
        let over = |own: &&Own| own.is_open(now) && !own.is_held_back(now);
        if self.own.get(&intent).filter(over).is_some() {
            self.say_all(now, intent);
        }
    }

    /// After replay: a want of ours that has not expired is said again, to those who are to hear of it.
    pub(super) fn resume_saying(&mut self, now: Timestamp, intent: IntentId) {
        let Some(own) = self.own.get(&intent) else { return };
        if own.is_held_back(now) {
            let until = own.head_start.as_ref().map_or(now, |it| it.until);
            self.remind(until, Timer::HeadStart(intent));
            self.tell_favourites(now, intent);
        } else if !own.was_held_back() {
            self.say_all(now, intent);
        }
    }

    /// Says to all how a want of ours stands.
    ///
    /// That a record was published means only that it was on its way to peers; a node that fell just then cannot know
    /// whether it left. So after a restart all is said again: whoever has it knows it for a duplicate.
    fn say_all(&mut self, now: Timestamp, id: IntentId) {
        let Some(own) = self.own.get(&id) else { return };
        let (expires, topics) = (own.expires(), topics_of(own.wanted()));
        let intent = said(&own.intent);
        let all = match (&own.withdrawal, own.amendments.last()) {
            (Some(withdrawal), _) => vec![said(withdrawal)],
            (None, Some(amendment)) => vec![intent, said(amendment)],
            (None, None) => vec![intent],
        };
        for (record, bytes) in all {
            self.announce(now, record, id, &bytes, topics.clone(), expires);
        }
    }
}

fn said<T>(record: &Verified<T>) -> (RecordId, Vec<u8>) {
    (record.id(), record.bytes().to_vec())
}
