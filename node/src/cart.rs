//! The cart: what its person wants, what was saved of what is offered, and what is wished for one day; worked out when
//! asked, from the market and the little that is kept beside it.

use std::collections::BTreeMap;

use intentcast_protocol::{
    id::{IntentId, OfferId},
    market::{IntentState, IntentView, OfferState, OfferView, Role},
    money::{Currency, Money},
    text::Word,
    time::{Seconds, Timestamp},
};
use serde::{Deserialize, Serialize};

use crate::want::Want;

/// What ends within this time ends soon.
const SOON: Seconds = Seconds(24 * 3600);

/// What is kept beside the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Basket {
    /// Wishes, by name.
    pub wishes: BTreeMap<Word, Want>,
    /// Offers that were saved, and when.
    pub saved: BTreeMap<OfferId, Timestamp>,
}

/// A change of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BasketChange {
    /// Keep a wish, in the place of one of the same name.
    Wish(Word, Box<Want>),
    /// Wish for it no more.
    Unwish(Word),
    /// Save an offer.
    Save(OfferId, Timestamp),
    /// Save it no more.
    Unsave(OfferId),
}

/// A want that is not cast.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Wish {
    /// What it is called.
    pub name: Word,
    /// What it says.
    pub want: Want,
}

/// An offer that was saved.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Saved {
    /// Which.
    pub id: OfferId,
    /// When.
    pub saved: Timestamp,
    /// How it stands; nothing of one that gave way to another.
    pub offer: Option<OfferView>,
}

impl Saved {
    /// What the customer would pay, while it can be accepted.
    fn price(&self) -> Option<Money> {
        let view = self.offer.as_ref().filter(|view| view.state == OfferState::Open)?;
        Some(view.offer.as_ref()?.totals.landed())
    }
}

/// What is in the cart in one currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Sum {
    /// Which.
    pub currency: Currency,
    /// What all open wants may cost at most.
    pub wanted: Money,
    /// What all saved offers that can be accepted cost.
    pub saved: Money,
    /// The same, of each want the cheapest only: one want makes one purchase.
    pub least: Money,
    /// What all wishes may cost at most.
    pub wished: Money,
}

/// Something that ends soon.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Soon {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: Ending,
}

/// What ends.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", tag = "ends")]
pub enum Ending {
    /// The time in which a want takes offers.
    OffersDue {
        /// Which.
        intent: IntentId,
    },
    /// A want.
    Intent {
        /// Which.
        intent: IntentId,
    },
    /// A saved offer.
    Offer {
        /// Which.
        offer: OfferId,
    },
}

/// The cart.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Cart {
    /// Open wants, newest first.
    pub intents: Vec<IntentView>,
    /// Saved offers, the one saved last first.
    pub offers: Vec<Saved>,
    /// Wishes, by name.
    pub wishes: Vec<Wish>,
    /// Sums, a currency each.
    pub sums: Vec<Sum>,
    /// What ends within a day, the first first.
    pub soon: Vec<Soon>,
}

impl Cart {
    /// The cart at this moment, of all wants, of what is shown of each saved offer, and of what is kept.
    pub fn of(
        now: Timestamp,
        intents: Vec<IntentView>,
        offer: impl Fn(OfferId) -> Option<OfferView>,
        basket: Basket,
    ) -> Self {
        let intents: Vec<IntentView> = intents.into_iter().filter(is_open).collect();
        let mut offers: Vec<Saved> = basket
            .saved
            .into_iter()
            .map(|(id, saved)| Saved {
                id,
                saved,
                offer: offer(id),
            })
            .collect();
        offers.sort_by_key(|saved| (std::cmp::Reverse(saved.saved), saved.id));
        let wishes: Vec<Wish> = basket
            .wishes
            .into_iter()
            .map(|(name, want)| Wish { name, want })
            .collect();
        Self {
            sums: sums(&intents, &offers, &wishes),
            soon: soon(now, &intents, &offers),
            intents,
            offers,
            wishes,
        }
    }
}

fn is_open(view: &IntentView) -> bool {
    let open = matches!(view.state, IntentState::Unheard | IntentState::Open | IntentState::Due);
    open && view.role == Role::Customer
}

/// The most that a want of ours may cost, whatever it says of that.
pub fn ceiling(view: &IntentView) -> Option<Money> {
    view.kept.ceiling.or_else(|| view.intent.budget.ceiling())
}

fn sums(intents: &[IntentView], offers: &[Saved], wishes: &[Wish]) -> Vec<Sum> {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    let mut add = |part: fn(&mut Sum) -> &mut Money, money: Money| {
        let zero = Money::zero(money.currency);
        let sum = sums.entry(money.currency.code().to_owned()).or_insert(Sum {
            currency: money.currency,
            wanted: zero,
            saved: zero,
            least: zero,
            wished: zero,
        });
        let part = part(sum);
        // Nobody has so much; a sum at its end says enough.
        *part = part.checked_add(money).unwrap_or(Money::new(i64::MAX, money.currency));
    };
    for money in intents.iter().filter_map(ceiling) {
        add(|sum| &mut sum.wanted, money);
    }
    let mut least: BTreeMap<(Option<IntentId>, String), Money> = BTreeMap::new();
    for (saved, money) in offers.iter().filter_map(|saved| Some((saved, saved.price()?))) {
        add(|sum| &mut sum.saved, money);
        let intent = saved.offer.as_ref().and_then(|view| view.intent);
        let cheapest = least.entry((intent, money.currency.code().to_owned())).or_insert(money);
        if money.minor < cheapest.minor {
            *cheapest = money;
        }
    }
    for money in least.into_values() {
        add(|sum| &mut sum.least, money);
    }
    for money in wishes.iter().filter_map(|wish| wish.want.budget.parse::<Money>().ok()) {
        add(|sum| &mut sum.wished, money);
    }
    sums.into_values().collect()
}

fn soon(now: Timestamp, intents: &[IntentView], offers: &[Saved]) -> Vec<Soon> {
    let wants = intents.iter().map(|view| match view.intent.offers_due {
        due if due > now => Soon {
            at: due,
            what: Ending::OffersDue { intent: view.id },
        },
        _ => Soon {
            at: view.expires,
            what: Ending::Intent { intent: view.id },
        },
    });
    let saved = offers.iter().filter(|saved| saved.price().is_some());
    let saved = saved.filter_map(|saved| {
        let offer = saved.offer.as_ref()?.offer.as_ref()?;
        Some(Soon {
            at: offer.valid_until,
            what: Ending::Offer { offer: saved.id },
        })
    });
    let mut soon: Vec<Soon> = wants
        .chain(saved)
        .filter(|it| it.at > now && it.at <= now.plus(SOON))
        .collect();
    soon.sort_by_key(|it| it.at);
    soon
}

#[cfg(test)]
mod tests {
    use intentcast_protocol::{
        contact::ReplyPath,
        disclosure::Salt,
        id::{RecordId, TermsHash},
        list::List,
        offer::{Offer, Seller, Totals},
        place::{Fulfilment, Serves},
    };

    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn hours(hours: u32) -> Timestamp {
        NOW.plus(Seconds(hours * 3600))
    }

    fn want(budget: &str) -> Want {
        Want {
            want: "mountain bike".into(),
            region: "GB-KHL".into(),
            budget: budget.into(),
            offers_due: Some("2h".into()),
            show_budget: Some("hidden".into()),
            ..Want::default()
        }
    }

    fn intent(number: u8, budget: &str, state: IntentState) -> IntentView {
        let (draft, _) = want(budget).draft(NOW).unwrap();
        let expires = draft.expires;
        let (intent, kept) = draft.addressed(ReplyPath::default(), |_, _| Salt([0; 32])).unwrap();
        IntentView {
            id: IntentId([number; 32]),
            role: Role::Customer,
            revision: RecordId([number; 32]),
            state,
            created: NOW,
            expires,
            intent,
            heard_by: 0,
            offers: 0,
            refused: 0,
            kept,
            renews: None,
            head_start: None,
        }
    }

    /// An offer for this price that is good for as many hours as its number says.
    fn offer(number: u8, intent: u8, price: &str, state: OfferState) -> OfferView {
        let price: Money = price.parse().unwrap();
        let region = "GB".parse().unwrap();
        OfferView {
            id: OfferId([number; 32]),
            role: Role::Customer,
            intent: Some(IntentId([intent; 32])),
            seller: None,
            at: Some(NOW),
            state,
            offer: Some(Offer {
                intent: IntentId([intent; 32]),
                revision: RecordId([intent; 32]),
                seller: Seller {
                    name: Default::default(),
                    reply: ReplyPath::default(),
                },
                lines: List::default(),
                totals: Totals {
                    currency: price.currency,
                    goods: price.minor,
                    delivery: 0,
                    tax: 0,
                    total: price.minor,
                },
                serves: Serves {
                    mode: Fulfilment::Delivery,
                    region,
                    cell: None,
                },
                deliver_by: hours(90),
                valid_until: hours(number.into()),
                held_until: None,
                returns_days: 0,
                warranty_months: 0,
                terms: TermsHash::default(),
                needs: List::default(),
            }),
            place: None,
            admission: None,
            score: None,
            delivery: None,
        }
    }

    fn cart() -> Cart {
        let intents = vec![
            intent(1, "500 GBP", IntentState::Open),
            intent(2, "150 GBP", IntentState::Unheard),
            intent(3, "900 EUR", IntentState::Due),
            intent(4, "1000 GBP", IntentState::Agreed),
        ];
        let offers = [
            offer(10, 1, "450 GBP", OfferState::Open),
            offer(11, 1, "430 GBP", OfferState::Open),
            offer(12, 2, "120 GBP", OfferState::Expired),
            offer(30, 3, "800 EUR", OfferState::Open),
        ];
        let saved = offers
            .iter()
            .map(|view| (view.id, NOW))
            .chain([(OfferId([99; 32]), NOW)]);
        let basket = Basket {
            saved: saved.collect(),
            wishes: [(Word::new("a second bike").unwrap(), want("300 GBP"))].into(),
        };
        let find = |id| offers.iter().find(|view| view.id == id).cloned();
        Cart::of(NOW, intents, find, basket)
    }

    #[test]
    fn what_a_cart_comes_to_is_told_by_currency() {
        let said: Vec<[String; 4]> = cart()
            .sums
            .iter()
            .map(|sum| [sum.wanted, sum.saved, sum.least, sum.wished].map(|money| money.to_string()))
            .collect();
        assert_eq!(said.len(), 2);
        assert_eq!(said[0], ["900.00 EUR", "800.00 EUR", "800.00 EUR", "0.00 EUR"]);
        // What is hidden from sellers counts; what can no more be accepted does not.
        assert_eq!(said[1], ["650.00 GBP", "880.00 GBP", "430.00 GBP", "300.00 GBP"]);
    }

    #[test]
    fn what_ends_within_a_day_is_told_the_first_first() {
        let ends: Vec<Timestamp> = cart().soon.iter().map(|it| it.at).collect();
        assert_eq!(ends, [hours(2), hours(2), hours(2), hours(10), hours(11)]);
    }

    #[test]
    fn what_gave_way_is_shown_as_gone_and_what_is_agreed_is_no_open_want() {
        let cart = cart();
        assert_eq!(cart.intents.len(), 3);
        let gone: Vec<OfferId> = cart
            .offers
            .iter()
            .filter(|it| it.offer.is_none())
            .map(|it| it.id)
            .collect();
        assert_eq!(gone, [OfferId([99; 32])]);
        assert_eq!(cart.wishes[0].want.budget, "300 GBP");
    }
}
