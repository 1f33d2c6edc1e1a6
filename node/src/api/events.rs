//! What happens, as it happens: server-sent events that a reader can take up again where it left off.

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::sse::{self, KeepAlive, Sse},
};
use futures::{Stream, StreamExt, future};
use intentcast_protocol::{
    id::{AgreementId, IntentId},
    market::Event,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Shared, backend::Backend, ids::Asked, problem::Problem};

/// How often an idle stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Those of one intent.
    #[serde(default)]
    intent: Option<IntentId>,
}

/// The data of one event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Told {
    /// When, Unix ms.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

pub async fn events<B: Backend>(
    State(shared): State<Shared<B>>,
    Asked(which): Asked<Which>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, Problem> {
    let after = match headers.get("Last-Event-ID") {
        None => None,
        Some(value) => Some(
            value
                .to_str()
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .ok_or_else(|| {
                    Problem::new(
                        StatusCode::BAD_REQUEST,
                        "malformed",
                        "Last-Event-ID is the id of an event, a number",
                    )
                })?,
        ),
    };
    // Receipts name their agreement alone, so the intent's agreements are gathered: those there are, before the
    // stream begins, and those that come.
    let intent = which.intent;
    let known = shared
        .backend
        .read(move |_, market| agreements_of(market, intent))
        .await?;
    let mut about = About {
        intent,
        agreements: known,
    };
    let mut ended = shared.ended.clone();
    let stream = shared
        .backend
        .events(after)
        .filter_map(move |(id, at, event)| future::ready(about.is(&event).then_some((id, at, event))))
        .map(|(id, at, event)| Ok(framed(id, Told { at, event })))
        .take_until(async move {
            let _ = ended.wait_for(|ended| *ended).await;
        });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn agreements_of(market: &intentcast_protocol::market::Market, intent: Option<IntentId>) -> BTreeSet<AgreementId> {
    let Some(intent) = intent else { return BTreeSet::new() };
    market
        .agreements()
        .into_iter()
        .filter(|view| view.intent == intent)
        .map(|view| view.id)
        .collect()
}

fn framed(id: u64, told: Told) -> sse::Event {
    let data = serde_json::to_string(&told).expect("an event is plain fields, which JSON always takes");
    sse::Event::default()
        .id(id.to_string())
        .event(name(&told.event))
        .data(data)
}

/// What a reader wants to hear of.
struct About {
    intent: Option<IntentId>,
    agreements: BTreeSet<AgreementId>,
}

impl About {
    fn is(&mut self, event: &Event) -> bool {
        let Some(asked) = self.intent else { return true };
        if let Event::Accepted { intent, agreement, .. } | Event::Agreement { intent, agreement, .. } = event
            && *intent == asked
        {
            self.agreements.insert(*agreement);
        }
        match event {
            Event::Receipt { agreement, .. }
            | Event::ReceiptDelivered { agreement, .. }
            | Event::Differed { agreement, .. } => self.agreements.contains(agreement),
            Event::StoreFailed => true,
            event => intent_of(event) == Some(asked),
        }
    }
}

/// The want that an event is about.
fn intent_of(event: &Event) -> Option<IntentId> {
    match event {
        Event::Cast { intent }
        | Event::HeadStart { intent, .. }
        | Event::Published { intent, .. }
        | Event::Unheard { intent, .. }
        | Event::Amended { intent, .. }
        | Event::Withdrawn { intent }
        | Event::Due { intent, .. }
        | Event::Offer { intent, .. }
        | Event::Ranked { intent, .. }
        | Event::Accepted { intent, .. }
        | Event::AcceptanceRefused { intent, .. }
        | Event::Declined { intent, .. }
        | Event::Agreement { intent, .. }
        | Event::Heard { intent }
        | Event::Met { intent, .. }
        | Event::Answered { intent, .. }
        | Event::Asking { intent, .. }
        | Event::Delivered { intent, .. }
        | Event::OfferDeclined { intent, .. }
        | Event::Superseded { intent, .. } => Some(*intent),
        Event::Refused { intent, .. } => *intent,
        Event::Letter { thread, .. } | Event::LetterDelivered { thread, .. } | Event::CaughtUp { thread, .. } => {
            Some(thread.intent)
        }
        Event::Receipt { .. } | Event::ReceiptDelivered { .. } | Event::Differed { .. } | Event::StoreFailed => None,
    }
}

/// An event's name, as in its JSON.
pub fn name(event: &Event) -> &'static str {
    match event {
        Event::Cast { .. } => "cast",
        Event::HeadStart { .. } => "head_start",
        Event::Published { .. } => "published",
        Event::Unheard { .. } => "unheard",
        Event::Amended { .. } => "amended",
        Event::Withdrawn { .. } => "withdrawn",
        Event::Due { .. } => "due",
        Event::Offer { .. } => "offer",
        Event::Refused { .. } => "refused",
        Event::Ranked { .. } => "ranked",
        Event::Accepted { .. } => "accepted",
        Event::AcceptanceRefused { .. } => "acceptance_refused",
        Event::Declined { .. } => "declined",
        Event::Agreement { .. } => "agreement",
        Event::Receipt { .. } => "receipt",
        Event::Heard { .. } => "heard",
        Event::Met { .. } => "met",
        Event::Answered { .. } => "answered",
        Event::Asking { .. } => "asking",
        Event::Delivered { .. } => "delivered",
        Event::OfferDeclined { .. } => "offer_declined",
        Event::Letter { .. } => "letter",
        Event::LetterDelivered { .. } => "letter_delivered",
        Event::StoreFailed => "store_failed",
        Event::Superseded { .. } => "superseded",
        Event::ReceiptDelivered { .. } => "receipt_delivered",
        Event::Differed { .. } => "differed",
        Event::CaughtUp { .. } => "caught_up",
    }
}
