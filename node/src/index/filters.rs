//! What must hold of an item, whatever its words.

use intentcast_protocol::{
    category::CategoryId,
    intent::{Condition, Conditions, Intent},
    money::{Currency, Money},
    place::{Fulfilment, Region},
};

/// What must hold of an item, whatever its words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Filters {
    /// Its price in this currency.
    pub currency: Option<Currency>,
    /// Its price at most this, and in this currency.
    pub ceiling: Option<Money>,
    /// Its category within this one, or coarser: then the words decide.
    pub category: Option<CategoryId>,
    /// Its condition one of these.
    pub conditions: Option<Conditions>,
    /// Sent here, or saying nothing of where it is sent.
    pub region: Option<Region>,
}

impl Filters {
    /// What an intent asks for, where a price may still fall to `lowest` hundredths of a percent of the catalogue's.
    ///
    /// What delivery costs is left out: that is for the seller's rules.
    pub fn of(intent: &Intent, lowest: u32) -> Self {
        let listed = |budget: Money| {
            let each = i128::from(budget.minor) / i128::from(intent.quantity.max(1));
            // One more unit, since the rules cut what is left of a unit and would find a price that this filter had not.
            let listed = (each + i128::from(lowest < 10_000)) * 10_000 / i128::from(lowest.clamp(1, 10_000));
            Money {
                minor: i64::try_from(listed).unwrap_or(i64::MAX),
                ..budget
            }
        };
        Self {
            currency: Some(intent.budget.currency()),
            // Of a budget that is not said only the currency is known.
            ceiling: intent.budget.ceiling().map(listed),
            category: Some(intent.category),
            conditions: Some(intent.conditions),
            // What may be picked up need not be sent.
            region: (!intent.fulfilment.contains(Fulfilment::Pickup)).then_some(intent.place.region),
        }
    }
}

/// Whether a condition as a column has it is one of these.
pub(super) fn has(asked: Conditions, offered: u64) -> bool {
    Condition::ALL
        .into_iter()
        .any(|condition| condition as u64 == offered && asked.has(condition))
}
