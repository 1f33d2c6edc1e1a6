//! Worlds to run: who is in them, what they do, and what came of it.

use std::collections::BTreeSet;

use intentcast_protocol::{
    id::{OfferId, hex},
    market::{Command, Config, Event, IntentState, OfferState, Role},
    money::Money,
    offer::Reason,
    receipt::OrderEvent,
    rules::Rules,
    text::{Name, Phrase},
    topic::{Topic, for_intent},
};
use serde::Serialize;

use crate::market::{
    check,
    dice::Dice,
    shop::{draft, item, rules, twin_strollers},
    world::{Weather, World},
};

/// A market of this many nodes.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Nodes in all; those that do not sell want something, in turn.
    pub nodes: usize,
    /// Nodes that sell.
    pub sellers: usize,
    /// Wants cast in all.
    pub intents: usize,
    /// Neighbours of each node, about.
    pub degree: usize,
    /// Whether nodes are killed while they trade.
    pub restarts: bool,
    /// The seed.
    pub seed: u64,
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Summary {
    /// Nodes in all.
    pub nodes: usize,
    /// Wants cast.
    pub cast: usize,
    /// Wants that sellers heard and thought of answering, counted at each seller.
    pub heard: usize,
    /// Offers that customers took in.
    pub offers: usize,
    /// Agreements that both sides hold.
    pub agreements: usize,
    /// Starts of nodes, the first ones left out.
    pub restarts: u64,
    /// Things that happened.
    pub steps: u64,
    /// Virtual time that went by, ms.
    pub virtual_ms: u64,
    /// What must never happen, and did.
    pub violations: Vec<String>,
    /// The hash of the whole history.
    pub history: String,
}

impl Summary {
    /// Of a world that has come to rest.
    pub fn of(world: &World) -> Self {
        let count = |wanted: fn(&Event) -> bool| {
            let all = world.nodes.iter().flat_map(|node| &node.events);
            all.filter(|event| wanted(event)).count()
        };
        let deals = world.nodes.iter().filter_map(|node| node.market.as_ref());
        let deals = deals.flat_map(|market| market.agreements());
        Self {
            nodes: world.nodes.len(),
            cast: count(|event| matches!(event, Event::Cast { .. })),
            heard: count(|event| matches!(event, Event::Heard { .. })),
            offers: count(|event| matches!(event, Event::Offer { .. })),
            agreements: deals.filter(|deal| deal.role == Role::Customer).count(),
            restarts: world.nodes.iter().map(|node| node.life).sum(),
            steps: world.steps(),
            virtual_ms: world.now().since(crate::market::world::START),
            violations: world.violations.clone(),
            history: hex(&world.history()),
        }
    }
}

/// The topic that the scenarios' wants are said on.
pub fn topics() -> BTreeSet<Topic> {
    for_intent(twin_strollers(), ["GB"])
}

/// A node that passes on what it hears on the scenarios' topic and sells nothing.
pub fn relaying() -> Config {
    Config {
        backbone: topics(),
        ..Config::default()
    }
}

/// A node that listens on the scenarios' topic and sells by these rules.
pub fn selling(rules: Rules) -> Config {
    Config {
        listen: topics(),
        rules: Some(rules),
        ..Config::default()
    }
}

/// A market where customers cast, wait for offers, and accept the best until one is honoured.
pub fn market(scale: Scale, weather: Weather) -> (World, Summary) {
    let mut world = World::new(scale.seed, weather);
    let mut dice = Dice::new(scale.seed ^ 0x5eed);
    let sellers = scale.sellers.min(scale.nodes);
    for at in 0..sellers {
        let stock = (at % 3 == 0).then_some(2);
        let price = 90 + dice.below(80) as i64;
        let hold = at % 4 == 0;
        let rules = Rules {
            hold,
            ..rules(&format!("shop {at}"))
        };
        world.add(selling(rules), vec![item("twin", "Tandem twin stroller", price, stock)]);
    }
    for _ in sellers..scale.nodes {
        world.add(relaying(), Vec::new());
    }
    world.weave(scale.degree);
    world.run(5_000);

    let customers: Vec<usize> = (sellers..scale.nodes).collect();
    for n in 0..scale.intents {
        if let Some(customer) = customers.get(n % customers.len().max(1)) {
            let want = draft(world.now(), 120 + dice.below(60) as i64);
            world.cast(*customer, want);
        }
        world.run(dice.between((50, 800)));
    }
    for _ in 0..12 {
        world.run(5_000);
        if scale.restarts {
            let at = dice.below(scale.nodes as u64) as usize;
            world.crash(at, dice.between((0, 3_000)));
        }
        for customer in &customers {
            accept_best(&mut world, *customer);
        }
    }
    world.calm();
    // Whoever was refused last asks the next shop, now that all can be reached.
    for customer in &customers {
        accept_best(&mut world, *customer);
    }
    world.calm();
    check::at_rest(&mut world);
    let summary = Summary::of(&world);
    (world, summary)
}

fn accept_best(world: &mut World, customer: usize) {
    let now = world.now();
    let Some(market) = &world.nodes[customer].market else {
        return;
    };
    let open = market
        .intents(now)
        .into_iter()
        .filter(|view| view.role == Role::Customer && matches!(view.state, IntentState::Open | IntentState::Due));
    let best: Vec<OfferId> = open
        .filter_map(|view| {
            let offers = market.offers(now, Some(view.id));
            let first = offers.iter().find(|offer| offer.state == OfferState::Open)?;
            Some(first.id)
        })
        .collect();
    for offer in best {
        world.command(customer, Command::Accept(offer));
    }
}

/// A small market where anything may happen at any time, `actions` times; then calm. One of its shops may cheat.
pub fn walk(seed: u64, actions: usize, cheating: bool) -> (World, Summary) {
    let mut world = World::new(seed, Weather::FOUL);
    let mut dice = Dice::new(!seed);
    for at in 0..3 {
        let rules = Rules {
            hold: dice.chance(500),
            ..rules(&format!("shop {at}"))
        };
        let items = vec![
            item("twin", "Tandem twin stroller", 80 + dice.below(60) as i64, Some(1)),
            item("side", "Side by side twin stroller", 100 + dice.below(60) as i64, None),
        ];
        world.add(selling(rules), items);
    }
    world.nodes[0].rogue = cheating;
    let customers = [3, 4];
    for _ in 3..6 {
        world.add(relaying(), Vec::new());
    }
    world.weave(3);
    world.run(3_000);
    for _ in 0..actions {
        let customer = *dice.pick(&customers).unwrap_or(&3);
        let anyone = dice.below(6) as usize;
        match dice.below(100) {
            0..12 => {
                let want = draft(world.now(), 100 + dice.below(80) as i64);
                world.cast(customer, want);
            }
            12..40 => say(&mut world, &mut dice, customer, Command::Accept),
            40..48 => say(&mut world, &mut dice, customer, |offer| {
                Command::Decline(offer, Reason::Price)
            }),
            48..54 => withdraw(&mut world, &mut dice, customer),
            54..66 => world.crash(anyone, dice.between((0, 8_000))),
            66..72 => world.fill_disk(anyone),
            72..76 => world.move_house(anyone),
            76..80 => world.cut_off((0..6).filter(|_| dice.chance(500)).collect()),
            80..84 => world.cut_off(BTreeSet::new()),
            84..96 => tell(&mut world, &mut dice, 3),
            _ => {}
        }
        world.run(dice.between((0, 4_000)));
    }
    world.calm();
    check::at_rest(&mut world);
    let summary = Summary::of(&world);
    (world, summary)
}

fn say(world: &mut World, dice: &mut Dice, customer: usize, command: impl Fn(OfferId) -> Command) {
    let now = world.now();
    let Some(market) = &world.nodes[customer].market else {
        return;
    };
    let offers: Vec<OfferId> = market.offers(now, None).iter().map(|view| view.id).collect();
    if let Some(offer) = dice.pick(&offers) {
        world.command(customer, command(*offer));
    }
}

/// A shop says something of one of its orders, likely or not.
pub(crate) fn tell(world: &mut World, dice: &mut Dice, shops: u64) {
    let shop = dice.below(shops) as usize;
    let Some(market) = &world.nodes[shop].market else {
        return;
    };
    let sold = market.agreements().into_iter().filter(|deal| deal.role == Role::Seller);
    let sold: Vec<_> = sold.map(|deal| (deal.id, deal.order.left)).collect();
    let Some((agreement, left)) = dice.pick(&sold).copied() else {
        return;
    };
    let amount = Money::new(dice.between((0, 60_00)) as i64, left.currency);
    let number = Phrase::lossy(&dice.below(1_000).to_string());
    let events = [
        OrderEvent::Paid {
            reference: number.clone(),
        },
        OrderEvent::Shipped {
            carrier: Name::lossy("Yellow Van"),
            tracking: number.clone(),
        },
        OrderEvent::Delivered,
        OrderEvent::Returned,
        OrderEvent::Refunded { amount },
        OrderEvent::Cancelled { reason: number },
    ];
    if let Some(event) = dice.pick(&events).cloned() {
        world.command(shop, Command::Receipt { agreement, event });
    }
}

fn withdraw(world: &mut World, dice: &mut Dice, customer: usize) {
    let now = world.now();
    let Some(market) = &world.nodes[customer].market else {
        return;
    };
    let intents: Vec<_> = market.intents(now).iter().map(|view| view.id).collect();
    if let Some(intent) = dice.pick(&intents) {
        world.command(customer, Command::Withdraw(*intent));
    }
}
