//! Letters of every kind, made by chance.

use super::*;

pub(super) fn money() -> impl Strategy<Value = Money> {
    (1..i64::MAX, currency()).prop_map(|(minor, currency)| Money::new(minor, currency))
}

fn names<const MAX: usize>() -> impl Strategy<Value = List<Name, MAX>> {
    vec(text(), 0..=MAX).prop_map(list_of)
}

prop_compose! {
    fn permission()(
        agreement in id(), strand in said(), purpose in said(), some in vec(select(Operation::ALL.to_vec()), 1..4),
        recipients in names(), ends in CAST.0 + 1..u64::MAX,
    ) -> Permission {
        let operations = Operations::of(&some).unwrap();
        let recipients = if operations.has(Operation::Share) { recipients } else { List::default() };
        Permission { agreement: AgreementId(agreement), strand, purpose, operations, recipients, ends: Timestamp(ends) }
    }
}

fn deal_change() -> impl Strategy<Value = DealChange> {
    prop_oneof![
        (money(), money()).prop_map(|(from, to)| DealChange::Total { from, to }),
        (time(), time()).prop_map(|(from, to)| DealChange::DeliverBy { from, to }),
        (id(), id()).prop_map(|(from, to)| DealChange::Terms {
            from: TermsHash(from),
            to: TermsHash(to)
        }),
        (id(), text(), text()).prop_map(|(grant, from, to)| DealChange::Purpose {
            grant: RecordId(grant),
            from,
            to
        }),
        (id(), names(), names()).prop_map(|(grant, from, to)| DealChange::Recipients {
            grant: RecordId(grant),
            from,
            to
        }),
    ]
}

/// What is said before there is a deal, and what may be said at any time.
fn haggling() -> impl Strategy<Value = Matter> {
    prop_oneof![
        (option::of(id()), option::of(text()), said()).prop_map(|(about, field, text)| Matter::Question {
            about: about.map(OfferId),
            field,
            text,
        }),
        (id(), said(), any::<bool>()).prop_map(|(question, text, to_all)| Matter::Answer {
            question: RecordId(question),
            text,
            to_all,
        }),
        (id(), 1..=u8::MAX, money(), time(), text(), value()).prop_map(|(offer, round, total, by, name, value)| {
            Matter::Counter {
                offer: OfferId(offer),
                round,
                changes: list_of([
                    Changed::Total(total),
                    Changed::DeliverBy(by),
                    Changed::Attribute(Attribute { name, value }),
                ]),
            }
        }),
        (id(), option::of(id()), 1..=u8::MAX, vec(any::<u8>(), 0..600)).prop_map(|(offer, counter, round, with)| {
            Matter::Revised {
                offer: OfferId(offer),
                counter: counter.map(RecordId),
                round,
                with: held(&with),
            }
        }),
        (id(), select(Reason::ALL.to_vec())).prop_map(|(counter, why)| Matter::CounterRefused {
            counter: RecordId(counter),
            why,
        }),
        id().prop_map(|offer| Matter::Retracted { offer: OfferId(offer) }),
        (id(), vec((text(), text(), id()), 1..=limits::DISCLOSURES)).prop_map(|(offer, fields)| Matter::Disclosed {
            offer: OfferId(offer),
            fields: list_of(fields.into_iter().map(|(field, value, salt)| Opened {
                field,
                value: crate::disclosure::Value::Text(value),
                salt: crate::disclosure::Salt(salt),
            })),
        }),
        id().prop_map(|letter| Matter::Seen {
            letter: RecordId(letter)
        }),
        (id(), text(), 1..=limits::DOCUMENT_BYTES as u32, text()).prop_map(|(hash, mime, bytes, name)| {
            Matter::Document {
                hash: EntryHash(hash),
                mime,
                bytes,
                name,
            }
        }),
    ]
}

/// What is said under a deal.
fn dealing() -> impl Strategy<Value = Matter> {
    let proposal = (id(), id(), vec(deal_change(), 1..=limits::CHANGES), text());
    prop_oneof![
        proposal.prop_map(|(agreement, version, changes, why)| Matter::Proposal(Proposal {
            agreement: AgreementId(agreement),
            version: EntryHash(version),
            changes: list_of(changes),
            why,
        })),
        (id(), any::<bool>()).prop_map(|(proposal, yes)| Matter::Verdict {
            proposal: RecordId(proposal),
            yes,
        }),
        id().prop_map(|receipt| Matter::Acknowledged {
            receipt: RecordId(receipt),
        }),
        (any::<bool>(), text()).prop_map(|(cancel, why)| Matter::Asked {
            what: if cancel { Ask::Cancel } else { Ask::Return },
            why,
        }),
        id().prop_map(|key| Matter::RatingAsked { key: PublicKey(key) }),
        vec(any::<u8>(), 0..=limits::TICKET_BYTES).prop_map(|ticket| Matter::RatingGiven { ticket: held(&ticket) }),
    ]
}

/// What is said about a person's data.
fn granting() -> impl Strategy<Value = Matter> {
    let report = (id(), text(), any::<u32>(), time(), time(), names());
    let kept = vec((text(), text(), time()), 0..=limits::KEPT);
    prop_oneof![
        (permission(), text(), id()).prop_map(|(permission, benefit, key)| Matter::PermissionRequest {
            permission,
            benefit,
            key,
        }),
        (
            id(),
            permission(),
            any::<bool>(),
            vec(any::<u8>(), 0..=limits::SEALED_BYTES)
        )
            .prop_map(|(request, permission, alias, sealed)| Matter::Granted {
                request: RecordId(request),
                permission,
                alias,
                sealed: held(&sealed),
            }),
        (id(), text()).prop_map(|(request, why)| Matter::GrantRefused {
            request: RecordId(request),
            why,
        }),
        report.prop_map(
            |(grant, purpose, times, one, other, shared_with)| Matter::UseReport(UseReport {
                grant: RecordId(grant),
                operation: Operation::Share,
                purpose,
                times,
                from: one.min(other).min(CAST),
                to: one.max(other).min(CAST),
                shared_with,
            })
        ),
        (id(), option::of(id()), said()).prop_map(|(grant, about, text)| Matter::Suggestion {
            grant: RecordId(grant),
            about: about.map(RecordId),
            text,
        }),
        (id(), any::<bool>(), CAST.0 + 1..u64::MAX).prop_map(|(grant, delete, by)| Matter::Revoked {
            grant: RecordId(grant),
            delete,
            answer_by: Timestamp(by),
        }),
        (id(), time(), kept, names()).prop_map(|(grant, at, kept, told)| Matter::Deleted(Deletion {
            grant: RecordId(grant),
            at: at.min(CAST),
            kept: list_of(
                kept.into_iter()
                    .map(|(what, ground, until)| Kept { what, ground, until })
            ),
            told,
        })),
    ]
}

prop_compose! {
    pub(super) fn letter()(
        intent in id(), seller in id(), number in prop_oneof![Just(0), any::<u32>()], before in id(),
        after in option::of(id()), reply in option::of(reply()), matter in prop_oneof![haggling(), dealing(), granting()],
    ) -> Letter {
        Letter {
            thread: ThreadId { intent: IntentId(intent), seller: PublicKey(seller) },
            number,
            before: (number > 0).then_some(RecordId(before)),
            after: after.map(RecordId),
            reply,
            matter,
        }
    }
}
