//! `intentcast intent`: wants, one's own and those that one answers.

use anyhow::Result;
use clap::Subcommand;
use intentcast_protocol::{
    attribute::Strength,
    id::IntentId,
    market::{Answered, IntentState, IntentView, Role},
};
use serde_json::json;

use super::{Global, amend, cast::now, out::span, pick::Prefix, watch};
use crate::{api::DecideBody, client::Client};

/// What to do with wants.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum IntentCommand {
    /// Every want of yours, and every one that you answered
    List,
    /// One want, whole
    Show {
        /// Its id, or the first digits of it
        intent: Prefix,
    },
    /// Tell what happens to a want until it is over
    Watch {
        /// Its id, or the first digits of it
        intent: Prefix,
    },
    /// End a want
    Withdraw {
        /// Its id, or the first digits of it
        intent: Prefix,
    },
    /// Say an open want otherwise: whoever answered it may answer again
    Amend(amend::AmendArgs),
    /// Cast a want that expired or was withdrawn once more, changed or not
    Renew(amend::RenewArgs),
    /// As a seller: let the offers prepared for a want go out, or not
    Decide {
        /// Its id, or the first digits of it
        intent: Prefix,
        /// Let them go
        #[arg(long, conflicts_with = "drop", required_unless_present = "drop")]
        send: bool,
        /// Let them be
        #[arg(long)]
        drop: bool,
    },
}

/// The one want that begins so. A seller need not have answered one whose id is given whole.
pub async fn pick(client: &Client, prefix: &Prefix) -> Result<IntentId> {
    if let Some(id) = prefix.whole().and_then(|whole| whole.parse().ok()) {
        return Ok(id);
    }
    let all: Vec<IntentView> = client.get("/v1/intents").await?;
    prefix.pick("intent", all.into_iter().map(|view| view.id))
}

pub async fn run(global: &Global, command: IntentCommand) -> Result<()> {
    let out = global.out();
    match command {
        IntentCommand::List => {
            let client = global.client()?;
            let all: Vec<IntentView> = client.get("/v1/intents").await?;
            let head = ["id", "state", "offers", "budget", "place", "age", "want"];
            out.list(&all, &head, row, "no wants yet: cast one with `intentcast cast`")?;
        }
        IntentCommand::Show { intent } => {
            let client = global.client()?;
            let id = pick(&client, &intent).await?;
            let view: IntentView = client.get(&format!("/v1/intents/{id}")).await?;
            out.value(&view)?;
            out.fields(&fields(&view))?;
        }
        IntentCommand::Watch { intent } => {
            let client = global.client()?;
            let id = pick(&client, &intent).await?;
            watch::until(global, &client, id, None).await?;
        }
        IntentCommand::Withdraw { intent } => {
            let client = global.client()?;
            let id = pick(&client, &intent).await?;
            let _: Answered = client.delete(&format!("/v1/intents/{id}")).await?;
            out.value(&json!({ "event": "withdrawn", "intent": id }))?;
            out.line(format!("withdrawn {id}"))?;
        }
        IntentCommand::Amend(args) => amend::amend(global, args).await?,
        IntentCommand::Renew(args) => amend::renew(global, args).await?,
        IntentCommand::Decide { intent, send, drop: _ } => {
            let client = global.client()?;
            let id = pick(&client, &intent).await?;
            let _: Answered = client
                .post(&format!("/v1/intents/{id}/decide"), &DecideBody { send })
                .await?;
            out.value(&json!({ "event": "decided", "intent": id, "send": send }))?;
            out.line(if send { "the offers go out" } else { "no offer goes out" })?;
        }
    }
    Ok(())
}

/// The word for a state.
pub fn state(state: IntentState) -> &'static str {
    match state {
        IntentState::Unheard => "unheard",
        IntentState::Open => "open",
        IntentState::Due => "due",
        IntentState::Accepted => "accepted",
        IntentState::Agreed => "agreed",
        IntentState::Withdrawn => "withdrawn",
        IntentState::Expired => "expired",
    }
}

fn row(view: &IntentView) -> Vec<String> {
    let whose = match view.role {
        Role::Customer => "",
        Role::Seller => "heard, ",
    };
    vec![
        view.id.short(),
        format!("{whose}{}", state(view.state)),
        view.offers.to_string(),
        budget(view),
        view.intent.place.to_string(),
        span(now().since(view.created)),
        view.intent.title.to_string(),
    ]
}

/// The budget as it is said; of a want of ours that does not say it, what it is.
fn budget(view: &IntentView) -> String {
    let said = view.intent.budget;
    match view.kept.ceiling {
        Some(ceiling) => format!("{ceiling} (said: {said})"),
        None => said.to_string(),
    }
}

/// What is not said to all: of a want of ours with its values, of another's that there is something.
fn withheld(view: &IntentView) -> String {
    let told = view.intent.withheld.iter().map(|one| {
        let ours = view.kept.opened.iter().find(|opened| opened.field == one.field);
        let value = ours.map(|opened| format!("={}", opened.value)).unwrap_or_default();
        format!("{}{value} (once {})", one.field, one.stage.word())
    });
    told.collect::<Vec<_>>().join(", ")
}

fn fields(view: &IntentView) -> Vec<(&'static str, String)> {
    let intent = &view.intent;
    let wishes = |wanted: fn(Strength) -> Option<u8>| {
        let fitting = intent
            .wishes
            .iter()
            .filter_map(|wish| wanted(wish.strength).map(|weight| (wish, weight)));
        let spelled = fitting.map(|(wish, weight)| {
            if weight == 0 {
                wish.to_string()
            } else {
                format!("{wish} ({weight})")
            }
        });
        spelled.collect::<Vec<_>>().join(", ")
    };
    let counted = format!("{}, {} refused", view.offers, view.refused);
    vec![
        ("id", view.id.to_string()),
        ("want", intent.title.to_string()),
        ("text", intent.text.to_string()),
        ("state", state(view.state).to_owned()),
        ("heard by", format!("{} peers", view.heard_by)),
        ("offers", counted),
        ("category", intent.category.to_string()),
        ("place", intent.place.to_string()),
        ("ways", intent.fulfilment.to_string()),
        ("budget", budget(view)),
        ("quantity", intent.quantity.to_string()),
        ("condition", intent.conditions.to_string()),
        (
            "must",
            wishes(|strength| matches!(strength, Strength::Must).then_some(0)),
        ),
        (
            "prefer",
            wishes(|strength| {
                if let Strength::Prefer(weight) = strength {
                    Some(weight)
                } else {
                    None
                }
            }),
        ),
        (
            "avoid",
            wishes(|strength| {
                if let Strength::Avoid(weight) = strength {
                    Some(weight)
                } else {
                    None
                }
            }),
        ),
        ("need by", intent.need_by.map(|at| at.to_string()).unwrap_or_default()),
        ("offers due", intent.offers_due.to_string()),
        ("cast", view.created.to_string()),
        ("expires", view.expires.to_string()),
        ("terms", intent.terms.to_string()),
        (
            "may ask",
            intent
                .may_ask
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        ("withheld", withheld(view)),
        ("renews", view.renews.map(|id| id.to_string()).unwrap_or_default()),
        ("revision", view.revision.to_string()),
    ]
}
