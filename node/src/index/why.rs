//! Why an item was found: which words are where, and what each brought.

use std::{cmp::Reverse, collections::BTreeSet};

use intentcast_protocol::item::Item;
use serde::{Deserialize, Serialize};

use super::{
    extras,
    schema::{Cutters, Place, Terms, numbers},
    score::{Explained, Word},
    shape::Shape,
    words::{Asked, How, Part, Words},
};

/// Why one item was found, and where its points come from.
///
/// The score is the words' points, times `kept`, times `left`, and `beside` them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Why {
    /// Word by word, as they were said.
    pub words: Vec<Because>,
    /// How much of the title's words the item has, the rarer counting more: 0 to 1.
    pub covered: f32,
    /// How much of the words' points is left for what is missing: 0 to 1.
    pub kept: f32,
    /// Something that goes with a thing, named by the item and not asked for: `case`, `mount`.
    pub extra: Option<String>,
    /// How much is left for that: 1 where there is none.
    pub left: f32,
    /// Points for its category or its number.
    pub beside: f32,
    /// All points together; all words of a want, said in all places for ever, are worth 1.
    pub score: f32,
}

/// What became of one word.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Because {
    /// The word, as it was said.
    pub said: String,
    /// Where it counted most, and all other places where it is; none where the item does not have it.
    pub places: Vec<String>,
    /// The item's term that stands for it.
    pub term: String,
    /// `word`, `whole`, `joined`, `synonym`, `model`, `typo` or `missing`.
    pub how: String,
    /// Points before what is missing is taken off.
    pub points: f32,
    /// Whether it is a preference: its points are added to the others, and nothing is taken off them.
    pub preference: bool,
}

impl Why {
    pub(super) fn of(explained: Explained, shape: &Shape) -> Self {
        let words = explained.words.into_iter().map(|Word { sought, hits, points }| {
            let mut places: Vec<String> = Vec::new();
            for (lookup, _) in &hits {
                if !places.iter().any(|known| known == lookup.place.name()) {
                    places.push(lookup.place.name().to_owned());
                }
            }
            let first = hits.first().map(|(lookup, _)| lookup);
            Because {
                said: sought.said,
                places,
                term: first.map(|lookup| plain(&lookup.terms)).unwrap_or_default(),
                how: first.map_or("missing", |lookup| name(lookup.how)).to_owned(),
                points,
                preference: sought.part == Part::Preference,
            }
        });
        Self {
            words: words.collect(),
            covered: explained.covered,
            kept: explained.kept,
            extra: extras::name(explained.extras).map(str::to_owned),
            left: match explained.extras {
                0 => 1.0,
                _ => 1.0 - shape.extra,
            },
            beside: explained.beside,
            score: explained.score,
        }
    }

    /// The score, from its parts.
    pub fn recomputed(&self) -> f32 {
        let of = |preference| -> f32 {
            let words = self.words.iter().filter(|word| word.preference == preference);
            words.map(|word| word.points).sum()
        };
        of(false) * self.kept * self.left + self.beside + of(true)
    }
}

/// Terms for a person: without a language before them.
fn plain(terms: &[String]) -> String {
    let each: Vec<&str> = terms
        .iter()
        .map(|term| term.split_once([':', '=']).map_or(term.as_str(), |(_, stem)| stem))
        .collect();
    each.join(" ")
}

fn name(how: How) -> &'static str {
    match how {
        How::Word => "word",
        How::Whole => "whole",
        How::Joined => "joined",
        How::Synonym => "synonym",
        How::Model(_) => "model",
        How::Typo => "typo",
    }
}

/// Where an item has the words: a line for each place that has any.
pub(super) fn lines(words: &Words, item: &Item) -> Vec<String> {
    let terms = Terms::of(&mut Cutters::default(), item).places;
    let there = terms.each_ref().map(|terms| terms.split(' ').collect::<BTreeSet<_>>());
    let mut lines = Vec::new();
    for place in Place::ALL {
        let has = |asked: &&Asked| {
            let mut shapes = asked.shapes.iter().filter(|shaped| shaped.places.contains(&place));
            shapes.any(|shaped| {
                shaped
                    .terms
                    .iter()
                    .all(|term| there[place as usize].contains(term.as_str()))
            })
        };
        let mut found: Vec<(Reverse<bool>, &str)> = words
            .asked
            .iter()
            .filter(has)
            .map(|asked| (Reverse(asked.part == Part::Title), asked.said.as_str()))
            .collect();
        found.sort();
        if !found.is_empty() {
            let found: Vec<&str> = found.into_iter().map(|(_, said)| said).collect();
            lines.push(format!("{}: {}", place.name(), found.join(", ")));
        }
    }
    if numbers(item).any(|known| words.numbers.contains(&known)) {
        lines.insert(0, "number: the very one".into());
    }
    lines
}
