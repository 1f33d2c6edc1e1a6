//! What a seller gives back to a customer of one order, as terms like SD-BASE-DP ask: everything that the service
//! gathered, in an open form, signed with the seller's key.
//!
//! What is signed is the document without its proof, in one spelling: object keys sorted, no spaces. So it may be stored
//! and printed however one likes.

use intentcast_protocol::{
    id::{AgreementId, hex, unhex},
    keys::{PublicKey, Seed, Signature},
    ledger::Stored,
    market::Market,
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{commerce, consent, export::context, originals::Originals};

/// What stands in every document of this form.
pub const FORMAT: &str = "intentcast-order-data/1";
/// What the document is called that a seller sends.
pub const NAME: &str = "order data";
/// Where the signature stands.
pub(super) const PROOF: &str = "ic:proof";
const TAG: &[u8] = b"intentcast/1/order-data\0";

/// Why there is no document.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotReturned {
    /// No such agreement.
    #[error("there is no such order")]
    None,
    /// We bought it.
    #[error("this order was bought here: its seller returns the data of it")]
    NotTheSeller,
    /// The ledger does not hold.
    #[error("{0}")]
    Broken(#[from] intentcast_protocol::ledger::Broken),
}

/// The document of one order.
///
/// # Errors
/// [`NotReturned`].
pub fn document(
    now: Timestamp,
    seed: &Seed,
    market: &Market,
    entries: &[Stored],
    agreement: AgreementId,
) -> Result<Value, NotReturned> {
    let view = market.agreement(agreement).ok_or(NotReturned::None)?;
    if !commerce::is_seller(&view) {
        return Err(NotReturned::NotTheSeller);
    }
    let originals = Originals::of(entries)?;
    let mut graph = Vec::new();
    graph.extend(
        market
            .intent(now, view.intent)
            .map(|view| commerce::demand(&view, &originals)),
    );
    graph.extend(
        market
            .offer(now, view.offer)
            .and_then(|view| commerce::offer(&view, &originals)),
    );
    graph.push(commerce::order(market, &view, &originals));
    let customer = view.customer.to_string();
    for thread in market
        .threads(now)
        .iter()
        .filter(|thread| commerce::is_of(thread, agreement))
    {
        graph.extend(consent::records(now, thread, &customer, &originals));
        graph.extend(commerce::messages(thread, &originals));
    }
    let terms = market
        .settled(agreement)
        .map(|(settled, _)| settled.wanted().terms.to_string());
    let document = json!({
        "@context": context(),
        "@type": "Dataset",
        "name": "Order and use data, returned by the seller",
        "ic:format": FORMAT,
        "dateCreated": now.to_string(),
        "about": { "@id": super::urn("agreement", &agreement) },
        "ic:terms": terms,
        "@graph": graph,
    });
    Ok(signed(seed, document))
}

/// A document as it travels: plain text, in which nothing looks like a page.
pub fn bytes(document: &Value) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(document)
        .expect("a document is plain values, which JSON always takes")
        .replace('<', "\\u003c");
    text.push('\n');
    text.into_bytes()
}

fn signed(seed: &Seed, mut document: Value) -> Value {
    let key = seed.seller_key();
    let signature = key.sign(&message(&document));
    document[PROOF] = json!({ "ic:by": key.public(), "ic:signature": hex(&signature.0) });
    document
}

fn message(document: &Value) -> Vec<u8> {
    let mut message = TAG.to_vec();
    message.extend(canonical(document).into_bytes());
    message
}

/// Who signed a document, if its proof holds.
///
/// # Errors
/// What is wrong with the proof.
pub(super) fn verify(document: &Value) -> Result<PublicKey, String> {
    let mut bare: Map<String, Value> = document.as_object().cloned().ok_or("it is no object")?;
    let proof = bare
        .remove(PROOF)
        .ok_or("it is missing: a seller signs what it returns")?;
    let by: PublicKey = proof["ic:by"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or("ic:by: a key is 64 hexadecimal digits")?;
    let signature = proof["ic:signature"]
        .as_str()
        .and_then(unhex)
        .and_then(|bytes| <[u8; 64]>::try_from(bytes).ok())
        .ok_or("ic:signature: a signature is 128 hexadecimal digits")?;
    by.verify(&message(&Value::Object(bare)), &Signature(signature))
        .map_err(|_| "ic:signature: not its seller's over this document: it was changed")?;
    Ok(by)
}

/// A document in the one spelling that is signed.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields = fields
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}
