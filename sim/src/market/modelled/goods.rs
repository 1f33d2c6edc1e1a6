//! What is wanted and sold: kinds of things by category group, in some countries.
//!
//! All of it is of the product's own vocabulary, so that topics, places and searches are the product's as well.

use intentcast_protocol::{
    category::{self, CategoryGroup, CategoryId},
    intent::{Condition, Conditions, Intent, Language},
    item::{Description, Item},
    market::Draft,
    money::{Currency, Money},
    place::{Fulfilment, Fulfilments, Place, Region},
    rules::{Delivery, Rules},
    terms::TermsSet,
    text::{Name, Prose, Title, Word},
    time::{Seconds, Timestamp},
    topic::{RegionGroup, Topic, for_intent},
};

/// Kinds of things in each category group at most.
pub const KINDS: usize = 4;
/// Models of each kind; a seller has one of them.
pub const MODELS: u32 = 8;

/// A market's cells, category groups times region groups, and what is traded in them.
#[derive(Debug)]
pub struct Goods {
    /// Leaves of the vocabulary, by category group.
    kinds: Vec<Vec<CategoryId>>,
    regions: Vec<Region>,
    currency: Currency,
}

impl Goods {
    /// Of the first so many category groups and region groups.
    pub fn of(categories: u32, regions: u32) -> Self {
        let kinds = |group: &CategoryGroup| {
            let leaves = |depth: usize| {
                let all = category::all().filter(move |it| it.group == *group && it.depth() == depth);
                all.map(|it| it.id).take(KINDS).collect::<Vec<_>>()
            };
            let deepest = (0..=2).rev().map(leaves).find(|some| !some.is_empty());
            deepest.unwrap_or_default()
        };
        let country = |group: &RegionGroup| group.countries().find_map(|code| code.parse().ok());
        let money: Option<Money> = "1 EUR".parse().ok();
        Self {
            kinds: CategoryGroup::ALL.iter().take(categories as usize).map(kinds).collect(),
            regions: RegionGroup::ALL
                .iter()
                .take(regions as usize)
                .filter_map(country)
                .collect(),
            currency: money.expect("a euro is money").currency,
        }
    }

    /// How many cells there are.
    pub fn cells(&self) -> u32 {
        (self.kinds.len() * self.regions.len()) as u32
    }

    /// The cell of a category group and a region group, by their numbers.
    pub fn cell(&self, category: u32, region: u32) -> Option<u32> {
        let is_there = (category as usize) < self.kinds.len() && (region as usize) < self.regions.len();
        is_there.then(|| category * self.regions.len() as u32 + region)
    }

    /// Kinds of things in a cell.
    pub fn kinds_in(&self, cell: u32) -> u32 {
        self.kinds[self.split(cell).0].len() as u32
    }

    fn split(&self, cell: u32) -> (usize, usize) {
        let regions = self.regions.len();
        (cell as usize / regions, cell as usize % regions)
    }

    fn category(&self, cell: u32, kind: u32) -> CategoryId {
        self.kinds[self.split(cell).0][kind as usize]
    }

    fn region(&self, cell: u32) -> Region {
        self.regions[self.split(cell).1]
    }

    /// The topic on which a cell's wants are cast.
    pub fn topic(&self, cell: u32) -> Topic {
        let topics = for_intent(self.category(cell, 0), [self.region(cell).country.code()]);
        topics
            .first()
            .copied()
            .expect("every category and every country is in a group")
    }

    /// The cell and the kind that a want is of; none, of what is not traded here.
    pub fn of_want(&self, want: &Intent) -> Option<(u32, u32)> {
        let region = self.regions.iter().position(|region| *region == want.place.region)?;
        let found = self.kinds.iter().enumerate().find_map(|(group, kinds)| {
            let kind = kinds.iter().position(|kind| *kind == want.category)?;
            Some((group, kind as u32))
        });
        let (group, kind) = found?;
        Some((self.cell(group as u32, region as u32)?, kind))
    }

    /// So much money, minor units.
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// A want of this kind, for so much and no more, open for so long.
    pub fn draft(&self, now: Timestamp, cell: u32, kind: u32, budget: i64, open: Seconds) -> Draft {
        let category = self.category(cell, kind);
        Draft {
            title: Title::lossy(&format!("looking for {}", said(category))),
            text: Prose::default(),
            language: Language::ENGLISH,
            category,
            wishes: Vec::new(),
            quantity: 1,
            conditions: Conditions::NEW,
            budget: self.money(budget).into(),
            place: Place::within(self.region(cell)),
            fulfilment: Fulfilments::default(),
            need_by: None,
            offers_due: now.plus(open),
            expires: now.plus(open),
            max_offers: 64,
            offers_per_seller: 1,
            max_rounds: 0,
            terms: TermsSet::default(),
            may_ask: Vec::new(),
            withhold: Vec::new(),
            favourites_first: None,
        }
    }

    /// Every model of everything, each for a cent: what a shop asks for its own is on its own price list.
    pub fn catalogue(&self) -> Vec<Item> {
        let kinds = self.kinds.iter().flatten();
        kinds
            .flat_map(|category| (0..MODELS).map(|model| self.item(*category, model, 1, None)))
            .collect()
    }

    fn item(&self, category: CategoryId, model: u32, price: i64, stock: Option<u32>) -> Item {
        Item {
            id: Word::lossy(&format!("{}-{model}", category.0)),
            title: Title::lossy(&format!("{} model {model}", said(category))),
            brand: Name::lossy("Oakwheel"),
            description: Description::default(),
            gtin: None,
            category,
            price: self.money(price),
            condition: Condition::New,
            stock,
            language: Language::ENGLISH,
            attributes: Vec::new(),
        }
    }

    /// The item of a kind that is of this model.
    pub fn item_of(&self, cell: u32, kind: u32, model: u32, price: i64, stock: u32) -> Item {
        self.item(self.category(cell, kind), model, price, Some(stock))
    }

    /// A seller's rules: it delivers to the countries of its cells, for nothing.
    pub fn rules(&self, shop: &str, cells: &[u32]) -> Rules {
        let mut regions: Vec<Region> = cells.iter().map(|cell| self.region(*cell)).collect();
        regions.sort();
        regions.dedup();
        let delivery = regions.into_iter().map(|region| Delivery {
            region,
            cell: None,
            mode: Fulfilment::Delivery,
            price: self.money(0),
            free_from: None,
            days: 3,
        });
        Rules {
            shop: Name::lossy(shop),
            delivery: delivery.collect(),
            offers_per_hour: 100_000,
            offers_per_intent: 1,
            ..Rules::default()
        }
    }
}

/// A category's name in the words of the vocabulary.
fn said(category: CategoryId) -> String {
    category
        .lookup()
        .map_or_else(|| "anything".into(), |it| it.name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_a_topic_of_its_own_and_things_to_trade() {
        let goods = Goods::of(8, 8);
        assert_eq!(goods.cells(), 64);
        let topics: std::collections::BTreeSet<Topic> = (0..64).map(|cell| goods.topic(cell)).collect();
        assert_eq!(topics.len(), 64);
        assert!((0..64).all(|cell| goods.kinds_in(cell) >= 1));
    }
}
