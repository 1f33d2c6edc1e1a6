//! Photos and documents: which forms of them are taken, and what is asked of the side that has one.
//!
//! A document is known by its SHA-256, is announced in a letter, and travels in pieces over direct streams to the other
//! party of that conversation alone. What it is, its first bytes say, never its name nor the word of whoever sends it.
//! Nothing here opens, runs or shows one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    envelope::{Header, Kind, Record},
    fault::Fault,
    id::EntryHash,
    letter::ThreadId,
    limits,
    time::Seconds,
};

/// A party's question to the other: the piece of this document that begins here. Signed with the key that its author
/// writes its letters in the thread with, and short-lived.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Fetch {
    /// The conversation in which the other side has announced it.
    pub thread: ThreadId,
    /// SHA-256 of it.
    pub hash: EntryHash,
    /// Where the piece begins, bytes: a multiple of [`limits::PIECE_BYTES`].
    pub offset: u32,
}

impl Record for Fetch {
    const KIND: Kind = Kind::Fetch;
    const MAX_BODY: usize = 128;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::INQUIRY_LIFE;

    fn check(&self, _: &Header) -> Result<(), Fault> {
        if !(self.offset as usize).is_multiple_of(limits::PIECE_BYTES) {
            return Err(Fault::Invalid {
                field: "offset",
                why: "the beginning of a piece".into(),
            });
        }
        if self.offset as usize >= limits::DOCUMENT_BYTES {
            return Err(Fault::Exceeded {
                what: "offset",
                limit: limits::DOCUMENT_BYTES as u64,
            });
        }
        Ok(())
    }
}

/// How long the piece of a document of `total` bytes is that begins at `offset`; `None` where there is none.
pub fn piece_bytes(total: u32, offset: u32) -> Option<usize> {
    let rest = total.checked_sub(offset).filter(|rest| *rest > 0)?;
    Some((rest as usize).min(limits::PIECE_BYTES))
}

/// What a document may be. Nothing that a program would run: no HTML, no SVG, no office file, no archive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub enum Form {
    /// A photo.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// A picture.
    #[serde(rename = "image/png")]
    Png,
    /// A picture.
    #[serde(rename = "image/webp")]
    Webp,
    /// A picture.
    #[serde(rename = "image/gif")]
    Gif,
    /// A document in pages.
    #[serde(rename = "application/pdf")]
    Pdf,
    /// Plain words in UTF-8.
    #[serde(rename = "text/plain")]
    Text,
}

/// Beginnings that a text has only if something would take it for a program or a page.
const ACTIVE: [&str; 4] = ["<", "#!", "%!", "{\\rtf"];
/// What a page may have further on.
const ACTIVE_WITHIN: [&str; 4] = ["<script", "<svg", "<html", "<!doctype"];

impl Form {
    /// Every form.
    pub const ALL: [Self; 6] = [Self::Jpeg, Self::Png, Self::Webp, Self::Gif, Self::Pdf, Self::Text];

    /// What these bytes, all of a document, are; `None` for whatever is not taken.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            _ => is_plain(bytes).then_some(Self::Text),
        }
    }

    /// The form of this media type, spelt as [`Form::mime`] spells it.
    pub fn of_mime(mime: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.mime() == mime)
    }

    /// Its media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
        }
    }

    /// Whether it is a picture.
    pub fn is_picture(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Webp | Self::Gif)
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.mime())
    }
}

/// Whether these are words in UTF-8 and nothing that something would run.
fn is_plain(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let begins = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if begins.is_empty() || text.chars().any(is_odd) || ACTIVE.iter().any(|active| begins.starts_with(active)) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    !ACTIVE_WITHIN.iter().any(|active| lower.contains(active))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_is_its_first_bytes_say() {
        let cases: [(&[u8], &str); 7] = [
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"GIF89a\x01\0", "image/gif"),
            (b"GIF87a\x01\0", "image/gif"),
            (b"%PDF-1.7\n", "application/pdf"),
            ("Größe: 52 cm\r\n\tsehr gut".as_bytes(), "text/plain"),
        ];
        for (bytes, mime) in cases {
            let form = Form::of(bytes).unwrap_or_else(|| panic!("{mime}"));
            assert_eq!((form.mime(), Form::of_mime(mime)), (mime, Some(form)));
            assert_eq!(serde_json::to_value(form).unwrap(), mime);
        }
    }

    #[test]
    fn what_something_would_run_is_nothing_that_is_taken() {
        let pages: [&[u8]; 14] = [
            b"",
            b" \n",
            b"<html><body>",
            b"\xef\xbb\xbf  <?xml version=\"1.0\"?><svg/>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"a word, and then <SCRIPT>alert(1)</SCRIPT>",
            b"#!/bin/sh\nrm -rf ~\n",
            b"%!PS-Adobe-3.0",
            b"{\\rtf1}",
            b"MZ\x90\0\x03\0\0\0",
            b"\x7fELF\x02\x01\x01\0",
            b"PK\x03\x04\x14\0",
            b"RIFF\x24\0\0\0WAVEfmt ",
            b"caf\xe9",
        ];
        for bytes in pages {
            assert_eq!(Form::of(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(Form::of_mime("image/svg+xml"), None);
        assert_eq!(Form::of_mime("IMAGE/JPEG"), None);
    }

    #[test]
    fn every_piece_but_the_last_is_full() {
        let piece = limits::PIECE_BYTES as u32;
        assert_eq!(piece_bytes(2 * piece + 1, 0), Some(limits::PIECE_BYTES));
        assert_eq!(piece_bytes(2 * piece + 1, 2 * piece), Some(1));
        assert_eq!(piece_bytes(2 * piece, 2 * piece), None);
        assert_eq!(piece_bytes(1, piece), None);
        assert_eq!(piece_bytes(0, 0), None);
    }

    #[test]
    fn a_full_piece_fits_its_frame() {
        let frame = crate::frame::Frame::Piece {
            hash: EntryHash([0xff; 32]),
            total: u32::MAX,
            offset: u32::MAX,
            bytes: crate::list::Bytes::new(vec![0xff; limits::PIECE_BYTES]).expect("a piece"),
        };
        assert!(frame.encode().len() <= limits::FRAME_BYTES);
    }
}
