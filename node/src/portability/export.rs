//! A node's own account of itself as one open document: what `docs/portability.md` describes.

use intentcast_protocol::{
    id::hex,
    ledger::{Broken, Stored},
    market::Market,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{OURS, commerce, consent, originals::Originals};

/// What stands in every document of this form.
pub const FORMAT: &str = "intentcast-export/1";

/// Where each word of a document is defined.
pub(super) fn context() -> Value {
    json!({
        "@vocab": "https://schema.org/",
        "dct": "http://purl.org/dc/terms/",
        "dpv": "https://w3id.org/dpv#",
        "pd": "https://w3id.org/dpv/pd#",
        "ic": OURS,
    })
}

/// Everything that a market and its ledger tell: wants, offers, orders, ratings, letters, consents; and the vault's file,
/// encrypted as it is, if it is given.
///
/// What a want withholds is not in it, nor anything that was refused.
///
/// # Errors
/// Where the ledger's chain does not hold.
pub fn document(now: Timestamp, market: &Market, entries: &[Stored], vault: Option<&[u8]>) -> Result<Value, Broken> {
    let originals = Originals::of(entries)?;
    let mut graph: Vec<Value> = Vec::new();
    graph.extend(
        market
            .intents(now)
            .iter()
            .map(|view| commerce::demand(view, &originals)),
    );
    graph.extend(
        market
            .offers(now, None)
            .iter()
            .filter_map(|view| commerce::offer(view, &originals)),
    );
    for view in &market.agreements() {
        graph.push(commerce::order(market, view, &originals));
        graph.extend(commerce::review(view));
    }
    for thread in &market.threads(now) {
        let agreements = market.agreements();
        let deal = agreements.iter().find(|view| commerce::is_of(thread, view.id));
        let customer = deal.map(|view| view.customer.to_string()).unwrap_or_default();
        graph.extend(consent::records(now, thread, &customer, &originals));
        graph.extend(commerce::messages(thread, &originals));
    }
    if let Some(vault) = vault {
        graph.push(json!({
            "@type": "ic:Vault",
            "description": "The vault's file as it lies on disk, encrypted: its own passphrase or key file opens it.",
            "ic:encrypted": hex(vault),
        }));
    }
    Ok(json!({
        "@context": context(),
        "@type": "Dataset",
        "name": "Intentcast export",
        "ic:format": FORMAT,
        "dateCreated": now.to_string(),
        "@graph": graph,
    }))
}
