//! `intentcast use`: what is done with granted strands, reported and talked about.

use anyhow::Result;
use clap::Subcommand;
use intentcast_protocol::{
    id::RecordId,
    letter::Matter,
    market::{LetterView, ThreadView},
    text::Prose,
};

use super::{
    Failure, Global,
    grant::pick,
    out::{Out, clean},
    pick::Prefix,
};
use crate::{
    api::{Said, SaidAll, SuggestBody},
    client::Client,
    strands::Holding,
};

/// What to do with uses.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum UseCommand {
    /// As a seller: tell the customer every use that is not told yet
    Report {
        /// The grant
        grant: Prefix,
    },
    /// Say what a strand could be used for, or answer such a word
    Suggest {
        /// The grant
        grant: Prefix,
        /// In words
        text: String,
        /// The letter that it answers
        #[arg(long, value_name = "LETTER")]
        about: Option<Prefix>,
    },
    /// All that was said about one grant, letter by letter
    Thread {
        /// The request or the grant
        grant: Prefix,
    },
}

pub async fn run(global: &Global, command: UseCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        UseCommand::Report { grant } => {
            let held = pick(&client, &grant).await?;
            let said: SaidAll = client.post(&path(&held, "report"), &serde_json::json!({})).await?;
            out.value(&said)?;
            match said.letters.len() {
                0 => out.line("everything is told already")?,
                count => out.line(format!("told, in {count} letters"))?,
            }
        }
        UseCommand::Suggest { grant, text, about } => {
            let held = pick(&client, &grant).await?;
            let about = match about {
                Some(prefix) => {
                    let letters = of(&client, &held).await?;
                    Some(prefix.pick("letter", letters.into_iter().map(|letter| letter.id))?)
                }
                None => None,
            };
            let body = SuggestBody {
                about,
                text: Prose::new(&text).map_err(Failure::usage)?,
            };
            let said: Said = client.post(&path(&held, "suggest"), &body).await?;
            out.value(&said)?;
            out.line(format!("said: {}", said.letter.short()))?;
        }
        UseCommand::Thread { grant } => {
            let held = pick(&client, &grant).await?;
            tell(out, &of(&client, &held).await?)?;
        }
    }
    Ok(())
}

fn path(held: &Holding, what: &str) -> String {
    format!("/v1/grants/{}/{what}", held.grant_id().unwrap_or(held.request.id))
}

/// The letters about one request and its grant, in their order.
async fn of(client: &Client, held: &Holding) -> Result<Vec<LetterView>> {
    let thread: ThreadView = client.get(&format!("/v1/threads/{}", held.thread)).await?;
    let (request, grant) = (held.request.id, held.grant_id());
    let is_about = |letter: &LetterView| letter.id == request || about(&letter.matter, request, grant);
    Ok(thread.letters.into_iter().filter(is_about).collect())
}

fn about(matter: &Matter, request: RecordId, grant: Option<RecordId>) -> bool {
    match matter {
        Matter::Granted { request: of, .. } | Matter::GrantRefused { request: of, .. } => *of == request,
        Matter::UseReport(report) => Some(report.grant) == grant,
        Matter::Suggestion { grant: of, .. } | Matter::Revoked { grant: of, .. } => Some(*of) == grant,
        Matter::Deleted(deletion) => Some(deletion.grant) == grant,
        _ => false,
    }
}

fn tell(out: Out, letters: &[LetterView]) -> Result<()> {
    for letter in letters {
        out.value(letter)?;
        let said = match &letter.matter {
            Matter::PermissionRequest {
                permission, benefit, ..
            } => format!("asks for {} for {}: {benefit}", permission.strand, permission.purpose),
            Matter::Granted { permission, .. } => {
                format!("grants it to {} until {}", permission.operations, permission.ends)
            }
            Matter::GrantRefused { why, .. } => format!("says no: {why}"),
            Matter::UseReport(report) => {
                format!(
                    "reports: {} for {}, {} times",
                    report.operation.word(),
                    report.purpose,
                    report.times
                )
            }
            Matter::Suggestion { text, .. } => format!("says: {text}"),
            Matter::Revoked { delete: true, .. } => "says that it is over, and to be deleted".into(),
            Matter::Revoked { .. } => "says that it is over".into(),
            Matter::Deleted(deletion) => format!("says that it is deleted since {}", deletion.at),
            _ => letter.what.clone(),
        };
        out.line(clean(&format!(
            "{}  {}  the {} {said}",
            letter.id.short(),
            letter.at,
            letter.from
        )))?;
    }
    Ok(())
}
