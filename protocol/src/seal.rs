//! Sealing: one value to one public key, so that whoever carries it, keeps it or audits it learns nothing from it.
//!
//! The key is made for one request and its secret half destroyed when the value must be forgotten: the sealed bytes
//! that stay in two ledgers then say nothing to anybody. This module draws no random number; entropy is an argument.
//!
//! X25519 between a sender's one-time key and the receiver's, HKDF-SHA256 over the shared secret with both public keys,
//! XChaCha20-Poly1305 with the caller's context as associated data: a value that is moved to another grant does not
//! open there. [`lock`] is the same cipher under a key that one side has for itself.

use std::{fmt, str::FromStr};

use chacha20poly1305::{AeadInPlace, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    id::{NotAnId, digest, hex, id, unhex},
    limits::{SEALED_BLOCK_BYTES, SEALED_BYTES, SEALED_VALUE_BYTES},
};

/// Bytes of the cipher's tag.
const TAG: usize = 16;
/// Bytes of the value's length, which is sealed before it.
const LENGTH: usize = 2;
/// Bytes of a nonce for [`lock`].
pub const NONCE: usize = 24;

id! {
    /// Whom a value is sealed to: an X25519 public key, 32 bytes, whose secret half is a [`OneTime`].
    SealKey
}

impl SealKey {
    /// Whether something can be sealed to this key: not to a point of low order, with which anybody has the same
    /// secret.
    pub fn is_sound(&self) -> bool {
        // Every secret scalar is a multiple of eight, so any one of them shows a point of low order.
        StaticSecret::from([1; 32])
            .diffie_hellman(&PublicKey::from(self.0))
            .was_contributory()
    }
}

/// The secret half of a [`SealKey`]: whoever destroys the last copy has deleted every value that was sealed to it.
/// Wiped from memory when dropped, never shown.
#[derive(Clone)]
pub struct OneTime(StaticSecret);

impl OneTime {
    /// The secret that these 32 random bytes are: fresh ones, or [`OneTime::bytes`] of a stored one.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(StaticSecret::from(bytes))
    }

    /// What to seal to.
    pub fn public(&self) -> SealKey {
        SealKey(PublicKey::from(&self.0).to_bytes())
    }

    /// The secret itself, to be stored where it can be destroyed.
    pub fn bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The value that was sealed to this key under `context`.
    ///
    /// # Errors
    /// [`NotOpened`], and never a part of a value.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        if sealed.len() > SEALED_BYTES {
            return Err(NotOpened);
        }
        let (sender, locked) = sealed.split_first_chunk::<32>().ok_or(NotOpened)?;
        let shared = self.0.diffie_hellman(&PublicKey::from(*sender));
        let keys = Keys::of(&shared, &SealKey(*sender), &self.public()).ok_or(NotOpened)?;
        let (key, nonce) = keys.halves();
        let padded = unlock(key, nonce, context, locked)?;
        unpadded(&padded).ok_or(NotOpened)
    }
}

impl fmt::Debug for OneTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OneTime({})", self.public().short())
    }
}

// The wiping hangs on features of the libraries: without them this no longer compiles.
const _: fn(StaticSecret, SharedSecret, XChaCha20Poly1305) = |secret, shared, cipher| {
    fn is_wiped(_: impl ZeroizeOnDrop) {}
    is_wiped(secret);
    is_wiped(shared);
    is_wiped(cipher);
};

/// Why a value is not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSealed {
    /// More than a sealed value holds.
    #[error("{0} bytes, where a value has at most {SEALED_VALUE_BYTES}")]
    TooLong(usize),
    /// The receiver's key is a point of low order.
    #[error("the key to seal to is of low order, so anybody could open what is sealed to it")]
    LowOrder,
}

/// The bytes do not open: altered, sealed to another key, or for another end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open with this key for this end")]
pub struct NotOpened;

/// Seals `value` to `to`, for the one end that `context` says: at most [`SEALED_BYTES`] bytes come out, and how many
/// shows the value's length in blocks of [`SEALED_BLOCK_BYTES`] alone.
///
/// `entropy` is 32 fresh random bytes. Should the same come twice, other values, keys or contexts still have other
/// one-time keys.
///
/// # Errors
/// [`NotSealed`] for a value that is too long or a key of low order.
pub fn seal(to: &SealKey, context: &[u8], value: &[u8], entropy: &[u8; 32]) -> Result<Vec<u8>, NotSealed> {
    // Lengths go before what varies in length, so that no two inputs are one text.
    let lengths = (context.len() as u64).to_le_bytes();
    let mut once = digest("intentcast/1/seal/once", &[entropy, &to.0, &lengths, context, value]);
    let sealed = seal_with(StaticSecret::from(once), to, context, value);
    once.zeroize();
    sealed
}

fn seal_with(once: StaticSecret, to: &SealKey, context: &[u8], value: &[u8]) -> Result<Vec<u8>, NotSealed> {
    if value.len() > SEALED_VALUE_BYTES {
        return Err(NotSealed::TooLong(value.len()));
    }
    let sender = SealKey(PublicKey::from(&once).to_bytes());
    let shared = once.diffie_hellman(&PublicKey::from(to.0));
    let keys = Keys::of(&shared, &sender, to).ok_or(NotSealed::LowOrder)?;
    let mut sealed = sender.0.to_vec();
    let (key, nonce) = keys.halves();
    sealed.extend(lock(key, nonce, context, &padded(value)));
    Ok(sealed)
}

/// What one shared secret gives, key and nonce: it is used once, so both come from it alone.
struct Keys(Zeroizing<[u8; 32 + NONCE]>);

impl Keys {
    /// `None` where one side's key was of low order.
    fn of(shared: &SharedSecret, sender: &SealKey, to: &SealKey) -> Option<Self> {
        if !shared.was_contributory() {
            return None;
        }
        let mut bytes = Zeroizing::new([0; 32 + NONCE]);
        Hkdf::<Sha256>::new(Some(b"intentcast/1/seal"), shared.as_bytes())
            .expand_multi_info(&[&sender.0, &to.0], &mut *bytes)
            .expect("56 bytes are fewer than the 8,160 that SHA-256 gives");
        Some(Self(bytes))
    }

    fn halves(&self) -> (&[u8; 32], &[u8; NONCE]) {
        let (key, nonce) = self.0.split_first_chunk().expect("the first of 56 bytes are 32");
        (key, nonce.first_chunk().expect("the rest of 56 bytes are 24"))
    }
}

/// Length, value, and zeros up to a whole block.
fn padded(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = u16::try_from(value.len()).expect("a value has at most 2,048 bytes");
    let whole = (LENGTH + value.len()).next_multiple_of(SEALED_BLOCK_BYTES);
    // All of its room at once: a vector that grows leaves copies behind.
    let mut padded = Zeroizing::new(Vec::with_capacity(whole));
    padded.extend(length.to_le_bytes());
    padded.extend(value);
    padded.resize(whole, 0);
    padded
}

/// The value in a padded one, if it is padded as we do it and not otherwise.
fn unpadded(padded: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (length, rest) = padded.split_first_chunk::<LENGTH>()?;
    let (value, zeros) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let is_ours = value.len() <= SEALED_VALUE_BYTES
        && padded.len() == (LENGTH + value.len()).next_multiple_of(SEALED_BLOCK_BYTES)
        && zeros.iter().all(|byte| *byte == 0);
    is_ours.then(|| Zeroizing::new(value.to_vec()))
}

/// `plain` under `key`, for the end that `context` says; as long as it was, and 16 bytes. A nonce serves a key once.
pub fn lock(key: &[u8; 32], nonce: &[u8; NONCE], context: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut locked = Vec::with_capacity(plain.len() + TAG);
    locked.extend_from_slice(plain);
    let tag = XChaCha20Poly1305::new(key.into())
        .encrypt_in_place_detached(XNonce::from_slice(nonce), context, &mut locked)
        .expect("the cipher takes 256 GiB");
    locked.extend_from_slice(&tag);
    locked
}

/// What was locked under this key, nonce and context.
///
/// # Errors
/// [`NotOpened`] where any of them, or any byte, is another.
pub fn unlock(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    context: &[u8],
    locked: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
    let (cipher, tag) = locked.split_last_chunk::<TAG>().ok_or(NotOpened)?;
    let mut plain = Zeroizing::new(cipher.to_vec());
    XChaCha20Poly1305::new(key.into())
        .decrypt_in_place_detached(XNonce::from_slice(nonce), context, &mut plain, Tag::from_slice(tag))
        .map_err(|_| NotOpened)?;
    Ok(plain)
}

#[cfg(test)]
mod tests;
