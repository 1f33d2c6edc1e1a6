//! An index opened for searching: its parts, their columns and their counts, looked up once.

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    ops::{Deref, Range},
    sync::Arc,
};

use intentcast_protocol::intent::Language;
use tantivy::{
    DocId, Searcher, SegmentReader, Term,
    columnar::{ColumnValues, StrColumn},
    fastfield::AliveBitSet,
    fieldnorm::FieldNormReader,
    index::{InvertedIndexReader, SegmentId},
    postings::TermInfo,
    schema::Field,
};

use super::{
    cut::whole,
    gate::{Columns, Sorts},
    schema::{Fields, PLACES, Place},
};

/// Languages that a want's words are looked up in beside its own: a catalogue in more of them is none.
const MAX_LANGUAGES: usize = 16;

/// A whole index.
pub struct Parts {
    /// What is in it.
    pub fields: Fields,
    /// Each a part of the items.
    pub parts: Vec<Part>,
    /// Items in all.
    pub items: u64,
    /// Words in a place on average, at least one.
    pub average: [f32; PLACES],
    /// In which languages items are.
    pub languages: Vec<Language>,
}

/// Where a term is.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// How many items have it.
    pub count: u64,
    /// In each part.
    pub parts: Vec<Option<TermInfo>>,
}

/// An index with what was looked up in it, so that nothing is looked up twice.
pub struct Lookups<'a> {
    parts: &'a Parts,
    known: RefCell<[HashMap<String, Arc<Seen>>; PLACES]>,
}

impl<'a> Lookups<'a> {
    pub fn of(parts: &'a Parts) -> Self {
        Self {
            parts,
            known: RefCell::default(),
        }
    }

    /// Where this term is in this place.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn seen(&self, place: Place, term: &str) -> io::Result<Arc<Seen>> {
        if let Some(seen) = self.known.borrow()[place as usize].get(term) {
            return Ok(Arc::clone(seen));
        }
        let each = self.parts.parts.iter();
        let parts = each
            .map(|part| part.term(&self.parts.fields, place, term))
            .collect::<io::Result<Vec<_>>>()?;
        let seen = Arc::new(Seen {
            count: parts.iter().flatten().map(|info| u64::from(info.doc_freq)).sum(),
            parts,
        });
        self.known.borrow_mut()[place as usize].insert(term.to_owned(), Arc::clone(&seen));
        Ok(seen)
    }

    /// How many items have this term there.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn count(&self, place: Place, term: &str) -> io::Result<u64> {
        Ok(self.seen(place, term)?.count)
    }
}

impl Deref for Lookups<'_> {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        self.parts
    }
}

/// One part of the items.
pub struct Part {
    /// By which it is known again.
    segment: SegmentId,
    /// How many.
    pub items: DocId,
    /// Numbers that name one thing.
    pub numbers: Arc<InvertedIndexReader>,
    /// Categories and those above them.
    pub within: Arc<InvertedIndexReader>,
    /// Words, place by place.
    pub places: Vec<Arc<InvertedIndexReader>>,
    /// How long each place is.
    pub lengths: Vec<FieldNormReader>,
    pub ordinal: Arc<dyn ColumnValues<u64>>,
    pub extras: Arc<dyn ColumnValues<u64>>,
    pub sorts: Arc<Sorts>,
    price: Arc<dyn ColumnValues<i64>>,
    ids: Option<StrColumn>,
    alive: Option<AliveBitSet>,
}

impl Parts {
    /// What is in `before` already is not read again.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn open(searcher: &Searcher, fields: Fields, before: Option<&Self>) -> tantivy::Result<Self> {
        let before = before.map_or(&[][..], |before| &before.parts);
        let parts = searcher
            .segment_readers()
            .iter()
            .map(|reader| {
                let known = before.iter().find(|part| part.segment == reader.segment_id());
                Part::open(reader, &fields, known)
            })
            .collect::<tantivy::Result<Vec<_>>>()?;
        let items = searcher.num_docs();
        let average = Place::ALL.map(|place| {
            let words: u64 = parts
                .iter()
                .map(|part: &Part| part.places[place as usize].total_num_tokens())
                .sum();
            (words as f32 / items.max(1) as f32).max(1.0)
        });
        let languages = languages(&parts)?;
        Ok(Self {
            fields,
            parts,
            items,
            average,
            languages,
        })
    }

    /// The terms of a place in `range` of the alphabet, each once, until `see` has seen enough and says so.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn terms(&self, place: Place, range: Range<&[u8]>, mut see: impl FnMut(&str) -> bool) -> io::Result<()> {
        for part in &self.parts {
            let mut stream = part.places[place as usize]
                .terms()
                .range()
                .ge(range.start)
                .lt(range.end)
                .into_stream()?;
            while stream.advance() {
                if let Ok(term) = std::str::from_utf8(stream.key())
                    && !see(term)
                {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The languages that the items' whole words have before them.
fn languages(parts: &[Part]) -> io::Result<Vec<Language>> {
    let mut found = Vec::new();
    for part in parts {
        let words = part.places[Place::Whole as usize].terms();
        let mut after = Vec::new();
        // Each step goes past all words of one language.
        while found.len() < MAX_LANGUAGES {
            let mut stream = words.range().ge(&after).into_stream()?;
            if !stream.advance() {
                break;
            }
            let code = stream.key().get(..2).and_then(|code| std::str::from_utf8(code).ok());
            let Some(code) = code else { break };
            found.extend(Language::new(code));
            after = whole(code, "\u{10ffff}").into_bytes();
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

impl Part {
    fn open(reader: &SegmentReader, fields: &Fields, known: Option<&Self>) -> tantivy::Result<Self> {
        let columns = reader.fast_fields();
        let places = || fields.places.iter();
        let price = columns.column_first_or_default("price")?;
        let sorts = match known {
            Some(known) => Arc::clone(&known.sorts),
            None => {
                let columns = Columns {
                    category: columns.column_first_or_default("category")?,
                    condition: columns.column_first_or_default("condition")?,
                    currency: columns.column_first_or_default("currency")?,
                    price: Arc::clone(&price),
                    region: columns.column_opt("region")?,
                };
                Arc::new(Sorts::of(&columns, reader.max_doc()))
            }
        };
        Ok(Self {
            segment: reader.segment_id(),
            items: reader.max_doc(),
            numbers: reader.inverted_index(fields.number)?,
            within: reader.inverted_index(fields.within)?,
            places: places()
                .map(|field| reader.inverted_index(*field))
                .collect::<tantivy::Result<_>>()?,
            lengths: places()
                .map(|field| reader.get_fieldnorms_reader(*field))
                .collect::<tantivy::Result<_>>()?,
            ordinal: columns.column_first_or_default("ordinal")?,
            extras: columns.column_first_or_default("extras")?,
            sorts,
            price,
            ids: columns.str("id")?,
            alive: reader.alive_bitset().cloned(),
        })
    }

    fn term(&self, fields: &Fields, place: Place, term: &str) -> io::Result<Option<TermInfo>> {
        let field: Field = fields.places[place as usize];
        self.places[place as usize].get_term_info(&Term::from_field_text(field, term))
    }

    /// Whether the item is still there, and as it is: not taken out, nor replaced in a later part.
    pub fn is_alive(&self, item: DocId) -> bool {
        self.alive.as_ref().is_none_or(|alive| alive.is_alive(item))
    }

    /// Whether all its items are still there.
    pub fn is_whole(&self) -> bool {
        self.alive.is_none()
    }

    /// What an item costs, smallest units of its currency.
    pub fn price(&self, item: DocId) -> i64 {
        self.price.get_val(item)
    }

    /// The item's id.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn id(&self, item: DocId) -> io::Result<Option<String>> {
        let Some(ids) = &self.ids else { return Ok(None) };
        let mut id = String::new();
        let first = ids.term_ords(item).next();
        Ok(match first {
            Some(ord) => ids.ord_to_str(ord, &mut id)?.then_some(id),
            None => None,
        })
    }
}
