//! One attacker: a swarm like anyone's, with the model's gossip and the attack's conduct where an honest node has
//! gossipsub.
//!
//! It does with an event what the model's engine does with it (`engine::host`), so that an attack is the same on both
//! levels; what leaves it goes over the real wire. It settles nothing itself: what is due later is told to the world.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::Stream;
use intentcast_sim::engine::{Conduct, Errands, Purpose};
use intentcast_sim::gossipsub::{Actions, Event, Node, Rpc, Stage};
use intentcast_sim::scenario::millis;
use libp2p::Swarm;
use libp2p::swarm::SwarmEvent;

use crate::clock::{self, Nanos};
use crate::ground::Ground;
use crate::line::{Frame, Lines, Words};
use crate::node::{self, Heard};
use crate::wire;

/// What an attacker waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    Heartbeat,
    /// A message was looked at.
    Verdict(u32),
    /// Its conduct wants to be called.
    Wake,
}

/// What an attacker leaves to the world.
#[derive(Debug, Default)]
pub struct Wishes {
    pub timers: Vec<(Nanos, Timer)>,
    pub dials: Vec<u32>,
    /// Messages that its verdict was against, and copies that its gossip knew already.
    pub rejected: u64,
    pub duplicates: u64,
}

/// An attacker that is there.
pub struct Attacker {
    ground: Rc<Ground>,
    index: u32,
    swarm: Swarm<Lines>,
    gossip: Node,
    conduct: Option<Box<dyn Conduct>>,
    actions: Actions,
    /// When its conduct is called next.
    wake: Option<Nanos>,
    wishes: Wishes,
}

impl Attacker {
    /// Starts an attacker in a life; its first heartbeat comes `phase` later than the settings say.
    pub fn start(
        ground: Rc<Ground>,
        index: u32,
        life: u32,
        phase: Nanos,
        mut conduct: Option<Box<dyn Conduct>>,
    ) -> Result<Self, String> {
        let swarm = node::swarm(&ground.plan, index, |_| Ok(Lines::default()))?;
        let (plan, now) = (&ground.plan, clock::now());
        let settings = &plan.scenario.gossipsub;
        let first = millis(settings.heartbeat_ms) + millis(settings.heartbeat_initial_ms) + phase;
        if let Some(conduct) = &mut conduct {
            let chance = plan.chance_in(life, Purpose::Conduct, index);
            conduct.starts(now, &plan.world, life, chance);
        }
        let gossip = Node::new(now, plan.chance_in(life, Purpose::Gossip, index));
        let mut attacker = Self {
            ground,
            index,
            swarm,
            gossip,
            conduct,
            actions: Actions::default(),
            wake: None,
            wishes: Wishes::default(),
        };
        attacker.wishes.timers.push((now + first, Timer::Heartbeat));
        attacker.settle();
        Ok(attacker)
    }

    /// What it leaves to the world since it was asked last.
    pub fn wishes(&mut self) -> Wishes {
        std::mem::take(&mut self.wishes)
    }

    /// Joins its topics.
    pub fn subscribe(&mut self) {
        for topic in self.ground.plan.topics(self.index) {
            self.step(Event::Subscribe(topic));
        }
    }

    /// Connects with another node, unless it is or is about to be.
    pub fn dial(&mut self, to: u32) {
        let ground = self.ground.clone();
        node::dial(&mut self.swarm, &ground.plan, to, ground.peer(to));
    }

    /// What it waited for is there.
    pub fn ring(&mut self, timer: Timer) {
        let now = clock::now();
        match timer {
            Timer::Heartbeat => {
                self.step(Event::Heartbeat);
                let next = now + self.ground.plan.world.settings.heartbeat;
                self.wishes.timers.push((next, Timer::Heartbeat));
            }
            Timer::Verdict(message) => self.step(Event::Verdict(message)),
            Timer::Wake if self.wake.is_some_and(|wake| wake <= now) => {
                self.wake = None;
                let world = &self.ground.plan.world;
                if let Some(conduct) = &mut self.conduct {
                    conduct.wakes(now, world, &mut self.gossip, &mut self.actions);
                }
                self.perform();
                self.settle();
            }
            // It was put off, or called already.
            Timer::Wake => {}
        }
    }

    /// A peer is there.
    pub fn connected(&mut self, peer: u32, outbound: bool) {
        let (now, plan) = (clock::now(), &self.ground.plan);
        let slot = self.gossip.slot_for(now, &plan.world, peer);
        if let Some(known) = self.gossip.peer_mut(slot) {
            (known.stage, known.since) = (Stage::Up, now);
            known.delay = plan.links.delay(self.index, peer) as u32;
        }
        self.step(Event::Connected { slot, outbound });
    }

    /// A peer is gone.
    pub fn lost(&mut self, peer: u32) {
        let Some(slot) = self.gossip.slot_of(peer) else {
            return;
        };
        if let Some(known) = self.gossip.peer_mut(slot) {
            (known.stage, known.since) = (Stage::None, clock::now());
        }
        self.step(Event::Disconnected(slot));
    }

    /// A peer said something.
    pub fn received(&mut self, from: u32, rpc: Rpc) {
        if let Some(slot) = self.gossip.slot_of(from) {
            self.step(Event::Received(slot, rpc));
        }
    }

    /// Its gossip's part, and what the conduct makes of it.
    fn step(&mut self, event: Event) {
        let (now, world) = (clock::now(), &self.ground.plan.world);
        match &mut self.conduct {
            None => self.gossip.step(now, world, event, &mut self.actions),
            Some(conduct) => {
                if conduct.hears(now, world, &self.gossip, &event) {
                    self.gossip.step(now, world, event.clone(), &mut self.actions);
                    conduct.acts(now, world, &mut self.gossip, &event, &mut self.actions);
                }
            }
        }
        self.perform();
        self.settle();
    }

    /// Does what is to be done: of the frames of one instant the urgent ones are first.
    fn perform(&mut self) {
        let now = clock::now();
        let mut sends = std::mem::take(&mut self.actions.sends);
        sends.sort_by_key(|(_, rpc)| rpc.class());
        for (slot, rpc) in sends.drain(..) {
            let to = self.gossip.peers().get(slot as usize).map(|peer| peer.id);
            if let Some((to, frame)) = to.zip(wire::encode(&rpc, &self.ground.messages)) {
                let (class, bytes) = (rpc.class(), frame);
                self.swarm
                    .behaviour_mut()
                    .say(self.ground.peer(to), Words { class, bytes });
            }
        }
        self.actions.sends = sends;
        self.actions.delivered.clear();
        let validation = self.ground.plan.world.settings.validation;
        let judged = self.actions.judge.drain(..);
        self.wishes
            .timers
            .extend(judged.map(|message| (now + validation, Timer::Verdict(message))));
        self.wishes.rejected += std::mem::take(&mut self.actions.rejected);
        self.wishes.duplicates += std::mem::take(&mut self.actions.duplicates);
        self.actions.unheard = 0;
    }

    /// Does what the conduct wants done beside the gossip, and asks when it wants to be called.
    fn settle(&mut self) {
        let mut errands = Errands::default();
        loop {
            let Some(conduct) = &mut self.conduct else { return };
            conduct.errands(&mut errands);
            // Parcels are of the market's level.
            errands.parcels.clear();
            if errands.is_empty() {
                break;
            }
            self.wishes.dials.append(&mut errands.dials);
            for message in std::mem::take(&mut errands.publish) {
                self.publish(message);
            }
        }
        let now = clock::now();
        // One that asks for this very instant again and again must not stop time.
        let asked = self.conduct.as_ref().and_then(|conduct| conduct.wakes_at());
        if let Some(at) = asked.map(|at| at.max(now + 1))
            && self.wake.is_none_or(|wake| at < wake)
        {
            self.wake = Some(at);
            self.wishes.timers.push((at, Timer::Wake));
        }
    }

    /// Publishes a message of its own, which the conduct is not asked about.
    fn publish(&mut self, message: u32) {
        let (now, world) = (clock::now(), &self.ground.plan.world);
        self.gossip.step(now, world, Event::Publish(message), &mut self.actions);
        let is_it = |rpc: &Rpc| matches!(rpc, Rpc::Publish { message: sent, .. } if *sent == message);
        let peers = self.actions.sends.iter().filter(|(_, rpc)| is_it(rpc)).count();
        if let Some(conduct) = &mut self.conduct {
            conduct.published(now, world, message, peers);
        }
        self.perform();
    }

    /// The next thing it hears.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        let event = match Pin::new(&mut self.swarm).poll_next(cx) {
            Poll::Ready(Some(event)) => event,
            Poll::Ready(None) | Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(match event {
            SwarmEvent::Behaviour(Frame { from, bytes }) => Heard::Frame { from, bytes },
            other => Heard::of(other),
        })
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        if let Some(conduct) = &mut self.conduct {
            conduct.stops(clock::now());
        }
    }
}
