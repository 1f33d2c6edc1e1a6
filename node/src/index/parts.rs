//! An index opened for searching: its parts, their columns and their counts, looked up once.

use std::{io, ops::Range, sync::Arc};

use intentcast_protocol::intent::Language;
use tantivy::{
    DocId, Searcher, SegmentReader, Term,
    columnar::{Column, ColumnValues, StrColumn},
    fastfield::AliveBitSet,
    fieldnorm::FieldNormReader,
    index::InvertedIndexReader,
    postings::TermInfo,
    schema::Field,
};

use super::{
    cut::whole,
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

/// One part of the items.
pub struct Part {
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
    pub category: Arc<dyn ColumnValues<u64>>,
    pub condition: Arc<dyn ColumnValues<u64>>,
    pub currency: Arc<dyn ColumnValues<u64>>,
    pub price: Arc<dyn ColumnValues<i64>>,
    pub extras: Arc<dyn ColumnValues<u64>>,
    /// None where no item says where it is sent.
    pub region: Option<Column<u64>>,
    ids: Option<StrColumn>,
    alive: Option<AliveBitSet>,
}

impl Parts {
    /// # Errors
    /// Where a file cannot be read.
    pub fn open(searcher: &Searcher, fields: Fields) -> tantivy::Result<Self> {
        let parts = searcher
            .segment_readers()
            .iter()
            .map(|reader| Part::open(reader, &fields))
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

    /// How many items have this term there.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn count(&self, place: Place, term: &str) -> io::Result<u64> {
        let mut count = 0;
        for part in &self.parts {
            count += part
                .term(&self.fields, place, term)?
                .map_or(0, |info| u64::from(info.doc_freq));
        }
        Ok(count)
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
    fn open(reader: &SegmentReader, fields: &Fields) -> tantivy::Result<Self> {
        let columns = reader.fast_fields();
        let places = || fields.places.iter();
        Ok(Self {
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
            category: columns.column_first_or_default("category")?,
            condition: columns.column_first_or_default("condition")?,
            currency: columns.column_first_or_default("currency")?,
            price: columns.column_first_or_default("price")?,
            extras: columns.column_first_or_default("extras")?,
            region: columns.column_opt("region")?,
            ids: columns.str("id")?,
            alive: reader.alive_bitset().cloned(),
        })
    }

    /// Where a term's items are, if it has any.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn term(&self, fields: &Fields, place: Place, term: &str) -> io::Result<Option<TermInfo>> {
        let field: Field = fields.places[place as usize];
        self.places[place as usize].get_term_info(&Term::from_field_text(field, term))
    }

    /// Whether the item is still there, and as it is: not taken out, nor replaced in a later part.
    pub fn is_alive(&self, item: DocId) -> bool {
        self.alive.as_ref().is_none_or(|alive| alive.is_alive(item))
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
