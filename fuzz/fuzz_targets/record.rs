#![no_main]
//! Bodies of every kind, the kind's number first: what lies behind a signature, which no fuzzer finds.

use intentcast_protocol::envelope::Kind;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some((kind, body)) = bytes.split_first()
        && let Some(kind) = Kind::from_number(*kind)
    {
        intentcast_fuzz::read_body(kind, body);
    }
});
