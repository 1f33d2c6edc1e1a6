//! `intentcast cart`: what you want, what you saved of what is offered, and what you wish for one day.

use anyhow::Result;
use clap::{Args, Subcommand};
use intentcast_protocol::{id::OfferId, text::Word};
use serde_json::json;

use super::{
    Failure, Global,
    cast::{self, WantArgs},
    offer,
    out::{Out, clean, table},
    pick::Prefix,
    wait::Wait,
};
use crate::{
    api::{CastReply, InCart},
    cart::{Cart, Ending, Saved, Wish, ceiling},
    client::{Client, escaped},
};

/// What to do with the cart.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum CartCommand {
    /// Open wants, saved offers and wishes, what they come to, and what ends soon
    List,
    /// Save an offer
    Save {
        /// Its id, or the first digits of it
        offer: Prefix,
    },
    /// Take out a wish, or a saved offer
    Remove {
        /// The wish's name, or the offer's id or the first digits of it
        what: String,
    },
    /// Keep a want under a name, without casting it
    Wish(Box<WishArgs>),
    /// Cast a wish: it becomes a want, and leaves the cart
    Cast {
        /// The wish's name
        name: String,
        /// Wait for offers: so long (30s, 10m), or until so many are there
        #[arg(long, value_name = "DURATION|N")]
        wait: Option<Wait>,
    },
}

/// A wish, as flags.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct WishArgs {
    /// What to call it; a later one of the same name takes its place
    pub name: String,
    /// The want in your words
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Where: a code like GB-KHL, or a name that means one region alone
    #[arg(long, value_name = "CODE")]
    pub region: String,
    /// For how much at most, delivery and tax included: 500GBP
    #[arg(long, value_name = "MONEY")]
    pub budget: String,
    /// Let your favourites hear of it so long before all others: 10m
    #[arg(long, value_name = "DURATION")]
    pub favourites_first: Option<String>,
    #[command(flatten)]
    pub more: WantArgs,
}

pub async fn run(global: &Global, command: CartCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        CartCommand::List => list(&client, out).await?,
        CartCommand::Save { offer } => {
            let id = offer::pick(&client, &offer).await?;
            let kept: InCart = client.post(&format!("/v1/cart/offers/{id}"), &json!({})).await?;
            out.value(&json!({ "event": "saved", "offer": id, "before": kept.before }))?;
            let before = if kept.before { ", as it was" } else { "" };
            out.line(format!("{id} is in the cart{before}"))?;
        }
        CartCommand::Remove { what } => remove(&client, out, &what).await?,
        CartCommand::Wish(args) => {
            let WishArgs {
                name,
                text,
                region,
                budget,
                favourites_first,
                more,
            } = *args;
            let name = Word::new(&name).map_err(|why| Failure::usage(format!("name: {why}")))?;
            let (more, photos) = more.hashed()?;
            let mut want = more.want(text, region, budget);
            want.favourites_first = favourites_first;
            let (_, filled) = want.draft(cast::now())?;
            cast::tell_filled(&filled);
            cast::put_photos(&client, photos).await?;
            let wish = Wish { name, want };
            let kept: InCart = client.post("/v1/cart/wishes", &wish).await?;
            out.value(&json!({ "event": "wished", "name": wish.name, "before": kept.before }))?;
            let before = if kept.before {
                ", in the place of what it was"
            } else {
                ""
            };
            out.line(format!(
                "{} is in the cart{before}; nobody is told of it",
                clean(wish.name.as_str())
            ))?;
        }
        CartCommand::Cast { name, wait } => {
            let path = format!("/v1/cart/wishes/{}/cast", escaped(&name));
            let reply: CastReply = client.post(&path, &json!({})).await?;
            cast::follow(global, &client, &reply, wait).await?;
        }
    }
    Ok(())
}

async fn remove(client: &Client, out: Out, what: &str) -> Result<()> {
    let cart: Cart = client.get("/v1/cart").await?;
    if cart.wishes.iter().any(|wish| wish.name.as_str() == what) {
        let _: InCart = client.delete(&format!("/v1/cart/wishes/{}", escaped(what))).await?;
        out.value(&json!({ "event": "removed", "wish": what }))?;
        out.line(format!("{} is in the cart no more", clean(what)))?;
        return Ok(());
    }
    let Ok(prefix) = what.parse::<Prefix>() else {
        anyhow::bail!(
            "nothing called {} is in the cart: `cart list` shows what is",
            clean(what)
        );
    };
    let saved = cart.offers.iter().map(|saved| saved.id);
    let id: OfferId = prefix.pick("saved offer", saved)?;
    let _: InCart = client.delete(&format!("/v1/cart/offers/{id}")).await?;
    out.value(&json!({ "event": "removed", "offer": id }))?;
    out.line(format!("{id} is in the cart no more"))?;
    Ok(())
}

/// The cart: all of it in one value for programs, a table each for people.
pub async fn list(client: &Client, out: Out) -> Result<()> {
    let cart: Cart = client.get("/v1/cart").await?;
    out.value(&cart)?;
    if cart.intents.is_empty() && cart.offers.is_empty() && cart.wishes.is_empty() {
        out.line("the cart is empty: `cast`, `cart save` and `cart wish` put something in")?;
        return Ok(());
    }
    if !cart.intents.is_empty() {
        let rows = cart.intents.iter().map(|view| {
            vec![
                view.id.short(),
                view.intent.title.to_string(),
                ceiling(view).map(|money| money.to_string()).unwrap_or_default(),
                view.offers.to_string(),
                view.intent.offers_due.to_string(),
            ]
        });
        out.line(table(&["want", "in words", "at most", "offers", "offers until"], rows))?;
    }
    if !cart.offers.is_empty() {
        out.line(table(
            &["saved", "seller", "offer", "total", "until", "state"],
            cart.offers.iter().map(saved_row),
        ))?;
    }
    if !cart.wishes.is_empty() {
        let rows = cart.wishes.iter().map(|wish| {
            let want = &wish.want;
            vec![
                wish.name.to_string(),
                want.want.clone(),
                want.region.clone(),
                want.budget.clone(),
            ]
        });
        out.line(table(&["wish", "in words", "region", "at most"], rows))?;
    }
    for sum in &cart.sums {
        out.line(format!(
            "{}: open wants at most {}, saved offers {} (the cheapest of each want {}), wishes at most {}",
            sum.currency, sum.wanted, sum.saved, sum.least, sum.wished
        ))?;
    }
    for soon in &cart.soon {
        let what = match soon.what {
            Ending::OffersDue { intent } => format!("want {} takes no more offers", intent.short()),
            Ending::Intent { intent } => format!("want {} ends", intent.short()),
            Ending::Offer { offer } => format!("offer {} ends", offer.short()),
        };
        out.line(format!("soon, at {}: {what}", soon.at))?;
    }
    Ok(())
}

fn saved_row(saved: &Saved) -> Vec<String> {
    let Some(view) = &saved.offer else {
        let mut row = vec![String::new(); 6];
        (row[0], row[5]) = (saved.id.short(), "gone: another has its place".into());
        return row;
    };
    let said = view.offer.as_ref();
    vec![
        saved.id.short(),
        said.map(|offer| offer.seller.name.to_string()).unwrap_or_default(),
        offer::title(view),
        said.map(|offer| offer.totals.landed().to_string()).unwrap_or_default(),
        said.map(|offer| offer.valid_until.to_string()).unwrap_or_default(),
        offer::state(&view.state),
    ]
}
