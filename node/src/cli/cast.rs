//! `intentcast cast`: says a want, and if asked waits for what comes of it.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use intentcast_protocol::{
    market::{IntentState, IntentView, OfferView},
    time::Timestamp,
};
use serde_json::json;

use super::{Exit, Failure, Global, document, offer, wait::Wait, watch};
use crate::{
    api::{CastReply, ToldFirst},
    client::Client,
    want::{Filled, Want},
};

/// A want, as flags.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct CastArgs {
    /// The want in your words
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Where: a code like GB-KHL, or a name that means one region alone
    #[arg(long, value_name = "CODE")]
    pub region: String,
    /// For how much at most, delivery and tax included: 500GBP
    #[arg(long, value_name = "MONEY")]
    pub budget: String,
    #[command(flatten)]
    pub more: WantArgs,
    /// Let your favourites hear of it so long before all others: 10m
    #[arg(long, value_name = "DURATION")]
    pub favourites_first: Option<String>,
    /// Wait for offers: so long (30s, 10m), or until so many are there
    #[arg(long, value_name = "DURATION|N")]
    pub wait: Option<Wait>,
}

/// What a want may say besides.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct WantArgs {
    /// What kind of thing: a path, a name or a synonym [default: by the words]
    #[arg(long, value_name = "NAME")]
    pub category: Option<String>,
    /// By when it must be there: 2026-12-24, or a moment of RFC 3339
    #[arg(long, value_name = "DATE")]
    pub need_by: Option<String>,
    /// How long to take offers: 30m, 2h, 3d [default: 1d]
    #[arg(long, value_name = "DURATION")]
    pub offers_due: Option<String>,
    /// What it must be: frame=XL, weight<=12kg (repeatable)
    #[arg(long, value_name = "K=V")]
    pub must: Vec<String>,
    /// What it had better be; the weight is 1 to 100 (repeatable)
    #[arg(long, value_name = "K=V[:WEIGHT]")]
    pub prefer: Vec<String>,
    /// What it had better not be (repeatable)
    #[arg(long, value_name = "K=V[:WEIGHT]")]
    pub avoid: Vec<String>,
    /// How many [default: 1]
    #[arg(long, value_name = "N")]
    pub quantity: Option<u32>,
    /// In what state: new,refurbished,used [default: new]
    #[arg(long, value_name = "CONDITION", value_delimiter = ',')]
    pub condition: Vec<String>,
    /// How it may come to you: delivery,pickup,on-site,remote [default: delivery]
    #[arg(long, value_name = "WAY", value_delimiter = ',')]
    pub fulfilment: Vec<String>,
    /// An H3 cell of the region, as closely as you like to tell
    #[arg(long, value_name = "CELL")]
    pub cell: Option<String>,
    /// Kilometres that you would go from the cell
    #[arg(long, value_name = "KM", default_value_t = 0, requires = "cell")]
    pub radius_km: u16,
    /// What a seller agrees to by answering; stands in place of SD-BASE and PDC-INTENT: SD-BASE-DP,PDC-AI (repeatable)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub terms: Vec<String>,
    /// Personal data that a seller may ask for: contact.email,address.delivery (repeatable)
    #[arg(long, value_name = "STRAND", value_delimiter = ',')]
    pub may_ask: Vec<String>,
    /// How much of the budget to say: public, committed, hidden, band, or a band like 400-600GBP [default: public]
    #[arg(long, value_name = "HOW")]
    pub show_budget: Option<String>,
    /// Tell a seller once it has signed the terms: place.exact=WHERE, text=MORE, photo=FILE, which its node may fetch from then on (repeatable)
    #[arg(long, value_name = "FIELD=VALUE")]
    pub once_signed: Vec<String>,
    /// Tell a seller once you have an agreement: the same, and contact.phone=NUMBER (repeatable)
    #[arg(long, value_name = "FIELD=VALUE")]
    pub once_accepted: Vec<String>,
    #[command(flatten)]
    pub metadata: document::MetadataArgs,
    /// Offers to take in all [default: 64]
    #[arg(long, value_name = "N")]
    pub max_offers: Option<u16>,
    /// Offers to take from one seller [default: 3]
    #[arg(long, value_name = "N")]
    pub offers_per_seller: Option<u8>,
    /// Rounds of haggling with each seller [default: 3]
    #[arg(long, value_name = "N")]
    pub rounds: Option<u8>,
}

impl WantArgs {
    /// The want of these flags.
    pub fn want(self, text: String, region: String, budget: String) -> Want {
        Want {
            want: text,
            region,
            budget,
            text: None,
            language: None,
            category: self.category,
            cell: self.cell,
            radius_km: self.radius_km,
            fulfilment: self.fulfilment,
            must: self.must,
            prefer: self.prefer,
            avoid: self.avoid,
            quantity: self.quantity,
            condition: self.condition,
            need_by: self.need_by,
            offers_due: self.offers_due,
            max_offers: self.max_offers,
            offers_per_seller: self.offers_per_seller,
            rounds: self.rounds,
            terms: self.terms,
            may_ask: self.may_ask,
            show_budget: self.show_budget,
            once_signed: self.once_signed,
            once_accepted: self.once_accepted,
            favourites_first: None,
        }
    }

    /// The same with the hash of each photo in the place of its file's name, and the photos, as they will be sent.
    ///
    /// # Errors
    /// Where a file cannot be read, or is no photo that is taken.
    pub fn hashed(mut self) -> Result<(Self, Vec<Vec<u8>>)> {
        let keep = self.metadata.keep_metadata;
        let mut photos = Vec::new();
        for said in self.once_signed.iter_mut().chain(&mut self.once_accepted) {
            let Some(file) = said.strip_prefix("photo=") else {
                continue;
            };
            if intentcast_protocol::id::unhex(file).is_some_and(|hash| hash.len() == 32) {
                continue;
            }
            let (hash, photo) = document::photo_of(Path::new(file), keep)?;
            photos.push(photo);
            *said = format!("photo={hash}");
        }
        Ok((self, photos))
    }
}

/// Puts the photos of a want on the node's disk, from where sellers get them who have come so far.
///
/// # Errors
/// Where the node does not take them.
pub async fn put_photos(client: &Client, photos: Vec<Vec<u8>>) -> Result<()> {
    for photo in photos {
        // What is left out was left out before it was hashed.
        document::put(client, photo, true).await?;
    }
    Ok(())
}

/// This machine's clock.
pub fn now() -> Timestamp {
    crate::driver::now()
}

/// Casts, and waits if asked.
pub async fn run(global: &Global, args: CastArgs) -> Result<()> {
    let CastArgs {
        text,
        region,
        budget,
        more,
        favourites_first,
        wait,
    } = args;
    let (more, photos) = more.hashed()?;
    let mut want = more.want(text, region, budget);
    want.favourites_first = favourites_first;
    // What cannot be meant is said before a node is needed.
    let (_, filled) = want.draft(now())?;
    tell_filled(&filled);
    let client = global.client()?;
    put_photos(&client, photos).await?;
    let cast: CastReply = client.post("/v1/intents", &want).await?;
    follow(global, &client, &cast, wait).await
}

/// Says what was cast, and waits if asked.
pub async fn follow(global: &Global, client: &Client, cast: &CastReply, wait: Option<Wait>) -> Result<()> {
    let out = global.out();
    out.line(format!("cast {}", cast.intent))?;
    match &cast.told_first {
        Some(ToldFirst {
            favourites,
            until: Some(until),
        }) => {
            out.line(format!(
                "{favourites} of your favourites hear of it first; all others at {until}"
            ))?;
        }
        Some(ToldFirst { until: None, .. }) => {
            out.line("no favourite of yours can be reached: it is said to all at once")?;
        }
        None => {}
    }
    let Some(wait) = wait else {
        let mut said = json!({ "event": "cast", "intent": cast.intent, "category": cast.category, "ms": 0 });
        if let Some(first) = &cast.told_first {
            said["told_first"] = serde_json::to_value(first)?;
        }
        out.value(&said)?;
        let short = cast.intent.short();
        out.line(format!(
            "see what comes: intentcast intent watch {short}, intentcast offer list {short}"
        ))?;
        return Ok(());
    };
    watch::until(global, client, cast.intent, Some(wait)).await?;
    finish(global, client, cast).await
}

/// Says on standard error what nobody said and was filled in.
pub fn tell_filled(filled: &[Filled]) {
    for what in filled {
        eprintln!("{what}");
    }
}

/// The ranked table, and the status: nobody heard it is a status of its own.
async fn finish(global: &Global, client: &Client, cast: &CastReply) -> Result<()> {
    let intent: IntentView = client.get(&format!("/v1/intents/{}", cast.intent)).await?;
    let offers: Vec<OfferView> = client.get(&format!("/v1/intents/{}/offers", cast.intent)).await?;
    let out = global.out();
    let ms = now().since(intent.created);
    out.value(&json!({
        "event": "done",
        "intent": cast.intent,
        "state": intent.state,
        "offers": intent.offers,
        "refused": intent.refused,
        "heard_by": intent.heard_by,
        "ms": ms,
    }))?;
    if !out.is_json() {
        offer::table_of(out, &offers)?;
    }
    let held_back = intent.head_start.as_ref().is_some_and(|it| it.until > now());
    if !held_back && intent.heard_by == 0 && intent.state == IntentState::Unheard {
        let why = "nobody has heard it yet: it waits in the outbox, and goes out when somebody is there";
        return Err(Failure::new(Exit::NoPeers, why).into());
    }
    if let Some(best) = offers.iter().find(|offer| offer.place == Some(1)) {
        out.line(format!("take the first: intentcast offer accept {}", best.id.short()))?;
    }
    Ok(())
}
