//! Offers that are countered, revised and retracted.

use serde::{Deserialize, Serialize};

use super::{Role, View};
use crate::{
    deed::Difference,
    envelope::record_id,
    id::{OfferId, RecordId},
    letter::{Change, Matter},
    offer::{Offer, Reason},
    text::Phrase,
};

/// What became of an offer in its thread.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum OfferFate {
    /// It stands.
    Stands,
    /// Another of the seller's took its place.
    Revised {
        /// Which.
        by: OfferId,
    },
    /// The seller took it back.
    Retracted,
}

impl View<'_> {
    /// What became of an offer.
    pub fn fate(&self, offer: OfferId) -> OfferFate {
        let mut fate = OfferFate::Stands;
        for entry in self.of(Role::Seller) {
            match entry.matter() {
                Matter::Revised { offer: old, with, .. } if *old == offer => {
                    return OfferFate::Revised {
                        by: record_id(with).into(),
                    };
                }
                Matter::Retracted { offer: gone } if *gone == offer => fate = OfferFate::Retracted,
                _ => {}
            }
        }
        fate
    }

    /// The last round of haggling; 0 before the first.
    pub fn round(&self) -> u8 {
        self.all()
            .filter_map(|(_, entry)| match entry.matter() {
                Matter::Counter { round, .. } | Matter::Revised { round, .. } => Some(*round),
                _ => None,
            })
            .max()
            .unwrap_or(0)
    }

    /// Counter-offers that the seller has not answered, with the offer and what it should be.
    pub fn open_counters(&self) -> impl Iterator<Item = (RecordId, OfferId, u8, &[Change])> {
        self.of(Role::Customer).iter().filter_map(|entry| match entry.matter() {
            Matter::Counter { offer, round, changes } if self.answer_to(entry.id()).is_none() => {
                Some((entry.id(), *offer, *round, &changes[..]))
            }
            _ => None,
        })
    }

    /// The seller's answer to a counter-offer: another offer, or why not.
    pub fn answer_to(&self, counter: RecordId) -> Option<Result<OfferId, Reason>> {
        self.of(Role::Seller).iter().find_map(|entry| match entry.matter() {
            Matter::Revised {
                counter: Some(to),
                with,
                ..
            } if *to == counter => Some(Ok(record_id(with).into())),
            Matter::CounterRefused { counter: to, why } if *to == counter => Some(Err(*why)),
            _ => None,
        })
    }
}

/// How two offers differ, field by field: what it was, what it is now.
pub fn differences(was: &Offer, now: &Offer) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut hold = |field: &str, was: String, now: String| {
        if was != now {
            all.push(Difference {
                field: field.into(),
                agreed: was,
                named: now,
            });
        }
    };
    hold(
        "total",
        was.totals.landed().to_string(),
        now.totals.landed().to_string(),
    );
    hold(
        "delivery",
        was.totals.delivery.to_string(),
        now.totals.delivery.to_string(),
    );
    for (at, pair) in was.lines.iter().zip(now.lines.iter()).enumerate() {
        let named = |field: &str| format!("line {}: {field}", at + 1);
        hold(&named("item"), pair.0.item.to_string(), pair.1.item.to_string());
        hold(&named("title"), pair.0.title.to_string(), pair.1.title.to_string());
        hold(
            &named("quantity"),
            pair.0.quantity.to_string(),
            pair.1.quantity.to_string(),
        );
        hold(
            &named("unit_minor"),
            pair.0.unit_minor.to_string(),
            pair.1.unit_minor.to_string(),
        );
        let told = |line: &crate::offer::Line| {
            let said = line.attributes.iter().map(|it| format!("{}={}", it.name, it.value));
            said.collect::<Vec<_>>().join(", ")
        };
        hold(&named("attributes"), told(pair.0), told(pair.1));
    }
    hold("lines", was.lines.len().to_string(), now.lines.len().to_string());
    hold("deliver_by", was.deliver_by.to_string(), now.deliver_by.to_string());
    hold("valid_until", was.valid_until.to_string(), now.valid_until.to_string());
    hold(
        "returns_days",
        was.returns_days.to_string(),
        now.returns_days.to_string(),
    );
    hold(
        "warranty_months",
        was.warranty_months.to_string(),
        now.warranty_months.to_string(),
    );
    hold("terms", was.terms.to_string(), now.terms.to_string());
    all
}

/// `offer` with these changes, its totals worked out anew: a lower total comes off the unit prices of the first line.
///
/// # Errors
/// In words, where the changes cannot all be.
pub fn apply(offer: &Offer, changes: &[Change]) -> Result<Offer, String> {
    let mut offer = offer.clone();
    let mut lines = offer.lines.clone().into_vec();
    let first = lines.first_mut().ok_or("the offer has no line")?;
    let mut total = None;
    for change in changes {
        match change {
            Change::Total(money) if money.currency == offer.totals.currency => total = Some(money.minor),
            Change::Total(_) => return Err(format!("the offer is in {}", offer.totals.currency)),
            Change::DeliverBy(at) => offer.deliver_by = *at,
            Change::Quantity(0) => return Err("of nothing there is no offer".into()),
            Change::Quantity(quantity) => first.quantity = *quantity,
            Change::ReturnsDays(days) => offer.returns_days = *days,
            Change::WarrantyMonths(months) => offer.warranty_months = *months,
            Change::Attribute(attribute) => {
                let mut attributes: Vec<_> = first.attributes.clone().into_vec();
                match attributes.iter_mut().find(|it| it.name == attribute.name) {
                    Some(here) => here.value = attribute.value.clone(),
                    None => attributes.push(attribute.clone()),
                }
                first.attributes = crate::list::List::new(attributes).map_err(|many| many.to_string())?;
            }
        }
    }
    let beyond = || String::from("the price is beyond money");
    let goods = |lines: &[crate::offer::Line]| {
        lines.iter().try_fold(0i64, |sum, line| {
            line.unit_minor
                .checked_mul(line.quantity.into())
                .and_then(|more| sum.checked_add(more))
        })
    };
    let mut sum = goods(&lines).ok_or_else(beyond)?;
    let was = offer.totals;
    if let Some(total) = total {
        let now = sum.checked_add(was.delivery).ok_or_else(beyond)?;
        // The first line bears the difference, each piece alike, rounded in the customer's favour.
        let off = now.checked_sub(total).ok_or_else(beyond)?;
        let line = lines.first_mut().ok_or("the offer has no line")?;
        let each = off.div_euclid(line.quantity.into()) + i64::from(off.rem_euclid(line.quantity.into()) > 0);
        line.unit_minor = line
            .unit_minor
            .checked_sub(each)
            .filter(|left| *left >= 0)
            .ok_or("the total is below what delivery and the other lines cost")?;
        sum = goods(&lines).ok_or_else(beyond)?;
    }
    offer.lines = crate::list::List::cut(lines);
    let total = sum.checked_add(was.delivery).ok_or_else(beyond)?;
    // The same share of the total is tax.
    let tax = if was.total == 0 {
        0
    } else {
        (i128::from(total) * i128::from(was.tax) / i128::from(was.total)) as i64
    };
    offer.totals = crate::offer::Totals {
        goods: sum,
        total,
        tax,
        ..was
    };
    Ok(offer)
}

/// The changes in words, for a person.
pub fn told(changes: &[Change]) -> Vec<(String, String)> {
    changes
        .iter()
        .map(|change| match change {
            Change::Total(money) => ("total".into(), money.to_string()),
            Change::DeliverBy(at) => ("deliver_by".into(), at.to_string()),
            Change::Quantity(quantity) => ("quantity".into(), quantity.to_string()),
            Change::ReturnsDays(days) => ("returns_days".into(), days.to_string()),
            Change::WarrantyMonths(months) => ("warranty_months".into(), months.to_string()),
            Change::Attribute(attribute) => (
                attribute.name.to_string(),
                Phrase::lossy(&attribute.value.to_string()).to_string(),
            ),
        })
        .collect()
}
