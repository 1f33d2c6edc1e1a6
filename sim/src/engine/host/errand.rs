//! What a node's conduct wants done: messages made while the run goes on, and parcels over streams of their own.

use super::Host;
use super::connections::ways;
use crate::engine::conduct::{Errands, Parcel};
use crate::engine::desk::Desk;
use crate::engine::event::{Event, READ, What};
use crate::gossipsub::{self, Rpc, Stage};

impl Host {
    /// Does what the conduct wants done, and what it wants done about that.
    pub(super) fn run_errands(&mut self, desk: &mut Desk<'_>, now: u64, id: u32) {
        let Some(conduct) = &mut self.conduct else { return };
        let mut errands = Errands::default();
        conduct.errands(&mut errands);
        while !errands.is_empty() {
            for message in std::mem::take(&mut errands.publish) {
                let peers = self.publish(desk, now, id, message);
                if let Some(conduct) = &mut self.conduct {
                    conduct.published(now, &desk.plan.world, message, peers);
                }
            }
            for (dest, parcel) in std::mem::take(&mut errands.parcels) {
                self.send_parcel(desk, now, id, dest, parcel);
            }
            for other in std::mem::take(&mut errands.dials) {
                self.dial(desk, now, id, other);
            }
            if let Some(conduct) = &mut self.conduct {
                conduct.errands(&mut errands);
            }
        }
    }

    /// Publishes a message of its own; to how many peers. The conduct is not asked what it thinks of that.
    fn publish(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, message: u32) -> usize {
        let mut actions = std::mem::take(&mut desk.actions);
        let event = gossipsub::Event::Publish(message);
        self.node.step(now, &desk.plan.world, event, &mut actions);
        let is_it = |rpc: &Rpc| matches!(rpc, Rpc::Publish { message: sent, .. } if *sent == message);
        let peers = actions.sends.iter().filter(|(_, rpc)| is_it(rpc)).count();
        // One that nobody heard, or that was said before, is no new message.
        if desk.plan.world.spoken(message).is_some_and(|spoken| spoken.at == now) {
            desk.second(now).published += 1;
        }
        self.perform(desk, now, id, &mut actions);
        desk.actions = actions;
        peers
    }

    /// Sends a parcel. To a peer it goes over a new stream of the connection that is there, which takes a round trip to
    /// negotiate (libp2p-stream, multistream-select version 1); to anyone else a connection is made first, if that can be.
    /// A reply goes back on the stream that the question came on.
    fn send_parcel(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, dest: u32, parcel: Parcel) {
        let plan = desk.plan;
        let connected = self.is_connected_to(dest);
        if dest >= plan.scenario.all_nodes()
            || dest == id
            || plan.is_cut(now, id, dest)
            || !(parcel.reply || connected || plan.links.is_reachable(dest))
        {
            desk.counters.dropped += 1;
            return;
        }
        let delay = plan.links.delay(id, dest);
        let waits = match (parcel.reply, connected) {
            (true, _) => 0,
            (false, true) => 2 * delay,
            (false, false) => 2 * delay + ways(delay, 2.0 * plan.scenario.links.handshake_round_trips),
        };
        let bytes = parcel.bytes.len() as u64 + plan.links.path().overhead;
        desk.sent_straight(now, bytes);
        self.bytes[2] += bytes;
        let time = match &mut self.gauges {
            None => now + waits + delay,
            Some(gauges) => {
                let path = plan.links.path();
                path.straight(now, waits, bytes, delay, gauges, &mut self.links)
            }
        };
        self.tell(desk, time, id, dest, What::Parcel(Box::new(parcel)));
    }

    /// A parcel has come to the end of the link, or through the downlink.
    pub(super) fn parcel(&mut self, desk: &mut Desk<'_>, now: u64, id: u32, src: u32, read: bool, parcel: Box<Parcel>) {
        if !desk.plan.cuts().is_empty() && desk.plan.is_cut(now, id, src) {
            desk.counters.dropped += 1;
            return;
        }
        let bytes = parcel.bytes.len() as u64 + desk.plan.links.path().overhead;
        let through = match &mut self.gauges {
            Some(gauges) if !read => desk.plan.links.path().received(now, bytes, gauges),
            _ => now,
        };
        if through > now {
            let seq = self.next_seq();
            return desk.put(Event {
                time: through,
                dest: id,
                src,
                slot: READ,
                seq,
                what: What::Parcel(parcel),
            });
        }
        self.bytes[3] += bytes;
        if let Some(conduct) = &mut self.conduct {
            conduct.receives(now, &desk.plan.world, &self.node, src, *parcel);
            self.run_errands(desk, now, id);
            self.ask_to_wake(desk, now, id);
        }
    }

    fn is_connected_to(&self, other: u32) -> bool {
        let slot = self.node.slot_of(other);
        let peer = slot.and_then(|slot| self.node.peers().get(slot as usize));
        peer.is_some_and(|peer| peer.stage == Stage::Up)
    }

    /// The run is over.
    pub fn end(&mut self, now: u64) {
        if let Some(conduct) = &mut self.conduct {
            conduct.ends(now);
        }
    }
}
