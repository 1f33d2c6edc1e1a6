//! Wants, offers and agreements: each route is one command or one look.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use intentcast_protocol::{
    category::CategoryId,
    evidence::Evidence,
    id::{AgreementId, IntentId, OfferId},
    market::{AgreementView, Answered, Command, IntentView, OfferView},
    offer::Reason,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    backend::Backend,
    ids::{Body, Id},
    problem::Problem,
};
use crate::want::{Filled, Want, WantChange};

/// The answer to a cast.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct CastReply {
    /// The want's id.
    pub intent: IntentId,
    /// What it was cast as.
    pub category: CategoryId,
    /// Whether the words alone said so.
    pub inferred: bool,
    /// Who hears of it first, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_first: Option<ToldFirst>,
}

/// A head start of favourites.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct ToldFirst {
    /// How many have it; with none the want is said to all at once.
    pub favourites: usize,
    /// When it is said to all, if not at once.
    pub until: Option<Timestamp>,
}

/// The body of a decline.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct DeclineBody {
    /// All that the seller learns.
    pub reason: Reason,
}

/// The body of a decision.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct DecideBody {
    /// Whether the offers prepared go out.
    pub send: bool,
}

pub fn unexpected(answered: &Answered) -> Problem {
    let detail = format!("the market answered {answered:?}");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail)
}

pub async fn cast<B: Backend>(State(shared): State<Shared<B>>, Body(want): Body<Want>) -> Result<Response, Problem> {
    cast_want(&shared, want).await
}

/// Casts a want, and says what was cast.
pub async fn cast_want<B: Backend>(shared: &Shared<B>, want: Want) -> Result<Response, Problem> {
    let now = shared.backend.read(|now, _| now).await?;
    let (draft, filled) = want.draft(now)?;
    let (category, first) = (draft.category, draft.favourites_first.is_some());
    let nonce = fresh()?;
    match shared
        .backend
        .command(Command::Cast {
            draft: Box::new(draft),
            nonce,
        })
        .await?
    {
        Answered::Cast(intent) => {
            let inferred = filled.iter().any(|what| matches!(what, Filled::Category(_)));
            let look = move |now, market: &intentcast_protocol::market::Market| market.intent(now, intent);
            let view = match first {
                true => shared.backend.read(look).await?,
                false => None,
            };
            let head_start = view.and_then(|view| view.head_start);
            Ok(created(CastReply {
                intent,
                category,
                inferred,
                told_first: first.then(|| ToldFirst {
                    favourites: head_start.as_ref().map_or(0, |it| it.favourites.len()),
                    until: head_start.map(|it| it.until),
                }),
            }))
        }
        answered => Err(unexpected(&answered)),
    }
}

pub async fn amend<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(intent): Id<IntentId>,
    Body(change): Body<WantChange>,
) -> Result<Json<Answered>, Problem> {
    let now = shared.backend.read(|now, _| now).await?;
    let change = Box::new(change.change(now)?);
    Ok(Json(shared.backend.command(Command::Amend { intent, change }).await?))
}

pub async fn renew<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(intent): Id<IntentId>,
    Body(change): Body<WantChange>,
) -> Result<Response, Problem> {
    let now = shared.backend.read(|now, _| now).await?;
    let (change, expires) = change.renewal(now)?;
    let command = Command::Renew {
        intent,
        change: Box::new(change),
        expires,
        nonce: fresh()?,
    };
    match shared.backend.command(command).await? {
        Answered::Cast(intent) => {
            let look = move |now, market: &intentcast_protocol::market::Market| market.intent(now, intent);
            let view = shared.backend.read(look).await?.ok_or_else(|| Problem::no("intent"))?;
            Ok(created(CastReply {
                intent,
                category: view.intent.category,
                inferred: false,
                told_first: None,
            }))
        }
        answered => Err(unexpected(&answered)),
    }
}

/// Fresh entropy for an intent's key.
fn fresh() -> Result<[u8; 16], Problem> {
    crate::home::entropy().map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", error.to_string()))
}

fn created(reply: CastReply) -> Response {
    let location = format!("/v1/intents/{}", reply.intent);
    (StatusCode::CREATED, [(header::LOCATION, location)], Json(reply)).into_response()
}

pub async fn intents<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<IntentView>>, Problem> {
    Ok(Json(shared.backend.read(|now, market| market.intents(now)).await?))
}

pub async fn intent<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<IntentId>,
) -> Result<Json<IntentView>, Problem> {
    let view = shared.backend.read(move |now, market| market.intent(now, id)).await?;
    view.map(Json).ok_or_else(|| Problem::no("intent"))
}

pub async fn withdraw<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<IntentId>,
) -> Result<Json<Answered>, Problem> {
    Ok(Json(shared.backend.command(Command::Withdraw(id)).await?))
}

pub async fn decide<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(intent): Id<IntentId>,
    Body(DecideBody { send }): Body<DecideBody>,
) -> Result<Json<Answered>, Problem> {
    Ok(Json(shared.backend.command(Command::Decide { intent, send }).await?))
}

pub async fn offers<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<OfferView>>, Problem> {
    Ok(Json(shared.backend.read(|now, market| market.offers(now, None)).await?))
}

pub async fn offers_of<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<IntentId>,
) -> Result<Json<Vec<OfferView>>, Problem> {
    let look = move |now, market: &intentcast_protocol::market::Market| {
        market.intent(now, id).map(|_| market.offers(now, Some(id)))
    };
    shared
        .backend
        .read(look)
        .await?
        .map(Json)
        .ok_or_else(|| Problem::no("intent"))
}

pub async fn offer<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<OfferId>,
) -> Result<Json<OfferView>, Problem> {
    let view = shared.backend.read(move |now, market| market.offer(now, id)).await?;
    view.map(Json).ok_or_else(|| Problem::no("offer"))
}

pub async fn accept<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<OfferId>,
) -> Result<Json<Answered>, Problem> {
    Ok(Json(shared.backend.command(Command::Accept(id)).await?))
}

pub async fn decline<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<OfferId>,
    Body(DeclineBody { reason }): Body<DeclineBody>,
) -> Result<Json<Answered>, Problem> {
    Ok(Json(shared.backend.command(Command::Decline(id, reason)).await?))
}

pub async fn agreements<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<AgreementView>>, Problem> {
    Ok(Json(shared.backend.read(|_, market| market.agreements()).await?))
}

pub async fn agreement<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<AgreementId>,
) -> Result<Json<AgreementView>, Problem> {
    shared
        .backend
        .read(move |_, market| market.agreement(id))
        .await?
        .map(Json)
        .ok_or_else(|| Problem::no("agreement"))
}

pub async fn evidence<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<AgreementId>,
) -> Result<Json<Evidence>, Problem> {
    let look = move |_, market: &intentcast_protocol::market::Market| {
        market.settled(id).map(|(settled, receipts)| {
            let evidence = Evidence::of(settled, receipts);
            evidence.map(|evidence| evidence.with_letters(market.letters_under(id)))
        })
    };
    let evidence = shared
        .backend
        .read(look)
        .await?
        .ok_or_else(|| Problem::no("agreement"))?;
    evidence
        .map(Json)
        .map_err(|error| Problem::new(StatusCode::CONFLICT, "no_text", error.to_string()))
}
