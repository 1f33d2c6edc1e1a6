//! `intentcast catalog import`: a file's items, streamed to the node as they are read.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::mpsc;

use super::{Failure, Global, mapping::MappingArgs, out::clean};
use crate::{
    api::backend::Imported,
    catalogue::{ImportError, Mapping, Reader, Report},
    client::ClientError,
};

/// Bytes of items that go to the node at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces on their way between two threads.
const PIECES: usize = 4;
/// Rows after which the person sees how many there were.
const SHOW_EVERY: u64 = 256;
/// How often the person sees that something goes on.
const TICK: Duration = Duration::from_millis(250);
/// How often a followed file is looked at. It is read when it has stayed the same between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long until a file is brought again to a node that did not take it.
const RETRY: Duration = Duration::from_secs(10);

/// What a refused file has done.
const AS_IT_WAS: &str = "; the catalogue is as it was";

/// What to take in, and what it does not say itself.
#[derive(clap::Args, Clone, PartialEq, Eq, Debug)]
pub struct ImportArgs {
    /// The file, an address like http://127.0.0.1:8000/feed.xml on this machine, or - for what is piped in
    #[arg(value_name = "FILE|URL|-")]
    file: PathBuf,
    #[command(flatten)]
    mapping: MappingArgs,
    /// Take nothing if a single row is bad
    #[arg(long)]
    strict: bool,
    /// Take it in again whenever the file changes
    #[arg(long)]
    watch: bool,
}

pub async fn run(global: &Global, args: ImportArgs) -> Result<()> {
    let (mapping, source) = (args.mapping.mapping()?, Source::of(&args.file)?);
    if !args.watch {
        return once(global, &source, &mapping, args.strict).await;
    }
    let Source::File(path) = &source else {
        return Err(Failure::usage("--watch follows a file, and this is none").into());
    };
    let mut taken = Look::at(path);
    once(global, &source, &mapping, args.strict).await?;
    global
        .out()
        .line(format!("following {}: interrupt to end", path.display()))?;
    let (mut looks, mut before, mut again) = (tokio::time::interval(LOOK_EVERY), taken, None);
    loop {
        let at = looks.tick().await;
        let now = Look::at(path);
        let is_due = now != taken || again.is_some_and(|again| again <= at);
        // A file that is still being written differs from look to look; one that is being replaced may be missing.
        if now.is_settled(before) && is_due {
            (taken, again) = (now, None);
            if let Err(why) = once(global, &source, &mapping, args.strict).await {
                let said = clean(&format!("{why:#}"));
                let said = said.strip_suffix(AS_IT_WAS).unwrap_or(&said);
                eprintln!("{}: {said}{AS_IT_WAS}", path.display());
                // What is wrong with a file stays so until it changes; a node that is away may be back.
                again = why.is::<ClientError>().then(|| at + RETRY);
            }
        }
        before = now;
    }
}

/// What shows from outside whether a file has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Look(Option<(SystemTime, u64)>);

impl Look {
    fn at(path: &Path) -> Self {
        let found = std::fs::metadata(path).and_then(|found| Ok((found.modified()?, found.len())));
        Self(found.ok())
    }

    /// Whether there is a file, and as it was before.
    fn is_settled(self, before: Self) -> bool {
        self.0.is_some() && self == before
    }
}

/// Where the bytes come from.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Source {
    File(PathBuf),
    Here(reqwest::Url),
    Piped,
}

impl Source {
    fn of(said: &Path) -> Result<Self> {
        let text = said.to_string_lossy();
        if text == "-" {
            return Ok(Self::Piped);
        }
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return Ok(Self::File(said.to_owned()));
        }
        let url: reqwest::Url = text.parse().map_err(Failure::usage)?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if host == "localhost" || host.parse::<IpAddr>().is_ok_and(|addr| addr.is_loopback()) {
            Ok(Self::Here(url))
        } else {
            let why = "an address is fetched from this machine only (127.0.0.1, ::1, localhost): fetch the file first";
            Err(Failure::usage(why).into())
        }
    }

    /// Its bytes, and how many there are, where that is known.
    async fn open(&self) -> Result<(Box<dyn Read + Send>, Option<u64>)> {
        match self {
            Self::Piped => Ok((Box::new(io::stdin()), None)),
            Self::File(path) => {
                let file = File::open(path).and_then(|file| match file.metadata()? {
                    found if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
                    found => Ok((file, found.len())),
                });
                let (file, len) = file.map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
                Ok((Box::new(file), Some(len).filter(|len| *len > 0)))
            }
            Self::Here(url) => {
                let http = reqwest::Client::builder()
                    .no_proxy()
                    .redirect(reqwest::redirect::Policy::none())
                    .build()?;
                let response = http
                    .get(url.clone())
                    .send()
                    .await
                    .context("the address does not answer")?;
                if !response.status().is_success() {
                    return Err(Failure::usage(format!("{url} answers {}", response.status())).into());
                }
                let len = response.content_length();
                let (to, chunks) = mpsc::channel(PIECES);
                let mut body = response.bytes_stream();
                tokio::spawn(async move {
                    while let Some(chunk) = body.next().await {
                        let chunk = chunk.map(|chunk| chunk.to_vec()).map_err(io::Error::other);
                        // Whoever reads may have given up.
                        if to.send(chunk).await.is_err() {
                            return;
                        }
                    }
                });
                let (waiting, given) = (Vec::new(), 0);
                Ok((Box::new(Chunks { chunks, waiting, given }), len))
            }
        }
    }
}

/// Chunks that another task brings, read by a thread that may wait.
struct Chunks {
    chunks: mpsc::Receiver<io::Result<Vec<u8>>>,
    waiting: Vec<u8>,
    given: usize,
}

impl Read for Chunks {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.waiting.len() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => (self.waiting, self.given) = (chunk?, 0),
            }
        }
        let read = (&self.waiting[self.given..]).read(out)?;
        self.given += read;
        Ok(read)
    }
}

async fn once(global: &Global, source: &Source, mapping: &Mapping, strict: bool) -> Result<()> {
    // A node that was started again is at another address.
    let (client, out) = (global.client()?, global.out());
    let (bytes, total) = source.open().await?;
    let is_shown = !out.is_json() && io::stderr().is_terminal();
    let (to, pieces) = mpsc::channel(PIECES);
    let progress = bar(total, is_shown);
    let (mapping, shown) = (mapping.clone(), progress.clone());
    let reading = tokio::task::spawn_blocking(move || read(bytes, &mapping, strict, &to, &shown));
    let body = stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    let (read, done) = tokio::join!(reading, client.import(body));
    progress.finish_and_clear();
    let report = match read? {
        Ok(report) => report,
        Err(Stopped::Reading(why)) => return Err(why.into()),
        Err(Stopped::Refused(why, report)) => {
            tell(&report);
            return Err(Failure::usage(why).into());
        }
        // Then the node has said why.
        Err(Stopped::Unheard) => {
            return Err(match done {
                Err(why) => why.into(),
                Ok(_) => Failure::usage("the node took no more").into(),
            });
        }
    };
    tell(&report);
    let done: Imported = done?;
    out.value(&json!({
        "read": report.read, "bad": report.bad_rows(), "duplicates": report.duplicates, "beside": report.beside,
        "unread": report.unread,
        "categories": { "percent": report.coverage(), "unmapped": report.unmapped }, "imported": done,
    }))?;
    out.line(report.to_string())?;
    out.line(format!(
        "{} added, {} changed, {} removed, {} unchanged",
        done.added, done.changed, done.removed, done.unchanged
    ))?;
    Ok(())
}

fn tell(report: &Report) {
    for row in report.bad.iter().chain(&report.repeated) {
        eprintln!("{}", clean(&row.to_string()));
    }
}

/// Why not all items went to the node.
enum Stopped {
    /// The file is unfit.
    Reading(Failure),
    /// The file was read, and is not to be taken.
    Refused(String, Box<Report>),
    /// The node takes no more.
    Unheard,
}

/// Reads all, and sends what is good. What ends before its end is sent an error, so that the node forgets it.
fn read(
    bytes: impl Read,
    mapping: &Mapping,
    strict: bool,
    to: &mpsc::Sender<io::Result<Vec<u8>>>,
    progress: &ProgressBar,
) -> Result<Report, Stopped> {
    let refuse = |why: &str| drop(to.blocking_send(Err(io::Error::other(why.to_owned()))));
    let reading = |why: ImportError| {
        refuse("the file is unfit");
        Stopped::Reading(Failure::usage(why))
    };
    let mut reader = Reader::open(progress.wrap_read(bytes), mapping).map_err(reading)?;
    let mut lines = Vec::with_capacity(PIECE_BYTES);
    while let Some(item) = reader.next().map_err(reading)? {
        serde_json::to_writer(&mut lines, &item).expect("an item is JSON, and memory takes it");
        lines.push(b'\n');
        if lines.len() >= PIECE_BYTES {
            to.blocking_send(Ok(std::mem::take(&mut lines)))
                .map_err(|_| Stopped::Unheard)?;
        }
        if reader.report().read % SHOW_EVERY == 0 {
            progress.set_message(so_far(reader.report(), progress.elapsed()));
        }
    }
    let report = reader.finish();
    let why = match report.bad.first() {
        _ if report.taken == 0 => format!("no row is an item{AS_IT_WAS}"),
        Some(_) if strict => format!("{} bad rows{AS_IT_WAS}", report.bad_rows()),
        _ if strict && report.duplicates > 0 => format!("{} ids are given again{AS_IT_WAS}", report.duplicates),
        _ => {
            to.blocking_send(Ok(lines)).map_err(|_| Stopped::Unheard)?;
            // It stays until the node has answered.
            progress.set_style(style("{spinner} all read; the node stores and indexes  {elapsed}"));
            progress.enable_steady_tick(TICK);
            return Ok(report);
        }
    };
    refuse(&why);
    Err(Stopped::Refused(why, Box::new(report)))
}

/// A bar on a terminal, or a count of bytes where nobody knows how many there will be; elsewhere nothing is shown.
fn bar(total: Option<u64>, is_shown: bool) -> ProgressBar {
    let (bar, template) = match total {
        _ if !is_shown => return ProgressBar::hidden(),
        Some(total) => (ProgressBar::new(total), "[{bar:24}] {percent:>3} %  {msg}"),
        None => (ProgressBar::no_length(), "{spinner} {decimal_bytes}  {msg}"),
    };
    bar.with_style(style(template))
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("each template here is one");
    style.progress_chars("#.")
}

/// What is known of the rows so far.
fn so_far(report: &Report, since: Duration) -> String {
    let rate = report.read as f64 / since.as_secs_f64().max(0.001);
    format!("{} rows, {} bad, {rate:.0} a second", report.read, report.bad_rows())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_for_a_file() {
        for here in [
            "http://127.0.0.1:80/feed.xml",
            "http://localhost/x",
            "http://[::1]:9/x",
            "https://127.8.9.1/x",
        ] {
            assert!(matches!(Source::of(Path::new(here)), Ok(Source::Here(_))), "{here}");
        }
        for there in [
            "http://example.org/feed.xml",
            "http://10.0.0.1/x",
            "http://127.0.0.1.example.org/",
        ] {
            assert!(Source::of(Path::new(there)).is_err(), "{there}");
        }
        assert_eq!(Source::of(Path::new("-")).unwrap(), Source::Piped);
        assert_eq!(Source::of(Path::new("a.csv")).unwrap(), Source::File("a.csv".into()));
    }

    #[test]
    fn a_file_is_read_again_when_it_has_changed_and_rests() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("feed.csv");
        let none = Look::at(&path);
        assert!(!none.is_settled(none));
        std::fs::write(&path, "a").unwrap();
        let first = Look::at(&path);
        assert!(!first.is_settled(none) && first.is_settled(Look::at(&path)));
        std::fs::write(&path, "ab").unwrap();
        let second = Look::at(&path);
        assert!(!second.is_settled(first) && second != first);
    }

    fn sent(text: &str, strict: bool) -> (Result<Report, Stopped>, Vec<io::Result<Vec<u8>>>) {
        let (to, mut pieces) = mpsc::channel(100);
        let result = read(
            text.as_bytes(),
            &Mapping::default(),
            strict,
            &to,
            &ProgressBar::hidden(),
        );
        drop(to);
        let mut all = Vec::new();
        while let Some(piece) = pieces.blocking_recv() {
            all.push(piece);
        }
        (result, all)
    }

    #[test]
    fn what_is_not_to_be_taken_ends_with_an_error() {
        let good = "title,price,currency\nA,1,GBP\nB,2,GBP\n";
        let (read, pieces) = sent(good, true);
        assert!(read.is_ok_and(|report| report.taken == 2));
        assert!(pieces.iter().all(Result::is_ok));
        let bad = format!("{good}C,free,GBP\n");
        assert!(sent(&bad, false).0.is_ok_and(|report| report.bad_rows() == 1));
        for (text, strict) in [(bad.as_str(), true), ("title,price\n", false), ("", false)] {
            let (read, pieces) = sent(text, strict);
            assert!(read.is_err(), "{text}");
            assert!(
                pieces.last().is_some_and(Result::is_err),
                "{text}: the node must not take it for whole"
            );
        }
        let again = "id,title,price,currency\n1,A,1,GBP\n1,A,1,GBP\n";
        assert!(matches!(sent(again, true).0, Err(Stopped::Refused(why, _)) if why.contains("given again")));
    }

    #[test]
    fn progress_says_how_far_it_is() {
        let report = Report {
            read: 500,
            ..Report::default()
        };
        assert_eq!(so_far(&report, Duration::from_secs(1)), "500 rows, 0 bad, 500 a second");
        assert_eq!(bar(Some(100), true).length(), Some(100));
        assert!(bar(Some(100), false).is_hidden());
    }
}
