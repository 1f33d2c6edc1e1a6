//! The world: nodes, the virtual clock, and what lies between them.

mod carrying;

use std::collections::{BTreeMap, BTreeSet};

use intentcast_protocol::{
    envelope::record_id,
    frame::Frame,
    id::{IntentId, digest},
    item::Item,
    keys::PublicKey,
    market::{
        Answered, Command, Config, Denied, Done, Exchange, Input, Market, Output, Request, Role, TaskId, ThreadView,
        Ticket,
    },
    time::Timestamp,
    topic::Topic,
};

use crate::market::{
    check,
    dice::Dice,
    node::{Node, path_of, peer_of},
};

/// When every world begins: 2026-05-28.
pub const START: Timestamp = Timestamp(1_780_000_000_000);
/// How long a frame's exchange may take, ms.
const EXCHANGE_MS: u64 = 10_000;

/// What network and disk do to what is handed to them. Times in ms, chances in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Messages and frames that get lost.
    pub loss: u64,
    /// Those that come twice, the second time up to a minute late.
    pub twice: u64,
    /// How long one takes, least and most.
    pub delay: (u64, u64),
    /// How long the disk takes, least and most.
    pub disk: (u64, u64),
}

impl Weather {
    /// Nothing is lost, nothing comes twice.
    pub const FAIR: Self = Self {
        loss: 0,
        twice: 0,
        delay: (5, 80),
        disk: (1, 10),
    };
    /// One in ten is lost, one in twenty comes twice.
    pub const FOUL: Self = Self {
        loss: 100,
        twice: 50,
        delay: (5, 2_000),
        disk: (1, 300),
    };
}

/// When, at whom, from whom, and which of those.
type When = (Timestamp, usize, usize, u64);

#[derive(Debug)]
enum Happening {
    Gossip(Topic, Vec<u8>),
    Frame {
        task: TaskId,
        life: u64,
        bytes: Vec<u8>,
    },
    Done {
        task: TaskId,
        life: u64,
        done: Done,
        reply: bool,
    },
    Disk {
        task: TaskId,
        life: u64,
    },
    Joined {
        life: u64,
        topic: Topic,
    },
    Wake {
        life: u64,
    },
    Start,
}

/// Nodes over a modelled network and a virtual clock.
#[derive(Debug)]
pub struct World {
    /// The nodes, by number.
    pub nodes: Vec<Node>,
    /// What network and disk do.
    pub weather: Weather,
    /// Those cut off from all others, and not from each other.
    pub island: BTreeSet<usize>,
    /// What must never happen, and did.
    pub violations: Vec<String>,
    /// Each confirmation that a seller gave, by the acceptance.
    pub(crate) confirmed: BTreeMap<[u8; 32], Vec<u8>>,
    now: Timestamp,
    dice: Dice,
    queue: BTreeMap<When, Happening>,
    number: u64,
    history: [u8; 32],
    steps: u64,
    answer: Option<Result<Answered, Denied>>,
}

impl World {
    /// An empty world.
    pub fn new(seed: u64, weather: Weather) -> Self {
        Self {
            nodes: Vec::new(),
            weather,
            island: BTreeSet::new(),
            violations: Vec::new(),
            confirmed: BTreeMap::new(),
            now: START,
            dice: Dice::new(seed),
            queue: BTreeMap::new(),
            number: 0,
            history: [0; 32],
            steps: 0,
            answer: None,
        }
    }

    /// The virtual time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The hash of everything that happened so far.
    pub fn history(&self) -> [u8; 32] {
        self.history
    }

    /// How much happened so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Adds a node and starts it.
    pub fn add(&mut self, config: Config, catalogue: Vec<Item>) -> usize {
        let at = self.nodes.len();
        let node = Node::new(format!("node {at}"), config, catalogue, START);
        self.nodes.push(node);
        self.start(at);
        at
    }

    /// Connects two nodes.
    pub fn link(&mut self, a: usize, b: usize) {
        if a != b && self.nodes[a].neighbours.insert(b) {
            self.nodes[b].neighbours.insert(a);
            self.tell_topics(a, b);
            self.tell_topics(b, a);
        }
    }

    /// Connects each node to about `degree` others, and all of them to one whole.
    pub fn weave(&mut self, degree: usize) {
        let count = self.nodes.len();
        for at in 1..count {
            let other = self.dice.below(at as u64) as usize;
            self.link(at, other);
        }
        for at in 0..count {
            while self.nodes[at].neighbours.len() < degree.min(count - 1) {
                let other = self.dice.below(count as u64) as usize;
                self.link(at, other);
            }
        }
    }

    /// Says a command to a node; nothing where it is down or the answer waits for its disk.
    pub fn command(&mut self, at: usize, command: Command) -> Option<Result<Answered, Denied>> {
        self.nodes[at].market.as_ref()?;
        self.answer = None;
        self.give(at, Input::Command(Request(self.number), command));
        self.answer.clone()
    }

    /// Whether the customer of a conversation holds it as well.
    pub(crate) fn taken_up(&self, thread: &ThreadView) -> bool {
        let markets = self.nodes.iter().filter_map(|node| node.market.as_ref());
        markets
            .filter_map(|market| market.thread(self.now, thread.id))
            .any(|it| it.role == Role::Customer)
    }

    /// Whether one of the two between whom this is cheats.
    pub(crate) fn is_cheated(&self, intent: IntentId, seller: PublicKey) -> bool {
        let mut rogues = self.nodes.iter().filter(|node| node.rogue);
        rogues.any(|node| node.seller() == seller || node.has_cast(intent))
    }

    /// Why the last command was denied, as far as is known: what is carried out is answered when it is stored.
    pub(crate) fn denied(&self) -> String {
        match &self.answer {
            Some(Err(denied)) => denied.to_string(),
            _ => "no word yet".into(),
        }
    }

    /// Casts a want.
    pub fn cast(&mut self, at: usize, draft: intentcast_protocol::market::Draft) {
        let nonce = self.dice.nonce();
        let draft = Box::new(draft);
        self.command(at, Command::Cast { draft, nonce });
    }

    /// `kill -9`: what was not stored is lost, and what was on its way to disk may have arrived or not.
    pub fn crash(&mut self, at: usize, down_ms: u64) {
        if self.nodes[at].market.is_none() {
            return;
        }
        let arrived = self.dice.chance(500);
        let node = &mut self.nodes[at];
        if let Some(entries) = node.appending.take().filter(|_| arrived && !node.disk_full) {
            node.store(entries);
        }
        node.die();
        self.note(&[b"crash", &at.to_be_bytes()]);
        self.later(down_ms, at, at, Happening::Start);
    }

    /// A number from the world's own dice.
    pub(crate) fn throw(&mut self, span: (u64, u64)) -> u64 {
        self.dice.between(span)
    }

    /// A device is gone, and with it its streams: nothing of it arrives any more. What no other disk holds of what it
    /// confirmed is as if it had never been said.
    pub(crate) fn forget_said_by(&mut self, at: usize) {
        self.queue.retain(|(_, _, from, _), happening| {
            *from != at || !matches!(happening, Happening::Frame { .. } | Happening::Done { reply: true, .. })
        });
        let nodes = &self.nodes;
        self.confirmed.retain(|_, frame| match Frame::decode(frame) {
            Ok(Frame::Confirmed { confirmation, .. }) => {
                let id = record_id(&confirmation);
                nodes.iter().any(|node| node.kept.holds(id))
            }
            _ => true,
        });
    }

    /// Starts the node anew, on the disk that it has now.
    pub(crate) fn start_over(&mut self, at: usize) {
        self.note(&[b"restore", &at.to_be_bytes()]);
        self.later(1, at, at, Happening::Start);
    }

    /// The node's disk takes no more.
    pub fn fill_disk(&mut self, at: usize) {
        self.nodes[at].disk_full = true;
    }

    /// The node is at another address from now on.
    pub fn move_house(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.address = node.address.wrapping_add(1);
        let reachable = Input::Reachable(path_of(at, node.address));
        self.give(at, reachable);
    }

    /// Cuts these off from the others; nobody, where there are none.
    pub fn cut_off(&mut self, island: BTreeSet<usize>) {
        let before = std::mem::replace(&mut self.island, island);
        let pairs: Vec<(usize, usize)> = (0..self.nodes.len())
            .flat_map(|at| self.nodes[at].neighbours.iter().map(move |other| (at, *other)))
            .collect();
        for (at, other) in pairs {
            let apart = |island: &BTreeSet<usize>| island.contains(&at) != island.contains(&other);
            match (apart(&before), apart(&self.island)) {
                (true, false) => self.tell_topics(at, other),
                (false, true) => self.give(at, Input::Gone(peer_of::<64>(other).to_vec())),
                _ => {}
            }
        }
    }

    /// Lets everything happen that happens within so many ms.
    pub fn run(&mut self, ms: u64) {
        let until = self.now.plus_millis(ms);
        while let Some((when, _)) = self.queue.first_key_value().filter(|((at, ..), _)| *at <= until) {
            let when = *when;
            if let Some(happening) = self.queue.remove(&when) {
                self.happen(when, happening);
            }
        }
        self.now = until;
    }

    /// Stops every fault, lets all nodes start again and waits until what can be settled is.
    pub fn calm(&mut self) {
        self.weather = Weather::FAIR;
        self.cut_off(BTreeSet::new());
        for node in &mut self.nodes {
            node.disk_full = false;
        }
        // Twice the longest wait between two tries, and a minute for the late copies.
        self.run(4 * 60_000);
    }

    fn later(&mut self, ms: u64, at: usize, from: usize, happening: Happening) {
        self.number += 1;
        let when = (self.now.plus_millis(ms), at, from, self.number);
        self.queue.insert(when, happening);
    }

    fn note(&mut self, parts: &[&[u8]]) {
        let now = self.now.0.to_be_bytes();
        let lengths: Vec<u8> = parts.iter().flat_map(|part| part.len().to_be_bytes()).collect();
        let mut all: Vec<&[u8]> = vec![&self.history, &now, &lengths];
        all.extend(parts);
        self.history = digest("intentcast-sim/history", &all);
    }

    /// Adds an output to the history, by what it says.
    fn trace(&mut self, at: usize, output: &Output) {
        let said;
        let (kind, about): (&str, &[u8]) = match output {
            Output::Publish { bytes, .. } => ("publish", bytes),
            Output::Send { frame, .. } => ("send", frame),
            Output::Reply(_, frame) => ("reply", frame),
            Output::Append { entries, .. } => ("append", entries.last().map_or(&[], |entry| &entry.bytes)),
            Output::Search { .. } => ("search", &[]),
            Output::Serve { hash, .. } => ("serve", &hash.0),
            Output::Verdict(..)
            | Output::Reach(_)
            | Output::Subscribe(_)
            | Output::Unsubscribe(_)
            | Output::Answer(..)
            | Output::Event(_) => {
                said = format!("{output:?}");
                ("say", said.as_bytes())
            }
        };
        self.note(&[&at.to_be_bytes(), kind.as_bytes(), about]);
    }

    fn apart(&self, a: usize, b: usize) -> bool {
        self.island.contains(&a) != self.island.contains(&b)
    }

    /// The neighbours that are not cut off.
    fn near(&self, at: usize) -> Vec<usize> {
        let neighbours = self.nodes[at].neighbours.iter().copied();
        neighbours.filter(|other| !self.apart(at, *other)).collect()
    }

    fn happen(&mut self, (now, at, from, _): When, happening: Happening) {
        self.now = now;
        self.steps += 1;
        let life = self.nodes[at].life;
        match happening {
            Happening::Start => self.start(at),
            Happening::Gossip(topic, bytes) => self.hear(at, from, topic, bytes),
            Happening::Frame {
                task,
                life: asked,
                bytes,
            } => {
                if self.apart(at, from) || self.nodes[at].market.is_none() {
                    return;
                }
                self.number += 1;
                let exchange = self.number;
                self.nodes[at].exchanges.insert(exchange, (from, task, asked));
                let peer = peer_of::<64>(from).to_vec();
                let exchange = Exchange(exchange);
                self.give(at, Input::Frame { exchange, peer, bytes });
            }
            Happening::Done {
                task,
                life: begun,
                done,
                reply,
            } if begun == life => {
                if reply && !self.nodes[at].pending.remove(&task) {
                    return;
                }
                self.give(at, Input::Done(task, done));
            }
            Happening::Disk { task, life: begun } if begun == life => self.stored(at, task),
            Happening::Joined { life: begun, topic } if begun == life && !self.apart(at, from) => {
                if self.nodes[from].topics.contains(&topic) {
                    let peer = path_of(from, self.nodes[from].address);
                    self.give(at, Input::Joined { peer, topic });
                }
            }
            Happening::Wake { life: begun } if begun == life => {
                self.nodes[at].wake = None;
                self.give(at, Input::Tick);
            }
            Happening::Done { .. } | Happening::Disk { .. } | Happening::Joined { .. } | Happening::Wake { .. } => {}
        }
    }

    fn start(&mut self, at: usize) {
        let replayed = if self.nodes[at].disk.is_empty() {
            Ok(Market::new(self.nodes[at].seed(), self.nodes[at].config.clone()))
        } else {
            self.nodes[at].replayed(self.now)
        };
        match replayed {
            Ok(market) => self.nodes[at].market = Some(market),
            Err(broken) => return self.violations.push(format!("node {at} cannot start: {broken}")),
        }
        self.note(&[b"start", &at.to_be_bytes()]);
        let reachable = Input::Reachable(path_of(at, self.nodes[at].address));
        self.give(at, reachable);
        for other in self.near(at) {
            self.tell_topics(at, other);
        }
    }

    /// `at` learns what `other` is subscribed to.
    fn tell_topics(&mut self, at: usize, other: usize) {
        let topics: Vec<Topic> = self.nodes[other].topics.iter().copied().collect();
        let life = self.nodes[at].life;
        for topic in topics {
            let delay = self.dice.between(self.weather.delay);
            self.later(delay, at, other, Happening::Joined { life, topic });
        }
    }

    fn hear(&mut self, at: usize, from: usize, topic: Topic, bytes: Vec<u8>) {
        let subscribed = self.nodes[at].market.is_some() && self.nodes[at].topics.contains(&topic);
        if !subscribed || self.apart(at, from) {
            return;
        }
        let id = digest("gossip", &[topic.to_string().as_bytes(), &bytes]);
        if !self.nodes[at].seen.insert(id) {
            return;
        }
        self.number += 1;
        let ticket = self.number;
        self.nodes[at].tickets.insert(ticket, (from, topic, bytes.clone()));
        let peer = peer_of::<64>(from).to_vec();
        let ticket = Ticket(ticket);
        let input = Input::Gossip {
            ticket,
            peer,
            topic,
            bytes,
        };
        self.give(at, input);
    }

    /// One in, all out, and a look at what must never happen.
    fn give(&mut self, at: usize, input: Input) {
        let now = self.now;
        let Some(market) = &mut self.nodes[at].market else {
            return;
        };
        market.handle(now, input);
        let mut outputs = Vec::new();
        while let Some(output) = market.poll() {
            outputs.push(output);
        }
        let (broken, deadline) = (market.is_broken(), market.deadline());
        for output in outputs {
            check::promise(self, at, &output);
            self.trace(at, &output);
            self.carry_out(at, output);
        }
        if broken {
            // The driver's part: start again from what is stored.
            self.nodes[at].die();
            return self.later(1, at, at, Happening::Start);
        }
        if let Some(deadline) = deadline
            && self.nodes[at].wake.is_none_or(|wake| deadline < wake)
        {
            let deadline = deadline.max(now.plus_millis(1));
            self.nodes[at].wake = Some(deadline);
            let life = self.nodes[at].life;
            self.later(deadline.since(now), at, at, Happening::Wake { life });
        }
    }
}
