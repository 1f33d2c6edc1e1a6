//! Evidence as a file: written in one spelling, and read so that a change of any byte is found and placed.

use std::{fs, io::Read, path::Path};

use anyhow::{Context as _, Result};
use intentcast_protocol::evidence::{Evidence, FILE_BYTES, Flaw, Report};

/// The file's bytes.
pub fn encode(evidence: &Evidence) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(evidence).expect("evidence is plain fields, which JSON always takes");
    bytes.push(b'\n');
    bytes
}

/// Checks everything in a file's bytes.
///
/// # Errors
/// The first [`Flaw`], placed by field where the JSON could be read, and by line and column where it could not.
pub fn verify(bytes: &[u8]) -> Result<Report, Flaw> {
    if bytes.len() > FILE_BYTES {
        return Err(Flaw {
            place: "file".into(),
            why: format!("longer than {FILE_BYTES} bytes"),
        });
    }
    let evidence: Evidence = serde_json::from_slice(bytes).map_err(|error| Flaw {
        place: format!("line {}, column {}", error.line(), error.column()),
        why: error.to_string(),
    })?;
    let report = evidence.verify()?;
    // Everything that is said holds. What is left is how it is spelled: spaces, capitals, escapes.
    let written = encode(&evidence);
    match written.iter().zip(bytes).position(|(written, found)| written != found) {
        Some(at) => Err(Flaw {
            place: place_of(bytes, at),
            why: "not as the exporter writes it".into(),
        }),
        None if written.len() != bytes.len() => {
            let at = written.len().min(bytes.len());
            Err(Flaw {
                place: place_of(bytes, at),
                why: "bytes missing or too many at the end".into(),
            })
        }
        None => Ok(report),
    }
}

fn place_of(bytes: &[u8], at: usize) -> String {
    let before = &bytes[..at];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
    format!("line {line}, column {column}")
}

/// Reads a file no longer than evidence can be.
///
/// # Errors
/// Where it cannot be read.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    let told = || format!("cannot read {}", file.display());
    let mut bytes = Vec::new();
    let open = fs::File::open(file).with_context(told)?;
    // One more than fits, so that too long is seen as such.
    open.take(FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(told)?;
    Ok(bytes)
}

#[cfg(test)]
pub(crate) use tests::{deal_with, later};

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use intentcast_protocol::{
        contact::ReplyPath,
        deed::{Acceptance, Agreement, Confirmation, Settled, agreement_id},
        envelope::{Verified, sign},
        intent::{Condition, Conditions},
        keys::Seed,
        list::{Bytes, List},
        money::Money,
        offer::{Fit, Line, Offer, Seller, Totals},
        order::counted_from,
        place::{Fulfilment, Region, Serves},
        receipt::{OrderEvent, Receipt},
        text::{Name, Phrase, Title, Word},
        time::{Seconds, Timestamp},
    };

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    pub(crate) fn later(days: u32) -> Timestamp {
        NOW.plus(Seconds(days * 86_400))
    }

    fn path() -> ReplyPath {
        ReplyPath {
            peer: Bytes::new(*b"peer").unwrap(),
            addrs: List::default(),
        }
    }

    /// A bike that was bought, confirmed and delivered.
    fn deal() -> (Settled, Vec<Verified<Receipt>>) {
        let confirmed = (OrderEvent::Confirmed, later(1));
        deal_with([confirmed, (OrderEvent::Delivered, later(4))])
    }

    /// The same, with these receipts: of the customer with the seed of ones, the nonce of twos, and the seller with that of
    /// threes.
    pub(crate) fn deal_with(
        events: impl IntoIterator<Item = (OrderEvent, Timestamp)>,
    ) -> (Settled, Vec<Verified<Receipt>>) {
        let (customer, seller) = (Seed::new([1; 32]).intent_key(&[2; 16]), Seed::new([3; 32]).seller_key());
        let want = crate::want::Want {
            want: "a mountain bike".into(),
            region: "GB-KHL".into(),
            budget: "500GBP".into(),
            ..Default::default()
        };
        let draft = want.draft(NOW).unwrap().0;
        let (intent, _) = draft.addressed(path(), |_, _| Default::default()).unwrap();
        let (terms, category, budget) = (intent.terms.hash(), intent.category, intent.budget);
        let intent = sign(&customer, NOW, later(7), intent).unwrap();
        let line = Line {
            item: Word::new("b1").unwrap(),
            gtin: None,
            title: Title::new("Trail \"29\" bike").unwrap(),
            brand: Name::default(),
            category,
            quantity: 1,
            unit_minor: 40_000,
            condition: Condition::New,
            fit: Fit::Exact,
            attributes: List::default(),
        };
        let offer = Offer {
            intent: intent.id().into(),
            revision: intent.id(),
            seller: Seller {
                name: Name::new("Wheels of Hull").unwrap(),
                reply: path(),
            },
            lines: List::cut([line]),
            totals: Totals {
                currency: budget.currency(),
                goods: 40_000,
                delivery: 499,
                tax: 6_749,
                total: 40_499,
            },
            serves: Serves {
                region: "GB".parse::<Region>().unwrap(),
                cell: None,
                mode: Fulfilment::Delivery,
            },
            deliver_by: later(5),
            valid_until: later(2),
            held_until: None,
            returns_days: 14,
            warranty_months: 24,
            terms,
            needs: List::default(),
        };
        let offer = sign(&seller, NOW, later(3), offer).unwrap();
        let agreement = agreement_id(intent.id().into(), intent.id(), offer.id().into(), terms);
        let total = offer.totals.landed();
        let acceptance = Acceptance {
            agreement,
            intent: intent.id().into(),
            offer: offer.id().into(),
            lines: List::cut([0]),
            total,
            terms,
        };
        let acceptance = sign(&customer, later(1), later(300), acceptance).unwrap();
        let confirmation = Confirmation {
            agreement,
            acceptance: acceptance.id(),
            total,
            terms,
        };
        let confirmation = sign(&seller, later(1), later(300), confirmation).unwrap();
        let settled = Agreement::of(&intent, None, &offer, &acceptance, &confirmation).unwrap();
        let mut receipts: Vec<Verified<Receipt>> = Vec::new();
        let mut dates = (None, None);
        for (sequence, (event, at)) in (0..).zip(events) {
            if matches!(event, OrderEvent::Confirmed | OrderEvent::Delivered) {
                dates = counted_from(at, &offer);
            }
            let (returns_until, warranty_until) = dates;
            let body = Receipt {
                agreement,
                sequence,
                previous: receipts.last().map(Verified::id),
                event,
                total,
                returns_until,
                warranty_until,
            };
            receipts.push(sign(&seller, at, later(300), body).unwrap());
        }
        assert_eq!(intent.conditions, Conditions::NEW);
        (settled, receipts)
    }

    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let (settled, receipts) = deal();
        encode(&Evidence::of(&settled, &receipts).unwrap())
    });

    fn changed(from: &str, to: &str) -> Flaw {
        let text = String::from_utf8(FILE.clone()).unwrap();
        assert!(text.contains(from), "{from}");
        verify(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    }

    #[test]
    fn a_whole_file_proves_the_deal() {
        let report = verify(&FILE).unwrap();
        assert_eq!((report.signatures, report.terms, report.until), (6, 2, later(4)));
        assert_eq!(report.summary.total, "404.99 GBP");
        assert_eq!(report.summary.seller_name, "Wheels of Hull");
    }

    #[test]
    fn a_change_is_placed_where_it_was_made() {
        assert_eq!(
            changed("\"total\": \"404.99 GBP\"", "\"total\": \"304.99 GBP\"").place,
            "summary.total"
        );
        assert_eq!(changed("Wheels of Hull", "Wheels of Hell").place, "summary.seller_name");
        assert_eq!(
            changed("intentcast-evidence/1", "intentcast-evidence/2").place,
            "format"
        );
        assert!(changed("must not sell it", "may sell it").place.starts_with("terms["));
        assert!(
            changed("\"kind\": \"must-not\"", "\"kind\": \"may\"")
                .place
                .starts_with("terms[")
        );
        assert_eq!(
            changed("\"kind\": \"acceptance\"", "\"kind\": \"confirmation\"").place,
            "acceptance"
        );
        assert!(changed("  \"format\"", "\t\"format\"").place.starts_with("line 2"));
        assert!(changed("\"format\":", "\"format\" :").place.starts_with("line 2"));
        assert!(changed("{\n", "{\n \"more\": 1,").place.starts_with("line 2"));
    }

    #[test]
    fn no_byte_can_change_unseen() {
        // Every byte of the file once, each turned into its neighbour, into another of its kind, or dropped.
        let original = &*FILE;
        for at in 0..original.len() {
            let mut bytes = original.clone();
            match at % 3 {
                0 => bytes[at] ^= 1,
                1 => bytes[at] ^= 0x20,
                _ => drop(bytes.remove(at)),
            }
            if bytes != *original {
                assert!(verify(&bytes).is_err(), "byte {at} of {}", original.len());
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_added_is_seen() {
        assert!(verify(&FILE[..FILE.len() - 1]).is_err());
        assert!(verify(&[FILE.as_slice(), b"\n"].concat()).is_err());
        assert!(verify(b"").is_err());
        assert!(verify(&vec![b' '; FILE_BYTES + 1]).unwrap_err().why.contains("longer"));
    }

    /// Out, there, back and paid back.
    fn whole_story() -> (Settled, Vec<Verified<Receipt>>) {
        let paid = OrderEvent::Paid {
            reference: Phrase::new("RF18 5390").unwrap(),
        };
        let shipped = OrderEvent::Shipped {
            carrier: Name::new("Yellow Van").unwrap(),
            tracking: Phrase::new("YV-17").unwrap(),
        };
        let refunded = OrderEvent::Refunded {
            amount: "404.99 GBP".parse().unwrap(),
        };
        let events = [
            OrderEvent::Confirmed,
            paid,
            shipped,
            OrderEvent::Delivered,
            OrderEvent::Returned,
            refunded,
        ];
        deal_with(events.into_iter().zip([1, 1, 2, 4, 9, 12].map(later)))
    }

    #[test]
    fn tampering_is_placed_at_the_record_that_was_changed() {
        let (settled, receipts) = whole_story();
        let honest = Evidence::of(&settled, &receipts).unwrap();
        let report = honest.verify().unwrap();
        assert_eq!((report.signatures, report.until), (10, later(12)));
        assert_eq!(report.order.state.word(), "closed");
        assert_eq!(report.order.returns_until, Some(later(18)), "14 days from the delivery");
        let text = String::from_utf8(encode(&honest)).unwrap();
        // One letter within the signed bytes of each receipt, and of each other record.
        let spoiled = |hex: &str| {
            let at = text.find(hex).unwrap() + hex.len() / 2;
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            verify(&bytes).unwrap_err()
        };
        for (at, receipt) in receipts.iter().enumerate() {
            let flaw = spoiled(&intentcast_protocol::id::hex(receipt.bytes()));
            assert!(flaw.place.starts_with(&format!("receipt {}", at + 1)), "{flaw}");
        }
        // The middle of the offer, the acceptance and the confirmation is within what was signed.
        for (what, bytes) in [
            ("intent", settled.intent.bytes()),
            ("offer", settled.offer.bytes()),
            ("acceptance", settled.acceptance.bytes()),
            ("confirmation", settled.confirmation.bytes()),
        ] {
            assert_eq!(spoiled(&intentcast_protocol::id::hex(bytes)).place, what);
        }
        let tracking = intentcast_protocol::id::hex(b"YV-17");
        let forged = text.replace(&tracking, &intentcast_protocol::id::hex(b"YV-71"));
        let flaw = verify(forged.as_bytes()).unwrap_err();
        assert_eq!(flaw.place, "receipt 3 (shipped)");
        assert!(flaw.why.starts_with("signature"), "{flaw}");
    }

    #[test]
    fn a_chain_that_breaks_the_order_or_a_promise_proves_nothing() {
        let refund = |amount: &str| OrderEvent::Refunded {
            amount: amount.parse::<Money>().unwrap(),
        };
        let chain = |events: Vec<(OrderEvent, Timestamp)>| {
            let confirmed = (OrderEvent::Confirmed, later(1));
            let (settled, receipts) = deal_with([confirmed].into_iter().chain(events));
            Evidence::of(&settled, &receipts)
                .unwrap()
                .verify()
                .unwrap_err()
                .to_string()
        };
        assert!(
            chain(vec![(OrderEvent::Returned, later(2))]).starts_with("receipt 2 (returned): order differs"),
            "it was never sent"
        );
        assert_eq!(
            chain(vec![(refund("400 GBP"), later(2)), (refund("5 GBP"), later(3))]),
            "receipt 3 (refunded): refund differs: agreed 4.99 GBP at most, named 5.00 GBP"
        );
        // A delivery is dated back, and its returns with it.
        let dated_back = chain(vec![(OrderEvent::Delivered, NOW)]);
        assert!(
            dated_back.starts_with("receipt 2 (delivered): receipt's time differs"),
            "{dated_back}"
        );
    }

    #[test]
    fn what_is_no_letter_is_said_to_be_none() {
        let (settled, receipts) = deal();
        let mut evidence = Evidence::of(&settled, &receipts).unwrap();
        evidence.letters = List::cut([Bytes::new(*b"a letter").unwrap()]);
        assert_eq!(evidence.verify().unwrap_err().place, "letter 0");
    }

    #[test]
    fn receipts_out_of_order_or_of_another_deal_are_no_chain() {
        let (settled, receipts) = deal();
        let swapped = Evidence::of(&settled, &[receipts[1].clone(), receipts[0].clone()]).unwrap();
        let flaw = swapped.verify().unwrap_err();
        assert_eq!(flaw.place, "receipt 1 (delivered)");
        assert!(flaw.why.starts_with("receipt's number differs"), "{flaw}");
        assert_eq!(
            Evidence::of(&settled, &[]).unwrap().verify().unwrap_err().place,
            "receipts"
        );
    }
}
