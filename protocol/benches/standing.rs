//! How many new things a second a million standing interests can be held against on one core, beside asking each of
//! them in turn.
//!
//! `cargo bench -p intentcast-protocol --bench standing` prints what it took to keep the interests, how many items and
//! how many intents a second found those that they answer, and by how much that is faster than asking one by one, which
//! a sample of things is also done with: the two must name the same interests. `interests=N`, `things=N` and `asked=N`
//! say how many. Below [`FLOOR`] items a second it fails.
//!
//! Items are the real ones of `../shared/data/chorus` where a checkout has them beside it, else those of the demo
//! catalogue, copied with other words and numbers. An interest is made from an item like those: mostly two to four of
//! its title's words, of fifty one and of five hundred none but a category; mostly a limit of price, often a category, a region or a
//! state, now and then an attribute. One of ten is an open intent as it is. Few things are asked for often, and sold by
//! many: by Zipf's law of the exponent .7.
//!
//! A million people do not want what one shop sells: interests and items are shared out among `shops=N` such shops
//! ([`SHOPS`]), whose longer words differ and whose short ones, numbers, categories, regions and prices do not. How many
//! interests each thing answers is printed, since nobody names them in no time.
//!
//! Seconds are those that the one thread was on a core, where the system tells them: what else a machine does is no
//! property of this.

use std::{
    hint::black_box,
    process::ExitCode,
    time::{Duration, Instant},
};

#[path = "common/rows.rs"]
mod rows;

use intentcast_protocol::{
    attribute::{Comparison, Strength, Wish},
    category::GENERAL,
    contact::ReplyPath,
    intent::{Budget, Condition, Conditions, Intent, Language},
    item::{Description, Item},
    list::List,
    money::{Currency, Money},
    place::{Fulfilment, Fulfilments, Place, Region, Serves},
    standing::{Interest, Limits, Prices, Standing, Thing, Wording},
    terms::TermsSet,
    text::{Prose, Title},
    time::Timestamp,
};

use rows::{Chance, catalogue};

const INTERESTS: usize = 1_000_000;
/// Things in one measurement.
const THINGS: usize = 20_000;
/// Things that every interest is asked about.
const ASKED: usize = 8;
/// Shops whose goods they are about: one for each topic of the market.
const SHOPS: usize = 64;
/// How much more often the first are asked for than the last.
const ZIPF: f64 = 0.7;
/// Fewer items a second are a defect.
const FLOOR: f64 = 5_000.0;
/// What was hoped for.
const AIM: f64 = 15_000.0;

const REGIONS: [&str; 8] = ["GB", "GB", "GB-ENG", "GB-YOR", "GB-KHL", "GB-LEW", "DE", "FR"];

/// Chance that prefers some.
trait Taste {
    /// One of these, the first ones more often.
    fn popular<'a, T>(&mut self, all: &'a [T]) -> &'a T;
    /// Whether something happens that happens so many times of a hundred.
    fn percent(&mut self, percent: usize) -> bool;
}

impl Taste for Chance {
    fn popular<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let part = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        &all[((part.powf(1.0 / (1.0 - ZIPF)) * all.len() as f64) as usize).min(all.len() - 1)]
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

fn argument(name: &str) -> Option<usize> {
    std::env::args().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// A title that is not quite this one: another shop's, some numbers changed, and perhaps a word gone.
fn retitled(title: &Title, shops: usize, chance: &mut Chance) -> Title {
    let shop = match chance.below(shops) {
        0 => String::new(),
        shop => format!(
            "{}{}",
            (b'a' + (shop / 26) as u8) as char,
            (b'a' + (shop % 26) as u8) as char
        ),
    };
    let gone = chance.below(12);
    let words = title.as_str().split(' ').enumerate();
    let words: Vec<String> = words
        .filter(|(at, _)| *at != gone)
        .map(|(_, word)| match chance.percent(25) {
            true if word.contains(|c: char| c.is_ascii_digit()) => word
                .chars()
                .map(|c| {
                    if c.is_ascii_digit() {
                        (b'0' + chance.below(10) as u8) as char
                    } else {
                        c
                    }
                })
                .collect(),
            _ if word.len() > 3 && word.chars().all(char::is_alphabetic) => format!("{word}{shop}"),
            _ => word.to_owned(),
        })
        .collect();
    Title::lossy(&words.join(" "))
}

/// A price near this one.
fn near(price: Money, chance: &mut Chance) -> Money {
    Money::new(
        (price.minor * (60 + chance.below(90) as i64) / 100).max(1),
        price.currency,
    )
}

/// An item that is not quite one of the catalogue.
fn copy(items: &[Item], shops: usize, chance: &mut Chance) -> Item {
    let of = chance.popular(items);
    Item {
        title: retitled(&of.title, shops, chance),
        price: near(of.price, chance),
        condition: *chance.of(&[Condition::New, Condition::New, Condition::Refurbished, Condition::Used]),
        ..of.clone()
    }
}

fn region(chance: &mut Chance) -> Region {
    chance.of(&REGIONS).parse().expect("a region")
}

fn serves(chance: &mut Chance) -> Vec<Serves> {
    vec![Serves {
        region: region(chance),
        cell: None,
        mode: Fulfilment::Delivery,
    }]
}

fn some_words(title: &str, count: usize, chance: &mut Chance) -> String {
    let mut all: Vec<&str> = title.split(' ').filter(|word| word.len() > 1).collect();
    let mut words = Vec::new();
    for _ in 0..count {
        if !all.is_empty() {
            words.push(all.swap_remove(chance.below(all.len())));
        }
    }
    words.join(" ")
}

fn interest(items: &[Item], shops: usize, chance: &mut Chance) -> Interest {
    if chance.percent(10) {
        return Interest::of(&intent(items, shops, chance));
    }
    let about = chance.popular(items);
    let count = if chance.percent(2) { 1 } else { 2 + chance.below(3) };
    let words = some_words(retitled(&about.title, shops, chance).as_str(), count, chance);
    let wording = if chance.percent(25) {
        Wording::most(&words)
    } else {
        Wording::all(&words)
    };
    let near = Money::new(about.price.minor * (70 + chance.below(100) as i64) / 100, Currency::GBP);
    let prices = if chance.percent(20) {
        Prices::at_least(near)
    } else {
        Prices::at_most(near)
    };
    let wish = about.attributes.first().map(|attribute| Wish {
        name: attribute.name.clone(),
        comparison: Comparison::Is,
        value: attribute.value.clone(),
        strength: Strength::Must,
    });
    // One of five hundred waits for whatever there is of a kind somewhere.
    let wordless = chance.below(500) == 0 && about.category != GENERAL;
    Interest {
        any_of: List::cut(wording.filter(|_| !wordless)),
        limits: Limits {
            category: (wordless || chance.percent(40)).then_some(about.category),
            place: (wordless || chance.percent(40)).then(|| Place::within(region(chance))),
            fulfilment: None,
            prices: chance.percent(80).then_some(prices),
            conditions: chance.percent(30).then_some(Conditions::NEW),
            pieces: 1,
        },
        wishes: List::cut(wish.filter(|_| chance.percent(10))),
    }
}

fn intent(items: &[Item], shops: usize, chance: &mut Chance) -> Intent {
    let about = chance.popular(items);
    Intent {
        title: Title::lossy(&some_words(
            retitled(&about.title, shops, chance).as_str(),
            2 + chance.below(5),
            chance,
        )),
        text: Prose::default(),
        language: Language::ENGLISH,
        category: about.category,
        wishes: List::default(),
        quantity: 1,
        conditions: Conditions::NEW,
        budget: Budget::Public(near(about.price, chance)),
        place: Place::within(region(chance)),
        fulfilment: Fulfilments::default(),
        need_by: None,
        offers_due: Timestamp(1),
        max_offers: 8,
        offers_per_seller: 2,
        max_rounds: 0,
        terms: TermsSet::default(),
        may_ask: List::default(),
        reply: ReplyPath::default(),
        withheld: List::default(),
    }
}

/// Resident memory, bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells a process about itself");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a line of memory");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024.0
}

/// How long this thread has been on a core, where the system tells; else what the clock says.
fn on_core(since: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or(since.elapsed(), Duration::from_nanos)
}

/// How long it takes to look `things` up, each made a [`Thing`] within the time; how many names were found; and what the
/// slowest of a hundred took.
fn look<T>(standing: &Standing<u64>, things: &[T], thing: impl Fn(&T) -> Thing<'_>) -> (Duration, usize, Duration) {
    let mut found = 0;
    let mut each = Vec::with_capacity(things.len());
    let start = Instant::now();
    let before = on_core(start);
    for one in things {
        let begun = Instant::now();
        found += black_box(standing.matches(&thing(one))).len();
        each.push(begun.elapsed());
    }
    let all = on_core(start) - before;
    each.sort_unstable();
    (all, found, each[each.len() * 99 / 100])
}

fn report(what: &str, count: usize, (took, found, slow): (Duration, usize, Duration)) -> f64 {
    let rate = count as f64 / took.as_secs_f64();
    println!(
        "{what}: {rate:.0} a second, {:.1} interests answered by each, p99 {:.0} us",
        found as f64 / count as f64,
        slow.as_secs_f64() * 1e6,
    );
    rate
}

fn main() -> ExitCode {
    let count = argument("interests").unwrap_or(INTERESTS);
    let things = argument("things").unwrap_or(THINGS);
    let asked = argument("asked").unwrap_or(ASKED);
    let shops = argument("shops").unwrap_or(SHOPS).max(1);
    let (rows, name) = catalogue();
    // Interests and wants are made of titles alone.
    let bare = |item| Item {
        description: Description::default(),
        ..item
    };
    let items: Vec<Item> = rows.into_iter().map(bare).collect();
    let mut chance = Chance(7);
    println!(
        "{count} interests, made from {} items of {name} and {shops} shops",
        items.len()
    );

    let before = resident();
    let mut standing = Standing::new(count);
    let (mut kept, mut longest) = (Duration::ZERO, Duration::ZERO);
    for id in 0..count as u64 {
        let interest = interest(&items, shops, &mut chance);
        let start = Instant::now();
        standing.insert(id, &interest).expect("there is room");
        kept += start.elapsed();
        longest = longest.max(start.elapsed());
    }
    let start = Instant::now();
    standing.settle();
    kept += start.elapsed();
    longest = longest.max(start.elapsed());
    println!(
        "kept: {:.0} a second, the longest {:.0} ms; {:.0} MB resident for them, {:.0} bytes each",
        count as f64 / kept.as_secs_f64(),
        longest.as_secs_f64() * 1e3,
        (resident() - before) / 1e6,
        (resident() - before) / count as f64,
    );

    let goods: Vec<(Item, Vec<Serves>)> = (0..things)
        .map(|_| (copy(&items, shops, &mut chance), serves(&mut chance)))
        .collect();
    let wants: Vec<Intent> = (0..things).map(|_| intent(&items, shops, &mut chance)).collect();
    look(&standing, &goods[..things / 10], |(item, serves)| {
        Thing::item(item, serves)
    });
    let rate = report(
        "items",
        things,
        look(&standing, &goods, |(item, serves)| Thing::item(item, serves)),
    );
    report("intents", things, look(&standing, &wants, |want| Thing::intent(want)));

    // The same interests once more, asked one by one about the first few things.
    let mut chance = Chance(7);
    let all: Vec<Interest> = (0..count).map(|_| interest(&items, shops, &mut chance)).collect();
    let sample: Vec<Thing> = goods
        .iter()
        .take(asked)
        .map(|(item, serves)| Thing::item(item, serves))
        .collect();
    let start = Instant::now();
    let before = on_core(start);
    let mut same = true;
    for thing in &sample {
        let taken = (0..).zip(&all).filter(|(_, interest)| interest.takes(thing));
        same &= standing.matches(thing) == taken.map(|(id, _)| id).collect::<Vec<u64>>();
    }
    let one_by_one = sample.len() as f64 / (on_core(start) - before).as_secs_f64();
    println!(
        "standing ratio: {:.0} ({rate:.0} items/s against {one_by_one:.1} asking one by one; of {} the same answers: {})",
        rate / one_by_one,
        sample.len(),
        if same { "yes" } else { "NO" },
    );
    if rate < AIM {
        println!("below the aim of {AIM}");
    }
    if rate < FLOOR || !same {
        eprintln!("below the floor of {FLOOR} items a second, or not the same answers");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
