//! Stories of many markets.

use intentcast_protocol::{
    frame::Refusal,
    market::{Event, IntentState, Role},
};

use crate::market::{
    Weather, World, check,
    scenario::{Scale, Summary, market, relaying, selling, walk},
    shop::{draft, item, rules},
    talk::{Cheat, Said, talk},
};

fn assert_sound(summary: &Summary, seed: u64) {
    assert!(
        summary.violations.is_empty(),
        "seed {seed}: {}",
        summary.violations.join("\n")
    );
}

#[test]
fn two_markets_make_a_purchase() {
    let scale = Scale {
        nodes: 2,
        sellers: 1,
        intents: 1,
        degree: 1,
        restarts: false,
        seed: 6,
    };
    let (world, summary) = market(scale, Weather::FAIR);
    assert_sound(&summary, scale.seed);
    assert_eq!((summary.cast, summary.offers, summary.agreements), (1, 1, 1));
    let ours = world.nodes[1].market.as_ref().unwrap().agreements();
    let theirs = world.nodes[0].market.as_ref().unwrap().agreements();
    assert_eq!(ours[0].bytes_hash, theirs[0].bytes_hash);
    assert_eq!(ours[0].receipts[0].id, theirs[0].receipts[0].id);
}

#[test]
fn a_hundred_markets_agree_through_loss_copies_and_restarts_and_do_so_again() {
    let scale = Scale {
        nodes: 100,
        sellers: 40,
        intents: 40,
        degree: 6,
        restarts: true,
        seed: 11,
    };
    let (_, first) = market(scale, Weather::FOUL);
    assert_sound(&first, scale.seed);
    assert!(first.restarts > 8, "{first:?}");
    assert!(first.agreements * 10 >= first.cast * 9, "{first:?}");
    let (_, second) = market(scale, Weather::FOUL);
    assert_eq!(first, second, "the same seed, the same history");
}

#[test]
fn another_seed_is_another_history() {
    let scale = |seed| Scale {
        nodes: 6,
        sellers: 3,
        intents: 3,
        degree: 3,
        restarts: true,
        seed,
    };
    let history = |seed| market(scale(seed), Weather::FOUL).1.history;
    assert_eq!(history(1), history(1));
    assert_ne!(history(1), history(2));
}

#[test]
fn a_hundred_sellers_hear_one_want_and_all_that_have_it_answer() {
    let mut world = World::new(3, Weather::FAIR);
    for at in 0..100 {
        let title = match at % 2 {
            0 => "Tandem twin stroller",
            _ => "Rain cover",
        };
        world.add(
            selling(rules(&format!("shop {at}"))),
            vec![item("it", title, 100, None)],
        );
    }
    let customer = world.add(relaying(), Vec::new());
    world.weave(6);
    world.run(5_000);
    let want = draft(world.now(), 150);
    world.cast(customer, want);
    world.run(60_000);
    let heard = |at: &usize| {
        let events = &world.nodes[*at].events;
        events.iter().any(|event| matches!(event, Event::Heard { .. }))
    };
    assert_eq!((0..100).filter(heard).count(), 100);
    let market = world.nodes[customer].market.as_ref().unwrap();
    assert_eq!(market.intents(world.now())[0].offers, 50);
    check::at_rest(&mut world);
    assert_eq!(world.violations, Vec::<String>::new());
}

/// Walks from each of these seeds, and how many agreements, receipts after the first and restarts there were on all of
/// them.
fn walks(seeds: std::ops::Range<u64>, cheating: bool) -> (usize, usize, u64) {
    let (mut agreements, mut receipts, mut restarts) = (0, 0, 0);
    for seed in seeds {
        let (world, summary) = walk(seed, 45, cheating);
        assert_sound(&summary, seed);
        let up = world.nodes.iter().filter_map(|node| node.market.as_ref());
        let held = up.clone().flat_map(|market| market.agreements());
        let held = held.filter(|deal| deal.role == Role::Customer);
        receipts += held.map(|deal| deal.receipts.len() - 1).sum::<usize>();
        let met = up
            .flat_map(|market| market.intents(world.now()))
            .filter(|view| view.role == Role::Customer && view.state == IntentState::Agreed);
        assert_eq!(met.count(), summary.agreements);
        agreements += summary.agreements;
        restarts += summary.restarts;
    }
    (agreements, receipts, restarts)
}

// A walk on which nothing happened would hold every rule: so each ends with a count.

#[test]
fn whatever_happens_no_rule_is_broken() {
    let (agreements, receipts, restarts) = walks(0..105, false);
    assert!(
        agreements > 105 && receipts > 50 && restarts > 420,
        "{agreements} agreements, {receipts} receipts, {restarts} restarts"
    );
}

#[test]
fn whatever_a_cheat_does_no_rule_is_broken() {
    let (agreements, _, restarts) = walks(1000..1105, true);
    assert!(
        agreements > 50 && restarts > 420,
        "{agreements} agreements, {restarts} restarts"
    );
}

#[test]
fn what_a_cheat_sends_is_refused_and_shown() {
    let mut refused = std::collections::BTreeSet::new();
    for seed in 2000..2010 {
        let (world, summary) = walk(seed, 45, true);
        assert_sound(&summary, seed);
        for event in world.nodes.iter().flat_map(|node| &node.events) {
            match event {
                Event::Refused { why, .. } | Event::AcceptanceRefused { why, .. } => refused.insert(*why),
                _ => continue,
            };
        }
    }
    let expected = [
        Refusal::BadSignature,
        Refusal::NotAdmitted,
        Refusal::Terms,
        Refusal::Unknown,
        Refusal::Changed,
    ];
    for why in expected {
        assert!(refused.contains(&why), "{why:?} among {refused:?}");
    }
}

/// Conversations from each of these seeds, and what was said in all of them.
fn talks(seeds: std::ops::Range<u64>, cheat: Option<Cheat>) -> (Said, Summary) {
    let mut all = Said::default();
    let mut last = None;
    for seed in seeds {
        let (_, summary, said) = talk(seed, TALK, cheat);
        assert_sound(&summary, seed);
        all.letters += said.letters;
        all.denied += said.denied;
        all.changed += said.changed;
        all.granted += said.granted;
        all.restored += said.restored;
        last = Some(summary);
    }
    (all, last.expect("there is a seed"))
}

/// What happens on one walk of talk.
const TALK: usize = 90;

#[test]
fn whatever_two_sides_say_both_hold_the_same_and_nobody_waits_for_ever() {
    let (said, _) = talks(0..60, None);
    assert!(
        said.letters > 60 * 20 && said.denied > 60 * 4 && said.changed > 10 && said.granted > 10 && said.restored > 40,
        "{said:?}"
    );
}

#[test]
fn whatever_a_cheat_writes_nothing_against_the_rules_is_taken() {
    for (seeds, cheat) in [(1000..1030, Cheat::Shop), (2000..2030, Cheat::Customer)] {
        let (said, _) = talks(seeds, Some(cheat));
        assert!(said.letters > 30 * 10, "{cheat:?}: {said:?}");
    }
}

#[test]
fn the_same_talk_again_is_the_same_history() {
    let (first, second) = (talk(7, TALK, None), talk(7, TALK, None));
    assert_eq!((first.1, first.2), (second.1, second.2));
}
