//! Offer flood: a seller answers a want with more offers than a customer takes, each under another key.
//!
//! The customer's places for offers are full before honest sellers have answered, and what fills them is cheap and is
//! not honoured: the key that signed it is nobody's.

use std::collections::BTreeSet;

use intentcast_protocol::{
    deed::Confirmation,
    envelope::{open, sign},
    frame::{Frame, Refusal},
    id::{IntentId, digest},
    keys::Key,
    limits,
    list::Bytes,
    offer::Offer,
};

use crate::engine::Aim;
use crate::market::modelled::ploy::{Hand, Ploy};
use crate::scenario::seconds;

/// Offers a second, where the scenario does not say.
const RATE: f64 = 50.0;

/// One of them.
#[derive(Debug)]
pub(crate) struct OfferFlood {
    node: u32,
    interval: u64,
    answered: BTreeSet<IntentId>,
}

impl OfferFlood {
    /// The attacker of this number.
    pub fn new(aim: &Aim, node: u32) -> Self {
        Self {
            node,
            interval: seconds(1.0 / aim.attack.rate_per_s.unwrap_or(RATE).max(1e-6)).max(1),
            answered: BTreeSet::new(),
        }
    }
}

impl Ploy for OfferFlood {
    fn sends(&mut self, _hand: &Hand<'_>, frame: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
        let honest = match Frame::decode(&frame) {
            Ok(Frame::Offer(record)) => open::<Offer>(&record).ok(),
            // Not even its own offer is honoured.
            Ok(Frame::Confirmed { confirmation, .. }) => {
                let about = open::<Confirmation>(&confirmation).map(|yes| yes.acceptance);
                let about = about.unwrap_or_default();
                let why = Refusal::Unknown;
                return vec![(0, Frame::Refused { about, why }.encode())];
            }
            _ => None,
        };
        let mut all = vec![(0, frame)];
        let Some(honest) = honest.filter(|offer| self.answered.insert(offer.intent)) else {
            return all;
        };
        let header = honest.header();
        for number in 1..u64::from(limits::OFFERS_PER_INTENT) {
            let name = [&honest.intent.0[..], &self.node.to_be_bytes(), &number.to_be_bytes()];
            let key = Key::from_seed(&digest("intentcast-sim/offer-flood", &name));
            let offer = sign(&key, header.created, header.expires, honest.body().clone());
            let record = offer.ok().and_then(|offer| Bytes::new(offer.bytes()).ok());
            all.extend(record.map(|record| (number * self.interval, Frame::Offer(record).encode())));
        }
        all
    }
}
