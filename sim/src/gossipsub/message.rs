//! Messages: publishing, arrival, verdict, forwarding, and who wants no copy.

use super::bits::members;
use super::cache::NOBODY;
use super::node::{Actions, Node};
use super::rpc::{Rpc, message_bytes};
use super::settings::World;

impl Node {
    /// A message of our own (`behaviour.rs`, `publish`).
    pub(super) fn publish(&mut self, now: u64, world: &World, message: u32, out: &mut Actions) {
        let settings = &world.settings;
        let Some(known) = world.message(message) else {
            return;
        };
        if self.seen.has(message) {
            return;
        }
        let at = self.topic_or_new(known.topic);
        let mut to = std::mem::take(&mut out.scratch);
        self.recipients(now, world, at, &mut to);
        if to.is_empty() {
            out.unheard += 1;
        } else {
            self.seen.put(now, settings.duplicate_cache, message);
            let tick = self.ticks;
            let recent = self.cache.entry_or_new(message);
            (recent.held, recent.accepted, recent.accepted_at, recent.tick) = (true, true, now, tick);
            self.promises.retain(|promise| promise.message != message);
            let announced = settings.idontwant_on_publish
                && settings
                    .idontwant_above
                    .is_some_and(|above| message_bytes(known.size) > above);
            for slot in &to {
                if announced {
                    out.sends.push((*slot, Rpc::IDontWant(message)));
                }
                out.sends.push((*slot, Rpc::Publish { message, hops: 1 }));
            }
        }
        out.scratch = to;
    }

    /// Who gets a message of our own: everyone, or the mesh and others up to `d`, or the fanout (`behaviour.rs`,
    /// `publish_peers`, `filter_publish_candidates`).
    fn recipients(&mut self, now: u64, world: &World, at: usize, to: &mut Vec<u32>) {
        let settings = &world.settings;
        to.clear();
        let low = |node: &Self, slot: u32| node.below(now, world, slot, |scoring| scoring.rates.publish_threshold);
        if settings.flood_publish {
            to.extend(self.topics[at].subscribers.iter().filter(|slot| !low(self, *slot)));
            return;
        }
        let topic = &self.topics[at];
        to.extend(
            topic
                .mesh
                .iter()
                .filter(|slot| topic.subscribers.has(*slot) && !low(self, *slot)),
        );
        let missing = settings.d.saturating_sub(to.len());
        let mut others: Vec<u32> = Vec::new();
        if missing > 0 {
            others.extend(topic.subscribers.without(&topic.mesh).filter(|slot| !low(self, *slot)));
            self.chance.sample(&mut others, missing);
        }
        let topic = &mut self.topics[at];
        if !topic.joined {
            topic.fanout_since = Some(now);
            if missing > 0 {
                // The original puts the newly chosen in the place of the fanout, not beside it; a heartbeat fills
                // it up.
                topic.mesh.clear();
                for slot in &others {
                    topic.mesh.put(*slot);
                }
            }
        }
        to.append(&mut others);
    }

    /// A message has come (`behaviour.rs`, `handle_received_message`).
    pub(super) fn arrived(&mut self, now: u64, world: &World, slot: u32, message: u32, hops: u8, out: &mut Actions) {
        let settings = &world.settings;
        let Some(known) = world.message(message) else {
            return;
        };
        let joined = self.topic(known.topic).is_some_and(|topic| topic.joined);
        if self.seen.has(message) && !self.seen_is_over(now, world, message) {
            out.duplicates += 1;
            self.repeated(now, world, slot, message, known.topic);
            return;
        }
        let large = settings
            .idontwant_above
            .is_some_and(|above| message_bytes(known.size) > above);
        if large && !self.seen.has(message) {
            self.announce(slot, message, known.topic, out);
        }
        self.seen.put(now, settings.duplicate_cache, message);
        self.promises.retain(|promise| promise.message != message);
        let tick = self.ticks;
        let recent = self.cache.entry_or_new(message);
        recent.held = true;
        recent.accepted = false;
        recent.tick = tick;
        recent.from = slot;
        recent.hops = hops;
        if !joined {
            return;
        }
        out.delivered.push((message, hops));
        if settings.validation == 0 {
            self.judged(now, world, message, out);
        } else {
            out.judge.push(message);
        }
    }

    /// An id is forgotten when the next is remembered, not when its time is over; but the message that is remembered
    /// next may be this very one.
    fn seen_is_over(&mut self, now: u64, world: &World, message: u32) -> bool {
        self.seen.is_over(now, world.settings.duplicate_cache, message)
    }

    /// IDONTWANT, before the verdict, to the mesh and to peers that promised the message.
    fn announce(&mut self, from: u32, message: u32, topic: u32, out: &mut Actions) {
        let mesh = self.topic(topic).filter(|topic| topic.joined).map(|topic| &topic.mesh);
        for slot in mesh
            .into_iter()
            .flat_map(|mesh| mesh.iter())
            .filter(|slot| *slot != from)
        {
            out.sends.push((slot, Rpc::IDontWant(message)));
        }
        for promise in self
            .promises
            .iter()
            .filter(|promise| promise.message == message && promise.slot != from)
        {
            if !mesh.is_some_and(|mesh| mesh.has(promise.slot)) && self.is_connected(promise.slot) {
                out.sends.push((promise.slot, Rpc::IDontWant(message)));
            }
        }
    }

    /// IDONTWANT of a peer (`behaviour.rs`, `on_connection_handler_event`). What is no message can never be sent, so
    /// nothing has to be remembered of it.
    pub(super) fn unwanted(&mut self, world: &World, slot: u32, message: u32) {
        if world.message(message).is_none() {
            return;
        }
        let ticks = self.ticks;
        let recent = self.cache.entry_or_new(message);
        recent.unwanted.put(slot);
        recent.unwanted_tick = ticks;
    }

    /// The verdict on a message: it is passed on, or its senders pay (`behaviour.rs`,
    /// `report_message_validation_result`). One that comes when the cache has let go of the message comes too late.
    pub(super) fn judged(&mut self, now: u64, world: &World, message: u32, out: &mut Actions) {
        let Some(known) = world.message(message) else {
            return;
        };
        let Some(recent) = self.cache.entry_mut(message).filter(|recent| recent.held) else {
            return;
        };
        if known.valid {
            recent.accepted = true;
            recent.accepted_at = now;
            self.forward(now, world, message, out);
            return;
        }
        recent.held = false;
        recent.rejected = true;
        let (from, copies) = (recent.from, std::mem::take(&mut recent.copies));
        out.rejected += 1;
        self.score_invalid(now, world, from, known.topic);
        for slot in copies.iter() {
            if slot != from {
                self.score_invalid(now, world, slot, known.topic);
            }
        }
    }

    /// To the mesh, but not to who brought it, nor to who does not want it (`behaviour.rs`, `forward_msg`).
    fn forward(&mut self, now: u64, world: &World, message: u32, out: &mut Actions) {
        let Some((known, recent)) = world.message(message).zip(self.cache.entry_mut(message)) else {
            return;
        };
        let (from, hops) = (recent.from, recent.hops.saturating_add(1));
        let copies = std::mem::take(&mut recent.copies);
        let unwanted = std::mem::take(&mut recent.unwanted);
        self.score_delivered(now, world, from, &copies, message, known.topic);
        if let Some(topic) = self.topic(known.topic).filter(|topic| topic.joined) {
            let mesh = &topic.mesh;
            let to = members(mesh.words(), |at| mesh.word(at) & !copies.word(at) & !unwanted.word(at));
            for slot in to.filter(|slot| *slot != from) {
                out.sends.push((slot, Rpc::Publish { message, hops }));
            }
        }
        let deficits = world.settings.scoring.as_ref().is_some_and(|scoring| scoring.deficits);
        if let Some(recent) = self.cache.entry_mut(message) {
            recent.unwanted = unwanted;
            // For the copies within the window after the verdict, where those count.
            if deficits {
                recent.copies = copies;
            }
        }
    }

    /// A copy of a known message: before its verdict it is remembered that this peer has it (`mcache.rs`,
    /// `observe_duplicate`).
    fn repeated(&mut self, now: u64, world: &World, slot: u32, message: u32, topic: u32) {
        let deficits = world.settings.scoring.as_ref().is_some_and(|scoring| scoring.deficits);
        let Some(recent) = self.cache.entry_mut(message) else {
            return;
        };
        if recent.rejected {
            self.score_invalid(now, world, slot, topic);
        } else if !recent.accepted {
            recent.copies.put(slot);
        } else if deficits && recent.from != NOBODY && recent.copies.put(slot) {
            let accepted_at = recent.accepted_at;
            self.score_copy(now, world, slot, topic, Some(accepted_at));
        }
    }
}
