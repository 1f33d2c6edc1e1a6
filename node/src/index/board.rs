//! Where the points of a window of items add up.

use std::sync::Mutex;

use tantivy::{DocId, DocSet};

use super::{
    gate::Gate,
    parts::Part as Items,
    score::{Beside, Lengths, saturated},
    shape::Shape,
    spoken::{Spoken, to},
    words::Part,
};

/// Boards that are not in use: a search takes one and puts it back, so that none is made anew for each.
#[derive(Default)]
pub struct Boards(Mutex<Vec<Board>>);

/// Boards that are kept.
pub const KEPT: usize = 4;

/// Items that are on the board at once: what a core has near at hand, 24 bytes an item. In tests a few, for many windows.
pub const WINDOW: DocId = if cfg!(test) { 8 } else { 1 << 15 };
/// Items of the first window: the sooner the best few are known, the less of the others is looked at. Each next one is
/// twice as large.
pub const FIRST: DocId = if cfg!(test) { 2 } else { 1 << 10 };

impl Boards {
    pub fn take(&self) -> Board {
        let kept = self.0.lock().ok().and_then(|mut kept| kept.pop());
        kept.unwrap_or_else(|| Board {
            base: 0,
            points: vec![Points::default(); WINDOW as usize],
            touched: Vec::new(),
            here: Vec::new(),
            with: Vec::new(),
        })
    }

    pub fn put_back(&self, board: Board) {
        if let Ok(mut kept) = self.0.lock()
            && kept.len() < KEPT
        {
            kept.push(board);
        }
    }
}

/// The points of the items of one window. Between windows all are zero.
pub struct Board {
    /// The first item.
    pub base: DocId,
    pub points: Vec<Points>,
    /// Items that have anything.
    pub touched: Vec<DocId>,
    /// Items that have the word at hand.
    pub here: Vec<DocId>,
    /// Items that have any of several forms.
    pub with: Vec<DocId>,
}

/// Where a search is going on, and with which weights.
pub struct Over<'a> {
    pub part: &'a Items,
    pub lengths: &'a Lengths,
    pub shape: &'a Shape,
}

/// What is known of one item.
#[derive(Clone, Copy, Default)]
pub struct Points {
    /// Of all words so far.
    pub total: f32,
    /// Shares of the title's words that are there.
    pub covered: f32,
    /// Points beside those of words.
    pub flat: f32,
    /// What is said of the word at hand.
    pub said: f32,
    /// What the best form of one text says of it, where there are several.
    pub best: f32,
    pub found: bool,
}

impl Board {
    pub fn clear(&mut self) {
        for item in self.touched.drain(..) {
            self.points[(item - self.base) as usize] = Points::default();
        }
    }

    /// What the items up to `end` say of one word; `known` for those alone that have something already.
    pub fn word(&mut self, word: &mut Spoken, over: &Over, gate: &mut Gate, end: DocId, known: bool) {
        if known {
            if self.touched.is_empty() {
                return;
            }
            self.touched.sort_unstable();
        }
        let Self {
            base,
            points,
            touched,
            here,
            with,
        } = self;
        let base = *base;
        for text in &mut word.texts {
            let several = text.cursors.len() > 1;
            let kind = text.kind;
            let mut add = |item: DocId, said: f32, points: &mut Points| {
                if points.said == 0.0 {
                    here.push(item);
                } else if kind {
                    // What the item says itself needs no word of its category's, which come last.
                    return;
                }
                points.said += said;
            };
            for cursor in &mut text.cursors {
                let mut see = |item: DocId, said: f32| {
                    let points = &mut points[(item - base) as usize];
                    if known && !points.found {
                        return;
                    }
                    if !several {
                        add(item, said, points);
                        return;
                    }
                    if points.best == 0.0 {
                        with.push(item);
                    }
                    points.best = points.best.max(said);
                };
                // To go to each costs more than to go past a few.
                let there = cursor.count() * u64::from(end - base) / u64::from(over.part.items.max(1));
                match known && (touched.len() as u64) * 8 < there {
                    true => cursor.at(touched, over.part, over.lengths, &mut see),
                    false => cursor.window(base..end, over, gate, &mut see),
                }
            }
            for item in with.drain(..) {
                let points = &mut points[(item - base) as usize];
                let best = std::mem::take(&mut points.best);
                add(item, best, points);
            }
        }
        let covers = if word.sought.part == Part::Title {
            word.sought.share
        } else {
            0.0
        };
        for item in here.drain(..) {
            let points = &mut points[(item - base) as usize];
            let said = std::mem::take(&mut points.said);
            points.total += saturated(word.sought, said, over.shape);
            points.covered += covers;
            if !std::mem::replace(&mut points.found, true) {
                touched.push(item);
            }
        }
    }

    pub fn beside(&mut self, beside: &mut Beside, gate: &mut Gate, end: DocId) {
        let mut item = to(&mut beside.postings, self.base);
        while item < end {
            if gate.admits(item) {
                let points = &mut self.points[(item - self.base) as usize];
                points.flat += beside.points;
                if !std::mem::replace(&mut points.found, true) {
                    self.touched.push(item);
                }
            }
            item = beside.postings.advance();
        }
    }
}
