#![no_main]
//! Ledger entries, one alone and several in a chain, as a damaged disk may hold them.

use intentcast_fuzz::{Pieces, same_in_words};
use intentcast_protocol::{
    codec::{decode, encode},
    ledger::{Chain, Entry, audit},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(entry) = decode::<Entry>(bytes) {
        assert_eq!(encode(&entry), bytes);
        same_in_words(&entry);
    }
    let mut chain = Chain::default();
    let mut taken = 0;
    for (_, piece) in Pieces(bytes) {
        let before = chain;
        match chain.follow(piece) {
            Ok(entry) => {
                assert_eq!(entry.number, taken);
                taken += 1;
            }
            Err(_) => assert_eq!(chain, before),
        }
    }
    assert_eq!(chain.len(), taken);
    let _ = audit(Pieces(bytes).map(|(_, piece)| piece));
});
