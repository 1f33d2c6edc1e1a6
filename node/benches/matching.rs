//! How fast and how well a catalogue is searched within limits of price, category, state and region, beside SQLite's
//! FTS5 with the same limits and the same depth, on one core and in the same run.
//!
//! `cargo bench -p intentcast-node --bench matching` prints for each size the time an import takes, the memory and disk
//! that it leaves, p50, p95 and p99 of a search and how many a second there are, for both, and the ratios.
//! `sizes=20000,200000,1000000` says how many items, `searches=N` how many searches. Where `../shared/data/chorus` is
//! there it also prints NDCG@10 of both on its judged queries, and the items are its own and copies with other words and
//! numbers; else those of the demo catalogue.

#![allow(clippy::unwrap_used, reason = "a panic is how a bench fails")]

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

#[path = "../../protocol/benches/common/rows.rs"]
mod rows;

use intentcast_node::{
    catalogue::{SHIPS_TO, ships_to},
    index::{Filters, Index},
    store::Store,
};
use intentcast_protocol::{
    attribute::{Attribute, Value},
    category::{self, CategoryId, GENERAL, Relation},
    codec,
    intent::{Condition, Conditions},
    item::Item,
    money::Money,
    text::{Phrase, Title, Word},
    time::Timestamp,
};
use rusqlite::{Connection, params, params_from_iter, types::Value as Sql};

use rows::{Chance, catalogue, data};

const SIZES: [usize; 3] = [20_000, 200_000, 1_000_000];
const SEARCHES: usize = 500;
const DEPTH: usize = 10;
/// Where items are sent, and where they are wanted.
const REGIONS: [&str; 6] = ["GB", "GB-YOR", "GB-LEW", "DE", "FR", "US"];
/// Of FTS5's columns title, brand, description, attributes, names of the category.
const WEIGHTS: &str = "4.0, 2.0, 2.0, 0.5, 1.0";

fn argument(name: &str) -> Option<String> {
    std::env::args().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

/// The items and as many copies with other numbers, prices and states as it takes, one word of the title gone from each.
fn perturbed(items: &[Item], count: usize) -> Vec<Item> {
    let mut chance = Chance(11);
    let mut all: Vec<Item> = items.iter().take(count).cloned().collect();
    while all.len() < count {
        let of = &items[all.len() % items.len()];
        let gone = chance.below(10);
        let words = of.title.as_str().split(' ').enumerate();
        let title: Vec<String> = words
            .filter(|(at, _)| *at != gone)
            .map(
                |(_, word)| match word.contains(|c: char| c.is_ascii_digit()) && chance.below(2) == 0 {
                    true => word.replace(|c: char| c.is_ascii_digit(), &chance.below(10).to_string()),
                    false => word.to_owned(),
                },
            )
            .collect();
        let mut attributes = of.attributes.clone();
        attributes.retain(|attribute| attribute.name.as_str() != SHIPS_TO);
        attributes.insert(0, sent_to(chance.of::<&str>(&REGIONS)));
        all.push(Item {
            attributes,
            id: Word::lossy(&format!("{}-{}", all.len(), of.id)),
            title: Title::lossy(&title.join(" ")),
            price: Money::new(
                (of.price.minor * (60 + chance.below(90) as i64) / 100).max(1),
                of.price.currency,
            ),
            condition: *chance.of(&[Condition::New, Condition::New, Condition::Refurbished, Condition::Used]),
            ..of.clone()
        });
    }
    all
}

fn sent_to(region: &str) -> Attribute {
    Attribute {
        name: Word::lossy(SHIPS_TO),
        value: Value::Text(Phrase::lossy(region)),
    }
}

/// Resident memory, bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

/// Bytes of the files below a folder.
fn bytes(dir: &Path) -> f64 {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => bytes(&entry.path()),
            false => entry.metadata().unwrap().len() as f64,
        })
        .sum()
}

/// One search.
struct Search {
    text: String,
    filters: Filters,
}

/// Two to four words of an item's title, up to a price somewhat above its own; every second in its category.
fn searches(items: &[Item], count: usize) -> Vec<Search> {
    let mut chance = Chance(5);
    let search = |number: usize| {
        let about = chance.of(items);
        let mut words: Vec<&str> = about.title.as_str().split(' ').filter(|word| word.len() > 1).collect();
        let mut text = Vec::new();
        for _ in 0..2 + chance.below(3) {
            if !words.is_empty() {
                text.push(words.swap_remove(chance.below(words.len())));
            }
        }
        let filters = Filters {
            currency: Some(about.price.currency),
            ceiling: Some(Money::new(about.price.minor * 5 / 4 + 1, about.price.currency)),
            category: number.is_multiple_of(2).then_some(about.category),
            conditions: Some(Conditions::of(&[about.condition]).unwrap()),
            region: Some(
                ships_to(about)
                    .unwrap_or_default()
                    .first()
                    .copied()
                    .unwrap_or_else(|| "GB".parse().unwrap()),
            ),
        };
        Search {
            text: text.join(" "),
            filters,
        }
    };
    (0..count).map(search).collect()
}

/// SQLite with the same catalogue.
struct Sqlite(Connection);

impl Sqlite {
    fn of(items: &[Item], file: &Path) -> Self {
        let mut db = Connection::open(file).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA cache_size = -262144; PRAGMA mmap_size = 8589934592;")
            .unwrap();
        db.execute_batch(
            "CREATE TABLE items (number INTEGER PRIMARY KEY, id TEXT, price INTEGER, currency TEXT, category INTEGER,
                                 condition INTEGER, region TEXT, item BLOB);
             CREATE VIRTUAL TABLE texts USING fts5(title, brand, description, attributes, kind, content='',
                                                   tokenize='porter unicode61 remove_diacritics 2');",
        )
        .unwrap();
        db.execute(
            &format!("INSERT INTO texts (texts, rank) VALUES ('rank', 'bm25({WEIGHTS})')"),
            [],
        )
        .unwrap();
        let all = db.transaction().unwrap();
        {
            let mut row = all
                .prepare("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                .unwrap();
            let mut text = all
                .prepare(
                    "INSERT INTO texts (rowid, title, brand, description, attributes, kind) VALUES (?, ?, ?, ?, ?, ?)",
                )
                .unwrap();
            for (number, item) in (1_i64..).zip(items) {
                row.execute(params![
                    number,
                    item.id.as_str(),
                    item.price.minor,
                    item.price.currency.code(),
                    item.category.0,
                    item.condition as i64,
                    ships_to(item)
                        .unwrap_or_default()
                        .first()
                        .map(|region| region.to_string()),
                    codec::encode(item),
                ])
                .unwrap();
                let attributes: Vec<String> = item
                    .attributes
                    .iter()
                    .map(|a| format!("{} {}", a.name.as_str().replace('_', " "), a.value))
                    .collect();
                let kind = item.category.lookup().map_or_else(String::new, |known| {
                    format!("{} {}", known.name, known.synonyms.join(" "))
                });
                text.execute(params![
                    number,
                    item.title.as_str(),
                    item.brand.as_str(),
                    item.description.as_str(),
                    attributes.join(" "),
                    kind,
                ])
                .unwrap();
            }
        }
        all.commit().unwrap();
        db.execute("INSERT INTO texts (texts) VALUES ('optimize')", []).unwrap();
        Self(db)
    }

    fn bytes(&self) -> f64 {
        let number = |pragma: &str| self.0.query_row(pragma, [], |row| row.get::<_, i64>(0)).unwrap() as f64;
        number("PRAGMA page_count") * number("PRAGMA page_size")
    }

    /// Any of the words, the best first, within the filters; the items themselves are read, as ours are.
    fn search(&self, search: &Search) -> Vec<String> {
        let words: Vec<String> = search
            .text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| format!("\"{word}\""))
            .collect();
        if words.is_empty() {
            return Vec::new();
        }
        let mut sql = "SELECT items.id, items.item FROM texts JOIN items ON items.number = texts.rowid \
                       WHERE texts MATCH ?"
            .to_owned();
        let mut given = vec![Sql::from(words.join(" OR "))];
        let filters = &search.filters;
        if let Some(currency) = filters.currency {
            sql.push_str(" AND items.currency = ?");
            given.push(currency.code().to_owned().into());
        }
        if let Some(ceiling) = filters.ceiling {
            sql.push_str(" AND items.price <= ?");
            given.push(ceiling.minor.into());
        }
        if let Some(states) = filters.conditions {
            let states: Vec<String> = states.list().iter().map(|state| (*state as i64).to_string()).collect();
            sql.push_str(&format!(" AND items.condition IN ({})", states.join(", ")));
        }
        if let Some(asked) = filters.category.filter(|asked| *asked != GENERAL) {
            let suits =
                |offered: CategoryId| asked.covers(offered) || category::relation(asked, offered) != Relation::Apart;
            let suiting = category::all()
                .filter(|known| suits(known.id))
                .map(|known| known.id.0.to_string());
            let suiting: Vec<String> = suiting.collect();
            sql.push_str(&format!(" AND items.category IN ({})", suiting.join(", ")));
        }
        if let Some(here) = filters.region {
            // No item here names two regions.
            let country = here.country.to_string();
            sql.push_str(" AND (items.region IS NULL OR items.region IN (?, ?)");
            given.extend([Sql::from(here.to_string()), Sql::from(country.clone())]);
            if here.subdivision.is_none() {
                sql.push_str(" OR items.region LIKE ?");
                given.push(format!("{country}-%").into());
            }
            sql.push(')');
        }
        sql.push_str(&format!(" ORDER BY texts.rank LIMIT {DEPTH}"));
        let mut statement = self.0.prepare_cached(&sql).unwrap();
        let rows = statement
            .query_map(params_from_iter(given), |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .unwrap();
        rows.map(|row| row.unwrap().0).collect()
    }
}

fn ours(index: &Index, search: &Search) -> Vec<String> {
    let found = index.search_text(&search.text, &search.filters, DEPTH).unwrap();
    found.iter().map(|found| found.item.id.to_string()).collect()
}

/// Milliseconds of each search, in order of size, and the items found in all.
fn timed(searches: &[Search], mut run: impl FnMut(&Search) -> Vec<String>) -> (Vec<f64>, usize) {
    let mut found = 0;
    for search in searches.iter().take(20) {
        run(search);
    }
    let mut times: Vec<f64> = searches
        .iter()
        .map(|search| {
            let start = Instant::now();
            found += run(search).len();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times, found)
}

/// Prints one line and gives the searches a second.
fn told(what: &str, (times, found): &(Vec<f64>, usize)) -> f64 {
    let at = |of_hundred: usize| times[(times.len() * of_hundred / 100).min(times.len() - 1)];
    let rate = times.len() as f64 * 1e3 / times.iter().sum::<f64>();
    println!(
        "  {what}: p50 {:.2} ms, p95 {:.2}, p99 {:.2}; {rate:.0} searches/s; {:.1} found by each",
        at(50),
        at(95),
        at(99),
        *found as f64 / times.len() as f64,
    );
    rate
}

/// The judged queries: for each the grades of its items.
fn judged(data: &Path) -> BTreeMap<String, BTreeMap<String, i32>> {
    let mut all: BTreeMap<String, BTreeMap<String, i32>> = BTreeMap::new();
    let rows = std::fs::read_to_string(data.join("ratings_dev.csv")).unwrap();
    for row in rows.lines().skip(1) {
        let mut parts = row.rsplitn(3, ',');
        let grade = parts.next().unwrap().trim().parse().unwrap();
        let id = parts.next().unwrap().to_owned();
        let query = parts.next().unwrap().trim_matches('"').to_owned();
        all.entry(query).or_default().insert(id, grade);
    }
    all
}

/// The mean NDCG@10, gain 2^grade - 1, unjudged 0.
fn ndcg(judged: &BTreeMap<String, BTreeMap<String, i32>>, mut run: impl FnMut(&Search) -> Vec<String>) -> f64 {
    let gain = |(place, grade): (usize, i32)| (2f64.powi(grade) - 1.0) / (place as f64 + 2.0).log2();
    let mut sum = 0.0;
    for (query, grades) in judged {
        let search = Search {
            text: query.clone(),
            filters: Filters::default(),
        };
        let found = run(&search);
        let got: f64 = found
            .iter()
            .map(|id| grades.get(id).copied().unwrap_or(0))
            .enumerate()
            .map(gain)
            .sum();
        let mut best: Vec<i32> = grades.values().copied().collect();
        best.sort_unstable_by(|a, b| b.cmp(a));
        let best: f64 = best.into_iter().take(DEPTH).enumerate().map(gain).sum();
        sum += if best > 0.0 { got / best } else { 0.0 };
    }
    sum / judged.len() as f64
}

fn measure(items: Vec<Item>, searches: &[Search], quality: Option<&BTreeMap<String, BTreeMap<String, i32>>>) {
    let count = items.len();
    println!("{count} items");
    let dir = tempfile::tempdir().unwrap();
    let (before, start) = (resident(), Instant::now());
    let sqlite = Sqlite::of(&items, &dir.path().join("sqlite"));
    let (sqlite_took, sqlite_memory) = (start.elapsed(), resident() - before);
    let (before, start) = (resident(), Instant::now());
    let store = Arc::new(Store::open(dir.path()).unwrap());
    store.replace_catalogue(items, Timestamp(1)).unwrap();
    let stored = start.elapsed();
    let index = Index::open(dir.path().join("index"), store).unwrap();
    let (took, memory) = (start.elapsed(), resident() - before);
    println!(
        "  import: ours {:.0} items/s, {:.0} MB resident, {:.0} MB of index, {:.0} of the time for it; SQLite {:.0} items/s, {:.0} MB \
         resident, {:.0} MB of pages",
        count as f64 / took.as_secs_f64(),
        memory / 1e6,
        bytes(&dir.path().join("index")) / 1e6,
        1.0 - stored.as_secs_f64() / took.as_secs_f64(),
        count as f64 / sqlite_took.as_secs_f64(),
        sqlite_memory / 1e6,
        sqlite.bytes() / 1e6,
    );
    let ours_rate = told("ours", &timed(searches, |search| ours(&index, search)));
    let sqlite_rate = told("SQLite", &timed(searches, |search| sqlite.search(search)));
    println!("  matching ratio at {count}: {:.1}", ours_rate / sqlite_rate);
    if let Some(judged) = quality {
        println!(
            "  NDCG@10 of {} judged queries: ours {:.3}, SQLite {:.3}",
            judged.len(),
            ndcg(judged, |search| ours(&index, search)),
            ndcg(judged, |search| sqlite.search(search)),
        );
    }
}

fn main() {
    // `cargo bench NAME` runs every bench with the name.
    let mut names = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-') && !arg.contains('='))
        .peekable();
    if names.peek().is_some() && !names.any(|name| "matching".contains(&name)) {
        return;
    }
    let sizes = argument("sizes").map_or_else(
        || SIZES.to_vec(),
        |sizes| sizes.split(',').map(|size| size.parse().unwrap()).collect(),
    );
    let count = argument("searches").map_or(SEARCHES, |count| count.parse().unwrap());
    let (rows, name) = catalogue();
    // Each id once.
    let items: BTreeMap<Word, Item> = rows.into_iter().map(|item| (item.id.clone(), item)).collect();
    let items: Vec<Item> = items.into_values().collect();
    println!("{} items of {name}; SQLite {}", items.len(), rusqlite::version());
    let judged = data().map(|data| judged(&data));
    for size in sizes {
        let all = perturbed(&items, size);
        let searches = searches(&all, count.max(1));
        // Copies are not judged, so quality is measured where nearly all are the shop's own.
        let real = size <= items.len() + items.len() / 10;
        measure(all, &searches, judged.as_ref().filter(|_| real));
    }
}
