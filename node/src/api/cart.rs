//! The cart: open wants, saved offers, and wishes that become wants.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use intentcast_protocol::{
    id::OfferId,
    market::{OfferState, OfferView, Role},
    text::Word,
};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    backend::Backend,
    ids::{Body, Id},
    market::cast_want,
    problem::Problem,
};
use crate::{
    cart::{BasketChange, Cart, Wish},
    want::Unclear,
};

/// What became of something in the cart.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct InCart {
    /// Whether it was there before.
    pub before: bool,
}

pub async fn show<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Cart>, Problem> {
    let basket = shared.backend.basket().await?;
    let look = move |now, market: &intentcast_protocol::market::Market| {
        let offers: BTreeMap<OfferId, OfferView> = basket
            .saved
            .keys()
            .filter_map(|id| Some((*id, market.offer(now, *id)?)))
            .collect();
        Cart::of(now, market.intents(now), |id| offers.get(&id).cloned(), basket)
    };
    Ok(Json(shared.backend.read(look).await?))
}

pub async fn wish<B: Backend>(
    State(shared): State<Shared<B>>,
    Body(Wish { name, want }): Body<Wish>,
) -> Result<Json<InCart>, Problem> {
    if name.is_empty() {
        let why = "a word or a few to find it by".to_owned();
        return Err(Unclear { field: "name", why }.into());
    }
    // What could never be cast is said now, and not on the day it is wanted.
    let now = shared.backend.read(|now, _| now).await?;
    want.draft(now)?;
    let change = BasketChange::Wish(name, Box::new(want));
    let before = shared.backend.change_basket(change).await?;
    Ok(Json(InCart { before }))
}

pub async fn unwish<B: Backend>(
    State(shared): State<Shared<B>>,
    Path(name): Path<String>,
) -> Result<Json<InCart>, Problem> {
    let name = Word::new(&name).map_err(|_| Problem::no("wish"))?;
    if !shared.backend.change_basket(BasketChange::Unwish(name)).await? {
        return Err(Problem::no("wish"));
    }
    Ok(Json(InCart { before: true }))
}

/// A wish becomes a want. It is forgotten only once the want is on disk: a node that falls in between has both, and
/// never neither.
pub async fn cast<B: Backend>(State(shared): State<Shared<B>>, Path(name): Path<String>) -> Result<Response, Problem> {
    let name = Word::new(&name).map_err(|_| Problem::no("wish"))?;
    let mut basket = shared.backend.basket().await?;
    let want = basket.wishes.remove(&name).ok_or_else(|| Problem::no("wish"))?;
    let response = cast_want(&shared, want).await?;
    shared.backend.change_basket(BasketChange::Unwish(name)).await?;
    Ok(response)
}

pub async fn save<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(offer): Id<OfferId>,
) -> Result<Json<InCart>, Problem> {
    let (now, view) = shared
        .backend
        .read(move |now, market| (now, market.offer(now, offer)))
        .await?;
    let taken = |view: &OfferView| view.role == Role::Customer && !matches!(view.state, OfferState::Refused { .. });
    if !view.is_some_and(|view| taken(&view)) {
        return Err(Problem::no("offer"));
    }
    let before = shared.backend.change_basket(BasketChange::Save(offer, now)).await?;
    Ok(Json(InCart { before }))
}

pub async fn unsave<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(offer): Id<OfferId>,
) -> Result<Json<InCart>, Problem> {
    if !shared.backend.change_basket(BasketChange::Unsave(offer)).await? {
        return Err(Problem::no("saved offer"));
    }
    Ok(Json(InCart { before: true }))
}
