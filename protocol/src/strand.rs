//! Strands: the items of personal data that can be asked for, each by one public name.
//!
//! The vocabulary is `protocol/vocab/strands.tsv`. It refuses to guess: a name that is not in it is answered with the
//! names that were probably meant, and whatever a person has beyond it goes by `own.NAME`.

mod alias;
mod form;

use std::{collections::BTreeMap, fmt, str::FromStr, sync::LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

pub use self::{
    alias::{AliasSecret, NoAlias, alias, grant_of},
    form::{Form, NotSo},
};
use crate::{limits::WORD_BYTES, near::nearest};

/// The family of names that a person makes up.
const OWN: &str = "own";
/// Names that an [`UnknownStrand`] suggests at most.
const SUGGESTED: usize = 4;

/// A strand's name, such as `contact.email`: words of small letters, digits and `_`, split by dots, at least two.
///
/// A node with an older vocabulary still reads the names of a newer one; [`StrandName::strand`] says whether we know
/// it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StrandName(String);

/// The text is no strand's name, by its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a strand's name is words of a-z, 0-9 and _ with dots between them, like contact.email, {WORD_BYTES} bytes at most"
)]
pub struct NotAName;

/// No strand is called that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no strand is called {asked:?}{}; what has no name here goes by own.NAME", suggestion(.nearest))]
pub struct UnknownStrand {
    /// What was asked for, cut to the length of a name.
    pub asked: String,
    /// What was probably meant, likeliest first.
    pub nearest: Vec<&'static str>,
}

fn suggestion(nearest: &[&str]) -> String {
    match nearest {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

/// How much a strand says of who it is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Little: a colour, a shoe size.
    Low,
    /// It names, reaches or describes a person.
    Personal,
    /// A special category in the sense of article 9 of the GDPR, or as good as one: health, belief, origin.
    Special,
}

impl fmt::Display for Sensitivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "low",
            Self::Personal => "personal",
            Self::Special => "special",
        })
    }
}

/// One entry of the vocabulary.
#[derive(Debug, PartialEq, Eq)]
pub struct Strand {
    /// Its name.
    pub name: StrandName,
    /// What it is, in words.
    pub title: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// How much it says of who it is about.
    pub sensitivity: Sensitivity,
    /// Whether an alias may stand for it, so that a leak points at its source.
    pub alias: bool,
    /// The property of schema.org, where one is apt.
    pub schema: Option<&'static str>,
    /// The category of the Data Privacy Vocabulary's extension for personal data, where one is apt.
    pub dpv: Option<&'static str>,
}

impl StrandName {
    /// The name that this text is by its form, whether or not we know it: what a stranger's record says.
    ///
    /// # Errors
    /// [`NotAName`].
    pub fn new(text: impl Into<String>) -> Result<Self, NotAName> {
        let text = text.into();
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        };
        let fits = text.len() <= WORD_BYTES && text.contains('.') && text.split('.').all(is_word);
        fits.then_some(Self(text)).ok_or(NotAName)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the vocabulary says of it; nothing of `own.*`, nor of a name that is newer than we are.
    pub fn strand(&self) -> Option<&'static Strand> {
        TABLE.get(self.as_str())
    }

    /// Whether it is one that a person made up.
    pub fn is_own(&self) -> bool {
        self.family() == OWN
    }

    /// Its first word.
    pub fn family(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// What it is, in words; the name itself where the vocabulary has none.
    pub fn title(&self) -> &str {
        self.strand().map_or(self.as_str(), |strand| strand.title)
    }

    /// What its value looks like: text, where the vocabulary does not say.
    pub fn form(&self) -> &'static Form {
        self.strand().map_or(&Form::Text, |strand| &strand.form)
    }

    /// How much it says of who it is about: what nobody has looked at counts as personal.
    pub fn sensitivity(&self) -> Sensitivity {
        self.strand().map_or(Sensitivity::Personal, |strand| strand.sensitivity)
    }

    /// Whether `pattern` means it: its name, or a family as in `size.*`.
    pub fn is_meant_by(&self, pattern: &str) -> bool {
        match pattern.strip_suffix(".*") {
            Some(family) => self.family() == family,
            None => self.as_str() == pattern,
        }
    }
}

impl fmt::Display for StrandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for StrandName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for StrandName {
    type Err = NotAName;
    fn from_str(text: &str) -> Result<Self, NotAName> {
        Self::new(text)
    }
}

impl Serialize for StrandName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for StrandName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Every strand of the vocabulary, in the order of its file.
pub fn all() -> impl ExactSizeIterator<Item = &'static Strand> + Clone {
    TABLE.strands.iter()
}

/// The strand that a person means by this name: one of the vocabulary, or an `own.*`.
///
/// # Errors
/// [`UnknownStrand`], with what was probably meant.
pub fn resolve(asked: &str) -> Result<StrandName, UnknownStrand> {
    let asked = asked.trim().to_lowercase();
    match StrandName::new(asked.as_str()) {
        Ok(name) if name.is_own() || name.strand().is_some() => Ok(name),
        _ => Err(UnknownStrand {
            nearest: suggested(&asked),
            asked: asked.chars().take(WORD_BYTES).collect(),
        }),
    }
}

/// Names that were probably meant: those close in spelling, then those of which a word was said.
fn suggested(asked: &str) -> Vec<&'static str> {
    let asked: String = asked.chars().take(2 * WORD_BYTES).collect();
    let mut found = nearest(&asked, all().map(|strand| strand.name.as_str()), SUGGESTED);
    let said: Vec<&str> = words(&asked).collect();
    let mut worded: Vec<(usize, &'static str)> = all()
        .map(|strand| {
            let title = strand.title.to_lowercase();
            let says = |word: &&&str| {
                words(strand.name.as_str())
                    .chain(words(&title))
                    .any(|own| own == **word)
            };
            (said.iter().filter(says).count(), strand.name.as_str())
        })
        .filter(|(count, _)| *count > 0)
        .collect();
    worded.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    for (_, name) in worded {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found.truncate(SUGGESTED);
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1)
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("../vocab/strands.tsv")));

struct Table {
    strands: Vec<Strand>,
    /// Where each stands in `strands`.
    places: BTreeMap<&'static str, usize>,
}

impl Table {
    /// Reads our own file, which the tests hold to its form: a panic here is a slip in the file.
    fn parse(tsv: &'static str) -> Self {
        let mut table = Self {
            strands: Vec::new(),
            places: BTreeMap::new(),
        };
        for line in tsv.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&'static str> = line.split('\t').collect();
            let [name, title, form, sensitivity, alias, schema, dpv] = columns[..] else {
                panic!("a strand has seven columns: {line}");
            };
            let said = |cell: &'static str| (!cell.is_empty()).then_some(cell);
            let before = table.places.insert(name, table.strands.len());
            assert!(before.is_none(), "one strand a name: {line}");
            table.strands.push(Strand {
                name: StrandName::new(name).expect("the file names strands as they are named"),
                title,
                form: Form::of_cell(form).expect("the file says forms that there are"),
                sensitivity: match sensitivity {
                    "low" => Sensitivity::Low,
                    "personal" => Sensitivity::Personal,
                    "special" => Sensitivity::Special,
                    _ => panic!("a sensitivity is low, personal or special: {line}"),
                },
                alias: alias == "yes",
                schema: said(schema),
                dpv: said(dpv),
            });
        }
        table
    }

    fn get(&self, name: &str) -> Option<&Strand> {
        self.places.get(name).map(|at| &self.strands[*at])
    }
}

#[cfg(test)]
mod tests;
