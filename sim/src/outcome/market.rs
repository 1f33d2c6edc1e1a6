//! What became of the intents.

use serde::{Deserialize, Serialize};

use super::{Latencies, summary::ratio};

/// What became of a market.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketOutcome {
    /// Each intent, in the order of casting.
    pub intents: Vec<IntentFate>,
    /// Bytes that sellers sent in offers that nobody accepted.
    pub wasted_seller_bytes: u64,
    /// Bytes that sellers sent in offers.
    pub seller_bytes: u64,
}

/// What became of one intent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentFate {
    /// Who cast it.
    pub customer: u32,
    /// When, ns.
    pub cast_ns: u64,
    /// Sellers that could have served it.
    pub sellers_able: u32,
    /// Of them, those that heard it.
    pub sellers_reached: u32,
    /// Nodes that held the intent's words, sellers or not.
    pub saw: u32,
    /// Offers that the customer took in.
    pub offers: u32,
    /// From cast to the first offer, ns.
    pub first_offer_ns: Option<u64>,
    /// From cast to the offer that was best in the end, ns.
    pub best_offer_ns: Option<u64>,
    /// What the customer would have paid, above what was agreed, minor units.
    pub surplus: Option<i64>,
}

/// A market's measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarketSummary {
    /// Intents cast.
    pub intents: u64,
    /// Share of able sellers that heard an intent, over all intents.
    pub sellers_reached: Option<f64>,
    /// Offers for each intent.
    pub offers_per_intent: Option<f64>,
    /// Share of intents that came to an agreement.
    pub match_rate: Option<f64>,
    /// From cast to the first offer.
    pub first_offer: Latencies,
    /// From cast to the best.
    pub best_offer: Latencies,
    /// Mean of what customers saved, minor units an agreement.
    pub surplus_mean: Option<f64>,
    /// Share of sellers' bytes that came to nothing.
    pub wasted_share: Option<f64>,
    /// Nodes that saw a want, the mean of all.
    pub saw_mean: Option<f64>,
}

impl MarketSummary {
    /// Of a market.
    pub fn of(market: &MarketOutcome) -> Self {
        let fates = &market.intents;
        let sum = |part: fn(&IntentFate) -> u64| fates.iter().map(part).sum::<u64>();
        let surpluses: Vec<i64> = fates.iter().filter_map(|fate| fate.surplus).collect();
        let intents = fates.len() as u64;
        Self {
            intents,
            sellers_reached: ratio(sum(|f| f.sellers_reached.into()), sum(|f| f.sellers_able.into())),
            offers_per_intent: ratio(sum(|f| f.offers.into()), intents),
            match_rate: ratio(surpluses.len() as u64, intents),
            first_offer: Latencies::of(fates.iter().filter_map(|fate| fate.first_offer_ns).collect()),
            best_offer: Latencies::of(fates.iter().filter_map(|fate| fate.best_offer_ns).collect()),
            surplus_mean: match surpluses.len() {
                0 => None,
                n => Some(surpluses.iter().map(|s| i128::from(*s)).sum::<i128>() as f64 / n as f64),
            },
            wasted_share: ratio(market.wasted_seller_bytes, market.seller_bytes),
            saw_mean: ratio(sum(|f| f.saw.into()), intents),
        }
    }
}
