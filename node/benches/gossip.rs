//! What our validation costs: messages delivered per second of CPU among ten nodes on loopback, each message a real
//! signed intent that a market judges before it is passed on, against the same swarm with gossipsub's own strict
//! signing and with no signature at all.
//!
//! `cargo bench -p intentcast-node --bench gossip` prints one line, `gossip ratio: ...`. All three run with the same
//! transport, payloads, mesh and duplicate cache, every node connected with every other, in turns. Below a floor it
//! fails. gossipsub signs each message where it is published, so a bare signature is made for each of ours, too.

mod common;

use std::{collections::HashMap, process::ExitCode, time::Duration};

use common::{cpu, median};
use futures::StreamExt as _;
use intentcast_node::{
    driver::now,
    net::{self, NetKey},
};
use intentcast_protocol::{
    envelope::sign,
    fault::Verdict,
    intent::{Budget, Condition, Conditions, Intent, Language},
    keys::{Key, Seed},
    list::{Bytes, List},
    market::{Config, Input, Market, Output, Ticket},
    money::{Currency, Money},
    place::{Cell, Fulfilment, Fulfilments, Place},
    terms::TermsSet,
    text::Text,
    time::{Seconds, Timestamp},
    topic::{Topic, is_market_topic},
};
use libp2p::{
    Multiaddr, SwarmBuilder, Transport as _,
    core::upgrade::Version,
    gossipsub::{Behaviour, ConfigBuilder, Event, IdentTopic, Message, MessageAuthenticity, MessageId, ValidationMode},
    identity::Keypair,
    noise,
    swarm::SwarmEvent,
    tcp, yamux,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const NODES: usize = 10;
/// Messages of one turn, shared out among the nodes as publishers.
const TURN: usize = 1_500;
/// On their way at once: enough to keep both cores busy, too few to fill any queue.
const WINDOW: usize = 60;
const ROUNDS: usize = 5;
/// Less than this is a defect.
const STRICT_FLOOR: f64 = 1.2;
const NONE_FLOOR: f64 = 0.5;

const TOPIC: &str = "/intentcast/1/1/mobility/europe-west";
const PATIENCE: Duration = Duration::from_secs(60);

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::strict(text).expect("clean")
}

/// A want as people have them.
fn want(number: usize, at: Timestamp) -> Intent {
    Intent {
        title: text(&format!("Mountain bike number {number} for a rather tall person")),
        text: text("For trails at the end of the week."),
        language: Language::ENGLISH,
        category: intentcast_protocol::category::by_path("sports/cycling/mountain-bikes")
            .expect("known")
            .id,
        wishes: List::default(),
        quantity: 1,
        conditions: Conditions::of(&[Condition::New, Condition::Used]).expect("two"),
        budget: Budget::Public(Money::new(50_000, Currency::GBP)),
        place: Place {
            region: "GB-KHL".parse().expect("Hull"),
            cell: Some(Cell::at("53.7444", "-0.3325", 6).expect("Hull")),
            radius_km: 25,
        },
        fulfilment: Fulfilments::of(&[Fulfilment::Delivery, Fulfilment::Pickup]).expect("two"),
        need_by: Some(at.plus(Seconds(864_000))),
        offers_due: at.plus(Seconds(86_400)),
        max_offers: 32,
        offers_per_seller: 3,
        max_rounds: 0,
        terms: TermsSet::default(),
        may_ask: List::default(),
        reply: intentcast_protocol::contact::ReplyPath {
            peer: Bytes::new([7; 38]).expect("short"),
            addrs: List::new(vec![Bytes::new([4; 11]).expect("short"); 3]).expect("three"),
        },
        withheld: List::default(),
    }
}

/// Intents made beforehand, all distinct, each with a key of its own.
fn payloads(from: usize, count: usize) -> Vec<Vec<u8>> {
    let at = now();
    (from..from + count)
        .map(|number| {
            let mut seed = [9; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            let want = want(number, at);
            let intent = sign(&Key::from_seed(&seed), at, at.plus(Seconds(172_800)), want);
            intent.expect("sound").bytes().to_vec()
        })
        .collect()
}

/// A running swarm of one kind: payloads go in, and each delivery is told.
struct Party {
    publish: Vec<mpsc::Sender<Vec<u8>>>,
    delivered: mpsc::UnboundedReceiver<()>,
    meshes: Vec<watch::Receiver<usize>>,
    stop: CancellationToken,
}

impl Party {
    /// Waits until every node's mesh is as full as it gets.
    async fn settle(&mut self) {
        for mesh in &mut self.meshes {
            let wait = tokio::time::timeout(PATIENCE, mesh.wait_for(|peers| *peers >= 6));
            wait.await.expect("meshes form").expect("the node runs");
        }
        // Grafts and prunes go on for a few heartbeats.
        tokio::time::sleep(Duration::from_secs(4)).await;
    }

    /// Publishes each payload from the nodes in turn, and waits until all others have it. Deliveries per CPU second.
    async fn turn(&mut self, payloads: Vec<Vec<u8>>) -> f64 {
        let due = payloads.len() * (NODES - 1);
        let (mut sent, mut got) = (0, 0);
        let began = cpu();
        let mut payloads = payloads.into_iter();
        while got < due {
            while sent - got / (NODES - 1) < WINDOW {
                let Some(bytes) = payloads.next() else { break };
                self.publish[sent % NODES].send(bytes).await.expect("the node runs");
                sent += 1;
            }
            let next = tokio::time::timeout(PATIENCE, self.delivered.recv()).await;
            next.expect("every message is delivered").expect("the nodes run");
            got += 1;
        }
        due as f64 / (cpu() - began).as_secs_f64()
    }
}

/// Ten nodes of ours, each with a market that judges.
async fn ours() -> Party {
    let stop = CancellationToken::new();
    let (told, delivered) = mpsc::unbounded_channel();
    let (mut publish, mut meshes, mut handles) = (Vec::new(), Vec::new(), Vec::<net::Handle>::new());
    for number in 0..NODES {
        let config = net::Config {
            listen: vec!["/ip4/127.0.0.1/tcp/0".into()],
            ..net::Config::default()
        };
        let key = NetKey::from_seed(&mut [number as u8 + 1; 32]).expect("a seed");
        let (handle, mut events) = net::start(config, is_market_topic, key, stop.clone()).expect("it starts");
        handle.send(net::Command::Subscribe(TOPIC.into())).await;
        handle
            .watch_local()
            .wait_for(|local| !local.addrs.is_empty())
            .await
            .expect("it listens");
        for other in &handles {
            let to = other.local_peer();
            // The answer does not matter, the connection does.
            handle
                .send(net::Command::Send {
                    task: 0,
                    to,
                    frame: vec![0],
                })
                .await;
        }
        handles.push(handle.clone());
        let (payloads, mut published) = mpsc::channel::<Vec<u8>>(WINDOW);
        publish.push(payloads);
        let publisher = handle.clone();
        let key = Key::from_seed(&[number as u8 + 1; 32]);
        tokio::spawn(async move {
            while let Some(bytes) = published.recv().await {
                std::hint::black_box(key.sign(&bytes));
                let command = net::Command::Publish {
                    task: 1,
                    topic: TOPIC.into(),
                    bytes,
                };
                publisher.send(command).await;
            }
        });
        let (mesh, watched) = watch::channel(0);
        meshes.push(watched);
        let asked = handle.clone();
        tokio::spawn(async move {
            loop {
                let status = asked.status().await.unwrap_or_default();
                let size = status.topics.get(TOPIC).copied().unwrap_or_default();
                if mesh.send(size).is_err() || size >= 6 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let told = told.clone();
        tokio::spawn(async move {
            let topic: Topic = TOPIC.parse().expect("a topic");
            let mut market = Market::new(Seed::new([number as u8 + 1; 32]), Config::default());
            while let Some(event) = events.recv().await {
                let net::Event::Gossip {
                    ticket, peer, bytes, ..
                } = event
                else {
                    continue;
                };
                market.handle(
                    now(),
                    Input::Gossip {
                        ticket: Ticket(ticket.0),
                        peer,
                        topic,
                        bytes,
                    },
                );
                while let Some(output) = market.poll() {
                    if let Output::Verdict(ticket, verdict) = output {
                        assert_eq!(verdict, Verdict::Accept, "everything here is sound");
                        let ticket = net::Ticket(ticket.0);
                        handle
                            .send(net::Command::Verdict {
                                ticket,
                                verdict: net::Verdict::Accept,
                            })
                            .await;
                        // Nobody counts any more when the bench is over.
                        let _ = told.send(());
                    }
                }
            }
        });
    }
    Party {
        publish,
        delivered,
        meshes,
        stop,
    }
}

/// Topic and bytes, as ours has it.
fn message_id(message: &Message) -> MessageId {
    let mut hash = Sha256::new();
    hash.update(message.topic.as_str().len().to_be_bytes());
    hash.update(message.topic.as_str());
    hash.update(&message.data);
    MessageId::new(&hash.finalize())
}

/// Ten bare swarms. With `signed`, gossipsub signs and verifies, and names messages, in its own way.
async fn bare(signed: bool) -> Party {
    let stop = CancellationToken::new();
    let (told, delivered) = mpsc::unbounded_channel();
    let (mut publish, mut meshes) = (Vec::new(), Vec::new());
    let mut known: Vec<Multiaddr> = Vec::new();
    for number in 0..NODES {
        let key = Keypair::ed25519_from_bytes([number as u8 + 1; 32]).expect("a seed");
        let mut config = ConfigBuilder::default();
        config
            .flood_publish(false)
            .mesh_n(8)
            .mesh_n_low(6)
            .mesh_n_high(12)
            .mesh_outbound_min(3)
            .duplicate_cache_time(Duration::from_secs(600))
            .max_control_messages_sent(600);
        let author = if signed {
            config.validation_mode(ValidationMode::Strict);
            MessageAuthenticity::Signed(key.clone())
        } else {
            config
                .validation_mode(ValidationMode::Anonymous)
                .message_id_fn(message_id);
            MessageAuthenticity::Anonymous
        };
        let gossip: Behaviour = Behaviour::new(author, config.build().expect("sound")).expect("sound");
        let mut swarm = SwarmBuilder::with_existing_identity(key)
            .with_tokio()
            .with_other_transport(|key| {
                let tcp = tcp::tokio::Transport::new(tcp::Config::new().nodelay(true));
                let noise = noise::Config::new(key).expect("a key");
                tcp.upgrade(Version::V1Lazy)
                    .authenticate(noise)
                    .multiplex(yamux::Config::default())
            })
            .expect("a transport")
            .with_behaviour(|_| gossip)
            .expect("a behaviour")
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
            .build();
        let topic = IdentTopic::new(TOPIC);
        swarm.behaviour_mut().subscribe(&topic).expect("a topic");
        swarm
            .listen_on("/ip4/127.0.0.1/tcp/0".parse().expect("an address"))
            .expect("it listens");
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        for other in &known {
            swarm.dial(other.clone()).expect("it dials");
        }
        known.push(address);
        let (payloads, mut published) = mpsc::channel::<Vec<u8>>(WINDOW);
        publish.push(payloads);
        let (mesh, watched) = watch::channel(0);
        meshes.push(watched);
        let (told, stopped) = (told.clone(), stop.clone());
        tokio::spawn(async move {
            let mut look = tokio::time::interval(Duration::from_millis(500));
            loop {
                tokio::select! {
                    () = stopped.cancelled() => break,
                    Some(bytes) = published.recv() => {
                        swarm.behaviour_mut().publish(topic.clone(), bytes).expect("somebody listens");
                    }
                    event = swarm.select_next_some() => {
                        if let SwarmEvent::Behaviour(Event::Message { .. }) = event {
                            // Nobody counts any more when the bench is over.
                            let _ = told.send(());
                        }
                    }
                    _ = look.tick() => {
                        mesh.send_replace(swarm.behaviour().mesh_peers(&topic.hash()).count());
                    }
                }
            }
        });
    }
    Party {
        publish,
        delivered,
        meshes,
        stop,
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    if !common::is_meant("gossip") {
        return ExitCode::SUCCESS;
    }
    common::log();
    let rounds = common::argument("rounds").unwrap_or(ROUNDS);
    let mut rates: HashMap<&str, Vec<f64>> = HashMap::new();
    let mut next = 0;
    let mut size = 0;
    for _ in 0..rounds {
        for kind in ["ours", "strict", "none"] {
            let mut party = match kind {
                "ours" => ours().await,
                "strict" => bare(true).await,
                _ => bare(false).await,
            };
            party.settle().await;
            let payloads = payloads(next, TURN);
            next += TURN;
            size = payloads[0].len();
            let rate = party.turn(payloads).await;
            rates.entry(kind).or_default().push(rate);
            party.stop.cancel();
        }
    }
    let against = |other: &str| {
        let pairs = rates["ours"].iter().zip(&rates[other]);
        median(&pairs.map(|(ours, other)| ours / other).collect::<Vec<_>>())
    };
    let (strict, none) = (against("strict"), against("none"));
    println!(
        "gossip ratio: {strict:.2} of strict signing, {none:.2} of no signature ({:.0} deliveries a CPU second against \
         {:.0} and {:.0}, {size} bytes each, {NODES} nodes)",
        median(&rates["ours"]),
        median(&rates["strict"]),
        median(&rates["none"]),
    );
    if strict < STRICT_FLOOR || none < NONE_FLOOR {
        eprintln!("below the floors of {STRICT_FLOOR} and {NONE_FLOOR}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
