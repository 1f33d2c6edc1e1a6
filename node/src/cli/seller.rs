//! `intentcast seller`: what a seller binds itself to with people's data, and whether it keeps to it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::json;

use super::{
    Failure, Global,
    out::{Out, clean, table},
};
use crate::{
    strands::{
        compliance::Compliance,
        policy::{self, Policy},
    },
    toml_file,
};

/// What to do as a seller.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum SellerCommand {
    /// What you do with people's data, and what not
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Whether you keep to your grants and your policy: by purpose, with everything that is wrong
    Compliance,
}

/// What to do with a policy.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum PolicyCommand {
    /// Read a policy file, and say what is wrong in it or probably not meant. Asks no node
    Check {
        /// The file
        file: PathBuf,
    },
}

/// The policy in a file.
///
/// # Errors
/// Where it cannot be read, or is wrong: then with its line.
pub(crate) fn policy_of(file: &Path) -> Result<Policy> {
    let text = toml_file::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(policy::parse(&text).map_err(|wrong| Failure::usage(format!("{}: {wrong}", file.display())))?)
}

/// Reads a file and gives its doubts.
pub fn check(global: &Global, file: &Path) -> Result<()> {
    let policy = policy_of(file)?;
    let (doubts, out) = (policy::doubts(&policy), global.out());
    out.value(&json!({ "holds": true, "doubts": doubts, "policy": policy }))?;
    out.line(format!("{} holds: {} rules", file.display(), policy.rules.len()))?;
    for rule in &policy.rules {
        let (strand, purpose, days) = (&rule.strand, &rule.purpose, rule.days);
        out.line(clean(&format!(
            "{strand} for {purpose}: {}, {days} days",
            rule.operations
        )))?;
    }
    for doubt in doubts {
        out.line(format!("doubt: {doubt}"))?;
    }
    Ok(())
}

pub async fn run(global: &Global, command: SellerCommand) -> Result<()> {
    match command {
        SellerCommand::Policy(PolicyCommand::Check { file }) => check(global, &file),
        SellerCommand::Compliance => {
            let report: Compliance = global.client()?.get("/v1/compliance").await?;
            tell(global.out(), &report)
        }
    }
}

fn tell(out: Out, report: &Compliance) -> Result<()> {
    out.value(report)?;
    if out.is_json() {
        return Ok(());
    }
    out.line(match report.met {
        true => format!("met, as of {}, by {} lines of the log", report.at, report.lines),
        false => format!("not met, as of {}: {} findings", report.at, report.findings.len()),
    })?;
    if !report.policy {
        out.line("no policy to hold it against: name one with `policy` under [seller] of the configuration")?;
    }
    if !report.purposes.is_empty() {
        let head = [
            "strand", "purpose", "asked", "declined", "live", "over", "deleted", "used", "shared", "refused", "overdue",
        ];
        let rows = report.purposes.iter().map(|row| {
            let counts = [
                row.asked,
                row.declined,
                row.live,
                row.over,
                row.deleted,
                row.used,
                row.shared,
                row.refused,
                row.overdue,
            ];
            let names = [row.strand.clone(), row.purpose.clone()].into_iter();
            names.chain(counts.iter().map(ToString::to_string)).collect()
        });
        out.line(table(&head, rows))?;
    }
    for finding in &report.findings {
        let grant = finding
            .grant
            .map(|grant| format!("  {}", grant.short()))
            .unwrap_or_default();
        out.line(clean(&format!("{}{grant}  {}", finding.kind.word(), finding.what)))?;
    }
    for turned in &report.refused {
        let to = turned
            .recipient
            .as_ref()
            .map(|name| format!(" to {name}"))
            .unwrap_or_default();
        let (at, grant, strand) = (turned.at, turned.grant.short(), &turned.strand);
        out.line(clean(&format!(
            "refused  {at}  {grant}  {strand}{to} for {}: {}",
            turned.purpose, turned.why
        )))?;
    }
    Ok(())
}
