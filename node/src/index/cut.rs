//! How text becomes words, stems, joined words and measures: one way for items and for wants, so that the two meet.
//!
//! A term carries its language (`de:bett`), so that no language's stems are ever looked up for another's words; between
//! languages only whole words meet (`de=betten`), without case and accents.

use std::{collections::HashMap, fmt, ops::Range, rc::Rc};

use intentcast_protocol::intent::Language;
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language as Stemmed, RawTokenizer, Stemmer, TextAnalyzer, TokenStream as _,
};

use super::spelling;

/// Longest term, bytes: longer ones are no words, and no part numbers either.
pub const TERM_BYTES: usize = 40;
/// Longest code of several words, bytes.
const JOINED_BYTES: usize = 20;
/// Words of a code that is written in more than two: `KU 15 RA 60`.
const CODE_WORDS: usize = 4;
/// Longest of those words, bytes.
const CODE_WORD_BYTES: usize = 6;

/// Words that a cutter knows again, since the same few come over and over: 8,192 of about a hundred bytes.
const KNOWN: usize = 1 << 13;

/// One word of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// Lower case, without accents.
    pub word: Rc<str>,
    /// Its stem with its language before it; the word itself where the language has no stemmer.
    pub term: Rc<str>,
    /// Where it stands, in bytes.
    pub at: Range<usize>,
}

/// Cuts texts of one language.
pub struct Cutter {
    code: Language,
    stemmer: Option<TextAnalyzer>,
    folder: TextAnalyzer,
    /// Word and term by what was said.
    known: HashMap<Box<str>, (Rc<str>, Rc<str>)>,
}

impl Cutter {
    /// For texts of this language; one without a stemmer is cut into whole words.
    pub fn of(code: Language) -> Self {
        let stemmer = stemmed(code).map(|language| {
            TextAnalyzer::builder(RawTokenizer::default())
                .filter(Stemmer::new(language))
                .filter(AsciiFoldingFilter)
                .build()
        });
        let folder = TextAnalyzer::builder(RawTokenizer::default())
            .filter(AsciiFoldingFilter)
            .build();
        Self {
            code,
            stemmer,
            folder,
            known: HashMap::new(),
        }
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.code
    }

    /// The words of `text`, in their order.
    pub fn cut(&mut self, text: &str) -> Vec<Token> {
        spans(text)
            .filter_map(|at| {
                let (word, term) = self.word(&text[at.clone()])?;
                Some(Token { word, term, at })
            })
            .collect()
    }

    fn word(&mut self, said: &str) -> Option<(Rc<str>, Rc<str>)> {
        if let Some(known) = self.known.get(said) {
            return Some(known.clone());
        }
        let lower = said.to_lowercase();
        let word = match lower.is_ascii() {
            true => lower.clone(),
            false => only(&mut self.folder, &lower),
        };
        // What is no word may be of any length, and is not kept.
        if word.is_empty() || word.len() > TERM_BYTES {
            return None;
        }
        let both: (Rc<str>, Rc<str>) = (word.into(), self.term(&lower).into());
        if self.known.len() == KNOWN {
            self.known.clear();
        }
        self.known.insert(said.into(), both.clone());
        Some(both)
    }

    /// The term of one lower-case word.
    pub fn term(&mut self, lower: &str) -> String {
        let respelt = match self.code {
            Language::ENGLISH => spelling::american(lower),
            _ => None,
        };
        let stem = only(
            self.stemmer.as_mut().unwrap_or(&mut self.folder),
            respelt.as_deref().unwrap_or(lower),
        );
        format!("{}:{stem}", self.code)
    }
}

/// A whole word of a language, for wants of another.
pub fn whole(language: impl fmt::Display, word: &str) -> String {
    format!("{language}={word}")
}

/// The stemmer of a language, for the languages that are tried in tests.
fn stemmed(code: Language) -> Option<Stemmed> {
    Some(match &code.0 {
        b"en" => Stemmed::English,
        b"de" => Stemmed::German,
        b"fr" => Stemmed::French,
        b"es" => Stemmed::Spanish,
        b"it" => Stemmed::Italian,
        b"nl" => Stemmed::Dutch,
        b"pt" => Stemmed::Portuguese,
        b"sv" => Stemmed::Swedish,
        _ => return None,
    })
}

fn only(analyzer: &mut TextAnalyzer, word: &str) -> String {
    let mut stream = analyzer.token_stream(word);
    match stream.advance() {
        true => stream.token().text.clone(),
        false => String::new(),
    }
}

/// Where the runs of letters and digits are.
fn spans(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while chars.next_if(|(_, c)| !c.is_alphanumeric()).is_some() {}
        let (start, _) = *chars.peek()?;
        let mut end = start;
        while let Some((at, c)) = chars.next_if(|(_, c)| c.is_alphanumeric()) {
            end = at + c.len_utf8();
        }
        Some(start..end)
    })
}

/// Whether a digit is in it.
pub fn has_digit(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
}

/// Whether both a digit and a letter are in it.
fn is_mixed(word: &str) -> bool {
    has_digit(word) && word.chars().any(char::is_alphabetic)
}

/// Neighbours written as one where a digit is in them, with which words they are: `64 gb` as `64gb`, `KU 15 RA 60` as
/// `ku15ra60`; and whole codes.
pub fn codes(words: &[&str]) -> Vec<(String, Range<usize>)> {
    let mut codes = Vec::new();
    for start in 0..words.len() {
        let mut joined = String::new();
        for (n, word) in words[start..].iter().take(CODE_WORDS).enumerate() {
            if n > 0 && (word.len() > CODE_WORD_BYTES && n > 1) {
                break;
            }
            joined.push_str(word);
            if joined.len() > if n == 0 { TERM_BYTES } else { JOINED_BYTES } {
                break;
            }
            let whole = n == 0 && has_digit(&joined) && joined.len() > 2;
            if whole || (n > 0 && is_mixed(&joined) && has_digit(word) | has_digit(words[start + n - 1])) {
                codes.push((joined.clone(), start..start + n + 1));
            }
        }
    }
    codes
}

/// Whether a code names a model rather than a measure: somewhere a digit follows a letter. `75pus7803`, `w810`; not
/// `64gb`, `1080p`.
pub fn is_model(code: &str) -> bool {
    code.len() >= 4
        && code
            .as_bytes()
            .windows(2)
            .any(|pair| pair[0].is_ascii_alphabetic() && pair[1].is_ascii_digit())
}

/// Measures in the one form in which they are compared, with where they stand: `64 GB` is `64gb`, `1TB` `1000gb`,
/// `139.7 cm` and `55"` are `55in`.
pub fn measures(text: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let free = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'.');
        if !(bytes[at].is_ascii_digit() && free) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && (bytes[at].is_ascii_digit() || is_point(bytes, at)) {
            at += 1;
        }
        let number = text[start..at].replace(',', ".");
        let gap = text[at..].len() - text[at..].trim_start_matches([' ', '-', '\u{a0}']).len();
        let unit_at = at + gap.min(2);
        let rest = &text[unit_at..];
        let long = rest
            .find(|c: char| !c.is_alphabetic() && !matches!(c, '"' | '\u{201d}' | '\u{2033}'))
            .unwrap_or(rest.len());
        // Nine letters are the longest unit, and no sentence is turned into lower case for nothing.
        if long > 0
            && long <= 12
            && let Ok(number) = number.parse::<f64>()
            && let Some(measure) = measure(number, &rest[..long].to_lowercase())
        {
            found.push((measure, start..unit_at + long));
        }
    }
    found
}

/// Whether a point or comma stands between two digits here: `4.57`, not `5, 6`.
fn is_point(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at], b'.' | b',') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
}

fn measure(number: f64, unit: &str) -> Option<String> {
    let (factor, unit) = match unit {
        "\"" | "\u{201d}" | "\u{2033}" | "in" | "inch" | "inches" | "zoll" | "pouces" | "pulgadas" | "pollici"
        | "tum" | "polegadas" => (1.0, "in"),
        "cm" | "centimetre" | "centimetres" | "centimeter" | "centimeters" => (1.0 / 2.54, "in"),
        "gb" | "gigabyte" | "gigabytes" | "go" => (1.0, "gb"),
        "tb" | "terabyte" | "terabytes" => (1000.0, "gb"),
        "mb" | "megabyte" | "megabytes" => (1.0, "mb"),
        "kg" | "kilo" | "kilos" | "kilogram" | "kilograms" => (1.0, "kg"),
        "l" | "litre" | "litres" | "liter" | "liters" | "litros" | "litri" => (1.0, "l"),
        "ml" => (1.0, "ml"),
        "w" | "watt" | "watts" => (1.0, "w"),
        "ghz" => (1.0, "ghz"),
        "mhz" => (1.0, "mhz"),
        "mp" | "megapixel" | "megapixels" => (1.0, "mp"),
        "mah" => (1.0, "mah"),
        _ => return None,
    };
    let value = number * factor;
    if !value.is_finite() || !(0.01..1e7).contains(&value) {
        return None;
    }
    Some(match unit {
        // A size in whole inches is what people compare; 139.7 cm is 55 of them.
        "in" if value < 3.0 => return None,
        "in" => format!("{}in", value.round()),
        _ => format!("{value}{unit}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> Vec<String> {
        let words: Vec<&str> = text.split(' ').collect();
        codes(&words).into_iter().map(|(code, _)| code).collect()
    }

    fn measured(text: &str) -> Vec<String> {
        measures(text).into_iter().map(|(measure, _)| measure).collect()
    }

    #[test]
    fn a_stem_knows_its_language_and_a_word_does_not() {
        let stems = |code: &str, text| -> Vec<String> {
            let language = Language::new(code).unwrap();
            let cut = Cutter::of(language).cut(text);
            cut.into_iter().map(|token| token.term.to_string()).collect()
        };
        assert_eq!(stems("en", "Bikes' Colours"), ["en:bike", "en:color"]);
        assert_eq!(stems("de", "Fahrr\u{e4}der"), stems("de", "Fahrr\u{e4}dern"));
        assert_eq!(stems("pl", "\u{17c}\u{f3}\u{142}te"), ["pl:zolte"]);
        for (code, one, many) in [
            ("fr", "cheval", "chevaux"),
            ("es", "bicicleta", "bicicletas"),
            ("it", "bicicletta", "biciclette"),
            ("nl", "boek", "boeken"),
            ("pt", "bicicleta", "bicicletas"),
            ("sv", "stol", "stolar"),
        ] {
            assert_eq!(stems(code, one), stems(code, many), "{code}");
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_parted() {
        assert!(joined("siemens ku 15 ra 60").contains(&"ku15ra60".into()));
        assert!(joined("usb 64 gb").contains(&"64gb".into()));
        assert_eq!(joined("tn 2110"), ["tn2110", "2110"]);
        assert!(joined("blue mountain bike").is_empty());
        assert!(is_model("w810") && is_model("75pus7803") && !is_model("64gb") && !is_model("1080p"));
    }

    #[test]
    fn measures_meet_in_one_unit() {
        assert_eq!(measured("139.7 cm (55\") TV"), ["55in", "55in"]);
        assert_eq!(measured("55-inch, 1 TB, 64GB"), ["55in", "1000gb", "64gb"]);
        assert_eq!(measured("1.5 litres; 5, 6 x 20"), ["1.5l"]);
        assert!(measured("a 3 for 2 offer, x200 w").is_empty());
    }
}
