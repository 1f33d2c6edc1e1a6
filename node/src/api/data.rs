//! Strands of personal data between two people: asked for, granted, used, reported, revoked, deleted; who holds what,
//! and whether a seller keeps to it.

use axum::{Json, extract::State, http::StatusCode};
use intentcast_protocol::{
    id::RecordId,
    letter::{Matter, Operation, Operations, Permission},
    list::{Bytes, List},
    market::{About, Role},
    seal::{self, SealKey},
    strand::StrandName,
    text::{Name, Phrase, Prose},
    time::{Seconds, Timestamp},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Shared,
    backend::Backend,
    ids::{Body, Id},
    problem::Problem,
};
use crate::{
    home::entropy,
    office::Office,
    strands::{Ask, DeskError, Holding, State as Stage, Take, compliance::Compliance},
    vault::Hidden,
};

/// How long a seller has to answer a revocation where nobody says otherwise: a week.
pub const ANSWER_WITHIN: Seconds = Seconds(7 * 86_400);
/// The strand of which an alias is given where nobody says otherwise.
const ALIASED: &str = "contact.email";

/// A yes to a request; what is not said stays as it was asked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ApproveBody {
    /// What may be done, if less than was asked.
    pub operations: Option<Vec<Operation>>,
    /// Who else may have it, if fewer than was asked.
    pub recipients: Option<Vec<Name>>,
    /// Until when, if sooner than was asked.
    pub until: Option<Timestamp>,
    /// Whether an alias is given in the place of the value; of a mail address it is, where nothing is said.
    pub alias: Option<bool>,
}

/// A no to a request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RefuseBody {
    /// Why.
    pub why: Phrase,
}

/// The word that a grant is over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RevokeBody {
    /// Whether what is held must go as well.
    pub delete: bool,
    /// By when the seller must have answered; within a week, where nothing is said.
    #[serde(default)]
    pub answer_by: Option<Timestamp>,
}

/// The word that all grants of a kind are over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RevokeAllBody {
    /// A seller's key, its name, or a strand.
    pub of: String,
    /// Whether what is held must go as well.
    pub delete: bool,
    /// By when the sellers must have answered.
    #[serde(default)]
    pub answer_by: Option<Timestamp>,
}

/// A word about the use of a strand.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct SuggestBody {
    /// What it answers, if it answers.
    #[serde(default)]
    pub about: Option<RecordId>,
    /// In words.
    pub text: Prose,
}

/// A letter that is on its way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Said {
    /// Its id: of a request, of a grant.
    pub letter: RecordId,
}

/// Letters that are on their way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct SaidAll {
    /// Their ids.
    pub letters: Vec<RecordId>,
}

/// What was revoked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct RevokedAll {
    /// The grants.
    pub grants: Vec<RecordId>,
}

/// A value that was handed out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Taken {
    /// The value; none where a use elsewhere was written down.
    pub value: Option<Hidden>,
}

impl From<DeskError> for Problem {
    fn from(why: DeskError) -> Self {
        let (status, code, policy) = match why {
            DeskError::Command(command) => return command.into(),
            DeskError::Stopped(stopped) => return stopped.into(),
            DeskError::NoGrant => (StatusCode::NOT_FOUND, "not_found", false),
            DeskError::NotOurs(_) => (StatusCode::CONFLICT, "not_ours", false),
            DeskError::Unclear(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unclear", false),
            DeskError::Refused(_) => (StatusCode::CONFLICT, "not_granted", true),
            DeskError::Policy(_) => (StatusCode::CONFLICT, "policy", true),
            DeskError::Broken(_) => (StatusCode::INTERNAL_SERVER_ERROR, "failed", false),
        };
        Self {
            policy,
            ..Self::new(status, code, why.to_string())
        }
    }
}

fn unclear(why: impl ToString) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unclear", why.to_string())
}

fn conflict(code: &str, why: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, why)
}

impl<B: Backend> Shared<B> {
    /// What a request's or grant's id means, to whom it is ours.
    async fn holding(&self, id: RecordId, ours: Role) -> Result<(Timestamp, Holding), Problem> {
        let (now, all) = self.desk.holdings(&self.backend).await?;
        let found = all.into_iter().find(|holding| holding.is(id));
        let found = found.ok_or_else(|| Problem::no("grant"))?;
        if found.role != ours {
            return Err(DeskError::NotOurs(ours).into());
        }
        Ok((now, found))
    }

    async fn say(&self, holding: &Holding, matter: Matter) -> Result<RecordId, Problem> {
        let about = About::Agreement(holding.agreement);
        Ok(crate::strands::say(&self.backend, about, matter).await?)
    }
}

pub async fn list<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<Holding>>, Problem> {
    Ok(Json(shared.desk.holdings(&shared.backend).await?.1))
}

pub async fn show<B: Backend>(State(shared): State<Shared<B>>, Id(id): Id<RecordId>) -> Result<Json<Holding>, Problem> {
    let (_, all) = shared.desk.holdings(&shared.backend).await?;
    let found = all.into_iter().find(|holding| holding.is(id));
    found.map(Json).ok_or_else(|| Problem::no("grant"))
}

pub async fn ask<B: Backend>(
    State(shared): State<Shared<B>>,
    Body(ask): Body<Ask>,
) -> Result<(StatusCode, Json<Said>), Problem> {
    let letter = shared.desk.ask(&shared.backend, ask).await?;
    Ok((StatusCode::CREATED, Json(Said { letter })))
}

pub async fn approve<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<RecordId>,
    Body(body): Body<ApproveBody>,
) -> Result<Json<Said>, Problem> {
    let (_, held) = shared.holding(id, Role::Customer).await?;
    if held.state != Stage::Asked {
        return Err(conflict("unfitting", format!("the request is {}", held.state.word())));
    }
    let asked = &held.request.permission;
    let permission = less(asked, &body)?;
    let name = StrandName::new(asked.strand.as_str()).map_err(unclear)?;
    let has_alias = name.strand().is_some_and(|strand| strand.alias);
    let alias = body.alias.unwrap_or(has_alias && name.as_str() == ALIASED);
    if alias && !has_alias {
        return Err(unclear(format!("{name} has no aliases")));
    }
    let value = value(&shared, name, held.request.id, alias).await?;
    let context = permission.context(held.request.id);
    let failed =
        |why: &dyn std::fmt::Display| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", why.to_string());
    let entropy = entropy().map_err(|why| failed(&why))?;
    let sealed = seal::seal(&SealKey(held.request.key), &context, value.as_bytes(), &entropy).map_err(unclear)?;
    let matter = Matter::Granted {
        request: held.request.id,
        permission,
        alias,
        sealed: Bytes::new(sealed).map_err(|why| failed(&why))?,
    };
    let letter = shared.say(&held, matter).await?;
    Ok(Json(Said { letter }))
}

/// What was asked, or less.
fn less(asked: &Permission, body: &ApproveBody) -> Result<Permission, Problem> {
    let mut permission = asked.clone();
    if let Some(operations) = &body.operations {
        permission.operations = Operations::of(operations).ok_or_else(|| unclear("say what may be done"))?;
        if !permission.operations.has(Operation::Share) {
            permission.recipients = List::default();
        }
    }
    if let Some(recipients) = &body.recipients {
        permission.recipients = List::new(recipients.clone()).map_err(unclear)?;
    }
    if let Some(until) = body.until {
        permission.ends = until;
    }
    if permission.is_within(asked) {
        return Ok(permission);
    }
    let names: Vec<&str> = asked.recipients.iter().map(Name::as_str).collect();
    let recipients = if names.is_empty() {
        String::new()
    } else {
        format!(", with {}", names.join(", "))
    };
    Err(unclear(format!(
        "asked was to {}{recipients}, until {}: a grant is that, or less",
        asked.operations, asked.ends
    )))
}

/// The strand's value out of the open vault, or the alias that this request alone is given.
async fn value<B: Backend>(
    shared: &Shared<B>,
    name: StrandName,
    request: RecordId,
    alias: bool,
) -> Result<Zeroizing<String>, Problem> {
    let vault = shared.vault.clone();
    let asked = name.clone();
    let look = move || {
        vault.with(|vault| match alias {
            true => vault.alias(&asked, &request),
            false => Ok(vault.get(&asked)),
        })
    };
    let found = tokio::task::spawn_blocking(look).await;
    let found = found.map_err(|_| Problem::from(super::backend::Stopped))??;
    found.map_err(unclear)?.ok_or_else(|| {
        conflict(
            "no_value",
            format!("the vault has no {name}: `intentcast vault set {name}` keeps one"),
        )
    })
}

pub async fn refuse<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<RecordId>,
    Body(RefuseBody { why }): Body<RefuseBody>,
) -> Result<Json<Said>, Problem> {
    let (_, held) = shared.holding(id, Role::Customer).await?;
    let request = held.request.id;
    let letter = shared.say(&held, Matter::GrantRefused { request, why }).await?;
    Ok(Json(Said { letter }))
}

pub async fn revoke<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<RecordId>,
    Body(body): Body<RevokeBody>,
) -> Result<Json<Said>, Problem> {
    let (now, held) = shared.holding(id, Role::Customer).await?;
    let grant = held
        .grant_id()
        .ok_or_else(|| conflict("unfitting", "nothing was granted".into()))?;
    let matter = Matter::Revoked {
        grant,
        delete: body.delete,
        answer_by: body.answer_by.unwrap_or(now.plus(ANSWER_WITHIN)),
    };
    let letter = shared.say(&held, matter).await?;
    Ok(Json(Said { letter }))
}

pub async fn suggest<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<RecordId>,
    Body(SuggestBody { about, text }): Body<SuggestBody>,
) -> Result<Json<Said>, Problem> {
    let (_, all) = shared.desk.holdings(&shared.backend).await?;
    let held = all
        .into_iter()
        .find(|holding| holding.is(id))
        .ok_or_else(|| Problem::no("grant"))?;
    let grant = held
        .grant_id()
        .ok_or_else(|| conflict("unfitting", "nothing was granted".into()))?;
    let letter = shared.say(&held, Matter::Suggestion { grant, about, text }).await?;
    Ok(Json(Said { letter }))
}

pub async fn take<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<RecordId>,
    Body(take): Body<Take>,
) -> Result<Json<Taken>, Problem> {
    let value = shared.desk.take(&shared.backend, id, take).await?;
    Ok(Json(Taken {
        value: value.map(Hidden),
    }))
}

pub async fn report<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<RecordId>,
) -> Result<Json<SaidAll>, Problem> {
    let letters = shared.desk.report(&shared.backend, id).await?;
    Ok(Json(SaidAll { letters }))
}

/// Who was told.
#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct ToldBody {
    /// The recipient.
    pub recipient: Name,
}

pub async fn told<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(id): Id<RecordId>,
    Body(body): Body<ToldBody>,
) -> Result<Json<ToldBody>, Problem> {
    shared.desk.told(&shared.backend, id, body.recipient.clone()).await?;
    Ok(Json(body))
}

pub async fn compliance<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Compliance>, Problem> {
    Ok(Json(shared.desk.compliance(&shared.backend).await?))
}

pub async fn office<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Office>, Problem> {
    let (now, all) = shared.desk.holdings(&shared.backend).await?;
    Ok(Json(Office::of(now, &all)))
}

pub async fn revoke_all<B: Backend>(
    State(shared): State<Shared<B>>,
    Body(body): Body<RevokeAllBody>,
) -> Result<Json<RevokedAll>, Problem> {
    let (now, all) = shared.desk.holdings(&shared.backend).await?;
    let ours = all
        .iter()
        .filter(|held| held.role == Role::Customer && held.grant.is_some());
    let meant: Vec<&Holding> = ours.filter(|held| is_meant(held, &body.of)).collect();
    if meant.is_empty() {
        let why = format!("nobody called that has anything of yours, and nobody has a {}", body.of);
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", why));
    }
    let sellers: std::collections::BTreeSet<_> = meant.iter().map(|held| held.seller).collect();
    if sellers.len() > 1 && meant.iter().all(|held| held.with == body.of) {
        return Err(unclear(format!(
            "{} sellers call themselves {}: name one by its key",
            sellers.len(),
            body.of
        )));
    }
    let answer_by = body.answer_by.unwrap_or(now.plus(ANSWER_WITHIN));
    let mut grants = Vec::new();
    for held in meant {
        let Some(view) = held.grant.as_ref().filter(|_| held.is_held()) else {
            continue;
        };
        let before = view.grant.revoked.as_ref();
        // What was said already is not said again.
        if before.is_some_and(|before| before.delete || !body.delete) {
            continue;
        }
        let matter = Matter::Revoked {
            grant: view.grant.id,
            delete: body.delete,
            answer_by,
        };
        shared.say(held, matter).await?;
        grants.push(view.grant.id);
    }
    Ok(Json(RevokedAll { grants }))
}

/// Whether a holder or a strand is meant: a key or its beginning, the whole of a name, or a strand or its family.
fn is_meant(held: &Holding, of: &str) -> bool {
    let key = held.seller.to_string();
    let is_key = of.len() >= 6 && key.starts_with(&of.to_ascii_lowercase());
    let strand = StrandName::new(held.permission().strand.as_str());
    is_key || held.with == of || strand.is_ok_and(|strand| strand.is_meant_by(of))
}
