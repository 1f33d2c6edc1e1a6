//! What a seller waits for: standing interests, each told of the wants that meet it.
//!
//! It decides nothing: whether a want is answered is for the rules, and one that no rule would answer is told of too.

use std::collections::BTreeSet;

use super::{Answered, Denied, Event, Market};
use crate::{
    id::IntentId,
    limits,
    standing::{Sought, Standing, Thing},
    text::Word,
    time::Timestamp,
    topic::Topic,
};

/// The interests of a configuration, laid out.
pub(super) fn laid_out<'a>(interests: impl Iterator<Item = (&'a Word, &'a Sought)>) -> Standing<Word> {
    let mut standing = Standing::new(limits::INTERESTS);
    for (name, sought) in interests {
        if let Ok(interest) = sought.interest() {
            // One that finds no room is one too many in the configuration.
            let _ = standing.insert(name.clone(), &interest);
        }
    }
    standing
}

impl Market {
    /// Waits for this from now on under this name, in the place of what had it; or no more.
    pub(super) fn wait_for(&mut self, now: Timestamp, name: Word, sought: Option<Sought>) -> Result<Answered, Denied> {
        let Some(sought) = sought else {
            self.interests.remove(&name);
            self.change_topics(|config| {
                config.interests.remove(&name);
            });
            return Ok(Answered::Ok);
        };
        let interest = sought.interest().map_err(Denied::Unclear)?;
        self.interests
            .insert(name.clone(), &interest)
            .map_err(|full| Denied::TooManyInterests(full.0))?;
        self.change_topics(|config| {
            config.interests.insert(name.clone(), sought);
        });
        // It may be open already.
        let open: Vec<IntentId> = self
            .relay
            .open()
            .filter(|(_, open)| open.wanted().offers_due > now && interest.takes(&Thing::intent(open.wanted())))
            .map(|(id, _)| *id)
            .collect();
        for intent in open
            .into_iter()
            .filter(|id| !self.own.contains_key(id))
            .collect::<Vec<_>>()
        {
            self.event(Event::Met {
                intent,
                interests: vec![name.clone()],
            });
        }
        self.ask_met(now);
        Ok(Answered::Ok)
    }

    /// Tells of an intent that was just heard or said anew, where somebody waits for it.
    pub(super) fn meet(&mut self, now: Timestamp, intent: IntentId) {
        if self.interests.is_empty() || self.own.contains_key(&intent) {
            return;
        }
        let Some(open) = self.relay.find(intent).filter(|open| open.wanted().offers_due > now) else {
            return;
        };
        let interests = self.interests.matches(&Thing::intent(open.wanted()));
        if !interests.is_empty() {
            self.event(Event::Met { intent, interests });
        }
    }

    /// Where wants are said that may be waited for.
    pub(super) fn topics_waited_on(&self) -> BTreeSet<Topic> {
        self.config.interests.values().flat_map(Sought::topics).collect()
    }
}
