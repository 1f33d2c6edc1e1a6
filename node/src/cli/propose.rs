//! Proposals to change a deal that stands, and the other side's word on them.

use anyhow::Result;
use intentcast_protocol::{
    deed::Difference,
    id::{AgreementId, EntryHash},
    letter::{DealChange, Matter, Proposal},
    list::List,
    market::{AgreementView, GrantView, ProposalView, ThreadView},
    text::{Name, Phrase},
    thread::Standing,
};

use super::{
    Failure,
    out::{Out, clean},
    pick::Prefix,
    thread::{ahead, write},
};
use crate::{api::Subject, client::Client};

/// What should be otherwise, as it was typed.
pub struct Asked {
    pub total: Option<String>,
    pub deliver_by: Option<String>,
    pub purpose: Option<String>,
    pub recipients: Option<String>,
    pub why: String,
}

async fn thread_of(client: &Client, id: AgreementId) -> Result<Option<ThreadView>> {
    let threads: Vec<ThreadView> = client.get("/v1/threads").await?;
    let is = |thread: &ThreadView| thread.deal.as_ref().is_some_and(|deal| deal.agreement == id);
    Ok(threads.into_iter().find(is))
}

fn usage(field: &str, why: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("--{field}: {why}"))
}

/// `GRANT=VALUE`, and the grant that it means.
fn of_grant<'a>(field: &str, text: &'a str, grants: &'a [GrantView]) -> Result<(&'a GrantView, &'a str)> {
    let (prefix, value) = text.split_once('=').ok_or_else(|| usage(field, "write GRANT=VALUE"))?;
    let prefix: Prefix = prefix.parse().map_err(|why| usage(field, why))?;
    let id = prefix.pick("grant", grants.iter().map(|it| it.grant.id))?;
    let grant = grants.iter().find(|it| it.grant.id == id);
    Ok((grant.ok_or_else(|| usage(field, "no such grant"))?, value))
}

fn names(text: &str) -> Result<List<Name, { intentcast_protocol::limits::RECIPIENTS }>> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(Name::new);
    let names: Vec<Name> = names
        .collect::<Result<_, _>>()
        .map_err(|why| usage("recipients", why))?;
    Ok(List::new(names).map_err(|many| usage("recipients", many))?)
}

/// Proposes.
pub async fn propose(client: &Client, out: Out, id: AgreementId, asked: Asked) -> Result<()> {
    let view: AgreementView = client.get(&format!("/v1/agreements/{id}")).await?;
    let thread = thread_of(client, id).await?;
    let deal = thread.as_ref().and_then(|thread| thread.deal.as_ref());
    let grants = thread
        .as_ref()
        .map(|thread| thread.grants.as_slice())
        .unwrap_or_default();
    let mut changes = Vec::new();
    if let Some(total) = &asked.total {
        let from = deal.map_or(view.agreed.totals.landed(), |deal| deal.total);
        let to = total.parse().map_err(|why| usage("total", why))?;
        changes.push(DealChange::Total { from, to });
    }
    if let Some(at) = &asked.deliver_by {
        let from = deal.map_or(view.agreed.deliver_by, |deal| deal.deliver_by);
        let to = ahead(at)?;
        changes.push(DealChange::DeliverBy { from, to });
    }
    if let Some(text) = &asked.purpose {
        let (grant, purpose) = of_grant("purpose", text, grants)?;
        changes.push(DealChange::Purpose {
            grant: grant.grant.id,
            from: grant.grant.permission.purpose.clone(),
            to: Phrase::new(purpose).map_err(|why| usage("purpose", why))?,
        });
    }
    if let Some(text) = &asked.recipients {
        let (grant, recipients) = of_grant("recipients", text, grants)?;
        changes.push(DealChange::Recipients {
            grant: grant.grant.id,
            from: grant.grant.permission.recipients.clone(),
            to: names(recipients)?,
        });
    }
    if changes.is_empty() {
        let why = "say what should be otherwise: --total, --deliver-by, --purpose or --recipients";
        return Err(Failure::usage(why).into());
    }
    let matter = Matter::Proposal(Proposal {
        agreement: id,
        version: EntryHash::default(),
        changes: List::cut(changes),
        why: Phrase::new(&asked.why).map_err(|why| usage("why", why))?,
    });
    write(client, out, Subject::Agreement(id), matter).await?;
    Ok(())
}

/// Answers a proposal.
pub async fn answer(client: &Client, out: Out, prefix: &Prefix, yes: bool) -> Result<()> {
    let threads: Vec<ThreadView> = client.get("/v1/threads").await?;
    let all = || {
        threads
            .iter()
            .flat_map(|thread| thread.proposals.iter().map(move |it| (thread, it)))
    };
    let proposal = prefix.pick("proposal", all().map(|(_, it)| it.id))?;
    let found = all().find(|(_, it)| it.id == proposal);
    let (thread, _) = found.ok_or_else(|| anyhow::anyhow!("no proposal {proposal}"))?;
    write(
        client,
        out,
        Subject::Thread(thread.id),
        Matter::Verdict { proposal, yes },
    )
    .await?;
    Ok(())
}

/// What proposals would change, each field with how the proposal stands.
pub async fn differences(client: &Client, id: AgreementId) -> Result<Vec<Difference>> {
    let thread = thread_of(client, id).await?;
    let told = |proposal: &ProposalView| {
        let how = match proposal.standing {
            Standing::Open => "proposed",
            Standing::Taken => "agreed by both",
            Standing::Refused => "refused",
            Standing::Crossed => "crossed, void",
            Standing::Withdrawn => "taken back",
        };
        let (by, proposal_id, why) = (proposal.by, proposal.id.short(), clean(proposal.why.as_str()));
        let line = move |it: &Difference| Difference {
            field: format!("{} ({how}, {proposal_id} by the {by}: {why})", it.field),
            ..it.clone()
        };
        proposal.changes.iter().map(line).collect::<Vec<_>>()
    };
    let proposals = thread.iter().flat_map(|thread| &thread.proposals);
    Ok(proposals.flat_map(told).collect())
}
