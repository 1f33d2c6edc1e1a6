//! What may be said next in a conversation, what must be allowed, and what must not.

use std::collections::BTreeSet;

use intentcast_protocol::{
    disclosure::{Opened, Salt, Value},
    id::{EntryHash, IntentId, OfferId, RecordId, TermsHash},
    keys::Key,
    letter::{
        Ask, Change, DealChange, Deletion, Matter, Operation, Operations, Permission, Proposal, ThreadId, UseReport,
    },
    list::{Bytes, List},
    market::{About, Command, OfferView, ProposalView, Role, ThreadView},
    money::{Currency, Money},
    offer::Reason,
    text::{Name, Phrase, Prose, Word},
    thread::Standing,
    time::{Seconds, Timestamp},
};

use crate::market::dice::Dice;

/// What the machine is to make of a move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    /// It is carried out.
    Must,
    /// It depends on more than is looked at here.
    May,
    /// It is denied.
    MustNot,
}

/// Something to say.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) command: Command,
    pub(super) due: Due,
    /// Whether somebody waits for it, so that at the end it is said.
    pub(super) closes: bool,
}

const DAY: Seconds = Seconds(24 * 3600);

fn said(due: Due, about: About, matter: Matter) -> Move {
    let matter = Box::new(matter);
    Move {
        command: Command::Say { about, matter },
        due,
        closes: false,
    }
}

fn other(due: Due, command: Command) -> Move {
    Move {
        command,
        due,
        closes: false,
    }
}

fn fresh(dice: &mut Dice) -> RecordId {
    let (one, two) = (dice.nonce(), dice.nonce());
    let mut id = [0; 32];
    id[..16].copy_from_slice(&one);
    id[16..].copy_from_slice(&two);
    RecordId(id)
}

fn prose(dice: &mut Dice) -> Prose {
    Prose::lossy(&format!("Word number {}", dice.below(1_000_000)))
}

fn question(dice: &mut Dice, about: Option<OfferId>) -> Matter {
    let field = dice.chance(300).then(|| Word::lossy("deliver_by"));
    Matter::Question {
        about,
        field,
        text: prose(dice),
    }
}

fn changes(dice: &mut Dice, now: Timestamp, total: Money) -> Vec<Change> {
    let percent = 60 + dice.below(45) as i64;
    let mut changes = vec![Change::Total(Money::new(
        (total.minor * percent / 100).max(1),
        total.currency,
    ))];
    if dice.chance(200) {
        changes.push(Change::ReturnsDays(dice.below(60) as u16));
    }
    if dice.chance(100) {
        changes.push(Change::DeliverBy(now.plus(DAY)));
    }
    changes
}

/// A first word about an offer, by whichever side has it.
pub(super) fn about_offer(dice: &mut Dice, now: Timestamp, offer: &OfferView) -> Move {
    let total = offer.offer.as_ref().map(|offer| offer.totals.landed());
    let total = total.unwrap_or(Money::new(10_000, Currency::GBP));
    let about = About::Offer(offer.id);
    match (offer.role, dice.below(4)) {
        (Role::Customer, 0 | 1) => {
            let (offer, round) = (offer.id, 0);
            let changes = List::cut(changes(dice, now, total));
            said(Due::May, about, Matter::Counter { offer, round, changes })
        }
        (Role::Seller, 0) => other(Due::May, Command::Retract(offer.id)),
        (Role::Seller, 1) => other(
            Due::May,
            Command::Revise {
                offer: offer.id,
                counter: None,
                changes: changes(dice, now, total),
            },
        ),
        _ => said(Due::May, about, question(dice, Some(offer.id))),
    }
}

/// A seller's first word about a want.
pub(super) fn about_want(dice: &mut Dice, intent: IntentId) -> Move {
    said(Due::May, About::Intent(intent), question(dice, None))
}

fn thread_of(thread: &ThreadView) -> About {
    About::Thread(ThreadId {
        intent: thread.intent,
        seller: thread.seller,
    })
}

/// Letters of the other side that these of ours have not answered, by what each picks out.
fn unanswered(
    thread: &ThreadView,
    asked: impl Fn(&Matter) -> bool,
    answers: impl Fn(&Matter) -> Option<RecordId>,
) -> Vec<RecordId> {
    let of = |role| thread.letters.iter().filter(move |letter| letter.from == role);
    let answered: BTreeSet<RecordId> = of(thread.role).filter_map(|letter| answers(&letter.matter)).collect();
    of(thread.role.other())
        .filter(|letter| asked(&letter.matter) && !answered.contains(&letter.id))
        .map(|letter| letter.id)
        .collect()
}

/// Everything that the other side waits for, answered: each of these must be allowed.
pub(super) fn answers(dice: &mut Dice, now: Timestamp, thread: &ThreadView) -> Vec<Move> {
    let about = thread_of(thread);
    let mut all = Vec::new();
    let mut must = |matter| {
        all.push(Move {
            closes: true,
            ..said(Due::Must, about, matter)
        });
    };
    let questions = unanswered(
        thread,
        |it| matches!(it, Matter::Question { .. }),
        |it| match it {
            Matter::Answer { question, .. } => Some(*question),
            _ => None,
        },
    );
    for question in questions {
        must(Matter::Answer {
            question,
            text: prose(dice),
            to_all: false,
        });
    }
    for proposal in &thread.proposals {
        if proposal.by != thread.role && proposal.standing == Standing::Open {
            must(Matter::Verdict {
                proposal: proposal.id,
                yes: dice.chance(600),
            });
        }
    }
    match thread.role {
        Role::Seller => {
            let counters = unanswered(
                thread,
                |it| matches!(it, Matter::Counter { .. }),
                |it| match it {
                    Matter::Revised { counter, .. } => *counter,
                    Matter::CounterRefused { counter, .. } => Some(*counter),
                    _ => None,
                },
            );
            for counter in counters {
                must(Matter::CounterRefused {
                    counter,
                    why: Reason::Price,
                });
            }
            for grant in &thread.grants {
                let revoked = grant.grant.revoked.as_ref().is_some_and(|it| it.delete);
                if revoked && grant.grant.deleted.is_none() {
                    must(Matter::Deleted(deletion(now, grant.grant.id)));
                }
            }
        }
        Role::Customer => {
            for request in &thread.requests {
                if request.granted.is_some() || request.refused.is_some() {
                    continue;
                }
                if dice.chance(650) && request.permission.ends > now {
                    let mut permission = request.permission.clone();
                    if dice.chance(400) {
                        permission.recipients = List::default();
                        permission.ends = now.plus(Seconds(60)).min(permission.ends);
                    }
                    must(Matter::Granted {
                        request: request.id,
                        permission,
                        alias: request.permission.strand.as_str() == "contact.email" && dice.chance(300),
                        sealed: Bytes::new(dice.nonce()).unwrap_or_default(),
                    });
                } else {
                    must(Matter::GrantRefused {
                        request: request.id,
                        why: Phrase::lossy("not for this"),
                    });
                }
            }
        }
    }
    all
}

fn deletion(now: Timestamp, grant: RecordId) -> Deletion {
    Deletion {
        grant,
        at: now,
        kept: List::default(),
        told: List::default(),
    }
}

fn proposal(thread: &ThreadView, changes: impl IntoIterator<Item = DealChange>) -> Option<Matter> {
    let deal = thread.deal.as_ref()?;
    Some(Matter::Proposal(Proposal {
        agreement: deal.agreement,
        version: EntryHash::default(),
        changes: List::cut(changes),
        why: Phrase::lossy("things have changed"),
    }))
}

fn permission(dice: &mut Dice, now: Timestamp, thread: &ThreadView) -> Option<Permission> {
    let shares = dice.chance(500);
    let operations: &[Operation] = match shares {
        true => &[Operation::Use, Operation::Share],
        false => &[Operation::Use],
    };
    let recipients = shares.then(|| Name::lossy("Yellow Van"));
    Some(Permission {
        agreement: thread.deal.as_ref()?.agreement,
        strand: Word::lossy(
            dice.pick(&["address.delivery", "contact.email"])
                .unwrap_or(&"contact.email"),
        ),
        purpose: Phrase::lossy("to bring the stroller"),
        operations: Operations::of(operations)?,
        recipients: List::cut(recipients),
        ends: now.plus(Seconds(30 + dice.below(3_600) as u32)),
    })
}

/// Something new to say.
pub(super) fn ideas(dice: &mut Dice, now: Timestamp, thread: &ThreadView) -> Vec<Move> {
    let about = thread_of(thread);
    let mut all = vec![said(Due::May, about, question(dice, None))];
    let theirs: Vec<RecordId> = thread
        .letters
        .iter()
        .filter(|letter| letter.from != thread.role)
        .map(|letter| letter.id)
        .collect();
    if let Some(letter) = dice.pick(&theirs) {
        all.push(said(Due::Must, about, Matter::Seen { letter: *letter }));
    }
    all.push(said(
        Due::May,
        about,
        Matter::Document {
            hash: EntryHash(fresh(dice).0),
            mime: Word::lossy("image/png"),
            bytes: 1 + dice.below(1_000_000) as u32,
            name: Name::lossy("the hallway"),
        },
    ));
    let offers: Vec<(OfferId, Option<Money>)> = offers_in(thread);
    if let Some((offer, total)) = dice.pick(&offers).copied() {
        let total = total.unwrap_or(Money::new(10_000, Currency::GBP));
        let (round, changed) = (0, changes(dice, now, total));
        let changes = List::cut(changed.clone());
        all.push(match thread.role {
            Role::Customer => said(Due::May, about, Matter::Counter { offer, round, changes }),
            Role::Seller => {
                let mut counters = thread
                    .letters
                    .iter()
                    .filter(|letter| matches!(letter.matter, Matter::Counter { .. }));
                let counter = counters
                    .next_back()
                    .map(|letter| letter.id)
                    .filter(|_| dice.chance(800));
                other(
                    Due::May,
                    Command::Revise {
                        offer,
                        counter,
                        changes: changed,
                    },
                )
            }
        });
        if thread.role == Role::Seller && dice.chance(300) {
            all.push(other(Due::May, Command::Retract(offer)));
        }
    }
    let Some(deal) = &thread.deal else { return all };
    let open = thread.proposals.iter().any(|it| it.standing == Standing::Open);
    let total = DealChange::Total {
        from: deal.total,
        to: Money::new(deal.total.minor + 1 + dice.below(500) as i64, deal.total.currency),
    };
    let due = if open { Due::MustNot } else { Due::Must };
    let grant = dice.pick(&thread.grants).cloned();
    let change = match &grant {
        Some(grant) if dice.chance(300) => DealChange::Purpose {
            grant: grant.grant.id,
            from: grant.grant.permission.purpose.clone(),
            to: Phrase::lossy(&format!("to bring parcel {}", dice.below(100))),
        },
        Some(grant) if dice.chance(300) => DealChange::Recipients {
            grant: grant.grant.id,
            from: grant.grant.permission.recipients.clone(),
            to: List::cut([Name::lossy("Red Van")]),
        },
        _ if dice.chance(300) => DealChange::DeliverBy {
            from: deal.deliver_by,
            to: now.plus(DAY),
        },
        _ => total,
    };
    all.extend(proposal(thread, [change]).map(|matter| said(due, about, matter)));
    let ours = |it: &&ProposalView| it.by == thread.role && it.standing == Standing::Open;
    if let Some(ours) = thread.proposals.iter().find(ours) {
        let (proposal, yes) = (ours.id, dice.chance(300));
        let due = if yes { Due::MustNot } else { Due::Must };
        all.push(said(due, about, Matter::Verdict { proposal, yes }));
    }
    if let Some(grant) = &grant {
        all.push(said(
            Due::Must,
            about,
            Matter::Suggestion {
                grant: grant.grant.id,
                about: dice.pick(&theirs).copied().filter(|_| dice.chance(500)),
                text: prose(dice),
            },
        ));
    }
    match thread.role {
        Role::Customer => {
            let what = if dice.chance(500) { Ask::Cancel } else { Ask::Return };
            let why = Phrase::lossy("it does not fit the lift");
            all.push(said(Due::May, about, Matter::Asked { what, why }));
            let key = Key::from_seed(&fresh(dice).0).public();
            all.push(said(Due::May, about, Matter::RatingAsked { key }));
            all.push(said(
                Due::May,
                about,
                Matter::Disclosed {
                    offer: OfferId(fresh(dice).0),
                    fields: List::cut([Opened {
                        field: Word::lossy("photo"),
                        value: Value::Text(prose(dice)),
                        salt: Salt(fresh(dice).0),
                    }]),
                },
            ));
            if let Some(grant) = grant {
                // What the seller has deleted already cannot be taken back any more.
                let due = if grant.grant.revoked.is_none() && grant.grant.deleted.is_none() {
                    Due::Must
                } else {
                    Due::May
                };
                let (grant, delete, answer_by) = (grant.grant.id, dice.chance(700), now.plus(DAY));
                all.push(said(
                    due,
                    about,
                    Matter::Revoked {
                        grant,
                        delete,
                        answer_by,
                    },
                ));
            }
        }
        Role::Seller => {
            if let Some(permission) = permission(dice, now, thread) {
                let benefit = Phrase::lossy("it comes to your door");
                let key = fresh(dice).0;
                all.push(said(
                    Due::May,
                    about,
                    Matter::PermissionRequest {
                        permission,
                        benefit,
                        key,
                    },
                ));
            }
            if let Some(grant) = grant {
                let shares = dice.chance(300);
                all.push(said(
                    Due::Must,
                    about,
                    Matter::UseReport(UseReport {
                        grant: grant.grant.id,
                        operation: if shares { Operation::Share } else { Operation::Use },
                        purpose: grant.grant.permission.purpose.clone(),
                        times: dice.below(9) as u32,
                        from: grant.grant.at.min(now),
                        to: now,
                        shared_with: List::cut(shares.then(|| Name::lossy("Blue Van"))),
                    }),
                ));
                if grant.grant.deleted.is_none() && dice.chance(300) {
                    let matter = Matter::Deleted(deletion(now, grant.grant.id));
                    all.push(said(Due::Must, about, matter));
                }
            }
        }
    }
    all
}

/// Offers that the letters speak of, and what the newest came to.
fn offers_in(thread: &ThreadView) -> Vec<(OfferId, Option<Money>)> {
    let mut all = BTreeSet::new();
    for letter in &thread.letters {
        match &letter.matter {
            Matter::Question { about: Some(offer), .. }
            | Matter::Counter { offer, .. }
            | Matter::Retracted { offer } => {
                all.insert(*offer);
            }
            Matter::Revised { offer, with, .. } => {
                all.insert(*offer);
                all.insert(intentcast_protocol::envelope::record_id(with).into());
            }
            _ => {}
        }
    }
    all.into_iter().map(|offer| (offer, None)).collect()
}

/// What nobody may say here: each of these must be denied.
pub(super) fn against_the_rules(dice: &mut Dice, now: Timestamp, thread: &ThreadView) -> Vec<Move> {
    let about = thread_of(thread);
    let nothing = fresh(dice);
    let mut all = Vec::new();
    let mut never = |matter| all.push(said(Due::MustNot, about, matter));
    never(Matter::Answer {
        question: nothing,
        text: prose(dice),
        to_all: false,
    });
    never(Matter::Verdict {
        proposal: nothing,
        yes: true,
    });
    never(Matter::Seen { letter: nothing });
    let ours = thread.letters.iter().filter(|letter| letter.from == thread.role);
    for letter in ours.take(8) {
        never(Matter::Seen { letter: letter.id });
        match &letter.matter {
            Matter::Question { .. } => never(Matter::Answer {
                question: letter.id,
                text: prose(dice),
                to_all: false,
            }),
            Matter::Proposal(_) => never(Matter::Verdict {
                proposal: letter.id,
                yes: true,
            }),
            Matter::Answer { .. } | Matter::Verdict { .. } | Matter::GrantRefused { .. } | Matter::Granted { .. } => {
                never(letter.matter.clone());
            }
            _ => {}
        }
    }
    if let Some(deal) = &thread.deal {
        let from = Money::new(deal.total.minor + 1, deal.total.currency);
        let lie = DealChange::Total { from, to: deal.total };
        let (from, to) = (TermsHash([9; 32]), deal.terms);
        for change in [lie, DealChange::Terms { from, to }] {
            if let Some(matter) = proposal(thread, [change]) {
                never(matter);
            }
        }
        never(Matter::Counter {
            offer: OfferId(nothing.0),
            round: 0,
            changes: List::cut([Change::ReturnsDays(9)]),
        });
    }
    let stray = permission(dice, now, thread);
    let why = Phrase::lossy("no");
    match thread.role {
        Role::Customer => {
            for (offer, _) in offers_in(thread) {
                never(Matter::Retracted { offer });
                let changes = List::cut([Change::ReturnsDays(30)]);
                let round = thread.max_rounds.saturating_add(1);
                never(Matter::Counter { offer, round, changes });
            }
            never(Matter::Acknowledged { receipt: nothing });
            never(Matter::GrantRefused { request: nothing, why });
            never(Matter::Revoked {
                grant: nothing,
                delete: true,
                answer_by: now.plus(DAY),
            });
            if let Some(permission) = stray {
                never(Matter::Granted {
                    request: nothing,
                    permission: permission.clone(),
                    alias: false,
                    sealed: Bytes::default(),
                });
                for request in thread.requests.iter().take(4) {
                    // More than was asked.
                    let mut more = request.permission.clone();
                    more.ends = more.ends.plus(DAY);
                    never(Matter::Granted {
                        request: request.id,
                        permission: more,
                        alias: false,
                        sealed: Bytes::default(),
                    });
                }
            }
        }
        Role::Seller => {
            never(Matter::GrantRefused { request: nothing, why });
            never(Matter::Asked {
                what: Ask::Cancel,
                why: Phrase::lossy("we say what you want"),
            });
            never(Matter::RatingAsked {
                key: Key::from_seed(&nothing.0).public(),
            });
            never(Matter::Deleted(deletion(now, nothing)));
            never(Matter::CounterRefused {
                counter: nothing,
                why: Reason::Price,
            });
            if let Some(permission) = stray {
                let (benefit, key) = (Phrase::lossy("none"), nothing.0);
                let strand = Word::lossy("health.record");
                never(Matter::PermissionRequest {
                    permission: Permission { strand, ..permission },
                    benefit,
                    key,
                });
            }
            for grant in thread.grants.iter().filter(|it| it.grant.deleted.is_some()) {
                never(Matter::Deleted(deletion(now, grant.grant.id)));
            }
        }
    }
    all
}
