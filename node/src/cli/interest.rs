//! `intentcast interest`: wants that a seller waits for, whether or not it has what they ask for.

use std::pin::pin;

use anyhow::Result;
use clap::{Args, Subcommand};
use futures::StreamExt as _;
use intentcast_protocol::market::{Event, IntentView};
use serde_json::json;

use super::Global;
use crate::{
    api::Stands,
    client::{Client, escaped},
    interest::Waiting,
};

/// What to do with standing interests.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum InterestCommand {
    /// Be told of every want like this from now on, and of those that are open
    Add(Box<AddArgs>),
    /// Every interest of yours
    List,
    /// Wait for it no more
    Remove {
        /// Its name
        name: String,
    },
    /// Tell of wants as they meet an interest, those first that the node remembers
    Watch {
        /// End after so many
        #[arg(long, value_name = "N")]
        count: Option<usize>,
    },
}

/// What to wait for.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct AddArgs {
    /// Words that a want says, all of them; a second text is another way to say it
    #[arg(value_name = "WORDS")]
    pub words: Vec<String>,
    /// What to call it; a later one of the same name takes its place [default: made of the rest]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// What kind of thing: a path, a name or a synonym
    #[arg(long, value_name = "NAME")]
    pub category: Option<String>,
    /// Where: a code like GB-YOR, or a name that means one region alone
    #[arg(long, value_name = "CODE")]
    pub region: Option<String>,
    /// One piece may cost this much at least: 800GBP
    #[arg(long, value_name = "MONEY", alias = "min-budget")]
    pub over: Option<String>,
    /// One piece may cost this much at most
    #[arg(long, value_name = "MONEY", alias = "max-budget")]
    pub under: Option<String>,
    /// It may be in this state: new,refurbished,used [default: any]
    #[arg(long, value_name = "CONDITION", value_delimiter = ',')]
    pub condition: Vec<String>,
    /// So many are wanted, or more
    #[arg(long, value_name = "N")]
    pub pieces: Option<u32>,
    /// What is wished for: frame=XL (repeatable)
    #[arg(long, value_name = "K=V")]
    pub must: Vec<String>,
}

impl AddArgs {
    fn waiting(self) -> Waiting {
        Waiting {
            name: self.name,
            words: self.words,
            category: self.category,
            region: self.region,
            over: self.over,
            under: self.under,
            condition: self.condition,
            pieces: self.pieces,
            must: self.must,
        }
    }
}

pub async fn run(global: &Global, command: InterestCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        InterestCommand::Add(args) => {
            let stands: Stands = client.post("/v1/interests", &args.waiting()).await?;
            out.value(&stands)?;
            let instead = if stands.before {
                ", in the place of what it was"
            } else {
                ""
            };
            out.line(format!("{} stands{instead}", stands.name))?;
        }
        InterestCommand::List => {
            let all: Vec<Waiting> = client.get("/v1/interests").await?;
            let head = ["name", "words", "category", "region", "over", "under", "more"];
            out.list(
                &all,
                &head,
                row,
                "you wait for nothing: `intentcast interest add` says for what",
            )?;
        }
        InterestCommand::Remove { name } => {
            let gone: Stands = client.delete(&format!("/v1/interests/{}", escaped(&name))).await?;
            out.value(&gone)?;
            out.line(format!("{} stands no more", gone.name))?;
        }
        InterestCommand::Watch { count } => watch(global, &client, count).await?,
    }
    Ok(())
}

fn row(waiting: &Waiting) -> Vec<String> {
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut more = waiting.must.clone();
    more.extend(waiting.condition.iter().cloned());
    more.extend(waiting.pieces.map(|pieces| format!("{pieces} or more")));
    vec![
        said(&waiting.name),
        waiting.words.join(" | "),
        said(&waiting.category),
        said(&waiting.region),
        said(&waiting.over),
        said(&waiting.under),
        more.join(", "),
    ]
}

async fn watch(global: &Global, client: &Client, count: Option<usize>) -> Result<()> {
    let out = global.out();
    let mut events = pin!(client.events(None, Some(0)).await?);
    let mut left = count.unwrap_or(usize::MAX);
    while left > 0 {
        let Some(told) = events.next().await else {
            anyhow::bail!("the node has stopped");
        };
        let told = told?;
        let Event::Met { intent, interests } = told.event else {
            continue;
        };
        left -= 1;
        let names: Vec<String> = interests.iter().map(ToString::to_string).collect();
        // One that ended meanwhile is still one that was met.
        let view: Option<IntentView> = match client.get(&format!("/v1/intents/{intent}")).await {
            Ok(view) => Some(view),
            Err(crate::client::ClientError::Problem(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let wanted = view.as_ref().map(|view| &view.intent);
        out.value(&json!({
            "event": "met", "at": told.at, "intent": intent, "interests": interests,
            "title": wanted.map(|wanted| wanted.title.to_string()),
            "budget": wanted.map(|wanted| wanted.budget.to_string()),
            "region": wanted.map(|wanted| wanted.place.region.to_string()),
        }))?;
        let wanted = wanted.map(|wanted| {
            let region = wanted.place.region;
            let budget = match wanted.budget.ceiling() {
                Some(ceiling) => format!("for {ceiling} at most"),
                None => format!("for a budget that it does not say, in {}", wanted.budget.currency()),
            };
            format!(": {} {budget}, in {region}", wanted.title)
        });
        let line = format!(
            "{} meets {}{}",
            intent.short(),
            names.join(", "),
            wanted.unwrap_or_default()
        );
        out.line(super::out::clean(&line))?;
    }
    Ok(())
}
