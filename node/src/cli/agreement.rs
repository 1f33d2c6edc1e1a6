//! `intentcast agreement`: what was agreed, whether both sides hold the same, and what was named otherwise since.

use std::io;

use anyhow::Result;
use clap::Subcommand;
use intentcast_protocol::{
    id::AgreementId,
    market::{AgreementView, Compared, Role, Sameness, Side},
};

use super::{
    Exit, Failure, Global,
    out::{Out, clean},
    pick::Prefix,
    propose,
};
use crate::client::Client;

/// What to do with agreements.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum AgreementCommand {
    /// Every agreement
    List,
    /// One agreement, whole
    Show {
        /// Its id, or the first digits of it
        agreement: Prefix,
    },
    /// Ask the other side what it holds, and compare
    Verify {
        /// Its id, or the first digits of it
        agreement: Prefix,
    },
    /// Propose to change what was agreed; nothing changes until the other side says yes
    Propose {
        /// Its id, or the first digits of it
        agreement: Prefix,
        /// What the customer pays, all in
        #[arg(long, value_name = "MONEY")]
        total: Option<String>,
        /// By when it is there
        #[arg(long, value_name = "DATE")]
        deliver_by: Option<String>,
        /// What a granted strand may be used for: GRANT=PURPOSE
        #[arg(long, value_name = "GRANT=PURPOSE")]
        purpose: Option<String>,
        /// Who else may have a granted strand: GRANT=NAME,NAME
        #[arg(long, value_name = "GRANT=NAMES")]
        recipients: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Answer a proposal of the other side: from then on it is so on both sides, or stays as it was
    Answer {
        /// The proposal's id, or the first digits of it
        proposal: Prefix,
        /// Yes or no
        #[arg(value_parser = ["yes", "no"])]
        word: String,
    },
    /// What the other side named otherwise since, field by field, and proposals; none of it holds without both
    Diff {
        /// Its id, or the first digits of it
        agreement: Prefix,
    },
}

/// The one deal that begins so, called `what`.
pub async fn pick(client: &Client, what: &str, prefix: &Prefix) -> Result<AgreementId> {
    let all: Vec<AgreementView> = client.get("/v1/agreements").await?;
    prefix.pick(what, all.into_iter().map(|view| view.id))
}

pub async fn run(global: &Global, command: AgreementCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        AgreementCommand::List => {
            let all: Vec<AgreementView> = client.get("/v1/agreements").await?;
            table_of(out, &all, "no agreements yet")?;
        }
        AgreementCommand::Show { agreement } => {
            let id = pick(&client, "agreement", &agreement).await?;
            let view: AgreementView = client.get(&format!("/v1/agreements/{id}")).await?;
            out.value(&view)?;
            out.fields(&fields(&view))?;
            out.line(match view.differences.len() {
                0 => "nothing was named otherwise since".to_owned(),
                count => format!(
                    "{count} named otherwise since: intentcast agreement diff {}",
                    id.short()
                ),
            })?;
        }
        AgreementCommand::Verify { agreement } => {
            let id = pick(&client, "agreement", &agreement).await?;
            let compared: Compared = client.get(&format!("/v1/agreements/{id}/verify")).await?;
            verdict(out, &compared)?;
        }
        AgreementCommand::Propose {
            agreement,
            total,
            deliver_by,
            purpose,
            recipients,
            why,
        } => {
            let id = pick(&client, "agreement", &agreement).await?;
            let asked = propose::Asked {
                total,
                deliver_by,
                purpose,
                recipients,
                why,
            };
            propose::propose(&client, out, id, asked).await?;
        }
        AgreementCommand::Answer { proposal, word } => {
            propose::answer(&client, out, &proposal, word == "yes").await?;
        }
        AgreementCommand::Diff { agreement } => {
            let id = pick(&client, "agreement", &agreement).await?;
            let view: AgreementView = client.get(&format!("/v1/agreements/{id}")).await?;
            let mut differences = view.differences;
            differences.extend(propose::differences(&client, id).await?);
            let head = ["field", "agreed", "named"];
            out.list(
                &differences,
                &head,
                |it| vec![it.field.clone(), it.agreed.clone(), it.named.clone()],
                "nothing was named otherwise than agreed",
            )?;
        }
    }
    Ok(())
}

/// Says what came of a comparison; anything but the same deal on both sides is a failure.
fn verdict(out: Out, compared: &Compared) -> Result<()> {
    out.value(compared)?;
    let side = |side: &Side| {
        let last = side.last.map(|id| id.short()).unwrap_or_else(|| "none".into());
        format!("bytes {}, {} receipts, the last {last}", side.bytes, side.receipts)
    };
    out.fields(&[
        ("agreement", compared.agreement.to_string()),
        ("here", side(&compared.ours)),
        ("there", compared.theirs.as_ref().map_or_else(|| "unknown".into(), side)),
    ])?;
    let on_its_way = |count: u32| format!("the same agreement; {count} receipts are on their way");
    match &compared.sameness {
        Sameness::Same => out.line("the same on both sides")?,
        Sameness::TheyLack { receipts } => out.line(format!("{} there", on_its_way(*receipts)))?,
        Sameness::WeLack { receipts } => out.line(format!("{} here", on_its_way(*receipts)))?,
        Sameness::Differs { differences } => {
            let spelled: Vec<String> = differences
                .iter()
                .map(|it| format!("{}: here {}, there {}", it.field, it.agreed, clean(&it.named)))
                .collect();
            let why = format!("not the same on both sides: {}", spelled.join("; "));
            return Err(Failure::new(Exit::Failed, why).into());
        }
        Sameness::Missing => {
            let why = "the other side does not know of this agreement";
            return Err(Failure::new(Exit::Failed, why).into());
        }
    }
    Ok(())
}

/// A line for each deal.
///
/// # Errors
/// When nobody reads any more.
pub fn table_of(out: Out, all: &[AgreementView], none: &str) -> io::Result<()> {
    let head = ["agreement", "at", "with", "item", "total", "state", "receipt"];
    out.list(all, &head, row, none)
}

fn row(view: &AgreementView) -> Vec<String> {
    let item = view.agreed.lines.first().map(|line| line.title.to_string());
    let side = match view.role {
        Role::Customer => view.agreed.seller.name.to_string(),
        Role::Seller => format!("customer {}", view.customer.short()),
    };
    let receipt = view.receipts.last().map(|receipt| receipt.id.short());
    vec![
        view.id.short(),
        view.at.to_string(),
        side,
        item.unwrap_or_default(),
        view.total.to_string(),
        format!("{} ({})", view.order.state.word(), view.receipts.len()),
        receipt.unwrap_or_default(),
    ]
}

/// What holds by now, and what was agreed at first where that is something else.
fn now<T: PartialEq + std::fmt::Display>(now: T, first: T) -> String {
    match now == first {
        true => now.to_string(),
        false => format!("{now}, changed by both from {first}"),
    }
}

/// What was agreed, in names and values.
pub fn fields(view: &AgreementView) -> Vec<(&'static str, String)> {
    let agreed = &view.agreed;
    let lines: Vec<String> = agreed
        .lines
        .iter()
        .map(|line| format!("{} x {}", line.quantity, line.title))
        .collect();
    let role = match view.role {
        Role::Customer => "the customer",
        Role::Seller => "the seller",
    };
    vec![
        ("agreement", view.id.to_string()),
        ("at", view.at.to_string()),
        ("you are", role.into()),
        ("seller", agreed.seller.name.to_string()),
        ("seller key", view.seller.to_string()),
        ("customer key", view.customer.to_string()),
        ("items", lines.join(", ")),
        ("total", now(view.total, agreed.totals.landed())),
        ("there by", now(view.deliver_by, agreed.deliver_by)),
        ("state", view.order.state.word().into()),
        ("intent", view.intent.to_string()),
        ("offer", view.offer.to_string()),
        ("terms", agreed.terms.to_string()),
        ("bytes hash", view.bytes_hash.to_string()),
    ]
}
