//! Those who mean harm, one file an attack: what each does differently from an honest node.
//!
//! An attacker is a node like any other, with a [`Conduct`] of its own on top of its gossip; the defence is the honest
//! nodes' own settings. What honest nodes make of it is watched from within them ([`siege`]) and put into figures
//! afterwards ([`measure`]). Nothing here can make a frame quicker than its link or forge another node's number.

#[cfg(feature = "market")]
pub(crate) mod bait_and_switch;
mod censor;
mod cold_boot;
mod control_spam;
mod covert_flash;
mod dawn;
mod eclipse;
mod forgery;
mod grip;
#[cfg(feature = "market")]
pub(crate) mod harvest;
mod measure;
#[cfg(feature = "market")]
pub(crate) mod offer_flood;
mod siege;
pub(crate) mod spies;
mod sybil;

use std::sync::Arc;

use crate::engine::{self, Aim, Conduct, Plan, Progress};
use crate::gossipsub::mix2;
use crate::outcome::Outcome;
use crate::privacy::{self, Neighbours, Sighting};
use crate::scenario::{AttackKind, Scenario, seconds};
use siege::Siege;
pub use siege::Sight;

const FOR_DROPS: u64 = 12;

/// Runs a scenario on the model, with its attackers.
///
/// # Errors
///
/// If an attack is not one on the gossip, or a file that the scenario names cannot be read.
pub fn run(scenario: &Scenario, seed: u64, threads: usize, progress: &dyn Progress) -> Result<Outcome, String> {
    are_of_gossip(scenario)?;
    let mut plan = Plan::of(scenario, seed).map_err(|error| error.to_string())?;
    let camp = Camp::of(&mut plan);
    let mut outcome = engine::run_plan(&plan, threads, progress, &|node| camp.conduct(&plan, node));
    camp.measure(&plan, &mut outcome);
    Ok(outcome)
}

/// Whether all attacks of a scenario are on the gossip.
///
/// # Errors
///
/// Names the first that is not, and its level.
pub fn are_of_gossip(scenario: &Scenario) -> Result<(), String> {
    for attack in &scenario.attack {
        if matches!(attack.kind, AttackKind::OfferFlood | AttackKind::BaitAndSwitch) {
            return Err(format!(
                "the attack `{}` is one of sellers, who are on `level = \"market\"` alone",
                attack.kind.name()
            ));
        }
    }
    Ok(())
}

/// The attackers of one run, and those who watch them.
///
/// On the model all is done by the [`Conduct`] of each node. A level whose honest nodes are not the model's asks for
/// those of attackers alone, and hands in itself what honest nodes see: [`Camp::notes`], [`Camp::maps`],
/// [`Camp::sighted`].
pub struct Camp {
    stocks: Stocks,
    siege: Arc<Siege>,
    ring: Option<spies::Ring>,
}

impl Camp {
    /// That of a plan, which gets the messages that only attackers have.
    pub fn of(plan: &mut Plan) -> Self {
        Self {
            stocks: stocks(plan),
            siege: Arc::new(Siege::of(plan)),
            ring: spies::Ring::of(plan),
        }
    }

    /// What a node does beside its own gossip; none, where there is nothing.
    pub fn conduct(&self, plan: &Plan, node: u32) -> Option<Box<dyn Conduct>> {
        match plan.aim_of(node) {
            Some(aim) => attacker(plan, aim, node, &self.stocks),
            None => both(self.siege.guard(node), self.ring.as_ref().map(|ring| ring.place(node))),
        }
    }

    /// Whether what honest nodes see of attackers is to be noted each second.
    pub fn is_besieging(&self) -> bool {
        self.siege.is_on()
    }

    /// Takes note of what an honest node sees before anything happens to it that comes after this whole second.
    pub fn notes(&self, second: usize, node: u32, sight: &Sight) {
        self.siege.note(second, node, sight);
    }

    /// When honest nodes' neighbours are to be told to spies, ns; none, where there are no spies.
    pub fn maps_at(&self) -> Option<u64> {
        self.ring.as_ref().map(spies::Ring::map_at)
    }

    /// Takes note of an honest node's neighbours.
    pub fn maps(&self, node: u32, neighbours: Neighbours) {
        if let Some(ring) = &self.ring {
            ring.map(node, neighbours);
        }
    }

    /// Takes note of a message's first arrival at an honest node, if that is a spy.
    pub fn sighted(&self, sighting: Sighting) {
        if let Some(ring) = &self.ring {
            ring.note(sighting);
        }
    }

    /// Adds what came of it.
    pub fn measure(self, plan: &Plan, outcome: &mut Outcome) {
        measure::besieged(plan, &self.siege, outcome);
        // Who said what first is asked of what was settled to be said.
        if let Some(ring) = self.ring.filter(|_| !plan.published.is_empty()) {
            let report = ring.report();
            outcome.measures.extend(privacy::measures(plan, &report));
        }
    }
}

/// Messages that only attackers have, by attack: numbers in the table of messages past those that are published.
type Stocks = Vec<std::ops::Range<u32>>;

fn stocks(plan: &mut Plan) -> Stocks {
    let aims = plan.aims.clone();
    aims.iter()
        .map(|aim| {
            let n = match aim.attack.kind {
                AttackKind::ControlSpam => control_spam::PHANTOMS,
                AttackKind::Forgery => forgery::stock(&plan.scenario, aim),
                _ => 0,
            };
            let first = plan.world.messages.len() as u32;
            let topics = plan.scenario.topics.count.max(1);
            let size = aim.attack.size_bytes.unwrap_or(plan.scenario.traffic.size_bytes);
            plan.world
                .messages
                .extend((0..n).map(|number| crate::gossipsub::Message {
                    topic: number % topics,
                    size,
                    valid: false,
                }));
            first..first + n
        })
        .collect()
}

/// What an attacker does.
fn attacker(plan: &Plan, aim: &Aim, node: u32, stocks: &Stocks) -> Option<Box<dyn Conduct>> {
    let at = plan.aims.iter().position(|other| other == aim)?;
    let number = node - aim.first;
    let conduct: Box<dyn Conduct> = match aim.attack.kind {
        AttackKind::Sybil => Box::new(match aim.attack.drops {
            Some(drops) => {
                let seed = mix2(mix2(plan.seed, FOR_DROPS), u64::from(node));
                sybil::Sybil::leaky(drops, plan.published.len(), seed)
            }
            None => sybil::Sybil::new(0),
        }),
        AttackKind::Eclipse => Box::new(eclipse::Eclipse::new(&plan.scenario, number)),
        AttackKind::Censor => Box::new(censor::Censor::new(plan, aim)),
        AttackKind::ColdBoot => Box::new(cold_boot::ColdBoot::new()),
        AttackKind::CovertFlash => Box::new(covert_flash::CovertFlash::new(begin(&plan.scenario, aim))),
        AttackKind::Dawn => Box::new(dawn::Dawn::new(begin(&plan.scenario, aim))),
        AttackKind::ControlSpam => Box::new(control_spam::ControlSpam::new(plan, aim, number, stocks[at].clone())),
        AttackKind::Forgery => Box::new(forgery::Forger::new(&plan.scenario, aim, number, stocks[at].clone())),
        AttackKind::OfferFlood | AttackKind::BaitAndSwitch | AttackKind::Spies => return None,
    };
    Some(conduct)
}

/// When an attack's nodes begin to do harm, ns: some behave at first.
fn begin(scenario: &Scenario, aim: &Aim) -> u64 {
    match aim.attack.kind {
        AttackKind::CovertFlash => covert_flash::turn(&aim.attack),
        AttackKind::Dawn => dawn::turn(scenario, &aim.attack),
        _ => seconds(aim.attack.start_s),
    }
}

/// Two that both only look on.
fn both(a: Option<Box<dyn Conduct>>, b: Option<Box<dyn Conduct>>) -> Option<Box<dyn Conduct>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Box::new(engine::Both(a, b))),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests;
