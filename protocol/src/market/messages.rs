//! What the market is told and what it says.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{About, Candidate, Change, Compared, Draft, Role};
use crate::{
    contact::ReplyPath,
    deed::Difference,
    envelope::Verified,
    fault::{Fault, Verdict},
    frame::Refusal,
    id::{AgreementId, EntryHash, IntentId, OfferId, RecordId},
    intent::{Intent, Withdrawal},
    keys::PublicKey,
    ledger::Stored,
    letter::{self, Matter, ThreadId},
    limits,
    list::Bytes,
    matching::Ranked,
    offer::Reason,
    order::Illegal,
    receipt::OrderEvent,
    regard::Regard,
    rules::Rules,
    standing::{Sought, SoughtError},
    text::{Prose, Word},
    time::Timestamp,
    topic::Topic,
};

/// Which effect a result belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug)]
pub struct TaskId(pub u64);

/// Which gossip message a verdict is about; the network layer's own number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// Which stream a reply goes back on; the network layer's own number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Exchange(pub u64);

/// Which command an answer belongs to; the caller's own number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Request(pub u64);

/// A connected peer's id, as bytes.
pub type PeerBytes = Vec<u8>;

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The person or program that this node serves wants something.
    Command(Request, Command),
    /// A gossip message came in and waits for its verdict.
    Gossip {
        /// To answer with.
        ticket: Ticket,
        /// Who brought it; not who wrote it.
        peer: PeerBytes,
        /// Where.
        topic: Topic,
        /// What.
        bytes: Vec<u8>,
    },
    /// A gossip message came in and waits for its verdict, whose stamp, signature and body this process has verified
    /// for another of its nodes: a program that runs many pays for that once. The rest is judged as ever.
    Checked {
        /// To answer with.
        ticket: Ticket,
        /// Who brought it; not who wrote it.
        peer: PeerBytes,
        /// Where.
        topic: Topic,
        /// What.
        record: Checked,
    },
    /// A frame came in on a stream and waits for its reply.
    Frame {
        /// To reply on.
        exchange: Exchange,
        /// Who is at the other end.
        peer: PeerBytes,
        /// What.
        bytes: Vec<u8>,
    },
    /// An effect is over.
    Done(TaskId, Done),
    /// A connected peer is on this topic.
    Joined {
        /// Who and where to reach them.
        peer: ReplyPath,
        /// Which.
        topic: Topic,
    },
    /// A peer is connected no more.
    Gone(PeerBytes),
    /// Where replies reach us, or that this has changed.
    Reachable(ReplyPath),
    /// A deadline has come.
    Tick,
}

/// A record that is gossiped, verified.
#[derive(Clone, Debug)]
pub enum Checked {
    /// A want.
    Intent(Box<Verified<Intent>>),
    /// The end of one.
    Withdrawal(Verified<Withdrawal>),
}

/// How an effect ended.
#[derive(Clone, Debug)]
pub enum Done {
    /// The entries are on disk.
    Stored,
    /// They are not.
    NotStored,
    /// What the catalogue has, best first.
    Found(Vec<Candidate>),
    /// The message went to this many peers; zero is nobody.
    Published(usize),
    /// The one reply frame.
    Replied(Vec<u8>),
    /// Nobody there, no reply in time, or the stream broke.
    Failed,
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Output {
    /// What to do with a gossip message.
    Verdict(Ticket, Verdict),
    /// Gossip this.
    Publish {
        /// To report the number of peers with.
        task: TaskId,
        /// Where.
        topic: Topic,
        /// What.
        bytes: Vec<u8>,
    },
    /// Find peers of this topic: there is something to say and nobody to hear it.
    Reach(Topic),
    /// Send a frame and bring the reply.
    Send {
        /// To report the reply with.
        task: TaskId,
        /// To whom.
        to: ReplyPath,
        /// What.
        frame: Vec<u8>,
    },
    /// Reply on a stream.
    Reply(Exchange, Vec<u8>),
    /// Reply on a stream with a piece of a document, to one who may have it: with a `Piece`, or a `Refused` that says
    /// `Early` where the document is not here and `NotStored` where it cannot be read.
    Serve {
        /// To reply on.
        exchange: Exchange,
        /// What a refusal is about.
        about: RecordId,
        /// SHA-256 of the document.
        hash: EntryHash,
        /// Where the piece begins, bytes.
        offset: u32,
    },
    /// Listen here.
    Subscribe(Topic),
    /// Listen here no more.
    Unsubscribe(Topic),
    /// Search the catalogue for this want.
    Search {
        /// To report what was found with.
        task: TaskId,
        /// The want.
        intent: Box<Intent>,
    },
    /// Store these entries, all or none, and flush.
    Append {
        /// To report with.
        task: TaskId,
        /// In order.
        entries: Vec<Stored>,
    },
    /// A command is done: what it led to is on disk.
    Answer(Request, Result<Answered, Denied>),
    /// Something that the person, or a program, may want to know.
    Event(Event),
}

/// What the person or program wants.
#[derive(Clone, Debug)]
pub enum Command {
    /// Cast a want.
    Cast {
        /// What.
        draft: Box<Draft>,
        /// Fresh entropy for the intent's key.
        nonce: [u8; 16],
    },
    /// End a want.
    Withdraw(IntentId),
    /// Say yes to an offer.
    Accept(OfferId),
    /// Say no to an offer.
    Decline(OfferId, Reason),
    /// Answer an intent that the rules ask a person about.
    Decide {
        /// Which.
        intent: IntentId,
        /// Whether the offers prepared for it go out.
        send: bool,
    },
    /// Sell by these rules from now on, or stop selling.
    Rules(Option<Box<Rules>>),
    /// Wait for wants like this under this name from now on, in the place of what had it; or no more.
    Await(Word, Option<Box<Sought>>),
    /// Listen for wants of these groups; the rules decide which to answer.
    Listen(BTreeSet<Topic>),
    /// Say an open want anew: whoever answered may answer again.
    Amend {
        /// Which.
        intent: IntentId,
        /// What is other.
        change: Box<Change>,
    },
    /// Cast a want that expired or was withdrawn once more, as a new one.
    Renew {
        /// Which.
        intent: IntentId,
        /// What is other; the time for offers at least.
        change: Box<Change>,
        /// When the new one ends.
        expires: Timestamp,
        /// Fresh entropy for its key.
        nonce: [u8; 16],
    },
    /// Write a letter.
    Say {
        /// In which conversation.
        about: About,
        /// What; a round of zero and an empty version are filled in.
        matter: Box<Matter>,
    },
    /// As a seller: put another offer in the place of one.
    Revise {
        /// Of which.
        offer: OfferId,
        /// The counter-offer that it answers, if one.
        counter: Option<RecordId>,
        /// What is otherwise.
        changes: Vec<letter::Change>,
    },
    /// As a customer: open to the seller of an offer what it has come far enough to see, a budget committed to among it.
    Disclose(OfferId),
    /// As a seller: take an offer back.
    Retract(OfferId),
    /// As a customer: rate what was bought. Where there is no rating key yet it is asked for, and the answer is the
    /// letter that asks; then say it again.
    Rate {
        /// Under which agreement.
        agreement: AgreementId,
        /// 1 to 5.
        stars: u8,
        /// In words; may be empty.
        text: Prose,
    },
    /// As a customer: think so of a seller from now on.
    Regard {
        /// Of whom.
        seller: PublicKey,
        /// What.
        regard: Regard,
    },
    /// As the seller: this happened to an order.
    Receipt {
        /// Of which deal.
        agreement: AgreementId,
        /// What.
        event: OrderEvent,
    },
    /// Hold what we have of a deal against what the other side has. Answered when the other side has answered.
    Compare(AgreementId),
    /// Ask the other side for a piece of what it announced. Answered when the other side has answered.
    Fetch {
        /// In which conversation.
        thread: ThreadId,
        /// SHA-256 of the document.
        hash: EntryHash,
        /// Where the piece begins, bytes: a multiple of [`crate::limits::PIECE_BYTES`].
        offset: u32,
    },
    /// Ask the other side at once what it holds of a conversation that came out of a backup, or go on without.
    CatchUp {
        /// Which; none for all that wait.
        thread: Option<ThreadId>,
        /// Whether to go on with what is here. Where the other side does hold more, it takes nothing that is written.
        anyway: bool,
    },
}

/// What a command led to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// The want is cast, or waits in the outbox for somebody to hear it.
    Cast(IntentId),
    /// The want is over.
    Withdrawn(IntentId),
    /// The yes is on its way.
    Accepted(AgreementId),
    /// The no is on its way.
    Declined(OfferId),
    /// The letter is on its way.
    Said(RecordId),
    /// The rating stands, and can be shown to anybody.
    Rated(RecordId),
    /// So it is.
    Ok,
    /// The want is said anew; where only what nobody was told has changed, its newest record is the one it had.
    Amended {
        /// Which.
        intent: IntentId,
        /// Its newest record.
        revision: RecordId,
    },
    /// The receipt is in the chain, and on its way.
    Receipt {
        /// Of which deal.
        agreement: AgreementId,
        /// Which.
        receipt: RecordId,
    },
    /// Both sides of a deal.
    Compared(Box<Compared>),
    /// A piece of a document, where it was asked from: a full one, or the last.
    Piece {
        /// How long the document is, bytes.
        total: u32,
        /// The piece.
        bytes: Bytes<{ limits::PIECE_BYTES }>,
    },
}

/// Why a command is not carried out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Denied {
    /// No such want of ours.
    #[error("no intent {0} of yours: `intent list` shows them")]
    NoIntent(IntentId),
    /// No such offer to us.
    #[error("no offer {0} to you: `offer list` shows them")]
    NoOffer(OfferId),
    /// The want is over.
    #[error("the intent was withdrawn")]
    Withdrawn,
    /// The offer is over.
    #[error("the offer was valid until {0}")]
    Expired(Timestamp),
    /// The offer was declined.
    #[error("you declined this offer")]
    Declined,
    /// Another yes stands.
    #[error("you accepted offer {0} for this intent: one intent makes one agreement")]
    Taken(OfferId),
    /// An agreement stands.
    #[error("there is an agreement on this already")]
    Agreed,
    /// A draft that would be refused by everybody.
    #[error("this cannot be said: {0}")]
    Unfit(Fault),
    /// Too many wants at once.
    #[error("{0} intents are open, and no more fit: withdraw some")]
    TooMany(usize),
    /// Nobody could answer yet.
    #[error("the node does not know yet how it can be reached: try again in a moment")]
    NotReachable,
    /// Nothing waits for this decision.
    #[error("nothing waits to be decided for intent {0}")]
    NothingToDecide(IntentId),
    /// The offer is in terms that the intent does not ask for. Kept for exit codes: see [`Denied::is_policy`].
    #[error("the offer is not under the intent's terms")]
    Terms,
    /// The seller made another offer in its place.
    #[error("the seller made another offer in its place: {0}")]
    Revised(OfferId),
    /// The seller took it back.
    #[error("the seller took this offer back")]
    Retracted,
    /// No such conversation.
    #[error("no such conversation: `thread list` shows them")]
    NoThread,
    /// The rules of the conversation say no.
    #[error("{0}")]
    Unfitting(String),
    /// What to wait for is unclear.
    #[error("{0}")]
    Unclear(SoughtError),
    /// Too many standing interests.
    #[error("{0} interests stand, and no more fit: remove some")]
    TooManyInterests(usize),
    /// No such deal.
    #[error("no agreement {0} of yours: `agreement list` shows them")]
    NoAgreement(AgreementId),
    /// Only the seller says what becomes of an order.
    #[error("only the seller says what becomes of an order, and you are its customer")]
    NotTheSeller,
    /// It cannot happen to this order now.
    #[error("{0}")]
    Order(Illegal),
    /// The other side is not there.
    #[error("the other side cannot be reached: try again when it is there")]
    Unreached,
    /// No such document.
    #[error("no document {0} was announced in this conversation")]
    NoDocument(EntryHash),
    /// The other side is there and does not say.
    #[error("the other side does not say what it holds ({}): try again later", .0.word())]
    Unanswered(Refusal),
    /// The store failed.
    #[error("the ledger could not be written, so nothing was done: check the disk and try again")]
    NotStored,
    /// The want's life is over.
    #[error("the intent expired at {0}: `intent renew` casts it once more")]
    Over(Timestamp),
    /// The want still lives.
    #[error("the intent is open until {0}: `intent amend` changes it")]
    StillOpen(Timestamp),
    /// A change after the time for offers, that does not put it off.
    #[error("the time for offers was over at {0}, so nobody would answer: say until when you take offers now")]
    Due(Timestamp),
    /// A change that changes nothing.
    #[error("nothing would change")]
    Unchanged,
    /// A change that those who know the want would not hear.
    #[error(
        "that belongs on other topics, where nobody has heard this intent: withdraw it, and renew it with this change"
    )]
    Elsewhere,
    /// More than the person will spend, though not more than was said.
    #[error("the offer is over your budget: `intent amend` raises that")]
    OverBudget,
    /// The want has changed, and the offer does not fit it any more.
    #[error("the offer answers an earlier version of the intent and does not fit what it asks now: {0}")]
    Outdated(String),
    /// Nothing is taken from its seller, so nothing is said to it either.
    #[error("you have blocked seller {}: `supplier block --undo` takes that back", .0.short())]
    Blocked(PublicKey),
    /// Too many sellers are thought of.
    #[error("you think something of {0} sellers already, and no more fit: undo some")]
    TooManyRegards(usize),
    /// It came out of a backup, and the other side has not said what it holds.
    #[error(
        "this goes on from a backup, and the other side has not said yet what it holds beyond that: it is asked until it \
         answers, and nothing is written before; `data catch-up {0} --anyway` goes on without"
    )]
    Unsure(ThreadId),
    /// Its seller has answered again.
    #[error("the seller has made another offer since, to the newer version of the intent: accept that one")]
    Superseded,
}

impl Denied {
    /// Whether terms or policy stand against it, rather than a mistake or a mishap.
    pub fn is_policy(&self) -> bool {
        matches!(
            self,
            Self::Terms
                | Self::Declined
                | Self::Taken(_)
                | Self::Agreed
                | Self::Revised(_)
                | Self::Retracted
                | Self::OverBudget
                | Self::Outdated(_)
                | Self::Superseded
                | Self::Blocked(_)
                | Self::NotTheSeller
                | Self::Order(_)
        )
    }
}

/// What the person, or a program, may want to know. Wants and prices are looked up by id, not told here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A want of ours is stored and goes out.
    Cast { intent: IntentId },
    /// It was to be told to favourites first: so many have it until then, and nobody else. With none of them it goes to
    /// all at once.
    HeadStart {
        intent: IntentId,
        favourites: usize,
        until: Timestamp,
    },
    /// It reached peers on a topic.
    Published {
        intent: IntentId,
        topic: String,
        peers: usize,
    },
    /// Nobody is there to hear it yet; it waits in the outbox.
    Unheard { intent: IntentId, topic: String },
    /// A want of ours was said anew.
    Amended { intent: IntentId, revision: RecordId },
    /// A want of ours is over.
    Withdrawn { intent: IntentId },
    /// The time for offers is over.
    Due { intent: IntentId, offers: usize },
    /// An offer came, was verified and admitted.
    Offer { intent: IntentId, offer: OfferId },
    /// An offer, or something that claims to be one, came and was not taken.
    Refused {
        intent: Option<IntentId>,
        record: RecordId,
        why: Refusal,
        detail: String,
    },
    /// The offers in the customer's order, after a new one.
    Ranked { intent: IntentId, order: Vec<Ranked> },
    /// We said yes.
    Accepted {
        intent: IntentId,
        offer: OfferId,
        agreement: AgreementId,
    },
    /// Our yes was refused.
    AcceptanceRefused {
        intent: IntentId,
        offer: OfferId,
        why: Refusal,
        difference: Option<Difference>,
    },
    /// We said no.
    Declined { intent: IntentId, offer: OfferId },
    /// Both sides hold the agreement.
    Agreement {
        intent: IntentId,
        offer: OfferId,
        agreement: AgreementId,
    },
    /// A receipt was added to an agreement.
    Receipt {
        agreement: AgreementId,
        receipt: RecordId,
        what: String,
    },
    /// As a listener: an intent was heard that the rules may answer.
    Heard { intent: IntentId },
    /// As a listener: an intent was heard, or said anew, that meets these standing interests.
    Met { intent: IntentId, interests: Vec<Word> },
    /// As a listener: it was looked at; this many offers go out, and why no more.
    Answered {
        intent: IntentId,
        offers: usize,
        why: String,
    },
    /// As a listener: offers wait for a person's word.
    Asking { intent: IntentId, offers: usize },
    /// As a listener: an offer reached the customer, or was refused there.
    Delivered {
        intent: IntentId,
        offer: OfferId,
        refused: Option<Refusal>,
    },
    /// As a listener: the customer said no.
    OfferDeclined {
        intent: IntentId,
        offer: OfferId,
        reason: Reason,
    },
    /// A letter was written, or came in.
    Letter {
        thread: ThreadId,
        letter: RecordId,
        from: Role,
        what: String,
    },
    /// A letter of ours is there.
    LetterDelivered { thread: ThreadId, letter: RecordId },
    /// The ledger could not be written; the node stands still until it can.
    StoreFailed,
    /// The seller has answered a newer version of the want: this offer cannot be accepted any more.
    Superseded { intent: IntentId, offer: OfferId },
    /// As a seller: a receipt reached the customer, or was refused there.
    ReceiptDelivered {
        agreement: AgreementId,
        receipt: RecordId,
        refused: Option<Refusal>,
    },
    /// What the other side holds of a conversation is here as well: so many records had been lost.
    CaughtUp {
        thread: ThreadId,
        records: usize,
        anyway: bool,
    },
    /// The other side named something else than was agreed; it was refused and is kept to be shown.
    Differed {
        agreement: AgreementId,
        difference: Difference,
    },
}
