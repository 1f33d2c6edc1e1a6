//! One node in the engine: its gossip, its connections, its links' state, its life.

mod connections;
mod errand;

use super::conduct::Conduct;
use super::desk::Desk;
use super::event::{Event, READ, What};
use super::plan::{Plan, Purpose};
use super::presence::Presence;
use crate::gossipsub::{self, Chance, Node, Rpc, Stage, mix2};
use crate::links::{Frame, Gauges};
use crate::scenario::millis;

/// Dials that room is made for at once.
const MANY_DIALS: u32 = 64;

/// One node.
pub struct Host {
    pub node: Node,
    pub online: bool,
    /// Since when it is there, ns.
    pub since: u64,
    /// How often it has started; timers of an earlier life are void.
    life: u32,
    /// Events that it has made.
    seq: u32,
    /// What has happened to it, folded.
    pub trace: u64,
    /// Bytes: payload up, down, control up, down.
    pub bytes: [u64; 4],
    links: Chance,
    gauges: Option<Box<Gauges>>,
    presence: Option<Box<Presence>>,
    stops: u64,
    /// Whom it still has to dial.
    dials: Vec<u32>,
    conduct: Option<Box<dyn Conduct>>,
    wake: Option<u64>,
    /// When the heartbeat is due that no timer is set for; see [`Host::rouse`].
    asleep_until: Option<u64>,
}

impl Host {
    /// A node before it first starts, and its first start, if there is any.
    pub fn new(plan: &Plan, id: u32, conduct: Option<Box<dyn Conduct>>) -> (Self, Option<u64>) {
        let mut presence = plan.presence(id);
        let first = presence.next();
        let (starts, stops) = first.map_or((None, u64::MAX), |(from, to)| (Some(from), to));
        let gauges = (!plan.links.path().is_plain()).then(|| Box::new(Gauges::of(plan.is_phone(id))));
        let host = Self {
            node: Node::new(0, plan.chance_in(0, Purpose::Gossip, id)),
            online: false,
            since: 0,
            life: 0,
            seq: 0,
            trace: u64::from(id),
            bytes: [0; 4],
            links: plan.chance_in(0, Purpose::Links, id),
            gauges,
            presence: (stops < u64::MAX).then(|| Box::new(presence)),
            stops,
            dials: Vec::new(),
            conduct,
            wake: None,
            asleep_until: None,
        };
        (host, starts)
    }

    /// Bytes of memory that it takes, its own heap in, where its links are plain.
    #[cfg(test)]
    pub fn memory(&self) -> usize {
        size_of::<Self>() - size_of::<Node>() + self.node.memory() + self.dials.capacity() * size_of::<u32>()
    }

    /// Reads what lies at one depth: see [`Node::near`].
    pub fn near(&self, depth: u32) -> u64 {
        match depth {
            0 => u64::from(self.online) + (self.bytes[0] & 1) + (self.trace & 1) + self.node.near(0),
            _ => self.node.near(depth),
        }
    }

    /// One event, and all that follows from it.
    pub fn handle(&mut self, desk: &mut Desk<'_>, event: Event) {
        let (now, id) = (event.time, event.dest);
        self.trace = event.digest(self.trace);
        desk.events += 1;
        match event.what {
            What::Start => return self.start(desk, now, id),
            // A stop belongs to the life that it ends; a life that a later one has replaced was ended already.
            What::Stop if event.slot == self.life => return self.stop(desk, now, id),
            What::Syn(_) if !self.online => {
                let delay = desk.plan.links.delay(id, event.src);
                return self.tell(desk, now + delay, id, event.src, What::Refuse);
            }
            _ if !self.online => {
                desk.counters.dropped += u64::from(matches!(event.what, What::Frame(_) | What::Parcel(_)));
                return;
            }
            _ => {}
        }
        let own = event.slot == self.life;
        if self.asleep_until.is_some() {
            self.rouse(desk, now, id);
        }
        match event.what {
            What::Nothing | What::Start | What::Stop => {}
            What::Cut => self.cut(desk, now, id),
            What::Join if own => {
                for topic in desk.plan.topics(id) {
                    self.step(desk, now, id, gossipsub::Event::Subscribe(topic));
                }
            }
            What::Syn(slot) => self.asked(desk, now, id, event.src, slot),
            What::Ack(theirs) => self.granted(desk, now, id, &event, theirs),
            What::Refuse => self.refused(desk, now, id, event.src),
            What::Fin => self.lost(desk, now, id, event.src),
            What::Up(slot) if own => self.up(desk, now, id, slot),
            What::Frame(rpc) if event.slot & READ != 0 => self.read(desk, now, id, event.src, event.slot & !READ, rpc),
            What::Frame(rpc) => self.frame(desk, now, id, event.src, event.slot, rpc),
            What::Verdict(message) if own => self.step(desk, now, id, gossipsub::Event::Verdict(message)),
            What::Heartbeat if own => {
                self.step(desk, now, id, gossipsub::Event::Heartbeat);
                let next = now + desk.plan.world.settings.heartbeat;
                if desk.plan.world.settings.scoring.is_some() {
                    self.timer(desk, next, id, What::Heartbeat);
                } else {
                    self.asleep_until = Some(next);
                }
            }
            What::Publish(message) => {
                desk.second(now).published += 1;
                self.step(desk, now, id, gossipsub::Event::Publish(message));
            }
            What::Dial(number) if own => self.dial_next(desk, now, id, number),
            What::Redial(other) if own => self.dial(desk, now, id, other),
            What::Wake if own => self.wake(desk, now, id),
            What::Parcel(parcel) => self.parcel(desk, now, id, event.src, event.slot & READ != 0, parcel),
            // Timers of an earlier life.
            What::Join
            | What::Up(_)
            | What::Verdict(_)
            | What::Heartbeat
            | What::Dial(_)
            | What::Redial(_)
            | What::Wake => {}
        }
    }

    /// Sets the heartbeat's timer, or does the heartbeat if it is overdue.
    ///
    /// The original resets its timer after a heartbeat and does not poll it again, so nothing wakes it until something
    /// else does (`behaviour.rs`, `poll`). Where peers are scored, the timer of the decays does, and each of the two
    /// sets the other. Where they are not, a node that nothing happens to has no heartbeat.
    fn rouse(&mut self, desk: &mut Desk<'_>, now: u64, id: u32) {
        let Some(mut due) = self.asleep_until.take() else {
            return;
        };
        if due <= now {
            self.step(desk, now, id, gossipsub::Event::Heartbeat);
            due = now + desk.plan.world.settings.heartbeat;
        }
        self.timer(desk, due, id, What::Heartbeat);
    }

    fn timer(&mut self, desk: &mut Desk<'_>, time: u64, id: u32, what: What) {
        let seq = self.next_seq();
        desk.put(Event {
            time,
            dest: id,
            src: id,
            slot: self.life,
            seq,
            what,
        });
    }

    fn tell(&mut self, desk: &mut Desk<'_>, time: u64, id: u32, dest: u32, what: What) {
        let seq = self.next_seq();
        desk.put(Event {
            time,
            dest,
            src: id,
            slot: 0,
            seq,
            what,
        });
    }

    fn next_seq(&mut self) -> u32 {
        self.seq = self.seq.wrapping_add(1);
        self.seq
    }

    fn start(&mut self, desk: &mut Desk<'_>, now: u64, id: u32) {
        let scenario = &desk.plan.scenario;
        self.life += 1;
        (self.online, self.since) = (true, now);
        let mut chance = desk.plan.chance_in(self.life, Purpose::Heartbeat, id);
        // `behaviour.rs`, `new_with_subscription_filter_and_transform`: an interval and the initial delay.
        let spread = millis(scenario.gossipsub.heartbeat_spread_ms);
        let first = desk.plan.world.settings.heartbeat
            + millis(scenario.gossipsub.heartbeat_initial_ms)
            + chance.below(spread.max(1));
        self.node = Node::new(now, desk.plan.chance_in(self.life, Purpose::Gossip, id));
        // As many dial it as it dials, more or less.
        self.node
            .expect_peers(2 * scenario.topology.dials.min(MANY_DIALS) as usize + 6);
        let (join, dial) = (millis(scenario.topics.subscribe_ms), desk.plan.pace(id).0);
        self.timer(desk, now + first, id, What::Heartbeat);
        self.timer(desk, now + join, id, What::Join);
        self.timer(desk, now + dial, id, What::Dial(0));
        if self.stops < u64::MAX {
            self.timer(desk, self.stops, id, What::Stop);
        }
        (self.wake, self.asleep_until) = (None, None);
        if let Some(conduct) = &mut self.conduct {
            let chance = desk.plan.chance_in(self.life, Purpose::Conduct, id);
            conduct.starts(now, &desk.plan.world, self.life, chance);
        }
        self.run_errands(desk, now, id);
        self.ask_to_wake(desk, now, id);
    }

    /// It is gone at once, with all that it remembers; its peers notice when the last packets do not come.
    fn stop(&mut self, desk: &mut Desk<'_>, now: u64, id: u32) {
        let peers: Vec<(u32, u64)> = self
            .node
            .peers()
            .iter()
            .filter(|peer| peer.stage != Stage::None)
            .map(|peer| (peer.id, u64::from(peer.delay)))
            .collect();
        for (peer, delay) in peers {
            self.tell(desk, now + delay, id, peer, What::Fin);
        }
        if let Some(conduct) = &mut self.conduct {
            conduct.stops(now);
        }
        self.online = false;
        self.node = Node::new(now, Chance::of(0, 0));
        self.dials = Vec::new();
        let next = self.presence.as_mut().and_then(|presence| presence.next());
        if let Some((from, to)) = next {
            self.stops = to;
            self.timer(desk, from.max(now + 1), id, What::Start);
        }
    }

    fn is_from(&self, src: u32, slot: u32) -> bool {
        self.node
            .peers()
            .get(slot as usize)
            .is_some_and(|peer| peer.id == src && peer.stage == Stage::Up)
    }

    fn frame(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, src: u32, slot: u32, rpc: Rpc) {
        if !self.is_from(src, slot) || (!desk.plan.cuts().is_empty() && desk.plan.is_cut(now, id, src)) {
            desk.counters.dropped += 1;
            return;
        }
        if let Some(gauges) = &mut self.gauges {
            let through = desk.plan.links.path().received(now, desk.bytes_of(&rpc), gauges);
            if through > now {
                let seq = self.next_seq();
                return desk.put(Event {
                    time: through,
                    dest: id,
                    src,
                    slot: slot | READ,
                    seq,
                    what: What::Frame(rpc),
                });
            }
        }
        self.read(desk, now, id, src, slot, rpc);
    }

    fn read(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, src: u32, slot: u32, rpc: Rpc) {
        if !self.is_from(src, slot) {
            desk.counters.dropped += 1;
            return;
        }
        self.bytes[if rpc.is_payload() { 1 } else { 3 }] += desk.bytes_of(&rpc);
        self.step(desk, now, id, gossipsub::Event::Received(slot, rpc));
    }

    /// The gossip's part, and its actions put into the world.
    fn step(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, event: gossipsub::Event) {
        let Some(conduct) = &mut self.conduct else {
            self.node.step(now, &desk.plan.world, event, &mut desk.actions);
            // Most frames are copies and IDONTWANTs, which nothing follows from.
            if desk.actions.is_quiet() {
                return desk.tally(now);
            }
            let mut actions = std::mem::take(&mut desk.actions);
            self.perform(desk, now, id, &mut actions);
            desk.actions = actions;
            return;
        };
        let mut actions = std::mem::take(&mut desk.actions);
        if conduct.hears(now, &desk.plan.world, &self.node, &event) {
            self.node.step(now, &desk.plan.world, event.clone(), &mut actions);
            conduct.acts(now, &desk.plan.world, &mut self.node, &event, &mut actions);
        }
        self.perform(desk, now, id, &mut actions);
        desk.actions = actions;
        self.run_errands(desk, now, id);
        self.ask_to_wake(desk, now, id);
    }

    fn wake(&mut self, desk: &mut Desk<'_>, now: u64, id: u32) {
        if self.wake.is_none_or(|wake| wake > now) {
            return;
        }
        self.wake = None;
        let mut actions = std::mem::take(&mut desk.actions);
        if let Some(conduct) = &mut self.conduct {
            conduct.wakes(now, &desk.plan.world, &mut self.node, &mut actions);
        }
        self.perform(desk, now, id, &mut actions);
        desk.actions = actions;
        self.run_errands(desk, now, id);
        self.ask_to_wake(desk, now, id);
    }

    fn ask_to_wake(&mut self, desk: &mut Desk<'_>, now: u64, id: u32) {
        let Some(at) = self.conduct.as_ref().and_then(|conduct| conduct.wakes_at()) else {
            return;
        };
        // One that asks for this very instant again and again must not stop time.
        let at = at.max(now + 1);
        if self.wake.is_none_or(|wake| at < wake) {
            self.wake = Some(at);
            self.timer(desk, at, id, What::Wake);
        }
    }

    fn perform(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, actions: &mut gossipsub::Actions) {
        if self.gauges.is_some() && actions.sends.len() > 1 {
            // A frame waits for those before it. Each connection's are written by a task of its own, the urgent ones
            // first; which connection's turn is first, chance decides anew each time, for libp2p goes through a set of
            // peers in the order of their hashes.
            let order = self.links.bits();
            actions
                .sends
                .sort_by_cached_key(|(slot, rpc)| (mix2(order, u64::from(*slot)), rpc.class()));
        }
        for (slot, rpc) in actions.sends.drain(..) {
            self.send(desk, now, id, slot, rpc);
        }
        for (message, hops) in actions.delivered.drain(..) {
            desk.deliver(now, id, self.since, message, hops);
        }
        for message in actions.judge.drain(..) {
            self.timer(
                desk,
                now + desk.plan.world.settings.validation,
                id,
                What::Verdict(message),
            );
        }
        desk.counters.duplicates += actions.duplicates;
        desk.counters.rejected += actions.rejected;
        if actions.duplicates > 0 {
            desk.second(now).duplicates += actions.duplicates;
        }
        (actions.duplicates, actions.rejected, actions.unheard) = (0, 0, 0);
    }

    fn send(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, slot: u32, rpc: Rpc) {
        let Some(peer) = self
            .node
            .peers()
            .get(slot as usize)
            .filter(|peer| peer.stage == Stage::Up)
        else {
            return;
        };
        let (dest, theirs, delay, ready) = (peer.id, peer.theirs, u64::from(peer.delay), peer.since);
        let bytes = desk.sent(now, &rpc);
        self.bytes[if rpc.is_payload() { 0 } else { 2 }] += bytes;
        let time = match &mut self.gauges {
            None => now.max(ready) + delay,
            Some(gauges) => {
                let frame = Frame { slot, bytes, delay };
                desk.plan
                    .links
                    .path()
                    .arrival(now, ready, frame, gauges, &mut self.links)
            }
        };
        let seq = self.next_seq();
        desk.put(Event {
            time,
            dest,
            src: id,
            slot: theirs,
            seq,
            what: What::Frame(rpc),
        });
    }
}
