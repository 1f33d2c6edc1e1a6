//! Which items a plan finds, and how many points each has.
//!
//! Word by word over the items that have it: a word counts once, where it counts most. What must hold is looked at only
//! where an item would be among the best.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    io,
};

use intentcast_protocol::category::CategoryId;
use tantivy::{
    DocId, DocSet, TERMINATED, Term, fieldnorm::FieldNormReader, postings::Postings, schema::IndexRecordOption,
};

use super::{
    filters::Filters,
    parts::{Part as Items, Parts},
    plan::{Lookup, Plan},
    schema::{PLACES, Place},
    shape::Shape,
    words::Part,
};

/// An item found.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hit {
    /// Which part of the items.
    pub part: usize,
    pub item: DocId,
    pub ordinal: u64,
    pub score: f32,
}

impl Eq for Hit {}

/// The better is the greater.
impl Ord for Hit {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then(other.ordinal.cmp(&self.ordinal))
    }
}

impl PartialOrd for Hit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How long a place is makes its words count less: by the byte in which tantivy keeps lengths.
type Lengths = [[f32; 256]; PLACES];

/// The best of what `plan` finds within `filters`, at most `limit`, best first. Preferences do not decide which.
///
/// # Errors
/// Where a file cannot be read.
pub fn search(parts: &Parts, plan: &Plan, filters: &Filters, shape: &Shape, limit: usize) -> io::Result<Vec<Hit>> {
    let lengths = lengths(parts, shape);
    let mut best: BinaryHeap<Reverse<Hit>> = BinaryHeap::with_capacity(limit.min(4096) + 1);
    for (at, part) in parts.parts.iter().enumerate() {
        let mut board = Board::of(part);
        board.words(parts, plan, shape, &lengths, |part| part != Part::Preference)?;
        board.beside(parts, plan, shape)?;
        let mut admits = filters.of_part(part);
        let whole = whole(plan);
        for &item in &board.touched {
            let hit = Hit {
                part: at,
                item,
                ordinal: part.ordinal.get_val(item),
                score: board.score(item, whole, shape),
            };
            let full = best.len() == limit;
            if full && best.peek().is_some_and(|Reverse(worst)| hit <= *worst) || !part.is_alive(item) || !admits.admit(item) {
                continue;
            }
            if full {
                best.pop();
            }
            best.push(Reverse(hit));
        }
    }
    let mut hits: Vec<Hit> = best.into_iter().map(|Reverse(hit)| hit).collect();
    if plan.sought.iter().any(|sought| sought.part == Part::Preference) {
        prefer(parts, plan, shape, &lengths, &mut hits)?;
    }
    hits.sort_unstable_by(|a, b| b.cmp(a));
    Ok(hits)
}

/// Adds what preferences bring to what was found without them.
fn prefer(parts: &Parts, plan: &Plan, shape: &Shape, lengths: &Lengths, hits: &mut [Hit]) -> io::Result<()> {
    for (at, part) in parts.parts.iter().enumerate() {
        let mut board = Board::of(part);
        board.words(parts, plan, shape, lengths, |part| part == Part::Preference)?;
        for hit in hits.iter_mut().filter(|hit| hit.part == at) {
            hit.score += board.total[hit.item as usize];
        }
    }
    Ok(())
}

/// Where one item's points come from: words with the lookups that hit, and what counts beside words.
///
/// # Errors
/// Where a file cannot be read.
pub fn explain(parts: &Parts, plan: &Plan, shape: &Shape, hit: Hit) -> io::Result<Explained> {
    let lengths = lengths(parts, shape);
    let part = &parts.parts[hit.part];
    let mut words = Vec::new();
    for sought in &plan.sought {
        let mut hits: Vec<(Lookup, f32)> = Vec::new();
        for lookup in &sought.lookups {
            let mut points = 0.0;
            each(parts, part, lookup, shape, &lengths, |item, here| {
                if item == hit.item {
                    points = here;
                }
            })?;
            if points > 0.0 {
                hits.push((lookup.clone(), points * sought.weight));
            }
        }
        hits.sort_by(|a, b| b.1.total_cmp(&a.1));
        words.push((sought.clone(), hits));
    }
    let mut board = Board::of(part);
    board.words(parts, plan, shape, &lengths, |part| part != Part::Preference)?;
    board.beside(parts, plan, shape)?;
    let whole = whole(plan);
    Ok(Explained {
        words,
        covered: if whole > 0.0 {
            board.covered[hit.item as usize] / whole
        } else {
            0.0
        },
        beside: board.flat[hit.item as usize],
        score: hit.score,
    })
}

/// See [`explain`].
pub struct Explained {
    pub words: Vec<(super::plan::Sought, Vec<(Lookup, f32)>)>,
    /// How much of what is wanted the item says, 0 to 1.
    pub covered: f32,
    /// Points beside those of words.
    pub beside: f32,
    pub score: f32,
}

/// What all words of the title together would cover.
fn whole(plan: &Plan) -> f32 {
    let title = plan.sought.iter().filter(|sought| sought.part == Part::Title);
    title.map(|sought| sought.share).sum()
}

fn lengths(parts: &Parts, shape: &Shape) -> Lengths {
    let mut all = [[0.0; 256]; PLACES];
    for place in Place::ALL {
        let heavy = match place {
            Place::Title => shape.title_length,
            Place::Joined | Place::Codes => 0.0,
            _ => shape.length,
        };
        for id in 0..=255u8 {
            let long = FieldNormReader::id_to_fieldnorm(id) as f32 / parts.average[place as usize];
            all[place as usize][usize::from(id)] = shape.saturation * (1.0 - heavy + heavy * long);
        }
    }
    all
}

/// The points of the items of one part.
struct Board<'a> {
    part: &'a Items,
    total: Vec<f32>,
    covered: Vec<f32>,
    flat: Vec<f32>,
    found: Vec<bool>,
    touched: Vec<DocId>,
}

impl<'a> Board<'a> {
    fn of(part: &'a Items) -> Self {
        let items = part.items as usize;
        Self {
            part,
            total: vec![0.0; items],
            covered: vec![0.0; items],
            flat: vec![0.0; items],
            found: vec![false; items],
            touched: Vec::new(),
        }
    }

    fn words(
        &mut self,
        parts: &Parts,
        plan: &Plan,
        shape: &Shape,
        lengths: &Lengths,
        which: impl Fn(Part) -> bool,
    ) -> io::Result<()> {
        let items = self.part.items as usize;
        let (mut best, mut sum) = (vec![0.0f32; items], vec![0.0f32; items]);
        let mut here: Vec<DocId> = Vec::new();
        for sought in plan.sought.iter().filter(|sought| which(sought.part)) {
            for lookup in &sought.lookups {
                each(parts, self.part, lookup, shape, lengths, |item, points| {
                    let at = item as usize;
                    if sum[at] == 0.0 {
                        here.push(item);
                    }
                    sum[at] += points;
                    best[at] = best[at].max(points);
                })?;
            }
            let covers = if sought.part == Part::Title { sought.share } else { 0.0 };
            for item in here.drain(..) {
                let at = item as usize;
                self.total[at] += sought.weight * (best[at] + shape.tie * (sum[at] - best[at]));
                self.covered[at] += covers;
                (best[at], sum[at]) = (0.0, 0.0);
                self.touch(item);
            }
        }
        Ok(())
    }

    /// What counts beside words: the number of the very thing, and its category.
    fn beside(&mut self, parts: &Parts, plan: &Plan, shape: &Shape) -> io::Result<()> {
        for number in &plan.numbers {
            let term = Term::from_field_text(parts.fields.number, number);
            let index = self.part.numbers.clone();
            self.add(index.read_postings(&term, IndexRecordOption::Basic)?, shape.number);
        }
        let within = |category: CategoryId| Term::from_field_u64(parts.fields.within, u64::from(category.0));
        for (category, points) in [(plan.inferred, shape.inferred), (plan.asked, 0.0)] {
            if let Some(category) = category {
                let index = self.part.within.clone();
                self.add(
                    index.read_postings(&within(category), IndexRecordOption::Basic)?,
                    points,
                );
            }
        }
        Ok(())
    }

    fn add(&mut self, postings: Option<impl DocSet>, points: f32) {
        let Some(mut postings) = postings else { return };
        let mut item = postings.doc();
        while item != TERMINATED {
            self.flat[item as usize] += points;
            self.touch(item);
            item = postings.advance();
        }
    }

    fn touch(&mut self, item: DocId) {
        if !std::mem::replace(&mut self.found[item as usize], true) {
            self.touched.push(item);
        }
    }

    fn score(&self, item: DocId, whole: f32, shape: &Shape) -> f32 {
        let at = item as usize;
        let share = if whole > 0.0 {
            (self.covered[at] / whole).min(1.0)
        } else {
            1.0
        };
        let factor = 1.0 - shape.cover + shape.cover * share.powf(shape.steep);
        self.total[at] * factor + self.flat[at]
    }
}

/// Shows each item that a lookup hits, and its points.
fn each(
    parts: &Parts,
    part: &Items,
    lookup: &Lookup,
    shape: &Shape,
    lengths: &Lengths,
    mut see: impl FnMut(DocId, f32),
) -> io::Result<()> {
    let place = lookup.place as usize;
    let mut all = Vec::with_capacity(lookup.terms.len());
    for term in &lookup.terms {
        let Some(info) = part.term(&parts.fields, lookup.place, term)? else {
            return Ok(());
        };
        all.push(part.places[place].read_postings_from_terminfo(&info, IndexRecordOption::WithFreqs)?);
    }
    // The rarest leads.
    all.sort_by_key(tantivy::postings::SegmentPostings::doc_freq);
    let Some((lead, rest)) = all.split_first_mut() else {
        return Ok(());
    };
    let (norms, long) = (&part.lengths[place], &lengths[place]);
    let mut item = lead.doc();
    while item != TERMINATED {
        let together = rest
            .iter_mut()
            .all(|other| other.doc() == item || other.doc() < item && other.seek(item) == item);
        if together {
            let often = lead.term_freq() as f32;
            let long = long[usize::from(norms.fieldnorm_id(item))];
            see(item, lookup.points * often * (1.0 + shape.saturation) / (often + long));
        }
        item = lead.advance();
    }
    Ok(())
}
