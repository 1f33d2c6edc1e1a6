//! A change to a want, as a person or a program writes it.

use intentcast_protocol::{
    category, limits,
    market::Change,
    text::{Prose, Word},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{OFFERS_DUE, TO_CHOOSE, Unclear, conditions, fulfilments, place, unclear, unsaid, wishes, words};
use crate::times::{duration, moment};

/// What is to be other about a want, in a person's spelling; what is left out stays. This is the body of
/// `PATCH /v1/intents/{id}` and of `POST /v1/intents/{id}/renew`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
pub struct WantChange {
    /// The want in other words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub want: Option<String>,
    /// More words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A category's path, name or synonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Where, with `cell` and `radius_km` said anew: the whole place changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// An H3 cell of the region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// Kilometres the person would go from the cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius_km: Option<u16>,
    /// `delivery`, `pickup`, `on-site`, `remote`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fulfilment: Vec<String>,
    /// Without which it is no; in the place of all that was asked of the same attribute.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub must: Vec<String>,
    /// The same, better with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefer: Vec<String>,
    /// The same, better without it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<String>,
    /// Attributes of which nothing is asked any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// `new`, `refurbished`, `used`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub condition: Vec<String>,
    /// What it may cost, delivery and tax included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// How much of the budget is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_budget: Option<String>,
    /// By when it must be there; `any` for no such time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need_by: Option<String>,
    /// How long offers are taken, from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offers_due: Option<String>,
}

impl WantChange {
    /// The change at this moment.
    ///
    /// # Errors
    /// [`Unclear`], naming the first field that cannot be meant.
    pub fn change(&self, now: Timestamp) -> Result<Change, Unclear> {
        let (title, overflow) = match &self.want {
            Some(want) => {
                let (title, text) = words(want, self.text.as_deref())?;
                // Words that did not fit the title stand in the text, and so take the place of what was there.
                (Some(title), (self.text.is_some() || !text.is_empty()).then_some(text))
            }
            None => (None, None),
        };
        let text = match (overflow, &self.text) {
            (Some(text), _) => Some(text),
            (None, Some(text)) => Some(Prose::new(text).map_err(|error| unclear("text")(&error))?),
            (None, None) => None,
        };
        let budget = self.budget.as_deref().map(str::parse).transpose();
        let budget = budget.map_err(|error| unclear("budget")(&error as &dyn std::fmt::Display))?;
        let shown = self.show_budget.as_deref();
        let region = match (&self.region, &self.cell, self.radius_km) {
            (Some(region), cell, radius_km) => Some(place(region, cell.as_deref(), radius_km.unwrap_or_default())?),
            (None, None, None) => None,
            _ => return Err(unclear("region")(&"say the whole place: region, cell and radius_km")),
        };
        let drop = self.drop.iter().map(|name| Word::new(name));
        Ok(Change {
            title,
            text,
            category: match &self.category {
                Some(name) => Some(category::resolve(name).map_err(|error| unclear("category")(&error))?.id),
                None => None,
            },
            wishes: wishes(&self.must, &self.prefer, &self.avoid)?,
            drop: drop
                .collect::<Result<_, _>>()
                .map_err(|error| unclear("drop")(&error as &dyn std::fmt::Display))?,
            quantity: self.quantity,
            conditions: conditions(&self.condition)?,
            budget,
            shown: shown.map(|text| unsaid::show(text, budget)).transpose()?,
            place: region,
            fulfilment: fulfilments(&self.fulfilment)?,
            need_by: match self.need_by.as_deref() {
                Some("any") => Some(None),
                Some(text) => {
                    let by = moment(text).map_err(|error| unclear("need_by")(&error))?;
                    if by <= now {
                        return Err(unclear("need_by")(&"that moment is over"));
                    }
                    Some(Some(by))
                }
                None => None,
            },
            offers_due: match &self.offers_due {
                Some(text) => {
                    let long = duration(text).map_err(|error| unclear("offers_due")(&error))?;
                    if long.0 == 0 || long > limits::INTENT_LIFE {
                        let days = limits::INTENT_LIFE.0 / 86_400;
                        return Err(unclear("offers_due")(&format!(
                            "more than nothing and at most {days} days"
                        )));
                    }
                    Some(now.plus(long))
                }
                None => None,
            },
        })
    }

    /// The change for a want that is cast once more at this moment, and when the new one ends.
    ///
    /// # Errors
    /// As [`WantChange::change`].
    pub fn renewal(&self, now: Timestamp) -> Result<(Change, Timestamp), Unclear> {
        let mut change = self.change(now)?;
        let due = change.offers_due.unwrap_or(now.plus(OFFERS_DUE));
        change.offers_due = Some(due);
        Ok((change, due.plus(TO_CHOOSE).min(now.plus(limits::INTENT_LIFE))))
    }
}

#[cfg(test)]
mod tests {
    use intentcast_protocol::{disclosure::Shown, time::Seconds};

    use super::*;

    const NOW: Timestamp = Timestamp(1_780_000_000_000);

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(WantChange::default().change(NOW), Ok(Change::default()));
        let change = WantChange {
            want: Some("a red bike".into()),
            must: vec!["frame=XL".into()],
            need_by: Some("any".into()),
            show_budget: Some("hidden".into()),
            offers_due: Some("2h".into()),
            ..WantChange::default()
        };
        let change = change.change(NOW).unwrap();
        assert_eq!(change.title.unwrap().as_str(), "a red bike");
        assert_eq!(change.text, None, "the longer text stays");
        assert_eq!(change.wishes.len(), 1);
        assert_eq!(change.need_by, Some(None));
        assert_eq!(change.shown, Some(Shown::Hidden));
        assert_eq!(change.offers_due, Some(NOW.plus(Seconds(7200))));
    }

    #[test]
    fn what_cannot_be_meant_names_its_field() {
        let error = |change: WantChange| change.change(NOW).unwrap_err().field;
        let one = WantChange::default;
        assert_eq!(
            error(WantChange {
                cell: Some("861".into()),
                ..one()
            }),
            "region"
        );
        assert_eq!(
            error(WantChange {
                budget: Some("500".into()),
                ..one()
            }),
            "budget"
        );
        assert_eq!(
            error(WantChange {
                show_budget: Some("band".into()),
                ..one()
            }),
            "show_budget"
        );
        assert_eq!(
            error(WantChange {
                need_by: Some("2001-01-01".into()),
                ..one()
            }),
            "need_by"
        );
        assert_eq!(
            error(WantChange {
                offers_due: Some("15d".into()),
                ..one()
            }),
            "offers_due"
        );
    }

    #[test]
    fn a_renewal_leaves_time_to_choose() {
        let (change, expires) = WantChange::default().renewal(NOW).unwrap();
        assert_eq!(change.offers_due, Some(NOW.plus(OFFERS_DUE)));
        assert_eq!(expires, NOW.plus(OFFERS_DUE).plus(TO_CHOOSE));
    }
}
