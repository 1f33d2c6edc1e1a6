//! Conversations: letters in both directions, and what a seller makes of its own offers.

use axum::{Json, extract::State, http::StatusCode};
use intentcast_protocol::{
    id::{AgreementId, IntentId, OfferId, RecordId},
    letter::{Change, Matter},
    market::{About, Answered, Command, ThreadView, UnsureView},
    text::Prose,
};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    backend::Backend,
    ids::{Body, Id},
    problem::Problem,
};

/// What a letter is about.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A conversation, or a letter of it.
    Thread(RecordId),
    /// An offer.
    Offer(OfferId),
    /// A deal.
    Agreement(AgreementId),
    /// As a seller, an open want.
    Intent(IntentId),
}

/// A letter to be written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct LetterBody {
    /// About what.
    pub about: Subject,
    /// What it says.
    pub matter: Matter,
}

/// An offer to be put in the place of another.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct ReviseBody {
    /// The counter-offer that it answers, if one.
    #[serde(default)]
    pub counter: Option<RecordId>,
    /// What is otherwise.
    pub changes: Vec<Change>,
}

/// What to do about a conversation that goes on from a backup.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct CatchUpBody {
    /// Which; all that wait, where none is named.
    #[serde(default)]
    pub thread: Option<RecordId>,
    /// Whether to go on with what is here, or else to ask the other side at once.
    #[serde(default)]
    pub anyway: bool,
}

/// A rating.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RateBody {
    /// 1 to 5.
    pub stars: u8,
    /// In words.
    #[serde(default)]
    pub text: Prose,
}

/// Whether a program may have this written as it stands. The rest is made by the node itself, from what it keeps.
fn may_be_said(matter: &Matter) -> bool {
    matches!(
        matter,
        Matter::Question { .. }
            | Matter::Answer { .. }
            | Matter::Counter { .. }
            | Matter::CounterRefused { .. }
            | Matter::Proposal(_)
            | Matter::Verdict { .. }
            | Matter::Asked { .. }
            | Matter::GrantRefused { .. }
            | Matter::Suggestion { .. }
            | Matter::Revoked { .. }
            | Matter::Seen { .. }
    )
}

pub async fn threads<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<ThreadView>>, Problem> {
    Ok(Json(shared.backend.read(|now, market| market.threads(now)).await?))
}

pub async fn thread<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<RecordId>,
) -> Result<Json<ThreadView>, Problem> {
    let view = shared.backend.read(move |now, market| market.thread(now, id)).await?;
    view.map(Json).ok_or_else(|| Problem::no("thread"))
}

pub async fn unsure<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<UnsureView>>, Problem> {
    Ok(Json(shared.backend.read(|_, market| market.unsure()).await?))
}

pub async fn catch_up<B: Backend>(
    State(shared): State<Shared<B>>,
    Body(CatchUpBody { thread, anyway }): Body<CatchUpBody>,
) -> Result<Json<Answered>, Problem> {
    let thread = match thread {
        None => None,
        Some(id) => {
            let found = shared.backend.read(move |_, market| market.thread_of(id)).await?;
            Some(found.ok_or_else(|| Problem::no("thread"))?)
        }
    };
    let command = Command::CatchUp { thread, anyway };
    Ok(Json(shared.backend.command(command).await?))
}

pub async fn write<B: Backend>(
    State(shared): State<Shared<B>>,
    Body(LetterBody { about, matter }): Body<LetterBody>,
) -> Result<Json<Answered>, Problem> {
    if !may_be_said(&matter) {
        let why = format!("a letter of the kind {} is written by the node itself", matter.word());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", why));
    }
    let about = about_of(&shared, about).await?;
    let matter = Box::new(matter);
    Ok(Json(shared.backend.command(Command::Say { about, matter }).await?))
}

/// What the market calls it.
pub(super) async fn about_of<B: Backend>(shared: &Shared<B>, about: Subject) -> Result<About, Problem> {
    Ok(match about {
        Subject::Offer(id) => About::Offer(id),
        Subject::Agreement(id) => About::Agreement(id),
        Subject::Intent(id) => About::Intent(id),
        Subject::Thread(id) => {
            let found = shared.backend.read(move |_, market| market.thread_of(id)).await?;
            About::Thread(found.ok_or_else(|| Problem::no("thread"))?)
        }
    })
}

pub async fn revise<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(offer): Id<OfferId>,
    Body(ReviseBody { counter, changes }): Body<ReviseBody>,
) -> Result<Json<Answered>, Problem> {
    let command = Command::Revise {
        offer,
        counter,
        changes,
    };
    Ok(Json(shared.backend.command(command).await?))
}

pub async fn retract<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(offer): Id<OfferId>,
) -> Result<Json<Answered>, Problem> {
    Ok(Json(shared.backend.command(Command::Retract(offer)).await?))
}

pub async fn disclose<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(offer): Id<OfferId>,
) -> Result<Json<Answered>, Problem> {
    Ok(Json(shared.backend.command(Command::Disclose(offer)).await?))
}

pub async fn rate<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(agreement): Id<AgreementId>,
    Body(RateBody { stars, text }): Body<RateBody>,
) -> Result<Json<Answered>, Problem> {
    let command = Command::Rate { agreement, stars, text };
    Ok(Json(shared.backend.command(command).await?))
}
