//! From start to stop: the machine begins anew, or from its disk, and is gone with all that was not stored.

use intentcast_protocol::market::{Input, Market};

use super::{FIRST_SEEK, Later, Resident, SEEK};
use crate::gossipsub::{Chance, Node, World};
use crate::market::modelled::peers::{clock, path_of, seed_of};

impl Resident {
    pub(super) fn begin(&mut self, now: u64, world: &World, life: u32, chance: Chance) {
        (self.life, self.chance) = (life, chance);
        let seed = seed_of(self.stage.seed, self.own);
        let market = if self.disk.is_empty() {
            Ok(Market::new(seed, self.config()))
        } else {
            let entries = self.disk.iter().map(|entry| &**entry);
            Market::replay(seed, self.config(), entries, clock(now))
        };
        match market {
            Ok(market) => self.market = Some(Box::new(market)),
            Err(broken) => {
                let said = format!("node {} cannot start: {broken}", self.own);
                return self.diary.violations.push(said);
            }
        }
        self.diary.since = Some(now);
        self.give(now, world, Input::Reachable(path_of(self.own)));
        let seek = now + FIRST_SEEK + self.chance.below(SEEK);
        self.later(seek, Later::Seek);
        let stage = self.stage.clone();
        // Wants come in the order of their times, and those that were cast are stored.
        for number in stage.load.wants_of(self.own).iter().skip(self.cast as usize) {
            let at = stage.load.wants[*number as usize].at;
            self.later(at.max(now), Later::Cast(*number));
        }
        self.choose_again(now);
    }

    /// All that does not outlive a process is gone; what was on its way to disk has arrived or not.
    pub(super) fn die(&mut self) {
        let arrives = self.chance.unit() < 0.5;
        for (_, what) in std::mem::take(&mut self.later) {
            if let Later::Stored(_, entries) = what
                && arrives
            {
                self.store(entries);
            }
        }
        self.market = None;
        self.deadline = None;
        self.diary.since = None;
        self.pending.clear();
        self.asked.clear();
        self.judging.clear();
        self.publishing.clear();
        self.eager.clear();
    }

    /// The run is over: what is left goes into the diary, and that to whoever asks.
    pub(super) fn leave(&mut self) {
        let mut diary = std::mem::take(&mut *self.diary);
        diary.market = self.market.take();
        diary.disk = std::mem::take(&mut self.disk);
        // It ends once.
        let _ = self.stage.diaries[self.own as usize].set(diary);
    }

    /// Dials others on topics whose meshes are too small, as the product does with those that it finds through the
    /// directory of providers.
    pub(super) fn seek(&mut self, now: u64, node: &Node) {
        let stage = self.stage.clone();
        let small: Vec<(u32, usize)> = node
            .meshes()
            .map(|(topic, mesh)| (topic, stage.d_low.saturating_sub(mesh.len())))
            .filter(|(_, missing)| *missing > 0)
            .collect();
        for (topic, missing) in small {
            self.reach(topic, missing);
        }
        self.later(now + SEEK, Later::Seek);
    }

    /// Dials so many others of a topic.
    pub(super) fn reach(&mut self, topic: u32, n: usize) {
        let members = &self.stage.members[topic as usize];
        for _ in 0..n.min(members.len()) {
            let other = members[self.chance.below(members.len() as u64) as usize];
            if other != self.own && !self.errands.dials.contains(&other) {
                self.errands.dials.push(other);
            }
        }
    }
}
