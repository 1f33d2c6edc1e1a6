//! What a seller waits for: standing interests, kept until they are removed.

use axum::{
    Json,
    extract::{Path, State},
};
use intentcast_protocol::text::Word;
use serde::{Deserialize, Serialize};

use super::{Shared, backend::Backend, ids::Body, problem::Problem};
use crate::interest::Waiting;

/// What became of an interest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Stands {
    /// Its name.
    pub name: Word,
    /// Whether one of that name was there before.
    pub before: bool,
}

pub async fn add<B: Backend>(
    State(shared): State<Shared<B>>,
    Body(waiting): Body<Waiting>,
) -> Result<Json<Stands>, Problem> {
    let (name, sought) = waiting.sought()?;
    let before = shared.backend.wait_for(name.clone(), sought).await?;
    Ok(Json(Stands { name, before }))
}

pub async fn list<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<Waiting>>, Problem> {
    let interests = shared.backend.interests().await?;
    Ok(Json(
        interests
            .iter()
            .map(|(name, sought)| Waiting::of(name, sought))
            .collect(),
    ))
}

pub async fn remove<B: Backend>(
    State(shared): State<Shared<B>>,
    Path(name): Path<String>,
) -> Result<Json<Stands>, Problem> {
    let no_such = || Problem::no("interest");
    let name = Word::new(&name).map_err(|_| no_such())?;
    if !shared.backend.wait_no_more(name.clone()).await? {
        return Err(no_such());
    }
    Ok(Json(Stands { name, before: true }))
}
