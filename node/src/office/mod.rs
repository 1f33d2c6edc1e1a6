//! Who holds which strand of whom, why and until when: for a customer what sellers have, for a seller what it has of
//! its customers. And what the holders could make of it, in words: no number that nobody could defend.

pub mod risk;

use intentcast_protocol::{
    id::RecordId,
    letter::Operations,
    market::{GrantView, Role},
    text::Name,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

pub use risk::{Level, Risk};

use crate::strands::{Holding, State};

/// One strand that somebody holds, held, or asks for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Strand {
    /// The grant.
    pub grant: RecordId,
    /// Which: `address.delivery`.
    pub strand: String,
    /// What it is, in words.
    pub title: String,
    /// What for.
    pub purpose: String,
    /// What may be done.
    pub operations: Operations,
    /// Who else may have it.
    pub recipients: Vec<Name>,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Whether it is an alias.
    pub alias: bool,
    /// How it stands.
    pub state: State,
    /// Times of use that were reported.
    pub used: u32,
    /// With whom it was shared, by the seller's reports.
    pub shared_with: Vec<Name>,
    /// What was done beyond the grant, by the seller's own reports.
    pub beyond: Vec<String>,
    /// What is late.
    pub late: Vec<Late>,
    /// As a seller: whether the secret that opens the value is still here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openable: Option<bool>,
    /// What the seller keeps of it all the same: what, by what right, until when.
    pub kept: Vec<(String, String, Timestamp)>,
}

/// Something that a seller owes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Late {
    /// What: a report, or a deletion receipt.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
}

/// Somebody who holds strands, or whose strands we hold.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Holder {
    /// Which side we are on.
    pub role: Role,
    /// The seller's key; of a customer, the conversation.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it holds and held.
    pub strands: Vec<Strand>,
}

/// The whole of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Office {
    /// As of when.
    pub at: Timestamp,
    /// Who holds strands of ours, or whose we hold.
    pub holders: Vec<Holder>,
    /// What could be made of what others hold of us.
    pub risks: Vec<Risk>,
}

impl Strand {
    fn of(holding: &Holding, view: &GrantView) -> Self {
        let (grant, permission) = (&view.grant, holding.permission());
        let mut late = Vec::new();
        let mut owes = |what: &str, since: Option<Timestamp>| {
            late.extend(since.map(|since| Late {
                what: what.into(),
                since,
            }));
        };
        owes("the last use report", view.report_due.filter(|_| view.report_overdue));
        owes("the deletion receipt", view.due.filter(|_| view.overdue));
        let reports = grant.reports.iter().map(|(.., report)| report);
        let mut shared_with: Vec<Name> = reports
            .clone()
            .flat_map(|report| report.shared_with.iter().cloned())
            .collect();
        shared_with.sort();
        shared_with.dedup();
        let kept = grant.deleted.iter().flat_map(|(_, deletion)| deletion.kept.iter());
        Self {
            grant: grant.id,
            strand: permission.strand.to_string(),
            title: holding.title.clone(),
            purpose: permission.purpose.to_string(),
            operations: permission.operations,
            recipients: permission.recipients.to_vec(),
            since: grant.at,
            until: permission.ends,
            alias: grant.alias,
            state: holding.state,
            used: reports.fold(0, |sum: u32, report| sum.saturating_add(report.times)),
            shared_with,
            beyond: view.beyond.clone(),
            late,
            openable: holding.openable,
            kept: kept
                .map(|kept| (kept.what.to_string(), kept.ground.to_string(), kept.until))
                .collect(),
        }
    }

    /// Whether the other side has the value, as far as anybody knows.
    pub fn is_held(&self) -> bool {
        matches!(self.state, State::Granted | State::Revoked | State::Ended)
    }
}

impl Office {
    /// Out of everything that was asked and granted.
    pub fn of(at: Timestamp, holdings: &[Holding]) -> Self {
        let mut holders: Vec<Holder> = Vec::new();
        for holding in holdings {
            let Some(view) = &holding.grant else { continue };
            let strand = Strand::of(holding, view);
            let id = match holding.role {
                Role::Customer => holding.seller.to_string(),
                Role::Seller => holding.thread.to_string(),
            };
            match holders
                .iter_mut()
                .find(|holder| holder.id == id && holder.role == holding.role)
            {
                Some(holder) => holder.strands.push(strand),
                None => holders.push(Holder {
                    role: holding.role,
                    id,
                    name: holding.with.clone(),
                    strands: vec![strand],
                }),
            }
        }
        for holder in &mut holders {
            holder
                .strands
                .sort_by(|a, b| (a.state, &a.strand, a.since).cmp(&(b.state, &b.strand, b.since)));
        }
        holders.sort_by(|a, b| (a.role, &a.name, &a.id).cmp(&(b.role, &b.name, &b.id)));
        let risks = risk::of(at, &holders);
        Self { at, holders, risks }
    }

    /// What is late, of whom.
    pub fn late(&self) -> impl Iterator<Item = (&Holder, &Strand, &Late)> {
        self.holders.iter().flat_map(|holder| {
            let strands = holder.strands.iter();
            strands.flat_map(move |strand| strand.late.iter().map(move |late| (holder, strand, late)))
        })
    }
}

#[cfg(test)]
mod tests;
