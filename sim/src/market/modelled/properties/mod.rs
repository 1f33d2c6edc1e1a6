//! What must never happen on the market level, a file each.
//!
//! A property looks at each thing that a market says, where the build has debug assertions, and at what all nodes left
//! behind, at the end of every run. It knows the disks, which are what outlives a node; where a disk and a market differ,
//! the disk is right.

mod acknowledged;
mod budget;
mod grant;
mod liveness;
mod two_records;

use std::collections::BTreeMap;

use intentcast_protocol::{
    keys::PublicKey,
    market::{Market, Output},
    time::Timestamp,
};

use super::{
    diary::{Cast, Diary},
    load::Load,
    shelf::Shelf,
};
use crate::engine::Plan;

/// Something that an honest node's market says, before it leaves the node.
pub(super) struct Step<'a> {
    pub now: Timestamp,
    pub node: u32,
    pub market: &'a Market,
    /// What its disk holds now.
    pub shelf: &'a Shelf,
    pub load: &'a Load,
    /// Its own wants.
    pub cast: &'a [Cast],
    pub output: &'a Output,
}

/// What all nodes left behind.
pub(super) struct End<'a> {
    pub plan: &'a Plan,
    pub load: &'a Load,
    /// By node.
    pub diaries: &'a [&'a Diary],
    /// By node, what its disk holds.
    pub shelves: &'a [Shelf],
    /// Nodes by the key that they sell under, of those that have any deal.
    pub sellers: BTreeMap<PublicKey, u32>,
    /// When the run was over, ns.
    pub at: u64,
}

impl End<'_> {
    /// Honest nodes' diaries, with their shelves.
    fn honest(&self) -> impl Iterator<Item = (u32, &Diary, &Shelf)> {
        let all = (0..).zip(self.diaries.iter().zip(self.shelves));
        all.take(self.plan.scenario.nodes as usize)
            .map(|(node, (diary, shelf))| (node, *diary, shelf))
    }

    /// The disk of whoever sells under a key.
    fn shelf_of(&self, seller: PublicKey) -> Option<&Shelf> {
        self.sellers.get(&seller).map(|node| &self.shelves[*node as usize])
    }
}

/// One of them.
pub(super) trait Property: Sync {
    /// What is wrong with this step.
    fn step(&self, _step: &Step<'_>) -> Option<String> {
        None
    }

    /// What is wrong in the end.
    fn end(&self, _end: &End<'_>) -> Vec<String> {
        Vec::new()
    }
}

const ALL: [&dyn Property; 5] = [
    &budget::WithinBudget,
    &two_records::TwoRecords,
    &grant::GrantedFirst,
    &acknowledged::NothingLost,
    &liveness::ComesToRest,
];

/// What is wrong with a step.
pub(super) fn step(step: &Step<'_>) -> Vec<String> {
    ALL.iter().filter_map(|property| property.step(step)).collect()
}

/// What is wrong in the end.
pub(super) fn end(plan: &Plan, load: &Load, diaries: &[&Diary], at: u64) -> Vec<String> {
    let read = |diary: &&Diary| Shelf::read(diary.disk.iter().map(|entry| &**entry));
    let shelves: Vec<Shelf> = diaries.iter().map(read).collect();
    let sellers = (0..)
        .zip(diaries)
        .filter(|(_, diary)| !diary.sold.is_empty() || !diary.sent.is_empty());
    let sellers = sellers.map(|(node, _)| (super::peers::seed_of(plan.seed, node).seller_key().public(), node));
    let end = End {
        plan,
        load,
        diaries,
        shelves: &shelves,
        sellers: sellers.collect(),
        at,
    };
    ALL.iter().flat_map(|property| property.end(&end)).collect()
}
