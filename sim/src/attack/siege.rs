//! How far attackers have come, second by second, as their honest peers see it.
//!
//! Each honest node is looked at before anything happens to it that comes after a whole second: nothing has changed
//! since that second, so looking disturbs nothing and needs no event of its own. All sums are of whole numbers, so it
//! does not matter which thread adds first.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::engine::{Conduct, Plan};
use crate::gossipsub::{Event, Node, World};
use crate::outcome::Besieged;

const SECOND: u64 = 1_000_000_000;
/// Scores are summed in millionths, and no single one counts as more than this.
const MOST_SCORE: f64 = 1e6;

#[derive(Debug, Default)]
struct Row {
    slots: AtomicU64,
    held: AtomicU64,
    victim_slots: AtomicU64,
    victim_held: AtomicU64,
    ties: AtomicU64,
    sour: AtomicU64,
    score_millionths: AtomicI64,
}

/// The sums of all honest nodes.
#[derive(Debug)]
pub struct Siege {
    rows: Vec<Row>,
    honest: u32,
    /// Ascending.
    victims: Vec<u32>,
}

impl Siege {
    /// Of a run.
    pub fn of(plan: &Plan) -> Self {
        let seconds = match plan.scenario.all_nodes() > plan.scenario.nodes {
            true => plan.scenario.length_ns() / SECOND + 1,
            false => 0,
        };
        let mut victims: Vec<u32> = plan.aims.iter().flat_map(|aim| aim.victims.iter().copied()).collect();
        victims.sort_unstable();
        victims.dedup();
        Self {
            rows: (0..seconds).map(|_| Row::default()).collect(),
            honest: plan.scenario.nodes,
            victims,
        }
    }

    /// Honest nodes that an attack is aimed at, ascending.
    pub fn victims(&self) -> &[u32] {
        &self.victims
    }

    /// The look-out in one honest node.
    pub fn guard(self: &Arc<Self>, node: u32) -> Option<Box<dyn Conduct>> {
        (!self.rows.is_empty()).then(|| {
            let guard = Guard {
                siege: self.clone(),
                next: 0,
                is_victim: self.victims.binary_search(&node).is_ok(),
            };
            Box::new(guard) as Box<dyn Conduct>
        })
    }

    /// The seconds of a run that ended at `end`, ns.
    pub fn rows(&self, end: u64) -> Vec<Besieged> {
        let rows = self.rows.iter().take((end / SECOND) as usize + 1);
        rows.map(|row| {
            let of = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
            let (ties, score) = (of(&row.ties), row.score_millionths.load(Ordering::Relaxed));
            Besieged {
                slots: of(&row.slots),
                held: of(&row.held),
                victim_slots: of(&row.victim_slots),
                victim_held: of(&row.victim_held),
                ties,
                sour: of(&row.sour),
                score: if ties == 0 {
                    0.0
                } else {
                    score as f64 / 1e6 / ties as f64
                },
            }
        })
        .collect()
    }
}

struct Guard {
    siege: Arc<Siege>,
    /// The second that comes next.
    next: usize,
    is_victim: bool,
}

impl Guard {
    fn look(&self, world: &World, node: &Node) {
        let (siege, row) = (&self.siege, &self.siege.rows[self.next]);
        let now = self.next as u64 * SECOND;
        let add = |sum: &AtomicU64, n: u64| {
            sum.fetch_add(n, Ordering::Relaxed);
        };
        let is_attacker = |slot: u32| {
            node.peers()
                .get(slot as usize)
                .is_some_and(|peer| peer.id >= siege.honest)
        };
        for (_, mesh) in node.meshes() {
            let held = mesh.iter().filter(|slot| is_attacker(*slot)).count() as u64;
            add(&row.slots, mesh.len() as u64);
            add(&row.held, held);
            if self.is_victim {
                add(&row.victim_slots, mesh.len() as u64);
                add(&row.victim_held, held);
            }
        }
        for slot in (0..node.peers().len() as u32).filter(|slot| is_attacker(*slot) && node.is_connected(*slot)) {
            let score = node.score(now, world, slot).clamp(-MOST_SCORE, MOST_SCORE);
            add(&row.ties, 1);
            add(&row.sour, u64::from(score < 0.0));
            row.score_millionths.fetch_add((score * 1e6) as i64, Ordering::Relaxed);
        }
    }
}

impl Conduct for Guard {
    fn hears(&mut self, now: u64, world: &World, node: &Node, _event: &Event) -> bool {
        while self.next < self.siege.rows.len() && self.next as u64 * SECOND <= now {
            self.look(world, node);
            self.next += 1;
        }
        true
    }
}
