//! The items that say a word, in whichever form and place.

use std::io;

use tantivy::{
    DocId, DocSet,
    postings::{Postings, SegmentPostings},
    schema::IndexRecordOption,
};

use super::{
    parts::{Part as Items, Parts},
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
    pub fn all(parts: &Parts, part: &Items, plan: &'a Plan, which: impl Fn(Part) -> bool) -> io::Result<Vec<Self>> {
        let sought = plan.sought.iter().filter(|sought| which(sought.part));
        let mut all = sought
            .map(|sought| Self::of(parts, part, sought))
            .collect::<io::Result<Vec<_>>>()?;
        let weight = |word: &Self| word.sought.weight * word.sought.share;
        all.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        Ok(all)
    }

    pub fn of(parts: &Parts, part: &Items, sought: &'a Sought) -> io::Result<Self> {
        let texts = sought.lookups.chunk_by(|a, b| a.place.text() == b.place.text());
        let texts = texts.map(|forms| {
            let cursors = forms.iter().map(|form| Cursor::of(parts, part, form));
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
    pub lead: SegmentPostings,
    pub rest: Vec<SegmentPostings>,
}

impl Cursor {
    /// None where one of the terms is nowhere.
    pub fn of(parts: &Parts, part: &Items, lookup: &Lookup) -> io::Result<Option<Self>> {
        let place = lookup.place as usize;
        let mut all = Vec::with_capacity(lookup.terms.len());
        for term in &lookup.terms {
            let Some(info) = part.term(&parts.fields, lookup.place, term)? else {
                return Ok(None);
            };
            all.push(part.places[place].read_postings_from_terminfo(&info, IndexRecordOption::WithFreqs)?);
        }
        all.sort_by_key(SegmentPostings::doc_freq);
        let mut all = all.into_iter();
        Ok(all.next().map(|lead| Self {
            place,
            weight: lookup.weight,
            lead,
            rest: all.collect(),
        }))
    }

    /// Shows each item from `base` up to `end`, and how much it says of the word.
    pub fn window(
        &mut self,
        base: DocId,
        end: DocId,
        part: &Items,
        lengths: &Lengths,
        see: &mut impl FnMut(DocId, f32),
    ) {
        let mut item = to(&mut self.lead, base);
        while item < end {
            if let Some(said) = self.said(item, part, lengths) {
                see(item, said);
            }
            item = self.lead.advance();
        }
    }

    /// The same of these items alone, which are in their order.
    pub fn at(&mut self, items: &[DocId], part: &Items, lengths: &Lengths, mut see: impl FnMut(DocId, f32)) {
        for &item in items {
            if to(&mut self.lead, item) == item
                && let Some(said) = self.said(item, part, lengths)
            {
                see(item, said);
            }
        }
    }

    pub fn said(&mut self, item: DocId, part: &Items, lengths: &Lengths) -> Option<f32> {
        let together = self.rest.iter_mut().all(|other| to(other, item) == item);
        together.then(|| {
            let often = self.lead.term_freq().min(OFTEN) as f32;
            let long = lengths[self.place][usize::from(part.lengths[self.place].fieldnorm_id(item))];
            self.weight * often * long
        })
    }
}

/// The first item from this one on; postings that are past it stay where they are.
pub fn to(postings: &mut SegmentPostings, item: DocId) -> DocId {
    match postings.doc() {
        at if at < item => postings.seek(item),
        at => at,
    }
}
