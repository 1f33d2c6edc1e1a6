//! A device is lost, and another goes on from an older backup: an earlier prefix of its ledger, and the mark that a restore
//! leaves.
//!
//! What nobody else holds cannot come back, so a backup here is never older than the last of that: a want, what is kept back
//! of it, an offer that came straight from a seller, a no.

use intentcast_protocol::{
    codec::decode,
    ledger::{Chain, Entry, Fact},
    letter::Matter,
};

use crate::market::{check::Kept, node::Node, world::World};

/// Whether the entry, which came after `before`, cannot be had from the other side of a conversation.
fn is_beyond_recall(fact: &Fact, before: Option<&Fact>) -> bool {
    match fact {
        // One that came in a letter comes in it again.
        Fact::OfferTaken(_) => !matches!(before, Some(Fact::Took(letter)) if is_revision(&letter.matter)),
        Fact::Cast { .. }
        | Fact::Kept { .. }
        | Fact::Heard(_)
        | Fact::HeadStart { .. }
        | Fact::Regarded { .. }
        | Fact::Declined(_)
        | Fact::AcceptanceRefused { .. }
        | Fact::YesRefused { .. } => true,
        _ => false,
    }
}

fn is_revision(matter: &Matter) -> bool {
    matches!(matter, Matter::Revised { .. })
}

/// The fewest entries that a backup of this node may have.
fn least(node: &Node) -> usize {
    let facts: Vec<Fact> = node
        .disk
        .iter()
        .filter_map(|bytes| decode::<Entry>(bytes).ok().map(|entry| entry.fact))
        .collect();
    let beyond = |at: &usize| is_beyond_recall(&facts[*at], at.checked_sub(1).map(|before| &facts[before]));
    (0..facts.len()).rev().find(beyond).map_or(0, |at| at + 1)
}

impl World {
    /// The node goes on from a backup that has all but the newest entries. True if some are lost.
    pub fn restore(&mut self, at: usize) -> bool {
        if self.nodes[at].market.is_none() || self.nodes[at].disk.is_empty() {
            return false;
        }
        let (least, all) = (least(&self.nodes[at]), self.nodes[at].disk.len());
        let keeps = self.throw((least as u64, all as u64)) as usize;
        let now = self.now();
        let node = &mut self.nodes[at];
        node.die();
        node.disk.truncate(keeps);
        node.kept = Kept::default();
        let (mut chain, mut made) = (Chain::default(), now);
        for bytes in &node.disk {
            node.kept.note(bytes);
            match chain.follow(bytes) {
                Ok(entry) => made = entry.at,
                Err(broken) => {
                    let told = format!("node {at} has no sound disk to back up: {broken}");
                    self.violations.push(told);
                    return false;
                }
            }
        }
        let mark = chain.append(now, Fact::Restored { made });
        self.nodes[at].store(vec![mark]);
        self.forget_said_by(at);
        self.start_over(at);
        keeps < all
    }
}
