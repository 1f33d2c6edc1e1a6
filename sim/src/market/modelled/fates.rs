//! What became of the wants, out of what all nodes left behind.

use std::collections::{BTreeMap, BTreeSet};

use intentcast_protocol::{
    envelope::record_id,
    id::{IntentId, OfferId},
};

use super::{Stage, diary::Diary, properties};
use crate::attack::harvest::{self, Held};
use crate::engine::Plan;
use crate::outcome::{IntentFate, MarketOutcome, Outcome};

/// Adds what became of the market to the outcome of its run.
pub fn told(plan: &Plan, stage: &Stage, outcome: &mut Outcome) {
    let none = Diary::default();
    let diaries: Vec<&Diary> = stage.diaries.iter().map(|diary| diary.get().unwrap_or(&none)).collect();
    outcome.market = Some(market(plan, stage, &diaries));
    outcome.measures.extend(harvest(plan, stage, &diaries));
    let seen_at_once = diaries.iter().flat_map(|diary| diary.violations.iter().cloned());
    outcome.violations.extend(seen_at_once);
    outcome
        .violations
        .extend(properties::end(plan, &stage.load, &diaries, outcome.end_ns));
}

fn market(plan: &Plan, stage: &Stage, diaries: &[&Diary]) -> MarketOutcome {
    let load = &stage.load;
    let mut fates: Vec<(u32, IntentFate)> = Vec::new();
    let mut fate_of: BTreeMap<IntentId, usize> = BTreeMap::new();
    let mut accepted: BTreeSet<OfferId> = BTreeSet::new();
    for (customer, diary) in (0..).zip(diaries) {
        for cast in &diary.cast {
            fate_of.insert(cast.intent, fates.len());
            fates.push((
                cast.want,
                fate(
                    customer,
                    cast.at,
                    cast.intent,
                    load.wants[cast.want as usize].budget,
                    diary,
                ),
            ));
        }
        accepted.extend(diary.deals.iter().map(|(_, offer, _)| *offer));
    }
    let said: BTreeMap<u32, usize> = (0..plan.world.spoken.len() as u32)
        .filter_map(|place| {
            let number = plan.world.number(place);
            let intent = IntentId::from(record_id(&plan.world.spoken(number)?.bytes));
            Some((number, *fate_of.get(&intent)?))
        })
        .collect();
    let able = load.able();
    for (want, fate) in &mut fates {
        fate.sellers_able = able[*want as usize].len() as u32;
    }
    let (mut seller_bytes, mut wasted) = (0, 0);
    for (node, diary) in (0..).zip(diaries) {
        let heard: BTreeSet<usize> = diary
            .heard
            .iter()
            .filter_map(|(intent, _)| fate_of.get(intent).copied())
            .collect();
        for at in &heard {
            let (want, fate) = &mut fates[*at];
            fate.sellers_reached += u32::from(able[*want as usize].binary_search(&node).is_ok());
        }
        let saw: BTreeSet<usize> = diary
            .saw
            .iter()
            .filter_map(|message| said.get(message).copied())
            .collect();
        for at in saw.union(&heard) {
            fates[*at].1.saw += 1;
        }
        for (offer, bytes) in &diary.sent {
            seller_bytes += bytes;
            wasted += if accepted.contains(offer) { 0 } else { *bytes };
        }
    }
    fates.sort_by_key(|(want, fate)| (fate.cast_ns, *want));
    MarketOutcome {
        intents: fates.into_iter().map(|(_, fate)| fate).collect(),
        wasted_seller_bytes: wasted,
        seller_bytes,
    }
}

/// What spies hold of the wants.
fn harvest(plan: &Plan, stage: &Stage, diaries: &[&Diary]) -> BTreeMap<String, f64> {
    if stage.spies.is_empty() {
        return BTreeMap::new();
    }
    let mut wants = Vec::new();
    let mut want_of: BTreeMap<IntentId, u32> = BTreeMap::new();
    for (customer, diary) in (0..).zip(diaries) {
        for cast in &diary.cast {
            want_of.insert(cast.intent, cast.want);
            let want = cast.want;
            wants.push(Held { want, customer });
        }
    }
    let said = |message: &u32| {
        let spoken = plan.world.spoken(*message)?;
        want_of.get(&IntentId::from(record_id(&spoken.bytes))).copied()
    };
    let held = stage.spies.iter().map(|spy| {
        let diary = diaries[*spy as usize];
        let told = diary
            .heard
            .iter()
            .filter_map(|(intent, _)| want_of.get(intent).copied());
        diary.saw.iter().filter_map(said).chain(told).collect()
    });
    harvest::measures(&wants, &held.collect::<Vec<_>>())
}

/// As far as its own customer knows it.
fn fate(customer: u32, at: u64, intent: IntentId, budget: i64, diary: &Diary) -> IntentFate {
    let offers = || diary.offers.iter().filter(|(of, ..)| *of == intent);
    let came = |offer: OfferId| offers().find(|(_, id, _)| *id == offer).map(|(.., came)| came - at);
    let deal = diary
        .deals
        .iter()
        .find(|(of, ..)| *of == intent)
        .map(|(_, offer, _)| *offer);
    let best = diary.best.get(&intent).copied();
    let paid = deal.zip(diary.market.as_ref()).and_then(|(offer, market)| {
        let deals = market.agreements();
        deals
            .into_iter()
            .find(|deal| deal.offer == offer)
            .map(|deal| deal.total.minor)
    });
    IntentFate {
        customer,
        cast_ns: at,
        offers: offers().count() as u32,
        first_offer_ns: offers().map(|(.., came)| came - at).min(),
        best_offer_ns: best.and_then(came),
        surplus: paid.map(|paid| budget - paid),
        ..IntentFate::default()
    }
}
