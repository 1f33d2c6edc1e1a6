//! What the market shows of itself: plain values for an API and a person, worked out when asked.

use serde::{Deserialize, Serialize};

use super::{HeadStart, Market, deals::Deal};
use crate::{
    deed::{Difference, Settled},
    disclosure::Kept,
    envelope::Verified,
    frame::Refusal,
    id::{AgreementId, EntryHash, IntentId, OfferId, RecordId, hex},
    intent::Intent,
    keys::PublicKey,
    matching::{Admission, Score},
    money::Money,
    offer::{Offer, Reason},
    order::OrderView,
    rating::Rating,
    receipt::Receipt,
    thread::{OfferFate, Role},
    time::Timestamp,
};

/// How far a want of ours has come.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// In the outbox: nobody has heard it yet.
    Unheard,
    /// Heard, and open for offers.
    Open,
    /// The time for offers is over; those that came may still be accepted.
    Due,
    /// An offer is accepted and the seller has not confirmed yet.
    Accepted,
    /// There is an agreement.
    Agreed,
    /// It was withdrawn.
    Withdrawn,
    /// It expired.
    Expired,
}

/// How far a record of ours has come on its way.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", tag = "delivery")]
pub enum DeliveryState {
    /// It waits for its turn or for the peer.
    Queued {
        /// Tries so far.
        attempts: u32,
    },
    /// The other side has it on disk.
    Stored,
    /// The other side does not take it.
    Refused {
        /// Why.
        why: Refusal,
    },
    /// Its time ran out before anybody was reached.
    Expired,
}

/// How an offer stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum OfferState {
    /// It can be accepted.
    Open,
    /// It was not taken in.
    Refused {
        /// Why, in a word.
        why: Refusal,
        /// And in more.
        detail: String,
    },
    /// Its time is over.
    Expired,
    /// The customer said no.
    Declined {
        /// Why.
        reason: Reason,
    },
    /// The customer said yes; the seller has not confirmed yet.
    Accepted {
        /// How far the yes has come.
        delivery: DeliveryState,
    },
    /// The seller did not honour it.
    NotHonoured {
        /// Why, in the seller's word or ours.
        why: Refusal,
        /// What the seller named instead of what was agreed, if that is why.
        difference: Option<Difference>,
    },
    /// There is an agreement.
    Agreed {
        /// Which.
        agreement: AgreementId,
    },
    /// Its seller has answered a newer version of the want: it cannot be accepted.
    Superseded,
    /// It was taken in, and is over the budget that the want does not say: it cannot be accepted, and its seller is not
    /// told.
    OverBudget,
    /// It answers an earlier version of the want and does not fit the newest: it cannot be accepted.
    Outdated {
        /// What stands in the way.
        why: String,
    },
    /// The seller made another offer in its place.
    Revised {
        /// Which.
        by: OfferId,
    },
    /// The seller took it back.
    Retracted,
    /// We take nothing from its seller any more.
    Blocked,
}

impl From<OfferFate> for OfferState {
    fn from(fate: OfferFate) -> Self {
        match fate {
            OfferFate::Stands => Self::Open,
            OfferFate::Revised { by } => Self::Revised { by },
            OfferFate::Retracted => Self::Retracted,
        }
    }
}

/// A want, ours or heard.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct IntentView {
    /// Its id.
    pub id: IntentId,
    /// Whose it is: ours, or one that we as a seller answer.
    pub role: Role,
    /// Its newest record.
    pub revision: RecordId,
    /// How far it has come.
    pub state: IntentState,
    /// When it was cast.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// What it says now.
    pub intent: Intent,
    /// Peers that it was published to, in all topics together.
    pub heard_by: u32,
    /// Offers taken in, or made.
    pub offers: usize,
    /// Offers not taken in.
    pub refused: usize,
    /// Ours: what it does not say.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
    /// Ours: the want that it was cast in the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<IntentId>,
    /// Ours: the favourites that were told of it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_start: Option<HeadStart>,
}

/// An offer, to us or by us, taken or refused.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct OfferView {
    /// Its id.
    pub id: OfferId,
    /// Which side we are on.
    pub role: Role,
    /// The want it answers, if it names one of ours.
    pub intent: Option<IntentId>,
    /// The key that signed it, or that is claimed to have.
    pub seller: Option<PublicKey>,
    /// When it came in or went out.
    pub at: Option<Timestamp>,
    /// How it stands.
    #[serde(flatten)]
    pub state: OfferState,
    /// What it says; nothing where even that could not be read.
    pub offer: Option<Offer>,
    /// Its place among the offers to this intent, 1 first.
    pub place: Option<usize>,
    /// Each hard constraint, asked and offered.
    pub admission: Option<Admission>,
    /// Why it is in its place.
    pub score: Option<Score>,
    /// As a seller: how far it has come. The state of an accepted offer has a `delivery` of its own.
    #[serde(rename = "sent")]
    pub delivery: Option<DeliveryState>,
}

/// A deal that both sides hold.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct AgreementView {
    /// Its id: the hash of intent, offer and terms.
    pub id: AgreementId,
    /// Which side we are on.
    pub role: Role,
    /// The want.
    pub intent: IntentId,
    /// The offer.
    pub offer: OfferId,
    /// The customer's key for this intent.
    pub customer: PublicKey,
    /// The seller's key.
    pub seller: PublicKey,
    /// When the seller confirmed.
    pub at: Timestamp,
    /// SHA-256 of the agreement's bytes, to compare across the two stores.
    pub bytes_hash: EntryHash,
    /// What was agreed at first.
    pub agreed: Offer,
    /// What the customer pays, all in, with every change that both sides have taken.
    pub total: Money,
    /// By when it is there, with every change that both sides have taken.
    pub deliver_by: Timestamp,
    /// How many changes both sides have taken since.
    pub changes: usize,
    /// How far the order has come, and what may follow.
    pub order: OrderView,
    /// What became of it, in order.
    pub receipts: Vec<ReceiptView>,
    /// Later records that named something else, and were refused.
    pub differences: Vec<Difference>,
    /// What we, as the customer, think of it.
    pub rating: Option<RatingView>,
    /// Where it goes on from a backup and the other side has not said what it holds: until when it is known what was said.
    /// Nothing is written in it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure_since: Option<Timestamp>,
}

/// A rating of ours.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct RatingView {
    /// Its id.
    pub id: RecordId,
    /// When.
    pub at: Timestamp,
    /// 1 to 5.
    pub stars: u8,
    /// In words.
    pub text: String,
    /// The signed record in hexadecimal: whoever has it can check it, and learns nothing of who we are.
    pub record: String,
}

/// One receipt.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct ReceiptView {
    /// Its id.
    pub id: RecordId,
    /// When, by the seller's clock.
    pub at: Timestamp,
    /// What it says.
    pub receipt: Receipt,
    /// As a seller: how far it has come on its way to the customer; the first goes there with the seller's yes.
    pub delivery: Option<DeliveryState>,
}

/// The market in numbers; nothing in it names a want.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Status {
    /// Wants of ours that are open.
    pub open_intents: usize,
    /// Wants of ours in all.
    pub own_intents: usize,
    /// Wants of others that we answer or answered.
    pub heard_intents: usize,
    /// Open wants kept to relay.
    pub relayed_intents: usize,
    /// Agreements.
    pub agreements: usize,
    /// Records that still wait to reach somebody.
    pub outbox: usize,
    /// Conversations that go on from a backup and wait for the other side's word.
    #[serde(default)]
    pub unsure: usize,
    /// Entries of the ledger.
    pub ledger_entries: u64,
    /// The hash of the ledger's last entry.
    pub ledger_head: EntryHash,
    /// Gossip messages accepted since start.
    pub gossip_accepted: u64,
    /// Ignored.
    pub gossip_ignored: u64,
    /// Rejected.
    pub gossip_rejected: u64,
}

pub(super) fn rating_view(rating: &Verified<Rating>) -> RatingView {
    RatingView {
        id: rating.id(),
        at: rating.header().created,
        stars: rating.stars,
        text: rating.text.to_string(),
        record: hex(rating.bytes()),
    }
}

/// The public reading side. Each is a snapshot; none changes anything.
impl Market {
    /// Every want of ours and every one that we answered, newest first.
    pub fn intents(&self, now: Timestamp) -> Vec<IntentView> {
        let mut views: Vec<IntentView> = self.own_views(now).chain(self.heard_views(now)).collect();
        views.sort_by_key(|view| (std::cmp::Reverse(view.created), view.id));
        views
    }

    /// One want.
    pub fn intent(&self, now: Timestamp, id: IntentId) -> Option<IntentView> {
        self.own_view(now, id)
            .or_else(|| self.heard_view(now, id))
            .or_else(|| self.open_view(now, id))
    }

    /// The offers to or for one intent in the customer's order, then those that were refused; all intents' where none
    /// is named, and with them what was refused without naming an intent of ours.
    pub fn offers(&self, now: Timestamp, intent: Option<IntentId>) -> Vec<OfferView> {
        self.offer_views(now, intent)
    }

    /// One offer or refused record.
    pub fn offer(&self, now: Timestamp, id: OfferId) -> Option<OfferView> {
        self.own_offer(now, id).or_else(|| self.one_made(now, id))
    }

    /// Every deal, newest first.
    pub fn agreements(&self) -> Vec<AgreementView> {
        let mut views: Vec<AgreementView> = self.deals.values().map(|deal| self.deal_view(deal)).collect();
        views.sort_by_key(|view| (std::cmp::Reverse(view.at), view.id));
        views
    }

    /// One deal.
    pub fn agreement(&self, id: AgreementId) -> Option<AgreementView> {
        self.deals.get(&id).map(|deal| self.deal_view(deal))
    }

    fn deal_view(&self, deal: &Deal) -> AgreementView {
        AgreementView {
            unsure_since: self.unsure.since(deal.thread()),
            ..deal.view(&self.outbox, &self.terms_of(deal))
        }
    }

    /// One deal's records, for evidence.
    pub fn settled(&self, id: AgreementId) -> Option<(&Settled, &[Verified<Receipt>])> {
        self.deals
            .get(&id)
            .map(|deal| (&deal.settled, deal.receipts.as_slice()))
    }

    /// The market in numbers.
    pub fn status(&self, now: Timestamp) -> Status {
        let open =
            |view: &IntentView| matches!(view.state, IntentState::Open | IntentState::Unheard | IntentState::Due);
        let [accepted, ignored, rejected] = self.relay.counts();
        Status {
            open_intents: self.own_views(now).filter(open).count(),
            own_intents: self.own.len(),
            heard_intents: self.heard.len(),
            relayed_intents: self.relay.len(),
            agreements: self.deals.len(),
            outbox: self.outbox.waiting(),
            unsure: self.unsure.count(),
            ledger_entries: self.chain().len(),
            ledger_head: self.chain().head(),
            gossip_accepted: accepted,
            gossip_ignored: ignored,
            gossip_rejected: rejected,
        }
    }
}
