//! A real catalogue, shared out among five shops: what the customer sees is what one index over all of it would give.
//! Slow: 19,406 items are taken in twice. Skipped where the data is not at hand.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use intentcast_node::{
    catalogue::{self, Mapping},
    driver::now,
    index::Index,
    rules_file,
    store::Store,
    want::Want,
};
use intentcast_protocol::{
    contact::ReplyPath,
    id::{IntentId, RecordId},
    item::Item,
    limits,
    market::{OfferState, OfferView},
    rules::{Asked, Quote, Rules},
    time::Timestamp,
};

use crate::{
    goods,
    member::Member,
    wait::alone,
    world::{QUIC, World, cast, offers},
};

const SHOPS: usize = 5;
/// Offers that each shop makes to one want: so many of five fit into a want's places.
const EACH: usize = 12;
/// Wants that must get offers.
const WANTS: usize = 20;

const _: () = assert!(SHOPS * EACH <= limits::OFFERS_PER_INTENT as usize);

/// A shop, by its place, and the item's number there.
type Shown = (usize, String);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The data's folder, beside the checkout or beside its parent.
fn data() -> Option<PathBuf> {
    let places = ["../../shared/data", "../shared/data"].map(|place| root().join(place).join("chorus"));
    places
        .into_iter()
        .find(|place| place.join("products.jsonl.gz").exists())
}

fn unpacked(file: &Path) -> String {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(file).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text
}

fn shop_name(at: usize) -> String {
    format!("Chorus {at}")
}

fn shop_rules(at: usize) -> String {
    goods::rules(&shop_name(at), "GB", "0.00", &format!("offers_per_intent = {EACH}"))
}

/// The dev queries with their budgets.
fn wants(data: &Path) -> Vec<Want> {
    let budgets = std::fs::read_to_string(data.join("budgets_dev.csv")).unwrap();
    let rows = budgets.lines().skip(1).filter_map(|row| {
        let (rest, cents) = row.rsplit_once(',')?;
        let (query, _) = rest.rsplit_once(',')?;
        let cents: u64 = cents.trim().parse().ok()?;
        Some((query.trim_matches('"').to_owned(), cents))
    });
    rows.map(|(query, cents)| Want {
        want: query,
        region: "GB-KHL".into(),
        budget: format!("{}.{:02} GBP", cents / 100, cents % 100),
        category: Some("electronics".into()),
        offers_per_seller: Some(EACH as u8),
        max_offers: Some(limits::OFFERS_PER_INTENT),
        ..Want::default()
    })
    .collect()
}

/// All that one index over the whole catalogue recalls and one seller's rules admit, best first; and whether that is
/// all that there is, or as much as one search may hand over.
fn one_index(index: &Index, rules: &Rules, at: Timestamp, want: &Want) -> (Vec<Quote>, bool) {
    let (draft, _) = want.draft(at).unwrap();
    let expires = draft.expires;
    let reply = ReplyPath {
        peer: intentcast_protocol::list::Bytes::new([1; 38]).unwrap(),
        ..ReplyPath::default()
    };
    let (intent, _) = draft.addressed(reply.clone(), |_, _| Default::default()).unwrap();
    let asked = Asked {
        id: IntentId::default(),
        revision: RecordId::default(),
        intent: &intent,
        expires,
    };
    let found = index.search(&intent, limits::CANDIDATES).unwrap();
    let all = found.len() < limits::CANDIDATES;
    let quotes = found
        .into_iter()
        .filter_map(|found| rules.quote(at, &asked, &found.item, found.item.stock, &reply).ok());
    let mut quotes: Vec<Quote> = quotes.collect();
    quotes.sort_by_key(|quote| {
        let item = quote.offer.lines[0].item.to_string();
        (std::cmp::Reverse(quote.score.total()), quote.offer.totals.total, item)
    });
    (quotes, all)
}

/// The best of each shop's, as the shop would send them.
fn best_of_each(quotes: &[Quote], home: &BTreeMap<String, usize>) -> BTreeMap<Shown, i64> {
    let mut taken = [0; SHOPS];
    let mut best = BTreeMap::new();
    for quote in quotes {
        let item = quote.offer.lines[0].item.to_string();
        let shop = home[&item];
        if taken[shop] < EACH {
            taken[shop] += 1;
            best.insert((shop, item), quote.score.total());
        }
    }
    best
}

/// What the customer is shown and may accept, in its order, with its points.
fn shown(views: &[OfferView]) -> Vec<(Shown, i64)> {
    let open = views.iter().filter(|view| view.state == OfferState::Open);
    open.map(|view| {
        let offer = view.offer.as_ref().unwrap();
        let shop = offer
            .seller
            .name
            .to_string()
            .strip_prefix("Chorus ")
            .unwrap()
            .parse()
            .unwrap();
        let points = view.score.as_ref().unwrap().total();
        ((shop, offer.lines[0].item.to_string()), points)
    })
    .collect()
}

/// Each shop's points, best first.
fn by_shop<'a>(shown: impl IntoIterator<Item = (&'a Shown, &'a i64)>) -> [Vec<i64>; SHOPS] {
    let mut points: [Vec<i64>; SHOPS] = Default::default();
    for ((shop, _), point) in shown {
        points[*shop].push(*point);
    }
    for points in &mut points {
        points.sort_by_key(|points| std::cmp::Reverse(*points));
    }
    points
}

/// Opens the shops, each with the rows of its brands and the mapping that says what their columns mean.
async fn open_shops(world: &World, text: &str, home: &BTreeMap<String, usize>, mapping: &Path) -> Vec<Member> {
    let mut shelves = vec![String::new(); SHOPS];
    for row in text.lines() {
        let id: serde_json::Value = serde_json::from_str(row).unwrap();
        if let Some(shop) = home.get(id["id"].as_str().unwrap_or_default()) {
            shelves[*shop].push_str(row);
            shelves[*shop].push('\n');
        }
    }
    let mut shops = Vec::new();
    for (at, shelf) in shelves.into_iter().enumerate() {
        let home = world.home(&format!("shop-{at}"));
        std::fs::create_dir_all(&home).unwrap();
        let (rows, rules) = (home.join("products.jsonl"), home.join("rules.toml"));
        std::fs::write(&rows, shelf).unwrap();
        std::fs::write(&rules, shop_rules(at)).unwrap();
        let [rows, rules, mapping] = [&*rows, &*rules, mapping].map(|path| path.to_str().unwrap());
        let args = [
            "up",
            "--listen",
            QUIC,
            "--bootstrap",
            world.address(),
            "--catalog",
            rows,
            "--map",
            mapping,
            "--rules",
            rules,
        ];
        shops.push(Member::start(&home, &args).await);
    }
    shops
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_shops_together_show_what_one_index_would() {
    let Some(data) = data() else {
        println!("skipped: the Chorus catalogue is not at hand");
        return;
    };
    let _stage = alone().await;
    let mapping = root().join("deploy/config/map-example.toml").canonicalize().unwrap();
    let items = catalogue::import(&data.join("products.jsonl.gz"), &Mapping::load(&mapping).unwrap())
        .unwrap()
        .items;
    assert!(items.len() > 19_000, "{} items", items.len());
    let home: BTreeMap<String, usize> = catalogue::shard(items.clone(), SHOPS)
        .iter()
        .enumerate()
        .flat_map(|(shop, shelf)| shelf.iter().map(move |item: &Item| (item.id.to_string(), shop)))
        .collect();
    let world = World::new().await;
    let mut shops = open_shops(&world, &unpacked(&data.join("products.jsonl.gz")), &home, &mapping).await;
    let mut customer = world.customer("customer").await;

    let store = std::sync::Arc::new(Store::in_memory().unwrap());
    store.replace_catalogue(items, now()).unwrap();
    let index = Index::in_memory(store).unwrap();
    let rules = rules_file::parse(&shop_rules(0)).unwrap();

    let (mut answered, mut cut) = (0, 0);
    for want in wants(&data) {
        if answered == WANTS {
            break;
        }
        let (quotes, all) = one_index(&index, &rules, now(), &want);
        let expected = best_of_each(&quotes, &home);
        if expected.is_empty() {
            continue;
        }
        let intent = cast(&customer, &want).await;
        let path = format!("/v1/intents/{intent}/offers");
        let what = format!("{} offers to {:?}", expected.len(), want.want);
        let due = by_shop(&expected);
        let all_here = |all: Vec<OfferView>| {
            let here = shown(&all);
            let here = by_shop(here.iter().map(|(a, b)| (a, b)));
            here.iter()
                .zip(&due)
                .all(|(here, due)| here.len() >= due.len())
                .then_some(())
        };
        customer.until(&what, &path, all_here).await;
        let seen = shown(&offers(&customer, intent).await);
        assert!(
            seen.is_sorted_by(|(_, a), (_, b)| a >= b),
            "{:?}: not best first: {seen:?}",
            want.want
        );
        if all {
            let seen: BTreeMap<Shown, i64> = seen.into_iter().collect();
            let differ: Vec<_> = seen.iter().filter(|(shown, _)| !expected.contains_key(shown)).collect();
            assert_eq!(seen.len(), expected.len(), "{:?}", want.want);
            assert!(differ.is_empty(), "{:?}: not by one index: {differ:?}", want.want);
            answered += 1;
        } else {
            // Five searches look further than one may; then what they find is as good or better, place by place.
            let (seen, expected) = (by_shop(seen.iter().map(|(a, b)| (a, b))), by_shop(&expected));
            let as_good = |(seen, expected): (&Vec<i64>, &Vec<i64>)| {
                seen.len() >= expected.len() && seen.iter().zip(expected).all(|(a, b)| a >= b)
            };
            assert!(
                seen.iter().zip(&expected).all(as_good),
                "{:?}: {seen:?} for {expected:?}",
                want.want
            );
            cut += 1;
        }
    }
    println!("{answered} wants answered as one index would, {cut} more that one search of it cannot hold");
    assert_eq!(answered, WANTS, "so many wants get offers");
    customer.is_well();
    for shop in &mut shops {
        shop.is_well();
    }
}
