//! Keys and signatures: Ed25519, verified strictly.
//!
//! Plain Ed25519 verification takes forged signatures for keys of small order; only `verify_strict` is used here.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::disclosure::Salt;
use crate::id::{deserialize_fixed, digest, id, serialize_fixed};
use std::str::FromStr;

use crate::id::{NotAnId, hex, unhex};

id! {
    /// Who signed: an Ed25519 public key, 32 bytes.
    PublicKey
}

/// An Ed25519 signature, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", hex(&self.0[..4]))
    }
}

impl Serialize for Signature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_fixed(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_fixed(deserializer).map(Self)
    }
}

/// The signature is not this key's over these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

impl PublicKey {
    /// Checks that this key signed `message`.
    ///
    /// # Errors
    /// [`BadSignature`] for a wrong signature, a key that is no point or of small order.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0))
            .map_err(|_| BadSignature)
    }
}

/// A signing key; wiped from memory when dropped, never shown.
#[derive(Clone)]
pub struct Key(SigningKey);

impl Key {
    /// The key of a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Who it signs as.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Its signature over `message`.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.public().short())
    }
}

// The wiping of keys hangs on a feature of the library: without it this no longer compiles.
const _: fn(SigningKey) = |key| {
    fn is_wiped(_: impl ZeroizeOnDrop) {}
    is_wiped(key);
};

/// What a node's keys grow from; it never signs, nothing that travels shows it, and it is wiped from memory when
/// dropped.
#[derive(Clone)]
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// A seed of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key under which this node sells: the same for its whole life, so that a name can gather trust.
    pub fn seller_key(&self) -> Key {
        self.key("intentcast/1/key/seller", &[])
    }

    /// The key of one intent. `nonce` is fresh entropy, kept in the ledger; without the seed it tells nothing.
    pub fn intent_key(&self, nonce: &[u8; 16]) -> Key {
        self.key("intentcast/1/key/intent", nonce)
    }

    /// The key that rates what was bought under one agreement, tied to nothing else.
    pub fn rating_key(&self, agreement: &[u8; 32]) -> Key {
        self.key("intentcast/1/key/rating", agreement)
    }

    /// The salt of one field that an intent withholds in its version of this number. Whoever sees one, or many, can work
    /// out no other.
    pub fn salt(&self, nonce: &[u8; 16], version: u32, field: &str) -> Salt {
        let of = digest(
            "intentcast/1/salt/of",
            &[nonce, &version.to_be_bytes(), field.as_bytes()],
        );
        Salt(digest("intentcast/1/salt", &[&*self.0, &of]))
    }

    fn key(&self, tag: &str, nonce: &[u8]) -> Key {
        Key::from_seed(&Zeroizing::new(digest(tag, &[&*self.0, nonce])))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_order_key_signs_nothing() {
        // The identity point: under plain verification the all-zero scalar with R = identity passes for any message.
        let mut key = [0; 32];
        key[0] = 1;
        let mut forged = [0; 64];
        forged[0] = 1;
        assert_eq!(
            PublicKey(key).verify(b"anything", &Signature(forged)),
            Err(BadSignature)
        );
    }

    #[test]
    fn each_intent_has_a_key_of_its_own() {
        let seed = Seed::new([7; 32]);
        let keys = [
            seed.intent_key(&[1; 16]).public(),
            seed.intent_key(&[2; 16]).public(),
            seed.seller_key().public(),
        ];
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
    }
}
