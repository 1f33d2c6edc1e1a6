//! What the hosts of an export want and sell, and when.

use crate::engine::Plan;
use crate::gossipsub::{Chance, mix2};
use crate::scenario::{Demand, Level, MarketLoad, Signatures, Topics, millis, seconds};

/// What a stream of chances is for; it only has to differ from the engine's.
const FOR_WANTS: u64 = 0x5ad0;

/// One call of `intentcast cast`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    /// By which node.
    pub by: u32,
    /// When, ns.
    pub at_ns: u64,
}

/// Both sides of the exported network, as far as the real node's command line can be told of them.
#[derive(Debug)]
pub struct Load {
    /// In the order of their times.
    pub casts: Vec<Cast>,
    /// By node.
    pub sells: Vec<bool>,
    /// What a want costs at most, and until when and how it takes offers, as flags of `cast`.
    pub flags: String,
    /// What sellers ask for the thing, minor units.
    pub price: u64,
    /// What they ask for bringing it, minor units.
    pub delivery: u64,
    /// How many of it each of them has.
    pub pieces: u32,
    /// What is not in it, a sentence each.
    pub left_out: Vec<String>,
}

impl Load {
    /// Of a run that has not begun.
    ///
    /// # Errors
    ///
    /// If the wants are such that their export would be another experiment.
    pub fn of(plan: Plan) -> Result<Self, String> {
        match plan.scenario.level {
            Level::Market => Self::of_market(&plan),
            Level::Gossip | Level::Real => Ok(Self::of_gossip(plan)),
        }
    }

    /// Each message is a want, and who listens to messages sells.
    fn of_gossip(mut plan: Plan) -> Self {
        let mut left_out = Vec::new();
        if !plan.published.is_empty() {
            left_out.push("size_bytes: a want of the real node is as large as it is".to_owned());
        }
        let topics = &mut plan.scenario.topics;
        let plain = Topics {
            listeners: topics.listeners,
            ..Topics::default()
        };
        if *topics != plain {
            left_out.push("topics: all wants are on one, and every listener listens on it".to_owned());
        }
        // The real node joins topics for the mesh's sake whether it sells or not.
        topics.backbone = 0;
        let casts = plan.published.iter().map(|message| Cast {
            by: message.node,
            at_ns: message.at_ns,
        });
        Self {
            casts: casts.collect(),
            sells: (0..plan.scenario.nodes)
                .map(|node| !plan.topics(node).is_empty())
                .collect(),
            flags: "--budget 150.00GBP".to_owned(),
            price: 12_000,
            delivery: 499,
            pieces: 2,
            left_out,
        }
    }

    fn of_market(plan: &Plan) -> Result<Self, String> {
        let (scenario, market) = (&plan.scenario, plan.scenario.market.clone().unwrap_or_default());
        if market.demand == Demand::Trace {
            return Err(
                "market.demand: a trace says what is wanted where, and all hosts of an export want one thing in one region"
                    .into(),
            );
        }
        let sellers = (f64::from(scenario.nodes) * market.sellers).round() as u32;
        let first = if sellers < scenario.nodes { sellers } else { 0 };
        let budget = money(market.budget);
        Ok(Self {
            casts: wants(plan, &market, first),
            sells: (0..scenario.nodes).map(|node| node < sellers).collect(),
            flags: format!(
                "--budget {}GBP --offers-due {}s --offers-per-seller 1 --rounds 0",
                amount(budget),
                market.open_s.ceil() as u32
            ),
            price: money(market.price),
            delivery: 0,
            pieces: market.pieces,
            left_out: told(&market),
        })
    }
}

/// What of a market no host can be told.
fn told(market: &MarketLoad) -> Vec<String> {
    let mut told = vec![
        "who sells, who wants something and when: as many, by the same law, but drawn anew; the first nodes sell",
        "categories, regions, zipf and coverage: all want and all sell one thing in one region",
        "answer_ms: the real node answers as fast as it can",
        "acceptances, and with them offer_window_s and strands: offers come, and nobody takes one",
    ];
    if market.spread > 0.0 {
        told.push("spread: every budget and every price is the mean");
    }
    if market.stock < 1.0 {
        told.push("stock: every seller has the thing");
    }
    if market.signatures == Signatures::Modelled {
        told.push("modelled signatures: the real node signs and verifies");
    }
    told.into_iter().map(str::to_owned).collect()
}

/// As many wants as the market says, of nodes from `first` on, until the run is over.
fn wants(plan: &Plan, market: &MarketLoad, first: u32) -> Vec<Cast> {
    let (scenario, end) = (&plan.scenario, plan.scenario.time.run_s.map_or(u64::MAX, seconds));
    let mut chance = Chance::of(mix2(plan.seed, FOR_WANTS), 0);
    let (mut at, mut casts) = (0_u64, Vec::new());
    while casts.len() < market.intents as usize {
        let mean_ms = match market.demand {
            Demand::Poisson | Demand::Trace => market.interval_ms,
            // At noon they are twice as many as on average, and each hour keeps its share of so many.
            Demand::Diurnal => market.interval_ms / 2.0,
        };
        at = at.saturating_add(millis(chance.exponential(mean_ms)).max(1));
        if at >= end {
            break;
        }
        if market.demand == Demand::Diurnal {
            let hour = at as f64 / (market.day_s * 1e9);
            if chance.unit() >= (1.0 - (std::f64::consts::TAU * hour).cos()) / 2.0 {
                continue;
            }
        }
        let by = first + chance.below(u64::from(scenario.nodes - first)) as u32;
        let at_ns = scenario.start_ns().saturating_add(at);
        casts.push(Cast { by, at_ns });
    }
    casts
}

/// A scenario's mean as money, minor units.
fn money(mean: f64) -> u64 {
    (mean.round() as u64).max(1)
}

/// Minor units as an amount of a currency with two decimals.
pub fn amount(minor: u64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
