//! `intentcast rules`: the file a seller sells by, checked and tried.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use intentcast_protocol::rules::Rules;

use super::{
    Failure, Global,
    cast::{WantArgs, now, tell_filled},
    intent,
    pick::Prefix,
};
use crate::{
    api::{
        RulesTest,
        backend::{Outcome, Tried},
    },
    rules_file, toml_file,
};

/// What to do with rules.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum RulesCommand {
    /// Read a rules file, and say what is wrong in it or probably not meant. Asks no node
    Check {
        /// The file
        file: PathBuf,
    },
    /// Show what rules would make of an intent, and why. Nothing is sent
    Test(Box<TestArgs>),
}

/// What to try rules on.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct TestArgs {
    /// An intent that the node cast or heard, by its id or the first digits; or a want in words, with --region and
    /// --budget
    #[arg(value_name = "INTENT")]
    pub intent: String,
    /// The rules [default: the configuration's seller.rules]
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Where, for a want in words
    #[arg(long, value_name = "CODE", requires = "budget")]
    pub region: Option<String>,
    /// For how much at most, for a want in words
    #[arg(long, value_name = "MONEY", requires = "region")]
    pub budget: Option<String>,
    #[command(flatten)]
    pub more: WantArgs,
}

/// Reads a file and gives its doubts.
pub fn check(global: &Global, file: &Path) -> Result<()> {
    let rules = read(file)?.1;
    let doubts = rules_file::doubts(&rules);
    let out = global.out();
    out.value(&serde_json::json!({ "holds": true, "doubts": doubts, "rules": rules }))?;
    out.line(format!(
        "{} holds: {} sells under {} delivery rules",
        file.display(),
        rules.shop,
        rules.delivery.len()
    ))?;
    for doubt in doubts {
        out.line(format!("doubt: {doubt}"))?;
    }
    Ok(())
}

/// The text of a rules file, and what it says.
pub fn read(file: &Path) -> Result<(String, Rules)> {
    let text = toml_file::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let rules = rules_file::parse(&text).map_err(|wrong| Failure::usage(format!("{}: {wrong}", file.display())))?;
    Ok((text, rules))
}

pub async fn run(global: &Global, command: RulesCommand) -> Result<()> {
    match command {
        RulesCommand::Check { file } => check(global, &file),
        RulesCommand::Test(args) => test(global, *args).await,
    }
}

async fn test(global: &Global, args: TestArgs) -> Result<()> {
    let file = match args.rules {
        named @ Some(_) => named,
        None => crate::config::Config::of_home(&global.home()?)?.seller.rules,
    };
    // Where no file is named, the node that runs tells what it would do by its own.
    let rules = file.map(|file| read(&file)).transpose()?.map(|(text, _)| text);
    let want = match (args.region, args.budget) {
        (Some(region), Some(budget)) => {
            let want = args.more.hashed()?.0.want(args.intent.clone(), region, budget);
            tell_filled(&want.draft(now())?.1);
            Some(want)
        }
        _ => None,
    };
    let client = global.client()?;
    let intent = match &want {
        Some(_) => None,
        None => {
            let prefix: Prefix = args
                .intent
                .parse()
                .map_err(|why| Failure::usage(format!("{why}; a want in words needs --region and --budget")))?;
            Some(intent::pick(&client, &prefix).await?)
        }
    };
    let tried: Vec<Tried> = client
        .post("/v1/rules/test", &RulesTest { rules, intent, want })
        .await?;
    let out = global.out();
    let sent = |tried: &Tried| match &tried.ships_to {
        Some(regions) => regions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        None => "as the rules say".into(),
    };
    let row = |tried: &Tried| match &tried.outcome {
        Outcome::Offer {
            title,
            total,
            steps,
            points,
            why,
        } => {
            vec![
                tried.item.to_string(),
                title.clone(),
                total.to_string(),
                sent(tried),
                points.to_string(),
                format!("{}; {why}", steps.join(", ")),
            ]
        }
        Outcome::None { why } => vec![
            tried.item.to_string(),
            String::new(),
            "no offer".into(),
            sent(tried),
            String::new(),
            why.clone(),
        ],
    };
    out.list(
        &tried,
        &["item", "title", "total", "sent to", "points", "why"],
        row,
        "nothing in the catalogue is like it: no offer",
    )?;
    Ok(())
}
