//! `intentcast catalog import`: a file's items, streamed to the node as they are read.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read, Write as _},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, stream};
use intentcast_protocol::{money::Currency, place::Region};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    Failure,
    out::{Out, clean},
};
use crate::{
    api::backend::Imported,
    catalogue::{Encoding, ImportError, Mapping, Reader, Report},
    client::Client,
};

/// Bytes of items that go to the node at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces on their way between two threads.
const PIECES: usize = 4;
/// How often the person sees how far it is.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// How often a followed file is looked at. It is read when it has stayed the same between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What to take in, and what it does not say itself.
#[derive(clap::Args, Clone, PartialEq, Eq, Debug)]
pub struct ImportArgs {
    /// The file, an address like http://127.0.0.1:8000/feed.xml on this machine, or - for what is piped in
    #[arg(value_name = "FILE|URL|-")]
    file: PathBuf,
    /// Which of its columns is what
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// The currency of prices that name none
    #[arg(long, value_name = "CODE")]
    currency: Option<Currency>,
    /// Where items are sent that do not say so: countries or parts of them
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    ships_to: Vec<Region>,
    /// How the file's letters are written: utf8 or latin1
    #[arg(long, value_name = "NAME")]
    encoding: Option<Encoding>,
    /// Take nothing if a single row is bad
    #[arg(long)]
    strict: bool,
    /// Take it in again whenever the file changes
    #[arg(long)]
    watch: bool,
}

impl ImportArgs {
    fn mapping(&self) -> Result<Mapping> {
        let mut mapping = match &self.map {
            Some(map) => Mapping::load(map).map_err(Failure::usage)?,
            None => Mapping::default(),
        };
        mapping.constants.currency = self.currency.or(mapping.constants.currency);
        if !self.ships_to.is_empty() {
            mapping.constants.ships_to.clone_from(&self.ships_to);
        }
        mapping.encoding = self.encoding.unwrap_or(mapping.encoding);
        Ok(mapping)
    }
}

pub async fn run(client: &Client, out: Out, args: ImportArgs) -> Result<()> {
    let mapping = args.mapping()?;
    let source = Source::of(&args.file)?;
    if !args.watch {
        return once(client, out, &source, &mapping, args.strict).await;
    }
    let Source::File(path) = &source else {
        return Err(Failure::usage("--watch follows a file, and this is none").into());
    };
    let mut taken = Look::at(path);
    once(client, out, &source, &mapping, args.strict).await?;
    out.line(format!("following {}: interrupt to end", path.display()))?;
    let (mut looks, mut before) = (tokio::time::interval(LOOK_EVERY), taken);
    loop {
        looks.tick().await;
        let now = Look::at(path);
        // A file that is still being written differs from look to look; one that is being replaced may be missing.
        if now.is_settled(before) && now != taken {
            taken = now;
            if let Err(why) = once(client, out, &source, &mapping, args.strict).await {
                eprintln!(
                    "{}: {}; the catalogue is as it was",
                    path.display(),
                    clean(&format!("{why:#}"))
                );
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

async fn once(client: &Client, out: Out, source: &Source, mapping: &Mapping, strict: bool) -> Result<()> {
    let (bytes, total) = source.open().await?;
    let is_shown = !out.is_json() && io::stderr().is_terminal();
    let (to, pieces) = mpsc::channel(PIECES);
    let progress = Progress::new(total, is_shown);
    let mapping = mapping.clone();
    let reading = tokio::task::spawn_blocking(move || read(bytes, &mapping, strict, &to, progress));
    let body = stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    let (read, done) = tokio::join!(reading, client.import(body));
    if is_shown {
        write_over("");
    }
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
    mut progress: Progress,
) -> Result<Report, Stopped> {
    let refuse = |why: &str| drop(to.blocking_send(Err(io::Error::other(why.to_owned()))));
    let reading = |why: ImportError| {
        refuse("the file is unfit");
        Stopped::Reading(Failure::usage(why))
    };
    let bytes = Counted {
        bytes,
        count: progress.count(),
    };
    let mut reader = Reader::open(bytes, mapping).map_err(reading)?;
    let mut lines = Vec::with_capacity(PIECE_BYTES);
    while let Some(item) = reader.next().map_err(reading)? {
        serde_json::to_writer(&mut lines, &item).expect("an item is JSON, and memory takes it");
        lines.push(b'\n');
        if lines.len() >= PIECE_BYTES {
            to.blocking_send(Ok(std::mem::take(&mut lines)))
                .map_err(|_| Stopped::Unheard)?;
        }
        progress.show(reader.report());
    }
    let report = reader.finish();
    let why = match report.bad.first() {
        _ if report.taken == 0 => "no row is an item; the catalogue is as it was".to_owned(),
        Some(_) if strict => format!("{} bad rows; the catalogue is as it was", report.bad_rows()),
        _ if strict && report.duplicates > 0 => {
            format!("{} ids are given again; the catalogue is as it was", report.duplicates)
        }
        _ => {
            to.blocking_send(Ok(lines)).map_err(|_| Stopped::Unheard)?;
            progress.done();
            return Ok(report);
        }
    };
    refuse(&why);
    Err(Stopped::Refused(why, Box::new(report)))
}

/// A reader that says how far it is.
struct Counted<R> {
    bytes: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(out)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// How far it is, on one line of a terminal that is written over.
struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
    is_shown: bool,
    began: Instant,
    shown: Instant,
}

impl Progress {
    fn new(total: Option<u64>, is_shown: bool) -> Self {
        Self {
            read: Arc::default(),
            total,
            is_shown,
            began: Instant::now(),
            shown: Instant::now(),
        }
    }

    fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    fn show(&mut self, report: &Report) {
        if self.is_shown && self.shown.elapsed() >= SHOW_EVERY {
            self.shown = Instant::now();
            let line = progress_line(
                self.read.load(Ordering::Relaxed),
                self.total,
                report,
                self.began.elapsed(),
            );
            write_over(&line);
        }
    }

    fn done(&mut self) {
        if self.is_shown {
            // It stays until the node has answered.
            self.is_shown = false;
            write_over("all read; the node stores and indexes");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            write_over("");
        }
    }
}

fn write_over(line: &str) {
    // A terminal that is gone is no reason to stop.
    let _ = write!(io::stderr(), "\r\x1b[K{line}").and_then(|()| io::stderr().flush());
}

fn progress_line(read: u64, total: Option<u64>, report: &Report, since: Duration) -> String {
    /// Places of the bar.
    const WIDTH: u64 = 24;
    let rate = report.read as f64 / since.as_secs_f64().max(0.001);
    let rows = format!("{} rows, {} bad, {rate:.0} a second", report.read, report.bad_rows());
    match total {
        Some(total) if total > 0 => {
            let full = (read.min(total) * WIDTH / total) as usize;
            let bar = format!("{}{}", "#".repeat(full), ".".repeat(WIDTH as usize - full));
            format!("[{bar}] {:3} %  {rows}", read.min(total) * 100 / total)
        }
        _ => format!("{:.1} MB  {rows}", read as f64 / 1e6),
    }
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
            Progress::new(None, false),
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
        let line = progress_line(50, Some(100), &report, Duration::from_secs(1));
        assert!(
            line.contains("50 %") && line.contains("500 rows") && line.contains("500 a second"),
            "{line}"
        );
        assert!(progress_line(2_000_000, None, &report, Duration::ZERO).starts_with("2.0 MB"));
    }
}
