//! `intentcast data catch-up`: what goes on from a backup and waits for the other side's word, and the end of the waiting.

use anyhow::Result;
use intentcast_protocol::{
    id::RecordId,
    market::{Answered, UnsureView},
    time::Timestamp,
};

use super::{Global, pick::Prefix};
use crate::api::CatchUpBody;

/// Why nothing is written in a conversation that goes on from a backup.
pub(super) fn waits(since: Timestamp, id: &str) -> String {
    format!(
        "goes on from a backup: the other side is asked for what was said after {since}, and nothing is written before it has \
         answered. `intentcast data catch-up {id} --anyway` goes on without"
    )
}

/// Shows what waits for the other side, and has it asked; or goes on without.
pub(super) async fn run(global: &Global, which: Option<&Prefix>, anyway: bool) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    let mut waiting: Vec<UnsureView> = client.get("/v1/unsure").await?;
    let mut thread = None;
    if let Some(prefix) = which {
        let ids = waiting.iter().flat_map(|view| {
            let deal = view.agreement.map(|deal| RecordId(deal.0));
            std::iter::once(view.id).chain(deal)
        });
        let id = prefix.pick("conversation that waits", ids)?;
        waiting.retain(|view| view.id == id || view.agreement.is_some_and(|deal| deal.0 == id.0));
        thread = waiting.first().map(|view| view.id);
    }
    let row = |view: &UnsureView| {
        vec![
            view.id.short(),
            view.role.to_string(),
            view.agreement.map(|deal| deal.short()).unwrap_or_default(),
            view.since.to_string(),
            view.attempts.to_string(),
        ]
    };
    let head = ["conversation", "as", "order", "known until", "asked in vain"];
    out.list(&waiting, &head, row, "nothing waits: what both sides hold is here")?;
    if waiting.is_empty() {
        return Ok(());
    }
    let _: Answered = client.post("/v1/unsure", &CatchUpBody { thread, anyway }).await?;
    out.line(match anyway {
        true => "gone on without: if the other side holds more than is here, it takes nothing that you write there",
        false => "asked; whoever does not answer is asked again",
    })?;
    Ok(())
}
