//! One node's part in the market: a machine that is told what happened and says what to do.
//!
//! # The contract: one in, all out
//!
//! Call [`Market::handle`] with one [`Input`], then [`Market::poll`] until it gives `None`, carrying out each
//! [`Output`], before the next `handle`. Call it again with [`Input::Tick`] when [`Market::deadline`] has come. Time is
//! an argument; entropy comes with the command that needs it; searching, storing, publishing and sending are outputs
//! with a [`TaskId`], and their results come back as [`Input::Done`].
//!
//! # What it holds to
//!
//! **A promise is on disk before it is on the wire.** State changes at once, but each output that tells anybody anything
//! (a frame, a message, an answer, an event) waits until every fact recorded before it has been stored. Only verdicts,
//! searches and subscriptions, which promise nothing, pass. Facts that gather meanwhile go to disk in one batch.
//!
//! **Restart is replay.** All state that outlives a restart is a function of the facts; [`Market::replay`] applies the
//! stored ones with the same code. If storing fails, the machine is broken: it refuses everything until its driver
//! replays it from what is stored.

mod book;
mod catching_up;
mod comparing;
mod customer;
mod deals;
mod documents;
mod haggling;
mod head_start;
mod interests;
mod listener;
mod messages;
mod meter;
mod orders;
mod outbox;
mod recalling;
mod relay;
mod suppliers;
mod thread_views;
mod threads;
mod views;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use crate::thread::Role;
pub use catching_up::UnsureView;
pub use comparing::{Compared, Sameness, Side};
pub use customer::{Change, Draft};
pub use documents::{Announced, Told};
pub use head_start::HeadStart;
pub use listener::Candidate;
pub use messages::{
    Answered, Checked, Command, Denied, Done, Event, Exchange, Input, Output, PeerBytes, Request, TaskId, Ticket,
};
pub use suppliers::{SupplierDeal, SupplierView};
pub use thread_views::{DealView, GrantView, LetterView, Passage, ProposalView, ThreadView};
pub use threads::About;
pub use views::{
    AgreementView, DeliveryState, IntentState, IntentView, OfferState, OfferView, RatingView, ReceiptView, Status,
};

use crate::{
    contact::ReplyPath,
    envelope::Verified,
    frame::{Frame, Refusal},
    id::{AgreementId, EntryHash, IntentId, OfferId, RecordId},
    keys::{PublicKey, Seed},
    ledger::{Broken, Chain, Fact},
    letter::ThreadId,
    offer::Decline,
    regard::Regard,
    rules::Rules,
    standing::{Sought, Standing},
    text::Word,
    time::Timestamp,
    topic::Topic,
};

/// How a market is set up; what it remembers is in the ledger.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Topics that this node joins for the mesh's sake.
    pub backbone: BTreeSet<Topic>,
    /// Topics that it listens on.
    pub listen: BTreeSet<Topic>,
    /// A seller's rules.
    pub rules: Option<Rules>,
    /// What it waits for, by the names that its owner gave.
    pub interests: BTreeMap<Word, Sought>,
}

/// One node's part in the market. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Market {
    seed: Seed,
    config: Config,
    reply: Option<ReplyPath>,
    own: BTreeMap<IntentId, customer::Own>,
    strays: Vec<customer::NotTaken>,
    /// Our nos, for those that still have to reach somebody after a restart.
    declines: Vec<Verified<Decline>>,
    heard: BTreeMap<IntentId, listener::Heard>,
    deals: BTreeMap<AgreementId, deals::Deal>,
    offers: BTreeMap<OfferId, IntentId>,
    interests: Standing<Word>,
    /// What we think of sellers; nothing of those who are like anybody.
    regards: BTreeMap<PublicKey, Regard>,
    threads: threads::Threads,
    /// Conversations of which the other side may hold more than we do.
    unsure: catching_up::Unsures,
    relay: relay::Relay,
    listener: listener::Listener,
    outbox: outbox::Outbox,
    book: book::Book,
    tasks: BTreeMap<TaskId, Task>,
    next_task: u64,
    timers: BTreeSet<(Timestamp, Timer)>,
    out: VecDeque<Output>,
    replaying: bool,
}

/// What an effect under way is for.
#[derive(Clone, Debug)]
enum Task {
    Publish {
        record: RecordId,
        topic: Topic,
    },
    Send {
        record: RecordId,
    },
    Pull {
        topic: Topic,
        peer: ReplyPath,
        after: Option<RecordId>,
    },
    Tell {
        topic: Topic,
        peer: PeerBytes,
    },
    Search {
        intent: IntentId,
        /// The version of the want that is searched for.
        revision: RecordId,
    },
    Compare {
        request: Request,
        agreement: AgreementId,
    },
    Fetch {
        request: Request,
        hash: EntryHash,
        offset: u32,
    },
    Recall {
        thread: ThreadId,
        /// How many pages came before.
        pages: u32,
    },
}

/// What a deadline is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Timer {
    Republish(RecordId),
    Resend(RecordId),
    Due(IntentId),
    Lapse(OfferId),
    Amend,
    Prune,
    HeadStart(IntentId),
    Recall(ThreadId),
}

impl Market {
    /// A market with nothing in its past.
    pub fn new(seed: Seed, config: Config) -> Self {
        let mut market = Self {
            seed,
            reply: None,
            own: BTreeMap::new(),
            strays: Vec::new(),
            declines: Vec::new(),
            heard: BTreeMap::new(),
            deals: BTreeMap::new(),
            offers: BTreeMap::new(),
            interests: interests::laid_out(config.interests.iter()),
            regards: BTreeMap::new(),
            threads: threads::Threads::default(),
            unsure: catching_up::Unsures::default(),
            relay: relay::Relay::default(),
            listener: listener::Listener::default(),
            outbox: outbox::Outbox::default(),
            book: book::Book::default(),
            tasks: BTreeMap::new(),
            next_task: 0,
            timers: BTreeSet::new(),
            out: VecDeque::new(),
            replaying: false,
            config,
        };
        for topic in market.topics() {
            market.out.push_back(Output::Subscribe(topic));
        }
        market
    }

    /// The market as it was when the last of these entries was stored.
    ///
    /// # Errors
    /// [`Broken`] where the chain does not hold.
    pub fn replay<'a>(
        seed: Seed,
        config: Config,
        entries: impl IntoIterator<Item = &'a [u8]>,
        now: Timestamp,
    ) -> Result<Self, Broken> {
        let mut market = Self::new(seed, config);
        market.replaying = true;
        let mut chain = Chain::default();
        for bytes in entries {
            let entry = chain.follow(bytes)?;
            market.apply(entry.at, &entry.fact);
        }
        market.replaying = false;
        market.book = book::Book::after(chain);
        market.resume(now);
        Ok(market)
    }

    /// Tells the market what happened.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        // Whatever a broken market learns it could not keep, and what it cannot keep it must not act upon.
        let asks = matches!(
            input,
            Input::Command(..) | Input::Gossip { .. } | Input::Checked { .. } | Input::Frame { .. }
        );
        if self.is_broken() && !asks {
            return;
        }
        match input {
            Input::Command(request, command) => self.command(now, request, command),
            Input::Gossip {
                ticket,
                peer,
                topic,
                bytes,
            } => {
                let verdict = self.hear(now, &peer, topic, &bytes);
                self.out.push_back(Output::Verdict(ticket, verdict));
            }
            Input::Checked {
                ticket,
                peer,
                topic,
                record,
            } => {
                let verdict = self.hear_checked(now, &peer, topic, record);
                self.out.push_back(Output::Verdict(ticket, verdict));
            }
            Input::Frame { exchange, peer, bytes } => {
                if let Some(reply) = self.frame(now, exchange, &peer, &bytes) {
                    self.promise(Output::Reply(exchange, reply.encode()));
                }
            }
            Input::Done(task, done) => self.done(now, task, done),
            Input::Joined { peer, topic } => self.joined(now, peer, topic),
            Input::Gone(peer) => self.relay.gone(&peer),
            Input::Reachable(reply) => self.reachable(now, reply),
            Input::Tick => {}
        }
        self.tick(now);
    }

    /// The next thing to do; `None` when all is said.
    pub fn poll(&mut self) -> Option<Output> {
        if let Some(output) = self.out.pop_front() {
            return Some(output);
        }
        if self.book.wants_to_store() {
            let task = self.task();
            let entries = self.book.take(task);
            return Some(Output::Append { task, entries });
        }
        self.book.release()
    }

    /// When to come back with [`Input::Tick`], if nothing else happens before.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Whether facts are on their way to disk, so that what is shown is not yet what is kept.
    pub fn is_settling(&self) -> bool {
        self.book.is_settling()
    }

    /// Whether storing failed: nothing is done any more until the market is replayed.
    pub fn is_broken(&self) -> bool {
        self.book.is_broken()
    }

    /// The rules that it sells by, if it sells.
    pub fn rules(&self) -> Option<&Rules> {
        self.config.rules.as_ref()
    }

    /// The ledger's end.
    pub fn chain(&self) -> Chain {
        self.book.chain()
    }

    fn command(&mut self, now: Timestamp, request: Request, command: Command) {
        let answer = if self.is_broken() {
            Err(Denied::NotStored)
        } else {
            match command {
                Command::Cast { draft, nonce } => self.cast(now, *draft, nonce, None),
                Command::Withdraw(intent) => self.withdraw(now, intent),
                Command::Accept(offer) => self.accept(now, offer),
                Command::Decline(offer, reason) => self.decline(now, offer, reason),
                Command::Decide { intent, send } => self.decide(now, intent, send),
                Command::Rules(rules) => {
                    self.config.rules = rules.map(|rules| *rules);
                    self.reconsider(now);
                    self.ask_met(now);
                    Ok(Answered::Ok)
                }
                Command::Say { about, matter } => self.say(now, about, *matter),
                Command::Revise {
                    offer,
                    counter,
                    changes,
                } => self.revise(now, offer, counter, &changes),
                Command::Disclose(offer) => self.disclose(now, offer, true),
                Command::Retract(offer) => self.retract(now, offer),
                Command::Rate { agreement, stars, text } => self.rate(now, agreement, stars, text),
                Command::Await(name, sought) => self.wait_for(now, name, sought.map(|sought| *sought)),
                Command::Listen(topics) => {
                    self.listen(topics);
                    self.ask_met(now);
                    Ok(Answered::Ok)
                }
                Command::Amend { intent, change } => self.amend(now, intent, *change),
                Command::Renew {
                    intent,
                    change,
                    expires,
                    nonce,
                } => self.renew(now, intent, *change, expires, nonce),
                Command::Regard { seller, regard } => self.think_of(now, seller, regard),
                Command::Receipt { agreement, event } => self.tell_receipt(now, agreement, event),
                Command::Compare(agreement) => match self.compare(now, request, agreement) {
                    // The other side's word is the answer.
                    Ok(()) => return,
                    Err(denied) => Err(denied),
                },
                Command::CatchUp { thread, anyway } => self.catch_up(now, thread, anyway),
                Command::Fetch { thread, hash, offset } => match self.fetch(now, request, thread, hash, offset) {
                    Ok(()) => return,
                    Err(denied) => Err(denied),
                },
            }
        };
        self.promise(Output::Answer(request, answer));
    }

    /// A frame in, a frame out. `None` only where no reply is due, or it comes from the disk.
    fn frame(&mut self, now: Timestamp, exchange: Exchange, peer: &[u8], bytes: &[u8]) -> Option<Frame> {
        let refused = |why| {
            let about = Frame::decode(bytes).ok().and_then(|frame| frame.about());
            let about = about.unwrap_or_default();
            Some(Frame::Refused { about, why })
        };
        if self.is_broken() {
            return refused(Refusal::NotStored);
        }
        if !self.relay.may_send(now, peer) {
            return refused(Refusal::Busy {
                retry: crate::time::Seconds(60),
            });
        }
        match Frame::decode(bytes) {
            Err(_) => refused(Refusal::Malformed),
            Ok(Frame::Offer(record)) => Some(self.take_offer(now, &record)),
            Ok(Frame::Acceptance(record)) => Some(self.take_acceptance(now, &record)),
            Ok(Frame::Decline(record)) => Some(self.take_decline(now, &record)),
            Ok(Frame::Receipt(record)) => Some(self.take_receipt(now, peer, &record)),
            Ok(Frame::Withdrawal(record)) => Some(self.take_withdrawal(now, &record)),
            Ok(Frame::Letter(record)) => Some(self.take_letter(now, peer, &record)),
            Ok(Frame::Pull { topic, after }) => Some(self.open_page(now, topic, after)),
            Ok(Frame::Tell { topic, records }) if self.topics().contains(&topic) => {
                self.told(now, peer, topic, &records).map_or_else(refused, Some)
            }
            Ok(Frame::Tell { .. }) => refused(Refusal::Unknown),
            Ok(Frame::Compare(record)) => Some(self.take_inquiry(now, &record)),
            Ok(Frame::Fetch(record)) => self.take_fetch(now, exchange, &record),
            Ok(Frame::Recall(record)) => Some(self.take_recall(now, &record)),
            Ok(
                Frame::Stored(_)
                | Frame::Refused { .. }
                | Frame::Confirmed { .. }
                | Frame::Open { .. }
                | Frame::Held { .. }
                | Frame::Piece { .. }
                | Frame::Recalled { .. },
            ) => refused(Refusal::Malformed),
        }
    }

    fn done(&mut self, now: Timestamp, task: TaskId, done: Done) {
        match done {
            Done::Stored => return self.book.stored(task),
            Done::NotStored => {
                if self.book.failed(task) {
                    self.out.push_back(Output::Event(Event::StoreFailed));
                }
                return;
            }
            _ => {}
        }
        match (self.tasks.remove(&task), done) {
            (Some(Task::Publish { record, topic }), Done::Published(peers)) => {
                self.published(now, record, topic, peers)
            }
            (Some(Task::Publish { record, topic }), _) => self.published(now, record, topic, 0),
            (Some(Task::Send { record }), Done::Replied(bytes)) => self.replied(now, record, &bytes),
            (Some(Task::Send { record }), _) => self.unreached(now, record),
            (Some(Task::Pull { topic, peer, after }), Done::Replied(bytes)) => {
                self.pulled(now, topic, peer, after, &bytes);
            }
            (Some(Task::Pull { topic, peer, .. }), _) => self.relay.pull_failed(topic, &peer.peer),
            (Some(Task::Compare { request, agreement }), done) => self.compared(now, request, agreement, done),
            (Some(Task::Fetch { request, hash, offset }), done) => self.fetched(request, hash, offset, done),
            (Some(Task::Recall { thread, pages }), done) => self.recalled(now, thread, pages, done),
            (Some(Task::Tell { .. }), Done::Replied(_)) => {}
            (Some(Task::Tell { topic, peer }), _) => self.relay.tell_failed(topic, &peer),
            (Some(Task::Search { intent, revision }), Done::Found(candidates)) => {
                self.found(now, intent, revision, candidates);
            }
            (Some(Task::Search { intent, revision }), _) => self.found(now, intent, revision, Vec::new()),
            (None, _) => {}
        }
    }

    fn tick(&mut self, now: Timestamp) {
        if self.is_broken() {
            self.timers.clear();
            return;
        }
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, timer));
            match timer {
                Timer::Republish(record) => self.republish(now, record),
                Timer::Resend(record) => self.resend(now, record),
                Timer::Due(intent) => self.due(now, intent),
                Timer::Lapse(offer) => self.lapse(now, offer),
                Timer::Amend => self.readdress(now),
                Timer::Prune => self.prune(now),
                Timer::HeadStart(intent) => self.head_start_over(now, intent),
                Timer::Recall(thread) => self.recall(now, thread),
            }
        }
    }

    /// Keeps a fact: changes state now, and holds what follows until it is stored.
    fn record(&mut self, now: Timestamp, fact: Fact) {
        self.apply(now, &fact);
        self.book.record(now, fact);
    }

    /// The one place where facts become state, live and at replay.
    fn apply(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::Cast {
                nonce,
                intent,
                kept,
                renews,
            } => self.apply_cast(*nonce, intent, kept, *renews),
            Fact::Amended(amendment) => self.apply_amended(amendment),
            Fact::Withdrawn(withdrawal) => self.apply_withdrawn(withdrawal),
            Fact::Published { record, peers } => self.outbox.apply_published(*record, *peers),
            Fact::OfferTaken(offer) => self.apply_offer_taken(at, offer),
            Fact::NotTaken(refused) => self.apply_not_taken(at, refused),
            Fact::Declined(decline) => self.apply_declined(decline),
            Fact::Accepted(acceptance) => self.apply_accepted(acceptance),
            Fact::AcceptanceRefused { offer, why, difference } => {
                self.apply_acceptance_refused(*offer, *why, difference.clone());
            }
            Fact::Agreed {
                confirmation,
                acceptance,
                receipt,
            } => self.apply_agreed(confirmation, acceptance, receipt),
            Fact::Receipt(receipt) => self.apply_receipt(receipt),
            Fact::Heard(intent) => self.apply_heard(intent),
            Fact::HeardAmendment(amendment) => self.apply_heard_amendment(amendment),
            Fact::HeardWithdrawal(withdrawal) => self.apply_heard_withdrawal(withdrawal),
            Fact::Offered {
                offer,
                item,
                stock,
                counted,
            } => self.apply_offered(offer, item, *stock, *counted),
            Fact::Delivered { record, refused } => self.outbox.apply_delivered(*record, *refused),
            Fact::DeclineTaken(decline) => self.apply_decline_taken(decline),
            Fact::YesRefused { offer, why } => self.apply_yes_refused(*offer, *why),
            Fact::Differed { agreement, difference } => self.apply_differed(*agreement, difference),
            Fact::Kept { intent, revision, kept } => self.apply_kept(*intent, *revision, kept),
            Fact::Wrote(letter) => self.apply_letter(at, letter, true),
            Fact::Took(letter) => self.apply_letter(at, letter, false),
            Fact::Rated { agreement, rating } => self.apply_rated(*agreement, rating),
            Fact::Regarded { seller, regard } => self.apply_regarded(*seller, *regard),
            Fact::HeadStart {
                intent,
                until,
                favourites,
            } => self.apply_head_start(*intent, *until, favourites),
            Fact::Restored { made } => self.apply_restored(at, *made),
            Fact::Doubted { thread, peer } => self.apply_doubted(at, *thread, peer),
            Fact::CaughtUp { thread, .. } => self.unsure.end(*thread),
        }
    }

    /// An output that tells somebody something: after all that was recorded before it.
    fn promise(&mut self, output: Output) {
        self.book.hold(output);
    }

    fn event(&mut self, event: Event) {
        self.promise(Output::Event(event));
    }

    fn task(&mut self) -> TaskId {
        self.next_task += 1;
        TaskId(self.next_task)
    }

    fn begin(&mut self, task: Task) -> TaskId {
        let id = self.task();
        self.tasks.insert(id, task);
        id
    }

    fn remind(&mut self, at: Timestamp, timer: Timer) {
        self.timers.insert((at, timer));
    }

    fn topics(&self) -> BTreeSet<Topic> {
        let config = self.config.backbone.union(&self.config.listen).copied();
        config.chain(self.topics_waited_on()).collect()
    }

    /// Joins these topics for the mesh's sake, whatever this node listens for.
    pub fn join_backbone(&mut self, topics: BTreeSet<Topic>) {
        self.change_topics(|config| config.backbone = topics);
    }

    fn listen(&mut self, topics: BTreeSet<Topic>) {
        self.change_topics(|config| config.listen = topics);
    }

    fn change_topics(&mut self, change: impl FnOnce(&mut Config)) {
        let before = self.topics();
        change(&mut self.config);
        let after = self.topics();
        for topic in before.difference(&after) {
            self.out.push_back(Output::Unsubscribe(*topic));
        }
        for topic in after.difference(&before) {
            self.out.push_back(Output::Subscribe(*topic));
        }
    }
}
