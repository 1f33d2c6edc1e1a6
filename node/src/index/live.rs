//! One made index, and how it is made: whole, by one thread that is gone when it is done, and put in its place by a
//! rename, so that a crash leaves the old one, the new one or none.

use std::{collections::BTreeMap, fs, path::Path};

use intentcast_protocol::time::Timestamp;
use tantivy::{
    Index as Tantivy, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Term, directory::MmapDirectory,
    indexer::IndexWriterOptions,
};

use super::{
    error::IndexError,
    ordinals,
    parts::Parts,
    schema::{Documents, FORM, Fields},
};
use crate::store::{Stamp, Store};

/// Bytes of memory for terms while an index is made; the least that tantivy takes. More terms go out in more parts.
const WRITER_BYTES: usize = 15_000_000;

/// Items whose new words are read from the store at once.
const BATCH: usize = 1000;

/// Where the index is, in its folder.
const LIVE: &str = "live";
/// Where the next one is made.
const BUILDING: &str = "building";

/// An index that is searched.
pub struct Live {
    reader: IndexReader,
    pub parts: Parts,
    pub stamp: Stamp,
}

impl Live {
    /// The index in `dir`, if it is whole and made from the catalogue of this stamp; why not, otherwise.
    pub fn open(dir: &Path, stamp: Stamp) -> Result<Self, String> {
        let folder = dir.join(LIVE);
        if !folder.join("meta.json").exists() {
            return Err("there is none".into());
        }
        let open = || {
            let index = Tantivy::open_in_dir(&folder)?;
            let made_from = index.load_metas()?.payload;
            Ok((made_from, index.validate_checksum()?, index))
        };
        let (made_from, damaged, index) = open().map_err(|error: tantivy::TantivyError| error.to_string())?;
        if made_from.as_deref() != Some(label(stamp).as_str()) {
            return Err("it is of another catalogue or form".into());
        }
        if !damaged.is_empty() {
            return Err(format!("{} of its files are damaged", damaged.len()));
        }
        Self::reading(index, stamp, None).map_err(|error| error.to_string())
    }

    /// A new index of the store's catalogue, in `dir` or in memory.
    pub fn build(dir: Option<&Path>, store: &Store) -> Result<Self, IndexError> {
        let (schema, fields) = Fields::schema();
        let Some(dir) = dir else {
            let index = Tantivy::create_in_ram(schema);
            let stamp = fill(&index, fields, store, Path::new("memory"))?;
            return Self::reading(index, stamp, None).map_err(|error| IndexError::tantivy("memory".into(), &error));
        };
        let io = |error: std::io::Error| IndexError::io(dir.to_path_buf(), &error);
        let tantivy = |error: tantivy::TantivyError| IndexError::tantivy(dir.to_path_buf(), &error);
        let (building, live) = (dir.join(BUILDING), dir.join(LIVE));
        remove(&building).map_err(io)?;
        fs::create_dir_all(&building).map_err(io)?;
        let folder = MmapDirectory::open(&building).map_err(|error| tantivy(error.into()))?;
        let index = Tantivy::create(folder, schema, IndexSettings::default()).map_err(tantivy)?;
        let stamp = fill(&index, fields, store, dir)?;
        drop(index);
        remove(&live).map_err(io)?;
        fs::rename(&building, &live).map_err(io)?;
        Self::reading(Tantivy::open_in_dir(&live).map_err(tantivy)?, stamp, None).map_err(tantivy)
    }

    /// This index with the items of the ids in `touched` as the store has them now: one commit for all of them, while
    /// searches go on in this one. `None` where there is no room among the numbers of the others for what is new.
    pub fn updated(&self, store: &Store, touched: &[String], place: &Path) -> Result<Option<Self>, IndexError> {
        let failed = |error: tantivy::TantivyError| IndexError::tantivy(place.to_path_buf(), &error);
        let searcher = self.reader.searcher();
        let fields = self.parts.fields;
        let term = |id: &str| Term::from_field_text(fields.id, id);
        let mut ordinals = BTreeMap::new();
        for id in touched {
            ordinals.insert(id.as_str(), ordinals::known(&searcher, &term(id)).map_err(failed)?);
        }
        let unknown = ordinals.iter_mut().filter(|(_, ordinal)| ordinal.is_none());
        let (new, places): (Vec<&str>, Vec<&mut Option<u64>>) = unknown.map(|(id, place)| (*id, place)).unzip();
        let Some(numbers) = ordinals::between(&searcher, &fields, &new).map_err(failed)? else {
            return Ok(None);
        };
        for (place, number) in places.into_iter().zip(numbers) {
            *place = Some(number);
        }
        let index = searcher.index().clone();
        let mut writer: IndexWriter = index.writer_with_options(options()).map_err(failed)?;
        let mut documents = Documents::new(fields);
        let stamp = store.catalogue()?;
        for ids in touched.chunks(BATCH) {
            for (id, item) in ids.iter().zip(store.items(ids)?) {
                writer.delete_term(term(id));
                if let (Some(item), Some(Some(ordinal))) = (item, ordinals.get(id.as_str())) {
                    writer
                        .add_document(documents.document(*ordinal, &item))
                        .map_err(failed)?;
                }
            }
        }
        let mut commit = writer.prepare_commit().map_err(failed)?;
        commit.set_payload(&label(stamp));
        commit.commit().map_err(failed)?;
        writer.wait_merging_threads().map_err(failed)?;
        Self::reading(index, stamp, Some(&self.parts)).map(Some).map_err(failed)
    }

    fn reading(index: Tantivy, stamp: Stamp, before: Option<&Parts>) -> tantivy::Result<Self> {
        // It never changes, so nobody need watch it.
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self {
            parts: Parts::open(&IndexReader::searcher(&reader), Fields::schema().1, before)?,
            reader,
            stamp,
        })
    }
}

fn options() -> IndexWriterOptions {
    IndexWriterOptions::builder()
        .memory_budget_per_thread(WRITER_BYTES)
        .num_worker_threads(1)
        .num_merge_threads(1)
        .build()
}

fn fill(index: &Tantivy, fields: Fields, store: &Store, place: &Path) -> Result<Stamp, IndexError> {
    let failed = |error: tantivy::TantivyError| IndexError::tantivy(place.to_path_buf(), &error);
    let mut writer: IndexWriter = index.writer_with_options(options()).map_err(failed)?;
    let mut documents = Documents::new(fields);
    let mut items = 0;
    let stamp = store.for_each_item(|item| {
        writer
            .add_document(documents.document(ordinals::nth(items), &item))
            .map_err(failed)?;
        items += 1;
        Ok::<_, IndexError>(())
    })?;
    let mut commit = writer.prepare_commit().map_err(failed)?;
    commit.set_payload(&label(stamp));
    commit.commit().map_err(failed)?;
    writer.wait_merging_threads().map_err(failed)?;
    Ok(stamp)
}

/// What an index is made from, as it is written into it.
fn label(
    Stamp {
        generation,
        counted: Timestamp(counted),
        items,
    }: Stamp,
) -> String {
    format!("form {FORM}, generation {generation}, counted {counted}, items {items}")
}

fn remove(dir: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
