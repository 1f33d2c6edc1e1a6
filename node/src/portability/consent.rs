//! Grants as consent records: the fields of ISO/IEC TS 27560 in the words of the Data Privacy Vocabulary.
//!
//! One record for each strand that a seller asked for, whatever came of it: who may use which category of personal data
//! for which purpose, how, until when, and every change of state with its time. The value itself is in none of them; the
//! signed letter of a grant carries it sealed to the seller.

use intentcast_protocol::{
    id::RecordId,
    letter::{Matter, Operation, Permission},
    market::{GrantView, ThreadView},
    purpose,
    strand::StrandName,
    thread::Request,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{originals::Originals, urn};

/// The schema that a record follows: our rendering of the standard's record.
pub(super) const SCHEMA: &str = "intentcast-consent/1";
const STANDARD: &str = "ISO/IEC TS 27560:2023";

/// A state that consent can be in, in the vocabulary's word for it.
pub(super) const REQUESTED: &str = "dpv:ConsentRequested";
pub(super) const REFUSED: &str = "dpv:ConsentRefused";
pub(super) const GIVEN: &str = "dpv:ConsentGiven";
pub(super) const WITHDRAWN: &str = "dpv:ConsentWithdrawn";
pub(super) const EXPIRED: &str = "dpv:ConsentExpired";

/// Every record of a conversation.
pub(super) fn records(now: Timestamp, thread: &ThreadView, customer: &str, originals: &Originals) -> Vec<Value> {
    let record = |request: &Request| {
        let grant = thread.grants.iter().find(|view| view.grant.request == request.id);
        record(now, thread, customer, request, grant, originals)
    };
    thread.requests.iter().map(record).collect()
}

fn record(
    now: Timestamp,
    thread: &ThreadView,
    customer: &str,
    request: &Request,
    view: Option<&GrantView>,
    originals: &Originals,
) -> Value {
    let grant = view.map(|view| &view.grant);
    // What is granted may be less than what was asked, and both sides may have changed it since.
    let permission = grant.map_or(&request.permission, |grant| &grant.permission);
    let mut events = vec![event("requested", Some(REQUESTED), request.at, "controller")];
    let letter = |is: &dyn Fn(&Matter) -> bool| thread.letters.iter().find(|letter| is(&letter.matter));
    let refusal = letter(&|matter| matches!(matter, Matter::GrantRefused { request: to, .. } if *to == request.id));
    let mut status = REQUESTED;
    if let Some(refusal) = refusal {
        status = REFUSED;
        events.push(event("refused", Some(REFUSED), refusal.at, "principal"));
    }
    let mut signed = json!({ "requested": originals.find(request.id) });
    if let Some(refusal) = refusal {
        signed["answered"] = json!(originals.find(refusal.id));
    }
    let mut node = json!({
        "@type": "dpv:ConsentRecord",
        "@id": urn("consent", &request.id),
        "dct:identifier": request.id,
        "dct:conformsTo": STANDARD,
        "ic:schemaVersion": SCHEMA,
        "dpv:hasDataSubject": { "@type": "dpv:DataSubject", "@id": urn("key", &customer), "dct:identifier": customer },
        "dpv:hasDataController": {
            "@type": "dpv:DataController",
            "@id": urn("key", &thread.seller),
            "dct:identifier": thread.seller,
            "name": thread.name,
        },
        "dpv:hasLegalBasis": { "@id": "dpv:Consent" },
        "ic:under": { "@id": urn("agreement", &permission.agreement) },
        "ic:benefit": request.benefit,
    });
    describe(&mut node, permission);
    if let Some(grant) = grant {
        status = GIVEN;
        signed["answered"] = json!(originals.find(grant.id));
        events.push(event("given", Some(GIVEN), grant.at, "principal"));
        node["ic:alias"] = json!(grant.alias);
        node["ic:uses"] = json!(uses(view.map_or(&[], |view| view.grant.reports.as_slice())));
        let ids = grant.reports.iter().map(|(id, ..)| *id);
        signed["uses"] = json!(ids.filter_map(|id| originals.find(id)).collect::<Vec<_>>());
        if let Some(revoked) = &grant.revoked {
            status = WITHDRAWN;
            let mut withdrawn = event("withdrawn", Some(WITHDRAWN), revoked.at, "principal");
            withdrawn["ic:delete"] = json!(revoked.delete);
            withdrawn["ic:answerBy"] = json!(revoked.answer_by.to_string());
            events.push(withdrawn);
            let of = letter(&|matter| matches!(matter, Matter::Revoked { grant: of, .. } if *of == grant.id));
            signed["withdrawn"] = json!(of.and_then(|letter| originals.find(letter.id)));
        } else if permission.ends <= now {
            status = EXPIRED;
            events.push(event("expired", Some(EXPIRED), permission.ends, "principal"));
        }
        if let Some((id, deletion)) = &grant.deleted {
            let mut deleted = event("deleted", None, deletion.at, "controller");
            deleted["dpv:hasProcessing"] = json!({ "@id": "dpv:Erase" });
            deleted["ic:kept"] = json!(
                deletion
                    .kept
                    .iter()
                    .map(|kept| json!({
                        "name": kept.what, "dpv:hasLegalBasis": kept.ground, "endDate": kept.until.to_string(),
                    }))
                    .collect::<Vec<_>>()
            );
            deleted["ic:told"] = json!(deletion.told);
            events.push(deleted);
            signed["deleted"] = json!(originals.find(*id));
        }
    }
    node["dpv:hasConsentStatus"] = json!({ "@id": status });
    node["ic:overdue"] = json!(view.is_some_and(|view| view.overdue));
    node["ic:beyond"] = json!(view.map_or(&[][..], |view| &view.beyond));
    node["ic:events"] = json!(events);
    node["ic:signed"] = signed;
    node
}

fn event(word: &str, status: Option<&str>, at: Timestamp, by: &str) -> Value {
    let mut event = json!({ "@type": "ic:ConsentEvent", "ic:state": word, "dct:date": at.to_string(), "ic:by": by });
    if let Some(status) = status {
        event["dpv:hasConsentStatus"] = json!({ "@id": status });
    }
    event
}

/// What is permitted.
fn describe(node: &mut Value, permission: &Permission) {
    let known = purpose::by_name(permission.purpose.as_str());
    node["dpv:hasPurpose"] = json!({
        "@type": known.map_or_else(|| "dpv:Purpose".to_owned(), |known| format!("dpv:{}", known.dpv)),
        "name": known.map_or(permission.purpose.as_str(), |known| known.title),
        "ic:purpose": permission.purpose,
    });
    let strand = StrandName::new(permission.strand.as_str()).ok();
    let known = strand.as_ref().and_then(StrandName::strand);
    node["dpv:hasPersonalData"] = json!({
        "@type": known.and_then(|it| it.dpv).map_or_else(|| "dpv:PersonalData".to_owned(), |dpv| format!("pd:{dpv}")),
        "name": known.map_or(permission.strand.as_str(), |known| known.title),
        "ic:strand": permission.strand,
    });
    let processing = permission
        .operations
        .list()
        .into_iter()
        .map(|it| json!({ "@id": processing(it) }));
    node["dpv:hasProcessing"] = json!(processing.collect::<Vec<_>>());
    let recipients = permission
        .recipients
        .iter()
        .map(|name| json!({ "@type": "dpv:Recipient", "name": name }));
    node["dpv:hasRecipient"] = json!(recipients.collect::<Vec<_>>());
    node["dpv:hasStorageCondition"] = json!({
        "@type": "dpv:StorageCondition",
        "dpv:hasDuration": { "@type": "dpv:UntilTimeDuration", "endDate": permission.ends.to_string() },
    });
}

fn processing(operation: Operation) -> &'static str {
    match operation {
        Operation::Use => "dpv:Use",
        Operation::Store => "dpv:Store",
        Operation::Share => "dpv:Share",
        Operation::Derive => "dpv:Derive",
    }
}

fn uses(reports: &[(RecordId, Timestamp, intentcast_protocol::letter::UseReport)]) -> Vec<Value> {
    let told = reports.iter().map(|(id, at, report)| {
        json!({
            "@type": "ic:UseReport",
            "@id": urn("letter", id),
            "dct:date": at.to_string(),
            "dpv:hasProcessing": { "@id": processing(report.operation) },
            "ic:purpose": report.purpose,
            "ic:times": report.times,
            "startDate": report.from.to_string(),
            "endDate": report.to.to_string(),
            "dpv:hasRecipient": report.shared_with,
        })
    });
    told.collect()
}
