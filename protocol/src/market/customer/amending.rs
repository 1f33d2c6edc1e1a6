//! A want said anew: because its person changes it, or because their node has moved; and one that is over, cast again.

use super::{Change, Draft, Own, Version};
use crate::market::{Answered, Denied, Event, Market, Timer, relay::topics_of};
use crate::{
    contact::ReplyPath,
    disclosure::{Kept, Opened, Stage},
    envelope::{Verified, sign},
    id::{IntentId, OfferId, RecordId},
    intent::{Amendment, Intent},
    ledger::Fact,
    matching::{admits, alike},
    time::{Seconds, Timestamp},
};

/// Least time between two amendments that only say that we have moved.
const READDRESS: Seconds = Seconds(30);

impl Own {
    /// After the want, or what it keeps back, has changed: holds every offer against what is meant now.
    fn look_anew(&mut self) {
        self.meant = self.kept().meant(self.wanted());
        for taken in self.offers.values_mut() {
            taken.alike = alike(&self.meant, &taken.offer);
            taken.fits = admits(&self.meant, &taken.offer).admitted();
        }
    }
}

/// Amending and renewing.
impl Market {
    /// We have moved, or know for the first time where we are: open wants must say so.
    pub(in crate::market) fn reachable(&mut self, now: Timestamp, reply: ReplyPath) {
        if reply.peer.is_empty() || self.reply.as_ref() == Some(&reply) {
            return;
        }
        let first = self.reply.replace(reply).is_none();
        self.readdress(now);
        self.tell_moved(now);
        if first {
            self.reconsider(now);
        }
    }

    pub(in crate::market) fn readdress(&mut self, now: Timestamp) {
        let Some(reply) = self.reply.clone() else { return };
        let mut again = None;
        let moved: Vec<IntentId> = self
            .own
            .iter()
            .filter(|(_, own)| own.is_open(now) && own.wanted().reply != reply)
            .filter(|(_, own)| {
                let last = own
                    .amendments
                    .last()
                    .map(|amendment| amendment.header().created.plus(READDRESS));
                match last.filter(|at| *at > now) {
                    None => true,
                    Some(at) => {
                        again = Some(at);
                        false
                    }
                }
            })
            .map(|(id, _)| *id)
            .collect();
        for id in moved {
            self.move_to(now, id, reply.clone());
        }
        if let Some(at) = again {
            self.remind(at, Timer::Amend);
        }
    }

    fn move_to(&mut self, now: Timestamp, id: IntentId, reply: ReplyPath) {
        let Some(own) = self.own.get(&id) else { return };
        let mut wanted = own.wanted().clone();
        wanted.reply = reply;
        // Offers that are due already stay welcome: the amendment must be a valid intent of its own.
        wanted.offers_due = wanted.offers_due.max(now.plus_millis(1)).min(own.expires());
        // An intent in its last second, or amended too often, stays as it is.
        let _ = self.say_anew(now, id, wanted, None);
    }

    /// Says a want of ours anew, with what it keeps back where that has changed.
    fn say_anew(
        &mut self,
        now: Timestamp,
        id: IntentId,
        wanted: Intent,
        kept: Option<Kept>,
    ) -> Result<RecordId, Denied> {
        let own = self.own.get(&id).ok_or(Denied::NoIntent(id))?;
        let key = self.seed.intent_key(&own.nonce);
        let body = Amendment {
            intent: id,
            sequence: own.next_sequence(),
            replaces: own.revision(),
            now: wanted,
        };
        // A clock that was set back must not make the amendment live longer than a record may.
        let created = now.max(own.intent.header().created);
        let expires = own.expires();
        let amendment = sign(&key, created, expires, body).map_err(Denied::Unfit)?;
        let revision = amendment.id();
        self.record(now, Fact::Amended(amendment.clone()));
        if let Some(kept) = kept {
            self.record(
                now,
                Fact::Kept {
                    intent: id,
                    revision,
                    kept,
                },
            );
        }
        self.event(Event::Amended { intent: id, revision });
        self.say_of_want(now, id, revision, amendment.bytes());
        Ok(revision)
    }

    /// The person wants something else, or the same for more or less.
    pub(in crate::market) fn amend(
        &mut self,
        now: Timestamp,
        id: IntentId,
        change: Change,
    ) -> Result<Answered, Denied> {
        let own = self.own.get(&id).ok_or(Denied::NoIntent(id))?;
        match &own.accepted {
            Some(accepted) if accepted.agreed => return Err(Denied::Agreed),
            Some(accepted) => return Err(Denied::Taken(accepted.offer)),
            None if own.withdrawal.is_some() => return Err(Denied::Withdrawn),
            None if own.expires() <= now => return Err(Denied::Over(own.expires())),
            None => {}
        }
        let (before, kept) = (own.wanted(), own.kept());
        let reply = self.reply.clone().unwrap_or_else(|| before.reply.clone());
        let draft = Draft::again(before, &kept, own.expires()).ok_or(Denied::NoIntent(id))?;
        let (nonce, version) = (own.nonce, own.next_sequence());
        // What stays has the salt that it had, so that it stays the same for all who look.
        let salt = |field: &str, value: &_| {
            let known = kept.salt(field, value);
            known.unwrap_or_else(|| self.seed.salt(&nonce, version, field))
        };
        let draft = change.of(draft);
        let (wanted, keeps) = draft.addressed(reply, salt).map_err(Denied::Unfit)?;
        if topics_of(&wanted) != topics_of(before) {
            return Err(Denied::Elsewhere);
        }
        if wanted.offers_due <= now {
            return Err(Denied::Due(wanted.offers_due));
        }
        let said_same = wanted == *before;
        if said_same && keeps == kept {
            return Err(Denied::Unchanged);
        }
        let due = wanted.offers_due;
        let revision = if said_same {
            // Only what nobody was told has changed, so there is nothing to tell: even that it changed would say something.
            let (intent, revision) = (id, own.revision());
            let kept = keeps;
            self.record(now, Fact::Kept { intent, revision, kept });
            revision
        } else {
            let changed = (keeps != kept).then_some(keeps);
            self.say_anew(now, id, wanted, changed)?
        };
        self.remind(due, Timer::Due(id));
        self.tell_order(id, now);
        Ok(Answered::Amended { intent: id, revision })
    }

    /// Says in which order the offers stand, where there are any.
    pub(in crate::market) fn tell_order(&mut self, intent: IntentId, now: Timestamp) {
        let Some(own) = self.own.get(&intent).filter(|own| !own.offers.is_empty()) else {
            return;
        };
        let order = own.ranked_for_all(now);
        self.event(Event::Ranked { intent, order });
    }

    pub(in crate::market) fn apply_amended(&mut self, amendment: &Verified<Amendment>) {
        let Some(own) = self.own.get_mut(&amendment.intent) else {
            return;
        };
        let turn = own.said.last().map_or(0, |version| version.turn);
        let another = !own.wanted().asks_the_same(&amendment.now);
        own.said.push(Version {
            record: amendment.id(),
            turn: turn + u32::from(another),
            kept: own.kept(),
        });
        own.amendments.push(amendment.clone());
        own.look_anew();
    }

    pub(in crate::market) fn apply_kept(&mut self, intent: IntentId, revision: RecordId, kept: &Kept) {
        let Some(own) = self.own.get_mut(&intent) else { return };
        if let Some(version) = own.said.iter_mut().find(|version| version.record == revision) {
            version.kept = kept.clone();
            own.look_anew();
        }
    }

    /// Casts a want that is over once more, changed or not, as a new one.
    pub(in crate::market) fn renew(
        &mut self,
        now: Timestamp,
        id: IntentId,
        change: Change,
        expires: Timestamp,
        nonce: [u8; 16],
    ) -> Result<Answered, Denied> {
        let own = self.own.get(&id).ok_or(Denied::NoIntent(id))?;
        match &own.accepted {
            Some(accepted) if accepted.agreed => return Err(Denied::Agreed),
            Some(accepted) => return Err(Denied::Taken(accepted.offer)),
            None if own.withdrawal.is_none() && own.expires() > now => return Err(Denied::StillOpen(own.expires())),
            None => {}
        }
        let draft = Draft::again(own.wanted(), &own.kept(), expires).ok_or(Denied::NoIntent(id))?;
        self.cast(now, change.of(draft), nonce, Some(id))
    }

    /// What may be opened, to the seller of this offer to us, of what the version that it answers withholds.
    ///
    /// A seller has come to [`Stage::Signed`] with an offer that stands, since an offer is signed under the intent's terms,
    /// and to [`Stage::Accepted`] with an agreement on it. Nothing is due to one whose offer was refused, declined or
    /// superseded.
    pub fn due_to(&self, now: Timestamp, offer: OfferId) -> Vec<Opened> {
        let due = || {
            let own = self.own.get(self.offers.get(&offer)?)?;
            let stage = own.stage_of(now, offer)?;
            let version = own.version_of(offer)?;
            Some(version.kept.due_at(own.said_in(version.record), stage))
        };
        due().unwrap_or_default()
    }
}

impl Own {
    fn next_sequence(&self) -> u32 {
        self.amendments.last().map_or(0, |amendment| amendment.sequence) + 1
    }

    /// How far the seller of an offer has come.
    fn stage_of(&self, now: Timestamp, offer: OfferId) -> Option<Stage> {
        let taken = self.offers.get(&offer)?;
        let accepted = self.accepted.as_ref().filter(|accepted| accepted.offer == offer);
        match accepted {
            Some(accepted) if accepted.agreed => Some(Stage::Accepted),
            _ if taken.declined.is_some() || taken.refused.is_some() || taken.superseded || taken.blocked => None,
            _ if taken.offer.valid_until <= now || !self.is_open(now) => None,
            _ => Some(Stage::Signed),
        }
    }

    fn version_of(&self, offer: OfferId) -> Option<&Version> {
        let revision = self.offers.get(&offer)?.offer.revision;
        self.said.iter().find(|version| version.record == revision)
    }

    /// What the want said in a version; in its first, where that is not known.
    fn said_in(&self, revision: RecordId) -> &Intent {
        self.amendment(revision)
            .map_or(self.intent.body(), |amendment| &amendment.now)
    }
}
