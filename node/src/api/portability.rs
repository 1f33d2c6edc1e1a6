//! What a node gives of itself to its owner's other devices, and what it takes in of others: the ledger's entries as they
//! are, and the archive.

use axum::{Json, extract::State, http::StatusCode};
use intentcast_protocol::list::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Shared,
    backend::Backend,
    ids::{Asked, Body},
    problem::Problem,
};
use crate::portability::{
    archive::{Archived, Taken},
    read,
};

/// Bytes of an entry: what the codec reads back.
const ENTRY_BYTES: usize = 4 * intentcast_protocol::limits::FRAME_BYTES;

/// From where on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    #[serde(default)]
    from: u64,
}

/// Entries of the ledger, one after another; none after the last.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct LedgerPage {
    /// As they are stored.
    pub entries: Vec<Bytes<ENTRY_BYTES>>,
}

/// After which.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    after: Option<String>,
}

/// Some of the archive, in its order; none after the last.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct ArchivePage {
    /// What stands there.
    pub archived: Vec<Archived>,
}

pub async fn ledger<B: Backend>(
    State(shared): State<Shared<B>>,
    Asked(From { from }): Asked<From>,
) -> Result<Json<LedgerPage>, Problem> {
    let entries = shared.backend.ledger(from).await?;
    let too_long = |_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "broken",
            "an entry is too long to be told",
        )
    };
    let entries = entries
        .into_iter()
        .map(|entry| Bytes::new(entry.bytes).map_err(too_long));
    let entries = entries.collect::<Result<_, _>>()?;
    Ok(Json(LedgerPage { entries }))
}

pub async fn archived<B: Backend>(
    State(shared): State<Shared<B>>,
    Asked(After { after }): Asked<After>,
) -> Result<Json<ArchivePage>, Problem> {
    let archived = shared.backend.archived(after).await?;
    Ok(Json(ArchivePage { archived }))
}

pub async fn import<B: Backend>(
    State(shared): State<Shared<B>>,
    Body(document): Body<Value>,
) -> Result<Json<Taken>, Problem> {
    // Thousands of signatures are seconds of work.
    let found = tokio::task::spawn_blocking(move || read::read(&document)).await;
    let found = found.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", "reading broke off"))?;
    let found = found.map_err(|wrong| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", wrong.to_string()))?;
    Ok(Json(shared.backend.archive(found.archived).await?))
}
