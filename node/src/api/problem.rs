//! What the API answers when it does not do what was asked: problem details of RFC 9457.
//!
//! `code` is for programs and never changes its meaning; `detail` is for people and may.

use axum::{
    Json,
    extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use intentcast_protocol::market::Denied;
use serde::{Deserialize, Serialize};

use super::backend::{CommandError, Failed, Stopped};
use crate::want::Unclear;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// One problem.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Problem {
    /// `urn:intentcast:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// A word for programs.
    pub code: String,
    /// Whether terms or policy stand against it, rather than a mistake or a mishap.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub policy: bool,
}

impl Problem {
    /// A problem with this status, code and explanation.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:intentcast:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            policy: false,
        }
    }

    /// Nothing of this id.
    pub fn no(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("no such {what}"))
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let (status, code) = match &denied {
            Denied::NoIntent(_) => (StatusCode::NOT_FOUND, "no_intent"),
            Denied::NoOffer(_) => (StatusCode::NOT_FOUND, "no_offer"),
            Denied::NothingToDecide(_) => (StatusCode::NOT_FOUND, "nothing_to_decide"),
            Denied::Withdrawn => (StatusCode::CONFLICT, "withdrawn"),
            Denied::Expired(_) => (StatusCode::CONFLICT, "expired"),
            Denied::Declined => (StatusCode::CONFLICT, "declined"),
            Denied::Taken(_) => (StatusCode::CONFLICT, "taken"),
            Denied::Agreed => (StatusCode::CONFLICT, "agreed"),
            Denied::Terms => (StatusCode::CONFLICT, "terms"),
            Denied::Unfit(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unfit"),
            Denied::Unclear(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unclear"),
            Denied::TooManyInterests(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            Denied::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            Denied::Revised(_) => (StatusCode::CONFLICT, "revised"),
            Denied::Retracted => (StatusCode::CONFLICT, "retracted"),
            Denied::NoAgreement(_) => (StatusCode::NOT_FOUND, "no_agreement"),
            Denied::NoThread => (StatusCode::NOT_FOUND, "no_thread"),
            Denied::Unfitting(_) => (StatusCode::CONFLICT, "unfitting"),
            Denied::NotReachable => (StatusCode::SERVICE_UNAVAILABLE, "not_reachable"),
            Denied::NotTheSeller => (StatusCode::CONFLICT, "not_the_seller"),
            Denied::Order(_) => (StatusCode::CONFLICT, "order"),
            Denied::Unsure(_) => (StatusCode::CONFLICT, "unsure"),
            Denied::NoDocument(_) => (StatusCode::NOT_FOUND, "no_document"),
            Denied::Unreached => (StatusCode::SERVICE_UNAVAILABLE, "unreached"),
            Denied::Unanswered(_) => (StatusCode::BAD_GATEWAY, "unanswered"),
            Denied::NotStored => (StatusCode::SERVICE_UNAVAILABLE, "not_stored"),
            Denied::Over(_) => (StatusCode::CONFLICT, "expired"),
            Denied::StillOpen(_) => (StatusCode::CONFLICT, "open"),
            Denied::Due(_) => (StatusCode::CONFLICT, "due"),
            Denied::Unchanged => (StatusCode::UNPROCESSABLE_ENTITY, "unchanged"),
            Denied::Elsewhere => (StatusCode::CONFLICT, "elsewhere"),
            Denied::OverBudget => (StatusCode::CONFLICT, "over_budget"),
            Denied::Outdated(_) => (StatusCode::CONFLICT, "outdated"),
            Denied::Superseded => (StatusCode::CONFLICT, "superseded"),
            Denied::Blocked(_) => (StatusCode::CONFLICT, "blocked"),
            Denied::TooManyRegards(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
        };
        Self {
            policy: denied.is_policy(),
            ..Self::new(status, code, denied.to_string())
        }
    }
}

impl From<Stopped> for Problem {
    fn from(stopped: Stopped) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", stopped.to_string())
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Denied(denied) => denied.into(),
            CommandError::Stopped(stopped) => stopped.into(),
        }
    }
}

impl From<Failed> for Problem {
    fn from(error: Failed) -> Self {
        match error {
            Failed::Stopped(stopped) => stopped.into(),
            Failed::Full(why) => Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", why),
            Failed::Broken(why) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", why),
        }
    }
}

impl From<Unclear> for Problem {
    fn from(unclear: Unclear) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unclear", unclear.to_string())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        match &rejection {
            JsonRejection::BytesRejection(_) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            JsonRejection::MissingJsonContentType(_) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "send the body with Content-Type: application/json",
            ),
            _ => Self::new(StatusCode::BAD_REQUEST, "malformed", rejection.body_text()),
        }
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return too_large();
        }
        Self::new(StatusCode::BAD_REQUEST, "malformed", rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", rejection.body_text())
    }
}

/// More than the route takes.
pub fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "the body is larger than this route takes",
    )
}
