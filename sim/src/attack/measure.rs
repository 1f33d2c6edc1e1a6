//! What an attack came to, in figures.
//!
//! The window of an attack is from when its nodes begin to do harm to when they leave; of several, from the first to the
//! last. Before it is calm. Messages count by when they were published.

use std::collections::BTreeMap;

use super::{begin, censor, siege::Siege};
use crate::engine::Plan;
use crate::outcome::{Besieged, Deliveries, Latencies, Outcome};
use crate::scenario::{AttackKind, seconds};

/// Puts the siege and its measures into an outcome.
pub fn besieged(plan: &Plan, siege: &Siege, outcome: &mut Outcome) {
    let active: Vec<_> = plan.aims.iter().filter(|aim| aim.last > aim.first).collect();
    let Some(from) = active.iter().map(|aim| begin(&plan.scenario, aim)).min() else {
        return;
    };
    let until = |stop: Option<f64>| stop.map_or(u64::MAX, seconds);
    let to = active
        .iter()
        .map(|aim| until(aim.attack.stop_s))
        .max()
        .unwrap_or(u64::MAX);
    let to = to.min(outcome.end_ns);
    let mut measures = BTreeMap::new();
    let mut put = |name: &str, value: Option<f64>| {
        measures.extend(
            value
                .filter(|value| value.is_finite())
                .map(|value| (name.to_owned(), value)),
        );
    };
    put("attack_from_s", Some(from as f64 / 1e9));
    put("attack_to_s", Some(to as f64 / 1e9));
    if active.iter().any(|aim| aim.attack.kind == AttackKind::Forgery) {
        let again = forget_repetitions(outcome);
        put("replays_accepted", Some(again as f64));
        put("forgeries_refused", Some(outcome.counters.rejected as f64));
    }

    let table = Table::of(outcome);
    let published = outcome.messages.clone();
    let at = |message: u32| published[message as usize].at_ns;
    let calm = table.of_messages(outcome, |message| at(message) < from);
    let during = table.of_messages(outcome, |message| (from..to).contains(&at(message)));
    for (name, some) in [("calm", &calm), ("attack", &during)] {
        put(&format!("{name}_delivery_ratio"), some.ratio);
        put(&format!("{name}_latency_mean_ms"), some.latency.mean_ms);
        put(&format!("{name}_latency_p50_ms"), some.latency.p50_ms);
        put(&format!("{name}_latency_p99_ms"), some.latency.p99_ms);
        put(&format!("{name}_latency_max_ms"), some.latency.max_ms);
    }

    let victims = siege.victims();
    if !victims.is_empty() {
        let in_time = |message: u32| (from..to).contains(&at(message));
        let own = |message: u32| victims.binary_search(&published[message as usize].node).is_ok();
        let mut said = 0;
        let mut heard = 0;
        for message in (0..outcome.messages.len() as u32).filter(|message| in_time(*message)) {
            let own = victims.binary_search(&published[message as usize].node).is_ok();
            said += victims.len() as u64 - u64::from(own);
        }
        for (message, node) in outcome.deliveries.message.iter().zip(&outcome.deliveries.node) {
            heard += u64::from(in_time(*message) && victims.binary_search(node).is_ok());
        }
        put("victim_delivery_ratio", part(heard, said));
        let spoken = table.of_messages(outcome, |message| in_time(message) && own(message));
        put("victim_publish_ratio", spoken.ratio);
    }
    for aim in active.iter().filter(|aim| aim.attack.kind == AttackKind::Censor) {
        let censored = censor::censored(plan, aim);
        let is_in = |message: u32| censored.binary_search(&published[message as usize].node).is_ok();
        let in_time = |message: u32| (from..to).contains(&at(message));
        let dropped = table.of_messages(outcome, |message| in_time(message) && is_in(message));
        let others = table.of_messages(outcome, |message| in_time(message) && !is_in(message));
        put("censored_delivery_ratio", dropped.ratio);
        put("censored_latency_p99_ms", dropped.latency.p99_ms);
        put("uncensored_delivery_ratio", others.ratio);
        put("uncensored_latency_p99_ms", others.latency.p99_ms);
    }

    outcome.siege = siege.rows(outcome.end_ns);
    let second = |ns: u64| (ns.div_ceil(1_000_000_000) as usize).min(outcome.siege.len());
    let rows = &outcome.siege[second(from)..second(to).max(second(from))];
    let share = |row: &Besieged| part(row.held, row.slots);
    let sum = |of: fn(&Besieged) -> u64| rows.iter().map(of).sum::<u64>();
    put("attacker_mesh_share", part(sum(|row| row.held), sum(|row| row.slots)));
    put(
        "attacker_mesh_share_max",
        rows.iter().filter_map(share).reduce(f64::max),
    );
    put("attacker_mesh_share_end", rows.iter().rev().find_map(share));
    put(
        "victim_mesh_share",
        part(sum(|row| row.victim_held), sum(|row| row.victim_slots)),
    );
    let of_victim = |row: &Besieged| part(row.victim_held, row.victim_slots);
    put(
        "victim_mesh_share_max",
        rows.iter().filter_map(of_victim).reduce(f64::max),
    );
    if plan.world.settings.scoring.is_some() {
        let ties = sum(|row| row.ties);
        let scores: f64 = rows.iter().map(|row| row.score * row.ties as f64).sum();
        put("attacker_score", (ties > 0).then(|| scores / ties as f64));
        put(
            "attacker_score_end",
            rows.iter().rev().find(|row| row.ties > 0).map(|row| row.score),
        );
        put("attacker_sour_share", part(sum(|row| row.sour), ties));
    }
    outcome.measures.extend(measures);
}

fn part(some: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| some as f64 / all as f64)
}

/// Some messages' fate.
struct Fate {
    ratio: Option<f64>,
    latency: Latencies,
}

/// Deliveries by message.
struct Table {
    expected: Vec<u64>,
    delivered: Vec<u64>,
}

impl Table {
    fn of(outcome: &Outcome) -> Self {
        let messages = outcome.messages.len();
        let expected = outcome.messages.iter().map(|m| u64::from(m.expected)).collect();
        let mut delivered = vec![0; messages];
        for message in &outcome.deliveries.message {
            if let Some(n) = delivered.get_mut(*message as usize) {
                *n += 1;
            }
        }
        Self { expected, delivered }
    }

    fn of_messages(&self, outcome: &Outcome, which: impl Fn(u32) -> bool) -> Fate {
        let some = (0..self.expected.len() as u32).filter(|message| which(*message));
        let (delivered, expected) = some.fold((0, 0), |(delivered, expected), message| {
            let at = message as usize;
            (delivered + self.delivered[at], expected + self.expected[at])
        });
        let deliveries = outcome.deliveries.message.iter().zip(&outcome.deliveries.latency_ns);
        let times = deliveries.filter(|(message, _)| which(**message)).map(|(_, ns)| *ns);
        Fate {
            ratio: part(delivered, expected),
            latency: Latencies::of(times.collect()),
        }
    }
}

/// Leaves only the first arrival of each message at each node: a replay past the caches' time is taken for a new one.
/// How many went.
fn forget_repetitions(outcome: &mut Outcome) -> u64 {
    let nodes = outcome.nodes as usize;
    let mut seen = vec![0_u64; (nodes * outcome.messages.len()).div_ceil(64)];
    // What a publisher hears of itself is no news either.
    for (message, published) in outcome.messages.iter().enumerate() {
        let place = message * nodes + published.node as usize;
        seen[place / 64] |= 1_u64 << (place % 64);
    }
    let mut first = Deliveries::default();
    let mut again = 0;
    let all = std::mem::take(&mut outcome.deliveries);
    for at in 0..all.len() {
        let (message, node) = (all.message[at], all.node[at]);
        let place = message as usize * nodes + node as usize;
        let Some(word) = seen.get_mut(place / 64) else {
            continue;
        };
        let bit = 1_u64 << (place % 64);
        if *word & bit != 0 {
            again += 1;
            let when = outcome.messages[message as usize].at_ns + all.latency_ns[at];
            if let Some(second) = outcome.timeline.get_mut((when / 1_000_000_000) as usize) {
                second.delivered = second.delivered.saturating_sub(1);
            }
            continue;
        }
        *word |= bit;
        first.push(message, node, all.latency_ns[at], all.hops[at]);
    }
    outcome.deliveries = first;
    again
}
