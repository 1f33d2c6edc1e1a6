#![no_main]
//! Frames, and the records inside them.

use intentcast_fuzz::{open_as_any, same_in_words};
use intentcast_protocol::{frame::Frame, limits};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(frame) = Frame::decode(bytes) else { return };
    assert_eq!(frame.encode(), bytes);
    same_in_words(&frame);
    match &frame {
        Frame::Offer(record)
        | Frame::Acceptance(record)
        | Frame::Decline(record)
        | Frame::Receipt(record)
        | Frame::Withdrawal(record)
        | Frame::Letter(record)
        | Frame::Compare(record)
        | Frame::Fetch(record)
        | Frame::Recall(record) => open_as_any(record),
        Frame::Confirmed { confirmation, receipt } => {
            open_as_any(confirmation);
            open_as_any(receipt);
        }
        Frame::Open { records, .. } | Frame::Tell { records, .. } => {
            assert!(records.len() <= limits::PULL);
            records.iter().for_each(|record| open_as_any(record));
        }
        Frame::Recalled { records, .. } => {
            assert!(records.len() <= limits::RECALLED);
            records.iter().for_each(|record| open_as_any(record));
        }
        Frame::Pull { topic, .. } => assert_eq!(topic.to_string().parse(), Ok(*topic)),
        Frame::Stored(_) | Frame::Refused { .. } | Frame::Held { .. } | Frame::Piece { .. } => {}
    }
});
