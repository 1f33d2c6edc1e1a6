//! What a node wants done, carried out: by the weather, the disk, and the other nodes.

use intentcast_protocol::{
    fault::Verdict,
    frame::{Frame, Refusal},
    id::digest,
    ledger::Stored,
    market::{Candidate, Done, Input, Output, TaskId},
    topic::Topic,
};

use super::{EXCHANGE_MS, Happening, World};
use crate::market::{node::node_of, rogue::cheat};

impl World {
    pub(super) fn carry_out(&mut self, at: usize, output: Output) {
        let life = self.nodes[at].life;
        let of_task = |task, done, reply| Happening::Done {
            task,
            life,
            done,
            reply,
        };
        match output {
            Output::Verdict(ticket, verdict) => {
                let heard = self.nodes[at].tickets.remove(&ticket.0);
                if let Some((from, topic, bytes)) = heard.filter(|_| verdict == Verdict::Accept) {
                    self.flood(at, Some(from), topic, &bytes);
                }
            }
            Output::Publish { task, topic, bytes } => {
                let id = digest("gossip", &[topic.to_string().as_bytes(), &bytes]);
                self.nodes[at].seen.insert(id);
                let peers = self.flood(at, None, topic, &bytes);
                self.later(1, at, at, of_task(task, Done::Published(peers), false));
            }
            Output::Send { task, to, frame } => {
                self.nodes[at].pending.insert(task);
                let frame = self.tampered(at, frame);
                self.later(EXCHANGE_MS, at, at, of_task(task, Done::Failed, true));
                if let Some(to) = node_of(&to).filter(|to| *to < self.nodes.len()) {
                    self.post(at, to, |bytes| Happening::Frame { task, life, bytes }, frame);
                }
            }
            // No node of this world has a disk for documents.
            Output::Serve { exchange, about, .. } => {
                let why = Refusal::Early;
                let frame = Frame::Refused { about, why }.encode();
                self.carry_out(at, Output::Reply(exchange, frame));
            }
            Output::Reply(exchange, bytes) => {
                if let Some((to, task, life)) = self.nodes[at].exchanges.remove(&exchange.0) {
                    let reply = |bytes| Happening::Done {
                        task,
                        life,
                        done: Done::Replied(bytes),
                        reply: true,
                    };
                    if !self.apart(at, to) {
                        let bytes = self.tampered(at, bytes);
                        self.post(at, to, reply, bytes);
                    }
                }
            }
            Output::Search { task, intent } => {
                let found: Vec<Candidate> = self.nodes[at].search(&intent);
                let delay = self.dice.between((1, 20));
                self.later(delay, at, at, of_task(task, Done::Found(found), false));
            }
            Output::Append { task, entries } => self.append(at, task, entries),
            Output::Subscribe(topic) => {
                self.nodes[at].topics.insert(topic);
                for other in self.near(at) {
                    let life = self.nodes[other].life;
                    let delay = self.dice.between(self.weather.delay);
                    self.later(delay, other, at, Happening::Joined { life, topic });
                }
            }
            Output::Unsubscribe(topic) => {
                self.nodes[at].topics.remove(&topic);
            }
            Output::Answer(_, answer) => self.answer = Some(answer),
            Output::Event(event) => self.nodes[at].events.push(event),
            Output::Reach(_) => {}
        }
    }

    /// What really leaves the node.
    pub(super) fn tampered(&mut self, at: usize, frame: Vec<u8>) -> Vec<u8> {
        if !self.nodes[at].rogue {
            return frame;
        }
        let keys = self.nodes[at].keys();
        cheat(&mut self.dice, &keys, frame)
    }

    /// Sends a message to every neighbour on the topic but the one it came from; to how many.
    pub(super) fn flood(&mut self, at: usize, from: Option<usize>, topic: Topic, bytes: &[u8]) -> usize {
        let mut there = self.near(at);
        there.retain(|other| {
            let node = &self.nodes[*other];
            Some(*other) != from && node.market.is_some() && node.topics.contains(&topic)
        });
        for other in &there {
            self.post(at, *other, |bytes| Happening::Gossip(topic, bytes), bytes.to_vec());
        }
        there.len()
    }

    /// Hands something to the network, which may lose it or bring it twice.
    pub(super) fn post(&mut self, from: usize, to: usize, carry: impl Fn(Vec<u8>) -> Happening, bytes: Vec<u8>) {
        if !self.dice.chance(self.weather.loss) {
            let delay = self.dice.between(self.weather.delay);
            self.later(delay, to, from, carry(bytes.clone()));
        }
        if self.dice.chance(self.weather.twice) {
            let delay = self.dice.between((0, 60_000));
            self.later(delay, to, from, carry(bytes));
        }
    }

    pub(super) fn append(&mut self, at: usize, task: TaskId, entries: Vec<Stored>) {
        if self.nodes[at].appending.replace(entries).is_some() {
            self.violations.push(format!("node {at} stores two batches at once"));
        }
        let life = self.nodes[at].life;
        let delay = self.dice.between(self.weather.disk);
        self.later(delay, at, at, Happening::Disk { task, life });
    }

    pub(super) fn stored(&mut self, at: usize, task: TaskId) {
        let node = &mut self.nodes[at];
        let entries = node.appending.take().unwrap_or_default();
        let done = if std::mem::take(&mut node.disk_full) {
            Done::NotStored
        } else {
            node.store(entries);
            Done::Stored
        };
        self.give(at, Input::Done(task, done));
    }
}
