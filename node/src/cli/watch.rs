//! What happens to one want, told as it happens, to a person or a program.

use std::pin::pin;

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use intentcast_protocol::{
    id::IntentId,
    market::{AgreementView, Event, IntentState, IntentView, OfferState, OfferView},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    Global,
    cast::now,
    offer::title,
    out::{Out, span},
    wait::Wait,
};
use crate::{api::Told, client::Client};

/// Tells of a want until it is over, or until `wait` is.
pub async fn until(global: &Global, client: &Client, intent: IntentId, wait: Option<Wait>) -> Result<()> {
    let out = global.out();
    let view: IntentView = client.get(&format!("/v1/intents/{intent}")).await?;
    let mut teller = Teller {
        out,
        client: client.clone(),
        created: view.created,
        offers: 0,
    };
    if is_over(view.state) {
        return teller.past(&view).await;
    }
    let end = match wait {
        Some(Wait::For(length)) => Some(std::time::Duration::from_millis(length.millis())),
        Some(Wait::Offers(_)) | None => None,
    };
    let most = match wait {
        Some(Wait::Offers(most)) => Some(most),
        Some(Wait::For(_)) | None => None,
    };
    let events = client.events(Some(&intent.to_string()), Some(0)).await?;
    let follow = teller.follow(events, most);
    match end {
        // That the time is up is how a wait is meant to end.
        Some(end) => tokio::time::timeout(end, follow).await.unwrap_or(Ok(())),
        None => follow.await,
    }
}

fn is_over(state: IntentState) -> bool {
    match state {
        IntentState::Withdrawn | IntentState::Expired | IntentState::Agreed => true,
        IntentState::Unheard | IntentState::Open | IntentState::Due | IntentState::Accepted => false,
    }
}

struct Teller {
    out: Out,
    client: Client,
    created: Timestamp,
    offers: usize,
}

impl Teller {
    async fn follow(
        &mut self,
        events: impl futures::Stream<Item = Result<Told, crate::client::ClientError>>,
        most: Option<usize>,
    ) -> Result<()> {
        let mut events = pin!(events);
        while let Some(told) = events.next().await {
            let told = told?;
            self.tell(&told).await?;
            // A want ends with what closes it; for one that came to a deal, with the first receipt.
            let ended = match &told.event {
                Event::Withdrawn { .. } | Event::Receipt { .. } => true,
                Event::Due { .. } => most.is_some(),
                // Of a muted seller's offer nothing is told, and it counts all the same.
                Event::Ranked { order, .. } => most.is_some_and(|most| self.offers.max(order.len()) >= most),
                _ => false,
            };
            if ended {
                // With a number of offers asked for, the one who asked says how it ended.
                if most.is_none() {
                    self.done(told.at)?;
                }
                return Ok(());
            }
        }
        anyhow::bail!("the node has stopped")
    }

    /// A want that is over, told from what is kept.
    async fn past(&mut self, view: &IntentView) -> Result<()> {
        let intent = view.id;
        let mut offers: Vec<OfferView> = self.client.get(&format!("/v1/intents/{intent}/offers")).await?;
        offers.sort_by_key(|offer| offer.at);
        self.say("cast", view.created, json!({ "intent": intent }), "cast")?;
        for offer in offers
            .iter()
            .filter(|offer| !matches!(offer.state, OfferState::Refused { .. }))
        {
            self.offer(offer.at.unwrap_or(view.created), intent, offer)?;
        }
        let agreements: Vec<AgreementView> = self.client.get("/v1/agreements").await?;
        for agreement in agreements.iter().filter(|agreement| agreement.intent == intent) {
            let ids = json!({ "intent": intent, "offer": agreement.offer, "agreement": agreement.id });
            self.say("agreement", agreement.at, ids, &format!("agreement {}", agreement.id))?;
            for receipt in &agreement.receipts {
                let what = receipt.receipt.event.word();
                let ids = json!({ "agreement": agreement.id, "receipt": receipt.id, "what": what });
                self.say(
                    "receipt",
                    receipt.at,
                    ids,
                    &format!("receipt {}: {what}", receipt.id.short()),
                )?;
            }
        }
        self.done(now())
    }

    fn done(&self, at: Timestamp) -> Result<()> {
        self.say("done", at, json!({ "offers": self.offers }), "")
    }

    fn say(&self, event: &str, at: Timestamp, mut fields: Value, line: &str) -> Result<()> {
        let ms = at.since(self.created);
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("event".into(), event.into());
            fields.insert("at".into(), at.0.into());
            fields.insert("ms".into(), ms.into());
        }
        self.out.value(&fields)?;
        if !line.is_empty() {
            self.out.line(format!("{:>8}  {line}", span(ms)))?;
        }
        Ok(())
    }

    fn offer(&mut self, at: Timestamp, intent: IntentId, offer: &OfferView) -> Result<()> {
        self.offers += 1;
        let said = offer.offer.as_ref();
        let seller = said.map(|offer| offer.seller.name.to_string()).unwrap_or_default();
        let total = said.map(|offer| offer.totals.landed().to_string()).unwrap_or_default();
        let line = format!("offer {} from {seller}: {} for {total}", offer.id.short(), title(offer));
        let fields = json!({
            "intent": intent, "offer": offer.id, "seller": seller, "title": title(offer), "total": total,
        });
        self.say("offer", at, fields, &line)
    }

    async fn tell(&mut self, told: &Told) -> Result<()> {
        let mut fields = serde_json::to_value(&told.event).context("an event as JSON")?;
        let name = fields["event"].as_str().unwrap_or_default().to_owned();
        let line = match &told.event {
            Event::Offer { intent, offer } => {
                // One that was forgotten meanwhile is still one that came.
                match self.client.get::<OfferView>(&format!("/v1/offers/{offer}")).await {
                    Ok(view) => return self.offer(told.at, *intent, &view),
                    Err(crate::client::ClientError::Problem(_)) => {
                        self.offers += 1;
                        format!("offer {}", offer.short())
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Event::Cast { intent } => format!("cast {}", intent.short()),
            Event::HeadStart { favourites: 0, .. } => "no favourite can be reached: it is said to all at once".into(),
            Event::HeadStart { favourites, until, .. } => {
                format!("told to {favourites} of your favourites; to all at {until}")
            }
            Event::Published { peers, topic, .. } => format!("heard by {peers} on {topic}"),
            Event::Unheard { topic, .. } => format!("nobody is on {topic} yet"),
            Event::Amended { revision, .. } => format!("said anew: {}", revision.short()),
            Event::Withdrawn { .. } => "withdrawn".into(),
            Event::Due { offers, .. } => format!("the time for offers is over: {offers} came"),
            Event::Refused { why, detail, .. } => format!("refused ({}): {detail}", why.word()),
            Event::Ranked { order, .. } => {
                let best = order.first().map(|best| {
                    // Of a budget that is not said the reasons are told where they are asked for.
                    let why = if best.score.parts.is_empty() {
                        String::new()
                    } else {
                        format!(", {}", best.score)
                    };
                    format!(": first {}{why}", best.offer.short())
                });
                format!("{} ranked{}", order.len(), best.unwrap_or_default())
            }
            Event::Accepted { offer, .. } => format!("accepted {}", offer.short()),
            Event::AcceptanceRefused { why, difference, .. } => {
                let difference = difference
                    .as_ref()
                    .map(|difference| format!(": {difference}"))
                    .unwrap_or_default();
                format!("the seller does not honour it ({}){difference}", why.word())
            }
            Event::Declined { offer, .. } => format!("declined {}", offer.short()),
            Event::Agreement { agreement, .. } => format!("agreement {agreement}"),
            Event::Receipt { receipt, what, .. } => format!("receipt {}: {what}", receipt.short()),
            Event::Heard { .. } => "heard".into(),
            Event::Met { interests, .. } => {
                let names: Vec<String> = interests.iter().map(ToString::to_string).collect();
                format!("meets {}", names.join(", "))
            }
            Event::Answered { offers, why, .. } => format!("answered with {offers}: {why}"),
            Event::Asking { offers, .. } => format!("{offers} offers wait for your word: intentcast offer list"),
            Event::Delivered { offer, refused, .. } => match refused {
                Some(why) => format!("offer {} was refused there ({})", offer.short(), why.word()),
                None => format!("offer {} is there", offer.short()),
            },
            Event::OfferDeclined { offer, reason, .. } => {
                format!("offer {} declined: {}", offer.short(), reason.word())
            }
            Event::Letter { from, what, letter, .. } => format!("the {from} wrote: {what} {}", letter.short()),
            Event::LetterDelivered { letter, .. } => format!("letter {} is there", letter.short()),
            Event::ReceiptDelivered { receipt, refused, .. } => match refused {
                Some(why) => format!("receipt {} was refused there ({})", receipt.short(), why.word()),
                None => format!("receipt {} is there", receipt.short()),
            },
            Event::Differed { difference, .. } => format!("not as agreed: {difference}"),
            Event::CaughtUp { anyway: true, .. } => "gone on from the backup, without the other side's word".into(),
            Event::CaughtUp { records, .. } => format!("all that was said since the backup is here: {records} records"),
            Event::StoreFailed => "the ledger could not be written".into(),
            Event::Superseded { offer, .. } => {
                format!(
                    "offer {} is superseded: its seller has answered the newer version",
                    offer.short()
                )
            }
        };
        if let Some(fields) = fields.as_object_mut() {
            fields.remove("event");
        }
        self.say(&name, told.at, fields, &line)
    }
}
