//! Which nodes an attack has, whom they go for, and how fast they dial.

use crate::gossipsub::{Chance, mix2};
use crate::scenario::{Attack, AttackKind, Scenario, millis};

const FOR_VICTIMS: u64 = 8;
/// From one dial to the next of those who must be there first, ns.
const HASTE: u64 = 1_000_000;

/// One attack, its nodes counted out.
#[derive(Clone, Debug, PartialEq)]
pub struct Aim {
    /// What the scenario says of it.
    pub attack: Attack,
    /// Its first node.
    pub first: u32,
    /// The number after its last node.
    pub last: u32,
    /// Honest nodes that it is aimed at, ascending; empty: all.
    pub victims: Vec<u32>,
}

impl Aim {
    /// Those of a scenario, in its order.
    pub fn all(scenario: &Scenario, seed: u64) -> Vec<Aim> {
        let mut first = scenario.nodes;
        let aim = |(number, attack): (usize, &Attack)| {
            let last = first.saturating_add(attack.nodes(scenario.nodes));
            let wanted = match attack.kind {
                AttackKind::Eclipse => Some(attack.victims.unwrap_or(1)),
                _ => attack.victims,
            };
            let mut chance = Chance::of(mix2(seed, FOR_VICTIMS), number as u64);
            let victims = wanted.map_or_else(Vec::new, |n| some(&mut chance, scenario.nodes, n));
            let aim = Aim {
                attack: attack.clone(),
                first,
                last,
                victims,
            };
            first = last;
            aim
        };
        scenario.attack.iter().enumerate().map(aim).collect()
    }

    /// Whether a node is one of its attackers.
    pub fn has(&self, node: u32) -> bool {
        (self.first..self.last).contains(&node)
    }

    /// The honest nodes that an attacker dials, of `nodes`: distinct, as many as there are of those it asks for.
    pub fn dials(&self, chance: &mut Chance, nodes: u32, usual: u32) -> Vec<u32> {
        let pool = if self.victims.is_empty() {
            nodes
        } else {
            self.victims.len() as u32
        };
        let n = self.attack.dials.unwrap_or(usual).min(pool);
        let mut chosen: Vec<u32> = Vec::with_capacity(n as usize);
        while (chosen.len() as u32) < n {
            let drawn = chance.below(u64::from(pool)) as u32;
            let other = self.victims.get(drawn as usize).copied().unwrap_or(drawn);
            if !chosen.contains(&other) {
                chosen.push(other);
            }
        }
        chosen
    }

    /// When an attacker dials first, after its start, and how long after each the next, ns. Those of a cold boot are
    /// done before the first honest node dials.
    pub fn pace(&self, scenario: &Scenario) -> (u64, u64) {
        match self.attack.kind {
            AttackKind::ColdBoot => (0, HASTE),
            _ => (
                millis(scenario.topology.first_dial_ms),
                millis(scenario.topology.dial_interval_ms),
            ),
        }
    }
}

/// So many distinct nodes of `nodes`, ascending.
pub fn some(chance: &mut Chance, nodes: u32, n: u32) -> Vec<u32> {
    let mut all: Vec<u32> = (0..nodes).collect();
    chance.sample(&mut all, n as usize);
    all.sort_unstable();
    all
}

/// Addresses, where attackers share some.
pub fn addresses(scenario: &Scenario) -> Vec<u32> {
    if scenario.attack.iter().all(|attack| attack.per_address <= 1) {
        return Vec::new();
    }
    let mut addresses: Vec<u32> = (0..scenario.nodes).collect();
    for attack in &scenario.attack {
        let first = addresses.len() as u32;
        addresses.extend((0..attack.nodes(scenario.nodes)).map(|n| first + n / attack.per_address.max(1)));
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attack_has_its_own_nodes_and_an_eclipse_has_a_victim() {
        let mut scenario = Scenario::of(100);
        scenario.attack = [AttackKind::Sybil, AttackKind::Spies, AttackKind::Eclipse]
            .map(Attack::of)
            .to_vec();
        let aims = Aim::all(&scenario, 4);
        let ranges: Vec<(u32, u32)> = aims.iter().map(|aim| (aim.first, aim.last)).collect();
        assert_eq!(ranges, [(100, 110), (110, 110), (110, 120)]);
        assert_eq!(scenario.all_nodes(), 120);
        assert!(aims[0].victims.is_empty());
        let dials = aims[2].dials(&mut Chance::of(1, 1), 100, 10);
        assert_eq!(dials, aims[2].victims);
        assert_eq!(dials.len(), 1);
        assert_eq!(aims[0].dials(&mut Chance::of(1, 1), 100, 10).len(), 10);
    }
}
