//! Stories of markets on the modelled gossip.

use super::{Show, resident::Sabotage};
use crate::outcome::{MarketSummary, Outcome};
use crate::scenario::{Attack, AttackKind, Churn, MarketLoad, Partition, Scenario, Signatures};

/// A small market: a want each second and a half, for little more than a minute.
fn scenario() -> Scenario {
    let mut scenario = Scenario::parse(
        "small.toml",
        "level = \"market\"\nnodes = 60\n[time]\nwarm_up_s = 40\ncool_down_s = 60\n",
    )
    .unwrap();
    scenario.market = Some(MarketLoad {
        intents: 24,
        interval_ms: 1_500.0,
        categories: 2,
        regions: 2,
        coverage: 2,
        stock: 0.8,
        offer_window_s: 10.0,
        ..MarketLoad::default()
    });
    scenario
}

fn run(scenario: &Scenario, threads: usize) -> Outcome {
    super::run(scenario, 5, threads, &()).unwrap()
}

fn sabotaged(scenario: &Scenario, how: Sabotage) -> Vec<String> {
    let mut show = Show::of(scenario, 5).unwrap();
    std::sync::Arc::get_mut(&mut show.stage).unwrap().sabotage = Some(how);
    show.run(1, &()).violations
}

fn summary(outcome: &Outcome) -> MarketSummary {
    MarketSummary::of(outcome.market.as_ref().unwrap())
}

#[test]
fn wants_are_heard_answered_and_met() {
    let outcome = run(&scenario(), 1);
    let market = summary(&outcome);
    assert!(outcome.violations.is_empty(), "{}", outcome.violations.join("\n"));
    assert_eq!(market.intents, 24);
    assert!(market.sellers_reached.unwrap() > 0.99, "{market:?}");
    assert!(market.match_rate.unwrap() > 0.8, "{market:?}");
    assert!(market.surplus_mean.unwrap() > 0.0, "{market:?}");
    assert!(market.first_offer.p50_ms.unwrap() > 200.0, "{market:?}");
    let wasted = market.wasted_share.unwrap();
    assert!(wasted > 0.0 && wasted < 1.0, "{market:?}");
    // Each want and each word that one is met.
    let deals = (market.match_rate.unwrap() * 24.0).round() as usize;
    assert_eq!(outcome.messages.len(), 24 + deals);
    assert!(outcome.deliveries.len() as u64 > market.intents);
}

#[test]
fn any_number_of_threads_tells_the_same_history() {
    let mut scenario = scenario();
    scenario.churn = Some(Churn {
        share: 0.2,
        ..Churn::default()
    });
    let one = run(&scenario, 1);
    for threads in [2, 3] {
        let more = run(&scenario, threads);
        assert!(one == more, "{threads} threads tell another history");
    }
}

#[test]
fn wants_are_met_through_churn_and_a_partition_and_no_record_is_lost() {
    let mut scenario = scenario();
    scenario.churn = Some(Churn {
        share: 0.3,
        ..Churn::default()
    });
    scenario.partition = vec![Partition {
        start_s: 50.0,
        stop_s: 80.0,
        share: 0.4,
        regions: Vec::new(),
    }];
    scenario.time.cool_down_s = 240.0;
    let outcome = run(&scenario, 1);
    assert!(outcome.violations.is_empty(), "{}", outcome.violations.join("\n"));
    let market = summary(&outcome);
    assert!(market.match_rate.unwrap() > 0.5, "{market:?}");
}

#[test]
fn a_customer_who_spends_too_much_is_caught() {
    let wrong = sabotaged(&scenario(), Sabotage::Spend);
    assert!(wrong.iter().any(|it| it.contains("accepts offer")), "{wrong:?}");
    assert!(wrong.iter().any(|it| it.contains("has deal")), "{wrong:?}");
}

#[test]
fn a_deal_whose_records_are_lost_is_caught() {
    let wrong = sabotaged(&scenario(), Sabotage::LoseDeals);
    assert!(wrong.iter().any(|it| it.contains("without both records")), "{wrong:?}");
    assert!(
        wrong.iter().any(|it| it.contains("that its disk does not hold")),
        "{wrong:?}"
    );
}

#[test]
fn a_strand_that_leaves_without_its_agreement_is_caught() {
    let wrong = sabotaged(&scenario(), Sabotage::LoseDeals);
    assert!(wrong.iter().any(|it| it.contains("sends a strand before")), "{wrong:?}");
    assert!(
        wrong.iter().any(|it| it.contains("without an agreement before it")),
        "{wrong:?}"
    );
}

#[test]
fn a_disk_that_loses_what_was_acknowledged_is_caught() {
    let wrong = sabotaged(&scenario(), Sabotage::LoseOffers);
    assert!(
        wrong
            .iter()
            .any(|it| it.contains("acknowledges what it has not stored")),
        "{wrong:?}"
    );
    assert!(wrong.iter().any(|it| it.contains("and it is lost")), "{wrong:?}");
}

#[test]
fn a_network_that_stays_deaf_after_it_healed_is_caught() {
    let mut scenario = scenario();
    scenario.time.cool_down_s = 200.0;
    let wrong = sabotaged(&scenario, Sabotage::Deaf);
    assert!(wrong.iter().any(|it| it.contains("has heard want")), "{wrong:?}");
}

#[test]
fn a_signature_that_is_verified_once_changes_nothing_but_the_cost() {
    let mut scenario = scenario();
    let real = run(&scenario, 1);
    scenario.market.as_mut().unwrap().signatures = Signatures::Modelled;
    let modelled = run(&scenario, 1);
    assert!(real == modelled);
}

fn attacked(kind: AttackKind) -> Outcome {
    let mut scenario = scenario();
    let mut attack = Attack::of(kind);
    attack.count = Some(6);
    scenario.attack = vec![attack];
    run(&scenario, 1)
}

#[test]
fn a_flood_of_offers_takes_the_places_of_honest_ones_and_wins_nothing() {
    let (calm, flooded) = (run(&scenario(), 1), attacked(AttackKind::OfferFlood));
    assert!(flooded.violations.is_empty(), "{}", flooded.violations.join("\n"));
    let (calm, flooded) = (summary(&calm), summary(&flooded));
    let offers = |market: &MarketSummary| market.offers_per_intent.unwrap();
    assert!(offers(&flooded) > 4.0 * offers(&calm), "{flooded:?}");
    assert!(offers(&flooded) <= 64.0, "{flooded:?}");
    assert!(
        flooded.wasted_share.unwrap() > calm.wasted_share.unwrap(),
        "{flooded:?}"
    );
    assert!(flooded.match_rate.unwrap() <= calm.match_rate.unwrap(), "{flooded:?}");
}

#[test]
fn whoever_confirms_another_price_sells_nothing() {
    let outcome = attacked(AttackKind::BaitAndSwitch);
    assert!(outcome.violations.is_empty(), "{}", outcome.violations.join("\n"));
    let (calm, baited) = (summary(&run(&scenario(), 1)), summary(&outcome));
    assert_eq!(baited.match_rate, calm.match_rate, "{baited:?}");
    // Six more who offer, and whose offers come to nothing.
    assert!(
        baited.offers_per_intent.unwrap() > calm.offers_per_intent.unwrap() + 1.0,
        "{baited:?}"
    );
    assert!(baited.wasted_share.unwrap() > calm.wasted_share.unwrap(), "{baited:?}");
}

#[test]
fn spies_hold_what_they_hear_and_know_by_the_reply_path_what_is_of_one_person() {
    let outcome = attacked(AttackKind::Spies);
    assert!(outcome.violations.is_empty(), "{}", outcome.violations.join("\n"));
    let measure = |name: &str| outcome.measures[name];
    assert!(measure("harvested_by_any") > 0.95, "{:?}", outcome.measures);
    assert!(measure("harvested_by_each") > 0.9, "{:?}", outcome.measures);
    assert!(measure("harvested_linked") > 0.9, "{:?}", outcome.measures);
}
