//! One JSON document: an array of objects, or an object whose `@graph` is one. It is read element by element, so that
//! its length does not matter.

use std::io::{self, BufRead};

use serde_json::Value as Json;

use super::{
    ImportError,
    bytes::Fuse,
    report::Flaw,
    rows::{MAX_ROW_BYTES, Raw},
};

/// Keys whose arrays hold the things that a document lists.
const LISTS: [&[u8]; 2] = [b"\"@graph\"", b"\"itemListElement\""];

pub struct Document<'a> {
    text: Fuse<'a>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    InList,
    End,
}

impl<'a> Document<'a> {
    pub fn new(text: Fuse<'a>) -> Self {
        Self {
            text,
            state: State::Start,
        }
    }

    pub fn next(&mut self) -> Result<Option<Raw>, ImportError> {
        self.text.refill(usize::MAX);
        loop {
            let begins = self.peek()?;
            let line = self.text.line();
            match (self.state, begins) {
                (State::End, _) | (State::Start, None) => return Ok(None),
                (State::InList, None) => return Err(self.broken("the file ends in the middle of a list")),
                (_, Some(byte)) if byte.is_ascii_whitespace() => self.text.consume(1),
                (State::InList, Some(b',')) => self.text.consume(1),
                (State::InList, Some(b']')) => {
                    self.state = State::End;
                    return Ok(None);
                }
                (State::Start, Some(b'[')) => {
                    self.text.consume(1);
                    self.state = State::InList;
                }
                (State::Start, Some(_)) => {
                    if let Some(bytes) = self.value(line, true)? {
                        self.state = State::End;
                        return Ok(Some(element(line, &bytes)));
                    }
                    self.state = State::InList;
                }
                (State::InList, Some(_)) => {
                    let bytes = self.value(line, false)?.unwrap_or_default();
                    return Ok(Some(element(line, &bytes)));
                }
            }
        }
    }

    /// The bytes of the next value. `None` where it is an object to be looked into and one of its [`LISTS`] begins.
    fn value(&mut self, line: u64, look_into: bool) -> Result<Option<Vec<u8>>, ImportError> {
        self.text.refill(MAX_ROW_BYTES);
        let endless = |error: ImportError| match error {
            ImportError::Endless { .. } => ImportError::Endless { line },
            error => error,
        };
        let (mut bytes, mut depth, mut in_text, mut escaped) = (Vec::new(), 0u32, false, false);
        let mut text_from = 0;
        let mut key: Option<(usize, usize)> = None;
        loop {
            let Some(byte) = self.peek().map_err(endless)? else {
                return Err(self.broken("the file ends in the middle of a value"));
            };
            if depth == 0 && !bytes.is_empty() && matches!(byte, b',' | b']') {
                return Ok(Some(bytes));
            }
            self.text.consume(1);
            bytes.push(byte);
            if in_text {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => {
                        in_text = false;
                        key = Some((text_from, bytes.len()));
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => (in_text, text_from) = (true, bytes.len() - 1),
                b'[' if look_into && depth == 1 && key.is_some_and(|(from, to)| LISTS.contains(&&bytes[from..to])) => {
                    return Ok(None);
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(Some(bytes));
                    }
                }
                // A key is followed by a colon and by its value.
                b':' => continue,
                byte if byte.is_ascii_whitespace() => continue,
                _ => {}
            }
            if byte != b'"' {
                key = None;
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, ImportError> {
        let line = self.text.line();
        let bytes = self.text.fill_buf().map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => ImportError::Endless { line },
            _ => ImportError::Broken {
                line: line.saturating_sub(1),
                why: error.to_string(),
            },
        })?;
        Ok(bytes.first().copied())
    }

    fn broken(&self, why: &str) -> ImportError {
        ImportError::Broken {
            line: self.text.line().saturating_sub(1),
            why: why.into(),
        }
    }
}

fn element(line: u64, bytes: &[u8]) -> Raw {
    match serde_json::from_slice::<Json>(bytes) {
        Ok(object @ Json::Object(_)) => Raw::Json(line, object),
        _ => {
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
            Raw::Bad(Flaw::new("", start.trim(), "a JSON object in UTF-8").at(line))
        }
    }
}
