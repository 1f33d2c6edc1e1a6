//! A want before it is signed, and changes to one.

use std::fmt;

use crate::{
    attribute::Wish,
    category::CategoryId,
    contact::ReplyPath,
    disclosure::{self, Kept, Opened, Salt, Spend, Withheld, Withhold},
    fault::Fault,
    intent::{Budget, Conditions, Intent, Language},
    limits,
    list::List,
    money::Money,
    place::{Fulfilments, Place},
    terms::TermsSet,
    text::{Prose, Title, Word},
    time::{Seconds, Timestamp},
};

/// What a person wants, before it is signed: an [`Intent`] without the reply path, which the node adds, and with all that
/// the intent will not say.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The want in the person's words.
    pub title: Title,
    /// More of them.
    pub text: Prose,
    /// The language of both.
    pub language: Language,
    /// What kind of thing.
    pub category: CategoryId,
    /// What is asked of its attributes.
    pub wishes: Vec<Wish>,
    /// How many.
    pub quantity: u32,
    /// In what state.
    pub conditions: Conditions,
    /// For how much at most, and how much of that is said.
    pub budget: Spend,
    /// Where.
    pub place: Place,
    /// How it may come into the person's hands.
    pub fulfilment: Fulfilments,
    /// By when it must be there.
    pub need_by: Option<Timestamp>,
    /// Until when offers are taken.
    pub offers_due: Timestamp,
    /// When the want ends altogether.
    pub expires: Timestamp,
    /// Offers taken in all.
    pub max_offers: u16,
    /// Offers taken from one seller.
    pub offers_per_seller: u8,
    /// Rounds of haggling.
    pub max_rounds: u8,
    /// What a seller agrees to by answering.
    pub terms: TermsSet,
    /// Strands of personal data that a seller may ask for.
    pub may_ask: Vec<Word>,
    /// What is not said to all, and from when on it may be opened.
    pub withhold: Vec<Withhold>,
    /// How long favourites have it before all others.
    pub favourites_first: Option<Seconds>,
}

impl Draft {
    /// The draft that says this intent again, until `expires`. `None` where the true ceiling is not known here.
    pub fn again(intent: &Intent, kept: &Kept, expires: Timestamp) -> Option<Self> {
        Some(Self {
            title: intent.title.clone(),
            text: intent.text.clone(),
            language: intent.language,
            category: intent.category,
            wishes: intent.wishes.to_vec(),
            quantity: intent.quantity,
            conditions: intent.conditions,
            budget: kept.spend(intent)?,
            place: intent.place,
            fulfilment: intent.fulfilment,
            need_by: intent.need_by,
            offers_due: intent.offers_due,
            expires,
            max_offers: intent.max_offers,
            offers_per_seller: intent.offers_per_seller,
            max_rounds: intent.max_rounds,
            terms: intent.terms.clone(),
            may_ask: intent.may_ask.to_vec(),
            withhold: kept.withhold(intent),
            favourites_first: None,
        })
    }

    /// The intent that this draft becomes, and what is kept beside it. `salt` gives each withheld value, by its field, a
    /// salt of its own that nobody can guess.
    ///
    /// # Errors
    /// [`Fault::Exceeded`] where a list is too long, [`Fault::Invalid`] for a budget outside the band that is said.
    pub fn addressed(
        self,
        reply: ReplyPath,
        salt: impl Fn(&str, &disclosure::Value) -> Salt,
    ) -> Result<(Intent, Kept), Fault> {
        let exceeded = |what, limit: usize| {
            move |_| Fault::Exceeded {
                what,
                limit: limit as u64,
            }
        };
        self.budget.check()?;
        let (budget, committed) = self.budget.said(|value| salt(disclosure::BUDGET, value));
        let mut withheld = Vec::new();
        let mut opened: Vec<Opened> = committed.into_iter().collect();
        for Withhold { field, stage, value } in self.withhold {
            let salt = salt(field.as_str(), &value);
            let one = Opened { field, value, salt };
            withheld.push(Withheld {
                field: one.field.clone(),
                stage,
                commitment: one.commitment(),
            });
            opened.push(one);
        }
        let kept = Kept {
            ceiling: (!matches!(budget, Budget::Public(_))).then_some(self.budget.most),
            opened: List::new(opened).map_err(exceeded("withheld fields", limits::WITHHELD))?,
        };
        let intent = Intent {
            title: self.title,
            text: self.text,
            language: self.language,
            category: self.category,
            wishes: List::new(self.wishes).map_err(exceeded("wishes", limits::ATTRIBUTES))?,
            quantity: self.quantity,
            conditions: self.conditions,
            budget,
            place: self.place,
            fulfilment: self.fulfilment,
            need_by: self.need_by,
            offers_due: self.offers_due,
            max_offers: self.max_offers,
            offers_per_seller: self.offers_per_seller,
            max_rounds: self.max_rounds,
            terms: self.terms,
            may_ask: List::new(self.may_ask).map_err(exceeded("strands", limits::STRANDS))?,
            reply,
            withheld: List::new(withheld).map_err(exceeded("withheld fields", limits::WITHHELD))?,
        };
        Ok((intent, kept))
    }
}

/// What is to be said otherwise; `None` and nothing where it stays. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The want in other words.
    pub title: Option<Title>,
    /// More of them.
    pub text: Option<Prose>,
    /// Another kind of thing.
    pub category: Option<CategoryId>,
    /// Asked of its attributes from now on, each in the place of what was asked of the same one.
    pub wishes: Vec<Wish>,
    /// Attributes of which nothing is asked any more.
    pub drop: Vec<Word>,
    /// How many.
    pub quantity: Option<u32>,
    /// In what state.
    pub conditions: Option<Conditions>,
    /// The true ceiling.
    pub budget: Option<Money>,
    /// How much of it is said; as before, where there is none.
    pub shown: Option<disclosure::Shown>,
    /// Where.
    pub place: Option<Place>,
    /// How it may come into the person's hands.
    pub fulfilment: Option<Fulfilments>,
    /// By when it must be there; `Some(None)` for any time.
    pub need_by: Option<Option<Timestamp>>,
    /// Until when offers are taken.
    pub offers_due: Option<Timestamp>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(..)")
    }
}

impl Change {
    /// The draft with this changed.
    pub fn of(self, draft: Draft) -> Draft {
        let gone = |name: &Word| self.drop.contains(name) || self.wishes.iter().any(|wish| wish.name == *name);
        let mut wishes: Vec<Wish> = draft.wishes.into_iter().filter(|wish| !gone(&wish.name)).collect();
        wishes.extend(self.wishes);
        Draft {
            title: self.title.unwrap_or(draft.title),
            text: self.text.unwrap_or(draft.text),
            category: self.category.unwrap_or(draft.category),
            wishes,
            quantity: self.quantity.unwrap_or(draft.quantity),
            conditions: self.conditions.unwrap_or(draft.conditions),
            budget: Spend {
                most: self.budget.unwrap_or(draft.budget.most),
                shown: self.shown.unwrap_or(draft.budget.shown),
            },
            place: self.place.unwrap_or(draft.place),
            fulfilment: self.fulfilment.unwrap_or(draft.fulfilment),
            need_by: self.need_by.unwrap_or(draft.need_by),
            offers_due: self.offers_due.unwrap_or(draft.offers_due),
            ..draft
        }
    }
}
