//! Who lives on a node: its market machine, its disk, its shop or its wants, and the person who decides.
//!
//! It drives the machine by its contract, one in and all out. What takes time, a disk, a search, an exchange, waits in a
//! list of its own. A person who wants something waits for offers, says yes to the best, and to the next if that one is
//! not honoured; a shop answers what its rules say, after a while.

mod carry;
mod life;
mod person;
#[cfg(test)]
mod sabotage;

use std::collections::BTreeMap;
use std::sync::Arc;

use intentcast_protocol::{
    fault::Verdict,
    id::{IntentId, RecordId},
    ledger::Stored,
    market::{Command, Config, Done, Input, Market, Request, TaskId, Ticket},
};

use super::{
    Stage,
    diary::Diary,
    peers::{clock, instant, path_of, peer_of},
    ploy::Ploy,
    shelf::Shelf,
};
use crate::engine::{Conduct, Errands, Parcel, Plan};
use crate::gossipsub::{Actions, Chance, Event, List, Node, Rpc, World};
#[cfg(test)]
pub(super) use sabotage::Sabotage;

/// How long a batch takes to the disk, ns: a flush of a solid-state disk.
const DISK: u64 = 3_000_000;
/// How long an exchange over a stream may take, ns.
const EXCHANGE: u64 = 10_000_000_000;
/// When a node first looks whether its meshes are large enough, after its start, and how often, ns.
const FIRST_SEEK: u64 = 5_000_000_000;
const SEEK: u64 = 15_000_000_000;

/// What comes back to the resident later.
#[derive(Debug)]
enum Later {
    /// A want is to be cast.
    Cast(u32),
    /// The time to choose among offers has come.
    Choose(IntentId),
    Done(TaskId, Done),
    Stored(TaskId, Vec<Stored>),
    /// An exchange has taken too long.
    Expired(TaskId),
    /// Meshes are looked at.
    Seek,
    Say(Box<Command>),
    /// A seller has written.
    Answer(RecordId),
    /// What an attacker sends beside what its machine does.
    Extra(u32, Vec<u8>),
}

/// One node's.
#[derive(Debug)]
pub struct Resident {
    own: u32,
    stage: Arc<Stage>,
    market: Option<Box<Market>>,
    disk: Vec<Box<[u8]>>,
    /// What the disk holds, where each step is looked at.
    shelf: Option<Box<Shelf>>,
    life: u32,
    chance: Chance,
    later: BTreeMap<(u64, u32), Later>,
    made: u32,
    deadline: Option<u64>,
    /// Exchanges under way, each with its entry in `later`.
    pending: BTreeMap<TaskId, (u64, u32)>,
    /// Frames that wait for our reply: who asked, its task and its life.
    asked: BTreeMap<u64, (u32, u64, u32)>,
    exchanges: u64,
    /// Messages that wait for their verdict, and who brought them.
    judging: Vec<(u32, u32)>,
    /// Messages being published.
    publishing: BTreeMap<u32, TaskId>,
    /// Places for messages that it has filled.
    said: u32,
    /// Topics that it listens on, or has wants on.
    concerns: Vec<u32>,
    /// Wants of which no offer could be taken yet, past the time to choose.
    eager: Vec<IntentId>,
    /// Wants that have been cast.
    cast: u32,
    /// The one that is being cast, and since when.
    casting: Option<(u32, u64)>,
    errands: Errands,
    ploy: Option<Box<dyn Ploy>>,
    diary: Box<Diary>,
}

impl Resident {
    /// The one of a node that has not started.
    pub fn new(plan: &Plan, stage: &Arc<Stage>, own: u32) -> Self {
        let mut concerns = plan.topics(own);
        let wanted = stage
            .load
            .wants_of(own)
            .iter()
            .map(|want| &stage.load.wants[*want as usize]);
        concerns.extend(wanted.filter_map(|want| stage.number(stage.load.goods.topic(want.cell))));
        concerns.sort_unstable();
        concerns.dedup();
        Self {
            own,
            stage: stage.clone(),
            market: None,
            disk: Vec::new(),
            shelf: cfg!(debug_assertions).then(Box::default),
            life: 0,
            chance: Chance::of(0, 0),
            later: BTreeMap::new(),
            made: 0,
            deadline: None,
            pending: BTreeMap::new(),
            asked: BTreeMap::new(),
            exchanges: 0,
            judging: Vec::new(),
            publishing: BTreeMap::new(),
            said: 0,
            concerns,
            eager: Vec::new(),
            cast: 0,
            casting: None,
            errands: Errands::default(),
            ploy: super::ploy(plan, stage, own),
            diary: Box::default(),
        }
    }

    fn later(&mut self, at: u64, what: Later) -> (u64, u32) {
        self.made = self.made.wrapping_add(1);
        self.later.insert((at, self.made), what);
        (at, self.made)
    }

    fn config(&self) -> Config {
        let load = &self.stage.load;
        let cells = load.sells(self.own).then(|| load.cells(self.own));
        Config {
            backbone: match self.stage.spies.binary_search(&self.own) {
                Ok(_) => self.stage.topics.iter().copied().collect(),
                Err(_) => load.backbone(self.own).into_iter().collect(),
            },
            listen: load.listens(self.own).into_iter().collect(),
            rules: cells.map(|cells| load.goods.rules(&format!("shop {}", self.own), &cells)),
            ..Config::default()
        }
    }

    /// One in, all out. What the machine says of a message that it was told, if it was.
    fn give(&mut self, now: u64, world: &World, input: Input) -> Option<Verdict> {
        let mut market = self.market.take()?;
        market.handle(clock(now), input);
        let mut verdict = None;
        while let Some(output) = market.poll() {
            self.look(now, &market, &output);
            self.carry_out(now, world, output, &mut verdict);
        }
        self.deadline = market.deadline().map(instant);
        self.market = Some(market);
        verdict
    }

    fn command(&mut self, now: u64, world: &World, command: Command) {
        self.give(now, world, Input::Command(Request(0), command));
    }

    /// A message's verdict is due: whether it is passed on.
    fn judge(&mut self, now: u64, world: &World, message: u32) -> bool {
        let Some(at) = self.judging.iter().position(|(waiting, _)| *waiting == message) else {
            return true;
        };
        let (_, from) = self.judging.swap_remove(at);
        let Some(spoken) = world.spoken(message) else {
            return true;
        };
        let ticket = Ticket(u64::from(message));
        let topic = self.stage.topics[spoken.message.topic as usize];
        let place = message - world.number(0);
        let input = self.stage.judge.input(place, ticket, from, topic, spoken);
        #[cfg(test)]
        if self.is_sabotaged(Sabotage::Deaf) {
            return false;
        }
        let accepted = self.give(now, world, input) == Some(Verdict::Accept);
        if accepted {
            self.diary.saw.push(message);
        }
        accepted
    }
}

impl Conduct for Resident {
    fn hears(&mut self, now: u64, world: &World, node: &Node, event: &Event) -> bool {
        match event {
            Event::Verdict(message) => self.judge(now, world, *message),
            Event::Disconnected(slot) => {
                if let Some(peer) = node.peers().get(*slot as usize) {
                    self.give(now, world, Input::Gone(peer_of::<64>(peer.id).to_vec()));
                }
                true
            }
            _ => true,
        }
    }

    fn acts(&mut self, now: u64, world: &World, node: &mut Node, event: &Event, actions: &mut Actions) {
        let Event::Received(slot, rpc) = event else { return };
        let Some(peer) = node.peers().get(*slot as usize).map(|peer| peer.id) else {
            return;
        };
        match rpc {
            Rpc::Publish { message, .. } if actions.judge.contains(message) => self.judging.push((*message, peer)),
            Rpc::List(ids) if ids.list() == List::Subscribe && node.is_connected(*slot) => {
                for number in ids.all() {
                    if self.concerns.binary_search(number).is_ok() {
                        let topic = self.stage.topics[*number as usize];
                        let peer = path_of(peer);
                        self.give(now, world, Input::Joined { peer, topic });
                    }
                }
            }
            _ => {}
        }
    }

    fn wakes_at(&self) -> Option<u64> {
        self.market.as_ref()?;
        let first = self.later.first_key_value().map(|((at, _), _)| *at);
        first.into_iter().chain(self.deadline).min()
    }

    fn wakes(&mut self, now: u64, world: &World, node: &mut Node, _actions: &mut Actions) {
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= now) {
            let what = entry.remove();
            self.comes(now, world, node, what);
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.give(now, world, Input::Tick);
        }
    }

    fn starts(&mut self, now: u64, world: &World, life: u32, chance: Chance) {
        self.begin(now, world, life, chance);
    }

    fn stops(&mut self, _now: u64) {
        self.die();
    }

    fn ends(&mut self, _now: u64) {
        self.leave();
    }

    fn receives(&mut self, now: u64, world: &World, _node: &Node, from: u32, parcel: Parcel) {
        self.receive(now, world, from, parcel);
    }

    fn published(&mut self, now: u64, _world: &World, message: u32, peers: usize) {
        if let Some(task) = self.publishing.remove(&message) {
            self.later(now, Later::Done(task, Done::Published(peers)));
        }
    }

    fn errands(&mut self, errands: &mut Errands) {
        errands.publish.append(&mut self.errands.publish);
        errands.parcels.append(&mut self.errands.parcels);
        errands.dials.append(&mut self.errands.dials);
    }
}
