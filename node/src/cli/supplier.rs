//! `intentcast supplier`: the sellers that you know, and what you think of them.

use anyhow::Result;
use clap::{Args, Subcommand};
use intentcast_protocol::{
    keys::PublicKey,
    market::{Answered, SupplierView},
    regard::Regard,
};
use serde_json::json;

use super::{
    Failure, Global,
    out::{Out, clean},
    pick::Prefix,
};
use crate::{api::RegardBody, client::Client};

/// What to do with suppliers.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum SupplierCommand {
    /// Every seller that has offered to you, the one heard last first
    List,
    /// One of them: what was agreed, what it may know, what you gave it
    Show {
        /// Its key, the first digits of it, or its shop's name
        seller: String,
    },
    /// Let it hear of wants first, where you cast with --favourites-first
    Favourite(RegardArgs),
    /// Take what it sends and be told nothing of it
    Mute(RegardArgs),
    /// Take nothing from it any more, but for what it owes you under an agreement; it is not told
    Block(RegardArgs),
}

/// Of whom.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct RegardArgs {
    /// Its key, the first digits of it, or its shop's name
    pub seller: String,
    /// Take it back
    #[arg(long)]
    pub undo: bool,
}

pub async fn run(global: &Global, command: SupplierCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    let (args, regard) = match command {
        SupplierCommand::List => return list(&client, out).await,
        SupplierCommand::Show { seller } => {
            let all: Vec<SupplierView> = client.get("/v1/suppliers").await?;
            let key = pick(&all, &seller)?;
            let view: SupplierView = client.get(&format!("/v1/suppliers/{key}")).await?;
            out.value(&view)?;
            return show(out, &view);
        }
        SupplierCommand::Favourite(args) => (args, Regard::Favourite),
        SupplierCommand::Mute(args) => (args, Regard::Muted),
        SupplierCommand::Block(args) => (args, Regard::Blocked),
    };
    think(&client, out, &args, regard).await
}

/// The sellers, a line each.
pub async fn list(client: &Client, out: Out) -> Result<()> {
    let all: Vec<SupplierView> = client.get("/v1/suppliers").await?;
    let head = [
        "seller",
        "name",
        "regard",
        "offers",
        "bought",
        "grants",
        "rated",
        "heard last",
    ];
    let none = "no suppliers yet: they come with the first offers";
    out.list(&all, &head, row, none)?;
    Ok(())
}

fn row(view: &SupplierView) -> Vec<String> {
    vec![
        view.seller.short(),
        view.name.clone(),
        match view.regard {
            Regard::Plain => String::new(),
            regard => regard.to_string(),
        },
        view.offers.to_string(),
        view.deals.len().to_string(),
        grants(view),
        stars(view),
        view.last_heard.map(|at| at.to_string()).unwrap_or_default(),
    ]
}

fn grants(view: &SupplierView) -> String {
    match (view.grants_live, view.grants_overdue) {
        (0, 0) => String::new(),
        (live, 0) => format!("{live} live"),
        (live, overdue) => format!("{live} live, {overdue} overdue"),
    }
}

/// The mean of what was given, to one decimal.
fn stars(view: &SupplierView) -> String {
    let given: Vec<u32> = view.deals.iter().filter_map(|deal| deal.stars.map(u32::from)).collect();
    let count = given.len() as u32;
    if count == 0 {
        return String::new();
    }
    let tenths = (given.iter().sum::<u32>() * 20 + count) / (2 * count);
    format!("{}.{} of 5", tenths / 10, tenths % 10)
}

fn show(out: Out, view: &SupplierView) -> Result<()> {
    let reach = if view.reachable { "known" } else { "not known" };
    out.fields(&[
        ("seller", view.seller.to_string()),
        ("calls itself", view.name.clone()),
        ("regard", view.regard.to_string()),
        ("offers", view.offers.to_string()),
        ("grants", grants(view)),
        ("rated", stars(view)),
        (
            "heard last",
            view.last_heard.map(|at| at.to_string()).unwrap_or_default(),
        ),
        ("where it is", reach.into()),
    ])?;
    for deal in &view.deals {
        let stars = deal.stars.map(|stars| format!("  {stars} of 5")).unwrap_or_default();
        out.line(format!(
            "agreement {}  {}  {}  {}  {}{stars}",
            deal.agreement.short(),
            deal.at,
            clean(&deal.item),
            deal.total,
            deal.state.word(),
        ))?;
    }
    Ok(())
}

/// The one seller whose key begins so, or that calls itself so. A name can be anybody's, so two of one name are told
/// apart by their keys alone.
fn pick(all: &[SupplierView], said: &str) -> Result<PublicKey> {
    let said = said.trim();
    // Somebody may be known from elsewhere, and be blocked before it ever offers.
    if let Ok(key) = said.parse::<PublicKey>() {
        return Ok(key);
    }
    let named: Vec<PublicKey> = all
        .iter()
        .filter(|view| !view.name.is_empty() && view.name.to_lowercase() == said.to_lowercase())
        .map(|view| view.seller)
        .collect();
    match (&named[..], said.parse::<Prefix>()) {
        ([one], Err(_)) => Ok(*one),
        // A shop may call itself what looks like a key.
        ([], Ok(prefix)) => prefix.pick("supplier", all.iter().map(|view| view.seller)),
        ([one], Ok(_))
            if !all
                .iter()
                .any(|view| view.seller.to_string().starts_with(&said.to_lowercase())) =>
        {
            Ok(*one)
        }
        ([], Err(_)) => anyhow::bail!("no supplier {}: `supplier list` shows them", clean(said)),
        (several, _) => {
            let keys: Vec<String> = several.iter().map(PublicKey::short).collect();
            let why = format!(
                "{} may be several: say which by its key: {}",
                clean(said),
                keys.join(", ")
            );
            Err(Failure::usage(why).into())
        }
    }
}

async fn think(client: &Client, out: Out, args: &RegardArgs, regard: Regard) -> Result<()> {
    let all: Vec<SupplierView> = client.get("/v1/suppliers").await?;
    let seller = pick(&all, &args.seller)?;
    let known = all.iter().find(|view| view.seller == seller);
    let name = known.map(|view| clean(&view.name)).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| seller.short());
    let before = known.map(|view| view.regard).unwrap_or_default();
    if args.undo && before != regard {
        anyhow::bail!("{name} is not {regard}: nothing to take back");
    }
    let regard = if args.undo { Regard::Plain } else { regard };
    let path = format!("/v1/suppliers/{seller}/regard");
    let _: Answered = client.post(&path, &RegardBody { regard }).await?;
    out.value(&json!({ "event": "regarded", "seller": seller, "regard": regard, "before": before }))?;
    let line = match regard {
        Regard::Plain => format!("{name} is like anybody again"),
        Regard::Favourite => format!("{name} is a favourite: cast with --favourites-first, and it hears first"),
        Regard::Muted => format!("{name} is muted: what it sends is taken, and nothing is said of it"),
        Regard::Blocked => format!("{name} is blocked: nothing is taken from it but what it owes you; it is not told"),
    };
    out.line(line)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seller(first: u8, name: &str, stars: &[u8]) -> SupplierView {
        let mut key = [0xab; 32];
        key[0] = first;
        let deal = |stars: &u8| intentcast_protocol::market::SupplierDeal {
            agreement: Default::default(),
            at: intentcast_protocol::time::Timestamp(0),
            item: "bike".into(),
            total: "5 GBP".parse().unwrap(),
            state: intentcast_protocol::order::OrderState::Confirmed,
            stars: Some(*stars),
        };
        SupplierView {
            seller: PublicKey(key),
            name: name.into(),
            regard: Regard::Plain,
            offers: 1,
            deals: stars.iter().map(deal).collect(),
            grants_live: 0,
            grants_overdue: 0,
            last_heard: None,
            reachable: true,
        }
    }

    #[test]
    fn a_supplier_is_meant_by_its_key_or_by_a_name_that_one_alone_has() {
        let all = [
            seller(1, "Hull Wheels", &[]),
            seller(2, "Prams", &[]),
            seller(3, "prams", &[]),
            seller(4, "04abab", &[]),
        ];
        let key = |at: usize| all[at].seller;
        assert_eq!(pick(&all, "hull wheels").unwrap(), key(0));
        assert_eq!(pick(&all, "02ababab").unwrap(), key(1));
        assert_eq!(pick(&all, &key(2).to_string()).unwrap(), key(2));
        assert!(pick(&all, "prams").unwrap_err().to_string().contains("several"));
        assert!(pick(&all, "nobody").unwrap_err().to_string().contains("no supplier"));
        // One that takes a key for its name gets nobody blocked but itself.
        assert!(pick(&all, "04abab").is_err());
        let unseen = PublicKey([9; 32]);
        assert_eq!(pick(&all, &unseen.to_string()).unwrap(), unseen);
    }

    #[test]
    fn the_mean_of_ratings_is_rounded_to_a_tenth() {
        assert_eq!(stars(&seller(1, "x", &[])), "");
        assert_eq!(stars(&seller(1, "x", &[5])), "5.0 of 5");
        assert_eq!(stars(&seller(1, "x", &[5, 4, 4])), "4.3 of 5");
        assert_eq!(stars(&seller(1, "x", &[1, 2, 2])), "1.7 of 5");
    }
}
