//! A seller, or a customer, that cheats: its node is honest, and what leaves it has been changed and signed anew.

use intentcast_protocol::{
    deed::{Acceptance, Confirmation},
    envelope::{Record, open, sign},
    frame::Frame,
    id::{IntentId, OfferId, RecordId},
    keys::{Key, PublicKey},
    letter::{Deletion, Letter, Matter},
    list::Bytes,
    offer::Offer,
    terms::TermsSet,
    time::Timestamp,
};

use crate::market::dice::Dice;

/// The frame as the cheat sends it; now and then as it was.
pub(crate) fn cheat(dice: &mut Dice, keys: &[Key], bytes: Vec<u8>) -> Vec<u8> {
    if dice.chance(400) {
        return bytes;
    }
    match Frame::decode(&bytes) {
        Ok(Frame::Offer(record)) => {
            let changed = match dice.below(5) {
                0 => spoiled(&record),
                1 => anew::<Offer>(keys, &record, |offer| {
                    offer.totals.delivery += 10_000;
                    offer.totals.total += 10_000;
                }),
                2 => anew::<Offer>(keys, &record, |offer| {
                    offer.terms = TermsSet::of(&["PDC-AI"]).map(|terms| terms.hash()).unwrap_or_default();
                }),
                3 => anew::<Offer>(keys, &record, |offer| offer.intent = IntentId([7; 32])),
                _ => anew::<Offer>(keys, &record, |offer| offer.lines = Default::default()),
            };
            Frame::Offer(Bytes::new(changed).unwrap_or_default()).encode()
        }
        Ok(Frame::Confirmed { confirmation, receipt }) => {
            let changed = anew::<Confirmation>(keys, &confirmation, |it| it.total.minor += 1);
            let confirmation = Bytes::new(changed).unwrap_or_default();
            Frame::Confirmed { confirmation, receipt }.encode()
        }
        Ok(Frame::Acceptance(record)) => {
            let changed = match dice.below(3) {
                0 => spoiled(&record),
                1 => anew::<Acceptance>(keys, &record, |it| it.total.minor -= 1),
                _ => anew::<Acceptance>(keys, &record, |it| it.offer = OfferId([9; 32])),
            };
            Frame::Acceptance(Bytes::new(changed).unwrap_or_default()).encode()
        }
        Ok(Frame::Letter(record)) => {
            let changed = anew::<Letter>(keys, &record, |letter| forge(dice, letter));
            Frame::Letter(Bytes::new(changed).unwrap_or_default()).encode()
        }
        _ => bytes,
    }
}

/// What no honest machine would have written in this place.
fn forge(dice: &mut Dice, letter: &mut Letter) {
    let nothing = RecordId([9; 32]);
    match dice.below(10) {
        0 => {
            letter.number += 7;
            letter.before = Some(nothing);
        }
        1 => {
            letter.number = letter.number.max(1);
            letter.before = Some(nothing);
        }
        2 => letter.after = Some(nothing),
        3 => letter.thread.seller = PublicKey([5; 32]),
        4 => letter.matter = Matter::Acknowledged { receipt: nothing },
        5 => {
            let (proposal, yes) = (nothing, true);
            letter.matter = Matter::Verdict { proposal, yes };
        }
        6 => {
            letter.matter = Matter::Revoked {
                grant: nothing,
                delete: true,
                answer_by: Timestamp(u64::MAX),
            };
        }
        7 => {
            letter.matter = Matter::Deleted(Deletion {
                grant: nothing,
                at: Timestamp(0),
                kept: Default::default(),
                told: Default::default(),
            });
        }
        8 => {
            letter.matter = Matter::Revised {
                offer: OfferId([9; 32]),
                counter: None,
                round: 200,
                with: Default::default(),
            };
        }
        _ => letter.matter = Matter::Seen { letter: nothing },
    }
}

fn spoiled(record: &[u8]) -> Vec<u8> {
    let mut bytes = record.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes
}

/// The record with a change, signed anew where it can be; spoiled where nobody's node would sign it.
fn anew<T: Record>(keys: &[Key], record: &[u8], change: impl FnOnce(&mut T)) -> Vec<u8> {
    let Ok(honest) = open::<T>(record) else {
        return spoiled(record);
    };
    let mut body = honest.body().clone();
    change(&mut body);
    let header = honest.header();
    let Some(key) = keys.iter().find(|key| key.public() == header.author) else {
        return spoiled(record);
    };
    match sign(key, header.created, header.expires, body) {
        Ok(signed) => signed.bytes().to_vec(),
        Err(_) => spoiled(record),
    }
}
