//! `intentcast rate`: what somebody who bought says of the seller, without saying who they are.

use std::{path::PathBuf, pin::pin, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use futures::StreamExt as _;
use intentcast_protocol::{
    envelope::{Verified, open},
    id::unhex,
    market::{AgreementView, Answered, Event},
    rating::Rating,
    text::Prose,
};
use serde_json::json;

use super::{Failure, Global, agreement, pick::Prefix};
use crate::{api::RateBody, client::Client};

/// How long the seller has to sign the key.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to rate, and how; or a rating to check.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct RateArgs {
    /// The agreement's id, or the first digits of it
    #[arg(required_unless_present = "verify")]
    pub order: Option<Prefix>,
    /// 1 to 5
    #[arg(long, value_name = "N", required_unless_present = "verify", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub stars: Option<u8>,
    /// In words
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub text: String,
    /// Write the signed rating here, to be shown to anybody
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Check a signed rating instead, without a node
    #[arg(long, value_name = "FILE", conflicts_with_all = ["order", "stars", "output"])]
    pub verify: Option<PathBuf>,
}

/// Rates; where the seller has not signed a key for this order yet it is asked, and waited for.
pub async fn run(global: &Global, args: RateArgs) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    let (Some(order), Some(stars)) = (&args.order, args.stars) else {
        return Err(Failure::usage("say which order, and --stars").into());
    };
    let text = Prose::new(&args.text).map_err(|why| Failure::usage(format!("--text: {why}")))?;
    let id = agreement::pick(&client, "order", order).await?;
    let path = format!("/v1/agreements/{id}/rate");
    let body = RateBody { stars, text };
    let mut events = pin!(client.events(None, None).await?);
    let mut answered: Answered = client.post(&path, &body).await?;
    if let Answered::Said(_) = answered {
        out.line("the seller is asked to sign a rating key")?;
        let signed = async {
            while let Some(told) = events.next().await {
                if let Event::Letter { what, .. } = told?.event
                    && what == "rating_given"
                {
                    return Ok::<_, anyhow::Error>(());
                }
            }
            bail!("the node stopped")
        };
        let late = "the seller did not answer yet: the request waits in the outbox, run the same command later";
        tokio::time::timeout(PATIENCE, signed).await.context(late)??;
        answered = client.post(&path, &body).await?;
    }
    let Answered::Rated(rating) = answered else {
        bail!("the node answered {answered:?}");
    };
    let view = rated(&client, id).await?;
    if let Some(file) = &args.output {
        std::fs::write(file, format!("{}\n", view.record))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    out.value(&json!({ "event": "rated", "agreement": id, "rating": rating, "record": view.record }))?;
    out.line(format!("rated {} with {stars} of 5", id.short()))?;
    Ok(())
}

async fn rated(
    client: &Client,
    id: intentcast_protocol::id::AgreementId,
) -> Result<intentcast_protocol::market::RatingView> {
    let view: AgreementView = client.get(&format!("/v1/agreements/{id}")).await?;
    view.rating.context("the rating is not there")
}

/// Checks a rating that somebody shows.
pub fn verify(global: &Global, file: &std::path::Path) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let bytes = unhex(text.trim()).filter(|bytes| bytes.len() < 4096);
    let wrong = |why: String| Failure::unsound(format!("{}: the rating does not hold: {why}", file.display()));
    let bytes = bytes.ok_or_else(|| wrong("it is not one line of hexadecimal digits".into()))?;
    let rating: Verified<Rating> = open(&bytes).map_err(|fault| wrong(fault.to_string()))?;
    let (seller, category) = rating.of().map_err(|fault| wrong(fault.to_string()))?;
    let out = global.out();
    let path = category.lookup().map_or("unknown", |category| category.path);
    out.value(&json!({
        "seller": seller, "category": path, "stars": rating.stars, "text": rating.text, "at": rating.header().created,
    }))?;
    out.fields(&[
        ("seller", seller.to_string()),
        ("bought", path.to_owned()),
        ("stars", format!("{} of 5", rating.stars)),
        ("text", rating.text.to_string()),
        ("at", rating.header().created.to_string()),
    ])?;
    Ok(())
}
