//! Why the store did not do what was asked, in words for the person who runs the node.

use std::{
    io,
    path::{Path, PathBuf},
};

/// What went wrong, and what to do about it. In each case nothing was half done: a transaction counts whole or not at
/// all.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error("{} is in use by another node: stop that one, or give this one a folder of its own with --home", .0.display())]
    Busy(PathBuf),
    /// The file is not what was written.
    #[error("{} is damaged ({why}): move it away and restore it from a backup; nothing in it was changed", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What does not hold.
        why: String,
    },
    /// The disk has no room.
    #[error("no room on the disk of {}: free some; what was acknowledged is safe", .0.display())]
    Full(PathBuf),
    /// The folder or file may not be written.
    #[error("{} may not be written: let this user write it, or choose another folder with --home", .0.display())]
    ReadOnly(PathBuf),
    /// Anything else that the system would not do.
    #[error("{} cannot be used: {why}", .path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Written by a later version.
    #[error("the store has form {found}, this version knows {known}: run the version that wrote it, or a later one")]
    Newer {
        /// The form found.
        found: u64,
        /// The newest form that this code reads.
        known: u64,
    },
    /// An entry that does not follow the last one; nothing of the batch was written.
    #[error("entry {given} cannot follow: entry {expected} comes next")]
    Gap {
        /// Which has to come.
        expected: u64,
        /// Which came.
        given: u64,
    },
    /// An entry whose number is taken; nothing of the batch was written.
    #[error("entry {0} is already written, and nothing written changes")]
    Taken(u64),
    /// No more standing interests; nothing was kept.
    #[error("{0} interests stand, and no more fit: remove some")]
    Many(usize),
    /// No more in the cart; nothing was kept.
    #[error("{0} such things are in the cart, and no more fit: remove some")]
    CartFull(u64),
    /// The archive is full; nothing was put into it.
    #[error("the archive holds {0} things, and no more fit")]
    Archive(u64),
    /// Another import is under way.
    #[error("another catalogue is being taken in: wait until that is done")]
    Importing,
    /// An item that could not be read back; nothing of the catalogue was written.
    #[error(
        "item {id:?} takes {bytes} bytes, where {} fit: give it fewer attributes",
        super::ITEM_BYTES
    )]
    Oversize {
        /// Its id.
        id: String,
        /// How long its encoding is.
        bytes: usize,
    },
}

impl StoreError {
    /// The same of a file, from what the system said of it.
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let path = path.to_path_buf();
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => Self::Full(path),
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::ReadOnly(path),
            Kind::InvalidData | Kind::UnexpectedEof => Self::Damaged {
                path,
                why: error.to_string(),
            },
            _ => Self::Unusable {
                path,
                why: error.to_string(),
            },
        }
    }

    /// The same of a file, from what redb said of it.
    pub(super) fn redb(path: &Path, error: impl Into<redb::Error>) -> Self {
        let damaged = |why: String| Self::Damaged {
            path: path.to_path_buf(),
            why,
        };
        match error.into() {
            redb::Error::Io(error) => Self::io(path, &error),
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => Self::Busy(path.to_path_buf()),
            redb::Error::Corrupted(why) => damaged(why),
            error @ (redb::Error::RepairAborted
            | redb::Error::UpgradeRequired(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TypeDefinitionChanged { .. }) => damaged(error.to_string()),
            redb::Error::PreviousIo => Self::Unusable {
                path: path.to_path_buf(),
                why: "an earlier write failed; it is opened anew at the next try".into(),
            },
            error => Self::Unusable {
                path: path.to_path_buf(),
                why: error.to_string(),
            },
        }
    }
}
