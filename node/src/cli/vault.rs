//! `intentcast vault`: the strands of personal data that this node keeps, encrypted.

use anyhow::Result;
use clap::Subcommand;
use intentcast_protocol::strand::{self, Strand, StrandName};
use serde_json::json;

use super::{
    Failure, Global,
    out::Out,
    secret::{self, NewSecretArgs, SecretArgs},
};
use crate::{
    api::{ChangeBody, Changed, OpenerBody, Shown, ValueBody},
    client::{Client, escaped},
    vault::{Held, Hidden, Status, VaultError},
};

/// What to do with the vault.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum VaultCommand {
    /// Keep a strand's value, read from standard input or asked for; the first one makes the vault
    Set {
        /// Which: a name that `vault list --all` shows, or own.NAME
        name: String,
        /// The value itself; others on this machine can see it while the command runs
        #[arg(long, value_name = "VALUE")]
        value: Option<Hidden>,
        #[command(flatten)]
        secret: SecretArgs,
    },
    /// What the vault holds, without the values
    List {
        /// Every strand that has a name, whether or not you have it
        #[arg(long)]
        all: bool,
    },
    /// One strand with its value
    Show {
        /// Which
        name: String,
    },
    /// Forget a strand
    Remove {
        /// Which
        name: String,
    },
    /// Open the vault, until it is locked or the node stops
    Unlock {
        #[command(flatten)]
        secret: SecretArgs,
    },
    /// Lock the vault
    Lock,
    /// Change what opens the vault
    Passphrase {
        #[command(flatten)]
        secret: SecretArgs,
        #[command(flatten)]
        new: NewSecretArgs,
    },
}

pub async fn run(global: &Global, command: VaultCommand) -> Result<()> {
    let out = global.out();
    match command {
        VaultCommand::Set { name, value, secret } => {
            let name = named(&name)?;
            let client = global.client()?;
            let value = value.map_or_else(|| secret::value(&name), |value| Ok(value.0))?;
            // What is no value is told without a node, it is this person's own machine, and makes no vault.
            name.form().read(&value).map_err(Failure::usage)?;
            open(out, &client, &secret).await?;
            let body = ValueBody { value: Hidden(value) };
            let set: Changed = client.post(&path(&name), &body).await?;
            out.value(&set)?;
            let instead = if set.before {
                ", in the place of what it was"
            } else {
                ""
            };
            out.line(format!("{} is kept{instead}", set.name))?;
        }
        VaultCommand::List { all: true } => out.list(
            &strand::all().map(Known::of).collect::<Vec<_>>(),
            &["name", "what it is", "sensitivity", "its value"],
            |known| {
                [known.name, known.title, &known.sensitivity, &known.form]
                    .map(str::to_owned)
                    .to_vec()
            },
            "",
        )?,
        VaultCommand::List { all: false } => {
            let held: Vec<Held> = global.client()?.get("/v1/vault/strands").await?;
            let row = |held: &Held| {
                vec![
                    held.name.to_string(),
                    held.title.clone(),
                    held.sensitivity.to_string(),
                    held.at.to_string(),
                ]
            };
            let none = "the vault is empty: `intentcast vault set NAME` fills it, `vault list --all` shows names";
            out.list(&held, &["name", "what it is", "sensitivity", "set"], row, none)?;
        }
        VaultCommand::Show { name } => {
            let shown: Shown = global.client()?.get(&path(&named(&name)?)).await?;
            out.value(&shown)?;
            out.line(&*shown.value.0)?;
        }
        VaultCommand::Remove { name } => {
            let name = StrandName::new(name).map_err(Failure::usage)?;
            let gone: Changed = global.client()?.delete(&path(&name)).await?;
            out.value(&gone)?;
            out.line(format!("{} is forgotten", gone.name))?;
        }
        VaultCommand::Unlock { secret } => {
            let client = global.client()?;
            let status: Status = client.get("/v1/vault").await?;
            let opener = secret.opener(status.opens_with.ok_or(VaultError::None)?)?;
            let status: Status = client.post("/v1/vault/unlock", &OpenerBody::of(&opener)).await?;
            out.value(&status)?;
            out.line(format!("open, with {} strands", status.strands.unwrap_or_default()))?;
        }
        VaultCommand::Lock => {
            let status: Status = global.client()?.post("/v1/vault/lock", &json!({})).await?;
            out.value(&status)?;
            out.line("locked")?;
        }
        VaultCommand::Passphrase { secret, new } => {
            let client = global.client()?;
            let status: Status = client.get("/v1/vault").await?;
            let from = secret.opener(status.opens_with.ok_or(VaultError::None)?)?;
            let to = new.opener()?;
            let body = ChangeBody {
                from: OpenerBody::of(&from),
                to: OpenerBody::of(&to),
            };
            let status: Status = client.post("/v1/vault/passphrase", &body).await?;
            out.value(&status)?;
            out.line(format!("the vault opens with the new {} from now on", to.kind()))?;
        }
    }
    Ok(())
}

fn named(name: &str) -> Result<StrandName> {
    Ok(strand::resolve(name).map_err(Failure::usage)?)
}

fn path(name: &StrandName) -> String {
    format!("/v1/vault/strands/{}", escaped(name.as_str()))
}

/// Sees to it that the vault is open; makes it where there is none.
async fn open(out: Out, client: &Client, secret: &SecretArgs) -> Result<()> {
    let status: Status = client.get("/v1/vault").await?;
    if status.open {
        return Ok(());
    }
    let Some(opens_with) = status.opens_with else {
        let _: Status = client.post("/v1/vault", &OpenerBody::of(&secret.new_opener()?)).await?;
        out.line("a vault is made; nobody can open it without what it opens with, also we not")?;
        return Ok(());
    };
    let opener = secret.opener(opens_with)?;
    let _: Status = client.post("/v1/vault/unlock", &OpenerBody::of(&opener)).await?;
    Ok(())
}

/// A strand of the vocabulary, as it is shown.
#[derive(serde::Serialize)]
struct Known {
    name: &'static str,
    title: &'static str,
    sensitivity: String,
    form: String,
    alias: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpv: Option<&'static str>,
}

impl Known {
    fn of(strand: &'static Strand) -> Self {
        Self {
            name: strand.name.as_str(),
            title: strand.title,
            sensitivity: strand.sensitivity.to_string(),
            form: strand.form.to_string(),
            alias: strand.alias,
            schema: strand.schema,
            dpv: strand.dpv,
        }
    }
}
