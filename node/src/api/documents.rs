//! Photos and documents: put here to be sent, announced in a conversation, listed, handed to their person, forgotten.
//!
//! A document is given out as bytes to be saved and nothing else: no answer here has a type that a browser would show.

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderName, StatusCode, header},
    response::IntoResponse,
};
use intentcast_protocol::{
    id::EntryHash,
    letter::Matter,
    market::{Answered, Command},
    text::{Name, Word},
};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    backend::Backend,
    ids::{Asked, Body, Id},
    problem::Problem,
    threads::{Subject, about_of},
};
use crate::documents::{DocumentView, NotKept, Whole, metadata, sendable};

/// How a document is put here.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Put {
    /// Leave in what a picture says of where, when and with what it was taken.
    pub keep_metadata: bool,
}

/// What was kept, as it will be sent.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Kept {
    /// It.
    #[serde(flatten)]
    pub document: Whole,
    /// How many bytes of it were left out.
    pub left_out: u32,
}

/// Where a document is announced.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct SendBody {
    /// In which conversation.
    pub about: Subject,
    /// What it is called there.
    pub name: Name,
}

impl From<NotKept> for Problem {
    fn from(why: NotKept) -> Self {
        let (status, code) = match &why {
            NotKept::Unfit(_) | NotKept::OtherBytes => (StatusCode::UNPROCESSABLE_ENTITY, "unfit"),
            NotKept::NoRoom => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            NotKept::Disk(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_stored"),
        };
        Self::new(status, code, why.to_string())
    }
}

fn broken(why: impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", format!("{why:#}"))
}

pub async fn list<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<DocumentView>>, Problem> {
    Ok(Json(shared.porter.views(&shared.backend).await?))
}

pub async fn put<B: Backend>(
    State(shared): State<Shared<B>>,
    Asked(Put { keep_metadata }): Asked<Put>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<Kept>, Problem> {
    let bytes = bytes?;
    let documents = shared.porter.documents().clone();
    let kept = tokio::task::spawn_blocking(move || {
        let before = bytes.len();
        let form = sendable(&bytes)?;
        let bytes = match keep_metadata {
            true => bytes.to_vec(),
            false => metadata::left_out(form, &bytes).map_err(|why| NotKept::Unfit(why.to_string()))?,
        };
        let left_out = u32::try_from(before.saturating_sub(bytes.len())).unwrap_or(u32::MAX);
        let document = documents.put(&bytes)?;
        Ok::<_, NotKept>(Kept { document, left_out })
    });
    Ok(Json(kept.await.map_err(broken)??))
}

pub async fn send<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(hash): Id<EntryHash>,
    Body(SendBody { about, name }): Body<SendBody>,
) -> Result<Json<Answered>, Problem> {
    let whole = shared.porter.documents().whole(hash);
    let whole = whole.ok_or_else(|| Problem::no("document here"))?;
    let about = about_of(&shared, about).await?;
    let matter = Box::new(Matter::Document {
        hash,
        mime: Word::lossy(whole.mime.mime()),
        bytes: whole.bytes,
        name,
    });
    Ok(Json(shared.backend.command(Command::Say { about, matter }).await?))
}

pub async fn read<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(hash): Id<EntryHash>,
) -> Result<impl IntoResponse, Problem> {
    let documents = shared.porter.documents().clone();
    let read = tokio::task::spawn_blocking(move || documents.read(hash)).await;
    let bytes = read.map_err(broken)?.map_err(broken)?;
    let bytes = bytes.ok_or_else(|| Problem::no("document here"))?;
    let plain: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((plain, bytes))
}

pub async fn forget<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(hash): Id<EntryHash>,
) -> Result<Json<Answered>, Problem> {
    let views = shared.porter.views(&shared.backend).await?;
    if shared.porter.documents().whole(hash).is_none() && !views.iter().any(|view| view.hash == hash) {
        return Err(Problem::no("document"));
    }
    shared.porter.forget(hash).await.map_err(broken)?;
    Ok(Json(Answered::Ok))
}

pub async fn fetch<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(hash): Id<EntryHash>,
) -> Result<Json<Answered>, Problem> {
    let views = shared.porter.views(&shared.backend).await?;
    if !views.iter().any(|view| view.hash == hash && !view.ours) {
        return Err(Problem::no("document of somebody else's"));
    }
    shared.porter.want_again(hash).await.map_err(broken)?;
    Ok(Json(Answered::Ok))
}
