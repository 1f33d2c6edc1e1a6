//! Virtual time: many nodes on some threads, the same history whatever their number.
//!
//! Time is cut into windows as long as the shortest way between two nodes, so that nothing that happens in a window can
//! reach another node within it. Nodes are parted among threads; in each window a thread handles the events of each of
//! its nodes in the order of time, kind, source and number, and only then is the mail between threads exchanged. A
//! node draws its chances from a stream of its own. So the order in which different nodes of a window are done, and by
//! which thread, changes nothing: the same seed gives the same [`Outcome`] to the byte.

mod aim;
mod calendar;
mod conduct;
mod desk;
mod event;
mod host;
mod part;
mod plan;
mod presence;
mod threads;
mod total;

pub use aim::Aim;
pub use conduct::{Both, Conduct, Errands, Parcel};
pub use plan::{Error, Plan, Purpose};

use desk::Desk;
use host::Host;
use part::Part;

use crate::outcome::Outcome;
use crate::scenario::Scenario;

/// Who wants to know how far a run is, and may end it.
pub trait Progress: Sync {
    /// Virtual time has come to here; so many events have been handled.
    fn at(&self, _virtual_ns: u64, _events: u64) {}

    /// Whether the run should end now, with what there is.
    fn stop(&self) -> bool {
        false
    }
}

/// Nobody.
impl Progress for () {}

/// How a node differs from an honest one, by its number; `None`: in nothing.
pub type Conducts<'a> = dyn Fn(u32) -> Option<Box<dyn Conduct>> + 'a;

/// Runs a scenario on the model with honest nodes alone: its attackers, if any, do nothing wrong.
///
/// # Errors
///
/// If a file that the scenario names cannot be read.
pub fn run(scenario: &Scenario, seed: u64, threads: usize, progress: &dyn Progress) -> Result<Outcome, Error> {
    run_with(scenario, seed, threads, progress, &|_| None)
}

/// The same, with nodes of their own conduct among them.
///
/// # Errors
///
/// As [`run`].
pub fn run_with(
    scenario: &Scenario,
    seed: u64,
    threads: usize,
    progress: &dyn Progress,
    conducts: &Conducts<'_>,
) -> Result<Outcome, Error> {
    let plan = Plan::of(scenario, seed)?;
    Ok(run_plan(&plan, threads, progress, conducts))
}

/// The same, of a plan that is made already.
pub fn run_plan(plan: &Plan, threads: usize, progress: &dyn Progress, conducts: &Conducts<'_>) -> Outcome {
    let mut parts = parts(plan, threads, conducts);
    let (partial, end) = threads::run(&mut parts, plan.scenario.length_ns(), progress);
    total::outcome(plan, parts, partial, end)
}

/// All nodes, parted, and what is settled to happen to them.
fn parts<'a>(plan: &'a Plan, threads: usize, conducts: &Conducts<'_>) -> Vec<Part<'a>> {
    let nodes = plan.scenario.all_nodes();
    let share = nodes.div_ceil(threads.clamp(1, 64) as u32).max(1);
    let count = nodes.div_ceil(share).max(1) as usize;
    let mut parts: Vec<Part<'a>> = (0..count)
        .map(|number| {
            let first = number as u32 * share;
            let mut desk = Desk::new(plan, number, count, share);
            let hosts = (first..nodes.min(first + share)).map(|id| {
                let (host, starts) = Host::new(plan, id, conducts(id));
                if let Some(time) = starts {
                    desk.calendar.put(settled(id, 0, time, event::What::Start));
                }
                for (cut_number, cut) in plan.cuts().iter().enumerate() {
                    desk.calendar
                        .put(settled(id, cut_number as u32, cut.start, event::What::Cut));
                }
                host
            });
            let hosts = hosts.collect();
            Part::new(first, hosts, desk)
        })
        .collect();
    for (message, published) in plan.published.iter().enumerate() {
        let event = settled(
            published.node,
            message as u32,
            published.at_ns,
            event::What::Publish(message as u32),
        );
        parts[(published.node / share) as usize].desk.calendar.put(event);
    }
    parts
}

fn settled(node: u32, seq: u32, time: u64, what: event::What) -> event::Event {
    event::Event {
        time,
        dest: node,
        src: node,
        slot: 0,
        seq,
        what,
    }
}

#[cfg(test)]
mod tests;
