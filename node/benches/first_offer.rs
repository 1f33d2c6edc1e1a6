//! How long a customer waits: from the cast to the first verified offer, with ten shops on loopback, beside a bare
//! round trip of a frame of an offer's size between two nodes.
//!
//! `cargo bench -p intentcast-node --bench first_offer` prints one line each for a customer that has been up for some
//! seconds (warm), one that casts the moment it is up (cold), and the way from yes to agreement; and the ratio of the
//! warm one to the bare round trip. `casts=N`, `colds=N`, `shops=N` say how many.

mod common;

use std::{path::PathBuf, time::Instant};

use anyhow::{Context as _, Result};
use common::{argument, is_meant, log, median, ms, percentile};
use futures::StreamExt as _;
use intentcast_node::{
    api::{self, backend::Backend as _},
    catalogue::{self, Mapping},
    driver::{Handle, now},
    home::{Identity, entropy},
    net::{self, NetKey},
    node::{Node, Setup, Shop},
    rules_file,
    want::Want,
};
use intentcast_protocol::{
    category,
    id::{AgreementId, IntentId, OfferId},
    market::{Answered, Command, Event},
    topic,
};
use tokio_util::sync::CancellationToken;

const SHOPS: usize = 10;
const CASTS: usize = 100;
const COLDS: usize = 10;
const ROUND_TRIPS: usize = 1_000;
/// An offer's frame, bytes.
const FRAME: usize = 1_000;

const CATALOGUE: &str = include_str!("../assets/demo-catalogue.jsonl");
const RULES: &str = "shop = \"A shop\"\n\n[[delivery]]\nregion = \"GB\"\nmode = \"delivery\"\nprice = \"2.99 GBP\"\n\
                     days = 3\n";
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// A meeting point, and its address.
async fn meeting_point(home: PathBuf, stop: CancellationToken) -> Result<String> {
    let (told, heard) = tokio::sync::oneshot::channel();
    let config = intentcast_bootstrap::Config {
        home,
        listen: vec!["/ip4/127.0.0.1/udp/0/quic-v1".into()],
        ..Default::default()
    };
    tokio::spawn(async move {
        let ready = |running: &intentcast_bootstrap::Running| {
            let _ = told.send(running.addresses[0].clone());
        };
        intentcast_bootstrap::run(config, stop, ready).await
    });
    heard.await.context("the meeting point starts")
}

fn setup(home: PathBuf, meeting: &str, seller: Option<Shop>) -> Setup {
    let net = net::Config {
        listen: vec!["/ip4/127.0.0.1/udp/0/quic-v1".into()],
        bootstrap: vec![meeting.into()],
        ..net::Config::default()
    };
    Setup {
        home,
        net,
        api: api::Config::default(),
        identity: Identity::Auto,
        vault: intentcast_node::vault::Config::default(),
        seller,
    }
}

async fn shops(dir: &std::path::Path, meeting: &str, shops: usize, stop: &CancellationToken) -> Result<Vec<Node>> {
    let items = catalogue::read(CATALOGUE.as_bytes(), &Mapping::default())?.items;
    let roots = category::all()
        .filter(|category| category.parent.is_none())
        .map(|root| root.id);
    let listen = topic::for_listener(roots, ["GB"]);
    let mut nodes = Vec::new();
    for (number, part) in catalogue::shard_demo(&items, shops).into_iter().enumerate() {
        let rules = rules_file::parse(RULES).map_err(|why| anyhow::anyhow!("{why}"))?;
        let shop = Shop {
            policy: None,
            rules,
            listen: listen.clone(),
            catalogue: Some(part),
        };
        let home = dir.join(format!("shop-{number}"));
        nodes.push(Node::start(setup(home, meeting, Some(shop)), stop.clone()).await?);
    }
    Ok(nodes)
}

fn want(number: usize) -> Want {
    Want {
        want: format!("mountain bike for trip {number}"),
        region: "GB-KHL".into(),
        budget: "900GBP".into(),
        category: Some("sports/cycling/mountain-bikes".into()),
        offers_per_seller: Some(1),
        ..Want::default()
    }
}

/// Casts, and waits for the first offer. The time, and which.
async fn first_offer(customer: &Handle, number: usize) -> Result<(f64, IntentId, OfferId)> {
    let (draft, _) = want(number).draft(now())?;
    let mut events = Box::pin(customer.events(None));
    let began = Instant::now();
    let command = Command::Cast {
        draft: Box::new(draft),
        nonce: entropy()?,
    };
    let Answered::Cast(cast) = customer.command(command).await? else {
        anyhow::bail!("a cast is answered as one")
    };
    let wait = async {
        loop {
            match events.next().await {
                Some((.., Event::Offer { intent, offer })) if intent == cast => break Ok(offer),
                Some(_) => {}
                None => anyhow::bail!("the customer's node stopped"),
            }
        }
    };
    let offer = tokio::time::timeout(PATIENCE, wait).await.context("an offer comes")??;
    Ok((ms(began), cast, offer))
}

/// Says yes, and waits until both sides hold the agreement. The time.
async fn agreement(customer: &Handle, offer: OfferId) -> Result<f64> {
    let mut events = Box::pin(customer.events(None));
    let began = Instant::now();
    let Answered::Accepted(accepted) = customer.command(Command::Accept(offer)).await? else {
        anyhow::bail!("a yes is answered as one")
    };
    let made = |agreement: AgreementId| agreement == accepted;
    let wait = async {
        while let Some((.., event)) = events.next().await {
            if matches!(event, Event::Agreement { agreement, .. } if made(agreement)) {
                return Ok(());
            }
        }
        anyhow::bail!("the customer's node stopped")
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .context("the seller confirms")??;
    Ok(ms(began))
}

/// Round trips of a frame between two connected nodes that do nothing else.
async fn round_trips(stop: &CancellationToken) -> Result<Vec<f64>> {
    let start = |seed: u8| {
        let config = net::Config {
            listen: vec!["/ip4/127.0.0.1/udp/0/quic-v1".into()],
            ..net::Config::default()
        };
        net::start(
            config,
            topic::is_market_topic,
            NetKey::from_seed(&mut [seed; 32])?,
            stop.clone(),
        )
    };
    let (asking, mut replies) = start(1)?;
    let (answering, mut requests) = start(2)?;
    answering
        .watch_local()
        .wait_for(|local| !local.addrs.is_empty())
        .await?;
    let to = answering.local_peer();
    tokio::spawn(async move {
        while let Some(event) = requests.recv().await {
            if let net::Event::Frame { exchange, frame, .. } = event {
                answering.send(net::Command::Reply { exchange, frame }).await;
            }
        }
    });
    let mut times = Vec::new();
    for task in 0..ROUND_TRIPS as u64 + 20 {
        let began = Instant::now();
        asking
            .send(net::Command::Send {
                task,
                to: to.clone(),
                frame: vec![7; FRAME],
            })
            .await;
        loop {
            match replies.recv().await.context("the node runs")? {
                net::Event::Sent { result, .. } => break drop(result?),
                _ => continue,
            }
        }
        times.push(ms(began));
    }
    // The first ones find the peer and open the connection.
    Ok(times.split_off(20))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    if !is_meant("first_offer") {
        return Ok(());
    }
    log();
    let (casts, colds) = (argument("casts").unwrap_or(CASTS), argument("colds").unwrap_or(COLDS));
    let shop_count = argument("shops").unwrap_or(SHOPS);
    let dir = tempfile::tempdir()?;
    let stop = CancellationToken::new();

    let bare = round_trips(&stop.child_token()).await?;
    let meeting = meeting_point(dir.path().join("bootstrap"), stop.clone()).await?;
    let nodes = shops(dir.path(), &meeting, shop_count, &stop).await?;
    // The shops find one another; what is measured is the customer.
    tokio::time::sleep(std::time::Duration::from_secs(argument("settle").unwrap_or(20) as u64)).await;

    let mut cold = Vec::new();
    for number in 0..colds {
        let gone = stop.child_token();
        let node = Node::start(
            setup(dir.path().join(format!("cold-{number}")), &meeting, None),
            gone.clone(),
        )
        .await?;
        cold.push(first_offer(&node.handle, number).await?.0);
        gone.cancel();
        node.stopped().await;
    }

    let customer = Node::start(setup(dir.path().join("customer"), &meeting, None), stop.clone()).await?;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let (mut warm, mut agreements, mut first) = (Vec::new(), Vec::new(), None);
    for number in 0..casts {
        let (time, intent, offer) = first_offer(&customer.handle, number).await?;
        if first.is_none() {
            first = Some(time);
        } else {
            warm.push(time);
        }
        if number % 4 == 0 {
            agreements.push(agreement(&customer.handle, offer).await?);
        } else {
            customer.handle.command(Command::Withdraw(intent)).await?;
        }
    }

    let line = |name: &str, times: &[f64]| {
        println!(
            "{name}: p50 {:.1} ms, p99 {:.1} ms, of {}",
            median(times),
            percentile(times, 99.0),
            times.len()
        );
    };
    line("bare round trip", &bare);
    println!("first cast of a warm customer: {:.1} ms", first.unwrap_or_default());
    line("first offer, warm", &warm);
    line("first offer, cold", &cold);
    line("agreement after yes", &agreements);
    println!(
        "first_offer ratio: {:.1} bare round trips of {FRAME} bytes (p50 {:.1} ms against {:.2} ms, {} shops)",
        median(&warm) / median(&bare),
        median(&warm),
        median(&bare),
        nodes.len(),
    );
    stop.cancel();
    for node in nodes {
        node.stopped().await;
    }
    Ok(())
}
