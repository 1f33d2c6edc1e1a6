//! RSS and Atom: each `item` or `entry` is a row, each element within it a column, called without its prefix.
//!
//! Entities that a document declares are not expanded: nothing grows that was not written.

use std::io;

use quick_xml::events::{BytesRef, Event};

use super::{
    ImportError,
    bytes::Fuse,
    rows::{Cell, MAX_COLUMNS, MAX_ROW_BYTES, Raw, Row},
};

/// Elements within elements that are read; deeper ones are passed over.
const MAX_DEPTH: usize = 6;

pub struct Xml<'a> {
    reader: quick_xml::Reader<Fuse<'a>>,
    buffer: Vec<u8>,
    open: u64,
    any: bool,
}

/// An element that has begun.
#[derive(Default)]
struct Element {
    name: String,
    text: String,
    children: Vec<(String, Cell)>,
}

impl<'a> Xml<'a> {
    pub fn new(text: Fuse<'a>) -> Self {
        Self {
            reader: quick_xml::Reader::from_reader(text),
            buffer: Vec::new(),
            open: 0,
            any: false,
        }
    }

    pub fn next(&mut self) -> Result<Option<Raw>, ImportError> {
        loop {
            self.reader.get_mut().refill(MAX_ROW_BYTES);
            self.buffer.clear();
            let line = self.reader.get_ref().line();
            let event = self.reader.read_event_into(&mut self.buffer);
            match event.map_err(|error| stopped(line, &error))? {
                Event::Start(start) if matches!(start.local_name().as_ref(), "item" | "entry") => {
                    self.any = true;
                    let line = self.reader.get_ref().line();
                    return self.item(line).map(|row| Some(Raw::Row(line, row)));
                }
                Event::Start(_) => self.open += 1,
                Event::End(_) => self.open = self.open.saturating_sub(1),
                Event::Eof if self.open > 0 => {
                    return Err(ImportError::Broken {
                        line,
                        why: "the file ends in the middle".into(),
                    });
                }
                Event::Eof if !self.any => {
                    return Err(ImportError::Format("the file is XML without any item or entry"));
                }
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    fn item(&mut self, line: u64) -> Result<Row, ImportError> {
        let mut stack = vec![Element::default()];
        let mut passed_over = 0;
        loop {
            self.buffer.clear();
            let event = self.reader.read_event_into(&mut self.buffer);
            let event = event.map_err(|error| stopped(line, &error))?;
            let depth = stack.len();
            let top = stack.last_mut().expect("the item itself stays until its end");
            match event {
                Event::Start(_) if passed_over > 0 || depth > MAX_DEPTH => passed_over += 1,
                Event::End(_) if passed_over > 0 => passed_over -= 1,
                _ if passed_over > 0 => {}
                Event::Start(start) => stack.push(Element {
                    name: start.local_name().as_ref().to_owned(),
                    ..Element::default()
                }),
                Event::End(_) => {
                    let done = stack.pop().expect("the item itself stays until its end");
                    let Some(parent) = stack.last_mut() else {
                        return Ok(Row(done.children));
                    };
                    parent.take(done);
                }
                Event::Text(text) => top.text.push_str(&text.xml10_content()),
                Event::CData(text) => top.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => top.text.push_str(&character(&reference)),
                Event::Eof => {
                    return Err(ImportError::Broken {
                        line,
                        why: "the file ends in the middle of an item".into(),
                    });
                }
                _ => {}
            }
        }
    }
}

impl Element {
    fn take(&mut self, child: Element) {
        let cell = if !child.children.is_empty() {
            Cell::Map(child.children)
        } else if child.text.trim().is_empty() {
            return;
        } else {
            Cell::Text(child.text.trim().to_owned())
        };
        let has_room = self.children.len() < MAX_COLUMNS;
        match self.children.iter_mut().find(|(name, _)| *name == child.name) {
            Some((_, Cell::List(list))) if list.len() < MAX_COLUMNS => list.push(cell),
            Some((_, Cell::List(_))) => {}
            Some((_, first)) => *first = Cell::List(vec![std::mem::replace(first, Cell::Empty), cell]),
            None if has_room => self.children.push((child.name, cell)),
            None => {}
        }
    }
}

/// What a reference stands for; one that is not XML's own stays as it was written.
fn character(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.into();
    }
    let name: &str = reference;
    match name {
        "amp" => "&".into(),
        "lt" => "<".into(),
        "gt" => ">".into(),
        "quot" => "\"".into(),
        "apos" => "'".into(),
        name => format!("&{name};"),
    }
}

fn stopped(line: u64, error: &quick_xml::Error) -> ImportError {
    match error {
        quick_xml::Error::Io(io) if io.kind() == io::ErrorKind::FileTooLarge => ImportError::Endless { line },
        error => ImportError::Broken {
            line: line.saturating_sub(1),
            why: error.to_string(),
        },
    }
}
