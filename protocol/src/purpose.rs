//! What personal data is asked for: one specific thing that is done with it.
//!
//! It refuses what could be anything ("marketing", "improve our services") and says what to write instead. Purposes of
//! the vocabulary, `protocol/vocab/purposes.tsv`, go by name; another one is said in words, two at least that say
//! something.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::LazyLock,
};

use crate::{
    near::nearest,
    strand::StrandName,
    text::{Phrase, TextError},
};

/// Words that a purpose has at least which say something.
const TELLING: usize = 2;

/// A purpose of the vocabulary.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name, `deliver_order`.
    pub name: &'static str,
    /// What is done, in words.
    pub title: &'static str,
    /// The purpose of the Data Privacy Vocabulary that it is one of.
    pub dpv: &'static str,
    /// The strands that it usually needs: names, and families as in `size.*`.
    pub strands: Vec<&'static str>,
}

impl Known {
    /// Whether it usually needs this strand. What it does not need is no wrong, but a reason to ask why.
    pub fn needs(&self, strand: &StrandName) -> bool {
        self.strands.iter().any(|pattern| strand.is_meant_by(pattern))
    }
}

/// A purpose that says what is done. Two are one where they are said in the same words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Purpose(Phrase);

/// Why words are no purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooBroad {
    /// A word in it could mean anything.
    #[error("{word:?} is no purpose: {instead}")]
    Word {
        /// The word.
        word: String,
        /// What to say instead.
        instead: &'static str,
    },
    /// Too few of its words say anything.
    #[error("a purpose says what is done, in two words or more, or is one of the known ones{}", meant(.nearest))]
    TooFew {
        /// Known purposes that were perhaps meant.
        nearest: Vec<&'static str>,
    },
    /// It is no text for this field.
    #[error("{0}")]
    Text(#[from] TextError),
}

fn meant(nearest: &[&str]) -> String {
    match nearest {
        [] => ", like deliver_order".to_owned(),
        names => format!(": did you mean {}?", names.join(" or ")),
    }
}

impl Purpose {
    /// The purpose that these words are: one of the vocabulary, however its name is spelt, or one said in words.
    ///
    /// # Errors
    /// [`TooBroad`], with what to say instead.
    pub fn new(text: &str) -> Result<Self, TooBroad> {
        let phrase = Phrase::new(text)?;
        let said = words(phrase.as_str());
        if let Some(known) = by_name(&said.join("_")) {
            return Ok(Self(Phrase::new(known.name)?));
        }
        if let Some((word, instead)) = said
            .iter()
            .find_map(|word| Some((word, TABLE.broad.get(word.as_str())?)))
        {
            return Err(TooBroad::Word {
                word: word.clone(),
                instead,
            });
        }
        let telling = said
            .iter()
            .filter(|word| !TABLE.silent.contains(word.as_str()) && !TABLE.empty.contains_key(word.as_str()));
        // A word said twice says nothing more.
        if telling.collect::<BTreeSet<_>>().len() >= TELLING {
            return Ok(Self(phrase));
        }
        match said
            .iter()
            .find_map(|word| Some((word, TABLE.empty.get(word.as_str())?)))
        {
            Some((word, instead)) => Err(TooBroad::Word {
                word: word.clone(),
                instead,
            }),
            None => Err(TooBroad::TooFew { nearest: near(&said) }),
        }
    }

    /// The words that travel: a known purpose's name, or what was said.
    pub fn as_phrase(&self) -> &Phrase {
        &self.0
    }

    /// What the vocabulary says of it.
    pub fn known(&self) -> Option<&'static Known> {
        by_name(self.0.as_str())
    }

    /// What is done, in words.
    pub fn title(&self) -> &str {
        self.known().map_or(self.0.as_str(), |known| known.title)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Every purpose of the vocabulary.
pub fn all() -> impl ExactSizeIterator<Item = &'static Known> + Clone {
    TABLE.known.iter()
}

/// The purpose of exactly this name.
pub fn by_name(name: &str) -> Option<&'static Known> {
    all().find(|known| known.name == name)
}

/// Words as they are compared: small letters, without what stands between them.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Known purposes close in spelling, or of which a word was said.
fn near(said: &[String]) -> Vec<&'static str> {
    let mut found = nearest(&said.join("_"), all().map(|known| known.name), 2);
    let worded = all().filter(|known| {
        let own: Vec<String> = words(known.name).into_iter().chain(words(known.title)).collect();
        let parts = known.name.split('_').map(str::to_owned);
        let own: BTreeSet<String> = own.into_iter().chain(parts).collect();
        said.iter()
            .any(|word| own.contains(word) && !TABLE.silent.contains(word.as_str()))
    });
    for known in worded {
        if !found.contains(&known.name) {
            found.push(known.name);
        }
    }
    found.truncate(3);
    found
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("../vocab/purposes.tsv")));

struct Table {
    known: Vec<Known>,
    /// A word that makes every purpose too broad, and what to say instead.
    broad: BTreeMap<&'static str, &'static str>,
    /// A word that says nothing, and what to say instead.
    empty: BTreeMap<&'static str, &'static str>,
    /// Words of grammar.
    silent: BTreeSet<&'static str>,
}

/// Words that only hold others together.
const SILENT: [&str; 40] = [
    "a", "an", "and", "as", "at", "be", "by", "can", "do", "for", "from", "his", "her", "i", "in", "is", "it", "its",
    "make", "may", "me", "my", "of", "on", "or", "our", "s", "that", "the", "their", "them", "this", "to", "us", "we",
    "when", "which", "will", "with", "your",
];

impl Table {
    /// Reads our own file, which the tests hold to its form: a panic here is a slip in the file.
    fn parse(tsv: &'static str) -> Self {
        let mut table = Self {
            known: Vec::new(),
            broad: BTreeMap::new(),
            empty: BTreeMap::new(),
            silent: SILENT.into(),
        };
        for line in tsv.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&'static str> = line.split('\t').collect();
            match columns[..] {
                ["purpose", name, title, dpv, strands] => table.known.push(Known {
                    name,
                    title,
                    dpv,
                    strands: strands.split(',').collect(),
                }),
                ["broad", word, instead] => drop(table.broad.insert(word, instead)),
                ["empty", words, instead] => table.empty.extend(words.split('|').map(|word| (word, instead))),
                _ => panic!("a line of purposes is purpose, broad or empty: {line}"),
            }
        }
        table
    }
}

#[cfg(test)]
mod tests;
