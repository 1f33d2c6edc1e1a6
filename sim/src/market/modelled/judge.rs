//! What a signature is in a run: made and verified by every node, or verified once.

use crate::scenario::Signatures;

/// Who checks the signatures of what is gossiped.
#[derive(Debug)]
pub struct Judge {
    signatures: Signatures,
}

impl Judge {
    /// As a scenario says.
    pub fn of(signatures: Signatures) -> Self {
        Self { signatures }
    }
}
