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

/// What one honest node has of its peers at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// Peers in all its meshes, and attackers among them.
    pub slots: u64,
    /// The latter.
    pub held: u64,
    /// The score of each attacker that it is connected to.
    pub scores: Vec<f64>,
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

    /// Adds what an honest node saw before anything happened to it that came after this whole second.
    pub fn note(&self, second: usize, node: u32, sight: &Sight) {
        let Some(row) = self.rows.get(second) else { return };
        let add = |sum: &AtomicU64, n: u64| {
            sum.fetch_add(n, Ordering::Relaxed);
        };
        add(&row.slots, sight.slots);
        add(&row.held, sight.held);
        if self.victims.binary_search(&node).is_ok() {
            add(&row.victim_slots, sight.slots);
            add(&row.victim_held, sight.held);
        }
        for score in &sight.scores {
            let score = score.clamp(-MOST_SCORE, MOST_SCORE);
            add(&row.ties, 1);
            add(&row.sour, u64::from(score < 0.0));
            row.score_millionths.fetch_add((score * 1e6) as i64, Ordering::Relaxed);
        }
    }

    /// Whether there is anything to be noted.
    pub fn is_on(&self) -> bool {
        !self.rows.is_empty()
    }

    /// The look-out in one honest node.
    pub fn guard(self: &Arc<Self>, node: u32) -> Option<Box<dyn Conduct>> {
        self.is_on().then(|| {
            let guard = Guard {
                siege: self.clone(),
                own: node,
                next: 0,
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
    own: u32,
    /// The second that comes next.
    next: usize,
}

impl Guard {
    fn sight(&self, world: &World, node: &Node) -> Sight {
        // What falls on the second itself, as decays of scores do, comes after the look.
        let now = (self.next as u64 * SECOND).saturating_sub(1);
        let is_attacker = |slot: u32| {
            node.peers()
                .get(slot as usize)
                .is_some_and(|peer| peer.id >= self.siege.honest)
        };
        let mut sight = Sight::default();
        for (_, mesh) in node.meshes() {
            sight.slots += mesh.len() as u64;
            sight.held += mesh.iter().filter(|slot| is_attacker(*slot)).count() as u64;
        }
        let tied = (0..node.peers().len() as u32).filter(|slot| is_attacker(*slot) && node.is_connected(*slot));
        sight.scores.extend(tied.map(|slot| node.score(now, world, slot)));
        sight
    }
}

impl Conduct for Guard {
    fn hears(&mut self, now: u64, world: &World, node: &Node, _event: &Event) -> bool {
        while self.next < self.siege.rows.len() && self.next as u64 * SECOND <= now {
            self.siege.note(self.next, self.own, &self.sight(world, node));
            self.next += 1;
        }
        true
    }
}
