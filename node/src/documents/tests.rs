//! What is kept, what is refused, and what a fall or a full disk leaves behind.

use intentcast_protocol::text::{Name, Word};

use super::*;

const PIECE: usize = limits::PIECE_BYTES;

fn photo(length: usize) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0];
    bytes.extend((bytes.len()..length).map(|at| (at % 251) as u8));
    bytes
}

fn told(mime: &str, bytes: usize) -> Told {
    Told {
        mime: Word::new(mime).unwrap(),
        bytes: bytes as u32,
        name: Name::new("../../etc/passwd").unwrap(),
    }
}

fn key(bytes: &[u8], letter: u8) -> Key {
    Key {
        hash: hash_of(bytes),
        letter: RecordId([letter; 32]),
    }
}

/// As it comes over the wire, from `offset` on.
fn bring(documents: &Documents, key: &Key, bytes: &[u8], mut offset: usize) {
    while let Some(length) = piece_bytes(bytes.len() as u32, offset as u32) {
        documents
            .append(key, offset as u32, &bytes[offset..offset + length])
            .unwrap();
        offset += length;
    }
}

fn names(home: &Path) -> Vec<String> {
    let listed = fs::read_dir(home.join(DIR)).unwrap();
    let mut names: Vec<String> = listed
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_came_whole_is_kept_over_a_start_and_given_piece_by_piece() {
    let home = tempfile::tempdir().unwrap();
    let bytes = photo(2 * PIECE + 7);
    let key = key(&bytes, 1);
    {
        let documents = Documents::open(home.path()).unwrap();
        bring(&documents, &key, &bytes, 0);
        assert_eq!(documents.state(&key), OnDisk::Part(bytes.len() as u64));
        assert!(documents.whole(key.hash).is_none(), "not before it was looked at");
        documents.finish(&key, Some(&told("image/jpeg", bytes.len()))).unwrap();
    }
    assert_eq!(
        names(home.path()),
        [key.hash.to_string()],
        "and no name of a stranger's"
    );
    let documents = Documents::open(home.path()).unwrap();
    let whole = documents.whole(key.hash).unwrap();
    assert_eq!((whole.mime, whole.bytes as usize), (Form::Jpeg, bytes.len()));
    assert_eq!(documents.read(key.hash).unwrap(), Some(bytes.clone()));
    let (total, last) = documents.piece(key.hash, 2 * PIECE as u32).unwrap().unwrap();
    assert_eq!((total as usize, last.as_slice()), (bytes.len(), &bytes[2 * PIECE..]));
    assert!(documents.piece(key.hash, 3 * PIECE as u32).unwrap().is_none());
    assert!(documents.piece(EntryHash([9; 32]), 0).unwrap().is_none());
}

#[test]
fn after_a_fall_it_goes_on_with_the_last_piece_that_is_sure() {
    let home = tempfile::tempdir().unwrap();
    let bytes = photo(3 * PIECE + 7);
    let key = key(&bytes, 1);
    let documents = Documents::open(home.path()).unwrap();
    assert_eq!(documents.resume_at(&key), 0);
    for (had, at) in [
        (1, 0),
        (PIECE, 0),
        (PIECE + 1, PIECE),
        (2 * PIECE, PIECE),
        (2 * PIECE + 9, 2 * PIECE),
    ] {
        fs::write(documents.part(&key), &bytes[..had]).unwrap();
        let documents = Documents::open(home.path()).unwrap();
        assert_eq!(documents.resume_at(&key) as usize, at, "{had} bytes are here");
    }
    // Half of the last piece is garbage: it is written over.
    fs::write(documents.part(&key), [&bytes[..2 * PIECE], &[0; 9]].concat()).unwrap();
    let documents = Documents::open(home.path()).unwrap();
    bring(&documents, &key, &bytes, documents.resume_at(&key) as usize);
    documents.finish(&key, None).unwrap();
    assert_eq!(documents.read(key.hash).unwrap(), Some(bytes));
}

#[test]
fn a_lie_about_a_document_is_seen_and_nothing_of_it_is_left() {
    let home = tempfile::tempdir().unwrap();
    let documents = Documents::open(home.path()).unwrap();
    let jpeg = photo(100);
    let page = b"<html><script>alert(1)</script>".to_vec();
    let words = b"52 cm".to_vec();
    let cases: [(&[u8], Option<Told>, &str); 5] = [
        (
            &jpeg,
            Some(told("image/png", 100)),
            "announced as image/png, and is image/jpeg",
        ),
        (
            &jpeg,
            Some(told("image/jpeg", 99)),
            "announced with 99 bytes, and has 100",
        ),
        (&page, Some(told("text/plain", page.len())), "it is none of"),
        (&page, Some(told("text/html", page.len())), "it is none of"),
        (&words, None, "said to be a photo, and is text/plain"),
    ];
    for (at, (bytes, told, why)) in (1..).zip(cases) {
        let key = key(bytes, at);
        bring(&documents, &key, bytes, 0);
        let refused = documents.finish(&key, told.as_ref()).unwrap_err();
        assert!(
            matches!(refused, NotKept::Unfit(_)) && refused.to_string().contains(why),
            "{refused}"
        );
        documents.refuse(&key, &refused.to_string()).unwrap();
        assert!(documents.whole(key.hash).is_none());
    }
    let other = key(&jpeg, 9);
    bring(&documents, &other, &page, 0);
    assert!(matches!(documents.finish(&other, None), Err(NotKept::OtherBytes)));
    documents.refuse(&other, "another hash").unwrap();
    assert!(
        names(home.path()).iter().all(|name| name.ends_with(REFUSED)),
        "{:?}",
        names(home.path())
    );
    // It holds over a start, for this announcement alone: another one may tell the truth.
    let documents = Documents::open(home.path()).unwrap();
    assert_eq!(documents.state(&other), OnDisk::Refused("another hash".into()));
    let honest = key(&jpeg, 20);
    assert_eq!(documents.state(&honest), OnDisk::Nothing);
    bring(&documents, &honest, &jpeg, 0);
    documents.finish(&honest, Some(&told("image/jpeg", 100))).unwrap();
}

#[test]
fn what_may_not_be_sent_is_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let documents = Documents::open(home.path()).unwrap();
    let long = photo(limits::DOCUMENT_BYTES + 1);
    for bytes in [&b"<svg/>"[..], b"MZ\0", b"", &long] {
        assert!(matches!(documents.put(bytes), Err(NotKept::Unfit(_))));
    }
    assert!(names(home.path()).is_empty());
    let whole = documents.put(&photo(limits::DOCUMENT_BYTES)).unwrap();
    assert_eq!(
        documents.put(&photo(limits::DOCUMENT_BYTES)).unwrap(),
        whole,
        "twice is once"
    );
}

#[test]
fn there_is_room_for_so_much_and_what_is_forgotten_makes_some() {
    let home = tempfile::tempdir().unwrap();
    let documents = Documents::open(home.path()).unwrap();
    let fit = ROOM as usize / limits::DOCUMENT_BYTES;
    let mut first = None;
    for at in 0..fit {
        let mut bytes = photo(limits::DOCUMENT_BYTES);
        bytes[10] = at as u8;
        let whole = documents.put(&bytes).unwrap();
        first.get_or_insert(whole.hash);
    }
    let one = photo(100);
    let key = key(&one, 1);
    assert!(matches!(documents.put(&one), Err(NotKept::NoRoom)));
    assert!(matches!(documents.append(&key, 0, &one), Err(NotKept::NoRoom)));
    let gone = first.unwrap();
    assert!(documents.forget(gone).unwrap());
    assert!(!documents.forget(gone).unwrap());
    documents.append(&key, 0, &one).unwrap();
    let again = Documents::open(home.path()).unwrap();
    let of_gone = Key { hash: gone, ..key };
    assert_eq!(again.state(&of_gone), OnDisk::Forgotten, "it is not asked for again");
    again.want_again(gone).unwrap();
    assert_eq!(again.state(&of_gone), OnDisk::Nothing);
}

#[test]
fn a_disk_that_takes_no_more_leaves_what_came_before() {
    let home = tempfile::tempdir().unwrap();
    let documents = Documents::open(home.path()).unwrap();
    let bytes = photo(2 * PIECE);
    let key = key(&bytes, 1);
    documents.append(&key, 0, &bytes[..PIECE]).unwrap();
    // A folder in the file's place is a disk that takes nothing.
    let (part, aside) = (documents.part(&key), home.path().join("aside"));
    fs::rename(&part, &aside).unwrap();
    fs::create_dir(&part).unwrap();
    assert!(matches!(
        documents.append(&key, PIECE as u32, &bytes[PIECE..]),
        Err(NotKept::Disk(_))
    ));
    assert_eq!(documents.state(&key), OnDisk::Part(PIECE as u64));
    fs::remove_dir(&part).unwrap();
    fs::rename(&aside, &part).unwrap();
    bring(&documents, &key, &bytes, documents.resume_at(&key) as usize);
    documents.finish(&key, None).unwrap();
}

#[test]
fn a_file_that_rots_is_not_handed_out() {
    let home = tempfile::tempdir().unwrap();
    let documents = Documents::open(home.path()).unwrap();
    let whole = documents.put(&photo(100)).unwrap();
    let mut bytes = photo(100);
    bytes[50] ^= 1;
    fs::write(documents.path(whole.hash), &bytes).unwrap();
    assert!(documents.read(whole.hash).unwrap_err().to_string().contains("damaged"));
}

#[test]
fn with_what_spoke_of_them_documents_go() {
    let home = tempfile::tempdir().unwrap();
    let documents = Documents::open(home.path()).unwrap();
    let (kept, fresh, old, part) = (photo(100), photo(101), photo(102), photo(103));
    for bytes in [&kept, &fresh, &old] {
        documents.put(bytes).unwrap();
    }
    let key = key(&part, 1);
    documents.append(&key, 0, &part).unwrap();
    let long_ago = SystemTime::now() - 2 * GRACE;
    for bytes in [&kept, &old] {
        let file = fs::File::options()
            .write(true)
            .open(documents.path(hash_of(bytes)))
            .unwrap();
        file.set_modified(long_ago).unwrap();
    }
    let gone = documents
        .sweep(&BTreeSet::new(), &BTreeSet::from([hash_of(&kept)]))
        .unwrap();
    assert_eq!(gone, 2, "the old one, and what had begun to come");
    assert!(documents.whole(hash_of(&kept)).is_some(), "something speaks of it");
    assert!(
        documents.whole(hash_of(&fresh)).is_some(),
        "its letter may be on its way"
    );
    assert!(documents.whole(hash_of(&old)).is_none());
    assert_eq!(documents.state(&key), OnDisk::Nothing);
}
