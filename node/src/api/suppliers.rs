//! Sellers as their customer knows them, and what it thinks of them.

use axum::{Json, extract::State};
use intentcast_protocol::{
    keys::PublicKey,
    market::{Answered, Command, SupplierView},
    regard::Regard,
};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    backend::Backend,
    ids::{Body, Id},
    problem::Problem,
};

/// The body of a regard.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RegardBody {
    /// How the seller is treated from now on.
    pub regard: Regard,
}

pub async fn list<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<SupplierView>>, Problem> {
    Ok(Json(shared.backend.read(|now, market| market.suppliers(now)).await?))
}

pub async fn show<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(seller): Id<PublicKey>,
) -> Result<Json<SupplierView>, Problem> {
    let all = shared.backend.read(|now, market| market.suppliers(now)).await?;
    let view = all.into_iter().find(|view| view.seller == seller);
    view.map(Json).ok_or_else(|| Problem::no("supplier"))
}

pub async fn regard<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(seller): Id<PublicKey>,
    Body(RegardBody { regard }): Body<RegardBody>,
) -> Result<Json<Answered>, Problem> {
    Ok(Json(shared.backend.command(Command::Regard { seller, regard }).await?))
}
