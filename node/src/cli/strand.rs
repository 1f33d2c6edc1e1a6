//! `intentcast strand`: a seller takes a granted value, for what it was granted, or is told why not.

use anyhow::Result;
use clap::{Args, Subcommand};
use intentcast_protocol::{
    letter::Operation,
    text::{Name, Phrase},
};
use serde_json::json;

use super::{Failure, Global, grant::pick, pick::Prefix};
use crate::{
    api::{Taken, ToldBody},
    strands::{Take, policy},
};

/// What to do with a granted value.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum StrandCommand {
    /// Take the value to use it; that is written down, and told to the customer
    Use {
        #[command(flatten)]
        what: ForArgs,
    },
    /// Take the value out, for a recipient or for another program of yours
    Export {
        #[command(flatten)]
        what: ForArgs,
        /// Whom it goes to
        #[arg(long, value_name = "RECIPIENT")]
        to: Option<String>,
    },
    /// Write down that a recipient was told to delete the value: the deletion receipt names those alone
    Told {
        /// The grant
        grant: Prefix,
        /// Who was told
        #[arg(value_name = "RECIPIENT")]
        recipient: String,
    },
    /// Write down a use that was made elsewhere, whatever the grant says: the customer is told the truth
    Record {
        #[command(flatten)]
        what: ForArgs,
        /// What was done: use, store, share, derive
        #[arg(long, value_name = "OPERATION", default_value = "use")]
        operation: String,
        /// Whom it went to
        #[arg(long, value_name = "RECIPIENT")]
        to: Option<String>,
    },
}

/// Which value, and what for.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct ForArgs {
    /// The grant
    pub grant: Prefix,
    /// What for
    #[arg(long = "for", value_name = "PURPOSE")]
    pub purpose: String,
}

pub async fn run(global: &Global, command: StrandCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    let (what, operation, to, outside) = match command {
        StrandCommand::Use { what } => (what, Operation::Use, None, false),
        StrandCommand::Export { what, to: Some(to) } => (what, Operation::Share, Some(to), false),
        StrandCommand::Export { what, to: None } => (what, Operation::Use, None, false),
        StrandCommand::Record { what, operation, to } => {
            (what, policy::operation(&operation).map_err(Failure::usage)?, to, true)
        }
        StrandCommand::Told { grant, recipient } => {
            let held = pick(&client, &grant).await?;
            let id = held.grant_id().unwrap_or(held.request.id);
            let recipient = Name::new(&recipient).map_err(Failure::usage)?;
            let said = format!("written down that {recipient} was told");
            client
                .post::<ToldBody>(&format!("/v1/grants/{id}/told"), &ToldBody { recipient })
                .await?;
            out.value(&json!({ "grant": id, "told": true }))?;
            out.line(said)?;
            return Ok(());
        }
    };
    let held = pick(&client, &what.grant).await?;
    let take = Take {
        purpose: Phrase::new(&what.purpose).map_err(Failure::usage)?,
        operation,
        recipient: to.map(|to| Name::new(&to)).transpose().map_err(Failure::usage)?,
        outside,
    };
    let id = held.grant_id().unwrap_or(held.request.id);
    let taken: Taken = client.post(&format!("/v1/grants/{id}/use"), &take).await?;
    match &taken.value {
        Some(value) => {
            out.value(&json!({ "strand": held.permission().strand, "value": value }))?;
            out.line(value.0.as_str())?;
        }
        None => {
            out.value(&json!({ "strand": held.permission().strand, "written_down": true }))?;
            out.line("written down; `intentcast use report` tells it")?;
        }
    }
    Ok(())
}
