//! Which items a plan finds, and how many points each has.
//!
//! Word by word over the items that have it. What an item says of a word, in whichever places, is added up and saturates:
//! a word is there or it is not, and twenty times is hardly more than twice. What must hold is looked at only where an
//! item would be among the best.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    io,
    sync::Mutex,
};

use intentcast_protocol::category::CategoryId;
use tantivy::{
    DocId, DocSet, TERMINATED, Term, fieldnorm::FieldNormReader, postings::Postings, schema::IndexRecordOption,
};

use super::{
    filters::Filters,
    parts::{Part as Items, Parts},
    plan::{Lookup, Plan, Sought},
    schema::{PLACES, Place},
    shape::Shape,
    words::Part,
};

/// Repetitions of a word in one place that count: a text that says it on and on says no more.
const OFTEN: u32 = 4;

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
pub fn search(
    parts: &Parts,
    boards: &Boards,
    plan: &Plan,
    filters: &Filters,
    shape: &Shape,
    limit: usize,
) -> io::Result<Vec<Hit>> {
    let lengths = lengths(parts, shape);
    let mut best: BinaryHeap<Reverse<Hit>> = BinaryHeap::with_capacity(limit.min(4096) + 1);
    let mut board = boards.take();
    for (at, part) in parts.parts.iter().enumerate() {
        board.lay_out(part);
        board.words(parts, part, plan, shape, &lengths, |part| part != Part::Preference)?;
        board.beside(parts, part, plan, shape)?;
        let mut admits = filters.of_part(part);
        let worth = Worth::of(plan, shape);
        for &item in &board.touched {
            let before = worth.before_extras(&board, item);
            let full = best.len() == limit;
            // Most fall out here, before anything else of the item is read.
            if full && best.peek().is_some_and(|Reverse(worst)| before < worst.score) {
                continue;
            }
            let hit = Hit {
                part: at,
                item,
                ordinal: part.ordinal.get_val(item),
                score: worth.of_item(&board, part, item),
            };
            if full && best.peek().is_some_and(|Reverse(worst)| hit <= *worst)
                || !part.is_alive(item)
                || !admits.admit(item)
            {
                continue;
            }
            if full {
                best.pop();
            }
            best.push(Reverse(hit));
        }
        board.clear();
    }
    let mut hits: Vec<Hit> = best.into_iter().map(|Reverse(hit)| hit).collect();
    if plan.sought.iter().any(|sought| sought.part == Part::Preference) {
        prefer(parts, &mut board, plan, shape, &lengths, &mut hits)?;
    }
    boards.put_back(board);
    hits.sort_unstable_by(|a, b| b.cmp(a));
    Ok(hits)
}

/// Adds what preferences bring to what was found without them.
fn prefer(
    parts: &Parts,
    board: &mut Board,
    plan: &Plan,
    shape: &Shape,
    lengths: &Lengths,
    hits: &mut [Hit],
) -> io::Result<()> {
    let worth = Worth::of(plan, shape);
    for (at, part) in parts.parts.iter().enumerate() {
        board.lay_out(part);
        board.words(parts, part, plan, shape, lengths, |part| part == Part::Preference)?;
        for hit in hits.iter_mut().filter(|hit| hit.part == at) {
            hit.score += board.total[hit.item as usize] / worth.whole;
        }
        board.clear();
    }
    Ok(())
}

/// Where one item's points come from: words with the lookups that hit, and what counts beside words.
///
/// # Errors
/// Where a file cannot be read.
pub fn explain(parts: &Parts, boards: &Boards, plan: &Plan, shape: &Shape, hit: Hit) -> io::Result<Explained> {
    let lengths = lengths(parts, shape);
    let part = &parts.parts[hit.part];
    let worth = Worth::of(plan, shape);
    let mut words = Vec::new();
    for sought in &plan.sought {
        let mut hits: Vec<(Lookup, f32)> = Vec::new();
        for lookup in &sought.lookups {
            let mut said = 0.0;
            each(parts, part, lookup, &lengths, |item, here| {
                if item == hit.item {
                    said = here;
                }
            })?;
            if said > 0.0 {
                hits.push((lookup.clone(), said));
            }
        }
        let mut said = 0.0;
        for text in Place::TEXTS {
            let of = hits.iter().filter(|(lookup, _)| lookup.place.text() == text);
            let here = of.map(|(_, said)| *said).fold(0.0, f32::max);
            if text != Place::Kind || said == 0.0 {
                said += here;
            }
        }
        hits.sort_by(|a, b| b.1.total_cmp(&a.1));
        words.push(Word {
            points: saturated(sought, said, shape) / worth.whole,
            sought: sought.clone(),
            hits,
        });
    }
    let mut board = boards.take();
    board.lay_out(part);
    board.words(parts, part, plan, shape, &lengths, |part| part != Part::Preference)?;
    board.beside(parts, part, plan, shape)?;
    let explained = Explained {
        words,
        covered: worth.covered(&board, hit.item),
        kept: worth.kept(&board, hit.item),
        extras: part.extras.get_val(hit.item) & !plan.extras,
        beside: board.flat[hit.item as usize],
        score: hit.score,
    };
    board.clear();
    boards.put_back(board);
    Ok(explained)
}

/// See [`explain`].
pub struct Explained {
    pub words: Vec<Word>,
    /// How much of what is wanted the item says, 0 to 1.
    pub covered: f32,
    /// How much of the words' points is left for that, 0 to 1.
    pub kept: f32,
    /// Things that go with another which it names and nobody asked for, a bit each.
    pub extras: u64,
    /// Points beside those of words.
    pub beside: f32,
    pub score: f32,
}

/// One word of the want.
pub struct Word {
    pub sought: Sought,
    /// What hit, and how much it says of the word, the most first.
    pub hits: Vec<(Lookup, f32)>,
    pub points: f32,
}

/// What a word's points are where an item says it this much.
fn saturated(sought: &Sought, said: f32, shape: &Shape) -> f32 {
    sought.weight * sought.share * said / (said + shape.saturation)
}

/// From what is on the board to an item's score.
struct Worth<'a> {
    shape: &'a Shape,
    /// What all words together may bring.
    whole: f32,
    /// What all words of the title would cover.
    title: f32,
    extras: u64,
}

impl<'a> Worth<'a> {
    fn of(plan: &Plan, shape: &'a Shape) -> Self {
        let must = || plan.sought.iter().filter(|sought| sought.part != Part::Preference);
        let whole: f32 = must().map(|sought| sought.weight * sought.share).sum();
        let title = must().filter(|sought| sought.part == Part::Title);
        Self {
            shape,
            whole: if whole > 0.0 { whole } else { 1.0 },
            title: title.map(|sought| sought.share).sum(),
            extras: plan.extras,
        }
    }

    /// How much of the title's words an item has, the rarer counting more.
    fn covered(&self, board: &Board, item: DocId) -> f32 {
        match self.title > 0.0 {
            true => (board.covered[item as usize] / self.title).min(1.0),
            false => 1.0,
        }
    }

    fn kept(&self, board: &Board, item: DocId) -> f32 {
        1.0 - self.shape.cover + self.shape.cover * self.covered(board, item)
    }

    /// The score of an item that names nothing beside the thing: no score is higher.
    fn before_extras(&self, board: &Board, item: DocId) -> f32 {
        board.total[item as usize] / self.whole * self.kept(board, item) + board.flat[item as usize]
    }

    fn of_item(&self, board: &Board, part: &Items, item: DocId) -> f32 {
        let words = board.total[item as usize] / self.whole * self.kept(board, item);
        let extra = part.extras.get_val(item) & !self.extras != 0;
        let left = if extra { 1.0 - self.shape.extra } else { 1.0 };
        words * left + board.flat[item as usize]
    }
}

fn lengths(parts: &Parts, shape: &Shape) -> Lengths {
    let mut all = [[1.0; 256]; PLACES];
    for place in Place::ALL {
        let heavy = match place {
            Place::Title | Place::Whole => shape.title_length,
            Place::Codes | Place::Kind => 0.0,
            Place::Attributes => shape.attributes_length,
            Place::Description | Place::Brand => shape.length,
        };
        for id in 0..=255u8 {
            let long = FieldNormReader::id_to_fieldnorm(id) as f32 / parts.average[place as usize];
            all[place as usize][usize::from(id)] = 1.0 / (1.0 - heavy + heavy * long);
        }
    }
    all
}

/// Boards that are not in use: a search takes one and puts it back, so that none is made anew for each.
#[derive(Default)]
pub struct Boards(Mutex<Vec<Board>>);

/// Boards that are kept; each has twenty-one bytes an item.
const KEPT: usize = 2;

impl Boards {
    fn take(&self) -> Board {
        let kept = self.0.lock().ok().and_then(|mut kept| kept.pop());
        kept.unwrap_or_default()
    }

    fn put_back(&self, board: Board) {
        if let Ok(mut kept) = self.0.lock()
            && kept.len() < KEPT
        {
            kept.push(board);
        }
    }
}

/// The points of the items of one part. Between searches all are zero.
#[derive(Default)]
pub struct Board {
    /// Of all words so far.
    total: Vec<f32>,
    /// Shares of the title's words that are there.
    covered: Vec<f32>,
    /// Points beside those of words.
    flat: Vec<f32>,
    /// What is said of the word at hand.
    said: Vec<f32>,
    found: Vec<bool>,
    /// Items that have anything.
    touched: Vec<DocId>,
    /// Items that have the word at hand.
    here: Vec<DocId>,
    /// What the best form of one text says of it, where there are several.
    best: Vec<f32>,
    /// Items that have any of these.
    with: Vec<DocId>,
}

impl Board {
    fn lay_out(&mut self, part: &Items) {
        let items = part.items as usize;
        if self.total.len() < items {
            let all = [
                &mut self.total,
                &mut self.covered,
                &mut self.flat,
                &mut self.said,
                &mut self.best,
            ];
            for points in all {
                points.resize(items, 0.0);
            }
            self.found.resize(items, false);
        }
    }

    fn clear(&mut self) {
        for item in self.touched.drain(..) {
            let at = item as usize;
            (self.total[at], self.covered[at], self.flat[at], self.found[at]) = (0.0, 0.0, 0.0, false);
        }
    }

    fn words(
        &mut self,
        parts: &Parts,
        part: &Items,
        plan: &Plan,
        shape: &Shape,
        lengths: &Lengths,
        which: impl Fn(Part) -> bool,
    ) -> io::Result<()> {
        for sought in plan.sought.iter().filter(|sought| which(sought.part)) {
            for forms in sought.lookups.chunk_by(|a, b| a.place.text() == b.place.text()) {
                self.text_of(parts, part, forms, lengths)?;
            }
            let covers = if sought.part == Part::Title { sought.share } else { 0.0 };
            let most = sought.weight * sought.share;
            for item in self.here.drain(..) {
                let at = item as usize;
                let said = std::mem::take(&mut self.said[at]);
                self.total[at] += most * said / (said + shape.saturation);
                self.covered[at] += covers;
                if !std::mem::replace(&mut self.found[at], true) {
                    self.touched.push(item);
                }
            }
        }
        Ok(())
    }

    /// What one text says of a word: of several forms the best one.
    fn text_of(&mut self, parts: &Parts, part: &Items, forms: &[Lookup], lengths: &Lengths) -> io::Result<()> {
        let (said, here) = (&mut self.said, &mut self.here);
        // What the item says itself needs no word of its category's, which come last.
        let kind = forms.iter().all(|form| form.place == Place::Kind);
        let mut add = |item: DocId, points: f32| {
            let said = &mut said[item as usize];
            if *said == 0.0 {
                here.push(item);
            } else if kind {
                return;
            }
            *said += points;
        };
        if let [only] = forms {
            return each(parts, part, only, lengths, add);
        }
        let (best, with) = (&mut self.best, &mut self.with);
        for form in forms {
            each(parts, part, form, lengths, |item, points| {
                let best = &mut best[item as usize];
                if *best == 0.0 {
                    with.push(item);
                }
                *best = best.max(points);
            })?;
        }
        for item in with.drain(..) {
            add(item, std::mem::take(&mut best[item as usize]));
        }
        Ok(())
    }

    /// What counts beside words: the number of the very thing, and its category.
    fn beside(&mut self, parts: &Parts, part: &Items, plan: &Plan, shape: &Shape) -> io::Result<()> {
        for number in &plan.numbers {
            let term = Term::from_field_text(parts.fields.number, number);
            let found = part.numbers.read_postings(&term, IndexRecordOption::Basic)?;
            self.add(found, shape.number);
        }
        let within = |category: CategoryId| Term::from_field_u64(parts.fields.within, u64::from(category.0));
        for (category, points) in [(plan.inferred, shape.inferred), (plan.asked, 0.0)] {
            if let Some(category) = category {
                let found = part.within.read_postings(&within(category), IndexRecordOption::Basic)?;
                self.add(found, points);
            }
        }
        Ok(())
    }

    fn add(&mut self, postings: Option<impl DocSet>, points: f32) {
        let Some(mut postings) = postings else { return };
        let mut item = postings.doc();
        while item != TERMINATED {
            self.flat[item as usize] += points;
            if !std::mem::replace(&mut self.found[item as usize], true) {
                self.touched.push(item);
            }
            item = postings.advance();
        }
    }
}

/// Shows each item that a lookup hits, and how much it says of the word.
fn each(
    parts: &Parts,
    part: &Items,
    lookup: &Lookup,
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
            let often = lead.term_freq().min(OFTEN) as f32;
            see(
                item,
                lookup.weight * often * long[usize::from(norms.fieldnorm_id(item))],
            );
        }
        item = lead.advance();
    }
    Ok(())
}
