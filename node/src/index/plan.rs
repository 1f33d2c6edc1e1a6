//! From the words of a want to the terms that are looked up, each with what it counts.

use std::{collections::BTreeSet, io, sync::Arc};

use intentcast_protocol::category::{self, CategoryId};

use super::{
    cut::{has_digit, whole},
    filters::Filters,
    parts::{Lookups, Parts, Seen},
    schema::Place,
    shape::Shape,
    words::{Asked, How, Part, Words},
};

/// Model numbers looked at that begin like the one asked for, and those taken.
const MODELS_SEEN: usize = 512;
const MODELS: usize = 24;
/// How much of a model number must be alike, in thousandths of the longer one, and in letters.
const MODEL_ALIKE: usize = 600;
const MODEL_BYTES: usize = 4;
/// Terms looked at for one that is a slip away, and those taken.
const TYPOS_SEEN: usize = 50_000;
const TYPOS: usize = 3;
/// Shortest half of a word, bytes.
const HALF_BYTES: usize = 3;
/// Shortest word that may be a slip, in letters: of a shorter one too many are one letter away.
const TYPO_LETTERS: usize = 5;

/// Terms to look up in one place.
#[derive(Clone, PartialEq, Debug)]
pub struct Lookup {
    pub place: Place,
    /// One, or several that must all be there.
    pub terms: Vec<String>,
    /// Where each of them is.
    pub seen: Vec<Arc<Seen>>,
    pub how: How,
    /// What it counts in an item of usual length that has it once.
    pub weight: f32,
}

/// A word with all that stands for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Sought {
    pub said: String,
    pub part: Part,
    /// What it counts beside other words.
    pub weight: f32,
    /// How much of what is wanted it is.
    pub share: f32,
    pub lookups: Vec<Lookup>,
}

/// What to look up, and what counts beside words.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    pub sought: Vec<Sought>,
    pub numbers: Vec<String>,
    /// The category that the words seem to be about.
    pub inferred: Option<CategoryId>,
    /// Things that go with another which were asked for.
    pub extras: u64,
    /// The category that was asked for: what is filed there may be wanted even where no word says so.
    pub asked: Option<CategoryId>,
}

impl Plan {
    /// # Errors
    /// Where a file cannot be read.
    pub fn of(parts: &Parts, words: &Words, filters: &Filters, about: &str, shape: &Shape) -> io::Result<Self> {
        let asked = filters.category.filter(|asked| asked.parent().is_some());
        let inferred = match asked {
            Some(_) => None,
            None => category::infer(about)
                .filter(|inferred| inferred.parent.is_some())
                .map(|inferred| inferred.id),
        };
        let lookups = Lookups::of(parts);
        let sought = words
            .asked
            .iter()
            .map(|asked| sought(&lookups, words, asked, shape))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            sought,
            numbers: words.numbers.clone(),
            extras: words.extras,
            inferred: inferred.filter(|_| shape.inferred > 0.0),
            asked,
        })
    }

    /// Whether nothing says what is wanted.
    pub fn is_empty(&self) -> bool {
        self.sought.is_empty() && self.numbers.is_empty() && self.inferred.is_none() && self.asked.is_none()
    }
}

fn rarity(parts: &Parts, count: u64) -> f32 {
    let (all, count) = (parts.items as f32, count as f32);
    (1.0 + (all - count + 0.5).max(0.0) / (count + 0.5)).ln()
}

fn sought(parts: &Lookups, words: &Words, asked: &Asked, shape: &Shape) -> io::Result<Sought> {
    let mut counts = 0;
    // Not by what categories are called: there a word is as common as a shop has sorts of things.
    for place in Place::TEXTS.into_iter().filter(|place| *place != Place::Kind) {
        counts = counts.max(parts.count(place, &asked.term)?);
    }
    let mut rarest: f32 = if counts > 0 { rarity(parts, counts) } else { 0.0 };
    let mut lookups = Vec::new();
    let mut look_up = |terms: &[String], place: Place, how: How| -> io::Result<bool> {
        let factor = match how {
            How::Word | How::Whole => 1.0,
            How::Joined if place == Place::Codes => 1.0,
            How::Joined => shape.joined,
            How::Synonym => shape.synonym,
            How::Model(alike) => shape.model * f32::from(alike) / 1000.0,
            How::Typo => shape.typo,
        };
        let weight = factor * shape.places()[place as usize];
        if weight <= 0.0 {
            return Ok(false);
        }
        let seen = terms
            .iter()
            .map(|term| parts.seen(place, term))
            .collect::<io::Result<Vec<_>>>()?;
        let count = seen.iter().map(|seen| seen.count).min().unwrap_or(0);
        if count == 0 {
            return Ok(false);
        }
        // A word that nothing has is as rare as what stands for it.
        if counts == 0 && how != How::Synonym {
            rarest = rarest.max(rarity(parts, count));
        }
        lookups.push(Lookup {
            place,
            terms: terms.to_vec(),
            seen,
            how,
            weight,
        });
        Ok(true)
    };
    let mut known = false;
    for shaped in &asked.shapes {
        for place in shaped.places {
            known |= look_up(&shaped.terms, *place, shaped.how)?;
        }
    }
    for language in parts.languages.iter().filter(|language| **language != words.language) {
        known |= look_up(&[whole(language, &asked.word)], Place::Whole, How::Whole)?;
    }
    if shape.model > 0.0 {
        for model in &asked.models {
            for (like, alike) in models(parts, model)? {
                known |= look_up(&[like], Place::Codes, How::Model(alike))?;
            }
        }
    }
    if !known
        && shape.joined > 0.0
        && let Some(halves) = halves(parts, &asked.term)?
    {
        known |= look_up(&halves, Place::Title, How::Joined)?;
    }
    if !known && shape.typo > 0.0 {
        for like in slips(parts, &asked.term)? {
            for place in Place::TEXTS {
                look_up(std::slice::from_ref(&like), place, How::Typo)?;
            }
        }
    }
    // The forms of one text stand together, since only the best of them counts.
    lookups.sort_by_key(|lookup| lookup.place.text());
    Ok(Sought {
        said: asked.said.clone(),
        part: asked.part,
        weight: match asked.part {
            Part::Title => 1.0,
            Part::Text | Part::Preference => shape.text,
        },
        share: rarest,
        lookups,
    })
}

/// The two words of titles that a word which nothing has may be written as: `mousepad`, a mouse pad.
fn halves(parts: &Lookups, term: &str) -> io::Result<Option<Vec<String>>> {
    let Some((language, word)) = term.split_once(':') else {
        return Ok(None);
    };
    let mut best: Option<(u64, Vec<String>)> = None;
    for (at, _) in word.char_indices() {
        let (first, second) = word.split_at(at);
        if first.len() < HALF_BYTES || second.len() < HALF_BYTES || has_digit(word) {
            continue;
        }
        let both = [format!("{language}:{first}"), format!("{language}:{second}")];
        let count = parts
            .count(Place::Title, &both[0])?
            .min(parts.count(Place::Title, &both[1])?);
        if count > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((count, both.to_vec()));
        }
    }
    Ok(best.map(|(_, both)| both))
}

/// Model numbers that begin like this one, and how much of them does, in thousandths: makers add letters for the
/// country and the colour, and shops drop them.
fn models(parts: &Parts, model: &str) -> io::Result<Vec<(String, u16)>> {
    let least = (model.len() * MODEL_ALIKE).div_ceil(1000).max(MODEL_BYTES);
    let Some(start) = model.get(..least).filter(|start| has_digit(start)) else {
        return Ok(Vec::new());
    };
    let mut end = start.as_bytes().to_vec();
    // A code's bytes are letters and digits, so there is always a next one.
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    let mut found: BTreeSet<(std::cmp::Reverse<u16>, String)> = BTreeSet::new();
    let mut seen = 0;
    parts.terms(Place::Codes, start.as_bytes()..&end, |term| {
        seen += 1;
        let alike = term.bytes().zip(model.bytes()).take_while(|(a, b)| a == b).count();
        let alike = alike * 1000 / term.len().max(model.len());
        if term != model && alike >= MODEL_ALIKE {
            found.insert((std::cmp::Reverse(alike as u16), term.to_owned()));
        }
        seen < MODELS_SEEN
    })?;
    Ok(found
        .into_iter()
        .take(MODELS)
        .map(|(std::cmp::Reverse(alike), term)| (term, alike))
        .collect())
}

/// Terms of titles that are one slip away from one that nothing has: a letter more, less, other, or two turned round.
/// The first letter is hardly ever the wrong one.
fn slips(parts: &Lookups, term: &str) -> io::Result<Vec<String>> {
    let Some((_, word)) = term.split_once(':') else {
        return Ok(Vec::new());
    };
    let letters: Vec<char> = term.chars().collect();
    if word.chars().count() < TYPO_LETTERS || has_digit(word) || !word.as_bytes()[0].is_ascii_lowercase() {
        return Ok(Vec::new());
    }
    let start = &term.as_bytes()[..term.len() - word.len() + 1];
    let mut end = start.to_vec();
    // It is a small letter, so there is a next one.
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    let mut near = BTreeSet::new();
    let mut seen = 0;
    parts.terms(Place::Title, start..&end, |known| {
        seen += 1;
        if known.len().abs_diff(term.len()) <= 2 && is_slip(&letters, known) {
            near.insert(known.to_owned());
        }
        seen < TYPOS_SEEN
    })?;
    let mut counted = Vec::new();
    for term in near {
        counted.push((std::cmp::Reverse(parts.count(Place::Title, &term)?), term));
    }
    counted.sort();
    Ok(counted.into_iter().take(TYPOS).map(|(_, term)| term).collect())
}

fn is_slip(word: &[char], term: &str) -> bool {
    let term: Vec<char> = term.chars().collect();
    let same = word.iter().zip(&term).take_while(|(a, b)| a == b).count();
    let (a, b) = (&word[same..], &term[same..]);
    match (a.len(), b.len()) {
        (0, 0) => false,
        (n, m) if n == m => a[1..] == b[1..] || (n > 1 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..]),
        (n, m) if n + 1 == m => a == &b[1..],
        (n, m) if n == m + 1 => &a[1..] == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_one_letter_more_or_less_or_other_or_two_turned_round() {
        let is = |word: &str, term| is_slip(&word.chars().collect::<Vec<_>>(), term);
        for term in ["stroler", "strolller", "strollar", "strolelr", "strollers"] {
            assert!(is("stroller", term), "{term}");
        }
        for term in ["stroller", "stoler", "roller", "strollered"] {
            assert!(!is("stroller", term), "{term}");
        }
    }
}
