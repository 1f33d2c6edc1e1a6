//! One catalogue among several shops, for trying a market without several catalogues.

use intentcast_protocol::{id::digest, item::Item, money::Money};

/// Chance, in percent, that a shop holds what another shop is at home with.
const SHARED_PERCENT: u64 = 45;
/// How far a shop's prices lie from the catalogue's at most, hundredths of a percent.
const SPREAD: u64 = 800;

/// A number that the same words give on every machine.
fn dice(what: &str, words: &[&str]) -> u64 {
    let words: Vec<u8> = words.iter().flat_map(|word| [word.as_bytes(), &[0]].concat()).collect();
    let hash = digest("intentcast/1/shard", &[what.as_bytes(), &[0], &words]);
    u64::from_be_bytes(hash[..8].try_into().expect("a digest has 32 bytes"))
}

/// The shop that an item's brand is at home in; without a brand, the item.
fn home(item: &Item, shops: u64) -> u64 {
    let word = if item.brand.is_empty() {
        item.id.as_str()
    } else {
        item.brand.as_str()
    };
    dice("home", &[word]) % shops
}

/// `items` among `shops` shops, whole brands together; each item in one shop.
pub fn shard(items: Vec<Item>, shops: usize) -> Vec<Vec<Item>> {
    let mut shelves = vec![Vec::new(); shops];
    for item in items {
        if shops > 0 {
            shelves[home(&item, shops as u64) as usize].push(item);
        }
    }
    shelves
}

/// `items` among `shops` shops that compete: each item in its brand's shop and, by chance, in others, at a price of
/// each shop's own within 8 % of the catalogue's. Ids stay.
pub fn shard_demo(items: &[Item], shops: usize) -> Vec<Vec<Item>> {
    let mut shelves = vec![Vec::new(); shops];
    for (at, shelf) in shelves.iter_mut().enumerate() {
        let shop = at.to_string();
        shelf.extend(items.iter().filter_map(|item| {
            let id = item.id.as_str();
            let ours = home(item, shops as u64) == at as u64;
            let held = ours || dice("held", &[&shop, id]) % 100 < SHARED_PERCENT;
            held.then(|| Item {
                price: priced(item.price, dice("price", &[&shop, id])),
                ..item.clone()
            })
        }));
    }
    shelves
}

/// A price within [`SPREAD`] of `price`, ending as shops let prices end.
fn priced(price: Money, dice: u64) -> Money {
    let (least, most) = (share(price.minor, 10_000 - SPREAD), share(price.minor, 10_000 + SPREAD));
    let minor = share(price.minor, 10_000 - SPREAD + dice % (2 * SPREAD + 1));
    // .99 or .50 where a pound is little; the last digit 9 where it is much; nothing where neither fits the spread.
    let endings: [(i64, &[i64]); 2] = [(100, &[99, 50]), (10, &[9])];
    let two_decimals = price.currency.exponent() == 2;
    let ended = endings.into_iter().filter(|_| two_decimals).find_map(|(step, ends)| {
        let whole = minor - minor.rem_euclid(step);
        let around = [whole.saturating_sub(step), whole, whole.saturating_add(step)];
        let candidates = around
            .into_iter()
            .flat_map(|whole| ends.iter().map(move |end| whole.saturating_add(*end)));
        candidates
            .filter(|near| (least..=most).contains(near))
            .min_by_key(|near| near.abs_diff(minor))
    });
    Money {
        minor: ended.unwrap_or(minor).max(1),
        ..price
    }
}

fn share(minor: i64, basis_points: u64) -> i64 {
    i64::try_from(i128::from(minor) * i128::from(basis_points) / 10_000).unwrap_or(i64::MAX)
}
