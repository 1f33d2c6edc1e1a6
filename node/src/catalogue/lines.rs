//! JSON Lines: one object a line.

use std::io::{self, BufRead, Read};

use serde_json::Value as Json;

use super::{
    ImportError,
    bytes::Fuse,
    report::Flaw,
    rows::{MAX_ROW_BYTES, Raw},
};

pub struct Lines<'a> {
    text: Fuse<'a>,
    line: u64,
}

impl<'a> Lines<'a> {
    pub fn new(text: Fuse<'a>) -> Self {
        Self { text, line: 0 }
    }

    pub fn next(&mut self) -> Result<Option<Raw>, ImportError> {
        loop {
            let mut bytes = Vec::new();
            let line = self.line + 1;
            let broken = |error: io::Error| ImportError::Broken {
                line: line - 1,
                why: error.to_string(),
            };
            let limit = MAX_ROW_BYTES as u64 + 1;
            let read = self.text.by_ref().take(limit).read_until(b'\n', &mut bytes);
            if read.map_err(broken)? == 0 {
                return Ok(None);
            }
            self.line = line;
            if bytes.len() > MAX_ROW_BYTES && bytes.last() != Some(&b'\n') {
                skip_line(&mut self.text).map_err(broken)?;
                let start = String::from_utf8_lossy(&bytes[..64]).into_owned();
                let expected = format!("a line of at most {MAX_ROW_BYTES} bytes");
                return Ok(Some(Raw::Bad(Flaw::new("", &start, expected).at(line))));
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let bad = |expected: String| {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
                Ok(Some(Raw::Bad(Flaw::new("", start.trim(), expected).at(line))))
            };
            if std::str::from_utf8(&bytes).is_err() {
                return bad("text in UTF-8; if the file is in Latin-1, say so: --encoding latin1".into());
            }
            return match serde_json::from_slice::<Json>(&bytes) {
                Ok(object @ Json::Object(_)) => Ok(Some(Raw::Json(line, object))),
                Ok(_) => bad("one JSON object a line".into()),
                // The line number inside the row is always 1 and would mislead.
                Err(error) => bad(format!(
                    "one JSON object a line, and this breaks off at character {}",
                    error.column()
                )),
            };
        }
    }
}

fn skip_line(text: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = text.fill_buf()?;
        let (len, end) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        text.consume(len);
        if end {
            return Ok(());
        }
    }
}
