//! `intentcast order`: what becomes of what was agreed. The seller says it; both sides can look it up.

use anyhow::Result;
use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};
use intentcast_protocol::{
    letter::{Ask, Matter},
    market::{AgreementView, Answered, ReceiptView, Role},
    money::Money,
    order::OrderState,
    receipt::OrderEvent,
    text::{Name, Phrase, TextError},
};
use serde_json::json;

use super::{
    Failure, Global, agreement,
    offer::delivery,
    out::{Out, clean},
    pick::Prefix,
    thread::write,
};
use crate::{
    api::{ReceiptBody, Subject},
    client::{Client, escaped},
};

/// What to do with orders.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum OrderCommand {
    /// Your orders, bought and sold, newest first
    List(ListArgs),
    /// One order, with every receipt
    Show {
        /// The agreement's id, or the first digits of it
        order: Prefix,
    },
    /// As the seller: money arrived
    Paid {
        /// The agreement's id, or the first digits of it
        order: Prefix,
        /// The payment's reference
        #[arg(long, value_name = "TEXT")]
        reference: String,
    },
    /// As the seller: a parcel is on its way; once for each
    Ship {
        /// The agreement's id, or the first digits of it
        order: Prefix,
        /// Who carries it
        #[arg(long, value_name = "NAME")]
        carrier: String,
        /// Their number for it
        #[arg(long, value_name = "TEXT", default_value = "")]
        tracking: String,
    },
    /// As the seller: it is there
    Deliver {
        /// The agreement's id, or the first digits of it
        order: Prefix,
    },
    /// As the seller: it came back; as the customer: ask to send it back
    Return {
        /// The agreement's id, or the first digits of it
        order: Prefix,
        /// Why, as the customer
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// As the seller: money went back
    Refund {
        /// The agreement's id, or the first digits of it
        order: Prefix,
        /// How much [default: all that is left of what was agreed]
        #[arg(long, value_name = "MONEY")]
        amount: Option<String>,
    },
    /// As the seller: it is off, which it can be until a parcel is on its way; as the customer: ask for that
    Cancel {
        /// The agreement's id, or the first digits of it
        order: Prefix,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// All that a seller gathered about the customer of an order, signed: as the seller write it, as the customer ask for it
    Data {
        /// The agreement's id, or the first digits of it
        order: Prefix,
        /// Where to; it must not be there yet [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<std::path::PathBuf>,
        /// How long to wait for the seller, as the customer
        #[arg(long, value_name = "TIME", default_value = "1m", value_parser = crate::times::duration)]
        wait: intentcast_protocol::time::Seconds,
    },
}

/// Which orders.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct ListArgs {
    /// Words that an order says, all of them: of its items, its seller, its receipts
    pub words: Vec<String>,
    /// Only those that have come so far
    #[arg(long, value_parser = state_parser())]
    pub state: Option<OrderState>,
    /// Only those to which something happened on this day or later
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// Only those to which something happened on this day or earlier
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Those that were imported, instead of those of this node
    #[arg(long, conflicts_with_all = ["state", "since", "until"])]
    pub archived: bool,
}

fn state_parser() -> impl clap::builder::TypedValueParser<Value = OrderState> {
    PossibleValuesParser::new(OrderState::ALL.map(OrderState::word)).map(|word| {
        let known = OrderState::ALL.into_iter().find(|state| state.word() == word);
        known.expect("clap takes only the words that it was given")
    })
}

pub async fn run(global: &Global, command: OrderCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        OrderCommand::List(ListArgs {
            words,
            state,
            since,
            until,
            archived: _,
        }) => {
            let asked = [
                ("q", Some(words.join(" ")).filter(|words| !words.is_empty())),
                ("state", state.map(|state| state.word().to_owned())),
                ("since", since),
                ("until", until),
            ];
            let asked = asked
                .into_iter()
                .filter_map(|(name, value)| value.map(|value| (name, value)));
            let query: Vec<String> = asked
                .map(|(name, value)| format!("{name}={}", escaped(&value)))
                .collect();
            let all: Vec<AgreementView> = client.get(&format!("/v1/orders?{}", query.join("&"))).await?;
            agreement::table_of(out, &all, "no such orders")?;
        }
        OrderCommand::Show { order } => {
            let id = agreement::pick(&client, "order", &order).await?;
            let view: AgreementView = client.get(&format!("/v1/agreements/{id}")).await?;
            out.value(&view)?;
            show(out, &view)?;
        }
        OrderCommand::Paid { order, reference } => {
            let reference = Phrase::new(&reference).map_err(|why| unclear("reference", &why))?;
            tell(&client, out, &order, OrderEvent::Paid { reference }).await?;
        }
        OrderCommand::Ship {
            order,
            carrier,
            tracking,
        } => {
            let carrier = Name::new(&carrier).map_err(|why| unclear("carrier", &why))?;
            let tracking = Phrase::new(&tracking).map_err(|why| unclear("tracking", &why))?;
            tell(&client, out, &order, OrderEvent::Shipped { carrier, tracking }).await?;
        }
        OrderCommand::Deliver { order } => tell(&client, out, &order, OrderEvent::Delivered).await?,
        OrderCommand::Return { order, reason } => {
            if !ask(&client, out, &order, Ask::Return, &reason).await? {
                tell(&client, out, &order, OrderEvent::Returned).await?;
            }
        }
        OrderCommand::Refund { order, amount } => {
            let amount = match amount {
                Some(amount) => amount.parse().map_err(|why| Failure::usage(format!("amount: {why}")))?,
                None => left(&client, &order).await?,
            };
            tell(&client, out, &order, OrderEvent::Refunded { amount }).await?;
        }
        OrderCommand::Cancel { order, reason } => {
            if ask(&client, out, &order, Ask::Cancel, &reason).await? {
                return Ok(());
            }
            let reason = Phrase::new(&reason).map_err(|why| unclear("reason", &why))?;
            tell(&client, out, &order, OrderEvent::Cancelled { reason }).await?;
        }
        OrderCommand::Data { .. } => unreachable!("it is worked out of the ledger, without the node"),
    }
    Ok(())
}

/// As the customer of an order: asks its seller for something. False for the seller's own order.
async fn ask(client: &Client, out: Out, order: &Prefix, what: Ask, why: &str) -> Result<bool> {
    let id = agreement::pick(client, "order", order).await?;
    let view: AgreementView = client.get(&format!("/v1/agreements/{id}")).await?;
    if view.role == Role::Seller {
        return Ok(false);
    }
    let why = Phrase::new(why).map_err(|wrong| unclear("reason", &wrong))?;
    write(client, out, Subject::Agreement(id), Matter::Asked { what, why }).await?;
    Ok(true)
}

fn unclear(field: &str, why: &TextError) -> Failure {
    Failure::usage(format!("{field}: {why}"))
}

async fn left(client: &Client, order: &Prefix) -> Result<Money> {
    let id = agreement::pick(client, "order", order).await?;
    let view: AgreementView = client.get(&format!("/v1/agreements/{id}")).await?;
    Ok(view.order.left)
}

/// Says what happened, and what was signed for it.
async fn tell(client: &Client, out: Out, order: &Prefix, event: OrderEvent) -> Result<()> {
    let id = agreement::pick(client, "order", order).await?;
    let path = format!("/v1/agreements/{id}/receipts");
    let body = ReceiptBody { event };
    let answered: Answered = client.post(&path, &body).await?;
    let Answered::Receipt { receipt, .. } = answered else {
        anyhow::bail!("the node answered {answered:?}");
    };
    let what = body.event.word();
    out.value(&json!({ "event": "receipt", "agreement": id, "receipt": receipt, "what": what }))?;
    out.line(format!("{}: receipt {receipt}, on its way to the customer", body.event))?;
    Ok(())
}

fn show(out: Out, view: &AgreementView) -> Result<()> {
    let order = &view.order;
    let date = |at: Option<intentcast_protocol::time::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let mut fields = agreement::fields(view);
    fields.retain(|(name, _)| !matches!(*name, "intent" | "offer" | "terms" | "bytes hash"));
    fields.extend([
        ("delivered", date(order.delivered_at)),
        ("returns until", date(order.returns_until)),
        ("warranty until", date(order.warranty_until)),
    ]);
    if let Some(since) = view.unsure_since {
        fields.push(("waits", super::catch_up::waits(since, &view.id.short())));
    }
    if order.refunded.minor > 0 {
        let refunded = format!("{}, {} left", order.refunded, order.left);
        fields.push(("refunded", refunded));
    }
    if view.role == Role::Seller {
        fields.push(("may be", order.may.join(", ")));
    }
    out.fields(&fields)?;
    for receipt in &view.receipts {
        out.line(line(receipt))?;
    }
    for difference in &view.differences {
        out.line(format!("refused: {}", clean(&difference.to_string())))?;
    }
    Ok(())
}

/// A receipt on one line.
pub fn line(receipt: &ReceiptView) -> String {
    let way = receipt.delivery.map(|state| format!("  ({})", delivery(state)));
    format!(
        "receipt {}  {}  {}{}",
        receipt.id,
        receipt.at,
        clean(&receipt.receipt.event.to_string()),
        way.unwrap_or_default()
    )
}
