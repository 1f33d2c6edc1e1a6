//! What was brought here from elsewhere, by name: bytes that say of themselves what they are, apart from the ledger.

use redb::{ReadableTable, ReadableTableMetadata, TableError};

use super::{Store, StoreError, tables::ARCHIVE};

/// Things that an archive holds: every order of a long life, with room.
pub const ARCHIVED: u64 = 20_000;
/// Bytes of the rows that one look gives at most, the last row aside.
const PAGE_BYTES: usize = 512 * 1024;

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Not there before.
    Added,
    /// There before, and otherwise now.
    Changed,
    /// As it was.
    Unchanged,
}

impl Store {
    /// Keeps these rows, all of them or none; one that is there gives way only where `gives_way(before, now)` says so.
    ///
    /// # Errors
    /// [`StoreError::Archive`] where more than [`ARCHIVED`] would be there.
    pub fn archive(
        &self,
        rows: &[(String, Vec<u8>)],
        gives_way: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Result<Vec<Fate>, StoreError> {
        self.write(|write| {
            let mut table = write.open_table(ARCHIVE)?;
            let mut fates = Vec::with_capacity(rows.len());
            for (key, bytes) in rows {
                let before = table.get(key.as_str())?.map(|before| before.value().to_vec());
                let fate = match before {
                    None => Fate::Added,
                    Some(before) if before != *bytes && gives_way(&before, bytes) => Fate::Changed,
                    Some(_) => Fate::Unchanged,
                };
                if fate != Fate::Unchanged {
                    table.insert(key.as_str(), bytes.as_slice())?;
                }
                fates.push(fate);
            }
            if table.len()? > ARCHIVED {
                return Ok(Err(StoreError::Archive(ARCHIVED)));
            }
            Ok(Ok(fates))
        })
    }

    /// Rows after this key in their order, as many as one look gives; none after the last.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read.
    pub fn archived(&self, after: Option<&str>) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.read(|read| {
            // A store of an earlier version has no such table until something comes.
            let table = match read.open_table(ARCHIVE) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            let (mut rows, mut size) = (Vec::new(), 0);
            for row in table.range(after.unwrap_or_default()..)? {
                let (key, bytes) = row?;
                if Some(key.value()) == after {
                    continue;
                }
                size += bytes.value().len();
                rows.push((key.value().to_owned(), bytes.value().to_vec()));
                if size >= PAGE_BYTES {
                    break;
                }
            }
            Ok(rows)
        })
    }
}
