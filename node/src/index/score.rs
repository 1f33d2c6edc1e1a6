//! Which items a plan finds, and how many points each has.
//!
//! Word by word over the items that have it. What an item says of a word, in whichever places, is added up and saturates:
//! a word is there or it is not, and twenty times is hardly more than twice. What must hold is looked at only where an
//! item would be among the best.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
    io,
};

use tantivy::{DocId, Term, fieldnorm::FieldNormReader, postings::SegmentPostings, schema::IndexRecordOption};

use intentcast_protocol::category::CategoryId;

use super::{
    board::{Board, Boards, FIRST, Over, WINDOW},
    filters::Filters,
    gate::Gate,
    parts::{Part as Items, Parts},
    plan::{Lookup, Plan, Sought},
    schema::{PLACES, Place, lineage},
    shape::Shape,
    spoken::{Cursor, Spoken, to},
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
pub type Lengths = [[f32; 256]; PLACES];

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
    let worth = Worth::of(plan, shape);
    let mut best = Best::of(limit);
    let mut board = boards.take();
    let mut window = FIRST;
    for (at, part) in parts.parts.iter().enumerate() {
        let mut words = Spoken::all(part, at, plan, |part| part != Part::Preference)?;
        let mut beside = beside(parts, part, plan, shape)?;
        let mut about = About::of(plan, shape);
        let mut gate = Gate::of(part, filters);
        let over = Over {
            part,
            lengths: &lengths,
            shape,
        };
        let mut base = 0;
        while base < part.items {
            let end = part.items.min(base + window);
            window = WINDOW.min(window * 2);
            board.base = base;
            let needed = worth.needed(&words, best.least());
            // Of items that have nothing else, none that would be among the best is left out.
            let alone = |beside: &&mut Beside| best.least().is_none_or(|least| beside.alone >= least);
            let words_asked: u64 = words[..needed].iter().map(Spoken::count).sum();
            let asked = words_asked
                + beside
                    .iter_mut()
                    .filter(alone)
                    .map(|beside| u64::from(beside.postings.doc_freq()))
                    .sum::<u64>();
            gate.window(base, end, asked * u64::from(end - base) / u64::from(part.items));
            for beside in beside.iter_mut().filter(alone) {
                board.beside(beside, &mut gate, end);
            }
            for (n, word) in words.iter_mut().enumerate() {
                board.word(word, &over, &mut gate, end, n >= needed);
            }
            for n in 0..board.touched.len() {
                let item = board.touched[n];
                // Most fall out here, before anything else of the item is read.
                let most = worth.before_extras(&board, item) + about.points;
                if best.least().is_some_and(|least| most < least) {
                    continue;
                }
                let score = worth.of_item(&board, part, item) + about.of_item(part, item);
                if best.least().is_some_and(|least| score < least) {
                    continue;
                }
                let hit = Hit {
                    part: at,
                    item,
                    ordinal: part.ordinal.get_val(item),
                    score,
                };
                if best.would_take(&hit) {
                    best.take(hit);
                }
            }
            board.clear();
            base = end;
        }
    }
    boards.put_back(board);
    let mut hits = best.hits();
    if plan.sought.iter().any(|sought| sought.part == Part::Preference) {
        prefer(parts, plan, shape, &lengths, &worth, &mut hits)?;
    }
    hits.sort_unstable_by(|a, b| b.cmp(a));
    Ok(hits)
}

/// The best hits so far.
struct Best {
    limit: usize,
    heap: BinaryHeap<Reverse<Hit>>,
}

impl Best {
    fn of(limit: usize) -> Self {
        Self {
            limit,
            heap: BinaryHeap::with_capacity(limit.min(4096) + 1),
        }
    }

    /// The score that an item must have at least, once there are enough.
    fn least(&self) -> Option<f32> {
        let full = self.heap.len() >= self.limit;
        self.heap.peek().filter(|_| full).map(|Reverse(worst)| worst.score)
    }

    fn would_take(&self, hit: &Hit) -> bool {
        self.heap.len() < self.limit || self.heap.peek().is_some_and(|Reverse(worst)| hit > worst)
    }

    fn take(&mut self, hit: Hit) {
        self.heap.push(Reverse(hit));
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
    }

    fn hits(self) -> Vec<Hit> {
        self.heap.into_iter().map(|Reverse(hit)| hit).collect()
    }
}

/// Adds what preferences bring to what was found without them.
fn prefer(
    parts: &Parts,
    plan: &Plan,
    shape: &Shape,
    lengths: &Lengths,
    worth: &Worth,
    hits: &mut [Hit],
) -> io::Result<()> {
    hits.sort_unstable_by_key(|hit| (hit.part, hit.item));
    for hits in hits.chunk_by_mut(|a, b| a.part == b.part) {
        let at = hits[0].part;
        let part = &parts.parts[at];
        let items: Vec<DocId> = hits.iter().map(|hit| hit.item).collect();
        for mut word in Spoken::all(part, at, plan, |part| part == Part::Preference)? {
            let said = word.said_of(&items, part, lengths);
            for (hit, said) in hits.iter_mut().zip(said) {
                hit.score += saturated(word.sought, said, shape) / worth.whole;
            }
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
    let worth = Worth::of(plan, shape);
    let (mut words, mut covered) = (Vec::new(), 0.0);
    for sought in &plan.sought {
        let mut hits: Vec<(Lookup, f32)> = Vec::new();
        for lookup in &sought.lookups {
            if let Some(mut cursor) = Cursor::of(part, hit.part, lookup)? {
                cursor.at(&[hit.item], part, &lengths, |_, said| hits.push((lookup.clone(), said)));
            }
        }
        let mut spoken = Spoken::of(part, hit.part, sought)?;
        let said = spoken.said_of(&[hit.item], part, &lengths)[0];
        if said > 0.0 && sought.part == Part::Title {
            covered += sought.share;
        }
        hits.sort_by(|a, b| b.1.total_cmp(&a.1));
        words.push(Word {
            points: saturated(sought, said, shape) / worth.whole,
            sought: sought.clone(),
            hits,
        });
    }
    let mut flat = 0.0;
    for mut beside in beside(parts, part, plan, shape)? {
        if to(&mut beside.postings, hit.item) == hit.item {
            flat += beside.points;
        }
    }
    flat += About::of(plan, shape).of_item(part, hit.item);
    let covered = worth.share(covered);
    Ok(Explained {
        words,
        covered,
        kept: worth.kept(covered),
        extras: part.extras.get_val(hit.item) & !plan.extras,
        beside: flat,
        score: hit.score,
    })
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
pub fn saturated(sought: &Sought, said: f32, shape: &Shape) -> f32 {
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
    /// What its category may add to an item.
    about: f32,
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
            about: plan.inferred.map_or(0.0, |_| shape.inferred),
        }
    }

    /// How much of the title's words an item has, the rarer counting more, by the shares of those that it has.
    fn share(&self, covered: f32) -> f32 {
        match self.title > 0.0 {
            true => (covered / self.title).min(1.0),
            false => 1.0,
        }
    }

    fn kept(&self, share: f32) -> f32 {
        1.0 - self.shape.cover + self.shape.cover * share
    }

    fn of_words(&self, board: &Board, item: DocId) -> f32 {
        let points = board.points[(item - board.base) as usize];
        points.total / self.whole * self.kept(self.share(points.covered))
    }

    /// The score of an item that names nothing beside the thing: no score is higher.
    fn before_extras(&self, board: &Board, item: DocId) -> f32 {
        self.of_words(board, item) + board.points[(item - board.base) as usize].flat
    }

    fn of_item(&self, board: &Board, part: &Items, item: DocId) -> f32 {
        let extra = part.extras.get_val(item) & !self.extras != 0;
        let left = if extra { 1.0 - self.shape.extra } else { 1.0 };
        self.of_words(board, item) * left + board.points[(item - board.base) as usize].flat
    }

    /// How many of `words`, which come with the weightiest first, an item must have one of to be among the best. What
    /// has none of these, were it all of the others, stays below `least`, so nobody need look where else those are.
    fn needed(&self, words: &[Spoken], least: Option<f32>) -> usize {
        let Some(least) = least else { return words.len() };
        let (mut total, mut covered, mut needed) = (0.0, 0.0, words.len());
        for word in words.iter().rev() {
            total += word.sought.weight * word.sought.share;
            if word.sought.part == Part::Title {
                covered += word.sought.share;
            }
            // A little more than it can be, since sums hang on their order.
            if total / self.whole * self.kept(self.share(covered)) * 1.001 + self.about >= least {
                break;
            }
            needed -= 1;
        }
        needed
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

/// Items that are found by something else than words.
pub struct Beside {
    pub postings: SegmentPostings,
    /// What it adds to each.
    pub points: f32,
    /// What an item is worth that has nothing else.
    alone: f32,
}

/// The number of the very thing, and the categories that were asked for or that the words seem to be about.
fn beside(parts: &Parts, part: &Items, plan: &Plan, shape: &Shape) -> io::Result<Vec<Beside>> {
    let mut all = Vec::new();
    let beside = |points: f32, alone: f32| {
        move |postings| Beside {
            postings,
            points,
            alone,
        }
    };
    for number in &plan.numbers {
        let term = Term::from_field_text(parts.fields.number, number);
        let found = part.numbers.read_postings(&term, IndexRecordOption::Basic)?;
        // Whatever it is in, it is looked at.
        all.extend(found.map(beside(shape.number, f32::INFINITY)));
    }
    for (category, alone) in [(plan.inferred, shape.inferred), (plan.asked, 0.0)] {
        if let Some(category) = category {
            let term = Term::from_field_u64(parts.fields.within, u64::from(category.0));
            let found = part.within.read_postings(&term, IndexRecordOption::Basic)?;
            all.extend(found.map(beside(0.0, alone)));
        }
    }
    Ok(all)
}

/// What an item gets for being of the category that the words seem to be about.
struct About {
    category: Option<CategoryId>,
    points: f32,
    /// By the number of the item's category.
    known: BTreeMap<u64, bool>,
}

impl About {
    fn of(plan: &Plan, shape: &Shape) -> Self {
        Self {
            category: plan.inferred,
            points: plan.inferred.map_or(0.0, |_| shape.inferred),
            known: BTreeMap::new(),
        }
    }

    fn of_item(&mut self, part: &Items, item: DocId) -> f32 {
        let Some(about) = self.category else { return 0.0 };
        let of = part.sorts.category(item);
        let within = self.known.entry(of).or_insert_with(|| {
            u32::try_from(of).is_ok_and(|of| lineage(CategoryId(of)).any(|category| category == about))
        });
        if *within { self.points } else { 0.0 }
    }
}
