//! `intentcast intent amend` and `intent renew`: a want said otherwise, and one that is over cast once more.

use anyhow::Result;
use clap::Args;
use intentcast_protocol::{id::IntentId, market::Answered};
use serde_json::json;

use super::{Global, cast::now, intent::pick, pick::Prefix};
use crate::{api::CastReply, want::WantChange};

/// What is to be other, as flags; what is left out stays.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct ChangeArgs {
    /// The want in other words
    #[arg(long, value_name = "TEXT")]
    pub want: Option<String>,
    /// More words
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// For how much at most, delivery and tax included: 500GBP
    #[arg(long, value_name = "MONEY")]
    pub budget: Option<String>,
    /// How much of the budget to say: public, committed, hidden, band, or a band like 400-600GBP
    #[arg(long, value_name = "HOW")]
    pub show_budget: Option<String>,
    /// What it must be, in the place of all you asked of the same attribute (repeatable)
    #[arg(long, value_name = "K=V")]
    pub must: Vec<String>,
    /// What it had better be; the weight is 1 to 100 (repeatable)
    #[arg(long, value_name = "K=V[:WEIGHT]")]
    pub prefer: Vec<String>,
    /// What it had better not be (repeatable)
    #[arg(long, value_name = "K=V[:WEIGHT]")]
    pub avoid: Vec<String>,
    /// Ask nothing of this attribute any more (repeatable)
    #[arg(long, value_name = "K")]
    pub drop: Vec<String>,
    /// By when it must be there: 2026-12-24, a moment of RFC 3339, or any
    #[arg(long, value_name = "DATE")]
    pub need_by: Option<String>,
    /// How many
    #[arg(long, value_name = "N")]
    pub quantity: Option<u32>,
    /// In what state: new,refurbished,used
    #[arg(long, value_name = "CONDITION", value_delimiter = ',')]
    pub condition: Vec<String>,
    /// How it may come to you: delivery,pickup,on-site,remote
    #[arg(long, value_name = "WAY", value_delimiter = ',')]
    pub fulfilment: Vec<String>,
    /// What kind of thing: a path, a name or a synonym
    #[arg(long, value_name = "NAME")]
    pub category: Option<String>,
    /// Where: a code like GB-KHL, or a name that means one region alone
    #[arg(long, value_name = "CODE")]
    pub region: Option<String>,
    /// An H3 cell of the region
    #[arg(long, value_name = "CELL", requires = "region")]
    pub cell: Option<String>,
    /// Kilometres that you would go from the cell
    #[arg(long, value_name = "KM", requires = "cell")]
    pub radius_km: Option<u16>,
}

/// A want of yours, and what is to be other.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct AmendArgs {
    /// Its id, or the first digits of it
    pub intent: Prefix,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// How long to take offers, from now on: 30m, 2h, 3d
    #[arg(long, value_name = "DURATION")]
    pub offers_due: Option<String>,
}

/// A want of yours that is over, and what is to be other.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct RenewArgs {
    /// Its id, or the first digits of it
    pub intent: Prefix,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// How long to take offers: 30m, 2h, 3d [default: 1d]
    #[arg(long = "for", value_name = "DURATION")]
    pub offers_due: Option<String>,
}

impl ChangeArgs {
    fn change(self, offers_due: Option<String>) -> WantChange {
        WantChange {
            want: self.want,
            text: self.text,
            category: self.category,
            region: self.region,
            cell: self.cell,
            radius_km: self.radius_km,
            fulfilment: self.fulfilment,
            must: self.must,
            prefer: self.prefer,
            avoid: self.avoid,
            drop: self.drop,
            quantity: self.quantity,
            condition: self.condition,
            budget: self.budget,
            show_budget: self.show_budget,
            need_by: self.need_by,
            offers_due,
        }
    }
}

/// Says a want otherwise.
pub async fn amend(global: &Global, args: AmendArgs) -> Result<()> {
    let change = args.change.change(args.offers_due);
    // What cannot be meant is said before a node is needed.
    change.change(now())?;
    let (client, out) = (global.client()?, global.out());
    let id = pick(&client, &args.intent).await?;
    let answered: Answered = client.patch(&format!("/v1/intents/{id}"), &change).await?;
    let Answered::Amended { revision, .. } = answered else {
        anyhow::bail!("the node answered {answered:?}");
    };
    out.value(&json!({ "event": "amended", "intent": id, "revision": revision }))?;
    out.line(format!(
        "amended {id}\nsellers may answer again: intentcast intent watch {}",
        id.short()
    ))?;
    Ok(())
}

/// Casts a want once more.
pub async fn renew(global: &Global, args: RenewArgs) -> Result<()> {
    let change = args.change.change(args.offers_due);
    change.renewal(now())?;
    let (client, out) = (global.client()?, global.out());
    let renews: IntentId = pick(&client, &args.intent).await?;
    let cast: CastReply = client.post(&format!("/v1/intents/{renews}/renew"), &change).await?;
    out.value(
        &json!({ "event": "cast", "intent": cast.intent, "renews": renews, "category": cast.category, "ms": 0 }),
    )?;
    out.line(format!("cast {} in the place of {}", cast.intent, renews.short()))?;
    Ok(())
}
