#![no_main]
//! Where replies go: the one place where a stranger names addresses.

use intentcast_fuzz::same_in_words;
use intentcast_protocol::{
    codec::{decode, encode},
    contact::ReplyPath,
    limits,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(path) = decode::<ReplyPath>(bytes) else { return };
    assert_eq!(encode(&path), bytes);
    assert!(path.peer.len() <= limits::PEER_ID_BYTES && path.addrs.len() <= limits::ADDRS);
    assert!(path.addrs.iter().all(|addr| addr.len() <= limits::ADDR_BYTES));
    assert_eq!(path.check().is_ok(), !path.peer.is_empty());
    same_in_words(&path);
});
