//! Bytes to values and back, by one encoding that admits one spelling of each value.
//!
//! bincode is named here alone, so that a successor is one file and one version byte. It takes trailing bytes and
//! over-long integers in its stride; this module refuses both, since ids are hashes of bytes.

use serde::{Serialize, de::DeserializeOwned};

use crate::limits::FRAME_BYTES;

/// Ledger entries hold a frame and a little of our own around it.
const LIMIT: usize = 4 * FRAME_BYTES;

/// Why bytes are not a value of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// More bytes than any value of ours has.
    #[error("{0} bytes, over the limit of {LIMIT}")]
    TooLong(usize),
    /// The decoder refused them: cut short, an unknown variant, a bound or a rule of a field broken.
    #[error("{0}")]
    Undecodable(String),
    /// A value, and then something else.
    #[error("{0} bytes after the end")]
    Trailing(usize),
    /// A second spelling of a value that has a shorter one.
    #[error("not the canonical encoding")]
    NotCanonical,
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// The one encoding of `value`.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .expect("our types are plain trees of integers, bytes and text, which bincode always encodes")
}

/// The value that `bytes`, all of them, are the one encoding of.
///
/// # Errors
/// [`Malformed`], and never a panic, whatever the bytes.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    if bytes.len() > LIMIT {
        return Err(Malformed::TooLong(bytes.len()));
    }
    let (value, used) = bincode::serde::decode_from_slice::<T, _>(bytes, config()).map_err(|error| {
        let mut text = error.to_string();
        text.truncate(text.floor_char_boundary(200));
        Malformed::Undecodable(text)
    })?;
    if used != bytes.len() {
        return Err(Malformed::Trailing(bytes.len() - used));
    }
    if encode(&value) != bytes {
        return Err(Malformed::NotCanonical);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_value_is_refused() {
        let mut bytes = encode(&7u64);
        bytes.push(0);
        assert_eq!(decode::<u64>(&bytes), Err(Malformed::Trailing(1)));
    }

    #[test]
    fn an_over_long_integer_is_refused() {
        // 251 announces a u16; 7 fits one byte.
        assert_eq!(decode::<u64>(&[251, 7, 0]), Err(Malformed::NotCanonical));
    }

    #[test]
    fn a_length_that_lies_allocates_nothing() {
        let mut bytes = vec![253];
        bytes.extend(u64::MAX.to_le_bytes());
        assert!(matches!(decode::<Vec<u8>>(&bytes), Err(Malformed::Undecodable(_))));
    }
}
