//! What a seller waits for, by name.

use std::collections::BTreeMap;

use intentcast_protocol::{
    codec::{decode, encode},
    limits,
    standing::Sought,
    text::Word,
};
use redb::{ReadableTable, ReadableTableMetadata, TableError};

use super::{Store, StoreError, tables::INTERESTS};

impl Store {
    /// Every standing interest.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where what stands there is none.
    pub fn interests(&self) -> Result<BTreeMap<Word, Sought>, StoreError> {
        let rows = self.read(|read| {
            // A store of an earlier version has no such table until one is kept.
            let table = match read.open_table(INTERESTS) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            table
                .iter()?
                .map(|row| {
                    let (name, bytes) = row?;
                    Ok((name.value().to_owned(), bytes.value().to_vec()))
                })
                .collect::<Result<Vec<_>, redb::Error>>()
        })?;
        let damaged = |name: &str, why: String| StoreError::Damaged {
            path: self.path.clone(),
            why: format!("interest {name:?}: {why}"),
        };
        rows.into_iter()
            .map(|(name, bytes)| {
                let word = Word::new(&name).map_err(|why| damaged(&name, why.to_string()))?;
                let sought = decode(&bytes).map_err(|why| damaged(&name, why.to_string()))?;
                Ok((word, sought))
            })
            .collect()
    }

    /// Keeps an interest, in the place of one of the same name; says whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Many`] where [`limits::INTERESTS`] are kept already.
    pub fn keep_interest(&self, name: &Word, sought: &Sought) -> Result<bool, StoreError> {
        let bytes = encode(sought);
        self.write(|write| {
            let mut table = write.open_table(INTERESTS)?;
            let replaced = table.insert(name.as_str(), bytes.as_slice())?.is_some();
            if table.len()? > limits::INTERESTS as u64 {
                return Ok(Err(StoreError::Many(limits::INTERESTS)));
            }
            Ok(Ok(replaced))
        })
    }

    /// Forgets an interest; says whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_interest(&self, name: &str) -> Result<bool, StoreError> {
        self.write(|write| {
            let mut table = write.open_table(INTERESTS)?;
            let was = table.remove(name)?.is_some();
            Ok(Ok(was))
        })
    }
}
