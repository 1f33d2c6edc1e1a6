//! A file's bytes as text in UTF-8, bounded: unpacked, its mark of the byte order taken off, its encoding undone.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_8};
use serde::Deserialize;

use super::ImportError;

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Bytes that are looked at to tell what a file is.
pub const HEAD: usize = 64 * 1024;
/// Bytes that are decoded at once.
const PIECE: usize = 8 * 1024;

/// How a file's letters are written: UTF-8, as everybody should, or any other way that the web knows. `latin1` is read
/// as Windows has it (code page 1252): it differs where ISO 8859-1 has nothing to print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Default for Encoding {
    fn default() -> Self {
        Self(UTF_8)
    }
}

impl std::str::FromStr for Encoding {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = encoding_rs::Encoding::for_label_no_replacement;
        // Programs write the names without the dashes that the web has in them, and the other way round.
        let bare = || name.replace(['-', '_'], "");
        let found = known(name.as_bytes()).or_else(|| known(bare().as_bytes()));
        found.map(Self).ok_or("utf8, latin1, or another that the web knows")
    }
}

impl TryFrom<String> for Encoding {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
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
    let head = text.peek(HEAD).map_err(broken)?;
    let (Encoding(encoding), mark) = match (encoding_rs::Encoding::for_bom(head), declared(head)) {
        (Some((marked, len)), _) => (Encoding(marked), len),
        (None, None) => (encoding, 0),
        (None, Some(name)) => match name.parse() {
            // Its own name could be read, so it is not in letters of two bytes.
            Ok(Encoding(named)) if !named.is_ascii_compatible() => (Encoding(UTF_8), 0),
            Ok(named) => (named, 0),
            Err(_) => return Err(ImportError::Format("the file names an encoding that nobody knows")),
        },
    };
    text.skip(mark);
    let text: Box<dyn Read + 'a> = match encoding == UTF_8 {
        // Whether it is, is judged row by row.
        true => Box::new(text),
        false => Box::new(Decoded::new(text, encoding)),
    };
    let mut text = Peeked::new(text);
    let head = text.peek(HEAD).map_err(broken)?.to_vec();
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

/// What is written in another way, as UTF-8.
struct Decoded<R> {
    inner: R,
    encoding: &'static encoding_rs::Encoding,
    decoder: Decoder,
    waiting: Cursor<String>,
    has_ended: bool,
}

impl<R: Read> Decoded<R> {
    fn new(inner: R, encoding: &'static encoding_rs::Encoding) -> Self {
        Self {
            inner,
            encoding,
            decoder: encoding.new_decoder_without_bom_handling(),
            waiting: Cursor::default(),
            has_ended: false,
        }
    }

    /// Decodes the next piece, which may come to nothing where it ends within a letter.
    fn decode(&mut self) -> io::Result<()> {
        let mut raw = [0; PIECE];
        let read = self.inner.read(&mut raw)?;
        self.has_ended = read == 0;
        let room = self.decoder.max_utf8_buffer_length_without_replacement(read);
        let mut text = String::with_capacity(room.expect("a piece is not half of all memory"));
        let (result, _) = self
            .decoder
            .decode_to_string_without_replacement(&raw[..read], &mut text, self.has_ended);
        match result {
            DecoderResult::InputEmpty => {
                self.waiting = Cursor::new(text);
                Ok(())
            }
            DecoderResult::Malformed(..) => {
                let why = format!("there are bytes that are nothing in {}", self.encoding.name());
                Err(io::Error::new(io::ErrorKind::InvalidData, why))
            }
            DecoderResult::OutputFull => unreachable!("there is room for the longest that it can be"),
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.waiting.read(out)?;
            if read > 0 || self.has_ended || out.is_empty() {
                return Ok(read);
            }
            self.decode()?;
        }
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
