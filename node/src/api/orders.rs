//! What became of agreements: the seller says it, both look it up, and either holds its side against the other's.

use axum::{Json, extract::State, http::StatusCode};
use intentcast_protocol::{
    id::AgreementId,
    market::{AgreementView, Answered, Command, Compared},
    order::OrderState,
    receipt::OrderEvent,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    backend::Backend,
    ids::{Asked, Body, Id},
    market::unexpected,
    problem::Problem,
};
use crate::times::{beginning, moment};

/// The body of a receipt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBody {
    /// What happened.
    pub event: OrderEvent,
}

/// Which orders.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Words that the order says, all of them, in capitals or not.
    #[serde(default)]
    pub q: String,
    /// How far it has come.
    pub state: Option<OrderState>,
    /// Something happened to it on this day or later.
    pub since: Option<String>,
    /// Something happened to it on this day or earlier.
    pub until: Option<String>,
}

/// [`Which`], understood.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Sought {
    words: Vec<String>,
    state: Option<OrderState>,
    since: Timestamp,
    until: Timestamp,
}

impl Which {
    fn sought(self) -> Result<Sought, Problem> {
        let unclear = |field: &str, why: &dyn std::fmt::Display| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unclear", format!("{field}: {why}"))
        };
        let since = self.since.map_or(Ok(Timestamp(0)), |text| beginning(&text));
        let until = self.until.map_or(Ok(Timestamp(u64::MAX)), |text| moment(&text));
        Ok(Sought {
            words: self.q.split_whitespace().map(str::to_lowercase).collect(),
            state: self.state,
            since: since.map_err(|why| unclear("since", &why))?,
            // A day's last second is not over before the next one begins.
            until: until.map_err(|why| unclear("until", &why))?.plus_millis(999),
        })
    }
}

impl Sought {
    fn finds(&self, view: &AgreementView) -> bool {
        let within = |at: Timestamp| (self.since..=self.until).contains(&at);
        let happened = within(view.at) || view.receipts.iter().any(|receipt| within(receipt.at));
        if !happened || self.state.is_some_and(|state| state != view.order.state) {
            return false;
        }
        let said = said_of(view);
        self.words.iter().all(|word| said.contains(word))
    }
}

/// All that an order says, in small letters.
fn said_of(view: &AgreementView) -> String {
    let mut said = vec![
        view.id.to_string(),
        view.customer.to_string(),
        view.seller.to_string(),
        view.agreed.seller.name.to_string(),
    ];
    for line in &view.agreed.lines {
        said.extend([line.title.to_string(), line.brand.to_string(), line.item.to_string()]);
    }
    for receipt in &view.receipts {
        said.push(receipt.receipt.event.to_string());
    }
    said.join("\n").to_lowercase()
}

pub async fn list<B: Backend>(
    State(shared): State<Shared<B>>,
    Asked(which): Asked<Which>,
) -> Result<Json<Vec<AgreementView>>, Problem> {
    let sought = which.sought()?;
    let mut all = shared.backend.read(|_, market| market.agreements()).await?;
    all.retain(|view| sought.finds(view));
    Ok(Json(all))
}

pub async fn tell<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(agreement): Id<AgreementId>,
    Body(ReceiptBody { event }): Body<ReceiptBody>,
) -> Result<Json<Answered>, Problem> {
    Ok(Json(
        shared.backend.command(Command::Receipt { agreement, event }).await?,
    ))
}

pub async fn verify<B: Backend>(
    State(shared): State<Shared<B>>,
    Id(agreement): Id<AgreementId>,
) -> Result<Json<Compared>, Problem> {
    match shared.backend.command(Command::Compare(agreement)).await? {
        Answered::Compared(compared) => Ok(Json(*compared)),
        answered => Err(unexpected(&answered)),
    }
}
