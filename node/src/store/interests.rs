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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests {
    use intentcast_protocol::{list::List, text::Title};

    use super::*;

    fn bikes() -> Sought {
        Sought {
            any_of: List::cut([Title::new("e-bike").unwrap()]),
            over: Some("800 GBP".parse().unwrap()),
            ..Sought::default()
        }
    }

    #[test]
    fn what_is_waited_for_is_kept_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let name = Word::new("e-bikes").unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(store.interests().unwrap().is_empty(), "a store of before has none");
        assert!(!store.forget_interest("e-bikes").unwrap());
        assert!(!store.keep_interest(&name, &Sought::default()).unwrap());
        assert!(store.keep_interest(&name, &bikes()).unwrap());
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.interests().unwrap(), [(name, bikes())].into());
        assert!(store.forget_interest("e-bikes").unwrap());
        assert!(store.interests().unwrap().is_empty());
    }

    #[test]
    fn more_than_so_many_are_not_waited_for() {
        let store = Store::in_memory().unwrap();
        store
            .write(|write| {
                let mut table = write.open_table(INTERESTS)?;
                for n in 0..limits::INTERESTS {
                    table.insert(n.to_string().as_str(), encode(&bikes()).as_slice())?;
                }
                Ok(Ok(()))
            })
            .unwrap();
        let first = Word::new("0").unwrap();
        assert!(
            store.keep_interest(&first, &bikes()).unwrap(),
            "in the place of another"
        );
        let one_more = store.keep_interest(&Word::new("one more").unwrap(), &bikes());
        assert!(matches!(one_more, Err(StoreError::Many(limits::INTERESTS))));
        assert_eq!(store.interests().unwrap().len(), limits::INTERESTS);
    }
}
