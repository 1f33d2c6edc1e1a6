//! Whether a seller keeps to what it was granted and to what it says of itself: grants, log, reports and secrets, held
//! against each other.
//!
//! It counts what is written down. A use of a value outside of this node that nobody wrote down is not here; a line that
//! was changed or left out is, and so is a report that the log does not account for.

use std::collections::BTreeMap;

use intentcast_protocol::{
    id::RecordId,
    letter::Operation,
    market::Role,
    text::{Name, Phrase, Word},
    thread::Grant,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Broken, Deed, Holding, Line, State, policy::Policy, telling::Telling};

/// One strand for one purpose, in numbers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
pub struct ByPurpose {
    /// Which strand.
    pub strand: String,
    /// What for.
    pub purpose: String,
    /// Requests made.
    pub asked: u32,
    /// Requests that customers said no to.
    pub declined: u32,
    /// Grants that stand.
    pub live: u32,
    /// Grants that are over, and of which the strand is not deleted yet.
    pub over: u32,
    /// Grants of which the strand is deleted.
    pub deleted: u32,
    /// Times that a value was handed out or said to be used.
    pub used: u32,
    /// Of these, times that it went to a recipient.
    pub shared: u32,
    /// Times that somebody asked for a value and did not get it.
    pub refused: u32,
    /// Reports or deletion receipts that are late.
    pub overdue: u32,
}

/// What kind of thing is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A use that the grant does not allow.
    Beyond,
    /// A use that was not reported though the grant is over.
    Unreported,
    /// A report that the log does not account for.
    Unlogged,
    /// A report or a deletion receipt is late.
    Overdue,
    /// The receipt says that it is gone, and the secret is here.
    NotDestroyed,
    /// The receipt says that it is gone, and somebody who had it was not told.
    Untold,
    /// What was asked is not in the policy.
    OutsidePolicy,
    /// The log's chain does not hold.
    LogBroken,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Beyond => "beyond",
            Self::Unreported => "unreported",
            Self::Unlogged => "unlogged",
            Self::Overdue => "overdue",
            Self::NotDestroyed => "not_destroyed",
            Self::Untold => "untold",
            Self::OutsidePolicy => "outside_policy",
            Self::LogBroken => "log_broken",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// Under which grant, if under one.
    pub grant: Option<RecordId>,
    /// What, in words.
    pub what: String,
}

/// Somebody asked for a value and did not get it: no wrong, but worth a look.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Turned {
    /// When.
    pub at: Timestamp,
    /// Under which grant.
    pub grant: RecordId,
    /// Which strand.
    pub strand: Word,
    /// What for.
    pub purpose: Phrase,
    /// For whom, if for anybody else.
    pub recipient: Option<Name>,
    /// Why not.
    pub why: String,
}

/// The report.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Compliance {
    /// As of when.
    pub at: Timestamp,
    /// Whether nothing is wrong.
    pub met: bool,
    /// Whether there is a policy to hold it against.
    pub policy: bool,
    /// Lines of the log.
    pub lines: u64,
    /// Strand by strand and purpose by purpose.
    pub purposes: Vec<ByPurpose>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Who asked for a value and did not get it.
    pub refused: Vec<Turned>,
}

/// Uses of one kind under one grant: operation, purpose, recipient.
pub(super) type UseKey = (Operation, Phrase, Option<Name>);

/// Every use of a grant by its kind, each with its moments in order.
pub(super) fn uses(lines: &[Line], of: RecordId) -> BTreeMap<UseKey, Vec<Timestamp>> {
    let mut uses: BTreeMap<UseKey, Vec<Timestamp>> = BTreeMap::new();
    for line in lines {
        if let Deed::Used {
            grant,
            operation,
            purpose,
            recipient,
            ..
        } = &line.deed
            && *grant == of
        {
            let key = (*operation, purpose.clone(), recipient.clone());
            uses.entry(key).or_default().push(line.at);
        }
    }
    uses
}

/// How often each kind of use was reported.
pub(super) fn reported(grant: &Grant) -> BTreeMap<UseKey, u32> {
    let mut told: BTreeMap<UseKey, u32> = BTreeMap::new();
    for (_, _, report) in &grant.reports {
        let key = (
            report.operation,
            report.purpose.clone(),
            report.shared_with.first().cloned(),
        );
        let sum = told.entry(key).or_default();
        *sum = sum.saturating_add(report.times);
    }
    told
}

fn spoken((operation, purpose, recipient): &UseKey) -> String {
    let to = recipient
        .as_ref()
        .map(|name| format!(" with {name}"))
        .unwrap_or_default();
    format!("{}{to} for {purpose}", operation.word())
}

/// Holds everything against everything else.
pub fn report(
    now: Timestamp,
    policy: Option<&Policy>,
    holdings: &[Holding],
    lines: &[Line],
    broken: Option<&Broken>,
) -> Compliance {
    let mut findings: Vec<Finding> = Vec::new();
    let mut find = |kind, grant, what: String| findings.push(Finding { kind, grant, what });
    if let Some(broken) = broken {
        find(Kind::LogBroken, None, format!("the log of uses: {broken}"));
    }
    let mut purposes: BTreeMap<(String, String), ByPurpose> = BTreeMap::new();
    for holding in holdings.iter().filter(|holding| holding.role == Role::Seller) {
        let permission = holding.permission();
        let key = (permission.strand.to_string(), permission.purpose.to_string());
        let row = purposes.entry(key.clone()).or_insert_with(|| ByPurpose {
            strand: key.0,
            purpose: key.1,
            ..ByPurpose::default()
        });
        row.asked += 1;
        if let Some(policy) = policy {
            let asked = &holding.request;
            for beyond in policy.beyond(asked.at, &asked.permission) {
                let what = format!("asked for {}: {beyond}", asked.permission.strand);
                find(Kind::OutsidePolicy, holding.grant_id(), what);
            }
        }
        let Some(view) = &holding.grant else {
            row.declined += u32::from(holding.state == State::Refused);
            continue;
        };
        match holding.state {
            State::Granted => row.live += 1,
            State::Deleted => row.deleted += 1,
            _ => row.over += 1,
        }
        row.overdue += u32::from(view.overdue) + u32::from(view.report_overdue);
        let (id, grant) = (view.grant.id, &view.grant);
        let strand = &permission.strand;
        if view.overdue {
            find(
                Kind::Overdue,
                Some(id),
                format!("{strand}: the deletion receipt is late"),
            );
        }
        if view.report_overdue {
            find(Kind::Overdue, Some(id), format!("{strand}: the last report is late"));
        }
        if holding.state == State::Deleted && holding.openable == Some(true) {
            let what = format!("{strand} was said to be deleted, and its secret is here");
            find(Kind::NotDestroyed, Some(id), what);
        }
        if holding.state == State::Deleted {
            for name in Telling::of(lines, id).untold {
                let what = format!("{strand}: {name} had it, and was not told that it is to go");
                find(Kind::Untold, Some(id), what);
            }
        }
        let (uses, told) = (uses(lines, id), reported(grant));
        for (key, at) in &uses {
            row.used += at.len() as u32;
            row.shared += if key.0 == Operation::Share { at.len() as u32 } else { 0 };
            for beyond in beyond(grant, key, at) {
                find(Kind::Beyond, Some(id), format!("{strand}: {beyond}"));
            }
            let missing = (at.len() as u32).saturating_sub(told.get(key).copied().unwrap_or_default());
            if missing > 0 && (view.report_overdue || holding.state == State::Deleted) {
                let what = format!("{strand}: {} {missing} times, not reported", spoken(key));
                find(Kind::Unreported, Some(id), what);
            }
        }
        for (key, times) in &told {
            let logged = uses.get(key).map_or(0, Vec::len) as u32;
            if *times > logged {
                let what = format!("{strand}: {} reported {times} times, {logged} in the log", spoken(key));
                find(Kind::Unlogged, Some(id), what);
            }
        }
    }
    let mut refused = Vec::new();
    for line in lines {
        if let Deed::Refused {
            grant,
            strand,
            purpose,
            recipient,
            why,
        } = &line.deed
        {
            // It stands by the purpose that was granted: what was asked for has no row.
            let granted = holdings.iter().find(|holding| holding.grant_id() == Some(*grant));
            let granted = granted.map(|holding| holding.permission().purpose.to_string());
            if let Some(row) = granted.and_then(|purpose| purposes.get_mut(&(strand.to_string(), purpose))) {
                row.refused += 1;
            }
            refused.push(Turned {
                at: line.at,
                grant: *grant,
                strand: strand.clone(),
                purpose: purpose.clone(),
                recipient: recipient.clone(),
                why: why.clone(),
            });
        }
    }
    Compliance {
        at: now,
        met: findings.is_empty(),
        policy: policy.is_some(),
        lines: lines.len() as u64,
        purposes: purposes.into_values().collect(),
        findings,
        refused,
    }
}

/// What of a use goes beyond the grant, by the seller's own log: the same rule as for a report.
fn beyond(grant: &Grant, key: &UseKey, at: &[Timestamp]) -> Vec<String> {
    let (Some(first), Some(last)) = (at.first(), at.last()) else {
        return Vec::new();
    };
    grant.beyond(&super::desk::use_report(grant.id, key, at.len() as u32, *first, *last))
}
