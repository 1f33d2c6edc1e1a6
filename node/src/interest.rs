//! A standing interest as a person or a program writes it, and what the market waits for: strings come in here and
//! nowhere further.

use std::fmt::Display;

use intentcast_protocol::{
    attribute::{Strength, Wish},
    category,
    intent::Condition,
    limits,
    list::List,
    money::Money,
    place::Region,
    standing::{Sought, SoughtError, WORDINGS},
    text::{Title, Word},
};
use serde::{Deserialize, Serialize};

use crate::want::Unclear;

/// What to be told of, in a person's spelling. This is the body of `POST /v1/interests`, and what `GET` shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// Its name; made from the rest where nothing is said. A later interest of the same name takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A want says every word of one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// A category's path, name or synonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Where: a code of ISO 3166 or a name that means one region alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// One piece may cost this much at least: `800GBP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// One piece may cost this much at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
    /// `new`, `refurbished`, `used`; any where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub condition: Vec<String>,
    /// So many pieces are wanted, or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<u32>,
    /// `NAME=VALUE` that the want wishes for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must: Vec<String>,
}

fn unclear(field: &'static str) -> impl Fn(&dyn Display) -> Unclear {
    move |why| Unclear {
        field,
        why: why.to_string(),
    }
}

fn money(field: &'static str, text: Option<&String>) -> Result<Option<Money>, Unclear> {
    text.map(|text| text.parse().map_err(|error| unclear(field)(&error as &dyn Display)))
        .transpose()
}

impl Waiting {
    /// What is waited for, and under which name.
    ///
    /// # Errors
    /// [`Unclear`], naming the first field that cannot be meant.
    pub fn sought(&self) -> Result<(Word, Sought), Unclear> {
        let words = self
            .words
            .iter()
            .map(|text| Title::new(text).map_err(|error| unclear("words")(&error)));
        let wishes = self
            .must
            .iter()
            .map(|text| Wish::parse(text, Strength::Must).map_err(|error| unclear("must")(&error)));
        let states = self.condition.iter().flat_map(|states| states.split(','));
        let states: Option<Vec<Condition>> = states.map(Condition::from_word).collect();
        let sought = Sought {
            any_of: List::new(words.collect::<Result<_, _>>()?)
                .map_err(|_| unclear("words")(&format!("at most {WORDINGS} ways to say it")))?,
            category: match &self.category {
                Some(name) => Some(category::resolve(name).map_err(|error| unclear("category")(&error))?.id),
                None => None,
            },
            region: match &self.region {
                Some(name) => Some(Region::resolve(name).map_err(|error| unclear("region")(&error))?),
                None => None,
            },
            over: money("over", self.over.as_ref())?,
            under: money("under", self.under.as_ref())?,
            conditions: List::cut(
                states.ok_or_else(|| unclear("condition")(&"one or more of new, refurbished, used"))?,
            ),
            pieces: self.pieces.unwrap_or(0),
            wishes: List::new(wishes.collect::<Result<_, _>>()?)
                .map_err(|_| unclear("must")(&format!("at most {} wishes", limits::ATTRIBUTES)))?,
        };
        sought.interest().map_err(|error| {
            let field = match error {
                SoughtError::Everything | SoughtError::NoWords => "words",
                SoughtError::Currencies | SoughtError::NoPrice => "under",
            };
            unclear(field)(&error)
        })?;
        let name = match &self.name {
            Some(name) if name.trim().is_empty() => return Err(unclear("name")(&"a name of a letter or more")),
            Some(name) => Word::new(name).map_err(|error| unclear("name")(&error))?,
            None => Word::lossy(&self.made_name()),
        };
        Ok((name, sought))
    }

    /// A name made of what is said: `e-bike-gb-yor-over-800gbp`.
    fn made_name(&self) -> String {
        let told = |word: &str, text: &Option<String>| text.as_ref().map(|text| format!("{word} {text}"));
        let all = self
            .words
            .iter()
            .cloned()
            .chain(self.category.clone())
            .chain(self.region.clone())
            .chain(told("over", &self.over))
            .chain(told("under", &self.under))
            .chain(self.must.iter().cloned());
        let all: Vec<String> = all.collect();
        let words = all.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        words.join("-")
    }

    /// The words for what is waited for.
    pub fn of(name: &Word, sought: &Sought) -> Self {
        Self {
            name: Some(name.to_string()),
            words: sought.any_of.iter().map(ToString::to_string).collect(),
            category: sought.category.map(|category| category.to_string()),
            region: sought.region.map(|region| region.to_string()),
            over: sought.over.map(|money| money.to_string()),
            under: sought.under.map(|money| money.to_string()),
            condition: sought.conditions.iter().map(|state| state.word().to_owned()).collect(),
            pieces: Some(sought.pieces).filter(|pieces| *pieces > 0),
            must: sought.wishes.iter().map(ToString::to_string).collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests {
    use super::*;

    fn e_bikes() -> Waiting {
        Waiting {
            words: vec!["e-bike".into()],
            category: Some("cycling".into()),
            region: Some("GB-YOR".into()),
            over: Some("800GBP".into()),
            ..Waiting::default()
        }
    }

    #[test]
    fn what_is_waited_for_is_shown_as_it_was_said() {
        let (name, sought) = e_bikes().sought().unwrap();
        assert_eq!(name.as_str(), "e-bike-cycling-gb-yor-over-800gbp");
        let shown = Waiting::of(&name, &sought);
        assert_eq!(shown.category.as_deref(), Some("sports/cycling"));
        assert_eq!(shown.sought(), Ok((name, sought)), "and means the same");
    }

    #[test]
    fn what_cannot_be_meant_names_its_field() {
        let field = |waiting: Waiting| waiting.sought().unwrap_err().field;
        assert_eq!(field(Waiting::default()), "words", "everything there is");
        let with = |change: fn(&mut Waiting)| {
            let mut waiting = e_bikes();
            change(&mut waiting);
            field(waiting)
        };
        assert_eq!(with(|it| it.words = vec!["I am looking for a".into()]), "words");
        assert_eq!(with(|it| it.words = vec!["bike".into(); WORDINGS + 1]), "words");
        assert_eq!(with(|it| it.category = Some("zzzz".into())), "category");
        assert_eq!(with(|it| it.region = Some("GB-QQQ".into())), "region");
        assert_eq!(with(|it| it.over = Some("much".into())), "over");
        assert_eq!(with(|it| it.under = Some("900EUR".into())), "under");
        assert_eq!(with(|it| it.under = Some("700GBP".into())), "under");
        assert_eq!(with(|it| it.condition = vec!["shiny".into()]), "condition");
        assert_eq!(with(|it| it.must = vec!["frame XL".into()]), "must");
        assert_eq!(with(|it| it.name = Some(" ".into())), "name");
    }
}
