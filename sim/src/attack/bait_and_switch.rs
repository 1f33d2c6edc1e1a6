//! Bait and switch: a seller offers low, and confirms for more.
//!
//! Its yes names another total than was agreed. The customer's node refuses it, files the difference and takes the next
//! offer: what is lost is time.

use intentcast_protocol::{
    deed::Confirmation,
    envelope::{open, sign},
    frame::Frame,
    list::Bytes,
};

use crate::market::modelled::ploy::{Hand, Ploy};

/// One of them.
#[derive(Debug)]
pub(crate) struct BaitAndSwitch;

impl BaitAndSwitch {
    /// The yes, for three tenths more.
    fn switched(hand: &Hand<'_>, confirmation: &[u8]) -> Option<Bytes<1024>> {
        let honest = open::<Confirmation>(confirmation).ok()?;
        let mut body = honest.body().clone();
        body.total.minor += (body.total.minor * 3 / 10).max(1);
        let header = honest.header();
        let signed = sign(hand.key, header.created, header.expires, body).ok()?;
        Bytes::new(signed.bytes()).ok()
    }
}

impl Ploy for BaitAndSwitch {
    fn sends(&mut self, hand: &Hand<'_>, frame: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
        let switched = match Frame::decode(&frame) {
            Ok(Frame::Confirmed { confirmation, receipt }) => Self::switched(hand, &confirmation)
                .map(|confirmation| Frame::Confirmed { confirmation, receipt }.encode()),
            _ => None,
        };
        vec![(0, switched.unwrap_or(frame))]
    }
}
