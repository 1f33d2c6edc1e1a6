//! `intentcast data`: everything of yours, taken along, and what others give you of it. It works on a node that runs and on
//! one that does not.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Subcommand;
use intentcast_protocol::{
    id::{AgreementId, EntryHash},
    letter::{Ask, Matter},
    market::{AgreementView, Answered, ThreadView},
    text::Phrase,
};
use serde_json::{Value, json};

use super::{Exit, Failure, Global, catch_up, out::Out, pick::Prefix, secret::SecretArgs};
use crate::{
    api::{LetterBody, Subject},
    client::Client,
    documents::{DocumentView, State},
    driver::now,
    portability::{
        access::Access,
        archive::{Archived, Sort},
        backup, export, read,
        returned::{self, NotReturned},
        returning,
    },
    vault,
};

/// How often it is looked whether a document has come.
const LOOKS_AGAIN: Duration = Duration::from_millis(500);

/// What to do with all that is yours.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum DataCommand {
    /// Write one encrypted file from which this node can go on elsewhere
    Backup {
        /// The file; it must not be there yet
        file: PathBuf,
        #[command(flatten)]
        secret: SecretArgs,
    },
    /// Make a node's folder, the one that --home names, out of a backup; it must be new or empty
    Restore {
        /// The backup
        file: PathBuf,
        #[command(flatten)]
        secret: SecretArgs,
    },
    /// What goes on from a backup and waits until the other side has said what it holds; ask it now
    CatchUp {
        /// The conversation, its order, or their first digits; all of them, where none is named
        which: Option<Prefix>,
        /// Go on with what is here. Where the other side does hold more, it will take nothing that you write there
        #[arg(long, requires = "which")]
        anyway: bool,
    },
    /// Write one open document, JSON-LD: wants, offers, orders, ratings, letters and consents, with the signed originals
    Export {
        /// The file; it must not be there yet
        file: PathBuf,
        /// The vault too, encrypted as it lies on disk
        #[arg(long)]
        with_vault: bool,
    },
    /// Take orders, offers and consents of such a document, or of a seller's `order data`, into the archive
    Import {
        /// The document
        file: PathBuf,
    },
    /// What was imported, and how far it is proved
    List {
        /// Words that it says, all of them
        words: Vec<String>,
        /// Only this sort: order, offer, consent
        #[arg(long, value_parser = sort)]
        sort: Option<Sort>,
    },
}

fn sort(word: &str) -> Result<Sort, String> {
    let known = Sort::ALL.into_iter().find(|sort| sort.word() == word);
    known.ok_or_else(|| "order, offer or consent".into())
}

/// Said with every restore: there is one seed, and now perhaps two nodes.
const ONE_ALONE: &str = "only one of the two devices may go on: run this node or the one that was backed up, never both. \
                         Where both write, their letters part ways, and the other side refuses those of one";

/// Said with every restore: what was said since the backup is not in it.
const ASKS_FIRST: &str = "once it runs, it asks the other side of every conversation for what was said since the backup, and \
                          writes nothing there before: `intentcast data catch-up` shows what it waits for";

pub async fn run(global: &Global, command: DataCommand) -> Result<()> {
    let (home, out) = (global.home()?, global.out());
    match command {
        DataCommand::Backup { file, secret } => {
            must_be_new(&file)?;
            let access = access(&home).await?;
            let opener = secret.new_opener()?;
            let (bytes, saved) = backup::save(&access, &home, now(), &opener).await?;
            write_new(&file, &bytes)?;
            out.value(&json!({ "event": "backed_up", "file": file, "bytes": bytes.len(), "backup": saved }))?;
            out.line(format!(
                "wrote {}: {} entries, {} files; the same {} opens it again",
                file.display(),
                saved.about.entries,
                saved.files.len(),
                opener.kind()
            ))?;
            for path in &saved.elsewhere {
                out.line(format!("not in it: {}, which lies elsewhere", path.display()))?;
            }
        }
        DataCommand::Restore { file, secret } => {
            let bytes = backup::read_file(&file)?;
            let opens_with = backup::opens_with(&bytes)?;
            backup::may_restore_into(&home)?;
            let opener = secret.opener(opens_with)?;
            let restored = backup::restore(&bytes, &opener, &home, now())?;
            out.value(&json!({ "event": "restored", "home": home, "restored": restored, "notice": ONE_ALONE }))?;
            out.line(format!(
                "restored {}: {} entries and {} files, as they were at {}",
                home.display(),
                restored.about.entries,
                restored.files,
                restored.about.made
            ))?;
            out.line(ONE_ALONE)?;
            out.line(ASKS_FIRST)?;
        }
        DataCommand::CatchUp { which, anyway } => catch_up::run(global, which.as_ref(), anyway).await?,
        DataCommand::Export { file, with_vault } => {
            must_be_new(&file)?;
            let (_, market, entries) = access(&home).await?.market(&home).await?;
            let vault = if with_vault { vault_file(&home)? } else { None };
            let document = export::document(now(), &market, &entries, vault.as_deref())?;
            write_new(&file, &pretty(&document))?;
            let things = document["@graph"].as_array().map_or(0, Vec::len);
            out.value(&json!({ "event": "exported", "file": file, "things": things }))?;
            out.line(format!(
                "wrote {}: {things} things, open to whoever has the file",
                file.display()
            ))?;
        }
        DataCommand::Import { file } => import(&home, out, &file).await?,
        DataCommand::List { words, sort } => list(out, &access(&home).await?.archived().await?, &words, sort)?,
    }
    Ok(())
}

async fn access(home: &Path) -> Result<Access> {
    Access::of(home).await
}

async fn import(home: &Path, out: Out, file: &Path) -> Result<()> {
    let told = |why: anyhow::Error| Failure::new(Exit::Failed, format!("{}: {why:#}", file.display()));
    let document = read::file(file).map_err(told)?;
    let (found, taken) =
        access(home)
            .await?
            .import(&document)
            .await
            .map_err(|why| match why.downcast::<read::Wrong>() {
                Ok(wrong) => told(wrong.into()).into(),
                Err(why) => why,
            })?;
    out.value(&json!({
        "event": "imported", "format": found.format, "signed_by": found.by, "taken": taken, "passed_over": found.passed_over,
    }))?;
    if let Some(by) = found.by {
        out.line(format!("signed by the seller {}", by.short()))?;
    }
    out.line(format!(
        "{} added, {} changed, {} as before; {} other things are not kept. `intentcast data list` shows them",
        taken.added, taken.changed, taken.unchanged, found.passed_over
    ))?;
    Ok(())
}

/// What the archive has that says these words.
pub fn list(out: Out, all: &[Archived], words: &[String], sort: Option<Sort>) -> Result<()> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let says = |archived: &&Archived| {
        let said = [
            &archived.id,
            &archived.title,
            &archived.party,
            &archived.state,
            &archived.receipts.join("\n"),
        ]
        .map(|text| text.to_lowercase())
        .join("\n");
        sort.is_none_or(|sort| sort == archived.sort) && words.iter().all(|word| said.contains(word))
    };
    let found: Vec<&Archived> = all.iter().filter(says).collect();
    let row = |archived: &&Archived| {
        vec![
            archived.sort.to_string(),
            archived.id.chars().take(8).collect(),
            archived.party.clone(),
            archived.title.clone(),
            archived.total.clone(),
            archived.state.clone(),
            archived.at.clone(),
            archived.proof.to_string(),
        ]
    };
    let head = ["sort", "id", "party", "what", "total", "state", "at", "proof"];
    out.list(
        &found,
        &head,
        row,
        "the archive has nothing of that: `intentcast data import FILE` fills it",
    )?;
    Ok(())
}

/// `intentcast order list --archived`.
pub async fn archived_orders(global: &Global, words: &[String]) -> Result<()> {
    let all = access(&global.home()?).await?.archived().await?;
    list(global.out(), &all, words, Some(Sort::Order))
}

/// `intentcast order data`: what a seller gives back of one order; as its customer, asked for and waited for.
pub async fn order(global: &Global, order: &Prefix, output: Option<&Path>, waits: Duration) -> Result<()> {
    if let Some(file) = output {
        must_be_new(file)?;
    }
    let (home, out) = (global.home()?, global.out());
    let (seed, market, entries) = access(&home).await?.market(&home).await?;
    let all: Vec<AgreementView> = market.agreements();
    let id: AgreementId = order.pick("order", all.into_iter().map(|view| view.id))?;
    let bytes = match returned::document(now(), &seed, &market, &entries, id) {
        Ok(document) => returned::bytes(&document),
        Err(NotReturned::NotTheSeller) => returned_by_seller(global, id, waits).await?,
        Err(why) => return Err(why.into()),
    };
    match output {
        Some(file) => {
            write_new(file, &bytes)?;
            out.value(&json!({ "event": "returned", "agreement": id, "file": file }))?;
            out.line(format!(
                "wrote {}, signed by the seller: the customer's `intentcast data import` takes it in",
                file.display()
            ))?;
        }
        None => io::stdout().lock().write_all(&bytes)?,
    }
    Ok(())
}

/// As the customer: asks the seller for the data of an order, unless that was asked already or what came is still all there
/// is, and waits until it is here.
async fn returned_by_seller(global: &Global, id: AgreementId, waits: Duration) -> Result<Vec<u8>> {
    let client = global.client()?;
    let view: AgreementView = client.get(&format!("/v1/agreements/{id}")).await?;
    let threads: Vec<ThreadView> = client.get("/v1/threads").await?;
    let of = |thread: &&ThreadView| (thread.intent, thread.seller) == (view.intent, view.seller);
    let is_asked = |thread: &ThreadView| returning::is_owed(thread) || returning::is_current(thread, &view.receipts);
    if !threads.iter().find(of).is_some_and(is_asked) {
        let body = LetterBody {
            about: Subject::Agreement(id),
            matter: Matter::Asked {
                what: Ask::Data,
                why: Phrase::lossy("to have what was gathered"),
            },
        };
        let _: Answered = client.post("/v1/letters", &body).await?;
    }
    let until = Instant::now() + waits;
    loop {
        let threads: Vec<ThreadView> = client.get("/v1/threads").await?;
        let thread = threads.iter().find(of).filter(|thread| !returning::is_owed(thread));
        let mut all: Vec<DocumentView> = client.get("/v1/documents").await?;
        all.retain(|document| {
            let ours = thread.is_some_and(|thread| thread.id == document.thread);
            ours && !document.ours && document.name.as_deref() == Some(returned::NAME)
        });
        match all.into_iter().max_by_key(|document| document.at) {
            Some(DocumentView {
                hash,
                state: State::Held,
                ..
            }) => return returned_whole(&client, hash).await,
            Some(DocumentView {
                state: State::Refused { why },
                ..
            }) => {
                let why = format!("what the seller sent was not taken: {why}");
                return Err(Failure::new(Exit::Refused, why).into());
            }
            _ if Instant::now() >= until => {
                let why = "asked, and it is not here yet: the same command goes on waiting, and does not ask twice";
                return Err(Failure::new(Exit::Failed, why).into());
            }
            _ => tokio::time::sleep(LOOKS_AGAIN).await,
        }
    }
}

/// The document that a seller sent, if it is what it says.
async fn returned_whole(client: &Client, hash: EntryHash) -> Result<Vec<u8>> {
    let bytes = client.bytes(&format!("/v1/documents/{hash}")).await?;
    let document: Value = serde_json::from_slice(&bytes).context("what the seller sent is no document")?;
    read::read(&document).map_err(|wrong| Failure::new(Exit::Refused, format!("what the seller sent: {wrong}")))?;
    Ok(bytes)
}

/// The vault's file, if there is one.
fn vault_file(home: &Path) -> Result<Option<Vec<u8>>> {
    let path = home.join(vault::FILE);
    let mut bytes = Vec::new();
    match fs::File::open(&path) {
        Ok(open) => open.take(vault::file::VAULT.bytes as u64).read_to_end(&mut bytes)?,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why).with_context(|| format!("cannot read {}", path.display())),
    };
    Ok(Some(bytes))
}

fn pretty(document: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(document).expect("a document is plain values, which JSON always takes");
    bytes.push(b'\n');
    bytes
}

/// Nobody's last backup is written over.
pub(super) fn must_be_new(file: &Path) -> Result<()> {
    if file.exists() {
        return Err(Failure::usage(format!("{} is there already: name a new file", file.display())).into());
    }
    Ok(())
}

/// Writes a file that only its owner reads, whole or not at all, and over no other.
pub(super) fn write_new(file: &Path, bytes: &[u8]) -> Result<()> {
    let told = || format!("cannot write {}", file.display());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut beside = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).with_context(told)?;
    beside.write_all(bytes).with_context(told)?;
    beside.as_file().sync_all().with_context(told)?;
    beside.persist_noclobber(file).with_context(told)?;
    Ok(())
}
