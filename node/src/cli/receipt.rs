//! `intentcast receipt`: agreements, what became of them, and evidence that stands alone.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use intentcast_protocol::{evidence::Evidence, market::AgreementView};
use serde_json::json;

use super::{Exit, Failure, Global, agreement, data, order, pick::Prefix};
use crate::evidence_file;

/// What to do with agreements.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum ReceiptCommand {
    /// Every agreement and its receipts
    List,
    /// One agreement, whole
    Show {
        /// The agreement's id, or the first digits of it
        agreement: Prefix,
    },
    /// Write one file with every signed record, the terms' text and the receipts
    Export {
        /// The agreement's id, or the first digits of it
        agreement: Prefix,
        /// Where to; it must not be there yet [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Check such a file, with nothing but the file
    Verify {
        /// The file
        file: PathBuf,
    },
}

pub async fn run(global: &Global, command: ReceiptCommand) -> Result<()> {
    let out = global.out();
    match command {
        ReceiptCommand::List => {
            let all: Vec<AgreementView> = global.client()?.get("/v1/agreements").await?;
            agreement::table_of(out, &all, "no agreements yet")?;
        }
        ReceiptCommand::Show { agreement } => {
            let client = global.client()?;
            let id = super::agreement::pick(&client, "receipt", &agreement).await?;
            let view: AgreementView = client.get(&format!("/v1/agreements/{id}")).await?;
            out.value(&view)?;
            out.fields(&agreement::fields(&view))?;
            for receipt in &view.receipts {
                out.line(order::line(receipt))?;
            }
            for difference in &view.differences {
                out.line(format!("refused: {}", super::out::clean(&difference.to_string())))?;
            }
        }
        ReceiptCommand::Export { agreement, output } => {
            if let Some(file) = &output {
                data::must_be_new(file)?;
            }
            let client = global.client()?;
            let id = super::agreement::pick(&client, "receipt", &agreement).await?;
            let evidence: Evidence = client.get(&format!("/v1/agreements/{id}/evidence")).await?;
            let bytes = evidence_file::encode(&evidence);
            match output {
                Some(file) => {
                    data::write_new(&file, &bytes)?;
                    out.value(&json!({ "event": "exported", "agreement": id, "file": file }))?;
                    out.line(format!(
                        "wrote {}: check it with `intentcast receipt verify`",
                        file.display()
                    ))?;
                }
                None => std::io::Write::write_all(&mut std::io::stdout().lock(), &bytes)?,
            }
        }
        ReceiptCommand::Verify { file } => verify(global, &file)?,
    }
    Ok(())
}

/// Checks a file, without a node.
pub fn verify(global: &Global, file: &Path) -> Result<()> {
    let bytes = evidence_file::read(file)?;
    let report = evidence_file::verify(&bytes)
        .map_err(|flaw| Failure::new(Exit::Failed, format!("{} does not hold: {flaw}", file.display())))?;
    let out = global.out();
    out.value(&json!({ "holds": true, "report": report }))?;
    let summary = &report.summary;
    out.line(format!(
        "{} holds: {} signatures, {} terms, agreement {}",
        file.display(),
        report.signatures,
        report.terms,
        report.agreement
    ))?;
    let now = match report.changes {
        0 => "as it was made".to_owned(),
        1 => format!("{}, after one change by both sides", report.total),
        changes => format!("{}, after {changes} changes by both sides", report.total),
    };
    out.fields(&[
        ("seller", summary.seller_name.clone()),
        ("seller key", summary.seller.to_string()),
        ("customer key", summary.customer.to_string()),
        ("want", summary.want.clone()),
        ("items", summary.items.join(", ")),
        ("delivery", summary.delivery.clone()),
        ("total", summary.total.clone()),
        ("now", now),
        ("terms", summary.terms.clone()),
        ("agreed at", summary.agreed_at.clone()),
        ("order", report.order.state.word().to_owned()),
        ("receipts", summary.receipts.join(", ")),
    ])?;
    Ok(())
}
