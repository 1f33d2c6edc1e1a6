//! The hard constraints, each a test over what was asked and what is offered.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    attribute::{Attribute, Comparison, Holds, Strength, Value, Wish},
    category::{CategoryId, Relation},
    id::TermsHash,
    intent::{Condition, Conditions, Intent},
    money::{Currency, Money},
    offer::{Fit, Offer},
    place::{Fulfilment, Fulfilments, Place, Reach, Serves},
    time::Timestamp,
};

/// One hard constraint with both sides of it, from which its verdict follows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", tag = "constraint")]
pub enum Test {
    /// The same currency.
    Currency {
        /// The budget's.
        asked: Currency,
        /// The landed total's.
        offered: Currency,
    },
    /// Within the budget, delivery and tax included. Of a budget that is not said nobody can say whether it is met, and
    /// that stands in no offer's way: the customer's own node knows.
    Budget {
        /// The most that may be spent, as far as it is said.
        asked: Option<Money>,
        /// The landed total.
        offered: Money,
    },
    /// Where the person is.
    Place {
        /// Where it is wanted.
        asked: Place,
        /// Where it comes to, or is to be had.
        offered: Serves,
    },
    /// One of the ways that suit the person.
    Fulfilment {
        /// The ways that suit.
        asked: Fulfilments,
        /// The way offered.
        offered: Fulfilment,
    },
    /// In time.
    NeedBy {
        /// When it must be there, if there is a when.
        asked: Option<Timestamp>,
        /// When it will be.
        offered: Timestamp,
    },
    /// As many as wanted.
    Quantity {
        /// How many are wanted.
        asked: u32,
        /// How many the lines have together.
        offered: u64,
    },
    /// In a state that suits.
    Condition {
        /// The states that suit.
        asked: Conditions,
        /// The line's.
        offered: Condition,
    },
    /// The kind of thing. A coarser word from the seller is unknown, and unknown is enough here: text decides.
    Category {
        /// What is wanted.
        asked: CategoryId,
        /// What the line is.
        offered: CategoryId,
    },
    /// An attribute that must be so.
    Attribute {
        /// What must hold.
        asked: Wish,
        /// What the line says of it.
        offered: Option<Value>,
    },
    /// An attribute that must be so, and of which the seller says openly that the line is another: another size or
    /// colour may do where nothing else is to be had, and the person decides. An attribute that is not said is no near one.
    Near {
        /// What should hold.
        asked: Wish,
        /// What the line says of it.
        offered: Option<Value>,
    },
    /// Exactly the intent's terms.
    Terms {
        /// The hash of the intent's set.
        asked: TermsHash,
        /// The hash of the set that the seller signed.
        offered: TermsHash,
    },
}

impl Test {
    /// The verdict, from both sides alone.
    pub fn holds(&self) -> Holds {
        let met = |met| if met { Holds::Met } else { Holds::Unmet };
        match self {
            Self::Currency { asked, offered } => met(asked == offered),
            Self::Budget { asked: None, .. } => Holds::Unknown,
            Self::Budget {
                asked: Some(asked),
                offered,
            } => met(asked.currency == offered.currency && offered.minor <= asked.minor),
            Self::Place { asked, offered } => match asked.covered_by(offered) {
                Reach::Covered => Holds::Met,
                Reach::TooFar { .. } | Reach::Elsewhere => Holds::Unmet,
                Reach::Unknown => Holds::Unknown,
            },
            Self::Fulfilment { asked, offered } => met(asked.contains(*offered)),
            Self::NeedBy { asked, offered } => met(asked.is_none_or(|asked| *offered <= asked)),
            Self::Quantity { asked, offered } => met(u64::from(*asked) == *offered),
            Self::Condition { asked, offered } => met(asked.has(*offered)),
            Self::Category { asked, offered } => match crate::category::relation(*asked, *offered) {
                Relation::Within => Holds::Met,
                Relation::Coarser => Holds::Unknown,
                Relation::Apart => Holds::Unmet,
            },
            Self::Attribute { asked, offered } | Self::Near { asked, offered } => match offered {
                None => Holds::Unknown,
                Some(value) => asked.holds(&[Attribute {
                    name: asked.name.clone(),
                    value: value.clone(),
                }]),
            },
            Self::Terms { asked, offered } => met(asked == offered),
        }
    }

    /// Whether the offer may pass as far as this constraint goes. An unknown is not satisfied; a category that the
    /// seller names more coarsely does not contradict, nor does a budget that is not said.
    pub fn passes(&self) -> bool {
        match self.holds() {
            Holds::Met => true,
            Holds::Unmet => matches!(self, Self::Near { .. }),
            Holds::Unknown => matches!(self, Self::Category { .. } | Self::Budget { .. }),
        }
    }

    /// What was asked, for a person.
    pub fn asked(&self) -> String {
        match self {
            Self::Currency { asked, .. } => asked.to_string(),
            Self::Budget { asked, .. } => asked.map_or_else(|| "not said".into(), |asked| format!("at most {asked}")),
            Self::Place { asked, .. } => asked.to_string(),
            Self::Fulfilment { asked, .. } => asked.to_string(),
            Self::NeedBy { asked, .. } => asked.map_or_else(|| "any time".into(), |at| format!("by {at}")),
            Self::Quantity { asked, .. } => asked.to_string(),
            Self::Condition { asked, .. } => asked.to_string(),
            Self::Category { asked, .. } => category_name(*asked),
            Self::Attribute { asked, .. } | Self::Near { asked, .. } => asked.to_string(),
            Self::Terms { asked, .. } => asked.short(),
        }
    }

    /// What is offered, for a person.
    pub fn offered(&self) -> String {
        match self {
            Self::Currency { offered, .. } => offered.to_string(),
            Self::Budget { offered, .. } => offered.to_string(),
            Self::Place { offered, .. } => offered.to_string(),
            Self::Fulfilment { offered, .. } => offered.to_string(),
            Self::NeedBy { offered, .. } => offered.to_string(),
            Self::Quantity { offered, .. } => offered.to_string(),
            Self::Condition { offered, .. } => offered.word().into(),
            Self::Category { offered, .. } => category_name(*offered),
            Self::Attribute { offered, .. } | Self::Near { offered, .. } => {
                offered.as_ref().map_or_else(|| "not said".into(), Value::to_string)
            }
            Self::Terms { offered, .. } => offered.short(),
        }
    }

    /// What is constrained, in a word.
    pub fn name(&self) -> &str {
        match self {
            Self::Currency { .. } => "currency",
            Self::Budget { .. } => "budget",
            Self::Place { .. } => "place",
            Self::Fulfilment { .. } => "fulfilment",
            Self::NeedBy { .. } => "need_by",
            Self::Quantity { .. } => "quantity",
            Self::Condition { .. } => "condition",
            Self::Category { .. } => "category",
            Self::Attribute { asked, .. } | Self::Near { asked, .. } => asked.name.as_str(),
            Self::Terms { .. } => "terms",
        }
    }
}

fn category_name(id: CategoryId) -> String {
    id.lookup()
        .map_or_else(|| id.0.to_string(), |category| category.path.to_string())
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.holds() {
            Holds::Met => "met",
            Holds::Unmet if self.passes() => "near",
            Holds::Unmet => "not met",
            Holds::Unknown => "unknown",
        };
        write!(
            f,
            "{}: asked {}, offered {}: {verdict}",
            self.name(),
            self.asked(),
            self.offered()
        )
    }
}

/// One test and its verdict, as they are shown and kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Check {
    /// Both sides.
    #[serde(flatten)]
    pub test: Test,
    /// What follows from them.
    pub verdict: Holds,
}

/// Every hard constraint of an intent held against an offer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Admission {
    /// In a fixed order.
    pub checks: Vec<Check>,
}

impl Admission {
    /// Whether the offer may answer the intent: computed from the checks' two sides, not from what was written down.
    pub fn admitted(&self) -> bool {
        self.checks.iter().all(|check| check.test.passes())
    }

    /// What stands in the way.
    pub fn failures(&self) -> impl Iterator<Item = &Test> {
        self.checks
            .iter()
            .map(|check| &check.test)
            .filter(|test| !test.passes())
    }

    /// What stands in the way, in one line for a person; empty where nothing does.
    pub fn why_not(&self) -> String {
        self.failures().map(Test::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// Whether another value may do where nothing has the one asked for: sizes and colours. A budget, a place, a date, a
/// material or a "fair trade" may not.
pub fn may_be_near(wish: &Wish) -> bool {
    let last = wish.name.as_str().rsplit('_').next().unwrap_or_default();
    wish.comparison == Comparison::Is && matches!(last, "size" | "colour" | "color" | "shade" | "frame")
}

/// Holds every hard constraint of `intent` against `offer`.
pub fn admits(intent: &Intent, offer: &Offer) -> Admission {
    let landed = offer.totals.landed();
    let mut tests = vec![
        Test::Currency {
            asked: intent.budget.currency(),
            offered: landed.currency,
        },
        Test::Budget {
            asked: intent.budget.ceiling(),
            offered: landed,
        },
        Test::Place {
            asked: intent.place,
            offered: offer.serves,
        },
        Test::Fulfilment {
            asked: intent.fulfilment,
            offered: offer.serves.mode,
        },
        Test::NeedBy {
            asked: intent.need_by,
            offered: offer.deliver_by,
        },
        Test::Quantity {
            asked: intent.quantity,
            offered: offer.lines.iter().map(|line| u64::from(line.quantity)).sum(),
        },
        Test::Terms {
            asked: intent.terms.hash(),
            offered: offer.terms,
        },
    ];
    for line in &offer.lines {
        tests.push(Test::Condition {
            asked: intent.conditions,
            offered: line.condition,
        });
        tests.push(Test::Category {
            asked: intent.category,
            offered: line.category,
        });
        for wish in intent.wishes.iter().filter(|wish| wish.strength == Strength::Must) {
            let offered = wish.find(&line.attributes).map(|attribute| attribute.value.clone());
            let asked = wish.clone();
            tests.push(match line.fit {
                Fit::Near(_) if may_be_near(wish) => Test::Near { asked, offered },
                _ => Test::Attribute { asked, offered },
            });
        }
    }
    Admission {
        checks: tests
            .into_iter()
            .map(|test| Check {
                verdict: test.holds(),
                test,
            })
            .collect(),
    }
}
