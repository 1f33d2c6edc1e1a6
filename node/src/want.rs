//! A want as a person or a program writes it, and the draft that the market casts: strings come in here and nowhere
//! further.
//!
//! Nothing is guessed in silence: what was left out and filled in is told in [`Filled`].

mod changed;
mod unsaid;

pub use changed::WantChange;
use intentcast_protocol::{
    attribute::{Strength, Wish},
    category,
    disclosure::Stage,
    fault::Fault,
    intent::{Condition, Conditions, Intent, Language},
    limits,
    market::Draft,
    money::Money,
    place::{Cell, Fulfilment, Fulfilments, Place, Region},
    strand,
    terms::TermsSet,
    text::{Prose, Title, Word},
    time::{Seconds, Timestamp},
};
use serde::{Deserialize, Serialize};

use crate::times::{duration, moment};

/// How long offers are taken where nothing is said.
const OFFERS_DUE: Seconds = Seconds(24 * 3600);
/// How long a want outlives the time for offers, so that there is time to choose.
const TO_CHOOSE: Seconds = Seconds(7 * 24 * 3600);
/// Offers taken where nothing is said.
const MAX_OFFERS: u16 = limits::OFFERS_PER_INTENT;
/// Offers taken of one seller where nothing is said.
const OFFERS_PER_SELLER: u8 = 3;
/// Rounds of haggling where nothing is said.
const ROUNDS: u8 = 3;
/// How much a preference counts where nothing is said, of 100.
const WEIGHT: u8 = 50;

/// What to cast, in a person's spelling. This is the body of `POST /v1/intents`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The want in the person's words.
    pub want: String,
    /// Where: a code of ISO 3166 or a name that means one region alone.
    pub region: String,
    /// What it may cost, delivery and tax included: `500GBP`.
    pub budget: String,
    /// More words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// ISO 639-1; `en` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// A category's path, name or synonym; inferred from the want where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// An H3 cell of the region, as closely as the person likes to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// Kilometres the person would go from the cell.
    #[serde(default, skip_serializing_if = "is_default")]
    pub radius_km: u16,
    /// `delivery`, `pickup`, `on-site`, `remote`; delivery where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fulfilment: Vec<String>,
    /// `NAME=VALUE`, `NAME>=NUMBER`, `NAME<=NUMBER` without which it is no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must: Vec<String>,
    /// The same, better with it; `:WEIGHT` of 1 to 100 may follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefer: Vec<String>,
    /// The same, better without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<String>,
    /// How many; one where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// `new`, `refurbished`, `used`; new where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub condition: Vec<String>,
    /// By when it must be there: a date, by whose end, or a moment of RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need_by: Option<String>,
    /// How long offers are taken: `30m`, `2h`, `3d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers_due: Option<String>,
    /// Offers taken in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_offers: Option<u16>,
    /// Offers taken from one seller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers_per_seller: Option<u8>,
    /// Rounds of haggling that the person goes through with each seller; three where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u8>,
    /// Ids of the roster, in place of `SD-BASE` and `PDC-INTENT`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<String>,
    /// Strands of personal data that a seller may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_ask: Vec<String>,
    /// How much of the budget is said: `public`, `committed`, `hidden`, or a band like `400-600GBP`; `band` alone takes
    /// the round amounts around it. All of it where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_budget: Option<String>,
    /// `FIELD=VALUE` that sellers are told once they have signed the terms: `place.exact`, `text`, `photo` (the SHA-256
    /// of one, in hexadecimal).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once_signed: Vec<String>,
    /// The same, and `contact.` with a word, told once there is an agreement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once_accepted: Vec<String>,
    /// How long favourites hear of it before all others: `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub favourites_first: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What stands in a draft although nobody said it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filled {
    /// The category that the words seem to be about.
    Category(&'static str),
    /// No category could be made out, so everybody hears it.
    NoCategory,
}

impl std::fmt::Display for Filled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Category(path) => write!(f, "category: {path}, by the words; --category says another"),
            Self::NoCategory => f.write_str("category: general, since the words name none; --category says one"),
        }
    }
}

/// Which part of a want cannot be meant, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Unclear {
    /// The field's name, as in JSON.
    pub field: &'static str,
    /// Why, in words for the person who wrote it.
    pub why: String,
}

fn unclear(field: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Unclear {
    move |why| Unclear {
        field,
        why: why.to_string(),
    }
}

impl Want {
    /// The draft of this want at this moment, and what was filled in.
    ///
    /// # Errors
    /// [`Unclear`], naming the first field that cannot be meant.
    pub fn draft(&self, now: Timestamp) -> Result<(Draft, Vec<Filled>), Unclear> {
        let mut filled = Vec::new();
        let (title, text) = words(&self.want, self.text.as_deref())?;
        let category = match &self.category {
            Some(name) => category::resolve(name).map_err(|error| unclear("category")(&error))?.id,
            None => match category::infer(&self.want) {
                Some(category) => {
                    filled.push(Filled::Category(category.path));
                    category.id
                }
                None => {
                    filled.push(Filled::NoCategory);
                    category::GENERAL
                }
            },
        };
        let budget: Money = self
            .budget
            .parse()
            .map_err(|error| unclear("budget")(&error as &dyn std::fmt::Display))?;
        let offers_due = now.plus(match &self.offers_due {
            Some(text) => duration(text).map_err(|error| unclear("offers_due")(&error))?,
            None => OFFERS_DUE,
        });
        let draft = Draft {
            title,
            text,
            language: match &self.language {
                Some(code) => Language::new(code)
                    .ok_or_else(|| unclear("language")(&"two lower-case letters of ISO 639-1, like en"))?,
                None => Language::ENGLISH,
            },
            category,
            wishes: wishes(&self.must, &self.prefer, &self.avoid)?,
            quantity: self.quantity.unwrap_or(1),
            conditions: conditions(&self.condition)?.unwrap_or(Conditions::NEW),
            budget: unsaid::spend(budget, self.show_budget.as_deref())?,
            place: place(&self.region, self.cell.as_deref(), self.radius_km)?,
            fulfilment: fulfilments(&self.fulfilment)?.unwrap_or_default(),
            need_by: self
                .need_by
                .as_deref()
                .map(moment)
                .transpose()
                .map_err(|error| unclear("need_by")(&error))?,
            offers_due,
            expires: offers_due.plus(TO_CHOOSE).min(now.plus(limits::INTENT_LIFE)),
            max_offers: self.max_offers.unwrap_or(MAX_OFFERS),
            offers_per_seller: self.offers_per_seller.unwrap_or(OFFERS_PER_SELLER),
            max_rounds: self.rounds.unwrap_or(ROUNDS),
            terms: if self.terms.is_empty() {
                TermsSet::default()
            } else {
                TermsSet::of(&self.terms).map_err(|error| unclear("terms")(&error))?
            },
            may_ask: self
                .may_ask
                .iter()
                .map(|asked| {
                    let strand = strand::resolve(asked).map_err(|error| unclear("may_ask")(&error))?;
                    Word::new(strand.as_str()).map_err(|error| unclear("may_ask")(&error))
                })
                .collect::<Result<_, _>>()?,
            withhold: [
                ("once_signed", Stage::Signed, &self.once_signed),
                ("once_accepted", Stage::Accepted, &self.once_accepted),
            ]
            .into_iter()
            .flat_map(|(name, stage, said)| said.iter().map(move |text| unsaid::withhold(name, stage, text)))
            .collect::<Result<_, _>>()?,
            favourites_first: self
                .favourites_first
                .as_deref()
                .map(duration)
                .transpose()
                .map_err(|error| unclear("favourites_first")(&error))?,
        };
        check(now, &draft)?;
        Ok((draft, filled))
    }
}

/// The title, and the longer text; a want too long for a title is cut there and whole in the text.
fn words(want: &str, more: Option<&str>) -> Result<(Title, Prose), Unclear> {
    let prose = |text: &str| Prose::new(text).map_err(|error| unclear("text")(&error));
    if want.trim().is_empty() {
        return Err(unclear("want")(&"say in a few words what you want"));
    }
    let more = more.unwrap_or_default();
    match Title::new(want) {
        Ok(title) => Ok((title, prose(more)?)),
        Err(intentcast_protocol::text::TextError::TooLong { .. }) => {
            Ok((Title::lossy(want), prose(&format!("{want} {more}"))?))
        }
        Err(error) => Err(unclear("want")(&error)),
    }
}

fn wishes(must: &[String], prefer: &[String], avoid: &[String]) -> Result<Vec<Wish>, Unclear> {
    let parse =
        |field: &'static str, text: &str, strength| Wish::parse(text, strength).map_err(|error| unclear(field)(&error));
    let mut wishes = Vec::new();
    for text in must {
        wishes.push(parse("must", text, Strength::Must)?);
    }
    for text in prefer {
        let (text, weight) = weighed("prefer", text)?;
        wishes.push(parse("prefer", text, Strength::Prefer(weight))?);
    }
    for text in avoid {
        let (text, weight) = weighed("avoid", text)?;
        wishes.push(parse("avoid", text, Strength::Avoid(weight))?);
    }
    Ok(wishes)
}

/// `None` where nothing is said.
fn conditions(said: &[String]) -> Result<Option<Conditions>, Unclear> {
    let words = said.iter().flat_map(|words| words.split(','));
    let conditions: Option<Vec<Condition>> = words.map(Condition::from_word).collect();
    let conditions = conditions.ok_or_else(|| unclear("condition")(&"one or more of new, refurbished, used"))?;
    Ok(Conditions::of(&conditions))
}

fn place(region: &str, cell: Option<&str>, radius_km: u16) -> Result<Place, Unclear> {
    let region = Region::resolve(region).map_err(|error| unclear("region")(&error))?;
    let cell: Option<Cell> = cell
        .map(str::parse)
        .transpose()
        .map_err(|error| unclear("cell")(&error as &dyn std::fmt::Display))?;
    Ok(Place {
        region,
        cell,
        radius_km,
    })
}

/// `None` where nothing is said.
fn fulfilments(said: &[String]) -> Result<Option<Fulfilments>, Unclear> {
    if said.is_empty() {
        return Ok(None);
    }
    let ways = said.iter().flat_map(|words| words.split(',')).map(str::parse);
    let ways: Vec<Fulfilment> = ways
        .collect::<Result<_, _>>()
        .map_err(|error| unclear("fulfilment")(&error as &dyn std::fmt::Display))?;
    let ways = Fulfilments::of(&ways).map_err(|error| unclear("fulfilment")(&error))?;
    Ok(Some(ways))
}

/// What the market would refuse anyway, said in the words of the fields here.
fn check(now: Timestamp, draft: &Draft) -> Result<(), Unclear> {
    if draft.quantity == 0 {
        return Err(unclear("quantity")(&"at least one"));
    }
    if let Err(fault) = draft.budget.check() {
        return Err(of_fault("budget", fault));
    }
    for withheld in &draft.withhold {
        let name = if withheld.stage == Stage::Signed {
            "once_signed"
        } else {
            "once_accepted"
        };
        withheld.check().map_err(|fault| of_fault(name, fault))?;
    }
    let mut fields: Vec<&Word> = draft.withhold.iter().map(|withheld| &withheld.field).collect();
    fields.sort_unstable();
    if fields.windows(2).any(|pair| pair[0] == pair[1]) || fields.len() > limits::WITHHELD {
        return Err(unclear("once_accepted")(&format!(
            "each field once, and at most {} in all",
            limits::WITHHELD
        )));
    }
    if draft.wishes.len() > limits::ATTRIBUTES {
        return Err(unclear("must")(&format!(
            "at most {} wishes in all",
            limits::ATTRIBUTES
        )));
    }
    if draft.may_ask.len() > limits::STRANDS {
        return Err(unclear("may_ask")(&format!("at most {} strands", limits::STRANDS)));
    }
    if draft.offers_due <= now || draft.offers_due > now.plus(limits::INTENT_LIFE) {
        let days = limits::INTENT_LIFE.0 / 86_400;
        return Err(unclear("offers_due")(&format!(
            "more than nothing and at most {days} days"
        )));
    }
    let first = draft.favourites_first;
    if first.is_some_and(|first| first == Seconds(0) || now.plus(first) >= draft.offers_due) {
        return Err(unclear("favourites_first")(
            &"more than nothing, and less than the time for offers",
        ));
    }
    if draft.need_by.is_some_and(|need_by| need_by <= now) {
        return Err(unclear("need_by")(&"that moment is over"));
    }
    if draft.max_offers == 0 || draft.max_offers > limits::OFFERS_PER_INTENT {
        return Err(unclear("max_offers")(&format!("1 to {}", limits::OFFERS_PER_INTENT)));
    }
    if draft.max_rounds > limits::ROUNDS {
        return Err(unclear("rounds")(&format!("at most {}", limits::ROUNDS)));
    }
    if draft.offers_per_seller == 0 || draft.offers_per_seller > limits::OFFERS_PER_SELLER {
        return Err(unclear("offers_per_seller")(&format!(
            "1 to {}",
            limits::OFFERS_PER_SELLER
        )));
    }
    Ok(())
}

/// What the protocol says against a field, in the words of the fields here.
fn of_fault(field: &'static str, fault: Fault) -> Unclear {
    match fault {
        Fault::Invalid { why, .. } => unclear(field)(&why),
        fault => unclear(field)(&fault),
    }
}

/// `NAME=VALUE:WEIGHT` or `NAME=VALUE`.
fn weighed<'a>(field: &'static str, text: &'a str) -> Result<(&'a str, u8), Unclear> {
    let Some((wish, weight)) = text.rsplit_once(':') else {
        return Ok((text, WEIGHT));
    };
    // A value may hold a colon of its own, as 16:9 does: what follows must be a number of its own, and stand where
    // nothing but a weight can.
    match weight.trim().parse() {
        Ok(weight @ 1..=100) if wish.contains('=') => Ok((wish, weight)),
        Ok(_) => Err(unclear(field)(&format!("`{text}`: a weight is 1 to 100"))),
        Err(_) => Ok((text, WEIGHT)),
    }
}

/// This intent as if it were cast once more, now, and when it would end: to try rules on.
pub fn again(now: Timestamp, intent: &Intent) -> (Intent, Timestamp) {
    let offers_due = intent.offers_due.max(now.plus(Seconds(60)));
    let intent = Intent {
        offers_due,
        ..intent.clone()
    };
    (intent, offers_due.plus(Seconds(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn bike() -> Want {
        Want {
            want: "I am looking for a mountain bike, I am rather tall".into(),
            region: "GB-KHL".into(),
            budget: "£500".into(),
            ..Want::default()
        }
    }

    fn error(change: impl FnOnce(&mut Want)) -> String {
        let mut want = bike();
        change(&mut want);
        want.draft(NOW).unwrap_err().to_string()
    }

    #[test]
    fn what_nobody_said_is_filled_in_and_told() {
        let (draft, filled) = bike().draft(NOW).unwrap();
        assert_eq!(draft.category.to_string(), "sports/cycling/mountain-bikes");
        assert_eq!(filled, [Filled::Category("sports/cycling/mountain-bikes")]);
        assert_eq!(draft.terms.to_string(), "PDC-INTENT + SD-BASE");
        assert_eq!(
            (
                draft.quantity,
                draft.conditions,
                draft.place.region.to_string().as_str()
            ),
            (1, Conditions::NEW, "GB-KHL")
        );
        assert!(draft.offers_due > NOW && draft.expires > draft.offers_due);
    }

    #[test]
    fn a_category_that_is_said_is_not_guessed() {
        let (draft, filled) = Want {
            category: Some("pram".into()),
            ..bike()
        }
        .draft(NOW)
        .unwrap();
        assert!(draft.category.to_string().starts_with("baby/"));
        assert!(filled.is_empty());
    }

    #[test]
    fn words_that_name_no_category_reach_everybody() {
        let (draft, filled) = Want {
            want: "xyzzy plugh".into(),
            ..bike()
        }
        .draft(NOW)
        .unwrap();
        assert_eq!((draft.category, filled), (category::GENERAL, vec![Filled::NoCategory]));
    }

    #[test]
    fn wishes_carry_their_strength_and_weight() {
        let want = Want {
            must: vec!["frame=XL".into()],
            prefer: vec!["fair trade=yes:80".into(), "screen=16:9".into(), "colour=red".into()],
            avoid: vec!["weight>=20kg:30".into()],
            ..bike()
        };
        // 16:9 reads as a value of 16 with weight 9: a weight that is meant wins over a value that has a colon.
        let strengths: Vec<Strength> = want
            .draft(NOW)
            .unwrap()
            .0
            .wishes
            .iter()
            .map(|wish| wish.strength)
            .collect();
        assert_eq!(
            strengths,
            [
                Strength::Must,
                Strength::Prefer(80),
                Strength::Prefer(9),
                Strength::Prefer(WEIGHT),
                Strength::Avoid(30)
            ]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_named_with_its_field() {
        assert!(error(|want| want.want = "  ".into()).starts_with("want: "));
        assert!(error(|want| want.budget = "500".into()).starts_with("budget: which currency?"));
        assert!(error(|want| want.budget = "0 GBP".into()).starts_with("budget: more than nothing"));
        assert!(error(|want| want.region = "Atlantis".into()).starts_with("region: "));
        assert!(error(|want| want.category = Some("mountain bikse".into())).contains("mountain-bikes"));
        assert!(error(|want| want.must = vec!["frame XL".into()]).starts_with("must: "));
        assert!(error(|want| want.prefer = vec!["a=b:101".into()]).starts_with("prefer: "));
        assert!(error(|want| want.condition = vec!["shiny".into()]).starts_with("condition: "));
        assert!(error(|want| want.terms = vec!["SD-BASS".into()]).contains("did you mean SD-BASE?"));
        assert!(error(|want| want.need_by = Some("2001-01-01".into())).contains("over"));
        assert!(error(|want| want.offers_due = Some("15d".into())).contains("14 days"));
        assert!(error(|want| want.max_offers = Some(65)).contains("1 to 64"));
        assert!(error(|want| want.must = vec!["a=b".into(); 17]).contains("at most 16"));
    }

    #[test]
    fn a_long_want_keeps_its_words() {
        let long = "a mountain bike ".repeat(20);
        let (draft, _) = Want {
            want: long.clone(),
            ..bike()
        }
        .draft(NOW)
        .unwrap();
        assert!(draft.title.as_str().len() <= limits::TITLE_BYTES);
        assert_eq!(draft.text.as_str(), long.trim());
    }
}
