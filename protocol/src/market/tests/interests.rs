//! What a seller waits for, and what it is told.

use super::*;
use crate::standing::Sought;

fn named(name: &str) -> Word {
    Word::new(name).unwrap()
}

fn twins_in_london() -> Sought {
    Sought {
        any_of: List::cut([Title::new("twin stroller").unwrap()]),
        region: Some("GB-ENG".parse().unwrap()),
        over: Some("100 GBP".parse().unwrap()),
        ..Sought::default()
    }
}

fn waits(node: &mut Node, name: &str, sought: Sought) -> Result<Answered, Denied> {
    node.command(NOW, Command::Await(named(name), Some(Box::new(sought))))
}

fn told(node: &mut Node) -> Vec<(IntentId, Vec<Word>)> {
    let events = std::mem::take(&mut node.events).into_iter();
    let met = events.filter_map(|event| match event {
        Event::Met { intent, interests } => Some((intent, interests)),
        _ => None,
    });
    met.collect()
}

/// A node that neither sells nor buys.
fn bystander() -> Node {
    Node::new("bystander", Config::default(), Vec::new())
}

#[test]
fn who_waits_for_a_want_is_told_of_it_and_may_look_at_it() {
    let (mut customer, mut shop) = (Node::customer(), bystander());
    waits(&mut shop, "twins", twins_in_london()).unwrap();
    let dearer = Sought {
        over: Some("151 GBP".parse().unwrap()),
        ..twins_in_london()
    };
    waits(&mut shop, "dear twins", dearer).unwrap();
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut shop]);
    assert_eq!(told(&mut shop), [(intent, vec![named("twins")])]);
    let view = shop.market.intent(NOW, intent).unwrap();
    assert_eq!((view.intent.title.as_str(), view.offers), ("a stroller for twins", 0));
    assert!(shop.sends.is_empty() && shop.disk.is_empty(), "nothing follows from it");
}

#[test]
fn it_is_told_of_what_was_open_before_it_waited() {
    let (mut customer, mut shop) = (Node::customer(), bystander());
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut shop]);
    assert!(told(&mut shop).is_empty());
    waits(&mut shop, "twins", twins_in_london()).unwrap();
    assert_eq!(told(&mut shop), [(intent, vec![named("twins")])]);
}

#[test]
fn what_is_waited_for_no_more_is_not_told_of() {
    let (mut customer, mut shop) = (Node::customer(), bystander());
    waits(&mut shop, "twins", twins_in_london()).unwrap();
    shop.command(NOW, Command::Await(named("twins"), None)).unwrap();
    customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut shop]);
    assert!(told(&mut shop).is_empty());
}

#[test]
fn it_waits_on_after_a_restart_and_not_for_its_own_wants() {
    let (mut customer, mut shop) = (Node::customer(), bystander());
    shop.config.interests.insert(named("twins"), twins_in_london());
    shop.restart(NOW);
    shop.cast(draft());
    assert!(told(&mut shop).is_empty());
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut shop]);
    assert_eq!(told(&mut shop), [(intent, vec![named("twins")])]);
}

#[test]
fn it_listens_where_such_wants_are_said_and_no_longer_than_it_waits() {
    let mut market = Market::new(crate::keys::Seed::new([1; 32]), Config::default());
    let mut joined = BTreeSet::new();
    let mut give = |command| {
        market.handle(NOW, Input::Command(Request(0), command));
        while let Some(output) = market.poll() {
            match output {
                Output::Subscribe(topic) => assert!(joined.insert(topic)),
                Output::Unsubscribe(topic) => assert!(joined.remove(&topic)),
                _ => {}
            }
        }
        joined.clone()
    };
    let filed = Sought {
        category: Some(crate::category::resolve("baby/strollers").unwrap().id),
        ..twins_in_london()
    };
    let topics = give(Command::Await(named("filed"), Some(Box::new(filed))));
    let names: Vec<String> = topics.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.iter().all(|name| name.ends_with("/europe-west")), "{names:?}");
    let unfiled = give(Command::Await(named("unfiled"), Some(Box::new(twins_in_london()))));
    assert_eq!(unfiled.len(), 8, "every group of the region");
    assert_eq!(give(Command::Await(named("unfiled"), None)), topics);
    assert!(give(Command::Await(named("filed"), None)).is_empty());
}

#[test]
fn nobody_waits_for_everything() {
    let mut shop = bystander();
    let denied = waits(&mut shop, "all", Sought::default()).unwrap_err();
    assert_eq!(denied, Denied::Unclear(crate::standing::SoughtError::Everything));
    assert!(shop.market.interests.is_empty());
}
