//! What the market shows of its conversations.

use serde::{Deserialize, Serialize};

use super::{About, DeliveryState, Market, Role, threads::Conversation};
use crate::{
    deed::Difference,
    envelope::Verified,
    frame::Refusal,
    id::{AgreementId, EntryHash, IntentId, RecordId, TermsHash},
    keys::PublicKey,
    letter::{Letter, Matter, ThreadId},
    money::Money,
    thread::{Grant, Request, Standing, View},
    time::Timestamp,
};

/// How far a letter of ours has come.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", tag = "passage")]
pub enum Passage {
    /// It is on our disk and waits for its turn.
    Queued,
    /// It was handed to the network, and nobody has answered yet.
    Sent {
        /// Tries so far.
        attempts: u32,
    },
    /// The other side's node has it on disk.
    Stored,
    /// The other side has written since, with this letter before it.
    Delivered,
    /// The other side says that a person, or its rules, saw it, or has answered it.
    Seen,
    /// The other side does not take it.
    Failed {
        /// Why.
        why: Refusal,
    },
    /// Nobody was reached in time; it goes out again with the next letter.
    Expired,
}

/// One letter.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct LetterView {
    /// Its id.
    pub id: RecordId,
    /// Who wrote it.
    pub from: Role,
    /// Its place among its author's.
    pub number: u32,
    /// When it was written, by its author's clock.
    pub at: Timestamp,
    /// What it is, in a word.
    pub what: String,
    /// What it says.
    pub matter: Matter,
    /// How far it has come, if it is ours.
    #[serde(flatten)]
    pub passage: Option<Passage>,
}

/// A proposal to change a deal.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct ProposalView {
    /// Its id.
    pub id: RecordId,
    /// Who made it.
    pub by: Role,
    /// How it stands.
    pub standing: Standing,
    /// What it would change, as agreed and as proposed.
    pub changes: Vec<Difference>,
    /// Why.
    pub why: String,
}

/// A grant, and whether anything is late.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct GrantView {
    /// All that both sides said of it.
    #[serde(flatten)]
    pub grant: Grant,
    /// Whether the strand may be used now.
    pub live: bool,
    /// When the seller's deletion receipt is due.
    pub due: Option<Timestamp>,
    /// Whether it is late.
    pub overdue: bool,
    /// When the seller's last report is due.
    pub report_due: Option<Timestamp>,
    /// Whether that is late.
    pub report_overdue: bool,
    /// What the seller's own reports say that goes beyond the grant.
    pub beyond: Vec<String>,
}

/// What a deal says now.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct DealView {
    /// Which.
    pub agreement: AgreementId,
    /// What the customer pays, all in.
    pub total: Money,
    /// By when it is there.
    pub deliver_by: Timestamp,
    /// The terms.
    pub terms: TermsHash,
    /// The hash of the deal and of every change to it.
    pub version: EntryHash,
    /// The proposals that both sides have taken.
    pub changes: Vec<RecordId>,
}

/// One conversation.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct ThreadView {
    /// One id for it.
    pub id: RecordId,
    /// About which want.
    pub intent: IntentId,
    /// With which seller.
    pub seller: PublicKey,
    /// What the seller calls itself, once it has offered.
    pub name: String,
    /// Which side we are on.
    pub role: Role,
    /// The last round of haggling.
    pub round: u8,
    /// How many the customer goes through.
    pub max_rounds: u8,
    /// Every letter: each side's in order, and an answer after what it answers.
    pub letters: Vec<LetterView>,
    /// What the deal says, if there is one.
    pub deal: Option<DealView>,
    /// Proposals to change it.
    pub proposals: Vec<ProposalView>,
    /// What the seller asked to know.
    pub requests: Vec<Request>,
    /// What it may know.
    pub grants: Vec<GrantView>,
    /// Where it goes on from a backup and the other side has not said what it holds: until when it is known what was said.
    /// Nothing is written in it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure_since: Option<Timestamp>,
}

fn is_about(matter: &Matter, letter: RecordId) -> bool {
    match matter {
        Matter::Answer { question: of, .. }
        | Matter::CounterRefused { counter: of, .. }
        | Matter::Revised { counter: Some(of), .. }
        | Matter::Verdict { proposal: of, .. }
        | Matter::Granted { request: of, .. }
        | Matter::GrantRefused { request: of, .. }
        | Matter::Suggestion { about: Some(of), .. } => *of == letter,
        _ => false,
    }
}

impl Market {
    fn passage(&self, view: &View, role: Role, at: usize) -> Passage {
        let entry = &view.of(role)[at];
        let id = entry.id();
        let theirs = view.of(role.other());
        let seen = theirs.iter().any(|it| match it.matter() {
            Matter::Seen { letter } => view.of(role).iter().position(|ours| ours.id() == *letter) >= Some(at),
            matter => is_about(matter, id),
        });
        if seen {
            return Passage::Seen;
        }
        if theirs.iter().any(|it| it.saw > at) {
            return Passage::Delivered;
        }
        // What follows a letter that was refused for good could only be refused as well, and stays here.
        if let Some(why) = self.refused_before(&view.of(role)[..=at]) {
            return Passage::Failed { why };
        }
        match self.outbox.delivery(id) {
            None | Some(DeliveryState::Queued { attempts: 0 }) => Passage::Queued,
            Some(DeliveryState::Queued { attempts }) => Passage::Sent { attempts },
            Some(DeliveryState::Stored) => Passage::Stored,
            Some(DeliveryState::Refused { why }) => Passage::Failed { why },
            Some(DeliveryState::Expired) => Passage::Expired,
        }
    }

    fn thread_view(&self, now: Timestamp, id: ThreadId, conversation: &Conversation) -> Option<ThreadView> {
        let view = conversation.thread.view();
        let footing = self.footing(id, false)?;
        let ground = footing.ground();
        let terms = ground.deal.map(|deal| view.terms(deal));
        let letters = view.in_line().into_iter().map(|(role, entry)| LetterView {
            id: entry.id(),
            from: role,
            number: entry.letter.number,
            at: entry.letter.header().created,
            what: entry.matter().word().into(),
            matter: entry.matter().clone(),
            passage: (role == conversation.role).then(|| self.passage(&view, role, entry.letter.number as usize)),
        });
        let proposals = view.proposals().into_iter().map(|(by, id, proposal, standing)| {
            let changes = proposal.changes.iter().map(|change| {
                let (field, agreed, named) = change.told();
                Difference {
                    field: field.into(),
                    agreed,
                    named,
                }
            });
            ProposalView {
                id,
                by,
                standing,
                changes: changes.collect(),
                why: proposal.why.to_string(),
            }
        });
        let grants = terms
            .iter()
            .flat_map(|terms| view.grants(terms))
            .map(|grant| GrantView {
                live: grant.is_live(now),
                due: grant.answer_due(),
                overdue: grant.is_overdue(now),
                report_due: grant.report_due(),
                report_overdue: grant.is_report_overdue(now),
                beyond: grant
                    .reports
                    .iter()
                    .flat_map(|(_, _, report)| grant.beyond(report))
                    .collect(),
                grant,
            });
        Some(ThreadView {
            id: id.hash(),
            intent: id.intent,
            seller: id.seller,
            name: ground
                .offers
                .last()
                .map(|(_, offer)| offer.seller.name.to_string())
                .unwrap_or_default(),
            role: conversation.role,
            round: view.round(),
            max_rounds: ground.intent.max_rounds,
            letters: letters.collect(),
            deal: ground.deal.zip(terms.as_ref()).map(|(deal, terms)| DealView {
                agreement: deal.id,
                total: terms.total,
                deliver_by: terms.deliver_by,
                terms: terms.terms,
                version: terms.version,
                changes: terms.taken.clone(),
            }),
            proposals: proposals.collect(),
            requests: view.requests(),
            grants: grants.collect(),
            unsure_since: self.unsure.since(id),
        })
    }

    /// Every conversation, the one with the newest letter first.
    pub fn threads(&self, now: Timestamp) -> Vec<ThreadView> {
        let threads = self.threads.all.iter();
        let mut views: Vec<ThreadView> = threads
            .filter_map(|(id, conversation)| self.thread_view(now, *id, conversation))
            .collect();
        let newest = |view: &ThreadView| view.letters.iter().map(|letter| letter.at).max();
        views.sort_by_key(|view| (std::cmp::Reverse(newest(view)), view.id));
        views
    }

    /// What was written under an agreement and before it, each letter after all that its author had.
    pub fn letters_under(&self, agreement: AgreementId) -> Vec<&Verified<Letter>> {
        let id = self.thread_about(About::Agreement(agreement)).ok();
        let conversation = id.and_then(|id| self.threads.all.get(&id));
        let view = conversation.map(|it| it.thread.view());
        let line = view.map(|view| view.in_line()).unwrap_or_default();
        line.into_iter().map(|(_, entry)| &entry.letter).collect()
    }

    /// Which conversation has this id, or a letter with it.
    pub fn thread_of(&self, id: RecordId) -> Option<ThreadId> {
        self.threads.of(id).or_else(|| self.unsure.of(id))
    }

    /// The conversation with this id, or that has a letter with it.
    pub fn thread(&self, now: Timestamp, id: RecordId) -> Option<ThreadView> {
        let thread = self.threads.of(id)?;
        self.thread_view(now, thread, self.threads.all.get(&thread)?)
    }
}
