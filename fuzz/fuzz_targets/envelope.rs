#![no_main]
//! Whole envelopes, of every kind.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| intentcast_fuzz::open_as_any(bytes));
