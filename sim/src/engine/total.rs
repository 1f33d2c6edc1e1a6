//! What came of all parts, put together.

use sha2::{Digest, Sha256};

use super::desk::Delivery;
use super::part::Part;
use super::plan::Plan;
use crate::gossipsub::Spoken;
use crate::outcome::{Counters, Deliveries, NodeBytes, Outcome, Published, Second};

/// The outcome of a run that ended at `end`, ns.
pub fn outcome(plan: &Plan, parts: Vec<Part<'_>>, partial: bool, end: u64) -> Outcome {
    let scenario = &plan.scenario;
    let mut outcome = Outcome {
        nodes: scenario.nodes,
        attackers: scenario.all_nodes() - scenario.nodes,
        messages: plan.published.clone(),
        end_ns: end,
        partial,
        ..Outcome::default()
    };
    if partial {
        outcome.messages.retain(|message| message.at_ns < end);
    }
    let places = spoken(plan, &mut outcome);
    let mut hash = Sha256::new();
    hash.update(plan.seed.to_le_bytes());
    let mut chunks: Vec<Vec<Delivery>> = Vec::new();
    let seconds = (end / 1_000_000_000) as usize + 1;
    let mut timeline = vec![Second::default(); seconds];
    for part in parts {
        let mut desk = part.desk;
        outcome.events += desk.events;
        add(&mut outcome.counters, &desk.counters);
        for (sum, second) in timeline.iter_mut().zip(&desk.seconds) {
            sum.published += second.published;
            sum.delivered += second.delivered;
            sum.payload_sends += second.payload_sends;
            sum.duplicates += second.duplicates;
            sum.control_sends += second.control_sends;
            sum.bytes += second.bytes;
        }
        chunks.append(&mut desk.deliveries);
        drop(desk);
        for (mut host, id) in part.hosts.into_iter().zip(part.first..) {
            host.end(end);
            hash.update(host.trace.to_le_bytes());
            each(&mut outcome.bytes, host.bytes);
            if id < scenario.nodes && host.online {
                outcome
                    .degrees
                    .extend(host.node.meshes().map(|(_, mesh)| mesh.len() as u16));
            }
        }
    }
    let mut deliveries: Vec<Delivery> = Vec::with_capacity(chunks.iter().map(Vec::len).sum());
    for mut chunk in chunks {
        deliveries.append(&mut chunk);
    }
    deliveries.sort_unstable_by_key(|delivery| (delivery.time, delivery.node, delivery.message));
    for delivery in &mut deliveries {
        if let Some(at) = (delivery.message as usize).checked_sub(plan.world.messages.len()) {
            delivery.message = places[at];
        }
    }
    deliveries.retain(|delivery| (delivery.message as usize) < outcome.messages.len());
    outcome.deliveries = columns(&outcome.messages, &deliveries);
    count_online(plan, &mut timeline);
    outcome.timeline = timeline;
    outcome.trace = hash.finalize().into();
    outcome
}

/// Adds the messages that were made while the run went on, in the order of their times, and says which number each
/// place's has: one past all of them, where nothing was said.
fn spoken(plan: &Plan, outcome: &mut Outcome) -> Vec<u32> {
    let said = plan.world.spoken.iter().enumerate();
    let mut said: Vec<(usize, &Spoken)> = said.filter_map(|(at, place)| Some((at, place.get()?))).collect();
    said.sort_by_key(|(at, spoken)| (spoken.at, *at));
    let mut published: Vec<Published> = said
        .iter()
        .map(|(_, spoken)| Published {
            node: spoken.node,
            topic: spoken.message.topic,
            at_ns: spoken.at,
            expected: 0,
        })
        .collect();
    plan.count_audience(&mut published);
    let mut places = vec![u32::MAX; plan.world.spoken.len()];
    for (number, (at, _)) in (outcome.messages.len() as u32..).zip(said) {
        places[at] = number;
    }
    outcome.messages.append(&mut published);
    places
}

fn columns(published: &[Published], deliveries: &[Delivery]) -> Deliveries {
    let at = |delivery: &Delivery| published[delivery.message as usize].at_ns;
    Deliveries {
        message: deliveries.iter().map(|delivery| delivery.message).collect(),
        node: deliveries.iter().map(|delivery| delivery.node).collect(),
        latency_ns: deliveries.iter().map(|delivery| delivery.time - at(delivery)).collect(),
        hops: deliveries.iter().map(|delivery| delivery.hops).collect(),
    }
}

fn each(bytes: &mut NodeBytes, [payload_up, payload_down, control_up, control_down]: [u64; 4]) {
    bytes.payload_up.push(payload_up);
    bytes.payload_down.push(payload_down);
    bytes.control_up.push(control_up);
    bytes.control_down.push(control_down);
}

fn add(sum: &mut Counters, more: &Counters) {
    sum.payload_sends += more.payload_sends;
    sum.duplicates += more.duplicates;
    sum.ihave += more.ihave;
    sum.ihave_ids += more.ihave_ids;
    sum.iwant += more.iwant;
    sum.iwant_ids += more.iwant_ids;
    sum.graft += more.graft;
    sum.prune += more.prune;
    sum.idontwant += more.idontwant;
    sum.subscriptions += more.subscriptions;
    sum.dropped += more.dropped;
    sum.rejected += more.rejected;
    sum.payload_bytes += more.payload_bytes;
    sum.control_bytes += more.control_bytes;
}

/// Honest nodes that are there at the end of each second.
fn count_online(plan: &Plan, timeline: &mut [Second]) {
    let mut steps = vec![0_i64; timeline.len() + 1];
    let seconds = timeline.len();
    let at_end = |time: u64| ((time / 1_000_000_000) as usize).min(seconds);
    for node in 0..plan.scenario.nodes {
        for (from, to) in plan.presence(node).take_while(|(from, _)| at_end(*from) < seconds) {
            steps[at_end(from)] += 1;
            steps[at_end(to)] -= 1;
        }
    }
    let mut there = 0;
    for (second, step) in timeline.iter_mut().zip(steps) {
        there += step;
        second.online = there as u64;
    }
}
