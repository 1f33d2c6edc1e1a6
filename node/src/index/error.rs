//! Why the index did not do what was asked.

use std::{io, path::PathBuf};

use crate::store::StoreError;

/// What went wrong. The index holds nothing of its own: where its folder is spoilt, removing it is always safe.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The catalogue that it is made from cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No room for it.
    #[error("no room on the disk for the index in {}: free some, then start the node again", .0.display())]
    Full(PathBuf),
    /// Anything else.
    #[error("the index in {} cannot be used: {why}; its folder may be removed, it is made anew", .path.display())]
    Unusable {
        /// Where it is.
        path: PathBuf,
        /// What does not work.
        why: String,
    },
}

impl IndexError {
    pub(super) fn io(path: PathBuf, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path),
            _ => Self::Unusable {
                path,
                why: error.to_string(),
            },
        }
    }

    pub(super) fn tantivy(path: PathBuf, error: &tantivy::TantivyError) -> Self {
        match error {
            tantivy::TantivyError::IoError(error) => Self::io(path, error),
            error => Self::Unusable {
                path,
                why: error.to_string(),
            },
        }
    }
}
