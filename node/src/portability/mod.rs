//! Taking everything along, in both directions: a person's or a seller's own data out of a node and into another.
//!
//! A [`backup`] is one encrypted file from which a node goes on elsewhere. An [`export`] is one open document, JSON-LD of
//! schema.org and the Data Privacy Vocabulary, with the signed originals beside what is said of them. A seller gives a
//! customer a [`returned`] document of one order, signed. What is [`read`](read::read) back lands in an archive, apart
//! from the ledger: it is looked at, and nothing follows from it.
//!
//! No value of the vault leaves in the clear, and nothing is believed because a document says it: what a signature does
//! not cover is kept as a claim, and what one covers wrongly is refused with the place where it stands.

pub mod access;
pub mod archive;
pub mod backup;
mod commerce;
mod consent;
pub mod export;
mod originals;
mod parts;
pub mod read;
pub mod returned;
pub mod returning;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;

/// Where our own words live that neither schema.org nor the Data Privacy Vocabulary has.
const OURS: &str = "urn:intentcast:term:";

/// A record or key by its id, as documents name it.
fn urn(what: &str, id: &impl ToString) -> String {
    format!("urn:intentcast:{what}:{}", id.to_string())
}
