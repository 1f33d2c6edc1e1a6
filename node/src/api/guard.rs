//! What every request passes before anything reads it: the right host, the token, a place in the queue, a deadline.
//!
//! A page in a browser can send requests to loopback. It cannot know the token, and a name of its own that resolves
//! to loopback fails the check of the host.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::problem::Problem;

/// Requests under way at once, streams of events aside: what one person's programs need, many times over.
const AT_ONCE: usize = 64;
/// The longest a request may take; the slowest is the import of a large catalogue.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// The longest that the import of a catalogue may take: a million items on a slow disk, several times over.
pub const IMPORT_DEADLINE: Duration = Duration::from_secs(3600);

/// What the guard knows.
#[derive(Clone, Debug)]
pub struct Guard {
    token: Arc<str>,
    places: Arc<Semaphore>,
}

impl Guard {
    /// A guard that lets in who shows this token.
    pub fn new(token: &str) -> Self {
        Self {
            token: token.into(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// Refuses a request that names another host than loopback.
pub async fn host(request: Request, next: Next) -> Response {
    let named = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    if named.is_some_and(is_loopback) {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "wrong_host",
        "this API answers to 127.0.0.1, localhost and [::1] alone: set the Host header so",
    )
    .into_response()
}

/// Whether a `Host` header names this machine's loopback.
fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        // The colons of a bare [::1] are not a port's.
        Some(_) if host.ends_with(']') => (host, None),
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    port.is_none_or(|port| port.parse::<u16>().is_ok())
        && (matches!(name, "127.0.0.1" | "[::1]") || name.eq_ignore_ascii_case("localhost"))
}

/// Refuses a request without the token.
pub async fn token(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if shows(request.headers(), &guard.token) {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "send Authorization: Bearer with the content of api.token in the node's home",
    )
    .into_response()
}

fn shows(headers: &HeaderMap, token: &str) -> bool {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return false;
    };
    match value.as_bytes().split_at_checked("Bearer ".len()) {
        Some((scheme, shown)) if scheme.eq_ignore_ascii_case(b"Bearer ") => bool::from(shown.ct_eq(token.as_bytes())),
        _ => false,
    }
}

/// Gives a request one of the places there are, and the usual time.
pub async fn pace(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    within(DEADLINE, guard, request, next).await
}

/// The same for the import of a catalogue.
pub async fn pace_import(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    within(IMPORT_DEADLINE, guard, request, next).await
}

async fn within(deadline: Duration, guard: Guard, request: Request, next: Next) -> Response {
    let Ok(_place) = guard.places.try_acquire() else {
        let detail = format!("{AT_ONCE} requests are under way: try again in a moment");
        return Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).into_response();
    };
    tokio::time::timeout(deadline, next.run(request))
        .await
        .unwrap_or_else(|_| {
            let detail = format!("not done within {} s", deadline.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail).into_response()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_its_names() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "localhost",
            "LOCALHOST:1",
            "[::1]",
            "[::1]:65535",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "127.0.0.1.example.org",
            "localhost:x",
            "localhost:70000",
            "127.0.0.1:1:2",
            "::1",
            "127.0.0.2",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_all_of_the_token() {
        let shown = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            shows(&headers, "secret")
        };
        assert!(shown("Bearer secret") && shown("bearer secret"));
        assert!(
            !shown("Bearer secre")
                && !shown("Bearer secrets")
                && !shown("Basic secret")
                && !shown("Bearer")
                && !shown("Bearer ")
        );
        assert!(!shows(&HeaderMap::new(), "secret"));
    }
}
