//! What a want's words ask of the index.

use std::collections::BTreeSet;

use intentcast_protocol::{
    attribute::{Strength, Value},
    intent::Intent,
    offer::Gtin,
};

use super::schema::{code, split, stems, words};

/// Words of a want that are searched. Titles have under thirty; a text that goes on is a story by then.
const MAX_WORDS: usize = 48;
/// Codes that are looked up.
const MAX_CODES: usize = 8;
/// Shortest code: shorter ones are numbers of other things, `2 bikes`.
const MIN_CODE_BYTES: usize = 5;

/// How much words count beside those of the title.
const TEXT_WEIGHT: f32 = 0.5;

/// Words that people wrap a want in.
const SMALL: &[&str] = &[
    "a",
    "about",
    "am",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "budget",
    "but",
    "by",
    "can",
    "for",
    "from",
    "have",
    "i",
    "in",
    "is",
    "it",
    "its",
    "like",
    "ll",
    "looking",
    "m",
    "me",
    "my",
    "need",
    "of",
    "on",
    "or",
    "our",
    "please",
    "quite",
    "rather",
    "re",
    "s",
    "so",
    "some",
    "something",
    "spend",
    "that",
    "the",
    "there",
    "this",
    "to",
    "ve",
    "very",
    "want",
    "we",
    "with",
    "would",
];

/// Words for money: what stands before one is a price, which the budget has said already.
const MONEY: &[&str] = &[
    "dollar", "dollars", "eur", "euro", "euros", "gbp", "pence", "pound", "pounds", "quid", "sterling", "usd",
];

/// One word of a want, in the shapes in which an item may have it.
#[derive(Clone, PartialEq, Debug)]
pub struct Asked {
    /// As it was said, for a person.
    pub said: String,
    /// Its stem.
    pub stem: String,
    /// What it is where digits are parted from letters; one alone where there is nothing to part.
    pub parts: Vec<String>,
    /// It and a neighbour in one, `64` and `gb` as `64gb`.
    pub joined: Vec<String>,
    /// Whether `parts` is worth a look: digits are in it or beside it.
    pub numeric: bool,
    /// How much it counts, 1 for a word of the title.
    pub weight: f32,
    /// Whether all such words together are what is wanted.
    pub title: bool,
}

/// All that a want says in words.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Words {
    /// Each word once, as it came.
    pub asked: Vec<Asked>,
    /// Whatever may be the number of one item.
    pub codes: Vec<String>,
}

impl Words {
    /// What an intent says: title, text, and the values that its wishes name.
    pub fn of(intent: &Intent) -> Self {
        let mut all = Self::default();
        all.take(intent.title.as_str(), true);
        all.take(intent.text.as_str(), false);
        for wish in intent
            .wishes
            .iter()
            .filter(|wish| !matches!(wish.strength, Strength::Avoid(_)))
        {
            if let Value::Text(_) | Value::Number { .. } = wish.value {
                all.take(&wish.value.to_string(), false);
            }
        }
        all
    }

    /// What a search box says.
    pub fn typed(text: &str) -> Self {
        let mut all = Self::default();
        all.take(text, true);
        all
    }

    fn take(&mut self, text: &str, title: bool) {
        // White space cut alone keeps `006R90321` and `AB-12` whole.
        for word in text
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        {
            let long = word.len() >= MIN_CODE_BYTES && word.len() <= intentcast_protocol::limits::WORD_BYTES;
            if long && word.contains(|c: char| c.is_ascii_digit()) && self.codes.len() < MAX_CODES {
                self.codes
                    .push(Gtin::parse(word).map_or_else(|| code(word), |gtin| code(&gtin.to_string())));
            }
        }
        let mut said: Vec<String> = Vec::new();
        for word in words(text) {
            if MONEY.contains(&word.as_str()) {
                said.pop_if(|before| before.bytes().all(|byte| byte.is_ascii_digit()));
            } else if !SMALL.contains(&word.as_str()) {
                said.push(word);
            }
        }
        let has_digit = |word: &String| word.contains(|c: char| c.is_ascii_digit());
        let mut known: BTreeSet<String> = self.asked.iter().map(|asked| asked.stem.clone()).collect();
        for (at, word) in said.iter().enumerate() {
            let Some(stem) = stems(word).pop() else { continue };
            if self.asked.len() == MAX_WORDS || !known.insert(stem.clone()) {
                continue;
            }
            let before = at.checked_sub(1).and_then(|at| said.get(at));
            let after = said.get(at + 1);
            let pairs = [
                before.map(|before| format!("{before}{word}")),
                after.map(|after| format!("{word}{after}")),
            ];
            self.asked.push(Asked {
                said: word.clone(),
                stem,
                parts: stems(&split(word)),
                joined: pairs
                    .into_iter()
                    .flatten()
                    .filter_map(|pair| stems(&pair).pop())
                    .collect(),
                numeric: [before, Some(word), after].into_iter().flatten().any(has_digit),
                weight: if title { 1.0 } else { TEXT_WEIGHT },
                title,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems_of(text: &str) -> Vec<String> {
        Words::typed(text).asked.into_iter().map(|asked| asked.stem).collect()
    }

    #[test]
    fn the_thing_is_left_of_a_sentence() {
        assert_eq!(stems_of("I'm looking for a mountain bike, bikes"), ["mountain", "bike"]);
        assert!(stems_of("something that I would like, please").is_empty());
        assert_eq!(stems_of("a bike 29, with 500 pounds to spend"), ["bike", "29"]);
    }

    #[test]
    fn digits_and_letters_meet_and_part() {
        let words = Words::typed("64 gb");
        assert_eq!(words.asked[0].joined, ["64gb"]);
        assert_eq!(words.asked[1].joined, ["64gb"]);
        assert_eq!(Words::typed("64GB").asked[0].parts, ["64", "gb"]);
    }

    #[test]
    fn a_count_is_no_code_and_a_gtin_loses_its_zeros() {
        assert!(Words::typed("2 bikes, 500 pounds").codes.is_empty());
        assert_eq!(
            Words::typed("0095205603217 (006R90321)").codes,
            ["95205603217", "006r90321"]
        );
    }

    #[test]
    fn a_flood_of_words_is_cut() {
        let flood: String = (0..10_000).map(|n| format!("w{n}x1 ")).collect();
        let words = Words::typed(&flood);
        assert_eq!((words.asked.len(), words.codes.len()), (MAX_WORDS, MAX_CODES));
    }
}
