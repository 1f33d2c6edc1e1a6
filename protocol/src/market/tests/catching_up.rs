//! One side goes on from an older backup, at every moment of a long deal.

use super::{
    Node, after, draft, exchange, gossip, rules, stroller,
    talking::{say, settle},
};
use crate::{
    frame::{Frame, Refusal},
    id::{AgreementId, RecordId},
    keys::Key,
    ledger::{Chain, Fact},
    letter::{Change, DealChange, Deletion, Matter, Operation, Operations, Permission, Proposal, ThreadId},
    list::{Bytes, List},
    market::{About, Answered, Command, Denied, Draft, Event, ThreadView},
    money::Money,
    order::OrderState,
    recall::Recall,
    receipt::OrderEvent,
    rules::Rules,
    seal::{OneTime, seal},
    text::{Name, Phrase, Prose, Word},
    time::Timestamp,
};

pub(super) const DAY: u64 = 24 * 3_600_000;
/// When the device is replaced.
pub(super) const LATER: u64 = DAY;

impl Node {
    /// Its device is lost, and another goes on from a backup of the first `entries` of its ledger.
    pub(super) fn restore(&mut self, now: Timestamp, entries: usize) {
        self.disk.truncate(entries);
        let mut chain = Chain::default();
        let mut made = after(0);
        for entry in &self.disk {
            made = chain.follow(&entry.bytes).unwrap().at;
        }
        self.disk.push(chain.append(now, Fact::Restored { made }));
        self.restart(now);
    }

    /// Comes back at every deadline up to `now`, nobody there to answer.
    fn wait_alone(&mut self, now: Timestamp) {
        while let Some(at) = self.market.deadline().filter(|at| *at <= now) {
            self.give(at, super::Input::Tick);
            self.fail_all(at);
        }
    }

    fn fail_all(&mut self, now: Timestamp) {
        for (task, ..) in std::mem::take(&mut self.sends) {
            self.give(now, super::Input::Done(task, super::Done::Failed));
        }
    }
}

pub(super) fn question(text: &str) -> Matter {
    Matter::Question {
        about: None,
        field: None,
        text: Prose::new(text).unwrap(),
    }
}

pub(super) fn thread(node: &Node) -> ThreadView {
    node.market.threads(after(LATER)).into_iter().next().unwrap()
}

pub(super) fn id_of(view: &ThreadView) -> ThreadId {
    ThreadId {
        intent: view.intent,
        seller: view.seller,
    }
}

fn gbp(text: &str) -> Money {
    format!("{text} GBP").parse().unwrap()
}

/// What both sides must hold alike.
fn held(node: &Node) -> String {
    let threads = node.market.threads(after(LATER));
    let threads: Vec<_> = threads
        .iter()
        .map(|view| {
            let letters: Vec<_> = view.letters.iter().map(|letter| (letter.from, letter.id)).collect();
            (letters, view.round, view.deal.clone(), &view.proposals, &view.requests)
        })
        .collect();
    let deals = node.market.agreements();
    let deals: Vec<_> = deals
        .iter()
        .map(|deal| {
            let receipts: Vec<RecordId> = deal.receipts.iter().map(|receipt| receipt.id).collect();
            (deal.id, deal.bytes_hash, receipts, &deal.differences)
        })
        .collect();
    format!("{threads:?}\n{deals:?}")
}

/// A deal with everything in it, from the first offer to the deleted address.
struct Life {
    customer: Node,
    seller: Node,
    /// Entries that each ledger had when the first offer was on both.
    begun: [usize; 2],
    now: u64,
}

impl Life {
    fn new() -> Self {
        let mut customer = Node::customer();
        let rules = Rules {
            haggle_basis_points: 9_000,
            ..rules()
        };
        let mut seller = Node::selling("seller", rules, vec![stroller("twin-1", "120 GBP")]);
        customer.cast(Draft {
            max_rounds: 3,
            may_ask: vec![Word::new("address.delivery").unwrap()],
            ..draft()
        });
        gossip(after(0), &mut customer, &mut [&mut seller]);
        exchange(after(0), &mut seller, &mut customer);
        let begun = [customer.disk.len(), seller.disk.len()];
        Self {
            customer,
            seller,
            begun,
            now: 10,
        }
    }

    fn settle(&mut self) {
        self.now += 10;
        settle(after(self.now), &mut self.customer, &mut self.seller);
    }

    fn say(&mut self, by_seller: bool, matter: Matter) -> RecordId {
        self.now += 10;
        let now = after(self.now);
        let offer = self.customer.market.offers(now, None)[0].id;
        let node = if by_seller {
            &mut self.seller
        } else {
            &mut self.customer
        };
        let said = say(node, now, About::Offer(offer), matter).unwrap();
        self.settle();
        said
    }

    fn tell(&mut self, agreement: AgreementId, event: OrderEvent) {
        self.now += 10;
        let command = Command::Receipt { agreement, event };
        self.seller.command(after(self.now), command).unwrap();
        self.settle();
    }

    /// The whole of it.
    fn lived() -> Self {
        let mut life = Self::new();
        let asked = life.say(false, question("Does it fold?"));
        life.say(true, answer(asked));
        let first = life.customer.open_offers()[0];
        life.say(
            false,
            Matter::Counter {
                offer: first,
                round: 0,
                changes: List::cut([Change::Total(gbp("110"))]),
            },
        );
        let revised = life.customer.open_offers()[0];
        assert_ne!(revised, first);
        life.customer
            .command(after(life.now), Command::Accept(revised))
            .unwrap();
        life.settle();
        let deal = life.customer.market.agreements()[0].id;
        life.tell(
            deal,
            OrderEvent::Shipped {
                carrier: Name::new("Yellow Van").unwrap(),
                tracking: Phrase::new("YV-17").unwrap(),
            },
        );
        let version = thread(&life.seller).deal.unwrap().version;
        let proposed = life.say(
            true,
            Matter::Proposal(Proposal {
                agreement: deal,
                version,
                changes: List::cut([DealChange::Total {
                    from: gbp("118.75"),
                    to: gbp("100"),
                }]),
                why: Phrase::new("one wheel squeaks").unwrap(),
            }),
        );
        life.say(
            false,
            Matter::Verdict {
                proposal: proposed,
                yes: true,
            },
        );
        life.tell(deal, OrderEvent::Delivered);
        life.grant(deal);
        life.customer
            .command(
                after(life.now),
                Command::Rate {
                    agreement: deal,
                    stars: 4,
                    text: Prose::default(),
                },
            )
            .unwrap();
        life.settle();
        assert_eq!(held(&life.customer), held(&life.seller));
        life
    }

    /// The address is asked for, granted, and deleted again.
    fn grant(&mut self, agreement: AgreementId) {
        let secret = OneTime::new([7; 32]);
        let permission = Permission {
            agreement,
            strand: Word::new("address.delivery").unwrap(),
            purpose: Phrase::new("deliver_order").unwrap(),
            operations: Operations::of(&[Operation::Use]).unwrap(),
            recipients: List::default(),
            ends: after(2 * DAY),
        };
        let request = self.say(
            true,
            Matter::PermissionRequest {
                permission: permission.clone(),
                benefit: Phrase::new("it comes to your door").unwrap(),
                key: secret.public().0,
            },
        );
        let sealed = seal(&secret.public(), &permission.context(request), b"Hull", &[3; 32]).unwrap();
        let grant = self.say(
            false,
            Matter::Granted {
                request,
                permission,
                alias: false,
                sealed: Bytes::new(sealed).unwrap(),
            },
        );
        let at = after(self.now);
        self.say(
            true,
            Matter::Deleted(Deletion {
                grant,
                at,
                kept: List::default(),
                told: List::default(),
            }),
        );
    }

    /// Passes everything on, with time going by, until nobody waits any more.
    fn goes_on(&mut self, from: Timestamp) -> Timestamp {
        let mut now = from;
        for _ in 0..12 {
            now = now.plus_millis(10_000);
            for node in [&mut self.customer, &mut self.seller] {
                node.wait(now);
            }
            for _ in 0..20 {
                exchange(now, &mut self.customer, &mut self.seller);
                exchange(now, &mut self.seller, &mut self.customer);
            }
            // At an address where nobody is.
            self.customer.fail_all(now);
            self.seller.fail_all(now);
        }
        now
    }

    /// Both hold the same, and both have a word to say that the other takes.
    fn is_whole(&mut self, from: Timestamp, told: &str) {
        let now = self.goes_on(from);
        for node in [&self.customer, &self.seller] {
            assert_eq!(node.market.unsure(), Vec::new(), "{told}");
        }
        assert_eq!(held(&self.customer), held(&self.seller), "{told}");
        let id = id_of(&thread(&self.customer));
        say(&mut self.customer, now, About::Thread(id), question("Is all well?")).unwrap();
        say(&mut self.seller, now, About::Thread(id), question("With you?")).unwrap();
        let now = self.goes_on(now);
        assert_eq!(held(&self.customer), held(&self.seller), "{told}");
        for node in [&mut self.customer, &mut self.seller] {
            let before = held(node);
            node.restart(now);
            assert_eq!(held(node), before, "{told}: after a restart");
        }
    }
}

pub(super) fn answer(question: RecordId) -> Matter {
    Matter::Answer {
        question,
        text: Prose::new("In one hand.").unwrap(),
        to_all: false,
    }
}

#[test]
fn from_every_older_backup_of_the_customer_both_go_on() {
    let whole = Life::lived();
    let (from, to) = (whole.begun[0], whole.customer.disk.len());
    assert!(to - from > 20, "{from} {to}");
    let all = held(&whole.seller);
    for cut in from..=to {
        let mut life = Life::lived();
        life.customer.restore(after(LATER), cut);
        let now = life.goes_on(after(LATER));
        assert!(
            held(&life.seller).starts_with(&all[..all.len().min(100)]),
            "nothing of it is another"
        );
        let orders: Vec<OrderState> = life
            .customer
            .market
            .agreements()
            .iter()
            .map(|it| it.order.state)
            .collect();
        assert_eq!(orders, [OrderState::Delivered], "cut at {cut}");
        life.is_whole(now, &format!("customer cut at {cut} of {to}"));
    }
}

#[test]
fn a_long_conversation_comes_back_page_by_page_though_it_goes_on_meanwhile() {
    let mut life = Life::new();
    let offer = life.customer.open_offers()[0];
    let kept = [life.customer.disk.len(), life.seller.disk.len()];
    let words = "word ".repeat(90);
    for _ in 0..60 {
        let asked = life.say(false, question(&words));
        life.say(true, answer(asked));
    }
    life.customer.command(after(life.now), Command::Accept(offer)).unwrap();
    life.settle();
    let said = thread(&life.seller).letters.len();
    for at in [0, 1] {
        let node = if at == 0 { &mut life.customer } else { &mut life.seller };
        node.restore(after(LATER + at * HALF), kept[at as usize]);
        let from = after(LATER + at * HALF + 1_000);
        node.wait(from);
        let id = ThreadId {
            intent: node.market.unsure()[0].intent,
            seller: node.market.unsure()[0].seller,
        };
        // One page, and the other side goes on writing.
        exchange(from, &mut life.customer, &mut life.seller);
        exchange(from, &mut life.seller, &mut life.customer);
        let node = if at == 0 { &mut life.seller } else { &mut life.customer };
        say(node, from, About::Thread(id), question("Are you there?")).unwrap();
        life.is_whole(from, "after many pages");
        assert_eq!(life.seller.market.agreements().len(), 1);
    }
    // Each time one while it waited, and one of each when all was here.
    let caught = |event: &Event| matches!(event, Event::CaughtUp { records, .. } if *records >= said);
    assert!(life.customer.events.iter().any(caught) && life.seller.events.iter().any(caught));
}

#[test]
fn from_every_older_backup_of_the_seller_both_go_on() {
    let whole = Life::lived();
    let (from, to) = (whole.begun[1], whole.seller.disk.len());
    for cut in from..=to {
        let mut life = Life::lived();
        life.seller.restore(after(LATER), cut);
        life.is_whole(after(LATER), &format!("seller cut at {cut} of {to}"));
        let deal = &life.seller.market.agreements()[0];
        assert_eq!(deal.order.state, OrderState::Delivered, "cut at {cut}");
    }
}

#[test]
fn both_from_older_backups_keep_what_either_has() {
    let whole = Life::lived();
    let spans = [
        (whole.begun[0], whole.customer.disk.len()),
        (whole.begun[1], whole.seller.disk.len()),
    ];
    for (at, other) in [(1, 3), (3, 1), (2, 2), (4, 1), (1, 4), (3, 4)] {
        let mut life = Life::lived();
        let cut = |(from, to): (usize, usize), at: usize| from + (to - from) * at / 5;
        life.customer.restore(after(LATER), cut(spans[0], at));
        life.seller.restore(after(LATER), cut(spans[1], other));
        life.is_whole(after(LATER), &format!("cut at {at} and {other} fifths"));
    }
}

#[test]
fn until_the_other_side_has_said_what_it_holds_nothing_is_written() {
    let mut life = Life::lived();
    let (before, letters) = (life.begun[0], thread(&life.customer).letters.len());
    life.customer.restore(after(LATER), before + 4);
    life.customer.wait_alone(after(LATER + 3_600_000));
    let view = thread(&life.customer);
    assert!(view.unsure_since.is_some() && view.letters.len() < letters);
    let id = id_of(&view);
    let denied = say(&mut life.customer, after(LATER), About::Thread(id), question("Hello?"));
    assert_eq!(denied, Err(Denied::Unsure(id)));
    // Neither is what the other side writes meanwhile lost.
    say(
        &mut life.seller,
        after(LATER),
        About::Thread(id),
        question("Still there?"),
    )
    .unwrap();
    exchange(after(LATER), &mut life.seller, &mut life.customer);
    life.is_whole(after(LATER + 3_600_000), "after an hour away");
    let caught = |event: &Event| matches!(event, Event::CaughtUp { records, .. } if *records > 10);
    assert!(life.customer.events.iter().any(caught));
}

#[test]
fn who_is_away_is_asked_again_after_every_restart_and_a_person_may_go_on_without() {
    let mut life = Life::lived();
    life.customer.restore(after(LATER), life.begun[0] + 4);
    for hour in 1..4 {
        life.customer.restart(after(LATER + hour * 3_600_000));
        life.customer.fail_all(after(LATER + hour * 3_600_000));
        life.customer.wait_alone(after(LATER + hour * 3_600_000 + 60_000));
        let asked = life.customer.market.unsure()[0].attempts;
        assert!(asked > 3, "{asked}");
    }
    let now = after(LATER + 5 * 3_600_000);
    let ended = Command::CatchUp {
        thread: None,
        anyway: true,
    };
    assert_eq!(life.customer.command(now, ended), Ok(Answered::Ok));
    assert_eq!(life.customer.market.unsure(), Vec::new());
    let id = id_of(&thread(&life.customer));
    assert!(say(&mut life.customer, now, About::Thread(id), question("Hello?")).is_ok());
    life.customer.restart(now);
    assert_eq!(life.customer.market.unsure(), Vec::new());
}

#[test]
fn what_was_put_off_is_said_when_all_is_here() {
    let mut life = Life::new();
    life.now += 10;
    let offer = life.customer.open_offers()[0];
    let kept = life.customer.disk.len();
    life.customer.command(after(life.now), Command::Accept(offer)).unwrap();
    life.settle();
    let deal = life.seller.market.agreements()[0].id;
    let shipped = OrderEvent::Shipped {
        carrier: Name::new("Yellow Van").unwrap(),
        tracking: Phrase::default(),
    };
    life.customer.restore(after(LATER), kept);
    let command = Command::Receipt {
        agreement: deal,
        event: shipped,
    };
    life.seller.command(after(LATER), command).unwrap();
    life.is_whole(after(LATER), "shipped while the customer knew nothing of it");
    let deal = life.customer.market.agreements().remove(0);
    assert_eq!(deal.order.state, OrderState::Shipped);
    let acknowledged = thread(&life.seller).letters;
    let acknowledged = acknowledged.iter().filter(|letter| letter.what == "acknowledged");
    assert_eq!(acknowledged.count(), 2);
}

#[test]
fn the_same_yes_is_not_confirmed_twice_and_another_is_not_said() {
    let mut life = Life::new();
    life.now += 10;
    let offer = life.customer.open_offers()[0];
    let kept = [life.customer.disk.len(), life.seller.disk.len()];
    life.customer.command(after(life.now), Command::Accept(offer)).unwrap();
    let yes = life.customer.sends.clone();
    life.settle();
    let bytes = life.customer.market.agreements()[0].bytes_hash;
    life.seller.restore(after(LATER), kept[1]);
    let (_, _, frame) = yes.iter().find(|(_, _, frame)| is_yes(frame)).unwrap();
    let busy = life.seller.ask(after(LATER), frame);
    assert!(matches!(
        busy,
        Frame::Refused {
            why: Refusal::Busy { .. },
            ..
        }
    ));
    life.is_whole(after(LATER), "confirmed before the backup was restored");
    assert_eq!(life.seller.market.agreements()[0].bytes_hash, bytes);
    let mut life = Life::new();
    let offer = life.customer.open_offers()[0];
    life.customer.restore(after(20), kept[0]);
    let denied = life.customer.command(after(20), Command::Accept(offer));
    assert!(matches!(denied, Err(Denied::Unsure(_))), "{denied:?}");
    life.goes_on(after(20));
    let accepted = life.customer.command(after(HALF), Command::Accept(offer));
    assert!(matches!(accepted, Ok(Answered::Accepted(_))), "{accepted:?}");
}

const HALF: u64 = 1_800_000;

fn is_yes(frame: &[u8]) -> bool {
    matches!(Frame::decode(frame), Ok(Frame::Acceptance(_)))
}

#[test]
fn nobody_but_a_party_is_told_what_was_said() {
    let mut life = Life::lived();
    let id = id_of(&thread(&life.customer));
    let now = after(LATER);
    let recall = |key: &Key, thread: ThreadId| {
        let recall = Recall {
            thread,
            customer: 0,
            seller: 0,
            receipts: 0,
            amended: 0,
            after: None,
        };
        let signed = crate::envelope::sign(key, now, now.plus(crate::limits::INQUIRY_LIFE), recall).unwrap();
        Frame::Recall(Bytes::new(signed.bytes()).unwrap()).encode()
    };
    let stranger = Key::from_seed(&[9; 32]);
    let nowhere = ThreadId {
        intent: id.intent,
        seller: stranger.public(),
    };
    let seller = life.seller.seed().seller_key();
    for (key, thread) in [(&stranger, id), (&stranger, nowhere), (&seller, nowhere)] {
        let told = life.customer.ask(now, &recall(key, thread));
        let unknown = matches!(
            told,
            Frame::Refused {
                why: Refusal::Unknown,
                ..
            }
        );
        assert!(unknown, "{told:?}");
    }
    let told = life.customer.ask(now, &recall(&seller, id));
    assert!(
        matches!(&told, Frame::Recalled { records, .. } if records.len() > 10),
        "{told:?}"
    );
    let late = after(LATER + 600_000);
    let told = life.customer.ask(late, &recall(&seller, id));
    assert!(matches!(
        told,
        Frame::Refused {
            why: Refusal::Expired,
            ..
        }
    ));
}

#[test]
fn who_never_went_on_from_a_backup_lost_nothing_whatever_the_other_side_writes() {
    let mut life = Life::lived();
    life.customer.disk.truncate(life.begun[0] + 6);
    life.customer.restart(after(LATER));
    let id = id_of(&thread(&life.seller));
    say(&mut life.seller, after(LATER), About::Thread(id), question("All well?")).unwrap();
    exchange(after(LATER), &mut life.seller, &mut life.customer);
    // Else a seller could stop a customer's deals by letters that follow nothing.
    assert!(life.customer.market.unsure().is_empty());
}

#[test]
fn junk_in_the_place_of_what_was_lost_is_not_taken() {
    let mut life = Life::lived();
    life.customer.restore(after(LATER), life.begun[0] + 4);
    life.customer.wait(after(LATER + 5_000));
    let before = held(&life.customer);
    let sends = &mut life.customer.sends;
    let is_recall = |frame: &[u8]| matches!(Frame::decode(frame), Ok(Frame::Recall(_)));
    let at = sends.iter().position(|(_, _, frame)| is_recall(frame)).unwrap();
    let (task, ..) = sends.remove(at);
    let junk = Frame::Recalled {
        records: List::cut([Bytes::new(vec![1, 9, 9]).unwrap()]),
        more: true,
    };
    let done = super::Done::Replied(junk.encode());
    life.customer.give(after(LATER + 5_000), super::Input::Done(task, done));
    assert_eq!(held(&life.customer), before);
    assert_eq!(life.customer.market.unsure().len(), 1);
    life.is_whole(after(LATER + 10_000), "asked once more");
}
