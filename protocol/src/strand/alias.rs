//! Mail addresses of which each grant has its own: `ann@example.org` becomes `ann+k3v9x2m4qf@example.org`, which is
//! delivered to the same box and says, wherever it turns up, to whom it was given.
//!
//! The tag is worked out from the grant and a secret, so nobody else can make or recognise one, and nothing need be
//! kept to find the way back.

use std::fmt;

use zeroize::Zeroizing;

use super::form::{EMAIL_BYTES, LOCAL_BYTES};
use crate::id::{RecordId, digest};

/// Characters of a tag: ten of 32 letters are 50 bits, more than anybody tries by sending mail.
const TAG: usize = 10;
/// Letters of a tag, without those that are taken for others.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// What tags are made with: 32 random bytes that never leave, wiped from memory when dropped.
#[derive(Clone)]
pub struct AliasSecret(Zeroizing<[u8; 32]>);

impl AliasSecret {
    /// A secret of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to be stored.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn tag(&self, grant: &RecordId) -> String {
        let hash = digest("intentcast/1/alias", &[&*self.0, &grant.0]);
        hash[..TAG]
            .iter()
            .map(|byte| char::from(LETTERS[usize::from(byte & 31)]))
            .collect()
    }
}

impl fmt::Debug for AliasSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AliasSecret(..)")
    }
}

/// Why there is no alias of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAlias {
    /// It is no mail address.
    #[error("only a mail address has aliases")]
    NotAnAddress,
    /// With a tag it would be longer than mail allows.
    #[error("the mail address is too long to take a tag")]
    TooLong,
}

/// The address that one grant alone is given.
///
/// An address that has a tag of its own keeps it, and ours is set behind it.
///
/// # Errors
/// [`NoAlias`].
pub fn alias(address: &str, grant: &RecordId, secret: &AliasSecret) -> Result<String, NoAlias> {
    let (local, domain) = address.rsplit_once('@').ok_or(NoAlias::NotAnAddress)?;
    let before = if local.contains('+') { '-' } else { '+' };
    let local = format!("{local}{before}{}", secret.tag(grant));
    if local.len() > LOCAL_BYTES || local.len() + 1 + domain.len() > EMAIL_BYTES {
        return Err(NoAlias::TooLong);
    }
    Ok(format!("{local}@{domain}"))
}

/// The one of `grants` that this address was given to, in whatever letters it comes back.
pub fn grant_of<'a>(
    address: &str,
    grants: impl IntoIterator<Item = &'a RecordId>,
    secret: &AliasSecret,
) -> Option<&'a RecordId> {
    let (local, _) = address.rsplit_once('@')?;
    let (_, tags) = local.split_once('+')?;
    let tag = tags.rsplit('-').next()?.to_ascii_lowercase();
    grants.into_iter().find(|grant| secret.tag(grant) == tag)
}
