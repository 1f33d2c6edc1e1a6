//! `intentcast up`: flags and file become a node that runs until it is told to stop.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use intentcast_protocol::{
    category::{self, CategoryId},
    item::Item,
    place::Region,
    rules::Rules,
    topic::{self, Topic},
};
use tokio_util::sync::CancellationToken;

use super::{Global, bootstrap::until_told, catalog, mapping::MappingArgs, rules};
use crate::{
    config::{Config, Seller},
    node::{Setup, Shop},
};

/// What a node takes; each stands over the configuration file.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct UpArgs {
    /// Listen on this multiaddr (repeatable)
    #[arg(long, value_name = "MULTIADDR")]
    pub listen: Vec<String>,
    /// A meeting point, ending in /p2p/ID (repeatable)
    #[arg(long, value_name = "MULTIADDR")]
    pub bootstrap: Vec<String>,
    /// Sell what is in this file, and nothing else: any that `catalog import` takes
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    #[command(flatten)]
    pub mapping: MappingArgs,
    /// Sell by these rules
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Keep to this with people's data
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Listen for wants of this kind (repeatable) [default: what the rules sell]
    #[arg(long, value_name = "NAME")]
    pub category: Vec<String>,
    /// Listen for wants of this region (repeatable) [default: where the rules deliver]
    #[arg(long, value_name = "CODE")]
    pub region: Vec<String>,
    /// The local API's address on loopback; port 0 takes any free one
    #[arg(long, value_name = "ADDR")]
    pub api: Option<std::net::SocketAddr>,
    /// Read this file [default: config.toml in the node's folder, if it is there]
    #[arg(long, value_name = "FILE", env = "INTENTCAST_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    pub tied: bool,
}

/// Runs a node.
pub async fn run(global: &Global, args: UpArgs) -> Result<()> {
    let home = global.home()?;
    let config = Config::of_flags(&args, &home)?;
    let mapping = MappingArgs {
        map: config.seller.map.clone(),
        ..args.mapping
    };
    let shop = shop(&config.seller, &mapping)?;
    let setup = Setup {
        home,
        net: config.net,
        api: config.api,
        identity: config.identity,
        vault: config.vault,
        seller: shop,
    };
    let shutdown = CancellationToken::new();
    if args.tied {
        crate::up::tie_to_stdin(shutdown.clone());
    }
    until_told(shutdown.clone(), crate::up::serve(setup, global.json, shutdown)).await
}

/// The shop that a configuration opens; without rules, none.
fn shop(seller: &Seller, mapping: &MappingArgs) -> Result<Option<Shop>> {
    let Some(file) = &seller.rules else { return Ok(None) };
    let (_, rules) = rules::read(file)?;
    let catalogue = match &seller.catalog {
        Some(file) => {
            let import = catalog::read(file, mapping)?;
            for bad in &import.report.bad {
                eprintln!("{}: {}", file.display(), super::out::clean(&bad.to_string()));
            }
            Some(import.items)
        }
        None => None,
    };
    let listen = listen(seller, &rules, catalogue.as_deref())?;
    let policy = seller.policy.as_deref().map(super::policy_of).transpose()?;
    Ok(Some(Shop {
        rules,
        policy,
        listen,
        catalogue,
    }))
}

/// Where to listen: for what the configuration says, or else for what the rules sell, or else for what the catalogue
/// has; where the rules deliver.
fn listen(seller: &Seller, rules: &Rules, catalogue: Option<&[Item]>) -> Result<BTreeSet<Topic>> {
    let mut categories: Vec<CategoryId> = Vec::new();
    for name in &seller.categories {
        categories.push(category::resolve(name).context("seller.categories")?.id);
    }
    if categories.is_empty() {
        categories.clone_from(&rules.categories);
    }
    if categories.is_empty() {
        let roots: BTreeSet<CategoryId> = catalogue
            .unwrap_or_default()
            .iter()
            .map(|item| item.category.root())
            .collect();
        categories.extend(roots);
    }
    // Who sells anything hears of everything; the root that means anything belongs to one group alone.
    if categories.is_empty() || categories.contains(&category::GENERAL) {
        categories = category::all()
            .filter(|category| category.parent.is_none())
            .map(|root| root.id)
            .collect();
    }
    let mut regions: Vec<Region> = Vec::new();
    for name in &seller.regions {
        regions.push(Region::resolve(name).context("seller.regions")?);
    }
    if regions.is_empty() {
        regions.extend(rules.delivery.iter().map(|rule| rule.region));
    }
    let countries: Vec<&str> = regions.iter().map(|region| region.country.code()).collect();
    Ok(topic::for_listener(categories, countries))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "shop = \"a\"\ncategories = [\"sports/cycling\"]\n[[delivery]]\nregion = \"GB\"\nmode = \"delivery\"\nprice = \"1 GBP\"\ndays = 1\n";

    fn heard(seller: &Seller, rules: &str) -> Vec<String> {
        let rules = crate::rules_file::parse(rules).unwrap();
        listen(seller, &rules, None)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_shop_listens_where_its_rules_lead() {
        let topics = heard(&Seller::default(), RULES);
        assert!(
            topics.iter().any(|topic| topic.contains("mobility/europe-west")),
            "{topics:?}"
        );
        assert!(topics.iter().all(|topic| topic.contains("europe-west")), "{topics:?}");
        assert!(topics.len() < 8);
    }

    #[test]
    fn a_shop_for_anything_hears_everything_in_its_regions() {
        assert_eq!(
            heard(
                &Seller::default(),
                &RULES.replace("categories = [\"sports/cycling\"]\n", "")
            )
            .len(),
            8
        );
    }

    #[test]
    fn what_the_configuration_says_comes_first() {
        let seller = Seller {
            categories: vec!["pram".into()],
            regions: vec!["Japan".into()],
            ..Seller::default()
        };
        let topics = heard(&seller, RULES);
        assert!(topics.iter().any(|topic| topic.contains("family/")), "{topics:?}");
        assert!(topics.iter().all(|topic| !topic.contains("europe")), "{topics:?}");
    }
}
