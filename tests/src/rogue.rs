//! A peer that is no node of ours: it speaks the network's own language and says whatever a story has it say.
//!
//! It keeps nothing and follows no rule. What it signs, it signs with a seller's key, since whoever cheats may do so too.

use std::collections::BTreeSet;

use intentcast_node::{
    driver::now,
    net::{self, Command, Config, Event, Exchange, NetKey, PeerRef, SendError},
};
use intentcast_protocol::{
    attribute::Attribute,
    contact::ReplyPath,
    deed::{Acceptance, Confirmation},
    envelope::{Record, Signed, Verified, sign},
    frame::Frame,
    id::{IntentId, RecordId},
    intent::{Condition, Intent},
    keys::{Key, Seed},
    limits,
    list::{Bytes, List},
    offer::{Fit, Line, Offer, Seller, Totals},
    place::{Fulfilment, Region, Serves},
    receipt::{OrderEvent, Receipt},
    text::{Name, Title, Word},
    time::{Seconds, Timestamp},
    topic,
};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::wait::{PATIENCE, within};

/// A day, for promises.
const DAY: Seconds = Seconds(24 * 3600);

pub struct Rogue {
    pub key: Key,
    net: net::Handle,
    events: mpsc::Receiver<Event>,
    next: u64,
    /// Who it has been connected with.
    connected: BTreeSet<Vec<u8>>,
    _stop: DropGuard,
}

/// Distinct seeds, so that two rogues of one story are two peers.
fn seed() -> [u8; 32] {
    intentcast_node::home::entropy().unwrap()
}

impl Rogue {
    /// A peer that knows the meeting point and hears every topic of Britain.
    pub async fn start(meeting: &str) -> Self {
        let config = Config {
            listen: vec![crate::world::TCP.into()],
            bootstrap: vec![meeting.to_owned()],
            ..Config::default()
        };
        let stop = CancellationToken::new();
        let key = NetKey::from_seed(&mut seed()).unwrap();
        let (net, events) = net::start(config, topic::is_market_topic, key, stop.clone()).unwrap();
        let mut rogue = Self {
            key: Seed::new(seed()).seller_key(),
            net,
            events,
            next: 0,
            connected: BTreeSet::new(),
            _stop: stop.drop_guard(),
        };
        rogue
            .until("it listens", |event| {
                matches!(event, Event::Listening { .. }).then_some(())
            })
            .await;
        let roots = intentcast_protocol::category::all().filter(|category| category.parent.is_none());
        for topic in topic::for_listener(roots.map(|root| root.id), ["GB"]) {
            rogue.net.send(Command::Subscribe(topic.to_string())).await;
        }
        rogue
    }

    /// The next thing that is wanted; messages that come meanwhile are passed on, so that the mesh lives.
    pub async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let event = self.events.recv().await.expect("the network runs");
                match &event {
                    Event::Gossip { ticket, .. } => {
                        let (ticket, verdict) = (*ticket, net::Verdict::Accept);
                        self.net.send(Command::Verdict { ticket, verdict }).await;
                    }
                    Event::Connected { peer } => {
                        self.connected.insert(peer.clone());
                    }
                    _ => {}
                }
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        within(PATIENCE, what, waiting).await
    }

    /// The intent of this id, heard like any other: by gossip, or told by the customer where it came too late for that.
    pub async fn hear(&mut self, id: IntentId) -> Verified<Intent> {
        let wanted = |bytes: &[u8]| {
            let heard = Signed::<Intent>::parse(bytes).and_then(Signed::verify).ok()?;
            (IntentId::from(heard.id()) == id).then_some(heard)
        };
        let (asked, heard) = self
            .until("a cast is heard", |event| match event {
                Event::Gossip { bytes, .. } => wanted(bytes).map(|heard| (None, heard)),
                Event::Frame { exchange, frame, .. } => match Frame::decode(frame) {
                    Ok(Frame::Tell { records, .. }) => records
                        .iter()
                        .find_map(|record| wanted(record))
                        .map(|heard| (Some(*exchange), heard)),
                    _ => None,
                },
                _ => None,
            })
            .await;
        if let Some(exchange) = asked {
            let records = List::default();
            self.answer(exchange, &Frame::Open { records, more: false }).await;
        }
        heard
    }

    /// Where it is answered.
    pub fn reply(&self) -> ReplyPath {
        let local = self.net.local_peer();
        ReplyPath {
            peer: Bytes::new(local.id).unwrap(),
            addrs: List::cut(local.addrs.into_iter().filter_map(|addr| Bytes::new(addr).ok())),
        }
    }

    /// An offer that there is nothing wrong with: exactly what is wanted, for this many minor units all in.
    pub fn honest(&self, intent: &Verified<Intent>, minor: i64) -> Offer {
        let wanted = intent.body();
        let attributes = wanted.wishes.iter().map(|wish| Attribute {
            name: wish.name.clone(),
            value: wish.value.clone(),
        });
        Offer {
            intent: intent.id().into(),
            revision: intent.id(),
            seller: Seller {
                name: Name::lossy("Too Good Trading"),
                reply: self.reply(),
            },
            lines: List::cut([Line {
                item: Word::lossy("bait-1"),
                gtin: None,
                title: Title::lossy(wanted.title.as_str()),
                brand: Name::lossy(""),
                category: wanted.category,
                quantity: wanted.quantity,
                unit_minor: minor,
                condition: Condition::New,
                fit: Fit::Exact,
                attributes: List::cut(attributes),
            }]),
            totals: Totals {
                currency: wanted.budget.currency(),
                goods: minor,
                delivery: 0,
                tax: 0,
                total: minor,
            },
            serves: Serves {
                region: Region::whole(wanted.place.region.country),
                cell: None,
                mode: Fulfilment::Delivery,
            },
            deliver_by: now().plus(DAY),
            valid_until: now().plus(DAY),
            held_until: None,
            returns_days: 14,
            warranty_months: 24,
            terms: wanted.terms.hash(),
            needs: List::cut([]),
        }
    }

    /// Signs an offer as made now and good for a day.
    pub fn sign(&self, offer: Offer) -> Verified<Offer> {
        let until = offer.valid_until;
        sign(&self.key, now(), until, offer).unwrap()
    }

    /// Sends an offer and gives the one reply.
    pub async fn offer(&mut self, to: &ReplyPath, offer: &[u8]) -> Frame {
        self.ask(to, &Frame::Offer(Bytes::new(offer).unwrap())).await
    }

    /// Sends a frame and gives the one reply.
    pub async fn ask(&mut self, to: &ReplyPath, frame: &Frame) -> Frame {
        let reply = self.send(to, frame.encode()).await.unwrap();
        Frame::decode(&reply).unwrap()
    }

    /// Sends bytes on a stream of their own, whatever they are.
    pub async fn send(&mut self, to: &ReplyPath, frame: Vec<u8>) -> Result<Vec<u8>, SendError> {
        self.next += 1;
        let (task, to) = (self.next, place(to));
        self.net.send(Command::Send { task, to, frame }).await;
        self.until("an exchange ends", |event| match event {
            Event::Sent { task: of, result } if *of == task => Some(result.clone()),
            _ => None,
        })
        .await
    }

    /// Publishes bytes, whatever they are, to as many as are there; somebody must be.
    pub async fn publish(&mut self, topic: &str, bytes: Vec<u8>) -> usize {
        self.next += 1;
        let task = self.next;
        self.net
            .send(Command::Publish {
                task,
                topic: topic.to_owned(),
                bytes,
            })
            .await;
        self.until("a publication ends", |event| match event {
            Event::Published { task: of, result } if *of == task => Some(result.unwrap_or_default()),
            _ => None,
        })
        .await
    }

    /// Waits until somebody else is on the topic.
    pub async fn until_heard_on(&mut self, wanted: &str) {
        self.until("somebody listens", |event| match event {
            Event::TopicPeers { topic, peers, .. } => (topic == wanted && *peers > 0).then_some(()),
            _ => None,
        })
        .await;
    }

    /// The customer's yes, which waits for an answer.
    pub async fn accepted(&mut self) -> (Exchange, Verified<Acceptance>) {
        self.until("a yes comes", |event| match event {
            Event::Frame { exchange, frame, .. } => match Frame::decode(frame) {
                Ok(Frame::Acceptance(record)) => {
                    let acceptance = Signed::<Acceptance>::parse(&record).and_then(Signed::verify).unwrap();
                    Some((*exchange, acceptance))
                }
                _ => None,
            },
            _ => None,
        })
        .await
    }

    /// Answers a frame.
    pub async fn answer(&self, exchange: Exchange, frame: &Frame) {
        let frame = frame.encode();
        self.net.send(Command::Reply { exchange, frame }).await;
    }

    /// The confirmation that an honest seller gives.
    pub fn confirmation(acceptance: &Verified<Acceptance>) -> Confirmation {
        Confirmation {
            agreement: acceptance.agreement,
            acceptance: acceptance.id(),
            total: acceptance.total,
            terms: acceptance.terms,
        }
    }

    /// The first receipt that an honest seller gives.
    pub fn receipt(acceptance: &Verified<Acceptance>) -> Receipt {
        Receipt {
            agreement: acceptance.agreement,
            sequence: 0,
            previous: None,
            event: OrderEvent::Confirmed,
            total: acceptance.total,
            returns_until: None,
            warranty_until: None,
        }
    }

    /// Signs what is said about a deal.
    pub fn sign_deed<T: Record>(&self, body: T) -> Verified<T> {
        sign(&self.key, now(), now().plus(limits::DEED_LIFE), body).unwrap()
    }

    /// Both, signed, as one answer to a yes.
    pub fn confirmed(&self, confirmation: Confirmation, receipt: Receipt) -> Frame {
        Frame::Confirmed {
            confirmation: Bytes::new(self.sign_deed(confirmation).bytes()).unwrap(),
            receipt: Bytes::new(self.sign_deed(receipt).bytes()).unwrap(),
        }
    }

    /// Signs an offer that was over before it is sent.
    pub fn sign_stale(&self, mut offer: Offer) -> Verified<Offer> {
        let made = Timestamp(now().0 - 60_000);
        offer.valid_until = Timestamp(now().0 - 1_000);
        sign(&self.key, made, now().plus(DAY), offer).unwrap()
    }
}

/// The network's form of where somebody answers.
pub fn place(to: &ReplyPath) -> PeerRef {
    PeerRef {
        id: to.peer.to_vec(),
        addrs: to.addrs.iter().map(|addr| addr.to_vec()).collect(),
    }
}

/// Bytes with one bit of the last byte turned, which is the signature's.
pub fn spoiled(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    bytes
}

/// What a refusal says, whichever record it is about.
pub fn refusal(frame: &Frame) -> Option<(RecordId, intentcast_protocol::frame::Refusal)> {
    match frame {
        Frame::Refused { about, why } => Some((*about, *why)),
        _ => None,
    }
}
