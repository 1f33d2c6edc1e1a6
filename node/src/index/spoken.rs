//! The items that say a word, in whichever form and place.

use std::{io, ops::Range};

use tantivy::{
    DocId, DocSet,
    postings::{BlockSegmentPostings, SegmentPostings},
    schema::IndexRecordOption,
};

use super::{
    board::Over,
    gate::Gate,
    parts::Part as Items,
    plan::{Lookup, Plan, Sought},
    schema::Place,
    score::Lengths,
    words::Part,
};

/// Repetitions of a word in one place that count: a text that says it on and on says no more.
const OFTEN: u32 = 4;

/// A word with the items of one part that say it.
pub struct Spoken<'a> {
    pub sought: &'a Sought,
    pub texts: Vec<Text>,
}

/// The forms of a word in one text, of which the best counts.
pub struct Text {
    pub kind: bool,
    pub cursors: Vec<Cursor>,
}

impl<'a> Spoken<'a> {
    /// Those words that are `which`, the weightiest first.
    pub fn all(part: &Items, at: usize, plan: &'a Plan, which: impl Fn(Part) -> bool) -> io::Result<Vec<Self>> {
        let sought = plan.sought.iter().filter(|sought| which(sought.part));
        let mut all = sought
            .map(|sought| Self::of(part, at, sought))
            .collect::<io::Result<Vec<_>>>()?;
        let weight = |word: &Self| word.sought.weight * word.sought.share;
        all.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        Ok(all)
    }

    pub fn of(part: &Items, at: usize, sought: &'a Sought) -> io::Result<Self> {
        let texts = sought.lookups.chunk_by(|a, b| a.place.text() == b.place.text());
        let texts = texts.map(|forms| {
            let cursors = forms.iter().map(|form| Cursor::of(part, at, form));
            Ok(Text {
                kind: forms[0].place == Place::Kind,
                cursors: cursors.filter_map(io::Result::transpose).collect::<io::Result<_>>()?,
            })
        });
        Ok(Self {
            sought,
            texts: texts.collect::<io::Result<_>>()?,
        })
    }

    /// How many items its forms go by at most.
    pub fn count(&self) -> u64 {
        let cursors = self.texts.iter().flat_map(|text| &text.cursors);
        cursors.map(Cursor::count).sum()
    }

    /// How much each of these items, in their order, says of it.
    pub fn said_of(&mut self, items: &[DocId], part: &Items, lengths: &Lengths) -> Vec<f32> {
        let mut said = vec![0.0; items.len()];
        for text in &mut self.texts {
            let mut best = vec![0.0f32; items.len()];
            for cursor in &mut text.cursors {
                cursor.at(items, part, lengths, |item, points| {
                    if let Ok(at) = items.binary_search(&item) {
                        best[at] = best[at].max(points);
                    }
                });
            }
            for (said, best) in said.iter_mut().zip(best) {
                if !text.kind || *said == 0.0 {
                    *said += best;
                }
            }
        }
        said
    }
}

/// The items that have a lookup's terms, all of them together, from one end to the other.
pub struct Cursor {
    pub place: usize,
    pub weight: f32,
    /// The rarest.
    pub lead: BlockSegmentPostings,
    pub rest: Vec<BlockSegmentPostings>,
}

impl Cursor {
    /// Over part number `at`; none where one of the terms is nowhere.
    pub fn of(part: &Items, at: usize, lookup: &Lookup) -> io::Result<Option<Self>> {
        let place = lookup.place as usize;
        let mut all = Vec::with_capacity(lookup.terms.len());
        for seen in &lookup.seen {
            let Some(info) = &seen.parts[at] else {
                return Ok(None);
            };
            all.push(part.places[place].read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?);
        }
        all.sort_by_key(BlockSegmentPostings::doc_freq);
        let mut all = all.into_iter();
        Ok(all.next().map(|lead| Self {
            place,
            weight: lookup.weight,
            lead,
            rest: all.collect(),
        }))
    }

    /// How many items it goes by at most.
    pub fn count(&self) -> u64 {
        u64::from(self.lead.doc_freq())
    }

    /// Shows each item of the window that is let in, and how much it says of the word.
    pub fn window(&mut self, window: Range<DocId>, over: &Over, gate: &mut Gate, mut see: impl FnMut(DocId, f32)) {
        let Self {
            place,
            weight,
            lead,
            rest,
        } = self;
        let (lengths, long) = (&over.lengths[*place], &over.part.lengths[*place]);
        let mut at = lead.seek(window.start);
        // Behind the last block there is an empty one.
        while !lead.docs().is_empty() {
            let (items, often) = (&lead.docs()[at..], &lead.freqs()[at..]);
            for (&item, &often) in items.iter().zip(often) {
                if item >= window.end {
                    return;
                }
                if gate.admits(item) && are_at(rest, item) {
                    see(
                        item,
                        *weight * often.min(OFTEN) as f32 * lengths[usize::from(long.fieldnorm_id(item))],
                    );
                }
            }
            lead.advance();
            at = 0;
        }
    }

    /// The same of these items alone, which are in their order.
    pub fn at(&mut self, items: &[DocId], part: &Items, lengths: &Lengths, mut see: impl FnMut(DocId, f32)) {
        let (lengths, long) = (&lengths[self.place], &part.lengths[self.place]);
        for &item in items {
            let at = self.lead.seek(item);
            if self.lead.doc(at) == item && are_at(&mut self.rest, item) {
                let often = self.lead.freq(at).min(OFTEN) as f32;
                see(
                    item,
                    self.weight * often * lengths[usize::from(long.fieldnorm_id(item))],
                );
            }
        }
    }
}

fn are_at(postings: &mut [BlockSegmentPostings], item: DocId) -> bool {
    postings.iter_mut().all(|postings| {
        let at = postings.seek(item);
        postings.doc(at) == item
    })
}

/// The first item from this one on; postings that are past it stay where they are.
pub fn to(postings: &mut SegmentPostings, item: DocId) -> DocId {
    match postings.doc() {
        at if at < item => postings.seek(item),
        at => at,
    }
}
