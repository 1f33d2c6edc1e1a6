//! `intentcast grant`: permissions, asked for by sellers and given by customers.

use anyhow::Result;
use clap::{Args, Subcommand};
use intentcast_protocol::{
    id::RecordId,
    letter::Operation,
    market::{AgreementView, Role},
    text::{Name, Phrase},
    time::Timestamp,
};

use super::{
    Failure, Global,
    cast::now,
    out::{Out, clean},
    pick::Prefix,
};
use crate::{
    api::{ApproveBody, RefuseBody, RevokeBody, Said, Taken},
    client::Client,
    strands::{Ask, Holding, Take, policy},
    times::{duration, moment},
};

/// What to do with permissions.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum GrantCommand {
    /// As a seller: ask for a strand under an agreement
    Request(Box<RequestArgs>),
    /// Every request and grant, of yours and to you
    List,
    /// One of them, with all that came of it
    Show {
        /// The request or the grant
        grant: Prefix,
        /// As a seller: open the value; that is a use, and written down
        #[arg(long)]
        value: bool,
    },
    /// Give what was asked, or less, out of your vault
    Approve(ApproveArgs),
    /// Say no to a request
    Refuse {
        /// The request
        request: Prefix,
        /// Why; the seller reads it
        #[arg(long, value_name = "TEXT", default_value = "I do not want to give that")]
        why: String,
    },
    /// Say that a grant is over
    Revoke {
        /// The grant
        grant: Prefix,
        #[command(flatten)]
        how: HowArgs,
    },
}

/// What is asked.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct RequestArgs {
    /// The agreement
    pub agreement: Prefix,
    /// Which strand: a name that `vault list --all` shows
    #[arg(long, value_name = "NAME")]
    pub strand: String,
    /// What for, and nothing else: deliver_order, or in words
    #[arg(long, value_name = "PURPOSE")]
    pub purpose: String,
    /// What the customer has of it
    #[arg(long, value_name = "TEXT")]
    pub benefit: String,
    /// What would be done: use,store,share,derive
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "use")]
    pub operations: Vec<String>,
    /// Who else would have it, by name
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub recipients: Vec<String>,
    /// Until when: 30d, 2026-12-24, or a moment of RFC 3339
    #[arg(long, value_name = "WHEN")]
    pub until: String,
}

/// A yes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct ApproveArgs {
    /// The request
    pub request: Prefix,
    /// Only this may be done: use,store,share,derive [default: what was asked]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub operations: Vec<String>,
    /// Only these may have it besides the seller [default: who was asked for]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub recipients: Vec<String>,
    /// Nobody may have it besides the seller
    #[arg(long, conflicts_with = "recipients")]
    pub no_recipients: bool,
    /// Until sooner than was asked: 10d, 2026-12-24, or a moment of RFC 3339
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// Give a mail address of which only this grant knows [default: for contact.email]
    #[arg(long)]
    pub alias: bool,
    /// Give the address itself
    #[arg(long, conflicts_with = "alias")]
    pub no_alias: bool,
}

/// How a grant ends.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct HowArgs {
    /// Let the seller keep it until its end, and only stop using it
    #[arg(long)]
    pub keep: bool,
    /// By when the seller must have answered: 3d, 2026-12-24, or a moment of RFC 3339
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    pub answer_by: String,
}

/// A moment, or how long from now.
///
/// # Errors
/// Where it is neither.
pub(super) fn when(text: &str) -> Result<Timestamp> {
    if let Ok(length) = duration(text) {
        return Ok(now().plus(length));
    }
    Ok(moment(text).map_err(Failure::usage)?)
}

pub(super) fn operations(words: &[String]) -> Result<Vec<Operation>> {
    let each = words
        .iter()
        .map(|word| policy::operation(word).map_err(|why| Failure::usage(why).into()));
    each.collect()
}

fn names(words: &[String]) -> Result<Vec<Name>> {
    let each = words
        .iter()
        .map(|word| Name::new(word).map_err(|why| Failure::usage(format!("{word}: {why}")).into()));
    each.collect()
}

/// The request or grant that begins so.
pub(super) async fn pick(client: &Client, prefix: &Prefix) -> Result<Holding> {
    let all: Vec<Holding> = client.get("/v1/grants").await?;
    let ids = all
        .iter()
        .flat_map(|holding| [Some(holding.request.id), holding.grant_id()]);
    let id: RecordId = prefix.pick("grant", ids.flatten())?;
    let found = all.into_iter().find(|holding| holding.is(id));
    found.ok_or_else(|| Failure::usage("it was there a moment ago").into())
}

pub async fn run(global: &Global, command: GrantCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        GrantCommand::Request(args) => request(&client, out, *args).await,
        GrantCommand::List => {
            let all: Vec<Holding> = client.get("/v1/grants").await?;
            let head = ["request", "grant", "with", "strand", "purpose", "may", "until", "state"];
            Ok(out.list(&all, &head, row, "nothing was asked, of you or by you")?)
        }
        GrantCommand::Show { grant, value } => show(&client, out, &grant, value).await,
        GrantCommand::Approve(args) => approve(&client, out, args).await,
        GrantCommand::Refuse { request, why } => {
            let held = pick(&client, &request).await?;
            let why = Phrase::new(&why).map_err(Failure::usage)?;
            let said: Said = client.post(&path(&held, "/refuse"), &RefuseBody { why }).await?;
            out.value(&said)?;
            Ok(out.line(format!("{} hears that you say no", held.with))?)
        }
        GrantCommand::Revoke { grant, how } => {
            let held = pick(&client, &grant).await?;
            let body = RevokeBody {
                delete: !how.keep,
                answer_by: Some(when(&how.answer_by)?),
            };
            let said: Said = client.post(&path(&held, "/revoke"), &body).await?;
            out.value(&said)?;
            let must = if how.keep {
                "may not use it any more"
            } else {
                "must delete it"
            };
            let by = body.answer_by.unwrap_or_default();
            Ok(out.line(format!("over: {} {must}, and say so by {by}", held.with))?)
        }
    }
}

fn path(held: &Holding, what: &str) -> String {
    format!("/v1/grants/{}{what}", held.grant_id().unwrap_or(held.request.id))
}

async fn request(client: &Client, out: Out, args: RequestArgs) -> Result<()> {
    let deals: Vec<AgreementView> = client.get("/v1/agreements").await?;
    let agreement = args.agreement.pick("agreement", deals.iter().map(|deal| deal.id))?;
    let ask = Ask {
        agreement,
        strand: args.strand,
        purpose: args.purpose,
        benefit: Phrase::new(&args.benefit).map_err(Failure::usage)?,
        operations: operations(&args.operations)?,
        recipients: names(&args.recipients)?,
        until: when(&args.until)?,
    };
    let said: Said = client.post("/v1/grants", &ask).await?;
    out.value(&said)?;
    Ok(out.line(format!("asked: request {}", said.letter))?)
}

async fn approve(client: &Client, out: Out, args: ApproveArgs) -> Result<()> {
    let held = pick(client, &args.request).await?;
    let said = |words: &Vec<String>| !words.is_empty();
    let body = ApproveBody {
        operations: said(&args.operations)
            .then(|| operations(&args.operations))
            .transpose()?,
        recipients: match args.no_recipients {
            true => Some(Vec::new()),
            false => said(&args.recipients).then(|| names(&args.recipients)).transpose()?,
        },
        until: args.until.as_deref().map(when).transpose()?,
        alias: (args.alias || args.no_alias).then_some(args.alias),
    };
    let given: Said = client
        .post(&format!("/v1/grants/{}/approve", held.request.id), &body)
        .await?;
    out.value(&given)?;
    let until = body.until.unwrap_or(held.request.permission.ends);
    let permission = &held.request.permission;
    Ok(out.line(format!(
        "granted: {} has {} for {} until {until}; `intentcast grant revoke {}` ends it",
        clean(&held.with),
        permission.strand,
        clean(permission.purpose.as_str()),
        given.letter.short()
    ))?)
}

async fn show(client: &Client, out: Out, grant: &Prefix, value: bool) -> Result<()> {
    let held = pick(client, grant).await?;
    if value {
        let take = Take {
            purpose: held.permission().purpose.clone(),
            operation: Operation::Use,
            recipient: None,
            outside: false,
        };
        let taken: Taken = client.post(&path(&held, "/use"), &take).await?;
        out.value(&taken)?;
        return Ok(out.line(taken.value.as_ref().map_or("", |value| value.0.as_str()))?);
    }
    out.value(&held)?;
    out.fields(&fields(&held))?;
    let Some(view) = &held.grant else { return Ok(()) };
    for (id, at, report) in &view.grant.reports {
        let with: Vec<&str> = report.shared_with.iter().map(Name::as_str).collect();
        let with = if with.is_empty() {
            String::new()
        } else {
            format!(", with {}", with.join(", "))
        };
        let (times, operation) = (report.times, report.operation.word());
        let line = format!(
            "report {}  {at}  {operation} for {}: {times} times{with}",
            id.short(),
            report.purpose
        );
        out.line(clean(&line))?;
    }
    for beyond in &view.beyond {
        out.line(format!("beyond the grant: {}", clean(beyond)))?;
    }
    for (id, role, at, _, text) in &view.grant.suggestions {
        out.line(clean(&format!("{}  {at}  {role}: {text}", id.short())))?;
    }
    if let Some((id, deletion)) = &view.grant.deleted {
        out.line(format!("deletion receipt {id}: gone since {}", deletion.at))?;
        for kept in &deletion.kept {
            out.line(clean(&format!(
                "kept: {} ({}) until {}",
                kept.what, kept.ground, kept.until
            )))?;
        }
        for name in &deletion.told {
            out.line(clean(&format!("told: {name}")))?;
        }
    }
    Ok(())
}

fn row(held: &Holding) -> Vec<String> {
    let permission = held.permission();
    vec![
        held.request.id.short(),
        held.grant_id().map(|id| id.short()).unwrap_or_default(),
        held.with.clone(),
        permission.strand.to_string(),
        permission.purpose.to_string(),
        permission.operations.to_string(),
        permission.ends.to_string(),
        held.state.word().into(),
    ]
}

fn fields(held: &Holding) -> Vec<(&'static str, String)> {
    let permission = held.permission();
    let names: Vec<&str> = permission.recipients.iter().map(Name::as_str).collect();
    let grant = held.grant.as_ref();
    let late = |late: bool, by: Option<Timestamp>| {
        by.map(|by| if late { format!("{by}: late") } else { by.to_string() })
            .unwrap_or_default()
    };
    vec![
        ("request", held.request.id.to_string()),
        ("grant", held.grant_id().map(|id| id.to_string()).unwrap_or_default()),
        ("agreement", held.agreement.to_string()),
        (
            match held.role {
                Role::Customer => "asked by",
                Role::Seller => "asked of",
            },
            held.with.clone(),
        ),
        ("strand", format!("{} ({})", permission.strand, held.title)),
        ("for", permission.purpose.to_string()),
        ("benefit", held.request.benefit.to_string()),
        ("may", permission.operations.to_string()),
        ("recipients", names.join(", ")),
        ("until", permission.ends.to_string()),
        ("state", held.state.word().into()),
        (
            "refused",
            held.request
                .refused
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        (
            "alias",
            grant
                .filter(|view| view.grant.alias)
                .map(|_| "yes".into())
                .unwrap_or_default(),
        ),
        (
            "revoked",
            grant
                .and_then(|view| view.grant.revoked.as_ref())
                .map(|word| word.at.to_string())
                .unwrap_or_default(),
        ),
        (
            "report due",
            grant
                .map(|view| late(view.report_overdue, view.report_due))
                .unwrap_or_default(),
        ),
        (
            "deletion due",
            grant.map(|view| late(view.overdue, view.due)).unwrap_or_default(),
        ),
    ]
}
