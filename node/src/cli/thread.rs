//! `intentcast thread`, `ask`, `answer`, `counter`, `decline`: what customer and seller say to each other.

use std::io;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use intentcast_protocol::{
    attribute::{Attribute, Strength, Wish},
    id::{AgreementId, IntentId, OfferId, RecordId},
    letter::{Change, Matter},
    list::List,
    market::{AgreementView, Answered, IntentView, LetterView, OfferView, Passage, Role, ThreadView},
    money::Money,
    offer::Reason,
    text::{Prose, Word},
    time::Timestamp,
};
use serde_json::json;

use super::{Failure, Global, offer::reason_parser, out::Out, pick::Prefix};
use crate::{
    api::{DeclineBody, LetterBody, ReviseBody, Subject},
    client::Client,
    times::moment,
    want::WantChange,
};

/// What to do with conversations.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum ThreadCommand {
    /// Every conversation, the one with the newest letter first
    List,
    /// One conversation, letter by letter; the other side learns that you have seen it
    Show {
        /// Its id, or that of a letter, an offer, an agreement
        about: Prefix,
        /// Say nothing to the other side
        #[arg(long)]
        unseen: bool,
    },
}

/// A question.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct AskArgs {
    /// The offer, agreement or conversation that it is about; as a seller also an open want
    pub about: Prefix,
    /// The question
    pub text: String,
    /// The field that it is about
    #[arg(long, value_name = "NAME")]
    pub field: Option<String>,
}

/// An answer.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct AnswerArgs {
    /// The question's id, or the first digits of it
    pub question: Prefix,
    /// The answer
    pub text: String,
    /// Say it to everybody who listens as well: your want is amended, and sellers may quote again
    #[arg(long)]
    pub to_all: bool,
}

/// A counter-offer.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct CounterArgs {
    /// The offer: of a seller to you, or one of yours
    pub offer: Prefix,
    /// For this much, all in
    #[arg(long, value_name = "MONEY")]
    pub total: Option<String>,
    /// There by then
    #[arg(long, value_name = "DATE")]
    pub deliver_by: Option<String>,
    /// This many
    #[arg(long, value_name = "N")]
    pub quantity: Option<u32>,
    /// To be given back within these days
    #[arg(long, value_name = "DAYS")]
    pub returns: Option<u16>,
    /// With these months of warranty
    #[arg(long, value_name = "MONTHS")]
    pub warranty: Option<u16>,
    /// With this attribute: colour=green (repeatable)
    #[arg(long = "with", value_name = "K=V")]
    pub attributes: Vec<String>,
}

/// A no.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct DeclineArgs {
    /// An offer to you, a counter-offer to one of yours, or a proposal
    pub what: Prefix,
    /// All that the other side learns
    #[arg(long, default_value = "other", value_parser = reason_parser())]
    pub reason: Reason,
}

/// Everything that can be talked about, by its id.
pub(super) struct Known {
    threads: Vec<ThreadView>,
    offers: Vec<OfferView>,
    agreements: Vec<AgreementView>,
    intents: Vec<IntentView>,
}

impl Known {
    pub(super) async fn of(client: &Client) -> Result<Self> {
        Ok(Self {
            threads: client.get("/v1/threads").await?,
            offers: client.get("/v1/offers").await?,
            agreements: client.get("/v1/agreements").await?,
            intents: client.get("/v1/intents").await?,
        })
    }

    fn letters(&self) -> impl Iterator<Item = (&ThreadView, &LetterView)> {
        self.threads
            .iter()
            .flat_map(|thread| thread.letters.iter().map(move |letter| (thread, letter)))
    }

    /// What a beginning of an id means, wherever it is from.
    pub(super) fn subject(&self, prefix: &Prefix) -> Result<Subject> {
        let mut ids: Vec<String> = self.threads.iter().map(|it| it.id.to_string()).collect();
        ids.extend(self.letters().map(|(_, letter)| letter.id.to_string()));
        ids.extend(self.offers.iter().map(|it| it.id.to_string()));
        ids.extend(self.agreements.iter().map(|it| it.id.to_string()));
        ids.extend(self.intents.iter().map(|it| it.id.to_string()));
        ids.sort_unstable();
        ids.dedup();
        let Ok(id) = prefix.pick("thread", ids.clone()) else {
            // A want that we only relay is in no list; its whole id will do.
            if let Ok(id) = prefix.to_string().parse::<IntentId>() {
                return Ok(Subject::Intent(id));
            }
            return prefix.pick("thread", ids).map(|_| Subject::Thread(RecordId::default()));
        };
        let same = |other: String| other == id;
        if self.offers.iter().any(|it| same(it.id.to_string())) {
            return Ok(Subject::Offer(id.parse::<OfferId>()?));
        }
        if self.agreements.iter().any(|it| same(it.id.to_string())) {
            return Ok(Subject::Agreement(id.parse::<AgreementId>()?));
        }
        if self.intents.iter().any(|it| same(it.id.to_string())) {
            return Ok(Subject::Intent(id.parse::<IntentId>()?));
        }
        Ok(Subject::Thread(id.parse::<RecordId>()?))
    }

    fn letter(&self, prefix: &Prefix) -> Result<(&ThreadView, &LetterView)> {
        let id = prefix.pick("thread", self.letters().map(|(_, letter)| letter.id))?;
        let found = self.letters().find(|(_, letter)| letter.id == id);
        found.ok_or_else(|| anyhow::anyhow!("no letter {id}"))
    }
}

fn prose(text: &str) -> Result<Prose> {
    Prose::new(text).map_err(|why| Failure::usage(format!("the text: {why}")).into())
}

pub(super) async fn write(client: &Client, out: Out, about: Subject, matter: Matter) -> Result<RecordId> {
    let what = matter.word();
    let answered: Answered = client.post("/v1/letters", &LetterBody { about, matter }).await?;
    said(out, what, &answered)
}

fn said(out: Out, what: &str, answered: &Answered) -> Result<RecordId> {
    let Answered::Said(letter) = answered else {
        bail!("the node answered {answered:?}");
    };
    out.value(&json!({ "event": "letter", "letter": letter, "what": what }))?;
    out.line(format!("{what} {letter}"))?;
    Ok(*letter)
}

/// Asks.
///
/// # Errors
/// Where nothing has that id, or the question may not be asked.
pub async fn ask(global: &Global, args: AskArgs) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    let about = Known::of(&client).await?.subject(&args.about)?;
    let field = args.field.as_deref().map(Word::new).transpose();
    let field = field.map_err(|why| Failure::usage(format!("--field: {why}")))?;
    let offer = match about {
        Subject::Offer(offer) => Some(offer),
        _ => None,
    };
    let text = prose(&args.text)?;
    let matter = Matter::Question {
        about: offer,
        field,
        text,
    };
    write(&client, out, about, matter).await?;
    Ok(())
}

/// Answers.
///
/// # Errors
/// Where nothing has that id, or it was answered.
pub async fn answer(global: &Global, args: AnswerArgs) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    let known = Known::of(&client).await?;
    let (thread, letter) = known.letter(&args.question)?;
    let text = prose(&args.text)?;
    if args.to_all {
        if thread.role != Role::Customer {
            return Err(Failure::usage("--to-all: only who wants can say it to everybody").into());
        }
        say_to_all(&client, thread, &args.text).await?;
    }
    let matter = Matter::Answer {
        question: letter.id,
        text,
        to_all: args.to_all,
    };
    write(&client, out, Subject::Thread(thread.id), matter).await?;
    Ok(())
}

/// Adds a sentence to the want's text; whoever listens hears it as an amendment.
async fn say_to_all(client: &Client, thread: &ThreadView, text: &str) -> Result<()> {
    let path = format!("/v1/intents/{}", thread.intent);
    let want: IntentView = client.get(&path).await?;
    let said = want.intent.text.as_str();
    let change = WantChange {
        text: Some(if said.is_empty() {
            text.to_owned()
        } else {
            format!("{said} {text}")
        }),
        ..WantChange::default()
    };
    let _: Answered = client.patch(&path, &change).await?;
    Ok(())
}

fn attribute(text: &str) -> Result<Attribute> {
    let usage = |why: String| Failure::usage(format!("--with {text}: {why}"));
    let wish = Wish::parse(text, Strength::Must).map_err(|why| usage(why.to_string()))?;
    Ok(Attribute {
        name: wish.name,
        value: wish.value,
    })
}

fn changes(args: &CounterArgs) -> Result<Vec<Change>> {
    let mut all = Vec::new();
    if let Some(total) = &args.total {
        let total: Money = total.parse().map_err(|why| Failure::usage(format!("--total: {why}")))?;
        all.push(Change::Total(total));
    }
    if let Some(at) = &args.deliver_by {
        all.push(Change::DeliverBy(ahead(at)?));
    }
    all.extend(args.quantity.map(Change::Quantity));
    all.extend(args.returns.map(Change::ReturnsDays));
    all.extend(args.warranty.map(Change::WarrantyMonths));
    for text in &args.attributes {
        all.push(Change::Attribute(attribute(text)?));
    }
    if all.is_empty() {
        return Err(Failure::usage(
            "say what should be otherwise: --total, --deliver-by, --quantity, --returns, --warranty or --with",
        )
        .into());
    }
    Ok(all)
}

/// A moment that is still to come: no delivery can be asked for before it.
///
/// # Errors
/// Where it is no moment, or over.
pub(super) fn ahead(at: &str) -> Result<Timestamp> {
    let moment = moment(at).map_err(|why| Failure::usage(format!("--deliver-by: {why}")))?;
    if moment <= crate::driver::now() {
        return Err(Failure::usage(format!("--deliver-by: {moment} is over: name a day to come")).into());
    }
    Ok(moment)
}

/// Offers otherwise: as a customer a counter-offer, as a seller another offer in its place.
///
/// # Errors
/// Where nothing has that id, or the rounds are used up.
pub async fn counter(global: &Global, args: CounterArgs) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    let changes = changes(&args)?;
    let known = Known::of(&client).await?;
    let offer = args.offer.pick("offer", known.offers.iter().map(|it| it.id))?;
    let ours = known.offers.iter().any(|it| it.id == offer && it.role == Role::Seller);
    if !ours {
        let changes = List::new(changes).map_err(|many| Failure::usage(many.to_string()))?;
        let matter = Matter::Counter {
            offer,
            round: 0,
            changes,
        };
        write(&client, out, Subject::Offer(offer), matter).await?;
        return Ok(());
    }
    // An open counter-offer to this offer is what it answers.
    let is_open = |thread: &ThreadView, id: RecordId| {
        !thread.letters.iter().any(|it| match &it.matter {
            Matter::Revised { counter, .. } => *counter == Some(id),
            Matter::CounterRefused { counter, .. } => *counter == id,
            _ => false,
        })
    };
    let counter = known.letters().find_map(|(thread, letter)| match &letter.matter {
        Matter::Counter { offer: of, .. } if *of == offer && is_open(thread, letter.id) => Some(letter.id),
        _ => None,
    });
    let body = ReviseBody { counter, changes };
    let answered: Answered = client.post(&format!("/v1/offers/{offer}/revise"), &body).await?;
    said(out, "revised", &answered)?;
    Ok(())
}

/// Says no: to an offer, to a counter-offer, to a proposal.
///
/// # Errors
/// Where nothing has that id, or it was answered.
pub async fn decline(global: &Global, args: DeclineArgs) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    let known = Known::of(&client).await?;
    let ids = known.offers.iter().map(|it| it.id.to_string());
    let ids = ids.chain(known.letters().map(|(_, letter)| letter.id.to_string()));
    let id = args.what.pick("offer", ids)?;
    let Some((thread, letter)) = known.letters().find(|(_, letter)| letter.id.to_string() == id) else {
        let body = DeclineBody { reason: args.reason };
        let _: Answered = client.post(&format!("/v1/offers/{id}/decline"), &body).await?;
        out.value(&json!({ "event": "declined", "offer": id, "reason": args.reason }))?;
        out.line(format!("declined {id}"))?;
        return Ok(());
    };
    let matter = match &letter.matter {
        Matter::Counter { .. } => Matter::CounterRefused {
            counter: letter.id,
            why: args.reason,
        },
        Matter::Proposal(_) => Matter::Verdict {
            proposal: letter.id,
            yes: false,
        },
        other => bail!("a letter of the kind {} is not declined", other.word()),
    };
    write(&client, out, Subject::Thread(thread.id), matter).await?;
    Ok(())
}

/// Lists and shows.
///
/// # Errors
/// Where nothing has that id.
pub async fn run(global: &Global, command: ThreadCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        ThreadCommand::List => {
            let threads: Vec<ThreadView> = client.get("/v1/threads").await?;
            let head = ["id", "with", "as", "intent", "letters", "last", "open"];
            out.list(&threads, &head, row, "no letters yet")?;
        }
        ThreadCommand::Show { about, unseen } => {
            let known = Known::of(&client).await?;
            let thread = find(&known, known.subject(&about)?)?;
            out.value(thread)?;
            show(out, thread)?;
            if !unseen {
                see(&client, thread).await?;
            }
        }
    }
    Ok(())
}

fn find(known: &Known, subject: Subject) -> Result<&ThreadView> {
    let is = |thread: &&ThreadView| match subject {
        Subject::Thread(id) => thread.id == id || thread.letters.iter().any(|letter| letter.id == id),
        Subject::Intent(id) => thread.intent == id,
        Subject::Offer(id) => known
            .offers
            .iter()
            .any(|it| it.id == id && it.intent == Some(thread.intent) && it.seller == Some(thread.seller)),
        Subject::Agreement(id) => thread.deal.as_ref().is_some_and(|deal| deal.agreement == id),
    };
    let found = known.threads.iter().find(is);
    found.ok_or_else(|| anyhow::anyhow!("nothing was said about this yet: `ask` begins"))
}

/// Tells the other side that its letters were seen, once, where there is a letter that a person reads.
async fn see(client: &Client, thread: &ThreadView) -> Result<()> {
    let seen = thread.letters.iter().rev().find_map(|letter| match &letter.matter {
        Matter::Seen { letter: upto } if letter.from == thread.role => Some(*upto),
        _ => None,
    });
    let last = thread.letters.iter().rev().find(|letter| {
        letter.from != thread.role
            && !matches!(
                letter.matter,
                Matter::Seen { .. } | Matter::Moved | Matter::Acknowledged { .. }
            )
    });
    let number = |id: RecordId| thread.letters.iter().find(|it| it.id == id).map(|it| it.number);
    let Some(last) = last.filter(|last| seen.and_then(number).is_none_or(|upto| upto < last.number)) else {
        return Ok(());
    };
    let body = LetterBody {
        about: Subject::Thread(thread.id),
        matter: Matter::Seen { letter: last.id },
    };
    let _: Answered = client.post("/v1/letters", &body).await?;
    Ok(())
}

fn row(thread: &ThreadView) -> Vec<String> {
    let last = thread.letters.last();
    let open = thread
        .proposals
        .iter()
        .filter(|it| it.standing == intentcast_protocol::thread::Standing::Open);
    let asked = thread
        .requests
        .iter()
        .filter(|it| it.granted.is_none() && it.refused.is_none());
    let answered = |id: RecordId| {
        thread.letters.iter().any(|it| match &it.matter {
            Matter::Answer { question, .. } => *question == id,
            Matter::Revised { counter, .. } => *counter == Some(id),
            Matter::CounterRefused { counter, .. } => *counter == id,
            _ => false,
        })
    };
    let unanswered = |what: &'static str| {
        let of = thread.letters.iter().filter(move |letter| letter.what == what);
        of.filter(|letter| !answered(letter.id)).count()
    };
    let mut waits = Vec::new();
    for (count, what) in [
        (unanswered("question"), "questions"),
        (unanswered("counter"), "counter-offers"),
        (open.count(), "proposals"),
        (asked.count(), "requests"),
    ] {
        if count > 0 {
            waits.push(format!("{count} {what}"));
        }
    }
    vec![
        thread.id.short(),
        thread.name.clone(),
        thread.role.to_string(),
        thread.intent.short(),
        thread.letters.len().to_string(),
        last.map(|it| format!("{} {}", it.from, it.what)).unwrap_or_default(),
        waits.join(", "),
    ]
}

/// How far a letter has come, in words.
pub fn passage(passage: Passage) -> String {
    match passage {
        Passage::Queued => "queued".into(),
        Passage::Sent { attempts: 1 } => "sent".into(),
        Passage::Sent { attempts } => format!("sent, {attempts} tries"),
        Passage::Stored => "stored".into(),
        Passage::Delivered => "delivered".into(),
        Passage::Seen => "seen".into(),
        Passage::Failed { why } => format!("failed ({})", why.word()),
        Passage::Expired => "expired".into(),
    }
}

/// What a letter says, on a line.
pub fn told(matter: &Matter) -> String {
    match matter {
        Matter::Question { field, text, .. } => match field {
            Some(field) => format!("{field}? {text}"),
            None => text.to_string(),
        },
        Matter::Answer { text, to_all, .. } => format!("{text}{}", if *to_all { " (said to all)" } else { "" }),
        Matter::Counter { round, changes, .. } => {
            let changes = intentcast_protocol::thread::changes_told(changes);
            let changes: Vec<String> = changes.into_iter().map(|(name, to)| format!("{name} {to}")).collect();
            format!("round {round}: {}", changes.join(", "))
        }
        Matter::Revised { round, with, .. } => {
            format!(
                "round {round}: offer {}",
                intentcast_protocol::envelope::record_id(with).short()
            )
        }
        Matter::CounterRefused { why, .. } => why.word().into(),
        Matter::Retracted { offer } => format!("offer {}", offer.short()),
        Matter::Proposal(proposal) => {
            let changes = proposal.changes.iter().map(|change| {
                let (field, from, to) = change.told();
                format!("{field} from {from} to {to}")
            });
            format!("{}: {}", changes.collect::<Vec<_>>().join(", "), proposal.why)
        }
        Matter::Verdict { yes, .. } => if *yes { "yes" } else { "no" }.into(),
        Matter::Asked { what, why } => format!("{what:?}: {why}").to_lowercase(),
        Matter::PermissionRequest {
            permission, benefit, ..
        } => {
            format!("{} for {}: {benefit}", permission.strand, permission.purpose)
        }
        Matter::Granted { permission, .. } => format!("{} for {}", permission.strand, permission.purpose),
        Matter::GrantRefused { why, .. } => why.to_string(),
        Matter::UseReport(report) => format!(
            "{} {} times for {}",
            report.operation.word(),
            report.times,
            report.purpose
        ),
        Matter::Suggestion { text, .. } => text.to_string(),
        Matter::Revoked { delete, answer_by, .. } => {
            let what = if *delete { "delete it" } else { "use it no more" };
            format!("{what}, answer by {answer_by}")
        }
        Matter::Deleted(deletion) => match deletion.kept.len() {
            0 => "all of it".into(),
            kept => format!("{kept} things are kept by law"),
        },
        Matter::Document {
            hash,
            name,
            mime,
            bytes,
        } => format!("{name}, {mime}, {bytes} bytes: document {}", hash.short()),
        Matter::Disclosed { fields, .. } => {
            let told = fields.iter().map(|it| format!("{}: {}", it.field, it.value));
            told.collect::<Vec<_>>().join(", ")
        }
        Matter::Acknowledged { receipt } => format!("receipt {}", receipt.short()),
        Matter::Seen { letter } => format!("letter {}", letter.short()),
        Matter::Moved | Matter::RatingAsked { .. } | Matter::RatingGiven { .. } => String::new(),
    }
}

fn show(out: Out, thread: &ThreadView) -> io::Result<()> {
    if out.is_json() {
        return Ok(());
    }
    out.fields(&[
        ("id", thread.id.to_string()),
        ("intent", thread.intent.to_string()),
        ("seller", format!("{} {}", thread.name, thread.seller)),
        ("rounds", format!("{} of {}", thread.round, thread.max_rounds)),
        (
            "agreement",
            thread
                .deal
                .as_ref()
                .map(|deal| format!("{} for {}", deal.agreement, deal.total))
                .unwrap_or_default(),
        ),
    ])?;
    if let Some(since) = thread.unsure_since {
        out.line(super::catch_up::waits(since, &thread.id.short()))?;
    }
    let head = ["letter", "at", "from", "what", "says", "passage"];
    let rows = thread.letters.iter().map(|letter| {
        vec![
            letter.id.short(),
            letter.at.to_string(),
            letter.from.to_string(),
            letter.what.clone(),
            told(&letter.matter),
            letter.passage.map(passage).unwrap_or_default(),
        ]
    });
    out.line(super::out::table(&head, rows))
}
