//! A document that was exported here, returned by a seller, or written by another program, judged: what in it is signed
//! is verified and told from the signed bytes, and the rest is a claim. What is signed wrongly is refused, with its place.

use std::{fs, io::Read as _, path::Path};

use anyhow::{Context as _, Result};
use intentcast_protocol::{
    envelope::{Verified, open},
    evidence::Evidence,
    id::unhex,
    keys::PublicKey,
    letter::{Letter, Matter},
    offer::Offer,
    purpose,
    strand::StrandName,
};
use serde_json::Value;

use super::{
    archive::{Archived, Proof, Sort},
    consent, export, returned,
};

/// Bytes of a document that is read: a thousand orders with all their records.
pub const BYTES: usize = 32 * 1024 * 1024;
/// Things that one document tells.
const NODES: usize = 20_000;
/// Characters of a text that a document claims.
const CHARS: usize = 200;
/// Signed letters that one consent record has: request, answer, a report a week for its life, revocation, deletion.
const LETTERS: usize = 2_048;

/// The first thing in a document that does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Wrong {
    /// Where: `line 3, column 5` of what is no JSON, a path like `@graph[2].ic:evidence` of what is.
    pub place: String,
    /// Why it does not hold.
    pub why: String,
}

fn wrong<T>(place: impl Into<String>, why: impl Into<String>) -> Result<T, Wrong> {
    let (place, why) = (place.into(), why.into());
    Err(Wrong { place, why })
}

/// What was found in a document.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Found {
    /// Which form it has; nothing of another program's.
    pub format: Option<String>,
    /// The seller that signed all of it, if one did.
    pub by: Option<PublicKey>,
    /// What is taken in.
    pub archived: Vec<Archived>,
    /// Things in it that an archive does not keep: wants, letters, ratings.
    pub passed_over: usize,
}

/// A document out of a file.
///
/// # Errors
/// [`Wrong`] with line and column where it is no JSON, or where it cannot be read.
pub fn file(path: &Path) -> Result<Value> {
    let told = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let open = fs::File::open(path).with_context(told)?;
    open.take(BYTES as u64 + 1).read_to_end(&mut bytes).with_context(told)?;
    Ok(parse(&bytes)?)
}

fn parse(bytes: &[u8]) -> Result<Value, Wrong> {
    if bytes.len() > BYTES {
        return wrong("file", format!("longer than {BYTES} bytes"));
    }
    serde_json::from_slice(bytes).map_err(|error| Wrong {
        place: format!("line {}, column {}", error.line(), error.column()),
        why: error.to_string(),
    })
}

/// Judges a document.
///
/// # Errors
/// [`Wrong`]: the first thing that does not hold.
pub fn read(document: &Value) -> Result<Found, Wrong> {
    if !document.is_object() {
        return wrong("document", "an object is expected, of JSON-LD");
    }
    let format = document["ic:format"].as_str();
    let by = match format {
        None => None,
        Some(export::FORMAT) => None,
        Some(returned::FORMAT) => Some(returned::verify(document).or_else(|why| wrong(returned::PROOF, why))?),
        Some(other) => {
            let other: String = other.chars().take(CHARS).collect();
            let known = format!("{} and {}", export::FORMAT, returned::FORMAT);
            return wrong("ic:format", format!("{other:?} is not known here: {known} are"));
        }
    };
    let mut found = Found {
        format: format.map(str::to_owned),
        by,
        ..Found::default()
    };
    let alone = std::slice::from_ref(document);
    let nodes = match document.get("@graph") {
        None if format.is_none() => alone,
        None => return wrong("@graph", "it is missing"),
        Some(Value::Array(nodes)) => nodes,
        Some(_) => return wrong("@graph", "an array is expected"),
    };
    if nodes.len() > NODES {
        return wrong("@graph", format!("more than {NODES} things"));
    }
    for (at, node) in nodes.iter().enumerate() {
        let place = format!("@graph[{at}]");
        let archived = match () {
            () if is_a(node, "Order") => order(&place, node, by)?,
            () if is_a(node, "Offer") => offer(&place, node)?,
            () if is_a(node, "dpv:ConsentRecord") => consent(&place, node, by)?,
            () => {
                found.passed_over += 1;
                continue;
            }
        };
        found.archived.push(archived);
    }
    if found.archived.is_empty() {
        return wrong("@graph", "no Order, Offer or dpv:ConsentRecord is in it");
    }
    Ok(found)
}

fn is_a(node: &Value, kind: &str) -> bool {
    let is = |word: &str| word.trim_start_matches("https://schema.org/") == kind || word == format!("schema:{kind}");
    match &node["@type"] {
        Value::String(word) => is(word),
        Value::Array(words) => words.iter().filter_map(Value::as_str).any(is),
        _ => false,
    }
}

/// A text that is claimed, as much of it as is shown.
fn said(node: &Value, path: &[&str]) -> String {
    let mut value = node;
    for name in path {
        value = match value {
            Value::Array(several) => several.first().unwrap_or(&Value::Null),
            value => value,
        };
        value = &value[*name];
    }
    match value {
        Value::String(text) => text.chars().take(CHARS).collect(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The id of something claimed: its number, or whatever it is called.
fn claimed_id(place: &str, node: &Value, names: &[&str]) -> Result<String, Wrong> {
    let ids = names.iter().map(|name| said(node, &[name]));
    match ids.into_iter().find(|id| !id.is_empty()) {
        Some(id) => Ok(id),
        None => wrong(place, format!("one of {} is expected", names.join(", "))),
    }
}

fn order(place: &str, node: &Value, by: Option<PublicKey>) -> Result<Archived, Wrong> {
    let at = format!("{place}.ic:evidence");
    let evidence = match node.get("ic:evidence") {
        None | Some(Value::Null) => {
            if by.is_some() {
                return wrong(at, "it is missing: a seller's return proves what it says");
            }
            return Ok(Archived {
                sort: Sort::Order,
                id: claimed_id(place, node, &["orderNumber", "@id", "identifier"])?,
                proof: Proof::Claimed,
                title: said(node, &["orderedItem", "orderedItem", "name"]),
                party: said(node, &["seller", "name"]),
                at: said(node, &["orderDate"]),
                state: said(node, &["orderStatus"])
                    .trim_start_matches("https://schema.org/")
                    .to_owned(),
                total: format!("{} {}", said(node, &["price"]), said(node, &["priceCurrency"]))
                    .trim()
                    .to_owned(),
                receipts: Vec::new(),
                node: node.clone(),
            });
        }
        Some(value) => value,
    };
    let evidence: Evidence =
        serde_json::from_value(evidence.clone()).or_else(|why| wrong(at.as_str(), why.to_string()))?;
    let report = evidence
        .verify()
        .or_else(|flaw| wrong(format!("{at}.{}", flaw.place), flaw.why))?;
    let id = report.agreement.to_string();
    let number = said(node, &["orderNumber"]);
    if !number.is_empty() && number != id {
        return wrong(format!("{place}.orderNumber"), format!("its evidence is of {id}"));
    }
    let summary = report.summary;
    if by.is_some_and(|by| by != summary.seller) {
        return wrong(at, "of another seller than the one that signed the document");
    }
    // Said once more beside the evidence: nothing else may be said there.
    let receipts = node["ic:receipts"].as_array().map_or(&[][..], Vec::as_slice);
    for (number, receipt) in receipts.iter().enumerate() {
        let place = format!("{place}.ic:receipts[{number}].ic:signed");
        let proved = evidence.receipts.get(number).map(|copy| &copy.hex[..]);
        if Some(bytes(&place, &receipt["ic:signed"])?.as_slice()) != proved {
            return wrong(place, "not the receipt that the evidence has in its place");
        }
    }
    Ok(Archived {
        sort: Sort::Order,
        id,
        proof: Proof::Verified {
            signatures: report.signatures,
        },
        title: summary.items.join(", "),
        party: summary.seller_name,
        at: summary.agreed_at,
        state: report.order.state.word().to_owned(),
        total: report.total.to_string(),
        receipts: summary.receipts,
        node: node.clone(),
    })
}

fn bytes(place: &str, value: &Value) -> Result<Vec<u8>, Wrong> {
    match value.as_str().and_then(unhex) {
        Some(bytes) => Ok(bytes),
        None => wrong(place, "a signed record in hexadecimal is expected"),
    }
}

fn offer(place: &str, node: &Value) -> Result<Archived, Wrong> {
    let at = format!("{place}.ic:signed");
    let signed = &node["ic:signed"];
    if signed.is_null() {
        return Ok(Archived {
            sort: Sort::Offer,
            id: claimed_id(place, node, &["identifier", "@id", "sku", "url"])?,
            proof: Proof::Claimed,
            title: said(node, &["itemOffered", "name"]),
            party: said(node, &["offeredBy", "name"]),
            at: said(node, &["validFrom"]),
            state: String::new(),
            total: format!("{} {}", said(node, &["price"]), said(node, &["priceCurrency"]))
                .trim()
                .to_owned(),
            receipts: Vec::new(),
            node: node.clone(),
        });
    }
    let offer: Verified<Offer> = open(&bytes(&at, signed)?).or_else(|fault| wrong(at, fault.to_string()))?;
    let id = offer.id().to_string();
    let number = said(node, &["identifier"]);
    if !number.is_empty() && number != id {
        return wrong(format!("{place}.identifier"), format!("the signed offer is {id}"));
    }
    let lines = offer
        .lines
        .iter()
        .map(|line| format!("{} x {}", line.quantity, line.title));
    Ok(Archived {
        sort: Sort::Offer,
        id,
        proof: Proof::Verified { signatures: 1 },
        title: lines.collect::<Vec<_>>().join(", "),
        party: offer.seller.name.to_string(),
        at: offer.header().created.to_string(),
        state: String::new(),
        total: offer.totals.landed().to_string(),
        receipts: Vec::new(),
        node: node.clone(),
    })
}

/// The letters of one consent, each verified.
struct Letters {
    request: Verified<Letter>,
    all: Vec<Verified<Letter>>,
}

impl Letters {
    fn read(place: &str, signed: &Value) -> Result<Self, Wrong> {
        let letter = |field: &str, value: &Value| -> Result<Verified<Letter>, Wrong> {
            let place = format!("{place}.{field}");
            open(&bytes(&place, value)?).or_else(|fault| wrong(place, fault.to_string()))
        };
        let request = letter("requested", &signed["requested"])?;
        if !matches!(request.matter, Matter::PermissionRequest { .. }) {
            return wrong(
                format!("{place}.requested"),
                "a letter that asks for a strand is expected",
            );
        }
        if request.header().author != request.thread.seller {
            return wrong(format!("{place}.requested"), "a letter of the seller is expected");
        }
        let mut all = Vec::new();
        for field in ["answered", "withdrawn", "deleted"] {
            if !signed[field].is_null() {
                all.push(letter(field, &signed[field])?);
            }
        }
        match &signed["uses"] {
            Value::Null => {}
            Value::Array(uses) if uses.len() <= LETTERS => {
                for (at, of) in uses.iter().enumerate() {
                    all.push(letter(&format!("uses[{at}]"), of)?);
                }
            }
            _ => {
                return wrong(
                    format!("{place}.uses"),
                    format!("{LETTERS} letters at most are expected"),
                );
            }
        }
        let answer = all
            .iter()
            .find(|it| matches!(&it.matter, Matter::Granted { request: to, .. } | Matter::GrantRefused { request: to, .. } if *to == request.id()));
        let (grant, customer) = (answer.map(Verified::id), answer.map(|it| it.header().author));
        for it in &all {
            let (of, by) = match &it.matter {
                Matter::Granted { request: to, .. } | Matter::GrantRefused { request: to, .. } => {
                    (Some(*to) == Some(request.id()), customer)
                }
                Matter::Revoked { grant: of, .. } => (Some(*of) == grant, customer),
                Matter::UseReport(report) => (Some(report.grant) == grant, Some(request.thread.seller)),
                Matter::Deleted(deletion) => (Some(deletion.grant) == grant, Some(request.thread.seller)),
                _ => (false, None),
            };
            // The customer is whoever answered, and not the one that asked.
            let fits = of && it.thread == request.thread && Some(it.header().author) == by;
            if !fits || customer == Some(request.thread.seller) {
                return wrong(place, format!("its letter {} is of another matter", it.id().short()));
            }
        }
        Ok(Self { request, all })
    }

    fn state(&self) -> &'static str {
        let has = |is: fn(&Matter) -> bool| self.all.iter().any(|it| is(&it.matter));
        match () {
            () if has(|it| matches!(it, Matter::Deleted(_))) => "deleted",
            () if has(|it| matches!(it, Matter::Revoked { .. })) => "withdrawn",
            () if has(|it| matches!(it, Matter::Granted { .. })) => "given",
            () if has(|it| matches!(it, Matter::GrantRefused { .. })) => "refused",
            () => "requested",
        }
    }
}

fn consent(place: &str, node: &Value, by: Option<PublicKey>) -> Result<Archived, Wrong> {
    let at = format!("{place}.ic:signed");
    let party = said(node, &["dpv:hasDataController", "name"]);
    let signed = &node["ic:signed"];
    if signed.is_null() {
        let state = said(node, &["dpv:hasConsentStatus", "@id"]);
        return Ok(Archived {
            sort: Sort::Consent,
            id: claimed_id(place, node, &["dct:identifier", "@id"])?,
            proof: Proof::Claimed,
            title: said(node, &["dpv:hasPersonalData", "name"]),
            party,
            at: said(node, &["dct:date"]),
            state: state.trim_start_matches("dpv:Consent").to_lowercase(),
            total: String::new(),
            receipts: Vec::new(),
            node: node.clone(),
        });
    }
    let schema = said(node, &["ic:schemaVersion"]);
    if schema != consent::SCHEMA {
        return wrong(
            format!("{place}.ic:schemaVersion"),
            format!("{} is what is read here", consent::SCHEMA),
        );
    }
    let letters = Letters::read(&at, signed)?;
    let id = letters.request.id().to_string();
    let number = said(node, &["dct:identifier"]);
    if number != id {
        return wrong(format!("{place}.dct:identifier"), format!("the signed request is {id}"));
    }
    if by.is_some_and(|by| by != letters.request.thread.seller) {
        return wrong(at, "of another seller than the one that signed the document");
    }
    let granted = letters.all.iter().find_map(|it| match &it.matter {
        Matter::Granted { permission, .. } => Some(permission.clone()),
        _ => None,
    });
    let asked = match &letters.request.matter {
        Matter::PermissionRequest { permission, .. } => permission.clone(),
        _ => return wrong(at, "a letter that asks for a strand is expected"),
    };
    let permission = granted.unwrap_or(asked);
    let strand = StrandName::new(permission.strand.as_str()).ok();
    let what = strand
        .as_ref()
        .map_or(permission.strand.as_str(), StrandName::title)
        .to_owned();
    let purpose = purpose::by_name(permission.purpose.as_str()).map_or(permission.purpose.as_str(), |it| it.title);
    let mut told: Vec<&Verified<Letter>> = letters.all.iter().collect();
    told.sort_by_key(|it| it.header().created);
    Ok(Archived {
        sort: Sort::Consent,
        id,
        proof: Proof::Verified {
            signatures: 1 + letters.all.len(),
        },
        title: format!("{what}, to {}, until {}", lower(purpose), permission.ends),
        party,
        at: letters.request.header().created.to_string(),
        state: letters.state().to_owned(),
        total: String::new(),
        receipts: told
            .iter()
            .map(|it| format!("{} {}", it.header().created, it.matter.word()))
            .collect(),
        node: node.clone(),
    })
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
