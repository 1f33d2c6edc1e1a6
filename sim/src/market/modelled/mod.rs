//! The market level: the real market machine of every node over the modelled gossip.
//!
//! Wants are gossiped, and judged by each node's own [`Market`](intentcast_protocol::market::Market) as they come by;
//! offers and all that two say to each other go straight over links. Sellers search the product's index. What must never
//! happen is looked for by [`properties`], and what attackers of the market do is in [`ploy`].

mod diary;
mod fates;
mod goods;
mod judge;
mod load;
mod peers;
pub(crate) mod ploy;
pub mod properties;
mod resident;
mod shelf;
mod till;

use std::sync::{Arc, OnceLock};

use intentcast_protocol::topic::Topic;

use crate::attack::{Camp, bait_and_switch::BaitAndSwitch, offer_flood::OfferFlood, spies::Ring};
use crate::engine::{self, Both, Conduct, Plan, Progress};
use crate::outcome::Outcome;
use crate::scenario::{AttackKind, Scenario};
use diary::Diary;
use load::Load;
use resident::Resident;
use till::Till;

/// What all residents of a run share.
#[derive(Debug)]
struct Stage {
    seed: u64,
    load: Load,
    till: Till,
    judge: judge::Judge,
    /// The product's topics, by the model's numbers.
    topics: Vec<Topic>,
    /// Nodes on each topic, ascending: whom a search for peers of it can find.
    members: Vec<Vec<u32>>,
    /// Who listens on every topic and keeps what it hears, ascending.
    spies: Vec<u32>,
    /// The least mesh that a node is content with.
    d_low: usize,
    /// What each node leaves behind when the run is over.
    diaries: Vec<OnceLock<Diary>>,
    #[cfg(test)]
    sabotage: Option<resident::Sabotage>,
}

impl Stage {
    fn number(&self, topic: Topic) -> Option<u32> {
        self.topics.binary_search(&topic).ok().map(|at| at as u32)
    }
}

/// Runs a scenario on the market level.
///
/// # Errors
///
/// If a file that the scenario names cannot be read, an attack is not one on this level, or there is no memory for an
/// index.
pub fn run(scenario: &Scenario, seed: u64, threads: usize, progress: &dyn Progress) -> Result<Outcome, String> {
    let show = Show::of(scenario, seed)?;
    Ok(show.run(threads, progress))
}

/// A run that has not begun.
struct Show {
    plan: Plan,
    stage: Arc<Stage>,
}

impl Show {
    fn of(scenario: &Scenario, seed: u64) -> Result<Self, String> {
        if scenario.attack.iter().any(|attack| attack.kind == AttackKind::Censor) {
            return Err(
                "the attack `censor` chooses among publishers before the run: it is on the gossip level alone".into(),
            );
        }
        let load = Load::of(scenario, seed)?;
        let till = Till::of(&load)?;
        let mut topics: Vec<Topic> = Topic::all().collect();
        topics.sort();
        let mut scenario = scenario.clone();
        // All that is said is said by markets, on the product's topics, and lasts as long as they want something.
        scenario.traffic.messages = 0;
        scenario.topics.count = topics.len() as u32;
        let last = load.wants.last().map_or(0, |want| want.at);
        let length = last.saturating_sub(scenario.start_ns()).div_ceil(1_000_000_000);
        scenario.time.run_s = Some(scenario.time.run_s.unwrap_or_default().max(length as f64));
        let mut plan = Plan::of(&scenario, seed).map_err(|error| error.to_string())?;
        // The verdict is the market's, which is asked when the time of a validation is over.
        plan.world.settings.validation = plan.world.settings.validation.max(1);
        plan.world.spoken = (0..load.all_places()).map(|_| OnceLock::new()).collect();
        let spies = Ring::of(&plan).map_or_else(Vec::new, |ring| ring.spies());
        let numbers = |node: u32| {
            let is_open = (node < scenario.nodes && spies.binary_search(&node).is_err()) || load.rogue(node).is_some();
            let mut own: Vec<u32> = if is_open {
                let all = load.listens(node).into_iter().chain(load.backbone(node));
                all.filter_map(|topic| topics.binary_search(&topic).ok())
                    .map(|at| at as u32)
                    .collect()
            } else {
                (0..topics.len() as u32).collect()
            };
            own.sort_unstable();
            own.dedup();
            own.into_boxed_slice()
        };
        plan.joined = (0..scenario.all_nodes()).map(numbers).collect();
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); topics.len()];
        for (node, joined) in (0..).zip(&plan.joined) {
            for topic in joined.iter() {
                members[*topic as usize].push(node);
            }
        }
        let stage = Arc::new(Stage {
            seed,
            judge: judge::Judge::of(load.market.signatures, load.all_places()),
            till,
            d_low: plan.world.settings.d_low,
            diaries: (0..scenario.all_nodes()).map(|_| OnceLock::new()).collect(),
            topics,
            members,
            spies,
            load,
            #[cfg(test)]
            sabotage: None,
        });
        Ok(Self { plan, stage })
    }

    fn run(self, threads: usize, progress: &dyn Progress) -> Outcome {
        let Self { mut plan, stage } = self;
        let camp = (!plan.scenario.attack.is_empty()).then(|| Camp::of(&mut plan));
        let resident = |node: u32| -> Option<Box<dyn Conduct>> {
            let lives_here = node < plan.scenario.nodes || stage.load.rogue(node).is_some();
            let lives_here = lives_here.then(|| Box::new(Resident::new(&plan, &stage, node)) as Box<dyn Conduct>);
            match (lives_here, camp.as_ref().and_then(|camp| camp.conduct(&plan, node))) {
                (Some(resident), Some(other)) => Some(Box::new(Both(resident, other))),
                (one, other) => one.or(other),
            }
        };
        let mut outcome = engine::run_plan(&plan, threads, progress, &resident);
        fates::told(&plan, &stage, &mut outcome);
        if let Some(camp) = camp {
            camp.measure(&plan, &mut outcome);
        }
        outcome
    }
}

/// What an attacker of the market does to what leaves its node.
fn ploy(plan: &Plan, stage: &Stage, node: u32) -> Option<Box<dyn ploy::Ploy>> {
    let aim = plan.aim_of(node)?;
    match stage.load.rogue(node)? {
        AttackKind::OfferFlood => Some(Box::new(OfferFlood::new(aim, node))),
        AttackKind::BaitAndSwitch => Some(Box::new(BaitAndSwitch)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
