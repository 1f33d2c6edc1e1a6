//! A small market in which people talk: every kind of letter, right and wrong, said at any time by either side.

mod moves;

use std::collections::BTreeSet;

use intentcast_protocol::{
    market::{About, Command, Role, ThreadView},
    rules::Rules,
    text::Word,
    time::Seconds,
};

use crate::market::{
    check,
    dice::Dice,
    scenario::{Summary, relaying, selling, tell},
    shop::{draft, item, rules},
    world::{Weather, World},
};
use moves::{Due, Move};

const SELLERS: usize = 2;
const CUSTOMERS: [usize; 2] = [2, 3];
const NODES: usize = 5;

/// What was said on a walk, to see that it led somewhere.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Said {
    /// Letters that customers hold, both sides' together.
    pub letters: usize,
    /// Moves against the rules, each of which was denied.
    pub denied: usize,
    /// Deals that were changed by both.
    pub changed: usize,
    /// Strands that were granted.
    pub granted: usize,
    /// Times that a node went on from an older backup.
    pub restored: usize,
}

/// Who changes what it sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cheat {
    /// One of the two shops.
    Shop,
    /// One of the two customers.
    Customer,
}

/// Walks on: `actions` things happen, most of them letters; then all is calm, and whatever waits for somebody's word
/// gets it. One of them may cheat.
pub fn talk(seed: u64, actions: usize, cheat: Option<Cheat>) -> (World, Summary, Said) {
    let mut world = World::new(seed, Weather::FOUL);
    let mut dice = Dice::new(seed ^ 0x7a1c);
    let mut said = Said::default();
    for at in 0..SELLERS {
        let rules = Rules {
            hold: dice.chance(500),
            // At one shop in two a person answers counter-offers.
            haggle_basis_points: if dice.chance(500) { 8_500 } else { 10_000 },
            ..rules(&format!("shop {at}"))
        };
        let stock = dice.chance(500).then_some(2);
        let items = vec![
            item("twin", "Tandem twin stroller", 80 + dice.below(40) as i64, stock),
            item("side", "Side by side twin stroller", 90 + dice.below(40) as i64, None),
        ];
        world.add(selling(rules), items);
    }
    for _ in SELLERS..NODES {
        world.add(relaying(), Vec::new());
    }
    match cheat {
        None => {}
        Some(Cheat::Shop) => world.nodes[0].rogue = true,
        Some(Cheat::Customer) => world.nodes[CUSTOMERS[0]].rogue = true,
    }
    world.weave(3);
    world.run(2_000);
    for customer in CUSTOMERS {
        cast(&mut world, &mut dice, customer);
    }
    world.run(6_000);
    for _ in 0..actions {
        let customer = *dice.pick(&CUSTOMERS).unwrap_or(&CUSTOMERS[0]);
        let anyone = dice.below(NODES as u64) as usize;
        match dice.below(100) {
            0..3 => cast(&mut world, &mut dice, customer),
            3..8 => accept(&mut world, &mut dice, customer),
            8..9 => withdraw(&mut world, &mut dice, customer),
            9..15 => world.crash(anyone, dice.between((0, 8_000))),
            15..18 => world.fill_disk(anyone),
            18..21 => world.move_house(anyone),
            21..23 => world.cut_off((0..NODES).filter(|_| dice.chance(500)).collect()),
            23..27 => world.cut_off(BTreeSet::new()),
            27..31 => tell(&mut world, &mut dice, SELLERS as u64),
            31..33 => said.restored += usize::from(cheat.is_none() && world.restore(anyone)),
            33..39 => begin(&mut world, &mut dice, &mut said),
            _ => go_on(&mut world, &mut dice, &mut said),
        }
        world.run(dice.between((0, 2_500)));
    }
    world.calm();
    answer_all(&mut world, &mut said);
    check::at_rest(&mut world);
    for at in CUSTOMERS {
        for thread in threads(&world, at) {
            said.letters += thread.letters.len();
            said.changed += thread.deal.map_or(0, |deal| deal.changes.len());
            said.granted += thread.grants.len();
        }
    }
    let summary = Summary::of(&world);
    (world, summary, said)
}

fn cast(world: &mut World, dice: &mut Dice, customer: usize) {
    let mut want = draft(world.now(), 100 + dice.below(80) as i64);
    want.max_rounds = dice.below(4) as u8;
    want.max_offers = *dice.pick(&[1, 2, 64]).unwrap_or(&64);
    want.may_ask = vec![Word::lossy("address.delivery"), Word::lossy("contact.email")];
    if dice.chance(200) {
        // The time for offers is soon over; what is said about those that came in goes on.
        want.offers_due = world.now().plus(Seconds(40));
    }
    world.cast(customer, want);
}

fn threads(world: &World, at: usize) -> Vec<ThreadView> {
    let market = world.nodes[at].market.as_ref();
    market.map_or_else(Vec::new, |market| market.threads(world.now()))
}

fn accept(world: &mut World, dice: &mut Dice, customer: usize) {
    let Some(market) = &world.nodes[customer].market else {
        return;
    };
    let offers: Vec<_> = market.offers(world.now(), None).iter().map(|view| view.id).collect();
    if let Some(offer) = dice.pick(&offers) {
        world.command(customer, Command::Accept(*offer));
    }
}

fn withdraw(world: &mut World, dice: &mut Dice, customer: usize) {
    let Some(market) = &world.nodes[customer].market else {
        return;
    };
    let intents: Vec<_> = market.intents(world.now()).iter().map(|view| view.id).collect();
    if let Some(intent) = dice.pick(&intents) {
        world.command(customer, Command::Withdraw(*intent));
    }
}

/// A first word: about an offer, or as a seller about a want.
fn begin(world: &mut World, dice: &mut Dice, said: &mut Said) {
    let at = dice.below(4) as usize;
    let now = world.now();
    let Some(market) = &world.nodes[at].market else { return };
    let offers = market.offers(now, None);
    let wants = CUSTOMERS
        .iter()
        .filter_map(|customer| world.nodes[*customer].market.as_ref());
    let wants: Vec<_> = wants
        .flat_map(|market| market.intents(now))
        .map(|view| view.id)
        .collect();
    let opening = match (dice.pick(&offers), dice.pick(&wants)) {
        (Some(offer), _) if dice.chance(700) => moves::about_offer(dice, now, offer),
        (_, Some(want)) => moves::about_want(dice, *want),
        _ => return,
    };
    make(world, at, opening, said);
}

/// The next word of a conversation.
fn go_on(world: &mut World, dice: &mut Dice, said: &mut Said) {
    let at = dice.below(4) as usize;
    let threads = threads(world, at);
    let Some(thread) = dice.pick(&threads) else {
        return begin(world, dice, said);
    };
    let mut all = if dice.chance(250) {
        moves::against_the_rules(dice, world.now(), thread)
    } else if dice.chance(450) {
        moves::answers(dice, world.now(), thread)
    } else {
        Vec::new()
    };
    if all.is_empty() {
        all = moves::ideas(dice, world.now(), thread);
    }
    if !all.is_empty() {
        let next = all.swap_remove(dice.below(all.len() as u64) as usize);
        make(world, at, next, said);
    }
}

/// Carries a move out, and looks whether the machine thinks of it as we do.
fn make(world: &mut World, at: usize, next: Move, said: &mut Said) {
    if world.nodes[at].market.is_none() {
        return;
    }
    let ours = |world: &World| {
        let ours = threads(world, at);
        let count = |it: &ThreadView| it.letters.iter().filter(|letter| letter.from == it.role).count();
        ours.iter().map(count).sum::<usize>()
    };
    let (before, put_off) = (ours(world), is_unsure(world, at, &next.command));
    let told = format!("{:?}", next.command);
    world.command(at, next.command);
    if world.nodes[at].market.is_none() {
        return;
    }
    let written = ours(world) > before;
    let wrong = match next.due {
        // A cheat's conversation ends where its cheating was refused.
        Due::Must if !written && !world.nodes[at].rogue && !put_off => {
            format!("node {at} may not say what it should: {told}: {}", world.denied())
        }
        Due::MustNot if written => format!("node {at} may say what it should not: {told}"),
        _ => {
            said.denied += usize::from(next.due == Due::MustNot);
            return;
        }
    };
    world.violations.push(wrong);
}

/// Whether what a node would say waits until the other side has brought what was lost here.
fn is_unsure(world: &World, at: usize, command: &Command) -> bool {
    let Some(market) = &world.nodes[at].market else {
        return false;
    };
    market.unsure().iter().any(|waiting| match command {
        Command::Say {
            about: About::Thread(id),
            ..
        } => (waiting.intent, waiting.seller) == (id.intent, id.seller),
        _ => true,
    })
}

/// There is nothing that nobody can answer: whoever is waited for says something, until nothing waits.
fn answer_all(world: &mut World, said: &mut Said) {
    let mut dice = Dice::new(world.steps());
    for _ in 0..4 {
        for at in 0..SELLERS + CUSTOMERS.len() {
            for thread in threads(world, at) {
                // Each answer leaves fewer to give; those that are made out at once are of one view.
                for answer in moves::answers(&mut dice, world.now(), &thread) {
                    if answer.closes {
                        make(world, at, answer, said);
                    }
                }
            }
        }
        world.run(4 * 60_000);
    }
    let mut open = Vec::new();
    for at in 0..SELLERS + CUSTOMERS.len() {
        for thread in threads(world, at) {
            // What is waited for where one of the two cheats may have been lost to the cheating.
            let honest = !world.is_cheated(thread.intent, thread.seller);
            let waits = moves::answers(&mut dice, world.now(), &thread)
                .into_iter()
                .find(|it| it.closes);
            if let Some(waits) = waits.filter(|_| honest) {
                open.push(format!("node {at} is still waited for: {:?}", waits.command));
            }
            let asked = |what| thread.letters.iter().filter(|letter| letter.what == what).count();
            if honest && thread.role == Role::Customer && asked("rating_asked") != asked("rating_given") {
                open.push(format!("node {at} asked for a rating ticket and has none"));
            }
        }
    }
    world.violations.extend(open);
}
