//! The task that gives customers what a seller gathered about them, when they ask and the agreed terms make it a duty: the
//! signed document of the order, sent as any other. A person need not be there.
//!
//! An ask is answered once, by the letter that announces the document: after a restart the ledger says what is still
//! owed.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use intentcast_protocol::{
    id::AgreementId,
    keys::Seed,
    ledger::Stored,
    letter::{Ask, Matter},
    market::{About, Event, Market, ReceiptView, Role, ThreadView},
    text::{Name, Word},
    time::Timestamp,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::returned;
use crate::{api::backend::Backend, documents::Documents, strands::say};

/// How soon it tries again after something went wrong.
const AGAIN: Duration = Duration::from_secs(600);

/// Answers until `stop`.
pub async fn keep(documents: Arc<Documents>, seed: Seed, backend: impl Backend, stop: CancellationToken) {
    let mut events = std::pin::pin!(backend.events(None));
    loop {
        let all_done = match answer_all(&documents, &seed, &backend).await {
            Ok(all_done) => all_done,
            Err(why) => {
                debug!(%why, "nothing can be given back for now");
                false
            }
        };
        let asked = async {
            while let Some((.., event)) = events.next().await {
                if matches!(&event, Event::Letter { what, from: Role::Customer, .. } if what == "asked") {
                    return;
                }
            }
            // The node is going down.
            std::future::pending().await
        };
        let again = async {
            match all_done {
                true => std::future::pending().await,
                false => tokio::time::sleep(AGAIN).await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = asked => {}
            () = again => {}
        }
    }
}

/// Answers whoever is owed one, each by itself. Whether nothing is owed any more.
async fn answer_all(documents: &Arc<Documents>, seed: &Seed, backend: &impl Backend) -> anyhow::Result<bool> {
    let owed = backend.read(owed).await?;
    let mut all_done = true;
    for agreement in owed {
        match answer(documents, seed, backend, agreement).await {
            Ok(()) => info!(agreement = %agreement.short(), "gave an order's data back"),
            Err(why) => {
                warn!(agreement = %agreement.short(), %why, "an order's data cannot be given back");
                all_done = false;
            }
        }
    }
    Ok(all_done)
}

/// The deals of which the customer has asked for the data and does not have it.
fn owed(now: Timestamp, market: &Market) -> Vec<AgreementId> {
    let threads = market.threads(now).into_iter();
    let ours = threads.filter(|thread| thread.role == Role::Seller && is_owed(thread));
    ours.filter_map(|thread| thread.deal.map(|deal| deal.agreement))
        .collect()
}

/// Whether the data was asked for, and no document with it was sent since.
pub fn is_owed(thread: &ThreadView) -> bool {
    let asks = |matter: &Matter| matches!(matter, Matter::Asked { what: Ask::Data, .. });
    let gives = |matter: &Matter| matches!(matter, Matter::Document { name, .. } if name.as_str() == returned::NAME);
    let mut letters = thread.letters.iter().rev();
    let last = letters.find(|letter| match letter.from {
        Role::Customer => asks(&letter.matter),
        Role::Seller => gives(&letter.matter),
    });
    last.is_some_and(|letter| letter.from == Role::Customer)
}

/// Whether the data was sent, and nothing that it would tell of has come to pass since: it need not be asked for anew.
pub fn is_current(thread: &ThreadView, receipts: &[ReceiptView]) -> bool {
    let gives = |matter: &Matter| matches!(matter, Matter::Document { name, .. } if name.as_str() == returned::NAME);
    let tells_nothing = |matter: &Matter| {
        matches!(
            matter,
            Matter::Seen { .. } | Matter::Moved | Matter::Acknowledged { .. }
        )
    };
    let mut letters = thread.letters.iter().rev();
    let last = letters.find(|letter| !tells_nothing(&letter.matter));
    let sent = last.filter(|letter| letter.from == Role::Seller && gives(&letter.matter));
    sent.is_some_and(|sent| receipts.iter().all(|receipt| receipt.at <= sent.at))
}

async fn answer(
    documents: &Arc<Documents>,
    seed: &Seed,
    backend: &impl Backend,
    agreement: AgreementId,
) -> anyhow::Result<()> {
    let mut entries: Vec<Stored> = Vec::new();
    loop {
        let page = backend.ledger(entries.len() as u64).await?;
        if page.is_empty() {
            break;
        }
        entries.extend(page);
    }
    let key = seed.clone();
    let document = backend
        .read(move |now, market| returned::document(now, &key, market, &entries, agreement))
        .await??;
    let documents = documents.clone();
    let kept = tokio::task::spawn_blocking(move || documents.put(&returned::bytes(&document))).await??;
    let matter = Matter::Document {
        hash: kept.hash,
        mime: Word::lossy(kept.mime.mime()),
        bytes: kept.bytes,
        name: Name::lossy(returned::NAME),
    };
    say(backend, About::Agreement(agreement), matter).await?;
    Ok(())
}
