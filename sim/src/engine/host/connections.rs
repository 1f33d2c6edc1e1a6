//! How a node's connections come and go: dials and their answers, losses, partitions.

use super::Host;
use crate::engine::desk::Desk;
use crate::engine::event::{Event, What};
use crate::gossipsub::{self, Stage};

/// How long a dialler waits before it dials again what it lost or could not have, ns.
const REDIAL: u64 = 10_000_000_000;

impl Host {
    pub(super) fn dial_next(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, number: u32) {
        if number == 0 {
            self.dials = desk.plan.dials(id);
        }
        match self.dials.get(number as usize).copied() {
            Some(other) => {
                self.dial(desk, now, id, other);
                let (_, interval) = desk.plan.pace(id);
                self.timer(desk, now + interval, id, What::Dial(number + 1));
            }
            None => self.dials = Vec::new(),
        }
    }

    pub(super) fn dial(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, other: u32) {
        let links = &desk.plan.links;
        if other == id || !links.is_reachable(other) {
            return;
        }
        if desk.plan.is_cut(now, id, other) {
            return self.timer(desk, now + REDIAL, id, What::Redial(other));
        }
        let slot = self.node.slot_for(now, &desk.plan.world, other);
        let Some(peer) = self.node.peer_mut(slot).filter(|peer| peer.stage == Stage::None) else {
            return;
        };
        let delay = links.delay(id, other);
        (peer.stage, peer.since, peer.delay) = (Stage::Dialling, now, delay as u32);
        self.tell(desk, now + delay, id, other, What::Syn(slot));
    }

    /// Another node dials. Of two dials that cross, the earlier one counts, on both sides.
    pub(super) fn asked(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, src: u32, theirs: u32) {
        if desk.plan.is_cut(now, id, src) {
            let delay = desk.plan.links.delay(id, src);
            return self.tell(desk, now + delay, id, src, What::Refuse);
        }
        let slot = self.node.slot_for(now, &desk.plan.world, src);
        let Some(peer) = self.node.peer_mut(slot) else {
            return;
        };
        let delay = desk.plan.links.delay(id, src);
        let began = now.saturating_sub(delay);
        let first = peer.stage == Stage::None || (peer.stage == Stage::Dialling && (began, src) < (peer.since, id));
        if !first {
            return;
        }
        (peer.stage, peer.theirs, peer.delay) = (Stage::Accepted, theirs, delay as u32);
        let round_trips = desk.plan.scenario.links.handshake_round_trips;
        let up = now + ways(delay, 2.0 * round_trips);
        self.timer(desk, up, id, What::Up(slot));
        self.tell(desk, now + delay, id, src, What::Ack(slot));
    }

    pub(super) fn granted(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, event: &Event, theirs: u32) {
        let Some(slot) = self.node.slot_of(event.src) else {
            return;
        };
        let Some(peer) = self.node.peer_mut(slot).filter(|peer| peer.stage == Stage::Dialling) else {
            return;
        };
        (peer.stage, peer.theirs) = (Stage::Granted, theirs);
        let delay = u64::from(peer.delay);
        let round_trips = desk.plan.scenario.links.handshake_round_trips;
        let up = now + ways(delay, 2.0 * round_trips - 1.0);
        self.timer(desk, up, id, What::Up(slot));
    }

    pub(super) fn refused(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, src: u32) {
        let slot = self.node.slot_of(src);
        if let Some(peer) = slot
            .and_then(|slot| self.node.peer_mut(slot))
            .filter(|peer| peer.stage == Stage::Dialling)
        {
            peer.stage = Stage::None;
            self.timer(desk, now + REDIAL, id, What::Redial(src));
        }
    }

    /// A connection is there. The stream that gossip goes over has a round trip of its own to negotiate its protocol,
    /// so the first frames wait for it (`handler.rs`, `EnabledHandler::poll`; multistream-select, version 1).
    pub(super) fn up(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, slot: u32) {
        let Some(peer) = self.node.peer_mut(slot) else {
            return;
        };
        let outbound = match peer.stage {
            Stage::Granted => true,
            Stage::Accepted => false,
            _ => return,
        };
        peer.stage = Stage::Up;
        peer.since = now + 2 * u64::from(peer.delay);
        if let Some(gauges) = &mut self.gauges {
            gauges.reset(slot);
        }
        self.step(desk, now, id, gossipsub::Event::Connected { slot, outbound });
    }

    /// A peer is gone. One that we had dialled is dialled again after a while.
    pub(super) fn lost(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, src: u32) {
        let Some(slot) = self.node.slot_of(src) else {
            return;
        };
        let Some(peer) = self.node.peer_mut(slot) else {
            return;
        };
        let stage = std::mem::replace(&mut peer.stage, Stage::None);
        if stage == Stage::None {
            return;
        }
        peer.since = now;
        let dialled = matches!(stage, Stage::Dialling | Stage::Granted) || self.node.outbound().has(slot);
        if stage == Stage::Up {
            self.step(desk, now, id, gossipsub::Event::Disconnected(slot));
        }
        if dialled {
            self.timer(desk, now + REDIAL, id, What::Redial(src));
        }
    }

    /// A partition begins: both sides lose what crosses it.
    pub(super) fn cut(&mut self, desk: &mut Desk<'_>, now: u64, id: u32) {
        let parted: Vec<u32> = self
            .node
            .peers()
            .iter()
            .filter(|peer| peer.stage != Stage::None && desk.plan.is_cut(now, id, peer.id))
            .map(|peer| peer.id)
            .collect();
        for peer in parted {
            self.lost(desk, now, id, peer);
        }
    }
}

/// So many times over a link, ns.
pub(super) fn ways(delay: u64, times: f64) -> u64 {
    (times.max(0.0) * delay as f64) as u64
}
