//! `intentcast office`: who holds which strand, why, until when; what could be made of it; and the end of it.

use anyhow::Result;
use clap::Subcommand;
use intentcast_protocol::{
    market::{Role, UnsureView},
    text::Name,
};
use serde::Serialize;

use super::{
    Global,
    grant::{HowArgs, when},
    out::{Out, clean, table},
};
use crate::{
    api::{RevokeAllBody, RevokedAll},
    office::{Holder, Late, Office, Strand},
};

/// What to do with the office.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum OfficeCommand {
    /// Who holds which strand, why, until when; as a seller, whose you hold
    Show,
    /// Reports and deletions that are late
    Overdue,
    /// What those who hold strands of you could make of them, and why
    Risk,
    /// End every grant of a seller, or of a strand
    Revoke {
        /// A seller's key or its first digits, its name, a strand, or a family of them: contact.*
        of: String,
        #[command(flatten)]
        how: HowArgs,
    },
}

pub async fn run(global: &Global, command: OfficeCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    if let OfficeCommand::Revoke { of, how } = command {
        let body = RevokeAllBody {
            of,
            delete: !how.keep,
            answer_by: Some(when(&how.answer_by)?),
        };
        let done: RevokedAll = client.post("/v1/office/revoke", &body).await?;
        out.value(&done)?;
        out.line(match done.grants.len() {
            0 => "all of that is over already".to_owned(),
            count => format!("{count} grants are over"),
        })?;
        return Ok(());
    }
    let office: Office = client.get("/v1/office").await?;
    let unsure: Vec<UnsureView> = client.get("/v1/unsure").await?;
    if !unsure.is_empty() {
        out.line(format!(
            "{} conversations go on from a backup, and what was said since is not here yet: `intentcast data catch-up`",
            unsure.len()
        ))?;
    }
    match command {
        OfficeCommand::Overdue => overdue(out, &office),
        OfficeCommand::Risk => risk(out, &office),
        _ => show(out, &office),
    }
}

fn show(out: Out, office: &Office) -> Result<()> {
    out.value(office)?;
    if out.is_json() {
        return Ok(());
    }
    if office.holders.is_empty() {
        return Ok(out.line("nobody was granted anything")?);
    }
    let head = [
        "holder",
        "grant",
        "strand",
        "purpose",
        "may",
        "recipients",
        "until",
        "state",
        "used",
    ];
    let of = |role: Role| office.holders.iter().filter(move |holder| holder.role == role);
    for (role, title) in [
        (Role::Customer, "what others hold of you"),
        (Role::Seller, "what you hold of others"),
    ] {
        let rows: Vec<Vec<String>> = of(role)
            .flat_map(|holder| holder.strands.iter().map(|strand| row(holder, strand)))
            .collect();
        if !rows.is_empty() {
            out.line(title)?;
            out.line(table(&head, rows))?;
        }
    }
    for (holder, strand, late) in office.late() {
        out.line(clean(&format!("late: {}", told(holder, strand, late))))?;
    }
    match office.risks.len() {
        0 => {}
        count => out.line(format!("{count} risks: `intentcast office risk` says which"))?,
    }
    Ok(())
}

fn row(holder: &Holder, strand: &Strand) -> Vec<String> {
    let names: Vec<&str> = strand.recipients.iter().map(Name::as_str).collect();
    let alias = if strand.alias { " (alias)" } else { "" };
    let state = match strand.openable {
        Some(true) => format!("{}, openable", strand.state.word()),
        _ => strand.state.word().to_owned(),
    };
    vec![
        holder.name.clone(),
        strand.grant.short(),
        format!("{}{alias}", strand.strand),
        strand.purpose.clone(),
        strand.operations.to_string(),
        names.join(", "),
        strand.until.to_string(),
        state,
        strand.used.to_string(),
    ]
}

fn told(holder: &Holder, strand: &Strand, late: &Late) -> String {
    let who = match holder.role {
        Role::Customer => format!("{} owes", holder.name),
        Role::Seller => format!("you owe the {}", holder.name),
    };
    format!("{who} {} for {} since {}", late.what, strand.strand, late.since)
}

#[derive(Serialize)]
struct Owed<'a> {
    holder: &'a str,
    name: &'a str,
    grant: String,
    strand: &'a str,
    #[serde(flatten)]
    late: &'a Late,
}

fn overdue(out: Out, office: &Office) -> Result<()> {
    let mut none = true;
    for (holder, strand, late) in office.late() {
        none = false;
        out.value(&Owed {
            holder: &holder.id,
            name: &holder.name,
            grant: strand.grant.to_string(),
            strand: &strand.strand,
            late,
        })?;
        out.line(clean(&told(holder, strand, late)))?;
    }
    if none {
        out.line("nothing is late")?;
    }
    Ok(())
}

fn risk(out: Out, office: &Office) -> Result<()> {
    for risk in &office.risks {
        out.value(risk)?;
        out.line(clean(&format!("{}: {}", risk.level.word(), risk.why)))?;
        out.line(clean(&format!("    {}", risk.remedy)))?;
    }
    if office.risks.is_empty() {
        out.line("nothing that others hold of you gives reason to worry")?;
    }
    Ok(())
}
