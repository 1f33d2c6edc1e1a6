//! What the targets share: going through all kinds of records, and taking input apart.

use intentcast_protocol::{
    codec::{decode, encode},
    deed::{Acceptance, Confirmation, Inquiry},
    document::Fetch,
    envelope::{Header, Kind, Record, Signed, kind_of, record_id},
    intent::{Amendment, Intent, Withdrawal},
    keys::Key,
    letter::Letter,
    offer::{Decline, Offer},
    rating::{Rating, Ticket},
    recall::Recall,
    receipt::Receipt,
    time::{Seconds, Timestamp},
};
use serde::{Serialize, de::DeserializeOwned};

/// When everything happens: the vectors' moment.
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// The seed of the customer's key in the vectors.
pub const CUSTOMER: [u8; 32] = [0x11; 32];
/// The seed of the seller's key in the vectors.
pub const SELLER: [u8; 32] = [0x22; 32];

/// Opens `bytes` as an envelope of each kind; what opens must be exactly these bytes, and of the kind they say.
pub fn open_as_any(bytes: &[u8]) {
    fn try_as<T: Record>(bytes: &[u8]) {
        let Ok(signed) = Signed::<T>::parse(bytes) else { return };
        assert_eq!(kind_of(bytes), Some(T::KIND));
        assert_eq!(signed.id(), record_id(bytes));
        let _ = signed.timely(NOW);
        if let Some(claim) = signed.claim() {
            same_in_words(&claim);
        }
        if let Ok(record) = signed.verify() {
            assert_eq!(record.bytes(), bytes);
            assert_eq!(
                decode::<T>(&encode(record.body())).map(|body| encode(&body)),
                Ok(encode(record.body()))
            );
        }
    }
    try_as::<Intent>(bytes);
    try_as::<Amendment>(bytes);
    try_as::<Withdrawal>(bytes);
    try_as::<Offer>(bytes);
    try_as::<Decline>(bytes);
    try_as::<Acceptance>(bytes);
    try_as::<Confirmation>(bytes);
    try_as::<Receipt>(bytes);
    try_as::<Letter>(bytes);
    try_as::<Ticket>(bytes);
    try_as::<Rating>(bytes);
    try_as::<Inquiry>(bytes);
    try_as::<Fetch>(bytes);
    try_as::<Recall>(bytes);
}

/// Reads `bytes` as a body of this kind, behind no signature: what decodes has one spelling, passes its own check
/// without a panic, can be signed when it passes, and opens again as the same.
pub fn read_body(kind: Kind, bytes: &[u8]) {
    fn body<T: Record>(bytes: &[u8]) {
        let Ok(body) = decode::<T>(bytes) else { return };
        assert_eq!(encode(&body), bytes);
        same_in_words(&body);
        let expires = NOW.plus(Seconds(T::LIFE.0.min(86_400)));
        let key = Key::from_seed(&CUSTOMER);
        let header = Header {
            kind: T::KIND,
            author: key.public(),
            created: NOW,
            expires,
        };
        // A stamp is work; one body in so many is enough to see that signing holds too.
        let sound = body.check(&header).is_ok() && bytes.len() <= T::MAX_BODY;
        if sound && (T::STAMP_BITS == 0 || bytes.len() % 16 == 0) {
            let record = intentcast_protocol::envelope::sign(&key, NOW, expires, body).expect("it was checked");
            assert!(intentcast_protocol::envelope::open::<T>(record.bytes()).is_ok());
        }
    }
    match kind {
        Kind::Intent => body::<Intent>(bytes),
        Kind::Amendment => body::<Amendment>(bytes),
        Kind::Withdrawal => body::<Withdrawal>(bytes),
        Kind::Offer => body::<Offer>(bytes),
        Kind::Decline => body::<Decline>(bytes),
        Kind::Acceptance => body::<Acceptance>(bytes),
        Kind::Confirmation => body::<Confirmation>(bytes),
        Kind::Receipt => body::<Receipt>(bytes),
        Kind::Inquiry => body::<Inquiry>(bytes),
        Kind::Fetch => body::<Fetch>(bytes),
        Kind::Recall => body::<Recall>(bytes),
        Kind::Letter => body::<Letter>(bytes),
        Kind::Ticket => body::<Ticket>(bytes),
        Kind::Rating => body::<Rating>(bytes),
    }
}

/// What is shown to people and programs reads back as the same bytes.
pub fn same_in_words<T: Serialize + DeserializeOwned>(value: &T) {
    let words = serde_json::to_string(value).expect("all our types have a readable form");
    let back: T = serde_json::from_str(&words).unwrap_or_else(|error| panic!("{error}: {words}"));
    assert_eq!(encode(&back), encode(value), "{words}");
}

/// Input in pieces: a number, a length of two bytes, and as many bytes as are there.
pub struct Pieces<'a>(pub &'a [u8]);

impl<'a> Iterator for Pieces<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[number, low, high], rest) = self.0.split_first_chunk()?;
        let (piece, rest) = rest.split_at(usize::from(u16::from_le_bytes([low, high])).min(rest.len()));
        self.0 = rest;
        Some((number, piece))
    }
}

/// One piece, as [`Pieces`] reads it.
pub fn piece(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("pieces are short").to_le_bytes();
    [&[number][..], &length, bytes].concat()
}
