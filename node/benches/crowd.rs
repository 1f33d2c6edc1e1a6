//! How a crowd finds itself: fifty sellers' networks and one meeting point start at once in one process. Prints how
//! long until every mesh of every seller has its least peers, what that took in dials and connections, and how long one
//! message takes to reach all, published by a newcomer.
//!
//! `cargo bench -p intentcast-node --bench crowd`; `nodes=N` for another crowd.

mod common;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use common::{argument, cpu, is_meant, log, ms};
use intentcast_node::{
    home::entropy,
    net::{self, Command, Event, NetKey, Verdict},
};
use intentcast_protocol::{
    category,
    topic::{self, Topic},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const NODES: usize = 50;
/// The least that a mesh wants.
const LOW: usize = 6;
const PATIENCE: Duration = Duration::from_secs(180);

async fn start(meeting: &str, stop: &CancellationToken) -> Result<(net::Handle, mpsc::Receiver<Event>)> {
    let config = net::Config {
        listen: vec!["/ip4/127.0.0.1/udp/0/quic-v1".into()],
        bootstrap: vec![meeting.into()],
        ..net::Config::default()
    };
    let key = NetKey::from_seed(&mut entropy()?)?;
    let (handle, events) = net::start(config, topic::is_market_topic, key, stop.clone())?;
    handle.watch_local().wait_for(|local| !local.addrs.is_empty()).await?;
    Ok((handle, events))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    if !is_meant("crowd") {
        return Ok(());
    }
    log();
    let count = argument("nodes").unwrap_or(NODES);
    let dir = tempfile::tempdir()?;
    let stop = CancellationToken::new();
    let (told, heard) = tokio::sync::oneshot::channel();
    let config = intentcast_bootstrap::Config {
        home: dir.path().into(),
        listen: vec!["/ip4/127.0.0.1/udp/0/quic-v1".into()],
        ..Default::default()
    };
    let stopped = stop.clone();
    tokio::spawn(async move {
        let ready = |running: &intentcast_bootstrap::Running| {
            let _ = told.send(running.addresses[0].clone());
        };
        intentcast_bootstrap::run(config, stopped, ready).await
    });
    let meeting = heard.await.context("the meeting point starts")?;

    let roots = category::all()
        .filter(|category| category.parent.is_none())
        .map(|root| root.id);
    let listen: BTreeSet<Topic> = topic::for_listener(roots, ["GB"]);
    let said = listen.first().context("a topic")?.to_string();
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let (began, spent) = (Instant::now(), cpu());
    let mut handles = Vec::new();
    for _ in 0..count {
        let (handle, mut events) = start(&meeting, &stop).await?;
        for topic in listen.iter().copied().chain(topic::backbone(&handle.local_peer().id)) {
            handle.send(Command::Subscribe(topic.to_string())).await;
        }
        handles.push(handle.clone());
        let arrived = arrived.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Gossip { ticket, .. } = event {
                    handle
                        .send(Command::Verdict {
                            ticket,
                            verdict: Verdict::Accept,
                        })
                        .await;
                    // Nobody counts any more when the bench is over.
                    let _ = arrived.send(());
                }
            }
        });
    }
    let started = ms(began);

    let listened: Vec<String> = listen.iter().map(ToString::to_string).collect();
    let mut meshed = None;
    let mut half = None;
    while meshed.is_none() && began.elapsed() < PATIENCE {
        let mut full = 0;
        for handle in &handles {
            let topics = handle.status().await.context("the node runs")?.topics;
            full += usize::from(
                listened
                    .iter()
                    .all(|topic| topics.get(topic).is_some_and(|mesh| *mesh >= LOW)),
            );
        }
        if full * 2 >= count && half.is_none() {
            half = Some(ms(began));
        }
        if full == count {
            meshed = Some(ms(began));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let spent_meshing = (cpu() - spent).as_secs_f64();
    let (mut dials, mut failed, mut peers, mut most) = (0, 0, 0, 0);
    for handle in &handles {
        let status = handle.status().await.context("the node runs")?;
        dials += status.counters.dials;
        failed += status.counters.dials_failed;
        peers += status.peers;
        most = most.max(status.peers);
    }

    let (newcomer, mut events) = start(&meeting, &stop).await?;
    let began = Instant::now();
    let mut published = None;
    newcomer
        .send(Command::Publish {
            task: 1,
            topic: said.clone(),
            bytes: vec![7; 700],
        })
        .await;
    let mut reached = 0;
    while reached < count && began.elapsed() < PATIENCE {
        tokio::select! {
            _ = arrivals.recv() => reached += 1,
            event = events.recv() => match event.context("the node runs")? {
                Event::Published { result: Ok(_), .. } => published = Some(ms(began)),
                Event::TopicPeers { peers: 1.., topic, .. } if topic == said && published.is_none() => {
                    newcomer.send(Command::Publish { task: 1, topic, bytes: vec![7; 700] }).await;
                }
                _ => {}
            },
            () = tokio::time::sleep(Duration::from_secs(30)) => break,
        }
    }
    let reached_after = ms(began);
    println!(
        "crowd: {count} sellers on {} topics each, started in {started:.0} ms; half meshed after {}, all after {} \
         ({spent_meshing:.1} s of CPU); {dials} dials ({failed} failed), {:.1} peers each, {most} at the most",
        listen.len() + 2,
        half.map_or("never".into(), |ms| format!("{ms:.0} ms")),
        meshed.map_or("never".into(), |ms| format!("{ms:.0} ms")),
        peers as f64 / count as f64,
    );
    println!(
        "crowd: a newcomer's message reached {reached} of {count} after {reached_after:.0} ms, published after {}",
        published.map_or("never".into(), |ms| format!("{ms:.0} ms")),
    );
    stop.cancel();
    Ok(())
}
