//! A seller's rules, and what they make of an item and an intent: an offer, or the reasons against one.

use serde::{Deserialize, Serialize};

use crate::{
    attribute::Attribute,
    category::CategoryId,
    contact::ReplyPath,
    id::{IntentId, RecordId},
    intent::Intent,
    item::Item,
    limits,
    list::List,
    matching::{Admission, Score, Test, admits, alike, may_be_near, score_alike},
    money::Money,
    offer::{Fit, Line, Need, Offer, Seller, Totals},
    place::{Cell, Fulfilment, Region, Serves},
    text::{Name, Phrase, Word},
    time::{Seconds, Timestamp},
};

/// Who decides that an offer goes out.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The rules alone.
    #[default]
    Automatic,
    /// A person, asked each time.
    Ask,
    /// Nobody: the node only listens.
    Never,
}

/// One way of getting goods to people.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Where to.
    pub region: Region,
    /// Where it is to be had, for pickup.
    #[serde(default)]
    pub cell: Option<Cell>,
    /// How.
    pub mode: Fulfilment,
    /// What it costs the customer, an order.
    pub price: Money,
    /// From this much goods on it costs nothing.
    #[serde(default)]
    pub free_from: Option<Money>,
    /// Days until it is there.
    pub days: u16,
}

/// A change to the catalogue's prices.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// For which kind of thing; all, where none is named.
    #[serde(default)]
    pub category: Option<CategoryId>,
    /// Hundredths of a percent added; below zero, taken off.
    pub basis_points: i32,
}

/// How a seller answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The shop's name.
    pub shop: Name,
    /// Who decides.
    pub answer: Answer,
    /// Only these kinds of thing, and what is below them; all, where none is named.
    pub categories: Vec<CategoryId>,
    /// How goods get to people; without one, no offer.
    pub delivery: Vec<Delivery>,
    /// Changes to prices, one after the other.
    pub adjust: Vec<Adjustment>,
    /// No price goes below this share of the catalogue's, hundredths of a percent.
    pub floor_basis_points: u32,
    /// Whether a price may go down to the floor to meet a budget.
    pub meet_budget: bool,
    /// In a counter-offer the total may come down to this share of what was offered first, hundredths of a percent. At
    /// 10,000 a person answers counter-offers.
    pub haggle_basis_points: u32,
    /// Pieces kept back for the shop's own counter.
    pub reserve: u32,
    /// Offers an hour at most.
    pub offers_per_hour: u32,
    /// Offers to one intent at most; the intent may ask for fewer.
    pub offers_per_intent: u8,
    /// How alike an item must be to the want's words, percent.
    pub likeness: u8,
    /// Terms that the shop signs, by id; an intent that asks for another gets no offer.
    pub terms: Vec<String>,
    /// How long an offer stands.
    pub valid_for: Seconds,
    /// Whether stock is held for an offer while it stands.
    pub hold: bool,
    /// Days in which goods can be given back.
    pub returns_days: u16,
    /// Months of warranty.
    pub warranty_months: u16,
    /// The share of a price that is tax on top of the net, hundredths of a percent: 2000 for 20 %.
    pub tax_basis_points: u32,
    /// Personal data needed, and why.
    pub needs: Vec<Need>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            shop: Name::lossy("a shop"),
            answer: Answer::Automatic,
            categories: Vec::new(),
            delivery: Vec::new(),
            adjust: Vec::new(),
            floor_basis_points: 10_000,
            meet_budget: false,
            haggle_basis_points: 10_000,
            reserve: 0,
            offers_per_hour: 600,
            offers_per_intent: 5,
            likeness: 34,
            terms: crate::terms::roster()
                .iter()
                .map(|terms| terms.id.to_string())
                .collect(),
            valid_for: Seconds(24 * 3600),
            hold: false,
            returns_days: 14,
            warranty_months: 24,
            tax_basis_points: 2000,
            needs: Vec::new(),
        }
    }
}

/// What an offer is made from besides the rules.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The want's id.
    pub id: IntentId,
    /// Its newest record.
    pub revision: RecordId,
    /// What it says now.
    pub intent: &'a Intent,
    /// From when on nobody counts it any more.
    pub expires: Timestamp,
}

/// An offer that the rules allow, not yet signed, and why it looks as it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
    /// What would be signed.
    pub offer: Offer,
    /// What the customer's node will find.
    pub admission: Admission,
    /// What it would be worth to the customer.
    pub score: Score,
    /// What each rule did to the price.
    pub steps: Vec<String>,
}

impl Quote {
    /// Whether the item is what was asked, and not something near it.
    pub fn is_exact(&self) -> bool {
        self.offer.lines.iter().all(|line| line.fit == Fit::Exact)
    }
}

/// What is another than asked, where nothing but that stands in the way and it may be near: "size: L, not M".
fn near(admission: &Admission) -> Option<Phrase> {
    let mut said = Vec::new();
    for test in admission.failures() {
        match test {
            Test::Attribute {
                asked,
                offered: Some(offered),
            } if may_be_near(asked) => said.push(format!("{}: {offered}, not {}", asked.name, asked.value)),
            _ => return None,
        }
    }
    (!said.is_empty()).then(|| Phrase::lossy(&said.join("; ")))
}

/// Why there is no offer for an item, in words for the seller.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoQuote(pub String);

impl Rules {
    /// Whether these rules would answer the intent at all, whatever is in stock.
    ///
    /// # Errors
    /// [`NoQuote`] with the rule that stands against it.
    pub fn hears(&self, asked: &Asked) -> Result<(), NoQuote> {
        if self.answer == Answer::Never {
            return Err(NoQuote("the rules answer nothing".into()));
        }
        if let Some(unknown) = asked
            .intent
            .terms
            .iter()
            .find(|terms| !self.terms.iter().any(|id| id.eq_ignore_ascii_case(terms.id.as_str())))
        {
            return Err(NoQuote(format!("the rules do not sign the terms {}", unknown.id)));
        }
        if !asked.intent.terms.known() {
            return Err(NoQuote("the intent's terms are not the roster's text".into()));
        }
        if let Some(need) = self
            .needs
            .iter()
            .find(|need| !asked.intent.may_ask.contains(&need.strand))
        {
            return Err(NoQuote(format!(
                "the rules need {}, which the intent does not let be asked",
                need.strand
            )));
        }
        if self.delivery_for(asked.intent).is_none() {
            return Err(NoQuote("no delivery rule covers the intent's place and ways".into()));
        }
        Ok(())
    }

    /// The delivery rule that serves the place: the narrowest region, then the cheapest, then the first.
    fn delivery_for(&self, intent: &Intent) -> Option<&Delivery> {
        let currency = intent.budget.currency();
        self.delivery
            .iter()
            .filter(|rule| rule.price.currency == currency && intent.fulfilment.contains(rule.mode))
            .filter(|rule| crate::place::Reach::Covered == intent.place.covered_by(&rule.serves()))
            .min_by_key(|rule| (rule.region.subdivision.is_none(), rule.price.minor))
    }

    /// The offer that these rules make of `item`, with `left` pieces free to promise.
    ///
    /// # Errors
    /// [`NoQuote`] with what stands against it.
    pub fn quote(
        &self,
        now: Timestamp,
        asked: &Asked,
        item: &Item,
        left: Option<u32>,
        reply: &ReplyPath,
    ) -> Result<Quote, NoQuote> {
        self.hears(asked)?;
        let intent = asked.intent;
        let no = |why: String| Err(NoQuote(why));
        if !self.categories.is_empty() && !self.categories.iter().any(|ours| ours.covers(item.category)) {
            return no("its category is not one that the rules sell".into());
        }
        let currency = intent.budget.currency();
        if item.price.currency != currency {
            return no(format!(
                "its price is in {}, the budget in {currency}",
                item.price.currency
            ));
        }
        if let Some(left) = left
            && left.saturating_sub(self.reserve) < intent.quantity
        {
            return no(format!(
                "{left} left, {} in reserve, {} wanted",
                self.reserve, intent.quantity
            ));
        }
        let Some(delivery) = self.delivery_for(intent) else {
            return no("no delivery rule covers the place".into());
        };
        let mut steps = vec![format!("catalogue price {}", item.price)];
        let Some(priced) = self.price(intent, item, delivery, &mut steps) else {
            return no("the price is beyond money".into());
        };
        let Priced { unit, goods, bring } = priced;
        let Some(total) = goods.checked_add(bring) else {
            return no("the price is beyond money".into());
        };
        let tax = i128::from(total) * i128::from(self.tax_basis_points) / (10_000 + i128::from(self.tax_basis_points));
        let valid_until = now.plus(self.valid_for).min(asked.expires.plus(Seconds(24 * 3600)));
        let mut offer = Offer {
            intent: asked.id,
            revision: asked.revision,
            seller: Seller {
                name: self.shop.clone(),
                reply: reply.clone(),
            },
            lines: List::cut([Line {
                item: item.id.clone(),
                gtin: item.gtin,
                title: item.title.clone(),
                brand: item.brand.clone(),
                category: item.category,
                quantity: intent.quantity,
                unit_minor: unit,
                condition: item.condition,
                fit: Fit::Exact,
                attributes: told(intent, item),
            }]),
            totals: Totals {
                currency,
                goods,
                delivery: bring,
                tax: tax as i64,
                total,
            },
            serves: delivery.serves(),
            deliver_by: now.plus(Seconds(u32::from(delivery.days) * 24 * 3600)),
            valid_until,
            held_until: self.hold.then_some(valid_until),
            returns_days: self.returns_days,
            warranty_months: self.warranty_months,
            terms: intent.terms.hash(),
            needs: List::cut(self.needs.iter().cloned()),
        };
        let mut admission = admits(intent, &offer);
        if !admission.admitted()
            && let Some(near) = near(&admission)
        {
            let lines = offer.lines.iter().cloned();
            offer.lines = List::cut(lines.map(|line| Line {
                fit: Fit::Near(near.clone()),
                ..line
            }));
            admission = admits(intent, &offer);
        }
        if !admission.admitted() {
            return no(admission.why_not());
        }
        // A category below its root already says what the thing is; a root or none leaves that to the words.
        let named = intent
            .category
            .lookup()
            .is_some_and(|category| category.parent.is_some())
            && intent.category.covers(item.category);
        let like = alike(intent, &offer);
        if !named && like < u32::from(self.likeness) * 10 {
            return no(format!(
                "{}% like the want, the rules ask for {}%",
                like / 10,
                self.likeness
            ));
        }
        let score = score_alike(now, intent, &offer, like);
        Ok(Quote {
            offer,
            admission,
            score,
            steps,
        })
    }

    /// Unit price, goods and delivery in minor units; `None` where a sum is beyond 64 bits.
    fn price(&self, intent: &Intent, item: &Item, delivery: &Delivery, steps: &mut Vec<String>) -> Option<Priced> {
        let share =
            |minor: i64, basis_points: i64| i64::try_from(i128::from(minor) * i128::from(basis_points) / 10_000).ok();
        let quantity = i64::from(intent.quantity);
        let mut unit = item.price.minor;
        for rule in &self.adjust {
            if rule.category.is_none_or(|category| category.covers(item.category)) {
                unit = share(unit, 10_000 + i64::from(rule.basis_points))?.max(0);
                steps.push(format!("adjusted by {} basis points", rule.basis_points));
            }
        }
        let floor = share(item.price.minor, i64::from(self.floor_basis_points.min(10_000)))?;
        if unit < floor {
            unit = floor;
            steps.push("raised to the floor".into());
        }
        let bring = |goods: i64| match delivery.free_from {
            Some(free) if free.currency == item.price.currency && goods >= free.minor => 0,
            _ => delivery.price.minor.max(0),
        };
        let goods = unit.checked_mul(quantity)?;
        // A budget that is not said cannot be met by lowering a price.
        if self.meet_budget
            && let Some(ceiling) = intent.budget.ceiling()
            && goods.checked_add(bring(goods))?.checked_sub(ceiling.minor)? > 0
        {
            // Aim at what leaves room for delivery at its full price; a lower price never makes delivery cheaper.
            let lowered = ceiling
                .minor
                .checked_sub(delivery.price.minor.max(0))?
                .checked_div(quantity)?;
            if lowered >= floor && lowered < unit {
                unit = lowered;
                steps.push("lowered to meet the budget".into());
            }
        }
        let goods = unit.checked_mul(quantity)?;
        Some(Priced {
            unit,
            goods,
            bring: bring(goods),
        })
    }
}

struct Priced {
    unit: i64,
    goods: i64,
    bring: i64,
}

impl Delivery {
    /// What an offer under this rule promises.
    pub fn serves(&self) -> Serves {
        Serves {
            region: self.region,
            cell: self.cell,
            mode: self.mode,
        }
    }
}

/// The attributes that go into an offer: what the intent names first, then what the want's words touch, then the rest.
fn told(intent: &Intent, item: &Item) -> List<Attribute, { limits::ATTRIBUTES }> {
    let named: Vec<&Word> = intent
        .wishes
        .iter()
        .filter_map(|wish| wish.find(&item.attributes))
        .map(|attribute| &attribute.name)
        .collect();
    let wanted = crate::attribute::words(intent.title.as_str());
    let touched = |attribute: &Attribute| {
        let said = crate::attribute::words(&format!("{} {}", attribute.name, attribute.value));
        said.iter().any(|word| wanted.contains(word))
    };
    let mut all: Vec<&Attribute> = item.attributes.iter().collect();
    all.sort_by_key(|attribute| (!named.contains(&&attribute.name), !touched(attribute)));
    List::cut(all.into_iter().cloned())
}
