//! Who wants what, when, and who sells it: settled by the scenario and the seed before the first event.
//!
//! What belongs to one seller is a pure function of the seed and its number; only the wants are a list.

use std::collections::BTreeMap;
use std::ops::Range;

use intentcast_protocol::topic::{Topic, backbone};

use super::goods::{Goods, MODELS};
use super::peers::peer_of;
use crate::gossipsub::{Chance, mix2, unit};
use crate::scenario::{AttackKind, Demand, MarketLoad, Scenario, millis, seconds};

const FOR_WANTS: u64 = 32;
const FOR_SELLING: u64 = 33;
const FOR_CELLS: u64 = 34;
const FOR_STOCK: u64 = 35;
const FOR_PRICES: u64 = 36;
const FOR_RANKS: u64 = 37;

/// Messages that may come of one want: itself, its end, and one to spare.
const MESSAGES: u32 = 3;
/// Wants of one run.
const MOST_WANTS: usize = 10_000_000;
/// No price and no budget is below this share of the mean.
const LEAST_SHARE: f64 = 0.05;

/// One want, before it is cast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Want {
    /// When it is to be cast, ns.
    pub at: u64,
    /// By whom.
    pub customer: u32,
    /// Where it belongs: category group and region group.
    pub cell: u32,
    /// Which of the cell's kinds of things.
    pub kind: u32,
    /// What may be paid at most, minor units.
    pub budget: i64,
}

/// Both sides of a market.
#[derive(Debug)]
pub struct Load {
    /// The scenario's.
    pub market: MarketLoad,
    /// What is traded.
    pub goods: Goods,
    /// Every want, in the order of their times.
    pub wants: Vec<Want>,
    seed: u64,
    nodes: u32,
    /// By honest node.
    selling: Vec<bool>,
    /// Nodes past the honest ones that sell, or say so.
    rogues: Vec<(Range<u32>, AttackKind)>,
    /// Wants of each customer, ascending.
    own: BTreeMap<u32, Vec<u32>>,
    /// Of each customer, the first of its places for messages.
    places: BTreeMap<u32, u32>,
}

impl Load {
    /// Of a scenario; reads the file that a trace is in.
    ///
    /// # Errors
    ///
    /// What is wrong with that file.
    pub fn of(scenario: &Scenario, seed: u64) -> Result<Self, String> {
        let market = scenario.market.clone().unwrap_or_default();
        let goods = Goods::of(market.categories, market.regions);
        let mut first = scenario.nodes;
        let mut rogues = Vec::new();
        for attack in &scenario.attack {
            let last = first.saturating_add(attack.nodes(scenario.nodes));
            if matches!(attack.kind, AttackKind::OfferFlood | AttackKind::BaitAndSwitch) {
                rogues.push((first..last, attack.kind));
            }
            first = last;
        }
        let mut load = Self {
            goods,
            wants: Vec::new(),
            seed,
            nodes: scenario.nodes,
            selling: selling(scenario.nodes, market.sellers, seed),
            rogues,
            own: BTreeMap::new(),
            places: BTreeMap::new(),
            market,
        };
        load.wants = load.draw(scenario)?;
        for (number, want) in (0..).zip(&load.wants) {
            load.own.entry(want.customer).or_default().push(number);
        }
        let mut place = 0;
        for (customer, wants) in &load.own {
            load.places.insert(*customer, place);
            place += MESSAGES * wants.len() as u32;
        }
        Ok(load)
    }

    /// Places for messages that all customers together need.
    pub fn all_places(&self) -> u32 {
        MESSAGES * self.wants.len() as u32
    }

    /// A node's places for messages; empty, where it wants nothing.
    pub fn places(&self, node: u32) -> Range<u32> {
        let n = MESSAGES * self.wants_of(node).len() as u32;
        self.places.get(&node).map_or(0..0, |first| *first..first + n)
    }

    /// The numbers of a node's wants.
    pub fn wants_of(&self, node: u32) -> &[u32] {
        self.own.get(&node).map_or(&[], Vec::as_slice)
    }

    /// The attack of sellers that a node belongs to.
    pub fn rogue(&self, node: u32) -> Option<AttackKind> {
        let of = self.rogues.iter().find(|(range, _)| range.contains(&node));
        of.map(|(_, kind)| *kind)
    }

    /// Whether a node sells, honestly or not.
    pub fn sells(&self, node: u32) -> bool {
        if node >= self.nodes {
            return self.rogue(node).is_some();
        }
        self.selling[node as usize]
    }

    /// The cells that a seller serves, ascending; a rogue's are all.
    pub fn cells(&self, node: u32) -> Vec<u32> {
        let mut all: Vec<u32> = (0..self.goods.cells()).collect();
        if node < self.nodes {
            let mut chance = Chance::of(mix2(self.seed, FOR_CELLS), u64::from(node));
            chance.sample(&mut all, self.market.coverage as usize);
            all.sort_unstable();
        }
        all
    }

    /// What a seller has of a kind: the model and its price, minor units. A rogue has everything, for half of what it
    /// costs.
    pub fn has(&self, node: u32, cell: u32, kind: u32) -> Option<(u32, i64)> {
        let thing = u64::from(cell) << 32 | u64::from(kind);
        let name = mix2(u64::from(node), thing);
        if self.rogue(node).is_some() {
            return Some((name as u32 % MODELS, (self.market.price / 2.0).max(1.0) as i64));
        }
        if unit(mix2(mix2(self.seed, FOR_STOCK), name)) >= self.market.stock {
            return None;
        }
        let mut chance = Chance::of(mix2(self.seed, FOR_PRICES), name);
        Some((
            chance.below(u64::from(MODELS)) as u32,
            around(&mut chance, self.market.price, self.market.spread),
        ))
    }

    /// Whether an honest seller could serve a want: it serves the cell, has the thing, and for no more than the budget.
    #[cfg(test)]
    fn is_able(&self, node: u32, want: &Want) -> bool {
        node < self.nodes
            && node != want.customer
            && self.sells(node)
            && self.cells(node).contains(&want.cell)
            && self
                .has(node, want.cell, want.kind)
                .is_some_and(|(_, price)| price <= want.budget)
    }

    /// Sellers of each want that could serve it.
    pub fn able(&self) -> Vec<Vec<u32>> {
        let mut able: Vec<Vec<u32>> = vec![Vec::new(); self.wants.len()];
        let mut in_cell: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (number, want) in (0..).zip(&self.wants) {
            in_cell.entry(want.cell).or_default().push(number);
        }
        for node in (0..self.nodes).filter(|node| self.sells(*node)) {
            for cell in self.cells(node) {
                for number in in_cell.get(&cell).into_iter().flatten() {
                    let want = &self.wants[*number as usize];
                    let price = self.has(node, cell, want.kind).map(|(_, price)| price);
                    if node != want.customer && price.is_some_and(|price| price <= want.budget) {
                        able[*number as usize].push(node);
                    }
                }
            }
        }
        able
    }

    /// Topics that a node listens on as a seller.
    pub fn listens(&self, node: u32) -> Vec<Topic> {
        if !self.sells(node) {
            return Vec::new();
        }
        self.cells(node)
            .into_iter()
            .map(|cell| self.goods.topic(cell))
            .collect()
    }

    /// Topics that it joins for the mesh's sake.
    pub fn backbone(&self, node: u32) -> [Topic; 2] {
        backbone(&peer_of::<64>(node))
    }

    fn draw(&self, scenario: &Scenario) -> Result<Vec<Want>, String> {
        let customers = self.customers();
        let market = &self.market;
        let ranks = Ranks::of(self);
        let mut chance = Chance::of(mix2(self.seed, FOR_WANTS), 0);
        let mut draw = |at: u64, cell: Option<u32>, budget: Option<i64>| {
            let customer = customers[chance.below(customers.len() as u64) as usize];
            let cell = cell.unwrap_or_else(|| ranks.one(&mut chance));
            let kind = chance.below(u64::from(self.goods.kinds_in(cell))) as u32;
            let drawn = around(&mut chance, market.budget, market.spread);
            let budget = budget.unwrap_or(drawn);
            Want {
                at: scenario.start_ns() + at,
                customer,
                cell,
                kind,
                budget,
            }
        };
        if market.demand == Demand::Trace {
            let name = market.file.as_deref().unwrap_or_default();
            let text = std::fs::read_to_string(name).map_err(|error| format!("`{name}`: {error}"))?;
            let rows = trace(&text, &self.goods).map_err(|expected| format!("`{name}`: {expected}"))?;
            let mut wants: Vec<Want> = rows
                .into_iter()
                .map(|(at, cell, budget)| draw(at, Some(cell), Some(budget)))
                .collect();
            wants.sort_by_key(|want| want.at);
            return Ok(wants);
        }
        let end = scenario.time.run_s.map_or(u64::MAX, seconds);
        let mut times = Chance::of(mix2(self.seed, FOR_WANTS), 1);
        let mut at = 0_u64;
        let mut wants = Vec::new();
        while wants.len() < market.intents as usize {
            let after = match market.demand {
                Demand::Diurnal => swinging(&mut times, at, market),
                Demand::Poisson | Demand::Trace => millis(times.exponential(market.interval_ms)),
            };
            at = at.saturating_add(after);
            if at >= end {
                break;
            }
            wants.push(draw(at, None, None));
        }
        Ok(wants)
    }

    /// Those who do not sell; all, where everybody does.
    fn customers(&self) -> Vec<u32> {
        let some: Vec<u32> = (0..self.nodes).filter(|node| !self.sells(*node)).collect();
        if some.is_empty() {
            (0..self.nodes).collect()
        } else {
            some
        }
    }
}

/// Which nodes sell: as many as the share says, drawn by the seed.
fn selling(nodes: u32, share: f64, seed: u64) -> Vec<bool> {
    let mut order: Vec<u32> = (0..nodes).collect();
    order.sort_unstable_by_key(|node| (mix2(mix2(seed, FOR_SELLING), u64::from(*node)), *node));
    let mut selling = vec![false; nodes as usize];
    for node in order.iter().take((f64::from(nodes) * share).round() as usize) {
        selling[*node as usize] = true;
    }
    selling
}

/// The next distance where demand is nothing at midnight and twice the mean at noon: candidates at twice the mean rate,
/// of which each is taken with the chance that the hour has.
fn swinging(chance: &mut Chance, from: u64, market: &MarketLoad) -> u64 {
    let day = market.day_s * 1e9;
    let mut after = 0_u64;
    loop {
        after = after.saturating_add(millis(chance.exponential(market.interval_ms / 2.0)).max(1));
        let hour = from.saturating_add(after) as f64 / day;
        let share = (1.0 - (std::f64::consts::TAU * hour).cos()) / 2.0;
        if chance.unit() < share {
            return after;
        }
    }
}

/// A number of the normal distribution around a mean (Box and Muller), whole, and never far below it.
fn around(chance: &mut Chance, mean: f64, spread: f64) -> i64 {
    let radius = (-2.0 * (1.0 - chance.unit()).ln()).sqrt();
    let normal = radius * (std::f64::consts::TAU * chance.unit()).cos();
    ((mean * (1.0 + spread * normal)).max(mean * LEAST_SHARE).round() as i64).max(1)
}

/// Cells in the order in which they are wanted, which the seed says, by Zipf's law.
struct Ranks {
    order: Vec<u32>,
    sums: Vec<f64>,
}

impl Ranks {
    fn of(load: &Load) -> Self {
        let mut order: Vec<u32> = (0..load.goods.cells()).collect();
        Chance::of(mix2(load.seed, FOR_RANKS), 0).shuffle(&mut order);
        let mut sum = 0.0;
        let sums = (1..=order.len()).map(|rank| {
            sum += (rank as f64).powf(-load.market.zipf);
            sum
        });
        Self {
            sums: sums.collect(),
            order,
        }
    }

    fn one(&self, chance: &mut Chance) -> u32 {
        let at = chance.unit() * self.sums.last().copied().unwrap_or(0.0);
        let rank = self.sums.partition_point(|sum| *sum <= at).min(self.order.len() - 1);
        self.order[rank]
    }
}

/// Rows of `at_s,category,region,budget`: seconds after the warm-up, numbers of groups from 0, minor units.
fn trace(text: &str, goods: &Goods) -> Result<Vec<(u64, u32, i64)>, String> {
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("at_s") {
            continue;
        }
        let mut cells = line.split(',').map(str::trim);
        let mut next = || cells.next().unwrap_or_default();
        let (at, category, region, budget) = (next(), next(), next(), next());
        let at: Option<f64> = at.parse().ok().filter(|at: &f64| (0.0..=1e8).contains(at));
        let cell = category
            .parse()
            .ok()
            .zip(region.parse().ok())
            .and_then(|(a, b)| goods.cell(a, b));
        let budget: Option<i64> = budget.parse().ok().filter(|budget| *budget > 0);
        match (at, cell, budget) {
            (Some(at), Some(cell), Some(budget)) if rows.len() < MOST_WANTS => rows.push((seconds(at), cell, budget)),
            _ => {
                return Err(format!(
                    "line {number}: expected `at_s,category,region,budget` with groups of this market, got `{line}`"
                ));
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(change: impl FnOnce(&mut MarketLoad)) -> Load {
        let mut scenario = Scenario::of(1_000);
        let mut market = MarketLoad {
            intents: 4_000,
            ..MarketLoad::default()
        };
        change(&mut market);
        scenario.market = Some(market);
        Load::of(&scenario, 7).unwrap()
    }

    #[test]
    fn wants_come_at_the_mean_distance_and_fall_into_cells_by_zipf() {
        let load = load(|_| {});
        let last = load.wants.last().unwrap().at - 60_000_000_000;
        let mean = last as f64 / load.wants.len() as f64 / 1e9;
        assert!((0.95..1.05).contains(&mean), "{mean}");
        let mut cells: BTreeMap<u32, u32> = BTreeMap::new();
        for want in &load.wants {
            *cells.entry(want.cell).or_default() += 1;
        }
        let mut counts: Vec<u32> = cells.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        // The 64th harmonic number is 4.74.
        let (first, second) = (f64::from(counts[0]) / 4_000.0, f64::from(counts[1]) / 4_000.0);
        assert!((first - 1.0 / 4.74).abs() < 0.02, "{first}");
        assert!((second - 0.5 / 4.74).abs() < 0.02, "{second}");
    }

    #[test]
    fn a_diurnal_market_sleeps_at_midnight() {
        let load = load(|market| {
            market.demand = Demand::Diurnal;
            market.day_s = 1_000.0;
        });
        let hour = |want: &Want| (want.at - 60_000_000_000) as f64 / 1e12 % 1.0;
        let noon = load
            .wants
            .iter()
            .filter(|want| (0.4..0.6).contains(&hour(want)))
            .count();
        let night = load
            .wants
            .iter()
            .filter(|want| !(0.1..0.9).contains(&hour(want)))
            .count();
        assert!(noon > 10 * night, "{noon} {night}");
        let mean = (load.wants.last().unwrap().at - 60_000_000_000) as f64 / 4e12;
        assert!((0.9..1.1).contains(&mean), "{mean}");
    }

    #[test]
    fn who_is_able_is_the_same_asked_either_way() {
        let load = load(|market| market.intents = 40);
        let able = load.able();
        assert!(able.iter().any(|sellers| !sellers.is_empty()));
        for (want, sellers) in load.wants.iter().zip(&able) {
            let asked: Vec<u32> = (0..1_000).filter(|node| load.is_able(*node, want)).collect();
            assert_eq!(*sellers, asked);
        }
    }

    #[test]
    fn a_share_sells_and_has_a_share_of_things_at_prices_around_the_mean() {
        let load = load(|market| market.stock = 0.25);
        let sellers: Vec<u32> = (0..1_000).filter(|node| load.sells(*node)).collect();
        assert_eq!(sellers.len(), 400);
        let prices: Vec<i64> = sellers
            .iter()
            .filter_map(|node| load.has(*node, 3, 0))
            .map(|(_, p)| p)
            .collect();
        let share = prices.len() as f64 / sellers.len() as f64;
        assert!((0.19..0.31).contains(&share), "{share}");
        let mean = prices.iter().sum::<i64>() as f64 / prices.len() as f64;
        assert!((11_000.0..13_000.0).contains(&mean), "{mean}");
    }

    #[test]
    fn a_trace_says_which_row_is_wrong() {
        let goods = Goods::of(2, 2);
        assert_eq!(
            trace("at_s,category,region,budget\n1.5,1,0,700\n", &goods).unwrap(),
            [(1_500_000_000, 2, 700)]
        );
        assert!(trace("1,1,0,700\n2,2,0,700\n", &goods).unwrap_err().contains("line 2"));
        assert!(trace("1,1,0,-3\n", &goods).is_err());
    }
}
