//! `intentcast demo`: the flags of a purchase shown on this machine.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{
    Failure, Global,
    bootstrap::until_told,
    cast::{now, tell_filled},
    catalog,
    mapping::MappingArgs,
};
use crate::{demo::Options, want::Want};

/// The want of somebody who says nothing.
const WANT: &str = "mountain bike";
/// What that want must be: the person is rather tall.
const MUST: &str = "frame_size=XL";
/// Where that is.
const REGION: &str = "GB-KHL";
/// For how much.
const BUDGET: &str = "500 GBP";

/// What the demo takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct DemoArgs {
    /// How many shops
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub shops: u16,
    /// What the shops sell: any file that `catalog import` takes [default: the catalogue that comes with the program]
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    #[command(flatten)]
    pub mapping: MappingArgs,
    /// The want [default: a mountain bike with an XL frame]
    #[arg(long, value_name = "TEXT")]
    pub want: Option<String>,
    /// Where
    #[arg(long, value_name = "CODE", default_value = REGION)]
    pub region: String,
    /// For how much at most, all in
    #[arg(long, value_name = "MONEY", default_value = BUDGET)]
    pub budget: String,
    /// What kind of thing [default: by the words of the want]
    #[arg(long, value_name = "NAME")]
    pub category: Option<String>,
    /// What it must be (repeatable)
    #[arg(long, value_name = "K=V")]
    pub must: Vec<String>,
    /// What it had better be (repeatable)
    #[arg(long, value_name = "K=V[:WEIGHT]")]
    pub prefer: Vec<String>,
    /// What it had better not be (repeatable)
    #[arg(long, value_name = "K=V[:WEIGHT]")]
    pub avoid: Vec<String>,
    /// End after the receipt, and leave nothing behind
    #[arg(long)]
    pub exit: bool,
}

impl DemoArgs {
    /// The want of these flags.
    pub fn want(&self) -> Want {
        let mut must = self.must.clone();
        if self.want.is_none() && must.is_empty() && self.category.is_none() {
            must.push(MUST.into());
        }
        Want {
            want: self.want.clone().unwrap_or_else(|| WANT.into()),
            region: self.region.clone(),
            budget: self.budget.clone(),
            category: self.category.clone(),
            must,
            prefer: self.prefer.clone(),
            avoid: self.avoid.clone(),
            ..Want::default()
        }
    }
}

/// Shows a purchase.
pub async fn run(global: &Global, args: DemoArgs) -> Result<()> {
    let want = args.want();
    tell_filled(&want.draft(now())?.1);
    let catalogue = match &args.catalog {
        Some(file) => Some(catalog::read(file, &args.mapping)?.items),
        None if args.mapping == MappingArgs::default() => None,
        None => return Err(Failure::usage("there is no file to read so: name it with --catalog").into()),
    };
    let options = Options {
        shops: args.shops.into(),
        catalogue,
        want,
        exit: args.exit,
        json: global.json,
    };
    let shutdown = CancellationToken::new();
    until_told(shutdown.clone(), crate::demo::run(options, shutdown)).await
}
