//! Harvesting spies: honest nodes that listen on every topic and keep what they hear.
//!
//! A want names neither its customer nor a lasting key, but it says where offers go. So whoever holds two wants of one
//! customer can tell that they are of one.

use std::collections::{BTreeMap, BTreeSet};

/// A want, and who cast it.
pub struct Held {
    /// Its number.
    pub want: u32,
    /// Who cast it.
    pub customer: u32,
}

/// What spies have of these wants; `held` are the numbers of the wants that each spy holds.
pub fn measures(wants: &[Held], held: &[BTreeSet<u32>]) -> BTreeMap<String, f64> {
    let mut measures = BTreeMap::new();
    let mut put = |name: &str, part: usize, whole: usize| {
        if whole > 0 {
            measures.insert(name.to_owned(), part as f64 / whole as f64);
        }
    };
    let all: BTreeSet<u32> = held.iter().flatten().copied().collect();
    put(
        "harvested_by_any",
        wants.iter().filter(|it| all.contains(&it.want)).count(),
        wants.len(),
    );
    let each: usize = held.iter().map(BTreeSet::len).sum();
    put("harvested_by_each", each, wants.len() * held.len());
    let mut by_customer: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    for it in wants {
        let (cast, known) = by_customer.entry(it.customer).or_default();
        *cast += 1;
        *known += usize::from(all.contains(&it.want));
    }
    let several = || by_customer.values().filter(|(cast, _)| *cast > 1);
    put(
        "harvested_linked",
        several().filter(|(_, known)| *known > 1).count(),
        several().count(),
    );
    measures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_linked_by_two_wants_that_any_spies_hold() {
        let wants = [(0, 7), (1, 7), (2, 8), (3, 9), (4, 9)].map(|(want, customer)| Held { want, customer });
        let measures = measures(&wants, &[BTreeSet::from([0, 2]), BTreeSet::from([1])]);
        assert_eq!(measures["harvested_by_any"], 3.0 / 5.0);
        assert_eq!(measures["harvested_by_each"], 3.0 / 10.0);
        // 7 of 7 and 9; 8 has but one.
        assert_eq!(measures["harvested_linked"], 0.5);
    }
}
