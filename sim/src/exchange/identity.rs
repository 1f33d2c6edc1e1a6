//! A node's network key as libp2p writes it: for a meeting point whose id must be known before it runs.

use intentcast_protocol::keys::Key;
use sha2::{Digest, Sha256};

/// The file of the key that a seed gives, and the id by which others know its owner. A key that anyone can compute is
/// for simulated networks alone.
pub fn of_seed(seed: u64) -> (Vec<u8>, String) {
    let mut hash = Sha256::new();
    hash.update(b"intentcast-sim meeting point");
    hash.update(seed.to_le_bytes());
    let secret: [u8; 32] = hash.finalize().into();
    let public = Key::from_seed(&secret).public();
    let public = public.0.as_slice();
    // Protobuf: field 1, the key's type, 1 for ed25519; field 2, its bytes.
    let file = [&[8, 1, 18, 64], secret.as_slice(), public].concat();
    // A multihash of the identity function: the encoded public key itself, 36 bytes.
    let id = [&[0, 36, 8, 1, 18, 32], public].concat();
    (file, base58(&id))
}

/// Bitcoin's alphabet, which libp2p's ids are written in.
fn base58(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u8> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).map(|_| '1');
    let rest = digits
        .iter()
        .rev()
        .map(|digit| char::from(LETTERS[usize::from(*digit)]));
    zeros.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base58_is_that_of_the_published_examples() {
        // From the IETF draft on base58.
        assert_eq!(base58(b"Hello World!"), "2NEpo7TZRRrLZSi2U");
        assert_eq!(base58(&[0, 0, 0x28, 0x7f, 0xb4, 0xcd]), "11233QC4");
    }

    #[test]
    fn an_id_looks_like_those_of_ed25519_keys() {
        let (file, id) = of_seed(7);
        assert_eq!(file.len(), 68);
        assert!(id.starts_with("12D3KooW") && id.len() == 52, "{id}");
        assert_ne!(of_seed(8).1, id);
    }
}
