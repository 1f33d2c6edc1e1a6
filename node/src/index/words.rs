//! What a want says in words, and in which other shapes an item may have them.

use std::collections::BTreeSet;

use intentcast_protocol::{
    attribute::{Strength, Value},
    intent::{Intent, Language},
    limits,
    offer::Gtin,
};

use super::{
    cut::{Cutter, Token, codes, has_digit, is_model, measures},
    extras,
    schema::{Place, number},
    spelling::same,
};

/// Words of a want that are searched. Titles have under thirty; a text that goes on is a story by then.
const MAX_WORDS: usize = 48;
/// Numbers that are looked up.
const MAX_NUMBERS: usize = 8;
/// Shortest number: shorter ones count other things, `2 bikes`.
const MIN_NUMBER_BYTES: usize = 5;
/// Shortest two words that are looked for as one, bytes.
const MIN_JOINED_BYTES: usize = 5;

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

/// Where in a want a word stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// In the title: it says what the thing is.
    Title,
    /// In the text, or in what must hold.
    Text,
    /// In what is better so: it never decides what is found.
    Preference,
}

/// Why a term stands for a word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum How {
    /// It is the word in any of its forms.
    Word,
    /// It is the very word, in another language.
    Whole,
    /// It is the word and a neighbour in one, or the word in two.
    Joined,
    /// It is another name of the thing.
    Synonym,
    /// It is a model number that begins like the one asked for; how much of it is alike, in thousandths.
    Model(u16),
    /// It is one slip away.
    Typo,
}

/// What may stand for a word: terms that must all be in one place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Shaped {
    /// One or more.
    pub terms: Vec<String>,
    /// Where it is looked for.
    pub places: &'static [Place],
    /// Why.
    pub how: How,
}

/// One word of a want.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// As it was said, for a person.
    pub said: String,
    /// The word, as items have it.
    pub word: String,
    /// Its stem with its language.
    pub term: String,
    /// Where it was said.
    pub part: Part,
    /// In which shapes an item may have it.
    pub shapes: Vec<Shaped>,
    /// Model numbers that it is, or is a part of.
    pub models: Vec<String>,
}

/// All that a want says in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words {
    /// Each word once, as it came.
    pub asked: Vec<Asked>,
    /// Whatever may be the number of one item.
    pub numbers: Vec<String>,
    /// Which things that go with another are asked for, a bit each.
    pub extras: u64,
    /// In which language it is said.
    pub language: Language,
}

impl Words {
    /// What an intent says: title, text, and the values that its wishes name.
    pub fn of(intent: &Intent) -> Self {
        let mut all = Self::none(intent.language);
        let cutter = &mut Cutter::of(intent.language);
        all.take(cutter, intent.title.as_str(), Part::Title);
        all.take(cutter, intent.text.as_str(), Part::Text);
        for part in [Part::Text, Part::Preference] {
            for wish in &intent.wishes {
                let stands = match wish.strength {
                    Strength::Must => Part::Text,
                    Strength::Prefer(_) => Part::Preference,
                    Strength::Avoid(_) => continue,
                };
                if let (true, Value::Text(_) | Value::Number { .. }) = (stands == part, &wish.value) {
                    all.take(cutter, &wish.value.to_string(), part);
                }
            }
        }
        all
    }

    /// What a search box says, in this language.
    pub fn typed(text: &str, language: Language) -> Self {
        let mut all = Self::none(language);
        all.take(&mut Cutter::of(language), text, Part::Title);
        all
    }

    fn none(language: Language) -> Self {
        Self {
            asked: Vec::new(),
            numbers: Vec::new(),
            extras: 0,
            language,
        }
    }

    fn take(&mut self, cutter: &mut Cutter, text: &str, part: Part) {
        if part != Part::Preference {
            self.take_numbers(text);
            self.extras |= extras::named(cutter, text);
        }
        let mut said: Vec<Token> = Vec::new();
        for token in cutter.cut(text) {
            if MONEY.contains(&&*token.word) {
                said.pop_if(|before| before.word.bytes().all(|byte| byte.is_ascii_digit()));
            } else if !SMALL.contains(&&*token.word) {
                said.push(token);
            }
            // A flood is cut before it is looked at from all sides.
            if said.len() == 2 * MAX_WORDS {
                break;
            }
        }
        let mut known: BTreeSet<String> = self.asked.iter().map(|asked| asked.term.clone()).collect();
        for asked in shapes(cutter, text, &said, part) {
            if self.asked.len() < MAX_WORDS && known.insert(asked.term.clone()) {
                self.asked.push(asked);
            }
        }
    }

    fn take_numbers(&mut self, text: &str) {
        // White space cut alone keeps `006R90321` and `AB-12` whole.
        for word in text
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        {
            let long = word.len() >= MIN_NUMBER_BYTES && word.len() <= limits::WORD_BYTES;
            if long && has_digit(word) && self.numbers.len() < MAX_NUMBERS {
                self.numbers
                    .push(Gtin::parse(word).map_or_else(|| number(word), |gtin| number(&gtin.to_string())));
            }
        }
    }
}

/// The words with their shapes.
fn shapes(cutter: &mut Cutter, text: &str, said: &[Token], part: Part) -> Vec<Asked> {
    let words: Vec<&str> = said.iter().map(|token| &*token.word).collect();
    let mut all: Vec<Asked> = said
        .iter()
        .map(|token| Asked {
            said: token.word.to_string(),
            word: token.word.to_string(),
            term: token.term.to_string(),
            part,
            shapes: Vec::new(),
            models: Vec::new(),
        })
        .collect();
    for (asked, token) in all.iter_mut().zip(said) {
        asked.push(&[&token.term], &Place::TEXTS, How::Word);
        asked.other_names(cutter, &token.word);
    }
    for (code, at) in codes(&words) {
        let how = if at.len() == 1 { How::Word } else { How::Joined };
        for asked in &mut all[at] {
            asked.push(&[&code], &[Place::Codes], how);
            if is_model(&code) {
                asked.models.push(code.clone());
            }
        }
    }
    for (measure, at) in measures(text) {
        let within = |token: &Token| token.at.start < at.end && at.start < token.at.end;
        for (asked, _) in all.iter_mut().zip(said).filter(|(_, token)| within(token)) {
            asked.push(&[&measure], &[Place::Codes], How::Joined);
        }
    }
    for (at, pair) in words.windows(2).enumerate() {
        let joined = pair.concat();
        let whole = joined.len() >= MIN_JOINED_BYTES && !has_digit(&joined);
        for asked in &mut all[at..at + 2] {
            if whole {
                asked.push(
                    &[&cutter.term(&joined)],
                    &[Place::Title, Place::Description],
                    How::Joined,
                );
            }
            asked.other_names(cutter, &pair.join(" "));
        }
    }
    all
}

impl Asked {
    fn push(&mut self, terms: &[&str], places: &'static [Place], how: How) {
        let shaped = Shaped {
            terms: terms.iter().map(|term| (*term).to_owned()).collect(),
            places,
            how,
        };
        if !self.shapes.contains(&shaped) {
            self.shapes.push(shaped);
        }
    }

    /// What else people call what these words name.
    fn other_names(&mut self, cutter: &mut Cutter, said: &str) {
        // The names are English.
        let names = (cutter.language() == Language::ENGLISH).then(|| same(said));
        for name in names.into_iter().flatten() {
            let stems: Vec<String> = name.split(' ').map(|word| cutter.term(word)).collect();
            let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
            self.push(&stems, &Place::TEXTS, How::Synonym);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Words {
        Words::typed(text, Language::ENGLISH)
    }

    fn said(text: &str) -> Vec<String> {
        typed(text).asked.into_iter().map(|asked| asked.said).collect()
    }

    fn has(asked: &Asked, term: &str) -> bool {
        asked.shapes.iter().any(|shaped| shaped.terms == [term])
    }

    #[test]
    fn the_thing_is_left_of_a_sentence() {
        assert_eq!(said("I'm looking for a mountain bike, bikes"), ["mountain", "bike"]);
        assert!(said("something that I would like, please").is_empty());
        assert_eq!(said("a bike 29, with 500 pounds to spend"), ["bike", "29"]);
    }

    #[test]
    fn digits_and_letters_meet_and_part() {
        let words = typed("64 gb");
        assert!(has(&words.asked[0], "64gb") && has(&words.asked[1], "64gb"));
        assert!(has(&typed("64GB").asked[0], "64gb"));
        assert!(has(&typed("1 TB disk").asked[0], "1000gb"));
        assert_eq!(typed("ku 15 ra 60").asked[0].models, ["ku15", "ku15ra", "ku15ra60"]);
    }

    #[test]
    fn two_words_are_one_and_one_thing_has_many_names() {
        assert!(has(&typed("head set").asked[0], "en:headset"));
        assert!(has(&typed("playstation 4").asked[1], "en:ps4"));
        let tv = &typed("television").asked[0];
        assert!(has(tv, "en:tv"));
    }

    #[test]
    fn a_count_is_no_number_and_a_gtin_loses_its_zeros() {
        assert!(typed("2 bikes, 500 pounds").numbers.is_empty());
        assert_eq!(typed("0095205603217 (006R90321)").numbers, ["95205603217", "006r90321"]);
    }

    #[test]
    fn a_flood_of_words_is_cut() {
        let flood: String = (0..10_000).map(|n| format!("w{n}x1 ")).collect();
        let words = typed(&flood);
        assert_eq!((words.asked.len(), words.numbers.len()), (MAX_WORDS, MAX_NUMBERS));
    }
}
