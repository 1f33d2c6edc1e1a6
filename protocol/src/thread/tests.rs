//! What holds of every conversation, whatever is said and in whichever order it arrives.

#![allow(
    clippy::manual_is_multiple_of,
    reason = "a number that picks one of many reads best as a remainder"
)]

use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

mod matters;

use matters::{KINDS, matter};

use super::{DealTerms, Ground, Objection, OfferFate, Role, Standing, Thread};
use crate::{
    attribute::{Attribute, Value},
    contact::ReplyPath,
    deed::{Agreement, Settled},
    disclosure::{self, Opened},
    envelope::{Verified, open, sign},
    id::{EntryHash, OfferId, RecordId},
    intent::Intent,
    keys::Key,
    letter::{
        Ask, Change, DealChange, Deletion, Letter, Matter, Operation, Operations, Permission, Proposal, ThreadId,
        UseReport,
    },
    list::{Bytes, List},
    money::Money,
    offer::{Offer, Reason},
    rating::Ticket,
    text::{Name, Phrase, Prose, Word},
    time::{Seconds, Timestamp},
    vectors_tests::samples::{self, CAST, customer, seller},
};

const YEAR: Seconds = Seconds(365 * 24 * 3600);

/// What both sides start from: a want, two offers to it, and the deal that the first would become.
struct Stage {
    intent: Verified<Intent>,
    offers: [Verified<Offer>; 2],
    deal: Settled,
    receipt: RecordId,
}

impl Stage {
    fn new() -> Self {
        let want = Intent {
            max_rounds: 4,
            ..samples::want()
        };
        let intent = sign(&customer(), CAST, CAST.plus(Seconds(3 * 86_400)), want).unwrap();
        let offers = [30, 14].map(|returns_days| {
            let offer = Offer {
                returns_days,
                ..samples::promise(&intent, intent.id())
            };
            sign(&seller(), CAST, offer.valid_until, offer).unwrap()
        });
        let yes = sign(&customer(), CAST, CAST.plus(YEAR), samples::yes(&offers[0])).unwrap();
        let confirmed = sign(&seller(), CAST, CAST.plus(YEAR), samples::confirmed(&yes)).unwrap();
        Self {
            deal: Agreement::of(&intent, None, &offers[0], &yes, &confirmed).unwrap(),
            receipt: RecordId([4; 32]),
            intent,
            offers,
        }
    }

    fn id(&self) -> ThreadId {
        ThreadId {
            intent: self.intent.id().into(),
            seller: seller().public(),
        }
    }
}

/// One side's node: its thread, and what it knows from elsewhere.
struct Side {
    role: Role,
    thread: Thread,
    offers: Vec<Verified<Offer>>,
    agreed: bool,
    clock: u64,
}

impl Side {
    fn new(role: Role, stage: &Stage) -> Self {
        Self {
            role,
            thread: Thread::new(stage.id()),
            offers: match role {
                Role::Customer => vec![stage.offers[0].clone()],
                Role::Seller => stage.offers.to_vec(),
            },
            agreed: false,
            clock: 0,
        }
    }

    fn judge(&self, stage: &Stage, writing: bool, letter: &Verified<Letter>) -> Result<Role, Objection> {
        let offers: Vec<(OfferId, &Offer)> = self.offers.iter().map(|it| (it.id().into(), it.body())).collect();
        let ground = Ground {
            intent: stage.intent.body(),
            customer: customer().public(),
            offers: &offers,
            deal: self.agreed.then_some(&stage.deal),
            receipts: if self.agreed {
                std::slice::from_ref(&stage.receipt)
            } else {
                &[]
            },
            said: &[(stage.intent.id(), stage.intent.body())],
            writing,
        };
        self.thread.judge(&ground, letter)
    }

    fn key(&self) -> Key {
        match self.role {
            Role::Customer => customer(),
            Role::Seller => seller(),
        }
    }

    fn signed(&self, matter: Matter) -> Option<Verified<Letter>> {
        let reply = matches!(matter, Matter::Moved).then(|| ReplyPath {
            peer: samples::held(&[7]),
            ..ReplyPath::default()
        });
        let now = CAST.plus_millis(self.clock);
        sign(
            &self.key(),
            now,
            now.plus(YEAR),
            self.thread.next(self.role, reply, matter),
        )
        .ok()
    }

    /// Writes a letter as the node would: only what its own judgement allows.
    fn write(&mut self, stage: &Stage, matter: Matter) -> Result<(), Objection> {
        self.clock += 1;
        let letter = self
            .signed(matter)
            .ok_or(Objection::Unfit("it cannot be signed".into()))?;
        self.judge(stage, true, &letter)?;
        self.add(self.role, letter);
        Ok(())
    }

    fn add(&mut self, role: Role, letter: Verified<Letter>) {
        if let Matter::Revised { with, .. } = &letter.matter {
            self.offers.push(open(with).unwrap());
        }
        self.thread.add(CAST, role, letter);
    }

    fn written(&self) -> Vec<Verified<Letter>> {
        let view = self.thread.view();
        view.of(self.role).iter().map(|entry| entry.letter.clone()).collect()
    }

    /// All that follows from the letters, as text.
    fn sense(&self, stage: &Stage) -> String {
        let view = self.thread.view();
        let ids: Vec<RecordId> = view.all().map(|(_, entry)| entry.id()).collect();
        let saw: Vec<usize> = view.all().map(|(_, entry)| entry.saw).collect();
        let mut offers: Vec<OfferId> = self.offers.iter().map(|it| it.id().into()).collect();
        offers.sort();
        let fates: Vec<OfferFate> = offers.iter().map(|offer| view.fate(*offer)).collect();
        let counters: Vec<_> = view.open_counters().collect();
        let terms = view.terms(&stage.deal);
        format!(
            "{ids:?}\n{saw:?}\n{offers:?}\n{fates:?}\n{}\n{counters:?}\n{:?}\n{terms:?}\n{:?}\n{:?}",
            view.round(),
            view.proposals(),
            view.requests(),
            view.grants(&terms)
        )
    }
}

/// Something that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A side writes: which, of what kind, about which of the things that there are.
    Write(Role, u8, u16),
    /// Some letter of this side, of those that it has written, arrives at the other, perhaps again.
    Deliver(Role, u16),
    /// The next letter of this side arrives.
    DeliverNext(Role),
    /// The customer learns of the second offer.
    Offered,
    /// The seller confirms, or the customer has the confirmation.
    Agree,
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Customer), Just(Role::Seller)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (role(), 0..KINDS, any::<u16>()).prop_map(|(role, kind, pick)| Step::Write(role, kind, pick)),
        3 => (role(), any::<u16>()).prop_map(|(role, pick)| Step::Deliver(role, pick)),
        8 => role().prop_map(Step::DeliverNext),
        1 => Just(Step::Offered),
        1 => Just(Step::Agree),
    ]
}

/// A walk; every other one begins with a deal, so that what is said under one is said often.
fn steps(many: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    (any::<bool>(), vec(step(), many)).prop_map(|(agreed, mut steps)| {
        if agreed {
            steps.splice(..0, [Step::Agree, Step::Agree]);
        }
        steps
    })
}

/// Both sides, and what passes between them.
struct Talk {
    stage: Stage,
    sides: [Side; 2],
}

impl Talk {
    fn new() -> Self {
        let stage = Stage::new();
        let sides = [Role::Customer, Role::Seller].map(|role| Side::new(role, &stage));
        Self { stage, sides }
    }

    fn side(&mut self, role: Role) -> &mut Side {
        &mut self.sides[role as usize]
    }

    /// Hands letter `number` of `from` to the other side. Whether it was taken in.
    fn deliver(&mut self, from: Role, number: usize) -> Result<bool, TestCaseError> {
        let Some(letter) = self.sides[from as usize].written().get(number).cloned() else {
            return Ok(false);
        };
        let to = &mut self.sides[from.other() as usize];
        let here = to.thread.view().of(from).len();
        match to.judge(&self.stage, false, &letter) {
            Ok(role) => {
                prop_assert_eq!(role, from);
                prop_assert_eq!(number, here);
                to.add(role, letter);
                Ok(true)
            }
            Err(Objection::Known) => {
                prop_assert!(number < here);
                Ok(false)
            }
            Err(Objection::Early(_)) => Ok(false),
            Err(objection) => Err(TestCaseError::fail(format!(
                "an honest {} of the {from} is refused: {objection}",
                letter.matter.word()
            ))),
        }
    }

    fn deliver_next(&mut self, from: Role) -> Result<bool, TestCaseError> {
        let here = self.sides[from.other() as usize].thread.view().of(from).len();
        self.deliver(from, here)
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Write(role, kind, pick) => {
                let said = matter(&self.stage, &self.sides[role as usize], kind, pick);
                if let Some(said) = said {
                    // What may not be said is left unsaid: an honest machine's part ends here.
                    let _ = self.sides[role as usize].write(&self.stage, said);
                }
            }
            Step::Deliver(role, pick) => {
                let count = self.sides[role as usize].written().len().max(1);
                self.deliver(role, usize::from(pick) % count)?;
            }
            Step::DeliverNext(role) => {
                self.deliver_next(role)?;
            }
            Step::Offered => {
                let second = self.stage.offers[1].clone();
                let customer = self.side(Role::Customer);
                if customer.offers.iter().all(|it| it.id() != second.id()) {
                    customer.offers.push(second);
                }
            }
            Step::Agree => {
                let first = OfferId::from(self.stage.offers[0].id());
                // A yes is honoured only to an offer that stands; the customer learns of it afterwards.
                let stands = self.side(Role::Seller).thread.view().fate(first) == OfferFate::Stands;
                if self.side(Role::Seller).agreed {
                    self.side(Role::Customer).agreed = true;
                } else if stands {
                    self.side(Role::Seller).agreed = true;
                }
            }
        }
        Ok(())
    }

    /// Everything arrives.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.take(Step::Offered)?;
        self.side(Role::Customer).agreed = self.side(Role::Seller).agreed;
        while self.deliver_next(Role::Customer)? | self.deliver_next(Role::Seller)? {}
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_crosses_no_honest_letter_is_refused_and_both_sides_end_alike(steps in steps(1..140)) {
        let mut talk = Talk::new();
        for step in steps {
            talk.take(step)?;
        }
        talk.settle()?;
        let [customer, seller] = &talk.sides;
        prop_assert_eq!(customer.sense(&talk.stage), seller.sense(&talk.stage));
        // A thread that is read again, as after a restart, says the same.
        let mut again = Side::new(Role::Customer, &talk.stage);
        again.offers = customer.offers.clone();
        for (role, entry) in customer.thread.view().all() {
            again.thread.sides[role as usize].push(entry.clone());
        }
        prop_assert_eq!(again.sense(&talk.stage), customer.sense(&talk.stage));
    }

    #[test]
    fn nobody_is_left_without_a_word_to_answer_with(steps in steps(1..140)) {
        let mut talk = Talk::new();
        for step in steps {
            talk.take(step)?;
        }
        talk.settle()?;
        for role in [Role::Customer, Role::Seller] {
            let view = talk.sides[role as usize].thread.view();
            let mut answers = Vec::new();
            let told = |of: Role, is: &dyn Fn(&Matter) -> bool| view.of(of).iter().any(|entry| is(entry.matter()));
            for entry in view.of(role.other()) {
                let (id, text) = (entry.id(), Prose::lossy("so it is"));
                let answered = told(role, &|it| matches!(it, Matter::Answer { question, .. } if *question == id));
                if matches!(entry.matter(), Matter::Question { .. }) && !answered {
                    answers.push(Matter::Answer { question: id, text, to_all: false });
                }
            }
            for (by, proposal, _, standing) in view.proposals() {
                if by != role && standing == Standing::Open {
                    answers.push(Matter::Verdict { proposal, yes: true });
                }
            }
            if role == Role::Seller {
                let why = Reason::Other;
                answers.extend(view.open_counters().map(|(counter, ..)| Matter::CounterRefused { counter, why }));
            } else {
                let open = view.requests().into_iter().filter(|it| it.granted.is_none() && it.refused.is_none());
                let why = Phrase::lossy("no");
                answers.extend(open.map(|it| Matter::GrantRefused { request: it.id, why: why.clone() }));
            }
            for answer in answers {
                let word = answer.word();
                let said = talk.sides[role as usize].write(&talk.stage, answer);
                prop_assert!(said.is_ok(), "{} by the {}: {:?}", word, role, said);
            }
        }
        talk.settle()?;
        let [customer, seller] = &talk.sides;
        prop_assert_eq!(customer.sense(&talk.stage), seller.sense(&talk.stage));
    }

    #[test]
    fn no_letter_of_a_stranger_nor_another_in_its_place_is_taken(steps in steps(1..60), pick: prop::sample::Index) {
        let mut talk = Talk::new();
        for step in steps {
            talk.take(step)?;
        }
        talk.settle()?;
        let stage = &talk.stage;
        for role in [Role::Customer, Role::Seller] {
            let (ours, theirs) = (&talk.sides[role as usize], &talk.sides[role.other() as usize]);
            let next = ours.thread.next(role, None, Matter::Retracted { offer: OfferId([1; 32]) });
            let stranger = Key::from_seed(&[0x77; 32]);
            let letter = sign(&stranger, CAST, CAST.plus(YEAR), next).unwrap();
            prop_assert_eq!(theirs.judge(stage, false, &letter), Err(Objection::Stranger));
            let written = ours.written();
            if written.is_empty() {
                continue;
            }
            let old = &written[pick.index(written.len())];
            let text = Prose::lossy("that is not what we said");
            let matter = Matter::Question { about: None, field: None, text };
            let other = Letter { matter, ..old.body().clone() };
            let other = sign(&ours.key(), CAST, CAST.plus(YEAR), other).unwrap();
            prop_assert_eq!(theirs.judge(stage, false, &other), Err(Objection::Forked(old.number)));
            prop_assert_eq!(theirs.judge(stage, false, old), Err(Objection::Known));
        }
    }
}

/// Walks on which nothing is granted and nothing changes would hold every rule.
#[test]
fn the_walks_come_as_far_as_grants_and_changed_deals() {
    let mut runner = TestRunner::deterministic();
    let (mut granted, mut changed, mut revised, mut letters) = (0, 0, 0, 0);
    for _ in 0..96 {
        let steps = steps(60..140).new_tree(&mut runner).unwrap().current();
        let mut talk = Talk::new();
        for step in steps {
            talk.take(step).unwrap();
        }
        talk.settle().unwrap();
        let view = talk.sides[0].thread.view();
        let count = |word: &str| view.all().filter(|(_, entry)| entry.matter().word() == word).count();
        granted += count("granted");
        revised += count("revised");
        changed += view.terms(&talk.stage.deal).taken.len();
        letters += view.all().count();
    }
    let all = format!("{granted} granted, {changed} changed, {revised} revised, {letters} letters");
    assert!(granted > 10 && changed > 20 && revised > 20 && letters > 1_000, "{all}");
}

fn asks(text: &str) -> Matter {
    Matter::Question {
        about: None,
        field: None,
        text: Prose::lossy(text),
    }
}

#[test]
fn a_letter_that_comes_before_the_one_before_it_is_early() {
    let mut talk = Talk::new();
    for text in ["one", "two"] {
        talk.sides[0].write(&talk.stage, asks(text)).unwrap();
    }
    let written = talk.sides[0].written();
    let judged = talk.sides[1].judge(&talk.stage, false, &written[1]);
    assert_eq!(judged, Err(Objection::Early("a letter")));
    assert!(talk.deliver(Role::Customer, 0).unwrap() && talk.deliver(Role::Customer, 1).unwrap());
}

#[test]
fn a_chain_that_goes_back_on_what_its_author_had_does_not_hold() {
    let mut talk = Talk::new();
    talk.sides[1].write(&talk.stage, asks("which size?")).unwrap();
    talk.deliver_next(Role::Seller).unwrap();
    talk.sides[0].write(&talk.stage, asks("and which colour?")).unwrap();
    talk.deliver_next(Role::Customer).unwrap();
    let next = talk.sides[0]
        .thread
        .next(Role::Customer, None, asks("what did you ask?"));
    for forged in [
        Letter {
            after: None,
            ..next.clone()
        },
        Letter {
            before: Some(RecordId([3; 32])),
            ..next
        },
    ] {
        let forged = sign(&customer(), CAST, CAST.plus(YEAR), forged).unwrap();
        assert_eq!(
            talk.sides[1].judge(&talk.stage, false, &forged),
            Err(Objection::Unchained)
        );
    }
}

#[test]
fn an_offer_that_was_taken_back_before_it_came_is_back_when_it_comes() {
    let mut talk = Talk::new();
    let second = OfferId::from(talk.stage.offers[1].id());
    talk.sides[1]
        .write(&talk.stage, Matter::Retracted { offer: second })
        .unwrap();
    assert!(
        talk.deliver_next(Role::Seller).unwrap(),
        "the customer does not know the offer, and takes the letter"
    );
    assert_eq!(talk.sides[0].thread.view().fate(second), OfferFate::Retracted);
}

#[test]
fn an_offer_that_became_the_deal_is_taken_back_on_neither_side() {
    let mut talk = Talk::new();
    let offer = OfferId::from(talk.stage.offers[0].id());
    talk.take(Step::Agree).unwrap();
    talk.take(Step::Agree).unwrap();
    let said = Matter::Retracted { offer };
    assert!(matches!(
        talk.sides[1].write(&talk.stage, said.clone()),
        Err(Objection::Over(_))
    ));
    let forged = talk.sides[1].signed(said).unwrap();
    assert!(matches!(
        talk.sides[0].judge(&talk.stage, false, &forged),
        Err(Objection::Over(_))
    ));
}
