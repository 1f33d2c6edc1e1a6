#![no_main]
//! Agreements: four or five envelopes that must fit each other.

use intentcast_fuzz::{open_as_any, same_in_words};
use intentcast_protocol::{codec::decode, deed::Agreement};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(settled) = Agreement::read(bytes) {
        assert_eq!(settled.bytes(), bytes);
        assert_eq!(settled.id, settled.acceptance.agreement);
        assert_eq!(settled.id, settled.confirmation.agreement);
        let _ = settled.wanted();
    }
    if let Ok(agreement) = decode::<Agreement>(bytes) {
        same_in_words(&agreement);
        open_as_any(&agreement.offer);
    }
});
