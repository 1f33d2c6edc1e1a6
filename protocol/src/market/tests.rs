//! Stories told by hand: two or three markets, no network, each message passed on by the story itself.

mod amending;
mod catching_up;
mod customer;
mod data;
mod disclosing;
mod disk;
mod documents;
mod forgery;
mod interests;
mod lost;
mod orders;
mod relaying;
mod seller;
mod suppliers;
mod talking;

use std::collections::BTreeSet;

use super::{
    Answered, Candidate, Command, Config, Denied, Done, Draft, Event, Exchange, Input, Market, Output, Request, TaskId,
    Ticket,
};
use crate::{
    attribute::{Attribute, Value},
    contact::ReplyPath,
    disclosure::Spend,
    envelope::{open, sign},
    fault::Verdict,
    frame::{Frame, Refusal},
    id::{IntentId, OfferId, RecordId},
    intent::{Condition, Conditions, Language},
    item::{Description, Item},
    keys::Seed,
    ledger::{Stored, audit},
    list::{Bytes, List},
    money::Money,
    offer::Offer,
    place::{Fulfilment, Fulfilments, Place, Region},
    rules::{Delivery, Rules},
    terms::TermsSet,
    text::{Name, Phrase, Prose, Title, Word},
    time::{Seconds, Timestamp},
    topic::Topic,
};

pub(super) const NOW: Timestamp = Timestamp(1_780_000_000_000);
const HOUR: u64 = 3_600_000;

/// How long after the story's beginning.
pub(super) fn after(ms: u64) -> Timestamp {
    NOW.plus_millis(ms)
}

pub(super) fn path(name: &str) -> ReplyPath {
    ReplyPath {
        peer: Bytes::new(name.as_bytes()).unwrap(),
        addrs: List::default(),
    }
}

/// Twins in Lewisham, 150 pounds.
pub(super) fn draft() -> Draft {
    Draft {
        title: Title::new("a stroller for twins").unwrap(),
        text: Prose::default(),
        language: Language::ENGLISH,
        category: crate::category::resolve("baby/strollers/double").unwrap().id,
        wishes: Vec::new(),
        quantity: 1,
        conditions: Conditions::NEW,
        budget: Spend::from("150 GBP".parse::<Money>().unwrap()),
        place: Place::within("GB-LEW".parse().unwrap()),
        fulfilment: Fulfilments::default(),
        need_by: None,
        offers_due: after(2 * HOUR),
        expires: after(24 * HOUR),
        max_offers: 10,
        offers_per_seller: 2,
        max_rounds: 0,
        terms: TermsSet::default(),
        may_ask: Vec::new(),
        withhold: Vec::new(),
        favourites_first: None,
    }
}

pub(super) fn stroller(id: &str, price: &str) -> Item {
    Item {
        id: Word::new(id).unwrap(),
        title: Title::new("Tandem twin stroller").unwrap(),
        brand: Name::new("Oakwheel").unwrap(),
        description: Description::new("Two seats, one behind the other.").unwrap(),
        gtin: None,
        category: crate::category::resolve("baby/strollers/double").unwrap().id,
        price: price.parse().unwrap(),
        condition: Condition::New,
        stock: None,
        language: Language::ENGLISH,
        attributes: vec![Attribute {
            name: Word::new("colour").unwrap(),
            value: Value::Text(Phrase::new("green").unwrap()),
        }],
    }
}

pub(super) fn rules() -> Rules {
    Rules {
        shop: Name::new("Prams of Lewisham").unwrap(),
        delivery: vec![Delivery {
            region: "GB".parse::<Region>().unwrap(),
            cell: None,
            mode: Fulfilment::Delivery,
            price: "5 GBP".parse().unwrap(),
            free_from: None,
            days: 3,
        }],
        ..Rules::default()
    }
}

/// A market with its disk, its catalogue, and what it said and nobody has passed on yet.
pub(super) struct Node {
    pub(super) market: Market,
    pub(super) name: String,
    pub(super) config: Config,
    pub(super) catalogue: Vec<Item>,
    pub(super) disk: Vec<Stored>,
    /// Appends that wait for the story to say how they end; `None` where the disk answers at once.
    pub(super) slow: Option<Vec<(TaskId, Vec<Stored>)>>,
    pub(super) full: bool,
    pub(super) searches: Option<Vec<TaskId>>,
    pub(super) events: Vec<Event>,
    pub(super) answers: Vec<Result<Answered, Denied>>,
    pub(super) replies: Vec<Frame>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) sends: Vec<(TaskId, ReplyPath, Vec<u8>)>,
    pub(super) publishes: Vec<(TaskId, Topic, Vec<u8>)>,
    pub(super) reach: Vec<Topic>,
    pub(super) documents: std::collections::BTreeMap<crate::id::EntryHash, Vec<u8>>,
}

impl Node {
    pub(super) fn silent(name: &str, config: Config, catalogue: Vec<Item>) -> Self {
        Self {
            market: Market::new(Self::seed_of(name), config.clone()),
            name: name.into(),
            config,
            catalogue,
            disk: Vec::new(),
            slow: None,
            full: false,
            searches: None,
            events: Vec::new(),
            answers: Vec::new(),
            replies: Vec::new(),
            verdicts: Vec::new(),
            sends: Vec::new(),
            publishes: Vec::new(),
            reach: Vec::new(),
            documents: std::collections::BTreeMap::new(),
        }
    }

    fn new(name: &str, config: Config, catalogue: Vec<Item>) -> Self {
        let mut node = Self::silent(name, config, catalogue);
        node.give(NOW, Input::Reachable(path(name)));
        node
    }

    pub(super) fn customer() -> Self {
        Self::new("customer", Config::default(), Vec::new())
    }

    pub(super) fn seller(name: &str, catalogue: Vec<Item>) -> Self {
        Self::selling(name, rules(), catalogue)
    }

    pub(super) fn selling(name: &str, rules: Rules, catalogue: Vec<Item>) -> Self {
        let config = Config {
            rules: Some(rules),
            listen: Topic::all().collect(),
            ..Config::default()
        };
        Self::new(name, config, catalogue)
    }

    fn seed_of(name: &str) -> Seed {
        Seed::new(crate::id::digest("story", &[name.as_bytes()]))
    }

    pub(super) fn seed(&self) -> Seed {
        Self::seed_of(&self.name)
    }

    /// One in, all out.
    pub(super) fn give(&mut self, now: Timestamp, input: Input) {
        self.market.handle(now, input);
        let mut later = Vec::new();
        while let Some(output) = self.market.poll() {
            match output {
                Output::Append { task, entries } => match &mut self.slow {
                    Some(waiting) => waiting.push((task, entries)),
                    None => later.push(self.append(task, entries)),
                },
                Output::Search { task, .. } => match &mut self.searches {
                    Some(waiting) => waiting.push(task),
                    None => later.push(Input::Done(task, Done::Found(self.candidates()))),
                },
                Output::Event(event) => self.events.push(event),
                Output::Answer(_, answer) => self.answers.push(answer),
                Output::Reply(_, frame) => self.replies.push(Frame::decode(&frame).unwrap()),
                Output::Serve {
                    about, hash, offset, ..
                } => self.replies.push(self.piece(about, hash, offset)),
                Output::Verdict(_, verdict) => self.verdicts.push(verdict),
                Output::Send { task, to, frame } => self.sends.push((task, to, frame)),
                Output::Publish { task, topic, bytes } => self.publishes.push((task, topic, bytes)),
                Output::Reach(topic) => self.reach.push(topic),
                Output::Subscribe(_) | Output::Unsubscribe(_) => {}
            }
        }
        for input in later {
            self.give(now, input);
        }
    }

    fn append(&mut self, task: TaskId, entries: Vec<Stored>) -> Input {
        if self.full {
            return Input::Done(task, Done::NotStored);
        }
        self.disk.extend(entries);
        Input::Done(task, Done::Stored)
    }

    fn piece(&self, about: RecordId, hash: crate::id::EntryHash, offset: u32) -> Frame {
        let Some(document) = self.documents.get(&hash) else {
            let why = Refusal::Early;
            return Frame::Refused { about, why };
        };
        let length = crate::document::piece_bytes(document.len() as u32, offset).unwrap();
        Frame::Piece {
            hash,
            total: document.len() as u32,
            offset,
            bytes: Bytes::new(&document[offset as usize..][..length]).unwrap(),
        }
    }

    /// The slow disk ends what it began, one way or the other.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some((task, entries)) = self.slow.as_mut().filter(|it| !it.is_empty()).map(|it| it.remove(0)) {
            let done = self.append(task, entries);
            self.give(now, done);
        }
    }

    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let items = self.catalogue.iter().cloned();
        items.map(|item| Candidate { item, counted: NOW }).collect()
    }

    pub(super) fn command(&mut self, now: Timestamp, command: Command) -> Result<Answered, Denied> {
        self.give(now, Input::Command(Request(0), command));
        self.answers.pop().expect("each command is answered")
    }

    pub(super) fn cast(&mut self, draft: Draft) -> IntentId {
        let command = Command::Cast {
            draft: Box::new(draft),
            nonce: [self.disk.len() as u8; 16],
        };
        match self.command(NOW, command) {
            Ok(Answered::Cast(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// What it answers to a frame.
    pub(super) fn ask(&mut self, now: Timestamp, frame: &[u8]) -> Frame {
        self.ask_as("somebody", now, frame)
    }

    /// What it answers to a frame of this peer.
    pub(super) fn ask_as(&mut self, peer: &str, now: Timestamp, frame: &[u8]) -> Frame {
        let input = Input::Frame {
            exchange: Exchange(0),
            peer: peer.as_bytes().to_vec(),
            bytes: frame.to_vec(),
        };
        self.give(now, input);
        self.replies.pop().expect("each frame is answered")
    }

    /// What it thinks of a message.
    pub(super) fn hear(&mut self, now: Timestamp, topic: Topic, bytes: &[u8]) -> Verdict {
        let input = Input::Gossip {
            ticket: Ticket(0),
            peer: b"somebody".to_vec(),
            topic,
            bytes: bytes.to_vec(),
        };
        self.give(now, input);
        self.verdicts.pop().expect("each message is judged")
    }

    /// `kill -9` and another start: what is on disk, and nothing else.
    pub(super) fn restart(&mut self, now: Timestamp) {
        let entries = self.disk.iter().map(|entry| entry.bytes.as_slice());
        self.market = Market::replay(self.seed(), self.config.clone(), entries, now).unwrap();
        self.sends.clear();
        self.publishes.clear();
        self.slow = self.slow.take().map(|_| Vec::new());
        self.searches = self.searches.take().map(|_| Vec::new());
        let reachable = Input::Reachable(path(&self.name));
        self.give(now, reachable);
    }

    /// Comes back at each deadline up to `until`.
    pub(super) fn wait(&mut self, until: Timestamp) {
        while let Some(at) = self.market.deadline().filter(|at| *at <= until) {
            self.give(at, Input::Tick);
        }
    }

    /// The offers that it takes for good ones.
    pub(super) fn open_offers(&self) -> Vec<OfferId> {
        let views = self.market.offers(NOW, None);
        let open = views.iter().filter(|view| view.state == super::OfferState::Open);
        open.map(|view| view.id).collect()
    }

    pub(super) fn refusals(&self) -> Vec<Refusal> {
        let refused = self.events.iter().filter_map(|event| match event {
            Event::Refused { why, .. } => Some(*why),
            _ => None,
        });
        refused.collect()
    }
}

/// Passes on what a node publishes; each listener is one peer.
pub(super) fn gossip(now: Timestamp, from: &mut Node, to: &mut [&mut Node]) {
    for (task, topic, bytes) in std::mem::take(&mut from.publishes) {
        for node in &mut *to {
            node.hear(now, topic, &bytes);
        }
        from.give(now, Input::Done(task, Done::Published(to.len())));
    }
}

/// Passes on every frame to `to`, and each reply back.
pub(super) fn exchange(now: Timestamp, from: &mut Node, to: &mut Node) {
    for (task, peer, frame) in std::mem::take(&mut from.sends) {
        if peer != path(&to.name) {
            from.sends.push((task, peer, frame));
            continue;
        }
        let reply = to.ask_as(&from.name, now, &frame);
        from.give(now, Input::Done(task, Done::Replied(reply.encode())));
    }
}

/// A want is cast and one seller's only offer is here.
pub(super) fn offered() -> (Node, Node, IntentId, OfferId) {
    let mut customer = Node::customer();
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    let intent = customer.cast(draft());
    gossip(NOW, &mut customer, &mut [&mut seller]);
    exchange(NOW, &mut seller, &mut customer);
    let offers = customer.open_offers();
    assert_eq!(offers.len(), 1, "{:?} {:?}", customer.events, seller.events);
    (customer, seller, intent, offers[0])
}

/// The offer that a seller would send, with something changed before it is signed.
pub(super) fn forged(seller: &Node, frame: &[u8], change: impl FnOnce(&mut Offer)) -> Vec<u8> {
    let Ok(Frame::Offer(bytes)) = Frame::decode(frame) else {
        panic!("not an offer")
    };
    let honest = open::<Offer>(&bytes).unwrap();
    let mut offer = honest.body().clone();
    change(&mut offer);
    let header = honest.header();
    let ends = header.created.plus(Seconds(5 * 24 * 3600));
    let signed = sign(&seller.seed().seller_key(), header.created, ends, offer).unwrap();
    Frame::Offer(Bytes::new(signed.bytes()).unwrap()).encode()
}

/// A want that a seller has heard, and the frame with its offer, not yet delivered.
pub(super) fn about_to_offer(draft: Draft) -> (Node, Node, IntentId, Vec<u8>) {
    let mut customer = Node::customer();
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    let intent = customer.cast(draft);
    gossip(NOW, &mut customer, &mut [&mut seller]);
    let (_, _, frame) = seller.sends.pop().expect("an offer");
    (customer, seller, intent, frame)
}

/// The one agreement of each, equal to the byte.
pub(super) fn assert_same_deal(customer: &Node, seller: &Node) {
    let (ours, theirs) = (customer.market.agreements(), seller.market.agreements());
    assert_eq!((ours.len(), theirs.len()), (1, 1));
    assert_eq!(ours[0].id, theirs[0].id);
    assert_eq!(ours[0].bytes_hash, theirs[0].bytes_hash);
    assert_eq!(ours[0].receipts[0].id, theirs[0].receipts[0].id);
    for node in [customer, seller] {
        let chain = audit(node.disk.iter().map(|entry| entry.bytes.as_slice())).unwrap();
        assert_eq!(chain.head(), node.market.chain().head());
    }
}

#[test]
fn a_want_becomes_an_agreement_that_both_sides_hold() {
    let (mut customer, mut seller, intent, offer) = offered();
    assert!(matches!(
        customer.command(after(10), Command::Accept(offer)),
        Ok(Answered::Accepted(_))
    ));
    exchange(after(10), &mut customer, &mut seller);
    assert_same_deal(&customer, &seller);
    let view = customer.market.intent(after(10), intent).unwrap();
    assert_eq!(view.state, super::IntentState::Agreed);
    let topics: BTreeSet<Topic> = customer.publishes.iter().map(|(_, topic, _)| *topic).collect();
    assert_eq!(topics.len(), 1, "the want is taken back where it was said");
    assert!(
        customer
            .events
            .iter()
            .any(|event| matches!(event, Event::Receipt { .. }))
    );
}

#[test]
fn what_is_replayed_is_what_was() {
    let (mut customer, mut seller, _, offer) = offered();
    customer.command(after(10), Command::Accept(offer)).unwrap();
    exchange(after(10), &mut customer, &mut seller);
    for node in [&mut customer, &mut seller] {
        let shown = |node: &Node| {
            let state = (
                node.market.intents(after(20)),
                node.market.offers(after(20), None),
                node.market.agreements(),
            );
            format!("{state:?}")
        };
        let before = shown(node);
        let facts = node.disk.len();
        node.restart(after(20));
        assert_eq!(before, shown(node));
        assert_eq!(node.disk.len(), facts, "a restart alone is no news");
    }
}
