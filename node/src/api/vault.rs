//! The vault, for the person at this machine: opened and locked, its strands set, shown and removed.
//!
//! No answer to a mistake repeats what was sent.

use axum::{
    Json,
    extract::{FromRequest, Path, Request, State, rejection::JsonRejection},
    http::StatusCode,
};
use intentcast_protocol::{
    id::{hex, unhex},
    strand::{self, StrandName},
    time::Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::{Shared, backend::Backend, problem::Problem};
use crate::vault::{Held, Hidden, Keeper, Opener, Status, VaultError};

/// What opens a vault, as it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum OpenerBody {
    /// Words.
    Passphrase(Hidden),
    /// A key file's bytes, in hexadecimal.
    KeyFile(Hidden),
}

impl OpenerBody {
    /// The body that says this.
    pub fn of(opener: &Opener) -> Self {
        match opener {
            Opener::Passphrase(words) => Self::Passphrase(Hidden(words.clone())),
            Opener::KeyFile(bytes) => Self::KeyFile(Hidden(Zeroizing::new(hex(bytes)))),
        }
    }

    fn opener(self) -> Result<Opener, Problem> {
        match self {
            Self::Passphrase(words) => Ok(Opener::Passphrase(words.0)),
            Self::KeyFile(digits) => unhex(&digits.0)
                .map(|bytes| Opener::KeyFile(Zeroizing::new(bytes)))
                .ok_or_else(|| malformed("key_file is the file's bytes in hexadecimal digits")),
        }
    }
}

/// From what, and with what it opens from now on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// What opens it now.
    pub from: OpenerBody,
    /// What opens it from now on.
    pub to: OpenerBody,
}

/// A strand's value, to be kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct ValueBody {
    /// As it was typed.
    pub value: Hidden,
}

/// A strand with its value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Shown {
    /// Its name.
    pub name: StrandName,
    /// The value, as it is kept.
    pub value: Hidden,
}

/// What became of a strand.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Changed {
    /// Its name.
    pub name: StrandName,
    /// Whether it had a value before.
    pub before: bool,
}

/// A JSON body of which nothing is said back.
pub struct Quiet<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Quiet<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_)) => {
                Err(malformed("the body is not the JSON that this route takes"))
            }
            Err(other) => Err(other.into()),
        }
    }
}

fn malformed(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", why)
}

impl From<VaultError> for Problem {
    fn from(why: VaultError) -> Self {
        let (status, code) = match &why {
            VaultError::None => (StatusCode::NOT_FOUND, "no_vault"),
            VaultError::Exists => (StatusCode::CONFLICT, "vault_exists"),
            VaultError::Locked => (StatusCode::CONFLICT, "locked"),
            VaultError::Wrong(_) => (StatusCode::FORBIDDEN, "wrong_secret"),
            VaultError::OtherKind(_) => (StatusCode::CONFLICT, "other_secret"),
            VaultError::Full => (StatusCode::CONFLICT, "full"),
            VaultError::Weak(_) | VaultError::Unknown(_) | VaultError::NotSo(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unclear")
            }
            VaultError::Damaged(_) => (StatusCode::INTERNAL_SERVER_ERROR, "vault_damaged"),
            VaultError::Home(_) => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        };
        Self::new(status, code, why.to_string())
    }
}

/// Runs `work` on the vault where it may block.
async fn blocking<R: Send + 'static>(
    vault: &Keeper,
    work: impl FnOnce(&Keeper) -> Result<R, VaultError> + Send + 'static,
) -> Result<R, Problem> {
    let vault = vault.clone();
    let done = tokio::task::spawn_blocking(move || work(&vault)).await;
    let done = done.map_err(|_| Problem::from(super::backend::Stopped))?;
    Ok(done?)
}

pub async fn status<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Status>, Problem> {
    Ok(Json(blocking(&shared.vault, Keeper::status).await?))
}

pub async fn make<B: Backend>(
    State(shared): State<Shared<B>>,
    Quiet(body): Quiet<OpenerBody>,
) -> Result<(StatusCode, Json<Status>), Problem> {
    let opener = body.opener()?;
    let make = move |vault: &Keeper| vault.make(&opener).and_then(|()| vault.status());
    Ok((StatusCode::CREATED, Json(blocking(&shared.vault, make).await?)))
}

pub async fn unlock<B: Backend>(
    State(shared): State<Shared<B>>,
    Quiet(body): Quiet<OpenerBody>,
) -> Result<Json<Status>, Problem> {
    let opener = body.opener()?;
    let unlock = move |vault: &Keeper| vault.unlock(&opener).and_then(|()| vault.status());
    Ok(Json(blocking(&shared.vault, unlock).await?))
}

pub async fn lock<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Status>, Problem> {
    let lock = |vault: &Keeper| {
        vault.lock();
        vault.status()
    };
    Ok(Json(blocking(&shared.vault, lock).await?))
}

pub async fn change<B: Backend>(
    State(shared): State<Shared<B>>,
    Quiet(body): Quiet<ChangeBody>,
) -> Result<Json<Status>, Problem> {
    let (from, to) = (body.from.opener()?, body.to.opener()?);
    let change = move |vault: &Keeper| vault.open_with(&from, &to).and_then(|()| vault.status());
    Ok(Json(blocking(&shared.vault, change).await?))
}

pub async fn strands<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<Held>>, Problem> {
    let held = |vault: &Keeper| vault.with(|vault| vault.held());
    Ok(Json(blocking(&shared.vault, held).await?))
}

pub async fn show<B: Backend>(
    State(shared): State<Shared<B>>,
    Path(name): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let name = named(&name)?;
    let asked = name.clone();
    let value = blocking(&shared.vault, move |vault| vault.get(&asked)).await?;
    let value = Hidden(value.ok_or_else(no_value)?);
    Ok(Json(Shown { name, value }))
}

pub async fn set<B: Backend>(
    State(shared): State<Shared<B>>,
    Path(name): Path<String>,
    Quiet(body): Quiet<ValueBody>,
) -> Result<Json<Changed>, Problem> {
    let name = named(&name)?;
    let now: Timestamp = shared.backend.read(|now, _| now).await?;
    let to = name.clone();
    let set = move |vault: &Keeper| vault.with(|vault| vault.set(now, &to, &body.value.0))?;
    let before = blocking(&shared.vault, set).await?;
    Ok(Json(Changed { name, before }))
}

pub async fn remove<B: Backend>(
    State(shared): State<Shared<B>>,
    Path(name): Path<String>,
) -> Result<Json<Changed>, Problem> {
    // What was kept under a name stays removable, whatever becomes of the vocabulary.
    let name = StrandName::new(name).map_err(|why| malformed(&why.to_string()))?;
    let gone = name.clone();
    let before = blocking(&shared.vault, move |vault| vault.with(|vault| vault.remove(&gone))?).await?;
    if !before {
        return Err(no_value());
    }
    Ok(Json(Changed { name, before }))
}

fn named(name: &str) -> Result<StrandName, Problem> {
    Ok(strand::resolve(name).map_err(VaultError::from)?)
}

fn no_value() -> Problem {
    Problem::no("strand in the vault")
}
