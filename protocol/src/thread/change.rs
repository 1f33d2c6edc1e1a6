//! A deal that stands changes only by a record of both sides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Role, Thread, View};
use crate::{
    deed::{Difference, Settled},
    id::{EntryHash, RecordId, TermsHash, digest},
    letter::{DealChange, Matter, Proposal},
    limits,
    list::List,
    money::Money,
    text::{Name, Phrase},
    time::Timestamp,
};

/// What a deal says, with every change that both sides have taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// What the customer pays, all in.
    pub total: Money,
    /// Every total that the deal has had, the first one first, each change of it once.
    pub totals: Vec<Money>,
    /// By when it is there.
    pub deliver_by: Timestamp,
    /// The terms.
    pub terms: TermsHash,
    /// Purposes of grants that were changed.
    pub purposes: BTreeMap<RecordId, Phrase>,
    /// Recipients of grants that were changed.
    pub recipients: BTreeMap<RecordId, List<Name, { limits::RECIPIENTS }>>,
    /// The proposals that were taken, in order.
    pub taken: Vec<RecordId>,
    /// The hash of the deal and every change to it.
    pub version: EntryHash,
}

impl Terms {
    fn of(settled: &Settled) -> Self {
        Self {
            total: settled.acceptance.total,
            totals: vec![settled.acceptance.total],
            deliver_by: settled.offer.deliver_by,
            terms: settled.acceptance.terms,
            purposes: BTreeMap::new(),
            recipients: BTreeMap::new(),
            taken: Vec::new(),
            version: EntryHash(digest("intentcast/1/deal", &[&settled.id.0])),
        }
    }

    fn take(&mut self, id: RecordId, proposal: &Proposal) {
        for change in &proposal.changes {
            match change.clone() {
                DealChange::Total { to, .. } => {
                    self.total = to;
                    self.totals.push(to);
                }
                DealChange::DeliverBy { to, .. } => self.deliver_by = to,
                DealChange::Terms { to, .. } => self.terms = to,
                DealChange::Purpose { grant, to, .. } => {
                    self.purposes.insert(grant, to);
                }
                DealChange::Recipients { grant, to, .. } => {
                    self.recipients.insert(grant, to);
                }
            }
        }
        self.taken.push(id);
        self.version = EntryHash(digest("intentcast/1/deal", &[&self.version.0, &id.0]));
    }

    /// That what a proposal calls the present is the present.
    ///
    /// # Errors
    /// The first [`Difference`].
    pub(super) fn holds(&self, view: &View, proposal: &Proposal) -> Result<(), Difference> {
        for change in &proposal.changes {
            match change {
                DealChange::Total { from, .. } => Difference::unless_same("total", &self.total, from)?,
                DealChange::DeliverBy { from, .. } => {
                    Difference::unless_same("deliver_by", &self.deliver_by, from)?;
                }
                DealChange::Terms { from, .. } => Difference::unless_same("terms", &self.terms, from)?,
                DealChange::Purpose { grant, from, .. } => {
                    let now = view.permission(*grant, self).map(|it| it.purpose.to_string());
                    Difference::unless_same("purpose", &now.unwrap_or_default(), &from.to_string())?;
                }
                DealChange::Recipients { grant, from, .. } => {
                    let now = view.permission(*grant, self).map(|it| it.recipients);
                    let told = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
                    let now = now.map(|names| told(&names)).unwrap_or_default();
                    Difference::unless_same("recipients", &now, &told(from))?;
                }
            }
        }
        Ok(())
    }
}

/// How a proposal stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It waits for the other side.
    Open,
    /// Taken.
    Taken,
    /// Not taken.
    Refused,
    /// Another one crossed it, and holds: the customer's, or one that was taken.
    Crossed,
    /// Taken back by who made it.
    Withdrawn,
}

impl<'a> View<'a> {
    /// Every proposal, who made it, and how it stands.
    pub fn proposals(&self) -> Vec<(Role, RecordId, &'a Proposal, Standing)> {
        let mut all = Vec::new();
        for role in [Role::Customer, Role::Seller] {
            for (at, entry) in self.of(role).iter().enumerate() {
                if let Matter::Proposal(proposal) = entry.matter() {
                    // An answer that crossed its being taken back is an answer all the same.
                    let standing = match self.verdict(role.other(), entry.id()) {
                        Some(true) => Standing::Taken,
                        Some(false) => Standing::Refused,
                        None if self.is_overtaken(role, entry.id(), proposal) => Standing::Crossed,
                        None if role == Role::Seller && self.is_crossed(at, proposal) => Standing::Crossed,
                        None if self.verdict(role, entry.id()).is_some() => Standing::Withdrawn,
                        None => Standing::Open,
                    };
                    all.push((role, entry.id(), proposal, standing));
                }
            }
        }
        all
    }

    /// What a side said of a proposal.
    fn verdict(&self, role: Role, of: RecordId) -> Option<bool> {
        self.of(role).iter().find_map(|it| match it.matter() {
            Matter::Verdict { proposal, yes } if *proposal == of => Some(*yes),
            _ => None,
        })
    }

    /// Whether the same side had another one of this version, which it took back too late.
    fn is_overtaken(&self, role: Role, id: RecordId, proposal: &Proposal) -> bool {
        self.of(role).iter().any(|entry| {
            matches!(entry.matter(), Matter::Proposal(other) if other.version == proposal.version)
                && entry.id() != id
                && self.verdict(role.other(), entry.id()) == Some(true)
        })
    }

    fn is_crossed(&self, seller: usize, proposal: &Proposal) -> bool {
        self.of(Role::Customer).iter().enumerate().any(|(at, entry)| {
            matches!(entry.matter(), Matter::Proposal(other) if other.version == proposal.version)
                && Thread::crossed(self, at, seller)
        })
    }

    /// The deal with every change that both sides have taken.
    pub fn terms(&self, settled: &Settled) -> Terms {
        let mut terms = Terms::of(settled);
        let proposals = self.proposals();
        let next = |version| {
            let taken =
                |it: &&(Role, RecordId, &Proposal, Standing)| it.3 == Standing::Taken && it.2.version == version;
            proposals.iter().find(taken)
        };
        while let Some((_, id, proposal, _)) = next(terms.version) {
            terms.take(*id, proposal);
        }
        terms
    }
}
