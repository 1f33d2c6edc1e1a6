//! What the walks of a conversation say: a matter of every kind, mostly what the other side waits for.

use super::*;

pub(super) const KINDS: u8 = 26;

pub(super) fn one_of<T: Clone>(pick: u16, all: &[T]) -> Option<T> {
    all.get(usize::from(pick).checked_rem(all.len())?).cloned()
}

pub(super) fn revision(stage: &Stage, old: &Offer, pick: u16) -> Bytes<{ crate::limits::REVISED_BYTES }> {
    let changes = [Change::Total(Money::new(
        40_000 + i64::from(pick % 5_000),
        old.totals.currency,
    ))];
    let body = crate::thread::apply_changes(old, &changes).unwrap();
    let valid = body.valid_until;
    let offer = sign(
        &seller(),
        stage.intent.header().created.plus_millis(pick.into()),
        valid,
        body,
    )
    .unwrap();
    Bytes::new(offer.bytes()).unwrap()
}

pub(super) fn proposal(stage: &Stage, terms: &DealTerms, change: DealChange) -> Matter {
    Matter::Proposal(Proposal {
        agreement: stage.deal.id,
        version: terms.version,
        changes: List::cut([change]),
        why: Phrase::lossy("so it is better"),
    })
}

/// A letter's matter: of a kind, about one of what is there; mostly what the other side waits for, at times what nobody
/// may say.
pub(super) fn matter(stage: &Stage, side: &Side, kind: u8, pick: u16) -> Option<Matter> {
    let view = side.thread.view();
    let ids = |role| view.of(role).iter().map(crate::thread::Entry::id).collect::<Vec<_>>();
    let theirs = ids(side.role.other());
    let any_id = one_of(
        pick,
        &[ids(Role::Customer), ids(Role::Seller), vec![RecordId([9; 32])]].concat(),
    );
    let of_kind = |word: &str| {
        let all = view.all().filter(|(_, entry)| entry.matter().word() == word);
        one_of(pick, &all.map(|(_, entry)| entry.id()).collect::<Vec<_>>())
    };
    let offer = one_of(pick, &side.offers)?;
    let (offer_id, old) = (OfferId::from(offer.id()), offer.body());
    let text = Prose::lossy(&format!("word {pick}"));
    let terms = view.terms(&stage.deal);
    let now = CAST.plus_millis(side.clock);
    let permission = Permission {
        agreement: stage.deal.id,
        strand: Word::lossy(if pick % 7 == 0 {
            "health.record"
        } else {
            "address.delivery"
        }),
        purpose: Phrase::lossy("to bring the bike"),
        operations: Operations::of(&[Operation::Use, Operation::Share]).unwrap(),
        recipients: List::cut([Name::lossy("Yellow Van")]),
        ends: now.plus(Seconds(3_600 + u32::from(pick))),
    };
    Some(match kind {
        0 => Matter::Moved,
        1 => Matter::Question {
            about: (pick % 2 == 0).then_some(offer_id),
            field: None,
            text,
        },
        2 => Matter::Answer {
            question: of_kind("question").or(any_id)?,
            text,
            to_all: pick % 5 == 0,
        },
        3 | 4 => {
            let total = Change::Total(Money::new(30_000 + i64::from(pick), old.totals.currency));
            let colour = Change::Attribute(Attribute {
                name: Word::lossy("colour"),
                value: Value::Flag(pick % 2 == 0),
            });
            Matter::Counter {
                offer: offer_id,
                round: view.round() + 1 - u8::from(pick % 11 == 0),
                changes: List::cut(if pick % 3 == 0 {
                    vec![total, colour]
                } else {
                    vec![total]
                }),
            }
        }
        5 | 6 => {
            let counters: Vec<_> = view.open_counters().map(|(id, offer, ..)| (id, offer)).collect();
            let counter = one_of(pick, &counters).filter(|_| pick % 4 != 0);
            let about = counter.map_or(offer_id, |(_, offer)| offer);
            let old = side.offers.iter().find(|it| OfferId::from(it.id()) == about)?;
            Matter::Revised {
                offer: about,
                counter: counter.map(|(id, _)| id),
                round: view.round() + u8::from(counter.is_none()),
                with: revision(stage, old, pick),
            }
        }
        7 => Matter::CounterRefused {
            counter: of_kind("counter").or(any_id)?,
            why: Reason::Price,
        },
        8 => Matter::Retracted { offer: offer_id },
        9 => Matter::Disclosed {
            offer: offer_id,
            fields: List::cut([Opened {
                field: Word::lossy("photo"),
                value: disclosure::Value::Text(text),
                salt: disclosure::Salt([1; 32]),
            }]),
        },
        10 => {
            let from = Money::new(terms.total.minor + i64::from(pick % 9 == 0), terms.total.currency);
            let to = Money::new(i64::from(pick), from.currency);
            proposal(stage, &terms, DealChange::Total { from, to })
        }
        11 => {
            let (from, to) = (terms.deliver_by, now.plus(Seconds(pick.into())));
            proposal(stage, &terms, DealChange::DeliverBy { from, to })
        }
        12 => {
            let grant = view.grant(of_kind("granted")?, &terms)?;
            let (from, to) = (grant.permission.purpose, Phrase::lossy(&format!("purpose {pick}")));
            proposal(
                stage,
                &terms,
                DealChange::Purpose {
                    grant: grant.id,
                    from,
                    to,
                },
            )
        }
        13 | 14 => Matter::Verdict {
            proposal: of_kind("proposal").or(any_id)?,
            yes: pick % 3 != 0,
        },
        15 => Matter::Acknowledged { receipt: stage.receipt },
        16 => Matter::Asked {
            what: if pick % 2 == 0 { Ask::Cancel } else { Ask::Return },
            why: Phrase::lossy("it is too small"),
        },
        17 => match side.role {
            Role::Customer => Matter::RatingAsked {
                key: Key::from_seed(&[pick as u8; 32]).public(),
            },
            Role::Seller => {
                let asked = view.of(Role::Customer).iter().find_map(|entry| match entry.matter() {
                    Matter::RatingAsked { key } => Some(*key),
                    _ => None,
                });
                let ticket = Ticket {
                    key: asked?,
                    category: stage.intent.category.root(),
                };
                let ticket = sign(&seller(), now, now.plus(YEAR), ticket).unwrap();
                Matter::RatingGiven {
                    ticket: Bytes::new(ticket.bytes()).unwrap(),
                }
            }
        },
        18 => Matter::PermissionRequest {
            permission,
            benefit: Phrase::lossy("it comes to you"),
            key: [pick as u8; 32],
        },
        19 | 20 => {
            let asked = one_of(pick, &view.requests());
            let mut permission = asked.as_ref().map_or(permission, |asked| asked.permission.clone());
            match pick % 5 {
                0 => permission.ends = permission.ends.plus(Seconds(9)),
                1 => permission.operations = Operations::of(&[Operation::Use]).unwrap(),
                _ => {}
            }
            if pick % 5 == 1 {
                permission.recipients = List::default();
            }
            Matter::Granted {
                request: asked.map(|asked| asked.id).or(any_id)?,
                permission,
                alias: pick % 2 == 0,
                sealed: Bytes::new([pick as u8]).unwrap(),
            }
        }
        21 => Matter::GrantRefused {
            request: of_kind("permission_request").or(any_id)?,
            why: Phrase::lossy("not for this"),
        },
        22 => Matter::UseReport(UseReport {
            grant: of_kind("granted").or(any_id)?,
            operation: Operation::Use,
            purpose: Phrase::lossy("to bring the bike"),
            times: pick.into(),
            from: now,
            to: now,
            shared_with: List::default(),
        }),
        23 => Matter::Suggestion {
            grant: of_kind("granted").or(any_id)?,
            about: any_id.filter(|_| pick % 2 == 0),
            text,
        },
        24 => match side.role {
            Role::Customer => Matter::Revoked {
                grant: of_kind("granted").or(any_id)?,
                delete: pick % 2 == 0,
                answer_by: Timestamp(u64::MAX),
            },
            Role::Seller => Matter::Deleted(Deletion {
                grant: of_kind("granted").or(any_id)?,
                at: now,
                kept: List::default(),
                told: List::default(),
            }),
        },
        _ => match one_of(pick, &theirs) {
            Some(letter) if pick % 2 == 0 => Matter::Seen { letter },
            _ => Matter::Document {
                hash: EntryHash([pick as u8; 32]),
                mime: Word::lossy("image/png"),
                bytes: 1 + u32::from(pick),
                name: Name::lossy("the hallway"),
            },
        },
    })
}
