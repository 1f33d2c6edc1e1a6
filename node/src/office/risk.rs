//! What those who hold strands could make of them: each risk a sentence, with the grants it comes from and what would
//! end it.

use std::collections::BTreeMap;

use intentcast_protocol::{
    id::RecordId,
    market::Role,
    strand::{Sensitivity, StrandName},
    time::{Seconds, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{Holder, Strand};

/// From when on a grant is long.
const LONG: Seconds = Seconds(366 * 86_400);

/// How much a risk matters: three steps, since nobody could tell ten apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Something is wrong, or could be done in your name.
    High,
    /// More is known than one purpose needs.
    Raised,
    /// Good to know.
    Low,
}

impl Level {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Raised => "raised",
            Self::Low => "low",
        }
    }
}

/// One risk.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Risk {
    /// How much it matters.
    pub level: Level,
    /// Who could do it.
    pub who: String,
    /// What it is, and why.
    pub why: String,
    /// What would end it.
    pub remedy: String,
    /// The grants that it comes from.
    pub grants: Vec<RecordId>,
}

/// What a strand tells of a person, where several together tell more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Facet {
    Name,
    Address,
    Phone,
    Mail,
    Birth,
    Account,
    Special,
}

impl Facet {
    fn of(strand: &Strand) -> Option<Self> {
        let name = StrandName::new(strand.strand.as_str()).ok()?;
        Some(match name.as_str() {
            "contact.name" | "contact.family_name" => Self::Name,
            "contact.phone" | "contact.mobile" => Self::Phone,
            "contact.email" | "contact.email_work" => Self::Mail,
            "identity.birth_date" => Self::Birth,
            "address.town" => return None,
            _ if name.sensitivity() == Sensitivity::Special => Self::Special,
            _ if name.family() == "address" => Self::Address,
            _ if name.family() == "payment" => Self::Account,
            _ => return None,
        })
    }
}

/// What two or more facets in one hand amount to, the gravest first.
const TOGETHER: [(&[Facet], Level, &str); 6] = [
    (
        &[Facet::Name, Facet::Birth, Facet::Address],
        Level::High,
        "name, date of birth and address are what banks and offices ask to know you by: whoever has them can pass for you",
    ),
    (
        &[Facet::Name, Facet::Address, Facet::Phone],
        Level::High,
        "name, address and phone number together are enough to pass for you on the phone, and to find you",
    ),
    (
        &[Facet::Name, Facet::Account],
        Level::High,
        "name and account together are enough to order a debit in your name",
    ),
    (
        &[Facet::Name, Facet::Special],
        Level::High,
        "something that is yours alone to tell (health, belief, origin) goes with your name",
    ),
    (
        &[Facet::Address, Facet::Special],
        Level::High,
        "something that is yours alone to tell (health, belief, origin) goes with your address",
    ),
    (
        &[Facet::Name, Facet::Address],
        Level::Raised,
        "name and address together can be looked up, sold and matched with other lists",
    ),
];

/// Every risk, the gravest first.
pub fn of(now: Timestamp, holders: &[Holder]) -> Vec<Risk> {
    let mut risks = Vec::new();
    let ours: Vec<&Holder> = holders.iter().filter(|holder| holder.role == Role::Customer).collect();
    for holder in &ours {
        let held: Vec<&Strand> = holder.strands.iter().filter(|strand| strand.is_held()).collect();
        risks.extend(together(&holder.name, "holds", &held));
        for strand in &holder.strands {
            risks.extend(alone(now, &holder.name, strand));
        }
    }
    risks.extend(recipients(&ours));
    risks.extend(linked(&ours));
    risks.sort_by(|a, b| (a.level, &a.who, &a.why).cmp(&(b.level, &b.who, &b.why)));
    risks
}

fn together(who: &str, holds: &str, held: &[&Strand]) -> Option<Risk> {
    let mut facets: BTreeMap<Facet, Vec<RecordId>> = BTreeMap::new();
    for strand in held {
        if let Some(facet) = Facet::of(strand) {
            facets.entry(facet).or_default().push(strand.grant);
        }
    }
    let (all, level, why) = TOGETHER
        .iter()
        .find(|(all, ..)| all.iter().all(|facet| facets.contains_key(facet)))?;
    let grants = all.iter().flat_map(|facet| facets[facet].iter().copied()).collect();
    let strands: Vec<&str> = held
        .iter()
        .filter(|strand| Facet::of(strand).is_some_and(|facet| all.contains(&facet)))
        .map(|strand| strand.strand.as_str())
        .collect();
    Some(Risk {
        level: *level,
        who: who.into(),
        why: format!("{who} {holds} {}: {why}", strands.join(", ")),
        remedy: format!(
            "revoke what is not needed any more: `intentcast office revoke {}`",
            strands[0]
        ),
        grants,
    })
}

/// What one strand alone gives reason to look at.
fn alone(now: Timestamp, who: &str, strand: &Strand) -> Vec<Risk> {
    let mut risks = Vec::new();
    let mut risk = |level, why: String, remedy: &str| {
        risks.push(Risk {
            level,
            who: who.into(),
            why,
            remedy: remedy.into(),
            grants: vec![strand.grant],
        });
    };
    let name = &strand.strand;
    for beyond in &strand.beyond {
        risk(
            Level::High,
            format!("{who} says itself that it used {name} beyond the grant: {beyond}"),
            "revoke it with deletion, ask why, and keep the report: it is signed",
        );
    }
    for late in &strand.late {
        risk(
            Level::High,
            format!("{who} owes {} for {name} since {}", late.what, late.since),
            "ask for it; the revocation and the silence are both on record",
        );
    }
    if strand.state == crate::strands::State::Revoked && strand.late.is_empty() {
        risk(
            Level::Low,
            format!("{who} may not use {name} any more, and still has it"),
            "revoke it with deletion, or wait until its end",
        );
    }
    if strand.is_held() && strand.until > now.plus(LONG) {
        risk(
            Level::Raised,
            format!("{who} may keep {name} until {}, more than a year", strand.until),
            "grant shorter, and again when it is needed",
        );
    }
    risks
}

/// What comes together at one who was named as a recipient by several.
fn recipients(holders: &[&Holder]) -> Vec<Risk> {
    let mut at: BTreeMap<String, Vec<(&Holder, &Strand)>> = BTreeMap::new();
    for holder in holders {
        for strand in holder.strands.iter().filter(|strand| strand.is_held()) {
            for name in strand.recipients.iter().chain(&strand.shared_with) {
                let there = at.entry(name.to_string()).or_default();
                if !there.iter().any(|(_, other)| other.grant == strand.grant) {
                    there.push((holder, strand));
                }
            }
        }
    }
    let mut risks = Vec::new();
    for (name, there) in at {
        let mut sellers: Vec<&str> = there.iter().map(|(holder, _)| holder.name.as_str()).collect();
        sellers.sort_unstable();
        sellers.dedup();
        let strands: Vec<&Strand> = there.iter().map(|(_, strand)| *strand).collect();
        let who = format!("{name}, a recipient of {}", sellers.join(" and "));
        risks.extend(together(&who, "may have", &strands));
        if sellers.len() > 1 {
            risks.push(Risk {
                level: Level::Raised,
                who: name.clone(),
                why: format!(
                    "{name} may have strands from {}: it can tell that both customers are you",
                    sellers.join(" and ")
                ),
                remedy: "leave recipients out of a grant where the purpose does not need them".into(),
                grants: strands.iter().map(|strand| strand.grant).collect(),
            });
        }
    }
    risks
}

/// Sellers that could find out that they have the same person, since each has the same strand of it.
fn linked(holders: &[&Holder]) -> Vec<Risk> {
    let mut by: BTreeMap<&str, Vec<(&Holder, &Strand)>> = BTreeMap::new();
    for holder in holders {
        for strand in holder.strands.iter().filter(|strand| strand.is_held() && !strand.alias) {
            let links = matches!(
                Facet::of(strand),
                Some(Facet::Mail | Facet::Phone | Facet::Address | Facet::Account)
            );
            let there = by.entry(&strand.strand).or_default();
            if links && !there.iter().any(|(other, _)| other.id == holder.id) {
                there.push((holder, strand));
            }
        }
    }
    let several = by.into_iter().filter(|(_, there)| there.len() > 1);
    several
        .map(|(strand, there)| {
            let names: Vec<&str> = there.iter().map(|(holder, _)| holder.name.as_str()).collect();
            let has_alias = StrandName::new(strand).is_ok_and(|name| name.strand().is_some_and(|it| it.alias));
            Risk {
                level: Level::Raised,
                who: names.join(" and "),
                why: format!(
                    "{} each have your {strand}: together they can tell that it is you",
                    names.join(" and ")
                ),
                remedy: match has_alias {
                    true => "grant an alias, one for each".into(),
                    false => "revoke what is not needed any more".into(),
                },
                grants: there.iter().map(|(_, strand)| strand.grant).collect(),
            }
        })
        .collect()
}
