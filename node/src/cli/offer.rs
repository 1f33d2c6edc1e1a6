//! `intentcast offer`: what sellers promise, why each stands where it does, and why some were not taken in.

use std::io;

use anyhow::Result;
use clap::{Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};
use intentcast_protocol::{
    id::{IntentId, OfferId},
    market::{Answered, DeliveryState, IntentView, OfferState, OfferView, Role},
    offer::{Fit, Reason},
};
use serde_json::json;

use super::{Global, intent, out::Out, pick::Prefix};
use crate::{api::DeclineBody, client::Client};

/// What to do with offers.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum OfferCommand {
    /// The offers to a want in order, or all
    List {
        /// The want's id, or the first digits of it
        intent: Option<Prefix>,
        /// Those that were not taken in as well
        #[arg(long)]
        refused: bool,
    },
    /// One offer, whole, with every check and every point
    Show {
        /// Its id, or the first digits of it
        offer: Prefix,
    },
    /// Say yes
    Accept {
        /// Its id, or the first digits of it
        offer: Prefix,
    },
    /// Open to its seller what your want keeps back from it and it has come far enough to see, the budget too
    Disclose {
        /// Its id, or the first digits of it
        offer: Prefix,
    },
    /// As a seller: take an offer of yours back
    Retract {
        /// Its id, or the first digits of it
        offer: Prefix,
    },
    /// Say no
    Decline {
        /// Its id, or the first digits of it
        offer: Prefix,
        /// All that the seller learns
        #[arg(long, default_value = "other", value_parser = reason_parser())]
        reason: Reason,
    },
}

pub(super) fn reason_parser() -> impl clap::builder::TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.map(Reason::word)).map(|word| {
        let known = Reason::ALL.into_iter().find(|reason| reason.word() == word);
        known.expect("clap takes only the words that it was given")
    })
}

/// The one offer that begins so.
pub async fn pick(client: &Client, prefix: &Prefix) -> Result<OfferId> {
    let all: Vec<OfferView> = client.get("/v1/offers").await?;
    prefix.pick("offer", all.into_iter().map(|view| view.id))
}

pub async fn run(global: &Global, command: OfferCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        OfferCommand::List { intent, refused } => {
            let of_one = match &intent {
                Some(prefix) => Some(intent::pick(&client, prefix).await?),
                None => None,
            };
            let mut offers: Vec<OfferView> = match of_one {
                Some(id) => client.get(&format!("/v1/intents/{id}/offers")).await?,
                None => client.get("/v1/offers").await?,
            };
            let hidden = offers
                .iter()
                .filter(|offer| matches!(offer.state, OfferState::Refused { .. }))
                .count();
            if !refused {
                offers.retain(|offer| !matches!(offer.state, OfferState::Refused { .. }));
            }
            if of_one.is_some() || out.is_json() || offers.is_empty() {
                table_of(out, &offers)?;
            } else {
                by_want(out, &client, &offers).await?;
            }
            if hidden > 0 && !refused {
                out.line(format!("{hidden} were not taken in: --refused shows them"))?;
            }
        }
        OfferCommand::Show { offer } => {
            let id = pick(&client, &offer).await?;
            let view: OfferView = client.get(&format!("/v1/offers/{id}")).await?;
            out.value(&view)?;
            show(out, &view)?;
            if let Some(intent) = view.intent.filter(|_| !out.is_json()) {
                let intent: Option<IntentView> = client.get(&format!("/v1/intents/{intent}")).await.ok();
                for sentence in intent.iter().flat_map(|view| view.intent.terms.explain()) {
                    out.line(format!("  {sentence}"))?;
                }
            }
        }
        OfferCommand::Accept { offer } => {
            let id = pick(&client, &offer).await?;
            let answered: Answered = client.post(&format!("/v1/offers/{id}/accept"), &json!({})).await?;
            let Answered::Accepted(agreement) = answered else {
                anyhow::bail!("the node answered {answered:?}");
            };
            out.value(&json!({ "event": "accepted", "offer": id, "agreement": agreement }))?;
            out.line(format!(
                "accepted {id}\nonce the seller confirms, this is agreement {agreement}"
            ))?;
            out.line(format!("see it: intentcast receipt show {}", agreement.short()))?;
        }
        OfferCommand::Disclose { offer } => {
            let id = pick(&client, &offer).await?;
            let answered: Answered = client.post(&format!("/v1/offers/{id}/disclose"), &json!({})).await?;
            out.value(&json!({ "event": "disclosed", "offer": id, "opened": answered != Answered::Ok }))?;
            out.line(match answered {
                Answered::Ok => format!("nothing more is due to the seller of {}", id.short()),
                _ => format!("opened to the seller of {}", id.short()),
            })?;
        }
        OfferCommand::Retract { offer } => {
            let id = pick(&client, &offer).await?;
            let _: Answered = client.post(&format!("/v1/offers/{id}/retract"), &json!({})).await?;
            out.value(&json!({ "event": "retracted", "offer": id }))?;
            out.line(format!("taken back {id}"))?;
        }
        OfferCommand::Decline { offer, reason } => {
            let id = pick(&client, &offer).await?;
            let _: Answered = client
                .post(&format!("/v1/offers/{id}/decline"), &DeclineBody { reason })
                .await?;
            out.value(&json!({ "event": "declined", "offer": id, "reason": reason }))?;
            out.line(format!("declined {id}"))?;
        }
    }
    Ok(())
}

/// What is offered, in its own words.
pub fn title(view: &OfferView) -> String {
    let Some(offer) = &view.offer else { return "-".into() };
    let mut titles = offer.lines.iter().map(|line| match line.quantity {
        1 => line.title.to_string(),
        count => format!("{count} x {}", line.title),
    });
    let first = titles.next().unwrap_or_default();
    match titles.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A table for each want, since places are among the offers to one.
async fn by_want(out: Out, client: &Client, offers: &[OfferView]) -> Result<()> {
    let wants: Vec<IntentView> = client.get("/v1/intents").await?;
    let mut groups: Vec<(Option<IntentId>, Vec<OfferView>)> = Vec::new();
    for offer in offers {
        match groups.iter_mut().find(|(of, _)| *of == offer.intent) {
            Some((_, group)) => group.push(offer.clone()),
            None => groups.push((offer.intent, vec![offer.clone()])),
        }
    }
    for (of, group) in groups {
        let want = wants.iter().find(|view| Some(view.id) == of);
        let named = of.map_or_else(|| "no want of yours".into(), |id| id.short());
        let title = want.map_or("", |view| view.intent.title.as_str());
        let stands = want.map_or("", |view| intent::state(view.state));
        out.line(format!("{named}  {} ({stands})", super::out::clean(title)))?;
        table_of(out, &group)?;
    }
    Ok(())
}

/// The offers in their order, with why each stands where it does.
///
/// # Errors
/// When nobody reads any more.
pub fn table_of(out: Out, offers: &[OfferView]) -> io::Result<()> {
    let head = ["#", "id", "seller", "offer", "total", "there by", "state", "why"];
    let row = |view: &OfferView| {
        let said = view.offer.as_ref();
        vec![
            view.place.map(|place| place.to_string()).unwrap_or_default(),
            view.id.short(),
            said.map_or_else(|| "-".into(), |offer| offer.seller.name.to_string()),
            title(view),
            said.map(|offer| offer.totals.landed().to_string()).unwrap_or_default(),
            said.map(|offer| offer.deliver_by.to_string()[..10].to_owned())
                .unwrap_or_default(),
            state(&view.state),
            why(view),
        ]
    };
    out.list(offers, &head, row, "no offers yet")
}

fn why(view: &OfferView) -> String {
    match (&view.state, &view.score) {
        (OfferState::Refused { detail, .. }, _) => detail.clone(),
        (OfferState::Outdated { why }, _) => why.clone(),
        (OfferState::OverBudget, _) => "over the budget that you do not say; its seller is not told".into(),
        (_, Some(score)) => format!("{}: {score}", score.total()),
        (_, None) => String::new(),
    }
}

/// How far a record has come, in words.
pub fn delivery(state: DeliveryState) -> String {
    match state {
        DeliveryState::Queued { attempts: 0 } => "on its way".into(),
        DeliveryState::Queued { attempts } => format!("on its way, {attempts} tries"),
        DeliveryState::Stored => "there".into(),
        DeliveryState::Refused { why } => format!("refused there ({})", why.word()),
        DeliveryState::Expired => "never reached anybody".into(),
    }
}

/// How an offer stands, in words.
pub fn state(state: &OfferState) -> String {
    match state {
        OfferState::Open => "open".into(),
        OfferState::Refused { why, .. } => format!("refused ({})", why.word()),
        OfferState::Expired => "expired".into(),
        OfferState::Declined { reason } => format!("declined ({})", reason.word()),
        OfferState::Accepted { delivery: way } => format!("accepted, {}", delivery(*way)),
        OfferState::NotHonoured { why, difference } => match difference {
            Some(difference) => format!("not honoured ({}): {difference}", why.word()),
            None => format!("not honoured ({})", why.word()),
        },
        OfferState::Agreed { .. } => "agreed".into(),
        OfferState::Revised { by } => format!("revised: now {}", by.short()),
        OfferState::Retracted => "taken back".into(),
        OfferState::Blocked => "blocked: its seller is".into(),
        OfferState::Closed => "closed: the want is over".into(),
        OfferState::Superseded => "superseded".into(),
        OfferState::OverBudget => "over budget".into(),
        OfferState::Outdated { .. } => "outdated".into(),
    }
}

fn show(out: Out, view: &OfferView) -> io::Result<()> {
    let mut fields = vec![
        ("id", view.id.to_string()),
        ("state", state(&view.state)),
        ("intent", view.intent.map(|id| id.to_string()).unwrap_or_default()),
        ("signed by", view.seller.map(|key| key.to_string()).unwrap_or_default()),
    ];
    if let OfferState::Refused { detail, .. } = &view.state {
        fields.push(("why", detail.clone()));
    }
    if let OfferState::Outdated { why } = &view.state {
        fields.push(("why", why.clone()));
    }
    if let OfferState::Agreed { agreement } = &view.state {
        fields.push(("agreement", agreement.to_string()));
    }
    if view.role == Role::Seller
        && let Some(way) = view.delivery
    {
        fields.push(("sent", delivery(way)));
    }
    if let Some(offer) = &view.offer {
        fields.push(("seller", offer.seller.name.to_string()));
        for line in &offer.lines {
            let each = intentcast_protocol::money::Money::new(line.unit_minor, offer.totals.currency);
            let fit = match &line.fit {
                Fit::Exact => String::new(),
                Fit::Near(why) => format!(", near: {why}"),
            };
            fields.push((
                "line",
                format!(
                    "{} x {} at {each}, {}{fit}",
                    line.quantity,
                    line.title,
                    line.condition.word()
                ),
            ));
            let like: Vec<String> = line
                .attributes
                .iter()
                .map(|attribute| format!("{} {}", attribute.name, attribute.value))
                .collect();
            fields.push(("  like", like.join(", ")));
        }
        let minor = |minor| intentcast_protocol::money::Money::new(minor, offer.totals.currency).to_string();
        fields.push(("goods", minor(offer.totals.goods)));
        fields.push((
            "delivery",
            format!("{} ({})", minor(offer.totals.delivery), offer.serves),
        ));
        fields.push((
            "total",
            format!("{}, {} of it tax", offer.totals.landed(), minor(offer.totals.tax)),
        ));
        fields.push(("there by", offer.deliver_by.to_string()));
        fields.push(("valid until", offer.valid_until.to_string()));
        fields.push((
            "held until",
            offer.held_until.map(|at| at.to_string()).unwrap_or_default(),
        ));
        fields.push(("returns", format!("{} days", offer.returns_days)));
        fields.push(("warranty", format!("{} months", offer.warranty_months)));
        fields.push((
            "needs",
            offer
                .needs
                .iter()
                .map(|need| format!("{}: {}", need.strand, need.purpose))
                .collect::<Vec<_>>()
                .join(", "),
        ));
        fields.push(("terms", offer.terms.to_string()));
    }
    out.fields(&fields)?;
    for check in view.admission.iter().flat_map(|admission| &admission.checks) {
        out.line(format!("  {}", super::out::clean(&check.test.to_string())))?;
    }
    if let Some(score) = &view.score {
        let place = view.place.map(|place| format!("place {place}, ")).unwrap_or_default();
        out.line(format!("{place}{} points:", score.total()))?;
        for part in &score.parts {
            out.line(format!(
                "  {:+5} {}: {}",
                part.points,
                super::out::clean(&part.what),
                super::out::clean(&part.why)
            ))?;
        }
    }
    Ok(())
}
