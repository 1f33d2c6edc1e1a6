//! A file's bytes as text in UTF-8, bounded: unpacked, its mark of the byte order taken off, its encoding undone.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;

use super::ImportError;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const BOM: &[u8] = b"\xef\xbb\xbf";
/// Bytes that are looked at to tell what a file is.
pub const HEAD: usize = 64 * 1024;

/// How a file's letters are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// As everybody should.
    #[default]
    Utf8,
    /// ISO 8859-1, read as Windows reads it (code page 1252): it differs where 8859-1 has nothing to print.
    Latin1,
}

impl std::str::FromStr for Encoding {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.trim().to_ascii_lowercase().replace(['-', '_'], "").as_str() {
            "utf8" => Ok(Self::Utf8),
            "latin1" | "iso88591" | "iso885915" | "windows1252" | "cp1252" => Ok(Self::Latin1),
            _ => Err("utf8 or latin1"),
        }
    }
}

/// A file's text, and the first of it.
pub struct Opened<'a> {
    pub text: Fuse<'a>,
    pub head: Vec<u8>,
}

/// Unpacks `bytes` if they are gzip and decodes them.
pub fn open<'a>(bytes: impl Read + 'a, encoding: Encoding) -> Result<Opened<'a>, ImportError> {
    let broken = |error: io::Error| ImportError::Broken {
        line: 0,
        why: error.to_string(),
    };
    let mut raw = Peeked::new(bytes);
    let text: Box<dyn Read + 'a> = if raw.peek(GZIP.len()).map_err(broken)?.starts_with(&GZIP) {
        Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(raw)))
    } else {
        Box::new(raw)
    };
    let mut text = Peeked::new(text);
    if text.peek(BOM.len()).map_err(broken)?.starts_with(BOM) {
        text.skip(BOM.len());
    }
    let head = text.peek(HEAD).map_err(broken)?.to_vec();
    let encoding = match declared(&head) {
        None => encoding,
        Some(name) => name
            .parse()
            .map_err(|_| ImportError::Format("the file names an encoding that is neither UTF-8 nor Latin-1"))?,
    };
    let text: Box<dyn Read + 'a> = match encoding {
        Encoding::Utf8 => Box::new(text),
        Encoding::Latin1 => Box::new(Latin1 {
            inner: text,
            waiting: Vec::new(),
            given: 0,
        }),
    };
    Ok(Opened {
        text: Fuse {
            // With an end to the last line as well, all lines are counted alike.
            text: Box::new(BufReader::with_capacity(HEAD, text.chain(&b"\n"[..]))),
            left: usize::MAX,
            line: 1,
        },
        head,
    })
}

/// The encoding that an XML declaration names.
fn declared(head: &[u8]) -> Option<&str> {
    let head = &head[..head.len().min(200)];
    let end = head.iter().position(|byte| *byte == b'>')?;
    let first = std::str::from_utf8(&head[..end]).ok()?.trim_start();
    let rest = first.strip_prefix("<?xml")?.split_once("encoding")?.1;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split(quote).next()
}

/// A reader whose first bytes can be seen before they are read.
struct Peeked<R> {
    inner: R,
    waiting: Vec<u8>,
    given: usize,
}

impl<R: Read> Peeked<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            waiting: Vec::new(),
            given: 0,
        }
    }

    /// The next `len` bytes, or all there are.
    fn peek(&mut self, len: usize) -> io::Result<&[u8]> {
        let missing = len.saturating_sub(self.waiting.len() - self.given);
        self.inner
            .by_ref()
            .take(missing as u64)
            .read_to_end(&mut self.waiting)?;
        let end = self.waiting.len().min(self.given + len);
        Ok(&self.waiting[self.given..end])
    }

    fn skip(&mut self, len: usize) {
        self.given = self.waiting.len().min(self.given + len);
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.waiting.len() {
            self.waiting = Vec::new();
            self.given = 0;
            return self.inner.read(out);
        }
        let read = (&self.waiting[self.given..]).read(out)?;
        self.given += read;
        Ok(read)
    }
}

/// Latin-1 as UTF-8.
struct Latin1<R> {
    inner: R,
    waiting: Vec<u8>,
    given: usize,
}

impl<R: Read> Read for Latin1<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.waiting.len() {
            let mut raw = [0; 8192];
            let read = self.inner.read(&mut raw)?;
            let text: String = raw[..read].iter().map(|byte| letter(*byte)).collect();
            (self.waiting, self.given) = (text.into_bytes(), 0);
        }
        let read = (&self.waiting[self.given..]).read(out)?;
        self.given += read;
        Ok(read)
    }
}

fn letter(byte: u8) -> char {
    /// Of bytes 0x80 to 0x9f in code page 1252; what it leaves open stays the control character that it is in 8859-1.
    const WINDOWS: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
        '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}',
        '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}',
        '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
    ];
    match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

/// A reader that stops what does not end: it hands out so many bytes and is refilled before each row. It counts lines.
pub struct Fuse<'a> {
    text: Box<dyn BufRead + 'a>,
    left: usize,
    line: u64,
}

impl Fuse<'_> {
    /// From here on, `bytes` may be read.
    pub fn refill(&mut self, bytes: usize) {
        self.left = bytes;
    }

    /// The line that the next byte stands on, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }
}

impl BufRead for Fuse<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.text.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    fn consume(&mut self, len: usize) {
        // What is consumed was filled before, so this reads nothing.
        if let Ok(bytes) = self.text.fill_buf() {
            let lines = bytes[..len].iter().filter(|byte| **byte == b'\n').count();
            self.line += lines as u64;
        }
        self.text.consume(len);
        self.left -= len;
    }
}

impl Read for Fuse<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}
