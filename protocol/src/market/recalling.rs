//! Telling the other party of a conversation what it has lost of it: everything that both hold, as it was signed, in an
//! order in which each record stands on those before it.
//!
//! Only the other party is told that there is anything; to anybody else it is as unknown as any other.

use super::{Market, Role};
use crate::{
    envelope::{open, record_id},
    frame::{Frame, RecordBytes, Refusal},
    id::{IntentId, OfferId, RecordId},
    intent::Amendment,
    letter::{Matter, ThreadId},
    limits,
    list::{Bytes, List},
    recall::Recall,
    time::{Seconds, Timestamp},
};

/// How long somebody is asked to wait from whom nothing is taken now.
const TURNED_AWAY: Seconds = Seconds(3600);

/// The records of a conversation in line, those left out that the asker has.
#[derive(Default)]
struct Line<'a>(Vec<&'a [u8]>);

impl Market {
    /// The other side asks what we hold that it lacks.
    pub(super) fn take_recall(&self, now: Timestamp, bytes: &[u8]) -> Frame {
        let about = record_id(bytes);
        self.page(now, bytes)
            .unwrap_or_else(|why| Frame::Refused { about, why })
    }

    fn page(&self, now: Timestamp, bytes: &[u8]) -> Result<Frame, Refusal> {
        let (asked, id, _) = self.asked_by_party::<Recall>(now, bytes, |asked| asked.thread)?;
        // Whoever names a want and a key of their own is party of a conversation in which nothing was said.
        if !self.threads.all.contains_key(&id) && self.deal_of(id).is_none() && self.offers_between(id).is_empty() {
            return Err(Refusal::Unknown);
        }
        if self.turns_away(id) {
            return Err(Refusal::Busy { retry: TURNED_AWAY });
        }
        let line = self.line(id, &asked).0;
        let from = match asked.after {
            None => 0,
            // Behind one that is not in line there is nothing.
            Some(after) => {
                let at = line.iter().position(|record| record_id(record) == after);
                at.map_or(line.len(), |at| at + 1)
            }
        };
        let rest = &line[from..];
        let mut room = limits::RECALLED_BYTES;
        let fits = |record: &&&[u8]| {
            let size = record.len() + 3;
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        };
        let fitting = rest.iter().take(limits::RECALLED).take_while(fits).count();
        let records: Vec<RecordBytes> = rest[..fitting]
            .iter()
            .filter_map(|record| Bytes::new(*record).ok())
            .collect();
        Ok(Frame::Recalled {
            records: List::cut(records),
            more: fitting < rest.len(),
        })
    }

    fn line(&self, id: ThreadId, asked: &Recall) -> Line<'_> {
        let mut line = Line::default();
        for amendment in self.amendments_of(id.intent) {
            let newer = open::<Amendment>(amendment).is_ok_and(|it| it.sequence > asked.amended);
            line.0.extend(newer.then_some(amendment));
        }
        let deal = self.deal_of(id);
        let agreed = deal.map(|deal| OfferId::from(deal.settled.offer.id()));
        for (offer, bytes) in self.offers_between(id) {
            // Those that came in letters come in letters, and the one that was agreed comes with the yes to it.
            if agreed != Some(offer) && !self.is_revision(id, RecordId(offer.0)) {
                line.0.push(bytes);
            }
        }
        if let Some(deal) = deal.filter(|_| asked.receipts == 0) {
            let settled = &deal.settled;
            line.0.push(settled.offer.bytes());
            line.0.push(settled.acceptance.bytes());
            line.0.push(settled.confirmation.bytes());
        }
        let mut receipts = deal.map_or(&[][..], |deal| &deal.receipts);
        receipts = &receipts[receipts.len().min(asked.receipts as usize)..];
        let mut next_receipts = |upto: Option<RecordId>| {
            let count = match upto {
                Some(upto) => receipts
                    .iter()
                    .position(|receipt| receipt.id() == upto)
                    .map_or(0, |at| at + 1),
                None => receipts.len(),
            };
            let (next, rest) = receipts.split_at(count);
            receipts = rest;
            next.iter().map(|receipt| receipt.bytes())
        };
        // The first of them is what makes the deal.
        if let Some(deal) = deal.filter(|_| asked.receipts == 0) {
            line.0
                .extend(next_receipts(deal.receipts.first().map(|first| first.id())));
        }
        let conversation = self.threads.all.get(&id);
        let letters = conversation.map(|it| it.thread.view().in_line()).unwrap_or_default();
        for (role, entry) in letters {
            if let Matter::Acknowledged { receipt } = entry.matter() {
                line.0.extend(next_receipts(Some(*receipt)));
            }
            let has = match role {
                Role::Customer => asked.customer,
                Role::Seller => asked.seller,
            };
            line.0
                .extend((entry.letter.number >= has).then_some(entry.letter.bytes()));
        }
        line.0.extend(next_receipts(None));
        line.0.extend(self.withdrawal_of(id.intent));
        line
    }

    /// The want's amendments, as they were signed, in order.
    fn amendments_of(&self, intent: IntentId) -> Vec<&[u8]> {
        let own = self.own.get(&intent).map(|own| &own.amendments[..]);
        let heard = self.heard.get(&intent).map(|heard| heard.amendments());
        let all = own.or(heard).unwrap_or_default().iter();
        all.map(|amendment| amendment.bytes()).collect()
    }

    /// The number of the newest amendment that is here; 0 for none.
    pub(super) fn amended_to(&self, intent: IntentId, role: Role) -> u32 {
        let amendments = match role {
            Role::Customer => self.own.get(&intent).map(|own| &own.amendments[..]),
            Role::Seller => self.heard.get(&intent).map(|heard| heard.amendments()),
        };
        let newest = amendments.and_then(|all| all.last());
        newest.map_or(0, |amendment| amendment.sequence)
    }

    /// The want's withdrawal, as it was signed.
    pub(super) fn withdrawal_of(&self, intent: IntentId) -> Option<&[u8]> {
        let own = self.own.get(&intent).and_then(|own| own.withdrawal.as_ref());
        let heard = || self.heard.get(&intent).and_then(|heard| heard.withdrawn());
        own.or_else(heard).map(|withdrawal| withdrawal.bytes())
    }

    /// Offers of the seller that the customer holds, as they were signed.
    fn offers_between(&self, id: ThreadId) -> Vec<(OfferId, &[u8])> {
        match self.own.get(&id.intent) {
            Some(own) => {
                let of_seller = own.taken().filter(|(_, offer)| offer.header().author == id.seller);
                of_seller.map(|(_, offer)| (offer.id().into(), offer.bytes())).collect()
            }
            None => self.offers_brought(id.intent),
        }
    }
}
