//! How the program ends, and how it says why.

use std::process::ExitCode;

use axum::http::StatusCode;

use crate::{api::problem::Problem, client::ClientError};

/// The exit status, for scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// It did not work.
    Failed = 1,
    /// The command line, or a file it names, cannot be meant.
    Usage = 2,
    /// No node runs on the home.
    NotRunning = 3,
    /// Nobody is there to hear it.
    NoPeers = 4,
    /// Terms or policy stand against it.
    Refused = 5,
    /// Interrupted from the keyboard.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotRunning => "not_running",
            Self::NoPeers => "no_peers",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Usage => StatusCode::BAD_REQUEST,
            Self::NotRunning | Self::NoPeers => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused => StatusCode::CONFLICT,
            Self::Done | Self::Failed | Self::Interrupted => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// An end with a status of its own.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{why}")]
pub struct Failure {
    /// The status.
    pub exit: Exit,
    /// Why, for a person.
    pub why: String,
    /// Whether something was looked at, and found not to hold: no mishap of ours.
    pub found: bool,
}

/// The code of what was checked and does not hold.
const UNSOUND: &str = "unsound";

impl Failure {
    /// An end for this reason.
    pub fn new(exit: Exit, why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            exit,
            why,
            found: false,
        }
    }

    /// What was checked does not hold.
    pub fn unsound(why: impl Into<String>) -> Self {
        Self {
            found: true,
            ..Self::new(Exit::Failed, why)
        }
    }

    /// The command line cannot be meant.
    pub fn usage(why: impl std::fmt::Display) -> Self {
        Self::new(Exit::Usage, why.to_string())
    }
}

/// The status that an error means.
pub fn of(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    if error.downcast_ref::<crate::want::Unclear>().is_some() {
        return Exit::Usage;
    }
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::NotRunning(_)) => Exit::NotRunning,
        Some(ClientError::Problem(problem)) if problem.policy => Exit::Refused,
        Some(ClientError::Problem(problem)) if problem.code == "unclear" || problem.code == "rules" => Exit::Usage,
        Some(ClientError::Problem(problem)) if problem.code == "unreached" => Exit::NoPeers,
        Some(ClientError::Problem(_) | ClientError::Broken(_) | ClientError::Unreadable { .. }) | None => Exit::Failed,
    }
}

/// An error as a problem: the node's own where it told one.
pub fn problem(error: &anyhow::Error) -> Problem {
    if let Some(ClientError::Problem(problem)) = error.downcast_ref() {
        return (**problem).clone();
    }
    if error.downcast_ref::<Failure>().is_some_and(|failure| failure.found) {
        return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, UNSOUND, format!("{error:#}"));
    }
    let exit = of(error);
    Problem::new(exit.status(), exit.code(), format!("{error:#}"))
}

/// Says on standard error what went wrong, and gives the status. A reader who went away is told nothing.
pub fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let gone = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(gone) {
        return Exit::Done.into();
    }
    let exit = of(error);
    if json {
        let problem =
            serde_json::to_string(&problem(error)).expect("a problem is plain fields, which JSON always takes");
        eprintln!("{problem}");
    } else if exit != Exit::Interrupted {
        eprintln!("intentcast: {}", super::out::clean(&format!("{error:#}")));
    }
    exit.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_trouble_has_its_status() {
        let status = |error: anyhow::Error| of(&error) as u8;
        assert_eq!(status(anyhow::anyhow!("disk full")), 1);
        assert_eq!(status(Failure::usage("no").into()), 2);
        assert_eq!(status(ClientError::NotRunning("/x".into()).into()), 3);
        assert_eq!(status(Failure::new(Exit::NoPeers, "nobody").into()), 4);
        let refused = Problem {
            policy: true,
            ..Problem::new(StatusCode::CONFLICT, "terms", "not so")
        };
        assert_eq!(status(ClientError::Problem(Box::new(refused)).into()), 5);
        assert_eq!(status(ClientError::Problem(Box::new(Problem::no("offer"))).into()), 1);
    }

    #[test]
    fn the_nodes_own_words_reach_standard_error() {
        let told = Problem::no("offer");
        let error = anyhow::Error::from(ClientError::Problem(Box::new(told.clone())));
        assert_eq!(problem(&error), told);
        let unsound = anyhow::Error::from(Failure::unsound("the third record was changed"));
        assert_eq!((of(&unsound), problem(&unsound).code), (Exit::Failed, UNSOUND.into()));
        assert_eq!(problem(&anyhow::anyhow!("disk full")).code, "failed");
        assert_eq!(
            problem(&ClientError::NotRunning("/x".into()).into()).code,
            "not_running"
        );
    }
}
