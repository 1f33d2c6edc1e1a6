//! `intentcast document`: photos and documents, sent in a conversation, brought from the other side, and saved.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use intentcast_protocol::{
    id::{EntryHash, hex},
    limits,
    market::Answered,
    text::Name,
};
use serde_json::json;

use super::{
    Failure, Global,
    out::{Out, clean},
    pick::Prefix,
    thread::Known,
};
use crate::{
    api::{Kept, SendBody},
    client::Client,
    documents::{DocumentView, State, hash_of, metadata, sendable},
    home::entropy,
};

/// What to do with photos and documents.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum DocumentCommand {
    /// Send one to the other side of a conversation, and to nobody else
    Send(SendArgs),
    /// Every one of either side, and how far it has come
    List,
    /// Write one to a file; nothing is opened
    Save {
        /// Its SHA-256, or the first digits of it
        document: Prefix,
        /// Where to
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Write over what is there
        #[arg(long)]
        force: bool,
    },
    /// Remove one from this node; what the other side has of it, it keeps
    Forget {
        /// Its SHA-256, or the first digits of it
        document: Prefix,
    },
    /// Ask for one again that you had forgotten, or that was not taken
    Fetch {
        /// Its SHA-256, or the first digits of it
        document: Prefix,
    },
}

/// What is sent.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct SendArgs {
    /// The offer, agreement or conversation; as a seller also an open want
    pub about: Prefix,
    /// A photo (JPEG, PNG, WebP, GIF), a PDF or plain text in UTF-8, of at most 4 MiB
    pub file: PathBuf,
    /// What to call it there [default: the file's own name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub metadata: MetadataArgs,
}

/// What a picture may say besides.
#[derive(Args, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MetadataArgs {
    /// Leave in a photo where (GPS), when and with what it was taken, which is left out of JPEG, PNG and WebP otherwise
    #[arg(long)]
    pub keep_metadata: bool,
}

/// The bytes of a file that is to be sent, no more than may be.
///
/// # Errors
/// Where it cannot be read, or is too long.
pub(super) fn bytes_of(file: &Path) -> Result<Vec<u8>> {
    let told = || format!("cannot read {}", file.display());
    let mut bytes = Vec::new();
    // One more than fits, so that too long is seen as such.
    let most = limits::DOCUMENT_BYTES as u64 + 1;
    let open = fs::File::open(file).with_context(told)?;
    open.take(most).read_to_end(&mut bytes).with_context(told)?;
    Ok(bytes)
}

/// A picture as it will be sent, and its hash.
///
/// # Errors
/// Where it is none, or is not built as one.
pub(super) fn photo_of(file: &Path, keep_metadata: bool) -> Result<(EntryHash, Vec<u8>)> {
    let bytes = bytes_of(file)?;
    let unfit = |why: String| Failure::usage(format!("the photo {}: {why}", file.display()));
    let form = sendable(&bytes).map_err(|why| unfit(why.to_string()))?;
    if !form.is_picture() {
        return Err(unfit(format!("it is {form}, and no picture")).into());
    }
    let bytes = match keep_metadata {
        true => bytes,
        false => {
            metadata::left_out(form, &bytes).map_err(|why| unfit(format!("{why}; --keep-metadata leaves it in")))?
        }
    };
    Ok((hash_of(&bytes), bytes))
}

/// Puts a file on the node's disk, to be sent.
///
/// # Errors
/// Where the node does not take it.
pub(super) async fn put(client: &Client, bytes: Vec<u8>, keep_metadata: bool) -> Result<Kept> {
    let path = format!("/v1/documents?keep_metadata={keep_metadata}");
    Ok(client.post_bytes(&path, bytes).await?)
}

/// Sends, lists, saves, removes.
///
/// # Errors
/// Where nothing has that id, or the file does not do.
pub async fn run(global: &Global, command: DocumentCommand) -> Result<()> {
    let (client, out) = (global.client()?, global.out());
    match command {
        DocumentCommand::Send(args) => send(&client, out, args).await,
        DocumentCommand::List => {
            let all: Vec<DocumentView> = client.get("/v1/documents").await?;
            let head = ["document", "at", "from", "called", "is", "bytes", "state"];
            Ok(out.list(&all, &head, row, "no documents yet: `document send` sends one")?)
        }
        DocumentCommand::Save { document, to, force } => {
            let hash = pick(&client, &document).await?;
            let bytes = client.bytes(&format!("/v1/documents/{hash}")).await?;
            if hash_of(&bytes) != hash {
                bail!("what the node gave is not document {hash}");
            }
            save(&to, &bytes, force)?;
            out.value(&json!({ "event": "saved", "document": hash, "to": to, "bytes": bytes.len() }))?;
            Ok(out.line(format!("{} bytes are in {}", bytes.len(), to.display()))?)
        }
        DocumentCommand::Forget { document } => {
            let hash = pick(&client, &document).await?;
            let _: Answered = client.delete(&format!("/v1/documents/{hash}")).await?;
            out.value(&json!({ "event": "forgotten", "document": hash }))?;
            Ok(out.line(format!("document {hash} is here no more"))?)
        }
        DocumentCommand::Fetch { document } => {
            let hash = pick(&client, &document).await?;
            let path = format!("/v1/documents/{hash}/fetch");
            let _: Answered = client.post(&path, &json!({})).await?;
            out.value(&json!({ "event": "wanted", "document": hash }))?;
            Ok(out.line(format!("document {hash} is asked for again"))?)
        }
    }
}

async fn send(client: &Client, out: Out, args: SendArgs) -> Result<()> {
    let own = args
        .file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("document");
    let name = match &args.name {
        Some(name) => Name::new(name).map_err(|why| Failure::usage(format!("--name: {why}")))?,
        None => Name::lossy(own),
    };
    let bytes = bytes_of(&args.file)?;
    let form = sendable(&bytes).map_err(|why| Failure::usage(format!("{}: {why}", args.file.display())))?;
    let about = Known::of(client).await?.subject(&args.about)?;
    let Kept { document, left_out } = put(client, bytes, args.metadata.keep_metadata).await?;
    let path = format!("/v1/documents/{}/send", document.hash);
    let answered: Answered = client.post(&path, &SendBody { about, name }).await?;
    if left_out > 0 {
        eprintln!("left out {left_out} bytes that say where, when or with what it was taken");
    }
    if !args.metadata.keep_metadata && !matches!(form.mime(), "image/jpeg" | "image/png" | "image/webp") {
        eprintln!("nothing was left out of it: of {form} we do not know what it says besides");
    }
    let Answered::Said(letter) = answered else {
        bail!("the node answered {answered:?}");
    };
    out.value(&json!({
        "event": "letter",
        "letter": letter,
        "what": "document",
        "document": document.hash,
        "mime": document.mime,
        "bytes": document.bytes,
        "left_out": left_out,
    }))?;
    Ok(out.line(format!("document {} in letter {letter}", document.hash))?)
}

async fn pick(client: &Client, document: &Prefix) -> Result<EntryHash> {
    let all: Vec<DocumentView> = client.get("/v1/documents").await?;
    let mut hashes: Vec<EntryHash> = all.iter().map(|view| view.hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    // One that no letter names yet is in no list; its whole hash will do.
    match document.pick("document", hashes) {
        Ok(hash) => Ok(hash),
        Err(why) => document.to_string().parse().map_err(|_| why),
    }
}

/// Writes all of it or nothing, and over nothing unless that was said. A link is never followed.
fn save(to: &Path, bytes: &[u8], force: bool) -> Result<()> {
    let told = || format!("cannot write {}", to.display());
    let write = |path: &Path| -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            // What is there now is ours, and half.
            let _ = fs::remove_file(path);
        }
        written
    };
    if !force {
        return match write(to) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
                Err(Failure::usage(format!("{} is there already: --force writes over it", to.display())).into())
            }
            written => written.with_context(told),
        };
    }
    let Some(name) = to.file_name() else {
        return Err(Failure::usage(format!("{} is no file's name", to.display())).into());
    };
    let mut beside = name.to_owned();
    beside.push(format!(".{}.part", hex(&entropy::<4>()?)));
    let beside = to.with_file_name(beside);
    write(&beside).with_context(told)?;
    fs::rename(&beside, to).with_context(|| {
        // It has no other name by now.
        let _ = fs::remove_file(&beside);
        told()
    })
}

/// How far it has come, in words.
pub fn state(view: &DocumentView) -> String {
    let of = |of: Option<u32>| of.map(|of| format!(" of {of}")).unwrap_or_default();
    match &view.state {
        State::Held if view.ours => "sent from here".into(),
        State::Held => "held".into(),
        State::Announced => "announced".into(),
        State::Fetching { have, of: all } => format!("fetching {have}{}", of(*all)),
        State::Waiting {
            have,
            of: all,
            tries,
            why,
        } => format!("waiting, {have}{} bytes, {tries} tries: {}", of(*all), clean(why)),
        State::Refused { why } => format!("refused: {}", clean(why)),
        State::Forgotten => "forgotten".into(),
        State::Blocked => "not asked for: its seller is blocked".into(),
        State::Missing => "not on this disk any more: the other side cannot fetch it from here".into(),
    }
}

fn row(view: &DocumentView) -> Vec<String> {
    vec![
        view.hash.short(),
        view.at.to_string(),
        view.from.to_string(),
        clean(view.name.as_deref().unwrap_or("the want's photo")),
        clean(view.mime.as_deref().unwrap_or_default()),
        view.bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
        state(view),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_written_over_only_where_that_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("frame.jpg");
        save(&to, b"first", false).unwrap();
        let refused = save(&to, b"second", false).unwrap_err();
        assert!(refused.to_string().contains("--force"), "{refused}");
        assert_eq!(fs::read(&to).unwrap(), b"first");
        save(&to, b"second", true).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"second");
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (other, to) = (dir.path().join("other"), dir.path().join("frame.jpg"));
        fs::write(&other, b"mine").unwrap();
        std::os::unix::fs::symlink(&other, &to).unwrap();
        assert!(save(&to, b"theirs", false).is_err());
        save(&to, b"theirs", true).unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"mine");
        assert_eq!(fs::read(&to).unwrap(), b"theirs");
    }
}
