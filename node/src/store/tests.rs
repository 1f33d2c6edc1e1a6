use std::{
    fmt,
    io::{self, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use intentcast_protocol::{
    category::GENERAL,
    intent::{Condition, Language},
    item::{Description, Item},
    money::Money,
    text::{Name, Title, Word},
    time::Timestamp,
};

use super::*;

fn entry(number: u64) -> Stored {
    Stored {
        number,
        bytes: format!("entry {number}").into_bytes(),
    }
}

fn numbers(store: &Store) -> Vec<u64> {
    store.entries(0).unwrap().map(|entry| entry.unwrap().number).collect()
}

fn item(id: &str, price: &str) -> Item {
    Item {
        id: Word::new(id).unwrap(),
        title: Title::new("a thing").unwrap(),
        brand: Name::default(),
        description: Description::default(),
        gtin: None,
        category: GENERAL,
        price: price.parse::<Money>().unwrap(),
        condition: Condition::New,
        stock: Some(1),
        language: Language::ENGLISH,
        attributes: Vec::new(),
    }
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.append(&[entry(0), entry(1)]).unwrap();
    store.append(&[entry(2)]).unwrap();
    store.replace_catalogue([item("a", "1 GBP")], Timestamp(7)).unwrap();
    drop(store);

    let store = Store::open(dir.path()).unwrap();
    assert_eq!(numbers(&store), [0, 1, 2]);
    assert_eq!(store.entries(2).unwrap().next().unwrap().unwrap(), entry(2));
    assert_eq!(store.entry_count().unwrap(), 3);
    assert_eq!(store.item("a").unwrap(), Some(item("a", "1 GBP")));
    assert_eq!(
        store.catalogue().unwrap(),
        Stamp {
            generation: 1,
            counted: Timestamp(7),
            items: 1
        }
    );
}

#[test]
fn an_entry_that_does_not_follow_is_refused_with_its_whole_batch() {
    let store = Store::in_memory().unwrap();
    assert!(matches!(
        store.append(&[entry(1)]),
        Err(StoreError::Gap { expected: 0, given: 1 })
    ));
    store.append(&[entry(0)]).unwrap();
    assert!(matches!(
        store.append(&[entry(1), entry(3)]),
        Err(StoreError::Gap { expected: 2, given: 3 })
    ));
    assert!(matches!(store.append(&[entry(1), entry(0)]), Err(StoreError::Taken(0))));
    assert_eq!(numbers(&store), [0]);
    store.append(&[]).unwrap();
    store.append(&[entry(1)]).unwrap();
    assert_eq!(numbers(&store), [0, 1]);
}

#[test]
fn an_import_says_what_it_changed() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.counted().unwrap(), Timestamp(0));
    let first = [item("a", "1 GBP"), item("b", "2 GBP"), item("c", "3 GBP")];
    let diff = store.replace_catalogue(first, Timestamp(1)).unwrap();
    assert_eq!(
        diff,
        Diff {
            added: 3,
            ..Diff::default()
        }
    );
    let second = [
        item("a", "1 GBP"),
        item("b", "4 GBP"),
        item("d", "5 GBP"),
        item("d", "6 GBP"),
    ];
    let diff = store.replace_catalogue(second, Timestamp(2)).unwrap();
    assert_eq!(
        diff,
        Diff {
            added: 1,
            changed: 1,
            removed: 1,
            unchanged: 1
        }
    );
    assert_eq!(store.item("c").unwrap(), None);
    let mut seen = Vec::new();
    let stamp = store
        .for_each_item(|item| {
            seen.push((item.id.to_string(), item.price.minor));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(seen, [("a".into(), 100), ("b".into(), 400), ("d".into(), 600)]);
    assert_eq!(
        stamp,
        Stamp {
            generation: 2,
            counted: Timestamp(2),
            items: 3
        }
    );
    let some = store.items(&["d".into(), "c".into()]).unwrap();
    assert_eq!(some, [Some(item("d", "6 GBP")), None]);
}

#[test]
fn a_second_node_on_the_folder_is_told_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(dir.path()).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Busy(_)), "{error:?}");
    assert!(error.to_string().contains("--home"));
    drop(first);
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_later_form_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store
        .write(|write| {
            write.open_table(META)?.insert(META_SCHEMA, SCHEMA + 1)?;
            Ok(Ok(()))
        })
        .unwrap();
    drop(store);
    for _ in 0..2 {
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 2, known: 1 }), "{error:?}");
    }
}

#[test]
fn a_file_of_another_kind_is_damaged_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let text = b"not a database at all, but long enough to be taken for the head of one".repeat(200);
    fs::write(&path, &text).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), text);
}

#[test]
fn a_folder_that_is_a_file_is_no_place_for_a_store() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(file.path()).unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
}

#[test]
fn what_the_system_says_becomes_what_to_do() {
    let said = |kind: io::ErrorKind| StoreError::io(Path::new("f"), &kind.into());
    assert!(matches!(said(io::ErrorKind::PermissionDenied), StoreError::ReadOnly(_)));
    assert!(matches!(
        said(io::ErrorKind::ReadOnlyFilesystem),
        StoreError::ReadOnly(_)
    ));
    assert!(matches!(said(io::ErrorKind::QuotaExceeded), StoreError::Full(_)));
}

/// Any spoilt page is an error on opening, or was in no use: what can be read is what was written.
#[test]
fn a_spoilt_byte_is_found_and_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let entries: Vec<Stored> = (0..200)
        .map(|n| Stored {
            number: n,
            bytes: vec![n as u8; 300],
        })
        .collect();
    store.append(&entries).unwrap();
    drop(store);
    let path = dir.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for at in (0..whole.len()).step_by(whole.len() / 150 + 1) {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0x55;
        fs::File::create(&path).unwrap().write_all(&spoilt).unwrap();
        match Store::open(dir.path()) {
            Err(_) => refused += 1,
            Ok(store) => {
                let read: Vec<Stored> = store.entries(0).unwrap().map(Result::unwrap).collect();
                assert_eq!(read, entries, "byte {at}");
            }
        }
    }
    assert!(refused > 3, "{refused} spoilt files were found out");
}

/// Storage that remembers each operation, and can run out of room.
#[derive(Clone, Default)]
struct Tape {
    bytes: Arc<Mutex<Vec<u8>>>,
    log: Arc<Mutex<Vec<Op>>>,
    full: Arc<AtomicBool>,
}

#[derive(Clone)]
enum Op {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
    /// Not an operation of the storage: the store said that so many entries are safe.
    Acknowledged(u64),
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tape")
    }
}

fn apply(bytes: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write(at, written) => {
            let (at, end) = (*at as usize, *at as usize + written.len());
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[at..end].copy_from_slice(written);
        }
        Op::SetLen(len) => bytes.resize(*len as usize, 0),
        Op::Sync | Op::Acknowledged(_) => {}
    }
}

impl Tape {
    fn of(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Arc::new(Mutex::new(bytes)),
            ..Self::default()
        }
    }

    fn take(&self, op: Op) -> io::Result<()> {
        if self.full.load(Ordering::Relaxed) && !matches!(op, Op::Acknowledged(_)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        apply(&mut self.bytes.lock().unwrap(), &op);
        self.log.lock().unwrap().push(op);
        Ok(())
    }
}

impl redb::StorageBackend for Tape {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.bytes.lock().unwrap();
        let part = bytes.get(offset as usize..offset as usize + out.len());
        out.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.take(Op::SetLen(len))
    }
    fn sync_data(&self) -> io::Result<()> {
        self.take(Op::Sync)
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.take(Op::Write(offset, data.to_vec()))
    }
}

/// Power fails after any operation: all up to the last sync is on the disk, and of the rest whatever the disk liked.
#[test]
fn power_that_fails_anywhere_loses_nothing_acknowledged() {
    let tape = Tape::default();
    let store = Store::over(tape.clone()).unwrap();
    for batch in 0..4 {
        store.append(&[entry(2 * batch), entry(2 * batch + 1)]).unwrap();
        tape.take(Op::Acknowledged(2 * batch + 2)).unwrap();
    }
    let log = tape.log.lock().unwrap().clone();
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    for end in 0..=log.len() {
        let done = &log[..end];
        let synced = done
            .iter()
            .rposition(|op| matches!(op, Op::Sync))
            .map_or(0, |at| at + 1);
        let acknowledged = done.iter().rev().find_map(|op| match op {
            Op::Acknowledged(entries) => Some(*entries),
            _ => None,
        });
        let mut bytes = Vec::new();
        for (at, op) in done.iter().enumerate() {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            if at < synced || matches!(op, Op::SetLen(_)) || dice & 1 == 0 {
                apply(&mut bytes, op);
            }
        }
        match Store::over(Tape::of(bytes)) {
            Ok(store) => {
                let kept = numbers(&store);
                assert!(kept.len() as u64 >= acknowledged.unwrap_or(0), "after operation {end}");
                assert_eq!(kept, (0..kept.len() as u64).collect::<Vec<_>>());
                assert!(kept.len().is_multiple_of(2), "a batch counts whole or not at all");
            }
            // Before the first commit of all, a torn file may be no store yet.
            Err(error) => assert_eq!(acknowledged, None, "after operation {end}: {error}"),
        }
    }
}

#[test]
fn a_full_disk_is_said_and_takes_nothing_acknowledged() {
    let tape = Tape::default();
    let store = Store::over(tape.clone()).unwrap();
    store.append(&[entry(0)]).unwrap();
    tape.full.store(true, Ordering::Relaxed);
    let error = store
        .append(&[Stored {
            number: 1,
            bytes: vec![1; 60_000],
        }])
        .unwrap_err();
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    drop(store);
    let after = tape.bytes.lock().unwrap().clone();
    assert_eq!(numbers(&Store::over(Tape::of(after)).unwrap()), [0]);
}

fn many(from: u32, to: u32, price: &str) -> impl Iterator<Item = Item> {
    (from..to).map(move |n| item(&format!("i-{n:06}"), price))
}

fn prices(store: &Store) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    let see = |item: Item| {
        all.push((item.id.to_string(), item.price.minor));
        Ok::<_, StoreError>(())
    };
    store.for_each_item(see).unwrap();
    all
}

#[test]
fn a_large_change_and_a_small_one_come_to_the_same() {
    let store = Store::in_memory().unwrap();
    let count = 30_000;
    assert_eq!(
        store
            .replace_catalogue(many(0, count, "1 GBP"), Timestamp(1))
            .unwrap()
            .added,
        u64::from(count)
    );
    // More than fits a change in place: the rest is carried over.
    let next = many(100, 25_000, "2 GBP").chain(many(25_000, count, "1 GBP"));
    let diff = store.replace_catalogue(next, Timestamp(2)).unwrap();
    assert_eq!(
        diff,
        Diff {
            added: 0,
            changed: 24_900,
            removed: 100,
            unchanged: 5_000
        }
    );
    let all = prices(&store);
    assert_eq!(all.len(), 29_900);
    assert!(
        all.iter()
            .all(|(id, minor)| (*minor == 200) == (id.as_str() < "i-025000"))
    );
    let mut staging = store.begin_import().unwrap();
    let small: Vec<Item> = many(100, 25_000, "2 GBP")
        .chain(many(25_000, count, "3 GBP"))
        .skip(1)
        .collect();
    store.stage(&mut staging, &small).unwrap();
    let taken = store.finish_import(staging, Timestamp(3)).unwrap();
    assert_eq!(
        (
            taken.diff.changed,
            taken.diff.removed,
            taken.touched.map(|ids| ids.len())
        ),
        (5_000, 1, Some(5_001))
    );
    assert_eq!(taken.from.counted, Timestamp(2));
    let all = prices(&store);
    assert_eq!((all.len(), all[0].0.as_str(), all[29_898].1), (29_899, "i-000101", 300));
}

#[test]
fn an_import_that_breaks_off_changes_nothing_and_makes_room_for_the_next() {
    let store = Store::in_memory().unwrap();
    store.replace_catalogue([item("a", "1 GBP")], Timestamp(1)).unwrap();
    let mut staging = store.begin_import().unwrap();
    store.stage(&mut staging, &[item("b", "1 GBP")]).unwrap();
    assert!(matches!(store.begin_import(), Err(StoreError::Importing)));
    // The ledger goes on meanwhile.
    store.append(&[entry(0)]).unwrap();
    drop(staging);
    assert_eq!(store.catalogue().unwrap().items, 1);
    let diff = store.replace_catalogue([item("a", "1 GBP")], Timestamp(2)).unwrap();
    assert_eq!((diff.unchanged, diff.added), (1, 0));
}

#[test]
fn the_last_of_an_id_counts_whatever_the_first_one_was() {
    let store = Store::in_memory().unwrap();
    store
        .replace_catalogue([item("a", "1 GBP"), item("b", "1 GBP")], Timestamp(1))
        .unwrap();
    let again = [
        item("a", "2 GBP"),
        item("a", "1 GBP"),
        item("b", "1 GBP"),
        item("b", "2 GBP"),
        item("c", "1 GBP"),
        item("c", "2 GBP"),
    ];
    let diff = store.replace_catalogue(again, Timestamp(2)).unwrap();
    assert_eq!(
        diff,
        Diff {
            added: 1,
            changed: 1,
            removed: 0,
            unchanged: 1
        }
    );
    assert_eq!(
        prices(&store),
        [("a".into(), 100), ("b".into(), 200), ("c".into(), 200)]
    );
}

#[test]
fn whoever_reads_while_a_catalogue_comes_in_sees_the_old_one_or_the_new_one() {
    let store = Store::in_memory().unwrap();
    store.replace_catalogue(many(0, 3000, "1 GBP"), Timestamp(1)).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !is_done.load(std::sync::atomic::Ordering::Acquire) || looks == 0 {
                let all = prices(&store);
                assert!(
                    all.len() == 3000 && all.iter().all(|(_, minor)| *minor == all[0].1),
                    "{:?}",
                    all[0]
                );
                looks += 1;
            }
        });
        for price in ["2 GBP", "3 GBP", "4 GBP"] {
            store.replace_catalogue(many(0, 3000, price), Timestamp(2)).unwrap();
        }
        is_done.store(true, std::sync::atomic::Ordering::Release);
        reader.join().unwrap();
    });
    assert_eq!(prices(&store)[0].1, 400);
}
