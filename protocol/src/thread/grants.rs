//! Strands of personal data: asked for, granted, used, revoked, deleted.

use serde::{Deserialize, Serialize};

use super::{DealTerms, Role, View};
use crate::{
    id::RecordId,
    letter::{Deletion, Matter, Permission, UseReport},
    limits,
    text::{Phrase, Prose},
    time::Timestamp,
};

/// A request for a strand.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Request {
    /// Its id.
    pub id: RecordId,
    /// When it was made.
    pub at: Timestamp,
    /// What is asked.
    pub permission: Permission,
    /// What the person has of it.
    pub benefit: Phrase,
    /// The key that the value is to be sealed to.
    pub key: [u8; 32],
    /// The grant, if there is one.
    pub granted: Option<RecordId>,
    /// Why not, if that is the answer.
    pub refused: Option<Phrase>,
}

/// A customer's word that a grant is over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Whether what is held must go as well.
    pub delete: bool,
    /// By when the seller must have answered.
    pub answer_by: Timestamp,
}

/// A grant and everything that came of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Grant {
    /// Its id.
    pub id: RecordId,
    /// The request that it answers.
    pub request: RecordId,
    /// When it was made.
    pub at: Timestamp,
    /// What may be done, with every change that both sides took.
    pub permission: Permission,
    /// Whether the value is an alias.
    pub alias: bool,
    /// What the seller says that it did.
    pub reports: Vec<(RecordId, Timestamp, UseReport)>,
    /// Whether one of these was made after the seller had the word that it is over.
    pub reported_since: bool,
    /// What either side suggested: who, when, what it answers, in words.
    pub suggestions: Vec<(RecordId, Role, Timestamp, Option<RecordId>, Prose)>,
    /// The customer's word that it is over.
    pub revoked: Option<Revocation>,
    /// The seller's word that the strand is gone.
    pub deleted: Option<(RecordId, Deletion)>,
}

impl Grant {
    /// Whether the strand may be used now.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.deleted.is_none() && self.permission.ends > now
    }

    /// When the grant ended or ends: at its end, or when the customer said so.
    pub fn over_at(&self) -> Timestamp {
        let revoked = self.revoked.as_ref().map(|revoked| revoked.at);
        revoked.map_or(self.permission.ends, |at| at.min(self.permission.ends))
    }

    /// When the seller ought to have answered with a deletion receipt; `None` once it has.
    pub fn answer_due(&self) -> Option<Timestamp> {
        if self.deleted.is_some() {
            return None;
        }
        let end = self.permission.ends.plus(limits::AFTER_GRANT);
        match &self.revoked {
            Some(revoked) if revoked.delete => Some(revoked.answer_by.min(end)),
            _ => Some(end),
        }
    }

    /// When the seller ought to have said what it did with the strand; `None` once it has, after the grant was over.
    pub fn report_due(&self) -> Option<Timestamp> {
        // Letters tell what their author knew, so that two clocks need not agree.
        let ended = |(_, at, _): &(RecordId, Timestamp, UseReport)| *at >= self.permission.ends;
        if self.reported_since || self.reports.iter().any(ended) {
            return None;
        }
        let end = self.permission.ends.plus(limits::AFTER_GRANT);
        let by = self.revoked.as_ref().map(|revoked| revoked.answer_by);
        Some(by.map_or(end, |by| by.min(end)))
    }

    /// Whether the seller is late with its deletion receipt.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.answer_due().is_some_and(|due| due <= now)
    }

    /// Whether the seller is late with its last report.
    pub fn is_report_overdue(&self, now: Timestamp) -> bool {
        self.report_due().is_some_and(|due| due <= now)
    }

    /// What of a report goes beyond the grant, in words; nothing where all is within. A use that the seller made before
    /// it could know of the revocation is told as well: a person sees both times and judges.
    pub fn beyond(&self, report: &UseReport) -> Vec<String> {
        let mut beyond = Vec::new();
        if report.times == 0 {
            return beyond;
        }
        if !self.permission.operations.has(report.operation) {
            beyond.push(format!("{} was not granted", report.operation.word()));
        }
        if report.purpose != self.permission.purpose {
            beyond.push(format!(
                "for {}, granted for {}",
                report.purpose, self.permission.purpose
            ));
        }
        for name in &report.shared_with {
            if !self.permission.recipients.contains(name) {
                beyond.push(format!("shared with {name}, who is not a recipient"));
            }
        }
        if report.to > self.permission.ends {
            beyond.push(format!("used at {}, granted until {}", report.to, self.permission.ends));
        }
        if let Some(revoked) = self.revoked.as_ref().filter(|revoked| report.to > revoked.at) {
            beyond.push(format!("used at {}, revoked at {}", report.to, revoked.at));
        }
        if let Some((_, deletion)) = self.deleted.as_ref().filter(|(_, deletion)| report.to > deletion.at) {
            beyond.push(format!("used at {}, said to be deleted at {}", report.to, deletion.at));
        }
        beyond
    }
}

impl View<'_> {
    /// Every request for a strand, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        let asked = self.of(Role::Seller).iter().filter_map(|entry| match entry.matter() {
            Matter::PermissionRequest {
                permission,
                benefit,
                key,
            } => Some((entry, permission, benefit, key)),
            _ => None,
        });
        asked
            .map(|(entry, permission, benefit, key)| {
                let mut request = Request {
                    id: entry.id(),
                    at: entry.letter.header().created,
                    permission: permission.clone(),
                    benefit: benefit.clone(),
                    key: *key,
                    granted: None,
                    refused: None,
                };
                for answer in self.of(Role::Customer) {
                    match answer.matter() {
                        Matter::Granted { request: to, .. } if *to == request.id => request.granted = Some(answer.id()),
                        Matter::GrantRefused { request: to, why } if *to == request.id => {
                            request.refused = Some(why.clone());
                        }
                        _ => {}
                    }
                }
                request
            })
            .collect()
    }

    /// What a grant allows, with every change that both sides took.
    pub(super) fn permission(&self, grant: RecordId, terms: &DealTerms) -> Option<Permission> {
        let entry = self.of(Role::Customer).iter().find(|entry| entry.id() == grant)?;
        let Matter::Granted { permission, .. } = entry.matter() else {
            return None;
        };
        let mut permission = permission.clone();
        if let Some(purpose) = terms.purposes.get(&grant) {
            permission.purpose = purpose.clone();
        }
        if let Some(recipients) = terms.recipients.get(&grant) {
            permission.recipients = recipients.clone();
        }
        Some(permission)
    }

    /// Every grant with all that came of it, oldest first.
    pub fn grants(&self, terms: &DealTerms) -> Vec<Grant> {
        let ids = self.of(Role::Customer).iter().map(super::Entry::id);
        ids.filter_map(|id| self.grant(id, terms)).collect()
    }

    /// One grant with all that came of it.
    pub fn grant(&self, id: RecordId, terms: &DealTerms) -> Option<Grant> {
        let permission = self.permission(id, terms)?;
        let (_, made) = self.find(id)?;
        let Matter::Granted { request, alias, .. } = made.matter() else {
            return None;
        };
        let mut grant = Grant {
            id,
            request: *request,
            at: made.letter.header().created,
            permission,
            alias: *alias,
            reports: Vec::new(),
            reported_since: false,
            suggestions: Vec::new(),
            revoked: None,
            deleted: None,
        };
        let is_over = |entry: &super::Entry| matches!(entry.matter(), Matter::Revoked { grant: of, .. } if *of == id);
        let over = self.of(Role::Customer).iter().position(is_over);
        for (role, entry) in self.all() {
            let at = entry.letter.header().created;
            match entry.matter() {
                Matter::UseReport(report) if report.grant == id => {
                    grant.reported_since |= over.is_some_and(|over| entry.saw > over);
                    grant.reports.push((entry.id(), at, report.clone()));
                }
                Matter::Suggestion { grant: on, about, text } if *on == id => {
                    grant.suggestions.push((entry.id(), role, at, *about, text.clone()));
                }
                Matter::Revoked {
                    grant: of,
                    delete,
                    answer_by,
                } if *of == id => {
                    // A second word may ask for deletion as well; it was over with the first.
                    let at = grant.revoked.as_ref().map_or(at, |before| before.at);
                    let (delete, answer_by) = (*delete, *answer_by);
                    grant.revoked = Some(Revocation { at, delete, answer_by });
                }
                Matter::Deleted(deletion) if deletion.grant == id => {
                    grant.deleted = Some((entry.id(), deletion.clone()));
                }
                _ => {}
            }
        }
        grant.suggestions.sort_by_key(|(id, _, at, _, _)| (*at, *id));
        Some(grant)
    }
}
