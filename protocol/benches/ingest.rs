//! How much of a core's time for an intent is its signature: intents judged and admitted by a market, against bare
//! strict verifications of messages of the same size, in turns on the same core.
//!
//! `cargo bench -p intentcast-protocol --bench ingest` prints one line, `ingest ratio: ...`. A ratio of 1 would mean
//! that judging an intent costs nothing but its signature; below [`FLOOR`] it fails.

use std::{
    hint::black_box,
    process::ExitCode,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput};
use intentcast_protocol::{
    attribute::{Comparison, Strength, Value, Wish},
    category::by_path,
    contact::ReplyPath,
    envelope::sign,
    fault::Verdict,
    intent::{Budget, Condition, Conditions, Intent, Language},
    keys::{Key, PublicKey, Seed, Signature},
    list::{Bytes, List},
    market::{Config, Input, Market, Output, Ticket},
    money::{Currency, Money},
    place::{Cell, Fulfilment, Fulfilments, Place},
    terms::TermsSet,
    text::Text,
    time::{Seconds, Timestamp},
    topic::Topic,
};

/// Intents made beforehand, all distinct, each with a key of its own.
const INTENTS: usize = 4_096;
/// Measured in one turn.
const BATCH: usize = 128;
/// Times that all of them are heard, each time by a fresh market.
const ROUNDS: usize = 4;
/// Neighbours that bring them, so that none brings more than a peer may.
const PEERS: u64 = 64;
/// Less than this share of the bare verification rate is a defect.
const FLOOR: f64 = 0.6;

const CAST: Timestamp = Timestamp(1_800_000_000_000);

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::strict(text).expect("clean")
}

/// A want as people have them, about 500 bytes signed.
fn want(number: usize) -> Intent {
    let wish = |name: &str, comparison, value, strength| Wish {
        name: text(name),
        comparison,
        value,
        strength,
    };
    let size = Value::Number {
        amount: "20.5".parse().expect("a number"),
        unit: text("in"),
    };
    Intent {
        title: text(&format!("Mountain bike number {number} for a rather tall person")),
        text: text("For trails at the end of the week."),
        language: Language::ENGLISH,
        category: by_path("sports/cycling/mountain-bikes").expect("known").id,
        wishes: List::new(vec![
            wish("frame_size", Comparison::AtLeast, size, Strength::Must),
            wish(
                "brake_type",
                Comparison::Is,
                Value::Text(text("disc")),
                Strength::Prefer(30),
            ),
        ])
        .expect("two"),
        quantity: 1,
        conditions: Conditions::of(&[Condition::New, Condition::Used]).expect("two"),
        budget: Budget::Public(Money::new(50_000, Currency::GBP)),
        place: Place {
            region: "GB-KHL".parse().expect("Hull"),
            cell: Some(Cell::at("53.7444", "-0.3325", 6).expect("Hull")),
            radius_km: 25,
        },
        fulfilment: Fulfilments::of(&[Fulfilment::Delivery, Fulfilment::Pickup]).expect("two"),
        need_by: Some(CAST.plus(Seconds(864_000))),
        offers_due: CAST.plus(Seconds(86_400)),
        max_offers: 32,
        offers_per_seller: 3,
        max_rounds: 0,
        terms: TermsSet::default(),
        may_ask: List::new(vec![text("address.delivery")]).expect("one"),
        reply: ReplyPath {
            peer: Bytes::new([7; 38]).expect("short"),
            addrs: List::new(vec![Bytes::new([4; 11]).expect("short"); 3]).expect("three"),
        },
        withheld: List::default(),
    }
}

/// An intent as it comes in, and a bare signature over a message as long as what is signed of it.
struct Sample {
    envelope: Vec<u8>,
    author: PublicKey,
    message: Vec<u8>,
    signature: Signature,
}

fn sample(number: usize) -> Sample {
    let mut seed = [9; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let key = Key::from_seed(&seed);
    let intent = sign(&key, CAST, CAST.plus(Seconds(172_800)), want(number)).expect("sound");
    let envelope = intent.bytes().to_vec();
    let message = envelope[..envelope.len() - 64].to_vec();
    Sample {
        author: key.public(),
        signature: key.sign(&message),
        message,
        envelope,
    }
}

fn inputs(samples: &[Sample], from: usize) -> Vec<(Timestamp, Input)> {
    let topic: Topic = "/intentcast/1/1/mobility/europe-west".parse().expect("a topic");
    (from as u64..)
        .zip(samples)
        .map(|(number, sample)| {
            let input = Input::Gossip {
                ticket: Ticket(number),
                peer: (number % PEERS).to_be_bytes().repeat(4),
                topic,
                bytes: sample.envelope.clone(),
            };
            (CAST.plus_millis(number), input)
        })
        .collect()
}

fn market() -> Market {
    let mut market = Market::new(Seed::new([1; 32]), Config::default());
    while market.poll().is_some() {}
    market
}

/// Hears them all, and counts what may be passed on.
fn ingest(market: &mut Market, inputs: Vec<(Timestamp, Input)>) -> usize {
    let mut accepted = 0;
    for (now, input) in inputs {
        market.handle(now, input);
        while let Some(output) = market.poll() {
            accepted += usize::from(matches!(output, Output::Verdict(_, Verdict::Accept)));
        }
    }
    accepted
}

fn verify(samples: &[Sample]) -> usize {
    let good = |sample: &&Sample| sample.author.verify(&sample.message, &sample.signature).is_ok();
    samples.iter().filter(good).count()
}

fn timed(work: impl FnOnce() -> usize) -> Duration {
    let start = Instant::now();
    assert_eq!(black_box(work()), BATCH, "everything here is sound");
    start.elapsed()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The two in turns, so that whatever else the machine does falls on both alike; medians, so that an odd turn does not
/// count.
fn ratio(samples: &[Sample]) -> f64 {
    let (mut ratios, mut heard, mut verified) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut market = market();
        for (turn, batch) in samples.chunks_exact(BATCH).enumerate() {
            let inputs = inputs(batch, turn * BATCH);
            let (ours, bare);
            if (round + turn) % 2 == 0 {
                ours = timed(|| ingest(&mut market, inputs));
                bare = timed(|| verify(batch));
            } else {
                bare = timed(|| verify(batch));
                ours = timed(|| ingest(&mut market, inputs));
            }
            ratios.push(bare.as_secs_f64() / ours.as_secs_f64());
            heard.push(BATCH as f64 / ours.as_secs_f64());
            verified.push(BATCH as f64 / bare.as_secs_f64());
        }
    }
    let ratio = median(ratios);
    println!(
        "ingest ratio: {ratio:.2} ({:.0} intents/s against {:.0} verify/s, {} bytes each)",
        median(heard),
        median(verified),
        samples[0].envelope.len(),
    );
    ratio
}

fn main() -> ExitCode {
    let samples: Vec<Sample> = (0..INTENTS).map(sample).collect();
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("market", |bencher| {
        bencher.iter_batched(
            || (market(), inputs(&samples[..BATCH], 0)),
            |(mut market, inputs)| ingest(&mut market, inputs),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("verify_strict", |bencher| bencher.iter(|| verify(&samples[..BATCH])));
    group.finish();
    if ratio(&samples) < FLOOR {
        eprintln!("below the floor of {FLOOR}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
