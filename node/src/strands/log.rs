//! What was done with people's data, and what was asked of it and not done: one line each, never changed.
//!
//! JSON, a line a deed; each names the hash of the line before it, so that a line that is changed or left out breaks the
//! chain there. Lines cut off at the end break nothing: that is found by holding the log against the reports that are in
//! the ledger. A line names no value.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use intentcast_protocol::{
    id::{EntryHash, RecordId, digest},
    letter::Operation,
    text::{Name, Phrase, Word},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// One thing done, or not done.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Deed {
    /// The value was handed out for this.
    Used {
        /// Under which grant.
        grant: RecordId,
        /// Which strand.
        strand: Word,
        /// What was done.
        operation: Operation,
        /// What for.
        purpose: Phrase,
        /// Whom it went to, if to anybody else.
        recipient: Option<Name>,
        /// Whether it was done outside of this node, with a value that it had handed out, and told to it afterwards.
        #[serde(default)]
        outside: bool,
    },
    /// Somebody asked for the value, and did not get it.
    Refused {
        /// Under which grant.
        grant: RecordId,
        /// Which strand.
        strand: Word,
        /// What for.
        purpose: Phrase,
        /// Whom it was to go to, if to anybody else.
        recipient: Option<Name>,
        /// Why not.
        why: String,
    },
    /// A recipient of the value was told that it is to go.
    Told {
        /// Under which grant.
        grant: RecordId,
        /// Whom.
        recipient: Name,
    },
    /// The secret that opens the value was destroyed.
    Destroyed {
        /// Under which request.
        request: RecordId,
        /// Which strand.
        strand: Word,
        /// Why.
        why: String,
    },
}

/// One line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Line {
    /// 0 for the first.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// The hash of the line before; zeros for the first.
    pub before: EntryHash,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}

/// Where the chain does not hold.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Broken {
    /// Counted from 1.
    pub line: u64,
    /// Why.
    pub why: String,
}

fn hash(line: &[u8]) -> EntryHash {
    EntryHash(digest("intentcast/1/uses", &[line]))
}

/// The log, open at its end.
#[derive(Debug)]
pub(super) struct Log {
    file: fs::File,
    end: u64,
    lines: u64,
    last: EntryHash,
}

impl Log {
    /// Opens the log, which is made where there is none. A line that a power cut left half was never acknowledged, and
    /// is taken away.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if end < bytes.len() {
            file.set_len(end as u64)?;
            file.sync_all()?;
        }
        let mut lines = bytes[..end].split_inclusive(|byte| *byte == b'\n');
        Ok(Self {
            end: end as u64,
            lines: lines.clone().count() as u64,
            last: lines
                .next_back()
                .map(|line| hash(line.trim_ascii_end()))
                .unwrap_or_default(),
            file,
        })
    }

    /// Adds a line; it is on disk when this returns.
    pub(super) fn append(&mut self, at: Timestamp, deed: Deed) -> io::Result<()> {
        let line = Line {
            number: self.lines,
            at,
            before: self.last,
            deed,
        };
        let mut bytes = serde_json::to_vec(&line)?;
        let last = hash(&bytes);
        bytes.push(b'\n');
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(&bytes))
            .and_then(|()| self.file.sync_data());
        if let Err(why) = written {
            // Half a line would break the chain for what comes after it; if this fails too, opening mends it.
            let _ = self.file.set_len(self.end);
            return Err(why);
        }
        self.end += bytes.len() as u64;
        self.lines += 1;
        self.last = last;
        Ok(())
    }
}

/// Every line, and where the chain breaks if it does.
pub(super) fn read(path: &Path) -> io::Result<(Vec<Line>, Option<Broken>)> {
    let bytes = fs::read(path)?;
    let (mut lines, mut before) = (Vec::new(), EntryHash::default());
    for (at, bytes) in bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .enumerate()
    {
        let broken = |why: &str| Broken {
            line: at as u64 + 1,
            why: why.into(),
        };
        let Ok(line) = serde_json::from_slice::<Line>(bytes) else {
            return Ok((lines, Some(broken("it is not as it was written"))));
        };
        if line.before != before || line.number != at as u64 {
            return Ok((lines, Some(broken("it does not follow the line before it"))));
        }
        before = hash(bytes);
        lines.push(line);
    }
    Ok((lines, None))
}
