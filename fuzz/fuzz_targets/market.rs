#![no_main]
//! A whole market that buys and sells, among strangers who send whatever they like, signed or not, over days.

use std::collections::VecDeque;

use intentcast_fuzz::{CUSTOMER, NOW, Pieces, SELLER};
use intentcast_protocol::{
    attribute::Attribute,
    codec::decode,
    contact::ReplyPath,
    deed::{Acceptance, Confirmation, agreement_id},
    disclosure::Kept,
    document::Fetch,
    envelope::{Record, Verified, open, sign},
    frame::Frame,
    id::{IntentId, OfferId, RecordId},
    intent::{Amendment, Intent, Withdrawal},
    item::Item,
    keys::{Key, Seed},
    letter::{Letter, ThreadId},
    limits,
    list::{Bytes, List},
    market::{
        About, Answered, Candidate, Command, Config, Done, Draft, Exchange, Input, Market, Output, Request, TaskId, Ticket,
    },
    money::Money,
    offer::{Decline, Offer, Reason},
    receipt::{OrderEvent, Receipt},
    rules::Rules,
    text::Text,
    time::{Seconds, Timestamp},
    topic::for_intent,
};

/// Outputs that one input may lead to: a restart's worth, not a flood.
const MOST: usize = 2_048;
const DAY: Seconds = Seconds(86_400);

struct World {
    market: Market,
    now: Timestamp,
    entries: Vec<Vec<u8>>,
    sends: VecDeque<TaskId>,
    /// What our rules offered, and whom we could answer.
    offered: Option<Verified<Offer>>,
    /// What we said yes to, and the effect that waits for the seller's word.
    accepted: Option<(TaskId, Verified<Acceptance>)>,
    /// The last want of a stranger that we heard.
    heard: Option<(IntentId, Intent)>,
    own: Option<IntentId>,
    want: Option<Intent>,
    taken: Option<OfferId>,
    /// How the disk, the catalogue and the neighbours behave: one bit each.
    mood: u8,
}

fn config() -> Config {
    let delivery = r#"[{"region":"GB","mode":"delivery","price":"5.00 GBP","days":3}]"#;
    Config {
        rules: Some(Rules {
            delivery: serde_json::from_str(delivery).expect("a rule"),
            likeness: 0,
            hold: true,
            ..Rules::default()
        }),
        ..Config::default()
    }
}

fn candidate(intent: &Intent) -> Candidate {
    let text = |text: &str| Text::<{ limits::WORD_BYTES }>::lossy(text);
    let item = Item {
        id: text("A-1"),
        title: intent.title.clone(),
        brand: Text::lossy("Ridgeway"),
        description: Text::lossy(""),
        gtin: None,
        category: intent.category,
        price: {
            let likely = Money::new(10_000, intent.budget.currency());
            let ceiling = intent.budget.ceiling().unwrap_or(likely);
            ceiling.percent(5_000).unwrap_or(ceiling)
        },
        condition: intent
            .conditions
            .list()
            .first()
            .copied()
            .unwrap_or(intentcast_protocol::intent::Condition::New),
        stock: Some(3),
        language: intent.language,
        attributes: intent
            .wishes
            .iter()
            .map(|wish| Attribute {
                name: wish.name.clone(),
                value: wish.value.clone(),
            })
            .collect(),
    };
    Candidate { item, counted: NOW }
}

impl World {
    fn new(mood: u8) -> Self {
        let mut world = Self {
            market: Market::new(Seed::new([5; 32]), config()),
            now: NOW,
            entries: Vec::new(),
            sends: VecDeque::new(),
            offered: None,
            accepted: None,
            heard: None,
            own: None,
            want: None,
            taken: None,
            mood,
        };
        world.drain();
        let peer = ReplyPath {
            peer: Bytes::new([1; 38]).expect("short"),
            ..ReplyPath::default()
        };
        world.tell(Input::Reachable(peer));
        world
    }

    fn tell(&mut self, input: Input) {
        self.market.handle(self.now, input);
        self.drain();
    }

    /// One in, all out; and the results of effects as further inputs, until nothing more is asked.
    fn drain(&mut self) {
        let mut results = VecDeque::new();
        let mut rounds = 0;
        loop {
            let mut outputs = 0;
            while let Some(output) = self.market.poll() {
                outputs += 1;
                assert!(outputs < MOST, "a flood of outputs, the last of them {output:?}");
                self.carry_out(output, &mut results);
            }
            let Some((task, done)) = results.pop_front() else {
                return;
            };
            rounds += 1;
            assert!(rounds < MOST, "effects without an end");
            self.market.handle(self.now, Input::Done(task, done));
        }
    }

    fn carry_out(&mut self, output: Output, results: &mut VecDeque<(TaskId, Done)>) {
        match output {
            Output::Publish { task, bytes, .. } => {
                assert!(bytes.len() <= limits::GOSSIP_BYTES);
                results.push_back((task, Done::Published(usize::from(self.mood & 1))));
            }
            Output::Send { task, frame, .. } => {
                assert!(frame.len() <= limits::FRAME_BYTES);
                match Frame::decode(&frame).expect("we send frames") {
                    Frame::Offer(record) => self.offered = open(&record).ok(),
                    Frame::Acceptance(record) => self.accepted = open(&record).ok().map(|record| (task, record)),
                    _ => {}
                }
                self.sends.push_back(task);
                if self.sends.len() > 64 {
                    results.extend(self.sends.pop_front().map(|task| (task, Done::Failed)));
                }
            }
            Output::Reply(_, frame) => {
                assert!(frame.len() <= limits::FRAME_BYTES);
                assert!(Frame::decode(&frame).is_ok(), "we reply with frames");
            }
            Output::Search { task, intent } => {
                let found = if self.mood & 2 == 0 {
                    vec![candidate(&intent)]
                } else {
                    Vec::new()
                };
                results.push_back((task, Done::Found(found)));
            }
            Output::Append { task, entries } => {
                if self.mood & 4 != 0 && self.entries.len() > 8 {
                    return results.push_back((task, Done::NotStored));
                }
                self.entries.extend(entries.into_iter().map(|entry| entry.bytes));
                results.push_back((task, Done::Stored));
            }
            Output::Answer(_, Ok(Answered::Cast(id))) => self.own = Some(id),
            Output::Serve { offset, .. } => assert!((offset as usize) < limits::DOCUMENT_BYTES),
            Output::Answer(..)
            | Output::Verdict(..)
            | Output::Reach(_)
            | Output::Subscribe(_)
            | Output::Unsubscribe(_)
            | Output::Event(_) => {}
        }
    }

    fn gossip(&mut self, about: &Intent, bytes: Vec<u8>) {
        let topics = for_intent(about.category, [about.place.region.country.code()]);
        let topic = topics
            .first()
            .copied()
            .or_else(|| intentcast_protocol::topic::Topic::all().next());
        let peer = vec![self.now.0 as u8; 38];
        if let Some(topic) = topic {
            self.tell(Input::Gossip {
                ticket: Ticket(self.now.0),
                peer,
                topic,
                bytes,
            });
        }
    }

    fn frame(&mut self, bytes: Vec<u8>) {
        let peer = vec![self.now.0 as u8; 38];
        self.tell(Input::Frame {
            exchange: Exchange(self.now.0),
            peer,
            bytes,
        });
    }

    fn signed<T: Record>(&self, seed: &[u8; 32], expires: Timestamp, body: T) -> Option<Verified<T>> {
        sign(&Key::from_seed(seed), self.now, expires, body).ok()
    }

    fn send<T: Record>(&mut self, seed: &[u8; 32], body: T, frame: fn(Bytes<{ limits::FRAME_BYTES }>) -> Frame) {
        if let Some(record) = self.signed(seed, self.now.plus(DAY), body)
            && let Ok(bytes) = Bytes::new(record.bytes())
        {
            self.frame(frame(bytes).encode());
        }
    }

    fn cast(&mut self, intent: Intent) {
        // What the bytes withhold, only they know; what they say of a budget is kept in the way in which they say it.
        let kept = Kept {
            ceiling: Some(intent.budget.ceiling().unwrap_or(Money::new(10_000, intent.budget.currency()))),
            ..Kept::default()
        };
        let Some(draft) = Draft::again(&intent, &kept, intent.offers_due) else { return };
        self.want = Some(intent);
        let nonce = [self.entries.len() as u8; 16];
        self.tell(Input::Command(
            Request(0),
            Command::Cast {
                draft: Box::new(draft),
                nonce,
            },
        ));
    }

    /// An offer as the bytes say, but to our own want where there is one, so that it comes further than the door.
    fn offer(&mut self, mut offer: Offer) {
        if let (Some(own), Some(want)) = (self.own, &self.want) {
            offer.intent = own;
            if self.mood & 8 == 0 {
                offer.revision = RecordId(own.0);
            }
            offer.terms = want.terms.hash();
        }
        if let Some(record) = self.signed(&SELLER, offer.valid_until, offer) {
            self.taken = Some(record.id().into());
            if let Ok(bytes) = Bytes::new(record.bytes()) {
                self.frame(Frame::Offer(bytes).encode());
            }
        }
    }

    fn accept(&mut self, mut acceptance: Acceptance) {
        if let Some(offer) = &self.offered {
            let id = OfferId::from(offer.id());
            acceptance.intent = offer.intent;
            acceptance.offer = id;
            acceptance.agreement = agreement_id(offer.intent, offer.revision, id, offer.terms);
            if self.mood & 16 == 0 {
                acceptance.terms = offer.terms;
                acceptance.total = offer.totals.landed();
                acceptance.lines = List::cut(0..offer.lines.len() as u8);
            }
        }
        self.send(&CUSTOMER, acceptance, Frame::Acceptance);
    }

    /// The seller's honest word to our yes: confirmation and first receipt.
    fn confirm(&mut self) {
        let Some((task, acceptance)) = self.accepted.take() else {
            return;
        };
        let (agreement, total) = (acceptance.agreement, acceptance.total);
        let confirmation = Confirmation {
            agreement,
            acceptance: acceptance.id(),
            total,
            terms: acceptance.terms,
        };
        let receipt = Receipt {
            agreement,
            sequence: 0,
            previous: None,
            event: OrderEvent::Confirmed,
            total,
            returns_until: None,
            warranty_until: None,
        };
        let confirmation = self.signed(&SELLER, self.now.plus(DAY), confirmation);
        let receipt = self.signed(&SELLER, self.now.plus(DAY), receipt);
        if let (Some(confirmation), Some(receipt)) = (confirmation, receipt) {
            let frame = Frame::Confirmed {
                confirmation: Bytes::new(confirmation.bytes()).expect("it is short"),
                receipt: Bytes::new(receipt.bytes()).expect("it is short"),
            };
            self.sends.retain(|other| *other != task);
            self.tell(Input::Done(task, Done::Replied(frame.encode())));
        }
    }

    /// A conversation of ours and the seed of the other side's key: about our own want, or about what we heard.
    fn thread(&self) -> Option<(ThreadId, [u8; 32])> {
        let theirs = Key::from_seed(&SELLER).public();
        let own = self.own.map(|intent| (ThreadId { intent, seller: theirs }, SELLER));
        let ours = self.market.seller_key();
        let heard = self.heard.as_ref().map(|(intent, _)| (ThreadId { intent: *intent, seller: ours }, CUSTOMER));
        if self.mood & 128 == 0 { own.or(heard) } else { heard.or(own) }
    }

    /// A letter as the bytes say, but in its place in a conversation of ours, so that it comes further than the door.
    fn letter(&mut self, mut letter: Letter) {
        let Some((thread, seed)) = self.thread() else { return };
        if self.mood & 16 == 0 {
            let view = self.market.thread(self.now, thread.hash());
            let letters = view.as_ref().map_or(&[][..], |view| &view.letters);
            let ours = view.as_ref().map(|view| view.role);
            let theirs = || letters.iter().filter(|it| Some(it.from) != ours);
            letter.number = theirs().count() as u32;
            letter.before = theirs().last().map(|it| it.id);
            letter.after = letters.iter().rfind(|it| Some(it.from) == ours).map(|it| it.id);
        }
        letter.thread = thread;
        self.send(&seed, letter, Frame::Letter);
    }

    fn step(&mut self, number: u8, bytes: &[u8]) {
        self.now = self.now.plus_millis(u64::from(number) * 7);
        match number % 24 {
            0 | 1 => {
                if let Ok(intent) = decode::<Intent>(bytes)
                    && let Some(record) = self.signed(&CUSTOMER, intent.offers_due, intent.clone())
                {
                    self.heard = Some((record.id().into(), intent.clone()));
                    self.gossip(&intent, record.bytes().to_vec());
                }
            }
            2 => {
                if let Ok(mut amendment) = decode::<Amendment>(bytes) {
                    if let Some((heard, _)) = &self.heard {
                        amendment.intent = *heard;
                        amendment.replaces = RecordId(heard.0);
                    }
                    let now = amendment.now.clone();
                    if let Some(record) = self.signed(&CUSTOMER, now.offers_due, amendment) {
                        self.gossip(&now, record.bytes().to_vec());
                    }
                }
            }
            3 => {
                if let Ok(mut withdrawal) = decode::<Withdrawal>(bytes) {
                    if let Some((heard, about)) = self.heard.clone() {
                        withdrawal.intent = heard;
                        let record = self.signed(&CUSTOMER, self.now.plus(DAY), withdrawal.clone());
                        if let Some(record) = record.filter(|_| self.mood & 32 == 0) {
                            self.gossip(&about, record.bytes().to_vec());
                        }
                    }
                    self.send(&CUSTOMER, withdrawal, Frame::Withdrawal);
                }
            }
            4 | 5 => {
                if let Ok(intent) = decode::<Intent>(bytes) {
                    self.cast(intent);
                }
            }
            6..=8 => {
                if let Ok(offer) = decode::<Offer>(bytes) {
                    self.offer(offer);
                }
            }
            9 | 10 => {
                if let Ok(acceptance) = decode::<Acceptance>(bytes) {
                    self.accept(acceptance);
                }
            }
            11 => {
                if let Ok(decline) = decode::<Decline>(bytes) {
                    self.send(&CUSTOMER, decline, Frame::Decline);
                }
            }
            12 => {
                if let Ok(receipt) = decode::<Receipt>(bytes) {
                    self.send(&SELLER, receipt, Frame::Receipt);
                }
            }
            13 => self.frame(bytes.to_vec()),
            14 => {
                if let Some(want) = self.want.clone() {
                    self.gossip(&want, bytes.to_vec());
                }
            }
            15 => {
                if let Some(task) = self.sends.pop_front() {
                    self.tell(Input::Done(task, Done::Replied(bytes.to_vec())));
                }
            }
            16 => {
                if let Some(offer) = self.taken {
                    self.tell(Input::Command(Request(1), Command::Accept(offer)));
                }
            }
            17 => {
                if let Some(offer) = self.taken {
                    self.tell(Input::Command(Request(2), Command::Decline(offer, Reason::Other)));
                }
                if let Some(own) = self.own.filter(|_| bytes.len() > 4) {
                    self.tell(Input::Command(Request(3), Command::Withdraw(own)));
                }
            }
            18 => self.confirm(),
            19 => {
                let peer: Vec<u8> = bytes.iter().copied().take(limits::PEER_ID_BYTES).collect();
                if let (Ok(peer), Some(want)) = (Bytes::new(peer.clone()), &self.want) {
                    let path = ReplyPath {
                        peer,
                        ..ReplyPath::default()
                    };
                    let topics = for_intent(want.category, [want.place.region.country.code()]);
                    for topic in topics {
                        self.tell(Input::Joined {
                            peer: path.clone(),
                            topic,
                        });
                    }
                }
                self.tell(Input::Gone(peer));
            }
            20 => {
                if let Ok(letter) = decode::<Letter>(bytes) {
                    self.letter(letter);
                }
            }
            21 => {
                if let Ok(letter) = decode::<Letter>(bytes) {
                    let about = match (self.thread(), self.taken) {
                        (_, Some(offer)) if self.mood & 64 == 0 => About::Offer(offer),
                        (Some((thread, _)), _) => About::Thread(thread),
                        (None, _) => return,
                    };
                    let matter = Box::new(letter.matter);
                    self.tell(Input::Command(Request(4), Command::Say { about, matter }));
                }
            }
            22 => {
                if let (Ok(mut fetch), Some((thread, seed))) = (decode::<Fetch>(bytes), self.thread()) {
                    let (hash, offset) = (fetch.hash, fetch.offset);
                    self.tell(Input::Command(Request(5), Command::Fetch { thread, hash, offset }));
                    fetch.thread = thread;
                    let ends = self.now.plus(limits::INQUIRY_LIFE);
                    if let Some(record) = self.signed(&seed, ends, fetch)
                        && let Ok(bytes) = Bytes::new(record.bytes())
                    {
                        self.frame(Frame::Fetch(bytes).encode());
                    }
                }
            }
            _ => {
                let hours = bytes.first().copied().unwrap_or(1);
                self.now = self.now.plus(Seconds(u32::from(hours) * 900));
                self.tell(Input::Tick);
            }
        }
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((mood, bytes)) = bytes.split_first() else {
        return;
    };
    let mut world = World::new(*mood);
    for (number, piece) in Pieces(bytes).take(24) {
        world.step(number, piece);
    }
    let _ = (
        world.market.intents(world.now),
        world.market.agreements(),
        world.market.status(world.now),
    );
    let _ = world.market.offers(world.now, None);
    let letters = |market: &Market| market.threads(world.now).iter().map(|it| it.letters.len()).sum::<usize>();
    let _ = letters(&world.market);
    // What was stored is all that there is after a restart, and it holds.
    let entries = world.entries.iter().map(Vec::as_slice);
    let again = Market::replay(Seed::new([5; 32]), config(), entries, world.now).expect("our own ledger holds");
    assert_eq!(again.chain().len(), world.entries.len() as u64);
    assert_eq!(
        again.agreements().len(),
        world.market.agreements().len().min(again.agreements().len())
    );
});
