//! A request for a strand and all that came of it, as either side shows it.

use intentcast_protocol::{
    id::{AgreementId, RecordId},
    keys::PublicKey,
    letter::{Matter, Permission},
    market::{GrantView, Market, Role, ThreadView},
    strand::StrandName,
    thread::Request,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// How a request stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for the customer.
    Asked,
    /// The customer said no.
    Refused,
    /// The strand may be used.
    Granted,
    /// The customer said that it is over.
    Revoked,
    /// It has run out.
    Ended,
    /// The seller says that it is gone.
    Deleted,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Refused => "refused",
            Self::Granted => "granted",
            Self::Revoked => "revoked",
            Self::Ended => "ended",
            Self::Deleted => "deleted",
        }
    }
}

/// A value as it travelled.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// What it was sealed for.
    pub permission: Permission,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// One request, and all that came of it.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Holding {
    /// The conversation.
    pub thread: RecordId,
    /// Which side we are on.
    pub role: Role,
    /// Under which deal.
    pub agreement: AgreementId,
    /// Who asks.
    pub seller: PublicKey,
    /// The other side, as it is called.
    pub with: String,
    /// What the strand is, in words.
    pub title: String,
    /// How it stands.
    pub state: State,
    /// What was asked.
    pub request: Request,
    /// What was granted.
    pub grant: Option<GrantView>,
    /// As a seller: whether the secret that opens the value is still here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openable: Option<bool>,
    /// The value.
    #[serde(skip)]
    pub sealed: Option<Sealed>,
}

impl Holding {
    /// Whether this id is the request's or the grant's.
    pub fn is(&self, id: RecordId) -> bool {
        self.request.id == id || self.grant_id() == Some(id)
    }

    /// The grant's id.
    pub fn grant_id(&self) -> Option<RecordId> {
        self.grant.as_ref().map(|grant| grant.grant.id)
    }

    /// What is allowed, or what was asked where nothing is.
    pub fn permission(&self) -> &Permission {
        self.grant
            .as_ref()
            .map_or(&self.request.permission, |grant| &grant.grant.permission)
    }

    /// Whether the seller has the value, as far as anybody knows.
    pub fn is_held(&self) -> bool {
        matches!(self.state, State::Granted | State::Revoked | State::Ended)
    }
}

/// What a strand is, in words.
pub fn title(strand: &str) -> String {
    StrandName::new(strand).map_or_else(|_| strand.to_owned(), |name| name.title().to_owned())
}

/// Everything that was asked, on either side, the newest conversation first.
pub fn all(market: &Market, now: Timestamp) -> Vec<Holding> {
    market
        .threads(now)
        .into_iter()
        .flat_map(|thread| of(now, thread))
        .collect()
}

fn of(now: Timestamp, mut thread: ThreadView) -> Vec<Holding> {
    let with = match thread.role {
        Role::Customer => thread.name.clone(),
        Role::Seller => format!("customer of {}", thread.intent.short()),
    };
    let mut grants = std::mem::take(&mut thread.grants);
    let requests = std::mem::take(&mut thread.requests);
    let holdings = requests.into_iter().map(|request| {
        let grant = grants
            .iter()
            .position(|grant| grant.grant.request == request.id)
            .map(|at| grants.swap_remove(at));
        let sealed = thread.letters.iter().find_map(|letter| match &letter.matter {
            Matter::Granted {
                request: of,
                permission,
                sealed,
                ..
            } if *of == request.id => Some(Sealed {
                permission: permission.clone(),
                bytes: sealed.to_vec(),
            }),
            _ => None,
        });
        Holding {
            thread: thread.id,
            role: thread.role,
            agreement: request.permission.agreement,
            seller: thread.seller,
            with: with.clone(),
            title: title(request.permission.strand.as_str()),
            state: state(now, &request, grant.as_ref()),
            request,
            grant,
            openable: None,
            sealed,
        }
    });
    holdings.collect()
}

fn state(now: Timestamp, request: &Request, grant: Option<&GrantView>) -> State {
    match grant {
        Some(view) if view.grant.deleted.is_some() => State::Deleted,
        Some(view) if view.grant.revoked.is_some() => State::Revoked,
        Some(view) if view.grant.permission.ends <= now => State::Ended,
        Some(_) => State::Granted,
        None if request.refused.is_some() => State::Refused,
        None if request.permission.ends <= now => State::Ended,
        None => State::Asked,
    }
}
