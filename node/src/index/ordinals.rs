//! The order of ids as numbers, so that of two items with equal scores the same one comes first in every part of an index.
//!
//! Between two neighbours there is room for others, so that an item that is new needs no other number for those that
//! were there. Where the room is used up it says so, and the index is made anew.

use tantivy::{DocSet, Searcher, TERMINATED, Term, schema::IndexRecordOption};

use super::schema::Fields;

/// From one to the next when an index is made: twenty times one may come between two by halves, and a million at once.
const ROOM: u64 = 1 << 20;

/// The number of the item that is this many places behind the first, when an index is made.
pub fn nth(place: u64) -> u64 {
    (place + 1) * ROOM
}

/// The number that an id has, or had while the item was there.
///
/// # Errors
/// Where a file cannot be read.
pub fn known(searcher: &Searcher, id: &Term) -> tantivy::Result<Option<u64>> {
    for part in searcher.segment_readers() {
        let postings = part
            .inverted_index(id.field())?
            .read_postings(id, IndexRecordOption::Basic)?;
        // Whoever takes an item out and in again gives it the same number, so any of its documents will do.
        if let Some(document) = postings.map(|postings| postings.doc()).filter(|doc| *doc != TERMINATED) {
            return Ok(part.fast_fields().u64("ordinal")?.first(document));
        }
    }
    Ok(None)
}

/// Numbers for these ids, which no document has and which are in their order; `None` where there is no room.
///
/// # Errors
/// Where a file cannot be read.
pub fn between(searcher: &Searcher, fields: &Fields, ids: &[&str]) -> tantivy::Result<Option<Vec<u64>>> {
    if ids.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut taken = Vec::new();
    for part in searcher.segment_readers() {
        let ordinals = part.fast_fields().u64("ordinal")?;
        taken.extend((0..part.max_doc()).filter_map(|document| ordinals.first(document)));
    }
    taken.sort_unstable();
    let mut behind = Vec::with_capacity(ids.len());
    for id in ids {
        behind.push(next(searcher, fields, id)?);
    }
    let mut numbers = Vec::with_capacity(ids.len());
    for group in behind.chunk_by(|a, b| a == b) {
        let before = match group[0] {
            Some(behind) => taken.partition_point(|taken| *taken < behind),
            None => taken.len(),
        };
        let before = before.checked_sub(1).map_or(0, |at| taken[at]);
        let step = match group[0] {
            Some(behind) => (behind - before) / (group.len() as u64 + 1),
            None => ROOM,
        };
        if step == 0 {
            return Ok(None);
        }
        numbers.extend((1..=group.len() as u64).map(|n| before + n * step));
    }
    Ok(Some(numbers))
}

/// The number of the first id behind this one.
fn next(searcher: &Searcher, fields: &Fields, id: &str) -> tantivy::Result<Option<u64>> {
    let mut first: Option<u64> = None;
    for part in searcher.segment_readers() {
        let index = part.inverted_index(fields.id)?;
        let mut ids = index.terms().range().gt(id.as_bytes()).into_stream()?;
        if ids.advance() {
            let postings = index.read_postings_from_terminfo(ids.value(), IndexRecordOption::Basic)?;
            let ordinal = part.fast_fields().u64("ordinal")?.first(postings.doc());
            first = first.into_iter().chain(ordinal).min();
        }
    }
    Ok(first)
}
